"""Faults made to order, and the pace that AWS allows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from time import monotonic
from typing import Any

from tests.fake_aws.call import Call
from tests.fake_aws.http import Cut
from tests.fake_aws.wire import AwsError, Reply

STATUS = {
    "ExpiredToken": 403,
    "InternalFailure": 500,
    "InternalServerError": 500,
    "InvalidClientTokenId": 403,
    "ServiceUnavailable": 503,
    "SignatureDoesNotMatch": 403,
}
"""HTTP statuses of errors that have another one than 400."""

CANARY = "canary-6f1d2c"
"""Is in every error's message, which quotes callers and resources in AWS: no report, no log may have it."""


@dataclass
class Fault:
    """Makes matching calls fail.

    `code` is AWS's error code, or a fault of another kind: "garbage" (200, no JSON), "empty" (200, `{}`),
    "truncated" (the body ends half-way), "reset" (of the connection), "hang" (no answer until the fake
    closes), "repeat" (the answer's NextToken is the one that came) or "missing" (the resource is gone).
    """

    operation: str
    code: str
    times: int | None
    after: int
    when: Callable[[Call], bool]

    def strikes(self, call: Call) -> bool:
        """Whether this call is to fail; counts."""
        if self.times == 0 or not fnmatchcase(call.operation, self.operation) or not self.when(call):
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def instead(self, closing: threading.Event) -> Reply | None:
        """The answer in place of the right one, if it does not depend on that."""
        if self.code == "garbage":
            return Reply(200, b"<html>Sign in to the hotel's network</html>", "text/html")
        if self.code == "empty":
            return Reply(200, b"{}", "application/x-amz-json-1.1")
        if self.code == "reset":
            raise Cut
        if self.code == "hang":
            closing.wait()
            raise Cut
        if self.code in ("truncated", "repeat", "missing"):
            return None
        raise AwsError(self.code, f"{CANARY}: {self.code}", STATUS.get(self.code, 400))

    def bent(self, call: Call, answer: dict[str, Any]) -> dict[str, Any]:
        """The right answer made wrong."""
        token = call.parameters.get("NextToken")
        return {**answer, "NextToken": token} if self.code == "repeat" and token else answer


class Rate:
    """A token bucket per account, region and operation; a second's worth may come at once."""

    def __init__(self) -> None:
        self.limits: dict[str, float] = {}
        """Calls per second by operation or pattern ("*")."""
        self._buckets: dict[tuple[str, str, str], tuple[float, float]] = {}

    def take(self, call: Call) -> bool:
        """Whether the call is within what is allowed."""
        limit = self.limits.get(call.operation) or self._pattern(self.limits, call.operation)
        if limit is None:
            return True
        key, now = (call.account, call.region, call.operation), monotonic()
        tokens, then = self._buckets.get(key, (max(1.0, limit), now))
        tokens = min(max(1.0, limit), tokens + (now - then) * limit)
        self._buckets[key] = (tokens - 1 if tokens >= 1 else tokens, now)
        return tokens >= 1

    @staticmethod
    def _pattern(limits: Mapping[str, float], operation: str) -> float | None:
        return next((limit for pattern, limit in limits.items() if fnmatchcase(operation, pattern)), None)
