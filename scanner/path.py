"""Property paths: `A?.B[].C` in a control file, and where one leads in a resource and beyond it."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from scanner.check import View, seat
from scanner.joint import OWNER
from scanner.kind import Kind, coerce, kind_below
from scanner.value import LEFT, Partial, is_near, more_of, rest_of

Origin = tuple[Any, Any]
"""The container and the key or index in it of a raw value."""


class Segment(NamedTuple):
    """One step of a path: a property, `each` of its items, absent without offence if `optional`.

    `join` is ">" for the resource that the property names (`Name@`), "<" for the list of those that name
    this one (`@Name`), "" for the value itself. `beyond`: what may be there out of sight is an item too.
    """

    name: str
    each: bool
    optional: bool
    join: str = ""
    beyond: bool = False

    @property
    def key(self) -> str:
        """The name as joins are declared by it: `Name@`, `@Name`, or the name alone."""
        return f"{self.name}@" if self.join == ">" else f"@{self.name}" if self.join else self.name


Path = tuple[Segment, ...]
_SEGMENT = re.compile(r"(@)?([A-Za-z][A-Za-z0-9]*)(\[\])?(@)?(\?)?")


def parse_path(text: str, beyond: bool = False) -> Path:
    """Read `A?.B[].C`; "" is the resource itself. Raises ValueError for anything else."""
    segments: list[Segment] = []
    for step in text.split(".") if text else ():
        match = _SEGMENT.fullmatch(step)
        if match is None or (match[1] and match[4]):
            raise ValueError(f"{text!r} is not a property path")
        join = "<" if match[1] else ">" if match[4] else ""
        segments.append(Segment(match[2], bool(match[3]), bool(match[5]), join, beyond))
    return tuple(segments)


def references_of(rule: Mapping[str, Any]) -> tuple[str, ...]:
    """The paths by which a control's entry for a type says that it is judged at what they name."""
    found = rule.get("judged-at") or ()
    return tuple(found) if isinstance(found, list | tuple) else (found,)


class Target(NamedTuple):
    """What a path leads to: `value` is None where it is absent.

    `hidden` says that an unknown value stands above it, so that not even its presence is known. `home` is
    what a view reads it by, where it may be of another resource than the path begins at.
    """

    value: Any
    kind: Kind
    path: str
    origin: Origin
    hidden: bool = False
    home: Any = None


def walk(
    view: View,
    value: Any,
    kind: Kind,
    path: Path,
    *,
    at: str,
    origin: Origin,
    only: str | None = None,
    made: str = "",
) -> list[Target]:
    """Follow a path from a present value; optional segments that are absent lead nowhere.

    `only` is the path of one target: items that can't lead to it are not even looked at. `made` says that
    the value stands nowhere as it is, so that what it holds keeps its origin: "text" also for all below.
    """
    for index, segment in enumerate(path):
        name = segment.key if segment.join else segment.name
        here = f"{at}.{name}" if at else name
        if type(value) is Partial:
            return [Target(value, None, _spell(at, path[index:]), origin, True, view.home)]
        below = kind_below(kind, name)
        raw = value.get(segment.name)
        if segment.join:
            found = _joined(view, value, raw, segment, below)
            if type(found) is Partial and not (segment.each and segment.join == ">"):
                if segment.optional and (segment.join == ">" or (more_of(found) and not is_near(found))):
                    return []  # not in sight, which is no offence
                if segment.join == "<":
                    return [Target(found, None, _spell(at, path[index:]), origin, True, view.home)]
            below = _kind_of(found)
            there = seat(view, found)
        else:
            there = view
            found = None if raw is None else view.value(raw)
        if found is None:
            rest = rest_of(value)
            if rest is not None and (raw is None or rest == LEFT):
                return [Target(rest, None, _spell(at, path[index:]), origin, True, view.home)]
            if segment.optional:
                return []
            if segment.name in value and segment.join != "<" and not made:
                origin = (value, segment.name)
            return [Target(None, below, _spell(at, path[index:]), origin, home=view.home)]
        if segment.join != "<" and not made:
            origin = (value, segment.name)
        joint = kind_below(kind, name) if segment.join == ">" and segment.each else None
        value, kind, at, view = coerce(found, below), below, here, there
        if made or value is not found:
            made = "text" if made == "text" or type(found) is str else "" if value is found else "shape"
        if segment.each:
            steps = path[index:]
            return _walk_items(
                view, value, kind, steps, at=at, origin=origin, only=only, joint=joint, made=made
            )
        if index + 1 < len(path) and type(value) is not dict and type(value) is not Partial:
            return [Target(coerce(value, {}), None, _spell(at, path[index + 1 :]), origin, True, view.home)]
    return [Target(value, kind, at, origin, home=view.home)]


def _walk_items(
    view: View,
    value: Any,
    kind: Kind,
    path: Path,
    *,
    at: str,
    origin: Origin,
    only: str | None,
    joint: Any = None,
    made: str = "",
) -> list[Target]:
    rest = path[1:]
    if type(value) is not Partial and type(value) is not list:
        value = coerce(value, [None])
    if type(value) is Partial:
        return [Target(value, None, _spell(f"{at}[]", rest), origin, bool(rest), view.home)]
    below = kind[0] if type(kind) is list and kind else None
    targets: list[Target] = []
    for number, raw in enumerate(value):
        here = f"{at}[{number}]"
        seen = is_near(raw) if path[0].optional else path[0].beyond
        elsewhere = more_of(raw) is not None and not seen
        if elsewhere or (only is not None and not only.startswith(here)):
            continue
        item = view.value(raw) if joint is None else view.follow(raw, joint)
        if item is None:
            continue
        there = seat(view, item)
        if joint is not None:
            below = _kind_of(item)
        item = coerce(item, below)
        if rest and type(item) is not dict and type(item) is not Partial:
            item = coerce(item, {})
        where = origin if path[0].join == "<" or made else (value, number)
        deeper = made if made == "text" else ""
        targets += walk(there, item, below, rest, at=here, origin=where, only=only, made=deeper)
    return targets


def _joined(view: View, value: dict[str, Any], raw: Any, segment: Segment, joint: Any) -> Any:
    """What a joined segment leads to; of `each` of a list's names the list itself."""
    if segment.join == "<":
        return view.gather(value, joint)
    if raw is None:
        return None
    return view.value(raw) if segment.each else view.follow(raw, joint)


def _kind_of(found: Any) -> Kind:
    """The kind of a joined resource's properties, or of a list of such."""
    if type(found) is list:
        return [next((_kind_of(each) for each in found if type(each) is dict), None)]
    owner = found.get(OWNER) if type(found) is dict else None
    return None if owner is None else owner.kind


def _spell(at: str, path: Path) -> str:
    steps = [segment.key + ("[]" if segment.each else "") for segment in path]
    if steps and path[-1].each:
        steps[-1] = path[-1].key
    return ".".join([at, *steps] if at else steps)
