"""Controls in words: `smguard rules show`, and the generated `rules/README.md`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from scanner.catalog import Catalog
from scanner.model import Control
from scanner.notation import AREAS

Examples = Mapping[str, Mapping[str, list[Mapping[str, Any]]]]


def explain(control: Control, catalog: Catalog) -> str:
    """A control for a terminal: what it asks for, where, why, how to mend, and what others call it."""
    lines = [
        f"{control.id} ({control.severity.label}, {control.area})",
        control.title,
        "",
        *_indent(control.rationale),
        "",
        "How to mend",
        *_indent(control.remediation),
        "",
        "What it looks at",
    ]
    for kind, rule in control.resources.items():
        lines.append(f"  {kind}")
        lines += [f"    {line}" for line in describe_rule(rule, catalog)]
    if control.parameters:
        lines += ["", "Parameters"]
        for name, body in control.parameters.items():
            default = json.dumps(body["default"])
            value = f"{json.dumps(body['value'])} (default {default})" if "value" in body else default
            lines.append(f"  {name} = {value}: {' '.join(body.get('description', '').split())}")
    names = foreign_names(control)
    if names:
        lines += ["", "Also known as", *(f"  {tool}: {', '.join(ids)}" for tool, ids in names.items())]
    if control.frameworks:
        lines += ["", "Frameworks"]
        lines += [f"  {name}: {', '.join(_ids(body))}" for name, body in control.frameworks.items()]
    if not control.waivable:
        lines += ["", "This control can't be waived."]
    return "\n".join(lines)


def _indent(text: str) -> list[str]:
    """Paragraphs, a line each: whoever shows them knows how wide a line may be."""
    return ["  " + " ".join(paragraph.split()) for paragraph in text.strip().split("\n\n")]


def describe_rule(rule: Mapping[str, Any], catalog: Catalog) -> Iterator[str]:
    """One line for each path that a control's entry for a type asks for."""
    for place in rule.get("places", ()):
        merged = {**catalog.shapes.get(place.get("shape", ""), {}), **place}
        at = merged.get("at", "")
        paths = ", ".join(f"{at}.{path}" if at else path for path in merged["requires"])
        conditions = []
        if merged.get("when"):
            conditions.append("when " + " or ".join(_line(*line) for line in merged["when"].items()))
        if merged.get("unless"):
            conditions.append("unless " + " or ".join(_line(*line) for line in merged["unless"].items()))
        yield f"{paths}{' (' + '; '.join(conditions) + ')' if conditions else ''}"
    if "judged-at" in rule:
        yield f"judged at the resource that {rule['judged-at']} names"


def _line(path: str, schema: Mapping[str, Any]) -> str:
    if not schema:
        return f"{path} is there"
    if "$ref" in schema:
        return f"{path} is {schema['$ref']}"
    if "const" in schema:
        return f"{path} is {json.dumps(schema['const'])}"
    if set(schema) == {"minimum"}:
        return f"{path} is at least {schema['minimum']}"
    if set(schema) == {"minItems"}:
        return f"{path} has at least {schema['minItems']} items"
    return f"{path} matches {json.dumps(schema)}"


def foreign_names(control: Control) -> dict[str, list[str]]:
    """The ids that other tools give to what a control asks for: tool -> ids, each once."""
    names: dict[str, list[str]] = {}
    for aka in (control.aka, *(rule.get("aka", {}) for rule in control.resources.values())):
        for tool, ids in aka.items():
            known = names.setdefault(tool, [])
            known += [each for each in _ids(ids) if each not in known]
    return dict(sorted(names.items()))


def _ids(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [each for inner in value.values() for each in _ids(inner)]
    return [str(each) for each in value] if isinstance(value, (list, tuple)) else [str(value)]


def readme(catalog: Catalog, examples: Examples) -> str:
    """`rules/README.md`, whole."""
    controls = [control for control in catalog.controls if not control.retired]
    kinds = {kind for control in controls for kind in control.resources}
    count = sum(len(listed) for by_verdict in examples.values() for listed in by_verdict.values())
    lines = [
        "# The catalog of controls",
        "",
        "<!-- Generated from the control files by `make docs`. Do not edit. -->",
        "",
        f"{len(controls)} controls judge {len(kinds)} resource types; {count} examples in the control files "
        "are run as tests. A control is one YAML file here, and everything on this page comes from it.",
        "",
        "| Control | Severity | What it asks for |",
        "|---|---|---|",
    ]
    lines += [
        f"| [`{control.id}`](#{control.id}) | {control.severity.label} | {_cell(control.title)} |"
        for area in AREAS
        for control in controls
        if control.area == area
    ]
    for area in AREAS:
        chosen = [control for control in controls if control.area == area]
        if chosen:
            lines += ["", f"## {area.replace('-', ' ').capitalize()}"]
        for control in chosen:
            lines += _section(control, catalog, examples.get(control.id, {}))
    return "\n".join(lines) + "\n"


def _section(
    control: Control, catalog: Catalog, examples: Mapping[str, list[Mapping[str, Any]]]
) -> Iterator[str]:
    yield from ("", f"### {control.id}", "", f"**{control.title}** · {control.severity.label}", "")
    yield control.rationale.strip()
    yield from (
        "",
        f"**How to mend.** {control.remediation.strip()}",
        "",
        "| Resource type | Looks at |",
        "|---|---|",
    )
    for kind, rule in control.resources.items():
        looks = "<br>".join(_cell(line) for line in describe_rule(rule, catalog))
        yield f"| `{kind}` | {looks} |"
    names = foreign_names(control)
    if names:
        yield ""
        yield "Also known as: " + "; ".join(
            f"{tool} {', '.join(f'`{each}`' for each in ids)}" for tool, ids in names.items()
        )
    for name, body in (control.parameters or {}).items():
        about = " ".join(body["description"].split())
        yield from ("", f"Parameter `{name}`, by default `{json.dumps(body['default'])}`. {about}")
    if control.frameworks:
        yield ""
        yield "Frameworks: " + "; ".join(
            f"{name} {', '.join(_ids(body))}" for name, body in control.frameworks.items()
        )
    if examples:
        counts = ", ".join(f"{len(listed)} {verdict}" for verdict, listed in examples.items())
        yield ""
        yield f"Examples: {counts}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
