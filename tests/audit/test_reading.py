"""Every type is read through boto3 from the fake AWS: what comes back, what it costs, what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scanner import catalog
from scanner.audit.acquisition import Wanted, load
from scanner.audit.census import Event, read
from scanner.audit.fault import Fault
from scanner.audit.item import Api, Item
from scanner.audit.memory import Memory
from scanner.audit.store import Store
from scanner.model import Note
from scanner.value import Partial
from tests.audit.fast import at, client
from tests.audit.plain import SCOPE, Kept
from tests.fake_aws import Fake
from tests.fake_aws.kinds import kinds

HOW = load()
READ = sorted(name for name, how in HOW.items() if how.read_as is None)
TRAINING, NOTEBOOK = "AWS::SageMaker::TrainingJob", "AWS::SageMaker::NotebookInstance"
PAST = datetime.now(UTC) - timedelta(days=2)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    with Fake() as fake, at(fake, monkeypatch):
        yield fake


def audit(
    api: Api, type_name: str, memory: Memory | None = None, since: datetime | None = None
) -> list[Event]:
    def map_calls(function: Callable[[Any], Any], things: Iterable[Any]) -> Iterator[Any]:
        return map(function, things)

    how = HOW[type_name]
    return list(read(api, how, Wanted(how.kept, since), memory or Kept(), map_calls))


def items(events: Iterable[Event]) -> dict[str, Item]:
    return {it.name: it for it in events if isinstance(it, Item)}


def troubles(events: Iterable[Event]) -> set[tuple[str, str]]:
    return {(it.operation, it.kind) for it in events if isinstance(it, Fault)}


def examples(type_name: str) -> Iterator[Mapping[str, Any]]:
    """Properties of the examples of a type, as far as Create takes them."""
    inputs = kinds()[type_name.rpartition("::")[2]].inputs
    for verdicts in catalog.examples().values():
        for example in (it for some in verdicts.values() for it in some):
            resources = [example.get("resource"), *example.get("template", {}).get("Resources", {}).values()]
            for resource in filter(None, resources):
                properties = resource.get("Properties") or {}
                known = isinstance(properties, dict) and not any(
                    sign in str(properties) for sign in ("'Ref'", "'Fn::")
                )
                if resource["Type"] == type_name and known:
                    yield {name: properties[name] for name in inputs & properties.keys()}


@pytest.mark.no_cover  # one type covers as much
@pytest.mark.parametrize("name", READ)
def test_what_was_created_is_read_back_by_list_and_describe_and_by_search(name: str, fake: Fake) -> None:
    how = HOW[name]
    created = {}
    for properties in examples(name):
        plain = {it: properties[it] for it in properties if not it.endswith("Name") or it in how.kept}
        record = fake.create(name, plain, created=PAST)
        key = record.key if "DomainId" in how.listing.name else record.values.get("Name", record.name)
        key = record.arn.partition("model-package/")[2] or key
        created[key] = plain
    assert created or name == "AWS::SageMaker::Pipeline"
    fake.create(name, {}, created=PAST)
    fake.create(name, {}, created=PAST)
    api = client()
    searched = audit(api, name)
    assert troubles(searched) == set()
    assert [it for it in searched if isinstance(it, Note)] == []
    found = items(searched)
    assert len(found) == len([it for it in searched if isinstance(it, Item)]) == len(created) + 2
    for key, properties in created.items():
        for property_name in (how.kept & properties.keys()) - how.only_while_open:
            value = found[key].properties[property_name]
            if property_name in how.never:
                assert isinstance(value, Partial)
            else:
                assert alike(value, properties[property_name]), (key, property_name)
    for item in found.values():
        assert item.type == name
        assert item.arn is not None
        assert item.arn.startswith("arn:aws:sagemaker:us-east-1:111122223333:")
    if how.search is not None:
        assert fake.calls["Search"]
        fake.sagemaker.unsearchable = lambda _: True
        described = items(audit(api, name))
        told, read_one_by_one = (
            {
                key: {at: it.properties[at] for at in it.properties.keys() - how.unsaid}
                for key, it in each.items()
            }
            for each in (found, described)
        )
        assert told == read_one_by_one
        assert how.listing.whole or fake.calls[how.describing.operation] >= len(found)


def alike(read: Any, created: Any) -> bool:
    """Is what was read what was created, whatever else AWS adds?"""
    if isinstance(created, Mapping):
        return isinstance(read, Mapping) and all(
            alike(read[key], value) for key, value in created.items() if key in read
        )
    if isinstance(created, list):
        return len(read) == len(created) and all(map(alike, read, created))
    return str(read).lower() == str(created).lower()


def test_jobs_of_both_versions_of_automl_are_read_once(fake: Fake) -> None:
    key = {"SecurityConfig": {"VolumeKmsKeyId": "k"}}
    fake.create("AWS::SageMaker::AutoMLJob", {"AutoMLJobName": "one", "AutoMLJobConfig": key}, created=PAST)
    fake.create("AWS::SageMaker::AutoMLJobV2", {"AutoMLJobName": "two", **key}, created=PAST)
    assert audit(client(), "AWS::SageMaker::AutoMLJob") == []
    assert not fake.calls
    found = items(audit(client(), "AWS::SageMaker::AutoMLJobV2"))
    assert {name: it.properties for name, it in found.items()} == {"one": key, "two": key}


def test_what_is_listed_though_deleted_is_not_there(fake: Fake) -> None:
    for status in ("Deleted", "Created", "Unheard"):
        fake.create("AWS::SageMaker::MlflowApp", {"Name": status}, created=PAST, status=status)
    assert set(items(audit(client(), "AWS::SageMaker::MlflowApp"))) == {"Created", "Unheard"}


LIST, DESCRIBE, SEARCH = "ListTrainingJobs", "DescribeTrainingJob", "Search"


@pytest.mark.no_cover  # a call of the client covers as much
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDeniedException", "denied"),
        ("ThrottlingException", "throttled"),
        ("ExpiredTokenException", "expired"),
        ("UnrecognizedClientException", "disabled"),
        ("InternalFailure", "failed"),
        ("garbage", "malformed"),
        ("empty", "malformed"),
        ("truncated", "malformed"),
        ("reset", "unreachable"),
    ],
)
@pytest.mark.parametrize("operation", [LIST, DESCRIBE, SEARCH])
def test_no_fault_makes_a_resource_out_of_nothing(code: str, kind: str, operation: str, fake: Fake) -> None:
    for number in range(3):
        properties = {"TrainingJobName": f"job-{number}", "ResourceConfig": {"VolumeKmsKeyId": f"k{number}"}}
        fake.create(TRAINING, properties, created=PAST)
    fake.create(TRAINING, {"TrainingJobName": "late"}, created=PAST, status="InProgress")
    fake.fail(operation, code)
    events = audit(client(), TRAINING)
    found = items(events)
    whole = {f"job-{number}": {"VolumeKmsKeyId": f"k{number}"} for number in range(3)}
    read_back = {name: it.properties["ResourceConfig"] for name, it in found.items() if name != "late"}
    met = {it.kind for it in events if isinstance(it, Fault)}
    said = " ".join(it.what for it in events if isinstance(it, Note))
    account_wide = kind in ("expired", "disabled") or (kind == "unreachable" and operation == LIST)
    if operation == SEARCH:
        assert (code in said or kind in ("malformed", "unreachable")) == ("one by one" in said)
        assert read_back == whole or account_wide
    elif operation == LIST:
        assert met
        assert read_back == ({} if account_wide else whole)
    else:
        assert met
        assert "late" not in found
    assert read_back.items() <= whole.items()
    assert met or len(found) == 4


def test_a_describe_that_finds_nothing_is_a_deletion(fake: Fake) -> None:
    for name in (NOTEBOOK, "AWS::SageMaker::EndpointConfig"):  # neither models an error for it
        for number in range(3):
            fake.create(name, {f"{name.rpartition('::')[2]}Name": f"n{number}"}, created=PAST)
        operation = HOW[name].describing.operation
        fake.fail(operation, "missing", when=lambda call: "n1" in call.parameters.values())
        events = audit(client(), name)
        assert set(items(events)) == {"n0", "n2"}
        assert troubles(events) == {(operation, "missing")}


@pytest.mark.no_cover  # few resources cover as much
def test_calls_of_a_large_account_and_of_the_next_audit(fake: Fake, tmp_path: Path) -> None:
    config = {"ResourceConfig": {"VolumeKmsKeyId": "k", "InstanceCount": 1}}
    fake.populate(TRAINING, 10_000, config, first=PAST - timedelta(days=1), step=timedelta(seconds=5))
    others = ("NotebookInstance", "Domain", "Model", "EndpointConfig", "Endpoint", "FeatureGroup", "Cluster")
    for noun in others:
        for _ in range(2):
            fake.create(noun, {}, created=PAST)
    api = client()

    def all_types() -> int:
        store = Store(str(tmp_path / "store.sqlite3"))
        memory = Memory(store, SCOPE, "1")
        found = [len(items(audit(api, name, memory, PAST - timedelta(days=90)))) for name in READ]
        memory.flush()
        store.close()
        return sum(found)

    assert all_types() == 10_000 + 2 * len(others)
    first = sum(fake.calls.values())
    assert first <= 300
    assert fake.calls[LIST] == 1 + 100 + 2
    assert fake.calls[SEARCH] <= 100 + 4
    fake.calls.clear()
    assert all_types() == 10_000 + 2 * len(others)
    assert sum(fake.calls.values()) <= 60
    assert not {operation for operation in fake.calls if operation.startswith("ListTags")}


def test_a_search_that_lags_behind(fake: Fake) -> None:
    fake.sagemaker.search_lag = timedelta(minutes=10)
    config = {"ResourceConfig": {"VolumeKmsKeyId": "k"}}
    fake.populate(TRAINING, 250, config, first=PAST)
    for _ in range(5):
        fake.create(TRAINING, config)
    events = audit(client(), TRAINING)
    assert len(items(events)) == 255
    assert fake.calls == {LIST: 3, SEARCH: 3, DESCRIBE: 5}
    (note,) = [it.what for it in events if isinstance(it, Note)]
    assert note == f"{TRAINING}: 5 are named by {LIST}, not found by Search; described instead"
