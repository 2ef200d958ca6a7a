"""`smguard policies list`: the policies of the pack and the values that they ask for."""

from __future__ import annotations

import json

import click

from scanner.policy import pack


@click.command("list")
@click.option(
    "-f", "--format", "format_name", type=click.Choice(["table", "json"]), default="table", show_default=True
)
@click.option("--parameters", is_flag=True, help="List the values that differ per organisation instead.")
def command(format_name: str, parameters: bool) -> int:
    """List the policies, what each is for and how many statements it has."""
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
    if format_name == "json":
        click.echo(json.dumps(listed, indent=2))
        return 0
    name = "parameter" if parameters else "policy"
    width = max(len(each[name]) for each in listed)
    for each in listed:
        click.echo(f"{each[name]:<{width}}  {each['about']}")
    if not parameters:
        count = sum(len(each["statements"]) for each in listed)
        click.echo(f"\n{len(listed)} policies of {count} statements.")
        click.echo("`smguard policies render --parameters FILE -o DIR` writes them with your values.")
    return 0
