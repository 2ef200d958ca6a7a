"""The configuration file that counts for a command, and the catalog as it has it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from scanner import catalog
from scanner.limits import Limits
from scanner.repository import configuration

if TYPE_CHECKING:
    from scanner.config import Config


def configured(named: str | None, ignored: bool, limits: Limits | None = None) -> Config | None:
    """The file that is `named`, else that of the repository unless it is `ignored`; None without one."""
    beside = None
    if named is None and not ignored:
        named, beside = configuration()
    if beside is not None:
        what = "is not at the root of a git repository, so it does not count"
        click.echo(f"Note: {beside} {what}; name it with --config", err=True)
    if named is None:
        return None
    from scanner.config import read

    return read(named, limits or Limits())


def load_catalog(folders: Iterable[str], config: Config | None) -> catalog.Catalog:
    """The controls, with those of the user's folders and as the configuration has them."""
    given = config.control_parameters if config is not None else {}
    full = catalog.load(given)
    for folder in folders:
        full = catalog.add(full, folder, given)
    return full if config is None else config.apply(full)
