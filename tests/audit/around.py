"""CloudFormation, as far as examples need it, for what SageMaker's resources stand in: what its APIs tell."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from tests.audit.test_examples import LeftOutError, Maker
from tests.fake_aws import Fake
from tests.fake_aws.call import Call
from tests.fake_aws.wire import AwsError

ACCOUNT, REGION = "111122223333", "us-east-1"
LISTS = {
    "cloudtrail": {"DescribeTrails": "trailList"},
    "cloudwatch": {"DescribeAlarms": "MetricAlarms"},
    "codeartifact": {"ListDomains": "domains", "ListRepositories": "repositories"},
    "codebuild": {"BatchGetProjects": "projects", "ListProjects": "projects"},
    "ec2": {
        **{f"Describe{it}": it for it in ("FlowLogs", "InternetGateways", "NatGateways", "RouteTables")},
        **{f"Describe{it}": it for it in ("SecurityGroupRules", "SecurityGroups", "Subnets", "VpcEndpoints")},
        **{f"Describe{it}": it for it in ("EgressOnlyInternetGateways", "Vpcs")},
    },
    "s3": {"ListBuckets": "Buckets"},
}
"""Operations that tell of all resources -> the member of their answers."""
SINGLES = {
    "cloudtrail": {"GetEventSelectors": None, "GetTrailStatus": None},
    "codeartifact": {"DescribeRepository": None},
    "kms": {"GetKeyPolicy": None},
    "s3": {
        "GetBucketEncryption": "ServerSideEncryptionConfigurationNotFoundError",
        "GetBucketPolicy": "NoSuchBucketPolicy",
        "GetBucketTagging": "NoSuchTagSet",
        "GetBucketVersioning": None,
        "GetPublicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
    },
}
"""Operations that tell of one, which their parameters name -> the error where there is nothing."""
FULL_ACCESS = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}


class Made(NamedTuple):
    """What a reference to a resource gives, and what AWS Config calls it."""

    name: str
    arn: str = ""
    id: str = ""
    attributes: Mapping[str, str] = {}


class Shelves:
    """What the other services of one fake hold."""

    def __init__(self, fake: Fake) -> None:
        self.fake = fake
        self.rows: dict[str, list[Any]] = {}
        self.singles: dict[tuple[str, str], Any] = {}
        for service, operations in LISTS.items():
            for operation, member in operations.items():
                fake.answer(service, operation, self._list(operation, member))
        for service, singles in SINGLES.items():
            for operation, absent in singles.items():
                fake.answer(service, operation, self._single(operation, absent))
        fake.answer("iam", "GetAccountAuthorizationDetails", self._details)

    def clear(self) -> None:
        self.rows.clear()
        self.singles.clear()
        self.fake.sagemaker._shelves.clear()
        self.fake.services.keys.clear()

    def add(self, operation: str, **row: Any) -> dict[str, Any]:
        self.rows.setdefault(operation, []).append(row)
        return row

    def _list(self, operation: str, member: str) -> Callable[[Call], Mapping[str, Any]]:
        return lambda call: {member: self.rows.get(operation, [])}

    def _single(self, operation: str, absent: str | None) -> Callable[[Call], Mapping[str, Any]]:
        def answer(call: Call) -> Mapping[str, Any]:
            named = (self.singles.get((operation, str(it))) for it in call.parameters.values())
            found = next((it for it in named if it is not None), None)
            if found is None and absent:
                raise AwsError(absent)
            policy = {"Policy": self.fake.services.key_policy} if operation == "GetKeyPolicy" else {}
            return found or policy

        return answer

    def _details(self, call: Call) -> Mapping[str, Any]:
        return {"RoleDetailList": self.rows.get("Roles", []), "Policies": self.rows.get("Policies", [])}


class World(Maker):
    """Makes all resources of a template. `made` tells what other services have, by logical id."""

    def __init__(self, shelves: Shelves, template: Mapping[str, Any], prefix: str) -> None:
        super().__init__(shelves.fake, template, prefix)
        self.shelves = shelves
        self.made: dict[str, Made] = {}

    def plan(self, name: str) -> None:
        kind = self.template["Resources"][name]["Type"]
        if not kind.startswith("AWS::SageMaker::") and kind not in MAKERS:
            raise LeftOutError(kind)

    def refer(self, name: str) -> str:
        if name not in self.template["Resources"]:
            return name
        resource = self.template["Resources"][name]
        if resource["Type"].startswith("AWS::SageMaker::"):
            return super().refer(name)
        if name not in self.made:
            given = self.values(resource.get("Properties") or {}, None)
            self.made[name] = MAKERS[resource["Type"]](self.shelves, f"{self.prefix}{name}".lower(), given)
        return self.made[name].name

    def values(self, node: Any, kind: Any) -> Any:
        if isinstance(node, dict):
            ((key, value),) = node.items() if len(node) == 1 else [("", None)]
            if key == "Ref":
                return PSEUDO.get(value) or self.refer(value)
            if key == "Fn::GetAtt":
                name, _, attribute = ".".join(value if isinstance(value, list) else [value]).partition(".")
                plain = self.refer(name)
                made = self.made.get(name)
                if made is None:
                    return plain
                return made.arn if attribute == "Arn" else made.attributes.get(attribute, plain)
            if key == "Fn::Join":
                return value[0].join(self.values(it, None) for it in value[1])
            if key == "Fn::Sub":
                for pseudo, it in PSEUDO.items():
                    value = value.replace(f"${{{pseudo}}}", it)
                for name in self.template["Resources"]:
                    if f"${{{name}.Arn}}" in value:
                        value = value.replace(
                            f"${{{name}.Arn}}", self.values({"Fn::GetAtt": f"{name}.Arn"}, None)
                        )
                return value
            if kind is None:
                return {each: self.values(it, None) for each, it in node.items()}
        if isinstance(node, list) and kind is None:
            return [self.values(it, None) for it in node]
        return node if kind is None else super().values(node, kind)

    def check(self, node: Any) -> None:
        """What can't be made `values` says."""


OF_ACCOUNT = {
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    ]
}
"""The policy of a key that is made without one."""
PSEUDO = {"AWS::AccountId": ACCOUNT, "AWS::Partition": "aws", "AWS::Region": REGION}
Given = dict[str, Any]


def document(given: Any) -> str:
    return given if isinstance(given, str) else json.dumps(given)


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{'' if service == 'iam' else REGION}:{ACCOUNT}:{rest}"


def small(node: Any) -> Any:
    if isinstance(node, dict):
        return {name[0].lower() + name[1:]: small(it) for name, it in node.items()}
    return [small(it) for it in node] if isinstance(node, list) else node


def of_ec2(operation: str, member: str, **more: Any) -> Callable[[Shelves, str, Given], Made]:
    """A resource of which EC2 tells what CloudFormation is given."""

    def make(shelves: Shelves, name: str, given: Given) -> Made:
        shelves.add(operation, **{member: name}, **{**more, **given})
        return Made(name)

    return make


def vpc(shelves: Shelves, name: str, given: Given) -> Made:
    shelves.add("DescribeVpcs", VpcId=name, **given)
    group = {"GroupId": f"{name}-default", "GroupName": "default", "Description": "default"}
    shelves.add("DescribeSecurityGroups", VpcId=name, **group)
    return Made(name, attributes={"DefaultSecurityGroup": group["GroupId"], **given})


def route_table(shelves: Shelves, name: str, given: Given) -> Made:
    shelves.add("DescribeRouteTables", RouteTableId=name, Routes=[], Associations=[], **given)
    return Made(name)


def of_table(member: str) -> Callable[[Shelves, str, Given], Made]:
    def make(shelves: Shelves, name: str, given: Given) -> Made:
        table = given["RouteTableId"]
        found = [it for it in shelves.rows["DescribeRouteTables"] if it["RouteTableId"] == table]
        told = {each: it for each, it in given.items() if each != "RouteTableId" or member != "Routes"}
        found[0][member].append(told)
        return Made(name)

    return make


def internet_gateway(shelves: Shelves, name: str, given: Given) -> Made:
    shelves.add("DescribeInternetGateways", InternetGatewayId=f"igw-{name}")
    return Made(f"igw-{name}")


def egress_only(shelves: Shelves, name: str, given: Given) -> Made:
    attached = [{"VpcId": given["VpcId"], "State": "attached"}]
    shelves.add("DescribeEgressOnlyInternetGateways", EgressOnlyInternetGatewayId=name, Attachments=attached)
    return Made(name)


def group(shelves: Shelves, name: str, given: Given) -> Made:
    row = {"GroupName": given.get("GroupName", name), "Description": given["GroupDescription"]}
    shelves.add("DescribeSecurityGroups", GroupId=name, VpcId=given.get("VpcId", "vpc-0"), **row)
    if "SecurityGroupEgress" not in given and row["GroupName"] != "default":  # as EC2 makes them
        everywhere = {"IpProtocol": "-1", "CidrIp": "0.0.0.0/0", "GroupId": name}
        of_group(True)(shelves, f"{name}-out", everywhere)
    for number, rule in enumerate(given.get("SecurityGroupIngress", ())):
        of_group(False)(shelves, f"{name}-in-{number}", {**rule, "GroupId": name})
    for number, rule in enumerate(given.get("SecurityGroupEgress", ())):
        of_group(True)(shelves, f"{name}-out-{number}", {**rule, "GroupId": name})
    return Made(name)


def of_group(egress: bool) -> Callable[[Shelves, str, Given], Made]:
    renamed = {
        "CidrIp": "CidrIpv4",
        "SourcePrefixListId": "PrefixListId",
        "DestinationPrefixListId": "PrefixListId",
    }

    def make(shelves: Shelves, name: str, given: Given) -> Made:
        ids = {it["GroupName"]: it["GroupId"] for it in shelves.rows.get("DescribeSecurityGroups", [])}
        named = ids.get(given.get("GroupName"), given.get("GroupName"))  # in a default VPC
        given = {
            "GroupId": named,
            "SourceSecurityGroupId": ids.get(given.get("SourceSecurityGroupName")),
            **given,
        }
        other = given.get("SourceSecurityGroupId") or given.get("DestinationSecurityGroupId")
        row = {renamed.get(each, each): it for each, it in given.items() if "SecurityGroupId" not in each}
        more = {"ReferencedGroupInfo": {"GroupId": other}} if other else {}
        shelves.add("DescribeSecurityGroupRules", SecurityGroupRuleId=name, IsEgress=egress, **row, **more)
        return Made(name, id=given["GroupId"])

    return make


def egress_rule(shelves: Shelves, name: str, given: Given) -> Made:
    """In place of the one that EC2 makes with a group."""
    rows = shelves.rows.get("DescribeSecurityGroupRules", [])
    rows[:] = [it for it in rows if it["SecurityGroupRuleId"] != f"{given['GroupId']}-out"]
    return of_group(True)(shelves, name, given)


def vpc_endpoint(shelves: Shelves, name: str, given: Given) -> Made:
    told = {"VpcEndpointType": "Gateway", "State": "available", **given}
    told["PolicyDocument"] = document(given.get("PolicyDocument", FULL_ACCESS))
    shelves.add("DescribeVpcEndpoints", VpcEndpointId=name, **told)
    return Made(name)


def bucket(shelves: Shelves, name: str, given: Given) -> Made:
    name = given.get("BucketName", name)
    shelves.add("ListBuckets", Name=name)
    shelves.singles["GetBucketVersioning", name] = given.get("VersioningConfiguration", {})
    if closed := given.get("PublicAccessBlockConfiguration"):
        shelves.singles["GetPublicAccessBlock", name] = {"PublicAccessBlockConfiguration": closed}
    if encrypted := given.get("BucketEncryption"):
        rules = [
            {"ApplyServerSideEncryptionByDefault": it["ServerSideEncryptionByDefault"]}
            for it in encrypted["ServerSideEncryptionConfiguration"]
        ]
        told = {"ServerSideEncryptionConfiguration": {"Rules": rules}}
        shelves.singles["GetBucketEncryption", name] = told
    return Made(name, f"arn:aws:s3:::{name}")


def bucket_policy(shelves: Shelves, name: str, given: Given) -> Made:
    shelves.singles["GetBucketPolicy", given["Bucket"]] = {"Policy": document(given["PolicyDocument"])}
    return Made(name)


def role(shelves: Shelves, name: str, given: Given) -> Made:
    made = Made(name, arn("iam", f"role/{name}"), f"AROA{name}".upper())
    shelves.add(
        "Roles",
        RoleName=name,
        RoleId=made.id,
        Arn=made.arn,
        AssumeRolePolicyDocument=quote(document(given.get("AssumeRolePolicyDocument", {"Statement": []}))),
        AttachedManagedPolicies=[{"PolicyArn": it} for it in given.get("ManagedPolicyArns", ())],
        RolePolicyList=[
            {"PolicyName": "p", "PolicyDocument": quote(document(it["PolicyDocument"]))}
            for it in given.get("Policies", ())
        ],
    )
    return made


def inline_policy(shelves: Shelves, name: str, given: Given) -> Made:
    for row in shelves.rows.get("Roles", ()):
        if row["RoleName"] in given.get("Roles", ()):
            body = quote(document(given["PolicyDocument"]))
            row["RolePolicyList"].append({"PolicyName": name, "PolicyDocument": body})
    return Made(name)


def managed_policy(shelves: Shelves, name: str, given: Given) -> Made:
    made = Made(arn("iam", f"policy/{name}"), arn("iam", f"policy/{name}"), f"ANPA{name}".upper())
    versions = [
        {"VersionId": "v1", "IsDefaultVersion": True, "Document": quote(document(given["PolicyDocument"]))}
    ]
    row = {"PolicyId": made.id, "Arn": made.arn, "PolicyVersionList": versions}
    shelves.add("Policies", PolicyName=name, **row)
    return made


def key(shelves: Shelves, name: str, given: Given) -> Made:
    told = {"spec": given.get("KeySpec"), "origin": given.get("Origin")}
    rotation = given.get("EnableKeyRotation", False)
    made = shelves.fake.services.key(rotation=rotation, **{each: it for each, it in told.items() if it})
    policy = document(given.get("KeyPolicy", OF_ACCOUNT))
    shelves.singles["GetKeyPolicy", made.rpartition("/")[2]] = {"Policy": policy}
    return Made(made.rpartition("/")[2], made)


def trail(shelves: Shelves, name: str, given: Given) -> Made:
    made = Made(name, arn("cloudtrail", f"trail/{name}"))
    plain = {each: it for each, it in given.items() if each in ("S3BucketName", "IncludeGlobalServiceEvents")}
    shelves.add("DescribeTrails", Name=name, TrailARN=made.arn, **plain)
    told = {each: it for each, it in given.items() if each.endswith("EventSelectors")}
    shelves.singles["GetEventSelectors", made.arn] = {"TrailARN": made.arn, **told}
    shelves.singles["GetTrailStatus", made.arn] = {"IsLogging": given["IsLogging"]}
    return made


def alarm(shelves: Shelves, name: str, given: Given) -> Made:
    shelves.add("DescribeAlarms", AlarmName=name, AlarmArn=arn("cloudwatch", f"alarm:{name}"), **given)
    return Made(name)


def package_domain(shelves: Shelves, name: str, given: Given) -> Made:
    made = Made(given["DomainName"], id=arn("codeartifact", f"domain/{name}"))
    more = {"encryptionKey": given["EncryptionKey"]} if "EncryptionKey" in given else {}
    shelves.add("ListDomains", name=made.name, arn=made.id, **more)
    return made


def package_repository(shelves: Shelves, name: str, given: Given) -> Made:
    made = Made(given["RepositoryName"], id=arn("codeartifact", f"repository/{name}"))
    shelves.add("ListRepositories", name=made.name, arn=made.id, domainName=name, domainOwner=ACCOUNT)
    told = {
        "externalConnections": [
            {"externalConnectionName": it} for it in given.get("ExternalConnections", ())
        ],
        "upstreams": [{"repositoryName": it} for it in given.get("Upstreams", ())],
    }
    shelves.singles["DescribeRepository", name] = {"repository": told}
    return made


def project(shelves: Shelves, name: str, given: Given) -> Made:
    made = Made(name, arn("codebuild", f"project/{name}"), arn("codebuild", f"project/{name}"))
    shelves.add("BatchGetProjects", name=name, arn=made.arn, **small(given))
    shelves.rows.setdefault("ListProjects", []).append(name)
    return made


MAKERS: Mapping[str, Callable[[Shelves, str, Given], Made]] = {
    "AWS::CloudTrail::Trail": trail,
    "AWS::CloudWatch::Alarm": alarm,
    "AWS::CodeArtifact::Domain": package_domain,
    "AWS::CodeArtifact::Repository": package_repository,
    "AWS::CodeBuild::Project": project,
    "AWS::EC2::EgressOnlyInternetGateway": egress_only,
    "AWS::EC2::FlowLog": of_ec2("DescribeFlowLogs", "FlowLogId", FlowLogStatus="ACTIVE"),
    "AWS::EC2::InternetGateway": internet_gateway,
    "AWS::EC2::NatGateway": of_ec2("DescribeNatGateways", "NatGatewayId", State="available"),
    "AWS::EC2::Route": of_table("Routes"),
    "AWS::EC2::RouteTable": route_table,
    "AWS::EC2::SecurityGroup": group,
    "AWS::EC2::SecurityGroupEgress": egress_rule,
    "AWS::EC2::SecurityGroupIngress": of_group(False),
    "AWS::EC2::Subnet": of_ec2("DescribeSubnets", "SubnetId", MapPublicIpOnLaunch=False),
    "AWS::EC2::SubnetRouteTableAssociation": of_table("Associations"),
    "AWS::EC2::VPC": vpc,
    "AWS::EC2::VPCEndpoint": vpc_endpoint,
    "AWS::EC2::VPNGateway": of_ec2("DescribeVpnGateways", "VpnGatewayId"),
    "AWS::IAM::ManagedPolicy": managed_policy,
    "AWS::IAM::Policy": inline_policy,
    "AWS::IAM::Role": role,
    "AWS::KMS::Key": key,
    "AWS::S3::Bucket": bucket,
    "AWS::S3::BucketPolicy": bucket_policy,
}
