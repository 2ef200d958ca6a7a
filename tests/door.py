"""The command as a person runs it, in a process of its own with bounded memory and time."""

from __future__ import annotations

import atexit
import functools
import io
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import pytest

from scanner import rulepack

ROOT = Path(__file__).resolve().parent.parent
MEMORY = 1 << 30
"""Bytes of address space."""
SECONDS = 20
"""Of CPU time."""
BOUNDS = {"RLIMIT_AS": MEMORY, "RLIMIT_CPU": SECONDS, "RLIMIT_CORE": 0}
TWO = ("--select", "notebook-direct-internet", "--select", "volume-kms-key")
"""Controls that every notebook below violates."""
ANNOTATION = re.compile(r"::(error|warning|notice) (file=[^:,]*,)?(line=\d+,)?(col=\d+,)?title=[^:,]+::")
"""A workflow command of our own making."""
CALM = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "COLUMNS": "100", "PYTHONNOUSERSITE": "1"}

MEASURED = {"PYTHONPATH": str(ROOT), **{k: v for k, v in os.environ.items() if k.startswith("COV")}}
"""For `smguard`: run the checkout itself instead of a copy, so that its coverage counts."""


class Ran(NamedTuple):
    """How a process ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> Any:
        """The JSON report."""
        return json.loads(self.out)


@functools.cache
def installed() -> str:
    """A folder with the package as a wheel holds it, the catalog compiled."""
    folder = tempfile.mkdtemp(prefix="smguard-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Path(folder).chmod(0o755)
    ignored = shutil.ignore_patterns("__pycache__", "data")
    shutil.copytree(ROOT / "scanner", Path(folder, "scanner"), ignore=ignored)
    Path(folder, "scanner", "data").mkdir()
    own = shutil.ignore_patterns("__pycache__", "*.md")
    shutil.copytree(ROOT / "config_rules", Path(folder, "scanner", "data", "config_rules"), ignore=own)
    for name, text in rulepack.compiled_files(str(ROOT / "rules")).items():
        path = Path(folder, "scanner", "data", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def smguard(
    *words: str | bytes | Path,
    cwd: str | Path | None = None,
    given: bytes | None = None,
    out: Any = subprocess.PIPE,
    before: Callable[[], None] | None = None,
    **environment: str,
) -> Ran:
    """Run `smguard`; `before` is called in the new process."""
    plain = words[:1] == ("scan",) and given is None and before is None and out is subprocess.PIPE
    if plain and not any(name.startswith(("COV", "LC_", "PYTHON")) for name in environment):
        return _checked(*_forked(words, Path(cwd or "").absolute(), environment))

    def bound() -> None:
        for name, most in BOUNDS.items():
            resource.setrlimit(getattr(resource, name), (most, most))
        if before is not None:
            before()

    done = subprocess.run(
        [sys.executable, "-P", "-m", "scanner", *words],
        cwd=cwd,
        env={**CALM, "PYTHONPATH": installed(), **environment},
        stdin=subprocess.DEVNULL if given is None else None,
        input=given,
        stdout=out,
        stderr=subprocess.PIPE,
        preexec_fn=bound,
        timeout=60,
        check=False,
    )
    return _checked(done.returncode, done.stdout or b"", done.stderr)


def _checked(code: int, out: bytes, err: bytes) -> Ran:
    ran = Ran(code, out.decode("utf-8"), err.decode("utf-8"))
    assert "Traceback" not in ran.err, ran.err
    assert "Traceback" not in ran.out
    return ran


@functools.cache
def _forking() -> socket.socket:
    """Where calls go: to start Python and to import take several times as long as most of them."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-P", ROOT / "tests" / "forking.py", *(f"{k}={v}" for k, v in BOUNDS.items())],
        env={**CALM, "PYTHONPATH": installed()},
        stdin=theirs,
        stdout=subprocess.PIPE,  # which makes Python write whole blocks
        stderr=subprocess.PIPE,
    )
    theirs.close()
    atexit.register(process.communicate)
    atexit.register(ours.close)
    return ours


def _forked(words: Sequence[str | bytes | Path], folder: Path, environment: dict[str, str]) -> Any:
    """Exit code, output and errors of a call in a process of its own, which another one forks."""

    def read(descriptor: int) -> bytes:
        with os.fdopen(descriptor, "rb") as stream:
            return stream.read()

    message = json.dumps([[os.fsdecode(word) for word in words], str(folder), environment]).encode()
    readings, writings = zip(*(os.pipe() for _ in range(2)), strict=True)
    calls = _forking()
    with Path(os.devnull).open("rb") as nothing:
        socket.send_fds(calls, [message], [nothing.fileno(), *writings])
    for writing in writings:
        os.close(writing)
    with ThreadPoolExecutor(2) as readers:
        out, err = readers.map(read, readings)
    return int(calls.recv(100)), out, err


def called(
    *words: str | bytes | Path,
    cwd: str | Path | None = None,
    given: bytes | None = None,
    **environment: str,
) -> Ran:
    """Like `smguard`, but the checkout's and in this process: a tenth of the time, and coverage counts.

    For what hangs neither on bounds nor on how a process starts and ends. A crash is raised.
    """
    from scanner import cli, explanation
    from scanner.policy import reference

    # Kept by the names of files, which are not the same in every folder.
    explanation._inputs.cache_clear()
    reference.load.cache_clear()
    environment = {"SMGUARD_DEBUG": "1", **environment}
    return within(cli.main, "smguard", *words, cwd=cwd, given=given, **environment)


def within(
    main: Callable[[], object],
    *words: str | bytes | Path,
    cwd: str | Path | None = None,
    given: bytes | None = None,
    **environment: str,
) -> Ran:
    """Run the `main` of any command, whose name is the first word, in this process."""
    out, err, stdin = (io.TextIOWrapper(io.BytesIO(it), "utf-8") for it in (b"", b"", given or b""))
    with ExitStack() as stack:
        stack.enter_context(chdir(cwd or os.curdir))
        stack.enter_context(mock.patch.dict(os.environ, {**CALM, **environment}, clear=True))
        stack.enter_context(mock.patch.multiple(sys, argv=[*map(os.fsdecode, words)], stdin=stdin))
        stack.enter_context(redirect_stdout(out))
        stack.enter_context(redirect_stderr(err))
        ending = stack.enter_context(pytest.raises(SystemExit))
        main()
    for stream in (out, err):
        stream.flush()
    written = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return Ran(ending.value.code, *written)


def assert_inert(text: str, format_name: str = "") -> None:
    """Nothing in it can do anything but be read, wherever it is shown."""
    for line in text.replace("\r\n", "\n" if format_name == "csv" else "\r\n").split("\n"):
        if format_name == "github":
            line = ANNOTATION.sub("", line)
        assert line.isprintable(), ascii(line)
        assert not re.match(r"\s*(::|##\[)", line), ascii(line)
        assert "##[" not in line, ascii(line)
        assert "##vso[" not in line, ascii(line)


def give_up_power() -> None:
    """Permissions hold for root as well once these two capabilities can't be gained."""
    if os.geteuid() == 0:
        import ctypes

        drop_from_bounding_set, overriding, searching = 24, 1, 2
        for capability in (overriding, searching):
            assert ctypes.CDLL(None).prctl(drop_from_bounding_set, capability, 0, 0, 0) == 0


def scan(
    *words: str | bytes | Path, controls: Iterable[str] = TWO, run: Callable[..., Ran] = smguard, **how: Any
) -> Ran:
    """Scan for the two controls, with a JSON report."""
    return run("scan", *controls, "-f", "json", *words, **how)


def found(report: Any, file: str | None = None) -> list[str]:
    """Findings as "control resource line:column", those that are no FAIL with their verdict first."""
    lines = []
    for each in report["findings"]:
        at = each["location"]
        if file is not None and at["file"] != file:
            continue
        prefix = "" if each["verdict"] == "fail" else f"{each['verdict']} "
        prefix = "waived " if each["waiver"] else "known " if each["baseline"] else prefix
        lines.append(f"{prefix}{each['control']} {each['resource']['name']} {at['line']}:{at['column']}")
    return lines


def gaps(report: Any, file: str | None = None) -> list[str]:
    """Gaps as "line:column what"; with `file` only its own, and then without its name."""
    lines = []
    for each in report["gaps"]:
        where = each["where"]
        if file is None:
            lines.append(f"{where} {each['what']}")
        elif where == file or where.startswith(f"{file}:"):
            lines.append(f"{where[len(file) + 1 :]} {each['what']}".lstrip())
    return lines


def notes(report: Any) -> list[str]:
    """Notes as "where what"."""
    return [f"{each['where']} {each['what']}" for each in report["notes"]]


def files(report: Any) -> dict[str, int]:
    """The counts of files that are not 0, without `seen`; they must close."""
    counts: dict[str, int] = dict(report["summary"]["files"])
    seen = counts.pop("seen")
    assert seen == sum(counts.values())
    summary = report["summary"]
    listed = [each for each in report["findings"] if each["verdict"] != "pass"]
    assert summary["waived"] == sum(each["waiver"] is not None for each in listed)
    assert summary["baseline"] == sum(each["baseline"] for each in listed)
    assert not [each for each in listed if each["baseline"] and each["waiver"]]
    for verdict in ("fail", "unknown"):
        same = [each for each in listed if each["verdict"] == verdict]
        assert summary[verdict] == sum(each["waiver"] is None and not each["baseline"] for each in same)
    assert summary["accepted_gaps"] == sum(each["accepted"] is not None for each in report["gaps"])
    assert summary["gaps"] == len(report["gaps"]) - summary["accepted_gaps"]
    assert summary["complete"] is (summary["gaps"] == 0)
    return {name: number for name, number in counts.items() if number}
