"""Suppressions for other tools: not honoured, and the waiver that would be is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scanner import catalog
from tests.door import called, found, notes, scan

EXPIRES = (datetime.now(UTC).date() + timedelta(days=90)).isoformat()
TEMPLATE = """\
Resources:
  N:
    Type: AWS::SageMaker::NotebookInstance
    Metadata: %s
    Properties: {%s}
"""
VOLUME = "volume-kms-key"
INTERNET = "notebook-direct-internet"


def written(*waivers: tuple[str, str]) -> str:
    """The waivers that a Note proposes."""
    each = (f'{{control: {name}, reason: "{reason}", expires: {EXPIRES}}}' for name, reason in waivers)
    return f"waives nothing here; in Metadata write smguard: {{waivers: [{', '.join(each)}]}}"


def said(tmp_path: Path, metadata: str, properties: str = "", *words: str) -> list[str]:
    (tmp_path / "t.yaml").write_text(TEMPLATE % (metadata, properties))
    ran = scan("t.yaml", *words, cwd=tmp_path, run=called)
    assert ran.code in (0, 1)
    return notes(ran.report)


@pytest.mark.parametrize(
    ("metadata", "what", "waivers"),
    [
        (
            "{cfn_nag: {rules_to_suppress: [{id: W1201, reason: Lab}, {id: W2}]}}",
            "cfn_nag W1201",
            [(VOLUME, "Lab")],
        ),
        (
            "{checkov: {skip: [{id: CKV_AWS_187, comment: 'a \"b\"'}]}}",
            "checkov CKV_AWS_187",
            [(VOLUME, 'a \\"b\\"')],
        ),
        (
            "{guard: {SuppressedRules: [SAGEMAKER_NOTEBOOK_NO_DIRECT_INTERNET_ACCESS, OTHER]}}",
            "guard SAGEMAKER_NOTEBOOK_NO_DIRECT_INTERNET_ACCESS",
            [(INTERNET, "say why")],
        ),
        (
            "{checkov: {skip: [{id: CKV_AWS_187}, {id: CKV_AWS_122, comment: x}]}, "
            "cfn_nag: {rules_to_suppress: [{id: W1201, reason: Lab}]}}",
            "cfn_nag W1201, checkov CKV_AWS_187, checkov CKV_AWS_122",
            [(VOLUME, "Lab"), (INTERNET, "x")],
        ),
    ],
)
def test_one_note_with_the_waiver_to_write(
    tmp_path: Path, metadata: str, what: str, waivers: list[tuple[str, str]]
) -> None:
    assert said(tmp_path, metadata) == [f"t.yaml:4:16 suppressing {what} {written(*waivers)}"]


def test_the_waiver_that_it_proposes_waives(tmp_path: Path) -> None:
    [note] = said(tmp_path, "{checkov: {skip: [{id: CKV_AWS_187, comment: 'a: \"b\" #'}]}}")
    proposed = note.partition("in Metadata write ")[2]
    assert said(tmp_path, f"{{{proposed}}}") == []
    assert found(scan("t.yaml", cwd=tmp_path, run=called).report) == [
        f"{INTERNET} N 5:5",
        f"waived {VOLUME} N 5:5",
    ]


@pytest.mark.parametrize(
    ("metadata", "properties"),
    [
        ("{cfn_nag: {rules_to_suppress: [{id: W1201}]}}", "KmsKeyId: alias/ml"),
        ("{cfn_nag: {rules_to_suppress: [{id: W9999}]}}", ""),
        ("{cfn_nag: {rules_to_suppress: W1201}}", ""),
        ("{cfn_nag: [W1201], checkov: {skip: [[], {id: 7}]}, guard: W1201}", ""),
        ("{checkov: {skip: [{id: W1201}]}}", ""),
        ("{smguard: {waivers: [{control: volume-kms-key, reason: a, expires: '9999-12-31'}]}, "
         "cfn_nag: {rules_to_suppress: [{id: W1201}]}}", ""),
    ],
)  # fmt: skip
def test_nothing_is_said_where_it_is_about_no_open_finding(
    tmp_path: Path, metadata: str, properties: str
) -> None:
    assert said(tmp_path, metadata, properties) == []


def test_a_hostile_reason_is_inert(tmp_path: Path) -> None:
    [note] = said(
        tmp_path,
        '{cfn_nag: {rules_to_suppress: [{id: W1201, reason: "\\e[31m\\n::error::%s"}]}}' % ("x" * 500),
    )
    assert "\x1b" not in note
    assert "\n" not in note
    assert len(note) < 400


OWN = """\
id: own
title: Own
area: access
severity: low
rationale: r
remediation: r
aka: {cfn-lint: [W9999, E9998]}
resources: {AWS::SageMaker::NotebookInstance: {places: [{requires: {RoleArn: {}}}]}}
examples: {fail: [{about: none, resource: {Type: AWS::SageMaker::NotebookInstance}}]}
"""


@pytest.mark.parametrize(
    ("metadata", "what"),
    [
        ("{cfn-lint: {config: {ignore_checks: [%s]}}}", "cfn_lint_id"),
        ("{checkov: {skip: [{id: %s}]}}", "checkov_id"),
    ],
)
def test_our_own_rules_in_other_tools(tmp_path: Path, metadata: str, what: str) -> None:
    name = getattr(catalog.load().by_id[VOLUME], what)
    tool = "cfn-lint" if "lint" in what else "checkov"
    note = f"t.yaml:4:16 suppressing {tool} {name} {written((VOLUME, 'say why'))}"
    assert said(tmp_path, metadata % name) == [note]


def test_cfn_lint_and_controls_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "own.yaml").write_text(OWN)
    (tmp_path / "t.yaml").write_text(TEMPLATE % ("{cfn-lint: {config: {ignore_checks: [W9999, E3002]}}}", ""))
    ran = scan("t.yaml", "--rules", "mine", cwd=tmp_path, controls=("--select", "own"), run=called)
    assert notes(ran.report) == [f"t.yaml:4:16 suppressing cfn-lint W9999 {written(('own', 'say why'))}"]


def test_it_is_said_from_several_processes_too(tmp_path: Path) -> None:
    metadata = "{cfn_nag: {rules_to_suppress: [{id: W1201, reason: Lab}]}}"
    for number in range(60):
        (tmp_path / f"{number}.yaml").write_text(TEMPLATE % (metadata, ""))
    assert len(notes(scan(".", "--jobs", "2", cwd=tmp_path).report)) == 60
