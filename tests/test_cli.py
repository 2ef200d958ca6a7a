"""The command line as a person meets it: options, exit codes, streams."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.cli import option, scan_command
from scanner.cli.scan import OPTIONS
from tests.door import ROOT, called

OPEN_NOTEBOOK = """\
Resources:
  Notebook:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      DirectInternetAccess: Enabled
      KmsKeyId: alias/ml
      SubnetId: subnet-1
      SecurityGroupIds: [sg-1]
      RootAccess: Disabled
      InstanceMetadataServiceConfiguration: {MinimumInstanceMetadataServiceVersion: "2"}
"""
SAFE_NOTEBOOK = OPEN_NOTEBOOK.replace("Enabled", "Disabled")
UNSURE_NOTEBOOK = SAFE_NOTEBOOK.replace("alias/ml", "arn:aws:kms:eu-west-1:111122223333:key/abc")
BROKEN = "Resources: [AWS::SageMaker\n"


class Done(NamedTuple):
    """As `subprocess.run` tells of a process."""

    returncode: int
    stdout: str
    stderr: str


def smguard(*arguments: str, cwd: Path, stdin: str | None = None, **environment: str) -> Any:
    """In this process, but for what reads the standard input."""
    if stdin is None:
        return Done(*called(*arguments, cwd=cwd, COLUMNS="80", **environment))
    return subprocess.run(
        [sys.executable, "-m", "scanner", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        input=stdin,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", **environment},
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {
        "open.yaml": OPEN_NOTEBOOK,
        "safe.yaml": SAFE_NOTEBOOK,
        "unsure.yaml": UNSURE_NOTEBOOK,
        "broken.yaml": BROKEN,
        "notes.yaml": "hello: world\n",
        "waivers.yaml": "waivers:\n- {control: notebook-direct-internet, resource: Note*, reason: lab, "
        "expires: '9999-12-31'}\n",
        "bad-waivers.yaml": "waivers: none\n",
        "prod.json": '{"Unused": "x"}',
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("safe.yaml", 0),
        ("open.yaml", 1),
        ("open.yaml --exit-zero", 0),
        ("open.yaml --fail-on critical", 0),
        ("open.yaml --fail-on high", 1),
        ("open.yaml --ignore notebook-direct-internet", 0),
        ("open.yaml --select notebook-direct-internet", 1),
        ("open.yaml --select volume-kms-key", 0),
        ("open.yaml --area access", 0),
        ("open.yaml --area network-isolation", 1),
        ("open.yaml --waivers waivers.yaml", 0),
        ("unsure.yaml", 0),
        ("unsure.yaml --strict", 1),
        ("unsure.yaml --strict --fail-on high", 0),
        ("broken.yaml", 3),
        ("broken.yaml --allow-incomplete", 0),
        ("broken.yaml --exit-zero", 0),
        ("broken.yaml open.yaml", 1),
        ("broken.yaml safe.yaml", 3),
        ("broken.yaml open.yaml --allow-incomplete", 1),
        ("notes.yaml", 3),
        ("notes.yaml --candidates", 0),
        ("open.yaml --candidates", 1),
        (".", 1),
        (". --exclude open.yaml", 3),
        (". --exclude *.yaml", 0),
        ("missing.yaml", 3),
        ("open.yaml missing.yaml", 1),
        ("", 2),
        ("open.yaml --nonsense", 2),
        ("open.yaml --select nonsense", 2),
        ("open.yaml --area nonsense", 2),
        ("open.yaml --format nonsense", 2),
        ("open.yaml --waivers bad-waivers.yaml", 2),
        ("open.yaml --waivers missing.yaml", 2),
        ("open.yaml --parameters missing.json", 2),
        ("open.yaml --rules missing", 2),
        ("open.yaml --select notebook-direct-internet --area encryption", 2),
        ("open.yaml -o missing/report.txt", 2),
        ("safe.yaml --parameters prod.json", 0),
    ],
)
def test_exit_codes(folder: Path, arguments: str, code: int) -> None:
    ran = called("scan", *arguments.split(), cwd=folder)
    assert ran.code == code, ran.out + ran.err


def test_the_report_goes_to_standard_output_and_complaints_to_standard_error(folder: Path) -> None:
    good = smguard("scan", "open.yaml", "-f", "json", cwd=folder)
    bad = smguard("scan", "open.yaml", "--select", "notebok-direct-internet", cwd=folder)
    assert json.loads(good.stdout)["schema_version"] == 1
    assert good.stderr == ""
    assert bad.stdout == ""
    first, hint = bad.stderr.splitlines()
    assert first == "Error: unknown control 'notebok-direct-internet'"
    assert hint.startswith("  did you mean notebook-direct-internet")


def test_the_json_report(folder: Path) -> None:
    report = json.loads(smguard("scan", "open.yaml", "safe.yaml", "-f", "json", cwd=folder).stdout)
    (finding,) = report["findings"]
    assert len(finding.pop("fingerprint")) == 32
    assert {
        key: finding[key] for key in ("control", "verdict", "severity", "message", "condition", "waiver")
    } == {
        "control": "notebook-direct-internet",
        "verdict": "fail",
        "severity": "high",
        "message": "DirectInternetAccess is 'Enabled', must be 'Disabled'",
        "condition": None,
        "waiver": None,
    }
    assert finding["resource"]["type"] == "AWS::SageMaker::NotebookInstance"
    assert finding["resource"]["name"] == "Notebook"
    assert finding["location"] == {
        "file": "open.yaml",
        "line": 5,
        "column": 7,
        "path": "DirectInternetAccess",
        "account": None,
        "region": None,
        "arn": None,
    }
    assert report["summary"] == {
        "complete": True,
        "files": {"seen": 2, "judged": 2, "partial": 0, "unread": 0, "skipped": 0},
        "resources": 2,
        "passed": 11,
        "fail": 1,
        "unknown": 0,
        "waived": 0,
        "gaps": 0,
        "baseline": 0,
        "accepted_gaps": 0,
    }


def test_all_also_lists_what_passes_once_for_each_control_and_resource(folder: Path) -> None:
    report = json.loads(smguard("scan", "safe.yaml", "-f", "json", "--all", cwd=folder).stdout)
    assert sorted((each["control"], each["verdict"]) for each in report["findings"]) == [
        ("customer-managed-kms-key", "pass"),
        ("notebook-direct-internet", "pass"),
        ("notebook-imds-v2", "pass"),
        ("notebook-root-access", "pass"),
        ("volume-kms-key", "pass"),
        ("vpc-config", "pass"),
    ]
    assert report["summary"]["passed"] == 6


def test_counts_close(folder: Path) -> None:
    files = json.loads(smguard("scan", ".", "-f", "json", cwd=folder).stdout)["summary"]["files"]
    assert files == {"seen": 8, "judged": 3, "partial": 0, "unread": 1, "skipped": 4}


def test_standard_input(folder: Path) -> None:
    result = smguard("scan", "-", "-f", "json", cwd=folder, stdin=OPEN_NOTEBOOK)
    report = json.loads(result.stdout)
    assert [(each["control"], each["location"]["line"]) for each in report["findings"]] == [
        ("notebook-direct-internet", 5)
    ]
    assert result.returncode == 1


def test_an_output_file_is_private_and_whole(folder: Path) -> None:
    result = smguard("scan", "open.yaml", "-f", "sarif", "-o", "report.sarif", cwd=folder)
    assert (result.returncode, result.stdout) == (1, "")
    assert (folder / "report.sarif").stat().st_mode & 0o777 == 0o600
    assert json.loads((folder / "report.sarif").read_text())["version"] == "2.1.0"


def test_a_waived_finding_is_shown_and_does_not_count(folder: Path) -> None:
    report = json.loads(
        smguard("scan", "open.yaml", "-f", "json", "--waivers", "waivers.yaml", cwd=folder).stdout
    )
    assert [each["waiver"]["reason"] for each in report["findings"]] == ["lab"]
    assert (report["summary"]["fail"], report["summary"]["waived"]) == (0, 1)


def test_inline_waivers_can_be_switched_off(folder: Path) -> None:
    waived = OPEN_NOTEBOOK.replace(
        "    Properties:",
        "    Metadata: {smguard: {waivers: [{control: notebook-direct-internet, reason: lab, "
        "expires: 9999-12-31}]}}\n    Properties:",
    )
    (folder / "waived.yaml").write_text(waived)
    assert smguard("scan", "waived.yaml", cwd=folder).returncode == 0
    assert smguard("scan", "waived.yaml", "--no-inline-waivers", cwd=folder).returncode == 1


def test_a_fingerprint_survives_moved_lines_and_another_checkout(folder: Path, tmp_path: Path) -> None:
    def fingerprints(directory: Path, argument: str) -> list[str]:
        report = json.loads(smguard("scan", argument, "-f", "json", cwd=directory).stdout)
        found = [each for each in report["findings"] if each["location"]["file"].endswith("open.yaml")]
        return [each["fingerprint"] for each in found if "elsewhere" not in each["location"]["file"]]

    (folder / ".git").mkdir()
    before = fingerprints(folder, "open.yaml")
    (folder / "open.yaml").write_text("# a comment\n\n" + OPEN_NOTEBOOK)
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / ".git").mkdir(parents=True)
    (elsewhere / "open.yaml").write_text(OPEN_NOTEBOOK)
    assert before == fingerprints(folder, str(folder)) == fingerprints(elsewhere, "open.yaml") != []


def test_many_files_give_the_same_report_in_one_process_and_in_two(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"{number:02}.yaml").write_text([OPEN_NOTEBOOK, SAFE_NOTEBOOK, BROKEN][number % 3])
    one, two = (smguard("scan", ".", "-f", "json", "--jobs", jobs, cwd=tmp_path) for jobs in ("1", "2"))
    assert one.stdout == two.stdout
    assert (one.returncode, one.stderr, two.returncode, two.stderr) == (1, "", 1, "")


def test_a_crash_is_said_with_its_own_exit_code(folder: Path) -> None:
    (folder / "crash.py").write_text(
        "import scanner.place\n"
        "def judge_target(*arguments): raise ZeroDivisionError\n"
        "import scanner.engine; scanner.engine.judge_target = judge_target\n"
        "from scanner.cli import main; main()\n"
    )
    result = subprocess.run(
        [sys.executable, "crash.py", "scan", "open.yaml", "-f", "json"],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    report = json.loads(result.stdout)
    assert result.returncode == 4
    assert report["gaps"][0]["what"] == "customer-managed-kms-key crashed on Notebook: ZeroDivisionError"
    assert report["summary"]["complete"] is False


_VALUES = st.sampled_from(
    ["a", "-", "", "--", "-x", "a=b", "7", "0", "007", "٣", "json", "low", "=", "table"]
)
_FLAGS = st.sampled_from(
    [*(flag for option in OPTIONS for flags in option.flags for flag in flags.split("/")), "--nothing", "-h"]
)
_WORDS = st.lists(
    _VALUES | _FLAGS | st.tuples(_FLAGS, _VALUES).map("=".join) | st.tuples(_FLAGS, _VALUES), max_size=6
)


@given(_WORDS)
def test_words_that_click_need_not_read_say_what_they_say_to_it(
    pieces: list[str | tuple[str, str]],
) -> None:
    words = [word for each in pieces for word in ([each] if isinstance(each, str) else each)]
    plain = option.read(words, OPTIONS)
    if plain is not None:
        with scan_command.command.make_context("scan", words) as context:
            assert plain == context.params, words


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (["a.yaml"], {"paths": ("a.yaml",)}),
        (["a", "-", "-f", "json", "b"], {"paths": ("a", "-", "b"), "formats": ("json",)}),
        (["a", "--strict", "--jobs=2", "--no-config"], {"strict": True, "jobs": 2, "no_config": True}),
        (["--no-strict", "--strict", "--no-strict", "a"], {"strict": False}),
        (
            ["--exclude", "x", "--exclude=y", "--fail-on", "high", "a"],
            {"exclude": ("x", "y"), "fail_on": "high"},
        ),
        (["--candidates"], None),
        (["a", "--jobs", "0"], None),
        (["a", "--jobs"], None),
        (["a", "--fail-on", "HIGH"], None),
        (["a", "-fjson"], None),
        (["a", "--strict=yes"], None),
        (["a", "--help"], None),
        (["--", "a"], None),
    ],
)
def test_words_of_a_scan(words: list[str], read: dict[str, object] | None) -> None:
    plain = option.read(words, OPTIONS)
    assert plain is read is None or (plain is not None and read is not None and plain.items() >= read.items())


def test_a_reader_that_goes_away_is_no_error(folder: Path) -> None:
    command = f"{sys.executable} -m scanner"
    shell = f"{{ {command} rules list; echo $? >&2; }} | head -1; {command} scan . | head -1"
    result = subprocess.run(
        ["sh", "-c", shell],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert result.stderr == "0\n"


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["scan", "--help"], ["rules", "--help"], ["rules", "check", "-h"], ["--version"]],
)
def test_help(tmp_path: Path, arguments: list[str]) -> None:
    result = smguard(*arguments, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout


def test_rules_list_show_and_check(tmp_path: Path) -> None:
    listed = json.loads(smguard("rules", "list", "-f", "json", "--area", "access", cwd=tmp_path).stdout)
    assert [each["id"] for each in listed] == [
        "ai-services-opt-out",
        "domain-auth",
        "execution-role-scope",
        "guardrail-policies-attached",
        "lifecycle-config-secrets",
        "notebook-imds-v2",
        "notebook-root-access",
        "remote-access",
        "studio-user-isolation",
    ]
    shown = smguard("rules", "show", "notebook-direct-internet", cwd=tmp_path).stdout
    for expected in (
        "How to mend",
        "AWS::SageMaker::NotebookInstance",
        "security-hub: SageMaker.1",
        "checkov",
    ):
        assert expected in shown
    schema = json.loads(smguard("rules", "show", "volume-kms-key", "--schema", cwd=tmp_path).stdout)
    assert schema["AWS::SageMaker::NotebookInstance"]["allOf"][0]["required"] == ["KmsKeyId"]
    checked = smguard("rules", "check", cwd=tmp_path)
    assert (checked.returncode, checked.stdout) == (0, "52 controls and their 715 examples are sound.\n")


def own_control(folder: Path, **changes: Any) -> Path:
    body = {
        "id": "notebook-small",
        "title": "Notebooks are small",
        "area": "access",
        "severity": "low",
        "rationale": "Because.",
        "remediation": "Shrink it.",
        "resources": {
            "AWS::SageMaker::NotebookInstance": {
                "places": [{"requires": {"VolumeSizeInGB": {"maximum": 50}}}]
            }
        },
        "examples": {
            "fail": [
                {
                    "about": "large",
                    "resource": {
                        "Type": "AWS::SageMaker::NotebookInstance",
                        "Properties": {"VolumeSizeInGB": 100},
                    },
                }
            ],
            "pass": [
                {
                    "about": "small",
                    "resource": {
                        "Type": "AWS::SageMaker::NotebookInstance",
                        "Properties": {"VolumeSizeInGB": "50"},
                    },
                }
            ],
            "unknown": [
                {
                    "about": "imported",
                    "resource": {
                        "Type": "AWS::SageMaker::NotebookInstance",
                        "Properties": {"VolumeSizeInGB": {"Fn::ImportValue": "size"}},
                    },
                }
            ],
        },
        **changes,
    }
    directory = folder / "own"
    directory.mkdir(exist_ok=True)
    (directory / "notebook-small.yaml").write_text(json.dumps(body))
    return directory


def test_a_folder_of_ones_own_controls_is_checked_and_scanned_with(folder: Path) -> None:
    own_control(folder)
    checked = smguard("rules", "check", "own", cwd=folder)
    assert (checked.returncode, checked.stdout) == (0, "1 control and its 3 examples are sound.\n")
    report = json.loads(smguard("scan", "safe.yaml", "--rules", "own", "-f", "json", cwd=folder).stdout)
    assert [(each["control"], each["message"]) for each in report["findings"]] == [
        ("notebook-small", "VolumeSizeInGB is missing")
    ]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"severity": "huge"}, "severity: 'huge' is none of low, medium, high, critical"),
        ({"colour": "red"}, "colour: unknown key"),
        (
            {
                "resources": {
                    "AWS::SageMaker::NotebookInstance": {"places": [{"requires": {"VolumeSize": {}}}]}
                }
            },
            "VolumeSize",
        ),
        (
            {
                "resources": {
                    "AWS::SageMaker::NotebookInstance": {
                        "places": [{"requires": {"VolumeSizeInGB": {"maximal": 50}}}]
                    }
                }
            },
            "maximal",
        ),
        (
            {
                "examples": {
                    "fail": [
                        {
                            "about": "small",
                            "resource": {
                                "Type": "AWS::SageMaker::NotebookInstance",
                                "Properties": {"VolumeSizeInGB": 5},
                            },
                        }
                    ]
                }
            },
            "notebook-small: the example 'small' is pass, not fail",
        ),
    ],
)
def test_a_broken_control_is_named(folder: Path, changes: dict[str, Any], complaint: str) -> None:
    own_control(folder, **changes)
    checked = smguard("rules", "check", "own", cwd=folder)
    assert checked.returncode == 1
    assert complaint in checked.stdout


@pytest.mark.parametrize(
    "piped", ["", "Supply a stack id (One, Two)\n", f"{OPEN_NOTEBOOK}---\n{OPEN_NOTEBOOK}"]
)
def test_what_cdk_synth_prints_of_several_stacks_is_a_gap_with_a_hint(tmp_path: Path, piped: str) -> None:
    done = smguard("scan", "-", "-f", "json", cwd=tmp_path, stdin=piped)
    [gap] = json.loads(done.stdout)["gaps"]
    assert done.returncode == 3
    assert gap["where"].partition(":")[0] == "-"
    assert "cdk synth STACK | smguard scan -" in gap["hint"]


def test_what_cdk_synth_prints_of_one_stack_is_judged(tmp_path: Path) -> None:
    done = smguard("scan", "-", "--select", "notebook-direct-internet", cwd=tmp_path, stdin=OPEN_NOTEBOOK)
    assert done.returncode == 1
    assert "-:5:7" in done.stdout
