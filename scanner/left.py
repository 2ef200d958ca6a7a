"""What an update leaves as it is, where a place asks for it."""

from __future__ import annotations

from typing import Any

from scanner.check import View
from scanner.model import Verdict
from scanner.path import Path, Target
from scanner.place import Judgement, Place, follow
from scanner.value import REST, UNTOLD, Partial


def told(judgements: list[Judgement], properties: Any) -> list[Judgement]:
    """Of an update what it speaks of by itself; no PASS where it leaves something, or may not give it."""
    spoken = [it for it in judgements if it.cause != UNTOLD and "@" not in it.identity]
    given = properties if type(properties) is dict else {}
    known = all(type(value) is not Partial for name, value in given.items() if name != REST)
    settled = known and len(spoken) == len(judgements)
    return [it for it in spoken if settled or it.verdict is not Verdict.PASS]


def concerns(view: View, place: Place, target: Target) -> bool:
    """Does what an update gives ask for something that it leaves as it is?

    An item of a list may be new, and then lacks what the update does not give.
    """
    deciding = (*place.when, *place.unless, *place.unsure)
    if any(not found.hidden for line in deciding for found in follow(view, line, target)):
        return True
    if target.hidden:
        return _lacks(target.path, place.at, 0)
    return any(
        found.hidden and line.absent and _lacks(found.path, (*place.at, *line.path), len(place.at))
        for line in place.requires
        for found in follow(view, line, target)
    )


def _lacks(path: str, segments: Path, start: int) -> bool:
    """Must what a path spells be there, below the last item of a list that it goes through?"""
    items = [number for number, step in enumerate(path.split("."), 1) if step[-1] == "]" and step[-2] != "["]
    return bool(items) and not any(segment.optional for segment in segments[max(items[-1], start) :])
