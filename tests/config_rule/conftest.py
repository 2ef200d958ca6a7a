"""Time that passes at once, and AWS on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest
from botocore.session import Session

from scanner.audit import access
from scanner.audit.pace import Clock
from tests.fake_aws import Fake


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Clock, "wait_until", lambda self, moment: None)


@pytest.fixture
def cloud(aws: Fake, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    """The fake, with sessions that lead there."""
    access.forget()
    # Each invocation makes its clients, which takes most of its time.
    monkeypatch.setattr(Session, "create_client", cache(Session.create_client))
    monkeypatch.setattr(access, "configuration", cache(access.configuration))
    yield aws
    access.forget()
