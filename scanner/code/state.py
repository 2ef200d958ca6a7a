"""What names and boxes hold at one point of the code, in layers: a branch writes into a layer of its own."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import Any

from scanner.code.value import Box, Choice, Slot, unsure
from scanner.value import REST

MISSING: Any = object()
ABSENT: Any = object()
"""Stands for an entry in the alternative that has no such entry."""
PENDING: Any = object()
"""Stands in a function's result where it has not returned yet."""
RETURN = "return"
PLAIN = (str, int, float, bool, type(None))
_NOT_HERE: Any = object()
_MOST_VALUES = 8


class State:
    """A layer over `parent`. Keys are (scope, name) for names, and boxes."""

    __slots__ = ("journal", "parent", "written")

    def __init__(self, parent: State | None = None) -> None:
        self.parent = parent
        self.journal: list[tuple[Any, Any]] | None = parent.journal if parent else None
        """All that is written, one after the other, while somebody asks for it."""
        self.written: dict[Any, Any] = {}

    def get(self, key: Any, default: Any = None) -> Any:
        """What a key holds here."""
        layer: State | None = self
        while layer is not None:
            found = layer.written.get(key, _NOT_HERE)
            if found is not _NOT_HERE:
                return found
            layer = layer.parent
        return default

    def set(self, key: Any, value: Any) -> None:
        """Write into this layer."""
        self.written[key] = value
        if self.journal is not None:
            self.journal.append((key, value))

    def mix(self, journal: list[tuple[Any, Any]], label: str, fresh: Callable[[str], str]) -> None:
        """Give all that was written meanwhile any of the values that it had."""
        had: dict[Any, list[Any]] = {}
        for name, value in journal:
            values = had.setdefault(name, [])
            if isinstance(name, Box) or (name[1] != RETURN and not any(same(value, each) for each in values)):
                values.append(value)
        for name, values in had.items():
            found = self.parent.get(name, MISSING) if self.parent else MISSING
            for value in values[:_MOST_VALUES]:
                if isinstance(name, Box):
                    found = join_contents(fresh("part"), label, value, found)
                else:
                    found = value if found is MISSING else choose(fresh("part"), label, value, found)
            if values:
                self.set(name, found if len(values) <= _MOST_VALUES else unsure(f"what {label} decides"))

    def join(self, key: str, label: str, yes: State, no: State, ended: tuple[bool, bool]) -> None:
        """Take over what two branches wrote; of one that has `ended` only what outlives it."""
        if key[0] == "!":
            self.join(key[1:], label, no, yes, ended[::-1])
            return
        for name in {**yes.written, **no.written}:
            first, second = yes.get(name, MISSING), no.get(name, MISSING)
            if isinstance(name, Box):
                value = join_contents(key, label, first, second)
            elif name[1] == RETURN:
                value = choose(
                    key,
                    label,
                    PENDING if first is MISSING else first,
                    PENDING if second is MISSING else second,
                )
            elif ended[0] != ended[1]:
                value = second if ended[0] else first
                if value is MISSING:
                    continue
            elif first is MISSING or second is MISSING:
                value = first if second is MISSING else second
            else:
                value = choose(key, label, first, second)
            self.written[name] = value


def same(first: Any, second: Any) -> bool:
    """Are two values surely one?"""
    return first is second or (type(first) is type(second) and type(first) in PLAIN and first == second)


def choose(key: str, label: str, yes: Any, no: Any) -> Any:
    """One of two values; a key that begins with ! is of the opposite choice."""
    if key[0] == "!":
        return choose(key[1:], label, no, yes)
    return yes if same(yes, no) else Choice(key, label, yes, no)


def join_contents(key: str, label: str, first: Any, second: Any) -> Any:
    """What a box holds that has one or the other of two contents."""
    if first is MISSING or second is MISSING:
        return second if first is MISSING else first
    if first is second:
        return first
    if type(first) is dict and type(second) is dict:
        joined = {}
        for name in {**first, **second}:
            one, other = first.get(name), second.get(name)
            found: Any = one or other
            if name == REST:
                joined[name] = found
            elif one is not None and other is not None and same(one.value, other.value):
                joined[name] = one
            else:
                pair = (each.value if each else ABSENT for each in (one, other))
                joined[name] = Slot(choose(key, label, *pair), found.mark)
        return joined
    if type(first) is list and type(second) is list:
        items = []
        for one, other in zip_longest(first, second):
            pair = (each.value if each else ABSENT for each in (one, other))
            either: Any = one or other
            items.append(Slot(choose(key, label, *pair), either.mark))
        return items
    return unsure(f"what {label} decides")


def fill(result: Any, value: Any) -> Any:
    """A function's result so far with `value` where it has not returned yet."""
    return map_choices(result, lambda leaf: value if leaf is PENDING else leaf)


def map_choices(value: Any, change: Callable[[Any], Any], depth: int = 0) -> Any:
    """A value with every alternative changed; what has very many is changed as if it were one."""
    if type(value) is Choice and depth < 6:
        yes = map_choices(value.yes, change, depth + 1)
        return choose(value.key, value.label, yes, map_choices(value.no, change, depth + 1))
    return change(value)
