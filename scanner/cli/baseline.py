"""`smguard baseline`."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from scanner.cli.scan import configure, prepare
from scanner.cli.scan_command import command as scan_command
from scanner.cli.shared import EXIT_CRASH, EXIT_INCOMPLETE
from scanner.model import Gap, SmguardError, Verdict
from scanner.report import scope_of
from scanner.safe_text import inert

if TYPE_CHECKING:
    from scanner.baseline import Baseline

DEFAULT = ".smguard-baseline.json"
_UNSHARED = {
    *("formats", "files", "fail_on", "strict", "exit_zero"),
    *("paths", "show_passed", "baseline", "candidates", "changed_since"),
}
"""Options of a scan that have no use here, or another."""


def _run(output: str | None, allow_incomplete: bool, audit: str | None, **options: Any) -> int:
    from scanner.baseline import Baseline

    if audit is not None:
        return _of_audit(audit, output, allow_incomplete, options)
    if not options["paths"]:
        raise click.UsageError("Missing argument 'PATH...', or --audit FILE.")
    unshared = {"show_passed": False, "baseline": None, "candidates": False, "changed_since": None}
    options, config = configure({**options, **unshared})
    target = output or options["baseline"] or DEFAULT
    taken = Baseline()
    scan = prepare({**options, "baseline": None}, config, baseline=taken)
    for event in scan.events():
        if isinstance(event, Gap) and not event.accepted:
            click.echo(f"Gap: {inert(event.where)}: {inert(event.what)}", err=True)
    _write(taken, scan.plan.catalog.firm, target)
    if scan.crashed:
        return EXIT_CRASH
    return 0 if scan.summary.complete or allow_incomplete else EXIT_INCOMPLETE


def _of_audit(path: str, output: str | None, allow_incomplete: bool, options: dict[str, Any]) -> int:
    """The baseline of what a saved audit found: to audit anew could take hours."""
    from scanner import catalog
    from scanner.baseline import Baseline
    from scanner.planning import load_catalog
    from scanner.report.saved import read

    if options["paths"] or not output:
        raise click.UsageError("--audit goes with -o FILE, and without PATHs")
    known = load_catalog(options["rules"], None)
    narrowed = [options[name] for name in ("select", "ignore", "area", "framework")]
    chosen = {control.id for control in catalog.select(known, *narrowed)} if any(narrowed) else None
    taken = Baseline()
    with closing(read(path, known.by_id)) as saved:
        if saved.kind != "audit":
            raise SmguardError(f"{inert(path)} is no report of an audit", "`smguard baseline PATH` scans")
        for finding in saved.findings():
            if finding.verdict is not Verdict.PASS and (chosen is None or finding.control.id in chosen):
                taken.apply(finding, scope_of(finding.location).replace(" ", "/"))
    _write(taken, known.firm, output)
    return 0 if saved.summary.complete or allow_incomplete else EXIT_INCOMPLETE


def _write(taken: Baseline, firm: frozenset[str], target: str) -> None:
    from scanner.output import write

    write(target, taken.lines(firm))
    held = sum(number for entry, number in taken.open.items() if entry.control not in firm)
    left_out = taken.open.total() - held
    if left_out:
        click.echo(f"{left_out} left out, because their controls can't be waived", err=True)
    plural = "" if held == 1 else "s"
    click.echo(f"{held} finding{plural} taken down in {inert(target)}", err=True)


command = click.Command(
    "baseline",
    callback=_run,
    help="""Take down what is found now, so that later scans count new findings only.

    Give the file to `smguard scan --baseline`, or name it in .smguard.yaml, and keep it in the repository.
    What a waiver covers, and what a control finds that can't be waived, is left out. Options are those of
    `smguard scan`; give the same. With --audit it is what a saved report of `smguard audit` holds.""",
    params=[
        click.Argument(
            ["paths"], nargs=-1, metavar="PATH...", type=click.Path(readable=False, path_type=str)
        ),
        *(it for it in scan_command.params if it.name not in _UNSHARED),
        click.Option(["--audit"], metavar="FILE", help="A JSON report of an audit, instead of PATHs."),
        click.Option(
            ["-o", "--output"],
            metavar="FILE",
            help=f"Where to. [default: the baseline of .smguard.yaml, or {DEFAULT}]",
        ),
    ],
)
