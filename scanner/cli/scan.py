"""What `smguard scan` does; how it is called as a command of click is in `scan_command`."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING, Any

from scanner.cli.configuration import configured
from scanner.cli.option import Option, shared
from scanner.cli.shared import exit_code, paired_outputs, write_reports
from scanner.limits import Limits

if TYPE_CHECKING:
    from scanner.config import Config
    from scanner.model import Control
    from scanner.scan import Scan

_LIMITS = {
    "max_file_size": ("file_bytes", "Bytes of one file."),
    "max_depth": ("depth", "Nesting of mappings and lists."),
    "max_nodes": ("nodes", "Values in one file, aliases counted as what they stand for."),
    "max_resources": ("resources", "Resources of one template after Fn::ForEach."),
    "max_worlds": ("worlds", "Combinations of parameters and conditions tried at one place."),
    "max_stack_depth": ("stack_depth", "Nested stacks below one another."),
}
_REQUEST = "What a named JSON file is that is neither template nor definition: CreateTrainingJob, …"
_SDK_CONFIG = "The SageMaker SDK's defaults, config.yaml, that jobs in code are made with (repeatable)."


def _limit_options() -> list[Option]:
    """One option for each bound on untrusted input."""
    defaults = Limits()
    return [
        Option(
            ("--" + name.replace("_", "-"),),
            name,
            f"{about} [default: {getattr(defaults, field):,}]",
            "N",
            least=1,
        )
        for name, (field, about) in _LIMITS.items()
    ]


OPTIONS = (
    *shared("scan_formats", "files", "select", "ignore", "area", "framework", "rules"),
    Option(
        ("--exclude",),
        "exclude",
        "Leave these paths out (as in .gitignore; repeatable).",
        "GLOB",
        repeats=True,
    ),
    *shared("parameters", "waivers", "baseline", "environment"),
    Option(
        ("--no-inline-waivers",), "no_inline_waivers", "Do not honour waivers in the templates' Metadata."
    ),
    *shared("fail_on", "strict", "show_passed", "exit_zero", "allow_incomplete"),
    Option(
        ("--candidates",),
        "candidates",
        "Take named files as if a folder had been walked (for pre-commit).",
    ),
    Option(("--request",), "request", _REQUEST, "OPERATION"),
    Option(("--sdk-config",), "sdk_config", _SDK_CONFIG, "FILE", repeats=True),
    Option(
        ("--changed-since",),
        "changed_since",
        "Only files that differ from a git revision, and what leads to them.",
        "REV",
    ),
    *shared("config", "no_config"),
    Option(("--jobs",), "jobs", "Processes for many files. [default: all cores]", "N", least=1),
    *_limit_options(),
)


def run(formats: tuple[str, ...], files: tuple[str, ...], **options: Any) -> int:
    """Scan, write the reports, and say how to exit."""
    outputs = paired_outputs(formats, files)
    options, config = configure(options)
    scan = prepare(options, config)
    write_reports(scan, "scan", outputs, bool(options["strict"]), lambda: _about(scan, options, config))
    return exit_code(scan, options)


def _about(scan: Scan, options: dict[str, Any], config: Config | None) -> dict[str, Any]:
    """What was asked for, so that nobody takes for mended what a later scan did not look at."""
    return {
        "paths": list(options["paths"]),
        "exclude": [*options["exclude"], *excluded_by(config)[1]],
        "controls": [control.id for control in scan.plan.controls],
        "whole": scan.plan.whole,
        "parameters": {control.id: given for control in scan.plan.controls if (given := _given(control))},
    }


def _given(control: Control) -> dict[str, Any]:
    """The parameters of a control that the configuration sets."""
    return {name: it["value"] for name, it in (control.parameters or {}).items() if "value" in it}


def configure(options: dict[str, Any]) -> tuple[dict[str, Any], Config | None]:
    """The options completed by the configuration file, if there is one that counts."""
    config = configured(options["config"], options["no_config"], limits_of(options))
    return (options, None) if config is None else (config.behind(options), config)


def limits_of(options: dict[str, Any]) -> Limits:
    """The bounds on untrusted input that the options give."""
    given = {field: options[name] for name, (field, _) in _LIMITS.items() if options.get(name) is not None}
    return Limits()._replace(**given)


def prepare(options: dict[str, Any], config: Config | None, **fields: Any) -> Scan:
    """The scan that the options, already completed by `config`, ask for; `fields` are set in its plan."""
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
        request=options.get("request"),
        **fields,
    )
    if plan.request is not None:
        from scanner.catalog import demand_known
        from scanner.requests.operation import types_by_operation

        demand_known("operation", (plan.request,), types_by_operation(plan.catalog.types))
    if options.get("sdk_config"):
        from scanner.code import sdk_config

        plan = plan._replace(sdk_defaults=sdk_config.read(tuple(options["sdk_config"]), limits))
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


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
