"""`smguard rules diff`: what an upgrade changes, from folders, wheels and git revisions."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scanner import rulepack
from tests.door import ROOT, Ran
from tests.door import called as smguard

NOTEBOOK = "Resources: {N: {Type: 'AWS::SageMaker::NotebookInstance'}}\n"


def diff(folder: Path, *words: str) -> Ran:
    return smguard("rules", "diff", *words, cwd=folder)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of the catalog to change."""
    shutil.copytree(ROOT / "rules", tmp_path / "new")
    return tmp_path / "new"


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def wheel(folder: Path, rules: Path) -> Path:
    path = folder / "sagemaker_guardrails-9-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in rulepack.compiled_files(str(rules)).items():
            archive.writestr(f"scanner/data/{name}", text)
    return path


@pytest.mark.no_cover  # what differs covers as much
def test_nothing_differs(tmp_path: Path, rules: Path) -> None:
    for old, new in (("installed", "new"), ("installed", wheel(tmp_path, rules).name), (str(ROOT), "new")):
        ran = diff(tmp_path, old, new)
        assert (ran.code, ran.err) == (0, "")
        assert ran.out.endswith("\n\nNothing differs.\n")


def report(tmp_path: Path, *words: str) -> Any:
    ran = diff(tmp_path, *words, "-f", "json")
    assert ran.err == ""
    return json.loads(ran.out)


def test_what_differs(tmp_path: Path, rules: Path) -> None:
    volume = rules / "encryption" / "volume-kms-key.yaml"
    replace(volume, "severity: high", "severity: critical\nwaivable: false")
    replace(
        volume,
        "{unless: {HomeEfsFileSystemKmsKeyId: {}}, requires: {KmsKeyId: {}}}",
        "{requires: {KmsKeyId: {}}}",
    )
    replace(rules / "_defs.yaml", "g4dn|", "")
    replace(rules / "access" / "notebook-imds-v2.yaml", "severity: medium", "severity: medium\nretired: true")
    (rules / "access" / "remote-access.yaml").unlink()
    root = rules / "access" / "notebook-root-access.yaml"
    text = root.read_text()
    (rules / "access" / "another.yaml").write_text(
        text.replace("id: notebook-root-access\nnumber: 107", "id: another")
        .partition("frameworks:")[0]
        .partition("    aka:")[0]
        + "    places: [{requires: {RootAccess: {const: Disabled}}}]\nexamples:\n  fail: [{about: x, "
        "resource: {Type: AWS::SageMaker::NotebookInstance}}]\n"
    )
    found = report(tmp_path, "installed", "new")
    by_id = {each["control"]: each for each in found["controls"]}
    assert {name: each["change"] for name, each in by_id.items()} == {
        "another": "added",
        "experiment-kms-key": "changed",
        "notebook-imds-v2": "retired",
        "remote-access": "removed",
        "volume-kms-key": "changed",
    }
    assert by_id["another"]["differences"] == [
        "Users of notebook instances have no root access",
        "high, on NotebookInstance",
    ]
    differences = by_id["volume-kms-key"]["differences"]
    assert differences[:4] == [
        "severity: high → critical",
        "waivable: yes → no",
        "Domain: no longer: KmsKeyId must be set, unless HomeEfsFileSystemKmsKeyId is set",
        "Domain: new: KmsKeyId must be set",
    ]
    assert differences[4].startswith("a definition that it uses has changed, for Algorithm, ")
    assert len(differences) == 5
    verdicts = {(each["control"], each["example"], each["old"], each["new"]) for each in found["verdicts"]}
    assert ("volume-kms-key", "A domain with the older property", "pass", "fail") in verdicts
    assert ("notebook-imds-v2", "Version 1", "fail", "not-applicable") in verdicts
    assert {control for control, *_ in verdicts} == {"volume-kms-key", "notebook-imds-v2"}
    assert found["findings"] is None
    back = report(tmp_path, "new", "installed")
    assert {each["control"]: each["change"] for each in back["controls"]} == {
        "another": "removed",
        "experiment-kms-key": "changed",
        "notebook-imds-v2": "restored",
        "remote-access": "added",
        "volume-kms-key": "changed",
    }
    shown = diff(tmp_path, "installed", "new")
    assert shown.code == 1
    assert "\n  notebook-imds-v2 retired\n" in shown.out
    assert "    volume-kms-key: pass → fail: A domain with the older property\n" in shown.out
    assert shown.out.endswith(f"\nDifferent: controls 5, verdicts on examples {len(verdicts)}\n")


@pytest.mark.no_cover  # the others cover as much
def test_a_parameter_and_the_types(tmp_path: Path, rules: Path) -> None:
    replace(rules / "monitoring" / "endpoint-multiple-instances.yaml", "default: 2", "default: 3")
    replace(
        rules / "encryption" / "registry-kms-key.yaml",
        "  AWS::SageMaker::ModelCard:",
        "  AWS::SageMaker::FeatureGroup: {places: [{requires: {OnlineStoreConfig.SecurityConfig: {}}}]}\n"
        "  AWS::SageMaker::ModelCard:",
    )
    found = {
        each["control"]: each["differences"] for each in report(tmp_path, "installed", "new")["controls"]
    }
    assert found["endpoint-multiple-instances"][0] == "parameter minimum-instances: 2 → 3"
    assert found["registry-kms-key"] == ["FeatureGroup: new: OnlineStoreConfig.SecurityConfig must be set"]
    back = {each["control"]: each["differences"] for each in report(tmp_path, "new", "installed")["controls"]}
    assert back["registry-kms-key"] == ["FeatureGroup: no longer judged"]


def test_the_findings_that_change(tmp_path: Path, rules: Path) -> None:
    replace(rules / "encryption" / "volume-kms-key.yaml", "severity: high", "severity: low")
    (rules / "access" / "notebook-imds-v2.yaml").unlink()
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "t.yaml").write_text(NOTEBOOK)
    on = ("installed", "new", "--on", "t")
    found = report(tmp_path, *on)["findings"]
    changes = [
        (each[0] or each[1], each[0] and each[0]["severity"], each[1] and each[1]["severity"])
        for each in ((each["old"], each["new"]) for each in found)
    ]
    assert [(each["control"], each["location"]["file"], was, now) for each, was, now in changes] == [
        ("notebook-imds-v2", "t/t.yaml", "medium", None),
        ("volume-kms-key", "t/t.yaml", "high", "low"),
    ]
    shown = diff(tmp_path, *on)
    assert shown.code == 1
    assert "\n  notebook-imds-v2 N: fail (medium) → none\n" in shown.out
    assert "\n  volume-kms-key N: fail (high) → fail (low)\n" in shown.out
    assert shown.out.endswith("Different: controls 2, verdicts on examples 0, findings 2\n")


@pytest.mark.no_cover  # the others cover as much
def test_with_templates_only_their_findings_count(tmp_path: Path, rules: Path) -> None:
    replace(rules / "encryption" / "volume-kms-key.yaml", "severity: high", "severity: low")
    (tmp_path / "t.yaml").write_text("Resources: {}\n")
    assert diff(tmp_path, "installed", "new").code == 1
    assert diff(tmp_path, "installed", "new", "--on", "t.yaml").code == 0
    ran = diff(tmp_path, "installed", "new", "--on", "missing.yaml")
    assert (ran.code, "Not everything could be looked at" in ran.out) == (3, True)


def test_a_folder_of_ones_own_at_a_git_revision(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    words = ("small", "--type", "NotebookInstance", "--requires", "VolumeSizeInGB=5", "--dir", "own")
    assert smguard("rules", "new", *words, cwd=tmp_path).code == 0
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "begin")
    assert diff(tmp_path, "HEAD:own", "own").code == 0
    replace(tmp_path / "own" / "small.yaml", "{const: 5}", "{maximum: 6}")
    (control,) = report(tmp_path, "HEAD:own", "own")["controls"]
    assert control == {
        "control": "small",
        "change": "changed",
        "differences": [
            "NotebookInstance: no longer: VolumeSizeInGB must be 5",
            "NotebookInstance: new: VolumeSizeInGB must be at most 6",
        ],
    }
    ran = diff(tmp_path, "HEAD:missing", "own")
    assert (ran.code, "HEAD:missing is no folder at a git revision" in ran.err) == (2, True)
    ran = smguard("rules", "diff", "HEAD:own", "own", cwd=tmp_path, PATH=str(tmp_path))
    assert (ran.code, "git can't be started" in ran.err) == (2, True)


def spoil(data: list[dict[str, Any]]) -> None:
    for rule in data[-1].values():
        rule["places"] = [{"requires": {"X": {"shape-of": 1}}}]


@pytest.mark.parametrize(
    "damage",
    [
        spoil,
        lambda data: data[0].pop("shapes"),
        lambda data: data[0]["controls"].append({}),
        lambda data: data.pop(),
        lambda data: data.clear(),
    ],
)
def test_a_wheel_that_this_version_does_not_understand(
    tmp_path: Path, rules: Path, damage: Callable[[list[dict[str, Any]]], Any]
) -> None:
    path = wheel(tmp_path, rules)
    with zipfile.ZipFile(path) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    data = json.loads(texts["scanner/data/catalog.json"])
    damage(data)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in {**texts, "scanner/data/catalog.json": json.dumps(data)}.items():
            archive.writestr(name, text)
    ran = diff(tmp_path, "installed", path.name)
    assert (ran.code, ran.out) == (2, "")
    assert "holds no catalog that this version of smguard can read" in ran.err


@pytest.mark.parametrize(
    ("old", "complaint"),
    [
        ("missing", "missing is no catalog"),
        ("-x:y", "No such option"),
        ("file", "file holds no catalog that this version"),
        (".", ". holds no control file"),
    ],
)
def test_complaints(tmp_path: Path, old: str, complaint: str) -> None:
    (tmp_path / "file").write_text("x")
    ran = diff(tmp_path, old, "installed")
    assert (ran.code, ran.out) == (2, "")
    assert complaint in ran.err
