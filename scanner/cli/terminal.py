"""Text laid out for the width of the terminal."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from scanner.rule_text import Line

_NARROWEST, _WIDEST = 60, 100


def columns() -> int:
    """How wide text is laid out here."""
    return min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST)


def laid_out(lines: Iterable[Line]) -> Iterator[str]:
    """Inert lines of at most that width, each with its end."""
    from scanner.rule_text import lay_out

    for line in lay_out(lines, columns()):
        yield f"{line}\n"


def echo(lines: Iterable[Line]) -> None:
    """Print them."""
    for line in laid_out(lines):
        click.echo(line, nl=False)
