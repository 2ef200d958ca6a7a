"""YAML text to a `Document`, built straight from libyaml's events: no node tree, no constructors.

A recursive descent: each method takes the events of one value. `depth` counts mappings and lists, the root
being 1; the long form of a short intrinsic counts as the mapping that it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from scanner.limits import Limits
from scanner.template.document import (
    Document,
    ReadError,
    SyntaxFault,
    Unreadable,
    merge_from,
    merge_repeated,
    shown,
)
from scanner.template.scalar import NUMERIC, WORDS, as_key, resolve
from scanner.template.tag import INTRINSICS, STANDARD, convert
from scanner.template.yaml_fault import explained, hint, refuse

try:
    from yaml.cyaml import CParser as Parser  # type: ignore[attr-defined] # not in the stubs
except ImportError:
    from yaml import SafeLoader as Parser  # type: ignore[assignment] # same methods

_ODD_WORDS = frozenset((*WORDS, "<<"))
_TAG_DIRECTIVES = 100
_TOO_MANY = "holds more than {:,} values, each alias counted as what it stands for"

_MERGED = "a merge key << is merged here, but CloudFormation does not support merge keys"
_ODD_KEY = "a key that is a number, boolean or null is taken as text"
_COMPLEX_KEY = "a key must be text, this one is a mapping, a list or tagged"
_TAGGED = "the tag {} is unknown here, and so is its value"


def read_yaml(text: str, limits: Limits) -> Document:
    """Read the one YAML document in `text`; raises ReadError, as SyntaxFault if the grammar is broken."""
    if text.count("%TAG") > _TAG_DIRECTIVES:
        raise ReadError(f"holds more than {_TAG_DIRECTIVES} %TAG directives")
    try:
        return _Builder(Parser(text).get_event, limits).document()
    except (yaml.YAMLError, UnicodeEncodeError) as fault:
        raise explained(fault, text) from None
    except ReadError as fault:
        if fault.line and fault.column:
            fault.hint = fault.hint or hint(text, fault.line, fault.line, fault.column)
        raise


class _Builder:
    """The state of reading one document."""

    __slots__ = ("anchors", "deepest", "doc", "get", "left", "limits", "marks", "noted")

    def __init__(self, get: Callable[[], Any], limits: Limits) -> None:
        self.get = get
        self.limits = limits
        self.left = limits.nodes - 1
        self.deepest = 0
        self.doc = Document()
        self.marks = self.doc.marks
        self.anchors: dict[str, tuple[Any, int, int] | None] = {}
        """name -> (value, nodes, height), None while the value is being read"""
        self.noted: dict[str, tuple[str, list[int]]] = {}

    def document(self) -> Document:
        self.get()
        if self.get().__class__ is StreamEndEvent:
            raise ReadError("is empty")
        event = self.get()
        self.doc.root = self.value(event, 1)
        if self.doc.root is None and event.__class__ is ScalarEvent and not event.value:
            raise ReadError("is empty")
        self.get()
        event = self.get()
        if event.__class__ is DocumentStartEvent:
            refuse("holds more than one document", event.start_mark)
        self.doc.notes = sorted(
            (lines[0], what if len(lines) == 1 else f"{what} (and {len(lines) - 1} more)")
            for what, lines in self.noted.values()
        )
        return self.doc

    def mapping(self, depth: int, begin: Any) -> dict[str, Any]:
        self.enter(depth, begin)
        get, left = self.get, self.left
        result: dict[str, Any] = {}
        marks: dict[str, tuple[int, int]] = {}
        self.marks[id(result)] = marks
        repeated: dict[str, list[tuple[Any, int]]] = {}
        merged: list[Any] = []
        while True:
            event = get()
            at = event.start_mark
            if event.__class__ is ScalarEvent:
                key = event.value
                if key in _ODD_WORDS or key[:1] in NUMERIC or event.tag or event.anchor:
                    if key == "<<" and event.implicit[0]:
                        self.left = left
                        merged.append(self.merge_source(get(), depth, at))
                        left = self.left
                        continue
                    key = self.odd_key(event)
            elif event.__class__ is MappingEndEvent:
                break
            else:
                key = self.odd_key(event)
            event = get()
            if event.__class__ is ScalarEvent and event.tag is None and event.anchor is None:
                value = event.value
                if event.implicit[0] and (value in WORDS or value[:1] in NUMERIC):
                    value = resolve(value)
            else:
                self.left = left
                value = self.value(event, depth + 1)
                left = self.left
            left -= 1
            if left < 0:
                self.too_many()
            if key in result:
                repeated.setdefault(key, []).append((value, at.line + 1))
            else:
                result[key] = value
                marks[key] = (at.line + 1, at.column + 1)
        self.left = left
        if repeated:
            merge_repeated(self.doc, result, marks, repeated)
        for source in reversed(merged):
            merge_from(source, result, marks, self.marks)
        return result

    def sequence(self, depth: int, begin: Any) -> list[Any]:
        self.enter(depth, begin)
        get, left = self.get, self.left
        result: list[Any] = []
        marks: list[tuple[int, int]] = []
        self.marks[id(result)] = marks
        while True:
            event = get()
            at = event.start_mark
            if event.__class__ is ScalarEvent and event.tag is None and event.anchor is None:
                value = event.value
                if event.implicit[0] and (value in WORDS or value[:1] in NUMERIC):
                    value = resolve(value)
            elif event.__class__ is SequenceEndEvent:
                break
            else:
                self.left = left
                value = self.value(event, depth + 1)
                left = self.left
            left -= 1
            if left < 0:
                self.too_many()
            result.append(value)
            marks.append((at.line + 1, at.column + 1))
        self.left = left
        return result

    def value(self, event: Any, depth: int) -> Any:
        """The value that begins with `event`; `depth` is its own if it is a mapping or list."""
        if event.__class__ is AliasEvent:
            return self.alias(event, depth)
        anchor = event.anchor
        if anchor is None:
            return self.unanchored(event, depth)
        before, outside = self.left, self.deepest
        self.deepest = depth - 1
        self.anchors[anchor] = None
        value = self.unanchored(event, depth)
        self.anchors[anchor] = (value, before - self.left, self.deepest - depth + 1)
        self.deepest = max(outside, self.deepest)
        return value

    def unanchored(self, event: Any, depth: int) -> Any:
        tag = event.tag
        if tag is not None and tag != "!":
            return self.tagged(event, tag, depth)
        if event.__class__ is MappingStartEvent:
            return self.mapping(depth, event.start_mark)
        if event.__class__ is ScalarEvent:
            return resolve(event.value) if event.implicit[0] else event.value
        return self.sequence(depth, event.start_mark)

    def tagged(self, event: Any, tag: str, depth: int) -> Any:
        at = event.start_mark
        name = INTRINSICS.get(tag)
        if name is None:
            if tag.startswith(STANDARD):
                return self.standard(event, tag[len(STANDARD) :], depth)
            if event.__class__ is not ScalarEvent:
                self.doc.kept.append(self.content(event, depth))
            return self.unknown(shown(tag), at)
        self.enter(depth, at)
        place = (at.line + 1, at.column + 1)
        if event.__class__ is not ScalarEvent:
            value = self.content(event, depth + 1)
        elif tag == "!GetAtt":
            value = event.value.split(".", 1)
            self.left -= len(value)
            self.enter(depth + 1, at)
            self.marks[id(value)] = [place] * len(value)
        else:
            value = event.value
        self.left -= 1
        result = {name: value}
        self.marks[id(result)] = {name: place}
        return result

    def content(self, event: Any, depth: int) -> Any:
        read = self.mapping if event.__class__ is MappingStartEvent else self.sequence
        return read(depth, event.start_mark)

    def standard(self, event: Any, name: str, depth: int) -> Any:
        """A value with one of YAML's own tags, written `!!name`."""
        at = event.start_mark
        if name.startswith("python"):
            hint = "nothing in a template is ever executed or constructed"
            refuse(f"the tag !!{shown(name)} asks for a Python object", at, hint)
        value = event.value if event.__class__ is ScalarEvent else self.content(event, depth)
        try:
            return convert(name, value)
        except KeyError:
            self.doc.kept.append(value)
            return self.unknown(f"!!{shown(name)}", at)
        except ValueError:
            refuse(f"the tag !!{name} does not fit the value that follows", at)

    def unknown(self, tag: str, at: Any) -> Unreadable:
        self.note(_TAGGED, at, tag)
        return Unreadable(f"tag {tag}")

    def note(self, kind: str, at: Any, *details: str) -> None:
        """Record what is worth saying, in words for the first of its kind and as a count for the others."""
        self.noted.setdefault(kind, (kind.format(*details), []))[1].append(at.line + 1)

    def alias(self, event: Any, depth: int) -> Any:
        at = event.start_mark
        name = event.anchor
        if name not in self.anchors:
            raise SyntaxFault(f"the alias *{shown(name)} has no anchor before it", at.line + 1, at.column + 1)
        anchored = self.anchors[name]
        if anchored is None:
            refuse(f"the alias *{shown(name)} stands within its own anchor", at)
        value, nodes, height = anchored
        self.left -= nodes
        if self.left < 0:
            self.too_many()
        if height:
            self.enter(depth + height - 1, at)
        return value

    def odd_key(self, event: Any) -> str:
        """The key that begins with `event`, if it may be anything but plain text."""
        at = event.start_mark
        anchor = getattr(event, "anchor", None)
        if event.__class__ is ScalarEvent:
            tag, text = event.tag, event.value
            if tag is None or tag == "!":
                key = resolve(text) if event.implicit[0] else text
            else:
                key = self.tagged(event, tag, 1)
        else:
            if event.__class__ is not AliasEvent:
                refuse(_COMPLEX_KEY, at)
            key = self.alias(event, 1)
            text = str(key)
        if anchor is not None and event.__class__ is ScalarEvent:
            self.anchors[anchor] = (key, 0, 0)
        if isinstance(key, str):
            return key
        if isinstance(key, dict | list | Unreadable):
            refuse(_COMPLEX_KEY, at)
        self.note(_ODD_KEY, at)
        return as_key(key, text)

    def merge_source(self, event: Any, depth: int, at: Any) -> Any:
        """What follows `<<`: a mapping or a list of mappings."""
        value = self.value(event, depth + 1)
        self.note(_MERGED, at)
        self.doc.kept.append(value)
        items = value if isinstance(value, list) else [value]
        if getattr(event, "tag", None) is not None or not all(isinstance(item, dict) for item in items):
            refuse("a merge key << must be followed by a mapping or a list of mappings", at)
        return value

    def enter(self, depth: int, at: Any) -> None:
        if depth > self.deepest:
            self.deepest = depth
            if depth > self.limits.depth:
                refuse(f"is nested deeper than {self.limits.depth} levels", at)

    def too_many(self) -> NoReturn:
        raise ReadError(_TOO_MANY.format(self.limits.nodes))
