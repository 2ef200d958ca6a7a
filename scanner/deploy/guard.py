"""Controls as policies in the Guard language, which AWS Config runs itself, as far as it can say them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from typing import Any, NamedTuple

from scanner.audit.acquisition import Acquisition
from scanner.audit.item import TAGS
from scanner.catalog import Catalog
from scanner.deploy.rule import Rule, words
from scanner.joint import shaped
from scanner.path import Path, Segment, parse_path
from scanner.schema import default_holds

RUNTIME, MOST_CHARACTERS = "guard-2.x.x", 10_000
Lines = tuple[tuple[str, ...], ...]
"""All lines hold, of each line one clause."""
_EMPTY = '[null, "", [], {}]'
_JOINED = "other resources decide, which Guard does not see"
_NEVER_SAID = "AWS Config does not record it"


class Unsayable(ValueError):
    """What Guard can't say, or would say otherwise than our engine."""


class GuardRule(NamedTuple):
    """A control in the Guard language."""

    rule: Rule
    types: tuple[str, ...]
    """What its text is about; no types: Guard can't say the control at all."""
    text: str
    unsaid: Mapping[str, str]
    """Types that it leaves out -> why."""


def guard_rules(catalog: Catalog, rules: Iterable[Rule], known: Mapping[str, Acquisition]) -> list[GuardRule]:
    """What Guard can say of each control and, of the rest, why it can't."""
    return [_guard_rule(catalog, rule, known) for rule in rules]


def guard_template(found: Iterable[GuardRule]) -> dict[str, Any]:
    """A stack of rules that need no function; what is not said stands in its metadata."""
    found = list(found)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "AWS Config rules for SageMaker in the Guard language, by sagemaker-guardrails",
        "Metadata": {"Unsaid": {it.rule.control.id: dict(it.unsaid) for it in found if it.unsaid}},
        "Resources": {
            f"Rule{words(it.rule.control.id)}": {
                "Type": "AWS::Config::ConfigRule",
                "Properties": {
                    "ConfigRuleName": it.rule.name,
                    "Description": it.rule.description,
                    "Scope": {"ComplianceResourceTypes": list(it.types)},
                    "Source": {
                        "Owner": "CUSTOM_POLICY",
                        "SourceDetails": [
                            {"EventSource": "aws.config", "MessageType": message}
                            for message in it.rule.messages[:2]
                        ],
                        "CustomPolicyDetails": {
                            "EnableDebugLogDelivery": False,
                            "PolicyRuntime": RUNTIME,
                            "PolicyText": it.text,
                        },
                    },
                },
            }
            for it in found
            if it.types
        },
    }


def _guard_rule(catalog: Catalog, rule: Rule, known: Mapping[str, Acquisition]) -> GuardRule:
    texts: dict[str, str] = {}
    unsaid = {it: _JOINED if it in rule.joined else _NEVER_SAID for it in rule.scheduled}
    for type_name in rule.changes:
        asked = rule.control.resources[type_name].get("places", ())
        places = [it for it in asked if it.get("given", True)]
        try:
            if asked and not places:
                raise Unsayable("it asks nothing until its parameter is set, and Guard has no parameters")
            if not places:
                raise Unsayable("it is judged at another resource, which Guard does not see")
            writer = _Writer(catalog, known[type_name].config.lacks, single=len(places) == 1)
            each = [writer.place(shaped(it, catalog.shapes)) for it in places]
        except Unsayable as error:
            unsaid[type_name] = str(error)
            continue
        name = type_name.rpartition("::")[2].lower()
        texts[type_name] = "".join(
            f'rule {name}_{number} when resourceType == "{type_name}" {{\n{body}}}\n'
            for number, body in enumerate(each)
        )
    for type_name, text in list(texts.items()):
        if sum(map(len, texts.values())) > MOST_CHARACTERS:
            unsaid[type_name] = f"with it the policy has more than {MOST_CHARACTERS} characters ({len(text)})"
            del texts[type_name]
    return GuardRule(rule, tuple(texts), "".join(texts.values()), unsaid)


class _Writer:
    """Writes places of one type; `single`: no other place of the control is about it."""

    def __init__(self, catalog: Catalog, lacks: Iterable[str], single: bool) -> None:
        self._catalog = catalog
        self._lacks = tuple(lacks)
        self._single = single

    def place(self, place: Mapping[str, Any]) -> str:
        """The body of a rule, which is skipped where the place does not apply."""
        at = parse_path(place.get("at", ""))
        fields = ("when", "unless", "unsure", "requires")
        for line in dict.fromkeys(path for field in fields for path in place.get(field) or {}):
            self._demand_recorded((*at, *parse_path(line)))
        required = _all(self._demanded(path, schema) for path, schema in place["requires"].items())
        conditions: Lines = ()
        if place.get("when"):
            conditions += _any(self._matches(path, it) for path, it in place["when"].items())
        for path, schema in (place.get("unless") or {}).items():
            conditions += self._matches(path, schema, False)
        if place.get("unsure"):
            if not self._single or any(segment.each for segment in at):
                raise Unsayable(
                    "what no source tells is left open, and Guard would say that the rest complies"
                )
            sure = _all(self._matches(path, it, False) for path, it in place["unsure"].items())
            conditions += _any([sure, required])
        inner = _written(required, 2)
        if conditions:
            inner = f"  when {' '.join(' or '.join(line) for line in conditions)} {{\n{inner}  }}\n"
        for segment in reversed(at):
            inner = _descend(segment, inner)
        return f"  configuration {{\n{inner}  }}\n"

    def _demand_recorded(self, path: Path) -> None:
        names = [segment.name for segment in path]
        if names[0] == TAGS:
            raise Unsayable("no source says that AWS Config records tags of the type")
        for lacked in self._lacks:
            parts = lacked.split(".")
            shared = min(len(parts), len(names))
            if parts[:shared] == names[:shared]:
                raise Unsayable(f"no source says that AWS Config records {lacked}")

    def _demanded(self, text: str, schema: Mapping[str, Any]) -> Lines:
        """What a line of `requires` asks."""
        path = parse_path(text)
        if any(segment.each for segment in path):
            raise Unsayable("it asks for something of every item of a list")
        name = ".".join(segment.name for segment in path)
        holds = self._says(name, schema, True)
        if any(segment.optional for segment in path) or (
            "default" in schema and default_holds(schema, self._catalog.values)
        ):
            return _any([(_absent(name),), holds])
        return holds or (_present(name),)

    def _matches(self, text: str, schema: Mapping[str, Any], positive: bool = True) -> Lines:
        """That something at a path is as a line of `when` says, or, if not `positive`, that nothing is."""
        path = parse_path(text)
        lists = [index for index, segment in enumerate(path) if segment.each]
        if len(lists) > 1:
            raise Unsayable("it looks into lists of lists")
        if not lists:
            name = ".".join(segment.name for segment in path)
            if positive:
                return self._says(name, schema, True) or (_present(name),)
            return _any([(_absent(name),), self._says(name, schema, False)]) if schema else (_absent(name),)
        cut = lists[0] + 1
        outer = ".".join(segment.name for segment in path[:cut])
        rest = ".".join(segment.name for segment in path[cut:])
        inside = self._says(rest, schema, True) or ((_present(rest),) if rest else ())
        return _filtered(outer, inside, some=positive)

    def _says(self, name: str, schema: Mapping[str, Any], positive: bool) -> Lines:
        """That the present value called `name` ("" for the item at hand) satisfies, or that it does not."""
        lines: list[Lines] = []
        for keyword, operand in schema.items():
            if keyword not in ("about", "words", "default", "type"):
                lines.append(self._keyword(name, keyword, operand, positive))
        if positive:
            return _all(lines)
        if not lines:
            raise Unsayable("it asks whether something is there and not")
        return _any(lines)

    def _keyword(self, name: str, keyword: str, operand: Any, positive: bool) -> Lines:
        if keyword == "$ref":
            return self._says(name, self._catalog.values[operand], positive)
        if keyword == "not":
            return self._says(name, operand, not positive)
        if keyword in ("allOf", "anyOf"):
            parts = [self._says(name, each, positive) for each in operand]
            return _all(parts) if (keyword == "allOf") == positive else _any(parts)
        below = [f"{name}.{each}".lstrip(".") for each in operand] if keyword == "required" else []
        if keyword == "required" and positive:
            return tuple(_present(each) for each in below)
        if keyword == "required":
            return (tuple(clause for each in below for clause in _absent(each)),)
        if keyword in ("items", "contains") and name:
            every = keyword == "items"
            return _filtered(name, self._says("", operand, not every), some=every is not positive)
        operators = {
            "const": ("in", "not in"),
            "enum": ("in", "not in"),
            "minimum": (">=", "<"),
            "maximum": ("<=", ">"),
            "pattern": ("==", "!="),
        }
        if keyword not in operators or not name:
            said = f"`is: {operand}`" if keyword == "is" else f"`{keyword}`"
            raise Unsayable(f"Guard has nothing for {said}")
        if keyword in ("const", "enum"):
            operand = [
                form for each in (operand if keyword == "enum" else [operand]) for form in _forms(each)
            ]
        value = f"/{operand.replace('/', chr(92) + '/')}/" if keyword == "pattern" else json.dumps(operand)
        return ((f"{name} {operators[keyword][not positive]} {value}",),)


def _forms(value: Any) -> list[Any]:
    """A value as AWS may record it: our engine takes "true" for true, and 2 for "2"."""
    if isinstance(value, bool):
        return [value, str(value).lower()]
    return [value, int(value)] if isinstance(value, str) and value.isdecimal() else [value]


def _present(name: str) -> tuple[str, ...]:
    return (f"{name} not in {_EMPTY}",)


def _absent(name: str) -> tuple[str, ...]:
    return (f"{name} !exists", f"{name} in {_EMPTY}")


def _filtered(query: str, inside: Lines, *, some: bool) -> Lines:
    text = " ".join(" or ".join(line) for line in inside)
    items = f"{query}[ {text} ]" if text else f"{query}[*]"
    return ((f"{items} !empty",),) if some else ((*_absent(query), f"{items} empty"),)


def _descend(segment: Segment, inner: str) -> str:
    name = segment.name
    items = f"{name}[*]" if segment.each else name
    present = _present(name)[0]
    if segment.optional:
        return f"  when {present} {{\n  {items} {{\n{inner}  }}\n  }}\n"
    return f"  {present}\n  {items} {{\n{inner}  }}\n"


def _written(lines: Lines, depth: int) -> str:
    return "".join(f"{'  ' * depth}{' or '.join(line)}\n" for line in lines)


def _all(parts: Iterable[Lines]) -> Lines:
    return tuple(line for part in parts for line in part)


def _any(parts: Iterable[Lines]) -> Lines:
    """One of the parts: a line for each choice of a line of every part."""
    chosen: Iterator[tuple[tuple[str, ...], ...]] = product(*parts)
    return tuple(dict.fromkeys(tuple(dict.fromkeys(c for line in lines for c in line)) for lines in chosen))
