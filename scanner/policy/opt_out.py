"""AI services opt-out policies: what is no such policy, what undoes it, and what a child may undo."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from scanner.policy.lint_found import Found
from scanner.policy.lint_source import Place, Written
from scanner.policy.lint_statement import Example

_CHILDREN = "@@operators_allowed_for_child_policies"
_OPERATORS = ("@@none", "@@all", "@@assign")


def check_opt_out(written: Written, rules: Mapping[str, Any]) -> Iterator[Found]:
    """Everything that is wrong with an opt-out policy."""
    from scanner.audit.opt_out import known_services

    known = known_services()
    root = written.data
    services = root.get("services") if isinstance(root, dict) else None
    if not isinstance(services, dict):
        yield _malformed("an opt-out policy is an object with services in it", ("services",))
        return
    yield from _unknown(root, (), ("services",))
    for name, service in services.items():
        place: Place = ("services", name)
        if name.startswith("@@"):
            if name != _CHILDREN:
                yield _malformed(f"{name} has no place here", place)
            continue
        if name not in known:
            lower = name.lower()
            instead = f"Write {lower}." if lower in known else "Remove it; default covers every service."
            facts = {"service": name, "instead": instead, "date": rules["opt-out"]["date"]}
            yield Found("opt-out-unknown-service", place, facts)
        policy = service.get("opt_out_policy") if isinstance(service, dict) else None
        if not isinstance(policy, dict):
            yield _malformed(f"{name} has no opt_out_policy", place)
            continue
        yield from _unknown(service, place, (_CHILDREN, "opt_out_policy"))
        yield from _policy(name, policy, (*place, "opt_out_policy"))
    if "default" not in services:
        yield Found("opt-out-no-default", ("services",), {})
    # A child may name a service of its own unless the services are closed.
    yield from _lock(services, ("services",), '{"rekognition": {"opt_out_policy": {"@@assign": "optIn"}}}')


def _policy(name: str, policy: dict[str, Any], place: Place) -> Iterator[Found]:
    yield from _unknown(policy, place, (_CHILDREN, "@@assign"))
    assigned = policy.get("@@assign")
    if assigned == "optIn":
        yield Found("opt-out-opted-in", (*place, "@@assign"), {"service": name})
    elif assigned != "optOut":
        shown = assigned if isinstance(assigned, str) else "nothing"
        yield _malformed(
            f"{name} is assigned {shown}, not optOut or optIn (in this spelling)", (*place, "@@assign")
        )
    else:
        yield from _lock(policy, place, f'{{"{name}": {{"opt_out_policy": {{"@@assign": "optIn"}}}}}}')


def _lock(holder: dict[str, Any], place: Place, child: str) -> Iterator[Found]:
    allowed = holder.get(_CHILDREN)
    listed = [allowed] if isinstance(allowed, str) else allowed
    if listed is not None and not (isinstance(listed, list) and all(each in _OPERATORS for each in listed)):
        yield _malformed(f"{_CHILDREN} takes a list of {', '.join(_OPERATORS)}", (*place, _CHILDREN))
    elif listed != ["@@none"]:
        example = Example({"child": {"services": json.loads(child)}}, "optIn")
        yield Found(
            "opt-out-overridable", place, {"where": ".".join(map(str, place)), "child": child}, "", example
        )


def _unknown(holder: dict[str, Any], place: Place, known: tuple[str, ...]) -> Iterator[Found]:
    for key in holder:
        if key not in known:
            yield _malformed(f"{key} has no place here, only {' and '.join(known)}", (*place, key))


def _malformed(what: str, place: Place) -> Found:
    return Found("opt-out-malformed", place, {"what": what[:1].upper() + what[1:]})
