"""Fn::ForEach, AWS::Include, macros and modules: what is written out, and what is said of the rest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.template.support import NOTEBOOK, Report, scan

KEY = ("--select", "volume-kms-key")
ROOT_ACCESS = ("--select", "notebook-root-access")
NO_KEY = "KmsKeyId is missing"
ENABLED = "RootAccess is 'Enabled', must be 'Disabled'"
UNSET = "RootAccess is not set and AWS takes 'Enabled', must be 'Disabled'"


def located(report: Report) -> list[tuple[object, ...]]:
    return report.found("verdict", "resource", "file", "line", "column", "message")


def unknown_loop(loop: str, cause: str) -> str:
    return f"{loop} runs over {cause}, which is not known here: its body is judged once"


# --- Fn::ForEach ----------------------------------------------------------------------------------------


def test_a_loop_over_literals(tmp_path: Path) -> None:
    text = """\
Transform: AWS::LanguageExtensions
Resources:
  Fn::ForEach::Notebooks:
    - Name
    - [Alpha, Beta]
    - Notebook${Name}:
        Type: AWS::SageMaker::NotebookInstance
        Properties:
          NotebookInstanceName: !Sub nb-${Name}
      Bare${Name}:
        Type: AWS::SageMaker::NotebookInstance
  Static:
    Type: AWS::SageMaker::NotebookInstance
"""
    report = scan(tmp_path, text, *KEY)
    assert located(report) == [
        ("fail", "NotebookAlpha", "t.yaml", 8, 9, NO_KEY),
        ("fail", "BareAlpha", "t.yaml", 10, 7, NO_KEY),
        ("fail", "NotebookBeta", "t.yaml", 8, 9, NO_KEY),
        ("fail", "BareBeta", "t.yaml", 10, 7, NO_KEY),
        ("fail", "Static", "t.yaml", 12, 3, NO_KEY),
    ]
    assert (report.gaps, report.notes, report.files) == ([], [], {"seen": 1, "judged": 1})
    assert len({each["fingerprint"] for each in report.document["findings"]}) == 5


def test_a_loop_in_json(tmp_path: Path) -> None:
    body = {"N${Name}": {"Type": NOTEBOOK, "Properties": {"KmsKeyId": {"Fn::Sub": "alias/${Name}"}}}}
    template = {"Resources": {"Fn::ForEach::Loop": ["Name", ["a", "aws/b"], body]}}
    report = scan(tmp_path, {"t.json": json.dumps(template)}, "--select", "customer-managed-kms-key")
    assert report.found("verdict", "resource", "message") == [
        ("fail", "Naws/b", "KmsKeyId is alias/aws/b, an AWS managed key")
    ]


OVER_PARAMETER = """\
Transform: AWS::LanguageExtensions
Parameters:
  Names: %s
Resources:
  Fn::ForEach::Notebooks:
    - Name
    - !Ref Names
    - Notebook&{Name}:
        Type: AWS::SageMaker::NotebookInstance
        Properties: {NotebookInstanceName: !Ref Name, RootAccess: Disabled}
  Static:
    Type: AWS::SageMaker::NotebookInstance
"""


def test_a_loop_over_a_parameter_takes_its_default_and_says_so(tmp_path: Path) -> None:
    report = scan(tmp_path, OVER_PARAMETER % "{Type: CommaDelimitedList, Default: 'a.1, b-2'}", *KEY)
    assert located(report) == [
        ("fail", "Notebooka1", "t.yaml", 10, 9, NO_KEY),
        ("fail", "Notebookb2", "t.yaml", 10, 9, NO_KEY),
        ("fail", "Static", "t.yaml", 11, 3, NO_KEY),
    ]
    what = "Fn::ForEach::Notebooks is written out over the default of its parameter"
    assert (report.gaps, report.notes) == ([], [("t.yaml:5:3", what)])


def test_a_loop_over_a_parameter_that_is_given(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text('{"Names": ["x", "y"]}')
    text = OVER_PARAMETER % "{Type: CommaDelimitedList}"
    report = scan(tmp_path, text, *KEY, "--parameters", str(tmp_path / "p.json"))
    assert report.found("resource") == [("Notebookx",), ("Notebooky",), ("Static",)]
    assert (report.gaps, report.notes) == ([], [])


@pytest.mark.parametrize("kind", ["CommaDelimitedList", "AWS::SSM::Parameter::Value<List<String>>"])
def test_a_loop_over_a_parameter_without_value_is_a_gap_and_its_body_judged_once(
    tmp_path: Path, kind: str
) -> None:
    report = scan(tmp_path, OVER_PARAMETER % f"{{Type: '{kind}'}}", *KEY)
    assert located(report) == [
        ("fail", "Notebook&{Name}", "t.yaml", 10, 9, NO_KEY),
        ("fail", "Static", "t.yaml", 11, 3, NO_KEY),
    ]
    cause = "parameter Names" if kind == "CommaDelimitedList" else "SSM parameter Names"
    assert report.gaps == [("t.yaml:5:3", unknown_loop("Fn::ForEach::Notebooks", cause))]
    assert report.document["gaps"][0]["hint"] == "give the value with --parameters"


def test_a_collection_that_a_parameter_picks_is_not_guessed(tmp_path: Path) -> None:
    text = """\
Parameters:
  Stage: {Type: String%s}
Mappings:
  Stages: {dev: {Names: [a, b]}, prod: {Names: [c]}}
Resources:
  Fn::ForEach::Notebooks:
    - Name
    - !FindInMap [Stages, !Ref Stage, Names]
    - Notebook${Name}: {Type: AWS::SageMaker::NotebookInstance}
"""
    report = scan(tmp_path, text % "", *KEY)
    assert report.found("resource") == [("Notebook${Name}",)]
    assert report.gaps == [("t.yaml:6:3", unknown_loop("Fn::ForEach::Notebooks", "what Stage decides"))]
    report = scan(tmp_path, text % ", Default: dev", *KEY)
    assert report.found("resource") == [("Notebooka",), ("Notebookb",)]
    assert [what for _, what in report.notes] == [
        "Fn::ForEach::Notebooks is written out over the default of its parameter"
    ]


def test_a_note_on_one_loop_is_not_said_of_the_next(tmp_path: Path) -> None:
    text = """\
Parameters: {Names: {Type: CommaDelimitedList, Default: a}}
Resources:
  Fn::ForEach::One: [Name, !Ref Names, {'N${Name}': {Type: AWS::SageMaker::NotebookInstance}}]
  Fn::ForEach::Two: [Name, [b], {'N${Name}': {Type: AWS::SageMaker::NotebookInstance}}]
"""
    report = scan(tmp_path, text, *KEY)
    assert report.found("resource") == [("Na",), ("Nb",)]
    assert [where for where, _ in report.notes] == ["t.yaml:3:3"]


def test_nested_loops_and_loops_inside_properties(tmp_path: Path) -> None:
    text = """\
Transform: AWS::LanguageExtensions
Resources:
  Fn::ForEach::Outer:
    - A
    - [X, Y]
    - Fn::ForEach::Inner:
        - B
        - ['1', '2']
        - Notebook${A}${B}:
            Type: AWS::SageMaker::NotebookInstance
            Properties:
              Fn::ForEach::Switches:
                - Switch
                - [RootAccess, DirectInternetAccess]
                - ${Switch}: !FindInMap [Settings, !Ref A, !Ref Switch]
              KmsKeyId: !Sub ['alias/${A}${Tail}', {Tail: !Ref B}]
Mappings:
  Settings:
    X: {RootAccess: Disabled, DirectInternetAccess: Disabled}
    Y: {RootAccess: Enabled, DirectInternetAccess: Disabled}
"""
    options = (*KEY, *ROOT_ACCESS, "--select", "notebook-direct-internet")
    report = scan(tmp_path, text, *options, "--select", "customer-managed-kms-key")
    assert located(report) == [
        ("fail", "NotebookY1", "t.yaml", 15, 19, ENABLED),
        ("fail", "NotebookY2", "t.yaml", 15, 19, ENABLED),
    ]
    assert report.document["summary"]["passed"] == 14


def test_loops_in_conditions_and_outputs(tmp_path: Path) -> None:
    text = """\
Parameters: {Stage: {Type: String, Default: dev, AllowedValues: [dev, prod]}}
Conditions:
  Fn::ForEach::Is:
    - S
    - [dev, prod]
    - Is${S}: !Equals [!Ref Stage, !Ref S]
Resources:
  One:
    Type: AWS::SageMaker::NotebookInstance
    Properties: {KmsKeyId: !If [Isprod, '', alias/a]}
  Two:
    Type: AWS::SageMaker::NotebookInstance
    Condition: Isdev
Outputs:
  Fn::ForEach::Outs:
    - S
    - [One, Two]
    - ${S}Arn: {Value: !Ref {Ref: S}}
"""
    report = scan(tmp_path, text, *KEY)
    assert report.found("verdict", "resource", "message") == [
        ("unknown", "One", f"{NO_KEY}; fails when Isprod is true"),
        ("fail", "Two", NO_KEY),
    ]
    assert report.gaps == []


def test_a_collection_of_lists_and_values(tmp_path: Path) -> None:
    text = """\
Parameters: {More: {Type: CommaDelimitedList, Default: 'b,c'}}
Resources:
  Fn::ForEach::A: [X, [a, !Ref More], {'N${X}': {Type: AWS::SageMaker::NotebookInstance}}]
  Fn::ForEach::B: [X, [], {'M${X}': {Type: AWS::SageMaker::NotebookInstance}}]
"""
    assert scan(tmp_path, text, *KEY).found("resource") == [("Na",), ("Nb",), ("Nc",)]


@pytest.mark.parametrize(
    ("loop", "what", "resources"),
    [
        ("[x]", "Fn::ForEach::L is not a loop of identifier, collection and body", []),
        ("{a: b}", "Fn::ForEach::L is not a loop of identifier, collection and body", []),
        ("[1, [a], {}]", "Fn::ForEach::L is not a loop of identifier, collection and body", []),
        ("[X, [a], []]", "Fn::ForEach::L is not a loop of identifier, collection and body", []),
        (
            "[X, text, {'N${X}': {Type: AWS::SageMaker::NotebookInstance}}]",
            unknown_loop("Fn::ForEach::L", "something that is no list"),
            [("N${X}",)],
        ),
        (
            "[X, [a, !ImportValue b], {'N${X}': {Type: AWS::SageMaker::NotebookInstance}}]",
            unknown_loop("Fn::ForEach::L", "an import from another stack"),
            [("N${X}",)],
        ),
    ],
)
def test_a_loop_that_is_none(tmp_path: Path, loop: str, what: str, resources: list[tuple[str]]) -> None:
    text = f"Resources:\n  Fn::ForEach::L: {loop}\n  Static: {{Type: {NOTEBOOK}}}\n"
    report = scan(tmp_path, text, *KEY)
    assert report.found("resource") == [*resources, ("Static",)]
    assert report.gaps == [("t.yaml:2:3", what)]


def test_properties_that_a_loop_may_bring_are_not_called_missing(tmp_path: Path) -> None:
    text = """\
Parameters: {Names: {Type: CommaDelimitedList}}
Resources:
  Notebook:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      RootAccess: Enabled
      Fn::ForEach::P: [Name, !Ref Names, {'${Name}': Disabled}]
"""
    report = scan(tmp_path, text, *KEY, *ROOT_ACCESS)
    assert report.found("control", "verdict", "message") == [
        ("notebook-root-access", "fail", ENABLED),
        (
            "volume-kms-key",
            "unknown",
            "KmsKeyId is inside an item of parameter Names, which is not known here",
        ),
    ]


@pytest.mark.no_cover  # fewer rounds cover as much
@pytest.mark.parametrize("body", ["{'N${A}${B}${C}': {Type: AWS::SageMaker::NotebookInstance}}", "{}"])
def test_a_million_rounds_are_refused_and_the_rest_is_judged(tmp_path: Path, body: str) -> None:
    hundred = json.dumps([f"i{number}" for number in range(100)])
    loops = f"[C, {hundred}, {body}]"
    loops = f"[B, {hundred}, {{'Fn::ForEach::Three': {loops}}}]"
    loops = f"[A, {hundred}, {{'Fn::ForEach::Two': {loops}}}]"
    text = f"Resources:\n  Fn::ForEach::One: {loops}\n  Static: {{Type: {NOTEBOOK}}}\n"
    report = scan(tmp_path, text, *KEY)
    assert located(report) == [("fail", "Static", "t.yaml", 3, 3, NO_KEY)]
    what = "Fn::ForEach or AWS::Include writes out more than the limits allow: they are left out"
    assert report.gaps == [("t.yaml", what)]
    assert report.code == 1


# --- AWS::Include ---------------------------------------------------------------------------------------


def include(location: str) -> str:
    return f"Fn::Transform: {{Name: 'AWS::Include', Parameters: {{Location: {location}}}}}"


@pytest.mark.parametrize(
    "text",
    [
        f"{include('parts/r.yaml')}\n",
        "Transform: {Name: AWS::Include, Parameters: {Location: parts/r.yaml}}\n",
        "Transform: [AWS::CodeStar, {Name: AWS::Include, Parameters: {Location: parts/r.yaml}}]\n",
        "Parameters: {At: {Type: String, Default: parts/r.yaml}}\n" + include("!Ref At"),
    ],
)
def test_an_include_at_the_top(tmp_path: Path, text: str) -> None:
    part = "Resources:\n  Notebook:\n    Type: AWS::SageMaker::NotebookInstance\n"
    report = scan(tmp_path, {"t.yaml": text, "parts/r.yaml": part}, *KEY, path="t.yaml")
    assert located(report) == [("fail", "Notebook", "parts/r.yaml", 2, 3, NO_KEY)]
    assert (report.gaps, report.files) == ([], {"seen": 1, "judged": 1})


def test_includes_in_resources_and_properties(tmp_path: Path) -> None:
    files = {
        "t.yaml": f"""\
Resources:
  {include("parts/resources.yaml")}
  Beside:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      {include("parts/key.json")}
      RootAccess: Disabled
  Overridden:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      RootAccess: Enabled
      {include("parts/deep/access.yaml")}
      KmsKeyId: alias/a
  Alone:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      {include("parts/deep/access.yaml")}
  Value:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      KmsKeyId: alias/a
      RootAccess:
        {include("parts/word.yaml")}
""",
        "parts/resources.yaml": f"""\
Included:
  Type: AWS::SageMaker::NotebookInstance
  Properties:
    {include("deep/access.yaml")}
""",
        "parts/key.json": '{\n  "KmsKeyId": ""\n}',
        "parts/deep/access.yaml": "# Access\nRootAccess: Disabled\n",
        "parts/word.yaml": "Enabled\n",
    }
    report = scan(tmp_path, files, *KEY, *ROOT_ACCESS, path="t.yaml")
    assert located(report) == [
        ("fail", "Included", "parts/resources.yaml", 3, 3, NO_KEY),
        ("fail", "Beside", "parts/key.json", 2, 3, NO_KEY),
        ("fail", "Overridden", "t.yaml", 11, 7, ENABLED),
        ("fail", "Alone", "t.yaml", 16, 5, NO_KEY),
        ("fail", "Value", "t.yaml", 22, 7, ENABLED),
    ]
    assert (report.gaps, report.files) == ([], {"seen": 1, "judged": 1})


def test_an_include_inside_an_included_file(tmp_path: Path) -> None:
    files = {
        "t.yaml": f"Resources:\n  {include('a/one.yaml')}\n",
        "a/one.yaml": f"{include('b/two.yaml')}\nHere: {{Type: {NOTEBOOK}}}\n",
        "a/b/two.yaml": f"\n\nThere: {{Type: {NOTEBOOK}}}\n",
    }
    assert located(scan(tmp_path, files, *KEY, path="t.yaml")) == [
        ("fail", "There", "a/b/two.yaml", 3, 1, NO_KEY),
        ("fail", "Here", "a/one.yaml", 2, 1, NO_KEY),
    ]


INSIDE = ("unknown", "KmsKeyId is inside an AWS::Include, which is not known here")


@pytest.mark.parametrize(
    ("location", "what", "verdict"),
    [
        ("s3://bucket/part.yaml", "AWS::Include of a remote file, which is not read", INSIDE),
        ("https://example.com/part.yaml", "AWS::Include of a remote file, which is not read", INSIDE),
        ("!Sub 's3://${AWS::Region}/p'", "AWS::Include of a location that is not known here", INSIDE),
        ("!ImportValue part", "AWS::Include of a location that is not known here", INSIDE),
        ("''", "AWS::Include of a location that is not known here", INSIDE),
        ("gone.yaml", "AWS::Include of a file that can't be read: does not exist", INSIDE),
        (
            "../outside.yaml",
            "AWS::Include of a file that can't be read: lies outside of the directory scanned",
            INSIDE,
        ),
        ("t.yaml", "AWS::Include of a file that can't be read: it includes itself", INSIDE),
        (
            "list.yaml",
            "AWS::Include of %s/list.yaml, which holds no mapping",
            ("fail", NO_KEY),
        ),
    ],
)
def test_an_include_that_is_not_read(
    tmp_path: Path, location: str, what: str, verdict: tuple[str, str]
) -> None:
    text = f"""\
Resources:
  Notebook:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      RootAccess: Enabled
      {include(location)}
"""
    (tmp_path / "outside.yaml").write_text("KmsKeyId: alias/a\n")
    folder = tmp_path / "here"
    report = scan(folder, {"t.yaml": text, "list.yaml": "- KmsKeyId\n"}, *KEY, *ROOT_ACCESS, path="t.yaml")
    assert report.found("control", "verdict", "message") == [
        ("notebook-root-access", "fail", ENABLED),
        ("volume-kms-key", *verdict),
    ]
    assert report.gaps == [("t.yaml:6:7", what.replace("%s", str(folder)))]


def test_an_included_file_with_a_fault_is_named(tmp_path: Path) -> None:
    files = {
        "t.yaml": f"Resources:\n  {include('bad.yaml')}\n  N: {{Type: {NOTEBOOK}}}\n",
        "bad.yaml": "a: [\n",
    }
    report = scan(tmp_path, files, *KEY, path="t.yaml")
    assert report.found("resource") == [("N",)]
    ((where, what),) = report.gaps
    assert where == "t.yaml:2:3"
    assert what.startswith(
        f"AWS::Include of a file that can't be read: {tmp_path}/bad.yaml: line 2, column 1: "
    )


def test_files_that_include_one_another(tmp_path: Path) -> None:
    files = {
        "t.yaml": f"Resources:\n  {include('a.yaml')}\n",
        "a.yaml": f"A: {{Type: {NOTEBOOK}}}\n{include('b.yaml')}\n",
        "b.yaml": f"B: {{Type: {NOTEBOOK}}}\n{include('a.yaml')}\n",
    }
    report = scan(tmp_path, files, *KEY, path="t.yaml")
    assert report.found("resource", "file") == [("A", "a.yaml"), ("B", "b.yaml")]
    assert report.gaps == [
        ("b.yaml:2:1", "AWS::Include of a file that can't be read: it includes itself"),
    ]


def test_both_values_of_a_duplicate_key_in_an_included_file_are_judged(tmp_path: Path) -> None:
    part = f"N:\n  Type: {NOTEBOOK}\n  Properties:\n    RootAccess: Disabled\n    RootAccess: Enabled\n"
    files = {"t.yaml": f"Resources:\n  {include('r.yaml')}\n", "r.yaml": part}
    report = scan(tmp_path, files, *ROOT_ACCESS, path="t.yaml")
    assert report.found("verdict", "message") == [("fail", ENABLED)]
    what = "the key RootAccess stands more than once, on lines 4 and 5: each value is judged"
    assert report.gaps == [("r.yaml:4", what)]


# --- macros, transforms and modules ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("transform", "macros"),
    [
        ("AWS::LanguageExtensions", []),
        ("AWS::Serverless-2016-10-31", []),
        ("[AWS::LanguageExtensions, AWS::Serverless-2016-10-31]", []),
        ("AddTags", ["AddTags"]),
        ("[AWS::Serverless-2016-10-31, AddTags, {Name: Other, Parameters: {A: b}}]", ["AddTags", "Other"]),
    ],
)
def test_a_transform_of_the_whole_template(tmp_path: Path, transform: str, macros: list[str]) -> None:
    text = f"Transform: {transform}\nResources:\n  N: {{Type: {NOTEBOOK}}}\n"
    report = scan(tmp_path, text, *KEY)
    assert located(report) == [("fail", "N", "t.yaml", 3, 3, NO_KEY)]
    assert report.gaps == [("t.yaml:1:1", f"the macro {name} may change this template") for name in macros]


def test_a_sam_template(tmp_path: Path) -> None:
    text = f"""\
Transform: AWS::Serverless-2016-10-31
Globals: {{Function: {{Timeout: 3}}}}
Resources:
  Function: {{Type: AWS::Serverless::Function, Properties: {{Handler: a.b}}}}
  N: {{Type: {NOTEBOOK}}}
"""
    report = scan(tmp_path, text, *KEY)
    assert report.found("verdict", "resource") == [("fail", "N")]
    assert (report.gaps, report.code) == ([], 1)


def test_macros_inside_a_template(tmp_path: Path) -> None:
    text = """\
Resources:
  Fn::Transform: {Name: MoreResources}
  Beside:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      RootAccess: Enabled
      Fn::Transform: {Name: AddKey}
  Value:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      KmsKeyId: {'Fn::Transform': {Name: FindKey}}
      RootAccess: {'Fn::Transform': FindAccess}
"""
    report = scan(tmp_path, text, *KEY, *ROOT_ACCESS)
    assert report.found("control", "verdict", "resource", "message") == [
        ("notebook-root-access", "fail", "Beside", ENABLED),
        ("volume-kms-key", "unknown", "Beside", "KmsKeyId is inside a macro, which is not known here"),
        (
            "notebook-root-access",
            "unknown",
            "Value",
            "RootAccess comes from a transform, which is not known here",
        ),
    ]
    assert report.gaps == [
        ("t.yaml:2:3", "the macro MoreResources may change what stands here"),
        ("t.yaml:7:7", "the macro AddKey may change what stands here"),
        ("t.yaml:11:18", "the macro FindKey may change what stands here"),
        ("t.yaml:12:20", "the macro FindAccess may change what stands here"),
    ]


def test_a_module(tmp_path: Path) -> None:
    text = f"""\
Resources:
  Room: {{Type: My::Team::Notebook::MODULE, Properties: {{Size: small}}}}
  N: {{Type: {NOTEBOOK}}}
"""
    report = scan(tmp_path, text, *KEY)
    assert report.found("verdict", "resource") == [("fail", "N")]
    assert report.gaps == [("t.yaml:2:10", "Room is a module: what it stands for is not in this file")]
