"""Where policies stand in a file: JSON documents, and those inside CloudFormation templates."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from scanner.limits import Limits
from scanner.policy.document import minified
from scanner.template.document import Document, Either, Marks, ReadError, SyntaxFault

Place = tuple[str | int, ...]


class Written(NamedTuple):
    """A policy as it is written: plain values, whose places `marks` holds, and what it stands in.

    What only CloudFormation knows is a text in double braces, as a value is that the pack leaves open.
    """

    data: Any
    marks: Marks
    kind: str
    """A kind of `policies/_quotas.yaml`."""
    name: str
    """Of a resource in a template; "" for a file of its own."""
    at: tuple[int, int]
    """Where it begins."""
    characters: int
    """As it is sent: of a file with its white space, within a template without."""
    targets: tuple[str, ...] = ()
    """What a template attaches it to."""

    def position(self, place: Place) -> tuple[int, int]:
        """Line and column of the deepest part of a place that there is."""
        found, value = self.at, self.data
        for step in place:
            value = settle(value)
            try:
                mark = self.marks[id(value)][step]
                value = value[step]
            except (KeyError, IndexError, TypeError):
                break
            found = (mark[0], mark[1])
        return found


class Fault(NamedTuple):
    """What can't be read as JSON, and where."""

    what: str
    at: tuple[int, int]


def settle(value: Any) -> Any:
    """Of a key that is written twice, the last value: the one that JSON readers keep."""
    return value.values[-1] if isinstance(value, Either) else value


def find_policies(
    text: str, folders: tuple[str, ...], layout: Mapping[str, Any], named: bool
) -> Iterator[Written | Fault]:
    """The policies of one file, which stands in `folders`; raises ReadError if it can't be read at all.

    A file that nobody `named` and that is neither policy nor template holds none.
    """
    fault: SyntaxFault | None = None
    document: Document | None = None
    if text.lstrip()[:1] in ("{", "["):
        from scanner.template.json_reader import read_json

        try:
            document = read_json(text, Limits())
        except SyntaxFault as error:
            fault = error
    if document is None:
        document = _as_template(text, fault)
    root = document.root if document else None
    if document and isinstance(root, dict) and isinstance(settle(root.get("Resources")), dict):
        yield from _in_template(document, layout)
    elif document and isinstance(root, dict) and root.keys() & {"AssumeRolePolicyDocument", "PolicyDocument"}:
        # What the API says of a role or policy.
        for path, kind in layout["documents"].items():
            for value, at in _values(root, path, document.marks):
                yield _embedded(value, at, kind, "", root, document.marks)
    elif fault is not None:
        yield Fault(fault.what, (fault.line or 1, fault.column or 1))
    elif document and isinstance(root, dict) and (named or {"Statement", "services"} & root.keys()):
        marks: Marks = {}
        data = _plain(root, document.marks, marks, intrinsics=False)
        yield Written(data, marks, _kind_of(data, folders, layout), "", (1, 1), len(text.strip()))
    elif named:
        yield Fault("is neither a policy nor a CloudFormation template", (1, 1))


def _as_template(text: str, fault: SyntaxFault | None) -> Document | None:
    from scanner.template.reader import read

    try:
        return read(text, Limits())
    except ReadError:
        if fault is None:
            raise
        return None


def _kind_of(data: Any, folders: tuple[str, ...], layout: Mapping[str, Any]) -> str:
    """What kind of policy a file holds: by what is in it, then by the folder it is in."""
    if "services" in data and "Statement" not in data:
        return "ai-opt-out"
    kind = next((layout["folders"][each] for each in reversed(folders) if each in layout["folders"]), None)
    statements = settle(data.get("Statement"))
    listed = statements if isinstance(statements, list) else [statements]
    for statement in map(settle, listed):
        if isinstance(statement, dict) and statement.keys() & {"Principal", "NotPrincipal"}:
            trust = "sts:assumerole" in json.dumps(statement.get("Action"), default=str).lower()
            return "trust" if trust else kind if kind in ("s3", "vpc-endpoint", "rcp", "scp") else "resource"
    return kind or "identity"


def _in_template(document: Document, layout: Mapping[str, Any]) -> Iterator[Written | Fault]:
    resources = settle(document.root["Resources"])
    for name, resource in resources.items():
        body = settle(resource)
        kinds = layout["places"].get(_text(body, "Type")) if isinstance(body, dict) else None
        properties = settle(body.get("Properties")) if kinds else None
        if not isinstance(properties, dict):
            continue
        for path, kind in (kinds or {}).items():
            if kind == "Type":
                kind = layout["types"].get(_text(properties, "Type"), "")
            for value, at in _values(properties, path, document.marks):
                if kind and not (isinstance(value, str) and not value.lstrip().startswith("{")):
                    yield _embedded(value, at, kind, str(name), properties, document.marks)


def _values(properties: Any, path: str, marks: Marks) -> Iterator[tuple[Any, tuple[int, int]]]:
    """What stands at `Name`, `Names[]` or `Names[].Name`, and where."""
    head, listed, rest = path.partition("[]")
    value = settle(properties.get(head))
    if head not in properties:
        return
    if not listed:
        mark = marks[id(properties)][head]
        yield value, (mark[0], mark[1])
    for number, item in enumerate(value if listed and isinstance(value, list) else ()):
        if isinstance(item, dict):
            if rest:
                yield from _values(item, rest[1:], marks)
            elif "Statement" in item:
                yield item, marks[id(value)][number][:2]


def _embedded(
    value: Any, at: tuple[int, int], kind: str, name: str, properties: Any, marks: Marks
) -> Written | Fault:
    if isinstance(value, str):
        from scanner.template.json_reader import read_json

        try:
            return Written(read_json(value, Limits()).root, {}, kind, name, at, len(value))
        except ReadError as fault:
            return Fault(f"{name} holds a text that is no JSON: {fault}", at)
    kept: Marks = {}
    data = _plain(value, marks, kept, intrinsics=True)
    if isinstance(data, str):
        data = {"Statement": []}  # what it is, only CloudFormation knows
    targets = settle(properties.get("TargetIds"))
    listed = tuple(each for each in targets if isinstance(each, str)) if isinstance(targets, list) else ()
    return Written(data, kept, kind, name, at, len(minified(data)), listed)


def _plain(raw: Any, marks: Marks, kept: Marks, *, intrinsics: bool) -> Any:
    """A copy, with the place of everything in it, and what functions stand for as far as it can be told."""
    if isinstance(raw, Either):
        return Either(tuple(_plain(it, marks, kept, intrinsics=intrinsics) for it in raw.values), raw.lines)
    if isinstance(raw, dict):
        if intrinsics and len(raw) == 1:
            name, argument = next(iter(raw.items()))
            if name == "Ref" or name.startswith("Fn::"):
                return _worth(name, argument, marks, kept)
        copy: Any = {key: _plain(it, marks, kept, intrinsics=intrinsics) for key, it in raw.items()}
        if intrinsics:
            copy = {key: it for key, it in copy.items() if it != _NOTHING}
        kept[id(copy)] = {key: marks[id(raw)][key] for key in copy if key in marks.get(id(raw), ())}
        return copy
    if isinstance(raw, list):
        items = []
        for number, item in enumerate(raw):
            branches = [item]
            if intrinsics and isinstance(item, dict) and list(item) == ["Fn::If"]:
                branches = item["Fn::If"][1:] if isinstance(item["Fn::If"], list) else []
            for each in branches:
                value = _plain(each, marks, kept, intrinsics=intrinsics)
                if value != _NOTHING:
                    items.append((value, marks[id(raw)][number]))
        copy = [value for value, _ in items]
        kept[id(copy)] = [mark for _, mark in items]
        return copy
    return raw if isinstance(raw, str | int | float | bool | None) else "{{unknown}}"


_NOTHING = "{{AWS::NoValue}}"


def _worth(name: str, argument: Any, marks: Marks, kept: Marks) -> Any:
    if name == "Fn::If" and isinstance(argument, list):
        branches = (_plain(each, marks, kept, intrinsics=True) for each in argument[1:3])
        return next((each for each in branches if each != _NOTHING), _NOTHING)
    value = _plain(argument, marks, kept, intrinsics=True)
    if name == "Fn::Sub":
        text = value[0] if isinstance(value, list) and value else value
        if isinstance(text, str):
            return re.sub(r"\$\{(!?)([^}]*)\}", lambda m: f"${{{m[2]}}}" if m[1] else f"{{{{{m[2]}}}}}", text)
    if name == "Fn::Join" and isinstance(value, list) and len(value) == 2 and isinstance(value[1], list):
        return str(value[0]).join(map(str, value[1]))
    return f"{{{{{value if isinstance(value, str) else name}}}}}"


def _text(body: Any, key: str) -> str:
    value = settle(body.get(key))
    return value if isinstance(value, str) else ""
