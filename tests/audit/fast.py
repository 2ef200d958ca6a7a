"""What tests of the audit share: time that passes at once, and a way to the fake AWS."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from scanner.audit import access
from scanner.audit.access import Access
from scanner.audit.account import Survey, Where, survey
from scanner.audit.client import Client
from scanner.audit.item import Scope
from scanner.audit.pace import Clock, Pace
from tests.fake_aws import Fake

ACCOUNT = "111122223333"
REGION = "us-east-1"


class FastClock(Clock):
    """Waiting moves the hands instead."""

    def __init__(self) -> None:
        super().__init__()
        self.hands = 0.0
        self.lock = threading.Lock()

    def now(self) -> float:
        return self.hands

    def wait_until(self, moment: float) -> None:
        with self.lock:
            self.hands = max(self.hands, moment)


@contextmanager
def at(fake: Fake, monkeypatch: pytest.MonkeyPatch, account: str = ACCOUNT) -> Iterator[None]:
    """botocore's environment leads to the fake."""
    for name, value in fake.environment(account).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    access.forget()
    yield
    access.forget()


def client(account: str = ACCOUNT, region: str = REGION, access: Access | None = None) -> Client:
    """A client that never sleeps."""
    return Client(access or Access(), Scope(account, region), Pace(FastClock()))


def surveyed(**where: Any) -> Survey:
    """What is to be audited, found without sleeping."""
    return survey(Where(**where), ["vpc-config"], FastClock())
