"""Nested stacks: children are judged through the parents that pass them their parameters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.template.support import NOTEBOOK, scan

STACK = "AWS::CloudFormation::Stack"
KEY = ("--select", "volume-kms-key")
ROOT_ACCESS = ("--select", "notebook-root-access")
NO_KEY = "KmsKeyId is missing"
ENABLED = "RootAccess is 'Enabled', must be 'Disabled'"

CHILD = """\
Parameters:
  Key: {Type: String, Default: ''}
  Access: {Type: String, Default: Enabled}
  Groups: {Type: CommaDelimitedList, Default: ''}
Conditions:
  HasKey: !Not [!Equals [!Ref Key, '']]
Resources:
  Notebook:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      KmsKeyId: !If [HasKey, !Ref Key, !Ref AWS::NoValue]
      RootAccess: !Ref Access
      SecurityGroupIds: !Ref Groups
      SubnetId: subnet-1
Outputs:
  Access: {Value: !Ref Access}
"""
PARENT = """\
Parameters:
  Stage: {Type: String, Default: dev, AllowedValues: [dev, prod]}
  Key: {Type: String, Default: ''}
  Groups: {Type: 'List<AWS::EC2::SecurityGroup::Id>'}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  HasKey: !Not [!Equals [!Ref Key, '']]
Resources:
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: child.yaml
      Parameters: %s
  Made: {Type: AWS::KMS::Key}
"""
ALL_GIVEN = "Key: alias/a, Access: Disabled, Groups: sg-1"


@pytest.mark.parametrize(
    ("passed", "expected"),
    [
        (f"{{{ALL_GIVEN}}}", []),
        (f"{{{ALL_GIVEN}, Access: !If [HasKey, Disabled, Disabled]}}".replace("Access: Disabled, ", ""), []),
        ("{Key: alias/a, Access: Disabled, Groups: !Join [',', !Ref Groups]}", []),
        ("{Key: alias/a, Access: Disabled, Groups: !Join [',', [sg-1, sg-2]]}", []),
        ("{Key: !GetAtt Made.Arn, Access: Disabled, Groups: sg-1}", []),
        (
            "{Key: alias/a}",
            [
                ("notebook-root-access", "fail", "RootAccess", 12, ENABLED),
                ("vpc-config", "fail", "SecurityGroupIds", 13, "SecurityGroupIds is missing"),
            ],
        ),
        (
            "{Key: !Ref Key, Access: Disabled, Groups: sg-1}",
            [("volume-kms-key", "fail", "KmsKeyId", 11, f"{NO_KEY}; passes when HasKey is true")],
        ),
        (
            "{Key: !If [IsProd, alias/a, ''], Access: Disabled, Groups: sg-1}",
            [("volume-kms-key", "fail", "KmsKeyId", 11, f"{NO_KEY}; passes when HasKey is true")],
        ),
        (
            "{Key: alias/a, Access: !If [IsProd, Enabled, Disabled], Groups: sg-1}",
            [("notebook-root-access", "unknown", "RootAccess", 12, f"{ENABLED}; fails when IsProd is true")],
        ),
        (
            "{Key: alias/a, Access: !If [IsProd, Disabled, !Ref AWS::NoValue], Groups: sg-1}",
            [("notebook-root-access", "fail", "RootAccess", 12, f"{ENABLED}; passes when IsProd is true")],
        ),
        (
            f"!If [IsProd, {{{ALL_GIVEN}}}, {{Key: alias/a, Groups: sg-1}}]",
            [("notebook-root-access", "fail", "RootAccess", 12, f"{ENABLED}; passes when IsProd is true")],
        ),
        (
            "{Key: alias/a, Access: Disabled, Groups: !Join [',', [!If [IsProd, sg-1, !Ref AWS::NoValue]]]}",
            [
                (
                    "vpc-config",
                    "fail",
                    "SecurityGroupIds",
                    13,
                    "SecurityGroupIds is missing; passes when IsProd is true",
                )
            ],
        ),
    ],
)
def test_what_a_parent_passes(
    tmp_path: Path, passed: str, expected: list[tuple[str, str, str, int, str]]
) -> None:
    files = {"t.yaml": PARENT % passed, "child.yaml": CHILD}
    report = scan(tmp_path, files, *KEY, *ROOT_ACCESS, "--select", "vpc-config", path="t.yaml")
    assert report.found("control", "verdict", "path", "line", "message") == expected
    assert set(report.found("resource", "file")) <= {("Inner/Notebook", "child.yaml")}
    assert (report.gaps, report.notes, report.files) == ([], [], {"seen": 1, "judged": 1})


UNKNOWN = "RootAccess comes from the parameters that the stack passes, which is not known here"


TWICE = "{ParameterKey: Access, ParameterValue: Enabled}, {ParameterKey: Access, ParameterValue: Disabled}"


@pytest.mark.parametrize(
    ("passed", "verdicts"),
    [
        ("[{ParameterKey: Access, ParameterValue: Disabled}]", []),
        ("[{ParameterKey: Key, ParameterValue: alias/a}]", [("fail", ENABLED)]),
        ("[!If [IsProd, {ParameterKey: Access}, !Ref AWS::NoValue]]", [("unknown", UNKNOWN)]),
        (f"[{TWICE}]", [("unknown", UNKNOWN)]),
        ("[]\n      StackInstancesGroup: [{Regions: [eu-west-1]}]", [("fail", ENABLED)]),
        ("[]\n      StackInstancesGroup: [{ParameterOverrides: [{}]}]", [("unknown", UNKNOWN)]),
        ("[]\n      StackInstancesGroup: [5]", [("unknown", UNKNOWN)]),
        (
            "[]\n      StackInstancesGroup: [!If [IsProd, {ParameterOverrides: [{}]}, !Ref AWS::NoValue]]",
            [("unknown", UNKNOWN)],
        ),
        ("[]\n      StackInstancesGroup: !Ref Groups", [("unknown", UNKNOWN)]),
    ],
)  # fmt: skip
def test_what_a_stack_set_passes(tmp_path: Path, passed: str, verdicts: list[tuple[str, str]]) -> None:
    files = {"t.yaml": (PARENT % passed).replace(STACK, f"{STACK}Set"), "child.yaml": CHILD}
    report = scan(tmp_path, files, *ROOT_ACCESS, path="t.yaml")
    assert (report.verdicts, report.gaps, report.notes) == (verdicts, [], [])


INLINE = """\
Resources:
  Set:
    Type: AWS::CloudFormation::StackSet
    Properties:
      Parameters: [{ParameterKey: Access, ParameterValue: %s}]
      TemplateBody: %s
"""
BLOCK = ("|\n" + CHILD.rstrip()).replace("\n", "\n        ")
NOTEBOOKS = {"Type": "AWS::SageMaker::NotebookInstance", "Properties": {"RootAccess": "Enabled"}}
LAB = json.dumps({"Resources": {"Lab": NOTEBOOKS}})
AGAIN = json.dumps({"Resources": {"In": {"Type": f"{STACK}Set", "Properties": {"TemplateBody": LAB}}}})
UNSEEN = "the nested stack Set is not in this scan; scan its template by itself"
BROKEN = "the nested stack Set can't be followed: "


@pytest.mark.parametrize(
    ("access", "body", "found", "gap", "notes"),
    [
        ("Enabled", BLOCK, [("Set/Notebook", 18, 15)], None, []),
        ("Disabled", BLOCK, [], None, []),
        ("Enabled", f"'{LAB}'", [("Set/Lab", 6, 7)], None, []),
        ("Enabled", f"'{AGAIN}'", [("Set/In/Lab", 6, 7)], None, []),
        ("Enabled", '\'{"Resources": \'', [], "TemplateBody: line 2, column 1: ", []),
        ("Enabled", "hello", [], "it is no template", []),
        ("Enabled", "!Sub '{}'", [], None, [("t.yaml:6:7", UNSEEN)]),
        ("Enabled", "'{{resolve:ssm:/body}}'", [], None, [("t.yaml:6:7", UNSEEN)]),
        ("Enabled", "''\n      TemplateURL: child.yaml", [("Set/Notebook", 12, 7)], None, []),
    ],
)  # fmt: skip
def test_a_stack_set_that_holds_its_template(
    tmp_path: Path, access: str, body: str, found: list[Any], gap: str | None, notes: list[Any]
) -> None:
    report = scan(
        tmp_path, {"t.yaml": INLINE % (access, body), "child.yaml": CHILD}, *ROOT_ACCESS, path="t.yaml"
    )
    assert report.found("resource", "line", "column") == found
    assert [what.startswith(f"{BROKEN}{gap}") for _, what in report.gaps] == ([True] if gap else [])
    assert report.notes == notes


def test_what_an_included_file_holds_lies_past_the_end_of_its_template(tmp_path: Path) -> None:
    included = {"Set": {"Type": f"{STACK}Set", "Properties": {"TemplateBody": LAB}}}
    pipe = {"PipelineDefinition": {"PipelineDefinitionBody": '{"Steps": []}'}}
    included["Pipe"] = {"Type": "AWS::SageMaker::Pipeline", "Properties": pipe}
    text = "Resources:\n  Fn::Transform: {Name: AWS::Include, Parameters: {Location: part.json}}\n"
    report = scan(tmp_path, {"t.yaml": text, "part.json": json.dumps(included, indent=1)}, *ROOT_ACCESS)
    assert report.found("resource", "file", "line") == [("Set/Lab", "part.json", 5)]
    assert report.gaps == []


def test_a_parameter_that_is_neither_passed_nor_has_a_default(tmp_path: Path) -> None:
    child = f"""\
Parameters: {{Access: {{Type: String}}}}
Resources: {{Notebook: {{Type: {NOTEBOOK}, Properties: {{RootAccess: !Ref Access}}}}}}
"""
    report = scan(tmp_path, {"t.yaml": PARENT % "{}", "child.yaml": child}, *ROOT_ACCESS, path="t.yaml")
    assert report.verdicts == [
        ("unknown", "RootAccess comes from parameter Access, which is not known here"),
    ]


def test_a_given_parameter_is_the_parents_and_not_the_childs(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"Key": "alias/given", "Access": "Disabled"}')
    files = {"t.yaml": PARENT % "{Key: !Ref Key}", "child.yaml": CHILD}
    options = (*KEY, *ROOT_ACCESS, "--parameters", str(tmp_path / "p.json"))
    report = scan(tmp_path, files, *options, path="t.yaml")
    assert report.found("control", "verdict", "message") == [("notebook-root-access", "fail", ENABLED)]
    assert report.notes == [("--parameters", "no scanned template declares the parameter Access")]


def test_the_parents_condition_decides_whether_there_is_a_child(tmp_path: Path) -> None:
    text = PARENT.replace(f"Type: {STACK}", f"Type: {STACK}\n    Condition: %s")
    files = {"t.yaml": text % ("IsProd", "{Access: Disabled}"), "child.yaml": CHILD}
    report = scan(tmp_path, files, *KEY, path="t.yaml")
    assert report.verdicts == [("unknown", f"{NO_KEY}; fails when IsProd is true")]
    files["t.yaml"] = text % ("IsProd", "{Key: !If [IsProd, alias/a, '']}")
    assert scan(tmp_path, files, *KEY, path="t.yaml").verdicts == []
    files["t.yaml"] = text.replace("[!Ref Stage, prod]", "[a, b]") % ("IsProd", "{}")
    assert scan(tmp_path, files, *KEY, path="t.yaml").verdicts == []


def test_outputs_of_a_child_in_the_parent(tmp_path: Path) -> None:
    text = (
        PARENT
        + """\
  Same:
    Type: AWS::SageMaker::NotebookInstance
    Properties: {RootAccess: !GetAtt Inner.Outputs.Access, KmsKeyId: !GetAtt Inner.Outputs.Nowhere}
  Sub:
    Type: AWS::SageMaker::NotebookInstance
    Properties: {RootAccess: !Sub '${Inner.Outputs.Access}', KmsKeyId: alias/a}
"""
    )
    options = (*ROOT_ACCESS, *KEY)
    files = {"t.yaml": text % f"{{{ALL_GIVEN}}}", "child.yaml": CHILD}
    assert scan(tmp_path, files, *options, path="t.yaml").verdicts == []
    files["t.yaml"] = text % "{Key: alias/a, Access: !If [IsProd, Enabled, Disabled]}"
    report = scan(tmp_path, files, *options, path="t.yaml")
    fails = f"{ENABLED}; fails when IsProd is true"
    assert report.found("verdict", "resource", "file", "line", "message") == [
        ("unknown", "Same", "t.yaml", 17, fails),
        ("unknown", "Sub", "t.yaml", 20, fails),
        ("unknown", "Inner/Notebook", "child.yaml", 12, fails),
    ]


def test_two_instances_of_one_child(tmp_path: Path) -> None:
    text = """\
Resources:
  StackA:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: child.yaml, Parameters: {Key: alias/a}}
  StackB:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: ./child.yaml, Parameters: {Access: Disabled}}
  StackC:
    Type: AWS::Serverless::Application
    Properties: {Location: child.yaml, Parameters: {Access: Other}}
"""
    report = scan(tmp_path, {"t.yaml": text, "child.yaml": CHILD}, *KEY, *ROOT_ACCESS, path="t.yaml")
    assert report.found("control", "verdict", "resource", "file", "line", "message") == [
        ("notebook-root-access", "fail", "StackA/Notebook", "child.yaml", 12, ENABLED),
        ("volume-kms-key", "fail", "StackB/Notebook", "child.yaml", 11, NO_KEY),
        (
            "notebook-root-access",
            "fail",
            "StackC/Notebook",
            "child.yaml",
            12,
            "RootAccess must be 'Disabled'",
        ),
        ("volume-kms-key", "fail", "StackC/Notebook", "child.yaml", 11, NO_KEY),
    ]
    assert len({each["fingerprint"] for each in report.document["findings"]}) == 4
    assert report.document["summary"]["resources"] == 3


def nesting(url: str, *, notebook: bool = True) -> str:
    text = f"Resources:\n  Inner:\n    Type: {STACK}\n    Properties:\n      TemplateURL: {url}\n"
    return text + (f"  Notebook:\n    Type: {NOTEBOOK}\n" if notebook else "")


LEAF = f"Resources:\n  Notebook:\n    Type: {NOTEBOOK}\n"


def test_in_a_folder_a_child_is_judged_through_its_parent_only(tmp_path: Path) -> None:
    """Also when it comes first, and one that is itself a parent."""
    files = {"a.yaml": LEAF, "b.yaml": nesting("a.yaml"), "c.yaml": nesting("b.yaml"), "d.yaml": LEAF}
    report = scan(tmp_path, files, *KEY)
    assert report.found("resource", "file", "line") == [
        ("Notebook", "c.yaml", 6),
        ("Inner/Notebook", "b.yaml", 6),
        ("Inner/Inner/Notebook", "a.yaml", 2),
        ("Notebook", "d.yaml", 2),
    ]
    assert (report.gaps, report.files) == ([], {"seen": 4, "judged": 4})
    alone = scan(tmp_path, files, *KEY, path="a.yaml")
    assert alone.found("resource", "file", "line") == [("Notebook", "a.yaml", 2)]


def test_where_a_child_may_lie(tmp_path: Path) -> None:
    """A named file opens nothing outside of its folder; below a folder that is scanned everything is open."""
    files = {"stacks/t.yaml": nesting("../lib/child.yaml", notebook=False), "lib/child.yaml": LEAF}
    whole = scan(tmp_path, files, *KEY)
    assert whole.found("resource", "file", "line") == [("Inner/Notebook", "lib/child.yaml", 2)]
    assert (whole.gaps, whole.files) == ([], {"seen": 2, "judged": 2})
    single = scan(tmp_path, files, *KEY, path="stacks/t.yaml")
    what = "the nested stack Inner can't be followed: lies outside of the directory scanned"
    assert (single.found("resource"), single.gaps) == ([], [("stacks/t.yaml:5:7", what)])
    assert (single.code, single.files) == (3, {"seen": 1, "partial": 1})


@pytest.mark.parametrize(
    "url",
    [
        "https://s3.amazonaws.com/bucket/child.yaml",
        "s3://bucket/child.yaml",
        "!Sub 'https://${AWS::Region}.example.com/child.yaml'",
        "!Ref Url",
        "'{{resolve:ssm:/url}}'",
        "[child.yaml]",
    ],
)
def test_a_remote_child_is_a_note(tmp_path: Path, url: str) -> None:
    report = scan(tmp_path, nesting(url), *KEY)
    assert report.found("resource") == [("Notebook",)]
    what = "the nested stack Inner is not in this scan; scan its template by itself"
    assert (report.gaps, report.notes, report.code) == ([], [("t.yaml:5:7", what)], 1)


def test_an_application_of_the_repository_is_a_note(tmp_path: Path) -> None:
    text = """\
Resources:
  App:
    Type: AWS::Serverless::Application
    Properties:
      Location:
        ApplicationId: 'arn:aws:serverlessrepo:eu-west-1:111122223333:applications/a'
        SemanticVersion: 1.0.0
"""
    report = scan(tmp_path, text)
    what = "the nested stack App is not in this scan; scan its template by itself"
    assert (report.gaps, report.notes, report.code) == ([], [("t.yaml:5:7", what)], 0)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("gone.yaml", "does not exist"),
        ("../outside.yaml", "lies outside of the directory scanned"),
        ("/etc/passwd", "is no relative path, and only such are followed"),
        ("''", "is no path"),
        ("folder", "is a directory"),
        ("text.txt", "it is no template"),
        ("other.yaml", "it has no Resources section"),
        ("empty.yaml", "the template has no Resources section"),
        ("t.yaml", "it nests itself"),
        ("bad.yaml", "%s/bad.yaml: line 3, column 1: "),
    ],
)
def test_a_child_that_cannot_be_followed_is_a_gap(tmp_path: Path, url: str, why: str) -> None:
    (tmp_path / "outside.yaml").write_text(LEAF)
    folder = tmp_path / "here"
    files = {
        "t.yaml": nesting(url),
        "folder/child.yaml": LEAF,
        "text.txt": "hello",
        "other.yaml": "a: b",
        "empty.yaml": "AWSTemplateFormatVersion: 2010-09-09",
        "bad.yaml": "Resources:\n  A: [\n",
    }
    report = scan(folder, files, *KEY, path="t.yaml")
    assert report.found("resource") == [("Notebook",)]
    ((where, what),) = report.gaps
    assert where == "t.yaml:5:7"
    assert what.startswith(f"the nested stack Inner can't be followed: {why.replace('%s', str(folder))}")
    assert report.files == {"seen": 1, "partial": 1}


def test_stacks_that_nest_one_another_are_still_judged(tmp_path: Path) -> None:
    files = {"a.yaml": nesting("b.yaml"), "b.yaml": nesting("a.yaml")}
    what = "the nested stack Inner can't be followed: it nests itself"
    single = scan(tmp_path, files, *KEY, path="a.yaml")
    assert single.found("resource", "file") == [("Notebook", "a.yaml"), ("Inner/Notebook", "b.yaml")]
    assert single.gaps == [("b.yaml:5:7", what)]
    whole = scan(tmp_path, files, *KEY)
    assert ("Notebook", "a.yaml") in whole.found("resource", "file")
    assert ("Notebook", "b.yaml") in whole.found("resource", "file")
    assert whole.gaps == [("b.yaml:5:7", what), ("a.yaml:5:7", what)]
    assert whole.files == {"seen": 2, "partial": 2}


def test_stacks_that_are_nested_too_deep(tmp_path: Path) -> None:
    files = {"a.yaml": nesting("b.yaml"), "b.yaml": nesting("c.yaml"), "c.yaml": LEAF}
    report = scan(tmp_path, files, *KEY, "--max-stack-depth", "1")
    assert report.found("resource", "file") == [
        ("Notebook", "a.yaml"),
        ("Inner/Notebook", "b.yaml"),
        ("Notebook", "c.yaml"),
    ]
    assert report.gaps == [("b.yaml:5:7", "the nested stack Inner lies too deep")]
    assert report.document["gaps"][0]["hint"] == "raise --max-stack-depth"
    assert report.files == {"seen": 3, "judged": 2, "partial": 1}


def test_what_a_child_holds_is_said_with_its_file(tmp_path: Path) -> None:
    child = f"""\
Transform: AddTags
Resources:
  Fn::Transform: {{Name: 'AWS::Include', Parameters: {{Location: part.yaml}}}}
  Twice:
    Type: {NOTEBOOK}
    Properties: {{KmsKeyId: alias/a, KmsKeyId: ''}}
"""
    part = f"Included:\n  Type: {NOTEBOOK}\n"
    files = {
        "t.yaml": nesting("lib/child.yaml", notebook=False),
        "lib/child.yaml": child,
        "lib/part.yaml": part,
    }
    report = scan(tmp_path, files, *KEY, path="t.yaml")
    assert report.found("verdict", "resource", "file", "line") == [
        ("fail", "Inner/Included", "lib/part.yaml", 1),
        ("fail", "Inner/Twice", "lib/child.yaml", 6),
    ]
    assert report.gaps == [
        (
            "lib/child.yaml:6",
            "the key KmsKeyId stands more than once, on lines 6 and 6: each value is judged",
        ),
        ("lib/child.yaml:1:1", "the macro AddTags may change this template"),
    ]


def test_a_loop_of_stacks(tmp_path: Path) -> None:
    text = f"""\
Resources:
  Fn::ForEach::Stacks:
    - Key
    - [alias/a, '']
    - Stack&{{Key}}:
        Type: {STACK}
        Properties: {{TemplateURL: child.yaml, Parameters: {{Key: !Ref Key}}}}
"""
    report = scan(tmp_path, {"t.yaml": text, "child.yaml": CHILD}, *KEY, path="t.yaml")
    assert report.found("verdict", "resource", "line") == [("fail", "Stack/Notebook", 11)]


def test_a_waiver_in_a_child_holds_for_each_instance(tmp_path: Path) -> None:
    child = f"""\
Resources:
  Notebook:
    Type: {NOTEBOOK}
    Metadata:
      smguard: {{waivers: [{{control: volume-kms-key, reason: a test, expires: '2999-12-31'}}]}}
"""
    text = nesting("child.yaml", notebook=False) + nesting("child.yaml", notebook=False).split("\n", 1)[
        1
    ].replace("Inner", "Other")
    report = scan(tmp_path, {"t.yaml": text, "child.yaml": child}, *KEY, path="t.yaml")
    assert [each["waiver"]["resource"] for each in report.document["findings"]] == [
        "Inner/Notebook",
        "Other/Notebook",
    ]
    assert report.code == 0
