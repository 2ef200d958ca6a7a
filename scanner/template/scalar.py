"""What an unquoted YAML 1.1 scalar stands for, with timestamps left as text."""

from __future__ import annotations

import math
import re
from typing import Any

_BOOLEANS = {"yes": True, "no": False, "true": True, "false": False, "on": True, "off": False}

WORDS: dict[str, bool | None] = {
    **{form: value for word, value in _BOOLEANS.items() for form in (word, word.capitalize(), word.upper())},
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
}
"""The scalars that are a boolean or null."""

NUMERIC = frozenset("+-.0123456789")
"""First characters of whatever may be a number."""

LONGEST_NUMBER = 1_000
"""Characters; longer ones stay text: Python converts in quadratic time and refuses to print the result."""

_INTEGER = re.compile(
    r"[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)"
)
_FLOAT = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?"
    r"|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*"
    r"|[-+]?\.(?:inf|Inf|INF)"
    r"|\.(?:nan|NaN|NAN)"
)


def resolve(text: str) -> Any:
    """The value of a plain scalar: bool, None, int, float or the text itself."""
    if text in WORDS:
        return WORDS[text]
    if text[:1] in NUMERIC:
        return number(text)
    return text


def number(text: str) -> int | float | str:
    """The number a plain scalar denotes, or the text itself; never raises."""
    if len(text) > LONGEST_NUMBER:
        return text
    try:
        if _INTEGER.fullmatch(text):
            return integer(text)
        if _FLOAT.fullmatch(text):
            return floating(text)
    except (ValueError, OverflowError):
        pass
    return text


def integer(text: str) -> int:
    """A YAML 1.1 integer: decimal, 0b, 0x, octal by a leading 0, base 60 by colons; raises ValueError."""
    digits = text.replace("_", "")
    sign = -1 if digits.startswith("-") else 1
    digits = digits[1:] if digits.startswith(("+", "-")) else digits
    if not digits.isascii() or not digits[:1].isdigit() or len(digits) > LONGEST_NUMBER:
        raise ValueError("no integer")
    if digits.startswith("0b"):
        return sign * int(digits[2:], 2)
    if digits.startswith("0x"):
        return sign * int(digits[2:], 16)
    if digits.startswith("0"):
        return sign * int(digits, 8)
    value = 0
    for part in digits.split(":"):
        value = value * 60 + int(part)
    return sign * value


def floating(text: str) -> float:
    """A YAML 1.1 float: decimal, base 60 by colons, .inf, .nan; raises ValueError, OverflowError."""
    digits = text.replace("_", "").lower()
    sign = -1.0 if digits.startswith("-") else 1.0
    digits = digits[1:] if digits.startswith(("+", "-")) else digits
    if len(digits) > LONGEST_NUMBER:
        raise ValueError("too long")
    if digits == ".inf":
        return sign * math.inf
    if digits == ".nan":
        return math.nan
    value, base = 0.0, 1
    for part in reversed(digits.split(":")):
        value += float(part) * base
        base *= 60
    return sign * value


def boolean(text: str) -> bool:
    """A YAML 1.1 boolean in any case; raises KeyError."""
    return _BOOLEANS[text.lower()]


def as_key(value: Any, text: str) -> str:
    """A mapping key that is no string, as JSON writes it; `text` is how it stands in the template."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else text
    return str(value)
