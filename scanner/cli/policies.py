"""`smguard policies`: what prevents what the controls find. Each command is imported when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import cast

import click

COMMANDS = {
    "list": ("scanner.cli.policies_list", "List the policies of the pack."),
    "render": ("scanner.cli.policies_render", "Write the policies with your organisation's values."),
    "lint": ("scanner.cli.policies_lint", "Say what policies get wrong, and what a request would see."),
    "test": ("scanner.cli.policies_test", "Run the cases that stand beside the policies."),
    "refresh-reference": ("scanner.cli.policies_refresh", "Renew what is known of actions and keys."),
    "simulate": ("scanner.cli.policies_simulate", "Say what policies decide of a request."),
}


class PolicyCommands(click.Group):
    """The commands by name, so that starting one doesn't import the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return cast(click.Command, import_module(COMMANDS[cmd_name][0]).command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])


@click.group("policies", cls=PolicyCommands, short_help="List, render, lint, test and simulate policies.")
def command() -> None:
    """The policies that stop a request before there is anything to find."""
