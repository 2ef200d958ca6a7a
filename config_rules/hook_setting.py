"""What the hook is told by its environment: which controls fail, and which excuses count.

Variables of the function, all optional; an empty one is as good as none, an unknown one is an error:

- `SMGUARD_HOOK_FAIL_ON`: low (the default), medium, high, critical or never: least severity that fails
- `SMGUARD_HOOK_FAIL`, `SMGUARD_HOOK_WARN`: ids of controls that fail, or only warn, whatever their severity
- `SMGUARD_HOOK_IGNORE`: ids of controls that are not judged
- `SMGUARD_HOOK_UNKNOWN`: warn (the default) or fail: what becomes of a verdict that is not known
- `SMGUARD_HOOK_INLINE_WAIVERS`: true or false (the default): whether waivers in a template's Metadata count
- `SMGUARD_HOOK_WAIVERS`: waivers as JSON, [{"control", "resource", "reason", "expires", "owner"?, "ticket"?}]
- `SMGUARD_HOOK_PARAMETERS`: parameters of controls as JSON, {"control": {"parameter": value}}

Lists are separated by commas; a waiver's resource is a logical id, as a glob.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from scanner import catalog
from scanner.alone import alone_of
from scanner.catalog import Catalog, demand_known
from scanner.compiled import OnUse
from scanner.engine import Engine
from scanner.model import Control, Severity, SmguardError
from scanner.requirement import parameter_fault

if TYPE_CHECKING:
    from scanner.waiver import Waivers

_PREFIX = "SMGUARD_HOOK_"
_NAMES = ("FAIL_ON", "FAIL", "WARN", "IGNORE", "UNKNOWN", "INLINE_WAIVERS", "WAIVERS", "PARAMETERS")
_HINT = "correct the variables of the function"


class Setting(NamedTuple):
    """How this hook judges."""

    catalog: Catalog
    engine: Engine
    controls: Mapping[str, tuple[Control, ...]]
    """By the types they judge."""
    alone: Engine
    """That of what a resource alone tells: of places that look at others it knows nothing."""
    single: Mapping[str, tuple[Control, ...]]
    """The controls of that; of some types None."""
    firm: frozenset[str]
    """Ids of the controls that fail; the others only warn."""
    unknown_fails: bool
    inline_waivers: bool
    waivers: Waivers | None


def read_setting(environment: Mapping[str, str], today: date) -> Setting:
    """The setting of an environment; raises SmguardError for what is not understood."""
    given = {
        name.removeprefix(_PREFIX): text for name, text in environment.items() if name.startswith(_PREFIX)
    }
    return _setting(
        tuple(sorted((name, text.strip()) for name, text in given.items() if text.strip())), today
    )


@lru_cache(maxsize=2)
def _setting(given: tuple[tuple[str, str], ...], today: date) -> Setting:
    """Kept, since a function is invoked many times."""
    words = dict(given)
    demand_known("variable", (_PREFIX + name for name in words), (_PREFIX + name for name in _NAMES))
    chosen = catalog.load(_parameters(words) if "PARAMETERS" in words else {})
    failing, warning, ignored = (_listed(words, name, chosen) for name in ("FAIL", "WARN", "IGNORE"))
    if failing & warning:
        both = ", ".join(sorted(failing & warning))
        raise SmguardError(f"{_PREFIX}FAIL and {_PREFIX}WARN both name {both}", _HINT)
    least = _word(words, "FAIL_ON", (*(it.label for it in Severity), "never"), "low")
    firm = failing | {
        it.id
        for it in chosen.controls
        if least != "never" and it.severity >= Severity.parse(least) and it.id not in warning
    }
    left = {kind: tuple(it for it in those if it.id not in ignored) for kind, those in chosen.by_type.items()}
    waivers = None
    if "WAIVERS" in words:
        from scanner.waiver import read_listed

        listed = _read_json(words, "WAIVERS")
        if not isinstance(listed, list):
            raise SmguardError(f"{_PREFIX}WAIVERS is no JSON list", _HINT)
        waivers = read_listed(listed, f"{_PREFIX}WAIVERS", chosen.by_id, today)
    return Setting(
        catalog=chosen,
        engine=Engine(chosen, run="event"),
        controls={kind: those for kind, those in left.items() if those},
        alone=Engine(chosen, run="event"),
        single=OnUse(
            chosen.by_type,
            lambda kind: tuple(it for it in alone_of(chosen, kind) if it.id not in ignored) or None,
        ),
        firm=frozenset(firm),
        unknown_fails=_word(words, "UNKNOWN", ("warn", "fail"), "warn") == "fail",
        inline_waivers=_word(words, "INLINE_WAIVERS", ("true", "false"), "false") == "true",
        waivers=waivers,
    )


def _word(words: Mapping[str, str], name: str, known: tuple[str, ...], default: str) -> str:
    word = words.get(name, default).lower()
    demand_known(f"value of {_PREFIX}{name}", (word,), known)
    return word


def _listed(words: Mapping[str, str], name: str, chosen: Catalog) -> set[str]:
    named = {word.strip() for word in words.get(name, "").split(",") if word.strip()}
    demand_known(f"control in {_PREFIX}{name}", named, chosen.by_id)
    return named


def _read_json(words: Mapping[str, str], name: str) -> Any:
    try:
        return json.loads(words[name])
    except (ValueError, RecursionError):
        return None


def _parameters(words: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    where, given = f"{_PREFIX}PARAMETERS", _read_json(words, "PARAMETERS")
    if not isinstance(given, dict) or not all(isinstance(values, dict) for values in given.values()):
        raise SmguardError(f'{where} is no JSON of the form {{"control": {{"parameter": value}}}}', _HINT)
    by_id = catalog.load().by_id
    demand_known(f"control in {where}", given, by_id)
    for control, values in given.items():
        declared = by_id[control].parameters or {}
        demand_known(f"parameter of {control} in {where}", values, declared)
        for name, value in values.items():
            if fault := parameter_fault(declared[name], value):
                raise SmguardError(f"{name} of {control} in {where} {fault}", _HINT)
    return given
