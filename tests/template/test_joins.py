"""Resources that lead to one another: which belong to an environment, and what they say together."""

from __future__ import annotations

import gc
import json
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.template.template import Template
from scanner.world import Effort
from tests import door
from tests.template.support import Report, scan

NETWORK = ("private-subnets", "no-internet-route", "security-group-https-only", "vpc-flow-logs")
Found = list[tuple[Any, ...]]


def judge(folder: Path, files: Any, *options: str, controls: tuple[str, ...] = NETWORK) -> Report:
    selected = [word for control in controls for word in ("--select", control)]
    if isinstance(files, dict) and "Resources" in files:
        files = json.dumps(files)
    elif isinstance(files, dict):
        files = {name: body if isinstance(body, str) else json.dumps(body) for name, body in files.items()}
    return scan(folder, files, *selected, *options)


def said(report: Report) -> Found:
    return report.found("verdict", "control", "resource")


SUBNET = {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}, "MapPublicIpOnLaunch": True}}
VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}


def notebook(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::SageMaker::NotebookInstance", "Properties": properties}


def tagged(body: dict[str, Any], key: str) -> dict[str, Any]:
    return {**body, "Properties": {**body["Properties"], "Tags": [{"Key": key, "Value": "x"}]}}


PUBLIC, UNLOGGED = ("fail", "private-subnets", "Subnet"), ("fail", "vpc-flow-logs", "Vpc")
MEMBERS = [
    pytest.param({}, [], id="nothing-of-sagemaker"),
    pytest.param({"Use": notebook(SubnetId={"Ref": "Subnet"})}, [UNLOGGED, PUBLIC], id="referred-to"),
    pytest.param({"Use": notebook(SubnetId={"Fn::Sub": "${Subnet}"})}, [UNLOGGED, PUBLIC], id="in-a-sub"),
    pytest.param(
        {"Use": notebook(SubnetId={"Fn::If": ["C", {"Fn::GetAtt": "Subnet.SubnetId"}, "x"]})},
        [UNLOGGED, PUBLIC],
        id="in-one-branch",
    ),
    pytest.param({"Use": notebook(SubnetId="subnet-1")}, [], id="another-one"),
    pytest.param({"Subnet": tagged(SUBNET, "ml-environment")}, [UNLOGGED, PUBLIC], id="tagged"),
    pytest.param({"Subnet": tagged(SUBNET, "sagemaker:project-id")}, [UNLOGGED, PUBLIC], id="tagged-by-aws"),
    pytest.param({"Vpc": tagged(VPC, "ml-environment")}, [UNLOGGED], id="a-vpc-does-not-lead-to-its-subnets"),
    pytest.param({"Subnet": tagged(SUBNET, "cost-centre")}, [], id="another-tag"),
    pytest.param(
        {
            "Use": notebook(SubnetId="x", SecurityGroupIds=[{"Ref": "Group"}]),
            "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        },
        [UNLOGGED, ("fail", "security-group-https-only", "Group")],
        id="over-a-group",
    ),
]


@pytest.mark.parametrize(("more", "expected"), MEMBERS)
def test_what_belongs_to_an_environment(tmp_path: Path, more: dict[str, Any], expected: Found) -> None:
    template = {
        "Conditions": {"C": {"Fn::Equals": [{"Ref": "AWS::Region"}, "x"]}},
        "Resources": {"Vpc": VPC, "Subnet": SUBNET, **more},
    }
    assert sorted(said(judge(tmp_path, template))) == sorted(expected)
    whole = said(judge(tmp_path, template, "--environment"))
    assert {PUBLIC, UNLOGGED} <= set(whole)


ALIAS = {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": "alias/ml", "TargetKeyId": {"Ref": "Key"}}}
ADMINISTRATOR = {
    "RoleName": {"Ref": "Name"},
    "ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"],
}
OPEN = {"GroupName": {"Ref": "Group"}, "IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        ({"KmsKeyId": "alias/ml"}, ("kms-key-rotation", "Key")),
        (
            {"KmsKeyId": {"Fn::Sub": "arn:aws:kms:eu-west-1:111122223333:alias/ml"}},
            ("kms-key-rotation", "Key"),
        ),
        ({"KmsKeyId": {"Ref": "Alias"}}, ("kms-key-rotation", "Key")),
        ({"SecurityGroupIds": [{"Fn::GetAtt": "Group.GroupId"}]}, ("security-group-https-only", "Group")),
        ({"RoleArn": {"Ref": "Name"}}, ("execution-role-scope", "Role")),
        (
            {"RoleArn": {"Fn::Join": ["/", ["arn:aws:iam::111122223333:role", {"Ref": "Name"}]]}},
            ("execution-role-scope", "Role"),
        ),
        (
            {"RoleArn": {"Fn::Sub": "arn:aws:iam::111122223333:role/${Name}"}},
            ("execution-role-scope", "Role"),
        ),
    ],
)
def test_another_name_leads_to_what_has_it(tmp_path: Path, use: Any, expected: tuple[str, str]) -> None:
    group = {"SecurityGroupEgress": [{"IpProtocol": "-1", "CidrIp": "127.0.0.1/32"}]}
    resources = {
        "Use": notebook(**use),
        "Alias": ALIAS,
        "Key": {"Type": "AWS::KMS::Key"},
        "Group": {"Type": "AWS::EC2::SecurityGroup", "Properties": group},
        "Rule": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": OPEN},
        "Role": {"Type": "AWS::IAM::Role", "Properties": ADMINISTRATOR},
    }
    template = {"Parameters": {"Name": {"Type": "String"}}, "Resources": resources}
    controls = ("kms-key-rotation", "security-group-https-only", "execution-role-scope")
    assert set(said(judge(tmp_path, template, controls=controls))) == {("fail", *expected)}


def test_nothing_of_a_judged_template_waits_for_a_search_for_circles(tmp_path: Path) -> None:
    resources = {"Vpc": VPC, "Subnet": SUBNET, "Use": notebook(SubnetId={"Ref": "Subnet"})}
    gc.collect()
    gc.disable()
    try:
        others = {id(each) for each in gc.get_objects() if type(each) is Template}
        assert len(said(judge(tmp_path, {"Resources": resources}))) == 2
        assert not [each for each in gc.get_objects() if type(each) is Template and id(each) not in others]
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("said_of_it", "count"),
    [("true", 2), ("{whole: true}", 2), ("{tags: [team, 'ml*']}", 2), ("{tags: [team]}", 0), ("false", 0)],
)
def test_the_configuration_says_what_belongs(tmp_path: Path, said_of_it: str, count: int) -> None:
    config = tmp_path / "smguard.yaml"
    config.write_text(f"environment: {said_of_it}\n")
    template = {"Resources": {"Vpc": VPC, "Subnet": tagged(SUBNET, "mlops")}}
    assert len(judge(tmp_path, template, "--config", str(config)).found("control")) == count


NET: dict[str, Any] = {
    "Resources": {"Vpc": VPC, "Subnet": SUBNET},
    "Outputs": {
        "S": {
            "Value": {"Fn::GetAtt": ["Subnet", "SubnetId"]},
            "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-Subnet"}},
        }
    },
}


def importer(name: Any) -> dict[str, Any]:
    return {"Resources": {"Use": notebook(SubnetId={"Fn::ImportValue": name})}}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("net-Subnet", True),
        ({"Fn::Sub": "${Net}-Subnet"}, True),
        ({"Fn::Join": ["-", [{"Ref": "Net"}, "Subnet"]]}, True),
        ("net-Vpc", False),
        ({"Ref": "Net"}, False),
    ],
)
def test_an_import_makes_what_it_means_belong(tmp_path: Path, name: Any, found: bool) -> None:
    report = judge(tmp_path, {"a/net.json": NET, "b/use.json": importer(name)}, "--jobs", "2")
    assert report.found("control", "file") == ([("private-subnets", "a/net.json")] * found)[:1] + [
        ("vpc-flow-logs", "a/net.json")
    ] * found or report.found("control") == [("vpc-flow-logs",), ("private-subnets",)]
    twice = {"a/net.json": NET, "b/use.json": importer(name), "c/net.json": NET}
    assert judge(tmp_path, twice).found("control") == [], "two exports that it may mean"


def test_a_network_that_lies_elsewhere_is_said_to_be(tmp_path: Path) -> None:
    files = {"use.json": importer("net-Subnet"), "role.json": {"Resources": {"Vpc": VPC}}}
    for option, controls, count in (
        ("--environment", NETWORK, 1),
        ("--environment", ("kms-key-rotation",), 0),
        ("--all", NETWORK, 0),
    ):
        notes = [what for _, what in judge(tmp_path, files, option, controls=controls).notes]
        assert len([what for what in notes if what.startswith("the network that SageMaker's")]) == count
    own = {"Resources": {**NET["Resources"], **importer("net-Subnet")["Resources"]}}
    assert judge(tmp_path, {"use.json": own}, "--environment").notes == []


def test_what_another_file_may_have_is_not_called_missing(tmp_path: Path) -> None:
    log = {"ResourceId": {"Fn::ImportValue": "vpc"}, "TrafficType": "ALL", "ResourceType": "VPC"}
    logs = {"Resources": {"Log": {"Type": "AWS::EC2::FlowLog", "Properties": log}}}
    files = {"net.json": {"Resources": {"Vpc": VPC}}, "logs.json": logs}
    report = judge(tmp_path, files, "--environment")
    assert report.found("verdict", "resource") == [("unknown", "Vpc")]
    assert "what the FlowLog in" in report.found("message")[0][0]
    del files["logs.json"]
    (tmp_path / "logs.json").unlink()
    assert judge(tmp_path, files, "--environment").found("verdict") == [("fail",)]


@pytest.mark.parametrize("kind", ["Bank::Net::Logs::MODULE", "AWS::CloudFormation::Stack"])
def test_what_a_module_or_a_stack_that_is_not_there_may_bring_is_not_called_missing(
    tmp_path: Path, kind: str
) -> None:
    logs = {"TemplateURL": "https://example.org/logs.json", "Parameters": {"Vpc": {"Ref": "Vpc"}}}
    files = {"Resources": {"Vpc": tagged(VPC, "ml-environment"), "Logs": {"Type": kind, "Properties": logs}}}
    for option, why in (
        ("--environment", "FlowLogs that the stack or module Logs may bring"),
        ("--all", "FlowLogs that another stack may have for Vpc, whose id leaves this one"),
    ):
        ((verdict, message),) = judge(tmp_path, files, option).found("verdict", "message")
        assert (verdict, why in message) == ("unknown", True)


@pytest.mark.parametrize(("option", "verdict"), [("--environment", "pass"), ("--all", "unknown")])
def test_an_import_is_what_another_file_of_the_environment_exports(
    tmp_path: Path, option: str, verdict: str
) -> None:
    stack = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "keys.json"}}
    name = {"Fn::Sub": "${Name}-key"}
    out = {"Value": {"Fn::GetAtt": ["Key", "Arn"]}, "Export": {"Name": name}}
    files = {
        "root.json": {"Resources": {"Keys": stack}},
        "keys.json": {"Resources": {"Key": {"Type": "AWS::KMS::Key"}}, "Outputs": {"K": out}},
        "use.json": {"Resources": {"Use": notebook(KmsKeyId={"Fn::ImportValue": name})}},
    }
    report = judge(tmp_path, files, option, "--all", controls=("customer-managed-kms-key",))
    assert ("Use", verdict) in report.found("resource", "verdict")


@pytest.mark.parametrize(
    ("log", "outputs", "option", "verdicts"),
    [
        ({"ResourceId": {"Ref": "Vpc"}, "TrafficType": "ALL"}, {}, (), []),
        ({"ResourceId": {"Fn::Sub": "${Vpc}"}, "TrafficType": "ALL"}, {}, (), []),
        ({"ResourceId": {"Ref": {"Fn::Sub": "Vpc"}}, "TrafficType": "ALL"}, {}, (), []),
        ({"ResourceId": {"Ref": "Vpc"}, "TrafficType": "REJECT"}, {}, (), ["fail"]),
        ({"ResourceId": {"Ref": "Other"}, "TrafficType": "ALL"}, {}, (), ["fail"]),
        ({"ResourceId": {"Fn::FindInMap": ["M", "a", "b"]}, "TrafficType": "ALL"}, {}, (), ["unknown"]),
        ({"ResourceId": {"Ref": "Other"}, "TrafficType": "ALL"}, {"V": {"Ref": "Vpc"}}, (), ["unknown"]),
        (
            {"ResourceId": {"Ref": "Other"}, "TrafficType": "ALL"},
            {"V": {"Ref": "Vpc"}},
            ("--environment",),
            ["fail"],
        ),
        ({"ResourceId": {"Ref": "Vpc"}, "TrafficType": "REJECT"}, {"V": {"Ref": "Vpc"}}, (), ["unknown"]),
        ({"ResourceId": {"Ref": "Vpc"}, "TrafficType": "ALL"}, {"V": {"Ref": "Vpc"}}, (), []),
        (
            {"ResourceId": {"Fn::If": ["C", {"Ref": "Vpc"}, {"Ref": "Other"}]}, "TrafficType": "ALL"},
            {},
            (),
            ["unknown"],
        ),
    ],
)
def test_what_names_a_resource_is_found_by_what_it_names(
    tmp_path: Path, log: Any, outputs: Any, option: tuple[str, ...], verdicts: list[str]
) -> None:
    template = {
        "Parameters": {"Other": {"Type": "String"}},
        "Conditions": {"C": {"Fn::Equals": [{"Ref": "AWS::Region"}, "x"]}},
        "Resources": {
            "Vpc": tagged(VPC, "ml-environment"),
            "Log": {"Type": "AWS::EC2::FlowLog", "Properties": log},
        },
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    assert [verdict for (verdict,) in judge(tmp_path, template, *option).found("verdict")] == verdicts


NAT_ROUTE = {
    "RouteTableId": {"Ref": "Table"},
    "DestinationCidrBlock": "0.0.0.0/0",
    "NatGatewayId": {"Ref": "Nat"},
}
ADMINISTER = {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"}
SERVING = {"EndpointConfigName": "c", "Tags": [{"Key": "stage", "Value": "production"}]}
RATE = {
    "Id": "e",
    "MetricStat": {
        "Stat": "Sum",
        "Period": 60,
        "Metric": {
            "Namespace": "AWS/SageMaker",
            "MetricName": "Invocation5XXErrors",
            "Dimensions": [{"Name": "EndpointName", "Value": {"Fn::GetAtt": "Endpoint.EndpointName"}}],
        },
    },
}


def test_what_is_asked_of_other_resources_is_said_in_words(tmp_path: Path) -> None:
    private = {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"}
    model = {"VpcConfig": {"Subnets": [{"Ref": "Subnet"}], "SecurityGroupIds": ["sg-1"]}}
    policy = {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Principal": "*"}]}
    resources = {
        "Vpc": VPC,
        "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": private},
        "Model": {"Type": "AWS::SageMaker::Model", "Properties": model},
        "Bucket": {"Type": "AWS::S3::Bucket"},
        "Policy": {
            "Type": "AWS::S3::BucketPolicy",
            "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": policy},
        },
        "Table": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        "Association": {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {"SubnetId": {"Ref": "Subnet"}, "RouteTableId": {"Ref": "Table"}},
        },
        "Route": {"Type": "AWS::EC2::Route", "Properties": NAT_ROUTE},
        "Nat": {"Type": "AWS::EC2::NatGateway", "Properties": {"SubnetId": "subnet-1"}},
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Statement": ADMINISTER}}},
        "Endpoint": {"Type": "AWS::SageMaker::Endpoint", "Properties": SERVING},
        "Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [RATE]}},
    }
    controls = (
        *("vpc-flow-logs", "vpc-endpoints-complete", "artifact-bucket", "no-internet-route"),
        *("kms-key-policy", "endpoint-alarms", "trail-data-events"),
    )
    found = judge(tmp_path, {"Resources": resources}, "--environment", controls=controls).found("message")
    assert {
        ("FlowLogs is missing, must have a log of all traffic",),
        ("lacks an endpoint of s3 with route tables or private DNS",),
        (
            "Policies[0].PolicyDocument.Statement has no item that is a denial to everyone of what comes "
            "without TLS (aws:SecureTransport) or past the endpoint",
        ),
        ("NatGatewayId is a way to the internet, which is not allowed",),
        ("Principal.AWS[0] is a whole account that may administer the key, which is not allowed",),
        ("Trails is missing, must have a trail with the data events of its objects",),
        (
            "Alarms is missing, must have alarms on errors and on latency; an alarm on metric mathematics "
            "is not looked into",
        ),
    } <= set(found)
    resources["Out"] = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"Parameters": {"V": {"Ref": "Vpc"}}},
    }
    (shown,) = judge(tmp_path, {"Resources": resources}, controls=controls[1:2]).found("verdict", "message")
    assert shown == (
        "unknown",
        "may lack an endpoint of s3 with route tables or private DNS (VPCEndpoints that another stack may "
        "have for Vpc, whose id leaves this one)",
    )


def endpoint(service: str, **properties: Any) -> dict[str, Any]:
    name = {"Fn::Sub": "com.amazonaws.${AWS::Region}." + service}
    vpc = {"Fn::ImportValue": {"Fn::Sub": "${Net}-Vpc"}}
    return {"Type": "AWS::EC2::VPCEndpoint", "Properties": {"VpcId": vpc, "ServiceName": name, **properties}}


PROJECT = {"VpcConfig": {"VpcId": "vpc-1", "Subnets": [{"Fn::ImportValue": "net-Subnet"}]}}
BUILD = {"Resources": {"Build": {"Type": "AWS::CodeBuild::Project", "Properties": PROJECT}}}
PUT_IN = {
    "Parameters": {"S": {"Type": "String"}},
    "Resources": {"Use": notebook(SubnetId={"Ref": "S"}, DirectInternetAccess="Disabled")},
}
TWO = {"Fn::ImportValue": {"Fn::Sub": "${Net}-${Which}"}}
NEEDED = ("s3", "logs", "sts", "ecr.api", "ecr.dkr")


@pytest.mark.parametrize(
    ("use", "left_out", "verdicts"),
    [
        pytest.param(BUILD, (), ["pass"], id="all-there"),
        pytest.param(BUILD, ("ecr.api",), ["fail"], id="one-missing"),
        pytest.param(BUILD, NEEDED, ["fail"] * 5, id="none-there"),
        pytest.param(PUT_IN, ("s3",), ["unknown"], id="a-subnet-by-parameter"),
        pytest.param(
            {"Resources": {"Use": notebook(SubnetId=TWO, DirectInternetAccess="Disabled")}},
            ("s3",),
            ["unknown"],
            id="one-of-several-exports",
        ),
    ],
)
def test_a_network_its_endpoints_and_what_works_in_it_stand_in_files_of_their_own(
    tmp_path: Path, use: Any, left_out: tuple[str, ...], verdicts: list[str]
) -> None:
    vpc = {"Value": {"Ref": "Vpc"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-Vpc"}}}
    made = {
        "S3": endpoint("s3", RouteTableIds=["rtb-1"]),
        **{
            f"E{number}": endpoint(service, VpcEndpointType="Interface", PrivateDnsEnabled=True)
            for number, service in enumerate((*NEEDED[1:], "sagemaker.api", "sagemaker.runtime", "kms"))
        },
        "Notebooks": endpoint("notebook", VpcEndpointType="Interface", PrivateDnsEnabled=True),
    }
    named = dict(zip(("S3", "E0", "E1", "E2", "E3"), NEEDED, strict=True))
    made = {name: body for name, body in made.items() if named.get(name) not in left_out}
    made["Notebooks"]["Properties"]["ServiceName"] = {"Fn::Sub": "aws.sagemaker.${AWS::Region}.notebook"}
    files = {
        "net.json": {**NET, "Outputs": {**NET["Outputs"], "V": vpc}},
        "endpoints.json": {"Resources": made or {"Other": notebook()}},
        "use.json": use,
        "broken.yaml": "Resources: {A: 1}\nResources: 2\n",
    }
    options = ("--environment", "--all", "--jobs", "2")
    report = judge(tmp_path, files, *options, controls=("vpc-endpoints-complete",))
    assert [each for (each,) in report.found("verdict")] == verdicts
    assert set(report.found("file", "resource")) == {("net.json", "Vpc")}


def test_what_belongs_with_a_member_does_so_in_another_file(tmp_path: Path) -> None:
    vpc = {"Value": {"Ref": "Vpc"}, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-Vpc"}}}
    files = {
        "ends.json": {"Resources": {"S3": endpoint("s3")}},
        "net.json": {**NET, "Outputs": {**NET["Outputs"], "V": vpc}},
        "use.json": importer("net-Subnet"),
    }
    found = judge(tmp_path, files, controls=("vpc-endpoint-policy",)).found("verdict", "file")
    assert found == [("fail", "ends.json")]
    (tmp_path / "use.json").unlink()
    del files["use.json"]
    assert judge(tmp_path, files, controls=("vpc-endpoint-policy",)).found("verdict") == []


def test_nested_stacks_are_one_environment(tmp_path: Path) -> None:
    stack = {"Type": "AWS::CloudFormation::Stack"}
    files = {
        "root.yaml": {
            "Resources": {
                "Net": {**stack, "Properties": {"TemplateURL": "net.yaml"}},
                "Routes": {
                    **stack,
                    "Properties": {
                        "TemplateURL": "routes.yaml",
                        "Parameters": {"Subnet": {"Fn::GetAtt": "Net.Outputs.Subnet"}},
                    },
                },
                "Use": notebook(SubnetId={"Fn::GetAtt": ["Net", "Outputs.Subnet"]}),
            }
        },
        "net.yaml": {
            "Resources": {
                "Vpc": VPC,
                "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": {"VpcId": {"Ref": "Vpc"}}},
            },
            "Outputs": {"Subnet": {"Value": {"Ref": "Subnet"}}},
        },
        "routes.yaml": yaml.safe_dump(
            {
                "Parameters": {"Subnet": {"Type": "String"}},
                "Resources": {
                    "Gateway": {"Type": "AWS::EC2::InternetGateway"},
                    "Table": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": "vpc-1"}},
                    "Association": {
                        "Type": "AWS::EC2::SubnetRouteTableAssociation",
                        "Properties": {"SubnetId": {"Ref": "Subnet"}, "RouteTableId": {"Ref": "Table"}},
                    },
                    "Route": {
                        "Type": "AWS::EC2::Route",
                        "Properties": {
                            "RouteTableId": {"Ref": "Table"},
                            "DestinationCidrBlock": "0.0.0.0/0",
                            "GatewayId": {"Ref": "Gateway"},
                        },
                    },
                },
            },
            sort_keys=False,
        ),
    }
    report = judge(tmp_path, files)
    line = files["routes.yaml"].splitlines().index("      GatewayId:") + 1  # type: ignore[attr-defined]
    assert report.found("verdict", "control", "resource", "file", "line") == [
        ("fail", "vpc-flow-logs", "Net/Vpc", "net.yaml", 1),
        ("fail", "no-internet-route", "Net/Subnet", "routes.yaml", line),
    ]


def test_resources_that_share_their_properties_by_an_alias_are_told_apart(tmp_path: Path) -> None:
    report = judge(
        tmp_path,
        """\
Resources:
  One: {Type: AWS::EC2::VPC, Properties: &same {CidrBlock: 10.0.0.0/16}}
  Two: {Type: AWS::EC2::VPC, Properties: *same}
  Log: {Type: AWS::EC2::FlowLog, Properties: {ResourceId: !Ref Two, TrafficType: ALL}}
""",
        "--environment",
    )
    assert said(report) == [("fail", "vpc-flow-logs", "One")]


def test_a_route_counts_in_the_worlds_in_which_it_is_there(tmp_path: Path) -> None:
    def place(name: str, kind: str, **properties: Any) -> dict[str, Any]:
        return {name: {"Type": f"AWS::EC2::{kind}", "Properties": properties}}

    template: dict[str, Any] = {
        "Parameters": {"Open": {"Type": "String", "Default": "no", "AllowedValues": ["no", "yes"]}},
        "Conditions": {"IsOpen": {"Fn::Equals": [{"Ref": "Open"}, "yes"]}},
        "Resources": {
            **place("Subnet", "Subnet", VpcId="vpc-1"),
            **place("Table", "RouteTable", VpcId="vpc-1"),
            **place(
                "A", "SubnetRouteTableAssociation", SubnetId={"Ref": "Subnet"}, RouteTableId={"Ref": "Table"}
            ),
            **place("Nat", "NatGateway", SubnetId="subnet-1"),
            **place(
                "Route",
                "Route",
                RouteTableId={"Ref": "Table"},
                DestinationCidrBlock="0.0.0.0/0",
                NatGatewayId={"Ref": "Nat"},
            ),
        },
    }
    template["Resources"]["Route"]["Condition"] = "IsOpen"
    report = judge(tmp_path, template, "--environment")
    assert report.found("verdict", "control", "condition") == [
        ("unknown", "no-internet-route", "fails when IsOpen is true")
    ]
    template["Parameters"]["Open"]["Default"] = "yes"
    assert judge(tmp_path, template, "--environment").found("verdict") == [("fail",)]


kinds = st.sampled_from(["ALL", "REJECT", {"Ref": "P"}, {"Fn::Sub": "${P}"}])
ranges = st.sampled_from(["0.0.0.0/0", "10.0.0.0/8", {"Ref": "P"}, {"Fn::Sub": "${P}/0"}])
gateways = st.sampled_from(
    [
        {"GatewayId": {"Ref": "Igw"}},
        {"GatewayId": {"Ref": "P"}},
        {"TransitGatewayId": {"Ref": "P"}},
        {"NatGatewayId": {"Ref": "P"}},
    ]
)
fillings = st.sampled_from(["ALL", "0.0.0.0/0", "::/0", "10.1.0.0/16", "igw-1", "true", "443", "tcp"])


@settings(max_examples=40, deadline=None)
@given(traffic=kinds, to=ranges, by=gateways, out=ranges, filled=fillings)
def test_filling_in_what_is_unknown_turns_no_verdict_around(
    tmp_path_factory: pytest.TempPathFactory, traffic: Any, to: Any, by: Any, out: Any, filled: str
) -> None:
    def place(kind: str, **properties: Any) -> dict[str, Any]:
        return {"Type": f"AWS::EC2::{kind}", "Properties": properties}

    template: dict[str, Any] = {
        "Parameters": {"P": {"Type": "String"}},
        "Resources": {
            "Vpc": VPC,
            "Igw": {"Type": "AWS::EC2::InternetGateway"},
            "Log": place("FlowLog", ResourceId={"Ref": "Vpc"}, TrafficType=traffic),
            "Subnet": place("Subnet", VpcId={"Ref": "Vpc"}),
            "Table": place("RouteTable", VpcId={"Ref": "Vpc"}),
            "A": place(
                "SubnetRouteTableAssociation", SubnetId={"Ref": "Subnet"}, RouteTableId={"Ref": "Table"}
            ),
            "Route": place("Route", RouteTableId={"Ref": "Table"}, DestinationCidrBlock=to, **by),
            "Group": place("SecurityGroup", SecurityGroupEgress=[{"CidrIp": out}]),
            "In": place(
                "SecurityGroupIngress",
                GroupId={"Ref": "Group"},
                IpProtocol="tcp",
                FromPort=443,
                ToPort=443,
                CidrIp=to,
            ),
        },
    }
    folder = tmp_path_factory.mktemp("t")
    before = judge(folder, template, "--environment", "--all").found("resource", "control", "path", "verdict")
    template["Parameters"]["P"]["Default"] = filled
    (folder / "p.json").write_text(json.dumps({"P": filled}))
    values = ("--parameters", str(folder / "p.json"))
    after = judge(folder, template, "--environment", "--all", *values).found("resource", "control", "verdict")
    for resource, control, _, verdict in before:
        others = {each for name, of, each in after if (name, of) == (resource, control)}
        if verdict == "fail":
            assert "fail" in others
        if verdict == "pass" and not any(
            v == "unknown" for r, c, _, v in before if (r, c) == (resource, control)
        ):
            assert others <= {"pass"}


@pytest.mark.no_cover  # a few resources cover as much
def test_ten_thousand_that_name_one_and_circles_are_judged_in_bounded_time(tmp_path: Path) -> None:
    rule = {
        "GroupId": {"Ref": "Group"},
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "CidrIp": "10.0.0.0/8",
    }
    many: dict[str, Any] = {
        f"R{number}": {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": rule}
        for number in range(10_000)
    }
    many["Group"] = {"Type": "AWS::EC2::SecurityGroup", "Properties": {"VpcId": {"Ref": "Group"}}}
    for number in range(300):
        properties = {"VpcId": {"Ref": f"V{(number + 1) % 300}"}, "Tags": [{"Key": "ml-environment"}]}
        many[f"V{number}"] = {"Type": "AWS::EC2::Subnet", "Properties": properties}
    begun = time.process_time()
    report = judge(tmp_path, {"Resources": many}, "--max-resources", "20000", "--max-nodes", "1000000")
    assert time.process_time() - begun < 20
    assert report.gaps == []
    judge(
        tmp_path, {"Resources": many}, "--environment", "--max-resources", "20000", "--max-nodes", "1000000"
    )
    assert time.process_time() - begun < 40


PRODUCTION = [{"Key": "environment", "Value": "production"}]
SERVED = ("approved-model-package", "model-lineage")
REJECTED = {
    "Model": {
        "Type": "AWS::SageMaker::Model",
        "Properties": {"ModelName": "m", "PrimaryContainer": {"ModelPackageName": {"Ref": "Package"}}},
    },
    "Package": {"Type": "AWS::SageMaker::ModelPackage", "Properties": {"ModelApprovalStatus": "Rejected"}},
    "Component": {
        "Type": "AWS::SageMaker::InferenceComponent",
        "Properties": {"EndpointName": "fraud", "Specification": {"ModelName": "m"}},
    },
}


BOTH = {"fail": SERVED[:1], "unknown": SERVED[1:]}
APPROVED = REJECTED | {
    "Package": {"Type": "AWS::SageMaker::ModelPackage", "Properties": {"ModelApprovalStatus": "Approved"}}
}
OF_ANOTHER = {
    "Component": {
        "Type": "AWS::SageMaker::InferenceComponent",
        "Properties": {"EndpointName": {"Fn::ImportValue": "served"}, "Specification": {"ModelName": "m"}},
    }
}


def serving(*variants: dict[str, Any]) -> dict[str, Any]:
    """An endpoint in production, with its configuration."""
    config = {"EndpointConfigName": "c", "ProductionVariants": [{"VariantName": "a"} | it for it in variants]}
    served = {"EndpointName": "fraud", "EndpointConfigName": "c", "Tags": PRODUCTION}
    return {
        "Endpoint": {"Type": "AWS::SageMaker::Endpoint", "Properties": served},
        "Config": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": config},
    }


def test_a_text_far_longer_than_a_name_names_nothing_and_takes_no_memory(tmp_path: Path) -> None:
    between, items = "x" * 200_000, ", ".join("a" * 20_000)
    (tmp_path / "template.yaml").write_text(
        "Resources:\n"
        "  Subnet: {Type: AWS::EC2::Subnet, Properties: {MapPublicIpOnLaunch: true}}\n"
        "  Note:\n"
        "    Type: AWS::SageMaker::NotebookInstance\n"
        f"    Properties: {{DirectInternetAccess: Disabled, RoleArn: !Join ['{between}', [{items}]]}}\n"
    )
    controls = ("--select", "private-subnets", "--select", "notebook-direct-internet")
    ran = door.scan("template.yaml", controls=controls, cwd=tmp_path)
    assert (ran.code, door.found(ran.report), door.gaps(ran.report)) == (0, [], [])


@pytest.mark.parametrize(
    ("files", "options", "expected"),
    [
        ({"a.json": serving({})}, (), {"unknown": SERVED}),
        ({"a.json": serving({})}, ("--environment",), {"unknown": SERVED}),
        ({"a.json": serving({"ModelName": "m"}) | REJECTED}, (), {"fail": SERVED[:1]}),
        ({"a.json": serving({}) | REJECTED}, (), {"fail": SERVED[:1]}),
        ({"a.json": serving({"ModelName": "o"}, {}) | REJECTED}, (), BOTH),
        ({"a.json": serving({}), "b.json": REJECTED}, (), {"unknown": SERVED}),
        ({"a.json": serving({}) | APPROVED, "b.json": REJECTED | OF_ANOTHER}, (), {}),
        (
            {"a.json": serving({}) | APPROVED, "b.json": REJECTED | OF_ANOTHER},
            ("--environment",),
            {"unknown": SERVED},
        ),
    ],
)  # fmt: skip
def test_components_bring_models_to_variants_without_one(
    tmp_path: Path, files: Any, options: tuple[str, ...], expected: dict[str, tuple[str, ...]]
) -> None:
    whole = {name: {"Resources": resources} for name, resources in files.items()}
    report = judge(tmp_path, whole, *options, controls=SERVED)
    assert sorted(said(report)) == sorted(
        (verdict, control, "Endpoint") for verdict, controls in expected.items() for control in controls
    )


SET = "AWS::CloudFormation::StackSet"
WATCH = {
    "Definition": {
        "Type": "AWS::SageMaker::DataQualityJobDefinition",
        "Properties": {
            "JobDefinitionName": "d",
            "DataQualityJobInput": {"EndpointInput": {"EndpointName": "fraud"}},
        },
    },
    "Schedule": {
        "Type": "AWS::SageMaker::MonitoringSchedule",
        "Properties": {"MonitoringScheduleConfig": {"MonitoringJobDefinitionName": "d"}},
    },
}
TWO_GROUPS = {
    name: {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {
            "GroupName": "training",
            "VpcId": f"vpc-{name}",
            "SecurityGroupEgress": [{"CidrIp": "127.0.0.1/32"}],
        },
    }
    for name in ("One", "Two")
}
OPENED = {"Type": "AWS::EC2::SecurityGroupIngress", "Properties": {**OPEN, "GroupName": "training"}}


def in_set(resources: dict[str, Any]) -> dict[str, Any]:
    body = {"TemplateBody": json.dumps({"Resources": resources})}
    return {"Set": {"Type": SET, "Properties": body}}


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (serving({}) | WATCH, []),
        (in_set(serving({}) | WATCH), []),
        (serving({}) | in_set(WATCH), [("fail", "monitoring-schedule", "Endpoint")]),
        (serving({}) | WATCH | in_set(serving({})), [("fail", "monitoring-schedule", "Set/Endpoint")]),
        (
            TWO_GROUPS | {"Rule": OPENED, "Use": notebook(SecurityGroupIds=["training"])},
            [("fail", "security-group-https-only", name) for name in ("One", "Two")],
        ),
        (
            {
                "Component": {
                    "Type": "AWS::SageMaker::InferenceComponent",
                    "Properties": {"EndpointName": "c"},
                },
                "Endpoint": {"Type": "AWS::SageMaker::Endpoint", "Properties": {"EndpointConfigName": "c"}},
            },
            [("unknown", "network-isolation", name) for name in ("Component", "Endpoint")],
        ),
    ],
)
def test_a_name_is_that_of_whoever_has_it_where_it_is_given(
    tmp_path: Path, resources: dict[str, Any], expected: Found
) -> None:
    controls = ("monitoring-schedule", "security-group-https-only", "network-isolation")
    report = judge(tmp_path, {"Resources": resources}, controls=controls)
    known = [it for it in said(report) if it[2].rpartition("/")[2] not in ("Config", "Definition")]
    assert known == expected


def many(count: int) -> dict[str, Any]:
    """Endpoints named by Sub, and what names them."""

    def named(what: str, number: int) -> Any:
        return {"Fn::Sub": f"${{Stage}}-{what}-{number}"}

    resources: dict[str, Any] = {}
    for number in range(count):
        name = named("endpoint", number)
        served = {"EndpointName": name, "EndpointConfigName": named("config", number), "Tags": PRODUCTION}
        variants = [{"VariantName": "a", "ModelName": "m"}]
        config = {"EndpointConfigName": named("config", number), "ProductionVariants": variants}
        monitored = {"MonitoringInputs": [{"EndpointInput": {"EndpointName": name}}]}
        schedule = {"MonitoringScheduleConfig": {"MonitoringJobDefinition": monitored}}
        resources |= {
            f"E{number}": {"Type": "AWS::SageMaker::Endpoint", "Properties": served},
            f"C{number}": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": config},
            f"S{number}": {"Type": "AWS::SageMaker::MonitoringSchedule", "Properties": schedule},
        }
    return {"Parameters": {"Stage": {"Type": "String"}}, "Resources": resources}


def test_many_that_name_many_by_what_a_parameter_says_are_told_in_steps_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spend, spent = Effort.spend, [0]

    def count(effort: Effort, steps: int = 1) -> None:
        spent[-1] += steps
        spend(effort, steps)

    monkeypatch.setattr(Effort, "spend", count)
    for number in (40, 400):
        report = judge(tmp_path, many(number), controls=("monitoring-schedule", "volume-kms-key"))
        assert set(report.found("verdict", "control")) == {("fail", "volume-kms-key")}
        assert len(report.found("resource")) == 2 * number
        spent.append(0)
    assert spent[1] < 11 * spent[0]


@pytest.mark.parametrize(("pattern", "verdict"), [("^x-.*$", "fail"), ("^f.*$", "unknown")])
def test_what_a_parameter_can_never_be_is_no_name(tmp_path: Path, pattern: str, verdict: str) -> None:
    resources: Any = serving({}) | json.loads(json.dumps(WATCH))
    monitored = resources["Definition"]["Properties"]["DataQualityJobInput"]["EndpointInput"]
    monitored["EndpointName"] = {"Ref": "Name"}
    parameters = {"Name": {"Type": "String", "AllowedPattern": pattern}}
    report = judge(
        tmp_path, {"Parameters": parameters, "Resources": resources}, controls=("monitoring-schedule",)
    )
    assert report.found("verdict", "resource") == [(verdict, "Endpoint")]
