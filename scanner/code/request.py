"""Calls of boto3, and of the classes that are generated from the API: the requests that they send."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from scanner.code import definition, sdk
from scanner.code.run import Run
from scanner.code.value import Client, Slot, sure
from scanner.requests.operation import as_change, names_of
from scanner.value import REST

if TYPE_CHECKING:
    from scanner.code.call import Arguments

MACHINE = ("create_state_machine", "update_state_machine")
_DEFINED = {"PipelineDefinition", "PipelineDefinitionS3Location", REST}


def boto(run: Run, node: ast.Call, client: Client, name: str, arguments: Arguments) -> Any:
    """A call of a client. Of one that is not known, its keywords must leave no doubt."""
    kind = run.types.get(name)
    certain = client.service == "sagemaker"
    telling = run.table["elsewhere"].get(name, arguments.given)
    spelled = all(key[:1].isupper() or key == REST for key in arguments.given)
    doubtful = not spelled or not any(key in telling for key in arguments.given)
    if kind is not None and (certain or (not client.service and not doubtful)):
        ask(run, node, kind, arguments.given, name, name[:7] == "update_")
    if name in MACHINE and client.service in ("", "stepfunctions") and "definition" in arguments.given:
        called = getattr(arguments.given.get("name"), "value", None)
        label = called if isinstance(called, str) and called.isprintable() else name
        definition.follow(run, node, "state machine", arguments.given["definition"].value, label)
    return run.unsure(node)


def change(run: Run, node: ast.Call, refers: str, arguments: Arguments) -> None:
    """A call of `update` of an object that stands for a resource of the type that `refers` begins with."""
    kind = refers.partition(" ")[0]
    if "update" in run.kinds.get(kind, ()):
        given = sdk.in_camel_case(arguments.given)
        ask(run, node, kind, given, f"{kind.rpartition('::')[2]}.update", update=True)


def ask(run: Run, node: ast.Call, kind: str, given: dict[str, Slot], base: str, update: bool = False) -> None:
    """Take down a request that makes something, or changes it; `base` names it where nothing else does."""
    own = kind.rpartition("::")[2]
    named = next((given[key].value for key in names_of(f"Create{own}") if key in given), None)
    told = isinstance(named, str) and named.isprintable()
    name = run.name_of(str(named) if told else f"{run.prefix}{base}", (node, 0))
    run.submit(kind, name, run.box("dict", node, given), node)
    if update:
        made = run.requests[-1]
        properties = as_change(made.properties, run.kinds[kind]["update"], made.marks)
        run.requests[-1] = made._replace(properties=properties)
    if own == "Pipeline" and (given.keys() & _DEFINED if update else given):
        stored = Slot(sure("PipelineDefinitionS3Location"), run.mark(node))
        definition.follow(run, node, "pipeline", given.get("PipelineDefinition", stored).value, name)
