"""What the guard adds to a call of boto3: the request is judged, and nothing is sent."""

from __future__ import annotations

from time import process_time
from typing import Any

from scanner.guard_rules import Rules

ASKED = 1.0
ROUNDS = 500
KEY, CLUSTER = "alias/own", {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 30}
NETWORK = {
    "VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    "EnableNetworkIsolation": True,
}
CALLS: dict[str, dict[str, Any]] = {
    "CreateTrainingJob": {
        "TrainingJobName": "train",
        "AlgorithmSpecification": {"TrainingImage": "own:1", "TrainingInputMode": "File"},
        "EnableInterContainerTrafficEncryption": True,
        "HyperParameters": {f"parameter-{number}": "1" for number in range(50)},
        "OutputDataConfig": {"S3OutputPath": "s3://output", "KmsKeyId": KEY},
        "ResourceConfig": {**CLUSTER, "VolumeKmsKeyId": KEY},
        **NETWORK,
    },
    "CreateProcessingJob": {
        "ProcessingJobName": "process",
        "NetworkConfig": {**NETWORK, "EnableInterContainerTrafficEncryption": True},
        "ProcessingOutputConfig": {"Outputs": [{}] * 10, "KmsKeyId": KEY},
        "ProcessingResources": {"ClusterConfig": {**CLUSTER, "VolumeKmsKeyId": KEY}},
    },
    "CreateTransformJob": {"TransformJobName": "transform", "TransformResources": CLUSTER},
    "DescribeTrainingJob": {"TrainingJobName": "train"},
}


def main() -> None:
    """Print the time per call and whether it is what is asked for."""
    rules = Rules("warn", None, (), (), None, False)
    for operation, parameters in CALLS.items():
        rules.judge(operation, parameters)
        start = process_time()
        for _ in range(ROUNDS):
            rules.judge(operation, parameters)
        cost = (process_time() - start) / ROUNDS * 1000
        said = f"{cost:.3f} ms per call (asked {ASKED:g}: {'met' if cost <= ASKED else 'MISSED'})"
        print(f"{'guard':<16} {operation:<19} {said}", flush=True)


if __name__ == "__main__":
    main()
