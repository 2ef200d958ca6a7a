"""`smguard baseline`."""

from __future__ import annotations

from typing import Any

import click

from scanner.cli.scan import EXIT_CRASH, EXIT_INCOMPLETE, configure, prepare
from scanner.cli.scan import command as scan_command
from scanner.model import Gap
from scanner.safe_text import inert

DEFAULT = ".smguard-baseline.json"
_UNSHARED = {
    *("formats", "files", "fail_on", "strict", "exit_zero"),
    *("show_passed", "baseline", "candidates", "changed_since"),
}
"""Options of a scan that have no use here, or another."""


def _run(output: str | None, allow_incomplete: bool, **options: Any) -> int:
    from scanner.baseline import Baseline
    from scanner.output import write

    unshared = {"show_passed": False, "baseline": None, "candidates": False, "changed_since": None}
    options, config = configure({**options, **unshared})
    target = output or options["baseline"] or DEFAULT
    scan = prepare({**options, "baseline": None}, config)
    taken = Baseline()
    scan.plan = scan.plan._replace(baseline=taken)
    for event in scan.events():
        if isinstance(event, Gap) and not event.accepted:
            click.echo(f"Gap: {inert(event.where)}: {inert(event.what)}", err=True)
    firm = scan.plan.catalog.firm
    write(target, taken.lines(firm))
    held = sum(number for entry, number in taken.open.items() if entry.control not in firm)
    left_out = taken.open.total() - held
    if left_out:
        click.echo(f"{left_out} left out, because their controls can't be waived", err=True)
    plural = "" if held == 1 else "s"
    click.echo(f"{held} finding{plural} taken down in {inert(target)}", err=True)
    if scan.crashed:
        return EXIT_CRASH
    return 0 if scan.summary.complete or allow_incomplete else EXIT_INCOMPLETE


command = click.Command(
    "baseline",
    callback=_run,
    short_help="Take down what is found now, so that only new findings count.",
    help="""Take down what is found now, so that later scans count new findings only.

    Give the file to `smguard scan --baseline`, or name it in .smguard.yaml, and keep it in the repository.
    What a waiver covers, and what a control finds that can't be waived, is left out. Options are those of
    `smguard scan`; give the same.""",
    params=[
        *(it for it in scan_command.params if it.name not in _UNSHARED),
        click.Option(
            ["-o", "--output"],
            metavar="FILE",
            help=f"Where to. [default: the baseline of .smguard.yaml, or {DEFAULT}]",
        ),
    ],
)
