"""Controls in words: `smguard rules show` and `smguard explain`, and the generated `rules/README.md`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from scanner import framework
from scanner.catalog import Catalog
from scanner.columns import wrap
from scanner.model import Control
from scanner.notation import AREAS, OWN_NUMBERS
from scanner.place_text import describe_rule
from scanner.safe_text import inert

_LONGEST = 4_000
_NO_POLICY = "No policy that is named here: only a scan finds it."
Examples = Mapping[str, Mapping[str, list[Mapping[str, Any]]]]


class Line(NamedTuple):
    """A line of text for a terminal; `exact` ones are copied by people and so never broken."""

    indent: int
    text: str
    exact: bool = False


def explain(
    control: Control, catalog: Catalog, kinds: Iterable[str] | None = None, found: Iterable[Line] = ()
) -> Iterator[Line]:
    """A control for a terminal: what was `found`, why it matters, what is asked of `kinds`, how to mend.

    Without `kinds`, of all types, and with what others call it.
    """
    yield Line(0, f"{control.id}: {control.title}")
    yield Line(0, f"{control.severity.label} severity, area {control.area}" + _standing(control))
    yield from found
    yield from section("Why", *_paragraphs(control.rationale))
    yield from section("What it asks for")
    for kind in control.resources if kinds is None else kinds:
        yield Line(2, kind)
        for text in describe_rule(control.resources[kind], catalog.values, catalog.shapes):
            yield Line(4, text)
    if control.parameters:
        yield from section("Parameters")
        for name, body in control.parameters.items():
            default = json.dumps(body["default"])
            value = f"{json.dumps(body['value'])} (default {default})" if "value" in body else default
            yield Line(2, f"{name} = {value}: {' '.join(body.get('description', '').split())}")
    yield from section("How to mend", *_paragraphs(control.remediation))
    yield from section("What stops it before it is made", *_prevention(control, kinds))
    if kinds is None:
        names = {
            **framework.foreign_names(control.aka, control.resources),
            **framework.shown(control),
        }
        if names or control.number:
            yield from section("In other tools and frameworks")
        if control.number:
            yield Line(2, f"{control.cfn_lint_id} inside cfn-lint, {control.checkov_id} inside checkov")
        if names:
            yield from (Line(2, f"{name}: {', '.join(ids)}") for name, ids in names.items())


def _prevention(control: Control, kinds: Iterable[str] | None) -> Iterator[str]:
    """The statements that stop it, and where they stop less or more than the control asks for."""
    if not control.prevent:
        whys = "; ".join(each["why"] for each in control.not_prevented)
        yield f"No policy: {whys}. Only a scan finds it." if whys else _NO_POLICY
        return
    yield from control.prevent
    shown = {"*", *(control.resources if kinds is None else kinds)}
    for heading, reasons in (("Not stopped", control.not_prevented), ("Stopped too", control.over_prevented)):
        for each in reasons:
            names = ", ".join(name.rpartition("::")[2] for name in each["types"] if name != "*")
            names += f" at {', '.join(each['at'])}" if "at" in each else ""
            if shown.intersection(each["types"]):
                yield f"{heading}{f' for {names}' if names else ''}: {each['why']}"


def _standing(control: Control) -> str:
    retired = "; retired: it judges nothing any more" if control.retired else ""
    return retired if control.waivable else f"{retired}; can't be waived"


def section(heading: str, *texts: str) -> Iterator[Line]:
    """A heading with paragraphs below it."""
    yield Line(0, "")
    yield Line(0, heading)
    yield from (Line(2, text) for text in texts)


def _paragraphs(text: str) -> list[str]:
    """Paragraphs, a line each: whoever shows them knows how wide a line may be."""
    return [" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n")]


def lay_out(lines: Iterable[Line], columns: int) -> Iterator[str]:
    """Inert lines of at most `columns`, broken at spaces, their indentation kept."""
    for line in lines:
        margin = " " * line.indent
        if line.exact:
            yield margin + inert(line.text, _LONGEST)
            continue
        first, *rest = wrap(inert(line.text, _LONGEST), columns - line.indent - 2)
        yield (margin + first).rstrip()
        hanging = margin + ("  " if line.indent > 2 else "")
        yield from (hanging + each for each in rest)


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
