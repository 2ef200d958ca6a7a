"""What all worlds together say of one place: the verdict, and in words what decides it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from scanner.check import View
from scanner.model import Verdict
from scanner.path import Path, Target
from scanner.place import Judgement, Outcome, Place, find_target, find_targets, judge_target, state
from scanner.value import UNTOLD
from scanner.world import ENDLESS, GIVEN_UP, TooManyWorlds, World, explore

if TYPE_CHECKING:
    from scanner.engine import Subject

_WORLDS_WORDED = 16
_FACTS_WORDED = 6
"""A condition of more parts helps nobody."""


def judge_in_all_worlds(place: Place, subject: Subject) -> Iterator[Judgement]:
    """Judge every target of a place whose targets are not the same in all worlds."""
    try:
        paths = _all_paths(place, subject)
    except GIVEN_UP as error:
        yield overflow(place, subject, error)
        return
    for path in paths:

        def judge(view: View, path: str = path) -> Outcome | None:
            subject.effort.spend(len(paths) // 10)
            target = find_target(view, place, subject.properties_in(view), subject.kind, subject.origin, path)
            return None if target is None else judge_target(view, place, target)

        judgement = judge_over_worlds(place, subject, judge, None)
        if judgement is not None:
            yield judgement


def judge_over_worlds(
    place: Place,
    subject: Subject,
    judge: Callable[[View], Outcome | None],
    first: tuple[Outcome | None, World] | None,
) -> Judgement | None:
    """Bring what `judge` says of one target in all worlds together; `first` is what it said as written."""

    def look_at(world: World) -> Outcome | None:
        if subject.exists is not None and not subject.exists(world):
            return None
        return judge(subject.look(world))

    limit, effort = subject.world_limit, subject.effort
    try:
        effort.grant()
        written = list(explore(look_at, as_written=True, limit=limit, effort=effort, first=first))
        possible = written
        if any(world.varied for _, world in written):
            possible = list(explore(look_at, as_written=False, limit=limit, effort=effort))
    except GIVEN_UP as error:
        return overflow(place, subject, error)
    if any(outcome for outcome, _ in possible) or any(outcome for outcome, _ in written):
        return conclude(written, possible, place)
    return None


def _all_paths(place: Place, subject: Subject) -> list[str]:
    """The paths of a place's targets in all worlds together."""
    if not any(segment.each for segment in place.at):
        return [spell(place.at)]

    def find(world: World) -> list[Target]:
        if subject.exists is not None and not subject.exists(world):
            return []
        view = subject.look(world)
        return find_targets(view, place, subject.properties_in(view), subject.kind, subject.origin)

    found: dict[str, None] = {}
    for as_written in (True, False):
        varied = False
        for targets, world in explore(
            find, as_written=as_written, limit=subject.world_limit, effort=subject.effort
        ):
            varied |= world.varied
            found.update(dict.fromkeys([target.path for target in targets]))
        if not varied:
            break
    return list(found)


def spell(path: Path) -> str:
    """A path as the judgement of its place has it."""
    return ".".join(segment.key for segment in path)


def overflow(place: Place, subject: Subject, error: Exception) -> Judgement:
    """What is said where there are too many worlds to judge a place in all of them."""
    path = spell(place.at)
    cause = str(error) if isinstance(error, TooManyWorlds) else ENDLESS
    return Judgement(
        Verdict.UNKNOWN,
        path or place.identity,
        path or place.identity,
        f"there are {cause} at this place",
        subject.origin,
        cause=cause,
    )


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


def _worst(verdict: Verdict, written: Seen, possible: Seen) -> Outcome:
    """The outcome to show: one with the final verdict, or the worst one if the worlds only differ."""
    outcomes = [outcome for outcome, _ in [*written, *possible] if outcome]
    outcomes.sort(key=lambda it: it.cause == UNTOLD)
    exact = [outcome for outcome in outcomes if outcome.verdict is verdict]
    failing = [outcome for outcome in outcomes if outcome.verdict is Verdict.FAIL]
    if verdict is Verdict.UNKNOWN and failing:
        # Where nothing is sure even as written, to say that something is wrong would be too much.
        as_written = [it for it, _ in written if it and it.cause != UNTOLD]
        open_as_written = [it for it in as_written if it.verdict is Verdict.UNKNOWN]
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
