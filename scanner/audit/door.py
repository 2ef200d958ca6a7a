"""How an audit enters an account: credentials, pace, and what it remembers there."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from scanner import __version__
from scanner.audit.access import Access
from scanner.audit.client import Client, verify
from scanner.audit.item import Api, Scope
from scanner.audit.job import Asked
from scanner.audit.memory import Memory
from scanner.audit.pace import Clock, Pace
from scanner.audit.store import Store, open_store
from scanner.model import Note


class Door(NamedTuple):
    """The door to an account of AWS, or to the sample account. Pickles: a worker elsewhere can use it."""

    access: Access
    ceiling: float
    """Calls a second of one operation in a region."""
    store: str | None
    """The file that remembers, "" for the user's own; None: nothing is remembered."""
    run: str
    """What audits that ask for the same have in common: only these go on where another was broken off."""
    resume: bool = False
    verified: bool = False
    """Have these credentials answered for this scope before, in this process?"""
    demo: bool = False

    def enter(self, scope: Scope, clock: Clock) -> tuple[Api, Asked]:
        """AWS's API there; no call is made any more once `clock` was stopped."""
        if self.demo:
            from scanner.audit.demo import DemoApi

            sample = DemoApi(scope)
            return sample, sample.counts
        api = Client(self.access, scope, Pace(clock, self.ceiling))
        return api, api.pace.counts

    def verify(self, api: Any) -> None:
        """Raise Fault unless what `enter` gave answers for its scope."""
        if not (self.verified or self.demo):
            verify(api)

    def memory(self, scope: Scope) -> Memory:
        """What is remembered of its resources."""
        return Memory(store_at(self.store), scope, __version__)

    def finished(self, scope: Scope, type_name: str) -> bytes | None:
        """What an audit like this one, that was broken off, kept of a type; None if it did not finish it."""
        return store_at(self.store).finished(self.run, _unit(scope, type_name)) if self.resume else None

    def finish(self, scope: Scope, type_name: str, unit: bytes) -> None:
        """Keep a type that is done, for when this audit is broken off."""
        store_at(self.store).finish(self.run, _unit(scope, type_name), unit)

    def end(self) -> None:
        """The audit is done: forget what it finished."""
        store_at(self.store).end(self.run)

    def notes(self) -> Sequence[Note]:
        """What went wrong with what is remembered."""
        return tuple(store_at(self.store).notes)


def _unit(scope: Scope, type_name: str) -> str:
    return f"{scope.partition}/{scope.shown}/{type_name}"


@cache
def store_at(path: str | None) -> Store:
    """The one store of this process in a file, "" for the user's own and None for none.

    Raises SmguardError for a file that is something else.
    """
    return Store(None) if path is None else open_store(path or None)
