"""What a scan looks for: options, configuration file and catalog, brought together into a plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from scanner import catalog
from scanner.environment import configured
from scanner.limits import Limits
from scanner.model import SmguardError
from scanner.scan import Plan

if TYPE_CHECKING:
    from scanner.config import Config

UNSET: Mapping[str, Any] = MappingProxyType(
    {
        **dict.fromkeys(("select", "ignore", "area", "framework", "rules", "parameters"), ()),
        **dict.fromkeys(("waivers", "baseline", "fail_on", "strict", "environment"), None),
        "no_inline_waivers": False,
    }
)
"""The options of `smguard scan` that shape a plan, none of them given."""


def load_catalog(folders: Iterable[str], config: Config | None) -> catalog.Catalog:
    """The controls, with those of the user's folders and as the configuration has them."""
    given = config.control_parameters if config is not None else {}
    full = catalog.load(given)
    for folder in folders:
        full = catalog.add(full, folder, given)
    return full if config is None else config.apply(full)


def make_plan(
    options: Mapping[str, Any],
    config: Config | None,
    limits: Limits,
    today: date,
    full: catalog.Catalog | None = None,
) -> Plan:
    """The plan that options ask for, already completed by `config`; `full` if the catalog is loaded.

    Raises SmguardError for names and files that can't be what they should.
    """
    full = load_catalog(options["rules"], config) if full is None else full
    plan = Plan(
        catalog=full,
        controls=catalog.select(
            full, options["select"], options["ignore"], options["area"], options["framework"]
        ),
        limits=limits,
        given=read_parameters(options["parameters"], limits),
        settled=bool(options["parameters"]),
        inline_waivers=not options["no_inline_waivers"],
        environment=configured({} if config is None else config.body, options.get("environment")),
    )
    if not plan.controls:
        raise SmguardError("no control is left to judge by", "what the options ask for has none in common")
    if options["waivers"] is not None:
        from scanner import waiver

        plan = plan._replace(waivers=waiver.read_file(options["waivers"], full.by_id, today, limits))
    if options["baseline"] is not None:
        from scanner import baseline

        plan = plan._replace(baseline=baseline.read(options["baseline"], limits))
    if config is not None and "accepted-gaps" in config.body:
        from scanner.acceptance import Acceptances

        plan = plan._replace(acceptances=Acceptances(config, today))
    if config is not None and "paths" in config.body:
        from scanner.path_setting import PathSettings

        plan = plan._replace(path_settings=PathSettings(config))
    return plan


def read_parameters(files: Iterable[str], limits: Limits) -> dict[str, str | None]:
    """The values that parameter files give, later ones first. Raises SmguardError for what is none."""
    values: dict[str, str | None] = {}
    for path in files:
        from scanner.opening import read_document
        from scanner.template.parameter import read_values

        found = read_values(read_document(path, limits, "the parameter file").root)
        if found is None:
            hint = (
                'use [{"ParameterKey": …, "ParameterValue": …}], ["Name=Value"], {"Parameters": {…}} '
                "or a plain mapping"
            )
            raise SmguardError(f"{path} is no parameter file", hint)
        values.update(found)
    return values
