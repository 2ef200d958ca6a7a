"""`smguard config-rules diff`: accounts whose rules, functions and hook differ from the pack, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner
from moto.server import ThreadedMotoServer

from scanner import catalog
from scanner.audit.access import forget
from scanner.audit.pace import Clock
from scanner.cli.commands import group
from scanner.deploy import bundle
from scanner.deploy.bundle import bundles
from scanner.deploy.drift import HOOK
from scanner.deploy.guard import guard_template
from scanner.deploy.rule import rules
from scanner.deploy.template import account_template
from tests.fake_aws import Fake
from tests.fake_aws.wire import AwsError
from tools.generate_config_rules import guarded

ARN = "arn:aws:lambda:us-east-1:111122223333:function:smguard-"
CATALOG = catalog.load()
STACK: dict[str, Any] = {}
Rows = dict[str, dict[str, Any]]


def stack() -> dict[str, Any]:
    if not STACK:
        STACK.update(made=bundles())
        STACK.update(template=account_template(CATALOG, STACK["made"]))
    return STACK


def resolved(node: Any) -> Any:
    """A resource with the stack's defaults."""
    known = {"Schedule": "TwentyFour_Hours", "SinceDays": "90"}
    if isinstance(node, dict):
        if "Fn::If" in node:
            return None
        if "Fn::GetAtt" in node:
            return f"{ARN}rules"
        if node.keys() == {"Ref"}:
            return known[node["Ref"]]
        return {key: each for key, below in node.items() if (each := resolved(below)) is not None}
    return [resolved(each) for each in node] if isinstance(node, list) else node


def rows_of(template: dict[str, Any]) -> Rows:
    """The rules of a stack as DescribeConfigRules gives them, by name."""
    found = {}
    for body in template["Resources"].values():
        if body["Type"] == "AWS::Config::ConfigRule":
            row = resolved(body["Properties"])
            row["ConfigRuleState"] = "ACTIVE"
            if "InputParameters" in row:
                row["InputParameters"] = json.dumps(row["InputParameters"])
            found[row["ConfigRuleName"]] = row
    return found


def tags_of(kind: str) -> dict[str, str]:
    name = {"rules": "RulesFunction", "hook": "HookFunction"}[kind]
    return {it["Key"]: it["Value"] for it in stack()["template"]["Resources"][name]["Properties"]["Tags"]}


class Account:
    """An account of the fake with the stack deployed, but for what a test changes."""

    def __init__(self, fake: Fake) -> None:
        self.fake = fake
        self.rows = deepcopy(rows_of(stack()["template"]))
        self.functions = {
            f"{ARN}{kind}": {
                "Configuration": {"CodeSha256": stack()["made"][kind].code_sha256},
                "Tags": tags_of(kind),
            }
            for kind in ("rules", "hook")
        }
        self.hook: dict[str, Any] | None = {
            "CloudFormationConfiguration": {
                "HookConfiguration": {
                    "HookInvocationStatus": "ENABLED",
                    "FailureMode": "WARN",
                    "Properties": {"LambdaFunction": f"{ARN}hook"},
                }
            }
        }
        self.policies: dict[str, str] = {}
        fake.answer("config", "DescribeConfigRules", self.describe)
        fake.answer("config", "GetCustomRulePolicy", self.policy)
        fake.answer("lambda", "GetFunction", self.function)
        fake.answer("cloudformation", "BatchDescribeTypeConfigurations", self.configuration)

    def describe(self, call: Any) -> dict[str, Any]:
        start, rows = int(call.parameters.get("NextToken", 0)), list(self.rows.values())
        more = {"NextToken": str(start + 10)} if len(rows) > start + 10 else {}
        return {"ConfigRules": rows[start : start + 10], **more}

    def policy(self, call: Any) -> dict[str, Any]:
        return {"PolicyText": self.policies[call.parameters["ConfigRuleName"]]}

    def function(self, call: Any) -> dict[str, Any]:
        found = self.functions.get(call.parameters["FunctionName"])
        if found is None:
            raise AwsError("ResourceNotFoundException", "Function not found", 404)
        return found

    def configuration(self, call: Any) -> dict[str, Any]:
        if self.hook is None:
            raise AwsError("TypeConfigurationNotFoundException", "not there", 404)
        return {"TypeConfigurations": [{"TypeName": HOOK, "Configuration": json.dumps(self.hook)}]}


@pytest.fixture
def account(aws: Fake, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setattr(Clock, "wait_until", lambda clock, moment: None)  # the fake has no rate to keep to
    monkeypatch.setattr(bundle, "bundles", lambda: stack()["made"])  # which takes a second
    forget()
    yield Account(aws)
    forget()


def diff(*words: str) -> Any:
    return CliRunner().invoke(group, ["config-rules", "diff", *words], standalone_mode=False)


def report() -> tuple[int, list[str], list[str]]:
    """The exit code, the differences as "kind part: what", and what could not be read."""
    result = diff("-f", "json")
    if result.exception:
        raise result.exception
    (scope,) = json.loads(result.stdout)["scopes"]
    found = [f"{it['kind']} {it['part']}: {it['what']}" for it in scope["differences"]]
    return result.return_value, found, [it["what"] for it in scope["gaps"]]


def test_what_is_deployed_as_it_is(account: Account) -> None:
    assert report() == (0, [], [])
    result = diff()
    assert (result.return_value, result.stdout) == (0, "111122223333/us-east-1\n  No differences\n")
    assert account.fake.calls["DescribeConfigRules"] >= 4, "pages"


def test_what_users_have_set_is_said_and_no_difference(account: Account) -> None:
    row = account.rows["sagemaker-vpc-config"]
    given = {"allowed-subnets": "subnet-11111111", "exempt": "old-*:2027-01-01", "since": "30"}
    row["InputParameters"] = json.dumps({**json.loads(row["InputParameters"]), **given})
    row["Source"]["SourceDetails"][-1]["MaximumExecutionFrequency"] = "One_Hour"
    assert account.hook is not None
    account.hook["CloudFormationConfiguration"]["HookConfiguration"]["FailureMode"] = "FAIL"
    variables = {"SMGUARD_HOOK_FAIL_ON": "high", "SMGUARD_HOOK_WARN": "", "SMGUARD_HOOK_UNKNOWN": "warn"}
    account.functions[f"{ARN}hook"]["Configuration"]["Environment"] = {"Variables": variables}
    assert report() == (0, [], [])
    (scope,) = json.loads(diff("-f", "json").stdout)["scopes"]
    rule, hook = "rule sagemaker-vpc-config", f"hook {HOOK}"
    assert [tuple(it.values()) for it in scope["settings"]] == [
        (rule, "allowed-subnets", "subnet-11111111", ""),
        (rule, "exempt", "old-*:2027-01-01", ""),
        (rule, "since", "30", "90"),
        (rule, "schedule", "One_Hour", "TwentyFour_Hours"),
        (hook, "FailureMode", "FAIL", "WARN"),
        ("function smguard-hook", "SMGUARD_HOOK_FAIL_ON", "high", "low"),
    ]
    assert "  set by you: since of rule sagemaker-vpc-config is 30 (default 90)\n" in diff().stdout


def test_rules_of_others_and_of_conformance_packs(account: Account) -> None:
    account.rows["s3"] = {
        "ConfigRuleName": "s3-bucket-ssl-requests-only",
        "Source": {"Owner": "AWS", "SourceIdentifier": "S3_BUCKET_SSL_REQUESTS_ONLY"},
    }
    account.rows["own"] = {
        "ConfigRuleName": "their-own",
        "InputParameters": "[]",
        "Source": {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": f"{ARN}other"},
    }
    for row in account.rows.values():
        if row["ConfigRuleName"].startswith("sagemaker-"):
            row["ConfigRuleName"] += "-conformance-pack-a1b2c3"
    assert report() == (0, [], [])


def without(rows: Rows) -> None:
    del rows["sagemaker-vpc-config"]


def retired(rows: Rows) -> None:
    row = rows["sagemaker-vpc-config"] = deepcopy(rows["sagemaker-vpc-config"])
    rows["more"] = {**row, "ConfigRuleName": "sagemaker-no-such", "InputParameters": '{"control": "no-such"}'}


def unscheduled(rows: Rows) -> None:
    details = rows["sagemaker-vpc-config"]["Source"]["SourceDetails"]
    details[:] = [it for it in details if it["MessageType"] != "ScheduledNotification"]


def narrowed(rows: Rows) -> None:
    rows["sagemaker-vpc-config"]["Scope"] = {"ComplianceResourceTypes": ["AWS::SageMaker::Model"]}


def misspelt(rows: Rows) -> None:
    given = {"control": "vpc-config", "exemptions": "x:2027-01-01", "exempt": "y:2027-01-01"}
    rows["sagemaker-vpc-config"]["InputParameters"] = json.dumps(given)


def deleting(rows: Rows) -> None:
    rows["sagemaker-vpc-config"]["ConfigRuleState"] = "DELETING"


def unreadable(rows: Rows) -> None:
    rows["sagemaker-vpc-config"]["InputParameters"] = "{"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (without, ["missing rule sagemaker-vpc-config: no rule judges by this control"]),
        (retired, ["extra rule sagemaker-no-such: the pack has no control no-such"]),
        (unscheduled, ["changed rule sagemaker-vpc-config: it does not listen to ScheduledNotification"]),
        (misspelt, ["changed rule sagemaker-vpc-config: its control has no parameter exemptions"]),
        (deleting, ["changed rule sagemaker-vpc-config: it is in state DELETING"]),
        (
            unreadable,
            [
                "extra rule sagemaker-vpc-config: the pack has no control of this name",
                "missing rule sagemaker-vpc-config: no rule judges by this control",
            ],
        ),
    ],
)
def test_rules_that_differ(account: Account, change: Callable[[Rows], None], expected: list[str]) -> None:
    change(account.rows)
    assert report() == (1, expected, [])


def test_a_scope_that_leaves_types_out(account: Account) -> None:
    narrowed(account.rows)
    code, (found,), gaps = report()
    assert (code, gaps) == (1, [])
    assert found.startswith(
        "changed rule sagemaker-vpc-config: its scope leaves out AWS::SageMaker::DataQuality"
    )


def test_code_of_another_version(account: Account) -> None:
    function = account.functions[f"{ARN}rules"]
    function["Tags"] = {**function["Tags"], "smguard:version": "0.0.9"}
    del function["Tags"]["smguard:code"]
    function["Configuration"] = {"CodeSha256": "bm90IG91cnM="}
    code, found, gaps = report()
    assert (code, gaps) == (1, [])
    assert found[0].startswith("changed function smguard-rules: smguard:version is 0.0.9, the pack's is ")
    assert found[1].startswith("changed function smguard-rules: smguard:code is not given, the pack's is ")
    assert found[2:] == ["changed function smguard-rules: its code is not that of the pack's zip"]
    table = diff().stdout.splitlines()
    assert table[-1] == "  3 differences"
    assert table[1] == "  changed function smguard-rules"
    assert table[2].startswith("    smguard:version is 0.0.9")


def test_a_function_that_is_gone(account: Account) -> None:
    del account.functions[f"{ARN}rules"]
    assert report() == (1, ["missing function smguard-rules: rules call it, and it is not there"], [])


def test_hooks(account: Account) -> None:
    settings = account.hook["CloudFormationConfiguration"]["HookConfiguration"]
    settings["HookInvocationStatus"] = "DISABLED"
    assert report() == (1, [f"changed hook {HOOK}: it is not enabled"], [])
    settings["HookInvocationStatus"] = "ENABLED"
    account.functions[f"{ARN}hook"]["Configuration"] = {"CodeSha256": "bm90IG91cnM="}
    assert report() == (1, ["changed function smguard-hook: its code is not that of the pack's zip"], [])
    account.hook = {"CloudFormationConfiguration": []}
    code, found, (gap,) = report()
    assert (code, found, gap) == (3, [], f"hook {HOOK}: its configuration can't be read")
    account.hook = None
    assert report() == (1, [f"missing hook {HOOK}: CloudFormation does not know it"], [])
    account.fake.answer("cloudformation", "BatchDescribeTypeConfigurations", {"TypeConfigurations": []})
    assert report() == (1, [f"missing hook {HOOK}: CloudFormation does not know it"], [])


@pytest.mark.parametrize(
    "operation", ["DescribeConfigRules", "GetFunction", "BatchDescribeTypeConfigurations"]
)
def test_what_can_not_be_read_is_no_difference(account: Account, operation: str, tmp_path: Path) -> None:
    account.fake.fail(operation, times=1_000)
    code, found, gaps = report()
    assert (code, found) == (3, [])
    assert gaps
    assert all(f"{operation} is denied" in gap for gap in gaps)
    file = tmp_path / "diff.txt"
    assert diff("-o", str(file)).return_value == 3
    assert "nothing can be said of the rest" in file.read_text()


@pytest.mark.no_cover  # each has a test of its own
def test_differences_come_before_what_can_not_be_read(account: Account) -> None:
    without(account.rows)
    account.fake.fail("GetFunction", times=1_000)
    code, found, gaps = report()
    assert (code, len(found), len(gaps)) == (1, 1, 2)


def test_rules_in_the_guard_language(account: Account) -> None:
    account.rows = rows_of(guard_template(guarded()))
    account.policies = {
        name: row["Source"]["CustomPolicyDetails"].pop("PolicyText") for name, row in account.rows.items()
    }
    account.hook = None
    assert report() == (0, [], []), "no hook, no function and no rule of what Guard can't say is asked for"
    account.policies["sagemaker-vpc-config"] += "rule more { Properties exists }\n"
    assert report() == (1, ["changed rule sagemaker-vpc-config: its policy is not the pack's"], [])
    account.fake.fail("GetCustomRulePolicy", times=1_000)
    assert report()[0] == 3


def test_nothing_is_deployed(account: Account) -> None:
    account.rows, account.hook = {}, None
    code, found, gaps = report()
    assert (code, len(found), gaps) == (1, len(rules(CATALOG)) + 1, [])
    assert {it.split()[0] for it in found} == {"missing"}


@pytest.mark.no_cover  # ours covers as much
def test_rules_and_function_as_another_double_of_aws_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto checks what rules and functions are made with; of hooks it knows nothing."""
    monkeypatch.setattr(Clock, "wait_until", lambda clock, moment: None)
    monkeypatch.setattr(bundle, "bundles", lambda: stack()["made"])
    forget()
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "secret-of-nobody",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    try:
        trust = {"Version": "2012-10-17", "Statement": []}
        made = stack()["made"]["rules"]
        role = boto3.client("iam").create_role(RoleName="rules", AssumeRolePolicyDocument=json.dumps(trust))
        function = boto3.client("lambda").create_function(
            FunctionName="smguard-rules",
            Runtime="python3.13",
            Role=role["Role"]["Arn"],
            Handler="config_rules.handler.handle",
            Code={"ZipFile": made.content},
            Tags=tags_of("rules"),
        )
        config = boto3.client("config")
        rows = rows_of(stack()["template"])
        put = ("sagemaker-notebook-root-access", "sagemaker-vpc-config", "sagemaker-output-kms-key")
        for row in (rows[name] for name in put):
            row["Source"]["SourceIdentifier"] = function["FunctionArn"]
            config.put_config_rule(ConfigRule={key: row[key] for key in row if key != "ConfigRuleState"})
        code, found, gaps = report()
        missing = {f"missing rule {name}: no rule judges by this control" for name in rows.keys() - set(put)}
        assert (code, set(found)) == (1, missing)
        assert [gap.partition(":")[0] for gap in gaps] == ["hook Smguard"]
        config.delete_config_rule(ConfigRuleName="sagemaker-vpc-config")
        assert set(report()[1]) - missing == {
            "missing rule sagemaker-vpc-config: no rule judges by this control"
        }
    finally:
        server.stop()
        forget()
