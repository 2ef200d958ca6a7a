"""A page of the documentation as a reader goes through it: files saved, commands typed into one shell."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

FENCE = re.compile(r'^```(\w+)(?: title="(\S+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
COMMAND = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
MARK = "\x1e"
LEFT_OUT = "…"
"""Alone on a line of a page it stands for any lines, or none; at the end of one, for the rest of it."""


class Step(NamedTuple):
    """A command, and what the page shows of its output; None: nothing but that it succeeds."""

    command: str
    shown: str | None


def steps(page: str) -> Iterator[Step]:
    """Commands of `console` and `sh` blocks, and as commands also the files that blocks with a title are."""
    for language, title, text in FENCE.findall(page):
        if title:
            yield Step(f"cat > '{title}' <<'END OF FILE'\n{text}END OF FILE", None)
        elif language == "sh":
            yield from (Step(line, None) for line in text.splitlines())
        elif language == "console":
            yield from (Step(*found) for found in COMMAND.findall(text))


def walk(page: str, folder: Path, environment: Mapping[str, str]) -> list[tuple[Step, str, int]]:
    """Each step with what it printed and its exit code, all in one shell that starts in the folder."""
    taken = list(steps(page))
    after = f"code=$?; printf '{MARK}%d{MARK}' $code; (exit $code)"
    script = "".join(f"{step.command}\n{after}\n" for step in taken)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", script],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    outputs = re.findall(f"(.*?){MARK}(\\d+){MARK}", done.stdout, re.DOTALL)
    assert len(outputs) == len(taken), done.stdout
    return [(step, text, int(code)) for step, (text, code) in zip(taken, outputs, strict=True)]


def is_shown(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed."""
    pattern = ""
    for line in shown.splitlines():
        if line == LEFT_OUT:
            pattern += "(.*\n)*"
        else:
            pattern += re.escape(line.removesuffix(LEFT_OUT)) + (".*" * line.endswith(LEFT_OUT)) + "\n"
    return re.fullmatch(pattern, printed) is not None
