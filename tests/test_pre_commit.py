"""The hook as `pre-commit` itself installs and runs it, in a repository of a user."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tests.building import ROOT, attempt, clean, commit_all, run

pytestmark = pytest.mark.packaging

PRE_COMMIT = (sys.executable, "-m", "pre_commit")
BAD = """\
Resources:
  Notebook:
    Type: AWS::SageMaker::NotebookInstance
    Properties: {DirectInternetAccess: Enabled}
"""
GOOD = (ROOT / "examples" / "compliant.yaml").read_text(encoding="utf-8")
OTHERS = {
    "deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\n",
    "chart.yml": "name: {{ .Values.name }}\n",
    "package.json": '{"name": "no template"}\n',
    "notes.txt": BAD,
}


@pytest.fixture(scope="module")
def hooks(index: None, project: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A repository with the project, and its commit."""
    folder = tmp_path_factory.mktemp("hooks") / "sagemaker-guardrails"
    shutil.copytree(project, folder)
    return folder, commit_all(folder)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A user's repository with files that are no templates."""
    folder = tmp_path / "infrastructure"
    folder.mkdir()
    for name, text in OTHERS.items():
        (folder / name).write_text(text, encoding="utf-8")
    commit_all(folder)
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Hooks that one test has installed serve the others."""
    home = tmp_path_factory.mktemp("pre-commit")
    return clean(PRE_COMMIT_HOME=str(home), PRE_COMMIT_COLOR="never", COLUMNS="100")


def configure(repository: Path, hooks: tuple[Path, str]) -> None:
    folder, commit = hooks
    config = f"repos:\n- repo: {folder}\n  rev: {commit}\n  hooks: [{{id: smguard-scan}}]\n"
    (repository / ".pre-commit-config.yaml").write_text(config, encoding="utf-8")


def test_all_files(hooks: tuple[Path, str], repository: Path, environment: dict[str, str]) -> None:
    configure(repository, hooks)
    (repository / "bad.yaml").write_text(BAD, encoding="utf-8")
    (repository / "good.yaml").write_text(GOOD, encoding="utf-8")
    run("git", "add", "--all", cwd=repository)
    words = ("run", "smguard-scan", "--verbose", "--all-files")
    tried = attempt(*PRE_COMMIT, *words, cwd=repository, env=environment)
    assert tried.returncode == 1, tried.stdout
    assert "- exit code: 1\n" in tried.stdout
    assert "bad.yaml:4:" in tried.stdout
    assert "notebook-direct-internet" in tried.stdout
    assert not [name for name in ("good.yaml", *OTHERS) if name in tried.stdout]
    # The two templates are judged, and what else is YAML or JSON is passed over.
    assert "2 judged, 4 skipped" in tried.stdout


def test_a_commit_is_stopped_until_it_is_mended(
    hooks: tuple[Path, str], repository: Path, environment: dict[str, str]
) -> None:
    configure(repository, hooks)
    run(*PRE_COMMIT, "install", "--install-hooks", cwd=repository, env=environment)

    def commit_template(text: str | None) -> tuple[int, str]:
        if text is not None:
            (repository / "template.yaml").write_text(text, encoding="utf-8")
        run("git", "add", "--all", cwd=repository)
        done = attempt("git", "commit", "--message", "Change", cwd=repository, env=environment)
        return done.returncode, done.stdout

    code, said = commit_template(None)
    assert (code, "Passed" in said) == (0, True), said
    code, said = commit_template(BAD)
    assert (code, "notebook-direct-internet" in said) == (1, True), said
    assert run("git", "status", "--short", cwd=repository) == "A  template.yaml\n"
    code, said = commit_template("Resources: [AWS::SageMaker\n")
    assert (code, "- exit code: 3" in said) == (1, True), said
    code, said = commit_template(GOOD)
    assert (code, "Passed" in said) == (0, True), said
    assert run("git", "status", "--short", cwd=repository) == ""


def test_the_manifest_is_valid() -> None:
    run(*PRE_COMMIT, "validate-manifest", ROOT / ".pre-commit-hooks.yaml", cwd=ROOT)
