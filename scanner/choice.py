"""What one world has settled about one input, and what it may still be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scanner.value import Question, Variable, as_number

Choose = Callable[[int], int]
"""Picks one of so many options; every option gets its run."""


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

    def ask(self, question: Question, choose: Choose) -> bool:
        """Answer about it, narrowing what it may still be."""
        if self.candidates is not None:
            return self._split(self.candidates, question, choose)
        answer = self._known(question)
        if answer is None:
            answer = choose(2) == 0
            self.note(question, answer)
            if question.kind == "equals":
                if answer:
                    self.candidates = (question.operand,)
            elif question.kind == "at-least":
                self.low, self.high = (
                    (question.operand, self.high) if answer else (self.low, question.operand - 1e-9)
                )
            elif question.kind == "at-most":
                self.low, self.high = (
                    (self.low, question.operand) if answer else (question.operand + 1e-9, self.high)
                )
        return answer

    def _split(self, candidates: tuple[str, ...], question: Question, choose: Choose) -> bool:
        holds = question.holds
        yes = [candidate for candidate in candidates if holds(candidate)]
        if len(yes) == len(candidates):
            return True
        if not yes:
            return False
        answer = choose(2) == 0
        self.candidates = tuple(yes if answer else [each for each in candidates if each not in yes])
        self.note(question, answer)
        return answer

    def _known(self, question: Question) -> bool | None:
        before = self.answers.get((question.kind, question.operand))
        if before is not None:
            return before[1]
        if question.kind == "equals":
            number = as_number(question.operand)
            outside = number is not None and not self.low <= number <= self.high
            if outside or not self.variable.domain.allows(question.operand):
                return False
        elif question.kind == "matches":
            if not self.variable.domain.may_match(question.operand):
                return False
        elif question.kind == "at-least":
            if self.low >= question.operand:
                return True
            if self.high < question.operand:
                return False
        elif question.kind == "at-most":
            if self.high <= question.operand:
                return True
            if self.low > question.operand:
                return False
        return None

    def pick(self, choose: Choose) -> str | None:
        """Settle it on one value; None when its values can't be listed."""
        if self.candidates is None:
            return None
        if len(self.candidates) > 1:
            self.candidates = (self.candidates[choose(len(self.candidates))],)
        return self.candidates[0]

    def pick_key(self, keys: tuple[str, ...], choose: Choose) -> str | None:
        """Settle it on one of `keys`; None when it may be none of them."""
        if self.candidates is not None:
            options = [key for key in self.candidates if key in keys]
        else:
            options = [key for key in keys if not self.excludes(key) and self.variable.domain.allows(key)]
        if not options:
            return None
        picked = options[choose(len(options))] if len(options) > 1 else options[0]
        self.candidates = (picked,)
        return picked
