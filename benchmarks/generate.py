"""Makes the benchmark's templates: deterministic, of the mix that real repositories have."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

SEED = 20261121
SMALL_LINES = 120
LARGE_RESOURCES = 500
MANY = 1_000
MANY_LINES = (30, 400)
"""Evenly spread over the logarithm: many short templates, few long ones."""
JSON_SHARE = 0.12
MACHINE_LEARNING_SHARE = 0.2
"""How many templates of a repository are about SageMaker; the others are buckets, roles and functions.

Of 1,153 templates of public repositories it is one in eleven.
"""
RESOURCE_SHARE = 0.2
"""How many resources of such a template are SageMaker's, as there (3 % where there are more than 50)."""


class Tag:
    """A short intrinsic of YAML: `!Sub value`."""

    def __init__(self, name: str, value: Any) -> None:
        self.name, self.value = name, value


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc] # libyaml may be missing
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_tag(dumper: Any, tag: Tag) -> Any:
    name = f"!{tag.name}"
    if isinstance(tag.value, list):
        return dumper.represent_sequence(name, tag.value, flow_style=True)
    return dumper.represent_scalar(name, tag.value)


_Dumper.add_representer(Tag, _represent_tag)


def generate(folder: Path) -> dict[str, Path]:
    """Write the templates below `folder` unless they are there; the path of each case by its name."""
    cases = {
        "120 lines": folder / "small.yaml",
        "500 resources": folder / "large.yaml",
        "1,000 templates": folder / "many",
        "1,000 SageMaker": folder / "all-sagemaker",
    }
    done = folder / f".done-{SEED}"
    if done.exists():
        return cases
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(SEED)
    cases["120 lines"].write_text(_of_lines(rng, SMALL_LINES, 0.5, exact=True), "utf-8")
    large = {**_template(rng), "Resources": dict(_resources(rng, LARGE_RESOURCES, RESOURCE_SHARE))}
    cases["500 resources"].write_text(_yaml(large), "utf-8")
    for case, templates, resources in (
        ("1,000 templates", MACHINE_LEARNING_SHARE, RESOURCE_SHARE),
        ("1,000 SageMaker", 1.0, 1.0),
    ):
        cases[case].mkdir(parents=True, exist_ok=True)
        for number in range(MANY):
            lines = round(math.exp(rng.uniform(*map(math.log, MANY_LINES))))
            as_json = rng.random() < JSON_SHARE
            share = resources if rng.random() < templates else 0.0
            text = _of_lines(rng, lines, share, as_json=as_json)
            name = f"stack-{number:04}.{'json' if as_json else 'yaml'}"
            (cases[case] / name).write_text(text, "utf-8")
    done.touch()
    return cases


def _of_lines(
    rng: random.Random,
    lines: int,
    share: float,
    *,
    exact: bool = False,
    as_json: bool = False,
) -> str:
    """A template of at most so many lines (one resource at least), or exactly so many with comments."""
    template = _template(rng)
    room = lines - (_json(template) if as_json else _yaml(template)).count("\n")
    for name, resource in _resources(rng, 20 + lines // 4, share):
        taken = _json(resource).count("\n") if as_json else _yaml({name: resource}).count("\n")
        if taken <= room or not template["Resources"]:
            room -= taken
            template["Resources"][name] = resource
    text = _json(template) if as_json else _yaml(template)
    return text + "# one more line\n" * (lines - text.count("\n")) if exact else text


def _yaml(content: Any) -> str:
    return str(yaml.dump(content, Dumper=_Dumper, sort_keys=False, width=110))


def _json(content: Any) -> str:
    return json.dumps(_plain(content), indent=2) + "\n"


def _plain(node: Any) -> Any:
    """Long form of every intrinsic, for JSON."""
    if isinstance(node, Tag):
        name = node.name if node.name in ("Ref", "Condition") else f"Fn::{node.name}"
        value = node.value.split(".", 1) if node.name == "GetAtt" else node.value
        return {name: _plain(value)}
    if isinstance(node, dict):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return node


def _template(rng: random.Random) -> dict[str, Any]:
    """A template without resources."""
    environments = rng.choice([["dev", "prod"], ["dev", "test", "prod"]])
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Machine learning platform",
        "Parameters": {
            "Environment": {"Type": "String", "Default": "dev", "AllowedValues": environments},
            "KmsKeyArn": {"Type": "String", "Default": ""},
            "SubnetId": {"Type": "AWS::EC2::Subnet::Id"},
        },
        "Conditions": {
            "IsProd": Tag("Equals", [Tag("Ref", "Environment"), "prod"]),
            "HasKey": Tag("Not", [Tag("Equals", [Tag("Ref", "KmsKeyArn"), ""])]),
        },
        "Resources": {},
    }


def _resources(rng: random.Random, count: int, share: float) -> Iterator[tuple[str, dict[str, Any]]]:
    """Resources, this share of them SageMaker's."""
    for number in range(count):
        kinds = _MACHINE_LEARNING if rng.random() < share else _INFRASTRUCTURE
        (kind,) = rng.choices(list(kinds), [weight for weight, _ in kinds.values()])
        yield f"{kind}{number}", kinds[kind][1](rng, number)


def _maybe(rng: random.Random, properties: dict[str, Any], **extra: Any) -> dict[str, Any]:
    """The properties with each of the extra ones by chance."""
    return {**properties, **{name: value for name, value in extra.items() if rng.random() < 0.5}}


def _key(rng: random.Random) -> Any:
    return rng.choice(
        [
            Tag("Ref", "KmsKeyArn"),
            Tag("If", ["HasKey", Tag("Ref", "KmsKeyArn"), Tag("Ref", "AWS::NoValue")]),
            Tag("Sub", "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:alias/ml"),
            "alias/aws/sagemaker",
        ]
    )


def _role(name: str = "execution") -> Tag:
    return Tag("Sub", f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/ml-{name}")


def _vpc() -> dict[str, Any]:
    return {"SecurityGroupIds": ["sg-0123456789abcdef0"], "Subnets": [Tag("Ref", "SubnetId")]}


def _bucket(rng: random.Random, number: int) -> dict[str, Any]:
    encryption = {
        "ServerSideEncryptionConfiguration": [
            {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": _key(rng)}}
        ]
    }
    name = Tag("Sub", f"ml-${{Environment}}-{number}-${{AWS::AccountId}}")
    properties = _maybe(
        rng,
        {"BucketName": name, "BucketEncryption": encryption},
        VersioningConfiguration={"Status": "Enabled"},
        PublicAccessBlockConfiguration={"BlockPublicAcls": True, "RestrictPublicBuckets": True},
    )
    return {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "Properties": properties}


def _iam_role(rng: random.Random, number: int) -> dict[str, Any]:
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": ["sagemaker.amazonaws.com"]},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    allowed = rng.sample(["s3:GetObject", "s3:PutObject", "ecr:BatchGetImage", "logs:PutLogEvents"], 3)
    statement = {"Effect": "Allow", "Action": allowed, "Resource": Tag("Sub", f"arn:aws:s3:::ml-{number}/*")}
    policy = {
        "PolicyName": f"access-{number}",
        "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": trust, "Policies": [policy], "Path": "/ml/"},
    }


def _lambda(rng: random.Random, number: int) -> dict[str, Any]:
    code = "import os\n\n\ndef handler(event, context):\n    return os.environ['STAGE']\n"
    properties = _maybe(
        rng,
        {
            "Handler": "index.handler",
            "Runtime": "python3.12",
            "Role": _role("lambda"),
            "Code": {"ZipFile": code},
            "Timeout": rng.choice([30, 60, 900]),
        },
        MemorySize=512,
        Environment={"Variables": {"STAGE": Tag("Ref", "Environment"), "INDEX": str(number)}},
    )
    return {"Type": "AWS::Lambda::Function", "Properties": properties}


def _notebook(rng: random.Random, number: int) -> dict[str, Any]:
    properties = _maybe(
        rng,
        {
            "NotebookInstanceName": Tag("Join", ["-", ["notebook", Tag("Ref", "Environment"), str(number)]]),
            "InstanceType": rng.choice(["ml.t3.medium", "ml.m5.xlarge", "ml.g5.xlarge"]),
            "RoleArn": _role(),
        },
        KmsKeyId=_key(rng),
        DirectInternetAccess=Tag("If", ["IsProd", "Disabled", "Enabled"]),
        RootAccess=rng.choice(["Enabled", "Disabled"]),
        SubnetId=Tag("Ref", "SubnetId"),
        SecurityGroupIds=["sg-0123456789abcdef0"],
        VolumeSizeInGB=rng.choice([20, 100]),
    )
    return {"Type": "AWS::SageMaker::NotebookInstance", "Properties": properties}


def _model(rng: random.Random, number: int) -> dict[str, Any]:
    image = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/model:" + str(number)
    container = {"Image": Tag("Sub", image), "ModelDataUrl": f"s3://ml-models/{number}/model.tar.gz"}
    properties = _maybe(
        rng,
        {"ExecutionRoleArn": _role(), "PrimaryContainer": container},
        EnableNetworkIsolation=rng.choice([True, False]),
        VpcConfig=_vpc(),
    )
    return {"Type": "AWS::SageMaker::Model", "Properties": properties}


def _endpoint_config(rng: random.Random, number: int) -> dict[str, Any]:
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": f"model-{number}",
        "InstanceType": rng.choice(["ml.m5.large", "ml.c5.xlarge", "ml.g5.xlarge"]),
        "InitialInstanceCount": Tag("If", ["IsProd", 2, 1]),
        "InitialVariantWeight": 1.0,
    }
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": Tag("Sub", "s3://ml-capture-${AWS::AccountId}/"),
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    }
    properties = _maybe(rng, {"ProductionVariants": [variant]}, KmsKeyId=_key(rng), DataCaptureConfig=capture)
    return {"Type": "AWS::SageMaker::EndpointConfig", "Properties": properties}


def _endpoint(rng: random.Random, number: int) -> dict[str, Any]:
    return {
        "Type": "AWS::SageMaker::Endpoint",
        "Properties": {"EndpointConfigName": f"config-{number}", "EndpointName": f"endpoint-{number}"},
    }


def _domain(rng: random.Random, number: int) -> dict[str, Any]:
    settings = {"ExecutionRole": _role(), "SecurityGroups": ["sg-0123456789abcdef0"]}
    properties = _maybe(
        rng,
        {
            "DomainName": f"domain-{number}",
            "AuthMode": "IAM",
            "VpcId": "vpc-0123456789abcdef0",
            "SubnetIds": [Tag("Ref", "SubnetId")],
            "DefaultUserSettings": settings,
        },
        KmsKeyId=_key(rng),
        AppNetworkAccessType=rng.choice(["VpcOnly", "PublicInternetOnly"]),
    )
    return {"Type": "AWS::SageMaker::Domain", "Properties": properties}


def _log_group(rng: random.Random, number: int) -> dict[str, Any]:
    properties = {
        "LogGroupName": Tag("Sub", f"/ml/${{AWS::StackName}}/{number}"),
        "RetentionInDays": rng.choice([30, 365]),
    }
    return {"Type": "AWS::Logs::LogGroup", "Condition": "IsProd", "Properties": properties}


_Kinds = dict[str, tuple[int, Callable[[random.Random, int], Any]]]
"""Name -> how often, and what makes one."""

_INFRASTRUCTURE: _Kinds = {
    "Bucket": (5, _bucket),
    "Role": (5, _iam_role),
    "Function": (5, _lambda),
    "LogGroup": (3, _log_group),
}
_MACHINE_LEARNING: _Kinds = {
    "Notebook": (3, _notebook),
    "Model": (3, _model),
    "EndpointConfig": (3, _endpoint_config),
    "Endpoint": (2, _endpoint),
    "Domain": (1, _domain),
}
