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

from scanner.code.judge import judge_code
from scanner.guard_rules import Rules
from scanner.opening import Candidate
from scanner.value import REST, Partial
from tests.building import ROOT
from tests.door import MEASURED, smguard
from tests.fake_aws import Fake
from tests.guard.calls import FULL, OPERATIONS

PYTHONS = {
    "2": Path(os.environ.get("SMGUARD_SDK") or ROOT / "benchmarks/.venvs/sdk", "bin", "python"),
    "3": Path(os.environ.get("SMGUARD_SDK3") or ROOT / "benchmarks/.venvs/sdk3", "bin", "python"),
}
QUIET = "SchemaVersion: '1.0'\nSageMaker: {PythonSDK: {Modules: {TelemetryOptOut: true}}}\n"
KEYWORDS = {
    "2": ("Estimator(volume_kms_key=…)", "Estimator(subnets=…, security_group_ids=…)"),
    "3": (
        "ModelTrainer(compute=Compute(volume_kms_key_id=…))",
        "ModelTrainer(networking=Networking(subnets=…, security_group_ids=…))",
    ),
}


class Ran(NamedTuple):
    """What a file of jobs sent, by the start of its names, and what was said of it."""

    sent: dict[str, tuple[str, dict[str, Any]]]
    warned: list[tuple[str, str]]
    stopped: str | None


def run(version: str, mode: str, folder: Path) -> Ran:
    config = folder / "config.yaml"
    config.write_text(QUIET, encoding="utf-8")
    # Nothing but the fake can be reached.
    closed = {"HOME": str(folder), "HTTPS_PROXY": "http://127.0.0.1:9", "PYTHONPATH": str(ROOT)}
    closed["SAGEMAKER_USER_CONFIG_OVERRIDE"] = str(config)
    with Fake() as fake:
        for operation in ("GetRole", "SimulatePrincipalPolicy"):  # version 3 does without
            fake.fail(operation, "AccessDenied")
        it = subprocess.run(
            [PYTHONS[version], here("run_jobs.py"), here(f"sdk{version}_jobs.py"), mode],
            env={"PATH": os.environ["PATH"], **closed, **fake.environment()},
            capture_output=True,
            text=True,
            check=False,
        )
    assert it.returncode == 0, it.stdout + it.stderr
    told = json.loads(it.stdout.splitlines()[-1])
    calls = [each for each in fake.log if each.operation.startswith("Create") and each.service == "sagemaker"]
    sent = {}
    for call in calls:
        name = next(value for key, value in call.parameters.items() if key.endswith(("JobName", "ModelName")))
        sent[re.sub(r"-\d.*", "", name).replace("-", "_")] = call.operation, call.parameters
    return Ran(sent, told["warned"], told["stopped"])


def here(name: str) -> Path:
    return Path(__file__).with_name(name)


@pytest.fixture(scope="module", params=PYTHONS)
def version(request: pytest.FixtureRequest) -> str:
    if not PYTHONS[request.param].exists():
        pytest.skip(f"there is no SageMaker SDK {request.param}; `make sdk` installs it")
    return str(request.param)


@pytest.fixture(scope="module")
def ran(version: str, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    return run(version, "warn", tmp_path_factory.mktemp("jobs"))


def derived(version: str) -> dict[str, tuple[str, Any]]:
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
    judge_code(judge, FULL.types, path.read_text(encoding="utf-8"), Candidate(str(path), str(path), ""))
    return found


def differences(ours: Any, sent: Any, at: str = "") -> Iterator[str]:
    """What the reader holds for known and is sent otherwise."""
    if isinstance(ours, dict):
        for name, value in ours.items():
            if name != REST:
                below = sent.get(name, "nothing") if isinstance(sent, dict) else "nothing"
                yield from differences(value, below, f"{at}.{name}".lstrip("."))
    elif isinstance(ours, Partial):
        return
    elif ours != sent:
        yield f"{at}: {ours!r}, but {sent!r} is sent"


def test_what_is_sent_is_what_the_reader_derives(version: str, ran: Ran) -> None:
    ours = derived(version)
    assert ours.keys() == ran.sent.keys()
    assert len(ours) == 8
    for name, (operation, request) in ours.items():
        assert operation == ran.sent[name][0]
        assert not list(differences(request, ran.sent[name][1])), name


def test_a_scan_finds_in_the_code_what_is_wrong_with_what_is_sent(version: str, ran: Ran) -> None:
    rules = Rules("raise", None, (), (), None, False)
    sent = {
        (name, it.control.id, it.verdict.value, it.location.path)
        for name, (operation, request) in ran.sent.items()
        for it in rules.judge(operation, request)
    }
    report = smguard("scan", here(f"sdk{version}_jobs.py"), "-f", "json", "--no-config", **MEASURED).report
    assert not report["gaps"]
    found = {
        (it["resource"]["name"].replace("-", "_"), it["control"], it["verdict"], it["location"]["path"])
        for it in report["findings"]
        if "that is not in this scan" not in it["message"]
    }
    assert found == sent
    assert {name for name, *_ in found} >= {name for name in ran.sent if name.startswith("bare")}


def test_the_guard_names_the_keywords_of_the_version(version: str, ran: Ran) -> None:
    assert ran.stopped is None
    text = next(text for text, _ in ran.warned if "CreateTrainingJob of bare-training-" in text)
    assert [each for each in KEYWORDS[version] if each not in text] == []
    assert {Path(file).name for _, file in ran.warned} == {f"sdk{version}_jobs.py"}


def test_nothing_that_fails_is_sent(version: str, tmp_path: Path) -> None:
    ran = run(version, "raise", tmp_path)
    assert ran.sent == {}
    assert ran.stopped is not None
    assert ran.stopped.startswith("smguard did not send CreateTrainingJob of bare-training-")
