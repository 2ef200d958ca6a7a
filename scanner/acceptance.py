"""Accepted Gaps: decisions of the configuration to live with what can't be looked at for a while."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import date
from fnmatch import fnmatchcase
from typing import NamedTuple

from scanner.config import Config
from scanner.gitignore import Patterns
from scanner.model import Acceptance, Gap, Note
from scanner.repository import relative

_PLACE = re.compile(r":\d+(:\d+)?$")


class Entry(NamedTuple):
    """An acceptance that counts today, where it is written, and the Gaps that it is about."""

    acceptance: Acceptance
    written: str
    where: Patterns
    what: str


class Acceptances:
    """The accepted Gaps of a configuration, and a tally of those that were of use."""

    def __init__(self, config: Config, today: date) -> None:
        self.base = config.base
        self.remote = False
        """Whether the Gaps are an audit's, which are in accounts and regions and not in files."""
        self.entries: list[Entry] = []
        self.problems: list[Note] = []
        self._used: set[int] = set()
        for index, body in enumerate(config.body.get("accepted-gaps", ())):
            written = config.where("accepted-gaps", index)
            try:
                last = date.fromisoformat(body["expires"])
            except ValueError:
                fault = f"expires is {body['expires']}, which is no day of the calendar"
                raise config.fault(fault, "accepted-gaps", index, "expires") from None
            if last < today:
                what = f"the accepted Gap expired after {body['expires']}, so it accepts nothing"
                self.problems.append(Note(written, what))
                continue
            said = {name: body.get(name) for name in Acceptance._fields}
            where = Patterns(os.fsencode(body["where"]))
            self.entries.append(Entry(Acceptance(**said), written, where, body.get("what", "*")))

    def apply(self, gap: Gap) -> Gap:
        """The Gap, accepted if an entry is about it."""
        file = gap.where if self.remote else relative(_PLACE.sub("", gap.where), self.base)
        for index, entry in enumerate(self.entries):
            if file and entry.where.cover(os.fsencode(file)) and fnmatchcase(gap.what, entry.what):
                self._used.add(index)
                gap = gap if gap.accepted else gap._replace(accepted=entry.acceptance)
        return gap

    def notes(self, whole: bool) -> Iterator[Note]:
        """What expired and, if everything was looked at, what was of no use."""
        yield from self.problems
        for index, entry in enumerate(self.entries):
            if whole and index not in self._used:
                yield Note(entry.written, "the accepted Gap is unused: nothing found is like it")
