"""What the commands that report findings share: options, reports and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Set
from typing import TYPE_CHECKING, Any

import click

from scanner import __version__
from scanner.model import Severity, Verdict
from scanner.report import FORMATS, SCAN_FORMATS, Output, Run, renderer

if TYPE_CHECKING:
    from scanner.audit.audit import Audit
    from scanner.scan import Scan

EXIT_FINDINGS, EXIT_INCOMPLETE, EXIT_CRASH = 1, 3, 4

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _format_option(names: Iterable[str]) -> Decorator:
    return click.option(
        "-f",
        "--format",
        "formats",
        type=click.Choice(list(names)),
        multiple=True,
        default=["table"],
        show_default=True,
        help="The form of the report; repeatable, each with its own -o behind it.",
    )


_OPTIONS: dict[str, Decorator] = {
    "formats": _format_option(FORMATS),
    "scan_formats": _format_option(SCAN_FORMATS),
    "files": click.option(
        "-o",
        "--output",
        "files",
        multiple=True,
        metavar="FILE",
        help="Write the report there instead of standard output.",
    ),
    "format": click.option(
        "-f", "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
    ),
    "output": click.option(
        "-o", "--output", metavar="FILE", help="Write the report there instead of standard output."
    ),
    "regions": click.option(
        "--region", "regions", multiple=True, metavar="NAME", help="Where to look (repeatable), or all."
    ),
    "profile": click.option("--profile", metavar="NAME", help="A profile of the AWS configuration."),
    "role_arn": click.option("--role-arn", metavar="ARN", help="Assume this role first."),
    "select": click.option("--select", multiple=True, metavar="ID", help="Only this control (repeatable)."),
    "ignore": click.option(
        "--ignore", multiple=True, metavar="ID", help="All controls but this one (repeatable)."
    ),
    "area": click.option(
        "--area", multiple=True, metavar="AREA", help="Only the controls of this area (repeatable)."
    ),
    "framework": click.option(
        "--framework", multiple=True, metavar="NAME", help="Only controls that this framework asks for."
    ),
    "rules": click.option(
        "--rules", multiple=True, metavar="DIR", help="Add the controls of your own folder (repeatable)."
    ),
    "waivers": click.option("--waivers", metavar="FILE", help="A central file of waivers."),
    "baseline": click.option(
        "--baseline", metavar="FILE", help="Findings that are known; `smguard baseline` writes it."
    ),
    "fail_on": click.option(
        "--fail-on",
        type=click.Choice([severity.label for severity in Severity]),
        help="The least severity that counts for the exit code. [default: low]",
    ),
    "strict": click.option("--strict/--no-strict", default=None, help="What can't be known counts as well."),
    "environment": click.option(
        "--environment",
        is_flag=True,
        help="What is looked at is a whole ML environment: judge other services' resources too.",
    ),
    "show_passed": click.option("--all", "show_passed", is_flag=True, help="Also report what passes."),
    "exit_zero": click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever is found."),
    "allow_incomplete": click.option(
        "--allow-incomplete", is_flag=True, help="Exit with 0 if only something could not be looked at."
    ),
    "config": click.option(
        "--config", metavar="FILE", help="The configuration. [default: .smguard.yaml at the git root]"
    ),
    "no_config": click.option("--no-config", is_flag=True, help="Pay no heed to .smguard.yaml."),
}


def options(*names: str) -> Decorator:
    """The shared options of these names, in this order."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for name in reversed(names):
            function = _OPTIONS[name](function)
        return function

    return decorate


class ReportingCommand(click.Command):
    """Keeps the words of a call: to which -f an -o belongs is a matter of order, which click doesn't tell."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["words"] = list(args)
        return super().parse_args(ctx, args)


def paired_outputs(formats: tuple[str, ...], files: tuple[str, ...]) -> list[Output]:
    """Which report goes where. Raises SmguardError if that isn't clear."""
    if len(formats) == 1 and len(files) < 2 and formats != ("github",):
        return [Output(formats[0], files[0] if files else None)]
    from scanner.cli.outputs import pair

    return pair(click.get_current_context())


def write_reports(
    it: Scan | Audit,
    kind: str,
    outputs: list[Output],
    strict: bool,
    about: Callable[[], Mapping[str, Any]] | None = None,
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


def exit_code(it: Scan | Audit, options: Mapping[str, Any], exit_zero: bool, allow_incomplete: bool) -> int:
    """How a command ends after its report."""
    counting: Set[Verdict] = {Verdict.FAIL, Verdict.UNKNOWN} if options["strict"] else {Verdict.FAIL}
    threshold = Severity.parse(options["fail_on"] or "low")
    if it.crashed:
        return EXIT_CRASH
    if not exit_zero and any(
        verdict in counting and severity >= threshold for verdict, severity in it.counting
    ):
        return EXIT_FINDINGS
    if not it.summary.complete and not exit_zero and not allow_incomplete:
        return EXIT_INCOMPLETE
    return 0


def _width() -> int:
    try:
        return int(os.environ.get("COLUMNS", "")) or 80
    except ValueError:
        try:
            return os.get_terminal_size(sys.stdout.fileno()).columns
        except (OSError, ValueError, AttributeError):
            return 80
