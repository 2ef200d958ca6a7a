"""`smguard scan`, as click has it."""

from __future__ import annotations

from typing import Any

import click

from scanner.cli.options import ReportingCommand, declare
from scanner.cli.scan import OPTIONS, run


@click.command("scan", cls=ReportingCommand)
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(readable=False, path_type=str)
)
@declare(OPTIONS)
def command(**options: Any) -> int:
    """Scan CloudFormation templates, SageMaker pipeline definitions, state machines and requests.

    PATH is such a file, a folder that is walked (.gitignore is honoured), or - for standard input.
    """
    return run(**options)
