"""A rule folder on disk: which files count, their YAML, and the digest over them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from scanner import framework
from scanner.limits import Limits
from scanner.model import SmguardError
from scanner.notation import Problem
from scanner.policy_kind import expand
from scanner.template import reader

TYPES_FILE, ENVIRONMENT_FILE, DEFINITIONS_FILE = "_types.yaml", "_environment.yaml", "_defs.yaml"
KINDS_FILE, SCHEMA_FILE, SDK_FILE = "_kinds.json", "_schema.json", "_sdk.yaml"
_GENERATED = "README.md"
_LIMITS = Limits(depth=100, nodes=200_000)


@dataclass(frozen=True, slots=True)
class ControlFile:
    """One control as its file states it; `document` is whatever the YAML holds."""

    file: str
    """Path below the pack's folder, with forward slashes."""
    document: Any

    @property
    def stem(self) -> str:
        """The file's name without folder and extension, which must be the control's id."""
        return self.file.rpartition("/")[2].rpartition(".")[0]


@dataclass(slots=True)
class Pack:
    """A rule folder as read, before anything is judged about it."""

    directory: str
    digest: str
    controls: list[ControlFile] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    shapes: dict[str, Any] = field(default_factory=dict)
    types: dict[str, Any] = field(default_factory=dict)
    """Those of `_types.yaml` and `_environment.yaml`."""
    environment: dict[str, Any] = field(default_factory=dict)
    """The types of `_environment.yaml` alone."""
    transforms: list[str] = field(default_factory=list)
    kinds: dict[str, Any] = field(default_factory=dict)
    template_parameters: dict[str, Any] = field(default_factory=dict)
    frameworks: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, Any] = field(default_factory=dict)
    mappings: dict[str, Any] = field(default_factory=dict)
    generated: dict[str, Any] = field(default_factory=dict)
    """All that `_kinds.json` holds, `kinds` among it."""
    shared: dict[str, Any] = field(default_factory=dict)
    """What the files say that are no controls, by their names."""
    faults: list[Problem] = field(default_factory=list)
    """What could not be read: broken YAML, a key that stands twice."""

    @property
    def told(self) -> dict[str, Any]:
        """What `_frameworks.yaml` says, as `framework.read` gives it."""
        return {name: getattr(self, name) for name in framework.FIELDS}


@dataclass(frozen=True, slots=True)
class Base:
    """The names and property kinds of another pack that a user's own folder builds on."""

    ids: frozenset[str] = frozenset()
    numbers: Mapping[int, str] = field(default_factory=dict)
    """The numbers of its controls, retired ones included, and whose they are."""
    values: Mapping[str, Any] = field(default_factory=dict)
    shapes: Mapping[str, Any] = field(default_factory=dict)
    types: Mapping[str, Any] = field(default_factory=dict)
    kinds: Mapping[str, Any] = field(default_factory=dict)
    template_parameters: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=lambda: {name: {} for name in framework.FIELDS})
    """What is known of frameworks, as `framework.read` gives it."""

    def with_own(self, pack: Pack) -> Base:
        """What is known where a folder builds on it, but for ids and numbers."""
        return Base(
            values={**self.values, **pack.values},
            shapes={**self.shapes, **pack.shapes},
            types={**self.types, **pack.types},
            kinds={**self.kinds, **pack.kinds},
            told=framework.joined(self.told, pack.told),
        )


def digest(directory: str) -> str:
    """SHA-256 over the paths and bytes of a rule folder, and of `policies/` beside it if its name is `rules`.

    Left out: hidden files, caches and the generated README.
    """
    total = hashlib.sha256()
    for shown, path in versioned_files(directory):
        with open(path, "rb") as stream:
            data = stream.read()
        total.update(f"{shown}\0{len(data)}\0".encode())
        total.update(data)
    return total.hexdigest()


def read(directory: str, *, begun: bool = True) -> Pack:
    """Read a rule folder; faults of single files are kept in `faults`. Raises SmguardError if it is none.

    Without `begun`, it may be one that holds no control yet.
    """
    if not os.path.isdir(directory):
        raise SmguardError(f"{directory} is no folder", hint="give a folder of control files")
    pack = Pack(directory=directory, digest=digest(directory))
    for file in _files(directory):
        name = file.rpartition("/")[2]
        if name.endswith((".yaml", ".yml")) and not name.startswith("_"):
            document, fault = _read_yaml(directory, file)
            if fault is not None:
                pack.faults.append(fault)
            else:
                pack.controls.append(ControlFile(file, document))
    for file, fields in (
        (DEFINITIONS_FILE, ("values", "shapes", "template-parameters")),
        (TYPES_FILE, ("types", "transforms")),
        (framework.FILE, framework.FIELDS),
    ):
        _read_shared(pack, file, fields)
    if begun and not (pack.controls or pack.faults or pack.shared.get(framework.FILE)):
        raise SmguardError(f"{directory} holds no control file", hint="a control is one YAML file, <id>.yaml")
    _read_environment(pack)
    _read_kinds(pack)
    return pack


def _files(directory: str) -> Iterator[str]:
    """Every file of a folder that counts, sorted, relative and with forward slashes."""
    found = []
    for folder, folders, names in os.walk(directory):
        folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), directory).replace(os.sep, "/")
            if not name.startswith(".") and not name.endswith("~") and path != _GENERATED:
                if not os.path.isfile(os.path.join(folder, name)):  # opening a pipe could wait for ever
                    raise SmguardError(f"{os.path.join(folder, name)} is not a regular file")
                found.append(path)
    yield from sorted(found)


def versioned_files(directory: str) -> Iterator[tuple[str, str]]:
    """What the digest is over: (name from the project's root, path)."""
    directory = os.path.abspath(directory)
    for file in _files(directory):
        yield f"rules/{file}", os.path.join(directory, file)
    policies = os.path.join(os.path.dirname(directory), "policies")
    if os.path.basename(directory) == "rules" and os.path.isdir(policies):
        for file in _files(policies):
            yield f"policies/{file}", os.path.join(policies, file)


def _read_shared(pack: Pack, file: str, fields: tuple[str, ...]) -> None:
    if not os.path.isfile(os.path.join(pack.directory, file)):
        return
    document, fault = _read_yaml(pack.directory, file)
    if fault is not None:
        pack.faults.append(fault)
        return
    if isinstance(document, dict):
        document = {name: content for name, content in document.items() if content is not None}
        for name in fields:
            content, attribute = document.get(name), name.replace("-", "_")
            if isinstance(content, type(getattr(pack, attribute))):
                setattr(pack, attribute, content)
    pack.shared[file] = document


def _read_environment(pack: Pack) -> None:
    own = pack.types
    pack.types = {}
    _read_shared(pack, ENVIRONMENT_FILE, ("types",))
    pack.environment = pack.types
    twice = own.keys() & pack.environment.keys()
    pack.faults += [Problem(ENVIRONMENT_FILE, ("types", it), f"stands in {TYPES_FILE} too") for it in twice]
    pack.types = {**pack.environment, **own}


def _read_kinds(pack: Pack) -> None:
    path = os.path.join(pack.directory, KINDS_FILE)
    if not os.path.isfile(path):
        return
    try:
        with open(path, encoding="utf-8") as stream:
            generated = json.load(stream)
        generated["kinds"] = kinds = expand(generated["kinds"])
        only = generated.get("cloudformation-only", {})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        generated = kinds = only = None
    if isinstance(kinds, dict) and isinstance(only, dict):
        pack.kinds, pack.generated = kinds, generated
    else:
        what = 'must be JSON like {"kinds": {"AWS::S3::Bucket": {"BucketName": "s"}}}'
        pack.faults.append(Problem(KINDS_FILE, (), what))


def _read_yaml(directory: str, file: str) -> tuple[Any, Problem | None]:
    """The content of one file of a folder, or what is wrong with it."""
    try:
        with open(os.path.join(directory, file), encoding="utf-8") as stream:
            document = reader.read(stream.read(), _LIMITS)
    except UnicodeDecodeError:
        return None, Problem(file, (), "is not UTF-8")
    except OSError as error:
        return None, Problem(file, (), error.strerror or str(error))
    except reader.ReadError as fault:
        return None, Problem(file, (), fault.what, fault.line)
    wrong = [(lines[-1], f"'{key}' stands twice") for key, lines in document.duplicates]
    # Of what is noted about templates, only a value that nobody knows is wrong here.
    wrong += [note for note in document.notes if note[1].startswith("the tag ")]
    for line, what in wrong[:1]:
        return None, Problem(file, (), what, line)
    return document.root, None
