"""`smguard policies diff`: has what was deployed drifted from the pack?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from scanner import __version__, catalog
from scanner.cli.terminal import laid_out
from scanner.model import Gap, Note, SmguardError
from scanner.policy import pack
from scanner.policy.drift import KINDS, TYPES, Difference
from scanner.rule_text import Line
from scanner.safe_text import to_json

EXIT_DIFFERENCES, EXIT_INCOMPLETE = 1, 3


Event = Difference | Gap | Note
Views = Mapping[str, list[Event]]
_TARGET = re.compile(r"r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|[0-9]{12}")


@click.command("diff", short_help="Compare the pack with what an organisation has attached.")
@click.option("--parameters", "file", required=True, metavar="FILE", help="The values of your organisation.")
@click.option(
    "--target", "targets", multiple=True, metavar="ID", help="Root, unit or account; the root if none."
)
@click.option(
    "--partition",
    type=click.Choice(pack.PARTITIONS),
    default="aws",
    show_default=True,
    help="Where the organisation is.",
)
@click.option("--profile", metavar="NAME", help="Of the AWS configuration; the usual credentials if none.")
@click.option("--role-arn", metavar="ARN", help="A role of the management or a delegated account to assume.")
@click.option(
    "-f", "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)
@click.option("-o", "--output", metavar="FILE", help="Write the report there instead of standard output.")
def command(
    file: str,
    targets: tuple[str, ...],
    partition: str,
    profile: str | None,
    role_arn: str | None,
    form: str,
    output: str | None,
) -> int:
    """Compare the pack, with your values, with the policies that bear on a target: those attached to it, to
    the units above it and to the root. It reads only; `policies/iam/auditor.json` allows what it needs.

    A statement is missing, attached elsewhere only (detached), changed, or weaker: a request of the pack's
    cases, or one with what the change lets in, is denied by the pack and not by the organisation. Formatting,
    order and the split over several policies make no difference.

    Exit codes: 0 no difference; 1 differences; 2 wrong usage; 3 something could not be read.
    """
    from scanner.audit.access import Access, Role
    from scanner.audit.client import Client
    from scanner.audit.fault import Fault
    from scanner.audit.governance import HOMES
    from scanner.audit.item import Scope
    from scanner.audit.organization import Organization, differences
    from scanner.opening import read_named
    from scanner.output import write
    from scanner.policy import render

    for target in targets:
        if not _TARGET.fullmatch(target):
            raise SmguardError(f"{target} is no root, unit or account", "such as r-a1b2 or 111122223333")
    values = pack.read_values(read_named(file), file, partition)
    rendered = [each for each in render.render(pack.entries(), values, file) if each.source.type in TYPES]
    access = Access(profile, (Role(role_arn),) if role_arn else (), HOMES[partition])
    organization = Organization(Client(access, Scope("organization", HOMES[partition], partition)))
    views: dict[str, list[Difference | Gap | Note]] = {}
    try:
        for target in targets or [root.id for root in organization.roots()]:
            views[target] = list(differences(organization, target, rendered, values))
    except Fault as fault:
        views["organization"] = [fault.gap((), "the organisation")]
    chunks = [to_json(_document(views)) + "\n"] if form == "json" else laid_out(_table(views, len(rendered)))
    write(output, chunks)
    events = [event for listed in views.values() for event in listed]
    if any(isinstance(event, Difference) for event in events):
        return EXIT_DIFFERENCES
    return EXIT_INCOMPLETE if any(isinstance(event, Gap) for event in events) else 0


def _document(views: Views) -> dict[str, Any]:
    of = {target: _parted(listed) for target, listed in views.items()}
    counts = Counter(each.kind for found, _, _ in of.values() for each in found)
    return {
        "schema_version": 1,
        "kind": "policies-diff",
        "tool": {"name": "smguard", "version": __version__, "catalog": catalog.load().digest},
        "targets": [
            {
                "target": target,
                "differences": [each._asdict() for each in parts[0]],
                "gaps": [each._asdict() for each in parts[1]],
                "notes": [each._asdict() for each in parts[2]],
            }
            for target, parts in of.items()
        ],
        "summary": {
            "complete": not any(gaps for _, gaps, _ in of.values()),
            **{kind: counts[kind] for kind in KINDS},
        },
    }


def _table(views: Views, policies: int) -> Iterator[Line]:
    for target, listed in views.items():
        found, gaps, notes = _parted(listed)
        yield Line(0, target)
        for each in sorted(found, key=lambda it: (it.policy, KINDS.index(it.kind))):
            yield from (Line(2, f"{each.kind} {each.policy}"), Line(4, each.what))
            yield from (Line(4, sid) for sid in each.statements)
            if each.example:
                yield Line(4, f"Example: {_example(each.example)}")
        yield from (Line(2, f"Note: {note.where}: {note.what}") for note in notes)
        for gap in gaps:
            yield from (Line(2, f"Not looked at: {gap.where}"), Line(4, gap.what), Line(4, gap.hint))
        count = f"{len(found)} difference{'s' if len(found) != 1 else ''}" if found else "No differences"
        said = "nothing can be said: what is attached could not all be read" if gaps and not found else count
        yield Line(2, f"{said}, {policies} policies compared")


def _example(example: Mapping[str, Any]) -> str:
    request = example.get("request")
    if request is None:
        return f"{example['about']}: {example['service']} is assigned {example['outcome']}"
    return f"{request['action']} by {request['principal']}, as in the case: {example['about']}"


def _parted(listed: Iterable[Event]) -> tuple[list[Difference], list[Gap], list[Note]]:
    events = list(listed)
    return (
        [it for it in events if isinstance(it, Difference)],
        [it for it in events if isinstance(it, Gap)],
        [it for it in events if isinstance(it, Note)],
    )
