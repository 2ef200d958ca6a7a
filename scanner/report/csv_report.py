"""CSV as RFC 4180 defines it, for spreadsheets and scripts: a row for everything, told apart by `kind`."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from typing import Any

from scanner.model import Finding, Gap, Note, Summary, Verdict
from scanner.report import Run, hinted, said, status
from scanner.report.about import facts, tool
from scanner.report.place import locate
from scanner.safe_text import inert

COLUMNS = (
    *("kind", "status", "verdict", "severity", "control", "resource_type", "resource"),
    *("file", "line", "column", "path", "account", "region", "arn", "message"),
    *("waived_until", "waiver_reason", "waiver_owner", "waiver_ticket", "fingerprint", "stack"),
)
_TEXT = 1_000
_SCOPE = re.compile(r"(?P<account>\d{12})(/(?P<region>[a-z0-9-]+))?(?P<resource>.*)")
# Where a spreadsheet may see a cell begin: with ours and, if semicolons separate for it, behind one.
_FORMULA = re.compile(r"""(^|;)([ "]*)(?=[=+\-@'\uff1d\uff0b\uff0d\uff20])""")


class _Line:
    """What a csv.writer writes to, so that writing a row returns it."""

    def write(self, text: str) -> str:
        return text


def render(run: Run) -> Iterator[str]:
    """A row of names, a row for each event as it comes, and the summary."""
    writer = csv.DictWriter(_Line(), COLUMNS, quoting=csv.QUOTE_ALL)

    def row(cells: dict[str, Any]) -> str:
        return str(writer.writerow({name: _cell(value) for name, value in cells.items()}))

    yield row({name: name for name in COLUMNS})
    for event in run.events:
        if isinstance(event, Gap):
            yield row(_place(run, "gap", event.where, hinted(event)))
        elif isinstance(event, Note):
            yield row(_place(run, "note", event.where, event.what))
        elif run.show_passed or event.verdict is not Verdict.PASS:
            yield row(_finding(event))
    if run.kind == "audit":
        for label, text in {**facts(run), "tool": tool(run)}.items():
            yield row({"kind": "about", "status": label.lower(), "message": text})
    yield row(_summary(run.summary()))


def rows(table: Iterable[Iterable[str]]) -> Iterator[str]:
    """Rows of cells of which no spreadsheet makes a formula."""
    writer = csv.writer(_Line(), quoting=csv.QUOTE_ALL)
    yield from (str(writer.writerow([_cell(each) for each in row])) for row in table)


def _cell(value: Any) -> Any:
    return _FORMULA.sub(r"\1\2'", inert(value, _TEXT)) if isinstance(value, str) else value


def _finding(finding: Finding) -> dict[str, Any]:
    waiver = finding.waiver
    return {
        "kind": "finding",
        "status": status(finding),
        "verdict": finding.verdict.value,
        "severity": finding.control.severity.label,
        "control": finding.control.id,
        "resource_type": finding.resource.type,
        "resource": finding.resource.name,
        **finding.location._asdict(),
        "message": said(finding),
        "waived_until": waiver and waiver.expires,
        "waiver_reason": waiver and waiver.reason,
        "waiver_owner": waiver and waiver.owner,
        "waiver_ticket": waiver and waiver.ticket,
        "fingerprint": finding.fingerprint,
        "stack": finding.resource.stack,
    }


def _place(run: Run, kind: str, where: str, message: str) -> dict[str, Any]:
    account = _SCOPE.fullmatch(where) if run.kind == "audit" else None
    place = account.groupdict() if account else locate(where)._asdict()
    return {"kind": kind, **place, "message": message}


def _summary(summary: Summary) -> dict[str, Any]:
    counts = ", ".join(f"{name} {number}" for name, number in summary._asdict().items() if name != "complete")
    return {
        "kind": "summary",
        "status": "complete" if summary.complete else "incomplete",
        "message": counts,
    }
