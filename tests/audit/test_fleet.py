"""The workers of a real Dask cluster on this machine, some of which die."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from scanner.audit import fleet
from scanner.audit.access import Access, Role
from scanner.audit.account import Place
from scanner.audit.client import Client, verify
from scanner.audit.fault import Fault
from scanner.audit.item import Scope
from scanner.model import SmguardError
from tests.audit.fast import ACCOUNT, REGION
from tests.audit.running import audit
from tests.fake_aws import Fake

pytestmark = pytest.mark.filterwarnings("ignore:Creating scratch directories is taking")  # on a busy disk

pytest.importorskip("distributed", reason="Dask is an extra")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two workers, each replaced when it dies; a task may be on board when one does, not when two do."""
    import dask
    from distributed import LocalCluster

    few = dask.config.set({"distributed.scheduler.allowed-failures": 1})
    with few, LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        yield cluster


def in_place(environment: dict[str, str], place: Place, marks: str, deaths: int) -> tuple[str, int]:
    """What a worker does: ask AWS who it is; the first so many times it dies over it."""
    os.environ.update(environment)
    name = place.scope.shown.replace("/", "-")
    before = len(list(Path(marks).glob(f"{name}-*")))
    Path(marks, f"{name}-{before}").touch()
    if before < deaths:
        os.kill(os.getpid(), signal.SIGKILL)
    return verify(Client(*place)), os.getpid()


def test_places_are_audited_by_workers_although_some_die(cluster: Any, aws: Fake, tmp_path: Path) -> None:
    places = [
        Place(Access(roles=roles), Scope(account, region))
        for region in ("us-east-1", "eu-west-1")
        for account, roles in ((ACCOUNT, ()), ("2" * 12, (Role(f"arn:aws:iam::{'2' * 12}:role/r"),)))
    ]
    work = partial(in_place, aws.environment(), marks=str(tmp_path))
    workers = fleet.dask_workers(cluster.scheduler_address)
    try:
        futures = [workers.submit(work, place, deaths=number == 1) for number, place in enumerate(places)]
        callers = [future.result(timeout=60) for future in futures]
        assert [arn for arn, _ in callers] == [
            f"arn:aws:iam::{ACCOUNT}:user/auditor",
            f"arn:aws:sts::{'2' * 12}:assumed-role/auditor/session",
        ] * 2
        assert os.getpid() not in {pid for _, pid in callers}
        assert len(list(tmp_path.iterdir())) >= len(places) + 1
        # A worker whose own credentials are of another account reads nothing under this account's name.
        wrong = workers.submit(work, Place(Access(), Scope("9" * 12, REGION)), deaths=0)
        with pytest.raises(Fault, match="OtherAccount"):
            wrong.result(timeout=60)
    finally:
        workers.shutdown(wait=False, cancel_futures=True)


def test_an_audit_on_a_cluster_whose_worker_is_killed_finds_the_same(tmp_path: Path) -> None:
    import dask
    from distributed import Client as Visitor
    from distributed import LocalCluster

    regions = [word for name in ("us-east-1", "eu-west-1", "us-west-2") for word in ("--region", name)]
    words = (*regions, "--select", "notebook-root-access", "--no-store", "-f", "json")
    with Fake() as fake:
        for region in regions[1::2]:
            fake.create("NotebookInstance", {"RootAccess": "Enabled"}, region=region)
        here = audit(fake, tmp_path, *words)
        few = dask.config.set({"distributed.scheduler.allowed-failures": 3})
        led = {**fake.environment(), "XDG_CACHE_HOME": str(tmp_path)}
        with few, LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", env=led) as cluster:
            with Visitor(cluster) as visitor:
                left = [*visitor.run(os.getpid).values()]

            def kill(call: Any) -> float:
                if call.operation == "DescribeNotebookInstance" and len(left) > 1:
                    os.kill(left.pop(), signal.SIGKILL)
                return 0.0

            fake.latency = kill
            there = audit(fake, tmp_path, *words, "--dask", cluster.scheduler_address)
    assert len(left) == 1
    assert (there.code, there.report["findings"]) == (1, here.report["findings"])
    assert there.report["summary"] == here.report["summary"]
    assert len(here.report["findings"]) == 3


def test_a_task_that_every_worker_dies_over_is_given_up(cluster: Any, aws: Fake, tmp_path: Path) -> None:
    workers = fleet.dask_workers(cluster.scheduler_address)
    with workers:
        place = Place(Access(), Scope(ACCOUNT, REGION))
        future = workers.submit(in_place, aws.environment(), place, str(tmp_path), 99)
        with pytest.raises(BrokenExecutor):
            future.result(timeout=60)
    assert len(list(tmp_path.iterdir())) <= 12


def test_no_workers_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    monkeypatch.setattr(fleet, "_LOOK", 0.05)
    monkeypatch.setattr(fleet, "_ALONE", 0.1)
    with LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as cluster:
        workers = fleet.dask_workers(cluster.scheduler_address)
        cluster.sync(cluster.workers[0].close)
        monkeypatch.setattr(fleet, "_PATIENCE", 0.2)
        with pytest.raises(SmguardError, match="has no workers"):
            fleet.dask_workers(cluster.scheduler_address)
        with pytest.raises(BrokenExecutor, match="no workers are left"):
            workers.submit(os.getpid).result(timeout=30)
        workers.shutdown(wait=False)


def test_a_scheduler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "_PATIENCE", 0.2)
    with pytest.raises(SmguardError, match="no Dask scheduler") as met:
        fleet.dask_workers("tcp://127.0.0.1:9")
    assert met.value.hint


def test_workers_with_another_version(cluster: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "__version__", "99")
    with pytest.raises(SmguardError, match="don't all have smguard 99"):
        fleet.dask_workers(cluster.scheduler_address)


def test_without_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SmguardError, match="--dask needs Dask") as met:
        fleet.dask_workers("tcp://127.0.0.1:9")
    assert "[dask]" in met.value.hint
