"""Values that are known in part or not at all, and the questions that can be asked of them.

A judged value is a plain JSON value, None for "absent", or a `Partial`: text of which some parts are not
known. A `Partial` of one `Opaque` stands for any present value of any type.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from itertools import groupby
from typing import Any, NamedTuple, Protocol


class Domain(Protocol):
    """What a free input may be."""

    @property
    def default(self) -> str | None:
        """What it is when nobody says."""

    @property
    def candidates(self) -> tuple[str, ...] | None:
        """Every value it may take, or None when they can't be listed."""

    @property
    def secret(self) -> bool:
        """Must none of its values be shown?"""

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest number it may be."""

    def allows(self, text: str) -> bool:
        """May it be this text?"""

    def may_match(self, pattern: str) -> bool:
        """May it be a text with a match of this pattern?"""


class Variable(NamedTuple):
    """A free input of a template: a parameter or pseudo parameter that may take several values.

    `key` is unique among the templates judged together, `name` is what a person sees. `listed` inputs
    are comma-separated lists.
    """

    key: str
    name: str
    domain: Domain
    listed: bool = False


class Glued(NamedTuple):
    """A list input joined with another delimiter than its own comma: only its emptiness is known."""

    variable: Variable


class Opaque(NamedTuple):
    """Something present that can't be known; `cause` says what it comes from.

    `refers` is the type, logical id, attribute ("" for Ref) and template's key of a resource.
    """

    cause: str
    refers: tuple[str, ...] | None = None
    malformed: bool = False
    """True where `cause` says what stands in the wrong place."""
    filled: bool = False
    """True for what is never empty text: other resources, imports, stored and referenced values."""
    more: bool = False
    """True for the last item of a list that may have more of them elsewhere."""
    encoded: tuple[Any, ...] = ()
    """The parts of the text that this is in Base64, where that much is known."""
    near: bool = False
    """True where it may be a resource in sight, and can't be told which."""
    same: tuple[Any, ...] = ()
    """What it is read from, of which kind and by the template of which key: the same is the same value."""


Part = str | Variable | Glued | Opaque


class Partial(NamedTuple):
    """Text made of known and unknown parts, in order; at least one part is unknown."""

    parts: tuple[Part, ...]

    @property
    def cause(self) -> str:
        """What the first unknown part comes from."""
        for part in self.parts:
            if isinstance(part, Opaque):
                return part.cause
            if isinstance(part, Variable):
                return describe_input(part)
            if isinstance(part, Glued):
                return describe_input(part.variable)
        raise ValueError("a Partial has an unknown part")


def is_surely_text(partial: Partial) -> bool:
    """True for what can be no list and no mapping: an assembled text, or an input that is no list."""
    return len(partial.parts) > 1 or (isinstance(partial.parts[0], Variable) and not partial.parts[0].listed)


def describe_input(variable: Variable) -> str:
    """Name a free input in words."""
    return variable.name if variable.name.startswith("AWS::") else f"parameter {variable.name}"


def unknown(cause: str, refers: tuple[str, ...] | None = None, *, filled: bool = False) -> Partial:
    """A value of which only its presence is known."""
    return Partial((Opaque(cause, refers, filled=filled or refers is not None),))


def assemble(parts: list[Part]) -> str | Partial:
    """Join neighbouring known parts; the result is a plain string when nothing is unknown."""
    joined: list[Part] = []
    for known, run in groupby(parts, lambda part: isinstance(part, str)):
        if not known:
            joined += run
        elif text := "".join(map(str, run)):
            joined.append(text)
    if not joined:
        return ""
    if len(joined) == 1 and isinstance(joined[0], str):
        return joined[0]
    return Partial(tuple(joined))


def more_of(item: Any) -> Partial | None:
    """What stands at the end of a list for items that may be elsewhere."""
    part = item.parts[0] if type(item) is Partial else None
    return item if isinstance(part, Opaque) and part.more else None


def is_near(item: Any) -> bool:
    """May it be a resource in sight?"""
    part = item.parts[0] if type(item) is Partial else None
    return isinstance(part, Opaque) and part.near


REST = "Fn::Rest"
"""Key of a `Partial` in a mapping that may hold more than what is seen: keys that are absent may be in it."""


def rest_of(mapping: Mapping[str, Any]) -> Partial | None:
    """What a mapping's absent keys may be hidden in. No text that is read can hold such a value."""
    found = mapping.get(REST)
    return found if type(found) is Partial else None


LEFT = unknown("what the update leaves as it is", filled=True)
"""What the properties that an update does not give are hidden in."""
UNTOLD = "what the update does not speak of"
"""The cause of what is not known of a place that an update has nothing to do with."""


def is_change(properties: Any) -> bool:
    """Are they what an update gives?"""
    return properties == LEFT or (type(properties) is dict and properties.get(REST) == LEFT)


class Question(NamedTuple):
    """A yes-or-no question about a text, askable of a known text, an input, or partly known text.

    `kind` and `operand` identify it; `holds` answers it for a known text; `literal` decides it from the
    known parts alone (None: they don't decide); `phrase(answer)` words the answer ("is 'x'", "> 1").
    """

    kind: str
    operand: Any
    holds: Callable[[str], bool]
    literal: Callable[[tuple[Part, ...]], bool | None]
    phrase: Callable[[bool], str]


def undecided(parts: tuple[Part, ...]) -> bool | None:
    """The known parts never decide."""
    return None


def may_be(parts: tuple[Part, ...], text: str) -> bool:
    """Can the unknown parts be filled in so that `text` comes out? In linear time, which a regex isn't."""
    at, free = 0, False
    for part in parts[:-1]:
        if not isinstance(part, str):
            free = True
            continue
        if not part:
            continue
        found = text.find(part, at) if free else at
        if found < 0 or not text.startswith(part, found):
            return False
        at, free = found + len(part), False
    last = parts[-1]
    if not isinstance(last, str):
        return True
    return len(text) - len(last) >= at and text.endswith(last) and (free or text[at:] == last)


@lru_cache(maxsize=1024)
def ask_equals(operand: str, holds: Callable[[str], bool] | None = None) -> Question:
    """Is the text `operand`? `holds` may compare after coercion ("True" is true)."""

    def literal(parts: tuple[Part, ...]) -> bool | None:
        return None if may_be(parts, operand) else False

    return Question(
        "equals",
        operand,
        holds or (lambda text: text == operand),
        literal if holds is None else undecided,
        lambda answer: (
            f"is {'' if answer else 'not '}'{operand}'" if operand else ("is empty" if answer else "is given")
        ),
    )


def ask_matches(pattern: str, label: str | None = None) -> Question:
    """Does the text contain a match of `pattern`?

    A match inside the leading or the last known part decides, and a beginning or end that is not its own.
    """
    search = partial(re.search, pattern)

    def literal(parts: tuple[Part, ...]) -> bool | None:
        first, last = parts[0], parts[-1]
        open_started, open_ended, beginning, ending = _open_sides(pattern)
        if isinstance(first, str):
            if open_ended and search(first):
                return True
            if first[: len(beginning)] != beginning[: len(first)]:
                return False
        if not isinstance(last, str) or not last or last[-1] == "\n":
            return None
        if open_started and search(last):
            return True
        return False if last[-len(ending) :] != ending[-len(last) :] and ending else None

    name = label or f"like {pattern}"
    return Question(
        "matches",
        pattern,
        lambda text: search(text) is not None,
        literal,
        lambda answer: f"is {'' if answer else 'not '}{name}",
    )


@lru_cache(maxsize=1024)
def _open_sides(pattern: str) -> tuple[bool, bool, str, str]:
    """Does a match hang on nothing before it, on nothing after it; the texts that it begins and ends with."""
    open_started = not re.search(r"\^|\\[AbB]|\(\?", pattern)
    open_ended = not re.search(r"[$]|\\[bBZ]|\(\?", pattern)
    tail = re.search(r"(?<!\\)((?:[\w:/@-]|\\[.+])+)\$$", pattern)
    head = re.match(r"\^((?:[\w:/@-]|\\[.]|\[[.]])+)(?![?*+{])", pattern)
    if "|" in pattern or "(?" in pattern:
        head = tail = None
    beginning, ending = (re.sub(r"\\|\[(?=[.])|(?<=[.])]", "", it[1]) if it else "" for it in (head, tail))
    return open_started, open_ended, beginning, ending


def ask_one_of(options: tuple[str, ...]) -> Question:
    """Is the text one of `options`?"""
    members = frozenset(options)

    def literal(parts: tuple[Part, ...]) -> bool | None:
        return None if any(may_be(parts, option) for option in options) else False

    name = "one of " + ", ".join(f"'{option}'" for option in options[:4])
    return Question(
        "one-of",
        options,
        lambda text: text in members,
        literal,
        lambda answer: f"is {'' if answer else 'not '}{name}",
    )


def ask_at_least(bound: float, *, whole: bool) -> Question:
    """Is the text a number of at least `bound`? Text that is no number answers yes, as in JSON Schema."""

    def holds(text: str) -> bool:
        number = as_number(text)
        return number is None or number >= bound

    def phrase(answer: bool) -> str:
        if answer:
            return f"> {bound - 1:g}" if whole else f">= {bound:g}"
        return f"< {bound:g}"

    return Question("at-least", bound, holds, undecided, phrase)


def ask_at_most(bound: float, *, whole: bool) -> Question:
    """Is the text a number of at most `bound`? Text that is no number answers yes."""

    def holds(text: str) -> bool:
        number = as_number(text)
        return number is None or number <= bound

    def phrase(answer: bool) -> str:
        if answer:
            return f"< {bound + 1:g}" if whole else f"<= {bound:g}"
        return f"> {bound:g}"

    return Question("at-most", bound, holds, undecided, phrase)


_NUMBER = re.compile(r"[-+]?(\d{1,300}(\.\d{0,300})?|\.\d{1,300})([eE][-+]?\d{1,3})?")


def as_number(text: str) -> float | int | None:
    """Read a decimal number, as CloudFormation passes it; None when the text is none."""
    if _NUMBER.fullmatch(text.strip()) is None:
        return None
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def as_text(value: object) -> str:
    """Write a scalar as CloudFormation passes it on."""
    if value is True:
        return "true"
    if value is False:
        return "false"
    return str(value)
