"""The controls inside checkov, in an environment of its own: its checks say what `smguard scan` says.

`make checkov` prepares that environment. Without it, and without checkov on the path, they are skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from scanner import catalog, secret
from scanner.cli.commands import group
from tests import door
from tests.hosted import CORPUS, NOTEBOOK, corpus, scan, write_examples, write_own_control

ROOT = Path(__file__).resolve().parent.parent
CATALOG = catalog.load()
CHECKOV = shutil.which("checkov", path=f"{ROOT / 'benchmarks/.venvs/checkov/bin'}:{os.environ['PATH']}")
pytestmark = pytest.mark.skipif(CHECKOV is None, reason="there is no checkov; `make checkov` installs it")

Verdicts = dict[tuple[str, str, str], str]
"""(file's name, logical id, id of the check) -> passed or failed."""


class Ran(NamedTuple):
    """How checkov ended."""

    code: int
    report: Any
    log: str

    @property
    def verdicts(self) -> Verdicts:
        """What its report says."""
        return {
            (
                Path(record["file_path"]).name,
                record["resource"].partition(".")[2],
                record["check_id"],
            ): verdict
            for verdict in ("passed", "failed", "skipped")
            for record in self.report.get("results", {}).get(f"{verdict}_checks", [])
        }


def checkov(*words: str | Path, folder: str = "", **environment: str) -> Ran:
    """Run checkov with our checks alone, from the folder that `smguard rules checkov` prints."""
    assert CHECKOV is not None
    printed = CliRunner().invoke(group, ["rules", "checkov"], standalone_mode=False).stdout.strip()
    options = ["--external-checks-dir", folder or printed, "--check", "CKV2_SMG_*"]
    plain = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "SMGUARD"))}
    done = subprocess.run(
        [CHECKOV, *words, *options, "--skip-download", "--compact", "--output", "json"],
        capture_output=True,
        text=True,
        env={**plain, **environment},
        check=False,
    )
    return Ran(done.returncode, json.loads(done.stdout), done.stderr)


def expected(*words: str | Path) -> Verdicts:
    """What `smguard scan` says of files, as far as checkov shows it, in its terms."""
    worst: dict[tuple[str, str, str], str] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secret, "can_look", lambda: False)  # checkov has a fork of it
        findings = scan(*words, "--all")["findings"]
    for finding in findings:
        check = CATALOG.by_id[finding["control"]].checkov_id
        resource = finding["resource"]
        # checkov knows resources of templates: the jobs of a pipeline stand under its name.
        is_step = resource["type"] == "AWS::SageMaker::TrainingJob"
        name = resource["name"].partition("/")[0] if is_step else resource["name"]
        key = (Path(finding["location"]["file"]).name, name, check)
        worst[key] = max(worst.get(key, "pass"), finding["verdict"], key=["pass", "unknown", "fail"].index)
    return {key: f"{verdict}ed" for key, verdict in worst.items() if verdict != "unknown"}


@pytest.mark.no_cover  # hundreds of files, where a few cover as much
def test_every_example_of_every_control_gets_its_verdicts(tmp_path: Path) -> None:
    write_examples(tmp_path)
    ran = checkov("-d", tmp_path, *ONE)
    wanted = expected(tmp_path)
    assert len(wanted) > 1_000
    assert ran.verdicts == wanted


@pytest.mark.corpus
@pytest.mark.skipif(not corpus("cfn_sagemaker"), reason="the corpus is not beside the project")
def test_real_templates_get_their_verdicts_unless_checkov_refuses_them(tmp_path: Path) -> None:
    for folder in ("cfn_sagemaker", "labelled"):
        shutil.copytree(CORPUS / folder, tmp_path / folder)
    ran = checkov("-d", tmp_path, *ONE)
    assert [file[-16:] for file in ran.report["results"]["parsing_errors"]] == ["_main-merged.yml"]
    assert ran.verdicts == expected(tmp_path)


def resource(more: str = "") -> str:
    """The notebook with more beside its Properties."""
    before, properties, after = NOTEBOOK.partition("    Properties:")
    return f"{before}    {more}\n{properties}{after}" if more else NOTEBOOK


OPEN = NOTEBOOK.replace("RootAccess: Enabled", "RootAccess: !Ref Root")
LOOP = NOTEBOOK.replace("  Notebook:", "  Fn::ForEach::Loop:\n  - Name\n  - [A, B]\n  - Notebook${Name}:")
OPEN_LOOP = LOOP.replace("RootAccess: Enabled", "RootAccess: !Ref Root")
TEMPLATES = {
    "plain.yaml": NOTEBOOK,
    "waived.yaml": resource(
        "Metadata: {smguard: {waivers: "
        "[{control: notebook-root-access, reason: A lab, expires: 2099-01-01}]}}"
    ),
    "skipped.yaml": resource("Metadata: {checkov: {skip: [{id: CKV2_SMG_107, comment: A lab}]}}"),
    "comment.yaml": resource("# checkov:skip=CKV2_SMG_107:A lab"),
    "open.yaml": f"Parameters: {{Root: {{Type: String}}}}\n{OPEN}",
    "parent/parent.yaml": (
        "Resources:\n  Stack:\n    Type: AWS::CloudFormation::Stack\n"
        "    Properties: {TemplateURL: ../child.yaml, Parameters: {Root: Enabled}}\n"
    ),
    "child.yaml": f"Parameters: {{Root: {{Type: String}}}}\n{OPEN}",
    "gap.yaml": f"Transform: Ours\n{NOTEBOOK}",
    "loop.yaml": (
        f"Transform: AWS::LanguageExtensions\n{LOOP.replace('    ', '        ')}"
        "  Other: {Type: 'AWS::S3::Bucket'}\n"
    ),
    "hostile.json": json.dumps(
        {
            "Resources": {
                "List": [],
                "Re\x1b[31m\u202e::error::": {
                    "Type": "AWS::SageMaker::NotebookInstance",
                    "Properties": {"A": 1},
                },
                "a/b": {"Type": "AWS::SageMaker::NotebookInstance", "Properties": {}},
                "None": {"Type": "AWS::SageMaker::NotebookInstance"},
                "Good": {"Type": "AWS::SageMaker::NotebookInstance", "Properties": {"RootAccess": "Enabled"}},
            }
        }
    ),
    "undecided.yaml": (
        "Transform: AWS::LanguageExtensions\nParameters: {Root: {Type: String}}\n"
        f"{OPEN_LOOP.replace('    ', '        ')}  Other: {{Type: 'AWS::S3::Bucket'}}\n"
    ),
    "main.tf": 'resource "aws_s3_bucket" "bucket" {}\n',
}
ROOT_ACCESS = "CKV2_SMG_107"
ONE = ("--framework", "cloudformation")
"""Else checkov forks for a dozen frameworks, and each process loads the checks."""


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(TEMPLATES[name], encoding="utf-8")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """All templates scanned in one go, among other kinds of files, for which checkov starts processes."""
    folder = tmp_path_factory.mktemp("templates")
    write(folder, *TEMPLATES)
    frameworks = ("cloudformation", "terraform", "kubernetes", "serverless")
    return checkov("-d", folder, "--framework", *frameworks)


@pytest.mark.parametrize(
    ("file", "verdict"),
    [
        ("plain.yaml", "failed"),
        ("waived.yaml", None),
        ("skipped.yaml", "skipped"),
        ("comment.yaml", "skipped"),
        ("open.yaml", None),
        ("child.yaml", "failed"),
        ("gap.yaml", "failed"),
    ],
)
def test_a_template_among_many_gets_its_verdict(file: str, verdict: str | None, ran: Ran) -> None:
    assert ran.code == 1
    assert ran.verdicts.get((file, "Notebook", ROOT_ACCESS)) == verdict
    assert ran.verdicts[file, "Notebook", "CKV2_SMG_105"] == "passed"


def test_a_finding_has_the_lines_of_its_resource(ran: Ran) -> None:
    (record,) = (
        each
        for each in ran.report["results"]["failed_checks"]
        if (each["file_path"], each["check_id"]) == ("/plain.yaml", ROOT_ACCESS)
    )
    assert record["file_line_range"] == [2, 12]
    assert record["check_name"] == "Users of notebook instances have no root access (notebook-root-access)"
    assert record["check_result"]["evaluated_keys"] == ["RootAccess"]
    assert record["severity"] == "HIGH"


def test_what_checkov_cannot_show_is_said(ran: Ran) -> None:
    unlooked = {key[:2] for key, verdict in ran.verdicts.items() if key[2] == "CKV2_SMG_0"}
    assert {file for file, _ in unlooked} == {"gap.yaml", "loop.yaml", "hostile.json"}
    assert "gap.yaml:1:1: the macro Ours may change this template" in ran.log
    assert "notebook-root-access fails on NotebookA, which checkov doesn't know" in ran.log
    assert "smguard: 2 verdicts are UNKNOWN, which checkov doesn't show" in ran.log
    assert "\x1b" not in ran.log


def test_one_hostile_resource_does_not_take_the_others_along(ran: Ran) -> None:
    names = {
        key[1] for key, verdict in ran.verdicts.items() if key[0] == "hostile.json" and verdict == "failed"
    }
    assert names >= {"Good", "None", "a/b"}


def test_unknown_fails_if_asked_to_and_own_controls_are_checks_too(tmp_path: Path) -> None:
    write(tmp_path, "open.yaml", "waived.yaml")
    write_own_control(tmp_path / "mine", number=500)
    words = ("-f", tmp_path / "open.yaml", tmp_path / "waived.yaml", tmp_path / "open.yaml")
    ran = checkov(*words, *ONE, SMGUARD_STRICT="1", SMGUARD_RULES=str(tmp_path / "mine"))
    assert {key for key, verdict in ran.verdicts.items() if verdict == "failed"} == {
        ("open.yaml", "Notebook", ROOT_ACCESS),
        ("open.yaml", "Notebook", "CKV2_SMG_500"),
        ("waived.yaml", "Notebook", "CKV2_SMG_500"),
    }


def test_a_control_that_crashes_leaves_the_others_alone(tmp_path: Path) -> None:
    copy = tmp_path / "package" / "scanner"
    shutil.copytree(door.installed() + "/scanner", copy)
    engine = copy / "engine.py"
    crash = '        if control.id == "volume-kms-key":\n            raise ZeroDivisionError\n'
    before, start, after = engine.read_text(encoding="utf-8").partition("        judgements: list[Judgement]")
    engine.write_text(f"{before}{crash}{start}{after}", encoding="utf-8")
    write(tmp_path, "plain.yaml")
    ran = checkov("-f", tmp_path / "plain.yaml", *ONE, folder=str(copy / "checkov_checks"))
    failed = {key[2] for key, verdict in ran.verdicts.items() if verdict == "failed"}
    assert failed == {"CKV2_SMG_0", ROOT_ACCESS}
    assert "volume-kms-key crashed on Notebook: ZeroDivisionError" in ran.log


def test_rules_that_cannot_be_loaded_are_no_silence(tmp_path: Path) -> None:
    write(tmp_path, "plain.yaml")
    ran = checkov("-f", tmp_path / "plain.yaml", *ONE, SMGUARD_RULES=str(tmp_path / "none"))
    assert (ran.code, ran.verdicts) == (1, {("plain.yaml", "Notebook", "CKV2_SMG_0"): "failed"})
    assert "none is no folder" in ran.log
