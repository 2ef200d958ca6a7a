"""Requirements on values: JSON Schema's core keywords over values that may be unknown, in Kleene logic.

On known values a requirement agrees with JSON Schema; filling an unknown with any non-empty value never
turns a FAIL or a PASS around. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scanner.check import PLAIN, Check, Miss, View, doubt_about, doubt_shape, seat
from scanner.kind import Kind, coerce, kind_below, show
from scanner.leaf import LEAVES, check_predicate, match_pattern
from scanner.value import Partial, is_surely_text, more_of, rest_of

KEYWORDS = frozenset(
    (
        *("type", "const", "enum", "pattern", "minLength", "minimum", "maximum", "minItems", "maxItems"),
        *("items", "contains", "properties", "required", "allOf", "anyOf", "not"),
        *("$ref", "default", "is", "known", "about", "words"),
    )
)

PARAMETER_KEYWORDS = frozenset({"type", "enum", "pattern", "minimum", "maximum", "minItems", "items"})
"""What the declaration of a control's parameter may ask of its value."""


def compile_schema(schema: Mapping[str, Any], named: Mapping[str, Any], label: str | None = None) -> Check:
    """Turn a schema of the catalog's language into a check. `named` holds what `$ref` may name.

    `label` is the name by which a message may call what the schema describes. Raises ValueError for a keyword
    or name that isn't known.
    """
    checks: list[Check] = []
    for keyword, operand in schema.items():
        if keyword in ("default", "known", "about", "words"):
            continue
        if keyword not in KEYWORDS:
            raise ValueError(f"unknown keyword {keyword!r}")
        if keyword == "is":
            checks.append(check_predicate(operand, tuple(schema.get("known", ()))))
        else:
            checks.append(_compile_keyword(keyword, operand, named, label or schema.get("words")))
    if len(checks) == 1:
        return checks[0]
    return _all(tuple(checks))


def parameter_fault(declaration: Mapping[str, Any], value: Any) -> str | None:
    """Why a plain value can't be that of a declared parameter, or None if it can."""
    schema = {word: declaration[word] for word in declaration if word in PARAMETER_KEYWORDS}
    try:
        miss = compile_schema(schema, {})(PLAIN, value, None)
    except (AttributeError, KeyError, TypeError, ValueError, re.error) as error:
        return f"can't be judged by what is declared: {type(error).__name__}"
    return miss.text if miss else None


def noun_of(schema: Mapping[str, Any], named: Mapping[str, Any]) -> str | None:
    """What messages call what a schema describes: its own words or those of the schema that it names."""
    name = schema.get("$ref")
    return schema.get("words") or (_words(name, named) if name else None)


def _words(name: str, named: Mapping[str, Any]) -> str:
    """What messages call a named schema."""
    return str(named[name].get("words", name) if name in named else name)


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


def _absent(label: str | None) -> Check:
    miss = Miss(f"is {label}, which is not allowed" if label else "must not be set")
    return lambda view, value, kind: miss


def _not(inner: Check, label: str | None) -> Check:
    def check(view: View, value: Any, kind: Kind) -> Miss | None:
        miss = inner(view, value, kind)
        if miss is None:
            shown = show(value, kind) or label
            return Miss(f"is {shown}, which is not allowed" if shown else "has a value that is not allowed")
        return None if miss.certain else miss

    return check


def _compile_keyword(keyword: str, operand: Any, named: Mapping[str, Any], label: str | None) -> Check:
    if keyword == "$ref":
        if operand not in named:
            raise ValueError(f"unknown $ref {operand!r}")
        return compile_schema(named[operand], named, _words(operand, named))
    if keyword in ("allOf", "anyOf"):
        inner = tuple(compile_schema(each, named) for each in operand)
        return _all(inner) if keyword == "allOf" else _any(inner)
    if keyword == "not":
        return _not(compile_schema(operand, named), noun_of(operand, named)) if operand else _absent(label)
    if keyword == "properties":
        return _properties({name: compile_schema(each, named) for name, each in operand.items()})
    if keyword in ("items", "contains"):
        return _items(compile_schema(operand, named), every=keyword == "items", label=noun_of(operand, named))
    if keyword == "pattern":
        return match_pattern(operand, label)
    if keyword in ("minItems", "maxItems"):
        return _count(operand, least=keyword == "minItems")
    return _required(operand) if keyword == "required" else LEAVES[keyword](operand)


def _count(operand: int, *, least: bool) -> Check:
    must = f"must have at {'least' if least else 'most'} {operand} item{'' if operand == 1 else 's'}"

    def check(view: View, value: Any, kind: Kind) -> Miss | None:
        if type(value) is Partial:
            if is_surely_text(value) or (least and operand <= 1):
                return None
            return doubt_about(value)
        if type(value) is not list:
            return None
        # An item that a condition leaves out is not there; one that is unknown is.
        more = more_of(value[-1]) if value else None
        number = sum(seat(view, item).value(item) is not None for item in value) - (more is not None)
        if number >= operand if least else number <= operand:
            return None
        return doubt_about(more) if more and least else Miss(must)

    return check


def _items(inner: Check, *, every: bool, label: str | None) -> Check:
    none = f"has no item that is {label}" if label else "has no item as asked for"

    def check(view: View, value: Any, kind: Kind) -> Miss | None:
        if type(value) is Partial:
            return None if is_surely_text(value) else doubt_about(value)
        if type(value) is not list:
            return None
        below = kind[0] if type(kind) is list and kind else None
        doubt: Miss | None = None
        for raw in value:
            item = seat(view, raw).value(raw)
            if item is None:
                continue
            if more_of(item) is not None:
                if not every:
                    doubt = doubt or Miss(f"{none} here, and {item.cause}", certain=False, cause=item.cause)
                continue
            miss = inner(seat(view, item), coerce(item, below), below)
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


def _properties(inner: dict[str, Check]) -> Check:
    def check(view: View, value: Any, kind: Kind) -> Miss | None:
        if type(value) is Partial:
            return None if is_surely_text(value) else doubt_about(value)
        if type(value) is not dict:
            return None
        doubt: Miss | None = None
        for name, each in inner.items():
            below = view.value(value.get(name))
            if below is None:
                rest = rest_of(value)
                doubt = doubt or (doubt_about(rest) if rest else None)
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
            return None if is_surely_text(value) else doubt_about(value)
        if type(value) is not dict:
            return None
        found = {name: view.value(value.get(name)) for name in operand}
        missing = [name for name in operand if found[name] is None]
        rest = rest_of(value) if missing else None
        if rest is not None:
            return doubt_about(rest)
        if missing:
            return Miss(f"has no {' and no '.join(missing)}")
        doubts = (doubt_shape(coerce(it, kind_below(kind, name))) for name, it in found.items())
        return next(filter(None, doubts), None)

    return check
