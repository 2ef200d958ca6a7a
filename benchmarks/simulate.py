"""How many decisions a second the whole policy pack takes: requests of every call, all SCPs, one core."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from time import process_time

from scanner.policy.call import load, requests_of
from scanner.policy.decide import Policies, Request, decide
from scanner.policy.document import Policy, take_policy

PACK = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "policies")
ASKED = 5_000
ROUNDS = 200
KEY = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555"


def main(folder: str = PACK) -> None:
    """Print the rate and whether it is what is asked for."""
    pack = {name: list(_policies(os.path.join(folder, name))) for name in ("scp", "iam", "vpc-endpoint")}
    if not pack["scp"]:
        print(f"{'policy pack':<16} {'simulate':<13} not there")
        return
    policies = Policies(
        scp=((*pack["scp"], FULL),) * 3,
        identity=(*pack["iam"], FULL),
        vpc_endpoint=pack["vpc-endpoint"][0] if pack["vpc-endpoint"] else None,
    )
    requests = list(_requests())
    for request in requests:
        decide(request, policies)
    start = process_time()
    for _ in range(ROUNDS):
        for request in requests:
            decide(request, policies)
    rate = ROUNDS * len(requests) / (process_time() - start)
    verdict = "met" if rate >= ASKED else "MISSED"
    count = sum(len(policy.statements) for listed in pack.values() for policy in listed)
    said = f"{rate:,.0f} decisions/s on {count} statements (asked {ASKED:,}: {verdict})"
    print(f"{'policy pack':<16} {'simulate':<13} {said}")


FULL = take_policy(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}},
    "FullAWSAccess",
)


def _policies(folder: str) -> Iterator[Policy]:
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
        if name.endswith(".json"):
            with open(os.path.join(folder, name), encoding="utf-8") as stream:
                yield take_policy(json.load(stream), name)


def _requests() -> Iterator[Request]:
    """Each call bare, and a training job and a notebook as they should be."""
    for action in load()["calls"]:
        yield from requests_of(action, {}, omitted="default")
    vpc = {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    resources = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeKmsKeyId": KEY}
    good = {
        "TrainingJobName": "demo",
        "ResourceConfig": resources,
        "OutputDataConfig": {"KmsKeyId": KEY},
        "VpcConfig": vpc,
        "EnableNetworkIsolation": True,
        "EnableInterContainerTrafficEncryption": True,
    }
    yield from requests_of("CreateTrainingJob", good)
    notebook = {
        "DirectInternetAccess": "Disabled",
        "RootAccess": "Disabled",
        "KmsKeyId": KEY,
        "SubnetId": "subnet-1",
    }
    yield from requests_of("CreateNotebookInstance", notebook)


if __name__ == "__main__":
    main(*sys.argv[1:])
