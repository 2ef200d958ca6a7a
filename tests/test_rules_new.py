"""`smguard rules new`: what it writes is sound at once, and nothing is ever overwritten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner import catalog, rulepack, rulepack_check, scaffold
from scanner.example import check_examples
from tests.door import called as smguard

FULL = catalog.load()
KINDS = {kind: tree for kind, tree in catalog.property_kinds()["kinds"].items() if kind in FULL.types}


def new(folder: Path, *words: str) -> Any:
    return smguard("rules", "new", *words, cwd=folder)


def test_what_is_written(tmp_path: Path) -> None:
    words = ("root", "--type", "NotebookInstance", "--requires", "RootAccess=Disabled", "--area", "access")
    ran = new(tmp_path, *words, "--severity", "high")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == (
        "Wrote my-controls/root.yaml. Fill in what is marked TODO, then:\n\n"
        "  smguard rules check my-controls\n  smguard scan . --rules my-controls\n"
    )
    kind = "AWS::SageMaker::NotebookInstance"
    either = {"Fn::If": ["IsGiven", "Disabled", {"Ref": "AWS::NoValue"}]}
    assert yaml.safe_load((tmp_path / "my-controls" / "root.yaml").read_text()) == {
        "id": "root",
        "title": "TODO what holds where the control passes",
        "area": "access",
        "severity": "high",
        "rationale": "TODO what can go wrong without it\n",
        "remediation": 'TODO what to do; say "recreate" where AWS can\'t update it\n',
        "resources": {kind: {"places": [{"requires": {"RootAccess": {"const": "Disabled"}}}]}},
        "examples": {
            "fail": [
                {"about": "NotebookInstance without RootAccess", "resource": {"Type": kind}},
                {
                    "about": "NotebookInstance with another RootAccess",
                    "resource": {"Type": kind, "Properties": {"RootAccess": "Enabled"}},
                },
            ],
            "pass": [
                {
                    "about": "NotebookInstance as asked for",
                    "resource": {"Type": kind, "Properties": {"RootAccess": "Disabled"}},
                }
            ],
            "unknown": [
                {
                    "about": "NotebookInstance where a parameter decides on RootAccess",
                    "template": {
                        "Parameters": {"Given": {"Type": "String"}},
                        "Conditions": {"IsGiven": {"Fn::Equals": [{"Ref": "Given"}, "yes"]}},
                        "Resources": {"Example": {"Type": kind, "Properties": {"RootAccess": either}}},
                    },
                }
            ],
        },
    }


def test_what_is_written_is_sound_and_scans(tmp_path: Path) -> None:
    for words in (
        ("todo", "--type", "Model"),
        (
            "two-types",
            "--type",
            "Model",
            "--type",
            "AWS::SageMaker::TrainingJob",
            "--requires",
            "VpcConfig.Subnets",
        ),
        ("nested", "--type", "endpointconfig", "--requires", "ProductionVariants.EnableSSMAccess=false"),
        ("items", "--type", "Domain", "--requires", "SubnetIds[]=subnet-1", "--requires", "Tags"),
        ("number", "--type", "TrainingJob", "--requires", "StoppingCondition.MaxRuntimeInSeconds=3600"),
        ("map", "--type", "TrainingJob", "--requires", "Environment.Stage=x"),
    ):
        assert new(tmp_path, *words, "--dir", "own").code == 0
    checked = smguard("rules", "check", "own", cwd=tmp_path)
    assert checked.code == 0
    assert checked.out.startswith("6 controls and their 26 examples are sound.\nStill TODO in items: title, ")
    places = yaml.safe_load((tmp_path / "own" / "nested.yaml").read_text())["resources"]
    assert places["AWS::SageMaker::EndpointConfig"]["places"] == [
        {"requires": {"ProductionVariants[].EnableSSMAccess": {"const": False}}}
    ]
    assert "It has Containers, EnableNetworkIsolation" in (tmp_path / "own" / "todo.yaml").read_text()
    template = "Resources: {M: {Type: 'AWS::SageMaker::Model', Properties: {ModelName: m}}}"
    (tmp_path / "t.yaml").write_text(template)
    report = smguard(
        "scan", "t.yaml", "--rules", "own", "--select", "todo", "-f", "json", cwd=tmp_path
    ).report
    assert [each["message"] for each in report["findings"]] == ["Tags is missing"]


def test_a_type_of_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "_types.yaml").write_text("types: {'AWS::SQS::Queue': }\n")
    (own / "_kinds.json").write_text('{"kinds": {"AWS::SQS::Queue": {"QueueName": "s"}}}')
    assert new(tmp_path, "name", "--type", "Queue", "--requires", "QueueName", "--dir", "own").code == 0
    assert smguard("rules", "check", "own", cwd=tmp_path).code == 0
    (tmp_path / "t.yaml").write_text("Resources: {B: {Type: 'AWS::SQS::Queue'}}")
    assert smguard("scan", "t.yaml", "--rules", "own", cwd=tmp_path).code == 1
    for broken in ("[", "{}", "[]", '{"kinds": 1}', '{"kinds": {}, "cloudformation-only": 1}'):
        (own / "_kinds.json").write_text(broken)
        checked = smguard("rules", "check", "own", cwd=tmp_path)
        assert checked.code == 1
        assert '_kinds.json: must be JSON like {"kinds": {"AWS::S3::Bucket"' in checked.out


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["x"], "Missing option '--type'"),
        (["Bad_Id", "--type", "Model"], "'Bad_Id' can't be an id"),
        (["x" * 65, "--type", "Model"], "can't be an id"),
        (["../x", "--type", "Model"], "can't be an id"),
        (["volume-kms-key", "--type", "Model"], "there is a control volume-kms-key already"),
        (["taken", "--type", "Model"], "there is a control taken already"),
        (["x", "--type", "Modell"], "did you mean AWS::SageMaker::Model "),
        (["x", "--type", "Zzz"], "known: AWS::CloudTrail::Trail"),
        (["x", "--type", "Model", "--requires", "KmsKeyId"], "it has Containers, EnableNetworkIsolation"),
        (
            ["x", "--type", "TrainingJob", "--requires", "VolumeKmsKeyId"],
            "did you mean ResourceConfig.VolumeKmsKeyId?",
        ),
        (["x", "--type", "NotebookInstance", "--requires", "RootAcess"], "did you mean RootAccess?"),
        (
            ["x", "--type", "NotebookInstance", "--requires", "RootAccess=off"],
            "it is one of Disabled, Enabled",
        ),
        (["x", "--type", "NotebookInstance", "--requires", "VolumeSizeInGB=big"], "it is a number"),
        (["x", "--type", "Model", "--requires", "EnableNetworkIsolation=1"], "it is true or false"),
        (["x", "--type", "Model", "--requires", "ModelName="], "it is a text"),
        (["x", "--type", "Model", "--requires", "VpcConfig=a"], "name a property inside it"),
        (["x", "--type", "Model", "--requires", "VpcConfig.Subnets=a"], "add [] to ask it of every item"),
        (
            ["x", "--type", "Model", "--requires", "ModelName[]"],
            "ModelName of AWS::SageMaker::Model is no list",
        ),
        (["x", "--type", "Model", "--requires", "Containers[]?.Image"], "leave out the ?"),
        (["x", "--type", "Model", "--requires", "a b"], "is no property path"),
        (
            ["x", "--type", "Model", "--requires", "ModelName=a", "--requires", "ModelName=b"],
            "more than once",
        ),
        (["x", "--type", "Model", "--dir", "file"], "file/x.yaml can't be written: "),
    ],
)
def test_complaints(tmp_path: Path, words: list[str], complaint: str) -> None:
    (tmp_path / "file").touch()
    assert new(tmp_path, "taken", "--type", "Model").code == 0
    before = (tmp_path / "my-controls" / "taken.yaml").read_text()
    ran = new(tmp_path, *words)
    assert (ran.code, ran.out) == (2, "")
    assert complaint in ran.err
    assert [path.name for path in (tmp_path / "my-controls").iterdir()] == ["taken.yaml"]
    assert (tmp_path / "my-controls" / "taken.yaml").read_text() == before


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_property_of_any_type_gives_a_sound_control(tmp_path: Path, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    paths = sorted(scaffold.property_paths(KINDS[kind]))
    asked = data.draw(st.lists(st.sampled_from(paths), max_size=3, unique=True))
    texts = []
    for demand in scaffold.read_demands(asked, kind, KINDS[kind]):
        values = {"b": ["true", "false"], "i": ["0", "-3"], "f": ["0.5", "7"], "s": ["1", "a: b", "'", "#"]}
        if isinstance(demand.kind, str) and data.draw(st.booleans()):
            members = values.get(demand.kind) or demand.kind[2:].split("|")
            texts.append(f"{demand.name}={data.draw(st.sampled_from(members))}")
        else:
            texts.append(demand.name)
    demands = {kind: scaffold.read_demands(texts, kind, KINDS[kind])}
    (tmp_path / "any.yaml").write_text(scaffold.write_control("any", None, "low", demands, KINDS))
    assert rulepack_check.check(str(tmp_path), catalog.base(FULL)) == []
    examples = rulepack.examples(rulepack.read(str(tmp_path)))
    assert list(check_examples(catalog.add(FULL, str(tmp_path)), examples)) == []
