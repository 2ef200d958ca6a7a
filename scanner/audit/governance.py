"""Auditing what an organisation's policies come to in each account: once, whatever the regions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import NamedTuple

from scanner.audit.account import Place
from scanner.audit.client import Client
from scanner.audit.item import GLOBAL, Item, Scope
from scanner.audit.job import ScopeResult, Watch
from scanner.audit.judging import Census, Judge
from scanner.audit.opt_out import EFFECTIVE
from scanner.audit.pace import Count, Pace
from scanner.audit.reckoning import Reckoning
from scanner.catalog import Catalog
from scanner.model import Control, Gap, Note

ATTACHED = "AWS::Organizations::AttachedPolicies"
HOMES = {"aws": "us-east-1", "aws-cn": "cn-northwest-1", "aws-us-gov": "us-gov-west-1"}
"""Where Organizations is asked, by partition."""
_NAMES = ("DescribeOrganization", "DescribePolicy", "ListParents", "ListPolicies", "ListPoliciesForTarget")
ACTIONS = {
    EFFECTIVE: frozenset({"organizations:DescribeEffectivePolicy"}),
    ATTACHED: frozenset(
        f"organizations:{name}"
        for name in (*_NAMES, "ListRoots", "ListTargetsForPolicy", "DescribeEffectivePolicy")
    ),
}
"""The IAM actions that reading takes."""
Chosen = Mapping[str, tuple[Control, ...]]
"""EFFECTIVE, ATTACHED or both -> the controls that judge it."""
Values = Mapping[str, str | list[str]]


def choose(
    controls: Iterable[Control], named: Iterable[str], organization: bool, values: bool
) -> tuple[tuple[Control, ...], Chosen, list[Note]]:
    """The controls that this audit can judge, those of them about an organisation, and Notes of the others.

    Most accounts may ask nothing about their organisation, and would never have a complete audit. So the
    opt-out in effect is looked at with an audit of the `organization` or where a control is `named`, and what
    is attached where the `values` that the pack was deployed with are given.
    """
    left, notes = [], []
    named = set(named)
    chosen: dict[str, tuple[Control, ...]] = {}
    for control in controls:
        about = [type_name for type_name in (EFFECTIVE, ATTACHED) if type_name in control.resources]
        read = [it for it in about if (values if it == ATTACHED else organization or control.id in named)]
        if len(read) < len(about):
            add = "--policy-parameters FILE" if ATTACHED in about else "--org, or --select and its name"
            notes.append(Note(control.id, f"is judged with {add}: it asks about the organisation"))
        if read or len(control.resources) > len(about):
            left.append(control)
        for type_name in read:
            chosen[type_name] = (*chosen.get(type_name, ()), control)
    return tuple(left), chosen, notes


class AccountJob(NamedTuple):
    """What an organisation has settled for one account, as a job beside those of its regions."""

    scope: Scope
    how: Chosen
    look: Callable[[str], Iterable[Item | Gap | Note]]
    """Account -> what the policies come to there."""
    pace: Pace
    catalog: Catalog
    keep_passed: bool

    def audit(self, watch: Watch) -> ScopeResult:
        """Ask and judge. Jobs that share a pace run one after the other."""
        before = self.pace.counts()
        watch.begin(self.scope, len(self.how))
        events = list(self.look(self.scope.account))
        gaps = tuple(it._replace(where=self.scope.shown) for it in events if isinstance(it, Gap))
        controls = [control for those in self.how.values() for control in those]
        judge = Judge(self.catalog, controls, Census(()), None)
        # What an account as a whole is called.
        whole = f"arn:{self.scope.partition}:iam::{self.scope.account}:root"
        units = []
        for type_name in self.how:
            count = Reckoning()
            for item in (it for it in events if isinstance(it, Item) and it.type == type_name):
                count.keep(item._replace(arn=whole), judge.judge(item), self.scope, self.keep_passed)
            unit = count.unit(type_name, self.scope.shown, ())
            units.append(unit._replace(state="unread") if gaps and not unit.resources else unit)
            watch.end(self.scope, units[-1])
        none = Count()
        calls = {
            name: Count(*(now - then for now, then in zip(count, before.get(name, none), strict=True)))
            for name, count in self.pace.counts().items()
        }
        notes = tuple(it for it in events if isinstance(it, Note))
        return ScopeResult(self.scope, tuple(units), gaps, notes, calls=calls)


def account_jobs(
    own: Place,
    accounts: Iterable[str],
    catalog: Catalog,
    chosen: Chosen,
    given: tuple[str, Values] | None,
    keep_passed: bool,
    watch: Watch,
) -> list[AccountJob]:
    """A job for each account. `given`: the values with which the pack was deployed, and their file.

    All ask by the caller's `own` credentials: of other accounts only a management or delegated one may know.
    """
    from scanner.audit.organization import Organization, items
    from scanner.policy import pack, render
    from scanner.policy.drift import TYPES

    rendered = render.render(pack.entries(), given[1], given[0]) if given else ()
    home, pace = HOMES.get(own.scope.partition, own.scope.region), Pace(watch.clock)
    watch.asks(pace.counts)
    organization = Organization(Client(own.access, own.scope._replace(region=home), pace))
    of_accounts = [it for it in rendered if it.source.type in TYPES]
    look = partial(items, organization, of_accounts, given[1] if given else {})
    return [
        AccountJob(own.scope._replace(account=it, region=GLOBAL), chosen, look, pace, catalog, keep_passed)
        for it in accounts
    ]


def read_values(file: str | None, partition: str) -> tuple[str, Values] | None:
    """A file and the values in it with which the pack was deployed. Raises SmguardError if they are wrong."""
    if file is None:
        return None
    from scanner.policy import pack

    return file, pack.values_of(file, partition)
