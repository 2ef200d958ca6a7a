"""Code that an exception may leave anywhere: `try` and `with`."""

from __future__ import annotations

from typing import Any

from scanner.code.describe import describe
from scanner.code.expression import evaluate
from scanner.code.run import Run
from scanner.code.state import State
from scanner.code.statement import assign, execute
from scanner.code.value import Box


def follow_try(run: Run, node: Any) -> bool:
    """A handler runs after any part of the body: what the body changed is changed or not."""
    before, assumed = run.state, dict(run.assumed)
    body = run.state = State(before)
    ended, journal = run.record(lambda: execute(run, [*node.body, *node.orelse]))
    run.state, run.assumed = before, assumed
    for handler in node.handlers:
        label = f"{describe(handler.type) if handler.type else 'an exception'} in a try block"
        layer = run.state = State(before)
        layer.mix(journal, label, run.key)
        if handler.name:
            run.bind(handler.name, run.unsure(handler.name))
        stopped = execute(run, handler.body)
        run.state, run.assumed = before, dict(assumed)
        joined = State(before)
        joined.join(run.key("exception"), label, layer, body, (stopped, ended))
        body, ended = joined, stopped and ended
    if node.finalbody:
        # It runs too where no handler takes the exception; nothing follows then.
        layer = run.state = State(before)
        layer.mix(journal, "an exception in a try block", run.key)
        execute(run, node.finalbody)
        run.state, run.assumed = before, dict(assumed)
    before.written.update(body.written)
    return execute(run, node.finalbody) or ended


def follow_with(run: Run, node: Any) -> bool:
    """The body of a `with`; one that hides exceptions may end anywhere."""
    hides = False
    for each in node.items:
        value = evaluate(run, each.context_expr)
        hides |= "suppress" in describe(each.context_expr)
        if each.optional_vars is not None:
            entered = run.unsure(each.context_expr, value) if isinstance(value, Box) else value
            assign(run, each.optional_vars, entered)
    if not hides:
        return execute(run, node.body)
    layer = run.state
    run.state = State(layer)
    _, journal = run.record(lambda: execute(run, node.body))
    run.state.mix(journal, "an exception in a with block", run.key)
    layer.written.update(run.state.written)
    run.state = layer
    return False
