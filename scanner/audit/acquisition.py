"""How the resources of each type are read from AWS's API: the `live:` blocks of `_types.yaml`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from scanner import catalog
from scanner.audit.fault import iam_action
from scanner.audit.item import TAGS
from scanner.compiled import OnUse
from scanner.model import SmguardError

if TYPE_CHECKING:
    from scanner.audit.source import Source

NAME = "$name"
"""Stands in `by` for the name of the resource, which its summary need not hold."""
_Way = TypeVar("_Way")
_OLDEST_FIRST = {"SortBy": "CreationTime", "SortOrder": "Ascending"}


class Wanted(NamedTuple):
    """What an audit asks of a type: the top-level properties that its controls look at.

    `since`: jobs that were made earlier and have ended are left out. `settled`: only lasting tags count.
    `at`: when the audit began; None: now. `resumable`: the reading may be taken up in the middle, so jobs
    made before `since` that still run are listed by themselves, never along with all others.
    """

    properties: frozenset[str]
    since: datetime | None = None
    settled: bool = False
    at: datetime | None = None
    resumable: bool = False


class Listing(NamedTuple):
    """The operation that names every resource, and the members of its answer."""

    operation: str
    items: str
    name: tuple[str, ...]
    """Members that make the name; of an ARN, what follows the kind of the resource."""
    arn: str | None
    status: str
    created: str = "CreationTime"
    parameters: Mapping[str, Any] = _OLDEST_FIRST
    whole: bool = False
    """Does it return the resources themselves, so that none need be described?"""


class Describing(NamedTuple):
    """The operation that returns one resource."""

    operation: str
    by: Mapping[str, str]
    """Its parameters <- members of a summary, or NAME."""
    arn: str
    """A member that every answer has."""
    at: str | None = None
    """The member that the resource is wrapped in."""


class Searching(NamedTuple):
    """How `Search` returns resources of the type, a hundred at a time."""

    resource: str
    record: tuple[str, ...]
    lacks: frozenset[str]
    """Properties that Describe returns and it doesn't."""
    unsaid: frozenset[str]
    """Those of them that are not worth a call for each resource: no one knows of ended jobs."""


class Recording(NamedTuple):
    """What AWS Config does about a type."""

    trigger: str = "periodic"
    """Whether a rule judges its resources on each "change" that Config records, or reads them itself."""
    report: str = "account"
    """Of what a rule reports: of each "resource", or of the "account" where Config may not know the type."""
    lacks: Sequence[str] = ()
    """Paths, "A.B" through lists too, that may be missing in what Config records."""


class Acquisition(NamedTuple):
    """How resources of one type are read. Property names are CloudFormation's unless they say otherwise."""

    type: str
    service: str
    read_as: str | None
    """Another type, as which resources of this one are read: then nothing else here counts."""
    listing: Listing
    describing: Describing
    search: Searching | None
    renames: Mapping[str, str]
    """Property <- JMESPath in the answer, where it is not the member of that name."""
    never: frozenset[str]
    """Properties that no operation returns."""
    within: str | None
    """The type of what each of its resources is in: where there is none, there are none of these."""
    immutable: bool
    """Can't what it returns change, so that it is remembered?"""
    open: tuple[str, ...]
    """Statuses of a job that has not ended; empty for what is no job."""
    done: frozenset[str]
    """Statuses of a job that has."""
    gone: frozenset[str]
    """Statuses of what is not there any more, though it is listed."""
    only_while_open: frozenset[str]
    """Properties that mean nothing any more once a job has ended."""
    lasting: frozenset[str]
    """Keys of tags that are given when it is made, or never."""
    only_without: Mapping[str, str]
    """Property -> another, beside which it never stands."""
    kept: frozenset[str]
    """Properties that some control of the catalog looks at."""
    config: Recording

    def searchable(self, wanted: Wanted) -> bool:
        """Does `Search` return all that is wanted, but for what concerns few resources?"""
        return self.search is not None and not wanted.properties & self.beyond_search

    def asked(self, wanted: Wanted, more: frozenset[str] = frozenset()) -> frozenset[str]:
        """Those of the wanted properties, and of `more`, that are looked for in what an operation returns."""
        beyond = self.beyond_search if self.searchable(wanted) else frozenset()
        return (wanted.properties | more) - self.never - {TAGS} - beyond

    @property
    def beyond_search(self) -> frozenset[str]:
        """Properties for which every single resource must be described."""
        lacks = self.search.lacks if self.search else frozenset()
        return lacks - self.unsaid - self.only_while_open - self.only_without.keys()

    @property
    def unsaid(self) -> frozenset[str]:
        """Properties of which nobody knows where they were not read."""
        return self.search.unsaid if self.search else frozenset()


def load(folders: Iterable[str] = ()) -> Mapping[str, Acquisition]:
    """How to read each SageMaker type of the built-in catalog and of a user's own rule folders.

    Raises SmguardError for a folder whose `live:` blocks are broken.
    """
    return _load(folders, lambda live: "reads" not in live, _acquisition)


def sources(folders: Iterable[str] = ()) -> Mapping[str, Source]:
    """How to read the types of other services, likewise."""
    from scanner.audit.source import source_of

    return _load(folders, lambda live: "reads" in live, source_of)


def _load(
    folders: Iterable[str],
    chosen: Callable[[Mapping[str, Any]], bool],
    read: Callable[[str, Mapping[str, Any]], _Way],
) -> Mapping[str, _Way]:
    bodies = {name: live for name, live in catalog.live_types().items() if chosen(live)}
    own = OnUse(bodies, lambda name: read(name, bodies[name]))
    if not folders:
        return own
    found = dict(own)
    for folder in folders:
        from scanner import rulepack

        pack = rulepack.read(folder)
        try:
            types = rulepack.live_types(pack, {**catalog.load().shapes, **pack.shapes})
            found.update({name: read(name, live) for name, live in types.items() if chosen(live)})
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            hint = f"`smguard rules check {folder}` tells what is wrong"
            raise SmguardError(f"`live` of a type in {folder}/_types.yaml is broken", hint) from error
    return found


def actions(how: Acquisition, wanted: Wanted) -> frozenset[str]:
    """The IAM actions that the calls can need."""
    if how.read_as:
        return frozenset()
    operations = [how.listing.operation]
    if not how.listing.whole:
        operations.append(how.describing.operation)
    if how.searchable(wanted):
        operations.append("Search")
    return frozenset(iam_action(how.service, operation) for operation in operations)


def _acquisition(type_name: str, live: Mapping[str, Any]) -> Acquisition:
    """Read a `live:` block; what it leaves out goes by the names that AWS mostly gives."""
    noun = type_name.rpartition("::")[2]
    job, search = live.get("job") or {}, live.get("search")
    mostly = {"operation": f"List{noun}s", "name": f"{noun}Name", "arn": f"{noun}Arn"}
    listing: dict[str, Any] = {**mostly, "status": f"{noun}Status", **(live.get("list") or {})}
    if "read-as" in live:
        listing.setdefault("items", "")
    names = (listing["name"],) if isinstance(listing["name"], str) else tuple(listing["name"])
    mostly = {"operation": f"Describe{noun}", "arn": listing["arn"]}
    describing = {**mostly, "by": {each: each for each in names}, **(live.get("describe") or {})}
    return Acquisition(
        type=type_name,
        service=live.get("service", "sagemaker"),
        read_as=live.get("read-as"),
        listing=Listing(**{**listing, "name": names}),
        describing=Describing(**describing),
        search=Searching(
            resource=search.get("resource", noun),
            record=tuple(search.get("record", noun).split(".")),
            lacks=frozenset(search["lacks"]),
            unsaid=frozenset(search.get("unsaid", ())),
        )
        if search is not None
        else None,
        renames=live.get("renames", {}),
        never=frozenset(live.get("never", ())),
        within=live.get("within"),
        immutable=live.get("immutable", False),
        open=tuple(job.get("open", ())),
        done=frozenset(job.get("done", ())),
        gone=frozenset(live.get("gone", ())),
        only_while_open=frozenset(live.get("only-while-open", ())),
        lasting=frozenset(live.get("lasting-tags", ())),
        only_without=live.get("only-without", {}),
        kept=frozenset(live["kept"]),
        config=Recording(**live["config"]),
    )
