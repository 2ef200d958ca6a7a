"""What statements do to names and boxes; both branches of a choice are followed, each in its own layer."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from scanner.code.collection import replace, without
from scanner.code.describe import describe
from scanner.code.expression import GLOBALS, PATCHED, evaluate, item
from scanner.code.logic import truth
from scanner.code.run import Run
from scanner.code.sdk import words
from scanner.code.state import MISSING, PENDING, RETURN, choose, fill, map_choices
from scanner.code.value import Box, Choice, Slot, Symbol, may_be_none, sure
from scanner.code.wording import CALLABLE, asking
from scanner.value import Partial

_ENDING = ("exit", "quit", "sys.exit", "os._exit", "os.abort")
_LAST = tuple(name.rpartition(".")[2] for name in _ENDING)


def execute(run: Run, body: list[ast.stmt]) -> bool:
    """Follow statements; True where what comes after them is not reached."""
    for node in body:
        found = _BY_NODE.get(type(node))
        if found is not None and found(run, node):
            return True
    return False


def assign(run: Run, target: Any, value: Any) -> None:
    """Assign to a name, an attribute, an entry, or several names."""
    if isinstance(target, ast.Name):
        run.bind(target.id, value)
    elif isinstance(target, ast.Starred):
        assign(run, target.value, sure("a list that is computed"))
    elif isinstance(target, (ast.Tuple, ast.List)):
        for number, each in enumerate(target.elts):

            def pick(whole: Any, number: int = number, each: Any = each) -> Any:
                part = item(run, whole, number)
                return run.unsure(each, whole) if part is MISSING else part

            assign(run, each, map_choices(value, pick))
    elif isinstance(target, ast.Attribute):
        _put(run, evaluate(run, target.value), target.attr, value, target)
    elif isinstance(target, ast.Subscript):
        _put(run, evaluate(run, target.value), evaluate(run, target.slice), value, target)


def _put(run: Run, base: Any, key: Any, value: Any, node: Any) -> None:
    if type(base) is Choice:
        for box, taken in ((base.yes, True), (base.no, False)):
            before = item(run, box, key)
            pair = (value, None if before is MISSING else before)
            _put(run, box, key, choose(base.key, base.label, *(pair if taken else pair[::-1])), node)
        return
    if base == Symbol(GLOBALS):
        if type(key) is str:
            run.state.set((run.scope[-1], key), value)
        else:
            run.forget_all(describe(node))
        return
    if type(key) is str and type(value) in CALLABLE and asking(run, value):
        run.speech.alias(key)
    contents = run.contents(base)
    part = may_be_none(run.known(base))
    if part is not None and isinstance(node, ast.Attribute):
        name = f"{base.name if isinstance(base, Symbol) else id(part)}.{key}"
        run.state.set((PATCHED, name), value)
        if isinstance(base, Symbol):
            # A class of which something is replaced is another class.
            run.state.set((PATCHED, f"{base.name} itself"), True)
    if type(base) is Partial:
        for each in run.held_by(base):
            run.let_go(each, node)
    elif type(contents) is dict:
        if type(key) is str:
            changed = {**contents, key: Slot(value, run.mark(node))}
            if base.kind == "object" and key[:1] == "_":
                changed[key[1:]] = changed[key]
            replace(run, base, changed)
            if base.kind == "class":
                for other in run.instances.get(base.entry, ()):
                    run.let_go(other, node)
        elif not isinstance(key, (int, float)):
            run.state.set(base, run.unsure(node))
    elif type(contents) is list:
        if type(key) is int and -len(contents) <= key < len(contents):
            slots = [*contents]
            slots[key] = Slot(value, run.mark(node))
            replace(run, base, slots)
        else:
            run.state.set(base, run.unsure(node))


def _assign(run: Run, node: ast.Assign) -> bool:
    first = node.targets[0]
    run.target = first.id[:60] if type(first) is ast.Name else ""
    if type(first) is ast.Attribute:
        run.target = describe(first)
    value = evaluate(run, node.value)
    run.target = ""
    for target in node.targets:
        assign(run, target, value)
    return False


def _annotated(run: Run, node: ast.AnnAssign) -> bool:
    if node.value is not None:
        run.target = describe(node.target)
        value = evaluate(run, node.value)
        run.target = ""
        assign(run, node.target, value)
    return False


def _augmented(run: Run, node: ast.AugAssign) -> bool:
    operation = ast.BinOp(left=node.target, op=node.op, right=node.value)
    ast.copy_location(operation, node)
    if isinstance(node.target, ast.Name):
        value = evaluate(run, operation)
        if run.loops and not isinstance(value, Box):
            value = sure(f"{node.target.id}, which a loop changes")
        base = run.look_up(node.target.id)
        # `a |= b` and `a += b` change what other names may also lead to.
        if isinstance(base, Box) and isinstance(value, Box):
            run.state.set(base, run.contents(value))
        else:
            run.let_go(base, node.target)
            assign(run, node.target, base if isinstance(base, Box) else value)
    else:
        run.let_go(evaluate(run, node.target), node.target)
        evaluate(run, node.value)
        assign(run, node.target, run.unsure(node.target))
    return False


def _expression(run: Run, node: ast.Expr) -> bool:
    run.unused = node.value
    evaluate(run, node.value)
    function: Any = node.value.func if type(node.value) is ast.Call else None
    last = function.attr if type(function) is ast.Attribute else getattr(function, "id", None)
    return last in _LAST and describe(function) in _ENDING


def _delete(run: Run, node: ast.Delete) -> bool:
    for target in node.targets:
        if isinstance(target, ast.Subscript):
            base, key = evaluate(run, target.value), evaluate(run, target.slice)
            contents = run.contents(base)
            if type(contents) is dict and type(key) is str:
                replace(run, base, without(contents, key))
            else:
                run.let_go(base, target)
        elif isinstance(target, ast.Attribute):
            assign(run, target, run.unsure(target))
        elif isinstance(target, ast.Name):
            assign(run, target, run.unsure(target, run.look_up(target.id)))
    return False


def _if(run: Run, node: ast.If) -> bool:
    answer = truth(run, evaluate(run, node.test), node.test)
    if type(answer) is bool:
        return execute(run, node.body if answer else node.orelse)
    return run.branch(*answer, lambda: execute(run, node.body), lambda: execute(run, node.orelse))


def _loop(run: Run, node: Any) -> bool:
    """A body that may run not at all, once, or after itself."""
    source = node.test if isinstance(node, ast.While) else node.iter
    items, over = evaluate(run, source), f"a turn of the loop over {describe(source)}"
    outer, run.broken = run.broken, False

    def once() -> bool:
        if isinstance(node, ast.While):
            evaluate(run, node.test)
        else:
            assign(run, node.target, _any_item(run, items, node.iter))
        turn = run.state
        _, journal = run.record(lambda: execute(run, node.body))
        if run.broken:
            turn.mix(journal, over, run.key)
        return False

    # Loops in loops in loops would double and double.
    turns = 2 if run.loops < 2 and run.asks(run.speech.said(run.cell, node), words()) else 1
    run.loops += 1
    for _ in range(turns):
        run.branch(run.key("loop"), over, once, lambda: False, settles=False)
    run.loops -= 1
    if run.broken and node.orelse:
        run.branch(run.key("loop"), over, lambda: execute(run, node.orelse), lambda: False, settles=False)
    else:
        execute(run, node.orelse)
    run.broken = outer
    return False


def _break(run: Run, node: Any) -> bool:
    run.broken = True
    return True


def _any_item(run: Run, items: Any, node: Any) -> Any:
    contents = run.contents(items)
    if type(contents) is list and 0 < len(contents) <= 4:
        value = contents[-1].value
        for slot in reversed(contents[:-1]):
            value = choose(run.key("item"), f"an item of {describe(node)}", slot.value, value)
        return value
    return run.unsure(f"an item of {describe(node)}", items)


def _guarded(run: Run, node: Any) -> bool:
    from scanner.code import trial

    return (trial.follow_try if hasattr(node, "handlers") else trial.follow_with)(run, node)


def _match(run: Run, node: ast.Match) -> bool:
    subject = evaluate(run, node.subject)

    def follow(cases: list[ast.match_case]) -> bool:
        if not cases:
            return False
        for name in ast.walk(cases[0].pattern):
            bound = getattr(name, "name", None) or getattr(name, "rest", None)
            if isinstance(bound, str):
                run.bind(bound, run.unsure(bound, subject))
        if cases[0].guard is not None:
            evaluate(run, cases[0].guard)
        label, taken, others = f"a case of {describe(node.subject)}", cases[0].body, cases[1:]
        return run.branch(run.key("case"), label, lambda: execute(run, taken), lambda: follow(others))

    return follow(node.cases)


def _import(run: Run, node: ast.Import) -> bool:
    for alias in node.names:
        top = alias.name.partition(".")[0]
        run.bind(alias.asname or top, Symbol(alias.name if alias.asname else top))
    return False


def _import_from(run: Run, node: ast.ImportFrom) -> bool:
    for alias in node.names:
        module = "." * node.level + (node.module or "")
        if alias.name == "*":
            if module.partition(".")[0] != "sagemaker":
                run.forget_all(f"from {module[:60]} import *")
                continue
            for name in run.table:
                run.bind(name, Symbol(f"{module}.{name}"))
        else:
            run.bind(alias.asname or alias.name, Symbol(f"{module}.{alias.name}"))
    return False


def _return(run: Run, node: ast.Return) -> bool:
    value, place = evaluate(run, node.value) if node.value else None, (run.scope[0], RETURN)
    run.state.set(place, fill(run.state.get(place, PENDING), value))
    return True


def _raise(run: Run, node: ast.Raise) -> bool:
    if node.exc is not None:
        evaluate(run, node.exc)
    return True


def _definition(run: Run, node: Any) -> bool:
    from scanner.code import function

    (function.define_class if type(node) is ast.ClassDef else function.define)(run, node)
    return False


def _global(run: Run, node: ast.Global) -> bool:
    for name in node.names:
        run.declare(name, run.scope[-1])
    return False


def _nonlocal(run: Run, node: ast.Nonlocal) -> bool:
    for name in node.names:
        owners = [each for each in run.scope[1:] if run.state.get((each, name), MISSING) is not MISSING]
        run.declare(name, owners[0] if owners else run.scope[-1])
    return False


def _assert(run: Run, node: ast.Assert) -> bool:
    answer = truth(run, evaluate(run, node.test), node.test)
    if type(answer) is tuple:
        run.assumed[answer[0].lstrip("!")] = answer[0][0] != "!"
    return answer is False


_BY_NODE: dict[type, Callable[[Run, Any], bool]] = {
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Expr: _expression,
    ast.Delete: _delete,
    ast.If: _if,
    ast.For: _loop,
    ast.AsyncFor: _loop,
    ast.While: _loop,
    ast.Try: _guarded,
    ast.TryStar: _guarded,
    ast.With: _guarded,
    ast.AsyncWith: _guarded,
    ast.Match: _match,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.FunctionDef: _definition,
    ast.AsyncFunctionDef: _definition,
    ast.ClassDef: _definition,
    ast.Global: _global,
    ast.Nonlocal: _nonlocal,
    ast.Assert: _assert,
    ast.Break: _break,
    ast.Continue: _break,
}
