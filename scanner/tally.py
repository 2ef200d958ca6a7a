"""What a run comes to: findings waived, known or counted, Gaps accepted or left open, and the summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from scanner.model import Finding, Gap, Note, Severity, Summary, Verdict

if TYPE_CHECKING:
    from scanner.scan import Plan
    from scanner.waiver import Waivers


class Tally:
    """The counts of one run, as its findings and Gaps are settled one by one."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.counts: Counter[str] = Counter()
        self.counting: set[tuple[Verdict, Severity]] = set()
        """Verdicts and severities of the findings that nothing excuses: what the exit code hangs on."""

    @property
    def summary(self) -> Summary:
        """The counts so far."""
        return Summary(complete=not self.counts["gaps"], **self.counts)

    def settle(self, finding: Finding, path: str, inline: Waivers | None = None) -> Finding:
        """A FAIL or UNKNOWN, counted, and marked if it is waived or known; `path` as in its identity."""
        plan = self.plan
        for waivers in (inline, plan.waivers):
            finding = waivers.apply(finding) if waivers is not None else finding
        if plan.baseline is not None:
            finding = plan.baseline.apply(finding, path)
        if finding.waiver is not None:
            self.counts["waived"] += 1
        elif finding.baseline:
            self.counts["baseline"] += 1
        else:
            self.counts[finding.verdict.value] += 1
            self.counting.add((finding.verdict, finding.control.severity))
        return finding

    def gaps(self, gaps: Iterable[Gap]) -> Iterator[Gap]:
        """The Gaps, counted, and marked as accepted where they are."""
        for gap in gaps:
            gap = self.plan.acceptances.apply(gap) if self.plan.acceptances is not None else gap
            self.counts["accepted_gaps" if gap.accepted else "gaps"] += 1
            yield gap

    def closing_notes(self, whole: bool) -> Iterator[Note]:
        """What was of no use; of a run that is not `whole` nobody expects that it needs every waiver."""
        plan = self.plan
        chosen = frozenset(control.id for control in plan.controls)
        if plan.waivers is not None:
            yield from plan.waivers.notes(chosen if whole else frozenset())
        if plan.acceptances is not None:
            yield from plan.acceptances.notes(whole)
        if plan.baseline is not None:
            yield from plan.baseline.notes(chosen, plan.catalog.firm, whole)
