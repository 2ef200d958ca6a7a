"""The file in which audits remember what never changes, and what an interrupted one has done.

Every write is a transaction, so that whatever ends the process leaves what is true: a type is said to be
complete in the transaction that holds its last resources, or later. Two audits may share the file.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeVar

from scanner.model import Note, SmguardError

_Result = TypeVar("_Result")
_APPLICATION = 0x534D4752
_VERSION = 1
KEPT_DAYS = 180
"""What no audit has met for so long is dropped, and the word that everything back then was complete."""
TOUCH_DAYS = 7
"""That something was met again is written no more often: it would be as much work as reading it."""
_RUN_DAYS = 30
_PAGES = 524_288
"""Of 4 KiB: a file of 2 GiB, some five million jobs, is as far as it grows."""
_BEGIN = "BEGIN IMMEDIATE"
"""Inside of `with`, which commits or rolls back: what is read stays as it is until then."""
_OTHER = "name another file with --store, or use --no-store"
_SCHEMA = f"""
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_VERSION};
CREATE TABLE kind (id INTEGER PRIMARY KEY, partition TEXT, account TEXT, region TEXT, form TEXT, type TEXT,
    used INTEGER, UNIQUE (partition, account, region, form, type));
CREATE TABLE kept (id INTEGER PRIMARY KEY, names TEXT UNIQUE);
CREATE TABLE resource (kind INTEGER, key TEXT, kept INTEGER, seen INTEGER, body BLOB,
    PRIMARY KEY (kind, key, kept)) WITHOUT ROWID;
CREATE TABLE completed (kind INTEGER, kept INTEGER, since REAL, at REAL, PRIMARY KEY (kind, kept, since))
    WITHOUT ROWID;
CREATE TABLE finished (run TEXT, unit TEXT, day INTEGER, body BLOB, PRIMARY KEY (run, unit)) WITHOUT ROWID
"""


def default_path(environment: Mapping[str, str] = os.environ) -> str:
    """The store in the user's cache directory, wherever the platform has that."""
    base = environment.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        if sys.platform == "win32":
            base = environment.get("LOCALAPPDATA", "") or os.path.expanduser("~\\AppData\\Local")
        else:
            base = os.path.expanduser("~/Library/Caches" if sys.platform == "darwin" else "~/.cache")
    return os.path.join(base, "smguard", "audit.sqlite3")


def open_store(path: str | None = None, now: Callable[[], float] = time.time) -> Store:
    """The store at `path`, or the user's own, which is put aside when it is corrupt.

    A user's own store that can't be made (no home, a full disk) remembers nothing, and says so. Raises
    SmguardError where `path` names something that is not a store, or one that can't be used.
    """
    store = Store(path or default_path(), now)
    if store.notes and path:
        store.close()
        raise SmguardError(f"{path} {store.notes[0].what}", _OTHER)
    return store


class CorruptStore(sqlite3.DatabaseError):
    """What was found in the file is not what was put there."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    sqlite_errorname = "SQLITE_CORRUPT"


class Store:
    """The open file; no file at all where its path is None. Threads share it; another process opens it anew.

    When SQLite fails (disk full, locked for half a minute, corrupt), `notes` says so once, and from then on
    nothing is remembered or recalled. A corrupt file is put aside, so that the next audit begins a new one.
    """

    def __init__(self, path: str | None, now: Callable[[], float] = time.time) -> None:
        """Open or make the file, which only its owner can read. Raises SmguardError for another one's."""
        self.notes: list[Note] = []
        self.day = int(now() // 86_400)
        self._path = path or ""
        self._lock = threading.RLock()
        self._db: sqlite3.Connection | None = None
        if path is None:
            return
        try:
            _make(path)
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            self._prepare(self._db)
        except (OSError, sqlite3.Error) as error:
            self._fail(error)
        except SmguardError:
            self.close()
            raise

    @property
    def works(self) -> bool:
        """Whether anything is kept."""
        return self._db is not None and not self.notes

    def use(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result | None:
        """What `work` makes of the database in one transaction; None once the store has failed."""
        with self._lock:
            if self._db is None or not self.works:
                return None
            try:
                with self._db as db:
                    db.execute(_BEGIN)
                    return work(db)
            except sqlite3.Error as error:
                self._fail(error)
                return None

    def finished(self, run: str, unit: str) -> bytes | None:
        """What `finish` was given for a unit of a run. A run's name tells everything its results hang on."""
        sought = "SELECT body FROM finished WHERE run = ? AND unit = ?"
        row = self.use(lambda db: db.execute(sought, (run, unit)).fetchone())
        return bytes(row[0]) if row else None

    def finish(self, run: str, unit: str, body: bytes) -> None:
        """Keep a unit's results for `--resume`, for a month at most."""
        row = (run, unit, self.day, body)
        self.use(lambda db: db.execute("INSERT OR REPLACE INTO finished VALUES (?, ?, ?, ?)", row))

    def end(self, run: str) -> None:
        """Forget the units of a run: it is done."""
        self.use(lambda db: db.execute("DELETE FROM finished WHERE run = ?", (run,)))

    def close(self) -> None:
        """Close the file. `notes` stay."""
        with self._lock:
            if self._db is not None:
                self._db.close()
                self._db = None

    def _prepare(self, db: sqlite3.Connection) -> None:
        with db:
            db.execute(_BEGIN)
            application, version = (
                db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
            )
            known = application == _APPLICATION
            if not known and (application or version or db.execute("SELECT 1 FROM sqlite_master").fetchone()):
                raise SmguardError(f"{self._path} is a database of something else", _OTHER)
            if version > _VERSION:
                raise SmguardError(f"{self._path} was written by a newer smguard", _OTHER)
            if not known:
                for statement in _SCHEMA.split(";"):
                    db.execute(statement)
            self._prune(db)
        db.execute(f"PRAGMA max_page_count = {_PAGES}")
        db.execute("PRAGMA synchronous = NORMAL")
        # Refused while another audit is opening the file; without it they only wait longer for each other.
        with suppress(sqlite3.OperationalError):
            db.execute("PRAGMA journal_mode = WAL")

    def _prune(self, db: sqlite3.Connection) -> None:
        oldest = self.day - KEPT_DAYS - TOUCH_DAYS
        for (kind,) in db.execute("SELECT id FROM kind WHERE used < ?", (oldest,)).fetchall():
            db.execute("DELETE FROM completed WHERE kind = ?", (kind,))
            db.execute("DELETE FROM resource WHERE kind = ?", (kind,))
            db.execute("DELETE FROM kind WHERE id = ?", (kind,))
        db.execute("DELETE FROM finished WHERE day < ?", (self.day - _RUN_DAYS,))

    def _fail(self, error: Exception) -> None:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            self.close()
        if code == sqlite3.SQLITE_NOTADB:
            raise SmguardError(f"{self._path} is not a store of audits", _OTHER)
        aside = ""
        if code == sqlite3.SQLITE_CORRUPT:
            aside = "; it is put aside"
            for ending in ("", "-wal", "-shm"):
                with suppress(OSError):
                    os.replace(f"{self._path}{ending}", f"{self._path}.corrupt{ending}")
        why = (
            getattr(error, "sqlite_errorname", None)
            or getattr(error, "strerror", None)
            or type(error).__name__
        )
        self.notes.append(
            Note(self._path, f"can't be used ({why}){aside}: earlier audits are not remembered")
        )


def _make(path: str) -> None:
    os.makedirs(os.path.dirname(path) or os.curdir, mode=0o700, exist_ok=True)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    status = os.stat(path)
    if not stat.S_ISREG(status.st_mode):
        raise SmguardError(f"{path} is no regular file", _OTHER)
    if os.name == "posix" and status.st_mode & 0o022:
        raise SmguardError(
            f"{path} can be written by others", "use another file, or chmod 600 if you trust it"
        )
