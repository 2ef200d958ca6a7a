"""What an expression is known to be, by the kind of its node."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable
from functools import partial
from typing import Any

from scanner.code import logic
from scanner.code.describe import describe
from scanner.code.run import Run, TooMuch, rest
from scanner.code.state import ABSENT, MISSING, PLAIN, join_contents, map_choices
from scanner.code.value import Bound, Box, Choice, Client, Mark, Slot, Symbol, may_be_none, sure
from scanner.value import REST, Partial, assemble

_LONGEST = 10_000
PATCHED = -1
"""The scope of attributes that code sets on what is imported or unknown."""
GLOBALS = "builtins.globals()"
"""The mapping of all names."""
COMPREHENSION = "in a comprehension"


def evaluate(run: Run, node: Any) -> Any:
    """The value of an expression, as far as it is known; calls in it take effect."""
    run.steps -= 1
    if run.steps < 0:
        raise TooMuch
    kind = type(node)
    if kind is ast.Name:
        value = run.look_up(node.id)
        if value is not MISSING:
            return value
        return Symbol(f"builtins.{node.id}") if node.id in vars(builtins) else run.known(Symbol(node.id))
    if kind is ast.Constant:
        return node.value if type(node.value) in PLAIN else sure("a constant")
    found = _BY_NODE.get(kind)
    if found is None:
        return _other(run, node)
    value = found(run, node)
    return run.settle(value) if type(value) is Choice else value


def _other(run: Run, node: Any) -> Any:
    """What is not followed; calls inside still count."""
    evaluated = [evaluate(run, child) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    return run.unsure(node, *(evaluated))


def _attribute(run: Run, node: ast.Attribute) -> Any:
    return map_choices(evaluate(run, node.value), lambda base: attribute(run, base, node.attr, node))


def attribute(run: Run, base: Any, name: str, node: Any) -> Any:
    """`base.name`, where that is known."""
    if isinstance(base, Symbol):
        dotted = f"{base.name}.{name}"
        return run.state.get((PATCHED, dotted), Symbol(dotted))
    if isinstance(base, Box) and base.kind in ("object", "class", "instance"):
        if name == "sagemaker_client" and base.entry == "Session":
            return Client("sagemaker")
        contents = run.contents(base)
        if type(contents) is dict:
            if name in contents:
                return run.settle(contents[name].value)
            found = contents.get(f"def {name}")
            if found is not None and not found.value.node.decorator_list:
                return found.value.bound(base) if base.kind == "instance" else found.value
            if name in run.table.get(base.entry, {}).get("starts", ()):
                return Bound(base, name)
            inside = base.kind != "object" or name[:2] == "__"
            return run.unsure(node, *([base] if inside else ()))
    if name == "sagemaker_client":
        return Client("sagemaker")
    if isinstance(base, Client) and name in run.types:
        return Bound(base, name)
    part = may_be_none(base)
    if part is None:
        return run.unsure(node, base)
    # The same attribute of the same unknown is the same value.
    key = f"{id(part)}.{name}"
    if key not in run.imported:
        run.imported[key] = run.unsure(node, base)
    return run.state.get((PATCHED, key), run.imported[key])


def _subscript(run: Run, node: ast.Subscript) -> Any:
    base, key = evaluate(run, node.value), evaluate(run, node.slice)

    def pick(each: Any) -> Any:
        found = item(run, each, key)
        return run.unsure(node, each) if found is MISSING else run.settle(found)

    if isinstance(base, Symbol) and base.name == "os.environ":
        return sure(node)
    return map_choices(base, pick)


def item(run: Run, base: Any, key: Any) -> Any:
    """`base[key]`, or MISSING where that is not known."""
    contents = run.contents(base)
    if type(contents) is dict and type(key) is str and key in contents:
        return contents[key].value
    if type(contents) is list and type(key) is int and -len(contents) <= key < len(contents):
        return contents[key].value
    return MISSING


def _dict(run: Run, node: ast.Dict) -> Any:
    entries: dict[str, Slot] = {}
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        value = evaluate(run, value_node)
        if key_node is None:
            spread(run, entries, value, describe(value_node), run.mark(value_node))
            continue
        key = evaluate(run, key_node)
        if type(key) is str:
            entries[key] = Slot(value, run.mark(key_node))
        elif type(key) not in PLAIN:
            entries.update(rest(f"a key from {describe(key_node)}", run.mark(key_node)))
    return run.box("dict", node, entries)


def spread(run: Run, entries: dict[str, Slot], value: Any, cause: str, mark: Mark) -> None:
    """Add what `**value` brings: whatever it may overwrite is unknown from then on."""
    value = run.settle(value)
    contents = run.contents(value)
    if type(contents) is dict:
        for key, slot in contents.items():
            entries[key] = _over(entries.get(key), slot)
    elif type(value) is Choice:
        branches = dict(entries), dict(entries)
        for made, branch in zip(branches, (value.yes, value.no), strict=True):
            spread(run, made, branch, cause, mark)
        entries.update(join_contents(value.key, value.label, *branches))
    elif value is not None:
        for key, slot in list(entries.items()):
            if key != REST:
                entries[key] = Slot(run.unsure(f"**{cause}"), slot.mark)
        entries.update(rest(f"**{cause}", mark))


def _over(before: Slot | None, after: Slot) -> Slot:
    """An entry that is written over another; where a branch may lack it, the other may stay."""
    if before is None or type(after.value) is not Choice:
        return after
    return Slot(or_default(after.value, before.value), after.mark)


def or_default(found: Any, default: Any) -> Any:
    """What is found, and the default where there is no such entry."""
    return map_choices(found, lambda leaf: default if leaf is ABSENT else leaf)


def _list(run: Run, node: Any) -> Any:
    items: list[Slot] = []
    known = True
    for element in node.elts:
        if isinstance(element, ast.Starred):
            contents = run.contents(evaluate(run, element.value))
            known &= type(contents) is list
            items += contents if type(contents) is list else []
        else:
            items.append(Slot(evaluate(run, element), run.mark(element)))
    if not known or len(items) > _LONGEST:
        return run.unsure("a list that is computed", *(slot.value for slot in items), filled=True)
    return run.box("list", node, items)


def _joined(run: Run, node: ast.JoinedStr) -> Any:
    parts = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            value = evaluate(run, part.value)
            plain = part.format_spec is None and part.conversion == -1
            parts += text_parts(value if plain else None, part.value)
        elif isinstance(part, ast.Constant):
            parts.append(str(part.value))
    return assembled(parts)


def text_parts(value: Any, node: Any) -> list[Any]:
    """What a value is in a text."""
    if type(value) in (str, int):
        return [str(value)]
    if type(value) is Partial and (len(value.parts) > 1 or not may_be_none(value)):
        return list(value.parts)
    return list(sure(node).parts)


def assembled(parts: list[Any]) -> Any:
    """The text that parts make."""
    text = assemble(parts)
    size = sum(len(part) if type(part) is str else 1 for part in parts)
    return text if size < _LONGEST else sure("a long text")


def _binary(run: Run, node: ast.BinOp) -> Any:
    left, right = evaluate(run, node.left), evaluate(run, node.right)
    if isinstance(node.op, ast.BitOr) and isinstance(left, Box) and isinstance(right, Box):
        entries: dict[str, Slot] = {}
        for value, side in ((left, node.left), (right, node.right)):
            spread(run, entries, value, describe(side), run.mark(side))
        return run.box("dict", node, entries)
    if isinstance(node.op, ast.Add):
        if str in (type(left), type(right)) or (type(left) is Partial and len(left.parts) > 1):
            return assembled([*text_parts(left, node.left), *text_parts(right, node.right)])
        first, second = run.contents(left), run.contents(right)
        if type(first) is list and type(second) is list and len(first) + len(second) < _LONGEST:
            return run.box("list", node, [*first, *second])
    if isinstance(node.op, ast.Mod) and type(left) is str:
        return sure(node.right)
    if type(left) is int and type(right) is int and max(abs(left), abs(right)) < 10**9:
        operation = _ARITHMETIC.get(type(node.op))
        if operation is not None:
            return operation(left, right)
    return run.unsure(node, left, right, filled=True)


_ARITHMETIC: dict[type, Callable[[int, int], Any]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
}


def _named(run: Run, node: ast.NamedExpr) -> Any:
    value = evaluate(run, node.value)
    inner, depth = run.scope, 0
    while run.state.get((run.scope[depth], COMPREHENSION)):
        depth += 1
    run.scope = inner[depth:]
    run.bind(node.target.id, value)
    run.scope = inner
    return value


def _comprehension(run: Run, node: Any) -> Any:
    """Its names are unknown inside, and what it does may not be done; a list of them is there."""
    from scanner.code.statement import assign

    made: list[Any] = []
    outer = run.scope
    run.scopes += 1
    run.scope = (run.scopes, *outer)
    run.state.set((run.scopes, COMPREHENSION), True)

    def once() -> bool:
        for generator in node.generators:
            items = evaluate(run, generator.iter)
            assign(
                run,
                generator.target,
                run.unsure(f"an item of {describe(generator.iter)}", items, filled=type(items) is str),
            )
            made.extend(evaluate(run, test) for test in generator.ifs)
        made.extend(
            evaluate(run, getattr(node, each)) for each in ("key", "value", "elt") if hasattr(node, each)
        )
        return False

    run.branch(run.key("loop"), "a turn of a comprehension", once, lambda: False, settles=False)
    run.scope = outer
    if isinstance(node, ast.ListComp) and isinstance(made[-1], Box):
        # One item stands for all.
        return run.box("list", node, [Slot(made[-1], run.mark(node))])
    return run.unsure("a list that is computed", *made, filled=True)


def _lambda(run: Run, node: ast.Lambda) -> Any:
    from scanner.code.function import Function, follow_later

    body = ast.copy_location(ast.Return(node.body), node.body)
    name = f"lambda{node.lineno}"
    made = ast.FunctionDef(name=name, args=node.args, body=[body], decorator_list=[], returns=None)
    return follow_later(run, Function(run, ast.copy_location(made, node)))


def _await(run: Run, node: Any) -> Any:
    return evaluate(run, node.value)


def _call(run: Run, node: ast.Call) -> Any:
    from scanner.code.call import call

    return call(run, node)


_BY_NODE: dict[type, Callable[[Run, Any], Any]] = {
    ast.Attribute: _attribute,
    ast.Subscript: _subscript,
    ast.Dict: _dict,
    ast.List: _list,
    ast.Tuple: _list,
    ast.JoinedStr: _joined,
    ast.BinOp: _binary,
    ast.UnaryOp: partial(logic.unary, evaluate),
    ast.BoolOp: partial(logic.boolean, evaluate),
    ast.IfExp: partial(logic.conditional, evaluate),
    ast.Compare: partial(logic.compare, evaluate),
    ast.NamedExpr: _named,
    ast.ListComp: _comprehension,
    ast.SetComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.DictComp: _comprehension,
    ast.Lambda: _lambda,
    ast.Await: _await,
    ast.Call: _call,
}
