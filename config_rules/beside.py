"""What SageMaker's resources stand in: read and judged at the end of a pass, with what the pass has kept."""

from __future__ import annotations

import json
import zlib
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from config_rules.change import known_types
from config_rules.evaluation import Conclusion, conclude, worst
from config_rules.journal import Journal
from config_rules.rule import Rule
from scanner.audit import acquisition
from scanner.audit.environment import Surroundings, surroundings
from scanner.audit.item import Api, Item
from scanner.audit.joints import Thing, thing_of
from scanner.audit.judging import Judge
from scanner.audit.later import Keep, fill, kept_items
from scanner.audit.source_reader import Reader
from scanner.audit.unit import Log, Unit

if TYPE_CHECKING:
    from scanner.audit.census import MapCalls


class About(NamedTuple):
    """What is said of a resource as AWS Config calls it, and whether Config knows its type."""

    type: str
    id: str
    each: bool
    item: Item
    """The one that the conclusion is about: rules of a security group are a part of it."""
    conclusion: Conclusion


class Beside:
    """What of a pass is needed at its end. `before` is the `state` of the invocation before."""

    def __init__(self, rule: Rule, judge: Judge, before: str) -> None:
        self.rule, self.judge = rule, judge
        self.leads, self.sources = surroundings(rule.catalog, rule.controls, acquisition.sources())
        self._keeps: dict[str, Keep] = {}
        self._each: set[str] = set()
        """Types of which every resource counts, also of those that are alike."""
        self._alike: Counter[tuple[str, str]] = Counter()
        kept = json.loads(zlib.decompress(b64decode(before))) if before else [[], {}, {}, {}]
        self._called: dict[tuple[str, str], None] = dict.fromkeys(map(tuple, kept[0]))
        self._rows: dict[str, dict[str, Any]] = kept[1]
        self._said: dict[str, dict[str, tuple[str | None, str]]] = kept[2]
        self._lost: dict[str, str] = kept[3]
        for type_name, rows in self._rows.items():
            self._alike.update((type_name, _known(row)) for row in rows.values())

    @property
    def reported(self) -> set[str]:
        """What Config may call the types that are judged here."""
        judged = {name for control in self.rule.controls for name in control.resources}
        return {self._as(name)[0] for name in judged if self.rule.joins(name)}

    def add(self, item: Item, said: Conclusion | None) -> None:
        """Take in a resource that was read, and what its own properties say."""
        keep = self.keep(item.type)
        self._called.update(dict.fromkeys(keep.calls(item, {})))
        if said is not None:
            self._said.setdefault(item.type, {})[item.name] = said
        rows = self._rows.setdefault(item.type, {})
        if not keep.held or item.name in rows:
            return
        row = keep.row(item)
        alike = item.type, _known(row)
        if item.type in self._each or self._alike[alike] < self.judge.looking.most:
            self._alike[alike] += 1
            rows[item.name] = row

    def keep(self, type_name: str) -> Keep:
        """What is kept of a type."""
        known = self._keeps.get(type_name)
        if known is None:
            looking = self.judge.looking
            known = self._keeps[type_name] = Keep(self.rule.catalog, looking, type_name, self.sources)
            if type_name in looking.later or self.judge.things.is_named(type_name):
                self._each.add(type_name)
        return known

    def lose(self, type_name: str, why: str) -> None:
        """Not all of a type could be read."""
        self._lost.setdefault(type_name, why)

    def state(self) -> str:
        """All that was kept, as text."""
        kept = [*self._called], self._rows, self._said, self._lost
        return b64encode(zlib.compress(json.dumps(kept, default=str).encode())).decode()

    def read(self, api: Api, map_calls: MapCalls, how: Collection[str], journal: Journal) -> list[About]:
        """What is said of each resource that several decide, all types of `how` being read.

        Raises Fault of the kind "stopped".
        """
        looking, things = self.judge.looking, self.judge.things
        around = Surroundings(
            self.rule.catalog,
            looking,
            self.sources,
            Reader(api, map_calls),
            things,
            self.rule.environment,
            lambda kind, name: False,
        )
        for type_name in looking.others - {*how} - self.sources.keys():
            things.lose(type_name, f"{type_name}, which a rule does not read")
        units = list(self._units())
        fill(around, things, looking, units)
        taken: list[tuple[str, Item, Thing]] = []
        for each in around.read():
            for fault in each.faults:
                if fault.kind == "stopped":
                    raise fault
                if fault.kind != "missing":
                    journal.fault(fault, each.type)
            if each.belongs and each.item and each.thing:
                taken.append((each.id, each.item, each.thing))
        for unit in units:
            if self.rule.joins(unit.type):
                taken += ((it.name, it, thing_of(it)) for it in kept_items(unit))
        found: dict[tuple[str, str], About] = {}
        for name, item, thing in taken:
            if self.judge.controls.get(item.type):
                about = self._about(name, item, thing, journal)
                before = found.get((about.type, about.id), about)
                found[about.type, about.id] = min(before, about, key=lambda it: worst(it.conclusion))
        return list(found.values())

    def _units(self) -> Iterator[Unit]:
        """What was kept, as an audit has it."""
        yield Unit("", "judged", called=tuple(self._called), kept=Log().close())
        for type_name in sorted({*self._rows, *self._lost}):
            log = Log()
            for row in self._rows.get(type_name, {}).values():
                log.write(row)
            yield Unit(type_name, "partial" if type_name in self._lost else "judged", kept=log.close())

    def _about(self, name: str, item: Item, thing: Thing, journal: Journal) -> About:
        own = self._said.get(item.type, {}).get(item.name)
        conclusion = conclude(self.rule, item, self.judge.judge(item, thing), journal)
        if own is not None:
            conclusion = min(Conclusion(*own), conclusion, key=worst)
        type_name, report = self._as(item.type)
        return About(type_name, name, (self.rule.report or report) == "resource", item, conclusion)

    def _as(self, type_name: str) -> tuple[str, str]:
        """As which type Config knows resources of one, and of what a rule reports."""
        if type_name in self.sources:
            source = self.sources[type_name]
            return source.config_type, source.report
        how = known_types().get(type_name)
        return type_name, how.config.report if how else "account"


def _known(row: Any) -> str:
    return json.dumps(row[3], sort_keys=True, default=str)
