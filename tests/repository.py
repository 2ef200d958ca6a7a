"""A real git repository to adopt the scanner in."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from tests.door import CALM, Ran, called

NOTEBOOK = "  {name}: {{Type: 'AWS::SageMaker::NotebookInstance'}}\n"
IDENTITY = {
    **{
        f"GIT_{role}_{what}": "someone@example.com"
        for role in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    },
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


def notebooks(*names: str) -> str:
    """A template of notebooks about which much is wrong."""
    return "Resources:\n" + "".join(NOTEBOOK.format(name=name) for name in names)


class Repository:
    """A folder under git."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch", "main")

    def git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words],
            cwd=self.folder,
            env={**CALM, **IDENTITY},
            capture_output=True,
            check=True,
            text=True,
        )
        return done.stdout.strip()

    def write(self, **files: str) -> None:
        """Files by name, `__` standing for a slash and `_` before the ending for a dot."""
        for name, text in files.items():
            stem, _, ending = name.replace("__", "/").rpartition("_")
            self.put(f"{stem}.{ending}", text)

    def put(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def commit(self, *names: str) -> str:
        """Commit everything; its hash."""
        self.git("add", "--all", *names)
        self.git("commit", "--quiet", "--allow-empty", "--message", "work")
        return self.git("rev-parse", "HEAD")

    def run(self, *words: str | Path, below: str = ".", **how: Any) -> Ran:
        """`smguard` in the repository, or in a folder of it."""
        return called(*words, cwd=self.folder / below, **how)

    def scan(self, *words: str | Path, **how: Any) -> Ran:
        """A scan for one control that every notebook of these violates, with a JSON report."""
        return self.run("scan", "--select", "volume-kms-key", "-f", "json", *words, **how)
