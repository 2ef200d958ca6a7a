"""The compiled catalog: one JSON list, the first line what every run needs, then a line for each type.

The kinds of a type's properties and the rules of its controls are most of the catalog and few runs meet many
types: their lines are parsed when the type is first asked for. Standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

_UNMADE: Any = object()


class OnUse(Mapping[str, Any]):
    """A mapping whose values are made when they are first asked for."""

    __slots__ = ("_made", "_make")

    def __init__(self, names: Iterable[str], make: Callable[[str], Any]) -> None:
        self._made = dict.fromkeys(names, _UNMADE)
        self._make = make

    def __getitem__(self, name: str) -> Any:
        value = self._made[name]
        if value is _UNMADE:
            value = self._made[name] = self._make(name)
        return value

    def __contains__(self, name: object) -> bool:
        return name in self._made

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return dict, (dict(self),)  # what makes the values is this process's own


def pack(raw: Mapping[str, Any]) -> str:
    """The text of a catalog, from what `rulepack.compile` gives."""
    rules: dict[str, dict[str, Any]] = {}
    for control in raw["controls"]:
        for kind, rule in control["resources"].items():
            rules.setdefault(kind, {})[control["id"]] = rule
    controls = [{**control, "resources": list(control["resources"])} for control in raw["controls"]]
    head = {**raw, "controls": controls, "kinds": list(raw["kinds"]), "rules": list(rules)}
    lines = (head, *raw["kinds"].values(), *rules.values())
    return "[" + ",\n".join(map(dense, lines)) + "]"


def dense(content: Any) -> str:
    """JSON without a space that need not be there."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def lines_of(text: bytes) -> list[bytes]:
    """The items of a packed catalog, each JSON; no other line ends with a comma."""
    return text.strip()[1:-1].split(b",\n")


def unpack(lines: Sequence[Any], parse: Callable[[Any], Any] = lambda line: line) -> dict[str, Any]:
    """What was packed, all but the head `parse`d on use. Raises ValueError, LookupError if it is damaged."""
    head = parse(lines[0])
    kinds = dict(zip(head["kinds"], lines[1:], strict=False))
    rules = dict(zip(head.pop("rules"), lines[1 + len(kinds) :], strict=True))
    of_type = OnUse(rules, lambda kind: parse(rules[kind]))

    def resources(control: Mapping[str, Any]) -> OnUse:
        return OnUse(control["resources"], lambda kind: of_type[kind][control["id"]])

    return {
        **head,
        "controls": [{**control, "resources": resources(control)} for control in head["controls"]],
        "kinds": OnUse(kinds, lambda kind: parse(kinds[kind])),
    }
