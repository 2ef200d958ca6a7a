"""Every example of every control: through events of AWS Config it gives what a scan of it gives."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from config_rules.handler import handle
from scanner import catalog
from scanner.alone import alone
from scanner.audit import acquisition
from scanner.deploy.rule import Rule, rules
from scanner.example import as_template, judge_places
from scanner.folder import read_data
from tests.audit.around import Shelves, World
from tests.audit.test_examples import LEFT_OUT, OF_OTHERS, LeftOutError, Maker, make_keys
from tests.audit.test_organization import OPT_OUT
from tests.config_rule.support import ACCOUNT, SAGEMAKER, Context, changed, compliance, item, scheduled
from tests.door import smguard
from tests.fake_aws import Fake

pytestmark = pytest.mark.no_cover  # hundreds of examples, where a few cover as much

HOW = acquisition.load()
FULL = catalog.load()
ALONE = alone(FULL)
SOURCES = acquisition.sources()
RULES = rules(FULL)
WHOLE = {"report": "resource", "since": "all", "environment": "whole"}
UNRULED = read_data("config_rules", "_deployment.yaml")["unruled"]
OPT_OUT_CONTROL = "ai-services-opt-out"
COMPLIANCE = {"fail": "NON_COMPLIANT", "unknown": None, "pass": "COMPLIANT"}
RANK = ("fail", "unknown", "pass")


def listed() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and body of each example of a control that a resource alone can be judged by."""
    for control, by_verdict in catalog.examples().items():
        for verdict in ("fail", "pass") if ALONE.by_id[control].resources else ():
            for number, example in enumerate(by_verdict.get(verdict, ())):
                yield f"{control}-{verdict}-{number}", example


def one_by_one(example: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """A template for each resource where what is asked comes by parameters alone: each can be left out."""
    template = as_template(example)
    if "parameters" not in example:
        yield template
        return
    for name, resource in template["Resources"].items():
        yield {"Resources": {name: resource}}


EXAMPLES = [
    (
        f"{name}-{number}",
        name.rpartition("-")[0].rpartition("-")[0],
        example.get("parameters") or {},
        template,
    )
    for name, example in listed()
    for number, template in enumerate(one_by_one(example))
]
"""Name, control, its parameters and template of each."""


def rule_of(control: str, given: Mapping[str, Any]) -> str:
    """A rule for each set of parameters."""
    return "-".join((control, *(word for words in given.values() for word in words)))


def asked(control: str, given: Mapping[str, Any], **more: str) -> tuple[str, dict[str, str], str]:
    """What an event is made of: the control, the rule's parameters, and the rule that they make."""
    words = {name: ",".join(value) for name, value in given.items()}
    return control, {**words, **more}, f"sagemaker-{rule_of(control, given)}"


def identity(cloud: Fake, arn: str) -> str:
    """What AWS Config calls a resource of SageMaker."""
    record = next(each for each in cloud.sagemaker.records(ACCOUNT, "us-east-1") if each.arn == arn)
    listed = HOW[f"{SAGEMAKER}{record.kind.name}"].listing.name
    parts = [record.values.get(member) for member in listed]
    return "/".join(map(str, parts)) if all(parts) else record.key


def recorded(type_name: str, node: Any) -> Any:
    """What Config has of a resource: nothing of what it lacks."""
    left: Any = json.loads(json.dumps(node))

    def drop(below: Any, steps: list[str]) -> None:
        for each in below if isinstance(below, list) else [below]:
            if isinstance(each, dict) and len(steps) == 1:
                each.pop(steps[0], None)
            elif isinstance(each, dict):
                drop(each.get(steps[0]), steps[1:])

    for path in HOW[type_name].config.lacks:
        drop(left, path.split("."))
    return left


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str, str], str]:
    """(example, resource, control) -> worst verdict of a scan."""
    found: dict[tuple[str, str, str], str] = {}
    rules = {rule_of(control, given) if given else "": (control, given) for _, control, given, _ in EXAMPLES}
    for rule, (control, given) in rules.items():
        folder = tmp_path_factory.mktemp("examples")
        for example, its, own, template in EXAMPLES:
            if rule == (rule_of(its, own) if own else ""):
                (folder / f"{example}.json").write_text(json.dumps(template))
        setting = folder.parent / f"{folder.name}.yaml"
        setting.write_text(json.dumps({"control-parameters": {control: given} if rule else {}}))
        report = smguard("scan", folder, "-f", "json", "--all", "--config", setting).report
        for each in report["findings"]:
            key = Path(each["location"]["file"]).stem, each["resource"]["name"], each["control"]
            found[key] = min(each["verdict"], found.get(key, "pass"), key=RANK.index)
    return found


def test_what_config_is_told_is_what_a_scan_says(
    cloud: Fake, scanned: Mapping[tuple[str, str, str], str]
) -> None:
    make_keys(cloud)
    left_out: Counter[str] = Counter()
    expected: dict[tuple[str, str, str], str | None] = {}
    given_to: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for number, (example, control, given, template) in enumerate(EXAMPLES):
        rule = rule_of(control, given)
        if control == OPT_OUT_CONTROL:
            told = _opted_out(cloud, template)
            assert told == COMPLIANCE[scanned[example, "Example", control]], example
            expected[control, "AWS::::Account", ACCOUNT] = told
        maker = Maker(cloud, template, f"e{number}")
        try:
            made = maker.make()
        except LeftOutError as reason:
            left_out[str(reason)] += 1
            continue
        for arn, name in made.items():
            kind = template["Resources"][name]["Type"]
            if kind not in ALONE.by_id[control].resources or control in UNRULED:
                continue
            given_to[rule] = control, given
            record = next(each for each in cloud.sagemaker.records(ACCOUNT, "us-east-1") if each.arn == arn)
            verdict = COMPLIANCE.get(scanned.get((example, name, control), ""), "NOT_APPLICABLE")
            if control == "customer-managed-kms-key" and verdict is None:
                verdict = "COMPLIANT"  # a template can't tell whose a key is, and KMS can
            called = identity(cloud, arn)
            if HOW[kind].config.trigger == "change":
                told = item(kind, called, recorded(kind, dict(record.values)), ARN=arn)
                its, words, name = asked(control, given)
                told["tags"] = dict(record.tags)
                handle(changed(told, its, words, configRuleName=name, resultToken=f"token:{name}"), Context())
            elif verdict == "NOT_APPLICABLE":
                verdict = None  # what never applied is not reported
            expected[rule, kind, called] = verdict
    for control, given in given_to.values():
        its, words, name = asked(control, given, report="resource", since="all")
        handle(scheduled(its, words, configRuleName=name, resultToken=f"token:{name}"), Context())
    shown = {
        (rule.removeprefix("sagemaker-"), kind, name): each["ComplianceType"]
        for (_, rule, kind, name), each in cloud.services.compliance.items()
        if kind.startswith(SAGEMAKER) or rule.endswith(OPT_OUT_CONTROL)
    }
    wrong = {key: (verdict, shown.get(key)) for key, verdict in expected.items() if shown.get(key) != verdict}
    assert not wrong
    # Fewer than of all controls, and of examples with parameters each resource by itself.
    counts = {
        OF_OTHERS: 2,
        "something that only a template can say": 19,
        "an AutoML job, which AWS describes in the shape of the second version": 13,
        "a property that AWS never tells": 8,
    }
    assert left_out == {**LEFT_OUT, **counts}
    assert len(expected) > 200
    assert {OPT_OUT_CONTROL, *(control for control, _ in given_to.values())} == {
        rule.control.id for rule in RULES if rule.changes or not rule.joined
    }


GATHERED = {
    joint["from"]
    for entry in FULL.types.values()
    for joint in (entry or {}).get("gathers", {}).values()
    if "by" not in joint
}
"""Types of which all of an account count: an example with one takes an account of its own."""


def accounts(rule: Rule) -> Iterator[list[Mapping[str, Any]]]:
    """The examples of a control that pass or fail, as many together as one account and rule can hold."""
    by_verdict = catalog.examples()[rule.control.id]
    together: dict[str, list[Mapping[str, Any]]] = {}
    for verdict in ("fail", "pass"):
        for number, example in enumerate(by_verdict.get(verdict, ())):
            kinds = {it["Type"] for it in as_template(example)["Resources"].values()}
            alone = f"{verdict} {number}" if kinds & GATHERED else json.dumps(example.get("parameters"))
            together.setdefault(alone, []).append(example)
    yield from together.values()


def test_what_several_resources_decide_is_told_too(cloud: Fake) -> None:
    shelves = Shelves(cloud)
    wrong: list[Any] = []
    told: Counter[str] = Counter()
    left_out: list[str] = []
    for rule, examples in ((it, those) for it in RULES if it.joined for those in accounts(it)):
        shelves.clear()
        expected: dict[tuple[str, str], str] = {}
        for number, example in enumerate(examples):
            world = World(shelves, as_template(example), f"e{number}-")
            try:
                arns = world.make()
            except LeftOutError:
                left_out.append(rule.control.id)
                continue
            ids = {name: (world.made[name].id or world.made[name].name) for name in world.made}
            ids |= {name: identity(cloud, arn) for arn, name in arns.items()}
            for draft in judge_places(FULL, rule.control, example).drafts.values():
                if draft.type in rule.joined:
                    source = SOURCES.get(draft.type)
                    about = source.config_type if source else draft.type, ids[draft.name]
                    expected[about] = min(draft.verdict.value, expected.get(about, "pass"), key=RANK.index)
        its, words, name = asked(rule.control.id, examples[0].get("parameters") or {}, **WHOLE)
        handle(scheduled(its, words, configRuleName=name, resultToken=f"token:{name}"), Context())
        shown = {
            (kind, resource): each["ComplianceType"]
            for (_, of, kind, resource), each in cloud.services.compliance.items()
            if of == name
        }
        for key, verdict in expected.items():
            if shown.get(key) != COMPLIANCE[verdict]:
                wrong.append((rule.control.id, key, verdict, shown.get(key)))
        cloud.services.compliance.clear()
        told[rule.control.id] += len(expected)
    assert not wrong
    assert told.keys() == {it.control.id for it in RULES if it.joined}
    assert sum(told.values()) > 100
    # What only a template can say: AWS::IAM::RolePolicy, AWS::KMS::ReplicaKey, a port, a parameter.
    assert Counter(left_out) == {
        "default-security-group-closed": 1,
        "execution-role-scope": 2,
        "kms-key-policy": 2,
        "monitoring-schedule": 4,
        "security-group-https-only": 1,
    }


def _opted_out(cloud: Fake, template: Mapping[str, Any]) -> str | None:
    """What Config shows of the account where the example's policy is in effect."""
    listed = template["Resources"]["Example"]["Properties"].get("Services")
    organization = cloud.services.organize(ACCOUNT)
    if listed is not None:
        services = {it["ServiceName"]: {"opt_out_policy": it.get("OptOutPolicy")} for it in listed}
        organization.effective[OPT_OUT, ACCOUNT] = json.dumps({"services": services})
    handle(scheduled(OPT_OUT_CONTROL), Context())
    return compliance(cloud, OPT_OUT_CONTROL).get(("AWS::::Account", ACCOUNT))


@pytest.fixture(autouse=True)
def clean(cloud: Fake) -> Iterator[None]:
    yield
    assert not cloud.crashes
