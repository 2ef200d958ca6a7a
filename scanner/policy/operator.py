"""The condition operators of IAM."""

from __future__ import annotations

_OPERATORS = (
    *("StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
    *("StringLike", "StringNotLike", "NumericEquals", "NumericNotEquals", "NumericLessThan"),
    *("NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals", "DateEquals"),
    *("DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"),
    *("Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "ArnEquals", "ArnLike", "ArnNotEquals"),
    *("ArnNotLike", "Null"),
)
_KNOWN = frozenset(name.lower() for name in _OPERATORS)


def is_operator(name: str) -> bool:
    """Whether IAM knows the operator, whatever its case, set prefix and IfExists."""
    core = name.lower().removeprefix("forallvalues:").removeprefix("foranyvalue:")
    return core in _KNOWN or core.removesuffix("ifexists") in _KNOWN
