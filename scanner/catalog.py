"""The catalog of controls: loading, choosing, and adding a user's own. Standard library only."""

import json
import os
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from scanner.compiled import lines_of, unpack
from scanner.filling import fill, spell_out
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
    told: Mapping[str, Any]
    """What a user's own folders add to what is known of frameworks; empty without any."""
    by_id: Mapping[str, Control]
    by_type: Mapping[str, tuple[Control, ...]]
    """Controls in force, by the resource types they judge."""

    @property
    def firm(self) -> frozenset[str]:
        """The controls that can't be waived."""
        return frozenset(control.id for control in self.controls if not control.waivable)

    def judging(self, chosen: Iterable[Control]) -> dict[str, tuple[Control, ...]]:
        """`by_type`, but for controls that are not chosen."""
        ids = {control.id for control in chosen}
        return {
            kind: tuple(control for control in controls if control.id in ids)
            for kind, controls in self.by_type.items()
        }


Given = Mapping[str, Mapping[str, Any]]
"""Values for the parameters of controls: control -> parameter -> value."""


def load(given: Given = MappingProxyType({})) -> Catalog:
    """The built-in catalog: compiled JSON in an installed package, `rules/` itself in a source checkout.

    Parameters that are not `given` keep their default; `given` values are taken as they are. Raises
    SmguardError for a broken rule pack or a damaged installation.
    """
    text = _text("catalog.json")
    if text is None:
        from scanner import live_rules

        return build(live_rules.load(), given=given)
    return build(_packed(text), given=given)


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

        found = rulepack.examples(rulepack.built_in())
    return found


@cache
def property_kinds() -> Mapping[str, Any]:
    """What `_kinds.json` holds of all types, also of properties that no control looks at.

    {kinds, cloudformation-only, api-only, create-only, required}
    """
    found: Mapping[str, Any] | None = data("kinds.json")
    if found is None:
        from scanner import rulepack

        found = rulepack.built_in().generated
    return found


@cache
def live_types() -> Mapping[str, Any]:
    """How each type of the built-in catalog is read from an account: type -> its completed `live:` block."""
    found: Mapping[str, Any] | None = data("live.json")
    if found is None:
        from scanner import rulepack

        pack = rulepack.built_in()
        found = rulepack.live_types(pack, pack.shapes)
    return found


def add(catalog: Catalog, directory: str, given: Given = MappingProxyType({})) -> Catalog:
    """The catalog with the controls of a user's own folder, which may use the names of `catalog`.

    Raises SmguardError for a broken rule pack and for anything that the catalog defines already.
    """
    from scanner import rulepack

    raw = rulepack.compile(directory, base(catalog))
    added = build(raw, catalog.shapes, given)
    told, controls = catalog.told, catalog.controls
    if any(added.told.values()):
        from scanner import framework

        told = framework.joined(catalog.told, added.told) if catalog.told else added.told
        known = framework.known(told)
        controls = tuple(
            it._replace(**framework.complete({**it._asdict(), "frameworks": it.ours}, known))
            for it in controls
        )
    kinds = dict(catalog.kinds)
    for type_name, tree in added.kinds.items():
        kinds[type_name] = {**kinds.get(type_name, {}), **tree}
    return _indexed(
        version=catalog.version,
        digest=_combined(catalog.digest, added.digest),
        controls=(*controls, *added.controls),
        values={**catalog.values, **added.values},
        shapes={**catalog.shapes, **added.shapes},
        types={**catalog.types, **added.types},
        transforms=(*catalog.transforms, *added.transforms),
        kinds=kinds,
        template_parameters={**catalog.template_parameters, **added.template_parameters},
        told=told,
    )


def with_severities(catalog: Catalog, severities: Mapping[str, str]) -> Catalog:
    """The catalog with other severities for some controls: control -> lower-case word."""
    if not severities:
        return catalog
    controls = tuple(
        it._replace(severity=Severity.parse(severities[it.id])) if it.id in severities else it
        for it in catalog.controls
    )
    return with_controls(catalog, controls)


def with_controls(catalog: Catalog, controls: tuple[Control, ...]) -> Catalog:
    """The catalog with these controls in place of its own."""
    rest = {field: value for field, value in catalog._asdict().items() if not field.startswith("by_")}
    return _indexed(**{**rest, "controls": controls})


def base(catalog: Catalog) -> Any:
    """What a user's own folder may build on, as `rulepack.Base`."""
    from scanner import framework, rulepack

    return rulepack.Base(
        ids=frozenset(catalog.by_id),
        numbers={control.number: control.id for control in catalog.controls if control.number},
        values=catalog.values,
        shapes=catalog.shapes,
        types=catalog.types,
        kinds=property_kinds()["kinds"],
        template_parameters=catalog.template_parameters,
        told=framework.known(catalog.told),
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
    text = _text(name)
    return None if text is None else _parsed(name, text)


def _text(name: str) -> bytes | None:
    try:
        with open(os.path.join(_DATA, name), "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def _packed(text: bytes) -> dict[str, Any]:
    try:
        return unpack(lines_of(text), lambda line: _parsed("catalog.json", line))
    except (LookupError, TypeError, ValueError) as error:
        raise _damaged("catalog.json", error) from error


def _parsed(name: str, text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _damaged(name, error) from error


def _damaged(name: str, error: Exception) -> SmguardError:
    return SmguardError(
        f"the installed catalog {name} is damaged: {error}", hint="install sagemaker-guardrails again"
    )


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
        told=raw.get("told", {}),
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
    resources, parameters = raw["resources"], raw["parameters"]
    control = Control(
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
        ours=raw.get("ours", {}),
        written=spell_out(resources, shapes) if parameters else None,
    )
    return fill(control, given) if parameters else control


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
