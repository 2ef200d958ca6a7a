"""The catalog of controls: loading, choosing, and adding a user's own. Standard library only."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from scanner.model import Control, Severity, SmguardError

_DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data")


class Catalog(NamedTuple):
    """Every control with the names its notation refers to, parameters already replaced by their values."""

    version: str
    digest: str
    controls: tuple[Control, ...]
    """Sorted by id, retired ones included."""
    values: Mapping[str, Any]
    """Named requirements, for `$ref`."""
    shapes: Mapping[str, Any]
    """Named places: {when, unless, unsure, requires}."""
    types: Mapping[str, Mapping[str, Any]]
    """What `_types.yaml` says of each resource type: {create, renames, judged-at}."""
    transforms: tuple[str, ...]
    """AWS transforms that leave SageMaker types alone."""
    kinds: Mapping[str, Mapping[str, Any]]
    """Types of the properties that some control looks at: nested {property: kind}."""
    template_parameters: Mapping[str, Mapping[str, Any]]
    """Parameters that a fix adds to a template: name -> {properties: [names], declares: declaration}."""
    by_id: Mapping[str, Control]
    by_type: Mapping[str, tuple[Control, ...]]
    """Controls in force, by the resource types they judge."""

    @property
    def firm(self) -> frozenset[str]:
        """The controls that can't be waived."""
        return frozenset(control.id for control in self.controls if not control.waivable)


Given = Mapping[str, Mapping[str, Any]]
"""Values for the parameters of controls: control -> parameter -> value."""


def load(given: Given = MappingProxyType({})) -> Catalog:
    """The built-in catalog: compiled JSON in an installed package, `rules/` itself in a source checkout.

    Parameters that are not `given` keep their default; `given` values are taken as they are. Raises
    SmguardError for a broken rule pack or a damaged installation.
    """
    raw = data("catalog.json")
    if raw is None:
        from scanner import live_rules

        raw = live_rules.load()
    return build(raw, given=given)


def live_directory() -> str | None:
    """The folder of the built-in rules in a source checkout; None in an installed package."""
    if os.path.exists(os.path.join(_DATA, "catalog.json")):
        return None
    from scanner import rulepack

    return rulepack.source_directory()


def examples() -> Mapping[str, Mapping[str, Any]]:
    """The examples of the built-in controls: id -> verdict -> list of {about, resource | template}."""
    found: Mapping[str, Mapping[str, Any]] | None = data("examples.json")
    if found is None:
        from scanner import rulepack

        found = rulepack.examples(rulepack.read(rulepack.source_directory()))
    return found


@cache
def property_kinds() -> Mapping[str, Any]:
    """What `_kinds.json` holds of all types, also of properties that no control looks at.

    {kinds, cloudformation-only, api-only, create-only, required}
    """
    found: Mapping[str, Any] | None = data("kinds.json")
    if found is None:
        from scanner import rulepack

        found = rulepack.read(rulepack.source_directory()).generated
    return found


def live_types() -> Mapping[str, Any]:
    """How each type of the built-in catalog is read from an account: type -> its completed `live:` block."""
    found: Mapping[str, Any] | None = data("live.json")
    return _live_types_of_checkout() if found is None else found


@cache
def _live_types_of_checkout() -> Mapping[str, Any]:
    from scanner import rulepack

    pack = rulepack.read(rulepack.source_directory())
    return rulepack.live_types(pack, pack.shapes)


def add(catalog: Catalog, directory: str, given: Given = MappingProxyType({})) -> Catalog:
    """The catalog with the controls of a user's own folder, which may use the names of `catalog`.

    Raises SmguardError for a broken rule pack and for anything that the catalog defines already.
    """
    from scanner import rulepack

    raw = rulepack.compile(directory, base(catalog))
    added = build(raw, catalog.shapes, given)
    kinds = dict(catalog.kinds)
    for type_name, tree in added.kinds.items():
        kinds[type_name] = {**kinds.get(type_name, {}), **tree}
    return _indexed(
        version=catalog.version,
        digest=_combined(catalog.digest, added.digest),
        controls=(*catalog.controls, *added.controls),
        values={**catalog.values, **added.values},
        shapes={**catalog.shapes, **added.shapes},
        types={**catalog.types, **added.types},
        transforms=(*catalog.transforms, *added.transforms),
        kinds=kinds,
        template_parameters={**catalog.template_parameters, **added.template_parameters},
    )


def with_severities(catalog: Catalog, severities: Mapping[str, str]) -> Catalog:
    """The catalog with other severities for some controls: control -> lower-case word."""
    if not severities:
        return catalog
    controls = tuple(
        it._replace(severity=Severity.parse(severities[it.id])) if it.id in severities else it
        for it in catalog.controls
    )
    rest = {field: value for field, value in catalog._asdict().items() if not field.startswith("by_")}
    return _indexed(**{**rest, "controls": controls})


def base(catalog: Catalog) -> Any:
    """What a user's own folder may build on, as `rulepack.Base`."""
    from scanner import rulepack

    return rulepack.Base(
        ids=frozenset(catalog.by_id),
        numbers={control.number: control.id for control in catalog.controls if control.number},
        values=catalog.values,
        shapes=catalog.shapes,
        types=catalog.types,
        kinds=property_kinds()["kinds"],
        template_parameters=catalog.template_parameters,
    )


def select(
    catalog: Catalog,
    select: Iterable[str] = (),
    ignore: Iterable[str] = (),
    areas: Iterable[str] = (),
    frameworks: Iterable[str] = (),
) -> tuple[Control, ...]:
    """The controls in force that every given option admits; no option, all controls.

    Raises SmguardError for an id, area or framework that no control has.
    """
    wanted, unwanted = frozenset(select), frozenset(ignore)
    areas, frameworks = frozenset(areas), frozenset(frameworks)
    demand_known("control", wanted | unwanted, catalog.by_id)
    demand_known("area", areas, {control.area for control in catalog.controls})
    demand_known("framework", frameworks, {name for it in catalog.controls for name in it.frameworks})
    return tuple(
        control
        for control in catalog.controls
        if not control.retired
        and (not wanted or control.id in wanted)
        and control.id not in unwanted
        and (not areas or control.area in areas)
        and (not frameworks or not frameworks.isdisjoint(control.frameworks))
    )


def find(catalog: Catalog, control_id: str) -> Control:
    """A control by its id, also a retired one; raises SmguardError for an id that no control has."""
    demand_known("control", (control_id,), catalog.by_id)
    return catalog.by_id[control_id]


def data(name: str) -> Any:
    """The content of a compiled JSON file; None in a source checkout, which has none."""
    try:
        with open(os.path.join(_DATA, name), "rb") as stream:
            return json.loads(stream.read())
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise SmguardError(
            f"the installed catalog {name} is damaged: {error}",
            hint="install sagemaker-guardrails again",
        ) from error


def build(
    raw: Mapping[str, Any],
    shapes: Mapping[str, Any] = MappingProxyType({}),
    given: Given = MappingProxyType({}),
) -> Catalog:
    """A catalog from its JSON; `shapes` are those of another that it builds on."""
    shapes = {**shapes, **raw["shapes"]}
    return _indexed(
        version=raw["version"],
        digest=raw["digest"],
        controls=tuple(
            _control(control, shapes, given.get(control["id"], {})) for control in raw["controls"]
        ),
        values=raw["values"],
        shapes=raw["shapes"],
        types=raw["types"],
        transforms=tuple(raw["transforms"]),
        kinds=raw["kinds"],
        template_parameters=raw.get("template-parameters", {}),
    )


def _indexed(*, controls: tuple[Control, ...], **rest: Any) -> Catalog:
    by_type: dict[str, tuple[Control, ...]] = {}
    for control in controls:
        if not control.retired:
            for type_name in control.resources:
                by_type[type_name] = (*by_type.get(type_name, ()), control)
    by_id = {control.id: control for control in controls}
    return Catalog(controls=controls, by_id=by_id, by_type=by_type, **rest)


def _control(raw: Mapping[str, Any], shapes: Mapping[str, Any], given: Mapping[str, Any]) -> Control:
    resources = raw["resources"]
    parameters = raw["parameters"]
    if parameters:
        parameters = {
            name: {**it, "value": given[name]} if name in given else it for name, it in parameters.items()
        }
        values = {name: it.get("value", it["default"]) for name, it in parameters.items()}
        resources = _filled(_spelled_out(resources, shapes), values)
    return Control(
        id=raw["id"],
        title=raw["title"],
        area=raw["area"],
        severity=Severity.parse(raw["severity"]),
        rationale=raw["rationale"],
        remediation=raw["remediation"],
        resources=resources,
        aka=raw["aka"],
        frameworks=raw["frameworks"],
        prevent=tuple(raw["prevent"]),
        parameters=parameters,
        waivable=raw["waivable"],
        retired=raw["retired"],
        number=raw.get("number"),
        fix=raw.get("fix"),
        not_prevented=tuple(raw.get("not-prevented") or ()),
        over_prevented=tuple(raw.get("over-prevented") or ()),
    )


def _spelled_out(resources: Mapping[str, Any], shapes: Mapping[str, Any]) -> dict[str, Any]:
    """Resources with their shapes written out: a shape's parameters are those of the control that uses it."""
    return {
        kind: rule
        if "places" not in rule
        else {
            **rule,
            "places": [
                {**shapes[place["shape"]], **{field: place[field] for field in place if field != "shape"}}
                if "shape" in place
                else place
                for place in rule["places"]
            ],
        }
        for kind, rule in resources.items()
    }


def _filled(node: Any, values: Mapping[str, Any]) -> Any:
    """Replace every {"$parameter": name} below a node. A keyword whose list is empty asks nothing."""
    if isinstance(node, dict):
        if len(node) == 1 and "$parameter" in node:
            return values[node["$parameter"]]
        filled = {key: _filled(below, values) for key, below in node.items()}
        return {
            key: it
            for key, it in filled.items()
            if not (it == [] and type(node[key]) is dict) and not (key == "items" and it == {} != node[key])
        }
    if isinstance(node, list):
        return [_filled(below, values) for below in node]
    return node


def _combined(first: str, second: str) -> str:
    import hashlib

    return hashlib.sha256(f"{first}\n{second}".encode()).hexdigest()


def demand_known(noun: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise SmguardError for a name that isn't known, with those that are like it."""
    known = sorted(known)
    for name in sorted(names):
        if name not in known:
            from difflib import get_close_matches

            close = get_close_matches(name, known, n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known) or 'none'}"
            raise SmguardError(f"unknown {noun} '{name}'", hint=hint)
