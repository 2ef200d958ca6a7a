"""`smguard config-rules test`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.config_rule.support import SAGEMAKER, changed, item, oversized, scheduled
from tests.door import Ran, called

NOTEBOOK = f"{SAGEMAKER}NotebookInstance"
BAD = changed(item(NOTEBOOK, "n\x1b[31m", {"RootAccess": "Enabled"}), "notebook-root-access")


def run(folder: Path, given: Any, *words: str) -> Ran:
    path = folder / "event.json"
    path.write_text(json.dumps(given))
    return called("config-rules", "test", path, *words)


def test_the_evaluations_of_a_saved_event_are_printed(tmp_path: Path) -> None:
    ran = run(tmp_path, BAD)
    assert ran.code == 0
    assert ran.out.startswith("sagemaker-notebook-root-access: 1 evaluation\n  NON_COMPLIANT AWS::SageMaker")
    assert "RootAccess is 'Enabled', must be 'Disabled'. " in ran.out
    assert "\x1b" not in ran.out


def test_all_events_of_a_file_are_run_whatever_is_wrong_with_some(tmp_path: Path) -> None:
    lacking = changed(item(NOTEBOOK, "m", {}), "notebook-imds-v2")
    large = oversized(item(NOTEBOOK, "m", None), "notebook-imds-v2")
    ran = run(tmp_path, [{}, 7, BAD, lacking, large, scheduled("vpc-config")], "-f", "json")
    assert ran.code == 3
    report = json.loads(ran.out)
    assert (report["schema_version"], report["kind"]) == (1, "config-rules-test")
    assert [len(each["evaluations"]) for each in report["events"]] == [0, 0, 1, 0, 0, 0]
    assert [each["unknown"] for each in report["events"]] == [0, 0, 0, 1, 0, 0]
    assert [bool(each["gaps"]) for each in report["events"]] == [True, True, False, True, True, True]
    assert report["events"][2]["evaluations"][0]["ComplianceType"] == "NON_COMPLIANT"
    assert "got no answer" in report["events"][3]["gaps"][0]
    table = run(tmp_path, [{}, lacking])
    assert "ERROR: invokingEvent of the event is no JSON object" in table.out
    assert "WARNING: not known, so nothing is reported" in table.out


def test_parameters_take_the_place_of_the_events(tmp_path: Path) -> None:
    ran = run(tmp_path, BAD, "--parameters", "exempt=n*:2027-01-01")
    assert "NOT_APPLICABLE" in ran.out
    given = tmp_path / "parameters.json"
    given.write_text('{"control": "notebook-direct-internet"}')
    ran = run(tmp_path, BAD, "--parameters", str(given))
    assert "DirectInternetAccess is not set" in ran.out


def test_files_that_are_no_events(tmp_path: Path) -> None:
    assert called("config-rules", "test", tmp_path / "none.json").code == 2
    (tmp_path / "text.json").write_text("no")
    ran = called("config-rules", "test", tmp_path / "text.json")
    assert (ran.code, ran.out) == (2, "")
    assert "is no JSON" in ran.err
