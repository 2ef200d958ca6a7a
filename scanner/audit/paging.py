"""Answers that come in pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scanner.audit.fault import Fault
from scanner.audit.item import Api


def pages(
    api: Api,
    service: str,
    operation: str,
    parameters: Mapping[str, Any],
    member: str,
    asking: str = "NextToken",
    answered: str | None = None,
) -> Iterator[list[Any]]:
    """The list `member` of every page, as they come.

    `asking` names the member that asks for the next page, `answered` the one that tells it (mostly the same).
    Raises Fault; of kind "malformed" when a token comes back, which would never end or leave out pages.
    """
    asked: dict[str, Any] = dict(parameters)
    seen: set[int] = set()
    while True:
        answer = api.call(service, operation, asked, needs=(member,))
        yield answer[member]
        following = answer.get(answered or asking)
        if not following:
            return
        # Tokens are long, and an account may have thousands of pages.
        mark = hash(str(following))
        if mark in seen:
            raise Fault("malformed", "RepeatedToken", service, operation, api.scope)
        seen.add(mark)
        asked[asking] = following
