"""A new control file: sound at once, with examples, and TODO where a person must write."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from difflib import get_close_matches
from typing import Any, NamedTuple

import yaml

from scanner.model import SmguardError
from scanner.notation import AREAS
from scanner.path import Segment, parse_path

_KEY = "alias/my-key"
_PARAMETERS = {"Given": {"Type": "String"}}
_CONDITIONS = {"IsGiven": {"Fn::Equals": [{"Ref": "Given"}, "yes"]}}
_UNSET: Any = object()


class Demand(NamedTuple):
    """A property that a control asks for: its path in the notation, its kind, and the value it must have."""

    path: tuple[Segment, ...]
    kind: Any
    wanted: Any = _UNSET
    """`_UNSET` where it only has to be set."""

    @property
    def name(self) -> str:
        """The path as a control file spells it."""
        return ".".join(segment.name + ("[]" if segment.each else "") for segment in self.path)

    @property
    def steps(self) -> tuple[str, ...]:
        """The names alone."""
        return tuple(segment.name for segment in self.path)


def find_type(name: str, kinds: Mapping[str, Any]) -> str:
    """The resource type that is meant: its full name, or the last part of one."""
    found = [kind for kind in kinds if kind == name or kind.rpartition("::")[2].lower() == name.lower()]
    if not found:
        short = {kind.rpartition("::")[2]: kind for kind in kinds}
        close = [short[each] for each in get_close_matches(name.rpartition("::")[2], short, cutoff=0.5)]
        hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(sorted(kinds))}"
        raise SmguardError(f"unknown resource type '{name}'", hint)
    return next((kind for kind in found if "::SageMaker::" in kind), found[0])


def read_demands(texts: Iterable[str], type_name: str, tree: Any) -> list[Demand]:
    """Read what is asked of a type, what holds other properties first; raises SmguardError as below."""
    demands = [_read_demand(text, type_name, tree) for text in dict.fromkeys(texts)]
    for name, number in Counter(demand.name for demand in demands).items():
        if number > 1:
            raise SmguardError(f"{name} is asked for more than once", "ask for one value of it")
    return sorted(demands, key=lambda demand: len(demand.path))


def _read_demand(text: str, type_name: str, tree: Any) -> Demand:
    """Read `Path` or `Path=value` for a type whose properties are `tree`; lists on the way may lack their [].

    Raises SmguardError for a path that the type doesn't have and for a value that the property can't hold.
    """
    written, equals, value = text.partition("=")
    try:
        path = parse_path(written)
    except ValueError:
        raise SmguardError(f"{written!r} is no property path", "write A.B[].C or A.B[].C=value") from None
    kind, steps = tree, []
    for number, segment in enumerate(path):
        below = kind.get(segment.name, kind.get("*", _UNSET)) if isinstance(kind, dict) else _UNSET
        if below is _UNSET:
            raise SmguardError(f"{type_name} has no property {written}", _did_you_mean(written, tree))
        if segment.each and not isinstance(below, list):
            raise SmguardError(f"{segment.name} of {type_name} is no list", "leave out its []")
        if segment.optional:
            raise SmguardError(f"{written} may be absent in part", "leave out the ?, and edit the file after")
        each = segment.each or (isinstance(below, list) and number + 1 < len(path))
        kind = below[0] if each else below
        steps.append(Segment(segment.name, each, optional=False))
    wanted = _read_value(value.strip(), kind, written) if equals else _UNSET
    return Demand(tuple(steps), kind, wanted)


def _did_you_mean(written: str, tree: Any) -> str:
    known = list(property_paths(tree))
    last = written.rpartition(".")[2].lower()
    same = [path for path in known if path.rpartition(".")[2].lower() == last]
    close = same or get_close_matches(written, known, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(close[:3])}?"
    return f"it has {', '.join(sorted(path for path in known if '.' not in path))}" if known else ""


def property_paths(tree: Any, at: str = "") -> Iterator[str]:
    for name, kind in tree.items() if isinstance(tree, dict) else ():
        if name not in ("", "*") and "@" not in name:
            path = f"{at}.{name}" if at else name
            yield path
            yield from property_paths(
                kind[0] if isinstance(kind, list) else kind, f"{path}[]" if type(kind) is list else path
            )


def _read_value(text: str, kind: Any, path: str) -> Any:
    """A value as the kind of its property has it."""
    if kind == "b" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind in ("i", "f") and re.fullmatch(r"-?\d+(\.\d+)?", text):
        return float(text) if "." in text else int(text)
    if kind == "s" and text:
        return text
    members = kind[2:].split("|") if isinstance(kind, str) and kind.startswith("e:") else []
    if text in members:
        return text
    known = {"b": "true or false", "i": "a number", "f": "a number", "s": "a text"}
    if isinstance(kind, str):
        raise SmguardError(
            f"{path} can't be '{text}'", f"it is {known.get(kind) or 'one of ' + ', '.join(members)}"
        )
    hint = "add [] to ask it of every item" if isinstance(kind, list) else "name a property inside it"
    raise SmguardError(f"{path} holds no single value", hint)


def write_control(
    control_id: str,
    area: str | None,
    severity: str,
    demands: Mapping[str, list[Demand]],
    kinds: Mapping[str, Any],
) -> str:
    """The text of a control file that asks `demands` of each type.

    Where there are none, it asks for some property in place of what matters.
    """
    lines = [
        f"id: {control_id}",
        "title: TODO what holds where the control passes",
        f"area: {area or 'access  # TODO: one of ' + ', '.join(AREAS)}",
        f"severity: {severity}",
        "rationale: |",
        "  TODO what can go wrong without it",
        "remediation: |",
        '  TODO what to do; say "recreate" where AWS can\'t update it',
        "resources:",
    ]
    examples: dict[str, list[tuple[str, dict[str, Any]]]] = {"fail": [], "pass": [], "unknown": []}
    for type_name, asked in demands.items():
        tree = kinds[type_name]
        lines.append(f"  {type_name}:")
        if not asked:
            stand_in = "Tags" if "Tags" in tree else sorted(tree)[0]
            asked = [Demand((Segment(stand_in, False, False),), tree[stand_in])]
            names = ", ".join(sorted(tree))
            lines += textwrap.wrap(
                f"It has {names}",
                96,
                initial_indent="    # TODO: ask for what matters. ",
                subsequent_indent="    # ",
                break_long_words=False,
            )
        lines += ["    places:", "      - requires:"]
        for demand in asked:
            schema = {} if demand.wanted is _UNSET else {"const": demand.wanted}
            key = f"'{demand.name}'" if "[" in demand.name else demand.name
            lines.append(f"          {key}: {_flow(schema)}")
        if any(demand.wanted is not _UNSET for demand in asked):
            lines.append(
                "          # left out fails; add `default: X` beside const where AWS takes X by itself"
            )
        for verdict, about, example in _examples(type_name, asked):
            examples[verdict].append((about, example))
    lines.append("examples:")
    for verdict, listed in examples.items():
        lines.append(f"  {verdict}:")
        for about, example in listed:
            lines += [f"    - about: {about}", f"      {_flow(example)[1:-1]}"]
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10**6, sort_keys=False).strip()
    return re.sub(r"'((?:AWS|Fn)::[A-Za-z0-9:]+)'", r"\1", text)


def _examples(type_name: str, demands: list[Demand]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(verdict, about, example) of one type: every demand violated once, all met, and one left open."""
    short = type_name.rpartition("::")[2]
    good = {demand.name: (demand, _good(demand)) for demand in demands}
    for demand in demands:
        steps = demand.steps
        others = [
            each
            for each in good.values()
            if each[0].steps[: len(steps)] != steps and steps[: len(each[0].steps)] != each[0].steps
        ]
        yield "fail", f"{short} without {demand.name}", {"resource": _resource(type_name, others)}
        if demand.wanted is not _UNSET and (other := _other(demand.wanted, demand.kind)) is not None:
            resource = _resource(type_name, [*others, (demand, other)])
            yield "fail", f"{short} with another {demand.name}", {"resource": resource}
    yield "pass", f"{short} as asked for", {"resource": _resource(type_name, list(good.values()))}
    last = demands[-1]
    either = {"Fn::If": ["IsGiven", _good(last), {"Ref": "AWS::NoValue"}]}
    resource = _resource(type_name, list({**good, last.name: (last, either)}.values()))
    template = {"Parameters": _PARAMETERS, "Conditions": _CONDITIONS, "Resources": {"Example": resource}}
    yield "unknown", f"{short} where a parameter decides on {last.name}", {"template": template}


def _resource(type_name: str, values: list[tuple[Demand, Any]]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for demand, value in values:
        _put(properties, demand.path, deepcopy(value))
    return {"Type": type_name, **({"Properties": properties} if properties else {})}


def _put(holder: dict[str, Any], path: tuple[Segment, ...], value: Any) -> None:
    """Set a value deep in `holder`, in the first item of each list on the way."""
    (name, each, *_), rest = path[0], path[1:]
    if not rest:
        holder[name] = [value] if each else value
        return
    below = holder.setdefault(name, [{}] if each else {})
    _put(below[0] if each else below, rest, value)


def _good(demand: Demand) -> Any:
    return _sample(demand.path[-1].name, demand.kind) if demand.wanted is _UNSET else demand.wanted


def _other(wanted: Any, kind: Any) -> Any:
    """A value that is not the one asked for; None where there is none."""
    if isinstance(wanted, bool):
        return not wanted
    if isinstance(wanted, (int, float)):
        return wanted + 1
    members = kind[2:].split("|") if kind.startswith("e:") else [f"not-{wanted}"]
    return next((each for each in members if each != wanted), None)


def _sample(name: str, kind: Any) -> Any:
    """Some value that a property may have."""
    if isinstance(kind, dict):
        inner = next(iter(sorted(kind)), "*")
        return {"Key" if inner == "*" else inner: _sample(inner, kind.get(inner, "s"))}
    if isinstance(kind, list):
        return [_sample(name, kind[0])]
    if kind == "b":
        return True
    if kind in ("i", "f"):
        return 1
    if isinstance(kind, str) and kind.startswith("e:"):
        return kind[2:].split("|")[0]
    return _KEY if "Kms" in name else "example"
