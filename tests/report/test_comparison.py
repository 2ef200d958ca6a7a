"""Reports side by side: what is called fixed was looked for, and nothing is lost between the counts."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from tests.door import Ran, assert_inert, called
from tests.report import audits, readers
from tests.repository import Repository

NOTEBOOK, JOB = "AWS::SageMaker::NotebookInstance", "AWS::SageMaker::TrainingJob"
FOUND = {
    "a": audits.finding("volume-kms-key", NOTEBOOK, "a"),
    "b": audits.finding("volume-kms-key", NOTEBOOK, "b"),
    "unknown b": audits.finding("volume-kms-key", NOTEBOOK, "b", verdict="unknown"),
    "waived b": audits.finding("volume-kms-key", NOTEBOOK, "b", waiver=audits.WAIVER),
    "known b": audits.finding("volume-kms-key", NOTEBOOK, "b", baseline=True),
    "passed b": audits.finding("volume-kms-key", NOTEBOOK, "b", verdict="pass"),
    "job": audits.finding("volume-kms-key", JOB, "job"),
    "model": audits.finding("vpc-config", "AWS::SageMaker::Model", "model", audits.ACCOUNTS[1], "us-east-1"),
}


LOOKED = {
    **{"account": audits.ACCOUNTS[0], "region": audits.REGIONS[0], "type": NOTEBOOK},
    **{"resources": 1, "complete": True},
}


def compare(folder: Path, *reports: str, words: tuple[str, ...] = ("-f", "json"), **how: Any) -> Ran:
    return called("report", "--compare", *reports, *words, cwd=folder, **how)


def changes(folder: Path, old: str, new: str, gaps: tuple[Any, ...] = (), **about: Any) -> dict[str, str]:
    """Resource -> what became of it, with the remark, from the findings of one report to those of another."""
    audits.write(folder / "old", [FOUND[name] for name in old.split(", ") if name], gaps=[], since=None)
    listed = [FOUND[name] for name in new.split(", ") if name]
    audits.write(folder / "new", listed, gaps=list(gaps), **{"since": None, **about})
    told = compare(folder, "old", "new", words=("-f", "json", "--exit-zero")).report
    found = {}
    for each in told["changes"]:
        remark = f" ({each['remark']})" if each["remark"] else ""
        found[each["resource"]["name"]] = each["change"] + remark
    assert told["reports"][1]["changes"] == Counter(each["change"] for each in told["changes"])
    return found


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("a", "a, b", {"a": "unchanged", "b": "new"}),
        ("a, b", "a", {"a": "unchanged", "b": "fixed"}),
        ("b", "passed b", {"b": "fixed"}),
        ("passed b", "b", {"b": "new"}),
        ("unknown b", "b", {"b": "new (was unknown)"}),
        ("b", "unknown b", {"b": "unchanged (was failed)"}),
        ("unknown b", "unknown b", {"b": "unchanged"}),
        ("b", "waived b", {"b": "waived since"}),
        ("waived b", "b", {"b": "new (was waived)"}),
        ("known b", "b", {"b": "new (was baseline)"}),
        ("waived b", "known b", {"b": "unchanged"}),
        ("waived b", "waived b", {"b": "unchanged"}),
        ("waived b", "", {"b": "fixed"}),
        ("", "waived b", {"b": "waived since"}),
        ("b, b", "b", {"b": "fixed"}),
        ("", "", {}),
    ],
)
def test_what_becomes_of_a_finding(tmp_path: Path, old: str, new: str, expected: dict[str, str]) -> None:
    assert changes(tmp_path, old, new) == expected


@pytest.mark.parametrize(
    "about",
    [
        {"controls": ["vpc-config"]},
        {"looked_at": []},
        {"looked_at": [{**LOOKED, "region": "us-east-1"}]},
        {"looked_at": [{**LOOKED, "complete": False}]},
    ],
    ids=["no such control", "no type", "another region", "a gap"],
)
def test_what_was_not_looked_at_is_not_fixed(tmp_path: Path, about: dict[str, Any]) -> None:
    assert changes(tmp_path, "a, b", "", looked_at=[LOOKED]) == {"a": "fixed", "b": "fixed"}
    assert changes(tmp_path, "a, b", "", **about) == {"a": "not looked at", "b": "not looked at"}


def test_what_is_global_is_fixed_where_all_regions_were_read_again(tmp_path: Path) -> None:
    role = audits.finding("volume-kms-key", NOTEBOOK, "role", region="global")
    looked = [{**LOOKED, "region": "global"}]
    audits.write(tmp_path / "old", [role], gaps=[])
    for regions, became in ((audits.REGIONS, "fixed"), (audits.REGIONS[:1], "not looked at")):
        audits.write(tmp_path / "new", [], gaps=[], since=None, looked_at=looked, regions=list(regions))
        [change] = compare(tmp_path, "old", "new").report["changes"]
        assert change["change"] == became


def test_a_job_that_left_the_time_window_is_not_fixed(tmp_path: Path) -> None:
    assert changes(tmp_path, "a, job", "", since=audits.AT) == {"a": "fixed", "job": "not looked at"}
    assert changes(tmp_path, "a, job", "") == {"a": "fixed", "job": "fixed"}


def test_what_could_not_be_read_is_not_fixed(tmp_path: Path) -> None:
    assert changes(tmp_path, "model", "", gaps=(audits.GAP,)) == {"model": "not looked at"}


def test_what_was_not_looked_at_before_is_new_and_said(tmp_path: Path) -> None:
    audits.write(tmp_path / "old", [], gaps=[], controls=["vpc-config"])
    audits.write(tmp_path / "new", [FOUND["a"]], gaps=[])
    [change] = compare(tmp_path, "old", "new").report["changes"]
    assert (change["change"], change["remark"]) == ("new", "was not looked at before")


@pytest.mark.parametrize(
    ("old", "new", "words", "code"),
    [
        ("a", "a", "", 0),
        ("a, b", "a", "", 0),
        ("a", "a, b", "", 1),
        ("a", "a, b", "--exit-zero", 0),
        ("a", "a, b", "--fail-on critical", 0),
        ("a", "a, b", "--fail-on high", 1),
        ("a", "a, unknown b", "", 0),
        ("a", "a, unknown b", "--strict", 1),
        ("a", "a, waived b", "--strict", 0),
        ("b", "waived b", "", 0),
        ("waived b", "b", "", 1),
    ],
)
def test_exit_codes(tmp_path: Path, old: str, new: str, words: str, code: int) -> None:
    for name, listed in (("old", old), ("new", new)):
        audits.write(tmp_path / name, [FOUND[each] for each in listed.split(", ")], gaps=[])
    assert compare(tmp_path, "old", "new", words=tuple(words.split())).code == code


def test_an_incomplete_report_proves_nothing(tmp_path: Path) -> None:
    audits.write(tmp_path / "old", [FOUND["a"]], gaps=[])
    audits.write(tmp_path / "new", [FOUND["a"]])
    assert compare(tmp_path, "old", "new").code == 3
    assert compare(tmp_path, "old", "new", words=("--allow-incomplete",)).code == 0
    assert compare(tmp_path, "new", "old").code == 0


def scanned(folder: Path, name: str, *words: str) -> None:
    ran = called("scan", *words, "--select", "volume-kms-key", "-f", "json", "-o", name, cwd=folder)
    assert ran.code in (0, 1, 3), ran.err


def test_scans_are_compared_by_the_files_that_were_looked_at(tmp_path: Path) -> None:
    Repository(tmp_path)
    text = "Resources:\n  {}: {{Type: 'AWS::SageMaker::NotebookInstance'}}\n"
    for name in ("a", "b", "c"):
        (tmp_path / "t" / name).mkdir(parents=True)
        (tmp_path / "t" / name / "t.yaml").write_text(text.format(name.upper()))
    scanned(tmp_path, "old", "t")

    def told(*words: str) -> dict[str, str]:
        scanned(tmp_path, "new", *words)
        listed = compare(tmp_path, "old", "new").report["changes"]
        return {each["resource"]["name"]: each["change"] for each in listed}

    rest = {"B": "unchanged", "C": "unchanged"}
    assert told("t/b", "t/c") == {**rest, "A": "not looked at"}
    assert told("t", "--exclude", "a") == {**rest, "A": "not looked at"}
    (tmp_path / "t" / "a" / "t.yaml").write_text("Resources:\n\tA: AWS::\n")
    assert told("t") == {**rest, "A": "not looked at"}
    (tmp_path / "t" / "a" / "t.yaml").unlink()
    assert told("t") == {**rest, "A": "fixed"}
    assert told(".") == {**rest, "A": "fixed"}
    called("scan", "t", "--select", "vpc-config", "-f", "json", "-o", "new", cwd=tmp_path)
    listed = compare(tmp_path, "old", "new").report["changes"]
    assert {each["change"] for each in listed if each["control"] == "volume-kms-key"} == {"not looked at"}


def test_a_report_that_does_not_say_what_it_looked_at_proves_nothing(tmp_path: Path) -> None:
    audits.write(tmp_path / "old", [FOUND["a"]], gaps=[])
    whole = json.loads(audits.report([], gaps=[]))
    del whole["audit"]
    (tmp_path / "new").write_text(json.dumps(whole))
    assert compare(tmp_path, "old", "new").report["changes"][0]["change"] == "not looked at"


def test_an_audit_is_not_compared_with_a_scan(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("AWSTemplateFormatVersion: '2010-09-09'\nResources: {}\n")
    scanned(tmp_path, "old", "t.yaml")
    audits.write(tmp_path / "new", [])
    ran = compare(tmp_path, "old", "new")
    assert (ran.code, ran.err) == (2, "Error: an audit can't be compared with a scan\n")


@pytest.fixture
def trend(tmp_path: Path) -> Path:
    """Three audits, the last of them incomplete and of a part of the jobs."""
    listed = list(audits.many(300))
    audits.write(tmp_path / "1", listed[:280], gaps=[], since=None, at="2026-01-01T00:00:00Z")
    audits.write(tmp_path / "2", listed[5:290], gaps=[], since=None, at="2026-02-01T00:00:00Z")
    audits.write(tmp_path / "3", listed[20:], at="2026-03-01T00:00:00Z")
    return tmp_path


EXPECTED = {"new": 9, "fixed": 11, "unchanged": 270, "waived since": 1, "not looked at": 4}


def test_a_trend_counts_each_report(trend: Path) -> None:
    told = compare(trend, "1", "2", "3").report
    assert [each["name"] for each in told["reports"]] == ["1", "2", "3"]
    assert [each["complete"] for each in told["reports"]] == [True, True, False]
    for each in told["reports"]:
        whole = json.loads((trend / each["name"]).read_text())
        failed = [it for it in whole["findings"] if it["verdict"] == "fail" and not it["waiver"]]
        assert each["failed"] == len(failed) == whole["summary"]["fail"]
        assert each["severities"] == Counter(it["severity"] for it in failed)
        assert each["areas"] == Counter(it["area"] for it in failed)
        assert each["at"] == whole["audit"]["at"]
    assert told["reports"][0]["changes"] == {}
    assert told["reports"][2]["changes"] == EXPECTED


def test_table_and_markdown_tell_the_same(trend: Path) -> None:
    table = compare(trend, "1", "2", "3", words=()).out
    assert ", ".join(f"{number} {what}" for what, number in EXPECTED.items()) + "." in table
    assert table.endswith("The newest report is incomplete: 1 gap.\n")
    assert_inert(table)
    page = readers.Page(compare(trend, "1", "2", "3", words=("-f", "markdown")).out)
    cells = {row[0]: row[1:] for _, row in page.rows if len(row) == 4}
    for line in ("all failures", "high", "in encryption", "new", "fixed", "not looked at"):
        [shown] = [each for each in table.split("\n") if each.startswith(f"{line}  ")]
        assert shown[len(line) :].split() == [cell for cell in cells[line] if cell]
    assert len([row for _, row in page.rows if len(row) == 5]) == 9 + 11 + 1 + 4


def test_the_page_counts_nothing_that_is_gone(trend: Path) -> None:
    page = html.document_fromstring(compare(trend, "1", "2", "3", words=("-f", "html")).out)
    assert page.findtext(".//h1") == "Comparison"
    tiles = {
        each.findtext("span"): int(each.findtext("b"))
        for each in page.xpath("//div[contains(@class, 'changes')]/div")
    }
    assert tiles == EXPECTED
    data = readers.island(page)
    states = Counter(data["statuses"][row[2]] for row in data["rows"])
    newest = json.loads((trend / "3").read_text())["summary"]
    assert states["failed"] == newest["fail"]
    assert (states["fixed"], states["not looked at"]) == (11, 4)
    matrix = page.xpath("//table[@class='matrix']//td[last()]/b/text()")
    assert sum(map(int, matrix)) == newest["fail"]
    assert len(page.xpath("//figure")) == 3


@settings(max_examples=60, deadline=None)
@given(*[st.lists(st.sampled_from(sorted(FOUND)), max_size=8)] * 2)
def test_every_finding_is_told_once(
    tmp_path_factory: pytest.TempPathFactory, old: list[str], new: list[str]
) -> None:
    from scanner.report.comparison import Comparison
    from scanner.report.saved import read

    folder = tmp_path_factory.getbasetemp()
    reports = [
        read(str(audits.write(folder / name, [FOUND[each] for each in listed])), {})
        for name, listed in (("old", old), ("new", new))
    ]
    told = Counter(change.what for change in Comparison(reports).changes())
    for report in reports:
        report.close()
    before, after = (sum(not each.startswith("passed") for each in listed) for listed in (old, new))
    assert told["new"] + told["unchanged"] + told["waived since"] == after
    gone = told["fixed"] + told["not looked at"]
    assert max(0, before - after) <= gone <= before
