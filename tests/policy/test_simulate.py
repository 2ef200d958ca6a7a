"""`smguard policies simulate` as a person meets it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from click.testing import CliRunner

from scanner.cli.policies_simulate import command
from scanner.model import SmguardError
from scanner.policy import aws_oracle
from scanner.policy.decide import Policies, decide
from scanner.policy.document import read_policy, take_policy
from scanner.policy.request import Request
from tests.door import Ran, assert_inert, called, smguard

KEY = "arn:aws:kms:us-east-1:111122223333:key/1"
ROLE = "arn:aws:iam::111122223333:role/app"
USER = "arn:aws:iam::111122223333:user/ann"
ALL = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}],
}


def deny(sid: str, action: str, **condition: Any) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Deny", "Action": action, "Resource": "*", "Condition": condition}


GUARDS = {
    "Version": "2012-10-17",
    "Statement": [
        deny("VolumeKey", "sagemaker:Create*Job", Null={"sagemaker:VolumeKmsKeyArn": "true"}),
        deny("OldVolumeKey", "sagemaker:CreateTransformJob", Null={"sagemaker:VolumeKmsKey": "true"}),
        deny("Isolation", "sagemaker:CreateTrainingJob", Bool={"sagemaker:NetworkIsolation": "false"}),
        deny("Subnets", "sagemaker:CreateTrainingJob", StringEquals={"sagemaker:VpcSubnets": "subnet-9"}),
        deny("Regions", "s3:*", StringNotEquals={"aws:RequestedRegion": ["eu-west-1"]}),
    ],
}
JOB = {"ResourceConfig": {"VolumeKmsKeyId": KEY}, "VpcConfig": {"Subnets": ["subnet-9", "subnet-1"]}}


def simulate(*words: str | Path, run: Callable[..., Ran] = called, **how: Any) -> Ran:
    return run("policies", "simulate", *words, **how)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scp").mkdir()
    for name, content in {
        "scp/guards.json": GUARDS,
        "scp/full.json": ALL,
        "job.json": JOB,
        "bare.json": {},
        "create-training-job.json": {},
        "transform.json": {"TransformResources": {"VolumeKmsKeyId": KEY}},
        "context.json": {"aws:RequestedRegion": "eu-west-1"},
        "models.json": {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"},
        },
        "bucket.json": {
            "Version": "2012-10-17",
            "Statement": {
                "Sid": "Theirs",
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": "*",
            },
        },
    }.items():
        (tmp_path / name).write_text(json.dumps(content))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "decision", "by", "layer"),
    [
        ("CreateTrainingJob --call job.json --scp scp", "Allowed", None, "identity"),
        ("CreateTrainingJob --call bare.json --scp scp", "ExplicitlyDenied", "VolumeKey", "scp 1"),
        ("--call create-training-job.json --scp scp", "ExplicitlyDenied", "VolumeKey", "scp 1"),
        (
            "CreateTrainingJob --call job.json --scp scp --omitted default",
            "ExplicitlyDenied",
            "Isolation",
            "scp 1",
        ),
        ("CreateTransformJob --call transform.json --scp scp", "Allowed", None, "identity"),
        (
            "CreateTransformJob --call transform.json --scp scp --deprecated dropped",
            "ExplicitlyDenied",
            "OldVolumeKey",
            "scp 1",
        ),
        ("s3:GetObject --scp scp", "ExplicitlyDenied", "Regions", "scp 1"),
        ("s3:GetObject --scp scp --context aws:RequestedRegion=eu-west-1", "Allowed", None, "identity"),
        ("s3:GetObject --scp scp --context context.json", "Allowed", None, "identity"),
        (
            "s3:GetObject --scp models.json --scp scp --context context.json",
            "ImplicitlyDenied",
            None,
            "scp 1",
        ),
        ("s3:GetObject --scp scp/guards.json --context context.json", "Allowed", None, "identity"),
        ("s3:GetObject --identity models.json", "ImplicitlyDenied", None, "identity"),
        ("s3:GetObject --boundary models.json", "ImplicitlyDenied", None, "boundary"),
        ("s3:GetObject --session models.json", "ImplicitlyDenied", None, "session"),
        ("s3:GetObject --vpc-endpoint bucket.json", "Allowed", None, "identity"),
        ("sagemaker:ListModels --vpc-endpoint bucket.json", "ImplicitlyDenied", None, "vpc_endpoint"),
        ("s3:GetObject --account 444455556666", "ImplicitlyDenied", None, "resource_policy"),
        (
            "s3:GetObject --identity models.json --resource-policy bucket.json",
            "Allowed",
            "Theirs",
            "resource_policy",
        ),
        ("s3:GetObject --principal 111122223333 --identity models.json", "Allowed", None, None),
    ],
)
def test_decisions(folder: Path, words: str, decision: str, by: str | None, layer: str | None) -> None:
    ran = simulate(*words.split(), "-f", "json", cwd=folder)
    assert (ran.code, ran.err) == (0, "")
    assert [ran.report[name] for name in ("decision", "by", "layer")] == [decision, by, layer]


def test_the_table_says_why_each_statement_applies_or_not(folder: Path) -> None:
    ran = simulate("CreateTrainingJob", "--call", "job.json", "--scp", "scp", "--both", cwd=folder)
    assert ran.code == 0
    assert_inert(ran.out)
    text = " ".join(ran.out.split())
    for expected in (
        "Allowed (identity)",
        "scp 1: Deny VolumeKey, scp/guards.json Statement[0] Null sagemaker:VolumeKmsKeyArn is not met",
        "Bool sagemaker:NetworkIsolation is not met: the request has no such key",
        "sagemaker:VpcSubnets is not met: the request has a list, which needs ForAllValues or ForAnyValue",
        "scp 1: Allow All, scp/full.json Statement[0] applies",
        "2 statements about other actions; --all lists them.",
        "Assumed: the key of an omitted parameter is absent.",
        "Assumed: AWS still sends the deprecated key sagemaker:VolumeKmsKey.",
        "The decision depends on what AWS sends:",
        "omitted default, deprecated keys dropped ExplicitlyDenied by Isolation",
    ):
        assert expected in text, expected
    listed = simulate("CreateTrainingJob", "--call", "job.json", "--scp", "scp", "--all", cwd=folder).out
    assert "it is not about this action" in listed


def test_the_json_report_holds_every_statement(folder: Path) -> None:
    report = simulate(
        "s3:GetObject", "--scp", "scp", "--both", "--call", "job.json", "-f", "json", cwd=folder
    )
    assert report.code == 2
    report = simulate(
        "CreateTrainingJob", "--call", "bare.json", "--scp", "scp", "--both", "-f", "json", cwd=folder
    ).report
    assert (report["schema_version"], report["kind"], report["tool"]["name"]) == (1, "simulate", "smguard")
    assert report["depends"] is False
    assert len(report["worlds"]) == 4
    assert {each["by"] for each in report["worlds"]} == {"VolumeKey"}
    statements = {each["sid"]: each for each in report["statements"]}
    assert statements["VolumeKey"] == {
        "layer": "scp",
        "level": 1,
        "policy": "scp/guards.json",
        "sid": "VolumeKey",
        "path": "Statement[0]",
        "effect": "Deny",
        "applies": True,
        "why": "",
    }
    assert statements["Regions"]["why"] == "it is not about this action"


def test_a_report_is_written_whole(folder: Path) -> None:
    assert simulate("s3:GetObject", "-f", "json", "-o", "out.json", cwd=folder).out == ""
    assert json.loads((folder / "out.json").read_text())["decision"] == "Allowed"


OPEN = '{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*", '
BROKEN = {
    "{": "p.json:1:2: expected a key in double quotes",
    "[]": "p.json: is no JSON object",
    '{"Statement": 1}': "p.json:1:2: Statement is neither a statement nor a list of them",
    '{"Version": "2012-10-18", "Statement": []}': "p.json:1:2: Version is not 2012-10-17 or 2008-10-17",
    '{"Version": "2012-10-17"}': "p.json: is no policy: it has no Statement",
    '{"Statement": [], "Statemnt": []}': "p.json:1:19: Statemnt is no element of a policy",
    '{"Statement": [{"Effect": "allow"}]}': "p.json:1:17: Statement[0].Effect is not Allow or Deny",
    '{"Statement": [[]]}': "p.json:1:16: Statement[0] is no JSON object",
    '{"Statement": {"Effect": "Deny", "Effect": "Deny"}}': "Effect is written twice, on lines 1 and 1",
    '{"Statement": {"Effect": "Deny", "Sid": 1}}': "Statement.Sid is no text",
    '{"Statement": {"Effect": "Deny"}}': "Statement has neither Action nor NotAction",
    '{"Statement": {"Effect": "Deny", "Action": "*"}}': "Statement has neither Resource nor NotResource",
    OPEN + '"NotAction": "*"}}': "has both Action and NotAction",
    '{"Statement": {"Effect": "Deny", "Action": [], "Resource": "*"}}': "Action is neither a text",
    '{"Statement": {"Effect": "Deny", "Action": "s*:*", "Resource": "*"}}': "Action names no action",
    OPEN + '"Principal": 1}}': 'Statement.Principal is neither "*" nor an object',
    OPEN + '"Principal": "*"}}': "Statement can't have a Principal",
    OPEN + '"Condition": {"Boolean": {}}}}': "'Boolean' is no condition operator",
    OPEN + '"Condition": {"Bool": {"aws:b": null}}}}': "Condition.Bool.aws:b holds more than texts",
    '{"a":' * 70 + "1" + "}" * 70: "is nested deeper than 64 levels",
}


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: BROKEN[text][:60])
def test_a_broken_policy_is_a_located_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.json").write_text(text)
    ran = simulate("s3:GetObject", "--identity", "p.json", "-o", "out", cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert BROKEN[text] in ran.err
    assert "p.json" in ran.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "what is asked for is missing"),
        ("GetObject", "request: action is no action such as sagemaker:CreateModel"),
        ("s3:Get*", "request: action is no action"),
        ("s3:GetObject --call job.json", "'s3:GetObject' is no SageMaker action"),
        ("s3:GetObject --principal ann", "request: principal is no ARN of IAM or STS"),
        ("s3:GetObject --account 1", "request: account is no account id of 12 digits"),
        ("s3:GetObject --both", "--both needs --call"),
        ("s3:GetObject --scp none.json", "none.json: can't be read"),
        ("s3:GetObject --scp empty", "empty: holds no policy"),
        ("s3:GetObject --context aws:x=1 --context AWS:X=2", "context.AWS:X is there twice"),
        ("s3:GetObject --context twice.json", "twice.json:1: 'a' is written twice"),
        ("s3:GetObject --context list.json", "list.json: is no JSON object"),
        ("s3:GetObject --resource-policy scp/full.json", "scp/full.json: Statement[0] needs a Principal"),
        ("--scenarios none", "none: can't be read"),
        ("s3:GetObject --scenarios none", "--scenarios bring their own requests"),
    ],
)
def test_wrong_usage_is_an_error(folder: Path, words: str, said: str) -> None:
    (folder / "empty").mkdir()
    (folder / "twice.json").write_text('{"a": 1, "a": 2}')
    (folder / "list.json").write_text("[]")
    ran = simulate(*words.split(), cwd=folder)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def scenario(**changes: Any) -> dict[str, Any]:
    return {"id": "a", "request": {"principal": ROLE, "action": "s3:GetObject"}, "identity": [ALL], **changes}


def test_scenarios_are_answered_line_by_line() -> None:
    denied = {"Version": "2012-10-17", "Statement": [deny("Never", "s3:*")]}
    lines = [
        scenario(),
        scenario(
            id=2, scp=[[ALL], [ALL, denied]], rcp=None, boundary=None, session=None, resource_policy=None
        ),
        scenario(id=None, scp=[[ALL], []], vpc_endpoint=None),
        scenario(
            request={
                "principal": ROLE,
                "action": "sagemaker:CreateModel",
                "resource": "*",
                "account": None,
                "context": {"sagemaker:VolumeKmsKey": KEY},
            }
        ),
    ]
    given = "\n\n".join(json.dumps(each) for each in lines).encode() + b"\n"
    ran = simulate("--scenarios", "-", given=given)
    assert (ran.code, ran.err) == (0, "")
    assert [json.loads(line) for line in ran.out.splitlines()] == [
        {"id": "a", "decision": "Allowed", "by": "All", "assumptions": []},
        {"id": 2, "decision": "ExplicitlyDenied", "by": "Never", "assumptions": []},
        {"id": None, "decision": "ImplicitlyDenied", "by": None, "assumptions": []},
        {
            "id": "a",
            "decision": "Allowed",
            "by": "All",
            "assumptions": ["AWS still sends the deprecated key sagemaker:VolumeKmsKey"],
        },
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", ": is no JSON: "),
        (b"[1]", "lines:2: is no scenario"),
        (b"{}", "lines:2: is no scenario"),
        (b"\xff", "lines:2: is not UTF-8 at byte 0 of the line"),
        (b"[" * 100_000, "lines:2: is no JSON that can be read"),
        (b'{"id": NaN}', "lines:2: NaN is no number of JSON"),
        (b'{"id": 1, "id": 2}', "lines:2: 'id' is written twice in one object"),
        (scenario(id=[]), "lines:2: id is no text"),
        (scenario(extra=1), "lines:2: extra is no field of a scenario"),
        (scenario(scp=ALL), "lines:2: scp is no list"),
        (scenario(scp=[ALL]), "lines:2: scp[0] is no list"),
        (scenario(scp=[[ALL], [{}]]), "lines:2: scp[1][0]: is no policy: it has no Statement"),
        (scenario(identity="x"), "lines:2: identity is no list"),
        (
            scenario(boundary={"Statement": [{"Effect": "Maybe"}]}),
            "boundary: Statement[0].Effect is not Allow or Deny",
        ),
        (scenario(request=[]), "lines:2: request: is no JSON object"),
        (scenario(request={"principal": ROLE}), "lines:2: request: action is missing"),
        (scenario(request={"principal": ROLE, "action": 1}), "lines:2: request: action is no text"),
        (
            scenario(request={"principal": ROLE, "action": "s3:GetObject", "who": ""}),
            "request: who is no field",
        ),
        (
            scenario(request={"principal": ROLE, "action": "s3:X", "resource": "a" * 5000}),
            "longer than 4,096",
        ),
        (scenario(request={"principal": ROLE, "action": "s3:X", "context": []}), "context is no JSON object"),
        (
            scenario(request={"principal": ROLE, "action": "s3:X", "context": {"a": None}}),
            "context.a holds more",
        ),
    ],
)
def test_a_bad_scenario_is_a_located_error(tmp_path: Path, line: Any, said: str) -> None:
    text = line if isinstance(line, bytes) else json.dumps(line).encode()
    (tmp_path / "lines").write_bytes(json.dumps(scenario()).encode() + b"\n" + text + b"\n")
    ran = simulate("--scenarios", "lines", "-o", "answers", cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert not (tmp_path / "answers").exists()


def test_hostile_policies_cost_little_and_say_nothing_of_their_own(tmp_path: Path) -> None:
    many = {
        "Version": "2012-10-17",
        "Statement": [deny(f"s{n}", "s3:*", StringLike={"aws:x": "*a" * 500}) for n in range(800)],
    }
    (tmp_path / "many.json").write_text(json.dumps(many))
    words = ("--identity", "many.json", "--context", f"aws:x={'a' * 4000}", "-f", "json")
    assert simulate("s3:GetObject", *words, cwd=tmp_path, run=smguard).report["by"] == "s0"
    costly = {"Statement": [deny("s", "s3:*", StringLike={"aws:x": ["?" * n for n in range(2_100)]})]}
    (tmp_path / "costly.json").write_text(json.dumps(costly))
    ran = simulate("s3:GetObject", "--identity", "costly.json", cwd=tmp_path, run=smguard)
    assert "more than 2,000 texts with ?" in ran.err
    evil = {"Statement": [{**deny("\x1b[2J::error::x", "s3:*"), "Resource": "*"}]}
    (tmp_path / "evil.json").write_text(json.dumps(evil))
    ran = simulate("s3:GetObject", "--scp", "evil.json", "--context", "aws:\x1b]0;x=\u202e", cwd=tmp_path)
    assert ran.code == 0
    assert_inert(ran.out)


@pytest.mark.parametrize(
    ("principal", "layers", "decision"),
    [
        ("arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/R", {"scp": "deny"}, "Allowed"),
        ("sagemaker.amazonaws.com", {"scp": "deny", "resource_policy": "service"}, "Allowed"),
        ("*", {"resource_policy": "service"}, "ImplicitlyDenied"),
        ("arn:aws:iam::111122223333:root", {"scp": "deny"}, "ExplicitlyDenied"),
        ("arn:aws:sts::111122223333:assumed-role/app/x", {"boundary": "derived"}, "Allowed"),
        ("arn:aws:iam::444455556666:role/app", {"boundary": "derived"}, "ImplicitlyDenied"),
    ],
)
def test_who_is_asking_matters(principal: str, layers: dict[str, str], decision: str) -> None:
    documents = {
        "deny": {"Version": "2012-10-17", "Statement": [deny("No", "s3:*")]},
        "service": {
            "Statement": {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "s3:*",
            }
        },
        "derived": {
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Allow",
                "Action": "*",
                "Resource": "*",
                "Condition": {
                    "ArnEquals": {"aws:PrincipalArn": ROLE},
                    "StringEquals": {
                        "aws:PrincipalAccount": "111122223333",
                        "aws:ResourceAccount": "111122223333",
                    },
                    "Bool": {"aws:PrincipalIsAWSService": "false"},
                },
            },
        },
    }
    policies = {name: take_policy(documents[what], what) for name, what in layers.items()}
    if "scp" in policies:
        policies["scp"] = ((policies["scp"], take_policy(ALL, "all")),)
    request = Request(principal, "s3:GetObject", "arn:aws:s3:::b/k", "111122223333")
    decided = decide(request, Policies(identity=(take_policy(ALL, "all"),), **policies), explain=True)
    assert decided.decision == decision
    assert decided.reasons


def test_rcps_on_sagemaker_are_an_assumption() -> None:
    rcp = {"Statement": [{**deny("Rcp", "sagemaker:*"), "Principal": "*"}]}
    request = Request(ROLE, "sagemaker:CreateModel")
    decided = decide(request, Policies(rcp=((take_policy(rcp, "rcp"),),)))
    assert (decided.decision, decided.by) == ("ExplicitlyDenied", "Rcp")
    assert "AWS enforces RCPs for SageMaker" in decided.assumptions[0]


RESULT = {"EvalActionName": "s3:GetObject", "EvalDecision": "allowed"}


def stubbed(response: dict[str, Any] | None, expected: dict[str, Any] | None = None) -> Any:
    client = boto3.client("iam", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    stub = Stubber(client)
    if response is None:
        stub.add_client_error("simulate_custom_policy", "AccessDenied")
    else:
        stub.add_response("simulate_custom_policy", response, expected)
    stub.activate()
    return client


def knows_organisations() -> bool:
    members = stubbed({}).meta.service_model.operation_model("SimulateCustomPolicy").input_shape.members
    return "OrderedOrganizationPolicyInputList" in members


@pytest.mark.skipif(not knows_organisations(), reason="this boto3 is older than SCPs in SimulateCustomPolicy")
def test_aws_is_told_of_what_it_can_take() -> None:
    bucket = {
        "Statement": {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "s3:*", "NotResource": "x"}
    }
    typed = {
        "Version": "2012-10-17",
        "Statement": deny(
            "T",
            "s3:*",
            NumericLessThan={"aws:n": "1"},
            **{"ForAnyValue:StringLike": {"aws:l": "x"}, "BoolIfExists": {"AWS:B": "true"}},
        ),
    }
    policies = Policies(
        scp=((take_policy(ALL, "a"),),),
        identity=(take_policy(typed, "t"),),
        boundary=take_policy(ALL, "b"),
        session=take_policy(ALL, "s"),
        resource_policy=take_policy(bucket, "r"),
    )
    request = Request(
        USER, "s3:GetObject", "*", "111122223333", {"aws:n": 5, "aws:l": ["x"], "aws:b": True, "aws:s": "y"}
    )
    told: dict[str, Any] = {}
    client = stubbed({"EvaluationResults": [RESULT]})
    client.meta.events.register("provide-client-params.iam.*", lambda params, **_: told.update(params))
    assert aws_oracle.ask(client, request, policies) == ("Allowed", ("session",))
    assert [json.loads(each) for each in told["PermissionsBoundaryPolicyInputList"]] == [ALL]
    assert [json.loads(each) for each in told["PolicyInputList"]] == [typed]
    assert json.loads(told["ResourcePolicy"]) == bucket
    assert (told["CallerArn"], told["ResourceOwner"]) == (USER, "arn:aws:iam::111122223333:root")
    assert len(told["OrderedOrganizationPolicyInputList"][0]["ServiceControlPolicyInputList"]) == 1
    assert told["ContextEntries"] == [
        {"ContextKeyName": "aws:n", "ContextKeyValues": ["5"], "ContextKeyType": "numeric"},
        {"ContextKeyName": "aws:l", "ContextKeyValues": ["x"], "ContextKeyType": "stringList"},
        {"ContextKeyName": "aws:b", "ContextKeyValues": ["true"], "ContextKeyType": "boolean"},
        {"ContextKeyName": "aws:s", "ContextKeyValues": ["y"], "ContextKeyType": "string"},
    ]


def test_a_refusal_of_aws_is_an_error() -> None:
    policies = Policies(identity=(take_policy(ALL, "a"),), resource_policy=None)
    with pytest.raises(SmguardError, match=r"AWS can't be asked: .*AccessDenied"):
        aws_oracle.ask(stubbed(None), Request(ROLE, "s3:GetObject"), policies)
    with pytest.raises(SmguardError, match="without a decision"):
        aws_oracle.ask(stubbed({"EvaluationResults": []}), Request(ROLE, "s3:GetObject"), policies)
    with pytest.raises(SmguardError, match="AWS can't be asked"):
        aws_oracle.connect("no-such-profile", "us-east-1")


@pytest.mark.parametrize(
    ("said", "code", "text"),
    [("allowed", 0, "AWS agrees"), ("explicitDeny", 1, "AWS differs: ExplicitlyDenied")],
)
def test_differences_to_aws_are_reported(
    folder: Path, monkeypatch: pytest.MonkeyPatch, said: str, code: int, text: str
) -> None:
    monkeypatch.chdir(folder)
    result = {"EvaluationResults": [{**RESULT, "EvalDecision": said}]}
    monkeypatch.setattr(aws_oracle, "connect", lambda *_: stubbed(result))
    ran = CliRunner().invoke(
        command,
        ["s3:GetObject", "--oracle", "aws", "--resource-policy", "bucket.json"],
        standalone_mode=False,
    )
    assert ran.return_value == code
    assert f"{text} (not told of: resource_policy)" in ran.output


def test_an_old_boto3_is_said() -> None:
    client = stubbed({"EvaluationResults": [RESULT]})
    members = client.meta.service_model.operation_model("SimulateCustomPolicy").input_shape.members
    members.pop("OrderedOrganizationPolicyInputList", None)
    policies = Policies(identity=(take_policy(ALL, "a"),), scp=((take_policy(ALL, "a"),),))
    with pytest.raises(SmguardError, match="this boto3 can't tell AWS of SCPs"):
        aws_oracle.ask(client, Request(ROLE, "s3:GetObject"), policies)


def test_a_policy_says_where_it_is_broken_over_several_lines() -> None:
    with pytest.raises(SmguardError, match=r"^p:3:5: Statement\.Action is neither"):
        read_policy('{\n  "Statement": {"Effect": "Deny", "Resource": "*",\n    "Action": 1}}', "p")
