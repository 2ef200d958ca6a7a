"""`.smguard.yaml`: what it settles, what wins over it, and how its faults are told."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from scanner.config import _accepts, _schema
from tests.door import CALM, ROOT, Ran, files, found, installed, notes, smguard
from tests.repository import Repository, notebooks

TODAY = datetime.now(UTC).date()
CONFIG = ".smguard.yaml"
ENDPOINT = """\
Resources:
  Config:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      KmsKeyId: %s
      ProductionVariants:
      - {VariantName: a, ModelName: m, InstanceType: ml.m5.large, InitialInstanceCount: 2}
"""
KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
ARN = f"arn:aws:kms:eu-central-1:111122223333:key/{KEY}"

OWN = (
    "id: own\ntitle: Own\narea: access\nseverity: low\nrationale: r\nremediation: r\n"
    "parameters: {most: {type: integer, default: 50, description: GB}}\n"
    "resources: {AWS::SageMaker::NotebookInstance: {places: [{requires: {VolumeSizeInGB: "
    "{maximum: {$parameter: most}}}}]}}\n"
    "examples: {fail: [{about: none, resource: {Type: AWS::SageMaker::NotebookInstance}}]}\n"
)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "work")
    made.write(a_yaml=notebooks("A"), lab__b_yaml=notebooks("B"))
    return made


def controls(ran: Ran, file: str | None = None) -> set[str]:
    """The controls with findings."""
    assert ran.code in (0, 1, 3), ran.err
    files(ran.report)
    listed = ran.report["findings"]
    return {it["control"] for it in listed if file in (None, it["location"]["file"])}


def scan(of: Repository, config: str | None, *words: str, **how: Any) -> Ran:
    if config is not None:
        of.put(CONFIG, config)
    return of.run("scan", "-f", "json", *(words or (".",)), **how)


@pytest.mark.parametrize(
    ("config", "words", "expected"),
    [
        ("select: [volume-kms-key, vpc-config]", "", {"volume-kms-key", "vpc-config"}),
        ("area: [access]", "", {"notebook-root-access", "notebook-imds-v2"}),
        ("area: [access]\nignore: [notebook-imds-v2]", "", {"notebook-root-access"}),
        ("area: [access]\nselect: [vpc-config, notebook-imds-v2]", "", {"notebook-imds-v2"}),
        ("select: [volume-kms-key]", "--select vpc-config", {"vpc-config"}),
        ("area: [access]", "--select vpc-config", {"vpc-config"}),
        ("select: [vpc-config]", "--area access", {"notebook-root-access", "notebook-imds-v2"}),
        ("area: [access]", "--ignore notebook-imds-v2", {"notebook-root-access"}),
        ("ignore: [vpc-config, volume-kms-key]", "--select vpc-config", {"vpc-config"}),
        (
            "select: [volume-kms-key]",
            "--no-config --area access",
            {"notebook-root-access", "notebook-imds-v2"},
        ),
        ("framework: [kisa-isms-p]\nselect: [notebook-imds-v2, vpc-config]", "", {"vpc-config"}),
    ],
)
def test_which_controls(repository: Repository, config: str, words: str, expected: set[str]) -> None:
    assert controls(scan(repository, config, ".", *words.split())) == expected


def test_severities_and_what_counts(repository: Repository) -> None:
    config = "select: [vpc-config]\nfail-on: critical\n"
    assert scan(repository, config).code == 0
    assert scan(repository, config, ".", "--fail-on", "high").code == 1
    ran = scan(repository, config + "severities: {vpc-config: critical}\n")
    assert (ran.code, {it["severity"] for it in ran.report["findings"]}) == (1, {"critical"})
    repository.put("a.yaml", ENDPOINT % ARN)
    unsure = "select: [customer-managed-kms-key]\nstrict: true\n"
    assert scan(repository, unsure, "a.yaml").code == 1
    assert scan(repository, unsure, "a.yaml", "--no-strict").code == 0
    assert scan(repository, unsure.replace("true", "false"), "a.yaml").code == 0
    assert scan(repository, unsure.replace("true", "false"), "a.yaml", "--strict").code == 1


@pytest.mark.parametrize(
    ("key", "allowed", "verdict"),
    [
        (ARN, [], "unknown"),
        (ARN, [KEY], "pass"),
        (ARN, [ARN], "pass"),
        (KEY, [ARN], "pass"),
        (KEY, ["mrk-*", "1234abcd-*"], "pass"),
        (KEY, ["2*"], "unknown"),
        (KEY, ["1234abcd"], "unknown"),
        (ARN, ["arn:aws:kms:*:111122223333:key/*"], "pass"),
        (ARN, ["arn:aws:kms:*:444455556666:key/*"], "unknown"),
        (f"!Sub 'arn:${{AWS::Partition}}:kms:${{AWS::Region}}:${{AWS::AccountId}}:key/{KEY}'", [KEY], "pass"),
        (
            f"!Sub 'arn:${{AWS::Partition}}:kms:${{AWS::Region}}:${{AWS::AccountId}}:key/{KEY}'",
            ["1*"],
            "pass",
        ),
        (
            f"!Sub 'arn:${{AWS::Partition}}:kms:${{AWS::Region}}:${{AWS::AccountId}}:key/{KEY}'",
            ["arn:*"],
            "unknown",
        ),
        ("!Sub '${Prefix}1234abcd'", ["*1234abcd"], "unknown"),
        ("!ImportValue key", ["*"], "unknown"),
        ("alias/aws/sagemaker", ["*"], "fail"),
        ("arn:aws:kms:eu-central-1:111122223333:alias/aws/sagemaker", ["*"], "fail"),
    ],
)
def test_keys_that_are_known(repository: Repository, key: str, allowed: list[str], verdict: str) -> None:
    template = "Parameters: {Prefix: {Type: String}}\n" + ENDPOINT % key
    repository.put("a.yaml", template)
    config = f"control-parameters: {{customer-managed-kms-key: {{allowed-keys: {json.dumps(allowed)}}}}}"
    ran = scan(repository, config, "a.yaml", "--select", "customer-managed-kms-key", "--all")
    assert [it["verdict"] for it in ran.report["findings"]] == [verdict]


def test_a_parameter_that_may_only_be_a_known_key(repository: Repository) -> None:
    declared = f"Parameters: {{Key: {{Type: String, Default: {KEY}, AllowedValues: [{KEY}, {KEY[:-1]}c]}}}}\n"
    repository.put("a.yaml", declared + ENDPOINT % "!Ref Key")
    words = ("a.yaml", "--select", "customer-managed-kms-key", "--all")
    for allowed, verdict in (([KEY, KEY[:-1] + "c"], "pass"), ([KEY], "unknown")):
        config = f"control-parameters: {{customer-managed-kms-key: {{allowed-keys: {json.dumps(allowed)}}}}}"
        assert [it["verdict"] for it in scan(repository, config, *words).report["findings"]] == [verdict]


@pytest.mark.parametrize(
    ("subnets", "allowed", "verdict"),
    [
        ("[subnet-22222222]", [], "pass"),
        ("[!Ref Subnet]", [], "pass"),
        ("!Ref Given", [], "pass"),
        ("[subnet-11111111, subnet-22222222]", ["subnet-22222222", "subnet-11111111"], "pass"),
        ("[subnet-11111111, subnet-22222222]", ["subnet-11111111"], "fail"),
        ("[!Ref Subnet, subnet-22222222]", ["subnet-11111111"], "fail"),
        ("[!Ref Subnet, subnet-11111111]", ["subnet-11111111"], "unknown"),
        ("!Ref Given", ["subnet-11111111"], "unknown"),
    ],
)
def test_subnets_that_are_allowed(
    repository: Repository, subnets: str, allowed: list[str], verdict: str
) -> None:
    repository.put(
        "a.yaml",
        f"""\
Parameters: {{Given: {{Type: 'List<AWS::EC2::Subnet::Id>'}}}}
Resources:
  Subnet: {{Type: AWS::EC2::Subnet}}
  Job:
    Type: AWS::SageMaker::TrainingJob
    Properties: {{VpcConfig: {{Subnets: {subnets}, SecurityGroupIds: [sg-11111111]}}}}
""",
    )
    config = f"control-parameters: {{vpc-config: {{allowed-subnets: {json.dumps(allowed)}}}}}"
    ran = scan(repository, config, "a.yaml", "--select", "vpc-config", "--all")
    assert {it["verdict"] for it in ran.report["findings"]} == {verdict}


def test_how_many_instances_are_enough(repository: Repository) -> None:
    repository.put("a.yaml", ENDPOINT % "alias/ml")
    words = ("a.yaml", "--select", "endpoint-multiple-instances")
    assert scan(repository, None, *words).code == 0
    config = "control-parameters: {endpoint-multiple-instances: {minimum-instances: 3}}"
    [finding] = scan(repository, config, *words).report["findings"]
    assert finding["message"] == "InitialInstanceCount is 2, must be at least 3"
    shown = repository.run("rules", "show", "endpoint-multiple-instances")
    assert "  minimum-instances = 3 (default 2): How many instances" in shown.out
    shown = repository.run("rules", "show", "endpoint-multiple-instances", "--no-config")
    assert "  minimum-instances = 2: How many instances" in shown.out


def test_excludes_speak_of_the_folder_of_the_file(repository: Repository, tmp_path: Path) -> None:
    repository.write(lab__lab__c_yaml=notebooks("C"), d_json='{"Resources": {}}')
    config = "select: [vpc-config]\nexclude: [/lab/, '*.json']\n"
    assert found(scan(repository, config).report) == ["vpc-config A 2:3"]
    assert found(scan(repository, config, "..", below="lab").report) == ["vpc-config A 2:3"]
    assert scan(repository, config, ".", below="lab").report["findings"] == []
    assert scan(repository, config, "b.yaml", below="lab").report["summary"]["files"]["skipped"] == 1
    both = scan(repository, config, ".", "--exclude", "a.yaml")
    assert both.report["findings"] == []
    outside = tmp_path / "lab"
    outside.mkdir()
    (outside / "x.yaml").write_text(notebooks("X"))
    assert found(scan(repository, config, str(outside)).report) == ["vpc-config X 2:3"]
    assert found(scan(repository, config, str(tmp_path)).report) == ["vpc-config X 2:3", "vpc-config A 2:3"]


def test_settings_of_paths(repository: Repository) -> None:
    nesting = (
        "Resources: {Child: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: lab/b.yaml}}}"
    )
    repository.put("parent.yaml", nesting)
    config = (
        "area: [access, network-isolation]\npaths:\n"
        "- {files: [lab/], ignore: [vpc-config, notebook-imds-v2], severities: {notebook-root-access: low}}\n"
        "- {files: ['*'], severities: {notebook-direct-internet: critical}}\n"
        "- {files: [lab/*.yaml], select: [notebook-root-access, vpc-config]}\n"
    )
    for words in ((".",), ("lab",), (".", "--jobs", "2")):
        ran = scan(repository, config, *words)
        assert controls(ran, "lab/b.yaml") == {"notebook-root-access"}
        assert [it["severity"] for it in ran.report["findings"] if "lab" in it["location"]["file"]] == ["low"]
    severities = {
        it["control"]: it["severity"] for it in scan(repository, config, "a.yaml").report["findings"]
    }
    assert severities == {
        "notebook-imds-v2": "medium",
        "notebook-root-access": "high",
        "notebook-direct-internet": "critical",
        "vpc-config": "high",
    }
    piped = scan(repository, config, "-", given=notebooks("N").encode())
    assert {it["severity"] for it in piped.report["findings"] if "internet" in it["control"]} == {"high"}


def test_files_it_names_are_found_from_anywhere(repository: Repository) -> None:
    repository.put("guard/rules/own.yaml", OWN)
    waiver = "{control: own, resource: A, reason: lab, expires: '9999-12-31'}"
    repository.put("guard/waivers.yaml", f"waivers: [{waiver}]\n")
    config = "rules: [guard/rules]\nwaivers: guard/waivers.yaml\nselect: [own]\nbaseline: known.json\n"
    repository.put(CONFIG, config)
    ran = repository.run("baseline", "..", below="lab")
    assert ran.err == "1 finding taken down in ../known.json\n"
    ran = scan(repository, config, "..", below="lab")
    assert (ran.code, found(ran.report)) == (0, ["waived own A 2:3", "known own B 2:3"])
    assert "own" in repository.run("rules", "list", below="lab").out
    assert "most = 50: GB" in repository.run("rules", "show", "own").out
    repository.put("none.json", '{"schema_version": 1, "kind": "baseline", "findings": []}')
    ran = scan(repository, config, ".", "--baseline", "none.json")
    assert (ran.code, found(ran.report)) == (1, ["waived own A 2:3", "own B 2:3"])


def test_waivers_in_templates_can_be_switched_off(repository: Repository) -> None:
    waiver = "{control: vpc-config, reason: lab, expires: '9999-12-31'}"
    inline = f"Metadata: {{smguard: {{waivers: [{waiver}]}}}}"
    repository.put("a.yaml", notebooks("A").replace("Instance'", f"Instance', {inline}"))
    config = "select: [vpc-config]\n"
    assert scan(repository, config, "a.yaml").code == 0
    assert scan(repository, config + "inline-waivers: true\n", "a.yaml").code == 0
    assert scan(repository, config + "inline-waivers: false\n", "a.yaml").code == 1
    assert scan(repository, config + "inline-waivers: true\n", "a.yaml", "--no-inline-waivers").code == 1


def test_accepted_gaps(repository: Repository) -> None:
    repository.put("lab/broken.yaml", "Resources: [AWS::SageMaker")
    entry = "- {where: %s, reason: made by a tool, expires: '%s', ticket: SEC-9%s}\n"
    start = "select: [remote-access]\naccepted-gaps:\n"
    assert scan(repository, "select: [remote-access]\n").code == 3
    for where, expires, more, accepted, note in (
        ("lab/", TODAY, "", True, None),
        ("broken.yaml", "9999-12-31", ", what: '*did not find*'", True, None),
        ("broken.yaml", "9999-12-31", ", what: 'did not find'", False, "is unused"),
        ("broken.json", "9999-12-31", "", False, "is unused"),
        ("lab/", TODAY - timedelta(days=1), "", False, "expired after"),
    ):
        ran = scan(repository, start + entry % (where, expires, more))
        assert files(ran.report)["unread"] == 1
        assert (ran.code, ran.report["summary"]["complete"]) == ((0, True) if accepted else (3, False))
        [gap] = ran.report["gaps"]
        said = {"reason": "made by a tool", "expires": str(expires), "owner": None, "ticket": "SEC-9"}
        assert gap["accepted"] == (said if accepted else None)
        assert [note] if note else not notes(ran.report)
        if note:
            [shown] = notes(ran.report)
            assert shown.startswith(f"{CONFIG}:3:3 the accepted Gap {note}")
    assert (
        scan(repository, start + entry % ("x", "9999-12-31", ""), ".", "--candidates").report["notes"] == []
    )
    missing = scan(repository, start + entry % ("nowhere.yaml", "9999-12-31", ""), "nowhere.yaml")
    assert (missing.code, missing.report["gaps"][0]["accepted"]["ticket"]) == (0, "SEC-9")
    table = repository.run("scan", "nowhere.yaml").out
    assert "      accepted until 9999-12-31: made by a tool\n" in table
    assert "gaps       1  1 accepted\n" in table


def test_where_it_counts(repository: Repository, tmp_path: Path) -> None:
    config = "select: [remote-access]\n"
    repository.put(f"lab/{CONFIG}", config)
    ran = scan(repository, None, ".", below="lab")
    assert ran.code == 1
    what = "is not at the root of a git repository, so it does not count; name it with --config"
    said = f"Note: {CONFIG} {what}\n"
    assert ran.err == said
    assert scan(repository, None, ".", "--config", CONFIG, below="lab").code == 0
    assert scan(repository, None, ".", "--config", f"lab/{CONFIG}").code == 0
    assert scan(repository, config, ".", below="lab").code == 0
    assert scan(repository, config, str(repository.folder), "--no-config").code == 1
    (tmp_path / CONFIG).write_text(config)
    outside = smguard("scan", "work", cwd=tmp_path)
    assert (outside.code, outside.err) == (1, said)


def test_an_empty_one_says_nothing(repository: Repository) -> None:
    plain = scan(repository, None, ".", "--no-config").report
    for text in ("", "# select: [vpc-config]\n\n", "{}\n"):
        ran = scan(repository, text)
        assert (ran.err, ran.report["findings"]) == ("", plain["findings"])


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("selct: [a]\n", ":1:1: selct: unknown key\n  did you mean select?"),
        ("strict: true\nfoo: 1\n", ":2:1: foo: unknown key\n  known: select, ignore"),
        (
            "paths:\n- files: [a]\n  selected: [b]\n",
            "3: paths.0.selected: unknown key\n  did you mean select?",
        ),
        ("paths:\n- select: [vpc-config]\n", ":2:3: paths.0.files: is missing"),
        ("paths: [{files: []}]\n", ":1:10: paths.0.files: is empty"),
        ("fail-on: hgh\n", ":1:1: fail-on: 'hgh' is none of low, medium"),
        ("strict: maybe\n", ":1:1: strict: must be true or false"),
        ("area:\n- access\n- safety\n", ":3:3: area.1: 'safety' is none of"),
        ("ignore: vpc-config\n", ":1:1: ignore: must be a list"),
        ("ignore:\n", ":1:1: ignore: must be a list"),
        ("- a\n", ": must be a mapping"),
        ("select: [vpc]\n", ":1:10: unknown control 'vpc'\n  known: ai-services-opt-out"),
        ("ignore: [vpc-config, nope]\n", ":1:22: unknown control 'nope'"),
        ("severities:\n  vpc-cfg: low\n", ":2:3: unknown control 'vpc-cfg'"),
        ("paths:\n- {files: [a], ignore: [nope]}\n", ":2:25: unknown control 'nope'"),
        ("control-parameters: {nope: {}}\n", ":1:22: unknown control 'nope'"),
        (
            "control-parameters:\n  volume-kms-key: {a: 1}\n",
            ":2:20: volume-kms-key has no parameter 'a'\n  it has none",
        ),
        (
            "control-parameters:\n  endpoint-multiple-instances:\n    minimum-instances: 0\n",
            ":3:5: minimum-instances of endpoint-multiple-instances is 0, must be at least 1\n",
        ),
        (
            "control-parameters: {customer-managed-kms-key: {allowed-keys: ['a b']}}\n",
            ":1:49: allowed-keys of customer-managed-kms-key has an item that does not have the form",
        ),
        (
            "accepted-gaps:\n- {where: a, reason: b, expires: 2027-02-30}\n",
            ":2:25: expires is 2027-02-30, which is no day of the calendar",
        ),
        (
            "accepted-gaps:\n- {where: a, reason: b, expires: soon}\n",
            ":2:25: accepted-gaps.0.expires: does not match",
        ),
        (
            "accepted-gaps:\n- {where: a, expires: 2027-02-01}\n",
            ":2:3: accepted-gaps.0.reason: is missing",
        ),
        ("strict: true\nstrict: false\n", ":2: the key strict stands more than once"),
        ("select: [\n", ":2:1: the configuration can't be read: "),
        ("select: !Ref x\n", ":1:1: select: must be a list"),
        ("area: [nowhere]\n", ":1:8: area.0: 'nowhere' is none of"),
        ("framework: [nowhere]\n", "unknown framework 'nowhere'"),
        ("\x1b]0;x\x07: 1\n", "the configuration can't be read"),
        ('"\\e[31m": 1\n', ":1:1: \\x1b[31m: unknown key"),
    ],
)
def test_faults_are_told_with_their_place(repository: Repository, config: str, said: str) -> None:
    ran = scan(repository, config)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert ran.err.startswith(f"Error: {CONFIG}") or "framework" in config
    assert "\x1b" not in ran.err


def test_one_that_can_not_be_read(repository: Repository) -> None:
    os.mkfifo(repository.folder / "pipe")
    for name, what in (
        ("nowhere", "No such file or directory"),
        ("lab", "is a directory"),
        ("pipe", "a FIFO"),
    ):
        ran = scan(repository, None, ".", "--config", name)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err.startswith(f"Error: {name}: the configuration can't be read: ")
        assert what in ran.err


SCHEMA = json.loads((ROOT / "docs" / "smguard.schema.json").read_text())
WORDS = st.sampled_from(["a", "", "high", "access", "2027-01-31", "vpc-config", "x y"])
PLAIN = st.recursive(
    st.one_of(WORDS, st.booleans(), st.integers(0, 2), st.none()),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)
GAP = st.fixed_dictionaries({}, optional=dict.fromkeys(["where", "what", "reason", "expires", "odd"], PLAIN))
PATH = st.fixed_dictionaries({}, optional=dict.fromkeys(["files", "select", "severities", "odd"], PLAIN))
BODY = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys([*SCHEMA["properties"], "odd"], PLAIN),
        "accepted-gaps": st.lists(GAP, max_size=2) | PLAIN,
        "paths": st.lists(PATH, max_size=2) | PLAIN,
        "fail-on": WORDS,
        "severities": st.dictionaries(WORDS, WORDS, max_size=2),
    },
)


@settings(max_examples=400)
@given(BODY)
def test_the_evaluator_accepts_what_jsonschema_accepts(body: Any) -> None:
    assert _accepts(_schema(), body, _schema()["$defs"]) == Draft202012Validator(SCHEMA).is_valid(body)


def test_the_schema_is_sound_and_shipped() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    shipped = Path(installed(), "scanner", "data", "configuration.json")
    assert json.loads(shipped.read_text()) == SCHEMA


def test_a_sound_file_loads_nothing_that_it_does_not_use(repository: Repository) -> None:
    repository.put(CONFIG, "select: [vpc-config]\nseverities: {vpc-config: low}\nfail-on: high\n")
    code = "import sys, scanner.cli\ntry: scanner.cli.main()\nexcept SystemExit: pass\nprint(*sys.modules)"
    environment = {**CALM, "PYTHONPATH": installed()}
    command = [sys.executable, "-P", "-c", code, "scan", "a.yaml"]
    done = subprocess.run(
        command, cwd=repository.folder, env=environment, capture_output=True, text=True, check=True
    )
    modules = set(done.stdout.split("\n")[-2].split())
    assert "scanner.config" in modules
    assert not modules & {
        "jsonschema",
        "subprocess",
        "difflib",
        "fnmatch",
        "scanner.acceptance",
        "scanner.path_setting",
    }
    assert not modules & {"scanner.baseline", "scanner.change", "scanner.suppression", "scanner.notation"}


def test_the_page_names_every_key_and_its_examples_are_accepted(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for key in SCHEMA["properties"]:
        assert f"`{key}`" in page, key
    for number, text in enumerate(re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)):
        repository = Repository(tmp_path / str(number))
        repository.put("a.yaml", notebooks("A"))
        repository.put("policy/waivers.yaml", "waivers: []\n")
        repository.put("policy/controls/own.yaml", OWN)
        repository.put(".smguard-baseline.json", '{"schema_version": 1, "kind": "baseline", "findings": []}')
        ran = scan(repository, text)
        assert ran.code == 1, ran.err


def test_fixes_are_those_that_the_file_asks_for(repository: Repository) -> None:
    repository.put("sandbox/a.yaml", notebooks("S"))
    repository.put("a.yaml", notebooks("A"))
    config = (
        "select: [notebook-root-access]\nexclude: [lab/]\n"
        "paths: [{files: [sandbox/], ignore: [notebook-root-access]}]\n"
    )
    repository.put(CONFIG, config)
    assert repository.run("fix", ".", "--write").code == 0
    assert "RootAccess: Disabled" in (repository.folder / "a.yaml").read_text()
    assert (repository.folder / "sandbox/a.yaml").read_text() == notebooks("S")
    assert (repository.folder / "lab/b.yaml").read_text() == notebooks("B")
    assert repository.run("scan", ".").code == 0
