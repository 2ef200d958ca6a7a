"""Where a control is enforced, which requirements it is about, and what an audit says of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from scanner import framework
from scanner.alone import alone
from scanner.catalog import Catalog
from scanner.folder import read_data
from scanner.model import Control, SmguardError
from scanner.notation import AREAS
from scanner.policy.agreement import matrix
from scanner.report import status

if TYPE_CHECKING:
    from scanner.report.saved import Saved

POINTS = {
    "scan": "templates, in files and editors",
    "call": "definitions of pipelines and state machines, code, and calls in sessions with the guard",
    "live": "audits of accounts",
    "change": "a rule of AWS Config that hears of each change",
    "periodic": "a rule of AWS Config that reads what it does not record",
    "hook": "the CloudFormation hook",
    "guard": "rules of AWS Config in the Guard language, without a function",
    "policy": "statements of policies/scp stop it before it is made",
}
STATES = ("failed", "unknown", "gap", "not audited", "not shown", "waived", "passed", "none found")
"""What an audit says of a control or requirement, worst first. Only "passed" is evidence that it is met."""
_TYPE = re.compile(r"\bAWS::\w+::\w+")
_MOST_SCOPES = 1_000


class Evidence(NamedTuple):
    """What an audit says of one control."""

    state: str
    counts: Mapping[str, int]
    """Findings by status, and "gap": what could not be looked at for it."""
    scopes: tuple[str, ...]
    """Accounts and regions in which it did not plainly pass."""


class Requirement(NamedTuple):
    """A requirement of a framework, and the controls that are about it."""

    framework: str
    id: str
    controls: tuple[str, ...]
    sources: tuple[str, ...]
    kind: str = ""
    """The one type that it is about."""
    why_not: str = ""
    """Why no control is about it."""
    ours: tuple[str, ...] = ()
    """The controls of which no source says that they are."""

    def key(self, control: str) -> str:
        """What one of its controls goes by in the evidence."""
        return f"{control}@{self.kind}" if self.kind else control

    def state(self, evidence: Mapping[str, Evidence]) -> str:
        """That of the worst of its controls; those that found nothing to judge don't count beside others."""
        return min(
            (evidence[self.key(each)].state for each in self.controls),
            key=STATES.index,
            default="not audited",
        )


def points(full: Catalog) -> dict[str, dict[str, list[str]]]:
    """Area -> point of enforcement, and "all" -> the controls with a type that is judged or stopped there."""
    from scanner.audit import acquisition
    from scanner.deploy.guard import guard_rules
    from scanner.deploy.rule import rules

    known = acquisition.load()
    said = {it.rule.control.id for it in guard_rules(full, rules(full, known), known) if it.types}
    single = alone(full).by_id
    unruled = read_data("config_rules", "_deployment.yaml")["unruled"]
    found: dict[str, dict[str, dict[str, None]]] = {area: {p: {} for p in ("all", *POINTS)} for area in AREAS}
    for cell in matrix(full):
        by_itself = bool(single[cell.control].resources.get(cell.type, {}).get("places"))
        seen = {
            "all": True,
            "scan": cell.template,
            "call": by_itself and "create" in full.types.get(cell.type, {}),
            "live": cell.live,
            "change": cell.config == "change",
            "periodic": cell.config == "periodic",
            "hook": cell.template and cell.control not in unruled,
            "guard": cell.control in said,
            "policy": bool(cell.scp),
        }
        for point in (name for name, holds in seen.items() if holds):
            found[full.by_id[cell.control].area][point][cell.control] = None
    return {area: {point: list(each) for point, each in by.items()} for area, by in found.items()}


def idle(full: Catalog) -> list[str]:
    """Controls that judge nothing as configured: a parameter of theirs must be set first."""
    return [
        control.id
        for control in full.controls
        if not control.retired
        and (places := [it for rule in control.resources.values() for it in rule.get("places", ())])
        and all(it.get("given", True) in ([], "", None) for it in places)
    ]


def requirements(controls: Iterable[Control], told: Mapping[str, Any]) -> list[Requirement]:
    """What the controls are about, by framework in its order, and what of it no control is about."""
    found: dict[tuple[str, str], tuple[dict[str, None], ...]] = {}
    for control in controls:
        for name, requirement, source, kind in () if control.retired else framework.mapped(control, told):
            by, sources, kinds, ours = found.setdefault((name, requirement), ({}, {}, {}, {}))
            by[control.id] = sources[source] = kinds[kind] = None
            ours |= {control.id: None} if source == framework.OURS else {}
    listed = [
        Requirement(
            *key, tuple(by), tuple(sources), "".join(kinds) if len(kinds) == 1 else "", "", tuple(ours)
        )
        for key, (by, sources, kinds, ours) in found.items()
    ]
    for name, entry in told["frameworks"].items():
        for each in entry.get("requirements", ()):
            if (name, each) not in found:
                why = entry.get("not-covered", {}).get(each, "no control is about it")
                listed.append(Requirement(name, each, (), (), why_not=why))
    return sorted(listed, key=lambda it: (it.framework, _natural(it.id)))


def _natural(text: str) -> list[tuple[int, str]]:
    return [(int(part) if part.isdecimal() else -1, part) for part in re.findall(r"\d+|\D+", text)]


def evidence(saved: Saved, full: Catalog) -> dict[str, Evidence]:
    """What an audit's report says of every control and, as control@type, of it on each type.

    A Gap touches the controls whose types or names it tells, and all if it tells none; it is never a pass.
    Raises SmguardError for a report of anything else.
    """
    about = saved.about
    if saved.kind != "audit" or about is None:
        raise SmguardError(
            f"{saved.name} is no report of an audit", "save one: smguard audit --all -f json -o FILE"
        )
    pairs = (f"{control.id}@{kind}" for control in full.controls for kind in control.resources)
    counts = {key: Counter[str]() for key in (*full.by_id, *pairs)}
    scopes: dict[str, dict[str, None]] = {key: {} for key in counts}

    def add(control: str, kinds: Iterable[str], what: str, scope: str) -> None:
        for key in (control, *(f"{control}@{kind}" for kind in kinds)):
            if key in counts:
                counts[key][what] += 1
                if what != "passed" and len(scopes[key]) < _MOST_SCOPES:
                    scopes[key][scope] = None

    for finding in saved.findings():
        where = finding.location
        scope = f"{where.account or ''}/{where.region or ''}"
        add(finding.control.id, (finding.resource.type,), status(finding), scope)
    blanks = [(gap.where, gap.what) for gap in saved.gaps]
    told = {(place, kind) for place, what in blanks for kind in _TYPE.findall(what)}
    partly = [
        (f"{it['account']}/{it['region']}", it["type"]) for it in about["looked_at"] if not it["complete"]
    ]
    blanks += [each for each in partly if each not in told]
    if not saved.summary.complete and not blanks:
        blanks.append((saved.name, ""))
    for place, what in blanks:
        types = frozenset(_TYPE.findall(what))
        for control in touched(what, full):
            judged = full.by_id[control].resources
            add(control, types.intersection(judged) or judged, "gap", place)
    audited = set(about["controls"])
    return {
        name: Evidence(
            _state(name.partition("@")[0] in audited, count, saved), dict(count), tuple(scopes[name])
        )
        for name, count in counts.items()
    }


def touched(what: str, full: Catalog) -> Iterable[str]:
    """The controls that a Gap is about: those that it names or whose types it names, else all."""
    types = [full.by_type.get(kind, ()) for kind in _TYPE.findall(what)]
    named = {word for word in re.split(r"[^a-z0-9-]+", what) if word in full.by_id}
    if not named and not all(types):
        return full.by_id
    return named.union(it.id for controls in types for it in controls) or full.by_id


def _state(audited: bool, count: Mapping[str, int], saved: Saved) -> str:
    """Without `--all` a report tells what passed by numbers alone, which is no evidence of one control."""
    if count.get("baseline"):
        return "failed"
    found = next((each for each in STATES if count.get(each)), "")
    if found in ("failed", "unknown", "gap") or not audited:
        return found or "not audited"
    if found:
        return found
    return "not shown" if saved.summary.passed and not saved.has_passed else "none found"
