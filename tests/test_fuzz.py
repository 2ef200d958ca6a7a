"""Templates broken at random: no crash, every count closes, and no violation is lost without a word."""

from __future__ import annotations

import json
import random
from datetime import date
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner import catalog
from scanner.limits import Limits
from scanner.model import Finding, Gap, Verdict
from scanner.opening import Candidate
from scanner.report import SCAN_FORMATS, Run, renderer
from scanner.scan import Plan, Scan
from tests.hostile.case import BAD, KIND, YAML

BUSY = f"""\
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::LanguageExtensions
Parameters:
  Env: {{Type: String, AllowedValues: [dev, prod], Default: dev}}
  Access: {{Type: String, AllowedPattern: '[A-Z][a-z]+'}}
  Key: {{Type: 'AWS::SSM::Parameter::Value<String>', Default: /key}}
  Subnets: {{Type: CommaDelimitedList, Default: ''}}
Mappings:
  ByEnv:
    dev: {{Root: Enabled, Size: '1'}}
    prod: {{Root: Disabled, Size: '2'}}
Conditions:
  IsProd: !Equals [!Ref Env, prod]
  HasSubnets: !Not [!Equals [!Join ['', !Ref Subnets], '']]
  Both: !And [!Condition IsProd, Condition: HasSubnets]
Resources:
{BAD}\
  Model: &model
    Type: AWS::SageMaker::Model
    Condition: IsProd
    Metadata:
      smguard:
        waivers:
          - {{control: network-isolation, reason: mirrored, expires: '2999-12-31'}}
    Properties:
      EnableNetworkIsolation: !If [IsProd, true, !Ref AWS::NoValue]
      VpcConfig:
        Subnets: !If [HasSubnets, !Ref Subnets, !Split [',', !ImportValue subnets]]
        SecurityGroupIds: [!GetAtt Group.GroupId, !Select [0, [a, b]]]
  Copy:
    <<: *model
    Condition: Both
  Config:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      KmsKeyId: !Sub 'arn:${{AWS::Partition}}:kms:${{AWS::Region}}:${{AWS::AccountId}}:alias/aws/${{Env}}'
      ProductionVariants:
        - {{InstanceType: ml.m5.large, InitialInstanceCount: !FindInMap [ByEnv, !Ref Env, Size]}}
        - Fn::If: [Both, {{InstanceType: !Sub ['ml.${{x}}.large', {{x: m5}}]}}, !Ref AWS::NoValue]
  Endpoint: {{Type: 'AWS::SageMaker::Endpoint', Properties: {{EndpointConfigName: !GetAtt Config.Name}}}}
  Fn::ForEach::Books:
    - Book
    - [One, Two]
    - Notebook${{Book}}:
        Type: {KIND}
        Properties:
          DirectInternetAccess: !Ref Access
          RootAccess: !FindInMap [ByEnv, !Ref Env, Root]
          KmsKeyId: !Ref Key
  Stack: {{Type: 'AWS::CloudFormation::Stack', Properties: {{TemplateURL: child.yaml}}}}
Outputs:
  Name: {{Value: !Ref Bad}}
"""
FUNCTIONS = (
    "Ref", "Fn::If", "Fn::Sub", "Fn::Join", "Fn::FindInMap", "Fn::Select", "Fn::Split", "Fn::GetAtt",
    "Fn::Base64", "Fn::Length", "Fn::ToJsonString", "Fn::Equals", "Fn::Not", "Fn::And", "Fn::Or", "Condition",
    "Fn::ImportValue", "Fn::Transform", "Fn::ForEach::X", "Fn::GetAZs", "Fn::Cidr", "Fn::Contains",
)  # fmt: skip
SCALARS = (
    "", "x", ",", "${Env}${", "${!x}", "Enabled", "Disabled", "Env", "Access", "Key", "Subnets", "IsProd",
    "Both", "Bad", "AWS::NoValue", "AWS::Region", "ByEnv", "dev", "Root", "{{resolve:ssm:x}}", "Config.Name",
    "é\u202e",
    "-1", "1e999", 0, 1, -1, 1.5, float("nan"), float("inf"), True, False, None, 10**30,
)  # fmt: skip
SNIPPETS = (
    b"\t", b"\0", b"\xff", b": ", b"- ", b"{", b"}", b"[", b"]", b"'", b'"', b"&a ", b"*a", b"*model",
    b"!Foo ",
    b"!Ref ", b"<<: ", b"!!python/none ", b"%", b"@", b"#", b"|", b">", b"? ", b"\r", b"\xe2\x80\xa8",
    b"---\n",
    b"...\n", b"{{ x }}", b"{% if x %}", b"\\", b"!If [IsProd, ", b"Fn::ForEach::", b"AWS::", b"\xef\xbb\xbf",
    b"!!set ",
)  # fmt: skip


def node(rng: random.Random, depth: int = 0) -> Any:
    """Any value, functions and their misuse above all."""
    pick = rng.random()
    if depth > 5 or pick < 0.35:
        return rng.choice(SCALARS)
    if pick < 0.75:
        return {rng.choice(FUNCTIONS): node(rng, depth + 1)}
    if pick < 0.9:
        return [node(rng, depth + 1) for _ in range(rng.randrange(5))]
    return {str(rng.choice(SCALARS)): node(rng, depth + 1) for _ in range(rng.randrange(4))}


def break_value(rng: random.Random, root: Any) -> None:
    """Replace, remove, rename or double something in a tree."""
    places: list[tuple[Any, Any]] = []
    pending = [root]
    while pending:
        container = pending.pop()
        for key in list(container) if isinstance(container, dict) else range(len(container)):
            places.append((container, key))
            if isinstance(container[key], dict | list):
                pending.append(container[key])
    container, key = rng.choice(places)
    other, there = rng.choice(places)
    what = rng.randrange(5)
    if what == 0:
        del container[key]
    elif what == 1 and isinstance(container, dict):
        container[str(rng.choice([*FUNCTIONS, *SCALARS]))] = container.pop(key)
    elif what == 2:
        container[key] = json.loads(json.dumps(other[there]))
    else:
        container[key] = node(rng)


def break_text(rng: random.Random, data: bytearray) -> bytearray:
    """Flip, cut, insert, or move lines."""
    at = rng.randrange(len(data) + 1)
    what = rng.randrange(7)
    lines = data.split(b"\n")
    line = rng.randrange(len(lines))
    if what == 0 and at < len(data):
        data[at] ^= 1 << rng.randrange(8)
    elif what == 1 and rng.random() < 0.3:
        del data[at:]
    elif what == 2:
        del data[at : at + rng.randrange(1, 20)]
    elif what == 3:
        data[at:at] = rng.choice(SNIPPETS)
    else:
        if what == 4:
            del lines[line]
        elif what == 5:
            lines.insert(rng.randrange(len(lines)), lines[line])
        else:
            lines[line] = b" " * rng.randrange(4) + lines[line].lstrip(b" " if rng.random() < 0.5 else b"")
        data = bytearray(b"\n".join(lines))
    return data


class Plain(yaml.CSafeLoader):
    """Another reader: what it reads differently is no proof of anything."""


def long_form(loader: Plain, suffix: str, raw: yaml.Node) -> Any:
    read = {
        "scalar": loader.construct_scalar,
        "sequence": lambda each: loader.construct_sequence(each, deep=True),
    }
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    return {name: read.get(raw.id, lambda each: loader.construct_mapping(each, deep=True))(raw)}


def pairs(loader: Plain, raw: yaml.MappingNode) -> Any:
    keys = [str(key.value) for key, _ in raw.value]
    if len(set(keys)) != len(keys):
        raise yaml.constructor.ConstructorError(None, None, "twice", raw.start_mark)
    loader.flatten_mapping(raw)
    return loader.construct_mapping(raw, deep=True)


Plain.add_multi_constructor("!", long_form)
Plain.add_constructor("tag:yaml.org,2002:map", pairs)
VIOLATION = yaml.load(YAML, Plain)["Resources"]["Bad"]
TREE = yaml.load(BUSY, Plain)


def broken(seed: int) -> bytes:
    """A template with one to six things wrong, the same for the same seed."""
    rng = random.Random(seed)
    times = 1 + rng.randrange(6)
    if rng.random() < 0.5:
        tree = json.loads(json.dumps(TREE, default=str))
        for _ in range(times):
            break_value(rng, tree)
        if rng.random() < 0.5:
            return json.dumps(tree, indent=rng.choice([None, 1])).encode()
        return yaml.safe_dump(tree, allow_unicode=True, sort_keys=rng.random() < 0.3).encode()
    data = bytearray(rng.choice([BUSY, YAML, json.dumps(TREE, default=str)]).encode())
    for _ in range(times):
        data = break_text(rng, data)
    return bytes(data)


def still_violates(data: bytes) -> bool:
    """Whether another reader finds the same violating resource, in a template that is one."""
    try:
        root = yaml.load(data, Plain)
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError):
        return False
    if not isinstance(root, dict) or not isinstance(root.get("Resources"), dict):
        return False
    return bool(root["Resources"].get("Bad") == VIOLATION)


CATALOG = catalog.load()
PLAN = Plan(CATALOG, CATALOG.controls, Limits(), {})


def check(data: bytes) -> None:
    """Scan and report; raises AssertionError where a promise is broken."""
    entry = Candidate("t", "", "/nowhere", given=data)
    scan = Scan(PLAN, [entry], date(2026, 11, 21))
    events = list(scan.events())
    assert not scan.crashed, events
    summary = scan.summary
    assert summary.seen == 1 == summary.judged + summary.partial + summary.unread + summary.skipped
    found = [event for event in events if isinstance(event, Finding)]
    lost = [event for event in events if isinstance(event, Gap)]
    assert summary.gaps == len(lost)
    assert summary.complete is not bool(lost)
    assert summary.fail + summary.unknown + summary.waived == len(found)
    assert all(finding.location.line and finding.location.column for finding in found), found
    failing = {
        each.control.id for each in found if each.resource.name == "Bad" and each.verdict is Verdict.FAIL
    }
    if still_violates(data):
        assert lost or {"notebook-direct-internet", "volume-kms-key"} <= failing, (failing, data)
    for name in SCAN_FORMATS:
        run = Run("scan", "0", "0", False, 80, False, iter(events), lambda: summary)
        text = "".join(renderer(name)(run))
        assert all(line.isprintable() for line in text.split("\r\n" if name == "csv" else "\n"))


def test_the_whole_template_is_judged() -> None:
    check(BUSY.encode())
    assert still_violates(BUSY.encode())


@settings(max_examples=2 * settings().max_examples, derandomize=True)
@given(st.integers(0, 2**48))
def test_broken_templates(seed: int) -> None:
    check(broken(seed))


@settings(derandomize=True)
@given(st.binary(max_size=300), st.integers(0, len(BUSY)))
def test_any_bytes_within(noise: bytes, at: int) -> None:
    data = BUSY.encode()
    check(data[:at] + noise + data[at:])
