"""GitHub Actions: the report for people in the log, then annotations for the worst of it."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterator

from scanner.model import Finding, Gap, Location, Note, Severity
from scanner.report import Run, hint_of, position, status, table, told
from scanner.report.place import in_repository, locate
from scanner.safe_text import inert

_SHOWN = 10
"""Annotations of one level that GitHub shows for a step; of others it says nothing."""

_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
}
_GAP = Severity.HIGH + 0.5
_TEXT = 1_000
_PATH = 4_096


class _Level:
    """The worst annotations of one level, and how many there are."""

    def __init__(self) -> None:
        self.worst: list[tuple[float, int, Finding | Gap | Note]] = []
        self.count = 0

    def add(self, badness: float, event: Finding | Gap | Note) -> None:
        """Keep the event if it is one of the worst, or the first of equally bad ones."""
        self.count += 1
        insort(self.worst, (-badness, self.count, event))
        del self.worst[_SHOWN:]


def render(run: Run) -> Iterator[str]:
    """The lines of the table, then workflow commands; a few events of each level are held."""
    levels = {level: _Level() for level in ("error", "warning", "notice")}
    yield from table.render(run._replace(events=_watch(run, levels)))
    for level, found in levels.items():
        shown = found.worst if found.count <= _SHOWN else found.worst[: _SHOWN - 1]
        for _, _, event in shown:
            yield _annotation(level, event, run.kind == "audit")
        if found.count > len(shown):
            more = f"… and {found.count - len(shown)} more: GitHub shows {_SHOWN} of one level for a step"
            yield _command(level, Location(), "smguard", f"{more}. The log and the job summary go on.")


def _watch(run: Run, levels: dict[str, _Level]) -> Iterator[Finding | Gap | Note]:
    """The events of a run, on their way entered at a level: what counts by severity, the rest as notices."""
    gaps: list[Gap] = []
    for event in run.events:
        yield event
        if isinstance(event, Gap):
            gaps.append(event)
        elif isinstance(event, Note):
            levels["notice"].add(-1, event)
        elif run.counts(event):
            levels[_LEVELS[event.control.severity]].add(event.control.severity, event)
        elif status(event) == "unknown":
            levels["notice"].add(0, event)
    for gap in gaps:
        if run.leaves_open(gap):
            levels["error"].add(_GAP, gap)
        else:
            levels["notice"].add(0, gap)


def _annotation(level: str, event: Finding | Gap | Note, audited: bool) -> str:
    if not isinstance(event, Finding):
        title, hint = ("not looked at", hint_of(event)) if isinstance(event, Gap) else ("note", "")
        if audited:  # which happens in no file
            return _command(level, Location(), title, f"{event.where}: {event.what}", hint)
        return _command(level, locate(event.where), title, event.what, hint)
    control, location = event.control, event.location
    failed = status(event) == "failed"
    title = f"{control.id} ({control.severity.label if failed else status(event)})"
    where = "" if location.file else f" {position(location)}"
    remedy = table.in_short(control.remediation) if failed else ""
    return _command(level, location, title, f"{event.resource.name}{where}: {told(event)}", remedy)


def _command(level: str, location: Location, title: str, *lines: str) -> str:
    """A workflow command; its data and properties are escaped as GitHub's runner reads them."""
    file = in_repository(location.file) if location.file else None
    properties = {"file": file, "line": location.line, "col": location.column, "title": title}
    shown = ",".join(f"{name}={_property(value)}" for name, value in properties.items() if value is not None)
    return f"::{level} {shown}::{'%0A'.join(_data(line) for line in lines if line)}\n"


def _data(text: str) -> str:
    return inert(text, _TEXT).replace("%", "%25")


def _property(value: object) -> str:
    return inert(str(value), _PATH).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
