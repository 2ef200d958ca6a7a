"""`smguard audit` as a person runs it, against the fake AWS and in this process."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

from scanner.audit import access, door
from scanner.cli import main
from tests.audit.fast import FastClock
from tests.door import CALM, Ran
from tests.fake_aws import Fake


@contextmanager
def _led_to(environment: Mapping[str, str], folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    try:
        with patch.dict(
            os.environ, {**own, **CALM, **environment, "XDG_CACHE_HOME": str(folder)}, clear=True
        ):
            access.forget()
            yield
    finally:
        access.forget()
        if door.store_at.cache_info().currsize:
            for path in (None, "", str(folder / "store")):
                door.store_at(path).close()
        door.store_at.cache_clear()
        os.chdir(before)


def audit(fake: Fake, folder: Path, *words: str | Path, **environment: str) -> Ran:
    """Run it in `folder`, where its store is too."""
    out, err = io.StringIO(), io.StringIO()
    code: Any = 0
    arguments = ["smguard", "audit", *map(str, words)]
    with (
        _led_to({**fake.environment(), **environment}, folder),
        redirect_stdout(out),
        redirect_stderr(err),
        patch.object(sys, "argv", arguments),
        patch("scanner.audit.job.Clock", FastClock),
        patch("scanner.audit.account.Clock", FastClock),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code
    return Ran(code, out.getvalue(), err.getvalue())


def found(report: Any) -> set[tuple[str, str, str, str]]:
    """(control, verdict, resource, place) of every finding."""
    return {
        (each["control"], each["verdict"], each["resource"]["name"], each["location"]["path"])
        for each in report["findings"]
    }


def shown(report: Any) -> str:
    """A report in one line, for assertions that fail."""
    return json.dumps(report)[:4000]
