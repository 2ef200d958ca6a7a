"""What AWS Config sends to a function, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from scanner.json_object import as_object
from scanner.model import SmguardError
from scanner.safe_text import inert

CHANGED = "ConfigurationItemChangeNotification"
OVERSIZED = "OversizedConfigurationItemChangeNotification"
SCHEDULED = "ScheduledNotification"
_BODIES = {CHANGED: "configurationItem", OVERSIZED: "configurationItemSummary", SCHEDULED: None}
_TIMES = {SCHEDULED: "notificationCreationTime"}
_ARN = re.compile(r"arn:(aws[a-z-]*):config:([a-z0-9-]{1,30}):(\d{12}):config-rule/", re.ASCII)
_HINT = "the event is not as AWS Config sends it"


class Notice(NamedTuple):
    """One notification. `body` is the configuration item or its summary, {} for a scheduled one."""

    kind: str
    body: Mapping[str, Any]
    at: datetime
    account: str
    region: str
    partition: str
    rule: str
    """Its name."""
    role: str | None
    """ARN of the role that Config has in the account."""
    token: str
    left_scope: bool
    checkpoint: Mapping[str, Any]
    """Where an earlier invocation has come to; {} at the beginning."""


def read_notice(event: Any) -> Notice:
    """What an event says. Raises SmguardError, without what the event holds, for one that makes no sense."""
    if not isinstance(event, Mapping):
        raise SmguardError("the event is no JSON object", _HINT)
    told = _object(event.get("invokingEvent"), "invokingEvent")
    kind = told.get("messageType")
    if kind not in _BODIES:
        raise SmguardError(f"the event's messageType {inert(repr(kind), 60)} is not known", _HINT)
    name = _BODIES[kind]
    body = _object(told.get(name), name) if name else {}
    if name:
        for each in ("resourceType", "resourceId", "configurationItemStatus"):
            if not isinstance(body.get(each), str) or not body[each]:
                raise SmguardError(f"{name} of the event has no {each}", _HINT)
    arn = _ARN.match(str(event.get("configRuleArn", "")))
    if arn is None:
        raise SmguardError("configRuleArn of the event is no ARN of a rule", _HINT)
    account = event.get("accountId") or body.get("awsAccountId") or told.get("awsAccountId")
    if not re.fullmatch(r"\d{12}", str(account), re.ASCII):
        raise SmguardError("accountId of the event is no account", _HINT)
    checkpoint = event.get("checkpoint") or {}
    return Notice(
        kind=kind,
        body=body,
        at=_time((body or told).get(_TIMES.get(kind, "configurationItemCaptureTime"))),
        account=str(account),
        region=arn[2],
        partition=arn[1],
        rule=str(event.get("configRuleName") or ""),
        role=event.get("executionRoleArn"),
        token=str(event.get("resultToken") or ""),
        left_scope=event.get("eventLeftScope") in (True, "true"),
        checkpoint=checkpoint if isinstance(checkpoint, Mapping) else {},
    )


def _object(value: Any, name: str) -> dict[str, Any]:
    found = as_object(value)
    if found is None:
        raise SmguardError(f"{name} of the event is no JSON object", _HINT)
    return found


def _time(value: Any) -> datetime:
    try:
        read = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise SmguardError("the event does not tell its time", _HINT) from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
