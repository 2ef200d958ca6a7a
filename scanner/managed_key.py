"""Is a KMS key the customer's own? The predicate that most resources ask, apart from the others.

A function in Lambda compiles what it imports in each cold start.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from scanner.value import Opaque, Part, Question, ask_matches, undecided

Answer = tuple[bool | None, str]
Asking = Callable[[Question], bool | None]

CUSTOMER_MANAGED_KEY = "customer-managed-key"
CAUSE = "who manages a key that is given by id or ARN"
"""What an UNKNOWN of a plain value hangs on."""
_ALIAS = r"(?s:(?:^|:)alias/([^\0]*)(\0?))"
_AWS_ALIAS_NAME = r"aws/[\w/+=,.@-]{0,80}"
_KEY_TYPES = frozenset({"AWS::KMS::Key", "AWS::KMS::ReplicaKey", "AWS::KMS::Alias"})


def is_customer_managed_key(parts: tuple[Part, ...], ask: Asking, known: tuple[str, ...] = ()) -> Answer:
    """Is this KMS key the customer's own?

    `alias/aws/…` is reserved for AWS managed keys and every other alias can only point to a customer managed
    one (KMS API reference, CreateAlias). A key id or key ARN tells nothing by itself, unless it is `known`.
    """
    text = "".join(part if isinstance(part, str) else "\0" for part in parts)
    alias = re.search(_ALIAS, text)
    if alias:
        name, goes_on = alias.groups()
        reserved = re.match(_AWS_ALIAS_NAME, name)
        if reserved:
            return False, f"is alias/{reserved[0]}, an AWS managed key"
        if name and not (goes_on and "aws/".startswith(name)):
            return True, ""
    if _ends_with_key(parts) or is_listed(text, known):
        return True, ""
    if len(parts) == 1 and isinstance(parts[0], Opaque):
        return None, f"comes from {parts[0].cause}: who manages that key is not known here"
    if len(parts) == 1 and isinstance(parts[0], str):
        return None, "names a key by id or ARN: only KMS can tell who manages it"
    if ask(_ask_reserved()):
        return False, "is an AWS managed key"
    if ask(_ask_own()) or (known and ask(_ask_known(known))):
        return True, ""
    return None, "names a key that is not known here"


@cache
def _ask_reserved() -> Question:
    return ask_matches("(^|:)alias/aws/", "an AWS managed key (alias/aws/…)")


@cache
def _ask_own() -> Question:
    return ask_matches("(^|:)alias/(?!aws/).", "an alias of your own")


def _ends_with_key(parts: tuple[Part, ...]) -> bool:
    """A key or alias of the same template, by itself or as the end of an ARN."""
    *start, last = parts
    if not isinstance(last, Opaque) or last.refers is None or last.refers[0] not in _KEY_TYPES:
        return False
    return not start or (isinstance(start[-1], str) and start[-1].endswith((":key/", ":")))


def is_listed(text: str, known: tuple[str, ...]) -> bool:
    """Whether a key is one of those listed, by id or ARN; `\0` in its text is a part that isn't known.

    The id by itself, and an ARN that ends with it, are the same key. A wildcard stands for nothing unknown.
    """
    if not known:
        return False
    from fnmatch import fnmatchcase

    key = text.rpartition(":key/")[2]
    return any(
        ("\0" not in text and fnmatchcase(text, entry))
        or ("\0" not in key and fnmatchcase(key, entry))
        or ("*" not in key and key == entry.rpartition(":key/")[2])
        for entry in known
    )


def _ask_known(known: tuple[str, ...]) -> Question:
    return Question(
        "known-key",
        known,
        lambda text: is_listed(text, known),
        undecided,
        lambda answer: f"is {'' if answer else 'not '}one of the keys that are allowed",
    )
