"""Every control as a rule of cfn-lint: `cfn-lint -a scanner.cfn_lint_rules template.yaml`.

W9nnn: the control fails. I9nnn: it can't be decided. E9000: something could not be looked at. I9000: worth
saying. cfn-lint shows the informational ones with `-c I9`. A template is judged once for all its rules, from
its own file, so that the verdicts and places are those of `smguard scan`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from cfnlint.rules import CloudFormationLintRule, RuleMatch

from scanner import host
from scanner.limits import Limits
from scanner.model import Finding, Gap, Location, Note, SmguardError, Verdict
from scanner.opening import Candidate
from scanner.report.place import locate
from scanner.safe_text import inert
from scanner.template.parameter import read_values

_GAP, _NOTE = "E9000", "I9000"
_REFERENCE = "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/AWS_SageMaker.html"

Matches = dict[str, list[RuleMatch]]
"""Rule id -> its matches in one template."""

try:
    _CATALOG = host.load_catalog()
except SmguardError as error:
    # What cfn-lint words as a fault of the rules it was asked to append.
    raise ImportError(f"{error.what}; {error.hint}") from None

_latest: tuple[Any, Matches] = (None, {})


def _matches(cfn: Any) -> Matches:
    """The matches in a template of cfn-lint's, kept for the rules that ask next."""
    global _latest
    if _latest[0] is not cfn:
        _latest = (cfn, _judge(cfn))
    return _latest[1]


def _judge(cfn: Any) -> Matches:
    """Judge a template once, or once for each set of parameter values that cfn-lint was given."""
    found: Matches = {}
    try:
        entry = _candidate(cfn)
    except (RecursionError, TypeError, ValueError):
        what = "the template can't be judged: it holds itself, or what is no JSON"
        return {_GAP: [_match(cfn, what, Location(""), ["Resources"])]}
    declared = _mapping(_mapping(cfn.template).get("Parameters"))
    for given in getattr(cfn.context, "parameter_sets", None) or [None]:
        values = None
        if given is not None:
            read = read_values(dict(given.parameters)) or {}
            values = {name: value for name, value in read.items() if name in declared}
        for file, event in host.judge(_CATALOG, [entry], values):
            rule, message, place, path = _worded(event, cfn, file)
            if rule:
                found.setdefault(rule, []).append(_match(cfn, message, place, path))
    return found


def _candidate(cfn: Any) -> Candidate:
    """The file of a template, read anew; without one, what cfn-lint has read, if that can be written out."""
    if cfn.filename:
        real = os.path.realpath(cfn.filename)
        return Candidate(cfn.filename, real, os.path.dirname(real))
    text = host.written_out(cfn.template, Limits())
    return Candidate("", "", os.path.realpath(os.curdir), given=text)


def _worded(event: Finding | Gap | Note, cfn: Any, file: str) -> tuple[str, str, Location, list[str | int]]:
    """What becomes of an event: rule id (empty for none), message, place and path in the template."""
    resources = _mapping(_mapping(cfn.template).get("Resources"))
    if isinstance(event, Finding):
        place = event.location._replace(file=event.location.file or file)
        name = event.resource.name
        message = f"{name}: {event.message} ({event.control.id})"
        below = ["Properties", *host.steps(event.location.path)]
        # What is found in a nested stack is suppressed at the stack.
        path = [name, *below] if name in resources else [name.partition("/")[0]]
        rule = event.control.cfn_lint_id
        if event.waiver is not None or event.baseline:
            rule = ""
        elif event.verdict is Verdict.UNKNOWN:
            rule = f"I{rule[1:]}"
        return rule, message, place, ["Resources", *path]
    place = locate(event.where)
    about = [name for name, body in resources.items() if place.file == file and _spans(body, place.line)]
    if isinstance(event, Gap):
        message = f"{event.what}; {event.hint}" if event.hint else event.what
        return _NOTE if event.accepted else _GAP, message, place, ["Resources", *about[:1]]
    return _NOTE, event.what, place, ["Resources", *about[:1]]


def _match(cfn: Any, message: str, place: Location, path: list[str | int]) -> RuleMatch:
    """A match where our reader has it, or where cfn-lint has its path if there was no file to read.

    cfn-lint counts lines and columns from 0, and knows where a key ends.
    """
    span = cfn.get_location_yaml(cfn.template, _present(cfn.template, path)) or (0, 0, 0, 1)
    if not cfn.filename:
        return RuleMatch(path, inert(message, 1_000), location=span)
    start = ((place.line or 1) - 1, (place.column or 1) - 1)
    if place.file != cfn.filename or span[:2] != start:
        span = (*start, start[0], start[1] + 1)
    return RuleMatch(path, inert(message, 1_000), filename=place.file, location=span)


def _present(node: Any, path: list[str | int]) -> list[str | int]:
    """As much of a path as is there."""
    for count, step in enumerate(path):
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return path[:count]
    return path


def _spans(body: Any, line: int | None) -> bool:
    """Whether a resource, as cfn-lint has read it, lies around a line (from 1)."""
    start, end = getattr(body, "start_mark", None), getattr(body, "end_mark", None)
    return bool(line and start and end and start.line <= line <= end.line + 1)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _rule(rule_id: str, title: str, description: str, *tags: str) -> type:
    """The class of one rule, as cfn-lint wants it."""

    def match(self: Any, cfn: Any) -> list[RuleMatch]:
        return _matches(cfn).get(rule_id, [])

    body = {
        "__module__": __name__,
        "id": rule_id,
        "shortdesc": title,
        "description": description,
        "source_url": _REFERENCE,
        "tags": ["sagemaker", *tags],
        "match": match,
    }
    return type(rule_id, (CloudFormationLintRule,), body)


def _rules() -> Iterator[type]:
    for control in _CATALOG.controls:
        if not control.retired:
            number = control.cfn_lint_id[1:]
            why = " ".join(control.rationale.split()).partition(". ")[0].rstrip(".")
            more = f"More, and how to mend: smguard rules show {control.id}"
            open_ = f"What W{number} can't decide, because it depends on values that the template leaves open"
            tags = (control.area, control.severity.label, control.id)
            yield _rule(f"W{number}", control.title, f"{why}. {more}", *tags)
            yield _rule(f"I{number}", f"Undecided: {control.title}", f"{open_}. {more}", *tags)
    yield _rule(
        _GAP,
        "Something of the template could not be looked at",
        "The SageMaker controls did not see what the message names, so nothing is known of it.",
    )
    yield _rule(_NOTE, "Worth saying of a SageMaker template", "A remark that changes no verdict.")


globals().update({rule.__name__: rule for rule in _rules()})
