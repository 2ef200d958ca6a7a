"""Values as they are at one point of the code, for good."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scanner.code.run import Run
from scanner.code.state import ABSENT, PENDING
from scanner.code.value import Box, Choice, Symbol, may_be_none, sure
from scanner.template.document import Marks
from scanner.value import Partial

_DEEPEST = 64
_MOST_ITEMS = 5_000
_MOST_FROZEN = 50_000


class Freezer:
    """Turns what code computed into plain values that stay as they are now, with their marks."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.marks: Marks = {}
        self._known: dict[int, Any] = {}
        self._room = _MOST_FROZEN

    def freeze(self, value: Any) -> tuple[Any, Marks]:
        """The plain value, and id(container) -> where its entries stand."""
        return self._frozen(value, 0), self.marks

    def _frozen(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if value is ABSENT:
            return None
        if value is None or kind in (str, int, float, bool, Partial):
            return value
        if id(value) in self._known:
            return self._known[id(value)]
        self._room -= 1
        if depth > _DEEPEST or self._room < 0:
            return self.run.unsure("a value that is too large to follow")
        if kind is Choice:
            if value.key in self.run.assumed:
                return self._frozen(self.run.settle(value), depth + 1)
            yes, no = self._frozen(value.yes, depth + 1), self._frozen(value.no, depth + 1)
            made: Any = Choice(value.key, value.label, yes, no)
        elif isinstance(value, Box):
            # A box that holds itself meets this in its place.
            self._known[id(value)] = sure("a value that holds itself")
            # boto3 sends no None: what is written into a mapping or list is there, whatever it is.
            made = self._contents(self.run.contents(value), depth + 1, self._given)
        elif kind is dict or kind is list:
            made = self._contents(value, depth + 1, self._frozen if kind is dict else self._given)
        elif isinstance(value, Symbol):
            last = value.name.rpartition(".")[2]
            made = last if last.lower().startswith("local") else self.run.known(value)
        else:
            made = self.run.unsure("a value that is computed") if value is PENDING else sure("an object")
        self._known[id(value)] = made
        self.run.kept.append((value, made))
        return made

    def _contents(self, contents: Any, depth: int, freeze: Callable[[Any, int], Any]) -> Any:
        if type(contents) is dict:
            made = {name: freeze(slot.value, depth) for name, slot in contents.items()}
            self.marks[id(made)] = {name: slot.mark for name, slot in contents.items()}
            return made
        if type(contents) is list:
            items = [freeze(slot.value, depth) for slot in contents[:_MOST_ITEMS]]
            self.marks[id(items)] = [slot.mark for slot in contents[:_MOST_ITEMS]]
            return items
        return contents if type(contents) is Partial else sure("an object")

    def _given(self, value: Any, depth: int) -> Any:
        """A value that is surely there, unless the code says that it is not."""
        unknown = may_be_none(value)
        return self._frozen(value, depth) if unknown is None else sure(unknown.cause)
