"""The SageMaker SDK itself, under the guard and with the defaults that we write; requests caught over HTTP.

`make sdk` installs it in an environment of its own; without that the tests are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from scanner.guard_rules import Rules
from tests.building import ROOT
from tests.door import called
from tests.fake_aws import Fake

PYTHON = Path(os.environ.get("SMGUARD_SDK") or ROOT / "benchmarks/.venvs/sdk", "bin", "python")
PARAMETERS = ROOT / "policies" / "parameters.yaml"
JOBS = ("TrainingJob", "HyperParameterTuningJob", "ProcessingJob", "TransformJob", "Model", "AutoMLJob")
ALL = ["inter-container-encryption", "network-isolation", "output-kms-key", "volume-kms-key", "vpc-config"]
WARNED = {
    "TrainingJob": ["job-experiment", "pinned-images"],
    "HyperParameterTuningJob": ["pinned-images"],
    "ProcessingJob": ["job-experiment", "pinned-images"],
    "TransformJob": ["job-experiment"],
    "Model": ["pinned-images", "private-image-registry"],
    "AutoMLJob": [],
}
"""What is of low severity, and no default can give."""
pytestmark = pytest.mark.skipif(
    not PYTHON.exists(), reason="there is no SageMaker SDK; `make sdk` installs it"
)


class Ran(NamedTuple):
    """What the SDK made in each round, and what it sent for that: round -> type -> request."""

    made: dict[str, Any]
    sent: dict[str, dict[str, Any]]
    schema: Any


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("sdk")
    config = folder / "config.yaml"
    done = called("sdk-defaults", "--parameters", PARAMETERS, "-o", config)
    assert done.code == 0, done.err
    # Nothing but the fake can be reached.
    closed = {"HOME": str(folder), "HTTPS_PROXY": "http://127.0.0.1:9", "PYTHONPATH": str(ROOT)}
    with Fake() as fake:
        it = subprocess.run(
            [PYTHON, Path(__file__).with_name("sdk_calls.py"), config, PARAMETERS],
            env={"PATH": os.environ["PATH"], **closed, **fake.environment()},
            capture_output=True,
            text=True,
            check=False,
        )
    assert it.returncode == 0, it.stdout + it.stderr
    told = json.loads(it.stdout.splitlines()[-1])
    sent: dict[str, dict[str, Any]] = {name: {} for name in told["made"]}
    for call in fake.log:
        if call.service == "sagemaker" and call.operation.startswith("Create"):
            name = list(sent)[int(call.account[0]) - 1]
            sent[name][call.operation.removeprefix("Create")] = call.parameters
    return Ran(told["made"], sent, told["schema"])


def test_what_the_sdk_asks_for_is_stopped(ran: Ran) -> None:
    assert ran.made["guarded"] == {
        "TrainingJob": ALL,
        "HyperParameterTuningJob": ALL,
        "ProcessingJob": [it for it in ALL if it != "output-kms-key"],  # it has no output
        "TransformJob": ["output-kms-key", "volume-kms-key"],
        "Model": ["network-isolation", "vpc-config"],
        "AutoMLJob": [it for it in ALL if it != "network-isolation"],
    }
    assert not ran.sent["guarded"]


def test_with_the_defaults_only_what_is_no_default_is_warned_of(ran: Ran) -> None:
    assert ran.made["defaults"] == dict.fromkeys(JOBS, "sent")
    rules = Rules("raise", str(PARAMETERS), (), (), None, False)
    found = {job: rules.judge(f"Create{job}", request) for job, request in ran.sent["defaults"].items()}
    assert not [it for job in JOBS for it in found[job] if rules.counts(it)]
    assert {job: sorted(it.control.id for it in found[job]) for job in JOBS} == WARNED


def test_what_the_sdk_leaves_out_is_filled_in(ran: Ran) -> None:
    # The SDK's AutoML itself says False, which is not touched.
    stopped = {"AutoMLJob": ["inter-container-encryption"]}
    assert ran.made["filled"] == {**dict.fromkeys(JOBS, "sent"), **stopped}


@pytest.mark.parametrize("job", JOBS[:-1])
def test_what_is_filled_in_is_what_the_defaults_say(ran: Ran, job: str) -> None:
    filled, default = (
        {
            key: value
            for key, value in ran.sent[name][job].items()
            if not key.endswith(("JobName", "ModelName"))
        }
        for name in ("filled", "defaults")
    )
    assert filled == default


def test_the_recorded_schema_is_that_of_the_sdk(ran: Ran) -> None:
    recorded = json.loads((ROOT / "tests/schemas/sagemaker-sdk-config.json").read_text(encoding="utf-8"))
    assert ran.schema == recorded
