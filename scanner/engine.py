"""Judging: one control on one resource, over all the worlds that its places touch.

Standard library only, so that it also runs in a Lambda function and in other tools' processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scanner.check import View
from scanner.conclusion import Judgement, conclude, state
from scanner.kind import Kind, coerce
from scanner.model import Control, Verdict
from scanner.path import Origin
from scanner.place import Outcome, Place, compile_place, find_targets, judge_place
from scanner.world import Effort, TooManyWorlds, World, explore

_GIVEN_UP = (TooManyWorlds, RecursionError)
_ENDLESS = "values that refer to one another without end"


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
        return [state(outcome.verdict, outcome, place, None, outcome.cause) for outcome in outcomes]
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
            yield conclude(written, possible, place)


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
