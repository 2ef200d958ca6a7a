"""Judging inside another tool: its files, the whole catalog, and each event with the file it belongs to."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from scanner import catalog, planning
from scanner.limits import Limits
from scanner.model import DEFECT, Gap, SmguardError
from scanner.opening import Candidate
from scanner.repository import configuration
from scanner.scan import Event, Scan

if TYPE_CHECKING:
    from scanner.config import Config

_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


@cache
def _config() -> Config | None:
    """The configuration of the repository that the working directory is in."""
    path, _ = configuration()
    if path is None:
        return None
    from scanner.config import read

    return read(path, Limits())


def load_catalog() -> catalog.Catalog:
    """The controls as `.smguard.yaml` has them, with the folders that the variable SMGUARD_RULES lists.

    Raises SmguardError for a broken configuration or folder, and for a control without the number that its
    ids are made of.
    """
    config = _config()
    folders = filter(None, os.environ.get("SMGUARD_RULES", "").split(os.pathsep))
    full = planning.load_catalog((*(config.folders if config else ()), *folders), config)
    for control in full.controls:
        if control.number is None:
            raise SmguardError(
                f"the control {control.id} has no number, which its id in other tools is made of",
                hint="give it `number:`, 500 to 999",
            )
    return full


def judge(
    full: catalog.Catalog,
    entries: Iterable[Candidate],
    given: Mapping[str, str | None] | None = None,
    show_passed: bool = False,
) -> Iterator[tuple[str, Event]]:
    """Judge files: (the file as the candidate displays it, finding, Gap or Note).

    What `.smguard.yaml` says of controls, paths, waivers, the baseline and Gaps holds. With `given` parameter
    values all others keep their default. Whatever goes wrong is a Gap.
    """
    from datetime import UTC, datetime

    config, today = _config(), datetime.now(UTC).date()
    options = dict(planning.UNSET) if config is None else config.behind(planning.UNSET)
    plan = planning.make_plan(options, config, Limits(), today, full)._replace(
        given=given or {}, settled=given is not None, show_passed=show_passed, whole=False
    )
    scan = Scan(plan, entries, today)
    try:
        for event in scan.events():
            yield scan.current, event
    except Exception as error:
        if os.environ.get("SMGUARD_DEBUG"):
            raise
        what = f"can't be judged: {type(error).__name__}"
        yield scan.current, Gap(scan.current, what, DEFECT)


def written_out(template: Any, limits: Limits) -> bytes:
    """A template that another tool has decoded, as the JSON of a file, so that it can be judged like one.

    It is never larger than a file may be, by more than one byte. Raises ValueError if it holds itself.
    """
    pieces: list[str] = []
    room = limits.file_bytes
    for piece in json.JSONEncoder(default=str).iterencode(template):
        pieces.append(piece)
        room -= len(piece)
        if room < 0:
            break
    return "".join(pieces).encode()[: limits.file_bytes + 1]


def steps(path: str) -> list[str | int]:
    """The keys and indices of a property path, `ProductionVariants[0].KmsKeyId`."""
    return [int(index) if index else key for index, key in _STEP.findall(path)]
