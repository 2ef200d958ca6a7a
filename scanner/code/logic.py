"""Tests, comparisons and what they choose between."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import partial
from typing import Any

from scanner.code.describe import describe
from scanner.code.run import Run
from scanner.code.state import ABSENT, PLAIN, choose, map_choices
from scanner.code.value import Box, Choice, Client, may_be_none, presence, sure
from scanner.value import REST, Partial

Evaluate = Callable[[Run, Any], Any]


def truth(run: Run, value: Any, node: Any) -> bool | tuple[str, str]:
    """Whether a value counts as true: known, or the key and label of the choice that says so."""
    value = run.known(run.settle(value))
    if value is ABSENT:
        return False
    if type(value) in PLAIN:
        return bool(value)
    if type(value) is Partial and any(type(part) is str for part in value.parts):
        return True
    part = may_be_none(value)
    if part is not None:
        key = presence(part)
        return run.assumed.get(key, (key, part.cause))
    contents = run.contents(value)
    if type(contents) in (dict, list) and isinstance(value, Box) and value.kind in ("dict", "list"):
        slots = contents.values() if type(contents) is dict else contents
        # An entry that only one branch makes may be there or not.
        if not contents or any(type(slot.value) is not Choice for slot in slots if REST not in contents):
            return bool(contents)
        return run.key("truth"), describe(node)
    if type(value) is Choice:
        yes, no = truth(run, value.yes, node), truth(run, value.no, node)
        if type(yes) is bool and yes == no:
            return yes
        if type(yes) is bool and type(no) is bool:
            return value.key if yes else f"!{value.key}", value.label
    if isinstance(value, Client) or (isinstance(value, Box) and value.kind == "object"):
        return True
    return run.key("truth"), describe(node)


def unary(evaluate: Evaluate, run: Run, node: ast.UnaryOp) -> Any:
    """`not x` and `-x`."""
    value = evaluate(run, node.operand)
    if isinstance(node.op, ast.Not):
        answer = truth(run, value, node.operand)
        return (not answer) if type(answer) is bool else choose(*answer, False, True)
    if isinstance(node.op, ast.USub) and type(value) in (int, float):
        return -value
    return sure(node)


def boolean(evaluate: Evaluate, run: Run, node: ast.BoolOp) -> Any:
    """`x and y`, `x or y`: one of them."""
    value = evaluate(run, node.values[0])
    first = node.values[0]
    for following in node.values[1:]:
        answer = truth(run, value, first)
        rest, kept = partial(evaluate, run, following), partial(run.settle, value)
        if type(answer) is bool:
            if answer != isinstance(node.op, ast.And):
                break
            value = rest()
        elif isinstance(node.op, ast.And):
            value = run.either(*answer, rest, partial(_falsy, value))
        else:
            value = run.either(*answer, kept, rest)
        first = following
    return value


def _falsy(value: Any) -> Any:
    """What a value is where it counts as false: of an unknown, that is as good as absent."""
    return None if type(value) is Partial or type(value) is Choice else value


def conditional(evaluate: Evaluate, run: Run, node: ast.IfExp) -> Any:
    """`x if test else y`."""
    answer = truth(run, evaluate(run, node.test), node.test)
    if type(answer) is bool:
        return evaluate(run, node.body if answer else node.orelse)
    return run.either(*answer, partial(evaluate, run, node.body), partial(evaluate, run, node.orelse))


def compare(evaluate: Evaluate, run: Run, node: ast.Compare) -> Any:
    """A comparison: known, or a choice that is the same wherever the same is asked."""
    left = evaluate(run, node.left)
    rights = [evaluate(run, each) for each in node.comparators]
    right, operation = rights[0], node.ops[0]
    label = describe(node)
    if len(rights) == 1 and isinstance(operation, (ast.Eq, ast.NotEq, ast.Is, ast.IsNot)):
        positive = isinstance(operation, (ast.Eq, ast.Is))

        def compare(each: Any) -> Any:
            if type(each) in PLAIN and type(right) in PLAIN:
                return (each == right) == positive
            each = run.known(each)
            part = may_be_none(each)
            if type(each) is Choice:
                return Choice(run.key("compare"), label, True, False)
            if part is not None and right is None:
                return Choice(presence(part), part.cause, not positive, positive)
            if right is None:
                return not positive
            if part is not None and type(right) in PLAIN:
                key = f"{id(part)} == {right!r}"
                return Choice(key, f"{part.cause} == {right!r}"[:120], positive, not positive)
            return Choice(run.key("compare"), label, True, False)

        return map_choices(left, compare)
    contents = run.contents(right)
    if isinstance(operation, (ast.In, ast.NotIn)) and type(left) is str and type(contents) is dict:
        inside = left in contents
        # An entry that only one branch makes may be there or not.
        certain = type(contents[left].value) is not Choice if inside else REST not in contents
        if len(rights) == 1 and certain:
            return inside == isinstance(operation, ast.In)
    return Choice(run.key("compare"), label, True, False)
