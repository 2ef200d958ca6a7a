"""How long policies may be, and how many of a kind one place takes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from scanner.folder import read_data
from scanner.policy.document import minified
from scanner.policy.lint_found import Found
from scanner.policy.lint_source import Written

_OPEN = re.compile(r"\{\{[^}]*\}\}")


def check_length(written: Written, quotas: Mapping[str, Any]) -> Iterator[Found]:
    """A policy that is too long, minified or as it is written; values left open count as nothing."""
    quota = quotas["kinds"][written.kind]
    most = quota.get("characters")
    if most is None:
        return
    short = len(_OPEN.sub("", minified(written.data)))
    facts = {"name": quota["name"], "most": f"{most:,}", "short": f"{short:,}", "date": quotas["date"]}
    if short > most:
        yield Found("too-long", (), {**facts, "characters": f"{short:,}"})
    elif quota["whitespace"] and written.characters > most:
        yield Found("too-long-as-written", (), {**facts, "characters": f"{written.characters:,}"})


def crowded(types: Iterable[str]) -> Iterator[str]:
    """Where policies of these types are more than one target takes, in a line each."""
    quotas = read_data("policies", "_quotas.yaml")
    for kind, count in Counter(quotas["types"].get(each, "") for each in types).items():
        quota = quotas["kinds"].get(kind, {})
        if count > _room(kind, quota):
            yield (
                f"{count} policies of the kind {quota['name']}, and AWS takes {quota['count']} per "
                f"{quota['per']} ({quotas['date']}): attach some of them further down"
            )


def _room(kind: str, quota: Mapping[str, Any]) -> float:
    """How many policies of one's own a place takes: what AWS attaches by itself takes one as well."""
    most: int | None = quota.get("count")
    return float("inf") if most is None else most - 1 if kind in ("scp", "rcp") else most


def check_counts(
    found: Sequence[tuple[str, Written]], quotas: Mapping[str, Any]
) -> Iterator[tuple[str, Written, Found]]:
    """More policies of one kind than one place takes: attached by a template, or all files together."""
    counts: Counter[tuple[str, str]] = Counter()
    for file, written in found:
        quota = quotas["kinds"][written.kind]
        most = quota.get("count")
        # Files of managed policies are for as many roles.
        apart = written.name or written.kind == "managed"
        for where in written.targets or (() if apart else ("these files",)):
            counts[written.kind, where] += 1
            room = _room(written.kind, quota)
            if counts[written.kind, where] == room + 1:
                facts = {
                    "name": quota["name"],
                    "most": most,
                    "per": quota["per"],
                    "date": quotas["date"],
                }
                place = f"are attached to {where}" if written.targets else f"are in {where}"
                yield (
                    file,
                    written,
                    Found("too-many", (), {**facts, "count": f"More than {room}", "where": place}),
                )
