"""What has changed in a git repository since a revision, told by git itself.

git is asked without a shell, without what a repository's own configuration would have it run, and without
the environment of a hook: the working directory says which repository is meant.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from typing import NamedTuple

from scanner.model import Gap, SmguardError
from scanner.opening import Candidate, Skipped, is_within, open_text
from scanner.safe_text import inert
from scanner.template.document import ReadError
from scanner.template.load import FOLLOWING, Loader, NotTemplate
from scanner.template.template import speaks_of

_SECONDS = 60
_KEPT = ("GIT_CONFIG", "GIT_CEILING_", "GIT_DISCOVERY_", "GIT_EXEC_PATH")
_QUIET = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
_DIFF = ("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-textconv")
_FETCH = "fetch it first (a shallow clone lacks history: `git fetch --unshallow`, or fetch-depth: 0 in CI)"


class Changes(NamedTuple):
    """Real paths of what was added, changed, renamed or removed; a folder stands for all below it."""

    paths: frozenset[str]

    def hold(self, real: str) -> bool:
        """Whether a file, by its real path, is one of them or below one."""
        while real not in self.paths:
            above = os.path.dirname(real)
            if above == real:
                return False
            real = above
        return True


def changed_since(revision: str, paths: Iterable[str]) -> Changes:
    """What differs between the working tree, untracked files included, and `revision`.

    A branch that has left `revision` behind is compared with the point where it did. Raises SmguardError
    if git can't tell, or if one of `paths` lies outside of the repository.
    """
    if not revision or revision.startswith("-") or "\0" in revision:
        raise SmguardError(f"'{inert(revision, 80)}' is no revision", "name a branch, a tag or a commit")
    top = _ask(
        "the working directory is in no git repository",
        "rev-parse",
        "--show-toplevel",
        hint="run it inside of one",
    ).rstrip("\n")
    top = os.path.realpath(top)
    for path in paths:
        if path == "-" or not is_within(os.path.realpath(path), top):
            hint = "--changed-since tells of the repository of the working directory only"
            raise SmguardError(f"{inert(path)} is not in the git repository {inert(top)}", hint)
    unknown = f"git knows no revision '{inert(revision, 80)}' here"
    commit = _ask(unknown, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", hint=_FETCH).strip()
    # Without a common ancestor, as in a shallow clone, all that differs counts.
    base = _run("merge-base", commit, "HEAD", folder=top).stdout.decode().strip() or commit
    unable = "git can't tell what has changed"
    changed = _ask(unable, *_DIFF, base, "--", folder=top)
    new = _ask(unable, "ls-files", "--others", "--exclude-standard", "-z", "--", folder=top)
    names = filter(None, (changed + new).split("\0"))
    return Changes(frozenset(os.path.realpath(os.path.join(top, name)) for name in names))


def narrow(
    listed: Iterable[Candidate | Skipped | Gap], changes: Changes, loader: Loader
) -> list[Candidate | Skipped | Gap]:
    """What a scan lists, with the files as skipped that have not changed and lead to none that has.

    A template leads to its nested stacks and to what it includes: what changes there can change its verdicts.
    """
    return [
        Skipped(entry.display, "is unchanged")
        if isinstance(entry, Candidate)
        and not changes.hold(entry.real)
        and not _leads_to_change(entry, changes, loader)
        else entry
        for entry in listed
    ]


def _leads_to_change(entry: Candidate, changes: Changes, loader: Loader) -> bool:
    met: list[str] = []
    if entry.code:
        return False

    def note(entry: Candidate, path: str, beside: str) -> tuple[str, str, str]:
        real = "" if "\0" in path else os.path.realpath(os.path.join(os.path.dirname(beside), path))
        if changes.hold(real):
            met.append(real)
        return loader.open(entry, path, beside)

    try:
        text = open_text(entry, loader.limits)
        if text is not None and speaks_of(text, FOLLOWING):
            for _ in loader._replace(open=note).load(text, entry):
                pass
    except (ReadError, NotTemplate):
        pass
    except Exception:
        return True  # what goes wrong is said where it is judged
    return bool(met)


def _ask(failure: str, *words: str, folder: str | None = None, hint: str = "") -> str:
    """What git answers; raises SmguardError if it fails."""
    done = _run(*words, folder=folder)
    if done.returncode:
        said = inert(os.fsdecode(done.stderr.split(b"\n")[0]), 200)
        raise SmguardError(f"{failure}: {said}" if said else failure, hint or "check with `git status`")
    return os.fsdecode(done.stdout)


def _run(*words: str, folder: str | None = None) -> subprocess.CompletedProcess[bytes]:
    environment = {name: value for name, value in os.environ.items() if _is_kept(name)}
    try:
        return subprocess.run(
            ["git", "--no-pager", "-c", "core.fsmonitor=false", *words],  # noqa: S607 - the user's own
            cwd=folder,
            env={**environment, **_QUIET},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except OSError as error:
        hint = "--changed-since needs git; without it, name the files and give --candidates"
        raise SmguardError(f"git can't be run: {error.strerror}", hint) from error
    except subprocess.TimeoutExpired as error:
        raise SmguardError(f"git {words[0]} took longer than {_SECONDS} seconds", "try it by hand") from error


def _is_kept(name: str) -> bool:
    return not name.startswith("GIT_") or name.startswith(_KEPT)
