"""The defaults that the SageMaker SDK takes from its `config.yaml` files, and where requests have them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from scanner.limits import Limits
from scanner.model import SmguardError
from scanner.opening import Candidate, open_text
from scanner.safe_text import inert
from scanner.template.document import ReadError
from scanner.template.reader import read as read_document


def read(paths: tuple[str, ...], limits: Limits) -> Mapping[str, Any]:
    """The defaults of several files, or of `config.yaml` in a folder, merged in order as the SDK does.

    Raises SmguardError for a file that can't be read or is none of the SDK's.
    """
    found: dict[str, Any] = {}
    for path in paths:
        file = os.path.join(path, "config.yaml") if os.path.isdir(path) else path
        hint = "it is a YAML file with SchemaVersion and SageMaker, on this machine"
        try:
            text = open_text(Candidate(file, os.path.realpath(file), ""), limits)
            root = read_document(text or "", limits).root
        except ReadError as error:
            raise SmguardError(
                f"{inert(file)}: the SDK's defaults can't be read: {error.what}", hint
            ) from error
        if not isinstance(root, dict) or not isinstance(root.get("SageMaker", {}), dict):
            raise SmguardError(f"{inert(file)} has no defaults of the SageMaker SDK", hint)
        _merge(found, root.get("SageMaker", {}))
    return found


def _merge(base: dict[str, Any], more: Mapping[str, Any]) -> None:
    for key, value in more.items():
        inner = base.get(key)
        if isinstance(inner, dict) and isinstance(value, dict):
            _merge(inner, value)
        else:
            base[key] = dict(value) if isinstance(value, dict) else value


def defaults(config: Mapping[str, Any], places: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """(property path, value) of what the places in the file hold, which the properties' paths belong to."""
    for place, path in places.items():
        node: Any = config
        for step in place.split("."):
            node = node.get(step) if isinstance(node, dict) else None
        yield from _leaves(node, path)


def _leaves(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}" if path else key)
    elif node is not None:
        yield path, node
