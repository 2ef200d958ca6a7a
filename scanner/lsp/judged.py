"""What is known of one text: what a scan finds in it, and which edits settle that."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import NamedTuple

from scanner import catalog
from scanner.files import met
from scanner.fix.mend import Fixer
from scanner.fix.patch import Unfit
from scanner.fix.plan import Mend
from scanner.fix.splice import Edit
from scanner.model import DEFECT, Finding, Gap, Note
from scanner.opening import Candidate, is_candidate, is_within, shown_path
from scanner.scan import Plan, Scan
from scanner.template.reader import ReadError, read


class Settings(NamedTuple):
    """What a server judges by: the plan of a scan, and the controls that were asked for by name."""

    plan: Plan
    named: frozenset[str] = frozenset()


class Judged:
    """A text, judged as if a walk had met it at `path` in one of the folders `roots`.

    A text that is no template has nothing to be said of it. One without a path can't lead to other files.
    """

    def __init__(
        self, text: str, path: str | None, roots: list[str], settings: Settings, today: date
    ) -> None:
        self.text, self.settings, self.today = text, settings, today
        self.findings: list[Finding] = []
        self.remarks: list[Gap | Note] = []
        self.entry: Candidate | None = None
        try:
            self.entry = _entry(text, path, roots)
            self._judge()
        except Exception as error:
            if os.environ.get("SMGUARD_DEBUG"):
                raise
            what = f"can't be judged: {type(error).__name__}"
            where = self.entry.display if self.entry else ""
            self.remarks.append(Gap(where, what, DEFECT))

    def _judge(self) -> None:
        plan = self.settings.plan._replace(whole=False, processes=1)
        for event in Scan(plan, [self.entry], self.today).events() if self.entry else ():
            if isinstance(event, Finding):
                self.findings.append(event)
            elif event.where != "--parameters":  # those are for many files, not for each
                self.remarks.append(event)

    def quick_fixes(self, findings: list[Finding]) -> Iterator[tuple[Mend, list[Edit]]]:
        """What settles some of the findings, each by itself."""
        wanted = {key(finding) for finding in findings}
        for mend in self._mends:
            if any(key(finding) in wanted for finding in mend.findings):
                try:
                    yield mend, self._fixer.prove([mend]).edits
                except Unfit:
                    continue  # holds together with others at best

    def fix_all(self) -> list[Edit]:
        """Everything that holds together."""
        return self._fixer.mend().edits

    def has_mends(self) -> bool:
        """Whether there may be something to mend in this text."""
        return bool(self._mends)

    @cached_property
    def places(self) -> Mapping[str, tuple[int, int]]:
        """Where each resource stands in this text, by its logical id: line and column from 1."""
        try:
            document = read(self.text, self.settings.plan.limits)
            return document.marks[id(document.root["Resources"])] or {}
        except (ReadError, LookupError, TypeError):
            return {}

    @cached_property
    def _mends(self) -> tuple[Mend, ...]:
        return tuple(self._fixer.mends) if self.findings else ()

    @cached_property
    def _fixer(self) -> Fixer:
        """As `smguard fix` has it: all controls watch, whatever values parameters are given."""
        assert self.entry is not None  # noqa: S101 - there are findings
        plan = self.settings.plan
        chosen = frozenset(control.id for control in plan.controls)
        plan = plan._replace(controls=catalog.select(plan.catalog), given={}, settled=False, whole=False)
        return Fixer(self.text, self.entry, plan, self.today, chosen=chosen, selected=self.settings.named)


def key(finding: Finding) -> tuple[str, str, str]:
    """What two scans of a text know a finding by."""
    return finding.control.id, finding.resource.name, finding.place


def _entry(text: str, path: str | None, roots: list[str]) -> Candidate | None:
    """The text as an entry of a scan; None if it is no candidate."""
    given = text.encode("utf-8", "surrogatepass")
    if not is_candidate(text):
        return None
    if path is None:
        return Candidate("untitled", "", os.devnull, named=False, given=given)  # below which nothing lies
    real = os.path.realpath(path)
    within = [root for root in map(os.path.realpath, roots) if is_within(real, root)]
    root = max(within, key=len, default=os.path.dirname(real))
    entry = met(shown_path(os.path.relpath(real, root)), real, root)
    return None if entry is None or entry.code else entry._replace(given=given)
