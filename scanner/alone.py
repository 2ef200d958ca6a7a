"""What of the controls one resource by itself settles: for Config rules, the hook, the guard and policies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scanner.catalog import Catalog, with_controls
from scanner.joint import is_joined


def alone(catalog: Catalog) -> Catalog:
    """What a resource can be judged by where no other is in sight: no place that looks at others.

    Nor is anything said of types that are judged only where they belong to an environment. Controls of which
    nothing is left keep their names.
    """
    controls = tuple(
        control._replace(resources=dict(left(control.resources, catalog))) for control in catalog.controls
    )
    return with_controls(catalog, controls)


def left(resources: Mapping[str, Any], catalog: Catalog) -> Iterator[tuple[str, Any]]:
    """What is left of what a control asks of each type."""
    for kind, rule in resources.items():
        if (catalog.types.get(kind) or {}).get("scope") == "environment":
            continue
        places = [it for it in rule.get("places", ()) if not is_joined(it, catalog.shapes)]
        own = (
            {**rule, "places": places} if places else {name: rule[name] for name in rule if name != "places"}
        )
        if "places" in own or "judged-at" in own:
            yield kind, own
