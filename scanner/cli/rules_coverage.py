"""`smguard rules coverage`: areas by enforcement point, frameworks by control, and an audit's evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from scanner import coverage, framework
from scanner.catalog import Catalog, demand_known, select
from scanner.cli.terminal import echo
from scanner.coverage import POINTS, STATES, Evidence, Requirement
from scanner.model import SmguardError
from scanner.rule_text import Line, columns, section
from scanner.safe_text import inert, markdown, to_json

if TYPE_CHECKING:
    from scanner.report.saved import Saved

FORMATS = ("table", "markdown", "json", "csv", "oscal-component", "oscal-results")
_LEGEND = f"Controls that judge some type there. {'; '.join(f'{p}: {what}' for p, what in POINTS.items())}."
_ONLY = (
    "What sources and control files map. A framework asks for more than configuration; what it asks for "
    "besides is not listed."
)
_STATES = (
    f"A requirement is as the worst of its controls: {', '.join(STATES)}. Only passed is evidence. "
    "Not shown: the report tells what passed by numbers alone; save it with `smguard audit --all -f json`."
)
_SHOWN = ("failed", "unknown", "gap", "waived", "passed")
Rows = list[tuple[str, ...]]


class _Told(NamedTuple):
    """All that is told, whatever the format; `saved` is the report that the evidence is from."""

    known: Mapping[str, Any]
    points: Mapping[str, Mapping[str, list[str]]]
    idle: list[str]
    listed: list[Requirement]
    evidence: Mapping[str, Evidence]
    saved: Saved | None

    def by_framework(self) -> Iterator[tuple[str, Mapping[str, Any], list[Requirement]]]:
        for name, own in groupby(self.listed, lambda it: it.framework):
            yield name, self.known["frameworks"].get(name, {}), list(own)

    def state(self, it: Requirement) -> str:
        return it.state(self.evidence) if self.saved else ""


def show(full: Catalog, format_name: str, controls: bool, names: tuple[str, ...], report: str | None) -> None:
    """Print it for the frameworks called for, all without names. Raises SmguardError."""
    if format_name not in FORMATS:
        raise SmguardError(f"unknown format '{inert(format_name)}'", f"known: {', '.join(FORMATS)}")
    if format_name == "oscal-results" and report is None:
        raise SmguardError("results are those of an audit", "give its report with --audit FILE")
    known = framework.known(full.told)
    listed = coverage.requirements(select(full), known)
    demand_known("framework", names, {each.framework for each in listed})
    listed = [each for each in listed if not names or each.framework in names]
    with ExitStack() as opened:
        saved, evidence = None, {}
        if report is not None:
            from scanner.report.saved import read

            saved = opened.enter_context(closing(read(report, full.by_id)))
            evidence = coverage.evidence(saved, full)
            if saved.catalog != full.digest:
                click.echo("The audit was by another catalog; mappings and types are this one's.", err=True)
        if format_name.startswith("oscal"):
            from scanner.report import oscal

            if saved is None or format_name == "oscal-component":
                click.echo(oscal.component(full, listed, known))
            else:
                click.echo(oscal.results(full, listed, evidence, saved))
            return
    told = _Told(known, coverage.points(full), coverage.idle(full), listed, evidence, saved)
    if format_name == "json":
        click.echo(_json(told))
    elif format_name == "csv":
        from scanner.report.csv_report import rows

        click.echo("".join(rows(_details(told))), nl=False)
    elif format_name == "markdown":
        click.echo("\n".join(_markdown(told, controls, bool(names))))
    else:
        echo(_table(told, controls, bool(names)))


def _json(told: _Told) -> str:
    document: dict[str, Any] = {
        "areas": told.points,
        "judge_nothing_yet": told.idle,
        "frameworks": [
            {
                "id": name,
                **{key: entry.get(key) for key in ("title", "version", "url")},
                "requirements": [
                    {**each._asdict(), **({"state": told.state(each)} if told.saved else {})} for each in own
                ],
            }
            for name, entry, own in told.by_framework()
        ],
        "sources": told.known["sources"],
    }
    if told.saved and told.saved.about:
        fields = ("by", "at", "ended", "accounts", "regions")
        document["audit"] = {name: told.saved.about.get(name) for name in fields}
        document["evidence"] = {name: each._asdict() for name, each in told.evidence.items()}
    return to_json(document, indent=2)


def _table(told: _Told, controls: bool, details: bool) -> Iterator[Line]:
    if controls or not details:
        yield from columns(_areas(told))
        yield from (Line(0, ""), Line(0, _LEGEND))
        for heading, listed in _unseen(told).items():
            yield from section(heading, ", ".join(listed) or "none")
        for area, by_point in told.points.items() if controls else ():
            yield from section(area, *(f"{it}: {', '.join(by_point[it]) or 'none'}" for it in POINTS))
        yield Line(0, "")
    yield from (Line(0, _ONLY), Line(0, ""))
    yield from columns(_frameworks(told))
    if told.saved:
        yield from section("Audit", _audited(told.saved), _STATES)
    for name, entry, own in told.by_framework() if details else ():
        yield from section(f"{name}: {entry.get('title', name)} {entry.get('version', '')}".rstrip())
        for each in own:
            state = f" [{told.state(each)}]" if told.saved else ""
            yield from (Line(2, f"{each.id}{state}:"), Line(4, _about(told, each)))
    if not details:
        yield from section("Not covered", *(f"{it.id}: {it.why_not}" for it in told.listed if it.why_not))


def _markdown(told: _Told, controls: bool, details: bool) -> Iterator[str]:
    unseen = [(heading, ", ".join(listed)) for heading, listed in _unseen(told).items()]
    tables: list[Rows] = [_areas(told), [("", "Controls"), *unseen]] if controls or not details else []
    if controls:
        cells = [(area, point, ", ".join(by[point])) for area, by in told.points.items() for point in POINTS]
        tables.append([("Area", "Point", "Controls"), *cells])
    tables += [_frameworks(told), *([_details(told)] if details else [])]
    for head, *body in tables:
        yield f"| {' | '.join(head)} |"
        yield f"|{'---|' * len(head)}"
        yield from (f"| {' | '.join(markdown(cell, 4_000) for cell in row)} |" for row in body)
        yield ""
    yield markdown(f"{_audited(told.saved)} {_STATES}" if told.saved else _ONLY, 4_000)


def _areas(told: _Told) -> Rows:
    counts = [
        (area, *(str(len(by_point[point])) for point in ("all", *POINTS)))
        for area, by_point in told.points.items()
    ]
    return [("Area", "All", *map(str.capitalize, POINTS)), *counts]


def _unseen(told: _Told) -> dict[str, list[str]]:
    """What no point sees, or only some."""
    seen = {point: [it for by in told.points.values() for it in by[point]] for point in ("all", *POINTS)}
    single = {it for point in ("call", "change", "periodic", "hook") for it in seen[point]}
    return {
        "Seen by an audit alone": [it for it in seen["all"] if it not in single.union(seen["scan"])],
        "Seen by a scan and an audit alone": [it for it in seen["scan"] if it not in single],
        "Stopped by no policy; `smguard rules matrix` says why": [
            it for it in seen["all"] if it not in seen["policy"]
        ],
        "Judge nothing until a parameter is set": told.idle,
    }


def _frameworks(told: _Told) -> Rows:
    rows: Rows = [("Framework", "Asks", "Controls", *((*_SHOWN, "other") if told.saved else ("Sources",)))]
    for name, _, own in told.by_framework():
        row = (name, str(len(own)), str(len({each for it in own for each in it.controls})))
        states = Counter(told.state(each) for each in own)
        if told.saved:
            counts = [states.pop(each, 0) for each in _SHOWN]
            rows.append((*row, *map(str, counts), str(states.total())))
        else:
            rows.append((*row, ", ".join(sorted({each for it in own for each in it.sources}))))
    return rows


def _details(told: _Told) -> Rows:
    """A row for each requirement and control."""
    rows: Rows = [("framework", "requirement", "control", "sources", "state", "evidence")]
    for it in told.listed:
        for name in it.controls or ("",):
            found = _why(told.evidence[it.key(name)]) if told.saved and name else it.why_not
            sources = [each for each in it.sources if (each == framework.OURS) == (name in it.ours)]
            rows.append((it.framework, it.id, name, " ".join(sources), told.state(it), found))
    return rows


def _about(told: _Told, it: Requirement) -> str:
    if it.why_not:
        return f"not covered: {it.why_not}"
    marks = ((each, " (ours)" if each in it.ours and len(it.sources) > 1 else "") for each in it.controls)
    shown = (
        f"{each}{mark} ({_why(told.evidence[it.key(each)])})" if told.saved else each + mark
        for each, mark in marks
    )
    return f"{', '.join(shown)} – {', '.join(it.sources)}"


def _why(it: Evidence) -> str:
    counts = ", ".join(f"{number} {what}" for what, number in it.counts.items())
    return f"{counts} in {', '.join(it.scopes[:3])}" if it.scopes else counts or it.state


def _audited(saved: Saved) -> str:
    about = saved.about or {}
    return (
        f"By {about.get('by') or 'nobody named'} at {about.get('at')}, accounts "
        f"{', '.join(about['accounts'])}, regions {', '.join(about['regions'])}: {saved.name}"
    )
