"""The configuration file: what it may say, checked without any dependency, and where it says it.

It is accepted by the evaluator of the controls; jsonschema is loaded only to word what is wrong.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from scanner import catalog
from scanner.catalog import Catalog, demand_known, with_severities
from scanner.check import PLAIN
from scanner.folder import CONFIGURATION_SCHEMA
from scanner.limits import Limits
from scanner.model import SmguardError
from scanner.opening import read_named, telling
from scanner.requirement import KEYWORDS, compile_schema, parameter_fault
from scanner.safe_text import inert
from scanner.template.document import Document
from scanner.template.reader import read as read_document

_INSIDE = frozenset({"$ref", "properties", "items", "required", "default"})
"""Keywords that `_accepts` reads itself, or that ask nothing."""
_CHOICE = ("select", "area", "framework")


class Config(NamedTuple):
    """A configuration file that was read; `body` is what it says, of the form of its schema."""

    path: str
    base: str
    """The folder that its paths and globs are relative to: absolute, without links."""
    document: Document

    @property
    def body(self) -> Mapping[str, Any]:
        """The mapping that it holds."""
        root: Mapping[str, Any] = self.document.root
        return root

    @property
    def control_parameters(self) -> Mapping[str, Mapping[str, Any]]:
        """Control -> parameter -> value."""
        given: Mapping[str, Mapping[str, Any]] = self.body.get("control-parameters", {})
        return given

    @property
    def folders(self) -> tuple[str, ...]:
        """Folders with controls of the user's own."""
        return tuple(map(self.path_of, self.body.get("rules", ())))

    def where(self, *trail: str | int) -> str:
        """`file:line:column` of a key or item, or of the deepest there is on the way to it."""
        place = self.document.place_of(trail)
        return f"{self.path}:{place[0]}:{place[1]}" if place else self.path

    def fault(self, what: str, *trail: str | int, hint: str = "") -> SmguardError:
        """An error that says where it is."""
        return SmguardError(f"{inert(self.where(*trail))}: {what}", hint)

    def path_of(self, name: str) -> str:
        """A path of the file as one of the working directory."""
        return os.path.relpath(os.path.join(self.base, name))

    def behind(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options of the command line, completed by the file: they win, `ignore` and `rules` add up."""
        body, options = self.body, dict(options)
        asked_for = frozenset(options["select"])
        if not any(options[name] for name in _CHOICE):
            options.update({name: tuple(body.get(name, ())) for name in _CHOICE})
        options["ignore"] += tuple(name for name in body.get("ignore", ()) if name not in asked_for)
        options["rules"] = (*self.folders, *options["rules"])
        if "sdk_config" in options:
            own = tuple(map(self.path_of, body.get("sdk-config", ())))
            options["sdk_config"] = options["sdk_config"] or own
        for name in ("waivers", "baseline"):
            if options.get(name) is None and name in body:
                options[name] = self.path_of(body[name])
        for name, field in (("fail_on", "fail-on"), ("strict", "strict")):
            if options.get(name) is None:
                options[name] = body.get(field)
        options["no_inline_waivers"] |= not body.get("inline-waivers", True)
        return options

    def apply(self, catalog: Catalog) -> Catalog:
        """The catalog with the severities of the file; raises SmguardError for names that it doesn't have."""
        for trail, name in self._named_controls():
            try:
                demand_known("control", [name], catalog.by_id)
            except SmguardError as error:
                raise self.fault(error.what, *trail, hint=error.hint) from None
        for name, given in self.control_parameters.items():
            declared = catalog.by_id[name].parameters or {}
            for parameter, value in given.items():
                trail = ("control-parameters", name, parameter)
                if parameter not in declared:
                    hint = f"it has {', '.join(declared) or 'none'}"
                    raise self.fault(f"{name} has no parameter '{inert(parameter, 60)}'", *trail, hint=hint)
                fault = parameter_fault(declared[parameter], value)
                if fault:
                    hint = f"`smguard rules show {name}` explains it"
                    raise self.fault(f"{parameter} of {name} {fault}", *trail, hint=hint)
        return with_severities(catalog, self.body.get("severities", {}))

    def _named_controls(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        for trail, body in (
            ((), self.body),
            *((("paths", i), it) for i, it in enumerate(self.body.get("paths", ()))),
        ):
            for field in ("select", "ignore"):
                yield from (((*trail, field, i), name) for i, name in enumerate(body.get(field, ())))
            for field in ("severities", "control-parameters"):
                yield from (((*trail, field, name), name) for name in body.get(field, ()))


def read(path: str, limits: Limits) -> Config:
    """Read a configuration file; raises SmguardError naming the place of what is wrong."""
    text = read_named(path, limits, noun="the configuration")
    written = any(line.strip() and line.lstrip()[0] != "#" for line in text.splitlines())
    with telling(path, "the configuration"):
        document = read_document(text, limits) if written else _nothing()
    config = Config(path, os.path.dirname(os.path.realpath(path)), document)
    if document.duplicates:
        twice = document.duplicates[0]
        place = f"{inert(path)}:{twice.lines[-1]}"
        raise SmguardError(
            f"{place}: the key {inert(twice.key, 60)} stands more than once", "keep one of them"
        )
    schema = _schema()
    if not _accepts(schema, document.root, schema["$defs"]):
        _refuse(config, schema)
    return config


def _nothing() -> Document:
    document = Document()
    document.root = {}
    return document


def _schema() -> Any:
    found = catalog.data("configuration.json")
    if found is None:
        with open(CONFIGURATION_SCHEMA, "rb") as stream:
            found = json.loads(stream.read())
    return found


def _accepts(schema: Mapping[str, Any], value: Any, named: Mapping[str, Any]) -> bool:
    """Whether a value is of a JSON Schema of the kind that ours is."""
    if "$ref" in schema and not _accepts(named[schema["$ref"].removeprefix("#/$defs/")], value, named):
        return False
    here = {word: schema[word] for word in schema if word in KEYWORDS and word not in _INSIDE}
    if here and compile_schema(here, {})(PLAIN, value, None) is not None:
        return False
    if type(value) is dict:
        more, known = schema.get("additionalProperties", True), schema.get("properties", {})
        return all(name in value for name in schema.get("required", ())) and all(
            inner is True or (inner is not False and _accepts(inner, value[name], named))
            for name, inner in ((name, known.get(name, more)) for name in value)
        )
    return type(value) is not list or all(_accepts(schema.get("items", {}), item, named) for item in value)


def _refuse(config: Config, schema: Mapping[str, Any]) -> None:
    """Say what jsonschema finds wrong, at its place."""
    from scanner.schema_fault import schema_faults

    for trail, what, hint in schema_faults(schema, config.document.root):
        name = inert(".".join(map(str, trail)), 100)
        hint = hint or "docs/configuration.md has all keys"
        raise config.fault(f"{name}: {what}" if name else what, *trail, hint=hint)
