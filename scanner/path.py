"""Property paths: `A?.B[].C` in a control file, and where one leads in a resource."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from scanner.check import View
from scanner.kind import Kind, coerce, kind_below
from scanner.value import Partial, rest_of

Origin = tuple[Any, Any]
"""The container and the key or index in it of a raw value."""


class Segment(NamedTuple):
    """One step of a path: a property, `each` of its items, absent without offence if `optional`."""

    name: str
    each: bool
    optional: bool


Path = tuple[Segment, ...]
_SEGMENT = re.compile(r"([A-Za-z][A-Za-z0-9]*)(\[\])?(\?)?")


def parse_path(text: str) -> Path:
    """Read `A?.B[].C`; "" is the resource itself. Raises ValueError for anything else."""
    segments: list[Segment] = []
    for step in text.split(".") if text else ():
        match = _SEGMENT.fullmatch(step)
        if match is None:
            raise ValueError(f"{text!r} is not a property path")
        segments.append(Segment(match[1], bool(match[2]), bool(match[3])))
    return tuple(segments)


def references_of(rule: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths by which a control's entry for a type says that it is judged at what they name."""
    found = rule.get("judged-at") or ()
    return tuple(found) if isinstance(found, list | tuple) else (found,)


class Target(NamedTuple):
    """What a path leads to: `value` is None where it is absent.

    `hidden` says that an unknown value stands above it, so that not even its presence is known.
    """

    value: Any
    kind: Kind
    path: str
    origin: Origin
    hidden: bool = False


def walk(
    view: View, value: Any, kind: Kind, path: Path, *, at: str, origin: Origin, only: str | None = None
) -> list[Target]:
    """Follow a path from a present value; optional segments that are absent lead nowhere.

    `only` is the path of one target: items that can't lead to it are not even looked at.
    """
    for index, segment in enumerate(path):
        here = f"{at}.{segment.name}" if at else segment.name
        if type(value) is Partial:
            return [Target(value, None, _spell(at, path[index:]), origin, hidden=True)]
        below = kind_below(kind, segment.name)
        raw = value.get(segment.name)
        found = None if raw is None else view.value(raw)
        if found is None:
            rest = rest_of(value) if raw is None else None
            if rest is not None:
                return [Target(rest, None, _spell(at, path[index:]), origin, hidden=True)]
            if segment.optional:
                return []
            if segment.name in value:
                origin = (value, segment.name)
            return [Target(None, below, _spell(at, path[index:]), origin)]
        origin = (value, segment.name)
        value, kind, at = coerce(found, below), below, here
        if segment.each:
            return _walk_items(view, value, kind, path[index:], at=at, origin=origin, only=only)
        if index + 1 < len(path) and type(value) is not dict and type(value) is not Partial:
            return [Target(coerce(value, {}), None, _spell(at, path[index + 1 :]), origin, hidden=True)]
    return [Target(value, kind, at, origin)]


def _walk_items(
    view: View, value: Any, kind: Kind, path: Path, *, at: str, origin: Origin, only: str | None
) -> list[Target]:
    rest = path[1:]
    if type(value) is not Partial and type(value) is not list:
        value = coerce(value, [None])
    if type(value) is Partial:
        return [Target(value, None, _spell(f"{at}[]", rest), origin, hidden=bool(rest))]
    below = kind[0] if type(kind) is list and kind else None
    targets: list[Target] = []
    for number, raw in enumerate(value):
        here = f"{at}[{number}]"
        if only is not None and not only.startswith(here):
            continue
        item = view.value(raw)
        if item is None:
            continue
        item = coerce(item, below)
        if rest and type(item) is not dict and type(item) is not Partial:
            item = coerce(item, {})
        targets += walk(view, item, below, rest, at=here, origin=(value, number), only=only)
    return targets


def _spell(at: str, path: Path) -> str:
    steps = [segment.name + ("[]" if segment.each else "") for segment in path]
    if steps and path[-1].each:
        steps[-1] = path[-1].name
    return ".".join([at, *steps] if at else steps)
