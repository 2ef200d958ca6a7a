"""Worlds against brute force: every assignment deployed by a small eager resolver, judged by jsonschema."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from scanner.catalog import build
from scanner.engine import Engine
from scanner.limits import Limits
from scanner.model import Control, Severity
from scanner.opening import Candidate
from scanner.schema import plain
from scanner.template.judge import Draft, Judge
from scanner.template.load import Loader
from scanner.template.overlap import can_match_both

TYPE = "AWS::SageMaker::NotebookInstance"
DELETED = object()
NOTHING: dict[str, Any] = {name: {} for name in ("values", "shapes", "types", "kinds")}
NO_CATALOG = build({"version": "", "digest": "", "controls": [], "transforms": [], **NOTHING})


def control(place: dict[str, Any]) -> Control:
    return Control("c", "t", "access", Severity.LOW, "", "", {TYPE: {"places": [place]}}, {}, {})


def judge(
    template: dict[str, Any], place: dict[str, Any], kinds: dict[str, str] | None = None
) -> list[Draft]:
    verdicts = Judge(
        Engine(NO_CATALOG), {TYPE: (control(place),)}, {TYPE: kinds or {}}, Limits(), keep_passed=True
    ).judge(Loader(frozenset(), Limits()).load(json.dumps(template), Candidate("t", "", "")))
    assert not verdicts.crashed, verdicts.gaps
    return list(verdicts.drafts.values())


# --- the reference: thirty lines that deploy a template with every input given -------------------------


def deploy(node: Any, template: dict[str, Any], given: dict[str, str]) -> Any:
    if isinstance(node, list):
        items = [deploy(item, template, given) for item in node]
        return [item for item in items if item is not DELETED]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        ((name, body),) = node.items()
        if name == "Ref":
            return DELETED if body == "AWS::NoValue" else given[body]
        if name == "Fn::If":
            return deploy(
                body[1] if holds(template["Conditions"][body[0]], template, given) else body[2],
                template,
                given,
            )
        if name == "Fn::Sub":
            for key, value in given.items():
                body = body.replace("${" + key + "}", value)
            return body
        if name == "Fn::Join":
            return body[0].join(deploy(body[1], template, given))
        if name == "Fn::FindInMap":
            return template["Mappings"][body[0]][deploy(body[1], template, given)][body[2]]
        if name == "Fn::Select":
            return deploy(body[1], template, given)[int(body[0])]
        if name == "Fn::Split":
            return deploy(body[1], template, given).split(body[0])
    made = {key: deploy(value, template, given) for key, value in node.items()}
    return {key: value for key, value in made.items() if value is not DELETED}


def holds(condition: Any, template: dict[str, Any], given: dict[str, str]) -> bool:
    ((name, body),) = condition.items()
    if name == "Condition":
        return holds(template["Conditions"][body], template, given)
    if name == "Fn::Equals":
        return bool(deploy(body[0], template, given) == deploy(body[1], template, given))
    answers = [holds(each, template, given) for each in body]
    return {"Fn::Not": not answers[0], "Fn::And": all(answers), "Fn::Or": any(answers)}[name]


def strip(value: Any) -> Any:
    """Take out what counts as absent; None when nothing is left."""
    if isinstance(value, dict):
        kept = {key: strip(child) for key, child in value.items()}
        return {key: child for key, child in kept.items() if child is not None} or None
    if isinstance(value, list):
        return [child for child in map(strip, value) if child is not None] or None
    return None if value in ("", None) else value


def outcome(template: dict[str, Any], place: dict[str, Any], given: dict[str, str]) -> str:
    resource = template["Resources"]["R"]
    if "Condition" in resource and not holds(template["Conditions"][resource["Condition"]], template, given):
        return "not applicable"
    properties = strip(deploy(resource["Properties"], template, given)) or {}

    def matches(lines: dict[str, Any]) -> bool:
        return any(name in properties and accepts(schema, properties[name]) for name, schema in lines.items())

    if ("when" in place and not matches(place["when"])) or ("unless" in place and matches(place["unless"])):
        return "not applicable"
    good = all(
        name in properties and accepts(schema, properties[name]) for name, schema in place["requires"].items()
    )
    return "pass" if good else "fail"


def accepts(schema: dict[str, Any], value: Any) -> bool:
    return bool(Draft202012Validator(plain(schema)).is_valid(value))


def assignments(template: dict[str, Any], *, as_written: bool) -> Iterator[dict[str, str]]:
    options = []
    for body in template["Parameters"].values():
        fixed = as_written and "Default" in body
        options.append([body["Default"]] if fixed else body["AllowedValues"])
    for picked in itertools.product(*options):
        yield dict(zip(template["Parameters"], picked, strict=True))


def expected(template: dict[str, Any], place: dict[str, Any]) -> str | None:
    written = {outcome(template, place, given) for given in assignments(template, as_written=True)}
    possible = {outcome(template, place, given) for given in assignments(template, as_written=False)}
    if possible == {"not applicable"}:
        return None
    if written == {"fail"}:
        return "fail"
    return "pass" if "fail" not in possible else "unknown"


# --- templates ------------------------------------------------------------------------------------------

PARAMETERS = ["P", "Q", "S"]
CONDITIONS = ["C", "D", "E"]
WORDS = ["", "a", "b", "a,b"]


@st.composite
def parameters(draw: st.DrawFn) -> dict[str, Any]:
    allowed = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3, unique=True))
    body: dict[str, Any] = {"Type": "String", "AllowedValues": allowed}
    if draw(st.booleans()):
        body["Default"] = draw(st.sampled_from(allowed))
    return body


texts = st.one_of(
    st.sampled_from(WORDS),
    st.sampled_from(PARAMETERS).map(lambda name: {"Ref": name}),
    st.sampled_from(PARAMETERS).map(lambda name: {"Fn::Sub": f"${{{name}}}-b"}),
    st.sampled_from(PARAMETERS).map(lambda name: {"Fn::FindInMap": ["M", {"Ref": name}, "K"]}),
    st.tuples(st.sampled_from(PARAMETERS), st.sampled_from(PARAMETERS)).map(
        lambda names: {"Fn::Join": ["", [{"Ref": names[0]}, {"Ref": names[1]}]]}
    ),
    st.sampled_from(PARAMETERS).map(lambda name: {"Fn::Select": ["0", {"Fn::Split": [",", {"Ref": name}]}]}),
)
conditions = st.recursive(
    st.one_of(
        st.tuples(texts, texts).map(lambda pair: {"Fn::Equals": list(pair)}),
        st.sampled_from(CONDITIONS[:1]).map(lambda name: {"Condition": name}),
    ),
    lambda inner: st.one_of(
        inner.map(lambda each: {"Fn::Not": [each]}),
        st.lists(inner, min_size=2, max_size=3).map(lambda each: {"Fn::And": each}),
        st.lists(inner, min_size=2, max_size=3).map(lambda each: {"Fn::Or": each}),
    ),
    max_leaves=3,
)
nodes = st.recursive(
    st.one_of(texts, st.just({"Ref": "AWS::NoValue"})),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(CONDITIONS), inner, inner).map(lambda each: {"Fn::If": list(each)}),
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["X", "Y"]), inner, max_size=2),
    ),
    max_leaves=4,
)
schemas = st.sampled_from(
    [
        {},
        {"const": "a"},
        {"enum": ["a", "b"]},
        {"pattern": "b"},
        {"type": "string"},
        {"minItems": 2},
        {"contains": {"const": "a"}},
        {"required": ["X"]},
        {"not": {"const": "a"}},
        {"anyOf": [{"const": "a"}, {"type": "array"}]},
    ]
)
lines = st.dictionaries(st.sampled_from(["A", "B"]), schemas, min_size=1, max_size=2)
places = st.fixed_dictionaries({"requires": lines}, optional={"when": lines, "unless": lines})


@st.composite
def templates(draw: st.DrawFn) -> dict[str, Any]:
    first = draw(st.tuples(texts, texts).map(lambda pair: {"Fn::Equals": list(pair)}))
    resource: dict[str, Any] = {
        "Type": TYPE,
        "Properties": draw(st.dictionaries(st.sampled_from(["A", "B"]), nodes)),
    }
    if draw(st.booleans()):
        resource["Condition"] = draw(st.sampled_from(CONDITIONS))
    return {
        "Parameters": {name: draw(parameters()) for name in PARAMETERS},
        "Mappings": {"M": {word: {"K": draw(st.sampled_from(WORDS))} for word in WORDS}},
        "Conditions": {"C": first, "D": draw(conditions), "E": draw(conditions)},
        "Resources": {"R": resource},
    }


@given(templates(), places)
def test_the_verdict_is_that_of_every_assignment_deployed(
    template: dict[str, Any], place: dict[str, Any]
) -> None:
    wanted = expected(template, place)
    found = [draft.verdict.value for draft in judge(template, place)]
    assert found == ([] if wanted is None else [wanted])


@given(templates(), places, st.sampled_from(PARAMETERS))
def test_what_any_value_may_stand_for_is_never_settled_wrongly(
    template: dict[str, Any], place: dict[str, Any], opened: str
) -> None:
    """A parameter without AllowedValues may be anything: PASS and FAIL must still hold for what it may be."""
    assume(template["Parameters"][opened]["AllowedValues"] != [""])
    bounded = json.loads(json.dumps(template))
    del template["Parameters"][opened]["AllowedValues"]
    default = template["Parameters"][opened].get("Default")
    bounded["Parameters"][opened]["AllowedValues"] = [word for word in WORDS if word or default == ""]
    wanted = expected(bounded, place)
    for draft in judge(template, place):
        if draft.verdict.value == "pass":
            assert wanted in ("pass", None)
        if draft.verdict.value == "fail":
            assert wanted == "fail"


# --- the words ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameter", "value", "place", "verdict", "message"),
    [
        (
            {"AllowedValues": ["Enabled", "Disabled"], "Default": "Enabled"},
            {"Ref": "P"},
            {"requires": {"A": {"const": "Disabled"}}},
            "fail",
            "A must be 'Disabled'; passes when P is 'Disabled'",
        ),
        (
            {"AllowedValues": ["Enabled", "Disabled"], "Default": "Disabled"},
            {"Ref": "P"},
            {"requires": {"A": {"const": "Disabled"}}},
            "unknown",
            "A must be 'Disabled'; fails when P is 'Enabled'",
        ),
        (
            {"Default": "Disabled"},
            {"Ref": "P"},
            {"requires": {"A": {"const": "Disabled"}}},
            "unknown",
            "A must be 'Disabled'; fails when P is not 'Disabled'",
        ),
        ({}, {"Ref": "P"}, {"requires": {"A": {}}}, "pass", ""),
        (
            {"Default": ""},
            {"Ref": "P"},
            {"requires": {"A": {}}},
            "fail",
            "A is missing; passes when P is given",
        ),
        (
            {"AllowedValues": ["", "a"]},
            {"Ref": "P"},
            {"requires": {"A": {}}},
            "unknown",
            "A is missing; fails when P is empty",
        ),
        (
            {"Type": "Number", "Default": 1},
            {"Ref": "P"},
            {"when": {"A": {"minimum": 2}}, "requires": {"B": {}}},
            "unknown",
            "B is missing; fails when P > 1",
        ),
        (
            {"Type": "Number", "Default": 1, "MaxValue": 1},
            {"Ref": "P"},
            {"when": {"A": {"minimum": 2}}, "requires": {"B": {}}},
            None,
            None,
        ),
        (
            {"Type": "Number", "MinValue": 2},
            {"Ref": "P"},
            {"requires": {"A": {"minimum": 2}}},
            "pass",
            "",
        ),
        (
            {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "Disabled"},
            {"Ref": "P"},
            {"requires": {"A": {"const": "Disabled"}}},
            "unknown",
            "A comes from SSM parameter P, which is not known here",
        ),
        (
            {"Type": "AWS::SSM::Parameter::Value<String>", "Default": ""},
            {"Ref": "P"},
            {"requires": {"A": {}}},
            "pass",
            "",
        ),
        ({"MinLength": 1}, {"Fn::If": ["Given", "x", ""]}, {"requires": {"A": {}}}, "pass", ""),
        (
            {},
            {"Fn::If": ["Given", "x", ""]},
            {"requires": {"A": {}}},
            "unknown",
            "A is missing; fails when Given is false",
        ),
        (
            {"AllowedPattern": "arn:.+"},
            {"Fn::If": ["Given", "x", ""]},
            {"requires": {"A": {}}},
            "pass",
            "",
        ),
    ],
)
def test_what_decides_is_said(
    parameter: dict[str, Any], value: Any, place: dict[str, Any], verdict: str | None, message: str | None
) -> None:
    template = {
        "Parameters": {"P": {"Type": "String", **parameter}},
        "Conditions": {"Given": {"Fn::Not": [{"Fn::Equals": [{"Ref": "P"}, ""]}]}},
        "Resources": {"R": {"Type": TYPE, "Properties": {"A": value}}},
    }
    drafts = judge(template, place, {"A": "i"} if parameter.get("Type") == "Number" else None)
    assert [(draft.verdict.value, draft.message) for draft in drafts] == (
        [] if verdict is None else [(verdict, message)]
    )


def test_more_worlds_than_the_limit_are_unknown_and_said_so() -> None:
    names = [f"P{number}" for number in range(13)]
    template = {
        "Parameters": {name: {"Type": "String", "AllowedValues": ["a", "b"]} for name in names},
        "Resources": {
            "R": {
                "Type": TYPE,
                "Properties": {"A": {"Fn::Join": ["", [{"Ref": name} for name in names]]}},
            }
        },
    }
    (draft,) = judge(template, {"requires": {"A": {"const": "a" * 13}}})
    assert draft.verdict.value == "unknown"
    assert draft.message == "there are more than 4096 combinations of parameters and conditions at this place"


def test_conditions_that_nothing_asks_for_are_not_varied() -> None:
    """Twenty-four conditions on twenty-four properties are looked at one by one, not 2^24 times."""
    names = [f"P{number}" for number in range(24)]
    template = {
        "Parameters": {name: {"Type": "String"} for name in names},
        "Conditions": {f"C{name}": {"Fn::Equals": [{"Ref": name}, "yes"]} for name in names},
        "Resources": {
            "R": {
                "Type": TYPE,
                "Properties": {
                    name: {"Fn::If": [f"C{name}", "x", {"Ref": "AWS::NoValue"}]} for name in names
                },
            }
        },
    }
    drafts = judge(template, {"requires": {"P3": {}}})
    assert [draft.message for draft in drafts] == ["P3 is missing; fails when CP3 is false"]


def test_a_circle_of_conditions_is_judged_both_ways() -> None:
    template = {
        "Conditions": {"A": {"Fn::Not": [{"Condition": "B"}]}, "B": {"Condition": "A"}},
        "Resources": {
            "R": {"Type": TYPE, "Properties": {"A": {"Fn::If": ["A", "x", {"Ref": "AWS::NoValue"}]}}}
        },
    }
    drafts = judge(template, {"requires": {"A": {}}})
    assert [draft.message for draft in drafts] == ["A is missing; fails when A is false"]


# --- conditions in words ----------------------------------------------------------------------------------


def reads_true(fact: str, template: dict[str, Any], given: dict[str, str]) -> bool:
    """Is one part of a printed condition true of an assignment?"""
    name, _, phrase = fact.partition(" is ")
    if name in template["Conditions"]:
        return holds(template["Conditions"][name], template, given) == (phrase == "true")
    value = given[name]
    if phrase == "given":
        return bool(value)
    negated = phrase.startswith("not ")
    listed = phrase.removeprefix("not ").split(" or ")
    return (("'" + value + "'" in listed) or (value == "" and listed == ["empty"])) != negated


@given(templates(), places)
def test_every_world_that_a_printed_condition_speaks_of_has_that_verdict(
    template: dict[str, Any], place: dict[str, Any]
) -> None:
    for draft in judge(template, place):
        if draft.condition is None:
            continue
        verdict, _, condition = draft.condition.partition(" when ")
        spoken_of = [
            assignment
            for assignment in assignments(template, as_written=False)
            if all(reads_true(fact, template, assignment) for fact in condition.split(" and "))
        ]
        assert spoken_of
        for assignment in spoken_of:
            assert outcome(template, place, assignment) == {"passes": "pass", "fails": "fail"}[verdict]


# --- what an AllowedPattern leaves to a question ----------------------------------------------------------

SPELLED = ["".join(letters) for size in range(6) for letters in itertools.product("abc", repeat=size)]
PATTERNS = st.recursive(
    st.sampled_from(["a", "b", "[ab]", "[^a]", "."]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{0,2}", "{2}", "{1,}"])).map(
            lambda it: f"({it[0]}){it[1]}"
        ),
    ),
    max_leaves=5,
)


@given(PATTERNS, PATTERNS, st.sampled_from(["", "^"]), st.sampled_from(["", "$"]))
def test_a_question_is_closed_only_if_no_allowed_text_matches(
    allowed: str, asked: str, start: str, end: str
) -> None:
    question = f"{start}({asked}){end}"
    if any(re.fullmatch(allowed, word) and re.search(question, word) for word in SPELLED):
        assert can_match_both(f"^{allowed}$", question)


@pytest.mark.parametrize(
    ("allowed", "asked", "both"),
    [
        (r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/(1[6-9]|2[0-8])$", r"/0+$|^(0|128)(\.[0-9]+){3}/1$", False),
        ("^[A-Za-z0-9-]{0,63}$", "^https?://(?!git-codecommit[.])", False),
        ("^[a-z:/.]+$", "^https?://(?!git-codecommit[.])", True),
        ("^[0-9./]+$", "/0+$", True),
        ("(ab|c)*", "cb", False),
        ("a{2,3}", "^aaaa$", False),
        # What is not worked out may be.
        (r"^(?=b)a$", "b", True),
        (r"^a\b$", "b", True),
        ("^a+?$", "b", True),
        ("^a(b$)$", "c", True),
        ("^a$b$", "c", True),
        ("^(a", "b", True),
        ("^a)", "b", True),
        ("^é$", "b", True),
        ("^[a[b]$", "c", True),
        ("^a{900}$", "b", True),
        ("^(a*b*){90}$", "^((a|b)*(c|a)*){90}d", True),
    ],
)
def test_what_two_patterns_leave(allowed: str, asked: str, both: bool) -> None:
    assert can_match_both(allowed, asked) is both
