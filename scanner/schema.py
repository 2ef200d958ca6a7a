"""Places as plain JSON Schema (2020-12), for cfn-lint, editors, other engines and the tests' oracle.

The schema of a type is for a resource's properties with null, "", [] and {} taken out. It says FAIL or not;
what JSON Schema can't say (`unsure`, predicates over unknown values) stands in `$comment`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scanner.check import PLAIN
from scanner.joint import is_joined, shaped
from scanner.model import Control
from scanner.path import Path, parse_path
from scanner.predicate import SCHEMAS
from scanner.requirement import compile_schema

Schema = dict[str, Any]


def control_schema(
    control: Control, values: Mapping[str, Any], shapes: Mapping[str, Any]
) -> dict[str, Schema]:
    """The schema of each type that a control judges in place."""
    schemas: dict[str, Schema] = {}
    for kind, rule in control.resources.items():
        places = [
            place_schema(place, values, shapes)
            for place in rule.get("places", ())
            # JSON Schema sees one resource.
            if place.get("given", True) and not is_joined(place, shapes)
        ]
        if places:
            names = (name.removeprefix("#/$defs/") for name in named_in(places, "$ref"))
            used = {name: plain(body) for name, body in reached(values, names).items()}
            schemas[kind] = {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "title": control.title,
                "type": "object",
                "allOf": places,
                **({"$defs": used} if used else {}),
            }
    return schemas


def place_schema(place: Mapping[str, Any], values: Mapping[str, Any], shapes: Mapping[str, Any]) -> Schema:
    """The schema of one place."""
    merged = shaped(place, shapes)
    required = [_demanded(path, schema, values) for path, schema in merged["requires"].items()]
    body: Schema = {"allOf": required} if len(required) > 1 else required[0]
    conditions: list[Schema] = []
    if merged.get("when"):
        conditions.append({"anyOf": [_matched(path, schema) for path, schema in merged["when"].items()]})
    if merged.get("unless"):
        conditions.append(
            {"not": {"anyOf": [_matched(path, schema) for path, schema in merged["unless"].items()]}}
        )
    if conditions:
        body = {"if": {"allOf": conditions}, "then": body}
    if merged.get("unsure"):
        body = {"$comment": "for the values that `unsure` names, a violation is UNKNOWN", **body}
    return _at(parse_path(merged.get("at", "")), body)


def _at(path: Path, body: Schema) -> Schema:
    for segment in reversed(path):
        if segment.each:
            body = {"type": "array", "minItems": 1, "items": body}
        body = {"type": "object", "properties": {segment.name: body}}
        if not segment.optional:
            body["required"] = [segment.name]
    return body


def _demanded(path: str, schema: Mapping[str, Any], values: Mapping[str, Any]) -> Schema:
    steps = parse_path(path)
    if schema.get("not") == {} or ("default" in schema and default_holds(schema, values)):
        steps = tuple(type(step)(step.name, step.each, True) for step in steps)
    return _at(steps, plain(schema))


def default_holds(schema: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Does what AWS takes for a property that is left out satisfy what is asked of it?"""
    return compile_schema(schema, values)(PLAIN, schema["default"], None) is None


def _matched(path: str, schema: Mapping[str, Any]) -> Schema:
    body = plain(schema)
    for segment in reversed(parse_path(path)):
        if segment.each:
            body = {"type": "array", "contains": body}
        body = {"type": "object", "properties": {segment.name: body}, "required": [segment.name]}
    return body


def plain(schema: Mapping[str, Any]) -> Schema:
    """A schema of the catalog's language without what JSON Schema does not have."""
    written: Schema = {}
    for keyword, operand in schema.items():
        if keyword == "about":
            written["$comment"] = operand
        elif keyword in ("words", "known"):
            continue
        elif keyword == "$ref":
            written["$ref"] = f"#/$defs/{operand}"
        elif keyword == "is":
            written.setdefault("allOf", []).append(SCHEMAS[operand])
        elif keyword in ("items", "contains", "not"):
            written[keyword] = plain(operand)
        elif keyword in ("allOf", "anyOf"):
            written.setdefault(keyword, []).extend(plain(each) for each in operand)
        elif keyword == "properties":
            written[keyword] = {name: plain(each) for name, each in operand.items()}
        else:
            written[keyword] = operand
    return written


def named_in(node: Any, keyword: str) -> Iterator[str]:
    """The texts at a keyword, anywhere below a node."""
    if isinstance(node, dict):
        if isinstance(node.get(keyword), str):
            yield node[keyword]
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from named_in(each, keyword)


def reached(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The values that have these names, and those that they refer to."""
    found: dict[str, Any] = {}
    waiting = [*names]
    while waiting:
        name = waiting.pop()
        if name in values and name not in found:
            found[name] = values[name]
            waiting += named_in(values[name], "$ref")
    return dict(sorted(found.items()))
