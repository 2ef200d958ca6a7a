"""Policy documents as kinds: however a document is written, the values' language sees one shape.

A statement, action, resource, principal or value that stands by itself becomes a list of one; a bare
principal "*" is the AWS principal "*"; `Condition` becomes a list of {Operator, Key, Values} with the key
in lower case, as IAM compares it; and a document may be JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from scanner.value import Opaque, Partial, Variable, unknown

_MANY = ["s", "many"]
_PRINCIPAL = {"": "principal", "AWS": _MANY, "CanonicalUser": _MANY, "Federated": _MANY, "Service": _MANY}
_STATEMENT = {
    "Action": _MANY,
    "Condition": [{"Key": "s", "Operator": "s", "Values": _MANY}, "tests"],
    "Effect": "e:Allow|Deny",
    "NotAction": _MANY,
    "NotPrincipal": _PRINCIPAL,
    "NotResource": _MANY,
    "Principal": _PRINCIPAL,
    "Resource": _MANY,
    "Sid": "s",
}
POLICY = {"": "document", "Id": "s", "Statement": [_STATEMENT, "many"], "Version": "s"}
"""The kind of a policy document, which `_types.yaml` and `_kinds.json` call "policy"."""


def expand(kind: Any) -> Any:
    """A kind with every `policy` in it spelled out."""
    if type(kind) is dict:
        return {name: expand(below) for name, below in kind.items()}
    if type(kind) is list:
        return [expand(kind[0]), *kind[1:]]
    return POLICY if kind == "policy" else kind


def _document(value: Any) -> Any:
    if type(value) is Partial:
        return unknown(value.cause)
    if type(value) is not str:
        return None
    try:
        document = json.loads(value, object_pairs_hook=_plain_object)
    except (ValueError, RecursionError):
        return Partial((Opaque("text that is no policy", malformed=True),))
    return document if type(document) is dict and document else None


def _plain_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of a document without what is empty; raises ValueError for what no policy holds."""
    found = {name: value for name, value in pairs if value not in (None, "", [], {})}
    if len({name for name, _ in pairs}) < len(pairs) or any(is_function(name) for name in found):
        raise ValueError("a name is written twice, or is that of a function")
    return found


def is_function(name: str) -> bool:
    return name == "Ref" or name[:4] == "Fn::"


def _many(value: Any) -> Any:
    """A list of one; an input that is a list already stays what it is."""
    if type(value) is Partial and len(value.parts) == 1:
        part = value.parts[0]
        if not isinstance(part, Variable) or part.listed:
            return value
    return [value]


def _principal(value: Any) -> Any:
    return {"AWS": [value]} if type(value) is str or type(value) is Partial else None


def _tests(block: Any) -> Any:
    """Every key of every operator of a condition block."""
    if type(block) is not dict:
        return None
    found = []
    for operator, tests in block.items():
        if is_function(operator) or type(tests) is not dict or any(map(is_function, tests)):
            found.append({"Operator": unknown(operator), "Key": unknown(operator), "Values": tests})
            continue
        found += [{"Operator": operator, "Key": key.lower(), "Values": tests[key]} for key in tests]
    return found


FORMS: dict[str, Callable[[Any], Any]] = {
    "document": _document,
    "many": _many,
    "principal": _principal,
    "tests": _tests,
}
