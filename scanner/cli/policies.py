"""`smguard policies`: what prevents what the controls find. Each command is imported when it is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from scanner.cli.commands import Commands

COMMANDS = {
    "list": ("scanner.cli.policies_list", "List the policies of the pack."),
    "render": ("scanner.cli.policies_render", "Write the policies with your organisation's values."),
    "lint": ("scanner.cli.policies_lint", "Say what policies get wrong, and what a request would see."),
    "test": ("scanner.cli.policies_test", "Run the cases that stand beside the policies."),
    "refresh-reference": ("scanner.cli.policies_refresh", "Renew what is known of actions and keys."),
    "diff": ("scanner.cli.policies_diff", "Compare the pack with what an organisation has attached."),
    "simulate": ("scanner.cli.policies_simulate", "Say what policies decide of a request."),
}


def organisation(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options for the values of an organisation, as `file` and `partition`."""
    from scanner.policy.pack import PARTITIONS

    partitions = click.Choice(PARTITIONS)
    about = "Where the organisation is."
    function = click.option("--partition", type=partitions, default="aws", show_default=True, help=about)(
        function
    )
    about = "The values of your organisation."
    return click.option("--parameters", "file", required=True, metavar="FILE", help=about)(function)


@click.group("policies", cls=Commands, table=COMMANDS)
def command() -> None:
    """The policies that stop a request before there is anything to find."""
