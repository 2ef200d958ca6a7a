"""The controls inside cfn-lint: its rules say what `smguard scan` says, where it says it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from logging import getLogger
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cfnlint.config import ConfigMixIn
from cfnlint.decode import decode
from cfnlint.rules import Rules
from cfnlint.runner import main
from cfnlint.runner.template.runner import run_template_by_data, run_template_by_file_path

from scanner import catalog
from scanner.engine import Engine, Subject
from scanner.model import Control
from scanner.opening import Candidate
from scanner.place import Judgement
from scanner.report.place import locate
from scanner.scan import Scan
from scanner.template.judge import FileVerdicts
from tests.building import ROOT, clean
from tests.door import called, within
from tests.hosted import NOTEBOOK, corpus, scan, write_examples, write_own_control

CATALOG = catalog.load()
RULES = Rules.create_from_module("scanner.cfn_lint_rules")
CONFIG = ConfigMixIn(["--include-checks", "I9"])
Place = tuple[str, str, int, int]
"""Rule id, file, line, column."""


def lint(file: Path) -> list[Any]:
    """The matches of our rules alone, informational ones included, as cfn-lint's own runner gives them."""
    return list(run_template_by_file_path(str(file), CONFIG, RULES, False))


def places(found: Iterable[Any]) -> set[Place]:
    return {(each.rule.id, each.filename, each.linenumber, each.columnnumber) for each in found}


def expected(*files: Path) -> set[Place]:
    """What `smguard scan` says of files, in cfn-lint's terms."""
    report = scan(*files)
    said: set[Place] = set()
    for finding in report["findings"]:
        at = finding["location"]
        rule = CATALOG.by_id[finding["control"]].cfn_lint_id
        rule = rule if finding["verdict"] == "fail" else f"I{rule[1:]}"
        if finding["waiver"] is None:
            said.add((rule, at["file"], at["line"], at["column"]))
    for rule, listed in (("E9000", report["gaps"]), ("I9000", report["notes"])):
        for each in listed:
            spot = locate(each["where"])
            said.add((rule, spot.file or "", spot.line or 1, spot.column or 1))
    return said


def cfn_lint(
    *words: str | Path, given: str | None = None, folder: Path | None = None, **environment: str
) -> tuple[int, str]:
    """Run the command with our rules appended, by an option or, in a `folder`, by its configuration file.

    Returns the exit code and what it printed.
    """
    command = ["cfn-lint", *words, *([] if folder else ["-a", "scanner.cfn_lint_rules"])]
    if not environment:
        ran = within(main, *command, cwd=folder, given=given and given.encode())
        getLogger("cfnlint").handlers.clear()
        return ran.code, ran.out + ran.err
    # What is set is read when our rules are imported.
    done = subprocess.run(
        [Path(sys.executable).with_name(command[0]), *command[1:]],
        capture_output=True,
        text=True,
        cwd=folder,
        env=clean(PYTHONPATH=str(ROOT), **environment),
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "t.yaml"
    path.write_text(NOTEBOOK, encoding="utf-8")
    return path


@pytest.mark.no_cover  # hundreds of files, where a few cover as much
def test_every_example_of_every_control_gets_its_verdicts(tmp_path: Path) -> None:
    files = write_examples(tmp_path)
    assert len(files) > 400
    assert set().union(*(places(lint(file)) for file in files)) == expected(*files)


@pytest.mark.corpus
@pytest.mark.skipif(not corpus("cfn_sagemaker"), reason="the corpus is not beside the project")
def test_real_templates_get_their_verdicts_unless_cfn_lint_refuses_them() -> None:
    found = {file: lint(file) for file in corpus("cfn_sagemaker", "labelled")}
    refused = [
        file for file, matches in found.items() if {match.rule.id for match in matches} & {"E0000", "E0001"}
    ]
    assert [file.name[-16:] for file in refused] == ["_main-merged.yml"]  # a key that stands twice
    judged = found.keys() - set(refused)
    assert set().union(*(places(found[file]) for file in judged)) == expected(*judged)


def test_the_command_reports_and_counts(notebook: Path) -> None:
    code, said = cfn_lint("--format", "parseable", notebook)
    what = "Notebook: RootAccess is 'Enabled', must be 'Disabled' (notebook-root-access)"
    assert said == f"{notebook}:8:7:8:17:W9107:{what}\n"
    assert code == 4
    assert cfn_lint("--non-zero-exit-code", "error", notebook)[0] == 0


def test_a_configuration_file_appends_the_rules_as_documented(notebook: Path) -> None:
    page = (Path(__file__).parent.parent / "docs" / "cfn-lint-and-checkov.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^append_rules: .*$", page, re.MULTILINE)
    (notebook.parent / ".cfnlintrc").write_text(line, encoding="utf-8")
    code, said = cfn_lint("t.yaml", folder=notebook.parent)
    assert (code, said.partition(" ")[0]) == (4, "W9107")


def test_what_cfn_lint_reads_from_standard_input_is_judged_too() -> None:
    code, said = cfn_lint("--format", "parseable", given=NOTEBOOK)
    assert (code, said.partition(": ")[0]) == (4, "None:8:7:8:17:W9107:Notebook")


@pytest.mark.parametrize(
    "how",
    [
        "the option",
        "the template",
        "the resource",
        "our waiver",
    ],
)
@pytest.mark.no_cover  # most of it is cfn-lint
def test_a_finding_is_suppressed(how: str, notebook: Path) -> None:
    config = "cfn-lint: {config: {ignore_checks: [W9107]}}"
    waiver = "smguard: {waivers: [{control: notebook-root-access, reason: A lab, expires: 2099-01-01}]}"
    before, properties, after = NOTEBOOK.partition("    Properties:")
    options = ["--ignore-checks", "W9107"] if how == "the option" else []
    text = {
        "the option": NOTEBOOK,
        "the template": f"Metadata:\n  {config}\n{NOTEBOOK}",
        "the resource": f"{before}    Metadata:\n      {config}\n{properties}{after}",
        "our waiver": f"{before}    Metadata:\n      {waiver}\n{properties}{after}",
    }[how]
    notebook.write_text(text, encoding="utf-8")
    assert cfn_lint(notebook, *options) == (0, "")


def test_what_cannot_be_decided_is_informational(notebook: Path) -> None:
    text = NOTEBOOK.replace("RootAccess: Enabled", "RootAccess: !Ref Root")
    notebook.write_text(f"Parameters: {{Root: {{Type: String}}}}\n{text}", encoding="utf-8")
    assert cfn_lint(notebook) == (0, "")
    code, said = cfn_lint("--include-checks", "I9", "--format", "parseable", "-t", notebook)
    assert (code, said.partition(": ")[0]) == (8, f"{notebook}:9:7:9:17:I9107:Notebook")


@pytest.mark.parametrize(("value", "found"), [("Enabled", {"W9107"}), ("Disabled", set())])
def test_parameters_given_to_cfn_lint_decide(value: str, found: set[str], notebook: Path) -> None:
    text = NOTEBOOK.replace("RootAccess: Enabled", "RootAccess: !Ref Root")
    notebook.write_text(f"Parameters: {{Root: {{Type: String}}}}\n{text}", encoding="utf-8")
    config = ConfigMixIn(["--parameters", f"Root={value}", "--include-checks", "I9", "-t", str(notebook)])
    matches = run_template_by_file_path(str(notebook), config, RULES, False)
    assert {match.rule.id for match in matches} == found


def test_a_nested_stack_is_judged_with_what_it_is_passed(tmp_path: Path, notebook: Path) -> None:
    text = NOTEBOOK.replace("RootAccess: Enabled", "RootAccess: !Ref Root")
    notebook.write_text(f"Parameters: {{Root: {{Type: String}}}}\n{text}", encoding="utf-8")
    parent = tmp_path / "parent.yaml"
    template = {
        "Resources": {
            name: {
                "Type": "AWS::CloudFormation::Stack",
                "Metadata": {"cfn-lint": {"config": {"ignore_checks": ignored}}},
                "Properties": {"TemplateURL": "t.yaml", "Parameters": {"Root": "Enabled"}},
            }
            for name, ignored in (("One", []), ("Two", ["W9107"]))
        }
    }
    parent.write_text(json.dumps(template), encoding="utf-8")
    (match,) = lint(parent)
    assert places([match]) == {("W9107", str(notebook), 9, 7)}
    assert match.message == "One/Notebook: RootAccess is 'Enabled', must be 'Disabled' (notebook-root-access)"


def test_what_could_not_be_looked_at_is_an_error(notebook: Path) -> None:
    notebook.write_text(f"Transform: Ours\n{NOTEBOOK}", encoding="utf-8")
    code, said = cfn_lint("--format", "parseable", notebook)
    assert code == 6
    assert f"{notebook}:1:1:1:2:E9000:the macro Ours may change this template" in said
    assert "W9107" in said


def test_the_list_of_rules_explains_each() -> None:
    code, said = cfn_lint("--list-rules")
    assert code == 0
    for control in CATALOG.controls:
        assert f"{control.cfn_lint_id}: {control.title}\n" in said
        assert f"I{control.cfn_lint_id[1:]}: Undecided: {control.title}\n" in said
        assert f"smguard rules show {control.id}" in said


def test_controls_of_your_own_are_rules_too(tmp_path: Path, notebook: Path) -> None:
    mine = tmp_path / "mine"
    write_own_control(mine, number=500)
    code, said = cfn_lint("--format", "parseable", notebook, SMGUARD_RULES=str(mine))
    assert (code, "W9500:Notebook: VolumeSizeInGB is missing" in said) == (4, True)
    write_own_control(mine)
    code, said = cfn_lint(notebook, SMGUARD_RULES=str(mine))
    assert code not in (0, 4)
    assert "the control small-volume has no number" in said


def test_the_configuration_of_the_repository_counts(tmp_path: Path, notebook: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".cfnlintrc").write_text("append_rules: [scanner.cfn_lint_rules]\n", encoding="utf-8")
    smguard_yaml = tmp_path / ".smguard.yaml"
    found = {}
    for settings in ("", "ignore: [notebook-root-access]\n", "baseline: known.json\n", "fail-on: nothing\n"):
        smguard_yaml.write_text(settings, encoding="utf-8")
        if "known" in settings:
            assert called("baseline", ".", "-o", "known.json", "--no-config", cwd=tmp_path).code == 0
        code, said = cfn_lint("--format", "parseable", notebook, folder=tmp_path, SMGUARD_RULES="")
        found[settings[:6]] = (code, sorted(set(re.findall(r"W9\d+|known form|fail-on", said))))
    assert found == {
        "": (4, ["W9107"]),
        "ignore": (0, []),
        "baseli": (0, []),
        "fail-o": (1, ["fail-on"]),
    }


def test_a_control_that_crashes_leaves_the_others_alone(
    notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Engine.judge

    def crash(self: Engine, control: Control, kind: str, subject: Subject) -> list[Judgement]:
        if control.id == "volume-kms-key":
            raise ZeroDivisionError
        return judge(self, control, kind, subject)

    monkeypatch.setattr(Engine, "judge", crash)
    found = {match.rule.id: match.message for match in lint(notebook)}
    assert set(found) == {"W9107", "E9000"}
    assert found["E9000"].startswith("volume-kms-key crashed on Notebook: ZeroDivisionError")


def test_a_defect_of_ours_is_an_error_of_the_file(notebook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(self: Scan, entry: Candidate, verdicts: FileVerdicts) -> Iterator[Any]:
        raise ZeroDivisionError

    monkeypatch.setattr(Scan, "_findings", crash)
    (match,) = lint(notebook)
    assert (match.rule.id, match.message) == (
        "E9000",
        "can't be judged: ZeroDivisionError; this is a defect of smguard; please report it",
    )


HOSTILE = {
    "escapes": {"Re\x1b[31m\u202e::error::": {"Type": "AWS::SageMaker::NotebookInstance"}},
    "a name like a nested one": {"a/b": {"Type": "AWS::SageMaker::NotebookInstance"}},
    "properties that are no mapping": {"N": {"Type": "AWS::SageMaker::NotebookInstance", "Properties": []}},
    "a resource that is no mapping": {"N": []},
    "a type that is no text": {"N": {"Type": ["AWS::SageMaker::NotebookInstance"]}},
    "lists that are none": {
        "N": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {"ProductionVariants": {"Fn::If": ["A", [{}], [{}, {}]]}},
        }
    },
}


@pytest.mark.parametrize("resources", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("from_file", [True, False])
def test_one_hostile_resource_does_not_take_the_others_along(
    resources: dict[str, Any], from_file: bool, tmp_path: Path
) -> None:
    good = {"Type": "AWS::SageMaker::NotebookInstance", "Properties": {"RootAccess": "Enabled"}}
    template = {"Resources": {**resources, "Good": good}}
    file = tmp_path / "t.json"
    file.write_text(json.dumps(template), encoding="utf-8")
    if from_file:
        found = lint(file)
    else:
        decoded, problems = decode(str(file))
        assert not problems
        found = list(run_template_by_data(decoded, CONFIG, RULES))
    assert "E0002" not in {match.rule.id for match in found}
    assert [match.rule.id for match in found if match.message.startswith("Good: RootAccess")] == ["W9107"]
    assert all(match.message.isprintable() and " ::" not in match.message for match in found)


def endless() -> dict[str, Any]:
    node: dict[str, Any] = {"Type": "AWS::SageMaker::NotebookInstance"}
    for _ in range(40):
        node = {"a": node, "b": node}
    return node


def circular() -> dict[str, Any]:
    node: dict[str, Any] = {}
    node["a"] = node
    return node


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        pytest.param(endless(), "is larger than 5 MB", marks=pytest.mark.no_cover),  # half a million pieces
        (circular(), "the template can't be judged: it holds itself"),
    ],
)
def test_a_decoded_template_without_end_is_a_gap(metadata: Any, said: str) -> None:
    decoded = SimpleNamespace(
        template={"Resources": {"N": {"Type": "AWS::SageMaker::NotebookInstance", "Metadata": metadata}}},
        filename=None,
        context=None,
        get_location_yaml=lambda text, path: None,
    )
    (match,) = RULES["E9000"].match(decoded)
    assert match.message.startswith(said)
