"""Adoption with a baseline: what is known doesn't count, what is new does, what is gone is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.door import files, found, notes, smguard
from tests.repository import Repository, notebooks

FILE = ".smguard-baseline.json"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "work")
    made.write(a_yaml=notebooks("One", "Two"), lab__b_yaml=notebooks("Three"))
    return made


def baseline(of: Repository, *words: str) -> Any:
    ran = of.run("baseline", "--select", "volume-kms-key", *words)
    assert (ran.code, ran.out) == (0, ""), ran.err
    return json.loads((of.folder / FILE).read_text())


def lines(of: Repository) -> list[str]:
    return (of.folder / FILE).read_text().splitlines()


def test_it_is_sorted_stable_and_one_finding_a_line(repository: Repository) -> None:
    held = baseline(repository, ".")
    assert (held["schema_version"], held["kind"]) == (1, "baseline")
    assert [(it["file"], it["resource"], it["control"], it["path"]) for it in held["findings"]] == [
        ("a.yaml", "One", "volume-kms-key", "KmsKeyId"),
        ("a.yaml", "Two", "volume-kms-key", "KmsKeyId"),
        ("lab/b.yaml", "Three", "volume-kms-key", "KmsKeyId"),
    ]
    assert {(it["verdict"], it["count"]) for it in held["findings"]} == {("fail", 1)}
    before = lines(repository)
    repository.put("a.yaml", "# moved\n\n" + notebooks("Two", "One", "New"))
    baseline(repository, "lab", "a.yaml")
    assert [line for line in lines(repository) if line.rstrip(",") not in str(before)] == [
        line for line in lines(repository) if '"New"' in line
    ]
    assert len(lines(repository)) == len(before) + 1


def test_what_is_known_does_not_count_and_what_is_new_does(repository: Repository) -> None:
    baseline(repository, ".")
    ran = repository.scan(".", "--baseline", FILE)
    assert ran.code == 0
    assert found(ran.report) == [
        f"known volume-kms-key {name}" for name in ("One 2:3", "Two 3:3", "Three 2:3")
    ]
    assert files(ran.report) == {"judged": 2, "skipped": 1}
    assert ran.report["summary"]["baseline"] == 3
    repository.put("a.yaml", "# moved\n" + notebooks("One", "New", "Two"))
    ran = repository.scan(".", "--baseline", FILE)
    assert ran.code == 1
    assert found(ran.report, "a.yaml") == [
        "known volume-kms-key One 3:3",
        "volume-kms-key New 4:3",
        "known volume-kms-key Two 5:3",
    ]
    files(ran.report)


def test_the_place_from_which_it_is_scanned_makes_no_difference(repository: Repository) -> None:
    baseline(repository, ".")
    assert repository.scan(".", "--baseline", f"../{FILE}", below="lab").code == 0
    assert repository.scan(repository.folder, "--baseline", repository.folder / FILE, below="lab").code == 0


@pytest.mark.no_cover  # fewer cover as much
def test_of_one_fingerprint_only_so_many_are_known(tmp_path: Path) -> None:
    """Outside of a repository files of two folders may have one path, and so one fingerprint."""
    for name in ("x", "y", "z"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "t.yaml").write_text(notebooks("One"))
    for folder in ("x", "y"):
        (tmp_path / folder / "t.yaml").write_text(notebooks("One"))
    select = ("--select", "volume-kms-key")
    taken = smguard("baseline", *select, "x", "y", cwd=tmp_path)
    assert "2 findings taken down" in taken.err
    [entry] = json.loads((tmp_path / FILE).read_text())["findings"]
    assert entry["count"] == 2
    scan = ("scan", *select, "-f", "json", "--baseline", FILE)
    assert smguard(*scan, "x", "y", cwd=tmp_path).code == 0
    ran = smguard(*scan, "x", "y", "z", cwd=tmp_path)
    assert ran.code == 1
    assert (ran.report["summary"]["baseline"], ran.report["summary"]["fail"]) == (2, 1)
    assert not ran.report["notes"]
    [note] = smguard(*scan, "x", cwd=tmp_path).report["notes"]
    assert note["where"] == "t.yaml: volume-kms-key for One"


def test_a_fail_that_was_known_as_unknown_is_new(repository: Repository) -> None:
    template = (
        "Parameters: {Key: {Type: String%s}}\nResources:\n"
        "  N: {Type: 'AWS::SageMaker::NotebookInstance', Properties: {KmsKeyId: !Ref Key}}\n"
    )
    select = ("--select", "customer-managed-kms-key")
    scan = ("scan", *select, "--strict", "-f", "json", "--baseline", FILE, "c.yaml")
    repository.put("c.yaml", template % "")
    assert repository.run("baseline", *select, "c.yaml").code == 0
    ran = repository.run(*scan)
    assert (ran.code, ran.report["summary"]["baseline"]) == (0, 1)
    repository.put("c.yaml", template.replace("!Ref Key", "alias/aws/sagemaker") % "")
    ran = repository.run(*scan)
    assert (ran.code, [it["baseline"] for it in ran.report["findings"]]) == (1, [False])
    assert repository.run("baseline", *select, "c.yaml").code == 0
    repository.put("c.yaml", template % "")
    assert repository.run(*scan).code == 0


def test_what_no_longer_occurs_is_named_where_it_was_looked_for(repository: Repository) -> None:
    repository.put("gone.yaml", notebooks("Four"))
    baseline(repository, ".")
    (repository.folder / "gone.yaml").unlink()
    repository.put("a.yaml", notebooks("One"))
    what = f"{FILE} holds it and it no longer occurs; `smguard baseline` drops it"
    gone = [f"a.yaml: volume-kms-key for Two {what}", f"gone.yaml: volume-kms-key for Four {what}"]
    assert notes(repository.scan(".", "--baseline", FILE).report) == gone
    assert notes(repository.scan("a.yaml", "--baseline", FILE).report) == gone
    assert notes(repository.scan("lab", "--baseline", FILE).report) == gone[1:]
    other = repository.run("scan", "--select", "vpc-config", "-f", "json", "a.yaml", "--baseline", FILE)
    assert notes(other.report) == gone[1:]
    assert notes(repository.scan("a.yaml", "--candidates", "--baseline", FILE).report) == []
    repository.commit()
    assert notes(repository.scan(".", "--changed-since", "HEAD", "--baseline", FILE).report) == []
    repository.put("a.yaml", "Resources: [AWS::SageMaker")
    assert notes(repository.scan(".", "--baseline", FILE).report) == gone[1:]


def test_a_waiver_goes_before(repository: Repository) -> None:
    baseline(repository, ".")
    waiver = "{control: volume-kms-key, resource: One, reason: lab, expires: '9999-12-31'}"
    repository.put("waivers.yaml", f"waivers: [{waiver}]\n")
    ran = repository.scan(".", "--baseline", FILE, "--waivers", "waivers.yaml")
    assert found(ran.report, "a.yaml") == ["waived volume-kms-key One 2:3", "known volume-kms-key Two 3:3"]
    assert (ran.code, notes(ran.report)) == (0, [])
    files(ran.report)
    taken = baseline(repository, ".", "--waivers", "waivers.yaml")
    assert [it["resource"] for it in taken["findings"]] == ["Two", "Three"]


FIRM = """\
id: firm
title: Firm
area: access
severity: low
rationale: r
remediation: r
waivable: false
resources: {AWS::SageMaker::NotebookInstance: {places: [{requires: {RoleArn: {}}}]}}
examples: {fail: [{about: none, resource: {Type: AWS::SageMaker::NotebookInstance}}]}
"""


def test_a_control_that_can_not_be_waived_can_not_be_known(repository: Repository) -> None:
    repository.put("mine/firm.yaml", FIRM)
    words = ("--rules", "mine", "--select", "firm", "a.yaml")
    ran = repository.run("baseline", *words)
    assert ran.err == f"2 left out, because their controls can't be waived\n0 findings taken down in {FILE}\n"
    report = repository.run("scan", *words, "-f", "json").report
    entry = {"file": "a.yaml", "resource": "One", "control": "firm", "path": "RoleArn", "verdict": "fail"}
    smuggled = {**entry, "fingerprint": report["findings"][0]["fingerprint"], "count": 1}
    repository.put(FILE, json.dumps({"schema_version": 1, "kind": "baseline", "findings": [smuggled]}))
    ran = repository.run("scan", *words, "-f", "json", "--baseline", FILE)
    assert (ran.code, found(ran.report)) == (1, ["firm One 2:3", "firm Two 3:3"])
    said = f"a.yaml: firm for One {FILE} can't hold it: this control can't be waived, so it counts"
    assert notes(ran.report) == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ":1:1: the baseline is damaged: Expecting value"),
        (
            '{"schema_version": 1,\n' + "<" * 7 + " HEAD\n",
            ":2:1: the baseline is damaged: Expecting property name",
        ),
        ("[]", ":1: this is no baseline"),
        ('{"kind": "scan", "findings": []}', ":1: this is no baseline"),
        ('{"kind": "baseline", "findings": []}', ":1: this is a baseline of another version"),
        ("[" * 100_000, ": the baseline is damaged"),
        (
            '{"kind": "baseline", "schema_version": 1, "findings": [\n\n7]}',
            ":3: the baseline is damaged: entry 1 is",
        ),
        ("ENTRY", "entry 1 has no resource"),
        ('ENTRY, "resource": 7', "entry 1 has a resource that is not text"),
        ('ENTRY, "resource": "a"', "entry 1 has a count that is not 1 or more"),
        ('ENTRY, "resource": "a", "count": true', "entry 1 has a count"),
        ('ENTRY, "resource": "a", "count": 1', "entry 1 has a verdict that is neither"),
    ],
)
def test_a_damaged_one_is_told_with_its_place(repository: Repository, text: str, said: str) -> None:
    entry = '{"file": "a", "control": "c", "path": "p", "verdict": "pass", "fingerprint": "f"'
    if text.startswith("ENTRY"):
        text = (
            f'{{"kind": "baseline", "schema_version": 1, "findings": [\n{text.replace("ENTRY", entry)}}}]}}'
        )
        said = f":2: the baseline is damaged: {said}"
    repository.put(FILE, text)
    ran = repository.scan(".", "--baseline", FILE)
    assert (ran.code, ran.out) == (2, "")
    assert f"Error: {FILE}{said}" in ran.err


def test_one_that_is_not_there_or_no_file(repository: Repository) -> None:
    for name in ("nowhere.json", "lab"):
        ran = repository.scan(".", "--baseline", name)
        assert (ran.code, ran.out) == (2, "")
        assert f"{name}: the baseline can't be read" in ran.err


def test_gaps_are_said_and_end_it_as_incomplete(repository: Repository) -> None:
    repository.put("broken.yaml", "Resources: [AWS::SageMaker")
    ran = repository.run("baseline", ".", "-o", "other.json")
    assert ran.code == 3
    assert "Gap: broken.yaml:2:1: " in ran.err
    assert json.loads((repository.folder / "other.json").read_text())["findings"]
    assert repository.run("baseline", ".", "--allow-incomplete").code == 0


def test_sarif_and_table(repository: Repository) -> None:
    baseline(repository, "a.yaml")
    words = ("scan", ".", "--select", "volume-kms-key", "--baseline", FILE)
    log = json.loads(repository.run(*words, "-f", "sarif").out)["runs"][0]
    assert [it["baselineState"] for it in log["results"]] == ["unchanged", "unchanged", "new"]
    table = repository.run(*words).out
    assert "    baseline  volume-kms-key" not in table
    assert "failed     1  1 high\n" in table
    assert "baseline   2  known before; --all lists them\n" in table
    assert repository.run(*words, "--all").out.count("    baseline  volume-kms-key") == 2


def test_several_processes_agree(repository: Repository) -> None:
    for number in range(60):
        repository.put(f"many/{number}.yaml", notebooks("N"))
    baseline(repository, ".", "--jobs", "2")
    many = lines(repository)
    baseline(repository, ".", "--jobs", "1")
    assert lines(repository) == many
    repository.put("many/7.yaml", notebooks("N", "New"))
    ran = repository.scan(".", "--jobs", "2", "--baseline", FILE)
    assert (ran.report["summary"]["baseline"], ran.report["summary"]["fail"]) == (63, 1)
