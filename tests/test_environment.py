"""The example environment: it passes, and its templates fit each other and the pack's policies."""

from __future__ import annotations

import base64
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from cfnlint.decode import decode
from click.testing import CliRunner

from scanner.cli.commands import group
from scanner.secret import can_look
from tests.hosted import scan

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / "examples" / "environment"
TEMPLATES = sorted(path for path in ENVIRONMENT.rglob("*.yaml") if "Resources:" in path.read_text("utf-8"))
PRODUCTS = ("data-science-environment", "sagemaker-notebook", "sagemaker-studio", "sagemaker-studio-user")
CHECKOV = shutil.which("checkov", path=f"{ROOT / 'benchmarks/.venvs/checkov/bin'}:{os.environ['PATH']}")
GIVEN = {
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::URLSuffix": "amazonaws.com",
    "OrganizationId": "o-exampleorgid",
    "TeamName": "fraud",
    "NotebookName": "jo-churn",
    "MirrorOwner": "444455556666",
    "TemplateBucket": "example-templates",
    "ml-DataKeyArn": "arn:aws:kms:eu-central-1:111122223333:key/11111111-1111-1111-1111-111111111111",
    "ml-S3EndpointId": "vpce-11111111111111111",
    "ml-PrivateSubnet1Id": "subnet-11111111111111111",
    "ml-PrivateSubnet2Id": "subnet-22222222222222222",
    "ml-PrivateSubnet3Id": "subnet-33333333333333333",
    "ml-SageMakerSecurityGroupId": "sg-11111111111111111",
}
"""What parameters without default, pseudo parameters and imports stand for here."""


@cache
def template(path: Path) -> Any:
    """A template with every function in its long form."""
    read, mistakes = decode(str(path))
    assert not mistakes, mistakes
    return json.loads(json.dumps(read, default=str))


def resources(path: Path, kind: str) -> dict[str, Any]:
    """Properties by logical id."""
    found = template(path)["Resources"].items()
    return {name: resource.get("Properties", {}) for name, resource in found if resource["Type"] == kind}


def resolve(value: Any, path: Path) -> Any:
    """A value with GIVEN, the defaults of the template's parameters, and the names of its buckets put in."""

    def put(name: str, own: dict[str, Any]) -> str:
        declared = template(path)["Parameters"].get(name, {})
        bucket, _, attribute = name.partition(".")
        if bucket in (buckets := resources(path, "AWS::S3::Bucket")):
            called = resolve(buckets[bucket]["BucketName"], path)
            return f"arn:aws:s3:::{called}" if attribute == "Arn" else str(called)
        return str(own[name] if name in own else GIVEN.get(name, declared.get("Default")))

    match value:
        case {"Ref": name}:
            return put(name, {})
        case {"Fn::GetAtt": [name, attribute]}:
            return put(f"{name}.{attribute}", {})
        case {"Fn::ImportValue": name}:
            return GIVEN.get(resolve(name, path), "imported")
        case {"Fn::Base64": text}:
            return base64.b64encode(resolve(text, path).encode()).decode()
        case {"Fn::Sub": [text, own]}:
            own = resolve(own, path)
            return re.sub(r"\$\{([^!}]+)\}", lambda found: put(found[1], own), text).replace("${!", "${")
        case {"Fn::Sub": text}:
            return resolve({"Fn::Sub": [text, {}]}, path)
        case dict():
            return {key: resolve(inner, path) for key, inner in value.items()}
        case list():
            return [resolve(inner, path) for inner in value]
    return value


def functions(value: Any, name: str) -> Iterator[Any]:
    """The argument of each call of a function."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        if key == name:
            yield each
        yield from functions(each, name)


@cache
def rendered() -> dict[str, Any]:
    """The pack's policies by file name, rendered with the parameters that data.yaml puts out."""
    parameters = resolve(
        template(ENVIRONMENT / "data.yaml")["Outputs"]["PolicyParameters"]["Value"], ENVIRONMENT / "data.yaml"
    )
    with tempfile.TemporaryDirectory() as folder:
        values, output = Path(folder, "parameters.yaml"), Path(folder, "rendered")
        values.write_text(parameters, encoding="utf-8")
        words = ["policies", "render", "--parameters", str(values), "-o", str(output)]
        result = CliRunner().invoke(group, words, standalone_mode=False, catch_exceptions=False)
        assert "Wrote" in result.output, result.output
        return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in output.rglob("*.json")}


def plain(policy: Any) -> Any:
    """A policy without what makes no difference: the order of lists, and lists of one."""
    if isinstance(policy, dict):
        return {key: plain(value) for key, value in policy.items()}
    if isinstance(policy, list) and len(policy) != 1:
        return sorted((plain(item) for item in policy), key=json.dumps)
    return plain(policy[0]) if isinstance(policy, list) else policy


def test_it_passes_but_for_what_is_waived_of_a_model_that_another_account_registers() -> None:
    report = scan("--strict", "--environment", ENVIRONMENT)
    found = {(it["resource"]["name"], it["control"], it["verdict"]) for it in report["findings"]}
    assert found == {("Endpoint", "approved-model-package", "unknown")}
    assert report["findings"][0]["waiver"]["reason"].startswith("choose.buildspec.yml passes a package")
    assert "a ModelPackage that is not in this scan" in report["findings"][0]["message"]
    assert report["gaps"] == []


def test_without_environment_what_other_stacks_hold_is_unknown() -> None:
    report = scan("--strict", ENVIRONMENT)
    found = {(Path(it["location"]["file"]).name, it["control"], it["verdict"]) for it in report["findings"]}
    assert found == {
        ("mlops-project.yaml", "execution-role-scope", "unknown"),
        ("model-build.yaml", "customer-managed-kms-key", "unknown"),
        ("model-deploy.yaml", "approved-model-package", "unknown"),
        ("model-deploy.yaml", "customer-managed-kms-key", "unknown"),
        ("sagemaker-notebook.yaml", "customer-managed-kms-key", "unknown"),
        ("sagemaker-studio.yaml", "customer-managed-kms-key", "unknown"),
        ("sagemaker-studio-user.yaml", "studio-sharing-kms-key", "unknown"),
        ("sagemaker-studio-user.yaml", "studio-vpc-only", "unknown"),
        ("sagemaker-studio-user.yaml", "vpc-config", "unknown"),
    }
    assert all(
        "not in this scan" in it["message"] or "another stack" in it["message"] for it in report["findings"]
    )
    assert report["gaps"] == []


CHOSEN = """\
control-parameters:
  required-tags: {required-tags: [ml-environment, team]}
  domain-auth: {allowed-auth-modes: [IAM]}
  code-commit-recorded: {commit-keys: [commit]}
  package-mirror: {central-repositories: [central-it-pypi]}
"""
NAT = """\
  Nat:
    Type: AWS::EC2::NatGateway
    Properties: {SubnetId: !Ref PrivateSubnet1, AllocationId: eipalloc-1}
  Way:
    Type: AWS::EC2::Route
    Properties:
      {RouteTableId: !Ref PrivateRouteTable, DestinationCidrBlock: 0.0.0.0/0, NatGatewayId: !Ref Nat}
  SageMakerSecurityGroup:
"""
OPEN = """\
  Open:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !GetAtt Vpc.DefaultSecurityGroup, IpProtocol: '-1', CidrIp: 10.0.0.0/8}
  SageMakerSecurityGroup:
"""
FULL = "      ManagedPolicyArns:\n        - arn:aws:iam::aws:policy/AmazonSageMakerFullAccess\n"
KEY = "set -eu\n          export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzKEY1\n"
# File, what is there, what is put in its place (a resource that is taken out: None), and what then fails.
BREAKS: list[list[tuple[str, str, str | None, str]]] = [
    [
        ("network", "OnLaunch: false", "OnLaunch: true", "private-subnets Network/PrivateSubnet1"),
        (
            "network",
            "  SageMakerSecurityGroup:\n",
            NAT,
            "no-internet-route Network/PrivateSubnet1 Network/PrivateSubnet2 Network/PrivateSubnet3",
        ),
        (
            "network",
            "DestinationPrefixListId: !Ref S3PrefixListId",
            "CidrIp: 0.0.0.0/0",
            "security-group-https-only Network/SageMakerSecurityGroup",
        ),
        ("network", "TrafficType: ALL", "TrafficType: REJECT", "vpc-flow-logs Network/Vpc"),
        (
            "endpoints",
            "aws:PrincipalOrgID: !Ref OrganizationId, aws:ResourceOrgID: !Ref OrganizationId",
            "aws:SecureTransport: 'true'",
            "vpc-endpoint-policy Endpoints/SageMakerApiEndpoint",
        ),
        ("keys", "KeyRotation: true", "KeyRotation: false", "kms-key-rotation Keys/DataKey"),
        ("data", "{Status: Enabled}", "{Status: Suspended}", "artifact-bucket Data/DataBucket"),
        ("data", "                - !Sub ${ModelBucket.Arn}/\n", "", "trail-data-events Data/ModelBucket"),
        (
            "package-mirror",
            "Upstreams: [!GetAtt CentralRepository.Name]",
            "ExternalConnections: [public:pypi]",
            "package-mirror TeamRepository",
        ),
        ("package-mirror", "      EncryptionKey: !Ref MirrorKeyArn\n", "", "package-mirror Domain"),
        ("mlops-project", '"sagemaker:Describe*"', '"*"', "execution-role-scope JobRole"),
        ("sagemaker-studio", "USER_PROFILE_NAME ", "DISABLED ", "studio-user-isolation Studio"),
        ("mlops/model-deploy", "Errors", None, "endpoint-alarms Endpoint"),
        (
            "mlops/model-build",
            "@sha256:" + "1" * 64,
            ":latest",
            "pinned-images Pipeline/Prepare Pipeline/Train Pipeline/Evaluate Pipeline/Register",
        ),
    ],
    [
        (
            "network",
            "FromPort: 443",
            "FromPort: 22",
            "security-group-https-only Network/SageMakerSecurityGroup",
        ),
        ("network", "FlowLogs", None, "vpc-flow-logs Network/Vpc"),
        ("network", "  SageMakerSecurityGroup:\n", OPEN, "default-security-group-closed Network/Open"),
        ("endpoints", "KmsEndpoint", None, "vpc-endpoints-complete Network/Vpc"),
        ("keys", "role/${KeyAdministrator}", "root", "kms-key-policy Keys/DataKey"),
        ("data", "SSEAlgorithm: aws:kms", "SSEAlgorithm: AES256", "artifact-bucket Data/DataBucket"),
        ("data", "ModelBucketPolicy", None, "artifact-bucket Data/ModelBucket"),
        (
            "data",
            "Trail",
            None,
            "trail-data-events Data/DataBucket Data/ModelBucket Data/PipelineBucket Data/LogBucket",
        ),
        ("sagemaker-notebook", "      ManagedPolicyArns:\n", FULL, "execution-role-scope Role"),
        ("sagemaker-notebook", "{Key: team,", "{Key: crew,", "required-tags Notebook"),
        ("sagemaker-studio", "AuthMode: IAM", "AuthMode: SSO", "domain-auth Studio"),
        ("sagemaker-studio", "set -eu\n", KEY, "lifecycle-config-secrets UseMirror"),
        ("mlops/model-deploy", "Latency", None, "endpoint-alarms Endpoint"),
        ("mlops/model-deploy", "ExplainabilitySchedule", None, "explainability-monitor Endpoint"),
        ("mlops/model-deploy", "DataQualitySchedule", None, "monitoring-schedule Endpoint"),
        ("mlops-project", "      VpcConfig:", "      NoConfig:", "build-in-vpc Build"),
        ("mlops/model-build", '"Key": "commit"', '"Key": "x"', "code-commit-recorded Pipeline/Train"),
        (
            "mlops/model-build",
            '"PipelineExperimentConfig":',
            '"PipelineExperimentConfig": null, "Other":',
            "job-experiment Pipeline/Prepare Pipeline/Train Pipeline/Evaluate Pipeline/Baseline",
        ),
    ],
    [("data", "BlockPublicAcls: true", "BlockPublicAcls: false", "artifact-bucket Data/DataBucket")],
]


@pytest.mark.no_cover  # one scan covers as much
@pytest.mark.parametrize("breaks", BREAKS)
def test_each_control_answers_to_its_break(
    breaks: list[tuple[str, str, str | None, str]], tmp_path: Path
) -> None:
    if not can_look():
        pytest.skip("the detector of credentials is not installed")
    shutil.copytree(ENVIRONMENT, tmp_path / "environment")
    expected = {("Endpoint", "approved-model-package")}
    for file, text, instead, then in breaks:
        path = tmp_path / "environment" / f"{file}.yaml"
        whole = path.read_text(encoding="utf-8")
        if instead is None:
            broken = re.sub(rf"(?ms)^  {text}:\n.*?(?=^  \w|^\w|^  #|\Z)", "", whole)
        else:
            broken = whole.replace(text, instead, -1 if file == "mlops/model-build" else 1)
        assert broken != whole, text
        path.write_text(broken, encoding="utf-8")
        control, *names = then.split()
        expected |= {(name, control) for name in names}
    (tmp_path / "chosen.yaml").write_text(CHOSEN, encoding="utf-8")
    report = scan("--environment", "--config", tmp_path / "chosen.yaml", tmp_path / "environment")
    assert {(it["resource"]["name"], it["control"]) for it in report["findings"]} == expected
    assert report["gaps"] == []


@pytest.mark.parametrize(
    ("file", "text", "instead", "control"),
    [
        ("sagemaker-notebook.yaml", "RootAccess: Disabled", "RootAccess: Enabled", "notebook-root-access"),
        ("sagemaker-notebook.yaml", 'ServiceVersion: "2"', 'ServiceVersion: "1"', "notebook-imds-v2"),
        (
            "sagemaker-notebook.yaml",
            "Access: Disabled\n      Sub",
            "Access: Enabled\n      Sub",
            "notebook-direct-internet",
        ),
        ("sagemaker-notebook.yaml", "      KmsKeyId:", "      #", "volume-kms-key"),
        ("sagemaker-studio.yaml", "VpcOnly", "PublicInternetOnly", "studio-vpc-only"),
        ("sagemaker-studio.yaml", "SecurityGroups:  ", "Groups:  ", "vpc-config"),
        ("mlops/model-deploy.yaml", "NetworkIsolation: true", "NetworkIsolation: false", "network-isolation"),
        ("mlops/model-deploy.yaml", "Count: 2", "Count: 1", "endpoint-multiple-instances"),
        ("mlops/model-deploy.yaml", "EnableCapture: true", "EnableCapture: false", "endpoint-data-capture"),
        ("mlops/model-build.yaml", '"VolumeKmsKeyId"', '"x"', "volume-kms-key"),
        ("mlops/model-build.yaml", '"SecurityConfig"', '"x"', "registry-kms-key"),
    ],
)
def test_breaking_it_is_found(file: str, text: str, instead: str, control: str, tmp_path: Path) -> None:
    whole = (ENVIRONMENT / file).read_text(encoding="utf-8")
    assert text in whole
    (tmp_path / "broken.yaml").write_text(whole.replace(text, instead, 1), encoding="utf-8")
    failed = [it for it in scan(tmp_path / "broken.yaml")["findings"] if it["verdict"] == "fail"]
    assert {it["control"] for it in failed} == {control}


def test_what_slides_and_workshops_get_wrong_is_found() -> None:
    report = scan("--environment", ROOT / "examples" / "known-bad")
    found = {(it["resource"]["name"], it["control"]): it["verdict"] for it in report["findings"]}
    assert found == {
        ("Vpc", "vpc-endpoints-complete"): "fail",
        ("SecurityGroup", "security-group-https-only"): "unknown",  # how wide its VpcCidr is
        ("RuntimeEndpoint", "vpc-endpoint-policy"): "fail",
        ("ApiEndpoint", "vpc-endpoint-policy"): "fail",
        ("Key", "kms-key-policy"): "fail",
        ("Key", "kms-key-rotation"): "fail",
        ("Role", "execution-role-scope"): "fail",
        ("Studio", "studio-user-isolation"): "fail",
        ("estimator", "pinned-images"): "fail",
        ("estimator.deploy/Model", "pinned-images"): "fail",
        ("Notebook", "notebook-imds-v2"): "fail",
        ("Studio", "volume-kms-key"): "fail",
        ("Studio", "vpc-config"): "fail",  # the groups are in the wrong place
        ("estimator.deploy", "endpoint-data-capture"): "fail",
        ("estimator.deploy", "endpoint-multiple-instances"): "fail",
        ("estimator.deploy", "customer-managed-kms-key"): "unknown",
        ("estimator.deploy/Model", "private-image-registry"): "fail",
        ("estimator", "customer-managed-kms-key"): "unknown",
    }


@pytest.mark.no_cover  # all of it is cfn-lint
def test_cfn_lint_has_nothing_to_say() -> None:
    lint = shutil.which("cfn-lint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert lint is not None
    done = subprocess.run([lint, *TEMPLATES], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(CHECKOV is None, reason="there is no checkov; `make checkov` installs it")
@pytest.mark.no_cover  # all of it is checkov
def test_checkov_has_nothing_to_say() -> None:
    assert CHECKOV is not None
    words = [CHECKOV, "-d", ENVIRONMENT, "--framework", "cloudformation", "--skip-download", "-o", "json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert (done.returncode, report["summary"]["parsing_errors"]) == (0, 0)
    assert {it["check_id"] for it in report["results"]["skipped_checks"]} <= {
        "CKV_AWS_18",
        "CKV_AWS_124",
        "CKV_AWS_252",
    }


def test_endpoint_and_bucket_policies_are_those_of_the_pack() -> None:
    ends = ENVIRONMENT / "endpoints.yaml"
    endpoints = {
        name.removesuffix("Endpoint"): plain(resolve(it["PolicyDocument"], ends))
        for name, it in resources(ends, "AWS::EC2::VPCEndpoint").items()
    }
    assert endpoints["S3"] == plain(rendered()["s3.json"])
    for name in ("SageMakerApi", "SageMakerRuntime", "Notebook", "Studio"):
        assert endpoints[name] == plain(rendered()["sagemaker-api.json"])
    data = ENVIRONMENT / "data.yaml"
    buckets = {
        resolve(it["Bucket"], data): plain(resolve(it["PolicyDocument"], data))
        for it in resources(data, "AWS::S3::BucketPolicy").values()
    }
    packed = {name: plain(policy) for name, policy in rendered().items() if name.startswith("data-bucket.")}
    assert len(packed) == 3
    assert packed == {f"data-bucket.{name}.json": buckets[name] for name in buckets if "-logs-" not in name}


def test_roles_of_jobs_have_the_boundary_of_the_pack_and_ask_for_nothing_beyond_it() -> None:
    made = {
        it["Properties"].get("ManagedPolicyName") for it in rendered()["template.json"]["Resources"].values()
    }
    allowed = [
        action
        for statement in rendered()["job-boundary.json"]["Statement"]
        if statement["Effect"] == "Allow"
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    ]
    roles = [
        resolve(role, path)
        for path in TEMPLATES
        for role in resources(path, "AWS::IAM::Role").values()
        if "sagemaker.amazonaws.com" in json.dumps(role["AssumeRolePolicyDocument"])
    ]
    assert len(roles) == 4
    for role in roles:
        assert role["Path"] == "/ml-jobs/"  # the pack's job-roles
        assert role["PermissionsBoundary"].endswith(":policy/sagemaker-guardrails/smguard-job-boundary")
        for arn in [role["PermissionsBoundary"], *role.get("ManagedPolicyArns", [])]:
            assert arn.rpartition("/")[2] in made
        for statement in role["Policies"][0]["PolicyDocument"]["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            for action in actions:
                assert any(fnmatchcase(action, pattern) for pattern in allowed), action


def test_what_one_stack_imports_another_exports_and_parameters_are_passed_on() -> None:
    exported = {
        resolve(output["Export"]["Name"], path)
        for path in TEMPLATES
        for output in template(path).get("Outputs", {}).values()
        if "Export" in output
    }
    imported = set()
    for path in TEMPLATES:
        suffixes = template(path)["Parameters"].get("SubnetIdSuffix", {}).get("AllowedValues", [""])
        for name, suffix in itertools.product(functions(template(path), "Fn::ImportValue"), suffixes):
            imported.add(resolve({"Fn::Sub": [name["Fn::Sub"], {"SubnetIdSuffix": suffix}]}, path))
    assert imported <= exported
    assert {"ml-VpcId", "ml-PrivateSubnet3Id", "ml-StudioDomainId", "ml-DataKeyArn"} <= imported
    parent = ENVIRONMENT / "data-science-environment.yaml"
    nested = resources(parent, "AWS::CloudFormation::Stack").values()
    assert [it["TemplateURL"] for it in nested] == [
        "keys.yaml",
        "network.yaml",
        "endpoints.yaml",
        "data.yaml",
    ]
    for it in nested:
        assert_takes(ENVIRONMENT / it["TemplateURL"], set(it["Parameters"]))


def assert_takes(path: Path, given: set[str]) -> None:
    """The template has these parameters, and none without default besides."""
    declared = template(path)["Parameters"]
    assert {name for name, it in declared.items() if "Default" not in it} <= given <= set(declared)


def test_the_portfolio_has_each_product_with_a_launch_role_and_constraints() -> None:
    path = ENVIRONMENT / "portfolio.yaml"
    products = resources(path, "AWS::ServiceCatalog::CloudFormationProduct")
    assert sorted(it["Name"] for it in products.values()) == sorted(PRODUCTS)
    for name, product in products.items():
        url = resolve(product["ProvisioningArtifactParameters"][0]["Info"]["LoadTemplateFromURL"], path)
        file = ENVIRONMENT / url.rpartition("/")[2]
        assert file.is_file()
        asked = json.loads(
            resolve(resources(path, "AWS::ServiceCatalog::LaunchTemplateConstraint")[f"{name}Within"], path)[
                "Rules"
            ]
        )
        assert set(functions(asked, "Ref")) <= set(template(file)["Parameters"])
        for kind in ("PortfolioProductAssociation", "LaunchRoleConstraint", "LaunchTemplateConstraint"):
            bound = [it["ProductId"] for it in resources(path, f"AWS::ServiceCatalog::{kind}").values()]
            assert bound.count({"Ref": name}) == 1
        role = resources(path, "AWS::ServiceCatalog::LaunchRoleConstraint")[f"{name}LaunchedBy"]["RoleArn"]
        assert role == {"Fn::GetAtt": [f"{name}LaunchRole", "Arn"]}


def test_lifecycle_scripts_are_sound_and_point_pip_to_the_mirror() -> None:
    notebook, studio = ENVIRONMENT / "sagemaker-notebook.yaml", ENVIRONMENT / "sagemaker-studio.yaml"
    (start,) = resources(notebook, "AWS::SageMaker::NotebookInstanceLifecycleConfig")["Lifecycle"]["OnStart"]
    content = resources(studio, "AWS::SageMaker::StudioLifecycleConfig")["UseMirror"][
        "StudioLifecycleConfigContent"
    ]
    for encoded in (resolve(start["Content"], notebook), resolve(content, studio)):
        assert len(encoded) <= 16384
        script = base64.b64decode(encoded).decode()
        assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
        words = script.replace("\\\n", " ").split()
        login = words[words.index("login") + 1 :]
        assert dict(zip(login[:10:2], login[1:10:2], strict=True)) == {
            "--tool": "pip",
            "--region": "eu-central-1",
            "--domain": "central-it",
            "--domain-owner": "444455556666",
            "--repository": "data-science",
        }
    (stop,) = re.findall(
        r"#!/usr/bin/python3\n(.*?)\nEND\n",
        base64.b64decode(resolve(start["Content"], notebook)).decode(),
        re.S,
    )
    compile(stop, "stop-when-idle", "exec")


def test_builds_write_the_parameters_that_the_templates_take() -> None:
    for name in ("build", "choose"):
        spec = yaml.safe_load((ENVIRONMENT / "mlops" / f"{name}.buildspec.yml").read_text(encoding="utf-8"))
        commands = "\n".join(spec["phases"]["build"]["commands"])
        (written,) = re.findall(r"<<END\n(.*?)\n *END", commands, re.S)
        taken = ENVIRONMENT / "mlops" / spec["artifacts"]["files"][0]
        assert_takes(taken, set(json.loads(written)["Parameters"]))
        used = (
            set(re.findall(r"\$([A-Z_]{3,})", commands))
            - set(re.findall(r"\b([A-Z]+)=", commands))
            - {"STAGE"}
        )
        project = resources(ENVIRONMENT / "mlops-project.yaml", "AWS::CodeBuild::Project")[name.title()]
        given = {it["Name"] for it in project["Environment"]["EnvironmentVariables"]}
        assert used <= given | {"CODEBUILD_RESOLVED_SOURCE_VERSION"}
