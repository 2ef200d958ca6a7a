"""Waivers: decisions to live with a finding for a while, read from a resource's Metadata or from a file."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from scanner.limits import Limits
from scanner.model import Control, Finding, Note, SmguardError, Verdict, Waiver
from scanner.safe_text import inert

_INLINE_FIELDS = ("control", "reason", "expires", "owner", "ticket")
_FILE_FIELDS = ("control", "resource", "file", "reason", "expires", "owner", "ticket")
_OPTIONAL = ("file", "owner", "ticket")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class Entry(NamedTuple):
    """A valid waiver, where it is written ("waivers.yaml:4"), and the glob of files it is confined to."""

    waiver: Waiver
    where: str
    file: str | None = None

    def covers(self, finding: Finding) -> bool:
        """Whether it is about this control on this resource in this file; an account's may go by its ARN."""
        if self.waiver.control != finding.control.id:
            return False
        if self.waiver.inline:
            return self.waiver.resource == finding.resource.name
        names = (finding.resource.name, finding.location.arn or "")
        if not any(name and fnmatchcase(name, self.waiver.resource) for name in names):
            return False
        if self.file is None:
            return True
        path = (finding.location.file or "").replace(os.sep, "/").removeprefix("./")
        return fnmatchcase(path, self.file.removeprefix("./"))


@dataclass(slots=True)
class Waivers:
    """The waivers of one file or of one resource, and a tally of those that were of use.

    `used` holds indices of `entries`; several processes can each have a copy and bring the tallies together.
    """

    entries: tuple[Entry, ...] = ()
    problems: tuple[Note, ...] = ()
    """What was written as a waiver and is none, and why."""
    used: set[int] = field(default_factory=set)

    def apply(self, finding: Finding) -> Finding:
        """The finding, waived if a waiver covers it and none did before. A PASS has nothing to waive."""
        if finding.verdict is Verdict.PASS:
            return finding
        for index, entry in enumerate(self.entries):
            if entry.covers(finding):
                self.used.add(index)
                if finding.waiver is None:
                    finding = finding._replace(waiver=entry.waiver)
        return finding

    def notes(self, judged: Collection[str] | None = None) -> Iterator[Note]:
        """The problems, then the unused ones; only of the controls in `judged`, if it is given."""
        yield from self.problems
        for index, entry in enumerate(self.entries):
            control = entry.waiver.control
            if index not in self.used and (judged is None or control in judged):
                name = entry.waiver.resource
                yield Note(
                    entry.where, f"the waiver of {control} for {name} is unused: it covers nothing found"
                )


def read_inline(raw: Any, resource: str, where: str, controls: Mapping[str, Control], today: date) -> Waivers:
    """The waivers in `raw`, the value of a resource's `Metadata.smguard` as the template reader gives it.

    `resource` is its logical id, `where` names the place in notes, `today` is the date in UTC. What is
    malformed, past, or about a control that is unknown or can't be waived waives nothing and is a problem.
    """
    if not isinstance(raw, dict):
        return Waivers(problems=(Note(where, "Metadata.smguard is not a mapping, so nothing is waived"),))
    unknown = [key for key in raw if key != "waivers"]
    if unknown:
        what = f"Metadata.smguard has an unknown field {inert(str(unknown[0]), 40)}, so nothing is waived"
        return Waivers(problems=(Note(where, what),))
    listed = raw.get("waivers", [])
    written = listed if isinstance(listed, list) else [listed]
    return _accept(((item, where) for item in written), resource, controls, today)


def read_file(path: str, controls: Mapping[str, Control], today: date, limits: Limits) -> Waivers:
    """The waivers of a YAML or JSON file `{waivers: [{control, resource, file?, reason, expires, …}]}`.

    Raises SmguardError naming file and line if it can't be read or is not of that form; a single entry that
    is malformed only waives nothing and is a problem.
    """
    from scanner.opening import read_document

    document = read_document(path, limits, "the waiver file")
    root = document.root
    listed = root.get("waivers") if isinstance(root, dict) else None
    if not isinstance(listed, list):
        hint = "write `waivers:` and under it a list of {control, resource, reason, expires}"
        raise SmguardError(f"{inert(path)}:{document.line_of('waivers')}: no list of waivers", hint)
    for key in root:
        if key != "waivers":
            what = f"unknown field {inert(key, 40)}"
            raise SmguardError(f"{inert(path)}:{document.line_of(key)}: {what}", "only `waivers` is known")
    placed = ((item, f"{path}:{document.line_of('waivers', n)}") for n, item in enumerate(listed))
    return _accept(placed, None, controls, today)


def read_listed(listed: list[Any], where: str, controls: Mapping[str, Control], today: date) -> Waivers:
    """The waivers of a list as a file has it under `waivers`; `where` names it in notes."""
    return _accept(((item, where) for item in listed), None, controls, today)


def _accept(
    written: Iterator[tuple[Any, str]], resource: str | None, controls: Mapping[str, Control], today: date
) -> Waivers:
    """Sort what is written, (value, where); `resource` is given for inline waivers."""
    entries: list[Entry] = []
    problems: list[Note] = []
    for raw, where in written:
        about = _about(raw, resource)
        fault = _fault(raw, resource is not None, controls, today)
        if fault is None:
            entries.append(_entry(raw, resource, where))
        else:
            problems.append(Note(where, f"the waiver{about} waives nothing: {fault}"))
    return Waivers(tuple(entries), tuple(problems))


def _about(raw: Any, resource: str | None) -> str:
    control = raw.get("control") if isinstance(raw, dict) else None
    name = resource or (raw.get("resource") if isinstance(raw, dict) else None)
    text = f" of {control}" if isinstance(control, str) else ""
    return f"{text} for {name}" if isinstance(name, str) else text


def _fault(raw: Any, inline: bool, controls: Mapping[str, Control], today: date) -> str | None:
    """Why `raw` is no waiver that counts today, or None if it is one."""
    if not isinstance(raw, dict):
        return "it is not a mapping"
    allowed = _INLINE_FIELDS if inline else _FILE_FIELDS
    for key in raw:
        if key not in allowed:
            return f"it has an unknown field {inert(str(key), 40)} (known: {', '.join(allowed)})"
    for key in allowed:
        fault = _field_fault(key, raw.get(key))
        if fault:
            return fault
    control = controls.get(raw["control"])
    if control is None:
        return "there is no control of that name"
    if not control.waivable:
        return "this control can't be waived"
    return date_fault(raw["expires"], today)


def _field_fault(key: str, value: Any) -> str | None:
    if value is None:
        return None if key in _OPTIONAL else f"{key} is missing"
    if key == "ticket" and isinstance(value, int) and not isinstance(value, bool):
        return None
    if not isinstance(value, str):
        return f"{key} is not a text"
    return None if value.strip() else f"{key} is empty"


def date_fault(expires: str, today: date) -> str | None:
    """Why a waiver with this last day does not count today, or None if it does."""
    try:
        last = date.fromisoformat(expires) if _ISO_DATE.fullmatch(expires) else None
    except ValueError:
        last = None
    if last is None:
        return f"expires is {inert(expires, 40)!r}, which is not a date like 2027-01-31"
    return f"it expired after {expires}" if last < today else None


def _entry(raw: dict[str, Any], resource: str | None, where: str) -> Entry:
    ticket = raw.get("ticket")
    waiver = Waiver(
        control=raw["control"],
        resource=raw["resource"] if resource is None else resource,
        reason=raw["reason"].strip(),
        expires=raw["expires"],
        owner=raw.get("owner"),
        ticket=None if ticket is None else str(ticket),
        inline=resource is not None,
    )
    return Entry(waiver, where, raw.get("file"))
