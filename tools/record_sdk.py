"""Records which parameters the SageMaker SDK's classes and methods take, for tests of rules/_sdk.yaml.

The packages are read, not imported: python -m tools.record_sdk SITE-PACKAGES-OF-2 SITE-PACKAGES-OF-3
SITE-PACKAGES-OF-AN-EARLIER-2, of which only that is kept which the later 2 no longer has; take 2.200.1.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scanner import rulepack

ROOT = Path(__file__).resolve().parent.parent
SENSITIVE = re.compile(r"^(?!_).*(kms|subnet|security_group|vpc|isolation|encrypt|network|remote_debug)")
"""Parameters that must be in the table, or said not to matter."""
_LONGEST = 12
TARGET = ROOT / "tests" / "code" / "sdk_signatures.json"


def main() -> None:
    """Write the signatures of the classes that rules/_sdk.yaml knows."""
    table = rulepack.sdk(str(ROOT / "rules" / "_sdk.yaml"))
    wanted = {
        word for entry in table.values() for field in ("keywords", "sets") for word in entry.get(field, ())
    }
    recorded: dict[str, Any] = {}
    for number, folder in zip(("2", "3", "earlier"), sys.argv[1:4], strict=True):
        definitions = dict(_definitions(Path(folder)))
        signatures = _signatures(table, definitions)
        if number == "earlier":
            known = {name.partition(".")[0] for name in recorded["2"]["signatures"]}
            signatures = {name: it for name, it in signatures.items() if name.partition(".")[0] not in known}
        recorded[number] = {"version": _version(Path(folder)), "signatures": signatures}
        if number != "earlier":
            recorded[number]["heirs"] = _heirs(table, definitions)
        for each in recorded[number]["signatures"].values():
            each["positional"] = [order[:_LONGEST] for order in each["positional"]]
            each["keywords"] = [word for word in each["keywords"] if word in wanted or SENSITIVE.search(word)]
    text = json.dumps(recorded, sort_keys=True, separators=(",", ":"))
    TARGET.write_text(text.replace('},"', '},\n"') + "\n", encoding="utf-8")


def _version(folder: Path) -> str:
    return next(
        path.name.split("-")[1].removesuffix(".dist-info") for path in folder.glob("sagemaker-*.dist-info")
    )


def _definitions(folder: Path) -> Iterator[tuple[str, Any]]:
    """Every public class and function of the package: (module and name, its node)."""
    for path in sorted((folder / "sagemaker").rglob("*.py")):
        module = ".".join(path.relative_to(folder).with_suffix("").parts)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                yield f"{module}:{node.name}", node


def _heirs(table: Any, definitions: dict[str, Any]) -> list[str]:
    """The public classes that are made from one which stands for a resource."""
    bases = {
        node.name: {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        for node in definitions.values()
        if isinstance(node, ast.ClassDef)
    }
    found: set[str] = set()
    size = -1
    while size < len(found):
        size = len(found)
        for name, its in bases.items():
            if any(base in found or "type" in table.get(base, {}) for base in its):
                found.add(name)
    return sorted(name for name in found if not name.startswith("_"))


def _signatures(table: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, entry in table.items():
        last = name.rpartition(".")[2]
        prefix = name.rpartition(".")[0]
        homes = [key for key in definitions if key.endswith(f":{last}") and key.startswith(prefix)]
        # sagemaker-core's generated classes are spelled as the API is.
        homes = [key for key in homes if ".shapes" not in key and ".resources" not in key] or homes
        for key in homes:
            node = definitions[key]
            _add(found, name, _parameters(node, definitions))
            for method in {*entry.get("calls", ()), *entry.get("starts", ())}:
                body = _method(node, method, definitions)
                if body is not None:
                    _add(found, f"{name}.{method}", _of_function(body))
    return found


def _add(found: dict[str, Any], name: str, parameters: tuple[list[str], list[str]]) -> None:
    entry = found.setdefault(name, {"positional": [], "keywords": []})
    entry["positional"].append(parameters[0])
    entry["keywords"] = sorted({*entry["keywords"], *parameters[1]})


def _parameters(node: Any, definitions: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Positional parameters, and all keywords with those that are passed on to a base."""
    if isinstance(node, ast.FunctionDef):
        return _of_function(node, skip=0)
    positional: list[str] | None = None
    keywords: list[str] = []
    waiting, seen = [node], set()
    while waiting:
        each = waiting.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        fields = [
            it.target.id
            for it in each.body
            if isinstance(it, ast.AnnAssign) and isinstance(it.target, ast.Name)
        ]
        init = next(
            (it for it in each.body if isinstance(it, ast.FunctionDef) and it.name == "__init__"), None
        )
        # Old names that are still taken are the first argument of renamed_kwargs().
        calls = [
            it
            for it in ast.walk(each)
            if isinstance(it, ast.Call) and getattr(it.func, "id", "") == "renamed_kwargs"
        ]
        keywords += [str(it.args[0].value) for it in calls if isinstance(it.args[0], ast.Constant)]
        if init is not None:
            names, every = _of_function(init)
            positional = names if positional is None else positional
            keywords += every
            if init.args.kwarg is None:
                continue
            keywords += fields
        else:
            keywords += fields
            positional = fields if fields and positional is None else positional
        for base in each.bases:
            called = ast.unparse(base).rpartition(".")[2]
            waiting += [body for key, body in definitions.items() if key.endswith(f":{called}")]
    return positional or [], keywords


def _of_function(node: ast.FunctionDef, skip: int = 1) -> tuple[list[str], list[str]]:
    names = [each.arg for each in (*node.args.posonlyargs, *node.args.args)][skip:]
    return names, names + [each.arg for each in node.args.kwonlyargs]


def _method(
    node: Any, name: str, definitions: dict[str, Any], seen: frozenset[int] = frozenset()
) -> ast.FunctionDef | None:
    if not isinstance(node, ast.ClassDef) or id(node) in seen:
        return None
    for it in node.body:
        if isinstance(it, ast.FunctionDef) and it.name == name:
            return it
    for base in node.bases:
        called = ast.unparse(base).rpartition(".")[2]
        for key, body in definitions.items():
            if key.endswith(f":{called}"):
                found = _method(body, name, definitions, seen | {id(node)})
                if found is not None:
                    return found
    return None


if __name__ == "__main__":
    main()
