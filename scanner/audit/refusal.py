"""What it means that a call failed: AWS's error codes and botocore's exceptions as kinds of Fault."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import Any, NamedTuple

from scanner.audit.access import moment


class Refusal(NamedTuple):
    """Kind and code of a Fault, the operation that failed if it was not the one called, and what may help.

    `operation` is "AssumeRole" where a role could not be assumed; what is `transient` can be tried again.
    """

    kind: str
    code: str
    operation: str | None = None
    transient: bool = True


_CODES = (
    (
        "throttled",
        r"Throttl|TooManyRequests|RequestLimitExceeded|LimitExceededException|SlowDown|BandwidthLimit",
    ),
    ("expired", r"Expired|TokenRefreshRequired"),
    ("disabled", r"UnrecognizedClient|InvalidClientTokenId|AuthFailure|RegionDisabled|OptInRequired"),
    ("denied", r"AccessDenied|Unauthorized|NotAuthorized|AuthorizationError|Forbidden"),
    ("missing", r"ResourceNotFound|NoSuch(Entity|Bucket|Key)|^(Trail)?NotFoundException"),
    ("unsupported", r"UnknownOperation|InvalidAction"),
    ("failed", r"Signature|TimeTooSkewed"),
)
_GONE = re.compile(r"could not find|cannot find|not found|record ?not ?found|does not exist", re.I)
"""SageMaker says ValidationException where its model has no error for what is not there."""
_DENIED = re.compile(r"explicit deny|not authorized to perform", re.I)
_UNRESOLVED = re.compile(r"resolv|Errno -\d|getaddrinfo|not known", re.I)

_EXCEPTIONS = {
    "ResponseStreamingError": "malformed",
    "IncompleteReadError": "malformed",
    "HTTPClientError": "unreachable",
    "ConnectionError": "unreachable",
    "NoCredentialsError": "expired",
    "PartialCredentialsError": "expired",
    "CredentialRetrievalError": "expired",
    "TokenRetrievalError": "expired",
    "NoAuthTokenError": "expired",
    "SSOError": "expired",
    "LoginError": "expired",
    "BaseEndpointResolverError": "disabled",
    "EndpointProviderError": "disabled",
    "InvalidRegionError": "disabled",
    "DataNotFoundError": "unsupported",
    "BotoCoreError": "failed",
}


def refusal(error: Exception, operation: str) -> Refusal:
    """What `error`, raised by botocore in a call of `operation`, means. AWS's message is not kept."""
    names = [each.__name__ for each in type(error).__mro__]
    if "ClientError" in names:
        return _refused(error, operation)
    if "ParamValidationError" in names:
        if "Unknown parameter in input" in str(error):
            return Refusal("unsupported", "UnknownParameter")
        return Refusal("failed", "InvalidParameter", transient=False)
    cause = str(getattr(error, "kwargs", {}).get("error", ""))
    if "EndpointConnectionError" in names and _UNRESOLVED.search(cause):
        return Refusal("unreachable", "NameNotResolved")
    if "IncompleteRead" in f"{error} {cause}":
        return Refusal("malformed", "IncompleteRead")
    for name in names:
        if name in _EXCEPTIONS:
            return Refusal(_EXCEPTIONS[name], names[0])
    # botocore's parsers raise whatever comes of an answer in another shape than the model's.
    return Refusal("malformed", "UnreadableAnswer")


def _refused(error: Any, operation: str) -> Refusal:
    said = error.response.get("Error", {})
    code, message = str(said.get("Code", "")), str(said.get("Message", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    failing = error.operation_name if error.operation_name != operation else None
    if not code or code.isdigit():
        code = f"Http{status}"
    if status == 429:
        return Refusal("throttled", code, failing)
    for kind, pattern in _CODES:
        if re.search(pattern, code):
            return Refusal(kind, code, failing, transient=kind != "failed")
    reading = operation.startswith(("Describe", "Get"))
    if code == "ValidationException" and reading and failing is None and _GONE.search(message):
        return Refusal("missing", code)
    if status in (401, 403) or _DENIED.search(message):
        return Refusal("denied", code, failing)
    return Refusal("failed", code, failing, transient=status >= 500)


def checked_body(operation_model: Any, response_dict: Any, customized_response_dict: Any, **_: Any) -> None:
    """A hook before botocore parses an answer: JSON that can't be read is not silently an empty answer.

    botocore takes long for a page of descriptions and drops members that its model doesn't have yet, which
    would make a setting absent that is not: it gets nothing to parse, `complete` reads what came.
    """
    service = operation_model.service_model
    protocol = getattr(service, "resolved_protocol", None) or service.protocol
    body = response_dict["body"]
    if response_dict["status_code"] >= 300 or not isinstance(body, bytes):  # a stream
        return
    if _PAGE.match(body):
        raise ValueError("the answer is a page")  # which would be taken for XML that says nothing
    if protocol == "json":
        whole = json.loads(body)
        if not isinstance(whole, dict):
            raise ValueError("the answer is no JSON object")
        customized_response_dict[_WHOLE] = whole
        response_dict["body"] = b"{}"


_WHOLE = "\0whole"
_PAGE = re.compile(rb"\s*<(!doctype )?html", re.IGNORECASE)
_PLAIN = frozenset(("string", "integer", "long", "boolean", "float", "double"))


def complete(answer: dict[str, Any], shape: Any) -> dict[str, Any]:
    """The answer of an operation whose output has `shape`, with what the model does not know as it came."""
    answer.pop("ResponseMetadata", None)
    whole = answer.pop(_WHOLE, None)
    return answer if whole is None else dict(_read(whole, shape))


def _read(value: Any, shape: Any) -> Any:
    """JSON as botocore reads it. Raises what comes of another shape."""
    kind = shape.type_name if shape is not None and value is not None else ""
    if kind == "timestamp":
        return moment(value)
    if kind == "blob":
        return b64decode(value)
    if kind == "list":
        if type(value) is not list:
            raise TypeError("the answer has another shape")
        inner = shape.member  # made anew each time
        return [_read(each, inner) for each in value]
    if kind == "map":
        inner = shape.value
        return {name: _read(each, inner) for name, each in value.items()}
    if kind != "structure":
        return value
    members, found = shape.members, {}
    for name, below in value.items():
        if below is not None:
            known = members.get(name)
            found[name] = below if known is None or known.type_name in _PLAIN else _read(below, known)
    return found


def fits(value: Any, shape: Any) -> bool:
    """Whether a member of an answer has its type, a list also in what it lists; None never does."""
    kinds = {"structure": dict, "map": dict, "list": list, "string": str}
    if shape is None or shape.type_name not in kinds:
        return value is not None
    if not isinstance(value, kinds[shape.type_name]):
        return False
    return shape.type_name != "list" or all(fits(each, shape.member) for each in value)
