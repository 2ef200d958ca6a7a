"""Judging many files in several processes, their results in order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.opening import Candidate

if TYPE_CHECKING:
    from scanner.scan import FileJudge, FileResult


def judge_in_processes(judge: FileJudge, entries: list[Candidate], processes: int) -> Iterator[FileResult]:
    """Judge files in forked processes."""
    import multiprocessing

    global _forked_judge
    _forked_judge = judge
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        yield from pool.imap(_judge_forked, entries, chunksize=16)


_forked_judge: FileJudge
"""Inherited by the forked processes, so that no catalog travels."""


def _judge_forked(entry: Candidate) -> FileResult:
    return _forked_judge.judge(entry)
