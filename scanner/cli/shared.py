"""What the commands that report findings share: reports and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Set
from typing import TYPE_CHECKING, Any

from scanner import __version__
from scanner.model import Severity, Verdict
from scanner.report import Output, Run, renderer

if TYPE_CHECKING:
    from scanner.audit.audit import Audit
    from scanner.scan import Scan

EXIT_FINDINGS, EXIT_INCOMPLETE, EXIT_CRASH = 1, 3, 4


def single_output(formats: tuple[str, ...], files: tuple[str, ...]) -> Output | None:
    """The one report that is asked for; None if there are more, or if that isn't clear."""
    if len(formats) == 1 and len(files) < 2 and formats != ("github",):
        return Output(formats[0], files[0] if files else None)
    return None


def paired_outputs(formats: tuple[str, ...], files: tuple[str, ...]) -> list[Output]:
    """Which report goes where. Raises SmguardError if that isn't clear."""
    one = single_output(formats, files)
    if one is not None:
        return [one]
    from click import get_current_context

    from scanner.cli.outputs import pair

    return pair(get_current_context())


def heading(kind: str, **tool: str) -> dict[str, Any]:
    """How a JSON report begins that is none of findings."""
    return {"schema_version": 1, "kind": kind, "tool": {"name": "smguard", "version": __version__, **tool}}


def write_reports(
    it: Scan | Audit,
    kind: str,
    outputs: list[Output],
    strict: bool,
    about: Callable[[], Mapping[str, Any]],
) -> None:
    """Write all reports of a run, which goes on as they are written."""
    width, color = screen(outputs)
    run = Run(
        kind=kind,
        version=__version__,
        catalog=it.plan.catalog.digest,
        show_passed=it.plan.show_passed,
        width=width,
        color=color,
        events=it.events(),
        summary=lambda: it.summary,
        strict=strict,
        about=about,
    )
    write_run(run, outputs)


def screen(outputs: list[Output]) -> tuple[int, bool]:
    """Columns of the terminal, and whether what goes there is coloured."""
    standard = any(output.standard for output in outputs)
    to_terminal = standard and sys.stdout is not None and sys.stdout.isatty()
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return _width(), bool(to_terminal and not plain)


def write_run(run: Run, outputs: list[Output]) -> None:
    """Write all reports of what a run says."""
    from scanner.output import write, write_several

    if len(outputs) == 1:
        write(outputs[0].path, renderer(outputs[0].format)(run))
    else:
        from scanner.report.together import render_together

        write_several(outputs, render_together(run, outputs))


def exit_code(it: Scan | Audit, options: Mapping[str, Any]) -> int:
    """How a command ends after its report."""
    counting: Set[Verdict] = {Verdict.FAIL, Verdict.UNKNOWN} if options["strict"] else {Verdict.FAIL}
    threshold = Severity.parse(options["fail_on"] or "low")
    if it.crashed:
        return EXIT_CRASH
    if options["exit_zero"]:
        return 0
    if any(verdict in counting and severity >= threshold for verdict, severity in it.counting):
        return EXIT_FINDINGS
    return 0 if it.summary.complete or options["allow_incomplete"] else EXIT_INCOMPLETE


def _width() -> int:
    try:
        return int(os.environ.get("COLUMNS", "")) or 80
    except ValueError:
        try:
            return os.get_terminal_size(sys.stdout.fileno()).columns
        except (OSError, ValueError, AttributeError):
            return 80
