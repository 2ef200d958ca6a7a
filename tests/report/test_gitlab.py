from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scanner.model import Acceptance, Finding, Gap, Note, Severity, Summary, Verdict, Waiver
from tests.report import readers
from tests.report.samples import SAMPLE_SUMMARY, VOLUME, control, finding, render, run, sample_events

GAP = Gap("a.yaml:7:1", "is odd", "mend it")


@pytest.fixture(autouse=True)
def anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)


def issues(*events: Finding | Gap | Note, strict: bool = False, **options: Any) -> Any:
    of = run(events, **options)._replace(strict=strict)
    text = render("gitlab", of)
    readers.gitlab(text)
    return json.loads(text)


def test_an_empty_run() -> None:
    assert issues() == []


def test_sample() -> None:
    found = issues(*sample_events(), summary=SAMPLE_SUMMARY)
    assert [f"{each['severity']} {each['check_name']}" for each in found] == [
        "blocker notebook-direct-internet",
        "critical volume-kms-key",
        "info notebook-root-access",
        *["info customer-managed-kms-key"] * 3,
        "info volume-kms-key",
        "info vpc-config",
        "critical smguard-gap",
        *["info smguard-note"] * 2,
    ]
    assert found[1] == {
        "description": "Workbench: KmsKeyId is missing (volume-kms-key)",
        "check_name": "volume-kms-key",
        "fingerprint": "b1de4f3306510d0faff1f9f1d9579afe",
        "severity": "critical",
        "location": {"path": "templates/notebook.yaml", "lines": {"begin": 9}},
    }
    assert found[2]["description"] == (
        "Waived until 2027-01-31: Labs need pip as root (ml-platform, SEC-12) – "
        "Workbench: RootAccess is 'Enabled', must be 'Disabled' (notebook-root-access)"
    )
    assert found[3]["description"].startswith("Unknown: Endpoint: KmsKeyId comes from parameter KmsKeyArn ")
    assert found[8]["description"] == ("Not looked at: the tab at column 3 is not YAML (indent with spaces)")
    assert found[8]["location"] == {"path": "templates/legacy.yaml", "lines": {"begin": 7}}


@pytest.mark.parametrize(
    ("severity", "word"),
    [
        (Severity.CRITICAL, "blocker"),
        (Severity.HIGH, "critical"),
        (Severity.MEDIUM, "major"),
        (Severity.LOW, "minor"),
    ],
)
def test_severities(severity: Severity, word: str) -> None:
    about = control("a", severity)
    waiver = Waiver("a", "*", "because", "2030-01-01")
    unknown = finding(about, verdict=Verdict.UNKNOWN)
    assert [each["severity"] for each in issues(finding(about))] == [word]
    assert [each["severity"] for each in issues(unknown)] == ["info"]
    assert [each["severity"] for each in issues(unknown, strict=True)] == [word]
    assert [each["severity"] for each in issues(finding(about, waiver=waiver), strict=True)] == ["info"]


def test_an_accepted_gap_is_for_information() -> None:
    accepted = GAP._replace(accepted=Acceptance("made by a tool", "2027-01-31"))
    [issue] = issues(accepted, summary=Summary())
    assert issue["severity"] == "info"
    assert issue["description"] == "Not looked at: is odd (accepted until 2027-01-31: made by a tool)"


def test_the_fingerprint_of_a_gap_survives_edits_that_move_lines() -> None:
    (here,), (there,) = issues(GAP), issues(GAP._replace(where="a.yaml:90:1"))
    assert here["fingerprint"] == there["fingerprint"]
    others = issues(
        GAP, GAP, GAP._replace(what="is even"), GAP._replace(where="b.yaml"), Note("a.yaml", "is odd")
    )
    assert len({each["fingerprint"] for each in others}) == 5


def test_paths_are_named_from_the_root_of_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "infra").mkdir()
    monkeypatch.chdir(tmp_path / "infra")
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path))
    first, second = issues(finding(VOLUME, file="./t.yaml"), Gap("t.yaml:3", "is odd"))
    assert first["location"]["path"] == second["location"]["path"] == "infra/t.yaml"


def test_places_that_are_not_known() -> None:
    nowhere = finding(VOLUME, file=None, at=None)
    live = nowhere._replace(location=nowhere.location._replace(arn="arn:aws:x"))
    assert [each["location"] for each in issues(live, Note("", "x"), finding(VOLUME, at=None))] == [
        {"path": "arn:aws:x", "lines": {"begin": 1}},
        {"path": "templates/notebook.yaml", "lines": {"begin": 1}},
        {"path": ".", "lines": {"begin": 1}},
    ]
