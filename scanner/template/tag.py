"""What YAML tags mean in a template: short intrinsics, and YAML's own tags."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scanner.template.scalar import boolean, floating, integer

_FUNCTIONS = """
    And Base64 Cidr Contains EachMemberEquals EachMemberIn Equals FindInMap ForEach GetAZs GetAtt
    GetStackOutput If ImportValue Join Length Not Or RefAll Select Split Sub ToJsonString Transform
    ValueOf ValueOfAll
"""
INTRINSICS = {
    "!Ref": "Ref",
    "!Condition": "Condition",
    **{f"!{each}": f"Fn::{each}" for each in _FUNCTIONS.split()},
}
"""Tag -> key of the long form."""

STANDARD = "tag:yaml.org,2002:"
"""What `!!` stands for."""

_SCALARS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int": integer,
    "float": floating,
    "bool": boolean,
    "null": lambda text: None,
}
_CONTAINERS: dict[str, type] = {"map": dict, "seq": list}


def convert(name: str, value: Any) -> Any:
    """A text, dict or list under the tag `!!name`; raises KeyError if unknown, ValueError if it can't be."""
    if name in _CONTAINERS:
        if not isinstance(value, _CONTAINERS[name]):
            raise ValueError(name)
        return value
    read = _SCALARS[name]
    if not isinstance(value, str):
        raise ValueError(name)
    try:
        return read(value)
    except (KeyError, OverflowError):
        raise ValueError(name) from None
