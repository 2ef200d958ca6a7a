"""Which accounts and regions an audit is about, and how it gets into each."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from scanner.audit import access as credentials
from scanner.audit.access import Access, Role
from scanner.audit.client import Client, verify
from scanner.audit.fault import Fault
from scanner.audit.item import Scope
from scanner.audit.pace import Clock, Count, Pace, total
from scanner.audit.paging import pages
from scanner.model import Gap, Note, SmguardError

_AT_ONCE = 8
_PROFILE = "check --profile and the files that `aws configure` writes"
_ROLE = "arn:aws:iam::111122223333:role/auditor"


class Where(NamedTuple):
    """What the user asked for. `regions` may be ("all",), and () for the one of the AWS configuration."""

    regions: tuple[str, ...] = ()
    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    """For every role that is assumed."""
    account_role: str | None = None
    """Name of the role, with its path, in each account but the caller's own."""
    accounts: tuple[str, ...] = ()
    organization: bool = False


class Place(NamedTuple):
    """A scope to audit, and how to get there."""

    access: Access
    scope: Scope


class Survey(NamedTuple):
    """Where the audit goes, by whom (an ARN), and what it can't get to."""

    by: str
    places: tuple[Place, ...]
    gaps: tuple[Gap, ...]
    notes: tuple[Note, ...]
    own: Place | None = None
    """The caller's own account, whether or not the audit goes there."""
    calls: Mapping[str, Count] = {}
    """What finding all that took."""


def survey(where: Where, controls: Collection[str], clock: Clock | None = None) -> Survey:
    """Find the accounts and regions. `controls` are named in Gaps as not judged there.

    The caller's own account is audited with the caller's own credentials. Raises SmguardError when these
    don't work or the request makes no sense.
    """
    credentials.asked()
    surveyor = _Surveyor(where, controls, clock or Clock())
    with ThreadPoolExecutor(_AT_ONCE, "account") as pool:
        places = [place for found in pool.map(surveyor.enter, surveyor.accounts()) for place in found]
    gaps, notes = tuple(dict.fromkeys(surveyor.gaps)), tuple(dict.fromkeys(surveyor.notes))
    made = {name: Count(number) for name, number in credentials.asked().items()}
    calls = total([made, *(pace.counts() for pace in surveyor.paces)])
    return Survey(surveyor.by, tuple(places), gaps, notes, surveyor.own, calls)


class _Surveyor:
    def __init__(self, where: Where, controls: Collection[str], clock: Clock) -> None:
        _check(where)
        self.where = where
        self.controls = controls
        self.clock = clock
        self.gaps: list[Gap] = []
        self.notes: list[Note] = []
        self.paces: list[Pace] = []
        roles = (Role(where.role_arn, where.external_id),) if where.role_arn else ()
        own = Access(where.profile, roles)
        try:
            configured = credentials.session(own).get_config_variable("region")
        except Exception as error:
            # ProfileNotFound, or a configuration that can't be read: what it quotes may be a secret.
            raise SmguardError(
                f"AWS's configuration can't be used: {type(error).__name__}", _PROFILE
            ) from None
        self.regions = where.regions or ((configured,) if configured else ())
        if not self.regions:
            raise SmguardError("no region is given", "name one with --region, or all")
        home = next((name for name in (*self.regions, configured) if name and name != "all"), own.home)
        self.access = own._replace(home=home)
        self.by, self.own = self._identify()

    def accounts(self) -> list[str]:
        """The accounts asked for, each once."""
        found = list(self.where.accounts)
        if self.where.organization:
            api = self._api(self.own)
            try:
                for rows in pages(api, "organizations", "ListAccounts", {}, "Accounts"):
                    active = [row["Id"] for row in rows if row.get("State", row.get("Status")) == "ACTIVE"]
                    found += active
                    if len(active) < len(rows):
                        what = f"{len(rows) - len(active)} of its accounts not active: left out"
                        self.notes.append(Note("organization", what))
            except Fault as fault:
                self.gaps.append(fault.gap(self.controls, "accounts of the organization"))
                found.append(self.own.scope.account)
            finally:
                api.close()
        return list(dict.fromkeys(found)) or [self.own.scope.account]

    def enter(self, account: str) -> list[Place]:
        """The regions of one account; [] with a Gap where it can't be entered."""
        own, access = self.own.scope, self.access
        if account != own.account:
            arn = f"arn:{own.partition}:iam::{account}:role/{self.where.account_role}"
            access = access._replace(roles=(*access.roles, Role(arn, self.where.external_id)))
        api = self._api(Place(access, own._replace(account=account)))
        try:
            if account != own.account:
                verify(api)
            names = (
                self._enabled(api)
                if "all" in self.regions
                else self._with_sagemaker(self.regions, own.partition)
            )
        except Fault as fault:
            self.gaps.append(fault.gap(self.controls, "the whole account"))
            return []
        finally:
            api.close()
        return [Place(access, api.scope._replace(region=name)) for name in names]

    def _identify(self) -> tuple[str, Place]:
        """The caller's ARN, and the place where it was told."""
        place = Place(self.access, Scope("own account", self.access.home))
        api = self._api(place)
        try:
            answer = api.call("sts", "GetCallerIdentity", needs=("Account", "Arn"))
        except Fault as fault:
            if fault.kind == "disabled":
                what = f"the credentials are not accepted in {fault.scope.region} ({fault.code})"
                raise SmguardError(what, "check them, and that the region is enabled") from None
            raise SmguardError(f"AWS can't be asked: {fault}", fault.hint) from None
        finally:
            api.close()
        by, account = answer["Arn"], answer["Account"]
        if not (re.fullmatch(r"\d{12}", account) and re.match(r"arn:aws[a-z-]*:", by)):
            raise SmguardError("AWS can't be asked: sts:GetCallerIdentity tells no account", "check proxies")
        return by, Place(self.access, Scope(account, self.access.home, by.split(":")[1]))

    def _enabled(self, api: Client) -> list[str]:
        try:
            answer = api.call("ec2", "DescribeRegions", {"AllRegions": True}, ("Regions",))
        except Fault as fault:
            if fault.kind != "denied":
                raise
            self.gaps.append(fault.gap((), "which regions are enabled"))
            return [
                name for name in self._known("sagemaker", api.scope.partition) if self._answers(api, name)
            ]
        names = [row["RegionName"] for row in answer["Regions"] if row.get("OptInStatus") != "not-opted-in"]
        return self._with_sagemaker(sorted(names), api.scope.partition)

    def _answers(self, api: Client, region: str) -> bool:
        there = self._api(Place(api.access, api.scope._replace(region=region)))
        try:
            verify(there)
        except Fault as fault:
            self.notes.append(Note(there.scope.shown, f"left out: {fault}"))
            return False
        finally:
            there.close()
        return True

    def _with_sagemaker(self, names: Iterable[str], partition: str) -> list[str]:
        """Without the regions that botocore knows, but not for SageMaker."""
        there, known = (self._known(service, partition) for service in ("sagemaker", "sts"))
        for name in names:
            if name in known and name not in there:
                self.notes.append(Note(name, "left out: the installed botocore knows no SageMaker there"))
        return [name for name in dict.fromkeys(names) if name in there or name not in known]

    def _known(self, service: str, partition: str) -> list[str]:
        with credentials.LOCK:
            session = credentials.session(self.access)
            return sorted(session.get_available_regions(service, partition_name=partition))

    def _api(self, place: Place) -> Client:
        self.paces.append(Pace(self.clock))
        return Client(*place, self.paces[-1])


def _check(where: Where) -> None:
    for name in where.regions:
        if not re.fullmatch(r"all|[a-z]{2,4}(-[a-z]{1,12}){1,3}-\d{1,2}", name):
            raise SmguardError(f"{name} is no region", "--region takes names such as eu-west-1, or all")
    for account in where.accounts:
        if not re.fullmatch(r"\d{12}", account):
            raise SmguardError(f"{account} is no account", "--account takes twelve digits")
    if where.account_role is None and (where.accounts or where.organization):
        raise SmguardError(
            "several accounts need a role", "name the one to assume in each with --account-role"
        )
    if where.account_role is not None and not (where.accounts or where.organization):
        raise SmguardError("--account-role needs accounts", "name them with --account, or use --org")
    if not re.fullmatch(r"[\w+=,.@/-]{1,512}", where.account_role or "x", re.ASCII):
        raise SmguardError("--account-role takes a role's name", "with its path, without its ARN")
    if not re.fullmatch(
        r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,512}", where.role_arn or _ROLE, re.ASCII
    ):
        raise SmguardError("--role-arn takes a role's ARN", f"such as {_ROLE}")
