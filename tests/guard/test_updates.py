"""Calls that change a resource: what they give is judged, what they leave is not, and everywhere alike."""

# ruff: noqa: E501 - a request is clearer with its line whole

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from botocore import xform_name
from botocore.session import get_session

from scanner.catalog import property_kinds
from scanner.guard_rules import Rules
from scanner.requests.operation import types_by_operation
from tests.door import called
from tests.fake_aws import Fake
from tests.guard.calls import FULL, Asked, Example, examples
from tests.guard.sdk_forms import as_resource
from tests.guard.test_agreement import ELSEWHERE

SERVICE = get_session().get_service_model("sagemaker")
UPDATES = {kind: body for kind, body in FULL.types.items() if "update" in body}
KINDS = types_by_operation(FULL.types)
IMAGE = "111122223333.dkr.ecr.eu-west-1.amazonaws.com/own"
DIGEST = f"{IMAGE}@sha256:{'0' * 64}"
JOB = {
    "MonitoringAppSpecification": {"ImageUri": DIGEST},
    "MonitoringInputs": [{"EndpointInput": {"EndpointName": "e", "LocalPath": "/in"}}],
    "MonitoringOutputConfig": {"KmsKeyId": "k", "MonitoringOutputs": []},
    "MonitoringResources": {
        "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    },
    "NetworkConfig": {
        "EnableNetworkIsolation": True,
        "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["s"]},
    },
    "RoleArn": "r",
}
GROUP = {"InstanceCount": 2, "InstanceGroupName": "g", "InstanceType": "ml.m5.large"}
USER = {"SharingSettings": {"NotebookOutputOption": "Allowed"}}
PIPELINE = json.dumps({"Version": "2020-12-01", "Steps": [{"Type": "Model", "Name": "M", "Arguments": {}}]})


class Case(NamedTuple):
    """An update's request and what is found in it: verdict, control and property path."""

    operation: str
    request: dict[str, Any]
    found: tuple[str, ...] = ()


CASES = [
    Case("UpdateNotebookInstance", {"RootAccess": "Enabled"}, ("fail notebook-root-access RootAccess",)),
    Case("UpdateNotebookInstance", {"RootAccess": "Disabled", "VolumeSizeInGB": 9}),
    Case("UpdateNotebookInstance", {"InstanceType": "ml.t3.large", "DisassociateLifecycleConfig": True}),
    Case(
        "UpdateNotebookInstance",
        {"InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "1"}},
        (
            "fail notebook-imds-v2 "
            "InstanceMetadataServiceConfiguration.MinimumInstanceMetadataServiceVersion",
        ),
    ),
    Case(
        "UpdateDomain",
        {"AppNetworkAccessType": "PublicInternetOnly"},
        ("fail studio-vpc-only AppNetworkAccessType",),
    ),
    # Only where it lets outputs be shared does a key of before matter.
    Case(
        "UpdateDomain",
        {"DefaultUserSettings": USER},
        ("unknown studio-sharing-kms-key DefaultUserSettings.SharingSettings.S3KmsKeyId",),
    ),
    Case("UpdateDomain", {"DefaultUserSettings": {"JupyterServerAppSettings": {"LifecycleConfigArns": ["a"]}}}),
    Case("UpdateDomain", {"DefaultUserSettings": {"SharingSettings": {}}, "SubnetIds": ["s"]}),
    Case(
        "UpdateDomain",
        {"DomainSettingsForUpdate": {"ExecutionRoleIdentityConfig": "DISABLED"}},
        ("fail studio-user-isolation DomainSettings.ExecutionRoleIdentityConfig",),
    ),
    Case(
        "UpdateUserProfile",
        {"UserSettings": {"SharingSettings": {"NotebookOutputOption": "Allowed", "S3KmsKeyId": "alias/aws/s3"}}},
        ("fail customer-managed-kms-key UserSettings.SharingSettings.S3KmsKeyId",),
    ),
    Case("UpdateUserProfile", {"UserSettings": {"SecurityGroups": ["sg-1"]}}),
    Case(
        "UpdateSpace",
        {"SpaceSettings": {"RemoteAccess": "ENABLED"}},
        ("fail remote-access SpaceSettings.RemoteAccess",),
    ),
    Case("UpdateSpace", {"SpaceDisplayName": "d"}),
    # A group may be a new one.
    Case(
        "UpdateCluster",
        {"InstanceGroups": [GROUP]},
        ("unknown volume-kms-key InstanceGroups[0].InstanceStorageConfigs",),
    ),
    Case(
        "UpdateCluster",
        {"InstanceGroups": [{**GROUP, "OverrideVpcConfig": {"Subnets": ["s"]}}]},
        (
            "unknown volume-kms-key InstanceGroups[0].InstanceStorageConfigs",
            "unknown vpc-config InstanceGroups[0].OverrideVpcConfig.SecurityGroupIds",
        ),
    ),
    Case("UpdateCluster", {"NodeRecovery": "Automatic"}),
    Case(
        "UpdateInferenceComponent",
        {"Specification": {"Container": {"Image": f"{IMAGE}:1"}}},
        ("fail pinned-images Specification.Container.Image",),
    ),
    Case("UpdateInferenceComponent", {"Specification": {"Container": {"Image": DIGEST}}}),
    Case("UpdateInferenceComponent", {"RuntimeConfig": {"CopyCount": 2}}),
    Case(
        "UpdateTrainingJob",
        {"RemoteDebugConfig": {"EnableRemoteDebug": True}},
        ("fail remote-access RemoteDebugConfig.EnableRemoteDebug",),
    ),
    Case("UpdateTrainingJob", {"ResourceConfig": {"KeepAlivePeriodInSeconds": 60}}),
    # Every update of a schedule gives all of it.
    Case(
        "UpdateMonitoringSchedule",
        {"MonitoringScheduleConfig": {"MonitoringJobDefinition": JOB}},
        (
            "fail volume-kms-key MonitoringScheduleConfig.MonitoringJobDefinition."
            "MonitoringResources.ClusterConfig.VolumeKmsKeyId",
            "unknown customer-managed-kms-key MonitoringScheduleConfig.MonitoringJobDefinition."
            "MonitoringOutputConfig.KmsKeyId",
        ),
    ),
    Case(
        "UpdateModelPackage",
        {"AdditionalInferenceSpecificationsToAdd": [{"Name": "n", "Containers": [{"Image": f"{IMAGE}:1"}]}]},
        ("fail pinned-images AdditionalInferenceSpecifications[0].Containers[0].Image",),
    ),
    Case("UpdateModelPackage", {"ModelApprovalStatus": "Approved", "CustomerMetadataProperties": {"a": "b"}}),
    Case(
        "UpdateNotebookInstanceLifecycleConfig",
        {"OnStart": [{"Content": "ZXhwb3J0IEFXU19TRUNSRVRfQUNDRVNTX0tFWT13SmFsclhVdG5GRU1JL0s3TURFTkcvYlB4UmZpQ1lFWEFNUExFS0VZ"}]},
        ("fail lifecycle-config-secrets OnStart[0].Content",),
    ),
    Case("UpdateEndpoint", {"EndpointConfigName": "other"}),
    Case("UpdateFeatureGroup", {"OnlineStoreConfig": {"TtlDuration": {"Unit": "Days", "Value": 1}}}),
    Case("UpdatePipeline", {"RoleArn": "r"}),
    Case("UpdatePartnerApp", {"Tags": [{"Key": "a", "Value": "b"}], "Tier": "small"}),
    Case("UpdateDeviceFleet", {"OutputConfig": {"S3OutputLocation": "s3://x"}}, ("fail output-kms-key OutputConfig.KmsKeyId",)),
]  # fmt: skip


def request_of(case: Case) -> dict[str, Any]:
    """The request, with the name of what it changes."""
    members = SERVICE.operation_model(f"Describe{case.operation[6:]}").input_shape.required_members
    renamed = {"ModelPackageName": "ModelPackageArn"}
    return {**{renamed.get(each, each): "x" for each in members}, **case.request}


def forms(operation: str, request: dict[str, Any]) -> dict[str, str]:
    """A file's name -> the request as it is written there."""
    action = f"{operation[0].lower()}{operation[1:]}"
    call = {"service": "SageMaker", "action": action, "parameters": request}
    task = {"Type": "Task", "Resource": f"arn:aws:states:::aws-sdk:sagemaker:{action}", "End": True}
    target = {"Arn": f"arn:aws:scheduler:::aws-sdk:sagemaker:{action}", "Input": json.dumps(request)}
    held = {
        "schedule": {"Type": "AWS::Scheduler::Schedule", "Properties": {"Target": target}},
        "custom": {
            "Type": "Custom::AWS",
            "Properties": {"Create": json.dumps(call), "Update": json.dumps(call)},
        },
        "custom-update": {"Type": "Custom::AWS", "Properties": {"Update": json.dumps(call)}},
    }
    return {
        f"{xform_name(operation, '-')}.json": json.dumps(request),
        "state.json": json.dumps({"StartAt": "S", "States": {"S": {**task, "Parameters": request}}}),
        "arguments.json": json.dumps({"StartAt": "S", "States": {"S": {**task, "Arguments": request}}}),
        **{
            f"{name}.json": json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"R": body}})
            for name, body in held.items()
        },
        "machine.py": f"import boto3, json\nmachine = {{'States': {{'S': {task | {'Parameters': request}!r}}}}}\n"
        "boto3.client('stepfunctions').update_state_machine(definition=json.dumps(machine))  # sagemaker\n",
        "code.py": f"import boto3\nboto3.client('sagemaker').{xform_name(operation)}(**{request!r})\n",
        "unknown_client.py": f"def f(client):  # of sagemaker\n    client.{xform_name(operation)}(**{request!r})\n",
        "generated.py": as_resource(Asked(operation, KINDS[operation], request)) or "",
    }


def test_every_way_to_write_an_update_gets_these_findings(tmp_path: Path) -> None:
    rules = Rules("raise", None, (), (), None, False)
    expected: dict[str, list[str]] = {}
    for number, case in enumerate(CASES):
        request = request_of(case)
        given = json.dumps(request)
        guarded = [
            f"{it.verdict.value} {it.control.id} {it.location.path}"
            for it in rules.judge(case.operation, request)
        ]
        assert sorted(guarded) == sorted(case.found), case
        assert json.dumps(request) == given
        for name, text in forms(case.operation, request).items():
            path = Path(str(number), name)
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
            expected[str(path)] = sorted(case.found) if text else []
    report = called("scan", ".", "-f", "json", "--no-config", cwd=tmp_path).report
    assert (report["gaps"], report["notes"]) == ([], [])
    found: dict[str, list[str]] = {path: [] for path in expected}
    for it in report["findings"]:
        if not any(words in it["message"] for words in ELSEWHERE):
            at = it["location"]
            found[at["file"]].append(f"{it['verdict']} {it['control']} {at['path']}")
            assert at["line"] is not None
    assert {path: sorted(each) for path, each in found.items()} == expected


def test_no_rest_of_a_resource_makes_an_update_wrong(tmp_path: Path) -> None:
    """Of every example as an update: what fails fails in the whole, and what passes there does not fail."""
    with Fake() as fake:
        listed = [each for each in examples(fake) if isinstance(each, Example)]
    pairs = Counter[str]()
    for asked in (asked for each in listed for asked in each.calls if asked.kind in UPDATES):
        update = UPDATES[asked.kind]["update"]
        given = {key: each for key, each in asked.parameters.items() if key in update["gives"]}
        if not given:
            continue
        renamed = {update.get("renames", {}).get(key, key): each for key, each in given.items()}
        folder = tmp_path / f"{pairs.total()}"
        folder.mkdir()
        pairs[asked.kind] += 1
        for operation, request in (
            (asked.operation, asked.parameters),
            (f"Update{asked.operation[6:]}", renamed),
        ):
            path = folder / f"{xform_name(operation, '-')}.json"
            path.write_text(json.dumps(request), encoding="utf-8")
    assert len(pairs) > 10
    verdicts: dict[tuple[str, str, str], set[str]] = {}
    report = called("scan", ".", "-f", "json", "--no-config", "--all", cwd=tmp_path).report
    assert not report["gaps"]
    for it in report["findings"]:
        folder_name, _, name = it["location"]["file"].partition("/")
        verdicts.setdefault((folder_name, it["control"], name[:6]), set()).add(it["verdict"])
    changed = {key: each for key, each in verdicts.items() if key[2] == "update"}
    assert sum("fail" in each for each in changed.values()) > 20
    assert sum(each == {"pass"} for each in changed.values()) > 10
    for (folder_name, control, _), said in changed.items():
        whole = verdicts.get((folder_name, control, "create"), set())
        assert "fail" not in said or "fail" in whole, (folder_name, control)
        assert "pass" not in said or "fail" not in whole, (folder_name, control)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("c.update_notebook_instance(**given)", ["unknown notebook-imds-v2", "unknown notebook-root-access"]),
        (
            "c.update_notebook_instance(RootAccess='Enabled', **given)",
            ["unknown notebook-imds-v2", "fail notebook-root-access"],
        ),
        ("c.update_notebook_instance(RootAccess=root)", ["unknown notebook-root-access"]),
        ("c.update_notebook_instance(NotebookInstanceName=name)", []),
        ("c.update_notebook_instance(RootAccess='Enabled' if a else 'Disabled')", ["unknown notebook-root-access"]),
        ("c.update_workforce(WorkforceName='w', WorkforceVpcConfig={'VpcId': 'v', 'Subnets': []})", []),
        ("r = {}\nif a: r['RootAccess'] = 'Enabled'\nc.update_notebook_instance(**r)", ["unknown notebook-root-access"]),
        ("r = {}\nif a: r['RootAccess'] = root\nc.update_notebook_instance(**r)", ["unknown notebook-root-access"]),
        ("r = {}\nif a: r['RootAccess'] = 'Disabled'\nc.update_notebook_instance(**r)", []),
        ("c.update_pipeline(PipelineName='p', RoleArn='r')", []),
        (f"c.update_pipeline(PipelineName='p', PipelineDefinition={PIPELINE!r})", ["fail vpc-config"]),
        ("getattr(c, 'update_space')(SpaceSettings={'RemoteAccess': 'ENABLED'})", ["fail remote-access"]),
        ("boto3.client('ecs').update_cluster(cluster='c')", []),
        ("lost.update_cluster(ClusterName='c', SecurityGroupIds=['s'])", []),
    ],
)  # fmt: skip
def test_updates_in_code(tmp_path: Path, code: str, expected: list[str]) -> None:
    text = (
        f"import boto3\nfrom lost import a, given, name, root, lost\nc = boto3.client('sagemaker')\n{code}\n"
    )
    (tmp_path / "c.py").write_text(text, encoding="utf-8")
    selected = ("notebook-imds-v2", "notebook-root-access", "vpc-config", "remote-access")
    words = [word for it in selected for word in ("--select", it)]
    report = called("scan", "c.py", "-f", "json", "--no-config", *words, cwd=tmp_path).report
    assert [f"{it['verdict']} {it['control']}" for it in report["findings"]] == expected


TEMPLATE = """\
Parameters:
  Stage: {Type: String, AllowedValues: [prod, dev], Default: dev}
Conditions:
  Prod: !Equals [!Ref Stage, prod]
Resources:
  M:
    Type: AWS::StepFunctions::StateMachine
    Properties:
      Definition:
        States:
          A: {Resource: &nb 'arn:aws:states:::aws-sdk:sagemaker:updateNotebookInstance', Parameters: {RootAccess: !If [Prod, Disabled, Enabled]}}
          B: {Resource: *nb, Parameters: {RootAccess: !If [Prod, Enabled, !Ref AWS::NoValue]}}
          C: {Resource: *nb, Parameters: {RootAccess: !If [Prod, Disabled, !Ref AWS::NoValue]}}
          D: {Resource: *nb}
          E: {Resource: *nb, Parameters: !If [Prod, {RootAccess: Disabled}, {RootAccess: Disabled}]}
          F: {Resource: &domain 'arn:aws:states:::aws-sdk:sagemaker:updateDomain', Parameters: {AppNetworkAccessType.$: $.type}}
          G: {Resource: *domain, Parameters: {DomainSettingsForUpdate: !If [Prod, {ExecutionRoleIdentityConfig: DISABLED}, {}]}}
          H: {Resource: 'arn:aws:states:::aws-sdk:sagemaker:updateUserProfile', Parameters: {DomainId: !Ref Domain, UserSettings: {ExecutionRole: r}}}
          I: {Resource: 'arn:aws:states:::aws-sdk:sagemaker:updateExperiment', Parameters: {ExperimentName: e}}
  Domain:
    Type: AWS::SageMaker::Domain
    Properties: {AppNetworkAccessType: VpcOnly, DomainSettings: {ExecutionRoleIdentityConfig: USER_PROFILE_NAME}}
"""


def test_updates_in_a_template(tmp_path: Path) -> None:
    """Its conditions decide as ever; what one of them leaves out stays as it is."""
    (tmp_path / "t.yaml").write_text(TEMPLATE, encoding="utf-8")
    selected = ("notebook-root-access", "studio-vpc-only", "studio-user-isolation")
    words = [word for it in selected for word in ("--select", it)]
    report = called("scan", "t.yaml", "-f", "json", "--no-config", *words, cwd=tmp_path).report
    assert [f"{it['verdict']} {it['control']} {it['resource']['name']}" for it in report["findings"]] == [
        "fail notebook-root-access M/A",
        "unknown notebook-root-access M/B",
        "unknown notebook-root-access M/D",
        "unknown notebook-root-access M/E",
        "unknown studio-vpc-only M/F",
        "unknown studio-user-isolation M/G",
    ]
    assert "fails when Prod is true" in report["findings"][1]["message"]
    assert (report["gaps"], report["notes"]) == ([], [])


def test_an_update_as_the_command_names_it(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text('{"SpaceSettings": {"RemoteAccess": "ENABLED"}}', encoding="utf-8")
    report = called("scan", "r.json", "--request", "UpdateSpace", "-f", "json", cwd=tmp_path).report
    assert [(it["control"], it["resource"]["name"]) for it in report["findings"]] == [
        ("remote-access", "UpdateSpace")
    ]


def test_updates_are_those_that_botocore_has() -> None:
    """An update's parameters are properties of its type, but for names and what `_types.yaml` renames."""
    kinds = property_kinds()["kinds"]
    assert {f"Update{body['create'][6:]}" for body in FULL.types.values() if "create" in body} & {
        *SERVICE.operation_names
    } == {f"Update{body['create'][6:]}" for body in UPDATES.values()}
    for kind, body in UPDATES.items():
        update, noun = body["update"], body["create"][6:]
        shape = SERVICE.operation_model(f"Update{noun}").input_shape
        identity = {*SERVICE.operation_model(f"Describe{noun}").input_shape.required_members}
        renames = update.get("renames", {})
        assert {*renames.values()} <= {*shape.members}
        told = {*shape.members} & {*kinds[kind]} - {*renames.values()} | {*renames}
        assert {*update["gives"]} == told - identity - {"ClientToken", "Tags"}, kind
        whole = {*shape.required_members} & {*update["gives"]}
        whole = {name for name in whole if shape.members[name].type_name in ("structure", "list")}
        assert {*update.get("whole", ())} == whole, kind
