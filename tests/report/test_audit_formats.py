"""Audits in the formats that scans have as well: accounts, regions and ARNs in place of files and lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner import catalog
from scanner.report import Run
from scanner.report.saved import Saved, read
from tests.report import audits, readers
from tests.report.samples import render
from tests.report.test_sarif import VALIDATOR, check_by_hand

KIND = "AWS::SageMaker::NotebookInstance"
ARN = "arn:aws:sagemaker:eu-central-1:111122223333:notebookinstance/lab/ä b"
LISTED = [
    audits.finding("notebook-root-access", KIND, "lab/ä b", path="RootAccess"),
    audits.finding("vpc-config", KIND, "free", verdict="unknown"),
    audits.finding("volume-kms-key", KIND, "old", audits.ACCOUNTS[1], waiver=audits.WAIVER),
]


@pytest.fixture
def saved(tmp_path: Path) -> Iterator[Saved]:
    it = read(str(audits.write(tmp_path / "a.json", LISTED)), catalog.load().by_id)
    yield it
    it.close()


@pytest.fixture
def run(saved: Saved) -> Run:
    return saved.run(width=250)


def test_table(run: Run) -> None:
    text = render("table", run)
    assert re.search(r"^111122223333 eu-central-1$", text, re.MULTILINE)
    assert re.search(r"^By: arn:aws:sts::111122223333:assumed-role/SecurityAudit/alice$", text, re.MULTILINE)
    assert "When: 2026-10-05 07:30 UTC to 2026-10-05 07:41 UTC\n" in text
    assert "Time window: jobs created since 2026-07-07 07:30 UTC\n" in text
    assert "Parameters: customer-managed-kms-key.allowed-keys = arn:aws:kms" in text


def test_csv(run: Run) -> None:
    rows = readers.rows(render("csv", run))
    assert [each["kind"] for each in rows] == ["finding"] * 3 + ["gap", "note"] + ["about"] * 8 + ["summary"]
    assert (rows[0]["account"], rows[0]["region"], rows[0]["arn"]) == ("111122223333", "eu-central-1", ARN)
    assert (rows[3]["account"], rows[3]["region"], rows[3]["file"]) == (audits.ACCOUNTS[1], "us-east-1", "")
    told = {each["status"]: each["message"] for each in rows if each["kind"] == "about"}
    assert told["regions"] == "eu-central-1, us-east-1"
    assert told["tool"] == f"smguard {run.version}, catalog {run.catalog[:12]}"
    listed = run.about()["controls"] if run.about else []
    assert told["controls"].startswith(f"{len(listed)}: {listed[0]}, {listed[1]}, ")


def test_sarif(run: Run) -> None:
    log = json.loads(render("sarif", run))
    VALIDATOR.validate(log)
    [only] = log["runs"]
    check_by_hand(only)
    assert only["results"][0]["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {
                    "uri": "111122223333/eu-central-1/SageMaker/NotebookInstance/lab%E2%88%95%C3%A4%20b"
                },
                "region": {"startLine": 1},
            },
            "logicalLocations": [{"name": "lab/ä b", "fullyQualifiedName": ARN, "kind": "resource"}],
        }
    ]
    assert only["results"][2]["suppressions"][0]["kind"] == "external"
    [invocation] = only["invocations"]
    assert invocation["executionSuccessful"] is False
    assert invocation["properties"]["Accounts"] == ", ".join(audits.ACCOUNTS)


def test_junit(run: Run) -> None:
    root = readers.suites(render("junit", run))
    names = [suite.get("name") for suite in root]
    assert names == ["111122223333 eu-central-1", "444455556666 eu-central-1", "smguard"]
    assert root.findtext("testsuite/testcase/failure").split("\n")[0] == ARN
    told = {each.get("name"): each.get("value") for each in root.iter("property")}
    assert told["by"] == "arn:aws:sts::111122223333:assumed-role/SecurityAudit/alice"


def test_gitlab(run: Run) -> None:
    text = render("gitlab", run)
    readers.gitlab(text)
    found = json.loads(text)
    about = [each["description"] for each in found[5:]]
    assert [each["severity"] for each in found[:5]] == ["critical", "info", "info", "critical", "info"]
    assert about[0] == f"Note: By: {audits.about()['by']}"
    assert about[-1] == "Note: Tool: smguard 1.2.3, catalog 0123456789ab"
    assert len(about) == 8
    assert found[0]["location"] == {"path": ARN, "lines": {"begin": 1}}


def test_gitlab_names_what_has_no_arn(tmp_path: Path) -> None:
    told = audits.finding("vpc-config", KIND, "x")
    told["location"]["arn"] = None
    it = read(str(audits.write(tmp_path / "a.json", [told])), {})
    assert json.loads(render("gitlab", it.run()))[0]["location"]["path"] == "111122223333 eu-central-1"
    it.close()


def test_github(run: Run) -> None:
    commands = readers.commands(render("github", run))
    assert commands[0].properties == {"title": "not looked at"}
    assert commands[0].data.startswith("444455556666/us-east-1: AWS::SageMaker::Model: sagemaker:ListModels")
    assert commands[1].properties == {"title": "notebook-root-access (high)"}
    assert commands[1].data.startswith(f"lab/ä b {ARN}: RootAccess is missing\n")


def test_markdown(run: Run) -> None:
    text = render("markdown", run)
    page = readers.Page(text)
    assert "in 222 types (221 judged, 1 unread)" in page.prose
    cells = [cells for _, cells in page.rows]
    assert ["By: arn:aws:sts::111122223333:assumed-role/SecurityAudit/alice"] in cells
    assert ["high", "notebook-root-access", "lab/ä b", "RootAccess is missing", ARN] in cells
