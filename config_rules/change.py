"""A resource that AWS Config recorded: its item is judged, and read anew where it lacks something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from config_rules.evaluation import COMPLIANT, NOT_APPLICABLE, Evaluation, conclude, withdrawn
from config_rules.journal import Journal
from config_rules.notice import OVERSIZED, Notice
from config_rules.rule import Rule
from scanner.audit import acquisition
from scanner.audit.acquisition import Acquisition, Wanted
from scanner.audit.fault import Fault
from scanner.audit.item import TAGS, Api, Item
from scanner.audit.judging import Judge
from scanner.json_object import as_object
from scanner.value import Opaque, Partial

_PRESENT = ("OK", "ResourceDiscovered")
_RENAMED = {
    "accountId": "awsAccountId",
    "arn": "ARN",
    "configurationItemMD5Hash": "configurationStateMd5Hash",
    "version": "configurationItemVersion",
}
"""What an item is made of in answers of the API -> in notifications."""
_HIDDEN = Partial((Opaque("what Config does not record"),))


@cache
def known_types() -> Mapping[str, Acquisition]:
    """How each type is read and recorded; kept, since a function is invoked many times."""
    return acquisition.load()


class Elsewhere:
    """Every resource of a type that the rule judges is judged by it, in an invocation of its own."""

    def __init__(self, rule: Rule) -> None:
        self._types = {type_name for control in rule.controls for type_name in control.resources}

    def holds(self, reference: str, types: Iterable[str]) -> bool:
        """Whether what a reference leads to is of such a type."""
        return not self._types.isdisjoint(types)


def evaluate(notice: Notice, rule: Rule, api: Api, journal: Journal) -> Iterator[Evaluation]:
    """The evaluation of the resource; where it is not known none, or one that takes back a COMPLIANT."""
    body, type_name = notice.body, notice.body["resourceType"]

    def evaluation(compliance: str, why: str) -> Evaluation:
        return Evaluation(type_name, body["resourceId"], compliance, why, notice.at)

    if body["configurationItemStatus"] not in _PRESENT or notice.left_scope:
        yield evaluation(NOT_APPLICABLE, "not there any more, not recorded or out of the rule's scope")
        return
    if rule.joins(type_name):
        journal.say("INFO", "judged with the resources around it when the schedule says", type=type_name)
        return
    judge = Judge(rule.catalog, rule.controls, Elsewhere(rule), api)
    if type_name not in rule.catalog.by_type:
        journal.say("ERROR", "no control is about resources of this type", type=type_name)
    if not judge.controls.get(type_name):
        yield evaluation(NOT_APPLICABLE, "the rule is about other types")
        return
    item = _item(notice, judge.looks_at(type_name), api, journal)
    if item is not None:
        conclusion = conclude(rule, item, judge.judge_whole(item), journal)
        for fault in judge.faults:
            journal.fault(fault, "KMS keys")
        if conclusion.compliance is None:
            journal.unknown += 1
            if not _is_shown_compliant(notice, api, journal):
                return
            conclusion = withdrawn(conclusion.annotation)
        yield evaluation(conclusion.compliance or NOT_APPLICABLE, conclusion.annotation)


def _is_shown_compliant(notice: Notice, api: Api, journal: Journal) -> bool:
    """Whether Config holds an earlier COMPLIANT of this rule about the resource."""
    asked = {
        "ResourceType": notice.body["resourceType"],
        "ResourceId": notice.body["resourceId"],
        "ComplianceTypes": [COMPLIANT],
    }
    from scanner.audit.paging import pages

    try:
        for rows in pages(api, "config", "GetComplianceDetailsByResource", asked, "EvaluationResults"):
            for row in rows:
                about = (row.get("EvaluationResultIdentifier") or {}).get("EvaluationResultQualifier") or {}
                if about.get("ConfigRuleName") == notice.rule:
                    return True
    except Fault as fault:
        journal.fault(fault, "an earlier evaluation")
    return False


def _item(notice: Notice, names: frozenset[str], api: Api, journal: Journal) -> Item | None:
    """The resource with the properties `names`; None, with a Gap, where it can't be known."""
    body, type_name = notice.body, notice.body["resourceType"]
    what = f"{type_name} {body['resourceId']}"
    if notice.kind == OVERSIZED:
        try:
            body = _recorded(body, api)
        except Fault as fault:
            journal.fault(fault, what)
            return None
    configuration = as_object(body.get("configuration"))
    if configuration is None:
        journal.gap(f"{what}: its configuration is no JSON object", "see the item in AWS Config")
        return None
    name, arn = str(body.get("resourceName") or body["resourceId"]), body.get("ARN")
    item = Item(type_name, name, arn if isinstance(arn, str) else None, configuration)
    how = known_types().get(type_name)
    if TAGS in names:
        item = _tagged(item, body.get("tags"), api, journal)
    known = item.properties
    for path in how.config.lacks if how else ():
        if path.partition(".")[0] in names:
            known = _hide(known, path.split("."))
    if how is None or known is item.properties:
        return item
    try:
        read = _described(how, item, names, api)
        tags = {TAGS: item.properties[TAGS]} if TAGS in names else {}
        return read._replace(properties={**read.properties, **tags})
    except Fault as fault:
        if fault.kind != "missing":
            journal.fault(fault, what)
        return item._replace(properties=known)


def _tagged(item: Item, recorded: Any, api: Api, journal: Journal) -> Item:
    """The resource with the tags that stand beside its configuration.

    Config says of no type that it records tags, so where none stand there the API is asked.
    """
    from scanner.audit.tags import tags_of, with_tags

    if isinstance(recorded, dict) and recorded and item.arn:
        return with_tags(item, {item.arn: recorded})
    try:
        return with_tags(item, tags_of(api, [item]))
    except Fault as fault:
        journal.fault(fault, f"the tags of {item.type} {item.name}")
        return with_tags(item, fault)


def _recorded(summary: Mapping[str, Any], api: Api) -> dict[str, Any]:
    """The item that was too large for a notification. Raises Fault."""
    asked = {
        "resourceType": summary["resourceType"],
        "resourceId": summary["resourceId"],
        "laterTime": summary["configurationItemCaptureTime"],
        "limit": 1,
    }
    answer = api.call("config", "GetResourceConfigHistory", asked, needs=("configurationItems",))
    if not answer["configurationItems"]:
        raise Fault("failed", "NotRecorded", "config", "GetResourceConfigHistory", api.scope)
    recorded = answer["configurationItems"][0].items()
    return {**summary, **{_RENAMED.get(name, name): value for name, value in recorded}}


def _hide(node: Any, steps: Sequence[str]) -> Any:
    """The same with what is not known put where a path breaks off, in every item of lists."""
    if isinstance(node, list):
        items = [_hide(each, steps) for each in node]
        return node if all(new is old for new, old in zip(items, node, strict=True)) else items
    if not isinstance(node, dict) or not steps:
        return node
    old = node.get(steps[0])
    new = _HIDDEN if old is None else _hide(old, steps[1:])
    return node if new is old else {**node, steps[0]: new}


def _described(how: Acquisition, item: Item, names: frozenset[str], api: Api) -> Item:
    """The resource as its API describes it now. Raises Fault."""
    from scanner.audit.shape import Entry, found_in, item_of, unwrap

    way = how.describing
    by = {
        parameter: item.properties.get(member) or item.properties.get(parameter) or item.name
        for parameter, member in way.by.items()
    }
    answer = api.call(how.service, way.operation, by, needs=(way.at or way.arn,))
    entry = Entry(item.name, item.arn, datetime.fromtimestamp(0, UTC), None, None, by)
    found = found_in(how, entry, unwrap(how, answer, api.scope), names)
    return item_of(how, found, Wanted(names))
