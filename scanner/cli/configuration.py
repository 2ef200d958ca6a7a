"""The configuration file that counts for a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.cli import complain
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
        complain(f"Note: {beside} {what}; name it with --config", "")
    if named is None:
        return None
    from scanner.config import read

    return read(named, limits or Limits())
