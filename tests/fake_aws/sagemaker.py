"""SageMaker: what is created is described, listed, searched, changed, tagged and deleted, for all types."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.model import OperationModel, Shape

from tests.fake_aws.call import Call
from tests.fake_aws.kinds import Kind, Record, kinds, listed, not_found, settled
from tests.fake_aws.search import search
from tests.fake_aws.shelf import Range, Shelf, moment
from tests.fake_aws.wire import AwsError

_PLUMBING = {"MaxResults", "NextToken", "SortBy", "SortOrder"}


class SageMaker:
    """The state of SageMaker over all accounts and regions. Its caller holds a lock."""

    def __init__(self) -> None:
        self.defaults = False
        """Describe tells the defaults of what was left out, as AWS does."""
        self.page_size = 100
        self.search_lag = timedelta(0)
        """How young a resource is that Search does not know yet."""
        self.unsearchable: Callable[[Record], bool] = lambda record: False
        """Resources that Search never knows."""
        self.traced: Callable[[Record], bool] = lambda record: False
        """Jobs that have a trial component."""
        self._shelves: dict[tuple[str, str, str], Shelf] = {}
        self._numbers = itertools.count(1)

    def shelf(self, account: str, region: str, family: str) -> Shelf:
        """One family's resources in one account and region."""
        key = (account, region, family)
        if key not in self._shelves:
            partition = "aws-cn" if region.startswith("cn-") else "aws"
            partition = "aws-us-gov" if region.startswith("us-gov-") else partition
            self._shelves[key] = Shelf(account, region, partition)
        self._shelves[key].defaults = self.defaults
        return self._shelves[key]

    def records(self, account: str, region: str) -> Iterator[Record]:
        """Everything in one account and region."""
        for (of, where, _), shelf in list(self._shelves.items()):
            if (of, where) == (account, region):
                yield from map(shelf.at, shelf.ordered())

    def create(
        self, kind: Kind, values: Mapping[str, Any], account: str, region: str,
        created: datetime | None = None, status: str | None = None,
    ) -> Record:  # fmt: skip
        """A new resource; names and ids that AWS makes up are made up."""
        number = next(self._numbers)
        tags = {tag["Key"]: tag["Value"] for tag in values.get("Tags") or ()}
        kept = {name: value for name, value in values.items() if name != "Tags"}
        if kind.name == "ModelPackage" and (group := kept.get("ModelPackageGroupName")):
            group = kept["ModelPackageGroupName"] = group.rpartition("/")[2]
            kept.setdefault("ModelPackageVersion", number)
            key = f"{group}/{kept['ModelPackageVersion']}"
        else:
            kept = {**kind.made_up(number), **kept}
            key = "/".join(str(kept.get(part, f"app-{number:012d}")) for part in kind.key)
        shelf = self.shelf(account, region, kind.family)
        record = shelf.make(kind, key, kept, created or datetime.now(UTC), status, tags)
        shelf.put(record)
        return record

    def populate(self, kind: Kind, many: Range, account: str, region: str) -> None:
        """Imagine many resources."""
        self.shelf(account, region, kind.family).populate(many)

    def answer(self, call: Call, operation: OperationModel) -> dict[str, Any]:
        """The answer to any call."""
        name = operation.name
        if name == "Search":
            return search(self, call)
        if name in ("AddTags", "DeleteTags", "ListTags"):
            return self._tags(call)
        if name.startswith("List"):
            return self._list(call, operation)
        for verb in ("Create", "Describe", "Delete", "Update", "Stop", "Start"):
            if name.startswith(verb) and (kind := kinds().get(name.removeprefix(verb))):
                return self._one(verb, kind, call, operation)
        raise AwsError("UnknownOperationException", f"the fake does not know {name}")

    def _one(self, verb: str, kind: Kind, call: Call, operation: OperationModel) -> dict[str, Any]:
        if verb == "Create":
            record = self.create(kind, call.parameters, call.account, call.region)
            return record.seen(operation.output_shape) if operation.output_shape else {}
        shelf = self.shelf(call.account, call.region, kind.family)
        record = self.find(kind, call, operation)
        if verb == "Describe":
            return self._described(kind, record).seen(operation.output_shape)
        if verb == "Delete":
            shelf.delete(record)
        if verb == "Update":
            given = {name.removesuffix("ForUpdate"): value for name, value in call.parameters.items()}
            given = {name: value for name, value in given.items() if name not in kind.key}
            shelf.put(replace(record, values={**record.values, **given}, modified=datetime.now(UTC)))
        if verb in ("Stop", "Start"):
            shelf.put(replace(record, status="Stopped" if verb == "Stop" else "InService"))
        return record.seen(operation.output_shape) if operation.output_shape else {}

    def find(self, kind: Kind, call: Call, operation: OperationModel) -> Record:
        """The resource that a call is about; raises the operation's own error when there is none."""
        word = "/".join(str(call.parameters.get(part, "")) for part in kind.key)
        record = self.shelf(call.account, call.region, kind.family).find(word)
        if record is None or (record.kind.name.endswith("V2") and not kind.name.endswith("V2")):
            raise not_found(operation)
        return record

    def _described(self, kind: Kind, record: Record) -> Record:
        """The record as this Describe has it: version 2 also tells of AutoML jobs of version 1."""
        if kind.name == record.kind.name or kind.name != "AutoMLJobV2":
            return record
        values = dict(record.values)
        values |= {"SecurityConfig": values.pop("AutoMLJobConfig", {}).get("SecurityConfig")}
        return replace(
            record, kind=kind, values={key: value for key, value in values.items() if value is not None}
        )

    def _list(self, call: Call, operation: OperationModel) -> dict[str, Any]:
        found = listed(operation.name)
        members = operation.output_shape.members
        if found is None:
            return {name: [] for name, shape in members.items() if shape.type_name == "list"}
        family, member = found
        shelf = self.shelf(call.account, call.region, family)
        shape = members[member].member
        descending = str(call.parameters.get("SortOrder", "Descending")).lower().startswith("desc")
        handles = shelf.ordered(call.parameters.get("SortBy", "CreationTime"), descending)
        tests = list(_tests(call, operation, shape))
        page, token = self.page(call, handles, lambda handle: _passing(shelf, handle, tests))
        return {member: [record.seen(shape) for record in page]} | token

    def page(
        self, call: Call, handles: list[int], fetch: Callable[[int], Record | None]
    ) -> tuple[list[Record], dict[str, str]]:
        """One page of what `fetch` keeps, and the token for the next one."""
        most = min(int(call.parameters.get("MaxResults", 10)), self.page_size)
        place = _place(call)
        found: list[Record] = []
        while place < len(handles):
            if (record := fetch(handles[place])) is not None:
                if len(found) == most:
                    return found, {"NextToken": _token(call, place)}
                found.append(record)
            place += 1
        return found, {}

    def _tags(self, call: Call) -> dict[str, Any]:
        arn = call.parameters["ResourceArn"]
        for (account, region, _), shelf in list(self._shelves.items()):
            if (account, region) == (call.account, call.region) and (record := shelf.find(arn)):
                break
        else:
            raise AwsError("ValidationException", "Could not find the resource.")
        tags = dict(record.tags)
        if call.operation == "AddTags":
            tags |= {tag["Key"]: tag["Value"] for tag in call.parameters["Tags"]}
        for key in call.parameters.get("TagKeys", ()):
            tags.pop(key, None)
        if tags != record.tags:
            shelf.put(replace(record, tags=tags))
        listing = [{"Key": key, "Value": value} for key, value in tags.items()]
        return {} if call.operation == "DeleteTags" else {"Tags": listing}


def _token(call: Call, place: int) -> str:
    return base64.b64encode(f"{call.account}:{call.region}:{call.operation}:{place}".encode()).decode()


def _place(call: Call) -> int:
    """Where a page begins. A token of another account, region or operation is none."""
    if not (token := call.parameters.get("NextToken")):
        return 0
    try:
        origin, _, place = base64.b64decode(token).decode().rpartition(":")
        assert origin == f"{call.account}:{call.region}:{call.operation}"
        return int(place)
    except (ValueError, AssertionError):
        raise AwsError("ValidationException", "Invalid pagination token.") from None


def _passing(shelf: Shelf, handle: int, tests: Iterable[Callable[[Record], bool]]) -> Record | None:
    record = shelf.at(handle)
    return record if record.key not in shelf.gone and all(test(record) for test in tests) else None


def _tests(call: Call, operation: OperationModel, shape: Shape) -> Iterator[Callable[[Record], bool]]:
    """What a List's parameters ask of a resource."""
    parameters = call.parameters
    if operation.name == "ListModelPackages":
        wanted = parameters.get("ModelPackageType", "Unversioned")
        yield lambda record: wanted in ("Both", record.said(shape, "ModelPackageType") or _package(record))
    for name, value in parameters.items():
        if name in _PLUMBING or name in ("ModelPackageType", "CrossAccountFilterOption"):
            continue
        yield _test(name, value, shape)


def _package(record: Record) -> str:
    return "Versioned" if "ModelPackageVersion" in record.values else "Unversioned"


def _test(name: str, value: Any, shape: Shape) -> Callable[[Record], bool]:
    if name.endswith(("After", "Before")):
        at = moment(value)
        created = name.startswith("Creat")
        later = name.endswith("After")

        def timed(record: Record) -> bool:
            time = record.created if created else record.modified
            return time > at if later else time < at

        return timed
    if name.endswith(("NameContains", "NamePrefix")):
        return lambda record: str(value).lower() in record.name.lower()
    if name in ("StatusEquals", "Status"):
        return lambda record: _status(record, shape) == value
    member = name.removesuffix("Equals")
    return lambda record: record.said(shape, member) == value


def _status(record: Record, shape: Shape) -> str | None:
    if record.status:
        return record.status
    members = [
        sub for name, sub in shape.members.items() if record.kind.family.endswith(name.removesuffix("Status"))
    ]
    return next((settled(sub) for sub in members if getattr(sub, "enum", None)), None)
