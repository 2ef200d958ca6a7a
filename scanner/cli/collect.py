"""A scan whose findings another command goes on with."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date

from scanner.catalog import Catalog
from scanner.environment import Environment
from scanner.limits import Limits
from scanner.model import Control, Finding
from scanner.scan import Scan


def collect(
    paths: Iterable[str],
    catalog: Catalog,
    controls: tuple[Control, ...],
    parameters: tuple[str, ...],
    today: date,
    environment: Environment | None = None,
) -> tuple[list[Finding], Scan]:
    """The findings (FAIL, UNKNOWN, and waived inline) in files and folders, and the scan that has run."""
    from scanner.files import find
    from scanner.planning import UNSET, make_plan

    limits = Limits()
    plan = make_plan({**UNSET, "parameters": parameters}, None, limits, today, catalog)
    plan = plan._replace(controls=controls, processes=os.cpu_count() or 1)
    if environment is not None:
        plan = plan._replace(environment=environment)
    scan = Scan(plan, find(tuple(paths), (), limits, names_are_walked=False), today)
    return [event for event in scan.events() if isinstance(event, Finding)], scan
