"""`smguard config-rules diff`: has what was deployed drifted from the pack?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from scanner import catalog
from scanner.cli.options import options
from scanner.model import Gap
from scanner.rule_text import Line

if TYPE_CHECKING:
    from scanner.deploy.drift import Difference, Setting


@click.command("diff")
@options("regions", "profile", "role_arn", "format", "output")
def command(
    regions: tuple[str, ...], profile: str | None, role_arn: str | None, form: str, output: str | None
) -> int:
    """Compare the rules, the functions' code and the hook of an account with what `smguard config-rules
    build` of this version makes, and say which parameters were set. It reads only, by
    config:DescribeConfigRules, config:GetCustomRulePolicy, lambda:GetFunction, lambda:ListTags and
    cloudformation:BatchDescribeTypeConfigurations.

    Exit codes: 0 no difference; 1 differences; 2 wrong usage; 3 something could not be read.
    """
    from scanner.audit import acquisition
    from scanner.audit.account import Where, survey
    from scanner.audit.client import Client
    from scanner.cli.drift import conclude
    from scanner.deploy.bundle import bundles
    from scanner.deploy.drift import KINDS, Setting, differences
    from scanner.deploy.guard import guard_rules
    from scanner.deploy.rule import rules

    full, known, made = catalog.load(), acquisition.load(), bundles()
    expected = rules(full, known)
    policies = {it.rule.name: it.text for it in guard_rules(full, expected, known) if it.types}
    surveyed = survey(Where(regions=regions, profile=profile, role_arn=role_arn), ())
    found: dict[str, list[Difference | Setting | Gap]] = {gap.where: [gap] for gap in surveyed.gaps}
    for place in surveyed.places:
        api = Client(place.access, place.scope)
        found[place.scope.shown] = list(differences(api, expected, made, full.digest, policies))
        api.close()
    told = ("config-rules-diff", "scope", ("differences", "settings", "gaps"), KINDS)
    said = ("nothing can be said of the rest", "")
    return conclude(found, told, _lines, said, form, output, {Setting: "settings"})


def _lines(found: Iterable[Difference | Setting]) -> Iterator[Line]:
    from scanner.deploy.drift import Difference

    for it in found:
        if isinstance(it, Difference):
            yield from (Line(2, f"{it.kind} {it.part}"), Line(4, it.what))
        else:
            shown = f"{it.name} of {it.part} is {it.value} (default {it.default or 'none'})"
            yield Line(2, f"set by you: {shown}")
