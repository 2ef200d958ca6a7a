"""Writing a report: whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import TextIO

from scanner.model import SmguardError
from scanner.report import Output
from scanner.safe_text import inert

Put = Callable[[str | None], None]
"""Takes text; None asks to hand on what is still held."""


def write(path: str | None, chunks: Iterable[str]) -> None:
    """Write the chunks to the file `path` (mode 0600), or to standard output if it is None or "-".

    A file appears, or replaces the one before it, only once the last chunk is written. Raises
    SmguardError if it cannot be written. When the reader of standard output goes away the rest is
    still drawn from `chunks`, so that what was found still decides the exit code.
    """
    with _target(path) as put:
        for text in _gathered(chunks):
            put(text)


def write_several(outputs: Sequence[Output], chunks: Iterable[tuple[int, str]]) -> None:
    """Write chunks, each to the output of its index, like `write`; files appear if all can be written."""
    with ExitStack() as stack:
        puts = [
            stack.enter_context(_added(each.path) if each.append else _target(each.path)) for each in outputs
        ]
        for index, text in chunks:
            puts[index](text)
        for put in puts:
            put(None)


def _target(path: str | None) -> AbstractContextManager[Put]:
    return _standard_output() if path is None or path == "-" else _whole_file(path)


@contextmanager
def _whole_file(path: str) -> Iterator[Put]:
    _check_target(path)
    folder, name = os.path.split(path)
    # Part of the name only, so that the temporary one is never too long.
    temporary = os.path.join(folder, f".{name[:40]}.{os.urandom(6).hex()}")
    with _telling(path):
        # O_EXCL refuses whatever is already there, links included.
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    file = open(handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n")  # noqa: SIM115 - closed below

    def put(text: str | None) -> None:
        with _telling(path):
            file.flush() if text is None else file.write(text)

    try:
        yield put
        with _telling(path):
            file.close()
            os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            file.close()
        os.unlink(temporary)
        raise


@contextmanager
def _added(path: str | None) -> Iterator[Put]:
    """Add to a file that others write to as well, all at once."""
    name = path or ""
    pieces: list[str] = []
    yield lambda text: pieces.append(text or "")
    with _telling(name), open(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as file:
        file.write("".join(pieces).encode("utf-8", "backslashreplace"))


def _gathered(chunks: Iterable[str]) -> Iterator[str]:
    """Small chunks put together, so that each write is worth its cost."""
    waiting: list[str] = []
    size = 0
    for chunk in chunks:
        waiting.append(chunk)
        size += len(chunk)
        if size >= 16_384:
            yield "".join(waiting)
            waiting, size = [], 0
    yield "".join(waiting)


def _check_target(path: str) -> None:
    """Refuse what a rename would wrongly replace: a link, a folder, a device."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return  # not there; if it can't be made, opening the temporary file says why
    if stat.S_ISLNK(mode):
        raise SmguardError(
            f"{inert(path)} is a symbolic link, and reports are not written through links",
            hint="name the file it points to, or redirect standard output",
        )
    if not stat.S_ISREG(mode):
        raise SmguardError(f"{inert(path)} is not a regular file", hint="redirect standard output instead")


@contextmanager
def _telling(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SmguardError(
            f"the report can't be written to {inert(path)}: {error.strerror or error}",
            hint="check that the folder exists, may be written to and has room",
        ) from error


@contextmanager
def _standard_output() -> Iterator[Put]:
    stream = sys.stdout
    if stream is None:
        raise SmguardError("standard output is closed", hint="give a file with --output")
    encoding = stream.encoding or "utf-8"
    read = True

    def put(text: str | None) -> None:
        nonlocal read
        if read:
            read = _put(stream, text and text.encode(encoding, "backslashreplace").decode(encoding))

    yield put
    put(None)


def _put(stream: TextIO, text: str | None = None) -> bool:
    """Write `text`, or flush if there is none; False when nobody reads any more."""
    try:
        if text is None:
            stream.flush()
        else:
            stream.write(text)
    except BrokenPipeError:
        _abandon(stream)
        return False
    except OSError as error:
        _abandon(stream)
        raise SmguardError(f"standard output can't be written: {error.strerror or error}") from error
    return True


def _abandon(stream: TextIO) -> None:
    """Let what is still buffered go nowhere: Python would fail on it again, loudly, when it exits."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
