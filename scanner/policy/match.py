"""Patterns with `*` and `?`, matched in time that grows with the text and not with what a `*` might be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Pieces = Sequence[tuple[str, bool]]
"""A pattern in pieces of (text, whether `*` and `?` in it are wildcards)."""
Matcher = Callable[[str], bool]
_COLONS_OF_ARN = 5
LONGEST = 4_096
"""Characters of a text that is matched; AWS itself stops at 2,048 for an ARN."""


def compile_pattern(pieces: Pieces) -> Matcher:
    """A test for a whole text, case and all; `*` stands for any text and `?` for one character."""
    segments: list[list[tuple[str, bool]]] = [[]]
    for text, wild in pieces:
        head, *more = text.split("*") if wild else [text]
        segments[-1].append((head, wild))
        segments += [[(each, wild)] for each in more]
    first, *rest = (_Segment(each) for each in segments)
    if not rest:
        return first.equals
    *middle, last = (each for each in rest if each.length or each is rest[-1])
    least = first.length + last.length + sum(each.length for each in middle)
    if not least:
        return _anything

    def matches(text: str) -> bool:
        # The leftmost place for each segment leaves the most room for the next: no place is tried twice.
        end = len(text) - last.length
        if len(text) < least or not first.stands_at(text, 0) or not last.stands_at(text, end):
            return False
        at = first.length
        for segment in middle:
            at = segment.find(text, at, end)
            if at < 0:
                return False
        return True

    return matches


def split_arn(pieces: Pieces) -> list[list[tuple[str, bool]]]:
    """A pattern in the six parts of an ARN, or fewer; colons in the value of a variable don't part it."""
    parts: list[list[tuple[str, bool]]] = [[]]
    for text, wild in pieces:
        if wild:
            head, *more = text.split(":", _COLONS_OF_ARN + 1 - len(parts))
            parts[-1].append((head, True))
            parts += [[(each, True)] for each in more]
        else:
            parts[-1].append((text, False))
    return parts


def compile_arn(pieces: Pieces) -> Callable[[Sequence[str]], bool] | None:
    """A test for the parts of an ARN, each matched on its own; None for what is no pattern of an ARN."""
    parts = [compile_pattern(part) for part in split_arn(pieces)]
    if len(parts) <= _COLONS_OF_ARN:
        return None
    tests = [(index, test) for index, test in enumerate(parts) if test is not _anything]
    return lambda text: len(text) == len(parts) and all(test(text[index]) for index, test in tests)


def arn_parts(text: str) -> list[str]:
    """An ARN in its six parts; fewer for what is none."""
    return text.split(":", _COLONS_OF_ARN)


def _anything(_: str) -> bool:
    return True


class _Segment:
    """What stands between two `*`."""

    __slots__ = ("length", "masks", "text", "wildcards")

    def __init__(self, pieces: Pieces) -> None:
        self.length = sum(len(text) for text, _ in pieces)
        self.text: str | None = None
        if not any(wild and "?" in text for text, wild in pieces):
            self.text = "".join(text for text, _ in pieces)
            return
        self.wildcards = 0
        self.masks: dict[str, int] = {}
        if self.length > LONGEST:
            return
        flags = [(character, wild and character == "?") for text, wild in pieces for character in text]
        for index, (_, anyone) in enumerate(flags):
            self.wildcards |= anyone << index
        for index, (character, anyone) in enumerate(flags):
            if not anyone:
                self.masks[character] = self.masks.get(character, self.wildcards) | 1 << index

    def equals(self, text: str) -> bool:
        return (
            text == self.text
            if self.text is not None
            else self.find(text, 0, len(text)) == len(text) == self.length
        )

    def stands_at(self, text: str, at: int) -> bool:
        if self.text is not None:
            return text.startswith(self.text, at)
        return self.find(text, at, at + self.length) >= 0

    def find(self, text: str, start: int, end: int) -> int:
        """Where the first occurrence within these bounds ends, or -1."""
        if self.text is not None:
            found = text.find(self.text, start, end)
            return found if found < 0 else found + self.length
        if self.length > LONGEST:
            return -1
        # Bit n of `reached`: the first n + 1 characters of the segment end here.
        reached, whole = 0, 1 << self.length - 1
        for at in range(start, end):
            reached = (reached << 1 | 1) & self.masks.get(text[at], self.wildcards)
            if reached & whole:
                return at + 1
        return -1
