"""What accounts inherit of AI services opt-out policies, and the cases that try to undo one.

https://docs.aws.amazon.com/organizations/latest/userguide/policy-operators.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

CHILDREN = "@@operators_allowed_for_child_policies"
OPTED_OUT = "optOut"
_ASSIGN = "@@assign"
_READINGS = (False, True)
"""Does a lock hold for all that is below its place, or for what stands there and new names in it only? AWS's
pages don't say; what must hold, must hold either way."""
Place = tuple[str, ...]


class Child(NamedTuple):
    """A case: policies below the one under test, from the top down, and what becomes of a service."""

    where: str
    about: str
    children: Sequence[Any]
    service: str
    decision: str
    """optOut, optIn, or "" if nobody says anything of the service."""


class OptOut(NamedTuple):
    """An opt-out policy under test."""

    name: str
    document: Mapping[str, Any]
    cases: Sequence[Child]


def effective(policies: Iterable[Any], deep: bool) -> dict[str, Any]:
    """The effective policy of an account below these, the root's first. `deep`: how far a lock reaches."""
    found: dict[str, Any] = {}
    locks: dict[Place, bool] = {}
    for policy in policies:
        found = _merge(found, policy, (), locks, deep, False)
        for place, operator in _operators(policy, ()):
            if operator == CHILDREN and not _allows(policy, place):
                locks[place] = True
    return found


def outcome(policies: Iterable[Any], service: str, deep: bool) -> str:
    """optOut or optIn, as a service is assigned; "" if it is not."""
    services = effective(policies, deep).get("services")
    named = services.get(service, services.get("default")) if isinstance(services, dict) else None
    assigned = named.get("opt_out_policy") if isinstance(named, dict) else None
    return assigned if isinstance(assigned, str) else ""


def undone(policies: Sequence[Any], cases: Iterable[Child]) -> Iterator[tuple[Child, str]]:
    """The cases that come out otherwise than stated, and how."""
    for case in cases:
        for deep in _READINGS:
            found = outcome([*policies, *case.children], case.service, deep)
            if found != case.decision:
                yield case, found or "nothing"
                break


def differences(subject: OptOut) -> Iterator[str]:
    """What is not as the cases say, and operators of the policy without which no case would differ."""
    for case, found in undone([subject.document], subject.cases):
        yield f"{case.where}: {case.about}: {case.service} is assigned {found}, not {case.decision}"
    for place, operator in _operators(subject.document, ()):
        less = deepcopy(subject.document)
        del _at(less, place)[operator]
        if not any(undone([less], subject.cases)):
            yield f"{subject.name}#{'.'.join((*place, operator))}: no case reaches this operator"


def _merge(
    inherited: Any, policy: Any, place: Place, locks: Mapping[Place, bool], deep: bool, locked: bool
) -> Any:
    """What is inherited at a place, with what a policy says there. `locked`: by something above."""
    mine = locks.get(place, False)
    if not isinstance(policy, dict) or (_ASSIGN in policy and (locked or mine)):
        return inherited
    if _ASSIGN in policy:
        return deepcopy(policy[_ASSIGN])
    merged = dict(inherited) if isinstance(inherited, dict) else {}
    for name, below in policy.items():
        if not name.startswith("@@"):
            passed = (locked or mine) if deep or name not in merged else False
            value = _merge(merged.get(name), below, (*place, name), locks, deep, passed)
            if value is not None:
                merged[name] = value
    return merged or None if place else merged


def _operators(policy: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """Every operator of a policy with the place that it stands at."""
    for name, below in policy.items() if isinstance(policy, dict) else ():
        if name.startswith("@@"):
            yield place, name
        else:
            yield from _operators(below, (*place, name))


def _at(policy: Any, place: Place) -> Any:
    for name in place:
        policy = policy[name]
    return policy


def _allows(policy: Any, place: Place) -> bool:
    """May children assign a value at a place, by what this policy says?"""
    allowed = _at(policy, place)[CHILDREN]
    listed = allowed if isinstance(allowed, list) else [allowed]
    return "@@all" in listed or _ASSIGN in listed
