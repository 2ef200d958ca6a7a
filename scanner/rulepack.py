"""A rule pack: checks the structure of a rule folder and compiles it to the catalog's JSON.

Loaded for `rules` commands, builds, a user's own folder and a source checkout; never by a scan of an
installed package.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from scanner import __version__, catalog, compiled, framework, notation
from scanner.folder import CONFIGURATION_SCHEMA, data_folder, read_yaml
from scanner.joint import joined
from scanner.model import SmguardError
from scanner.notation import OWN_NUMBERS, Problem
from scanner.rule_folder import (
    DEFINITIONS_FILE,
    ENVIRONMENT_FILE,
    SCHEMA_FILE,
    SDK_FILE,
    TYPES_FILE,
    ControlFile,
    Pack,
    versioned_files,
)
from scanner.rule_folder import Base as Base
from scanner.rule_folder import read as read
from scanner.schema import named_in, reached
from scanner.schema_fault import schema_faults
from scanner.touched import touched


def source_directory() -> str:
    """`rules/` beside the package in a source checkout; raises SmguardError if it isn't there."""
    directory = data_folder("rules")
    if not os.path.isdir(directory):
        raise SmguardError(
            "this installation has no catalog",
            hint="install sagemaker-guardrails again",
        )
    return directory


@cache
def built_in() -> Pack:
    """`rules/` of a source checkout, read once; not to be changed. Raises SmguardError."""
    return read(source_directory())


def problems(pack: Pack, base: Base | None = None) -> Iterator[Problem]:
    """Everything that keeps a pack from being loaded: faults of reading, of structure, then of names."""
    yield from pack.faults
    malformed = list(_malformed(pack, load_schema(pack.directory if base is None else "")))
    yield from malformed
    if pack.faults or not {it.file for it in malformed}.isdisjoint(pack.shared):
        return
    base = base or Base()
    names = base.with_own(pack)
    sound = [it for it in pack.controls if it.file not in {it.file for it in malformed}]
    seen: dict[str, str] = {}
    for control in sound:
        for trail, what in notation.control_faults(control.document, control.stem, names):
            yield Problem(control.file, trail, what)
        if control.stem in base.ids:
            yield Problem(control.file, ("id",), f"'{control.stem}' is a control of the built-in catalog")
        elif control.stem in seen:
            yield Problem(control.file, ("id",), f"'{control.stem}' is also {seen[control.stem]}")
        seen[control.stem] = control.file
    yield from _number_problems(sound, base)
    own = {name: entry for name, entry in pack.types.items() if name not in pack.environment}
    for file, section, entries, known in (
        (DEFINITIONS_FILE, "values", pack.values, base.values),
        (DEFINITIONS_FILE, "shapes", pack.shapes, base.shapes),
        (TYPES_FILE, "types", own, base.types),
        (ENVIRONMENT_FILE, "types", pack.environment, base.types),
        (DEFINITIONS_FILE, "template-parameters", pack.template_parameters, base.template_parameters),
    ):
        faults = notation.type_faults if section == "types" else notation.named_faults
        for name, entry in entries.items():
            if name in known:
                yield Problem(file, (section, name), "is defined by the built-in catalog")
            for trail, what in faults(entry, names):
                yield Problem(file, (section, name, *trail), what)
    for name, body in pack.values.items():
        if name in reached(pack.values, named_in(body, "$ref")):
            yield Problem(DEFINITIONS_FILE, ("values", name), "refers to itself")
    if base.ids:  # what is said of the built-in catalog's own is tested
        for trail, what in framework.faults(pack.told, base.told):
            yield Problem(framework.FILE, trail, what)


def _malformed(pack: Pack, schema: Mapping[str, Any]) -> Iterator[Problem]:
    """What is not of the JSON Schema of rule files."""
    documents = [(it.file, it.document, "control") for it in pack.controls]
    documents += [(file, document, _SECTIONS[file]) for file, document in pack.shared.items()]
    for file, document, name in documents:
        for fault in schema_faults({**schema, "$ref": f"#/$defs/{name}"}, document):
            yield Problem(file, fault.trail, str(fault))


def load_schema(directory: str) -> dict[str, Any]:
    """The JSON Schema of rule files: the folder's own, else the built-in one."""
    path = os.path.join(directory, SCHEMA_FILE)
    if not os.path.isfile(path):
        found: dict[str, Any] | None = catalog.data("schema.json")
        if found is not None:
            return found
        path = os.path.join(source_directory(), SCHEMA_FILE)
    with open(path, encoding="utf-8") as stream:
        schema: dict[str, Any] = json.load(stream)
        return schema


def compile(directory: str, base: Base | None = None) -> dict[str, Any]:
    """The catalog of a rule folder as plain JSON values, without examples.

    Raises SmguardError naming the file and key of the first problem.
    """
    return compile_pack(read(directory), base)


def compile_pack(pack: Pack, base: Base | None = None) -> dict[str, Any]:
    """As `compile`, for a folder that has been read already."""
    problem = next(problems(pack, base), None)
    if problem is not None:
        raise SmguardError(
            str(problem), hint=f"`smguard rules check {pack.directory}` lists everything that is wrong"
        )
    known = (base or Base()).with_own(pack)
    return {
        "version": __version__,
        "digest": pack.digest,
        "controls": sorted(
            (
                {**compiled, **framework.complete(compiled, known.told)}
                for compiled in (_compiled(it.document) for it in pack.controls)
            ),
            key=lambda it: it["id"],
        ),
        "values": pack.values,
        "shapes": pack.shapes,
        "types": {
            name: {field: value for field, value in (entry or {}).items() if field not in ("live", "config")}
            for name, entry in pack.types.items()
        },
        "transforms": pack.transforms,
        "kinds": _pruned(
            joined(known.kinds, known.types), touched(pack, known.types, known.shapes, known.values)
        ),
        "template-parameters": pack.template_parameters,
        **({"told": pack.told} if base else {}),
    }


def examples(pack: Pack) -> dict[str, dict[str, Any]]:
    """The examples of each control, by id and verdict."""
    return {
        control.stem: control.document["examples"]
        for control in pack.controls
        if isinstance(control.document, dict) and isinstance(control.document.get("examples"), dict)
    }


def live_types(pack: Pack, shapes: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """How the types of a pack are read from an account: their `live:` blocks, completed.

    `kept` are the properties that some control looks at, `config` is the type's `config:` block.
    """
    looked_at = touched(pack, pack.types, shapes, pack.values)
    return {
        name: {
            **entry["live"],
            "kept": sorted(it for it in looked_at.get(name, ()) if "@" not in it and it != "Tags"),
            "config": entry.get("config") or {},
        }
        for name, entry in pack.types.items()
        if entry and "live" in entry
    }


def compiled_files(directory: str) -> dict[str, str]:
    """The files of `scanner/data/` in a wheel, `policies/` as it is among them: name -> text."""
    pack = read(directory)
    files = {
        "examples.json": examples(pack),
        "kinds.json": pack.generated,
        "live.json": live_types(pack, pack.shapes),
        "frameworks.json": pack.told,
        "sdk.json": sdk(os.path.join(directory, SDK_FILE)),
    }
    texts = {name: compiled.dense(content) for name, content in files.items()}
    texts["catalog.json"] = compiled.pack(compile_pack(pack))
    with open(os.path.join(directory, SCHEMA_FILE), encoding="utf-8") as stream:
        texts["schema.json"] = stream.read()
    with open(CONFIGURATION_SCHEMA, encoding="utf-8") as stream:
        texts["configuration.json"] = stream.read()
    for name, path in versioned_files(directory):
        if name.startswith("policies/"):
            with open(path, encoding="utf-8") as stream:
                texts[name] = stream.read()
        if name == "policies/_calls.yaml":
            from scanner.policy import call

            texts["calls.json"] = compiled.dense(call.read(path))
    return texts


def sdk(path: str) -> dict[str, Any]:
    """What the calls of the SageMaker SDK ask for, each entry with all that it is `like`.

    Raises SmguardError if the file can't be read.
    """
    document = read_yaml(path)

    def whole(name: str) -> dict[str, Any]:
        entry = dict(document["classes"][name] or {})
        return {**whole(entry.pop("like")), **entry} if "like" in entry else entry

    said = {name: whole(name) for name in document["classes"]}
    unsaid = document["unsaid"]
    for entry in said.values():
        if "type" in entry:
            of_type = {**unsaid["*"], **unsaid.get(entry["type"], {})}
            entry["otherwise"] = {**of_type, **entry.get("otherwise", {})}
    return {**said, **{name: document[name] for name in ("elsewhere", "images", "libraries", "telling")}}


def _compiled(document: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: document.get(name) or otherwise for name, otherwise in _OPTIONAL.items()}
    texts = {name: document[name].strip() for name in ("title", "rationale", "remediation")}
    plain = {name: document[name] for name in ("id", "area", "severity", "resources")}
    return {**plain, **texts, **said, "waivable": document.get("waivable", True)}


def _pruned(kinds: Mapping[str, Any], touched: Mapping[str, set[str]]) -> dict[str, Any]:
    return {
        type_name: {name: kinds[type_name][name] for name in sorted(names) if name in kinds[type_name]}
        for type_name, names in sorted(touched.items())
        if type_name in kinds
    }


def _number_problems(controls: Iterable[ControlFile], base: Base) -> Iterator[Problem]:
    """A number that two controls have, or that the built-in catalog may take for a control to come."""
    owners = dict(base.numbers)
    for control in controls:
        number = control.document.get("number")
        if number is not None:
            owner = owners.setdefault(number, control.stem)
            if owner != control.stem:
                yield Problem(control.file, ("number",), f"{number} is the number of {owner}")
            elif base.numbers and number < OWN_NUMBERS:
                what = f"{number} is kept for the built-in catalog; take one from {OWN_NUMBERS} to 999"
                yield Problem(control.file, ("number",), what)


_OPTIONAL: Mapping[str, Any] = {
    **{"aka": {}, "frameworks": {}, "prevent": [], "retired": False},
    **dict.fromkeys(("parameters", "number", "fix", "not-prevented", "over-prevented")),
}
"""What a control file may leave out, and what it is then."""
_SECTIONS = {
    DEFINITIONS_FILE: "definitions-file",
    TYPES_FILE: "types-file",
    ENVIRONMENT_FILE: "types-file",
    framework.FILE: "frameworks-file",
}
