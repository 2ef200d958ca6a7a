"""Baselines: the findings that were there when a repository began to be scanned, by fingerprint and count.

The file holds one finding a line, sorted, so that its changes can be read in a diff.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from scanner.limits import Limits
from scanner.model import Finding, Note, SmguardError, Verdict
from scanner.opening import read_named
from scanner.repository import top_of
from scanner.safe_text import inert, json_items
from scanner.template.document import ReadError
from scanner.template.reader import read as read_document

VERSION = 1
_HINT = "restore the file, or take it anew with `smguard baseline`"


class Entry(NamedTuple):
    """A line of a baseline without its count: verdict and fingerprint decide, the rest is to be read."""

    file: str
    """The template's path from the root of its repository."""
    resource: str
    control: str
    path: str
    verdict: str
    fingerprint: str


class Baseline:
    """What is known, and what of it a scan meets again.

    `name` is the file's name for notes, `root` the folder that the paths in it are relative to.
    """

    def __init__(self, entries: Counter[Entry] | None = None, name: str = "", root: str = "") -> None:
        self.entries = entries or Counter()
        self.name = name
        self.root = root
        self.remote = False
        """Whether it is an audit's: what it holds of other accounts and regions may well be there still."""
        self.open: Counter[Entry] = Counter()
        """Findings met that no waiver covers"""
        self._left: Counter[tuple[str, str]] = Counter()
        """(fingerprint, verdict) -> how many more findings are known"""
        for entry, count in self.entries.items():
            self._left[entry.fingerprint, entry.verdict] += count
        self._met: Counter[str] = Counter()
        self._judged: set[str] = set()

    def apply(self, finding: Finding, file: str) -> Finding:
        """The finding, marked as known or new; `file` is its template's path from the repository's root.

        A FAIL that was known as UNKNOWN is new. A waived finding leaves its room to others, and a control
        that can't be waived can't be known either.
        """
        self._met[finding.fingerprint] += 1
        if finding.waiver is not None:
            return finding._replace(baseline=False)
        name, verdict = finding.control.id, finding.verdict.value
        at = Entry(file, finding.resource.name, name, finding.location.path, verdict, finding.fingerprint)
        self.open[at] += 1
        if not finding.control.waivable:
            return finding._replace(baseline=False)
        for known in ("fail",) if finding.verdict is Verdict.FAIL else ("unknown", "fail"):
            if self._left[finding.fingerprint, known] > 0:
                self._left[finding.fingerprint, known] -= 1
                return finding._replace(baseline=True)
        return finding._replace(baseline=False)

    def judged(self, file: str) -> None:
        """A file, by its path from the root of its repository, was judged whole."""
        self._judged.add(file)

    def notes(self, chosen: Collection[str], firm: Collection[str], whole: bool) -> Iterator[Note]:
        """The entries that are of no use (any more); `firm` are the controls that can't be waived.

        Gone is what does not occur although the file was judged by that control, or isn't there any more.
        """
        for entry, count in self.entries.items():
            where = f"{entry.file}: {entry.control} for {entry.resource}"
            self._met[entry.fingerprint] -= count
            if entry.control in firm:
                yield Note(where, f"{self.name} can't hold it: this control can't be waived, so it counts")
            elif whole and self._met[entry.fingerprint] < 0 and self._is_gone(entry, chosen):
                yield Note(
                    where, f"{self.name} holds it and it no longer occurs; `smguard baseline` drops it"
                )

    def _is_gone(self, entry: Entry, chosen: Collection[str]) -> bool:
        if entry.file not in self._judged:
            return not (self.remote or os.path.lexists(os.path.join(self.root, entry.file)))
        return entry.control in chosen

    def lines(self, firm: Collection[str]) -> Iterator[str]:
        """The file of a new baseline, with all open findings that it may hold."""
        yield f'{{"schema_version": {VERSION}, "kind": "baseline", "findings": ['
        yield from json_items(
            {**entry._asdict(), "count": self.open[entry]}
            for entry in sorted(self.open)
            if entry.control not in firm
        )
        yield "\n]}\n"


def read(path: str, limits: Limits) -> Baseline:
    """Read a baseline; raises SmguardError naming the place of what is wrong."""
    text = read_named(path, limits, noun="the baseline")
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"{inert(path)}:{error.lineno}:{error.colno}"
        raise SmguardError(f"{place}: the baseline is damaged: {error.msg}", _HINT) from error
    except (ValueError, RecursionError) as error:
        raise SmguardError(f"{inert(path)}: the baseline is damaged", _HINT) from error
    listed = document.get("findings") if isinstance(document, dict) else None
    if not isinstance(listed, list) or document.get("kind") != "baseline":
        raise SmguardError(f"{inert(path)}:1: this is no baseline", "`smguard baseline` writes one")
    if document.get("schema_version") != VERSION:
        raise SmguardError(f"{inert(path)}:1: this is a baseline of another version of smguard", _HINT)
    for index, raw in enumerate(listed):
        fault = _fault(raw)
        if fault:
            place = f"{inert(path)}:{_line(text, index, limits)}"
            raise SmguardError(f"{place}: the baseline is damaged: entry {index + 1} {fault}", _HINT)
    folder = os.path.dirname(os.path.realpath(path))
    entries: Counter[Entry] = Counter()
    for raw in listed:
        entries[Entry(*(raw[field] for field in Entry._fields))] += raw["count"]
    return Baseline(entries, path, top_of(folder) or folder)


def _fault(raw: Any) -> str | None:
    """Why a value is no entry, or None if it is one."""
    if not isinstance(raw, dict):
        return "is not a mapping"
    for field in Entry._fields:
        if field not in raw:
            return f"has no {field}"
        if not isinstance(raw[field], str):
            return f"has a {field} that is not text"
    if type(raw.get("count")) is not int or raw["count"] < 1:
        return "has a count that is not 1 or more"
    return None if raw["verdict"] in ("fail", "unknown") else "has a verdict that is neither fail nor unknown"


def _line(text: str, index: int, limits: Limits) -> int:
    try:
        return read_document(text, limits).line_of("findings", index)
    except ReadError:
        return 1
