"""What a fix changes, as data: a patch mirrors the template down to the values that it sets."""

from __future__ import annotations

from typing import Any, NamedTuple

from scanner.template.document import Either

Patch = dict[Any, Any]
"""Keys of mappings and indexes of lists, down to new values: text, numbers, booleans, lists and `Ref`."""


class Ref(NamedTuple):
    """A reference to a parameter, as a value."""

    name: str


class Unfit(Exception):
    """This can't be mended by an edit; the message says why, to follow the name of what is left."""


def patch_at(steps: tuple[Any, ...], value: Any) -> Patch:
    """The patch that sets one value."""
    patch: Any = value
    for step in reversed(steps):
        patch = {step: patch}
    return dict(patch)


def merge(into: Patch, patch: Patch) -> Patch:
    """Add a patch to another, in place. Raises Unfit where the two set different values."""
    for step, value in patch.items():
        if step not in into:
            into[step] = merge({}, value) if isinstance(value, dict) else value
        elif isinstance(into[step], dict) and isinstance(value, dict):
            merge(into[step], value)
        elif into[step] != value:
            raise Unfit(f"another finding asks for another {step}")
    return into


def leaves(patch: Patch, above: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    """Every value that a patch sets, by its path."""
    found: dict[tuple[Any, ...], Any] = {}
    for step, value in patch.items():
        found.update(leaves(value, (*above, step)) if isinstance(value, dict) else {(*above, step): value})
    return found


def patched(data: Any, patch: Any) -> Any:
    """The data as it is to be after the patch; what the patch doesn't touch is shared."""
    if isinstance(patch, Ref):
        return {"Ref": patch.name}
    if not isinstance(patch, dict):
        return patch
    if isinstance(data, list):
        return [patched(item, patch[index]) if index in patch else item for index, item in enumerate(data)]
    changed = dict(data) if isinstance(data, dict) else {}
    for name, below in patch.items():
        changed[name] = patched(changed.get(name), below)
    return changed


def same(left: Any, right: Any) -> bool:
    """Equality of decoded templates: by type as well, and whatever lines repeated keys stand on."""
    if isinstance(left, Either):
        return isinstance(right, Either) and same(list(left.values), list(right.values))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and (left == right or left != left)
