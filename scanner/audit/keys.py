"""KMS keys that resources name: whose they are, and whether they can do what a key is for."""

from __future__ import annotations

import re
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from scanner.audit.fault import Fault
from scanner.audit.item import Api
from scanner.audit.paging import pages

if TYPE_CHECKING:
    from concurrent.futures import Future

ACTIONS = ("kms:DescribeKey", "kms:GetKeyRotationStatus", "kms:ListAliases")
"""What a key book needs to ask KMS."""
KEY = "AWS::KMS::Key"
MISSING, ELSEWHERE = "Missing", "Elsewhere"
_ARN = re.compile(r"arn:[\w-]+:kms:([\w-]+):(\d{12}):.+", re.DOTALL)
_ALIAS = re.compile(r"(?:^|:)(alias/.+)", re.DOTALL)
_FAULTS = {
    "Enabled": "",
    "Creating": "",
    "Updating": "",
    "Disabled": "is disabled",
    "PendingDeletion": "is scheduled for deletion",
    "PendingReplicaDeletion": "is scheduled for deletion",
    "PendingImport": "has no key material",
    "Unavailable": "can't be used: its key store is not connected",
}


class KeyFacts(NamedTuple):
    """What KMS says of a key."""

    customer_managed: bool
    state: str
    """A key state of KMS; MISSING if there is no such key, ELSEWHERE if it is one of another region."""
    rotates: bool | None
    """Whether AWS replaces its material every year; None where that can't be set (asymmetric keys, imported
    material, key stores of one's own) or makes no difference any more."""


class KeyBook:
    """The keys that one scope names. Each is looked up once, whatever it is called; threads share it."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._lock = Lock()
        self._kept: dict[str, Future[Any]] = {}
        self._first: str | None = None
        """The first name that was asked about: a single one is not worth all aliases."""
        self.listed: list[Any] = []
        """The aliases of the scope, if they were all asked for."""

    def about(self, reference: str) -> KeyFacts | Fault:
        """A key by its id, ARN, alias or alias's ARN; the Fault, once for all, if KMS can't be asked."""
        alias, arn = _ALIAS.search(reference), _ARN.fullmatch(reference)
        if alias and alias[1].startswith("alias/aws/"):
            # To describe one that was never used would make its key.
            return KeyFacts(False, "Enabled", True)
        if arn and arn[1] != self._api.scope.region:
            return KeyFacts(True, ELSEWHERE, None)  # KMS tells of its own region only, replicas included
        name = reference
        if arn is None or arn[2] == self._api.scope.account:
            name = alias[1] if alias else reference.rpartition(":key/")[2]
            if not self._is_first(name) and not isinstance(aliases := self._once("", self._aliases), Fault):
                name = aliases.targets.get(name, name)
                if name in aliases.reserved:
                    return KeyFacts(False, "Enabled", True)
        found: KeyFacts | Fault = self._once(name, lambda: self._describe(name))
        return found

    def rules_out(self, reference: str) -> bool:
        """Is it known, without asking KMS, to name no key of a customer that is here?"""
        alias = _ALIAS.search(reference)
        with self._lock:
            known = self._kept.get(alias[1] if alias else reference.rpartition(":key/")[2])
        facts = known.result() if known is not None and known.done() and not known.exception() else None
        return isinstance(facts, KeyFacts) and (not facts.customer_managed or facts.state == MISSING)

    def _is_first(self, name: str) -> bool:
        """Is it the first name that was asked about? For others, what that one leads to is known then."""
        with self._lock:
            self._first = first = self._first or name
        if name != first:
            self._once(first, lambda: self._describe(first))
        return name == first

    def _aliases(self) -> _Aliases:
        """All aliases at once: that spares a call for each, and for each AWS managed key."""
        listed = pages(self._api, "kms", "ListAliases", {"Limit": 100}, "Aliases")
        self.listed = [each for page in listed for each in page]
        found = {each["AliasName"]: each.get("TargetKeyId") for each in self.listed}
        targets = {alias: key for alias, key in found.items() if isinstance(key, str)}
        reserved = frozenset(key for alias, key in targets.items() if alias.startswith("alias/aws/"))
        return _Aliases(targets, reserved)

    def _describe(self, name: str) -> KeyFacts:
        try:
            answer = self._api.call("kms", "DescribeKey", {"KeyId": name}, needs=("KeyMetadata",))
        except Fault as fault:
            if fault.kind == "missing":
                return KeyFacts(True, MISSING, None)
            raise
        key = answer["KeyMetadata"]
        manager, state = key.get("KeyManager"), key.get("KeyState")
        if manager not in ("AWS", "CUSTOMER") or not isinstance(state, str):
            raise Fault("malformed", "MissingMember", "kms", "DescribeKey", self._api.scope)
        facts = KeyFacts(manager == "CUSTOMER", state, None)
        plain = key.get("KeySpec") == "SYMMETRIC_DEFAULT" and key.get("Origin") == "AWS_KMS"
        arn = str(key.get("Arn", name))
        if facts.customer_managed and _FAULTS.get(state) == "" and plain:
            asked = {"KeyId": arn}
            told = self._api.call("kms", "GetKeyRotationStatus", asked, needs=("KeyRotationEnabled",))
            facts = facts._replace(rotates=told["KeyRotationEnabled"] is True)
        if name == self._first:
            own = arn.rpartition(":key/")[2] if f":{self._api.scope.account}:" in arn else arn
            if own != name:
                self._once(own, lambda: facts)
        return facts

    def _once(self, name: str, ask: Callable[[], Any]) -> Any:
        """What `ask` answers the first time, for everybody; others wait for it."""
        from concurrent.futures import Future  # with it comes logging, which few resources need

        with self._lock:
            mine = name not in self._kept
            kept = self._kept.setdefault(name, Future())
        if mine:
            try:
                kept.set_result(ask())
            except Fault as fault:
                kept.set_result(fault)
            except BaseException as error:
                kept.set_exception(error)
                raise
        return kept.result()


class _Aliases(NamedTuple):
    targets: dict[str, str]
    """Alias -> key id."""
    reserved: frozenset[str]
    """Key ids of AWS managed keys."""


def judge(facts: KeyFacts | Fault) -> tuple[bool | None, str]:
    """Is it a usable, rotated key that a customer manages? With words that complete "KmsKeyId …".

    None, with the call that KMS did not answer, where that can't be known.
    """
    if isinstance(facts, Fault):
        return None, f"names a key that can't be looked at: {facts}"
    if facts.state == MISSING:
        return False, "names a key that is not there"
    if not facts.customer_managed:
        return False, "is an AWS managed key"
    if facts.state == ELSEWHERE:
        return None, "names a key of another region, which can't be looked at from here"
    fault = _FAULTS.get(facts.state)
    if fault is None:
        return None, "names a key in a state that is not known here"
    if fault or facts.rotates is False:
        return False, f"names a customer managed key that {fault or 'is not rotated'}"
    return True, ""
