"""The policies of the pack, and their text with an organisation's values in place of the placeholders."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from scanner.folder import data_folder, read_data
from scanner.model import SmguardError
from scanner.opening import read_document
from scanner.policy.document import show_path
from scanner.safe_text import inert
from scanner.schema_fault import SchemaFault, schema_faults
from scanner.template.document import Document

PARTITIONS = ("aws", "aws-cn", "aws-us-gov")
EXAMPLE = "parameters.yaml"
_PACK, _QUOTAS, _SCHEMA, _SURFACES = "_pack.yaml", "_quotas.yaml", "_parameters.schema.json", "_surfaces.yaml"
_PLACEHOLDER = re.compile(r"\{\{([a-z][a-z-]*)\}\}")
Values = Mapping[str, str | list[str]]


class Entry(NamedTuple):
    """One policy of the pack as it is written, placeholders and all."""

    path: str
    """Below `policies/`: "scp/encryption.json"."""
    type: str
    """What it is to AWS: SERVICE_CONTROL_POLICY, ManagedPolicy, …"""
    about: str
    text: str
    largest: int
    """How many characters AWS takes."""
    splits: bool
    """May its statements move to further policies?"""
    boundary: bool
    alone: str
    """Why no control need name its statements; empty where one must."""
    each: Mapping[str, str]
    """Name of a value -> the parameter that lists it: the policy is rendered once for each."""

    @property
    def kind(self) -> str:
        """The folder: scp, iam, vpc-endpoint, s3 or ai-opt-out."""
        return self.path.partition("/")[0]

    @property
    def name(self) -> str:
        """The name without folder and extension."""
        return self.path.partition("/")[2].removesuffix(".json")

    @property
    def statements(self) -> list[Any]:
        """Its statements, unfilled; an opt-out policy has none."""
        found: list[Any] = json.loads(self.text).get("Statement", [])
        return found


def entries() -> list[Entry]:
    """Every policy of the pack, in the order in which `_pack.yaml` names them."""
    pack, quotas = read_data("policies", _PACK), read_data("policies", _QUOTAS)["kinds"]
    found = []
    for path, about in pack["policies"].items():
        kind = pack["kinds"][path.partition("/")[0]]
        found.append(
            Entry(
                path=path,
                type=kind["type"],
                about=about["about"],
                text=_read(path),
                largest=quotas[kind["quota"]]["characters"],
                splits=about.get("splits", kind["splits"]),
                boundary=about.get("boundary", False),
                alone=about.get("alone", ""),
                each=about.get("each", {}),
            )
        )
    return found


def surfaces() -> Mapping[str, list[str]]:
    """The resource types that no template can hold, and those that AWS Config records."""
    found: Mapping[str, list[str]] = read_data("policies", _SURFACES)
    return found


def example_values() -> Values:
    """The values of `parameters.yaml`, with which the cases are written."""
    return values_of(os.path.join(data_folder("policies"), EXAMPLE), PARTITIONS[0])


def values_of(file: str, partition: str) -> Values:
    """An organisation's values from its parameter file; SmguardError, with the place, if one is wrong."""
    document = read_document(file)
    hint = "`smguard policies list --parameters` describes them"
    demand_sound(document, schema(_SCHEMA), file, hint, _foreign(document.root, partition))
    return {**document.root, "partition": partition}


def demand_sound(
    document: Document,
    schema: Mapping[str, Any],
    where: str,
    hint: str = "",
    others: Iterable[SchemaFault] = (),
) -> None:
    """Raise SmguardError at `where:line:column` for the first of a document's faults, and of `others`."""
    wrong = [*schema_faults(schema, document.root), *others]
    faults = [(document.place_of(it.trail) or (1, 1), f"{show_path(it.trail)} {it.what}") for it in wrong]
    if faults:
        (line, column), what = min(faults)
        more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
        raise SmguardError(f"{inert(where)}:{line}:{column}: {what.lstrip()}{more}", hint)


def schema(name: str) -> dict[str, Any]:
    """A JSON Schema of the pack."""
    found: dict[str, Any] = json.loads(_read(name))
    return found


def fill(node: Any, values: Values) -> Any:
    """The node with every placeholder replaced; in a list, a text is repeated per value of a list."""
    if isinstance(node, dict):
        return {key: fill(below, values) for key, below in node.items()}
    if isinstance(node, list):
        return [each for below in node for each in (_texts_of(below, values) or [fill(below, values)])]
    if isinstance(node, str):
        filled = list(_texts_of(node, values))
        if len(filled) != 1:
            raise SmguardError(f"{node} stands for {len(filled)} texts where one is asked for")
        return filled[0]
    return node


def placeholders(text: str) -> set[str]:
    """The names that a text has placeholders for."""
    return set(_PLACEHOLDER.findall(text))


def example_text() -> str:
    """`parameters.yaml` as it stands, to start from."""
    return _read(EXAMPLE)


def described() -> Iterator[tuple[str, str, Any]]:
    """The parameters: name, description and example."""
    values = example_values()
    for name, body in schema(_SCHEMA)["properties"].items():
        yield name, body["description"], values[name]


def _texts_of(node: Any, values: Values) -> list[str]:
    if not isinstance(node, str):
        return []
    found = [node]
    for match in _PLACEHOLDER.finditer(node):
        if match[1] not in values:
            raise SmguardError(f"{match[0]} stands for no parameter of the policies")
        value = values[match[1]]
        listed = [value] if isinstance(value, str) else value
        parts = [text.partition(match[0]) for text in found]
        found = [f"{before}{each}{after}" for before, _, after in parts for each in listed]
    return found


def _foreign(root: Any, partition: str) -> Iterator[SchemaFault]:
    """ARNs of another partition than the policies are for."""
    for name, value in root.items() if isinstance(root, dict) else ():
        for index, each in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(each, str) and each.startswith("arn:") and each.split(":")[1] != partition:
                trail = (name, index) if isinstance(value, list) else (name,)
                yield SchemaFault(trail, f"is an ARN of another partition than {partition}")


def _read(path: str) -> str:
    with open(os.path.join(data_folder("policies"), path), encoding="utf-8") as stream:
        return stream.read()
