"""What the controls of a rule pack look at, of each type and of those that it leads to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from scanner.joint import looks
from scanner.path import references_of

if TYPE_CHECKING:
    from scanner.rule_folder import Pack

Named = Mapping[str, Any]


def touched(pack: Pack, types: Named, shapes: Named, values: Named) -> dict[str, set[str]]:
    """The top-level properties of each type that some control of the pack looks at, and the joints."""
    found: dict[str, set[str]] = {}
    for control in pack.controls:
        for type_name, entry in control.document["resources"].items():
            found.setdefault(type_name, set())
            for _, path, _ in paths(entry, shapes, values):
                for kind, name in looks(types, type_name, path):
                    found.setdefault(kind, set()).add(name)
    return found


def paths(entry: Named, shapes: Named, values: Named) -> Iterator[tuple[str, str, Any]]:
    """Every path of a control's entry for a type, between its part of a place ("when") and its schema."""
    yield from (("", path, None) for path in references_of(entry))
    for place in entry.get("places") or []:
        lines = shapes[place["shape"]] if "shape" in place else place
        start = f"{place['at']}." if "at" in place else ""
        for part in {"when", "unless", "unsure", "requires"} & lines.keys():
            for path, schema in (lines[part] or {}).items():
                yield part, f"{start}{path}", schema
                bare = path.removesuffix("?").removesuffix("[]")
                if bare.rpartition(".")[2][0] == "@":  # what it asks of the resources that are gathered
                    yield from (("", f"{start}{bare}[].{name}", None) for name in _named(schema, values))


def _named(schema: Any, values: Named) -> Iterator[str]:
    """The properties that a requirement on a list of resources looks at."""
    for keyword, operand in schema.items() if isinstance(schema, dict) else ():
        if keyword in ("properties", "required"):
            yield from operand
        elif keyword == "$ref":
            yield from _named(values.get(operand), values)
        elif keyword in ("items", "contains", "not"):
            yield from _named(operand, values)
        elif keyword in ("allOf", "anyOf"):
            for each in operand if isinstance(operand, list) else [operand.get("as")]:
                yield from _named(each, values)
