"""A policy document: JSON to plain statements, or an error that says where it is broken."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from scanner.limits import Limits
from scanner.model import SmguardError
from scanner.policy.operator import is_operator
from scanner.template.document import Document, Either, ReadError, shown
from scanner.value import as_text

VERSIONS = ("2012-10-17", "2008-10-17")
PRINCIPALS = ("AWS", "Service", "Federated", "CanonicalUser")
_POLICY = ("Version", "Id", "Statement")
_PAIRS = (("Action", "NotAction"), ("Resource", "NotResource"), ("Principal", "NotPrincipal"))
_STATEMENT = ("Sid", "Effect", *(name for pair in _PAIRS for name in pair), "Condition")
_LIMITS = Limits()
Path = tuple[str | int, ...]


class Statement(NamedTuple):
    """One statement as written; of each pair of fields one at most is not None."""

    sid: str | None
    effect: str
    """Allow or Deny."""
    actions: tuple[str, ...] | None
    not_actions: tuple[str, ...] | None
    resources: tuple[str, ...] | None
    not_resources: tuple[str, ...] | None
    principals: tuple[tuple[str, str], ...] | None
    """(kind, name): ("AWS", "*"), ("Service", "sagemaker.amazonaws.com"), …; a bare "*" is ("AWS", "*")."""
    not_principals: tuple[tuple[str, str], ...] | None
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]
    """(operator, key, values) as written; numbers and booleans in their JSON spelling."""
    path: Path
    """Its place in the document: ("Statement", 0)."""


class Policy(NamedTuple):
    """A policy document. Without a version it is one of 2008-10-17, which knows no variables."""

    version: str
    statements: tuple[Statement, ...]
    name: str = ""
    """What to call it in reports, such as its file."""
    source: Mapping[str, Any] = {}
    """The document as it is written."""


def read_policy(text: str, where: str) -> Policy:
    """Read the JSON of one policy; raises SmguardError at `where:line:column` if it is none."""
    document = _read(text, where)
    return _Reader(where, document).policy(document.root)


def read_object(text: str, where: str) -> dict[str, Any]:
    """Read a JSON object, strictly; raises SmguardError at `where:line:column` if it is none."""
    document = _read(text, where)
    for each in document.duplicates:
        raise SmguardError(f"{where}:{each.lines[-1]}: '{shown(each.key)}' is written twice")
    if not isinstance(document.root, dict):
        raise SmguardError(f"{where}: is no JSON object")
    return document.root


def _read(text: str, where: str) -> Document:
    from scanner.template.json_reader import read_json

    try:
        return read_json(text, _LIMITS)
    except ReadError as fault:
        raise SmguardError(f"{fault.within(where)}: {fault.what}", fault.hint) from None


def take_policy(data: Any, where: str) -> Policy:
    """Take one policy from decoded JSON; raises PolicyFault naming the element that is wrong."""
    return _Reader(where, Document()).policy(data)


class PolicyFault(SmguardError):
    """An element that no policy can have: `said` of it, and the path to what stands wrong."""

    def __init__(self, where: str, element: Path, said: str, path: Path) -> None:
        super().__init__(f"{where}: {show_path(element)} {said}" if element else f"{where}: {said}")
        self.element, self.said, self.path = element, said, path


class _Reader:
    """Reads one document."""

    def __init__(self, where: str, document: Document) -> None:
        self.where = where
        self.document = document

    def fault(self, what: str, element: Path, at: Path | None = None) -> PolicyFault:
        """What is wrong with an element; it is seen `at` another one, if that is given."""
        at = element if at is None else at
        place = self.document.place_of(at)
        where = f"{self.where}:{place[0]}:{place[1]}" if place else self.where
        return PolicyFault(where, element, what, at)

    def policy(self, data: Any) -> Policy:
        self.mapping(data, (), _POLICY)
        version = data.get("Version", VERSIONS[1])
        if version not in VERSIONS:
            raise self.fault(f"is not {' or '.join(VERSIONS)}", ("Version",))
        if "Statement" not in data:
            raise self.fault("is no policy: it has no Statement", ())
        listed = data["Statement"]
        if isinstance(listed, dict):
            statements = [self.statement(listed, ("Statement",))]
        elif isinstance(listed, list):
            statements = [self.statement(it, ("Statement", n)) for n, it in enumerate(listed)]
        else:
            raise self.fault("is neither a statement nor a list of them", ("Statement",))
        return Policy(version, tuple(statements), self.where, data)

    def statement(self, data: Any, path: Path) -> Statement:
        self.mapping(data, path, _STATEMENT)
        sid = data.get("Sid")
        if sid is not None and not isinstance(sid, str):
            raise self.fault("is no text", (*path, "Sid"))
        if data.get("Effect") not in ("Allow", "Deny"):
            raise self.fault("is not Allow or Deny", (*path, "Effect"))
        for pair in _PAIRS:
            if all(name in data for name in pair):
                raise self.fault(f"has both {pair[0]} and {pair[1]}", path, (*path, pair[1]))
        if "Action" not in data and "NotAction" not in data:
            raise self.fault("has neither Action nor NotAction", path)
        principals, not_principals = (self.principals(data, path, name) for name in _PAIRS[2])
        resources, not_resources = (self.texts(data, path, name) for name in _PAIRS[1])
        if resources is None and not_resources is None:
            # Only the policy of the resource itself goes without.
            if principals is None and not_principals is None:
                raise self.fault("has neither Resource nor NotResource", path)
            resources = ("*",)
        return Statement(
            sid=sid or None,
            effect=data["Effect"],
            actions=self.texts(data, path, "Action"),
            not_actions=self.texts(data, path, "NotAction"),
            resources=resources,
            not_resources=not_resources,
            principals=principals,
            not_principals=not_principals,
            conditions=tuple(self.conditions(data, path)),
            path=path,
        )

    def mapping(self, data: Any, path: Path, known: Iterable[str] | None = None) -> None:
        if not isinstance(data, dict):
            raise self.fault("is no JSON object", path)
        for name, value in data.items():
            if isinstance(value, Either):
                lines = " and ".join(map(str, value.lines))
                raise self.fault(f"is written twice, on lines {lines}", (*path, name))
            if known is not None and name not in known:
                raise self.fault(f"is no element of a policy: {', '.join(known)}", (*path, name))

    def texts(self, data: Any, path: Path, name: str) -> tuple[str, ...] | None:
        """A text or a list of texts, which must not be empty; None if it is absent."""
        if name not in data:
            return None
        value = data[name]
        found = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
        if not found or not all(isinstance(each, str) and each for each in found):
            raise self.fault("is neither a text nor a list of texts", (*path, name))
        return found

    def principals(self, data: Any, path: Path, name: str) -> tuple[tuple[str, str], ...] | None:
        if name not in data:
            return None
        value, path = data[name], (*path, name)
        if value == "*":
            return (("AWS", "*"),)
        if not isinstance(value, dict) or not value:
            raise self.fault(f'is neither "*" nor an object of {", ".join(PRINCIPALS)}', path)
        self.mapping(value, path, PRINCIPALS)
        return tuple((kind, each) for kind in value for each in self.texts(value, path, kind) or ())

    def conditions(self, data: Any, path: Path) -> Iterable[tuple[str, str, tuple[str, ...]]]:
        block, path = data.get("Condition", {}), (*path, "Condition")
        self.mapping(block, path)
        for operator, tests in block.items():
            if not is_operator(operator):
                raise self.fault(f"'{shown(operator)}' is no condition operator", path, (*path, operator))
            self.mapping(tests, (*path, operator))
            for key, value in tests.items():
                values = value if isinstance(value, list) else [value]
                if not all(isinstance(each, str | int | float) for each in values):
                    raise self.fault("holds more than texts", (*path, operator, key))
                yield operator, key, tuple(map(as_text, values))


def show_path(path: Iterable[str | int]) -> str:
    """ "Statement[0].Effect"."""
    return "".join(f"[{it}]" if isinstance(it, int) else f".{shown(it)}" for it in path).removeprefix(".")


def minified(data: Any) -> str:
    """The shortest JSON of a policy."""
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False, default=lambda odd: str(odd))
