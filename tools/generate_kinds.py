"""Generates rules/_kinds.json: what kind of value each property of each type in rules/_types.yaml takes.

The source is botocore's `Create*` input model, in CloudFormation's names (`renames`); what CloudFormation
alone has or lacks, what it requires and what it replaces a resource for comes from cfn-lint's copy of the
provider schemas. Usage: python -m tools.generate_kinds
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

RULES = Path(__file__).resolve().parent.parent / "rules"
REGION = "us-east-1"
ENUM_MEMBERS = 12
"""Longer enums are plain strings: lists of instance types change every week."""

Kind = Any
"""A leaf ("s", "b", "i", "f", "e:A|B"), {property: kind}, {"*": kind}, [kind], or None: not known."""

_SCALARS = {
    "string": "s",
    "character": "s",
    "timestamp": "s",
    "blob": "s",
    "boolean": "b",
    "integer": "i",
    "long": "i",
    "float": "f",
    "double": "f",
}
_SCHEMA_SCALARS = {"string": "s", "boolean": "b", "integer": "i", "number": "f"}


def generate(types: Mapping[str, Any], today: str) -> dict[str, Any]:
    """The content of _kinds.json for the `types:` of _types.yaml; `today` is an ISO date."""
    service = _service_model()
    kinds: dict[str, Kind] = {}
    only: dict[str, list[str]] = {}
    lacking: dict[str, list[str]] = {}
    create_only: dict[str, list[str]] = {}
    required: dict[str, dict[str, list[str]]] = {}
    for type_name in sorted(types):
        entry = types[type_name] or {}
        tree: dict[str, Kind] = entry.get("properties", {})
        if "create" in entry:
            shape = service.operation_model(entry["create"]).input_shape
            tree = _shape_kind(shape, ())
            required[type_name] = dict(_shape_required(shape, "", ()))
            for canonical, other in (entry.get("renames") or {}).items():
                _move(tree, other, canonical)
        schema = _provider_schema(type_name)
        if schema is not None:
            written = _schema_kind(schema, schema, ())
            _drop(written, schema.get("readOnlyProperties", []))
            lacking[type_name] = sorted(_lacking(tree, written, "")) if "create" in entry else []
            create_only[type_name] = sorted(map(_spell, schema.get("createOnlyProperties", [])))
            required[type_name] = dict(_schema_required(schema, schema, "", ()))
            found: list[str] = []
            tree = _merged(tree, written, "", found)
            only[type_name] = sorted(found) if "create" in entry else []
        kinds[type_name] = tree
    return {
        "generated": today,
        "botocore": version("botocore"),
        "cfn-lint": version("cfn-lint"),
        "kinds": kinds,
        "cloudformation-only": {type_name: paths for type_name, paths in only.items() if paths},
        "api-only": {type_name: paths for type_name, paths in lacking.items() if paths},
        "create-only": {type_name: paths for type_name, paths in create_only.items() if paths},
        "required": {type_name: below for type_name, below in required.items() if below},
    }


def render(content: Mapping[str, Any]) -> str:
    """JSON with one line per type, so that a new property is one changed line."""
    lines = []
    for key, value in content.items():
        if isinstance(value, dict):
            below = ",\n".join(
                f"  {json.dumps(name)}: {json.dumps(it, separators=(',', ':'), sort_keys=True)}"
                for name, it in sorted(value.items())
            )
            lines.append(f" {json.dumps(key)}: {{\n{below}\n }}")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def paths(kind: Kind, prefix: str = "") -> set[str]:
    """Every path of a tree, structures included."""
    found: set[str] = set()
    if isinstance(kind, dict):
        for name, below in kind.items():
            path = f"{prefix}.{name}" if prefix else name
            found |= {path} | paths(below, path)
    elif isinstance(kind, list):
        found |= paths(kind[0], f"{prefix}[]")
    return found


def _service_model() -> Any:
    from botocore.session import Session

    return Session().get_service_model("sagemaker")


def _shape_kind(shape: Any, above: tuple[str, ...]) -> Kind:
    if shape.name in above:
        return None
    above = (*above, shape.name)
    if shape.type_name == "structure":
        if getattr(shape, "is_document_type", False):
            return None
        return {name: _shape_kind(member, above) for name, member in shape.members.items()}
    if shape.type_name == "list":
        return [_shape_kind(shape.member, above)]
    if shape.type_name == "map":
        return {"*": _shape_kind(shape.value, above)}
    members = getattr(shape, "enum", None)
    return _enum(members) if members else _SCALARS[shape.type_name]


def _enum(members: list[Any]) -> str:
    words = sorted({str(member) for member in members})
    return f"e:{'|'.join(words)}" if len(words) <= ENUM_MEMBERS else "s"


def _provider_schema(type_name: str) -> dict[str, Any] | None:
    import cfnlint

    folder = Path(str(cfnlint.__file__)).parent / "data" / "schemas"
    index = json.loads((folder / "providers" / f"{REGION}.json").read_text("utf-8"))
    if type_name not in index:
        return None
    schema: dict[str, Any] = json.loads(
        (folder / "resources" / f"{index[type_name]}.json").read_text("utf-8")
    )
    return schema


def _schema_kind(node: Mapping[str, Any], root: Mapping[str, Any], above: tuple[str, ...]) -> Kind:
    reference = node.get("$ref")
    if reference is not None:
        if reference in above:
            return None
        return _schema_kind(_pointed(root, reference), root, (*above, reference))
    if "enum" in node and all(isinstance(member, str) for member in node["enum"]):
        return _enum(node["enum"])
    kind = node.get("type", "object" if "properties" in node else None)
    if isinstance(kind, list):
        return None
    if kind == "array":
        return [_schema_kind(node.get("items", {}), root, above)]
    if kind == "object":
        if "properties" in node:
            return {name: _schema_kind(below, root, above) for name, below in node["properties"].items()}
        choices = [_schema_kind(each, root, above) for each in node.get("oneOf", ())]
        if choices and all(isinstance(each, dict) and "*" not in each for each in choices):
            return {name: kind for each in choices for name, kind in each.items()}
        patterns = list(node.get("patternProperties", {}).values())
        return {"*": _schema_kind(patterns[0], root, above) if patterns else None}
    return None if kind is None else _SCHEMA_SCALARS[kind]


def _shape_required(shape: Any, path: str, above: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """Paths of the structures below the top, with the members that each must have."""
    if shape.name in above:
        return
    above = (*above, shape.name)
    if shape.type_name == "structure":
        if path and shape.required_members:
            yield path, sorted(shape.required_members)
        for name, member in shape.members.items():
            yield from _shape_required(member, f"{path}.{name}" if path else name, above)
    elif shape.type_name == "list":
        yield from _shape_required(shape.member, f"{path}[]", above)


def _schema_required(
    node: Mapping[str, Any], root: Mapping[str, Any], path: str, above: tuple[str, ...]
) -> Iterator[tuple[str, list[str]]]:
    """As `_shape_required`, of a provider schema."""
    reference = node.get("$ref")
    if reference is not None:
        if reference not in above:
            yield from _schema_required(_pointed(root, reference), root, path, (*above, reference))
        return
    if path and node.get("required"):
        yield path, sorted(node["required"])
    for name, below in node.get("properties", {}).items():
        yield from _schema_required(below, root, f"{path}.{name}" if path else name, above)
    if "items" in node:
        yield from _schema_required(node["items"], root, f"{path}[]", above)


def _pointed(root: Mapping[str, Any], reference: str) -> Any:
    target: Any = root
    for step in reference.removeprefix("#/").split("/"):
        target = target[step]
    return target


def _lacking(api: Kind, cfn: Kind, path: str) -> Iterator[str]:
    """Topmost paths that CloudFormation does not have."""
    if isinstance(api, dict) and isinstance(cfn, dict) and "*" not in {*api, *cfn}:
        for name, below in api.items():
            here = f"{path}.{name}" if path else name
            if name in cfn:
                yield from _lacking(below, cfn[name], here)
            else:
                yield here
    elif isinstance(api, list) and isinstance(cfn, list):
        yield from _lacking(api[0], cfn[0], f"{path}[]")


def _spell(pointer: str) -> str:
    """The path that a pointer like /properties/A/items/properties/B stands for."""
    steps = [step for step in pointer.split("/") if step and step != "properties"]
    return ".".join(steps).replace(".items", "[]").replace(".*", "[]")


def _drop(tree: Kind, pointers: list[str]) -> None:
    """Remove what can't be written; pointers read /properties/A/properties/B or /properties/A/B."""
    for pointer in pointers:
        steps = [step for step in pointer.split("/") if step and step not in ("properties", "items")]
        node = tree
        for step in steps[:-1]:
            node = node[0] if isinstance(node, list) else node
            if step != "*":
                node = node.get(step, {}) if isinstance(node, dict) else {}
        node = node[0] if isinstance(node, list) else node
        if isinstance(node, dict):
            node.pop(steps[-1], None)


def _merged(api: Kind, cfn: Kind, path: str, only: list[str]) -> Kind:
    """Both trees in one; paths that the API lacks are added to `only`, topmost ones alone."""
    if isinstance(api, dict) and isinstance(cfn, dict):
        if "*" in api or "*" in cfn:
            return api if "*" in api else cfn
        tree = dict(api)
        for name, below in cfn.items():
            here = f"{path}.{name}" if path else name
            if name in api:
                tree[name] = _merged(api[name], below, here, only)
            else:
                only.append(here)
                tree[name] = below
        return tree
    if isinstance(api, list) and isinstance(cfn, list):
        return [_merged(api[0], cfn[0], f"{path}[]", only)]
    if isinstance(api, str) and isinstance(cfn, str) and api[:2] == cfn[:2] == "e:":
        return _enum(api[2:].split("|") + cfn[2:].split("|"))
    return cfn if api is None else api


def _move(tree: Kind, source: str, target: str) -> None:
    """Rename a subtree from its API path to its CloudFormation path."""
    node = tree
    steps = source.replace("?", "").split(".")
    for step in steps[:-1]:
        node = _entered(node, step)
    moved = node.pop(steps[-1].removesuffix("[]"))
    node = tree
    steps = target.replace("?", "").split(".")
    for step in steps[:-1]:
        node.setdefault(step.removesuffix("[]"), [{}] if step.endswith("[]") else {})
        node = _entered(node, step)
    node[steps[-1].removesuffix("[]")] = moved


def _entered(node: Kind, step: str) -> Kind:
    below = node[step.removesuffix("[]")]
    return below[0] if step.endswith("[]") else below


def types() -> dict[str, Any]:
    """What the rule folder says of all types."""
    texts = [(RULES / name).read_text("utf-8") for name in ("_types.yaml", "_environment.yaml")]
    return {name: entry for text in texts for name, entry in yaml.safe_load(text)["types"].items()}


def main() -> None:
    """Write rules/_kinds.json."""
    today = datetime.datetime.now(tz=datetime.UTC).date().isoformat()
    (RULES / "_kinds.json").write_text(render(generate(types(), today)), "utf-8")


if __name__ == "__main__":
    main()
