"""The time that Lambda leaves an invocation."""

from __future__ import annotations

from typing import Any

from scanner.audit.pace import Clock

_MARGIN = 60_000
"""Milliseconds before Lambda ends the function in which what is known is put, and the rest handed on."""


class Deadline(Clock):
    """Time until the function is to hand on, as its context tells it."""

    def __init__(self, context: Any) -> None:
        super().__init__()
        self._left = context.get_remaining_time_in_millis
        self._margin = min(_MARGIN, self._left() // 2)

    @property
    def stopped(self) -> bool:
        return super().stopped or self._left() <= self._margin

    def wait_until(self, moment: float) -> None:
        """As Clock, but not past the deadline."""
        super().wait_until(min(moment, self.now() + max(self._left() - self._margin, 0) / 1000))
