"""Which report goes where: each -o belongs to the -f before it."""

from __future__ import annotations

import os

import click

from scanner.model import SmguardError
from scanner.report import JOB_SUMMARY, Output

_ORDER = "each -o belongs to the -f before it: -f table -f sarif -o scan.sarif -f json -o scan.json"


def pair(ctx: click.Context) -> list[Output]:
    """The reports that the words of a call ask for; raises SmguardError if that isn't clear.

    One report may go to standard output, and two may not go to one file. With the format github goes a
    job summary, where GitHub Actions says where.
    """
    outputs: list[Output] = []
    early: list[str] = []
    for option, value in _in_order(ctx):
        if option == "formats":
            outputs.append(Output(value))
        elif not outputs:
            early.append(value)
        elif outputs[-1].path is not None:
            raise SmguardError(f"{outputs[-1].format} has two files, {outputs[-1].path} and {value}", _ORDER)
        else:
            outputs[-1] = outputs[-1]._replace(path=value)
    outputs = outputs or [Output("table")]
    if early and (len(early) > 1 or len(outputs) > 1 or outputs[0].path is not None):
        raise SmguardError(f"the file {early[0]} has no format before it", _ORDER)
    if early:
        outputs[0] = outputs[0]._replace(path=early[0])
    _check_places(outputs)
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if summary and any(output.format == "github" for output in outputs):
        outputs.append(Output(JOB_SUMMARY, summary, append=True))
    return outputs


def _in_order(ctx: click.Context) -> list[tuple[str, str]]:
    """The formats and files of a call as they were given."""
    values, _, order = ctx.command.make_parser(ctx).parse_args(list(ctx.meta["words"]))
    given = {name: iter(values.get(name, ())) for name in ("formats", "files")}
    return [(each.name, next(given[each.name])) for each in order if each.name in given]


def _check_places(outputs: list[Output]) -> None:
    places = ["" if output.standard else os.path.abspath(output.path or "") for output in outputs]
    for output, place in zip(outputs, places, strict=True):
        if places.count(place) > 1:
            shared = [each.format for each, where in zip(outputs, places, strict=True) if where == place]
            where = f"to {output.path}" if place else "to standard output"
            raise SmguardError(f"{' and '.join(shared)} would both go {where}", _ORDER)
