"""The nouns every part of the product shares; standard library only."""

from collections.abc import Mapping
from enum import Enum, IntEnum
from typing import Any, NamedTuple


class Severity(IntEnum):
    """How bad a violation is; comparable, so thresholds are plain `>=`."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        """The lower-case word used in control files, options and reports."""
        return self.name.lower()

    @classmethod
    def parse(cls, label: str) -> "Severity":
        """Read a lower-case word; raises KeyError for any other."""
        return cls[label.upper()] if label.islower() else cls[label]


class Verdict(Enum):
    """What a control says of a resource; "not applicable" is the absence of a verdict."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"

    __hash__ = object.__hash__  # each is one object, and Enum's own would be called from Python

    @property
    def rank(self) -> int:
        """Order by badness: FAIL, then UNKNOWN, then PASS."""
        return _RANK[self]


_RANK = {Verdict.PASS: 0, Verdict.UNKNOWN: 1, Verdict.FAIL: 2}


class Control(NamedTuple):
    """One security requirement, as its file in `rules/` states it.

    `resources` maps a type name to `{"places": [...], "judged-at": path(s), "aka": {...}}`, the notation of
    the control file with shapes and definitions still by name.
    """

    id: str
    title: str
    area: str
    severity: Severity
    rationale: str
    remediation: str
    resources: Mapping[str, Mapping[str, Any]]
    aka: Mapping[str, Any]
    frameworks: Mapping[str, Any]
    prevent: tuple[str, ...] = ()
    parameters: Mapping[str, Any] | None = None
    waivable: bool = True
    retired: bool = False
    number: int | None = None
    """What its ids in cfn-lint and checkov are made of: 101 to 499 in the built-in catalog."""
    fix: Mapping[str, Any] | None = None
    """What `smguard fix` must know: {by-hand | when-selected: why, needs: [paths]}."""
    not_prevented: tuple[Mapping[str, Any], ...] = ()
    """What the policies of `prevent` let through: {types: [names or "*"], why}."""
    over_prevented: tuple[Mapping[str, Any], ...] = ()
    """What they stop though the control does not ask for it, likewise."""
    ours: Mapping[str, Any] = {}
    """Of `frameworks`, what no source states: the requirements that only its own file names."""
    written: Mapping[str, Any] | None = None
    """`resources` with its parameters by name, where it has any."""

    @property
    def cfn_lint_id(self) -> str:
        """The id of its rule in cfn-lint; empty without a number."""
        return f"W9{self.number}" if self.number else ""

    @property
    def checkov_id(self) -> str:
        """The id of its check in checkov; empty without a number."""
        return f"CKV2_SMG_{self.number}" if self.number else ""


GLOBAL = "global"
"""The region of what lies in none."""

DEFECT = "this is a defect of smguard; please report it"
"""The hint of a Gap where we have broken down."""


class Location(NamedTuple):
    """Where something is: a place in a file, or a resource of an account. Lines and columns start at 1."""

    file: str | None = None
    line: int | None = None
    column: int | None = None
    path: str = ""
    account: str | None = None
    region: str | None = None
    arn: str | None = None


class Resource(NamedTuple):
    """The resource a finding is about.

    `construct` is the CDK path of a synthesised template, or where in a notebook ("cell 7, line 3");
    `stack` made the resource of an account.
    """

    type: str
    name: str
    construct: str | None = None
    stack: str | None = None


class Waiver(NamedTuple):
    """A decision to live with a finding until `expires` (ISO date, inclusive)."""

    control: str
    resource: str
    reason: str
    expires: str
    owner: str | None = None
    ticket: str | None = None
    inline: bool = False
    """True for one that stands in the template itself, beside what it excuses."""


class Finding(NamedTuple):
    """A verdict of one control on one place of one resource.

    `condition` says in words what decides ("IsProd is false"); `cause` names what an UNKNOWN hangs on, so
    that reports can gather findings with one cause. `identity` is what it is known by: control, file from the
    root of its repository, resource and property; of one read back from a report only its fingerprint.
    """

    control: Control
    resource: Resource
    verdict: Verdict
    message: str
    location: Location
    identity: tuple[str, ...]
    condition: str | None = None
    cause: str | None = None
    waiver: Waiver | None = None
    baseline: bool | None = None
    """Whether the baseline holds it; None where no baseline is used."""

    @property
    def excused(self) -> bool:
        """Whether a waiver covers it or the baseline holds it, so that it doesn't count."""
        return self.waiver is not None or self.baseline is True

    @property
    def place(self) -> str:
        """Property path of what the control asks for there, the same whatever misses below it."""
        return self.identity[-1]

    @property
    def fingerprint(self) -> str:
        """A hash of the identity: it survives edits that move lines."""
        if len(self.identity) == 1:
            return self.identity[0]
        # Not every report shows it, and this import loads OpenSSL.
        from hashlib import sha256

        text = "\0".join(self.identity)
        return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Acceptance(NamedTuple):
    """A decision to live with a Gap until `expires` (ISO date, inclusive)."""

    reason: str
    expires: str
    owner: str | None = None
    ticket: str | None = None


class Gap(NamedTuple):
    """Something that could not be looked at: a report with an unaccepted Gap is incomplete."""

    where: str
    what: str
    hint: str = ""
    accepted: Acceptance | None = None


class Note(NamedTuple):
    """Worth saying, changes nothing."""

    where: str
    what: str


class Summary(NamedTuple):
    """How a run ended. Files close: seen = judged + partial + unread + skipped.

    `passed`, and the verdict counts, count findings as listed: `passed` is one per control and resource.
    `waived` findings, and those in the `baseline`, are counted there only. `gaps` counts the Gaps that make
    the run incomplete, `accepted_gaps` the others.
    """

    complete: bool = True
    seen: int = 0
    judged: int = 0
    partial: int = 0
    unread: int = 0
    skipped: int = 0
    resources: int = 0
    passed: int = 0
    fail: int = 0
    unknown: int = 0
    waived: int = 0
    gaps: int = 0
    baseline: int = 0
    accepted_gaps: int = 0


class SmguardError(Exception):
    """The user can mend it: wrong usage, configuration, rule pack or output. Ends with exit code 2."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
