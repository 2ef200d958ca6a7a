"""Calls that ask for something in ways that are not followed: judged by what they say, or named."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from scanner.code import sdk
from scanner.code.describe import describe
from scanner.code.run import Run
from scanner.code.value import Bound, Client
from scanner.code.wording import ASKING
from scanner.value import REST, Partial

if TYPE_CHECKING:
    from scanner.code.call import Arguments

UNNAMED = "?"
"""Before the name of what is imported from a module that nobody knows."""
_ANYBODYS = frozenset(["name", "inputs", "outputs"])
"""Keywords that classes of other libraries take too."""


def say(run: Run, node: ast.Call, name: str, arguments: Arguments) -> None:
    """Name a call of a module that is not followed, where it looks like one for SageMaker."""
    last = name.rpartition(".")[2]
    if last in run.table["libraries"].get(name.partition(".")[0], ()):
        what = f"{name} is of another library: what it asks SageMaker for is not looked at"
        run.said.append((run.mark(node), what, "look at it yourself"))
    entry = run.table.get(last, {}) if name[:1] == UNNAMED else {}
    if "type" in entry and not arguments.given.keys().isdisjoint({*entry["keywords"], REST} - _ANYBODYS):
        what = f"{name[1:]} may be of the SageMaker SDK: what it asks for is not looked at"
        run.said.append((run.mark(node), what, "import the module by its name"))


def of_unknown(run: Run, node: ast.Call, arguments: Arguments) -> Any:
    """What a method of the SDK, by its keywords, gives of an object that is not known; else None."""
    function: Any = node.func
    told = isinstance(function, ast.Attribute) and run.table["telling"].get(function.attr)
    # A method that calls the one of its base only hands on what its own callers say.
    if not told or arguments.given.keys().isdisjoint(told) or describe(function.value) == "super()":
        return None
    return sdk.method(run, node, sdk.found(run, function.value, "Unknown"), function.attr, arguments, "")


def picked(run: Run, node: ast.Call, client: Client, method: Any) -> Any:
    """The method of a client that `getattr` gives; one of no known name may ask for anything."""
    if type(method) is str:
        return Bound(client, method)
    begin = method.parts[0] if type(method) is Partial else ""
    begin = begin if type(begin) is str else ""
    if client.service == "sagemaker" and any(begin[:7] == verb[: len(begin)] for verb in ASKING):
        what = f"{describe(node)} picks a call when it runs: what it asks SageMaker for is not looked at"
        run.said.append((run.mark(node), what, "call the method by its name"))
    return run.unsure(describe(node))
