"""Cases: requests with the decision that a policy must make of them, and what no case tries."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import product
from typing import Any, NamedTuple

from scanner.limits import Limits
from scanner.model import SmguardError
from scanner.policy import pack, render
from scanner.policy.call import CALLER, requests_of
from scanner.policy.decide import Decision, Policies, decide
from scanner.policy.document import Policy, Statement, read_policy, take_policy
from scanner.policy.folder import policies_folder
from scanner.policy.request import Request
from scanner.safe_text import inert

ALLOWED = "Allowed"
DECISIONS = (ALLOWED, "ExplicitlyDenied", "ImplicitlyDenied")
LAYERS = ("scp", "iam", "boundary", "vpc-endpoint", "s3")
SUFFIX = ".cases.yaml"
_ASSUMPTIONS = tuple(product(("absent", "default"), ("sent", "dropped")))
"""Whether keys of omitted parameters and deprecated keys are sent: no source settles it."""
_FIELDS = ("about", "call", "with", "request", "principal", "context", "decision", "by")
_EVERYTHING = take_policy(
    {
        "Version": "2012-10-17",
        "Statement": {"Sid": "Everything", "Effect": "Allow", "Action": "*", "Resource": "*"},
    },
    "everything",
)


class Case(NamedTuple):
    """One request, as parameters of an API call or ready made, and what must be decided."""

    where: str
    about: str
    call: str | None
    parameters: Mapping[str, Any]
    request: Mapping[str, Any]
    principal: str
    context: Mapping[str, Any]
    decision: str
    by: str | None


class Subject(NamedTuple):
    """A policy under test, in every form in which it is deployed."""

    name: str
    layer: str
    forms: Sequence[tuple[str, tuple[Policy, ...]]]
    """(what the form is called, the policies it consists of)"""
    cases: Sequence[Case]


def of_the_pack() -> Iterator[Subject]:
    """Every policy of the pack with the example values: as written, minified, one statement a policy."""
    values = pack.example_values()
    for entry in pack.entries():
        if entry.type == "AISERVICES_OPT_OUT_POLICY":
            continue  # it decides no request
        where = f"policies/{entry.path}"
        own = {**values, **{name: values[each][0] for name, each in entry.each.items()}}
        whole = pack.fill(json.loads(entry.text), own)
        forms: list[tuple[str, tuple[Policy, ...]]] = [("as written", (take_policy(whole, where),))]
        parts = [
            each
            for each in render.render([entry], values, pack.EXAMPLE)
            if each.subject in (None, *own.values())
        ]
        forms.append(("rendered", tuple(read_policy(each.text, each.path) for each in parts)))
        if entry.splits:
            single = [{**whole, "Statement": [each]} for each in whole["Statement"]]
            forms.append(("split", tuple(take_policy(each, where) for each in single)))
        layer = "boundary" if entry.boundary else entry.kind
        path = os.path.join(policies_folder(), entry.path.removesuffix(".json") + SUFFIX)
        cases = _cases(_text(path), where.removesuffix(".json") + SUFFIX, own)[1]
        yield Subject(where, layer, forms, cases)


def of_a_file(path: str) -> Subject:
    """A policy of one's own, or its cases file; the other stands beside it. `layer:` says what it is."""
    stem = path.removesuffix(SUFFIX) if path.endswith(SUFFIX) else path.removesuffix(".json")
    layer, cases = _cases(_text(stem + SUFFIX), stem + SUFFIX, {"partition": pack.PARTITIONS[0]})
    layer = layer or os.path.basename(os.path.dirname(os.path.abspath(path)))
    if layer not in LAYERS:
        hint = f"write `layer:` with one of {', '.join(LAYERS)} into {inert(stem + SUFFIX)}"
        raise SmguardError(f"{inert(path)}: nothing says what this policy is attached to", hint)
    policy = read_policy(_text(stem + ".json"), stem + ".json")
    return Subject(stem + ".json", layer, [("as written", (policy,))], cases)


def differences(subject: Subject) -> Iterator[str]:
    """What is not as the cases say, in any form and under any assumption, and statements without cases."""
    statements = [it for policy in subject.forms[0][1] for it in policy.statements]
    decided: set[str | None] = set()
    missed: set[str | None] = set()
    for case in subject.cases:
        assumptions = _ASSUMPTIONS if case.call else _ASSUMPTIONS[:1]
        for (form, policies), (omitted, deprecated) in product(subject.forms, assumptions):
            requests = _requests(case, omitted, deprecated)
            decision, sids = _decide(requests, subject.layer, policies)
            fault = _difference(case, decision, sids)
            if fault:
                given = f", omitted parameters {omitted}, deprecated keys {deprecated}" if case.call else ""
                yield f"{case.where}: {case.about} ({form}{given}): {fault}"
                break
            decided |= {case.by} if case.by else sids if len(sids) == 1 else set()
            missed |= {it.sid for it in statements if _is_near(it, requests)} - sids
    for statement in statements:
        if statement.sid not in decided:
            yield f"{subject.name}#{statement.sid}: no case reaches this statement"
        elif statement.sid not in missed:
            yield f"{subject.name}#{statement.sid}: no case just misses this statement"


def _difference(case: Case, decision: Decision, sids: set[str]) -> str | None:
    if decision.decision != case.decision:
        by = f" by {decision.by}" if decision.by else ""
        return f"{decision.decision}{by}, not {case.decision}"
    if case.by and case.by not in sids:
        return f"{case.decision} by {', '.join(sorted(sids)) or 'no statement'}, not by {case.by}"
    return None


def _is_near(statement: Statement, requests: Iterable[Request]) -> bool:
    """Is one of the requests for its action; where it has no conditions, for an action of that service?"""
    patterns = [each.lower() for each in statement.actions or ("*",)]
    if not statement.conditions:
        patterns = [each.partition(":")[0] + ":*" for each in patterns]
    return any(fnmatchcase(each.action.lower(), pattern) for each in requests for pattern in patterns)


def _decide(
    requests: Sequence[Request], layer: str, policies: tuple[Policy, ...]
) -> tuple[Decision, set[str]]:
    """What becomes of a call, and the statements of the policy under test that brought it about."""
    around = {
        "scp": Policies(identity=(_EVERYTHING,), scp=((_EVERYTHING, *policies),)),
        "iam": Policies(identity=policies),
        "boundary": Policies(identity=(_EVERYTHING,), boundary=policies[0]),
        "vpc-endpoint": Policies(identity=(_EVERYTHING,), vpc_endpoint=policies[0]),
        "s3": Policies(identity=(_EVERYTHING,), resource_policy=policies[0]),
    }[layer]
    made = [decide(each, around, explain=True) for each in requests]
    worst = next((each for each in made if each.decision != ALLOWED), made[0])
    effect = "Allow" if worst.decision == ALLOWED else "Deny"
    sids = {
        it.sid for it in worst.reasons if it.applies and it.effect == effect and it.policy != "everything"
    }
    return worst, {sid for sid in sids if sid}


def _requests(case: Case, omitted: str, deprecated: str) -> list[Request]:
    if case.call:
        made = requests_of(
            case.call, case.parameters, omitted=omitted, deprecated=deprecated, principal=case.principal
        )
    else:
        made = [Request(case.principal, case.request["action"], case.request.get("resource", "*"))]
    context = {"aws:PrincipalArn": case.principal, **case.request.get("context", {}), **case.context}
    return [each._replace(context={**each.context, **context}) for each in made]


def _cases(text: str, where: str, values: pack.Values) -> tuple[str | None, list[Case]]:
    from scanner.template.reader import ReadError, read

    try:
        document = read(text, Limits())
    except ReadError as error:
        raise SmguardError(f"{inert(where)}:{error.line or 1}: {error.what}", error.hint) from error
    root = document.root
    listed = root.get("cases") if isinstance(root, dict) else None
    if not isinstance(listed, list) or not listed:
        raise SmguardError(f"{inert(where)}:1: no list of cases", "write `cases:` and under it a list")
    marks = document.marks.get(id(listed))
    found = []
    for number, body in enumerate(listed):
        line = marks[number][0] if marks is not None else 1
        at = f"{where}:{line}"
        what = _fault(body)
        if what:
            raise SmguardError(f"{inert(at)}: {what}")
        body = pack.fill(body, values)
        found.append(
            Case(
                where=at,
                about=str(body["about"]),
                call=body.get("call"),
                parameters=body.get("with", {}),
                request=body.get("request", {}),
                principal=body.get("principal", CALLER),
                context=body.get("context", {}),
                decision=body["decision"],
                by=body.get("by"),
            )
        )
    return root.get("layer"), found


def _fault(body: Any) -> str | None:
    if not isinstance(body, dict):
        return "a case is a mapping"
    for name in body:
        if name not in _FIELDS:
            return f"{inert(str(name), 40)} is no field of a case: {', '.join(_FIELDS)}"
    if ("call" in body) == ("request" in body):
        return "a case has either a call or a request"
    if "request" in body and not (
        isinstance(body["request"], dict) and isinstance(body["request"].get("action"), str)
    ):
        return "request is not {action, resource, context}"
    if any(not isinstance(body.get(name, {}), dict) for name in ("with", "context")):
        return "with and context are mappings"
    if any(not isinstance(body.get(name, ""), str) for name in ("about", "call", "principal", "by")):
        return "about, call, principal and by are texts"
    if "about" not in body or body.get("decision") not in DECISIONS:
        return f"a case says what it is `about` and one `decision`: {', '.join(DECISIONS)}"
    return None


def _text(path: str) -> str:
    try:
        if not os.path.isfile(path):  # opening a pipe could wait for ever
            raise SmguardError(
                f"{inert(path)}: there is no such file", "a policy and its cases stand side by side"
            )
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError) as error:
        raise SmguardError(f"{inert(path)}: can't be read: {error}") from error
