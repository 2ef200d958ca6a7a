"""What AWS Config does not record: read as an audit reads it, in time, and continued where that ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any

from config_rules.change import Elsewhere, known_types
from config_rules.cursor import Cursor
from config_rules.earlier import Earlier
from config_rules.evaluation import (
    COMPLIANT,
    NON_COMPLIANT,
    NOT_APPLICABLE,
    Conclusion,
    Evaluation,
    conclude,
    withdrawn,
    worst,
)
from config_rules.journal import Journal
from config_rules.notice import Notice
from config_rules.rule import Rule
from scanner import __version__
from scanner.alone import alone
from scanner.audit import census, opt_out
from scanner.audit.acquisition import Acquisition, Wanted
from scanner.audit.fault import Fault
from scanner.audit.item import DEFINITION, PIPELINE, TAGS, Api, Item
from scanner.audit.judging import Judge
from scanner.audit.tags import Tags, tags_of, with_tags
from scanner.model import Gap, Note

if TYPE_CHECKING:
    from config_rules.beside import Beside
    from scanner.audit.steps import Steps

ACCOUNT = "AWS::::Account"
AROUND = "what SageMaker's resources stand in"
"""The step of a pass that judges what several resources decide."""
MOST_KEPT = 160_000
"""Characters of a checkpoint that is needed for it: an event has at most 256 KB."""
_AT_ONCE = 16
_AHEAD = 32
_TAGGED = 100
"""Resources whose tags one call tells."""
_NAMED = 5
"""Resources that the account's annotation names."""
_ELSEWHERE = "`smguard audit` judges it, with --policy-parameters, from the organisation's management account"


class Walk:
    """One pass over all types that the rule's controls are about and Config does not record.

    Iterate over `evaluations()` to the end; then `checkpoint` says where the next invocation goes on, or None
    if the pass is done.
    """

    def __init__(self, notice: Notice, rule: Rule, api: Api, journal: Journal) -> None:
        self.notice, self.rule, self.api, self.journal = notice, rule, api, journal
        self.checkpoint: dict[str, Any] | None = None
        self.judge = Judge(rule.catalog, rule.controls, Elsewhere(rule), api)
        from scanner.audit.order import readable

        known, before = known_types(), notice.checkpoint
        joined = {it for control in rule.controls for it in control.resources if rule.joins(it)}
        self.joined = joined & known.keys()
        self.own = {
            name
            for name, how in readable(rule.catalog, rule.controls, known).items()
            if how.config.trigger == "periodic" and name not in joined
        }
        """Types of which a resource alone tells all."""
        self.beside: Beside | None = None
        leads: set[str] = set()
        if joined and before.get("beside", "") is not None:
            from config_rules.beside import Beside

            self.beside = Beside(rule, self.judge, before.get("beside", ""))
            leads = {known[it].read_as or it for it in self.joined | self.beside.leads if it in known}
        self.how = {
            name: how
            for name, how in readable(rule.catalog, rule.controls, known, leads).items()
            if name in self.own | leads
        }
        self.governed = any(opt_out.EFFECTIVE in control.resources for control in rule.controls)
        for control in rule.controls:
            if not control.resources.keys() & {*known, *joined, opt_out.EFFECTIVE}:
                journal.gap(f"{control.id} is about what no rule of AWS Config may ask", _ELSEWHERE)
        self.count = int(before.get("count", 0))
        self.tally = {"judged": 0, "unknown": 0, "failed": 0, **before.get("tally", {})}
        self.named: list[str] = list(before.get("named", ()))
        for gap in before.get("gaps", ()):
            journal.gap(gap)
        types = {*self.how, ACCOUNT, *(self.beside.reported if self.beside else ())}
        self.earlier = Earlier(api, notice, types, journal)
        self.pool = ThreadPoolExecutor(_AT_ONCE, "call")

    def evaluations(self) -> Iterator[Evaluation]:
        """What is to be reported, resource by resource, and of the account at the end."""
        before = self.notice.checkpoint
        ends = [opt_out.EFFECTIVE] * self.governed + [AROUND] * (self.beside is not None)
        names = [*sorted(self.how), *ends, ACCOUNT]
        if before.get("type") in names:
            names = names[names.index(before["type"]) :]
        try:
            for name in names:
                place = before if name == before.get("type") else {}
                if name in self.how:
                    yield from self._type(self.how[name], place)
                elif name == AROUND and self.beside is not None:
                    yield from self._around(self.beside)
                else:
                    yield from self._whole(name)
                if self.checkpoint is not None:
                    return
                for fault in self.judge.faults:
                    self.journal.fault(fault, "KMS keys")
        finally:
            self.pool.shutdown(wait=False, cancel_futures=True)

    def _type(self, how: Acquisition, place: Mapping[str, Any]) -> Iterator[Evaluation]:
        """The resources of a type, and where time runs out the place to go on from."""
        after = datetime.fromisoformat(place["after"]) if place.get("after") else None
        cursor = Cursor(self.api, how, after, place.get("done", ()))
        try:
            yield from self._resources(how, cursor, new=not place)
        except Fault as fault:
            if fault.kind == "stopped":
                self._pause(how.type, *cursor.place())
            else:
                self.journal.fault(fault, f"{how.type} that are not there any more")

    def _resources(self, how: Acquisition, cursor: Cursor, new: bool) -> Iterator[Evaluation]:
        """Those that are there, then those that are not any more though Config knows of them."""
        each = (self.rule.report or how.config.report) == "resource"
        own = how.type in self.own
        seen: set[str] = set()
        sound = True
        for found in self._found(how, cursor):
            if isinstance(found, Item):
                seen.add(found.name)
                conclusion = self._judged(found) if own or how.type in self.joined else None
                if self.beside is not None:
                    self.beside.add(found, None if own else conclusion)
                if own and conclusion is not None:
                    yield from self._worth(how.type, found.name, conclusion, each)
                    self._count(found, conclusion, each)
                cursor.emit(found.name)
            elif isinstance(found, Gap):
                self.journal.gap(found.what, found.hint)
            elif isinstance(found, Note):
                if new:  # else what was read before is missed
                    self.journal.say("INFO", found.what)
            elif found.kind == "stopped":
                raise found
            elif found.kind != "missing":
                sound = False
                self.journal.fault(found, how.type)
                if self.beside is not None:
                    self.beside.lose(how.type, str(found))
        if sound and own:
            why = "not there any more" if each else "reported with the account"
            for name in self.earlier.stale(how, seen if each else set(), whole=new or not each):
                yield Evaluation(how.type, name, NOT_APPLICABLE, why, self.notice.at)

    def _whole(self, name: str) -> Iterator[Evaluation]:
        """What is settled for the account as a whole, and at the end what is reported of it."""
        try:
            if name == ACCOUNT:
                yield from self._evaluation(ACCOUNT, self.notice.account, self._account())
                return
            for item in opt_out.items(opt_out.read(self.api), self.notice.account):
                self._count(item, self._judged(item), each=False)
        except Fault as fault:
            if fault.kind == "stopped":
                self._pause(name, None, [])
            elif fault.code == opt_out.NO_ORGANIZATION:
                self.journal.say("INFO", "the account is in no organisation")
            else:
                self.journal.fault(fault, "the opt-out policy in effect")

    def _around(self, beside: Beside) -> Iterator[Evaluation]:
        """What several resources decide, in one invocation, and what of it Config still shows of others."""
        try:
            old, found = self.earlier.told, beside.read(self.api, self._map, self.how, self.journal)
        except Fault as fault:
            if fault.kind != "stopped":
                raise
            self._pause(AROUND, None, [])
            return
        for about in found:
            yield from self._worth(about.type, about.id, about.conclusion, about.each)
            self._count(about.item, about.conclusion, about.each)
        there = {(about.type, about.id) for about in found if about.each}
        # What leads to a resource may be what could not be read.
        for type_name in () if self.journal.gaps else sorted(beside.reported):
            for name in old[type_name]:
                if (type_name, name) not in there:
                    why = "not there any more, or reported with the account"
                    yield Evaluation(type_name, name, NOT_APPLICABLE, why, self.notice.at)

    def _worth(self, type_name: str, name: str, conclusion: Conclusion, each: bool) -> Iterator[Evaluation]:
        """The evaluation of one resource, for which Config charges: what never applied is not worth it."""
        if each and (conclusion.compliance != NOT_APPLICABLE or name in self.earlier.told[type_name]):
            yield from self._evaluation(type_name, name, conclusion)

    def _evaluation(self, type_name: str, name: str, conclusion: Conclusion) -> Iterator[Evaluation]:
        if conclusion.compliance is None and self.earlier.shown(type_name, name) == COMPLIANT:
            conclusion = withdrawn(conclusion.annotation)
        if conclusion.compliance is not None:
            said = conclusion.compliance, conclusion.annotation
            yield Evaluation(type_name, name, *said, self.notice.at)

    def _found(self, how: Acquisition, cursor: Cursor) -> Iterator[census.Event]:
        from scanner.audit.memory import Memory
        from scanner.audit.store import Store

        names = self.judge.looks_at(how.type) | ({DEFINITION} if how.type == PIPELINE else set())
        if self.beside is not None:
            names |= self.beside.keep(how.type).leads - how.beyond_search
        days = self.rule.since
        since = self.notice.at - timedelta(days=days) if days is not None else None
        wanted = Wanted(names, since, at=self.notice.at, resumable=True)
        nothing = Memory(Store(None), self.api.scope, __version__)
        found = census.read(cursor, how, wanted, nothing, self._map)
        yield from self._tagged(found) if TAGS in names else found

    def _tagged(self, found: Iterator[census.Event]) -> Iterator[census.Event]:
        """What was read with its tags, as many at a time as one call tells."""
        while some := list(islice(found, _TAGGED)):
            items = [it for it in some if isinstance(it, Item)]
            try:
                tags: Mapping[str, Tags] | Fault = tags_of(self.api, items)
            except Fault as fault:
                if fault.kind == "stopped":
                    raise
                self.journal.fault(fault, "tags")
                tags = fault
            yield from (with_tags(it, tags) if isinstance(it, Item) else it for it in some)

    def _judged(self, item: Item) -> Conclusion:
        """What the rule says of a resource; of a pipeline, the worst that it says of what its steps make."""
        judge = self.judge.judge_whole if item.type in self.own else self.judge.judge
        conclusions = [conclude(self.rule, item, judge(item), self.journal)]
        if item.type == PIPELINE:
            from scanner.audit.steps import Step

            for found in self.steps.judge(item):
                if isinstance(found, Step):
                    conclusions.append(conclude(self.rule, found.item, found.judged, self.journal))
                elif isinstance(found, Gap):
                    self.journal.gap(f"{item.type} {item.name}: {found.what}", found.hint)
                    conclusions.append(Conclusion(None, found.what))
        return min(conclusions, key=worst)

    @cached_property
    def steps(self) -> Steps:
        """What pipelines make, by what a resource alone tells."""
        from scanner.audit.steps import Steps

        single = alone(self.rule.catalog)
        return Steps(single, [single.by_id[control.id] for control in self.rule.controls], self.judge.tell)

    def _count(self, item: Item, conclusion: Conclusion, each: bool) -> None:
        if conclusion.compliance is None:
            self.journal.unknown += 1
        if each or conclusion.compliance == NOT_APPLICABLE:
            return
        self.tally["judged"] += 1
        self.tally["unknown"] += conclusion.compliance is None
        if conclusion.compliance == NON_COMPLIANT:
            self.tally["failed"] += 1
            if len(self.named) < _NAMED:
                self.named.append(f"{item.type.rpartition('::')[2]} {item.name}")

    def _account(self) -> Conclusion:
        """What is said of all resources that Config does not know, together."""
        judged, failed = self.tally["judged"], self.tally["failed"]
        if failed:
            controls = ", ".join(control.id for control in self.rule.controls)
            more = f" and {failed - len(self.named)} more" if failed > len(self.named) else ""
            return Conclusion(
                NON_COMPLIANT, f"{failed} of {judged} against {controls}: {', '.join(self.named)}{more}"
            )
        if self.tally["unknown"] or self.journal.gaps:
            return Conclusion(None, "")
        if not judged:
            return Conclusion(NOT_APPLICABLE, "no resource of the account that AWS Config does not record")
        return Conclusion(COMPLIANT, f"{judged} resources that AWS Config does not record are as asked")

    def _pause(self, type_name: str, after: datetime | None, done: list[str]) -> None:
        for fault in self.judge.faults:
            self.journal.fault(fault, "KMS keys")
        state = self.beside.state() if self.beside is not None else ""
        if len(state) > MOST_KEPT:
            what = f"{AROUND} was not judged: so much leads to it that it can't be handed on"
            self.journal.gap(what, "let the rule look at fewer days (since)")
        self.checkpoint = {
            "count": self.count + 1,
            "type": type_name,
            "after": after.isoformat() if after else None,
            "done": done,
            "tally": self.tally,
            "named": self.named,
            "gaps": list(self.journal.gaps),
        }
        if self.beside is not None:
            self.checkpoint["beside"] = state if len(state) <= MOST_KEPT else None

    def _map(self, function: Callable[[Any], Any], things: Iterable[Any]) -> Iterator[Any]:
        """See MapCalls; in the order of the things, so that a cursor moves on."""
        waiting: deque[Future[Any]] = deque()
        for thing in things:
            waiting.append(self.pool.submit(function, thing))
            if len(waiting) >= _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
