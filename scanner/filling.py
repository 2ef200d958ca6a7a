"""The parameters of controls, replaced by their values wherever the notation names them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scanner.compiled import OnUse
from scanner.joint import shaped
from scanner.model import Control


def fill(control: Control, given: Mapping[str, Any]) -> Control:
    """A control that has parameters with these values for some; the others keep their defaults."""
    parameters = {
        name: {**it, "value": given[name]} if name in given else it
        for name, it in (control.parameters or {}).items()
    }
    values = {name: it.get("value", it["default"]) for name, it in parameters.items()}
    written = control.written or {}
    resources = OnUse(written, lambda kind: _filled(written[kind], values))
    return control._replace(parameters=parameters, resources=resources)


def spell_out(resources: Mapping[str, Any], shapes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Resources with their shapes written out: a shape's parameters are those of the control that uses it."""

    def spelled(kind: str) -> Any:
        rule = resources[kind]
        if "places" not in rule:
            return rule
        places = [shaped(place, shapes) for place in rule["places"]]
        for place in places:
            place.pop("shape", None)
        return {**rule, "places": places}

    return OnUse(resources, spelled)


def _filled(node: Any, values: Mapping[str, Any]) -> Any:
    """Replace every {"$parameter": name} below a node, and {"$each": name, "as": body} by a body per item.

    A keyword whose list is empty asks nothing; `given` asks whether it is.
    """
    if isinstance(node, dict):
        if len(node) == 1 and "$parameter" in node:
            return values[node["$parameter"]]
        if "$each" in node:
            return [_named(node["as"], str(item)) for item in values[node["$each"]]]
        filled = {key: _filled(below, values) for key, below in node.items()}
        return {
            key: it
            for key, it in filled.items()
            if key == "given"
            or (not (it == [] and type(node[key]) is dict) and not (key == "items" and it == {} != node[key]))
        }
    if isinstance(node, list):
        return [_filled(below, values) for below in node]
    return node


def _named(node: Any, item: str) -> Any:
    """A body with $item replaced in all its texts, in a pattern by what matches it and nothing else."""
    if isinstance(node, dict):
        return {
            key: _named(below, re.escape(item) if key == "pattern" else item) for key, below in node.items()
        }
    if isinstance(node, list):
        return [_named(below, item) for below in node]
    return node.replace("$item", item) if isinstance(node, str) else node
