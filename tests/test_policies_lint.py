"""`smguard policies lint` and `refresh-reference`, through the command line."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.cli.policies_lint import command
from tests.door import ROOT, Ran, assert_inert
from tests.door import called as smguard

CHECKS = yaml.safe_load((ROOT / "policies" / "_lint.yaml").read_text(encoding="utf-8"))["checks"]
FILED = yaml.safe_load((ROOT / "tests" / "policy_lint_cases.yaml").read_text(encoding="utf-8"))
CASES = {case["name"]: case for case in FILED["cases"]}
CORPUS = Path(os.environ.get("SMGUARD_CORPUS", ROOT.parent / "shared" / "corpus")) / "policies"


def deny(action: Any, condition: Any = None, **more: Any) -> dict[str, Any]:
    """A deny of everything, or under a condition."""
    found = {"Sid": "It", "Effect": "Deny", "Action": action, "Resource": "*", **more}
    return {**found, "Condition": condition} if condition else found


def lint(*words: str | Path, **how: Any) -> Ran:
    return smguard("policies", "lint", *words, **how)


def report(*words: str | Path, code: int | None = None, **how: Any) -> Any:
    ran = lint("-f", "json", *words, **how)
    assert code is None or ran.code == code, ran.err
    assert not ran.err
    assert_inert(ran.out)
    return ran.report


def line_of(finding: Any) -> str:
    """ "check path: example's action and its decision"."""
    request = (finding["example"] or {}).get("request")
    example = f": {request['action']} {finding['decision']}" if request else ""
    return f"{finding['check']} {finding['location']['path']}{example}"


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1), encoding="utf-8")
    return path


def policy(*statements: Any) -> Any:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@pytest.fixture(scope="module")
def linted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """Case -> its findings; one run for all."""
    folder = tmp_path_factory.mktemp("lint")
    for name, case in CASES.items():
        write(folder / f"{name}.json", policy(*case["policy"]))
    found: dict[str, list[Any]] = {name: [] for name in CASES}
    for each in report("--ignore", "too-many", ".", cwd=folder, code=1)["findings"]:
        found[each["location"]["file"].removesuffix(".json")].append(each)
    return found


@pytest.mark.parametrize("name", CASES)
def test_finds_what_is_wrong_with_a_policy_and_nothing_else(name: str, linted: dict[str, list[Any]]) -> None:
    assert [line_of(each) for each in linted[name]] == CASES[name]["findings"]


@pytest.mark.parametrize("check", FILED["says"])
def test_says_what_is_wrong_and_what_a_request_would_see(check: str, linted: dict[str, list[Any]]) -> None:
    said = FILED["says"][check]
    finding = next(each for each in linted[said["case"]] if each["check"] == check)
    assert (finding["message"], finding["consequence"]) == (said["message"], said["consequence"])
    assert finding["severity"] == CHECKS[check]["severity"]


def test_every_check_of_a_statement_has_a_case() -> None:
    of_documents = {"invalid-json", "duplicate-key", "too-long", "too-long-as-written", "too-many"}
    assert {each for each in CHECKS if not each.startswith("opt-out")} - of_documents == FILED["says"].keys()


def test_sentences_have_no_gap_left(linted: dict[str, list[Any]]) -> None:
    for findings in linted.values():
        for each in findings:
            for field in ("message", "consequence", "mend"):
                assert not any(
                    f"{{{word}}}" in each[field] for word in ("key", "action", "operator", "date", "rest")
                ), each


def test_every_example_is_decided_so_by_simulate(linted: dict[str, list[Any]], tmp_path: Path) -> None:
    findings = [each for found in linted.values() for each in found if each["example"]]
    lines = [json.dumps({**each["example"], "id": number}) for number, each in enumerate(findings)]
    scenarios = write(tmp_path / "scenarios.jsonl", "\n".join(lines))
    ran = smguard("policies", "simulate", "--scenarios", scenarios)
    answers = [json.loads(line)["decision"] for line in ran.out.splitlines()]
    assert answers == [each["decision"] for each in findings]
    assert len(answers) > 60


def test_points_at_the_line_and_tells_a_terminal_the_same(tmp_path: Path) -> None:
    text = """{
  "Version": "2012-10-17",
  "Statement": [{
    "Sid": "Isolate", "Effect": "Deny",
    "Action": ["sagemaker:CreateModel",
               "sagemaker:CreateAutoMLJob"],
    "Resource": "*",
    "Condition": {
      "BoolIfExists": {"sagemaker:NetworkIsolation": "false"}
    }
  }]
}
"""
    write(tmp_path / "isolate.json", text)
    ran = lint("--select", "unsupported-key", "isolate.json", cwd=tmp_path)
    assert ran.code == 1
    assert (
        ran.out
        == """isolate.json
  9:24 high unsupported-key Isolate
    sagemaker:NetworkIsolation is not among the condition keys of sagemaker:CreateAutoMLJob (as of
      2026-09-26).
    sagemaker:CreateAutoMLJob is denied always: a request for it can't carry the key, and
      BoolIfExists holds where it is absent.
    Example: sagemaker:CreateAutoMLJob with nothing: ExplicitlyDenied
    Mend: List only actions that support the key; give the others a statement of their own.
1 finding (1 high) in 1 policy; service reference of 2026-09-26
"""
    )


BROKEN = {
    '{"Version": "2012-10-17", "Statement": [}': "invalid-json 1:41 Expected a JSON value.",
    '{"Statement": [],}': "invalid-json 1:18",
    '{"Statement": [], "Statement": []}': "duplicate-key 1:2",
    '{"Statement": 5}': "malformed-policy 1:2 Statement is neither",
    "[]": "invalid-json 1:1 Is neither a policy nor a CloudFormation template.",
    "{}": "malformed-policy 1:1",
    '{"Statement": ["x", {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}': "malformed-policy 1:16",
    '{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": 1}}}': (
        "malformed-policy 1:81 Condition.Bool is no JSON object."
    ),
    '{"services": []}': "opt-out-malformed 1:2",
    '{"Statement": [{"Effect": "Deny", "Effect": "Allow"}]}': "malformed-policy 1:16",
    '{"Statement": [{"Sid": "a", "Sid": "b", "Effect": "Deny", "Action": "*", "Resource": "*"}]}': (
        "duplicate-key 1:17 'Sid' is written 2 times in one object, on lines 1, 1."
    ),
}


@pytest.mark.parametrize("text", BROKEN)
def test_says_where_a_document_is_broken(text: str, tmp_path: Path) -> None:
    write(tmp_path / "broken.json", text)
    first = report("broken.json", cwd=tmp_path, code=1)["findings"][0]
    at = first["location"]
    assert f"{first['check']} {at['line']}:{at['column']} {first['message']}".startswith(BROKEN[text])


@pytest.mark.no_cover  # small policies cover as much
def test_is_bounded(tmp_path: Path) -> None:
    actions = [f"sagemaker:Create*{number}?*a*b" for number in range(40_000)]
    write(tmp_path / "scp" / "large.json", policy(deny(actions)))
    write(tmp_path / "deep.json", '{"Statement": ' + "[" * 5_000 + "]" * 5_000 + "}")
    write(
        tmp_path / "wide.json",
        policy(*[deny(f"sagemaker:*{number}*", {"Bool": {"a:b": "true"}}) for number in range(150)]),
    )
    every = [
        deny(f"*{letter}*", {"Bool": {"aws:MultiFactorAuthPresent": "false"}}) for letter in "aeiort" * 70
    ]
    every = [{**each, "Action": f"*:{each['Action']}", "Sid": f"S{n}"} for n, each in enumerate(every)]
    write(tmp_path / "every.json", policy(*[{**each, "Action": "*"} for each in every]))
    found = report("scp/large.json", "deep.json", "wide.json", "every.json", cwd=tmp_path, code=1)
    large = [each for each in found["findings"] if each["location"]["file"] == "scp/large.json"]
    assert [each["check"] for each in large] == ["too-long"]
    assert [each["where"] for each in found["gaps"]] == ["deep.json:1:78", "every.json"]


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    write(tmp_path / "good.json", policy())
    (tmp_path / "binary.json").write_bytes(b"\x00\x01")
    found = report("good.json", "binary.json", "nowhere.json", cwd=tmp_path, code=3)
    assert [each["where"] for each in found["gaps"]] == ["nowhere.json", "binary.json"] or len(
        found["gaps"]
    ) == 2


TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Parameters: {Region: {Type: String}}
Resources:
  Guard:
    Type: AWS::Organizations::Policy
    Properties:
      Name: guard
      Type: SERVICE_CONTROL_POLICY
      TargetIds: [ou-1]
      Content:
        Version: "2012-10-17"
        Statement:
          - Sid: Isolate
            Effect: Deny
            Action: [sagemaker:CreateAutoMLJob]
            Resource: "*"
            Condition:
              BoolIfExists: {sagemaker:NetworkIsolation: "false"}
  Text:
    Type: AWS::Organizations::Policy
    Properties:
      Type: AISERVICES_OPT_OUT_POLICY
      Content: '{"services": {"sagemaker": {"opt_out_policy": {"@@assign": "optIn"}}}}'
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - {Effect: Allow, Action: sts:AssumeRoles, Principal: {Service: !Sub "sagemaker.${AWS::URLSuffix}"}}
      Policies:
        - PolicyName: run
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - !If
                - IsProd
                - Effect: Allow
                  Action: [sagemaker:CreateTrainingJobs]
                  Resource: !Sub "arn:${AWS::Partition}:sagemaker:*:*:*"
                - !Ref AWS::NoValue
              - {Effect: Allow, Action: !Ref Actions, Resource: "*"}
  Broken:
    Type: AWS::Organizations::Policy
    Properties: {Type: SERVICE_CONTROL_POLICY, Content: '{"Statement": ]'}
  Joined:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Action: !Join [":", [sagemaker, CreateModul]]
            Resource: !Sub ["arn:aws:s3:::${Bucket}/${!aws:userid}", {Bucket: x}]
            Condition: !If [IsProd, {StringEquals: {"aws:RequestTag/team": !Ref Team}}, !Ref "AWS::NoValue"]
  Unknown:
    Type: AWS::IAM::ManagedPolicy
    Properties: {PolicyDocument: !Ref Document}
  Data:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: data
      PolicyDocument:
        Statement:
          Effect: Deny
          Principal: "*"
          Action: s3:*
          Resource: !Sub "arn:aws:s3:::data/*"
          Condition: {Bool: {aws:SecureTransport: "true"}}
"""


def test_reads_the_policies_inside_templates(tmp_path: Path) -> None:
    write(tmp_path / "stack.yaml", TEMPLATE)
    found = report("stack.yaml", cwd=tmp_path, code=1)
    assert [
        f"{each['location']['line']}:{each['location']['column']} {each['policy']} {line_of(each)}"
        for each in found["findings"]
    ] == TEMPLATE_FINDINGS
    assert found["summary"]["policies"] == 7


TEMPLATE_FINDINGS = [
    "19:30 Guard unsupported-key Statement[0].Condition.BoolIfExists.sagemaker:NetworkIsolation: "
    "sagemaker:CreateAutoMLJob ExplicitlyDenied",
    "24:7 Text opt-out-unknown-service services.sagemaker",
    "24:7 Text opt-out-opted-in services.sagemaker.opt_out_policy.@@assign",
    "24:7 Text opt-out-no-default services",
    "24:7 Text opt-out-overridable services",
    "31:29 Role unknown-action Statement[0].Action: sts:AssumeRole ImplicitlyDenied",
    "40:28 Role unknown-action Statement[0].Action[0]: sagemaker:CreateTrainingJob ImplicitlyDenied",
    "46:48 None invalid-json ",
    "54:13 Joined unknown-action Statement[0].Action: sagemaker:CreateModel ImplicitlyDenied",
    "70:30 Data inverted-deny Statement.Condition.Bool.aws:SecureTransport: "
    "s3:AbortMultipartUpload ExplicitlyDenied",
]

OPT_OUT = {
    '{"services": {"@@operators_allowed_for_child_policies": ["@@none"], "default": {"opt_out_policy": '
    '{"@@operators_allowed_for_child_policies": ["@@none"], "@@assign": "optOut"}}}}': [],
    '{"services": {"default": {"opt_out_policy": {"@@assign": "optOut"}}}}': [
        "opt-out-overridable services",
        "opt-out-overridable services.default.opt_out_policy",
    ],
    '{"services": {"@@operators_allowed_for_child_policies": ["@@none"], "sagemaker": {"opt_out_policy": '
    '{"@@operators_allowed_for_child_policies": ["@@none"], "@@assign": "optOut"}}}}': [
        "opt-out-no-default services",
        "opt-out-unknown-service services.sagemaker",
    ],
    '{"services": {"@@operators_allowed_for_child_policies": ["@@all"], "default": {"opt_out_policy": '
    '{"@@append": "x", "@@assign": "optIn"}}, "Lex": {}, "@@assign": 1}}': [
        "opt-out-overridable services",
        "opt-out-malformed services.default.opt_out_policy.@@append",
        "opt-out-opted-in services.default.opt_out_policy.@@assign",
        "opt-out-unknown-service services.Lex",
        "opt-out-malformed services.Lex",
        "opt-out-malformed services.@@assign",
    ],
    '{"services": {"@@operators_allowed_for_child_policies": "none", "default": {"opt_out_policy": '
    '{"@@operators_allowed_for_child_policies": ["@@none"], "@@assign": "optout"}}}, "x": 1}': [
        "opt-out-malformed services.@@operators_allowed_for_child_policies",
        "opt-out-malformed services.default.opt_out_policy.@@assign",
        "opt-out-malformed x",
    ],
}


@pytest.mark.parametrize("text", OPT_OUT)
def test_opt_out_policies(text: str, tmp_path: Path) -> None:
    write(tmp_path / "opt-out.json", text)
    found = report("opt-out.json", cwd=tmp_path, code=1 if OPT_OUT[text] else 0)["findings"]
    assert sorted(map(line_of, found)) == sorted(OPT_OUT[text])
    for each in found:
        if each["check"] == "opt-out-overridable":
            assert '"optIn"' in each["consequence"]
            assert each["decision"] == "optIn"


def test_quotas(tmp_path: Path) -> None:
    resources = [f"arn:aws:s3:::bucket-{number:04}/*" for number in range(100)]
    one = deny("s3:GetObject", Resource=resources)
    for folder, copies, expected in (
        ("scp", 3, "too-long-as-written"),
        ("scp", 4, "too-long"),
        ("iam", 2, ""),
        ("iam", 3, "too-long"),
    ):
        statements = [{**one, "Sid": f"S{number}"} for number in range(copies)]
        text = json.dumps(policy(*statements), indent=8)
        path = write(tmp_path / folder / f"p{copies}.json", text)
        found = report(path)["findings"]
        assert [each["check"] for each in found] == ([expected] if expected else [])
    long = report(tmp_path / "scp" / "p4.json")["findings"][0]
    assert "a service control policy may have 10,240" in long["message"]
    for number in range(10):
        write(tmp_path / "many" / "scp" / f"{number}.json", policy(deny("s3:GetObject")))
    assert [each["check"] for each in report(tmp_path / "many", code=1)["findings"]] == ["too-many"]


def test_what_is_accepted_needs_a_reason_and_is_said_when_it_is_gone(tmp_path: Path) -> None:
    write(
        tmp_path / "scp" / "a.json",
        policy(deny("sagemaker:CreateModel", {"Null": {"sagemaker:VolumeKmsKeyArn": "true"}})),
    )
    entry = {
        "check": "unsupported-key",
        "file": "scp/a.json",
        "statement": "It",
        "reason": "we have no models",
    }
    gone = {"check": "null-only", "file": "scp/a.json", "reason": "old"}
    write(tmp_path / "accepted.yaml", yaml.safe_dump([entry, gone]))
    found = report("scp", "--accept", "accepted.yaml", cwd=tmp_path, code=0)
    assert [each["accepted"] for each in found["findings"]] == ["we have no models"]
    assert found["summary"]["findings"] == 0
    assert [each["what"] for each in found["notes"]] == ["null-only is accepted there, but not found"]
    for wrong in (
        "5",
        "[{check: null-only, file: a.json}]",
        "[{check: nothing, file: a, reason: b}]",
        "a: [",
        "null",
    ):
        write(tmp_path / "wrong.yaml", wrong)
        ran = lint("scp", "--accept", "wrong.yaml", cwd=tmp_path)
        assert (ran.code, "wrong.yaml" in ran.err) == (2, True), wrong


def test_reads_what_the_iam_api_says_of_a_role(tmp_path: Path) -> None:
    bad = policy({"Effect": "Allow", "Action": "s3:HeadObject", "Resource": "*"})
    role = {
        "RoleName": "x",
        "AssumeRolePolicyDocument": policy(),
        "RolePolicyList": [{"PolicyDocument": bad}],
    }
    write(tmp_path / "role.json", role)
    found = report("role.json", cwd=tmp_path, code=1)
    assert [line_of(each) for each in found["findings"]] == [
        "unknown-action Statement[0].Action: s3:GetObject ImplicitlyDenied"
    ]
    assert found["summary"]["policies"] == 2


def test_a_folder_holds_other_files_too(tmp_path: Path) -> None:
    for name in ("_data.json", "other.json", "x.cases.yaml", "list.json", "note.txt"):
        write(tmp_path / name, '[{"Statement": 5}]' if name != "_data.json" else policy(deny("s3:NoSuch")))
    write(tmp_path / "policy.json", policy(deny("s3:NoSuch")))
    found = report(".", cwd=tmp_path, code=1)
    assert [each["location"]["file"] for each in found["findings"]] == ["policy.json"]


def test_options(tmp_path: Path) -> None:
    write(tmp_path / "a.json", policy(deny("sagemaker:NoSuch")))
    assert lint("--fail-on", "high", "a.json", cwd=tmp_path).code == 0
    assert lint("--ignore", "unknown-action", "a.json", cwd=tmp_path).code == 0
    assert lint("--select", "nonsense", "a.json", cwd=tmp_path).code == 2
    assert lint("-o", "out.txt", "a.json", cwd=tmp_path).out == ""
    assert "unknown-action" in (tmp_path / "out.txt").read_text()


def test_hostile_names_are_made_inert(tmp_path: Path) -> None:
    sid = "\x1b[31m::error::x\u202e"
    write(
        tmp_path / "a.json",
        policy(
            deny(["sagemaker:\x1b]0;x\x07", "::error::y"], {"Null": {"sagemaker:\u202ex": "true"}}, Sid=sid)
        ),
    )
    ran = lint("a.json", cwd=tmp_path)
    assert ran.code == 1
    assert_inert(ran.out)
    assert_inert(lint("-f", "json", "a.json", cwd=tmp_path).out)


def test_reference_is_renewed_from_files_of_aws(tmp_path: Path) -> None:
    published = {
        "Name": "sagemaker",
        "Actions": [
            {
                "Name": "CreateTrainingJob",
                "ActionConditionKeys": ["sagemaker:NewKey"],
                "Resources": [{"Name": "job"}],
            },
            {"Name": "CreateRocket"},
        ],
        "ConditionKeys": [{"Name": "sagemaker:NewKey", "Types": ["Bool"]}],
        "Resources": [{"Name": "job", "ConditionKeys": ["aws:ResourceTag/${TagKey}"]}],
        "Version": "v1.4",
    }
    write(tmp_path / "sagemaker.json", published)
    words = ("policies", "refresh-reference", "sagemaker.json", "--date", "2027-01-02", "-o", "new.json")
    ran = smguard(*words, cwd=tmp_path)
    assert (ran.code, ran.err) == (0, "sagemaker: 2 actions (1 new, 448 gone), 66 condition keys\n")
    write(
        tmp_path / "a.json",
        policy(
            deny(["sagemaker:CreateRocket", "sagemaker:CreateModel"], {"Null": {"sagemaker:NewKey": "true"}})
        ),
    )
    found = report("a.json", "--reference", "new.json", cwd=tmp_path, code=1)["findings"]
    assert [line_of(each) for each in found] == [
        "unknown-action Statement[0].Action[1]",
        "unsupported-key Statement[0].Condition.Null.sagemaker:NewKey: "
        "sagemaker:CreateRocket ExplicitlyDenied",
    ]
    assert "as of 2027-01-02" in found[0]["message"]
    for wrong in ("[]", "{}", '{"Name": 5, "Actions": []}', "not json", "[" * 3_000):
        write(tmp_path / "wrong.json", wrong)
        ran = smguard("policies", "refresh-reference", "wrong.json", "-o", "none.json", cwd=tmp_path)
        said = (
            "wrong.json:1:1: is no JSON" if wrong == "not json" else "wrong.json is no service-reference file"
        )
        assert (ran.code, said in ran.err) == (2, True), wrong
        assert not (tmp_path / "none.json").exists()
        assert lint("a.json", "--reference", "wrong.json", cwd=tmp_path).code == 2
    words = ("policies", "refresh-reference", "sagemaker.json", "--date", "soon")
    assert smguard(*words, cwd=tmp_path).code == 2


def test_the_reference_is_written_as_refresh_would_write_it() -> None:
    from scanner.policy import reference

    text = (ROOT / "policies" / "_reference.json").read_text(encoding="utf-8")
    assert reference.as_text(json.loads(text)) == text
    kept = json.loads(text)
    assert {"source", "licence", "date"} <= kept["about"].keys()
    found = reference.load()
    assert len(found.expand("sagemaker:*")) == 449
    # 16, 14 and 19 actions: the counts of the service reference of that date.
    for key, count in (("volumekmskeyarn", 16), ("outputkmskeyarn", 14), ("vpcsubnets", 19)):
        assert len(found.actions_with(f"sagemaker:{key}")) == count


WORDS = ["Effect", "Condition", "Null", "Statement", "Principal", "Ref"]
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
    | st.sampled_from(["sagemaker:*", "Deny", "Null", "sagemaker:VpcSubnets", "true", "{{x}}", "@@assign"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(WORDS), inner),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=40)
@given(
    st.dictionaries(
        st.sampled_from(["Effect", "Action", "NotAction", "Resource", "Condition", "Principal", "Sid"]),
        JUNK,
        max_size=4,
    ),
    JUNK,
    st.sampled_from(["Statement", "services", "Version", "Resources", "PolicyDocument"]),
)
def test_nothing_makes_it_crash(fields: Any, junk: Any, name: str) -> None:
    statement = {**deny("sagemaker:CreateModel", {"Null": {"sagemaker:VpcSubnets": "true"}}), **fields}
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder, "a.json"), {**policy(statement, junk), name: junk})
        alone = write(Path(folder, "b.json"), policy(statement))
        done = CliRunner().invoke(command, ["-f", "json", str(path), str(alone)], standalone_mode=False)
    assert done.exception is None, done.exception
    assert done.return_value in (0, 1, 3)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus here")
@pytest.mark.no_cover  # a few cover as much
def test_real_policies_are_linted_without_a_crash() -> None:
    ran = lint("-f", "json", CORPUS)
    assert ran.code in (0, 1, 3), ran.err
    assert ran.report["summary"]["policies"] >= 100
