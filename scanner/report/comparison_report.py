"""A comparison as table, JSON, Markdown and page."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from scanner.model import SmguardError
from scanner.report import position, said, status
from scanner.report.about import spoken
from scanner.report.comparison import CHANGES, Change, Comparison, lines
from scanner.report.json_report import as_json
from scanner.report.layout import Layout, Row, count, row
from scanner.report.markdown import HEADER, LIMIT, code, prose, size
from scanner.safe_text import inert, json_items

_LISTED = ("new", "waived since", "fixed", "not looked at")
_ABOUT = {
    "not looked at": "is listed no more, but the newer report has not looked there, or does not say so",
    "fixed": "was looked for and is not there: mended, or the resource is gone",
}


def names(it: Comparison) -> list[str]:
    """What the reports are called: their files' names, or their paths where these are alike."""
    short = [os.path.basename(report.name) for report in it.reports]
    return short if len(set(short)) == len(short) else [report.name for report in it.reports]


def times(it: Comparison) -> list[str]:
    """When each began, as far as it says so."""
    return [str((report.about or {}).get("at") or "") for report in it.reports]


def _head(it: Comparison) -> list[list[str]]:
    """The trend as rows of cells, the first being the names."""
    head = [["", *names(it)]]
    if any(times(it)):
        head.append(["at", *times(it)])
    return [*head, *([label, *map(str, counts)] for label, counts in lines(it))]


def _groups(it: Comparison) -> Iterator[tuple[str, list[Change]]]:
    for what in _LISTED:
        found = [change for change in it.changes() if change.what == what]
        if found:
            yield what, sorted(found, key=lambda each: -each.finding.control.severity)


def _told(change: Change) -> str:
    return said(change.finding) + (f" ({change.remark})" if change.remark else "")


def _table(it: Comparison, layout: Layout) -> Iterator[str]:
    cells = [[inert(cell, 60) for cell in each] for each in _head(it)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for first, *rest in cells:
        numbers = (f"{cell:>{width}}" for cell, width in zip(rest, widths[1:], strict=True))
        yield f"{first:<{widths[0]}}  {'  '.join(numbers)}".rstrip() + "\n"
    for what, found in _groups(it):
        yield f"\n{layout.paint('bold', what.capitalize())}\n"
        if what in _ABOUT:
            yield from layout.paragraph(_ABOUT[what], 2, "dim")
        rows = [_row(each) for each in found]
        yield from layout.rows(rows, layout.fit(rows))
    last = it.tallies[-1].changes
    yield "\n" + ", ".join(f"{last[what]} {what}" for what in CHANGES) + ".\n"
    if not it.reports[-1].summary.complete:
        yield f"The newest report is incomplete: {count(it.reports[-1].summary.gaps, 'gap')}.\n"


def _row(change: Change) -> Row:
    finding = change.finding
    label = finding.control.severity.label if status(finding) == "failed" else status(finding)
    return row(
        label, finding.control.id, f"{finding.resource.name}: {_told(change)}", position(finding.location)
    )


def _json(it: Comparison, layout: Layout) -> Iterator[str]:
    yield '{"schema_version": 1, "kind": "comparison",\n"reports": ['
    yield from json_items(_reports(it))
    yield '],\n"changes": ['
    yield from json_items(
        {"change": change.what, "remark": change.remark or None, **as_json(change.finding)}
        for change in it.changes()
    )
    yield "]}\n"


def _reports(it: Comparison) -> Iterator[dict[str, Any]]:
    for name, at, report, tally in zip(names(it), times(it), it.reports, it.tallies, strict=True):
        tool = {"name": "smguard", "version": report.version, "catalog": report.catalog}
        counts = {"severities": tally.severities, "areas": tally.areas, "changes": tally.changes}
        states = {key: tally.statuses[key] for key in ("failed", "unknown", "waived", "baseline")}
        shown = {"name": name, "at": at or None, "kind": report.kind, "tool": tool, **states, **counts}
        summary = report.summary
        ends = {"passed": summary.passed, "gaps": summary.gaps, "complete": summary.complete}
        yield {**shown, **ends}


def _markdown(it: Comparison, layout: Layout) -> Iterator[str]:
    last = it.tallies[-1].changes
    told = ", ".join(f"{last[what]} {what}" for what in CHANGES)
    first, *rest = _head(it)
    text = f"### smguard: {told}\n\n"
    if not it.reports[-1].summary.complete:
        text += "**The newest report is incomplete.**\n\n"
    text += f"| | {' | '.join(map(code, first[1:]))} |\n|---|{'---|' * (len(first) - 1)}\n"
    text += "".join(f"| {prose(cells[0])} | {' | '.join(map(prose, cells[1:]))} |\n" for cells in rest) + "\n"
    room = LIMIT - size(text) - 500
    for what, found in _groups(it):
        text += f"#### {len(found)} {what}\n\n{HEADER}"
        shown = 0
        for change in found:
            finding = change.finding
            cells = [finding.control.severity.label, code(finding.control.id), code(finding.resource.name)]
            line = f"| {' | '.join([*cells, prose(_told(change)), code(position(finding.location))])} |\n"
            room -= size(line)
            if room < 0:
                break
            text += line
            shown += 1
        text += (
            f"\n… and {len(found) - shown} more: `--format json` has them all.\n\n"
            if shown < len(found)
            else "\n"
        )
    yield text


def _html(it: Comparison, layout: Layout) -> Iterator[str]:
    from scanner.report.html_report import SEVERITIES, Page, document

    page = Page()
    for change in it.changes():
        page.add(change.finding, change.what, change.remark)
    newest = it.reports[-1]
    page.gaps += newest.gaps
    page.notes += newest.notes
    most = max(tally.statuses["failed"] for tally in it.tallies) or 1
    columns = []
    for name, at, report, tally in zip(names(it), times(it), it.reports, it.tallies, strict=True):
        parts, y = [], 100.0
        for label in reversed(SEVERITIES):
            height = tally.severities[label] * 100 / most
            y -= height
            parts.append({"label": label, "y": y, "height": height})
        complete, failed = report.summary.complete, tally.statuses["failed"]
        columns.append(
            {"name": name, "at": spoken(at), "complete": complete, "failed": failed, "parts": parts}
        )
    last = {what: it.tallies[-1].changes[what] for what in CHANGES}
    shown = {"reports": columns, "changes": last, "lines": list(lines(it))}
    yield from document(page, newest.run(), shown)


def _asff(it: Comparison, layout: Layout) -> Iterator[str]:
    from scanner.report.asff import close

    newest = it.reports[-1]
    if newest.kind != "audit" or newest.about is None:
        raise SmguardError("asff is a format for audits: its findings lie in an account")
    left = {change.finding.fingerprint for change in it.changes() if change.what != "fixed"}
    fixed = (change.finding for change in it.changes() if change.what == "fixed")
    yield from close((each for each in fixed if each.fingerprint not in left), newest.about)


FORMATS: dict[str, Callable[[Comparison, Layout], Iterator[str]]] = {
    "table": _table,
    "json": _json,
    "markdown": _markdown,
    "html": _html,
    "asff": _asff,
}
"""The formats that can tell of a comparison."""
