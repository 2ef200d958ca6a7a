"""Scanning: many files, one stream of findings, and a summary that closes."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from scanner.catalog import Catalog
from scanner.engine import Engine
from scanner.limits import Limits
from scanner.model import Control, Finding, Gap, Location, Note, Resource, Severity, Summary, Verdict
from scanner.opening import Candidate, Skipped, open_text, open_under
from scanner.template.document import ReadError, SyntaxFault
from scanner.template.judge import Draft, FileVerdicts, Judge
from scanner.template.load import Loader, NotTemplate
from scanner.template.template import speaks_of
from scanner.workers import run_all

if TYPE_CHECKING:
    from datetime import date

    from scanner.waiver import Waivers

Event = Finding | Gap | Note
_NESTING = ("AWS::CloudFormation::Stack", "AWS::Serverless::Application")


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
    waivers: Waivers | None = None
    """Those of the central file; whoever made the plan read it."""
    inline_waivers: bool = True
    processes: int = 1


class FileResult(NamedTuple):
    """One file judged: `disposition` is judged, partial, unread or skipped."""

    disposition: str
    verdicts: FileVerdicts


class Scan:
    """One run over files: iterate over `events()` to the end, then ask for `summary`."""

    def __init__(self, plan: Plan, entries: Iterable[Candidate | Skipped | Gap], today: date) -> None:
        self.plan = plan
        self.entries = entries
        self.today = today
        self.crashed = False
        self.current = ""
        """The file, as its candidate displays it, that the latest event belongs to."""
        self.counting: set[tuple[Verdict, Severity]] = set()
        """Verdicts and severities of the findings that no waiver covers: what the exit code hangs on."""
        self._chosen = frozenset(control.id for control in plan.controls)
        self._declared: set[str] = set()
        self._roots: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    @property
    def summary(self) -> Summary:
        """The counts so far: final once `events` is exhausted."""
        return Summary(complete=not self._counts["gaps"], **self._counts)

    def events(self) -> Iterator[Event]:
        """Findings, Gaps and Notes, file by file."""
        listed = list(self.entries)
        candidates = [entry for entry in listed if isinstance(entry, Candidate)]
        judge = FileJudge(self.plan)
        early, followed = self._judge_parents(judge, candidates)
        rest = [entry for entry in candidates if entry.real not in early and entry.real not in followed]
        results = run_all(judge.judge, lost, rest, self.plan.processes)
        for entry in listed:
            if isinstance(entry, Gap):
                self._counts.update(seen=1, unread=1, gaps=1)
                yield entry
            elif isinstance(entry, Skipped):
                self._counts.update(seen=1, skipped=1)
            elif entry.real in followed:
                self._counts.update(seen=1, judged=1)
            else:
                result = early[entry.real] if entry.real in early else next(results)
                yield from self._report(entry, result)
        yield from self._closing_notes()

    def _judge_parents(
        self, judge: FileJudge, candidates: list[Candidate]
    ) -> tuple[dict[str, FileResult], set[str]]:
        """Templates with nested stacks come first: a child is judged only through its parents."""
        parents: dict[str, FileResult] = {}
        for entry in candidates:
            if judge.may_nest(entry):
                parents[entry.real] = judge.judge(entry)
        followed = covered_children({real: result.verdicts.followed for real, result in parents.items()})
        return {real: result for real, result in parents.items() if real not in followed}, followed

    def _report(self, entry: Candidate, result: FileResult) -> Iterator[Event]:
        verdicts = result.verdicts
        self.current = entry.display
        self.crashed |= verdicts.crashed
        self._declared |= verdicts.declared
        self._counts["seen"] += 1
        self._counts[result.disposition] += 1
        self._counts["resources"] += len(verdicts.resources)
        self._counts["gaps"] += len(verdicts.gaps)
        yield from self._findings(entry, verdicts)
        yield from verdicts.gaps
        yield from verdicts.notes

    def _findings(self, entry: Candidate, verdicts: FileVerdicts) -> Iterator[Event]:
        drafts = verdicts.drafts.values()
        passed = verdicts.passed.difference(
            (draft.name, draft.control) for draft in drafts if draft.verdict is not Verdict.PASS
        )
        self._counts["passed"] += len(passed)
        inline = self._inline_waivers(verdicts)
        path = self._stable_path(entry) if drafts else ""
        for draft in drafts:
            if draft.verdict is Verdict.PASS:
                # One PASS for each control and resource, and none where something worse was found.
                if (draft.name, draft.control) in passed:
                    passed.remove((draft.name, draft.control))
                    yield self._finding(draft, path)
                continue
            finding = self._finding(draft, path)
            for waivers in (inline.get(draft.name), self.plan.waivers):
                finding = waivers.apply(finding) if waivers is not None else finding
            self._tally(finding)
            yield finding
        for waivers in inline.values():
            yield from waivers.notes(self._chosen)

    def _inline_waivers(self, verdicts: FileVerdicts) -> dict[str, Waivers]:
        if not verdicts.waivers or not self.plan.inline_waivers:
            return {}
        from scanner.waiver import read_inline

        known = self.plan.catalog.by_id
        return {
            name: read_inline(raw, name, where, known, self.today)
            for name, (raw, where) in verdicts.waivers.items()
        }

    def _tally(self, finding: Finding) -> None:
        if finding.waiver is not None:
            self._counts["waived"] += 1
        else:
            self._counts[finding.verdict.value] += 1
            self.counting.add((finding.verdict, finding.control.severity))

    def _finding(self, draft: Draft, path: str) -> Finding:
        return Finding(
            control=self.plan.catalog.by_id[draft.control],
            resource=Resource(draft.type, draft.name, draft.construct),
            verdict=draft.verdict,
            message=draft.message,
            location=Location(file=draft.file, line=draft.line, column=draft.column, path=draft.path),
            identity=(draft.control, path, draft.name, draft.identity),
            condition=draft.condition,
            cause=draft.cause,
        )

    def _stable_path(self, entry: Candidate) -> str:
        """A file's path from the root of its repository, the same wherever the repository lies."""
        if not entry.real:
            return entry.display
        return os.path.relpath(entry.real, self._root(entry)).replace(os.sep, "/")

    def _root(self, entry: Candidate) -> str:
        """The repository that a file is in, else the folder that was scanned."""
        folder = os.path.dirname(entry.real)
        if folder not in self._roots:
            top = folder
            while not os.path.exists(os.path.join(top, ".git")) and os.path.dirname(top) != top:
                top = os.path.dirname(top)
            self._roots[folder] = top if os.path.exists(os.path.join(top, ".git")) else entry.root
        return self._roots[folder]

    def _closing_notes(self) -> Iterator[Note]:
        for name in self.plan.given:
            if name not in self._declared:
                yield Note("--parameters", f"no scanned template declares the parameter {name}")
        if self.plan.waivers is not None:
            # Of some changed files nobody expects that they need every waiver.
            yield from self.plan.waivers.notes(self._chosen if self.plan.whole else frozenset())


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
        chosen = {control.id for control in plan.controls}
        self.limits = plan.limits
        self.loader = Loader(
            transforms=frozenset(catalog.transforms),
            limits=plan.limits,
            given=plan.given,
            settled=plan.settled,
            open=lambda entry, path, beside: open_under(entry, path, beside, plan.limits),
        )
        by_type = {
            kind: tuple(control for control in controls if control.id in chosen)
            for kind, controls in catalog.by_type.items()
        }
        joins = {kind: body.get("judged-at", {}) for kind, body in catalog.types.items()}
        engine = Engine(values=catalog.values, shapes=catalog.shapes, joins=joins)
        remarks = {kind: body["remark"] for kind, body in catalog.types.items() if "remark" in body}
        self.judge_templates = Judge(engine, by_type, catalog.kinds, plan.limits, plan.show_passed, remarks)

    def may_nest(self, entry: Candidate) -> bool:
        """Does the file speak of nested stacks at all? What can't be read is reported when it is judged."""
        try:
            text = open_text(entry, self.limits)
        except ReadError:
            return False
        return text is not None and speaks_of(text, _NESTING)

    def judge(self, entry: Candidate) -> FileResult:
        """Judge one file; whatever goes wrong with it is a Gap of this file only."""
        try:
            text = open_text(entry, self.limits)
            if text is None:
                return FileResult("skipped", FileVerdicts())
            verdicts = self.judge_templates.judge(self.loader.load(text, entry))
        except NotTemplate as error:
            if not entry.named:
                return FileResult("skipped", FileVerdicts())
            return _unread(
                Gap(entry.display, f"is no CloudFormation template: {error}", "name only templates")
            )
        except SyntaxFault as error:
            if entry.lenient:
                return FileResult("skipped", FileVerdicts())
            return _unread(_gap(entry, error))
        except ReadError as error:
            return _unread(_gap(entry, error))
        except Exception as error:
            if os.environ.get("SMGUARD_DEBUG"):
                raise
            what = f"can't be judged: {type(error).__name__}"
            return _unread(
                Gap(entry.display, what, "this is a defect of smguard; please report it"), crashed=True
            )
        return FileResult("partial" if verdicts.gaps else "judged", verdicts)


def _gap(entry: Candidate, error: ReadError) -> Gap:
    where = entry.display if error.line is None else f"{entry.display}:{error.line}:{error.column}"
    return Gap(where, error.what, error.hint)


def _unread(gap: Gap, *, crashed: bool = False) -> FileResult:
    verdicts = FileVerdicts()
    verdicts.gaps[gap] = None
    verdicts.crashed = crashed
    return FileResult("unread", verdicts)


def lost(entry: Candidate) -> FileResult:
    """The result of a file whose process was ended from outside."""
    hint = "most likely memory ran out: scan with --jobs 1, or leave the file out"
    return _unread(
        Gap(entry.display, "was not judged: the process that had it was ended", hint), crashed=True
    )
