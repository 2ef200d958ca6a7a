"""`smguard policies lint`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import click

from scanner.cli.options import options
from scanner.cli.shared import EXIT_FINDINGS, EXIT_INCOMPLETE, heading
from scanner.cli.terminal import laid_out
from scanner.model import Gap, Note, Severity, SmguardError
from scanner.policy.lint import Finding, Linter
from scanner.rule_text import Line
from scanner.safe_text import to_json

_MOST = 1_000
"""Findings of one file that are shown."""


@click.command("lint")
@click.argument("paths", metavar="[FILE]...", nargs=-1)
@options("format", "output")
@click.option("--select", metavar="ID", multiple=True, help="Only this check (repeatable).")
@click.option("--ignore", metavar="ID", multiple=True, help="All checks but this one (repeatable).")
@click.option(
    "--accept", metavar="FILE", multiple=True, help="Findings that are meant, with the reason (YAML)."
)
@options("fail_on")
@click.option(
    "--reference", metavar="FILE", help="What refresh-reference wrote, in place of the built-in one."
)
def command(
    paths: tuple[str, ...],
    form: str,
    output: str | None,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    accept: tuple[str, ...],
    fail_on: str | None,
    reference: str | None,
) -> int:
    """Look for mistakes in policies: JSON files, and policies inside CloudFormation templates.

    Without FILE the pack itself is looked at. A folder is walked. Each finding says what a request would see,
    with an example that `smguard policies simulate --scenarios` replays (JSON report).

    Exit codes: 0 nothing found; 1 findings at or above --fail-on; 2 wrong usage; 3 a file can't be read.
    """
    from scanner.folder import data_folder
    from scanner.output import write

    linter = Linter(reference)
    for check in (*select, *ignore):
        if check not in linter.rules["checks"]:
            raise SmguardError(f"there is no check {check}", f"one of {', '.join(linter.rules['checks'])}")
    accepted = [entry for path in accept for entry in _read_accepted(path, linter.rules["checks"])]
    used: set[int] = set()
    findings: list[tuple[Finding, str | None]] = []
    gaps: list[Gap] = []
    notes: list[Note] = []
    for event in _events(linter, paths or (data_folder("policies"),)):
        if isinstance(event, Gap):
            gaps.append(event)
        elif isinstance(event, Note):
            notes.append(event)
        elif (not select or event.check in select) and event.check not in ignore:
            entry = next((each for each in accepted if _accepts(each, event)), None)
            used.add(id(entry))
            findings.append((event, entry["reason"] if entry else None))
    notes += [
        Note(entry["file"], f"{entry['check']} is accepted there, but not found")
        for entry in accepted
        if id(entry) not in used
    ]
    if form == "json":
        chunks = _json(linter, findings, gaps, notes)
    else:
        chunks = laid_out(_table(linter, findings, gaps, notes))
    write(output, chunks)
    least = Severity.parse(fail_on or "low")
    if any(reason is None and each.severity >= least for each, reason in findings):
        return EXIT_FINDINGS
    return EXIT_INCOMPLETE if gaps else 0


def _events(linter: Linter, paths: tuple[str, ...]) -> Iterator[Finding | Gap | Note]:
    from itertools import islice

    from scanner.files import Candidate, find, open_text
    from scanner.limits import Limits
    from scanner.template.document import ReadError

    for entry in find(paths, (), Limits()):
        if isinstance(entry, Gap):
            yield entry
            continue
        name = os.path.basename(entry.display) if isinstance(entry, Candidate) else "_"
        if not isinstance(entry, Candidate) or (not entry.named and name.startswith("_")):
            continue
        try:
            # Of those that a walk met, any JSON may be a policy; others must look like a template.
            text = open_text(entry._replace(named=entry.named or name.endswith(".json")), Limits())
        except ReadError as error:
            yield Gap(entry.display, error.what, error.hint)
            continue
        if text is None:
            continue
        folders = tuple(os.path.dirname(entry.real or entry.display).split(os.sep))
        found = linter.lint(text, entry.display, folders, entry.named)
        yield from islice(found, _MOST)
        if next(found, None) is not None:
            yield Note(entry.display, f"has more than {_MOST:,} findings, of which the first are shown")
    yield from linter.finish()


def _read_accepted(path: str, checks: Mapping[str, Any]) -> list[dict[str, str]]:
    """Entries {check, file, statement?, reason}; `file` is the end of a path."""
    from scanner.opening import read_document
    from scanner.policy.pack import demand_sound

    text = {"type": "string", "minLength": 1}
    entry = {
        "type": "object",
        "additionalProperties": False,
        "required": ["check", "file", "reason"],
        "properties": {"check": {"enum": list(checks)}, "file": text, "statement": text, "reason": text},
    }
    document = read_document(path)
    hint = "list entries of check, file, statement (a Sid; optional) and reason"
    demand_sound(document, {"type": "array", "items": entry}, path, hint)
    return list(document.root)


def _accepts(entry: Mapping[str, str], finding: Finding) -> bool:
    path = os.path.abspath(finding.file)
    return (
        entry["check"] == finding.check
        and entry.get("statement", finding.sid) == finding.sid
        and path.endswith(os.sep + entry["file"].replace("/", os.sep).lstrip(os.sep))
    )


def _json(
    linter: Linter, findings: list[tuple[Finding, str | None]], gaps: list[Gap], notes: list[Note]
) -> Iterator[str]:
    reference = {service: found["date"] for service, found in linter.reference.services.items()}
    document = {
        **heading("policies-lint"),
        "reference": {"date": max(reference.values()), "quotas": linter.quotas["date"]},
        "findings": [
            {
                "check": each.check,
                "severity": each.severity.label,
                "message": each.message,
                "consequence": each.consequence,
                "mend": each.mend,
                "policy": each.policy or None,
                "statement": each.sid,
                "location": {"file": each.file, "line": each.line, "column": each.column, "path": each.path},
                "example": each.example and each.example.scenario,
                "decision": each.example and each.example.decision,
                "accepted": reason,
            }
            for each, reason in findings
        ],
        "gaps": [each._asdict() for each in gaps],
        "notes": [each._asdict() for each in notes],
        "summary": {
            "policies": len(linter.seen),
            "findings": sum(reason is None for _, reason in findings),
            "accepted": sum(reason is not None for _, reason in findings),
            "gaps": len(gaps),
        },
    }
    yield to_json(document) + "\n"


def _table(
    linter: Linter, findings: list[tuple[Finding, str | None]], gaps: list[Gap], notes: list[Note]
) -> Iterator[Line]:
    file = None
    for each, reason in findings:
        if reason is not None:
            continue
        if each.file != file:
            yield Line(0, each.file)
            file = each.file
        where = " ".join(filter(None, (each.policy, each.sid)))
        yield Line(2, f"{each.line}:{each.column} {each.severity.label} {each.check} {where}".rstrip())
        yield from (Line(4, text) for text in (each.message, each.consequence))
        if each.example and "request" in each.example.scenario:
            request = each.example.scenario["request"]
            context = to_json(request["context"]) if request["context"] else "nothing"
            yield Line(4, f"Example: {request['action']} with {context}: {each.example.decision}")
        yield Line(4, f"Mend: {each.mend}")
    for note in notes:
        yield Line(0, f"Note: {note.where}: {note.what}")
    for gap in gaps:
        hint = f" ({gap.hint})" if gap.hint else ""
        yield Line(0, f"Not looked at: {gap.where}: {gap.what}{hint}")
    counts = Counter(each.severity for each, reason in findings if reason is None)
    listed = ", ".join(f"{counts[each]} {each.label}" for each in reversed(Severity) if counts[each])
    accepted = sum(reason is not None for _, reason in findings)
    total = sum(counts.values())
    said = f"{total} finding{'s' if total > 1 else ''} ({listed})" if counts else "No findings"
    said += f", {accepted} accepted" if accepted else ""
    policies = "1 policy" if len(linter.seen) == 1 else f"{len(linter.seen)} policies"
    yield Line(0, f"{said} in {policies}; service reference of {linter.reference.date}")
