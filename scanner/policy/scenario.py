"""Scenarios as JSON lines: a request with all policies that bear on it, and what they decide."""

from __future__ import annotations

import json
import marshal
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

from scanner.limits import Limits
from scanner.model import SmguardError
from scanner.policy.call import unsettled
from scanner.policy.decide import Policies, decide
from scanner.policy.document import Policy, take_policy
from scanner.policy.request import take_request
from scanner.safe_text import to_json
from scanner.template.document import shown

_LEVELS, _LIST, _ONE = ("scp", "rcp"), "identity", ("boundary", "session", "resource_policy", "vpc_endpoint")
_FIELDS = frozenset(("id", "request", *_LEVELS, _LIST, *_ONE))
_LONGEST = Limits().file_bytes
_MOST_KEPT = 5_000


def answer(lines: Iterable[bytes], where: str) -> Iterator[str]:
    """One line of JSON for each line that is not blank; raises SmguardError at `where:line` for a bad one."""
    kept: dict[bytes, Policy] = {}
    for number, line in enumerate(lines, 1):
        at = f"{where}:{number}"
        if len(line) > _LONGEST:
            raise SmguardError(f"{at}: the line is longer than {_LONGEST / 1e6:g} MB")
        if not line.isspace():
            yield _answer(_decode(line, at), at, kept)


def _answer(data: Any, at: str, kept: dict[bytes, Policy]) -> str:
    if not isinstance(data, dict) or "request" not in data:
        raise SmguardError(f"{at}: is no scenario: an object with a request")
    unknown = sorted(set(data) - _FIELDS)
    if unknown:
        raise SmguardError(f"{at}: {shown(unknown[0])} is no field of a scenario")
    if not isinstance(data.get("id"), str | int | float | None):
        raise SmguardError(f"{at}: id is no text")
    request = take_request(data["request"], f"{at}: request")

    def take(value: Any, name: str) -> Policy:
        # Most scenarios share their policies: each is read once.
        try:
            key = marshal.dumps(value, 2)
        except ValueError:
            key = b""
        found = kept.get(key)
        if found is None:
            if len(kept) >= _MOST_KEPT:
                kept.clear()
            found = kept[key] = take_policy(value, f"{at}: {name}")
        return found

    def listed(value: Any, name: str) -> list[Any]:
        if not isinstance(value, list):
            raise SmguardError(f"{at}: {name} is no list")
        return value

    policies: dict[str, Any] = {name: take(data[name], name) for name in _ONE if data.get(name) is not None}
    for name in _LEVELS:
        if data.get(name) is not None:
            policies[name] = tuple(
                tuple(
                    take(each, f"{name}[{level}][{index}]")
                    for index, each in enumerate(listed(group, f"{name}[{level}]"))
                )
                for level, group in enumerate(listed(data[name], name))
            )
    identity = [] if data.get(_LIST) is None else listed(data[_LIST], _LIST)
    policies[_LIST] = tuple(take(each, f"{_LIST}[{index}]") for index, each in enumerate(identity))
    decision = decide(request, Policies(**policies))
    return to_json(
        {
            "id": data.get("id"),
            "decision": decision.decision,
            "by": decision.by,
            "assumptions": [*decision.assumptions, *unsettled(request)],
        }
    )


def _decode(line: bytes, at: str) -> Any:
    try:
        return json.loads(line, object_pairs_hook=_object, parse_constant=_no_number)
    except SmguardError as error:
        raise SmguardError(f"{at}: {error.what}") from None
    except json.JSONDecodeError as error:
        raise SmguardError(f"{at}:{error.colno}: is no JSON: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise SmguardError(f"{at}: is not UTF-8 at byte {error.start} of the line") from None
    except (ValueError, RecursionError):
        raise SmguardError(f"{at}: is no JSON that can be read: too deep, or a number too long") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        again = next(name for name in names if names.count(name) > 1)
        raise SmguardError(f"'{shown(again)}' is written twice in one object")
    return found


def _no_number(text: str) -> NoReturn:
    raise SmguardError(f"{text} is no number of JSON")
