from __future__ import annotations

import pytest

from scanner.model import Gap, Resource, Verdict
from tests.report import readers
from tests.report.samples import SAMPLE_SUMMARY, VOLUME, finding, render, run, sample_events

FIRST = (
    '"finding","failed","fail","critical","notebook-direct-internet","AWS::SageMaker::NotebookInstance",'
    '"Workbench","templates/notebook.yaml","14","7","DirectInternetAccess","","","",'
    "\"DirectInternetAccess is 'Enabled', must be 'Disabled'; passes when Internet is 'Disabled'\","
    '"","","","","42cb3cde8387cc40bcd2f2ec50979d20",""'
)


def test_sample() -> None:
    text = render("csv", run(sample_events(), SAMPLE_SUMMARY))
    assert text.split("\r\n")[1] == FIRST
    rows = readers.rows(text)
    assert [each["kind"] for each in rows] == [
        *("finding", "finding", "finding", "note", "finding", "finding", "finding", "gap", "note"),
        *("finding", "finding", "summary"),
    ]
    assert [each["status"] for each in rows if each["kind"] == "finding"] == [
        *("failed", "failed", "waived"),
        *["unknown"] * 5,
    ]
    waived = rows[2]
    assert [waived[f"waiver_{name}"] for name in ("reason", "owner", "ticket")] == [
        "Labs need pip as root",
        "ml-platform",
        "SEC-12",
    ]
    assert waived["waived_until"] == "2027-01-31"
    gap = rows[7]
    assert (gap["file"], gap["line"], gap["column"]) == ("templates/legacy.yaml", "7", "")
    assert gap["message"] == "the tab at column 3 is not YAML (indent with spaces)"
    assert rows[-1]["status"] == "incomplete"
    assert rows[-1]["message"].endswith(
        "passed 31, fail 2, unknown 5, waived 1, gaps 1, baseline 0, accepted_gaps 0"
    )


def test_an_empty_run_is_complete() -> None:
    (only,) = readers.rows(render("csv", run([])))
    assert (only["kind"], only["status"]) == ("summary", "complete")


def test_passed_only_when_asked_for() -> None:
    passed = finding(VOLUME, verdict=Verdict.PASS, message="")
    assert len(readers.rows(render("csv", run([passed])))) == 1
    first, _ = readers.rows(render("csv", run([passed], show_passed=True)))
    assert (first["status"], first["message"]) == ("passed", VOLUME.title)


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@x", "'@x"),
        ("-x", "'-x"),
        ("+x", "'+x"),
        (" =x", " '=x"),
        ("'x", "''x"),
        ("\uff1dx", "'\uff1dx"),
        ("a;=x", "a;'=x"),
        ('a;""=x', 'a;""\'=x'),
        ("\t=x", "\\t=x"),
        ("a=b-c", "a=b-c"),
    ],
)
def test_what_looks_like_a_formula_is_text(name: str, cell: str) -> None:
    text = render("csv", run([finding(VOLUME, Resource("T", name)), Gap(name, "is odd")]))
    assert f'"{cell.replace(chr(34), chr(34) * 2)}"' in text.split("\r\n")[1]
    readers.rows(text)
