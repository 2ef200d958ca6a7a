"""Auditing one account and region: every resource type that the chosen controls are about, side by side."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from functools import partial
from graphlib import TopologicalSorter
from itertools import islice
from typing import Any

from scanner.audit import access as credentials
from scanner.audit import census
from scanner.audit.acquisition import Acquisition, Wanted
from scanner.audit.fault import Fault
from scanner.audit.item import Api, Item, Scope
from scanner.audit.job import ScopeJob, ScopeResult, Watch
from scanner.audit.judging import Census, Judge, Judged, joins_of
from scanner.audit.keys import KeyBook
from scanner.audit.pace import Count, total
from scanner.audit.steps import DEFINITION, PIPELINE, Step, Steps
from scanner.audit.tags import tags_by_arn
from scanner.audit.unit import Log, Unit, unpack
from scanner.catalog import Catalog
from scanner.model import Control, Gap, Note

_TYPES_AT_ONCE = 16
_AHEAD = 32
"""Calls of one type that are under way, or done before their turn."""
_STRIDE = 100
_STACK = "aws:cloudformation:stack-name"
_TICK = 0.1
_PATIENCE = 2.0
"""Seconds that calls under way get to end after the audit was stopped."""
DEFECT = "this is a defect of smguard; please report it"


def audit_scope(job: ScopeJob, watch: Watch | None = None) -> ScopeResult:
    """Audit one account and region. Whatever goes wrong is a Gap of its result."""
    watch = watch or Watch()
    watch.begin(job.scope, len(job.how))
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


def readable(
    catalog: Catalog, controls: Iterable[Control], known: Mapping[str, Acquisition]
) -> dict[str, Acquisition]:
    """How to read each type that some of the controls are about; those that others refer to come first."""
    joins, types = joins_of(catalog), set()
    for type_name in {type_name for control in controls for type_name in control.resources}:
        if type_name in known:
            types.add(known[type_name].read_as or type_name)
        if PIPELINE in known and "steps" in catalog.types.get(type_name, ()):
            types.add(PIPELINE)
    # What can be many, one page after the other, begins first: the audit takes as long as that does.
    begun = sorted(types, key=lambda it: (known[it].search is None, not known[it].open, it))
    ends = {it: {to for each in joins.get(it, {}).values() for to in each} & types for it in begun}
    TopologicalSorter(ends).prepare()  # types that wait for each other would do so for ever

    def before(type_name: str) -> Iterator[str]:
        for to in sorted(ends[type_name]):
            yield from before(to)
        yield type_name

    return {it: known[it] for type_name in begun for it in before(type_name)}


class _Region:
    """One account and region while it is audited."""

    def __init__(self, job: ScopeJob, api: Api, watch: Watch) -> None:
        self.job, self.api, self.watch = job, api, watch
        joins = joins_of(job.catalog)
        ends = {to for type_name in job.how for types in joins.get(type_name, {}).values() for to in types}
        self.census = Census(ends & job.how.keys())
        self.judge = Judge(job.catalog, job.controls, self.census, KeyBook(api))
        self.steps = Steps(job.catalog, job.controls)
        self.memory = job.door.memory(job.scope)
        # Calls that wait for their turn to be made must not keep those of other types from being made.
        self.pools = {type_name: ThreadPoolExecutor(job.calls, "call") for type_name in job.how}

    def audit(self) -> ScopeResult:
        runners = ThreadPoolExecutor(_TYPES_AT_ONCE, "type")
        try:
            futures = {type_name: runners.submit(self._audit_type, type_name) for type_name in self.job.how}
            self._await(set(futures.values()))
            units = [
                future.result() if future.done() else Unit(it, "unread", stopped=True)
                for it, future in futures.items()
            ]
        finally:
            # Who hangs in a call after the audit was stopped is not waited for.
            runners.shutdown(wait=False, cancel_futures=True)
            for type_name, pool in self.pools.items():
                pool.shutdown(wait=False, cancel_futures=True)
                self.census.close(type_name)
        gaps = [fault.gap(["customer-managed-kms-key"], "KMS keys") for fault in self.judge.faults]
        halted = [unit.type for unit in units if unit.stopped]
        if halted:
            what = f"the audit was stopped before all was read of {', '.join(halted)}"
            gaps.append(Gap(self.job.scope.shown, what, "run again with --resume"))
        stacks, notes = self._stacks(units)
        return ScopeResult(
            self.job.scope, tuple(units), tuple(gaps), (*self.job.door.notes(), *notes), stacks
        )

    def _stacks(self, units: Iterable[Unit]) -> tuple[dict[str, str], list[Note]]:
        """Which stacks made the resources with findings that only the tagging API tells of, in few calls."""
        kinds = {kind for unit in units for kind in unit.kinds}
        if not kinds:
            return {}, []
        try:
            tags = tags_by_arn(self.api, kinds)
        except Fault as fault:
            return {}, [Note(self.job.scope.shown, f"the stacks of most resources are not named: {fault}")]
        return {arn: each[_STACK] for arn, each in tags.items() if _STACK in each}, []

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
        self.watch.end(self.job.scope, unit)
        return unit

    def _finished(self, type_name: str) -> Unit | None:
        """What an earlier audit that was broken off has of a type, if this one goes on from there."""
        kept = self.job.door.finished(self.job.scope, type_name)
        if kept is None:
            return None
        unit = unpack(kept)
        self.census.restore(type_name, unit.names)
        return unit

    def _read(self, type_name: str) -> Unit:
        count = _Count()
        try:
            for found in self._found(type_name):
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
        controls = [control.id for control in self.judge.controls.get(type_name, ())]
        unit = count.unit(
            self.job.how[type_name], self.job.scope.shown, controls, self.census.names(type_name)
        )
        if unit.state == "judged" and not self.judge.faults:
            self.job.door.finish(self.job.scope, type_name, unit.pack())
        return unit

    def _judge(self, item: Item, count: _Count) -> None:
        self.census.add(item)
        self._keep(item, self.judge.judge(item), count)
        if item.type == PIPELINE:
            for found in self.steps.judge(item):
                if isinstance(found, Step):
                    self._keep(*found, count)
                else:
                    what = f"{PIPELINE} {item.name}: {found.what}"
                    count.take(found._replace(where=self.job.scope.shown, what=what))

    def _keep(self, item: Item, judged: Judged, count: _Count) -> None:
        count.resources += 1
        count.passed += len(judged.passed)
        for control, error in judged.crashed:
            count.crash(f"{control} crashed on {item.type}: {error}", self.job.scope)
        count.log.add(item, judged, self.job.keep_passed)
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

    def _found(self, type_name: str) -> Iterator[Item | Fault | Gap | Note]:
        names = self.judge.looks_at(type_name) | ({DEFINITION} if type_name == PIPELINE else set())
        wanted = Wanted(names, self.job.since, tags=True)
        return census.read(
            self.api, self.job.how[type_name], wanted, self.memory, partial(self._map, self.pools[type_name])
        )


class _Count:
    """What one type came to so far."""

    def __init__(self) -> None:
        self.resources = 0
        self.passed = 0
        self.crashed = False
        self.stopped = False
        self.vanished = 0
        self.log = Log()
        self._faults: dict[tuple[str, str, str], tuple[Fault, int]] = {}
        self._gaps: dict[Gap, None] = {}
        self._notes: dict[Note, None] = {}

    def take(self, found: Fault | Gap | Note) -> None:
        """Something other than a resource; of faults of one kind only how many."""
        if isinstance(found, Gap):
            self._gaps[found] = None
        elif isinstance(found, Note):
            self._notes[found] = None
        elif found.kind == "stopped":
            self.stopped = True
        elif found.kind == "missing":
            self.vanished += 1
        else:
            known = (found.action, found.kind, found.code)
            self._faults[known] = (found, self._faults.get(known, (found, 0))[1] + 1)

    def crash(self, what: str, scope: Scope) -> None:
        """A defect of ours, each said once."""
        self.crashed = True
        self._gaps[Gap(scope.shown, what, DEFECT)] = None

    def unit(self, how: Acquisition, where: str, controls: Iterable[str], names: Iterable[str]) -> Unit:
        """The type, done as far as it could be; `controls` judge it, `names` lead to its resources."""
        type_name = how.type
        gaps = [
            fault.gap(controls, f"{type_name} ({number} times)" if number > 1 else type_name)
            for fault, number in self._faults.values()
        ]
        if self.vanished:
            what = f"{type_name}: {self.vanished} were listed and then not there: taken as deleted since"
            self._notes[Note(where, what)] = None
        whole = not (gaps or self._gaps or self.stopped)
        return Unit(
            type=type_name,
            state="judged" if whole else "partial" if self.resources else "unread",
            resources=self.resources,
            passed=self.passed,
            crashed=self.crashed,
            stopped=self.stopped,
            gaps=(*gaps, *self._gaps),
            notes=tuple(self._notes),
            names=tuple(names),
            kinds=() if how.search else tuple(self.log.kinds),
            log=self.log.close(),
        )
