"""Writing what a definition makes as resources of a template, so that they are judged like all others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from scanner.model import Gap
from scanner.requests.operation import Types, as_change, types_by_operation
from scanner.template.document import settle, shown
from scanner.template.template import Template
from scanner.value import Partial, unknown


class Dialect(NamedTuple):
    """How a request is written where values may be expressions."""

    text: Callable[[str], Any]
    """What a text stands for."""
    function: Callable[[str, Any], Any] = lambda name, body: None
    """What a mapping of a single key stands for; None where it is a plain mapping."""
    paths: bool = False
    """Whether `X.$` is the property X with a path to its value."""


class Writer:
    """A template's resources and parameters, and those that definitions add; positions go with all of it."""

    def __init__(self, template: Template, types: Types) -> None:
        self.template, self.types = template, types
        self.operations = {name.lower(): kind for name, kind in types_by_operation(types).items()}
        self.resources: dict[str, Any] = dict(template.resources)
        self.parameters: dict[str, Any] = dict(template.declarations)
        self.files = dict(template.files)
        for old, new in ((template.resources, self.resources), (template.declarations, self.parameters)):
            template.marks[id(new)] = dict(template.marks.get(id(old)) or {})
        self.gaps: list[Gap] = []
        self.begin()

    def begin(self, prefix: str = "", metadata: Any = None, file: str | None = None) -> None:
        """Begin a definition: `prefix` goes before its names, `metadata` is what its resources get."""
        self.prefix, self.metadata = prefix, metadata
        self.file = self.template.file if file is None else file
        self.intrinsics = False
        """Whether it stands in a template, whose functions may be its values."""
        self.fill: Callable[[str], Any] = str
        """What a text of it stands for before any expression is read."""
        self.counts: dict[str, int] = {}

    def finish(self) -> None:
        """Give the template what was added."""
        template = self.template
        template.alive = (template.alive, template.resources, template.declarations)
        template.resources, template.declarations = self.resources, self.parameters
        template.files = self.files

    def settle(self, raw: Any) -> Any:
        """Of duplicate keys, the value that this pass looks at."""
        return settle(raw, self.template.pick)

    def gap(self, container: Any, key: Any, what: str, hint: str = "AWS would refuse it") -> None:
        """Say what can't be looked at."""
        at = self.template.position(container, key)
        where = f"{self.file}:{at[0]}:{at[1]}" if at else self.file
        self.gaps.append(Gap(where, self.prefix.replace("/", ": ") + what, hint))

    def declare(self, name: str, declaration: dict[str, Any], holder: Any, key: Any) -> None:
        """Add a parameter, declared as a template does it."""
        self.parameters[self.prefix + name] = declaration
        self._mark(self.parameters, self.prefix + name, holder, key)

    def add(
        self,
        name: str,
        kind: str,
        holder: dict[str, Any],
        key: str,
        dialect: Dialect,
        condition: Any = None,
        request: Any = None,
        change: bool = False,
    ) -> None:
        """Add what a request makes or changes: that at `holder[key]`, {} where it is absent, or `request`."""
        label, number = self.prefix + name, self.counts.get(name, 1)
        while label in self.resources:
            number += 1
            label = f"{self.prefix}{name} ({number})"
        self.counts[name] = number
        if request is None:
            request = self.value(holder.get(key), dialect)
        if request is not None and not isinstance(request, dict | Partial):
            self.gap(holder, key, f"the request of {shown(name)} is no mapping")
            return
        if change:
            request = as_change(request or {}, self.types[kind]["update"], self.template.marks)
        body = {"Type": kind, "Condition": condition, "Metadata": self.metadata, "Properties": request}
        body = self._keep({field: value for field, value in body.items() if value is not None})
        self._mark(body, "Properties", holder, key)
        self.resources[label] = body
        self._mark(self.resources, label, holder, next(iter(holder)))
        self.files[id(self.resources), label] = self.file

    def value(self, raw: Any, dialect: Dialect) -> Any:
        """A value as a template would have it; what it holds stays where it was read."""
        raw = self.settle(raw)
        if type(raw) is str:
            return dialect.text(raw)
        if type(raw) is list:
            return self._keep([self.value(item, dialect) for item in raw], raw)
        if type(raw) is not dict:
            return raw
        if len(raw) == 1:
            ((name, body),) = raw.items()
            if name == "Ref" or name[:4] == "Fn::":
                return self._function(raw, name, self.settle(body), dialect)
            found = dialect.function(name, self.settle(body))
            if found is not None:
                return found
        written: dict[str, Any] = {}
        for key, value in raw.items():
            path = dialect.paths and key.endswith(".$")
            if path or not (dialect.paths and f"{key}.$" in raw):
                name = key[:-2] if path else key
                text = self.settle(value) if path else None
                written[name] = refer(text) if isinstance(text, str) else self.value(value, dialect)
                self._mark(written, name, raw, key)
        return self._keep(written)

    def _function(self, raw: Any, name: str, body: Any, dialect: Dialect) -> Any:
        """A template's function: only of a choice both values may hold expressions."""
        if not self.intrinsics:
            return unknown(f"a mapping with the key {name}")
        if name == "Fn::If" and isinstance(body, list) and len(body) == 3:
            return {name: self._keep([body[0], *(self.value(each, dialect) for each in body[1:])], body)}
        return raw

    def branches(self, raw: Any, condition: Any = None) -> Iterator[tuple[Any, Any]]:
        """What a template's choice may come to, each with the condition that it does."""
        raw = self.settle(raw)
        body = self.settle(raw.get("Fn::If")) if isinstance(raw, dict) and len(raw) == 1 else None
        if not (self.intrinsics and isinstance(body, list) and len(body) == 3):
            if raw != {"Ref": "AWS::NoValue"}:
                yield raw, condition
            return
        holds = {"Condition": body[0]} if isinstance(body[0], str) else body[0]
        for each, sign in ((body[1], holds), (body[2], {"Fn::Not": [holds]})):
            yield from self.branches(each, sign if condition is None else {"Fn::And": [condition, sign]})

    def _keep(self, new: Any, old: Any = None) -> Any:
        """Note the file of what was written, and its positions where they are those of `old`."""
        self.files[id(new)] = self.file
        if old is not None:
            self.template.marks[id(new)] = self.template.marks.get(id(old))
        return new

    def _mark(self, new: dict[str, Any], name: str, holder: Any, key: Any) -> None:
        position = self.template.position(holder, key)
        marks = self.template.marks.setdefault(id(new), {})
        if position is not None:
            marks[name] = position


def refer(expression: str) -> Partial:
    """A value that only the run of a definition knows, named by its expression."""
    return unknown(shown(expression, 100))
