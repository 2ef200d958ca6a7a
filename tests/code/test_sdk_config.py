"""Jobs with the SageMaker SDK's defaults, config.yaml: what they fill in, and what wins over them."""

# ruff: noqa: E501 - code in a table is easier to read on one line

from __future__ import annotations

from pathlib import Path

import pytest

from scanner.code import sdk_config
from scanner.limits import Limits
from scanner.model import SmguardError
from tests.code.test_laws import judged_file
from tests.door import smguard

VPC = "{Subnets: [subnet-1], SecurityGroupIds: [sg-1]}"
CONFIG = f"""
SchemaVersion: "1.0"
SageMaker:
  TrainingJob:
    EnableNetworkIsolation: true
    ResourceConfig: {{VolumeKmsKeyId: k}}
    VpcConfig: {VPC}
  ProcessingJob:
    NetworkConfig: {{EnableNetworkIsolation: true, VpcConfig: {VPC}}}
    ProcessingOutputConfig: {{KmsKeyId: k}}
    ProcessingResources: {{ClusterConfig: {{VolumeKmsKeyId: k}}}}
  Model: {{EnableNetworkIsolation: true, VpcConfig: {VPC}}}
  EndpointConfig: {{KmsKeyId: k, DataCaptureConfig: {{KmsKeyId: k}}}}
  PythonSDK:
    Modules:
      ModelTrainer: {{networking: {{subnets: [s], security_group_ids: [g]}}}}
      RemoteFunction: {{VolumeKmsKeyId: k}}
"""
START = """
import boto3, sagemaker
from settings import key
from sagemaker.estimator import Estimator
from sagemaker.network import NetworkConfig
from sagemaker.processing import Processor
from sagemaker.remote_function import remote
from sagemaker.train import ModelTrainer, configs, tuner
from sagemaker.tuner import HyperparameterTuner
"""
LOOKED_AT = ("network-isolation", "volume-kms-key", "vpc-config")
# code -> the verdicts of LOOKED_AT on its only resource, in order
CASES = {
    "Estimator('i', 'r', 1, 'ml.m5.large')": "pass pass pass",
    "Estimator('i', 'r', 1, 'ml.m5.large', volume_kms_key=key)": "pass pass pass",
    "Estimator('i', 'r', 1, 'ml.m5.large', volume_kms_key='l' if key else None)": "pass pass pass",
    "Estimator('i', 'r', 1, 'ml.m5.large', enable_network_isolation=False)": "fail pass pass",
    "Estimator('i', 'r', 1, 'ml.m5.large', sagemaker_session=sagemaker.Session(sagemaker_config={'SchemaVersion': '1.0'}))": "unknown unknown unknown",
    "HyperparameterTuner(Estimator('i', 'r', 1, 'ml.m5.large'), 'm', {})": "pass pass pass",
    "Processor('r', 'i', 1, 'ml.m5.large')": "pass pass pass",
    "Processor('r', 'i', 1, 'ml.m5.large', network_config=NetworkConfig(False, subnets=['s']))": "fail pass pass",
    "sagemaker.Model('i')": "pass pass",
    "@remote(instance_type='ml.m5.large')\ndef f(): pass": "fail pass fail",
    "ModelTrainer(role='r')": "pass fail pass",
    "ModelTrainer(role='r', networking=configs.Networking(enable_network_isolation=True))": "pass fail fail",
    "ModelTrainer(role='r', networking=key)": "unknown fail unknown",
    "tuner.HyperparameterTuner(ModelTrainer(role='r'), 'm', {})": "fail fail fail",
    "boto3.client('sagemaker').create_training_job(TrainingJobName='j', ResourceConfig={'InstanceType': 'ml.m5.large'})": "fail fail fail",
}


@pytest.fixture(name="config")
def config_of_the_sdk(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.mark.parametrize("code", CASES)
def test_what_is_left_out_is_the_default(config: Path, code: str) -> None:
    defaults = sdk_config.read((str(config),), Limits())
    found = judged_file(START + code, defaults)
    verdicts = {at[1]: verdict.name.lower() for at, verdict in found.items() if at[1] in LOOKED_AT}
    assert " ".join(verdicts[control] for control in sorted(verdicts)) == CASES[code]


@pytest.mark.parametrize(("given", "expected"), [("", "unknown"), ("instance_type='ml.m5.large'", "fail")])
def test_a_remote_function_without_an_instance_type_needs_a_config(given: str, expected: str) -> None:
    found = judged_file(START + f"@remote({given})\ndef f(): pass")
    assert {verdict.name.lower() for at, verdict in found.items() if at[1] in LOOKED_AT[1:]} == {expected}


@pytest.mark.parametrize("where", ["option", "folder", "configuration"])
def test_the_command_takes_it(config: Path, tmp_path: Path, where: str) -> None:
    code = tmp_path / "train.py"
    code.write_text(START + "Estimator('i', 'r', 1, 'ml.m5.large')", encoding="utf-8")
    (tmp_path / "more.yaml").write_text(
        "SageMaker: {TrainingJob: {VpcConfig: {Subnets: [s]}}}", encoding="utf-8"
    )
    (tmp_path / "own.yaml").write_text(f"sdk-config: ['{config}']\n", encoding="utf-8")
    more = ["--sdk-config", str(tmp_path / "more.yaml")]
    options = {
        "option": ["--sdk-config", str(config), *more, "--no-config"],
        "folder": ["--sdk-config", str(tmp_path), *more, "--no-config"],
        "configuration": ["--config", str(tmp_path / "own.yaml")],
    }[where]
    select = [word for control in LOOKED_AT for word in ("--select", control)]
    assert smguard("scan", code, "--no-config", *select).code == 1
    assert smguard("scan", code, *options, *select).code == 0


@pytest.mark.parametrize("text", ["[1]", "SageMaker: 1", "{", None])
def test_what_is_no_config_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "config.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(SmguardError, match="defaults"):
        sdk_config.read((str(path),), Limits())
