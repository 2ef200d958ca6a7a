"""Write `rules/README.md` anew from the control files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from scanner import catalog, framework
from scanner.catalog import Catalog
from scanner.model import Control
from scanner.notation import AREAS, OWN_NUMBERS
from scanner.place_text import describe_rule

TARGET = Path(__file__).parent.parent / "rules" / "README.md"
Examples = Mapping[str, Mapping[str, list[Mapping[str, Any]]]]


def main() -> None:
    """Write the page."""
    TARGET.write_text(readme(catalog.load(), catalog.examples()), encoding="utf-8")


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
        "are run as tests. A control is one YAML file here, and everything on this page comes from it. "
        "Its `number` makes its id in cfn-lint and checkov and is never given to another, even when the "
        f"control is retired; the built-in ones are below {OWN_NUMBERS}, your own may take {OWN_NUMBERS} to "
        "999, or none.",
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
    known = framework.known()
    lines += [
        "",
        "## Frameworks",
        "",
        "Requirements above are what these sources state for an id that a control is also known by, and what "
        "its own file says: "
        + "; ".join(f"[{it['title']}]({it['url']}) ({it['as-of']})" for it in known["sources"].values())
        + ".",
        "",
        "| Framework | What it is |",
        "|---|---|",
    ]
    lines += [
        f"| `{name}` | [{_cell(it['title'])}]({it['url']}), {it['version']} |"
        for name, it in known["frameworks"].items()
    ]
    return "\n".join(lines) + "\n"


def _section(
    control: Control, catalog: Catalog, examples: Mapping[str, list[Mapping[str, Any]]]
) -> Iterator[str]:
    ids = f"`{control.cfn_lint_id}` in cfn-lint, `{control.checkov_id}` in checkov"
    yield from ("", f"### {control.id}", "", f"**{control.title}** · {control.severity.label} · {ids}", "")
    yield control.rationale.strip()
    yield from (
        "",
        f"**How to mend.** {control.remediation.strip()}",
        "",
        "| Resource type | What it asks for |",
        "|---|---|",
    )
    for kind, rule in control.resources.items():
        asks = "<br>".join(_cell(line) for line in describe_rule(rule, catalog.values, catalog.shapes))
        yield f"| `{kind}` | {asks} |"
    names = framework.foreign_names(control.aka, control.resources)
    if names:
        yield ""
        yield "Also known as: " + "; ".join(
            f"{tool} {', '.join(f'`{each}`' for each in ids)}" for tool, ids in names.items()
        )
    for name, body in (control.parameters or {}).items():
        about = " ".join(body["description"].split())
        yield from ("", f"Parameter `{name}`, by default `{json.dumps(body['default'])}`. {about}")
    if control.prevent:
        yield ""
        yield "Stopped before it is made by " + ", ".join(f"`{each}`" for each in control.prevent) + "."
    if control.frameworks:
        yield ""
        yield "Frameworks: " + "; ".join(
            f"{name} {', '.join(listed)}" for name, listed in framework.shown(control).items()
        )
    if examples:
        counts = ", ".join(f"{len(listed)} {verdict}" for verdict, listed in examples.items())
        yield ""
        yield f"Examples: {counts}."


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    main()
