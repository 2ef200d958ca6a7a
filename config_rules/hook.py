"""A CloudFormation Lambda Hook: judges what CloudFormation or Cloud Control is about to make.

A control that is not met fails or warns, as `hook_setting` says. What can't be judged is InternalFailure and
never SUCCESS, so the FailureMode of the hook itself decides whether it stops the deployment.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from config_rules.answer import Judged, answer, failure
from config_rules.hook_setting import Setting, read_setting
from scanner.candidate import Candidate
from scanner.limits import Limits
from scanner.model import Finding, Location, Resource, SmguardError
from scanner.safe_text import inert, to_json
from scanner.template.document import Document, ReadError
from scanner.template.judge import FileVerdicts, Judge
from scanner.template.load import DEFINED, Loader, NotTemplate

if TYPE_CHECKING:
    from config_rules.payload import Change

_SECONDS = 25.0
"""CloudFormation waits 30 for an answer."""
_RESERVE = 2.0
_AGAIN = 0.25
"""Until the alarm rings again: what it raises in a finalizer, or in a callback of the collector, is lost."""
_NOTES = 20
_POINTS = ("CREATE_PRE_PROVISION", "UPDATE_PRE_PROVISION")
_UNSEEN = " (nothing in this template has that name)"
"""Of a resource alone this says nothing."""
_MADE_UP = "the event is not CloudFormation's"


class OutOfTime(BaseException):
    """No Exception, so that nothing takes it for the fault of a control."""


class Request(NamedTuple):
    """What is to be judged: a template, and of it only the `changes` where a change set lists them."""

    template: str
    changes: Mapping[str, Change] | None = None
    settled: Mapping[str, Any] | None = None
    """What stands in a template that was made up around a resource whose values are all there."""


def handle(event: Any, context: Any = None) -> dict[str, Any]:
    """Answer one event of a hook, whatever is in it; the one entry point.

    Gives {hookStatus, errorCode?, message, clientRequestToken, annotations?}, never IN_PROGRESS.
    """
    event = event if isinstance(event, dict) else {}
    about: dict[str, str] = {}
    try:
        with _within(_seconds_left(context)):
            setting = read_setting(os.environ, datetime.now(UTC).date())
            about = {"version": setting.catalog.version, "catalog": setting.catalog.digest}
            if setting.waivers is not None and setting.waivers.problems:
                about["waivers"] = "; ".join(inert(note.what) for note in setting.waivers.problems[:_NOTES])
            request = _request(event, context, setting)
            given = answer(
                Judged() if isinstance(request, str) else _judged(request, setting), setting, event
            )
            if isinstance(request, str):
                given["message"] = request
    except OutOfTime:
        given = failure(
            event, "there was no time to judge it all", "give the function more memory or a smaller stack"
        )
    except (SmguardError, ReadError) as fault:
        line = f" (line {fault.line} of the template)" if isinstance(fault, ReadError) and fault.line else ""
        given = failure(event, f"{fault.what}{line}", fault.hint)
    except NotTemplate as fault:
        given = failure(event, f"what is to be deployed is no template: {fault}")
    except Exception as fault:
        given = failure(event, f"the hook broke down: {type(fault).__name__}", "please report it")
    said = {name: given.get(name) for name in ("hookStatus", "errorCode", "message")}
    print(to_json({"level": "INFO" if given["hookStatus"] == "SUCCESS" else "WARNING", **said, **about}))
    return given


def _seconds_left(context: Any) -> float:
    left = getattr(context, "get_remaining_time_in_millis", None)
    return _SECONDS if left is None else min(_SECONDS, left() / 1000 - _RESERVE)


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Raise OutOfTime in what takes longer. Outside of the main thread, and on Windows, nothing can."""

    def ring(number: int, frame: Any) -> NoReturn:
        raise OutOfTime

    if seconds <= 0:
        raise OutOfTime
    try:
        before = signal.signal(signal.SIGALRM, ring)
    except (ValueError, AttributeError):
        yield
        return
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:  # also where it rang once more in between
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _request(event: Mapping[str, Any], context: Any, setting: Setting) -> Request | str:
    """What an event asks for, or in words why nothing is to be judged; raises SmguardError."""
    data, point = event.get("requestData"), event.get("actionInvocationPoint")
    target = data.get("targetName") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(target, str):
        raise SmguardError("the event names no target", _MADE_UP)
    if point == "DELETE_PRE_PROVISION":
        return "Nothing is asked of what is deleted."
    if point not in _POINTS and (target != "CHANGE_SET" or point is not None):
        raise SmguardError("the event has no invocation point that is known", _MADE_UP)
    if target not in ("STACK", "CHANGE_SET"):
        if not setting.single.get(target) and target not in DEFINED:
            return "No control is about this type."
        model = data.get("targetModel")
        properties = model.get("resourceProperties") if isinstance(model, dict) else None
        if not isinstance(properties, dict):
            raise SmguardError("the event has no properties of the resource", _MADE_UP)
        name = str(data.get("targetLogicalId") or target)
        made_up = {"Resources": {name: {"Type": target, "Properties": properties}}}
        return Request(to_json(made_up), settled=made_up)
    from config_rules.payload import fetch, read_changes

    arn = str(getattr(context, "invoked_function_arn", ""))
    payload = fetch(data.get("payload"), arn.split(":")[1] if arn.startswith("arn:") else "aws")
    template, changes = payload.get("template"), None
    if not isinstance(template, str) or not template:
        raise SmguardError("the payload holds no template", _MADE_UP)
    if target == "CHANGE_SET":
        changes = read_changes(payload.get("changedResources"))
        if not any(it.type in setting.controls or it.type in DEFINED for it in changes.values()):
            return "Nothing that a control is about is made or changed."
    return Request(template, changes)


def _judged(request: Request, setting: Setting) -> Judged:
    catalog, limits = setting.catalog, Limits()
    if len(request.template) > limits.file_bytes:
        raise SmguardError(
            f"the template is larger than {limits.file_bytes / 1e6:g} MB", "CloudFormation takes 1 MB"
        )
    loader = Loader(frozenset(catalog.transforms), limits, types=catalog.types)
    entry = Candidate("template", "", "")
    if request.settled is not None:
        document = Document()
        document.root = request.settled
        _demand_shallow(request.settled, limits.depth)
        passes = loader.load_document(document, request.template, entry)
    else:
        from config_rules.payload import as_deployed

        loader = loader._replace(amend=partial(as_deployed, request.changes or {}))
        passes = loader.load(request.template, entry)
    engine, controls = setting.engine, setting.controls
    if request.settled is not None:
        engine, controls = setting.alone, setting.single
    judge = Judge(engine, controls, catalog.kinds, limits, keep_passed=True, types=catalog.types)
    verdicts = judge.judge(passes)
    return Judged(list(_findings(verdicts, request, setting)), list(verdicts.gaps))


def _demand_shallow(node: Any, room: int) -> None:
    """Raise ReadError for what is nested deeper than templates may be."""
    if isinstance(node, (dict, list)):
        if not room:
            raise ReadError(f"is nested deeper than {Limits().depth} levels")
        for each in node.values() if isinstance(node, dict) else node:
            _demand_shallow(each, room - 1)


def _findings(verdicts: FileVerdicts, request: Request, setting: Setting) -> Iterator[Finding]:
    """The findings, of a change set only those about what it changes, waived where a waiver counts."""
    known, today = setting.catalog.by_id, datetime.now(UTC).date()
    for draft in verdicts.drafts.values():
        if request.changes is not None and draft.name.partition("/")[0] not in request.changes:
            continue
        finding = Finding(
            control=known[draft.control],
            resource=Resource(draft.type, draft.name),
            verdict=draft.verdict,
            message=draft.message.replace(_UNSEEN, "") if request.settled else draft.message,
            location=Location(path=draft.path),
            identity=(draft.control, "", draft.name, draft.identity),
        )
        if setting.waivers is not None:
            finding = setting.waivers.apply(finding)
        if setting.inline_waivers and draft.name in verdicts.waivers:
            from scanner.waiver import read_inline

            raw, where = verdicts.waivers[draft.name]
            finding = read_inline(raw, draft.name, where, known, today).apply(finding)
        yield finding
