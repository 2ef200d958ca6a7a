"""Events as AWS Config sends them, and Lambda as far as the handler sees it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from config_rules.handler import Failed, handle
from scanner import catalog
from tests.fake_aws import Fake

ACCOUNT, REGION = "111122223333", "us-east-1"
AT = "2026-11-20T10:00:00.000Z"
SAGEMAKER = "AWS::SageMaker::"


class Context:
    """What Lambda hands over. `asks`: so many looks at the clock until the time is up; None: it never is."""

    def __init__(self, asks: int | None = None, account: str = ACCOUNT) -> None:
        self.invoked_function_arn = f"arn:aws:lambda:{REGION}:{account}:function:smguard"
        self.asks = asks

    def get_remaining_time_in_millis(self) -> int:
        if self.asks is None:
            return 900_000
        self.asks -= 1
        return 900_000 if self.asks >= 0 else 0


def item(type_name: str, name: str, configuration: Any, **changes: Any) -> dict[str, Any]:
    """A configuration item as a notification has it."""
    noun = type_name.rpartition("::")[2]
    return {
        "relatedEvents": [],
        "relationships": [],
        "configuration": configuration,
        "supplementaryConfiguration": {},
        "tags": {},
        "configurationItemVersion": "1.3",
        "configurationItemCaptureTime": AT,
        "configurationStateId": 1763632800000,
        "awsAccountId": ACCOUNT,
        "configurationItemStatus": "OK",
        "resourceType": type_name,
        "resourceId": name,
        "resourceName": name,
        "ARN": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{noun.lower()}/{name.lower()}",
        "awsRegion": REGION,
        "availabilityZone": "Not Applicable",
        "configurationStateMd5Hash": "",
        "resourceCreationTime": AT,
        **changes,
    }


def event(told: Mapping[str, Any], control: str, parameters: Any = None, **changes: Any) -> dict[str, Any]:
    """An event around what Config tells: texts of JSON in it, as they come."""
    given = {"control": control, **(parameters or {})}
    name = f"sagemaker-{control.partition(',')[0]}"
    return {
        "version": "1.0",
        "invokingEvent": json.dumps(told),
        "ruleParameters": json.dumps(given),
        "resultToken": f"token:{name}",
        "eventLeftScope": False,
        "executionRoleArn": f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/config.amazonaws.com/Config",
        "configRuleArn": f"arn:aws:config:{REGION}:{ACCOUNT}:config-rule/config-rule-abcdef",
        "configRuleName": name,
        "configRuleId": "config-rule-abcdef",
        "accountId": ACCOUNT,
        **changes,
    }


def changed(recorded: Mapping[str, Any], control: str, parameters: Any = None, **changes: Any) -> Any:
    """A ConfigurationItemChangeNotification."""
    told = {
        "configurationItemDiff": None,
        "configurationItem": recorded,
        "notificationCreationTime": AT,
        "messageType": "ConfigurationItemChangeNotification",
        "recordVersion": "1.3",
    }
    return event(told, control, parameters, **changes)


def oversized(recorded: Mapping[str, Any], control: str, **changes: Any) -> Any:
    """An OversizedConfigurationItemChangeNotification about an item that is too large."""
    left_out = ("configuration", "relationships", "relatedEvents", "tags", "supplementaryConfiguration")
    summary = {name: value for name, value in recorded.items() if name not in left_out}
    told = {
        "configurationItemSummary": {"changeType": "UPDATE", **summary},
        "s3DeliverySummary": {"s3BucketLocation": None, "errorCode": None, "errorMessage": None},
        "notificationCreationTime": AT,
        "messageType": "OversizedConfigurationItemChangeNotification",
        "recordVersion": "1.0",
    }
    return event(told, control, **changes)


def scheduled(control: str, parameters: Any = None, at: str = AT, **changes: Any) -> Any:
    """A ScheduledNotification."""
    told = {
        "awsAccountId": ACCOUNT,
        "notificationCreationTime": at,
        "messageType": "ScheduledNotification",
        "recordVersion": "1.0",
    }
    return event(told, control, parameters, **changes)


def compliance(fake: Fake, control: str, account: str = ACCOUNT) -> dict[tuple[str, str], str]:
    """What Config shows of a rule: (type without its service, id) -> compliance."""
    return {
        (kind.removeprefix(SAGEMAKER), name): each["ComplianceType"]
        for (of, rule, kind, name), each in fake.services.compliance.items()
        if (of, rule) == (account, f"sagemaker-{control.partition(',')[0]}")
    }


def annotations(fake: Fake) -> list[str]:
    return [each["Annotation"] for each in fake.services.evaluations]


def failing(given: Any, context: Any = None) -> str:
    """Why an invocation fails, which it must."""
    try:
        handle(given, context or Context())
    except Failed as error:
        return str(error)
    raise AssertionError("it did not fail")


CONTROLS = [control.id for control in catalog.load().controls]
