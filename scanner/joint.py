"""Joints: how a resource's properties lead to other resources, `X@` and `@Name` in a path.

In a tree of kinds they stand beside the properties, where `joined` puts them: {"VpcId@": {"types": [what it
names]}, "@FlowLogs": {"from": type, "by": path, …}}. Standard library only.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

OWNER = "@"
"""Key of an `Owner` in the properties of a resource that others may name. No text holds such a value."""


class Owner(NamedTuple):
    """Whose properties a mapping holds, and the kind of them; `home` is what the view finds it by."""

    type: str
    name: str
    kind: Any
    home: Any = None


def references(entry: Mapping[str, Any] | None) -> dict[str, list[str]]:
    """Path -> types that it names, of a type's entry: what it refers to and where else it is judged."""
    entry = entry or {}
    return {**entry.get("judged-at", {}), **entry.get("refers", {})}


def judged_at(types: Mapping[str, Any], name: str) -> set[str]:
    """The types that a type may name and at which a setting is judged instead."""
    entry = types.get(name) or {}
    return {target for targets in entry.get("judged-at", {}).values() for target in targets}


def joined(kinds: Mapping[str, Any], types: Mapping[str, Any]) -> dict[str, Any]:
    """The kinds with the joints of all types in them."""
    trees = dict(kinds)
    for name, entry in types.items():
        found = references(entry)
        gathered = (entry or {}).get("gathers", {})
        if name in trees and (found or gathered):
            tree = dict(trees[name])
            for path, named in found.items():
                _put(tree, path.split("."), {"types": named})
            trees[name] = {**tree, **{f"@{each}": body for each, body in gathered.items()}}
    return trees


def _put(tree: dict[str, Any], steps: list[str], joint: Any) -> None:
    """Add a joint beside the property that a path leads to; a path that leads nowhere adds none."""
    for step in steps[:-1]:
        name = step.removesuffix("[]")
        below: Any = tree.get(name)
        listed = isinstance(below, list)
        inner = below[0] if listed else below
        if not isinstance(inner, dict):
            return
        inner = dict(inner)
        tree[name] = [inner, *below[1:]] if listed else inner
        tree = inner
    tree[steps[-1].removesuffix("[]") + "@"] = joint


def looks(types: Mapping[str, Any], kind: str, path: str) -> Iterator[tuple[str, str]]:
    """(type, top-level property or joint) of all that following a path of a type looks at.

    The paths by which others name a resource are among it.
    """
    here, trail = [kind], list[str]()
    for step in path.split(".") if path else ():
        name = step.removesuffix("?")
        bare = name.strip("@").removesuffix("[]")
        if name[0] == "@":
            yield from ((each, f"@{bare}") for each in here)
            found = [(types.get(each) or {}).get("gathers", {}) for each in here]
            bodies = [gathers[bare] for gathers in found if bare in gathers]
            for body in bodies:
                for by in (body.get("by"), *body.get("except", ())):
                    yield from looks(types, body["from"], by or "")
            here, trail = [body["from"] for body in bodies], []
            continue
        trail.append(name)
        if len(trail) == 1:
            yield from ((each, bare) for each in here)
        if name[-1] == "@":
            if len(trail) == 1:
                yield from ((each, f"{bare}@") for each in here)
            spelled = ".".join(trail)[:-1]
            here = [target for each in here for target in references(types.get(each)).get(spelled, ())]
            trail = []


def names_in(text: str) -> tuple[str, ...]:
    """The names that a literal reference may mean: a name, the end of an ARN, the bucket of a URI."""
    if text.startswith("s3://"):
        return (text[5:].partition("/")[0],)
    if not text.startswith("arn:"):
        return (text,)
    rest = text.split(":", 5)[-1]
    if ":s3:" in text:
        return (rest.partition("/")[0],)
    return tuple(
        dict.fromkeys((text, rest, rest.partition("/")[2], rest.rpartition("/")[2], rest.rpartition(":")[2]))
    )


def part_of(text: str) -> str:
    """What of a bucket a text names that leads there: a prefix, "" for all of it."""
    return text.rpartition(":::")[2].partition("/")[2]


def is_scoped(entry: Mapping[str, Any] | None) -> bool:
    """Is a type judged only where it belongs to an ML environment? `entry` is what `types` says of it."""
    return (entry or {}).get("scope") == "environment"


def shaped(place: Mapping[str, Any], shapes: Mapping[str, Any]) -> dict[str, Any]:
    """A place with the lines of its shape, if it has one; its own come first."""
    return {**shapes.get(place.get("shape", ""), {}), **place}


def is_joined(place: Mapping[str, Any], shapes: Mapping[str, Any]) -> bool:
    """Does a place look at other resources?"""
    lines = shaped(place, shapes)
    return "@" in place.get("at", "") or any(
        "@" in path for field in ("when", "unless", "unsure", "requires") for path in lines.get(field) or ()
    )
