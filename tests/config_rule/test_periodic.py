"""Scheduled notifications: what Config does not record, by several invocations, whatever is killed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import eq
from typing import Any

import pytest

from config_rules import periodic
from config_rules.handler import Failed, handle
from scanner.audit.client import Client
from scanner.audit.fault import Fault
from tests.audit.test_organization import OPT_OUT, OUT
from tests.config_rule.support import (
    ACCOUNT,
    AT,
    REGION,
    SAGEMAKER,
    Context,
    annotations,
    changed,
    compliance,
    failing,
    item,
    scheduled,
)
from tests.fake_aws import Fake
from tests.fake_aws.call import Call

EACH = {"report": "resource"}
ISOLATION = "network-isolation"
NOW = datetime.fromisoformat(AT)
WHOLE = ("AWS::::Account", ACCOUNT)


def isolated(number: int) -> dict[str, Any]:
    return {"EnableNetworkIsolation": number % 3 > 0}


def training(number: int) -> dict[str, Any]:
    """What Search tells all of."""
    return {"ResourceConfig": {"InstanceCount": 1, "VolumeSizeInGB": 1}, **isolated(number)}


def populate(cloud: Fake, noun: str, count: int, **how: Any) -> dict[tuple[str, str], str]:
    """So many jobs of which each third is not isolated; what is to be reported of them."""
    first = NOW - timedelta(days=2)
    values = training if noun == "TrainingJob" else lambda number: {"NetworkConfig": isolated(number)}
    cloud.populate(noun, count, values, prefix="job", first=first, **{"status": "Completed", **how})
    verdicts = {True: "COMPLIANT", False: "NON_COMPLIANT"}
    return {(noun, f"job-{number:07d}"): verdicts[number % 3 > 0] for number in range(count)}


class Killed(BaseException):
    """Lambda ended the function."""


def run(
    cloud: Fake,
    given: Any,
    context: Callable[[], Context],
    kill: Callable[[int], bool] = lambda number: False,
    monkeypatch: pytest.MonkeyPatch | None = None,
) -> Counter[str]:
    """Invocations until none is left, as Lambda makes them: one that was killed is made again."""
    calls, ends = 0, Counter[str]()
    dead = False
    original = Client.call

    def call(self: Client, *words: Any, **named: Any) -> Any:
        nonlocal calls, dead
        if dead:
            raise Killed
        answer = original(self, *words, **named)
        calls += 1
        dead = kill(calls)
        if dead:
            raise Killed
        return answer

    if monkeypatch is not None:
        monkeypatch.setattr(Client, "call", call)
    waiting = [given]
    while waiting:
        event = waiting.pop(0)
        dead = False
        try:
            handle(event, context())
            ends["done"] += 1
        except Killed:
            ends["killed"] += 1
            waiting.insert(0, event)
        except Failed:
            ends["failed"] += 1
        waiting += cloud.services.invoked
        cloud.services.invoked.clear()
        assert sum(ends.values()) < 40
    if monkeypatch is not None:
        monkeypatch.setattr(Client, "call", original)
    ends["calls"] = calls
    return ends


def test_what_config_does_not_know_is_reported_with_the_account(cloud: Fake) -> None:
    cloud.create("TrainingJob", {"TrainingJobName": "t", **isolated(1)}, created=NOW)
    handle(scheduled(ISOLATION), Context())
    assert compliance(cloud, ISOLATION) == {WHOLE: "COMPLIANT"}
    assert annotations(cloud) == ["1 resources that AWS Config does not record are as asked"]
    for number in range(7):
        cloud.create("ProcessingJob", {"ProcessingJobName": f"p{number}"}, created=NOW)
    handle(scheduled(ISOLATION), Context())
    assert compliance(cloud, ISOLATION) == {WHOLE: "NON_COMPLIANT"}
    shown = ", ".join(f"ProcessingJob p{number}" for number in range(5))
    assert annotations(cloud)[-1] == f"7 of 8 against network-isolation: {shown} and 2 more"
    handle(scheduled(ISOLATION, {"exempt": "p*:2027-01-01"}), Context())
    assert compliance(cloud, ISOLATION) == {WHOLE: "COMPLIANT"}


def test_each_resource_is_reported_where_config_knows_its_type(cloud: Fake) -> None:
    domain = cloud.create("Domain", {"DomainName": "d"}).values["DomainId"]
    sharing = {"SharingSettings": {"NotebookOutputOption": "Allowed"}}
    for name, settings in (("good", {}), ("bad", sharing)):
        cloud.create("UserProfile", {"DomainId": domain, "UserProfileName": name, "UserSettings": settings})
    control = "studio-sharing-kms-key"
    handle(scheduled(control), Context())
    reported = compliance(cloud, control)
    assert reported[WHOLE] == "NOT_APPLICABLE"
    assert reported["UserProfile", f"{domain}/bad"] == "NON_COMPLIANT"
    # Who shares nothing is judged at the domain, if anywhere: not worth an evaluation.
    assert len(reported) == 2
    cloud.services.compliance.clear()
    handle(scheduled("vpc-config"), Context())
    assert compliance(cloud, "vpc-config") == {WHOLE: "NOT_APPLICABLE"}


def test_jobs_that_ended_long_ago_are_left_out(cloud: Fake) -> None:
    for name, days, status in (("old", 100, "Completed"), ("runs", 100, "InProgress"), ("new", 80, "Failed")):
        values = {"TrainingJobName": name}
        cloud.create("TrainingJob", values, created=NOW - timedelta(days=days), status=status)
    handle(scheduled(ISOLATION, EACH), Context())
    assert compliance(cloud, ISOLATION).keys() == {("TrainingJob", "runs"), ("TrainingJob", "new"), WHOLE}
    handle(scheduled(ISOLATION, {**EACH, "since": "all"}), Context())
    assert ("TrainingJob", "old") in compliance(cloud, ISOLATION)
    handle(scheduled(ISOLATION, {**EACH, "since": "90"}), Context())
    assert compliance(cloud, ISOLATION)["TrainingJob", "old"] == "NOT_APPLICABLE"


def test_what_is_gone_is_no_longer_reported(cloud: Fake) -> None:
    for name in "abc":
        cloud.create("ProcessingJob", {"ProcessingJobName": name}, created=NOW)
    handle(scheduled(ISOLATION, EACH), Context())
    shelf = cloud.sagemaker.shelf(ACCOUNT, "us-east-1", "ProcessingJob")
    record = shelf.find("b")
    assert record is not None
    shelf.delete(record)
    cloud.fail("DescribeProcessingJob", when=lambda call: call.parameters["ProcessingJobName"] == "c")
    assert "sagemaker:DescribeProcessingJob is denied" in failing(scheduled(ISOLATION, EACH))
    bad = {("ProcessingJob", name): "NON_COMPLIANT" for name in "abc"}
    assert bad.items() <= compliance(cloud, ISOLATION).items()
    cloud.heal()
    handle(scheduled(ISOLATION, EACH), Context())
    assert compliance(cloud, ISOLATION)["ProcessingJob", "b"] == "NOT_APPLICABLE"
    assert compliance(cloud, ISOLATION)["ProcessingJob", "c"] == "NON_COMPLIANT"
    handle(scheduled(ISOLATION), Context())
    assert set(compliance(cloud, ISOLATION).values()) == {"NOT_APPLICABLE", "NON_COMPLIANT"}
    assert compliance(cloud, ISOLATION)["ProcessingJob", "a"] == "NOT_APPLICABLE"


@pytest.mark.no_cover  # one invocation covers as much
@pytest.mark.parametrize("noun", ["ProcessingJob", "MlflowApp"])
def test_what_is_gone_is_taken_back_wherever_time_runs_out(cloud: Fake, noun: str) -> None:
    control = next(it for it in ("network-isolation", "customer-managed-kms-key") if noun in str(_types(it)))
    for name in "ab":
        named = {"Name": name} if noun == "MlflowApp" else {"ProcessingJobName": name}
        cloud.create(noun, named, created=NOW)
    stale = {
        (ACCOUNT, f"sagemaker-{control}", SAGEMAKER + noun, name): {
            "ComplianceResourceType": SAGEMAKER + noun,
            "ComplianceResourceId": name,
            "ComplianceType": "NON_COMPLIANT",
            "OrderingTimestamp": (NOW - timedelta(days=1)).isoformat(),
        }
        for name in ("gone", "vanished")
    }
    finished = 0
    for asks in range(10, 40, 5):
        cloud.services.compliance.clear()
        cloud.services.compliance.update(stale)
        ends = run(cloud, scheduled(control, EACH), partial(Context, asks))
        finished += not ends["failed"]
        left = {name: said for (_, name), said in compliance(cloud, control).items() if name[0] in "gv"}
        assert ends["failed"] or set(left.values()) == {"NOT_APPLICABLE"}
    assert finished > 2


def test_a_gap_or_an_unknown_is_never_compliant(cloud: Fake) -> None:
    cloud.create("TrainingJob", {"TrainingJobName": "t", **isolated(1)}, created=NOW)
    cloud.fail("ListProcessingJobs")
    assert "sagemaker:ListProcessingJobs is denied" in failing(scheduled(ISOLATION, EACH))
    assert compliance(cloud, ISOLATION) == {("TrainingJob", "t"): "COMPLIANT"}
    config = {"VolumeKmsKeyId": "alias/of-nobody-knows", "InstanceCount": 1, "VolumeSizeInGB": 1}
    cloud.create("TrainingJob", {"TrainingJobName": "k", "ResourceConfig": config}, created=NOW)
    cloud.fail("DescribeKey")
    cloud.fail("ListAliases")
    assert "kms:" in failing(scheduled("customer-managed-kms-key"))
    assert not compliance(cloud, "customer-managed-kms-key")


def test_an_earlier_compliant_of_the_account_is_taken_back(cloud: Fake) -> None:
    cloud.create("TrainingJob", {"TrainingJobName": "t", **isolated(1)}, created=NOW)
    handle(scheduled(ISOLATION), Context())
    assert compliance(cloud, ISOLATION) == {WHOLE: "COMPLIANT"}
    cloud.fail("ListProcessingJobs")
    assert "is denied" in failing(scheduled(ISOLATION))
    assert compliance(cloud, ISOLATION)[WHOLE] == "NOT_APPLICABLE"
    assert annotations(cloud)[-1] == "not known any more, so not COMPLIANT either: see the log"


def test_what_the_organisation_settles_is_reported_with_the_account(cloud: Fake) -> None:
    control = "ai-services-opt-out"
    handle(scheduled(control), Context())
    assert compliance(cloud, control) == {WHOLE: "NOT_APPLICABLE"}  # in no organisation
    organization = cloud.services.organize("999988887777")
    organization.account(ACCOUNT)
    lex = '{"services":{"default":{"opt_out_policy":"optOut"},"lex":{"opt_out_policy":"optIn"}}}'
    organization.effective[OPT_OUT, ACCOUNT] = lex
    handle(scheduled(control), Context())
    assert annotations(cloud)[-1] == "1 of 2 against ai-services-opt-out: EffectivePolicy lex"
    organization.effective[OPT_OUT, ACCOUNT] = OUT
    asks = iter((1, None))
    ends = run(cloud, scheduled(control), lambda: Context(next(asks)))
    assert compliance(cloud, control) == {WHOLE: "COMPLIANT"}
    assert ends["done"] == 2
    cloud.fail("DescribeEffectivePolicy", code="AccessDeniedException")
    assert "organizations:DescribeEffectivePolicy is denied" in failing(scheduled(control))
    assert compliance(cloud, control) == {WHOLE: "NOT_APPLICABLE"}


def test_what_no_rule_may_ask_is_a_gap(cloud: Fake) -> None:
    said = failing(scheduled("guardrail-policies-attached"))
    assert said == "guardrail-policies-attached is about what no rule of AWS Config may ask"
    assert not compliance(cloud, "guardrail-policies-attached")


def test_the_steps_of_pipelines_are_judged(cloud: Fake) -> None:
    step = '{"Name": "s", "Type": "Training", "Arguments": {"EnableNetworkIsolation": %s}}'
    for name, value in (("good", "true"), ("bad", "false")):
        body = f'{{"Version": "2020-12-01", "Steps": [{step % value}]}}'
        cloud.create("Pipeline", {"PipelineName": name, "PipelineDefinition": body})
    cloud.create("Pipeline", {"PipelineName": "broken", "PipelineDefinition": "{"})
    assert "Pipeline broken: the definition of the pipeline broken can't be read" in failing(
        scheduled(ISOLATION, EACH)
    )
    reported = compliance(cloud, ISOLATION)
    assert reported == {("Pipeline", "good"): "COMPLIANT", ("Pipeline", "bad"): "NON_COMPLIANT"}


def test_all_controls_of_a_rule_take_one_pass(cloud: Fake) -> None:
    cloud.create("ProcessingJob", {"ProcessingJobName": "p"}, created=NOW)
    handle(scheduled("network-isolation,vpc-config,volume-kms-key", EACH), Context())
    # Once for those of the last ninety days, and once for each status of those that run.
    assert (cloud.calls["ListProcessingJobs"], cloud.calls["DescribeProcessingJob"]) == (3, 1)
    assert compliance(cloud, ISOLATION)["ProcessingJob", "p"] == "NON_COMPLIANT"
    assert "(and 2 more)" in annotations(cloud)[0] or "(and 3 more)" in annotations(cloud)[0]


@pytest.mark.parametrize("noun", ["TrainingJob", "ProcessingJob"])
@pytest.mark.no_cover  # one pass covers as much
def test_a_kill_between_any_two_calls_changes_nothing(
    cloud: Fake, noun: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.page_size = 2
    expected = populate(cloud, noun, 5)
    for name in ("early", "runs"):
        status = "InProgress" if name == "runs" else "Completed"
        cloud.create(noun, {f"{noun}Name": name}, created=NOW - timedelta(days=200), status=status)
    expected |= {(noun, "runs"): "NON_COMPLIANT", WHOLE: "NOT_APPLICABLE"}
    stale = {
        "ComplianceResourceType": SAGEMAKER + noun,
        "ComplianceResourceId": "vanished",
        "ComplianceType": "COMPLIANT",
        "OrderingTimestamp": (NOW - timedelta(days=1)).isoformat(),
    }
    expected[noun, "vanished"] = "NOT_APPLICABLE"

    def attempt(kill: Callable[[int], bool]) -> Counter[str]:
        cloud.services.compliance.clear()
        key = (ACCOUNT, f"sagemaker-{ISOLATION}", SAGEMAKER + noun, "vanished")
        cloud.services.compliance[key] = stale
        ends = run(cloud, scheduled(ISOLATION, EACH), lambda: Context(60), kill, monkeypatch)
        assert compliance(cloud, ISOLATION) == expected
        return ends

    whole = attempt(lambda number: False)
    assert whole["done"] >= 2
    for point in range(1, whole["calls"] + 1):
        assert attempt(partial(eq, point))["killed"] == 1


def test_what_is_counted_for_the_account_is_counted_once(cloud: Fake) -> None:
    cloud.page_size = 5
    populate(cloud, "TrainingJob", 20, step=timedelta(0))
    populate(cloud, "ProcessingJob", 20)
    ends = run(cloud, scheduled(ISOLATION), lambda: Context(70))
    assert ends["done"] > 2
    assert compliance(cloud, ISOLATION) == {WHOLE: "NON_COMPLIANT"}
    assert annotations(cloud)[-1].startswith("14 of 40 against network-isolation: ProcessingJob job-0000000")


def test_types_that_come_in_no_order_go_on_too(cloud: Fake) -> None:
    for number in range(12):
        cloud.create("TrainingSession", {"TrainingSessionName": f"s{number}"}, created=NOW)
    control = next(
        name for name in ("vpc-config", "volume-kms-key") if "TrainingSession" in str(_types(name))
    )
    ends = run(cloud, scheduled(control, EACH), lambda: Context(75))
    assert ends["done"] > 1
    assert sum(kind == "TrainingSession" for kind, _ in compliance(cloud, control)) == 12


def _types(control: str) -> Mapping[str, Any]:
    from scanner import catalog

    return catalog.load().by_id[control].resources


def test_what_is_throttled_or_not_taken_is_put_again(cloud: Fake) -> None:
    expected = populate(cloud, "TrainingJob", 700) | {WHOLE: "NOT_APPLICABLE"}
    for after in (0, 3):
        cloud.fail("PutEvaluations", "ThrottlingException", times=5, after=after)
    tired = iter(range(10**9))
    cloud.services.refuses = lambda each: next(tired) % 97 == 0
    ends = run(cloud, scheduled(ISOLATION, EACH), lambda: Context(50))
    assert compliance(cloud, ISOLATION) == expected
    assert ends["done"] > 1
    assert not ends["failed"]


@pytest.mark.no_cover  # one pass covers as much
def test_ten_thousand_resources_with_a_kill_between_any_two_calls(
    cloud: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each invocation is killed after its first call that writes, made again and killed after two, and so on.

    A call that only reads leaves everything as it was before: a kill after it is the one before it.
    """
    expected = populate(cloud, "TrainingJob", 10_000) | {WHOLE: "NOT_APPLICABLE"}
    tired = iter(range(10**9))
    cloud.services.refuses = lambda each: next(tired) % 97 == 0
    original, told = Client.call, dict[tuple[str, str], Any]()
    writes = point = kills = 0
    last = (NOW - timedelta(days=2) + timedelta(seconds=9_999)).isoformat()

    def call(self: Client, service: str, operation: str, parameters: Any, needs: Any = ()) -> Any:
        """What does not change is asked once over HTTP, what is reported and handed on without."""
        nonlocal writes
        if writes == point:
            raise Killed
        if self.pace.clock.stopped:
            raise Fault("stopped", "Stopped", service, operation, self.scope)
        writes += operation in ("PutEvaluations", "Invoke")
        if service in ("config", "lambda"):
            answer = cloud.services.answer(Call(service, operation, parameters, ACCOUNT, REGION))
        else:
            asked = operation, repr(parameters)
            if asked not in told:
                told[asked] = original(self, service, operation, parameters, needs)
            answer = told[asked]
        if writes == point:
            raise Killed
        return answer

    monkeypatch.setattr(Client, "call", call)
    waiting, passes = [scheduled(ISOLATION, EACH)], 0
    while waiting:
        passes, point = passes + 1, 0
        given = waiting.pop()
        place = given.get("checkpoint", {})
        place["count"] = 1  # else there could not be so many
        # When all are read a hundred pages tell what Config holds: that takes all its time.
        asks = None if place.get("after") == last else 20
        while point >= 0:
            writes, point = 0, point + 1
            try:
                handle(given, Context(asks))
                point = -1
            except Killed:
                kills += 1
        # Who was killed after it had handed on did so twice, and what it handed on is done twice.
        *twice, given = cloud.services.invoked or [None]
        cloud.services.invoked.clear()
        for each in twice:
            handle(each, Context(20))
        cloud.services.invoked.clear()
        waiting = [given] if given else []
    assert compliance(cloud, ISOLATION) == expected
    assert passes > 12
    assert kills > 125


def test_a_pass_ends_some_time(cloud: Fake) -> None:
    cloud.page_size = 1
    populate(cloud, "ProcessingJob", 60)
    ends = run(cloud, scheduled(ISOLATION, EACH), lambda: Context(35))
    assert ends["failed"] == 1
    assert ends["done"] == 14


def test_who_can_t_go_on_says_so(cloud: Fake) -> None:
    populate(cloud, "ProcessingJob", 60)
    cloud.fail("Invoke")
    assert "lambda:Invoke is denied" in failing(scheduled(ISOLATION, EACH), Context(60))


def test_an_earlier_pass_does_not_undo_a_later_one(cloud: Fake) -> None:
    cloud.create("ProcessingJob", {"ProcessingJobName": "p"}, created=NOW)
    handle(scheduled(ISOLATION, EACH, at="2026-11-21T10:00:00Z"), Context())
    record = cloud.sagemaker.shelf(ACCOUNT, "us-east-1", "ProcessingJob").find("p")
    assert record is not None
    values = {"NetworkConfig": isolated(1)}
    cloud.create("ProcessingJob", {"ProcessingJobName": "p", **values}, created=datetime.now(UTC))
    handle(scheduled(ISOLATION, EACH), Context())
    assert compliance(cloud, ISOLATION)["ProcessingJob", "p"] == "NON_COMPLIANT"


PRIVATE, SUBNET = "private-subnets", "AWS::EC2::Subnet"


def surround(cloud: Fake) -> dict[tuple[str, str], str]:
    """Notebooks in two subnets of three, and what Config holds of a fourth; what is to be reported."""
    public = {"a": True, "b": False, "c": True}
    subnets = [
        {"SubnetId": f"subnet-{name}", "VpcId": "vpc-a", "MapPublicIpOnLaunch": it}
        for name, it in public.items()
    ]
    cloud.answer("ec2", "DescribeSubnets", {"Subnets": subnets})
    for name in "ab":
        cloud.create("NotebookInstance", {"NotebookInstanceName": name, "SubnetId": f"subnet-{name}"})
    told(cloud, PRIVATE, SUBNET, "subnet-gone", "COMPLIANT")
    verdicts = {"a": "NON_COMPLIANT", "b": "COMPLIANT", "gone": "NOT_APPLICABLE"}
    return {(SUBNET, f"subnet-{name}"): it for name, it in verdicts.items()} | {WHOLE: "NOT_APPLICABLE"}


def told(cloud: Fake, control: str, kind: str, name: str, compliance: str) -> None:
    """Config holds this of a day before."""
    cloud.services.compliance[ACCOUNT, f"sagemaker-{control}", kind, name] = {
        "ComplianceResourceType": kind,
        "ComplianceResourceId": name,
        "ComplianceType": compliance,
        "OrderingTimestamp": (NOW - timedelta(days=1)).isoformat(),
    }


@pytest.mark.no_cover  # one invocation covers as much
def test_what_notebooks_stand_in_is_judged_wherever_time_runs_out(
    cloud: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = surround(cloud)
    ends = Counter[str]()
    for asks, point in ((None, 0), (30, 0), (45, 31), (70, 9)):
        cloud.services.compliance.clear()
        told(cloud, PRIVATE, SUBNET, "subnet-gone", "COMPLIANT")
        ends += run(
            cloud,
            scheduled(PRIVATE),
            partial(Context, asks),
            partial(eq, point),
            monkeypatch,
        )
        assert compliance(cloud, PRIVATE) == expected
    assert ends["killed"] == 2
    assert ends["done"] > 6
    handle(scheduled(PRIVATE, {"environment": "whole"}), Context())
    assert compliance(cloud, PRIVATE)[SUBNET, "subnet-c"] == "NON_COMPLIANT"


@pytest.mark.parametrize(
    ("operation", "judged"),
    [("DescribeSubnets", False), ("ListNotebookInstances", False), ("ListModels", True)],
)
def test_what_leads_to_a_subnet_and_can_t_be_read_is_a_gap(cloud: Fake, operation: str, judged: bool) -> None:
    expected = surround(cloud)
    cloud.fail(operation)
    assert f"{operation} is denied" in failing(scheduled(PRIVATE))
    shown = compliance(cloud, PRIVATE)
    assert shown.pop((SUBNET, "subnet-gone")) == "COMPLIANT"  # until all can be read
    del expected[SUBNET, "subnet-gone"], expected[WHOLE]
    assert shown == (expected if judged else {})


def test_a_bucket_that_is_not_known_any_more_is_not_compliant_either(cloud: Fake) -> None:
    cloud.answer("s3", "ListBuckets", {"Buckets": [{"Name": "data"}]})
    cloud.create("TrainingJob", {"OutputDataConfig": {"S3OutputPath": "s3://data/out"}}, created=NOW)
    told(cloud, "trail-data-events", "AWS::S3::Bucket", "data", "COMPLIANT")
    cloud.fail("DescribeTrails")
    assert "cloudtrail:DescribeTrails is denied" in failing(scheduled("trail-data-events"))
    assert compliance(cloud, "trail-data-events") == {("AWS::S3::Bucket", "data"): "NOT_APPLICABLE"}
    assert annotations(cloud)[-1].startswith("not known any more")


def test_what_can_t_be_handed_on_is_a_gap(cloud: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    surround(cloud)
    monkeypatch.setattr(periodic, "MOST_KEPT", 10)
    ends = run(cloud, scheduled(PRIVATE), lambda: Context(30))
    assert ends["failed"] == 1
    assert compliance(cloud, PRIVATE) == {(SUBNET, "subnet-gone"): "COMPLIANT"}


def test_a_change_does_not_judge_what_several_resources_decide(cloud: Fake) -> None:
    kind, control = f"{SAGEMAKER}UserProfile", "studio-user-isolation"
    values = {"DomainId": "d-1", "UserProfileName": "p", "UserSettings": {"ExecutionRole": "r"}}
    assert handle(changed(item(kind, "d-1/p", values), control), Context())["evaluations"] == 0
    gone = item(kind, "d-1/p", None, configurationItemStatus="ResourceDeleted")
    handle(changed(gone, control), Context())
    assert compliance(cloud, control) == {("UserProfile", "d-1/p"): "NOT_APPLICABLE"}


@pytest.fixture(autouse=True)
def clean(cloud: Fake) -> Iterator[None]:
    yield
    assert not cloud.crashes
