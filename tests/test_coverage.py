"""`smguard rules coverage`: what is enforced where, what it means to frameworks, and what an audit proves."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator

from scanner import catalog, framework
from scanner.cli.commands import group
from tests.door import ROOT, assert_inert
from tests.report import audits

NOTEBOOK, CONTROL = "AWS::SageMaker::NotebookInstance", "notebook-root-access"
EVIL = "\x1b[31m=cmd()\n##[error]x ::error::y |<script>\u202e\ud800"


def coverage(*words: str | Path, code: int = 0) -> str:
    ran = CliRunner().invoke(
        group, ["rules", "coverage", "--no-config", *map(str, words)], env={"COLUMNS": "80"}
    )
    assert ran.exit_code == code, ran.output
    return ran.stdout if code == 0 else ran.output


def told(*words: str | Path) -> Any:
    return json.loads(coverage("-f", "json", *words))


@cache
def validator(name: str) -> Draft7Validator:
    """NIST's schema; Python's expressions have no \\p."""
    text = (ROOT / "tests" / "schemas" / f"oscal-1.1.2-{name}.json").read_text(encoding="utf-8")
    plain = text.replace(r"\\p{L}", r"[^\\W\\d_]").replace(r"\\p{N}", r"\\d")
    assert r"\\p{" not in plain
    return Draft7Validator(json.loads(plain))


def test_every_area_and_point() -> None:
    found = told()
    areas = found["areas"]
    assert len(areas) == 8
    cells = json.loads(CliRunner().invoke(group, ["rules", "matrix", "-f", "json"]).stdout)
    tests: dict[str, Callable[[Any], bool]] = {
        "scan": lambda it: it["template"],
        "live": lambda it: it["live"],
        "change": lambda it: it["config"] == "change",
        "periodic": lambda it: it["config"] == "periodic",
        "policy": lambda it: bool(it["scp"]),
        "all": lambda it: True,
    }
    for point, holds in tests.items():
        listed = {control for by_point in areas.values() for control in by_point[point]}
        assert listed == {it["control"] for it in cells if holds(it)}, point
    where = {
        name: {point for by_point in areas.values() for point, listed in by_point.items() if name in listed}
        for name in ("notebook-root-access", "job-experiment", "vpc-flow-logs", "ai-services-opt-out")
    }
    assert where == {
        "notebook-root-access": {"all", "scan", "call", "live", "change", "hook", "guard", "policy"},
        "job-experiment": {"all", "scan", "call", "live", "periodic", "hook", "guard"}
        & where["job-experiment"],
        "vpc-flow-logs": {"all", "scan", "live", "periodic", "hook"},
        "ai-services-opt-out": {"all", "live", "periodic"},
    }
    assert "required-tags" in found["judge_nothing_yet"]


def test_the_table_says_what_no_point_sees() -> None:
    text = coverage("--controls")
    assert max(map(len, text.splitlines())) <= 80
    plain = " ".join(text.split())
    assert "Seen by an audit alone guardrail-policies-attached Seen by" in plain
    assert "explainability scan: explainability-monitor call: none live: explainability-monitor" in plain
    assert "SageMaker.8: No control asks for the platform" in plain
    assert re.search(r"^soc-2 +\d+ +52  ours, prowler$", text, re.M)
    by_source = coverage("--framework", "soc-2")
    assert by_source.startswith("What sources and control files map.")
    assert "network-isolation   " not in by_source
    assert coverage("-f", "markdown", "--framework", "soc-2").startswith("| Framework |")
    assert re.search(r"CC6.6: .*no-internet-route \(ours\).*, private-subnets,", " ".join(by_source.split()))
    rows = coverage("-f", "csv", "--framework", "soc-2").splitlines()
    assert {"soc-2,CC6.6,no-internet-route,ours,,", "soc-2,CC6.6,private-subnets,prowler,,"} <= {
        row.replace('"', "").rstrip() for row in rows
    }
    assert "| soc-2 | " in coverage("-f", "markdown", "--controls", "--framework", "soc-2")


def test_security_hub_is_whole() -> None:
    (found,) = told("--framework", "security-hub")["frameworks"]
    by = {each["id"]: (each["controls"], bool(each["why_not"])) for each in found["requirements"]}
    assert list(by) == [f"SageMaker.{number}" for number in range(1, 26)]
    assert {name for name, it in by.items() if it == ([], True)} == {
        "SageMaker.6",
        "SageMaker.7",
        "SageMaker.8",
    }
    assert by["SageMaker.9"] == (["inter-container-encryption"], False)
    assert {bool(controls) for controls, why in by.values() if not why} == {True}


SPELLED = {
    "nist-800-53-r5": r"(AC|AU|CA|CM|IA|SA|SC|SI|SR)-\d+(\(\d+\))?",
    "pci-dss-4.0": r"\d{1,2}\.\d\.\d(\.\d)?",
    "hipaa-security": r"164\.3(08|12)\([a-e]\)(\(\d\)(\([iv]+\)(\([A-D]\))?)?)?",
    "iso-27001-2022": r"A\.[58]\.\d+",
    "soc-2": r"(CC\d|A1|C1|PI1)\.\d",
}


def test_every_mapping_is_from_a_source_and_used() -> None:
    known = framework.known()
    full = catalog.load()
    assert set(known["mappings"]) == set(known["sources"])
    for source, by_id in known["mappings"].items():
        names = [framework.foreign_names(it.aka, it.resources).get(source, ()) for it in full.controls]
        assert set(by_id) <= {each for listed in names for each in listed}, source
        assert {name for listed in by_id.values() for name in listed} <= set(known["frameworks"])
    pairs = {it for control in full.controls for it in framework.mapped(control, known)}
    for it in pairs:
        if it.source == "ours" and "fedramp" not in it.framework:
            assert re.fullmatch(SPELLED[it.framework], it.requirement), it
    for name in ("nist-800-53-r5", "fedramp-moderate-r5", "iso-27001-2022", "soc-2"):
        assert [it.id for it in full.controls if name not in it.frameworks] == [], name
    closed = full.by_id["default-security-group-closed"]
    assert (closed.ours["soc-2"], "nist-800-53-r5" in closed.ours) == (["CC6.6"], False)
    derived = {it.requirement for it in pairs if it.framework == "fedramp-moderate-r5"}
    asked = {framework.enhancement(it.requirement) for it in pairs if it.framework == "nist-800-53-r5"}
    assert derived == asked & set(known["frameworks"]["fedramp-moderate-r5"]["baseline"])
    assert "SC-28(1)" in derived
    assert "SI-19(4)" in asked - derived


def of(verdict: str, name: str = "n", **more: Any) -> dict[str, Any]:
    return audits.finding(CONTROL, NOTEBOOK, name, verdict=verdict, path="RootAccess", **more)


def gap(what: str, accepted: Any = None) -> dict[str, Any]:
    return {"where": "111122223333/eu-west-1", "what": what, "hint": "", "accepted": accepted}


PASS, ACCEPTED = of("pass", "good"), {"reason": "r", "expires": "2027-01-01", "owner": None, "ticket": None}
PARTLY = [{"account": "1", "region": "r", "type": NOTEBOOK, "resources": 0, "complete": False}]
CASES: dict[str, tuple[list[Any], dict[str, Any], str]] = {
    "passed": ([PASS], {}, "passed"),
    "failed": ([PASS, of("fail")], {}, "failed"),
    "known to the baseline": ([PASS, of("fail", baseline=True)], {}, "failed"),
    "unknown": ([PASS, of("unknown")], {}, "unknown"),
    "waived": ([PASS, of("fail", waiver=audits.WAIVER)], {}, "waived"),
    "gap of the type": ([PASS], {"gaps": [gap(f"{NOTEBOOK}: denied")]}, "gap"),
    "gap of the control": ([PASS], {"gaps": [gap(f"it crashed; not judged by {CONTROL}")]}, "gap"),
    "accepted gap": ([PASS], {"gaps": [gap(f"{NOTEBOOK}: denied", ACCEPTED)]}, "gap"),
    "gap of everything": ([PASS], {"gaps": [gap("the region can't be reached")]}, "gap"),
    "gap of a type that others look at": ([PASS], {"gaps": [gap("AWS::EC2::Nothing: denied")]}, "gap"),
    "gap of another type": ([PASS], {"gaps": [gap("AWS::SageMaker::FeatureGroup: denied")]}, "passed"),
    "looked at in part": ([PASS], {"looked_at": PARTLY}, "gap"),
    "passed by numbers alone": ([], {}, "not shown"),
    "nothing there": ([], {"passed": 0}, "none found"),
    "not chosen": ([], {"controls": []}, "not audited"),
}


@pytest.mark.no_cover  # one report covers as much
@pytest.mark.parametrize("case", CASES)
def test_only_a_pass_with_nothing_beside_it_is_evidence(tmp_path: Path, case: str) -> None:
    findings, how, expected = CASES[case]
    report = audits.write(tmp_path / "r.json", findings, **{"gaps": [], "looked_at": [], **how})
    words = ("--framework", "security-hub", "--audit", report)
    found = told(*words)
    (it,) = [each for each in found["frameworks"][0]["requirements"] if each["id"] == "SageMaker.3"]
    assert (it["state"], found["evidence"][CONTROL]["state"]) == (expected, expected)
    document = json.loads(coverage("-f", "oscal-results", *words))
    validator("assessment-results").validate(document)
    (result,) = document["assessment-results"]["results"]
    target = next(
        each["target"] for each in result["findings"] if each["target"]["target-id"].endswith("_SageMaker.3")
    )
    assert target["status"]["state"] == ("satisfied" if expected == "passed" else "not-satisfied")
    assert len(result.get("risks", ())) == len(how.get("gaps", ()))


def test_gaps_beyond_those_listed_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.report.oscal._MOST", 2)
    gaps = [gap(f"AWS::SageMaker::Model number {number}: denied") for number in range(3)]
    report = audits.write(tmp_path / "r.json", [], gaps=[*gaps, gap(f"{NOTEBOOK}: denied")], looked_at=[])
    document = json.loads(coverage("-f", "oscal-results", "--audit", report))
    validator("assessment-results").validate(document)
    (result,) = document["assessment-results"]["results"]
    assert len(result["risks"]) == 3
    more = result["risks"][-1]
    assert more["description"].startswith("2 more")
    (found,) = [it for it in result["findings"] if it["target"]["target-id"].endswith("_SageMaker.3")]
    assert found["related-risks"] == [{"risk-uuid": more["uuid"]}]


def test_a_check_of_one_type_is_not_failed_by_another(tmp_path: Path) -> None:
    findings = [
        audits.finding("network-isolation", f"AWS::SageMaker::{kind}", "it", verdict=verdict)
        for kind, verdict in (("Model", "fail"), ("DataQualityJobDefinition", "pass"))
    ]
    report = audits.write(tmp_path / "r.json", findings, gaps=[], looked_at=[])
    frameworks = {each["id"]: each["requirements"] for each in told("--audit", report)["frameworks"]}
    states = {each["id"]: each["state"] for each in frameworks["security-hub"]}
    assert (states["SageMaker.5"], states["SageMaker.11"]) == ("failed", "passed")
    nis = {each["id"]: each["state"] for each in frameworks["nis2"]}
    assert nis["6.2.1"] == "failed"


def test_a_control_of_ones_own_has_what_is_stated_for_its_ids(tmp_path: Path) -> None:
    (tmp_path / "own-rotation.yaml").write_text(
        """{id: own-rotation, title: t, area: encryption, severity: low, rationale: r, remediation: m,
        aka: {prowler: kms_cmk_rotation_enabled},
        resources: {AWS::SageMaker::Model: {places: [{requires: {ModelName: {}}}]}},
        frameworks: {house-rules: [H-1]},
        examples: {fail: [{about: none, resource: {Type: AWS::SageMaker::Model, Properties: {}}}]}}"""
    )
    (tmp_path / "_frameworks.yaml").write_text(HOUSE.format(source="council", version="'2026'"))
    words = ("--framework", "house-rules", "--framework", "soc-2")
    house, soc = told("--rules", tmp_path, *words)["frameworks"]
    assert [(it["id"], it["controls"], it["sources"]) for it in house["requirements"]] == [
        ("H-1", ["own-rotation"], ["ours"]),
        ("H-2", ["own-rotation"], ["council"]),
        ("H-7", ["volume-kms-key"], ["council"]),
        ("H-8", ["network-isolation"], ["hub"]),
    ]
    assert house["title"] == "House rules"
    listed = CliRunner().invoke(
        group, ["rules", "list", "--framework", "house-rules", "--rules", str(tmp_path)]
    )
    assert "3 controls" in listed.output
    assert "own-rotation" in next(it for it in soc["requirements"] if it["id"] == "PI1.5")["controls"]


HOUSE = """
frameworks: {{house-rules: {{title: House rules, version: {version}, url: 'https://example.org/rules'}}}}
sources:
  council: {{title: Our council, url: 'https://example.org/council', as-of: '2026-11-01', ids: smguard}}
  hub: {{title: Our council, url: 'https://example.org/council', as-of: '2026-11-01', ids: security-hub}}
mappings:
  {source}:
    volume-kms-key: {{house-rules: [H-7]}}
    own-rotation: {{house-rules: [H-2]}}
  hub: {{SageMaker.5: {{house-rules: [H-8]}}}}
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HOUSE.format(source="prowler", version="''"), ".yaml:7: mappings.prowler: is none of the sources"),
        (
            HOUSE.format(source="council", version="1"),
            ":2: frameworks.house-rules.version: must be text",
        ),
        ("mappings: {c: []}", "_frameworks.yaml:1: mappings.c: must be a mapping"),
        ("sources: [", "_frameworks.yaml:2: did not find"),
        ("{notes: {}}", "_frameworks.yaml:1: notes: unknown key; did you mean"),
        (
            "frameworks: {soc-2: {title: t, version: v, url: https://x}}",
            "yaml:1: frameworks.soc-2: is defined by",
        ),
    ],
)
def test_what_is_wrong_with_ones_own_frameworks_is_located(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "_frameworks.yaml").write_text(text)
    ran = CliRunner().invoke(group, ["rules", "check", str(tmp_path)])
    assert said in ran.output
    loaded = CliRunner().invoke(group, ["rules", "list", "--rules", str(tmp_path)])
    assert said.split(": ")[-1] in str(loaded.exception)


def test_component_definition() -> None:
    first, again = (json.loads(coverage("-f", "oscal-component")) for _ in range(2))
    validator("component").validate(first)
    for each in (first, again):
        del each["component-definition"]["metadata"]["last-modified"]
    assert first == again
    (component,) = first["component-definition"]["components"]
    by = {it["props"][0]["value"]: it for it in component["control-implementations"]}
    assert by["nist-800-53-r5"]["source"].endswith("NIST_SP-800-53_rev5_catalog.json")
    asked = {it["control-id"]: it for it in by["nist-800-53-r5"]["implemented-requirements"]}
    props = [(it["name"], it["value"]) for it in asked["sc-28.1"]["props"]]
    assert {("control", "volume-kms-key"), ("source", "guard")} <= {*props}
    assert {("control-by-us", "core-dump-kms-key"), ("control-by-us", "volume-kms-key")} & {*props} == {
        ("control-by-us", "core-dump-kms-key")
    }
    assert ("requirement", "SC-7a") in [(it["name"], it["value"]) for it in asked["sc-7"]["props"]]
    uuids = re.findall(r'"uuid": "([^"]+)"', json.dumps(first))
    assert len(uuids) == len(set(uuids))
    del component["uuid"]
    assert not validator("component").is_valid(first)


def test_hostile_reports_are_inert(tmp_path: Path) -> None:
    findings = [PASS, of("fail", EVIL, message=EVIL)]
    report = audits.write(tmp_path / "r.json", findings, gaps=[gap(EVIL)], by=EVIL, regions=[EVIL])
    for name in ("table", "markdown", "csv", "json", "oscal-results"):
        text = coverage("-f", name, "--framework", "security-hub", "--audit", report)
        assert_inert(text, name)
        if name == "csv":
            assert {len(row) for row in csv.reader(text.splitlines())} == {6}
        if name == "oscal-results":
            validator("assessment-results").validate(json.loads(text))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-f", "yaml"), "unknown format 'yaml'"),
        (("-f", "oscal-results"), "results are those of an audit"),
        (("--framework", "soc-3"), "unknown framework 'soc-3'"),
        (("--audit", "timeless.json", "-f", "oscal-results"), "doesn't say when the audit was"),
        (("--audit", "scan.json"), "is no report of an audit"),
    ],
)
def test_refusals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str) -> None:
    monkeypatch.chdir(tmp_path)
    text = audits.write(tmp_path / "timeless.json", [PASS], at="soon", ended=None).read_text()
    about = re.sub(r'"audit": \{.*\n', "", text.replace('"kind": "audit"', '"kind": "scan"'))
    (tmp_path / "scan.json").write_text(about)
    ran = CliRunner().invoke(group, ["rules", "coverage", *words])
    assert said in ran.output + str(ran.exception)
