"""`smguard explain`: one finding or one control, and what to do about it."""

from __future__ import annotations

import os
import re
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import click

from scanner import catalog
from scanner.catalog import Catalog
from scanner.cli.options import options
from scanner.cli.rules import SOURCE, load
from scanner.cli.shared import EXIT_INCOMPLETE
from scanner.cli.terminal import echo
from scanner.model import Finding, SmguardError, Verdict

_FINGERPRINT = re.compile(r"[0-9a-f]{6,32}")
_PLACE = re.compile(r"(.+?):(\d+)(?::\d+)?")
_LISTED = 5


@click.command("explain")
@click.argument("what", metavar="ID|FILE:LINE|FINGERPRINT")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path(readable=False, path_type=str))
@click.option("--report", metavar="FILE", help="Look findings up in this JSON report instead of scanning.")
@options("parameters", "environment", *SOURCE)
def command(
    what: str,
    paths: tuple[str, ...],
    report: str | None,
    parameters: tuple[str, ...],
    environment: bool,
    **source: Any,
) -> int:
    """Explain a finding or a control: why it matters, what decides, how to mend it and how to waive it.

    A finding is named by its place as the report shows it (FILE:LINE), or by the first characters of its
    fingerprint, which is looked for in PATH (default: the working directory). For the id of a control, its
    findings in PATH are explained, and without a PATH the control itself.
    """
    from scanner.explanation import explain_findings

    full = load(**source)
    today = datetime.now(UTC).date()
    place = _PLACE.fullmatch(what) if what not in full.by_id else None
    if place is None and not _FINGERPRINT.fullmatch(what):
        catalog.find(full, what)  # says what it could have meant
    findings: list[Finding] = []
    gaps = 0
    if report is not None:
        if paths:
            raise click.UsageError("give PATHs to scan or a --report to look into, not both")
        from scanner.report.saved import read

        with closing(read(report, full.by_id)) as saved:
            known = (it for it in saved.findings() if it.control.id in full.by_id)
            findings = [each for each in known if each.verdict is not Verdict.PASS]
    elif what not in full.by_id or paths:
        from scanner.cli.collect import collect
        from scanner.cli.configuration import configured
        from scanner.environment import configured as read_environment

        controls = catalog.select(full, [what] if what in full.by_id else [])
        default = place[1] if place else "."
        config = configured(source["config"], source["no_config"])
        belonging = read_environment({} if config is None else config.body, environment)
        findings, scan = collect(paths or (default,), full, controls, parameters, today, belonging)
        gaps = scan.summary.gaps
    chosen = _choose(what, place, findings, full, gaps)
    if not chosen:
        echo(explain_findings(full.by_id[what], [], full, today))
        if paths or report:
            click.echo("\nNothing of it was found there.")
    by_control: dict[str, list[Finding]] = {}
    for finding in sorted(chosen, key=lambda each: -each.control.severity):
        by_control.setdefault(finding.control.id, []).append(finding)
    for number, (control_id, group) in enumerate(by_control.items()):
        if number:
            click.echo("\n")
        echo(explain_findings(full.by_id[control_id], group, full, today))
    if gaps and what in full.by_id:
        click.echo("\nNot everything could be looked at: `smguard scan` says what and why.")
        return EXIT_INCOMPLETE
    return 0


def _choose(
    what: str, place: re.Match[str] | None, findings: list[Finding], full: Catalog, gaps: int
) -> list[Finding]:
    """The findings that are meant. Raises SmguardError if a place or a fingerprint means none or several."""
    hint = "not everything could be looked at: `smguard scan` says what and why" if gaps else ""
    if what in full.by_id:
        return [finding for finding in findings if finding.control.id == what]
    if place is None:
        chosen = [finding for finding in findings if finding.fingerprint.startswith(what)]
        if len({finding.fingerprint for finding in chosen}) > 1:
            several = [
                f"{each.fingerprint[:12]} {each.control.id} {each.resource.name}" for each in chosen[:_LISTED]
            ]
            raise SmguardError(f"{what} is the start of several fingerprints", "; ".join(several))
        if not chosen:
            raise SmguardError(
                f"no finding has a fingerprint that starts with {what}",
                hint or "name the PATHs that were scanned, or the JSON report with --report",
            )
        return chosen
    file, line = os.path.normpath(place[1]), int(place[2])
    here = [finding for finding in findings if file == os.path.normpath(finding.location.file or os.devnull)]
    chosen = [finding for finding in here if finding.location.line == line]
    if not chosen:
        lines = sorted({each.location.line or 0 for each in here})
        known = (
            f"findings are at {', '.join(map(str, lines[:20]))}" if lines else "there are none in that file"
        )
        known += "; those that other files decide need the PATHs and options of the scan"
        raise SmguardError(f"no finding is at line {line} of {place[1]}", hint or known)
    return chosen
