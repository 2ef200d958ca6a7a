"""Lines of the terminal report: colours, wrapped paragraphs, and rows in columns.

Named tuples because each dataclass costs most of a millisecond at import, and scans start in tens of them.
"""

from collections.abc import Iterator
from typing import NamedTuple

from scanner.columns import width, wrap
from scanner.safe_text import LIMIT, inert

PARAGRAPH = 100
"""Columns of running text at most: longer lines are hard to read."""

_LABEL = 8  # "critical", the longest
_INDENT = 4
_MARGIN = _INDENT + _LABEL + 2
_MESSAGE = (44, 90)  # columns a message needs to stand beside its control, and takes at most
_CODES = {
    "critical": "1;31",
    "high": "31",
    "medium": "33",
    "low": "36",
    "unknown": "35",
    "waived": "2",
    "baseline": "2",
    "passed": "32",
    "bold": "1",
    "dim": "2",
    "bad": "1;31",
    "good": "1;32",
}


class Row(NamedTuple):
    """One thing found, as inert text: a label that is also its colour, a name, a message, and where it is."""

    label: str
    name: str
    message: str
    where: str


def row(label: str, name: str, message: str, where: str) -> Row:
    """A row of untrusted text."""
    return Row(label, inert(name), inert(message), inert(where, 500))


class Columns(NamedTuple):
    """Widths of the names and messages of rows that take one line each."""

    names: int
    messages: int


class Layout(NamedTuple):
    """How wide the terminal is and whether it shows colours. What it is given is untrusted text."""

    columns: int
    color: bool

    def paint(self, style: str, text: str) -> str:
        """`text`, already inert, in a style."""
        return f"\x1b[{_CODES[style]}m{text}\x1b[0m" if self.color and text else text

    def paragraph(self, text: str, indent: int, style: str | None = None, most: int = LIMIT) -> Iterator[str]:
        """Lines of running text of at most so many characters, all indented alike."""
        for line in wrap(inert(text, most), min(self.columns, PARAGRAPH) - indent):
            yield f"{' ' * indent}{self.paint(style, line) if style else line}\n"

    def heading(self, name: str, remark: str) -> Iterator[str]:
        """A name and, beside it or else below it, a remark; untrusted text."""
        name, remark = inert(name), inert(remark)
        if width(name) + width(remark) + 4 <= self.columns:
            yield f"  {self.paint('bold', name)}  {self.paint('dim', remark)}\n"
        else:
            yield f"  {self.paint('bold', name)}\n"
            yield f"    {self.paint('dim', remark)}\n"

    def fit(self, rows: list[Row]) -> Columns | None:
        """Columns in which these rows take one line each, or None where the terminal is too narrow."""
        names = max(width(row.name) for row in rows)
        places = max(width(row.where) for row in rows)
        room = self.columns - _MARGIN - names - 2 - 2 - places
        if room < _MESSAGE[0]:
            return None
        most = min(room, _MESSAGE[1])
        return Columns(names, max(width(line) for row in rows for line in wrap(row.message, most)))

    def rows(self, rows: list[Row], columns: Columns | None) -> Iterator[str]:
        """Rows in columns, or with the message below the name."""
        for row in rows:
            yield from self._beside(row, columns) if columns else self._below(row)

    def _beside(self, row: Row, columns: Columns) -> Iterator[str]:
        lines = wrap(row.message, columns.messages)
        head = f"{self._name(row)}{_fill(row.name, columns.names)}  {lines[0]}"
        yield _line(f"{head}{_fill(lines[0], columns.messages)}  {self.paint('dim', row.where)}")
        for line in lines[1:]:
            yield f"{' ' * (_MARGIN + columns.names + 2)}{line}\n"

    def _below(self, row: Row) -> Iterator[str]:
        free = self.columns - _MARGIN - width(row.name) - width(row.where)
        beside = free >= 2
        yield _line(self._name(row) + (" " * free + self.paint("dim", row.where) if beside else ""))
        for line in wrap(row.message, self.columns - _MARGIN):
            yield _line(" " * _MARGIN + line)
        if row.where and not beside:
            yield f"{' ' * _MARGIN}{self.paint('dim', row.where)}\n"

    def _name(self, row: Row) -> str:
        label = f"{self.paint(row.label, row.label)}{_fill(row.label, _LABEL)}"
        return f"{' ' * _INDENT}{label}  {self.paint('bold', row.name)}"


def count(number: int, noun: str) -> str:
    """ "1 file", "2 files"."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _fill(text: str, columns: int) -> str:
    return " " * (columns - width(text))


def _line(text: str) -> str:
    return f"{text.rstrip()}\n"
