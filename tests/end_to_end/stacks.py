"""The example environment as stacks: its templates resolved, in moto and in the fake SageMaker.

Made by calls of boto3: moto's own CloudFormation fails at `Fn::GetAtt DataKey.Arn` and leaves out half of
what groups, keys and buckets are told.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.request import Request, urlopen

import boto3

from scanner import catalog
from scanner.kind import coerce, kind_below
from tests.end_to_end.making import MAKERS, Made, make
from tests.fake_aws import Fake
from tests.fake_aws.fake import ACCOUNT, REGION, access_key

PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}
KINDS = catalog.property_kinds()["kinds"]


class LaterError(Exception):
    """What is referred to isn't made yet."""


class Cloud:
    """moto and the fake as one account, and what was deployed there."""

    def __init__(self, fake: Fake, moto: str) -> None:
        self.fake, self.moto = fake, moto
        self.exports: dict[str, Any] = {}
        self.outputs: dict[str, Any] = {}
        self.names: dict[tuple[str, str], str] = {}
        """Type and name of what was made -> its logical id."""
        self.credentials = {
            "aws_access_key_id": access_key(ACCOUNT),
            "aws_secret_access_key": "secret-of-nobody",
            "region_name": REGION,
        }
        self._clients: dict[str, Any] = {}

    @cached_property
    def environment(self) -> dict[str, str]:
        """What leads boto3 here: to moto for what it made, to the fake for the rest."""
        services = {kind.split("::")[1].upper() for kind in MAKERS}
        return {
            **self.fake.environment(ACCOUNT, REGION),
            **{f"AWS_ENDPOINT_URL_{name}": self.moto for name in services},
        }

    def client(self, service: str) -> Any:
        """A client of moto."""
        if service not in self._clients:
            self._clients[service] = boto3.client(service, endpoint_url=self.moto, **self.credentials)
        return self._clients[service]

    def clear(self) -> None:
        """Take away what this process had moto keep before, and the default VPC, which no template makes."""
        urlopen(Request(f"{self.moto}/moto-api/reset", method="POST")).close()
        ec2 = self.client("ec2")
        for vpc in ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]:
            of = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
            for subnet in ec2.describe_subnets(Filters=of)["Subnets"]:
                ec2.delete_subnet(SubnetId=subnet["SubnetId"])
            ec2.delete_vpc(VpcId=vpc["VpcId"])

    def deploy(self, stack: str, given: Any, parameters: Mapping[str, str]) -> None:
        """Make what a template says, each resource once all that it refers to is there."""
        declared = given.get("Parameters", {})
        own = {**PSEUDO, **{name: it["Default"] for name, it in declared.items() if "Default" in it}}
        own |= {name: parameters[name] for name in declared if name in parameters}
        made: dict[str, Made] = {}
        for name, condition in given.get("Conditions", {}).items():
            own[f"Condition {name}"] = self.resolve(condition, own, made)
        waiting = {
            name: it
            for name, it in given["Resources"].items()
            if "Condition" not in it or own[f"Condition {it['Condition']}"]
        }
        while waiting:
            before = len(waiting)
            for name, it in list(waiting.items()):
                try:
                    if it.get("DependsOn", name) in waiting.keys() - {name}:
                        continue
                    properties = self.resolve(it.get("Properties", {}), own, made)
                except LaterError:
                    continue
                made[name] = self.make(it["Type"], name, properties)
                del waiting[name]
            assert len(waiting) < before, f"{stack}: {', '.join(waiting)} can't be made"
        for name, it in made.items():
            self.names[given["Resources"][name]["Type"], it.ref.rpartition("/")[2]] = name
        for name, output in given.get("Outputs", {}).items():
            self.outputs[name] = value = self.resolve(output["Value"], own, made)
            if "Export" in output:
                self.exports[self.resolve(output["Export"]["Name"], own, made)] = value

    def make(self, kind: str, name: str, properties: dict[str, Any]) -> Made:
        """One resource."""
        if not kind.startswith("AWS::SageMaker::"):
            return make(self.client, kind, name, properties)
        noun = kind.rpartition("::")[2]
        values = typed(properties, KINDS.get(kind))
        if noun == "NotebookInstanceLifecycleConfig":
            values.pop("Tags")  # which the service takes since lately, and no control looks at
        if noun == "Pipeline":
            values["PipelineDefinition"] = values["PipelineDefinition"]["PipelineDefinitionBody"]
        record = self.fake.create(noun, values, account=ACCOUNT, region=REGION)
        names = (f"{noun}Name", f"{noun}Arn", "JobDefinitionName", "Arn")
        told = {each: record.arn if each.endswith("Arn") else record.name for each in names}
        return Made(record.values["DomainId"] if noun == "Domain" else record.name, told)

    def resolve(self, value: Any, own: Mapping[str, Any], made: Mapping[str, Made]) -> Any:
        """A value without functions; LaterError if something that it refers to isn't there yet."""

        def each(it: Any) -> Any:
            return self.resolve(it, own, made)

        def put(name: str, local: Mapping[str, Any]) -> Any:
            whole, _, attribute = name.partition(".")
            if whole in made:
                return made[whole].attributes[attribute] if attribute else made[whole].ref
            if name not in local and name not in own:
                raise LaterError(name)
            return local[name] if name in local else own[name]

        match value:
            case {"Ref": "AWS::NoValue"}:
                return None
            case {"Ref": name}:
                return put(name, {})
            case {"Fn::GetAtt": [name, attribute]}:
                return put(f"{name}.{attribute}", {})
            case {"Fn::ImportValue": name}:
                return self.exports[each(name)]
            case {"Fn::Base64": text}:
                return base64.b64encode(each(text).encode()).decode()
            case {"Fn::Sub": [text, local]}:
                local = each(local)
                found = re.sub(r"\$\{([^!}]+)\}", lambda name: str(put(name[1], local)), text)
                return found.replace("${!", "${")
            case {"Fn::Sub": text}:
                return each({"Fn::Sub": [text, {}]})
            case {"Fn::GetAZs": _}:
                return [f"{REGION}{letter}" for letter in "abc"]
            case {"Fn::Select": [number, listed]}:
                return each(listed)[int(number)]
            case {"Fn::Join": [between, listed]}:
                return between.join(each(listed))
            case {"Fn::Equals": [left, right]}:
                return each(left) == each(right)
            case {"Fn::Not": [it]}:
                return not each(it)
            case {"Fn::If": [condition, yes, no]}:
                return each(yes if own[f"Condition {condition}"] else no)
            case dict():
                resolved = {key: each(it) for key, it in value.items()}
                return {key: it for key, it in resolved.items() if it is not None}
            case list():
                return [it for it in map(each, value) if it is not None]
        return value


def typed(node: Any, kind: Any) -> Any:
    """Properties in the types that the API takes."""
    if isinstance(node, dict):
        return {key: typed(it, kind_below(kind, key)) for key, it in node.items()}
    if isinstance(node, list):
        return [typed(it, kind[0] if isinstance(kind, list) and kind else None) for it in node]
    return coerce(node, kind)
