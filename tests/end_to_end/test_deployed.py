"""The environment as it was deployed: an audit of it finds what a scan of its templates finds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from scanner import catalog
from tests.audit.running import audit
from tests.door import called
from tests.end_to_end.making import MAKERS
from tests.end_to_end.stacks import Cloud
from tests.test_environment import ENVIRONMENT, TEMPLATES, template

pytestmark = pytest.mark.no_cover  # each point has tests of its own

Verdicts = dict[tuple[str, str, str], str]
"""Of what does not pass, or passes: by control, type and logical id, the worst verdict."""

RANK = ("fail", "unknown", "pass", "-")
LACKS = {
    "AWS::CodeArtifact::Domain": "moto.codeartifact",
    "AWS::CodeArtifact::Repository": "moto.codeartifact",
}
"""What is not deployed because moto does not have it -> the module that moto would have it in."""
DIFFERENT = {
    # A template does not show these; the group is made by AWS itself.
    ("default-security-group-closed", "SecurityGroup", "default"): ("-", "fail"),
    ("security-group-https-only", "SecurityGroup", "default"): ("-", "fail"),
    # A parameter without a value, which the deployed notebook was made without.
    ("private-code-repository", "NotebookInstance", "Notebook"): ("pass", "-"),
    # moto has no CodeArtifact.
    ("package-mirror", "Domain", "Domain"): ("pass", "-"),
}
"""Where a scan and an audit do not say the same: what each says."""
SAME = {
    # The package is registered by a pipeline.
    ("approved-model-package", "Endpoint", "Endpoint"): "unknown",
    # Whoever audits reads everything; the policy belongs only because --environment takes in all.
    ("execution-role-scope", "ManagedPolicy", "IamAuditor"): "fail",
}
"""What does not pass, for either."""
BREAKS: dict[str, tuple[str, str, str, set[tuple[str, str, str]]]] = {
    "a route to the internet": (
        "network.yaml",
        "  PrivateRoutes1:\n",
        "  Gateway:\n    Type: AWS::EC2::InternetGateway\n"
        "  Out:\n    Type: AWS::EC2::Route\n    Properties:\n      RouteTableId: !Ref PrivateRouteTable\n"
        "      DestinationCidrBlock: 0.0.0.0/0\n      GatewayId: !Ref Gateway\n\n  PrivateRoutes1:\n",
        {("no-internet-route", "Subnet", f"PrivateSubnet{number}") for number in (1, 2, 3)},
    ),
    "an open group": (
        "network.yaml",
        "        - Description: HTTPS from the VPC\n          IpProtocol: tcp\n          FromPort: 443\n",
        "        - {IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 0.0.0.0/0}\n"
        "        - Description: HTTPS from the VPC\n          IpProtocol: tcp\n          FromPort: 443\n",
        {("security-group-https-only", "SecurityGroup", "SageMakerSecurityGroup")},
    ),
    "no flow log": (
        "network.yaml",
        "    Type: AWS::EC2::FlowLog\n",
        "    Type: AWS::CloudFormation::WaitConditionHandle\n",
        {("vpc-flow-logs", "VPC", "Vpc")},
    ),
    "a bucket without policy": (
        "data.yaml",
        "      Bucket: !Ref ModelBucket\n",
        "      Bucket: another\n",
        {("artifact-bucket", "Bucket", "ModelBucket")},
    ),
}
"""What is changed in a template, and what then fails."""


def worst(findings: Any, named: Callable[[str, str], str | None]) -> Verdicts:
    found: Verdicts = {}
    for each in findings:
        kind = each["resource"]["type"]
        name = named(kind, each["resource"]["name"])
        if name is not None:
            key = each["control"], kind.rpartition("::")[2], name
            found[key] = min(each["verdict"], found.get(key, "pass"), key=RANK.index)
    return found


def scanned(pack: Path, folder: Path) -> Verdicts:
    words = ("--environment", "--all", "-f", "json", "--no-config")
    report = called("scan", folder, pack / "template.json", *words).report
    assert report["gaps"] == []

    def named(_kind: str, name: str) -> str:
        """Without the stack that it is nested in."""
        return name if name.startswith("Pipeline/") else name.rpartition("/")[2]

    return worst(report["findings"], named)


def audited(cloud: Cloud, folder: Path) -> Verdicts:
    """Of what was deployed by stacks, and of the default security group."""

    def named(kind: str, name: str) -> str | None:
        pipeline, _, step = name.partition("/")
        if step and ("AWS::SageMaker::Pipeline", pipeline) in cloud.names:
            return f"Pipeline/{step}"
        default = "default" if kind == "AWS::EC2::SecurityGroup" else None
        return cloud.names.get((kind, name.rpartition("/")[2]), default)

    words = ("--environment", "--all", "-f", "json", "--no-store", "--since", "all")
    ran = audit(cloud.fake, folder, *words, **cloud.environment)
    assert ran.report["gaps"] == [], ran.err
    return worst(ran.report["findings"], named)


@pytest.fixture(scope="module")
def intact(cloud: Cloud, pack: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Verdicts, Verdicts]:
    """What a scan and an audit say of the environment."""
    return scanned(pack, ENVIRONMENT), audited(cloud, tmp_path_factory.mktemp("intact"))


def test_all_that_is_read_of_the_environment_is_deployed() -> None:
    types = catalog.load().types
    used = {it["Type"] for path in TEMPLATES for it in template(path)["Resources"].values()}
    read = {kind for kind in used if (types.get(kind) or {}).get("scope") == "environment"}
    assert read - MAKERS.keys() == LACKS.keys()
    for module in LACKS.values():
        assert find_spec(module) is None, f"{module} is there: deploy it"


def test_an_audit_says_what_a_scan_says(intact: tuple[Verdicts, Verdicts]) -> None:
    scan, live = intact
    both = {key: (scan.get(key, "-"), live.get(key, "-")) for key in scan.keys() | live.keys()}
    assert {key: said for key, said in both.items() if len(set(said)) > 1} == DIFFERENT
    assert {key: said[0] for key, said in both.items() if len(set(said)) == 1 and said[0] != "pass"} == SAME
    kinds = {kind for (_, kind, _), said in both.items() if said == ("pass", "pass")}
    assert kinds >= {
        *("Bucket", "Key", "Project", "Role", "SecurityGroup", "Subnet", "VPC", "VPCEndpoint"),
        *(
            "Domain",
            "Endpoint",
            "EndpointConfig",
            "Model",
            "NotebookInstance",
            "UserProfile",
        ),
    }


def test_what_is_broken_fails_in_both_and_nothing_else(
    intact: tuple[Verdicts, Verdicts], cloud: Cloud, pack: Path, tmp_path: Path
) -> None:
    shutil.copytree(ENVIRONMENT, tmp_path / "broken")
    for file, old, new, _ in BREAKS.values():
        path = tmp_path / "broken" / file
        whole = path.read_text(encoding="utf-8")
        assert old in whole
        path.write_text(whole.replace(old, new, 1), encoding="utf-8")
    break_account(cloud)
    expected = {key for *_, keys in BREAKS.values() for key in keys}
    for before, after in zip(
        intact, (scanned(pack, tmp_path / "broken"), audited(cloud, tmp_path)), strict=True
    ):
        changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        assert changed == expected
        assert {after[key] for key in changed} == {"fail"}


def break_account(cloud: Cloud) -> None:
    """As BREAKS do it in the templates."""
    ec2 = cloud.client("ec2")
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=cloud.exports["ml-VpcId"])
    table = cloud.exports["ml-PrivateRouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(
        GroupId=cloud.exports["ml-SageMakerSecurityGroupId"], IpPermissions=[ssh]
    )
    ec2.delete_flow_logs(FlowLogIds=[it["FlowLogId"] for it in ec2.describe_flow_logs()["FlowLogs"]])
    cloud.client("s3").delete_bucket_policy(Bucket=cloud.exports["ml-ModelBucketName"])
