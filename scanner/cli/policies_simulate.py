"""`smguard policies simulate`."""

from __future__ import annotations

import click


@click.command("simulate", short_help="Say what policies decide of a request.")
def command() -> int:
    """Say what policies decide of a request."""
    raise NotImplementedError
