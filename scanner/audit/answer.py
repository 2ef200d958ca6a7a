"""What AWS answers: its members, as expressions find them and as CloudFormation spells them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any


def told(expression: str | None, record: Any) -> Any:
    """What a JMESPath expression finds, None where that is nothing."""
    if expression is None:
        return None
    if expression.isidentifier():
        return record.get(expression) if isinstance(record, Mapping) else None
    return _compiled(expression).search(record)


@cache
def _compiled(expression: str) -> Any:
    import jmespath  # type: ignore[import-untyped] # it has no stubs

    return jmespath.compile(expression)


def pascal(node: Any) -> Any:
    """An answer, with members that begin with capitals."""
    if isinstance(node, dict):
        return {name[:1].upper() + name[1:]: pascal(value) for name, value in node.items()}
    return [pascal(value) for value in node] if isinstance(node, list) else node
