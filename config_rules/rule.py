"""A rule of AWS Config as its parameters make it: which controls, with which values, and what is exempt."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, NamedTuple

from scanner import catalog
from scanner.alone import together
from scanner.catalog import Catalog
from scanner.environment import Environment
from scanner.json_object import as_object
from scanner.model import Control, SmguardError
from scanner.requirement import parameter_fault
from scanner.safe_text import inert

_OWN = ("control", "environment", "exempt", "report", "role", "since")
_SINCE = "90"
_HINT = "correct the parameters of the rule"


class Exemption(NamedTuple):
    """Resources that the rule lets be until a day, inclusive; or not, for the reason `fault`."""

    pattern: str
    until: str
    fault: str | None


class Rule(NamedTuple):
    """What one rule judges by."""

    catalog: Catalog
    controls: tuple[Control, ...]
    exemptions: tuple[Exemption, ...] = ()
    report: str | None = None
    """Of what it reports, "resource" or "account", whatever is known of a periodic type."""
    role: str | None = None
    """Name of the role to assume in another account than the function's own."""
    since: int | None = None
    """Days after which a job that has ended is left out."""
    environment: Environment = Environment()
    """What of other services is judged."""

    def joins(self, type_name: str) -> bool:
        """Is a type judged with other resources in sight? Only a scheduled pass has read them all."""
        asking = (it for it in self.controls if type_name in it.resources)
        return any(together(control, type_name, self.catalog) for control in asking)

    def exemption(self, *names: str | None) -> Exemption | None:
        """What is said of a resource that goes by these names; one that counts comes first."""
        found = [
            it for it in self.exemptions if any(name and fnmatchcase(name, it.pattern) for name in names)
        ]
        return min(found, key=lambda it: it.fault is not None, default=None)


def read_rule(text: Any, today: date) -> Rule:
    """The rule of `ruleParameters`, a JSON object: {"control": "id,id", parameter of a control: value, …}.

    Raises SmguardError for anything that is not understood: a misspelt parameter must not widen a rule.
    """
    given = as_object(text)
    if given is None or not given.get("control"):
        raise SmguardError("the rule's parameters name no control", 'such as {"control": "volume-kms-key"}')
    words = {str(name): str(value).strip() for name, value in given.items()}
    names = tuple(_listed(words["control"]))
    values = tuple(sorted((name, value) for name, value in words.items() if name not in _OWN))
    full, controls = _controls(names, values)
    if words.get("report", "resource") not in ("resource", "account"):
        raise SmguardError("parameter report is neither resource nor account", _HINT)
    since = words.get("since", _SINCE)
    if since != "all" and not (since.isascii() and since.isdecimal() and len(since) < 6):
        raise SmguardError("parameter since is neither a number of days nor all", _HINT)
    return Rule(
        catalog=full,
        controls=controls,
        exemptions=tuple(_exemptions(words.get("exempt", ""), today)),
        report=words.get("report"),
        role=words.get("role"),
        since=None if since == "all" else int(since),
        environment=_environment(words.get("environment", "")),
    )


@lru_cache(maxsize=32)
def _controls(
    names: tuple[str, ...], values: tuple[tuple[str, str], ...]
) -> tuple[Catalog, tuple[Control, ...]]:
    """The catalog and the controls of a rule; kept, since a function is invoked many times."""
    full = catalog.load()
    controls = catalog.select(full, names)
    given: dict[str, dict[str, Any]] = {}
    for name, text in values:
        declaring = [control for control in controls if name in (control.parameters or {})]
        if not declaring:
            raise SmguardError(f"no control of the rule has a parameter '{inert(name, 60)}'", _HINT)
        for control in declaring:
            declaration = (control.parameters or {})[name]
            value = _value(declaration, text)
            if fault := parameter_fault(declaration, value):
                raise SmguardError(f"parameter {name} of {control.id} {fault}", _HINT)
            given.setdefault(control.id, {})[name] = value
    full = catalog.load(given) if given else full
    return full, catalog.select(full, names)


def _value(declaration: Mapping[str, Any], text: str) -> Any:
    """A value that Config hands on as text."""
    if declaration.get("type") == "array":
        return list(_listed(text))
    if declaration.get("type") in ("integer", "number", "boolean"):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _environment(text: str) -> Environment:
    """That of "whole", or of the tags that tell what belongs to it; without text the usual one."""
    if text in ("", "whole"):
        return Environment(whole=bool(text))
    return Environment(tags=tuple(_listed(text)))


def _exemptions(text: str, today: date) -> Iterator[Exemption]:
    """Those of "name:2027-01-31, arn:…:2027-01-31"; names are globs."""
    if text:
        from scanner.waiver import date_fault

        for each in _listed(text):
            pattern, _, until = each.rpartition(":")
            yield Exemption(pattern, until, date_fault(until, today))


def _listed(text: str) -> Iterator[str]:
    return (word.strip() for word in text.split(",") if word.strip())
