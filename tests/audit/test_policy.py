"""`smguard audit --print-policy`: the least that the chosen controls need, which the auditor is allowed."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path

from tests.audit.running import audit
from tests.fake_aws import Fake

ROOT = Path(__file__).resolve().parents[2]


def printed(folder: Path, *words: str | Path) -> dict[str, list[str]]:
    with Fake() as fake:
        ran = audit(fake, folder, "--print-policy", *words)
        assert not fake.log
    assert ran.code == 0
    return {each["Sid"]: each["Action"] for each in ran.report["Statement"] if each["Effect"] == "Allow"}


def test_it_is_what_the_auditor_is_allowed(tmp_path: Path) -> None:
    policy = json.loads((ROOT / "policies/iam/auditor.json").read_text(encoding="utf-8"))
    allowed = {each["Sid"]: each["Action"] for each in policy["Statement"] if each["Effect"] == "Allow"}
    needed = printed(tmp_path, "--org", "--policy-parameters", ROOT / "policies/parameters.yaml")
    assert needed.keys() == allowed.keys()
    for sid, actions in needed.items():
        # Patterns, because of the quota; none that stands for nothing needed.
        assert all(any(fnmatchcase(action, pattern) for pattern in allowed[sid]) for action in actions)
        for pattern in allowed[sid]:
            assert any(fnmatchcase(action, pattern) for action in actions), pattern


def test_few_controls_need_little(tmp_path: Path) -> None:
    few = printed(tmp_path, "--select", "notebook-root-access")
    assert few == {
        "ReadSageMakerSettings": ["sagemaker:DescribeNotebookInstance", "sagemaker:ListNotebookInstances"],
        "ReadWhatSettingsName": ["ec2:DescribeRegions", "sts:GetCallerIdentity", "tag:GetResources"],
    }
    keys = printed(tmp_path, "--select", "customer-managed-kms-key", "--account-role", "auditor")
    assert "kms:DescribeKey" in keys["ReadWhatSettingsName"]
    assert keys["EnterAccounts"] == ["sts:AssumeRole"]
    opted_out = printed(tmp_path, "--select", "ai-services-opt-out")
    assert "organizations:DescribeEffectivePolicy" in opted_out["ReadWhatSettingsName"]
    assert not any(each.startswith("organizations:") for each in printed(tmp_path)["ReadWhatSettingsName"])


def test_an_audit_calls_nothing_beyond_it(tmp_path: Path) -> None:
    allowed = {action for actions in printed(tmp_path).values() for action in actions}
    with Fake() as fake:
        fake.create("NotebookInstance", {"KmsKeyId": fake.services.key()})
        fake.create("Pipeline", {"PipelineDefinition": "{}"})
        fake.populate("TrainingJob", 3, status="InProgress")
        audit(fake, tmp_path, "--region", "all")
        prefixes = {"resourcegroupstaggingapi": "tag"}
        called = {f"{prefixes.get(call.service, call.service)}:{call.operation}" for call in fake.log}
    assert called <= allowed
