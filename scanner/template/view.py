"""A template in one world: its values, resolved on demand and only as deep as they are asked for.

So a judgement touches no parameter and no condition that it doesn't need.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.template.document import Either, Unreadable, settle
from scanner.value import (
    REST,
    Glued,
    Opaque,
    Part,
    Partial,
    Question,
    Variable,
    as_text,
    assemble,
    rest_of,
    unknown,
)
from scanner.world import IS_EMPTY, World

if TYPE_CHECKING:
    from scanner.check import Teller
    from scanner.template.parameter import Parameter
    from scanner.template.template import Template


class View:
    """A template in one world."""

    __slots__ = ("_known", "teller", "template", "world")

    def __init__(self, template: Template, world: World, teller: Teller | None = None) -> None:
        self.template = template
        self.world = world
        self.teller = teller
        self._known = template.known

    @property
    def home(self) -> Any:
        """The template."""
        return self.template

    def within(self, home: Any) -> View:
        """Another template, in the same world."""
        return self if home is self.template or home is None else View(home, self.world, self.teller)

    def value(self, raw: Any) -> Any:
        """The value of a raw node: plain, Partial, or None where it is absent or empty."""
        kind = type(raw)
        if kind is str:
            return self.resolve(raw) if "{{resolve:" in raw else raw or None
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

    def follow(self, raw: Any, joint: Any) -> Any:
        """The properties of the resource that a raw value names; None where it is not made in this world."""
        family = self.template.family
        return unknown("another resource") if family is None else family.follow(self, raw, joint)

    def gather(self, properties: Any, joint: Any) -> Any:
        """The properties of those that name this resource, as `check.View` has it."""
        family = self.template.family
        return unknown("other resources") if family is None else family.gather(self, properties, joint)

    def tell(self, predicate: str, text: str, known: tuple[str, ...]) -> tuple[bool | None, str] | None:
        """Nothing, as a template is judged by what it says, unless somebody knows more."""
        return self.teller(predicate, text, known) if self.teller else None

    def _present(self, value: Any) -> Any:
        """Null, "", [], {} and what consists of nothing else are absent."""
        kind = type(value)
        if kind is Partial:
            return None if self.is_empty(value) else value
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

    def is_empty(self, partial: Partial) -> bool:
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

    def inside(self, template: Template) -> View:
        """Another template, in the same world."""
        return View(template, self.world, self.teller)

    def exists(self, raw_resource: Any) -> bool:
        """Is the resource made in this world, as its Condition and its stack's say?"""
        parent = self.template.parent
        if parent is not None and not View(parent[0], self.world).exists(parent[1]):
            return False
        condition = settle(raw_resource.get("Condition"), self.template.pick)
        return condition is None or self.truth_of(condition)

    def resolve(self, raw: Any) -> Any:
        """Resolve the head of a raw node; its children stay raw. Emptiness is kept."""
        kind = type(raw)
        if kind is str:
            if "{{resolve:" in raw:
                from scanner.template.dynamic import with_dynamic_references

                return with_dynamic_references(raw)
            return raw
        if kind is dict:
            if len(raw) == 1:
                from scanner.template.intrinsic import INTRINSICS

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
        return self.as_text(self.resolve(raw))

    def as_text(self, value: Any) -> str | Partial:
        """A resolved value as text."""
        kind = type(value)
        if kind is str or kind is Partial:
            return value  # type: ignore[no-any-return] # `kind` tells, and isinstance is slower
        if value is None:
            return ""
        if kind is list:
            from scanner.template.intrinsic import join

            return join(self, ",", value)
        return unknown("a mapping where text belongs") if kind is dict else as_text(value)

    def ref(self, name: Any) -> Any:
        """What a Ref stands for: an input, a resource, or nothing at all."""
        template = self.template
        name = self.value(name)
        if type(name) is not str:
            return unknown("a Ref that names nothing")
        if name in template.plain:
            return self.ask_for(*template.plain[name])
        parameter = template.parameter(name)
        if parameter is not None:
            return self._parameter(parameter)
        if name in template.resources:
            return unknown(f"resource {name}", (template.type_of(name), name, "", template.key))
        if name == "AWS::NoValue":
            return None
        from scanner.template.parameter import PSEUDO

        if name in PSEUDO:
            # A stack's name and id are other ones in each template.
            key = f"{template.key}:{name}" if template.key and name[:10] == "AWS::Stack" else name
            return self._free(PSEUDO[name], key)
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
            given = template.given[name]
            value = self._free(parameter, f"{template.key}:{name}") if given is None else given
        else:
            value = self._own(parameter)
            self._remember(parameter)
        if parameter.from_store:
            same = ("parameter", "", f"{template.key}:{name}")
            return Partial((Opaque(f"SSM parameter {name}", filled=True, same=same),))
        if parameter.listed and isinstance(value, str):
            return [item.strip() for item in value.split(",")]
        from scanner.template.dynamic import with_dynamic_references

        return with_dynamic_references(value)

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

    def _remember(self, parameter: Parameter) -> None:
        """Most parameters are plain inputs of this template, and most are referred to again and again."""
        template, default = self.template, parameter.default
        partial = template.inputs.get(f"{template.key}:{parameter.name}")
        if partial is None or parameter.from_store or parameter.listed:
            return
        if default is not None and template.settled:
            return
        if not any("{{resolve:" in text for text in (default or "", *(parameter.candidates or ()))):
            template.plain[parameter.name] = partial, default

    def ask_for(self, partial: Partial, default: str | None) -> str | Partial:
        """The value of a plain input in this world."""
        world = self.world
        world.inputs += 1
        if default is not None and world.as_written:
            world.varied = True
            return default
        variable = partial.parts[0]
        text = world.settled(variable) if type(variable) is Variable else None
        return partial if text is None else text

    def _free(self, parameter: Parameter, key: str) -> str | Partial:
        partial = self.template.inputs.get(key)
        if partial is None:
            partial = Partial((Variable(key, parameter.name, parameter, parameter.listed),))
            self.template.inputs[key] = partial
        return self.ask_for(partial, None)

    def truth_of(self, condition: Any) -> bool:
        """Is a condition true that is given by name or as a function?"""
        from scanner.template.condition import holds, truth

        return holds(self, condition) if isinstance(condition, str) else truth(self, condition)

    def fix(self, value: Partial) -> str | Partial:
        """Fix every input of a text that has listable values."""
        parts: list[Part] = []
        for part in value.parts:
            picked = self.world.pick(part) if isinstance(part, Variable) else None
            parts.append(part if picked is None else picked)
        return assemble(parts)
