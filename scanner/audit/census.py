"""Reads the resources of one type in one account and region: few calls, and each resource exactly once.

List decides what there is. `Search` tells a hundred resources at a time what Describe tells of one, but
nobody promises that it knows all of them; what it misses is described.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from scanner.audit.acquisition import Acquisition, Wanted
from scanner.audit.fault import Fault
from scanner.audit.item import TAGS, Api, Item
from scanner.audit.merge import Merge, Pages
from scanner.audit.paging import pages
from scanner.audit.shape import (
    SETTLED,
    Entry,
    Found,
    entry_of,
    found_in,
    is_done,
    item_of,
    kept,
    recalled,
    record_in,
    unwrap,
)
from scanner.model import Note

if TYPE_CHECKING:
    from scanner.audit.memory import Memory

MapCalls = Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]]
"""Begins to run a function on each of several things side by side; its results come in any order."""
Event = Item | Fault | Note

_PAGE = {"MaxResults": 100}
_AFTER, _BEFORE, _STATUS = "CreationTimeAfter", "CreationTimeBefore", "StatusEquals"
_SLACK = timedelta(minutes=1)
_TRUSTED = timedelta(days=7)
"""So long is an ended job taken to be there still. After that all are listed again."""


def read(api: Api, how: Acquisition, wanted: Wanted, memory: Memory, map_calls: MapCalls) -> Iterator[Event]:
    """The resources of a type, as they are read, and what went wrong on the way.

    A Fault says that a resource or all further ones could not be read; one of kind "missing", that a resource
    was deleted since it was listed. Of a type that is read as another nothing comes and nothing is called.
    """
    if how.read_as is None:
        yield from _Reading(api, how, wanted, memory, map_calls).events()


class _Reading:
    """One type while it is read."""

    def __init__(
        self, api: Api, how: Acquisition, wanted: Wanted, memory: Memory, map_calls: MapCalls
    ) -> None:
        self.api, self.how, self.wanted, self.memory, self.map_calls = api, how, wanted, memory, map_calls
        self.at = wanted.at or datetime.now(UTC)
        self.since = wanted.since if how.open else None
        self.searchable = how.searchable(wanted)
        self.asked, self.held = how.asked(wanted), how.asked(wanted, how.kept)
        # What is remembered of tags is those that last.
        self.known = wanted if wanted.settled else wanted._replace(properties=wanted.properties - {TAGS})
        self.ephemeral = bool(wanted.properties & (how.only_while_open | how.unsaid))
        self.seen: set[int] = set()
        """Hashes of the names that were listed: an account may have half a million."""
        self.newest: datetime | None = None
        self.listed = self.sound = True
        """Could all be listed, and all that was listed be read?"""
        self.whole = False
        """Were all listed, whenever they were made?"""
        self.recalls = False

    def events(self) -> Iterator[Event]:
        last = self._last_complete()
        if last is None:
            yield from self._all()
        else:
            yield from self._list(self._listing(last), last, self.searchable)
            yield from self._remembered()
        if self.sound and self.how.open and self.how.immutable:
            self._conclude(last)

    def _all(self) -> Iterator[Event]:
        """What is in the window, and jobs that were made before it and have not ended."""
        statuses = self.how.open if self.since else ()
        running = [self._listing(None, {_STATUS: status, _BEFORE: self.since}) for status in statuses]
        begun: Iterator[Any] | None = None
        for event in self._list(self._listing(self.since), self.since, self.searchable):
            if begun is None and isinstance(event, Item) and not self.whole:
                # One after the other: a job that is being stopped goes from one list to the next.
                begun = self.map_calls(Pages.pull_each, [running])
            yield event
        deque(begun or (), 0)
        for listing in running if self.listed and not self.whole else ():
            yield from self._list(listing, None, False)

    def _listing(self, after: datetime | None, extra: Mapping[str, Any] = {}) -> Pages:
        return Pages(self._listed({**self.how.listing.parameters, **_PAGE, **extra}, after))

    def _list(self, listing: Pages, after: datetime | None, searchable: bool) -> Iterator[Event]:
        """What List names, read by Search where that takes fewer calls, else described."""
        how, merge = self.how, Merge()
        search: Pages | None = None
        ordered = True
        first = [] if listing.pages else merge.due(listing, search)
        pulled: Iterator[Any] | None = self.map_calls(Pages.pull, first)
        while pulled:
            deque(pulled, 0)
            alone: list[Entry] = []
            pairs: list[tuple[Entry, Found | None]] = []
            others: list[Event] = []
            for raw in listing.take():
                entry = self._enter(raw)
                if isinstance(entry, Fault):
                    others.append(entry)
                elif entry is None:
                    continue
                elif how.listing.whole:
                    others.append(self._item(found_in(how, entry, raw, self.held)))
                elif (known := self._recall(entry)) is not None:
                    others.append(item_of(how, known, self.known))
                elif not searchable or self._in_motion(entry):
                    alone.append(entry)
                elif (pair := merge.add(entry)) is not None:
                    pairs.append(pair)
            for found, whole in self._results(search.take() if search else ()):
                if (pair := merge.match(found, whole, self.seen)) is not None:
                    pairs.append(pair)
            if searchable and search is None and (len(merge.waiting) > 1 or listing.fault):
                oldest = next(iter(merge.waiting.values())).created - _SLACK if merge.waiting else after
                search = self._search(oldest if after or self.recalls else None)
            elif search is not None and search.refused and ordered:
                # Which properties it sorts and filters by differs between resources, and nobody says it.
                search, ordered = self._search(None, ordered=False), False
            alone += merge.overdue(search) if search else ()
            # The next pages are on their way while these are judged.
            due = merge.due(listing, search)
            pulled = self.map_calls(Pages.pull, due) if due else None
            yield from others
            for entry, both in pairs:
                if both is None:
                    alone.append(entry)
                else:
                    yield self._item(both)
            yield from self._describe(alone)
        yield from self._describe(merge.waiting.values())
        yield from self._reconcile(listing, search, merge)

    def _reconcile(self, listing: Pages, search: Pages | None, merge: Merge) -> Iterator[Event]:
        """What List and Search say differently, and which of them failed."""
        named = self.how.listing.operation
        if listing.fault is not None:
            self.listed = self.sound = False
            yield listing.fault
            if search is not None and not search.fault:
                yield self._note(f"read as far as Search knows them; {named} does not confirm that it is all")
            alone = []
            for found, whole in merge.ahead.values():
                self.seen.add(hash(found.entry.name))
                if not whole or self._in_motion(found.entry):
                    alone.append(found.entry)
                elif not self._outside(found.entry):
                    yield self._item(found)
            yield from self._describe(alone)
            return
        settled = self.at - SETTLED
        surplus = sum(found.entry.created < settled for found, _ in merge.ahead.values())
        if surplus:
            yield self._note(f"{surplus} are found by Search, not named by {named}; taken for deleted")
        if search is not None and search.fault is not None:
            yield self._note(f"described one by one, because {search.fault}")
        elif merge.missed:
            yield self._note(f"{merge.missed} are named by {named}, not found by Search; described instead")

    def _enter(self, raw: Any) -> Entry | Fault | None:
        """What a list names; None for what is not there any more or was named before."""
        try:
            entry = entry_of(self.how, raw, self.api.scope)
        except Fault as fault:
            self.sound = False
            return fault
        mark = hash(entry.name)
        if entry.status in self.how.gone or mark in self.seen:
            return None
        self.seen.add(mark)
        self.newest = max(entry.created, self.newest or entry.created)
        return None if self._outside(entry) else entry

    def _outside(self, entry: Entry) -> bool:
        """Is it a job that has ended and was made before the window?"""
        return self.since is not None and entry.created < self.since and is_done(self.how, entry)

    def _in_motion(self, entry: Entry) -> bool:
        """Is something wanted of it that only Describe tells, and that is asked only while it runs?"""
        return self.ephemeral and not is_done(self.how, entry)

    def _results(self, page: Iterable[Any]) -> Iterator[tuple[Found, bool]]:
        """What Search found, and whether that is all there is to know; List names what it garbles."""
        for result in page:
            record = record_in(self.how, result)
            if record is not None:
                try:
                    entry = entry_of(self.how, record, self.api.scope)
                except Fault:
                    continue
                found = found_in(self.how, entry, record, self.held)
                beside = self.how.only_without.items()
                yield found, not any(it in self.held and other not in record for it, other in beside)

    def _describe(self, entries: Iterable[Entry]) -> Iterator[Event]:
        for entry, outcome in self.map_calls(self._ask, entries):
            if isinstance(outcome, Found):
                item = self._item(outcome)
                if outcome.entry.status not in self.how.gone and not self._outside(outcome.entry):
                    yield item
                continue
            if outcome.kind != "missing":
                self.sound = False
            elif self.how.immutable:
                self.memory.forget(self.how.type, entry.name)
            yield outcome

    def _ask(self, entry: Entry) -> tuple[Entry, Found | Fault]:
        way, scope = self.how.describing, self.api.scope
        try:
            answer = self.api.call(self.how.service, way.operation, entry.by, needs=(way.at or way.arn,))
            found = found_in(self.how, entry, unwrap(self.how, answer, scope), self.held)
            known = {name: {} for name in self.held & self.how.unsaid} | dict(found.values)
            return entry, found._replace(values=known)
        except Fault as fault:
            return entry, fault

    def _item(self, found: Found) -> Item:
        """The item of what was just read, which is kept if it can't change."""
        if self.how.immutable:
            self.memory.remember(self.how.type, found.entry.name, kept(self.how, found), self.held)
        return item_of(self.how, found, self.wanted)

    def _recall(self, entry: Entry) -> Found | None:
        """What an earlier audit read, unless it was of an earlier resource of that name."""
        if not self.how.immutable or self._in_motion(entry):
            return None
        record = self.memory.recall(self.how.type, entry.name, self.asked)
        found = recalled(entry.name, record) if record is not None else None
        if found is None or not entry.is_same(found.entry):
            return None
        self.recalls = True
        fresh = found._replace(entry=found.entry._replace(status=entry.status))
        if found.entry.status != entry.status:
            self.memory.remember(self.how.type, entry.name, kept(self.how, fresh), self.held)
        return fresh

    def _last_complete(self) -> datetime | None:
        """Up to when all jobs are remembered, if all of them were listed lately."""
        if not (self.how.open and self.how.immutable):
            return None
        last = self.memory.last_complete(self.how.type, self.asked, self.since)
        listed = self.memory.last_complete(f"{self.how.type} listed", self.asked, self.since)
        return last if last and listed and self.at - listed < _TRUSTED else None

    def _remembered(self) -> Iterator[Event]:
        """Jobs that earlier audits read; those are asked about anew that can have ended since."""
        again: list[Entry] = []
        count = 0
        try:
            for name, record in self.memory.recall_all(self.how.type, self.asked):
                if hash(name) in self.seen:
                    continue
                self.seen.add(hash(name))
                found = recalled(name, record)
                self.newest = max(found.entry.created, self.newest or found.entry.created)
                early = self.since is not None and found.entry.created < self.since
                if self._in_motion(found.entry) or (early and not is_done(self.how, found.entry)):
                    again.append(found.entry)
                elif not early:
                    count += 1
                    yield item_of(self.how, found, self.known)
        except Fault as fault:
            yield self._note(f"listed anew, because {fault}")
            yield from self._all()
        yield from self._describe(again)
        if count:
            yield self._note(f"{count} jobs are as an earlier audit read them; all are listed once a week")

    def _conclude(self, last: datetime | None) -> None:
        """Remember up to when all is known; after all have been listed, drop what was not among them."""
        slot, settled = self.how.type, self.at - SETTLED
        if last is None:
            try:
                known = [name for name, _ in self.memory.recall_all(slot, ()) if hash(name) not in self.seen]
            except Fault:
                return
            for name in known:
                self.memory.forget(slot, name)
            self.memory.complete(f"{slot} listed", self.held, self.since, self.at)
        self.memory.complete(slot, self.held, self.since, min(self.newest or settled, settled))

    def _listed(self, asked: dict[str, Any], after: datetime | None) -> Iterator[list[Any]]:
        """The pages of List, from `after` on; at the first audit all, if one page has them."""
        service, way = self.how.service, self.how.listing
        if after is not None and after == self.since and not self.wanted.resumable:
            answer = self.api.call(service, way.operation, asked, needs=(way.items,))
            if not answer.get("NextToken"):
                self.whole = True
                yield answer[way.items]
                return
        if after is not None:
            asked[_AFTER] = after - _SLACK
        yield from pages(self.api, service, way.operation, asked, way.items)

    def _search(self, after: datetime | None, ordered: bool = True) -> Pages:
        order = {"SortBy": "CreationTime", "SortOrder": "Ascending"} if ordered else {}
        resource = self.how.search.resource if self.how.search else ""
        asked: dict[str, Any] = {"Resource": resource, **order, **_PAGE}
        if after is not None:
            value = after.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
            test = {"Name": "CreationTime", "Operator": "GreaterThanOrEqualTo", "Value": value}
            asked["SearchExpression"] = {"Filters": [test]}
        return Pages(pages(self.api, self.how.service, "Search", asked, "Results"))

    def _note(self, what: str) -> Note:
        return Note(self.api.scope.shown, f"{self.how.type}: {what}")
