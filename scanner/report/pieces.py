"""JSON documents read piece by piece, so that memory doesn't grow with the number of their items."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any, BinaryIO, NoReturn

from scanner.model import SmguardError
from scanner.safe_text import inert

_CHUNK = 1 << 18
_SPACE = " \t\n\r"


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


class Reader:
    """A place in a JSON document. Whatever is wrong with it raises SmguardError that names file and line."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        file.seek(0)
        start = file.read(2)
        file.seek(0)
        wide = start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
        self._stream = codecs.getreader("utf-16" if wide else "utf-8-sig")(file)
        self.file = file
        self._name = name
        self._text = ""
        self._at = 0
        self._line = 1
        self._column = 1
        self._ended = False

    def fail(self, what: str, hint: str = "", at: int | None = None) -> NoReturn:
        """Complain of what stands here, or at an offset that is held."""
        self._drop(self._at if at is None else min(at, len(self._text)))
        raise SmguardError(f"{inert(self._name)}:{self._line}:{self._column}: {what}", hint)

    def members(self) -> Iterator[str]:
        """The names of an object's members; each value has to be read before the next name."""
        for _ in self._items("{", "}"):
            if self._peek() != '"':
                self.fail("is not JSON: a name in quotes is needed here")
            name = self.value(1_000)
            self._take(":")
            yield str(name)

    def items(self) -> Iterator[None]:
        """Once for each item of a list, which has to be read before the next."""
        return self._items("[", "]")

    def value(self, longest: int) -> Any:
        """The value that stands here, of at most about so many characters."""
        self._peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
                if end < len(self._text) or not self._more():
                    self._at = end
                    return value
            except json.JSONDecodeError as error:
                if len(self._text) - self._at > longest:
                    self.fail(f"is no report: more than {longest:,} characters without an end, or no JSON")
                if not self._more():
                    self.fail(f"is not JSON: {error.msg}", "the file may be cut off", error.pos)
            except ValueError as error:
                self.fail(f"is not JSON: {inert(str(error))}")
            except RecursionError:
                self.fail("is nested too deeply")

    def end(self) -> None:
        """Demand that nothing follows."""
        if self._peek():
            self.fail("is not JSON: something follows the end of the document")

    def _items(self, opening: str, closing: str) -> Iterator[None]:
        self._take(opening)
        if self._peek() == closing:
            self._at += 1
            return
        while True:
            yield
            if self._peek() == closing:
                self._at += 1
                return
            self._take(",")

    def _take(self, character: str) -> None:
        if self._peek() != character:
            self.fail(f"is not JSON: {character} is needed here", "" if self._peek() else "it is cut off")
        self._at += 1

    def _peek(self) -> str:
        """The next character that is no space, "" at the end."""
        while True:
            while self._at < len(self._text):
                if self._text[self._at] not in _SPACE:
                    return self._text[self._at]
                self._at += 1
            if not self._more():
                return ""

    def _more(self) -> bool:
        if self._ended:
            return False
        self._drop(self._at)
        try:
            chunk = self._stream.read(max(_CHUNK, len(self._text)))
        except UnicodeError:
            self.fail("is no text in UTF-8")
        except OSError as error:
            self.fail(f"can't be read: {error.strerror}")
        self._ended = not chunk
        self._text += chunk
        return True

    def _drop(self, end: int) -> None:
        """Let go of what was read, counting its lines."""
        gone = self._text[:end]
        newlines = gone.count("\n")
        self._line += newlines
        self._column = end - gone.rindex("\n") if newlines else self._column + end
        self._text = self._text[end:]
        self._at = 0
