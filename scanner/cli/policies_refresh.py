"""`smguard policies refresh-reference`."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime

import click

from scanner.model import SmguardError
from scanner.safe_text import inert


@click.command("refresh-reference")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option(
    "--date", "dated", metavar="DATE", help="When the files were published (ISO); today if not given."
)
@click.option("-o", "--output", metavar="FILE", help="Where to write; the built-in reference if not given.")
def command(files: tuple[str, ...], dated: str | None, output: str | None) -> int:
    """Take AWS's service-reference files of one service each, as published at
    https://servicereference.us-east-1.amazonaws.com/v1/SERVICE/SERVICE.json. Nothing is downloaded.
    """
    from scanner.folder import data_folder
    from scanner.output import write
    from scanner.policy import reference

    try:
        published = date.fromisoformat(dated) if dated else datetime.now(UTC).date()
    except ValueError:
        raise SmguardError(f"{dated} is no date", "write it as 2026-09-26") from None
    target = output or os.path.join(data_folder("policies"), reference.NAME)
    renewed, lines = reference.refreshed(reference.load().data, files, published.isoformat())
    reference.Reference(json.loads(reference.as_text(renewed)))
    write(target, [reference.as_text(renewed)])
    for line in lines:
        click.echo(inert(line), err=True)
    return 0
