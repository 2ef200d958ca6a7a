"""`smguard audit` and its peers against a fake AWS: calls (counted there), time and memory."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.run import FULL, HERE, ROOT, WORK, Contender, Cost, Unavailable, prepare, run
from tests.fake_aws import Fake

ROLE = {"RoleArn": "arn:aws:iam::111122223333:role/execution"}
VPC = {"Subnets": ["subnet-0123456789abcdef0"], "SecurityGroupIds": ["sg-0123456789abcdef0"]}
JOB = {
    **ROLE,
    "AlgorithmSpecification": {
        "TrainingImage": "111122223333.dkr.ecr.us-east-1.amazonaws.com/train:1",
        "TrainingInputMode": "File",
    },
    "EnableNetworkIsolation": True,
    "OutputDataConfig": {"S3OutputPath": "s3://output", "KmsKeyId": "alias/data"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 30},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    "VpcConfig": VPC,
}
"""One thing is wrong with it: its volume has no key."""
ACCOUNT: Mapping[str, tuple[int, Mapping[str, Any]]] = {
    "TrainingJob": (2_300, JOB),
    "EndpointConfig": (
        150,
        {
            "ProductionVariants": [
                {"VariantName": "a", "ModelName": "model-0000000", "InstanceType": "ml.m5.large"}
            ]
        },
    ),
    "Model": (
        200,
        {"ExecutionRoleArn": ROLE["RoleArn"], "VpcConfig": VPC, "PrimaryContainer": {"Image": "own:1"}},
    ),
    "NotebookInstance": (65, {**ROLE, "InstanceType": "ml.t3.medium", "DirectInternetAccess": "Enabled"}),
    "Domain": (5, {"AuthMode": "IAM", "VpcId": "vpc-0123456789abcdef0", "SubnetIds": VPC["Subnets"]}),
}
SIZE = sum(count for count, _ in ACCOUNT.values())
LATENCY, RATE = 0.05, 10.0
ROUNDS, QUICK = 3, 30.0
MANY = 500_000 if FULL else 50_000

SMGUARD = ("{bin}/smguard", "audit", "--exit-zero", "--allow-incomplete", "-f", "json", "-o", "{path}.json")


def _own(name: str, *words: str) -> Contender:
    return Contender(name, "smguard", words, (str(ROOT),), frozenset({0}), peer=False)


STORED = _own("smguard", *SMGUARD, "--store", "{path}")
FRESH = _own("smguard", *SMGUARD, "--no-store")
PLAIN = _own("list+describe", "{python}", str(HERE / "plain.py"))
SEARCH = _own("search+describe", "{python}", str(HERE / "plain.py"), "search")
PROWLER = Contender(
    name="prowler",
    venv="prowler",
    words=(
        *("{bin}/prowler", "aws", "--service", "sagemaker", "--region", "us-east-1", "--no-banner"),
        *("--output-formats", "json-ocsf", "--output-directory", "{path}.prowler"),
    ),
    install=("prowler",),
    fine=frozenset({0, 3}),
)
CUSTODIAN = Contender(
    name="c7n",
    venv="c7n",
    words=(
        *("{bin}/custodian", "run", "--region", "us-east-1", "--cache-period", "0"),
        *("-s", "{path}.custodian", str(WORK / "custodian.json")),
    ),
    install=("c7n",),
    fine=frozenset({0}),
)
POLICIES = {
    "policies": [
        {"name": f"all-{noun}", "resource": f"aws.sagemaker-{noun}"}
        for noun in ("endpoint-config", "model", "notebook", "domain")
    ]
    # Without a status it takes those in progress only.
    + [{"name": "all-job", "resource": "aws.sagemaker-job", "query": [{"StatusEquals": "Completed"}]}]
}


@dataclass(frozen=True)
class Made:
    """What one run took, and what the server saw of it."""

    cost: Cost
    calls: int
    busiest: int
    """Calls that were answered of the operation that was called most."""


def main() -> None:
    """Print a line per case and process."""
    WORK.mkdir(parents=True, exist_ok=True)
    if why := prepare(STORED):
        print(f"{'audit':<16} {'smguard':<15} {why}")
        return
    print(
        f"\n{'case':<16} {'process':<15} {'calls':>6} {'wall s':>8} {'CPU s':>8} {'MiB':>6}  asked of smguard"
    )
    _jobs()
    _account()
    _paced()
    _many()


def _jobs() -> None:
    with _fake(lambda fake: fake.populate("TrainingJob", 10_000, JOB), "jobs") as (fake, path):
        _say(
            "10,000 jobs",
            STORED,
            _measured(fake, STORED, path),
            lambda made: {"≤ 300 calls": made.calls <= 300},
        )
        for number in range(15):
            fake.create("NotebookInstance", {"NotebookInstanceName": f"notebook-{number}", **ROLE})
        _say(
            "… once more",
            STORED,
            _measured(fake, STORED, path),
            lambda made: {"≤ 60 calls": made.calls <= 60},
        )


def _account() -> None:
    """What the peers do with the same resources, where nothing but latency holds them up."""
    (WORK / "custodian.json").write_text(json.dumps(POLICIES))
    took: dict[str, float] = {}
    with _fake(_filled, "account") as (fake, path):
        fake.latency = LATENCY
        for contender in (PROWLER, CUSTODIAN, PLAIN, SEARCH, FRESH):
            there = (HERE / ".venvs" / contender.venv / "bin").exists()
            reason = (
                prepare(contender)
                if FULL or there or not contender.peer
                else "not installed; BENCH_FULL=1 does"
            )
            try:
                if reason:
                    raise Unavailable(reason)
                made = _measured(fake, contender, path, ROUNDS)
            except Unavailable as error:
                print(f"{SIZE:<16,} {contender.name:<15} {error}", flush=True)
                continue
            took[contender.name] = made.cost.wall
            _say(f"{SIZE:,} resources", contender, made, lambda made: _against(made, took))


def _against(made: Made, took: Mapping[str, float]) -> dict[str, bool]:
    asked = {"≤ 450 calls": made.calls <= 450}
    for peer, times in (("prowler", 15), ("list+describe", 3)):
        if peer in took:
            ratio = took[peer] / made.cost.wall
            asked[f"{ratio:.1f} × faster than {peer}, asked {times}"] = ratio >= times
    return asked


def _paced() -> None:
    def asked(made: Made) -> dict[str, bool]:
        least = made.busiest / RATE
        return {f"{made.cost.wall / least:.2f} × of the least, asked 1.2": made.cost.wall <= 1.2 * least}

    with _fake(_filled, "paced") as (fake, path):
        fake.latency, fake.rate = LATENCY, {"*": RATE}
        _say(f"{RATE:.0f} calls/s", FRESH, _measured(fake, FRESH, path), asked)


def _many() -> None:
    def many(fake: Fake) -> None:
        fake.populate("TrainingJob", MANY, JOB, step=timedelta(seconds=1))

    with _fake(many, "many") as (fake, path):
        made = _measured(fake, STORED, path)
        _say(f"{MANY:,} jobs", STORED, made, lambda made: {"≤ 300 MiB": made.cost.mebibytes <= 300})


def _filled(fake: Fake) -> None:
    for name, (count, properties) in ACCOUNT.items():
        fake.populate(name, count, properties)


@contextmanager
def _fake(fill: Callable[[Fake], None], name: str) -> Iterator[tuple[Fake, Path]]:
    """A fake AWS that every process started here talks to, and a file that is not there yet."""
    path = WORK / f"audit-{name}.sqlite"
    for old in WORK.glob(f"{path.name}*"):
        if old.is_file():
            old.unlink()
    before = dict(os.environ)
    with Fake() as fake:
        fill(fake)
        for variable in [variable for variable in os.environ if variable.startswith("AWS_")]:
            del os.environ[variable]
        os.environ.update(fake.environment())
        try:
            yield fake, path
        finally:
            os.environ.clear()
            os.environ.update(before)


def _measured(fake: Fake, contender: Contender, path: Path, rounds: int = 1) -> Made:
    """The fastest of some rounds; one round of what takes long."""
    made: list[Made] = []
    while len(made) < rounds and (not made or made[0].cost.wall < QUICK):
        fake.calls.clear()
        fake.log.clear()
        fake.throttled.clear()
        cost = run(contender, path)
        busiest = (fake.calls - fake.throttled).most_common(1)[0][1]
        made.append(Made(cost, fake.calls.total(), busiest))
    return min(made, key=lambda each: each.cost.wall)


def _say(case: str, contender: Contender, made: Made, asked: Callable[[Made], Mapping[str, bool]]) -> None:
    cost = made.cost
    said = asked(made).items() if contender.name == "smguard" else ()
    verdicts = ", ".join(f"{what}: {'met' if met else 'MISSED'}" for what, met in said)
    figures = f"{made.calls:>6,} {cost.wall:>8.1f} {cost.cpu:>8.1f} {cost.mebibytes:>6.0f}"
    print(f"{case:<16} {contender.name:<15} {figures}  {verdicts}".rstrip(), flush=True)


if __name__ == "__main__":
    main()
