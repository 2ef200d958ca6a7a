"""What the controls of an audit look at across resources, and the resources that lead there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from scanner.audit.fault import Fault
from scanner.audit.item import TAGS, Item
from scanner.catalog import Catalog
from scanner.joint import OWNER, Owner, is_scoped, looks, part_of, references
from scanner.model import Control
from scanner.safe_text import inert
from scanner.touched import paths
from scanner.value import Opaque, Partial, unknown

_IN_S3 = re.compile(r"(?:s3://|arn:[\w-]+:s3:::)([^/]+)")


class Looking(NamedTuple):
    """What some controls look at."""

    at: Mapping[str, frozenset[str]]
    """Type -> its top-level properties."""
    later: Mapping[str, frozenset[str]]
    """Type -> controls that are judged when all else was read: they look at other resources, or at tags."""
    own: Mapping[tuple[str, str], tuple[str, ...]]
    """Control and type -> those of the type's properties that this control looks at."""
    joined: frozenset[tuple[str, str]]
    """Control and type where other resources decide too."""
    held: Mapping[str, frozenset[str]]
    """Type -> the properties that this takes, those that are looked at from other resources among them."""
    others: frozenset[str]
    """Types that are looked at from others."""
    keys: Mapping[str, frozenset[str]]
    """Type -> the keys of tags that it is asked for, "" among them where other tags count too."""
    by: Mapping[str, frozenset[str]]
    """Type -> controls that look at it, to judge it or others."""
    most: int
    """So many resources that are alike are as good as any more of them, for all that is counted."""


def looking(catalog: Catalog, controls: Iterable[Control]) -> Looking:
    """See Looking."""
    at: dict[str, set[str]] = {}
    later: dict[str, set[str]] = {}
    held: dict[str, set[str]] = {}
    own: dict[tuple[str, str], tuple[str, ...]] = {}
    apart: set[tuple[str, str]] = set()
    others: set[str] = set()
    keys: dict[str, set[str]] = {}
    by: dict[str, set[str]] = {}
    most = max(_counts([catalog.shapes, catalog.values]), default=0)
    for control in controls:
        for type_name, rule in control.resources.items():
            given = [it for it in rule.get("places", ()) if it.get("given", True)]
            most = max([most, *_counts(given)])
            at.setdefault(type_name, set())
            waits = is_scoped(catalog.types.get(type_name))
            joined = False
            found: dict[str, set[str]] = {}
            for part, path, schema in paths({**rule, "places": given}, catalog.shapes, catalog.values):
                joined |= "@" in path
                if path.startswith(TAGS):
                    keys.setdefault(type_name, set()).add(_key(part, path, schema, catalog.values))
                for kind, name in looks(catalog.types, type_name, path):
                    waits |= joined or name == TAGS
                    found.setdefault(kind, set()).update({name} if "@" not in name else ())
            own[control.id, type_name] = tuple(sorted(found.get(type_name, ())))
            apart |= {(control.id, type_name)} if joined else set()
            for kind in {type_name, *found}:
                by.setdefault(kind, set()).add(control.id)
            for kind, names in found.items():
                at.setdefault(kind, set()).update(names)
                if waits:
                    held.setdefault(kind, set()).update(names)
            if waits:
                later.setdefault(type_name, set()).add(control.id)
                others |= found.keys() - (set() if joined else {type_name})  # a joint may lead back
    frozen = _frozen(at), _frozen(later), own, frozenset(apart), _frozen(held), frozenset(others)
    return Looking(*frozen, _frozen(keys), _frozen(by), most + 1)


def _key(part: str, path: str, schema: Any, values: Mapping[str, Any]) -> str:
    """The key of which a line asks whether some tag has it; "" for a line that asks more."""
    asked = values.get(schema["$ref"], {}) if schema and "$ref" in schema else schema or {}
    return str(asked.get("const", "")) if path == f"{TAGS}[].Key" and part != "requires" else ""


def _counts(node: Any) -> Iterator[int]:
    """The numbers of items that requirements ask for."""
    for name, below in node.items() if isinstance(node, dict) else enumerate(node):
        if name in ("minItems", "maxItems") and type(below) is int:
            yield below
        elif isinstance(below, (dict, list)):
            yield from _counts(below)


def _frozen(found: Mapping[str, set[str]]) -> dict[str, frozenset[str]]:
    return {kind: frozenset(names) for kind, names in found.items()}


def paths_of(kind: Any, at: str = "") -> Iterator[str]:
    """The paths of all texts in a tree of kinds."""
    if isinstance(kind, Mapping):
        for name, below in kind.items():
            if "@" not in name and name != "*":
                yield from paths_of(below, f"{at}.{name}" if at else name)
    elif isinstance(kind, list):
        yield from paths_of(kind[0], f"{at}[]")
    elif isinstance(kind, str):
        yield at


def texts_at(node: Any, path: str) -> Iterator[str]:
    """The texts that a path of plain properties leads to."""
    step, _, rest = path.partition(".")
    if isinstance(node, Mapping):
        below = node.get(step.removesuffix("[]"))
        for each in below if isinstance(below, list) else [below]:
            if rest:
                yield from texts_at(each, rest)
            elif isinstance(each, str):
                yield each


class Thing(NamedTuple):
    """A resource that others may be joined to."""

    type: str
    name: str
    names: frozenset[str]
    properties: Mapping[str, Any]
    attributes: Mapping[str, str] = {}
    """What Fn::GetAtt gives, by the attribute's name."""
    home: str | None = None
    """The region that it lies in, where that is another one."""


def thing_of(item: Item) -> Thing:
    """A SageMaker resource, as others may be joined to it."""
    arn = item.arn or item.name
    return Thing(item.type, item.name, frozenset((item.name, arn, arn.rpartition("/")[2])), item.properties)


class Things:
    """The resources that were read in one scope, by what leads to them."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._named: dict[str, dict[str, dict[str, Any]]] = {}
        self._all: dict[str, list[dict[str, Any]]] = {}
        self._by: dict[tuple[str, str, bool], dict[str, list[dict[str, Any]]]] = {}
        self.missing: dict[str, str] = {}
        """Types that could not be read to the end -> why."""
        self.shared: frozenset[str] = frozenset()
        """Types that are the same in every region."""

    def add(self, thing: Thing) -> None:
        """Take in a resource."""
        properties = {**thing.properties, OWNER: self.owner(thing)}
        self._all.setdefault(thing.type, []).append(properties)
        known = self._named.setdefault(thing.type, {})
        for name in thing.names:
            known.setdefault(name, properties)

    def owner(self, thing: Thing) -> Owner:
        """What joints know the resource by."""
        return Owner(thing.type, thing.name, self._catalog.kinds.get(thing.type, {}), thing)

    def is_named(self, type_name: str) -> bool:
        """Do resources name those of a type, or gather others of them?"""
        entries = [entry or {} for entry in self._catalog.types.values()]
        named = any(type_name in kinds for entry in entries for kinds in references(entry).values())
        return named or "gathers" in (self._catalog.types.get(type_name) or {})

    def lose(self, type_name: str, fault: Fault | str) -> None:
        """Not all resources of a type are known."""
        self.missing.setdefault(type_name, str(fault))

    def follow(self, text: str, types: Iterable[str]) -> Any:
        """The properties of what a text names, Partial where that is not in this audit."""
        for type_name in types:
            found = self._named.get(type_name, {}).get(bare(text))
            if found is not None:
                return found
        return unknown(f"{inert(text, 100)}, which is not in this audit", filled=True)

    def gather(self, owner: Owner, joint: Mapping[str, Any]) -> Any:
        """Those that name a resource, as `View.gather` gives them."""
        type_name, thing = joint["from"], owner.home
        if "by" not in joint:
            found = self._all.get(type_name, [])
        else:
            found = self._joined(thing, type_name, joint["by"], joint.get("attribute"), "entire" in joint)
        for path in joint.get("except", ()):
            apart = [id(it) for it in self._joined(thing, type_name, path, None)]
            found = [it for it in found if id(it) not in apart]
        why = self.missing.get(type_name)
        if why is None and thing.home and type_name not in self.shared:
            why = f"what there is in {thing.home}"
        if why is None:
            return found or None
        more = Partial((Opaque(why, more=True),))
        return [*found, more] if found else unknown(why)

    def _joined(
        self, thing: Thing, type_name: str, path: str, attribute: str | None, entire: bool = False
    ) -> list[dict[str, Any]]:
        index = self._by.get((type_name, path, entire))
        if index is None:
            index = self._by[type_name, path, entire] = {}
            for each in self._all.get(type_name, []):
                for text in texts_at(each, path):
                    if not (entire and part_of(text)):
                        index.setdefault(bare(text), []).append(each)
        names = thing.names if attribute is None else {thing.attributes.get(attribute, "")}
        found = {id(each): each for name in sorted(names) for each in index.get(name, ())}
        return list(found.values())


def bare(text: str) -> str:
    """The name in a text that names a resource: of a place in S3 its bucket."""
    found = _IN_S3.match(text)
    return found[1] if found else text
