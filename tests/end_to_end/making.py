"""How moto makes the types of the environment: the calls behind each type of CloudFormation."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from tests.fake_aws.fake import ACCOUNT, REGION

Client = Callable[[str], Any]
"""A boto3 client by the name of its service."""


class Made(NamedTuple):
    """What a resource is called by, and its attributes."""

    ref: str
    attributes: Mapping[str, str] = {}


def make(client: Client, kind: str, name: str, given: dict[str, Any]) -> Made:
    """A resource of one of the types of MAKERS, or what others refer to of one that is not made."""
    if maker := MAKERS.get(kind):
        own = {"RoleName": name} if kind == "AWS::IAM::Role" else {}
        own |= {"ManagedPolicyName": name} if kind == "AWS::IAM::ManagedPolicy" else {}
        return maker(client(kind.split("::")[1].lower()), {**own, **given})
    names = (given.get(each) for each in ("RepositoryName", "DomainName", "LogGroupName"))
    called = next(filter(None, names), name)
    arn = f"arn:aws:{kind.split('::')[1].lower()}:{REGION}:{ACCOUNT}:{called}"
    return Made(called, {"Arn": arn, "Name": called, "Owner": ACCOUNT, "CloneUrlHttp": called})


def tags(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """As EC2 takes them."""
    specified = [{"ResourceType": kind, "Tags": given["Tags"]}]
    return {"TagSpecifications": specified} if given.get("Tags") else {}


def vpc(ec2: Any, given: dict[str, Any]) -> Made:
    made = ec2.create_vpc(CidrBlock=given["CidrBlock"], **tags("vpc", given))["Vpc"]
    for name in ("EnableDnsSupport", "EnableDnsHostnames"):
        ec2.modify_vpc_attribute(VpcId=made["VpcId"], **{name: {"Value": given[name]}})
    return Made(made["VpcId"], {"CidrBlock": made["CidrBlock"]})


def subnet(ec2: Any, given: dict[str, Any]) -> Made:
    own = {name: given[name] for name in ("AvailabilityZone", "CidrBlock", "VpcId")}
    ref = ec2.create_subnet(**own, **tags("subnet", given))["Subnet"]["SubnetId"]
    ec2.modify_subnet_attribute(SubnetId=ref, MapPublicIpOnLaunch={"Value": given["MapPublicIpOnLaunch"]})
    return Made(ref)


def route_table(ec2: Any, given: dict[str, Any]) -> Made:
    made = ec2.create_route_table(VpcId=given["VpcId"], **tags("route-table", given))
    return Made(made["RouteTable"]["RouteTableId"])


def group(ec2: Any, given: dict[str, Any]) -> Made:
    made = ec2.create_security_group(
        GroupName=given["GroupDescription"], Description=given["GroupDescription"], VpcId=given["VpcId"]
    )
    ref = made["GroupId"]
    anywhere = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.revoke_security_group_egress(GroupId=ref, IpPermissions=[anywhere])
    for call, way in (
        (ec2.authorize_security_group_ingress, "SecurityGroupIngress"),
        (ec2.authorize_security_group_egress, "SecurityGroupEgress"),
    ):
        for rule in given.get(way, ()):
            call(GroupId=ref, IpPermissions=[permission(rule)])
    ec2.create_tags(Resources=[ref], Tags=given["Tags"])
    return Made(ref, {"GroupId": ref})


def permission(rule: Mapping[str, Any]) -> dict[str, Any]:
    """A rule of a security group as EC2 takes it."""
    where: dict[str, Any] = {}
    if "CidrIp" in rule:
        where["IpRanges"] = [{"CidrIp": rule["CidrIp"]}]
    if "DestinationPrefixListId" in rule:
        where["PrefixListIds"] = [{"PrefixListId": rule["DestinationPrefixListId"]}]
    return {**{name: rule[name] for name in ("IpProtocol", "FromPort", "ToPort")}, **where}


def flow_log(ec2: Any, given: dict[str, Any]) -> Made:
    own = {name: value for name, value in given.items() if name not in ("ResourceId", "Tags")}
    made = ec2.create_flow_logs(ResourceIds=[given["ResourceId"]], **own, **tags("vpc-flow-log", given))
    assert not made["Unsuccessful"], made
    return Made(made["FlowLogIds"][0])


def endpoint(ec2: Any, given: dict[str, Any]) -> Made:
    own = {**given, "PolicyDocument": json.dumps(given["PolicyDocument"])}
    return Made(ec2.create_vpc_endpoint(**own)["VpcEndpoint"]["VpcEndpointId"])


def role(iam: Any, given: dict[str, Any]) -> Made:
    name = given["RoleName"]
    own = {key: given[key] for key in ("RoleName", "Path", "PermissionsBoundary", "Tags") if key in given}
    trusted = json.dumps(given["AssumeRolePolicyDocument"])
    arn = iam.create_role(AssumeRolePolicyDocument=trusted, **own)["Role"]["Arn"]
    for policy in given.get("Policies", ()):
        document = json.dumps(policy["PolicyDocument"])
        iam.put_role_policy(RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document)
    for policy in given.get("ManagedPolicyArns", ()):
        iam.attach_role_policy(RoleName=name, PolicyArn=policy)
    return Made(name, {"Arn": arn})


def managed_policy(iam: Any, given: dict[str, Any]) -> Made:
    document = json.dumps(given["PolicyDocument"])
    own = {"PolicyName": given["ManagedPolicyName"], "Path": given.get("Path", "/")}
    return Made(iam.create_policy(PolicyDocument=document, **own)["Policy"]["Arn"])


def key(kms: Any, given: dict[str, Any]) -> Made:
    labels = [{"TagKey": it["Key"], "TagValue": it["Value"]} for it in given["Tags"]]
    policy = json.dumps(given["KeyPolicy"])
    made = kms.create_key(Description=given["Description"], Policy=policy, Tags=labels)["KeyMetadata"]
    if given["EnableKeyRotation"]:
        kms.enable_key_rotation(KeyId=made["KeyId"])
    return Made(made["KeyId"], {"Arn": made["Arn"]})


def alias(kms: Any, given: dict[str, Any]) -> Made:
    kms.create_alias(**given)
    return Made(given["AliasName"])


def bucket(s3: Any, given: dict[str, Any]) -> Made:
    name = given["BucketName"]
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=given["VersioningConfiguration"])
    (rule,) = given["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    default = {"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]}
    rules = {"Rules": [{**default, "BucketKeyEnabled": rule["BucketKeyEnabled"]}]}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration=rules)
    block = given["PublicAccessBlockConfiguration"]
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": given["Tags"]})
    return Made(name, {"Arn": f"arn:aws:s3:::{name}"})


def bucket_policy(s3: Any, given: dict[str, Any]) -> Made:
    s3.put_bucket_policy(Bucket=given["Bucket"], Policy=json.dumps(given["PolicyDocument"]))
    return Made(given["Bucket"])


def trail(cloudtrail: Any, given: dict[str, Any]) -> Made:
    name = given["TrailName"]
    cloudtrail.create_trail(
        Name=name,
        S3BucketName=given["S3BucketName"],
        IncludeGlobalServiceEvents=given["IncludeGlobalServiceEvents"],
        IsMultiRegionTrail=given["IsMultiRegionTrail"],
        EnableLogFileValidation=given["EnableLogFileValidation"],
        KmsKeyId=given["KMSKeyId"],
        TagsList=given["Tags"],
    )
    cloudtrail.put_event_selectors(TrailName=name, EventSelectors=given["EventSelectors"])
    if given["IsLogging"]:
        cloudtrail.start_logging(Name=name)
    return Made(name)


def alarm(cloudwatch: Any, given: dict[str, Any]) -> Made:
    cloudwatch.put_metric_alarm(**given)
    return Made(given["AlarmName"])


def lowered(node: Any) -> Any:
    """Names as CodeBuild has them."""
    if isinstance(node, dict):
        return {key[0].lower() + key[1:]: lowered(it) for key, it in node.items()}
    return [lowered(it) for it in node] if isinstance(node, list) else node


def build_project(codebuild: Any, given: dict[str, Any]) -> Made:
    own = lowered(given)
    for end in ("source", "artifacts"):
        own[end] = {"type": "CODEPIPELINE", "location": "moto wants one, whatever the type"}
    return Made(given["Name"], {"Arn": codebuild.create_project(**own)["project"]["arn"]})


def associated(ec2: Any, given: dict[str, Any]) -> Made:
    return Made(ec2.associate_route_table(**given)["AssociationId"])


MAKERS: dict[str, Callable[[Any, dict[str, Any]], Made]] = {
    "AWS::CloudTrail::Trail": trail,
    "AWS::CloudWatch::Alarm": alarm,
    "AWS::CodeBuild::Project": build_project,
    "AWS::EC2::FlowLog": flow_log,
    "AWS::EC2::RouteTable": route_table,
    "AWS::EC2::SecurityGroup": group,
    "AWS::EC2::Subnet": subnet,
    "AWS::EC2::SubnetRouteTableAssociation": associated,
    "AWS::EC2::VPC": vpc,
    "AWS::EC2::VPCEndpoint": endpoint,
    "AWS::IAM::ManagedPolicy": managed_policy,
    "AWS::IAM::Role": role,
    "AWS::KMS::Alias": alias,
    "AWS::KMS::Key": key,
    "AWS::S3::Bucket": bucket,
    "AWS::S3::BucketPolicy": bucket_policy,
}
