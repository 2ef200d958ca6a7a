"""The state of reading one module or notebook: names, boxes, what is settled, and the requests found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

from scanner.code.cell import Cell
from scanner.code.state import ABSENT, MISSING, State, choose
from scanner.code.value import Box, Choice, Mark, Slot, Symbol, sure, unsure
from scanner.code.wording import CALLABLE, Speech, Wording, asking
from scanner.template.document import Marks
from scanner.value import REST, Partial

_PLAIN_NEEDS = frozenset(
    ["role", "instance_type", "instance_count", "train_instance_type", "train_instance_count"]
)
"""What code that gets an object leaves as it is."""
_FOLLOWED = (Box, Choice, Partial)
_MOST_ALTERNATIVES = 6
_MOST_MEMBERS = 8
Scope = tuple[int, ...]


class TooMuch(Exception):
    """The code asks for more work than a file is worth."""


class Request(NamedTuple):
    """One request to SageMaker. The call ends on line `last`; `local` decides whether AWS gets it at all."""

    type: str
    name: str
    properties: Any
    mark: Mark
    last: int
    assumed: dict[str, bool]
    marks: Marks
    local: Any = None


class Run:
    """Everything that is known at one point of the code, and what was found up to there."""

    def __init__(self, table: Mapping[str, Any], types: Mapping[str, str], steps: int) -> None:
        self.table = table
        self.types = types
        """API operation in snake case -> resource type."""
        self.state = State()
        self.scope: Scope = (0,)
        self.assumed: dict[str, bool] = {}
        self.cell = Cell("")
        self.steps = steps
        self.requests: list[Request] = []
        self.objects: dict[Box, tuple[str, dict[str, bool], Cell]] = {}
        """Objects that stand for a resource: name, what was settled where they were made, cell."""
        self.started: set[Box] = set()
        """Those that were started, or that another one holds."""
        self.deferred: list[Callable[[], None]] = []
        """Bodies of functions that nothing has called yet."""
        self.imported: dict[str, Partial] = {}
        """What is known of an imported or unbound name as a value, and of an unknown's attribute."""
        self.called: set[int] = set()
        self.speech = Speech()
        self.declared: set[str] = set()
        """Names of `global` and `nonlocal` statements."""
        self.instances: dict[Any, list[Box]] = {}
        """Objects of the file's classes, by class."""
        self.active: list[int] = []
        self.target = ""
        self.unused: Any = None
        """A call whose value nobody takes."""
        self.prefix = ""
        self.names: dict[Any, str] = {}
        self.taken: dict[str, int] = {}
        self.kept: list[Any] = []
        """Unknowns, so that their ids stay theirs."""
        self.defaults: Mapping[str, Any] = {}
        """What the SDK's `config.yaml` says below SageMaker."""
        self.kinds: Mapping[str, Any] = {}
        """What `_types.yaml` says of each resource type."""
        self.dumped: dict[int, Any] = {}
        """Of texts that json.dumps gave: id of the unknown -> what it was given, as it was then."""
        self.said: list[tuple[Mark, str, str]] = []
        """What can't be looked at: place, what, hint."""
        self.members: dict[int, list[Any]] = {}
        """Values that an unknown may be, or hold: what changes it may change them."""
        self.alternatives: dict[int, tuple[Choice, list[Any]]] = {}
        """The same of choices, which are kept so that their ids stay theirs."""
        self.bases: dict[Box, str] = {}
        """Classes of the file that are made from one of the SDK, and its entry."""
        self.broken = False
        """Whether the loop has met a `break` or `continue`."""
        self.scopes = 0
        self.loops = 0
        self.keys = 0

    def asks(self, said: Wording, words: frozenset[str]) -> bool:
        """May code ask for something, by itself or through functions of the file?"""
        answer, looked = self.speech.asks(said, words)
        self.steps -= looked
        return answer

    def mark(self, node: Any) -> Mark:
        """Where a node stands in the file."""
        return tuple.__new__(Mark, (self.cell, node.lineno, node.col_offset))

    def key(self, noun: str) -> str:
        """A key for a choice that nothing else shares."""
        self.keys += 1
        return f"{noun} {self.keys}"

    def unsure(self, cause: Any, *sources: Any, filled: bool = False) -> Partial:
        """An unknown that may be None or is `filled`: perhaps one of `sources`, and the same everywhere."""
        found = sure(cause) if filled else unsure(cause)
        self.kept.append(found)
        if sources:
            held = self._followed(sources)
            if held:
                self.members[id(found.parts[0])] = held
        return found

    def _followed(self, values: Iterable[Any]) -> list[Any]:
        """Those values that may change; of others what they may be, at once unless that is much."""
        held: list[Any] = []
        for each in values:
            kind = type(each)
            if kind is Box:
                held.append(each)
            elif kind is Partial or kind is Choice:
                inner = self.held_by(each)
                held += inner if len(inner) < _MOST_MEMBERS else (each,)
        return held

    def may_hold(self, value: Any) -> bool:
        """May what a value of a followed kind holds change?"""
        return type(value) is Box or bool(self.held_by(value))

    def held_by(self, value: Any) -> list[Any]:
        """What a value holds or may be: followed values that change where it is changed."""
        kind = type(value)
        if kind is Partial:
            return self.members.get(id(value.parts[0]), []) if self.members else []
        if kind is Choice:
            todo = [value]
            while todo and id(value) not in self.alternatives:
                last = todo[-1]
                inner = [it for it in last[2:] if type(it) is Choice and id(it) not in self.alternatives]
                if not inner:
                    self.alternatives[id(last)] = last, self._followed(last[2:])
                    todo.pop()
                todo += inner
            return self.alternatives[id(value)][1]
        if kind is not Box:
            return []
        contents = self.contents(value)
        if type(contents) is dict:
            return [slot.value for slot in contents.values()]
        return [slot.value for slot in contents] if type(contents) is list else []

    def let_go(self, value: Any, cause: Any) -> None:
        """What code from elsewhere gets may be something else afterwards, and so may all that it holds."""
        if type(value) not in _FOLLOWED or not self.may_hold(value):
            return
        todo, seen = [value], {id(value)}
        while todo:
            each = todo.pop()
            self.steps -= 1
            for held in self.held_by(each):
                if type(held) in _FOLLOWED and id(held) not in seen and self.may_hold(held):
                    seen.add(id(held))
                    todo.append(held)
            if type(each) is not Box or each.kind == "class":
                continue
            contents = self.contents(each)
            if each.kind == "object" and type(contents) is dict:
                # Nobody is known to add what an object of the SDK was not made with.
                lost = contents.keys() - _PLAIN_NEEDS
                changed = {key: Slot(self.unsure(cause), contents[key].mark) for key in lost}
                self.state.set(each, {**contents, **changed})
            else:
                self.state.set(each, self.unsure(cause))

    def forget(self, words: Iterable[str], cause: str) -> None:
        """Names that code which is not followed may have assigned or changed; what is imported stays."""
        for name in words:
            value = self.look_up(name)
            if isinstance(value, (Box, Partial, Choice, str, int, float, type(None))):
                self.let_go(value, cause)
                if not isinstance(value, Box):
                    self.bind(name, self.unsure(f"{name} after {cause}", value))

    def forget_all(self, cause: str) -> None:
        """Anything may have been assigned."""
        layer: State | None = self.state
        names: set[str] = set()
        while layer is not None:
            names.update(key[1] for key in layer.written if type(key) is tuple and key[0] in self.scope)
            layer = layer.parent
        self.forget([name for name in names if name.isidentifier()], cause)

    def record(self, follow: Callable[[], bool]) -> tuple[bool, list[tuple[Any, Any]]]:
        """Follow code, and take down all that it writes."""
        state = self.state
        outer, journal = state.journal, list[tuple[Any, Any]]()
        state.journal = journal
        try:
            ended = follow()
        finally:
            state.journal = outer
            if outer is not None:
                outer += journal
        return ended, journal

    def branch(
        self, key: str, label: str, yes: Callable[[], bool], no: Callable[[], bool], settles: bool = True
    ) -> bool:
        """Follow two ways from here, and bring what they did together; true where both end."""
        if key[0] == "!":
            return self.branch(key[1:], label, no, yes, settles)
        before, assumed = self.state, dict(self.assumed)
        layers, ended = [], []
        for answer, follow in ((True, yes), (False, no)):
            self.state = State(before)
            self.assumed = {**assumed, key: answer} if settles else dict(assumed)
            ended.append(follow())
            layers.append(self.state)
        self.state, self.assumed = before, assumed
        before.join(key, label, layers[0], layers[1], (ended[0], ended[1]))
        if settles and ended[0] != ended[1]:
            self.assumed[key] = ended[1]
        return ended[0] and ended[1]

    def either(self, key: str, label: str, yes: Callable[[], Any], no: Callable[[], Any]) -> Any:
        """The value of one of two expressions, each with what it does only where it is chosen."""
        found = {}

        def way(answer: bool, follow: Callable[[], Any]) -> Callable[[], bool]:
            def go() -> bool:
                found[answer] = follow()
                return False

            return go

        self.branch(key, label, way(True, yes), way(False, no))
        return choose(key, label, found[True], found[False])

    def over(self, value: Any, change: Callable[[Any], Any], depth: int = 0) -> Any:
        """What comes of every alternative of a value, each in its own branch."""
        value = self.settle(value)
        if type(value) is not Choice or depth >= _MOST_ALTERNATIVES:
            return change(value)
        yes, no = (partial(self.over, each, change, depth + 1) for each in (value.yes, value.no))
        return self.either(value.key, value.label, yes, no)

    def known(self, value: Any) -> Any:
        """A value as such: something imported is an unknown, the same one everywhere."""
        if isinstance(value, Symbol):
            if value.name not in self.imported:
                self.imported[value.name] = self.unsure(value.name)
            return self.imported[value.name]
        return value

    def box(self, kind: str, node: Any, contents: Any, entry: Any = None) -> Box:
        """A new mutable value."""
        made = Box(kind, self.mark(node), entry, node)
        if kind == "instance":
            self.instances.setdefault(entry, []).append(made)
        self.state.set(made, contents)
        return made

    def contents(self, box: Any) -> Any:
        """What a box holds: a dict of slots, a list of slots, or a Partial where that is not known."""
        return self.state.get(box, MISSING) if type(box) is Box else MISSING

    def settle(self, value: Any) -> Any:
        """A value as far as the place of the code settles it."""
        while type(value) is Choice and value.key in self.assumed:
            value = value.yes if self.assumed[value.key] else value.no
        return None if value is ABSENT else value

    def look_up(self, name: str) -> Any:
        """The value of a name, or MISSING."""
        for scope in self.scope:
            key = scope, name
            layer: State | None = self.state
            while layer is not None:
                if key in layer.written:
                    value = layer.written[key]
                    return self.settle(value) if type(value) is Choice or value is ABSENT else value
                layer = layer.parent
        return MISSING

    def bind(self, name: str, value: Any) -> None:
        """Assign a name in the present scope, or where a `global` or `nonlocal` statement says."""
        scope = self.scope[0]
        if name in self.declared:
            scope = self.state.get((scope, f"global {name}"), scope)
        self.state.set((scope, name), value)
        if type(value) in CALLABLE and asking(self, value):
            self.speech.alias(name)

    def declare(self, name: str, scope: int) -> None:
        """A name of the present scope is one of another."""
        self.declared.add(name)
        self.state.set((self.scope[0], f"global {name}"), scope)

    def name_of(self, base: str, key: Any) -> str:
        """A name of a resource that stays while other code changes; one for each place of the code."""
        if key not in self.names:
            count = self.taken[base] = self.taken.get(base, 0) + 1
            self.names[key] = base if count == 1 else f"{base}#{count}"
        return self.names[key]

    def submit(self, kind: str, name: str, properties: Any, node: Any, local: Any = None) -> None:
        """Take down a request; the same call with other values is another request of the same name."""
        from scanner.code.freeze import Freezer

        freezer = Freezer(self)
        frozen, marks = freezer.freeze(properties)
        local, _ = freezer.freeze(local)
        last = getattr(node, "end_lineno", None) or node.lineno
        request = Request(kind, name, frozen, self.mark(node), last, dict(self.assumed), marks, local)
        self.requests.append(request)


def rest(cause: str, mark: Mark) -> dict[str, Slot]:
    """The entry of a mapping of which not every key is known."""
    return {REST: Slot(sure(cause), mark)}
