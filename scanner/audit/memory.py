"""What is known of a scope's resources from earlier audits."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from sqlite3 import Connection
from typing import Any, NamedTuple

from scanner.audit.fault import Fault
from scanner.audit.item import Scope
from scanner.audit.store import KEPT_DAYS, TOUCH_DAYS, CorruptStore, Store

_BATCH = 500
_ONE = "SELECT key, kept, seen, body FROM resource WHERE kind = ? AND key = ?"
_PAGE = """SELECT key, kept, seen, body FROM resource WHERE kind = ? AND (key, kept) > (?, ?)
ORDER BY key, kept LIMIT 500"""
_MEET_KIND = """INSERT INTO kind (account, region, partition, form, type, used) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (partition, account, region, form, type) DO UPDATE SET used = excluded.used"""
_KIND = "SELECT id FROM kind WHERE (account, region, partition, form, type) = (?, ?, ?, ?, ?)"
_ALWAYS = -1e18
"""The start of a window that has none."""


class _Row(NamedTuple):
    key: str
    kept: int
    names: frozenset[str]
    """Of the properties that were kept."""
    known: dict[str, Any]


class Memory:
    """What earlier audits of a scope read of resources that never change. Threads share it.

    `wanted` are the top-level property names that the chosen controls look at: what was kept with fewer is
    not recalled. `since` is the start of the window that was read, None for all time.
    `form` says how properties are made of AWS's answers (the version of the product will do): what was made
    in another way is not recalled.
    """

    def __init__(self, store: Store, scope: Scope, form: str) -> None:
        self._store = store
        self._scope = scope
        self._form = form
        self._lock = threading.RLock()
        self._kinds: dict[str, int] = {}
        self._kept: dict[int, frozenset[str]] = {}
        self._ids: dict[frozenset[str], int] = {}
        self._pending: list[tuple[str, str, dict[str, Any], frozenset[str]]] = []

    def recall(self, type_name: str, key: str, wanted: Collection[str]) -> dict[str, Any] | None:
        """The properties of one resource, or None."""

        def work(db: Connection) -> list[_Row] | None:
            return list(self._rows(db, type_name, _ONE, key))

        rows = self._store.use(work)
        return next((row.known for row in rows or () if row.names.issuperset(wanted)), None)

    def recall_all(self, type_name: str, wanted: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Key and properties of every one, in the order of the keys.

        Raises Fault when the store fails on the way: what comes after is not known then.
        """
        self.flush()
        after: tuple[str, int] | None = ("", 0)
        last = None
        while after is not None:
            # A default binds the place of this round.
            def work(db: Connection, after: tuple[str, int] = after) -> list[_Row] | None:
                return list(self._rows(db, type_name, _PAGE, *after))

            rows = self._store.use(work)
            if rows is None and self._store.notes:
                raise Fault("failed", "StoreUnreadable", "store", "Read", self._scope)
            for row in rows or ():
                if row.key != last and row.names.issuperset(wanted):
                    last = row.key
                    yield row.key, row.known
            after = (rows[-1].key, rows[-1].kept) if rows else None

    def remember(
        self, type_name: str, key: str, properties: Mapping[str, Any], wanted: Collection[str]
    ) -> None:
        """Keep the properties of one; JSON values and datetimes."""
        if not self._store.works:
            return
        with self._lock:
            self._pending.append((type_name, key, dict(properties), frozenset(wanted)))
            full = len(self._pending) >= _BATCH
        if full:
            self.flush()

    def forget(self, type_name: str, key: str) -> None:
        """Drop one that was deleted."""

        def work(db: Connection) -> None:
            db.execute("DELETE FROM resource WHERE kind = ? AND key = ?", (self._kind(db, type_name), key))

        self.flush()
        self._store.use(work)

    def last_complete(
        self, type_name: str, wanted: Collection[str], since: datetime | None
    ) -> datetime | None:
        """When everything of the type back to `since` was last read and kept, or None."""

        def work(db: Connection) -> float | None:
            sought = "SELECT kept, at FROM completed WHERE kind = ? AND since <= ?"
            rows = db.execute(sought, (self._kind(db, type_name), _start(since))).fetchall()
            return max((at for kept, at in rows if self._names(db, kept).issuperset(wanted)), default=None)

        self.flush()
        at = self._store.use(work)
        return None if at is None else datetime.fromtimestamp(at, UTC)

    def complete(
        self, type_name: str, wanted: Collection[str], since: datetime | None, when: datetime
    ) -> None:
        """Everything of the type from `since` to `when` (the start of the reading) has been kept."""

        def work(db: Connection) -> None:
            self._flush(db)
            kind, kept = self._kind(db, type_name), self._id(db, frozenset(wanted))
            start, at = _start(since), when.timestamp()
            covered = "DELETE FROM completed WHERE kind = ? AND kept = ? AND since >= ? AND at <= ?"
            db.execute(covered, (kind, kept, start, at))
            db.execute("INSERT OR IGNORE INTO completed VALUES (?, ?, ?, ?)", (kind, kept, start, at))
            oldest = self._store.day - KEPT_DAYS
            # The word that all was complete goes first: it hangs on resources that were met since.
            db.execute("DELETE FROM completed WHERE kind = ? AND at < ?", (kind, oldest * 86_400))
            db.execute("DELETE FROM resource WHERE kind = ? AND seen < ?", (kind, oldest - TOUCH_DAYS))

        self._store.use(work)

    def flush(self) -> None:
        """Write what was remembered so far."""
        self._store.use(self._flush)

    def _flush(self, db: Connection) -> None:
        with self._lock:
            pending, self._pending = self._pending, []
        for type_name, key, properties, names in pending:
            text = json.dumps([key, properties], default=_text, separators=(",", ":"))
            body = zlib.compress(text.encode("utf-8", "surrogatepass"))
            kind, kept = self._kind(db, type_name), self._id(db, names)
            # Audits that keep other properties have rows of their own: none takes what another counts on.
            rows = db.execute("SELECT kept FROM resource WHERE kind = ? AND key = ?", (kind, key)).fetchall()
            for (other,) in rows:
                if names.issuperset(self._names(db, other)):
                    less = "DELETE FROM resource WHERE kind = ? AND key = ? AND kept = ?"
                    db.execute(less, (kind, key, other))
            row = (kind, key, kept, self._store.day, body)
            db.execute("INSERT INTO resource VALUES (?, ?, ?, ?, ?)", row)

    def _rows(self, db: Connection, type_name: str, sought: str, *given: Any) -> Iterator[_Row]:
        kind = self._kind(db, type_name)
        for key, kept, seen, body in db.execute(sought, (kind, *given)).fetchall():
            try:
                inside, known = json.loads(zlib.decompress(body))
            except (ValueError, zlib.error):
                inside = None
            if inside != key:
                raise CorruptStore("a resource can't be read")
            if seen < self._store.day - TOUCH_DAYS:
                met = "UPDATE resource SET seen = ? WHERE kind = ? AND key = ? AND kept = ?"
                db.execute(met, (self._store.day, kind, key, kept))
            yield _Row(key, kept, self._names(db, kept), known)

    def _kind(self, db: Connection, type_name: str) -> int:
        if type_name not in self._kinds:
            known = (*self._scope, self._form, type_name)
            db.execute(_MEET_KIND, (*known, self._store.day))
            (self._kinds[type_name],) = db.execute(_KIND, known).fetchone()
        return self._kinds[type_name]

    def _id(self, db: Connection, names: frozenset[str]) -> int:
        if names not in self._ids:
            text = json.dumps(sorted(names))
            db.execute("INSERT OR IGNORE INTO kept (names) VALUES (?)", (text,))
            (self._ids[names],) = db.execute("SELECT id FROM kept WHERE names = ?", (text,)).fetchone()
        return self._ids[names]

    def _names(self, db: Connection, kept: int) -> frozenset[str]:
        if kept not in self._kept:
            row = db.execute("SELECT names FROM kept WHERE id = ?", (kept,)).fetchone()
            self._kept[kept] = frozenset(json.loads(row[0]))
        return self._kept[kept]


def _start(since: datetime | None) -> float:
    return _ALWAYS if since is None else since.timestamp()


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} can't be remembered")
