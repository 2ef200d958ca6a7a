"""`smguard policies diff`: has what was deployed drifted from the pack?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from scanner.cli.options import options
from scanner.cli.policies import organisation
from scanner.model import Gap, Note, SmguardError
from scanner.policy import pack
from scanner.policy.drift import KINDS, TYPES, Difference
from scanner.rule_text import Line

_TARGET = re.compile(r"r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|[0-9]{12}")


@click.command("diff")
@organisation
@click.option(
    "--target", "targets", multiple=True, metavar="ID", help="Root, unit or account; the root if none."
)
@options("profile", "role_arn", "format", "output")
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
    from scanner.cli.drift import conclude
    from scanner.policy import render

    for target in targets:
        if not _TARGET.fullmatch(target):
            raise SmguardError(f"{target} is no root, unit or account", "such as r-a1b2 or 111122223333")
    values = pack.values_of(file, partition)
    rendered = [each for each in render.render(pack.entries(), values, file) if each.source.type in TYPES]
    access = Access(profile, (Role(role_arn),) if role_arn else (), HOMES[partition])
    organization = Organization(Client(access, Scope("organization", HOMES[partition], partition)))
    views: dict[str, list[Difference | Gap | Note]] = {}
    try:
        for target in targets or [root.id for root in organization.roots()]:
            views[target] = list(differences(organization, target, rendered, values))
    except Fault as fault:
        views["organization"] = [fault.gap((), "the organisation")]
    told = ("policies-diff", "target", ("differences", "gaps", "notes"), KINDS)
    unread = "nothing can be said: what is attached could not all be read"
    return conclude(views, told, _lines, (unread, f", {len(rendered)} policies compared"), form, output)


def _lines(found: Iterable[Difference]) -> Iterator[Line]:
    for each in sorted(found, key=lambda it: (it.policy, KINDS.index(it.kind))):
        yield from (Line(2, f"{each.kind} {each.policy}"), Line(4, each.what))
        yield from (Line(4, sid) for sid in each.statements)
        if each.example:
            yield Line(4, f"Example: {_example(each.example)}")


def _example(example: Mapping[str, Any]) -> str:
    request = example.get("request")
    if request is None:
        return f"{example['about']}: {example['service']} is assigned {example['outcome']}"
    return f"{request['action']} by {request['principal']}, as in the case: {example['about']}"
