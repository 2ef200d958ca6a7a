"""The fake must be like AWS where it matters: what is created comes back, by every way of asking."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from botocore.model import Shape

from tests.building import ROOT
from tests.fake_aws import Call, Fake
from tests.fake_aws.kinds import DEFAULTS, kinds, listed
from tests.fake_aws.wire import model_of

pytestmark = pytest.mark.no_cover  # it is no part of the product

TYPES = [
    name.rpartition("::")[2]
    for name, about in yaml.safe_load((ROOT / "rules/_types.yaml").read_text("utf-8"))["types"].items()
    if (about or {}).get("create")
]
ONCE = Config(retries={"total_max_attempts": 1}, read_timeout=5)
NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def sagemaker(aws: Fake) -> Iterator[Any]:
    client = boto3.client("sagemaker", config=ONCE)
    yield client
    client.close()


@pytest.fixture
def client(aws: Fake) -> Iterator[Callable[..., Any]]:
    """Makes clients that end with the test."""
    made = []

    def make(*words: Any, **options: Any) -> Any:
        made.append(boto3.client(*words, config=options.pop("config", ONCE), **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def sample(shape: Shape, path: str = "", above: tuple[str, ...] = ()) -> Any:
    """A value with every member that the model knows, each of its own; None where it would not end."""
    if shape.name in above:
        return None
    above = (*above, shape.name)
    if shape.type_name == "structure":
        found = {name: sample(sub, f"{path}.{name}", above) for name, sub in shape.members.items()}
        found = {name: value for name, value in found.items() if value is not None}
        return dict(list(found.items())[:1]) if getattr(shape, "is_tagged_union", False) else found
    if shape.type_name == "list":
        least = max(1, shape.metadata.get("min", 1))
        item = sample(shape.member, path, above)
        return None if item is None else [item] * least
    if shape.type_name == "map":
        return {(shape.key.enum or ["key"])[0]: sample(shape.value, path, above)}
    least = max(1, shape.metadata.get("min", 1))
    simple = {"boolean": True, "timestamp": NOW, "blob": b"x", "float": 1.5, "double": 1.5}
    if shape.type_name == "string":
        return (shape.enum or [path.rpartition(".")[2].ljust(least, "x")[: shape.metadata.get("max", 900)]])[
            0
        ]
    return simple.get(shape.type_name, least)


def same(sent: Any, seen: Any, sent_shape: Shape, seen_shape: Shape) -> list[str]:
    """Where a value that came back is not the one sent, as far as both shapes know it."""
    if sent_shape.type_name != seen_shape.type_name:
        return []
    if sent_shape.type_name == "structure":
        return [
            f"{name}.{deeper}"
            for name, sub in sent_shape.members.items()
            if name in sent and name in seen_shape.members
            for deeper in (
                same(sent[name], seen[name], sub, seen_shape.members[name])
                if name in seen
                else ["is not there"]
            )
        ]
    if sent_shape.type_name == "list":
        if len(sent) != len(seen):
            return ["has another length"]
        pairs = zip(sent, seen, strict=True)
        return [
            each for one, other in pairs for each in same(one, other, sent_shape.member, seen_shape.member)
        ]
    return [] if sent == seen else [f"is {seen!r}, not {sent!r}"]


def described(sagemaker: Any, name: str, key: Mapping[str, Any]) -> dict[str, Any]:
    answer = getattr(sagemaker, xform_name(f"Describe{name}"))(**key)
    answer.pop("ResponseMetadata")
    return answer.get(name) or answer.get(f"{name}Detail") or answer


def a_filter(name: str, operator: str, value: str | None = None) -> dict[str, str]:
    return {"Name": name, "Operator": operator} | ({} if value is None else {"Value": value})


def test_all_types_of_the_catalog_are_known() -> None:
    model = model_of("sagemaker").operation_names
    assert {name for name in TYPES if f"Create{name}" in model} <= kinds().keys()


@pytest.mark.parametrize("name", TYPES)
def test_what_is_created_comes_back(aws: Fake, sagemaker: Any, name: str) -> None:
    model = model_of("sagemaker")
    if name not in kinds():
        pytest.skip(f"the installed botocore has no Create{name}")
    kind, create = kinds()[name], model.operation_model(f"Create{name}")
    sent = sample(create.input_shape)
    sent.pop("Tags", None)
    if name == "ModelPackage":
        del sent["ModelPackageGroupName"]
    made = getattr(sagemaker, xform_name(create.name))(**sent)
    arn = made.get(kind.arn)
    key = {part: sent.get(part) or made.get(part) or arn for part in kind.key}
    seen = described(sagemaker, name, key)
    shape = model.operation_model(f"Describe{name}").output_shape
    wrapped = shape.members.get(name) or shape.members.get(f"{name}Detail") or shape
    assert same(sent, seen, create.input_shape, wrapped) == []
    assert seen["CreationTime" if name != "Workforce" else "CreateDate"]

    plural = kind.family.replace("Repository", "Repositorie")
    operation = f"List{plural}s"
    rows = getattr(sagemaker, xform_name(operation))()[listed(operation)[1]]  # type: ignore[index]
    (row,) = rows
    row_shape = model.operation_model(operation).output_shape.members[listed(operation)[1]].member
    assert same(sent, row, create.input_shape, row_shape) == []
    assert (
        arn is None
        or {value for name, value in row.items() if name.endswith("Arn")} >= {arn}
        or name
        in (
            "InferenceExperiment",
            "Space",
            "UserProfile",
        )
    )

    record = model.shape_for("SearchRecord").members.get(name)
    if record is None:
        return
    (found,) = sagemaker.search(Resource=name)["Results"]
    inner = record.members.get(name, record) if name == "Model" else record
    assert same(sent, found[name].get(name, found[name]), create.input_shape, inner) == []


@pytest.mark.parametrize(
    ("name", "sent", "seen"),
    [
        ("NotebookInstance", {"SecurityGroupIds": ["sg-1"]}, {"SecurityGroups": ["sg-1"]}),
        (
            "NotebookInstance",
            {"LifecycleConfigName": "setup"},
            {"NotebookInstanceLifecycleConfigName": "setup"},
        ),
        ("Workforce", {"SourceIpConfig": {"Cidrs": []}}, {"SourceIpConfig": {"Cidrs": []}}),
        ("TrainingSession", {"VpcConfig": {"Subnets": ["s-1"]}}, {"VpcConfig": {"Subnets": ["s-1"]}}),
        (
            "Cluster",
            {"InstanceGroups": [{"InstanceCount": 2}]},
            {"InstanceGroups": [{"CurrentCount": 2, "TargetCount": 2}]},
        ),
        ("InferenceRecommendationsJob", {"OutputConfig": {"KmsKeyId": "k"}}, {}),
        ("InferenceExperiment", {"EndpointName": "e"}, {"EndpointMetadata": {"EndpointName": "e"}}),
    ],
)
def test_describe_has_names_of_its_own(
    aws: Fake, sagemaker: Any, name: str, sent: dict[str, Any], seen: dict[str, Any]
) -> None:
    if name not in kinds():
        pytest.skip(f"the installed botocore has no Create{name}")
    record = aws.create(name, sent)
    answer = described(sagemaker, name, {kinds()[name].key[0]: record.name})
    assert answer | seen == answer
    assert seen or "OutputConfig" not in answer


def test_pages_hold_everything_once_whatever_their_size(aws: Fake, sagemaker: Any) -> None:
    aws.populate("TrainingJob", 25, {"RoleArn": "r"}, first=NOW)
    aws.create(
        "TrainingJob", {"TrainingJobName": "by-hand"}, created=NOW + timedelta(seconds=3, milliseconds=5)
    )
    aws.page_size = 4
    for order in ("Ascending", "Descending"):
        pages = list(sagemaker.get_paginator("list_training_jobs").paginate(SortOrder=order, MaxResults=100))
        times = [row["CreationTime"] for page in pages for row in page["TrainingJobSummaries"]]
        assert len(pages) == 7
        assert len(times) == 26
        assert times == sorted(times, reverse=order == "Descending")
    found = [
        row["TrainingJob"]["TrainingJobName"]
        for page in sagemaker.get_paginator("search").paginate(Resource="TrainingJob")
        for row in page["Results"]
    ]
    assert sorted(found) == ["by-hand", *(f"training-job-{number:07d}" for number in range(25))]
    assert aws.calls == {"ListTrainingJobs": 14, "Search": 7}


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({"NameContains": "b"}, ["ab", "b"]),
        ({"StatusEquals": "InProgress"}, ["b"]),
        ({"StatusEquals": "Completed"}, ["a", "ab"]),
        ({"CreationTimeAfter": NOW}, ["b"]),
        ({"CreationTimeBefore": NOW}, ["a"]),
        ({"SortBy": "Name", "SortOrder": "Ascending"}, ["a", "ab", "b"]),
    ],
)
def test_list_filters(aws: Fake, sagemaker: Any, parameters: dict[str, Any], names: list[str]) -> None:
    for days, (name, status) in enumerate([("a", None), ("ab", None), ("b", "InProgress")]):
        job = {"TrainingJobName": name}
        aws.create("TrainingJob", job, created=NOW + timedelta(days=days - 1), status=status)
    rows = sagemaker.list_training_jobs(**parameters)["TrainingJobSummaries"]
    assert sorted(row["TrainingJobName"] for row in rows) == names


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ({"Filters": [a_filter("TrainingJobName", "Equals", "a")]}, ["a"]),
        ({"Filters": [a_filter("TrainingJobName", "NotEquals", "a")]}, ["b"]),
        ({"Filters": [a_filter("CreationTime", "GreaterThan", "2026-11-01T00:00:00")]}, ["b"]),
        ({"Filters": [a_filter("EnableNetworkIsolation", "Equals", "true")]}, ["a"]),
        ({"Filters": [a_filter("OutputDataConfig.KmsKeyId", "Exists")]}, ["b"]),
        ({"Filters": [a_filter("ResourceConfig.InstanceCount", "LessThan", "2")]}, ["a"]),
        ({"Filters": [a_filter("Tags.team", "Equals", "red")]}, ["b"]),
        (
            {
                "Operator": "Or",
                "Filters": [a_filter("TrainingJobName", "Contains", "A")],
                "SubExpressions": [{"Filters": [a_filter("TrainingJobName", "In", "b,c")]}],
            },
            ["a", "b"],
        ),
    ],
)
def test_search_expressions(aws: Fake, sagemaker: Any, expression: dict[str, Any], names: list[str]) -> None:
    one = {"TrainingJobName": "a", "EnableNetworkIsolation": True, "ResourceConfig": {"InstanceCount": 1}}
    other = {
        "TrainingJobName": "b",
        "OutputDataConfig": {"KmsKeyId": "k"},
        "ResourceConfig": {"InstanceCount": 2},
    }
    aws.create("TrainingJob", one, created=NOW)
    aws.create("TrainingJob", other, created=NOW + timedelta(days=1), tags={"team": "red"})
    found = sagemaker.search(Resource="TrainingJob", SearchExpression=expression)["Results"]
    assert sorted(row["TrainingJob"]["TrainingJobName"] for row in found) == names


def test_search_may_lag_and_miss(aws: Fake, sagemaker: Any) -> None:
    for name in ("known", "lost"):
        aws.create("Model", {"ModelName": name}, created=NOW)
    aws.create("Model", {"ModelName": "young"})
    aws.sagemaker.search_lag = timedelta(minutes=5)
    aws.sagemaker.unsearchable = lambda record: record.name == "lost"
    found = sagemaker.search(Resource="Model")["Results"]
    assert [row["Model"]["Model"]["ModelName"] for row in found] == ["known"]
    assert len(sagemaker.list_models()["Models"]) == 3


def test_only_traced_jobs_have_trial_components(aws: Fake, sagemaker: Any) -> None:
    aws.create(
        "ProcessingJob", {"ProcessingJobName": "studio", "NetworkConfig": {"EnableNetworkIsolation": True}}
    )
    aws.create("ProcessingJob", {"ProcessingJobName": "boto3"})
    aws.sagemaker.traced = lambda record: record.name == "studio"
    (found,) = sagemaker.search(Resource="ExperimentTrialComponent")["Results"]
    job = found["TrialComponent"]["SourceDetail"]["ProcessingJob"]
    assert (job["ProcessingJobName"], job["NetworkConfig"]) == ("studio", {"EnableNetworkIsolation": True})


def test_a_list_of_model_packages_leaves_versions_out(aws: Fake, sagemaker: Any) -> None:
    aws.create("ModelPackage", {"ModelPackageName": "alone"})
    versioned = aws.create("ModelPackage", {"ModelPackageGroupName": "many"})
    told = {
        kind: [
            row["ModelPackageArn"]
            for row in sagemaker.list_model_packages(**asked)["ModelPackageSummaryList"]
        ]
        for kind, asked in {
            "default": {},
            "versions": {"ModelPackageType": "Versioned"},
            "both": {"ModelPackageType": "Both"},
        }.items()
    }
    assert [len(arns) for arns in told.values()] == [1, 1, 2]
    assert told["versions"] == [versioned.arn]
    assert sagemaker.describe_model_package(ModelPackageName=versioned.arn)["ModelPackageGroupName"] == "many"


def test_automl_jobs_of_both_versions_share_a_list(aws: Fake, sagemaker: Any) -> None:
    security = {"EnableInterContainerTrafficEncryption": True}
    aws.create("AutoMLJob", {"AutoMLJobName": "one", "AutoMLJobConfig": {"SecurityConfig": security}})
    aws.create("AutoMLJobV2", {"AutoMLJobName": "two", "SecurityConfig": security})
    assert len(sagemaker.list_auto_ml_jobs()["AutoMLJobSummaries"]) == 2
    assert [
        sagemaker.describe_auto_ml_job_v2(AutoMLJobName=name)["SecurityConfig"] for name in ("one", "two")
    ] == [
        security,
        security,
    ]
    with pytest.raises(ClientError, match="ResourceNotFound"):
        sagemaker.describe_auto_ml_job(AutoMLJobName="two")


def test_changes_and_deletions_are_seen(aws: Fake, sagemaker: Any) -> None:
    aws.create("NotebookInstance", {"NotebookInstanceName": "n", "RootAccess": "Enabled"}, created=NOW)
    sagemaker.update_notebook_instance(NotebookInstanceName="n", RootAccess="Disabled")
    seen = sagemaker.describe_notebook_instance(NotebookInstanceName="n")
    assert seen["RootAccess"] == "Disabled"
    assert seen["LastModifiedTime"] > seen["CreationTime"]
    sagemaker.stop_notebook_instance(NotebookInstanceName="n")
    assert (
        sagemaker.describe_notebook_instance(NotebookInstanceName="n")["NotebookInstanceStatus"] == "Stopped"
    )
    sagemaker.delete_notebook_instance(NotebookInstanceName="n")
    assert sagemaker.list_notebook_instances()["NotebookInstances"] == []
    aws.populate("Model", 3)
    sagemaker.delete_model(ModelName="model-0000001")
    assert {row["ModelName"] for row in sagemaker.list_models()["Models"]} == {
        "model-0000000",
        "model-0000002",
    }


def test_defaults_are_told_when_asked_for(aws: Fake, sagemaker: Any) -> None:
    aws.sagemaker.defaults = True
    aws.create("NotebookInstance", {"NotebookInstanceName": "n", "RootAccess": "Disabled"})
    seen = sagemaker.describe_notebook_instance(NotebookInstanceName="n")
    assert seen | DEFAULTS["NotebookInstance"] == seen | {
        **DEFAULTS["NotebookInstance"],
        "RootAccess": "Enabled",
    }
    assert seen["RootAccess"] == "Disabled"


def test_accounts_and_regions_are_apart(aws: Fake, client: Callable[..., Any]) -> None:
    aws.create("Model", {"ModelName": "here"})
    aws.create("Model", {"ModelName": "there"}, account="222222222222", region="eu-west-1")
    assumed = client("sts").assume_role(
        RoleArn="arn:aws:iam::222222222222:role/audit", RoleSessionName="audit"
    )
    keys = assumed["Credentials"]
    there = client(
        "sagemaker",
        region_name="eu-west-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    (model,) = there.list_models()["Models"]
    assert model["ModelArn"] == "arn:aws:sagemaker:eu-west-1:222222222222:model/there"
    assert len(client("sagemaker").list_models()["Models"]) == 1
    assert client("sts").get_caller_identity()["Account"] == "111122223333"


def test_a_region_that_is_not_enabled_refuses(aws: Fake, client: Callable[..., Any]) -> None:
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        client("sagemaker", region_name="af-south-1").list_models()
    enabled = {row["RegionName"] for row in client("ec2").describe_regions()["Regions"]}
    every = {row["RegionName"] for row in client("ec2").describe_regions(AllRegions=True)["Regions"]}
    named = client("ec2").describe_regions(RegionNames=["eu-west-1"])["Regions"]
    assert every - enabled == {"af-south-1"}
    assert [row["RegionName"] for row in named] == ["eu-west-1"]


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        ("AccessDeniedException", ClientError, "AccessDeniedException"),
        ("ThrottlingException", ClientError, "ThrottlingException"),
        ("ExpiredTokenException", ClientError, "ExpiredTokenException"),
        ("InternalFailure", ClientError, "InternalFailure"),
        ("reset", ConnectionClosedError, None),
        ("missing", ClientError, "Could not find"),
    ],
)
def test_faults(aws: Fake, sagemaker: Any, code: str, error: type[Exception], words: str | None) -> None:
    aws.create("Model", {"ModelName": "m"})
    aws.fail("DescribeModel", code, times=1, after=1)
    sagemaker.describe_model(ModelName="m")
    with pytest.raises(error, match=words):
        sagemaker.describe_model(ModelName="m")
    assert sagemaker.describe_model(ModelName="m")["ModelName"] == "m"
    assert aws.calls == {"DescribeModel": 3}


@pytest.mark.parametrize("code", ["garbage", "empty", "truncated"])
def test_boto3_takes_a_broken_answer_for_an_empty_one(aws: Fake, sagemaker: Any, code: str) -> None:
    aws.create("Model", {"ModelName": "m"})
    aws.fail("*", code)
    assert sagemaker.describe_model(ModelName="m").keys() == {"ResponseMetadata"}
    assert sagemaker.list_models().keys() == {"ResponseMetadata"}


def test_a_hanging_answer_ends_with_the_fake(aws: Fake, client: Callable[..., Any]) -> None:
    aws.fail("ListModels", "hang")
    hasty = client("sagemaker", config=ONCE.merge(Config(read_timeout=0.01)))
    with pytest.raises(ReadTimeoutError):
        hasty.list_models()


def test_a_repeated_token(aws: Fake, sagemaker: Any) -> None:
    aws.populate("Model", 5)
    aws.page_size = 2
    token = sagemaker.list_models()["NextToken"]
    aws.fail("ListModels", "repeat", times=1)
    assert sagemaker.list_models(NextToken=token)["NextToken"] == token


def test_a_fault_may_be_for_some_calls_only(aws: Fake, sagemaker: Any) -> None:
    for name in ("a", "b"):
        aws.create("Model", {"ModelName": name})
    aws.fail("Describe*", when=lambda call: call.parameters["ModelName"] == "b")
    assert sagemaker.describe_model(ModelName="a")
    with pytest.raises(ClientError, match="AccessDenied"):
        sagemaker.describe_model(ModelName="b")
    aws.heal()
    assert sagemaker.describe_model(ModelName="b")


def test_rate_is_per_operation(aws: Fake, sagemaker: Any) -> None:
    aws.rate = {"ListModels": 0.001}
    sagemaker.list_models()
    with pytest.raises(ClientError, match="ThrottlingException"):
        sagemaker.list_models()
    sagemaker.list_endpoints()
    assert aws.refused == {"ThrottlingException": 1}


def test_keys(aws: Fake, client: Callable[..., Any]) -> None:
    kms = client("kms")
    arn = aws.services.key(aliases=("alias/data",), rotation=False, multi_region="REPLICA")
    aws.services.key(aliases=("alias/aws/sagemaker",), manager="AWS")
    elsewhere = aws.services.key(account="222222222222", state="PendingDeletion")
    for word in (arn, arn.partition("/")[2], "alias/data", "arn:aws:kms:us-east-1:111122223333:alias/data"):
        told = kms.describe_key(KeyId=word)["KeyMetadata"]
        assert (told["Arn"], told["KeyManager"], told["MultiRegion"]) == (arn, "CUSTOMER", True)
    assert kms.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"] is False
    assert kms.describe_key(KeyId=elsewhere)["KeyMetadata"]["KeyState"] == "PendingDeletion"
    pages = list(kms.get_paginator("list_aliases").paginate(PaginationConfig={"PageSize": 1}))
    assert [row["AliasName"] for page in pages for row in page["Aliases"]] == [
        "alias/data",
        "alias/aws/sagemaker",
    ]
    assert len(kms.list_keys()["Keys"]) == 2
    with pytest.raises(ClientError, match="NotFoundException"):
        kms.describe_key(KeyId="alias/none")


def test_tags_in_bulk(aws: Fake, client: Callable[..., Any]) -> None:
    tagging, sagemaker = client("resourcegroupstaggingapi"), client("sagemaker")
    arns = [aws.create("Model", tags={"team": str(number)}).arn for number in range(3)]
    aws.create("Model")
    job = aws.create("TrainingJob")
    sagemaker.add_tags(ResourceArn=job.arn, Tags=[{"Key": "aws:cloudformation:stack-name", "Value": "s"}])
    pages = tagging.get_paginator("get_resources").paginate(
        ResourceTypeFilters=["sagemaker:model"], ResourcesPerPage=2
    )
    rows = [row for page in pages for row in page["ResourceTagMappingList"]]
    assert {row["ResourceARN"]: row["Tags"][0]["Value"] for row in rows} == dict(
        zip(arns, "012", strict=True)
    )
    filters = [{"Key": "aws:cloudformation:stack-name"}]
    (row,) = tagging.get_resources(TagFilters=filters)["ResourceTagMappingList"]
    assert row["ResourceARN"] == job.arn
    assert sagemaker.list_tags(ResourceArn=job.arn)["Tags"] == row["Tags"]


def test_an_organisation(aws: Fake, client: Callable[..., Any]) -> None:
    organizations = client("organizations")
    with pytest.raises(ClientError, match="AWSOrganizationsNotInUseException"):
        organizations.describe_organization()
    organization = aws.services.organize()
    unit = organization.unit("workloads")
    organization.account("222222222222", "one", unit)
    organization.account("333333333333", "gone", unit, status="SUSPENDED")
    policy = organization.policy("guard", "{}", "SERVICE_CONTROL_POLICY", unit)
    organization.effective["AISERVICES_OPT_OUT_POLICY", unit] = '{"services": {}}'
    organization.page_size = 1
    pages = organizations.get_paginator("list_accounts").paginate()
    accounts = [row["Id"] for page in pages for row in page["Accounts"]]
    assert accounts == ["111122223333", "222222222222", "333333333333"]
    (root,) = organizations.list_roots()["Roots"]
    (below,) = organizations.list_organizational_units_for_parent(ParentId=root["Id"])["OrganizationalUnits"]
    assert below["Id"] == unit
    assert organizations.list_parents(ChildId="222222222222")["Parents"][0]["Id"] == unit
    children = organizations.get_paginator("list_children").paginate(ParentId=unit, ChildType="ACCOUNT")
    assert [row["Id"] for page in children for row in page["Children"]] == ["222222222222", "333333333333"]
    attached = organizations.list_policies_for_target(TargetId=unit, Filter="SERVICE_CONTROL_POLICY")[
        "Policies"
    ]
    assert [row["Id"] for row in attached] == [policy]
    assert organizations.describe_policy(PolicyId=policy)["Policy"]["Content"] == "{}"
    assert [row["TargetId"] for row in organizations.list_targets_for_policy(PolicyId=policy)["Targets"]] == [
        unit
    ]
    wanted = {"PolicyType": "AISERVICES_OPT_OUT_POLICY", "TargetId": "222222222222"}
    assert (
        organizations.describe_effective_policy(**wanted)["EffectivePolicy"]["PolicyContent"]
        == '{"services": {}}'
    )
    with pytest.raises(ClientError, match="EffectivePolicyNotFoundException"):
        organizations.describe_effective_policy(PolicyType="AISERVICES_OPT_OUT_POLICY")


def test_what_is_sent_is_kept(aws: Fake, client: Callable[..., Any]) -> None:
    hub, config = client("securityhub"), client("config")
    shape = (
        model_of("securityhub").operation_model("BatchImportFindings").input_shape.members["Findings"].member
    )
    finding = {name: sample(sub) for name, sub in shape.members.items() if name in shape.required_members}
    assert hub.batch_import_findings(Findings=[finding])["SuccessCount"] == 1
    assert aws.services.findings == [finding]
    with pytest.raises(ClientError, match="InvalidInputException"):
        hub.batch_import_findings(Findings=[finding] * 101)
    evaluation = {
        "ComplianceResourceType": "AWS::SageMaker::Model",
        "ComplianceResourceId": "m",
        "ComplianceType": "COMPLIANT",
        "OrderingTimestamp": NOW,
    }
    assert config.put_evaluations(ResultToken="t", Evaluations=[evaluation])["FailedEvaluations"] == []
    assert len(aws.services.evaluations) == 1


def test_any_operation_can_be_answered(aws: Fake, client: Callable[..., Any]) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    aws.answer("s3", "GetBucketEncryption", {"ServerSideEncryptionConfiguration": {"Rules": [rule]}})
    aws.answer("iam", "GetRole", lambda call: {"Role": {"RoleName": call.parameters["RoleName"]}})
    told = client("s3").get_bucket_encryption(Bucket="data")["ServerSideEncryptionConfiguration"]["Rules"]
    assert told == [rule]
    assert aws.log[-1].parameters == {"Bucket": "data"}
    assert client("iam").get_role(RoleName="r")["Role"]["RoleName"] == "r"


def test_what_the_fake_does_not_know_is_said(aws: Fake, client: Callable[..., Any]) -> None:
    with pytest.raises(ClientError, match="UnknownOperationException"):
        client("sagemaker").get_sagemaker_servicecatalog_portfolio_status()
    with pytest.raises(ValueError, match="CreateModel does not know Colour"):
        aws.create("Model", {"Colour": "red"})


def test_an_error_of_the_fake_itself_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake()
    for name, value in fake.environment().items():
        monkeypatch.setenv(name, value)

    def broken(call: Call) -> dict[str, Any]:
        raise ZeroDivisionError

    fake.answer("sts", "GetCallerIdentity", broken)
    client = boto3.client("sts", config=ONCE)
    with pytest.raises(ClientError):
        client.get_caller_identity()
    client.close()
    with pytest.raises(ZeroDivisionError):
        fake.close()


def test_it_ends_with_all_its_threads(aws: Fake, capfd: pytest.CaptureFixture[str]) -> None:
    before = threading.active_count()
    with Fake() as fake:
        client = boto3.client("sts", endpoint_url=fake.url, config=ONCE)
        client.get_caller_identity()
        assert threading.active_count() > before
    assert threading.active_count() == before
    client.close()
    assert capfd.readouterr() == ("", "")


def test_many_are_made_up_without_being_kept(aws: Fake, sagemaker: Any) -> None:
    aws.populate("ProcessingJob", 500_000, lambda number: {"RoleArn": f"role-{number % 7}"}, first=NOW)
    (row,) = sagemaker.list_processing_jobs(MaxResults=1)["ProcessingJobSummaries"]
    assert row["ProcessingJobName"] == "processing-job-0499999"
    seen = sagemaker.describe_processing_job(ProcessingJobName="processing-job-0499999")
    assert (seen["RoleArn"], seen["ProcessingJobStatus"]) == ("role-3", "Completed")
    assert seen["ProcessingJobArn"] == row["ProcessingJobArn"]
    aws.populate("Domain", 3)
    for row in sagemaker.list_domains()["Domains"]:
        assert sagemaker.describe_domain(DomainId=row["DomainId"])["DomainName"] == row["DomainName"]


def test_the_sources_are_of_a_readable_size() -> None:
    folder = Path(__file__).parent / "fake_aws"
    assert {
        file.name: size for file in folder.glob("*.py") if (size := len(file.read_text().splitlines())) > 300
    } == {}
