"""The notation of rule files, as far as no JSON Schema can say it: the names in them stand for something."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.joint import is_joined, references
from scanner.model import Severity
from scanner.path import references_of
from scanner.requirement import parameter_fault
from scanner.schema import named_in

if TYPE_CHECKING:
    from scanner.rule_folder import Base

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
SHAPE_FIELDS = frozenset({"when", "unless", "unsure", "requires"})

OWN_NUMBERS = 500
"""The built-in controls have the numbers from 101 to below this, a user's own those from here to 999."""

ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_ID = 64
Trail = tuple[Any, ...]
"""Keys of mappings and indices of lists, from the root of a file."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a rule pack: `key` is the trail of keys that leads to it in `file`."""

    file: str
    key: Trail
    what: str
    line: int | None = None

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        key = ".".join(map(str, self.key))
        return f"{where}: {key}: {self.what}" if key else f"{where}: {self.what}"


Fault = tuple[Trail, str]
"""A trail of keys and what is wrong there."""


def control_faults(control: Mapping[str, Any], stem: str, names: Base) -> Iterator[Fault]:
    """The names in a control file, `stem`.yaml, that stand for nothing; the rest is as the schema has it."""
    if control["id"] != stem:
        yield ("id",), f"is '{control['id']}', must equal the file name '{stem}'"
    parameters = control.get("parameters") or {}
    for name, declaration in parameters.items():
        fault = parameter_fault(declaration, declaration["default"])
        if fault:
            yield ("parameters", name, "default"), fault
    for field in ("not-prevented", "over-prevented"):
        for number, reason in enumerate(control.get(field, ())):
            for name in reason["types"]:
                if name != "*" and name not in control["resources"]:
                    yield (field, number, "types"), f"{name} is no type that the control judges"
    for type_name, entry in control["resources"].items():
        trail = ("resources", type_name)
        if type_name not in names.types:
            yield trail, "unknown resource type; declare it in _types.yaml"
            continue
        for join in references_of(entry):
            if join not in (names.types[type_name] or {}).get("judged-at", {}):
                yield (*trail, "judged-at"), f"_types.yaml does not say what {join} of {type_name} names"
        for index, place in enumerate(entry.get("places", ())):
            for below, what in _place_faults(place, frozenset(parameters), names):
                yield (*trail, "places", index, *below), what


def _place_faults(place: Mapping[str, Any], declared: frozenset[str], names: Base) -> Iterator[Fault]:
    yield from named_faults(place, names, declared)
    if "any" in place and not is_joined(place, {}):
        yield ("any",), "is for a place that looks at other resources"
    if "shape" in place:
        if place["shape"] not in names.shapes:
            yield ("shape",), f"'{place['shape']}' is not among the shapes of _defs.yaml"
        for name in sorted(_parameters_in(names.shapes.get(place["shape"])) - declared):
            yield ("shape",), f"its parameter '{name}' is not declared here"


def named_faults(node: Any, names: Base, declared: frozenset[str] | None = None) -> Iterator[Fault]:
    """References to no value of _defs.yaml, and to no parameter if it is known which are `declared`."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in pairs:
        if key == "$ref" and isinstance(value, str) and value not in names.values:
            yield (key,), f"'{value}' is not among the values of _defs.yaml"
        elif key in ("$parameter", "$each") and declared is not None and value not in declared:
            yield (), f"parameter '{value}' is not declared here"
        else:
            for below, what in named_faults(value, names, declared):
                yield (key, *below), what


def _parameters_in(node: Any) -> set[str]:
    return {*named_in(node, "$parameter"), *named_in(node, "$each")}


def type_faults(entry: Mapping[str, Any] | None, names: Base) -> Iterator[Fault]:
    """The names in one entry of `types:` in _types.yaml or _environment.yaml that stand for nothing."""
    for field in ("judged-at", "refers"):
        for path, targets in (entry or {}).get(field, {}).items():
            for target in targets:
                if target not in names.types:
                    yield (field, path), f"unknown type '{target}'"
    for path in (entry or {}).get("belongs-with", ()):
        if path not in references(entry):
            yield ("belongs-with", path), "is none of the paths of refers"
    for name, body in (entry or {}).get("gathers", {}).items():
        if body["from"] not in names.types:
            yield ("gathers", name), f"unknown type '{body['from']}'"
        elif "by" in body and body["by"] not in references(names.types[body["from"]]):
            yield ("gathers", name), f"refers of {body['from']} do not say what {body['by']} names"
