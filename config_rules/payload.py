"""What CloudFormation leaves in S3 for a hook: fetched, bounded, and read as what will be deployed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from scanner.json_object import as_object
from scanner.model import SmguardError
from scanner.template.document import settle
from scanner.template.template import Template
from scanner.value import unknown

_MOST_BYTES = 12_000_000
"""Two templates of 1 MB in JSON, and the resources of a change set before and after."""
_SECONDS = 10
_SUFFIXES = {
    "aws": r"amazonaws\.com",
    "aws-cn": r"amazonaws\.com\.cn",
    "aws-us-gov": r"amazonaws\.com",
    "aws-iso": r"c2s\.ic\.gov",
    "aws-iso-b": r"sc2s\.sgov\.gov",
    "aws-iso-e": r"cloud\.adc-e\.uk",
    "aws-iso-f": r"csp\.hci\.ic\.gov",
    "aws-eusc": r"amazonaws\.eu",
}
_S3 = r"https://([a-z0-9][a-z0-9.-]*\.)?s3(-fips)?(\.dualstack)?([.-][a-z]+(-[a-z]+)+-\d+)?\.{}/[!-~]*"
_LATER = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""What a change set has for values that only exist once it is executed."""
_HIDDEN = "****"
"""What it has for parameters with NoEcho."""

_MADE_UP = "the event is not CloudFormation's"


class Change(NamedTuple):
    """A resource that a change set creates or updates, with its properties then, where it tells them."""

    type: str
    properties: Mapping[str, Any] | None


def fetch(url: Any, partition: str) -> dict[str, Any]:
    """The JSON object at a presigned URL; raises SmguardError, which never shows the URL: it is a key."""
    suffix = _SUFFIXES.get(partition)
    if suffix is None or not isinstance(url, str) or not re.fullmatch(_S3.format(suffix), url):
        raise SmguardError("the payload is no https URL of S3 in this partition", _MADE_UP)
    import ssl
    from urllib.error import HTTPError
    from urllib.request import HTTPRedirectHandler, build_opener

    class Direct(HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            """S3 hands out what it is asked for, or fails."""

    try:
        with build_opener(Direct).open(url, timeout=_SECONDS) as answer:
            data = answer.read(_MOST_BYTES + 1)
    except HTTPError as error:
        error.close()
        raise SmguardError(f"the payload can't be fetched: S3 answers {error.code}", "try again") from None
    except (OSError, ssl.SSLError) as error:
        what = f"the payload can't be fetched: {type(error).__name__}"
        raise SmguardError(what, "the function needs a way to S3") from None
    if len(data) > _MOST_BYTES:
        raise SmguardError(f"the payload is larger than {_MOST_BYTES / 1e6:g} MB", "split the stack")
    found = as_object(data)
    if found is None:
        raise SmguardError("the payload is no JSON object", _MADE_UP)
    return found


def read_changes(listed: Any) -> dict[str, Change]:
    """What a change set creates or updates, by logical id; raises SmguardError."""
    changes: dict[str, Change] = {}
    entries: list[Any] = listed if isinstance(listed, list) else [None]
    try:
        for each in entries:
            if each["action"] != "DELETE":
                after = each.get("afterContext")
                properties = None if after is None else dict(json.loads(after).get("Properties") or {})
                changes[str(each["logicalResourceId"])] = Change(str(each["resourceType"]), properties)
    except (TypeError, LookupError, ValueError, AttributeError, RecursionError):
        raise SmguardError("the change set does not list its changes", _MADE_UP) from None
    return changes


def as_deployed(changes: Mapping[str, Change], template: Template) -> None:
    """Make a template what is deployed: no parameter has its default, what a change set tells holds."""
    template.given = dict.fromkeys(template.declarations)
    resources = template.resources = dict(template.resources)
    for name, change in changes.items():
        if change.properties is not None:
            raw = resources.get(name)
            body = {key: raw[key] for key in raw if key != "Condition"} if isinstance(raw, dict) else {}
            properties = _settled(change.properties, settle(body.get("Properties"), template.pick))
            resources[name] = {**body, "Type": change.type, "Properties": properties}


def _settled(after: Any, raw: Any) -> Any:
    """A value of a change set, where all are text; if it is known only later, what the template has there."""
    if isinstance(after, dict):
        plain = isinstance(raw, dict) and not any(key == "Ref" or key[:4] == "Fn::" for key in raw)
        return {key: _settled(value, raw.get(key) if plain else None) for key, value in after.items()}
    if isinstance(after, list):
        beside = raw if isinstance(raw, list) and len(raw) == len(after) else [None] * len(after)
        return [_settled(value, other) for value, other in zip(after, beside, strict=True)]
    if isinstance(after, str) and (_LATER in after or after == _HIDDEN):
        return (
            unknown("what is known only when the change set is executed", filled=True) if raw is None else raw
        )
    return {"true": True, "false": False}.get(after, after) if isinstance(after, str) else after
