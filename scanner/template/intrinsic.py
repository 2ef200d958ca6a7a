"""Intrinsic functions: what each stands for, resolved at its head only.

A function takes the view of one world and the raw body; what it can't know is an unknown with its cause.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from scanner.template.condition import LOGICAL, truth
from scanner.template.dynamic import with_dynamic_references
from scanner.value import (
    Glued,
    Opaque,
    Part,
    Partial,
    Variable,
    as_number,
    as_text,
    ask_equals,
    assemble,
    unknown,
)

if TYPE_CHECKING:
    from scanner.template.view import View

_SUB = re.compile(r"\$\{(!?)([^${}]*)\}")
_NO_KEY = "\0"
"""No key of any map: the reader takes no NUL."""


def get_attribute(view: View, body: Any) -> Any:
    if isinstance(body, str):
        body = body.split(".", 1)
    if not isinstance(body, list) or len(body) < 2 or not isinstance(body[0], str):
        return unknown("a GetAtt that names nothing")
    name, attribute = (
        body[0],
        ".".join(as_text(step) for step in body[1:] if isinstance(step, (str, int))),
    )
    child = view.template.children.get(name)
    if child is not None and attribute.startswith("Outputs."):
        output = child.outputs.get(attribute[len("Outputs.") :])
        if isinstance(output, dict):
            return view.inside(child).text(output.get("Value"))
    if name in view.template.resources:
        refers = (view.template.type_of(name), name, attribute, view.template.key)
        return unknown(f"{name}.{attribute}", refers)
    return unknown(f"the undeclared name {name}.{attribute}")


def substitute(view: View, body: Any) -> str | Partial:
    local: dict[str, Any] = {}
    if isinstance(body, list) and len(body) == 2 and isinstance(body[1], dict):
        body, local = body
    if not isinstance(body, str):
        return unknown("a Sub without text")
    parts: list[Part] = []
    end = 0
    for match in _SUB.finditer(body):
        parts.append(body[end : match.start()])
        end = match.end()
        literal, name = match.groups()
        if literal:
            parts.append(f"${{{name}}}")
            continue
        name = name.strip()
        view.world.effort.spend()
        if name in local:
            found = view.text(local[name])
        elif "." in name:
            found = view.as_text(get_attribute(view, name))
        else:
            found = view.as_text(view.ref(name))
        parts += _spent_on(view, found)
    parts.append(body[end:])
    return with_dynamic_references(assemble(parts))


def join_list(view: View, body: Any) -> str | Partial:
    if not isinstance(body, list) or len(body) != 2 or not isinstance(body[0], str):
        return unknown("a Join without delimiter and list")
    return join(view, body[0], view.resolve(body[1]))


def join(view: View, delimiter: str, items: Any) -> str | Partial:
    if isinstance(items, Partial):
        part = items.parts[0]
        if isinstance(part, Variable) and part.listed:
            return Partial((part,)) if delimiter == "," else Partial((Glued(part),))
        return items if len(items.parts) == 1 else unknown(items.cause)
    if not isinstance(items, list):
        return unknown("a Join of no list")
    parts: list[Part] = []
    for raw in items:
        value = view.resolve(raw)
        if value is None:
            continue
        text = join(view, delimiter, value) if isinstance(value, list) else view.text(value)
        if parts:
            parts.append(delimiter)
        parts += _spent_on(view, text)
    return with_dynamic_references(assemble(parts))


def _spent_on(view: View, text: str | Partial) -> tuple[Part, ...]:
    """The parts of a text that goes into another; long ones cost more work."""
    parts = text.parts if isinstance(text, Partial) else (text,)
    view.world.effort.spend(sum(len(part) // 50 if isinstance(part, str) else 1 for part in parts))
    return parts


def choose_branch(view: View, body: Any) -> Any:
    if not isinstance(body, list) or len(body) != 3:
        return unknown("an If without condition and two values")
    return view.resolve(body[1] if view.truth_of(body[0]) else body[2])


def find_in_map(view: View, body: Any) -> Any:
    if not isinstance(body, list) or not 3 <= len(body) <= 4:
        return unknown("a FindInMap without map and two keys")
    otherwise = body[3].get("DefaultValue") if len(body) > 3 and isinstance(body[3], dict) else None
    mapping: Any = view.template.mappings
    for step, raw in enumerate(body[:3]):
        mapping = view.resolve(mapping)
        key = _map_key(view, raw, mapping if step else None, closed=otherwise is None)
        if not isinstance(key, str):
            return unknown(f"FindInMap with {key.cause}")
        if not isinstance(mapping, dict) or key not in mapping:
            return view.resolve(otherwise) if otherwise is not None else unknown("a FindInMap without match")
        mapping = mapping[key]
    return view.resolve(mapping)


def _map_key(view: View, raw: Any, options: Any, *, closed: bool) -> str | Partial:
    """A key of a map: where the map is `closed`, an input that stands for it is one of its keys."""
    value = view.text(raw) if type(raw) is not list else unknown("a list where a key belongs")
    if isinstance(value, str):
        return value
    part = value.parts[0]
    if len(value.parts) > 1 or not isinstance(part, Variable) or not isinstance(options, dict):
        return view.fix(value)
    if closed:
        picked = view.world.pick_key(part, tuple(options))
        return value if picked is None else picked
    return next((key for key in options if view.world.ask(part, ask_equals(key))), _NO_KEY)


def select(view: View, body: Any) -> Any:
    if not isinstance(body, list) or len(body) != 2:
        return unknown("a Select without index and list")
    index = view.text(body[0])
    items = view.resolve(body[1])
    if isinstance(items, Partial):
        part = items.parts[0]
        text = view.fix(items) if isinstance(part, Variable) and part.listed else items
        if isinstance(text, Partial):
            return unknown(text.cause)
        items = [item.strip() for item in text.split(",")]
    if isinstance(index, Partial):
        index = view.fix(index)
    if isinstance(index, Partial):
        return unknown(index.cause)
    number = as_number(index)
    if not isinstance(items, list) or not isinstance(number, int) or not 0 <= number < len(items):
        return unknown("a Select outside its list")
    return view.resolve(items[number])


def split(view: View, body: Any) -> Any:
    if not isinstance(body, list) or len(body) != 2 or not isinstance(body[0], str) or not body[0]:
        return unknown("a Split without delimiter and text")
    text = view.text(body[1])
    if isinstance(text, Partial):
        text = "" if view.is_empty(text) else view.fix(text)
    if isinstance(text, Partial):
        return unknown(text.cause)
    _spent_on(view, text)
    return text.split(body[0])


def encode(view: View, body: Any) -> str | Partial:
    text = view.text(body)
    if isinstance(text, Partial):
        return Partial((Opaque(text.cause, encoded=_spent_on(view, text)),))
    _spent_on(view, text)
    from base64 import b64encode

    return b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")


def length(view: View, body: Any) -> Any:
    items = view.resolve(body)
    if not isinstance(items, list):
        return unknown(items.cause if isinstance(items, Partial) else "a Length of no list")
    return sum(view.resolve(item) is not None for item in items)


def write_json(view: View, body: Any) -> str | Partial:
    plain = _plain(view, body)
    return plain if isinstance(plain, Partial) else json.dumps(plain)


def _plain(view: View, raw: Any) -> Any:
    """Resolve all the way down; a `Partial` when anything inside isn't known."""
    value = view.resolve(raw)
    view.world.effort.spend()
    if isinstance(value, dict):
        children = {key: _plain(view, child) for key, child in value.items()}
        hidden = next((child for child in children.values() if isinstance(child, Partial)), None)
        if hidden:
            return unknown(hidden.cause)
        return {key: child for key, child in children.items() if child is not None}
    if isinstance(value, list):
        items = [_plain(view, child) for child in value]
        hidden = next((child for child in items if isinstance(child, Partial)), None)
        return unknown(hidden.cause) if hidden else [child for child in items if child is not None]
    return value


def import_value(view: View, body: Any) -> Partial:
    found, cause = None, "an import from another stack"
    if view.template.imported:
        from scanner.template.mention import skeleton

        found = view.template.imported.get(skeleton(body))
    same = ("import", view.template.key, body)
    return Partial((Opaque(cause, found or None, filled=True, near=found == (), same=same),))


def _not_known(name: str) -> Callable[[View, Any], Any]:
    return lambda view, body: unknown(name)


def _logical(name: str) -> Callable[[View, Any], Any]:
    return lambda view, body: truth(view, {name: body})


INTRINSICS: dict[str, Callable[[View, Any], Any]] = {
    "Ref": lambda view, body: view.ref(body),
    "Fn::GetAtt": get_attribute,
    "Fn::Sub": substitute,
    "Fn::Join": join_list,
    "Fn::If": choose_branch,
    "Fn::FindInMap": find_in_map,
    "Fn::Select": select,
    "Fn::Split": split,
    "Fn::Base64": encode,
    "Fn::Length": length,
    "Fn::ToJsonString": write_json,
    "Fn::ImportValue": import_value,
    "Fn::GetAZs": _not_known("the Region's zones"),
    "Fn::Cidr": _not_known("Fn::Cidr"),
    "Fn::Transform": _not_known("a transform"),
    **{name: _logical(name) for name in LOGICAL},
}
