"""`smguard lsp`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from scanner.limits import Limits
from scanner.model import SmguardError

if TYPE_CHECKING:
    from scanner.lsp.judged import Settings

_FIELDS = ("select", "ignore", "rules", "parameters")


@click.command("lsp")
@click.option("--stdio", is_flag=True, help="What some editors add; there is no other way.")
def command(stdio: bool) -> int:
    """Serve an editor over standard input and output, by the Language Server Protocol.

    Unsaved templates are judged as scan would, with quick fixes from fix. Needs sagemaker-guardrails[lsp].
    """
    try:
        from scanner.lsp.server import build
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("scanner"):
            raise
        hint = "pip install 'sagemaker-guardrails[lsp]'"
        raise SmguardError(f"the language server needs pygls ({error.name} is missing)", hint) from error
    build(read_settings).start_io()
    return 0


def read_settings(options: Any, folder: str) -> Settings:
    """What texts are judged by, from initializationOptions {select, ignore, rules, parameters: [text]}.

    They are completed by the configuration of the repository that `folder` is in, and paths start from it.
    Raises SmguardError for what the options can't mean.
    """
    from datetime import UTC, datetime

    from scanner.config import read
    from scanner.lsp.judged import Settings
    from scanner.planning import UNSET, make_plan
    from scanner.repository import configuration

    options = {} if options is None else options
    hint = f"give initializationOptions with {', '.join(_FIELDS)}, each a list of texts"
    if not isinstance(options, dict) or not options.keys() <= set(_FIELDS):
        raise SmguardError("the settings hold something unknown", hint)
    if not all(
        isinstance(value, list) and all(isinstance(each, str) for each in value) for value in options.values()
    ):
        raise SmguardError("a setting is no list of texts", hint)
    given = {field: tuple(values) for field, values in options.items()}
    for field in ("rules", "parameters"):
        given[field] = tuple(os.path.join(folder, path) for path in given.get(field, ()))
    limits, complete = Limits(), {**UNSET, **given}
    path, _ = configuration(folder)
    config = None if path is None else read(path, limits)
    if config is not None:
        complete = config.behind(complete)
    plan = make_plan(complete, config, limits, datetime.now(UTC).date())
    return Settings(plan, frozenset(complete["select"]))
