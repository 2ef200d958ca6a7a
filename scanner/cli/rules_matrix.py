"""`smguard rules matrix`: where each control is judged, and which policy stops what it finds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from scanner.catalog import Catalog
from scanner.policy.agreement import Cell, matrix
from scanner.rule_text import Line, columns, section

_HEADINGS = ("Control", "Template", "Live", "Config", "SCP", "Not stopped, and why")
_LEGEND = (
    "Types of resources that can be judged there, of all that a control judges. Config: + are recorded, "
    "so that a rule hears of each change; a periodic rule reads the others."
)


def render(catalog: Catalog, format_name: str) -> Iterator[str]:
    """The matrix as lines of JSON or of Markdown."""
    if format_name == "json":
        yield json.dumps([each._asdict() for each in matrix(catalog)], indent=2)
        return
    yield f"| {' | '.join(_HEADINGS)} |"
    yield f"|{'---|' * len(_HEADINGS)}"
    for row in _rows(catalog):
        shown = (each.replace("|", r"\|") for each in (*row[:5], "; ".join(row.whys)))
        yield f"| {' | '.join(shown)} |"


def table(catalog: Catalog) -> Iterator[Line]:
    """The matrix for a terminal: the counts, and below them the reasons."""
    rows = _rows(catalog)
    yield from columns([_HEADINGS[:5], *(row[:5] for row in rows)])
    yield Line(0, "")
    yield Line(0, _LEGEND)
    yield from section(_HEADINGS[5])
    for row in rows:
        if row.whys:
            yield Line(2, row.name)
        yield from (Line(4, why) for why in row.whys)


class _Row(NamedTuple):
    name: str
    template: str
    live: str
    config: str
    scp: str
    whys: Sequence[str]


def _rows(catalog: Catalog) -> list[_Row]:
    return [_row(name, list(own)) for name, own in groupby(matrix(catalog), lambda each: each.control)]


def _row(name: str, cells: Sequence[Cell]) -> _Row:
    count = len(cells)
    judged = sum(each.config != "none" for each in cells)
    recorded = sum(each.config == "change" for each in cells)
    gaps: dict[str, list[str]] = {}
    for each in cells:
        for why in each.why_not:
            gaps.setdefault(why, []).append(each.type.rpartition("::")[2])
    whys = [f"{'all' if len(types) == count else ', '.join(types)}: {why}" for why, types in gaps.items()]
    return _Row(
        name,
        f"{sum(each.template for each in cells)} of {count}",
        f"{sum(each.live for each in cells)} of {count}",
        f"{judged} of {count} (+{recorded})",
        f"{sum(bool(each.scp) for each in cells)} of {count}",
        whys,
    )
