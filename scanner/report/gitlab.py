"""GitLab's code quality report: an issue for each finding, Gap and Note, told apart by `check_name`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from scanner.model import Finding, Gap, Note, Severity
from scanner.report import Run, excuse, hinted, reported, scope_of, status, told
from scanner.report.about import facts, tool
from scanner.report.place import in_repository, locate
from scanner.safe_text import inert, to_json

_SEVERITIES = {
    Severity.CRITICAL: "blocker",
    Severity.HIGH: "critical",
    Severity.MEDIUM: "major",
    Severity.LOW: "minor",
}
_TEXT = 1_000
_PATH = 4_096


def render(run: Run) -> Iterator[str]:
    """Chunks of one JSON list; what passes is no issue."""
    gaps: list[Gap] = []
    notes: list[Note] = []
    yield "["
    separator = "\n"
    for finding in reported(run, gaps, notes):
        if status(finding) == "passed":
            yield ""
        else:
            yield separator + to_json(_finding(run, finding))
            separator = ",\n"
    if run.kind == "audit":
        notes += [
            Note("audit", f"{label}: {text}") for label, text in {**facts(run), "Tool": tool(run)}.items()
        ]
    seen: Counter[str] = Counter()
    others: list[Gap | Note] = [*gaps, *notes]
    for event in others:
        yield separator + to_json(_event(run, event, seen))
        separator = ",\n"
    yield "\n]\n"


def _finding(run: Run, finding: Finding) -> dict[str, Any]:
    location, label = finding.location, status(finding)
    reason = f" {excuse(finding)} –" if excuse(finding) else ":"
    words = "" if label == "failed" else f"{label.capitalize()}{reason} "
    return {
        "description": inert(
            f"{words}{finding.resource.name}: {told(finding)} ({finding.control.id})", _TEXT
        ),
        "check_name": finding.control.id,
        "fingerprint": finding.fingerprint,
        "severity": _SEVERITIES[finding.control.severity] if run.counts(finding) else "info",
        "location": _location(location.file or location.arn or scope_of(location), location.line),
    }


def _event(run: Run, event: Gap | Note, seen: Counter[str]) -> dict[str, Any]:
    from hashlib import sha256

    severity, kind, said = "info", "note", f"Note: {event.what}"
    if isinstance(event, Gap):
        kind, said = "gap", f"Not looked at: {hinted(event)}"
        severity = "critical" if run.leaves_open(event) else "info"
    place = locate(event.where)
    known_by = f"{kind}\0{place.file}\0{event.what}"
    seen[known_by] += 1  # GitLab shows one issue for each fingerprint
    text = f"{known_by}\0{seen[known_by]}"
    return {
        "description": inert(said, _TEXT),
        "check_name": f"smguard-{kind}",
        "fingerprint": sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        "severity": severity,
        "location": _location(place.file or "", place.line),
    }


def _location(path: str, line: int | None) -> dict[str, Any]:
    return {"path": inert(in_repository(path), _PATH), "lines": {"begin": line or 1}}
