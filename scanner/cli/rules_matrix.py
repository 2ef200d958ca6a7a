"""`smguard rules matrix`: where each control is judged, and which policy stops what it finds."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby

from scanner.catalog import Catalog
from scanner.policy.agreement import Cell, matrix

_HEADINGS = ("Control", "Template", "Live", "Config", "SCP", "Not stopped, and why")


def render(catalog: Catalog, format_name: str) -> Iterator[str]:
    """The matrix as lines of a table, of Markdown or of JSON."""
    cells = list(matrix(catalog))
    if format_name == "json":
        yield json.dumps([each._asdict() for each in cells], indent=2)
        return
    rows = [_row(name, list(own)) for name, own in groupby(cells, lambda each: each.control)]
    if format_name == "markdown":
        yield f"| {' | '.join(_HEADINGS)} |"
        yield f"|{'---|' * len(_HEADINGS)}"
        yield from (f"| {' | '.join(each.replace('|', chr(92) + '|') for each in row)} |" for row in rows)
        return
    widths = [max(len(row[column]) for row in (_HEADINGS, *rows)) for column in range(5)]
    for row in (_HEADINGS, *rows):
        yield "  ".join(f"{each:<{width}}" for each, width in zip(row, (*widths, 0), strict=True)).rstrip()
    yield ""
    yield "Types of resources that can be judged there, of all that a control judges. Config: + are recorded,"
    yield "so that a rule hears of each change; a periodic rule reads the others."


def _row(name: str, cells: Sequence[Cell]) -> tuple[str, ...]:
    count = len(cells)
    recorded = sum(each.config == "change" for each in cells)
    gaps: dict[str, list[str]] = {}
    for each in cells:
        for why in each.why_not:
            gaps.setdefault(why, []).append(each.type.rpartition("::")[2])
    whys = (f"{'all' if len(types) == count else ', '.join(types)}: {why}" for why, types in gaps.items())
    return (
        name,
        f"{sum(each.template for each in cells)} of {count}",
        f"{sum(each.live for each in cells)} of {count}",
        f"{count} (+{recorded})",
        f"{sum(bool(each.scp) for each in cells)} of {count}",
        "; ".join(whys),
    )
