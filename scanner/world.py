"""Worlds: one choice of every parameter and condition that a judgement touches.

A judgement is run again and again. Each time it asks something that isn't settled, the world picks an
answer; the next run takes the other one, until every combination that was touched has been tried. Nothing
that a judgement doesn't touch is ever varied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from scanner.value import Glued, Part, Partial, Question, Variable, as_number, ask_equals, assemble

Result = TypeVar("Result")
IS_EMPTY = ask_equals("")


_MOST_STEPS = 150_000
_LEAST_STEPS = 100
_TOO_MUCH = "values that take too long to work out"


class TooManyWorlds(Exception):
    """The judgement can't be finished; the message says what there is too much of."""


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


class Choice:
    """What one world has settled about one input."""

    __slots__ = ("answers", "candidates", "high", "low", "variable")

    def __init__(self, variable: Variable) -> None:
        self.variable = variable
        self.candidates = variable.domain.candidates
        self.low, self.high = variable.domain.bounds
        self.answers: dict[tuple[str, Any], tuple[Question, bool]] = {}
        """Every question that had more than one answer, in order, by what identifies it."""

    @property
    def text(self) -> str | None:
        """Its value, once only one is left."""
        return self.candidates[0] if self.candidates is not None and len(self.candidates) == 1 else None

    def note(self, question: Question, answer: bool) -> None:
        """Keep one more thing that is settled."""
        self.answers[question.kind, question.operand] = question, answer

    def excludes(self, text: str) -> bool:
        """True once the answer was that it is not `text`."""
        found = self.answers.get(("equals", text))
        return found is not None and not found[1]

    def describe(self) -> str:
        """Word what is settled: "is 'Enabled'", "> 1", "is empty"."""
        if self.variable.domain.secret:
            phrases = [asked.phrase(answer) for asked, answer in self.answers.values()]
            shown = [phrase for phrase in phrases if phrase in ("is empty", "is given")]
            return shown[-1] if shown else "has a certain value"
        if self.candidates is not None and len(self.candidates) <= 3:
            if self.candidates == ("",):
                return "is empty"
            return "is " + " or ".join(f"'{candidate}'" for candidate in self.candidates)
        # What it is says more than what it is not.
        said = [each for each in self.answers.values() if each[1]] or list(self.answers.values())
        return " and ".join(asked.phrase(answer) for asked, answer in said[-2:])


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
        choice = self.choice(variable)
        if choice.candidates is not None:
            return self._split(choice, question)
        answer = self._known(choice, question)
        if answer is None:
            answer = self.choose(2) == 0
            choice.note(question, answer)
            if question.kind == "equals":
                if answer:
                    choice.candidates = (question.operand,)
            elif question.kind == "at-least":
                choice.low, choice.high = (
                    (question.operand, choice.high) if answer else (choice.low, question.operand - 1e-9)
                )
            elif question.kind == "at-most":
                choice.low, choice.high = (
                    (choice.low, question.operand) if answer else (question.operand + 1e-9, choice.high)
                )
        return answer

    def _split(self, choice: Choice, question: Question) -> bool:
        candidates, holds = choice.candidates or (), question.holds
        yes = [candidate for candidate in candidates if holds(candidate)]
        if len(yes) == len(candidates):
            return True
        if not yes:
            return False
        answer = self.choose(2) == 0
        choice.candidates = tuple(yes if answer else [each for each in candidates if each not in yes])
        choice.note(question, answer)
        return answer

    @staticmethod
    def _known(choice: Choice, question: Question) -> bool | None:
        before = choice.answers.get((question.kind, question.operand))
        if before is not None:
            return before[1]
        if question.kind == "equals":
            number = as_number(question.operand)
            outside = number is not None and not choice.low <= number <= choice.high
            if outside or not choice.variable.domain.allows(question.operand):
                return False
        elif question.kind == "matches":
            if not choice.variable.domain.may_match(question.operand):
                return False
        elif question.kind == "at-least":
            if choice.low >= question.operand:
                return True
            if choice.high < question.operand:
                return False
        elif question.kind == "at-most":
            if choice.high <= question.operand:
                return True
            if choice.low > question.operand:
                return False
        return None

    def pick(self, variable: Variable) -> str | None:
        """Settle an input on one value; None when its values can't be listed."""
        choice = self.choice(variable)
        if choice.candidates is None:
            return None
        if len(choice.candidates) > 1:
            choice.candidates = (choice.candidates[self.choose(len(choice.candidates))],)
        return choice.candidates[0]

    def pick_key(self, variable: Variable, keys: tuple[str, ...]) -> str | None:
        """Settle an input on one of `keys`; None when it may be none of them."""
        choice = self.choice(variable)
        if choice.candidates is not None:
            options = [key for key in choice.candidates if key in keys]
        else:
            options = [key for key in keys if not choice.excludes(key) and choice.variable.domain.allows(key)]
        if not options:
            return None
        picked = options[self.choose(len(options))] if len(options) > 1 else options[0]
        choice.candidates = (picked,)
        return picked

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
