"""Calls that a resource makes: a schedule by its universal target, and the CDK's AwsCustomResource."""

from __future__ import annotations

import re
from typing import Any

from scanner.requests.operation import name_of
from scanner.requests.text import as_sub
from scanner.requests.writer import Dialect, Writer

_TARGET = re.compile(r":scheduler:[^:]*:[^:]*:aws-sdk:sagemaker:((?:create|update)\w+)$", re.IGNORECASE)


def scheduled(target: Any, text: Any, writer: Writer) -> str:
    """The operation that asks SageMaker for something, in small letters; "" for other targets."""
    arn = as_sub(writer.settle(target.get("Arn"))) if isinstance(target, dict) else None
    found = _TARGET.search(arn[0]) if arn else None
    return found[1].lower() if found else ""


def write_scheduled(request: Any, target: Any, key: str, writer: Writer, condition: Any = None) -> None:
    """Write what the request at `target[key]` makes."""
    _write(scheduled(target, request, writer), request, target, key, writer, condition)


def is_custom(properties: Any, text: Any, writer: Writer) -> bool:
    """Does the text of a call of the SDK's speak of SageMaker?"""
    found = as_sub(text)
    return found is not None and "sagemaker" in found[0].lower()


def write_custom(call: Any, properties: Any, key: str, writer: Writer, condition: Any = None) -> None:
    """Write what a call makes: {"service": "SageMaker", "action": "createModel", "parameters": {…}}."""
    asked = call if isinstance(call, dict) else {}
    service, action = (str(writer.settle(asked.get(each))).lower() for each in ("service", "action"))
    if service.endswith("sagemaker"):
        request = writer.settle(asked.get("parameters", {}))
        _write(action.removesuffix("command"), request, properties, key, writer, condition)


def _write(operation: str, request: Any, holder: Any, key: str, writer: Writer, condition: Any) -> None:
    kind = writer.operations.get(operation)
    if kind is not None:
        made = writer.value(request, Dialect(writer.fill))
        change, noun = operation[:6] == "update", writer.types[kind]["create"][6:]
        name = name_of(f"{operation[:6].title()}{noun}", made if isinstance(made, dict) else {})
        writer.add(name, kind, holder, key, Dialect(writer.fill), condition, made, change)
