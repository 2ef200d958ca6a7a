"""Which resources of a template's family belong to an ML environment, whatever world it is in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from scanner.environment import OWN, Environment
from scanner.joint import is_scoped, names_in, references
from scanner.template.document import settle
from scanner.template.family import Family
from scanner.template.mention import Skeleton, leaves, skeleton, written
from scanner.template.template import Template

if TYPE_CHECKING:
    from scanner.template.bonds import Bonds
    from scanner.template.judge import Judge

Key = tuple[str, str]
"""A resource: the key of its template, and its logical id."""


def join(templates: list[Template], judge: Judge, bonds: Bonds | None) -> Family:
    """Let the templates of a file know one another, and which of their resources belong."""
    environment = judge.environment
    family = Family(templates, judge.kinds, judge.types, environment.whole, bonds)
    if not environment.whole:
        family.members = Membership(family, environment, bonds.seeds if bonds else ()).members
    for template in family.templates.values():
        template.family = family
    return family


class Membership:
    """The members of one family, which may become more."""

    def __init__(self, family: Family, environment: Environment, seeds: Iterable[Key] = ()) -> None:
        self._family = family
        self._environment = environment
        self._scoped = {kind for kind, entry in family.types.items() if is_scoped(entry)}
        self._named: dict[str, list[Key]] | None = None
        self._with: dict[Key, list[Key]] | None = None
        self._importing: list[tuple[Skeleton, Key]] = []
        self.imports: set[Skeleton] = set()
        """What SageMaker's resources and the members import."""
        self.members: set[Key] = set()
        self.add([*self._roots(), *seeds])

    def add(self, keys: Iterable[Key]) -> bool:
        """Add these, where their types may belong, and all that they lead to; True if there are more."""
        waiting = [key for key in keys if self._kind(key) in self._scoped]
        before = len(self.members)
        while waiting:
            key = waiting.pop()
            if key not in self.members:
                self.members.add(key)
                waiting += self._referred(key)
                waiting += self._belonging_with(key)
        return len(self.members) > before

    def exports(self) -> Iterator[tuple[Skeleton, set[Key]]]:
        """The skeletons of what the templates export, with the resources that it names."""
        for shape, raw, template in exports(self._family):
            yield shape, set(self._found(template, raw, set()))

    def importing(self) -> list[tuple[Skeleton, Key]]:
        """What those import that belong where another resource does."""
        self._belonging_with(("", ""))
        return self._importing

    def _kind(self, key: Key) -> str:
        template = self._family.templates.get(key[0])
        return "" if template is None else template.type_of(key[1])

    def _roots(self) -> Iterator[Key]:
        """What SageMaker's resources mention, wherever they do, and what by its tags belongs."""
        for template in self._family.templates.values():
            for name, raw in template.resources.items():
                kind = template.type_of(name)
                if kind.startswith(OWN):
                    yield from self._found(template, raw.get("Properties"), self.imports)
                elif kind in self._scoped and self._environment.tagged(
                    settle(raw.get("Properties"), template.pick)
                ):
                    yield template.key, name

    def _referred(self, key: Key) -> Iterator[Key]:
        """What a member names where its type says that it refers to others."""
        template = self._family.templates[key[0]]
        for path, types in references(self._family.types.get(self._kind(key))).items():
            for found in self._found(template, self._at(key, path), self.imports):
                if self._kind(found) in types:
                    yield found

    def _belonging_with(self, key: Key) -> list[Key]:
        """Those that belong where a member does."""
        if self._with is None:
            self._with = {}
            for kind in self._scoped:
                for path in self._family.types[kind].get("belongs-with", ()):
                    for template, name in self._family.of_type(kind):
                        shapes = set[Skeleton]()
                        for other in self._found(template, self._at((template.key, name), path), shapes):
                            self._with.setdefault(other, []).append((template.key, name))
                        self._importing += ((shape, (template.key, name)) for shape in shapes)
        return self._with.get(key, [])

    def _at(self, key: Key, path: str) -> Any:
        """The raw top-level property that a path begins with."""
        body = self._family.templates[key[0]].properties_of(key[1])
        return body.get(path.partition(".")[0].removesuffix("[]")) if isinstance(body, dict) else body

    def _found(self, template: Template, raw: Any, imports: set[Skeleton]) -> Iterator[Key]:
        """The resources that a raw part of a template names, also through nested stacks; notes `imports`."""
        waiting, seen, named = [(template, raw)], set[tuple[str, str]](), self._by_name()
        while waiting:
            template, raw = waiting.pop()
            for how, names in leaves(raw):
                if how == "import":
                    imports.add(names)
                    continue
                name = names[0]
                if how == "text":
                    yield from (key for it in names_in(name) for key in named.get(it, ()))
                elif name in template.resources:
                    yield template.key, name
                elif (template.key, name) not in seen:
                    seen.add((template.key, name))
                    yield from named.get(f"${{{name}}}", ())
                    if name in template.bindings:
                        waiting.append(template.bindings[name])
                    stack, _, output = name.partition(".Outputs.")
                    child = template.children.get(stack)
                    value = child.outputs.get(output) if child is not None else None
                    if child is not None and isinstance(value, dict):
                        waiting.append((child, value.get("Value")))

    def _by_name(self) -> dict[str, list[Key]]:
        """Physical name, as it is written -> resources that others may name by it."""
        if self._named is None:
            self._named = {}
            for kind in self._scoped:
                naming = self._family.naming(kind)
                for template, name in self._family.of_type(kind):
                    body = template.properties_of(name)
                    raw = body.get(naming) if isinstance(body, dict) else None
                    if isinstance(raw, dict):
                        raw = template.bindings.get(str(raw.get("Ref")), (None, raw))[1]
                    if "${?}" not in (text := written(raw)):
                        self._named.setdefault(text, []).append((template.key, name))
        return self._named


def exports(family: Family) -> Iterator[tuple[Skeleton, Any, Template]]:
    """The skeletons of what templates export, the raw values, and the templates."""
    for template in family.templates.values():
        for raw in template.outputs.values():
            output = settle(raw, template.pick)
            export = settle(output.get("Export"), template.pick) if isinstance(output, dict) else None
            shape = skeleton(export.get("Name")) if isinstance(export, dict) else None
            if shape is not None:
                yield shape, output.get("Value"), template
