from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.model import SmguardError
from scanner.output import write


def failing() -> Iterator[str]:
    yield "half"
    raise RuntimeError("our own crash")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_file_is_written_with_mode_0600(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    write(str(target), ["one\n", "zwei ü\n"])
    assert target.read_bytes() == "one\nzwei ü\n".encode()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert names(tmp_path) == ["report.json"]


def test_lone_surrogates_do_not_stop_a_report(tmp_path: Path) -> None:
    write(str(tmp_path / "report"), ["a\udcff"])
    assert (tmp_path / "report").read_bytes() == b"a\\udcff"


def test_a_crash_leaves_the_old_report(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("old")
    with pytest.raises(RuntimeError):
        write(str(target), failing())
    assert target.read_text() == "old"
    assert names(tmp_path) == ["report.json"]


def test_relative_path_is_written_where_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write("report.json", ["x"])
    assert (tmp_path / "report.json").read_text() == "x"


def test_no_writing_through_links(tmp_path: Path) -> None:
    aim, link = tmp_path / "aim", tmp_path / "link"
    aim.write_text("untouched")
    link.symlink_to(aim)
    with pytest.raises(SmguardError, match="symbolic link"):
        write(str(link), ["x"])
    assert aim.read_text() == "untouched"
    assert link.is_symlink()


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("", "not a regular file"),
        ("pipe", "not a regular file"),
        ("none/report", "No such file"),
        ("a/b", "directory"),
    ],
)
def test_targets_that_are_refused(tmp_path: Path, name: str, what: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a").write_text("a file, not a folder")
    with pytest.raises(SmguardError, match=what):
        write(str(tmp_path / name), ["x"])


def test_a_full_disk_is_an_error_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(SmguardError, match=r"can't be written to .*: No space left"):
        write(str(tmp_path / "report"), ["x"])
    assert names(tmp_path) == []


def test_hostile_name_is_inert_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(SmguardError) as caught:
        write(str(tmp_path / "no\x1b[2J" / "report"), ["x"])
    assert "\\x1b[2J" in caught.value.what


@pytest.mark.parametrize("path", [None, "-"])
def test_standard_output(path: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    write(path, ["one\n", "zwei …\n"])
    assert capsys.readouterr().out == "one\nzwei …\n"


def test_standard_output_that_knows_fewer_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    write(None, ["ü…\n"])
    assert raw.getvalue() == b"\\xfc\\u2026\n"


def test_closed_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SmguardError, match="closed"):
        write(None, ["x"])


DRAWN = """
import sys
from scanner.output import write
drawn = []
def chunks():
    for number in range(5000):
        drawn.append(number)
        yield "x" * 100 + "\\n"
write(None, chunks())
sys.exit(7 if len(drawn) == 5000 else 8)
"""


def test_broken_pipe_is_quiet_and_the_run_goes_on() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", DRAWN],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    )
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), said) == (7, b"")


FULL = """
from scanner.output import write
try:
    write(None, ["x"])
except Exception as error:
    raise SystemExit(str(error))
"""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_standard_output_that_is_full() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", FULL],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=Path(__file__).parent.parent,
        )
    assert done.stderr.decode().strip() == "standard output can't be written: No space left on device"
