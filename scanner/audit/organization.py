"""The policies of an organisation: what is attached along the path to a target, and what is in effect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from scanner.audit import opt_out
from scanner.audit.fault import Fault
from scanner.audit.governance import ATTACHED
from scanner.audit.item import Api, Item
from scanner.audit.paging import pages
from scanner.model import Gap, Note, SmguardError
from scanner.policy.drift import KINDS, NAMED, OPT_OUT, TYPES, Deployed, Difference, Level, Live, compare
from scanner.policy.inheritance import OPTED_OUT
from scanner.policy.lint_found import named
from scanner.policy.pack import Values
from scanner.policy.render import Rendered

_SERVICE = "organizations"
_DEEPEST = 7
"""A root, five units below one another and an account."""
_OPT_OUTS, _GUARDRAILS = "ai-services-opt-out", "guardrail-policies-attached"
_STATES = (*KINDS, "attached")
_UNKNOWN = ("ChildNotFoundException", "TargetNotFoundException")


class Root(NamedTuple):
    """The root of an organisation, of which there is one."""

    id: str
    switched_off: tuple[str, ...]
    """Types of policies that it does not enforce, whatever is attached."""


class Seen(NamedTuple):
    """What there is along the path to a target, and what could not be read of it."""

    deployed: Deployed
    faults: tuple[tuple[str, Fault], ...]
    """What could not be read, and the call that failed."""
    complete: bool
    """Is all known that is attached along the path? Only then can it be said what is not."""


class Organization:
    """One organisation, as the credentials of its management account or of a delegated one show it."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._lists: dict[str, list[Any]] = {}
        self._policies: dict[str, Live] = {}

    @property
    def account(self) -> str:
        """The account that is asked."""
        return self._api.scope.account

    @cached_property
    def management_account(self) -> str:
        """The id of the account that its policies do not limit; raises Fault."""
        answer = self._api.call(_SERVICE, "DescribeOrganization", needs=("Organization",))
        return str(answer["Organization"].get("MasterAccountId"))

    def roots(self) -> list[Root]:
        """The root, or roots should there ever be more; raises Fault."""
        found = []
        for root in self._list("ListRoots", "Roots"):
            enabled = [each["Type"] for each in root.get("PolicyTypes", ()) if each["Status"] == "ENABLED"]
            found.append(Root(root["Id"], tuple(each for each in TYPES if each not in enabled)))
        return found

    def effective_opt_out(self, account: str) -> Mapping[str, Any] | None:
        """See opt_out.read: any account may ask for its own, others are the management account's."""
        return opt_out.read(self._api, None if account == self.account else account)

    def seen_from(self, target: str) -> Seen:
        """All policies that bear on a root, unit or account. What can't be read is told, not raised."""
        faults: list[tuple[str, Fault]] = []

        def read(what: str, ask: Callable[..., Any], *asked: Any) -> Any:
            try:
                return ask(*asked)
            except Fault as fault:
                faults.append((what, fault))
                return ()

        def policies(ids: Iterable[str]) -> Iterator[Live]:
            for each in ids:
                yield from read(f"policy {each}", self._policy, each)

        levels = []
        for place in read(f"the path to {target}", self._path, target):
            attached = [read(f"what is attached to {place}", self._attached, place, kind) for kind in TYPES]
            levels.append(Level(place, tuple(policies(each for ids in attached for each in ids))))
        complete = not faults
        near = {live.id for level in levels for live in level.policies}
        named = [read("the list of policies", self._of_the_pack, kind) for kind in TYPES]
        far = policies(each for ids in named for each in ids if each not in near)
        elsewhere = [(live, tuple(read(live.shown, self._targets, live.id))) for live in far]
        return Seen(Deployed(tuple(levels), tuple(elsewhere)), tuple(faults), complete)

    def _path(self, target: str) -> list[str]:
        """From the root down to the target."""
        found = [target]
        while not found[0].startswith("r-"):
            parents = [each["Id"] for each in self._list("ListParents", "Parents", ChildId=found[0])]
            if len(parents) != 1 or parents[0] in found or len(found) == _DEEPEST:
                raise Fault("malformed", "UnendingPath", _SERVICE, "ListParents", self._api.scope)
            found.insert(0, parents[0])
        return found

    def _attached(self, place: str, kind: str) -> list[str]:
        listed = self._list("ListPoliciesForTarget", "Policies", TargetId=place, Filter=kind)
        return [each["Id"] for each in listed]

    def _of_the_pack(self, kind: str) -> list[str]:
        listed = self._list("ListPolicies", "Policies", Filter=kind)
        return [each["Id"] for each in listed if str(each.get("Name")).startswith(NAMED)]

    def _targets(self, policy: str) -> list[str]:
        return [each["TargetId"] for each in self._list("ListTargetsForPolicy", "Targets", PolicyId=policy)]

    def _list(self, operation: str, member: str, **asked: str) -> list[Any]:
        """All pages of a list, asked for once."""
        key = f"{operation} {sorted(asked.items())}"
        if key not in self._lists:
            listed = pages(self._api, _SERVICE, operation, asked, member)
            self._lists[key] = [each for page in listed for each in page]
        return self._lists[key]

    def _policy(self, policy: str) -> list[Live]:
        """The one policy of an id, read once."""
        if policy not in self._policies:
            answer = self._api.call(_SERVICE, "DescribePolicy", {"PolicyId": policy}, needs=("Policy",))
            about = answer["Policy"].get("PolicySummary", {})
            document = opt_out.decoded(answer["Policy"].get("Content"), "DescribePolicy", self._api)
            self._policies[policy] = Live(policy, str(about.get("Name")), str(about.get("Type")), document)
        return [self._policies[policy]]


def differences(
    organization: Organization,
    target: str,
    rendered: Sequence[Rendered],
    values: Values,
    controls: Sequence[str] = (),
) -> Iterator[Difference | Gap | Note]:
    """How what bears on a target differs from the pack. What could not be read is no difference.

    A Gap names the `controls` that it keeps from judging. Raises SmguardError if there is no such target, and
    Fault where even the root can't be read.
    """
    seen = organization.seen_from(target)
    if any(fault.code in _UNKNOWN for _, fault in seen.faults):
        raise SmguardError(f"{target}: the organisation has no such root, unit or account")
    yield from (fault.gap(controls, what) for what, fault in seen.faults)
    if not seen.complete:
        return
    root = seen.deployed.path[0].id
    off = {kind for each in organization.roots() if each.id == root for kind in each.switched_off}
    for policy in rendered:
        if policy.source.type in off:
            what = f"{policy.source.type} is switched off in {root}: nothing of that type counts there"
            yield Difference("detached", policy.source.path, (), what)
    yield from compare([each for each in rendered if each.source.type not in off], seen.deployed, values)
    management = organization.management_account
    if target == management:
        yield Note(target, "is the management account, which no service control policy limits")
    account = target if target.isdigit() else management if target == root else None
    if account is None:
        yield Note(target, "is no account: the opt-out policy in effect was not asked for")
        return
    try:
        effective = organization.effective_opt_out(account)
    except Fault as fault:
        yield fault.gap(controls, f"the opt-out policy in effect in {account}")
        return
    for policy in rendered:
        if policy.source.type == OPT_OUT:
            kept = [name for name, assigned in opt_out.services(effective) if assigned != OPTED_OUT]
            if kept:
                what = f"account {account} is not opted out of {named(kept, 5)}, by the policy in effect"
                yield Difference("weaker", policy.source.path, (), what)


def items(
    organization: Organization, rendered: Sequence[Rendered], values: Values, account: str
) -> Iterator[Item | Gap | Note]:
    """What the organisation's policies come to in an account, as resources that controls judge.

    Each policy of the pack goes by its path, and each AI service by its name: the reader must know which one.
    `rendered` is the pack with an organisation's `values`; without it only the opt-out in effect is told.
    """
    try:
        effective = organization.effective_opt_out(account)
    except Fault as fault:
        if fault.code == opt_out.NO_ORGANIZATION:
            yield Note(account, "is in no organisation, whose policies could be looked at")
            return
        yield fault.gap((_OPT_OUTS,), "the opt-out policy in effect")
    else:
        yield from opt_out.items(effective, account)
    if not rendered:
        return
    states = {each.source.path: "attached" for each in rendered}
    is_known = True
    try:
        events = list(differences(organization, account, rendered, values, (_GUARDRAILS,)))
    except Fault as fault:
        events = [fault.gap((_GUARDRAILS,), "the organisation")]
    except SmguardError as error:
        events = [Gap(account, f"{error}; not judged by {_GUARDRAILS}", "leave the account out")]
    for event in events:
        if isinstance(event, Difference):
            states[event.policy] = min(states[event.policy], event.kind, key=_STATES.index)
        else:
            is_known = is_known and not isinstance(event, Gap)
            yield event
    if is_known:
        for name, state in states.items():
            yield Item(ATTACHED, name, None, {"GuardrailPolicies": [{"PolicyName": name, "State": state}]})
