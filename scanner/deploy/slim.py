"""Modules as Lambda needs them: it compiles them anew in each cold start, types and documentation too."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def slim(source: bytes) -> bytes:
    """The same program without annotations and docstrings, each line where it was, for tracebacks."""
    lines = source.split(b"\n")
    cuts = sorted(_cuts(ast.parse(source), lines), reverse=True)
    for (first, begin), (last, end), left in cuts:
        kept = lines[first][:begin] + left, lines[last][end:]
        # What goes over several lines still does, or the statement would end there.
        lines[first : last + 1] = (b"\\\n" * (last - first)).join(kept).split(b"\n")
    return b"\n".join(lines)


def _cuts(tree: ast.AST, lines: list[bytes]) -> Iterator[tuple[tuple[int, int], tuple[int, int], bytes]]:
    """What is to be cut: from, to (line from 0, byte), and what is left there. No two overlap."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg) and node.annotation is not None:
            start = node.lineno - 1, node.col_offset + len(node.arg.encode())
            yield start, _end(node.annotation), b""
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.returns is not None:
            line, column = node.returns.lineno - 1, node.returns.col_offset
            yield (line, lines[line].rindex(b"->", 0, column)), _end(node.returns), b""
        elif isinstance(node, ast.AnnAssign):
            # Not a text: typing compiles those of a NamedTuple one by one.
            start = node.annotation.lineno - 1, node.annotation.col_offset
            yield start, _end(node.annotation), b"None"
        elif isinstance(node, ast.ImportFrom) and node.module == "__future__":
            yield (node.lineno - 1, node.col_offset), _end(node), b""
        elif isinstance(node, ast.Expr) and isinstance(getattr(node.value, "value", None), str):
            yield (node.lineno - 1, node.col_offset), _end(node), b'""'


def _end(node: ast.expr | ast.stmt) -> tuple[int, int]:
    return (node.end_lineno or node.lineno) - 1, node.end_col_offset or 0
