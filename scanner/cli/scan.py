"""`smguard scan`."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from scanner import __version__
from scanner.cli.configuration import configured
from scanner.limits import Limits
from scanner.model import Severity, Verdict
from scanner.report import FORMATS, Output, Run, renderer

if TYPE_CHECKING:
    from scanner.config import Config
    from scanner.scan import Scan

EXIT_FINDINGS, EXIT_INCOMPLETE, EXIT_CRASH = 1, 3, 4
_LIMITS = {
    "max_file_size": ("file_bytes", "Bytes of one file."),
    "max_depth": ("depth", "Nesting of mappings and lists."),
    "max_nodes": ("nodes", "Values in one file, aliases counted as what they stand for."),
    "max_resources": ("resources", "Resources of one template after Fn::ForEach."),
    "max_worlds": ("worlds", "Combinations of parameters and conditions tried at one place."),
    "max_stack_depth": ("stack_depth", "Nested stacks below one another."),
}


def limit_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """One option for each bound on untrusted input."""
    defaults = Limits()
    for name, (field, about) in reversed(_LIMITS.items()):
        flag = "--" + name.replace("_", "-")
        shown = f"{about} [default: {getattr(defaults, field):,}]"
        function = click.option(
            flag, name, type=click.IntRange(min=1), default=None, metavar="N", help=shown
        )(function)
    return function


class ScanCommand(click.Command):
    """Keeps the words of a call: to which -f an -o belongs is a matter of order, which click doesn't tell."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta["words"] = list(args)
        return super().parse_args(ctx, args)


@click.command("scan", cls=ScanCommand, short_help="Scan CloudFormation templates.")
@click.argument(
    "paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(readable=False, path_type=str)
)
@click.option(
    "-f",
    "--format",
    "formats",
    type=click.Choice(list(FORMATS)),
    multiple=True,
    default=["table"],
    show_default=True,
    help="The form of the report; repeatable, each with its own -o behind it.",
)
@click.option(
    "-o",
    "--output",
    "files",
    multiple=True,
    metavar="FILE",
    help="Write the report there instead of standard output.",
)
@click.option("--select", multiple=True, metavar="ID", help="Only this control (repeatable).")
@click.option("--ignore", multiple=True, metavar="ID", help="All controls but this one (repeatable).")
@click.option("--area", multiple=True, metavar="AREA", help="Only the controls of this area (repeatable).")
@click.option(
    "--framework", multiple=True, metavar="NAME", help="Only controls that this framework asks for."
)
@click.option(
    "--rules", multiple=True, metavar="DIR", help="Add the controls of your own folder (repeatable)."
)
@click.option(
    "--exclude", multiple=True, metavar="GLOB", help="Leave these paths out (as in .gitignore; repeatable)."
)
@click.option(
    "--parameters", multiple=True, metavar="FILE", help="Parameter values; all others keep their default."
)
@click.option("--waivers", metavar="FILE", help="A central file of waivers.")
@click.option("--baseline", metavar="FILE", help="Findings that are known; `smguard baseline` writes it.")
@click.option("--no-inline-waivers", is_flag=True, help="Do not honour waivers in the templates' Metadata.")
@click.option(
    "--fail-on",
    type=click.Choice([severity.label for severity in Severity]),
    help="The least severity that counts for the exit code. [default: low]",
)
@click.option("--strict/--no-strict", default=None, help="What can't be known counts as well.")
@click.option("--all", "show_passed", is_flag=True, help="Also report what passes.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever is found.")
@click.option(
    "--allow-incomplete", is_flag=True, help="Exit with 0 if only something could not be looked at."
)
@click.option(
    "--candidates", is_flag=True, help="Take named files as if a folder had been walked (for pre-commit)."
)
@click.option(
    "--changed-since",
    metavar="REV",
    help="Only files that differ from a git revision, and what leads to them.",
)
@click.option("--config", metavar="FILE", help="The configuration. [default: .smguard.yaml at the git root]")
@click.option("--no-config", is_flag=True, help="Pay no heed to .smguard.yaml.")
@click.option(
    "--jobs", type=click.IntRange(min=1), metavar="N", help="Processes for many files. [default: all cores]"
)
@limit_options
def command(
    formats: tuple[str, ...],
    files: tuple[str, ...],
    exit_zero: bool,
    allow_incomplete: bool,
    **options: Any,
) -> int:
    """Scan CloudFormation templates.

    PATH is a template, a folder that is walked (.gitignore is honoured), or - for standard input.
    """
    outputs = _outputs(formats, files)
    options, config = configure(options)
    scan = prepare(options, config)
    _write(scan, outputs, bool(options["strict"]))
    counting = {Verdict.FAIL, Verdict.UNKNOWN} if options["strict"] else {Verdict.FAIL}
    threshold = Severity.parse(options["fail_on"] or "low")
    if scan.crashed:
        return EXIT_CRASH
    if not exit_zero and any(
        verdict in counting and severity >= threshold for verdict, severity in scan.counting
    ):
        return EXIT_FINDINGS
    if not scan.summary.complete and not exit_zero and not allow_incomplete:
        return EXIT_INCOMPLETE
    return 0


def configure(options: dict[str, Any]) -> tuple[dict[str, Any], Config | None]:
    """The options completed by the configuration file, if there is one that counts."""
    config = configured(options["config"], options["no_config"], limits_of(options))
    return (options, None) if config is None else (config.behind(options), config)


def limits_of(options: dict[str, Any]) -> Limits:
    """The bounds on untrusted input that the options give."""
    given = {field: options[name] for name, (field, _) in _LIMITS.items() if options.get(name) is not None}
    return Limits()._replace(**given)


def prepare(options: dict[str, Any], config: Config | None) -> Scan:
    """The scan that the options, already completed by `config`, ask for."""
    from datetime import UTC, datetime

    from scanner.files import find
    from scanner.planning import make_plan
    from scanner.scan import Scan

    limits = limits_of(options)
    today = datetime.now(UTC).date()
    plan = make_plan(options, config, limits, today)._replace(
        show_passed=options["show_passed"],
        whole=not options["candidates"] and options["changed_since"] is None,
        processes=options["jobs"] or _cores(),
    )
    if options["changed_since"] is not None:
        from scanner.change import changed_since

        plan = plan._replace(changes=changed_since(options["changed_since"], options["paths"]))
    excludes = excluded_by(config)
    # Listed before any output is opened, which may lie in a folder that is scanned.
    entries = list(find(options["paths"], options["exclude"], limits, options["candidates"], excludes))
    gc.freeze()
    return Scan(plan, entries, today)


def excluded_by(config: Config | None) -> tuple[str, tuple[str, ...]]:
    """The folder and the globs of what the configuration leaves out."""
    return ("", ()) if config is None else (config.base, tuple(config.body.get("exclude", ())))


def _outputs(formats: tuple[str, ...], files: tuple[str, ...]) -> list[Output]:
    if len(formats) == 1 and len(files) < 2 and formats != ("github",):
        return [Output(formats[0], files[0] if files else None)]
    from scanner.cli.outputs import pair

    return pair(click.get_current_context())


def _write(scan: Any, outputs: list[Output], strict: bool) -> None:
    from scanner.output import write, write_several

    standard = any(output.standard for output in outputs)
    to_terminal = standard and sys.stdout is not None and sys.stdout.isatty()
    run = Run(
        kind="scan",
        version=__version__,
        catalog=scan.plan.catalog.digest,
        show_passed=scan.plan.show_passed,
        width=_width(),
        color=to_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb",
        events=scan.events(),
        summary=lambda: scan.summary,
        strict=strict,
    )
    if len(outputs) == 1:
        write(outputs[0].path, renderer(outputs[0].format)(run))
    else:
        from scanner.report.together import render_together

        write_several(outputs, render_together(run, outputs))


def _width() -> int:
    try:
        return int(os.environ.get("COLUMNS", "")) or 80
    except ValueError:
        try:
            return os.get_terminal_size(sys.stdout.fileno()).columns
        except (OSError, ValueError, AttributeError):
            return 80


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
