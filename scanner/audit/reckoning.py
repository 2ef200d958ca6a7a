"""What auditing one resource type came to so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from scanner.audit.fault import Fault
from scanner.audit.item import Item, Scope
from scanner.audit.judging import Judged
from scanner.audit.unit import Log, Unit
from scanner.model import DEFECT, Gap, Note


class Reckoning:
    """What one type came to so far."""

    def __init__(self) -> None:
        self.resources = 0
        self.passed = 0
        self.crashed = False
        self.stopped = False
        self.vanished = 0
        self._unsaid: Counter[tuple[str, str]] = Counter()
        """Control and the property that was not read -> of how many resources it says nothing for that."""
        self._log = Log()
        self._faults: dict[tuple[str, str, str], tuple[Fault, int]] = {}
        self._gaps: dict[Gap, None] = {}
        self._notes: dict[Note, None] = {}

    def take(self, found: Fault | Gap | Note) -> None:
        """Something other than a resource; of faults of one kind only how many."""
        if isinstance(found, Gap):
            self._gaps[found] = None
        elif isinstance(found, Note):
            self._notes[found] = None
        elif found.kind == "stopped":
            self.stopped = True
        elif found.kind == "missing":
            self.vanished += 1
        else:
            known = (found.action, found.kind, found.code)
            self._faults[known] = (found, self._faults.get(known, (found, 0))[1] + 1)

    def keep(self, item: Item, judged: Judged, scope: Scope, keep_passed: bool) -> None:
        """A resource, and what is said of it."""
        self.resources += 1
        self.passed += len(judged.passed)
        for control, error in judged.crashed:
            self.crash(f"{control} crashed on {item.type}: {error}", scope)
        self._unsaid.update(judged.unsaid)
        self._log.add(item, judged, keep_passed)

    def crash(self, what: str, scope: Scope) -> None:
        """A defect of ours, each said once."""
        self.crashed = True
        self._gaps[Gap(scope.shown, what, DEFECT)] = None

    def onto(self, unit: Unit, where: str) -> Unit:
        """A type that was done before, with what was judged of it later."""
        return unit._replace(
            state="partial" if self._gaps and unit.state == "judged" else unit.state,
            passed=unit.passed + self.passed,
            crashed=unit.crashed or self.crashed,
            gaps=(*unit.gaps, *self._gaps),
            notes=(*unit.notes, *self._ended(unit.type, where)),
            called=(),
            kept=b"",
            later=self._log.close(),
        )

    def _ended(self, type_name: str, where: str) -> Iterator[Note]:
        for (control, names), number in self._unsaid.items():
            what = f"{type_name}: {control} says nothing of {number:,} that have ended"
            yield Note(where, f"{what}: Search does not tell {names}, which only jobs in progress are asked")

    def unit(self, type_name: str, where: str, controls: Iterable[str]) -> Unit:
        """The type, done as far as it could be; `controls` judge it."""
        gaps = [
            fault.gap(controls, f"{type_name} ({number} times)" if number > 1 else type_name)
            for fault, number in self._faults.values()
        ]
        if self.vanished:
            what = f"{type_name}: {self.vanished} were listed and then not there: taken as deleted since"
            self._notes[Note(where, what)] = None
        self._notes.update(dict.fromkeys(self._ended(type_name, where)))
        whole = not (gaps or self._gaps or self.stopped)
        return Unit(
            type=type_name,
            state="judged" if whole else "partial" if self.resources else "unread",
            resources=self.resources,
            passed=self.passed,
            crashed=self.crashed,
            stopped=self.stopped,
            gaps=(*gaps, *self._gaps),
            notes=tuple(self._notes),
            kinds=tuple(self._log.kinds),
            log=self._log.close(),
        )
