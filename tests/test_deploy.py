"""What puts the controls into an account: zips, stacks, Guard policies and remedies."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatchcase
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.session import Session
from click.testing import CliRunner

from scanner import __version__, catalog
from scanner.alone import alone, together
from scanner.audit import acquisition
from scanner.audit.environment import leading
from scanner.audit.governance import ACTIONS
from scanner.audit.item import Item
from scanner.audit.judging import Judge
from scanner.audit.opt_out import EFFECTIVE
from scanner.cli.commands import group
from scanner.deploy import bundle, guard
from scanner.deploy.rule import rules
from scanner.folder import read_data
from scanner.model import Severity, SmguardError
from scanner.template.load import DEFINED
from tests.building import ROOT
from tools.generate_config_rules import files

CHECKOV = shutil.which("checkov", path=f"{ROOT / 'benchmarks/.venvs/checkov/bin'}:{os.environ['PATH']}")
CFN_LINT = Path(sys.executable).with_name("cfn-lint")
CATALOG = catalog.load()
ALONE = alone(CATALOG)
KNOWN, SOURCES = acquisition.load(), acquisition.sources()
RULES = rules(CATALOG, KNOWN)
STACKS = {
    name: yaml.safe_load((ROOT / "config_rules" / name).read_text())
    for name in ("template.yaml", "organization.yaml", "guard.yaml")
}
RESOURCES = STACKS["template.yaml"]["Resources"]
MOST_TEMPLATE = 1_000_000
INTRINSIC = re.compile(r'"(Ref|Fn::\w+)"')


def run(*words: str | Path) -> Any:
    return CliRunner().invoke(group, ["config-rules", *map(str, words)], standalone_mode=False)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    assert run("build", "-o", folder, "--organization").return_value == 0
    return folder


def of_type(stack: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: body["Properties"]
        for name, body in stack["Resources"].items()
        if isinstance(body, dict) and body["Type"] == kind
    }


def test_what_is_committed_is_what_the_catalog_gives() -> None:
    for path, text in files().items():
        assert path.read_text(encoding="utf-8") == text, "run `make docs`"


@pytest.mark.no_cover  # all of it is cfn-lint
def test_cfn_lint_accepts_the_stacks(built: Path) -> None:
    stacks = [ROOT / "config_rules" / "guard.yaml", built / "template.yaml", built / "organization.yaml"]
    command = [CFN_LINT, "--regions", "us-east-1", "--", *map(str, stacks)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.mark.no_cover  # all of it is cfn-lint
def test_cfn_lint_accepts_what_the_organization_stack_holds(tmp_path: Path) -> None:
    resources = STACKS["organization.yaml"]["Resources"]
    (tmp_path / "member.json").write_text(resources["MemberRole"]["Properties"]["TemplateBody"])
    (tmp_path / "pack.json").write_text(resources["Pack"]["Properties"]["TemplateBody"])
    ignored = ["--ignore-checks", "W3037"]  # cfn-lint's list of actions is older than the API
    command = [CFN_LINT, *ignored, "--", *map(str, sorted(tmp_path.glob("*.json")))]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


@pytest.mark.skipif(CHECKOV is None, reason="there is no checkov; `make checkov` installs it")
def test_checkov_accepts_the_stacks(tmp_path: Path) -> None:
    for name in STACKS:
        shutil.copy(ROOT / "config_rules" / name, tmp_path)
    words = [str(CHECKOV), "-d", str(tmp_path), "--framework", "cloudformation", "--compact", "-o", "json"]
    done = subprocess.run([*words, "--skip-download"], capture_output=True, text=True)
    report = json.loads(done.stdout)
    assert done.returncode == 0, [it["check_id"] for it in report["results"]["failed_checks"]]
    assert report["summary"]["passed"] > 80
    assert report["summary"]["parsing_errors"] == 0
    reasons = {
        it["check_id"]: it["check_result"]["suppress_comment"] for it in report["results"]["skipped_checks"]
    }
    assert reasons.keys() == {"CKV_AWS_111", "CKV_AWS_117", "CKV_AWS_173"}


def test_our_own_scan_accepts_the_stacks(built: Path, tmp_path: Path) -> None:
    given = tmp_path / "parameters.json"
    given.write_text(json.dumps({"MemberAccounts": "111122223333,444455556666"}))
    result = CliRunner().invoke(
        group,
        ["scan", "--strict", "--no-config", str(built), "--parameters", str(given)],
        standalone_mode=False,
    )
    assert result.return_value == 0, result.output


def test_each_control_is_a_rule_that_names_it() -> None:
    found = of_type(STACKS["template.yaml"], "AWS::Config::ConfigRule")
    names = {it["ConfigRuleName"]: it for it in found.values()}
    unruled = read_data("config_rules", "_deployment.yaml")["unruled"]
    assert unruled.keys() == {"guardrail-policies-attached", "lifecycle-config-secrets"}
    controls = {it.id for it in CATALOG.controls if not it.retired} - unruled.keys()
    assert names.keys() == {f"sagemaker-{each}" for each in controls}
    for name, it in names.items():
        control = CATALOG.by_id[name.removeprefix("sagemaker-")]
        given = it["InputParameters"]
        assert given["control"] == control.id
        assert set(control.parameters or ()) <= given.keys()
        assert len(json.dumps(given)) < 1_024
        recorded = {
            kind
            for kind in control.resources
            if kind in KNOWN
            and KNOWN[kind].config.trigger == "change"
            and not together(control, kind, CATALOG)
        }
        assert set(it.get("Scope", {}).get("ComplianceResourceTypes", ())) == recorded
        messages = [each["MessageType"] for each in it["Source"]["SourceDetails"]]
        assert ("ConfigurationItemChangeNotification" in messages) == bool(recorded)
        assert ("ScheduledNotification" in messages) == bool(
            control.resources.keys() & {*KNOWN, *SOURCES, EFFECTIVE} - recorded
        )


def test_a_pack_of_all_accounts_has_the_same_rules() -> None:
    stack = STACKS["organization.yaml"]
    inner = stack["Resources"]["Pack"]["Properties"]["TemplateBody"]
    assert len(inner) <= 51_200
    pack = json.loads(inner)
    theirs, ours = (
        of_type(pack, "AWS::Config::ConfigRule"),
        of_type(STACKS["template.yaml"], "AWS::Config::ConfigRule"),
    )
    assert theirs.keys() == ours.keys()
    for name, it in theirs.items():
        given = {**ours[name]["InputParameters"], "role": "smguard-config-rules"}
        assert it["InputParameters"] == given
        assert it["Scope"] == ours[name]["Scope"] if "Scope" in ours[name] else "Scope" not in it
        assert it["Source"]["SourceDetails"] == ours[name]["Source"]["SourceDetails"]
    handed = stack["Resources"]["Pack"]["Properties"]["ConformancePackInputParameters"]
    assert {each["ParameterName"] for each in handed} == pack["Parameters"].keys()
    assert {"AllowedKeys", "ExemptVpcConfig"} <= pack["Parameters"].keys() & stack["Parameters"].keys()
    assert len(handed) <= 60
    member = json.loads(stack["Resources"]["MemberRole"]["Properties"]["TemplateBody"])
    assert member["Resources"]["Role"]["Properties"]["RoleName"] == "smguard-config-rules"
    actions = {action for it in statements(stack, "RulesRole") for action in listed(it["Action"])}
    assert actions >= {"sts:AssumeRole", "config:PutEvaluations", "sagemaker:ListModels"}
    (enter,) = [it for it in statements(stack, "RulesRole") if it["Action"] == "sts:AssumeRole"]
    assert enter["Condition"] == {"StringEquals": {"aws:ResourceOrgID": {"Ref": "OrganizationId"}}}
    assert enter["Resource"]["Fn::Sub"].endswith(":role/smguard-config-rules")
    allowed = {a for it in statements(member, "Role") for a in listed(it["Action"])}
    assert allowed == actions & allowed
    assert {"config:PutEvaluations", "sagemaker:DescribeModel"} <= allowed


def statements(stack: dict[str, Any], role: str) -> list[dict[str, Any]]:
    policies = stack["Resources"][role]["Properties"]["Policies"]
    return [it for policy in policies for it in policy["PolicyDocument"]["Statement"]]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_the_functions_may_do_what_they_do_and_no_more() -> None:
    allowed = {
        action for it in statements(STACKS["template.yaml"], "RulesRole") for action in listed(it["Action"])
    }
    called = set()
    for path in (ROOT / "config_rules").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            words = (
                [it.value for it in ast.walk(node) if isinstance(it, ast.Constant)]
                if isinstance(node, ast.Call)
                else []
            )
            called |= {
                f"{a}:{b}"
                for a, b in pairwise(words)
                if a in ("config", "lambda") and b[0].isupper() and b != "EvaluationResults"
            }
    called |= {f"config:{name}" for name in ("GetComplianceDetailsByConfigRule",)}
    called = {"lambda:InvokeFunction" if it == "lambda:Invoke" else it for it in called}
    assert called <= allowed
    services = "|".join({"sagemaker", "kms", "tag", *(it.service for it in SOURCES.values())})
    verbs = re.compile(rf"({services}):(Describe|List|Get|Search|Batch|Decrypt|GenerateDataKey)")
    beyond = {it for it in allowed if not verbs.match(it)}
    called |= ACTIONS[EFFECTIVE]
    assert beyond == called | {"logs:CreateLogStream", "logs:PutLogEvents", "sqs:SendMessage"}
    everywhere = [
        it["Sid"] for it in statements(STACKS["template.yaml"], "RulesRole") if it["Resource"] == "*"
    ]
    assert everywhere == ["ReadSageMakerSettings", "ReadWhatSettingsName", "ReportToConfig"]
    model = Session().get_service_model("config")
    assert {it.partition(":")[2] for it in read_data("config_rules", "_deployment.yaml")["report"]} <= set(
        model.operation_names
    )


def test_only_this_account_calls_and_nothing_is_lost() -> None:
    assert of_type(STACKS["template.yaml"], "AWS::Lambda::Permission")["RulesPermission"] == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": {"Ref": "RulesFunction"},
        "Principal": "config.amazonaws.com",
        "SourceAccount": {"Ref": "AWS::AccountId"},
    }
    for name, it in of_type(STACKS["template.yaml"], "AWS::Lambda::Function").items():
        assert it["DeadLetterConfig"], name
        assert it["ReservedConcurrentExecutions"], name
        assert it["Timeout"] == (900 if name == "RulesFunction" else 30)
    for it in of_type(STACKS["template.yaml"], "AWS::Logs::LogGroup").values():
        assert it.keys() >= {"KmsKeyId", "RetentionInDays"}


def test_the_hook_is_called_for_every_type_that_it_judges() -> None:
    (hook,) = of_type(STACKS["template.yaml"], "AWS::CloudFormation::LambdaHook").values()
    patterns = hook["TargetFilters"]["TargetNames"]
    # SAM's types are gone once its macro has run, policies of an organization are in no stack, and no hook is
    # called for a custom resource by itself.
    unseen = ("Organizations", "Serverless", "AWS")
    judged = {it for it in (*ALONE.by_type, *DEFINED) if it.split("::")[1] not in unseen}
    assert [it for it in judged if not any(fnmatchcase(it, pattern) for pattern in patterns)] == []


def test_stacks_fit_what_aws_takes(built: Path) -> None:
    for name in STACKS:
        text = (ROOT / "config_rules" / name).read_text()
        assert len(text) < MOST_TEMPLATE
        assert len(STACKS[name].get("Parameters", ())) <= 200
        assert len(STACKS[name]["Resources"]) <= 500
    for role in ("RulesRole", "MemberRole"):  # IAM counts all policies in a role together
        stack = STACKS["organization.yaml"]
        if role == "MemberRole":
            stack = json.loads(stack["Resources"][role]["Properties"]["TemplateBody"])
            role = "Role"
        assert sum(len(json.dumps(it)) for it in statements(stack, role)) < 10_240


@pytest.mark.no_cover  # one of them covers as much
def test_zips_are_reproducible_and_small(built: Path, tmp_path: Path) -> None:
    assert run("build", "-o", tmp_path).return_value == 0
    for path in tmp_path.iterdir():
        assert path.read_bytes() == (built / path.name).read_bytes()
    for kind in ("rules", "hook"):
        (path,) = built.glob(f"smguard-{kind}-*.zip")
        assert path.stat().st_size < 250_000
        with zipfile.ZipFile(path) as archive:
            assert {it.date_time for it in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
            names = archive.namelist()
        assert names == sorted(names)
        assert not [
            name
            for name in names
            if "boto" in name or "cli" in name.split("/") or "report" in name.split("/")
        ]
        assert ("yaml/__init__.py" in names) == (kind == "hook")
        assert not [name for name in names if name.endswith((".so", ".pyc"))]


LONELY = """
import sys
sys.path[:] = [sys.argv[1], *(it for it in sys.path if "site-packages" not in it)]
import json, pkgutil
from scanner import catalog
from scanner.alone import alone
failed = []
for found in pkgutil.walk_packages([sys.argv[1]], onerror=failed.append):
    try:
        __import__(found.name)
    except ModuleNotFoundError as error:
        failed.append(f"{found.name} wants {error.name}")
full, leads = catalog.load(), []
if sys.argv[2] == "rules":
    from scanner.audit import acquisition
    from scanner.audit.environment import leading
    sources = acquisition.sources()
    leads = [[it, sorted(leading(full, it, sources))] for it in sorted(acquisition.load())]
print(json.dumps([failed, full.digest, len(full.controls), leads]))
"""


@pytest.mark.parametrize("kind", ["rules", "hook"])
def test_a_zip_stands_alone(built: Path, tmp_path: Path, kind: str) -> None:
    (path,) = built.glob(f"smguard-{kind}-*.zip")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path)
    command = [sys.executable, "-I", "-S", "-B", "-c", LONELY, str(tmp_path), kind]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # Rules read YAML never: what a pipeline holds is JSON.
    wanting = {"rules": ["yaml_fault", "yaml_reader"], "hook": []}[kind]
    failed = [f"scanner.template.{name} wants yaml" for name in wanting]
    if kind == "hook":
        failed = ["yaml.cyaml wants yaml._yaml"]
    # Of the kinds of properties there is only what names other services' resources.
    leads = [[it, sorted(leading(CATALOG, it, SOURCES))] for it in sorted(KNOWN)] if kind == "rules" else []
    assert json.loads(done.stdout) == [failed, CATALOG.digest, len(CATALOG.controls), leads]


def test_code_and_stack_say_what_they_are(built: Path) -> None:
    stack = yaml.safe_load((built / "template.yaml").read_text())
    (path,) = built.glob("smguard-rules-*.zip")
    tags = json.loads((built / "configuration.json").read_text())["Tags"]
    assert tags["smguard:version"] == __version__
    assert tags["smguard:catalog"] == CATALOG.digest
    assert path.name == f"smguard-rules-{tags['smguard:code'][:12]}.zip"
    function = stack["Resources"]["RulesFunction"]["Properties"]
    assert {it["Key"]: it["Value"] for it in function["Tags"]} == tags
    assert function["Code"]["S3Key"]["Fn::Sub"].endswith(path.name)
    assert stack["Outputs"]["Catalog"]["Value"] == CATALOG.digest


def test_an_entry_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SmguardError, match=r"no module config_rules\.nothing"):
        bundle._modules(["config_rules.nothing"], [])
    monkeypatch.setattr(bundle, "MOST_BYTES", 1_000)
    with pytest.raises(SmguardError, match="more than 1000"):
        bundle.bundles()
    with pytest.raises(SmguardError, match="no_such_package is not installed"):
        list(bundle._package("no_such_package"))


def test_a_folder_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("build", "-o", tmp_path / "file" / "below", "--guard")
    assert isinstance(result.exception, SmguardError)
    assert "can't be written" in result.exception.what
    assert "exclude each other" in str(run("build", "-o", tmp_path, "--guard", "--organization").exception)


def test_remedies_are_documents_that_look_ask_and_only_then_change() -> None:
    data = read_data("config_rules", "_remedies.yaml")["documents"]
    model = Session().get_service_model("sagemaker")
    for name, body in data.items():
        content = RESOURCES[name]["Properties"]["Content"]
        assert content["schemaVersion"] == "0.3"
        assert content["parameters"]["DryRun"]["default"] is True
        steps = content["mainSteps"]
        assert [it["action"] for it in steps] == [
            "aws:executeScript",
            "aws:assertAwsResourceProperty",
            "aws:branch",
            "aws:approve",
            "aws:executeAwsApi",
        ]
        assert steps[2]["inputs"]["Choices"] == [
            {"NextStep": "Approve", "Variable": "{{ DryRun }}", "BooleanEquals": False}
        ]
        assert steps[2]["isEnd"]
        scope: dict[str, Any] = {}
        exec(steps[0]["inputs"]["Script"], scope)
        for given in ("arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/mine", "mine"):
            assert scope["name"]({"ResourceId": given}, None) == {"Name": "mine"}
        for step, part in ((steps[1], "describe"), (steps[4], "change")):
            operation = model.operation_model(body[part]["operation"])
            settings = step["inputs"].keys() - {
                "Service",
                "Api",
                "PropertySelector",
                "DesiredValues",
            }
            assert settings <= set(operation.input_shape.members)
        answer = model.operation_model(body["describe"]["operation"]).output_shape
        assert set(body["describe"]["allowed"]) <= set(answer.members[body["describe"]["state"]].enum)
        (policy,) = [
            it for it in RESOURCES["RemediesRole"]["Properties"]["Policies"] if it["PolicyName"] == name
        ]
        (statement,) = policy["PolicyDocument"]["Statement"]
        assert len(statement["Action"]) == 2
        assert statement["Resource"]["Fn::Sub"].endswith(body["arn"])
        controls = CATALOG.by_type[body["type"]] if body["controls"] == "*" else body["controls"]
        assert controls
        for control in () if body["controls"] == "*" else controls:
            judged = Judge(CATALOG, [CATALOG.by_id[control]], Joined(), None)
            fixed = judged.judge(Item(body["type"], "x", None, body["change"]["with"]))
            assert fixed.passed == (control,), "what the remedy sets satisfies the control"


def test_no_job_is_stopped_for_something_small() -> None:
    low = {it.id for it in CATALOG.controls if it.severity is Severity.LOW}
    text = next(text for path, text in files().items() if path.suffix == ".md")
    ended = set(re.findall(r"(?m)^\| `sagemaker-([\w-]+)` .*\bStop\w+Job\b", text))
    assert {"required-tags", "code-commit-recorded", "job-experiment"} <= low
    assert "network-isolation" in ended
    assert not ended & low


def test_nothing_is_mended_unless_the_stack_says_so() -> None:
    assert STACKS["template.yaml"]["Parameters"]["Remedies"]["Default"] == "NONE"
    assert STACKS["template.yaml"]["Parameters"]["RemediesDryRun"]["Default"] == "true"
    starts = [it for it in RESOURCES.values() if it["Type"] == "AWS::Config::RemediationConfiguration"]
    assert len(starts) == 3
    for it in starts:
        assert it["Condition"] == "HasRemedies"
        assert it["Properties"]["Automatic"] == {"Fn::If": ["IsAutomatic", True, False]}
        assert {"DryRun", "Approvers", "ResourceId"} <= it["Properties"]["Parameters"].keys()


@pytest.mark.parametrize("control", [it.id for it in CATALOG.controls if not it.retired])
def test_what_no_document_mends_is_made_again(control: str) -> None:
    body = CATALOG.by_id[control]
    mended = {
        it["type"]
        for it in read_data("config_rules", "_remedies.yaml")["documents"].values()
        if control in it["controls"]
    }
    places = {kind for kind, rule in body.resources.items() if rule.get("places")}
    immutable = {kind for kind in places if kind in KNOWN and KNOWN[kind].immutable} - mended
    # Tags can be added to what else can't be changed.
    added = "AddTags" in body.remediation
    assert not immutable or added or re.search("(?i)recreate", body.remediation), immutable


class Joined:
    """Every resource that another refers to is judged."""

    def holds(self, reference: str, types: Any) -> bool:
        return True


def examples(control: str, kinds: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Type and properties of every example that is as AWS Config would record it."""
    for each in (it for several in catalog.examples()[control].values() for it in several):
        resource = each.get("resource")
        if resource and "parameters" not in each and resource["Type"] in kinds:
            properties = resource.get("Properties", {})
            if not INTRINSIC.search(json.dumps(properties)):
                yield resource["Type"], properties


def variants(properties: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The properties, and what is left of them without each one, at any depth."""
    yield properties
    paths: list[list[Any]] = [[]]
    while paths:
        path = paths.pop()
        node: Any = properties
        for step in path:
            node = node[step]
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        paths += [[*path, key] for key in keys]
        if path and isinstance(path[-1], str):
            copied = json.loads(json.dumps(properties))
            above = copied
            for step in path[:-1]:
                above = above[step]
            del above[path[-1]]
            # What would be left empty AWS does not record.
            if above or len(path) == 1:
                yield copied


def guard_status(text: str, kind: str, properties: dict[str, Any]) -> str:
    """PASS, FAIL or SKIP. The binding's own report is cut off above 8 KiB, which only failures reach."""
    from cfn_guard_rs.cfn_guard_rs import run_checks_rs

    item = {"resourceType": kind, "configuration": properties}
    raw = run_checks_rs(json.dumps(item), text, False)
    statuses = re.findall(r'"status": ?"(PASS|FAIL|SKIP)"', raw)
    return statuses[0] if statuses else "FAIL"


def check_guard(found: list[guard.GuardRule]) -> int:
    """Hold Guard's verdicts to ours over all examples; how many were compared."""
    allowed = {"fail": {"FAIL"}, "pass": {"PASS", "SKIP"}, "unknown": {"SKIP"}, "none": {"SKIP"}}
    compared, passed = 0, 0
    for it in found:
        judge = Judge(CATALOG, [it.rule.control], Joined(), None)
        seen = set()
        for kind, properties in examples(it.rule.control.id, it.types):
            for variant in variants(properties):
                key = (kind, json.dumps(variant, sort_keys=True))
                if key in seen:
                    continue
                seen.add(key)
                judged = judge.judge(Item(kind, "x", None, variant))
                verdicts = {draft.verdict for draft in judged.drafts}
                ours = next(
                    (word for word in ("fail", "unknown") if word in verdicts),
                    "pass" if judged.passed else "none",
                )
                theirs = guard_status(it.text, kind, variant)
                assert theirs in allowed[ours], (it.rule.name, ours, theirs, variant)
                compared += 1
                passed += theirs == "PASS"
    assert passed > 10
    return compared


@pytest.mark.no_cover  # hundreds of examples, where a few cover as much
def test_guard_says_what_we_say() -> None:
    pytest.importorskip("cfn_guard_rs", reason="cfn-guard-rs has no wheel for this Python")
    assert check_guard(guard.guard_rules(CATALOG, RULES, KNOWN)) > 80


@pytest.mark.no_cover  # hundreds of examples, where a few cover as much
def test_guard_says_what_we_say_of_all_that_the_language_can() -> None:
    """As if AWS Config were known to record every property, so that more of the notation is proven."""
    pytest.importorskip("cfn_guard_rs", reason="cfn-guard-rs has no wheel for this Python")
    known = {name: it._replace(config=it.config._replace(lacks=())) for name, it in KNOWN.items()}
    assert check_guard(guard.guard_rules(CATALOG, RULES, known)) > 200


def test_guard_policies_fit_and_what_is_left_out_has_a_reason(tmp_path: Path) -> None:
    result = run("build", "-o", tmp_path, "--guard")
    assert result.return_value == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["guard.yaml"]
    assert "Guard has nothing for `is: " in " ".join(result.output.split())
    for it in guard.guard_rules(CATALOG, RULES, KNOWN):
        assert len(it.text) <= 10_000
        assert set(it.types) | it.unsaid.keys() == {*it.rule.changes, *it.rule.scheduled}
        assert not set(it.types) & it.unsaid.keys()
        assert all(it.unsaid.values())
    policies = of_type(STACKS["guard.yaml"], "AWS::Config::ConfigRule").values()
    assert {it["Source"]["CustomPolicyDetails"]["PolicyRuntime"] for it in policies} == {"guard-2.x.x"}


def test_a_policy_that_is_too_long_loses_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "MOST_CHARACTERS", 900)
    (found,) = [it for it in guard.guard_rules(CATALOG, RULES, KNOWN) if it.rule.control.id == "vpc-config"]
    assert len(found.text) <= 900
    assert any("more than 900 characters" in why for why in found.unsaid.values())


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ({"requires": {"A": {"is": "customer-managed-key"}}}, "nothing for `is: customer-managed-key`"),
        ({"requires": {"A": {"minItems": 2}}}, "nothing for `minItems`"),
        ({"requires": {"A[].B": {}}}, "every item of a list"),
        ({"when": {"A[].B[].C": {}}, "requires": {"D": {}}}, "lists of lists"),
        ({"requires": {"Lacked.A": {}}}, "no source says"),
        ({"at": "A[]", "unsure": {"B": {"const": "x"}}, "requires": {"C": {}}}, "no source tells"),
    ],
)
def test_what_guard_can_not_say_is_not_said(place: dict[str, Any], why: str) -> None:
    with pytest.raises(guard.Unsayable, match=re.escape(why)):
        guard._Writer(CATALOG, ("Lacked",), single=True).place(place)


def test_the_name_of_a_zip_is_the_digest_of_what_it_holds(built: Path) -> None:
    for path in built.glob("*.zip"):
        digest = hashlib.sha256()
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                content = archive.read(name)
                digest.update(f"{name}\0{len(content)}\0".encode() + content)
        assert path.stem.endswith(f"-{digest.hexdigest()[:12]}")
