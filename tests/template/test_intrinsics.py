"""Intrinsic functions, conditions and parameters: what a value of a template comes to, and how it is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.template.support import NOTEBOOK, dump, scan

Value = dict[str, Any] | list[Any] | str | int | bool | None

PARAMETERS = {
    "Internet": {"Type": "String", "Default": "Enabled", "AllowedValues": ["Enabled", "Disabled"]},
    "Off": {"Type": "String", "Default": "Disabled", "AllowedValues": ["Disabled"]},
    "Word": {"Type": "String", "Default": "Disabled"},
    "Open": {"Type": "String"},
    "Stage": {"Type": "String", "Default": "dev", "AllowedValues": ["dev", "prod"]},
    "Words": {"Type": "CommaDelimitedList", "Default": "Enabled, Disabled"},
    "OpenWords": {"Type": "CommaDelimitedList"},
    "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "Disabled"},
    "StoredWords": {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": "Disabled"},
    "Dynamic": {"Type": "String", "Default": "{{resolve:ssm:/net}}"},
    "Secret": {"Type": "String", "NoEcho": True, "Default": "hunter2"},
}
MAPPINGS = {
    "Stages": {"dev": {"Net": "Disabled"}, "prod": {"Net": "Enabled"}},
    "Regions": {"eu-west-1": {"Net": "Disabled"}, "us-east-1": {"Net": "Disabled"}},
    "Lists": {"dev": {"Nets": ["Enabled", "Disabled"]}},
}
CONDITIONS = {
    "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
    "NotProd": {"Fn::Not": [{"Condition": "IsProd"}]},
}

PASS = ("pass", "")
MUST = "DirectInternetAccess must be 'Disabled'"
ENABLED = "DirectInternetAccess is 'Enabled', must be 'Disabled'"
ABSENT = "DirectInternetAccess is not set and AWS takes 'Enabled', must be 'Disabled'"


def from_(cause: str) -> tuple[str, str]:
    return "unknown", f"DirectInternetAccess comes from {cause}, which is not known here"


def depends(name: str) -> tuple[str, str]:
    return "unknown", f"{MUST}; fails when {name} is not 'Disabled'"


VALUES: list[tuple[Value, tuple[str, str]]] = [
    # Plain values
    ("Disabled", PASS),
    ("Enabled", ("fail", ENABLED)),
    (True, ("fail", MUST)),
    # Ref
    ({"Ref": "Off"}, PASS),
    ({"Ref": "Internet"}, ("fail", f"{ENABLED}; passes when Internet is 'Disabled'")),
    ({"Ref": "Word"}, depends("Word")),
    ({"Ref": "Open"}, depends("Open")),
    ({"Ref": "Stored"}, from_("SSM parameter Stored")),
    (
        {"Ref": "Dynamic"},
        (
            "unknown",
            "DirectInternetAccess comes from a dynamic reference to ssm, which is not known here; "
            "fails when Dynamic is not 'Disabled'",
        ),
    ),
    ({"Ref": "Secret"}, ("fail", MUST)),
    ({"Ref": "Topic"}, from_("resource Topic")),
    ({"Ref": "Nowhere"}, from_("the undeclared name Nowhere")),
    # Pseudo parameters
    ({"Ref": "AWS::NoValue"}, ("fail", ABSENT)),
    ({"Ref": "AWS::Region"}, depends("AWS::Region")),
    ({"Ref": "AWS::AccountId"}, depends("AWS::AccountId")),
    ({"Ref": "AWS::Partition"}, depends("AWS::Partition")),
    ({"Ref": "AWS::StackName"}, depends("AWS::StackName")),
    ({"Ref": "AWS::StackId"}, depends("AWS::StackId")),
    ({"Ref": "AWS::URLSuffix"}, depends("AWS::URLSuffix")),
    ({"Ref": "AWS::NotificationARNs"}, from_("AWS::NotificationARNs")),
    ({"Ref": "AWS::Novelty"}, from_("AWS::Novelty")),
    # Sub
    ({"Fn::Sub": "Disabled"}, PASS),
    ({"Fn::Sub": "${Off}"}, PASS),
    ({"Fn::Sub": "${Internet}"}, ("fail", f"{ENABLED}; passes when Internet is 'Disabled'")),
    ({"Fn::Sub": ["Dis${Tail}", {"Tail": "abled"}]}, PASS),
    ({"Fn::Sub": ["${Internet}", {"Internet": {"Ref": "Off"}}]}, PASS),
    ({"Fn::Sub": "${!Off}"}, ("fail", MUST)),
    ({"Fn::Sub": "net-${AWS::Region}"}, ("fail", MUST)),
    ({"Fn::Sub": "Dis${AWS::Region}"}, from_("AWS::Region")),
    ({"Fn::Sub": "${Topic.TopicName}"}, from_("Topic.TopicName")),
    ({"Fn::Sub": "${Nowhere}"}, from_("the undeclared name Nowhere")),
    # Join
    ({"Fn::Join": ["", ["Dis", "abled"]]}, PASS),
    ({"Fn::Join": ["", ["Dis", {"Ref": "AWS::NoValue"}, "abled"]]}, PASS),
    ({"Fn::Join": ["", {"Fn::Split": ["-", "Dis-abled"]}]}, PASS),
    ({"Fn::Join": ["-", ["net", {"Ref": "AWS::Region"}]]}, ("fail", MUST)),
    ({"Fn::Join": ["", {"Ref": "Words"}]}, ("fail", MUST)),
    ({"Fn::Join": ["", {"Ref": "OpenWords"}]}, from_("parameter OpenWords")),
    # If
    ({"Fn::If": ["IsProd", "Enabled", "Disabled"]}, ("unknown", f"{ENABLED}; fails when IsProd is true")),
    ({"Fn::If": ["IsProd", "Disabled", "Enabled"]}, ("fail", f"{ENABLED}; passes when IsProd is true")),
    ({"Fn::If": ["IsProd", "Disabled", {"Fn::If": ["NotProd", "Disabled", "Enabled"]}]}, PASS),
    ({"Fn::If": ["Nowhere", "Disabled", "Enabled"]}, ("unknown", f"{ENABLED}; fails when Nowhere is false")),
    # FindInMap
    ({"Fn::FindInMap": ["Stages", "dev", "Net"]}, PASS),
    (
        {"Fn::FindInMap": ["Stages", {"Ref": "Stage"}, "Net"]},
        ("unknown", f"{ENABLED}; fails when Stage is 'prod'"),
    ),
    (
        {"Fn::FindInMap": ["Stages", {"Ref": "Open"}, "Net"]},
        ("unknown", f"{ENABLED}; fails when Open is 'prod'"),
    ),
    ({"Fn::FindInMap": ["Regions", {"Ref": "AWS::Region"}, "Net"]}, PASS),
    ({"Fn::FindInMap": ["Regions", {"Ref": "Open"}, "Net"]}, PASS),
    ({"Fn::FindInMap": ["Stages", "qa", "Net", {"DefaultValue": "Disabled"}]}, PASS),
    ({"Fn::FindInMap": ["Regions", {"Ref": "Open"}, "Net", {"DefaultValue": "Disabled"}]}, PASS),
    (
        {"Fn::FindInMap": ["Regions", {"Ref": "Internet"}, "Net", {"DefaultValue": "Enabled"}]},
        ("fail", ENABLED),
    ),
    (
        {"Fn::FindInMap": ["Stages", {"Ref": "Stage"}, "Net", {"DefaultValue": "Enabled"}]},
        ("unknown", f"{ENABLED}; fails when Stage is 'prod'"),
    ),
    ({"Fn::Select": [1, {"Fn::FindInMap": ["Lists", "dev", "Nets"]}]}, PASS),
    # Select and Split
    ({"Fn::Select": [1, ["Enabled", "Disabled"]]}, PASS),
    ({"Fn::Select": ["1", ["Enabled", {"Ref": "Off"}]]}, PASS),
    ({"Fn::Select": [0, {"Ref": "Words"}]}, ("fail", ENABLED)),
    ({"Fn::Select": [1, {"Ref": "Words"}]}, from_("parameter Words")),
    ({"Fn::Select": [1, {"Ref": "OpenWords"}]}, from_("parameter OpenWords")),
    ({"Fn::Select": [0, {"Ref": "StoredWords"}]}, from_("SSM parameter StoredWords")),
    ({"Fn::Select": [0, {"Fn::GetAZs": ""}]}, from_("the Region's zones")),
    ({"Fn::Select": [1, {"Fn::Split": ["|", "Enabled|Disabled"]}]}, PASS),
    ({"Fn::Select": [0, {"Fn::Split": ["|", {"Ref": "Open"}]}]}, from_("parameter Open")),
    # What only the account knows
    ({"Fn::GetAtt": ["Topic", "TopicName"]}, from_("Topic.TopicName")),
    ({"Fn::GetAtt": "Topic.TopicName"}, from_("Topic.TopicName")),
    ({"Fn::GetAtt": ["Nowhere", "Name"]}, from_("the undeclared name Nowhere.Name")),
    ({"Fn::ImportValue": "net"}, from_("an import from another stack")),
    ({"Fn::GetAZs": {"Ref": "AWS::Region"}}, from_("the Region's zones")),
    ({"Fn::Cidr": ["10.0.0.0/16", 2]}, from_("Fn::Cidr")),
    # Functions of values
    ({"Fn::Base64": "Disabled"}, ("fail", MUST)),
    ({"Fn::Base64": {"Ref": "Open"}}, from_("parameter Open")),
    ({"Fn::Length": ["a", "b"]}, ("fail", MUST)),
    ({"Fn::Length": {"Ref": "OpenWords"}}, from_("parameter OpenWords")),
    ({"Fn::ToJsonString": {"a": {"Ref": "Off"}}}, ("fail", MUST)),
    ({"Fn::ToJsonString": {"a": {"Ref": "Open"}}}, from_("parameter Open")),
    # Dynamic references
    ("{{resolve:ssm:/net:1}}", from_("a dynamic reference to ssm")),
    ("Dis{{resolve:ssm-secure:/net}}", from_("a dynamic reference to ssm-secure")),
    ("net-{{resolve:ssm:/net}}", ("fail", MUST)),
    ({"Fn::Sub": "{{resolve:ssm:/net/${Stage}}}"}, from_("a dynamic reference to ssm")),
    ({"Fn::Sub": "{{resolve:ssm:/net/${AWS::Region}}}"}, from_("a dynamic reference to ssm")),
    (
        {"Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": "Topic"}, ":SecretString:net}}"]]},
        from_("a dynamic reference to secretsmanager"),
    ),
    (
        {"Fn::Sub": "${Off}{{resolve:ssm:/a}}${AWS::Region}{{resolve:ssm:${AWS::Region}}}"},
        from_("a dynamic reference to ssm"),
    ),
]


@pytest.mark.parametrize("form", ["json", "yaml", "short"])
@pytest.mark.parametrize(("value", "expected"), VALUES, ids=repr)
def test_a_value(tmp_path: Path, value: Value, expected: tuple[str, str], form: str) -> None:
    report = scan(tmp_path, dump(template(value), form), "--all", "--select", "notebook-direct-internet")
    assert report.verdicts == [expected]
    odd = "fails when Nowhere" in expected[1]
    notes = [("t.yaml", "the condition Nowhere is not declared: both answers are judged")] if odd else []
    assert (report.gaps, report.notes, report.files) == ([], notes, {"seen": 1, "judged": 1})


MALFORMED: list[Value] = [
    ["Disabled"],
    {"a": "Disabled"},
    {"Ref": ["Off"]},
    {"Ref": None},
    {"Fn::Sub": []},
    {"Fn::Sub": ["Disabled"]},
    {"Fn::Sub": ["Disabled", "Off"]},
    {"Fn::Sub": {"a": "b"}},
    {"Fn::Sub": 7},
    {"Fn::Join": []},
    {"Fn::Join": ["", "Disabled"]},
    {"Fn::Join": [1, ["Disabled"]]},
    {"Fn::Join": ["", ["Dis", {"a": "b"}]]},
    {"Fn::If": []},
    {"Fn::If": "IsProd"},
    {"Fn::If": ["IsProd", "Disabled"]},
    {"Fn::If": [["IsProd"], "Disabled", "Enabled"]},
    {"Fn::FindInMap": []},
    {"Fn::FindInMap": ["Stages"]},
    {"Fn::FindInMap": ["Stages", "qa", "Net"]},
    {"Fn::FindInMap": ["Nowhere", "dev", "Net"]},
    {"Fn::FindInMap": ["Stages", ["dev"], "Net"]},
    {"Fn::FindInMap": ["Stages", "dev", "Net", "too", "many"]},
    {"Fn::FindInMap": [{"Ref": "Open"}, "dev", "Net"]},
    {"Fn::Select": []},
    {"Fn::Select": [0]},
    {"Fn::Select": [2, ["Disabled"]]},
    {"Fn::Select": [-1, ["Disabled"]]},
    {"Fn::Select": ["x", ["Disabled"]]},
    {"Fn::Select": [[], ["Disabled"]]},
    {"Fn::Select": [0, "Disabled"]},
    {"Fn::Split": []},
    {"Fn::Split": ["", "Disabled"]},
    {"Fn::Split": ["|", ["Disabled"]]},
    {"Fn::GetAtt": []},
    {"Fn::GetAtt": ["Topic"]},
    {"Fn::GetAtt": "Topic"},
    {"Fn::GetAtt": [{"Ref": "Open"}, "Arn"]},
    {"Fn::GetAtt": ["Topic", {"Ref": "Open"}]},
    {"Fn::Base64": ["Disabled"]},
    {"Fn::Length": "Disabled"},
    {"Fn::Length": None},
    {"Fn::Unheard": "Disabled"},
    {"Fn::": "Disabled"},
    {"Fn::Equals": ["Disabled"]},
    {"Fn::And": "Disabled"},
    {"Fn::Or": {}},
    {"Fn::Not": ["a", "b"]},
    {"Fn::If": ["IsProd", "Disabled", "Disabled"], "Other": "x"},
    {"Ref": "Off", "Fn::Sub": "Disabled"},
]


@pytest.mark.parametrize("value", MALFORMED, ids=repr)
def test_a_malformed_value_is_never_settled_as_good(tmp_path: Path, value: Value) -> None:
    report = scan(tmp_path, dump(template(value), "json"), "--all", "--select", "notebook-direct-internet")
    ((verdict, message),) = report.verdicts
    assert verdict in ("unknown", "fail"), message
    assert report.gaps == []


@pytest.mark.parametrize("value", [None, "", [], {}, [""], [{}], {"a": None}], ids=repr)
def test_what_is_empty_is_absent(tmp_path: Path, value: Value) -> None:
    report = scan(tmp_path, dump(template(value), "json"), "--select", "notebook-direct-internet")
    assert report.verdicts == [("fail", ABSENT)]


def template(value: Value) -> dict[str, Any]:
    return {
        "Parameters": PARAMETERS,
        "Mappings": MAPPINGS,
        "Conditions": CONDITIONS,
        "Resources": {
            "Topic": {"Type": "AWS::SNS::Topic"},
            "Notebook": {"Type": NOTEBOOK, "Properties": {"DirectInternetAccess": value}},
        },
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            """\
Parameters:
  Internet: {Type: String, Default: Enabled, AllowedValues: [Enabled, Disabled]}
Resources:
  Notebook:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      SubnetId: subnet-1
      DirectInternetAccess:
        !If
        - Nowhere
        - Enabled
        - !Sub '${Internet}'
""",
            ("Notebook", "DirectInternetAccess", 8, 7),
        ),
        (
            """\
{
  "Resources": {
    "Notebook": {
      "Type": "AWS::SageMaker::NotebookInstance",
      "Properties": {"SubnetId": "subnet-1",   "DirectInternetAccess": {"Fn::Sub": "Enabled"}}
    }
  }
}
""",
            ("Notebook", "DirectInternetAccess", 5, 48),
        ),
        (
            """\
Resources:
  Notebook:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      SubnetId: subnet-1
""",
            ("Notebook", "DirectInternetAccess", 4, 5),
        ),
        (
            """\
Resources:
  Notebook:
    Type: AWS::SageMaker::NotebookInstance
""",
            ("Notebook", "DirectInternetAccess", 2, 3),
        ),
    ],
    ids=["short YAML", "JSON", "absent property", "absent Properties"],
)
def test_where_a_value_stands(tmp_path: Path, text: str, expected: tuple[str, str, int, int]) -> None:
    report = scan(tmp_path, text, "--select", "notebook-direct-internet")
    assert report.found("control", "verdict", "resource", "path", "line", "column") == [
        ("notebook-direct-internet", "fail", *expected)
    ]
    assert report.code == 1


# --- lists and presence ---------------------------------------------------------------------------------

LISTS = """\
Parameters:
  Groups: {Type: CommaDelimitedList, Default: 'sg-1, sg-2'}
  Typed: {Type: 'List<AWS::EC2::SecurityGroup::Id>'}
  Empty: {Type: CommaDelimitedList, Default: ''}
  Stored: {Type: 'AWS::SSM::Parameter::Value<List<String>>', Default: ''}
  Either: {Type: CommaDelimitedList, Default: sg-1, AllowedValues: [sg-1, '']}
  Subnet: {Type: String, Default: ''}
Conditions:
  HasGroups: !Not [!Equals [!Join ['', !Ref Groups], '']]
  HasTyped: !Not [!Equals [!Join ['', !Ref Typed], '']]
  HasEmpty: !Not [!Equals [!Join ['', !Ref Empty], '']]
  HasSubnet: !Not [!Equals [!Ref Subnet, '']]
Resources:
  Notebook:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      SubnetId: subnet-1
      SecurityGroupIds: """
MISSING = "SecurityGroupIds is missing"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("[sg-1]", PASS),
        ("['', sg-1]", PASS),
        ("[!Ref AWS::NoValue, '', {}]", ("fail", MISSING)),
        ("!Ref Groups", PASS),
        ("!Ref Typed", PASS),
        ("!Ref Stored", PASS),
        ("!Ref Empty", ("fail", f"{MISSING}; passes when Empty is given")),
        ("!Ref Either", ("unknown", f"{MISSING}; fails when Either is empty")),
        ("[!Ref Subnet]", ("fail", f"{MISSING}; passes when Subnet is given")),
        ("[!Ref Subnet, !GetAtt Group.GroupId]", PASS),
        ("[!If [HasSubnet, sg-1, !Ref AWS::NoValue]]", ("fail", f"{MISSING}; passes when HasSubnet is true")),
        ("[!If [HasSubnet, sg-1, !Ref AWS::NoValue], sg-2]", PASS),
        (
            "!If [HasTyped, !Ref Typed, !Ref AWS::NoValue]",
            ("unknown", f"{MISSING}; fails when HasTyped is false"),
        ),
        (
            "!If [HasEmpty, !Ref Empty, !Ref AWS::NoValue]",
            ("fail", f"{MISSING}; passes when HasEmpty is true"),
        ),
        ("!If [HasGroups, !Ref Groups, []]", ("unknown", f"{MISSING}; fails when HasGroups is false")),
        ("!If [HasGroups, !If [HasGroups, [sg-1], []], [sg-2]]", PASS),
        ("!Split [',', !Join [',', !Ref Groups]]", PASS),
        ("!Split [',', !Join [',', !Ref Typed]]", PASS),
        ("!Split [',', !Join [',', !Ref Empty]]", ("fail", f"{MISSING}; passes when Empty is given")),
        ("!Split [',', !Ref Subnet]", ("fail", f"{MISSING}; passes when Subnet is given")),
        ("!Split [',', !ImportValue groups]", PASS),
        ("!GetAtt Group.Ids", PASS),
    ],
)
def test_a_list(tmp_path: Path, value: str, expected: tuple[str, str]) -> None:
    report = scan(tmp_path, f"{LISTS}{value}\n", "--all", "--select", "vpc-config")
    assert report.verdicts == [expected]
    if expected != PASS:
        assert report.found("path") == [("SecurityGroupIds",)]


# --- conditions -----------------------------------------------------------------------------------------

CONDITIONED = """\
Parameters:
  Stage: {Type: String, Default: dev, AllowedValues: [dev, prod]}
  Open: {Type: String}
Conditions:
  IsDev: !Equals [!Ref Stage, dev]
  IsProd: !Equals [prod, !Ref Stage]
  NotDev: !Not [!Condition IsDev]
  Both: !And [!Condition IsDev, !Condition IsProd]
  OneOf: !Or [!Condition IsDev, !Condition IsProd]
  Given: !Not [!Equals [!Ref Open, '']]
  Same: !Equals [!Ref Open, !Ref Open]
  Always: !Equals [a, a]
  Joined: !Equals [!Join ['-', [!Ref Stage, eu]], dev-eu]
  Somewhere: !Equals [!Ref AWS::Region, us-east-1]
  Store: !Equals ['{{resolve:ssm:/a}}', a]
  Circle: !Not [!Condition Circle]
  Short: !Equals [a]
  Empty: {}
  Text: maybe
  Truth: 'true'
  References: !Equals ['{{resolve:ssm:/a}}', '{{resolve:ssm:/b}}']
  Reference: !Not [!Equals ['{{resolve:ssm:/a}}', '']]
  First: !Equals [!Select [0, !Split ['|', !Ref Open]], a]
  Second: !Equals [!Select [1, !Split ['|', !Ref Open]], a]
  NotTwo: !Not [!Condition IsDev, !Condition IsProd]
Resources:
  Notebook:
    Type: AWS::SageMaker::NotebookInstance
    Condition: """
NO_KEY = "KmsKeyId is missing"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("IsDev", ("fail", NO_KEY)),
        ("IsProd", ("unknown", f"{NO_KEY}; fails when IsProd is true")),
        ("NotDev", ("unknown", f"{NO_KEY}; fails when NotDev is true")),
        ("Both", None),
        ("OneOf", ("fail", NO_KEY)),
        ("Given", ("unknown", f"{NO_KEY}; fails when Given is true")),
        ("Same", ("fail", NO_KEY)),
        ("Always", ("fail", NO_KEY)),
        ("Joined", ("fail", NO_KEY)),
        ("Somewhere", ("unknown", f"{NO_KEY}; fails when Somewhere is true")),
        ("Store", ("unknown", f"{NO_KEY}; fails when Store is true")),
        ("References", ("unknown", f"{NO_KEY}; fails when References is true")),
        ("Reference", ("fail", NO_KEY)),
        ("Circle", ("unknown", f"{NO_KEY}; fails when Circle is true")),
        ("Short", ("unknown", f"{NO_KEY}; fails when Short is true")),
        ("Empty", ("unknown", f"{NO_KEY}; fails when Empty is true")),
        ("Text", ("unknown", f"{NO_KEY}; fails when Text is true")),
        ("Truth", ("fail", NO_KEY)),
        ("NotTwo", ("unknown", f"{NO_KEY}; fails when NotTwo is true")),
        ("Nowhere", ("unknown", f"{NO_KEY}; fails when Nowhere is true")),
        ("''", ("unknown", f"{NO_KEY}; fails when  is true")),
        ("[IsDev]", ("unknown", NO_KEY)),
        ("{a: b}", ("unknown", NO_KEY)),
    ],
)
def test_a_resource_with_a_condition(
    tmp_path: Path, condition: str, expected: tuple[str, str] | None
) -> None:
    report = scan(tmp_path, f"{CONDITIONED}{condition}\n", "--all", "--select", "volume-kms-key")
    assert report.verdicts == ([expected] if expected else [])
    assert report.gaps == []


@pytest.mark.parametrize(
    ("condition", "value", "expected"),
    [
        ("Always", "!If [IsDev, alias/a, !If [NotDev, alias/b, '']]", PASS),
        ("Always", "!If [IsDev, !If [NotDev, '', alias/a], alias/b]", PASS),
        ("Always", "!If [Both, '', alias/a]", PASS),
        ("IsDev", "!If [NotDev, '', alias/a]", PASS),
        (
            "Always",
            "!If [First, !If [Second, alias/a, ''], alias/a]",
            ("unknown", f"{NO_KEY}; fails when First is true and Second is false"),
        ),
        ("IsDev", "!If [IsProd, alias/a, '']", ("fail", NO_KEY)),
        ("NotDev", "!If [IsProd, alias/a, '']", PASS),
        ("Given", "!Ref Open", PASS),
        ("Given", "!If [Given, !Ref Open, '']", PASS),
        (
            "IsDev",
            "!If [Given, !Ref Open, '']",
            ("unknown", f"{NO_KEY}; fails when IsDev is true and Given is false"),
        ),
    ],
)
def test_conditions_that_share_parameters_are_solved_together(
    tmp_path: Path, condition: str, value: str, expected: tuple[str, str]
) -> None:
    text = f"{CONDITIONED}{condition}\n    Properties: {{KmsKeyId: {value}}}\n"
    assert scan(tmp_path, text, "--all", "--select", "volume-kms-key").verdicts == [expected]


@pytest.mark.parametrize(
    ("properties", "expected", "noted"),
    [
        ("!If [IsProd, {KmsKeyId: k}, {KmsKeyId: l}]", PASS, True),
        ("!If [IsProd, {}, {KmsKeyId: k}]", ("unknown", f"{NO_KEY}; fails when IsProd is true"), True),
        (
            "!If [IsProd, {KmsKeyId: k}, !Ref AWS::NoValue]",
            ("fail", f"{NO_KEY}; passes when IsProd is true"),
            True,
        ),
        ("!If [Both, {}, {KmsKeyId: k}]", PASS, True),
        (
            "{KmsKeyId: !If [IsProd, k, !Ref AWS::NoValue]}",
            ("fail", f"{NO_KEY}; passes when IsProd is true"),
            False,
        ),
    ],
)
def test_if_around_the_whole_properties(
    tmp_path: Path, properties: str, expected: tuple[str, str], noted: bool
) -> None:
    text = f"{CONDITIONED}Always\n    Properties: {properties}\n"
    report = scan(tmp_path, text, "--all", "--select", "volume-kms-key")
    assert report.verdicts == [expected]
    what = "Notebook: CloudFormation does not take Fn::If for Properties; both branches are judged"
    assert report.notes == ([("t.yaml:30:5", what)] if noted else [])


@pytest.mark.parametrize(
    "properties", ["!Ref Stage", "!Ref Open", "!Sub text", "!Length [a]", "!Equals [a, a]"]
)
def test_properties_that_come_to_no_mapping(tmp_path: Path, properties: str) -> None:
    text = f"{CONDITIONED}Always\n    Properties: {properties}\n"
    report = scan(tmp_path, text, "--select", "volume-kms-key")
    assert [verdict for verdict, _ in report.verdicts] == ["unknown"]
    assert report.code == 0


# --- numbers --------------------------------------------------------------------------------------------

VARIANTS = """\
Parameters:
  Two: {Type: Number, Default: 2}
  One: {Type: Number, Default: 1}
  Least: {Type: Number, MinValue: 2}
  Most: {Type: Number, MaxValue: 1}
  Range: {Type: Number, Default: 3, MinValue: 2, MaxValue: 4}
  Listed: {Type: Number, Default: 2, AllowedValues: [1, 2, 3]}
  Text: {Type: String, Default: '2'}
Conditions:
  Many: !Equals [!Ref Two, 2]
Resources:
  Config:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      ProductionVariants:
        - {VariantName: a, ModelName: m, ServerlessConfig: {MemorySizeInMB: 1024, MaxConcurrency: 1}}
        - VariantName: b
          ModelName: m
          InitialInstanceCount: """
COUNT = "InitialInstanceCount must be at least 2"
COUNT_ONE = "InitialInstanceCount is 1, must be at least 2"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2", PASS),
        ("'2'", PASS),
        ("1", ("fail", COUNT_ONE)),
        ("'1'", ("fail", COUNT_ONE)),
        ("!Ref Two", ("unknown", f"{COUNT}; fails when Two < 2")),
        ("!Ref One", ("fail", f"{COUNT_ONE}; passes when One > 1")),
        ("!Ref Least", PASS),
        ("!Ref Most", ("fail", COUNT)),
        ("!Ref Range", PASS),
        ("!Ref Listed", ("unknown", f"{COUNT}; fails when Listed is '1'")),
        ("!Ref Text", ("unknown", f"{COUNT}; fails when Text < 2")),
        ("!Sub '${Two}'", ("unknown", f"{COUNT}; fails when Two < 2")),
        ("!Length [a, b]", PASS),
        ("!Length [a, !Ref AWS::NoValue]", ("fail", COUNT_ONE)),
        ("!If [Many, 2, 1]", ("unknown", f"{COUNT_ONE}; fails when Many is false")),
    ],
)
def test_a_number(tmp_path: Path, value: str, expected: tuple[str, str]) -> None:
    report = scan(tmp_path, f"{VARIANTS}{value}\n", "--all", "--select", "endpoint-multiple-instances")
    assert report.verdicts == [expected]
    if expected != PASS:
        assert report.found("path", "line", "column") == [
            ("ProductionVariants[1].InitialInstanceCount", 19, 11)
        ]


# --- what a parameter may be ----------------------------------------------------------------------------

GIVEN = """\
Parameters:
  Key: %s
Conditions:
  HasKey: !Not [!Equals [!Ref Key, '']]
Resources:
  Plain:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      KmsKeyId: !Ref Key
  Asked:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      KmsKeyId: !If [HasKey, !Ref Key, !Ref AWS::NoValue]
"""
ASKED_FAILS = ("unknown", f"{NO_KEY}; fails when HasKey is false")


@pytest.mark.parametrize(
    ("parameter", "plain", "asked"),
    [
        ("{Type: String}", PASS, ASKED_FAILS),
        ("{Type: String, Default: alias/a}", PASS, ASKED_FAILS),
        (
            "{Type: String, Default: ''}",
            ("fail", f"{NO_KEY}; passes when Key is given"),
            ("fail", f"{NO_KEY}; passes when HasKey is true"),
        ),
        (
            "{Type: String, Default: '', NoEcho: true}",
            ("fail", f"{NO_KEY}; passes when Key is given"),
            ("fail", f"{NO_KEY}; passes when HasKey is true"),
        ),
        (
            "{Type: String, AllowedValues: ['', a]}",
            ("unknown", f"{NO_KEY}; fails when Key is empty"),
            ASKED_FAILS,
        ),
        ("{Type: String, AllowedValues: [a, b]}", PASS, PASS),
        ("{Type: String, MinLength: 1}", PASS, PASS),
        ("{Type: String, MinLength: '1'}", PASS, PASS),
        ("{Type: String, AllowedPattern: 'arn:.*'}", PASS, PASS),
        ("{Type: String, AllowedPattern: '.*'}", PASS, ASKED_FAILS),
        ("{Type: String, AllowedPattern: '(arn:.*)?'}", PASS, ASKED_FAILS),
        ("{Type: String, AllowedPattern: '('}", PASS, ASKED_FAILS),
        ("{Type: 'AWS::SSM::Parameter::Value<String>', Default: ''}", PASS, PASS),
        ("{Type: 'AWS::SSM::Parameter::Value<String>', Default: /key}", PASS, PASS),
        ("{Type: [String], AllowedValues: a, MinLength: one, MinValue: []}", PASS, ASKED_FAILS),
        ("String", PASS, ASKED_FAILS),
    ],
)
def test_what_a_parameter_may_be(
    tmp_path: Path, parameter: str, plain: tuple[str, str], asked: tuple[str, str]
) -> None:
    report = scan(tmp_path, GIVEN % parameter, "--all", "--select", "volume-kms-key")
    assert report.found("resource", "verdict", "message") == [("Plain", *plain), ("Asked", *asked)]


@pytest.mark.parametrize("values", ["Default: hunter2", "AllowedValues: [hunter2, '']"])
def test_a_secret_value_is_not_shown(tmp_path: Path, values: str) -> None:
    report = scan(tmp_path, GIVEN % f"{{Type: String, NoEcho: true, {values}}}", "--all")
    assert "hunter2" not in str(report.document)


# --- keys -----------------------------------------------------------------------------------------------

KEYS = """\
Parameters:
  Listed: {Type: String, AllowedValues: [alias/aws/sagemaker, alias/own]}
  Own: {Type: String, AllowedValues: [alias/own, alias/other]}
  Stage: {Type: String, AllowedValues: [dev, prod]}
  Open: {Type: String}
  Stored: {Type: 'AWS::SSM::Parameter::Value<String>', Default: alias/own}
Resources:
  Key: {Type: AWS::KMS::Key}
  Alias: {Type: AWS::KMS::Alias}
  Topic: {Type: AWS::SNS::Topic}
  Notebook:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      KmsKeyId: """
AWS_KEY = ("fail", "KmsKeyId is alias/aws/sagemaker, an AWS managed key")
OTHER_KEY = ("unknown", "KmsKeyId names a key that is not known here")
BY_ID = ("unknown", "KmsKeyId names a key by id or ARN: only KMS can tell who manages it")
ARN = "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}"


def managed(cause: str) -> tuple[str, str]:
    return "unknown", f"KmsKeyId comes from {cause}: who manages that key is not known here"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("alias/aws/sagemaker", AWS_KEY),
        ("alias/own", PASS),
        ("1234abcd-12ab-34cd-56ef-1234567890ab", BY_ID),
        (f"!Sub '{ARN}:alias/aws/sagemaker'", AWS_KEY),
        (f"!Sub '{ARN}:alias/own'", PASS),
        (f"!Sub '{ARN}:alias/own-${{Open}}'", PASS),
        (f"!Sub '{ARN}:key/${{Open}}'", OTHER_KEY),
        ("!Sub 'alias/aws/${Open}'", ("fail", "KmsKeyId is alias/aws/, an AWS managed key")),
        ("!Sub 'alias/${Open}'", OTHER_KEY),
        ("!Sub 'alias/a${Open}'", OTHER_KEY),
        ("!Sub ['alias/${Name}', {Name: own}]", PASS),
        ("!Join ['/', [alias, aws, sagemaker]]", AWS_KEY),
        ("!Join ['', ['arn:', !Ref AWS::Partition, ':kms:eu-west-1:111122223333:alias/own']]", PASS),
        ("!Ref Key", PASS),
        ("!GetAtt Key.Arn", PASS),
        ("!Sub '${Key.Arn}'", PASS),
        ("!Ref Alias", PASS),
        (f"!Sub '{ARN}:key/${{Key}}'", PASS),
        (f"!Sub '{ARN}:${{Alias}}'", PASS),
        ("!Sub 'alias/${Key}'", OTHER_KEY),
        ("!Sub 'alias/${Stage}'", PASS),
        ("!Sub '${Own}'", PASS),
        ("!Ref Own", PASS),
        ("!Select [0, [!Ref Key]]", PASS),
        ("!If [Nowhere, !Ref Key, !GetAtt Key.Arn]", PASS),
        ("!Ref Topic", managed("resource Topic")),
        ("!Ref Stored", managed("SSM parameter Stored")),
        ("!ImportValue key", managed("an import from another stack")),
        ("'{{resolve:ssm:/key}}'", managed("a dynamic reference to ssm")),
        ("!Sub 'alias/own-{{resolve:ssm:/key}}'", PASS),
        (
            "!Ref Listed",
            (
                "unknown",
                "KmsKeyId is an AWS managed key; fails when Listed is 'alias/aws/sagemaker'",
            ),
        ),
        (
            "!Ref Open",
            ("unknown", f"{OTHER_KEY[1]}; fails when Open is an AWS managed key (alias/aws/…)"),
        ),
    ],
)
def test_a_key_that_is_known_in_part(tmp_path: Path, value: str, expected: tuple[str, str]) -> None:
    report = scan(tmp_path, f"{KEYS}{value}\n", "--all", "--select", "customer-managed-kms-key")
    assert report.verdicts == [expected]


# --- duplicate keys -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "resource",
    [
        "{Type: AWS::SNS::Topic, Type: AWS::SageMaker::NotebookInstance}",
        "{Type: AWS::SageMaker::NotebookInstance, Type: AWS::SNS::Topic}",
        "{Type: AWS::SageMaker::NotebookInstance, Condition: Never, Condition: Always}",
        "{Type: AWS::SageMaker::NotebookInstance, Properties: {KmsKeyId: a}, Properties: {}}",
        "{Type: AWS::SageMaker::NotebookInstance, Properties: {KmsKeyId: !Ref Key}}",
    ],
)
def test_both_values_of_a_duplicate_key_are_judged(tmp_path: Path, resource: str) -> None:
    text = f"""\
Parameters: {{Key: {{Type: String, Default: alias/a}}, Key: {{Type: String, Default: ''}}}}
Conditions: {{Always: !Equals [a, a], Never: !Equals [a, b]}}
Resources: {{Notebook: {resource}}}
"""
    report = scan(tmp_path, text, "--select", "volume-kms-key")
    assert [verdict for verdict, _ in report.verdicts] == ["fail"]
    assert report.files == {"seen": 1, "partial": 1}
