"""The report for people: findings by file and resource, then what to do about them, then the counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

from scanner.model import Control, Finding, Gap, Note, Resource, Severity, Summary
from scanner.report import Run, hint_of, scope_of, status
from scanner.report.layout import Layout, Row, count
from scanner.report.rows import gather, resource_rows
from scanner.safe_text import inert

_MOST_GAPS = 50
_MOST_NOTES = 10
_LONGEST_NOTE = 800
_NARROWEST = 40
_MOST_ALIKE = 500
"""Groups of resources that are held at a time: an account may have half a million."""
_NAMED = 3


class _Tally:
    """What the end of the report needs to remember of the findings."""

    def __init__(self) -> None:
        self.severities: Counter[Severity] = Counter()
        self.failed: dict[str, Control] = {}
        self.gaps: list[Gap] = []
        self.notes: dict[str, list[str]] = {}


def render(run: Run) -> Iterator[str]:
    """Lines of text; the findings of one file are held at a time."""
    layout = Layout(max(run.width, _NARROWEST), run.color)
    tally = _Tally()
    for scope, findings in groupby(_findings(run, tally), lambda finding: scope_of(finding.location)):
        if run.kind == "audit":
            yield from _render_region(layout, scope, findings)
        else:
            yield from _render_file(layout, scope, list(findings))
    summary = run.summary()
    yield from _render_remedies(layout, tally, "ID" if run.kind == "audit" else "FILE:LINE, or ID")
    yield from _render_notes(layout, tally)
    yield from _render_gaps(layout, tally)
    if run.kind == "audit":
        from scanner.report.about import facts, tool, totals

        regions = list(totals(run))
        if regions:
            yield layout.paint("bold", "Accounts and regions") + "\n\n"
        for text in regions:
            yield from layout.paragraph(text, 2)
        if regions:
            yield "\n"
        for label, text in {**facts(run), "Tool": tool(run)}.items():
            yield from layout.paragraph(f"{label}: {text}", 0, "dim", _LONGEST_NOTE)
        yield "\n"
    yield from _render_summary(layout, summary, tally, "type" if run.kind == "audit" else "file")


def _findings(run: Run, tally: _Tally) -> Iterator[Finding]:
    for event in run.events:
        if isinstance(event, Gap):
            tally.gaps.append(event)
        elif isinstance(event, Note):
            tally.notes.setdefault(event.what, []).append(event.where)
        elif run.show_passed or status(event) not in ("passed", "baseline"):
            # Hundreds of known findings would bury the new one.
            if status(event) == "failed":
                tally.severities[event.control.severity] += 1
                tally.failed[event.control.id] = event.control
            yield event


def _render_file(layout: Layout, scope: str, findings: list[Finding]) -> Iterator[str]:
    shared, own = gather(findings)
    groups: dict[Resource, list[Finding]] = {}
    for finding in findings:
        if id(finding) in own:
            groups.setdefault(finding.resource, []).append(finding)
    sections = [(resource, list(resource_rows(group))) for resource, group in groups.items()]
    columns = layout.fit([row for _, rows in sections for row in rows] + shared)
    if scope:
        yield layout.paint("bold", inert(scope, 500)) + "\n\n"
    for resource, rows in sections:
        kind = f"{resource.type}  {resource.construct}" if resource.construct else resource.type
        yield from layout.heading(resource.name, kind)
        yield from layout.rows(rows, columns)
        yield "\n"
    if shared:
        yield from layout.paragraph("Several resources", 2)
        yield from layout.rows(shared, columns)
        yield "\n"


Alike = tuple[str, str | None, tuple[Row, ...]]
"""What is to be said of a resource: its type, the stack that made it, and rows."""


def _render_region(layout: Layout, scope: str, findings: Iterable[Finding]) -> Iterator[str]:
    """The resources of a region, those of which the same is to be said together."""
    yield layout.paint("bold", inert(scope, 500)) + "\n\n"
    alike: dict[Alike, list[str]] = {}
    numbers: Counter[Alike] = Counter()
    for resource, group in groupby(findings, lambda finding: finding.resource):
        here = [finding._replace(location=finding.location._replace(arn=None)) for finding in group]
        key = (resource.type, resource.stack, tuple(resource_rows(here)))
        numbers[key] += 1
        if numbers[key] <= _NAMED:
            alike.setdefault(key, []).append(resource.name)
        if len(alike) > _MOST_ALIKE:
            yield from _render_alike(layout, alike, numbers)
            alike.clear()
            numbers.clear()
    yield from _render_alike(layout, alike, numbers)


def _render_alike(layout: Layout, alike: dict[Alike, list[str]], numbers: Counter[Alike]) -> Iterator[str]:
    columns = layout.fit([row for _, _, rows in alike for row in rows]) if alike else None
    for key in sorted(alike, key=lambda key: key[0]):
        kind, stack, rows = key
        rest = numbers[key] - _NAMED
        names = ", ".join(alike[key]) + (f" and {rest:,} more" if rest > 0 else "")
        yield from layout.heading(names, f"{kind}, made by stack {stack}" if stack else kind)
        yield from layout.rows(list(rows), columns)
        yield "\n"


def _render_remedies(layout: Layout, tally: _Tally, what: str) -> Iterator[str]:
    if not tally.failed:
        return
    yield layout.paint("bold", "How to mend") + "\n\n"
    for control in sorted(tally.failed.values(), key=lambda control: (-control.severity, control.id)):
        yield from layout.heading(control.id, control.title)
        yield from layout.paragraph(in_short(control.remediation), 4)
    yield "\n"
    yield from layout.paragraph(f"More on one, and how to waive it: smguard explain {what}", 2, "dim")
    yield "\n"


def in_short(text: str) -> str:
    """The first sentence of a remediation, and the one that says what can't be changed in place."""
    sentences = _sentences(" ".join(text.split()))
    shown = [sentences[0], *(each for each in sentences[1:] if "recreate" in each)][:2]
    return " ".join(shown) + (" …" if len(shown) < len(sentences) else "")


def _sentences(text: str) -> list[str]:
    sentences: list[list[str]] = [[]]
    words = text.split(" ")
    for word, following in zip(words, [*words[1:], ""], strict=True):
        sentences[-1].append(word)
        if word.endswith((".", ".)")) and not word.endswith("e.g.") and following[:1].isupper():
            sentences.append([])
    return [" ".join(each) for each in sentences]


def _render_notes(layout: Layout, tally: _Tally) -> Iterator[str]:
    if not tally.notes:
        return
    yield layout.paint("bold", "Notes") + "\n\n"
    for what, places in list(tally.notes.items())[:_MOST_NOTES]:
        more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
        yield from layout.paragraph(f"{places[0]}{more}: {what}", 2, most=_LONGEST_NOTE)
    yield from _render_rest(layout, len(tally.notes) - _MOST_NOTES, "note")
    yield "\n"


def _render_gaps(layout: Layout, tally: _Tally) -> Iterator[str]:
    if not tally.gaps:
        return
    yield layout.paint("bad", "Gaps: what this report leaves open") + "\n\n"
    for gap in tally.gaps[:_MOST_GAPS]:
        yield from layout.paragraph(f"{gap.where}: {gap.what}", 2)
        if hint_of(gap):
            yield from layout.paragraph(hint_of(gap), 6, "dim")
    yield from _render_rest(layout, len(tally.gaps) - _MOST_GAPS, "gap")
    yield "\n"


def _render_rest(layout: Layout, rest: int, noun: str) -> Iterator[str]:
    if rest > 0:
        text = f"… and {count(rest, f'more {noun}')}; --format json has them all"
        yield from layout.paragraph(text, 2, "dim")


def _render_summary(layout: Layout, summary: Summary, tally: _Tally, noun: str) -> Iterator[str]:
    if not (summary.fail or summary.unknown or summary.gaps or tally.gaps) and summary.complete:
        yield from _render_fine(layout, summary, noun)
        return
    open_because = f"can't be decided from what was {'scanned' if noun == 'file' else 'read'}"
    known = [("baseline", summary.baseline, "known before; --all lists them", "bold")]
    rows = [
        ("failed", summary.fail, ", ".join(_severities(tally)), "bad"),
        ("unknown", summary.unknown, open_because, "unknown"),
        ("gaps", len(tally.gaps), _gap_remark(summary), "bad"),
        ("waived", summary.waived, "", "bold"),
        *(known if summary.baseline else ()),
        ("passed", summary.passed, "", "good"),
        ("resources", summary.resources, "", "bold"),
        (f"{noun}s", summary.seen, file_counts(summary), "bold"),
    ]
    digits = max(len(str(number)) for _, number, _, _ in rows)
    for label, number, remark, style in rows:
        shown = layout.paint(style if number else "dim", f"{number:>{digits}}")
        said = f"  {layout.paint('dim', remark)}" if number and remark else ""
        yield f"{label:<9}  {shown}{said}\n"


def _gap_remark(summary: Summary) -> str:
    accepted = f"{summary.accepted_gaps} accepted" if summary.accepted_gaps else ""
    if not summary.complete:
        return ", ".join(filter(None, ("the report is incomplete", accepted)))
    return accepted


def _severities(tally: _Tally) -> list[str]:
    worst_first = sorted(tally.severities.items(), reverse=True)
    return [f"{number} {severity.label}" for severity, number in worst_first]


def file_counts(summary: Summary) -> str:
    kinds = [
        (summary.judged, "judged"),
        (summary.partial, "in part"),
        (summary.unread, "unread"),
        (summary.skipped, "skipped"),
    ]
    return ", ".join(f"{number} {word}" for number, word in kinds if number)


def _render_fine(layout: Layout, summary: Summary, noun: str) -> Iterator[str]:
    if not summary.seen:
        yield f"Nothing to judge: no {noun} was found.\n"
        return
    files = count(summary.seen, noun) + (f" ({file_counts(summary)})" if summary.skipped else "")
    if summary.passed or summary.waived or summary.baseline:
        verdict = layout.paint("good", "Nothing new." if summary.baseline else "All good.")
        waived = f", {summary.waived} waived" if summary.waived else ""
        waived += f", {summary.baseline} in the baseline" if summary.baseline else ""
        counts = f"{summary.passed} passed{waived} on {count(summary.resources, 'resource')} in {files}."
    else:
        verdict = layout.paint("bold", "Nothing to judge.")
        counts = f"No SageMaker resource that a control is about in {files}."
    yield f"{verdict} {counts}\n"
