"""`smguard rules`: what the catalog holds, controls of one's own, and what another catalog changes."""

from __future__ import annotations

import json
import os
import shlex
from typing import Any

import click

from scanner import catalog
from scanner.cli.configuration import configured
from scanner.cli.options import forms, options
from scanner.cli.shared import EXIT_FINDINGS, EXIT_INCOMPLETE
from scanner.cli.terminal import columns, echo
from scanner.model import Control, SmguardError
from scanner.notation import AREAS, ID, LONGEST_ID, SEVERITIES
from scanner.safe_text import inert

SOURCE = ("rules", "config", "no_config")
"""The options that say which controls there are."""
_DESCRIBED = (
    *("id", "number", "title", "area", "severity", "rationale", "remediation", "resources", "aka"),
    *("frameworks", "ours", "prevent", "parameters", "waivable", "retired"),
)


@click.group("rules")
def command() -> None:
    """The controls: what there is, what each one asks for, your own, and what an upgrade changes."""


def load(rules: tuple[str, ...], config: str | None, no_config: bool) -> catalog.Catalog:
    """The catalog as a scan with the same options has it: parameters and severities as configured."""
    from scanner.planning import load_catalog

    found = configured(config, no_config)
    folders = found.folders if found is not None else ()
    return load_catalog((*folders, *rules), found)


@command.command("list")
@options("format", "area", "framework", *SOURCE)
def list_controls(form: str, area: tuple[str, ...], framework: tuple[str, ...], **source: Any) -> int:
    """List the controls."""
    from scanner.columns import wrap

    full = load(**source)
    controls = catalog.select(full, areas=area, frameworks=framework)
    if form == "json":
        click.echo(json.dumps([describe(control) for control in controls], indent=2))
        return 0
    width = max((len(control.id) for control in controls), default=0)
    for name in dict.fromkeys(control.area for control in sorted(controls, key=lambda each: each.area)):
        click.echo(f"{name}")
        for control in controls:
            if control.area == name:
                first, *rest = wrap(inert(control.title), max(columns() - width - 14, 20))
                click.echo(f"  {control.id:<{width}}  {control.severity.label:<8}  {first}")
                for line in rest:
                    click.echo(f"{'':{width + 14}}{line}")
    count = len({kind for control in controls for kind in control.resources})
    click.echo(f"\n{len(controls)} controls on {count} resource types. `smguard explain ID` explains one.")
    return 0


def describe(control: Control) -> dict[str, Any]:
    """A control as plain JSON values."""
    plain = {"severity": control.severity.label, "resources": dict(control.resources)}
    return {name: plain.get(name, getattr(control, name)) for name in _DESCRIBED}


@command.command("show")
@click.argument("control_id", metavar="ID")
@click.option("--schema", is_flag=True, help="Print what it asks for as JSON Schema, by resource type.")
@forms("text", "json")
@options(*SOURCE)
def show(control_id: str, schema: bool, form: str, **source: Any) -> int:
    """Explain one control."""
    full = load(**source)
    control = catalog.find(full, control_id)
    if schema:
        from scanner.schema import control_schema

        click.echo(json.dumps(control_schema(control, full.values, full.shapes), indent=2))
    elif form == "json":
        click.echo(json.dumps(describe(control), indent=2))
    else:
        from scanner.rule_text import explain

        echo(explain(control, full))
    return 0


@command.command("checkov")
def checkov() -> int:
    """Print the folder that holds the controls as checks, for checkov's --external-checks-dir."""
    import scanner

    click.echo(os.path.join(os.path.dirname(os.path.abspath(scanner.__file__)), "checkov_checks"))
    return 0


@command.command("check")
@click.argument("directory", required=False, metavar="[DIR]", type=click.Path(path_type=str))
def check(directory: str | None) -> int:
    """Check the built-in catalog, or your own folder of controls on top of it.

    Reported are unknown fields and keywords, property paths that neither the SageMaker API nor CloudFormation
    knows, and examples that do not give their stated verdict.
    """
    from scanner.example import check_examples

    problems = _structural_problems(directory)
    if not problems:
        full, examples = _examples(directory)
        count = sum(len(listed) for each in examples.values() for listed in each.values())
        problems = [
            f"{each.control}: the example '{each.about}' is {each.given}, not {each.stated}"
            for each in check_examples(full, examples)
        ]
    for problem in problems:
        click.echo(inert(problem, 600))
    if problems:
        return EXIT_FINDINGS
    noun = "control and its" if len(examples) == 1 else "controls and their"
    click.echo(f"{len(examples)} {noun} {count} examples are sound.")
    for control in (full.by_id[control_id] for control_id in examples):
        texts = {"title": control.title, "rationale": control.rationale, "remediation": control.remediation}
        unwritten = [name for name, text in texts.items() if text.startswith("TODO")]
        if unwritten:
            click.echo(f"Still TODO in {control.id}: {', '.join(unwritten)}.")
    return 0


def _structural_problems(directory: str | None) -> list[str]:
    """What is wrong with the files themselves; an installed catalog was checked when it was built."""
    from scanner.rulepack_check import check as check_pack

    if directory is not None:
        return [str(problem) for problem in check_pack(directory, catalog.base(catalog.load()))]
    source = catalog.live_directory()
    return [] if source is None else [str(problem) for problem in check_pack(source)]


def _examples(directory: str | None) -> tuple[catalog.Catalog, Any]:
    """The catalog to judge examples with, and the examples."""
    full = catalog.load()
    if directory is None:
        return full, catalog.examples()
    from scanner import rulepack

    return catalog.add(full, directory), rulepack.examples(rulepack.read(directory))


@command.command("new")
@click.argument("control_id", metavar="ID")
@click.option(
    "--type",
    "types",
    multiple=True,
    required=True,
    metavar="TYPE",
    help="The resource type it judges, such as NotebookInstance (repeatable).",
)
@click.option(
    "--requires",
    multiple=True,
    metavar="PATH[=VALUE]",
    help="A property that must be set, or have this value: A.B[].C=x (repeatable).",
)
@click.option("--area", type=click.Choice(AREAS), help="What it protects.")
@click.option("--severity", type=click.Choice(SEVERITIES), default="medium", show_default=True)
@click.option(
    "--dir", "directory", metavar="DIR", default="my-controls", show_default=True, help="Write it there."
)
def new(
    control_id: str,
    types: tuple[str, ...],
    requires: tuple[str, ...],
    area: str | None,
    severity: str,
    directory: str,
) -> int:
    """Write a new control file into a folder of your own, sound at once, with examples.

    What only you can say is marked TODO. Nothing is ever overwritten.
    """
    from scanner import rulepack, scaffold

    full = catalog.load()
    path = os.path.join(directory, f"{control_id}.yaml")
    taken = set(full.by_id)
    known, kinds = set(full.types), dict(catalog.property_kinds()["kinds"])
    if os.path.isdir(directory):
        pack = rulepack.read(directory, begun=False)
        known |= set(pack.types)
        kinds.update(pack.kinds)
        taken |= {control.stem for control in pack.controls}
    if not ID.fullmatch(control_id) or len(control_id) > LONGEST_ID:
        raise SmguardError(f"'{control_id}' can't be an id", "use kebab-case, like notebook-volume-size")
    if control_id in taken or os.path.lexists(path):
        raise SmguardError(f"there is a control {control_id} already", "choose another id, or edit that one")
    kinds = {name: kind for name, kind in kinds.items() if name in known}
    chosen = dict.fromkeys(scaffold.find_type(name, kinds) for name in types)
    demands = {kind: scaffold.read_demands(requires, kind, kinds[kind]) for kind in chosen}
    text = scaffold.write_control(control_id, area, severity, demands, kinds)
    try:
        os.makedirs(directory, exist_ok=True)
        with open(path, "x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise SmguardError(f"{path} can't be written: {error.strerror}", "give another --dir") from error
    click.echo(f"Wrote {path}. Fill in what is marked TODO, then:\n")
    click.echo(f"  smguard rules check {shlex.quote(directory)}")
    click.echo(f"  smguard scan . --rules {shlex.quote(directory)}")
    return 0


@command.command("diff")
@click.argument("old")
@click.argument("new")
@click.option(
    "--on",
    "paths",
    multiple=True,
    metavar="PATH",
    type=click.Path(readable=False, path_type=str),
    help="Scan this file or folder with both and list the findings that differ (repeatable).",
)
@options("parameters", "format")
def diff(old: str, new: str, paths: tuple[str, ...], parameters: tuple[str, ...], form: str) -> int:
    """Say which controls and verdicts change from OLD to NEW.

    Each is a folder of control files, a wheel of sagemaker-guardrails, REVISION:FOLDER of the git repository
    here, or `installed`. The scanner that runs judges by both. Exit codes: 0 nothing differs; 1 something
    does (with --on: a finding); 3 nothing differs, but something could not be looked at.
    """
    from scanner.cli.rules_diff import compare, render, render_json

    compared = compare(old, new, paths, parameters)
    if form == "json":
        click.echo(render_json(compared))
    else:
        echo(render(compared))
    if compared.differs:
        return EXIT_FINDINGS
    return EXIT_INCOMPLETE if compared.gaps else 0


@command.command("matrix")
@forms("table", "markdown", "json")
def show_matrix(form: str) -> int:
    """Print where each control is judged, which policy stops it, and what no policy stops and why."""
    from scanner.cli.rules_matrix import render, table

    if form == "table":
        echo(table(catalog.load()))
        return 0
    for line in render(catalog.load(), form):
        click.echo(line)
    return 0


@command.command("coverage")
@click.option("-f", "--format", "form", default="table", show_default=True, metavar="FORMAT")
@click.option("--controls", is_flag=True, help="List the controls at each point.")
@click.option("--audit", "report", metavar="FILE", help="The JSON report of an audit, as evidence.")
@options("framework", *SOURCE)
def show_coverage(
    form: str, controls: bool, framework: tuple[str, ...], report: str | None, **source: Any
) -> int:
    """Say what is enforced where, by area, and which requirements of frameworks it is about.

    FORMAT: table, markdown, json, csv, or NIST's OSCAL: oscal-component, and oscal-results with --audit.
    """
    from scanner.cli.rules_coverage import show

    show(load(**source), form, controls, framework, report)
    return 0
