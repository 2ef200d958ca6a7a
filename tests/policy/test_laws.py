"""What holds of every policy and request."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from scanner.policy.match import LONGEST, compile_pattern
from tests.policy.oracle import ours
from tests.policy.vectors import MANY, ONE, OPERATORS, on_condition_once, policy, random_scenarios, statement

SEEDS = st.integers(0, 2**32)
LAYERS = ("identity", "boundary", "session", "scp")


def decide(*scenarios: dict[str, Any]) -> list[str]:
    return list(ours(scenarios))


def some_scenario(seed: int) -> dict[str, Any]:
    return next(random_scenarios(1, seed))


def policies(scenario: dict[str, Any]) -> list[dict[str, Any]]:
    """Every policy document of a scenario, by reference."""
    found = list(scenario["identity"])
    for name in ("scp", "rcp"):
        found += [each for level in scenario.get(name) or () for each in level]
    return found + [
        scenario[name] for name in ("boundary", "session", "resource_policy") if scenario.get(name)
    ]


@given(SEEDS, SEEDS)
def test_one_more_deny_never_allows(seed: int, other: int) -> None:
    scenario = some_scenario(seed)
    denials = (
        [{**each, "Effect": "Deny"} for each in some_scenario(other)["identity"][0]["Statement"]]
        if some_scenario(other)["identity"]
        else [statement("Deny")]
    )
    more = {**scenario, "identity": [*scenario["identity"], policy(*denials)]}
    before, after = decide(scenario, more)
    assert after == "E" or after == before


@given(SEEDS)
def test_a_deny_of_everything_denies_in_every_layer(seed: int) -> None:
    scenario = some_scenario(seed)
    barred = policy(statement("Deny"))
    assert decide({**scenario, "identity": [barred]}, {**scenario, "boundary": barred}) == ["E", "E"]
    assert decide({**scenario, "session": barred}, {**scenario, "scp": [[barred]]}) == ["E", "E"]


@given(SEEDS, SEEDS)
def test_the_order_of_statements_and_of_policies_changes_nothing(seed: int, order: int) -> None:
    scenario = some_scenario(seed)
    shuffled = json.loads(json.dumps(scenario))
    dice = random.Random(order)
    dice.shuffle(shuffled["identity"])
    for each in policies(shuffled):
        dice.shuffle(each["Statement"])
    before, after = decide(scenario, shuffled)
    assert before == after


@given(SEEDS)
def test_without_a_policy_that_allows_nothing_is_allowed(seed: int) -> None:
    scenario = some_scenario(seed)
    for each in policies(scenario):
        each["Statement"] = [it for it in each["Statement"] if it["Effect"] == "Deny"]
    assert decide(scenario) != ["A"]


CONDITIONS = st.sampled_from(list(OPERATORS)).flatmap(
    lambda name: st.tuples(st.just(name), *(st.sampled_from(values) for values in OPERATORS[name]))
)


@given(CONDITIONS)
def test_if_exists_matters_only_where_the_key_is_absent(drawn: tuple[str, str, str | None]) -> None:
    operator, value, had = drawn
    context = {} if had is None else {ONE: had}
    plain, lenient = decide(
        on_condition_once({operator: {ONE: value}}, context),
        on_condition_once({f"{operator}IfExists": {ONE: value}}, context),
    )
    assert lenient == ("A" if had is None else plain)


@given(CONDITIONS)
def test_if_exists_is_the_operator_or_null(drawn: tuple[str, str, str | None]) -> None:
    operator, value, had = drawn
    context = {} if had is None else {ONE: had}
    either = policy(
        statement(Condition={operator: {ONE: value}}), statement(Condition={"Null": {ONE: "true"}})
    )
    scenario = on_condition_once({f"{operator}IfExists": {ONE: value}}, context)
    assert len(set(decide(scenario, {**scenario, "identity": [either]}))) == 1


@given(st.sampled_from([None, "", "x"]), st.booleans())
def test_null_of_one_kind_or_the_other_holds(had: str | None, many: bool) -> None:
    key = MANY if many else ONE
    context: dict[str, Any] = {} if had is None else {key: [had] if many else had}
    absent, present = (on_condition_once({"Null": {key: value}}, context) for value in ("true", "false"))
    assert sorted(decide(absent, present)) == ["A", "I"]


@given(CONDITIONS, CONDITIONS)
def test_conditions_are_anded(
    first: tuple[str, str, str | None], second: tuple[str, str, str | None]
) -> None:
    context = {} if first[2] is None else {ONE: first[2]}
    blocks = [{each[0]: {ONE: each[1]}} for each in (first, second)]
    if first[0] == second[0]:
        return
    one, two, both = decide(*(on_condition_once(each, context) for each in (*blocks, blocks[0] | blocks[1])))
    assert (both == "A") is (one == two == "A")


@given(st.text("ab*?", max_size=12), st.text("ab", max_size=12))
def test_patterns_match_what_their_definition_says(pattern: str, text: str) -> None:
    assert compile_pattern([(pattern, True)])(text) is reference(pattern, text)


def reference(pattern: str, text: str) -> bool:
    """The definition: a table of which beginnings match which."""
    row = [True, *[False] * len(text)]
    for character in pattern:
        if character == "*":
            row = [any(row[: index + 1]) for index in range(len(row))]
        else:
            row = [False, *(row[i] and character in ("?", text[i]) for i in range(len(text)))]
    return row[-1]


@given(st.text("*?ab", min_size=1, max_size=5))
def test_a_variable_is_taken_literally(value: str) -> None:
    condition = {"StringLike": {ONE: "${aws:PrincipalTag/v}"}}
    same = on_condition_once(condition, {ONE: value, "aws:PrincipalTag/v": value})
    other = on_condition_once(condition, {ONE: value + "x", "aws:PrincipalTag/v": value})
    assert decide(same, other) == ["A", "I"]


def test_patterns_made_to_be_slow_are_not() -> None:
    text = "a" * LONGEST
    patterns = [
        "*a" * 50_000 + "b",
        "?*" * 2_000 + "b",
        "*" + "?a" * 1_000 + "b*",
        "*" + "?" * 500_000,
        "*a?" * 1_000,
    ]
    assert [compile_pattern([(each, True)])(text) for each in patterns] == [False, False, False, False, True]
    assert decide(on_condition_once({"StringLike": {ONE: patterns}}, {ONE: text})) == ["A"]
