"""Which paths a `.gitignore` leaves out, by git's own rules, on bytes as git has it.

Patterns become regular expressions whose parts are atomic groups, so that matching a hostile pattern stays
quadratic in the length of the path.
"""

from __future__ import annotations

import re

MOST_PATTERNS = 1_000
"""Patterns of one file that are honoured; what later ones would leave out is read."""

_SPECIAL = re.compile(rb"[*?\[\\]")

_STAR, _DIRECTORIES, _ANYTHING = b"*", b"**/", b"**"

_POSIX = {
    b"alnum": b"[0-9A-Za-z]",
    b"alpha": b"[A-Za-z]",
    b"blank": b"[ \t]",
    b"cntrl": b"[\x00-\x1f\x7f]",
    b"digit": b"[0-9]",
    b"graph": b"[!-~]",
    b"lower": b"[a-z]",
    b"print": b"[ -~]",
    b"punct": b"[!-/:-@\\[-`{-~]",
    b"space": b"[ \t\n\r]",
    b"upper": b"[A-Z]",
    b"xdigit": b"[0-9A-Fa-f]",
}


class _Never(Exception):
    """A pattern that git takes for malformed: it matches nothing."""


_Glob = tuple[int, bool, bool, bool, re.Pattern[bytes]]
"""(order, ignore, directories only, whole path, expression)"""


class Patterns:
    """The patterns of one file, or of one list of globs; they speak of paths below one directory."""

    __slots__ = ("_globs", "_names")

    def __init__(self, text: bytes) -> None:
        self._names: dict[bytes, list[tuple[int, bool, bool]]] = {}
        """file name without wildcards -> (order, ignore, directories only)"""
        self._globs: list[_Glob] = []
        order = 0
        for line in text.removeprefix(b"\xef\xbb\xbf").split(b"\n"):
            pattern = _trimmed(line.removesuffix(b"\r"))
            if not pattern or pattern.startswith(b"#"):
                continue
            if order == MOST_PATTERNS:
                break
            self._add(pattern, order)
            order += 1
        self._globs.reverse()

    def _add(self, pattern: bytes, order: int) -> None:
        ignore = not pattern.startswith(b"!")
        if not ignore:
            pattern = pattern[1:]
        directories_only = pattern.endswith(b"/")
        if directories_only:
            pattern = pattern[:-1]
        whole_path = b"/" in pattern
        if not whole_path and not _SPECIAL.search(pattern):
            self._names.setdefault(pattern, []).append((order, ignore, directories_only))
            return
        try:
            expression = re.compile(_expression(pattern, whole_path), re.DOTALL)
        except _Never:
            return
        self._globs.append((order, ignore, directories_only, whole_path, expression))

    def ignores(self, path: bytes, is_directory: bool) -> bool | None:
        """Whether the last pattern that matches `path` leaves it out; None if none matches.

        `path` is relative to the directory the patterns speak of. What lies in a directory that is left out
        is left out too: that is for the caller, who doesn't descend.
        """
        name = path[path.rfind(b"/") + 1 :]
        newest, verdict = -1, None
        for order, ignore, directories_only in self._names.get(name, ()):
            if is_directory or not directories_only:
                newest, verdict = order, ignore
        for order, ignore, directories_only, whole_path, expression in self._globs:
            if order < newest:
                break
            if directories_only and not is_directory:
                continue
            if expression.fullmatch(path if whole_path else name):
                return ignore
        return verdict

    def cover(self, path: bytes, is_directory: bool = False) -> bool:
        """Whether they leave out a path, or a directory above it."""
        parts = path.split(b"/")
        depths = range(1, len(parts) + 1)
        return any(self.ignores(b"/".join(parts[:n]), n < len(parts) or is_directory) for n in depths)


def _trimmed(line: bytes) -> bytes:
    """Without trailing spaces, of which an escaped one stays."""
    end = 0
    at = 0
    while at < len(line):
        if line[at] == 0x5C:
            at += 1
            if at == len(line):
                return line
            end = at + 1
        elif line[at] != 0x20:
            end = at + 1
        at += 1
    return line[:end]


def _expression(pattern: bytes, whole_path: bool) -> bytes:
    """The regular expression of a pattern without its `!` and trailing slash; raises _Never."""
    pattern = pattern.removeprefix(b"/") if whole_path else pattern
    wildcard = _SPECIAL.search(pattern)
    # NOTE: git compares what precedes the first wildcard as text and matches the rest as if it began there,
    # which makes `a**/b` a leading `**/` (dir.c, match_pathname).
    literal = wildcard.start() if wildcard else len(pattern)
    runs = _runs(pattern, literal, whole_path)
    parts = [re.escape(pattern[:literal]), _run(runs[0][1])]
    for number, (gap, tokens) in enumerate(runs[1:], start=2):
        across = b"(?:.*?/)??" if gap is _DIRECTORIES else b".*?"
        run = across + _run(tokens)
        parts.append(run if number == len(runs) else b"(?>" + run + b")")
    return b"".join(parts)


def _runs(pattern: bytes, begin: int, whole_path: bool) -> list[tuple[bytes, list[bytes]]]:
    """A pattern cut at each `**`: (that `**`, tokens); a token is `*` or the expression of a byte."""
    runs: list[tuple[bytes, list[bytes]]] = [(b"", [])]
    at = begin
    while at < len(pattern):
        if pattern[at] != 0x2A:
            token, at = _one(pattern, at)
            runs[-1][1].append(token)
            continue
        first = at
        while at < len(pattern) and pattern[at] == 0x2A:
            at += 1
        rest = pattern[at : at + 2]
        alone = first == begin or pattern[first - 1] == 0x2F
        if at - first == 1 or not whole_path or not alone or not (rest == b"\\/" or rest[:1] in (b"", b"/")):
            runs[-1][1].append(_STAR)
        elif rest[:1] == b"/":
            runs.append((_DIRECTORIES, []))
            at += 1
        else:
            runs.append((_ANYTHING, []))
    return runs


def _run(tokens: list[bytes]) -> bytes:
    """Each `*` but the last takes the least it can and sticks to it: a later one can take what it left."""
    parts: list[list[bytes]] = [[]]
    for token in tokens:
        if token is _STAR:
            parts.append([])
        else:
            parts[-1].append(token)
    first, *others = [b"".join(part) for part in parts]
    if not others:
        return first
    *middle, last = others
    return first + b"".join(b"(?>[^/]*?" + part + b")" for part in middle) + b"[^/]*" + last


def _one(pattern: bytes, at: int) -> tuple[bytes, int]:
    """The expression of what matches one byte, and where the pattern goes on."""
    character = pattern[at : at + 1]
    if character == b"?":
        return b"[^/]", at + 1
    if character == b"[":
        return _class(pattern, at + 1)
    if character == b"\\":
        at += 1
        character = pattern[at : at + 1]
        if not character:
            raise _Never
    return re.escape(character), at + 1


def _class(pattern: bytes, at: int) -> tuple[bytes, int]:
    """A set in brackets, from behind the opening one."""
    negated = pattern[at : at + 1] in (b"!", b"^")
    if negated:
        at += 1
    members: set[int] = set()
    previous: int | None = None
    begin = at
    while at == begin or pattern[at : at + 1] != b"]":
        character = pattern[at : at + 1]
        after = pattern[at + 1 : at + 2]
        if not character:
            raise _Never
        named = (
            re.compile(rb"\[:([^\]]*)(\]|$)").match(pattern, at) if pattern[at : at + 2] == b"[:" else None
        )
        if character == b"\\":
            if not after:
                raise _Never
            previous = after[0]
            members.add(previous)
            at += 2
        elif character == b"-" and previous is not None and after not in (b"", b"]"):
            at += 1
            if after == b"\\":
                at += 1
                after = pattern[at : at + 1]
                if not after:
                    raise _Never
            members.update(range(previous, after[0] + 1))
            previous = None
            at += 1
        elif named and not named[2]:
            raise _Never
        elif named and named[1].endswith(b":"):
            if named[1][:-1] not in _POSIX:
                raise _Never
            members.update(each[0] for each in re.findall(_POSIX[named[1][:-1]], bytes(range(256))))
            previous = None
            at = named.end()
        else:
            previous = character[0]
            members.add(previous)
            at += 1
    if negated:
        members = set(range(256)) - members
    members.discard(0x2F)
    if not members:
        raise _Never
    return b"[" + b"".join(b"\\x%02x" % member for member in sorted(members)) + b"]", at + 1
