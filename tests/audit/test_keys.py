"""What a key book makes of KMS: whose a key is, whether it works and rotates, and for how many calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from scanner.audit.fault import Fault
from scanner.audit.item import Scope
from scanner.audit.keys import KeyBook, judge

SCOPE = Scope("111122223333", "eu-central-1")
ARN = "arn:aws:kms:eu-central-1:111122223333"
OTHER = "arn:aws:kms:eu-central-1:444455556666:key/shared"
KEYS: dict[str, dict[str, Any]] = {
    "good": {"rotates": True},
    "mrk-1234": {"rotates": True},
    "still": {"rotates": False},
    "off": {"KeyState": "Disabled"},
    "doomed": {"KeyState": "PendingDeletion"},
    "waiting": {"KeyState": "PendingImport", "Origin": "EXTERNAL"},
    "cut-off": {"KeyState": "Unavailable", "Origin": "EXTERNAL_KEY_STORE"},
    "imported": {"Origin": "EXTERNAL"},
    "asymmetric": {"KeySpec": "RSA_2048"},
    "changing": {"KeyState": "Updating", "rotates": True},
    "new": {"KeyState": "Frozen"},
    "aws": {"KeyManager": "AWS"},
    "aws-by-alias": {"KeyManager": "AWS"},
    "shared": {"rotates": True, "account": "444455556666"},
    "odd": {"KeyManager": None},
}
ALIASES = [
    {"AliasName": "alias/ml", "TargetKeyId": "good"},
    {"AliasName": "alias/ml-too", "TargetKeyId": "good"},
    {"AliasName": "alias/aws/unused"},
    {"AliasName": "alias/off", "TargetKeyId": "off"},
    {"AliasName": "alias/aws/ebs", "TargetKeyId": "aws-by-alias"},
]


class Kms:
    """KMS as far as a key book asks it; two aliases a page."""

    scope = SCOPE

    def __init__(self, **denied: str) -> None:
        self.denied = denied
        self.calls: Counter[str] = Counter()

    def call(
        self, service: str, operation: str, parameters: Mapping[str, Any] = {}, needs: Collection[str] = ()
    ) -> dict[str, Any]:
        assert service == "kms"
        self.calls[operation] += 1
        if operation in self.denied:
            raise Fault(self.denied[operation], "AccessDeniedException", service, operation, SCOPE)
        if operation == "ListAliases":
            start = int(parameters.get("Marker", 0))
            more = {"NextMarker": str(start + 2)} if start + 2 < len(ALIASES) else {}
            return {"Aliases": ALIASES[start : start + 2], "Truncated": bool(more), **more}
        name = parameters["KeyId"].rpartition("key/")[2]
        name = next((it["TargetKeyId"] for it in ALIASES if it["AliasName"] == name), name)
        if name not in KEYS:
            raise Fault("missing", "NotFoundException", service, operation, SCOPE)
        known = {"KeyManager": "CUSTOMER", "KeyState": "Enabled", "KeySpec": "SYMMETRIC_DEFAULT"}
        body = {**known, "Origin": "AWS_KMS", **KEYS[name]}
        if operation == "GetKeyRotationStatus":
            return {"KeyRotationEnabled": body["rotates"]}
        account = body.pop("account", SCOPE.account)
        return {"KeyMetadata": {**body, "Arn": f"arn:aws:kms:eu-central-1:{account}:key/{name}"}}


UNROTATED = (False, "names a customer managed key that is not rotated")
JUDGED = {
    "good": (True, ""),
    f"{ARN}:key/good": (True, ""),
    "alias/ml": (True, ""),
    f"{ARN}:alias/ml": (True, ""),
    "mrk-1234": (True, ""),
    f"{ARN}:key/mrk-1234": (True, ""),
    OTHER: (True, ""),
    "changing": (True, ""),
    "imported": (True, ""),
    "asymmetric": (True, ""),
    "still": UNROTATED,
    "off": (False, "names a customer managed key that is disabled"),
    "alias/off": (False, "names a customer managed key that is disabled"),
    "doomed": (False, "names a customer managed key that is scheduled for deletion"),
    "waiting": (False, "names a customer managed key that has no key material"),
    "cut-off": (False, "names a customer managed key that can't be used: its key store is not connected"),
    "alias/aws/ebs": (False, "is an AWS managed key"),
    "alias/aws/unused": (False, "is an AWS managed key"),
    f"{ARN}:alias/aws/s3": (False, "is an AWS managed key"),
    "aws": (False, "is an AWS managed key"),
    "aws-by-alias": (False, "is an AWS managed key"),
    f"{ARN}:key/aws-by-alias": (False, "is an AWS managed key"),
    "gone": (False, "names a key that is not there"),
    "alias/gone": (False, "names a key that is not there"),
    "new": (None, "names a key in a state that is not known here"),
    "arn:aws:kms:us-east-1:111122223333:key/mrk-1234": (
        None,
        "names a key of another region, which can't be looked at from here",
    ),
    "odd": (
        None,
        "names a key that can't be looked at: "
        "kms:DescribeKey got an answer that can't be read in eu-central-1 (MissingMember)",
    ),
}


@pytest.mark.parametrize("reference", JUDGED)
def test_what_is_said_of_a_key(reference: str) -> None:
    assert judge(KeyBook(Kms()).about(reference)) == JUDGED[reference]


def test_one_call_for_each_key_whatever_it_is_called() -> None:
    kms = Kms()
    book = KeyBook(kms)
    assert judge(book.about("alias/ml")) == JUDGED["alias/ml"]
    assert kms.calls == {"DescribeKey": 1, "GetKeyRotationStatus": 1}, "a single key is not worth all aliases"
    names = ["good", f"{ARN}:key/good", "alias/ml", "alias/ml-too", f"{ARN}:alias/ml", "aws-by-alias", "gone"]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(book.about, names * 50))
    assert found == found[: len(names)] * 50
    assert kms.calls == {"ListAliases": 3, "DescribeKey": 2, "GetKeyRotationStatus": 1}


def denied(operation: str) -> str:
    said = f"kms:{operation} is denied in eu-central-1 (AccessDeniedException)"
    return f"names a key that can't be looked at: {said}"


@pytest.mark.parametrize(
    ("operation", "answers"),
    [
        (
            "DescribeKey",
            {
                "good": (None, denied("DescribeKey")),
                "alias/ml": (None, denied("DescribeKey")),
                "aws-by-alias": (False, "is an AWS managed key"),
                "alias/aws/ebs": (False, "is an AWS managed key"),
            },
        ),
        (
            "GetKeyRotationStatus",
            {
                "good": (None, denied("GetKeyRotationStatus")),
                "off": JUDGED["off"],
                "imported": (True, ""),
                "aws": JUDGED["aws"],
            },
        ),
        ("ListAliases", {name: JUDGED[name] for name in ("good", "alias/ml", "alias/off", OTHER, "aws")}),
    ],
)
def test_a_permission_that_is_missing(operation: str, answers: dict[str, Any]) -> None:
    kms = Kms(**{operation: "denied"})
    book = KeyBook(kms)
    assert {name: judge(book.about(name)) for name in answers} == answers
    fault = book.about("good")
    if isinstance(fault, Fault):
        assert (fault.action, fault.kind) == (f"kms:{operation}", "denied")
    assert {name: judge(book.about(name)) for name in answers} == answers
    assert kms.calls[operation] <= 2, "what is denied is not asked again for the same key"


def test_our_own_crash_is_no_answer() -> None:
    class Broken(Kms):
        def call(self, *_: Any, **__: Any) -> dict[str, Any]:
            raise ValueError("a mistake of ours")

    book = KeyBook(Broken())
    for _ in range(2):
        with pytest.raises(ValueError, match="a mistake"):
            book.about("good")
