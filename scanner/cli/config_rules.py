"""`smguard config-rules`: the controls as rules of AWS Config. Each command is imported when it is called."""

from __future__ import annotations

import click

from scanner.cli.commands import Commands

COMMANDS = {
    "build": ("scanner.cli.config_rules_build", "Write the function's zip and the stacks that deploy it."),
    "test": ("scanner.cli.config_rules_test", "Run the rules' function on saved events, without AWS."),
    "diff": ("scanner.cli.config_rules_diff", "Compare what is deployed with the pack."),
}


@click.group("config-rules", cls=Commands, table=COMMANDS)
def command() -> None:
    """The detective control in the account: an AWS Config rule for each control."""
