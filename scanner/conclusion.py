"""What all worlds together say of one place: the verdict, and in words what decides it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from scanner.model import Verdict
from scanner.path import Origin
from scanner.place import Outcome, Place
from scanner.world import World

_WORLDS_WORDED = 16
_FACTS_WORDED = 6
"""A condition of more parts helps nobody."""


class Judgement(NamedTuple):
    """What is to be said of one place of a resource, over all worlds.

    `identity` is the property path that the control asks for, the same whatever misses below it.
    """

    verdict: Verdict
    path: str
    identity: str
    text: str
    origin: Origin
    condition: str | None = None
    cause: str | None = None


Seen = list[tuple[Outcome | None, World]]


def conclude(written: Seen, possible: Seen, place: Place) -> Judgement:
    """Bring the outcomes of all worlds together into one verdict, with what decides between them."""
    verdicts = {outcome.verdict if outcome else None for outcome, _ in possible}
    as_written = {outcome.verdict if outcome else None for outcome, _ in written}
    if as_written == {Verdict.FAIL}:
        verdict = Verdict.FAIL
    elif verdicts <= {Verdict.PASS, None}:
        verdict = Verdict.PASS
    else:
        verdict = Verdict.UNKNOWN
    worst = _worst(verdict, written, possible)
    condition = None
    if verdict is Verdict.FAIL:
        condition = _word_when("passes", Verdict.PASS, possible)
    elif verdict is Verdict.UNKNOWN:
        condition = _word_when("fails", Verdict.FAIL, possible)
    text = f"{worst.text}; {condition}" if condition else worst.text
    cause = None
    if verdict is Verdict.UNKNOWN:
        cause = worst.cause or condition or "what the template leaves open"
    return state(verdict, worst._replace(text=text), place, condition, cause)


def state(
    verdict: Verdict, outcome: Outcome, place: Place, condition: str | None, cause: str | None
) -> Judgement:
    """An outcome as the judgement of its place; the identity is spelled below the outcome's target."""
    at = outcome.at
    identity = f"{at}.{place.identity}" if at and place.identity else at or place.identity
    return Judgement(verdict, outcome.path, identity, outcome.text, outcome.origin, condition, cause)


def _worst(verdict: Verdict, written: Seen, possible: Seen) -> Outcome:
    """The outcome to show: one with the final verdict, or the worst one if the worlds only differ."""
    outcomes = [outcome for outcome, _ in [*written, *possible] if outcome]
    exact = [outcome for outcome in outcomes if outcome.verdict is verdict]
    failing = [outcome for outcome in outcomes if outcome.verdict is Verdict.FAIL]
    if verdict is Verdict.UNKNOWN and failing:
        # Where nothing is sure even as written, to say that something is wrong would be too much.
        open_as_written = [
            outcome for outcome, _ in written if outcome and outcome.verdict is Verdict.UNKNOWN
        ]
        return (open_as_written or failing)[0]
    return (exact or sorted(outcomes, key=lambda outcome: -outcome.verdict.rank))[0]


def _word_when(does: str, verdict: Verdict, possible: Seen) -> str | None:
    """Say when there is another verdict, if there are worlds that have it and words that set them apart."""
    these = [world for outcome, world in possible if outcome and outcome.verdict is verdict]
    others = [world for outcome, world in possible if not outcome or outcome.verdict is not verdict]
    difference = _word_difference(these, others) if these else None
    return f"{does} when {difference}" if difference else None


def _word_difference(these: list[World], others: list[World]) -> str | None:
    """Words that hold in some of these worlds and in none of the others; the fewest that do."""
    facts = [world.all_facts() for world in these]
    contrast = [world.all_facts() for world in others]
    for name in dict.fromkeys(name for each in facts for name in each):
        here = {each.get(name) for each in facts}
        there = {each.get(name) for each in contrast}
        if None not in here | there and not here & there and len(here) <= 3:
            return f"{name} {' or '.join(sorted(str(phrase) for phrase in here))}"
    for each in facts[:_WORLDS_WORDED]:
        needed = dict(each)
        if not _sets_apart(needed, contrast):
            continue
        for name in each:
            fewer = {other: phrase for other, phrase in needed.items() if other != name}
            if fewer and _sets_apart(fewer, contrast):
                needed = fewer
        if len(needed) <= _FACTS_WORDED:
            return " and ".join(f"{name} {phrase}" for name, phrase in needed.items())
    return None


def _sets_apart(needed: Mapping[str, str], contrast: list[dict[str, str]]) -> bool:
    """True if every world of the contrast is known to differ; what a world didn't touch could be anything."""
    return all(any(each.get(name, phrase) != phrase for name, phrase in needed.items()) for each in contrast)
