"""Sending an audit's findings to AWS Security Hub, in each account with the credentials that audited it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from scanner import __version__
from scanner.audit import access as credentials
from scanner.audit.account import Place
from scanner.audit.audit import Audit
from scanner.model import Finding, SmguardError
from scanner.report import Run
from scanner.report.asff import BATCH, at_home, batches, closing, records, send
from scanner.safe_text import inert


class SecurityHub:
    """Where `--security-hub` sends findings, a few at a time."""

    def __init__(self, places: Iterable[Place], own: Place | None, at: datetime) -> None:
        places = tuple(places)
        self._regions = {place.scope.region for place in places}
        self._access = {it.scope.account: it.access for it in (*([own] if own else ()), *places)}
        self._at = at.isoformat(timespec="seconds")
        self._taken = self._closed = 0
        self._sent: set[int] = set()
        """Hashes of the fingerprints of all findings."""
        self._refused: Counter[str] = Counter()
        self._clients: dict[tuple[str, str], Any] = {}

    def take(self, findings: list[Finding]) -> None:
        """Send findings of one account and region."""
        account = findings[0].location.account or ""
        self._sent.update(hash(finding.fingerprint) for finding in findings)
        self._taken += self._send(account, batches(at_home(findings, self._regions), self._at))

    def _send(self, account: str, calls: Iterable[list[dict[str, Any]]]) -> int:
        """How many Security Hub took."""
        sent = send(calls, lambda region: self._client(account, region))
        self._refused.update(sent.refused)
        return sent.taken

    def _client(self, account: str, region: str) -> Any:
        """A client of Security Hub, the same one every time."""
        if (account, region) not in self._clients:
            session = credentials.session(self._access[account])
            self._clients[account, region] = session.create_client("securityhub", region_name=region)
        return self._clients[account, region]

    def conclude(self, audit: Audit) -> str:
        """Send what is to be said of the audit itself, and close what is mended; what became of it, in words.

        Raises SmguardError if something was refused.
        """
        plan = audit.plan
        run = Run(
            "audit", __version__, plan.catalog.digest, False, 80, False, iter(()), lambda: audit.summary
        )
        for record in records(run._replace(about=audit.about), audit.told):
            if record["AwsAccountId"] in self._access:
                self._taken += self._send(record["AwsAccountId"], [[record]])
        unasked = self._close(audit)
        if self._refused:
            why = ", ".join(f"{number:,} × {code}" for code, number in sorted(self._refused.items()))
            hint = "allow securityhub:BatchImportFindings, and enable Security Hub in each region"
            raise SmguardError(f"Security Hub took {self._taken:,} findings and refused others: {why}", hint)
        told = f"Security Hub took {self._taken:,} findings; {self._closed:,} that are mended are closed"
        return told + (f"; what is mended stays open where {', '.join(unasked)}" if unasked else "")

    def _close(self, audit: Audit) -> list[str]:
        """Close what earlier audits sent, and this one looked for and did not find; what kept it from asking.

        A job can't be mended: it has left the time window. What SageMaker's resources stand in may only have
        lost the one that led there.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        about, unasked = audit.about(), dict[str, None]()
        how = audit.jobs[0].how.items() if audit.jobs else ()
        kinds = {kind for kind, it in how if not (it.open or it.unsaid)}
        controls, whole = {f"smguard/{it}" for it in about["controls"]}, dict[tuple[str, str], set[str]]()
        for each in about["looked_at"]:
            if each["complete"] and each["type"] in kinds:
                whole.setdefault((each["account"], each["region"]), set()).add(each["type"])
        for (account, region), types in whole.items():
            try:
                mended = [
                    closing(each, self._at)
                    for each in _stale(self._client(account, region), account, region, self._at)
                    if each["GeneratorId"] in controls
                    and each["ProductFields"].get("smguard/ResourceType") in types
                    and hash(each["ProductFields"].get("smguard/Fingerprint")) not in self._sent
                ]
            except (BotoCoreError, ClientError) as error:
                code = getattr(error, "response", {}).get("Error", {}).get("Code") or type(error).__name__
                unasked[f"securityhub:GetFindings is refused ({inert(str(code), 80)})"] = None
                continue
            calls = [mended[start : start + BATCH] for start in range(0, len(mended), BATCH)]
            self._closed += self._send(account, calls)
        return list(unasked)


def _stale(client: Any, account: str, region: str, at: str) -> Iterator[dict[str, Any]]:
    """The open findings of earlier audits, as Security Hub knows them. Raises what botocore raises."""
    equal = {"AwsAccountId": account, "Region": region, "RecordState": "ACTIVE"}
    filters = {
        **{name: [{"Value": value, "Comparison": "EQUALS"}] for name, value in equal.items()},
        "GeneratorId": [{"Value": "smguard/", "Comparison": "PREFIX"}],
        "UpdatedAt": [{"Start": "2000-01-01T00:00:00Z", "End": at}],
    }
    for page in client.get_paginator("get_findings").paginate(Filters=filters, MaxResults=BATCH):
        yield from page["Findings"]
