"""The same resources at every point of enforcement: one table of verdicts, spelled out."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from botocore.session import Session

from config_rules.handler import handle
from scanner import catalog
from scanner.audit import access
from scanner.audit.pace import Clock
from scanner.policy.agreement import matrix
from tests.audit.running import audit
from tests.config_rule.support import ACCOUNT, Context, changed, item, scheduled
from tests.config_rule.test_examples import recorded
from tests.door import called
from tests.end_to_end.calls import JOB, KINDS, requests
from tests.end_to_end.stacks import Cloud

pytestmark = pytest.mark.no_cover  # each point has tests of its own

CELLS = {(cell.control, cell.type): cell for cell in matrix(catalog.load())}
RANK = ("fail", "unknown", "pass", "-")
COMPLIANCE = {"NON_COMPLIANT": "fail", "COMPLIANT": "pass"}
POINTS = ("template", "request", "audit", "config", "policies")
FORMATS = ("json", "csv", "sarif", "junit", "asff", "html")
WHOLE = {"report": "resource", "since": "all"}


TABLE = """
bad-config
  endpoint-data-capture       fail     fail     fail     fail     -
  endpoint-multiple-instances fail     fail     fail     fail     -
  network-isolation           -        unknown  -        -        allowed
  remote-access               pass     pass     pass     pass     -
  volume-kms-key              fail     fail     fail     fail     denied
  vpc-config                  -        unknown  -        -        allowed
bad-model
  network-isolation           fail     fail     fail     fail     denied
  pinned-images               pass     pass     pass     pass     -
  private-image-registry      fail     fail     fail     fail     -
  vpc-config                  fail     fail     fail     fail     denied
bad-notebook
  notebook-direct-internet    fail     fail     fail     fail     denied
  notebook-imds-v2            fail     fail     fail     fail     denied
  notebook-root-access        fail     fail     fail     fail     denied
  volume-kms-key              fail     fail     fail     fail     denied
  vpc-config                  fail     fail     fail     fail     denied
bad-processing
  inter-container-encryption  fail     fail     fail     fail     denied
  job-experiment              fail     fail     fail     fail     -
  network-isolation           pass     pass     pass     pass     allowed
  output-kms-key              fail     fail     fail     fail     denied
  pinned-images               fail     fail     fail     fail     -
  volume-kms-key              fail     fail     fail     fail     denied
  vpc-config                  fail     fail     fail     fail     denied
bad-training
  customer-managed-kms-key    -        fail     fail     fail     denied
  inter-container-encryption  -        fail     fail     fail     denied
  job-experiment              -        fail     fail     fail     -
  network-isolation           -        fail     fail     fail     denied
  output-kms-key              -        pass     pass     pass     allowed
  pinned-images               -        pass     pass     pass     -
  remote-access               -        fail     fail     fail     denied
  volume-kms-key              -        fail     fail     fail     denied
  vpc-config                  -        fail     fail     fail     denied
good-config
  customer-managed-kms-key    unknown  unknown  pass     pass     allowed
  data-capture-kms-key        pass     pass     pass     pass     -
  endpoint-data-capture       pass     pass     pass     pass     -
  endpoint-multiple-instances pass     pass     pass     pass     -
  network-isolation           -        unknown  -        -        allowed
  remote-access               pass     pass     pass     pass     -
  volume-kms-key              pass     pass     pass     pass     allowed
  vpc-config                  -        unknown  -        -        allowed
good-model
  network-isolation           pass     pass     pass     pass     allowed
  pinned-images               pass     pass     pass     pass     -
  private-image-registry      pass     pass     pass     pass     -
  vpc-config                  pass     pass     pass     pass     allowed
good-notebook
  customer-managed-kms-key    unknown  unknown  pass     pass     allowed
  notebook-direct-internet    pass     pass     pass     pass     allowed
  notebook-imds-v2            pass     pass     pass     pass     allowed
  notebook-root-access        pass     pass     pass     pass     allowed
  volume-kms-key              pass     pass     pass     pass     allowed
  vpc-config                  pass     pass     pass     pass     allowed
good-processing
  customer-managed-kms-key    unknown  unknown  pass     pass     allowed
  inter-container-encryption  pass     pass     pass     pass     allowed
  job-experiment              pass     pass     pass     pass     -
  network-isolation           pass     pass     pass     pass     allowed
  output-kms-key              pass     pass     pass     pass     allowed
  pinned-images               pass     pass     pass     pass     -
  volume-kms-key              pass     pass     pass     pass     allowed
  vpc-config                  pass     pass     pass     pass     allowed
good-training
  customer-managed-kms-key    -        unknown  pass     pass     allowed
  inter-container-encryption  -        pass     pass     pass     allowed
  job-experiment              -        pass     pass     pass     -
  network-isolation           -        pass     pass     pass     allowed
  output-kms-key              -        pass     pass     pass     allowed
  pinned-images               -        pass     pass     pass     -
  remote-access               -        pass     pass     pass     allowed
  volume-kms-key              -        pass     pass     pass     allowed
  vpc-config                  -        pass     pass     pass     allowed
"""


Verdicts = dict[tuple[str, str], str]
"""By resource and control."""


def worst(findings: Any) -> Verdicts:
    found: Verdicts = {}
    for each in findings:
        key = each["resource"]["name"].rpartition("/")[2], each["control"]
        found[key] = min(each["verdict"], found.get(key, "pass"), key=RANK.index)
    return found


@pytest.fixture(scope="module")
def asked(cloud: Cloud, pack: Path) -> dict[str, tuple[str, dict[str, Any]]]:
    """The calls that made the resources."""
    found = requests(cloud)
    for kind, parameters in found.values():
        cloud.fake.create(kind, parameters, status="InProgress" if kind.endswith("Job") else None)
    return found


def by_template(asked: Mapping[str, Any], folder: Path) -> Verdicts:
    resources = {
        name: {"Type": f"AWS::SageMaker::{kind}", "Properties": parameters}
        for name, (kind, parameters) in asked.items()
        if any(cell.template for (_, of), cell in CELLS.items() if of == f"AWS::SageMaker::{kind}")
    }
    (folder / "template.json").write_text(json.dumps({"Resources": resources}))
    return worst(
        called("scan", "template.json", "--all", "-f", "json", "--no-config", cwd=folder).report["findings"]
    )


def by_request(asked: Mapping[str, Any], folder: Path) -> Verdicts:
    found: Verdicts = {}
    for name, (kind, parameters) in asked.items():
        (folder / f"{name}.json").write_text(json.dumps(parameters))
        words = ("--request", f"Create{kind}", "--all", "-f", "json", "--no-config")
        report = called("scan", f"{name}.json", *words, cwd=folder).report
        found |= {(name, control): verdict for (_, control), verdict in worst(report["findings"]).items()}
    return found


def by_policies(asked: Mapping[str, Any], folder: Path, pack: Path) -> Verdicts:
    """Denied by a statement that the matrix names for a control."""
    found: Verdicts = {}
    for name, (kind, parameters) in asked.items():
        (folder / f"{name}.json").write_text(json.dumps(parameters))
        words = ("--call", f"{name}.json", "--scp", str(pack / "scp"), "--principal", JOB, "-f", "json")
        report = called("policies", "simulate", f"Create{kind}", *words, cwd=folder).report
        denying = {it["sid"] for it in report["statements"] if it["applies"] and it["effect"] == "Deny"}
        for (control, of), cell in CELLS.items():
            if of == f"AWS::SageMaker::{kind}" and cell.scp:
                sids = {statement.partition("#")[2] for statement in cell.scp}
                found[name, control] = "denied" if sids & denying else "allowed"
        found[name, ""] = report["decision"]
    return found


def by_config(asked: Mapping[str, Any], cloud: Cloud) -> Verdicts:
    """What AWS Config shows of each rule."""
    for (control, of), cell in CELLS.items():
        kind = of.rpartition("::")[2]
        if kind in KINDS and cell.config == "change":
            for record in cloud.fake.sagemaker.records(ACCOUNT, "us-east-1"):
                if record.kind.name == kind and record.name in asked:
                    told = item(of, record.name, recorded(of, dict(record.values)), ARN=record.arn)
                    handle(changed(told, control), Context())
    for control in sorted(
        {
            control
            for (control, of), cell in CELLS.items()
            if cell.config == "periodic" and of.rpartition("::")[2] in KINDS
        }
    ):
        handle(scheduled(control, WHOLE), Context())
    return {
        (name, rule.removeprefix("sagemaker-")): COMPLIANCE.get(each["ComplianceType"], "-")
        for (_, rule, _, name), each in cloud.fake.services.compliance.items()
        if name in asked
    }


@pytest.fixture(scope="module")
def points(
    asked: Mapping[str, Any], cloud: Cloud, pack: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Verdicts]:
    """What each point of enforcement says."""
    folder = tmp_path_factory.mktemp("points")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in cloud.environment.items():
            patch.setenv(name, value)
        patch.setattr(Clock, "wait_until", lambda self, moment: None)
        patch.setattr(Session, "create_client", cache(Session.create_client))
        access.forget()
        config = by_config(asked, cloud)
        access.forget()
    words = [word for form in FORMATS for word in ("-f", form, "-o", str(folder / f"audit.{form}"))]
    ran = audit(cloud.fake, folder, "--all", "--no-store", "--since", "all", *words, **cloud.environment)
    assert ran.code == 1, ran.err
    report = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    assert report["gaps"] == []
    audited = worst(report["findings"])
    return {
        "template": by_template(asked, folder),
        "request": by_request(asked, folder),
        "audit": {key: verdict for key, verdict in audited.items() if key[0] in asked},
        "config": config,
        "policies": by_policies(asked, folder, pack),
        "folder": {("", ""): str(folder)},
    }


def rows() -> Iterator[tuple[str, str, dict[str, str]]]:
    """The table below, as resource, control and what each point says."""
    name = ""
    for line in TABLE.strip().splitlines():
        words = line.split()
        name = words[0] if not line.startswith(" ") else name
        if line.startswith(" "):
            yield name, words[0], dict(zip(POINTS, words[1:], strict=True))


def test_each_point_says_what_the_table_says(points: Mapping[str, Verdicts]) -> None:
    keys = {
        key for point in POINTS for key, verdict in points[point].items() if verdict not in ("-", "allowed")
    }
    said = {key: {point: points[point].get(key, "-") for point in POINTS} for key in keys if key[1]}
    assert said == {(name, control): verdicts for name, control, verdicts in rows()}


def test_what_fails_somewhere_can_not_be_made_and_what_is_good_can(points: Mapping[str, Verdicts]) -> None:
    decisions = {name: verdict for (name, control), verdict in points["policies"].items() if not control}
    expected = {"good": "Allowed", "bad": "ExplicitlyDenied"}
    assert decisions == {name: expected[name.partition("-")[0]] for name in decisions}
    assert len(decisions) == 10


def test_points_differ_only_where_the_matrix_says_that_one_can_not_judge(asked: Mapping[str, Any]) -> None:
    """A contradiction in the table would be one of the product."""
    silent = set()
    for name, control, said in rows():
        cell = CELLS[control, f"AWS::SageMaker::{asked[name][0]}"]
        known = {said[point] for point in POINTS[:4]} & {"fail", "pass"}
        assert len(known) <= 1, (name, control, said)
        judges = {
            "template": cell.template,
            "request": True,
            "audit": cell.live,
            "config": cell.config != "none",
        }
        silent |= {
            (control, asked[name][0], point)
            for point in judges
            if known and judges[point] and said[point] == "-"
        }
        assert all(judges[point] for point in judges if point != "request" and said[point] != "-")
        assert (said["policies"] == "-") is (not cell.scp)
        if known and cell.scp:
            assert said["policies"] == ("denied" if known == {"fail"} else "allowed"), (name, control)
    assert not silent


def test_reports_say_the_same(points: Mapping[str, Verdicts], cloud: Cloud) -> None:
    folder = Path(points["folder"]["", ""])
    read = {form: (folder / f"audit.{form}").read_text(encoding="utf-8") for form in FORMATS}
    expected = sorted(
        (each["control"], each["resource"]["name"], each["verdict"])
        for each in json.loads(read["json"])["findings"]
    )
    tables = csv.DictReader(io.StringIO(read["csv"]))
    found = {
        "csv": [(it["control"], it["resource"], it["verdict"]) for it in tables if it["kind"] == "finding"]
    }
    kinds = {"fail": "fail", "pass": "pass", "review": "unknown"}
    found["sarif"] = [
        (it["ruleId"], it["locations"][0]["logicalLocations"][0]["name"], kinds[it["kind"]])
        for it in json.loads(read["sarif"])["runs"][0]["results"]
    ]
    status = {"FAILED": "fail", "PASSED": "pass", "NOT_AVAILABLE": "unknown"}
    marks = {it["fingerprint"]: it["resource"]["name"] for it in json.loads(read["json"])["findings"]}
    found["asff"] = [
        (
            fields["smguard/Control"],
            marks[fields["smguard/Fingerprint"]],
            status[it["Compliance"]["Status"]],
        )
        for line in read["asff"].splitlines()
        for it in json.loads(line)["Findings"]
        if "smguard/Control" in (fields := it["ProductFields"])
    ]
    assert {form: sorted(listed) for form, listed in found.items()} == dict.fromkeys(found, expected)
    tiles = dict(re.findall(r'<div class="tile (failed|unknown)"><b>(\d+)</b>', read["html"]))
    counts = Counter(verdict for _, _, verdict in expected)
    assert tiles == {"failed": str(counts["fail"]), "unknown": str(counts["unknown"])}
    suites = list(ElementTree.fromstring(read["junit"]).iter("testsuite"))
    told = [sum(int(suite.attrib[name]) for suite in suites) for name in ("failures", "skipped")]
    assert told == [counts["fail"], counts["unknown"]]
