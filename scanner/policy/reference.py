"""What AWS says of actions and condition keys: a dated extract of the service reference."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from scanner.folder import data_folder
from scanner.model import SmguardError
from scanner.opening import read_named
from scanner.policy.match import compile_pattern

NAME = "_reference.json"
PER_ACTION = frozenset({"aws:requesttag/", "aws:resourcetag/", "aws:tagkeys"})
"""Global keys that only the actions that list them support."""


class Reference:
    """Actions and condition keys by service. Keys are compared by `fold`, actions by their lower case."""

    def __init__(self, data: Any) -> None:
        self.data = data
        self.date: str = data["about"]["date"]
        self.services: dict[str, Any] = data["services"]
        self.others = frozenset(data["others"].split())
        """Prefixes of services that exist and that nothing more is known of."""
        self.types: dict[str, str] = {fold(key): kind for key, kind in data["global"].items()}
        self.names: dict[str, str] = {fold(key): key for key in data["global"]}
        self.deprecated: dict[str, str] = {}
        self._everywhere = frozenset(self.types) - PER_ACTION
        self._actions: dict[str, tuple[str, frozenset[str]]] = {}
        self._expanded: dict[str, tuple[str, ...]] = {}
        for service, found in self.services.items():
            for key, kind in found["keys"].items():
                self.types.setdefault(fold(key), kind)
                self.names.setdefault(fold(key), key)
            self.deprecated.update({fold(old): fold(new) for old, new in found["deprecated"].items()})
            for actions, keys in found["groups"]:
                folded = frozenset(map(fold, keys))
                for action in actions:
                    self._actions[f"{service}:{action}".lower()] = (f"{service}:{action}", folded)
        self._open = tuple(sorted((key for key in self.types if key[-1] in "/:"), key=len, reverse=True))

    def date_of(self, service: str) -> str:
        """When what is known of a service was published."""
        return str(self.services[service]["date"])

    def resolve(self, key: str) -> str:
        """The folded key that a key of a policy is: `aws:ResourceTag/team` is one of `aws:resourcetag/`."""
        folded = fold(key)
        if folded in self.types:
            return folded
        return next((each for each in self._open if folded.startswith(each)), folded)

    def expand(self, pattern: str) -> tuple[str, ...]:
        """The known actions that a pattern of a policy stands for, as AWS spells them."""
        wanted = pattern.lower()
        if "*" not in wanted and "?" not in wanted:
            return (self._actions[wanted][0],) if wanted in self._actions else ()
        if wanted not in self._expanded:
            test = compile_pattern([(wanted, True)])
            self._expanded[wanted] = tuple(name for lower, (name, _) in self._actions.items() if test(lower))
        return self._expanded[wanted]

    def supports(self, action: str, key: str) -> bool | None:
        """Whether a request for the action can carry the folded key; None where nobody knows.

        A deprecated key counts as supported where the one that replaced it is.
        """
        if action.lower() not in self._actions or key not in self.types:
            return None
        if key in self._everywhere:
            return None
        keys = self._actions[action.lower()][1]
        return key in keys or self.deprecated.get(key) in keys

    def actions_with(self, key: str) -> list[str]:
        """Every known action of the key's own service that supports the folded key."""
        service = key.partition(":")[0] + ":"
        return [
            name
            for lower, (name, _) in self._actions.items()
            if lower.startswith(service) and self.supports(lower, key)
        ]


def fold(key: str) -> str:
    """A condition key for comparison: lower case, and of `aws:RequestTag/${TagKey}` what comes before."""
    lowered = key.lower()
    return min((lowered.split(mark, 1)[0] for mark in ("${", "<")), key=len)


def matches(pattern: str, text: str) -> bool:
    """Whether `*` and `?` in the pattern can stand for what is in the text, upper or lower case."""
    return compile_pattern([(pattern.lower(), True)])(text.lower())


@lru_cache(maxsize=2)
def load(path: str | None = None) -> Reference:
    """The reference of the pack, or that of a file; raises SmguardError if it is none."""
    where = path or os.path.join(data_folder("policies"), NAME)
    try:
        return Reference(_read(where))
    except (KeyError, TypeError, AttributeError, ValueError):
        hint = "write one with smguard policies refresh-reference"
        raise SmguardError(f"{where} is no reference of actions and condition keys", hint) from None


def refreshed(data: Any, files: Iterable[str], date: str) -> tuple[Any, list[str]]:
    """The reference with the services of AWS's service-reference files renewed, and a line about each.

    AWS's files don't mark what is deprecated: a key that is known stays known, and deprecated where it was.
    """
    services = dict(data["services"])
    others = set(data["others"].split())
    lines = []
    for path in files:
        try:
            service, found = _take(_read(path), date)
        except (KeyError, TypeError, AttributeError, ValueError):
            hint = "take https://servicereference.us-east-1.amazonaws.com/v1/sagemaker/sagemaker.json"
            raise SmguardError(f"{path} is no service-reference file of AWS", hint) from None
        old = services.get(service, {"keys": {}, "deprecated": {}, "groups": []})
        found["keys"] = dict(sorted({**old["keys"], **found["keys"]}.items()))
        found["deprecated"] = old["deprecated"]
        services[service] = found
        others.discard(service)
        before, after = (sorted(a for names, _ in each["groups"] for a in names) for each in (old, found))
        new, gone = len(set(after) - set(before)), len(set(before) - set(after))
        keys = len(found["keys"])
        lines.append(f"{service}: {len(after)} actions ({new} new, {gone} gone), {keys} condition keys")
    return {**data, "services": dict(sorted(services.items())), "others": " ".join(sorted(others))}, lines


def as_text(data: Any) -> str:
    """The reference as its file holds it, a line for each group of actions, so that changes can be read."""

    def line(value: Any) -> str:
        return json.dumps(value, ensure_ascii=True)

    parts = [f' "{name}": {line(data[name])}' for name in ("about", "global", "others")]
    services = []
    for name, found in data["services"].items():
        groups = ",\n".join(f"    {line(group)}" for group in found["groups"])
        fields = [f'   "{field}": {line(found[field])}' for field in ("date", "keys", "deprecated")]
        services.append(f'  "{name}": {{\n' + ",\n".join(fields) + f',\n   "groups": [\n{groups}\n   ]\n  }}')
    parts.append(' "services": {\n' + ",\n".join(services) + "\n }")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _take(raw: Any, date: str) -> tuple[str, dict[str, Any]]:
    """AWS's JSON of one service: its prefix and what the reference keeps of it."""
    of_resource = {each["Name"]: each.get("ConditionKeys", []) for each in raw.get("Resources", ())}
    groups: dict[tuple[str, ...], list[str]] = {}
    for action in raw["Actions"]:
        keys = set(action.get("ActionConditionKeys", ()))
        for resource in action.get("Resources", ()):
            keys.update(of_resource.get(resource["Name"], ()))
        groups.setdefault(tuple(sorted(keys)), []).append(action["Name"])
    types = {each["Name"]: each["Types"][0] for each in raw.get("ConditionKeys", ())}
    if not all(isinstance(each, str) for each in (raw["Name"], *types.values())):
        raise TypeError
    found = {"date": date, "keys": types, "deprecated": {}}
    return raw["Name"], {
        **found,
        "groups": sorted([sorted(names), list(keys)] for keys, names in groups.items()),
    }


def _read(path: str) -> Any:
    try:
        return json.loads(read_named(path))
    except json.JSONDecodeError as error:
        raise SmguardError(f"{path}:{error.lineno}:{error.colno}: is no JSON: {error.msg}") from None
    except RecursionError:
        raise ValueError(path) from None
