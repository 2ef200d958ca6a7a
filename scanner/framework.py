"""Frameworks, and which source maps a control to which of their requirements: `rules/_frameworks.yaml`."""

import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from scanner import catalog
from scanner.folder import read_yaml
from scanner.model import Control

FILE, OURS, OWN_IDS = "_frameworks.yaml", "ours", "smguard"
FIELDS = ("frameworks", "sources", "mappings")
_NIST = re.compile(r"[A-Z]{2}-\d+(\(\d+\))?")


class Mapped(NamedTuple):
    """That a control is about a requirement."""

    framework: str
    requirement: str
    source: str
    """Who says so: one of `sources`, or "ours" for what only the control's own file says."""
    kind: str = ""
    """The one type that it is about, where the requirement is another tool's check of that type."""


def read(directory: str) -> dict[str, Any]:
    """{frameworks, sources, mappings} of a rule folder; empty without the file. Raises SmguardError."""
    path = os.path.join(directory, FILE)
    found: dict[str, Any] = read_yaml(path) if os.path.isfile(path) else {field: {} for field in FIELDS}
    return found


def known(told: Mapping[str, Any] = MappingProxyType({})) -> Mapping[str, Any]:
    """What is known of frameworks here, as `read` gives it, with what a catalog's own folders have `told`."""
    return joined(_installed(), told) if told else _installed()


@cache
def _installed() -> Mapping[str, Any]:
    found: Mapping[str, Any] | None = catalog.data("frameworks.json")
    if found is None:
        from scanner.rulepack import source_directory

        found = read(source_directory())
    return found


def joined(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of frameworks, with what a rule folder adds."""
    return {field: {**base[field], **own[field]} for field in FIELDS}


def faults(own: Mapping[str, Any], base: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """What of a rule folder does not go with what is told already; trails of keys and what is wrong."""
    for field in ("frameworks", "sources"):
        for name in own[field].keys() & base[field].keys():
            yield (field, name), "is defined by the built-in catalog"
    for source, by_id in own["mappings"].items():
        if source not in own["sources"]:
            yield ("mappings", source), "is none of the sources of this file"
        for foreign, by_framework in by_id.items():
            for name in by_framework.keys() - base["frameworks"].keys() - own["frameworks"].keys():
                yield ("mappings", source, foreign, name), "is no framework that is known"


def complete(control: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """A compiled control with what others state for its ids in `frameworks`; `ours` is what none does."""
    names = _names(control["id"], control["aka"], control["resources"])
    whole: dict[str, dict[str, bool]] = {}
    for each in _mapped(names, control["frameworks"], told):
        stated = whole.setdefault(each.framework, {})
        stated[each.requirement] = stated.get(each.requirement, False) or each.source != OURS
    return {
        "frameworks": {name: list(listed) for name, listed in whole.items()},
        "ours": {
            name: own
            for name, listed in whole.items()
            if (own := [each for each, stated in listed.items() if not stated])
        },
    }


def shown(control: Control) -> dict[str, list[str]]:
    """Framework -> requirements that a control is about; then, marked so, those that no source states."""
    stated = {
        name: [each for each in ids(listed) if each not in control.ours.get(name, ())]
        for name, listed in control.frameworks.items()
    }
    marked = {f"{name} ({OURS})": ids(listed) for name, listed in control.ours.items()}
    return {name: listed for name, listed in {**stated, **marked}.items() if listed}


def mapped(control: Control, told: Mapping[str, Any]) -> list[Mapped]:
    """Every requirement that a control is about, once for each source that says so."""
    names = _names(control.id, control.aka, control.resources)
    found = list(dict.fromkeys(_mapped(names, control.ours, told)))
    stated = {each[:2] for each in found if each.source != OURS}
    found = [each for each in found if each.source != OURS or each[:2] not in stated]
    for name, entry in told["frameworks"].items():
        if tool := entry.get("by"):
            by_type = {
                "": control.aka,
                **{kind: rule.get("aka", {}) for kind, rule in control.resources.items()},
            }
            stands = [(each, kind) for kind, aka in by_type.items() for each in ids(aka.get(tool, ()))]
            found += [
                Mapped(name, each, tool, kind) for each, kind in stands if each in entry["requirements"]
            ]
    return found


def _mapped(names: Mapping[str, list[str]], own: Mapping[str, Any], told: Any) -> Iterator[Mapped]:
    for each in _direct(names, own, told):
        yield each
        for name, entry in told["frameworks"].items():
            base = enhancement(each.requirement)
            if entry.get("of") == each.framework and base in entry["baseline"]:
                yield Mapped(name, str(base), each.source)


def _direct(names: Mapping[str, list[str]], own: Mapping[str, Any], told: Any) -> Iterator[Mapped]:
    for source, by_id in told["mappings"].items():
        for foreign in names.get(told["sources"].get(source, {}).get("ids", source), ()):
            for framework, listed in by_id.get(foreign, {}).items():
                yield from (Mapped(framework, each, source) for each in listed)
    for framework, listed in own.items():
        yield from (Mapped(framework, each, OURS) for each in ids(listed))


def enhancement(requirement: str) -> str | None:
    """The control of NIST SP 800-53 that a requirement is, or is a part of: SC-7(9) for SC-7(9)(a)."""
    found = _NIST.match(requirement)
    return found[0] if found else None


def _names(control: str, aka: Mapping[str, Any], resources: Mapping[str, Any]) -> dict[str, list[str]]:
    return {**foreign_names(aka, resources), OWN_IDS: [control]}


def foreign_names(aka: Mapping[str, Any], resources: Mapping[str, Any]) -> dict[str, list[str]]:
    """The ids that other tools give to what a control asks for: tool -> ids, each once."""
    names: dict[str, list[str]] = {}
    for each in (aka, *(rule.get("aka", {}) for rule in resources.values())):
        for tool, listed in each.items():
            known_ids = names.setdefault(tool, [])
            known_ids += [it for it in ids(listed) if it not in known_ids]
    return dict(sorted(names.items()))


def ids(value: Any) -> list[str]:
    """The texts in a value of `aka` or `frameworks`, however it is nested."""
    if isinstance(value, Mapping):
        return [each for inner in value.values() for each in ids(inner)]
    return [str(each) for each in value] if isinstance(value, (list, tuple)) else [str(value)]
