"""How long policies may be, and how many of a kind one place takes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

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
    facts = {"name": quota["name"], "most": f"{most:,}", "short": f"{short:,}", "date": str(quotas["date"])}
    if short > most:
        yield Found("too-long", (), {**facts, "characters": f"{short:,}"})
    elif quota["whitespace"] and written.characters > most:
        yield Found("too-long-as-written", (), {**facts, "characters": f"{written.characters:,}"})


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
            # What AWS attaches by itself takes a place as well.
            room = most - 1 if most and written.kind in ("scp", "rcp") else most
            if most and counts[written.kind, where] == room + 1:
                facts = {
                    "name": quota["name"],
                    "most": most,
                    "per": quota["per"],
                    "date": str(quotas["date"]),
                }
                place = f"are attached to {where}" if written.targets else f"are in {where}"
                yield (
                    file,
                    written,
                    Found("too-many", (), {**facts, "count": f"More than {room}", "where": place}),
                )
