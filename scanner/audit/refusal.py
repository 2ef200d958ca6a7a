"""What it means that a call failed: AWS's error codes and botocore's exceptions as kinds of Fault."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple


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
    ("missing", r"ResourceNotFound|NoSuch(Entity|Bucket|Key)|^NotFoundException"),
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

    botocore drops members that its model doesn't have yet, which would make a setting absent that is not:
    they are kept for `complete`.
    """
    service = operation_model.service_model
    protocol = getattr(service, "resolved_protocol", None) or service.protocol
    if protocol == "json" and response_dict["status_code"] < 300:
        whole = json.loads(response_dict["body"])
        if not isinstance(whole, dict):
            raise ValueError("the answer is no JSON object")
        customized_response_dict[_WHOLE] = whole


_WHOLE = "\0whole"


def complete(answer: dict[str, Any]) -> dict[str, Any]:
    """The parsed answer, with what botocore's model does not know as it came."""
    answer.pop("ResponseMetadata", None)
    _complete(answer, answer.pop(_WHOLE, {}))
    return answer


def _complete(parsed: Any, whole: Any) -> None:
    if isinstance(parsed, dict):
        for name, value in whole.items():
            known = parsed.get(name)
            if isinstance(known, dict | list):
                _complete(known, value)
            elif value is not None and name not in parsed:
                parsed[name] = value
    elif isinstance(parsed, list):
        if not isinstance(whole, list):
            # botocore takes a mapping for a list of its keys, and an empty one for an empty list.
            raise TypeError("the answer has another shape")
        for each, value in zip(parsed, whole, strict=True):
            _complete(each, value)


def fits(value: Any, shape: Any) -> bool:
    """Whether a member of an answer has its type, a list also in what it lists; None never does."""
    kinds = {"structure": dict, "map": dict, "list": list, "string": str}
    if shape is None or shape.type_name not in kinds:
        return value is not None
    if not isinstance(value, kinds[shape.type_name]):
        return False
    return shape.type_name != "list" or all(fits(each, shape.member) for each in value)
