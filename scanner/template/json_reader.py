"""Strict JSON text to a `Document`, with the place of every key and item."""

from __future__ import annotations

import re
from bisect import bisect_right
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined] # not in the stubs
from typing import Any, NoReturn

from scanner.limits import Limits
from scanner.template.document import Document, ReadError, SyntaxFault, merge_repeated
from scanner.template.scalar import LONGEST_NUMBER

_SPACE = re.compile(r"[ \t\n\r]*")
_KEY = re.compile(
    r'[ \t\n\r]*"([^"\\\x00-\x1f]*)"[ \t\n\r]*:[ \t\n\r]*(?:"([^"\\\x00-\x1f]*)"[ \t\n\r]*([,}]))?'
)
_ITEM = re.compile(r'[ \t\n\r]*"([^"\\\x00-\x1f]*)"[ \t\n\r]*([,\]])')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD = re.compile(r"true|false|null")
_WORDS = {"true": True, "false": False, "null": None}
_HALF = re.compile("[\ud800-\udfff]")
_LONE_RETURN = re.compile(r"\r(?!\n)")


def read_json(text: str, limits: Limits) -> Document:
    """Read one JSON value; raises ReadError, as SyntaxFault if `text` is not strict JSON."""
    return Reader(text, limits).document()


def _line_starts(text: str) -> list[int]:
    """Offsets at which lines begin; \\n, \\r\\n and a lone \\r end a line."""
    if _LONE_RETURN.search(text):
        text = _LONE_RETURN.sub("\n", text)
    starts = [0]
    end = 0
    for line in text.split("\n"):
        end += len(line) + 1
        starts.append(end)
    return starts


class Reader:
    """The state of reading one text. Methods take an offset and leave the next one in `self.at`."""

    __slots__ = ("at", "doc", "left", "limits", "lines", "text")

    def __init__(self, text: str, limits: Limits) -> None:
        self.text = text
        self.limits = limits
        self.left = limits.nodes
        self.at = 0
        self.doc = Document()
        self.lines = _line_starts(text)

    def document(self) -> Document:
        self.doc.root = self.value(self.skip(0), 1)
        if not self.left:
            self.too_many()
        end = self.skip(self.at)
        if end != len(self.text):
            raise self.fault("more text follows the end of the JSON value", end)
        return self.doc

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1."""
        line = bisect_right(self.lines, offset)
        return line, offset - self.lines[line - 1] + 1

    def fault(self, what: str, offset: int) -> SyntaxFault:
        return SyntaxFault(what, *self.place(offset))

    def skip(self, offset: int) -> int:
        found = _SPACE.match(self.text, offset)
        return found.end() if found else offset

    def too_many(self) -> NoReturn:
        raise ReadError(f"holds more than {self.limits.nodes:,} values")

    def value(self, offset: int, depth: int) -> Any:
        first = self.text[offset : offset + 1]
        if first == '"':
            return self.string(offset)
        if first in ("{", "["):
            if depth > self.limits.depth:
                raise ReadError(f"is nested deeper than {self.limits.depth} levels", *self.place(offset))
            return self.mapping(offset, depth) if first == "{" else self.sequence(offset, depth)
        word = _WORD.match(self.text, offset)
        if word:
            self.at = word.end()
            return _WORDS[word[0]]
        found = _NUMBER.match(self.text, offset)
        if not found:
            raise self.fault("expected a JSON value", offset)
        self.at = found.end()
        if len(found[0]) > LONGEST_NUMBER:
            return found[0]
        return float(found[0]) if found[1] or found[2] else int(found[0])

    def string(self, offset: int) -> str:
        value: str
        try:
            value, self.at = scanstring(self.text, offset + 1, True)
        except JSONDecodeError as fault:
            what = (
                "this string has no end"
                if fault.msg.startswith("Unterminated")
                else "this string is no valid JSON"
            )
            raise self.fault(what, offset if fault.pos < offset else fault.pos) from None
        half = _HALF.search(value)
        if half:
            raise self.fault(f"this string holds half a character, \\u{ord(half[0]):04x}", offset)
        return value

    def mapping(self, begin: int, depth: int) -> dict[str, Any]:
        text, lines = self.text, self.lines
        result: dict[str, Any] = {}
        marks: dict[str, tuple[int, int]] = {}
        self.doc.marks[id(result)] = marks
        repeated: dict[str, list[tuple[Any, int]]] = {}
        at = self.skip(begin + 1)
        if text[at : at + 1] == "}":
            self.at = at + 1
            return result
        while True:
            found = _KEY.match(text, at)
            if found:
                key, value, after = found.groups()
                start, end = found.start(1) - 1, found.end()
            else:
                value, start = None, self.skip(at)
                key, end = self.escaped_key(start), self.at
            if value is None:
                value = self.value(end, depth + 1)
                at = self.skip(self.at)
                after = text[at : at + 1]
                end = at + 1
            self.left -= 1
            if self.left < 0:
                self.too_many()
            line = bisect_right(lines, start)
            if key in result:
                repeated.setdefault(key, []).append((value, line))
            else:
                result[key] = value
                marks[key] = (line, start - lines[line - 1] + 1)
            at = end
            if after == "}":
                break
            if after != ",":
                raise self.fault("expected ',' or '}'", end - 1)
        self.at = at
        if repeated:
            merge_repeated(self.doc, result, marks, repeated)
        return result

    def escaped_key(self, start: int) -> str:
        """A key that holds escapes; the offset of its value goes to `self.at`."""
        if self.text[start : start + 1] != '"':
            raise self.fault("expected a key in double quotes", start)
        key = self.string(start)
        colon = self.skip(self.at)
        if self.text[colon : colon + 1] != ":":
            raise self.fault("expected ':'", colon)
        self.at = self.skip(colon + 1)
        return key

    def sequence(self, begin: int, depth: int) -> list[Any]:
        text = self.text
        result: list[Any] = []
        marks: list[tuple[int, int]] = []
        self.doc.marks[id(result)] = marks
        at = self.skip(begin + 1)
        if text[at : at + 1] == "]":
            self.at = at + 1
            return result
        while True:
            found = _ITEM.match(text, at)
            if found:
                value, after = found.groups()
                start, end = found.start(1) - 1, found.end()
            else:
                start = self.skip(at)
                value = self.value(start, depth + 1)
                at = self.skip(self.at)
                after = text[at : at + 1]
                end = at + 1
            self.left -= 1
            if self.left < 0:
                self.too_many()
            result.append(value)
            marks.append(self.place(start))
            at = end
            if after == "]":
                break
            if after != ",":
                raise self.fault("expected ',' or ']'", end - 1)
        self.at = at
        return result
