"""JSON objects of others that come as text inside of something else, or already read."""

from __future__ import annotations

import json
from typing import Any


def as_object(value: Any) -> dict[str, Any] | None:
    """An object, or the one that a text or bytes hold; None for anything else."""
    if isinstance(value, (str, bytes)):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value if isinstance(value, dict) else None
