"""The summary of a GitHub job: the Markdown report, as long as a job summary may be."""

from __future__ import annotations

import os
from collections.abc import Iterator

from scanner.report import Run
from scanner.report.markdown import document

LIMIT = 1 << 20
"""Bytes that the steps' file may have: GitHub shows nothing of a longer one."""


def render(run: Run) -> Iterator[str]:
    """What is to be added to the file that GITHUB_STEP_SUMMARY names."""
    try:
        present = os.path.getsize(os.environ.get("GITHUB_STEP_SUMMARY", ""))
    except OSError:
        present = 0
    if present:
        yield "\n"
    yield from document(run, LIMIT - present - 1)
