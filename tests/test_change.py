"""`scan --changed-since`: the files that differ from a revision, and those that lead to one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.door import CALM, Ran, files, smguard
from tests.repository import Repository, notebooks

PARENT = "Resources:\n  Child: {Type: 'AWS::CloudFormation::Stack', Properties: {TemplateURL: %s}}\n"
INCLUDING = "Resources:\n  'Fn::Transform': {Name: 'AWS::Include', Parameters: {Location: part.yaml}}\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "work")
    made.write(a_yaml=notebooks("A"), b_yaml=notebooks("B"), sub__c_yaml=notebooks("C"))
    made.commit()
    return made


def judged(ran: Ran) -> list[str]:
    """The files with findings, once the counts are known to close."""
    assert ran.code in (0, 1), ran.err
    counts = files(ran.report)
    found = sorted({it["location"]["file"] for it in ran.report["findings"]})
    assert counts.get("judged", 0) >= len(found)
    return found


def test_nothing_changed(repository: Repository) -> None:
    ran = repository.scan(".", "--changed-since", "HEAD")
    assert (ran.code, files(ran.report)) == (0, {"skipped": 3})


def test_committed_staged_unstaged_and_untracked(repository: Repository) -> None:
    base = repository.git("rev-parse", "HEAD")
    repository.put("committed.yaml", notebooks("N"))
    repository.commit()
    repository.put("a.yaml", notebooks("A", "Staged"))
    repository.git("add", "a.yaml")
    repository.put("b.yaml", notebooks("B", "Unstaged"))
    repository.put("sub/a b\n'ü.yaml", notebooks("Untracked"))
    repository.put("ignored.yaml", notebooks("N"))
    repository.put(".gitignore", "ignored.yaml\n")
    everything = ["a.yaml", "b.yaml", "committed.yaml", "sub/a b\n'ü.yaml"]
    assert judged(repository.scan(".", "--changed-since", base)) == everything
    assert judged(repository.scan(".", "--changed-since", "HEAD")) == [everything[i] for i in (0, 1, 3)]
    assert judged(repository.scan("sub", "--changed-since", base)) == everything[3:]
    assert judged(repository.scan("a.yaml", "sub", "--changed-since", base)) == ["a.yaml", everything[3]]
    below = judged(repository.scan("..", "--changed-since", base, below="sub"))
    assert below == ["../a.yaml", "../b.yaml", "../committed.yaml", "../sub/a b\n'ü.yaml"]


def test_renamed_and_removed(repository: Repository) -> None:
    repository.git("mv", "a.yaml", "renamed.yaml")
    (repository.folder / "b.yaml").unlink()
    repository.commit()
    assert judged(repository.scan(".", "--changed-since", "HEAD~1")) == ["renamed.yaml"]
    (repository.folder / "sub").rename(repository.folder / "moved")
    assert judged(repository.scan(".", "--changed-since", "HEAD")) == ["moved/c.yaml"]


def test_what_others_did_since_the_branch_left_is_not_ours(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "-b", "feature")
    repository.put("b.yaml", notebooks("B", "Ours"))
    repository.commit()
    repository.git("checkout", "--quiet", "main")
    repository.put("a.yaml", notebooks("A", "Theirs"))
    repository.commit()
    repository.git("checkout", "--quiet", "feature")
    assert judged(repository.scan(".", "--changed-since", "main")) == ["b.yaml"]


def test_without_a_common_ancestor_all_that_differs_counts(repository: Repository) -> None:
    repository.git("checkout", "--quiet", "--orphan", "other")
    repository.put("a.yaml", notebooks("A", "More"))
    repository.commit()
    assert judged(repository.scan(".", "--changed-since", "main")) == ["a.yaml"]


def test_a_changed_child_has_its_parents_judged(repository: Repository) -> None:
    repository.write(parent_yaml=PARENT % "sub/middle.yaml", sub__middle_yaml=PARENT % "leaf.yaml")
    repository.write(sub__leaf_yaml=notebooks("N"), apart_yaml=PARENT % "b.yaml")
    repository.write(including_yaml=INCLUDING, part_yaml="N: {Type: 'AWS::SageMaker::NotebookInstance'}\n")
    repository.commit()
    assert judged(repository.scan(".", "--changed-since", "HEAD")) == []
    repository.put("sub/leaf.yaml", notebooks("N", "M"))
    ran = repository.scan(".", "--changed-since", "HEAD")
    assert judged(ran) == ["sub/leaf.yaml"]
    assert {it["resource"]["name"] for it in ran.report["findings"]} == {"Child/Child/N", "Child/Child/M"}
    repository.commit()
    repository.put("part.yaml", "M: {Type: 'AWS::SageMaker::NotebookInstance'}\n")
    ran = repository.scan(".", "--changed-since", "HEAD")
    assert {it["resource"]["name"] for it in ran.report["findings"]} == {"M"}
    repository.commit()
    (repository.folder / "sub/leaf.yaml").unlink()
    ran = repository.scan(".", "--changed-since", "HEAD")
    assert ran.code == 3
    assert ["leaf" in gap["what"] or "Child" in gap["what"] for gap in ran.report["gaps"]] == [True]


def test_a_changed_submodule_counts_whole(repository: Repository, tmp_path: Path) -> None:
    inner = Repository(tmp_path / "inner")
    inner.write(i_yaml=notebooks("I"))
    inner.commit()
    repository.git(
        "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner.folder), "mod"
    )
    repository.commit()
    assert judged(repository.scan(".", "--changed-since", "HEAD")) == []
    (repository.folder / "mod" / "i.yaml").write_text(notebooks("I", "J"))
    assert judged(repository.scan(".", "--changed-since", "HEAD")) == ["mod/i.yaml"]


def test_notes_of_the_unused_are_left_out(repository: Repository) -> None:
    waiver = "{control: volume-kms-key, resource: Old, reason: lab, expires: '9999-12-31'}"
    repository.put("waivers.yaml", f"waivers: [{waiver}]\n")
    words = (".", "--waivers", "waivers.yaml")
    assert len(repository.scan(*words).report["notes"]) == 1
    assert repository.scan(*words, "--changed-since", "HEAD").report["notes"] == []


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        ("nowhere", "git knows no revision 'nowhere' here\n  fetch it first (a shallow clone"),
        ("--output=stolen", "'--output=stolen' is no revision\n  name a branch"),
        ("", "'' is no revision"),
        ("HEAD:a.yaml", "git knows no revision 'HEAD:a.yaml' here"),
        ("\x1b[31m", "git knows no revision '\\x1b[31m' here"),
    ],
)
def test_a_bad_revision(repository: Repository, revision: str, said: str) -> None:
    ran = repository.scan(".", f"--changed-since={revision}")
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert not (repository.folder / "stolen").exists()


def test_no_repository_and_paths_outside(repository: Repository, tmp_path: Path) -> None:
    ran = smguard("scan", ".", "--changed-since", "HEAD", cwd=tmp_path)
    assert ran.code == 2
    assert "the working directory is in no git repository: fatal: not a git repository" in ran.err
    for path in (str(tmp_path), "-"):
        ran = repository.scan(path, "--changed-since", "HEAD")
        assert ran.code == 2
        assert f"{path} is not in the git repository" in ran.err


def test_without_git(repository: Repository, tmp_path: Path) -> None:
    ran = repository.scan(".", "--changed-since", "HEAD", PATH=str(tmp_path / "nothing"))
    assert (ran.code, ran.out) == (2, "")
    assert "git can't be run: No such file or directory\n  --changed-since needs git" in ran.err


def test_a_git_that_hangs_is_given_up(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nexec sleep 60\n")
    fake.chmod(0o755)
    monkeypatch.setattr("scanner.change._SECONDS", 0.1)
    ran = repository.scan(".", "--changed-since", "HEAD", PATH=f"{fake.parent}:{CALM['PATH']}")
    assert ran.code == 2
    assert "git rev-parse took longer than 0.1 seconds" in ran.err


def test_the_environment_of_a_hook_does_not_mislead(repository: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    repository.put("a.yaml", notebooks("A", "More"))
    ran = repository.scan(
        ".",
        "--changed-since",
        "HEAD",
        GIT_DIR=str(other.folder / ".git"),
        GIT_WORK_TREE=str(other.folder),
        GIT_INDEX_FILE="nowhere",
        GIT_EXTERNAL_DIFF="false",
    )
    assert judged(ran) == ["a.yaml"]


def test_what_a_repository_configures_is_not_run(repository: Repository, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\nexit 1\n")
    trap.chmod(0o755)
    for name in ("core.fsmonitor", "diff.external", "diff.x.command", "diff.x.textconv", "core.pager"):
        repository.git("config", name, str(trap))
    repository.put(".gitattributes", "*.yaml diff=x\n")
    repository.put("a.yaml", notebooks("A", "More"))
    assert judged(repository.scan(".", "--changed-since", "HEAD")) == ["a.yaml"]
    assert not (tmp_path / "sprung").exists()


def test_a_link_into_the_repository_and_a_worktree(repository: Repository, tmp_path: Path) -> None:
    repository.put("a.yaml", notebooks("A", "More"))
    (tmp_path / "link").symlink_to(repository.folder)
    select = ("scan", "--select", "volume-kms-key", "-f", "json")
    ran = smguard(*select, ".", "--changed-since", "HEAD", cwd=tmp_path / "link")
    assert judged(ran) == ["a.yaml"]
    repository.git("worktree", "add", "--quiet", str(tmp_path / "tree"))
    (tmp_path / "tree" / "b.yaml").write_text(notebooks("B", "More"))
    assert judged(smguard(*select, ".", "--changed-since", "main", cwd=tmp_path / "tree")) == ["b.yaml"]
    shutil.rmtree(tmp_path / "tree")
