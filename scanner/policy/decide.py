"""What policies decide of a request."""

from __future__ import annotations

from typing import NamedTuple

from scanner.policy.document import Policy
from scanner.policy.request import Request

__all__ = ["Decision", "Policies", "Reason", "Request", "decide"]

Levels = tuple[tuple[Policy, ...], ...]


class Policies(NamedTuple):
    """The policies that bear on a request; None where there is no such layer."""

    scp: Levels | None = None
    """Service control policies of the principal's account, a tuple per level from the root down to it."""
    rcp: Levels | None = None
    """Resource control policies of the resource's account, likewise."""
    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: Policy | None = None
    resource_policy: Policy | None = None
    vpc_endpoint: Policy | None = None


class Reason(NamedTuple):
    """What became of one statement."""

    layer: str
    """Such as "scp", with `level` from 1 at the root, or "identity"."""
    level: int | None
    policy: str
    sid: str | None
    path: str
    """Its place in the policy: "Statement[0]"."""
    effect: str
    applies: bool
    why: str
    """Why it does not apply, or what it did."""


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
    """The layer that decided."""


def decide(request: Request, policies: Policies, *, explain: bool = False) -> Decision:
    """Decide as IAM does; with `explain` say of every statement why it applies or not."""
    raise NotImplementedError
