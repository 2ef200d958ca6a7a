"""Places in words: what a control asks for of a resource type, one sentence a place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from scanner.joint import shaped
from scanner.kind import is_text
from scanner.path import references_of
from scanner.schema import default_holds

Named = Mapping[str, Any]
_VERBS = {
    "must": ("must be", "must have", "must match"),
    "must not": ("must not be", "must not have", "must not match"),
    "is": ("is", "has", "matches"),
    "is not": ("is not", "does not have", "does not match"),
}
_NEGATED = {"must": "must not", "must not": "must", "is": "is not", "is not": "is"}


def describe_rule(rule: Mapping[str, Any], values: Named, shapes: Named) -> Iterator[str]:
    """A sentence for each place of a control's entry for a type, and one for where else it is judged."""
    for place in rule.get("places", ()):
        yield _place(shaped(place, shapes), values)
    for path in references_of(rule):
        yield f"judged at the resource that {'each ' if '[]' in path else ''}{path} names"


def _place(place: Mapping[str, Any], values: Named) -> str:
    requires, when, unless = place["requires"], place.get("when") or {}, place.get("unless") or {}
    present: dict[str, Any] = {path: {} for path in requires}
    if requires == when == present:  # a choice of properties, of which the other place asks for the other
        text = f"{_list(requires, 'and')} will do instead"
    elif when == present:
        text = "; ".join(f"{path}, if set, {_demand(schema, values)}" for path, schema in requires.items())
    else:
        text = (
            f"it is enough that {_lines(requires, values)}"
            if place.get("any")
            else _demands(requires, values)
        )
        text += f", if {_lines(when, values)}" if when else ""
    if unless and unless != requires:
        text += f", unless {_lines(unless, values)}"
    if place.get("unsure"):
        text += f"; unknown if {_lines(place['unsure'], values)}"
    at = place.get("at", "")
    text = f"{_where(at)}: {text}" if at else text
    return text if place.get("given", True) else f"{text}; judged once the parameter is set"


def _where(at: str) -> str:
    """A path as words; what follows the last step that may be absent has to be there."""
    start, mark, rest = at.rpartition("?")
    head, inner = (start.replace("?", ""), rest.lstrip(".")) if mark else (at, "")
    if head.endswith("[]"):
        text = f"in every item of {head[:-2]}"
    elif "[]" in head:
        text = f"in every {head}"
    else:
        text = f"in {head}, if set" if mark else f"in {head}"
    return f"{text}, in {inner}" if inner else text


def _demands(requires: Mapping[str, Any], values: Named) -> str:
    by_demand: dict[str, list[str]] = {}
    for path, schema in requires.items():
        by_demand.setdefault(_demand(schema, values), []).append(path)
    return "; ".join(f"{_list(paths, 'and')} {demand}" for demand, paths in by_demand.items())


def _demand(schema: Mapping[str, Any], values: Named) -> str:
    """What must hold of a value, and what becomes of it where it is left out."""
    text = word(schema, values, "must")
    if "default" not in schema:
        return text
    if default_holds(schema, values):
        return f"{text} or left out"
    return f"{text} (left out, AWS takes {_value(schema['default'])})"


def _lines(lines: Mapping[str, Any], values: Named) -> str:
    by_phrase: dict[str, list[str]] = {}
    for path, schema in lines.items():
        by_phrase.setdefault(word(schema, values, "is"), []).append(f"any {path}" if "[]" in path else path)
    return " or ".join(f"{_list(paths, 'or')} {phrase}" for phrase, paths in by_phrase.items())


def _list(paths: Any, last: str) -> str:
    *start, end = [path.replace("?", "") for path in paths]
    return f"{', '.join(start)} {last} {end}" if start else end


def word(schema: Mapping[str, Any], values: Named, form: str) -> str:
    """A schema of the catalog's language as the end of a sentence: "must be …", or "is …".

    `form` is a key of `_VERBS`; `values` holds the named schemas.
    """
    be, have, _ = _VERBS[form]
    phrases: list[str] = []
    for keyword, operand in schema.items():
        if keyword == "required":
            phrases.append(f"{have} {' and '.join(operand)}")
        elif keyword == "properties":
            needed = schema.get("required", ())
            phrases += [
                f"{have} {name} that {word(each, values, 'is')}" + ("" if name in needed else ", if any")
                for name, each in operand.items()
            ]
        elif keyword in ("allOf", "anyOf"):
            both = (keyword == "allOf") is (form in ("must", "is"))
            words = dict.fromkeys(word(each, values, form) for each in operand)
            phrases += [(" and " if both else " or ").join(words)] if words else []
        elif keyword == "not":
            phrases.append(word(operand, values, _NEGATED[form]))
        elif keyword == "$ref":
            named = values.get(operand, {})
            phrases.append(f"{be} {named['words']}" if "words" in named else word(named, values, form))
        elif keyword not in ("default", "known", "about", "words"):
            known = schema.get("known") if keyword == "is" else None
            listed = f" or one of {', '.join(known)}" if known else ""
            phrases.append(_leaf(keyword, operand, values, form) + listed)
    return (" and " if form in ("must", "is") else " or ").join(phrases) or f"{be} set"


def _leaf(keyword: str, operand: Any, values: Named, form: str) -> str:
    be, have, match = _VERBS[form]
    bound = "at least" if keyword.startswith("min") else "at most"
    if keyword == "const":
        return f"{be} {_value(operand)}"
    if keyword == "enum":
        return f"{be} one of {', '.join(map(_value, operand))}" if operand else f"{be} one of no values"
    if keyword == "pattern":
        return f"{match} {operand}"
    if keyword == "is":
        return f"{be} a{'n' * (operand[0] in 'aeio')} {operand.replace('-', ' ')}"
    if keyword in ("items", "contains"):
        what = "only items each of which" if keyword == "items" else "an item that"
        return f"{have} {what} {word(operand, values, 'is')}"
    if keyword in ("minimum", "maximum"):
        return f"{be} {bound} {operand}"
    if keyword == "minLength":
        return f"{have} {bound} {operand} characters"
    if keyword in ("minItems", "maxItems"):
        return f"{have} {bound} {operand} item{'' if operand == 1 else 's'}"
    return f"{be} of type {operand}"


def _value(value: Any) -> str:
    return is_text(value) if isinstance(value, (str, bool, int, float)) else json.dumps(value)
