"""`docs/writing-controls.md` as it stands: its files written, its commands run, its output compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.building import ROOT, clean
from tests.walk import FENCE

PAGE = ROOT / "docs" / "writing-controls.md"


class Block(NamedTuple):
    """A fenced block: its language, the file that it is, and its text."""

    language: str
    title: str
    text: str


BLOCKS = [Block(*found) for found in FENCE.findall(PAGE.read_text("utf-8"))]
FRAGMENTS = [block.text for block in BLOCKS if block.language == "yaml" and not block.title]


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    names = {
        f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    path = f"{folder.parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = clean(**names, PATH=path, COLUMNS="80", PYTHONPATH=str(ROOT))
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def test_the_page_does_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "smguard"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m scanner "$@"\n')
    command.chmod(0o755)
    folder = tmp_path / "work"
    folder.mkdir()
    assert run("git init --quiet", folder).returncode == 0
    ran = 0
    for block in BLOCKS:
        if block.title:
            path = folder / block.title
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.text)
        elif block.language == "sh":
            done = run(f"set -e\n{block.text}", folder)
            assert done.returncode == 0, done.stdout
        elif block.language == "console":
            for line, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE):
                assert run(line, folder).stdout.rstrip("\n") == shown.rstrip("\n"), line
                ran += 1
    assert ran > 9


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_a_fragment_of_the_page_is_in_the_notation(tmp_path: Path, fragment: str) -> None:
    control = {
        **dict.fromkeys(("title", "rationale", "remediation"), "A fragment."),
        "id": "fragment",
        "area": "access",
        "severity": "low",
        "resources": yaml.safe_load(fragment),
        "examples": {"not-applicable": [{"about": "other", "resource": {"Type": "AWS::SageMaker::Image"}}]},
    }
    (tmp_path / "fragment.yaml").write_text(yaml.safe_dump(control))
    done = run(f"{sys.executable} -m scanner rules check .", tmp_path)
    assert done.stdout == "1 control and its 1 examples are sound.\n"
