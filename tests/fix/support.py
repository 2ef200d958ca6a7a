"""The command in this process: its files are many and small, and what it runs is measured."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

import pytest

from scanner.cli import main
from tests.door import Ran


def smguard(*words: str | Path, cwd: str | Path = ".", given: bytes = b"", **environment: str) -> Ran:
    """Run `smguard`; a crash is raised."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in {"SMGUARD_DEBUG": "1", **environment}.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["smguard", *map(str, words)])
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        with pytest.raises(SystemExit) as ended:
            main()
    assert isinstance(ended.value.code, int)
    return Ran(ended.value.code, out.getvalue(), err.getvalue())
