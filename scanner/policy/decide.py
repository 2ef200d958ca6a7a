"""What policies decide of a request.

The order is that of AWS: a Deny that applies anywhere decides; then every level of SCPs, the VPC endpoint's
policy, the permissions boundary and the session policy must allow what an identity or resource policy grants.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from scanner.model import SmguardError
from scanner.policy.document import Policy, show_path
from scanner.policy.match import arn_parts
from scanner.policy.operator import Condition, Context
from scanner.policy.request import Principal, Request, full_context, owner, read_principal
from scanner.policy.statement import ACCOUNT, DIRECT, Asked, Compiled, Ready, compile_policy
from scanner.template.document import shown

__all__ = ["Decision", "Policies", "Reason", "Request", "decide"]

ALLOWED, EXPLICIT, IMPLICIT = "Allowed", "ExplicitlyDenied", "ImplicitlyDenied"
Levels = tuple[tuple[Policy, ...], ...]
_MOST_COSTLY = 2_000
"""Texts with `?` or variables in all policies: each is walked character by character."""
_WITH_PRINCIPAL = ("rcp", "resource_policy", "vpc_endpoint")
_NO_RCP = "AWS enforces RCPs for SageMaker, which its list of services with RCPs does not hold"
_ROOT = "the root user of an account needs no identity policy"


class Policies(NamedTuple):
    """The policies that bear on a request; None where there is no such layer."""

    scp: Levels | None = None
    """Service control policies of the principal's account, a tuple per level from the root down to it."""
    rcp: Levels | None = None
    """Resource control policies of the resource's account, likewise; AWS's own Allow is implied."""
    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: Policy | None = None
    resource_policy: Policy | None = None
    vpc_endpoint: Policy | None = None


class Reason(NamedTuple):
    """What became of one statement."""

    layer: str
    """The field of Policies that it is in."""
    level: int | None
    """Of SCPs and RCPs, from 1 at the root."""
    policy: str
    sid: str | None
    path: str
    """Its place in the policy: "Statement[0]"."""
    effect: str
    applies: bool
    why: str
    """Why it does not apply; empty if it does."""


class Decision(NamedTuple):
    """What was decided, and by which statement."""

    decision: str
    """Allowed, ExplicitlyDenied or ImplicitlyDenied."""
    by: str | None
    """The Sid of the statement that decided; None if it has none, or none decided."""
    reasons: tuple[Reason, ...] = ()
    """All statements in the order of the layers; empty unless they were asked for."""
    assumptions: tuple[str, ...] = ()
    layer: str | None = None
    """The layer that decided, or that should have allowed: "scp", with its level "scp 2", or "identity"."""


class _Found(NamedTuple):
    """What one layer, or one level of it, says."""

    deny: Ready | None
    allow: Ready | None
    named: int
    """How the Allow names the principal, at best."""


def decide(request: Request, policies: Policies, *, explain: bool = False) -> Decision:
    """Decide as IAM does; with `explain` say of every statement why it applies or not.

    Raises SmguardError for a policy that can't stand in its layer.
    """
    principal = read_principal(request.principal)
    context = full_context(request, principal)
    asked = Asked(request.action.lower(), request.resource, arn_parts(request.resource), principal, context)
    reasons: list[Reason] = []
    found: dict[str, list[_Found]] = {}
    denied: Decision | None = None
    costly = 0
    for layer, level, group in _layers(policies):
        costly += sum(compile_policy(policy).costly for policy in group)
        if costly > _MOST_COSTLY:
            raise SmguardError(f"the policies hold more than {_MOST_COSTLY:,} texts with ? or a variable")
        skipped = _is_exempt(layer, principal)
        if explain:
            reasons += _explain(layer, level, group, asked, skipped)
        if skipped:
            continue
        told = _ask(layer, group, asked)
        found.setdefault(layer, []).append(told)
        if told.deny is not None and denied is None:
            denied = Decision(EXPLICIT, told.deny.statement.sid, (), (), _called(layer, level))
            if layer == "rcp" and asked.action.startswith("sagemaker:"):
                denied = denied._replace(assumptions=(_NO_RCP,))
            if not explain:
                return denied
    decision = denied or _weigh(found, principal, owner(request, principal))
    return decision._replace(reasons=tuple(reasons)) if explain else decision


def _layers(policies: Policies) -> Iterator[tuple[str, int | None, tuple[Policy, ...]]]:
    for layer in ("scp", "rcp"):
        for index, group in enumerate(getattr(policies, layer) or ()):
            yield layer, index + 1, group
    if policies.identity:
        yield "identity", None, policies.identity
    for layer in ("boundary", "session", "resource_policy", "vpc_endpoint"):
        policy = getattr(policies, layer)
        if policy is not None:
            yield layer, None, (policy,)


def _is_exempt(layer: str, principal: Principal) -> str:
    """Why a layer does not bear on the principal; "" if it does."""
    if layer in ("scp", "rcp") and principal.service_linked:
        return "SCPs and RCPs leave service-linked roles alone"
    if layer in ("scp", "identity", "boundary", "session") and principal.account is None:
        return "the principal is in no account that has such policies"
    return ""


def _ask(layer: str, group: tuple[Policy, ...], asked: Asked) -> _Found:
    """What a layer says; the search ends with the first Deny."""
    allow, named = None, 0
    for policy in group:
        compiled = compile_policy(policy)
        if (layer not in _WITH_PRINCIPAL) in compiled.with_principal:
            raise _misplaced(layer, policy, compiled)
        for ready in compiled.for_action(asked.action):
            if not ready.is_deny and named == DIRECT:
                continue
            how = ready.applies(asked)
            if how and ready.is_deny:
                return _Found(ready, None, 0)
            if how > named:
                allow, named = ready, how
    return _Found(None, allow, named)


def _misplaced(layer: str, policy: Policy, compiled: Compiled) -> SmguardError:
    wrong = layer not in _WITH_PRINCIPAL
    path = show_path(policy.statements[compiled.with_principal.index(wrong)].path)
    what = "can't have a Principal" if wrong else "needs a Principal"
    return SmguardError(f"{policy.name or 'policy'}: {path} {what} in this place: {layer.replace('_', ' ')}")


def _weigh(found: dict[str, list[_Found]], principal: Principal, resource_account: str | None) -> Decision:
    """Without any Deny: whether all that must allow do."""
    for level, told in enumerate(found.get("scp", ()), 1):
        if told.allow is None:
            return Decision(IMPLICIT, None, layer=_called("scp", level))
    if "vpc_endpoint" in found and found["vpc_endpoint"][0].allow is None:
        return Decision(IMPLICIT, None, layer="vpc_endpoint")
    resource = found["resource_policy"][0] if "resource_policy" in found else _Found(None, None, 0)
    is_home = principal.account is not None and principal.account == resource_account
    if resource.allow is not None and (principal.account is None or (is_home and resource.named == DIRECT)):
        return _allow(resource.allow, "resource_policy")
    identity = found["identity"][0].allow if "identity" in found else None
    is_root = principal.kind == "root"
    grants = identity is not None or is_root
    if is_home and resource.named > ACCOUNT:
        grants = True
    if not grants:
        return Decision(IMPLICIT, None, layer="identity" if principal.account else "resource_policy")
    for layer in ("boundary", "session"):
        if layer in found and found[layer][0].allow is None:
            return Decision(IMPLICIT, None, layer=layer)
    if not is_home and resource.allow is None:
        return Decision(IMPLICIT, None, layer="resource_policy")
    if identity is not None:
        return _allow(identity, "identity")
    if resource.allow is not None and not is_root:
        return _allow(resource.allow, "resource_policy")
    return Decision(ALLOWED, None, assumptions=(_ROOT,))


def _allow(ready: Ready, layer: str) -> Decision:
    return Decision(ALLOWED, ready.statement.sid, layer=layer)


def _called(layer: str, level: int | None) -> str:
    return layer if level is None else f"{layer} {level}"


def _explain(
    layer: str, level: int | None, group: tuple[Policy, ...], asked: Asked, skipped: str
) -> Iterator[Reason]:
    for policy in group:
        for ready in compile_policy(policy).statements:
            statement = ready.statement
            fault, unmet = ready.fault(asked)
            why = skipped or (_tell(unmet, asked.context) if unmet else _WHY[fault])
            place = show_path(statement.path)
            yield Reason(layer, level, policy.name, statement.sid, place, statement.effect, not why, why)


_WHY = {
    "": "",
    "action": "it is not about this action",
    "principal": "it is not about this principal",
    "resource": "it is not about this resource",
}


def _tell(unmet: Condition, context: Context) -> str:
    value = context.get(unmet.name)
    if value is None:
        has = "the request has no such key"
    elif isinstance(value, str):
        has = f"the request has '{shown(value)}'"
    elif not unmet.quantifier and unmet.presence is None:
        has = "the request has a list, which needs ForAllValues or ForAnyValue"
    else:
        has = f"the request has {len(value)}: {shown(', '.join(value))}"
    return f"{unmet.operator} {unmet.key} is not met: {has}"
