"""Calls: of the SDK and boto3, of functions of the file, and of what changes a value that is followed."""

from __future__ import annotations

import ast
from functools import partial
from typing import Any

from scanner.code import request, sdk, unfollowed
from scanner.code.collection import change, copied, formatted
from scanner.code.describe import describe
from scanner.code.expression import GLOBALS, PATCHED, attribute, evaluate, spread
from scanner.code.function import Function, follow, instance
from scanner.code.run import Run, rest
from scanner.code.state import choose
from scanner.code.statement import assign
from scanner.code.value import Bound, Box, Choice, Client, Slot, Symbol, sure
from scanner.code.wording import ASKING
from scanner.value import REST, Opaque, Partial

_HARMLESS = frozenset([
    "builtins", "json", "pprint", "copy", "logging", "yaml", "os", "sys", "time", "datetime", "boto3", "re",
    "botocore", "IPython", "sagemaker", "pandas", "numpy", "random", "string", "uuid", "math",
    "stepfunctions",
])  # fmt: skip
_HARMLESS_METHODS = frozenset([
    "info", "debug", "warning", "warn", "error", "exception", "critical", "log", "write", "append",
])  # fmt: skip
_KNOWN_MODULES = frozenset([
    "boto3", "builtins", "copy", "dataclasses", "importlib", "json", "sagemaker", "sagemaker_core",
])  # fmt: skip
"""Those of which some calls are followed."""
_BY_NAME = ("builtins.getattr", "builtins.setattr", "builtins.delattr")
_IMPORTING = ("importlib.import_module", "builtins.__import__")
_PERHAPS_NONE = ("getattr", "next", "eval", "exec", "print", "vars", "min", "max", "super", "globals()")


class Arguments:
    """The arguments of a call, evaluated once."""

    __slots__ = ("given", "others", "positional", "starred")

    def __init__(self, run: Run, node: ast.Call) -> None:
        self.positional: list[Any] = []
        self.others: list[Any] = []
        self.starred = False
        for argument in node.args:
            if type(argument) is not ast.Starred:
                values = [evaluate(run, argument)]
            else:
                value = evaluate(run, argument.value)
                contents = run.contents(value)
                self.starred |= type(contents) is not list
                values = [slot.value for slot in contents] if type(contents) is list else []
                self.others += [] if type(contents) is list else [value]
            # Behind arguments of unknown number nobody knows which one a value is.
            (self.others if self.starred else self.positional).extend(values)
        self.given: dict[str, Slot] = rest("*arguments", run.mark(node)) if self.starred else {}
        for keyword in node.keywords:
            value = evaluate(run, keyword.value)
            if keyword.arg is None:
                # No keyword may come twice, so that what is given stays as it is.
                given = self.given
                self.given = {}
                spread(run, self.given, value, describe(keyword.value), run.mark(keyword.value))
                self.given.update(given)
            else:
                self.given[keyword.arg] = Slot(value, run.mark(keyword))

    def named(self, run: Run, names: list[str], node: ast.Call) -> dict[str, Slot]:
        """All of them by name, the positional ones called as `names` says."""
        found = dict(self.given)
        for name, value in zip(names, self.positional, strict=False):
            found[name] = Slot(value, run.mark(node))
        return found

    @property
    def values(self) -> list[Any]:
        """Everything that the call is given."""
        return [*self.positional, *self.others, *[slot.value for slot in self.given.values()]]


def call(run: Run, node: ast.Call) -> Any:
    """What a call gives."""
    target, run.target = run.target, ""
    function = node.func
    callee = evaluate(run, function.value if type(function) is ast.Attribute else function)
    arguments = Arguments(run, node)

    if type(callee) is Choice:
        return run.over(callee, partial(_applied, run, node, arguments, target))
    return _applied(run, node, arguments, target, callee)


def _applied(run: Run, node: ast.Call, arguments: Arguments, target: str, callee: Any) -> Any:
    """What a call of one thing gives."""
    if type(node.func) is ast.Attribute:
        return _method(run, node, callee, node.func.attr, arguments, target)
    return _plain(run, node, callee, arguments, target)


def _plain(run: Run, node: ast.Call, callee: Any, arguments: Arguments, target: str) -> Any:
    """A call of a name, or of what a dotted name leads to."""
    if isinstance(callee, Function):
        return _follow(run, node, callee, arguments)
    if isinstance(callee, Box) and callee in run.bases:
        entry, contents = run.bases[callee], run.contents(callee)
        given = arguments.named(run, run.table[entry].get("positional", []), node)
        if type(contents) is not dict or any(name[:4] == "def " for name in contents):
            given = rest(describe(node), run.mark(node))
        return sdk.construct(run, node, entry, given, target)
    if isinstance(callee, Box) and callee.kind == "class":
        return instance(run, callee, arguments.given, node, arguments=arguments.positional)
    if isinstance(callee, Symbol):
        return _imported(run, node, callee.name, arguments, target)
    if isinstance(callee, Bound):
        return _method(run, node, callee.base, callee.name, arguments, target)
    return _unknown(run, node, arguments, callee)


def _follow(run: Run, node: ast.Call, function: Function, arguments: Arguments) -> Any:
    found = follow(run, function, arguments.positional, arguments.given, node)
    return _unknown(run, node, arguments, function.owner) if found is None else found[0]


def _imported(run: Run, node: ast.Call, name: str, arguments: Arguments, target: str) -> Any:
    """A call of what a module holds, by its dotted name."""
    module, last = name.partition(".")[0], name.rpartition(".")[2]
    if last == "client" and (name[:1] == unfollowed.UNNAMED or module == "boto3"):
        return _client(run, arguments)
    if module not in _KNOWN_MODULES:
        unfollowed.say(run, node, name, arguments)
        found = unfollowed.of_unknown(run, node, arguments)
        return found or _unknown(run, node, arguments, harmless=module in _HARMLESS)
    if module == "boto3":
        return Symbol(f"{name}()")
    if module in ("sagemaker", "sagemaker_core"):
        return _of_sdk(run, node, name, arguments, target)
    return _of_library(run, node, name, arguments)


def _of_sdk(run: Run, node: ast.Call, name: str, arguments: Arguments, target: str) -> Any:
    """A class of the SDK, one that is generated from the API, or a function."""
    parts = name.split(".")
    top, last = parts[:-1], parts[-1]
    entry = sdk.entry_of(run.table, name)
    if entry is not None:
        given = arguments.named(run, run.table[entry].get("positional", []), node)
        dotted = (".".join(parts[:end]) for end in range(2, len(parts) + 1))
        if any(run.state.get((PATCHED, f"{each} itself")) for each in dotted):
            given = rest(f"{name}, which the code changes", run.mark(node))
        return sdk.construct(run, node, entry, given, target)
    owner = top[-1] if top else ""
    others = run.table["images"].get(f"{owner}.{last}")
    told = {*arguments.given, *(each for each in arguments.values if type(each) is str)}
    if others is not None and told.isdisjoint([*others, REST]):
        return sdk.tagged(describe(node))
    kind = run.types.get(f"class {owner}")
    if last in ("create", "get") and kind and "resources" in top:
        if last == "create":
            request.ask(run, node, kind, sdk.in_camel_case(arguments.given), target or owner)
        refers = kind if last == "create" else f"{kind} of before"
        run.kept.append(Partial((Opaque(describe(node), (refers, "", ""), filled=True),)))
        return run.kept[-1]
    if "shapes" in top:
        return run.box("dict", node, sdk.in_camel_case(arguments.given))
    return sure(node) if last.startswith("get_") else run.unsure(node)


def _of_library(run: Run, node: ast.Call, name: str, arguments: Arguments) -> Any:
    """A function of Python itself, or of its library."""
    top, _, last = name.rpartition(".")
    if name in ("copy.deepcopy", "copy.copy") and arguments.positional:
        return copied(run, arguments.positional[0], name == "copy.deepcopy", {})
    if name in ("builtins.dict", "dataclasses.asdict"):
        entries: dict[str, Slot] = {}
        for value in arguments.positional:
            spread(run, entries, value, describe(node), run.mark(node))
        entries = {key: slot for key, slot in entries.items() if not key.startswith("def ")}
        return run.box("dict", node, {**entries, **arguments.given})
    if name == "builtins.getattr" and isinstance(next(iter(arguments.positional), None), Client):
        client, method = (*arguments.positional, None)[:2]
        return run.over(method, lambda it: unfollowed.picked(run, node, client, it))
    if name in _BY_NAME and len(arguments.positional) > 1 and type(arguments.positional[1]) is str:
        base, key, *others = arguments.positional
        if name == "builtins.getattr":
            found = attribute(run, base, key, node)
            return choose(run.key("attribute"), describe(node), found, others[0]) if others else found
        value = others[0] if others else run.unsure(node)
        assign(run, ast.copy_location(ast.Attribute(node.args[0], key), node), value)
        return None
    if name == "json.dumps" and arguments.positional:
        text = sure(node)
        run.kept.append(text)
        run.dumped[id(text.parts[0])] = copied(run, arguments.positional[0], True, {})
        return text
    if name in _IMPORTING and arguments.positional:
        wanted = arguments.positional[0]
        if type(wanted) is not str:
            return Symbol(f"{unfollowed.UNNAMED}{describe(node)}")
        return Symbol(wanted.partition(".")[0] if name == "builtins.__import__" else wanted)
    if name in ("builtins.globals", "builtins.locals"):
        return Symbol(GLOBALS)
    if name == "builtins.exec" or (top == GLOBALS and last in ("update", "setdefault", "pop", "clear")):
        run.forget_all(describe(node))
    if name == "builtins.str" and arguments.positional and type(arguments.positional[0]) in (str, int):
        return str(arguments.positional[0])
    if name in ("builtins.int", "builtins.bool") and arguments.positional:
        value, made_of = arguments.positional[0], int if last == "int" else bool
        return made_of(value) if type(value) in (int, bool) else sure(node)
    module = name.partition(".")[0]
    harmless = module in _HARMLESS and name not in _BY_NAME
    made = module == "builtins" and last not in _PERHAPS_NONE
    return _unknown(run, node, arguments, harmless=harmless, filled=made)


def _method(run: Run, node: ast.Call, base: Any, name: str, arguments: Arguments, target: str) -> Any:
    """A call `base.name(…)`."""
    if isinstance(base, Symbol):
        if name[:7] in ASKING and not base.name.startswith(("boto3", "sagemaker", "builtins")):
            request.boto(run, node, Client(""), name, arguments)
        owner = sdk.entry_of(run.table, base.name)
        made = run.table[owner].get("calls", {}).get(name) if owner else None
        if owner and name in run.table[owner].get("finds", ()):
            return sdk.found(run, node, run.table[owner]["finds"][name] or owner, target)
        if made:
            positional = run.table[made[0]].get("positional", [])
            label = target or f"{owner}.{name}"
            return sdk.construct(run, node, made[0], arguments.named(run, positional, node), label)
        return _imported(run, node, f"{base.name}.{name}", arguments, target)
    kind = run.types.get(name)
    if name == "client" and not isinstance(base, Box):
        return _client(run, arguments)
    if isinstance(base, Box):
        contents = run.contents(base)
        if base.kind == "object" and base.entry in run.table:
            return sdk.method(run, node, base, name, arguments, target)
        if base.kind in ("class", "instance") and type(contents) is dict:
            function = contents.get(f"def {name}")
            if function is not None:
                kinds = {describe(each) for each in function.value.node.decorator_list}
                if not kinds <= {"staticmethod", "classmethod"}:
                    return _unknown(run, node, arguments, base)
                free = "staticmethod" in kinds or (base.kind == "class" and "classmethod" not in kinds)
                return _follow(run, node, function.value if free else function.value.bound(base), arguments)
            value = attribute(run, base, name, node.func)
            return _plain(run, node, value, arguments, target)
        if base.kind in ("dict", "list"):
            return change(run, node, base, name, arguments)
    if name[:7] in ASKING and (isinstance(base, Client) or kind is not None or name in request.MACHINE):
        return request.boto(run, node, base if isinstance(base, Client) else Client(""), name, arguments)
    if isinstance(base, str) and name == "format":
        return formatted(node, base, arguments)
    refers = getattr(base.parts[0], "refers", None) if type(base) is Partial else None
    if refers and name == "update":
        request.change(run, node, refers[0], arguments)
    if refers and name in ("get_name", "update"):
        return base
    if isinstance(base, str) or (type(base) is Partial and name in ("format", "strip", "lower", "join")):
        return sure(node)
    if isinstance(base, Client):
        return run.unsure(node)
    found = unfollowed.of_unknown(run, node, arguments) if isinstance(base, Partial) else None
    return found or _unknown(run, node, arguments, base, harmless=name in _HARMLESS_METHODS)


def _client(run: Run, arguments: Arguments) -> Client:
    slot = arguments.given.get("service_name")
    service = slot.value if slot else next(iter(arguments.positional), "")
    return Client(service if type(service) is str else "")


def _unknown(
    run: Run,
    node: ast.Call,
    arguments: Arguments,
    base: Any = None,
    harmless: bool = False,
    filled: bool = False,
) -> Any:
    """What a call gives that is not followed; it may change and call what it gets, or is harmless."""
    values = [*arguments.values, base]
    for value in () if harmless else values:
        kind = type(value)
        if kind is Partial or kind is Box or kind is Choice:
            if run.may_hold(value):
                run.let_go(value, node)
        elif isinstance(value, Function):
            run.branch(
                run.key("call"), describe(node), partial(_once, run, value), lambda: False, settles=False
            )
        elif isinstance(value, Symbol):
            entry = sdk.entry_of(run.table, value.name)
            if entry is not None and describe(node.func).rpartition(".")[2] == "partial":
                sdk.construct(run, node, entry, rest(describe(node), run.mark(node)), entry)
        elif isinstance(value, Bound):
            hidden = Arguments(run, ast.copy_location(ast.Call(node.func, [], []), node))
            hidden.given = rest(describe(node), run.mark(node))
            _method(run, node, value.base, value.name, hidden, "")
    return None if node is run.unused else run.unsure(node, *values, filled=filled)


def _once(run: Run, function: Function) -> bool:
    """Follow a function that other code gets and may call, with parameters of which nothing is known."""
    follow(run, function, [], {}, function.node, known=False)
    return False
