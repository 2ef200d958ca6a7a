"""Jobs that both versions of the SageMaker SDK make: what they send is what the reader of code derives.

`make sdk` installs them in environments of their own; without those the tests are skipped.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import yaml

from scanner.code import sdk_config
from scanner.code.judge import judge_code
from scanner.code.value import Choice
from scanner.guard_rules import Rules
from scanner.limits import Limits
from scanner.model import Verdict
from scanner.opening import Candidate
from scanner.value import REST, Partial
from tests.building import ROOT
from tests.door import MEASURED, smguard
from tests.fake_aws import Fake
from tests.guard.calls import FULL, OPERATIONS

pytestmark = pytest.mark.no_cover  # the guard runs elsewhere, and the reader has tests of its own

PYTHONS = {
    "2": Path(os.environ.get("SMGUARD_SDK") or ROOT / "benchmarks/.venvs/sdk", "bin", "python"),
    "3": Path(os.environ.get("SMGUARD_SDK3") or ROOT / "benchmarks/.venvs/sdk3", "bin", "python"),
}
LAST = {"2": "estimator.py", "3": "mlops"}
"""What of a version is installed last."""
PARAMETERS = ROOT / "policies/parameters.yaml"
MODULES = {"TelemetryOptOut": True, "Session": {"DefaultS3Bucket": "example-ml-data"}}
"""Keeps the SDK from telling AWS of its use, and from asking for the account."""
MADE = {
    "2": {
        "CreateAutoMLJob",
        "CreateAutoMLJobV2",
        "CreateCompilationJob",
        "CreateDataQualityJobDefinition",
        "CreateEndpointConfig",
        "CreateHyperParameterTuningJob",
        "CreateModel",
        "CreateModelBiasJobDefinition",
        "CreateModelExplainabilityJobDefinition",
        "CreateModelPackage",
        "CreateModelQualityJobDefinition",
        "CreateMonitoringSchedule",
        "CreateProcessingJob",
        "CreateTrainingJob",
        "CreateTransformJob",
    },
    "3": {
        "CreateEndpointConfig",
        "CreateHyperParameterTuningJob",
        "CreateModel",
        "CreateProcessingJob",
        "CreateTrainingJob",
        "CreateTransformJob",
    },
}
KEYWORDS = {
    "2": ("Estimator(volume_kms_key=…)", "Estimator(subnets=…, security_group_ids=…)"),
    "3": (
        "ModelTrainer(compute=Compute(volume_kms_key_id=…))",
        "ModelTrainer(networking=Networking(subnets=…, security_group_ids=…))",
    ),
}
UNTOLD = ("job-experiment", "ExperimentConfig.ExperimentName")
"""Wrong with a request, but not said by a scan of code: a Run may be open."""
ROUNDS = {"raise": "raise", "fill": "fill", "warn": "warn", "defaults": "warn"}
"""What a version is run for, in order -> the guard's mode."""
OPEN = "open"
"""Begins the names of what the code does not settle: a scan may say that it does not know."""
HUB = "AWS_JUMPSTART_MANIFEST_LOCAL_ROOT_DIR_OVERRIDE", "AWS_JUMPSTART_SPECS_LOCAL_ROOT_DIR_OVERRIDE"
ECR = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
ANSWERS: dict[str, dict[str, Any]] = {
    "DescribeAlgorithm": {
        "AlgorithmName": "own",
        "TrainingSpecification": {
            "SupportedTrainingInstanceTypes": ["ml.m5.large"],
            "TrainingChannels": [
                {"Name": "training", "SupportedContentTypes": ["text/csv"], "SupportedInputModes": ["File"]}
            ],
        },
    },
    "DescribeCompilationJob": {
        "CompilationJobStatus": "COMPLETED",
        "InferenceImage": f"{ECR}/compiled@sha256:{'0' * 64}",
        "ModelArtifacts": {"S3ModelArtifacts": "s3://example-ml-data/compiled.tar.gz"},
    },
    "DescribeModelPackage": {"InferenceSpecification": {"Containers": []}, "ModelApprovalStatus": "Approved"},
}
"""What is asked of what others have made."""
ELSEWHERE = ("CreateEndpoint", "CreatePipeline")
"""They name what was made before, or hold what their steps make."""
STEPS = {body["steps"][0]: OPERATIONS[kind] for kind, body in FULL.types.items() if body.get("steps")}
Requests = dict[str, tuple[str, dict[str, Any]]]
"""Name of a resource -> its operation and request."""


class Ran(NamedTuple):
    """What a file of jobs sent, by the start of its names, and what was said of it; of each round."""

    sent: dict[str, Requests]
    told: dict[str, Any]


def run(version: str, folder: Path, defaults: Path) -> Ran:
    config = folder / "config.yaml"
    quiet = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": MODULES}}}
    config.write_text(yaml.safe_dump(quiet), encoding="utf-8")
    words = [
        word for it, mode in ROUNDS.items() for word in (it, mode, defaults if it == "defaults" else config)
    ]
    _write_hub(folder)
    # Nothing but the fake can be reached.
    closed = {
        "HOME": str(folder),
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(folder),
    }
    closed |= {**dict.fromkeys(HUB, str(folder)), "PARAMETERS": str(PARAMETERS)}
    with Fake() as fake:
        for operation in ("GetRole", "SimulatePrincipalPolicy"):  # version 3 does without
            fake.fail(operation, "AccessDenied")
        if version == "2":
            fake.fail("DescribeTrainingJob")  # which ends a remote function, once it is sent
        for operation, answer in ANSWERS.items():
            fake.answer("sagemaker", operation, answer)
        it = subprocess.run(
            [PYTHONS[version], here("run_jobs.py"), here(f"sdk{version}_jobs.py"), *words],
            env={"PATH": os.environ["PATH"], **closed, **fake.environment()},
            capture_output=True,
            text=True,
            check=False,
        )
    assert it.returncode == 0, it.stdout + it.stderr
    sent: dict[str, Requests] = {name: {} for name in ROUNDS}
    names = iter(ROUNDS)
    for call in fake.log:
        if call.operation == "ListDomains":
            name = next(names)
        elif call.service == "sagemaker" and call.operation.startswith("Create"):
            sent[name].update(_requests(call.operation, call.parameters))
    return Ran(sent, json.loads(it.stdout.splitlines()[-1]))


def _write_hub(folder: Path) -> None:
    """A hub with one model, as the SDK reads it from a folder."""
    image = {
        "regional_aliases": {"us-east-1": {"alias_ecr_uri_1": f"{ECR}/of-hub:1"}},
        "variants": {"m5": {"regional_properties": {"image_uri": "$alias_ecr_uri_1"}}},
    }
    spoken = "application/json"
    model: dict[str, Any] = {
        "model_id": "of-hub",
        "version": "1.0.0",
        "min_sdk_version": "2.0.0",
        "hosting_artifact_key": "m.tar.gz",
        "hosting_script_key": "s.tar.gz",
        "hosting_instance_type_variants": image,
        "default_inference_instance_type": "ml.m5.large",
        "supported_inference_instance_types": ["ml.m5.large"],
        "inference_enable_network_isolation": False,
        "predictor_specs": {
            **{f"default_{word}_type": spoken for word in ("content", "accept")},
            **{f"supported_{word}_types": [spoken] for word in ("content", "accept")},
        },
        "training_supported": True,
        "training_artifact_key": "m.tar.gz",
        "training_script_key": "s.tar.gz",
        "training_instance_type_variants": image,
        "default_training_instance_type": "ml.m5.large",
        "supported_training_instance_types": ["ml.m5.large"],
        "training_enable_network_isolation": True,
        "estimator_kwargs": {"encrypt_inter_container_traffic": True},
    }
    place = {
        "min_version": "2.0.0",
        "spec_key": "spec.json",
        **{key: model[key] for key in ("model_id", "version")},
    }
    (folder / "models_manifest.json").write_text(json.dumps([place]), encoding="utf-8")
    (folder / "spec.json").write_text(json.dumps(model), encoding="utf-8")


def _requests(operation: str, given: dict[str, Any]) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    """What a call makes, and the steps of a pipeline, by name."""
    if operation == "CreatePipeline":
        yield from _made(json.loads(given["PipelineDefinition"])["Steps"])
    config = given.get("MonitoringScheduleConfig", {})
    if operation not in ELSEWHERE and "MonitoringJobDefinitionName" not in config:
        ends = (
            "JobName",
            "JobDefinitionName",
            "ScheduleName",
            "ConfigName",
            f"{operation.removeprefix('Create')}Name",
        )
        name = next(value for key, value in given.items() if key.endswith(ends))
        name = re.sub(r"^compilation-(.*)", r"\1.compile_model/CompilationJob", re.sub(r"-\d.*", "", name))
        yield name.replace("-", "_"), (operation, given)


def _made(steps: list[dict[str, Any]]) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    for step in steps:
        if step["Type"] == "Condition":
            yield from _made(step["Arguments"]["IfSteps"] + step["Arguments"]["ElseSteps"])
        else:
            name = re.sub("-(CreateModel|RegisterModel)$", "", step["Name"])
            yield name.replace("-", "_"), (STEPS[step["Type"]], step["Arguments"])


def here(name: str) -> Path:
    return Path(__file__).with_name(name)


@pytest.fixture(scope="module", params=PYTHONS)
def version(request: pytest.FixtureRequest) -> str:
    python = PYTHONS[request.param]
    if not [*python.parent.parent.glob(f"lib/*/site-packages/sagemaker/{LAST[request.param]}")]:
        pytest.skip(f"SageMaker SDK {request.param} is not there, or in part; `make sdk` installs it")
    return str(request.param)


@pytest.fixture(scope="module")
def defaults(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `smguard sdk-defaults` writes; the SDK does without what it asks AWS for."""
    path = tmp_path_factory.mktemp("defaults") / "config.yaml"
    done = smguard("sdk-defaults", "--parameters", PARAMETERS, "-o", path, **MEASURED)
    assert done.code == 0, done.err
    written = yaml.safe_load(path.read_text(encoding="utf-8"))
    written["SageMaker"]["PythonSDK"]["Modules"].update(MODULES)
    path.write_text(yaml.safe_dump(written), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def ran(version: str, tmp_path_factory: pytest.TempPathFactory, defaults: Path) -> Ran:
    return run(version, tmp_path_factory.mktemp("jobs"), defaults)


def derived(version: str, config: Any) -> dict[str, tuple[str, Any]]:
    """Name of a resource -> its operation and request, as the reader of code derives it."""
    found: dict[str, tuple[str, Any]] = {}

    def take(source: Any, subject: Any, controls: Any, kind: str, name: str, *where: Any) -> None:
        found[name.replace("-", "_")] = OPERATIONS[kind], subject.properties

    everything = dict.fromkeys(FULL.types, ())
    judge: Any = SimpleNamespace(
        controls=everything,
        path_settings=None,
        kinds={},
        limits=SimpleNamespace(worlds=1),
        judge_subject=take,
    )
    path = here(f"sdk{version}_jobs.py")
    text = path.read_text(encoding="utf-8")
    judge_code(judge, FULL.types, text, Candidate(str(path), str(path), ""), config)
    return found


def unsent(version: str, round_: str) -> set[str]:
    """What version 3 of the SDK refuses of its own defaults; a model that is sent when it is deployed."""
    refused = {"bare_transform", "kept_transform"} if round_ == "defaults" else set()
    return refused if version == "3" else {"open_compiled.compile_model"}


def differences(ours: Any, sent: Any, at: str = "") -> Iterator[str]:
    """What the reader holds for known and is sent otherwise."""
    if isinstance(ours, dict):
        for name, value in ours.items():
            if name != REST:
                below = sent.get(name, "nothing") if isinstance(sent, dict) else "nothing"
                yield from differences(value, below, f"{at}.{name}".lstrip("."))
    elif isinstance(ours, list) and isinstance(sent, list) and len(ours) == len(sent):
        for number, (one, other) in enumerate(zip(ours, sent, strict=True)):
            yield from differences(one, other, f"{at}[{number}]")
    elif isinstance(ours, Choice):
        either = [list(differences(leaf, sent, at)) for leaf in (ours.yes, ours.no)]
        yield from () if [] in either else either[0]
    elif isinstance(ours, Partial):
        text = ours.parts[0] if isinstance(ours.parts[0], str) else ""
        if not str(sent).startswith(text):
            yield f"{at}: {text!r}…, but {sent!r} is sent"
    elif ours not in (sent, str(sent)) and (ours, sent) != (False, "nothing"):
        yield f"{at}: {ours!r}, but {sent!r} is sent"


@pytest.mark.parametrize("round_", ["warn", "defaults"])
def test_what_is_sent_is_what_the_reader_derives(version: str, ran: Ran, defaults: Path, round_: str) -> None:
    config = sdk_config.read((str(defaults),), Limits()) if round_ == "defaults" else {}
    ours, sent = derived(version, config), ran.sent[round_]
    assert ours.keys() - sent.keys() == unsent(version, round_)
    assert sent.keys() <= ours.keys()
    assert {operation for operation, _ in ours.values()} == MADE[version]
    for name, (operation, request) in sent.items():
        assert operation == ours[name][0]
        assert not list(differences(ours[name][1], request)), name


@pytest.mark.parametrize("round_", ["warn", "defaults"])
def test_a_scan_finds_in_the_code_what_is_wrong_with_what_is_sent(
    version: str, ran: Ran, defaults: Path, round_: str
) -> None:
    rules = Rules("raise", None, (), (), None, False)
    sent = {
        (name, it.control.id, it.verdict.value, it.location.path)
        for name, (operation, request) in ran.sent[round_].items()
        for it in rules.judge(operation, request)
        if (it.control.id, it.location.path) != UNTOLD
    }
    options = ["--sdk-config", defaults] if round_ == "defaults" else []
    words = (here(f"sdk{version}_jobs.py"), *options, "-f", "json", "--no-config")
    report = smguard("scan", *words, **MEASURED).report
    assert not report["gaps"]
    found = {
        (it["resource"]["name"].replace("-", "_"), it["control"], it["verdict"], it["location"]["path"])
        for it in report["findings"]
        if "that is not in this scan" not in it["message"]
    }
    found = {it for it in found if it[0] not in unsent(version, round_)}
    unknown = {it[:2] for it in found if it[0].startswith(OPEN) and it[2] == "unknown"}
    assert {it for it in found if it[:2] not in unknown} == {it for it in sent if it[:2] not in unknown}
    # No default pins an image.
    failing = {
        name for name, control, verdict, _ in found if (verdict == "fail") > (control == "pinned-images")
    }
    bare = {name for name in ran.sent[round_] if name.startswith("bare")}
    assert failing >= bare if round_ == "warn" else bare - failing


def test_the_guard_names_the_keywords_of_the_version(version: str, ran: Ran) -> None:
    told = ran.told["warn"]
    assert told["stopped"] is None
    text = next(text for text, _ in told["warned"] if "CreateTrainingJob of bare-training-" in text)
    assert [each for each in KEYWORDS[version] if each not in text] == []
    assert {Path(file).name for _, file in told["warned"]} == {f"sdk{version}_jobs.py"}


def test_only_what_the_sdk_itself_refuses_is_not_sent(version: str, ran: Ran) -> None:
    told = ran.told["defaults"]["stopped"]
    assert told is None if version == "2" else "KmsKeyId\n  Extra inputs are not permitted" in told


def test_filling_gives_what_the_defaults_of_the_sdk_cannot(ran: Ran) -> None:
    operation, request = ran.sent["fill"]["bare_training"]
    told = Rules("raise", None, (), (), None, False).judge(operation, request)
    assert {it.control.id for it in told if it.verdict is Verdict.FAIL} == {UNTOLD[0], "pinned-images"}
    # Nothing is filled in that was refused, or that costs money.
    assert ran.told["fill"]["stopped"].startswith("smguard did not send Create")


def test_nothing_that_fails_is_sent(ran: Ran) -> None:
    assert ran.sent["raise"] == {}
    assert ran.told["raise"]["stopped"].startswith("smguard did not send CreateTrainingJob of bare-training-")


def test_what_the_guide_says_guards_every_notebook(tmp_path: Path) -> None:
    """The commands of the guide, run by a shell, and then a cell by IPython, as a kernel starts it."""
    if not list(PYTHONS["2"].parent.parent.glob("lib/*/site-packages/IPython")):
        pytest.skip("there is no IPython beside the SageMaker SDK 2; `make sdk` installs it")
    guide = (ROOT / "docs/guard.md").read_text(encoding="utf-8")
    commands = guide.partition("### In every kernel")[2].partition("```bash\n")[2].partition("```")[0]
    cell = "import boto3; boto3.client('sagemaker').create_model(ModelName='m')"
    with Fake() as fake:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **fake.environment()}
        subprocess.run(["sh", "-c", commands], env=environment, check=True)
        done = subprocess.run(
            [PYTHONS["2"], "-m", "IPython", "--colors=NoColor", "-c", cell],
            env={**environment, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "NonCompliant: smguard did not send CreateModel of m:" in done.stdout + done.stderr
        assert not fake.calls
