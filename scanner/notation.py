"""The notation of a control: closed fields, keywords and paths, checked without any dependency."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scanner.joint import is_joined
from scanner.model import Severity
from scanner.path import parse_path, references_of
from scanner.predicate import PREDICATES
from scanner.requirement import KEYWORDS, PARAMETER_KEYWORDS, parameter_fault

AREAS = (
    "network-isolation",
    "access",
    "artifacts",
    "encryption",
    "traceability",
    "explainability",
    "monitoring",
    "reproducibility",
)
SEVERITIES = tuple(severity.label for severity in Severity)
VALUE_TYPES = frozenset({"string", "boolean", "integer", "number", "array", "object"})
EXAMPLE_KINDS = ("fail", "pass", "unknown", "not-applicable")

REQUIRED_FIELDS = ("id", "title", "area", "severity", "rationale", "remediation", "resources", "examples")
OPTIONAL_FIELDS = (
    *("number", "aka", "frameworks", "prevent", "not-prevented", "over-prevented"),
    *("parameters", "waivable", "retired", "fix"),
)
SHAPE_FIELDS = frozenset({"when", "unless", "unsure", "requires"})
PLACE_FIELDS = SHAPE_FIELDS | {"at", "shape", "given", "identity", "any"}
RESOURCE_FIELDS = frozenset({"aka", "places", "judged-at"})
REASON_FIELDS = frozenset({"types", "why", "at", "when", "calls", "parameter"})
PARAMETER_FIELDS = PARAMETER_KEYWORDS | {"default", "description"}

OWN_NUMBERS = 500
"""The built-in controls have the numbers from 101 to below this, a user's own those from here to 999."""

ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_ID = 64
_SUBSCHEMAS = ("items", "contains", "not")
_BRANCHES = ("allOf", "anyOf")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a rule pack: `key` is the trail of keys that leads to it in `file`."""

    file: str
    key: tuple[str, ...]
    what: str
    line: int | None = None

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {'.'.join(self.key)}: {self.what}" if self.key else f"{where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Names:
    """What a control may refer to by name."""

    values: Mapping[str, Any]
    shapes: Mapping[str, Any]
    types: Mapping[str, Any]


Fault = tuple[tuple[str, ...], str]
"""A trail of keys and what is wrong there."""


def control_faults(control: Any, stem: str, names: Names) -> Iterator[Fault]:
    """What is wrong with the document of one control file named `stem`.yaml."""
    if not isinstance(control, dict):
        yield (), "a control file is a mapping"
        return
    yield from unknown_fields(control, (), frozenset(REQUIRED_FIELDS + OPTIONAL_FIELDS), "field")
    for field in REQUIRED_FIELDS:
        if not control.get(field):
            yield (field,), "is missing"
    name = control.get("id")
    if name and (not isinstance(name, str) or not ID.fullmatch(name)):
        yield ("id",), "must be kebab-case, like volume-kms-key"
    elif name and name != stem:
        yield ("id",), f"is '{name}', must equal the file name '{stem}'"
    number = control.get("number", OWN_NUMBERS)
    if type(number) is not int or not 101 <= number <= 999:
        yield ("number",), "must be a whole number from 101 to 999"
    for field in ("title", "rationale", "remediation"):
        if not isinstance(control.get(field, ""), str):
            yield (field,), "must be text"
    if "area" in control and control["area"] not in AREAS:
        yield ("area",), f"'{control['area']}' is none of {', '.join(AREAS)}"
    if "severity" in control and control["severity"] not in SEVERITIES:
        yield ("severity",), f"'{control['severity']}' is none of {', '.join(SEVERITIES)}"
    for field in ("waivable", "retired"):
        if not isinstance(control.get(field, True), bool):
            yield (field,), "must be true or false"
    for field, kind, word in (
        ("aka", dict, "a mapping"),
        ("frameworks", dict, "a mapping"),
        ("prevent", list, "a list"),
    ):
        if not isinstance(control.get(field, kind()), kind):
            yield (field,), f"must be {word}"
    for field in ("not-prevented", "over-prevented"):
        yield from _reason_faults(control.get(field, []), field, control.get("resources"))
    parameters = control.get("parameters") or {}
    yield from _parameter_faults(parameters)
    declared = frozenset(parameters) if isinstance(parameters, dict) else frozenset()
    resources = control.get("resources")
    if resources and not isinstance(resources, dict):
        yield ("resources",), "must be a mapping of resource types"
    elif resources:
        for type_name, entry in resources.items():
            for trail, what in _resource_faults(type_name, entry, declared, names):
                yield ("resources", type_name, *trail), what
    examples = control.get("examples")
    if examples and not isinstance(examples, dict):
        yield ("examples",), "must be a mapping"
    elif examples:
        yield from unknown_fields(examples, ("examples",), frozenset(EXAMPLE_KINDS), "verdict")


def _reason_faults(listed: Any, field: str, resources: Any) -> Iterator[Fault]:
    known = {"*", *resources} if isinstance(resources, dict) else {"*"}
    for number, each in enumerate(listed if isinstance(listed, list) else [None]):
        types = each.get("types") if isinstance(each, dict) and each.keys() <= REASON_FIELDS else None
        if not isinstance(types, list) or not isinstance(each.get("why"), str):
            yield (field, str(number)), "must say {types: [the types], why: the reason}"
            continue
        for name in types:
            if name not in known:
                yield (field, str(number), "types"), f"{name} is no type that the control judges"


def shape_faults(shape: Any, names: Names) -> Iterator[Fault]:
    """What is wrong with one entry of `shapes:` in _defs.yaml."""
    if not isinstance(shape, dict):
        yield (), "must be a mapping"
        return
    yield from unknown_fields(shape, (), SHAPE_FIELDS, "field")
    if not shape.get("requires"):
        yield ("requires",), "is missing"
    yield from _lines_faults(shape, named_parameters(shape), names)


def value_faults(schema: Any, names: Names) -> Iterator[Fault]:
    """What is wrong with one entry of `values:` in _defs.yaml."""
    yield from schema_faults(schema, frozenset(), names)


def schema_faults(schema: Any, parameters: frozenset[str], names: Names) -> Iterator[Fault]:
    """What is wrong with what a value must satisfy."""
    if not isinstance(schema, dict):
        yield (), "must be a mapping of keywords; {} means present"
        return
    yield from unknown_fields(schema, (), KEYWORDS, "keyword")
    for keyword, value in schema.items():
        trail = (str(keyword),)
        parameter = value.get("$parameter") if isinstance(value, dict) and len(value) == 1 else None
        if isinstance(parameter, str):
            if parameter not in parameters:
                yield trail, f"parameter '{parameter}' is not declared here"
        elif keyword == "$ref" and value not in names.values:
            yield trail, f"'{value}' is not among the values of _defs.yaml"
        elif keyword == "is" and value not in PREDICATES:
            yield trail, f"unknown predicate '{value}'"
        elif keyword == "known" and "is" not in schema:
            yield trail, "stands without `is`"
        elif keyword == "type" and value not in VALUE_TYPES:
            yield trail, f"unknown type '{value}'"
        elif keyword == "pattern" and not _compiles(value):
            yield trail, "is no regular expression"
        elif keyword in _SUBSCHEMAS:
            yield from _below(trail, schema_faults(value, parameters, names))
        elif keyword in _BRANCHES or keyword == "properties":
            yield from _subschema_faults(trail, value, keyword, parameters, names)


def _subschema_faults(
    trail: tuple[str, ...], value: Any, keyword: Any, parameters: frozenset[str], names: Names
) -> Iterator[Fault]:
    pairs: Any
    if isinstance(value, dict) and value.keys() == {"$each", "as"} and keyword != "properties":
        if value["$each"] not in parameters:
            yield trail, f"parameter '{value['$each']}' is not declared here"
        pairs = [("as", value["as"])]
    elif keyword == "properties":
        pairs = value.items() if isinstance(value, dict) else None
    else:
        pairs = enumerate(value) if isinstance(value, list) else None
    if pairs is None:
        yield trail, "must be a mapping" if keyword == "properties" else "must be a list"
        return
    for key, below in pairs:
        yield from _below((*trail, str(key)), schema_faults(below, parameters, names))


def _resource_faults(type_name: Any, entry: Any, parameters: frozenset[str], names: Names) -> Iterator[Fault]:
    if type_name not in names.types:
        yield (), "unknown resource type; declare it in _types.yaml"
        return
    if not isinstance(entry, dict):
        yield (), "must be a mapping"
        return
    yield from unknown_fields(entry, (), RESOURCE_FIELDS, "field")
    if not entry.get("places") and not entry.get("judged-at"):
        yield (), "has neither places nor judged-at"
    for join in references_of(entry):
        if str(join) not in mapping_in(names.types[type_name] or {}, "judged-at"):
            yield ("judged-at",), f"_types.yaml does not say what {join} of {type_name} names"
    places = entry.get("places") or []
    if not isinstance(places, list):
        yield ("places",), "must be a list"
        return
    for index, place in enumerate(places):
        yield from _below(("places", str(index)), _place_faults(place, parameters, names))


def _place_faults(place: Any, parameters: frozenset[str], names: Names) -> Iterator[Fault]:
    if not isinstance(place, dict):
        yield (), "must be a mapping"
        return
    yield from unknown_fields(place, (), PLACE_FIELDS, "field")
    if "at" in place:
        yield from path_faults(place["at"], ("at",))
    if not isinstance(place.get("identity", ""), str):
        yield ("identity",), "must be text"
    if "any" in place and (place["any"] is not True or not is_joined(place, {})):
        yield ("any",), "must be true, and the place look at other resources"
    if "given" in place and named_parameters(place["given"]).isdisjoint(parameters):
        yield ("given",), "names no parameter that is declared here"
    if "shape" in place:
        if place["shape"] not in names.shapes:
            yield ("shape",), f"'{place['shape']}' is not among the shapes of _defs.yaml"
        for name in sorted(named_parameters(names.shapes.get(place["shape"])) - parameters):
            yield ("shape",), f"its parameter '{name}' is not declared here"
        for field in sorted(SHAPE_FIELDS & place.keys()):
            yield (field,), "stands beside `shape`, which brings its own"
    elif not place.get("requires"):
        yield ("requires",), "is missing"
    yield from _lines_faults(place, parameters, names)


def _lines_faults(place: Mapping[str, Any], parameters: frozenset[str], names: Names) -> Iterator[Fault]:
    for field in ("when", "unless", "unsure", "requires"):
        lines = place.get(field)
        if lines is None:
            continue
        if not isinstance(lines, dict):
            yield (field,), "must be a mapping of paths"
            continue
        for path, schema in lines.items():
            yield from path_faults(path, (field,))
            yield from _below((field, str(path)), schema_faults(schema, parameters, names))


def _parameter_faults(parameters: Any) -> Iterator[Fault]:
    if not isinstance(parameters, dict):
        yield ("parameters",), "must be a mapping"
        return
    for name, declaration in parameters.items():
        trail = ("parameters", str(name))
        if not isinstance(declaration, dict):
            yield trail, "must be a mapping"
            continue
        yield from unknown_fields(declaration, trail, PARAMETER_FIELDS, "field")
        if declaration.get("type") not in VALUE_TYPES:
            yield (*trail, "type"), f"must be one of {', '.join(sorted(VALUE_TYPES))}"
        elif "default" not in declaration:
            yield (*trail, "default"), "is missing"
        else:
            fault = parameter_fault(declaration, declaration["default"])
            if fault:
                yield (*trail, "default"), fault


def named_parameters(node: Any) -> frozenset[str]:
    """The parameters that a part of a control, or a shape, refers to."""
    if isinstance(node, dict):
        name = node.get("$parameter", node.get("$each"))
        return frozenset([name] if isinstance(name, str) else ()).union(*map(named_parameters, node.values()))
    return frozenset().union(*map(named_parameters, node)) if isinstance(node, list) else frozenset()


def path_faults(path: Any, trail: tuple[str, ...]) -> Iterator[Fault]:
    """What is wrong with a path."""
    try:
        parse_path(path if isinstance(path, str) and path else "-")
    except ValueError:
        yield (*trail, str(path)), "is no path like A.B[].C?"


def unknown_fields(
    mapping: Mapping[Any, Any], trail: tuple[str, ...], known: frozenset[str], noun: str
) -> Iterator[Fault]:
    """The keys of a mapping that are not known."""
    for key in mapping:
        if key not in known:
            yield (*trail, str(key)), f"unknown {noun}"


def _below(trail: tuple[str, ...], faults: Iterator[Fault]) -> Iterator[Fault]:
    for deeper, what in faults:
        yield (*trail, *deeper), what


def mapping_in(entry: Mapping[str, Any], field: str) -> Mapping[Any, Any]:
    """A field that is a mapping; anything else is as good as none."""
    found = entry.get(field)
    return found if isinstance(found, dict) else {}


def _compiles(pattern: Any) -> bool:
    try:
        re.compile(pattern)
    except (re.error, TypeError):
        return False
    return True
