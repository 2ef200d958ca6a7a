"""A finding in words: what decides it, what would settle it, and how to live with it for a while."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any

from scanner.catalog import Catalog
from scanner.model import Control, Finding, Verdict
from scanner.report import position, said
from scanner.rule_text import Line, explain, section
from scanner.safe_text import to_json

_MOST = 20
_MOST_WORDS = 3
_CODE = (".py", ".ipynb")
WAIVED_DAYS = 90
_REASON = "say here why this may stay"
_PLAIN = re.compile(r"[A-Za-z][\w./-]*", re.ASCII)
_NAME = re.compile(r"\w+")
_DEPLOYED = "Only what is deployed shows the value. Write it into the template, or pass it as a parameter."
_ADVICE = (
    (r"^SSM parameter", "Its value stands in Parameter Store, which a scan does not ask. {deployed}"),
    (r"^an import from|^a dynamic reference", "{deployed}"),
    (
        r"^who manages a key",
        "Name an alias of your own (alias/…) or a key of the same template: those are customer managed.",
    ),
    (r"not known$|no source", "No source tells: set the property, and nothing is left open."),
    (r"macro|AWS::Include|Transform", "Scan the processed template: aws cloudformation get-template."),
    (r"that the stack or module", "Scan its template with this one; of a module, the processed template."),
    (r"where .* belongs$|^an? [A-Z]\w+ (with|that|of|outside)", "CloudFormation would refuse it: mend it."),
    (r"combinations|more than are tried", "A parameter file leaves fewer open, or raise --max-worlds."),
)
"""What the cause of an UNKNOWN matches -> what settles it."""
_ELSEWHERE = (
    "It is judged at the resource that is named: define that in the same template, or see to it where it is."
)


def explain_findings(
    control: Control, findings: list[Finding], catalog: Catalog, today: date
) -> Iterator[Line]:
    """What was found by one control, why it matters, and what to do; without findings, the control alone."""
    kinds = [kind for kind in control.resources if any(each.resource.type == kind for each in findings)]
    found = list(_found(findings)) if findings else []
    yield from explain(control, catalog, kinds if findings else None, found)
    yield from _how_to_waive(control, findings[:_MOST], (today + timedelta(days=WAIVED_DAYS)).isoformat())


def _found(findings: list[Finding]) -> Iterator[Line]:
    yield from section("What was found")
    for finding in findings[:_MOST]:
        location, resource = finding.location, finding.resource
        verdict = "waived" if finding.waiver else finding.verdict.value
        yield Line(2, f"{verdict.upper()} {resource.name} ({resource.type}), {position(location)}")
        yield Line(4, said(finding))
        yield Line(4, f"property: {location.path or 'the resource itself'}")
        if location.file and location.file.endswith(_CODE):
            from scanner.guard_rules import keywords

            words = keywords(resource.type.rpartition("::")[2], location.path)[:_MOST_WORDS]
            if words:
                yield Line(4, f"in the SageMaker SDK: {' or '.join(words)}")
        if finding.waiver is not None:
            yield Line(4, f"waived until {finding.waiver.expires}: {finding.waiver.reason}")
        elif decided := what_decides(finding):
            yield Line(4, f"to settle it: {decided}")
        yield Line(4, f"fingerprint: {finding.fingerprint}")
    if len(findings) > _MOST:
        yield Line(2, f"… and {len(findings) - _MOST} more; `smguard scan` lists them all")


def what_decides(finding: Finding, text: str | None = None) -> str | None:
    """What would settle an UNKNOWN, or turn a FAIL that hangs on something; None for a plain FAIL.

    `text` is the template, if it is not what the file holds.
    """
    if finding.verdict is not Verdict.UNKNOWN and not finding.condition:
        return None
    cause = finding.cause or ""
    if "is not in this scan" in finding.message and ", unless it is " not in cause:
        return _ELSEWHERE
    if not cause.startswith("SSM parameter"):
        words = f"{finding.condition or ''} {cause}"
        names = parameters_behind(words, finding.location.file or "", text)
        if names:
            example = json.dumps(dict.fromkeys(names[:3], "…"), ensure_ascii=False)
            return f"give the values of the deployment, --parameters FILE with {example}"
        if finding.condition:
            return "give the values of the deployment with --parameters FILE"
    for pattern, advice in _ADVICE:
        if re.search(pattern, cause):
            return advice.format(deployed=_DEPLOYED)
    return _DEPLOYED


def parameters_behind(words: str, file: str, text: str | None = None) -> list[str]:
    """The parameters that words name, themselves or through conditions, as the template in `file` has them.

    `text` is that template, if it is not what the file holds. Empty where it can't be read any more.
    """
    parameters, conditions = _inputs(file) if text is None else _inputs_of(text)
    found: dict[str, None] = {}
    waiting, seen = _NAME.findall(words), set[str]()
    while waiting:
        name = waiting.pop(0)
        if name in seen:
            continue
        seen.add(name)
        if name in parameters:
            found[name] = None
        elif name in conditions:
            waiting += _names_in(conditions[name])
    return list(found)


@cache
def _inputs(file: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The Parameters and the Conditions of a template."""
    from scanner.limits import Limits
    from scanner.opening import Candidate, open_text
    from scanner.template.reader import ReadError

    try:
        return _inputs_of(open_text(Candidate(file, os.path.realpath(file), ""), Limits()) or "")
    except (ReadError, ValueError):  # a path with a NUL is a ValueError
        return {}, {}


def _inputs_of(text: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    from scanner.limits import Limits
    from scanner.template.reader import ReadError, read
    from scanner.template.template import section as read_section

    try:
        root = read(text, Limits()).root
    except ReadError:
        return {}, {}
    if not isinstance(root, dict):
        return {}, {}
    return read_section(root, "Parameters"), read_section(root, "Conditions")


def _names_in(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [name for below in node.values() for name in _names_in(below)]
    if isinstance(node, (list, tuple)):
        return [name for below in node for name in _names_in(below)]
    return _NAME.findall(node) if isinstance(node, str) else []


def _how_to_waive(control: Control, findings: Iterable[Finding], expires: str) -> Iterator[Line]:
    if not control.waivable:
        yield from section("How to waive", "It can't be waived.")
        return
    entry = {"control": control.id, "reason": _REASON, "expires": expires}
    findings = list(findings)
    yield from section("How to waive, until you have mended it")
    file = findings[0].location.file if findings else ""
    if file is None:
        yield Line(2, "In the file that you give with --waivers:")
    else:
        yield from _beside(file, entry)
        yield Line(2, "or in the file that you give with --waivers:")
    yield Line(4, "waivers:", exact=True)
    targets = dict.fromkeys((each.resource.name, each.location.file) for each in findings)
    for name, file in targets or {("LogicalId", None): None}:
        inside = {"file": _literally(file)} if file not in (None, "-") else {}
        yield from _entry(6, {"control": control.id, "resource": _literally(name), **inside, **entry})


def _beside(file: str, entry: dict[str, str]) -> Iterator[Line]:
    """The waiver that stands beside what it excuses: a comment in code, Metadata in a template."""
    if file.endswith(_CODE):
        yield Line(2, "In the code, on a line of the call or the one above it:")
        text = f"# smguard: ignore[{entry['control']}] until={entry['expires']} {entry['reason']}"
        yield Line(4, text, exact=True)
        return
    yield Line(2, "In a template, beside the resource's Type:")
    if file.endswith(".json"):
        yield Line(4, f'"Metadata": {{"smguard": {{"waivers": [{json.dumps(entry)}]}}}},', exact=True)
        return
    yield from (Line(4 + 2 * depth, f"{key}:", exact=True) for depth, key in enumerate(_METADATA))
    yield from _entry(10, entry)


_METADATA = ("Metadata", "smguard", "waivers")


def _entry(indent: int, fields: dict[str, str]) -> Iterator[Line]:
    for number, (key, value) in enumerate(fields.items()):
        shown = value if key in ("expires", "reason") or _PLAIN.fullmatch(value) else to_json(value)
        yield Line(indent, f"{'  ' if number else '- '}{key}: {shown}", exact=True)


def _literally(text: str | None) -> str:
    """A pattern of a waiver file that matches this text only."""
    return re.sub(r"([*?[])", r"[\1]", text or "")
