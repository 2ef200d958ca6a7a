"""Sending an audit's findings to AWS Security Hub, in each account with the credentials that audited it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from scanner import __version__
from scanner.audit import access as credentials
from scanner.audit.account import Place
from scanner.audit.audit import Audit
from scanner.model import Finding, SmguardError
from scanner.report import Run
from scanner.report.asff import Sent, at_home, records, send, send_all


class SecurityHub:
    """Where `--security-hub` sends findings, a few at a time."""

    def __init__(self, places: Iterable[Place], own: Place | None, at: datetime) -> None:
        places = tuple(places)
        self._regions = {place.scope.region for place in places}
        self._access = {it.scope.account: it.access for it in (*([own] if own else ()), *places)}
        self._at = at.isoformat(timespec="seconds")
        self._taken = 0
        self._refused: Counter[str] = Counter()
        self._clients: dict[tuple[str, str], Any] = {}

    def take(self, findings: list[Finding]) -> None:
        """Send findings of one account and region."""
        account = findings[0].location.account or ""
        self._count(send(at_home(findings, self._regions), _Session(self, account), self._at))

    def _count(self, sent: Sent) -> None:
        self._taken += sent.taken
        self._refused.update(sent.refused)

    def client(self, account: str, region: str) -> Any:
        """A client of Security Hub, the same one every time."""
        if (account, region) not in self._clients:
            session = credentials.session(self._access[account])
            self._clients[account, region] = session.create_client("securityhub", region_name=region)
        return self._clients[account, region]

    def conclude(self, audit: Audit) -> str:
        """Send what is to be said of the audit itself; what became of it all, in words.

        Raises SmguardError if something was refused.
        """
        plan = audit.plan
        run = Run(
            "audit", __version__, plan.catalog.digest, False, 80, False, iter(()), lambda: audit.summary
        )
        for record in records(run._replace(about=audit.about), audit.told):
            if record["AwsAccountId"] in self._access:
                self._count(send_all([[record]], _Session(self, record["AwsAccountId"])))
        if self._refused:
            why = ", ".join(f"{number:,} × {code}" for code, number in sorted(self._refused.items()))
            hint = "allow securityhub:BatchImportFindings, and enable Security Hub in each region"
            raise SmguardError(f"Security Hub took {self._taken:,} findings and refused others: {why}", hint)
        return f"Security Hub took {self._taken:,} findings"


class _Session:
    """What the sending needs of a session."""

    def __init__(self, hub: SecurityHub, account: str) -> None:
        self._hub, self._account = hub, account

    def client(self, service: str, region_name: str) -> Any:
        return self._hub.client(self._account, region_name)
