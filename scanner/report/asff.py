"""AWS Security Finding Format: a line for each call of BatchImportFindings, and those calls themselves."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import groupby
from textwrap import wrap
from time import sleep
from typing import Any, NamedTuple

from scanner.framework import shown
from scanner.model import GLOBAL, Finding, Gap, Location, SmguardError, Verdict
from scanner.report import Run, excuse, hinted, reported, said, status
from scanner.report.about import facts, tool
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
_HOME = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_GONE = "was looked for and is not there any more: mended, or the resource is gone"
_LASTING = (
    *("SchemaVersion", "Id", "ProductArn", "GeneratorId", "AwsAccountId", "Types", "CreatedAt", "Title"),
    *("Resources", "Remediation"),
)
_TRIES = 4
_ALL = 1_000_000
_COUNTS = ("resources", "passed", "fail", "unknown", "waived")
_PIECES, _GAPS = 3, 12
"""How many fields one text may fill, that there be at most 50 of them all."""
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
    about = run.about()
    at = str(about["at"])
    gaps: list[Gap] = []
    findings = reported(run, gaps, [])
    for batch in batches(at_home(findings, about["regions"]), at):
        yield to_json({"Findings": batch}) + "\n"
    for record in records(run, gaps):
        yield to_json({"Findings": [record]}) + "\n"


def close(findings: Iterable[Finding], about: Mapping[str, Any]) -> Iterator[str]:
    """The calls that close findings which the audit that is told `about` looked for and did not find."""
    passed = {
        it.fingerprint: it._replace(
            verdict=Verdict.PASS, message=_GONE, condition=None, waiver=None, baseline=False
        )
        for it in findings
    }
    for batch in batches(at_home(passed.values(), about["regions"]), str(about["at"])):
        yield to_json({"Findings": [{**each, "RecordState": "ARCHIVED"} for each in batch]}) + "\n"


def closing(record: Mapping[str, Any], at: str) -> dict[str, Any]:
    """What closes a finding that Security Hub told of: it was looked for again and not found."""
    severity = {"Label": "INFORMATIONAL", "Original": record["Severity"].get("Original", "informational")}
    return {name: record[name] for name in _LASTING if name in record} | {
        "UpdatedAt": at,
        "Severity": severity,
        "FindingProviderFields": {"Severity": severity, "Types": [_TYPE]},
        "Description": _cut(f"{record['Resources'][0]['Id']}: {_GONE}", 1024),
        # Security Hub puts its own among them, and takes none of those.
        "ProductFields": {k: v for k, v in record["ProductFields"].items() if not k.startswith("aws/")},
        "Compliance": {"Status": "PASSED"},
        "RecordState": "ARCHIVED",
    }


def at_home(findings: Iterable[Finding], regions: Collection[str]) -> Iterator[Finding]:
    """Findings, with what is of no region where AWS keeps that, or in a region that was audited."""
    home = None if not regions or {*regions} & {*_HOME.values()} else min(regions)
    for it in findings:
        is_global = home is not None and it.location.region == GLOBAL
        yield it._replace(location=it.location._replace(region=home)) if is_global else it


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
    fields |= {"Waiver": why, "Fingerprint": finding.fingerprint, "Stack": resource.stack or ""}
    kind, name = _DETAILED.get(resource.type, "Other"), where.arn or f"{resource.type}/{resource.name}"
    found = _placed(where, at, severity, kind, name)
    compliance: dict[str, Any] = {"Status": _COMPLIANCE[state]}
    references = [f"{name} {each}" for name, listed in shown(control).items() for each in listed]
    if references:
        compliance["RelatedRequirements"] = [_cut(each, 64) for each in references[:32]]
    region = found["Resources"][0]["Region"]
    found |= {
        "Id": _cut(f"smguard/{region}/{where.account}/{control.id}/{finding.fingerprint}", 512),
        "GeneratorId": _cut(f"smguard/{control.id}", 512),
        "Title": _cut(control.title, 256),
        "Description": _cut(text, 1024),
        "ProductFields": _fields(fields),
        "Compliance": compliance,
        # Not Workflow SUPPRESSED: an import can't change that any more when the waiver ends.
        "RecordState": "ARCHIVED" if finding.excused else "ACTIVE",
    }
    if control.remediation.strip():
        found["Remediation"] = {"Recommendation": {"Text": _cut(" ".join(control.remediation.split()), 512)}}
    return found


def records(run: Run, gaps: Iterable[Gap]) -> Iterator[dict[str, Any]]:
    """What is said of the audit itself, for each account and region: who, when and how it looked, and Gaps.

    A region that was not audited whole is NOT_AVAILABLE, until an audit of it is whole. Gaps of no such place
    are told in the caller's account.
    """
    about = run.about() if run.about is not None else {}
    totals = {(each["account"], each["region"]): each for each in about.get("totals") or ()}
    places: dict[tuple[str, str], list[Gap]] = {place: [] for place in totals}
    caller = re.match(r"arn:[^:]*:[^:]*:[^:]*:(\d{12}):", str(about.get("by")))
    named = [*(place[0] for place in places), *(about.get("accounts") or ()), ""]
    account = caller[1] if caller else named[0]
    regions = [place[1] for place in places if place[0] == account] or about.get("regions") or [""]
    home = account, regions[0]
    for gap in gaps:
        place = (gap.where.partition("/")[0], gap.where.partition("/")[2])
        places.setdefault(place if place in totals else home, []).append(gap)
    told = {**facts(run, _ALL), "Tool": tool(run)}
    for (account, region), missing in (places or {home: []}).items():
        where = Location(account=account, region=region, arn=about.get("by"))
        counts = {
            name.title(): f"{totals[account, region][name]:,}"
            for name in _COUNTS
            if (account, region) in totals
        }
        listed = [f"{gap.where}: {hinted(gap)}" for gap in missing]
        is_whole = not any(run.leaves_open(gap) for gap in missing)
        title = "SageMaker was audited here" + ("" if is_whole else ", but not all of it could be looked at")
        severity = {"Label": "INFORMATIONAL", "Original": "informational"}
        yield _placed(where, str(about.get("at")), severity, "AwsAccount", f"AWS::::Account:{account}") | {
            "Id": _cut(f"smguard/{region}/{account}/audit", 512),
            "GeneratorId": "smguard/audit",
            "Title": title,
            "Description": _cut("; ".join(listed) or f"{title}: there is no gap", 1024),
            "ProductFields": _fields({**told, **counts}, " | ".join(listed)),
            "Compliance": {"Status": "PASSED" if is_whole else "NOT_AVAILABLE"},
            "RecordState": "ACTIVE",
        }


def send(
    calls: Iterable[list[dict[str, Any]]], client: Callable[[str], Any], wait: Callable[[float], None] = sleep
) -> Sent:
    """Send what each call takes, one account and region, by the `client` of Security Hub in that region.

    What is refused for a while only is sent again, and what is refused for good is counted by error code;
    one region's refusal doesn't hold up the others.
    """
    taken, refused = 0, Counter[str]()
    for batch in calls:
        api = client(batch[0]["Resources"][0]["Region"])
        left = {each["Id"]: each for each in batch}
        for attempt in range(1, _TRIES + 1):
            errors = _import(api, list(left.values()))
            again = {name for name, code in errors.items() if attempt < _TRIES and _AGAIN.search(code)}
            taken += len(left) - len(errors)
            refused.update(code for name, code in errors.items() if name not in again)
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


def _placed(where: Location, at: str, severity: dict[str, str], kind: str, name: str) -> dict[str, Any]:
    """What findings of all kinds have: where they lie, and that they were made then."""
    account, region = where.account or "", where.region or ""
    if not (_ACCOUNT.fullmatch(account) and _TIME.fullmatch(at)):
        raise SmguardError("asff needs the account of each finding, and when the audit was")
    partition = _partition(where.arn, region)
    # What is the whole account's, or the organisation's, belongs where AWS keeps what is global.
    region = region if _REGION.fullmatch(region) else _HOME.get(partition, "us-east-1")
    return {
        "SchemaVersion": "2018-10-08",
        "ProductArn": f"arn:{partition}:securityhub:{region}:{account}:product/{account}/default",
        "AwsAccountId": account,
        "Types": [_TYPE],
        "CreatedAt": at,
        "UpdatedAt": at,
        "Severity": severity,
        "FindingProviderFields": {"Severity": severity, "Types": [_TYPE]},
        "Resources": [{"Type": kind, "Id": _cut(name, 512), "Partition": partition, "Region": region}],
    }


def _fields(told: Mapping[str, str], gaps: str = "") -> dict[str, str]:
    """ProductFields, of which there may be 50 of 2,048 characters: what is long goes on in the next one."""
    found = {}
    for name, text in {**told, "Gaps": gaps}.items():
        most = _GAPS if name == "Gaps" else _PIECES
        pieces = wrap(text, 2000 if text.isascii() else 500) if len(text) > 500 else [text] * bool(text)
        for number, piece in enumerate(pieces[:most], 1):
            more = " …" if number == most < len(pieces) else ""
            found[f"smguard/{name} {number}" if number > 1 else f"smguard/{name}"] = _cut(piece + more, 2048)
    return found


def _partition(arn: str | None, region: str) -> str:
    named = (arn or "").split(":")[1:2]
    if named and re.fullmatch(r"aws(-[a-z]+)*", named[0]):
        return named[0]
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws")


def _cut(text: str, most: int) -> str:
    """Inert text of at most so many bytes, and of one at least."""
    return inert(text, most - 1).encode()[:most].decode(errors="ignore") or "-"
