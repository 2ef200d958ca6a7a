"""Judging what an account holds: the engine that judges templates, over values that are all known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from threading import Condition, Lock
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from scanner.audit.fault import Fault
from scanner.audit.item import Api, Item
from scanner.audit.joints import Thing, Things, looking, thing_of
from scanner.catalog import Catalog
from scanner.check import PlainView
from scanner.engine import Engine, Subject
from scanner.joint import OWNER
from scanner.model import Control, Verdict
from scanner.place import Judgement
from scanner.safe_text import inert
from scanner.value import Partial, unknown
from scanner.world import World

if TYPE_CHECKING:
    from scanner.audit.keys import KeyBook

_LONGEST_TEXT = 4_000
_LONGEST_KEY, _MOST_SAID = 2_000, 4_096
_SOME = unknown("what was not read")


class Draft(NamedTuple):
    """What a control says of one place of a resource, before waivers."""

    control: str
    verdict: str
    message: str
    path: str
    place: str
    condition: str | None
    cause: str | None


class Judged(NamedTuple):
    """What all controls say of one resource. `crashed` are those that broke down over it, with how.

    `unsaid` are those that can say nothing, with the property that was not read.
    """

    drafts: tuple[Draft, ...]
    passed: tuple[str, ...]
    crashed: tuple[tuple[str, str], ...]
    unsaid: tuple[tuple[str, str], ...] = ()


class Joins(Protocol):
    """What is known of the resources that others refer to."""

    def holds(self, reference: str, types: Iterable[str]) -> bool:
        """Whether a reference leads to a resource that is judged in this run."""


class Census:
    """Which resources of the types that others refer to were judged; who asks waits for that."""

    def __init__(self, types: Iterable[str]) -> None:
        self._names: dict[str, set[str]] = {type_name: set() for type_name in types}
        self._open = set(self._names)
        self._changed = Condition()

    def add(self, item: Item) -> None:
        """A resource is judged: from now on its name, its ARN and the ARN's end lead to it."""
        names = self._names.get(item.type)
        if names is not None:
            arn = item.arn or item.name
            with self._changed:
                names.update((item.name, arn, arn.rpartition("/")[2]))
                self._changed.notify_all()

    def close(self, type_name: str) -> None:
        """No more of a type will come."""
        with self._changed:
            self._open.discard(type_name)
            self._changed.notify_all()

    def names(self, type_name: str) -> list[str]:
        """What leads to a resource of a type, for a later run; empty of types that nothing refers to."""
        return sorted(self._names.get(type_name, ()))

    def restore(self, type_name: str, names: Iterable[str]) -> None:
        """What `names` gave in an earlier run."""
        if type_name in self._names:
            self._names[type_name].update(names)

    def holds(self, reference: str, types: Iterable[str]) -> bool:
        """Whether a reference leads to a resource that is judged in this run."""
        places = [self._names[type_name] for type_name in types if type_name in self._names]

        def there() -> bool:
            return any(reference in names for names in places)

        with self._changed:
            self._changed.wait_for(lambda: there() or self._open.isdisjoint(types))
            return there()


class _View(PlainView):
    """Plain JSON, KMS to ask about keys, and the resources that others lead to."""

    def __init__(self, kms: Api | None, things: Things) -> None:
        self._kms = kms
        self.keys: KeyBook | None = None
        self._things = things
        self._lock = Lock()
        self.faults: dict[tuple[str, str], Fault] = {}
        """Calls that KMS did not answer, each once."""

    def follow(self, raw: Any, joint: Any) -> Any:
        value = self.value(raw)
        return self._things.follow(value, joint["types"]) if type(value) is str else value

    def gather(self, properties: Any, joint: Any) -> Any:
        return self._things.gather(properties[OWNER], joint)

    def tell(self, predicate: str, text: str, known: tuple[str, ...]) -> tuple[bool | None, str] | None:
        from scanner.managed_key import CUSTOMER_MANAGED_KEY, is_listed

        if predicate != CUSTOMER_MANAGED_KEY or self._kms is None:
            return None
        from scanner.audit.keys import KeyBook, judge

        with self._lock:
            keys = self.keys = self.keys or KeyBook(self._kms)
        facts = keys.about(text)
        if isinstance(facts, Fault):
            with self._lock:
                self.faults.setdefault((facts.operation, facts.code), facts)
        answer = judge(facts)
        return (True, "") if answer[0] is None and is_listed(text, known) else answer


class Judge:
    """The chosen controls over one scope; threads share it. `kms` is whom to ask about keys, if anybody."""

    def __init__(
        self, catalog: Catalog, controls: Collection[Control], census: Joins, kms: Api | None
    ) -> None:
        self.controls = catalog.judging(controls)
        self._engine = Engine(catalog, run="audit")
        self.looking = looking(catalog, controls)
        """What the controls look at, and which of them are judged later."""
        self.things = Things(catalog)
        """What others are joined to, as far as it was read."""
        self._turns = {
            (type_name, late): [
                it for it in those if (it.id in self.looking.later.get(type_name, ())) is late
            ]
            for type_name, those in self.controls.items()
            for late in (False, True)
        }
        self._said: dict[tuple[str, ...], Judged] = {}
        """What was said of properties: jobs by the thousand differ in few that count."""
        self._kinds = catalog.kinds
        self._census = census
        self._view = _View(kms, self.things)
        self.tell = self._view.tell

    @property
    def keys(self) -> KeyBook | None:
        """What is known of keys, once one was asked about."""
        return self._view.keys

    @property
    def faults(self) -> list[Fault]:
        """What KMS did not answer."""
        return list(self._view.faults.values())

    def looks_at(self, type_name: str) -> frozenset[str]:
        """The top-level properties of a type that some control looks at, to judge it or to follow it."""
        return self.looking.at.get(type_name, frozenset())

    def judge(self, item: Item, thing: Thing | None = None, texts: Mapping[str, str] | None = None) -> Judged:
        """Judge one resource by the controls that are about its type; a control that crashes says nothing.

        Those that are put off till all is read judge it as the `thing` that others are joined to, alone. With
        `texts`, its properties as `spelled`, what was said of one that is alike is said again.
        """
        found = [Judged((), (), ())]
        subject: Subject | None = None
        unlike = item.properties.keys() if texts is None else item.properties.keys() - texts.keys()
        for control in self._turns.get((item.type, thing is not None), ()):
            names = self.looking.own[control.id, item.type]
            if not item.moot.isdisjoint(names):
                continue
            hidden = item.unsaid.intersection(names)
            key: tuple[str, ...] = ()
            if texts is not None and (control.id, item.type) not in self.looking.joined:
                key = (control.id, item.type, *[texts.get(name, "") for name in names], *sorted(hidden))
            said = self._said.get(key)
            if said is None or not unlike.isdisjoint(names):
                subject = subject or self._subject(item, thing)
                try:
                    said = self._say(control, item.type, subject, hidden)
                except Exception as error:
                    said, key = Judged((), (), ((control.id, type(error).__name__),)), ()
                if key and unlike.isdisjoint(names) and sum(map(len, key)) < _LONGEST_KEY:
                    if len(self._said) >= _MOST_SAID:
                        self._said.clear()
                    self._said[key] = said
            found.append(said)
        return Judged(*(tuple(chain.from_iterable(each)) for each in zip(*found, strict=True)))

    def _subject(self, item: Item, thing: Thing | None) -> Subject:
        properties = dict(item.properties)
        if thing is not None:
            properties[OWNER] = self.things.owner(thing)
        return self._subject_of(item.type, properties)

    def _subject_of(self, type_name: str, properties: dict[str, Any]) -> Subject:
        return Subject(
            properties=properties,
            kind=self._kinds.get(type_name, {}),
            origin=(None, None),
            look=lambda world: self._view,
            joined=self._joined,
            world_limit=1,
        )

    def _say(self, control: Control, type_name: str, subject: Subject, hidden: frozenset[str]) -> Judged:
        judgements = self._engine.judge(control, type_name, subject)
        if hidden:
            there = self._subject_of(type_name, {**subject.properties, **dict.fromkeys(hidden, _SOME)})
            if not _alike(judgements, self._engine.judge(control, type_name, there)):
                return Judged((), (), (), ((control.id, ", ".join(sorted(hidden))),))
        worst: dict[str, Draft] = {}
        passed = False
        for it in judgements:
            if it.verdict is Verdict.PASS:
                passed = True
                continue
            before = worst.get(it.identity)
            if before is None or Verdict(before.verdict).rank < it.verdict.rank:
                worst[it.identity] = Draft(
                    control.id,
                    it.verdict.value,
                    it.text[:_LONGEST_TEXT],
                    it.path,
                    it.identity,
                    it.condition,
                    it.cause and it.cause[:_LONGEST_TEXT],
                )
        return Judged(tuple(worst.values()), (control.id,) if passed and not worst else (), ())

    def judge_whole(self, item: Item) -> Judged:
        """Judge one resource by all controls that are about its type, where nothing more will be read."""
        now = self.judge(item)
        if item.type not in self.looking.later:
            return now
        then = self.judge(item, thing_of(item))
        crashed, unsaid = (*now.crashed, *then.crashed), (*now.unsaid, *then.unsaid)
        return Judged((*now.drafts, *then.drafts), (*now.passed, *then.passed), crashed, unsaid)

    def _joined(self, world: World, reference: Any, types: tuple[str, ...]) -> bool | str:
        if type(reference) is Partial:
            return reference.cause
        return self._census.holds(str(reference), types) or inert(str(reference), 100)


def _alike(without: list[Judgement], there: list[Judgement]) -> bool:
    """Is the verdict the same whether or not a property is there? What does not apply fails nothing."""
    verdicts = [{(it.identity, it.verdict) for it in judged} for judged in (without, there)]
    return verdicts[0] == verdicts[1] or all(it.verdict is Verdict.PASS for it in (*without, *there))
