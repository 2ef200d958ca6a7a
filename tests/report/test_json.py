from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.model import Acceptance, Finding, Gap, Note, Resource, Summary, Verdict
from scanner.report import SCAN_FORMATS, renderer
from tests.report.samples import SAMPLE_SUMMARY, VOLUME, VPC, finding, render, run, sample_events

EMPTY = """\
{"schema_version": 1, "kind": "scan", "tool": {"name": "smguard", "version": "1.2.3", \
"catalog": "sha256:0123456789ab"},
"findings": [],
"gaps": [],
"notes": [],
"summary": {"complete": true, "files": {"seen": 0, "judged": 0, "partial": 0, "unread": 0, "skipped": 0}, \
"resources": 0, "passed": 0, "fail": 0, "unknown": 0, "waived": 0, "gaps": 0, \
"baseline": 0, "accepted_gaps": 0}}
"""

WAIVED = {
    "control": "notebook-root-access",
    "verdict": "fail",
    "severity": "medium",
    "message": "RootAccess is 'Enabled', must be 'Disabled'",
    "condition": None,
    "resource": {"type": "AWS::SageMaker::NotebookInstance", "name": "Workbench"}
    | dict.fromkeys(("construct", "stack")),
    "location": {
        "file": "templates/notebook.yaml",
        "line": 15,
        "column": 7,
        "path": "RootAccess",
        "account": None,
        "region": None,
        "arn": None,
    },
    "waiver": {
        "control": "notebook-root-access",
        "resource": "Workbench",
        "reason": "Labs need pip as root",
        "expires": "2027-01-31",
        "owner": "ml-platform",
        "ticket": "SEC-12",
        "inline": True,
    },
    "fingerprint": "30cbba6d59c427ba8c364ae9f3a81495",
    "baseline": False,
    "title": "Notebook users are not root",
    "area": "access",
    "cause": None,
}


def load(*events: Finding | Gap | Note, summary: Summary | None = None, show_passed: bool = False) -> Any:
    return json.loads(render("json", run(events, summary, show_passed=show_passed)))


def test_empty_run() -> None:
    assert render("json", run([])) == EMPTY


def test_sample() -> None:
    report = load(*sample_events(), summary=SAMPLE_SUMMARY)
    assert [entry["verdict"] for entry in report["findings"]] == ["fail"] * 3 + ["unknown"] * 5
    assert report["findings"][2] == WAIVED
    assert list(report["findings"][2]) == list(WAIVED)
    assert report["gaps"] == [
        {
            "where": "templates/legacy.yaml:7",
            "what": "the tab at column 3 is not YAML",
            "hint": "indent with spaces",
            "accepted": None,
        }
    ]
    assert report["notes"][0] == {"where": "templates/notebook.yaml:3", "what": "ModelName is set twice"}
    assert report["summary"] == {
        "complete": False,
        "files": {"seen": 5, "judged": 2, "partial": 1, "unread": 1, "skipped": 1},
        "resources": 3,
        "passed": 31,
        "fail": 2,
        "unknown": 5,
        "waived": 1,
        "gaps": 1,
        "baseline": 0,
        "accepted_gaps": 0,
    }


def test_what_is_known_and_what_is_accepted() -> None:
    accepted = Acceptance("made by a tool", "2027-01-31", ticket="SEC-9")
    report = load(finding(VOLUME)._replace(baseline=True), Gap("a.yaml", "is empty", "", accepted))
    assert report["findings"][0]["baseline"] is True
    assert report["gaps"][0]["accepted"] == {
        "reason": "made by a tool",
        "expires": "2027-01-31",
        "owner": None,
        "ticket": "SEC-9",
    }


def test_passed_only_when_asked_for() -> None:
    passed = finding(VPC, verdict=Verdict.PASS, message="")
    assert load(passed)["findings"] == []
    assert [entry["verdict"] for entry in load(passed, show_passed=True)["findings"]] == ["pass"]


@pytest.mark.parametrize("name", SCAN_FORMATS)
def test_equal_input_gives_equal_bytes(name: str) -> None:
    first, second = (render(name, run(sample_events(), SAMPLE_SUMMARY)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(("name", "mark"), [("json", '"fingerprint"'), ("sarif", '"partialFingerprints"')])
def test_findings_leave_as_they_come(name: str, mark: str) -> None:
    drawn = 0

    def events() -> Iterator[Finding]:
        nonlocal drawn
        for line in range(1, 101):
            drawn += 1
            yield finding(VOLUME, at=(line, 1))

    written = 0
    for chunk in renderer(name)(run(events())):
        written += chunk.count(mark)
        assert drawn - written <= 1
    assert written == 100


@settings(max_examples=60)
@given(*[st.text(max_size=30)] * 4)
def test_any_text_reads_back(name: str, message: str, file: str, what: str) -> None:
    hostile = finding(VOLUME, Resource("T", name), message=message, file=file, condition=what)
    report = load(hostile, Gap(what, message, name), Note(file, what))
    [entry] = report["findings"]
    assert (entry["resource"]["name"], entry["message"], entry["location"]["file"]) == (name, message, file)
    assert report["gaps"] == [{"where": what, "what": message, "hint": name, "accepted": None}]
    assert report["notes"] == [{"where": file, "what": what}]


@pytest.mark.parametrize("name", ["json", "sarif"])
@settings(max_examples=60)
@given(text=st.text(st.characters(exclude_categories=()), max_size=20) | st.just("##vso[x]##[y]\udcff\x1b"))
def test_report_is_plain_ascii_that_commands_nothing(name: str, text: str) -> None:
    hostile = finding(VOLUME, Resource("T", text), message=text, file=text, condition=text)
    shown = render(name, run([hostile, Gap(text, text, text)]))
    json.dumps(json.loads(shown), ensure_ascii=False).encode()
    for line in shown.split("\n"):
        assert line.isascii()
        assert line.isprintable()
        assert "##" not in line
        assert not line.startswith("::")
