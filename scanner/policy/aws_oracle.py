"""What AWS itself decides: IAM's SimulateCustomPolicy, which reads nothing and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from scanner.model import SmguardError
from scanner.policy.decide import ALLOWED, EXPLICIT, IMPLICIT, Policies
from scanner.policy.document import Policy
from scanner.policy.request import Request, read_principal
from scanner.safe_text import to_json

_DECISIONS = {"allowed": ALLOWED, "explicitDeny": EXPLICIT, "implicitDeny": IMPLICIT}
_TYPES = {
    "numeric": "numeric",
    "date": "date",
    "bool": "boolean",
    "binary": "binary",
    "ip": "ip",
    "notip": "ip",
}
_PATH = "OrderedOrganizationPolicyInputList"


class Opinion(NamedTuple):
    """What AWS decided of a request, and the layers that it was not told of."""

    decision: str
    left_out: tuple[str, ...]


def connect(profile: str | None, region: str) -> Any:
    """A client for IAM; raises SmguardError where none can be had."""
    import boto3
    import botocore.exceptions

    try:
        return boto3.Session(profile_name=profile, region_name=region).client("iam")
    except botocore.exceptions.BotoCoreError as error:
        raise SmguardError(f"AWS can't be asked: {error}") from error


def ask(client: Any, request: Request, policies: Policies) -> Opinion:
    """Have AWS decide; raises SmguardError if it can't be asked."""
    import botocore.exceptions

    given, left_out = _input(request, policies)
    known = client.meta.service_model.operation_model("SimulateCustomPolicy").input_shape.members
    if _PATH in given and _PATH not in known:
        raise SmguardError("this boto3 can't tell AWS of SCPs", "install a newer boto3")
    try:
        result = client.simulate_custom_policy(**given)["EvaluationResults"][0]["EvalDecision"]
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        hint = "this needs credentials with iam:SimulateCustomPolicy"
        raise SmguardError(f"AWS can't be asked: {error}", hint) from error
    except (KeyError, IndexError):
        raise SmguardError("AWS answered without a decision") from None
    return Opinion(_DECISIONS.get(result, result), tuple(left_out))


def _input(request: Request, policies: Policies) -> tuple[dict[str, Any], list[str]]:
    given: dict[str, Any] = {
        "PolicyInputList": [to_json(each.source) for each in policies.identity],
        "ActionNames": [request.action],
        "ResourceArns": [request.resource],
        "ContextEntries": list(_context(request, policies)),
    }
    if policies.boundary:
        given["PermissionsBoundaryPolicyInputList"] = [to_json(policies.boundary.source)]
    if policies.scp:
        given[_PATH] = [
            {"ServiceControlPolicyInputList": [to_json(each.source) for each in level]}
            for level in policies.scp
        ]
    left_out = [name for name in ("rcp", "session", "vpc_endpoint") if getattr(policies, name)]
    is_user = read_principal(request.principal).kind == "user"
    if is_user:
        given["CallerArn"] = request.principal
    if policies.resource_policy and is_user:
        given["ResourcePolicy"] = to_json(policies.resource_policy.source)
        if request.account:
            given["ResourceOwner"] = f"arn:aws:iam::{request.account}:root"
    elif policies.resource_policy:
        # AWS takes a resource policy for the request of a user only.
        left_out.append("resource_policy")
    return given, left_out


def _context(request: Request, policies: Policies) -> Iterator[dict[str, Any]]:
    """The context, each key of the type that the policies compare it as."""
    types: dict[str, str] = {}
    for policy in _all(policies):
        for statement in policy.statements:
            for operator, key, _ in statement.conditions:
                core = operator.lower().rpartition(":")[2]
                for start, name in _TYPES.items():
                    if core.startswith(start):
                        types[key.lower()] = name
    for key, value in request.context.items():
        name = types.get(key.lower(), "string")
        listed = isinstance(value, list)
        texts = [
            str(each).lower() if isinstance(each, bool) else str(each)
            for each in (value if listed else [value])
        ]
        yield {"ContextKeyName": key, "ContextKeyValues": texts, "ContextKeyType": name + "List" * listed}


def _all(policies: Policies) -> Iterator[Policy]:
    yield from policies.identity
    for level in policies.scp or ():
        yield from level
    yield from (each for each in (policies.boundary, policies.resource_policy) if each)
