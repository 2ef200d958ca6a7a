"""What a run says of itself, in the words that all reports share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scanner.report import Run
from scanner.report.layout import count

_MOST = 30


def facts(run: Run, most: int = _MOST) -> dict[str, str]:
    """Label -> text: who looked when, where, for which controls, with which parameters; untrusted text."""
    about: Mapping[str, Any] = run.about() if run.about is not None else {}
    ended = about.get("ended")
    since = about.get("since")
    window = f"jobs created since {spoken(since)}" if since else "jobs of any age"
    found = {
        "By": about.get("by"),
        "When": about.get("at")
        and spoken(about["at"]) + (f" to {spoken(ended)}" if ended else " (not ended)"),
        "Accounts": _listed(about.get("accounts", ()), most),
        "Regions": _listed(about.get("regions", ()), most),
        "Paths": _listed(about.get("paths", ()), most),
        "Left out": _listed(about.get("exclude", ()), most),
        "Controls": _counted(about.get("controls", ()), most),
        "Parameters": "; ".join(
            f"{control}.{name} = {_value(value)}"
            for control, values in (about.get("parameters") or {}).items()
            for name, value in (values.items() if isinstance(values, Mapping) else [("", values)])
        ),
        "Time window": window if run.kind == "audit" and about else "",
    }
    return {label: str(text) for label, text in found.items() if text}


def _listed(names: Iterable[str], most: int) -> str:
    listed = list(names)
    more = f" and {len(listed) - most:,} more" if len(listed) > most else ""
    return ", ".join(listed[:most]) + more


def _counted(names: Iterable[str], most: int) -> str:
    listed = list(names)
    return f"{len(listed)}: {_listed(listed, most)}" if listed else ""


def spoken(moment: Any) -> str:
    """ "2026-10-05T07:30:00Z" as people write it."""
    return re.sub(r"(\d)T(\d\d:\d\d)(:\d\d(\.\d+)?)?(Z|\+00:00)$", r"\1 \2 UTC", str(moment))


def tool(run: Run) -> str:
    """What wrote the report, and by which catalog."""
    return f"smguard {run.version}, catalog {run.catalog[:12]}"


def totals(run: Run) -> Iterator[str]:
    """What an audit came to in each account and region, a line each; none where there is but one."""
    listed = run.about().get("totals", ()) if run.about is not None else ()
    for each in listed if len(listed) > 1 else ():
        counts = ((each["fail"], "failed"), (each["unknown"], "unknown"), (each["waived"], "waived"))
        found = ", ".join(f"{number:,} {word}" for number, word in counts if number) or "nothing found"
        gaps = f"; {count(each['gaps'], 'gap')}" if each["gaps"] else ""
        yield (
            f"{each['account']} {each['region']}: {found}, {each['passed']:,} passed "
            f"on {count(each['resources'], 'resource')}{gaps}"
        )


def _value(value: Any) -> str:
    return _listed(map(str, value), _MOST) or "none" if isinstance(value, list | tuple) else str(value)
