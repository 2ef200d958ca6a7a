"""`smguard audit --demo`: a report of a made-up account, for a newcomer without AWS."""

from __future__ import annotations

import pytest

from tests.door import smguard

EU, US = "eu-west-1", "us-east-1"
SLIM = {"MALLOC_ARENA_MAX": "1"}
"""Else each thread takes 64 MiB of the address space that a test may have."""
FOUND = {
    (EU, "EC2::SecurityGroup", "sg-0a1b2c3d4e5f60718"): {"security-group-https-only"},
    (EU, "EC2::SecurityGroup", "sg-0f0e0d0c0b0a09080"): {"default-security-group-closed"},
    (EU, "EC2::Subnet", "subnet-0a1b2c3d4e5f60718"): {"no-internet-route"},
    (EU, "EC2::VPC", "vpc-0a1b2c3d4e5f60718"): {"vpc-endpoints-complete", "vpc-flow-logs"},
    (EU, "EC2::VPCEndpoint", "vpce-0a1b2c3d4e5f60718"): {"vpc-endpoint-policy"},
    ("global", "IAM::Role", "ml-execution"): {"execution-role-scope"},
    (EU, "KMS::Key", "0d5f6f3c-52a4-4f4e-9a53-2b7f4d1f0a11"): {"kms-key-policy"},
    (EU, "KMS::Key", "7c1e9a0b-8f0d-4d6e-b1c7-90d1a4c3e522"): {"kms-key-policy", "kms-key-rotation"},
    (EU, "S3::Bucket", "ml-captured"): {"artifact-bucket", "trail-data-events"},
    (EU, "DataQualityJobDefinition", "fraud-drift"): {"volume-kms-key", "vpc-config"},
    (EU, "Domain", "d-a1b2c3d4e5f6"): {"studio-sharing-kms-key", "studio-user-isolation"},
    (EU, "EndpointConfig", "churn-v1"): {
        "endpoint-data-capture",
        "endpoint-multiple-instances",
        "volume-kms-key",
    },
    (EU, "Model", "churn-prototype"): {
        "network-isolation",
        "pinned-images",
        "private-image-registry",
        "vpc-config",
    },
    (EU, "Model", "fraud-xgboost"): {"pinned-images", "private-image-registry"},
    (EU, "NotebookInstance", "fraud-research"): {
        "notebook-direct-internet",
        "notebook-imds-v2",
        "notebook-root-access",
        "volume-kms-key",
        "vpc-config",
    },
    (EU, "ProcessingJob", "features-nightly"): {"customer-managed-kms-key", "job-experiment"},
    (EU, "TrainingJob", "churn-debugging"): {
        "customer-managed-kms-key",
        "job-experiment",
        "pinned-images",
        "remote-access",
        "volume-kms-key",
    },
    (EU, "TrainingJob", "churn-experiment-7"): {
        "inter-container-encryption",
        "network-isolation",
        "output-kms-key",
        "pinned-images",
        "volume-kms-key",
        "vpc-config",
    },
    (EU, "TrainingJob", "fraud-retraining/Train"): {"pinned-images", "volume-kms-key", "vpc-config"},
    (EU, "TrainingJob", "fraud-xgboost-2026-10"): {"pinned-images"},
    (EU, "TransformJob", "fraud-backfill"): {"job-experiment", "volume-kms-key"},
    (EU, "UserProfile", "d-a1b2c3d4e5f6/ana"): {"studio-user-isolation"},
    (EU, "UserProfile", "d-a1b2c3d4e5f6/ben"): {"studio-user-isolation"},
    (US, "Domain", "d-f6e5d4c3b2a1"): {
        "studio-user-isolation",
        "studio-vpc-only",
        "volume-kms-key",
        "vpc-config",
    },
    (US, "FeatureGroup", "products"): {"feature-store-kms-key"},
}


def test_the_demo_finds_what_is_wrong_and_says_what_it_could_not_read() -> None:
    ran = smguard("audit", "--demo", "-f", "json", **SLIM)
    report = ran.report
    found: dict[tuple[str, str, str], set[str]] = {}
    for each in report["findings"]:
        of = (
            each["location"]["region"],
            each["resource"]["type"].removeprefix("AWS::").removeprefix("SageMaker::"),
            each["resource"]["name"],
        )
        found.setdefault(of, set()).add(each["control"])
    assert found == FOUND
    assert [each["control"] for each in report["findings"] if each["verdict"] == "unknown"] == [
        "volume-kms-key"
    ]
    assert {each["resource"]["stack"] for each in report["findings"]} == {None, "churn-serving"}
    denied = [gap["what"].partition(" is denied")[0] for gap in report["gaps"]]
    assert denied == [
        "AWS::SageMaker::FeatureGroup: sagemaker:DescribeFeatureGroup",
        "AWS::SageMaker::NotebookInstance: sagemaker:ListNotebookInstances",
    ]
    assert ran.code == 1
    noted = {each["where"]: each["what"] for each in report["notes"]}
    assert "--demo" in noted
    assert "job-experiment says nothing of 2 that have ended" in noted[f"111122223333/{EU}"]


def test_the_demo_asks_nobody() -> None:
    ran = smguard("audit", "--demo", "-f", "json", PYTHONPROFILEIMPORTTIME="1", **SLIM)
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in ran.err.splitlines()}
    assert "scanner" in imported
    assert not imported & {"boto3", "botocore", "http", "requests", "urllib3", "_socket", "ssl"}


@pytest.mark.parametrize(
    "words", [["--region", "all"], ["--org", "--account-role", "audit"], ["--profile", "x"]]
)
def test_the_demo_goes_alone(words: list[str]) -> None:
    ran = smguard("audit", "--demo", *words)
    assert ran.code == 2
    assert "--demo goes without" in ran.err
