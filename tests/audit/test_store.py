"""What audits remember: never more than is true, whatever happens to the file or the process."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.audit.fault import Fault
from scanner.audit.item import Scope
from scanner.audit.memory import Memory
from scanner.audit.store import Store, default_path, open_store
from scanner.model import SmguardError
from tests.building import ROOT

JOB = "AWS::SageMaker::TrainingJob"
HERE = Scope("111122223333", "eu-west-1")
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def at(day: int = 0) -> Callable[[], float]:
    return lambda: (NOW + timedelta(days=day)).timestamp()


def memory(store: Store, scope: Scope = HERE, form: str = "1") -> Memory:
    return Memory(store, scope, form)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "cache" / "audit.sqlite3")


def test_what_is_remembered_comes_back_in_another_process_only_when_enough_was_kept(path: str) -> None:
    store = Store(path, at())
    kept: Memory = memory(store)
    kept.remember(JOB, "a", {"RoleArn": "r", "At": NOW, "Deep": [{"x": None}]}, {"RoleArn", "Deep"})
    kept.remember(JOB, "b", {"RoleArn": "s"}, {"RoleArn"})
    kept.complete(JOB, {"RoleArn"}, NOW - timedelta(days=90), NOW)
    store.close()
    store = Store(path, at(1))
    kept = memory(store)
    assert kept.recall(JOB, "a", ["RoleArn"]) == {
        "RoleArn": "r",
        "At": NOW.isoformat(),
        "Deep": [{"x": None}],
    }
    assert kept.recall(JOB, "b", ["RoleArn"]) == {"RoleArn": "s"}
    assert kept.recall(JOB, "b", ["RoleArn", "Deep"]) is None
    assert kept.recall(JOB, "c", []) is None
    assert [key for key, _ in kept.recall_all(JOB, ["RoleArn"])] == ["a", "b"]
    assert [key for key, _ in kept.recall_all(JOB, ["Deep"])] == ["a"]
    assert kept.last_complete(JOB, ["RoleArn"], NOW - timedelta(days=89)) == NOW
    assert kept.last_complete(JOB, ["RoleArn"], NOW - timedelta(days=91)) is None
    assert kept.last_complete(JOB, ["RoleArn"], None) is None
    assert kept.last_complete(JOB, ["Deep"], NOW) is None
    kept.forget(JOB, "a")
    assert [key for key, _ in kept.recall_all(JOB, [])] == ["b"]
    store.close()


def test_scopes_types_and_forms_never_mix(path: str) -> None:
    store = Store(path, at())
    places = [
        (scope, form, kind)
        for scope in (
            HERE,
            HERE._replace(account="444455556666"),
            HERE._replace(region="eu-west-2"),
            HERE._replace(partition="aws-cn"),
        )
        for form in ("1", "2")
        for kind in (JOB, "AWS::SageMaker::Model")
    ]
    for number, (scope, form, kind) in enumerate(places):
        one = memory(store, scope, form)
        one.remember(kind, "same", {"Number": number}, ["Number"])
        one.complete(kind, ["Number"], None, NOW + timedelta(seconds=number))
    for number, (scope, form, kind) in enumerate(places):
        one = memory(store, scope, form)
        assert one.recall(kind, "same", ["Number"]) == {"Number": number}
        assert list(one.recall_all(kind, ["Number"])) == [("same", {"Number": number})]
        assert one.last_complete(kind, ["Number"], None) == NOW + timedelta(seconds=number)
    store.close()


def test_what_is_made_anew_under_an_old_name_keeps_nothing_of_the_old(path: str) -> None:
    store = Store(path, at())
    one = memory(store)
    one.remember(JOB, "a", {"Vpc": 1, "Key": 1}, ["Key", "Vpc"])
    one.remember(JOB, "a", {"Key": 2}, ["Vpc", "Key"])
    assert list(one.recall_all(JOB, ["Vpc"])) == [("a", {"Key": 2})]
    store.close()


def test_audits_that_keep_other_properties_do_not_take_from_each_other(path: str) -> None:
    """Two at once: what one says to be complete holds whatever the other remembers in between."""
    store = Store(path, at())
    first, second = memory(store), memory(store)
    for number in range(600):
        first.remember(JOB, f"{number:03}", {"A": number, "B": number}, ["A", "B"])
        second.remember(JOB, f"{number:03}", {"B": number, "C": number}, ["B", "C"])
    first.complete(JOB, ["A", "B"], None, NOW)
    second.remember(JOB, "000", {"C": 0}, ["C"])
    second.complete(JOB, ["B", "C"], None, NOW)
    for wanted in (["A", "B"], ["B", "C"], ["A"], ["B"], ["C"], []):
        assert first.last_complete(JOB, wanted, None) == NOW
        found = list(second.recall_all(JOB, wanted))
        assert [key for key, _ in found] == [f"{number:03}" for number in range(600)]
        assert all(known[name] == int(key) for key, known in found for name in wanted)
    second.remember(JOB, "000", {"A": 0, "B": 0, "C": 0}, ["A", "B", "C"])
    assert list(second.recall_all(JOB, ["A", "C"])) == [("000", {"A": 0, "B": 0, "C": 0})]
    first.forget(JOB, "000")
    assert first.recall(JOB, "000", []) is None
    store.close()


def test_many_are_recalled_in_order(path: str) -> None:
    store = Store(path, at())
    one = memory(store)
    for number in range(1_234):
        one.remember(JOB, f"{number:05}", {"N": number}, ["N"])
    assert [known["N"] for _, known in one.recall_all(JOB, ["N"])] == list(range(1_234))
    store.close()


names = st.frozensets(st.sampled_from("ABCD"))


@given(
    audits=st.lists(st.tuples(names, st.integers(0, 9), st.integers(1, 5)), max_size=12),
    wanted=names,
    since=st.integers(0, 9),
)
@settings(max_examples=50)
def test_what_is_said_to_be_complete_is(
    tmp_path_factory: pytest.TempPathFactory,
    audits: list[tuple[frozenset[str], int, int]],
    wanted: frozenset[str],
    since: int,
) -> None:
    """An account where a job starts every day, and audits that keep what they want of their window."""
    store = Store(str(tmp_path_factory.mktemp("store") / "s"), at())
    one = memory(store)
    today = 10

    def read(wanted: frozenset[str], since: int, today: int) -> set[int]:
        start = NOW + timedelta(days=since)
        done = one.last_complete(JOB, wanted, start)
        first = since if done is None else (done - NOW).days
        known = {int(key) for key, _ in one.recall_all(JOB, wanted)} if done else set()
        for day in range(first, today):
            one.remember(JOB, f"{day:03}", dict.fromkeys(wanted, day), wanted)
        one.complete(JOB, wanted, start, NOW + timedelta(days=today))
        return known | set(range(first, today))

    for kept, start, days in [*audits, (wanted, since, 1)]:
        assert read(kept, start, today) >= set(range(start, today))
        assert {
            known[name]
            for key, known in one.recall_all(JOB, kept)
            for name in kept
            if known[name] == int(key)
        } >= (set(range(start, today)) if kept else set())
        today += days
    store.close()


def test_what_no_audit_meets_is_dropped_and_with_it_the_word_that_all_was_read(path: str) -> None:
    def audit(day: int, *met: str) -> list[str]:
        store = Store(path, at(day))
        one = memory(store)
        for key in met:
            if one.recall(JOB, key, ["N"]) is None:
                one.remember(JOB, key, {"N": 1}, ["N"])
        one.complete(JOB, ["N"], None, NOW + timedelta(days=day))
        store.close()
        with sqlite3.connect(path) as db:
            left = [key for (key,) in db.execute("SELECT key FROM resource ORDER BY key")]
        db.close()
        return left

    assert audit(0, "old", "new") == ["new", "old"]
    assert audit(100, "new") == ["new", "old"]
    assert audit(186, "new") == ["new", "old"]
    assert audit(188, "new") == ["new"]
    store = Store(path, at(188))
    assert memory(store).last_complete(JOB, ["N"], None) == NOW + timedelta(days=188)
    store.close()
    store = Store(path, at(600))
    assert memory(store).last_complete(JOB, ["N"], None) is None
    assert list(memory(store).recall_all(JOB, ["N"])) == []
    store.close()


def test_units_of_a_run_are_kept_until_it_ends(path: str) -> None:
    store = Store(path, at())
    store.finish("run", "models", b"\0\xff")
    store.finish("run", "jobs", b"1")
    store.finish("run", "jobs", b"2")
    store.finish("other", "jobs", b"3")
    store.close()
    store = Store(path, at(30))
    assert [store.finished("run", unit) for unit in ("models", "jobs", "endpoints")] == [
        b"\0\xff",
        b"2",
        None,
    ]
    store.end("run")
    assert [store.finished(run, "jobs") for run in ("run", "other")] == [None, b"3"]
    store.close()
    store = Store(path, at(31))
    assert store.finished("other", "jobs") is None
    store.close()


def test_no_store_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store(None)
    one = memory(store)
    one.remember(JOB, "a", {"N": 1}, ["N"])
    one.complete(JOB, ["N"], None, NOW)
    one.forget(JOB, "a")
    store.finish("run", "unit", b"")
    store.end("run")
    assert one.recall(JOB, "a", ["N"]) is None
    assert list(one.recall_all(JOB, ["N"])) == []
    assert one.last_complete(JOB, ["N"], None) is None
    assert store.finished("run", "unit") is None
    assert (store.notes, store.works) == ([], False)
    store.close()
    assert list(tmp_path.iterdir()) == []


def test_only_the_owner_can_read_it(path: str) -> None:
    mask = os.umask(0)
    try:
        store = Store(path, at())
        memory(store).remember(JOB, "a", {}, [])
        memory(store).complete(JOB, [], None, NOW)
    finally:
        os.umask(mask)
    files = sorted(Path(path).parent.iterdir())
    assert [(each.name, each.stat().st_mode & 0o777) for each in files] == [
        (f"audit.sqlite3{ending}", 0o600) for ending in ("", "-shm", "-wal")
    ]
    assert Path(path).parent.stat().st_mode & 0o777 == 0o700
    store.close()


@pytest.mark.parametrize(
    ("platform", "environment", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/smguard/audit.sqlite3"),
        ("linux", {"XDG_CACHE_HOME": "relative"}, "/home/me/.cache/smguard/audit.sqlite3"),
        ("linux", {}, "/home/me/.cache/smguard/audit.sqlite3"),
        ("darwin", {}, "/home/me/Library/Caches/smguard/audit.sqlite3"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/smguard/audit.sqlite3"),
    ],
)
def test_default_path(
    monkeypatch: pytest.MonkeyPatch, platform: str, environment: dict[str, str], expected: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("HOME", "/home/me")
    assert default_path(environment) == expected


def newer(path: str) -> None:
    Store(path, at()).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 2")
    db.close()


def foreign(path: str) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE mine (x)")
    db.close()


def text(path: str) -> None:
    Path(path).write_text('{"findings": []}' * 99)


def folder(path: str) -> None:
    Path(path).mkdir()


def writable(path: str) -> None:
    Store(path, at()).close()
    Path(path).chmod(0o666)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (newer, "newer smguard"),
        (foreign, "something else"),
        (text, "not a store"),
        (folder, "no regular file"),
        (writable, "written by others"),
    ],
)
def test_a_file_that_is_not_ours_is_left_alone(
    tmp_path: Path, make: Callable[[str], None], word: str
) -> None:
    path = tmp_path / "file"
    make(str(path))
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(SmguardError, match=word) as met:
        open_store(str(path), at())
    assert met.value.hint
    assert before is None or path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def filled(path: str) -> None:
    store = Store(path, at())
    one = memory(store)
    for number in range(400):
        one.remember(
            JOB, f"{number:05}", {"N": number, "Noise": random.Random(number).randbytes(99).hex()}, ["N"]
        )
    one.complete(JOB, ["N"], None, NOW)
    store.close()


def test_a_damaged_file_gives_no_wrong_answer_and_is_put_aside(tmp_path: Path) -> None:
    """One page at a time is overwritten: what comes back is what was put there, or nothing."""
    whole = tmp_path / "whole"
    filled(str(whole))
    original = whole.read_bytes()
    pages = range(0, len(original), 4096)
    assert len(pages) > 8
    aside = 0
    for start in pages:
        for noise in (b"\0", b"\xa5"):
            path = tmp_path / "damaged"
            path.write_bytes(original[:start] + noise * 4096 + original[start + 4096 :])
            path.chmod(0o600)
            try:
                store = Store(str(path), at())
            except SmguardError:
                assert start == 0
                continue
            one = memory(store)
            complete = one.last_complete(JOB, ["N"], None)
            try:
                found = {key: known["N"] for key, known in one.recall_all(JOB, ["N"])}
            except Fault:
                assert len(store.notes) == 1
            else:
                assert all(int(key) == number for key, number in found.items())
                assert len(found) == 400 or complete is None or store.notes, start
            store.close()
            if store.notes:
                aside += 1
                assert not path.exists()
                assert (tmp_path / "damaged.corrupt").exists()
                assert Store(str(path), at()).notes == []
    assert aside > 5


@pytest.mark.parametrize("body", [b"no zlib", zlib.compress(b"[1"), zlib.compress(b'["other", {}]')])
def test_a_damaged_resource_is_not_taken_for_another(path: str, body: bytes) -> None:
    filled(path)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE resource SET body = ? WHERE key = '00007'", (body,))
    db.close()
    store = Store(path, at())
    one = memory(store)
    assert one.recall(JOB, "00006", ["N"])
    assert one.recall(JOB, "00007", ["N"]) is None
    assert "SQLITE_CORRUPT" in store.notes[0].what
    with pytest.raises(Fault, match="StoreUnreadable"):
        list(one.recall_all(JOB, ["N"]))
    assert one.last_complete(JOB, ["N"], None) is None
    store.close()
    assert not Path(path).exists()


def test_only_json_is_remembered(path: str) -> None:
    store = Store(path, at())
    one = memory(store)
    one.remember(JOB, "a", {"N": object()}, ["N"])
    with pytest.raises(TypeError):
        one.complete(JOB, ["N"], None, NOW)
    assert one.last_complete(JOB, ["N"], None) is None
    store.close()


def test_a_corrupt_file_named_by_the_user_is_an_error_once(tmp_path: Path) -> None:
    path = tmp_path / "store"
    filled(str(path))
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xa5" * 3996 + whole[4096:])
    with pytest.raises(SmguardError, match="put aside"):
        open_store(str(path), at())
    store = open_store(str(path), at())
    assert store.works
    store.close()


def test_a_cache_that_cannot_be_made_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    store = open_store(now=at())
    assert not store.works
    assert "not remembered" in store.notes[0].what
    assert memory(store).recall(JOB, "a", []) is None
    store.close()
    with pytest.raises(SmguardError, match="not remembered"):
        open_store(str(tmp_path / "file" / "x"))


WRITER = """
import sys
from datetime import datetime, UTC
from scanner.audit.item import Scope
from scanner.audit.memory import Memory
from scanner.audit.store import Store
from itertools import count
store = Store(sys.argv[1], lambda: 1793534400.0)
one = Memory(store, Scope("111122223333", "eu-west-1"), "1")
done = one.last_complete("J", ["N"], None)
first = int(done.timestamp()) if done else 0
print("open", flush=True)
for number in count(first) if sys.argv[2] == "on" else range(first, first + int(sys.argv[2])):
    one.remember("J", f"{number:09}", {"N": number}, ["N"])
    if number % 7 == 6:
        one.complete("J", ["N"], None, datetime.fromtimestamp(number + 1, UTC))
store.close()
"""


def writer(path: str, much: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, path, much], stdout=subprocess.PIPE, env=environment, text=True
    )


def test_a_killed_writer_leaves_what_is_true(path: str) -> None:
    chance = random.Random(5)
    reached = 0
    for _ in range(6):
        with writer(path, "on") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            # Not by the clock: by how far the writer has come.
            size = chance.randrange(8_000, 400_000)
            wal = Path(f"{path}-wal")
            while process.poll() is None and wal.stat().st_size < size:
                pass
            process.send_signal(signal.SIGKILL)
        store = Store(path, lambda: 1793534400.0)
        one = Memory(store, HERE, "1")
        done = one.last_complete("J", ["N"], None)
        keys = [int(key) for key, known in one.recall_all("J", ["N"]) if known["N"] == int(key)]
        assert store.notes == []
        assert done is None or set(keys) >= set(range(int(done.timestamp())))
        assert len(keys) >= reached
        reached = len(keys)
        store.close()
    assert reached > 100


def test_two_audits_at_once(path: str) -> None:
    both = [writer(path, "700") for _ in range(2)]
    for process in both:
        process.communicate()
        assert process.returncode == 0
    store = Store(path, lambda: 1793534400.0)
    one = Memory(store, HERE, "1")
    assert len(dict(one.recall_all("J", ["N"]))) >= 700
    assert store.notes == []
    store.close()


def test_threads_share_a_store(path: str) -> None:
    store = Store(path, at())
    one = memory(store)

    def work(mine: str) -> None:
        for number in range(300):
            one.remember(JOB, f"{mine}{number}", {"N": number}, ["N"])
            one.recall(JOB, f"{mine}{number // 2}", ["N"])

    threads = [threading.Thread(target=work, args=(letter,)) for letter in "abcd"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(dict(one.recall_all(JOB, ["N"]))) == 1_200
    assert store.notes == []
    store.close()
