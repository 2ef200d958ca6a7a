"""What judging a value takes and gives: a way to read values, and what isn't met."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from scanner.joint import OWNER
from scanner.kind import Kind
from scanner.value import Opaque, Partial, Question, unknown

Teller = Callable[[str, str, tuple[str, ...]], tuple[bool | None, str] | None]
"""As `View.tell`."""


class View(Protocol):
    """How a judgement reads raw values: a template's in one world, or plain JSON."""

    @property
    def home(self) -> Any:
        """What it reads: the template of a resource; None where there is only one."""

    def within(self, home: Any) -> "View":
        """The view of what another resource stands in, in the same world."""

    def value(self, raw: Any) -> Any:
        """The value in sight: plain, `Partial`, or None where it is absent or empty."""

    def follow(self, raw: Any, joint: Any) -> Any:
        """The properties of the resource that a raw value names; None where it is not there."""

    def gather(self, properties: Any, joint: Any) -> Any:
        """The properties of those that name this resource: a list, None if there are none.

        Partial where there may be some that are not in sight; at the end of a list that may go on, `more_of`.
        """

    def test(self, partial: Partial, question: Question) -> bool | None:
        """Answer a question about partly known text."""

    def tell(self, predicate: str, text: str, known: tuple[str, ...]) -> tuple[bool | None, str] | None:
        """What a predicate is known to say of a text, with words as it has them; None: the text decides."""


class PlainView:
    """Reads plain JSON: null, "", [], {} and what consists of nothing else are absent."""

    home: Any = None

    def within(self, home: Any) -> View:
        """Itself: plain JSON is the same wherever it stands."""
        return self

    def value(self, raw: Any) -> Any:
        """The value itself, or None where nothing is there."""
        if type(raw) is dict:
            return raw if any(self.value(child) is not None for child in raw.values()) else None
        if type(raw) is list:
            return raw if any(self.value(child) is not None for child in raw) else None
        return None if raw == "" else raw

    def follow(self, raw: Any, joint: Any) -> Any:
        """One resource alone leads to no other."""
        return unknown("another resource")

    def gather(self, properties: Any, joint: Any) -> Any:
        """One resource alone leads to no other."""
        return unknown("other resources")

    def test(self, partial: Partial, question: Question) -> bool | None:
        """Only the known parts of a text can decide."""
        return question.literal(partial.parts) if len(partial.parts) > 1 else None

    def tell(self, predicate: str, text: str, known: tuple[str, ...]) -> tuple[bool | None, str] | None:
        """Nothing."""
        return None


PLAIN = PlainView()


def seat(view: View, found: Any) -> View:
    """The view that a resource's properties are read by, if `found` are those of one."""
    owner = found.get(OWNER) if type(found) is dict else None
    return view if owner is None else view.within(owner.home)


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
    if isinstance(part, Opaque) and part.more:
        return f"has none here as asked for, and {part.cause}{' is not known here' if part.near else ''}"
    return f"{'is inside' if inside else 'comes from'} {value.cause}, which is not known here"


def doubt_about(value: Partial) -> Miss:
    return Miss(obscured(value), certain=False, cause=value.cause)


def doubt_shape(value: Any) -> Miss | None:
    """A value that only has to be there, but is of a shape that CloudFormation would not take."""
    part = value.parts[0] if type(value) is Partial else None
    return doubt_about(value) if isinstance(part, Opaque) and part.malformed else None
