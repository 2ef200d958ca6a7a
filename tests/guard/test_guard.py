"""The guard as its user meets it: what it is put into, what it does in each mode, and how it goes again."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from copy import deepcopy
from enum import StrEnum
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import boto3
import botocore.session
import pytest
from botocore import handlers

from scanner.engine import Engine
from scanner.guard import Guard, GuardWarning, NonCompliant, guard
from scanner.model import SmguardError
from tests.building import ROOT
from tests.fake_aws import Fake
from tests.guard.calls import client

PARAMETERS = str(ROOT / "policies" / "parameters.yaml")
KEY = "arn:aws:kms:eu-central-1:111122223333:key/11111111-1111-1111-1111-111111111111"
SUBNETS, GROUPS = ["subnet-11111111111111111", "subnet-22222222222222222"], ["sg-11111111111111111"]
JOB: dict[str, Any] = {
    "TrainingJobName": "train",
    "RoleArn": "arn:aws:iam::111122223333:role/execution",
    "AlgorithmSpecification": {"TrainingInputMode": "File", "TrainingImage": "own:1"},
    "OutputDataConfig": {"S3OutputPath": "s3://output"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 30},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
}
MISSING = {
    "inter-container-encryption",
    "network-isolation",
    "output-kms-key",
    "volume-kms-key",
    "vpc-config",
}
"""What that job is stopped for."""
LOW = {"job-experiment", "pinned-images"}
"""What else controls say of it."""
BARE = {
    **JOB,
    "AlgorithmSpecification": {"TrainingInputMode": "File", "TrainingImage": f"own@sha256:{'0' * 64}"},
    "ExperimentConfig": {"ExperimentName": "churn"},
}
"""Of which nothing is missing but what can be filled in."""
GOOD = {
    **BARE,
    "EnableInterContainerTrafficEncryption": True,
    "EnableNetworkIsolation": True,
    "OutputDataConfig": {"S3OutputPath": "s3://output", "KmsKeyId": "alias/own"},
    "ResourceConfig": {**JOB["ResourceConfig"], "VolumeKmsKeyId": "alias/own"},
    "VpcConfig": {"Subnets": SUBNETS, "SecurityGroupIds": GROUPS},
}


@pytest.fixture(autouse=True)
def nothing_stays(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    listed = list(handlers.BUILTIN_HANDLERS)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    handlers.BUILTIN_HANDLERS[:] = listed


def ids(error: pytest.ExceptionInfo[NonCompliant]) -> set[str]:
    return {finding.control.id for finding in error.value.findings}


def test_a_call_that_fails_says_what_to_set_and_sends_nothing(aws: Fake) -> None:
    session = boto3.Session()
    guard(session)
    with pytest.raises(NonCompliant) as error:
        session.client("sagemaker").create_training_job(**JOB)
    assert ids(error) == MISSING
    assert not aws.calls
    lines = str(error.value).splitlines()
    assert lines[0] == "smguard did not send CreateTrainingJob of train:"
    assert "  volume-kms-key (high): VolumeKmsKeyId is missing" in lines
    assert (
        "    set ResourceConfig.VolumeKmsKeyId of train; in the SageMaker SDK Estimator(volume_kms_key=…) "
        "or ModelTrainer(compute=Compute(volume_kms_key_id=…))"
    ) in lines
    assert any("Estimator(subnets=…, security_group_ids=…)" in line for line in lines)
    assert "smguard explain" in lines[-1]


@pytest.mark.parametrize(
    ("fail_on", "stopped"),
    [("low", MISSING | LOW), ("medium", MISSING), ("high", MISSING), ("critical", set())],
)
def test_a_severity_on_stops_calls_and_what_is_below_warns(
    aws: Fake, fail_on: str, stopped: set[str]
) -> None:
    its = client()
    guard(its, fail_on=fail_on)
    if stopped:
        with pytest.raises(NonCompliant) as error:
            its.create_training_job(**JOB)
        assert ids(error) == stopped
    guard(its, fail_on=fail_on, ignore=stopped)
    warned = (MISSING | LOW) - stopped
    with pytest.warns(GuardWarning) if warned else nullcontext(list[Any]()) as told:
        its.create_training_job(**JOB)
    assert aws.calls == {"CreateTrainingJob": 1}
    lines = [line for it in told for line in str(it.message).splitlines()]
    assert {line.split()[0] for line in lines if "): " in line} == warned


@pytest.mark.parametrize("mode", ["raise", "fill"])
def test_strict_and_filling_stop_no_call_for_low_severity(aws: Fake, mode: str) -> None:
    its = client()
    guard(its, mode=mode, parameters=PARAMETERS, strict=True, select=LOW)
    with pytest.warns(GuardWarning) as told:
        its.create_training_job(**JOB)
    assert aws.calls == {"CreateTrainingJob": 1}
    assert len(told) == 1
    assert all(f"  {control} (low): " in str(told[0].message) for control in LOW)


@pytest.mark.parametrize(
    ("call", "parameters", "words"),
    [
        (
            "create_processing_job",
            {"ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large"}}},
            "Processor(network_config=NetworkConfig(enable_network_isolation=…))",
        ),
        (
            "create_transform_job",
            {"TransformResources": {"InstanceType": "ml.m5.large"}},
            "Transformer(volume_kms_key=…)",
        ),
        ("create_model", {"ModelName": "m"}, "Model(vpc_config=…)"),
    ],
)
def test_the_keyword_is_that_of_the_sdk(aws: Fake, call: str, parameters: dict[str, Any], words: str) -> None:
    its = client()
    guard(its)
    with pytest.raises(NonCompliant) as error:
        getattr(its, call)(**parameters)
    assert words in str(error.value)
    assert not aws.calls


def test_what_is_compliant_or_no_create_passes_silently(aws: Fake) -> None:
    session = boto3.Session()
    guard(session)
    its = session.client("sagemaker")
    its.create_training_job(**GOOD)
    its.describe_training_job(TrainingJobName="train")
    its.list_models()
    session.client("sts").get_caller_identity()
    assert aws.calls == {
        "CreateTrainingJob": 1,
        "DescribeTrainingJob": 1,
        "ListModels": 1,
        "GetCallerIdentity": 1,
    }


class Sdk(SimpleNamespace):
    """A session of the SageMaker SDK holds a session of boto3 and a client that was made already."""


@pytest.mark.parametrize("kind", ["boto3", "botocore", "client", "sdk", "sdk's boto3"])
def test_all_kinds_of_sessions_are_guarded(aws: Fake, kind: str) -> None:
    session = boto3.Session()
    if kind == "boto3":
        guard(session)
        its = session.client("sagemaker")
    elif kind == "botocore":
        low = botocore.session.get_session()
        guard(low)
        its = low.create_client("sagemaker")
    elif kind == "client":
        its = session.client("sagemaker")
        guard(its)
        session.client("sagemaker").create_training_job(**JOB)
    else:
        its = session.client("sagemaker")
        guard(Sdk(boto_session=session, sagemaker_client=its))
        its = its if kind == "sdk" else session.client("sagemaker")
    before = aws.calls.total()
    with pytest.raises(NonCompliant):
        its.create_training_job(**JOB)
    assert aws.calls.total() == before


def test_without_a_session_all_later_ones_are_guarded(aws: Fake) -> None:
    early = boto3.client("sagemaker")
    first = boto3.DEFAULT_SESSION
    installed = guard()
    assert guard() is installed
    early.create_training_job(**JOB)
    for its in (first.client("sagemaker"), boto3.Session().client("sagemaker")):
        with pytest.raises(NonCompliant):
            its.create_training_job(**{**JOB, "TrainingJobName": "other"})
    assert aws.calls == {"CreateTrainingJob": 1}
    # What is said for one session counts there.
    own = boto3.Session()
    guard(own, mode="warn")
    with pytest.warns(GuardWarning):
        own.client("sagemaker").create_training_job(**{**JOB, "TrainingJobName": "third"})
    installed.remove()
    boto3.Session().client("sagemaker").create_training_job(**{**JOB, "TrainingJobName": "fourth"})
    assert aws.calls == {"CreateTrainingJob": 3}


def test_two_lines_guard_every_kernel(aws: Fake, tmp_path: Path) -> None:
    startup = tmp_path / "sitecustomize.py"
    startup.write_text("from scanner.guard import guard\nguard()\n")
    code = f"import boto3\nboto3.client('sagemaker').create_training_job(**{JOB!r})\n"
    environment = {**aws.environment(), "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert "scanner.guard.NonCompliant: smguard did not send CreateTrainingJob of train:" in done.stderr
    assert not aws.calls


def test_the_last_call_for_a_session_counts_and_it_goes_again(aws: Fake) -> None:
    session = boto3.Session()
    with guard(session) as installed:
        its = session.client("sagemaker")
        assert guard(session, ignore=MISSING | LOW) is installed
        its.create_training_job(**JOB)
        assert guard(session, mode="warn", select=["vpc-config"]) is installed
        with pytest.warns(GuardWarning) as told:
            its.create_training_job(**{**JOB, "TrainingJobName": "other"})
        assert len(told) == 1
        assert told[0].filename == __file__
        guard(session)
        with pytest.raises(NonCompliant):
            its.create_training_job(**JOB)
    its.create_training_job(**{**JOB, "TrainingJobName": "third"})
    assert aws.calls == {"CreateTrainingJob": 3}


def test_filling_gives_what_was_left_out_and_says_so(aws: Fake) -> None:
    its = client()
    guard(its, mode="fill", parameters=PARAMETERS)
    job = deepcopy(BARE)
    with pytest.warns(GuardWarning) as told:
        its.create_training_job(**job)
    assert job == BARE
    sent = aws.log[-1].parameters
    assert sent["VpcConfig"] == {"Subnets": SUBNETS, "SecurityGroupIds": GROUPS}
    assert sent["OutputDataConfig"] == {"S3OutputPath": "s3://output", "KmsKeyId": KEY}
    assert sent["ResourceConfig"] == {**JOB["ResourceConfig"], "VolumeKmsKeyId": KEY}
    assert sent["EnableNetworkIsolation"] is True
    assert sent["EnableInterContainerTrafficEncryption"] is True
    assert len(told) == 1
    text = str(told[0].message)
    assert text.startswith("smguard filled in CreateTrainingJob of train: ")
    assert f"ResourceConfig.VolumeKmsKeyId = {KEY}" in text


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({"EnableNetworkIsolation": False}, "network-isolation"),
        (
            {"OutputDataConfig": {"S3OutputPath": "s3://x", "KmsKeyId": "alias/aws/s3"}},
            "customer-managed-kms-key",
        ),
        ({"VpcConfig": {"Subnets": ["subnet-99999999"], "SecurityGroupIds": GROUPS}}, "vpc-config"),
    ],
)
def test_filling_never_overwrites(aws: Fake, given: dict[str, Any], left: str) -> None:
    its = client()
    guard(its, mode="fill", parameters=PARAMETERS)
    with pytest.warns(GuardWarning, match="filled in"), pytest.raises(NonCompliant) as error:
        its.create_training_job(**{**BARE, **given})
    assert ids(error) == {left}
    assert not aws.calls


def test_filling_reaches_into_lists_and_leaves_what_only_people_know(aws: Fake) -> None:
    its = client()
    guard(its, mode="fill", parameters=PARAMETERS)
    definition = {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1}}
    keyed = {**definition, "OutputDataConfig": {"KmsKeyId": "alias/own"}}
    filled = r"^smguard filled in CreateHyperParameterTuningJob: .*\[0\]\.OutputDataConfig\.KmsKeyId"
    with pytest.warns(GuardWarning, match=filled), suppress(its.exceptions.ClientError):
        its.create_hyper_parameter_tuning_job(TrainingJobDefinitions=(definition, keyed))
    assert (
        aws.log[-1].parameters["TrainingJobDefinitions"][1]["OutputDataConfig"] == keyed["OutputDataConfig"]
    )
    assert aws.calls == {"CreateHyperParameterTuningJob": 1}
    variants = [
        {"VariantName": "a", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    ]
    with pytest.warns(GuardWarning), pytest.raises(NonCompliant) as error:
        its.create_endpoint_config(EndpointConfigName="e", ProductionVariants=variants)
    # What is captured where, and what further instances cost, is not for a parameter to say.
    assert ids(error) == {"endpoint-data-capture", "endpoint-multiple-instances"}
    assert aws.calls == {"CreateHyperParameterTuningJob": 1}


def test_the_steps_of_a_pipeline_are_judged(aws: Fake) -> None:
    its = client()
    guard(its, select=["network-isolation", "volume-kms-key"])
    arguments = {
        "EnableNetworkIsolation": {"Get": "Parameters.Isolated"},
        "ResourceConfig": JOB["ResourceConfig"],
    }
    definition = {
        "Version": "2020-12-01",
        "Parameters": [{"Name": "Isolated", "Type": "Boolean", "DefaultValue": True}],
        "Steps": [{"Name": "Train", "Type": "Training", "Arguments": arguments}],
    }
    pipeline = {"PipelineName": "p", "RoleArn": JOB["RoleArn"], "ClientRequestToken": "t" * 32}
    with pytest.raises(NonCompliant) as error:
        its.create_pipeline(**pipeline, PipelineDefinition=json.dumps(definition))
    found = {(it.control.id, it.resource.name, it.verdict.value) for it in error.value.findings}
    assert found == {("volume-kms-key", "Train", "fail")}
    for odd in ("{", "[]", '{"Version": "2020-12-01"'):
        its.create_pipeline(**{**pipeline, "PipelineName": f"p{len(odd)}"}, PipelineDefinition=odd)
    assert aws.calls == {"CreatePipeline": 3}


def test_what_is_not_known_warns_unless_it_is_to_count(aws: Fake) -> None:
    its = client()
    guard(its, select=["customer-managed-kms-key"])
    job = {**JOB, "OutputDataConfig": {"S3OutputPath": "s3://x", "KmsKeyId": KEY}}
    with pytest.warns(GuardWarning, match="names a key by id or ARN"):
        its.create_training_job(**job)
    guard(its, select=["customer-managed-kms-key"], strict=True)
    with pytest.raises(NonCompliant, match="names a key by id or ARN"):
        its.create_training_job(**job)
    guard(its, select=["customer-managed-kms-key"], strict=True, parameters=PARAMETERS)
    its.create_training_job(**{**job, "TrainingJobName": "other"})
    assert aws.calls == {"CreateTrainingJob": 2}


def test_waivers_cover_by_name_while_they_last(aws: Fake, tmp_path: Path) -> None:
    file = tmp_path / "waivers.yaml"
    lines = [
        f"  - {{control: {each}, resource: train*, reason: known, expires: 2999-01-01}}"
        for each in MISSING | LOW
    ]
    lines.append("  - {control: vpc-config, resource: other, reason: known, expires: 2001-01-01}")
    file.write_text("\n".join(["waivers:", *lines]))
    its = client()
    with pytest.warns(GuardWarning, match="expired"):
        guard(its, waivers=str(file))
    its.create_training_job(**JOB)
    with pytest.raises(NonCompliant):
        its.create_training_job(**{**JOB, "TrainingJobName": "other"})
    assert aws.calls == {"CreateTrainingJob": 1}


class Count(StrEnum):
    """Enumerations are text to boto3."""

    FILE = "ml.m5.large"


def test_what_boto3_takes_for_json_is_judged_as_json(aws: Fake) -> None:
    its = client()
    guard(its, select=["volume-kms-key"])
    resources = {**JOB["ResourceConfig"], "InstanceType": Count.FILE}
    with pytest.raises(NonCompliant):
        its.create_training_job(**{**JOB, "ResourceConfig": resources})
    groups = ({"InstanceGroupName": "a", "InstanceType": "ml.g5.xlarge", "InstanceCount": 1},)
    its.create_training_job(**{**JOB, "ResourceConfig": {"InstanceGroups": groups, "VolumeSizeInGB": 1}})
    assert aws.calls == {"CreateTrainingJob": 1}


def test_threads_share_a_guard(aws: Fake) -> None:
    session = boto3.Session()
    guard(session)
    its = session.client("sagemaker")

    def ask(number: int) -> bool:
        job = {**(GOOD if number % 2 else JOB), "TrainingJobName": f"train-{number}"}
        try:
            its.create_training_job(**job)
        except NonCompliant as error:
            return {finding.resource.name for finding in error.findings} == {f"train-{number}"}
        return bool(number % 2)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(64)))
    assert aws.calls == {"CreateTrainingJob": 32}


def test_a_defect_stops_no_call(aws: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    its = client()
    guard(its, select=["vpc-config"])

    def crash(*_: object) -> None:
        raise KeyError

    monkeypatch.setattr(Engine, "judge", crash)
    with pytest.warns(GuardWarning, match=r"a defect of smguard \(KeyError\)"):
        its.create_training_job(**JOB)
    assert aws.calls == {"CreateTrainingJob": 1}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"mode": "ask"}, "unknown mode 'ask'"),
        ({"fail_on": "LOW"}, "unknown severity 'LOW'"),
        ({"mode": "fill"}, "the mode fill needs parameters"),
        ({"select": ["vpc"]}, "unknown control 'vpc'"),
        ({"waivers": "/nowhere.yaml"}, "the waiver file can't be read"),
        ({"parameters": "/nowhere.yaml"}, "/nowhere.yaml"),
        ({"session": 7}, "int is no session and no client"),
    ],
)
def test_wrong_arguments_are_said(aws: Fake, words: dict[str, Any], told: str) -> None:
    with pytest.raises(SmguardError, match=told):
        guard(**{"session": client(), **words})


def test_names_can_not_act_on_a_terminal(aws: Fake) -> None:
    its = client()
    guard(its)
    with pytest.raises(NonCompliant) as error:
        its.create_training_job(**{**JOB, "TrainingJobName": "a\x1b[2J\nb"})
    assert "\x1b" not in str(error.value)
    assert isinstance(guard(its), Guard)


@pytest.mark.parametrize("everywhere", [False, True])
def test_clients_that_version_3_of_the_sdk_keeps_are_guarded(
    aws: Fake, monkeypatch: pytest.MonkeyPatch, everywhere: bool
) -> None:
    class Cache(type):
        _instances: ClassVar[dict[type, Any]] = {}

    class SageMakerClient(metaclass=Cache):
        pass

    session = boto3.Session()
    its = client(session)
    Cache._instances[SageMakerClient] = {1: SimpleNamespace(session=session, sagemaker_client=its)}
    module: Any = SimpleNamespace(SageMakerClient=SageMakerClient)
    monkeypatch.setitem(sys.modules, "sagemaker.core.utils.utils", module)
    guard(None if everywhere else session)
    with pytest.raises(NonCompliant):
        its.create_training_job(**JOB)
    assert not aws.calls
