"""Which rows of the terminal report the findings of one file become."""

from __future__ import annotations

from collections.abc import Iterator

from scanner.model import Finding
from scanner.report import excuse, position, said, status
from scanner.report.layout import Row, count, row


def gather(findings: list[Finding]) -> tuple[list[Row], set[int]]:
    """UNKNOWNs with one cause become as few rows as can be: one a control, or one a resource.

    Returns the rows that are about several resources, and the ids of all other findings.
    """
    own = {id(finding) for finding in findings}
    causes: dict[str, list[Finding]] = {}
    for finding in findings:
        if _open(finding) and finding.cause:
            causes.setdefault(finding.cause, []).append(finding)
    rows: list[Row] = []
    for cause, group in causes.items():
        controls = {finding.control.id for finding in group}
        resources = {finding.resource.name for finding in group}
        if len(resources) == 1 or len(controls) > len(resources):
            continue  # one row for each resource says it in fewer rows
        for control in sorted(controls):
            same = [finding for finding in group if finding.control.id == control]
            if len({finding.resource.name for finding in same}) > 1:
                own -= {id(finding) for finding in same}
                text = _depend(f"{len(same)} places ", cause)
                rows.append(row("unknown", control, text, position(same[0].location)))
    return rows, own


def _open(finding: Finding) -> bool:
    return status(finding) == "unknown"


def _depend(many: str, cause: str) -> str:
    if cause.startswith("fails when "):
        return f"{many}{cause.replace('fails', 'fail', 1)}"
    return f"{many}depend on {cause}"


def resource_rows(findings: list[Finding]) -> Iterator[Row]:
    """The rows below one resource: failed, worst first; unknown; waived and known; passed."""
    by_status: dict[str, list[Finding]] = {}
    for finding in findings:
        by_status.setdefault(status(finding), []).append(finding)
    for finding in sorted(by_status.get("failed", ()), key=_worst_first):
        control = finding.control
        yield row(control.severity.label, control.id, said(finding), position(finding.location))
    yield from _unknown_rows(by_status.get("unknown", []))
    for finding in findings if "waived" in by_status or "baseline" in by_status else ():
        if status(finding) == "waived":
            yield row("waived", finding.control.id, excuse(finding), position(finding.location))
        elif status(finding) == "baseline":
            yield row("baseline", finding.control.id, said(finding), position(finding.location))
    passed = sorted({finding.control.id for finding in by_status.get("passed", ())})
    if passed:
        yield row("passed", count(len(passed), "control"), ", ".join(passed), "")


def _worst_first(finding: Finding) -> tuple[int, int, int, str]:
    location = finding.location
    return (-finding.control.severity, location.line or 0, location.column or 0, finding.control.id)


def _unknown_rows(findings: list[Finding]) -> Iterator[Row]:
    """One row a cause if it leaves several controls, or several places of a control, open."""
    by_cause: dict[str, list[Finding]] = {}
    for finding in findings:
        by_cause.setdefault(finding.cause or f"{id(finding)}", []).append(finding)
    for cause, group in by_cause.items():
        where = position(group[0].location)
        controls = {finding.control.id for finding in group}
        if len(group) == 1:
            yield row("unknown", group[0].control.id, said(group[0]), where)
        elif len(controls) == 1:
            yield row("unknown", group[0].control.id, _depend(f"{len(group)} places ", cause), where)
        else:
            named = f"{_depend('', cause)}: {', '.join(sorted(controls))}"
            yield row("unknown", f"{len(controls)} controls", named, where)
