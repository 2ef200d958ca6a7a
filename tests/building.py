"""What the tests of the release share: commands in a clean environment, and the project under git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GIT = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_NAME": "Test" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "test@example.invalid" for who in ("AUTHOR", "COMMITTER")},
}
"""Git as it is anywhere, whatever this machine's own configuration says."""


def clean(**more: str) -> dict[str, str]:
    """This environment without what would measure a copy, lead to this checkout or point git elsewhere."""
    leading = ("COV", "GITHUB_", "GIT_", "PRE_COMMIT", "PYTEST", "PYTHONPATH", "SMGUARD", "VIRTUAL_ENV")
    return {key: value for key, value in os.environ.items() if not key.startswith(leading)} | GIT | more


def attempt(
    *words: str | Path, cwd: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, whatever comes of it; its errors follow its output."""
    return subprocess.run(
        words, cwd=cwd, env=env or clean(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def run(*words: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a command in a folder; its output. It must succeed."""
    done = subprocess.run(words, cwd=cwd, env=env or clean(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def unpack(sdist: Path, into: Path) -> Path:
    """The folder of an unpacked sdist."""
    run("tar", "-xzf", sdist, cwd=into)
    (folder,) = into.iterdir()
    return folder


def commit_all(folder: Path) -> str:
    """Put a folder's files under git; the commit."""
    run("git", "init", "--quiet", "--initial-branch=main", cwd=folder)
    run("git", "add", "--all", cwd=folder)
    run("git", "commit", "--quiet", "--message", "All of it", cwd=folder)
    return run("git", "rev-parse", "HEAD", cwd=folder).strip()
