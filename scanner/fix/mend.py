"""Mending one file: every edit is kept only if a new scan finds exactly what it claims to settle gone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from scanner import catalog
from scanner.fix.patch import Patch, Unfit, leaves, merge, patched, same
from scanner.fix.plan import Mend, Planner, spell
from scanner.fix.splice import Edit, Writer, apply
from scanner.model import Finding, Gap, Verdict
from scanner.opening import Candidate
from scanner.scan import Plan, Scan
from scanner.template.document import ReadError
from scanner.template.reader import read

_MOST_TRIALS, _MOST_TRIED = 100, 20_000_000
"""Scans of one file, and characters that they may take; edits that don't hold are found by halves."""
_PLACES = re.compile(r"\d+")


class Left(NamedTuple):
    """A finding that is not mended, and why."""

    finding: Finding
    why: str


class Seen(NamedTuple):
    """What a scan says of a text; `remarks` are its Gaps and Notes without their lines."""

    findings: dict[tuple[str, str, str], Finding]
    remarks: Counter[str]


class Proof(NamedTuple):
    """Edits that hold: the text that they give, and the new findings that hang on parameters they add."""

    edits: list[Edit]
    text: str
    opened: list[Finding]


class Fixer:
    """The mends of one file's text, each by itself or together.

    `plan` is that of the scan that judges, with all controls; those in `chosen` are to be mended, of which
    `selected` were asked for by name. `nested` says that the file is a nested stack of another one, and
    `bonds` what others have to do with it.
    """

    def __init__(
        self,
        text: str,
        entry: Candidate,
        plan: Plan,
        today: date,
        *,
        chosen: frozenset[str],
        selected: frozenset[str] = frozenset(),
        nested: bool = False,
        bonds: Mapping[str, Any] | None = None,
    ) -> None:
        self._entry, self._plan, self._today, self._bonds = entry, plan, today, bonds
        self.text = text
        self.mends: list[Mend] = []
        self.left: list[Left] = []
        self.gaps: list[Gap] = []
        self.crashed = False
        self._owners: dict[tuple[Any, ...], int] = {}
        """Path of a value -> the mend that sets it."""
        self.before = self._look(text)
        """What a scan says before anything is mended, whatever is chosen."""
        findings = [each for each in self.before.findings.values() if each.control.id in chosen]
        if findings:
            self._prepare(findings, selected, nested)

    def _prepare(self, findings: list[Finding], selected: frozenset[str], nested: bool) -> None:
        """Plan a mend for every finding that can have one."""
        try:
            self._data = read(self.text, self._plan.limits).root
            self._writer = Writer(self.text)
        except (ReadError, Unfit) as fault:
            self.left += [Left(finding, str(fault)) for finding in findings]
            return
        self._planner = Planner(
            self._plan.catalog,
            catalog.property_kinds(),
            selected,
            self._data,
            self._writer.tree,
            self.text,
            nested,
        )
        for finding in findings:
            try:
                self._add(self._planner.plan(finding, self._entry.display))
            except Unfit as fault:
                self.left.append(Left(finding, str(fault)))
        # What needs other properties comes after the mends that may bring them.
        self.mends.sort(key=lambda mend: bool(mend.needs))

    def _add(self, mend: Mend) -> None:
        """Join a mend with those that set the same values: they stand or fall together."""
        self._writer.edits(mend.patch)
        paths = leaves(mend.patch)
        index = next((self._owners[path] for path in paths if path in self._owners), len(self.mends))
        if index < len(self.mends):
            other = self.mends[index]
            self.mends[index] = mend._replace(
                findings=(*other.findings, *mend.findings),
                patch=merge(merge({}, other.patch), mend.patch),
                needs=other.needs + mend.needs,
                replaces=other.replaces or mend.replaces,
            )
        else:
            self.mends.append(mend)
        self._owners.update(dict.fromkeys(paths, index))

    def mend(self) -> Proof:
        """Everything that holds together; what doesn't goes from `mends` to `left`."""
        accepted: list[Mend] = []
        proof = Proof([], self.text, [])
        waiting, trials = [self.mends], 0
        most = max(4, min(_MOST_TRIALS, _MOST_TRIED // (len(self.text) + 1)))
        while waiting:
            group = waiting.pop()
            trials += 1
            try:
                if trials > most:
                    raise Unfit("too many edits of this file don't hold")
                proof = self.prove([*accepted, *group]) if group else proof
                accepted += group
            except Unfit as fault:
                if len(group) == 1 or trials > most:
                    self.left += [Left(each, str(fault)) for mend in group for each in mend.findings]
                else:
                    half = len(group) // 2
                    waiting += [group[half:], group[:half]]
        self.mends = accepted
        return proof

    def prove(self, mends: Iterable[Mend]) -> Proof:
        """The edits for some mends; raises Unfit unless they do exactly what they claim."""
        patch: Patch = {}
        claimed: set[tuple[str, str, str]] = set()
        names: set[str] = set()
        for mend in mends:
            merge(patch, mend.patch)
            claimed |= {_key(finding) for finding in mend.findings}
            names |= mend.parameters
        added = {name: self._planner.declarations[name] for name in names & self._planner.declarations.keys()}
        if added:
            merge(patch, {"Parameters": {name: dict(added[name]) for name in sorted(added)}})
        wanted = patched(self._data, patch)
        for mend in mends:
            for need in mend.needs:
                if not _is_at(wanted, need):
                    raise Unfit(f"needs {spell(need[len(mend.resource) + 1 :])} too, which is not there")
        edits = self._writer.edits(patch)
        text = apply(self.text, edits)
        try:
            holds = same(read(text, self._plan.limits).root, wanted)
        except ReadError:
            holds = False
        if not holds:
            raise Unfit("an edit would change something else too")
        return Proof(edits, text, self._compare(self._look(text, again=True), claimed, names))

    def _compare(self, after: Seen, claimed: set[tuple[str, str, str]], names: set[str]) -> list[Finding]:
        """Exactly the claimed findings are gone; new ones only ask what is passed as a new parameter."""
        before = self.before.findings
        opened = []
        for key, finding in after.findings.items():
            if key in claimed:
                raise Unfit(f"would still be {finding.verdict.value}: {finding.message}")
            if key in before:
                if _gist(finding) != _gist(before[key]):
                    raise Unfit(f"would change what {key[0]} says of {key[1]}")
            elif finding.verdict is Verdict.UNKNOWN and any(name in finding.message for name in names):
                opened.append(finding)
            else:
                raise Unfit(f"would bring up {key[0]}: {finding.message}")
        gone = before.keys() - after.findings.keys() - claimed
        if gone:
            control, resource, _ = min(gone)
            raise Unfit(f"would change what {control} says of {resource} too")
        if after.remarks - self.before.remarks:
            raise Unfit(f"would bring up: {min(after.remarks - self.before.remarks)}")
        return opened

    def _look(self, text: str, *, again: bool = False) -> Seen:
        scan = Scan(self._plan, [self._entry._replace(given=text.encode())], self._today)
        scan.bonds = self._bonds
        seen = Seen({}, Counter())
        for event in scan.events():
            if isinstance(event, Finding):
                seen.findings[_key(event)] = event
                continue
            seen.remarks[_PLACES.sub("#", f"{event.where}: {event.what}")] += 1
            if isinstance(event, Gap) and not again:
                self.gaps.append(event)
        self.crashed |= scan.crashed
        return seen


def _key(finding: Finding) -> tuple[str, str, str]:
    return finding.control.id, finding.resource.name, finding.place


def _gist(finding: Finding) -> tuple[Any, ...]:
    return finding.verdict, finding.message, finding.condition, finding.cause, finding.waiver


def _is_at(data: Any, steps: tuple[Any, ...]) -> bool:
    try:
        for step in steps:
            data = data[step]
    except (KeyError, IndexError, TypeError):
        return False
    return data is not None
