"""The JSON report, version 1: one finding a line, written as the run goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scanner.model import Finding, Gap, Note, Summary
from scanner.report import Run, reported
from scanner.safe_text import json_items, to_json


def render(run: Run) -> Iterator[str]:
    """Chunks of one JSON document; only gaps and notes are held until the findings are through."""
    tool = {"name": "smguard", "version": run.version, "catalog": run.catalog}
    yield f'{{"schema_version": 1, "kind": {to_json(run.kind)}, "tool": {to_json(tool)},\n"findings": ['
    gaps: list[Gap] = []
    notes: list[Note] = []
    yield from json_items(map(as_json, reported(run, gaps, notes)))
    yield '],\n"gaps": ['
    yield from json_items(
        gap._asdict() | {"accepted": gap.accepted and gap.accepted._asdict()} for gap in gaps
    )
    yield '],\n"notes": ['
    yield from json_items(note._asdict() for note in notes)
    yield "],\n"
    if run.about is not None:
        yield f"{to_json(run.kind)}: {to_json(run.about())},\n"
    yield f'"summary": {to_json(_summary(run.summary(), run.kind))}}}\n'


def as_json(finding: Finding) -> dict[str, Any]:
    """One finding as the report has it."""
    control, waiver = finding.control, finding.waiver
    return {
        "control": control.id,
        "verdict": finding.verdict.value,
        "severity": control.severity.label,
        "message": finding.message,
        "condition": finding.condition,
        "resource": finding.resource._asdict(),
        "location": finding.location._asdict(),
        "waiver": waiver and waiver._asdict(),
        "fingerprint": finding.fingerprint,
        "baseline": finding.baseline is True,
        "title": control.title,
        "area": control.area,
        "cause": finding.cause,
    }


def _summary(summary: Summary, kind: str) -> dict[str, Any]:
    counts = summary._asdict()
    complete = counts.pop("complete")
    work = {name: counts.pop(name) for name in ("seen", "judged", "partial", "unread", "skipped")}
    # An audit's work comes in resource types of a region, and no report goes without "files".
    files = {"files": dict.fromkeys(work, 0), "scopes": work} if kind == "audit" else {"files": work}
    return {"complete": complete, **files, **counts}
