"""What auditing one resource type of one account and region gave, small enough to keep, send and store."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from gzip import GzipFile
from io import BytesIO
from itertools import chain
from typing import Any, NamedTuple

from scanner.audit.item import Item, kinds_of
from scanner.audit.judging import Draft, Judged
from scanner.model import Gap, Note

_GZIP = zlib.MAX_WBITS + 16


class Row(NamedTuple):
    """One resource with what is to be reported of it."""

    type: str
    name: str
    arn: str | None
    stack: str | None
    drafts: tuple[Draft, ...]
    passed: tuple[str, ...]
    """Ids of the controls that pass, where those are reported too."""
    home: str | None = None
    """As an Item has it."""


class Unit(NamedTuple):
    """One resource type of one account and region. `state` is judged, partial or unread."""

    type: str
    state: str
    resources: int = 0
    passed: int = 0
    """Pairs of control and resource."""
    crashed: bool = False
    stopped: bool = False
    """Whether it broke off because the audit was stopped."""
    gaps: tuple[Gap, ...] = ()
    notes: tuple[Note, ...] = ()
    names: tuple[str, ...] = ()
    """What leads to its resources, where other types refer to them."""
    kinds: tuple[str, ...] = ()
    """What ARNs call its resources with findings, where their tags are not known."""
    log: bytes = b""
    """The rows, as compressed JSON lines."""
    called: tuple[tuple[str, str], ...] = ()
    """Types of what its resources stand in, and the names that they call it by."""
    kept: bytes = b""
    """The resources that are judged when all else is read, likewise."""
    later: bytes = b""
    """The rows of what was judged then."""

    def rows(self) -> Iterator[Row]:
        """The resources with findings, in the order in which they were read; one is held at a time."""
        for line in chain(lines(self.log), lines(self.later)):
            type_name, name, arn, stack, drafts, passed, home = json.loads(line)
            told = tuple(Draft(*draft) for draft in drafts)
            yield Row(type_name, name, arn, stack, told, tuple(passed), home)

    def pack(self) -> bytes:
        """As bytes that `unpack` takes."""
        parts = [self.gaps, self.notes, self.names, self.kinds, self.called, len(self.log)]
        head = json.dumps([*self[:6], *parts]).encode("utf-8", "surrogatepass")
        return len(head).to_bytes(8, "big") + head + self.log + self.kept


def unpack(data: bytes) -> Unit:
    """A unit from what `pack` gave. Raises ValueError for anything else."""
    end = 8 + int.from_bytes(data[:8], "big")
    try:
        *plain, gaps, notes, names, kinds, called, length = json.loads(data[8:end])
        found = tuple(Gap(*it) for it in gaps), tuple(Note(*it) for it in notes), tuple(names), tuple(kinds)
        log, kept = data[end : end + length], data[end + length :]
        return Unit._make([*plain, *found, log, tuple(map(tuple, called)), kept, b""])
    except TypeError as error:
        raise ValueError("no unit of an audit") from error


class Log:
    """Rows as they come, compressed at once: a resource with findings takes some fifty bytes."""

    def __init__(self) -> None:
        self._zip = zlib.compressobj(6, wbits=_GZIP)
        self._chunks: list[bytes] = []
        self.kinds: set[str] = set()
        """What ARNs call the resources."""

    def add(self, item: Item, judged: Judged, keep_passed: bool) -> None:
        """Take down a resource, unless there is nothing to report of it, here or in another region."""
        is_shared = item.home is not None
        passed = judged.passed if keep_passed or is_shared else ()
        if judged.drafts or passed or is_shared:
            self.write((item.type, item.name, item.arn, item.stack, judged.drafts, passed, item.home))
            self.kinds.update(kinds_of(item))

    def write(self, row: Any) -> None:
        """Take down what JSON can hold; moments as text."""
        chunk = self._zip.compress(json.dumps(row, default=str).encode() + b"\n")
        if chunk:
            self._chunks.append(chunk)

    def close(self) -> bytes:
        """All rows."""
        self._chunks.append(self._zip.flush())
        return b"".join(self._chunks)


def lines(data: bytes) -> Iterator[bytes]:
    """What was written line by line; little of it is held at a time."""
    return iter(GzipFile(fileobj=BytesIO(data)))
