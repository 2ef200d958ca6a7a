"""What reading a template yields: plain values, where they stand, and what is wrong with them."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from scanner.safe_text import inert

Marks = dict[int, Any]
"""id(container) -> {key: (line, column)} for a dict, [(line, column), ...] for a list's items; from 1."""


class ReadError(Exception):
    """A text that can't be read as a template, with the place if known and a hint where one helps."""

    def __init__(self, what: str, line: int | None = None, column: int | None = None, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.line = line
        self.column = column
        self.hint = hint

    def within(self, file: str) -> str:
        """`file:line:column`, as far as it is known."""
        return file if self.line is None else f"{file}:{self.line}:{self.column}"

    def __str__(self) -> str:
        if self.line is None:
            return self.what
        return f"line {self.line}, column {self.column}: {self.what}"


class SyntaxFault(ReadError):
    """A text that breaks the grammar, as opposed to one over a limit or asking for something refused."""


class Either(NamedTuple):
    """The value of a key that is written more than once: all values in order, and the lines of the key."""

    values: tuple[Any, ...]
    lines: tuple[int, ...]


def settle(raw: Any, pick: int) -> Any:
    """Of duplicate keys, the value that this pass looks at."""
    return raw.values[min(pick, len(raw.values) - 1)] if isinstance(raw, Either) else raw


class Unreadable(NamedTuple):
    """A value that no reader can know, e.g. one with an unknown tag."""

    what: str


class Duplicate(NamedTuple):
    """A key that one mapping holds more than once, and every line it stands on."""

    key: str
    lines: tuple[int, ...]


class Document:
    """One template as plain dict, list, str, int, float, bool and None, plus `Either` and `Unreadable`.

    Anchored containers are shared objects. `notes` are (line, text). `kept` holds containers that are no part
    of `root`: it keeps their ids, which `marks` is keyed by, from being given to others.
    """

    __slots__ = ("duplicates", "kept", "marks", "notes", "root")

    def __init__(self) -> None:
        self.root: Any = None
        self.marks: Marks = {}
        self.duplicates: list[Duplicate] = []
        self.notes: list[tuple[int, str]] = []
        self.kept: list[Any] = []

    def place_of(self, trail: Iterable[str | int]) -> tuple[int, int] | None:
        """(line, column) of a key or item, or of the deepest there is on the way to it; None at the root."""
        node, place = self.root, None
        for step in trail:
            marks = self.marks.get(id(node))
            try:
                place = marks[step] if marks is not None else place
                node = node[step]
            except (KeyError, IndexError, TypeError):
                break
        return place

    def line_of(self, *trail: str | int) -> int:
        """The line of a key or item, or of the deepest there is on the way to it; 1 at the root."""
        place = self.place_of(trail)
        return place[0] if place else 1


def shown(text: str, most: int = 60) -> str:
    """A short `text` of someone else's as it may stand in a message."""
    return inert(text, most)


def merge_repeated(
    document: Document,
    mapping: dict[str, Any],
    marks: dict[str, tuple[int, int]],
    repeated: dict[str, list[tuple[Any, int]]],
) -> None:
    """Turn the keys of `mapping` that have more (value, line)s into `Either`, and record them."""
    for key, more in repeated.items():
        lines = (marks[key][0], *(line for _, line in more))
        mapping[key] = Either((mapping[key], *(value for value, _ in more)), lines)
        document.duplicates.append(Duplicate(key, lines))


def merge_from(
    source: Any, mapping: dict[str, Any], marks: dict[str, tuple[int, int]], all_marks: Marks
) -> None:
    """Give `mapping` what a merge key adds: the entries of one mapping or of several, where it has none."""
    for each in source if isinstance(source, list) else [source]:
        for key, value in each.items():
            if key not in mapping:
                mapping[key] = value
                marks[key] = all_marks[id(each)][key]
