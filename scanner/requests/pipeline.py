"""SageMaker pipeline definitions: the jobs and models that their steps make."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from scanner.requests.operation import Types, types_by_step
from scanner.requests.writer import Dialect, Writer, refer
from scanner.template.document import shown
from scanner.value import unknown

VERSION = "2020-12-01"
_MAKES_NOTHING = frozenset(
    [
        "Callback",
        "Cleanup",
        "Condition",
        "EMR",
        "EMRServerless",
        "Fail",
        "ForEach",
        "Lambda",
        "Lineage",
    ]
)
"""Types of steps whose arguments are no request that a control looks at; steps may be inside."""
_OWN_EXPERIMENT = {
    "ExperimentName": {"Get": "Execution.PipelineName"},
    "TrialName": {"Get": "Execution.PipelineExecutionId"},
}
"""What SageMaker takes where a definition says nothing of PipelineExperimentConfig; null is for none."""
_IN_EXPERIMENTS = frozenset(f"AWS::SageMaker::{kind}Job" for kind in ("Processing", "Training", "Transform"))
"""Types of jobs that are put into the pipeline's experiment."""
_KINDS = {"Integer": "Number", "Float": "Number"}
_STEP = re.compile(r"Steps\.([^.\[\]]+)\.?(.*)", re.DOTALL)


class Step(NamedTuple):
    """One step as the resource that it makes; what is not known in `properties` is a `Partial`."""

    type: str
    name: str
    properties: Any


def write(definition: Any, holder: Any, key: Any, writer: Writer, condition: Any = None) -> None:
    """Write what the steps of the definition at `holder[key]` make."""
    definition = definition if isinstance(definition, dict) else {}
    steps = writer.settle(definition.get("Steps"))
    if not isinstance(steps, list):
        writer.gap(holder, key, "the pipeline's definition has no list of steps")
        return
    _declare(writer.settle(definition.get("Parameters")), writer)
    experiment = writer.settle(definition.get("PipelineExperimentConfig", _OWN_EXPERIMENT))
    _Steps(writer, steps, experiment).write(steps, condition)


def steps(definition: Any, types: Types, write: Callable[..., None] = write) -> tuple[list[Step], list[str]]:
    """What the steps of a parsed definition make, and in words what can't be looked at in it.

    `write` writes what its kind of definition makes: `states.write` for a state machine.
    Parameters are unknown inputs with their declaration as domain. `types` are the catalog's.
    """
    from scanner.template.template import Template
    from scanner.template.view import View
    from scanner.world import World

    template = Template({}, {}, "", given={}, settled=False)
    writer = Writer(template, types)
    write(definition, definition, "Steps", writer)
    writer.finish()
    view = View(template, World([], as_written=False))
    found = [
        Step(body["Type"], name, plain(view, body.get("Properties")))
        for name, body in writer.resources.items()
    ]
    return found, [gap.what for gap in writer.gaps]


def plain(view: Any, raw: Any) -> Any:
    """Resolve all the way down."""
    value = view.resolve(raw)
    if isinstance(value, dict):
        return {key: plain(view, child) for key, child in value.items()}
    return [plain(view, child) for child in value] if isinstance(value, list) else value


def _declare(parameters: Any, writer: Writer) -> None:
    """Declare the parameters as a template would; what is not plain in a declaration is taken as not said."""
    dialect = Dialect(writer.fill)
    for number, raw in enumerate(parameters if isinstance(parameters, list) else ()):
        raw = writer.settle(raw)
        if not isinstance(raw, dict):
            continue
        name, kind = writer.settle(raw.get("Name")), writer.settle(raw.get("Type"))
        if isinstance(name, str):
            default, allowed = (writer.value(raw.get(it), dialect) for it in ("DefaultValue", "EnumValues"))
            allowed = ["true", "false"] if kind == "Boolean" else allowed
            kind = _KINDS.get(kind, "String") if isinstance(kind, str) else "String"
            body = {"Type": kind, "Default": default, "AllowedValues": allowed}
            writer.declare(name, body, parameters, number)


class _Steps:
    def __init__(self, writer: Writer, listed: list[Any], experiment: Any = None) -> None:
        self.writer = writer
        self.experiment = experiment
        self.by_step = types_by_step(writer.types)
        self.dialect = Dialect(writer.fill, self.read)
        self.types: dict[str, str] = {}
        """Name of a step -> the type it makes, also of those that are yet to come."""
        self.note(listed)

    def note(self, listed: list[Any]) -> None:
        for raw in listed:
            for step, _ in self.writer.branches(raw):
                if isinstance(step, dict):
                    name, kind = (self.writer.settle(step.get(field)) for field in ("Name", "Type"))
                    if isinstance(name, str) and isinstance(kind, str):
                        self.types[name] = self.by_step.get(kind, "")
                    for below in self.inner(step):
                        self.note(below)

    def write(self, listed: list[Any], condition: Any) -> None:
        writer = self.writer
        for number, raw in enumerate(listed):
            for step, when in writer.branches(raw, condition):
                fields = step if isinstance(step, dict) else {}
                name, kind = writer.settle(fields.get("Name")), writer.settle(fields.get("Type"))
                if not isinstance(name, str) or not isinstance(kind, str):
                    writer.gap(listed, number, "a step of the pipeline has no plain name and type")
                elif kind in self.by_step:
                    made, request = self.by_step[kind], None
                    if made in _IN_EXPERIMENTS and self.experiment is not None:
                        request = writer.value(step.get("Arguments"), self.dialect)
                        if isinstance(request, dict):
                            of_pipeline = writer.value(self.experiment, self.dialect)
                            request.setdefault("ExperimentConfig", of_pipeline)
                    writer.add(name, made, step, "Arguments", self.dialect, when, request)
                elif kind == "Job":
                    what = f"the step {shown(name)} makes a job by a document that no control looks at"
                    writer.gap(step, "Type", what, "look at it yourself: its schema is that of its category")
                elif kind not in _MAKES_NOTHING:
                    what = f"the step {shown(name)} is of the type {shown(kind)}, which is not known here"
                    writer.gap(step, "Type", what, "a newer release may know it")
                for below in self.inner(fields):
                    self.write(below, when)

    def inner(self, step: Mapping[str, Any]) -> Iterator[list[Any]]:
        """The lists of steps in a step that makes nothing itself."""
        if self.writer.settle(step.get("Type")) not in _MAKES_NOTHING:
            return
        arguments = self.writer.settle(step.get("Arguments"))
        for key, raw in arguments.items() if isinstance(arguments, dict) else ():
            listed = self.writer.settle(raw)
            if key in ("IfSteps", "ElseSteps", "ForEachBody") and isinstance(listed, list):
                yield listed

    def read(self, name: str, body: Any) -> Any:
        """What an expression of a pipeline stands for; None for what is none."""
        if name == "Get" and isinstance(body, str):
            return self.get(body)
        if name == "Std:Join" and isinstance(body, dict):
            on, values = (self.writer.settle(body.get(field)) for field in ("On", "Values"))
            if isinstance(values, list):
                listed = [self.writer.value(value, self.dialect) for value in values]
                return {"Fn::Join": [on if isinstance(on, str) else "", listed]}
        if name == "Std:JsonGet" and isinstance(body, dict):
            path = body.get("Path")
            return refer(f"Std:JsonGet {path}" if isinstance(path, str) else name)
        return unknown(name) if name[:4] == "Std:" or name == "Get" else None

    def get(self, text: str) -> Any:
        space, _, name = text.partition(".")
        if space == "Parameters":
            declared = self.writer.prefix + name
            known = declared in self.writer.parameters
            return {"Ref": declared} if known else refer(f"the undeclared pipeline parameter {name}")
        found = _STEP.fullmatch(text)
        kind = self.types.get(found[1]) if found else None
        if found and kind:
            return unknown(shown(f"Get {text}", 100), (kind, self.writer.prefix + found[1], found[2]))
        return unknown(shown(f"Get {text}", 100), filled=True)
