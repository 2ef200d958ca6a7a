"""Catalogs from elsewhere: a rule folder, a wheel, or a folder at a git revision."""

from __future__ import annotations

import json
import os
import re
import zipfile
from collections.abc import Mapping
from io import BytesIO
from typing import Any, NamedTuple

from scanner import catalog
from scanner.catalog import Catalog
from scanner.compiled import unpack
from scanner.model import SmguardError

INSTALLED = "installed"
_MOST_BYTES = 50_000_000
_REVISION = re.compile(r"(?P<revision>[\w][\w./@^~{}-]*):(?P<folder>[\w./ -]*)")
_KINDS = ("a folder of control files", "a wheel (.whl)", "REVISION:FOLDER of a git repository", INSTALLED)
Examples = Mapping[str, Mapping[str, list[Mapping[str, Any]]]]


class Source(NamedTuple):
    """A catalog with its examples, and what the person who asked for it called it."""

    name: str
    catalog: Catalog
    examples: Examples


def load(name: str) -> Source:
    """The catalog that `name` stands for. Raises SmguardError if it stands for none."""
    if name == INSTALLED:
        return Source(name, catalog.load(), catalog.examples())
    if os.path.isdir(name):
        return _from_folder(name, name)
    if os.path.isfile(name):
        return _from_wheel(name)
    revision = _REVISION.fullmatch(name)
    if revision:
        return _from_git(name, revision["revision"], revision["folder"])
    raise SmguardError(f"{name} is no catalog", f"give {', '.join(_KINDS[:-1])} or '{_KINDS[-1]}'")


def _from_folder(name: str, folder: str) -> Source:
    """A whole catalog brings its own types; a folder of one's own stands on the installed catalog."""
    from scanner import rulepack
    from scanner.rule_folder import KINDS_FILE, TYPES_FILE

    inner = os.path.join(folder, "rules")
    if os.path.isfile(os.path.join(inner, TYPES_FILE)):  # a checkout
        folder = inner
    pack = rulepack.read(folder)
    examples = rulepack.examples(pack)
    whole = all(os.path.isfile(os.path.join(folder, file)) for file in (TYPES_FILE, KINDS_FILE))
    if whole and any(kind.startswith("AWS::SageMaker::") for kind in pack.types):
        return Source(name, catalog.build(rulepack.compile_pack(pack)), examples)
    installed = catalog.load()
    return Source(name, catalog.add(installed, folder), {**catalog.examples(), **examples})


def _from_wheel(path: str) -> Source:
    try:
        with zipfile.ZipFile(path) as archive:
            raw, examples = (
                _read_json(archive, f"scanner/data/{each}.json") for each in ("catalog", "examples")
            )
        found = catalog.build(unpack(raw))
        _compile(found)
        return Source(path, found, examples)
    except (
        OSError,
        zipfile.BadZipFile,
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        RecursionError,
    ) as error:
        what = f"{path} holds no catalog that this version of smguard can read"
        raise SmguardError(what, "give a wheel of sagemaker-guardrails") from error


def _compile(found: Catalog) -> None:
    """Raises for notation that only another version knows."""
    from scanner.place import compile_place

    for control in found.controls:
        for rule in control.resources.values():
            for place in rule.get("places", ()):
                compile_place(place, found.values, found.shapes)


def _read_json(archive: zipfile.ZipFile, name: str) -> Any:
    if archive.getinfo(name).file_size > _MOST_BYTES:
        raise ValueError("too large")
    return json.loads(archive.read(name))


def _from_git(name: str, revision: str, folder: str) -> Source:
    import subprocess
    import tempfile

    command = ["git", "archive", "--format=zip", f"{revision}:{folder}"]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError as error:
        raise SmguardError("git can't be started", "give a folder or a wheel instead") from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
        raise SmguardError(
            f"{name} is no folder at a git revision: {said}", "give REVISION:FOLDER, as git has it"
        )
    with tempfile.TemporaryDirectory(prefix="smguard-") as temporary:
        with zipfile.ZipFile(BytesIO(done.stdout)) as archive:
            archive.extractall(temporary)
        return _from_folder(name, temporary)
