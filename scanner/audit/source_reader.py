"""Reads types of other services than SageMaker in one scope, each operation as seldom as it goes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from threading import Lock
from typing import TYPE_CHECKING, Any

from scanner.audit.answer import pascal, told
from scanner.audit.fault import Fault
from scanner.audit.item import Api, Item, tags_in
from scanner.audit.paging import answers
from scanner.audit.source import Read, Row, Source
from scanner.value import Opaque, Partial

if TYPE_CHECKING:
    from scanner.audit.census import MapCalls

_MANY = 100
_SHARED = ("ec2", "kms", "s3")
"""Services of which several types are made of one operation, which is asked for once."""


class Reader:
    """The types of one scope. `map_calls` runs a function on things side by side, in their order."""

    def __init__(self, api: Api, map_calls: MapCalls) -> None:
        self.api = api
        self.map_calls = map_calls
        self.known: dict[str, list[dict[str, Any]]] = {}
        """Operation -> the pages of its answer."""
        self._common: dict[tuple[str, str], Any] = {}
        """What was answered once for all resources, or the Fault."""
        self._lock = Lock()

    def rows(self, source: Source, wanted: Collection[str]) -> Iterator[Row]:
        """Every resource of a type. Raises Fault."""
        first, *others = source.reading(wanted)
        many = next((read for read in others if read.many), None)
        pages = self._batches(source, first, many) if many else [self._all(source, first)]
        listed = chain.from_iterable(pages)
        head = next(listed, None)
        if head is None:
            return
        beside: list[tuple[Read, dict[Any, list[Any]]]] = []
        for read in others:
            if read.items and not read.many:
                found: dict[Any, list[Any]] = {}
                for row in self._all(source, read):
                    found.setdefault(row.get(read.by or ""), []).append(row)
                beside.append((read, found))
        for row in chain((head,), listed):
            record = dict(row)
            for read, found in beside:
                record[read.known_as] = found.get(record.get(read.to or ""), [])
            name = told(source.name, record)
            if not isinstance(name, str) or not name:
                raise Fault("malformed", "NamelessResource", source.service, first.operation, self.api.scope)
            yield Row(name, self._names(source, name, record), record)

    def item(self, source: Source, row: Row, wanted: Collection[str]) -> tuple[Item | None, list[Fault]]:
        """A resource with its `wanted` properties, None where there is none; and what could not be asked.

        A property that hangs on a call that failed is unknown.
        """
        record, faults = dict(row.record), []
        failed: dict[str, Fault] = {}
        for read in source.reading(wanted):
            if read.items is None:
                try:
                    record[read.known_as] = self._told(source, read, record)
                except Fault as fault:
                    faults.append(fault)
                    failed[read.known_as] = fault
        if any(fault.kind == "missing" for fault in faults):
            return None, faults
        if source.exists and not told(source.exists, record):
            return None, faults
        values = {}
        for name in wanted:
            lost = ""
            for expression in source.properties.get(name, (name,)):
                missed = next((it for it in failed if re.search(rf"\b{it}\b", expression)), "")
                lost = lost or missed
                if not missed and (value := told(expression, record)) is not None:
                    values[name] = value
                    break
            else:
                if lost:
                    values[name] = Partial((Opaque(f"what {failed[lost].action} would tell"),))
        arn = self._arn(source, row.name, record)
        _, stack = tags_in(row.record)
        return Item(source.type, row.name, arn, values, stack, home=source.home(row.record)), faults

    def _batches(self, source: Source, first: Read, many: Read) -> Iterator[list[dict[str, Any]]]:
        listed = [told(source.name, row) for row in self._all(source, first)]
        parts = [listed[start : start + _MANY] for start in range(0, len(listed), _MANY)]
        yield from self.map_calls(lambda part: list(self._pages(source, many, {str(many.many): part})), parts)

    def _all(self, source: Source, read: Read) -> Iterator[dict[str, Any]]:
        return self._pages(source, read, self._parameters(read))

    def _pages(self, source: Source, read: Read, parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for answer in self._answers(read, parameters):
            for row in told(read.items, answer) or ():
                row = pascal(row) if source.pascal else row
                if read.each:
                    outer = {name: value for name, value in row.items() if name != read.each}
                    yield from ({**outer, **inner} for inner in row.get(read.each) or ())
                else:
                    yield row

    def _answers(self, read: Read, parameters: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
        """The pages of an operation."""
        member = re.match(r"\w+", read.items or "")
        asked = answers(self.api, read.service, read.operation, parameters, (member[0],) if member else ())
        if read.service not in _SHARED:
            return asked
        if read.operation not in self.known:
            self.known[read.operation] = list(asked)
        return self.known[read.operation]

    def _told(self, source: Source, read: Read, record: Mapping[str, Any]) -> Any:
        """What an operation that lists nothing says of a resource. Raises Fault."""
        if read.given:
            return self._ask(source, read, record)
        key = source.type, read.known_as
        with self._lock:
            if key not in self._common:
                try:
                    self._common[key] = self._ask(source, read, record)
                except Fault as fault:
                    self._common[key] = fault
        answer = self._common[key]
        if isinstance(answer, Fault):
            raise answer
        return answer

    def _parameters(self, read: Read) -> dict[str, Any]:
        scope = self.api.scope
        return {
            name: it.format(account=scope.account, region=scope.region) if isinstance(it, str) else it
            for name, it in read.parameters.items()
        }

    def _ask(self, source: Source, read: Read, record: Mapping[str, Any]) -> Any:
        given = {name: told(expression, record) for name, expression in read.given.items()}
        try:
            asked = {**self._parameters(read), **given}
            needs = (read.needs,) if read.needs else ()
            answer = self.api.call(read.service, read.operation, asked, needs=needs)
        except Fault as fault:
            if fault.code in read.absent:
                return None
            raise
        return pascal(answer) if source.pascal else answer

    def _arn(self, source: Source, name: str, record: Mapping[str, Any]) -> str | None:
        if ":" not in source.arn:
            found = told(source.arn, record)
            return found if isinstance(found, str) else None
        scope = self.api.scope
        return f"arn:{scope.partition}:" + source.arn.format(
            region=scope.region, account=scope.account, name=name
        )

    def _names(self, source: Source, name: str, record: Mapping[str, Any]) -> frozenset[str]:
        more = told(source.names, record) if source.names else []
        found = {name, self._arn(source, name, record), *(more or ())}
        return frozenset(it for it in found if isinstance(it, str))
