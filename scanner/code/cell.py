"""The Python in a file: a module as a whole, or the code cells of a notebook, and where their lines stand."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache, reduce
from typing import Any, NamedTuple

from scanner.template.document import ReadError, SyntaxFault, shown

_SPACE = re.compile(r"[ \t\n\r]*")
_COMMA = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")
_PYTHON_MAGICS = frozenset(["time", "timeit", "capture", "prun", "local", "python", "python3", "pyspark"])
_WRITING = ("writefile", "file")
_LINE_MAGIC = re.compile(
    r"\s*([%!?]|[\w.]+\?+\s*$|(pip|conda|cat|cd|cp|ls|mkdir|mv|rm|rmdir|man) +[^\s=+*/%,.:|&<>()\[\]])"
)
_ASSIGNED_MAGIC = re.compile(r"(\s*[\w., ]+=\s*)[%!].*")
_PYTHON_2 = (
    (re.compile(r"(\s*)print\s*(?:[^\s(=.,)\]:].*|>>.*|$)"), r"\1pass"),
    (re.compile(r"(\s*except\s+[\w.() ,]+?),\s*\w+\s*:(.*)"), r"\1:\2"),
)
_NO_ENDS: Mapping[int, int] = {}
_LARGE = 4_000_000
"""Characters from which a notebook is read sparingly: decoded, `{},` takes twenty times its room."""
_LARGEST_PART = 5_000_000
_DEEPEST = 900
_SOURCE = 0
"""No key of JSON: under it stands where the source of a cell begins, if that is known."""
_STRING = r'"(?:[^"\\]++|\\.)*+"'
_FLAT = rf'{_STRING}|[^][{{}}"]++'
_NESTED = reduce(lambda inner, _: rf"{_FLAT}|[\[{{](?:{inner})*+[\]}}]", range(5), _FLAT)
_PASSED = re.compile(rf"(?:{_NESTED})*+", re.DOTALL)
_decode = json.JSONDecoder().raw_decode
"""(text, where a value begins) -> (value, where it ends)"""
_FLAGS = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


class Cell(NamedTuple):
    """Source text. `rows` tells where its lines stand in a notebook; `number` counts the notebook's cells.

    `file` is the name of the file that the cell writes instead of running, `foreign` the magic of a cell that
    holds no Python.
    """

    text: str
    number: int | None = None
    rows: Rows | None = None
    file: str | None = None
    foreign: str | None = None

    def part(self, node: ast.stmt) -> str:
        """The lines of a statement."""
        return "\n".join(_lines(self.text)[node.lineno - 1 : node.end_lineno])

    @property
    def noun(self) -> str:
        """The cell in words."""
        return "the file" if self.number is None else f"cell {self.number}"

    def place(self, line: int, column: int) -> tuple[int, int]:
        """Line and column in the file, from 1, of a line of the text, from 1, and a column of it, from 0."""
        if self.rows is None:
            return line, column + 1
        row = self.rows.get(line)
        return row[0], row[1] + column


@lru_cache(maxsize=1)
def _lines(text: str) -> list[str]:
    return text.split("\n")


class Rows:
    """Where the lines of a notebook's cell stand in its file; looked for when it is asked first."""

    __slots__ = ("_at", "_found", "_row", "_source", "_text")

    def __init__(self, text: str, at: int, row: int, source: int | None = None) -> None:
        self._text = text
        self._at = at
        self._source = source
        self._row = row
        self._found: list[tuple[int, int]] = []

    def get(self, line: int) -> tuple[int, int]:
        """Line and column in the file of a line of the cell, all from 1."""
        text = self._text
        if not self._found:
            start = self._source or next(
                begin for key, begin in _members(text, self._at, _decode) if key in ("source", "input")
            )
            row, seen = self._row + text.count("\n", self._at, start), start
            value, end = _decode(text, start)
            first, *written = text[start:end].split("\n")
            count = len(value) if first == "[" and written[-1].strip() == "]" else 0
            if count == len(written) - 1 and text.count('",\n', start, end) == count - 1:
                # One line of source a line, as nbformat writes it: no string holds a line break as such.
                indents = [len(each) - len(each.lstrip()) for each in written[:-1]]
                self._found = [(row + number, indent + 2) for number, indent in enumerate(indents, 1)]
                return self._found[min(line, count) - 1]
            for at, _ in _elements(text, start, _decode) if text[start] == "[" else [(start, "")]:
                row, seen = row + text.count("\n", seen, at), at
                self._found.append((row, at - text.rfind("\n", 0, at) + 1))
        # A source that is one text stands on one line.
        return self._found[min(line, len(self._found)) - 1] if self._found else (1, 1)


def cells(text: str, notebook: bool) -> list[Cell]:
    """The code of a file in order. Raises ReadError for a notebook that is none, or of another language."""
    if not notebook:
        # Python takes each of these for the end of a line.
        return [Cell(text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text)]
    try:
        return [_classified(cell) for cell in _notebook(text)]
    except RecursionError:
        raise ReadError("is nested too deep") from None
    except ValueError as fault:
        line = text.count("\n", 0, fault.pos) + 1 if isinstance(fault, json.JSONDecodeError) else None
        hint = "a notebook is one JSON object with a list of cells"
        raise SyntaxFault("is no notebook: its JSON is broken", line, 1 if line else None, hint) from None


def parse(cell: Cell) -> list[ast.stmt]:
    """The statements of a cell; IPython's magics are left out. Raises ReadError."""
    try:
        try:
            return _compiled(cell.text)
        except SyntaxError:
            text = _without_magics(cell.text)
            # IPython takes a cell that is indented as a whole.
            if re.match(r"(\s*(#.*)?\n)*[ \t]+\S", text):
                body: Any = _compiled("if True:\n" + text)[0]
                for statement in body.body:
                    ast.increment_lineno(statement, -1)
                return list(body.body)
            return _compiled(text)
    except SyntaxError as fault:
        what = f"{cell.noun} is no Python 3, so it is not read: {shown(fault.msg)}"
        place = cell.place(fault.lineno or 1, 0)
        raise SyntaxFault(what, *place, "mend it, or leave the file out") from None
    except (ValueError, RecursionError, MemoryError, OverflowError):
        what = f"{cell.noun} can't be read: it is nested too deep or holds characters that Python refuses"
        raise ReadError(what, *cell.place(1, 0)) from None


def _compiled(text: str) -> list[ast.stmt]:
    tree: Any = compile(text, "<code>", "exec", _FLAGS, dont_inherit=True)
    return list(tree.body)


def _without_magics(text: str) -> str:
    """The text with IPython's and Python 2's own statements replaced, line by line."""
    lines, continued = [], False
    for line in text.split("\n"):
        magic = _LINE_MAGIC.match(line)
        if continued or magic:
            indent = line[: len(line) - len(line.lstrip())]
            lines.append("" if continued else f"{indent}pass")
            continued = line.endswith("\\")
            continue
        if ("%" in line or "!" in line) and _ASSIGNED_MAGIC.fullmatch(line):
            continued = line.endswith("\\")
            line = _ASSIGNED_MAGIC.sub(r"\1ipython()", line)
        if "print" in line or "except" in line:
            for pattern, mended in _PYTHON_2:
                line = pattern.sub(mended, line) if pattern.fullmatch(line) else line
        lines.append(line)
    return "\n".join(lines)


def _classified(cell: Cell) -> Cell:
    """A cell with its cell magic taken into account."""
    if "%%" not in cell.text:
        return cell
    first, _, rest = cell.text.lstrip().partition("\n")
    if not first.startswith("%%"):
        return cell
    words = first[2:].split()
    magic = words[0] if words else ""
    blank = cell._replace(text=cell.text[: len(cell.text) - len(cell.text.lstrip())] + "\n" + rest)
    if magic in _WRITING:
        file = words[-1].strip("'\"") if len(words) > 1 else ""
        return blank._replace(file=file) if file.endswith(".py") else cell._replace(foreign=first)
    return _classified(blank) if magic in _PYTHON_MAGICS else cell._replace(foreign=first)


def _notebook(text: str) -> Iterator[Cell]:
    """The code cells of a notebook; decoded one after the other, so that outputs don't pile up."""
    scan = _pass if len(text) > _LARGE else _decode
    metadata: Any = None
    found: list[Cell] = []
    ends: dict[int, int] = {}
    for key, start in _members(text, 0, scan, ends):
        if key == "metadata":
            metadata = _decoded(text, start)
        elif key == "cells":
            found += _code(text, start, scan, ends)
        elif key == "worksheets":
            for sheet, _ in _elements(text, start, scan):
                for inner, at in _members(text, sheet, scan) if text[sheet] == "{" else ():
                    found += _code(text, at, scan, {}) if inner == "cells" else ()
    language = _language(metadata)
    if not language.startswith(("python", "pyspark")):
        raise ReadError(f"is a notebook in {shown(language)}: only Python is read", hint="leave it out")
    yield from found


def _code(text: str, at: int, scan: Any, ends: dict[int, int]) -> Iterator[Cell]:
    """The cells of code in a list of cells."""
    row, seen = 1, 0
    read = _read_sparingly if scan is _pass else scan
    for number, (start, cell) in enumerate(_elements(text, at, read, ends), 1):
        row, seen = row + text.count("\n", seen, start), start
        if type(cell) is dict and cell.get("cell_type") == "code":
            source = cell.get("source", cell.get("input"))
            if type(source) is list:
                source = "".join([line for line in source if type(line) is str])
            if type(source) is str:
                source = source.replace("\r\n", "\n") if "\r" in source else source
                yield Cell(source.replace("\r", "\n"), number, Rows(text, start, row, cell.get(_SOURCE)))


def _language(metadata: Any) -> str:
    """The language of a notebook, in small letters; a notebook that says nothing is Python."""
    for field, key in (("language_info", "name"), ("kernelspec", "language")):
        part = metadata.get(field) if type(metadata) is dict else None
        name = part.get(key) if type(part) is dict else None
        if type(name) is str and name:
            return name.lower().replace("ipython", "python")
    return "python"


def _members(text: str, at: int, scan: Any, ends: Mapping[int, int] = _NO_ENDS) -> Iterator[tuple[str, int]]:
    """The keys of the object that begins at `at`, and where their values begin; `ends` are known of some."""
    at = _skip(text, _after(text, _skip(text, at), "{"))
    while text[at : at + 1] != "}":
        key, end = scan(text, at)
        begin = _skip(text, _after(text, _skip(text, end), ":"))
        yield key if type(key) is str else "", begin
        at = _next(text, ends[begin] if begin in ends else scan(text, begin)[1], "}")


def _elements(
    text: str, begin: int, scan: Any, ends: dict[int, int] | None = None
) -> Iterator[tuple[int, Any]]:
    """Where the items of the list that begins at `begin` begin, and what they are; notes where it ends."""
    at = _skip(text, _after(text, begin, "["))
    while text[at : at + 1] != "]":
        value, end = scan(text, at)
        yield at, value
        comma = _COMMA.match(text, end)
        at = comma.end() if comma else _next(text, end, "]")
    if ends is not None:
        ends[begin] = at + 1


def _read_sparingly(text: str, at: int) -> tuple[Any, int]:
    """What is looked at of a cell, and where the cell ends."""
    cell: dict[Any, Any] = {}
    begin = -1
    for key, begin in _members(text, at, _pass) if text[at : at + 1] == "{" else ():
        if key in ("cell_type", "source", "input"):
            cell[key] = _decoded(text, begin)
            cell[_SOURCE] = begin if key != "cell_type" else cell.get(_SOURCE)
    return cell, _pass(text, at)[1] if begin < 0 else _skip(text, _pass(text, begin)[1]) + 1


def _decoded(text: str, at: int) -> Any:
    """A value that is no output, and so not large. Raises ReadError."""
    if len(text) > _LARGE and _pass(text, at)[1] - at > _LARGEST_PART:
        raise ReadError("holds more than 5 MB in one piece that is no output", hint="leave it out")
    return _decode(text, at)[0]


def _pass(text: str, at: int) -> tuple[Any, int]:
    """Where a value ends; of a mapping or list nothing is made, well-formed or not."""
    if text[at : at + 1] not in ("[", "{"):
        return _decode(text, at)
    start, depth = at, 1
    while depth:
        match = _PASSED.match(text, at + 1)
        at = match.end() if match else len(text)
        if at >= len(text) or text[at] == '"':
            raise json.JSONDecodeError("it has no end", text, start)
        depth += 1 if text[at] in "[{" else -1
        if depth > _DEEPEST:
            raise RecursionError
    return None, at + 1


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _after(text: str, at: int, sign: str) -> int:
    if text[at : at + 1] != sign:
        raise json.JSONDecodeError(f"{sign} is missing", text, at)
    return at + 1


def _next(text: str, at: int, closing: str) -> int:
    comma = _COMMA.match(text, at)
    if comma:
        return comma.end()
    at = _skip(text, at)
    return at if text[at : at + 1] == closing else _after(text, at, ",")
