from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from scanner.model import Acceptance, Finding, Gap, Note, Resource, Severity, Summary, Verdict, Waiver
from tests.report.samples import (
    ENDPOINT,
    ROOT,
    SAMPLE_SUMMARY,
    VOLUME,
    VPC,
    control,
    finding,
    render,
    run,
    sample_events,
)

SCHEMA = json.loads((Path(__file__).parents[1] / "schemas" / "sarif-2.1.0.json").read_text())
VALIDATOR = Draft7Validator(SCHEMA)


def log_of(*events: Finding | Gap | Note, summary: Summary | None = None, show_passed: bool = False) -> Any:
    """The one run of the log, once it is known to be valid."""
    log = json.loads(render("sarif", run(events, summary, show_passed=show_passed)))
    VALIDATOR.validate(log)
    [only] = log["runs"]
    check_by_hand(only)
    return only


def check_by_hand(log: Any) -> None:
    """Rules of the specification, and of its Errata 01, that the schema does not state."""
    rules = log["tool"]["driver"]["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for result in log["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert (result["kind"] == "fail") == (result["level"] != "none")
        assert result["message"]["text"]
        for location in result["locations"]:
            assert "startLine" in location.get("physicalLocation", {}).get("region", {"startLine": 1})
    for notification in log["invocations"][0]["toolExecutionNotifications"]:
        assert notification["message"]["text"]


def result_of(only: Finding, **options: Any) -> Any:
    return log_of(only, **options)["results"][0]


def test_the_state_that_a_baseline_gives() -> None:
    assert "baselineState" not in result_of(finding(VOLUME))
    assert result_of(finding(VOLUME)._replace(baseline=True))["baselineState"] == "unchanged"
    assert result_of(finding(VOLUME)._replace(baseline=False))["baselineState"] == "new"


def test_an_accepted_gap_is_no_error() -> None:
    accepted = Acceptance("made by a tool", "2027-01-31")
    [said] = log_of(Gap("a.yaml", "is empty", "", accepted))["invocations"][0]["toolExecutionNotifications"]
    assert said["level"] == "note"
    assert said["message"]["text"] == "a.yaml: is empty (accepted until 2027-01-31: made by a tool)"


def test_empty_run() -> None:
    log = log_of()
    assert log["results"] == []
    assert log["tool"]["driver"]["rules"] == []
    assert log["invocations"] == [{"executionSuccessful": True, "toolExecutionNotifications": []}]


def test_a_failure() -> None:
    assert result_of(finding(VOLUME, condition="passes when Kms is 'x'")) == {
        "ruleId": "volume-kms-key",
        "ruleIndex": 0,
        "kind": "fail",
        "level": "error",
        "message": {"text": "Workbench: KmsKeyId is missing; passes when Kms is 'x'"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "templates/notebook.yaml", "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": 9, "startColumn": 5},
                },
                "logicalLocations": [
                    {"name": "Workbench", "fullyQualifiedName": "Workbench.KmsKeyId", "kind": "resource"}
                ],
            }
        ],
        "partialFingerprints": {"smguard/v1": "b1de4f3306510d0faff1f9f1d9579afe"},
        "properties": {
            "severity": "high",
            "resourceType": "AWS::SageMaker::NotebookInstance",
            "condition": "passes when Kms is 'x'",
        },
    }


@pytest.mark.parametrize(
    ("severity", "level", "score"),
    [
        (Severity.CRITICAL, "error", "9.5"),
        (Severity.HIGH, "error", "8.0"),
        (Severity.MEDIUM, "warning", "5.5"),
        (Severity.LOW, "note", "2.0"),
    ],
)
def test_severities(severity: Severity, level: str, score: str) -> None:
    log = log_of(finding(control("some-control", severity)))
    [rule] = log["tool"]["driver"]["rules"]
    assert log["results"][0]["level"] == level
    assert rule["defaultConfiguration"] == {"level": level}
    assert rule["properties"]["security-severity"] == score


@pytest.mark.parametrize(("verdict", "kind"), [(Verdict.UNKNOWN, "review"), (Verdict.PASS, "pass")])
def test_what_is_no_failure_has_no_level(verdict: Verdict, kind: str) -> None:
    result = result_of(finding(VOLUME, verdict=verdict, message=""), show_passed=True)
    assert (result["kind"], result["level"]) == (kind, "none")
    assert result["message"] == {"text": "Workbench: Storage volumes are encrypted with a named KMS key"}


def test_passed_only_when_asked_for() -> None:
    assert log_of(finding(VOLUME, verdict=Verdict.PASS))["results"] == []


def test_rules_only_of_controls_with_results() -> None:
    log = log_of(finding(VOLUME), finding(VPC), finding(VOLUME, ENDPOINT))
    assert [rule["id"] for rule in log["tool"]["driver"]["rules"]] == ["volume-kms-key", "vpc-config"]
    assert [result["ruleIndex"] for result in log["results"]] == [0, 1, 0]
    assert log["tool"]["driver"]["rules"][0] == {
        "id": "volume-kms-key",
        "name": "VolumeKmsKey",
        "shortDescription": {"text": "Storage volumes are encrypted with a named KMS key"},
        "fullDescription": {"text": "Volumes keep copies of training data."},
        "help": {
            "text": "Volumes keep copies of training data.\n\n"
            "How to mend: Name a KMS key in the property that the\nfinding shows. Recreate the notebook.\n\n"
            "More: smguard explain volume-kms-key",
            "markdown": "Volumes keep copies of training data.\n\n**How to mend**\n\n"
            "Name a KMS key in the property that the\nfinding shows. Recreate the notebook.\n\n"
            "More: `smguard explain volume-kms-key`",
        },
        "defaultConfiguration": {"level": "error"},
        "properties": {
            "security-severity": "8.0",
            "tags": ["security", "encryption", "nist-800-53-r5/SC-28(1)", "soc-2/CC6.1"],
        },
    }


def test_tags_stay_within_what_services_take() -> None:
    many = VOLUME._replace(frameworks={"iso": [f"A.{number}" for number in range(40)]})
    assert len(log_of(finding(many))["tool"]["driver"]["rules"][0]["properties"]["tags"]) == 20


@pytest.mark.parametrize(("inline", "kind"), [(True, "inSource"), (False, "external")])
def test_waivers_are_suppressions(inline: bool, kind: str) -> None:
    waived = sample_events()[2]
    assert isinstance(waived, Finding)
    if not inline:
        waived = waived._replace(waiver=Waiver(ROOT.id, "Work*", "Labs need pip as root", "2027-01-31"))
    [suppression] = result_of(waived)["suppressions"]
    assert (suppression["kind"], suppression["status"]) == (kind, "accepted")
    assert suppression["justification"] == "Labs need pip as root"
    assert suppression["properties"]["expires"] == "2027-01-31"


def test_gaps_and_notes_are_notifications() -> None:
    log = log_of(*sample_events(), summary=SAMPLE_SUMMARY)
    [invocation] = log["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["toolExecutionNotifications"][:2] == [
        {
            "descriptor": {"id": "note"},
            "level": "note",
            "message": {"text": "templates/notebook.yaml:3: ModelName is set twice"},
        },
        {
            "descriptor": {"id": "gap"},
            "level": "error",
            "message": {
                "text": "templates/legacy.yaml:7: the tab at column 3 is not YAML (indent with spaces)"
            },
        },
    ]


@pytest.mark.parametrize(
    ("file", "artifact"),
    [
        ("./a b.yaml", {"uri": "a%20b.yaml", "uriBaseId": "%SRCROOT%"}),
        ("x:y/ü?#%.yaml", {"uri": "x%3Ay/%C3%BC%3F%23%25.yaml", "uriBaseId": "%SRCROOT%"}),
        ("bad\udcff.yaml", {"uri": "bad%FF.yaml", "uriBaseId": "%SRCROOT%"}),
        ("\ud800", {"uri": "%5Cud800", "uriBaseId": "%SRCROOT%"}),
        ("/srv/t.yaml", {"uri": "file:///srv/t.yaml"}),
    ],
)
def test_files_are_uris(file: str, artifact: dict[str, str]) -> None:
    physical = result_of(finding(VOLUME, file=file))["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"] == artifact


def test_places_that_are_not_known() -> None:
    assert "region" not in result_of(finding(VOLUME, at=None))["locations"][0]["physicalLocation"]
    nowhere = finding(VOLUME, file=None)
    live = nowhere._replace(location=nowhere.location._replace(arn="arn:aws:sagemaker:::x"))
    [location] = result_of(live)["locations"]
    assert location == {
        # Code scanning takes no result without a file.
        "physicalLocation": {
            "artifactLocation": {"uri": "-/-/SageMaker/NotebookInstance/Workbench"},
            "region": {"startLine": 1},
        },
        "logicalLocations": [
            {"name": "Workbench", "fullyQualifiedName": "arn:aws:sagemaker:::x", "kind": "resource"}
        ],
    }


def test_no_links_and_no_placeholders_in_messages() -> None:
    hostile = finding(VOLUME, message="A[0].B [click](https://example.com) {0} {x}")
    text = result_of(hostile)["message"]["text"]
    assert text == "Workbench: A[0].B [click] (https://example.com) {{0}} {x}"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.text(st.characters(exclude_categories=()), max_size=12), min_size=5, max_size=5),
    st.booleans(),
)
def test_any_text_gives_a_valid_log(texts: list[str], known: bool) -> None:
    name, message, file, cause, reason = texts
    verdict = Verdict.FAIL if known else Verdict.UNKNOWN
    waiver = Waiver("volume-kms-key", name, reason, "2030-01-01", name, cause)
    hostile = finding(
        VOLUME, Resource(cause, name), verdict, message, (1, 1), file, condition=reason, cause=cause
    )
    log_of(hostile, hostile._replace(waiver=waiver), Gap(file, message, cause), Note(file, message))
