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
from scanner.audit import acquisition
from scanner.deploy.rule import rules
from tests.audit.test_examples import LEFT_OUT, LeftOutError, Maker, examples, make_keys
from tests.audit.test_organization import OPT_OUT
from tests.config_rule.support import ACCOUNT, SAGEMAKER, Context, changed, compliance, item, scheduled
from tests.door import MEASURED, smguard
from tests.fake_aws import Fake

HOW = acquisition.load()
FULL = catalog.load()
OPT_OUT_CONTROL = "ai-services-opt-out"
COMPLIANCE = {"fail": "NON_COMPLIANT", "unknown": None, "pass": "COMPLIANT"}
RANK = ("fail", "unknown", "pass")


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
    folder = tmp_path_factory.mktemp("examples")
    for example, template in examples():
        (folder / f"{example}.json").write_text(json.dumps(template))
    report = smguard("scan", folder, "-f", "json", "--all", "--no-config", **MEASURED).report
    found: dict[tuple[str, str, str], str] = {}
    for each in report["findings"]:
        key = Path(each["location"]["file"]).stem, each["resource"]["name"], each["control"]
        found[key] = min(each["verdict"], found.get(key, "pass"), key=RANK.index)
    return found


def test_what_config_is_told_is_what_a_scan_says(
    cloud: Fake, scanned: Mapping[tuple[str, str, str], str]
) -> None:
    domain = cloud.create("Domain", {"DomainName": "shared"}).values["DomainId"]
    make_keys(cloud)
    left_out: Counter[str] = Counter()
    expected: dict[tuple[str, str, str], str | None] = {}
    for number, (example, template) in enumerate(examples()):
        control = example.rpartition("-")[0].rpartition("-")[0]
        if control == OPT_OUT_CONTROL:
            told = _opted_out(cloud, template)
            assert told == COMPLIANCE[scanned[example, "Example", control]], example
            expected[control, "AWS::::Account", ACCOUNT] = told
        maker = Maker(cloud, template, f"e{number}", domain)
        try:
            made = maker.make()
        except LeftOutError as reason:
            left_out[str(reason)] += 1
            continue
        for arn, name in made.items():
            kind = template["Resources"][name]["Type"]
            if kind not in FULL.by_id[control].resources:
                continue
            record = next(each for each in cloud.sagemaker.records(ACCOUNT, "us-east-1") if each.arn == arn)
            verdict = COMPLIANCE.get(scanned.get((example, name, control), ""), "NOT_APPLICABLE")
            if control == "customer-managed-kms-key" and verdict is None:
                verdict = "COMPLIANT"  # a template can't tell whose a key is, and KMS can
            parts = [record.values.get(member) for member in HOW[kind].listing.name]
            identity = "/".join(map(str, parts)) if all(parts) else record.key
            if HOW[kind].config.trigger == "change":
                told = item(kind, identity, recorded(kind, dict(record.values)), ARN=arn)
                handle(changed(told, control), Context())
            elif verdict == "NOT_APPLICABLE":
                verdict = None  # what never applied is not reported
            expected[control, kind, identity] = verdict
    for control in sorted({control for control, _, _ in expected} - {OPT_OUT_CONTROL}):
        handle(scheduled(control, {"report": "resource", "since": "all"}), Context())
    shown = {
        (rule.removeprefix("sagemaker-"), kind, name): each["ComplianceType"]
        for (_, rule, kind, name), each in cloud.services.compliance.items()
        if kind.startswith(SAGEMAKER) or rule.endswith(OPT_OUT_CONTROL)
    }
    wrong = {key: (verdict, shown.get(key)) for key, verdict in expected.items() if shown.get(key) != verdict}
    assert not wrong
    assert left_out == LEFT_OUT
    assert len(expected) > 200
    assert {control for control, _, _ in expected} == {rule.control.id for rule in rules(FULL)}


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
