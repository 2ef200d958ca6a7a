"""What SageMaker's resources stand in, in an account: moto has it, and the fake AWS has SageMaker itself."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.audit.running import audit, found
from tests.door import MEASURED, Ran, smguard
from tests.fake_aws import Fake

NETWORK = (
    "private-subnets",
    "no-internet-route",
    "security-group-https-only",
    "vpc-flow-logs",
    "vpc-endpoint-policy",
    "execution-role-scope",
    "kms-key-rotation",
    "kms-key-policy",
)
TEMPLATE: dict[str, Any] = {
    "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
    "Private": {
        "Type": "AWS::EC2::Subnet",
        "Properties": {
            "VpcId": {"Ref": "Vpc"},
            "CidrBlock": "10.0.0.0/24",
            "MapPublicIpOnLaunch": False,
        },
    },
    "Public": {
        "Type": "AWS::EC2::Subnet",
        "Properties": {
            "VpcId": {"Ref": "Vpc"},
            "CidrBlock": "10.0.1.0/24",
            "MapPublicIpOnLaunch": True,
        },
    },
    "Gateway": {"Type": "AWS::EC2::InternetGateway"},
    "Attached": {
        "Type": "AWS::EC2::VPCGatewayAttachment",
        "Properties": {"VpcId": {"Ref": "Vpc"}, "InternetGatewayId": {"Ref": "Gateway"}},
    },
    "Table": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
    "Out": {
        "Type": "AWS::EC2::Route",
        "DependsOn": "Attached",
        "Properties": {
            "RouteTableId": {"Ref": "Table"},
            "DestinationCidrBlock": "0.0.0.0/0",
            "GatewayId": {"Ref": "Gateway"},
        },
    },
    "Associated": {
        "Type": "AWS::EC2::SubnetRouteTableAssociation",
        "Properties": {"RouteTableId": {"Ref": "Table"}, "SubnetId": {"Ref": "Public"}},
    },
    "Closed": {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {
            "GroupDescription": "to the VPC",
            "VpcId": {"Ref": "Vpc"},
            "SecurityGroupIngress": [
                {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.0.0.0/16"}
            ],
            "SecurityGroupEgress": [
                {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "10.0.0.0/16"}
            ],
        },
    },
    "Open": {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {
            "GroupDescription": "to all",
            "VpcId": {"Ref": "Vpc"},
            "SecurityGroupIngress": [
                {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}
            ],
            "SecurityGroupEgress": [{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}],
        },
    },
    "Key": {
        "Type": "AWS::KMS::Key",
        "Properties": {
            "KeyPolicy": {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}
                ],
            }
        },
    },
    "Role": {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": "notebook",
            "AssumeRolePolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "sagemaker.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            },
            "Policies": [
                {
                    "PolicyName": "all",
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
                    },
                }
            ],
        },
    },
}
NOTEBOOKS: dict[str, Any] = {
    "Good": {"SubnetId": {"Ref": "Private"}, "SecurityGroupIds": [{"Ref": "Closed"}]},
    "Bad": {
        "SubnetId": {"Ref": "Public"},
        "SecurityGroupIds": [{"Ref": "Open"}],
        "RoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
        "KmsKeyId": {"Ref": "Key"},
    },
}


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    yield "http://127.0.0.1:{1}".format(*server.get_host_and_port())
    server.stop()


def client(moto: str, service: str) -> Any:
    access = {"aws_access_key_id": "x", "aws_secret_access_key": "y"}
    return boto3.client(service, region_name="us-east-1", endpoint_url=moto, **access)


def around(fake: Fake, moto: str, folder: Path, *words: str) -> Ran:
    """Audit with what surrounds SageMaker in moto."""
    leads = {f"AWS_ENDPOINT_URL_{name}": moto for name in ("EC2", "IAM", "KMS", "S3")}
    selected = [word for name in NETWORK for word in ("--select", name)]
    return audit(fake, folder, *selected, "-f", "json", "--no-store", *words, **leads)


@pytest.fixture(scope="module")
def deployed(moto: str) -> dict[str, str]:
    """Logical id -> physical id of what was made of the template; moto's CloudFormation leaves things out."""
    ec2, iam = client(moto, "ec2"), client(moto, "iam")
    said = {name: it.get("Properties", {}) for name, it in TEMPLATE.items()}
    ids = {"Vpc": ec2.create_vpc(CidrBlock=said["Vpc"]["CidrBlock"])["Vpc"]["VpcId"]}
    for name in ("Private", "Public"):
        made = ec2.create_subnet(VpcId=ids["Vpc"], CidrBlock=said[name]["CidrBlock"])
        ids[name] = made["Subnet"]["SubnetId"]
        public = {"Value": said[name]["MapPublicIpOnLaunch"]}
        ec2.modify_subnet_attribute(SubnetId=ids[name], MapPublicIpOnLaunch=public)
    ids["Gateway"] = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=ids["Gateway"], VpcId=ids["Vpc"])
    ids["Table"] = ec2.create_route_table(VpcId=ids["Vpc"])["RouteTable"]["RouteTableId"]
    for call, name in ((ec2.create_route, "Out"), (ec2.associate_route_table, "Associated")):
        call(**json.loads(json.dumps(said[name]), object_hook=lambda it: referred(it, ids)))
    for name in ("Closed", "Open"):
        made = ec2.create_security_group(GroupName=name, Description=name, VpcId=ids["Vpc"])
        ids[name] = made["GroupId"]
        ec2.revoke_security_group_egress(GroupId=ids[name], IpPermissions=[permission({"IpProtocol": "-1"})])
        inward, outward = (said[name][f"SecurityGroup{way}"] for way in ("Ingress", "Egress"))
        ec2.authorize_security_group_ingress(GroupId=ids[name], IpPermissions=[*map(permission, inward)])
        ec2.authorize_security_group_egress(GroupId=ids[name], IpPermissions=[*map(permission, outward)])
    ids["Role"] = said["Role"]["RoleName"]
    trusted = json.dumps(said["Role"]["AssumeRolePolicyDocument"])
    iam.create_role(RoleName=ids["Role"], AssumeRolePolicyDocument=trusted)
    (policy,) = said["Role"]["Policies"]
    document = json.dumps(policy["PolicyDocument"])
    iam.put_role_policy(RoleName=ids["Role"], PolicyName=policy["PolicyName"], PolicyDocument=document)
    made = client(moto, "kms").create_key(Policy=json.dumps(said["Key"]["KeyPolicy"]))
    return {**ids, "Key": made["KeyMetadata"]["KeyId"]}


def permission(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule of a security group as EC2 takes it; to all if it says nothing."""
    ports = {name: rule[name] for name in ("FromPort", "ToPort") if name in rule}
    return {
        **ports,
        "IpProtocol": rule["IpProtocol"],
        "IpRanges": [{"CidrIp": rule.get("CidrIp", "0.0.0.0/0")}],
    }


@pytest.mark.no_cover  # one audit covers as much
def test_what_is_deployed_is_judged_as_its_template_is(
    moto: str, deployed: dict[str, str], tmp_path: Path
) -> None:
    resources = {
        **TEMPLATE,
        **{
            name: {"Type": "AWS::SageMaker::NotebookInstance", "Properties": it}
            for name, it in NOTEBOOKS.items()
        },
    }
    (tmp_path / "template.json").write_text(json.dumps({"Resources": resources}))
    selected = [word for name in NETWORK for word in ("--select", name)]
    environment: Any = MEASURED
    scanned = smguard("scan", tmp_path, "-f", "json", "--all", "--no-config", *selected, **environment)
    with Fake() as fake:
        for name, properties in NOTEBOOKS.items():
            given = json.loads(json.dumps(properties), object_hook=lambda it: referred(it, deployed))
            fake.create("NotebookInstance", {"NotebookInstanceName": name, **given})
        audited = around(fake, moto, tmp_path, "--all")
    assert not audited.report["gaps"], audited.report["gaps"]
    logical = {physical: name for name, physical in deployed.items()}
    seen = {
        (control, verdict, logical.get(name, name)) for control, verdict, name, _ in found(audited.report)
    }
    expected = {each[:3] for each in found(scanned.report)}
    assert {it for it in seen if it[2] in resources} == expected
    assert ("no-internet-route", "fail", "Public") in seen


def referred(node: dict[str, Any], deployed: dict[str, str]) -> Any:
    if "Ref" in node:
        return deployed[node["Ref"]]
    if "Fn::GetAtt" in node:
        return f"arn:aws:iam::123456789012:role/{deployed[node['Fn::GetAtt'][0]]}"
    return node


def network(fake: Fake) -> None:
    """A VPC with a subnet that a notebook is in, and another that nobody uses."""
    subnets = [
        {"SubnetId": f"subnet-{name}", "VpcId": f"vpc-{name}", "MapPublicIpOnLaunch": True} for name in "ab"
    ]
    fake.answer("ec2", "DescribeSubnets", {"Subnets": subnets})
    fake.answer("ec2", "DescribeVpcs", {"Vpcs": [{"VpcId": "vpc-a"}, {"VpcId": "vpc-b"}]})
    fake.create("NotebookInstance", {"NotebookInstanceName": "lab", "SubnetId": "subnet-a"})


SUBNETS = ("--select", "private-subnets", "--no-store", "-f", "json")


def test_what_belongs_is_judged_and_with_the_option_all(tmp_path: Path) -> None:
    with Fake() as fake:
        network(fake)
        own, everything = (audit(fake, tmp_path, *SUBNETS, *more) for more in ((), ("--environment",)))
        fake.answer("ec2", "DescribeSubnets", lambda call: {"Subnets": [TAGGED]})
        tagged = audit(fake, tmp_path, *SUBNETS)
    judged = [{each[2] for each in found(ran.report)} for ran in (own, everything, tagged)]
    assert judged == [{"subnet-a"}, {"subnet-a", "subnet-b"}, {"subnet-c"}]


TAGGED = {
    "SubnetId": "subnet-c",
    "VpcId": "vpc-c",
    "MapPublicIpOnLaunch": True,
    "Tags": [{"Key": "ml-environment", "Value": "yes"}],
}


def test_without_sagemaker_nothing_else_is_asked(tmp_path: Path) -> None:
    with Fake() as fake:
        ran = audit(fake, tmp_path, "-f", "json", "--no-store")
        assert {call.service for call in fake.log} == {"sagemaker", "sts"}
    assert ran.code == 0


@pytest.mark.parametrize(
    ("operation", "control", "gap"),
    [
        ("DescribeSubnets", "private-subnets", "ec2:DescribeSubnets is denied"),
        (
            "GetAccountAuthorizationDetails",
            "execution-role-scope",
            "iam:GetAccountAuthorizationDetails is denied",
        ),
        ("GetKeyPolicy", "kms-key-policy", "kms:GetKeyPolicy is denied"),
        ("DescribeFlowLogs", "vpc-flow-logs", "ec2:DescribeFlowLogs is denied"),
    ],
)
def test_what_may_not_be_read_is_a_gap_and_never_passes(
    operation: str, control: str, gap: str, tmp_path: Path
) -> None:
    with Fake() as fake:
        network(fake)
        role = "arn:aws:iam::111122223333:role/lab"
        fake.create("NotebookInstance", {"RoleArn": role, "KmsKeyId": fake.services.key()})
        fake.fail(operation)
        ran = audit(fake, tmp_path, "--select", control, "--all", "--no-store", "-f", "json")
    assert ran.code == 3
    (said,) = [each for each in ran.report["gaps"] if gap in each["what"]]
    assert f"allow {gap.partition(' ')[0]}" in said["hint"]
    judged = {each["verdict"] for each in ran.report["findings"] if each["control"] == control}
    assert judged <= {"unknown"}


@pytest.mark.no_cover  # one audit covers as much
@pytest.mark.parametrize(
    ("operation", "fault", "control"),
    [
        ("DescribeAlarms", "denied", "endpoint-alarms"),
        ("DescribeKey", "empty", "kms-key-policy"),
        ("DescribeSubnets", "AccessDenied", "vpc-endpoints-complete"),
        ("GetBucketEncryption", "garbage", "artifact-bucket"),
        ("GetBucketVersioning", "garbage", "artifact-bucket"),
        ("GetEventSelectors", "empty", "trail-data-events"),
        ("GetKeyPolicy", "empty", "kms-key-policy"),
        ("GetKeyRotationStatus", "empty", "kms-key-rotation"),
        ("GetPublicAccessBlock", "garbage", "artifact-bucket"),
        ("GetTrailStatus", "empty", "trail-data-events"),
    ],
)
def test_an_answer_that_says_nothing_is_a_gap_of_the_controls_that_ask(
    operation: str, fault: str, control: str, tmp_path: Path
) -> None:
    blocks = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    alone = {"Bool": {"aws:SecureTransport": "false"}}
    policy = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", "Condition": alone}
    with Fake() as fake:
        trail = {"Name": "t", "TrailARN": "arn:aws:cloudtrail:us-east-1:111122223333:trail/t"}
        whole = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}
        selectors = [{"ReadWriteType": "All", "DataResources": [whole]}]
        given = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": fake.services.key()}
        rules = [{"ApplyServerSideEncryptionByDefault": given}]
        answers = {
            "s3:ListBuckets": {"Buckets": [{"Name": "data"}]},
            "s3:GetBucketEncryption": {"ServerSideEncryptionConfiguration": {"Rules": rules}},
            "s3:GetBucketVersioning": {"Status": "Enabled"},
            "s3:GetPublicAccessBlock": {"PublicAccessBlockConfiguration": dict.fromkeys(blocks, True)},
            "s3:GetBucketPolicy": {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [policy]})},
            "s3:GetBucketTagging": {"TagSet": []},
            "cloudtrail:DescribeTrails": {"trailList": [trail]},
            "cloudtrail:GetEventSelectors": {**trail, "EventSelectors": selectors},
            "cloudtrail:GetTrailStatus": {"IsLogging": True},
        }
        for name, answer in answers.items():
            service, _, called = name.partition(":")
            fake.answer(service, called, answer)
        fake.create("Endpoint", {"EndpointName": "live", "EndpointConfigName": "c"})
        fake.fail(operation, fault)
        words = ("--select", control, "--environment", "--all", "--no-store", "-f", "json")
        ran = audit(fake, tmp_path, *words)
    assert ran.code == 3, ran.report["findings"]
    assert {it["verdict"] for it in ran.report["findings"] if it["control"] == control} <= {"unknown"}
    named = {
        "GetBucketEncryption": "GetEncryptionConfiguration",
        "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    }.get(operation, operation)
    assert any(f":{named} " in it["what"] and control in it["what"] for it in ran.report["gaps"])


def test_it_goes_on_where_it_was_broken_off(tmp_path: Path) -> None:
    words = ("--select", "private-subnets", "-f", "json", "--store", str(tmp_path / "store"))
    with Fake() as fake:
        network(fake)
        fake.fail("DescribeSubnets", "InternalFailure")
        first = audit(fake, tmp_path, *words)
        fake.heal()
        described = fake.calls["DescribeNotebookInstance"]
        second = audit(fake, tmp_path, *words, "--resume")
        assert fake.calls["DescribeNotebookInstance"] == described
    assert first.code == 3
    assert {each[2] for each in found(second.report)} == {"subnet-a"}


@pytest.mark.parametrize(("traffic", "verdict"), [("ALL", "pass"), ("REJECT", "fail")])
def test_what_names_a_resource_is_looked_into(traffic: str, verdict: str, tmp_path: Path) -> None:
    log = {"FlowLogId": "fl-a", "ResourceId": "vpc-a", "TrafficType": traffic, "FlowLogStatus": "ACTIVE"}
    with Fake() as fake:
        network(fake)
        fake.answer("ec2", "DescribeFlowLogs", {"FlowLogs": [log]})
        ran = audit(fake, tmp_path, "--select", "vpc-flow-logs", "--all", "--no-store", "-f", "json")
    assert {each[1:3] for each in found(ran.report)} == {(verdict, "vpc-a")}


CLOSED = dict.fromkeys(
    ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
)
HALF = {"BlockPublicAcls": True, "IgnorePublicAcls": True}
REST = {name: True for name in CLOSED if name not in HALF}


def bucket(fake: Fake, name: str = "b", **told: Any) -> dict[str, Any]:
    """A bucket that only its block of public access decides about."""
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    fake.answer("s3", "GetBucketEncryption", {"ServerSideEncryptionConfiguration": {"Rules": [rule]}})
    fake.answer("s3", "GetBucketVersioning", {"Status": "Enabled"})
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    plain = {**statement, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    fake.answer("s3", "GetBucketPolicy", {"Policy": json.dumps({"Statement": [plain]})})
    return {"Name": name, **told}


@pytest.mark.no_cover  # one audit covers as much
@pytest.mark.parametrize(
    ("account", "own", "denied", "verdict", "code"),
    [
        (None, None, "", "fail", 1),
        (None, CLOSED, "", "pass", 0),
        (CLOSED, None, "", "pass", 0),
        (HALF, None, "", "fail", 1),
        (HALF, REST, "", "pass", 0),
        (None, HALF, "s3control", "unknown", 3),
        (None, CLOSED, "s3control", "pass", 3),
        (CLOSED, None, "s3", "pass", 3),
        (HALF, None, "s3", "unknown", 3),
    ],
)
def test_an_account_blocks_public_access_to_its_buckets(
    account: Any, own: Any, denied: str, verdict: str, code: int, tmp_path: Path
) -> None:
    with Fake() as fake:
        fake.answer("s3", "ListBuckets", {"Buckets": [bucket(fake)]})
        fake.services.public_access_block = account
        fake.answer("s3", "GetPublicAccessBlock", {"PublicAccessBlockConfiguration": own or {}})
        if denied:
            fake.fail("GetPublicAccessBlock", "AccessDenied", when=lambda call: call.service == denied)
        select = ("--select", "artifact-bucket", "--environment", "--no-store", "--all")
        ran = audit(fake, tmp_path, *select, "-f", "json")
        asked = [call.parameters for call in fake.log if call.service == "s3control"]
    assert (ran.code, {each[1] for each in found(ran.report)}) == (code, {verdict})
    assert [each["AccountId"] for each in asked] == ["111122223333"]
    for gap in ran.report["gaps"]:
        action = (
            "s3:GetAccountPublicAccessBlock" if denied == "s3control" else "s3:GetBucketPublicAccessBlock"
        )
        assert gap["hint"].startswith(f"allow {action};")


TRUSTING = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]})
BUCKETS = {"east": "us-east-1", "west": "eu-west-1", "far": "us-west-2", "old": None}
"""Bucket -> where it lies, as far as S3 tells."""


@pytest.mark.parametrize("words", [(), ("--environment",)])
@pytest.mark.no_cover  # one audit covers as much
def test_what_all_regions_share_is_told_once(words: tuple[str, ...], tmp_path: Path) -> None:
    arn = "arn:aws:iam::111122223333:role/lab"
    role = {"RoleName": "lab", "Arn": arn, "AssumeRolePolicyDocument": TRUSTING, "RolePolicyList": []}
    select = [word for name in ("execution-role-scope", "artifact-bucket") for word in ("--select", name)]
    where = ("--region", "us-east-1", "--region", "eu-west-1")
    with Fake() as fake:
        fake.answer("iam", "GetAccountAuthorizationDetails", {"RoleDetailList": [role], "Policies": []})
        listed = [bucket(fake, name, **({"BucketRegion": at} if at else {})) for name, at in BUCKETS.items()]
        fake.answer("s3", "ListBuckets", {"Buckets": listed})
        for region in where[1::2]:
            for name in BUCKETS:
                there = {"OutputDataConfig": {"S3OutputPath": f"s3://{name}/"}, "RoleArn": arn}
                fake.create("TrainingJob", there, region=region)
        ran = audit(
            fake, tmp_path, *select, *where, *words, "--no-store", "-f", "json", "-f", "asff", "-o", "hub"
        )
    told = {(each["resource"]["name"], each["location"]["region"]) for each in ran.report["findings"]}
    assert told == {
        *(("lab", "global"), ("east", "us-east-1"), ("west", "eu-west-1")),
        *(("far", "us-east-1"), ("old", "us-east-1")),  # which looked at it first
    }
    assert len(ran.report["findings"]) == 5
    assert ran.report["summary"]["resources"] == sum(
        each["resources"] for each in ran.report["audit"]["totals"]
    )
    assert ran.report["summary"]["resources"] == len(BUCKETS) + 1 + 2 * len(BUCKETS)
    looked = {(each["region"], each["type"]) for each in ran.report["audit"]["looked_at"]}
    assert ("global", "AWS::IAM::Role") in looked
    assert not {(region, "AWS::IAM::Role") for region in where[1::2]} & looked


def test_what_is_elsewhere_is_judged_without_what_only_its_region_knows(tmp_path: Path) -> None:
    with Fake() as fake:
        fake.answer("s3", "ListBuckets", {"Buckets": [bucket(fake, "far", BucketRegion="us-west-2")]})
        fake.create("TrainingJob", {"OutputDataConfig": {"S3OutputPath": "s3://far/"}})
        ran = audit(fake, tmp_path, "--select", "trail-data-events", "--no-store", "-f", "json")
    assert {each[1] for each in found(ran.report)} == {"unknown"}
    assert "us-west-2" in ran.report["findings"][0]["message"]


def test_a_region_that_was_not_read_leaves_what_is_global_open(tmp_path: Path) -> None:
    where = ("--region", "us-east-1", "--region", "eu-west-1")
    with Fake() as fake:
        fake.create("TrainingJob", {"RoleArn": "arn:aws:iam::111122223333:role/lab"})
        fake.fail("GetCallerIdentity", when=lambda call: call.region == "eu-west-1")
        ran = audit(fake, tmp_path, "--select", "execution-role-scope", *where, "--no-store", "-f", "json")
    looked = {
        each["complete"] for each in ran.report["audit"]["looked_at"] if each["type"] == "AWS::IAM::Role"
    }
    assert (ran.code, looked) == (3, {False})


@pytest.mark.parametrize(
    ("selected", "verdict"),
    [
        ([("All", "arn:aws:s3:::data/")], "pass"),
        ([("All", "arn:aws:s3:::data/models/")], "fail"),
        ([("All", "arn:aws:s3:::data/models/"), ("All", "arn:aws:s3:::other/")], "fail"),
        ([("ReadOnly", "arn:aws:s3:::data/"), ("All", "arn:aws:s3:::other/")], "unknown"),
        ([("ReadOnly", "arn:aws:s3:::data/"), ("All", "arn:aws:s3")], "pass"),
    ],
)
@pytest.mark.no_cover  # one audit covers as much
def test_a_trail_covers_the_buckets_that_it_selects_as_a_whole(
    selected: list[tuple[str, str]], verdict: str, tmp_path: Path
) -> None:
    selectors = [
        {"ReadWriteType": what, "DataResources": [{"Type": "AWS::S3::Object", "Values": [value]}]}
        for what, value in selected
    ]
    with Fake() as fake:
        trail = {"Name": "t", "TrailARN": "arn:aws:cloudtrail:us-east-1:111122223333:trail/t"}
        fake.answer("s3", "ListBuckets", {"Buckets": [{"Name": "data"}]})
        fake.answer("cloudtrail", "DescribeTrails", {"trailList": [trail]})
        told = {"TrailARN": "arn:aws:cloudtrail:us-east-1:111122223333:trail/t", "EventSelectors": selectors}
        fake.answer("cloudtrail", "GetEventSelectors", told)
        fake.answer("cloudtrail", "GetTrailStatus", {"IsLogging": True})
        words = ("--select", "trail-data-events", "--environment", "--all", "--no-store", "-f", "json")
        ran = audit(fake, tmp_path, *words)
    assert {each[1:3] for each in found(ran.report)} == {(verdict, "data")}, ran.report["gaps"]
