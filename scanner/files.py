"""Which files a scan reads: names given, directories walked, and what is left out of them.

A walk looks at files with the ending of a template, module or notebook, and leniently at others that are no
well-known kind of source, document or binary. `.git` and tool folders, what `.gitignore` files leave out and
linked directories are not looked at.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator

from scanner.gitignore import Patterns
from scanner.limits import Limits
from scanner.model import Gap
from scanner.opening import (
    Candidate,
    Skipped,
    faulty,
    is_within,
    kind_of,
    open_text,
    open_under,
    shown_path,
)

__all__ = ["Candidate", "Skipped", "find", "met", "open_text", "open_under"]

_PASSED_BY = """
    .git .hg .svn node_modules bower_components .venv venv __pycache__ .tox .nox .mypy_cache
    .ruff_cache .pytest_cache .hypothesis .eggs .cache .terraform .idea .vscode
"""
_EXPECTED = "yaml yml json template cfn cform cloudformation py ipynb"
_OTHER = """
    pyi pyc pyx js mjs cjs jsx ts tsx map vue svelte java class jar kt kts scala groovy
    gradle go rs c h cc cpp hpp cs fs vb swift m rb erb php pl pm lua r jl sh bash zsh fish ps1 bat
    cmd sql graphql proto tf tfvars tfstate hcl bicep rego guard html htm css scss less xml xsd xsl
    svg md mdx rst adoc tex csv tsv log diff patch lock toml ini cfg conf properties env pem crt key
    pub sig sum mod png jpg jpeg gif ico webp bmp tif tiff psd pdf doc docx xls xlsx ppt pptx odt
    zip gz tgz bz2 xz zst 7z tar rar whl egg so dll dylib exe o a lib bin dat db sqlite parquet avro
    orc arrow npy npz pkl pickle pt pth onnx h5 tflite safetensors model mp3 mp4 mov avi wav ogg
    woff woff2 ttf otf eot gitignore gitattributes gitkeep
    gitmodules dockerignore editorconfig
"""
_PASSED_BY_NAMES = frozenset(_PASSED_BY.split())
_EXPECTED_ENDINGS = frozenset(_EXPECTED.split())
_OTHER_ENDINGS = frozenset(_OTHER.split())


def find(
    paths: Iterable[str],
    excludes: Iterable[str],
    limits: Limits,
    names_are_walked: bool = False,
    settled_excludes: tuple[str, Iterable[str]] = ("", ()),
) -> Iterator[Candidate | Skipped | Gap]:
    """The files to read, each once, in the order of the names given and sorted below each directory.

    The name "-" is standard input. `excludes` are patterns as in a `.gitignore`; they speak of paths below
    the working directory and below each directory walked; `settled_excludes` have an absolute directory of
    their own that they speak of. With `names_are_walked` a file that is named is treated as if a walk had met
    it.
    """
    given = list(paths)
    search = _Search(list(excludes), settled_excludes, limits)
    search.taken.update(os.path.realpath(path) for path in given if os.path.isfile(path))
    named: set[str] = set()
    for path in given:
        if path == "-" and sys.stdin is None:
            yield Gap("-", "standard input is closed")
            continue
        if path == "-":
            yield Candidate("-", "", search.here, given=sys.stdin.buffer.read(limits.file_bytes + 1))
            continue
        try:
            status = os.stat(path)
        except (OSError, ValueError) as fault:
            yield Gap(shown_path(path), _absence(path, fault))
            continue
        if stat.S_ISDIR(status.st_mode):
            yield from search.walk(path)
        elif not stat.S_ISREG(status.st_mode):
            yield Gap(shown_path(path), f"is {kind_of(status.st_mode)}", "only regular files are read")
        elif os.path.realpath(path) not in named:
            named.add(os.path.realpath(path))
            yield search.named(path, names_are_walked)


def met(shown: str, real: str, root: str) -> Candidate | None:
    """A file as a walk of `root` takes it; None if its name says that it is something else."""
    ending = real.rpartition(".")[2].lower()
    if ending in _OTHER_ENDINGS:
        return None
    return Candidate(shown, real, root, named=False, lenient=ending not in _EXPECTED_ENDINGS)


def _absence(path: str, fault: Exception) -> str:
    if isinstance(fault, FileNotFoundError):
        return "is a symbolic link to nothing" if os.path.islink(path) else "does not exist"
    return faulty(fault)


_Scope = tuple[Patterns, int]
"""Patterns, and how many bytes of an absolute path come before the part that they speak of."""


class _Search:
    """The state of one `find`."""

    __slots__ = ("_limits", "_settled", "_unsettled", "_walked", "here", "taken")

    def __init__(self, excludes: list[str], settled: tuple[str, Iterable[str]], limits: Limits) -> None:
        self.here = os.path.realpath(os.curdir)
        self._limits = limits
        self._unsettled = Patterns(os.fsencode("\n".join(excludes))) if excludes else None
        base, globs = settled
        self._settled = [(Patterns(os.fsencode("\n".join(globs))), base)] if base else []
        """patterns, and the directory that they speak of"""
        if self._unsettled:
            self._settled.append((self._unsettled, self.here))
        self._walked: set[tuple[int, int]] = set()
        self.taken: set[str] = set()
        """real paths of the files named, and of those that a walk met"""

    def named(self, path: str, walked: bool) -> Candidate | Skipped:
        real = os.path.realpath(path)
        shown = shown_path(path)
        if self._excluded(os.path.abspath(path), os.path.dirname(os.path.abspath(path))):
            return Skipped(shown, "is excluded")
        root = os.path.dirname(real)
        if walked:
            root = os.path.realpath(os.path.dirname(path) or os.curdir)
            if not is_within(real, root):
                return Skipped(shown, "is a symbolic link that leaves its directory")
        return Candidate(shown, real, root, named=not walked)

    def walk(self, path: str) -> Iterator[Candidate | Skipped | Gap]:
        """The files below one directory; links to files come last, when what they lead to is known."""
        root = os.path.realpath(path)
        if self._excluded(root, root):
            yield Skipped(shown_path(path), "is excluded")
            return
        excludes = [(patterns, os.fsencode(os.path.join(base, ""))) for patterns, base in self._settled]
        if self._unsettled and root != self.here:
            excludes.append((self._unsettled, os.fsencode(os.path.join(root, ""))))
        links: list[tuple[str, str, bool]] = []
        shown_root = "" if os.path.normpath(path) == os.curdir else path
        pending = [self._listed(root, shown_root, self._above(root))]
        while pending:
            entries, shown, ignores = pending[-1]
            if isinstance(entries, Gap):
                yield entries
                pending.pop()
                continue
            entry = next(entries, None)
            if entry is None:
                pending.pop()
                continue
            directory = entry.is_dir(follow_symlinks=False)
            ending = entry.name.rpartition(".")[2].lower() if "." in entry.name else ""
            link = entry.is_symlink()
            if (ending in _OTHER_ENDINGS and not directory and not link) or (
                directory and entry.name in _PASSED_BY_NAMES
            ):
                continue
            raw = os.fsencode(entry.path)
            if _ignored(raw, directory, ignores) or any(
                raw.startswith(base) and patterns.ignores(raw[len(base) :], directory)
                for patterns, base in excludes
            ):
                continue
            name = os.path.join(shown, entry.name)
            if directory:
                pending.append(self._listed(entry.path, name, ignores))
            elif link:
                links.append((entry.path, name, ending in _EXPECTED_ENDINGS))
            elif not entry.is_file(follow_symlinks=False):
                yield Skipped(shown_path(name), "is no regular file")
            elif entry.path not in self.taken:
                self.taken.add(entry.path)
                yield Candidate(
                    shown_path(name), entry.path, root, named=False, lenient=ending not in _EXPECTED_ENDINGS
                )
        for link_path, name, expected in links:
            yield from self._linked(link_path, name, expected, root)

    def _linked(self, path: str, name: str, expected: bool, root: str) -> Iterator[Candidate | Skipped]:
        """A symbolic link to a file of the same walk is read if nothing else leads there."""
        shown = shown_path(name)
        try:
            mode = os.stat(path).st_mode
        except OSError:
            yield Skipped(shown, "is a symbolic link to nothing")
            return
        real = os.path.realpath(path)
        if stat.S_ISDIR(mode):
            yield Skipped(shown, "is a symbolic link to a directory")
        elif not is_within(real, root):
            yield Skipped(shown, "is a symbolic link that leaves the directory scanned")
        elif not stat.S_ISREG(mode):
            yield Skipped(shown, f"is a symbolic link to {kind_of(mode)}")
        elif real in self.taken:
            yield Skipped(shown, "is a symbolic link to a file that is read in its own name")
        elif expected or real.rpartition(".")[2].lower() not in _OTHER_ENDINGS:
            self.taken.add(real)
            yield Candidate(shown, real, root, named=False, lenient=not expected)

    def _listed(
        self, path: str, shown: str, ignores: list[_Scope]
    ) -> tuple[Iterator[os.DirEntry[str]] | Gap, str, list[_Scope]]:
        """What a directory holds, sorted, each directory once; with the patterns that hold in it."""
        try:
            status = os.stat(path)
            if (status.st_dev, status.st_ino) in self._walked:
                return iter(()), shown, ignores
            self._walked.add((status.st_dev, status.st_ino))
            with os.scandir(path) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as fault:
            return Gap(shown_path(shown or os.curdir), f"can't be listed: {faulty(fault)}"), shown, ignores
        if any(entry.name == ".gitignore" for entry in entries):
            ignores = [*ignores, *self._scopes(os.path.join(path, ".gitignore"), path)]
        return iter(entries), shown, ignores

    def _scopes(self, path: str, directory: str) -> list[_Scope]:
        """The patterns in one ignore file, if it can be read."""
        try:
            descriptor = os.open(
                path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
            )
        except OSError:
            return []
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return []
            text = file.read(self._limits.file_bytes)
        offset = len(os.fsencode(directory.rstrip(os.sep))) + 1
        return [(Patterns(text), offset)]

    def _above(self, root: str) -> list[_Scope]:
        """The patterns of the repository that hold in `root`; none if they leave `root` itself out."""
        chain = [root]
        while not os.path.lexists(os.path.join(chain[-1], ".git")):
            parent = os.path.dirname(chain[-1])
            if parent == chain[-1]:
                return []
            chain.append(parent)
        top = chain[-1]
        scopes = self._scopes(os.path.join(top, ".git", "info", "exclude"), top)
        for directory in reversed(chain):
            if directory != top and _ignored(os.fsencode(directory), True, scopes):
                return []
            if directory != root:
                scopes += self._scopes(os.path.join(directory, ".gitignore"), directory)
        return scopes

    def _excluded(self, path: str, base: str) -> bool:
        """Whether a path that was named, or a directory above it up to the working directory, is excluded."""
        excludes = list(self._settled)
        if self._unsettled and not is_within(path, self.here):
            excludes.append((self._unsettled, base))
        return any(
            path != base
            and is_within(path, base)
            and patterns.cover(os.fsencode(os.path.relpath(path, base)), os.path.isdir(path))
            for patterns, base in excludes
        )


def _ignored(path: bytes, directory: bool, scopes: list[_Scope]) -> bool:
    """git's rule: the deepest file with a pattern that matches decides."""
    for patterns, offset in reversed(scopes):
        verdict = patterns.ignores(path[offset:], directory)
        if verdict is not None:
            return verdict
    return False
