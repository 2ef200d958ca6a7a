"""Whether a text can match two regular expressions: a parameter's AllowedPattern, and what a control asks."""

from __future__ import annotations

import re
from functools import lru_cache

from scanner.template.parameter import PIECE

_ALPHABET = "\n" + "".join(map(chr, range(32, 127)))
_MOST_STATES = 600
_MOST_STEPS = 100_000
_AHEAD = re.compile(r"\(\?[=!][^()]*\)")
_ANY = (1 << len(_ALPHABET)) - 1


class _Unreadable(Exception):
    """A pattern that is not taken apart here."""


class _Machine:
    """A pattern as states: from each, steps that take no character, and those that take one of a set."""

    def __init__(self, pattern: str, *, anywhere: bool) -> None:
        self.empty: list[list[int]] = []
        self.steps: list[list[tuple[int, int]]] = []
        self.pieces = re.findall(PIECE, pattern)
        if "".join(self.pieces) != pattern or not pattern.isascii():
            raise _Unreadable
        self.at = 0
        self.anywhere = anywhere
        start, end = self.state(), self.state()
        self.alternatives(start, end)
        if self.at != len(self.pieces):
            raise _Unreadable
        self.start, self.end = start, end

    def state(self) -> int:
        if len(self.steps) >= _MOST_STATES:
            raise _Unreadable
        self.empty.append([])
        self.steps.append([])
        return len(self.steps) - 1

    def peek(self) -> str:
        return self.pieces[self.at] if self.at < len(self.pieces) else ""

    def alternatives(self, start: int, end: int, top: bool = True) -> None:
        while True:
            here = self.state()
            self.empty[start].append(here)
            if top and self.anywhere:
                if self.peek() == "^":
                    self.at += 1
                else:
                    self.steps[here].append((_ANY, here))
            last = self.sequence(here, top)
            self.empty[last].append(end)
            if self.peek() != "|":
                return
            self.at += 1

    def sequence(self, here: int, top: bool) -> int:
        while (piece := self.peek()) and piece not in "|)":
            if top and piece == "^" and not self.anywhere:
                self.at += 1
            elif top and piece == "$":
                self.at += 1
                if self.peek() not in ("", "|"):
                    raise _Unreadable
                return here
            else:
                here = self.repeated(here)
        if top and self.anywhere:
            self.steps[here].append((_ANY, here))
        return here

    def repeated(self, start: int) -> int:
        first = self.at
        here = self.atom(start)
        least, most = self.count()
        if (least, most) == (1, 1):
            return here
        after, end, here = self.at, self.state(), start
        # What is repeated is read again for each time.
        for number in range(max(least, 1) if most is None else most):
            before, self.at = self.state(), first
            self.empty[here].append(before)
            if number >= least:
                self.empty[before].append(end)
            here = self.atom(before)
            if most is None and number + 1 >= least:
                self.empty[here].append(before)
        self.empty[here].append(end)
        self.at = after
        return end

    def count(self) -> tuple[int, int | None]:
        piece = self.peek()
        counts: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if piece in counts:
            found = counts[piece]
        elif piece[:1] == "{" and len(piece) > 1:
            low, comma, high = piece[1:-1].partition(",")
            found = (int(low or 0), int(high) if high else None if comma else int(low or 0))
        else:
            return 1, 1
        self.at += 1
        if self.peek()[:1] in ("?", "+", "*", "{") and self.peek():
            raise _Unreadable
        return found

    def atom(self, start: int) -> int:
        piece = self.peek()
        self.at += 1
        end = self.state()
        if piece == "(":
            self.alternatives(start, end, top=False)
            if self.peek() != ")":
                raise _Unreadable
            self.at += 1
        elif piece in ("^", "$", "*", "+", "?", "{") or re.fullmatch(r"\\[AbBZ0-9]|\[.*[\[&].*", piece):
            raise _Unreadable
        else:
            is_one = re.compile(piece, re.DOTALL).fullmatch
            taken = sum(1 << number for number, each in enumerate(_ALPHABET) if is_one(each))
            self.steps[start].append((taken, end))
        return end

    def closure(self, state: int) -> frozenset[int]:
        found, waiting = {state}, [state]
        while waiting:
            for each in self.empty[waiting.pop()]:
                if each not in found:
                    found.add(each)
                    waiting.append(each)
        return frozenset(found)


@lru_cache(maxsize=256)
def can_match_both(allowed: str, asked: str) -> bool:
    """Can a text match all of `allowed`, and `asked` in some place? True also where that is not worked out.

    What `asked` looks ahead for is passed over, which leaves it more to match.
    """
    try:
        one, other = (
            _Machine(re.sub(r"\(\?:|\(\?P<\w+>", "(", pattern), anywhere=anywhere)
            for pattern, anywhere in ((allowed, False), (_AHEAD.sub("", asked), True))
        )
    except (_Unreadable, ValueError, re.error, RecursionError):
        return True
    start = (one.start, other.start)
    seen, waiting, spent = {start}, [start], 0
    while waiting:
        left, right = waiting.pop()
        lefts, rights = one.closure(left), other.closure(right)
        if one.end in lefts and other.end in rights:
            return True
        near = [step for state in lefts for step in one.steps[state]]
        far = [step for state in rights for step in other.steps[state]]
        spent += len(lefts) + len(rights) + len(near) * len(far)
        if spent > _MOST_STEPS:
            return True
        found = {(to, after) for taken, to in near for wanted, after in far if taken & wanted} - seen
        seen |= found
        waiting += found
    return False
