"""The resources of one family in one account and region: created ones, and any number of imagined ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tests.fake_aws.kinds import Kind, Record


class Range(NamedTuple):
    """`count` resources that are made up when someone looks: `prefix-0000000`, `prefix-0000001`, …"""

    kind: Kind
    prefix: str
    size: int
    values: Callable[[int], Mapping[str, Any]]
    first: datetime
    step: timedelta
    status: str | None
    tags: Mapping[str, str]

    def created(self, number: int) -> datetime:
        """When one was created."""
        return self.first + self.step * number


class Shelf:
    """One family's resources. Handles are numbers: the created ones', then each range's."""

    def __init__(self, account: str, region: str, partition: str) -> None:
        self._root = f"arn:{partition}:sagemaker:{region}:{account}:"
        self.defaults = False
        self.gone: set[str] = set()
        self._records: dict[str, Record] = {}
        self._ranges: list[Range] = []
        self._orders: dict[tuple[str, bool], list[int]] = {}
        self._list: list[Record] | None = None

    def put(self, record: Record) -> None:
        """Keep a resource, in place of the one of that name."""
        self._records[record.key] = record
        self.gone.discard(record.key)
        self._changed()

    def populate(self, many: Range) -> None:
        """Imagine many."""
        self._ranges.append(many)
        self._changed()

    def delete(self, record: Record) -> None:
        """Forget one; one of a range is only marked."""
        if self._records.pop(record.key, None) is None:
            self.gone.add(record.key)
        self._changed()

    def _changed(self) -> None:
        self._orders.clear()
        self._list = None

    def make(
        self, kind: Kind, key: str, values: Mapping[str, Any], created: datetime, status: str | None,
        tags: Mapping[str, str],
    ) -> Record:  # fmt: skip
        """A resource with its ARN, in which AWS writes names in lower case."""
        arn = f"{self._root}{kind.directory}/{key.lower()}"
        return Record(kind, key, values, arn, created, created, status, tags, self.defaults)

    def find(self, word: str) -> Record | None:
        """A resource by its key or ARN."""
        key = word.partition("/")[2] if word.startswith("arn:") else word
        if (record := self._records.get(key)) is not None:
            return record
        if word.startswith("arn:"):
            record = next((each for each in self._records.values() if each.arn == word), None)
        number = re.search(r"\d{7}$", key)
        for many in self._ranges if number and record is None else ():
            made = self._imagined(many, int(number[0])) if number and int(number[0]) < many.size else None
            record = made if made and made.key.lower() == key.lower() else record
        return None if record is None or record.key in self.gone else record

    def at(self, handle: int) -> Record:
        """A resource by its handle."""
        if handle < len(self._records):
            return self._created()[handle]
        handle -= len(self._records)
        for many in self._ranges:
            if handle < many.size:
                return self._imagined(many, handle)
            handle -= many.size
        raise IndexError(handle)

    def _imagined(self, many: Range, number: int) -> Record:
        name = f"{many.prefix}-{number:07d}"
        values = {**many.kind.made_up(number), **many.values(number), many.kind.called: name}
        key = "/".join(str(values.get(part, name)) for part in many.kind.key)
        return self.make(many.kind, key, values, many.created(number), many.status, many.tags)

    def _created(self) -> list[Record]:
        if self._list is None:
            self._list = list(self._records.values())
        return self._list

    def ordered(self, by: str = "CreationTime", descending: bool = False) -> list[int]:
        """All handles in an order, which is kept until something changes."""
        by = "Name" if by.upper() == "NAME" else by
        if (by, descending) not in self._orders:
            records = self._created()
            keys: list[tuple[Any, int]] = [
                (_sort_key(each, by), handle) for handle, each in enumerate(records)
            ]
            handle = len(records)
            for many in self._ranges:
                numbers = range(many.size)
                if by == "Name":
                    keys += [(f"{many.prefix}-{number:07d}", handle + number) for number in numbers]
                else:
                    keys += [(many.created(number), handle + number) for number in numbers]
                handle += many.size
            self._orders[by, descending] = [handle for _, handle in sorted(keys, reverse=descending)]
        return self._orders[by, descending]

    def __len__(self) -> int:
        return len(self._records) + sum(many.size for many in self._ranges) - len(self.gone)


def _sort_key(record: Record, by: str) -> Any:
    if by == "Name":
        return record.name
    return record.modified if by == "LastModifiedTime" else record.created


def moment(value: Any) -> datetime:
    """A time as it comes over the wire."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, (int, float)):
        return datetime.fromtimestamp(value, UTC)
    read = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    return read if read.tzinfo else read.replace(tzinfo=UTC)
