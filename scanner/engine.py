"""Judging: one control on one resource, over all the worlds that its places touch.

Standard library only, so that it also runs in a Lambda function and in other tools' processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from scanner.model import Control, Verdict
from scanner.place import Origin, Outcome, Place, compile_place, find_targets, judge_place
from scanner.requirement import Kind, View, coerce
from scanner.world import Effort, TooManyWorlds, World, explore

_GIVEN_UP = (TooManyWorlds, RecursionError)
_ENDLESS = "values that refer to one another without end"
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


class Subject:
    """A resource as the engine sees it, whatever surface it comes from.

    `look` gives the view of one world; `exists` says whether the resource is made there (None: in every
    world); `joined` says of a raw reference whether what it names is judged in this run, else the words for
    what it names. `names` are its top-level properties where they are plain to see.
    """

    __slots__ = (
        "_first",
        "effort",
        "exists",
        "joined",
        "kind",
        "look",
        "names",
        "origin",
        "properties",
        "references",
        "world_limit",
    )

    def __init__(
        self,
        properties: Any,
        kind: Kind,
        origin: Origin,
        look: Callable[[World], View],
        joined: Callable[[World, Any, tuple[str, ...]], bool | str],
        world_limit: int,
        exists: Callable[[World], bool] | None = None,
        effort: Effort | None = None,
    ) -> None:
        self.properties = properties
        self.kind = kind
        self.origin = origin
        self.look = look
        self.exists = exists
        self.joined = joined
        self.world_limit = world_limit
        self.effort = effort or Effort()
        self.names: frozenset[str] | None = None
        if properties is None or (
            type(properties) is dict and not any(name == "Ref" or name[:4] == "Fn::" for name in properties)
        ):
            self.names = frozenset(properties or ())
        self.references: dict[str, tuple[str, Origin] | None] = {}
        self._first: tuple[World, View] | None = None

    def first_look(self) -> tuple[World, View]:
        """A world as the template is written, shared by all judgements that leave it as they found it."""
        if self._first is None or self._first[0].hangs_on_choices:
            world = World([], as_written=True, effort=self.effort)
            self._first = world, self.look(world)
        world = self._first[0]
        if world.facts or world.touched:
            world.facts.clear()
            world.touched.clear()
        return self._first

    def forget(self) -> None:
        """Begin anew: the first look was broken off."""
        self._first = None


class Engine:
    """Controls compiled on first use; `values` and `shapes` are the catalog's named schemas and shapes."""

    def __init__(
        self,
        values: Mapping[str, Any],
        shapes: Mapping[str, Any],
        joins: Mapping[str, Mapping[str, list[str]]],
    ) -> None:
        self.values = values
        self.shapes = shapes
        self.joins = joins
        self._places: dict[tuple[str, str], tuple[Place, ...]] = {}

    def places(self, control: Control, kind: str) -> tuple[Place, ...]:
        """The places of a control on a type. Raises ValueError when they aren't in the notation."""
        found = self._places.get((control.id, kind))
        if found is None:
            rule = control.resources[kind]
            found = self._places[control.id, kind] = tuple(
                compile_place(place, self.values, self.shapes) for place in rule.get("places", ())
            )
        return found

    def judge(self, control: Control, kind: str, subject: Subject) -> list[Judgement]:
        """Judge a resource by one control: a judgement for each place that applies."""
        judgements: list[Judgement] = []
        names = subject.names
        for place in self.places(control, kind):
            if names is None or place.gate is None or not names.isdisjoint(place.gate):
                judgements += judge_everywhere(place, subject)
        reference = control.resources[kind].get("judged-at")
        if reference is not None:
            judgements += _judge_reference(reference, self.joins[kind][reference], subject)
        return judgements


def judge_everywhere(place: Place, subject: Subject) -> list[Judgement]:
    """Judge one place over all worlds. Where nothing varies, one look settles all its targets."""
    subject.effort.grant()
    try:
        world, view = subject.first_look()
        outcomes = _judge_in(world, view, place, subject)
    except _GIVEN_UP as error:
        subject.forget()
        return [_overflow(place, subject, error)]
    if not world.hangs_on_choices:
        return [_state(outcome.verdict, outcome, place, None, outcome.cause) for outcome in outcomes]
    return list(_judge_in_all_worlds(place, subject, world, outcomes))


def _judge_in_all_worlds(
    place: Place, subject: Subject, world: World, outcomes: list[Outcome]
) -> Iterator[Judgement]:
    """Judge every target of a place in all worlds; `world` and `outcomes` are the first look at it."""
    single = not any(segment.each for segment in place.at)
    try:
        targets = [_spell(place)] if single else _all_targets(place, subject)
    except _GIVEN_UP as error:
        yield _overflow(place, subject, error)
        return
    for target in targets:

        def look_at(world: World, target: str = target) -> Outcome | None:
            found = _judge_in(world, subject.look(world), place, subject, None if single else target)
            return found[0] if found else None

        try:
            subject.effort.grant()
            subject.effort.spend(len(targets) // 10)
            possible = list(
                explore(look_at, as_written=False, limit=subject.world_limit, effort=subject.effort)
            )
            if world.forked:
                written = list(
                    explore(look_at, as_written=True, limit=subject.world_limit, effort=subject.effort)
                )
            else:
                written = [(next((each for each in outcomes if single or each.at == target), None), world)]
        except _GIVEN_UP as error:
            yield _overflow(place, subject, error)
            continue
        if any(outcome for outcome, _ in possible) or any(outcome for outcome, _ in written):
            yield _settle(written, possible, place)


def _judge_in(
    world: World, view: View, place: Place, subject: Subject, only: str | None = None
) -> list[Outcome]:
    if subject.exists is not None and not subject.exists(world):
        return []
    return judge_place(view, place, _properties(view, subject), subject.kind, subject.origin, only)


def _properties(view: View, subject: Subject) -> Any:
    if subject.names is not None:
        return subject.properties or {}
    found = view.value(subject.properties)
    return {} if found is None else coerce(found, {})


def _spell(place: Place) -> str:
    return ".".join(segment.name for segment in place.at)


def _all_targets(place: Place, subject: Subject) -> list[str]:
    """The targets of a place in all worlds together."""

    def find(world: World) -> list[str]:
        if subject.exists is not None and not subject.exists(world):
            return []
        view = subject.look(world)
        return find_targets(view, place, _properties(view, subject), subject.kind, subject.origin)

    found: dict[str, None] = {}
    for as_written in (True, False):
        for targets, _ in explore(
            find, as_written=as_written, limit=subject.world_limit, effort=subject.effort
        ):
            found.update(dict.fromkeys(targets))
    return list(found)


def _overflow(place: Place, subject: Subject, error: Exception) -> Judgement:
    path = _spell(place)
    cause = str(error) if isinstance(error, TooManyWorlds) else _ENDLESS
    return Judgement(
        Verdict.UNKNOWN,
        path or place.identity,
        path or place.identity,
        f"there are {cause} at this place",
        subject.origin,
        cause=cause,
    )


Seen = list[tuple[Outcome | None, World]]


def _settle(written: Seen, possible: Seen, place: Place) -> Judgement:
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
    text = worst.text
    if verdict is Verdict.FAIL and Verdict.PASS in verdicts:
        passing = [world for outcome, world in possible if outcome and outcome.verdict is Verdict.PASS]
        others = [world for outcome, world in possible if not outcome or outcome.verdict is not Verdict.PASS]
        condition = _word_difference(passing, others)
        if condition:
            condition = f"passes when {condition}"
    elif verdict is Verdict.UNKNOWN and Verdict.FAIL in verdicts:
        failing = [world for outcome, world in possible if outcome and outcome.verdict is Verdict.FAIL]
        others = [world for outcome, world in possible if not outcome or outcome.verdict is not Verdict.FAIL]
        condition = _word_difference(failing, others)
        if condition:
            condition = f"fails when {condition}"
    if condition:
        text = f"{text}; {condition}"
    cause = None
    if verdict is Verdict.UNKNOWN:
        cause = worst.cause or condition or "what the template leaves open"
    return _state(verdict, worst._replace(text=text), place, condition, cause)


def _state(
    verdict: Verdict, outcome: Outcome, place: Place, condition: str | None, cause: str | None
) -> Judgement:
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


def _judge_reference(path: str, types: list[str], subject: Subject) -> Iterator[Judgement]:
    """A setting that lives elsewhere: not applicable if it is judged in this run, else UNKNOWN."""
    if path not in subject.references:
        subject.references[path] = _find_unjudged(path.split("."), tuple(types), subject)
    found = subject.references[path]
    if found is not None:
        cause, origin = found
        noun = " or ".join(kind.rsplit("::", 1)[-1] for kind in types)
        name = path.rsplit(".", 1)[-1]
        text = f"{name} names a {noun} that is not in this scan ({cause}), and that is where this is judged"
        yield Judgement(Verdict.UNKNOWN, path, path, text, origin, cause=f"{name}: {cause}")


def _find_unjudged(steps: list[str], types: tuple[str, ...], subject: Subject) -> tuple[str, Origin] | None:
    """What a reference names that is not judged in this run in some world, and where it stands."""

    def look(world: World) -> tuple[str, Origin] | None:
        if subject.exists is not None and not subject.exists(world):
            return None
        view = subject.look(world)
        value = view.value(subject.properties)
        for step in steps[:-1]:
            if not isinstance(value, dict):
                return None
            value = view.value(value.get(step))
        if not isinstance(value, dict) or value.get(steps[-1]) is None:
            return None
        named = subject.joined(world, value[steps[-1]], types)
        return None if named is True else (str(named), (value, steps[-1]))

    subject.effort.grant()
    try:
        for found, _ in explore(look, as_written=False, limit=subject.world_limit, effort=subject.effort):
            if found is not None:
                return found
    except TooManyWorlds:
        return "one of more combinations than are tried", subject.origin
    except RecursionError:
        return f"one of {_ENDLESS}", subject.origin
    return None
