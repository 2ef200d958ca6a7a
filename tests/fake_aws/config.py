"""AWS Config, as far as rules need it, and the Lambda that runs them."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any

from tests.fake_aws.call import Call
from tests.fake_aws.shelf import moment
from tests.fake_aws.wire import AwsError

if TYPE_CHECKING:
    from tests.fake_aws.services import Services


def evaluated(services: Services, call: Call) -> dict[str, Any]:
    """PutEvaluations: kept, and shown if no later one is known."""
    evaluations = call.parameters.get("Evaluations", [])
    if len(evaluations) > 100 or any(
        not 1 <= len(each.get("Annotation", "-")) <= 256 for each in evaluations
    ):
        raise AwsError("ValidationException", "at most 100 evaluations, annotations of 1 to 256 characters")
    if any(each["ComplianceType"] == "INSUFFICIENT_DATA" for each in evaluations):
        raise AwsError("InvalidParameterValueException", "INSUFFICIENT_DATA can't be put")
    failed = [each for each in evaluations if services.refuses(each)]
    if not call.parameters.get("TestMode"):
        taken = [each for each in evaluations if each not in failed]
        services.evaluations += taken
        for each in taken:
            rule = call.parameters["ResultToken"].partition(":")[2]
            key = (call.account, rule, each["ComplianceResourceType"], each["ComplianceResourceId"])
            before = services.compliance.get(key)
            if before is None or moment(before["OrderingTimestamp"]) <= moment(each["OrderingTimestamp"]):
                services.compliance[key] = each
    return {"FailedEvaluations": failed}


def details(services: Services, call: Call) -> dict[str, Any]:
    """GetComplianceDetailsByConfigRule."""
    rule = call.parameters["ConfigRuleName"]
    return _rows(services, call, lambda key: key[1] == rule, int(call.parameters.get("Limit", 10)))


def details_of_resource(services: Services, call: Call) -> dict[str, Any]:
    """GetComplianceDetailsByResource."""
    about = (call.parameters["ResourceType"], call.parameters["ResourceId"])
    return _rows(services, call, lambda key: key[2:] == about, 10)


def _rows(
    services: Services, call: Call, about: Callable[[tuple[str, ...]], bool], most: int
) -> dict[str, Any]:
    wanted = call.parameters.get("ComplianceTypes")
    start = int(call.parameters.get("NextToken", 0))
    rows: list[dict[str, Any]] = []
    more = {}
    for number, (key, each) in enumerate(islice(services.compliance.items(), start, None), start):
        if key[0] != call.account or not about(key) or (wanted and each["ComplianceType"] not in wanted):
            continue
        if len(rows) == most:
            more = {"NextToken": str(number)}
            break
        qualifier = {"ConfigRuleName": key[1], "ResourceType": key[2], "ResourceId": key[3]}
        at = moment(each["OrderingTimestamp"])
        identifier = {"EvaluationResultQualifier": qualifier, "OrderingTimestamp": at}
        rows.append({"EvaluationResultIdentifier": identifier, "ComplianceType": each["ComplianceType"]})
    return {"EvaluationResults": rows, **more}


def history(services: Services, call: Call) -> dict[str, Any]:
    """GetResourceConfigHistory."""
    key = (call.parameters["resourceType"], call.parameters["resourceId"])
    if key not in services.history:
        raise AwsError("ResourceNotDiscoveredException", "it is not recorded")
    return {"configurationItems": [services.history[key]]}


def invoked(services: Services, call: Call) -> dict[str, Any]:
    """Invoke of Lambda: the payload is kept."""
    if len(call.parameters["Payload"]) > 256 * 1024:
        raise AwsError("RequestTooLargeException", "an event may have 256 KB", 413)
    services.invoked.append(json.loads(call.parameters["Payload"]))
    return {}
