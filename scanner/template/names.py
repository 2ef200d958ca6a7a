"""Names as they are spelled: what is not known of one is a letter, the same where it is the same unknown.

So a name is told to be another's, surely another, or neither, and found without a look at all others.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import groupby, takewhile
from typing import TYPE_CHECKING, Any

from scanner.joint import names_in
from scanner.value import Opaque, Part, Partial, Variable, may_be

if TYPE_CHECKING:
    from scanner.template.template import Template
    from scanner.template.view import View
    from scanner.world import Effort

Spot = tuple["Template", str]
"""A resource: the template that it stands in, and its logical id there."""
Place = tuple[int, Spot]
"""A resource with its number among those of its type."""

_FIRST, _LAST = "\U000f0000", "\U0010ffff"
_LONGEST = 300
"""No name is as long."""
_HOLE = Opaque("")


class Speller:
    """Spells the texts of templates that are judged together."""

    def __init__(self, templates: Mapping[str, "Template"]) -> None:
        self._templates = templates
        self._letters: dict[Hashable, str] = {}
        self._inputs: dict[str, Variable] = {}

    def spell(self, view: "View", value: Any) -> str:
        """A text that only what is the same has too, in one world; empty where there is none."""
        if type(value) is int:
            return str(value)
        if type(value) is str:
            return value if value.isascii() or max(value) < _FIRST else ""
        letters = [self._letter(view, part) for part in value.parts] if type(value) is Partial else []
        return "".join(letters) if all(letters) else ""

    def _letter(self, view: "View", part: Part) -> str:
        if isinstance(part, str):
            return self.spell(view, part)
        key: Hashable = None
        if isinstance(part, Variable):
            key = part.key
        elif isinstance(part, Opaque) and part.same:
            how, home, raw = part.same
            there = view.inside(self._templates[home]) if home in self._templates else view
            key = text = self.spell(there, there.text(raw) if how == "import" else raw)
            key = (how, text) if text else None
        elif isinstance(part, Opaque) and part.refers and len(part.refers) > 3:
            key = part.refers
        if key is None or (key not in self._letters and ord(_FIRST) + len(self._letters) >= ord(_LAST)):
            return ""
        letter = self._letters.setdefault(key, chr(ord(_FIRST) + len(self._letters)))
        if isinstance(part, Variable):
            self._inputs[letter] = part
        return letter

    def may_equal(self, one: str, other: str) -> bool:
        """Can what is unknown be filled in so that two texts are the same?"""
        for _ in range(2):  # What both begin with says nothing, nor what both end with.
            shared = sum(1 for _ in takewhile(lambda it: it[0] == it[1], zip(one, other, strict=False)))
            one, other = one[shared:][::-1], other[shared:][::-1]
        if is_known(one):
            one, other = other, one
        if not is_known(other):
            sides = ((one[0], other[0]), (one[-1], other[-1]))
            return all(not is_known(left) or not is_known(right) for left, right in sides)
        domain = self._inputs[one].domain if one in self._inputs else None
        if domain is not None:
            return other in domain.candidates if domain.candidates is not None else domain.allows(other)
        parts = ("".join(run) if known else _HOLE for known, run in groupby(one, is_known))
        return may_be((*parts, ""), other)

    def may_be(self, text: str, name: str) -> bool:
        """May a text lead to what has this name?"""
        return any(self.may_equal(each, name) for each in possible_names(text))


class Register:
    """Resources by how it is spelled what they have in one place, in worlds that settle the same."""

    def __init__(self) -> None:
        self.same: dict[str | Spot, list[Place]] = {}
        """By a name as it is spelled, or by the resource that they refer to."""
        self.open: list[Place] = []
        """Those of which every world has to be asked by itself."""
        self.later: list[Place] = []
        """Those that hang on what a world settles."""
        self.varied = False
        """Did defaults have a say in it?"""
        self._ends: list[str] | None = None

    def near(self, names: Iterable[str] | None, speller: Speller, effort: "Effort") -> Iterator[Place]:
        """Those that may have one of these names, though they are spelled otherwise; None: any name."""
        yield from self.open
        if self._ends is None:
            self._ends = sorted(each[::-1] for each in self.same if isinstance(each, str))
        for text in ("",) if names is None else names:
            backwards = text[::-1]
            for length in range(len(text) + 1 if len(text) <= _LONGEST else 0):
                end, following = backwards[:length], backwards[length : length + 1]
                # Where both go on with what is known, and not the same, nothing makes them the same.
                free = names is None or following >= _FIRST
                low = bisect_left(self._ends, end if free else end + _FIRST)
                for each in self._ends[low : bisect_right(self._ends, end + _LAST)]:
                    effort.spend()
                    if names is None or (each != backwards and speller.may_equal(each[::-1], text)):
                        yield from self.same[each[::-1]]
                if free:
                    break


def reference(value: Any) -> tuple[str, ...] | None:
    """The resource that a text names: as the whole, or as a whole step of an ARN or URI."""
    parts = value.parts if type(value) is Partial else ()
    for number, part in enumerate(parts):
        if isinstance(part, Opaque):
            if part.refers is None:
                return None
            after = parts[number + 1] if number + 1 < len(parts) else ""
            before = parts[number - 1] if number else ""
            ends = isinstance(after, str) and after[:1] in ("", "/", ":")
            starts = isinstance(before, str) and before[-1:] in ("", "/", ":")
            return part.refers if ends and starts else None
        if isinstance(part, Variable) and not part.name.startswith("AWS::"):
            return None
    return None


def stack_set_of(template: "Template") -> str:
    """The template that a stack set brings to accounts and regions of its own, if this is part of one."""
    while template.parent is not None:
        above, raw = template.parent
        if raw.get("Type") == "AWS::CloudFormation::StackSet":
            return template.key
        template = above
    return ""


def is_foreign(value: Any) -> bool:
    """Does it come from where no id of a resource of the same template does: a parameter, an import?"""
    return type(value) is not Partial or any(
        isinstance(part, Variable) or (isinstance(part, Opaque) and part.filled and not part.near)
        for part in value.parts
    )


def may_be_name(value: Any) -> bool:
    """Is it text, and not what AWS calls another resource?"""
    refers = reference(value)
    return type(value) in (str, Partial) and (refers is None or is_handed_on(refers[0]))


def is_handed_on(kind: str) -> bool:
    """May what a resource of a type gives out be the name of another one?"""
    return not kind.startswith("AWS::") or kind.startswith(("AWS::CloudFormation::", "AWS::SSM::Parameter"))


def is_known(text: str) -> bool:
    """Is nothing in a spelled text unknown?"""
    return text.isascii() or not text or max(text) < _FIRST


def possible_names(text: str) -> tuple[str, ...]:
    """The names that a spelled text may mean: any step of it, where it begins with what is not known."""
    found = names_in(text)
    if text[:1] >= _FIRST:
        found += tuple(step for path in text.split("/") for step in path.split(":"))
    return tuple(dict.fromkeys(it for it in found if it and len(it) <= _LONGEST))
