"""Controls against policies: which statement stops what a control finds, and what neither side says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from scanner.alone import together
from scanner.catalog import Catalog
from scanner.deploy.rule import rules
from scanner.model import Control
from scanner.policy import pack

_JOINED = "other resources decide, which no request shows"


class Cell(NamedTuple):
    """Where one type of one control is judged or stopped."""

    control: str
    type: str
    template: bool
    live: bool
    config: str
    """change, periodic (a rule reads what AWS Config doesn't record), or none: only an audit can tell."""
    scp: tuple[str, ...]
    """The statements that stop it: scp/<file>.json#Sid."""
    why_not: tuple[str, ...]
    """What the statements let through, or why there is none."""
    why_more: tuple[str, ...]
    """What they stop besides."""


def matrix(catalog: Catalog) -> Iterator[Cell]:
    """Every control in force and every type it judges where it stands."""
    surfaces = pack.surfaces()
    stops = _actions_by_statement(pack.entries())
    told = {
        (rule.control.id, kind): how
        for rule in rules(catalog)
        for how, kinds in (("change", rule.changes), ("periodic", rule.scheduled))
        for kind in kinds
    }
    for control in catalog.controls:
        for kind, rule in control.resources.items():
            if control.retired or not rule.get("places"):
                continue  # judged at the resource that is named
            entry = catalog.types.get(kind, {})
            asked = _actions(entry)
            scp = tuple(name for name in control.prevent if asked & stops.get(name, frozenset()))
            yield Cell(
                control=control.id,
                type=kind,
                template=kind not in surfaces["no-template"],
                live=bool(asked) or "create" not in entry,
                config=told.get((control.id, kind), "none"),
                scp=scp,
                why_not=_reasons(control.not_prevented, kind, wild=not scp)
                or (_JOINED,) * together(control, kind, catalog),
                why_more=_reasons(control.over_prevented, kind, wild=True),
            )


def faults(catalog: Catalog) -> Iterator[str]:
    """Where controls and policies don't name each other, or leave out why."""
    entries = pack.entries()
    known = _actions_by_statement(entries)
    named = {name for control in catalog.controls for name in control.prevent}
    for control in catalog.controls:
        for name in control.prevent:
            if name not in known:
                yield f"{control.id}: prevent names {name}, and there is no such statement"
            elif not known[name] & {
                each for kind in _judged(control) for each in _actions(catalog.types[kind])
            }:
                yield f"{control.id}: prevent names {name}, which stops no type that the control judges"
    for entry in entries:
        for statement in entry.statements if entry.kind == "scp" and not entry.alone else ():
            name = f"{entry.path}#{statement['Sid']}"
            if name not in named:
                yield f"policies/{name}: no control names this statement in its prevent"
    for cell in matrix(catalog):
        if not cell.scp and not cell.why_not:
            yield f"{cell.control}: no statement stops {cell.type}, and not-prevented doesn't say why"


def _judged(control: Control) -> list[str]:
    return [kind for kind, rule in control.resources.items() if rule.get("places")]


def _actions(entry: Mapping[str, Any]) -> frozenset[str]:
    """The requests that make or change a resource of a type."""
    create = entry.get("create", "")
    return frozenset({create, create.replace("Create", "Update", 1)} - {""})


def _actions_by_statement(entries: Iterable[pack.Entry]) -> dict[str, frozenset[str]]:
    return {
        f"{entry.path}#{statement['Sid']}": frozenset(each.rpartition(":")[2] for each in statement["Action"])
        for entry in entries
        for statement in entry.statements
        if entry.kind == "scp"
    }


def _reasons(listed: Iterable[Mapping[str, Any]], kind: str, *, wild: bool) -> tuple[str, ...]:
    own = tuple(each["why"] for each in listed if kind in each["types"])
    return own or tuple(each["why"] for each in listed if wild and "*" in each["types"])
