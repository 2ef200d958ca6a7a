"""A text as an editor has it: its lines, its units, and where our readers and edits find a place in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property

from lsprotocol import types

_BREAK = re.compile(r"\r\n|\n|\r")
_YAML_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_KEY = re.compile(r""""(?:[^"\\\r\n]|\\.)*"|'[^'\r\n]*'|(?:[^\s:,{}\[\]#]|:(?!\s|$))+""")


class Text:
    """One version of a document. `encoding` says what the client counts columns in."""

    def __init__(self, whole: str, encoding: str = "utf-16") -> None:
        self.whole = whole
        self.encoding = encoding
        self.body = whole.removeprefix("\ufeff")
        """Without the byte order mark: what is judged, and what edits count in."""
        self._head = len(whole) - len(self.body)

    @cached_property
    def _starts(self) -> list[int]:
        """Where lines begin for an editor: YAML breaks them at more characters, and so does Python."""
        return [0, *(found.end() for found in _BREAK.finditer(self.whole))]

    @cached_property
    def _read_starts(self) -> list[int]:
        """Where lines begin for the reader."""
        pattern = _BREAK if self.body.lstrip()[:1] in ("{", "[") else _YAML_BREAK
        return [0, *(found.end() for found in pattern.finditer(self.body))]

    def range(self, start: int, end: int) -> types.Range:
        """What stands between two offsets of the body."""
        return types.Range(self._position(start + self._head), self._position(end + self._head))

    def key_at(self, line: int | None, column: int | None) -> types.Range:
        """The word at a place that a finding names, lines and columns from 1; without one, the beginning."""
        start = len(self.body)
        if line is None:
            start = 0
        elif line <= len(self._read_starts):
            start = min(self._read_starts[line - 1] + (column or 1) - 1, len(self.body))
        found = _KEY.match(self.body, start)
        return self.range(start, found.end() if found else start)

    def _position(self, at: int) -> types.Position:
        line = bisect_right(self._starts, at) - 1
        return types.Position(line, self._units(self.whole[self._starts[line] : at]))

    def _units(self, text: str) -> int:
        if text.isascii() or self.encoding == types.PositionEncodingKind.Utf32:
            return len(text)
        if self.encoding == types.PositionEncodingKind.Utf8:
            return len(text.encode("utf-8", "surrogatepass"))
        return len(text) + sum(character > "\uffff" for character in text)
