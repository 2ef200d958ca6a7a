"""Judging: one control on one resource, over all the worlds that its places touch.

Standard library only, so that it also runs in a Lambda function and in other tools' processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from scanner.check import View
from scanner.joint import is_joined
from scanner.kind import Kind, coerce
from scanner.model import Control, Verdict
from scanner.path import Origin, Path, Target, parse_path, references_of, walk
from scanner.place import Judgement, Place, compile_place, find_targets, judge_target, state
from scanner.value import is_change
from scanner.world import ENDLESS, GIVEN_UP, Effort, TooManyWorlds, World, explore

if TYPE_CHECKING:
    from scanner.catalog import Catalog


class Subject:
    """A resource as the engine sees it, whatever surface it comes from.

    `look` gives the view of one world; `exists` says whether the resource is made there (None: in every
    world); `joined` says of a raw reference whether what it names is judged in this run, else the words for
    what it names. `names` are its top-level properties where they are plain to see.
    """

    __slots__ = (
        "_first",
        "_plain",
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
            self._plain = properties or {}
        self.references: dict[str, dict[str, tuple[str, Origin]]] = {}
        self._first: tuple[World, View] | None = None

    def first_look(self) -> tuple[World, View]:
        """A world as the template is written, shared by all judgements that leave it as they found it."""
        first = self._first
        if first is None or first[0].hangs_on_choices:
            world = World([], as_written=True, effort=self.effort)
            first = self._first = world, self.look(world)
        else:
            first[0].facts.clear()
            first[0].touched.clear()
        return first

    def properties_in(self, view: View) -> Any:
        """Its properties in one world, {} where there are none."""
        if self.names is not None:
            return self._plain
        found = view.value(self.properties)
        return {} if found is None else coerce(found, {})

    def forget(self) -> None:
        """Begin anew: the first look was broken off."""
        self._first = None


class Engine:
    """The controls of a catalog, compiled on first use.

    `run` is the word for what judges: "scan", "audit", "event" or "call".
    """

    def __init__(self, catalog: Catalog, run: str = "scan") -> None:
        self._catalog = catalog
        self.run = run
        self._rules: dict[tuple[str, str], tuple[tuple[Place, ...], tuple[str, ...]]] = {}
        self._joined: dict[tuple[str, str], bool] = {}

    def judge(self, control: Control, kind: str, subject: Subject) -> list[Judgement]:
        """Judge a resource by one control: a judgement for each place that applies.

        Raises ValueError when its places aren't in the notation.
        """
        places, references = self._rule(control, kind)
        names = subject.names
        judgements: list[Judgement] = []
        for place in places:
            if names is None or place.gate is None or not names.isdisjoint(place.gate):
                judgements += judge_everywhere(place, subject)
        for reference in references:
            types = self._catalog.types[kind]["judged-at"][reference]
            judgements += _judge_reference(reference, types, subject, self.run)
        if names is None and is_change(subject.properties):
            from scanner.left import told

            return told(judgements, subject.properties)
        return judgements

    def places(self, control: Control, kind: str) -> tuple[Place, ...]:
        """The places of a control on a type. Raises ValueError when they aren't in the notation."""
        return self._rule(control, kind)[0]

    def looks_around(self, controls: Iterable[Control], kind: str) -> bool:
        """Does one of these controls look at other resources than that of a type itself?"""
        return any(self._looks_around(control, kind) for control in controls)

    def _looks_around(self, control: Control, kind: str) -> bool:
        known = self._joined.get((control.id, kind))
        if known is None:
            places = control.resources[kind].get("places", ())
            known = any(is_joined(place, self._catalog.shapes) for place in places)
            self._joined[control.id, kind] = known
        return known

    def _rule(self, control: Control, kind: str) -> tuple[tuple[Place, ...], tuple[str, ...]]:
        """The places of a control on a type, and the references at whose ends it is judged instead."""
        found = self._rules.get((control.id, kind))
        if found is None:
            rule = control.resources[kind]
            asked = (place for place in rule.get("places", ()) if place.get("given", True))
            places = (compile_place(place, self._catalog.values, self._catalog.shapes) for place in asked)
            found = self._rules[control.id, kind] = tuple(places), references_of(rule)
        return found


def judge_everywhere(place: Place, subject: Subject) -> list[Judgement]:
    """Judge one place over all worlds. Where nothing varies, one look settles all its targets."""
    subject.effort.grant()
    try:
        world, view = subject.first_look()
        targets: list[Target] = []
        certain = subject.exists is None or subject.exists(world)
        if certain:
            asked = world.inputs
            targets = find_targets(view, place, subject.properties_in(view), subject.kind, subject.origin)
            certain = world.inputs == asked
        looks = [(target, judge_target(view, place, target)) for target in targets]
    except GIVEN_UP as error:
        from scanner.conclusion import overflow

        subject.forget()
        return [overflow(place, subject, error)]
    if not world.hangs_on_choices:
        return [
            state(outcome.verdict, outcome, place, None, outcome.cause) for _, outcome in looks if outcome
        ]
    from scanner.conclusion import judge_in_all_worlds, judge_over_worlds

    if not certain:
        return list(judge_in_all_worlds(place, subject))
    judgements = []
    for target, outcome in looks:
        # Only of a single target is the first look a run of its own.
        first = (outcome, world) if len(looks) == 1 else None
        judgement = judge_over_worlds(
            place, subject, partial(judge_target, place=place, target=target), first
        )
        if judgement is not None:
            judgements.append(judgement)
    return judgements


def _judge_reference(path: str, types: list[str], subject: Subject, run: str) -> Iterator[Judgement]:
    """A setting that lives elsewhere: not applicable if it is judged in this run, else UNKNOWN."""
    if path not in subject.references:
        subject.references[path] = _find_unjudged(parse_path(path), tuple(types), subject)
    for at, (cause, origin) in subject.references[path].items():
        noun = " or ".join(kind.rsplit("::", 1)[-1] for kind in types)
        name = path.rsplit(".", 1)[-1]
        one = f"an {noun}" if noun[0] in "AEIO" else f"a {noun}"
        text = f"{name} names {one} that is not in this {run} ({cause}), and that is where this is judged"
        yield Judgement(Verdict.UNKNOWN, at, at, text, origin, cause=f"{name}: {cause}")


def _find_unjudged(path: Path, types: tuple[str, ...], subject: Subject) -> dict[str, tuple[str, Origin]]:
    """Where a path names what is not judged in this run in some world: place -> words, where it stands."""

    def look(world: World) -> dict[str, tuple[str, Origin]]:
        found: dict[str, tuple[str, Origin]] = {}
        if subject.exists is not None and not subject.exists(world):
            return found
        view = subject.look(world)
        properties = subject.properties_in(view)
        for target in walk(view, properties, subject.kind, path, at="", origin=subject.origin):
            # What hides whether there is a name at all is told by the places that look there.
            if target.value is not None and not target.hidden:
                container, key = target.origin
                named = subject.joined(world, container[key], types)
                if named is not True:
                    found[target.path] = str(named), target.origin
        return found

    unjudged: dict[str, tuple[str, Origin]] = {}
    subject.effort.grant()
    try:
        for found, _ in explore(look, as_written=False, limit=subject.world_limit, effort=subject.effort):
            unjudged = {**found, **unjudged}
    except GIVEN_UP as error:
        from scanner.conclusion import spell

        many = "of more combinations than are tried"
        which = many if isinstance(error, TooManyWorlds) else f"of {ENDLESS}"
        unjudged = unjudged or {spell(path): (f"one {which}", subject.origin)}
    return unjudged
