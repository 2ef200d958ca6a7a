"""Trees of properties that calls of the SDK build up: dicts of slots, by path."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from scanner.code.state import map_choices
from scanner.code.value import Mark, Slot
from scanner.value import Opaque, Partial


def at(tree: Mapping[str, Slot], steps: list[str]) -> Slot | None:
    """What stands at a path, if what is above it is followed."""
    slot = tree.get(steps[0])
    if slot is None or len(steps) == 1:
        return slot
    return at(slot.value, steps[1:]) if type(slot.value) is dict else None


def part_of(made: Any, fields: str) -> Any:
    """The properties of an object that count; one alone stands for the object."""
    names = fields.split()
    if type(made) is not dict:
        return made
    if len(names) > 1:
        return {name: made[name] for name in names if name in made}
    return made[names[0]].value if names[0] in made else None


def passed_on(made: Any, moves: Mapping[str, str | None]) -> Any:
    """What another request takes over of a part: under another name, or not at all."""
    for path, name in moves.items():
        made = _moved(made, path.split("."), name)
    return made


def _moved(made: Any, steps: list[str], name: str | None) -> Any:
    if type(made) is not dict or steps[0] not in made:
        return made
    rest = {key: slot for key, slot in made.items() if key != steps[0]}
    slot = made[steps[0]]
    if len(steps) > 1:
        below = map_choices(slot.value, partial(_moved, steps=steps[1:], name=name))
        return {**rest, steps[0]: slot._replace(value=below)}
    return {**rest, name: slot} if name else rest


def beneath(leaf: Any, cause: str) -> Any:
    """A place, where what is sent is one inside it."""
    return Partial((f"{leaf.rstrip('/')}/", Opaque(cause, filled=True))) if isinstance(leaf, str) else leaf


def given_or(default: Any, leaf: Any) -> Any:
    """What an alternative gives, or the default."""
    return default if leaf is None else leaf


def stands(tree: Mapping[str, Slot], path: str) -> bool:
    """Does something stand at a path, or in its place?"""
    node: Any = tree
    for step in path.split(".") if path else ():
        slot = node.get(step.removesuffix("[]").removesuffix("{}"))
        if slot is None:
            return False
        node = slot.value[0].value if step.endswith("[]") and type(slot.value) is list else slot.value
        if type(node) is not dict:
            return True
    return True


def put(tree: dict[str, Slot], steps: list[str], slot: Slot, mark: Mark) -> None:
    """Put a value at a path; what stands above it is where the call is."""
    name = steps[0].removesuffix("[]").removesuffix("{}")
    if len(steps) == 1:
        tree[name] = Slot([slot], slot.mark) if steps[0].endswith("[]") else slot
        return
    below = tree.get(name)
    if below is None:
        inner: dict[str, Slot] = {}
        tree[name] = Slot([Slot(inner, mark)] if steps[0].endswith("[]") else inner, mark)
    else:
        found = below.value[0].value if steps[0].endswith("[]") and type(below.value) is list else below.value
        if type(found) is not dict:
            return
        inner = found
    put(inner, steps[1:], slot, mark)
