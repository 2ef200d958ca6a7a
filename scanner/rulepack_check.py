"""`rules check`: everything that is wrong with a rule pack, beyond what keeps it from loading."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from scanner.framework import foreign_names
from scanner.joint import joined
from scanner.model import SmguardError
from scanner.notation import SHAPE_FIELDS, Fault, Problem
from scanner.opening import read_document
from scanner.path import Path, parse_path, references_of
from scanner.rule_folder import (
    DEFINITIONS_FILE,
    ENVIRONMENT_FILE,
    KINDS_FILE,
    TYPES_FILE,
    ControlFile,
    Pack,
    read,
)
from scanner.rulepack import Base, problems


def check(directory: str, base: Base | None = None) -> list[Problem]:
    """Everything wrong in a rule folder, each with its file, key and (where it can be told) line.

    `base` holds what a user's own folder may build on; None for the built-in catalog itself. Examples are
    not run. Raises SmguardError if `directory` is no folder.
    """
    pack = read(directory)
    found = list(problems(pack, base))
    broken = {problem.file for problem in found}
    if not broken.isdisjoint((TYPES_FILE, ENVIRONMENT_FILE)):
        return [_located(directory, problem) for problem in found]
    sound = [control for control in pack.controls if control.file not in broken]
    known = (base or Base()).with_own(pack)
    kinds = joined(known.kinds, known.types)
    if DEFINITIONS_FILE not in broken:
        for control in sound:
            found.extend(_path_problems(control, kinds, known.shapes))
    found.extend(_type_problems(pack, kinds))
    found.extend(_foreign_id_problems(sound))
    return [_located(directory, problem) for problem in found]


def _path_problems(
    control: ControlFile, kinds: Mapping[str, Any], shapes: Mapping[str, Any]
) -> Iterator[Problem]:
    for type_name, entry in control.document["resources"].items():
        tree = kinds.get(type_name)
        trail = ("resources", type_name)
        if tree is None:
            yield Problem(control.file, trail, f"no property of this type is known; add it to {KINDS_FILE}")
            continue
        for path in references_of(entry):
            _, faults = _follow(tree, parse_path(path), kinds)
            yield from (Problem(control.file, (*trail, "judged-at"), what) for what in faults)
        for index, place in enumerate(entry.get("places") or []):
            for below, what in _place_faults(place, tree, shapes, kinds):
                yield Problem(control.file, (*trail, "places", index, *below), what)


def _place_faults(
    place: Mapping[str, Any], tree: Any, shapes: Mapping[str, Any], kinds: Mapping[str, Any]
) -> Iterator[Fault]:
    if "at" in place:
        tree, faults = _follow(tree, parse_path(place["at"]), kinds)
        yield from ((("at",), what) for what in faults)
        if faults:
            return
    lines = shapes[place["shape"]] if "shape" in place else place
    for part in sorted(SHAPE_FIELDS & lines.keys()):
        for path, schema in lines[part].items():
            kind, faults = _follow(tree, parse_path(path), kinds)
            where = ("shape",) if "shape" in place else (part, path)
            yield from ((where, what) for what in faults)
            if not faults:
                yield from ((where, what) for what in _schema_faults(schema, kind))


def _follow(kind: Any, path: Path, kinds: Mapping[str, Any]) -> tuple[Any, list[str]]:
    """The kind a path leads to, and what is wrong on the way."""
    for segment in path:
        if kind is None:
            return None, []
        below = _below(kind, segment.key)
        if below is _MISSING:
            what = f"refers or gathers of its type have no {segment.key}" if segment.join else ""
            return None, [what or f"no property {segment.name} is known here"]
        if segment.join:
            targets = [below["from"]] if segment.join == "<" else below["types"]
            each = {name: tree for target in targets for name, tree in (kinds.get(target) or {}).items()}
            below = [each] if segment.join == "<" or segment.each else each
            kind = below[0] if segment.each else below
            continue
        if segment.each and below is not None:
            if not isinstance(below, list):
                return None, [f"{segment.name} is no list"]
            below = below[0]
        kind = below
    return kind, []


def _schema_faults(schema: Any, kind: Any) -> Iterator[str]:
    """Names of properties in a requirement that the kind does not have."""
    if not isinstance(schema, dict) or kind is None:
        return
    for keyword, value in schema.items():
        if keyword in ("items", "contains"):
            yield from _schema_faults(value, kind[0] if isinstance(kind, list) else None)
        elif keyword == "not":
            yield from _schema_faults(value, kind)
        elif keyword in ("allOf", "anyOf"):
            for branch in [value.get("as")] if isinstance(value, dict) else value:
                yield from _schema_faults(branch, kind)
        elif keyword in ("properties", "required"):
            for name in value:
                below = _MISSING if "@" in name else _below(kind, name)
                if below is _MISSING:
                    yield f"no property {name} is known here"
                elif keyword == "properties":
                    yield from _schema_faults(value[name], below)
        elif keyword in ("const", "enum", "default") and isinstance(kind, str) and kind.startswith("e:"):
            members = kind[2:].split("|")
            for member in value if keyword == "enum" and isinstance(value, list) else [value]:
                if isinstance(member, str) and member not in members:
                    yield f"'{member}' is none of {', '.join(members)}"


def _type_problems(pack: Pack, kinds: Mapping[str, Any]) -> Iterator[Problem]:
    for type_name, entry in pack.types.items():
        file = ENVIRONMENT_FILE if type_name in pack.environment else TYPES_FILE
        for field in ("judged-at", "refers"):
            for path in (entry or {}).get(field) or {}:
                _, faults = _follow(kinds.get(type_name), parse_path(path), kinds)
                yield from (Problem(file, ("types", type_name, field, path), what) for what in faults)


def _foreign_id_problems(controls: list[ControlFile]) -> Iterator[Problem]:
    """An id of another tool that two controls claim for one type."""
    claimed: dict[tuple[str, str, str], str] = {}
    for control in controls:
        common = control.document.get("aka") or {}
        for type_name, entry in control.document["resources"].items():
            names = foreign_names(common, {type_name: entry})
            for tool, foreign in ((tool, each) for tool, listed in names.items() for each in listed):
                owner = claimed.setdefault((type_name, tool, foreign), control.stem)
                if owner != control.stem:
                    what = f"{tool} {foreign} is claimed by {owner} too"
                    yield Problem(control.file, ("resources", type_name, "aka", tool), what)


def _below(kind: Any, name: str) -> Any:
    if isinstance(kind, dict):
        return kind.get(name, kind.get("*", _MISSING))
    return _MISSING


def _located(directory: str, problem: Problem) -> Problem:
    """The problem with the line of the deepest of its keys that the file has."""
    if problem.line is not None or not problem.key:
        return problem
    try:
        document = read_document(os.path.join(directory, problem.file))
    except SmguardError:
        return problem
    return replace(problem, line=document.line_of(*problem.key))


_MISSING = object()
