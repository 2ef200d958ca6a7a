"""A request as policies see it: who asks for which action on what, and the context."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from scanner.model import SmguardError
from scanner.policy.match import LONGEST, arn_parts
from scanner.template.document import shown
from scanner.value import as_text

_FIELDS = ("principal", "action", "resource", "account", "context")
_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9]+", re.ASCII)
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
MULTIVALUED = frozenset(
    (
        *("aws:calledvia", "aws:principalorgpaths", "aws:principalservicenameslist", "aws:resourceorgpaths"),
        *("aws:sourceorgpaths", "aws:tagkeys", "aws:vpceorgpaths"),
        *(
            "sagemaker:acceleratortypes",
            "sagemaker:customermetadatapropertiestoremove",
            "sagemaker:imagearns",
        ),
        *("sagemaker:imageversionarns", "sagemaker:instancetypes", "sagemaker:updatablefeatures"),
        *("sagemaker:notebookinstancelifecycleconfigarns", "sagemaker:studiolifecycleconfigarns"),
        *("sagemaker:vpcsecuritygroupids", "sagemaker:vpcsubnets"),
    )
)
"""Keys that AWS documents as lists, whatever their length, in lower case. Others of these two are none."""


class Request(NamedTuple):
    """One request. `principal` is an ARN, an account id, the name of a service, or "*": nobody known."""

    principal: str
    action: str
    resource: str = "*"
    account: str | None = None
    """The account that owns the resource; None: the one its ARN names, else the principal's."""
    context: Mapping[str, Any] = {}
    """Condition keys, in any case, to a text or a list of texts. An absent key is one AWS doesn't send."""


class Principal(NamedTuple):
    """Who asks, taken apart."""

    name: str
    account: str | None
    """None for services and for nobody known."""
    kind: str
    """user, role, session, federated-user, root, service or anyone."""
    role: str | None
    """The name of the role, without its path, of a role or of its session."""
    service_linked: bool


def take_request(data: Any, where: str) -> Request:
    """Take a request from decoded JSON; raises SmguardError naming the field that is wrong."""

    def fault(field: str, what: str) -> SmguardError:
        return SmguardError(f"{where}: {field} {what}")

    if not isinstance(data, dict):
        raise SmguardError(f"{where}: is no JSON object")
    for field, value in data.items():
        if field not in _FIELDS:
            raise fault(shown(field), f"is no field of a request: {', '.join(_FIELDS)}")
        if field != "context" and not (isinstance(value, str) or (value is None and field == "account")):
            raise fault(field, "is no text")
        if isinstance(value, str) and not 0 < len(value) <= LONGEST:
            raise fault(field, f"is empty, or longer than {LONGEST:,} characters")
    for field in ("principal", "action"):
        if field not in data:
            raise fault(field, "is missing")
    if not _ACTION.fullmatch(data["action"]):
        raise fault("action", "is no action such as sagemaker:CreateModel")
    account = data.get("account")
    if account is not None and not _ACCOUNT.fullmatch(account):
        raise fault("account", "is no account id of 12 digits")
    principal = data["principal"]
    if read_principal(principal).kind == "":
        raise fault("principal", 'is no ARN of IAM or STS, account id, service or "*"')
    context = {} if data.get("context") is None else data["context"]
    if not isinstance(context, dict):
        raise fault("context", "is no JSON object")
    seen: set[str] = set()
    for key, value in context.items():
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(each, str | int | float) and len(str(each)) <= LONGEST for each in values):
            raise fault(f"context.{shown(key)}", f"holds more than texts of up to {LONGEST:,} characters")
        if key.lower() in seen:
            raise fault(f"context.{shown(key)}", "is there twice; case makes no difference")
        seen.add(key.lower())
    return Request(principal, data["action"], data.get("resource", "*"), account, context)


def read_principal(text: str) -> Principal:
    """Who a text names; `kind` is "" if it names nobody."""
    if text == "*":
        return Principal(text, None, "anyone", None, False)
    if _ACCOUNT.fullmatch(text):
        return Principal(f"arn:aws:iam::{text}:root", text, "root", None, False)
    parts = arn_parts(text)
    if len(parts) < 6:
        is_service = ".amazonaws.com" in text or ".aws.internal" in text
        return Principal(text, None, "service" if is_service else "", None, False)
    kind, _, path = parts[5].partition("/")
    names = path.split("/")
    if parts[2] == "sts" and kind == "assumed-role" and len(names) == 2:
        return Principal(text, parts[4], "session", names[0], names[0].startswith("AWSServiceRoleFor"))
    known = kind if kind in ("user", "role", "root", "federated-user") and parts[2] in ("iam", "sts") else ""
    role = names[-1] if kind == "role" else None
    return Principal(text, parts[4], known, role, path.startswith("aws-service-role/"))


def owner(request: Request, principal: Principal) -> str | None:
    """The account of the resource."""
    if request.account is not None:
        return request.account
    parts = arn_parts(request.resource)
    return (parts[4] if len(parts) == 6 else "") or principal.account


def full_context(request: Request, principal: Principal) -> dict[str, str | tuple[str, ...]]:
    """The condition keys in lower case: text, or a tuple where the key is a list.

    What AWS derives from the principal and the resource is added where the request doesn't say it.
    """
    found: dict[str, str | tuple[str, ...]] = {}
    account = owner(request, principal)
    if account:
        found["aws:resourceaccount"] = account
    if principal.kind != "anyone":
        found["aws:principalisawsservice"] = "true" if principal.kind == "service" else "false"
    if principal.account:
        found["aws:principalaccount"] = principal.account
        arn = principal.name
        if principal.kind == "session":
            parts = arn_parts(arn)
            arn = f"{parts[0]}:{parts[1]}:iam::{parts[4]}:role/{principal.role}"
        found["aws:principalarn"] = arn
    for key, value in request.context.items():
        key = key.lower()
        if isinstance(value, list | tuple):
            single = key.startswith(("aws:", "sagemaker:")) and key not in MULTIVALUED and len(value) == 1
            found[key] = as_text(value[0]) if single else tuple(map(as_text, value))
        else:
            found[key] = (as_text(value),) if key in MULTIVALUED else as_text(value)
    return found
