"""From API parameters to condition keys: the table against botocore's model, and what requests come out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from scanner.model import SmguardError
from scanner.policy.call import derive, load, requests_of

ROOT = Path(__file__).resolve().parent.parent.parent
TABLE = load()
MODEL = botocore.session.get_session().get_service_model("sagemaker")
REFERENCE = ROOT / "policies" / "_reference.json"
KEY = "arn:aws:kms:us-east-1:111122223333:key/1"


def resolve(shape: Any, path: str) -> Iterator[Any]:
    """The shapes that a path of the table leads to."""
    if not path:
        yield shape
        return
    head, _, rest = path.partition(".")
    if head == "**":
        yield from resolve(shape, rest)
        below = shape.members.values() if shape.type_name == "structure" else []
        below = [shape.member] if shape.type_name == "list" else below
        for each in below:
            yield from resolve(each, path)
        return
    name = head.rstrip("[]{}?")
    if shape.type_name != "structure" or name not in shape.members:
        return
    member = shape.members[name]
    if head.endswith("[]"):
        assert member.type_name == "list", path
        member = member.member
    yield from resolve(member, rest)


def paths(call: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Every path of a call from the top, as those of its alternatives that must lead somewhere together."""
    starts = call.get("each", [])
    fields = re.findall(r"\{([^{}]+)\}", call["resource"])
    yield from (("resource", field.split("|")) for field in fields)
    yield from (("each", [start]) for start in starts)
    for key, rule in call.get("keys", {}).items():
        if isinstance(rule, dict):
            texts = re.findall(r"\{([^{}]+)\}", rule["arn"]) if "arn" in rule else [rule["of"]]
        else:
            texts = rule if isinstance(rule, list) else [rule]
        for text in texts:
            own = [text[1:]] if text.startswith(".") else [f"{start}.{text}" for start in starts] or [text]
            yield from ((key, [each]) for each in own)


@pytest.mark.parametrize("action", TABLE["calls"])
def test_every_path_of_the_table_is_one_of_the_api(action: str) -> None:
    call = TABLE["calls"][action]
    shape = MODEL.operation_model(action).input_shape
    for key, listed in paths(call):
        for path in listed:
            found = list(resolve(shape, path))
            assert found, f"{action}: {key} has no {path}"
            if key not in ("each", "FeatureGroupOfflineStoreConfig", "CustomerMetadataProperties"):
                assert all(each.type_name not in ("structure", "map", "list") for each in found), (
                    action,
                    path,
                )


@pytest.mark.skipif(not REFERENCE.exists(), reason="the reference of actions and keys is not there yet")
def test_the_table_has_the_keys_of_every_action_and_no_others() -> None:
    groups = json.loads(REFERENCE.read_text(encoding="utf-8"))["services"]["sagemaker"]["groups"]
    keys = {action: listed for actions, listed, *_ in groups for action in actions}
    for action, call in TABLE["calls"].items():
        supported = {
            key.removeprefix("sagemaker:").partition("/")[0]
            for key in keys[action]
            if key.startswith("sagemaker:")
            and not key.startswith(("sagemaker:Current", "sagemaker:ResourceTag"))
        }
        assert {*call.get("keys", {}), *call.get("elsewhere", ())} == supported, action


TRAINING = {
    "TrainingJobName": "demo",
    "ResourceConfig": {
        "VolumeKmsKeyId": KEY,
        "InstanceGroups": [{"InstanceType": "ml.m5.large"}, {"InstanceType": "ml.g5.xlarge"}],
        "KeepAlivePeriodInSeconds": 60,
    },
    "OutputDataConfig": {"KmsKeyId": ""},
    "VpcConfig": {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": []},
    "EnableNetworkIsolation": True,
    "Tags": [{"Key": "team", "Value": "ml"}],
}
CASES: list[tuple[str, dict[str, Any], dict[str, Any], list[dict[str, Any]]]] = [
    (
        "CreateTrainingJob",
        TRAINING,
        {"deprecated": "dropped"},
        [
            {
                "sagemaker:VolumeKmsKeyArn": KEY,
                "sagemaker:InstanceTypes": ["ml.m5.large", "ml.g5.xlarge"],
                "sagemaker:KeepAlivePeriod": "60",
                "sagemaker:VpcSubnets": ["subnet-1", "subnet-2"],
                "sagemaker:NetworkIsolation": "true",
                "aws:RequestTag/team": "ml",
                "aws:TagKeys": ["team"],
            }
        ],
    ),
    (
        "sagemaker:CreateNotebookInstance",
        {"KmsKeyId": KEY, "SubnetId": "subnet-1", "LifecycleConfigName": "hook"},
        {"omitted": "default", "region": "eu-west-1", "principal": "arn:aws-cn:iam::444455556666:user/ann"},
        [
            {
                "sagemaker:VolumeKmsKeyArn": KEY,
                "sagemaker:VolumeKmsKey": KEY,
                "sagemaker:VpcSubnets": ["subnet-1"],
                "sagemaker:NotebookInstanceLifecycleConfigArns": [
                    "arn:aws-cn:sagemaker:eu-west-1:444455556666:notebook-instance-lifecycle-config/hook"
                ],
                "sagemaker:DirectInternetAccess": "Enabled",
                "sagemaker:RootAccess": "Enabled",
                "sagemaker:MinimumInstanceMetadataServiceVersion": "1",
            }
        ],
    ),
    ("UpdateNotebookInstance", {}, {"omitted": "default"}, [{}]),
    (
        "CreateMonitoringSchedule",
        {"MonitoringScheduleConfig": {"MonitoringJobDefinitionName": "d"}},
        {"omitted": "default"},
        [{}],
    ),
    (
        "CreateHyperParameterTuningJob",
        {"TrainingJobDefinitions": [{"EnableNetworkIsolation": True}, {}]},
        {},
        [{"sagemaker:NetworkIsolation": "true"}, {}],
    ),
    (
        "CreateEndpointConfig",
        {
            "VpcConfig": {"Subnets": ["s"]},
            "ProductionVariants": [{"ModelName": "a"}, {"ServerlessConfig": {"MemorySizeInMB": 1024}}],
        },
        {},
        [
            {
                "sagemaker:VpcSubnets": ["s"],
                "sagemaker:ModelArn": "arn:aws:sagemaker:us-east-1:111122223333:model/a",
            },
            {"sagemaker:VpcSubnets": ["s"], "sagemaker:ServerlessMemorySize": "1024"},
        ],
    ),
    (
        "CreateTrainingJob",
        {
            "InputDataConfig": [
                {"DataSource": {"FileSystemDataSource": {"FileSystemId": each}}} for each in ("fs-1", "fs-2")
            ]
        },
        {},
        [{"sagemaker:FileSystemId": "fs-1"}, {"sagemaker:FileSystemId": "fs-2"}],
    ),
    (
        "CreateDomain",
        {
            "DefaultUserSettings": {
                "JupyterLabAppSettings": {
                    "DefaultResourceSpec": {"InstanceType": "ml.t3.medium"},
                    "LifecycleConfigArns": ["arn:x"],
                }
            }
        },
        {},
        [{"sagemaker:InstanceTypes": ["ml.t3.medium"], "sagemaker:StudioLifecycleConfigArns": ["arn:x"]}],
    ),
    (
        "CreateFeatureGroup",
        {"OfflineStoreConfig": {"DisableGlueTableCreation": False}},
        {},
        [
            {
                "sagemaker:FeatureGroupOfflineStoreConfig": "true",
                "sagemaker:FeatureGroupDisableGlueTableCreation": "false",
            }
        ],
    ),
    (
        "CreateModelPackage",
        {"CustomerMetadataProperties": {"owner": "ann"}},
        {},
        [{"sagemaker:CustomerMetadataProperties/owner": "ann"}],
    ),
    (
        "CreateFlowDefinition",
        {"HumanLoopConfig": {"WorkteamArn": "arn:aws:sagemaker:us-east-1:1:workteam/public-crowd/default"}},
        {},
        [
            {
                "sagemaker:WorkteamArn": "arn:aws:sagemaker:us-east-1:1:workteam/public-crowd/default",
                "sagemaker:WorkteamType": "public-crowd",
            }
        ],
    ),
    ("ListModels", {}, {}, [{}]),
]


@pytest.mark.parametrize(("action", "parameters", "how", "contexts"), CASES)
def test_a_call_becomes_requests(
    action: str, parameters: dict[str, Any], how: dict[str, Any], contexts: list[dict[str, Any]]
) -> None:
    assert [dict(request.context) for request in requests_of(action, parameters, **how)] == contexts


def test_the_resource_is_what_the_call_makes() -> None:
    named = {
        "CreateTrainingJob": TRAINING,
        "CreateSpace": {"DomainId": "d-1", "SpaceName": "s"},
        "CreateModel": {},
    }
    resources = [requests_of(action, parameters)[0].resource for action, parameters in named.items()]
    prefix = "arn:aws:sagemaker:us-east-1:111122223333:"
    assert resources == [f"{prefix}training-job/demo", f"{prefix}space/d-1/s", "*"]


def test_what_is_taken_for_granted_is_said() -> None:
    call = derive("CreateApp", {"ResourceSpec": {"InstanceType": "x"}})
    assert call.assumptions == (
        "the request has no sagemaker:OwnerUserProfileArn, sagemaker:SpaceSharingType: "
        "the parameters don't tell",
    )
    assert derive("CreateNotebookInstance", {"KmsKeyId": "alias/ml"}).assumptions == (
        "SageMaker sends the id or alias of a KMS key as it was given",
    )
    assert derive("ListModels", {}).assumptions == ("ListModels has no condition keys but those of its tags",)


def test_too_many_definitions_are_an_error() -> None:
    with pytest.raises(SmguardError, match="more than 64"):
        derive("CreateEndpointConfig", {"ProductionVariants": [{}] * 65})


@pytest.mark.parametrize("action", ["s3:GetObject", "Create*", ""])
def test_only_actions_of_sagemaker_have_calls(action: str) -> None:
    with pytest.raises(SmguardError, match="no SageMaker action"):
        derive(action, {})
