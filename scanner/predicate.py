"""Declared predicates: what `is:` may name at a leaf, for facts about a value that no pattern can say."""

from __future__ import annotations

import re
from collections.abc import Callable

from scanner.managed_key import CAUSE, CUSTOMER_MANAGED_KEY, Answer, Asking, is_customer_managed_key
from scanner.value import Opaque, Part, Partial, Question, Variable, ask_matches

Predicate = Callable[[tuple[Part, ...], Asking, tuple[str, ...]], Answer]
"""Takes the parts of a text, a way to ask further, and what `known` lists as such (ids and globs).

Answers with a text that completes "KmsKeyId …"."""

_GATEWAY = "AWS::EC2::InternetGateway"
_RANGED = ("AWS::EC2::VPC", "AWS::EC2::Subnet")
_PRIVATE = (
    r"^(10\.|172\.(1[6-9]|2[0-9]|3[01])\.|192\.168\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.)"
    r"[0-9.]+/([89]|[12][0-9]|3[0-2])$|^127\.|^[fF][cdCD][0-9a-fA-F]{2}:"
)


def is_internet_gateway(
    parts: tuple[Part, ...], ask: Callable[[Question], bool | None], known: tuple[str, ...] = ()
) -> Answer:
    """Is this the id of an internet gateway?"""
    named = _named(parts)
    answer = ask(ask_matches("^igw-", "an internet gateway")) if named is None else named[0] == _GATEWAY
    return answer, "may be an internet gateway" if answer is None else "is no internet gateway"


def is_private_range(
    parts: tuple[Part, ...], ask: Callable[[Question], bool | None], known: tuple[str, ...] = ()
) -> Answer:
    """Is this the range of a VPC of the template, or one where nobody is from outside?"""
    named = _named(parts)
    if named is not None and named[0] in _RANGED and named[2].startswith("CidrBlock"):
        return True, ""
    answer = ask(ask_matches(_PRIVATE, "a private range"))
    return answer, "may reach beyond private ranges" if answer is None else "reaches beyond private ranges"


def is_default_security_group(
    parts: tuple[Part, ...], ask: Callable[[Question], bool | None], known: tuple[str, ...] = ()
) -> Answer:
    """Is this the group that comes with a VPC? An id by itself does not tell."""
    named = _named(parts)
    if named is None:
        return None, "may be the default group of a VPC"
    return named[2] == "DefaultSecurityGroup", "is no default group"


def _named(parts: tuple[Part, ...]) -> tuple[str, ...] | None:
    """The resource whose id or attribute a text is: type, logical id, attribute, template."""
    return parts[0].refers if len(parts) == 1 and isinstance(parts[0], Opaque) else None


def is_script_without_credentials(
    parts: tuple[Part, ...], ask: Asking, known: tuple[str, ...] = ()
) -> Answer:
    """Is this script, in Base64, without credentials? Only where the detector is installed it can be told."""
    from scanner.secret import judge_script

    return judge_script(parts)


def _holed(parts: tuple[Part, ...]) -> str:
    """A text with \0 for what is unknown, \1 if it is no wildcard, \2 if it is a resource of the template.

    Whatever account it is in is written as digits.
    """
    return "".join(part if isinstance(part, str) else _hole(part) for part in parts)


def _hole(part: Part) -> str:
    if isinstance(part, Variable):
        if part.name[:5] == "AWS::":
            return "0" * 12 if part.name == "AWS::AccountId" else "\1"
        candidates = part.domain.candidates
        free = part.domain.allows("*") if candidates is None else "*" in candidates
        return "\0" if free else "\1"
    return "\2" if isinstance(part, Opaque) and part.refers else "\0"


def _by_form(sure: str, open_: str, words: str, otherwise: str) -> Predicate:
    """A predicate that two patterns of the text decide: for certain, and as far as it is known.

    They are compiled when they are first needed, which takes longer than most scans have for it.
    """

    def judge(parts: tuple[Part, ...], ask: Asking, known: tuple[str, ...] = ()) -> Answer:
        text = _holed(parts)
        if re.search(sure, text, re.DOTALL):
            return True, words
        if not re.search(open_, text, re.DOTALL):
            return False, otherwise
        cause = next((Partial((part,)).cause for part in parts if not isinstance(part, str)), "")
        return None, f"comes from {cause}, which is not known here"

    return judge


_ARN = r"arn:[^:]*:[^:]*:[^:]*:[^:]*:"
_OBJECTS = r"(?:\*+|arn:[^:]*:s3:::(?:[^/]+/\*+|[^/*]*\*))"
_KIND = r"(?:(?<!:s3:::)[a-z-]+/)?"  # what a name of a bucket is not
_ANY_VALUE = (
    r"^[*?]*$|^arn:[^:]*:[^:]*:[^:]*:[^:]*[*?]|^arn:[^:]*:[^:]*:[^:]*:[^:]*:[*?]+$|^0[.]0[.]0[.]0/0$|^::/0$"
)
PREDICATES: dict[str, Predicate] = {
    CUSTOMER_MANAGED_KEY: is_customer_managed_key,
    "default-security-group": is_default_security_group,
    "internet-gateway": is_internet_gateway,
    "private-range": is_private_range,
    "everyone": _by_form(r"^\*$", r"^\0$", "is everyone", "must be everyone"),
    "identity-provider": _by_form(
        r":oidc-provider/|^(?!arn:)[\w.-]+$",
        r"^[\0-\2]$",
        "is a provider of identities",
        "must be a provider of identities",
    ),
    # What a condition may compare with and still let anybody pass: a wildcard, any account, any address.
    "any-value": _by_form(
        _ANY_VALUE,
        r"^[*?]*\0[*?\0]*$|^arn:[^:]*:[^:]*:[^:]*:[^:]*\0|^arn:[^:]*:[^:]*:[^:]*:[^:]*:[*?]*\0",
        "lets anything pass",
        "must let anything pass",
    ),
    # Everything of a service, or of a kind: "*", "arn:aws:s3:::*/*", "arn:aws:iam::111122223333:role/*".
    "every-resource": _by_form(
        rf"^(?:\*|{_ARN}{_KIND}\*[*/?]*)$",
        rf"^(?:\0|{_ARN}{_KIND}[*/?\0]*\0[*/?\0]*|(?!{_ARN})[^\1\2]*\0.*)$",
        "stands for everything",
        "must stand for everything",
    ),
    # All objects of a bucket, by its ARN or name and no part of it: "arn:aws:s3:::data/*", "*".
    "all-objects": _by_form(
        rf"^{_OBJECTS}$|^[\2]/?\*+$",
        r"^(?=[\0\1]|.*\0[*\0]*$)(?:[\0-\2]|arn:[^:]*:s3:::[^/]*)/?[*\0]*$",
        "is all objects",
        "must be all objects of the bucket",
    ),
    # Whoever the account's own policies let: its root, as ARN or by its number alone.
    "whole-account": _by_form(
        r"^(?:\d{12}|arn:[^:]*:iam::[^:]*:root)$",
        r"^(?:[\0\1]|arn:[^:]*:iam::[^:]*:[\0\1]|.*[\0\1]:root)$",
        "is a whole account",
        "must be a whole account",
    ),
    "own-resource": _by_form(
        r"^[\2]$", r"^\0$", "is a resource of the same template", "must be a resource of the same template"
    ),
    "script-without-credentials": is_script_without_credentials,
    "pinned-image": _by_form(
        r"@sha256:[0-9a-f]{64}$|@(?:sha256:)?[\0\1\2]$",
        r"[\0\1\2][0-9a-f]{0,64}$",
        "is named by its digest",
        "names an image by a tag, or by none, and not by its digest",
    ),
}

CAUSES = {
    CUSTOMER_MANAGED_KEY: CAUSE,
    "default-security-group": "which group that is",
}
"""What an UNKNOWN of a plain value hangs on."""
SCHEMAS: dict[str, dict[str, object]] = {
    CUSTOMER_MANAGED_KEY: {"not": {"pattern": "(^|:)alias/aws/"}},
    "default-security-group": {},
    "internet-gateway": {"pattern": "^igw-"},
    "private-range": {"pattern": _PRIVATE},
    "all-objects": {"pattern": f"^{_OBJECTS}$"},
    "any-value": {"pattern": _ANY_VALUE},
    "everyone": {"const": "*"},
    "identity-provider": {"pattern": r":oidc-provider/|^(?!arn:)[\w.-]+$"},
    "every-resource": {"pattern": rf"^(\*|{_ARN}{_KIND}\*[*/?]*)$"},
    "whole-account": {"pattern": r"^(\d{12}|arn:[^:]*:iam::[^:]*:root)$"},
    "own-resource": {"not": {}},
    "script-without-credentials": {},
    "pinned-image": {"pattern": "@sha256:[0-9a-f]{64}$"},
}
"""What JSON Schema can say of each predicate."""
