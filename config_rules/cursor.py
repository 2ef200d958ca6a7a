"""How far the reading of a type has come, so that another invocation goes on from there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from scanner.audit.acquisition import Acquisition
from scanner.audit.fault import Fault
from scanner.audit.item import Api, Scope
from scanner.audit.shape import entry_of

_SLACK = timedelta(minutes=1)
_MOST = 2_000
"""Names in a checkpoint, which must fit into an event of 256 KB."""


class Cursor:
    """The Api while one type is read: it sees what is listed, and leaves out what was done before.

    What is listed oldest first goes on from `after`; `done` are names that were done though they come after
    that, or in any order.
    """

    def __init__(
        self, api: Api, how: Acquisition, after: datetime | None = None, done: Iterable[str] = ()
    ) -> None:
        self._api, self._how = api, how
        self._after, self._done = after, frozenset(done)
        self._ordered = "SortOrder" in how.listing.parameters
        self._pending: dict[str, datetime | None] = {}
        self._emitted: dict[str, datetime | None] = {}
        self._described: dict[tuple[Any, ...], str] = {}
        self._newest = after
        self._early: set[str] = set()
        """Names of jobs that have not ended though they were made before the window."""

    @property
    def scope(self) -> Scope:
        """See Api."""
        return self._api.scope

    def call(
        self, service: str, operation: str, parameters: Mapping[str, Any] = {}, needs: Collection[str] = ()
    ) -> dict[str, Any]:
        """See Api."""
        how, early = self._how, "StatusEquals" in parameters
        if self._after is not None and not early:
            since = self._after - _SLACK
            if operation == how.listing.operation and how.open:
                parameters = {**parameters, "CreationTimeAfter": since}
            if operation == "Search":
                value = since.strftime("%Y-%m-%dT%H:%M:%S")
                test = {"Name": "CreationTime", "Operator": "GreaterThanOrEqualTo", "Value": value}
                parameters = {**parameters, "SearchExpression": {"Filters": [test]}}
        try:
            answer = self._api.call(service, operation, parameters, needs)
        except Fault as fault:
            if operation == how.describing.operation and fault.kind != "stopped":
                self.emit(self._described.get(tuple(parameters.values()), ""))
            raise
        if operation == how.listing.operation:
            answer = {**answer, how.listing.items: self._listed(answer[how.listing.items], early)}
        return answer

    def emit(self, name: str) -> None:
        """A resource is done."""
        self._emitted[name] = self._pending.pop(name, None)

    def place(self) -> tuple[datetime | None, list[str]]:
        """What to go on from: `after` and `done` of the next cursor."""
        if not self._ordered:
            return None, sorted(self._done | self._emitted.keys())[:_MOST]
        waiting = [at for name, at in self._pending.items() if at is not None and name not in self._early]
        after = min(waiting, default=self._newest)
        again = [
            name
            for name, at in self._emitted.items()
            if name in self._early or (at is not None and after is not None and at >= after)
        ]
        return after, sorted({*again, *self._done})[:_MOST]

    def _listed(self, rows: Iterable[Any], early: bool) -> list[Any]:
        """What is still to be done of a page."""
        left = []
        for raw in rows:
            try:
                entry = entry_of(self._how, raw, self.scope)
            except Fault:
                left.append(raw)
                continue
            at = raw.get(self._how.listing.created)
            past = self._ordered and not early and at is not None and self._after and at < self._after
            if past or entry.name in self._done:
                continue
            left.append(raw)
            self._pending[entry.name] = at
            self._described[tuple(entry.by.values())] = entry.name
            if early:
                self._early.add(entry.name)
            elif at is not None:
                self._newest = max(at, self._newest or at)
        return left
