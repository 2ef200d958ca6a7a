"""What is known of a value that code computes, and the view of frozen values in one world."""

from __future__ import annotations

from typing import Any, NamedTuple

from scanner.check import PlainView
from scanner.code.cell import Cell
from scanner.code.describe import describe
from scanner.value import REST, Opaque, Partial, Question, Variable
from scanner.world import World


class Mark(NamedTuple):
    """Where something stands: a cell, a line of it from 1, and a column from 0."""

    cell: Cell
    line: int
    column: int

    @property
    def place(self) -> tuple[int, int]:
        """Line and column in the file, from 1."""
        return self.cell.place(self.line, self.column)


class Choice(NamedTuple):
    """One of two values: `yes` where `key`, which `label` names for people, is true."""

    key: str
    label: str
    yes: Any
    no: Any


class Symbol(NamedTuple):
    """Something imported, by its dotted name."""

    name: str


class Client(NamedTuple):
    """A boto3 client; the service is empty where it isn't known."""

    service: str


class Bound(NamedTuple):
    """A method of a client or an object, not called yet."""

    base: Any
    name: str


class Slot(NamedTuple):
    """An entry of a mapping, a list or an object, and where it was written."""

    value: Any
    mark: Mark


class Box:
    """A mutable mapping, list or object; what it holds is in the state, since it depends on the branch.

    `entry` names what the SDK's table, or a class of the file, says of an object.
    """

    __slots__ = ("entry", "kind", "mark", "node")

    def __init__(self, kind: str, mark: Mark, entry: Any = None, node: Any = None) -> None:
        self.kind = kind
        self.mark = mark
        self.entry = entry
        self.node = node


class Told(Opaque):
    """An unknown that comes from an expression, which is named only where somebody asks for the cause."""

    __slots__ = ()

    @property
    def cause(self) -> str:
        """The expression in words."""
        return describe(self[0])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Opaque) and self.cause == other.cause and self[1:] == other[1:]

    def __hash__(self) -> int:
        return hash((self.cause, *self[1:]))


def unsure(cause: Any) -> Partial:
    """A value of which nothing is known; it may be None. The cause is a text or an expression."""
    return _new(Partial, ((_new(Opaque if type(cause) is str else Told, (cause, *_UNSURE)),),))


def sure(cause: Any) -> Partial:
    """A value that is surely there, and otherwise not known. The cause is a text or an expression."""
    return _new(Partial, ((_new(Opaque if type(cause) is str else Told, (cause, *_SURE)),),))


# Unknowns are made all the time: this takes half as long as calling their classes.
_new = tuple.__new__
_UNSURE = Opaque("")[1:]
_SURE = Opaque("", filled=True)[1:]


def may_be_none(value: Any) -> Opaque | None:
    """The unknown that a value consists of, if it may be None."""
    if type(value) is Partial and len(value.parts) == 1:
        part = value.parts[0]
        if isinstance(part, Opaque) and not part.filled and not part.malformed:
            return part
    return None


def presence(part: Opaque) -> str:
    """The key of the choice whether an unknown is there at all."""
    return f"given {id(part)}"


class View(PlainView):
    """Frozen values in one world. `assumed` are choices that the place of the code has settled.

    Code is judged call by call: one leads to no other resource.
    """

    __slots__ = ("assumed", "world")

    def __init__(self, world: World, assumed: dict[str, bool]) -> None:
        self.world = world
        self.assumed = assumed

    def value(self, raw: Any) -> Any:
        """The value in sight: plain, `Partial`, or None where it is absent or empty."""
        while type(raw) is Choice:
            raw = raw.yes if self._is(raw.key, raw.label, ("is false", "is true")) else raw.no
        kind = type(raw)
        if kind is Partial:
            unknown = may_be_none(raw)
            if unknown is not None:
                return raw if self._is(presence(unknown), unknown.cause, ("is None", "is given")) else None
            return self._given(raw)
        if kind is dict or kind is list:
            self.world.effort.spend()
            return raw if REST in raw or self._holds_something(raw) else None
        return None if raw == "" else raw

    def test(self, partial: Partial, question: Question) -> bool | None:
        """Answer a question about partly known text."""
        return self.world.test(partial, question)

    def _given(self, partial: Partial) -> Any:
        """A parameter of a pipeline is its default as written."""
        variable = partial.parts[0]
        if len(partial.parts) == 1 and isinstance(variable, Variable):
            self.world.inputs += 1
            default = variable.domain.default
            if default is not None and self.world.as_written:
                self.world.varied = True
                return default or None
            return self.world.settled(variable) or partial
        return partial

    def _holds_something(self, raw: Any) -> bool:
        """What is written out is there, unless it is surely nothing; unknowns in it change nothing."""
        later = []
        for child in raw.values() if type(raw) is dict else raw:
            if type(child) in (int, float, bool, Partial) or (type(child) is str and child):
                return True
            later.append(child)
        return any(self.value(child) is not None for child in later)

    def _is(self, key: str, label: str, words: tuple[str, str]) -> bool:
        if key in self.assumed:
            return self.assumed[key]
        answer = self.world.flip(key)
        self.world.facts[label] = words[answer]
        return answer
