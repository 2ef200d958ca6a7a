"""Engine and policies on the same request: what fails is denied, what passes is not, or it is said why."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import botocore.session
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from scanner import catalog
from scanner.example import judge_places
from scanner.joint import is_joined
from scanner.model import Control, Verdict
from scanner.policy import pack
from scanner.policy.call import WORLD, load, requests_of
from scanner.policy.decide import Policies, decide
from scanner.policy.document import Policy, take_policy

VALUES = pack.example_values()
KEYS = [VALUES["data-key"], "arn:aws:kms:eu-central-1:111122223333:key/22222222-2222-2222-2222-222222222222"]
EXAMPLES = catalog.examples()
NETWORK = {f"allowed-{each}": VALUES[f"approved-{each}"] for each in ("subnets", "security-groups")}
CATALOG = catalog.load({"customer-managed-kms-key": {"allowed-keys": KEYS}, "vpc-config": NETWORK})
MODEL = botocore.session.get_session().get_service_model("sagemaker")
ANYTHING = take_policy({"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}, "anything")
ROUNDS = 12
MUST_ALLOW = ("volume-kms-key",)
"""Where nothing is asked for SageMaker may refuse what is asked for: a key on local NVMe, on serverless."""
TOLERATED = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
WORLDS = [dict(zip(WORLD, each, strict=True)) for each in product(*WORLD.values())]
TEXTS: dict[str, Any] = {
    "InstanceType": ["ml.m5.xlarge", "ml.m5.xlarge", "ml.g5.xlarge", "ml.p4d.24xlarge"],
    "KmsKey": [*KEYS, *KEYS, "alias/aws/sagemaker", "alias/own"],
    "Subnet": [*VALUES["approved-subnets"] * 2, "subnet-0"],
    "SecurityGroup": [*VALUES["approved-security-groups"] * 4, "sg-0"],
    "MinimumInstanceMetadataServiceVersion": ["1", "2"],
}
PLAIN = {"string": "text", "timestamp": 0, "blob": "x", "integer": 1, "long": 1, "float": 1.0, "double": 1.0}
RENAMED = {("UpdateDomain", "DomainSettingsForUpdate"): "DomainSettings"}
"""Parameters of an update that Create calls otherwise."""
Reason = Mapping[str, Any]


class Asked(NamedTuple):
    """One call, and the resource that there is once it is done."""

    call: str
    parameters: Mapping[str, Any]
    resource: Mapping[str, Any]


class Evidence(NamedTuple):
    """One declared gap ("not") or excess ("over") of a control, by its number, for one type and property."""

    side: str
    number: int
    type: str
    at: str


class Told(NamedTuple):
    """What the engine and the policies say of a call."""

    verdict: str
    fault: str
    """A gap or an excess that the control does not declare; "" if there is none."""
    evidence: tuple[Evidence, ...] = ()
    """The declared ones that it shows to be real."""


def calls(control: Control) -> list[tuple[str, str]]:
    """Every type that a control judges, with every call that sets what it judges there."""
    found = []
    for kind, rule in control.resources.items():
        create = CATALOG.types[kind].get("create")
        if rule.get("places") and create:
            update = create.replace("Create", "Update", 1)
            changes = update in MODEL.operation_names and judged(rule) & settable(update)
            found += [(kind, create), *([(kind, update)] if changes else [])]
    return found


def judged(rule: Mapping[str, Any]) -> set[str]:
    """The properties that a control looks at, or below."""
    paths: list[str] = []
    for place in rule["places"]:
        paths += [place["at"]] if "at" in place else place.get("requires", {})
    return {re.split(r"[.\[?]", path)[0] for path in paths}


def settable(call: str) -> set[str]:
    """The properties that a call sets."""
    return {RENAMED.get((call, name), name) for name in MODEL.operation_model(call).input_shape.members}


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


def denied(control: Control, asked: Asked) -> set[bool]:
    """Is it denied? Under every assumption about what SageMaker sends."""
    around = Policies(scp=(statements(control.prevent),), identity=(ANYTHING,))
    worlds = (requests_of(asked.call, asked.parameters, **world) for world in WORLDS)
    return {
        any(decide(request, around).decision != "Allowed" for request in requests)
        for requests in {repr(each): each for each in worlds}.values()
    }


def judge(control: Control, kind: str, resource: Mapping[str, Any]) -> tuple[str, set[str]]:
    """The verdict, and the places that fail, without numbers of items."""
    found = judge_places(CATALOG, control, {"resource": {"Type": kind, "Properties": resource}})
    assert not found.crashed
    drafts = found.drafts.values()
    worst = max((it.verdict for it in drafts), key=lambda it: it.rank, default=None)
    places = {re.sub(r"\[\d+\]", "", it.identity) for it in drafts if it.verdict is Verdict.FAIL}
    return worst.value if worst else "not-applicable", places


def compare(control: Control, kind: str, asked: Asked) -> Told:
    """What both sides say, and whether the control declares it where they disagree."""
    verdict, places = judge(control, kind, asked.resource)
    if asked.resource is not asked.parameters:
        # What an update does not touch is as it was.
        heads = {RENAMED.get((asked.call, name), name) for name in asked.parameters}
        places = {place for place in places if place.partition(".")[0] in heads}
    stopped = denied(control, asked)
    if verdict == "fail" and places and False in stopped:
        covering = {place: set(covered(control.not_prevented, "not", kind, asked, place)) for place in places}
        bare = sorted(place for place, found in covering.items() if not found)
        if bare:
            return Told(verdict, f"gap: it fails at {', '.join(bare)} and is not denied")
        return Told(verdict, "", tuple(set.intersection(*covering.values())))
    if verdict != "fail" and True in stopped:
        reasons = covered(control.over_prevented, "over", kind, asked, None)
        # What passes is denied for a named circumstance only.
        strict = verdict == "pass" or (verdict == "not-applicable" and control.id in MUST_ALLOW)
        if strict:
            reasons = [it for it in reasons if told_apart(control, control.over_prevented[it[1]], asked)]
        fault = f"excess: it is {verdict} and denied" if strict and not reasons else ""
        return Told(verdict, fault, tuple(reasons))
    return Told(verdict, "")


def covered(
    reasons: Sequence[Reason], side: str, kind: str, asked: Asked, place: str | None
) -> list[Evidence]:
    """The reasons that are about this type, call and place, in these circumstances."""
    found = []
    for number, reason in enumerate(reasons):
        when = reason.get("when")
        if kind not in reason["types"] or asked.call not in reason.get("calls", [asked.call]):
            continue
        if when is None or is_so(kind, asked.resource, when):
            at = [it for it in reason.get("at", ("",)) if not it or f"{place}.".startswith(f"{it}.")]
            found += [Evidence(side, number, kind, each) for each in at]
    return found


def declared(control: Control) -> set[Evidence]:
    """What would show each declared gap and excess of a control to be real."""
    return {
        Evidence(side, number, kind, at)
        for side, reasons in (("not", control.not_prevented), ("over", control.over_prevented))
        for number, reason in enumerate(reasons)
        for kind in reason["types"]
        for at in reason.get("at", ("",))
    }


def told_apart(control: Control, reason: Reason, asked: Asked) -> bool:
    """Is it the circumstance that is named, and not something else, for which the call is denied?"""
    if "parameter" not in reason:
        return "when" in reason
    value = VALUES[reason["parameter"]][0]

    def approved(node: Any) -> Any:
        if isinstance(node, dict):
            return {name: value if is_key(name, it) else approved(it) for name, it in node.items()}
        return [approved(each) for each in node] if isinstance(node, list) else node

    return denied(control, asked._replace(parameters=approved(asked.parameters))) == {False}


def is_key(name: str, value: Any) -> bool:
    return "Kms" in name and isinstance(value, str)


def is_so(kind: str, resource: Mapping[str, Any], when: Any) -> bool:
    """Is a place with this `when` judged? One that asks for the impossible fails."""
    places = [{"when": when, "requires": {"Impossible": {}}}]
    asking = CATALOG.controls[0]._replace(resources={kind: {"places": places}})
    return judge(asking, kind, resource)[0] == "fail"


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
            if each.get("HyperParameterTuningResourceConfig"):
                each.pop("ResourceConfig", None)
            else:
                each.pop("HyperParameterTuningResourceConfig", None)
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


def update(base: Mapping[str, Any], call: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What a resource is after an update: lists and what must be given are replaced, the rest is merged."""
    required = MODEL.operation_model(call).input_shape.required_members
    given = {RENAMED.get((call, name), name): value for name, value in parameters.items()}
    whole = {name: deepcopy(value) for name, value in base.items() if name not in required}
    return merged(whole, given)


def merged(old: Any, new: Any) -> Any:
    if not (isinstance(old, dict) and isinstance(new, dict)):
        return new
    return {**old, **{name: merged(old.get(name), value) for name, value in new.items()}}


def passing(control: Control, kind: str) -> Mapping[str, Any]:
    """Properties of an example that passes; none if there is none in plain values."""
    for example in EXAMPLES[control.id].get("pass", ()):
        listed = [example["resource"]] if "resource" in example else example["template"]["Resources"].values()
        for body in listed:
            properties: dict[str, Any] = body.get("Properties", {})
            plain = body["Type"] == kind and "Fn::" not in json.dumps(body) and "Ref" not in json.dumps(body)
            if plain and judge(control, kind, properties)[0] == "pass":
                return properties
    return {}


def asked_of(control: Control, kind: str, call: str, parameters: dict[str, Any]) -> list[Asked]:
    """The call with the resource that it makes; an update with what becomes of a good one and of none."""
    made = settled(kind, parameters) if call.startswith("Create") or kind.endswith("Schedule") else parameters
    if call.startswith("Create"):
        return [Asked(call, made, made)]
    return [Asked(call, made, update(base, call, made)) for base in (passing(control, kind), {})]


CUSTOMER, VOLUME = "customer-managed-kms-key", "volume-kms-key"
OFFLINE = {"OfflineStoreConfig": {"S3StorageConfig": {"KmsKeyId": "alias/own"}}}
NVME = {"InstanceType": "ml.g5.xlarge"}
EBS = {"ModelName": "m", "InstanceType": "ml.m5.xlarge"}
CAPTURE = {"DataCaptureConfig": {"KmsKeyId": "alias/aws/s3"}}
NET = {"Subnets": VALUES["approved-subnets"], "SecurityGroupIds": VALUES["approved-security-groups"]}
USERS = {"DefaultUserSettings": {"SecurityGroups": NET["SecurityGroupIds"]}, "SubnetIds": NET["Subnets"]}
HALF = [{"OverrideVpcConfig": {"Subnets": NET["Subnets"]}}]
ANSWERS = {"AsyncInferenceConfig": {"OutputConfig": {"KmsKeyId": "alias/aws/s3"}}}
WITNESSES: list[tuple[str, str, dict[str, Any]]] = [
    (CUSTOMER, "EndpointConfig", {"KmsKeyId": KEYS[0], **CAPTURE}),
    (CUSTOMER, "EndpointConfig", {"KmsKeyId": KEYS[0], **ANSWERS}),
    (CUSTOMER, "EndpointConfig", {"KmsKeyId": "alias/own", "ProductionVariants": [EBS]}),
    (CUSTOMER, "UserProfile", {"UserSettings": {"SharingSettings": {"S3KmsKeyId": "alias/own"}}}),
    (CUSTOMER, "FeatureGroup", OFFLINE),
    ("vpc-config", "Domain", {"VpcId": "v", **USERS, "AppSecurityGroupManagement": "Customer"}),
    ("vpc-config", "Cluster", {"VpcConfig": NET, "InstanceGroups": HALF}),
    ("vpc-config", "Cluster", {"VpcConfig": NET, "RestrictedInstanceGroups": HALF}),
    (VOLUME, "EndpointConfig", {"ProductionVariants": [NVME, EBS]}),
    (VOLUME, "ProcessingJob", {"ProcessingResources": {"ClusterConfig": {"InstancePreferences": [NVME]}}}),
    (VOLUME, "TrainingJob", {"ServerlessJobConfig": {"JobType": "FineTuning"}}),
]
"""What shows that a declared reason is real and generated calls rarely meet."""


def review(control: Control, chosen: list[tuple[str, str]]) -> tuple[set[str], set[str], set[Evidence]]:
    """What is not declared, the verdicts that came up, and what showed that the declared is real."""
    faults: set[str] = set()
    verdicts: set[str] = set()
    shown: set[Evidence] = set()

    def take(kind: str, call: str, parameters: dict[str, Any]) -> None:
        for asked in asked_of(control, kind, call, parameters):
            told = compare(control, kind, asked)
            verdicts.add(told.verdict)
            shown.update(told.evidence)
            if told.fault:
                faults.add(f"{call}: {told.fault}: {json.dumps(asked.parameters, default=str)}")

    for kind, call in chosen:
        for parameters in written(control, kind, call):
            take(kind, call, parameters)
    for number, (kind, call) in product(range(ROUNDS), chosen):
        if number and {it for it in declared(control) if it.type == kind} <= shown:
            continue  # later rounds look for what is declared and has not come up yet
        shape = MODEL.operation_model(call).input_shape

        @seed(number)
        @settings(max_examples=25, deadline=None, database=None, suppress_health_check=TOLERATED)
        @given(values(shape.name, "", 0))
        def generate(parameters: dict[str, Any]) -> None:
            take(kind, call, parameters)  # noqa: B023 - it runs at once

        generate()
    return faults, verdicts, shown


def written(control: Control, kind: str, call: str) -> list[dict[str, Any]]:
    """The control's examples and the witnesses of one type, as parameters."""
    if not call.startswith("Create"):
        return []
    listed = [it["resource"] for of in EXAMPLES[control.id].values() for it in of if "resource" in it]
    plain = [it.get("Properties", {}) for it in listed if it["Type"] == kind and "Fn::" not in json.dumps(it)]
    own = [
        it
        for control_id, name, it in WITNESSES
        if (control_id, f"AWS::SageMaker::{name}") == (control.id, kind)
    ]
    return deepcopy([*plain, *own])


PREVENTED = [control for control in CATALOG.controls if control.prevent]


@pytest.mark.no_cover  # thousands of calls, where a few cover as much
@pytest.mark.parametrize("control", PREVENTED, ids=lambda it: it.id)
def test_policies_and_controls_agree_but_for_what_is_declared(control: Control) -> None:
    chosen = calls(control)
    faults, verdicts, shown = review(control, chosen)
    assert not faults
    assert {"pass", "fail"} <= verdicts
    kinds = {kind for kind, _ in chosen}
    assert shown == {it for it in declared(control) if it.type in kinds}, "what is declared does not occur"


@pytest.mark.no_cover  # hundreds of calls, where a few cover as much
def test_a_gap_an_excess_and_a_reason_that_is_none_are_found() -> None:
    control = CATALOG.by_id["notebook-root-access"]
    kind = "AWS::SageMaker::NotebookInstance"
    chosen = calls(control)
    missing = control._replace(prevent=CATALOG.by_id["notebook-imds-v2"].prevent)
    faults = review(missing, chosen)[0]
    assert {fault.partition(":")[2].split()[0] for fault in faults} == {"gap:", "excess:"}
    idle = control._replace(not_prevented=({"types": [kind], "why": "none"},))
    faults, _, shown = review(idle, chosen)
    assert (faults, shown) == (set(), set())
    assert declared(idle) == {Evidence("not", 0, kind, "")}


def test_no_other_call_sets_what_controls_judge() -> None:
    """Else it would have to be among those above: Start… calls name what was made before."""
    known = {CATALOG.types[kind].get("create") for kind in CATALOG.types}
    known |= {name.replace("Create", "Update", 1) for name in known if name}
    telling = re.compile(
        "Kms|Vpc|Subnet|Isolation|TrafficEnc|RootAccess|DirectInternet|RemoteAccess|RemoteDebug"
    )
    for name in MODEL.operation_names:
        changes = re.match("Create|Update|Start|Put|Attach|Import|Register|Retry|BatchAdd|BatchReplace", name)
        shape = MODEL.operation_model(name).input_shape
        if changes and name not in known and shape is not None:
            told = {member for member in members(shape) if telling.search(member)}
            assert not told or name in ELSEWHERE, f"{name} sets {told}"


ELSEWHERE = {
    "CreateWorkteam": "VpcSourceIp limits from where workers come",
    "UpdateWorkteam": "VpcSourceIp limits from where workers come",
}


def members(shape: Any, above: tuple[str, ...] = ()) -> set[str]:
    """The names of everything below a shape."""
    if shape.name in above:
        return set()
    below = {"structure": getattr(shape, "members", {}), "list": {"": getattr(shape, "member", None)}}
    found = below.get(shape.type_name, {})
    inside = {name for it in found.values() for name in members(it, (*above, shape.name))}
    return {name for name in found if name} | inside


def asks_of_a_call(control: Control) -> bool:
    """Does it judge what one call sets, whatever else there is and whatever its parameters are?"""
    return any(
        CATALOG.types[kind].get("create")
        and place.get("given", True)
        and not is_joined(place, CATALOG.shapes)
        for kind, rule in control.resources.items()
        for place in rule.get("places", ())
    )


UNPREVENTED = [
    it for it in CATALOG.controls if it.not_prevented and not it.prevent and calls(it) and asks_of_a_call(it)
]


@pytest.mark.parametrize("control", UNPREVENTED, ids=lambda it: it.id)
def test_what_is_said_to_have_no_condition_key_has_none(control: Control) -> None:
    looked_at = 0
    for kind, rule in control.resources.items():
        create = CATALOG.types[kind].get("create")
        if not rule.get("places") or create is None:
            continue
        call = load()["calls"].get(create, {})
        sources = json.dumps(call.get("keys", {}))
        for properties in written(control, kind, create):
            _, places = judge(control, kind, properties)
            looked_at += len(places)
            for place in places:
                found = re.search(rf'[".]{re.escape(place)}"', re.sub(r"[\[\]?]|\{\}", "", sources))
                assert found is None, f"{create} has a condition key for {place}"
    assert looked_at
