"""Dynamic references: text that CloudFormation fills in at deployment."""

from __future__ import annotations

import re
from collections.abc import Iterator

from scanner.value import Opaque, Part, Partial, assemble, unknown

_DYNAMIC = r"\{\{resolve:([a-z-]+):[^{}]*\}\}"
_HOLE = "\0"
"""Stands for an unknown part while a text is searched."""


def with_dynamic_references(text: str | Partial) -> str | Partial:
    """`{{resolve:service:…}}` is filled in at deployment: present, not known, whatever stands inside."""
    parts = text.parts if isinstance(text, Partial) else (text,)
    if not any(isinstance(part, str) and "{{resolve:" in part for part in parts):
        return text
    hidden = [part for part in parts if not isinstance(part, str)]
    flat = "".join(part if isinstance(part, str) else _HOLE for part in parts)
    if flat.count(_HOLE) != len(hidden):
        return unknown("text with control characters")
    rest = iter(hidden)
    filled: list[Part] = []
    end = 0
    for match in re.finditer(_DYNAMIC, flat):
        filled += _refill(flat[end : match.start()], rest)
        same = ("reference", "", assemble(_refill(match[0], rest)))
        filled.append(Opaque(f"a dynamic reference to {match[1]}", filled=True, same=same))
        end = match.end()
    return assemble(filled + _refill(flat[end:], rest))


def _refill(text: str, hidden: Iterator[Part]) -> list[Part]:
    """Put the unknown parts back into the holes of a text."""
    first, *others = text.split(_HOLE)
    parts: list[Part] = [first]
    for other in others:
        parts += [next(hidden), other]
    return parts
