"""The notation of a type, an entry of `types:` in _types.yaml and _environment.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scanner.joint import references
from scanner.notation import Fault, Names, mapping_in, path_faults, unknown_fields

TYPE_FIELDS = frozenset(
    (
        *("create", "properties", "renames", "judged-at", "remark", "live", "config", "steps"),
        *("scope", "refers", "gathers", "belongs-with", "named"),
    )
)
GATHER_FIELDS = frozenset({"from", "by", "except", "entire", "elsewhere"})
SCOPES = ("sagemaker", "environment")


def type_faults(entry: Any, names: Names) -> Iterator[Fault]:
    """What is wrong with one entry of `types:` in _types.yaml."""
    if entry is None:
        return
    if not isinstance(entry, dict):
        yield (), "must be a mapping"
        return
    yield from unknown_fields(entry, (), TYPE_FIELDS, "field")
    for canonical, other in mapping_in(entry, "renames").items():
        for path in (canonical, other):
            yield from path_faults(path, ("renames",))
    for field in ("judged-at", "refers"):
        for path, targets in mapping_in(entry, field).items():
            yield from path_faults(path, (field,))
            for target in targets if isinstance(targets, list) else [targets]:
                if target not in names.types:
                    yield (field, str(path)), f"unknown type '{target}'"
    if entry.get("scope", SCOPES[0]) not in SCOPES:
        yield ("scope",), f"must be {' or '.join(SCOPES)}"
    refers = references(entry) if all(isinstance(entry.get(it, {}), dict) for it in _JOINS) else {}
    for path in entry.get("belongs-with") or ():
        if path not in refers:
            yield ("belongs-with", str(path)), "is none of the paths of refers"
    for name, body in mapping_in(entry, "gathers").items():
        for what in _gather_faults(body, names):
            yield ("gathers", str(name)), what


_JOINS = ("judged-at", "refers")


def _gather_faults(body: Any, names: Names) -> Iterator[str]:
    if (
        not isinstance(body, dict)
        or not body.keys() <= GATHER_FIELDS
        or not isinstance(body.get("from"), str)
    ):
        yield "must say {from: a type, by: the path by which it names this one}"
        return
    if body["from"] not in names.types:
        yield f"unknown type '{body['from']}'"
        return
    known = references(names.types[body["from"]])
    if "by" in body and body["by"] not in known:
        yield f"refers of {body['from']} do not say what {body['by']} names"
