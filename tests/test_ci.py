"""The snippets of docs/ci.md and the repository's own workflows: valid, safe, and true of what they call."""

from __future__ import annotations

import json
import re
import shlex
import sys
import sysconfig
from pathlib import Path

import click
import pytest
import yaml

from scanner.cli.commands import group
from tests.building import ROOT, attempt, run

pytestmark = pytest.mark.packaging

PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
SNIPPETS = {
    (re.match(r"(?:#|//) (\S+)", text) or [None, "shell"])[1]: text
    for _, text in re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
}
WORKFLOWS = sorted((ROOT / ".github" / "workflows").iterdir())
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


def test_what_the_page_shows() -> None:
    shown = [
        "shell",
        ".pre-commit-config.yaml",
        ".github/workflows/smguard.yml",
        ".gitlab-ci.yml",
        "Jenkinsfile",
    ]
    assert list(SNIPPETS) == shown


def check(schema: str, *files: Path) -> None:
    run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *files, cwd=ROOT)


@pytest.mark.parametrize(
    ("schema", "snippet"),
    [("github-workflows", ".github/workflows/smguard.yml"), ("gitlab-ci", ".gitlab-ci.yml")],
)
def test_snippets_follow_the_published_schemas(schema: str, snippet: str, tmp_path: Path) -> None:
    file = tmp_path / "snippet.yaml"
    file.write_text(SNIPPETS[snippet], encoding="utf-8")
    check(schema, file)
    file.write_text(
        re.sub(r"(?m)^( *)smguard:\n", r"\g<0>\1  nonsense: true\n", SNIPPETS[snippet]), encoding="utf-8"
    )
    with pytest.raises(AssertionError, match="nonsense"):
        check(schema, file)


def test_pre_commit_takes_its_snippet(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(SNIPPETS[".pre-commit-config.yaml"], encoding="utf-8")
    run(sys.executable, "-m", "pre_commit", "validate-config", file, cwd=tmp_path)
    (used,) = yaml.safe_load(file.read_text(encoding="utf-8"))["repos"][0]["hooks"]
    (offered,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert used["id"] == offered["id"]
    understood([*shlex.split(offered["entry"]), *used["args"], "a.yaml"])


def understood(words: list[str]) -> None:
    """Have the command line parse a command, options and choices included, without running it."""
    name, *rest = words[1:]
    assert Path(words[0]).name == "smguard"
    command = group.get_command(click.Context(group), name)
    assert command is not None, name
    command.make_context(name, rest)


def commands(text: str) -> list[list[str]]:
    """The calls of smguard in a snippet."""
    found = re.findall(r"(?<![\w.@/-])(?:\.venv/bin/)?smguard (?:scan|rules)\b[^'\n]*", text)
    return [shlex.split(each) for each in found]


@pytest.mark.parametrize(("snippet", "calls"), [("shell", 1), (".gitlab-ci.yml", 1), ("Jenkinsfile", 1)])
def test_commands_of_the_page_are_known(snippet: str, calls: int) -> None:
    found = commands(SNIPPETS[snippet])
    assert len(found) == calls
    for words in found:
        understood(words)


def test_the_workflow_of_the_page_uses_the_action_as_it_is() -> None:
    workflow = yaml.safe_load(SNIPPETS[".github/workflows/smguard.yml"])
    _, used, upload = workflow["jobs"]["smguard"]["steps"]
    assert set(used["with"]) <= set(ACTION["inputs"])
    understood(["smguard", "scan", *used["with"]["args"].split(), "--", *used["with"]["paths"].split()])
    outputs = set(re.findall(r"steps\.smguard\.outputs\.([\w-]+)", json.dumps(upload)))
    assert outputs == {"sarif-file"} <= set(ACTION["outputs"])
    table = re.findall(r"^\| `([\w-]+)` \| (?:`(.*?)`)?\s*\|", PAGE, re.MULTILINE)
    assert table == [(name, each["default"]) for name, each in ACTION["inputs"].items()]


def test_own_files_follow_the_published_schemas() -> None:
    check("github-actions", ROOT / "action.yml")
    check("github-workflows", *WORKFLOWS)
    check("dependabot", ROOT / ".github" / "dependabot.yml")


def test_zizmor_finds_nothing(tmp_path: Path) -> None:
    zizmor = (Path(sysconfig.get_path("scripts")) / "zizmor", "--offline", "--quiet")
    shown = tmp_path / ".github" / "workflows" / "smguard.yml"
    shown.parent.mkdir(parents=True)
    shown.write_text(
        SNIPPETS[".github/workflows/smguard.yml"].replace("<commit>", "0" * 40), encoding="utf-8"
    )
    run(*zizmor, ".github", "action.yml", shown, cwd=ROOT)
    shown.write_text(
        shown.read_text(encoding="utf-8") + "      - run: echo ${{ github.head_ref }}\n", "utf-8"
    )
    assert "template-injection" in attempt(*zizmor, shown, cwd=tmp_path).stdout


def test_workflows_install_what_is_locked_and_make_what_there_is() -> None:
    text = "".join(each.read_text(encoding="utf-8") for each in WORKFLOWS)
    named = set(re.findall(r"requirements/\w+\.txt", text))
    assert named == {f"requirements/{name}.txt" for name in ("oldest", "release", "test")}
    installs = re.findall(r"pip install (.*)", text)
    assert {each.split()[0] for each in installs} == {"--require-hashes", "--no-deps"}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {target for line in re.findall(r"make ([a-z ]+)", text) for target in line.split()}
    assert targets == {"dist", "bill"} <= set(re.findall(r"^(\w+):", makefile, re.MULTILINE))


def test_every_python_that_is_promised_is_tested() -> None:
    promised = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for workflow in WORKFLOWS:
        test = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]["test"]
        assert test["strategy"]["matrix"]["python-version"] == promised
