"""Definitions as text inside templates: what is filled into them, and where their lines stand in the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from scanner.limits import Limits
from scanner.template.document import Document, ReadError
from scanner.template.json_reader import Reader
from scanner.value import unknown

HOLE = re.compile(r"\$\{(!?)([^${}]*)\}")
REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:|.*\{\{resolve:", re.DOTALL)
"""How what is no local file begins."""
Filled = tuple[str, dict[str, Any] | None]
"""A text and its own variables, as Fn::Sub takes them; None: nothing is filled in."""
Lines = list[str]
Place = Callable[[int, int], tuple[int, int]]


def as_sub(raw: Any) -> Filled | None:
    """The text that a raw value writes out, whole or with holes; None where it is written elsewhere."""
    if isinstance(raw, str):
        return raw, None
    if not isinstance(raw, dict) or len(raw) != 1:
        return None
    body = raw.get("Fn::Sub")
    if isinstance(body, str):
        return body, {}
    if isinstance(body, list) and len(body) == 2 and isinstance(body[0], str) and isinstance(body[1], dict):
        return body[0], dict(body[1])
    body = raw.get("Fn::Join")
    if isinstance(body, list) and len(body) == 2 and isinstance(body[0], str) and isinstance(body[1], list):
        return _joined(body[0], body[1])
    return None


def _joined(delimiter: str, items: list[Any]) -> Filled:
    texts: list[str] = []
    variables: dict[str, Any] = {}
    for item in items:
        found = as_sub(item)
        if found is None:
            name = f"part {len(variables)}"
            variables[name] = item
            texts.append(f"${{{name}}}")
        elif found[1] is None:
            texts.append(_literal(found[0]))
        else:
            texts.append(found[0])
            variables.update(found[1])
    return _literal(delimiter).join(texts), variables


def _literal(text: str) -> str:
    return HOLE.sub(r"${!\1\2}", text)


def filler(variables: dict[str, Any] | None, others: Mapping[str, Any] | None) -> Callable[[str], Any]:
    """What texts of a definition stand for.

    `variables` are those of the Fn::Sub that it is written in, None where it is in none. `others` are what is
    filled into `${name}` afterwards; None where that is not known.
    """

    def fill(text: str) -> Any:
        if "${" not in text:
            return text
        local: dict[str, Any] = {}

        def replace(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if not literal and variables is not None:
                if name.strip() in variables:
                    local[name.strip()] = variables[name.strip()]
                return match[0]
            if others is not None and name not in others:
                return f"${{!{name}}}"
            key = f"{name} of the definition"
            local[key] = unknown(f"the substitution {name}") if others is None else others[name]
            return f"${{{key}}}"

        return {"Fn::Sub": [HOLE.sub(replace, text), local]}

    return fill


class _HoleReader(Reader):
    """Reads JSON in which a whole value may be a hole."""

    __slots__ = ()

    def value(self, offset: int, depth: int) -> Any:
        hole = HOLE.match(self.text, offset)
        if hole is None:
            return super().value(offset, depth)
        self.at = hole.end()
        return hole[0]


def read_with_holes(text: str, limits: Limits) -> Document:
    """Read JSON in which `${name}` may stand for a value; raises ReadError."""
    try:
        return _HoleReader(text, limits).document()
    except RecursionError:
        raise ReadError("is nested too deep") from None


def place_in(lines: Lines, at: tuple[int, int] | None, content: str) -> Place | None:
    """Where the lines of a text stand in its file, if its key at `at` opens a literal block of YAML's."""
    if at is None or re.search(r"\|[-+0-9]*\s*(#.*)?$", "".join(lines[at[0] - 1 : at[0]])[-200:]) is None:
        return None
    written = content.split("\n")
    first = next((number for number, line in enumerate(written) if line.strip()), 0)
    found = lines[at[0] + first].rstrip("\r") if at[0] + first < len(lines) else ""
    if not found.endswith(written[first]) or found[: len(found) - len(written[first])].strip():
        return None
    indent = len(found) - len(written[first])
    return lambda line, column: (at[0] + line, column + indent)


def put(document: Document, locate: Place) -> Document:
    """What was read out of a text, at the places that it has in the file."""
    for identity, marks in document.marks.items():
        document.marks[identity] = (
            [locate(*each) for each in marks]
            if isinstance(marks, list)
            else {name: locate(*each) for name, each in marks.items()}
        )
    document.duplicates = [
        each._replace(lines=tuple(locate(line, 1)[0] for line in each.lines)) for each in document.duplicates
    ]
    return document
