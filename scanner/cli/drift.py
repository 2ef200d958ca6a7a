"""What the commands share that compare what is deployed with the pack: report and exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from scanner import catalog
from scanner.cli.shared import EXIT_FINDINGS, EXIT_INCOMPLETE, heading
from scanner.cli.terminal import laid_out
from scanner.model import Gap, Note
from scanner.output import write
from scanner.rule_text import Line
from scanner.safe_text import to_json


def conclude(
    found: Mapping[str, Iterable[Any]],
    told: tuple[str, str, tuple[str, ...], tuple[str, ...]],
    lines: Callable[[list[Any]], Iterable[Line]],
    said: tuple[str, str],
    form: str,
    output: str | None,
    aside: Mapping[type, str] = MappingProxyType({}),
) -> int:
    """Write the differences, gaps and notes of each place, and say how the command ends.

    `told` is for JSON: the kind of the report, the name of a place, what is listed of it, and the kinds of
    differences. For a table `lines` lays out differences, and `said` ends a place: that nothing is known, and
    what was compared. What is of a type of `aside`, by the name it has in JSON, is laid out behind them and
    is no difference.
    """
    kinds = {Gap: "gaps", Note: "notes", **aside}
    parts = {place: _parted(events, kinds) for place, events in found.items()}
    if form == "json":
        write(output, [to_json(_document(parts, *told)) + "\n"])
    else:
        write(output, laid_out(_table(parts, lines, [*aside.values()], *said)))
    if any(it["differences"] for it in parts.values()):
        return EXIT_FINDINGS
    return EXIT_INCOMPLETE if any(it["gaps"] for it in parts.values()) else 0


def _parted(events: Iterable[Any], kinds: Mapping[type, str]) -> dict[str, list[Any]]:
    parts: dict[str, list[Any]] = {name: [] for name in ("differences", *kinds.values())}
    for event in events:
        parts[kinds.get(type(event), "differences")].append(event)
    return parts


_Parts = Mapping[str, Mapping[str, list[Any]]]


def _document(
    parts: _Parts, kind: str, place: str, listed: tuple[str, ...], kinds: tuple[str, ...]
) -> dict[str, Any]:
    counts = Counter(each.kind for it in parts.values() for each in it["differences"])
    return {
        **heading(kind, catalog=catalog.load().digest),
        f"{place}s": [
            {place: where, **{name: [each._asdict() for each in it[name]] for name in listed}}
            for where, it in parts.items()
        ],
        "summary": {
            "complete": not any(it["gaps"] for it in parts.values()),
            **{each: counts[each] for each in kinds},
        },
    }


def _table(
    parts: _Parts, lines: Callable[[list[Any]], Iterable[Line]], aside: list[str], unread: str, compared: str
) -> Iterator[Line]:
    for where, it in parts.items():
        yield Line(0, where)
        yield from lines([*it["differences"], *(each for name in aside for each in it[name])])
        yield from (Line(2, f"Note: {note.where}: {note.what}") for note in it["notes"])
        for gap in it["gaps"]:
            yield from (Line(2, f"Not looked at: {gap.where}"), Line(4, gap.what), Line(4, gap.hint))
        count = len(it["differences"])
        said = f"{count} difference{'' if count == 1 else 's'}" if count else "No differences"
        yield Line(2, (unread if it["gaps"] and not count else said) + compared)
