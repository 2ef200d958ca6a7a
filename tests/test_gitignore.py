"""The `.gitignore` matcher against its documented rules and against git itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.gitignore import MOST_PATTERNS, Patterns

IGNORED = [
    # (pattern, path, is a directory, verdict)
    ("a.yaml", "a.yaml", False, True),
    ("a.yaml", "deep/down/a.yaml", False, True),
    ("a.yaml", "b.yaml", False, None),
    ("a.yaml", "a.yaml.bak", False, None),
    ("/a.yaml", "a.yaml", False, True),
    ("/a.yaml", "deep/a.yaml", False, None),
    ("deep/a.yaml", "deep/a.yaml", False, True),
    ("deep/a.yaml", "very/deep/a.yaml", False, None),
    ("build/", "build", True, True),
    ("build/", "build", False, None),
    ("build/", "x/build", True, True),
    ("/build/", "x/build", True, None),
    ("*.json", "x/y.json", False, True),
    ("*.json", ".json", False, True),
    ("x/*.json", "x/y.json", False, True),
    ("x/*.json", "x/y/z.json", False, None),
    ("**/z.json", "z.json", False, True),
    ("**/z.json", "x/y/z.json", False, True),
    ("x/**/z.json", "x/z.json", False, True),
    ("x/**/z.json", "x/a/b/z.json", False, True),
    ("x/**", "x/a/b", False, True),
    ("x/**", "x", True, None),
    ("x**y", "xaay", False, True),
    ("a/x**y", "a/x/y", False, None),
    ("?.yaml", "a.yaml", False, True),
    ("?.yaml", "ab.yaml", False, None),
    ("x?y", "x/y", False, None),
    ("[ab].yaml", "a.yaml", False, True),
    ("[!ab].yaml", "a.yaml", False, None),
    ("[^ab].yaml", "c.yaml", False, True),
    ("[a-c].yaml", "b.yaml", False, True),
    ("[]a].yaml", "].yaml", False, True),
    ("[[:digit:]].yaml", "7.yaml", False, True),
    ("[[:nonsense:]].yaml", "7.yaml", False, None),
    ("[a.yaml", "[a.yaml", False, None),
    ("\\#a", "#a", False, True),
    ("#a", "#a", False, None),
    ("\\!a", "!a", False, True),
    ("!a", "a", False, False),
    ("a ", "a", False, True),
    ("a\\ ", "a ", False, True),
    ("a\\", "a\\", False, None),
    ("\\*", "*", False, True),
    ("\\*", "a", False, None),
    ("a\r\n", "a", False, True),
    ("\ufeffa", "a", False, True),
    ("*.json\n!keep.json", "keep.json", False, False),
    ("!keep.json\n*.json", "keep.json", False, True),
    ("keep.json\n!*.json\n", "keep.json", False, False),
    ("a\n!a/", "a", False, True),
    ("a\n!a/", "a", True, False),
    ("", "a", False, None),
    ("/", "a", True, None),
]


@pytest.mark.parametrize(("text", "path", "directory", "verdict"), IGNORED)
def test_patterns(text: str, path: str, directory: bool, verdict: bool | None) -> None:
    assert Patterns(text.encode()).ignores(path.encode(), directory) is verdict


def test_names_that_are_no_utf8_match_byte_by_byte() -> None:
    patterns = Patterns(b"\xff.yaml\n?\n")
    assert patterns.ignores(b"\xff.yaml", False) is True
    assert patterns.ignores("é".encode(), False) is None


@pytest.mark.parametrize(
    "pattern", [b"*a" * 60 + b"b", b"**/" + b"*a/**/" * 40 + b"b", b"a/" + b"*a" * 60 + b"/b"]
)
def test_hostile_patterns_end(pattern: bytes) -> None:
    assert Patterns(pattern).ignores(b"/".join([b"a" * 120] * 30), False) is None


def test_patterns_beyond_the_bound_leave_nothing_out() -> None:
    patterns = Patterns(b"\n".join(b"f%d" % number for number in range(MOST_PATTERNS + 1)))
    assert patterns.ignores(b"f%d" % (MOST_PATTERNS - 1), False) is True
    assert patterns.ignores(b"f%d" % MOST_PATTERNS, False) is None


git = pytest.mark.skipif(shutil.which("git") is None, reason="git is the oracle here and is not installed")

_name = st.text("ab.-", min_size=1, max_size=3).filter(lambda name: name not in (".", ".."))
_path = st.lists(_name, min_size=1, max_size=4).map("/".join)
_PIECES = r"""
    a b ab . - * ** *** ? [ab] [!a] [a-b] [b-a] [a-] [^-a] []a] [\]a] [a/b]
    [[:alpha:]] [[:x:]] [[:a] [ \a \* \ \/
"""
_piece = st.sampled_from([*_PIECES.split(), "/", "/", "/", "**/", "/**", " ", "\\ "])
_pattern = st.builds(
    lambda no, pieces: no + "".join(pieces), st.sampled_from(["", "", "!", "#"]), st.lists(_piece, max_size=6)
)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    clean = {**os.environ, "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "-q", str(root)], check=True, env=clean)
    (root / ".git" / "info" / "exclude").unlink(missing_ok=True)
    return root


def ignored_by_git(root: Path, text: str, paths: list[str]) -> dict[str, bool | None]:
    """git's verdict on files that need not exist, from the last pattern that matches each."""
    (root / ".gitignore").write_text(text + "\n", encoding="utf-8")
    clean = {**os.environ, "HOME": str(root), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(
        ["git", "check-ignore", "--no-index", "-v", "-n", "-z", "--stdin"],
        cwd=root,
        input="\0".join(paths),
        capture_output=True,
        text=True,
        check=False,
        env=clean,
    )
    fields = done.stdout.split("\0")[:-1]
    verdicts: dict[str, bool | None] = {}
    for at in range(0, len(fields), 4):
        _, _, pattern, path = fields[at : at + 4]
        verdicts[path] = None if not pattern else not pattern.startswith("!")
    return verdicts


def ignored_by_us(text: str, path: str) -> bool | None:
    """The verdict on a file as a walk makes it: on each directory above it first."""
    patterns = Patterns(text.encode())
    parts = path.split("/")
    for depth in range(1, len(parts)):
        if patterns.ignores("/".join(parts[:depth]).encode(), True):
            return True
    return patterns.ignores(path.encode(), False)


@git
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(_pattern, min_size=1, max_size=5),
    paths=st.lists(_path, min_size=1, max_size=12, unique=True),
)
def test_agrees_with_git(repository: Path, lines: list[str], paths: list[str]) -> None:
    text = "\n".join(lines)
    theirs = ignored_by_git(repository, text, paths)
    assert {path: bool(verdict) for path, verdict in theirs.items()} == {
        path: bool(ignored_by_us(text, path)) for path in theirs
    }
