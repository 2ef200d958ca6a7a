"""What of the controls one resource by itself settles: for Config rules, the hook, the guard and policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scanner.catalog import Catalog, with_controls
from scanner.compiled import OnUse
from scanner.joint import is_joined, is_scoped
from scanner.model import Control


def alone(catalog: Catalog) -> Catalog:
    """What a resource can be judged by where no other is in sight: no place that looks at others.

    Nor is anything said of types that are judged only where they belong to an environment. Controls of which
    nothing is left keep their names.
    """
    return with_controls(catalog, tuple(_alone(control, catalog) for control in catalog.controls))


def _alone(control: Control, catalog: Catalog) -> Control:
    """Parameters, which take time to fill in, have no say in where a control looks."""
    names = [kind for kind, _ in left(control.written or control.resources, catalog)]
    return control._replace(resources=OnUse(names, lambda kind: _own(control.resources[kind], catalog)))


def alone_of(catalog: Catalog, kind: str) -> tuple[Control, ...]:
    """The controls in force that settle something of a type alone, each with what is left of it there."""
    asking = ((control, control.resources[kind]) for control in catalog.by_type.get(kind, ()))
    found = ((control, dict(left({kind: rule}, catalog))) for control, rule in asking)
    return tuple(control._replace(resources=own) for control, own in found if own)


def together(control: Control, kind: str, catalog: Catalog) -> bool:
    """Does a control look at other resources where it judges a type, or ask whether it belongs somewhere?"""
    places = control.resources[kind].get("places", ())
    scoped = is_scoped(catalog.types.get(kind))
    return scoped or any(is_joined(it, catalog.shapes) for it in places)


def left(resources: Mapping[str, Any], catalog: Catalog) -> Iterator[tuple[str, Any]]:
    """What is left of what a control asks of each type."""
    for kind, rule in resources.items():
        if not is_scoped(catalog.types.get(kind)):
            own = _own(rule, catalog)
            if "places" in own or "judged-at" in own:
                yield kind, own


def _own(rule: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    places = [it for it in rule.get("places", ()) if not is_joined(it, catalog.shapes)]
    return {**rule, "places": places} if places else {name: rule[name] for name in rule if name != "places"}
