"""What is judged once all of a region's SageMaker resources are read: by controls that look at several."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scanner.audit.environment import Surroundings, leading
from scanner.audit.item import TAGS, Item
from scanner.audit.joints import Looking, Things, bare, texts_at, thing_of
from scanner.audit.source import Source
from scanner.audit.unit import Log, Unit, lines
from scanner.catalog import Catalog
from scanner.value import Opaque, Partial

_MOST = 1_000
"""So many properties of a type are remembered as followed: what is spelled alike leads to the same."""


class Keep:
    """What is kept of the resources of one type until then: what they name, and what is to be judged."""

    def __init__(self, catalog: Catalog, looking: Looking, type_name: str, sources: Mapping[str, Source]):
        self._leading: dict[str, list[tuple[str, set[str]]]] = {}
        """Property -> the paths in it that lead to other services, and to which types."""
        for path, kinds in leading(catalog, type_name, sources).items():
            top = path.partition(".")[0].removesuffix("[]")
            self._leading.setdefault(top, []).append((path, kinds))
        self.leads = frozenset(self._leading)
        """The top-level properties that lead to other services."""
        self.held = type_name in looking.later or type_name in looking.others
        """Is more kept of them than what they name?"""
        self._names = looking.held.get(type_name, frozenset())
        self._called: dict[tuple[str, str], None] = {}
        self._followed: set[int] = set()
        self._log = Log()

    def add(self, item: Item, texts: Mapping[str, str]) -> None:
        """Take in a resource; `texts` are its properties as `spelled`."""
        self._called.update(dict.fromkeys(self.calls(item, texts)))
        if self.held:
            self._log.write(self.row(item))

    def calls(self, item: Item, texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """The types of other services that a resource leads to, and by which names.

        What a property leads to is told once of all in whose `texts` it is spelled alike.
        """
        for top, ways in self._leading.items():
            mark = hash((top, texts.get(top)))
            if top not in item.properties or mark in self._followed:
                continue
            if top in texts and len(self._followed) < _MOST:
                self._followed.add(mark)
            for path, kinds in ways:
                for text in texts_at(item.properties, path):
                    yield from ((kind, bare(text)) for kind in kinds)

    def row(self, item: Item) -> tuple[Any, ...]:
        """What JSON can hold of a resource, as `kept_items` reads it."""
        plain, hidden = {}, {}
        for name in self._names & item.properties.keys():
            value = item.properties[name]
            if type(value) is Partial:
                hidden[name] = value.cause
            else:
                plain[name] = value
        unread = sorted(item.moot), sorted(item.unsaid)
        return item.name, item.arn, item.stack, plain, hidden, *unread

    def into(self, unit: Unit) -> Unit:
        """The type's unit with all that was kept."""
        return unit._replace(called=tuple(self._called), kept=self._log.close() if self.held else b"")


def kept_items(unit: Unit) -> Iterator[Item]:
    """The resources that were kept."""
    for line in lines(unit.kept):
        name, arn, stack, values, hidden, moot, unsaid = json.loads(line)
        values.update({name: Partial((Opaque(cause),)) for name, cause in hidden.items()})
        yield Item(unit.type, name, arn, values, stack, moot=frozenset(moot), unsaid=frozenset(unsaid))


def fill(
    around: Surroundings,
    things: Things,
    looking: Looking,
    units: Iterable[Unit],
) -> None:
    """Tell what the SageMaker resources of a scope name, and what others look at of them."""
    for unit in units:
        for kind, name in unit.called:
            around.call(kind, name)
        if unit.state != "judged":
            things.lose(unit.type, f"{unit.type}, not all of which could be read")
        alike: Counter[str] = Counter()
        named = things.is_named(unit.type)
        for each in kept_items(unit):
            item = each._replace(properties={it: each.properties[it] for it in each.properties if it != TAGS})
            # There may be half a million jobs: where nothing names them, few of those that are alike will do.
            if not named:
                known = json.dumps(item.properties, sort_keys=True, default=str)
                if alike[known] >= looking.most:
                    continue
                alike[known] += 1
            thing = thing_of(item)
            around.meet(thing)
            if unit.type in looking.others:
                things.add(thing)
