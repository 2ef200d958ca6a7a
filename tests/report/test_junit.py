from __future__ import annotations

from typing import Any

import pytest

from scanner.model import Acceptance, Finding, Gap, Note, Resource, Summary, Verdict, Waiver
from tests.report import readers
from tests.report.samples import ENDPOINT, SAMPLE_SUMMARY, VOLUME, finding, render, run, sample_events

SUITE = """\
<testsuite name="templates/notebook.yaml" tests="6" failures="2" errors="0" skipped="4">
  <testcase classname="templates/notebook.yaml" \
name="notebook-direct-internet: Workbench DirectInternetAccess">\
<failure type="critical" message="DirectInternetAccess is 'Enabled', must be 'Disabled'; \
passes when Internet is 'Disabled'">templates/notebook.yaml:14:7
Workbench, AWS::SageMaker::NotebookInstance
Notebooks reach the internet only through the VPC
Set DirectInternetAccess to Disabled and give a subnet.
More: smguard explain notebook-direct-internet</failure></testcase>
"""
CLOSING = """\
<testsuite name="smguard" tests="1" failures="0" errors="1" skipped="0">
  <properties>
  <property name="version" value="1.2.3"/>
  <property name="catalog" value="sha256:0123456789ab"/>
  <property name="complete" value="false"/>
  <property name="seen" value="5"/>
  <property name="judged" value="2"/>
  <property name="partial" value="1"/>
  <property name="unread" value="1"/>
  <property name="skipped" value="1"/>
  <property name="resources" value="3"/>
  <property name="passed" value="31"/>
  <property name="fail" value="2"/>
  <property name="unknown" value="5"/>
  <property name="waived" value="1"/>
  <property name="gaps" value="1"/>
  <property name="baseline" value="0"/>
  <property name="accepted_gaps" value="0"/>
  </properties>
  <system-out>
note: templates/notebook.yaml:3: ModelName is set twice
note: waivers.yaml:4: the waiver of vpc-config for Old is unused: it covers nothing found
</system-out>
  <testcase classname="smguard" name="gap: templates/legacy.yaml:7">\
<error type="gap" message="the tab at column 3 is not YAML">templates/legacy.yaml:7
indent with spaces</error></testcase>
</testsuite>
</testsuites>
"""


def suites(*events: Finding | Gap | Note, strict: bool = False, **options: Any) -> Any:
    of = run(events, **options)._replace(strict=strict)
    return readers.suites(render("junit", of))


def cases(root: Any) -> list[tuple[str, str, str]]:
    """(name, how it came out, message) of all tests."""
    listed = []
    for case in root.iter("testcase"):
        outcome = next(iter(case), None)
        told = ("", "") if outcome is None else (outcome.tag, outcome.get("message"))
        listed.append((case.get("name"), *told))
    return listed


def test_sample() -> None:
    text = render("junit", run(sample_events(), SAMPLE_SUMMARY))
    readers.suites(text)
    assert SUITE in text
    assert text.endswith(CLOSING)


def test_there_is_always_a_test() -> None:
    assert cases(suites()) == [("everything was looked at", "", "")]


def test_what_does_not_count_is_skipped_and_what_passes_passes() -> None:
    waiver = Waiver("volume-kms-key", "Workbench", "because", "2030-01-01", "me")
    root = suites(
        finding(VOLUME, verdict=Verdict.UNKNOWN, message="comes from x"),
        finding(VOLUME, waiver=waiver, path="A"),
        finding(VOLUME, verdict=Verdict.PASS, message="", path=""),
        show_passed=True,
    )
    assert cases(root)[:3] == [
        ("volume-kms-key: Workbench KmsKeyId", "skipped", "unknown: comes from x"),
        (
            "volume-kms-key: Workbench A",
            "skipped",
            "waived until 2030-01-01: because (me): KmsKeyId is missing",
        ),
        ("volume-kms-key: Workbench", "", ""),
    ]


def test_strict_makes_an_unknown_a_failure() -> None:
    unknown = finding(VOLUME, verdict=Verdict.UNKNOWN, message="comes from x")
    waived = unknown._replace(waiver=Waiver("volume-kms-key", "*", "because", "2030-01-01"))
    root = suites(unknown, waived, strict=True)
    assert [outcome for _, outcome, _ in cases(root)[:2]] == ["failure", "skipped"]
    assert root.find(".//failure").get("type") == "unknown"


def test_accepted_gaps_are_skipped() -> None:
    gap = Gap("a.yaml", "is empty")
    accepted = gap._replace(accepted=Acceptance("made by a tool", "2027-01-31"))
    assert cases(suites(accepted, summary=Summary())) == [("gap: a.yaml", "skipped", "is empty")]
    incomplete = suites(gap, gap, summary=Summary(complete=False, gaps=2))
    assert [(name, kind) for name, kind, _ in cases(incomplete)] == [
        ("gap: a.yaml", "error"),
        ("gap: a.yaml (2)", "error"),
    ]


def test_names_that_are_cut_stay_apart() -> None:
    long = [finding(VOLUME, Resource("T", "x" * 2_000 + end)) for end in "ab"]
    first, second, _ = cases(suites(*long))
    assert second[0] == f"{first[0]} (2)"


@pytest.mark.parametrize(("account", "suite"), [("1234", "1234 eu-west-1"), (None, "eu-west-1")])
def test_an_account_is_a_suite(account: str | None, suite: str) -> None:
    nowhere = finding(VOLUME, ENDPOINT, file=None)
    at = nowhere.location._replace(account=account, region="eu-west-1", arn="arn:aws:x")
    root = suites(nowhere._replace(location=at))
    assert root[0].get("name") == suite
    assert root.findtext(".//failure").startswith("arn:aws:x\n")
