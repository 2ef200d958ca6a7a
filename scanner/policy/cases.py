"""Cases: requests with the decision that a policy must make of them, and what no case tries."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from itertools import product
from typing import Any, NamedTuple

from scanner.folder import data_folder
from scanner.model import SmguardError
from scanner.opening import read_document, read_named
from scanner.policy import pack, render
from scanner.policy.call import CALLER, WORLD, requests_of
from scanner.policy.decide import ALLOWED, Decision, Policies, decide
from scanner.policy.document import Policy, Statement, read_object, read_policy, take_policy
from scanner.policy.inheritance import Child, OptOut
from scanner.policy.inheritance import differences as opt_out_differences
from scanner.policy.request import Request
from scanner.safe_text import inert
from scanner.template.document import Document

_OPT_OUT = "ai-opt-out"
LAYERS = ("scp", "iam", "boundary", "vpc-endpoint", "s3", _OPT_OUT)
SUFFIX = ".cases.yaml"
_WORLDS = tuple(dict(zip(WORLD, each, strict=True)) for each in product(*WORLD.values()))
_SCHEMA = "_cases.schema.json"
EVERYTHING = take_policy(
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


def of_the_pack(values: pack.Values) -> Iterator[Subject | OptOut]:
    """Every policy of the pack with these values: as written, minified, one statement a policy."""
    for entry in pack.entries():
        where = f"policies/{entry.path}"
        own = {**values, **{name: values[each][0] for name, each in entry.each.items()}}
        whole = pack.fill(json.loads(entry.text), own)
        path = os.path.join(data_folder("policies"), entry.path.removesuffix(".json") + SUFFIX)
        beside = where.removesuffix(".json") + SUFFIX
        if entry.kind == _OPT_OUT:
            yield OptOut(where, whole, _children(read_document(path), beside))
            continue
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
        yield Subject(where, layer, forms, _calls(read_document(path), beside, own))


def of_a_file(path: str) -> Subject | OptOut:
    """A policy of one's own, or its cases file; the other stands beside it. `layer:` says what it is."""
    stem = path.removesuffix(SUFFIX) if path.endswith(SUFFIX) else path.removesuffix(".json")
    beside = stem + SUFFIX
    document = read_document(beside)
    said = document.root.get("layer") if isinstance(document.root, dict) else None
    layer = said or os.path.basename(os.path.dirname(os.path.abspath(path)))
    if layer not in LAYERS:
        hint = f"write `layer:` with one of {', '.join(LAYERS)} into {inert(beside)}"
        raise SmguardError(f"{inert(path)}: nothing says what this policy is attached to", hint)
    text = read_named(stem + ".json")
    if layer == _OPT_OUT:
        return OptOut(stem + ".json", read_object(text, stem + ".json"), _children(document, beside))
    policy = read_policy(text, stem + ".json")
    cases = _calls(document, beside, {"partition": pack.PARTITIONS[0]})
    return Subject(stem + ".json", layer, [("as written", (policy,))], cases)


def differences(subject: Subject | OptOut) -> Iterator[str]:
    """What is not as the cases say, in any form and under any assumption, and statements without cases."""
    if isinstance(subject, OptOut):
        yield from opt_out_differences(subject)
        return
    statements = [it for policy in subject.forms[0][1] for it in policy.statements]
    decided: set[str | None] = set()
    missed: set[str | None] = set()
    for case in subject.cases:
        worlds = _WORLDS if case.call else _WORLDS[:1]
        for (form, policies), world in product(subject.forms, worlds):
            made = requests(case, world)
            decision, sids = _decide(made, subject.layer, policies)
            fault = _difference(case, decision, sids)
            if fault:
                given = "".join(f", {name} {it}" for name, it in world.items()) if case.call else ""
                yield f"{case.where}: {case.about} ({form}{given}): {fault}"
                break
            decided |= {case.by} if case.by else sids if len(sids) == 1 else set()
            missed |= {it.sid for it in statements if _is_near(it, made)} - sids
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
        "scp": Policies(identity=(EVERYTHING,), scp=((EVERYTHING, *policies),)),
        "iam": Policies(identity=policies),
        "boundary": Policies(identity=(EVERYTHING,), boundary=policies[0]),
        "vpc-endpoint": Policies(identity=(EVERYTHING,), vpc_endpoint=policies[0]),
        "s3": Policies(identity=(EVERYTHING,), resource_policy=policies[0]),
    }[layer]
    made = [decide(each, around, explain=True) for each in requests]
    worst = next((each for each in made if each.decision != ALLOWED), made[0])
    effect = "Allow" if worst.decision == ALLOWED else "Deny"
    sids = {
        it.sid for it in worst.reasons if it.applies and it.effect == effect and it.policy != "everything"
    }
    return worst, {sid for sid in sids if sid}


def requests(case: Case, world: Mapping[str, str] = _WORLDS[0]) -> list[Request]:
    """What a case asks for, by what is assumed of SageMaker."""
    if case.call:
        made = requests_of(case.call, case.parameters, principal=case.principal, **world)
    else:
        made = [Request(case.principal, case.request["action"], case.request.get("resource", "*"))]
    context = {"aws:PrincipalArn": case.principal, **case.request.get("context", {}), **case.context}
    return [each._replace(context={**each.context, **context}) for each in made]


def _listed(document: Document, where: str, noun: str) -> Iterator[tuple[str, Any]]:
    """The cases of a file, each with its place; SmguardError if they are not `noun` as the schema has it."""
    pack.demand_sound(document, {**pack.schema(_SCHEMA), "$ref": f"#/$defs/{noun}"}, where)
    for number, body in enumerate(document.root["cases"]):
        yield f"{where}:{document.line_of('cases', number)}", body


def _children(document: Document, where: str) -> list[Child]:
    return [
        Child(at, body["about"], body.get("children", []), body["service"], body["decision"])
        for at, body in _listed(document, where, "children")
    ]


def _calls(document: Document, where: str, values: pack.Values) -> list[Case]:
    filled = ((at, pack.fill(body, values)) for at, body in _listed(document, where, "calls"))
    return [
        Case(
            where=at,
            about=body["about"],
            call=body.get("call"),
            parameters=body.get("with", {}),
            request=body.get("request", {}),
            principal=body.get("principal", CALLER),
            context=body.get("context", {}),
            decision=body["decision"],
            by=body.get("by"),
        )
        for at, body in filled
    ]
