"""A request as policies see it: who asks for which action on what, and the context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Request(NamedTuple):
    """One request. `principal` is an ARN, an account id, the name of a service, or "*": nobody known."""

    principal: str
    action: str
    resource: str = "*"
    account: str | None = None
    """The account that owns the resource; None: the one its ARN names, else the principal's."""
    context: Mapping[str, Any] = {}
    """Condition keys, in any case, to a text or a list of texts. An absent key is one AWS doesn't send."""
