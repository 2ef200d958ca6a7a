"""Verdicts do not hang on how a template is written: generated templates, rewritten."""

from __future__ import annotations

import codecs
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.template.support import NOTEBOOK, Report, dump, scan

ENDPOINT = "AWS::SageMaker::EndpointConfig"
Template = dict[str, Any]

NO_VALUE = {"Ref": "AWS::NoValue"}
CONDITIONS = {
    "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
    "Many": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Count"}, "1"]}]},
    "Both": {"Fn::And": [{"Condition": "IsProd"}, {"Condition": "Many"}]},
    "Here": {"Fn::Or": [{"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-west-1"]}, {"Condition": "Both"}]},
}
names = st.sampled_from(list(CONDITIONS))


def conditional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value, or one that a condition picks."""
    return st.one_of(
        values,
        st.tuples(names, values, st.one_of(values, st.just(NO_VALUE))).map(
            lambda each: {"Fn::If": list(each)}
        ),
    )


words = conditional(
    st.sampled_from(
        [
            "Enabled",
            "Disabled",
            "",
            {"Ref": "Switch"},
            {"Fn::Sub": "${Switch}"},
            {"Fn::Join": ["", ["Dis", "abled"]]},
            {"Fn::FindInMap": ["Stages", {"Ref": "Stage"}, "Access"]},
            {"Fn::Select": [1, ["Enabled", {"Ref": "Switch"}]]},
            {"Fn::ImportValue": "access"},
        ]
    )
)
keys = conditional(
    st.sampled_from(
        [
            "alias/own",
            "alias/aws/sagemaker",
            {"Fn::GetAtt": ["Key", "Arn"]},
            {"Ref": "Open"},
            {"Fn::Sub": "arn:${AWS::Partition}:kms:${AWS::Region}:${AWS::AccountId}:alias/own"},
            {"Fn::Sub": ["alias/${Name}", {"Name": {"Ref": "Stage"}}]},
            "{{resolve:ssm:/key}}",
        ]
    )
)
counts = conditional(st.sampled_from([1, 2, "2", {"Ref": "Count"}, {"Fn::Length": ["a", "b"]}]))
groups = conditional(
    st.one_of(
        st.lists(st.sampled_from(["sg-1", {"Fn::If": ["Many", "sg-2", NO_VALUE]}]), max_size=2),
        st.sampled_from([{"Ref": "Groups"}, {"Fn::Split": [",", {"Ref": "Open"}]}]),
    )
)
notebooks = st.fixed_dictionaries(
    {},
    optional={
        "RootAccess": words,
        "DirectInternetAccess": words,
        "KmsKeyId": keys,
        "SubnetId": keys,
        "SecurityGroupIds": groups,
    },
)
variants = st.fixed_dictionaries(
    {"VariantName": st.just("a"), "ModelName": st.just("m")},
    optional={"InitialInstanceCount": counts, "ServerlessConfig": st.just({"MaxConcurrency": 1})},
)
endpoints = st.fixed_dictionaries(
    {"ProductionVariants": st.lists(conditional(variants), min_size=1, max_size=2)},
    optional={"KmsKeyId": keys},
)
resources = st.fixed_dictionaries(
    {"Type": st.just(NOTEBOOK), "Properties": notebooks}, optional={"Condition": names}
) | st.fixed_dictionaries({"Type": st.just(ENDPOINT), "Properties": endpoints}, optional={"Condition": names})
templates = st.dictionaries(st.sampled_from(["One", "Two"]), resources, min_size=1).map(
    lambda made: {
        "Parameters": {
            "Stage": {"Type": "String", "Default": "dev", "AllowedValues": ["dev", "prod"]},
            "Switch": {"Type": "String", "Default": "Disabled", "AllowedValues": ["Enabled", "Disabled"]},
            "Count": {"Type": "Number", "Default": 1, "MaxValue": 3},
            "Groups": {"Type": "CommaDelimitedList", "Default": "sg-1,sg-2"},
            "Open": {"Type": "String"},
        },
        "Mappings": {"Stages": {"dev": {"Access": "Disabled"}, "prod": {"Access": "Enabled"}}},
        "Conditions": CONDITIONS,
        "Resources": {"Key": {"Type": "AWS::KMS::Key"}, **made},
    }
)
CONTROLS = [
    option
    for control in (
        "notebook-root-access",
        "notebook-direct-internet",
        "volume-kms-key",
        "customer-managed-kms-key",
        "vpc-config",
        "endpoint-multiple-instances",
    )
    for option in ("--select", control)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rewritten")


def judge(folder: Path, text: str) -> Report:
    report = scan(folder, text, "--all", *CONTROLS)
    assert report.gaps == []
    return report


def verdicts(folder: Path, template: Template, form: str = "json") -> list[tuple[Any, ...]]:
    return sorted(judge(folder, dump(template, form)).found("control", "resource", "verdict"))


def rewrite(node: Any, change: Callable[[Any], Any]) -> Any:
    """The node with `change` done to every mapping and list in it, from the inside out."""
    if isinstance(node, dict):
        return change({key: rewrite(value, change) for key, value in node.items()})
    if isinstance(node, list):
        return change([rewrite(item, change) for item in node])
    return node


quickly = settings(max_examples=settings().max_examples // 4)
"""Each example is several whole scans."""


@quickly
@given(template=templates)
def test_in_json_and_in_yaml(folder: Path, template: Template) -> None:
    wanted = verdicts(folder, template, "json")
    assert verdicts(folder, template, "yaml") == wanted
    assert verdicts(folder, template, "short") == wanted


@quickly
@given(template=templates, source=st.randoms(use_true_random=False))
def test_with_keys_in_another_order(folder: Path, template: Template, source: random.Random) -> None:
    def shuffle(node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        pairs = list(node.items())
        source.shuffle(pairs)
        return dict(pairs)

    assert verdicts(folder, rewrite(template, shuffle)) == verdicts(folder, template)


@quickly
@given(template=templates, condition=names, source=st.randoms(use_true_random=False))
def test_with_an_if_of_equal_branches(
    folder: Path, template: Template, condition: str, source: random.Random
) -> None:
    def wrap(value: Any) -> Any:
        return {"Fn::If": [condition, value, value]} if source.random() < 0.5 else value

    def insert(node: Any) -> Any:
        if isinstance(node, dict) and not any(key.startswith(("Fn::", "Ref")) for key in node):
            return {key: wrap(value) for key, value in node.items()}
        return node

    changed = {
        name: {**resource, "Properties": wrap(rewrite(resource["Properties"], insert))}
        if "Properties" in resource
        else resource
        for name, resource in template["Resources"].items()
    }
    assert verdicts(folder, {**template, "Resources": changed}) == verdicts(folder, template)


@quickly
@given(template=templates, first=st.booleans())
def test_with_an_unrelated_resource(folder: Path, template: Template, first: bool) -> None:
    other = {"Other": {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": "alias/aws/sns"}}}
    made = template["Resources"]
    changed = {**template, "Resources": {**other, **made} if first else {**made, **other}}
    assert verdicts(folder, changed) == verdicts(folder, template)


@quickly
@given(template=templates, form=st.sampled_from(["json", "yaml", "short"]))
def test_with_other_line_ends_and_a_byte_order_mark(folder: Path, template: Template, form: str) -> None:
    def read(data: bytes) -> list[tuple[Any, ...]]:
        report = scan(folder, {"t": data}, "--all", *CONTROLS, path="t")
        return report.found(
            "control", "verdict", "resource", "path", "line", "column", "message", "fingerprint"
        )

    text = dump(template, form).encode()
    wanted = read(text)
    assert read(text.replace(b"\n", b"\r\n")) == wanted
    assert read(codecs.BOM_UTF8 + text) == wanted
    assert read(codecs.BOM_UTF16_LE + text.decode().encode("utf-16-le")) == wanted


# --- any shape ------------------------------------------------------------------------------------------

FUNCTIONS = [
    "Ref",
    "Condition",
    "Fn::GetAtt",
    "Fn::Sub",
    "Fn::Join",
    "Fn::If",
    "Fn::FindInMap",
    "Fn::Select",
    "Fn::Split",
    "Fn::Base64",
    "Fn::Length",
    "Fn::ToJsonString",
    "Fn::ImportValue",
    "Fn::GetAZs",
    "Fn::Cidr",
    "Fn::Transform",
    "Fn::And",
    "Fn::Or",
    "Fn::Not",
    "Fn::Equals",
    "Fn::Any",
    "Fn::ForEach::Loop",
    "Name",
    "Properties",
]
words_of_any_kind = st.sampled_from(
    [
        "",
        "One",
        "Stage",
        "IsProd",
        "AWS::NoValue",
        "AWS::Include",
        "${One}",
        "&{Name}",
        "t.yaml",
        "a,b",
        "{{resolve:ssm:a}}",
    ]
)
anything = st.recursive(
    st.one_of(words_of_any_kind, st.none(), st.booleans(), st.integers(-1, 2), st.floats(0, 2)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(st.sampled_from(FUNCTIONS), inner).map(lambda pair: dict([pair])),
        st.dictionaries(st.sampled_from(FUNCTIONS), inner, max_size=3),
    ),
    max_leaves=8,
)
shapeless = st.fixed_dictionaries(
    {
        "Resources": st.one_of(
            anything,
            st.fixed_dictionaries(
                {
                    "One": st.one_of(
                        anything,
                        st.fixed_dictionaries({"Type": st.just(NOTEBOOK), "Properties": anything}),
                        st.fixed_dictionaries(
                            {
                                "Type": st.just(NOTEBOOK),
                                "Properties": st.dictionaries(
                                    st.sampled_from(
                                        ["RootAccess", "KmsKeyId", "SecurityGroupIds", "Fn::Transform"]
                                    ),
                                    anything,
                                ),
                            },
                            optional={"Condition": anything, "Metadata": anything},
                        ),
                        st.fixed_dictionaries(
                            {
                                "Type": st.just("AWS::CloudFormation::Stack"),
                                "Properties": st.fixed_dictionaries(
                                    {"TemplateURL": words_of_any_kind}, optional={"Parameters": anything}
                                ),
                            }
                        ),
                    )
                },
                optional={"Fn::ForEach::Loop": anything, "Fn::Transform": anything},
            ),
        ),
    },
    optional={
        name: st.one_of(anything, st.dictionaries(st.sampled_from(["One", "Stage", "IsProd"]), anything))
        for name in ("Parameters", "Conditions", "Mappings", "Outputs", "Transform", "Fn::Transform")
    },
)


@quickly
@given(template=shapeless)
def test_a_template_of_any_shape_ends_in_a_report(folder: Path, template: Template) -> None:
    report = scan(folder, dump(template, "json"))
    assert report.code in (0, 1, 3), report.gaps
    assert sum(report.files.values()) == 2 * report.files["seen"]
