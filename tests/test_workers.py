"""Several processes: every item once, in order, whatever becomes of a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scanner.workers import run_all
from tests.door import ROOT

NOTEBOOK = "Resources:\n  N:\n    Type: AWS::SageMaker::NotebookInstance\n"


def lost(item: int) -> str:
    return f"lost {item}"


@pytest.mark.parametrize("processes", [1, 2, 3, 8])
@pytest.mark.parametrize("count", [0, 1, 47, 48, 49, 1_000])
def test_results_come_in_order(count: int, processes: int) -> None:
    assert list(run_all(str, lost, list(range(count)), processes)) == [str(item) for item in range(count)]


def test_results_larger_than_a_pipe_holds() -> None:
    results = run_all(lambda item: "x" * 300_000 + str(item), lost, list(range(64)), 2)
    assert [result[300_000:] for result in results] == [str(item) for item in range(64)]


def test_all_processes_share_the_work() -> None:
    def slow(item: int) -> int:
        # A pipe that nobody writes to: a sleep that needs no clock of its own.
        signal.sigtimedwait([], 0.002)
        return os.getpid()

    assert len(set(run_all(slow, lambda item: 0, list(range(200)), 3))) == 3


def test_what_the_first_need_is_loaded_before_others_start() -> None:
    loaded_by: list[int] = []

    def load(item: int) -> int:
        if not loaded_by:
            loaded_by.append(os.getpid())
        return loaded_by[0]

    assert set(run_all(load, lost, list(range(200)), 3)) == {os.getpid()}


def test_a_reader_who_leaves_ends_the_workers() -> None:
    # In a process of its own, which has no other children.
    script = """
import os
from scanner.workers import run_all
results = run_all(str, str, list(range(5_000)), 3)
assert next(results) == "0"
results.close()
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("none are left")
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "none are left\n"


def test_an_ended_process_loses_only_what_it_had_in_hand() -> None:
    parent = os.getpid()

    def fragile(item: int) -> str:
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return str(item)

    results = list(run_all(fragile, lost, list(range(320)), 3))
    gone = [item for item, result in enumerate(results) if result == lost(item)]
    assert [result for result in results if not result.startswith("lost")] == [
        str(item) for item in range(320) if item not in gone
    ]
    # Two workers, each with one chunk of 16 in hand at most.
    assert len(gone) <= 32


def test_files_of_an_ended_process_are_gaps(tmp_path: Path) -> None:
    for number in range(64):
        (tmp_path / f"{number:02}.yaml").write_text(NOTEBOOK)
    (tmp_path / "killed.py").write_text(
        "import os, signal, time\n"
        "from scanner.scan import FileJudge\n"
        "parent, judge = os.getpid(), FileJudge.judge\n"
        "def fragile(self, entry):\n"
        "    if os.getpid() != parent: os.kill(os.getpid(), signal.SIGKILL)\n"
        "    time.sleep(0.005)\n"
        "    return judge(self, entry)\n"
        "FileJudge.judge = fragile\n"
        "from scanner.cli import main; main()\n"
    )
    result = subprocess.run(
        [sys.executable, "killed.py", "scan", ".", "-f", "json", "--jobs", "2"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    report = json.loads(result.stdout)
    assert (result.returncode, result.stderr) == (4, "")
    what = "was not judged: the process that had it was ended"
    assert [gap["what"] for gap in report["gaps"]] == [what] * 16
    assert report["summary"]["files"] == {
        "seen": 65, "judged": 48, "partial": 0, "unread": 16, "skipped": 1
    }  # fmt: skip
    assert report["summary"]["complete"] is False
