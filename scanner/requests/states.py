"""State machines in the Amazon States Language: the SageMaker requests that their tasks send."""

from __future__ import annotations

import re
from typing import Any

from scanner.requests.text import as_sub
from scanner.requests.writer import Dialect, Writer, refer
from scanner.template.document import shown
from scanner.value import unknown

_TASK = re.compile(r":states:[^:]*:[^:]*:(?:aws-sdk:)?sagemaker:((?:create|update)[A-Za-z0-9]+)")


def write(definition: Any, holder: Any, key: Any, writer: Writer, condition: Any = None) -> None:
    """Write what the tasks of the state machine at `holder[key]` make."""
    states = writer.settle(definition.get("States")) if isinstance(definition, dict) else None
    if not isinstance(states, dict):
        writer.gap(holder, key, "the state machine has no mapping of states")
        return
    for name, raw in states.items():
        for state, when in writer.branches(raw, condition):
            if not isinstance(state, dict):
                writer.gap(states, name, f"the state {shown(name)} is no mapping")
                continue
            _write_task(name, state, writer, when)
            for field in ("Iterator", "ItemProcessor"):
                if field in state:
                    below = writer.settle(state[field])
                    write(below, state, field, writer, when)
            branches = writer.settle(state.get("Branches"))
            for number, below in enumerate(branches if isinstance(branches, list) else ()):
                write(writer.settle(below), branches, number, writer, when)


def _write_task(name: str, state: dict[str, Any], writer: Writer, condition: Any) -> None:
    resource = as_sub(writer.settle(state.get("Resource")))
    found = _TASK.search(resource[0]) if resource else None
    if found is None or (kind := writer.operations.get(found[1].lower())) is None:
        return
    request: Any = None
    if "Parameters" in state:
        key, dialect = "Parameters", Dialect(writer.fill, paths=True)
    elif "Arguments" in state:
        key, dialect = "Arguments", Dialect(lambda text: _jsonata(text, writer))
    else:
        key, dialect, request = "Resource", Dialect(writer.fill), unknown("the input of the state")
    writer.add(name, kind, state, key, dialect, condition, request, change=found[1][:6] == "update")


def _jsonata(text: str, writer: Writer) -> Any:
    """A text of JSONata's, if it is an expression."""
    if text.startswith("{%") and text.rstrip().endswith("%}"):
        return refer(text)
    return writer.fill(text)
