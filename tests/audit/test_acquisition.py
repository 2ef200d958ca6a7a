"""The data of acquisition, held against botocore's own model of the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.session import get_session

from scanner import catalog, rulepack
from scanner.audit import acquisition
from scanner.audit.acquisition import NAME, Acquisition, Wanted, actions, load, sources
from scanner.audit.answer import told
from scanner.audit.governance import ACTIONS
from scanner.model import SmguardError
from scanner.path import references_of

HOW = load()
FULL = catalog.load()
READ = sorted(name for name, how in HOW.items() if how.read_as is None)
SEARCHED = sorted(name for name in READ if HOW[name].search is not None)
JOBS = sorted(name for name in READ if HOW[name].open)
TRAINING, TUNING = "AWS::SageMaker::TrainingJob", "AWS::SageMaker::HyperParameterTuningJob"


@cache
def model(service: str = "sagemaker") -> ServiceModel:
    return get_session().get_service_model(service)


@cache
def kinds(type_name: str) -> frozenset[str]:
    """The top-level properties of a type, as CloudFormation and Create have them."""
    return frozenset(catalog.property_kinds()["kinds"].get(type_name, ())) - {"Tags"}


def listed(how: Acquisition) -> tuple[OperationModel, Shape]:
    operation = model(how.service).operation_model(how.listing.operation)
    return operation, operation.output_shape.members[how.listing.items].member


def described(how: Acquisition) -> Shape:
    """The shape of one resource."""
    if how.listing.whole:
        return listed(how)[1]
    shape = model(how.service).operation_model(how.describing.operation).output_shape
    return shape.members[how.describing.at] if how.describing.at else shape


def searched(how: Acquisition) -> Shape:
    shape = model().shape_for("SearchRecord")
    assert how.search is not None
    for step in how.search.record:
        shape = shape.members[step]
    return shape


def returned(how: Acquisition, shape: Shape) -> set[str]:
    """The properties of the type that a shape has."""
    answer = sample(shape)
    return {name for name in kinds(how.type) if told(how.renames.get(name, name), answer) is not None}


def sample(shape: Shape, above: tuple[str, ...] = ()) -> Any:
    """An answer that has all that a shape has."""
    if shape.name in above:
        return "again"
    above = (*above, shape.name)
    if shape.type_name == "structure":
        return {name: sample(below, above) for name, below in shape.members.items()}
    return [sample(shape.member, above)] if shape.type_name == "list" else shape.type_name


def test_every_type_that_a_control_is_about_can_be_read() -> None:
    live = set(FULL.by_type) - ACTIONS.keys()
    # An account holds inline policies within their roles, and replicas of keys are keys.
    assert {"AWS::SageMaker::Pipeline", *live} - {
        "AWS::IAM::Policy",
        "AWS::IAM::RolePolicy",
        "AWS::KMS::ReplicaKey",
    } <= HOW.keys() | sources().keys()
    assert HOW.keys() <= {"AWS::SageMaker::Pipeline", *live}
    assert all(not {"live", "kept"} & body.keys() for body in FULL.types.values())


@pytest.mark.parametrize("name", READ)
def test_a_list_names_everything(name: str) -> None:
    how = HOW[name]
    operation, item = listed(how)
    asked = operation.input_shape.members
    assert {"MaxResults", "NextToken"} <= asked.keys()
    assert asked["MaxResults"].metadata.get("max", 100) >= 100
    assert "NextToken" in operation.output_shape.members
    for parameter, value in how.listing.parameters.items():
        assert value in asked[parameter].enum, parameter
    assert ("SortOrder" in asked) == ("SortOrder" in how.listing.parameters)
    members = {*how.listing.name, how.listing.created, *filter(None, [how.listing.arn])}
    members |= {member for member in how.describing.by.values() if member != NAME} - (
        members if how.listing.whole else set()
    )
    assert members <= item.members.keys()
    assert item.members[how.listing.created].type_name == "timestamp"
    assert (how.listing.arn is None) == (not any(it.endswith("Arn") for it in _own(item, how)))


def _own(item: Shape, how: Acquisition) -> list[str]:
    noun = how.type.rpartition("::")[2].removesuffix("V2")
    return [
        name for name in item.members if name in ("Arn", "JobArn", f"{noun}Arn", "MonitoringJobDefinitionArn")
    ]


@pytest.mark.parametrize("name", [name for name in READ if not HOW[name].listing.whole])
def test_what_a_list_names_can_be_described(name: str) -> None:
    how = HOW[name]
    operation = model(how.service).operation_model(how.describing.operation)
    assert set(operation.input_shape.required_members) == set(how.describing.by)
    assert how.describing.arn in described(how).members
    assert how.describing.arn.endswith("Arn")


@pytest.mark.parametrize("name", READ)
def test_properties_come_back_or_are_said_not_to(name: str) -> None:
    how = HOW[name]
    assert returned(how, described(how)) == kinds(name) - how.never
    for ours, theirs in how.renames.items():
        assert ours in kinds(name)
        assert theirs not in kinds(name), "it needs no other name"
    paths = {
        path
        for control in FULL.by_type.get(name, ())
        for path in looked_at(control.resources[name])
        if path.partition(".")[0] not in {*how.never, "Tags"} and "@" not in path
    }
    for path in paths:
        assert reaches(described(how), path, how), path
        if how.search is not None and path.partition(".")[0] not in how.search.lacks:
            assert reaches(searched(how), path, how), path


def looked_at(rule: Mapping[str, Any]) -> Iterator[str]:
    """The paths of a rule, without what marks lists and absence."""
    shapes = FULL.shapes
    yield from (path.replace("[]", "") for path in references_of(rule))
    for place in rule.get("places", ()):
        lines = shapes[place["shape"]] if "shape" in place else place
        at = place.get("at", "")
        yield from ([at.replace("[]", "").replace("?", "")] if at else [])
        for part in ("when", "unless", "unsure", "requires"):
            for path in lines.get(part, ()):
                yield f"{at}.{path}".lstrip(".").replace("[]", "").replace("?", "")


def reaches(shape: Shape, path: str, how: Acquisition) -> bool:
    top, *steps = path.split(".")
    found = told(how.renames.get(top, top), sample(shape))
    for step in steps:
        found = found[0] if isinstance(found, list) else found
        found = found.get(step) if isinstance(found, dict) else None
    return found is not None


@pytest.mark.parametrize("name", SEARCHED)
def test_search_returns_what_describe_does_but_for_what_is_named(name: str) -> None:
    how = HOW[name]
    assert how.search is not None
    record = searched(how)
    assert how.search.resource in model().shape_for("ResourceType").enum
    assert returned(how, described(how)) - returned(how, record) == how.search.lacks & kinds(name)
    assert how.search.lacks <= described(how).members.keys()
    assert {*how.listing.name, how.listing.created, how.listing.arn} <= record.members.keys()
    assert how.only_while_open | how.only_without.keys() <= how.search.lacks
    assert how.kept & how.beyond_search == set()
    if how.open:
        assert how.listing.status in record.members


@pytest.mark.parametrize("name", JOBS)
def test_jobs_are_listed_by_time_and_status(name: str) -> None:
    how = HOW[name]
    operation, item = listed(how)
    asked = operation.input_shape.members
    assert {"CreationTimeAfter", "CreationTimeBefore", "StatusEquals"} <= asked.keys()
    statuses = set(asked["StatusEquals"].enum)
    assert item.members[how.listing.status].enum == asked["StatusEquals"].enum
    assert how.listing.status in described(how).members
    assert not how.done & {*how.open, *how.gone}
    rest = statuses - how.done - {*how.open} - how.gone
    assert rest <= {"Deleting", "DELETING", "DeleteFailed", "DeletionFailed"}
    assert {*how.open, *how.done, *how.gone} <= statuses
    assert how.immutable


def test_which_types_are_jobs_immutable_or_may_be_listed_though_gone() -> None:
    changed = {name for name in READ if f"Update{_noun(name)}" in model().operation_names}
    immutable = {name for name in READ if HOW[name].immutable}
    # Of a training job only what `only-while-open` names can be updated, and how long its pool is kept warm.
    assert immutable & changed == {TRAINING}
    assert {name for name in READ if name not in changed | immutable} == set()
    assert {_noun(name) for name in JOBS} == {
        *("AIBenchmarkJob", "AutoMLJobV2", "CompilationJob", "EdgePackagingJob", "HyperParameterTuningJob"),
        *("InferenceRecommendationsJob", "LabelingJob", "OptimizationJob", "ProcessingJob", "TrainingJob"),
        *("TrainingSession", "TransformJob"),
    }
    for name in READ:
        if HOW[name].gone:
            assert set(listed(HOW[name])[1].members[HOW[name].listing.status].enum) >= HOW[name].gone


def _noun(name: str) -> str:
    return name.rpartition("::")[2]


def test_a_list_that_is_whole_has_what_describe_has() -> None:
    (name,) = [name for name in READ if HOW[name].listing.whole]
    assert name == "AWS::SageMaker::Workforce"
    wrapped = model().operation_model("DescribeWorkforce").output_shape.members["Workforce"]
    assert listed(HOW[name])[1].members.keys() == wrapped.members.keys()


def test_controls_of_a_type_that_is_read_as_another_judge_that_too() -> None:
    named = {name: how.read_as for name, how in HOW.items() if how.read_as}
    assert named == {"AWS::SageMaker::AutoMLJob": "AWS::SageMaker::AutoMLJobV2"}
    for name, other in named.items():
        assert {it.id for it in FULL.by_type[name]} <= {it.id for it in FULL.by_type[other]}


def test_actions_are_those_of_the_calls() -> None:
    def needed(name: str, *properties: str) -> set[str]:
        return set(actions(HOW[f"AWS::SageMaker::{name}"], Wanted(frozenset(properties))))

    jobs = {"sagemaker:ListTrainingJobs", "sagemaker:DescribeTrainingJob"}
    assert needed("TrainingJob", "VpcConfig", "RemoteDebugConfig", "ServerlessJobConfig") == {
        *jobs,
        "sagemaker:Search",
    }
    assert needed("TrainingJob", "VpcConfig", "InfraCheckConfig") == jobs
    assert needed("AutoMLJob", "OutputDataConfig") == set()
    assert needed("Workforce", "WorkforceVpcConfig") == {"sagemaker:ListWorkforces"}
    assert needed("Domain", "KmsKeyId") == {"sagemaker:ListDomains", "sagemaker:DescribeDomain"}


OWN = """
types:
  AWS::SageMaker::Hub:
    live: {list: {items: HubSummaries, parameters: {}}}
"""
CONTROL = """
id: hub-role
title: Hubs have a bucket
area: access
severity: low
rationale: so
remediation: so
resources: {AWS::SageMaker::Hub: {places: [{requires: {S3StorageConfig: {}}}]}}
examples: {fail: [{about: none, resource: {Type: AWS::SageMaker::Hub, Properties: {HubName: h}}}]}
"""


def test_a_folder_of_ones_own_brings_types(tmp_path: Path) -> None:
    (tmp_path / "_types.yaml").write_text(OWN)
    (tmp_path / "hub-role.yaml").write_text(CONTROL)
    kinds = '{"kinds": {"AWS::SageMaker::Hub": {"S3StorageConfig": {"S3OutputPath": "s"}, "HubName": "s"}}}'
    (tmp_path / "_kinds.json").write_text(kinds)
    hub = load([str(tmp_path)])["AWS::SageMaker::Hub"]
    assert (hub.listing.operation, hub.listing.items, hub.describing.operation) == (
        *("ListHubs", "HubSummaries", "DescribeHub"),
    )
    assert hub.kept == {"S3StorageConfig"}
    from scanner import rulepack_check

    base = catalog.base(FULL)
    assert rulepack_check.check(str(tmp_path), base) == []
    (tmp_path / "_types.yaml").write_text(OWN.replace("items: HubSummaries", "item: HubSummaries"))
    with pytest.raises(SmguardError, match="`live` of a type in"):
        load([str(tmp_path)])
    problems = "\n".join(map(str, rulepack_check.check(str(tmp_path), base)))
    assert "_types.yaml" in problems
    assert "item: unknown key" in problems or "items: is missing" in problems


def test_the_installed_package_has_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    import json

    text = rulepack.compiled_files(rulepack.source_directory())["live.json"]
    monkeypatch.setattr(catalog, "data", lambda name: json.loads(text) if name == "live.json" else None)
    assert acquisition.load() == HOW
