"""Which type an API request makes: by its operation, by the step of a pipeline, and by a file's name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from scanner.value import LEFT, REST, Partial, rest_of, unknown

Types = Mapping[str, Mapping[str, Any]]
"""What `_types.yaml` says of each resource type."""


def types_by_operation(types: Types) -> dict[str, str]:
    """Operation as botocore names it ("CreateTrainingJob") -> the type that it makes or, in part, changes."""
    made = {body["create"]: kind for kind, body in types.items() if "create" in body}
    return made | {f"Update{name[6:]}": kind for name, kind in made.items() if "update" in types[kind]}


def as_change(request: Any, update: Mapping[str, Any], marks: Any = None) -> Any:
    """An update's request, in place, as properties: those that it leaves are in `LEFT`.

    `update` is what `_types.yaml` says of it; `marks` where the entries of containers stand, by their ids.
    """
    if type(request) is not dict or _is_function(request):
        request = {REST: request if type(request) is Partial else unknown("a function")}
    given, own, hidden = dict(request), (marks or {}).get(id(request)) or {}, rest_of(request)
    request.clear()
    for name in update["gives"]:
        parameter = update.get("renames", {}).get(name, name)
        if parameter in given or hidden is not None:
            request[name] = given.get(parameter, hidden)
            own.update({name: own[parameter]} if parameter in own else {})
    whole = {name: request.pop(name) for name in update.get("whole", ()) if name in request}
    _leave(request, set())
    request.update(whole)
    return request


def _is_function(value: dict[str, Any]) -> bool:
    return any(name == "Ref" or (name[:4] == "Fn::" and name != REST) for name in value)


def _leave(value: Any, seen: set[int]) -> None:
    """Let all mappings below a value hold what is left as it is; empty ones give nothing."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if type(value) is dict:
        if _is_function(value):
            _leave(value.get("Fn::If"), seen)
            return
        for name, child in list(value.items()):
            _leave(child, seen)
            if child == {REST: LEFT}:
                del value[name]
        value.setdefault(REST, LEFT)
    elif isinstance(value, list | tuple) and type(value) is not Partial:
        for child in value:
            _leave(child, seen)


def types_by_step(types: Types) -> dict[str, str]:
    """Type of a pipeline's step ("Training") -> the type that its arguments make."""
    return {step: kind for kind, body in types.items() for step in body.get("steps") or ()}


def operation_in_name(operations: Iterable[str], path: str) -> str | None:
    """The operation that a file's name holds, as create-training-job.json does; the longest of several."""
    name = _plain(path.replace("\\", "/").rpartition("/")[2])
    return max((each for each in operations if _plain(each) in name), key=len, default=None)


def name_of(operation: str, request: Mapping[str, Any]) -> str:
    """What a request calls the thing that it makes; its operation where that is not plain to see."""
    name = next((request[key] for key in names_of(operation) if request.get(key)), None)
    return name if isinstance(name, str) else operation


def names_of(operation: str) -> tuple[str, ...]:
    """The parameters that may name what an operation makes or changes."""
    noun = re.sub(r"^(Create|Update)|V2$", "", operation)
    return f"{noun}Name", "Name", f"{noun}Id", f"{noun}Arn", "Arn", "DomainId"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())
