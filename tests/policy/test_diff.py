"""`smguard policies diff`: the pack against organisations that boto3 reaches over HTTP."""

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

from scanner.audit.access import forget
from scanner.audit.pace import Clock
from scanner.cli.commands import group
from scanner.model import SmguardError
from scanner.policy import pack, render
from tests.fake_aws import Fake
from tests.test_policies import parameters

SCP, OPT_OUT = "SERVICE_CONTROL_POLICY", "AISERVICES_OPT_OUT_POLICY"
ROOT, MANAGEMENT, MEMBER = "r-fake", "111122223333", "444455556666"
IN_EFFECT = '{"services":{"default":{"opt_out_policy":"optOut"}}}'
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
Documents = dict[str, Any]


def pack_of(values: Path, partition: str = "aws") -> dict[str, tuple[str, Any]]:
    """Name -> (type, document) of every policy that an organisation attaches."""
    read = pack.values_of(str(values), partition)
    rendered = render.render(pack.entries(), read, "values")
    return {
        it.name: (it.source.type, json.loads(it.text)) for it in rendered if it.source.type in (SCP, OPT_OUT)
    }


PACK = {
    it.name: it.source.type
    for it in render.render(pack.entries(), pack.example_values(), "")
    if it.source.type in (SCP, OPT_OUT)
}


class Deployment:
    """An organisation of the fake with the pack attached to its root, but for what a test changes."""

    def __init__(self, fake: Fake, folder: Path) -> None:
        self.fake = fake
        self.values = parameters(folder)
        self.organization = fake.services.organize(MANAGEMENT)
        self.answer = self.organization.answer
        self.organization.answer = self.with_types
        self.switched_off: set[str] = set()
        self.unit = self.organization.unit("workloads")
        self.organization.account(MEMBER, "member", self.unit)
        self.organization.effective[OPT_OUT, ROOT] = IN_EFFECT
        self.policy("FullAWSAccess", EVERYTHING, SCP, ROOT, self.unit, MEMBER)
        self.pack = pack_of(self.values)

    def with_types(self, call: Any) -> dict[str, Any]:
        """The fake's answer, with the types of policies that the root enforces."""
        answer = self.answer(call)
        for root in answer.get("Roots", ()):
            status = {
                kind: "PENDING_DISABLE" if kind in self.switched_off else "ENABLED" for kind in (SCP, OPT_OUT)
            }
            root["PolicyTypes"] = [{"Type": kind, "Status": status[kind]} for kind in status]
        return answer

    def policy(self, name: str, document: Any, kind: str, *targets: str) -> str:
        return str(self.organization.policy(name, json.dumps(document, indent=3), kind, *targets))

    def deploy(self, change: Callable[[Documents], None] = lambda _: None, *targets: str) -> None:
        documents = {name: deepcopy(document) for name, (_, document) in self.pack.items()}
        change(documents)
        for name, document in documents.items():
            self.policy(name, document, PACK.get(name, SCP), *(targets or (ROOT,)))

    def diff(self, *words: str) -> Any:
        return run("--parameters", str(self.values), *words)

    def report(self, *words: str) -> tuple[int, Any]:
        result = self.diff("-f", "json", *words)
        return result.return_value, json.loads(result.stdout)


def run(*words: str) -> Any:
    return CliRunner().invoke(group, ["policies", "diff", *words], standalone_mode=False)


@pytest.fixture
def deployment(aws: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    monkeypatch.setattr(Clock, "wait_until", lambda clock, moment: None)  # the fake has no rate to keep to
    forget()
    yield Deployment(aws, tmp_path)
    forget()


def statement(documents: Documents, name: str, sid: str) -> Any:
    return next(it for it in documents[f"smguard-{name}"]["Statement"] if it["Sid"] == sid)


def found(report: Any) -> list[str]:
    """Differences as "kind policy#statements"."""
    listed = [it for target in report["targets"] for it in target["differences"]]
    return sorted(f"{it['kind']} {it['policy']}#{','.join(it['statements'])}".rstrip("#") for it in listed)


@pytest.mark.parametrize("target", [(), ("--target", MEMBER), ("--target", MANAGEMENT)])
def test_what_is_deployed_as_it_is(deployment: Deployment, target: tuple[str, ...]) -> None:
    deployment.deploy()
    code, report = deployment.report(*target)
    assert (code, found(report)) == (0, [])
    assert report["summary"] == {"complete": True, "weaker": 0, "missing": 0, "detached": 0, "changed": 0}
    assert deployment.fake.calls["DescribePolicy"] == len(PACK) + 1, "each policy is read once"
    notes = [each["what"] for each in report["targets"][0]["notes"]]
    limited = ["is the management account, which no service control policy limits"]
    assert notes == (limited if MANAGEMENT in target else [])


def reformat(documents: Documents) -> None:
    network = documents["smguard-network"]["Statement"]
    for each in network:
        each["Action"] = list(reversed(each["Action"])) if len(each["Action"]) > 1 else each["Action"][0]
        each["Sid"] += "Here"
        for tests in each["Condition"].values():
            tests |= {key.lower(): tests.pop(key) for key in list(tests)}
    documents["smguard-network-1"] = {"Version": "2012-10-17", "Statement": network[:3]}
    documents["smguard-network-2"] = {"Version": "2012-10-17", "Statement": network[:2:-1]}
    del documents["smguard-network"]


def exempt(documents: Documents) -> None:
    condition = statement(documents, "encryption", "DenyJobVolumeWithoutKey")["Condition"]
    condition["ArnNotLike"]["aws:PrincipalArn"].append("arn:aws:iam::*:role/intern-*")


def one_subnet_more(documents: Documents) -> None:
    condition = statement(documents, "approved-network", "DenyUnapprovedSubnets")["Condition"]
    condition["ForAnyValue:StringNotEquals"]["sagemaker:VpcSubnets"].append("subnet-33333333333333333")


def one_action_less(documents: Documents) -> None:
    statement(documents, "encryption", "DenyJobVolumeWithoutKey")["Action"].remove(
        "sagemaker:CreateTransformJob"
    )


def one_condition_more(documents: Documents) -> None:
    condition = statement(documents, "access", "DenyNotebookRootAccess")["Condition"]
    condition["StringNotEquals"] |= {"aws:PrincipalTag/team": "research"}


def one_resource(documents: Documents) -> None:
    statement(documents, "guardrails", "DenyLeavingOrganization")["Resource"] = "arn:aws:organizations::1:x/*"


def stricter(documents: Documents) -> None:
    statement(documents, "access", "DenyNotebookRootAccess")["Action"].append("sagemaker:CreateApp")


def fewer_exemptions(documents: Documents) -> None:
    exempted = statement(documents, "access", "DenyNotebookRootAccess")["Condition"]["ArnNotLike"]
    exempted["aws:PrincipalArn"].pop()


def no_lock(documents: Documents) -> None:
    del documents["smguard-organization"]["services"]["@@operators_allowed_for_child_policies"]


def without(*names: str) -> Callable[[Documents], None]:
    def change(documents: Documents) -> None:
        for name in names:
            del documents[f"smguard-{name}"]

    return change


def no_statement(documents: Documents) -> None:
    documents["smguard-access"]["Statement"].pop(0)


def other_version(documents: Documents) -> None:
    documents["smguard-access"]["Version"] = "2008-10-17"


ACCESS = [it["Sid"] for it in json.loads(Path("policies/scp/access.json").resolve().read_text())["Statement"]]
CHANGES: list[tuple[Callable[[Documents], None], list[str]]] = [
    (reformat, []),
    (exempt, ["weaker scp/encryption.json#DenyJobVolumeWithoutKey"]),
    (one_subnet_more, ["weaker scp/approved-network.json#DenyUnapprovedSubnets"]),
    (one_action_less, ["weaker scp/encryption.json#DenyJobVolumeWithoutKey"]),
    (one_condition_more, ["weaker scp/access.json#DenyNotebookRootAccess"]),
    (one_resource, ["weaker scp/guardrails.json#DenyLeavingOrganization"]),
    (stricter, ["changed scp/access.json#DenyNotebookRootAccess"]),
    (fewer_exemptions, ["changed scp/access.json#DenyNotebookRootAccess"]),
    (no_lock, ["weaker ai-opt-out/organization.json"]),
    (without("access"), [f"missing scp/access.json#{','.join(ACCESS)}"]),
    (without("organization"), ["missing ai-opt-out/organization.json"]),
    (no_statement, [f"missing scp/access.json#{ACCESS[0]}"]),
    (other_version, [f"changed scp/access.json#{','.join(ACCESS)}"]),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES, ids=[f"{n}" for n in range(len(CHANGES))])
def test_what_has_drifted(
    deployment: Deployment, change: Callable[[Documents], None], expected: list[str]
) -> None:
    deployment.deploy(change)
    code, report = deployment.report("--target", MEMBER)
    assert found(report) == expected
    assert code == (1 if expected else 0)
    for each in report["targets"][0]["differences"]:
        assert (each["example"] is not None) == (each["kind"] == "weaker")


def test_the_example_of_what_is_weaker_is_one(deployment: Deployment) -> None:
    deployment.deploy(exempt)
    _, report = deployment.report()
    (difference,) = report["targets"][0]["differences"]
    scenario = {"request": difference["example"]["request"], "identity": [EVERYTHING]}
    for document, decision in (
        (deployment.pack["smguard-encryption"][1], "ExplicitlyDenied"),
        (EVERYTHING, "Allowed"),
    ):
        file = deployment.values.with_name("scenario.jsonl")
        file.write_text(json.dumps({**scenario, "scp": [[EVERYTHING, document]]}))
        words = ["policies", "simulate", "--scenarios", str(file)]
        answer = CliRunner().invoke(group, words, standalone_mode=False).stdout
        assert json.loads(answer)["decision"] == decision
    table = deployment.diff().stdout
    assert (
        "  weaker scp/encryption.json\n    in smguard-encryption (p-00000001), attached to r-fake\n" in table
    )
    assert "role/intern-x, as in the case: " in table


def test_where_it_is_attached(deployment: Deployment) -> None:
    other = deployment.organization.unit("sandbox")
    deployment.deploy(lambda documents: None, other)
    code, report = deployment.report("--target", MEMBER)
    assert code == 1
    (target,) = report["targets"]
    assert {it["kind"] for it in target["differences"]} == {"detached"}
    assert {it["what"].rpartition(", ")[2] for it in target["differences"]} == {f"attached to {other}"}
    code, report = deployment.report("--target", other)
    assert (code, found(report)) == (0, [])
    (note,) = report["targets"][0]["notes"]
    assert note["what"] == "is no account: the opt-out policy in effect was not asked for"


def test_levels_of_a_path_add_up(deployment: Deployment) -> None:
    half = list(deployment.pack)[:3]
    places = [(ROOT, half), (deployment.unit, [name for name in deployment.pack if name not in half])]
    for place, names in places:
        for name in names:
            kind, document = deployment.pack[name]
            deployment.policy(name, document, kind, place)
    assert deployment.report("--target", MEMBER, "--target", deployment.unit)[0] == 0
    code, report = deployment.report()
    assert code == 1
    assert {it["kind"] for it in report["targets"][0]["differences"]} == {"detached"}


def test_copies(deployment: Deployment) -> None:
    deployment.deploy()
    deployment.policy("ours", deployment.pack["smguard-access"][1], SCP, MEMBER)
    deployment.policy("smguard-access-9", EVERYTHING, SCP, MEMBER)
    code, report = deployment.report("--target", MEMBER)
    assert code == 0
    first, second = report["targets"][0]["notes"]
    assert first["where"].startswith("smguard-access (p-")
    assert first["what"].startswith("is attached again: ours (p-")
    assert second["where"].startswith("smguard-access-9 (p-")
    assert second["what"] == "is named like a policy of the pack and holds nothing of it"


EFFECTIVE = {
    None: "is not opted out of default, aiops, aidevops, ",
    '{"services":{"default":{"opt_out_policy":"optIn"}}}': "is not opted out of default, by",
    '{"services":{"default":{"opt_out_policy":"optOut"},"lex":{"opt_out_policy":"optIn"}}}': "of lex, by",
    '{"services":{"lex":{"opt_out_policy":"optOut"}}}': "is not opted out of aidevops, aiops, ",
    '{"services":{"default":{}}}': "of default, by",
}


@pytest.mark.parametrize("content", list(EFFECTIVE)[1:])
def test_what_is_in_effect(deployment: Deployment, content: str) -> None:
    deployment.deploy()
    deployment.organization.effective[OPT_OUT, MEMBER] = content
    code, report = deployment.report("--target", MEMBER)
    assert (code, found(report)) == (1, ["weaker ai-opt-out/organization.json"])
    assert EFFECTIVE[content] in report["targets"][0]["differences"][0]["what"]
    assert deployment.report()[0] == 0, "the management account is not touched"


def test_nothing_is_in_effect(deployment: Deployment) -> None:
    deployment.deploy()
    deployment.organization.effective.clear()
    code, report = deployment.report("--target", MEMBER)
    assert (code, found(report)) == (1, ["weaker ai-opt-out/organization.json"])


def test_a_type_that_is_switched_off(deployment: Deployment) -> None:
    deployment.deploy()
    deployment.switched_off.add(OPT_OUT)
    code, report = deployment.report("--target", MEMBER)
    assert (code, found(report)) == (1, ["detached ai-opt-out/organization.json"])
    assert "is switched off in r-fake" in report["targets"][0]["differences"][0]["what"]


def test_pages(deployment: Deployment) -> None:
    deployment.organization.page_size = 1
    deployment.deploy()
    assert deployment.report("--target", MEMBER)[0] == 0
    assert deployment.fake.calls["ListPolicies"] >= len(PACK)


DENIED = "AccessDeniedException"
UNREAD = {
    "DescribeOrganization": [],
    "ListRoots": [],
    "ListParents": [],
    "ListPoliciesForTarget": [],
    "DescribePolicy": [],
    "ListPolicies": ["missing scp/access.json"],
    "DescribeEffectivePolicy": ["missing scp/access.json"],
}


@pytest.mark.parametrize("operation", UNREAD)
def test_what_can_not_be_read_is_no_difference(deployment: Deployment, operation: str) -> None:
    deployment.deploy(without("access"))
    deployment.fake.fail(operation, code=DENIED, times=1_000)
    code, report = deployment.report("--target", MEMBER)
    assert [each.partition("#")[0] for each in found(report)] == UNREAD[operation]
    assert code == (1 if UNREAD[operation] else 3)
    assert report["summary"]["complete"] is False
    gaps = [gap for target in report["targets"] for gap in target["gaps"]]
    assert gaps
    for gap in gaps:
        assert f"organizations:{operation} is denied in us-east-1 ({DENIED})" in gap["what"]
        assert gap["hint"].startswith(f"allow organizations:{operation};")
    table = deployment.diff("--target", MEMBER).stdout
    assert f"organizations:{operation} is denied" in table
    assert "No differences" not in table


def test_where_a_policy_is_attached_can_not_be_read(deployment: Deployment) -> None:
    deployment.deploy(lambda documents: None, deployment.organization.unit("sandbox"))
    deployment.fake.fail("ListTargetsForPolicy", code=DENIED, times=1_000)
    code, report = deployment.report("--target", MEMBER)
    assert code == 1
    assert {it["kind"] for it in report["targets"][0]["differences"]} == {"detached"}
    assert len(report["targets"][0]["gaps"]) == len(PACK)


def test_throttling_is_waited_for(deployment: Deployment) -> None:
    deployment.deploy()
    deployment.fake.fail("DescribePolicy", code="TooManyRequestsException", times=2)
    assert deployment.report("--target", MEMBER)[0] == 0
    assert deployment.fake.refused["TooManyRequestsException"] == 2


def test_a_path_without_an_end(deployment: Deployment) -> None:
    deployment.deploy()
    deployment.organization._parents[deployment.unit] = deployment.unit
    code, report = deployment.report("--target", MEMBER)
    assert code == 3
    assert "(UnendingPath)" in report["targets"][0]["gaps"][0]["what"]


@pytest.mark.parametrize("content", ["{", "[]", '{"Statement": [3]}', '{"Statement": [{"Effect": "No"}]}'])
def test_policies_that_can_not_be_read(deployment: Deployment, content: str) -> None:
    deployment.deploy(exempt)
    deployment.organization.policy("theirs", content, SCP, ROOT)
    code, report = deployment.report()
    (target,) = report["targets"]
    if content in ("{", "[]"):
        assert (code, found(report)) == (3, [])
        assert "(UnreadablePolicy)" in target["gaps"][0]["what"]
    else:
        assert (code, found(report)) == (1, ["changed scp/encryption.json#DenyJobVolumeWithoutKey"])
        assert "whether a change makes it weaker can't be told: theirs (p-" in target["notes"][0]["what"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--target", "production"), "production is no root, unit or account"),
        (("--target", "999900001111"), "999900001111: the organisation has no such root, unit or account"),
        (("--partition", "aws-cn"), "is an ARN of another partition than aws-cn"),
        (("--parameters", "none.yaml"), "none.yaml: can't be read: No such file"),
    ],
)
def test_what_can_not_be_asked_for(deployment: Deployment, words: tuple[str, ...], said: str) -> None:
    deployment.deploy()
    error = deployment.diff(*words).exception
    assert isinstance(error, SmguardError)
    assert said in error.what


def test_the_report_is_written_whole(deployment: Deployment, tmp_path: Path) -> None:
    deployment.deploy()
    ran = deployment.diff("-o", str(tmp_path / "none" / "report.txt"))
    assert isinstance(ran.exception, SmguardError)
    assert deployment.diff("-o", str(tmp_path / "report.txt")).return_value == 0
    assert (tmp_path / "report.txt").read_text() == "r-fake\n  No differences, 7 policies compared\n"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    yield "http://127.0.0.1:{1}".format(*server.get_host_and_port())
    server.stop()


@pytest.mark.parametrize("partition", pack.PARTITIONS)
@pytest.mark.no_cover  # ours covers as much
def test_against_moto(
    moto: str, aws: Fake, partition: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It keeps what Create and Attach send; it knows no effective policies, which is a Gap."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    monkeypatch.setattr(Clock, "wait_until", lambda clock, moment: None)
    forget()
    home = {"aws": "us-east-1", "aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-west-1"}[partition]
    client = boto3.client("organizations", region_name=home)
    management = client.create_organization(FeatureSet="ALL")["Organization"]["MasterAccountId"]
    root = client.list_roots()["Roots"][0]["Id"]
    for kind in (SCP, OPT_OUT):
        client.enable_policy_type(RootId=root, PolicyType=kind)
    values = parameters(tmp_path, partition)
    for name, (kind, document) in pack_of(values, partition).items():
        made = client.create_policy(
            Name=name, Type=kind, Description="", Content=json.dumps(document, indent=1)
        )
        if name != "smguard-access":
            client.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=root)
    result = run("--parameters", str(values), "--partition", partition, "-f", "json")
    report = json.loads(result.stdout)
    assert found(report) == [f"detached scp/access.json#{','.join(ACCESS)}"]
    (gap,) = report["targets"][0]["gaps"]
    assert "organizations:DescribeEffectivePolicy" in gap["what"]
    assert management in gap["what"]
    assert result.return_value == 1
