"""`smguard config-rules diff`: has what was deployed drifted from the pack?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from scanner import __version__, catalog
from scanner.cli.terminal import laid_out
from scanner.model import Gap
from scanner.rule_text import Line
from scanner.safe_text import to_json

if TYPE_CHECKING:
    from scanner.deploy.drift import Difference

EXIT_DIFFERENCES, EXIT_INCOMPLETE = 1, 3
Found = dict[str, list["Difference | Gap"]]


@click.command("diff", short_help="Compare what is deployed with the pack.")
@click.option(
    "--region", "regions", multiple=True, metavar="NAME", help="Where to look (repeatable), or all."
)
@click.option("--profile", metavar="NAME", help="A profile of the AWS configuration.")
@click.option("--role-arn", metavar="ARN", help="Assume this role first.")
@click.option(
    "-f", "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True
)
@click.option("-o", "--output", metavar="FILE", help="Write the report there instead of standard output.")
def command(
    regions: tuple[str, ...], profile: str | None, role_arn: str | None, form: str, output: str | None
) -> int:
    """Compare the rules, the functions' code and the hook of an account with what `smguard config-rules
    build` of this version makes. It reads only, by config:DescribeConfigRules,
    config:GetCustomRulePolicy, lambda:GetFunction, lambda:ListTags and
    cloudformation:BatchDescribeTypeConfigurations.

    Exit codes: 0 no difference; 1 differences; 2 wrong usage; 3 something could not be read.
    """
    from scanner.audit import acquisition
    from scanner.audit.account import Where, survey
    from scanner.audit.client import Client
    from scanner.deploy.bundle import bundles
    from scanner.deploy.drift import differences
    from scanner.deploy.guard import guard_rules
    from scanner.deploy.rule import rules
    from scanner.output import write

    full, known, made = catalog.load(), acquisition.load(), bundles()
    expected = rules(full, known)
    policies = {it.rule.name: it.text for it in guard_rules(full, expected, known) if it.types}
    surveyed = survey(Where(regions=regions, profile=profile, role_arn=role_arn), ())
    found: Found = {gap.where: [gap] for gap in surveyed.gaps}
    for place in surveyed.places:
        api = Client(place.access, place.scope)
        found[place.scope.shown] = list(differences(api, expected, made, full.digest, policies))
        api.close()
    as_json = form == "json"
    write(output, [to_json(_document(found, full.digest)) + "\n"] if as_json else laid_out(_table(found)))
    events = [event for listed in found.values() for event in listed]
    if any(not isinstance(event, Gap) for event in events):
        return EXIT_DIFFERENCES
    return EXIT_INCOMPLETE if events else 0


def _parted(listed: Sequence[Difference | Gap]) -> tuple[list[Difference], list[Gap]]:
    gaps = [it for it in listed if isinstance(it, Gap)]
    return [it for it in listed if not isinstance(it, Gap)], gaps


def _document(found: Found, digest: str) -> dict[str, Any]:
    from scanner.deploy.drift import KINDS

    of = {where: _parted(listed) for where, listed in found.items()}
    counts = Counter(each.kind for parts, _ in of.values() for each in parts)
    return {
        "schema_version": 1,
        "kind": "config-rules-diff",
        "tool": {"name": "smguard", "version": __version__, "catalog": digest},
        "scopes": [
            {
                "scope": where,
                "differences": [each._asdict() for each in parts],
                "gaps": [each._asdict() for each in gaps],
            }
            for where, (parts, gaps) in of.items()
        ],
        "summary": {
            "complete": not any(gaps for _, gaps in of.values()),
            **{kind: counts[kind] for kind in KINDS},
        },
    }


def _table(found: Found) -> Iterator[Line]:
    for where, listed in found.items():
        parts, gaps = _parted(listed)
        yield Line(0, where)
        for each in parts:
            yield from (Line(2, f"{each.kind} {each.part}"), Line(4, each.what))
        for gap in gaps:
            yield from (Line(2, f"Not looked at: {gap.where}"), Line(4, gap.what), Line(4, gap.hint))
        said = f"{len(parts)} difference{'' if len(parts) == 1 else 's'}" if parts else "No differences"
        yield Line(2, "nothing can be said of the rest" if gaps and not parts else said)
