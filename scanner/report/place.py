"""Files, lines and columns as CI systems want them."""

from __future__ import annotations

import os

from scanner.model import Location

_ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")


def locate(where: str) -> Location:
    """The file, line and column that the `where` of a Gap or Note names, as far as it does."""
    numbers: list[int] = []
    file = where
    while len(numbers) < 2:
        head, _, tail = file.rpartition(":")
        if not (head and tail.isascii() and tail.isdigit() and len(tail) < 10):
            break
        file, numbers = head, [int(tail), *numbers]
    line, column = [*numbers, None, None][:2]
    return Location(file, line, column)


def in_repository(path: str) -> str:
    """A path as seen from the root of the repository, which CI systems name, else from where we are.

    Steps may run in a folder of the repository; annotations still name files from its root.
    """
    root = next((os.environ[name] for name in _ROOTS if os.environ.get(name)), os.curdir)
    relative = os.path.relpath(path or os.curdir, root)
    outside = relative.split(os.sep)[0] == os.pardir
    return (path if outside else relative).replace(os.sep, "/")
