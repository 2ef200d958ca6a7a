"""The rules of a source checkout, compiled when they have changed: what `__pycache__` is to modules."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))
_CACHE = os.path.join(_HERE, "__pycache__", "rules.json")


def load() -> dict[str, Any]:
    """The compiled catalog of `rules/` beside the package; raises SmguardError if it is broken."""
    signature = _sign(os.path.join(os.path.dirname(_HERE), "rules"))
    cached = _read()
    if cached is not None and cached.get("signature") == signature:
        found: dict[str, Any] = cached["catalog"]
        return found
    from scanner import rulepack

    compiled = rulepack.compile(rulepack.source_directory())
    _write({"signature": signature, "catalog": compiled})
    return compiled


def _sign(directory: str) -> list[list[Any]]:
    """Name, size and time of every file that the compiled catalog may depend on."""
    paths = [
        each.path
        for folder in (_HERE, os.path.join(_HERE, "template"))
        for each in os.scandir(folder)
        if each.name.endswith(".py")
    ]
    for top in (directory, os.path.join(os.path.dirname(directory), "policies")):
        for folder, _, names in os.walk(top):
            paths += [path for name in names if os.path.isfile(path := os.path.join(folder, name))]
    found = ((path, os.stat(path)) for path in sorted(paths))
    return [[path, status.st_size, status.st_mtime_ns] for path, status in found]


def _read() -> Any:
    try:
        with open(_CACHE, "rb") as stream:
            return json.loads(stream.read())
    except (OSError, ValueError):
        return None


def _write(content: Any) -> None:
    """Without a place to write to, every run compiles anew."""
    if sys.dont_write_bytecode:
        return
    temporary = f"{_CACHE}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(_CACHE), exist_ok=True)
        with open(temporary, "w", encoding="utf-8") as stream:
            json.dump(content, stream)
        os.replace(temporary, _CACHE)
    except OSError:
        return
