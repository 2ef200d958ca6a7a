"""The commands of `smguard`. The module of each is imported only when it is called."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

import click

from scanner import __version__
from scanner.cli import EXIT_ERROR, complain

COMMANDS = {
    "scan": ("scanner.cli.scan_command", "Scan templates, pipelines, state machines, code and notebooks."),
    "audit": ("scanner.cli.audit", "Audit a live account, or a made-up one with --demo."),
    "baseline": ("scanner.cli.baseline", "Take down what is found now, so that only new findings count."),
    "report": ("scanner.cli.report", "Render saved reports in other formats, and compare them."),
    "explain": ("scanner.cli.explain", "Explain a finding or a control, how to mend it and how to waive it."),
    "fix": ("scanner.cli.fix", "Mend templates in place."),
    "lsp": ("scanner.cli.lsp", "Serve an editor: findings and fixes while you type."),
    "rules": ("scanner.cli.rules", "List, check, write and compare controls."),
    "sdk-defaults": ("scanner.cli.sdk_defaults", "Write defaults that comply for the SageMaker SDK."),
    "policies": ("scanner.cli.policies", "List, render, lint, test and simulate policies."),
    "config-rules": (
        "scanner.cli.config_rules",
        "Put the controls into an account: AWS Config rules, a hook.",
    ),
}


class Commands(click.Group):
    """The commands of a table, name -> (module, about), so that starting one doesn't import the others."""

    def __init__(self, *arguments: Any, table: Mapping[str, tuple[str, str]], **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.table:
            return None
        return cast(click.Command, import_module(self.table[cmd_name][0]).command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        # click before 8.2 takes such a word for an option, and shows the help as if all was well.
        if not args[0][:1].isalnum():
            ctx.fail(f"No such command '{args[0]}'.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in self.table.items()])


def show_version(ctx: click.Context, option: click.Parameter, wanted: bool) -> None:
    """Say which scanner and which catalog this is."""
    if wanted and not ctx.resilient_parsing:
        from scanner import catalog

        click.echo(f"smguard {__version__} (catalog {catalog.load().digest[:12]})")
        ctx.exit()


@click.group(
    cls=Commands,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_version,
    help="Show the version.",
)
def group() -> None:
    """Keep Amazon SageMaker safe: one catalog of controls, with the same verdict in templates, pipelines,
    code, live accounts, AWS Config and policies. What can't be known is said, never guessed.

    To begin: `smguard scan FOLDER`, or `smguard audit --demo`, which needs no AWS.

    Exit codes: 0 the whole job is done and nothing counts; 1 findings that count, differences, or controls
    that are not sound; 2 wrong usage, configuration, rules, waiver or parameter file, or output; 3
    incomplete; 4 a defect of smguard. Where several hold: 2, 4, 1, 3, 0.
    """


def run() -> int:
    """Do what the words of the call say; returns the exit code."""
    try:
        code = group.main(prog_name="smguard", standalone_mode=False)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.Abort:
        return 130
    except SystemExit:
        # What click makes of a reader that has seen enough.
        return 0
    except click.ClickException as error:
        _complain_of_usage(error)
        return EXIT_ERROR
    return code if isinstance(code, int) else 0


def _complain_of_usage(error: click.ClickException) -> None:
    context = error.ctx if isinstance(error, click.UsageError) else None
    # Of a command without a word click makes an error, the whole help being its message.
    if context is not None and error.message == context.get_help():
        click.echo(error.message)
        return
    for line in context.get_usage().splitlines() if context else ():
        complain(line, "")
    complain(f"Error: {error.format_message()}", "")
