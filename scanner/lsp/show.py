"""What was found in a text, in the words of the protocol: diagnostics, hovers and code actions."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta

from lsprotocol import types
from pygls.uris import from_fs_path

from scanner.explanation import WAIVED_DAYS, what_decides
from scanner.fix.patch import Ref, Unfit, leaves
from scanner.fix.plan import Mend, spell
from scanner.fix.splice import Edit
from scanner.fix.waive import waive
from scanner.lsp.judged import Judged, key
from scanner.lsp.text import Text
from scanner.model import Finding, Gap, Note, Severity, Verdict
from scanner.report import said
from scanner.report.place import locate
from scanner.safe_text import inert, markdown

FIX_ALL = "source.fixAll.smguard"
_LEVELS = {
    Severity.CRITICAL: types.DiagnosticSeverity.Error,
    Severity.HIGH: types.DiagnosticSeverity.Error,
    Severity.MEDIUM: types.DiagnosticSeverity.Warning,
    Severity.LOW: types.DiagnosticSeverity.Warning,
}
_TEXT = 1_000
_LONG = 4_000
_MOST = 20
"""Findings whose edits are proven at once, should all of a file be selected."""


def diagnostics(judged: Judged, text: Text) -> list[types.Diagnostic]:
    """Findings that no waiver covers, then Gaps and Notes."""
    found = [_diagnostic(finding, judged, text) for finding in unwaived(judged)]
    return found + [_remark(remark, judged, text) for remark in judged.remarks]


def unwaived(judged: Judged) -> Iterator[Finding]:
    """What is still to be decided."""
    return (finding for finding in judged.findings if finding.waiver is None)


def _diagnostic(finding: Finding, judged: Judged, text: Text) -> types.Diagnostic:
    failed = finding.verdict is Verdict.FAIL
    return types.Diagnostic(
        range=_range(finding, judged, text),
        message=_message(finding),
        severity=_LEVELS[finding.control.severity] if failed else types.DiagnosticSeverity.Information,
        code=finding.control.id,
        source="smguard",
        related_information=_elsewhere(finding, judged),
    )


def _message(finding: Finding) -> str:
    return inert(f"{finding.resource.name}: {said(finding)}", _TEXT)


def _is_here(finding: Finding, judged: Judged) -> bool:
    return judged.entry is not None and finding.location.file == judged.entry.display


def _range(finding: Finding, judged: Judged, text: Text) -> types.Range:
    if _is_here(finding, judged):
        return text.key_at(finding.location.line, finding.location.column)
    # Of a nested stack or an included file: its beginning here.
    return text.key_at(*judged.places.get(finding.resource.name.partition("/")[0], (None, None)))


def _elsewhere(finding: Finding, judged: Judged) -> list[types.DiagnosticRelatedInformation] | None:
    """The place of a finding in a nested stack or in what a template includes."""
    location = finding.location
    if judged.entry is None or location.file is None or _is_here(finding, judged):
        return None
    start = types.Position((location.line or 1) - 1, 0)
    uri = from_fs_path(os.path.join(judged.entry.root, location.file)) or ""
    where = types.Location(uri, types.Range(start, start))
    return [types.DiagnosticRelatedInformation(where, inert(location.path or finding.resource.name))]


def _remark(remark: Gap | Note, judged: Judged, text: Text) -> types.Diagnostic:
    gap = isinstance(remark, Gap)
    what = f"{remark.what} ({remark.hint})" if isinstance(remark, Gap) and remark.hint else remark.what
    place = locate(remark.where)
    here = judged.entry is not None and place.file == judged.entry.display
    return types.Diagnostic(
        range=text.key_at(place.line, place.column) if here else text.key_at(None, None),
        message=inert(what if here else f"{remark.where}: {what}", _TEXT),
        severity=types.DiagnosticSeverity.Warning if gap else types.DiagnosticSeverity.Information,
        code="gap" if gap else "note",
        source="smguard",
    )


def hover(judged: Judged, text: Text, position: types.Position, rich: bool) -> types.Hover | None:
    """Why the findings at a place matter, what would settle them and how to mend them."""
    ranges = [(finding, _range(finding, judged, text)) for finding in unwaived(judged)]
    there = [(finding, range) for finding, range in ranges if range.start <= position <= range.end]
    if not there:
        return None
    show: Callable[[str, int], str] = markdown if rich else inert
    rule = "\n\n---\n\n" if rich else "\n\n"
    value = rule.join("\n\n".join(_about(finding, judged, show, rich)) for finding, _ in there)
    kind = types.MarkupKind.Markdown if rich else types.MarkupKind.PlainText
    return types.Hover(types.MarkupContent(kind, value), there[0][1])


def _about(finding: Finding, judged: Judged, show: Callable[[str, int], str], rich: bool) -> Iterator[str]:
    control = finding.control
    bold = "**" if rich else ""
    yield f"{bold}{show(control.id, _TEXT)}{bold} ({control.severity.label}): {show(control.title, _TEXT)}"
    yield show(f"{finding.verdict.value.upper()} {_message(finding)}", _TEXT)
    # What a nested stack is given stands in its parent, so its own parameters settle nothing.
    settled = what_decides(finding, judged.text if _is_here(finding, judged) else "")
    named = (("To settle it", settled), ("Why", control.rationale), ("How to mend", control.remediation))
    for name, words in named:
        if words:
            yield f"{bold}{name}:{bold} {show(' '.join(words.split()), _LONG)}"


def quick_fixes(
    judged: Judged,
    text: Text,
    lines: tuple[int, int],
    workspace_edit: Callable[[list[Edit]], types.WorkspaceEdit],
) -> Iterator[types.CodeAction]:
    """Edits for the first findings from one line to another: what mends them, then what waives them."""
    first, last = lines
    here = [
        finding
        for finding in unwaived(judged)
        if _is_here(finding, judged) and first <= _range(finding, judged, text).start.line <= last
    ][:_MOST]
    for mend, edits in judged.quick_fixes(here) if here else ():
        yield types.CodeAction(
            title=_title(mend),
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[_diagnostic(finding, judged, text) for finding in mend.findings],
            is_preferred=not mend.replaces,
            edit=workspace_edit(edits),
        )
    until = judged.today + timedelta(days=WAIVED_DAYS)
    for finding in {key(each)[:2]: each for each in here}.values():
        try:
            edits = waive(judged.text, finding, until, judged.settings.plan.limits)
        except Unfit:
            continue
        name = inert(finding.resource.name, 60)
        yield types.CodeAction(
            title=f"Waive {finding.control.id} for {name} until {until} (write the reason)",
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[_diagnostic(finding, judged, text)],
            edit=workspace_edit(edits),
        )


def _title(mend: Mend) -> str:
    settings = []
    for steps, value in leaves(mend.patch).items():
        shown = f"!Ref {value.name}" if isinstance(value, Ref) else json.dumps(value)
        settings.append(f"{spell(steps[len(mend.resource) + 1 :])} to {shown}")
    ids = ", ".join(dict.fromkeys(finding.control.id for finding in mend.findings))
    replaced = "; CloudFormation replaces the resource" if mend.replaces else ""
    return inert(f"Set {', '.join(settings)} ({ids}{replaced})", 200)
