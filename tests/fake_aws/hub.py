"""Security Hub: what it takes of findings, and tells of those it has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.fake_aws.call import Call
from tests.fake_aws.wire import AwsError

if TYPE_CHECKING:
    from tests.fake_aws.services import Services


def imported(services: Services, call: Call) -> dict[str, Any]:
    findings = call.parameters["Findings"]
    if not 1 <= len(findings) <= 100:
        raise AwsError("InvalidInputException", "between 1 and 100 findings")
    failed = [
        {"Id": each["Id"], "ErrorCode": "InvalidInput", "ErrorMessage": "Finding is larger than 240 KB"}
        for each in findings
        if len(json.dumps(each)) > 240_000
    ]
    services.findings += [each for each in findings if each["Id"] not in {one["Id"] for one in failed}]
    return {"FailedCount": len(failed), "SuccessCount": len(findings) - len(failed), "FailedFindings": failed}


def known(services: Services, call: Call) -> dict[str, Any]:
    """The newest of each id that fits the filters of `--security-hub`, one a page."""
    asked = call.parameters["Filters"]
    (account, region, state, maker) = (
        asked[name][0]["Value"] for name in ("AwsAccountId", "Region", "RecordState", "GeneratorId")
    )
    newest = {each["Id"]: each for each in services.findings}
    fitting = [
        {**it, "ProductFields": {**it["ProductFields"], "aws/securityhub/CompanyName": "Personal"}}
        for it in newest.values()
        if (it["AwsAccountId"], it["Resources"][0]["Region"], it["RecordState"]) == (account, region, state)
        and it["GeneratorId"].startswith(maker)
        and it["UpdatedAt"] <= asked["UpdatedAt"][0]["End"]
    ]
    start = int(call.parameters.get("NextToken", 0))
    more = {"NextToken": str(start + 1)} if start + 1 < len(fitting) else {}
    return {"Findings": fitting[start : start + 1], **more}
