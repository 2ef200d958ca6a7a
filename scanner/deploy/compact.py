"""What travels with a function: what its controls look at, and what is said of it there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scanner.folder import read_data
from scanner.joint import is_scoped
from scanner.schema import named_in, reached

_UNTOLD: Mapping[str, Any] = {"title": "", "rationale": "", "frameworks": {}, "ours": {}, "prevent": []}
"""What no evaluation and no answer tells, as a control that has none of it."""
_UNUSED = ("fix", "not-prevented", "over-prevented")


def compact_catalog(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The compiled catalog without controls that are no rules, and without what no function tells.

    Controls of which nothing is left keep their names, for users may name them.
    """
    unruled = read_data("config_rules", "_deployment.yaml")["unruled"]
    controls = [
        {
            **{name: value for name, value in body.items() if name not in _UNUSED},
            **_UNTOLD,
            "resources": {} if body["id"] in unruled else dict(body["resources"]),
        }
        for body in raw["controls"]
    ]
    judged = {type_name for body in controls for type_name in body["resources"]}
    scoped = {name for name, entry in raw["types"].items() if is_scoped(entry)}
    shapes = {
        name: raw["shapes"][name] for name in sorted({*named_in(controls, "shape")} & raw["shapes"].keys())
    }
    return {
        **raw,
        "controls": controls,
        "shapes": shapes,
        "values": reached(raw["values"], named_in([controls, shapes], "$ref")),
        "kinds": {name: tree for name, tree in raw["kinds"].items() if name in judged | scoped},
        "template-parameters": {},
    }


def compact_kinds(raw: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of all types that name what other services have, as those say that they are called."""
    called = re.compile("|".join(each["called"] for each in live.values() if "called" in each))
    kept = {name: _called(tree, called) for name, tree in raw["kinds"].items() if name in live}
    return {"kinds": {name: tree for name, tree in kept.items() if tree}}


def _called(kind: Any, called: re.Pattern[str], name: str = "") -> Any:
    """What is left of a tree of kinds, None if nothing is."""
    if isinstance(kind, dict):
        found = {each: left for each, it in kind.items() if (left := _called(it, called, each)) is not None}
        return found or None
    if isinstance(kind, list):
        left = _called(kind[0], called, name)
        return None if left is None else [left]
    return kind if called.fullmatch(name) else None
