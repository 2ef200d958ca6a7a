"""Requirements on values: JSON Schema's core keywords over values that may be unknown, in Kleene logic.

On known values a requirement agrees with JSON Schema; filling an unknown with any non-empty value never
turns a FAIL or a PASS around. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from scanner.predicate import PREDICATES
from scanner.value import (
    Opaque,
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
    rest_of,
    undecided,
)

KEYWORDS = frozenset(
    (
        *("type", "const", "enum", "pattern", "minLength", "minimum", "maximum", "minItems", "maxItems"),
        *("items", "contains", "properties", "required", "allOf", "anyOf", "not"),
        *("$ref", "default", "is", "about", "words"),
    )
)
Kind = Any
"""What botocore's model says a value is; None where that is not known.

Leaves are "s" (text), "b", "i", "f" and "e:A|B" (one of A and B); then {name: kind}, [kind] and {"*": kind}.
"""


class View(Protocol):
    """How a judgement reads raw values: a template's in one world, or plain JSON."""

    def value(self, raw: Any) -> Any:
        """The value in sight: plain, `Partial`, or None where it is absent or empty."""

    def test(self, partial: Partial, question: Question) -> bool | None:
        """Answer a question about partly known text."""


class PlainView:
    """Reads plain JSON: null, "", [], {} and what consists of nothing else are absent."""

    def value(self, raw: Any) -> Any:
        """The value itself, or None where nothing is there."""
        if type(raw) is dict:
            return raw if any(self.value(child) is not None for child in raw.values()) else None
        if type(raw) is list:
            return raw if any(self.value(child) is not None for child in raw) else None
        return None if raw == "" else raw

    def test(self, partial: Partial, question: Question) -> bool | None:
        """Only the known parts of a text can decide."""
        return question.literal(partial.parts) if len(partial.parts) > 1 else None


PLAIN = PlainView()


class Miss(NamedTuple):
    """A requirement that isn't met, or (`certain` false) may not be met."""

    text: str
    certain: bool = True
    cause: str | None = None


Check = Callable[[View, Any, Kind], Miss | None]
"""Judges a present value; None means it holds."""


# --- values -------------------------------------------------------------------------------------------


def coerce(value: Any, kind: Kind) -> Any:
    """Bring a present value to the type that botocore's model gives, as CloudFormation does."""
    if kind is None:
        return value
    if type(value) is Partial:
        if type(kind) is str or not is_surely_text(value):
            return value
        return malformed("text", kind)
    if type(kind) is str:
        if type(value) is dict or type(value) is list:
            return malformed(_noun(value), kind)
        if kind == "b":
            return coerce_boolean(value)
        if kind == "i" or kind == "f":
            if type(value) is str:
                number = as_number(value)
                return value if number is None else number
            return value
        return value if type(value) is str else as_text(value)
    wanted = dict if type(kind) is dict else list
    if type(value) is not wanted:
        return malformed(_noun(value), kind)
    return value


def malformed(noun: str, kind: Kind) -> Partial:
    """A value of a shape that CloudFormation would not take there: present, and nothing can be said of it."""
    wanted = "a mapping" if type(kind) is dict else "a list" if type(kind) is list else "a single value"
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
        return f"'{value}'" if value in kind[2:].split("|") else None
    if type(value) is str and len(value) <= 4 and value.isdecimal():
        return f"'{value}'"
    return None


def is_text(value: Any) -> str:
    return f"'{value}'" if type(value) is str else as_text(value)


# --- keywords -----------------------------------------------------------------------------------------


def compile_schema(schema: Mapping[str, Any], named: Mapping[str, Any], label: str | None = None) -> Check:
    """Turn a schema of the catalog's language into a check. `named` holds what `$ref` may name.

    `label` is the name by which a message may call what the schema describes. Raises ValueError for a keyword
    or name that isn't known.
    """
    checks: list[Check] = []
    for keyword, operand in schema.items():
        if keyword in ("default", "about", "words"):
            continue
        if keyword not in KEYWORDS:
            raise ValueError(f"unknown keyword {keyword!r}")
        checks.append(_compile_keyword(keyword, operand, named, label))
    if len(checks) == 1:
        return checks[0]
    return _all(tuple(checks))


def _words(name: str | None, named: Mapping[str, Any]) -> str | None:
    """What messages call a named schema."""
    return None if name is None else str(named[name].get("words", name) if name in named else name)


def _all(checks: tuple[Check, ...]) -> Check:
    def check(view: View, value: Any, kind: Kind) -> Miss | None:
        doubt: Miss | None = None
        for each in checks:
            miss = each(view, value, kind)
            if miss is not None:
                if miss.certain:
                    return miss
                doubt = doubt or miss
        return doubt

    return check


def _any(checks: tuple[Check, ...]) -> Check:
    def check(view: View, value: Any, kind: Kind) -> Miss | None:
        misses: list[Miss] = []
        for each in checks:
            miss = each(view, value, kind)
            if miss is None:
                return None
            misses.append(miss)
        doubt = next((miss for miss in misses if not miss.certain), None)
        return doubt or Miss(" and ".join(dict.fromkeys(miss.text for miss in misses)))

    return check


def _not(inner: Check) -> Check:
    def check(view: View, value: Any, kind: Kind) -> Miss | None:
        miss = inner(view, value, kind)
        if miss is None:
            shown = show(value, kind)
            return Miss(f"is {shown}, which is not allowed" if shown else "has a value that is not allowed")
        return None if miss.certain else miss

    return check


def _compile_keyword(keyword: str, operand: Any, named: Mapping[str, Any], label: str | None) -> Check:
    if keyword == "$ref":
        if operand not in named:
            raise ValueError(f"unknown $ref {operand!r}")
        return compile_schema(named[operand], named, _words(operand, named))
    if keyword == "is":
        return _predicate(operand)
    if keyword in ("allOf", "anyOf"):
        inner = tuple(compile_schema(each, named) for each in operand)
        return _all(inner) if keyword == "allOf" else _any(inner)
    if keyword == "not":
        return _not(compile_schema(operand, named))
    if keyword == "properties":
        return _properties({name: compile_schema(each, named) for name, each in operand.items()})
    if keyword in ("items", "contains"):
        return _items(
            compile_schema(operand, named), every=keyword == "items", label=_words(operand.get("$ref"), named)
        )
    if keyword == "pattern":
        return _pattern(operand, label)
    return _PLAIN[keyword](operand)


def obscured(value: Partial, *, inside: bool = False) -> str:
    """Word why a value can't be judged; `inside`: it would be a part of `value`."""
    part = value.parts[0]
    if isinstance(part, Opaque) and part.malformed:
        return f"can't be judged, since {part.cause}"
    return f"{'is inside' if inside else 'comes from'} {value.cause}, which is not known here"


def _doubt(value: Partial) -> Miss:
    return Miss(obscured(value), certain=False, cause=value.cause)


def _scalar(question: Question, judge: Callable[[Any], bool], must: Callable[[Any, Kind], str]) -> Check:
    def check(view: View, value: Any, kind: Kind) -> Miss | None:
        if type(value) is Partial:
            answer = view.test(value, question)
            if answer is None:
                return _doubt(value)
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


def _pattern(operand: str, label: str | None) -> Check:
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
            return None if operand <= max(known, 1) else _doubt(value)
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
                return _doubt(value)
            return None if fits else Miss(must)
        return None if any(test(value) for test in tests) else Miss(must)

    return check


def _count(operand: int, *, least: bool) -> Check:
    must = f"must have at {'least' if least else 'most'} {operand} item{'' if operand == 1 else 's'}"

    def check(view: View, value: Any, kind: Kind) -> Miss | None:
        if type(value) is Partial:
            if is_surely_text(value) or (least and operand <= 1):
                return None
            return _doubt(value)
        if type(value) is not list:
            return None
        # An item that a condition leaves out is not there; one that is unknown is.
        number = sum(view.value(item) is not None for item in value)
        return None if (number >= operand if least else number <= operand) else Miss(must)

    return check


def _items(inner: Check, *, every: bool, label: str | None) -> Check:
    none = f"has no item that is {label}" if label else "has no item as asked for"

    def check(view: View, value: Any, kind: Kind) -> Miss | None:
        if type(value) is Partial:
            return None if is_surely_text(value) else _doubt(value)
        if type(value) is not list:
            return None
        below = kind[0] if type(kind) is list and kind else None
        doubt: Miss | None = None
        for raw in value:
            item = view.value(raw)
            if item is None:
                continue
            miss = inner(view, coerce(item, below), below)
            if miss is None:
                if not every:
                    return None
            elif not miss.certain:
                doubt = doubt or miss
            elif every:
                return Miss(f"has an item that {miss.text}", cause=miss.cause)
        if every:
            return doubt
        return doubt or Miss(none)

    return check


def kind_below(kind: Kind, name: str) -> Kind:
    """The kind of a property of a structure or map."""
    if type(kind) is not dict:
        return None
    return kind.get(name, kind.get("*"))


def _properties(inner: dict[str, Check]) -> Check:
    def check(view: View, value: Any, kind: Kind) -> Miss | None:
        if type(value) is Partial:
            return None if is_surely_text(value) else _doubt(value)
        if type(value) is not dict:
            return None
        doubt: Miss | None = None
        for name, each in inner.items():
            below = view.value(value.get(name))
            if below is None:
                rest = rest_of(value)
                doubt = doubt or (_doubt(rest) if rest else None)
                continue
            kind_of = kind_below(kind, name)
            miss = each(view, coerce(below, kind_of), kind_of)
            if miss is not None:
                miss = Miss(f"has {name} that {miss.text}", miss.certain, miss.cause)
                if miss.certain:
                    return miss
                doubt = doubt or miss
        return doubt

    return check


def _required(operand: list[str]) -> Check:
    def check(view: View, value: Any, kind: Kind) -> Miss | None:
        if type(value) is Partial:
            return None if is_surely_text(value) else _doubt(value)
        if type(value) is not dict:
            return None
        missing = [name for name in operand if view.value(value.get(name)) is None]
        rest = rest_of(value) if missing else None
        if rest is not None:
            return _doubt(rest)
        return Miss(f"has no {' and no '.join(missing)}") if missing else None

    return check


def _predicate(name: str) -> Check:
    if name not in PREDICATES:
        raise ValueError(f"unknown predicate {name!r}")
    judge = PREDICATES[name]

    def check(view: View, value: Any, kind: Kind) -> Miss | None:
        if type(value) is Partial:
            answer, text = judge(value.parts, lambda question: view.test(value, question))
            cause: str | None = value.cause
        else:
            answer, text = judge((as_text(value),), lambda question: question.holds(as_text(value)))
            cause = text
        if answer:
            return None
        return Miss(text) if answer is False else Miss(text, certain=False, cause=cause)

    return check


_PLAIN: dict[str, Callable[[Any], Check]] = {
    "const": _const,
    "enum": _enum,
    "minLength": _min_length,
    "minimum": _minimum,
    "maximum": _maximum,
    "type": _type,
    "minItems": lambda operand: _count(operand, least=True),
    "maxItems": lambda operand: _count(operand, least=False),
    "required": _required,
}


def keywords_of(schema: Any) -> Iterator[str]:
    """Every keyword that a schema uses, at any depth."""
    if isinstance(schema, dict):
        for keyword, operand in schema.items():
            yield keyword
            if keyword == "properties":
                for each in operand.values():
                    yield from keywords_of(each)
            elif keyword in ("items", "contains", "not"):
                yield from keywords_of(operand)
            elif keyword in ("allOf", "anyOf"):
                for each in operand:
                    yield from keywords_of(each)
