"""What travels with a function: what a resource alone is judged by, and what is said of it there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scanner import catalog
from scanner.alone import left
from scanner.folder import read_data

_UNTOLD: Mapping[str, Any] = {"rationale": "", "frameworks": {}, "ours": {}, "prevent": []}
"""What no evaluation and no answer tells, as a control that has none of it."""
_UNUSED = ("fix", "not-prevented", "over-prevented")
_JOINING = ("refers", "gathers", "belongs-with")


def compact_catalog(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The compiled catalog without places that look at other resources, and without what only those need.

    Controls of which nothing is left keep their names, for users may name them.
    """
    whole = catalog.build(raw)
    unruled = read_data("config_rules", "_deployment.yaml")["unruled"]
    controls = [
        {
            **{name: value for name, value in body.items() if name not in _UNUSED},
            **_UNTOLD,
            "resources": {} if body["id"] in unruled else dict(left(body["resources"], whole)),
        }
        for body in raw["controls"]
    ]
    judged = {type_name for body in controls for type_name in body["resources"]}
    shapes = {
        name: raw["shapes"][name] for name in sorted({*_named(controls, "shape")} & raw["shapes"].keys())
    }
    return {
        **raw,
        "controls": controls,
        "shapes": shapes,
        "values": _reached(raw["values"], [controls, shapes]),
        "types": {
            name: {field: value for field, value in entry.items() if field not in _JOINING}
            for name, entry in raw["types"].items()
            if entry.get("scope") != "environment"
        },
        "kinds": {name: _unjoined(tree) for name, tree in raw["kinds"].items() if name in judged},
        "template-parameters": {},
    }


def compact_live(raw: Mapping[str, Any]) -> dict[str, Any]:
    """How types are read, without those of other services, which only joints lead to."""
    return {name: live for name, live in raw.items() if "reads" not in live}


def _named(node: Any, keyword: str) -> Iterator[str]:
    """The texts at a keyword, anywhere below a node."""
    if isinstance(node, dict):
        if isinstance(node.get(keyword), str):
            yield node[keyword]
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from _named(each, keyword)


def _reached(values: Mapping[str, Any], node: Any) -> dict[str, Any]:
    """The named requirements that are used below a node, and those that they use."""
    found: dict[str, Any] = {}
    waiting = [*_named(node, "$ref")]
    while waiting:
        name = waiting.pop()
        if name in values and name not in found:
            found[name] = values[name]
            waiting += _named(values[name], "$ref")
    return dict(sorted(found.items()))


def _unjoined(kind: Any) -> Any:
    if isinstance(kind, dict):
        return {name: _unjoined(below) for name, below in kind.items() if "@" not in name}
    return [_unjoined(each) for each in kind] if isinstance(kind, list) else kind
