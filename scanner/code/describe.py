"""Naming expressions of code for people."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any


def describe(node: Any, depth: int = 0) -> str:
    """Name an expression in a few words; no value that it holds is shown."""
    if depth > 6:
        return "…"
    kind = type(node)
    if kind is ast.Name:
        return str(node.id[:60])
    if kind is ast.Attribute:
        before = node.value.id[:60] if type(node.value) is ast.Name else describe(node.value, depth + 1)
        return f"{before}.{node.attr[:60]}"
    if kind is ast.Call:
        inner = ", ".join(map(_plain_words, node.args[:2])) if node.args else "…" if node.keywords else ""
        return f"{describe(node.func, depth + 1)}({inner})"
    if kind is ast.Subscript:
        return f"{describe(node.value, depth + 1)}[{_plain_words(node.slice)}]"
    if kind is ast.UnaryOp and isinstance(node.op, ast.Not):
        return f"not {describe(node.operand, depth + 1)}"
    if kind is ast.Compare and len(node.ops) == 1:
        sign = _SIGNS.get(type(node.ops[0]), "?")
        return f"{describe(node.left, depth + 1)} {sign} {_plain_words(node.comparators[0])}"
    if kind is ast.Await:
        return describe(node.value, depth + 1)
    return "an expression" if depth == 0 else "(…)"


_SIGNS: Mapping[type, str] = {
    ast.Eq: "==", ast.NotEq: "!=", ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
    ast.Lt: "<", ast.Gt: ">", ast.LtE: "<=", ast.GtE: ">=",
}  # fmt: skip


def _plain_words(node: Any) -> str:
    """A key or argument as far as it is a name; texts that could be secrets are left out."""
    if type(node) is ast.Name:
        return str(node.id[:40])
    if type(node) is ast.Constant:
        value = node.value
        if isinstance(value, str):
            return (
                f"'{value}'" if value.replace("_", "").replace("-", "").isalpha() and len(value) < 40 else "…"
            )
        return str(value) if value is None or (isinstance(value, (bool, int)) and abs(value) < 10**9) else "…"
    return "…"
