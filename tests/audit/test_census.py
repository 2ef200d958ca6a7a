"""Laws of reading a type: what List names, each once, however Search lags, and the same from memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.audit import merge
from scanner.audit.acquisition import Wanted, load
from scanner.audit.census import Event, read
from scanner.audit.fault import Fault
from scanner.audit.item import Item
from scanner.model import Note
from scanner.value import Partial
from tests.audit.plain import BEGIN, Account, Job, Kept

HOW = load()["AWS::SageMaker::TrainingJob"]
DAY = timedelta(days=1)
AT = BEGIN + 100 * DAY
SAFE = frozenset({"ResourceConfig", "VpcConfig"})
ALL = SAFE | {"RemoteDebugConfig", "ServerlessJobConfig"}


def backwards(function: Callable[[Any], Any], things: Iterable[Any]) -> Iterator[Any]:
    """Results in another order than that of the questions."""
    yield from [function(thing) for thing in things][::-1]


def audit(
    account: Account,
    memory: Kept | None = None,
    properties: frozenset[str] = SAFE,
    since: datetime | None = None,
    at: datetime = AT,
) -> list[Event]:
    wanted = Wanted(properties, since, at=at)
    return list(read(account, HOW, wanted, memory or Kept(), backwards))


def items(events: Iterable[Event]) -> list[Item]:
    return sorted(it for it in events if isinstance(it, Item))


def notes(events: Iterable[Event]) -> list[str]:
    return [it.what for it in events if isinstance(it, Note)]


def faults(events: Iterable[Event]) -> list[tuple[str, str]]:
    return [(it.operation, it.kind) for it in events if isinstance(it, Fault)]


def made(count: int, **given: Any) -> list[Job]:
    return [Job(f"job-{number:04d}", BEGIN + timedelta(hours=number), **given) for number in range(count)]


def keys(events: Iterable[Event]) -> dict[str, str]:
    """Name -> key, of resources each of which is there once."""
    found = items(events)
    assert len({it.name for it in found}) == len(found)
    return {it.name: it.properties["ResourceConfig"]["VolumeKmsKeyId"] for it in found}


def test_search_brings_what_list_names_with_stack_and_tags() -> None:
    account = Account(made(7))
    events = audit(account)
    assert [it.name for it in items(events)] == [job.name for job in made(7)]
    assert notes(events) == []
    assert faults(events) == []
    assert account.calls == {"ListTrainingJobs": 3, "Search": 3}
    first = items(events)[0]
    assert first.arn == "arn:aws:sagemaker:us-east-1:111122223333:training-job/job-0000"
    assert first.properties == {"ResourceConfig": {"VolumeKmsKeyId": "k"}}
    assert (first.stack, first.moot) == ("s", frozenset())
    tags = [{"Key": "aws:cloudformation:stack-name", "Value": "s"}, {"Key": "Team", "Value": "t"}]
    with_tags = audit(Account(made(7)), properties=frozenset({"Tags"}))
    assert [it.properties for it in items(with_tags)] == 7 * [{"Tags": tags}]


@pytest.mark.parametrize(
    ("count", "calls"),
    [
        (0, {"ListTrainingJobs": 1}),
        (1, {"ListTrainingJobs": 1, "DescribeTrainingJob": 1}),
        (2, {"ListTrainingJobs": 1, "Search": 1}),
    ],
)
def test_search_is_asked_only_where_it_saves_calls(count: int, calls: dict[str, int]) -> None:
    account = Account(made(count))
    assert len(items(audit(account))) == count
    assert account.calls == calls


class TestProperties:
    def test_remote_debugging_is_described_for_jobs_in_progress_and_moot_for_others(self) -> None:
        jobs = [*made(5, remote=True), Job("late", AT - DAY, "InProgress", remote=True)]
        account = Account([*jobs, Job("new", AT - DAY, "Pausing", remote=True)])
        found = {it.name: it for it in items(audit(account, properties=ALL))}
        assert account.calls["DescribeTrainingJob"] == 2
        for name in ("late", "new"):  # an unknown status counts as going on
            assert found[name].properties["RemoteDebugConfig"] == {"EnableRemoteDebug": True}
            assert found[name].moot == frozenset()
        assert found["job-0001"].moot == {"RemoteDebugConfig"}
        assert "RemoteDebugConfig" not in found["job-0001"].properties

    def test_a_finished_job_that_was_described_is_the_same_as_one_that_was_searched(self) -> None:
        described, searched = Account(made(3, remote=True)), Account(made(3, remote=True))
        described.found = list
        bare = [it._replace(stack=None) for it in items(audit(searched, properties=ALL))]
        assert items(audit(described, properties=ALL)) == bare

    def test_what_excludes_another_property_is_described_where_that_is_absent(self) -> None:
        account = Account([*made(3), Job("free", AT - DAY, serverless=True)])
        (free,) = [it for it in items(audit(account, properties=ALL)) if it.name == "free"]
        assert free.properties["ServerlessJobConfig"] == {"JobType": "FineTuning"}
        assert account.calls["DescribeTrainingJob"] == 1

    def test_what_search_lacks_for_all_is_described_for_all(self) -> None:
        account = Account(made(4))
        audit(account, properties=SAFE | {"InfraCheckConfig"})
        assert account.calls == {"ListTrainingJobs": 2, "DescribeTrainingJob": 4}

    def test_what_nothing_returns_is_unknown(self) -> None:
        for known in (False, True):
            memory = Kept()
            found = []
            for _ in range(1 + known):
                found = items(audit(Account(made(3)), memory, SAFE | {"SessionChainingConfig"}))
            for item in found:
                value = item.properties["SessionChainingConfig"]
                assert isinstance(value, Partial)
                assert value.cause == "what DescribeTrainingJob does not return"


class TestFaults:
    def test_a_denied_search_costs_calls_only(self) -> None:
        account = Account(made(7))
        account.faults["Search"] = lambda _: "denied"
        events = audit(account)
        assert len(keys(events)) == account.calls["DescribeTrainingJob"] == 7
        assert faults(events) == []
        (note,) = notes(events)
        assert "described one by one, because sagemaker:Search is denied" in note

    def test_a_search_that_breaks_off(self) -> None:
        account = Account(made(9))
        account.faults["Search"] = lambda asked: "malformed" if "NextToken" in asked else None
        events = audit(account)
        assert len(keys(events)) == 9
        assert account.calls["DescribeTrainingJob"] == 6
        assert len(notes(events)) == 1

    def test_a_search_that_does_not_sort_by_time_is_asked_without_order(self) -> None:
        account = Account(made(7))
        account.faults["Search"] = lambda asked: "failed:ValidationException" if "SortBy" in asked else None
        events = audit(account)
        assert len(keys(events)) == 7
        assert notes(events) == []
        assert account.calls == {"ListTrainingJobs": 3, "Search": 4}
        account.faults["Search"] = lambda _: "failed:ValidationException"
        account.calls.clear()
        assert len(keys(audit(account))) == 7
        assert account.calls["Search"] == 2

    def test_a_denied_list_leaves_what_search_finds_and_says_that_it_may_not_be_all(self) -> None:
        jobs = [*made(4), Job("late", AT - DAY, "InProgress"), Job("free", AT - DAY, serverless=True)]
        account = Account(jobs)
        account.faults["ListTrainingJobs"] = lambda _: "denied"
        memory = Kept()
        events = audit(account, memory, ALL)
        assert {it.name for it in items(events)} == {job.name for job in jobs}
        assert account.calls["DescribeTrainingJob"] == 2
        assert faults(events) == [("ListTrainingJobs", "denied")]
        assert "ListTrainingJobs does not confirm that it is all" in notes(events)[0]
        assert memory.ends == {}

    def test_a_list_and_search_that_are_denied(self) -> None:
        account = Account(made(4))
        account.faults["ListTrainingJobs"] = account.faults["Search"] = lambda _: "denied"
        events = audit(account, since=AT - DAY)
        assert [type(event) for event in events] == [Fault]
        assert account.calls == {"ListTrainingJobs": 1, "Search": 1}

    def test_a_list_that_repeats_its_token_keeps_the_pages_before(self) -> None:
        class Looping(Account):
            def _list(self, asked: Any) -> Any:
                return {**super()._list(asked), "NextToken": "3"}

        account = Looping(made(7))
        events = audit(account)
        assert len(keys(events)) == 7  # what List did not come to, Search knows
        assert faults(events) == [("ListTrainingJobs", "malformed")]
        account.found = list
        assert sorted(keys(audit(account))) == [f"job-{number:04d}" for number in range(6)]

    def test_a_resource_that_is_denied_or_gone_does_not_stop_the_others(self) -> None:
        account = Account(made(6))
        account.found = list
        kinds = {"job-0001": "denied", "job-0003": "missing"}
        account.faults["DescribeTrainingJob"] = lambda asked: kinds.get(asked["TrainingJobName"])
        memory = Kept()
        events = audit(account, memory)
        assert sorted(keys(events)) == ["job-0000", "job-0002", "job-0004", "job-0005"]
        assert sorted(kind for _, kind in faults(events)) == ["denied", "missing"]
        assert memory.ends == {}
        del account.faults["DescribeTrainingJob"], account.jobs["job-0003"]
        account.calls.clear()
        assert len(keys(audit(account, memory))) == 5
        assert account.calls["DescribeTrainingJob"] == 1  # the others are remembered
        assert memory.ends

    def test_a_resource_that_is_denied_hides_no_job_that_runs_since_long(self) -> None:
        account = Account([*made(3), Job("long", BEGIN - DAY, "InProgress")])
        account.faults["DescribeTrainingJob"] = lambda asked: (
            "denied" if asked["TrainingJobName"] == "job-0001" else None
        )
        account.found = list
        events = audit(account, since=BEGIN)
        assert sorted(keys(events)) == ["job-0000", "job-0002", "long"]
        assert faults(events) == [("DescribeTrainingJob", "denied")]

    def test_what_is_remembered_and_found_counts_once_when_the_list_is_denied(self) -> None:
        account, memory = Account(made(9)), Kept()
        audit(account, memory, at=BEGIN + timedelta(hours=8))
        account.jobs["new"] = Job("new", BEGIN + timedelta(hours=9))
        account.faults["ListTrainingJobs"] = lambda _: "denied"
        events = audit(account, memory, at=BEGIN + DAY)
        assert sorted(keys(events)) == sorted(account.jobs)
        assert faults(events) == [("ListTrainingJobs", "denied")]

    def test_an_item_without_a_name_is_malformed_and_the_others_are_read(self) -> None:
        class Nameless(Account):
            def _list(self, asked: Any) -> Any:
                return {"TrainingJobSummaries": [{}, *super()._list(asked)["TrainingJobSummaries"]]}

        memory = Kept()
        events = audit(Nameless(made(3)), memory)
        assert len(keys(events)) == 3
        assert faults(events) == [("ListTrainingJobs", "malformed")]
        assert memory.ends == {}

    def test_an_empty_answer_of_describe_is_no_resource(self) -> None:
        class Empty(Account):
            def _describe(self, asked: Any) -> Any:
                return {}

        events = audit(Empty(made(1)))
        assert items(events) == []
        assert faults(events) == [("DescribeTrainingJob", "malformed")]

    def test_garbled_results_of_search_are_described(self) -> None:
        class Garbled(Account):
            def _search(self, asked: Any) -> Any:
                return {"Results": [{}, {"TrainingJob": {}}, {"TrainingJob": "x"}]}

        events = audit(Garbled(made(3)))
        assert len(keys(events)) == 3
        assert "3 are named by ListTrainingJobs, not found by Search" in notes(events)[0]


STATUSES = ("Completed", "InProgress", "Failed", "Stopping")


def job_lists(*more: str) -> st.SearchStrategy[list[Job]]:
    job = st.builds(
        Job,
        name=st.sampled_from([f"job-{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]),
        created=st.integers(0, 40).map(lambda hours: AT - 2 * DAY + timedelta(hours=hours)),
        status=st.sampled_from([*STATUSES, *more]),
        key=st.sampled_from("kmn"),
        serverless=st.booleans(),
    )
    return st.lists(job, unique_by=lambda it: it.name, max_size=26)


class TestLaws:
    @given(
        jobs=job_lists("Hibernating"),
        stale=job_lists(),
        page=st.integers(1, 7),
        apart=st.sampled_from([0, 2, 1000]),
        properties=st.sampled_from([SAFE, ALL]),
        data=st.data(),
    )
    def test_whatever_search_returns_the_result_is_what_list_names_each_once(
        self, jobs: list[Job], stale: list[Job], page: int, apart: int, properties: frozenset[str], data: Any
    ) -> None:
        account = Account(jobs, page)
        known = data.draw(st.permutations(jobs)) if jobs else []
        known = known[: data.draw(st.integers(0, len(known)))]
        # Search may also still know an earlier job of a name, made at another time with another key.
        others = [job for job in stale if job.name not in account.jobs or _differs(job, account)]
        results = data.draw(st.permutations([*known, *others, *known[:2]]))
        account.found = lambda: results
        account.twice = {job.name for job in jobs[:3]}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(merge, "_APART", apart)
            events = audit(account, properties=properties)
        assert faults(events) == []
        found = items(events)
        assert [it.name for it in found] == sorted(account.jobs)
        for item in found:
            job = account.jobs[item.name]
            assert item.properties.get("ResourceConfig") == job.record.get("ResourceConfig")
            if properties is ALL:
                assert item.properties.get("ServerlessJobConfig") == job.whole.get("ServerlessJobConfig")
                assert bool(item.moot) == (job.status in HOW.done)

    @given(
        steps=st.lists(st.tuples(job_lists(), st.integers(0, 25), st.booleans()), min_size=2, max_size=4),
        windows=st.lists(st.sampled_from([None, 1, 20, 90]), min_size=4, max_size=4),
        wanted=st.lists(st.sampled_from([SAFE, ALL, ALL | {"InfraCheckConfig"}]), min_size=4, max_size=4),
    )
    def test_an_audit_with_memory_finds_what_one_without_finds(
        self, steps: list[Any], windows: list[int | None], wanted: list[frozenset[str]]
    ) -> None:
        account, memory, now = Account(page=4), Kept(), AT
        for (jobs, days, ended), window, properties in zip(steps, windows, wanted, strict=False):
            now += days * DAY + 2 * DAY
            for job in jobs:  # made since the last audit; none is deleted
                account.jobs.setdefault(job.name, job._replace(created=job.created + (now - AT)))
            since = None if window is None else now - window * DAY
            cold = audit(account, None, properties, since, now)
            warm = audit(account, memory, properties, since, now)
            assert faults(cold) == faults(warm) == []
            plain = [it._replace(stack=None) for it in items(warm)]
            assert plain == [it._replace(stack=None) for it in items(cold)]
            names = {
                job.name
                for job in account.jobs.values()
                if since is None or job.created >= since or job.status not in HOW.done
            }
            assert {it.name for it in plain} == names
            if ended:
                account.jobs = {it.name: it._replace(status="Completed") for it in account.jobs.values()}


def _differs(job: Job, account: Account) -> bool:
    return abs(job.created - account.jobs[job.name].created) > timedelta(seconds=2)


class TestMemory:
    def test_the_second_audit_asks_once(self) -> None:
        account, memory = Account(made(50)), Kept()
        first = audit(account, memory, ALL)
        account.calls.clear()
        second = audit(account, memory, ALL, at=AT + DAY)
        assert account.calls == {"ListTrainingJobs": 1, "DescribeTrainingJob": 0} or account.calls == {
            "ListTrainingJobs": 1
        }
        assert items(first) == items(second)
        assert items(second)[0].stack == "s"

    def test_only_new_jobs_are_read(self) -> None:
        account, memory = Account(made(50)), Kept()
        audit(account, memory, ALL)
        account.jobs |= {
            job.name: job for job in (Job(f"new-{i}", AT + timedelta(hours=i)) for i in range(4))
        }
        account.calls.clear()
        assert len(keys(audit(account, memory, ALL, at=AT + DAY))) == 54
        assert account.calls == {"ListTrainingJobs": 2, "Search": 2}

    def test_jobs_in_progress_are_asked_about_anew(self) -> None:
        account, memory = Account([*made(9), Job("long", AT - DAY, "InProgress", remote=True)]), Kept()
        audit(account, memory, ALL)
        account.calls.clear()
        (item,) = [it for it in items(audit(account, memory, ALL, at=AT + DAY)) if it.name == "long"]
        assert item.properties["RemoteDebugConfig"] == {"EnableRemoteDebug": True}
        assert account.calls == {"ListTrainingJobs": 1, "DescribeTrainingJob": 1}
        account.jobs["long"] = account.jobs["long"]._replace(status="Stopped")
        (item,) = [it for it in items(audit(account, memory, ALL, at=AT + DAY)) if it.name == "long"]
        assert item.moot == {"RemoteDebugConfig"}
        account.calls.clear()
        audit(account, memory, ALL, at=AT + 2 * DAY)
        assert account.calls["DescribeTrainingJob"] == 0

    def test_jobs_before_the_window_count_while_they_run(self) -> None:
        long = Job("long", BEGIN, "InProgress")
        account, memory = Account([*made(9), long, Job("new", AT - DAY)]), Kept()
        for _ in range(2):
            assert sorted(keys(audit(account, memory, since=AT - 2 * DAY))) == ["long", "new"]
        account.jobs["long"] = long._replace(status="Completed")
        for _ in range(2):
            assert sorted(keys(audit(account, memory, since=AT - 2 * DAY))) == ["new"]
        assert len(keys(audit(account, memory))) == 11  # a wider window is read anew

    def test_after_a_week_deleted_jobs_are_noticed(self) -> None:
        account, memory = Account(made(9)), Kept()
        audit(account, memory)
        del account.jobs["job-0003"]
        assert len(keys(audit(account, memory, at=AT + 2 * DAY))) == 9
        assert len(keys(audit(account, memory, at=AT + 8 * DAY))) == 8
        assert len([key for _, key in memory.known if key == "job-0003"]) == 0

    def test_a_name_that_is_used_again_is_another_job(self) -> None:
        account, memory = Account(made(9)), Kept()
        audit(account, memory)
        account.jobs["job-0003"] = Job("job-0003", AT + DAY, key="other")
        assert keys(audit(account, memory, at=AT + 2 * DAY))["job-0003"] == "other"
        assert keys(audit(account, memory, at=AT + 3 * DAY))["job-0003"] == "other"

    def test_a_store_that_breaks_off_costs_calls_only(self) -> None:
        jobs = [*made(9), Job("long", BEGIN, "InProgress")]
        account, memory = Account(jobs), Kept()
        audit(account, memory, since=BEGIN - DAY)
        memory.broken = True
        account.calls.clear()
        events = audit(account, memory, since=BEGIN - DAY, at=AT + DAY)
        assert len(keys(events)) == 10
        assert "listed anew, because" in notes(events)[0]
        memory.broken, memory.ends = False, {}
        memory.broken = True
        assert len(keys(audit(account, memory, at=AT + DAY))) == 10  # nor does it when all were listed
        assert "AWS::SageMaker::TrainingJob" not in memory.ends
