"""`smguard policies list`: the policies of the pack and the values that they ask for."""

from __future__ import annotations

import json
import shutil
import textwrap

import click

from scanner.cli.options import forms
from scanner.policy import pack

_NARROW = 30
"""Columns of text at least."""


@click.command("list")
@forms("table", "json", "yaml", about="yaml: with --parameters, a parameter file to start from.")
@click.option("--parameters", is_flag=True, help="List the values that differ per organisation instead.")
def command(form: str, parameters: bool) -> int:
    """List the policies, what each is for and how many statements it has."""
    if form == "yaml":
        if not parameters:
            raise click.UsageError("-f yaml goes with --parameters")
        click.echo(pack.example_text(), nl=False)
        return 0
    if parameters:
        listed = [
            {"parameter": name, "about": about, "example": example}
            for name, about, example in pack.described()
        ]
    else:
        listed = [
            {
                "policy": entry.path,
                "type": entry.type,
                "about": entry.about,
                "statements": [statement["Sid"] for statement in entry.statements],
                "parameters": sorted(pack.placeholders(entry.text) - {"partition"} - entry.each.keys()),
            }
            for entry in pack.entries()
        ]
    if form == "json":
        click.echo(json.dumps(listed, indent=2))
        return 0
    name = "parameter" if parameters else "policy"
    width = max(len(each[name]) for each in listed)
    room = max(shutil.get_terminal_size().columns - width - 2, _NARROW)
    for each in listed:
        for number, line in enumerate(textwrap.wrap(each["about"], room)):
            click.echo(f"{'' if number else each[name]:<{width}}  {line}")
    if not parameters:
        count = sum(len(each["statements"]) for each in listed)
        click.echo(f"\n{len(listed)} policies of {count} statements.")
        click.echo("`smguard policies render --parameters FILE -o DIR` writes them with your values.")
    return 0
