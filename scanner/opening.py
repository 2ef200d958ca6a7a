"""Opening a file without being led astray: regular files only, bounded, and nothing outside of the root."""

import errno
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from scanner.candidate import Candidate as Candidate
from scanner.limits import Limits
from scanner.model import SmguardError
from scanner.safe_text import inert
from scanner.template.decode import decode
from scanner.template.document import Document, ReadError

_FLAGS = (
    os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)  # fmt: skip
_WORDS = ("AWS::", "AWSTemplateFormatVersion")
_MARKS = tuple(word.encode() for word in _WORDS)
_CODE_MARKS = (b"sagemaker", b"SageMaker", b"_training_job(", b"_processing_job(", b"_transform_job(")
_DEFINITIONS = {
    b"2020-12-01": re.compile(rb'"Version"\s*:\s*"2020-12-01"'),
    b"sagemaker:create": re.compile(rb":states:[^:\s]*:[^:\s]*:(aws-sdk:)?sagemaker:create"),
    b"sagemaker:update": re.compile(rb":states:[^:\s]*:[^:\s]*:aws-sdk:sagemaker:update"),
}
"""What pipeline definitions and state machines with SageMaker tasks hold: a mark, and what it stands in."""
_LENIENT_BYTES = 65_536
_SEARCHED_BYTES = 67_108_864
"""How far a file over the size limit is searched for a sign that it is a template."""


class Skipped(NamedTuple):
    """A file or link that is counted but not read, and why."""

    path: str
    why: str


def is_candidate(text: str) -> bool:
    """Whether a file that nobody named looks like a template, a pipeline definition or a state machine."""
    return any(word in text for word in _WORDS) or _defines(text.encode("utf-8", "surrogatepass"))


def open_text(entry: Candidate, limits: Limits) -> str | None:
    """The text of a file, or None if nobody named it and it is no template; raises ReadError."""
    if entry.given is not None:
        if len(entry.given) > limits.file_bytes:
            raise _too_large(limits.file_bytes, entry)
        return decode(entry.given)
    try:
        descriptor = os.open(entry.real, _FLAGS)
    except (OSError, ValueError) as fault:
        raise ReadError(f"can't be read: {faulty(fault)}") from None
    try:
        data = _read(descriptor, entry, limits)
    except OSError as fault:
        raise ReadError(f"can't be read: {faulty(fault)}") from None
    finally:
        os.close(descriptor)
    if data is None or not (entry.named or _marked(data, entry)):
        return None
    return decode(data)


def read_named(path: str, limits: Limits | None = None, noun: str = "") -> str:
    """The text of a file that the user named, within the limits of all files; raises SmguardError."""
    with telling(path, noun):
        try:
            real = os.path.realpath(path)
        except ValueError as fault:
            raise ReadError(faulty(fault)) from None
        return open_text(Candidate(path, real, ""), limits or Limits()) or ""


def read_document(path: str, limits: Limits | None = None, noun: str = "") -> Document:
    """The YAML or JSON of a file that the user named; raises SmguardError."""
    from scanner.template.reader import read

    text = read_named(path, limits, noun)
    with telling(path, noun):
        return read(text, limits or Limits())


@contextmanager
def telling(path: str, noun: str = "") -> Iterator[None]:
    """Make a ReadError about a file that the user named an SmguardError, with its place.

    `noun` says what the file is to be: "the waiver file".
    """
    try:
        yield
    except ReadError as fault:
        plain = fault.what.removeprefix("can't be read: ")
        what = f"{noun} can't be read: {plain}" if noun else fault.what
        raise SmguardError(f"{inert(fault.within(path))}: {what}", fault.hint) from fault


def open_under(entry: Candidate, name: str, beside: str, limits: Limits) -> tuple[str, str, str]:
    """Open the file that a template names by a relative path: (text, path for reports, real path).

    `beside` is the real path of the file that the name stands in: the candidate's own, or that of a file it
    led to. Raises ReadError, also for whatever lies outside of the candidate's root.
    """
    if not name or "\0" in name:
        raise ReadError("is no path")
    if name.startswith(("/", "\\", "~")):
        raise ReadError("is no relative path, and only such are followed")
    if ":" in name.partition("/")[0]:
        raise ReadError("is a URL, and only relative paths are followed")
    real = os.path.realpath(os.path.join(os.path.dirname(beside), name))
    if not is_within(real, entry.root):
        raise ReadError(
            "lies outside of the directory scanned", hint="scan a directory that holds both files"
        )
    try:
        mode = os.stat(real).st_mode
    except OSError as fault:
        raise ReadError("does not exist" if fault.errno == errno.ENOENT else faulty(fault)) from None
    if not stat.S_ISREG(mode):
        raise ReadError(f"is {kind_of(mode)}", hint="only regular files are read")
    text = open_text(Candidate("", real, entry.root), limits)
    start = os.path.dirname(entry.real) if entry.real else os.curdir
    shown = os.path.normpath(os.path.join(os.path.dirname(entry.display), os.path.relpath(real, start)))
    return text or "", shown_path(shown), real


def is_within(path: str, root: str) -> bool:
    """Whether an absolute path without links is `root` or below it."""
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def shown_path(path: str) -> str:
    """A path for reports: bytes of a name that are no UTF-8 become \\xff."""
    return path if path.isascii() else os.fsencode(path).decode("utf-8", "backslashreplace")


def kind_of(mode: int) -> str:
    """What a file is that is no regular one, with its article."""
    for test, kind in (
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    ):
        if test(mode):
            return kind
    return "no regular file"


def faulty(fault: Exception) -> str:
    """The reason the system gives, without the path."""
    number = fault.errno if isinstance(fault, OSError) else None
    return os.strerror(number) if number else "the name is not valid"


def _read(descriptor: int, entry: Candidate, limits: Limits) -> bytes | None:
    """All bytes of an open file, or None if it is over the limit and no template, or `lenient` and none."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise ReadError(f"is {kind_of(status.st_mode)}", hint="only regular files are read")
    most = limits.notebook_bytes if entry.code == "ipynb" else limits.file_bytes
    data = b""
    if entry.lenient:
        data = _take(descriptor, min(_LENIENT_BYTES, most + 1))
        if not _marked(data, entry):
            return None
    if status.st_size <= most:
        data += _take(descriptor, most + 1 - len(data), status.st_size + 1)
    if status.st_size > most or len(data) > most:
        told = entry.named or entry.lenient or _marked(data, entry)
        if not told and not _search(descriptor, entry):
            return None
        raise _too_large(most, entry)
    return data


def _too_large(most: int, entry: Candidate) -> ReadError:
    hint = "CloudFormation itself takes templates of 1 MB"
    if entry.code:
        hint = "clear the outputs" if entry.code == "ipynb" else "leave the file out"
    return ReadError(f"is larger than {most / 1e6:g} MB", hint=hint)


def _take(descriptor: int, most: int, expected: int = 1_048_576) -> bytes:
    """Read on; a first read of the `expected` size spares small files a large buffer."""
    chunks = []
    while most > 0:
        chunk = os.read(descriptor, min(most, expected))
        if not chunk:
            break
        chunks.append(chunk)
        most -= len(chunk)
        expected = 1_048_576
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _search(descriptor: int, entry: Candidate) -> bool:
    """Whether the rest of a file, as far as it is searched, holds a sign of a template."""
    kept = b""
    for _ in range(_SEARCHED_BYTES // 1_048_576):
        chunk = os.read(descriptor, 1_048_576)
        if not chunk:
            break
        if _marked(kept + chunk, entry):
            return True
        kept = chunk[-64:]
    return False


def _marked(data: bytes, entry: Candidate) -> bool:
    if entry.code:
        return any(mark in data for mark in _CODE_MARKS)
    if any(mark in data for mark in _MARKS):
        return True
    if b"\0" not in data:
        return _defines(data)
    wide = (word.encode(f"utf-16-{order}") for order in ("le", "be") for word in _WORDS)
    return any(word in data for word in wide) or _defines(data.replace(b"\0", b""))


def _defines(data: bytes) -> bool:
    return any(mark in data and pattern.search(data) is not None for mark, pattern in _DEFINITIONS.items())
