from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.columns import width
from scanner.model import (
    Acceptance,
    Control,
    Finding,
    Gap,
    Note,
    Resource,
    Severity,
    Summary,
    Verdict,
    Waiver,
)
from tests.report.samples import (
    CUSTOMER,
    ENDPOINT,
    INTERNET,
    SAMPLE_SUMMARY,
    VOLUME,
    VPC,
    control,
    finding,
    render,
    run,
    sample_events,
)

SAMPLE_80 = """\
templates/notebook.yaml

  Workbench  AWS::SageMaker::NotebookInstance
    critical  notebook-direct-internet              templates/notebook.yaml:14:7
              DirectInternetAccess is 'Enabled', must be 'Disabled'; passes when
              Internet is 'Disabled'
    high      volume-kms-key                         templates/notebook.yaml:9:5
              KmsKeyId is missing
    waived    notebook-root-access                  templates/notebook.yaml:15:7
              until 2027-01-31: Labs need pip as root (ml-platform, SEC-12)

  Several resources
    unknown   customer-managed-kms-key              templates/notebook.yaml:31:7
              3 places depend on parameter KmsKeyArn

templates/model.yaml

  Model  AWS::SageMaker::Model
    unknown   2 controls                                templates/model.yaml:5:3
              depend on the macro Corp::Defaults: volume-kms-key, vpc-config

How to mend

  notebook-direct-internet  Notebooks reach the internet only through the VPC
    Set DirectInternetAccess to Disabled and give a subnet.
  volume-kms-key  Storage volumes are encrypted with a named KMS key
    Name a KMS key in the property that the finding shows. …

  More on one, and how to waive it: smguard explain FILE:LINE, or ID

Notes

  templates/notebook.yaml:3: ModelName is set twice
  waivers.yaml:4: the waiver of vpc-config for Old is unused: it covers nothing
  found

Gaps: what this report leaves open

  templates/legacy.yaml:7: the tab at column 3 is not YAML
      indent with spaces

failed      2  1 critical, 1 high
unknown     5  can't be decided from what was scanned
gaps        1  the report is incomplete
waived      1
passed     31
resources   3
files       5  2 judged, 1 in part, 1 unread, 1 skipped
"""

NOTEBOOK_120 = """\
@

  Workbench  AWS::SageMaker::NotebookInstance
    critical  notebook-direct-internet  DirectInternetAccess is 'Enabled', must be      @:14:7
                                        'Disabled'; passes when Internet is 'Disabled'
    high      volume-kms-key            KmsKeyId is missing                             @:9:5
    waived    notebook-root-access      until 2027-01-31: Labs need pip as root         @:15:7
                                        (ml-platform, SEC-12)
    passed    1 control                 vpc-config

  Several resources
    unknown   customer-managed-kms-key  3 places depend on parameter KmsKeyArn          @:31:7

""".replace("@", "templates/notebook.yaml")


THREE_OPEN = "unknown 3 controls depend on x: customer-managed-kms-key, volume-kms-key, vpc-config t.yaml:1:1"


def table(*events: Finding | Gap | Note, summary: Summary | None = None, width: int = 80) -> str:
    return render("table", run(events, summary or Summary(fail=1), width))


def test_sample_at_80_columns() -> None:
    assert render("table", run(sample_events(), SAMPLE_SUMMARY)) == SAMPLE_80


def test_sample_at_120_columns_with_passed() -> None:
    shown = render("table", run(sample_events(), SAMPLE_SUMMARY, 120, show_passed=True))
    assert shown.startswith(NOTEBOOK_120)


def test_colour_changes_nothing_else() -> None:
    plain = render("table", run(sample_events(), SAMPLE_SUMMARY))
    coloured = render("table", run(sample_events(), SAMPLE_SUMMARY, color=True))
    assert "\x1b[1;31mcritical\x1b[0m  \x1b[1mnotebook-direct-internet\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


@pytest.mark.parametrize("columns", [60, 80, 100, 120, 200])
def test_no_line_is_longer_than_the_terminal(columns: int) -> None:
    for line in render("table", run(sample_events(), SAMPLE_SUMMARY, columns)).splitlines():
        assert len(line) <= columns, line


@pytest.mark.parametrize(
    ("summary", "line"),
    [
        (
            Summary(seen=2, judged=2, resources=10, passed=31),
            "All good. 31 passed on 10 resources in 2 files.\n",
        ),
        (
            Summary(seen=3, judged=1, skipped=2, resources=1, passed=4, waived=1),
            "All good. 4 passed, 1 waived on 1 resource in 3 files (1 judged, 2 skipped).\n",
        ),
        (
            Summary(seen=4, skipped=4),
            "Nothing to judge. No SageMaker resource that a control is about in 4 files (4 skipped).\n",
        ),
    ],
)
def test_when_nothing_is_wrong(summary: Summary, line: str) -> None:
    assert render("table", run([], summary)) == line


def test_an_incomplete_run_is_never_all_good() -> None:
    shown = table(Gap("a.yaml", "is empty"), summary=Summary(complete=False, seen=1, unread=1, gaps=1))
    assert shown == (
        "Gaps: what this report leaves open\n\n  a.yaml: is empty\n\n"
        "failed     0\nunknown    0\ngaps       1  the report is incomplete\nwaived     0\npassed     0\n"
        "resources  0\nfiles      1  1 unread\n"
    )


def test_an_accepted_gap_is_shown() -> None:
    gap = Gap("a.yaml", "is empty", "hint", Acceptance("made by a tool", "2027-01-31"))
    shown = table(gap, summary=Summary(seen=1, unread=1, accepted_gaps=1))
    assert "  a.yaml: is empty\n      accepted until 2027-01-31: made by a tool\n" in shown
    assert "gaps       1  1 accepted\n" in shown


def test_what_is_known_counts_for_nothing() -> None:
    known = finding(VOLUME)._replace(baseline=True)
    shown = table(known, summary=Summary(seen=1, judged=1, resources=1, baseline=1))
    assert "volume-kms-key" not in shown
    assert "    baseline  volume-kms-key" in render("table", run([known], Summary(fail=1), show_passed=True))
    assert "How to mend" not in shown
    assert shown.endswith("Nothing new. 0 passed, 1 in the baseline on 1 resource in 1 file.\n")
    among_others = table(known, summary=Summary(seen=1, judged=1, fail=1, baseline=1))
    assert "baseline   1  known before; --all lists them\n" in among_others


def unknown(about: Control, name: str, cause: str | None, line: int) -> Finding:
    resource = Resource("AWS::SageMaker::Model", name)
    return finding(about, resource, Verdict.UNKNOWN, f"says {name}", (line, 1), "t.yaml", cause=cause)


def rows(shown: str) -> list[str]:
    lines = shown.partition("failed ")[0].splitlines()
    return [" ".join(line.split()) for line in lines if line.startswith("  ")]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param(
            [unknown(VPC, "A", "x", 1), unknown(VPC, "B", "x", 2), unknown(VPC, "C", "y", 3)],
            [
                "C AWS::SageMaker::Model",
                "unknown vpc-config says C t.yaml:3:1",
                "Several resources",
                "unknown vpc-config 2 places depend on x t.yaml:1:1",
            ],
            id="one control, several resources",
        ),
        pytest.param(
            [unknown(VPC, "A", "x", 1), unknown(VOLUME, "A", "x", 2), unknown(CUSTOMER, "A", "x", 3)],
            [
                "A AWS::SageMaker::Model",
                THREE_OPEN,
            ],
            id="one resource, several controls",
        ),
        pytest.param(
            [unknown(VPC, "A", "x", 1), unknown(VPC, "A", "x", 2)],
            ["A AWS::SageMaker::Model", "unknown vpc-config 2 places depend on x t.yaml:1:1"],
            id="several places of one resource",
        ),
        pytest.param(
            [unknown(each, name, "x", 1) for name in ("A", "B") for each in (VPC, VOLUME, CUSTOMER)],
            [
                "A AWS::SageMaker::Model",
                THREE_OPEN,
                "B AWS::SageMaker::Model",
                THREE_OPEN,
            ],
            id="more controls than resources: one row a resource",
        ),
        pytest.param(
            [unknown(VPC, "A", "fails when P is 1", 1), unknown(VPC, "B", "fails when P is 1", 2)],
            ["Several resources", "unknown vpc-config 2 places fail when P is 1 t.yaml:1:1"],
            id="a condition as cause",
        ),
        pytest.param(
            [unknown(VPC, "A", None, 1), unknown(VPC, "B", None, 2)],
            [
                "A AWS::SageMaker::Model",
                "unknown vpc-config says A t.yaml:1:1",
                "B AWS::SageMaker::Model",
                "unknown vpc-config says B t.yaml:2:1",
            ],
            id="no cause",
        ),
    ],
)
def test_unknowns_are_gathered(events: list[Finding], expected: list[str]) -> None:
    assert rows(table(*events, summary=Summary(unknown=len(events)), width=120)) == expected


def test_waived_unknowns_are_not_gathered() -> None:
    waiver = Waiver("vpc-config", "A", "because", "2030-01-01")
    waived = unknown(VPC, "A", "x", 1)._replace(waiver=waiver)
    shown = rows(table(waived, unknown(VPC, "B", "x", 2), width=120))
    assert shown[1] == "waived vpc-config until 2030-01-01: because t.yaml:1:1"
    assert shown[3] == "unknown vpc-config says B t.yaml:2:1"


def test_worst_comes_first_then_the_line() -> None:
    low, high = control("low-one", Severity.LOW), control("high-one")
    shown = rows(
        table(finding(low, at=(1, 1)), finding(high, at=(9, 1)), finding(high, at=(3, 1)), width=120)
    )
    assert [row.split()[-1] for row in shown[1:4]] == [f"templates/notebook.yaml:{at}:1" for at in (3, 9, 1)]


def test_condition_is_said_once() -> None:
    said = finding(VOLUME, message="is 'a'; passes when P is 'b'", condition="passes when P is 'b'")
    unsaid = said._replace(message="is 'a'")
    assert table(said).count("passes when P is 'b'") == table(unsaid).count("passes when P is 'b'") == 1


def test_construct_path_is_named() -> None:
    assert "  Endpoint  AWS::SageMaker::EndpointConfig  Stack/Serving/Endpoint\n" in table(
        finding(INTERNET, ENDPOINT)
    )


def test_remediation_is_the_first_sentence_and_what_has_to_be_made_anew() -> None:
    text = "Use a key, e.g. KMS, of\nyour own (see 1.2). Then recreate.\n\nMore."
    assert "    Use a key, e.g. KMS, of your own (see 1.2). Then recreate. …\n" in table(
        finding(control("x", remediation=text))
    )


def test_long_lists_are_cut_and_counted() -> None:
    events: list[Gap | Note] = [Gap(f"{number}.yaml", "is empty") for number in range(52)]
    events += [Note(f"{number}.yaml", f"note {number}") for number in range(11)]
    events += [Note("again.yaml", "note 0")]
    shown = table(*events, summary=Summary(complete=False, gaps=52))
    assert "  … and 2 more gaps; --format json has them all\n" in shown
    assert "  … and 1 more note; --format json has them all\n" in shown
    assert "  0.yaml (and 1 more): note 0\n" in shown


def test_location_without_a_place() -> None:
    assert rows(table(finding(VOLUME, at=None)))[1] == "high volume-kms-key templates/notebook.yaml"
    nowhere = finding(VOLUME, file=None)
    live = nowhere._replace(
        location=nowhere.location._replace(account="1234", region="eu-west-1", arn="arn:aws:x")
    )
    assert table(live).startswith("1234 eu-west-1\n\n")
    assert rows(table(live))[1] == "high volume-kms-key arn:aws:x"


def test_wide_characters_are_counted_as_two_columns() -> None:
    shown = table(finding(VOLUME, message="鍵 " * 40), width=80)
    assert all(width(line) <= 80 for line in shown.splitlines())


UNKNOWN_TEXT = st.lists(
    st.text(st.characters(exclude_categories=()), max_size=15)
    | st.sampled_from(
        ["::error::x", " ::set-output", "##[error]", "##vso[x]", ":", "#", "[", "\n", "\r", "\x1b[2J"]
    ),
    max_size=6,
).map("".join)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.lists(UNKNOWN_TEXT, min_size=9, max_size=9), st.sampled_from([40, 80, 200]), st.booleans())
def test_hostile_text_is_inert(texts: list[str], columns: int, known: bool) -> None:
    name, kind, message, file, cause, reason, where, what, hint = texts
    verdict = Verdict.FAIL if known else Verdict.UNKNOWN
    waiver = Waiver("volume-kms-key", name, reason, "2030-01-01", hint, where)
    hostile = finding(
        VOLUME, Resource(kind, name, cause), verdict, message, (1, 1), file, condition=what, cause=cause
    )
    events: list[Finding | Gap | Note] = [hostile, hostile._replace(waiver=waiver)]
    events += [Gap(where, what, hint), Note(where, what)]
    shown = render("table", run(events, SAMPLE_SUMMARY, columns))
    for line in shown.split("\n"):
        assert line.isprintable(), ascii(line)
        assert not line.lstrip().startswith("::")
        assert "##" not in line
