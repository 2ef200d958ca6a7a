"""Keywords about a single value; those about lists and mappings are in `requirement`."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from scanner.check import Check, Miss, View, doubt_about
from scanner.kind import Kind, coerce, coerce_boolean, is_text, show
from scanner.value import (
    Partial,
    Question,
    as_number,
    as_text,
    ask_at_least,
    ask_at_most,
    ask_equals,
    ask_matches,
    ask_one_of,
    is_surely_text,
    undecided,
)


def _scalar(question: Question, judge: Callable[[Any], bool], must: Callable[[Any, Kind], str]) -> Check:
    def check(view: View, value: Any, kind: Kind) -> Miss | None:
        if type(value) is Partial:
            answer = view.test(value, question)
            if answer is None:
                return doubt_about(value)
            return None if answer else Miss(must(None, kind))
        return None if judge(value) else Miss(must(value, kind))

    return check


def _wording(must: str) -> Callable[[Any, Kind], str]:
    def word(value: Any, kind: Kind) -> str:
        shown = show(value, kind)
        return f"is {shown}, {must}" if shown else must

    return word


def _const(operand: Any) -> Check:
    if type(operand) is bool:
        question = ask_equals(as_text(operand), lambda text: coerce_boolean(text) is operand)
    elif isinstance(operand, (int, float)):
        question = ask_equals(as_text(operand), lambda text: as_number(text) == operand)
    else:
        question = ask_equals(str(operand))
    return _scalar(question, lambda value: equal(value, operand), _wording(f"must be {is_text(operand)}"))


def _enum(operand: list[Any]) -> Check:
    options = tuple(operand)
    question = ask_one_of(tuple(as_text(option) for option in options))
    wanted = ", ".join(is_text(option) for option in options[:6]) + (", …" if len(options) > 6 else "")
    return _scalar(
        question,
        lambda value: any(equal(value, option) for option in options),
        _wording(f"must be one of {wanted}"),
    )


def equal(left: Any, right: Any) -> bool:
    """JSON equality: numbers by value, booleans are no numbers."""
    if type(left) is bool or type(right) is bool:
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right)


def match_pattern(operand: str, label: str | None) -> Check:
    search = re.compile(operand).search
    return _scalar(
        ask_matches(operand, label),
        lambda value: type(value) is not str or search(value) is not None,
        lambda value, kind: "does not have the form that is asked for",
    )


def _min_length(operand: int) -> Check:
    def check(view: View, value: Any, kind: Kind) -> Miss | None:
        if type(value) is Partial:
            known = sum(len(part) if isinstance(part, str) else 0 for part in value.parts)
            return None if operand <= max(known, 1) else doubt_about(value)
        if type(value) is str and len(value) < operand:
            return Miss(f"must have at least {operand} characters")
        return None

    return check


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _minimum(operand: float) -> Check:
    return _scalar(
        ask_at_least(operand, whole=type(operand) is int),
        lambda value: not _is_number(value) or value >= operand,
        _wording(f"must be at least {operand}"),
    )


def _maximum(operand: float) -> Check:
    return _scalar(
        ask_at_most(operand, whole=type(operand) is int),
        lambda value: not _is_number(value) or value <= operand,
        _wording(f"must be at most {operand}"),
    )


_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: type(value) is dict,
    "array": lambda value: type(value) is list,
    "string": lambda value: type(value) is str,
    "boolean": lambda value: type(value) is bool,
    "integer": lambda value: type(value) is int or (type(value) is float and value.is_integer()),
    "number": lambda value: type(value) in (int, float),
    "null": lambda value: value is None,
}


def _be_typed(answer: bool) -> str:
    return f"is {'' if answer else 'not '}of the right type"


def _type(operand: str | list[str]) -> Check:
    names = [operand] if isinstance(operand, str) else operand
    tests = [_TYPES[name] for name in names]
    must = f"must be of type {' or '.join(names)}"

    def fit(kind: Kind) -> Callable[[str], bool]:
        return lambda text: any(test(coerce(text, kind)) for test in tests)

    def check(view: View, value: Any, kind: Kind) -> Miss | None:
        if type(value) is Partial:
            if is_surely_text(value) and kind not in ("b", "i", "f"):
                fits: bool | None = "string" in names
            else:
                fits = view.test(value, Question("type", (operand, kind), fit(kind), undecided, _be_typed))
            if fits is None:
                return doubt_about(value)
            return None if fits else Miss(must)
        return None if any(test(value) for test in tests) else Miss(must)

    return check


def check_predicate(name: str, known: tuple[str, ...] = ()) -> Check:
    def check(view: View, value: Any, kind: Kind) -> Miss | None:
        judge, why = _predicate(name)
        if type(value) is Partial:
            answer, text = judge(value.parts, lambda question: view.test(value, question), known)
            cause: str | None = value.cause
        else:
            answer, text = view.tell(name, as_text(value), known) or judge(
                (as_text(value),), lambda question: question.holds(as_text(value)), known
            )
            cause = why or text
        if answer:
            return None
        return Miss(text) if answer is False else Miss(text, certain=False, cause=cause)

    return check


@cache
def _predicate(name: str) -> tuple[Callable[..., tuple[bool | None, str]], str]:
    """What judges, and what an UNKNOWN of a plain value hangs on; loaded when a value is to be judged."""
    from scanner import managed_key

    if name == managed_key.CUSTOMER_MANAGED_KEY:
        return managed_key.is_customer_managed_key, managed_key.CAUSE
    from scanner.predicate import CAUSES, PREDICATES

    return PREDICATES[name], CAUSES.get(name, "")


LEAVES: dict[str, Callable[[Any], Check]] = {
    "const": _const,
    "enum": _enum,
    "minLength": _min_length,
    "minimum": _minimum,
    "maximum": _maximum,
    "type": _type,
}
