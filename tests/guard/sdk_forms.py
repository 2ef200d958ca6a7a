"""Requests as calls of the SageMaker SDK, written by what `rules/_sdk.yaml` says of its keywords."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from botocore import xform_name
from botocore.session import get_session

from scanner.code.sdk import in_camel_case, load
from tests.guard.calls import Asked

TABLE = load()
CLASSES = {
    "sdk2": {
        "AutoMLJob": "sagemaker.automl.automl:AutoML",
        "Model": "sagemaker.model:Model",
        "ProcessingJob": "sagemaker.processing:Processor",
        "TrainingJob": "sagemaker.estimator:Estimator",
        "TransformJob": "sagemaker.transformer:Transformer",
    },
    "sdk3": {"TrainingJob": "sagemaker.train:ModelTrainer"},
}
"""Version -> noun of a type -> where the class is that makes one."""
_MODULES = {"sdk2": "sagemaker.network", "sdk3": "sagemaker.train.configs"}
_CHOSEN = {
    "OutputDataConfig.S3OutputPath": "s3://example-ml-data/out",
    "PrimaryContainer.Image": "own:1",
    "ResourceConfig.InstanceCount": 1,
    "ResourceConfig.InstanceType": "ml.m5.large",
    "TransformOutput.S3OutputPath": "s3://example-ml-data/out",
}
_SERVICE = get_session().get_service_model("sagemaker")
_MISSING: Any = object()


def as_class(form: str, asked: Asked) -> tuple[str, dict[str, Any]] | None:
    """A program that makes the object which stands for a request, and the request that it says.

    It has what the SDK asks for besides, and lacks what no keyword sets. None where there is no such class.
    """
    noun = asked.kind.rpartition("::")[2]
    if noun not in CLASSES[form]:
        return None
    module, _, name = CLASSES[form][noun].partition(":")
    entry, kept, holders = TABLE[name], dict[str, Any](), set[str]()
    given = deepcopy(asked.parameters)
    groups = any(key in given.get("ResourceConfig", {}) for key in ("InstanceGroups", "InstancePreferences"))
    for path in (*entry.get("otherwise", ()), *entry.get("always", ())):
        if groups and path.startswith("ResourceConfig."):
            continue  # it chooses none beside them
        if _at(given, path) is _MISSING and path in _CHOSEN:
            _put(given, path, _CHOSEN[path])  # what the SDK would choose is said
    text = _construct(name, given, kept, holders)
    used = "".join(f"from {_MODULES[form]} import {each}\n" for each in sorted(holders))
    return f"from {module} import {name}\n{used}\nS = {text}\n", kept


def _construct(name: str, given: Mapping[str, Any], kept: dict[str, Any], holders: set[str]) -> str:
    """The call of a class; what it says is put into `kept`."""
    words = []
    for keyword, path in TABLE[name].get("keywords", {}).items():
        value = _at(given, path)
        if value is _MISSING or "[" in path or keyword.startswith(("_", "self.", "train_", "instance_pref")):
            continue
        holder = "".join(word.capitalize() for word in keyword.split("_"))
        if holder in TABLE and isinstance(value, dict):
            inner: dict[str, Any] = {}
            text = _construct(holder, value, inner, holders)
            if not inner:
                continue
            holders.add(holder)
            value = inner
        else:
            text = repr(value)
        _put(kept, path, value)
        words.append(f"{keyword}={text}")
    return f"{name}({', '.join(words)})"


def _at(given: Any, path: str) -> Any:
    for step in path.split(".") if path else ():
        if not isinstance(given, dict) or step not in given:
            return _MISSING
        given = given[step]
    return given


def _put(kept: dict[str, Any], path: str, value: Any) -> None:
    *steps, last = path.split(".") if path else [""]
    for step in steps:
        kept = kept.setdefault(step, {})
    if last and not isinstance(kept.get(last), dict):
        kept[last] = value
    else:
        (kept.setdefault(last, {}) if last else kept).update(value)


def as_resource(asked: Asked) -> str | None:
    """A program with the generated class of version 3 that sends a request; None where names don't fit."""
    shape = _SERVICE.operation_model(asked.operation).input_shape
    noun, used = asked.operation[6:], set[str]()
    call = "create" if asked.operation[:6] == "Create" else "get(name='x').update"
    text = _generated(shape, asked.parameters, used)
    if text is None:
        return None
    shapes = f"from sagemaker.core.shapes import {', '.join(sorted(used))}\n" if used else ""
    return f"from sagemaker.core.resources import {noun}\n{shapes}\n{noun}.{call}({text})\n"


def _generated(shape: Any, value: Mapping[str, Any], used: set[str]) -> str | None:
    words = []
    for key, each in value.items():
        word = xform_name(key)
        text = _value(shape.members.get(key), each, used)
        if text is None or [*in_camel_case({word: each})] != [key]:
            return None
        words.append(f"{word}={text}")
    return ", ".join(words)


def _value(shape: Any, value: Any, used: set[str]) -> str | None:
    if shape is not None and shape.type_name == "structure" and isinstance(value, dict):
        used.add(shape.name)
        text = _generated(shape, value, used)
        return None if text is None else f"{shape.name}({text})"
    if shape is not None and shape.type_name == "list" and isinstance(value, list):
        items = [_value(shape.member, each, used) for each in value]
        return None if None in items else f"[{', '.join(map(str, items))}]"
    return repr(value)
