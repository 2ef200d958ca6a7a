"""Requirements against an independent oracle, the jsonschema library, and their soundness under unknowns."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from scanner.check import PLAIN
from scanner.requirement import compile_schema
from scanner.schema import plain
from scanner.value import Partial, unknown

NAMES = ["A", "B", "C"]
WORDS = ["x", "yy", "Enabled", "alias/aws/s3", "ml.g5.xlarge", "true", "2"]
NAMED: dict[str, Any] = {
    "small": {"type": "string", "maxItems": 3, "pattern": "^[a-z]"},
    "shape": {"type": "object", "required": ["A"]},
}

scalars = st.one_of(st.booleans(), st.integers(-3, 5), st.sampled_from([0.5, 2.0]), st.sampled_from(WORDS))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3),
        st.dictionaries(st.sampled_from(NAMES), inner, min_size=1, max_size=3),
    ),
    max_leaves=8,
)


def keyword_maps(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(
                ["string", "boolean", "integer", "number", "array", "object", ["string", "array"]]
            ),
            "const": scalars,
            "enum": st.lists(scalars, min_size=1, max_size=3),
            "pattern": st.sampled_from(["^E", "a", "d$", r"^ml\.(g5|p4d)\."]),
            "minLength": st.integers(0, 4),
            "minimum": st.integers(-2, 4),
            "maximum": st.integers(-2, 4),
            "minItems": st.integers(0, 3),
            "maxItems": st.integers(0, 3),
            "items": inner,
            "contains": inner,
            "properties": st.dictionaries(st.sampled_from(NAMES), inner, max_size=2),
            "required": st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True),
            "allOf": st.lists(inner, min_size=1, max_size=2),
            "anyOf": st.lists(inner, min_size=1, max_size=2),
            "not": inner,
            "$ref": st.sampled_from(sorted(NAMED)),
        },
    )


schemas = st.recursive(keyword_maps(st.just({})), keyword_maps, max_leaves=5)


def accepts(schema: dict[str, Any], value: Any) -> bool:
    document = {**plain(schema), "$defs": {name: plain(body) for name, body in NAMED.items()}}
    return bool(Draft202012Validator(document).is_valid(value))


@given(schemas, values)
def test_on_known_values_a_requirement_is_json_schema(schema: dict[str, Any], value: Any) -> None:
    miss = compile_schema(schema, NAMED)(PLAIN, value, None)
    assert miss is None or miss.certain
    assert (miss is None) == accepts(schema, value)


def hide(value: Any, draw: Any) -> Any:
    """Replace some parts of a value by unknowns."""
    if draw(st.integers(0, 3)) == 0:
        return unknown("a guess")
    if isinstance(value, dict):
        return {name: hide(child, draw) for name, child in value.items()}
    if isinstance(value, list):
        return [hide(child, draw) for child in value]
    return value


def fill(hidden: Any, draw: Any) -> Any:
    """Replace every unknown by some value that isn't empty."""
    if isinstance(hidden, Partial):
        return draw(values)
    if isinstance(hidden, dict):
        return {name: fill(child, draw) for name, child in hidden.items()}
    if isinstance(hidden, list):
        return [fill(child, draw) for child in hidden]
    return hidden


@given(schemas, values, st.data())
def test_filling_an_unknown_never_turns_a_verdict_around(
    schema: dict[str, Any], value: Any, data: Any
) -> None:
    hidden = hide(value, data.draw)
    miss = compile_schema(schema, NAMED)(PLAIN, hidden, None)
    if miss is None:
        assert accepts(schema, fill(hidden, data.draw))
    elif miss.certain:
        assert not accepts(schema, fill(hidden, data.draw))


PARTLY = Partial(("arn:aws:kms:eu-west-1:", *unknown("the account").parts, ":alias/aws/sagemaker"))
BUCKET = unknown("resource B", ("AWS::S3::Bucket", "B", "Arn"))


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"const": "Disabled"}, unknown("x"), None),
        ({"const": "Disabled"}, PARTLY, False),
        ({"enum": ["a", "b"]}, PARTLY, False),
        ({"pattern": "^arn:aws:kms:"}, PARTLY, True),
        ({"pattern": "sagemaker$"}, PARTLY, True),
        ({"pattern": "/sage[a-z]+$"}, PARTLY, True),
        ({"pattern": ":key/own$"}, PARTLY, False),
        ({"pattern": "[0-9]$"}, PARTLY, None),
        ({"pattern": r"\\d$"}, PARTLY, None),
        ({"pattern": "x9|own$"}, PARTLY, None),
        ({"pattern": "^arn:.*own$"}, Partial((*unknown("x").parts, "wn")), None),
        ({"minLength": 1}, unknown("x"), True),
        ({"minLength": 2}, unknown("x"), None),
        ({"minLength": 30}, PARTLY, True),
        ({"type": "string"}, PARTLY, True),
        ({"type": "object"}, PARTLY, False),
        ({"type": "string"}, unknown("x"), None),
        ({"minItems": 1}, unknown("x"), True),
        ({"minItems": 2}, unknown("x"), None),
        ({"required": ["A"]}, unknown("x"), None),
        ({"required": ["A"]}, {"A": unknown("x")}, True),
        ({"required": ["A"]}, {"A": ""}, False),
        ({"required": ["A"]}, {"A": [{}]}, False),
        ({"not": {"const": "a"}}, unknown("x"), None),
        ({"anyOf": [{"const": "a"}, {"minLength": 1}]}, unknown("x"), True),
        ({"is": "customer-managed-key"}, PARTLY, False),
        ({"is": "customer-managed-key"}, "alias/aws/sagemaker", False),
        ({"is": "customer-managed-key"}, "arn:aws-cn:kms:cn-north-1:111122223333:alias/aws/s3", False),
        ({"is": "customer-managed-key"}, "alias/ml", True),
        ({"is": "customer-managed-key"}, "alias/aws", True),
        ({"is": "customer-managed-key"}, "alias/", None),
        ({"is": "customer-managed-key"}, "1234abcd-12ab-34cd-56ef-1234567890ab", None),
        ({"is": "customer-managed-key"}, Partial(("alias/a", *unknown("x").parts)), None),
        ({"is": "customer-managed-key"}, Partial(("alias/aws/", *unknown("x").parts)), False),
        ({"is": "customer-managed-key"}, Partial(("alias/ml-", *unknown("x").parts)), True),
        ({"is": "customer-managed-key"}, unknown("resource K", ("AWS::KMS::Key", "K", "")), True),
        ({"is": "customer-managed-key"}, unknown("resource B", ("AWS::S3::Bucket", "B", "")), None),
        ({"is": "everyone"}, "*", True),
        ({"is": "everyone"}, unknown("x"), None),
        ({"is": "everyone"}, unknown("resource R", ("AWS::IAM::Role", "R", "Arn")), False),
        ({"is": "whole-account"}, "111122223333", True),
        ({"is": "whole-account"}, Partial(("arn:aws:iam::", *unknown("x").parts, ":root")), True),
        ({"is": "whole-account"}, Partial(("arn:aws:iam::1:", *unknown("x").parts)), None),
        ({"is": "whole-account"}, "arn:aws:iam::111122223333:role/root", False),
        ({"is": "every-resource"}, "arn:aws:s3:::*/*", True),
        ({"is": "every-resource"}, "arn:aws:s3:::own-*", False),
        ({"is": "every-resource"}, Partial(("arn:aws:s3:::", *unknown("x").parts, "/*")), None),
        ({"is": "every-resource"}, Partial(("arn:aws:s3:::own-", *unknown("x").parts)), False),
        ({"is": "every-resource"}, Partial((*unknown("x").parts, "/*")), None),
        ({"is": "all-objects"}, "arn:aws:s3:::own/*", True),
        ({"is": "all-objects"}, "arn:aws:s3:::own", False),
        ({"is": "all-objects"}, "arn:aws:s3:::own-*", True),
        ({"is": "all-objects"}, "arn:aws:s3:::*/models/*", False),
        ({"is": "all-objects"}, "arn:aws:s3:::own/*.csv", False),
        ({"is": "all-objects"}, Partial(("arn:aws:s3:::", *unknown("x").parts, "/*")), True),
        ({"is": "all-objects"}, Partial((*BUCKET.parts, "/*")), True),
        ({"is": "all-objects"}, BUCKET, False),
        ({"is": "all-objects"}, Partial((*BUCKET.parts, "/models/*")), False),
        ({"is": "all-objects"}, Partial((*BUCKET.parts, "/", *unknown("x").parts, "/*")), False),
        ({"is": "all-objects"}, Partial((*BUCKET.parts, "/", *unknown("x").parts, "*")), None),
        ({"is": "all-objects"}, Partial((*unknown("x").parts, "/*")), None),
        ({"is": "all-objects"}, unknown("x"), None),
        ({"is": "pinned-image"}, Partial((*unknown("x").parts, "/own:1.2")), False),
        ({"is": "pinned-image"}, Partial((*unknown("x").parts, "abc0")), None),
    ],
)
def test_what_the_known_part_decides(schema: dict[str, Any], value: Any, expected: bool | None) -> None:
    miss = compile_schema(schema, NAMED)(PLAIN, value, None)
    answer = True if miss is None else False if miss.certain else None
    assert answer is expected


@pytest.mark.parametrize(
    "schema",
    [
        {"minimun": 2},
        {"$ref": "nowhere"},
        {"items": {"allof": []}},
        {"properties": {"A": {"x": 1}}},
    ],
)
def test_anything_outside_the_language_is_an_error(schema: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="unknown"):
        compile_schema(schema, NAMED)
