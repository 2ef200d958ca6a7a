"""What AWS Config is told: verdicts as evaluations, put in batches until all are taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from config_rules.journal import Journal
from config_rules.rule import Rule
from scanner.audit.fault import Fault
from scanner.audit.item import Api, Item
from scanner.audit.judging import Draft, Judged
from scanner.path import references_of
from scanner.safe_text import inert

COMPLIANT, NON_COMPLIANT, NOT_APPLICABLE = "COMPLIANT", "NON_COMPLIANT", "NOT_APPLICABLE"
_BATCH = 100
_LONGEST = 256
_PROBLEM = 140
"""Characters of an annotation that what is wrong may take; the remedy has the others."""
_TRIES = 5
_TEST = "TESTMODE"
"""The token of an event that was made up: Config checks what is put, and keeps nothing."""
_INVALID = ("ValidationException", "InvalidParameterValueException")
_IDENTITY = ("ComplianceResourceType", "ComplianceResourceId")


class Evaluation(NamedTuple):
    """What is reported of one resource. `at` orders evaluations: Config keeps the latest."""

    resource_type: str
    resource_id: str
    compliance: str
    annotation: str
    at: datetime

    def body(self) -> dict[str, Any]:
        """As PutEvaluations takes it."""
        return {
            "ComplianceResourceType": self.resource_type,
            "ComplianceResourceId": self.resource_id,
            "ComplianceType": self.compliance,
            "Annotation": annotation(self.annotation),
            "OrderingTimestamp": self.at,
        }


class Conclusion(NamedTuple):
    """What a rule says of a resource: `compliance` None where it is not known."""

    compliance: str | None
    annotation: str


def worst(conclusion: Conclusion) -> int:
    """The less, the more it counts beside others."""
    return (NON_COMPLIANT, None, COMPLIANT, NOT_APPLICABLE).index(conclusion.compliance)


def annotation(text: str) -> str:
    """At most 256 characters, and at least one, that can do nothing but be read."""
    shown = inert(" ".join(text.split()) or "-", _LONGEST)
    return shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…"


def conclude(rule: Rule, item: Item, judged: Judged, journal: Journal) -> Conclusion:
    """Bring together what all controls of a rule say: FAIL, then UNKNOWN, then PASS; else not applicable."""
    for control, error in judged.crashed:
        journal.gap(f"{control} crashed on {item.type}: {error}", "please report it")
    exemption = rule.exemption(item.name, item.arn)
    counting = list(judged.drafts)
    if exemption is not None and exemption.fault is None:
        counting = [it for it in counting if not rule.catalog.by_id[it.control].waivable]
        if len(counting) < len(judged.drafts) and not counting and not judged.crashed:
            return Conclusion(NOT_APPLICABLE, f"exempt until {exemption.until} by the rule's parameters")
    failing = [it for it in counting if it.verdict == "fail"]
    if failing:
        past = f"no longer exempt ({exemption.fault}); " if exemption and exemption.fault else ""
        return Conclusion(NON_COMPLIANT, past + _mended(rule, failing))
    if counting or judged.crashed:
        for draft in counting:
            journal.doubt(item.type, item.name, draft.control, draft.path)
        return Conclusion(None, "; ".join(f"{it.path}: {it.message}" for it in counting))
    if judged.unsaid:
        return Conclusion(None, "; ".join(f"{it} is not told by Search" for _, it in judged.unsaid))
    if judged.passed:
        return Conclusion(COMPLIANT, f"as {', '.join(judged.passed)} asks")
    return Conclusion(NOT_APPLICABLE, _elsewhere(rule, item.type))


def withdrawn(why: str) -> Conclusion:
    """What is put where an earlier COMPLIANT is not known to hold: else Config would go on showing it."""
    return Conclusion(NOT_APPLICABLE, f"not known any more, so not COMPLIANT either: {why or 'see the log'}")


def _mended(rule: Rule, failing: list[Draft]) -> str:
    """The first thing wrong, how many more there are, and the remedy."""
    first = failing[0]
    where = "" if first.message.startswith(first.path) else f"{first.path}: "
    more = f" (and {len(failing) - 1} more)" if len(failing) > 1 else ""
    problem = inert(f"{where}{first.message}", _PROBLEM)
    named = f"{first.control}: " if len(rule.controls) > 1 else ""
    return f"{named}{problem}{more}. {rule.catalog.by_id[first.control].remediation}"


def _elsewhere(rule: Rule, type_name: str) -> str:
    """Why nothing applies: mostly since a setting lives in another resource, which the rule judges itself."""
    for control in rule.controls:
        for path in references_of(control.resources.get(type_name, {})):
            types = rule.catalog.types[type_name]["judged-at"][path]
            return f"judged where {path} leads, at {' or '.join(it.rpartition('::')[2] for it in types)}"
    return "the rule asks nothing of it"


def put(
    api: Api, token: str, evaluations: Iterable[Evaluation], journal: Journal, wait: Callable[[int], None]
) -> None:
    """Hand evaluations to Config, a hundred at a time.

    `api` tries a batch again. What Config does not take of it is tried again alone, after `wait(tries)`, and
    is a Gap in the end; so is a batch that could not be put, and then the next one is tried.
    """
    stream = iter(evaluations)
    while waiting := [it.body() for it in islice(stream, _BATCH)]:
        for tries in range(1, _TRIES + 1):
            waiting = _put(api, token, waiting, journal)
            if not waiting:
                break
            if tries < _TRIES:
                wait(tries)
        else:
            journal.gap(f"{len(waiting)} evaluations were not taken by AWS Config", "see its quotas")


def _put(api: Api, token: str, bodies: list[dict[str, Any]], journal: Journal) -> list[dict[str, Any]]:
    """One call; what was not taken. A batch that is refused as invalid is put in halves."""
    asked = {"Evaluations": bodies, "ResultToken": token, "TestMode": token == _TEST}
    try:
        answer = api.call("config", "PutEvaluations", asked)
    except Fault as fault:
        if fault.code in _INVALID and len(bodies) > 1:
            half = len(bodies) // 2
            return [
                each for part in (bodies[:half], bodies[half:]) for each in _put(api, token, part, journal)
            ]
        journal.fault(fault, f"{len(bodies)} evaluations")
        journal.lost = True
        return []
    refused = {tuple(map(it.get, _IDENTITY)) for it in answer.get("FailedEvaluations") or ()}
    left = [it for it in bodies if tuple(map(it.get, _IDENTITY)) in refused]
    journal.put += len(bodies) - len(left)
    return left
