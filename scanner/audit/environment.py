"""What SageMaker's resources of a region stand in: networks, roles, buckets, keys.

Read after them: only types that the chosen controls need, in detail only what belongs to an ML environment.
"""

from __future__ import annotations

import json
import re
import zlib
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from scanner.audit.answer import told
from scanner.audit.fault import Fault
from scanner.audit.item import GLOBAL, Item
from scanner.audit.joints import Looking, Thing, Things, bare, looking, paths_of, texts_at
from scanner.audit.source import Row, Source
from scanner.audit.source_reader import Reader
from scanner.catalog import Catalog, property_kinds
from scanner.environment import Environment
from scanner.joint import references
from scanner.model import Control

if TYPE_CHECKING:
    from concurrent.futures import Executor


class Taken(NamedTuple):
    """A resource that was read, None if only its name was; and what of it could not be.

    `belongs`: to the environment; the others are only looked at from there.
    """

    type: str
    item: Item | None = None
    thing: Thing | None = None
    faults: tuple[Fault, ...] = ()
    belongs: bool = False
    id: str = ""
    """What AWS Config calls it."""


class _Kept(NamedTuple):
    """A resource that is known by name."""

    name: str
    names: frozenset[str]
    texts: Mapping[str, frozenset[str]]
    """Path by which it may be found -> what it names there."""
    own: bool
    """Is it of the environment by its tags, or since all of the region is?"""
    packed: bytes


class Surroundings:
    """The types of `sources` in one scope, as far as they are needed."""

    def __init__(
        self,
        catalog: Catalog,
        looking: Looking,
        sources: Mapping[str, Source],
        reader: Reader,
        things: Things,
        environment: Environment,
        away: Callable[[str, str], bool],
    ) -> None:
        """`away`: is it known that no resource of a type is there that a name leads to?"""
        self._types = {kind: catalog.types.get(kind) or {} for kind in catalog.types}
        self._sources, self._reader, self._things = sources, reader, things
        self._environment, self._away = environment, away
        things.shared = frozenset(kind for kind, source in sources.items() if source.shared)
        self._wanted = {kind: wanted_of(catalog, looking, kind, sources) for kind in sources}
        self._leading = {kind: leading(catalog, kind, sources) for kind in sources}
        self._rows: dict[str, list[_Kept]] = {}
        self._turns = {source.service: Lock() for source in sources.values()}
        """Held to list types of a service: several may share an operation."""
        self._faults: dict[str, Fault] = {}
        """Why not all of a type could be listed, until that is told."""
        self._unlisted: set[str] = set()
        self._called: dict[str, set[str]] = {kind: set() for kind in sources}
        """Type -> what others call its resources."""
        self._members: dict[str, set[str]] = {}
        """Type -> all that leads to those that belong."""
        self._sought: dict[str, dict[str, set[str]]] = {}
        """Type -> path -> what must stand there for a resource to be looked at; "": all are."""

    def meet(self, thing: Thing) -> None:
        """A resource that belongs, or is looked at: what leads to others from it."""
        for path, kinds in self._leading.get(thing.type, {}).items():
            for text in texts_at(thing.properties, path):
                for kind in kinds:
                    self.call(kind, bare(text))
        for joint in self._types[thing.type].get("gathers", {}).values():
            found = self._sought.setdefault(joint["from"], {}).setdefault(joint.get("by", ""), set())
            attribute = joint.get("attribute")
            found.update(thing.names if attribute is None else {thing.attributes.get(attribute, "")})

    def call(self, type_name: str, name: str) -> None:
        """Some resource names one of a type."""
        if not self._away(type_name, name):
            self._called[type_name].add(name)

    def expect(self, kinds: Iterable[str], pool: Executor) -> None:
        """List types that are known to be needed, while SageMaker's resources are still being read."""
        for kind in kinds:
            source = self._sources[kind]
            # All keys that are named may turn out to be somebody else's.
            if source.service != "kms" and self._is_alone(source):
                pool.submit(self._list, kind)

    def affected(self, type_name: str) -> set[str]:
        """The types that are not all known for want of one: itself and, if not listed, what it leads to."""
        found = {type_name}
        while type_name in self._unlisted:
            more = {kind for it in found for kinds in self._leading[it].values() for kind in kinds}
            for kind, ways in ((kind, references(self._types[kind])) for kind in self._sources):
                if any(not found.isdisjoint(ways[path]) for path in self._with(kind)):
                    more.add(kind)
            if more <= found:
                break
            found |= more
        return found

    def read(self) -> Iterator[Taken]:
        """Everything that belongs, then what is looked at from there."""
        for belongs in (True, False):
            found = True
            while found:
                found = False
                self._list_all(belongs)
                for type_name in self._sources:
                    for taken in self._take(type_name, belongs):
                        found |= taken.item is not None
                        yield taken

    def _take(self, type_name: str, belongs: bool) -> Iterator[Taken]:
        if type_name not in self._rows:
            if not self._may_be(type_name, belongs):
                return
            self._list(type_name)
        if fault := self._faults.pop(type_name, None):
            self._things.lose(type_name, fault)
            self._unlisted.add(type_name)
            yield Taken(type_name, faults=(fault,))
        chosen = [row for row in self._rows[type_name] if self._wants(type_name, row, belongs)]
        names = {row.name for row in chosen}
        self._rows[type_name] = [row for row in self._rows[type_name] if row.name not in names]
        source, wanted = self._sources[type_name], self._wanted[type_name]

        def ask(row: _Kept) -> tuple[Any, Item | None, list[Fault]]:
            record = json.loads(zlib.decompress(row.packed))
            return record, *self._reader.item(source, Row(row.name, row.names, record), wanted)

        for row, (record, item, faults) in zip(chosen, self._reader.map_calls(ask, chosen), strict=True):
            if belongs:
                self._members.setdefault(type_name, set()).update(row.names)
            thing, called = None, ""
            if item is not None:
                called = str(told(source.config_id, record) or item.name)
                given = {name: told(it, record) for name, it in source.attributes.items()}
                home = item.home if self._is_elsewhere(item.home) else None
                thing = Thing(type_name, item.name, row.names, item.properties, given, home)
                self._things.add(thing)
                self.meet(thing)
            elif faults and any(fault.kind != "missing" for fault in faults):
                self._things.lose(type_name, faults[0])
            yield Taken(type_name, item, thing, tuple(faults), belongs, called)

    def _may_be(self, type_name: str, belongs: bool) -> bool:
        """Can a resource of a type be needed yet? Otherwise its service need not be asked."""
        if self._environment.whole or self._called[type_name]:
            return True
        entry = self._types[type_name]
        ways = references(entry)
        if any(self._members.get(kind) for path in self._with(type_name) for kind in ways[path]):
            return True
        return not belongs and type_name in self._sought

    def _wants(self, type_name: str, row: _Kept, belongs: bool) -> bool:
        if row.own or not row.names.isdisjoint(self._called[type_name]):
            return True
        entry = self._types[type_name]
        ways = references(entry)
        for path in self._with(type_name):
            if any(not row.texts[path].isdisjoint(self._members.get(kind, ())) for kind in ways[path]):
                return True
        if belongs:
            return False
        return any(
            not path or not row.texts[path].isdisjoint(names)
            for path, names in self._sought.get(type_name, {}).items()
        )

    def _list_all(self, belongs: bool) -> None:
        """List what can be needed already, services side by side."""
        due: dict[str, list[str]] = {}
        for type_name, source in self._sources.items():
            alone = self._is_alone(source)
            if alone and type_name not in self._rows and self._may_be(type_name, belongs):
                due.setdefault(source.service, []).append(type_name)

        def list_each(kinds: list[str]) -> None:
            for kind in kinds:
                self._list(kind)

        deque(self._reader.map_calls(list_each, due.values()), 0)

    @staticmethod
    def _is_alone(source: Source) -> bool:
        """Those that ask for many at once do so side by side themselves."""
        return all(read.many is None for read in source.reads)

    def _list(self, type_name: str) -> None:
        source = self._sources[type_name]
        with self._turns[source.service]:
            if type_name not in self._rows:
                self._rows[type_name] = list(self._listed(type_name, source))

    def _listed(self, type_name: str, source: Source) -> Iterator[_Kept]:
        paths = self._paths(type_name)
        try:
            for row in self._reader.rows(source, self._wanted[type_name]):
                tops = {path: path.partition(".")[0].removesuffix("[]") for path in paths}
                first = {top: source.properties.get(top, (top,))[0] for top in tops.values()}
                known = {top: told(expression, row.record) for top, expression in first.items()}
                texts = {
                    path: frozenset(map(bare, texts_at(known, path)))
                    if told(source.belongs.get(path, "@"), row.record)
                    else frozenset()
                    for path in paths
                }
                packed = zlib.compress(
                    json.dumps(row.record, default=str).encode("utf-8", "surrogatepass"), 1
                )
                own = self._environment.whole or self._environment.tagged(row.record)
                own = own and not self._is_elsewhere(source.home(row.record))
                yield _Kept(row.name, row.names, texts, own, packed)
        except Fault as fault:
            self._faults[type_name] = fault

    def _is_elsewhere(self, home: str | None) -> bool:
        return home not in (None, "", GLOBAL, self._reader.api.scope.region)

    def _paths(self, type_name: str) -> set[str]:
        """The paths by which resources of a type are found."""
        gathered = {
            joint["by"]
            for entry in self._types.values()
            for joint in entry.get("gathers", {}).values()
            if joint["from"] == type_name and "by" in joint
        }
        return gathered | self._with(type_name)

    def _with(self, type_name: str) -> set[str]:
        """The paths to what it belongs with."""
        return {*self._types[type_name].get("belongs-with", ()), *self._sources[type_name].belongs}


def needed(catalog: Catalog, looking: Looking, sources: Mapping[str, Source]) -> dict[str, Source]:
    """The sources of types that controls look at, and of those that lead from SageMaker there."""
    wanted = {kind for kind in looking.at if kind in sources}
    while True:
        more = {
            kind
            for kind in sources.keys() - wanted
            if not wanted.isdisjoint(_to(catalog, kind))
            or any(kind in _to(catalog, each, ("belongs-with",)) for each in wanted)
        }
        if not more:
            return {kind: sources[kind] for kind in sorted(wanted)}
        wanted |= more


def _to(catalog: Catalog, type_name: str, fields: Collection[str] = ()) -> set[str]:
    entry = catalog.types.get(type_name) or {}
    ways = references(entry)
    paths: Iterable[str] = [it for field in fields for it in entry.get(field, ())] if fields else ways
    return {kind for path in paths for kind in ways[path]}


def wanted_of(
    catalog: Catalog, looking: Looking, type_name: str, sources: Mapping[str, Source]
) -> frozenset[str]:
    """The properties of a type that are looked at, or that lead to other types that are read."""
    tops = (path.partition(".")[0].removesuffix("[]") for path in leading(catalog, type_name, sources))
    return looking.at.get(type_name, frozenset()) | frozenset(tops)


def leading(catalog: Catalog, type_name: str, sources: Mapping[str, Source]) -> dict[str, set[str]]:
    """Path -> the types of other services that are read and that a type names there."""
    ways = {path: set(kinds) for path, kinds in references(catalog.types.get(type_name)).items()}
    if type_name not in sources:
        called = [(kind, re.compile(source.called)) for kind, source in sources.items() if source.called]
        for path in paths_of(property_kinds()["kinds"].get(type_name)):
            name = path.rpartition(".")[2].removesuffix("[]")
            found = {kind for kind, pattern in called if pattern.fullmatch(name)}
            if found:
                ways.setdefault(path, set()).update(found)
    read = {path: kinds & sources.keys() for path, kinds in ways.items()}
    return {path: kinds for path, kinds in read.items() if kinds}


def surroundings(
    catalog: Catalog, controls: Collection[Control], known: Mapping[str, Source]
) -> tuple[set[str], dict[str, Source]]:
    """What controls need beside their own types: SageMaker's that lead to others, and those others."""
    found = looking(catalog, controls)
    chosen = needed(catalog, found, known)
    leads = {kind for kind in catalog.types if kind not in known and leading(catalog, kind, chosen)}
    return leads | found.others, chosen
