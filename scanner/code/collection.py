"""Methods of mappings, lists and texts that are followed, and copies of them."""

from __future__ import annotations

import ast
from typing import Any

from scanner.code.describe import describe
from scanner.code.expression import assembled, item, or_default, spread, text_parts
from scanner.code.run import Run
from scanner.code.state import MISSING
from scanner.code.value import Box, Slot, sure
from scanner.value import REST, Partial

_OF_MAPPINGS = frozenset(["update", "setdefault", "pop", "get", "copy", "items", "keys", "values"])
_COPIED = 512
"""How many entries are copied in the time of a step."""


def replace(run: Run, box: Box, contents: Any) -> None:
    """Let a box hold what is a changed copy of what it held."""
    run.steps -= len(contents) // _COPIED
    run.state.set(box, contents)


def without(contents: dict[str, Slot], key: str) -> dict[str, Slot]:
    """Entries but for one."""
    left = dict(contents)
    left.pop(key, None)
    return left


def change(run: Run, node: ast.Call, base: Box, name: str, arguments: Any) -> Any:
    """A method of a mapping or list that is followed."""
    contents = run.contents(base)
    if type(contents) is dict and name in _OF_MAPPINGS:
        return _of_mapping(run, node, base, name, arguments)
    if type(contents) is list and name in ("append", "extend", "copy"):
        return _of_list(run, node, base, name, arguments)
    if type(contents) is not Partial:
        run.state.set(base, run.unsure(node, *run.held_by(base), *arguments.values))
    return run.unsure(node, base, *arguments.values)


def _of_mapping(run: Run, node: ast.Call, base: Box, name: str, arguments: Any) -> Any:
    contents = run.contents(base)
    key, default = (*arguments.positional, None, None)[:2]
    if name == "update":
        entries = dict(contents)
        for value in arguments.positional:
            spread(run, entries, value, describe(node), run.mark(node))
        replace(run, base, {**entries, **arguments.given})
        return None
    if name == "copy":
        return run.box("dict", node, dict(contents))
    if name in ("items", "keys", "values"):
        if REST in contents or name == "keys":
            return run.unsure(node, base, filled=True)
        if name == "values":
            return run.box("list", node, list(contents.values()))
        pairs = [[Slot(key, slot.mark), slot] for key, slot in contents.items()]
        return run.box("list", node, [Slot(run.box("list", node, it), it[0].mark) for it in pairs])
    found = item(run, base, key)
    known = type(key) is str and REST not in contents
    if found is MISSING:
        found = default if known else run.unsure(node, base, default)
    # An entry that only one branch has made falls back to the default on the other.
    found = or_default(found, default)
    changed: Any = contents
    if name == "pop":
        changed = without(contents, key)
    elif name == "setdefault":
        changed = {**contents, key: Slot(found, run.mark(node))}
    if changed is not contents:
        replace(run, base, changed if type(key) is str else run.unsure(node))
    return found


def _of_list(run: Run, node: ast.Call, base: Box, name: str, arguments: Any) -> Any:
    contents = run.contents(base)
    if name == "append" and arguments.positional:
        replace(run, base, [*contents, Slot(arguments.positional[0], run.mark(node))])
        return None
    if name == "copy":
        return run.box("list", node, contents)
    more = run.contents(arguments.positional[0]) if arguments.positional else None
    many = run.unsure("a list that is computed", *run.held_by(base), *arguments.values, filled=True)
    replace(run, base, [*contents, *more] if type(more) is list else many)
    return None


def copied(run: Run, value: Any, deep: bool, known: dict[int, Any]) -> Any:
    """A copy of a value; a deep one shares nothing with it."""
    contents = run.contents(value)
    run.steps -= 1
    if id(value) in known or not isinstance(value, Box) or type(contents) not in (dict, list):
        return known.get(id(value), value)
    made = known[id(value)] = Box(value.kind, value.mark, value.entry, value.node)
    run.state.set(made, contents)
    if value.kind == "instance":
        run.instances.setdefault(value.entry, []).append(made)
    if value in run.objects:
        name, _, cell = run.objects[value]
        run.objects[made] = run.name_of(name, made), dict(run.assumed), cell
    slots = contents.items() if type(contents) is dict else enumerate(contents)
    inner = {key: slot._replace(value=copied(run, slot.value, deep, known)) for key, slot in slots if deep}
    run.state.set(made, {**contents, **inner} if type(contents) is dict else list(inner.values()) or contents)
    return made


def formatted(node: ast.Call, text: str, arguments: Any) -> Any:
    """`text.format(…)`: what the text spells out stays known around what is not."""
    from string import Formatter

    parts: list[Any] = []
    number = 0
    try:
        for literal, field, form, conversion in Formatter().parse(text):
            parts.append(literal)
            if field is None:
                continue
            value, key = None, field or str(number)
            if key.isdecimal() and int(key) < len(arguments.positional):
                value = arguments.positional[int(key)]
            elif key in arguments.given:
                value = arguments.given[key].value
            number += not field
            parts += text_parts(None if form or conversion else value, node)
    except ValueError:
        return sure(node)
    return assembled(parts)
