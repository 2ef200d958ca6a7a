"""Real templates of other people, read where they lie: nothing crashes, nothing is lost, peers agree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scanner import catalog
from tests.building import ROOT, clean

CORPUS = Path(os.environ.get("SMGUARD_CORPUS", ROOT.parent / "shared" / "corpus"))
pytestmark = [
    pytest.mark.corpus,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real templates is not beside the project"),
]


def scan(folder: str, *options: str) -> Any:
    result = subprocess.run(
        [sys.executable, "-m", "scanner", "scan", str(CORPUS / folder), "-f", "json", *options],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=clean(PYTHONPATH=str(ROOT)),
        check=False,
    )
    assert result.stderr == ""
    assert result.returncode in (0, 1, 3)
    return json.loads(result.stdout)


def test_every_sagemaker_template_is_judged_or_named() -> None:
    report = scan("cfn_sagemaker")
    files = report["summary"]["files"]
    assert files["seen"] == len(list((CORPUS / "cfn_sagemaker").iterdir()))
    assert files["seen"] == files["judged"] + files["partial"]
    for finding in report["findings"]:
        location = finding["location"]
        lines = Path(location["file"]).read_text(encoding="utf-8").splitlines()
        key = lines[location["line"] - 1][location["column"] - 1 :]
        assert key.strip(), finding
    gaps = [(Path(gap["where"].partition(":")[0]).name[-16:], gap["what"][:27]) for gap in report["gaps"]]
    assert gaps == [
        ("_main-merged.yml", "the key BucketName stands m"),
        ("_main-merged.yml", "the key StreamingJobsTable "),
    ] or gaps == [
        ("_main-merged.yml", "the key StreamingJobsTable "),
        ("_main-merged.yml", "the key BucketName stands m"),
    ]


def test_templates_without_sagemaker_get_no_finding() -> None:
    report = scan("cfn_other")
    # One of them is not without SageMaker: its state machine starts labelling, training and transform jobs
    # and creates a model (arn:aws:states:::sagemaker:create…), which are judged where they are asked for.
    # Nothing that stands around them is: no resource of another service has a finding.
    machines = ("ActiveLearning/", "ActiveLearningLoop/")
    assert [it for it in report["findings"] if not it["resource"]["name"].startswith(machines)] == []
    assert len(report["findings"]) == 18
    assert {it["resource"]["type"].rpartition("::")[0] for it in report["findings"]} == {"AWS::SageMaker"}
    files = report["summary"]["files"]
    assert files["seen"] == sum(files[kind] for kind in ("judged", "partial", "unread", "skipped"))
    assert all("crash" not in gap["what"] and "defect" not in gap["hint"] for gap in report["gaps"])


def control_of() -> dict[str, set[str]]:
    """Foreign id -> our controls that ask the same."""
    found: dict[str, set[str]] = {}
    for control in catalog.load().controls:
        for aka in (control.aka, *(rule.get("aka", {}) for rule in control.resources.values())):
            for ids in aka.values():
                for each in [ids] if isinstance(ids, str) else ids:
                    found.setdefault(str(each).lower(), set()).add(control.id)
    return found


def documented() -> set[str]:
    """The peers' rules that docs/peer-differences.md speaks of."""
    page = (ROOT / "docs" / "peer-differences.md").read_text(encoding="utf-8")
    return {word.strip("`,") for word in page.split() if word.strip("`,").isupper() or "CKV" in word}


def test_peers_own_cases_give_their_verdict_or_are_documented() -> None:
    labels = json.loads((CORPUS / "labelled" / "labels.json").read_text(encoding="utf-8"))
    rank = {"skip": 0, "pass": 1, "unknown": 2, "fail": 3}
    verdicts: dict[tuple[str, str, str], str] = {}
    for finding in scan("labelled", "--all")["findings"]:
        key = (Path(finding["location"]["file"]).name, finding["resource"]["name"], finding["control"])
        verdicts[key] = max(verdicts.get(key, "skip"), finding["verdict"], key=rank.__getitem__)
    controls = control_of()
    disagreeing = set()
    agreed = 0
    for label in labels:
        names = label["resource"] if isinstance(label["resource"], list) else [label["resource"]]
        ours = [
            verdicts.get((Path(label["file"]).name, str(name), control), "skip")
            for name in names
            for control in controls.get(label["rule_id"].lower(), ())
        ]
        if ours and max(ours, key=rank.__getitem__) == label["expected"]:
            agreed += 1
        else:
            disagreeing.add(label["rule_id"])
    assert agreed == 50
    assert disagreeing <= documented()
