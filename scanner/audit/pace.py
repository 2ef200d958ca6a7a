"""How fast an audit asks: a token bucket per account, region and operation that learns what AWS allows."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from typing import NamedTuple

CEILING = 100.0
"""Calls a second and operation, never exceeded whatever AWS would allow: others use the account too."""
_START, _USUAL = 20.0, 10.0
"""The rate to begin with, and the most that is left of it after the first throttled call."""
_FLOOR = 0.5
_CUT = 0.85
_RAMP = 0.1
"""The share by which a success raises the rate until the first throttled call sets it back; then:"""
_REGAIN = 0.015
"""Near what was last refused it begins with:"""
_PROBE = 0.001
_NEAR = 0.97
_ECHO = 0.4
"""Seconds for which throttles after the first one tell of calls before it: AWS counts them for a second."""
_SHORTEST, _LONGEST = 0.2, 8.0
_PATIENCE = 60.0
"""Seconds without one success after which an operation that keeps failing is not asked any more."""
_TRIES = {"throttled": 9, "unreachable": 3, "failed": 4, "malformed": 3}
_DENIALS = 100
"""So many in a row, and every further call of the operation is taken as denied too."""


class Clock:
    """Time, as far as an audit waits for it. `stop` ends all waiting, as Ctrl-C must."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self.heard = time.monotonic()
        """When somebody last asked for the time: nobody does when nothing goes on."""

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    def stop(self) -> None:
        """Let nothing wait any more."""
        self._stopped.set()

    def now(self) -> float:
        """Seconds that only grow."""
        self.heard = time.monotonic()
        return self.heard

    def wait_until(self, moment: float) -> None:
        """Return at `moment`, or when stopped."""
        remaining = moment - self.now()
        if remaining > 0:
            self._stopped.wait(remaining)


class Count(NamedTuple):
    """What one operation cost: calls made, of which so many were throttled, and so many tries again."""

    calls: int = 0
    throttles: int = 0
    retries: int = 0


def total(counts: Iterable[Mapping[str, Count]]) -> dict[str, Count]:
    """Operation -> what it cost all together."""
    found: dict[str, Count] = {}
    for each in counts:
        for name, more in each.items():
            found[name] = Count(*map(sum, zip(found.get(name, Count()), more, strict=True)))
    return found


class Lane:
    """The calls of one operation in one scope: when the next may go, and whether a failed one is tried again.

    The rate starts at what SageMaker's Describe operations stand for a second, more than they allow for
    long; its List operations may allow 2 a second. A throttled call cuts it, once for all calls that were
    under way; successes raise it, fast before the first such cut, slowly near the rate that was last refused.
    """

    def __init__(self, clock: Clock, ceiling: float = CEILING, seed: int | None = None) -> None:
        from random import Random  # after the start of a function, where it is needed at all

        self._clock = clock
        self._ceiling = ceiling
        self._random = Random(seed)  # noqa: S311 - spreads retries, guards nothing
        self._lock = threading.Lock()
        self._turnstile = threading.Lock()
        self._next = clock.now()
        self._cut_at = float("-inf")
        self._failing_since: float | None = None
        self._denials = 0
        self.rate = min(_START, ceiling)
        self._refused = ceiling
        self._most = min(_USUAL, ceiling) / _CUT
        self.count = Count()
        self.closed: tuple[str, str] | None = None
        """Kind and code of the fault for which no call of this operation is made any more."""

    def take(self) -> float:
        """Wait for the next turn; the moment at which the call goes."""
        # One waits for the moment and the others for that one: whatever changes the rate counts at once.
        with self._turnstile:
            if not self.closed:
                self._clock.wait_until(self._next)
            with self._lock:
                sent = self._clock.now()
                self._next = max(self._next, sent) + 1 / self.rate
                self.count = self.count._replace(calls=self.count.calls + 1)
        return sent

    def withdraw(self) -> None:
        """A call was not sent after all, for want of credentials."""
        with self._lock:
            self.count = self.count._replace(calls=self.count.calls - 1)

    def succeed(self) -> None:
        """A call was answered."""
        with self._lock:
            self._failing_since = None
            self._denials = 0
            near = self.rate >= self._refused * _NEAR
            calm = self._clock.now() - self._cut_at
            step = min(_PROBE * max(calm / 5, 1), _REGAIN) if near else _REGAIN
            step = step if self.count.throttles else _RAMP
            self.rate = min(self.rate * (1 + step), self._ceiling)

    def fail(self, kind: str, code: str, sent: float, tries: int) -> bool:
        """A call sent then failed, the `tries`th time so; whether to try again, once this returns."""
        with self._lock:
            now = self._clock.now()
            if kind == "throttled":
                self.count = self.count._replace(throttles=self.count.throttles + 1)
                if sent > self._cut_at:
                    self._refused = self.rate
                    self._cut_at = now + (_ECHO if self.count.throttles == 1 else 0)
                    self.rate = max(min(self.rate, self._most) * _CUT, _FLOOR)
                    self._most = self._ceiling
            self._denials = self._denials + 1 if kind == "denied" else 0
            if self._denials >= _DENIALS:
                self.closed = (kind, code)
            if kind not in _TRIES:
                return False
            if self._failing_since is None:
                self._failing_since = now
            if now - self._failing_since > _PATIENCE:
                self.closed = (kind, code)
            if tries >= _TRIES[kind] or self.closed or self._clock.stopped:
                return False
            self.count = self.count._replace(retries=self.count.retries + 1)
            # As long again as it has been failing: while other calls get through, the lane's pace is enough.
            longest = min(max(now - self._failing_since, _SHORTEST), _LONGEST)
            moment = now + longest * (0.5 + self._random.random() / 2)
        self._clock.wait_until(moment)
        return True


class Pace:
    """The lanes of one scope."""

    def __init__(self, clock: Clock | None = None, ceiling: float = CEILING) -> None:
        self.clock = clock or Clock()
        self._ceiling = ceiling
        self._lanes: dict[str, Lane] = {}
        self._lock = threading.Lock()

    def lane(self, service: str, operation: str) -> Lane:
        """The one lane of an operation."""
        with self._lock:
            name = f"{service}:{operation}"
            if name not in self._lanes:
                self._lanes[name] = Lane(self.clock, self._ceiling)
            return self._lanes[name]

    def counts(self) -> dict[str, Count]:
        """What was asked so far: {"sagemaker:ListModels": Count}."""
        with self._lock:
            return {name: lane.count for name, lane in self._lanes.items()}
