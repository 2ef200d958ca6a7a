"""JUnit XML: a suite for each file, a test for each finding, and a suite for what could not be looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from scanner.model import Finding, Gap, Note, Verdict
from scanner.report import Run, excuse, hint_of, position, reported, scope_of, status, told
from scanner.report.about import facts
from scanner.report.table import in_short
from scanner.safe_text import inert

_OURS = "smguard"
_COMPLETE = "everything was looked at"
_TEXT = 1_000
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


def render(run: Run) -> Iterator[str]:
    """Chunks of one XML document; the findings of one file are held at a time."""
    gaps: list[Gap] = []
    notes: list[Note] = []
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="{_OURS}">\n'
    for scope, findings in groupby(reported(run, gaps, notes), lambda finding: scope_of(finding.location)):
        names: Counter[str] = Counter()
        yield from _suite(scope, [(_unique(_name(each), names), _outcome(run, each)) for each in findings])
    yield from _suite(_OURS, _looked_at(run, gaps), _extras(run, notes))
    yield "</testsuites>\n"


def _suite(name: str, cases: list[tuple[str, tuple[str, str]]], extras: str = "") -> Iterator[str]:
    """A suite of tests, each a name and how it came out: an element or none, and its text."""
    kinds = Counter(element.partition(" ")[0] for _, (element, _) in cases)
    yield (
        f'<testsuite name="{_xml(name)}" tests="{len(cases)}" failures="{kinds["failure"]}"'
        f' errors="{kinds["error"]}" skipped="{kinds["skipped"]}">\n{extras}'
    )
    for case, (element, text) in cases:
        head = f'  <testcase classname="{_xml(name)}" name="{case}"'
        kind = element.partition(" ")[0]
        yield f"{head}><{element}>{text}</{kind}></testcase>\n" if element else f"{head}/>\n"
    yield "</testsuite>\n"


def _unique(name: str, seen: Counter[str]) -> str:
    """CI systems know a test by its class and name, and show one of those that share both."""
    seen[name] += 1
    return name if seen[name] == 1 else f"{name} ({seen[name]})"


def _name(finding: Finding) -> str:
    path = f" {finding.location.path}" if finding.location.path else ""
    return _xml(f"{finding.control.id}: {finding.resource.name}{path}")


def _outcome(run: Run, finding: Finding) -> tuple[str, str]:
    """What counts has failed; what neither counts nor passes was skipped."""
    if status(finding) == "passed":
        return "", ""
    kind = finding.control.severity.label if finding.verdict is Verdict.FAIL else finding.verdict.value
    lines = [position(finding.location), f"{finding.resource.name}, {finding.resource.type}"]
    if run.counts(finding):
        control = finding.control
        lines += [control.title, in_short(control.remediation), f"More: smguard explain {control.id}"]
        return _element("failure", kind, told(finding), lines)
    reason = f"{status(finding)} {excuse(finding)}".rstrip()
    return _element("skipped", kind, f"{reason}: {told(finding)}", lines)


def _looked_at(run: Run, gaps: list[Gap]) -> list[tuple[str, tuple[str, str]]]:
    """A test for each Gap, or one that passes: CI systems take a report without tests for a fault."""
    if not gaps:
        return [(_xml(_COMPLETE), ("", ""))]
    names: Counter[str] = Counter()
    return [(_unique(_xml(f"gap: {gap.where}"), names), _gap(run, gap)) for gap in gaps]


def _gap(run: Run, gap: Gap) -> tuple[str, str]:
    element = "error" if run.leaves_open(gap) else "skipped"
    return _element(element, "gap", gap.what, [gap.where, hint_of(gap)])


def _extras(run: Run, notes: list[Note]) -> str:
    told = facts(run) if run.kind == "audit" else {}
    known = {"version": run.version, "catalog": run.catalog, **run.summary()._asdict()}
    properties = "".join(
        f'  <property name="{name}" value="{_xml(str(value).lower())}"/>\n' for name, value in known.items()
    )
    properties += "".join(
        f'  <property name="{label.lower()}" value="{_xml(text)}"/>\n' for label, text in told.items()
    )
    lines = "".join(f"\n{_xml(f'note: {note.where}: {note.what}')}" for note in notes)
    said_beside = f"  <system-out>{lines}\n</system-out>\n" if notes else ""
    return f"  <properties>\n{properties}  </properties>\n{said_beside}"


def _element(name: str, kind: str, message: str, lines: list[str]) -> tuple[str, str]:
    text = "\n".join(_xml(line) for line in lines if line)
    return f'{name} type="{kind}" message="{_xml(message)}"', text


def _xml(text: str) -> str:
    """ASCII that is only text, whatever the encoding of the document: no character that XML forbids."""
    return inert(text, _TEXT).translate(_ENTITIES).encode("ascii", "xmlcharrefreplace").decode("ascii")
