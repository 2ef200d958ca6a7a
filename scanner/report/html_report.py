"""One self-contained page: what could not be looked at, totals, and every finding below its control.

Findings go into the page as data, compact, and a script shows as many of them as anybody can read at once.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from scanner import framework
from scanner.model import Control, Finding, Gap, Note, Severity, Summary
from scanner.report import Run, excuse, hint_of, status, told
from scanner.report.about import facts
from scanner.report.table import file_counts
from scanner.safe_text import inert, inert_lines, to_json

STATUSES = ("failed", "unknown", "waived", "baseline", "passed", "fixed", "not looked at")
"""The last two are of a comparison, and count nowhere else."""
_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "page")
SEVERITIES = [severity.label for severity in sorted(Severity, reverse=True)]
_TEXT = 1_000
_SAMPLES = 20
"""Findings of a control that are shown where scripts don't run."""
_MOST = 200
"""Rows of a table that holds no findings, and controls that are shown where scripts don't run."""
_TITLES = {"audit": "Account audit", "scan": "Template scan", "comparison": "Comparison"}
Event = Finding | Gap | Note


class _Pool(dict[Any, int]):
    """Values by number, in the order in which they were met."""

    def __missing__(self, value: Any) -> int:
        self[value] = number = len(self)
        return number


class Page:
    """What the page has to tell of all events. Text is made inert on its way in."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.controls: list[Control] = []
        self.statuses: list[Counter[str]] = []
        self.samples: list[list[dict[str, Any]]] = []
        self.cells: Counter[tuple[int, str, str]] = Counter()
        """(scope, area, status) -> findings"""
        self.failures: Counter[tuple[str, str]] = Counter()
        """(area, severity) -> findings"""
        self.not_passed: set[tuple[int, int]] = set()
        """(control, resource)"""
        self.waivers: Counter[tuple[str, ...]] = Counter()
        self.gaps: list[Gap] = []
        self.notes: list[Note] = []
        self._numbers, self._resources, self._types = _Pool(), _Pool(), _Pool()
        self._scopes, self._texts, self._heads = _Pool(), _Pool(), _Pool()

    def add(self, event: Event, change: str = "", remark: str = "") -> None:
        """Take in a finding, with what became of it since an earlier report, or a Gap or Note."""
        if isinstance(event, Gap):
            self.gaps.append(event)
        elif isinstance(event, Note):
            self.notes.append(event)
        else:
            self._add(event, change, remark)

    def _add(self, finding: Finding, change: str, remark: str) -> None:
        control, at = finding.control, finding.location
        state = change if change in STATUSES else status(finding)
        number = self._numbers[control.id, control.severity, control.area, control.title]
        if number == len(self.controls):
            self.controls.append(control)
            self.statuses.append(Counter())
            self.samples.append([])
        name, kind = inert(finding.resource.name, _TEXT), inert(finding.resource.type)
        scope = self._scopes[inert(at.file or at.account or "", _TEXT), inert(at.region or "")]
        arn = inert(at.arn or finding.resource.construct or "", _TEXT)
        named = bool(name) and arn.endswith(name)
        head = self._heads[arn[: -len(name)] if named else arn]
        resource = self._resources[name, self._types[kind], scope, head, int(named)]
        message, path = inert(told(finding), _TEXT), inert(at.path, _TEXT)
        why = inert(excuse(finding) or remark, _TEXT)
        texts = ",".join(str(self._texts[text]) for text in (message, path, why, change))
        mark = to_json(finding.fingerprint[:12])
        self.rows.append(f"[{number},{resource},{STATUSES.index(state)},{at.line or 0},{texts},{mark}]")
        self.statuses[number][state] += 1
        self.cells[scope, control.area, state] += 1
        if state == "failed":
            self.failures[control.area, control.severity.label] += 1
        if state in STATUSES[:4]:
            self.not_passed.add((number, resource))
        it = finding.waiver
        if it is not None:
            self.waivers[it.expires, control.id, it.reason, it.owner or "", it.ticket or ""] += 1
        if len(self.samples[number]) < _SAMPLES:
            where = f"{at.file}:{at.line}" if at.file else arn or f"{at.account} {at.region}"
            shown = {"name": name, "kind": kind, "where": inert(where, _TEXT), "path": path}
            self.samples[number].append(shown | {"message": message, "status": state, "why": why})

    def island(self) -> Iterator[str]:
        """The data that the script reads, as JSON in which no character could end it or begin markup."""
        tables = {
            "statuses": STATUSES,
            "types": list(self._types),
            "scopes": list(self._scopes),
            "heads": list(self._heads),
            "texts": list(self._texts),
        }
        yield _island(to_json(tables))[:-1] + ',\n"resources": ['
        yield ",\n".join(_island(to_json(each)) for each in self._resources)
        yield '],\n"rows": [\n'
        yield ",\n".join(map(_island, self.rows))
        yield "]}"

    def scopes(self) -> list[tuple[str, str]]:
        """(account or file, region) by number."""
        return list(self._scopes)


def render(run: Run) -> Iterator[str]:
    """Chunks of the page, after an empty one for each event: the totals stand first."""
    page = Page()
    for event in run.events:
        if run.show_passed or not isinstance(event, Finding) or status(event) != "passed":
            page.add(event)
        yield ""
    yield from document(page, run)


def document(page: Page, run: Run, comparison: Mapping[str, Any] | None = None) -> Iterator[str]:
    """Chunks of the page of all that was added to it."""
    from markupsafe import Markup

    files = {name: _read(name) for name in ("page.css", "page.js")}
    hashes = {
        name: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for name, text in files.items()
    }
    summary = run.summary()
    context = {
        "title": _TITLES["comparison" if comparison else run.kind],
        "run": run._replace(events=iter(())),  # which a template would hold longer than need be
        "facts": facts(run, 1_000),
        "totals": (run.about() if run.about is not None else {}).get("totals", ()),
        "summary": summary,
        "work": file_counts(summary),
        "score": _score(page, summary),
        "gaps": [gap for gap in page.gaps if run.leaves_open(gap)],
        "accepted": [gap for gap in page.gaps if not run.leaves_open(gap)],
        "hint_of": hint_of,
        "notes": page.notes,
        "most": _MOST,
        "severities": SEVERITIES,
        "statuses": STATUSES,
        "by_severity": {
            name: sum(n for (_, label), n in page.failures.items() if label == name) for name in SEVERITIES
        },
        "areas": _areas(page),
        "matrix": _matrix(page, run),
        "controls": _controls(page),
        "waivers": sorted(page.waivers.items()),
        "comparison": comparison,
        "island": map(Markup, page.island()),
        "style": Markup(files["page.css"]),  # noqa: S704 - our own
        "script": Markup(files["page.js"]),  # noqa: S704 - our own
        "style_hash": hashes["page.css"],
        "script_hash": hashes["page.js"],
    }
    # Plain text: what is added to Markup would be escaped.
    yield from map(str, _template().generate(context))


@cache
def _template() -> Any:
    """The page's, compiled once in a process: that takes many times as long as to fill it."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        inert=lambda text: inert(str(text), _TEXT), lines=inert_lines, number="{:,}".format
    )
    return environment.get_template("page.html")


def _island(text: str) -> str:
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _read(name: str) -> str:
    with open(os.path.join(_FOLDER, name), encoding="utf-8") as file:
        return file.read()


def _score(page: Page, summary: Summary) -> dict[str, Any]:
    """How much of what was judged passes; withheld, and why, where that can't be said."""
    pairs = summary.passed + len(page.not_passed)
    if not summary.complete:
        return {"withheld": "No score: the report is incomplete, and what was not looked at might fail."}
    if not pairs:
        return {"withheld": "No score: nothing was judged."}
    # Rounded down: only what passes whole is 100 %.
    return {"percent": summary.passed * 100 // pairs, "passed": summary.passed, "pairs": pairs}


def _areas(page: Page) -> list[dict[str, Any]]:
    """The bars of the chart: failures by area, with the widths of their severities in percent."""
    names = sorted({control.area for control in page.controls})
    totals = {name: sum(page.failures[name, label] for label in SEVERITIES) for name in names}
    most = max(totals.values(), default=0) or 1
    bars = []
    for name in sorted(names, key=lambda name: (-totals[name], name)):
        parts, at = [], 0.0
        for label in SEVERITIES:
            width = page.failures[name, label] * 100 / most
            if width:
                parts.append({"label": label, "count": page.failures[name, label], "x": at, "width": width})
            at += width
        bars.append({"name": name, "total": totals[name], "parts": parts})
    return bars


def _matrix(page: Page, run: Run) -> dict[str, Any]:
    """Failures and unknowns of each account, of each region of a single account, or of each file."""
    scopes = page.scopes()
    places = {place for place, _ in scopes}
    about = run.about() if run.about is not None else {}
    looked = [(each["account"], each["region"]) for each in about.get("totals", ())]
    single = len(places | {account for account, _ in looked}) == 1 and run.kind == "audit"
    rows: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
    for pair in looked:
        rows[inert(pair[single], _TEXT)]
    for (scope, area, state), count in page.cells.items():
        rows[scopes[scope][single]][area, state] += count
    areas = sorted({control.area for control in page.controls})
    failed = {name: sum(cells[area, "failed"] for area in areas) for name, cells in rows.items()}
    most = max((cells[area, "failed"] for cells in rows.values() for area in areas), default=0) or 1
    # Four shades; even one failure has the lightest.
    shade = {
        name: {area: -(-4 * cells[area, "failed"] // most) for area in areas} for name, cells in rows.items()
    }
    names = sorted(rows, key=lambda name: (-failed[name], name))
    noun = ("Region" if single else "Account") if run.kind == "audit" else "File"
    return {
        "noun": noun,
        "field": "region" if single else "place",
        "areas": areas,
        "names": names,
        "rows": rows,
        "failed": failed,
        "shade": shade,
    }


def _controls(page: Page) -> list[dict[str, Any]]:
    """Controls with what is found, worst first."""
    listed = []
    for number, control in enumerate(page.controls):
        counts = page.statuses[number]
        references = [(name, ", ".join(each)) for name, each in framework.shown(control).items()]
        listed.append(
            {
                "number": number,
                "it": control,
                "severity": control.severity.label,
                "counts": counts,
                "total": counts.total(),
                "samples": page.samples[number],
                "references": references,
            }
        )
    return sorted(
        listed,
        key=lambda each: (
            not each["counts"]["failed"],
            -each["it"].severity,
            -each["counts"]["failed"],
            each["it"].id,
        ),
    )
