"""The evaluator against a second opinion, kept as a letter per scenario; `make oracle` asks it anew."""

from __future__ import annotations

import json
from collections import defaultdict

import pytest

from tests.policy.oracle import EXPECTED, KEPT, disputed, disputes, ours
from tests.policy.vectors import random_scenarios, scenarios

OPINIONS = json.loads(EXPECTED.read_text(encoding="utf-8"))


def test_the_systematic_scenarios_are_decided_as_the_oracle_does_or_as_a_dispute_says() -> None:
    named = list(scenarios())
    opinions: defaultdict[str, str] = defaultdict(str, OPINIONS)
    theirs = "".join(
        opinions[family] for family in dict.fromkeys(name.partition("/")[0] for name, _ in named)
    )
    decisions = list(ours(each for _, each in named))
    assert len(named) == len(theirs) == len(decisions) >= 1_800
    used = set()
    for (name, _), mine, other in zip(named, decisions, theirs, strict=True):
        if mine != other:
            explained = disputed(name, mine)
            assert explained, f"{name}: {mine}, and the oracle says {other}"
            used.add(explained["why"])
    assert used == {each["why"] for each in disputes()}, "a dispute explains nothing"


@pytest.mark.no_cover  # the cases of the oracle cover as much
def test_random_scenarios_are_decided_as_the_oracle_does() -> None:
    listed = list(random_scenarios(KEPT))
    decisions = "".join(ours(listed))
    assert set(decisions) == set("AEI")
    wrong = [
        index
        for index, pair in enumerate(zip(decisions, OPINIONS["random"], strict=True))
        if len(set(pair)) > 1
    ]
    assert wrong == []


@pytest.mark.parametrize("dispute", disputes(), ids=lambda each: each["vectors"][0])
def test_every_dispute_has_a_reason_and_a_source(dispute: dict[str, object]) -> None:
    assert set(dispute) == {"vectors", "ours", "why", "source"}
    assert all(dispute.values())
