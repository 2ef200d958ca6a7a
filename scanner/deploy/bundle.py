"""The zips that Lambda runs: modules that are needed, found from the imports, and the compiled catalog."""

from __future__ import annotations

import ast
import io
import json
import os
import zipfile
from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from typing import NamedTuple

from scanner import __version__
from scanner.compiled import dense, lines_of, pack, unpack
from scanner.deploy.compact import compact_catalog, compact_kinds
from scanner.deploy.slim import slim
from scanner.folder import PACKAGE, data_folder, read_data
from scanner.model import SmguardError

MOST_BYTES = 250_000
_OURS = ("config_rules", "scanner")
_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can say."""


class Bundle(NamedTuple):
    """One zip."""

    name: str
    """"smguard-rules-0123456789ab.zip": its digest is in its name, so that an update is another object."""
    digest: str
    """SHA-256 of the names and contents, whatever compressed them."""
    content: bytes

    @property
    def code_sha256(self) -> str:
        """As Lambda says it."""
        from base64 import b64encode

        return b64encode(sha256(self.content).digest()).decode()


def bundles() -> dict[str, Bundle]:
    """The zips by what they are for, "rules" and "hook".

    Raises SmguardError for a module that isn't there and for a zip that is larger than it may be.
    """
    bodies = read_data("config_rules", "_deployment.yaml")["bundles"]
    return {name: _bundle(name, body) for name, body in bodies.items()}


def _bundle(kind: str, body: Mapping[str, Collection[str]]) -> Bundle:
    files = {
        **_modules(body["entries"], body["without"]),
        **{f"scanner/data/{name}": text for name, text in _data(body["data"]).items()},
        **{name: text for package in body["packages"] for name, text in _package(package)},
    }
    digest = sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode() + files[name])
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[name])
    content = stream.getvalue()
    if len(content) > MOST_BYTES:
        raise SmguardError(f"the zip of the {kind} has {len(content)} bytes, more than {MOST_BYTES}")
    return Bundle(f"smguard-{kind}-{digest.hexdigest()[:12]}.zip", digest.hexdigest(), content)


def _modules(entries: Collection[str], without: Collection[str]) -> dict[str, bytes]:
    """The entries and all modules of ours that they import, packages' own files included."""
    found: dict[str, bytes] = {}
    waiting = [*entries]
    met = {*entries, *without}
    while waiting:
        module = waiting.pop()
        path = _path(module)
        if path is None:
            if module in entries:
                raise SmguardError(
                    f"there is no module {module} to deploy", "install sagemaker-guardrails again"
                )
            continue
        with open(path, "rb") as stream:
            source = stream.read()
        inner = module.replace(".", "/") + ("/__init__.py" if path.endswith("__init__.py") else ".py")
        found[inner] = slim(source)
        for name in _imports(source, module):
            if name not in met:
                met.add(name)
                waiting.append(name)
    return found


def _imports(source: bytes, module: str) -> Iterator[str]:
    """What a module imports of ours, functions' imports too; some of the names are no modules."""
    yield from (module[:at] for at, letter in enumerate(module) if letter == ".")
    tree = ast.parse(source)
    guarded = {
        id(node)
        for outer in ast.walk(tree)
        if isinstance(outer, ast.If) and isinstance(outer.test, ast.Name) and outer.test.id == "TYPE_CHECKING"
        for body in outer.body
        for node in ast.walk(body)
    }
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [each.name for each in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
        if id(node) not in guarded:
            yield from (name for name in names if name.split(".")[0] in _OURS)


def _path(module: str) -> str | None:
    top, _, rest = module.partition(".")
    folder = data_folder("config_rules") if top == "config_rules" else PACKAGE
    base = os.path.join(folder, *rest.split(".")) if rest else folder
    candidates = (os.path.join(base, "__init__.py"), f"{base}.py")
    return next((path for path in candidates if os.path.isfile(path)), None)


def _data(names: Collection[str]) -> dict[str, bytes]:
    """The compiled files, as far as a function needs them."""
    files = _compiled(names)
    if "catalog.json" in files:
        whole = unpack(lines_of(files["catalog.json"]), json.loads)
        files["catalog.json"] = pack(compact_catalog(whole)).encode()
    if "kinds.json" in files:
        kinds = compact_kinds(json.loads(files["kinds.json"]), json.loads(files["live.json"]))
        files["kinds.json"] = dense(kinds).encode()
    return files


def _compiled(names: Collection[str]) -> dict[str, bytes]:
    """From the installed package, or compiled of `rules/`."""
    folder = os.path.join(PACKAGE, "data")
    if os.path.isfile(os.path.join(folder, "catalog.json")):
        found = {}
        for name in names:
            with open(os.path.join(folder, name), "rb") as stream:
                found[name] = stream.read()
        return found
    from scanner import rulepack

    compiled = rulepack.compiled_files(rulepack.source_directory())
    return {name: compiled[name].encode() for name in names}


def _package(name: str) -> Iterator[tuple[str, bytes]]:
    """The Python files of an installed package: what is compiled for this machine would not run in Lambda."""
    from importlib.util import find_spec

    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise SmguardError(f"{name} is not installed", "install sagemaker-guardrails again")
    folder = os.path.dirname(spec.origin)
    for file in sorted(os.listdir(folder)):
        if file.endswith(".py"):
            with open(os.path.join(folder, file), "rb") as stream:
                yield f"{name}/{file}", stream.read()


def stamp(bundle: Bundle, catalog_digest: str) -> dict[str, str]:
    """The tags by which a deployed function tells what it is made of."""
    return {
        "smguard:version": __version__,
        "smguard:catalog": catalog_digest,
        "smguard:code": bundle.digest,
    }
