"""Writing a report: whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TextIO

from scanner.model import SmguardError
from scanner.safe_text import inert


def write(path: str | None, chunks: Iterable[str]) -> None:
    """Write the chunks to the file `path` (mode 0600), or to standard output if it is None or "-".

    A file appears, or replaces the one before it, only once the last chunk is written. Raises
    SmguardError if it cannot be written. When the reader of standard output goes away the rest is
    still drawn from `chunks`, so that what was found still decides the exit code.
    """
    if path is None or path == "-":
        _write_stdout(chunks)
    else:
        _write_file(path, chunks)


def _write_file(path: str, chunks: Iterable[str]) -> None:
    _check_target(path)
    folder, name = os.path.split(path)
    # Part of the name only, so that the temporary one is never too long.
    temporary = os.path.join(folder, f".{name[:40]}.{os.urandom(6).hex()}")
    with _telling(path):
        # O_EXCL refuses whatever is already there, links included.
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            for text in _gathered(chunks):
                with _telling(path):
                    file.write(text)
            with _telling(path):
                file.flush()
        with _telling(path):
            os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


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


def _write_stdout(chunks: Iterable[str]) -> None:
    stream = sys.stdout
    if stream is None:
        raise SmguardError("standard output is closed", hint="give a file with --output")
    encoding = stream.encoding or "utf-8"
    rest = _gathered(chunks)
    for text in rest:
        if not _put(stream, text.encode(encoding, "backslashreplace").decode(encoding)):
            for _ in rest:
                pass
            return
    _put(stream)


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
