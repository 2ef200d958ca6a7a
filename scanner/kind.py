"""Kinds: what botocore's model says a value is, and bringing values to it."""

from __future__ import annotations

from typing import Any

from scanner.value import Opaque, Partial, as_number, as_text, is_surely_text

Kind = Any
"""What botocore's model says a value is; None where that is not known.

Leaves are "s" (text), "b", "i", "f" and "e:A|B" (one of A and B); then {name: kind}, [kind] and {"*": kind}.
What may be written in another shape has a form: the second item of a list, or what a mapping has under "".
"""


def kind_below(kind: Kind, name: str) -> Kind:
    """The kind of a property of a structure or map."""
    if type(kind) is not dict:
        return None
    return kind.get(name, kind.get("*"))


def is_leaf(kind: Kind) -> bool:
    """Is it the kind of a text, or not known at all?"""
    return kind is None or (type(kind) is str and kind not in ("b", "i", "f"))


def coerce(value: Any, kind: Kind) -> Any:
    """Bring a present value to the type that botocore's model gives, as CloudFormation does."""
    if kind is None:
        return value
    if type(value) is Partial:
        if type(kind) is str or not is_surely_text(value):
            return value
        return _adapted(value, "text", kind)
    if type(kind) is str:
        if type(value) is dict or type(value) is list:
            return malformed(_noun(value), kind)
        if kind == "b":
            return coerce_boolean(value)
        if kind == "i" or kind == "f":
            if type(value) is str:
                number = as_number(value)
                return malformed("text", kind) if number is None else number
            return value
        return value if type(value) is str else as_text(value)
    wanted = dict if type(kind) is dict else list
    if type(value) is not wanted:
        return _adapted(value, _noun(value), kind)
    return value


def _adapted(value: Any, noun: str, kind: Kind) -> Any:
    """A value of another shape, brought to that of its kind if the kind has a form that takes it."""
    form = kind.get("") if type(kind) is dict else kind[1] if len(kind) == 2 else None
    if form is None:
        return malformed(noun, kind)
    from scanner.policy_kind import FORMS

    found = FORMS[form](value)
    return malformed(noun, kind) if found is None else found


def malformed(noun: str, kind: Kind) -> Partial:
    """A value of a shape that CloudFormation would not take there: present, and nothing can be said of it."""
    wanted = (
        "a mapping"
        if type(kind) is dict
        else "a list"
        if type(kind) is list
        else "a number"
        if kind in ("i", "f")
        else "a single value"
    )
    return Partial((Opaque(f"{noun} where {wanted} belongs", malformed=True),))


def _noun(value: Any) -> str:
    return "a mapping" if type(value) is dict else "a list" if type(value) is list else "text"


def coerce_boolean(value: Any) -> Any:
    """Read "true" and "false" in any case; anything else stays what it is."""
    if type(value) is str:
        return {"true": True, "false": False}.get(value.strip().lower(), value)
    return value


def show(value: Any, kind: Kind) -> str | None:
    """Word a value that may be shown: booleans, numbers, and members of botocore's enums; None otherwise."""
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) in (int, float):
        return f"{value:g}" if abs(value) < 1e12 else None
    if type(value) is str and type(kind) is str and kind[:2] == "e:":
        members = kind[2:].lower().split("|")
        return f"'{value}'" if value.lower() in members else None
    if type(value) is str and len(value) <= 4 and value.isdecimal():
        return f"'{value}'"
    return None


def is_text(value: Any) -> str:
    return f"'{value}'" if type(value) is str else as_text(value)
