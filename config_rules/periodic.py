"""What AWS Config does not record: read as an audit reads it, in time, and continued where that ended."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Any

from config_rules.change import Elsewhere, known_types
from config_rules.cursor import Cursor
from config_rules.evaluation import (
    COMPLIANT,
    NON_COMPLIANT,
    NOT_APPLICABLE,
    Conclusion,
    Evaluation,
    conclude,
    withdrawn,
)
from config_rules.journal import Journal
from config_rules.notice import Notice
from config_rules.rule import Rule
from scanner import __version__
from scanner.audit import census, opt_out
from scanner.audit.acquisition import NAME, Acquisition, Wanted
from scanner.audit.fault import Fault
from scanner.audit.item import Api, Item
from scanner.audit.judging import Judge
from scanner.audit.paging import pages
from scanner.audit.shape import entry_of
from scanner.audit.tags import TAGS, Tags, tags_of, with_tags
from scanner.model import Gap, Note

ACCOUNT = "AWS::::Account"
_AT_ONCE = 16
_AHEAD = 32
_TAGGED = 100
"""Resources whose tags one call tells."""
_NAMED = 5
"""Resources that the account's annotation names."""
_ELSEWHERE = "`smguard audit` judges it, with --policy-parameters, from the organisation's management account"
_PIPELINE, _DEFINITION = "AWS::SageMaker::Pipeline", "PipelineDefinition"


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

        self.how = {
            name: how
            for name, how in readable(rule.catalog, rule.controls, known_types()).items()
            if how.config.trigger == "periodic"
        }
        self.governed = any(opt_out.EFFECTIVE in control.resources for control in rule.controls)
        for control in rule.controls:
            if not control.resources.keys() & {*known_types(), opt_out.EFFECTIVE}:
                journal.gap(f"{control.id} is about what no rule of AWS Config may ask", _ELSEWHERE)
        before = notice.checkpoint
        self.count = int(before.get("count", 0))
        self.tally = {"judged": 0, "unknown": 0, "failed": 0, **before.get("tally", {})}
        self.named: list[str] = list(before.get("named", ()))
        for gap in before.get("gaps", ()):
            journal.gap(gap)
        self.names: dict[str, set[str]] = {}
        self.pool = ThreadPoolExecutor(_AT_ONCE, "call")

    def evaluations(self) -> Iterator[Evaluation]:
        """What is to be reported, resource by resource, and of the account at the end."""
        before = self.notice.checkpoint
        names = [*sorted(self.how), *([opt_out.EFFECTIVE] if self.governed else []), ACCOUNT]
        if before.get("type") in names:
            names = names[names.index(before["type"]) :]
        try:
            for name in names:
                place = before if name == before.get("type") else {}
                if name in self.how:
                    yield from self._type(self.how[name], place)
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
        seen: set[str] = set()
        sound = True
        for found in self._found(how, cursor):
            if isinstance(found, Item):
                seen.add(found.name)
                conclusion = self._judged(found)
                # Config charges for evaluations: what never applied is not worth one.
                if each and (conclusion.compliance != NOT_APPLICABLE or found.name in self.old[how.type]):
                    yield from self._evaluation(how.type, found.name, conclusion)
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
        if sound:
            why = "not there any more" if each else "reported with the account"
            for name in self._stale(how, seen if each else set(), whole=new or not each):
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

    def _evaluation(self, type_name: str, name: str, conclusion: Conclusion) -> Iterator[Evaluation]:
        if conclusion.compliance is None and self.old[type_name].get(name, (None, ""))[1] == COMPLIANT:
            conclusion = withdrawn(conclusion.annotation)
        if conclusion.compliance is not None:
            said = conclusion.compliance, conclusion.annotation
            yield Evaluation(type_name, name, *said, self.notice.at)

    def _found(self, how: Acquisition, cursor: Cursor) -> Iterator[census.Event]:
        from scanner.audit.memory import StoredMemory
        from scanner.audit.store import Store

        names = self.judge.looks_at(how.type) | ({_DEFINITION} if how.type == _PIPELINE else set())
        days = self.rule.since
        since = self.notice.at - timedelta(days=days) if days is not None else None
        wanted = Wanted(names, since, at=self.notice.at, resumable=True)
        nothing = StoredMemory(Store(None), self.api.scope, __version__)
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
        conclusions = [conclude(self.rule, item, self.judge.judge_whole(item), self.journal)]
        if item.type == _PIPELINE:
            from scanner.audit.steps import Step, Steps

            for found in Steps(self.rule.catalog, self.rule.controls, self.judge.tell).judge(item):
                if isinstance(found, Step):
                    conclusions.append(conclude(self.rule, found.item, found.judged, self.journal))
                elif isinstance(found, Gap):
                    self.journal.gap(f"{item.type} {item.name}: {found.what}", found.hint)
                    conclusions.append(Conclusion(None, found.what))
        order = (NON_COMPLIANT, None, COMPLIANT, NOT_APPLICABLE)
        return min(conclusions, key=lambda it: order.index(it.compliance))

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
        self.checkpoint = {
            "count": self.count + 1,
            "type": type_name,
            "after": after.isoformat() if after else None,
            "done": done,
            "tally": self.tally,
            "named": self.named,
            "gaps": list(self.journal.gaps),
        }

    @cached_property
    def old(self) -> dict[str, dict[str, tuple[datetime | None, str]]]:
        """Type -> id -> when it was last reported as what: all that Config holds of this pass.

        Raises Fault of the kind "stopped".
        """
        found: dict[str, dict[str, tuple[datetime | None, str]]] = {name: {} for name in (*self.how, ACCOUNT)}
        asked = {
            "ConfigRuleName": self.notice.rule,
            "ComplianceTypes": [COMPLIANT, NON_COMPLIANT],
            "Limit": 100,
        }
        operation = "GetComplianceDetailsByConfigRule"
        try:
            for rows in pages(self.api, "config", operation, asked, "EvaluationResults"):
                for row in rows:
                    identifier = row.get("EvaluationResultIdentifier") or {}
                    about = identifier.get("EvaluationResultQualifier") or {}
                    if about.get("ResourceType") in found:
                        told = identifier.get("OrderingTimestamp"), str(row.get("ComplianceType"))
                        found[about["ResourceType"]][about.get("ResourceId", "")] = told
        except Fault as fault:
            if fault.kind == "stopped":
                raise
            self.journal.fault(fault, "evaluations of resources that are not there any more")
        return found

    def _stale(self, how: Acquisition, seen: set[str], whole: bool) -> Iterator[str]:
        """Names that Config knows and that are gone. If others read a part, each is asked for."""
        for name, (at, _) in self.old[how.type].items():
            if name in seen or (not whole and at is not None and at >= self.notice.at):
                continue
            if whole or self._is_gone(how, name):
                yield name

    def _is_gone(self, how: Acquisition, name: str) -> bool:
        """Ask for the resource, or list all again where its name is not enough to ask. Raises Fault."""
        parts = {NAME: name, **dict(zip(how.listing.name, name.split("/"), strict=False))}
        by = {parameter: parts.get(member) for parameter, member in how.describing.by.items()}
        if how.listing.whole or not all(by.values()) or any(it.endswith("Arn") for it in how.listing.name):
            if how.type not in self.names:
                listing = how.listing
                rows = pages(self.api, how.service, listing.operation, listing.parameters, listing.items)
                found = (entry_of(how, raw, self.api.scope) for page in rows for raw in page)
                self.names[how.type] = {entry.name for entry in found}
            return name not in self.names[how.type]
        try:
            self.api.call(how.service, how.describing.operation, by)
        except Fault as fault:
            if fault.kind != "missing":
                raise
            return True
        return False

    def _map(self, function: Callable[[Any], Any], things: Iterable[Any]) -> Iterator[Any]:
        """See MapCalls; in the order of the things, so that a cursor moves on."""
        waiting: deque[Future[Any]] = deque()
        for thing in things:
            waiting.append(self.pool.submit(function, thing))
            if len(waiting) >= _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
