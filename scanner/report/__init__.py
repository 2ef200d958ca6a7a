"""What a run hands to a report format, and which formats there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, cast

from scanner.model import Finding, Gap, Note, Summary

FORMATS = {
    "table": "scanner.report.table",
    "json": "scanner.report.json_report",
    "sarif": "scanner.report.sarif",
}
"""Format name -> module with `render`; a module is imported only when its format is asked for."""


class Run(NamedTuple):
    """One run as its reports see it: a stream of events, and the summary once the stream is exhausted.

    Findings of one file arrive together. PASS findings are reported only if `show_passed`.
    """

    kind: str
    version: str
    catalog: str
    """Digest of the rules and policies."""
    show_passed: bool
    width: int
    """Columns of the terminal."""
    color: bool
    events: Iterator[Finding | Gap | Note]
    summary: Callable[[], Summary]


def hint_of(gap: Gap) -> str:
    """What helps with a Gap or, if it is accepted, why and how long."""
    it = gap.accepted
    return f"accepted until {it.expires}: {it.reason}" if it else gap.hint


def renderer(name: str) -> Callable[[Run], Iterator[str]]:
    """The function that turns a run into the chunks of text of format `name`; KeyError if there is none."""
    from importlib import import_module

    return cast("Callable[[Run], Iterator[str]]", import_module(FORMATS[name]).render)
