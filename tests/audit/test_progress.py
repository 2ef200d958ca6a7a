"""The live display of an audit on a terminal."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from rich.console import Console

from scanner.audit.item import Scope
from scanner.audit.pace import Count
from scanner.audit.unit import Unit
from scanner.cli.progress import Progress
from scanner.model import Gap
from tests.door import CALM, MEASURED
from tests.fake_aws import Fake

EAST, WEST = Scope("111122223333", "us-east-1"), Scope("111122223333", "us-west-2")


def drawn(progress: Progress) -> str:
    console = Console(file=io.StringIO(), width=100)
    console.print(progress.render())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_it_shows_what_is_under_way_and_what_is_left() -> None:
    progress = Progress(3)
    progress.begin(EAST, 2)
    progress.begin(WEST, 1)
    progress.asks(lambda: {"sagemaker:ListModels": Count(1200, 7, 1)})
    progress.read(EAST, 4100)
    progress.end(EAST, Unit("AWS::SageMaker::Model", "partial", gaps=(Gap("a", "b"),)))
    progress.end(WEST, Unit("AWS::SageMaker::Model", "judged"))
    shown = drawn(progress)
    assert "111122223333/us-east-1" in shown
    assert "us-west-2" not in shown
    assert "1/2 types" in shown
    assert "4,100 resources" in shown
    assert "1 gap" in shown
    assert "2 of 3 regions left · 1,200 calls" in shown
    assert "7 throttled" in shown
    progress.clock.stop()
    assert "stopping" in drawn(progress)


def test_a_terminal_gets_it_and_the_report_stays_clean(tmp_path: Path) -> None:
    leader, follower = os.openpty()
    with Fake() as fake, os.fdopen(leader, "rb", buffering=0) as terminal:
        environment = {
            **CALM,
            **fake.environment(),
            **MEASURED,
            "TERM": "xterm",
            "XDG_CACHE_HOME": str(tmp_path),
        }
        words = ("audit", "--select", "notebook-root-access", "-f", "json")
        done = subprocess.run(
            [sys.executable, "-m", "scanner", *words],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=follower,
            check=True,
            timeout=60,
        )
        os.close(follower)
        said = b"".join(_chunks(terminal)).decode()
    assert json.loads(done.stdout)["summary"]["complete"]
    assert "regions left" in said
    assert "Audited: 0 resources" in said


def _chunks(terminal: io.FileIO) -> Iterator[bytes]:
    """All that a terminal got, which comes in pieces and ends with an error once nobody writes to it."""
    with suppress(OSError):
        while chunk := terminal.read(100_000):
            yield chunk
