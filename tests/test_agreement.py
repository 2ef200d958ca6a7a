"""Engine and policies on the same request: what fails is denied, what passes is not, or it is said why."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from itertools import product
from typing import Any

import botocore.session
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner import catalog
from scanner.example import judge_example
from scanner.model import Control
from scanner.policy import pack
from scanner.policy.call import requests_of
from scanner.policy.decide import Policies, decide
from scanner.policy.document import Policy, take_policy

CATALOG = catalog.load()
VALUES = pack.example_values()
MODEL = botocore.session.get_session().get_service_model("sagemaker")
ANYTHING = take_policy({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}, "anything")
MUST_ALLOW = ("volume-kms-key",)
"""Where nothing is asked for SageMaker may refuse what is asked for: a key on local NVMe, on serverless."""
TOLERATED = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
ASSUMPTIONS = list(product(("absent", "default"), ("sent", "dropped")))
KEYS = [VALUES["data-key"], "arn:aws:kms:eu-central-1:111122223333:key/22222222-2222-2222-2222-222222222222"]
TEXTS: dict[str, Any] = {
    "InstanceType": ["ml.m5.xlarge", "ml.m5.xlarge", "ml.g5.xlarge", "ml.p4d.24xlarge"],
    "KmsKey": [*KEYS, *KEYS, "alias/aws/sagemaker", "alias/own"],
    "Subnet": VALUES["approved-subnets"],
    "SecurityGroup": VALUES["approved-security-groups"],
    "MinimumInstanceMetadataServiceVersion": ["1", "2"],
}
PLAIN = {"string": "text", "timestamp": 0, "blob": "x", "integer": 1, "long": 1, "float": 1.0, "double": 1.0}
PAIRS = [
    (control, kind)
    for control in CATALOG.controls
    for kind, rule in control.resources.items()
    if control.prevent and rule.get("places") and "create" in CATALOG.types[kind]
]
"""Every control that names statements, with every type that it judges where it stands."""


@cache
def statements(names: tuple[str, ...]) -> tuple[Policy, ...]:
    """The statements of these names, as a policy of their own."""
    found = [
        pack.fill(statement, VALUES)
        for entry in pack.entries()
        for statement in entry.statements
        if f"{entry.path}#{statement.get('Sid')}" in names
    ]
    return (ANYTHING, take_policy({"Version": "2012-10-17", "Statement": found}, "scp"))


def denied(control: Control, action: str, parameters: Mapping[str, Any]) -> set[bool]:
    """Is it denied? Under every assumption about what SageMaker sends."""
    around = Policies(scp=(statements(control.prevent),), identity=(ANYTHING,))
    return {
        any(
            decide(request, around).decision != "Allowed"
            for request in requests_of(action, parameters, omitted=omitted, deprecated=deprecated)
        )
        for omitted, deprecated in ASSUMPTIONS
    }


def compare(control: Control, kind: str, parameters: Mapping[str, Any]) -> tuple[str, str | None]:
    """The verdict, and a gap or an excess if the policies disagree and the control does not say so."""
    verdict = judge_example(CATALOG, control, {"resource": {"Type": kind, "Properties": parameters}})
    stopped = denied(control, CATALOG.types[kind]["create"], parameters)
    if verdict == "fail" and False in stopped and not declared(control.not_prevented, kind):
        return verdict, "gap: it fails and is not denied"
    allowed = ("pass", "not-applicable") if control.id in MUST_ALLOW else ("pass",)
    if verdict in allowed and True in stopped and not declared(control.over_prevented, kind):
        return verdict, f"excess: it is {verdict} and denied"
    return verdict, None


def declared(reasons: tuple[Mapping[str, Any], ...], kind: str) -> bool:
    return any(kind in each["types"] or "*" in each["types"] for each in reasons)


def settled(kind: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters as SageMaker would take them: what its model doesn't say but its documentation does."""
    if kind.endswith("::MonitoringSchedule"):
        config = parameters.setdefault("MonitoringScheduleConfig", {})
        if "MonitoringJobDefinition" in config:
            config.pop("MonitoringJobDefinitionName", None)
            cluster = config["MonitoringJobDefinition"].setdefault("MonitoringResources", {})
            cluster.setdefault("ClusterConfig", {}).setdefault("InstanceType", "ml.m5.xlarge")
        else:
            config.setdefault("MonitoringJobDefinitionName", "elsewhere")
    if kind.endswith("::HyperParameterTuningJob"):
        if "TrainingJobDefinitions" in parameters:
            parameters.pop("TrainingJobDefinition", None)
            definitions = parameters["TrainingJobDefinitions"]
        else:
            definitions = [parameters.setdefault("TrainingJobDefinition", {})]
        for each in definitions:
            if "HyperParameterTuningResourceConfig" in each:
                each.pop("ResourceConfig", None)
            else:
                each.setdefault("ResourceConfig", {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1})
    if kind.endswith("::EndpointConfig"):
        for name in ("ProductionVariants", "ShadowProductionVariants"):
            for each in parameters.get(name, ()):
                ways = [way for way in ("InstanceType", "InstancePools", "ServerlessConfig") if each.get(way)]
                for way in ways[1:]:
                    del each[way]
                if not ways:
                    each["InstanceType"] = "ml.m5.xlarge"
    return parameters


@st.composite
def structure(draw: Any, required: dict[str, Any], optional: dict[str, Any]) -> dict[str, Any]:
    """Every optional member in four of five cases, so that all that is asked for is often there at once."""
    chosen = {name: it for name, it in optional.items() if draw(st.integers(0, 4))}
    return {name: draw(it) for name, it in {**required, **chosen}.items()}


@cache
def values(shape_name: str, member: str, depth: int) -> st.SearchStrategy[Any]:
    """What a member of the API may hold: anything in what a control may look at, else one plain value."""
    shape = MODEL.shape_for(shape_name)
    if shape.type_name == "structure":
        required, optional = {}, {}
        for name, below in shape.members.items():
            inside = values(below.name, name, depth + 1)
            if name in shape.required_members:
                required[name] = inside
            elif depth < 6 and matters(name, below):
                optional[name] = inside
        return structure(required, optional)
    if shape.type_name == "list":
        return st.lists(values(shape.member.name, member, depth), min_size=1, max_size=2)
    if shape.type_name == "map":
        return st.just({"a": "b"})
    if shape.type_name == "boolean":
        return st.sampled_from([True, True, True, False])
    if member.endswith(("Count", "InstanceCount")):
        return st.integers(1, 3)
    for part, choices in TEXTS.items():
        if part in member:
            return st.sampled_from(choices)
    if getattr(shape, "enum", None):
        return st.sampled_from(shape.enum[:4])
    return st.just(PLAIN[shape.type_name])


LEAVES = (
    *("KmsKey", "Vpc", "Subnet", "SecurityGroup", "NetworkIsolation", "TrafficEncryption", "InstanceType"),
    *("InstanceCount", "RootAccess", "DirectInternet", "NetworkAccess", "MetadataService", "RemoteAccess"),
    *(
        "RemoteDebug",
        "SharingSettings",
        "NotebookOutput",
        "EnableOnlineStore",
        "S3StorageConfig",
        "ModelName",
    ),
    *("Serverless", "JobDefinitionName", "EnableSSM", "RepositoryAccess", "StorageConfig", "S3Output"),
)


@cache
def holds(shape_name: str, depth: int) -> bool:
    shape = MODEL.shape_for(shape_name)
    if shape.type_name == "structure":
        return depth < 6 and any(
            any(part in name for part in LEAVES) or holds(below.name, depth + 1)
            for name, below in shape.members.items()
        )
    return shape.type_name == "list" and holds(shape.member.name, depth)


def matters(name: str, shape: Any) -> bool:
    return any(part in name for part in LEAVES) or holds(shape.name, 0)


def named(pair: tuple[Control, str]) -> str:
    return f"{pair[0].id}-{pair[1].rpartition('::')[2]}"


@pytest.mark.parametrize("pair", PAIRS, ids=named)
def test_generated_requests(pair: tuple[Control, str]) -> None:
    control, kind = pair
    shape = MODEL.operation_model(CATALOG.types[kind]["create"]).input_shape
    seen = set()

    @settings(
        max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=TOLERATED
    )
    @given(values(shape.name, "", 0))
    def agree(parameters: dict[str, Any]) -> None:
        verdict, fault = compare(control, kind, settled(kind, parameters))
        assert fault is None, json.dumps(parameters)
        seen.add(verdict)

    agree()
    assert seen & {"pass", "fail"} or declared(control.not_prevented, kind), f"only {seen}"


EXAMPLES = [
    (control, example["resource"])
    for control in CATALOG.controls
    for listed in catalog.examples()[control.id].values()
    for example in listed
    if "resource" in example and (control, example["resource"]["Type"]) in PAIRS
]


@pytest.mark.parametrize(
    ("control", "resource"), EXAMPLES, ids=[f"{it[0].id}-{n}" for n, it in enumerate(EXAMPLES)]
)
def test_the_examples_of_controls(control: Control, resource: Mapping[str, Any]) -> None:
    parameters = settled(resource["Type"], deepcopy(resource.get("Properties", {})))
    assert compare(control, resource["Type"], parameters)[1] is None
