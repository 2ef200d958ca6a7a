"""A patch as edits of a template's text, written in the style of what stands around; the rest stays."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from scanner.fix.patch import Patch, Ref, Unfit
from scanner.fix.tree import Tree, end_of
from scanner.template.scalar import resolve

_BREAK = re.compile(r"\r\n|\n|\r")
_BLOCK_KEY = re.compile(r" *[^\s#{},-][^\s#{},]*:( +)")
_EMPTY = re.compile(r"\[\s*\]|\{\s*\}")
_PLAIN = re.compile(r"[A-Za-z](?:[\w<>()/. -]|:(?=\S))*(?<![ :])")
_NULL = "tag:yaml.org,2002:null"


class Edit(NamedTuple):
    """Replace what stands between two offsets of a text, in characters."""

    start: int
    end: int
    text: str


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text after edits that don't overlap; of two at one place the first comes first."""
    pieces, at = [], 0
    for edit in edits:
        pieces += [text[at : edit.start], edit.text]
        at = edit.end
    return "".join([*pieces, text[at:]])


class Writer:
    """One template's text, ready to be edited. Raises Unfit where that can't be done."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = Tree(text)
        self._returns = "\r" in text
        self._json = text.lstrip()[:1] == "{"
        self._colon, self._comma = (":", ",") if self._json and '": ' not in text else (": ", ", ")
        self._short = "!Ref" in text or "Ref:" not in text
        self._step = self._find_step()

    def edits(self, patch: Patch) -> list[Edit]:
        """The edits, in order, that bring a patch about."""
        return sorted(self._below(self.tree.root, patch), key=lambda edit: edit.start)

    def _find_step(self) -> str:
        """How far one level of block style is indented."""
        for key, value in self.tree.root.value:
            if isinstance(value, MappingNode) and not value.flow_style and value.value:
                return " " * max(int(value.value[0][0].start_mark.column - key.start_mark.column), 1)
        return "  "

    def _below(self, node: Node, patch: Patch) -> Iterator[Edit]:
        if isinstance(node, SequenceNode):
            for index, below in patch.items():
                yield from self._below(node.value[index], below)
            return
        if not isinstance(node, MappingNode):
            raise Unfit("no mapping stands where one is needed")
        new: Patch = {}
        for name, value in patch.items():
            pair = self.tree.find(node, name)
            if pair is None:
                new[name] = value
            elif isinstance(value, dict) and pair[1].tag != _NULL:
                yield from self._below(pair[1], value)
            else:
                yield self._replace(node, *pair, value)
        if new:
            yield self._insert(node, new)

    def _replace(self, mapping: MappingNode, key: Node, node: Node, value: Any) -> Edit:
        start, end = node.start_mark.index, node.end_mark.index
        old = self.text[start:end]
        quoted = self._is_quoted(mapping)
        if not old and isinstance(value, dict) and not mapping.flow_style:
            at = self._line_end(key.end_mark.index)
            lead = " " * key.start_mark.column + self._step
            return Edit(at, at, self._lines(value, lead, self._newline(at)))
        if not old:
            return Edit(start, end, " " + self._inline(value, quoted))
        if isinstance(node, ScalarNode):
            if old[0] in "'\"" and isinstance(value, str | bool | int | float):
                return Edit(start, end, _quote(value, old[0]))
            if old[0] not in "'\"" and old != node.value:
                raise Unfit(f"the value of {key.value} is not written plainly")
        elif not _EMPTY.fullmatch(old):
            raise Unfit(f"the value of {key.value} is not a single one")
        return Edit(start, end, self._inline(value, quoted))

    def _insert(self, node: MappingNode, new: Patch) -> Edit:
        """Add entries to a mapping: at its end, but a new section before the resources."""
        if node is self.tree.root:
            return self._insert_section(node, new)
        if not node.flow_style:
            at = self._line_end(end_of(self.text, *node.value[-1]))
            return Edit(at, at, self._lines(new, " " * node.value[0][0].start_mark.column, self._newline(at)))
        quoted, start = self._is_quoted(node), node.start_mark.index
        base, _ = self._lead(start)
        if not node.value:
            above = _BLOCK_KEY.fullmatch(self.text[self._line_start(start) : start])
            if above and not self._json:
                lines = self._lines(new, base + self._step, self._newline(start))
                return Edit(start - len(above[1]), node.end_mark.index, lines)
            step = self._guess_step()
            text = self._braced(new, quoted, base + step if self._is_pretty() else None, base, step)
            return Edit(start, node.end_mark.index, text)
        last = node.value[-1]
        lead, alone = self._lead(last[0].start_mark.index)
        at = end_of(self.text, *last)
        step = lead.removeprefix(base) or "  "
        entries = self._entries(new, quoted, lead if alone else None, step)
        gap = f",{self._newline(at)}{lead}" if alone else self._comma
        return Edit(at, at, "".join(gap + entry for entry in entries))

    def _insert_section(self, node: MappingNode, new: Patch) -> Edit:
        key, _ = self.tree.find(node, "Resources") or (None, None)
        if key is None:
            raise Unfit("the template has no Resources")
        at = key.start_mark.index
        newline = self._newline(at)
        if node.flow_style:
            lead, alone = self._lead(at)
            entries = self._entries(new, self._is_quoted(node), lead if alone else None, lead or "  ")
            gap = f",{newline}{lead}" if alone else self._comma
            return Edit(at, at, "".join(entry + gap for entry in entries))
        at = above = at - key.start_mark.column
        # A comment right above Resources is about them, unless it is the head of the file.
        while above and self.text[self._line_start(above - 1) : above].startswith("#"):
            above = self._line_start(above - 1)
        at = above if self.text[:above].strip() else at
        blank = newline if self.text[:at].endswith((newline * 2, "\r\n\r\n")) else ""
        lines = self._lines(new, " " * key.start_mark.column, newline)
        return Edit(at, at, lines[len(newline) :] + newline + blank)

    def _lines(self, new: Patch, lead: str, newline: str) -> str:
        """Entries in block style, each begun with a line break."""
        lines = []
        for name, value in new.items():
            if isinstance(value, dict):
                lines.append(f"{newline}{lead}{name}:{self._lines(value, lead + self._step, newline)}")
            else:
                lines.append(f"{newline}{lead}{name}: {self._inline(value, quoted=False)}")
        return "".join(lines)

    def _entries(self, new: Patch, quoted: bool, lead: str | None, step: str) -> list[str]:
        """Entries in flow style, over several lines where there is a `lead`."""
        entries = []
        for name, value in new.items():
            shown = _quote(name, '"') if quoted else name
            colon = self._colon if quoted else ": "
            if isinstance(value, dict):
                below = None if lead is None else lead + step
                entries.append(f"{shown}{colon}{self._braced(value, quoted, below, lead or '', step)}")
            else:
                entries.append(f"{shown}{colon}{self._inline(value, quoted)}")
        return entries

    def _braced(self, new: Patch, quoted: bool, lead: str | None, base: str, step: str = "  ") -> str:
        entries = self._entries(new, quoted, lead, step)
        if lead is None:
            return f"{{{self._comma.join(entries)}}}"
        newline = self._newline(0)
        return f"{{{newline}{lead}{f',{newline}{lead}'.join(entries)}{newline}{base}}}"

    def _inline(self, value: Any, quoted: bool) -> str:
        if isinstance(value, Ref):
            return self._ref(value.name, quoted)
        if isinstance(value, dict):
            return self._braced(value, quoted, None, "")
        if isinstance(value, list):
            return f"[{self._comma.join(self._inline(each, quoted) for each in value)}]"
        if isinstance(value, str) and not quoted:
            plain = _PLAIN.fullmatch(value) is not None and resolve(value) == value
            return value if plain else _quote(value, "'")
        return json.dumps(value, ensure_ascii=False)

    def _ref(self, name: str, quoted: bool) -> str:
        if quoted:
            return f'{{"Ref"{self._colon}"{name}"}}'
        return f"!Ref {name}" if self._short else f"{{Ref: {name}}}"

    def _is_quoted(self, node: CollectionNode) -> bool:
        """Does a mapping write its keys as JSON does?"""
        if not node.flow_style:
            return False
        return self.text[node.value[0][0].start_mark.index] == '"' if node.value else self._json

    def _is_pretty(self) -> bool:
        return self._json and _BREAK.search(self.text.strip()) is not None

    def _guess_step(self) -> str:
        """One level of indentation of a JSON text: that of its first entry."""
        return self._lead(self.tree.root.value[0][0].start_mark.index)[0] or "  "

    def _line_start(self, at: int) -> int:
        other = self.text.rfind("\r", 0, at) if self._returns else -1
        return max(self.text.rfind("\n", 0, at), other) + 1

    def _line_end(self, at: int) -> int:
        """The end of the line on which the text before an offset ends, a comment there included."""
        while self.text[at - 1 : at].isspace():
            at -= 1
        found = _BREAK.search(self.text, at)
        return found.start() if found else len(self.text)

    def _lead(self, at: int) -> tuple[str, bool]:
        """The space that a line begins with, and whether nothing else stands before an offset."""
        line = self.text[self._line_start(at) : at]
        return line[: len(line) - len(line.lstrip())], not line.strip()

    def _newline(self, at: int) -> str:
        found = _BREAK.search(self.text, at) or _BREAK.search(self.text)
        return found[0] if found else "\n"


def _quote(value: Any, mark: str) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    if mark == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text, ensure_ascii=False)
