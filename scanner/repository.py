"""Which repository a folder is in, and the configuration that lies at its root."""

from __future__ import annotations

import os

from scanner.opening import Candidate

CONFIGURATION = ".smguard.yaml"


def top_of(folder: str) -> str | None:
    """The root of the repository that an absolute folder without links is in, or None."""
    while not os.path.lexists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def configuration(folder: str = "") -> tuple[str | None, str | None]:
    """The configuration that counts in a folder ("": where we are), and one that lies there and doesn't."""
    here = os.path.realpath(folder or os.curdir)
    top = top_of(here)
    counts = None if top is None else os.path.join(top, CONFIGURATION)
    beside = os.path.join(folder, CONFIGURATION) if top != here else None
    return (
        os.path.relpath(counts) if counts and os.path.lexists(counts) else None,
        beside if beside and os.path.lexists(beside) else None,
    )


class Paths:
    """The paths of scanned files from the roots of their repositories, the same wherever those lie."""

    def __init__(self) -> None:
        self._roots: dict[str, str] = {}

    def stable(self, entry: Candidate) -> str:
        """A file's path from its repository's root, else from the folder that was scanned."""
        if not entry.real:
            return entry.display
        folder = os.path.dirname(entry.real)
        if folder not in self._roots:
            self._roots[folder] = top_of(folder) or entry.root
        return os.path.relpath(entry.real, self._roots[folder]).replace(os.sep, "/")


def relative(file: str, base: str) -> str | None:
    """A file's path from an absolute folder without links, with forward slashes; None if not below it."""
    path = os.path.relpath(os.path.realpath(file), base).replace(os.sep, "/")
    return None if path == ".." or path.startswith("../") else path
