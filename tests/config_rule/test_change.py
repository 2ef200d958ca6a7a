"""Notifications about single resources: message types, recorded types, and what is wrong with some."""

from __future__ import annotations

import json
from typing import Any

import pytest

from config_rules.handler import handle
from tests.config_rule.support import (
    ACCOUNT,
    AT,
    CONTROLS,
    SAGEMAKER,
    Context,
    annotations,
    changed,
    compliance,
    event,
    failing,
    item,
    oversized,
    scheduled,
)
from tests.fake_aws import Fake

NOTEBOOK, MODEL = f"{SAGEMAKER}NotebookInstance", f"{SAGEMAKER}Model"
BAD = {"NotebookInstanceName": "n", "RootAccess": "Enabled", "KmsKeyId": "secret-of-mine"}
GOOD = {**BAD, "RootAccess": "Disabled"}
ROOT = "notebook-root-access"


def test_a_recorded_resource_is_reported_with_property_and_remedy(cloud: Fake) -> None:
    assert handle(changed(item(NOTEBOOK, "n", BAD), ROOT), Context()) == {"evaluations": 1, "unknown": 0}
    (put,) = cloud.services.evaluations
    assert put["ComplianceResourceType"] == NOTEBOOK
    assert (put["ComplianceResourceId"], put["ComplianceType"]) == ("n", "NON_COMPLIANT")
    assert put["OrderingTimestamp"] == 1795168800
    assert put["Annotation"].startswith("RootAccess is 'Enabled', must be 'Disabled'. ")
    assert 100 < len(put["Annotation"]) <= 256
    handle(changed(item(NOTEBOOK, "n", GOOD, configurationItemStatus="ResourceDiscovered"), ROOT), Context())
    assert compliance(cloud, ROOT) == {("NotebookInstance", "n"): "COMPLIANT"}
    assert not cloud.calls.keys() - {"PutEvaluations"}


@pytest.mark.parametrize(
    ("recorded", "changes"),
    [
        (item(NOTEBOOK, "n", None, configurationItemStatus="ResourceDeleted"), {}),
        (item(NOTEBOOK, "n", None, configurationItemStatus="ResourceDeletedNotRecorded"), {}),
        (item(NOTEBOOK, "n", BAD, configurationItemStatus="ResourceNotRecorded"), {}),
        (item(NOTEBOOK, "n", BAD), {"eventLeftScope": True}),
        (item(MODEL, "n", {}), {}),
        (item("AWS::S3::Bucket", "n", {}), {}),
    ],
)
def test_what_is_gone_or_out_of_scope_is_not_applicable(cloud: Fake, recorded: Any, changes: Any) -> None:
    handle(changed(recorded, ROOT, **changes), Context())
    assert set(compliance(cloud, ROOT).values()) == {"NOT_APPLICABLE"}


def test_an_oversized_item_is_fetched(cloud: Fake) -> None:
    large = {"ModelName": "m", "Containers": [{"Image": "x" * 100} for _ in range(2000)]}
    recorded = item(MODEL, "m", large)
    cloud.services.history[MODEL, "m"] = {
        "version": "1.3",
        "accountId": ACCOUNT,
        "configurationItemCaptureTime": 1795168800,
        "configurationItemStatus": "OK",
        "configurationItemMD5Hash": "",
        "arn": recorded["ARN"],
        "resourceType": MODEL,
        "resourceId": "m",
        "resourceName": "m",
        "configuration": json.dumps(large),
    }
    handle(oversized(recorded, "network-isolation"), Context())
    assert compliance(cloud, "network-isolation") == {("Model", "m"): "NON_COMPLIANT"}
    asked = next(call for call in cloud.log if call.operation == "GetResourceConfigHistory").parameters
    assert asked == {"resourceType": MODEL, "resourceId": "m", "laterTime": 1795168800, "limit": 1}
    # Two hundred kilobytes in one notification are no trouble either.
    handle(changed({**recorded, "resourceId": "n"}, "network-isolation"), Context())
    assert compliance(cloud, "network-isolation")["Model", "n"] == "NON_COMPLIANT"
    gone = oversized(item(MODEL, "m", None, configurationItemStatus="ResourceDeleted"), "network-isolation")
    handle(gone, Context())
    assert compliance(cloud, "network-isolation")["Model", "m"] == "NOT_APPLICABLE"
    assert "ResourceNotDiscoveredException" in failing(
        oversized(item(MODEL, "other", None), "network-isolation")
    )


def test_what_config_lacks_is_described(cloud: Fake) -> None:
    values = {"InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "2"}}
    cloud.create("NotebookInstance", {"NotebookInstanceName": "n", **values})
    handle(changed(item(NOTEBOOK, "n", BAD), "notebook-imds-v2"), Context())
    assert compliance(cloud, "notebook-imds-v2") == {("NotebookInstance", "n"): "COMPLIANT"}
    assert cloud.calls["DescribeNotebookInstance"] == 1
    handle(changed(item(NOTEBOOK, "m", {**BAD, **values}), "notebook-imds-v2"), Context())
    assert cloud.calls["DescribeNotebookInstance"] == 1
    assert compliance(cloud, "notebook-imds-v2")["NotebookInstance", "m"] == "COMPLIANT"


def test_what_nobody_tells_is_unknown_and_counted(cloud: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    given = changed(item(NOTEBOOK, "n", BAD), "notebook-imds-v2")
    # Not there: a notification of its deletion will come.
    assert handle(given, Context()) == {"evaluations": 0, "unknown": 1}
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0]["resource"] == "n"
    assert lines[0]["property"].startswith("InstanceMetadataServiceConfiguration")
    assert lines[-1]["Unknown"] == 1
    assert lines[-1]["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"] == "Unknown"
    cloud.fail("DescribeNotebookInstance")
    assert "DescribeNotebookInstance is denied" in failing(given)
    assert not cloud.services.evaluations
    assert "canary" not in capsys.readouterr().out


def test_an_earlier_compliant_does_not_outlive_the_knowledge(cloud: Fake) -> None:
    control = "customer-managed-kms-key"
    values = {"KmsKeyId": "arn:aws:kms:eu-west-1:111122223333:key/k"}
    known = {"allowed-keys": values["KmsKeyId"]}
    handle(changed(item(NOTEBOOK, "n", values), control, known), Context())
    assert set(compliance(cloud, control).values()) == {"COMPLIANT"}
    given = changed(item(NOTEBOOK, "n", values), control)
    assert handle(given, Context()) == {"evaluations": 1, "unknown": 1}
    assert set(compliance(cloud, control).values()) == {"NOT_APPLICABLE"}
    assert annotations(cloud)[-1].startswith("not known any more, so not COMPLIANT either: KmsKeyId")
    assert handle(given, Context()) == {"evaluations": 0, "unknown": 1}
    # What was wrong is not right for being unknown.
    handle(changed(item(NOTEBOOK, "n", {}), control.replace("customer-managed", "volume")), Context())
    of = "volume-kms-key"
    assert set(compliance(cloud, of).values()) == {"NON_COMPLIANT"}
    cloud.fail("GetComplianceDetailsByResource")
    assert "an earlier evaluation: config:GetComplianceDetailsByResource is denied" in failing(given)


def test_a_gap_fails_the_invocation_after_the_rest_was_reported(cloud: Fake) -> None:
    cloud.fail("DescribeEndpointConfig")
    variants = [{"VariantName": "a", "ModelName": "m", "InstanceType": "ml.m5.large"}]
    recorded = item(f"{SAGEMAKER}EndpointConfig", "c", {"ProductionVariants": variants})
    controls = "volume-kms-key,endpoint-data-capture"
    assert "is denied" in failing(changed(recorded, controls))
    assert set(compliance(cloud, controls).values()) == {"NON_COMPLIANT"}
    assert annotations(cloud)[0].startswith("endpoint-data-capture: DataCaptureConfig is missing. ")


def test_batches_are_put_again_and_refused_ones_too(cloud: Fake, capsys: pytest.CaptureFixture[str]) -> None:
    cloud.fail("PutEvaluations", "ThrottlingException", times=3)
    refusals = iter([True, True])
    cloud.services.refuses = lambda each: next(refusals, False)
    handle(changed(item(NOTEBOOK, "n", BAD), ROOT), Context())
    assert cloud.calls["PutEvaluations"] == 6
    assert len(cloud.services.evaluations) == 1
    cloud.services.refuses = lambda each: True
    assert "1 evaluations were not taken" in failing(changed(item(NOTEBOOK, "n", BAD), ROOT))
    cloud.fail("PutEvaluations")
    assert "config:PutEvaluations is denied" in failing(changed(item(NOTEBOOK, "n", BAD), ROOT))


def test_nothing_is_kept_of_an_event_that_was_made_up(cloud: Fake) -> None:
    handle(changed(item(NOTEBOOK, "n", BAD), ROOT, resultToken="TESTMODE"), Context())
    assert cloud.calls["PutEvaluations"] == 1
    assert not cloud.services.evaluations


@pytest.mark.parametrize(
    ("exempt", "verdict", "said"),
    [
        ("n:2026-11-20", "NOT_APPLICABLE", "exempt until 2026-11-20"),
        ("other:2027-01-01, arn:aws:sagemaker:*/n:2027-01-01", "NOT_APPLICABLE", "exempt until 2027-01-01"),
        ("n:2026-11-19", "NON_COMPLIANT", "no longer exempt (it expired after 2026-11-19); RootAccess"),
        ("n:soon", "NON_COMPLIANT", "no longer exempt (expires is 'soon'"),
        ("n:2026-11-19,n*:2026-12-01", "NOT_APPLICABLE", "exempt until 2026-12-01"),
        ("m:2027-01-01", "NON_COMPLIANT", "RootAccess is"),
    ],
)
def test_exempt_resources(cloud: Fake, exempt: str, verdict: str, said: str) -> None:
    handle(changed(item(NOTEBOOK, "n", BAD), ROOT, {"exempt": exempt}), Context())
    assert compliance(cloud, ROOT) == {("NotebookInstance", "n"): verdict}
    assert annotations(cloud)[0].startswith(said)
    handle(changed(item(NOTEBOOK, "n", GOOD), ROOT, {"exempt": exempt}), Context())
    assert compliance(cloud, ROOT) == {("NotebookInstance", "n"): "COMPLIANT"}


def test_parameters_of_a_control_are_overridden(cloud: Fake) -> None:
    variants = [{"VariantName": "a", "ModelName": "m", "InitialInstanceCount": 2}]
    config = {"EndpointConfigName": "c", "ProductionVariants": variants}
    cloud.create("EndpointConfig", config)
    recorded, control = item(f"{SAGEMAKER}EndpointConfig", "c", config), "endpoint-multiple-instances"
    handle(changed(recorded, control), Context())
    assert set(compliance(cloud, control).values()) == {"COMPLIANT"}
    handle(changed(recorded, control, {"minimum-instances": "3"}), Context())
    assert set(compliance(cloud, control).values()) == {"NON_COMPLIANT"}
    keys = {"allowed-keys": "arn:aws:kms:*:111122223333:key/*, other"}
    named = item(NOTEBOOK, "n", {"KmsKeyId": "arn:aws:kms:eu-west-1:111122223333:key/k"})
    assert handle(changed(named, "customer-managed-kms-key"), Context())["unknown"] == 1
    handle(changed(named, "customer-managed-kms-key", keys), Context())
    assert set(compliance(cloud, "customer-managed-kms-key").values()) == {"COMPLIANT"}
    placed = item(NOTEBOOK, "n", {"SubnetId": "subnet-11111111", "SecurityGroupIds": ["sg-11111111"]})
    for allowed, said in (
        ({}, "COMPLIANT"),
        ({"allowed-subnets": "subnet-22222222, subnet-11111111"}, "COMPLIANT"),
        ({"allowed-subnets": "subnet-22222222"}, "NON_COMPLIANT"),
        ({"allowed-security-groups": "sg-22222222"}, "NON_COMPLIANT"),
    ):
        handle(changed(placed, "vpc-config", allowed), Context())
        assert set(compliance(cloud, "vpc-config").values()) == {said}
    assert annotations(cloud)[-1].startswith("SecurityGroupIds has an item that must be one of 'sg-22222222'")


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"control": "no-such-control"}, "unknown control 'no-such-control'"),
        ({"control": ""}, "name no control"),
        ({"allowed-kyes": "k"}, "no control of the rule has a parameter 'allowed-kyes'"),
        ({"control": "endpoint-multiple-instances", "minimum-instances": "many"}, "minimum-instances of"),
        ({"report": "all"}, "parameter report"),
        ({"since": "-1"}, "parameter since"),
    ],
)
def test_parameters_that_are_not_understood_are_refused(cloud: Fake, parameters: Any, why: str) -> None:
    assert why in failing(changed(item(NOTEBOOK, "n", BAD), ROOT, parameters))
    assert not cloud.calls


def _without(name: str) -> dict[str, Any]:
    recorded = item(NOTEBOOK, "n", BAD)
    del recorded[name]
    return recorded


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([], "the event is no JSON object"),
        ({}, "invokingEvent of the event is no JSON object"),
        (event({"messageType": "secret-of-mine\x1b" * 9}, ROOT), "messageType"),
        (
            event({"messageType": "ConfigurationItemChangeNotification"}, ROOT),
            "configurationItem of the event",
        ),
        (changed(_without("resourceId"), ROOT), "no resourceId"),
        (changed(_without("configurationItemCaptureTime"), ROOT), "does not tell its time"),
        (changed(item(NOTEBOOK, "n", BAD), ROOT, ruleParameters="[["), "name no control"),
        (changed(item(NOTEBOOK, "n", BAD), ROOT, configRuleArn="x"), "configRuleArn"),
        (changed(item(NOTEBOOK, "n", BAD), ROOT, accountId="x"), "accountId"),
        (changed(item(NOTEBOOK, "n", None), ROOT), "its configuration is no JSON object"),
        (changed(item(NOTEBOOK, "n", "[" * 100_000), ROOT), "its configuration is no JSON object"),
        (changed(item(NOTEBOOK, "n", "secret-of-mine"), ROOT), "its configuration is no JSON object"),
        (changed(item(NOTEBOOK, "n", BAD), ROOT, accountId="444455556666", executionRoleArn="x"), "no role"),
    ],
)
def test_bad_events_are_said_without_what_they_hold(
    cloud: Fake, given: Any, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = failing(given)
    said = capsys.readouterr().out
    assert why in told
    assert '"level": "ERROR"' in said
    assert "secret-of-mine\x1b" not in said + told
    assert "secret-of-mine" not in said or "messageType" in said
    assert not cloud.services.evaluations


def test_another_account_is_entered_by_its_role(cloud: Fake) -> None:
    there = "444455556666"
    arn = f"arn:aws:iam::{there}:role/Config"
    for parameters, role in (
        ({}, arn),
        ({"role": "audit/reader"}, f"arn:aws:iam::{there}:role/audit/reader"),
    ):
        cloud.log.clear()
        given = changed(item(NOTEBOOK, "n", BAD), ROOT, parameters, accountId=there, executionRoleArn=arn)
        handle(given, Context())
        assumed, put = cloud.log
        assert (assumed.operation, assumed.parameters["RoleArn"]) == ("AssumeRole", role)
        assert (put.operation, put.account) == ("PutEvaluations", there)
    wrong = changed(item(NOTEBOOK, "n", BAD), ROOT, accountId=there)
    assert "no role of the evaluated account" in failing(wrong)


def test_every_control_takes_every_recorded_type(cloud: Fake) -> None:
    """Items with nothing in them: what the API does not know of them either is unknown, never compliant."""
    from scanner.audit import acquisition

    for name, how in acquisition.load().items():
        if how.config.trigger == "change":
            handle(changed(item(name, "x", {}), ",".join(CONTROLS)), Context())
    assert set(compliance(cloud, CONTROLS[0]).values()) <= {"NON_COMPLIANT", "NOT_APPLICABLE"}


def test_the_time_of_a_scheduled_notification_counts(cloud: Fake) -> None:
    handle(scheduled(ROOT, at="2026-11-21T00:00:00Z"), Context())
    (put,) = cloud.services.evaluations
    assert put["ComplianceResourceType"] == "AWS::::Account"
    assert put["ComplianceType"] == "NOT_APPLICABLE"
    assert put["OrderingTimestamp"] == 1795219200
    assert AT < "2026-11-21"


def test_tags_stand_beside_the_configuration(cloud: Fake) -> None:
    """Where the item has none the API is asked, since no source says that Config records them."""
    tags, asked = "required-tags", {"required-tags": "owner,project"}
    both = {"owner": "me", "project": "p"}
    record = cloud.create("Model", {"ModelName": "asked", "ExecutionRoleArn": "r"}, tags=both)
    bare = cloud.create("Model", {"ModelName": "bare", "ExecutionRoleArn": "r"})
    handle(changed(item(MODEL, "told", {}, tags=both), tags, asked), Context())
    handle(changed(item(MODEL, "lacking", {}, tags={"owner": "me"}), tags, asked), Context())
    assert not cloud.calls["GetResources"]
    handle(changed(item(MODEL, "asked", {}, ARN=record.arn), tags, asked), Context())
    handle(changed(item(MODEL, "bare", {}, ARN=bare.arn), tags, asked), Context())
    handle(changed(item(MODEL, "nameless", {}, ARN=None), tags, asked), Context())
    handle(changed(item(MODEL, "unasked", {}, ARN=bare.arn), tags), Context())
    cloud.fail("GetResources", "AccessDeniedException")
    assert "tag:GetResources is denied" in failing(changed(item(MODEL, "denied", {}), tags, asked))
    every = {"report": "resource", "since": "all"}
    cloud.create("Space", {"SpaceName": "s", "DomainId": "d-1"}, tags=both)
    assert "tags: tag:GetResources is denied" in failing(scheduled(tags, {**asked, **every}))
    assert compliance(cloud, tags) == {
        ("Model", "told"): "COMPLIANT",
        ("Model", "lacking"): "NON_COMPLIANT",
        ("Model", "asked"): "COMPLIANT",
        ("Model", "bare"): "NON_COMPLIANT",
        ("Model", "unasked"): "NOT_APPLICABLE",
    }
