"""Jobs where they are written: pipeline definitions, state machines, requests; findings spelled out."""

# ruff: noqa: E501 - templates are clearer with their lines whole

from __future__ import annotations

import json
import re
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from scanner import catalog
from scanner.requests.pipeline import steps
from scanner.value import Partial, unknown
from tests.door import called, found, gaps, scan

CONTROLS = (
    *("--select", "network-isolation"),
    *("--select", "volume-kms-key"),
    *("--select", "customer-managed-kms-key"),
    *("--select", "inter-container-encryption"),
)
MODEL = '{"Type": "Model", "Name": "Make", "Arguments": {"EnableNetworkIsolation": %s}}'


def machine(state: dict[str, Any]) -> str:
    return json.dumps({"StartAt": "T", "States": {"T": {"Type": "Task", "End": True, **state}}}, indent=1)


def pipeline(*listed: dict[str, Any], **more: Any) -> str:
    return json.dumps({"Version": "2020-12-01", "Steps": list(listed), **more}, indent=1)


def step(kind: str, name: str = "S", **arguments: Any) -> dict[str, Any]:
    return {"Type": kind, "Name": name, "Arguments": arguments}


class Case(NamedTuple):
    """A file, what is found in it as `found` words it, and its Gaps as "line:column what"."""

    name: str
    text: str
    found: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    """What the messages and conditions of the findings speak of, in their order."""
    notes: tuple[str, ...] = ()


ISOLATED = {"EnableNetworkIsolation": True}
CREATE_MODEL = "arn:aws:states:::sagemaker:createModel"
DEFINITIONS = [
    Case(
        "every-step.json",
        pipeline(
            step("Training", "A", EnableNetworkIsolation=True),
            step("Processing", "B"),
            step("QualityCheck", "C"),
            step("ClarifyCheck", "D", NetworkConfig={"EnableNetworkIsolation": True}),
            step("Model", "E"),
            step("Tuning", "F", TrainingJobDefinition={}),
            step("RegisterModel", "G"),
            step("AutoML", "H"),
            step("EndpointConfig", "I", ProductionVariants=[{"InstanceType": "ml.m5.large"}]),
            step("NotebookJob", "J"),
            *(step(kind, kind) for kind in ("Callback", "Lambda", "EMR", "EMRServerless", "Fail", "Lineage")),
        ),
        (
            "volume-kms-key A 7:4",
            "network-isolation B 14:4",
            "volume-kms-key B 14:4",
            "network-isolation C 19:4",
            "volume-kms-key C 19:4",
            "volume-kms-key D 24:4",
            "network-isolation E 33:4",
            "inter-container-encryption H 50:4",
            "volume-kms-key H 50:4",
            "network-isolation I 55:4",
            "volume-kms-key I 55:4",
            "network-isolation J 66:4",
            "volume-kms-key J 66:4",
        ),
    ),
    Case(
        "nested.json",
        pipeline(
            {
                **step("Condition", "If", Conditions=[{"Type": "Equals", "LeftValue": 1, "RightValue": 1}]),
                "Arguments": {
                    "IfSteps": [step("Condition", "Again", ElseSteps=[step("Model", "Deep")])],
                    "ElseSteps": [step("ForEach", "All", ForEachBody=[step("Model", "Each")])],
                },
            }
        ),
        ("network-isolation Deep 17:10", "network-isolation Each 32:10"),
    ),
    Case(
        "parameters.json",
        pipeline(
            step("Model", "Default", EnableNetworkIsolation={"Get": "Parameters.Off"}),
            step("Model", "Any", EnableNetworkIsolation={"Get": "Parameters.Free"}),
            step("Model", "Listed", EnableNetworkIsolation={"Get": "Parameters.True"}),
            step("Model", "Lost", EnableNetworkIsolation={"Get": "Parameters.Lost"}),
            Parameters=[
                {"Name": "Off", "Type": "Boolean", "DefaultValue": False},
                {"Name": "Free", "Type": "Boolean"},
                {"Name": "True", "Type": "String", "DefaultValue": "true", "EnumValues": ["true", "True"]},
            ],
        ),
        (
            "network-isolation Default 8:5",
            "unknown network-isolation Any 17:5",
            "unknown network-isolation Lost 35:5",
        ),
        causes=("passes when Off is 'true'", "fails when Free is 'false'", "undeclared pipeline parameter Lost"),
    ),
    Case(
        "expressions.json",
        pipeline(
            step(
                "Training",
                "Keys",
                EnableNetworkIsolation=True,
                OutputDataConfig={"KmsKeyId": {"Std:Join": {"On": "/", "Values": ["alias", "aws", "s3"]}}},
                ResourceConfig={
                    "InstanceType": "ml.m5.large",
                    "InstanceCount": {"Get": "Steps.Other.Count"},
                    "VolumeKmsKeyId": {"Std:JsonGet": {"PropertyFile": {"Get": "x"}, "Path": "kms.key"}},
                },
            ),
            step("Model", "Odd", EnableNetworkIsolation={"Std:New": 1}),
            step("Model", "Whole", EnableNetworkIsolation={"Ref": "AWS::NoValue"}),
        ),
        (
            "unknown customer-managed-kms-key Keys 26:6",
            "customer-managed-kms-key Keys 10:6",
            "unknown inter-container-encryption Keys 7:4",
            "unknown network-isolation Odd 41:5",
            "unknown network-isolation Whole 50:5",
        ),
        causes=("Std:JsonGet kms.key", "alias/aws/s3", "Get Steps.Other.Count", "Std:New", "key Ref"),
    ),
    Case(
        "joined.json",
        pipeline(
            step("Transform", "Batch", ModelName={"Get": "Steps.Make.ModelName"}),
            step("Transform", "Named", ModelName="mine"),
            step("Transform", "Elsewhere", ModelName={"Get": "Parameters.Model"}),
            step("Model", "Make", EnableNetworkIsolation=True, ModelName="mine"),
            Parameters=[{"Name": "Model"}],
        ),
        (
            "volume-kms-key Batch 7:4",
            "volume-kms-key Named 16:4",
            "unknown network-isolation Elsewhere 24:5",
            "volume-kms-key Elsewhere 23:4",
        ),
    ),
    Case(
        "components.json",
        pipeline(
            step("InferenceComponent", "Here", EndpointName={"Get": "Steps.Serve.EndpointName"}, Specification={"ModelName": "m"}),
            step("InferenceComponent", "There", EndpointName="there", Specification={"ModelName": "m"}),
            step("Endpoint", "Serve", EndpointConfigName={"Get": "Steps.Config.EndpointConfigName"}),
            step("EndpointConfig", "Config", EnableNetworkIsolation=True, KmsKeyId="alias/own", ProductionVariants=[{"InstanceType": "ml.m5.large"}]),
        ),
        ("unknown network-isolation There 20:5",),
    ),
    Case(
        "misshapen.json",
        pipeline(
            step("Novel", "New"),
            {"Name": "Nothing"},
            {"Type": "Model", "Name": "Listed", "Arguments": []},
            {"Type": "Model", "Name": "Text", "Arguments": "${All}"},
            {"Type": "Model", "Name": "Bare"},
            {"Type": "Model", "Name": "Bare"},
            "text",
        ),
        (
            "unknown network-isolation Text 20:4",
            "network-isolation Bare 23:4",
            "network-isolation Bare (2) 27:4",
        ),
        (
            "5:4 the step New is of the type Novel, which is not known here",
            "9:3 a step of the pipeline has no plain name and type",
            "15:4 the request of Listed is no mapping",
            "30:3 a step of the pipeline has no plain name and type",
        ),
        causes=("the substitution All", "is missing", "is missing"),
    ),
    Case("no-steps.json", '{"Version": "2020-12-01", "Steps": {}}', gaps=("1:2 the pipeline's definition has no list of steps",)),
    Case(
        "twice.json",
        '{"Version": "2020-12-01", "Steps": [' + MODEL % "true" + ',\n{"Type": "Model", "Name": "Twice",'
        ' "Arguments": {"EnableNetworkIsolation": true,\n "EnableNetworkIsolation": false}}]}',
        ("network-isolation Twice 2:50",),
        ("2 the key EnableNetworkIsolation stands more than once, on lines 2 and 3: each value is judged",),
    ),
    Case(
        "machine.asl.json",
        json.dumps(
            {
                "StartAt": "Fan",
                "States": {
                    "Fan": {
                        "Type": "Parallel",
                        "Branches": [
                            {"States": {"Sync": {"Resource": f"{CREATE_MODEL}.sync:2", "Parameters": {}}}},
                            {"States": {"Map": {"ItemProcessor": {"States": {"Inner": {
                                "Resource": "arn:aws-cn:states:::aws-sdk:sagemaker:createProcessingJob",
                                "Parameters": {"NetworkConfig.$": "$.net"}}}}}}},
                            {"States": {"Old": {"Iterator": {"States": {"Token": {
                                "Resource": "arn:aws-us-gov:states:::sagemaker:createModel.waitForTaskToken",
                                "Parameters": {"EnableNetworkIsolation.$": "$.on", "EnableNetworkIsolation": True}}}}}}},
                        ],
                    },
                    "Data": {"Resource": CREATE_MODEL, "Arguments": {"EnableNetworkIsolation": "{% $on %}"}},
                    "Whole": {"Resource": CREATE_MODEL, "Arguments": "{% $request %}"},
                    "Input": {"Resource": CREATE_MODEL},
                    "Plain": {"Resource": CREATE_MODEL, "Parameters": {"EnableNetworkIsolation": "true"}},
                    "Other": {"Resource": "arn:aws:states:::lambda:invoke", "Parameters": {}},
                    "Domain": {"Resource": "arn:aws:states:::aws-sdk:sagemaker:createHub", "Parameters": {}},
                },
            },
            indent=1,
        ),
        (
            "network-isolation Sync 11:8",
            "unknown network-isolation Inner 23:12",
            "volume-kms-key Inner 22:11",
            "unknown network-isolation Token 39:12",
            "unknown network-isolation Data 53:5",
            "unknown network-isolation Whole 58:4",
            "unknown network-isolation Input 61:4",
        ),
        causes=("is missing", "$.net", "is missing", "$.on", "{% $on %}", "{% $request %}", "the input of the state"),
    ),
    Case(
        "states.json",
        '{"StartAt": "A", "States": {"A": 1, "B": {"Branches": [{"States": 5}]},'
        ' "C": {"Resource": "arn:aws:states:::sagemaker:createModel", "Parameters": 7}}}',
        gaps=(
            "1:29 the state A is no mapping",
            "1:56 the state machine has no mapping of states",
            "1:133 the request of C is no mapping",
        ),
    ),
    Case(
        "holes.asl.json",
        machine({"Resource": CREATE_MODEL, "Parameters": {"EnableNetworkIsolation": "${Isolated}"}}),
        ("unknown network-isolation T 9:5",),
        causes=("the substitution Isolated",),
    ),
    Case("cut-off.json", '{"Version": "2020-12-01"', gaps=(
        "2:1 did not find expected ',' or '}' while parsing a flow mapping that begins in line 1",)),
    Case("create-model.json", '{"ModelName": "m", "PrimaryContainer": {}}', ("network-isolation m 1:2",)),
    Case("my_CreateTransformJob.json", '{"TransformJobName": "t", "ModelName": "x", "TransformResources": {}}',
         ("unknown network-isolation t 1:27", "volume-kms-key t 1:45")),
    Case("create-pipeline.json", json.dumps({"PipelineName": "p", "PipelineDefinition": pipeline(step("Model"))}),
         ("network-isolation p/S 1:23",)),
]  # fmt: skip


def template(body: str, **parameters: Any) -> str:
    """A template; the lines of `body` begin at line 6."""
    head = f"AWSTemplateFormatVersion: '2010-09-09'\nParameters: {json.dumps(parameters)}\n"
    return (
        head
        + "Conditions: {Prod: !Equals [!Ref Stage, prod]}\n\nResources:\n"
        + textwrap.indent(textwrap.dedent(body), "  ")
    )


STAGE = {"Stage": {"Type": "String", "Default": "dev"}}
TEMPLATES = [
    Case(
        "block.yaml",
        template(
            """\
              Pipe:
                Type: AWS::SageMaker::Pipeline
                Properties:
                  PipelineDefinition:
                    PipelineDefinitionBody: !Sub |
                      {
                        "Version": "2020-12-01",
                        "Steps": [
                          {"Name": "Make", "Type": "Model", "Arguments": {
                            "EnableNetworkIsolation": ${On}
                          }},
                          {"Name": "Literal", "Type": "Model", "Arguments": {
                            "EnableNetworkIsolation": "${!On}"
                          }}
                        ]
                      }
            """,
            On={"Type": "String", "Default": "true"},
            **STAGE,
        ),
        ("unknown network-isolation Pipe/Make 15:17", "network-isolation Pipe/Literal 18:17"),
        causes=("fails when On is", "must be true"),
    ),
    Case(
        "long-form.yaml",
        template(
            """\
              Pipe:
                Type: AWS::SageMaker::Pipeline
                Properties:
                  PipelineDefinition:
                    PipelineDefinitionBody:
                      Fn::Sub:
                        - |-

                          {"Version": "2020-12-01", "Steps": [
                           {"Name": "Make", "Type": "Model",
                            "Arguments": {"EnableNetworkIsolation": "${Local}"}}]}
                        - {Local: 'false'}
            """
        ),
        ("network-isolation Pipe/Make 16:31",),
    ),
    Case(
        "one-line.json",
        json.dumps(
            {
                "Resources": {
                    "Plain": {
                        "Type": "AWS::SageMaker::Pipeline",
                        "Properties": {
                            "PipelineDefinition": {
                                "PipelineDefinitionBody": pipeline(step("Model"), step("Model", "T", **ISOLATED))
                            }
                        },
                    }
                }
            },
            indent=1,
        ),
        ("network-isolation Plain/S 7:6",),
    ),
    Case(
        "object.yaml",
        template(
            """\
              Pipe:
                Type: AWS::SageMaker::Pipeline
                Condition: Prod
                Properties:
                  PipelineDefinition:
                    PipelineDefinitionBody:
                      Fn::ToJsonString:
                        Version: '2020-12-01'
                        Parameters: [{Name: Iso, Type: Boolean, DefaultValue: true}]
                        Steps:
                          - {Name: A, Type: Model, Arguments: {EnableNetworkIsolation: !If [Prod, {Get: Parameters.Iso}, false]}}
                          - Fn::If:
                              - Prod
                              - {Name: B, Type: Model, Arguments: {}}
                              - !Ref AWS::NoValue
                          - !If [Prod, !Ref AWS::NoValue, {Name: C, Type: Model, Arguments: {}}]
                          - {Name: D, Type: Transform, Arguments: {ModelName: !GetAtt Model.ModelName, TransformResources: {VolumeKmsKeyId: !Ref Key}}}
              Key:
                Type: AWS::KMS::Key
              Model:
                Type: AWS::SageMaker::Model
                Properties: {EnableNetworkIsolation: true}
            """,
            **STAGE,
        ),
        ("unknown network-isolation Pipe/A 16:52", "unknown network-isolation Pipe/B 19:44"),
        causes=("fails when Prod is true and Pipe/Iso is 'false'", "fails when Prod is true"),
    ),
    Case(
        "machines.yaml",
        template(
            """\
              Joined:
                Type: AWS::StepFunctions::StateMachine
                Properties:
                  DefinitionString: !Join
                    - ''
                    - - '{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:'
                      - !Ref AWS::Partition
                      - ':states:::sagemaker:createModel","Parameters":{"EnableNetworkIsolation":'
                      - !Join [':', [!Sub '${Stage}']]
                      - ',"ModelName":"${Literal}"}}}}'
              Object:
                Type: AWS::StepFunctions::StateMachine
                Properties:
                  DefinitionSubstitutions: {Iso: 'false', Hangs: !If [Prod, 'true', 'false']}
                  Definition:
                    States:
                      A: {Resource: !Sub 'arn:${AWS::Partition}:states:::sagemaker:createModel', Parameters: {EnableNetworkIsolation: '${Iso}'}}
                      B: {Resource: 'arn:aws:states:::sagemaker:createModel', Parameters: {EnableNetworkIsolation: '${Hangs}'}}
                      C: {Resource: 'arn:aws:states:::sagemaker:createModel', Parameters: {EnableNetworkIsolation: '${Unset}'}}
              Sam:
                Type: AWS::Serverless::StateMachine
                Properties:
                  DefinitionUri: local/machine.json
                  DefinitionSubstitutions: {Iso: !Ref Stage}
              Choice:
                Type: AWS::StepFunctions::StateMachine
                Properties:
                  DefinitionSubstitutions: !If [Prod, {Iso: 'true'}, {Iso: 'false'}]
                  DefinitionString: !If
                    - Prod
                    - '{"States": {"T": {"Resource": "arn:aws:states:::sagemaker:createModel", "Parameters": {"EnableNetworkIsolation": "${Iso}"}}}}'
                    - '{"States": {"U": {"Resource": "arn:aws:states:::sagemaker:createModel", "Parameters": {}}}}'
            """,
            **STAGE,
        ),
        (
            "network-isolation Joined/T 9:7",
            "network-isolation Object/A 22:99",
            "network-isolation Object/B 23:80",
            "network-isolation Object/C 24:80",
            "network-isolation Sam/T 3:1",
            "unknown network-isolation Choice/T 34:7",
            "network-isolation Choice/U 34:7",
        ),
        causes=("passes when Stage", "must be", "passes when Prod", "must be", "passes when Stage", "substitution Iso", "is missing"),
    ),
    Case(
        "calls.yaml",
        template(
            """\
              Nightly:
                Type: AWS::Scheduler::Schedule
                Properties:
                  Target:
                    Arn: !Sub 'arn:${AWS::Partition}:scheduler:::aws-sdk:sagemaker:createTrainingJob'
                    Input: !Sub |
                      {"TrainingJobName": "t",
                       "EnableNetworkIsolation": ${Stage}}
              Pipeline: {Type: AWS::Scheduler::Schedule, Properties: {Target: {Arn: 'arn:aws:sagemaker:::pipeline/p', Input: 'no JSON'}}}
              Started: {Type: AWS::Scheduler::Schedule, Properties: {Target: {Arn: 'arn:aws:scheduler:::aws-sdk:sagemaker:startPipelineExecution', Input: 'no JSON'}}}
              Nothing: {Type: AWS::Scheduler::Schedule, Properties: {Target: !Ref Stage}}
              Custom:
                Type: Custom::AWS
                Properties: {Create: !Join ['', ['{"service": "SageMaker", "action": "createModel", "parameters": {"ModelName": "', !Ref Stage, '"}}']]}
              Version3: {Type: Custom::AWS, Properties: {Create: '{"service": "@aws-sdk/client-sagemaker", "action": "CreateModelCommand", "parameters": {"ModelName": "m"}}'}}
              Bucket: {Type: Custom::AWS, Properties: {Create: '{"service": "S3", "action": "createBucket", "parameters": {"Bucket": "sagemaker"}}', Delete: 'no JSON'}}
              List: {Type: Custom::AWS, Properties: {Create: '["sagemaker"]'}}
            """,
            **STAGE,
        ),
        (
            "network-isolation Nightly/t 13:12",
            "volume-kms-key Nightly/t 11:9",
            "network-isolation Custom/CreateModel 19:18",
            "network-isolation Version3/m 20:46",
        ),
        causes=("Stage", "is missing", "is missing", "is missing"),
    ),
    Case(
        "elsewhere.yaml",
        template(
            """\
              A: {Type: AWS::SageMaker::Pipeline, Properties: {PipelineDefinition: {PipelineDefinitionBody: !Ref Stage}}}
              B: {Type: AWS::SageMaker::Pipeline, Properties: {PipelineDefinition: {PipelineDefinitionS3Location: {Bucket: b, Key: none.json}}}}
              C: {Type: AWS::SageMaker::Pipeline, Properties: {}}
              D: {Type: AWS::StepFunctions::StateMachine, Properties: {DefinitionS3Location: 's3://bucket/x.json'}}
              E: {Type: AWS::StepFunctions::StateMachine, Properties: {DefinitionS3Location: missing.json}}
              F: {Type: AWS::StepFunctions::StateMachine, Properties: {DefinitionS3Location: {Bucket: b, Key: local/broken.json}}}
              G: {Type: AWS::StepFunctions::StateMachine, Properties: {DefinitionString: '{"States": '}}
              H: {Type: AWS::StepFunctions::StateMachine, Properties: {DefinitionString: '5'}}
              I: {Type: AWS::StepFunctions::StateMachine, Properties: {DefinitionS3Location: ../../../../outside.json}}
              J: {Type: AWS::StepFunctions::StateMachine, Properties: {DefinitionString: !GetAtt A.B}}
              K: {Type: AWS::SageMaker::Pipeline, Properties: {PipelineDefinition: {PipelineDefinitionS3Location: {Bucket: b, Key: local/pipe.json}}}}
              L:
                Type: AWS::SageMaker::Pipeline
                Properties:
                  PipelineDefinition:
                    PipelineDefinitionBody: |
                      {"Version": "2020-12-01",
                       "Steps": [}
            """,
            **STAGE,
        ),
        ("network-isolation K/S 3:3",),
        (
            "10:60 the definition of the state machine E can't be read: does not exist",
            "11:60 the definition of the state machine F can't be read: local/broken.json: line 2, column 1: "
            "did not find expected ',' or '}' while parsing a flow mapping that begins in line 1",
            "12:60 the definition of the state machine G can't be read: expected a JSON value",
            "14:60 the definition of the state machine I can't be read: lies outside of the directory scanned",
            "23:22 the definition of the pipeline L can't be read: expected a JSON value",
            "13:60 H: the state machine has no mapping of states",
        ),
        notes=("pipeline A", "pipeline B", "pipeline C", "state machine D", "state machine J"),
    ),
    Case(
        "waived.yaml",
        template(
            """\
              Pipe:
                Type: AWS::SageMaker::Pipeline
                Metadata:
                  smguard:
                    waivers:
                      - {control: network-isolation, reason: a laboratory, expires: 2999-12-31}
                      - {control: volume-kms-key, reason: a laboratory, expires: 2999-12-31}
                Properties:
                  PipelineDefinition:
                    PipelineDefinitionBody: '{"Version": "2020-12-01", "Steps": [{"Type": "Model", "Name": "A"}, {"Type": "Model", "Name": "B"}]}'
            """
        ),
        ("waived network-isolation Pipe/A 15:9", "waived network-isolation Pipe/B 15:9"),
        notes=("the waiver of volume-kms-key for Pipe/B is unused",),
    ),
]  # fmt: skip
FILES = {
    "local/machine.json": '{"States": {"T": {"Resource": "arn:aws:states:::sagemaker:createModel",'
    ' "Parameters": {\n\n"EnableNetworkIsolation": ${Iso}}}}}',
    "local/pipe.json": '{"Version": "2020-12-01", "Steps": [{"Name": "S", "Type": "Model",\n'
    '\n  "Arguments": {}}]}',
    "local/broken.json": "{5",
    # Other people's: none of them is looked at, and none is a Gap.
    "create-table.json": '{"TableName": "x", "RoleArn": 5',
    "create-model-card.json": '{"name": "x"}',
    "create-domain.yaml": "a: [",
    "version.yaml": "Version: 2020-12-01\nSteps: [}",
    "iam.json": '{"Action": "sagemaker:CreateModel", "Other": "sagemaker:create',
    "steps.json": '{"Version": "1", "Steps": []}',
}
"""Files beside those of the cases."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("requests")
    for name, text in (*FILES.items(), *(case[:2] for case in (*DEFINITIONS, *TEMPLATES))):
        (base / name).parent.mkdir(exist_ok=True)
        (base / name).write_text(text, encoding="utf-8")
    return base


@pytest.fixture(scope="module")
def report(folder: Path) -> Any:
    ran = scan(".", controls=CONTROLS, cwd=folder, run=called)
    assert ran.code == 1, ran.err
    return ran.report


@pytest.mark.parametrize("case", [*DEFINITIONS, *TEMPLATES], ids=lambda case: case.name)
def test_findings(report: Any, case: Case) -> None:
    files = {case.name, "local/machine.json"} if case.name == "machines.yaml" else {case.name}
    files |= {"local/pipe.json"} if case.name == "elsewhere.yaml" else set()
    mine = {**report, "findings": [it for it in report["findings"] if it["location"]["file"] in files]}
    assert tuple(found(mine)) == case.found
    assert tuple(gaps(report, case.name)) == case.gaps
    if case.causes:
        said = [f"{it['message']} {it['condition']} {it['cause']}" for it in mine["findings"]]
        assert all(cause in text for cause, text in zip(case.causes, said, strict=True)), said
    notes = [note["what"] for note in report["notes"] if note["where"].startswith(f"{case.name}:")]
    assert len(notes) == len(case.notes)
    assert all(words in note for words, note in zip(case.notes, notes, strict=True)), notes


def test_counts_close(report: Any) -> None:
    files = report["summary"]["files"]
    assert files["seen"] == sum(files[kind] for kind in ("judged", "partial", "unread", "skipped"))
    assert files["unread"] == 1  # cut-off.json
    # Those beside the cases, without the two that a template leads to.
    assert files["skipped"] == len(FILES) - 2
    assert not [gap for gap in report["gaps"] if "defect" in gap["hint"]]


REQUEST = '{"ProcessingJobName": "p", "ProcessingResources": {"ClusterConfig": {"VolumeKmsKeyId": "k"}}}'


@pytest.mark.parametrize(
    ("file", "words", "expected"),
    [
        ("r.json", ("--request", "CreateProcessingJob"), ["network-isolation p 1:2"]),
        ("r.json", (), None),
        ("create-processing-job.json", (), ["network-isolation p 1:2"]),
        # The name says something else than the keys do.
        ("create-domain.json", (), None),
        ("create-domain.json", ("--request", "CreateProcessingJob"), ["network-isolation p 1:2"]),
        ("-", ("--request", "CreateProcessingJob"), ["network-isolation p 1:2"]),
    ],
)
def test_requests_by_name(
    tmp_path: Path, file: str, words: tuple[str, ...], expected: list[str] | None
) -> None:
    (tmp_path / file).write_text(REQUEST, encoding="utf-8")
    ran = scan(file, *words, controls=CONTROLS[:4], cwd=tmp_path, given=REQUEST.encode(), run=called)
    if expected is None:
        assert ran.code == 3
        assert ran.report["findings"] == []
        what = f"{file} is no CloudFormation template, pipeline definition or state machine: it has no Resources section"
        assert gaps(ran.report) == [what]
        assert "--request" in ran.report["gaps"][0]["hint"]
    else:
        assert found(ran.report) == expected
        assert ran.report["findings"][0]["resource"]["type"] == "AWS::SageMaker::ProcessingJob"


def test_unknown_operation(tmp_path: Path) -> None:
    ran = scan(".", "--request", "CreateTrainingJobs", cwd=tmp_path, run=called)
    assert ran.code == 2
    assert "did you mean CreateTrainingJob" in ran.err


def test_parameters_settle_a_pipeline(tmp_path: Path) -> None:
    """Values are given as to a template, by the parameters' names."""
    text = pipeline(
        step("Model", EnableNetworkIsolation={"Get": "Parameters.Isolated"}),
        Parameters=[{"Name": "Isolated", "Type": "Boolean", "DefaultValue": False}],
    )
    (tmp_path / "pipeline.json").write_text(text, encoding="utf-8")
    (tmp_path / "dev.json").write_text('{"Isolated": "true"}', encoding="utf-8")
    ran = scan("pipeline.json", "--parameters", "dev.json", controls=CONTROLS, cwd=tmp_path, run=called)
    assert (ran.code, found(ran.report), ran.report["notes"]) == (0, [], [])
    (tmp_path / "dev.json").write_text('{"Isolatd": "true"}', encoding="utf-8")
    ran = scan("pipeline.json", "--parameters", "dev.json", controls=CONTROLS, cwd=tmp_path, run=called)
    assert found(ran.report) == ["network-isolation S 8:5"]
    assert [note["what"] for note in ran.report["notes"]] == [
        "no scanned template declares the parameter Isolatd"
    ]


def test_fix_leaves_definitions_alone(folder: Path) -> None:
    for file in ("block.yaml", "nested.json"):
        ran = called("fix", file, "--select", "network-isolation", cwd=folder)
        assert ran.code == 0
        assert "stands in a definition or a request: mend it by hand" in ran.err
        assert "0 can be mended, 2 left alone." in ran.err


def test_a_changed_definition_leads_to_its_template(tmp_path: Path) -> None:
    """A definition that a template names is judged through it, and counts as followed."""
    (tmp_path / "local").mkdir()
    (tmp_path / "local/machine.json").write_text(FILES["local/machine.json"], encoding="utf-8")
    text = template(
        """\
        Sam:
          Type: AWS::Serverless::StateMachine
          Properties: {DefinitionUri: local/machine.json, DefinitionSubstitutions: {Iso: 'true'}}
        """
    )
    (tmp_path / "sam.yaml").write_text(text, encoding="utf-8")
    ran = scan(".", controls=CONTROLS, cwd=tmp_path, run=called)
    assert (ran.code, found(ran.report), gaps(ran.report)) == (0, [], [])
    assert ran.report["summary"]["files"] == {"seen": 2, "judged": 2, "partial": 0, "unread": 0, "skipped": 0}
    ran = scan("local", controls=CONTROLS, cwd=tmp_path, run=called)
    # By itself it can't be read: what is filled in there is no JSON.
    assert [gap.split(" ")[0] for gap in gaps(ran.report)] == ["local/machine.json:3:28"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig"])
def test_encodings_of_walked_definitions(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "p.json").write_bytes(pipeline(step("Model")).encode(encoding))
    ran = scan(".", controls=CONTROLS, cwd=tmp_path, run=called)
    if encoding == "utf-16-le":
        assert gaps(ran.report) == ["p.json holds a NUL character at byte 1"]
    else:
        assert found(ran.report) == ["network-isolation S 7:4"]


DEEP = "".join(f'{{"Name":"C{n}","Type":"Condition","Arguments":{{"IfSteps":[' for n in range(15))
HOSTILE = {
    "deep.json": '{"Version": "2020-12-01", "Steps": [' + DEEP + MODEL % "false" + "]}}" * 15 + "]}",
    "too-deep.json": '{"Version": "2020-12-01", "Steps": ' + "[" * 70 + "]" * 70 + "}",
    "many.json": '{"Version": "2020-12-01", "Steps": [' + ",".join([MODEL % "true"] * 11_000) + "]}",
    "names.json": pipeline(*(step("Model", name, **ISOLATED) for name in ("A", "A", "A (2)", "a\u202e\n/", ""))),
    "string.json": json.dumps(
        {"Resources": {"P": {"Type": "AWS::SageMaker::Pipeline", "Properties": {"PipelineDefinition": {
            "PipelineDefinitionBody": '{"Version": "2020-12-01", "Steps": [' + '"' + "x" * 4_000_000 + '"]}'}}}}}
    ),
    "resolve.json": pipeline(step("Model", EnableNetworkIsolation="{{resolve:ssm:x}}", **{"Fn::If": []})),
    "subs.json": json.dumps(
        {"Resources": {"P": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"DefinitionString": {
            "Fn::Sub": [json.dumps({"States": {"T": {"Resource": CREATE_MODEL, "Parameters": {
                "Tags": ["${a}" * 50] * 400, "EnableNetworkIsolation": "${a}"}}}}),
                {f"v{each}": "x" for each in range(5_000)} | {"a": "true"}]}}}}}
    ),
}  # fmt: skip


@pytest.mark.no_cover  # small ones cover as much
def test_hostile_definitions(tmp_path: Path) -> None:
    """Bounded, located, nothing lost."""
    for name, text in HOSTILE.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    ran = scan(".", controls=CONTROLS, cwd=tmp_path, run=called)
    assert ran.code == 1
    column = HOSTILE["deep.json"].index('"EnableNetworkIsolation"') + 1
    assert found(ran.report) == [
        f"network-isolation Make 1:{column}",
        "unknown network-isolation S 7:4",
    ]
    assert gaps(ran.report) == [
        "many.json holds more than 10,000 resources",
        "string.json:1:96 P: a step of the pipeline has no plain name and type",
        "too-deep.json:1:99 is nested deeper than 64 levels",
    ]
    assert ran.report["summary"]["passed"] == 6


def test_limits_hold_for_what_definitions_make(tmp_path: Path) -> None:
    body = pipeline(*(step("Model", str(each), **ISOLATED) for each in range(5)))
    held = {name: {"Type": "AWS::SageMaker::Pipeline", "Properties": {"PipelineDefinition": {
        "PipelineDefinitionBody": body}}} for name in "AB"}  # fmt: skip
    (tmp_path / "t.json").write_text(json.dumps({"Resources": held}), encoding="utf-8")
    ran = scan("t.json", "--max-resources", "6", controls=CONTROLS, cwd=tmp_path, run=called)
    assert gaps(ran.report) == ["t.json:1:16 A: definitions make more than 6 resources: the rest is left out"]
    assert ran.report["summary"]["resources"] == 7  # with the two pipelines
    ran = scan("t.json", "--max-nodes", "40", controls=CONTROLS, cwd=tmp_path, run=called)
    assert gaps(ran.report) == [
        "t.json:1:872 the definition of the pipeline B can't be read: holds more than 13 values"
    ]


def test_steps_of_a_live_pipeline() -> None:
    """What an audit takes: resources with what is not known in them, and words for what can't be looked at."""
    definition = json.loads(
        pipeline(
            step("Training", "Train", RoleArn={"Get": "Parameters.Role"}, Environment={"A": "${B}"}),
            step("Novel", "New"),
            step("Transform", "Batch", ModelName={"Get": "Execution.PipelineName"}),
            Parameters=[{"Name": "Role", "Type": "String", "DefaultValue": "r"}],
        )
    )
    (train, batch), left = steps(definition, catalog.load().types)
    assert (train.type, train.name) == ("AWS::SageMaker::TrainingJob", "Train")
    assert isinstance(train.properties["RoleArn"], Partial)
    assert train.properties["RoleArn"].cause == "parameter Role"
    assert train.properties["Environment"] == {"A": "${B}"}
    assert batch.properties == {
        "ModelName": unknown("Get Execution.PipelineName", filled=True),
        # The pipeline's, as nothing is said of it.
        "ExperimentConfig": {
            "ExperimentName": unknown("Get Execution.PipelineName", filled=True),
            "TrialName": unknown("Get Execution.PipelineExecutionId", filled=True),
        },
    }
    assert left == ["the step New is of the type Novel, which is not known here"]
    assert steps([], {}) == ([], ["the pipeline's definition has no list of steps"])


def test_every_operation_and_step_has_one_type() -> None:
    types = catalog.load().types
    operations = [body["create"] for body in types.values() if "create" in body]
    assert len(operations) == len(set(operations))
    kinds = [kind for body in types.values() for kind in body.get("steps", ())]
    assert len(kinds) == len(set(kinds))
    assert all(re.fullmatch("Create[A-Z].*", operation) for operation in operations)


def test_a_job_by_a_document_of_its_own_is_not_looked_at() -> None:
    definition = {"Version": "2020-12-01", "Steps": [step("Job", "J", JobConfigDocument="{}")]}
    told = "the step J makes a job by a document that no control looks at"
    assert steps(definition, catalog.load().types) == ([], [told])
