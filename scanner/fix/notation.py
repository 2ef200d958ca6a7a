"""What rule files say of fixing, checked: `fix` of a control, `template-parameters` of _defs.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scanner.notation import Fault, Names

FIX_FIELDS = {"by-hand", "when-selected", "needs"}
PARAMETER_FIELDS = {"properties", "declares"}


def fix_faults(control: Any) -> Iterator[Fault]:
    """What is wrong with the `fix` of a control's document."""
    fix = control.get("fix") if isinstance(control, dict) else None
    if fix is None:
        return
    if not isinstance(fix, dict):
        yield ("fix",), "must be a mapping"
        return
    yield from ((("fix", str(key)), "unknown field") for key in fix if key not in FIX_FIELDS)
    for field in ("by-hand", "when-selected"):
        if not isinstance(fix.get(field, ""), str):
            yield ("fix", field), "must be text"
    if not _is_texts(fix.get("needs", ["-"])):
        yield ("fix", "needs"), "must be a list of property paths"


def template_parameter_faults(entry: Any, names: Names) -> Iterator[Fault]:
    """What is wrong with one entry of `template-parameters:`."""
    if not isinstance(entry, dict):
        yield (), "must be a mapping"
        return
    yield from (((str(key),), "unknown field") for key in entry if key not in PARAMETER_FIELDS)
    declares = entry.get("declares")
    if not isinstance(declares, dict) or not isinstance(declares.get("Type"), str):
        yield ("declares",), "must be the declaration of a parameter, with a Type"
    if not _is_texts(entry.get("properties")):
        yield ("properties",), "must be a list of property names"


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)
