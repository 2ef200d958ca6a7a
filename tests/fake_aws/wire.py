"""How calls and answers travel: AWS's protocols, read and written by botocore's model of each service."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape

SERVICES = (
    *(
        "account",
        "cloudformation",
        "cloudtrail",
        "cloudwatch",
        "codeartifact",
        "codebuild",
        "config",
        "ec2",
        "iam",
        "kms",
        "lambda",
        "organizations",
        "resourcegroupstaggingapi",
    ),
    *("s3", "s3control", "sagemaker", "securityhub", "sts"),
)
XML = {"query", "ec2", "rest-xml"}


class AwsError(Exception):
    """An answer that says no."""

    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(code)
        self.code, self.message, self.status = code, message, status


class Reply(NamedTuple):
    """What goes over the wire."""

    status: int
    body: bytes
    content_type: str
    code: str | None = None
    """The error code, for the services that want it in a header."""


@cache
def model_of(service: str) -> ServiceModel:
    """The service as the installed botocore knows it.

    Read anew: where clients share what they have read, those of S3 take the bucket out of the paths in it.
    """
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


@cache
def service_of(signing_name: str) -> str:
    """The service that a signature names."""
    return {"monitoring": "cloudwatch", "tagging": "resourcegroupstaggingapi"}.get(signing_name, signing_name)


def protocol_of(model: ServiceModel) -> str:
    """The protocol that botocore chooses."""
    return str(getattr(model, "resolved_protocol", model.metadata["protocol"]))


def read(
    service: str, method: str, target: str, headers: Mapping[str, str], body: bytes
) -> tuple[OperationModel, dict[str, Any]]:
    """The operation that a request calls and its parameters."""
    model = model_of(service)
    protocol = protocol_of(model)
    if protocol == "json":
        return model.operation_model(headers["x-amz-target"].rpartition(".")[2]), json.loads(body or b"{}")
    if protocol in ("query", "ec2"):
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        operation = model.operation_model(form["Action"])
        return operation, _unflattened(operation.input_shape, "", form) or {}
    parts = urlsplit(target)
    for pattern, required, operation in _routes(service, method):
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if (found := pattern.fullmatch(parts.path)) and required <= query.keys():
            parameters = {name.replace("_", "-"): unquote(value) for name, value in found.groupdict().items()}
            if payload := operation.input_shape.serialization.get("payload"):
                body_members = {payload: body}
            else:
                body_members = json.loads(body) if body and protocol == "rest-json" else {}
            return operation, {**_by_location(operation, query), **parameters, **body_members}
    raise AwsError("UnknownOperationException", f"{method} {parts.path}", 404)


@cache
def _routes(service: str, method: str) -> list[tuple[re.Pattern[str], set[str], OperationModel]]:
    """The operations of a REST service, those that ask for more in the query first."""
    model = model_of(service)
    routes = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        if operation.http["method"] != method:
            continue
        path, _, query = operation.http["requestUri"].partition("?")
        words = re.split(r"(\{[^}]+\})", path.rstrip("/") or "/")
        pattern = "".join(
            f"(?P<{word[1:-1].rstrip('+')}>{'.+' if '+' in word else '[^/]+'})" if word[:1] == "{" else word
            for word in words
        )
        required = {part.partition("=")[0] for part in query.split("&") if part}
        routes.append((re.compile(f"{pattern}/?"), required, operation))
    return sorted(routes, key=lambda route: (-len(route[1]), -len(route[0].pattern)))


def _by_location(operation: OperationModel, query: Mapping[str, str]) -> dict[str, str]:
    shape = operation.input_shape
    names = {
        sub.serialization.get("name", name): name for name, sub in (shape.members if shape else {}).items()
    }
    return {names[key]: value for key, value in query.items() if key in names}


def _unflattened(shape: Shape | None, prefix: str, form: Mapping[str, str]) -> Any:
    """`Filter.1.Name=x` as [{"Name": "x"}]; None where the form has nothing of it."""
    if shape is None or not any(
        key == prefix or key.startswith(f"{prefix}." if prefix else "") for key in form
    ):
        return None
    if shape.type_name == "structure":
        found = {}
        for name, sub in shape.members.items():
            called = sub.serialization.get("queryName") or _capital(sub.serialization.get("name", name))
            for word in (called, name):
                value = _unflattened(sub, f"{prefix}.{word}".lstrip("."), form)
                if value is not None:
                    found[name] = value
        return found
    if shape.type_name == "list":
        inner = f".{shape.member.serialization.get('name', 'member')}"
        inner = inner if any(key.startswith(f"{prefix}{inner}.") for key in form) else ""
        items: list[Any] = []
        while (value := _unflattened(shape.member, f"{prefix}{inner}.{len(items) + 1}", form)) is not None:
            items.append(value)
        return items
    text = form.get(prefix)
    if shape.type_name == "boolean":
        return text == "true"
    return int(text) if text and shape.type_name in ("integer", "long") else text


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def check(operation: OperationModel, parameters: Mapping[str, Any]) -> None:
    """Refuse words and numbers that AWS refuses: boto3 sends them as they are."""
    shape = operation.input_shape
    for name, value in parameters.items():
        sub = shape.members.get(name) if shape else None
        if sub is None:
            continue
        if isinstance(value, str) and getattr(sub, "enum", None) and value not in sub.enum:
            raise AwsError("ValidationException", f"{name} may be one of {', '.join(sub.enum)}")
        if isinstance(value, int) and value > sub.metadata.get("max", value):
            raise AwsError("ValidationException", f"{name} may be at most {sub.metadata['max']}")


def write(operation: OperationModel, answer: Mapping[str, Any]) -> Reply:
    """A good answer."""
    model, shape = operation.service_model, operation.output_shape
    protocol = protocol_of(model)
    if protocol not in XML:
        return Reply(
            200, json.dumps(answer, default=_plain).encode(), f"application/x-amz-json-{_version(model)}"
        )
    inner = _children(answer, shape) if shape else ""
    if protocol == "query" and shape and (wrapper := shape.serialization.get("resultWrapper")):
        inner = f"<{wrapper}>{inner}</{wrapper}>"
    root = shape.name if shape and protocol == "rest-xml" else f"{operation.name}Response"
    if protocol == "rest-xml" and shape and (payload := shape.serialization.get("payload")):
        if shape.members[payload].type_name == "string":
            return Reply(200, str(answer.get(payload, "{}")).encode(), "text/plain")
        root, inner = payload, _children(answer.get(payload, {}), shape.members[payload])
    space = model.metadata.get("xmlNamespace", "")
    text = f'<{root} xmlns="{space}">{inner}<RequestId>0</RequestId></{root}>'
    return Reply(200, text.encode(), "text/xml")


def refuse(service: str, error: AwsError) -> Reply:
    """The answer that says no, as the service's protocol has it."""
    model = model_of(service)
    protocol = protocol_of(model)
    if protocol not in XML:
        name = "Message" if protocol == "rest-json" else "message"
        body = json.dumps({"__type": error.code, name: error.message}).encode()
        return Reply(error.status, body, f"application/x-amz-json-{_version(model)}", error.code)
    inner = f"<Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
    text = {
        "query": f"<ErrorResponse><Error><Type>Sender</Type>{inner}</Error></ErrorResponse>",
        "ec2": f"<Response><Errors><Error>{inner}</Error></Errors></Response>",
        "rest-xml": f"<Error>{inner}</Error>",
    }[protocol]
    return Reply(error.status, text.encode(), "text/xml", error.code)


def _version(model: ServiceModel) -> str:
    return str(model.metadata.get("jsonVersion", "1.1"))


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.timestamp()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else dict(value)


def _children(value: Mapping[str, Any], shape: Shape) -> str:
    return "".join(
        _element(sub.serialization.get("name", name), value[name], sub)
        for name, sub in shape.members.items()
        if value.get(name) is not None
    )


def _element(name: str, value: Any, shape: Shape) -> str:
    if shape.type_name == "list":
        flat = shape.serialization.get("flattened")
        called = name if flat else shape.member.serialization.get("name", "member")
        inner = "".join(_element(called, item, shape.member) for item in value)
        return inner if flat else f"<{name}>{inner}</{name}>"
    if shape.type_name == "structure":
        return f"<{name}>{_children(value, shape)}</{name}>"
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, datetime):
        value = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"<{name}>{escape(str(value))}</{name}>"
