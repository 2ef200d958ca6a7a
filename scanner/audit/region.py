"""Auditing one account and region: every resource type that the chosen controls are about, side by side."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from functools import partial
from itertools import islice
from typing import Any

from scanner.audit import access as credentials
from scanner.audit import census
from scanner.audit.acquisition import Wanted
from scanner.audit.environment import Surroundings
from scanner.audit.fault import Fault
from scanner.audit.item import DEFINITION, PIPELINE, STACK, TAGS, Api, Item, spelled
from scanner.audit.job import ScopeJob, ScopeResult, Watch
from scanner.audit.joints import Thing, thing_of
from scanner.audit.judging import Census, Judge, Judged
from scanner.audit.keys import KEY
from scanner.audit.later import Keep, fill, kept_items
from scanner.audit.pace import Count, total
from scanner.audit.reckoning import Reckoning
from scanner.audit.shape import keep_tags
from scanner.audit.source_reader import Reader
from scanner.audit.steps import Step, Steps
from scanner.audit.tags import Tags, tags_beside, with_tags
from scanner.audit.unit import Unit, unpack
from scanner.joint import judged_at
from scanner.model import DEFECT, Gap, Note

_TYPES_AT_ONCE = 16
_AHEAD = 32
"""Calls of one type that are under way, or done before their turn."""
_STRIDE = 100
_TICK = 0.1
_PATIENCE = 2.0
"""Seconds that calls under way get to end after the audit was stopped."""


def audit_scope(job: ScopeJob, watch: Watch | None = None) -> ScopeResult:
    """Audit one account and region. Whatever goes wrong is a Gap of its result."""
    watch = watch or Watch()
    watch.begin(job.scope, len(job.how) + len(job.sources))
    api, asked = job.door.enter(job.scope, watch.clock)
    watch.asks(asked)
    try:
        job.door.verify(api)
        result = _Region(job, api, watch).audit()
    except Fault as fault:
        names = sorted(control.id for control in job.controls)
        gap = fault.gap(names, "the whole region")
        result = ScopeResult(job.scope, tuple(Unit(type_name, "unread") for type_name in job.how), (gap,))
    made = {name: Count(number) for name, number in credentials.asked().items()}
    return result._replace(calls=total([asked(), made]))


class _Region:
    """One account and region while it is audited."""

    def __init__(self, job: ScopeJob, api: Api, watch: Watch) -> None:
        self.job, self.api, self.watch = job, api, watch
        ends = {to for type_name in job.how for to in judged_at(job.catalog.types, type_name)}
        self.census = Census(ends & job.how.keys())
        self.judge = Judge(job.catalog, job.controls, self.census, api)
        self.keeps = {it: Keep(job.catalog, self.judge.looking, it, job.sources) for it in job.how}
        self.steps = Steps(job.catalog, job.controls, self.judge.tell)
        self.memory = job.door.memory(job.scope)
        self.begun: dict[str, Future[Unit]] = {}
        self.told: Mapping[str, Tags] | Fault | None = None
        """The tags of resources, once they were asked for."""
        # Calls that wait for their turn to be made must not keep those of other types from being made.
        self.pools = {type_name: ThreadPoolExecutor(job.calls, "call") for type_name in job.how}
        self.beside = ThreadPoolExecutor(job.calls, "call")
        self.reader = Reader(api, partial(self._map, self.beside))
        self.around = Surroundings(
            *(job.catalog, self.judge.looking, job.sources, self.reader, self.judge.things),
            *(job.environment, self._is_away),
        )

    def audit(self) -> ScopeResult:
        runners = ThreadPoolExecutor(_TYPES_AT_ONCE, "type")
        futures = self.begun
        try:
            for type_name in self.job.how:
                futures[type_name] = runners.submit(self._audit_type, type_name)
            self._await(set(futures.values()))
            units = [
                future.result() if future.done() else Unit(it, "unread", stopped=True)
                for it, future in futures.items()
            ]
            units, crash = self._finish(units)
        finally:
            # Who hangs in a call after the audit was stopped is not waited for.
            for pool in (runners, self.beside, *self.pools.values()):
                pool.shutdown(wait=False, cancel_futures=True)
            for type_name in self.pools:
                self.census.close(type_name)
            self.memory.flush()
        gaps = [fault.gap(["customer-managed-kms-key"], "KMS keys") for fault in self.judge.faults] + crash
        halted = [unit.type for unit in units if unit.stopped]
        if halted:
            what = f"the audit was stopped before all was read of {', '.join(halted)}"
            gaps.append(Gap(self.job.scope.shown, what, "run again with --resume"))
        stacks, notes = self._stacks(units)
        return ScopeResult(
            self.job.scope, tuple(units), tuple(gaps), (*self.job.door.notes(), *notes), stacks
        )

    def _stacks(self, units: Sequence[Unit]) -> tuple[dict[str, str], list[Note]]:
        """Which stacks made the resources with findings that only the tagging API tells of, in few calls."""
        tags = self._tags(units)
        if isinstance(tags, Fault):
            return {}, [Note(self.job.scope.shown, f"the stacks of most resources are not named: {tags}")]
        return {arn: each[STACK] for arn, each in tags.items() if STACK in each}, []

    def _await(self, waiting: set[Future[Unit]]) -> None:
        patience = _PATIENCE
        while waiting and patience > 0:
            _, waiting = wait(waiting, timeout=_TICK, return_when=FIRST_COMPLETED)
            if self.watch.stopped:
                patience -= _TICK

    def _audit_type(self, type_name: str) -> Unit:
        try:
            unit = self._finished(type_name) or self._read(type_name)
        finally:
            self.pools[type_name].shutdown(wait=False)
            self.census.close(type_name)
        self.around.expect({kind for kind, _ in unit.called}, self.beside)
        self.watch.end(self.job.scope, unit)
        return unit

    def _finish(self, units: list[Unit]) -> tuple[list[Unit], list[Gap]]:
        """The units, with what could only be judged when all was read."""
        try:
            return [*self._judge_later(units)], []
        except Exception as error:
            if os.environ.get("SMGUARD_DEBUG"):
                raise
            what = f"what SageMaker's resources stand in can't be audited: {type(error).__name__}"
            return units, [Gap(self.job.scope.shown, what, DEFECT)]

    def _judge_later(self, units: list[Unit]) -> Iterator[Unit]:
        """What SageMaker's resources stand in, and what could not be judged without that."""
        looking, things, around = self.judge.looking, self.judge.things, self.around
        counts = {type_name: Reckoning() for type_name in self.job.sources}
        taken: list[tuple[Item, Thing]] = []
        asking = self.beside.submit(self._tags, units)
        if (keys := self.judge.keys) and keys.listed:
            self.reader.known["ListAliases"] = [{"Aliases": keys.listed}]
        for type_name in looking.others - self.job.how.keys() - self.job.sources.keys():
            things.lose(type_name, f"{type_name}, which an audit does not read")
        fill(around, things, looking, units)
        for each in around.read():
            for fault in each.faults:
                counts[each.type].take(fault)
            if each.belongs and each.item and each.thing and self.judge.controls.get(each.type):
                taken.append((each.item, each.thing))
        tags = asking.result()
        for unit in units:
            count = Reckoning()
            for item in kept_items(unit) if unit.type in looking.later else ():
                if TAGS in looking.at[unit.type] and TAGS not in item.properties:
                    item = with_tags(item, tags)
                    # To ask again what one call tells is less work.
                    if not isinstance(tags, Fault) and (item.arn in tags or len(tags) > _STRIDE):
                        keep_tags(self.memory, self.job.how[unit.type], self._wanted(unit.type), item)
                self._keep(item, self.judge.judge(item, thing_of(item), spelled(item)), count)
            yield count.onto(unit, self.job.scope.shown)
        for item, thing in taken:
            self._keep(item, self.judge.judge(item, thing), counts[item.type])
        for type_name, count in counts.items():
            controls = {it for kind in around.affected(type_name) for it in looking.by.get(kind, ())}
            yield count.unit(type_name, self.job.scope.shown, controls)

    def _is_away(self, type_name: str, name: str) -> bool:
        keys = self.judge.keys
        return keys is not None and type_name == KEY and keys.rules_out(name)

    def _tags(self, units: Iterable[Unit]) -> Mapping[str, Tags] | Fault:
        """The tags of the resources of which some control asks for them, or whose stack is to be named."""
        if self.told is None:
            looking, kinds = self.judge.looking, {kind for unit in units for kind in unit.kinds}
            asked = [unit for unit in units if unit.type in looking.later and TAGS in looking.at[unit.type]]
            try:
                self.told = tags_beside(self.api, [partial(kept_items, unit) for unit in asked], kinds)
            except Fault as fault:
                self.told = fault
        return self.told

    def _finished(self, type_name: str) -> Unit | None:
        """What an earlier audit that was broken off has of a type, if this one goes on from there."""
        kept = self.job.door.finished(self.job.scope, type_name)
        if kept is None:
            return None
        unit = unpack(kept)
        self.census.restore(type_name, unit.names)
        return unit

    def _is_empty(self, outer: str | None) -> bool:
        """Is there none of the type without which there are none of another one?"""
        # It was begun before, so that its turn comes while others wait for it.
        begun = self.begun.get(outer or "")
        unit = begun.result() if begun else None
        return unit is not None and unit.state == "judged" and not unit.resources

    def _read(self, type_name: str) -> Unit:
        count = Reckoning()
        try:
            for found in () if self._is_empty(self.job.how[type_name].within) else self._found(type_name):
                if isinstance(found, Item):
                    self._judge(found, count)
                else:
                    count.take(found)
        except Fault as fault:
            count.take(fault)
        except Exception as error:
            if os.environ.get("SMGUARD_DEBUG"):
                raise
            count.crash(f"{type_name} can't be audited: {type(error).__name__}", self.job.scope)
        controls = self.judge.looking.by.get(type_name, ())
        unit = count.unit(type_name, self.job.scope.shown, controls)._replace(
            names=tuple(self.census.names(type_name))
        )
        if self.job.how[type_name].search:
            unit = unit._replace(kinds=())
        unit = self.keeps[type_name].into(unit)
        if unit.state == "judged" and not self.judge.faults:
            self.job.door.finish(self.job.scope, type_name, unit.pack())
        return unit

    def _judge(self, item: Item, count: Reckoning) -> None:
        texts = spelled(item)
        self.census.add(item)
        self.keeps[item.type].add(item, texts)
        self._keep(item, self.judge.judge(item, texts=texts), count)
        if item.type == PIPELINE:
            for found in self.steps.judge(item):
                if isinstance(found, Step):
                    self._keep(*found, count)
                else:
                    what = f"{PIPELINE} {item.name}: {found.what}"
                    count.take(found._replace(where=self.job.scope.shown, what=what))

    def _keep(self, item: Item, judged: Judged, count: Reckoning) -> None:
        count.keep(item, judged, self.job.scope, self.job.keep_passed)
        if not count.resources % _STRIDE:
            self.watch.clock.now()
            self.watch.read(self.job.scope, _STRIDE)

    def _map(self, pool: Executor, function: Callable[[Any], Any], things: Iterable[Any]) -> Iterator[Any]:
        """What `function` gives for each thing, in their order, so that reports are the same every time.

        The calls begin at once.
        """
        left = iter(things)
        waiting = deque(pool.submit(function, thing) for thing in islice(left, _AHEAD))

        def results() -> Iterator[Any]:
            while waiting:
                yield waiting.popleft().result()
                waiting.extend(pool.submit(function, thing) for thing in islice(left, 1))

        return results()

    def _wanted(self, type_name: str) -> Wanted:
        looked_at = self.judge.looks_at(type_name) | ({DEFINITION} if type_name == PIPELINE else set())
        # To learn where a resource leads is not worth a call for each.
        leads = self.keeps[type_name].leads - self.job.how[type_name].beyond_search
        settled = self.judge.looking.keys.get(type_name, frozenset()) <= self.job.how[type_name].lasting
        return Wanted(looked_at | leads, self.job.since, settled)

    def _found(self, type_name: str) -> Iterator[Item | Fault | Gap | Note]:
        wanted, calls = self._wanted(type_name), partial(self._map, self.pools[type_name])
        return census.read(self.api, self.job.how[type_name], wanted, self.memory, calls)
