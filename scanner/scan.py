"""Scanning: many files, one stream of findings, and a summary that closes."""

import os
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from scanner.catalog import Catalog
from scanner.engine import Engine
from scanner.environment import Environment, missed
from scanner.limits import Limits
from scanner.model import DEFECT, Control, Finding, Gap, Location, Note, Resource, Severity, Summary, Verdict
from scanner.opening import Candidate, Skipped, open_text, open_under
from scanner.repository import Paths
from scanner.survey import survey
from scanner.tally import Tally
from scanner.template.document import ReadError, SyntaxFault
from scanner.template.judge import Draft, FileVerdicts, Judge
from scanner.template.load import Loader, NotTemplate
from scanner.workers import run_all

if TYPE_CHECKING:
    from datetime import date

    from scanner.acceptance import Acceptances
    from scanner.baseline import Baseline
    from scanner.change import Changes
    from scanner.path_setting import PathSettings
    from scanner.template.bonds import Bonds
    from scanner.waiver import Waivers

Event = Finding | Gap | Note
_NAMING = "name only such; of a request say the operation, as in --request CreateTrainingJob"
_PIPING = "pipe one template, as in `cdk synth STACK | smguard scan -`, or scan the folder cdk.out"


class Plan(NamedTuple):
    """What one scan looks for, and how."""

    catalog: Catalog
    controls: tuple[Control, ...]
    limits: Limits
    given: Mapping[str, str | None]
    """Parameters of a parameter file."""
    settled: bool = False
    """True when a parameter file was given: all other parameters keep their default."""
    show_passed: bool = False
    whole: bool = True
    """False when the files are only those that have changed."""
    waivers: "Waivers | None" = None
    """Those of the central file; whoever made the plan read it."""
    inline_waivers: bool = True
    baseline: "Baseline | None" = None
    acceptances: "Acceptances | None" = None
    path_settings: "PathSettings | None" = None
    changes: "Changes | None" = None
    """Given, only these files and those that lead to them are judged."""
    processes: int = 1
    request: str | None = None
    """The operation that a named file is a request of, if it is neither template nor definition."""
    sdk_defaults: Mapping[str, Any] = MappingProxyType({})
    """What the SageMaker SDK's config.yaml says, for code."""
    environment: Environment = Environment()
    """What of other services is judged."""


class FileResult(NamedTuple):
    """One file judged: `disposition` is judged, partial, unread or skipped."""

    disposition: str
    verdicts: FileVerdicts


class Scan:
    """One run over files: iterate over `events()` to the end, then ask for `summary`."""

    def __init__(self, plan: Plan, entries: Iterable[Candidate | Skipped | Gap], today: "date") -> None:
        self.plan = plan
        self.bonds: Mapping[str, Bonds] | None = None
        """What files that are not among the entries have to do with them, if somebody found out."""
        self.entries = entries
        self.today = today
        self.crashed = False
        self.current = ""
        """The file, as its candidate displays it, that the latest event belongs to."""
        self._chosen = frozenset(control.id for control in plan.controls)
        self._declared: set[str] = set()
        self._kinds: set[str] = set()
        self._paths = Paths()
        self._tally = Tally(plan)
        self._counts = self._tally.counts

    @property
    def summary(self) -> Summary:
        """The counts so far: final once `events` is exhausted."""
        return self._tally.summary

    @property
    def counting(self) -> set[tuple[Verdict, Severity]]:
        """Verdicts and severities of the findings that count."""
        return self._tally.counting

    def events(self) -> Iterator[Event]:
        """Findings, Gaps and Notes, file by file."""
        listed = list(self.entries)
        judge = FileJudge(self.plan)
        if self.plan.changes is not None:
            from scanner.change import narrow

            listed = narrow(listed, self.plan.changes, judge.loader)
        candidates = [entry for entry in listed if isinstance(entry, Candidate)]
        early, followed = self._judge_parents(judge, candidates)
        rest = [entry for entry in candidates if entry.real not in early and entry.real not in followed]
        results = run_all(judge.judge, lost, rest, self.plan.processes)
        for entry in listed:
            if isinstance(entry, Gap):
                self._counts.update(seen=1, unread=1)
                yield from self._tally.gaps([entry])
            elif isinstance(entry, Skipped):
                self._counts.update(seen=1, skipped=1)
            elif entry.real in followed:
                self._counts.update(seen=1, judged=1)
            else:
                result = early[entry.real] if entry.real in early else next(results)
                yield from self._report(entry, result)
        yield from self._closing_notes()

    def _judge_parents(
        self, judge: "FileJudge", candidates: list[Candidate]
    ) -> tuple[dict[str, FileResult], set[str]]:
        """Templates with nested stacks come first: a child is judged only through its parents."""
        nesting = judge.survey(candidates)
        judge.bonds = judge.bonds if self.bonds is None else self.bonds
        parents = {entry.real: judge.judge(entry) for entry in nesting}
        followed = covered_children({real: result.verdicts.followed for real, result in parents.items()})
        return {real: result for real, result in parents.items() if real not in followed}, followed

    def _report(self, entry: Candidate, result: FileResult) -> Iterator[Event]:
        verdicts = result.verdicts
        self.current = entry.display
        self.crashed |= verdicts.crashed
        self._declared |= verdicts.declared
        self._kinds |= verdicts.kinds
        self._counts["seen"] += 1
        self._counts[result.disposition] += 1
        self._counts["resources"] += len(verdicts.resources)
        yield from self._findings(entry, verdicts)
        yield from self._tally.gaps(verdicts.gaps)
        yield from verdicts.notes
        if self.plan.baseline is not None and result.disposition == "judged":
            self.plan.baseline.judged(self._paths.stable(entry))

    def _findings(self, entry: Candidate, verdicts: FileVerdicts) -> Iterator[Event]:
        drafts = verdicts.drafts.values()
        passed = verdicts.passed.difference(
            (draft.name, draft.control) for draft in drafts if draft.verdict is not Verdict.PASS
        )
        self._counts["passed"] += len(passed)
        inline = self._inline_waivers(verdicts)
        path = self._paths.stable(entry) if drafts else ""
        suppressed: dict[str, list[Finding]] = {}
        for draft in drafts:
            if draft.verdict is Verdict.PASS:
                # One PASS for each control and resource, and none where something worse was found.
                if (draft.name, draft.control) in passed:
                    passed.remove((draft.name, draft.control))
                    yield self._finding(draft, path)
                continue
            finding = self._tally.settle(self._finding(draft, path), path, inline.get(draft.name))
            if draft.name in verdicts.suppressions:
                suppressed.setdefault(draft.name, []).append(finding)
            yield finding
        for waivers in {id(waivers.used): waivers for waivers in inline.values()}.values():
            yield from waivers.notes(self._chosen)
        for name, findings in suppressed.items():
            from scanner import suppression

            firm = self.plan.catalog.firm
            yield from suppression.notes(*verdicts.suppressions[name], findings, self.today, firm)

    def _inline_waivers(self, verdicts: FileVerdicts) -> "dict[str, Waivers]":
        if not verdicts.waivers or not self.plan.inline_waivers:
            return {}
        from scanner.waiver import read_inline

        known = self.plan.catalog.by_id
        found: dict[str, Waivers] = {}
        used: dict[tuple[str, str], set[int]] = {}
        for name, (raw, where) in verdicts.waivers.items():
            found[name] = read_inline(raw, name, where, known, self.today)
            found[name].used = used.setdefault((where, name.rpartition("/")[0] or name), found[name].used)
        return found

    def _finding(self, draft: Draft, path: str) -> Finding:
        control, settings = self.plan.catalog.by_id[draft.control], self.plan.path_settings
        return Finding(
            control=control if settings is None else settings.adjust(control, draft.file),
            resource=Resource(draft.type, draft.name, draft.construct),
            verdict=draft.verdict,
            message=draft.message,
            location=Location(file=draft.file, line=draft.line, column=draft.column, path=draft.path),
            identity=(draft.control, path, draft.name, draft.identity),
            condition=draft.condition,
            cause=draft.cause,
        )

    def _closing_notes(self) -> Iterator[Note]:
        for name in self.plan.given:
            if name not in self._declared and self.plan.whole:
                yield Note("--parameters", f"no scanned template declares the parameter {name}")
        if self.plan.environment.whole and self.plan.whole:
            yield from missed(self.plan.catalog.types, self.plan.controls, self._kinds)
        yield from self._tally.closing_notes(self.plan.whole)


def covered_children(follows: Mapping[str, set[str]]) -> set[str]:
    """The files that some other file follows and that therefore aren't judged by themselves.

    `follows` maps a file to all files below it. Of files that nest one another, the first is judged.
    """
    covered: set[str] = set()
    everyone = set().union(*follows.values()) if follows else set()
    for file in sorted(follows, key=lambda each: each in everyone):
        if file not in covered:
            covered |= follows[file] - {file}
    return covered


class FileJudge:
    """Reads and judges one file at a time; what it needs survives a fork."""

    def __init__(self, plan: Plan) -> None:
        catalog = plan.catalog
        self.limits = plan.limits
        self.sdk_defaults = plan.sdk_defaults
        self.loader = Loader(
            transforms=frozenset(catalog.transforms),
            limits=plan.limits,
            given=plan.given,
            settled=plan.settled,
            open=lambda entry, path, beside: open_under(entry, path, beside, plan.limits),
            types=catalog.types,
            request=plan.request,
        )
        remarks = {kind: body["remark"] for kind, body in catalog.types.items() if "remark" in body}
        self.judge_templates = Judge(
            Engine(catalog),
            catalog.judging(plan.controls),
            catalog.kinds,
            plan.limits,
            plan.show_passed,
            remarks,
            plan.path_settings,
            catalog.types,
            plan.environment,
        )
        self.bonds: Mapping[str, Bonds] = {}
        """Real path -> what other files of the scan have to do with it."""

    def survey(self, candidates: Iterable[Candidate]) -> list[Candidate]:
        """Those that lead to other files; what the files are to one another is taken down."""
        nesting, self.bonds = survey(candidates, self.loader, self.judge_templates)
        return nesting

    def judge(self, entry: Candidate) -> FileResult:
        """Judge one file; whatever goes wrong with it is a Gap of this file only."""
        try:
            text = open_text(entry, self.limits)
            told = any(verb in entry.display.lower() for verb in ("create", "update"))
            if text is None and told and not (entry.lenient or entry.code):
                from scanner.requests.operation import operation_in_name, types_by_operation

                # Only its name says what it is, create-training-job.json.
                if operation_in_name(types_by_operation(self.loader.types), entry.real) is not None:
                    text = open_text(entry._replace(named=True), self.limits)
                    entry = entry._replace(lenient=True)
            if text is None:
                return FileResult("skipped", FileVerdicts())
            if entry.code:
                from scanner.code.judge import judge_code

                verdicts = judge_code(self.judge_templates, self.loader.types, text, entry, self.sdk_defaults)
            else:
                passes = self.loader.load(text, entry)
                verdicts = self.judge_templates.judge(passes, self.bonds.get(entry.real))
        except NotTemplate as error:
            if not entry.named:
                return FileResult("skipped", FileVerdicts())
            what = f"is no CloudFormation template, pipeline definition or state machine: {error}"
            return _unread(_gap(entry, ReadError(what, hint=_NAMING)))
        except ReadError as error:
            broken = entry.lenient and isinstance(error, SyntaxFault)
            return FileResult("skipped", FileVerdicts()) if broken else _unread(_gap(entry, error))
        except Exception as error:
            if os.environ.get("SMGUARD_DEBUG"):
                raise
            what = f"can't be judged: {type(error).__name__}"
            gap = Gap(entry.display, what, DEFECT)
            return _unread(gap, crashed=True)
        return FileResult("partial" if verdicts.gaps else "judged", verdicts)


def _gap(entry: Candidate, error: ReadError) -> Gap:
    return Gap(error.within(entry.display), error.what, _PIPING if entry.display == "-" else error.hint)


def _unread(gap: Gap, *, crashed: bool = False) -> FileResult:
    verdicts = FileVerdicts()
    verdicts.gaps[gap] = None
    verdicts.crashed = crashed
    return FileResult("unread", verdicts)


def lost(entry: Candidate) -> FileResult:
    """The result of a file whose process was ended from outside."""
    hint = "most likely memory ran out: scan with --jobs 1, or leave the file out"
    what = "was not judged: the process that had it was ended"
    return _unread(Gap(entry.display, what, hint), crashed=True)
