"""A JSON report read back, so that another format can tell of it; any part of it may be made up."""

from __future__ import annotations

import os
import re
import stat
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any, BinaryIO, NamedTuple, cast

from scanner.model import (
    Acceptance,
    Control,
    Finding,
    Gap,
    Location,
    Note,
    Resource,
    Severity,
    SmguardError,
    Summary,
    Verdict,
    Waiver,
)
from scanner.report import Run, status
from scanner.report.pieces import Reader
from scanner.safe_text import inert

_ITEM, _REST = 1_000_000, 200_000_000
"""Characters of one finding, and of what a run says of itself: accounts × regions × types."""
_MOST = 100_000
"""Gaps, and Notes, of one report: they are held. Findings are not."""
_ID = re.compile(r"(?=.{1,64}$)[a-z0-9]+(-[a-z0-9]+)*")
_WORD = re.compile(r"[\w.+:-]{1,100}", re.ASCII)

# Shapes: a type, (a shape,) for what may be null or absent, [the shape of all items], {member: shape}.
_MAYBE = (str,)
_WAIVER = dict.fromkeys(Waiver._fields, _MAYBE) | {"reason": str, "expires": str, "inline": (bool,)}
_FINDING = {
    **dict.fromkeys(("control", "verdict", "severity", "message", "fingerprint"), str),
    **dict.fromkeys(("condition", "cause", "title", "area"), _MAYBE),
    "resource": dict.fromkeys(Resource._fields, _MAYBE) | {"type": str, "name": str},
    "location": dict.fromkeys(Location._fields, _MAYBE) | {"line": (int,), "column": (int,)},
    "waiver": (_WAIVER,),
    "baseline": (bool,),
}
_ACCEPTED = dict.fromkeys(Acceptance._fields, _MAYBE) | {"reason": str, "expires": str}
_HELD = {
    "gaps": {"where": str, "what": str, "hint": _MAYBE, "accepted": (_ACCEPTED,)},
    "notes": {"where": str, "what": str},
}
_SCOPE = {"account": str, "region": str}
_TOTALS = _SCOPE | dict.fromkeys(("resources", "passed", "fail", "unknown", "waived", "gaps"), int)
_ABOUT: dict[str, Any] = {
    "audit": {
        **{name: [str] for name in ("accounts", "regions", "controls")},
        **{"by": _MAYBE, "at": str, "ended": _MAYBE, "since": _MAYBE, "parameters": (dict,)},
        "totals": [_TOTALS],
        "looked_at": [_SCOPE | {"type": str, "resources": int, "complete": bool}],
    },
    "scan": {
        **{name: [str] for name in ("paths", "exclude", "controls")},
        **{"whole": bool, "parameters": (dict,)},
    },
}
_WORK = dict.fromkeys(("seen", "judged", "partial", "unread", "skipped"), int)
_SUMMARY = {"complete": bool, "files": _WORK, "scopes": (_WORK,), "resources": int, "passed": int}


class Saved(NamedTuple):
    """A saved report, read through once and known to be whole. `kind` is scan or audit."""

    name: str
    file: BinaryIO
    kind: str
    version: str
    catalog: str
    summary: Summary
    gaps: list[Gap]
    notes: list[Note]
    about: Mapping[str, Any] | None
    """What the run says of itself, as it says it; reports of older versions say nothing."""
    has_passed: bool
    known: Mapping[str, Control]

    def close(self) -> None:
        """Let go of the file."""
        self.file.close()

    def findings(self) -> Iterator[Finding]:
        """The findings in their order, one held at a time."""
        reader = Reader(self.file, self.name)
        make = _Maker(reader, self.known)
        for name in reader.members():
            if name == "findings":
                for _ in reader.items():
                    yield make.finding()
            else:
                reader.value(_REST)

    def run(self, width: int = 80, color: bool = False, strict: bool = False) -> Run:
        """What a report format needs."""

        def events() -> Iterator[Finding | Gap | Note]:
            yield from self.findings()
            yield from self.gaps
            yield from self.notes

        return Run(
            kind=self.kind,
            version=self.version,
            catalog=self.catalog,
            show_passed=self.has_passed,
            width=width,
            color=color,
            events=events(),
            summary=lambda: self.summary,
            strict=strict,
            about=None if self.about is None else lambda: self.about or {},
        )


def read(path: str, known: Mapping[str, Control]) -> Saved:
    """Read a report; `-` is standard input, `known` the controls that say how to mend what it holds.

    Raises SmguardError, naming the place, for what is no whole report of this or an older version.
    """
    name = "standard input" if path == "-" else path
    with ExitStack() as opened:
        saved = _read(opened.enter_context(_open(path)), name, known)
        opened.pop_all()  # the findings are still to be read
    return saved


def _read(file: BinaryIO, name: str, known: Mapping[str, Control]) -> Saved:
    reader = Reader(file, name)
    make = _Maker(reader, known)
    parts: dict[str, Any] = {}
    held: dict[str, list[Any]] = {"gaps": [], "notes": []}
    tally: Counter[str] = Counter()
    for member in reader.members():
        if member == "findings":
            for _ in reader.items():
                tally[status(make.finding())] += 1
        elif member in held:
            for _ in reader.items():
                held[member].append(make.fitted(_HELD[member], member))
                if len(held[member]) > _MOST:
                    reader.fail(f"holds more than {_MOST:,} {member}")
        else:
            parts[member] = reader.value(_REST)
        if parts.get("schema_version", 1) != 1:
            reader.fail("has another version of the schema than 1", "upgrade smguard if a newer one wrote it")
    reader.end()
    kind, tool = parts.get("kind"), parts.get("tool")
    if type(kind) is not str or kind not in _ABOUT or type(tool) is not dict or tool.get("name") != "smguard":
        reader.fail("is no report of smguard", "save one with `-f json -o FILE`, of a scan or an audit")
    version, catalog = str(tool.get("version")), str(tool.get("catalog"))
    if not (_WORD.fullmatch(version) and _WORD.fullmatch(catalog)):
        reader.fail("is no report of smguard: it names no version and catalog")
    gaps = [_gap(**raw) for raw in held["gaps"]]
    told = make.fitted(_SUMMARY, "summary", parts.get("summary", {}))
    work = told["scopes"] if kind == "audit" and told["scopes"] else told["files"]
    if min(told["resources"], told["passed"], *work.values()) < 0:
        reader.fail("is no report of smguard: its summary counts below 0")
    # Counted anew: of a report that was filtered, or made nicer, nobody should believe the summary.
    counts = {key: tally[key] for key in ("unknown", "waived", "baseline")} | {"fail": tally["failed"]}
    counts["gaps"] = sum(gap.accepted is None for gap in gaps)
    counts["accepted_gaps"] = len(gaps) - counts["gaps"]
    notes = [Note(**raw) for raw in held["notes"]]
    if any(parts["summary"].get(key, 0) != count for key, count in counts.items()):
        notes.append(Note(name, "was changed after it was written: its findings and Gaps are counted anew"))
    if parts.get(kind) is not None:
        make.fitted(_ABOUT[kind], kind, parts[kind])
    return Saved(
        name=name,
        file=reader.file,
        kind=kind,
        version=version,
        catalog=catalog,
        summary=Summary(
            complete=told["complete"] and not counts["gaps"],
            resources=told["resources"],
            passed=told["passed"],
            **work,
            **counts,
        ),
        gaps=gaps,
        notes=notes,
        about=parts.get(kind),
        has_passed=tally["passed"] > 0,
        known=known,
    )


def _open(path: str) -> BinaryIO:
    """The file, or a copy of what a pipe holds: it is read more than once."""
    try:
        with ExitStack() as opened:
            file = sys.stdin.buffer if path == "-" else opened.enter_context(open(path, "rb"))
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISREG(mode) and path != "-":
                opened.pop_all()
                return file
            if not stat.S_ISFIFO(mode) and path != "-":
                raise SmguardError(f"{inert(path)} is no regular file")
            copy = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - the caller closes it
            while chunk := file.read(1 << 20):
                copy.write(chunk)
            return copy
    except (OSError, AttributeError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is closed"
        raise SmguardError(f"{inert(path)}: the report can't be read: {why}") from error


class _Unfit(Exception):
    """A value has not the shape that it must have; the message names it."""


def _fit(shape: Any, value: Any, name: str) -> Any:
    """The value without the members that its shape doesn't name."""
    if type(shape) is tuple:
        return None if value is None else _fit(shape[0], value, name)
    fits = type(value) is (shape if type(shape) is type else type(shape))
    if not fits:
        raise _Unfit(name)
    if isinstance(shape, dict):
        found = {}
        for key, below in shape.items():
            item = value.get(key)
            plain = below is type(item) or (item is None and type(below) is tuple)
            found[key] = item if plain else _fit(below, item, key)
        return found
    return [_fit(shape[0], item, name) for item in value] if isinstance(shape, list) else value


class _Maker:
    """Makes what a report holds of the JSON that stands next."""

    def __init__(self, reader: Reader, known: Mapping[str, Control]) -> None:
        self._reader = reader
        self._known = known
        self._controls: dict[tuple[Any, ...], Control] = {}

    def fitted(self, shape: Any, what: str, value: Any = None) -> Any:
        """What stands next, or a value that did, in its shape."""
        try:
            return _fit(shape, self._reader.value(_ITEM) if value is None else value, what)
        except _Unfit as error:
            self._reader.fail(f"is no report of smguard: {what} without a proper {error}")

    def finding(self) -> Finding:
        """The finding that stands next."""
        raw = self.fitted(_FINDING, "a finding")
        location = raw["location"] | {"path": raw["location"]["path"] or ""}
        if any(not 0 < (location[name] or 1) < 1_000_000_000 for name in ("line", "column")):
            self._reader.fail("is no report of smguard: lines and columns start at 1")
        waiver = raw["waiver"]
        try:
            control = self._control(raw["control"], raw["severity"], raw["title"], raw["area"])
            verdict = Verdict(raw["verdict"])
        except (KeyError, ValueError):
            self._reader.fail("is no report of smguard: a finding without a proper control and verdict")
        if waiver is not None:
            waiver |= {
                "control": waiver["control"] or control.id,
                "resource": waiver["resource"] or "",
                "inline": bool(waiver["inline"]),
            }
        return Finding(
            control=control,
            resource=Resource(**raw["resource"]),
            verdict=verdict,
            message=raw["message"],
            location=Location(**location),
            identity=(raw["fingerprint"],),
            condition=raw["condition"],
            cause=raw["cause"],
            waiver=waiver and Waiver(**waiver),
            baseline=raw["baseline"] or None,
        )

    def _control(self, *key: Any) -> Control:
        """The control as the report has it, with what the catalog of this version knows besides."""
        found = self._controls.get(key)
        if found is None:
            name, severity, title, area = key
            if (
                len(self._controls) > 10_000
                or not severity.islower()
                or not (_ID.fullmatch(name) and _ID.fullmatch(area or "other"))
            ):
                raise ValueError
            it = self._known.get(name) or Control(name, name, "other", Severity.LOW, "", "", {}, {}, {})
            found = self._controls[key] = it._replace(
                severity=Severity.parse(severity),
                title=inert(title) if title else it.title,
                area=area or it.area,
            )
        return found


def _gap(where: str, what: str, hint: str | None, accepted: dict[str, Any] | None) -> Gap:
    return Gap(where, what, hint or "", Acceptance(**accepted) if accepted else None)
