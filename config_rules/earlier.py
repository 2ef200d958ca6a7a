"""What AWS Config holds of earlier passes of a rule, and what of it is gone."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from functools import cached_property

from config_rules.evaluation import COMPLIANT, NON_COMPLIANT
from config_rules.journal import Journal
from config_rules.notice import Notice
from scanner.audit.acquisition import NAME, Acquisition
from scanner.audit.fault import Fault
from scanner.audit.item import Api
from scanner.audit.paging import pages
from scanner.audit.shape import entry_of


class Earlier:
    """The evaluations of `types` that Config still shows."""

    def __init__(self, api: Api, notice: Notice, types: Collection[str], journal: Journal) -> None:
        self._api, self._notice, self._types, self._journal = api, notice, types, journal
        self._names: dict[str, set[str]] = {}

    @cached_property
    def told(self) -> dict[str, dict[str, tuple[datetime | None, str]]]:
        """Type -> id -> when it was last reported as what: all that Config holds of this pass.

        Raises Fault of the kind "stopped".
        """
        found: dict[str, dict[str, tuple[datetime | None, str]]] = {name: {} for name in self._types}
        asked = {
            "ConfigRuleName": self._notice.rule,
            "ComplianceTypes": [COMPLIANT, NON_COMPLIANT],
            "Limit": 100,
        }
        operation = "GetComplianceDetailsByConfigRule"
        try:
            for rows in pages(self._api, "config", operation, asked, "EvaluationResults"):
                for row in rows:
                    identifier = row.get("EvaluationResultIdentifier") or {}
                    about = identifier.get("EvaluationResultQualifier") or {}
                    if about.get("ResourceType") in found:
                        told = identifier.get("OrderingTimestamp"), str(row.get("ComplianceType"))
                        found[about["ResourceType"]][about.get("ResourceId", "")] = told
        except Fault as fault:
            if fault.kind == "stopped":
                raise
            self._journal.fault(fault, "evaluations of resources that are not there any more")
        return found

    def shown(self, type_name: str, name: str) -> str:
        """What Config shows of a resource, "" if nothing."""
        return self.told[type_name].get(name, (None, ""))[1]

    def stale(self, how: Acquisition, seen: set[str], whole: bool) -> Iterator[str]:
        """Names that Config knows and that are gone. If others read a part, each is asked for."""
        for name, (at, _) in self.told[how.type].items():
            if name in seen or (not whole and at is not None and at >= self._notice.at):
                continue
            if whole or self._is_gone(how, name):
                yield name

    def _is_gone(self, how: Acquisition, name: str) -> bool:
        """Ask for the resource, or list all again where its name is not enough to ask. Raises Fault."""
        parts = {NAME: name, **dict(zip(how.listing.name, name.split("/"), strict=False))}
        by = {parameter: parts.get(member) for parameter, member in how.describing.by.items()}
        if how.listing.whole or not all(by.values()) or any(it.endswith("Arn") for it in how.listing.name):
            if how.type not in self._names:
                listing = how.listing
                rows = pages(self._api, how.service, listing.operation, listing.parameters, listing.items)
                found = (entry_of(how, raw, self._api.scope) for page in rows for raw in page)
                self._names[how.type] = {entry.name for entry in found}
            return name not in self._names[how.type]
        try:
            self._api.call(how.service, how.describing.operation, by)
        except Fault as fault:
            if fault.kind != "missing":
                raise
            return True
        return False
