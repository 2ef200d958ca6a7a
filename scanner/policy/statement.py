"""A policy made ready for many requests, its statements at hand by action."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from scanner.model import SmguardError
from scanner.policy.document import Policy, Statement, show_path
from scanner.policy.match import Matcher, arn_parts, compile_arn, compile_pattern
from scanner.policy.operator import Condition, Context, compile_condition
from scanner.policy.request import Principal
from scanner.policy.variable import fill, is_constant, parse_template

_MOST_KEPT = 2_000
_SHORT = 500
"""Characters of what is kept at most, which bounds the memory that it takes."""
_kept: dict[int, tuple[Policy, Compiled]] = {}

DIRECT, ROLE, ACCOUNT = 3, 2, 1
"""How a policy names a principal: itself or everyone, the role it has assumed, the account it is in."""


class Asked(NamedTuple):
    """A request, taken apart for matching."""

    action: str
    """In lower case."""
    resource: str
    parts: list[str]
    principal: Principal
    context: Context


class Ready:
    """A statement ready to be tried."""

    __slots__ = ("conditions", "is_deny", "resource", "statement", "takes_action")

    def __init__(self, statement: Statement, policy: Policy) -> None:
        variables = policy.version == "2012-10-17"
        self.statement = statement
        self.is_deny = statement.effect == "Deny"
        self.takes_action = _actions(statement, policy)
        self.resource = _resources(statement, variables)
        self.conditions = tuple(
            _kept_condition(*each, variables)
            if len(str(each)) < _SHORT
            else compile_condition(*each, variables)
            for each in statement.conditions
        )

    def applies(self, asked: Asked) -> int:
        """How the principal is named, 0 if the statement does not apply; the action is known to match."""
        if self.resource is not None and not self.resource(asked):
            return 0
        for condition in self.conditions:
            if not condition.holds(asked.context):
                return 0
        return names_principal(self.statement, asked.principal)

    def fault(self, asked: Asked) -> tuple[str, Condition | None]:
        """What keeps the statement from applying, "" if nothing does, and the first condition not met."""
        if not self.takes_action(asked.action):
            return "action", None
        if not names_principal(self.statement, asked.principal):
            return "principal", None
        if self.resource is not None and not self.resource(asked):
            return "resource", None
        unmet = next((each for each in self.conditions if not each.holds(asked.context)), None)
        return ("condition" if unmet else ""), unmet


class Compiled:
    """The statements of one policy; those that take an action are found once per action."""

    __slots__ = ("by_action", "costly", "statements", "with_principal")

    def __init__(self, policy: Policy) -> None:
        self.statements = tuple(Ready(each, policy) for each in policy.statements)
        self.by_action: dict[str, tuple[Ready, ...]] = {}
        texts = (text for it in policy.statements for text in _patterns(it))
        self.costly = sum("?" in text or "${" in text for text in texts)
        self.with_principal = [
            each.principals is not None or each.not_principals is not None for each in policy.statements
        ]

    def for_action(self, action: str) -> tuple[Ready, ...]:
        """The statements that take an action, given in lower case."""
        found = self.by_action.get(action)
        if found is None:
            if len(self.by_action) >= _MOST_KEPT:
                self.by_action.clear()
            found = self.by_action[action] = tuple(it for it in self.statements if it.takes_action(action))
        return found


def compile_policy(policy: Policy) -> Compiled:
    """Make a policy ready, once: it is kept as long as it is among the last ones used."""
    kept = _kept.get(id(policy))
    if kept is None:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        # Holding the policy keeps its id from being given to another.
        kept = _kept[id(policy)] = policy, Compiled(policy)
    return kept[1]


def names_principal(statement: Statement, principal: Principal) -> int:
    """How a statement names a principal, 0 if it doesn't; DIRECT for a statement without such a field."""
    if statement.principals is not None:
        return _names(statement.principals, principal)
    if statement.not_principals is not None:
        return 0 if _names(statement.not_principals, principal) else DIRECT
    return DIRECT


def _names(listed: Sequence[tuple[str, str]], principal: Principal) -> int:
    best = 0
    for kind, name in listed:
        if (kind == "AWS" and name == "*") or (name == principal.name and kind in ("AWS", "Service")):
            return DIRECT if name == "*" or principal.kind not in ("role", "root") else ROLE
        if kind != "AWS" or principal.account is None:
            continue
        parts = arn_parts(name)
        if name == principal.account or (len(parts) == 6 and parts[4:] == [principal.account, "root"]):
            best = max(best, ACCOUNT)
        elif principal.kind == "session" and _is_role(parts, principal):
            best = ROLE
    return best


def _is_role(parts: Sequence[str], principal: Principal) -> bool:
    """Whether an ARN is that of the role whose session this is; the session does not tell the role's path."""
    if len(parts) < 6 or parts[4] != principal.account or not parts[5].startswith("role/"):
        return False
    return parts[5].rpartition("/")[2] == principal.role


def _patterns(statement: Statement) -> Iterator[str]:
    for listed in (statement.actions, statement.not_actions, statement.resources, statement.not_resources):
        yield from listed or ()
    for _, _, values in statement.conditions:
        yield from values


def _actions(statement: Statement, policy: Policy) -> Matcher:
    listed = statement.actions or statement.not_actions or ()
    for each in listed:
        service, colon, name = each.partition(":")
        if each.strip("*") and not (colon and name and service.replace("-", "").isalnum()):
            place = show_path((*statement.path, "Action" if statement.actions else "NotAction"))
            raise SmguardError(
                f"{policy.name or 'policy'}: {place} names no action, such as s3:* or sagemaker:CreateModel"
            )
    tests = [_kept_action(each) if len(each) < _SHORT else _action(each) for each in listed]
    if statement.actions is not None:
        return lambda action: any(test(action) for test in tests)
    return lambda action: not any(test(action) for test in tests)


def _resources(statement: Statement, variables: bool) -> Callable[[Asked], bool] | None:
    """None where every resource will do."""
    if statement.resources is not None and "*" in statement.resources:
        return None
    tests = [
        _kept_resource(each, variables) if len(each) < _SHORT else _resource(each, variables)
        for each in statement.resources or statement.not_resources or ()
    ]
    if statement.resources is not None:
        return lambda asked: any(test(asked) for test in tests)
    # A variable without a value makes it unknown what is left out: such a statement never applies.
    return lambda asked: all(test(asked) is False for test in tests)


def _resource(text: str, variables: bool) -> Callable[[Asked], bool | None]:
    template = parse_template(text, variables)

    def build() -> Callable[[Asked], bool | None]:
        return lambda asked: _match_resource(fill(template, asked.context), asked)

    if not is_constant(template):
        return build()
    pieces = fill(template, {}) or ()
    by_part = compile_arn(pieces)
    if by_part is not None:
        return lambda asked: by_part(asked.parts)
    whole = compile_pattern(pieces)
    return lambda asked: whole(asked.resource)


def _action(text: str) -> Matcher:
    return compile_pattern([(text.lower(), True)])


# Policies say the same things over and over; what is short enough to be kept is made ready once.
_kept_action = lru_cache(_MOST_KEPT)(_action)
_kept_resource = lru_cache(_MOST_KEPT)(_resource)
_kept_condition = lru_cache(_MOST_KEPT)(compile_condition)


def _match_resource(pieces: Sequence[tuple[str, bool]] | None, asked: Asked) -> bool | None:
    if pieces is None:
        return None
    by_part = compile_arn(pieces)
    return by_part(asked.parts) if by_part is not None else compile_pattern(pieces)(asked.resource)
