"""Saved reports of audits, made up: any number of findings, and every kind of event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from scanner import catalog
from scanner.model import Control
from scanner.safe_text import to_json

NEWEST = 123
AT, ENDED = "2026-10-05T07:30:00Z", "2026-10-05T07:41:12Z"
ACCOUNTS = ("111122223333", "444455556666", "777788889999")
REGIONS = ("eu-central-1", "us-east-1")
WAIVER = {
    "control": "notebook-root-access",
    "resource": "lab-*",
    "reason": "Labs need pip as root",
    "expires": "2027-01-31",
    "owner": "ml-platform",
    "ticket": "SEC-12",
    "inline": False,
}
GAP = {
    "where": f"{ACCOUNTS[1]}/us-east-1",
    "what": "AWS::SageMaker::Model: sagemaker:ListModels is denied in us-east-1 (AccessDeniedException); "
    "not judged by network-isolation, vpc-config",
    "hint": "allow sagemaker:ListModels; `smguard audit --print-policy` prints all that is needed",
    "accepted": None,
}
ACCEPTED = {"where": "organization", "what": "*", "reason": "not ours", "expires": "2027-01-31"}
NOTE = {"where": "audit", "what": "1,204 jobs older than 2026-07-07 were left out; --since widens the window"}


@cache
def controls() -> tuple[Control, ...]:
    """The oldest ones, so that a new one changes nothing here."""
    return tuple(control for control in catalog.load().controls if (control.number or 0) <= NEWEST)


def finding(
    control: str,
    kind: str,
    name: str,
    account: str = ACCOUNTS[0],
    region: str = REGIONS[0],
    verdict: str = "fail",
    path: str = "KmsKeyId",
    message: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A finding as the JSON of an audit has it; `more` replaces its members."""
    it = next((each for each in controls() if each.id == control), None)
    noun = kind.rsplit("::", 1)[-1].lower()
    text = "\0".join((control, f"{account}/{region}", f"{kind} {name}", path))
    return {
        "control": control,
        "verdict": verdict,
        "severity": it.severity.label if it else "high",
        "message": f"{path} is missing" if message is None else message,
        "condition": None,
        "resource": {"type": kind, "name": name, "construct": None, "stack": None},
        "location": {
            **dict.fromkeys(("file", "line", "column")),
            "path": path,
            "account": account,
            "region": region,
            "arn": f"arn:aws:sagemaker:{region}:{account}:{noun}/{name}",
        },
        "waiver": None,
        "fingerprint": sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32],
        "baseline": False,
        "title": it.title if it else f"Own control {control}",
        "area": it.area if it else "encryption",
        "cause": None,
        **more,
    }


def many(number: int) -> Iterator[dict[str, Any]]:
    """Findings of all controls, types, accounts and regions; here and there an UNKNOWN and a waiver."""
    pairs = [(control.id, kind) for control in controls() for kind in control.resources]
    for index in range(number):
        count, (control, kind) = index // len(pairs), pairs[index % len(pairs)]
        account, region = ACCOUNTS[index % 7 % 3], REGIONS[index % 5 % 2]
        name = f"{kind.rsplit('::', 1)[-1].lower()}-{count:05d}"
        path = ("KmsKeyId", "ResourceConfig.VolumeKmsKeyId", "VpcConfig.Subnets")[index % 3]
        message = (None, "RootAccess is not set and AWS takes 'Enabled', must be 'Disabled'")[index % 11 == 0]
        verdict = "unknown" if index % 13 == 5 else "fail"
        waiver = WAIVER if index % 17 == 3 else None
        yield finding(control, kind, name, account, region, verdict, path, message, waiver=waiver)


def about(**more: Any) -> dict[str, Any]:
    """What an audit says of itself."""
    kinds = sorted({kind for control in controls() for kind in control.resources})
    scopes = [(account, region) for account in ACCOUNTS for region in REGIONS]
    return {
        "by": f"arn:aws:sts::{ACCOUNTS[0]}:assumed-role/SecurityAudit/alice",
        "at": AT,
        "ended": ENDED,
        "accounts": list(ACCOUNTS),
        "regions": list(REGIONS),
        "controls": [control.id for control in controls()],
        "parameters": {
            "customer-managed-kms-key": {"allowed-keys": ["arn:aws:kms:us-east-1:111122223333:key/1"]}
        },
        "since": "2026-07-07T07:30:00Z",
        "totals": [
            {
                **{"account": account, "region": region, "resources": 420, "passed": 1800},
                **{"fail": 90, "unknown": 7, "waived": 3, "gaps": int(f"{account}/{region}" == GAP["where"])},
            }
            for account, region in scopes
        ],
        "calls": {"total": 812, "throttled": 3},
        "looked_at": [
            {
                **{"account": account, "region": region, "type": kind, "resources": 12},
                "complete": not (f"{account}/{region}" == GAP["where"] and kind.endswith("::Model")),
            }
            for account, region in scopes
            for kind in kinds
        ],
        **more,
    }


def report(
    findings: Iterator[dict[str, Any]] | list[dict[str, Any]],
    gaps: list[dict[str, Any]] | None = None,
    notes: list[dict[str, Any]] | None = None,
    passed: int = 9_000,
    **more: Any,
) -> str:
    """The text of a report; `more` replaces what the audit says of itself."""
    gaps, notes = [GAP] if gaps is None else gaps, [NOTE] if notes is None else notes
    lines, counts = [], dict.fromkeys(("fail", "unknown", "waived", "pass", "baseline"), 0)
    for each in findings:
        lines.append(to_json(each))
        counts["waived" if each["waiver"] else "baseline" if each["baseline"] else each["verdict"]] += 1
    accepted = sum(gap["accepted"] is not None for gap in gaps)
    work = dict.fromkeys(("seen", "judged", "partial", "unread", "skipped"), 0)
    summary = {
        **{"complete": len(gaps) == accepted, "files": work},
        "scopes": {**work, "seen": 222, "judged": 222 - len(gaps), "unread": len(gaps)},
        **{"resources": 2_520, "passed": passed},
        **{key: counts[key] for key in ("fail", "unknown", "waived")},
        **{"gaps": len(gaps) - accepted, "baseline": counts["baseline"], "accepted_gaps": accepted},
    }
    tool = {"name": "smguard", "version": "1.2.3", "catalog": "0123456789abcdef" * 4}
    lists = {"findings": lines, "gaps": map(to_json, gaps), "notes": map(to_json, notes)}
    listed = "".join(f'"{name}": [' + "\n" + ",\n".join(each) + "],\n" for name, each in lists.items())
    return (
        f'{{"schema_version": 1, "kind": "audit", "tool": {json.dumps(tool)},\n{listed}'
        f'"audit": {to_json(about(**more))},\n'
        f'"summary": {json.dumps(summary)}}}\n'
    )


def write(path: Path, *arguments: Any, **more: Any) -> Path:
    path.write_text(report(*arguments, **more), encoding="utf-8")
    return path
