"""AWS Security Finding Format: a line for each call of BatchImportFindings, and those calls themselves."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from time import sleep
from typing import Any, NamedTuple

from scanner.model import Finding, Gap, SmguardError
from scanner.report import Run, excuse, reported, said, status
from scanner.safe_text import inert, to_json

BATCH = 100
"""Findings that one call takes; with the lengths below, 100 are far below its 6 MB, and one below 240 KB."""
_COMPLIANCE = {
    "failed": "FAILED",
    "unknown": "NOT_AVAILABLE",
    "waived": "WARNING",
    "baseline": "FAILED",
    "passed": "PASSED",
}
_TYPE = "Software and Configuration Checks/AWS Security Best Practices"
_DETAILED = {"AWS::SageMaker::NotebookInstance": "AwsSageMakerNotebookInstance"}
_ACCOUNT, _REGION = re.compile(r"\d{12}"), re.compile(r"[a-z]{2}(-[a-z]+)+-\d+")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_HOME = {"aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_TRIES = 4
_AGAIN = re.compile(
    r"Throttl|TooManyRequests|LimitExceeded|Internal|Unavailable|Timeout|5\d\d", re.IGNORECASE
)


class Sent(NamedTuple):
    """How sending went: findings taken, and refused ones by the reason that Security Hub, or boto3, gave."""

    taken: int
    refused: Mapping[str, int]


def render(run: Run) -> Iterator[str]:
    """A line of JSON for each call, `{"Findings": […]}`; of one account and region, as calls must be."""
    if run.kind != "audit" or run.about is None:
        raise SmguardError("asff is a format for audits: its findings lie in an account")
    at = str(run.about()["at"])
    gaps: list[Gap] = []
    findings = reported(run, gaps, [])
    for batch in batches(findings, at):
        yield to_json({"Findings": batch}) + "\n"


def batches(findings: Iterable[Finding], at: str) -> Iterator[list[dict[str, Any]]]:
    """Findings in the format, in as many as one call takes; `at` is when they were made (ISO).

    Raises SmguardError for one that lies in no account.
    """
    for _, same in groupby(findings, lambda each: (each.location.account, each.location.region)):
        batch: list[dict[str, Any]] = []
        for finding in same:
            batch.append(as_asff(finding, at))
            if len(batch) == BATCH:
                yield batch
                batch = []
        if batch:
            yield batch


def as_asff(finding: Finding, at: str) -> dict[str, Any]:
    """One finding, with the members and lengths that Security Hub takes."""
    control, resource, where, state = finding.control, finding.resource, finding.location, status(finding)
    account, region = where.account or "", where.region or ""
    if not (_ACCOUNT.fullmatch(account) and _TIME.fullmatch(at)):
        raise SmguardError("asff needs the account of each finding, and when the audit was")
    partition = _partition(where.arn, region)
    # What is the whole account's, or the organisation's, belongs where AWS keeps what is global.
    region = region if _REGION.fullmatch(region) else _HOME.get(partition, "us-east-1")
    severity = {"Label": control.severity.name if state == "failed" else "INFORMATIONAL"}
    severity["Original"] = control.severity.label
    why = excuse(finding)
    text = f"{resource.name}: {said(finding)}" + (f" ({state} {why})" if why else "")
    fields = {
        "Control": control.id,
        "Area": control.area,
        "PropertyPath": where.path,
        "ResourceType": resource.type,
    }
    fields |= {"Waiver": why, "Fingerprint": finding.fingerprint}
    compliance: dict[str, Any] = {"Status": _COMPLIANCE[state]}
    references = [
        f"{name} {each}"
        for name, listed in control.frameworks.items()
        for each in (listed if isinstance(listed, list | tuple) else [listed])
    ]
    if references:
        compliance["RelatedRequirements"] = [_cut(each, 64) for each in references[:32]]
    found: dict[str, Any] = {
        "SchemaVersion": "2018-10-08",
        "Id": _cut(f"smguard/{region}/{account}/{control.id}/{finding.fingerprint}", 512),
        "ProductArn": f"arn:{partition}:securityhub:{region}:{account}:product/{account}/default",
        "GeneratorId": _cut(f"smguard/{control.id}", 512),
        "AwsAccountId": account,
        "Types": [_TYPE],
        "CreatedAt": at,
        "UpdatedAt": at,
        "Severity": severity,
        "FindingProviderFields": {"Severity": severity, "Types": [_TYPE]},
        "Title": _cut(control.title, 256),
        "Description": _cut(text, 1024),
        "ProductFields": {f"smguard/{name}": _cut(value, 1024) for name, value in fields.items() if value},
        "Resources": [
            {
                "Type": _DETAILED.get(resource.type, "Other"),
                "Id": _cut(where.arn or f"{resource.type}/{resource.name}", 512),
                "Partition": partition,
                "Region": region,
            }
        ],
        "Compliance": compliance,
        # Not Workflow SUPPRESSED: an import can't change that any more when the waiver ends.
        "RecordState": "ARCHIVED" if finding.excused else "ACTIVE",
    }
    if control.remediation.strip():
        found["Remediation"] = {"Recommendation": {"Text": _cut(" ".join(control.remediation.split()), 512)}}
    return found


def send(findings: Iterable[Finding], session: Any, at: str, wait: Callable[[float], None] = sleep) -> Sent:
    """Send findings of the session's own account to Security Hub, each to its region.

    What is refused for a while only is sent again, and what is refused for good is counted by error code;
    one region's refusal doesn't hold up the others.
    """
    taken, refused, clients = 0, dict[str, int](), dict[str, Any]()
    for batch in batches(findings, at):
        region = batch[0]["Resources"][0]["Region"]
        client = clients.get(region) or clients.setdefault(
            region, session.client("securityhub", region_name=region)
        )
        left = {each["Id"]: each for each in batch}
        for attempt in range(1, _TRIES + 1):
            errors = _import(client, list(left.values()))
            again = {name for name, code in errors.items() if attempt < _TRIES and _AGAIN.search(code)}
            taken += len(left) - len(errors)
            for name, code in errors.items():
                if name not in again:
                    refused[code] = refused.get(code, 0) + 1
            left = {name: left[name] for name in left if name in again}
            if not left:
                break
            wait(2.0**attempt / 4)
    return Sent(taken, refused)


def _import(client: Any, batch: list[dict[str, Any]]) -> dict[str, str]:
    """Import findings; the id of each that was refused -> error code."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = client.batch_import_findings(Findings=batch)
    except ClientError as error:
        code = inert(str(error.response.get("Error", {}).get("Code") or "UnknownError"), 80)
        return {each["Id"]: code for each in batch}
    except BotoCoreError as error:
        return {each["Id"]: type(error).__name__ for each in batch}
    known = {each["Id"] for each in batch}
    told = answer.get("FailedFindings") or ()
    return {each["Id"]: inert(str(each.get("ErrorCode")), 80) for each in told if each.get("Id") in known}


def _partition(arn: str | None, region: str) -> str:
    named = (arn or "").split(":")[1:2]
    if named and re.fullmatch(r"aws(-[a-z]+)*", named[0]):
        return named[0]
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws")


def _cut(text: str, most: int) -> str:
    """Inert text of at most so many bytes, and of one at least."""
    return inert(text, most - 1).encode()[:most].decode(errors="ignore") or "-"
