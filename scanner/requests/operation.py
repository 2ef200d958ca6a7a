"""Which type an API request makes: by its operation, by the step of a pipeline, and by a file's name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

Types = Mapping[str, Mapping[str, Any]]
"""What `_types.yaml` says of each resource type."""


def types_by_operation(types: Types) -> dict[str, str]:
    """Operation as botocore names it ("CreateTrainingJob") -> the type whose shape its input has."""
    return {body["create"]: kind for kind, body in types.items() if "create" in body}


def types_by_step(types: Types) -> dict[str, str]:
    """Type of a pipeline's step ("Training") -> the type that its arguments make."""
    return {step: kind for kind, body in types.items() for step in body.get("steps") or ()}


def operation_in_name(operations: Iterable[str], path: str) -> str | None:
    """The operation that a file's name holds, as create-training-job.json does; the longest of several."""
    name = _plain(path.replace("\\", "/").rpartition("/")[2])
    return max((each for each in operations if _plain(each) in name), key=len, default=None)


def name_of(operation: str, request: Mapping[str, Any]) -> str:
    """What a request calls the thing that it makes; its operation where that is not plain to see."""
    noun = re.sub(r"^Create|V2$", "", operation)
    name = request.get(f"{noun}Name") or request.get("Name")
    return name if isinstance(name, str) else operation


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
