"""The JSON report, version 1: one finding a line, written as the run goes on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scanner.model import Finding, Gap, Note, Summary
from scanner.report import Run, reported
from scanner.safe_text import to_json


def render(run: Run) -> Iterator[str]:
    """Chunks of one JSON document; only gaps and notes are held until the findings are through."""
    tool = {"name": "smguard", "version": run.version, "catalog": run.catalog}
    yield f'{{"schema_version": 1, "kind": {to_json(run.kind)}, "tool": {to_json(tool)},\n"findings": ['
    gaps: list[Gap] = []
    notes: list[Note] = []
    separator = "\n"
    for finding in reported(run, gaps, notes):
        yield separator + to_json(as_json(finding))
        separator = ",\n"
    yield "],\n"
    yield _list("gaps", [_gap(gap) for gap in gaps])
    yield _list("notes", [{"where": note.where, "what": note.what} for note in notes])
    if run.about is not None:
        yield f"{to_json(run.kind)}: {to_json(run.about())},\n"
    yield f'"summary": {to_json(_summary(run.summary(), run.kind))}}}\n'


def _gap(gap: Gap) -> dict[str, Any]:
    accepted = gap.accepted and gap.accepted._asdict()
    return {"where": gap.where, "what": gap.what, "hint": gap.hint, "accepted": accepted}


def _list(key: str, items: list[dict[str, Any]]) -> str:
    inner = ",\n".join(map(to_json, items))
    return f'"{key}": [' + (f"\n{inner}" if inner else "") + "],\n"


def as_json(finding: Finding) -> dict[str, Any]:
    """One finding as the report has it."""
    control, resource, location, waiver = finding.control, finding.resource, finding.location, finding.waiver
    return {
        "control": control.id,
        "verdict": finding.verdict.value,
        "severity": control.severity.label,
        "message": finding.message,
        "condition": finding.condition,
        "resource": resource._asdict(),
        "location": {
            "file": location.file,
            "line": location.line,
            "column": location.column,
            "path": location.path,
            "account": location.account,
            "region": location.region,
            "arn": location.arn,
        },
        "waiver": waiver
        and {
            "control": waiver.control,
            "resource": waiver.resource,
            "reason": waiver.reason,
            "expires": waiver.expires,
            "owner": waiver.owner,
            "ticket": waiver.ticket,
            "inline": waiver.inline,
        },
        "fingerprint": finding.fingerprint,
        "baseline": finding.baseline is True,
        "title": control.title,
        "area": control.area,
        "cause": finding.cause,
    }


def _summary(summary: Summary, kind: str) -> dict[str, Any]:
    work = {name: getattr(summary, name) for name in ("seen", "judged", "partial", "unread", "skipped")}
    # An audit's work comes in resource types of a region, and no report goes without "files".
    counts = {"files": dict.fromkeys(work, 0), "scopes": work} if kind == "audit" else {"files": work}
    return {
        "complete": summary.complete,
        **counts,
        "resources": summary.resources,
        "passed": summary.passed,
        "fail": summary.fail,
        "unknown": summary.unknown,
        "waived": summary.waived,
        "gaps": summary.gaps,
        "baseline": summary.baseline,
        "accepted_gaps": summary.accepted_gaps,
    }
