"""Functions and classes of the file: followed where they are called, else once with unknown parameters."""

from __future__ import annotations

import ast
from functools import partial
from typing import Any

from scanner.code.cell import Cell
from scanner.code.describe import describe
from scanner.code.expression import evaluate
from scanner.code.run import Run, Scope, rest
from scanner.code.sdk import construct, entry_of, words
from scanner.code.state import PENDING, RETURN, fill
from scanner.code.value import Box, Slot, Symbol, sure
from scanner.code.wording import asking
from scanner.value import REST

_DEEPEST = 6
_ORDINARY = frozenset(["dataclass", "total_ordering", "final", "define", "frozen", "s", "runtime_checkable"])
_MAGIC = frozenset(["__new__", "__getattr__", "__getattribute__", "__setattr__", "__init_subclass__"])
_LONG = 400
"""Functions of more characters are followed only if they may ask for something."""


class Function:
    """A function of the file, with what its body sees; `owner` is the object whose method it is."""

    __slots__ = ("cell", "defaults", "name", "node", "owner", "prefix", "scope")

    def __init__(self, run: Run, node: Any, owner: Any = None) -> None:
        self.node = node
        self.scope: Scope = run.scope
        self.cell: Cell = run.cell
        self.prefix = run.prefix
        self.name: str = node.name
        run.speech.define(node.name, run.cell.part(node))
        self.owner = owner
        arguments = node.args
        names = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
        values = [evaluate(run, each) for each in arguments.defaults]
        self.defaults = dict(zip(names[len(names) - len(values) :], values, strict=True))
        for each, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
            if value is not None:
                self.defaults[each.arg] = evaluate(run, value)

    def bound(self, owner: Any) -> Function:
        """The same function as a method of an object."""
        other = object.__new__(Function)
        for slot in Function.__slots__:
            setattr(other, slot, getattr(self, slot))
        other.owner = owner
        return other


def define(run: Run, node: Any) -> None:
    """A `def`; its decorators are calls of their own."""
    for each in node.decorator_list:
        run.target = node.name
        _decorate(run, each)
    run.target = ""
    function = follow_later(run, Function(run, node))
    # Nobody knows what a decorator makes of a function.
    run.bind(node.name, run.unsure(f"{node.name}()") if node.decorator_list else function)


def _decorate(run: Run, node: Any) -> None:
    """A decorator; one that is no call asks for what a call without arguments would."""
    target = run.target
    value = evaluate(run, node)
    name = entry_of(run.table, value.name) if isinstance(value, Symbol) else None
    if name is not None and not isinstance(node, ast.Call):
        construct(run, node, name, {}, target)


def follow_later(run: Run, function: Function) -> Function:
    """A function that is followed at the end if nothing has called it."""
    run.deferred.append(partial(_alone, run, function))
    return function


def define_class(run: Run, node: ast.ClassDef) -> None:
    """A class: what its body assigns is what every object begins with."""
    scope, prefix = run.scope, run.prefix
    run.scopes += 1
    methods = {}
    made = run.box("class", node, {}, node.name)
    run.prefix = f"{prefix}{node.name}."
    run.scope = (run.scopes, *scope)
    for statement in node.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inner, run.scope = run.scope, scope
            methods[statement.name] = Function(run, statement)
            run.scope = inner
        else:
            from scanner.code.statement import execute

            execute(run, [statement])
    contents: Any = {}
    for statement in node.body:
        target = getattr(statement, "target", None) or next(iter(getattr(statement, "targets", ())), None)
        if isinstance(target, ast.Name):
            found = run.state.get((run.scope[0], target.id), None)
            contents[target.id] = Slot(found, run.mark(statement))
    for name, function in methods.items():
        contents[f"def {name}"] = Slot(function, made.mark)
    if len(node.bases) == 1:
        base = evaluate(run, node.bases[0])
        entry = entry_of(run.table, base.name) if isinstance(base, Symbol) else None
        if entry is not None:
            run.bases[made] = entry
    if node.bases:
        contents.update(rest(f"what {node.name} inherits", made.mark))
    if not _ORDINARY.issuperset(map(_called, node.decorator_list)) or not _MAGIC.isdisjoint(methods):
        contents = run.unsure(node.name)
    run.scope, run.prefix = scope, prefix
    run.state.set(made, contents)
    run.bind(node.name, made)
    for function in methods.values():
        run.deferred.append(partial(_alone, run, function, made))


def _alone(run: Run, function: Function, owner: Box | None = None) -> None:
    """Follow a body that nothing calls, with parameters of which nothing is known."""
    if id(function.node) not in run.called and run.asks(run.speech.functions[function.name], words()):
        if owner is not None:
            function = function.bound(instance(run, owner, {}, function.node, known=False))
        follow(run, function, [], {}, function.node, known=False)


def instance(
    run: Run, made: Box, given: dict[str, Slot], node: Any, *, known: bool = True, arguments: Any = ()
) -> Box:
    """A new object of a class of the file."""
    contents = run.contents(made)
    contents = dict(contents) if type(contents) is dict else {}
    fresh = run.box("instance", node, contents, made.entry)
    builder = contents.get("def __init__")
    if builder is not None and isinstance(builder.value, Function):
        if follow(run, builder.value.bound(fresh), list(arguments), given, node, known=known) is None:
            run.let_go(fresh, f"{made.entry}()")
        return fresh
    fields = [name for name in contents if not name.startswith("def ") and name != REST]
    if not known or REST in given or (arguments and REST in contents):
        given = {name: Slot(run.unsure(f"{made.entry}.{name}"), contents[name].mark) for name in fields}
    else:
        given = given | {
            name: Slot(value, fresh.mark) for name, value in zip(fields, arguments, strict=False)
        }
    run.state.set(fresh, {**contents, **given})
    after = contents.get("def __post_init__")
    if after is not None and follow(run, after.value.bound(fresh), [], {}, node, known=known) is None:
        run.let_go(fresh, f"{made.entry}()")
    return fresh


def _called(node: Any) -> str:
    """What a decorator is called."""
    return describe(node.func if isinstance(node, ast.Call) else node).rpartition(".")[2]


def follow(
    run: Run,
    function: Function,
    positional: list[Any],
    given: dict[str, Slot],
    node: Any,
    *,
    known: bool = True,
) -> tuple[Any] | None:
    """What a call of a function gives, in a tuple; its body takes effect. None: it is not followed."""
    body = function.node
    said = run.speech.functions[function.name]
    if said.size > _LONG and not run.asks(said, words()) and not _touches(run, said.words):
        values = [*positional, *(slot.value for slot in given.values())]
        if not any(asking(run, value) for value in values):
            return None
    if body in run.active or len(run.active) >= _DEEPEST:
        run.forget(list(said.words), f"{function.name}()")
        return None
    if known:
        run.called.add(id(body))
    if said.yields or isinstance(body, ast.AsyncFunctionDef):
        # Its body runs once somebody asks for what it gives, if ever.
        found: list[Any] = []

        def once() -> bool:
            found.append(_executed(run, function, positional, given, known))
            return False

        run.branch(run.key("call"), f"{function.name}() runs", once, lambda: False, settles=False)
        return (found[0] if not said.yields else run.unsure(f"{function.name}()"),)
    return (_executed(run, function, positional, given, known),)


def _touches(run: Run, words: set[str]) -> bool:
    """Does code speak of a mapping, list or object that is followed?"""
    run.steps -= len(words) // 8
    return any(isinstance(run.look_up(name), Box) for name in words)


def _executed(
    run: Run, function: Function, positional: list[Any], given: dict[str, Slot], known: bool
) -> Any:
    """What a function gives; its body takes effect."""
    body = function.node
    saved = run.scope, run.prefix, run.target, run.cell, run.assumed, run.loops
    run.scopes += 1
    run.scope, run.cell, run.target = (run.scopes, *function.scope), function.cell, ""
    run.prefix, run.assumed = f"{function.prefix}{function.name}.", dict(run.assumed)
    run.active.append(body)
    _bind(run, function, positional, given, known)
    from scanner.code.statement import execute

    try:
        execute(run, body.body)
        result = run.state.get((run.scope[0], RETURN), PENDING)
    finally:
        run.active.pop()
        run.scope, run.prefix, run.target, run.cell, run.assumed, run.loops = saved
    return fill(result, None)


def _bind(run: Run, function: Function, positional: list[Any], given: dict[str, Slot], known: bool) -> None:
    arguments = function.node.args
    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args)]
    values = [function.owner, *positional] if function.owner is not None else positional
    for name, value in zip(names, values, strict=False):
        run.bind(name, value)
    for name in [*names[len(values) :], *(each.arg for each in arguments.kwonlyargs)]:
        unknown = f"parameter {name} of {function.name}()"
        if name in given:
            run.bind(name, given[name].value)
        elif known and name in function.defaults and REST not in given:
            run.bind(name, function.defaults[name])
        else:
            run.bind(name, run.unsure(unknown))
    if arguments.vararg:
        run.bind(arguments.vararg.arg, sure(f"*{arguments.vararg.arg}"))
    if arguments.kwarg:
        surplus = {name: slot for name, slot in given.items() if name not in names}
        if not known:
            surplus = rest(f"**{arguments.kwarg.arg}", run.mark(function.node))
        run.bind(arguments.kwarg.arg, run.box("dict", function.node, surplus))
