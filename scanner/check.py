"""What judging a value takes and gives: a way to read values, and what isn't met."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from scanner.kind import Kind
from scanner.value import Opaque, Partial, Question


class View(Protocol):
    """How a judgement reads raw values: a template's in one world, or plain JSON."""

    def value(self, raw: Any) -> Any:
        """The value in sight: plain, `Partial`, or None where it is absent or empty."""

    def test(self, partial: Partial, question: Question) -> bool | None:
        """Answer a question about partly known text."""

    def tell(self, predicate: str, text: str, known: tuple[str, ...]) -> tuple[bool | None, str] | None:
        """What a predicate is known to say of a text, with words as it has them; None: the text decides."""


class PlainView:
    """Reads plain JSON: null, "", [], {} and what consists of nothing else are absent."""

    def value(self, raw: Any) -> Any:
        """The value itself, or None where nothing is there."""
        if type(raw) is dict:
            return raw if any(self.value(child) is not None for child in raw.values()) else None
        if type(raw) is list:
            return raw if any(self.value(child) is not None for child in raw) else None
        return None if raw == "" else raw

    def test(self, partial: Partial, question: Question) -> bool | None:
        """Only the known parts of a text can decide."""
        return question.literal(partial.parts) if len(partial.parts) > 1 else None

    def tell(self, predicate: str, text: str, known: tuple[str, ...]) -> tuple[bool | None, str] | None:
        """Nothing."""
        return None


PLAIN = PlainView()


class Miss(NamedTuple):
    """A requirement that isn't met, or (`certain` false) may not be met."""

    text: str
    certain: bool = True
    cause: str | None = None


Check = Callable[[View, Any, Kind], Miss | None]
"""Judges a present value; None means it holds."""


def obscured(value: Partial, *, inside: bool = False) -> str:
    """Word why a value can't be judged; `inside`: it would be a part of `value`."""
    part = value.parts[0]
    if isinstance(part, Opaque) and part.malformed:
        return f"can't be judged, because there is {part.cause}"
    return f"{'is inside' if inside else 'comes from'} {value.cause}, which is not known here"


def doubt_about(value: Partial) -> Miss:
    return Miss(obscured(value), certain=False, cause=value.cause)


def doubt_shape(value: Any) -> Miss | None:
    """A value that only has to be there, but is of a shape that CloudFormation would not take."""
    part = value.parts[0] if type(value) is Partial else None
    return doubt_about(value) if isinstance(part, Opaque) and part.malformed else None
