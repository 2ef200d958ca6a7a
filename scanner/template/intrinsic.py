"""Intrinsic functions: what a raw value of a template is in one world.

A `View` resolves on demand and only as deep as it is asked, so that a judgement touches no parameter or
condition that it doesn't need.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from scanner.template.document import Either, Unreadable, settle
from scanner.template.parameter import PSEUDO, Parameter
from scanner.value import (
    REST,
    Glued,
    Opaque,
    Part,
    Partial,
    Question,
    Variable,
    as_number,
    as_text,
    ask_equals,
    assemble,
    rest_of,
    unknown,
)
from scanner.world import IS_EMPTY, World

if TYPE_CHECKING:
    from scanner.template.template import Template

_SUB = re.compile(r"\$\{(!?)([^${}]*)\}")
_DYNAMIC = re.compile(r"\{\{resolve:([a-z-]+):[^{}]*\}\}")
_DEEPEST_CONDITION = 100
_NO_KEY = "\0"
"""No key of any map: the reader takes no NUL."""
_LOGICAL = ("Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals")
_HOLE = "\0"
"""Stands for an unknown part while a text is searched."""


class View:
    """A template in one world."""

    __slots__ = ("_known", "template", "world")

    def __init__(self, template: Template, world: World) -> None:
        self.template = template
        self.world = world
        self._known = template.known

    # --- what the evaluator asks ---------------------------------------------------------------------

    def value(self, raw: Any) -> Any:
        """The value of a raw node: plain, Partial, or None where it is absent or empty."""
        kind = type(raw)
        if kind is str:
            if "{{resolve:" in raw:
                return _with_dynamic_references(raw)
            return raw or None
        if raw is None or kind is bool or kind is int or kind is float:
            return raw
        known, key = self._known, id(raw)
        if key in known:
            return known[key]
        inputs = self.world.inputs
        value = self._present(self.resolve(raw))
        if self.world.inputs == inputs:
            known[key] = value
        return value

    def test(self, partial: Partial, question: Question) -> bool | None:
        """Answer a question about partly known text."""
        return self.world.test(partial, question)

    def _present(self, value: Any) -> Any:
        """Null, "", [], {} and what consists of nothing else are absent."""
        kind = type(value)
        if kind is Partial:
            return None if self._is_empty(value) else value
        if kind is dict:
            self.world.effort.spend()
            return value if self._any_present(value.values()) else None
        if kind is list:
            self.world.effort.spend(1 + len(value) // 10)
            return value if self._any_present(value) else None
        return None if value == "" else value

    def _any_present(self, children: Any) -> bool:
        later = []
        for child in children:
            kind = type(child)
            if (kind is str and child) or kind is int or kind is bool or kind is float:
                return True
            if kind is dict or kind is list or kind is Partial or kind is Either or kind is Unreadable:
                later.append(child)
        return any(self.value(child) is not None for child in later)

    def _is_empty(self, partial: Partial) -> bool:
        """A text is empty when every part of it is."""
        return all(self._is_empty_part(part) for part in partial.parts)

    def _is_empty_part(self, part: Part) -> bool:
        """An input is taken as filled in, unless its default or an allowed value is empty."""
        if isinstance(part, Glued):
            part = part.variable
        if not isinstance(part, Variable):
            return False
        choice = self.world.choices.get(part.key)
        candidates = choice.candidates if choice else part.domain.candidates
        may_be_empty = part.domain.default == "" if candidates is None else "" in candidates
        return may_be_empty and self.world.ask(part, IS_EMPTY)

    def judged_here(self, raw: Any, types: tuple[str, ...]) -> bool | str:
        """Does this reference name a resource of one of `types` in this template? Else what it names."""
        value = self.value(raw)
        if value is None:
            return True
        if isinstance(value, Partial):
            part = value.parts[0]
            if isinstance(part, Opaque) and part.refers and part.refers[0] in types:
                return True
            return value.cause
        if isinstance(value, str) and self.template.holds_named(value, types):
            return True
        return "nothing in this template has that name"

    def exists(self, raw_resource: Any) -> bool:
        """Is the resource made in this world, as its Condition and its stack's say?"""
        parent = self.template.parent
        if parent is not None and not View(parent[0], self.world).exists(parent[1]):
            return False
        condition = settle(raw_resource.get("Condition"), self.template.pick)
        return condition is None or self._truth_of(condition)

    # --- resolving -----------------------------------------------------------------------------------

    def resolve(self, raw: Any) -> Any:
        """Resolve the head of a raw node; its children stay raw. Emptiness is kept."""
        kind = type(raw)
        if kind is str:
            return _with_dynamic_references(raw) if "{{resolve:" in raw else raw
        if kind is dict:
            if len(raw) == 1:
                ((name, body),) = raw.items()
                function = INTRINSICS.get(name)
                if function is not None:
                    self.world.effort.spend()
                    return function(self, settle(body, self.template.pick))
                if name[:4] == "Fn::":
                    return rest_of(raw) or unknown(name)
                return raw
            for name in raw:
                if name[:4] == "Fn::" and not (name == REST and rest_of(raw)):
                    return unknown(f"{name} beside other keys")
            return raw
        if kind is Either:
            return self.resolve(settle(raw, self.template.pick))
        if kind is Unreadable:
            return unknown(raw.what)
        return raw

    def text(self, raw: Any) -> str | Partial:
        """Resolve to text, as Sub, Join and Equals take it; an absent value is empty."""
        value = self.resolve(raw)
        kind = type(value)
        if kind is str or kind is Partial:
            return value  # type: ignore[no-any-return]
        if value is None:
            return ""
        if kind is list:
            return self._join(",", value)
        return unknown("a mapping where text belongs") if kind is dict else as_text(value)

    def _ref(self, name: Any) -> Any:
        if not isinstance(name, str):
            return unknown("a Ref that names nothing")
        template = self.template
        parameter = template.parameters.get(name)
        if parameter is not None:
            return self._parameter(parameter)
        if name in template.resources:
            return unknown(f"resource {name}", (template.type_of(name), name, ""))
        if name == "AWS::NoValue":
            return None
        if name in PSEUDO:
            return self._free(PSEUDO[name], name)
        if name.startswith("AWS::"):
            return unknown(name)
        return unknown(f"the undeclared name {name}")

    def _parameter(self, parameter: Parameter) -> Any:
        template, name = self.template, parameter.name
        if name in template.bindings:
            parent, raw = template.bindings[name]
            view = View(parent, self.world)
            # AWS::NoValue passes nothing.
            value = self._own(parameter) if view.resolve(raw) is None else view.text(raw)
        elif name in template.given:
            value = template.given[name]
        else:
            value = self._own(parameter)
        if parameter.from_store:
            return unknown(f"SSM parameter {name}", filled=True)
        if parameter.listed and isinstance(value, str):
            return [item.strip() for item in value.split(",")]
        return _with_dynamic_references(value)

    def _own(self, parameter: Parameter) -> str | Partial:
        """A parameter that nobody passes a value to."""
        default = parameter.default
        if parameter.from_store:
            return ""
        if self.template.settled and default is not None:
            return default
        if self.world.as_written and default is not None:
            self.world.varied = True
            self.world.inputs += 1
            return default
        if self.template.nested and default is None:
            return unknown(f"parameter {parameter.name}")
        return self._free(parameter, f"{self.template.key}:{parameter.name}")

    def _free(self, parameter: Parameter, key: str) -> str | Partial:
        partial = self.template.inputs.get(key)
        if partial is None:
            partial = Partial((Variable(key, parameter.name, parameter, parameter.listed),))
            self.template.inputs[key] = partial
        self.world.inputs += 1
        variable = partial.parts[0]
        text = self.world.settled(variable) if isinstance(variable, Variable) else None
        return partial if text is None else text

    def _get_att(self, body: Any) -> Any:
        if isinstance(body, str):
            body = body.split(".", 1)
        if not isinstance(body, list) or len(body) < 2 or not isinstance(body[0], str):
            return unknown("a GetAtt that names nothing")
        name, attribute = (
            body[0],
            ".".join(as_text(step) for step in body[1:] if isinstance(step, (str, int))),
        )
        child = self.template.children.get(name)
        if child is not None and attribute.startswith("Outputs."):
            output = child.outputs.get(attribute[len("Outputs.") :])
            if isinstance(output, dict):
                return View(child, self.world).text(output.get("Value"))
        if name in self.template.resources:
            return unknown(f"{name}.{attribute}", (self.template.type_of(name), name, attribute))
        return unknown(f"the undeclared name {name}.{attribute}")

    def _sub(self, body: Any) -> str | Partial:
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
            if name in local:
                found = self.text(local[name])
            elif "." in name:
                found = self.text({"Fn::GetAtt": name})
            else:
                found = self.text({"Ref": name})
            parts += self._spent_on(found)
        parts.append(body[end:])
        return _with_dynamic_references(assemble(parts))

    def _join_call(self, body: Any) -> str | Partial:
        if not isinstance(body, list) or len(body) != 2 or not isinstance(body[0], str):
            return unknown("a Join without delimiter and list")
        return self._join(body[0], self.resolve(body[1]))

    def _join(self, delimiter: str, items: Any) -> str | Partial:
        if isinstance(items, Partial):
            part = items.parts[0]
            if isinstance(part, Variable) and part.listed:
                return Partial((part,)) if delimiter == "," else Partial((Glued(part),))
            return items if len(items.parts) == 1 else unknown(items.cause)
        if not isinstance(items, list):
            return unknown("a Join of no list")
        parts: list[Part] = []
        for raw in items:
            value = self.resolve(raw)
            if value is None:
                continue
            text = self._join(delimiter, value) if isinstance(value, list) else self.text(value)
            if parts:
                parts.append(delimiter)
            parts += self._spent_on(text)
        return _with_dynamic_references(assemble(parts))

    def _spent_on(self, text: str | Partial) -> tuple[Part, ...]:
        """The parts of a text that goes into another; long ones cost more work."""
        parts = text.parts if isinstance(text, Partial) else (text,)
        self.world.effort.spend(sum(len(part) // 50 if isinstance(part, str) else 1 for part in parts))
        return parts

    def _if(self, body: Any) -> Any:
        if not isinstance(body, list) or len(body) != 3:
            return unknown("an If without condition and two values")
        return self.resolve(body[1] if self._truth_of(body[0]) else body[2])

    def _truth_of(self, condition: Any) -> bool:
        return self.condition(condition) if isinstance(condition, str) else self.truth(condition)

    def _find_in_map(self, body: Any) -> Any:
        if not isinstance(body, list) or not 3 <= len(body) <= 4:
            return unknown("a FindInMap without map and two keys")
        otherwise = body[3].get("DefaultValue") if len(body) > 3 and isinstance(body[3], dict) else None
        mapping: Any = self.template.mappings
        for step, raw in enumerate(body[:3]):
            mapping = self.resolve(mapping)
            key = self._key(raw, mapping if step else None, closed=otherwise is None)
            if not isinstance(key, str):
                return unknown(f"FindInMap with {key.cause}")
            if not isinstance(mapping, dict) or key not in mapping:
                return (
                    self.resolve(otherwise) if otherwise is not None else unknown("a FindInMap without match")
                )
            mapping = mapping[key]
        return self.resolve(mapping)

    def _key(self, raw: Any, options: Any, *, closed: bool) -> str | Partial:
        """A key of a map: where the map is `closed`, an input that stands for it is one of its keys."""
        value = self.text(raw) if type(raw) is not list else unknown("a list where a key belongs")
        if isinstance(value, str):
            return value
        part = value.parts[0]
        if len(value.parts) > 1 or not isinstance(part, Variable) or not isinstance(options, dict):
            return self._settle(value)
        if closed:
            picked = self.world.pick_key(part, tuple(options))
            return value if picked is None else picked
        return next((key for key in options if self.world.ask(part, ask_equals(key))), _NO_KEY)

    def _settle(self, value: Partial) -> str | Partial:
        """Fix every input of a text that has listable values."""
        parts: list[Part] = []
        for part in value.parts:
            picked = self.world.pick(part) if isinstance(part, Variable) else None
            parts.append(part if picked is None else picked)
        return assemble(parts)

    def _select(self, body: Any) -> Any:
        if not isinstance(body, list) or len(body) != 2:
            return unknown("a Select without index and list")
        index = self.text(body[0])
        items = self.resolve(body[1])
        if isinstance(items, Partial):
            part = items.parts[0]
            text = self._settle(items) if isinstance(part, Variable) and part.listed else items
            if isinstance(text, Partial):
                return unknown(text.cause)
            items = [item.strip() for item in text.split(",")]
        if isinstance(index, Partial):
            index = self._settle(index)
        if isinstance(index, Partial):
            return unknown(index.cause)
        number = as_number(index)
        if not isinstance(items, list) or not isinstance(number, int) or not 0 <= number < len(items):
            return unknown("a Select outside its list")
        return self.resolve(items[number])

    def _split(self, body: Any) -> Any:
        if not isinstance(body, list) or len(body) != 2 or not isinstance(body[0], str) or not body[0]:
            return unknown("a Split without delimiter and text")
        text = self.text(body[1])
        if isinstance(text, Partial):
            text = "" if self._is_empty(text) else self._settle(text)
        if isinstance(text, Partial):
            return unknown(text.cause)
        self._spent_on(text)
        return text.split(body[0])

    def _base64(self, body: Any) -> str | Partial:
        text = self.text(body)
        if isinstance(text, Partial):
            return unknown(text.cause)
        self._spent_on(text)
        return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")

    def _length(self, body: Any) -> Any:
        items = self.resolve(body)
        if not isinstance(items, list):
            return unknown(items.cause if isinstance(items, Partial) else "a Length of no list")
        return sum(self.resolve(item) is not None for item in items)

    def _to_json_string(self, body: Any) -> str | Partial:
        plain = self.plain(body)
        return plain if isinstance(plain, Partial) else json.dumps(plain)

    def plain(self, raw: Any) -> Any:
        """Resolve all the way down; a `Partial` when anything inside isn't known."""
        value = self.resolve(raw)
        self.world.effort.spend()
        if isinstance(value, dict):
            children = {key: self.plain(child) for key, child in value.items()}
            hidden = next((child for child in children.values() if isinstance(child, Partial)), None)
            if hidden:
                return unknown(hidden.cause)
            return {key: child for key, child in children.items() if child is not None}
        if isinstance(value, list):
            items = [self.plain(child) for child in value]
            hidden = next((child for child in items if isinstance(child, Partial)), None)
            return unknown(hidden.cause) if hidden else [child for child in items if child is not None]
        return value

    # --- conditions ----------------------------------------------------------------------------------

    def condition(self, name: str) -> bool:
        """Is the named condition true in this world?"""
        world, key = self.world, (self.template.key, name)
        world.inputs += 1
        if key in world.conditions:
            known = world.conditions[key]
            answer = world.flip(f"condition {key}") if known is None else known
            world.state(name, answer)
            return answer
        depth = world.enter()
        world.conditions[key] = None
        if name not in self.template.conditions or depth > _DEEPEST_CONDITION:
            answer = world.flip(f"condition {key}")
        else:
            answer = self.truth(self.template.conditions[name])
        # A circle was cut by a free answer: the condition is that answer, whatever its expression says.
        answer = world.flips.get(f"condition {key}", answer)
        world.conditions[key] = answer
        world.leave(name, answer)
        return answer

    def truth(self, raw: Any) -> bool:
        """Evaluate a condition function; what is none is a free yes or no."""
        self.world.effort.spend()
        if isinstance(raw, Either):
            return self.truth(settle(raw, self.template.pick))
        if isinstance(raw, dict) and len(raw) == 1:
            ((name, body),) = raw.items()
            body = settle(body, self.template.pick)
            if name == "Condition" and isinstance(body, str):
                return self.condition(body)
            if name == "Fn::Equals" and isinstance(body, list) and len(body) == 2:
                return self._equals(body[0], body[1])
            if name == "Fn::Not" and isinstance(body, list) and len(body) == 1:
                return not self.truth(body[0])
            if name == "Fn::And" and isinstance(body, list):
                return all(self.truth(each) for each in body)
            if name == "Fn::Or" and isinstance(body, list):
                return any(self.truth(each) for each in body)
            if name in _LOGICAL:
                return self.world.flip(f"truth {self.template.key} {id(body)}")
        text = self.text(raw)
        if isinstance(text, str) and text.lower() in ("true", "false"):
            return text.lower() == "true"
        return self.world.flip(f"truth {self.template.key} {id(raw)}")

    def _equals(self, left_raw: Any, right_raw: Any) -> bool:
        left, right = self.text(left_raw), self.text(right_raw)
        if isinstance(left, Partial) and isinstance(right, Partial):
            if _key_of(left, left_raw) == _key_of(right, right_raw):
                return True
            left, right = self._settle(left), self._settle(right)
        if isinstance(left, str):
            left, right, left_raw, right_raw = right, left, right_raw, left_raw
        if isinstance(left, str):
            return left == right
        key = _key_of(left, left_raw)
        if isinstance(right, Partial):
            return self.world.flip(f"equal {sorted((key, _key_of(right, right_raw)))}")
        if right == "" and any(isinstance(part, Opaque) and part.filled for part in left.parts):
            return False
        answer = self.world.test(left, ask_equals(right))
        return self.world.flip(f"equal {key} {right!r}") if answer is None else answer


def _key_of(partial: Partial, raw: Any) -> str:
    """The same for what is surely the same text; two unknown values of one cause may differ."""
    keys: list[Any] = []
    for part in partial.parts:
        if isinstance(part, Variable):
            keys.append(("input", part.key))
        elif isinstance(part, Glued) or (isinstance(part, Opaque) and part.refers is None):
            keys.append(id(raw))
        else:
            keys.append(part)
    return repr(keys)


def _with_dynamic_references(text: str | Partial) -> str | Partial:
    """`{{resolve:service:…}}` is filled in at deployment: present, not known, whatever stands inside."""
    parts = text.parts if isinstance(text, Partial) else (text,)
    if not any(isinstance(part, str) and "{{resolve:" in part for part in parts):
        return text
    hidden = [part for part in parts if not isinstance(part, str)]
    flat = "".join(part if isinstance(part, str) else _HOLE for part in parts)
    if flat.count(_HOLE) != len(hidden):
        return unknown("text with control characters")
    rest = iter(hidden)
    filled: list[Part] = []
    end = 0
    for match in _DYNAMIC.finditer(flat):
        filled += _refill(flat[end : match.start()], rest)
        filled.append(Opaque(f"a dynamic reference to {match[1]}", filled=True))
        _refill(match[0], rest)
        end = match.end()
    return assemble(filled + _refill(flat[end:], rest))


def _refill(text: str, hidden: Iterator[Part]) -> list[Part]:
    """Put the unknown parts back into the holes of a text."""
    first, *others = text.split(_HOLE)
    parts: list[Part] = [first]
    for other in others:
        parts += [next(hidden), other]
    return parts


def _not_known(name: str) -> Callable[[View, Any], Any]:
    return lambda view, body: unknown(name)


def _logical(name: str) -> Callable[[View, Any], Any]:
    return lambda view, body: view.truth({name: body})


INTRINSICS: dict[str, Callable[[View, Any], Any]] = {
    "Ref": View._ref,
    "Fn::GetAtt": View._get_att,
    "Fn::Sub": View._sub,
    "Fn::Join": View._join_call,
    "Fn::If": View._if,
    "Fn::FindInMap": View._find_in_map,
    "Fn::Select": View._select,
    "Fn::Split": View._split,
    "Fn::Base64": View._base64,
    "Fn::Length": View._length,
    "Fn::ToJsonString": View._to_json_string,
    "Fn::ImportValue": lambda view, body: unknown("an import from another stack", filled=True),
    "Fn::GetAZs": _not_known("the Region's zones"),
    "Fn::Cidr": _not_known("Fn::Cidr"),
    "Fn::Transform": _not_known("a transform"),
    **{name: _logical(name) for name in _LOGICAL},
}
