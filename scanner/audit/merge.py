"""Brings together what List names and what Search finds, both oldest first, with little held in memory."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

from scanner.audit.fault import Fault
from scanner.audit.shape import Entry, Found

_APART = 1000
"""So far may the two be apart."""
_SLACK = timedelta(minutes=1)


class Pages:
    """The pages of one operation: `pull` asks for the next one, `take` hands it over."""

    def __init__(self, source: Iterator[list[Any]]) -> None:
        self._source = source
        self._page: list[Any] = []
        self.pages = 0
        """How many came."""
        self.ended = False
        self.fault: Fault | None = None
        self.refused = False
        """Was the question itself refused, before the first page?"""

    def pull(self) -> None:
        """Ask for the next page; a Fault ends them."""
        try:
            self._page = next(self._source)
            self.pages += 1
        except StopIteration:
            self.ended = True
        except Fault as fault:
            self.ended, self.fault = True, fault
            self.refused = fault.code == "ValidationException" and not self.pages

    @staticmethod
    def pull_each(listings: Iterable[Pages]) -> None:
        """Ask for the next page of several, one after the other."""
        for each in listings:
            each.pull()

    def take(self) -> list[Any]:
        """What was pulled; nothing the second time."""
        page, self._page = self._page, []
        return page


class Merge:
    """The resources that only one of the two has named so far.

    `add` and `match` give what both have, as (entry of List, what Search found); the latter is None where
    Search does not know all of it.
    """

    def __init__(self) -> None:
        self.waiting: dict[str, Entry] = {}
        """Listed, but not found so far."""
        self.ahead: dict[str, tuple[Found, bool]] = {}
        """Found, but not listed so far; whether that is all there is to know of it."""
        self.missed = 0
        """How many were listed and then not found."""
        self._reached = datetime.fromtimestamp(0, UTC)

    def add(self, entry: Entry) -> tuple[Entry, Found | None] | None:
        """List names a resource."""
        if entry.name not in self.ahead:
            self.waiting[entry.name] = entry
            return None
        return self._pair(entry, *self.ahead.pop(entry.name))

    def match(self, found: Found, whole: bool, seen: Container[int]) -> tuple[Entry, Found | None] | None:
        """Search finds a resource; `seen` holds the hashes of all names that were listed."""
        self._reached = found.entry.created
        entry = self.waiting.pop(found.entry.name, None)
        if entry is not None:
            return self._pair(entry, found, whole)
        if hash(found.entry.name) not in seen:
            self.ahead[found.entry.name] = found, whole
        return None

    def due(self, listing: Pages, search: Pages | None) -> list[Pages]:
        """Whose next page is needed: both, but for the one that is far ahead of the other."""
        open_ = [pages for pages in (listing, search) if pages is not None and not pages.ended]
        if len(open_) == 2 and (len(self.waiting) > _APART) != (len(self.ahead) > _APART):
            return [pages for pages in open_ if (pages is listing) == (len(self.ahead) > _APART)]
        return open_

    def overdue(self, search: Pages) -> list[Entry]:
        """Listed resources that Search has passed by, or can't find any more."""
        if search.ended:
            passed = list(self.waiting.values())
        elif len(self.waiting) > _APART:
            early = self._reached - _SLACK
            passed = list(takewhile(lambda it: it.created < early, self.waiting.values()))
        else:
            passed = []
        for entry in passed:
            del self.waiting[entry.name]
        self.missed += len(passed)
        return passed

    @staticmethod
    def _pair(entry: Entry, found: Found, whole: bool) -> tuple[Entry, Found | None]:
        if not whole or not entry.is_same(found.entry):
            return entry, None
        return entry, found._replace(entry=entry._replace(arn=found.entry.arn or entry.arn))
