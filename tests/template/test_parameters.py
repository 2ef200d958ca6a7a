"""Parameter files: their forms, what they fix, and what is wrong with one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scanner.model import SmguardError
from tests.template.support import Report, scan

TEMPLATE = """\
Parameters:
  Access: {Type: String, Default: Enabled}
  Internet: {Type: String, Default: Disabled, AllowedValues: [Enabled, Disabled]}
  Groups: {Type: CommaDelimitedList, Default: ''}
  Count: {Type: Number}
Conditions:
  Many: !Equals [!Ref Count, 2]
Resources:
  Notebook:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      RootAccess: !Ref Access
      DirectInternetAccess: !Ref Internet
      SubnetId: subnet-1
      SecurityGroupIds: !Ref Groups
      KmsKeyId: !If [Many, alias/a, '']
"""
ACCESS = ("notebook-root-access", "fail", "RootAccess is 'Enabled', must be 'Disabled'")
GROUPS = ("vpc-config", "fail", "SecurityGroupIds is missing")
KEY = ("volume-kms-key", "fail", "KmsKeyId is missing")
KEY_OPEN = ("volume-kms-key", "unknown", "KmsKeyId is missing; fails when Many is false")
SELECTED = [
    option
    for control in ("notebook-root-access", "notebook-direct-internet", "vpc-config", "volume-kms-key")
    for option in ("--select", control)
]


def scan_with(tmp_path: Path, *contents: str) -> Report:
    options = list(SELECTED)
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.parameters").write_text(content)
        options += ["--parameters", str(tmp_path / f"{number}.parameters")]
    return scan(tmp_path, TEMPLATE, *options)


def test_without_a_file_parameters_vary(tmp_path: Path) -> None:
    assert scan_with(tmp_path).found("control", "verdict", "message") == [
        (
            "notebook-direct-internet",
            "unknown",
            "DirectInternetAccess must be 'Disabled'; fails when Internet is 'Enabled'",
        ),
        (*ACCESS[:2], "RootAccess is 'Enabled', must be 'Disabled'; passes when Access is 'Disabled'"),
        KEY_OPEN,
        (*GROUPS[:2], f"{GROUPS[2]}; passes when Groups is given"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        """[{"ParameterKey": "Access", "ParameterValue": "Disabled"},
            {"ParameterKey": "Groups", "ParameterValue": "sg-1,sg-2"},
            {"ParameterKey": "Count", "ParameterValue": "2"}]""",
        """\
- {ParameterKey: Access, ParameterValue: Disabled}
- {ParameterKey: Groups, ParameterValue: 'sg-1,sg-2'}
- {ParameterKey: Count, ParameterValue: 2}
""",
        '["Access=Disabled", "Groups=sg-1,sg-2", "Count=2"]',
        "[Access=Disabled, 'Groups=sg-1,sg-2', Count=2]",
        '{"Parameters": {"Access": "Disabled", "Groups": "sg-1,sg-2", "Count": "2"}, "Tags": {"a": "b"}}',
        "Parameters:\n  Access: Disabled\n  Groups: [sg-1, sg-2]\n  Count: 2\n",
        '{"Access": "Disabled", "Groups": ["sg-1", "sg-2"], "Count": 2}',
        "Access: Disabled\nGroups: sg-1\nCount: 2\n",
        "\N{BYTE ORDER MARK}Access: Disabled\r\nGroups: sg-1\r\nCount: '2'\r\n",
    ],
    ids=[
        "CLI",
        "CLI YAML",
        "deploy",
        "deploy YAML",
        "CodePipeline",
        "CodePipeline YAML",
        "plain",
        "YAML",
        "BOM",
    ],
)
def test_every_form_fixes_what_it_gives(tmp_path: Path, content: str) -> None:
    report = scan_with(tmp_path, content)
    assert report.verdicts == []
    assert (report.notes, report.gaps, report.code) == ([], [], 0)


def test_all_others_keep_their_default(tmp_path: Path) -> None:
    """Internet may no longer be enabled; Count has no default and stays open."""
    found = scan_with(tmp_path, '{"Access": "Disabled"}').found("control", "verdict", "message")
    assert found == [KEY_OPEN, GROUPS]
    found = scan_with(tmp_path, "{}").found("control", "verdict", "message")
    assert found == [ACCESS, KEY_OPEN, GROUPS]


@pytest.mark.parametrize("value", ["", "1", "02"])
def test_a_given_value_is_compared_as_text(tmp_path: Path, value: str) -> None:
    content = f"Access: Disabled\nGroups: sg-1\nCount: '{value}'\n"
    assert scan_with(tmp_path, content).found("control", "verdict", "message") == [KEY]


def test_a_previous_value_may_be_anything_that_is_allowed(tmp_path: Path) -> None:
    content = """\
- {ParameterKey: Access, ParameterValue: Disabled}
- {ParameterKey: Groups, UsePreviousValue: true}
- {ParameterKey: Count, ParameterValue: '2'}
"""
    assert scan_with(tmp_path, content).found("control", "verdict", "message") == [
        ("vpc-config", "unknown", "SecurityGroupIds is missing; fails when Groups is empty")
    ]


def test_a_value_that_the_declaration_refuses_is_a_note(tmp_path: Path) -> None:
    report = scan_with(tmp_path, "Access: Off\nGroups: sg-1\nCount: two\n")
    assert [what for _, what in report.notes] == [
        "the value given for parameter Count is none that is allowed here",
    ]


def test_a_later_file_wins(tmp_path: Path) -> None:
    first = "Access: Enabled\nGroups: sg-1\nCount: 2\n"
    assert scan_with(tmp_path, first, "Access: Disabled\n").verdicts == []
    assert scan_with(tmp_path, first, "Access: Enabled\n").found("control", "verdict", "message") == [ACCESS]


def test_a_name_that_no_template_declares_is_a_note(tmp_path: Path) -> None:
    report = scan_with(tmp_path, "Access: Disabled\nGroups: sg-1\nCount: 2\nAcess: Disabled\n")
    assert report.notes == [("--parameters", "no scanned template declares the parameter Acess")]
    assert report.code == 0


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("", "%s: the parameter file can't be read: is empty"),
        ("text", "%s is no parameter file"),
        ("[text]", "%s is no parameter file"),
        ("[{Key: a, Value: b}]", "%s is no parameter file"),
        ("[{ParameterKey: a}]", "%s is no parameter file"),
        ("[{ParameterKey: [a], ParameterValue: b}]", "%s is no parameter file"),
        ("Access: {a: b}", "%s is no parameter file"),
        ("Access: [[a]]", "%s is no parameter file"),
        ("Access:", "%s is no parameter file"),
        ("Access: !Ref Other", "%s is no parameter file"),
        ("Access: [", "%s:2:1: the parameter file can't be read: "),
    ],
)
def test_a_file_of_another_shape_is_an_error(tmp_path: Path, content: str, what: str) -> None:
    with pytest.raises(SmguardError) as caught:
        scan_with(tmp_path, content)
    assert str(caught.value).startswith(what % (tmp_path / "0.parameters"))


def test_a_file_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    missing = tmp_path / "gone.json"
    command = [sys.executable, "-m", "scanner", "scan", "--parameters", str(missing), str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"Error: {missing}: the parameter file can't be read: ")
    assert "No such file or directory" in ended.stderr
