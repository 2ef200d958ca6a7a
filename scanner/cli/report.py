"""`smguard report`."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING, Any

import click

from scanner.cli.options import ReportingCommand
from scanner.cli.options import options as shared_options
from scanner.cli.shared import (
    EXIT_FINDINGS,
    EXIT_INCOMPLETE,
    paired_outputs,
    screen,
    write_run,
)
from scanner.model import Severity, SmguardError
from scanner.report import Output

if TYPE_CHECKING:
    from scanner.report.saved import Saved


@click.command("report", cls=ReportingCommand)
@click.argument("paths", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=str))
@shared_options("formats", "files")
@click.option(
    "--compare", is_flag=True, help="Say what is new and what is fixed, from the oldest to the newest."
)
@shared_options("rules", "strict", "fail_on", "exit_zero", "allow_incomplete")
def command(
    paths: tuple[str, ...],
    formats: tuple[str, ...],
    files: tuple[str, ...],
    compare: bool,
    **options: Any,
) -> int:
    """Render a saved JSON report in another format, or compare several.

    FILE is what `-f json` wrote, or - for standard input. Rendering ends with 0; --compare with 1 if
    there are new failures, and with 3 if the newest report is incomplete.
    """
    from scanner.planning import load_catalog
    from scanner.report.saved import read

    outputs = paired_outputs(formats, files)
    known = load_catalog(options["rules"], None)
    if paths.count("-") > 1:
        raise SmguardError("standard input holds one report")
    if len(paths) > 1 and not compare:
        raise SmguardError("one report is rendered at a time", "several are compared with --compare")
    with ExitStack() as opened:
        reports = [opened.enter_context(closing(read(path, known.by_id))) for path in paths]
        if compare:
            return _compare(reports, outputs, options)
        if reports[0].catalog != known.digest:
            click.echo("How to mend, and references, are those of this version's catalog.", err=True)
        write_run(reports[0].run(*screen(outputs), strict=bool(options["strict"])), outputs)
    return 0


def _compare(reports: list[Saved], outputs: list[Output], options: dict[str, Any]) -> int:
    from scanner.output import write_several
    from scanner.report.comparison import Comparison
    from scanner.report.comparison_report import FORMATS
    from scanner.report.layout import Layout

    if len(reports) < 2:
        raise SmguardError("a comparison needs two reports or more", "the oldest comes first")
    for output in outputs:
        if output.format not in FORMATS:
            raise SmguardError(f"{output.format} can't tell of a comparison", f"{', '.join(FORMATS)} can")
    it = Comparison(reports)
    width, color = screen(outputs)
    layouts = [Layout(max(width, 40), color and output.standard) for output in outputs]
    write_several(
        outputs,
        (
            (index, chunk)
            for index, (output, layout) in enumerate(zip(outputs, layouts, strict=True))
            for chunk in FORMATS[output.format](it, layout)
        ),
    )
    threshold = Severity.parse(options["fail_on"] or "low")
    counting = {"failed", "unknown"} if options["strict"] else {"failed"}
    if options["exit_zero"]:
        return 0
    if any(state in counting and severity >= threshold for state, severity in it.counting):
        return EXIT_FINDINGS
    incomplete = not reports[-1].summary.complete and not options["allow_incomplete"]
    return EXIT_INCOMPLETE if incomplete else 0
