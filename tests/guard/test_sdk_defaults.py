"""`smguard sdk-defaults`: what it writes fits the SDK's schema and satisfies the controls that ask for it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from scanner.folder import read_data
from scanner.guard_rules import Rules
from tests.building import ROOT
from tests.door import called

PARAMETERS = ROOT / "policies" / "parameters.yaml"
SCHEMA = json.loads((ROOT / "tests/schemas/sagemaker-sdk-config.json").read_text(encoding="utf-8"))
CORE = ("vpc-config", "network-isolation", "inter-container-encryption", "volume-kms-key", "output-kms-key")
CLUSTER = {"InstanceType": "ml.m5.large", "InstanceCount": 2}
PLAIN = {
    "AutoMLJob": {},
    "AutoMLJobV2": {},
    "CompilationJob": {},
    "EdgePackagingJob": {},
    "EndpointConfig": {
        "ProductionVariants": [{"VariantName": "a", "ModelName": "m", "InstanceType": "ml.m5.large"}]
    },
    "FeatureGroup": {},
    "Model": {},
    "MonitoringSchedule": {
        "MonitoringScheduleConfig": {
            "MonitoringJobDefinition": {"MonitoringResources": {"ClusterConfig": CLUSTER}}
        }
    },
    "ProcessingJob": {"ProcessingResources": {"ClusterConfig": CLUSTER}},
    "TrainingJob": {"ResourceConfig": CLUSTER},
    "TransformJob": {"TransformResources": CLUSTER},
}
"""What a call says by itself."""
NOT_BY_DEFAULT = {("EndpointConfig", "network-isolation"), ("EndpointConfig", "vpc-config")}
"""Where the SDK has no default; without an image in the configuration itself, the model's count."""


def written(*words: str | Path) -> str:
    done = called("sdk-defaults", "--parameters", PARAMETERS, *words)
    assert done.code == 0, done.err
    return done.out


@pytest.fixture(scope="module")
def config() -> Any:
    return yaml.safe_load(written())


def merged(given: Any, default: Any) -> Any:
    """As the SDK does it: what is given counts, deeper mappings are completed."""
    if isinstance(given, dict) and isinstance(default, dict):
        return {**default, **{name: merged(value, default.get(name)) for name, value in given.items()}}
    return given


def leaves(node: Any, at: str = "") -> Iterator[str]:
    for name, below in node.items():
        path = f"{at}.{name}".lstrip(".")
        yield from leaves(below, path) if isinstance(below, dict) else [path]


def test_it_fits_the_schema_of_the_sdk(config: Any) -> None:
    assert not list(Draft202012Validator(SCHEMA).iter_errors(config))
    broken = {**config, "SageMaker": {**config["SageMaker"], "Training": {}}}
    assert list(Draft202012Validator(SCHEMA).iter_errors(broken))


@pytest.mark.parametrize("job", PLAIN)
def test_a_plain_call_with_the_defaults_passes(config: Any, job: str) -> None:
    rules = Rules("raise", str(PARAMETERS), CORE, (), None, False)
    bare = {it.control.id for it in rules.judge(f"Create{job}", PLAIN[job])}
    found = rules.judge(f"Create{job}", merged(PLAIN[job], config["SageMaker"][job]))
    assert bare - {it.control.id for it in found} or job == "FeatureGroup"
    assert {(job, it.control.id) for it in found} <= NOT_BY_DEFAULT


def test_every_default_that_is_recorded_is_written_and_one_that_the_sdk_takes(config: Any) -> None:
    data = read_data("policies", "_defaults.yaml")
    assert set(leaves(config["SageMaker"])) == {*data["sdk-config"], *data["sdk-modules"]}
    assert PLAIN.keys() == {path.partition(".")[0] for path in data["sdk-config"]}


def test_comments_say_what_can_not_be_a_default() -> None:
    comments = [line for line in written().splitlines() if line.startswith("#")]
    nvme = next(line for line in comments if "local NVMe storage" in line)
    assert "TrainingJob.ResourceConfig.VolumeKmsKeyId" in nvme
    serverless = next(line for line in comments if "serverless variants" in line)
    assert serverless.endswith("EndpointConfig.KmsKeyId")
    assert "#   EndpointConfig.VpcConfig.Subnets (vpc-config)" in comments


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    assert written("-o", path) == ""
    assert path.read_text(encoding="utf-8") == written()


@pytest.mark.parametrize(
    ("old", "new", "words", "told"),
    [
        ("o-exampleorgid", "7", (), "organization-id"),
        ("arn:aws:", "arn:aws-cn:", (), "is an ARN of another partition than aws"),
        (
            "[sg-11111111111111111]",
            str([f"sg-{n:08d}" for n in range(6)]),
            (),
            "are more than the 5 that AWS takes",
        ),
        ("", "", ("--partition", "aws-cn"), "is an ARN of another partition than aws-cn"),
    ],
)
def test_wrong_parameters_are_said(
    tmp_path: Path, old: str, new: str, words: tuple[str, ...], told: str
) -> None:
    path = tmp_path / "parameters.yaml"
    path.write_text(
        PARAMETERS.read_text(encoding="utf-8").replace(old, new) if old else PARAMETERS.read_text()
    )
    done = called("sdk-defaults", "--parameters", path, *words)
    assert (done.code, done.out) == (2, "")
    assert told in done.err


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = called("sdk-defaults", "--parameters", tmp_path / "none.yaml")
    assert done.code == 2
    assert "none.yaml" in done.err
