"""Worlds: one choice of every parameter and condition that a judgement touches.

A judgement is run again and again. Each time it asks something that isn't settled, the world picks an
answer; the next run takes the other one, until every combination that was touched has been tried. Nothing
that a judgement doesn't touch is ever varied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from scanner.value import Glued, Part, Partial, Question, Variable, ask_equals, assemble

if TYPE_CHECKING:
    from scanner.choice import Choice

Result = TypeVar("Result")
IS_EMPTY = ask_equals("")


_MOST_STEPS = 150_000
_LEAST_STEPS = 100
_TOO_MUCH = "values that take too long to work out"


class TooManyWorlds(Exception):
    """The judgement can't be finished; the message says what there is too much of."""


GIVEN_UP = (TooManyWorlds, RecursionError)
ENDLESS = "values that refer to one another without end"


class Effort:
    """How much work a file may still cost, in steps of resolving; every judgement is granted a share."""

    __slots__ = ("_floor", "_left")

    def __init__(self, steps: int = 500_000) -> None:
        self._left = steps
        self._floor = steps - _MOST_STEPS

    def grant(self) -> None:
        """Begin one judgement: when all is spent it still gets enough for what is simple."""
        self._floor = self._left - max(_LEAST_STEPS, min(_MOST_STEPS, self._left))

    def spend(self, steps: int = 1) -> None:
        """Count work; raises TooManyWorlds when the judgement's share is spent."""
        self._left -= steps
        if self._left < self._floor:
            raise TooManyWorlds(_TOO_MUCH)


class World:
    """One run: answers what was chosen before, chooses on what is asked for the first time."""

    __slots__ = (
        "_cursor",
        "_depth",
        "as_written",
        "choices",
        "conditions",
        "effort",
        "facts",
        "flips",
        "inputs",
        "touched",
        "trail",
        "varied",
    )

    def __init__(self, trail: list[list[int]], *, as_written: bool, effort: Effort | None = None) -> None:
        self.effort = effort or Effort()
        self.as_written = as_written
        self.inputs = 0
        """How often something was asked that another world could answer differently."""
        self.varied = False
        """True once a default was taken that another deployment could change."""
        self.choices: dict[str, Choice] = {}
        self.conditions: dict[tuple[str, str], bool | None] = {}
        self.flips: dict[str, bool] = {}
        self.facts: dict[str, str] = {}
        self.touched: dict[str, Choice] = {}
        self.trail = trail
        self._cursor = 0
        self._depth = 0

    @property
    def hangs_on_choices(self) -> bool:
        """True once another world could have answered something differently."""
        return self.varied or bool(self.trail)

    @property
    def forked(self) -> bool:
        """True once there is another world beside this one."""
        return bool(self.trail)

    def choose(self, count: int) -> int:
        """Pick one of `count` options; every option gets its run."""
        if self._cursor == len(self.trail):
            self.trail.append([0, count])
        picked = self.trail[self._cursor][0]
        self._cursor += 1
        return picked

    def flip(self, key: str) -> bool:
        """A free yes or no that nothing in the template decides, the same for the same key."""
        self.inputs += 1
        if key not in self.flips:
            self.flips[key] = self.choose(2) == 0
        return self.flips[key]

    def choice(self, variable: Variable) -> Choice:
        """What is settled about an input so far; from now on the run hangs on it."""
        found = self.choices.get(variable.key)
        if found is None:
            from scanner.choice import Choice

            found = self.choices[variable.key] = Choice(variable)
        if not self._depth:
            self.touched[variable.key] = found
        return found

    def settled(self, variable: Variable) -> str | None:
        """The value of an input that has only one left."""
        if variable.key not in self.choices:
            candidates = variable.domain.candidates
            return candidates[0] if candidates is not None and len(candidates) == 1 else None
        return self.choice(variable).text

    def enter(self) -> int:
        """Begin to look inside a condition: inputs asked for there are not facts of their own."""
        self._depth += 1
        return self._depth

    def leave(self, name: str, answer: bool) -> None:
        """End of a condition; its answer is a fact when the judgement itself asked for it."""
        self._depth -= 1
        self.state(name, answer)

    def state(self, name: str, answer: bool) -> None:
        """Note a condition's answer as a fact, unless it was asked from inside another condition."""
        if not self._depth:
            self.facts[name] = "is true" if answer else "is false"

    def ask(self, variable: Variable, question: Question) -> bool:
        """Answer about one input, narrowing what it may still be."""
        return self.choice(variable).ask(question, self.choose)

    def pick(self, variable: Variable) -> str | None:
        """Settle an input on one value; None when its values can't be listed."""
        return self.choice(variable).pick(self.choose)

    def pick_key(self, variable: Variable, keys: tuple[str, ...]) -> str | None:
        """Settle an input on one of `keys`; None when it may be none of them."""
        return self.choice(variable).pick_key(keys, self.choose)

    def test(self, partial: Partial, question: Question) -> bool | None:
        """Answer a question about partly known text; None when nothing can decide it."""
        parts = partial.parts
        if len(parts) == 1:
            part = parts[0]
            if isinstance(part, Variable):
                return self.ask(part, question)
            if isinstance(part, Glued):
                if question.kind == "equals" and question.operand == "":
                    return self.ask(part.variable, IS_EMPTY)
                return None
            return None
        answer = question.literal(parts)
        if answer is not None:
            return answer
        settled: list[Part] = []
        for part in parts:
            picked = self.pick(part) if isinstance(part, Variable) else None
            settled.append(part if picked is None else picked)
        text = assemble(settled)
        if isinstance(text, str):
            return question.holds(text)
        return question.literal(text.parts)

    def all_facts(self) -> dict[str, str]:
        """Conditions and inputs that this run hung on, with what they were."""
        facts = dict(self.facts)
        for choice in self.touched.values():
            if choice.answers or choice.text is not None:
                facts.setdefault(choice.variable.name, choice.describe())
        return facts


def explore(
    judge: Callable[[World], Result],
    *,
    as_written: bool,
    limit: int,
    effort: Effort,
    first: tuple[Result, World] | None = None,
) -> Iterator[tuple[Result, World]]:
    """Run `judge` once for every world it can tell apart; raises TooManyWorlds above `limit`.

    `first` is the first run, where it has been made already.
    """
    trail = [list(step) for step in first[1].trail] if first else []
    for _ in range(limit):
        if first:
            yield first
            first = None
        else:
            world = World(trail, as_written=as_written, effort=effort)
            yield judge(world), world
        while trail and trail[-1][0] + 1 == trail[-1][1]:
            trail.pop()
        if not trail:
            return
        trail[-1][0] += 1
    raise TooManyWorlds(f"more than {limit} combinations of parameters and conditions")
