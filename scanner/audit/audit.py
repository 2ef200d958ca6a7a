"""An audit: many accounts and regions, one stream of findings, and a summary that closes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor, wait
from datetime import datetime
from itertools import islice
from time import monotonic
from typing import Any, NamedTuple

from scanner.audit.governance import AccountJob
from scanner.audit.item import GLOBAL
from scanner.audit.job import ScopeJob, ScopeResult, Watch
from scanner.audit.pace import Count, total
from scanner.audit.region import audit_scope
from scanner.audit.shared import told_once
from scanner.audit.unit import Row, Unit
from scanner.model import DEFECT, Finding, Gap, Location, Note, Resource, Severity, Summary, Verdict
from scanner.scan import Plan
from scanner.tally import Tally

Event = Finding | Gap | Note
_TICK = 0.25
_BATCH = 100
_PATIENCE = 5.0
"""Seconds that workers get to hand over what they have after the audit was stopped."""
_SILENCE = 300.0
"""Seconds in which nothing goes on, after which the audit stops: a call and its tries take far less."""


class Heading(NamedTuple):
    """What an audit knows of itself before it begins."""

    by: str
    """The caller's ARN."""
    at: datetime
    since: datetime | None
    now: Callable[[], datetime]
    values: Mapping[str, Mapping[str, Any]] = {}
    """What controls are judged with beside their parameters, by their ids."""


class Audit:
    """One run over accounts and regions: iterate over `events()` to the end, then ask for `summary`."""

    def __init__(
        self,
        plan: Plan,
        heading: Heading,
        jobs: Sequence[ScopeJob],
        executor: Executor,
        watch: Watch,
        here: bool = True,
        notes: Iterable[Note] = (),
        gaps: Iterable[Gap] = (),
        send: Callable[[list[Finding]], None] | None = None,
        beside: Sequence[AccountJob] = (),
        calls: Mapping[str, Count] = {},
    ) -> None:
        self.plan = plan
        self.heading = heading
        self.jobs = jobs
        self.executor = executor
        self.watch = watch
        self.here = here
        """Whether the workers are threads of this process, which can share `watch`."""
        self.send = send
        """Takes the findings of each region too, some at a time."""
        self.beside = beside
        """What is to be asked of the organisation while the executor does the jobs."""
        self.crashed = False
        self.told: list[Gap] = []
        """The Gaps so far, accepted ones too."""
        self._sources = jobs[0].sources if jobs else {}
        self._patience = _PATIENCE
        self._hangs = False
        self._tally = Tally(plan)
        self._totals: list[dict[str, Any]] = []
        self._looked_at: list[dict[str, Any]] = []
        self._notes: dict[Note, None] = dict.fromkeys(notes)
        self._gaps = tuple(gaps)
        self._calls = dict(calls)
        self._ended: datetime | None = None

    @property
    def summary(self) -> Summary:
        """The counts so far; what is seen, judged and so on are resource types of a region."""
        return self._tally.summary

    @property
    def counting(self) -> set[tuple[Verdict, Severity]]:
        """Verdicts and severities of the findings that count."""
        return self._tally.counting

    def events(self) -> Iterator[Event]:
        """Findings, Gaps and Notes, region by region in the order of the jobs, once all are audited."""
        aside = ThreadPoolExecutor(1, "organisation")
        try:
            with self.watch:
                shared = (self.watch,) if self.here else ()
                futures = [self.executor.submit(audit_scope, job, *shared) for job in self.jobs]
                futures += [aside.submit(job.audit, self.watch) for job in self.beside]
                jobs: list[ScopeJob | AccountJob] = [*self.jobs, *self.beside]
                results = [self._await(job, future) for job, future in zip(jobs, futures, strict=True)]
        finally:
            aside.shutdown(wait=False, cancel_futures=True)
        self._ended = self.heading.now()
        yield from self._told(self._gaps)
        for result in told_once(results, self._sources, self.plan.show_passed):
            yield from self._report(result)
        yield from self._notes
        yield from self._tally.closing_notes(whole=not self.watch.stopped)

    def about(self) -> Mapping[str, Any]:
        """What the report says of the audit: who, when, where, by which controls, and what it came to."""
        controls = self.plan.controls
        operations = {name: count.calls for name, count in sorted(self._calls.items())}
        made, throttles, retries = map(sum, zip(Count(), *self._calls.values(), strict=True))
        return {
            "by": self.heading.by,
            "at": _iso(self.heading.at),
            "ended": _iso(self._ended),
            "accounts": sorted({job.scope.account for job in self.jobs}),
            "regions": sorted({job.scope.region for job in self.jobs}),
            "controls": [control.id for control in controls],
            "parameters": {
                control.id: {name: it.get("value", it["default"]) for name, it in control.parameters.items()}
                for control in controls
                if control.parameters
            }
            | dict(self.heading.values),
            "since": _iso(self.heading.since),
            "totals": self._totals,
            "calls": {"made": made, "throttled": throttles, "retried": retries, "operations": operations},
            "looked_at": self._looked_at,
        }

    def _await(self, job: ScopeJob | AccountJob, future: Future[ScopeResult]) -> ScopeResult:
        clock = self.watch.clock
        while not wait([future], timeout=_TICK).done:
            # Without memory a thread may end before its first step, for which Python waits for ever.
            self._hangs |= self.here and not clock.stopped and monotonic() - clock.heard > _SILENCE
            if self._hangs:
                clock.stop()
            if self.watch.stopped:
                self._patience -= _TICK
            if self._patience < 0:
                why = "nothing went on, as without memory" if self._hangs else "the audit was stopped"
                return _lost(job, f"was not audited: {why}")
        try:
            return future.result()
        except (BrokenExecutor, CancelledError) as error:
            return _lost(job, f"was not audited: its worker ended ({type(error).__name__})")
        except Exception as error:
            if os.environ.get("SMGUARD_DEBUG"):
                raise
            self.crashed = True
            return _lost(job, f"can't be audited: {type(error).__name__}", DEFECT)

    def _report(self, result: ScopeResult) -> Iterator[Event]:
        scope, counts = result.scope, self._tally.counts
        before = counts.copy()
        for unit in result.units:
            self.crashed |= unit.crashed
            counts.update({"seen": 1, unit.state: 1, "resources": unit.resources, "passed": unit.passed})
            self._looked_at.append(
                {
                    "account": scope.account,
                    "region": scope.region,
                    "type": unit.type,
                    "resources": unit.resources,
                    "complete": unit.state == "judged",
                }
            )
            yield from self._sent(finding for row in unit.rows() for finding in self._findings(result, row))
        for unit in result.units:
            yield from self._told(unit.gaps)
            yield from unit.notes
        yield from self._told(result.gaps)
        self._notes.update(dict.fromkeys(result.notes))
        self._calls = total([self._calls, result.calls])
        # What is of no region may be led to from one that is not in this audit.
        whole = not any(unit.type in self._sources and scope.region == GLOBAL for unit in result.units)
        if self.plan.baseline is not None and whole and all(it.state == "judged" for it in result.units):
            self.plan.baseline.judged(scope.shown)
        names = ("resources", "passed", "fail", "unknown", "waived", "baseline", "gaps", "accepted_gaps")
        change = {name: counts[name] - before[name] for name in names}
        self._totals.append({"account": scope.account, "region": scope.region, **change})

    def _told(self, gaps: Iterable[Gap]) -> Iterator[Gap]:
        for gap in self._tally.gaps(gaps):
            self.told.append(gap)
            yield gap

    def _sent(self, findings: Iterable[Finding]) -> Iterator[Finding]:
        left = iter(findings)
        while batch := list(islice(left, _BATCH)):
            yield from batch
            if self.send is not None:
                self.send(batch)

    def _findings(self, result: ScopeResult, row: Row) -> Iterator[Finding]:
        scope = result.scope
        resource = Resource(row.type, row.name, stack=row.stack or result.stacks.get(row.arn or ""))
        location = Location(account=scope.account, region=scope.region, arn=row.arn)
        by_id, known_as = self.plan.catalog.by_id, f"{row.type} {row.name}"
        for draft in row.drafts:
            finding = Finding(
                control=by_id[draft.control],
                resource=resource,
                verdict=Verdict(draft.verdict),
                message=draft.message,
                location=location._replace(path=draft.path),
                identity=(draft.control, scope.shown, known_as, draft.place),
                condition=draft.condition,
                cause=draft.cause,
            )
            yield self._tally.settle(finding, scope.shown)
        for name in row.passed:
            identity = (name, scope.shown, known_as, "")
            yield Finding(by_id[name], resource, Verdict.PASS, "", location, identity)


def _lost(job: ScopeJob | AccountJob, what: str, hint: str = "run again with --resume") -> ScopeResult:
    units = tuple(Unit(type_name, "unread") for type_name in job.how)
    return ScopeResult(job.scope, units, (Gap(job.scope.shown, what, hint),))


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
