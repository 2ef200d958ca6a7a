"""The function behind every rule: AWS Config asks, it reports. Entry point: config_rules.handler.handle."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from config_rules import change
from config_rules.evaluation import Evaluation, put
from config_rules.journal import Journal
from config_rules.notice import SCHEDULED, Notice, read_notice
from config_rules.rule import Rule, read_rule
from scanner.audit.fault import Fault
from scanner.audit.item import Api, Scope
from scanner.model import SmguardError

if TYPE_CHECKING:
    from config_rules.periodic import Walk
    from scanner.audit.client import Client
    from scanner.audit.pace import Clock

_MOST = 14
"""Continuations of one pass: Lambda ends a function that calls itself some sixteen times, as a loop."""
_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/[\w+=,.@/-]{1,512}", re.ASCII)


class Failed(Exception):
    """What could be reported was, and something could not be looked at: the invocation ends in error."""


def handle(event: Any, context: Any) -> dict[str, int]:
    """Judge what a notification of AWS Config is about and put the evaluations; how many, how many unknown.

    Raises Failed, with what could not be looked at, after all else was reported.
    """
    from config_rules.deadline import Deadline
    from scanner.audit.pace import Clock

    journal = Journal()
    try:
        notice, rule = read(event, journal)
        own = str(context.invoked_function_arn).split(":")[4]
        clock = Clock()
        api = _client(notice, rule, own, Deadline(context))
        config = _client(notice, rule, own, clock)
    except SmguardError as error:
        journal.gap(error.what, error.hint)
        raise Failed(error.what) from None
    evaluations, walk = evaluate(notice, rule, api, journal)
    put(
        config,
        notice.token,
        evaluations,
        journal,
        lambda tries: clock.wait_until(clock.now() + 0.5 * 2**tries),
    )
    handed_on = walk is not None and _hand_on(walk, event, context, own, journal)
    journal.metrics(control.id for control in rule.controls)
    if journal.gaps and not handed_on:
        raise Failed("; ".join(journal.gaps))
    return {"evaluations": journal.put, "unknown": journal.unknown}


def read(event: Any, journal: Journal) -> tuple[Notice, Rule]:
    """What is asked and by which rule. Raises SmguardError."""
    notice = read_notice(event)
    journal.rule = notice.rule
    rule = read_rule(event.get("ruleParameters"), notice.at.date())
    for exemption in rule.exemptions:
        if exemption.fault:
            journal.say("WARNING", f"the exemption of {exemption.pattern} counts no more: {exemption.fault}")
    for control in rule.controls:
        if rule.exemptions and not control.waivable:
            journal.say("WARNING", f"{control.id} can't be waived: nothing is exempt from it")
    return notice, rule


def evaluate(
    notice: Notice, rule: Rule, api: Api, journal: Journal
) -> tuple[Iterator[Evaluation], Walk | None]:
    """The evaluations, as they are made, and the pass that makes them if it is one."""
    if notice.kind != SCHEDULED:
        return change.evaluate(notice, rule, api, journal), None
    from config_rules.periodic import Walk

    walk = Walk(notice, rule, api, journal)
    return walk.evaluations(), walk


def _client(notice: Notice, rule: Rule, own: str, clock: Clock) -> Client:
    """The API of the account that is evaluated, by a role of it if it is not the function's own."""
    from scanner.audit.access import Access, Role
    from scanner.audit.client import Client
    from scanner.audit.pace import Pace

    roles: tuple[Role, ...] = ()
    if notice.account != own:
        arn = notice.role
        if rule.role:
            arn = f"arn:{notice.partition}:iam::{notice.account}:role/{rule.role}"
        matched = _ROLE.fullmatch(arn or "")
        if matched is None or matched[1] != notice.account:
            raise SmguardError("there is no role of the evaluated account to assume", "name it in `role`")
        roles = (Role(matched[0]),)
    scope = Scope(notice.account, notice.region, notice.partition)
    return Client(Access(None, roles, notice.region), scope, Pace(clock))


def _hand_on(walk: Walk, event: Mapping[str, Any], context: Any, own: str, journal: Journal) -> bool:
    """Let another invocation go on where this one ended, if it did not finish.

    Where evaluations were lost Lambda makes this one again instead, since it fails.
    """
    if walk.checkpoint is None or journal.lost:
        return False
    if walk.count >= _MOST:
        journal.gap(f"not all was read in {_MOST + 1} invocations, from {walk.checkpoint['type']} on")
        return False
    from scanner.audit.pace import Clock

    client = _client(walk.notice._replace(account=own), walk.rule, own, Clock())
    payload = json.dumps({**event, "checkpoint": walk.checkpoint}).encode()
    asked = {"FunctionName": context.invoked_function_arn, "InvocationType": "Event", "Payload": payload}
    try:
        client.call("lambda", "Invoke", asked)
    except Fault as fault:
        journal.fault(fault, f"not all was read, from {walk.checkpoint['type']} on")
        return False
    return True
