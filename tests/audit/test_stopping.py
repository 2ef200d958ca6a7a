"""Ctrl-C ends an audit in seconds with a report that is valid, and --resume goes on from there."""

from __future__ import annotations

import os
import signal
import time
from itertools import count
from pathlib import Path
from typing import Any

from tests.door import MEASURED, Ran, smguard
from tests.fake_aws import Fake

SELECTED = ("--select", "network-isolation", "--select", "notebook-root-access")


def run(fake: Fake, folder: Path, *words: str) -> Ran:
    """In a process of its own, which can be signalled."""

    def tell() -> None:
        (folder / "pid").write_text(str(os.getpid()))

    words = ("audit", "--region", "us-east-1", "-f", "json", *SELECTED, *words)
    environment: Any = {
        **fake.environment(),
        **MEASURED,
        "XDG_CACHE_HOME": str(folder),
        "MALLOC_ARENA_MAX": "2",
    }
    return smguard(*words, cwd=folder, before=tell, **environment)


class Interrupt:
    """Sends Ctrl-C when an operation is first called and no other is any more; answers that call alone."""

    def __init__(self, fake: Fake, folder: Path, operation: str) -> None:
        self.fake, self.folder, self.operation = fake, folder, operation
        self.turns = count()

    def __call__(self, call: Any) -> float:
        if call.operation != self.operation:
            return 0.0
        if next(self.turns):
            return 600.0
        calls = -1
        while calls != len(self.fake.log):
            calls = len(self.fake.log)
            time.sleep(0.5)
        os.kill(int((self.folder / "pid").read_text()), signal.SIGINT)
        return 0.0


def findings(ran: Ran) -> list[Any]:
    """In an order of their own: what is remembered of jobs is told before what is asked."""
    return sorted(ran.report["findings"], key=lambda each: each["fingerprint"])


def test_ctrl_c_leaves_a_valid_report_and_resume_goes_on_from_there(tmp_path: Path) -> None:
    with Fake() as fake:
        for number in range(4):
            fake.create("NotebookInstance", {"NotebookInstanceName": f"lab-{number}"})
            fake.create("ProcessingJob", {"ProcessingJobName": f"job-{number}"})
            fake.create("Model", {"ModelName": f"model-{number}"})
        whole = run(fake, tmp_path, "--no-store")
        fake.latency = Interrupt(fake, tmp_path, "DescribeProcessingJob")
        stopped = run(fake, tmp_path)
        fake.latency = 0.0
        calls = len(fake.log)
        resumed = run(fake, tmp_path, "--resume")
        asked = {call.operation for call in fake.log[calls:]}
    assert (whole.code, resumed.code) == (1, 1)
    assert stopped.code in (1, 3)
    assert not stopped.report["summary"]["complete"]
    [gap] = stopped.report["gaps"]
    assert "the audit was stopped before all was read of" in gap["what"]
    assert "AWS::SageMaker::ProcessingJob" in gap["what"]
    assert "--resume" in gap["hint"]
    assert stopped.err.startswith("Stopping")
    assert "Stopped: " in stopped.err
    finished = {each["type"] for each in stopped.report["audit"]["looked_at"] if each["complete"]}
    assert finished
    assert "AWS::SageMaker::ProcessingJob" not in finished
    assert findings(resumed) == findings(whole)
    assert resumed.report["summary"] == whole.report["summary"]
    assert "DescribeProcessingJob" in asked
    first = next(iter(finished)).rpartition("::")[2]
    assert f"List{first}s" not in asked


def test_a_call_that_hangs_does_not_keep_ctrl_c_waiting(tmp_path: Path) -> None:
    with Fake() as fake:
        fake.create("NotebookInstance", {"NotebookInstanceName": "lab"})
        fake.create("Model", {"ModelName": "model"})
        fake.latency = Interrupt(fake, tmp_path, "DescribeNotebookInstance")
        fake.fail("DescribeNotebookInstance", "hang")
        ran = run(fake, tmp_path)
    assert not ran.report["summary"]["complete"]
    assert "AWS::SageMaker::NotebookInstance" in ran.report["gaps"][0]["what"]
