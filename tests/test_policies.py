"""The pack of policies: what is listed and rendered, what it decides, and whether controls name it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scanner import __version__, catalog, rule_folder
from scanner.policy import agreement
from tests import door
from tests.door import ROOT, give_up_power
from tests.door import called as smguard

EXAMPLE = (ROOT / "policies" / "parameters.yaml").read_text()
PARTITIONS = {"aws": "eu-central-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
SCHEMA = json.loads((ROOT / "policies" / "_parameters.schema.json").read_text())
POLICIES = sorted(
    path for kind in (ROOT / "policies").iterdir() if kind.is_dir() for path in kind.glob("*.json")
)


def parameters(folder: Path, partition: str = "aws", **changes: Any) -> Path:
    """A parameter file: the example with other values, for a partition."""
    values = {**yaml.safe_load(EXAMPLE), **{name.replace("_", "-"): value for name, value in changes.items()}}
    text = json.dumps({name: value for name, value in values.items() if value is not None})
    text = text.replace("arn:aws:", f"arn:{partition}:").replace("eu-central-1", PARTITIONS[partition])
    path = folder / "values.yaml"
    path.write_text(text)
    return path


def files(folder: Path) -> dict[str, str]:
    return {it.relative_to(folder).as_posix(): it.read_text() for it in folder.rglob("*") if it.is_file()}


def texts(node: Any) -> Iterator[str]:
    """Every text below a node, keys included."""
    if isinstance(node, dict):
        for key, below in node.items():
            yield from (key, *texts(below))
    elif isinstance(node, list):
        for below in node:
            yield from texts(below)
    elif isinstance(node, str):
        yield node


def test_list() -> None:
    listed = json.loads(smguard("policies", "list", "-f", "json").out)
    assert {it["policy"] for it in listed} == {
        it.relative_to(ROOT / "policies").as_posix() for it in POLICIES
    }
    (encryption,) = (it for it in listed if it["policy"] == "scp/encryption.json")
    assert encryption["parameters"] == ["automation-roles"]
    assert "DenyJobVolumeWithoutKey" in encryption["statements"]
    for words in ((), ("--parameters",)):
        for columns in (60, 80, 200):
            table = smguard("policies", "list", *words, COLUMNS=str(columns)).out
            assert max(len(line) for line in table.splitlines()) <= max(columns, 80)
    assert smguard("policies", "list", COLUMNS="200").out.count("\n") == len(listed) + 3
    described = json.loads(smguard("policies", "list", "--parameters", "-f", "json").out)
    assert {it["parameter"] for it in described} == set(SCHEMA["properties"])
    assert "approved-subnets " in smguard("policies", "list", "--parameters").out
    started = smguard("policies", "list", "--parameters", "-f", "yaml").out
    assert started == (ROOT / "policies" / "parameters.yaml").read_text(encoding="utf-8")
    assert smguard("policies", "list", "-f", "yaml").code == 2


def test_every_parameter_is_used_and_every_placeholder_is_one() -> None:
    used = {name for path in POLICIES for name in re.findall(r"\{\{([^}]*)\}\}", path.read_text())}
    assert used == {*SCHEMA["properties"], "partition", "bucket"}
    assert set(SCHEMA["required"]) == set(SCHEMA["properties"]) == set(yaml.safe_load(EXAMPLE))


@pytest.mark.parametrize("partition", PARTITIONS)
def test_render(partition: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = smguard(
        "policies",
        "render",
        "--parameters",
        parameters(tmp_path, partition),
        "-o",
        out,
        "--partition",
        partition,
    )
    assert (ran.code, ran.err) == (0, "")
    written = files(out)
    manifest = json.loads(written.pop("manifest.json"))
    assert manifest["pack"] == {"version": __version__, "digest": rule_folder.digest(str(ROOT / "rules"))}
    assert manifest["partition"] == partition
    template = json.loads(written.pop("template.json"))
    assert written.keys() == manifest["policies"].keys()
    for path, text in written.items():
        about = manifest["policies"][path]
        assert len(text) == about["characters"] <= about["largest"]
        assert hashlib.sha256(text.encode()).hexdigest() == about["sha256"]
        assert "{{" not in text
        assert text == json.dumps(json.loads(text), separators=(",", ":"))
        arns = [it for it in texts(json.loads(text)) if it.startswith("arn:")]
        assert all(it.startswith(f"arn:{partition}:") for it in arns)
    subnets = json.loads(written["scp/approved-network.json"])["Statement"][0]["Condition"]
    assert (
        subnets["ForAnyValue:StringNotEquals"]["sagemaker:VpcSubnets"]
        == yaml.safe_load(EXAMPLE)["approved-subnets"]
    )
    kinds = [body["Type"] for body in template["Resources"].values()]
    deployed = [it for it in written if not it.startswith("vpc-endpoint/")]
    assert len(kinds) == len(deployed)
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "AWS::Organizations::Policy": 7,
        "AWS::IAM::ManagedPolicy": 6,
        "AWS::S3::BucketPolicy": 2,
    }
    boundary = template["Resources"]["IamJobBoundary"]["Properties"]
    arn = f"arn:{partition}:iam::*:policy{boundary['Path']}{boundary['ManagedPolicyName']}"
    assert arn in written["scp/guardrails.json"]
    stamp = f"{__version__}, pack {manifest['pack']['digest'][:12]}"
    assert all(
        body["Properties"].get("Description", stamp).endswith(stamp)
        for body in template["Resources"].values()
    )


@pytest.mark.no_cover  # all of it is cfn-lint
def test_cfn_lint_accepts_the_template(tmp_path: Path) -> None:
    import cfnlint.api
    from cfnlint.config import ManualArgs

    smguard("policies", "render", "--parameters", parameters(tmp_path), "-o", tmp_path / "out")
    text = (tmp_path / "out" / "template.json").read_text()
    assert cfnlint.api.lint(text, config=ManualArgs(regions=["us-east-1", "eu-central-1"])) == []


def test_what_a_quota_does_not_hold_is_split(tmp_path: Path) -> None:
    roles = [f"automation/role-{number:03}" for number in range(12)]
    values = parameters(tmp_path, automation_roles=roles)
    ran = smguard("policies", "render", "--parameters", values, "-o", tmp_path / "out")
    assert ran.code == 0
    written = files(tmp_path / "out")
    assert "scp/encryption.json" not in written
    parts = [json.loads(written[f"scp/encryption-{number}.json"]) for number in (1, 2)]
    whole = json.loads((ROOT / "policies/scp/encryption.json").read_text())["Statement"]
    assert [it["Sid"] for part in parts for it in part["Statement"]] == [it["Sid"] for it in whole]
    assert all(len(text) <= 10_240 for path, text in written.items() if path.startswith("scp/"))
    assert "ScpEncryption2" in json.loads(written["template.json"])["Resources"]


def test_more_policies_than_a_target_takes(tmp_path: Path) -> None:
    roles = [f"automation/{'role' * 20}-{number:03}" for number in range(40)]
    values = parameters(tmp_path, automation_roles=roles)
    ran = smguard("policies", "render", "--parameters", values, "-o", tmp_path / "out")
    assert ran.code == 0
    count = len(list((tmp_path / "out" / "scp").iterdir()))
    assert count > 9
    assert re.fullmatch(
        rf"Warning: {count} policies of the kind service control policy, and AWS takes 10 per root, "
        r"organizational unit or account, FullAWSAccess included \(20\d\d-\d\d-\d\d\): attach some of them "
        r"further down\n",
        ran.err,
    )


@pytest.mark.parametrize("partition", PARTITIONS)
@pytest.mark.no_cover  # small policies cover as much
def test_lint_finds_nothing_in_what_is_rendered(partition: str, tmp_path: Path) -> None:
    values = parameters(tmp_path, partition)
    smguard(*("policies", "render", "--parameters", values, "-o", tmp_path / "out", "--partition", partition))
    ran = smguard("policies", "lint", tmp_path / "out")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("No findings in 32 policies;")
    assert ran.out.count("\n") == 1, "no notes either"


OUT = ("-o", "made")
DENY = {"Sid": "S", "Effect": "Deny", "Action": "sagemaker:CreateModel", "Resource": "*"}
BAD: dict[str, tuple[bytes, str]] = {
    "broken": (b'{"Statement": [}', "bad.json:1:16: "),
    "wrong-type": (b'{"Statement": 3}', "bad.json:1:2: Statement is neither a statement nor a list"),
    "wrong-effect": (
        json.dumps({"Statement": {**DENY, "Effect": 5}}).encode(),
        ".Effect is not Allow or Deny",
    ),
    "unknown-operator": (
        json.dumps({"Statement": {**DENY, "Condition": {"StringIsh": {"a": "b"}}}}).encode(),
        "'StringIsh' is no condition operator",
    ),
    "written-twice": (b'{"Statement": [],\n "Statement": []}', "bad.json:1:2: Statement is written twice"),
    "deep": (b'{"Statement": ' + b"[" * 100_000, "bad.json:1:78: is nested deeper than 64 levels"),
    "huge": (b'{"Statement": "' + b"x" * 6_000_000 + b'"}', "bad.json: is larger than 5 MB"),
    "bytes": (b"\xff\xfe\xfa{", "bad.json"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_is_a_located_error(kind: str, tmp_path: Path) -> None:
    text, said = BAD[kind]
    (tmp_path / "bad.json").write_bytes(text)
    (tmp_path / "bad.cases.yaml").write_text(yaml.safe_dump({"layer": "scp", "cases": [DENIED]}))
    (tmp_path / "model.json").write_text("{}")
    commands = [
        ("simulate", "CreateModel", "--scp", "bad.json", *OUT),
        ("simulate", "CreateModel", "--call", "model.json", "--boundary", "bad.json", *OUT),
        ("test", "bad.json"),
    ]
    for words in commands:
        ran = smguard("policies", *words, cwd=tmp_path)
        assert (ran.code, ran.out) == (2, ""), words
        assert said in ran.err, words
    line = b'{"request": {"principal": "*", "action": "s3:GetObject"}, "scp": [[%b]]}\n' % text.replace(
        b"\n", b""
    )
    (tmp_path / "bad.jsonl").write_bytes(
        b'{"request": {"principal": "*", "action": "s3:GetObject"}}\n' + line
    )
    ran = smguard("policies", "simulate", "--scenarios", "bad.jsonl", *OUT, cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "bad.jsonl:2" in ran.err
    for words in (("refresh-reference", "bad.json", *OUT), ("render", "--parameters", "bad.json", *OUT)):
        ran = smguard("policies", *words, cwd=tmp_path)
        assert (ran.code, ran.out) == (2, "")
        assert "bad.json" in ran.err
    # What is wrong with a policy is what lint is asked for; what it can't read at all is no finding.
    ran = smguard("policies", "lint", "bad.json", *OUT, cwd=tmp_path)
    assert ran.code == (3 if kind in ("deep", "huge") else 1)
    report = (tmp_path / "made").read_text()
    assert "Not looked at: bad.json" in report if ran.code == 3 else report.startswith("bad.json\n  1:")
    assert sorted(it.name for it in tmp_path.iterdir()) == [
        *("bad.cases.yaml", "bad.json", "bad.jsonl", "made", "model.json"),
    ]


def test_a_policy_of_a_megabyte(tmp_path: Path) -> None:
    many = [{**DENY, "Sid": f"S{number}", "Action": "s3:" + "x" * 900} for number in range(1_050)]
    (tmp_path / "big.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": many}))
    ran = smguard("policies", "lint", "big.json", cwd=tmp_path)
    assert (ran.code, "Not looked at: big.json: only the length" in ran.out) == (3, True)
    assert smguard("policies", "simulate", "s3:GetObject", "--scp", "big.json", cwd=tmp_path).code == 0


BROKEN = [
    ({"approved_subnets": None}, "1:1: approved-subnets is missing"),
    ({"approved-subnet": ["subnet-11111111111111111"]}, r"1:\d+: approved-subnet unknown key"),
    ({"approved_subnets": []}, r"1:\d+: approved-subnets is empty"),
    ({"approved_subnets": "subnet-11111111111111111"}, r"1:\d+: approved-subnets must be a list"),
    ({"approved_subnets": ["subnet-11111111111111111", 3]}, r"1:\d+: approved-subnets\[1\] must be text"),
    ({"approved_subnets": ["subnet-1"]}, r"1:\d+: approved-subnets\[0\] does not match"),
    ({"data_buckets": ["a-bucket", "a-bucket"]}, r"1:\d+: data-buckets holds a value twice"),
    ({"automation_roles": ["*"]}, r"1:\d+: automation-roles\[0\] does not match"),
    ({"automation_roles": ["{{data-key}}"]}, r"1:\d+: automation-roles\[0\] does not match"),
    ({"automation_roles": ["a" * 577]}, r"1:\d+: automation-roles\[0\] is against maxLength: 576"),
    (
        {"data_key": "arn:aws-cn:kms:cn-north-1:111122223333:key/1"},
        r"1:\d+: data-key is an ARN of another partition",
    ),
    (
        {"data_buckets": [f"bucket-{n:03}" for n in range(400)]},
        "data-buckets: with 400 values iam/data-scientist.json",
    ),
    (
        {"approved_subnets": [f"subnet-{n:017}" for n in range(400)]},
        "with 400 values scp/approved-network.json#Deny",
    ),
]


@pytest.mark.parametrize(("changes", "said"), BROKEN, ids=[said[:50] for _, said in BROKEN])
def test_values_that_can_not_be(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    values = parameters(tmp_path, **changes)
    ran = smguard("policies", "render", "--parameters", values, "-o", tmp_path / "out")
    assert ran.code == 2
    assert re.search(said, ran.err), ran.err
    assert str(values) in ran.err
    assert [it.name for it in tmp_path.iterdir()] == ["values.yaml"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"[1]", ":1:1: must be a mapping"),
        (b"a: b: c", ":1:5: "),
        (b"\xff\xfe\x00", "values.yaml: "),
        (b"a: &a [*a]", "values.yaml"),
        (b"organization-id: o-1\norganization-id: o-2\n", "values.yaml"),
        (b"x" * 5_000_001, "larger than 5 MB"),
    ],
)
def test_files_that_are_no_values(text: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_bytes(text)
    ran = smguard("policies", "render", "--parameters", "values.yaml", "-o", "out", cwd=tmp_path)
    assert ran.code == 2
    assert said in ran.err
    assert not (tmp_path / "out").exists()


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for name, said in (
        ("none.yaml", "none.yaml: can't be read: No such file"),
        (".", "Error: .: "),
    ):
        ran = smguard("policies", "render", "--parameters", name, "-o", "out", cwd=tmp_path)
        assert (ran.code, said in ran.err) == (2, True)


def test_the_output_folder_is_replaced_only_if_it_is_ours(tmp_path: Path) -> None:
    values, out = parameters(tmp_path), tmp_path / "out"

    def render(run: Any = smguard, **how: Any) -> Any:
        return run("policies", "render", "--parameters", values, "-o", out, **how)

    assert render().code == 0
    parameters(tmp_path, data_buckets=["another-bucket"])
    assert render().code == 0
    held = files(out)
    assert [name for name in held if name.startswith("s3/")] == ["s3/data-bucket.another-bucket.json"]
    (out / "mine.txt").write_text("mine")
    ran = render()
    assert (ran.code, files(out)) == (2, {**held, "mine.txt": "mine"})
    assert "holds what this command did not write: mine.txt" in ran.err
    (out / "mine.txt").unlink()
    (out / "manifest.json").write_text("[]")
    assert render().code == 2
    shutil.rmtree(out)
    out.write_text("a file")
    assert "is no folder" in render().err
    out.unlink()
    (tmp_path / "closed").mkdir(mode=0o500)
    out = tmp_path / "closed" / "out"
    ran = render(door.smguard, before=give_up_power)
    assert (ran.code, "can't be written" in ran.err) == (2, True)
    assert list((tmp_path / "closed").iterdir()) == []


@pytest.mark.no_cover  # a few cases cover as much
def test_the_policies_of_a_checkout_decide_as_their_cases_say() -> None:
    assert smguard("policies", "test").code == 0


def test_the_policies_decide_as_their_cases_say() -> None:
    ran = door.smguard("policies", "test")  # as a wheel holds it
    assert (ran.code, ran.err) == (0, ""), ran.out
    assert re.fullmatch(r"16 policies: \d{3} cases are as they say\.\n", ran.out)


POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "DenyRoot",
            "Effect": "Deny",
            "Action": "sagemaker:CreateNotebookInstance",
            "Resource": "*",
            "Condition": {"StringNotEquals": {"sagemaker:RootAccess": "Disabled"}},
        }
    ],
}
DENIED = {"about": "Root", "call": "CreateNotebookInstance", "decision": "ExplicitlyDenied", "by": "DenyRoot"}
ALLOWED = {
    "about": "No root",
    "call": "CreateNotebookInstance",
    "with": {"RootAccess": "Disabled"},
    "decision": "Allowed",
}


def case_run(
    folder: Path, cases: Any, policy: Any = POLICY, layer: str | None = "scp", name: str = "own.json"
) -> Any:
    (folder / "own.json").write_text(json.dumps(policy))
    (folder / "own.cases.yaml").write_text(
        yaml.safe_dump({**({"layer": layer} if layer else {}), "cases": cases}, sort_keys=False)
    )
    return smguard("policies", "test", name, cwd=folder)


def test_cases_of_ones_own(tmp_path: Path) -> None:
    for name in ("own.json", "own.cases.yaml"):
        ran = case_run(tmp_path, [DENIED, ALLOWED], name=name)
        assert (ran.code, ran.out) == (0, "1 policy: 2 cases are as they say.\n")
    (tmp_path / "scp").mkdir()
    assert case_run(tmp_path / "scp", [DENIED, ALLOWED], layer=None).code == 0


OTHER = {"about": "Other", "request": {"action": "sagemaker:ListModels"}, "decision": "Allowed"}
ASSUMING = "as written, omitted absent, deprecated sent, several each"
BY_ROOT = "ExplicitlyDenied by DenyRoot"
WRONG = [
    ([DENIED], "own.json#DenyRoot: no case just misses this statement"),
    ([DENIED, OTHER], "own.json#DenyRoot: no case just misses this statement"),
    ([ALLOWED], "own.json#DenyRoot: no case reaches this statement"),
    ([DENIED, {**ALLOWED, "with": {}}], f"own.cases.yaml:7: No root ({ASSUMING}): {BY_ROOT}, not Allowed"),
    ([{**DENIED, "by": "DenyOther"}, ALLOWED], f"3: Root ({ASSUMING}): {BY_ROOT}, not by DenyOther"),
    ([{**DENIED, "decision": "ImplicitlyDenied"}, ALLOWED], f"{BY_ROOT}, not ImplicitlyDenied"),
]


@pytest.mark.parametrize(("cases", "said"), WRONG)
def test_cases_that_differ(cases: Any, said: str, tmp_path: Path) -> None:
    ran = case_run(tmp_path, cases)
    assert (ran.code, ran.err) == (1, "")
    assert said in ran.out


BAD_CASES = [
    ([], "own.cases.yaml:2:1: cases is empty"),
    (["x"], "own.cases.yaml:3:3: cases[0] must be a mapping"),
    ([{**DENIED, "calls": "x"}], "cases[0].calls unknown key"),
    ([{"about": "x", "decision": "Allowed"}], "cases[0].request is missing"),
    ([{**DENIED, "request": {"action": "s3:GetObject"}}], "cases[0] has both a call and a request"),
    ([{"about": "x", "request": {}, "decision": "Allowed"}], "cases[0].request.action is missing"),
    ([{**DENIED, "with": []}], "cases[0].with must be a mapping"),
    ([{**DENIED, "about": 1}], "cases[0].about must be text"),
    ([{**DENIED, "decision": "Denied"}], "'Denied' is none of Allowed, ExplicitlyDenied, ImplicitlyDenied"),
    ([{**DENIED, "with": {"RootAccess": "{{root}}"}}], "{{root}} stands for no parameter"),
]


@pytest.mark.parametrize(("cases", "said"), BAD_CASES)
def test_cases_that_can_not_be_read(cases: Any, said: str, tmp_path: Path) -> None:
    ran = case_run(tmp_path, cases)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


LOCK = "@@operators_allowed_for_child_policies"
CHILD = {"services": {"lex": {"opt_out_policy": {"@@assign": "optIn"}}}}
OPT_OUT: dict[str, Any] = json.loads((ROOT / "policies/ai-opt-out/organization.json").read_text())
UNDO = {"about": "Lex", "children": [CHILD], "service": "lex", "decision": "optOut"}
OWN_OPT_OUT = [
    (["services", LOCK], [UNDO], "own.cases.yaml:3: Lex: lex is assigned optIn, not optOut"),
    ([], [UNDO], f"own.json#services.default.{LOCK}: no case reaches this operator"),
    (["services", "default"], [{**UNDO, "children": []}], "Lex: lex is assigned nothing, not optOut"),
]


@pytest.mark.parametrize(("gone", "cases", "said"), OWN_OPT_OUT)
def test_cases_of_an_opt_out_policy_of_ones_own(
    gone: list[str], cases: Any, said: str, tmp_path: Path
) -> None:
    document = json.loads(json.dumps(OPT_OUT))
    if gone:
        del document[gone[0]][gone[1]]
    ran = case_run(tmp_path, cases, document, "ai-opt-out")
    assert (ran.code, ran.err) == (1, "")
    assert said in ran.out


@pytest.mark.parametrize("allowed", ["@@all", ["@@assign"], ["@@none"], "@@none"])
def test_what_a_lock_lets_a_child_assign(allowed: Any, tmp_path: Path) -> None:
    document = {"services": {LOCK: allowed, "default": {"opt_out_policy": {"@@assign": "optOut"}}}}
    opted = "optOut" if "@@none" in allowed else "optIn"
    ran = case_run(tmp_path, [{**UNDO, "decision": opted}], document, "ai-opt-out")
    assert "is assigned" not in ran.out


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("x", "cases[0] must be a mapping"),
        ({**UNDO, "call": "x"}, "cases[0].call unknown key"),
        ({**UNDO, "children": CHILD}, "cases[0].children must be a list"),
        ({"about": "x", "decision": "optOut"}, "cases[0].service is missing"),
        ({**UNDO, "decision": "Allowed"}, "'Allowed' is none of optOut, optIn"),
    ],
)
def test_cases_of_opt_out_policies_that_can_not_be_read(case: Any, said: str, tmp_path: Path) -> None:
    ran = case_run(tmp_path, [case], OPT_OUT, "ai-opt-out")
    assert (ran.code, ran.out) == (2, "")
    assert "own.cases.yaml:" in ran.err
    assert said in ran.err


def test_policies_that_can_not_be_tested(tmp_path: Path) -> None:
    assert "nothing says what this policy is attached to" in case_run(tmp_path, [DENIED], layer=None).err
    broken = case_run(tmp_path, [DENIED], {"Statement": [{"Effect": "Deny"}]})
    assert "own.json:1:16: Statement[0] has neither Action nor NotAction" in broken.err
    (tmp_path / "own.cases.yaml").write_text("cases: [")
    assert smguard("policies", "test", "own.json", cwd=tmp_path).code == 2
    ran = smguard("policies", "test", "none.json", cwd=tmp_path)
    assert (ran.code, "none.cases.yaml: can't be read: No such file" in ran.err) == (2, True)


def test_controls_and_policies_name_each_other() -> None:
    full = catalog.load()
    assert list(agreement.faults(full)) == []
    changed = [
        it._replace(
            prevent=("scp/encryption.json#Gone", "scp/access.json#DenySpaceRemoteAccess"), not_prevented=()
        )
        if it.id == "studio-vpc-only"
        else it
        for it in full.controls
    ]
    assert list(agreement.faults(full._replace(controls=tuple(changed)))) == [
        "studio-vpc-only: prevent names scp/encryption.json#Gone, and there is no such statement",
        "studio-vpc-only: prevent names scp/access.json#DenySpaceRemoteAccess, "
        "which stops no type that the control judges",
        *(
            f"policies/scp/network.json#{sid}: no control names this statement in its prevent"
            for sid in ("DenyStudioOnInternet", "DenyMovingStudioToInternet")
        ),
        "studio-vpc-only: no statement stops AWS::SageMaker::Domain, and not-prevented doesn't say why",
    ]


def test_matrix() -> None:
    cells = json.loads(smguard("rules", "matrix", "-f", "json").out)
    found = {(it["control"], it["type"].rpartition("::")[2]): it for it in cells}
    labeling = found["volume-kms-key", "LabelingJob"]
    assert (labeling["template"], labeling["live"], labeling["config"], labeling["scp"]) == (
        False,
        True,
        "periodic",
        [],
    )
    assert "automated labeling" in labeling["why_not"][0]
    notebook = found["volume-kms-key", "NotebookInstance"]
    assert (notebook["config"], notebook["why_not"]) == ("change", [])
    assert notebook["scp"] == ["scp/encryption.json#DenyNotebookAndStudioVolumeWithoutKey"]
    assert found["ai-services-opt-out", "EffectivePolicy"]["config"] == "periodic"
    assert found["vpc-flow-logs", "Subnet"]["config"] == "periodic"
    assert found["execution-role-scope", "Policy"]["config"] == "none"  # only templates have it
    table = smguard("rules", "matrix").out.splitlines()
    assert max(map(len, table)) <= 100
    counts, reasons = table[1 : table.index("")], table[table.index("Not stopped, and why") + 1 :]
    markdown = smguard("rules", "matrix", "-f", "markdown").out.splitlines()
    controls = {it["control"] for it in cells}
    assert {line.split()[0] for line in counts} == controls == {line.split()[1] for line in markdown[2:]}
    assert {line.count(" | ") for line in markdown if "---" not in line} == {5}
    assert {line.strip() for line in reasons if line[:3].count(" ") == 2} == {
        it["control"] for it in cells if it["why_not"]
    }


def test_denies_name_the_current_and_the_deprecated_key_in_one_null_block() -> None:
    for path in (ROOT / "policies" / "scp").glob("*.json"):
        for statement in json.loads(path.read_text())["Statement"]:
            nulls = statement.get("Condition", {}).get("Null", {})
            absent = {key for key, value in nulls.items() if value == "true"}
            keys = {key.removesuffix("Arn") for key in absent if "KmsKey" in key}
            assert absent >= {name for key in keys for name in (key, f"{key}Arn")}, statement["Sid"]
            assert len(keys) <= 1, statement["Sid"]
            assert statement["Effect"] == "Deny"
            exempt = statement.get("Condition", {}).get("ArnNotLike", {}).get("aws:PrincipalArn")
            assert exempt or statement["Sid"] == "DenyLeavingOrganization"


def test_what_explain_says_of_prevention() -> None:
    def said(control: str) -> str:
        text = smguard("rules", "show", control).out.partition("What stops it before it is made\n")[2]
        return " ".join(text.partition("\n\n")[0].split())

    assert said("core-dump-kms-key") == (
        "No policy: SageMaker has no condition key for it. Only a scan finds it."
    )
    volume = said("volume-kms-key")
    assert volume.startswith("scp/encryption.json#DenyNotebookAndStudioVolumeWithoutKey scp/")
    assert "Not stopped for LabelingJob: no key tells automated labeling" in volume
    assert "Stopped too for TrainingJob: serverless training" in volume
    customer = said("customer-managed-kms-key")
    assert "Not stopped for ProcessingJob at ProcessingInputs: the keys of query results" in customer
    assert "TransformJob, UserProfile: only the keys that an organisation approves" in customer


def test_reasons_that_can_not_be(tmp_path: Path) -> None:
    control = yaml.safe_load((ROOT / "rules/access/notebook-root-access.yaml").read_text())
    control |= {"id": "own", "number": 500}
    for reasons, what in (
        (
            [{"types": ["AWS::SageMaker::Model"], "why": "x"}],
            "AWS::SageMaker::Model is no type that the control",
        ),
        ([{"types": ["*"]}], "not-prevented.0.why: is missing"),
        ([{"types": ["*"], "why": "x", "where": "y"}], "not-prevented.0.where: unknown key"),
        ("x", "not-prevented: must be a list"),
    ):
        (tmp_path / "own.yaml").write_text(yaml.safe_dump({**control, "not-prevented": reasons}))
        ran = smguard("rules", "check", tmp_path)
        assert (ran.code, what in ran.out) == (1, True), ran.out
