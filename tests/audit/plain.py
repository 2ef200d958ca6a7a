"""An account of training jobs in memory, and a memory of audits: what laws of reading are tested with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from scanner.audit.fault import Fault
from scanner.audit.item import Scope

SCOPE = Scope("111122223333", "us-east-1")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Job(NamedTuple):
    name: str
    created: datetime
    status: str = "Completed"
    key: str = "k"
    """Its volume's key, by which one job of a name is told from another."""
    remote: bool = False
    serverless: bool = False

    @property
    def summary(self) -> dict[str, Any]:
        return {
            "TrainingJobName": self.name,
            "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:111122223333:training-job/{self.name}",
            "TrainingJobStatus": self.status,
            "CreationTime": self.created,
        }

    @property
    def record(self) -> dict[str, Any]:
        config = {} if self.serverless else {"ResourceConfig": {"VolumeKmsKeyId": self.key}}
        tags = [{"Key": "aws:cloudformation:stack-name", "Value": "s"}, {"Key": "Team", "Value": "t"}]
        return {**self.summary, **config, "Tags": tags}

    @property
    def whole(self) -> dict[str, Any]:
        extra = {"ServerlessJobConfig": {"JobType": "FineTuning"}} if self.serverless else {}
        record = {**self.record, **extra, "RemoteDebugConfig": {"EnableRemoteDebug": self.remote}}
        return {name: value for name, value in record.items() if name != "Tags"}


class Account:
    """The Api over jobs. `found` is what Search returns, as it likes; `twice` are listed on two pages."""

    scope = SCOPE

    def __init__(self, jobs: Collection[Job] = (), page: int = 3) -> None:
        self.jobs = {job.name: job for job in jobs}
        self.found: Callable[[], Collection[Job]] = lambda: sorted(
            self.jobs.values(), key=lambda it: it.created
        )
        self.twice: Collection[str] = ()
        self.page = page
        self.calls: Counter[str] = Counter()
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.faults: dict[str, Callable[[Mapping[str, Any]], str | None]] = {}
        """Operation -> kind of fault for some parameters."""

    def call(
        self, service: str, operation: str, parameters: Mapping[str, Any] = {}, needs: Collection[str] = ()
    ) -> dict[str, Any]:
        self.calls[operation] += 1
        self.asked.append((operation, dict(parameters)))
        fails = self.faults.get(operation)
        kind = fails(parameters) if fails is not None else None
        if kind is not None:
            kind, _, code = kind.partition(":")
            raise Fault(kind, code or "Because", service, operation, self.scope)
        return {
            "ListTrainingJobs": self._list,
            "Search": self._search,
            "DescribeTrainingJob": self._describe,
        }[operation](parameters)

    def _list(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        after, before = asked.get("CreationTimeAfter"), asked.get("CreationTimeBefore")
        status = asked.get("StatusEquals")
        jobs = [
            job
            for job in sorted(self.jobs.values(), key=lambda it: it.created)
            if (after is None or job.created > after) and (before is None or job.created < before)
            if status is None or job.status == status
        ]
        jobs += [job for job in jobs if job.name in self.twice]
        return self._page("TrainingJobSummaries", [job.summary for job in jobs], asked)

    def _search(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        (test,) = asked.get("SearchExpression", {}).get("Filters", [None])
        since = datetime.fromisoformat(f"{test['Value']}+00:00") if test else BEGIN
        found = [{"TrainingJob": job.record} for job in self.found() if job.created >= since]
        return self._page("Results", found, asked)

    def _describe(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        job = self.jobs.get(asked["TrainingJobName"])
        if job is None:
            raise Fault("missing", "ResourceNotFound", "sagemaker", "DescribeTrainingJob", self.scope)
        return job.whole

    def _page(self, member: str, items: list[Any], asked: Mapping[str, Any]) -> dict[str, Any]:
        start = int(asked.get("NextToken", 0))
        rest = {"NextToken": str(start + self.page)} if len(items) > start + self.page else {}
        return {member: items[start : start + self.page], **rest}


class Kept:
    """A Memory that is a dictionary."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], tuple[dict[str, Any], frozenset[str]]] = {}
        self.ends: dict[str, tuple[datetime, datetime | None, frozenset[str]]] = {}
        self.broken = False

    def recall(self, type_name: str, key: str, wanted: Collection[str]) -> dict[str, Any] | None:
        record, held = self.known.get((type_name, key), (None, frozenset()))
        return record if held.issuperset(wanted) else None

    def recall_all(self, type_name: str, wanted: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        for number, (kind, key) in enumerate(sorted(self.known)):
            if self.broken and number:
                raise Fault("failed", "StoreUnreadable", "store", "Read", SCOPE)
            record, held = self.known[kind, key]
            if kind == type_name and held.issuperset(wanted):
                yield key, record

    def remember(
        self, type_name: str, key: str, properties: Mapping[str, Any], wanted: Collection[str]
    ) -> None:
        self.known[type_name, key] = dict(properties), frozenset(wanted)

    def forget(self, type_name: str, key: str) -> None:
        self.known.pop((type_name, key), None)

    def flush(self) -> None:
        """All is kept at once."""

    def last_complete(
        self, type_name: str, wanted: Collection[str], since: datetime | None
    ) -> datetime | None:
        when, start, held = self.ends.get(type_name, (None, None, frozenset()))
        reaches = start is None or (since is not None and start <= since)
        return when if reaches and held.issuperset(wanted) else None

    def complete(
        self, type_name: str, wanted: Collection[str], since: datetime | None, when: datetime
    ) -> None:
        self.ends[type_name] = when, since, frozenset(wanted)
