"""`smguard rules`: what the catalog holds, and whether a rule folder is sound."""

from __future__ import annotations

import json
import shutil
import textwrap
from typing import Any

import click

from scanner import catalog
from scanner.model import Control

EXIT_PROBLEMS = 1


@click.group("rules", short_help="List, explain and check the controls.")
def command() -> None:
    """The controls: what there is, what each one asks for, and whether your own are sound."""


def _rules_option(function: Any) -> Any:
    for option in (
        click.option("--no-config", is_flag=True, help="Pay no heed to .smguard.yaml."),
        click.option("--config", metavar="FILE", help="The configuration, whose controls are shown."),
        click.option(
            "--rules", multiple=True, metavar="DIR", help="Add the controls of your own folder (repeatable)."
        ),
    ):
        function = option(function)
    return function


def _load(rules: tuple[str, ...], config: str | None, no_config: bool) -> catalog.Catalog:
    """The catalog as a scan with the same options has it: parameters and severities as configured."""
    from scanner.cli.configuration import configured, load_catalog

    found = configured(config, no_config)
    folders = found.folders if found is not None else ()
    return load_catalog((*folders, *rules), found)


@command.command("list")
@click.option(
    "-f", "--format", "format_name", type=click.Choice(["table", "json"]), default="table", show_default=True
)
@click.option("--area", multiple=True, metavar="AREA", help="Only the controls of this area (repeatable).")
@click.option(
    "--framework", multiple=True, metavar="NAME", help="Only controls that this framework asks for."
)
@_rules_option
def list_controls(format_name: str, area: tuple[str, ...], framework: tuple[str, ...], **source: Any) -> int:
    """List the controls."""
    full = _load(**source)
    controls = catalog.select(full, areas=area, frameworks=framework)
    if format_name == "json":
        click.echo(json.dumps([describe(control) for control in controls], indent=2))
        return 0
    for name in dict.fromkeys(control.area for control in sorted(controls, key=lambda each: each.area)):
        click.echo(f"{name}")
        for control in controls:
            if control.area == name:
                click.echo(f"  {control.id:<28} {control.severity.label:<9} {control.title}")
    count = len({kind for control in controls for kind in control.resources})
    click.echo(f"\n{len(controls)} controls on {count} resource types. `smguard rules show ID` explains one.")
    return 0


def describe(control: Control) -> dict[str, Any]:
    """A control as plain JSON values."""
    return {
        "id": control.id,
        "title": control.title,
        "area": control.area,
        "severity": control.severity.label,
        "rationale": control.rationale,
        "remediation": control.remediation,
        "resources": control.resources,
        "aka": control.aka,
        "frameworks": control.frameworks,
        "prevent": control.prevent,
        "parameters": control.parameters,
        "waivable": control.waivable,
        "retired": control.retired,
    }


@command.command("show")
@click.argument("control_id", metavar="ID")
@click.option("--schema", is_flag=True, help="Print what it asks for as JSON Schema, by resource type.")
@click.option(
    "-f", "--format", "format_name", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@_rules_option
def show(control_id: str, schema: bool, format_name: str, **source: Any) -> int:
    """Explain one control."""
    full = _load(**source)
    (control,) = catalog.select(full, [control_id])
    if schema:
        from scanner.schema import control_schema

        click.echo(json.dumps(control_schema(control, full.values, full.shapes), indent=2))
    elif format_name == "json":
        click.echo(json.dumps(describe(control), indent=2))
    else:
        from scanner.rule_text import explain

        for line in explain(control, full).splitlines():
            click.echo(_wrapped(line))
    return 0


def _wrapped(line: str) -> str:
    """A line broken at spaces where it is longer than the terminal is wide, its indentation kept."""
    indent = len(line) - len(line.lstrip())
    return textwrap.fill(
        line.strip(),
        max(shutil.get_terminal_size().columns, 60),
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + (2 if indent > 2 else 0)),
        break_long_words=False,
        break_on_hyphens=False,
    )


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
        click.echo(problem)
    if problems:
        return EXIT_PROBLEMS
    noun = "control and its" if len(examples) == 1 else "controls and their"
    click.echo(f"{len(examples)} {noun} {count} examples are sound.")
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
