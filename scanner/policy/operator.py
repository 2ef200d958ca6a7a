"""The condition operators of IAM."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt
from typing import Any, NamedTuple

from scanner.policy.match import Pieces, arn_parts, compile_arn, compile_pattern
from scanner.policy.variable import fill, is_constant, parse_template

Context = Mapping[str, Any]
"""Condition keys in lower case to a text, or to a tuple of texts where the key is multivalued."""
Test = Callable[[str], "bool | None"]
"""Whether a value of the request matches one of the policy; None if they can't be compared."""

_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)\s*", re.ASCII)
_EPOCH = re.compile(r"-?(?!\d{4}\Z)\d{1,12}(\.\d{1,9})?", re.ASCII)
_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[-+]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)
_CIDR = re.compile(r"[0-9a-fA-F.:]+(/\d{1,3})?", re.ASCII)
_FAMILIES = {
    "equals": (eq, False),
    "notequals": (eq, True),
    "lessthan": (lt, False),
    "lessthanequals": (le, False),
    "greaterthan": (gt, False),
    "greaterthanequals": (ge, False),
}


class Condition(NamedTuple):
    """One line of a Condition block, ready to be tried."""

    operator: str
    """As written."""
    key: str
    name: str
    """The key in lower case."""
    quantifier: str
    """ "forallvalues", "foranyvalue" or ""."""
    absent: bool
    """The outcome where the request has no such key."""
    matches: Callable[[str, Context], bool]
    presence: frozenset[bool] | None = None
    """For Null: whether the key may be absent, may be present."""

    def holds(self, context: Context) -> bool:
        """Whether the condition is met."""
        value = context.get(self.name)
        if self.presence is not None:
            return (value is None) in self.presence
        if value is None:
            return self.absent
        if type(value) is str:
            return self.matches(value, context)
        if self.quantifier == "forallvalues":
            return all(self.matches(each, context) for each in value)
        # Without a set operator a multivalued key never matches, negated or not.
        return self.quantifier != "" and any(self.matches(each, context) for each in value)


def is_operator(name: str) -> bool:
    """Whether IAM knows the operator, whatever its case, set prefix and IfExists."""
    core = split_operator(name)[1]
    return core in _OPERATORS or core == "null"


def compile_condition(operator: str, key: str, values: tuple[str, ...], variables: bool) -> Condition:
    """Make a line of a Condition block ready; `operator` must be one, `variables` is whether they count."""
    quantifier, core, if_exists = split_operator(operator)
    if core == "null":
        presence = frozenset(each.lower() == "true" for each in values if each.lower() in ("true", "false"))
        return Condition(operator, key, key.lower(), "", False, _never, presence)
    build, negated = _OPERATORS[core]
    matches = _matcher(build, values, negated, variables and core.startswith(("string", "arn")))
    absent = quantifier != "foranyvalue" and (if_exists or negated or quantifier == "forallvalues")
    return Condition(operator, key, key.lower(), quantifier, absent, matches)


def split_operator(operator: str) -> tuple[str, str, bool]:
    """The set prefix, the operator proper and whether it ends in IfExists, all in lower case."""
    core = operator.lower()
    quantifier = next((each for each in ("forallvalues", "foranyvalue") if core.startswith(f"{each}:")), "")
    core = core[len(quantifier) + 1 :] if quantifier else core
    return quantifier, core.removesuffix("ifexists"), core.endswith("ifexists")


def _matcher(
    build: Callable[[Pieces], Test | None], values: tuple[str, ...], negated: bool, variables: bool
) -> Callable[[str, Context], bool]:
    """Any of the values matches; negated: all can be compared, and none matches."""
    templates = [parse_template(each, variables) for each in values]
    fixed = [build(fill(each, {}) or ()) for each in templates if is_constant(each)]
    open_ones = [each for each in templates if not is_constant(each)]
    good = [test for test in fixed if test is not None]
    if negated and len(good) < len(fixed):
        return _never
    wanted = not negated
    decide = all if negated else any

    def matches(value: str, context: Context) -> bool:
        tests = good
        if open_ones:
            tests = list(good)
            for template in open_ones:
                pieces = fill(template, context)
                test = build(pieces) if pieces is not None else None
                if test is not None:
                    tests.append(test)
                elif negated:
                    return False
        return decide(test(value) is wanted for test in tests)

    return matches


def _never(_value: str, _context: Context) -> bool:
    return False


def _join(pieces: Pieces) -> str:
    return "".join(text for text, _ in pieces)


def _equal(pieces: Pieces) -> Test:
    return _join(pieces).__eq__


def _equal_ignoring_case(pieces: Pieces) -> Test:
    wanted = _join(pieces).lower()
    return lambda value: value.lower() == wanted


def _arn(pieces: Pieces) -> Test | None:
    test = compile_arn(pieces)
    if test is None:
        return None

    def matches(value: str) -> bool | None:
        parts = arn_parts(value)
        return test(parts) if len(parts) == 6 else None

    return matches


def _bool(pieces: Pieces) -> Test | None:
    wanted = _join(pieces).lower()
    if wanted not in ("true", "false"):
        return None
    return lambda value: value.lower() == wanted if value.lower() in ("true", "false") else None


def _comparison(
    read: Callable[[str], Any], compare: Callable[[Any, Any], bool]
) -> Callable[[Pieces], Test | None]:
    def build(pieces: Pieces) -> Test | None:
        bound = read(_join(pieces))
        if bound is None:
            return None

        def matches(value: str) -> bool | None:
            found = read(value)
            return None if found is None else compare(found, bound)

        return matches

    return build


def _number(text: str) -> float | None:
    if len(text) > 300 or not _NUMBER.fullmatch(text):
        return None
    return float(text) if "." in text else int(text)


def _instant(text: str) -> float | None:
    """Seconds since 1970 of a date as W3C writes ISO 8601, or of such a number of seconds."""
    if _EPOCH.fullmatch(text):
        return float(text)
    if not _DATE.fullmatch(text):
        return None
    from datetime import UTC, datetime

    try:
        date = datetime.fromisoformat({4: f"{text}-01-01", 7: f"{text}-01"}.get(len(text), text))
    except ValueError:
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def _network(pieces: Pieces) -> Test | None:
    text = _join(pieces)
    network = _read_ip(text, True)
    if network is None:
        return None

    def matches(value: str) -> bool | None:
        address = None if "/" in value else _read_ip(value, False)
        return None if address is None else address in network

    return matches


def _read_ip(text: str, network: bool) -> Any:
    from ipaddress import ip_address, ip_network

    if not _CIDR.fullmatch(text):
        return None
    try:
        return ip_network(text, strict=False) if network else ip_address(text)
    except ValueError:
        return None


_OPERATORS: dict[str, tuple[Callable[[Pieces], Test | None], bool]] = {
    "stringequals": (_equal, False),
    "stringnotequals": (_equal, True),
    "stringequalsignorecase": (_equal_ignoring_case, False),
    "stringnotequalsignorecase": (_equal_ignoring_case, True),
    "stringlike": (compile_pattern, False),
    "stringnotlike": (compile_pattern, True),
    "arnequals": (_arn, False),
    "arnlike": (_arn, False),
    "arnnotequals": (_arn, True),
    "arnnotlike": (_arn, True),
    "bool": (_bool, False),
    "binaryequals": (_equal, False),
    "ipaddress": (_network, False),
    "notipaddress": (_network, True),
    **{
        f"numeric{name}": (_comparison(_number, test), negated) for name, (test, negated) in _FAMILIES.items()
    },
    **{f"date{name}": (_comparison(_instant, test), negated) for name, (test, negated) in _FAMILIES.items()},
}
"""How to build the test for one value of the policy, and whether the operator is negated."""
