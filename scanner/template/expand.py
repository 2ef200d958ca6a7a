"""What a template's text stands for before anything is resolved: Fn::ForEach loops and AWS::Include.

Both are written out into plain nodes that keep the positions they were read at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from scanner.limits import Limits
from scanner.template.document import Document, Either
from scanner.template.template import INCLUDE, LOOP, PROCESSED, Template
from scanner.template.view import View
from scanner.value import REST, Opaque, Part, Partial, assemble, unknown
from scanner.world import World


class Included(NamedTuple):
    """A file that an include names: its content, its path for reports and the real one."""

    document: Document
    file: str
    real: str


Fetch = Callable[[str, str], Included | str]
"""Reads the file at a Location, relative to the file with that real path; a mere text says why it can't."""


class TooLarge(Exception):
    """Loops and includes write out more than the limits allow."""


@dataclass(slots=True, eq=False)
class Expansion:
    """The written-out template, where its included parts come from, and what could not be written out."""

    root: dict[str, Any]
    files: dict[int | tuple[int, str], str] = field(default_factory=dict)
    """id(container) -> file, for containers of included files; (id, key) for keys from another file."""
    alive: list[Any] = field(default_factory=list)
    """Keeps the containers that positions hang on."""
    gaps: list[tuple[Any, Any, str, str]] = field(default_factory=list)
    """Container, key, what, hint."""
    notes: list[tuple[Any, Any, str]] = field(default_factory=list)


def expand(template: Template, real: str, *, fetch: Fetch, limits: Limits) -> Expansion:
    """Write out every loop and include of the template at `real`; raises TooLarge beyond the limits."""
    writer = _Writer(template, real, fetch, limits)
    writer.result.root = writer.write(template.root, {}, 0)
    writer.result.alive = writer.alive
    return writer.result


class _Writer:
    def __init__(self, template: Template, real: str, fetch: Fetch, limits: Limits) -> None:
        self.template = template
        self.marks = template.marks
        self.fetch = fetch
        self.limits = limits
        self.result = Expansion({})
        self.nodes = 0
        self.includes = 0
        self.trail = [real]
        """Real paths of the template and the included files that lead to what is being written."""
        # Positions hang on the identity of containers, so none may be freed while others are made.
        self.alive: list[Any] = []

    def write(self, raw: Any, items: Mapping[str, str | Partial], depth: int) -> Any:
        self.nodes += 1
        if self.nodes > self.limits.nodes or depth > 2 * self.limits.depth:
            raise TooLarge
        if type(raw) is str:
            return self._fill(raw, items) if items and "{" in raw else raw
        if type(raw) is list:
            written = [self.write(item, items, depth + 1) for item in raw]
            return self._keep(raw, written)
        if type(raw) is dict:
            return self._write_mapping(raw, items, depth)
        if type(raw) is Either:
            return Either(tuple(self.write(value, items, depth + 1) for value in raw.values), raw.lines)
        return raw

    def _keep(self, old: Any, new: Any) -> Any:
        """Positions, and the file they are in, go with the copy."""
        self.alive.append(new)
        if id(old) in self.marks:
            found = self.marks[id(old)]
            self.marks[id(new)] = dict(found) if isinstance(new, dict) else found
        if id(old) in self.result.files:
            self.result.files[id(new)] = self.result.files[id(old)]
        return new

    def _write_mapping(self, raw: dict[str, Any], items: Mapping[str, str | Partial], depth: int) -> Any:
        if len(raw) == 1 and "Ref" in raw and isinstance(raw["Ref"], str) and raw["Ref"] in items:
            return items[raw["Ref"]]
        if len(raw) == 1 and "Fn::Sub" in raw and items:
            return self._write_sub(raw, items, depth)
        if len(raw) == 1 and "Fn::Transform" in raw and raw is not self.template.root:
            return self._include(raw, items, depth)
        written: dict[str, Any] = {}
        self._keep(raw, written)
        for key, value in raw.items():
            if key.startswith(LOOP):
                self._loop(raw, key, value, items, depth, into=written)
            elif key == "Fn::Transform" or (key == "Transform" and raw is self.template.root):
                self._include_beside(raw, key, value, items, depth, into=written)
            else:
                name = self._fill(key, items) if items and "{" in key else key
                if isinstance(name, Partial):
                    written[REST] = name
                    name = key
                written[name] = self.write(value, items, depth + 1)
                self._place(raw, key, written, name)
        return written

    def _place(self, old: Any, old_key: str, new: Any, new_key: str) -> None:
        """The position of a key goes with it, and the file where that is another than its mapping's."""
        marks, files = self.marks, self.result.files
        position = marks.get(id(old), {}).get(old_key)
        if position is not None:
            marks.setdefault(id(new), {})[new_key] = position
            file = files.get((id(old), old_key)) or files.get(id(old), self.template.file)
            if file != files.get(id(new), self.template.file):
                files[id(new), new_key] = file
            else:
                files.pop((id(new), new_key), None)

    def _write_sub(self, raw: dict[str, Any], items: Mapping[str, str | Partial], depth: int) -> Any:
        """An unknown loop item can't stand in a Sub's text, but it can stand in its variable map."""
        body = raw["Fn::Sub"]
        text, local = (body[0], body[1]) if isinstance(body, list) and len(body) == 2 else (body, {})
        if not isinstance(text, str) or not isinstance(local, dict):
            return raw
        known = {name: item for name, item in items.items() if isinstance(item, str)}
        filled = self._fill(text, known)
        unknown = {name: item for name, item in items.items() if isinstance(item, Partial)}
        written = {name: self.write(value, items, depth + 1) for name, value in local.items()}
        return self._keep(raw, {"Fn::Sub": [filled, {**unknown, **written}]})

    def _view(self) -> View:
        """The template as written; whatever parameters must still decide forks the view's world."""
        return View(self.template, World([], as_written=True))

    def _fill(self, text: str, items: Mapping[str, str | Partial]) -> Any:
        """Put loop items into a text: `${Item}` as it is, `&{Item}` with letters and digits only."""
        parts: list[Part] = []
        end = 0
        for match in re.finditer(r"([$&])\{([^${}&]+)\}", text):
            item = items.get(match[2])
            if item is None:
                continue
            # Text counts too: long items in long texts are a bomb as well.
            self.nodes += 1 + len(item) // 50
            if self.nodes > self.limits.nodes:
                raise TooLarge
            parts.append(text[end : match.start()])
            end = match.end()
            if isinstance(item, Partial):
                parts += item.parts
            else:
                parts.append(item if match[1] == "$" else re.sub(r"[^A-Za-z0-9]", "", item))
        return assemble([*parts, text[end:]]) if end else text

    # --- loops ---------------------------------------------------------------------------------------

    def _loop(
        self,
        raw: dict[str, Any],
        key: str,
        body: Any,
        items: Mapping[str, str | Partial],
        depth: int,
        *,
        into: dict[str, Any],
    ) -> None:
        if not (
            isinstance(body, list)
            and len(body) == 3
            and isinstance(body[0], str)
            and isinstance(body[2], dict)
        ):
            what = f"{key} is not a loop of identifier, collection and body"
            self.result.gaps.append((raw, key, what, "see Fn::ForEach"))
            into[REST] = unknown(key)
            return
        identifier, collection, pattern = body
        values = self._collection(raw, key, self.write(collection, items, depth + 1))
        for value in values:
            if isinstance(value, Partial):
                into[REST] = value
            # Every round is counted, also one whose body writes nothing.
            self.nodes += 1
            if self.nodes > self.limits.nodes or len(into) > self.limits.resources:
                raise TooLarge
            written = self.write(pattern, {**items, identifier: value}, depth + 1)
            for name, each in written.items():
                into[name] = each
                self._place(written, name, into, name)

    def _collection(self, raw: dict[str, Any], key: str, collection: Any) -> list[str | Partial]:
        view = self._view()
        values = _list_items(view, collection)
        if isinstance(values, list) and not view.world.forked:
            if view.world.varied:
                self.result.notes.append(
                    (raw, key, f"{key} is written out over the default of its parameter")
                )
            return list(values)
        cause = values.cause if isinstance(values, Partial) else _what_decides(view)
        self.result.gaps.append(
            (
                raw,
                key,
                f"{key} runs over {cause}, which is not known here: its body is judged once",
                "give the value with --parameters",
            )
        )
        return [Partial((Opaque(f"an item of {cause}"),))]

    # --- includes ------------------------------------------------------------------------------------

    def _include(self, raw: dict[str, Any], items: Mapping[str, str | Partial], depth: int) -> Any:
        included = self._fetch(raw, "Fn::Transform", raw["Fn::Transform"])
        return raw if included is None else self._write_included(included, items, depth)

    def _write_included(self, included: Included, items: Mapping[str, str | Partial], depth: int) -> Any:
        self.trail.append(included.real)
        written = self.write(included.document.root, items, depth + 1)
        self.trail.pop()
        return written

    def _include_beside(
        self,
        raw: dict[str, Any],
        key: str,
        body: Any,
        items: Mapping[str, str | Partial],
        depth: int,
        *,
        into: dict[str, Any],
    ) -> None:
        """Bring in what the keys beside the include don't say themselves."""
        others: list[Any] = []
        for each in body if isinstance(body, list) else [body]:
            if key == "Transform" and not _is_include(each):
                others.append(each)
                continue
            included = self._fetch(raw, key, each)
            if included is None:
                into[REST] = unknown("an AWS::Include" if _is_include(each) else "a macro")
                continue
            found = self._write_included(included, items, depth)
            if isinstance(found, dict):
                for name in found:
                    if name not in into and name not in raw:
                        into[name] = found[name]
                        self._place(found, name, into, name)
            else:
                what = f"AWS::Include of {included.file}, which holds no mapping"
                self.result.gaps.append((raw, key, what, "CloudFormation would refuse it"))
        if others:
            into[key] = others

    def _fetch(self, raw: dict[str, Any], key: str, body: Any) -> Included | None:
        """Read an included file once for each place it stands at; None (and a Gap) when it can't be."""
        if not _is_include(body):
            name = body.get("Name") if isinstance(body, dict) else body
            macro = f"the macro {name}" if isinstance(name, str) else "a macro"
            self.result.gaps.append((raw, key, f"{macro} may change what stands here", PROCESSED))
            return None
        location = (
            body.get("Parameters", {}).get("Location") if isinstance(body.get("Parameters"), dict) else None
        )
        view = self._view()
        text = view.text(location)
        if isinstance(text, Partial) or not text or view.world.forked:
            self.result.gaps.append(
                (raw, key, "AWS::Include of a location that is not known here", PROCESSED)
            )
            return None
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", text):
            self.result.gaps.append((raw, key, "AWS::Include of a remote file, which is not read", PROCESSED))
            return None
        self.includes += 1
        if self.includes > 100:
            raise TooLarge
        found = self.fetch(text, self.trail[-1])
        if isinstance(found, Included) and found.real in self.trail:
            found = "it includes itself"
        if isinstance(found, str):
            what = f"AWS::Include of a file that can't be read: {found}"
            self.result.gaps.append((raw, key, what, "scan from a folder that holds both files"))
            return None
        self.alive.append(found.document)
        self.marks.update(found.document.marks)
        self.result.files.update(dict.fromkeys(found.document.marks, found.file))
        return found


def _list_items(view: View, collection: Any) -> list[str] | Partial:
    """What a loop runs over, or what stands in the way of knowing it."""
    found = view.resolve(collection)
    if found == "":
        return []
    if not isinstance(found, list):
        return found if isinstance(found, Partial) else unknown("something that is no list")
    values: list[str] = []
    for item in found:
        each = view.resolve(item)
        for one in each if isinstance(each, list) else [each]:
            text = view.text(one)
            if isinstance(text, Partial):
                return text
            values.append(text)
    return values


def _what_decides(view: View) -> str:
    names = list(view.world.all_facts())
    return f"what {' and '.join(names[:3])} decides" if names else "what a condition decides"


def _is_include(body: Any) -> bool:
    return isinstance(body, dict) and body.get("Name") == INCLUDE
