"""What a run hands to a report format, and which formats there are."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, cast

from scanner.model import Finding, Gap, Location, Note, Summary, Verdict

FORMATS = {
    "table": "scanner.report.table",
    "json": "scanner.report.json_report",
    "sarif": "scanner.report.sarif",
    "junit": "scanner.report.junit",
    "github": "scanner.report.github",
    "gitlab": "scanner.report.gitlab",
    "markdown": "scanner.report.markdown",
    "csv": "scanner.report.csv_report",
    "html": "scanner.report.html_report",
    "asff": "scanner.report.asff",
}
"""Format name -> module with `render`; a module is imported only when its format is asked for.

A format that says nothing for long yields "" while it reads, for the sake of others that share its stream.
"""

SCAN_FORMATS = tuple(name for name in FORMATS if name != "asff")
"""The formats that need no account."""

JOB_SUMMARY = "job-summary"
"""What goes with the format github; no format of its own."""


class Output(NamedTuple):
    """One report: its format, and the file that it replaces or is added to (None: standard output)."""

    format: str
    path: str | None = None
    append: bool = False

    @property
    def standard(self) -> bool:
        """Whether it goes to standard output."""
        return self.path in (None, "-")


class Run(NamedTuple):
    """One run as its reports see it: a stream of events, and the summary once the stream is exhausted.

    Findings of one file arrive together. PASS findings are reported only if `show_passed`.
    """

    kind: str
    version: str
    catalog: str
    """Digest of the rules and policies."""
    show_passed: bool
    width: int
    """Columns of the terminal."""
    color: bool
    events: Iterator[Finding | Gap | Note]
    summary: Callable[[], Summary]
    strict: bool = False
    """Whether what can't be known counts as well."""
    about: Callable[[], Mapping[str, Any]] | None = None
    """What the run says of itself: who, when, where, which controls; JSON has it under the name of the kind.

    May be called at any time (`at` and `by` are known from the start); whole once the stream is exhausted.
    """

    def counts(self, finding: Finding) -> bool:
        """Whether a finding is held against what was scanned, severities aside."""
        return status(finding) == "failed" or (self.strict and status(finding) == "unknown")

    def leaves_open(self, gap: Gap) -> bool:
        """Whether a Gap makes the report incomplete; it is accepted otherwise."""
        return gap.accepted is None


def renderer(name: str) -> Callable[[Run], Iterator[str]]:
    """The function that turns a run into the chunks of text of format `name`; KeyError if there is none."""
    from importlib import import_module

    module = "scanner.report.job_summary" if name == JOB_SUMMARY else FORMATS[name]
    return cast("Callable[[Run], Iterator[str]]", import_module(module).render)


def status(finding: Finding) -> str:
    """ "failed", "unknown", "waived", "baseline" (it is known) or "passed"."""
    if finding.waiver is not None:
        return "waived"
    if finding.baseline:
        return "baseline"
    return _STATUS[finding.verdict]


_STATUS = {Verdict.FAIL: "failed", Verdict.UNKNOWN: "unknown", Verdict.PASS: "passed"}


def excuse(finding: Finding) -> str:
    """Why a finding that would count is excused, so that it does not."""
    waiver = finding.waiver
    if waiver is None:
        return ""
    named = ", ".join(part for part in (waiver.owner, waiver.ticket) if part)
    return f"until {waiver.expires}: {waiver.reason}" + (f" ({named})" if named else "")


def hint_of(gap: Gap) -> str:
    """What helps with a Gap or, if it is accepted, why and how long."""
    it = gap.accepted
    return f"accepted until {it.expires}: {it.reason}" if it else gap.hint


def hinted(gap: Gap) -> str:
    """What could not be looked at and, in brackets, what helps."""
    return f"{gap.what} ({hint_of(gap)})" if hint_of(gap) else gap.what


def said(finding: Finding) -> str:
    """The message and what decides, once."""
    message = finding.message or finding.control.title
    if finding.condition and finding.condition not in message:
        return f"{message}; {finding.condition}"
    return message


def told(finding: Finding) -> str:
    """What is said, and the stack that made the resource."""
    stack = finding.resource.stack
    return f"{said(finding)}; made by stack {stack}" if stack else said(finding)


def scope_of(location: Location) -> str:
    """What findings are gathered by: their file, or their account and region."""
    if location.file is not None:
        return location.file
    return " ".join(part for part in (location.account, location.region) if part)


def position(location: Location) -> str:
    """`file:line:column`, which terminals and editors open at a click, or the ARN."""
    if location.file is None:
        return location.arn or ""
    numbers = [number for number in (location.line, location.column) if number is not None]
    return ":".join([location.file, *map(str, numbers)])


def reported(run: Run, gaps: list[Gap], notes: list[Note]) -> Iterator[Finding]:
    """The findings that a report shows; Gaps and Notes are put aside."""
    for event in run.events:
        if isinstance(event, Gap):
            gaps.append(event)
        elif isinstance(event, Note):
            notes.append(event)
        elif run.show_passed or event.verdict is not Verdict.PASS:
            yield event
