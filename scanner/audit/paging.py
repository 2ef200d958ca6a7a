"""Answers that come in pages."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from scanner.audit.fault import Fault
from scanner.audit.item import Api

_TOKENS = {
    "NextToken": "NextToken",
    "nextToken": "nextToken",
    "NextMarker": "Marker",
    "Marker": "Marker",
    "ContinuationToken": "ContinuationToken",
    "PaginationToken": "PaginationToken",
}
"""The member of an answer that tells of another page -> the parameter that asks for it."""


def pages(
    api: Api, service: str, operation: str, parameters: Mapping[str, Any], member: str
) -> Iterator[list[Any]]:
    """The list `member` of every page, as they come. Raises as `answers` does."""
    return (each[member] for each in answers(api, service, operation, parameters, (member,)))


def answers(
    api: Api, service: str, operation: str, parameters: Mapping[str, Any], needs: Collection[str] = ()
) -> Iterator[dict[str, Any]]:
    """Every page, as they come.

    Raises Fault; of kind "malformed" when a token comes back, which would never end or leave out pages.
    """
    asked: dict[str, Any] = dict(parameters)
    seen: set[int] = set()
    while True:
        answer = api.call(service, operation, asked, needs=needs)
        yield answer
        following = next(((to, answer[it]) for it, to in _TOKENS.items() if answer.get(it)), None)
        if following is None:
            return
        # Tokens are long, and an account may have thousands of pages.
        mark = hash(str(following))
        if mark in seen:
            raise Fault("malformed", "RepeatedToken", service, operation, api.scope)
        seen.add(mark)
        asked[following[0]] = following[1]
