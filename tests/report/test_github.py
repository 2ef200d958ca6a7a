from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scanner.model import Acceptance, Finding, Gap, Location, Note, Severity, Summary, Verdict, Waiver
from tests.report.readers import Command, command, commands
from tests.report.samples import SAMPLE_SUMMARY, VOLUME, control, finding, render, run, sample_events

INCOMPLETE = Summary(complete=False, gaps=1)


@pytest.fixture(autouse=True)
def anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


def annotations(*events: Finding | Gap | Note, strict: bool = False, **options: Any) -> list[Command]:
    of = run(events, **options)._replace(strict=strict)
    return commands(render("github", of))


def titles(found: list[Command]) -> list[str]:
    return [f"{each.name} {each.properties['title']}" for each in found]


def test_the_log_is_the_table_and_annotations_follow() -> None:
    text = render("github", run(sample_events(), SAMPLE_SUMMARY))
    assert text.startswith(render("table", run(sample_events(), SAMPLE_SUMMARY)))
    assert titles(commands(text)) == [
        "error notebook-direct-internet (critical)",
        "error not looked at",
        "error volume-kms-key (high)",
        "notice customer-managed-kms-key (unknown)",
        "notice customer-managed-kms-key (unknown)",
        "notice customer-managed-kms-key (unknown)",
        "notice volume-kms-key (unknown)",
        "notice vpc-config (unknown)",
        "notice note",
        "notice note",
    ]
    assert (
        "::error file=templates/notebook.yaml,line=9,col=5,title=volume-kms-key (high)"
        "::Workbench: KmsKeyId is missing%0AName a KMS key in the property that the finding shows. …\n"
    ) in text
    assert (
        "::error file=templates/legacy.yaml,line=7,title=not looked at"
        "::the tab at column 3 is not YAML%0Aindent with spaces\n"
    ) in text


def test_levels_follow_severities_and_the_worst_come_first() -> None:
    found = annotations(*(finding(control(each.label, each)) for each in Severity))
    assert titles(found) == [
        "error critical (critical)",
        "error high (high)",
        "warning medium (medium)",
        "notice low (low)",
    ]


@pytest.mark.parametrize(
    ("severity", "level"),
    [(Severity.CRITICAL, "error"), (Severity.MEDIUM, "warning"), (Severity.LOW, "notice")],
)
def test_strict_gives_an_unknown_its_severity(severity: Severity, level: str) -> None:
    unknown = finding(control("a", severity), verdict=Verdict.UNKNOWN)
    assert titles(annotations(unknown)) == ["notice a (unknown)"]
    assert titles(annotations(unknown, strict=True)) == [f"{level} a (unknown)"]


def test_what_is_waived_or_passes_is_not_annotated() -> None:
    waiver = Waiver("volume-kms-key", "*", "because", "2030-01-01")
    passed = finding(VOLUME, verdict=Verdict.PASS, message="")
    assert annotations(finding(VOLUME, waiver=waiver), passed, show_passed=True) == []


def test_an_accepted_gap_is_a_notice() -> None:
    accepted = Gap("a.yaml", "is empty", "", Acceptance("made by a tool", "2027-01-31"))
    assert titles(annotations(accepted, summary=Summary())) == ["notice not looked at"]


def test_of_too_many_the_worst_are_shown_and_the_rest_is_counted() -> None:
    high = [finding(control(f"high-{number}"), at=(number, 1)) for number in range(1, 31)]
    worst = [finding(control("worst", Severity.CRITICAL), at=(99, 1))]
    gaps = [Gap("a.yaml:1", "is odd"), Gap("b.yaml:1", "is odd")]
    found = annotations(*high, *gaps, *worst, summary=INCOMPLETE)
    assert titles(found) == [
        "error worst (critical)",
        "error not looked at",
        "error not looked at",
        *(f"error high-{number} (high)" for number in range(1, 7)),
        "error smguard",
    ]
    assert found[-1].data.startswith("… and 24 more: ")
    exactly = annotations(*high[:10])
    assert titles(exactly) == [f"error high-{number} (high)" for number in range(1, 11)]


def test_properties_and_data_are_escaped() -> None:
    (found,) = annotations(finding(VOLUME, file="a:b,c%20=d.yaml", message="100 %0A, no: line"))
    assert found.properties["file"] == "a:b,c%20=d.yaml"
    assert found.data.split("\n")[0] == "Workbench: 100 %0A, no: line"


def test_files_are_named_from_the_root_of_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "infra").mkdir()
    monkeypatch.chdir(tmp_path / "infra")

    def file(given: str) -> str:
        (found,) = annotations(finding(VOLUME, file=given))
        return found.properties["file"]

    assert file("./t.yaml") == "t.yaml"
    assert file("../t.yaml") == "../t.yaml"
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    assert file("./t.yaml") == "infra/t.yaml"
    assert file(str(tmp_path / "infra" / "t.yaml")) == "infra/t.yaml"
    assert file("/elsewhere/t.yaml") == "/elsewhere/t.yaml"


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ("a.yaml", {"file": "a.yaml"}),
        ("a.yaml:3", {"file": "a.yaml", "line": "3"}),
        ("a.yaml:3:7", {"file": "a.yaml", "line": "3", "col": "7"}),
        ("a:1:2:3", {"file": "a:1", "line": "2", "col": "3"}),
        (":3", {"file": ":3"}),
        ("a:" + "9" * 5_000, {"file": "a:" + "9" * 4_094 + "…"}),
    ],
)
def test_places_of_gaps(where: str, place: dict[str, str]) -> None:
    (found,) = annotations(Gap(where, "is odd"), summary=INCOMPLETE)
    assert {key: value for key, value in found.properties.items() if key != "title"} == place


def test_a_resource_of_an_account_has_no_file() -> None:
    live = finding(VOLUME)._replace(location=Location(account="1", region="eu-west-1", arn="arn:aws:x"))
    (found,) = annotations(live)
    assert found.properties == {"title": "volume-kms-key (high)"}
    assert found.data.startswith("Workbench arn:aws:x: KmsKeyId is missing\n")


def test_the_parser_of_these_tests_finds_what_the_runner_would() -> None:
    assert command("  ::warning  file=a%3Ab::x%250A%0Ay::z") == Command(
        "warning", {"file": "a:b"}, "x%0A\ny::z"
    )
    assert command("a ::error::x") is None
