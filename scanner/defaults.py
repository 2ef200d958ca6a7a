"""What controls ask for that an organisation's parameters give: values of properties that were left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from scanner import catalog
from scanner.alone import alone
from scanner.catalog import Catalog
from scanner.check import PLAIN
from scanner.fix.patch import Ref, Unfit, merge, patch_at, patched
from scanner.fix.plan import Planner, kind_at, spell
from scanner.fix.tree import Tree
from scanner.folder import read_data
from scanner.joint import shaped
from scanner.model import Control, Finding, SmguardError, Verdict
from scanner.policy import pack

_DATA = "_defaults.yaml"


class Default(NamedTuple):
    """A property that a control asks for at a fixed place, and what stands there by default.

    `value` is None where that is not to be said; `unless` says in words where AWS may not take it.
    """

    control: str
    path: str
    """Type and property: "TrainingJob.VpcConfig.Subnets"."""
    value: Any
    unless: tuple[str, ...]


class Defaults:
    """The values of a parameter file; raises SmguardError where they can't be what they should."""

    def __init__(self, file: str, partition: str = "aws") -> None:
        self._values = pack.values_of(file, partition)
        self.data: Mapping[str, Any] = read_data("policies", _DATA)
        for name, most in self.data["most"].items():
            if len(self._values[name]) > most:
                hint = "make a copy of the file with those of one account and VPC only"
                raise SmguardError(f"{name} of {file} are more than the {most} that AWS takes", hint)

    @property
    def given(self) -> dict[str, dict[str, list[str]]]:
        """The parameters of controls, as `catalog.load` takes them."""
        return {
            control: {
                parameter: [text for name in names for text in _listed(self._values[name]) if "*" not in text]
                for parameter, names in parameters.items()
            }
            for control, parameters in self.data["controls"].items()
        }

    def of(self, value: Any, declarations: Mapping[str, Mapping[str, Any]]) -> Any:
        """What a planner asks for, with the organisation's value for a parameter; raises Unfit."""
        if not isinstance(value, Ref):
            return value
        if value.name not in self.data["values"]:
            raise Unfit(f"no parameter says {value.name}")
        found = _listed(self._values[self.data["values"][value.name]])
        return found if declarations[value.name]["Type"].startswith("List<") else found[0]

    def fill(
        self, full: Catalog, parameters: dict[str, Any], findings: Iterable[Finding], selected: frozenset[str]
    ) -> tuple[dict[str, Any], list[str]]:
        """A call with what it left out and controls ask for, and in words what that is.

        What costs more than a value is filled in for `selected` controls only.
        """
        facts = catalog.property_kinds()
        planner = Planner(full, facts, selected, parameters, Tree("{}"), "", nested=False)
        patch: dict[Any, Any] = {}
        said: dict[str, None] = {}
        for finding in findings:
            if finding.verdict is not Verdict.FAIL or _asks_more(finding.control, selected):
                continue
            try:
                for steps, value in planner.settings(finding, ()):
                    if PLAIN.value(_at(parameters, steps)) is None:
                        value = self.of(value, planner.declarations)
                        merge(patch, patch_at(steps, value))
                        said[f"{spell(steps)} = {value}"] = None
            except Unfit:
                continue
        filled: dict[str, Any] = patched(parameters, patch)
        return filled, list(said)

    def all(self, full: Catalog) -> Iterator[Default]:
        """Everything that controls ask of types that the SDK has defaults for, outside of lists."""
        nouns = {path.partition(".")[0] for path in self.data["sdk-config"]}
        facts = catalog.property_kinds()
        planner = Planner(full, facts, frozenset(), {}, Tree("{}"), "", nested=False)
        for kind, controls in alone(full).by_type.items():
            noun = kind.rpartition("::")[2]
            for control in controls if noun in nouns else ():
                if not _asks_more(control, frozenset()):
                    yield from self._asked(full, planner, control, kind, facts["kinds"].get(kind))

    def _asked(
        self, full: Catalog, planner: Planner, control: Control, kind: str, tree: Any
    ) -> Iterator[Default]:
        for place in control.resources[kind].get("places", ()):
            shape = shaped(place, full.shapes)
            unless = {
                full.values[schema["$ref"]]["words"]: None
                for schema in shape.get("unless", {}).values()
                if "$ref" in schema
            }
            for text, schema in shape["requires"].items():
                path = f"{shape['at']}.{text}" if "at" in shape else text
                path = path.replace("?", "")
                try:
                    steps = tuple(path.split("."))
                    if "[]" in path:
                        raise Unfit("is an item of a list")
                    asked = planner.value(path, None, schema, kind_at(tree, steps))
                    value = self.of(asked, planner.declarations)
                except Unfit:
                    value = None
                yield Default(control.id, f"{kind.rpartition('::')[2]}.{path}", value, tuple(unless))


def _asks_more(control: Control, selected: frozenset[str]) -> bool:
    fix = control.fix or {}
    return "by-hand" in fix or ("when-selected" in fix and control.id not in selected)


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _at(node: Any, steps: tuple[Any, ...]) -> Any:
    for step in steps:
        node = node.get(step) if isinstance(node, dict) else node[step] if isinstance(node, list) else None
    return node
