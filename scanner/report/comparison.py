"""Saved reports side by side: what is new, fixed or unchanged, and what the newer one did not look at."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from scanner.gitignore import Patterns
from scanner.model import GLOBAL, Finding, Severity, SmguardError
from scanner.report import status
from scanner.report.place import locate
from scanner.report.saved import Saved

CHANGES = ("new", "fixed", "unchanged", "waived since", "not looked at")
_JOB = re.compile(r"Job(V2)?$")


class Change(NamedTuple):
    """A finding, of the newer report unless it is there no more, and what became of it."""

    finding: Finding
    what: str
    """One of CHANGES."""
    remark: str = ""
    """What it was before, where that isn't plain."""


class Tally:
    """What one report counts, and what changed since the one before."""

    def __init__(self) -> None:
        self.statuses: Counter[str] = Counter()
        self.severities: Counter[str] = Counter()
        """Of failures."""
        self.areas: Counter[str] = Counter()
        self.changes: Counter[str] = Counter()

    def add(self, finding: Finding) -> None:
        state = status(finding)
        self.statuses[state] += 1
        if state == "failed":
            self.severities[finding.control.severity.label] += 1
            self.areas[finding.control.area] += 1


class Comparison:
    """Reports from the oldest to the newest. Raises SmguardError for ones that can't be compared."""

    def __init__(self, reports: Sequence[Saved]) -> None:
        if len({report.kind for report in reports}) > 1:
            raise SmguardError("an audit can't be compared with a scan")
        self.reports = reports
        self.tallies = [Tally() for _ in reports]
        self.counting: set[tuple[str, Severity]] = set()
        """(status, severity) of what is new in the newest report"""
        for finding in reports[0].findings():
            self.tallies[0].add(finding)
        for index in range(1, len(reports)):
            tally = self.tallies[index]
            for change in self._changes(index):
                tally.changes[change.what] += 1
                if change.what not in ("fixed", "not looked at"):
                    tally.add(change.finding)
                if index == len(reports) - 1 and change.what == "new":
                    self.counting.add((status(change.finding), change.finding.control.severity))

    @property
    def areas(self) -> list[str]:
        """The areas in which anything fails in any report."""
        return sorted({area for tally in self.tallies for area in tally.areas})

    def changes(self) -> Iterator[Change]:
        """What became of each finding that doesn't pass, from the last report but one to the last."""
        return self._changes(len(self.reports) - 1)

    def _changes(self, index: int) -> Iterator[Change]:
        old, new = self.reports[index - 1], self.reports[index]
        before: dict[str, Counter[str]] = {}
        for finding in old.findings():
            if status(finding) != "passed":
                before.setdefault(finding.fingerprint, Counter())[status(finding)] += 1
        seen_before, seen_now = coverage(old), coverage(new, old)
        for finding in new.findings():
            state = status(finding)
            if state == "passed":
                continue
            left = before.get(finding.fingerprint, Counter())
            was = next((each for each in _KNOWN_AS[state] if left[each] > 0), "")
            if was:
                left[was] -= 1
            yield Change(finding, *_judge(state, was, lambda: seen_before(finding)))  # noqa: B023 - called at once
        for finding in old.findings():
            left = before.get(finding.fingerprint, Counter())
            if left[status(finding)] > 0:
                left[status(finding)] -= 1
                yield Change(finding, "fixed" if seen_now(finding) else "not looked at")


_KNOWN_AS = {
    "failed": ("failed", "unknown", "waived", "baseline"),
    "unknown": ("unknown", "failed", "waived", "baseline"),
    "waived": ("waived", "baseline", "failed", "unknown"),
    "baseline": ("baseline", "waived", "failed", "unknown"),
}
"""What a finding may have been before, likeliest first."""


def _judge(state: str, was: str, seen_before: Callable[[], bool]) -> tuple[str, str]:
    """What became of a finding that is there, and a remark."""
    if not was:
        excused = state in ("waived", "baseline")
        return "waived since" if excused else "new", "" if seen_before() else "was not looked at before"
    if state in ("waived", "baseline"):
        return ("unchanged" if was in ("waived", "baseline") else "waived since"), ""
    # A failure that was only feared before is new, and so is what is no longer excused.
    if was in ("waived", "baseline") or (state == "failed" and was == "unknown"):
        return "new", f"was {was}"
    return "unchanged", "" if was == state else f"was {was}"


def coverage(report: Saved, earlier: Saved | None = None) -> Callable[[Finding], bool]:
    """Whether a report has looked at the place of a finding, with its control, if it has not listed it.

    Where the report does not tell, it has not: what is called fixed must have been looked for. What is of no
    region may be led to from any of those that the `earlier` report was about.
    """
    about = report.about
    if about is None:
        return lambda finding: False
    controls = frozenset(about["controls"])
    if report.kind == "audit":
        whole = {
            (each["account"], each["region"], each["type"]) for each in about["looked_at"] if each["complete"]
        }
        since, before = about["since"], (earlier.about if earlier else None) or about
        fewer = not set(before["regions"]) <= set(about["regions"])

        def audited(finding: Finding) -> bool:
            at, kind = finding.location, finding.resource.type
            # A job can't be mended: one that is listed no more has left the time window.
            left = since is not None and _JOB.search(kind) is not None
            left = left or (at.region == GLOBAL and fewer)
            return finding.control.id in controls and not left and (at.account, at.region, kind) in whole

        return audited
    gaps = {locate(gap.where).file for gap in report.gaps}
    excluded = Patterns(os.fsencode("\n".join(about["exclude"])))
    paths = [os.path.normpath(path) for path in about["paths"]]

    def scanned(finding: Finding) -> bool:
        file = os.path.normpath(finding.location.file or "")
        parts = os.fsencode(file).split(os.fsencode(os.sep))
        if any(excluded.cover(b"/".join(parts[start:])) for start in range(len(parts))):
            return False  # whatever folder the patterns speak of
        below = any(path in (os.curdir, file) or file.startswith(path + os.sep) for path in paths)
        return (
            about["whole"] and below and finding.control.id in controls and finding.location.file not in gaps
        )

    return scanned


def lines(it: Comparison) -> Iterator[tuple[str, list[Any]]]:
    """The trend: what is counted, and the number in each report."""
    for severity in sorted(Severity, reverse=True):
        yield severity.label, [tally.severities[severity.label] for tally in it.tallies]
    yield "all failures", [tally.statuses["failed"] for tally in it.tallies]
    for area in it.areas:
        yield f"in {area}", [tally.areas[area] for tally in it.tallies]
    for name in ("unknown", "waived", "baseline"):
        yield name, [tally.statuses[name] for tally in it.tallies]
    yield "passed", [report.summary.passed for report in it.reports]
    yield "gaps", [report.summary.gaps for report in it.reports]
    for name in CHANGES:
        yield name, ["", *(tally.changes[name] for tally in it.tallies[1:])]
