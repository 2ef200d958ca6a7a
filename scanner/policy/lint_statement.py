"""A statement as its checks see it: the actions it stands for, and what each condition asks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from scanner.model import SmguardError
from scanner.policy.document import Statement, minified
from scanner.policy.lint_source import Place, Written
from scanner.policy.operator import split_operator
from scanner.policy.reference import Reference

OPEN = "{{"
"""How a value begins that is not known yet."""
_ACCOUNT = "111122223333"
_LONGEST_EXAMPLE = 6_000
_FAMILIES = {"ipaddress": "IpAddress", "notipaddress": "IpAddress", "null": "Null", "bool": "Bool"}
_SAMPLES = {
    "ARN": "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555",
    "Bool": "true",
    "Numeric": "1",
    "Date": "2026-01-01T00:00:00Z",
    "IPAddress": "192.0.2.1",
}


class Test(NamedTuple):
    """One line of a condition: an operator, a key and the values it is compared with."""

    operator: str
    key: str
    folded: str
    values: tuple[str, ...]
    place: Place
    gathers: str
    """"any" or "all" with a set operator, else ""."""
    core: str
    """The operator without set and IfExists, in lower case."""
    if_exists: bool

    @property
    def family(self) -> str:
        """String, Numeric, Date, Bool, Binary, IpAddress, Arn or Null."""
        prefixes = ("String", "Numeric", "Date", "Arn", "Binary")
        found = next((each for each in prefixes if self.core.startswith(each.lower())), "")
        return found or _FAMILIES[self.core]

    @property
    def negated(self) -> bool:
        """Whether it asks for no match."""
        return "not" in self.core

    @property
    def wants_absent(self) -> bool:
        """Whether it is a Null that the key must be absent for."""
        return self.core == "null" and "true" in [each.lower() for each in self.values]

    @property
    def holds_absent(self) -> bool:
        """Whether it holds for a request without the key."""
        if self.core == "null":
            return self.wants_absent
        return self.gathers == "all" or (self.gathers != "any" and (self.if_exists or self.negated))


class Example(NamedTuple):
    """A scenario of `smguard policies simulate`, or the child of an opt-out policy, and what comes of it."""

    scenario: Mapping[str, Any]
    decision: str


class View(NamedTuple):
    """A statement with its place in the policy, its known actions and their places."""

    statement: Statement
    place: Place
    tests: tuple[Test, ...]
    named: Mapping[str, Place]
    """Actions written out."""
    actions: Mapping[str, Place]
    """Those, and what wildcards stand for."""
    open: bool
    """Whether there are actions that can't be known: NotAction, or a value that is left open."""

    @property
    def denies(self) -> bool:
        return self.statement.effect == "Deny"


def view(statement: Statement, place: Place, data: Any, reference: Reference) -> View:
    """Take a statement apart; `data` is what it was read from."""
    named: dict[str, Place] = {}
    wild: dict[str, Place] = {}
    unknown = statement.not_actions is not None
    for number, pattern in enumerate(statement.actions or ()):
        at = (*place, "Action", number) if isinstance(data["Action"], list) else (*place, "Action")
        unknown = unknown or OPEN in pattern
        into = wild if "*" in pattern or "?" in pattern else named
        for action in reference.expand(pattern):
            into.setdefault(action, at)
    tests = tuple(
        _test(operator, key, reference.resolve(key), values, (*place, "Condition", operator, key))
        for operator, key, values in statement.conditions
    )
    return View(statement, place, tests, named, {**wild, **named}, unknown)


def _test(operator: str, key: str, folded: str, values: tuple[str, ...], place: Place) -> Test:
    quantifier, core, if_exists = split_operator(operator)
    gathers = {"forallvalues": "all", "foranyvalue": "any"}.get(quantifier, "")
    return Test(operator, key, folded, values, place, gathers, core, if_exists)


def matching_value(test: Test, kind: str) -> Any:
    """A value of the key for which the test holds, None for absent; `kind` is the key's type."""
    if test.core == "null":
        value = None if test.wants_absent else sample(kind)
    elif test.holds_absent:
        return None
    elif test.core.startswith("date"):
        value = "1980-01-01T00:00:00Z" if "less" in test.core else "2090-01-01T00:00:00Z"
        value = test.values[0] if test.core == "dateequals" else value
    elif "than" in test.core and test.core[-6:] != "equals":
        value = _beside(test.values[0], -1 if "less" in test.core else 1)
    elif test.core == "ipaddress":
        value = test.values[0].partition("/")[0]
    else:
        value = test.values[0] if test.values else None
    return [value] if value is not None and (test.gathers or kind.startswith("Array")) else value


def sample(kind: str) -> str:
    """Some value of a type of keys."""
    return _SAMPLES.get(kind.removeprefix("ArrayOf"), "example")


def _beside(number: str, step: int) -> str:
    try:
        return str(int(number) + step)
    except ValueError:
        return number


def others_hold(found: View, tests: Sequence[Test], reference: Reference) -> dict[str, Any]:
    """A context in which every test of a statement but `tests` holds, as far as one is found."""
    context = {}
    for test in found.tests:
        value = matching_value(test, reference.types.get(test.folded, "String"))
        if test not in tests and value is not None:
            context[test.key] = value
    return context


def replay(
    written: Written,
    views: Sequence[View],
    action: str,
    context: Mapping[str, Any],
    expected: str,
) -> Example | None:
    """A scenario for `smguard policies simulate` in which statements of a policy decide as `expected`.

    None where the evaluator does not agree, or the statements are too long to be shown.
    """
    statements = [_data(written, each) for each in views]
    first = views[0].statement
    if len(minified(statements)) > _LONGEST_EXAMPLE:
        return None
    resource = next(iter(first.resources or ("*",)))
    parts = resource.split(":", 5)
    if len(parts) == 6:
        parts[3:5] = (
            each.replace("*", other) for each, other in zip(parts[3:5], ("us-east-1", _ACCOUNT), strict=True)
        )
    account = parts[4] if len(parts) == 6 and parts[4] else _ACCOUNT
    principal = f"arn:aws:iam::{account}:role/example"
    for kind, name in first.principals or ():
        principal = name if name.startswith("arn:") and kind == "AWS" else principal
    policy = {"Version": written.data.get("Version", "2008-10-17"), "Statement": statements}
    allow: dict[str, Any] = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    every = {"Version": "2012-10-17", "Statement": [allow]}
    scenario: dict[str, Any] = {
        "id": first.sid or "/".join(map(str, views[0].place)),
        "request": {
            "principal": principal,
            "action": action,
            "resource": ":".join(parts).replace("*", "example") if len(parts) == 6 else resource,
            "context": dict(context),
        },
    }
    if written.kind in ("scp", "rcp"):
        scenario["identity"] = [every]
        scenario[written.kind] = [[every], [every, policy]]
    elif first.principals or first.not_principals:
        slot = "vpc_endpoint" if written.kind == "vpc-endpoint" else "resource_policy"
        if slot == "vpc_endpoint" and first.effect == "Deny":
            policy["Statement"] = [{**allow, "Principal": "*"}, *statements]
        scenario["identity"] = [every] if first.effect == "Deny" or slot == "vpc_endpoint" else []
        scenario[slot] = policy
    else:
        scenario["identity"] = [every, policy] if first.effect == "Deny" else [policy]
    return Example(scenario, expected) if _decided(scenario) == expected else None


def _decided(scenario: Mapping[str, Any]) -> str:
    from scanner.policy.scenario import answer

    try:
        return str(json.loads(next(answer([json.dumps(scenario).encode()], "")))["decision"])
    except SmguardError:
        return ""


def _data(written: Written, found: View) -> Any:
    value = written.data
    for step in found.place:
        value = value[step]
    return json.loads(minified(value))
