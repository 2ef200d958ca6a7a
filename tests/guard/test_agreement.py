"""The same job under the guard, as request, step of a pipeline, state and code: the same findings."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name

from scanner.guard_rules import Rules
from tests.door import smguard
from tests.fake_aws import Fake
from tests.guard.calls import FULL, Asked, Example, examples
from tests.guard.sdk_forms import CLASSES, as_class, as_resource

pytestmark = pytest.mark.no_cover  # hundreds of examples, where a few cover as much

STEPS = {kind: body["steps"][0] for kind, body in FULL.types.items() if body.get("steps")}
RUN = "job-experiment"
"""The control on what the SDK takes from an open Run, which neither code nor keywords tell."""
ELSEWHERE = ("that is not in this scan", "depends on another resource")
"""What a scan says of settings that other resources have: the guard judged those when they were made."""
Found = Counter[tuple[str, str, str]]
"""Control, verdict and property path."""


def written(asked: Asked) -> dict[str, str]:
    """A file's name -> the job as it is written there."""
    dashed = xform_name(asked.operation, "-")
    task = {
        "Type": "Task",
        "End": True,
        "Resource": f"arn:aws:states:::aws-sdk:sagemaker:{asked.operation[0].lower()}{asked.operation[1:]}",
        "Parameters": asked.parameters,
    }
    files = {
        "state.json": json.dumps({"StartAt": "S", "States": {"S": task}}),
        "code.py": f"import boto3\n\nclient = boto3.client('sagemaker')\n"
        f"client.{xform_name(asked.operation)}(**{asked.parameters!r})\n",
    }
    if asked.parameters:  # else nothing tells what it is
        files[f"{dashed}.json"] = json.dumps(asked.parameters)
    if asked.kind in STEPS:
        step = {"Name": "S", "Type": STEPS[asked.kind], "Arguments": asked.parameters}
        # Else its experiment is the pipeline's, and no request holds that.
        definition = {"Version": "2020-12-01", "PipelineExperimentConfig": None, "Steps": [step]}
        files["pipeline.json"] = json.dumps(definition)
    generated = as_resource(asked)
    if generated is not None:
        files["generated.py"] = generated
    return files


def judged(rules: Rules, operation: str, request: dict[str, Any]) -> Found:
    """What the guard says of a request."""
    found = rules.judge(operation, request)
    return Counter((it.control.id, it.verdict.value, it.location.path) for it in found)


def own(found: Found, control: str) -> Found:
    """What is of one control."""
    return Counter({each: number for each, number in found.items() if each[0] == control})


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Found], dict[str, Found]]:
    """What the guard and a scan say of every file."""
    folder = tmp_path_factory.mktemp("jobs")
    rules = Rules("raise", None, (), (), None, False)
    guarded: dict[str, Found] = {}
    alone: dict[str, str] = {}
    """A file in which the SDK chooses what the example does not say -> the control that counts."""
    with Fake() as fake:
        listed = [each for each in examples(fake) if isinstance(each, Example)]
    for each in listed:
        for number, asked in enumerate(each.calls):
            found = judged(rules, asked.operation, asked.parameters)
            files = written(asked)
            expected = dict.fromkeys(files, found)
            for form in CLASSES:
                program = as_class(form, asked)
                if program is None or each.control == RUN:
                    continue
                said = judged(rules, asked.operation, program[1])
                if own(said, each.control) == own(found, each.control):  # else the SDK can't say it
                    files[f"{form}.py"], expected[f"{form}.py"] = program[0], own(said, each.control)
                    alone[str(Path(f"{each.name}-{number}", f"{form}.py"))] = each.control
            for name, text in files.items():
                path = Path(f"{each.name}-{number}", name)
                (folder / path).parent.mkdir(exist_ok=True)
                (folder / path).write_text(text, encoding="utf-8")
                guarded[str(path)] = expected[name]
    report = smguard("scan", ".", "-f", "json", "--no-config", cwd=folder).report
    assert not report["gaps"]
    scanned: dict[str, Found] = {path: Counter() for path in guarded}
    for it in report["findings"]:
        if not any(words in it["message"] for words in ELSEWHERE):
            scanned[it["location"]["file"]][it["control"], it["verdict"], it["location"]["path"]] += 1
    return guarded, {path: own(it, alone[path]) if path in alone else it for path, it in scanned.items()}


@pytest.mark.parametrize(
    ("form", "least"),
    [
        ("create-", 50),
        ("pipeline.json", 50),
        ("state.json", 50),
        ("code.py", 50),
        ("sdk2.py", 15),
        ("sdk3.py", 5),
        ("generated.py", 50),
    ],
)
def test_all_ways_to_write_a_job_get_the_same_findings(
    both: tuple[dict[str, Found], dict[str, Found]], form: str, least: int
) -> None:
    guarded, scanned = both
    files = [path for path in guarded if Path(path).name.startswith(form)]
    assert len(files) > least
    assert sum(bool(guarded[path]) for path in files) > least
    wrong = {
        path: (dict(guarded[path] - scanned[path]), dict(scanned[path] - guarded[path]))
        for path in files
        if guarded[path] != scanned[path]
    }
    assert not wrong, "\n".join(f"{path}: {more} {less}" for path, (more, less) in wrong.items())
