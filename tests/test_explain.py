"""`smguard explain`, and the words in which `rules show` says what is asked for."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.door import ROOT, Ran
from tests.door import called as smguard

NOTEBOOK = """\
Parameters:
  Env: {Type: String, AllowedValues: [dev, prod]}
  Key: {Type: String}
Conditions:
  IsProd: !Equals [!Ref Env, prod]
Resources:
  Notebook:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      RootAccess: !If [IsProd, Enabled, Disabled]
      DirectInternetAccess: Enabled
      KmsKeyId: alias/ml
      SubnetId: subnet-1
      SecurityGroupIds: [sg-1]
      InstanceMetadataServiceConfiguration: {MinimumInstanceMetadataServiceVersion: "2"}
"""
IN_90_DAYS = (datetime.now(UTC).date() + timedelta(days=90)).isoformat()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "notebook.yaml").write_text(NOTEBOOK)
    return tmp_path


def explain(folder: Path, *words: str) -> Ran:
    return smguard("explain", *words, cwd=folder, COLUMNS="80")


def section(text: str, heading: str) -> str:
    """The lines below a heading, up to the next one."""
    found = re.search(rf"^{re.escape(heading)}[^\n]*\n(.*?)(?=^\S|\Z)", text, re.DOTALL | re.MULTILINE)
    assert found is not None, text
    return found[1].rstrip("\n")


def fingerprint(folder: Path, control: str) -> str:
    report = smguard("scan", ".", "-f", "json", cwd=folder).report
    (found,) = [each["fingerprint"] for each in report["findings"] if each["control"] == control]
    return str(found)


def test_a_finding_by_the_place_that_the_report_shows(folder: Path) -> None:
    ran = explain(folder, "notebook.yaml:11:7")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("notebook-direct-internet: Notebook instances have no direct internet access\n")
    assert section(ran.out, "What was found") == (
        "  FAIL Notebook (AWS::SageMaker::NotebookInstance), notebook.yaml:11:7\n"
        "    DirectInternetAccess is 'Enabled', must be 'Disabled'\n"
        "    property: DirectInternetAccess\n"
        f"    fingerprint: {fingerprint(folder, 'notebook-direct-internet')}"
    )
    assert section(ran.out, "What it asks for") == (
        "  AWS::SageMaker::NotebookInstance\n"
        "    DirectInternetAccess must be 'Disabled' (left out, AWS takes 'Enabled')"
    )
    assert section(ran.out, "What stops it") == "  scp/network.json#DenyNotebookDirectInternet"
    assert "Set DirectInternetAccess to Disabled" in section(ran.out, "How to mend")
    assert "security-hub" not in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


def test_an_unknown_says_which_parameters_settle_it(folder: Path) -> None:
    found = section(explain(folder, "notebook-root-access", "notebook.yaml").out, "What was found")
    assert "UNKNOWN Notebook" in found
    assert "fails when Env is 'prod'" in found or "fails when IsProd is true" in found
    assert '--parameters FILE with {"Env": "…"}' in " ".join(found.split())
    (folder / "prod.json").write_text('{"Env": "prod", "Key": "k"}')
    settled = explain(folder, "notebook-root-access", "notebook.yaml", "--parameters", "prod.json")
    assert "FAIL Notebook" in settled.out


@pytest.mark.parametrize(
    ("value", "settled"),
    [
        ("!Ref Key", '--parameters FILE with {"Key": "…"}'),
        ("arn:aws:kms:eu-west-1:111122223333:key/abc", "Name an alias of your own"),
        ("!ImportValue key", "Only what is deployed shows the value."),
        ("'{{resolve:ssm:key}}'", "Only what is deployed shows the value."),
        ("!Ref Stored", "Its value stands in Parameter Store"),
        ("{a: b}", "CloudFormation would refuse it"),
    ],
)
def test_what_settles_a_key(folder: Path, value: str, settled: str) -> None:
    text = NOTEBOOK.replace("alias/ml", value).replace(
        "Parameters:\n",
        "Parameters:\n  Stored: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /key}\n",
    )
    (folder / "notebook.yaml").write_text(text)
    found = section(explain(folder, "customer-managed-kms-key", ".").out, "What was found")
    assert settled in " ".join(found.split())


def test_what_is_judged_elsewhere(folder: Path) -> None:
    endpoint = "Resources: {E: {Type: 'AWS::SageMaker::Endpoint', Properties: {EndpointConfigName: x}}}"
    (folder / "endpoint.yaml").write_text(endpoint)
    assert (
        "It is judged at the resource that is named" in explain(folder, "volume-kms-key", "endpoint.yaml").out
    )


@pytest.mark.no_cover  # hundreds of examples, where a few cover as much
def test_every_unknown_of_the_examples_says_what_settles_it(tmp_path: Path) -> None:
    from scanner import catalog
    from scanner.example import as_template

    given = {}
    for control, by_verdict in catalog.examples().items():
        for number, example in enumerate(by_verdict["unknown"]):
            (tmp_path / f"{control}-{number}.json").write_text(json.dumps(as_template(example)))
            given[control] = example.get("parameters", {})
    config = {"control-parameters": {control: each for control, each in given.items() if each}}
    (tmp_path / "given.yaml").write_text(json.dumps(config))
    options = ("--environment", "--exit-zero", "--config", "given.yaml", "-f", "json", "-o", "report.json")
    assert smguard("scan", ".", *options, cwd=tmp_path).code == 0
    for control in catalog.load().by_id:
        ran = explain(tmp_path, control, "--report", "report.json")
        assert ran.out.count("UNKNOWN ") == ran.out.count("to settle it: ") > 0


def test_a_finding_by_the_start_of_its_fingerprint(folder: Path) -> None:
    whole = fingerprint(folder, "notebook-direct-internet")
    assert explain(folder, whole[:6]).out == explain(folder, "notebook.yaml:11").out
    smguard("scan", ".", "-f", "json", "-o", "report.json", cwd=folder)
    (folder / "notebook.yaml").unlink()
    assert f"fingerprint: {whole}" in explain(folder, whole, "--report", "report.json").out


def test_an_ambiguous_fingerprint(folder: Path) -> None:
    report = smguard("scan", ".", "-f", "json", cwd=folder).report
    for number, finding in enumerate(report["findings"]):
        finding["fingerprint"] = f"abcdef{number:026}"
    (folder / "report.json").write_text(json.dumps(report))
    ran = explain(folder, "abcdef", "--report", "report.json")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Error: abcdef is the start of several fingerprints\n  abcdef000000 ")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["volume-kms-kee"], "did you mean volume-kms-key"),
        (["abc12"], "unknown control 'abc12'"),
        (["abc123"], "no finding has a fingerprint that starts with abc123"),
        (["notebook.yaml:3"], "findings are at 10, 11; those that other files decide need the PATHs"),
        (["missing.yaml:3"], "not everything could be looked at"),
        (["volume-kms-key", ".", "--report", "r.json"], "not both"),
        (["volume-kms-key", "--report", "r.json"], "r.json: the report can't be read: No such file"),
        (["volume-kms-key", "--report", "notebook.yaml"], "notebook.yaml:1:1: is not JSON"),
        (["volume-kms-key", "--report", "list.json"], "list.json:1:63: is no report of smguard"),
        ([], "Missing argument"),
    ],
)
def test_complaints(folder: Path, words: list[str], complaint: str) -> None:
    (folder / "list.json").write_text('{"findings": [{"verdict": "fail", "control": "volume-kms-key"}]}')
    ran = explain(folder, *words)
    assert (ran.code, ran.out) == (2, "")
    assert complaint in ran.err


def test_a_control_without_findings_there(folder: Path) -> None:
    ran = explain(folder, "volume-kms-key", ".")
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "Nothing of it was found there.")
    (folder / "broken.yaml").write_text("Resources: [AWS::SageMaker\n")
    ran = explain(folder, "volume-kms-key", ".")
    assert (ran.code, "Not everything could be looked at" in ran.out) == (3, True)


def test_the_waivers_it_shows_waive_the_finding(folder: Path) -> None:
    text = explain(folder, "notebook.yaml:11").out
    shown = section(text, "How to waive")
    inline, _, central = shown.partition("  or in the file")
    metadata = "".join(f"{line}\n" for line in inline.splitlines()[1:])
    central = "".join(f"{line}\n" for line in central.splitlines()[1:])
    assert yaml.safe_load(central)["waivers"][0]["expires"].isoformat() == IN_90_DAYS
    (folder / "waivers.yaml").write_text(central)
    control = ("--select", "notebook-direct-internet")
    report = smguard("scan", ".", *control, "-f", "json", "--waivers", "waivers.yaml", cwd=folder).report
    assert (report["summary"]["waived"], report["summary"]["fail"], report["notes"]) == (1, 0, [])
    (folder / "notebook.yaml").write_text(
        NOTEBOOK.replace("    Properties:\n", metadata + "    Properties:\n")
    )
    report = smguard("scan", ".", *control, "-f", "json", cwd=folder).report
    assert (report["summary"]["waived"], report["summary"]["fail"]) == (1, 0)
    assert "waived until " in explain(folder, "notebook-direct-internet", ".").out


def test_the_waiver_of_a_json_template(folder: Path) -> None:
    body = {"Type": "AWS::SageMaker::NotebookInstance", "Properties": {"DirectInternetAccess": "Enabled"}}
    (folder / "t.json").write_text(json.dumps({"Resources": {"N": body}}))
    shown = section(explain(folder, "notebook-direct-internet", "t.json").out, "How to waive")
    (line,) = [line for line in shown.splitlines() if '"Metadata"' in line]
    metadata = json.loads("{" + line.strip().rstrip(",") + "}")
    (folder / "t.json").write_text(json.dumps({"Resources": {"N": {**body, **metadata}}}))
    control = ("--select", "notebook-direct-internet")
    assert smguard("scan", "t.json", *control, "-f", "json", cwd=folder).report["summary"]["waived"] == 1


def test_the_waiver_of_code(folder: Path) -> None:
    code = "import boto3\n{}boto3.client('sagemaker').create_model(ModelName='m', ExecutionRoleArn='r')\n"
    (folder / "make.py").write_text(code.format(""))
    said = explain(folder, "vpc-config", "make.py").out
    assert "    in the SageMaker SDK: Model(vpc_config=…) or " in said
    shown = section(said, "How to waive")
    (comment,) = [line.strip() for line in shown.splitlines() if "# smguard" in line]
    assert "Metadata" not in shown
    (folder / "make.py").write_text(code.format(f"{comment}\n"))
    control = ("--select", "vpc-config")
    assert smguard("scan", "make.py", *control, "-f", "json", cwd=folder).report["summary"]["waived"] == 1


def test_a_finding_in_an_account_has_no_place_for_a_waiver(folder: Path) -> None:
    report = smguard("scan", ".", "-f", "json", cwd=folder).report
    for finding in report["findings"]:
        finding["location"] |= {"file": None, "line": None, "column": None, "arn": "arn:aws:sagemaker:x"}
    (folder / "audit.json").write_text(json.dumps(report))
    text = explain(folder, "notebook-direct-internet", "--report", "audit.json").out
    shown = section(text, "How to waive")
    assert shown.splitlines()[0].strip() == "In the file that you give with --waivers:"
    assert yaml.safe_load(shown.partition("\n")[2])["waivers"][0]["control"] == "notebook-direct-internet"


def test_a_control_that_can_not_be_waived_and_names_a_policy(folder: Path) -> None:
    control = yaml.safe_load((ROOT / "rules/access/notebook-root-access.yaml").read_text())
    control |= {
        "id": "strict",
        "number": 500,
        "waivable": False,
        "prevent": ["scp/access.json#DenyRoot"],
        "retired": True,
    }
    (folder / "own").mkdir()
    (folder / "own" / "strict.yaml").write_text(yaml.safe_dump(control))
    for words in (("explain", "strict"), ("rules", "show", "strict")):
        text = smguard(*words, "--rules", "own", cwd=folder).out
        assert "high severity, area access; retired: it judges nothing any more; can't be waived" in text
        assert section(text, "What stops it") == "  scp/access.json#DenyRoot"
    assert section(explain(folder, "strict", "--rules", "own").out, "How to waive") == "  It can't be waived."


def test_hostile_names_are_inert_and_still_waived(folder: Path) -> None:
    name = "No\x1b[2Jte\u202e*::error"
    body = {"Type": "AWS::SageMaker::NotebookInstance", "Properties": {"DirectInternetAccess": "Enabled"}}
    (folder / "a\x1b.yaml").write_text(json.dumps({"Resources": {name: body}}))
    text = explain(folder, "notebook-direct-internet", "a\x1b.yaml").out
    assert "\x1b" not in text
    assert "\u202e" not in text
    central = section(text, "How to waive").partition("  or in the file")[2]
    (folder / "waivers.yaml").write_text("".join(f"{line}\n" for line in central.splitlines()[1:]))
    words = ("--select", "notebook-direct-internet", "--waivers", "waivers.yaml", "-f", "json")
    assert smguard("scan", "a\x1b.yaml", *words, cwd=folder).report["summary"]["waived"] == 1


def test_a_hostile_report_is_inert(folder: Path) -> None:
    report = smguard("scan", ".", "-f", "json", cwd=folder).report
    for finding in report["findings"]:
        finding |= {"message": "\x1b]0;x\x07", "condition": "\u202e", "cause": "\x9b"}
        finding["location"] |= {"file": "\0/t.yaml", "path": "\x9b"}
        finding["resource"] |= {"name": "a\nb", "type": "\x1b"}
    (folder / "report.json").write_text(json.dumps(report))
    ran = explain(folder, "notebook-direct-internet", "--report", "report.json")
    assert ran.code == 0
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", ran.out)


def test_many_findings_are_cut(tmp_path: Path) -> None:
    resources = {f"N{number}": {"Type": "AWS::SageMaker::NotebookInstance"} for number in range(30)}
    (tmp_path / "t.json").write_text(json.dumps({"Resources": resources}))
    text = explain(tmp_path, "volume-kms-key", "t.json").out
    assert text.count("  FAIL N") == 20
    assert "… and 10 more" in text


@pytest.mark.parametrize(
    ("control", "kind", "asks"),
    [
        (
            "notebook-root-access",
            "NotebookInstance",
            ["RootAccess must be 'Disabled' (left out, AWS takes 'Enabled')"],
        ),
        ("remote-access", "TrainingJob", ["RemoteDebugConfig.EnableRemoteDebug must be false or left out"]),
        (
            "endpoint-multiple-instances",
            "EndpointConfig",
            [
                "in every item of ProductionVariants: InitialInstanceCount must be at least 2, unless "
                "ServerlessConfig is set or ManagedInstanceScaling is on and has a MinInstanceCount",
                "in every item of ProductionVariants: ManagedInstanceScaling.MinInstanceCount must be at "
                "least 2, if ManagedInstanceScaling is on and has a MinInstanceCount",
            ],
        ),
        ("customer-managed-kms-key", "PartnerApp", ["KmsKeyId, if set, must be a customer managed key"]),
        (
            "volume-kms-key",
            "TrainingJob",
            [
                "in ResourceConfig, if set: VolumeKmsKeyId must be set, unless InstanceType, any "
                "InstanceGroups[].InstanceType or any InstancePreferences[].InstanceType is a type with "
                "local NVMe storage; unknown if InstanceType, any InstanceGroups[].InstanceType or any "
                "InstancePreferences[].InstanceType is a type whose storage no source tells",
                "ResourceConfig must be set; unknown if ServerlessJobConfig is set",
            ],
        ),
        (
            "vpc-config",
            "HyperParameterTuningJob",
            [
                "in TrainingJobDefinition, if set, in VpcConfig: Subnets and SecurityGroupIds must be set",
                "in every item of TrainingJobDefinitions, in VpcConfig: Subnets and SecurityGroupIds "
                "must be set",
            ],
        ),
        (
            "monitoring-schedule",
            "Endpoint",
            [
                "it is enough that any @DataQualityDefinitions[].@Schedules[] is a schedule that runs one of "
                "its data quality definitions or any @InlineSchedules[] is one of data quality that has a "
                "definition of its own, if Tags has an item that has Key that is one of 'environment', "
                "'Environment', 'env', 'Env', 'stage', 'Stage' and has Value that is one of 'production', "
                "'Production', 'prod', 'Prod', 'prd', 'live' and has Key and Value"
            ],
        ),
        ("volume-kms-key", "Endpoint", ["judged at the resource that EndpointConfigName names"]),
    ],
)
def test_what_a_control_asks_for_in_words(tmp_path: Path, control: str, kind: str, asks: list[str]) -> None:
    from scanner import catalog
    from scanner.place_text import describe_rule

    full = catalog.load()
    rule = full.by_id[control].resources[f"AWS::SageMaker::{kind}"]
    assert list(describe_rule(rule, full.values, full.shapes)) == asks
    shown = " ".join(smguard("rules", "show", control, cwd=tmp_path).out.split())
    assert all(text in shown for text in asks)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({}, "must be set"),
        ({"const": 3, "default": 3}, "must be 3 or left out"),
        ({"enum": ["a", True]}, "must be one of 'a', true"),
        ({"not": {"const": "a"}}, "must not be 'a'"),
        ({"not": {"anyOf": [{"const": "a"}, {"pattern": "b"}]}}, "must not be 'a' and must not match b"),
        (
            {"anyOf": [{"minLength": 2}, {"type": "boolean"}]},
            "must have at least 2 characters or must be of type boolean",
        ),
        (
            {"items": {"enum": ["a"]}, "maxItems": 1},
            "must have only items each of which is one of 'a' and must have at most 1 item",
        ),
        (
            {"contains": {"properties": {"Key": {"const": "o"}}, "required": ["Key"]}},
            "must have an item that has Key that is 'o' and has Key",
        ),
        (
            {"properties": {"A": {"not": {"minItems": 2}}}},
            "must have A that does not have at least 2 items, if any",
        ),
        ({"const": {"a": 1}}, 'must be {"a": 1}'),
    ],
)
def test_requirements_in_words(schema: dict[str, object], words: str) -> None:
    from scanner.place_text import describe_rule

    assert list(describe_rule({"places": [{"requires": {"X": schema}}]}, {}, {})) == [f"X {words}"]
