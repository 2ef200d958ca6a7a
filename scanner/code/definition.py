"""Definitions of pipelines and state machines that code hands to AWS: the requests of their steps."""

from __future__ import annotations

from typing import Any

from scanner.code.freeze import Freezer
from scanner.code.run import Request, Run
from scanner.code.value import Choice, sure
from scanner.limits import Limits
from scanner.template.document import ReadError
from scanner.value import Opaque, Partial

_WORK = 30
"""What reading and judging a step of a definition takes, in steps of following code."""


def follow(run: Run, node: Any, noun: str, value: Any, name: str) -> None:
    """Take down what a definition's steps make, all where the call is; or say that it is not known."""
    run.over(value, lambda one: _follow_one(run, node, noun, one, name))


def _follow_one(run: Run, node: Any, noun: str, value: Any, name: str) -> None:
    from scanner.requests import pipeline, states
    from scanner.template.json_reader import read_json

    mark, what = run.mark(node), f"the definition of the {noun} {name}"
    part = value.parts[0] if type(value) is Partial else None
    try:
        if type(value) is not str and id(part) not in run.dumped:
            cause = part.cause if isinstance(part, Opaque) else "a value that is computed"
            # What the SDK's own pipeline gives is read where its steps are made.
            if not cause.endswith(".definition()"):
                hint = "write it out, or scan the definition by itself"
                run.said.append((mark, f"{what} comes from {cause}, which is not known here", hint))
            return
        frozen = Freezer(run).freeze(run.dumped.get(id(part)))[0]
        definition = read_json(value, Limits()).root if part is None else _settled(frozen)
    except (ReadError, RecursionError) as fault:
        run.said.append((mark, f"{what} can't be read: {fault}", "the text must be JSON"))
        return
    write = pipeline.write if noun == "pipeline" else states.write
    steps, gaps = pipeline.steps(definition, run.kinds, write)
    run.steps -= _WORK * len(steps)  # what follows stops where none are left
    run.said += [(mark, f"{name}: {gap}", "look at it yourself") for gap in gaps]
    for step in steps:
        label = run.name_of(f"{run.prefix}{name}/{step.name}", (node, step.name))
        given, last = _settled(step.properties), node.end_lineno
        run.requests.append(Request(step.type, label, given, mark, last, dict(run.assumed), {}))


def _settled(value: Any) -> Any:
    """Frozen values as a definition holds them: all are there; of a choice nobody knows which."""
    if type(value) is dict:
        return {key: _settled(each) for key, each in value.items()}
    if type(value) is list:
        return [_settled(each) for each in value]
    if type(value) is Choice:
        return sure(value.label)
    if type(value) is Partial and len(value.parts) == 1 and isinstance(value.parts[0], Opaque):
        return Partial((value.parts[0]._replace(filled=True),))
    return value
