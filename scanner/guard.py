"""A guard in a boto3 session: what a control fails is not asked of SageMaker, and it is said what to set.

from scanner.guard import guard; guard(session)
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from scanner.guard_rules import Rules, told
from scanner.model import Finding, SmguardError

_EVENT, _ID = "before-parameter-build.sagemaker", "smguard"
_OWN = ("scanner.", "botocore.", "boto3.", "sagemaker.", "pydantic.")


class NonCompliant(SmguardError):
    """A call that was not sent; `findings` are what counts against it."""

    def __init__(self, what: str, findings: tuple[Finding, ...]) -> None:
        super().__init__(what)
        self.findings = findings


class GuardWarning(UserWarning):
    """A call that was sent all the same, or with values that the guard filled in."""


class Guard:
    """What `guard` has put into a session; in a `with` statement it goes at the end."""

    def __init__(self) -> None:
        self._rules: Rules | None = None

    def remove(self) -> None:
        """Let all calls pass again, those of clients that were made meanwhile as well."""
        self._rules = None

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()

    def look(self, params: Any, model: Any, **_: Any) -> None:
        """What botocore calls before it builds a request."""
        rules = self._rules
        if rules is None or not isinstance(params, dict):
            return
        found = rules.judge(model.name, params)
        if not found:
            return
        name = rules.name_of(model.name, params)
        filled = rules.fill(model.name, params, found)
        if filled:
            found = rules.judge(model.name, params)
            _warn(f"smguard filled in {name}: {', '.join(filled)}")
        counts = [finding for finding in found if rules.counts(finding)]
        if counts and rules.mode != "warn":
            raise NonCompliant(f"smguard did not send {name}:\n{told(counts)}", tuple(counts))
        if found:
            _warn(f"smguard on {name}:\n{told(found)}")


_GUARDS: WeakKeyDictionary[Any, Guard] = WeakKeyDictionary()
_EVERYWHERE = Guard()
_LOCK = Lock()


def guard(
    session: Any = None,
    *,
    mode: str = "raise",
    parameters: str | None = None,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    waivers: str | None = None,
    strict: bool = False,
    fail_on: str = "medium",
) -> Guard:
    """Judge what every `create_*` and `update_*` call of a session asks SageMaker for, as `smguard scan`.

    `session` is one of boto3, botocore or the SageMaker SDK, or a client; clients that a session makes later
    are guarded as well. Without it, all sessions are that this process makes from now on, and boto3's default
    session. The last call for a session counts.

    A call that fails a control of the severity `fail_on` or above raises NonCompliant before anything is
    sent; what is below only warns, in mode "warn" everything does. "fill" first gives what was left out the
    values of the parameter file `parameters`, and says so. What is not known warns; `strict` takes it for a
    failure. `waivers` is a waiver file. Raises SmguardError for arguments that can't be what they should.
    """
    rules = Rules(mode, parameters, tuple(select), tuple(ignore), waivers, strict, fail_on)
    for problem in rules.waivers.problems:
        _warn(f"{problem.where}: {problem.what}")
    with _LOCK:
        emitters = _emitters(session)
        found = next((_GUARDS[each] for each in emitters if each in _GUARDS), None)
        installed = _EVERYWHERE if session is None else found or Guard()
        for emitter in emitters:
            # A session that was made while all were guarded has that guard under no id.
            emitter.unregister(_EVENT, _EVERYWHERE.look)
            emitter.unregister(_EVENT, unique_id=_ID)
            emitter.register_last(_EVENT, installed.look, unique_id=_ID)
            if session is not None:
                _GUARDS[emitter] = installed
        installed._rules = rules
    return installed


def _emitters(session: Any) -> list[Any]:
    """Where a session, or a client, and the clients that it holds already tell of their calls."""
    if session is None:
        from botocore import handlers

        listed: list[Any] = handlers.BUILTIN_HANDLERS
        entry = (_EVENT, _EVERYWHERE.look, handlers.REGISTER_LAST)
        if entry not in listed:
            listed.append(entry)
        default = getattr(sys.modules.get("boto3"), "DEFAULT_SESSION", None)
        return _kept(None) if default is None else [*_emitters(default), *_kept(None)]
    if getattr(session, "boto_session", None) is not None:  # one of the SageMaker SDK
        return _emitters(session.boto_session) + _emitters(session.sagemaker_client)
    kept = _kept(session)
    session = getattr(session, "_session", session)
    if hasattr(session, "get_component"):
        return [session.get_component("event_emitter"), *kept]
    if not hasattr(session, "meta"):
        raise SmguardError(f"{type(session).__name__} is no session and no client")
    return [session.meta.events]


def _kept(session: Any) -> list[Any]:
    """Those of the clients that version 3 of the SageMaker SDK keeps of a session; without one, of all."""
    factory = getattr(sys.modules.get("sagemaker.core.utils.utils"), "SageMakerClient", None)
    found = getattr(type(factory), "_instances", {}).get(factory)
    listed = list(found.values()) if isinstance(found, dict) else [found] if found is not None else []
    return [it.sagemaker_client.meta.events for it in listed if session is None or it.session is session]


def _warn(text: str) -> None:
    """Warn where the user's own code stands."""
    level = 2
    while sys._getframe(level - 1).f_globals.get("__name__", "").startswith(_OWN):
        level += 1
    warnings.warn(text, GuardWarning, stacklevel=level)
