"""Whose credentials an audit uses: they stay in botocore, and what travels to workers says where they are."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple

from scanner import __version__

CONNECTIONS = 64
"""To one endpoint: as many calls can be under way at once."""
_ASKED: list[str] = []
"""Operations that botocore called for credentials; appending needs no lock."""
LOCK = threading.RLock()
"""Held to make a session or client: botocore's sessions are not for several threads at once."""


class Role(NamedTuple):
    """A role to assume."""

    arn: str
    external_id: str | None = None


class Access(NamedTuple):
    """How to come by credentials; holds none, so that it can be sent to a worker.

    `profile` is one of the AWS configuration, None takes the usual order of environment, files and metadata
    services; `roles` are assumed from there, each by means of the one before, in the region `home`.
    """

    profile: str | None = None
    roles: tuple[Role, ...] = ()
    home: str = "us-east-1"


def configuration(attempts: int = 1) -> Any:
    """botocore's settings: our name, short waits, and no tries of its own, which nobody would count."""
    from botocore import __version__ as botocore_version
    from botocore.config import Config

    return Config(
        connect_timeout=5,
        read_timeout=20,
        max_pool_connections=CONNECTIONS,
        retries={"mode": "standard", "total_max_attempts": attempts},
        # One that is given as a whole is not made up anew for each call.
        user_agent=f"sagemaker-guardrails/{__version__} Botocore/{botocore_version}",
    )


def session(access: Access) -> Any:
    """botocore's session with these credentials, the same one every time, so that each role is assumed once.

    Raises what botocore raises; a role is assumed only when credentials are first needed.
    """
    with LOCK:
        return _session(access)


def forget() -> None:
    """Look for credentials anew from here on: those at hand have expired."""
    with LOCK:
        _session.cache_clear()
        _sts.cache_clear()


def asked() -> Counter[str]:
    """What botocore called for credentials since this was last asked, which nobody else counts."""
    number = len(_ASKED)
    made = Counter(_ASKED[:number])
    del _ASKED[:number]
    return made


@cache
def _loader() -> Any:
    # The service models take tens of megabytes: once for all sessions.
    from botocore.session import Session

    return Session().get_component("data_loader")


@cache
def _session(access: Access) -> Any:
    from botocore.session import Session

    made = Session(profile=access.profile)
    made.register_component("data_loader", _loader())
    made.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=moment)
    # Tokens of the global endpoint are refused in regions that have to be enabled.
    made.set_config_variable("sts_regional_endpoints", "regional")
    for name in ("AssumeRole", "AssumeRoleWithWebIdentity"):
        made.register(f"before-send.sts.{name}", lambda name=name, **_: _ASKED.append(f"sts:{name}"))
    if access.roles:
        from botocore.credentials import DeferredRefreshableCredentials

        # Made here: a role is assumed under botocore's own lock, within which LOCK must not be waited for.
        sts = _sts(access._replace(roles=access.roles[:-1]))
        # What botocore's own providers do for a role in a profile.
        made._credentials = DeferredRefreshableCredentials(
            lambda: _assume(sts, access.roles[-1]), method="sts-assume-role"
        )
    return made


@cache
def _sts(access: Access) -> Any:
    return _session(access).create_client("sts", region_name=access.home, config=configuration(attempts=4))


def moment(value: Any) -> Any:
    """A moment: mostly seconds, for each of which botocore works out the local time, slowly."""
    if isinstance(value, (int, float)):
        try:
            return datetime.fromtimestamp(value, UTC)
        except (OverflowError, OSError, ValueError):
            pass
    from botocore.utils import parse_timestamp

    return parse_timestamp(value)


def _assume(sts: Any, role: Role) -> dict[str, Any]:
    asked = {"RoleArn": role.arn, "RoleSessionName": "smguard"}
    if role.external_id is not None:
        asked["ExternalId"] = role.external_id
    got = sts.assume_role(**asked)["Credentials"]
    return {
        "access_key": got["AccessKeyId"],
        "secret_key": got["SecretAccessKey"],
        "token": got["SessionToken"],
        "expiry_time": got["Expiration"].isoformat(),
    }
