"""The sample account of `smguard audit --demo`: its answers are made of a file, without AWS or a network."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from scanner.audit import acquisition
from scanner.audit.access import Access
from scanner.audit.account import Place, Survey
from scanner.audit.acquisition import NAME, Acquisition
from scanner.audit.fault import Fault
from scanner.audit.item import Scope
from scanner.audit.pace import Count
from scanner.model import Note

_OF_KEYS = ("ListKeys", "ListAliases", "DescribeKey", "GetKeyRotationStatus")


@cache
def _account() -> Any:
    with open(os.path.join(os.path.dirname(__file__), "demo.json"), encoding="utf-8") as stream:
        return json.load(stream)


def survey() -> Survey:
    """Where the sample account has resources."""
    account = _account()
    scopes = (Scope(account["account"], region) for region in account["regions"])
    note = Note("--demo", "this account is made up and comes with smguard: AWS was not asked")
    return Survey(account["by"], tuple(Place(Access(), scope) for scope in scopes), (), (note,))


class DemoApi:
    """The Api over the sample account. What its file says is denied is denied."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.asked: Counter[str] = Counter()
        here = _account()["regions"][scope.region]
        self._denied = frozenset(here["denied"])
        self._keys = here["keys"]
        self._answers = here.get("answers", {})
        how, now = acquisition.load(), datetime.now(UTC)
        self._records = [
            (how[type_name], _record(how[type_name], given, scope, now))
            for type_name, listed in here["resources"].items()
            for given in listed
        ]

    def call(
        self, service: str, operation: str, parameters: Mapping[str, Any] = {}, needs: Collection[str] = ()
    ) -> dict[str, Any]:
        """See Api. Lists hold what Describe tells: nobody reads more of them than there is in AWS's."""
        self.asked[f"{service}:{operation}"] += 1
        if operation in self._denied:
            raise Fault("denied", "AccessDeniedException", service, operation, self.scope)
        if service == "kms" and operation in _OF_KEYS:
            return self._key(operation, parameters)
        if service != "sagemaker":
            asked = [f"{service}:{operation}", *(f"{service}:{operation} {it}" for it in parameters.values())]
            found: Any = next((self._answers[it] for it in reversed(asked) if it in self._answers), {})
            return {**{name: [] for name in needs}, **found}
        if operation == "Search":
            return {"Results": [_wrapped(how, it) for how, it in self._found(parameters["Resource"])]}
        for how, record in self._records:
            way = how.describing
            if operation == way.operation and all(
                record.get(how.listing.name[-1] if member == NAME else member) == parameters[name]
                for name, member in way.by.items()
            ):
                return {way.at: record} if way.at else record
        if operation.startswith("Describe"):
            raise Fault("missing", "ResourceNotFound", service, operation, self.scope)
        listed = [
            record
            for how, record in self._records
            if operation == how.listing.operation
            and parameters.get("StatusEquals") in (None, record.get(how.listing.status))
        ]
        return dict.fromkeys(needs, listed)

    def counts(self) -> Mapping[str, Count]:
        """What was asked so far."""
        return {operation: Count(calls) for operation, calls in self.asked.items()}

    def _found(self, resource: str) -> Iterator[tuple[Acquisition, dict[str, Any]]]:
        return ((how, it) for how, it in self._records if how.search and how.search.resource == resource)

    def _key(self, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if operation == "ListKeys":
            return {"Keys": [{"KeyId": key["KeyId"], "KeyArn": key["Arn"]} for key in self._keys]}
        if operation == "ListAliases":
            return {
                "Aliases": [{"AliasName": key["alias"], "TargetKeyId": key["KeyId"]} for key in self._keys]
            }
        asked = parameters["KeyId"]
        for key in self._keys:
            if asked.rpartition("key/")[2] == key["KeyId"] or asked.endswith(key["alias"]):
                return {"KeyMetadata": key, "KeyRotationEnabled": key["rotates"]}
        raise Fault("missing", "NotFoundException", "kms", operation, self.scope)


def _record(how: Acquisition, given: Mapping[str, Any], scope: Scope, now: datetime) -> dict[str, Any]:
    """A resource with what AWS makes up for it: an ARN, when it was created (`days` ago), a status."""
    listing = how.listing
    noun = re.sub("(?<=[a-z])(?=[A-Z])", "-", how.type.rpartition("::")[2]).lower()
    name = "/".join(given[member] for member in listing.name if member in given)
    arn = f"arn:{scope.partition}:sagemaker:{scope.region}:{scope.account}:{noun}/{name}"
    made: dict[str, Any] = {
        member: arn for member in (listing.arn, how.describing.arn, *listing.name) if member
    }
    made[listing.created] = now - timedelta(days=given.get("days", 30))
    made[listing.status] = min(how.done, default="InService")
    return {**made, **given}


def _wrapped(how: Acquisition, record: Mapping[str, Any]) -> Mapping[str, Any]:
    for member in reversed(how.search.record if how.search else ()):
        record = {member: record}
    return record
