"""`smguard rules matrix`: where each control is judged, and which policy stops what it finds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby

from scanner.catalog import Catalog
from scanner.policy.agreement import matrix
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
    for row, whys in _rows(catalog):
        shown = (each.replace("|", r"\|") for each in (*row, "; ".join(whys)))
        yield f"| {' | '.join(shown)} |"


def table(catalog: Catalog) -> Iterator[Line]:
    """The matrix for a terminal: the counts, and below them the reasons."""
    rows = list(_rows(catalog))
    yield from columns([_HEADINGS[:5], *(row for row, _ in rows)])
    yield Line(0, "")
    yield Line(0, _LEGEND)
    yield from section(_HEADINGS[5])
    for row, whys in rows:
        if whys:
            yield Line(2, row[0])
        yield from (Line(4, why) for why in whys)


def _rows(catalog: Catalog) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """What stands in the columns of each control, but for the last, and the reasons that do there."""
    for name, own in groupby(matrix(catalog), lambda each: each.control):
        cells = list(own)
        gaps: dict[str, list[str]] = {}
        for each in cells:
            for why in each.why_not:
                gaps.setdefault(why, []).append(each.type.rpartition("::")[2])
        recorded = sum(each.config == "change" for each in cells)
        seen = (
            f"{sum(each.template for each in cells)} of {len(cells)}",
            f"{sum(each.live for each in cells)} of {len(cells)}",
            f"{sum(each.config != 'none' for each in cells)} of {len(cells)} (+{recorded})",
            f"{sum(bool(each.scp) for each in cells)} of {len(cells)}",
        )
        whys = (("all" if len(types) == len(cells) else ", ".join(types), why) for why, types in gaps.items())
        yield (name, *seen), [f"{where}: {why}" for where, why in whys]
