"""The steps of the GitHub action, run with bash as a runner would run them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.building import ROOT, clean

pytestmark = pytest.mark.packaging

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS = {step["id"]: step for step in ACTION["runs"]["steps"]}
OPEN = "Resources: {N: {Type: 'AWS::SageMaker::NotebookInstance'}}\n"
FINE = (ROOT / "examples" / "compliant.yaml").read_text(encoding="utf-8")


class Stepped(NamedTuple):
    """How a step ended, what it printed and which outputs it set."""

    code: int
    out: str
    outputs: dict[str, str]


def step(name: str, workspace: Path, temporary: Path, project: Path, **inputs: str) -> Stepped:
    """Run a step in a workspace, its inputs and the Python before it put in place."""
    values = {f"inputs.{key}": each["default"] for key, each in ACTION["inputs"].items()}
    values |= {f"inputs.{key.replace('_', '-')}": value for key, value in inputs.items()}
    values["steps.python.outputs.python-path"] = sys.executable
    given = {
        key: re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda found: values[found[1]], text)
        for key, text in STEPS[name]["env"].items()
    }
    script, output = temporary / f"{name}.sh", temporary / "output"
    script.write_text(STEPS[name]["run"], encoding="utf-8")
    output.write_text("", encoding="utf-8")
    runner = {"RUNNER_TEMP": str(temporary), "GITHUB_ACTION_PATH": str(project), "GITHUB_OUTPUT": str(output)}
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script],
        cwd=workspace,
        env=clean(**runner, **given, COLUMNS="100"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = output.read_text(encoding="utf-8").splitlines()
    return Stepped(done.returncode, done.stdout, dict(line.split("=", 1) for line in lines))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checkout with templates, and with modules that must not be mistaken for ours."""
    folder = tmp_path / "work space"
    (folder / "my templates").mkdir(parents=True)
    for name in ("pip", "venv", "yaml", "click", "hatchling", "scanner"):
        (folder / f"{name}.py").write_text(f"raise SystemExit('imported {name} of the workspace')\n", "utf-8")
    (folder / "open.yaml").write_text(OPEN, encoding="utf-8")
    (folder / "my templates" / "fine.yaml").write_text(FINE, encoding="utf-8")
    (folder / "broken.yaml").write_text("Resources: [AWS::SageMaker\n", encoding="utf-8")
    (folder / "-q.yaml").write_text(OPEN, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def runner(index: None, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runner's temporary folder, with the action installed."""
    folder = tmp_path_factory.mktemp("runner")
    bad = tmp_path_factory.mktemp("workspace")
    for name in ("pip", "venv", "hatchling", "hatch_build", "yaml"):
        (bad / f"{name}.py").write_text("raise SystemExit('imported from the workspace')\n", encoding="utf-8")
    installed = step("install", bad, folder, project)
    assert installed.code == 0, installed.out
    assert installed.out.splitlines()[-1].startswith("smguard "), installed.out
    return folder


@pytest.mark.parametrize(
    ("inputs", "code", "said"),
    [
        ({"paths": "my templates"}, 0, "All good."),
        ({"paths": "open.yaml"}, 1, "notebook-direct-internet"),
        ({"paths": "  my templates \n\nopen.yaml\n"}, 1, "2 judged"),
        ({"paths": "broken.yaml"}, 3, "broken.yaml"),
        ({"paths": "broken.yaml", "args": "--allow-incomplete"}, 0, "broken.yaml"),
        ({"paths": "-q.yaml"}, 1, "-q.yaml:1:"),
        ({"paths": "open.yaml", "args": "--fail-on=critical\n--area=access\n"}, 0, "notebook-root-access"),
        ({"paths": "open.yaml", "args": "--exit-zero"}, 0, "notebook-direct-internet"),
        ({"paths": "open.yaml", "args": "--nonsense"}, 2, "No such option"),
        ({"paths": "open.yaml", "format": "nonsense"}, 2, "nonsense"),
        ({"paths": "$(touch pwned).yaml"}, 3, "$(touch pwned).yaml"),
        (
            {"paths": "open.yaml", "args": "--select=`touch pwned`;touch pwned"},
            2,
            "`touch pwned`;touch pwned",
        ),
        ({"paths": "open.yaml", "format": "table; touch pwned"}, 2, "table; touch pwned"),
    ],
)
def test_scan(
    runner: Path, project: Path, workspace: Path, inputs: dict[str, str], code: int, said: str
) -> None:
    scanned = step("scan", workspace, runner, project, **inputs)
    assert (scanned.code, scanned.outputs) == (code, {"exit-code": str(code)}), scanned.out
    assert said in scanned.out
    assert not (workspace / "pwned").exists()


def test_without_inputs_the_whole_workspace_is_judged(runner: Path, project: Path, workspace: Path) -> None:
    scanned = step("scan", workspace, runner, project)
    assert scanned.outputs == {"exit-code": "1"}
    assert all(name in scanned.out for name in ("-q.yaml:1:", "open.yaml:1:", "broken.yaml"))


def test_the_log_and_a_sarif_report(runner: Path, project: Path, workspace: Path) -> None:
    inputs = {"paths": "open.yaml", "format": "json", "sarif_file": "my templates/report.sarif"}
    scanned = step("scan", workspace, runner, project, **inputs)
    assert scanned.outputs == {"exit-code": "1", "sarif-file": "my templates/report.sarif"}
    shown: Any = json.loads(scanned.out)
    sarif = json.loads((workspace / "my templates" / "report.sarif").read_text(encoding="utf-8"))
    results = sarif["runs"][0]["results"]
    assert sorted(each["ruleId"] for each in results) == sorted(each["control"] for each in shown["findings"])


@pytest.mark.parametrize(
    "inputs",
    [
        {"paths": "open.yaml", "sarif_file": "nowhere/report.sarif"},
        {"paths": "open.yaml", "sarif_file": "report.sarif", "args": "--nonsense"},
    ],
)
def test_no_sarif_report_is_named_if_none_was_written(
    runner: Path, project: Path, workspace: Path, inputs: dict[str, str]
) -> None:
    scanned = step("scan", workspace, runner, project, **inputs)
    assert (scanned.code, scanned.outputs) == (2, {"exit-code": "2"})
    assert scanned.out.count("Error: ") == 1


def test_outputs_come_from_steps_that_set_them() -> None:
    for name, output in ACTION["outputs"].items():
        assert output["value"] == f"${{{{ steps.scan.outputs.{name} }}}}"


def test_expressions_reach_scripts_through_the_environment_only() -> None:
    assert not [name for name, each in STEPS.items() if "${{" in each.get("run", "")]
