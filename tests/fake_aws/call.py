"""A call to AWS as the fake sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Call(NamedTuple):
    """One call, by whom and where."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    account: str
    region: str
    access_key: str = ""
