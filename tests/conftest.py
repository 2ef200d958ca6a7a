"""What all tests share."""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from unittest import mock

import pytest
from coverage import Coverage
from hypothesis import settings

from tests.building import ROOT, attempt, run, unpack

if TYPE_CHECKING:
    from tests.fake_aws import Fake

gc.set_threshold(50_000, 20, 20)  # as the command does
settings.register_profile("quick", deadline=None)
settings.register_profile("thorough", deadline=None, max_examples=3000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


ENDING = pytest.StashKey[Callable[[int], NoReturn]]()
"""How a process ends that is measured."""


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Coverage measures a worker by itself, as any process, which would go on where pytest-cov pauses."""
    controller = getattr(session.config.pluginmanager.getplugin("_cov"), "cov_controller", None)
    if controller is not None:
        controller.pause()
        while other := Coverage.current():
            other.stop()
        controller.resume()
        session.config.stash[ENDING] = os._exit


LONG = ("corpus", "no_cover", "packaging")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure coverage by examples only: tracing makes many times of the time of laws and of the corpus.

    Files with long tests begin each share: xdist gives one to each worker, and who is done with it takes from
    the end of another's.
    """
    files = defaultdict[Path, list[pytest.Item]](list)
    for item in items:
        files[item.path].append(item)
    long = {item.path for item in items if any(map(item.get_closest_marker, LONG))}
    ordered = sorted(files, key=lambda path: path not in long)
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))
    shares = [ordered[first::workers] for first in range(workers)]
    items[:] = [item for share in shares for path in share for item in files[path]]
    for item in items:
        if any(map(item.get_closest_marker, ("hypothesis", "corpus"))):
            item.add_marker("no_cover")


def pytest_collection_finish() -> None:
    """What was collected stays to the end: it need not be looked through for circles again and again."""
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[Any]:
    """Nor are the processes that they start: coverage finds its settings in the environment."""
    from tests.door import MEASURED

    if not item.get_closest_marker("no_cover"):
        return (yield)
    settings = {name: os.environ.pop(name) for name in [*os.environ] if name.startswith("COV")}
    for name in settings:
        MEASURED.pop(name, None)
    try:
        return (yield)
    finally:
        os.environ.update(settings)
        MEASURED.update(settings)
        # Each time that coverage goes on it wraps this once more, until a forked process can't end any more.
        os._exit = item.config.stash.get(ENDING, os._exit)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """What tests prepare that are not measured isn't either: pytest-cov stops for their calls only."""
    controller = getattr(item.config.pluginmanager.getplugin("_cov"), "cov_controller", None)
    if controller is None or not item.get_closest_marker("no_cover"):
        return (yield)
    controller.pause()
    try:
        return (yield)
    finally:
        controller.resume()


@pytest.fixture(scope="session")
def index(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skips what has to install packages where none can be had; in CI that is a failure."""
    folder = tmp_path_factory.mktemp("index")
    words = ("download", "--quiet", "--no-deps", "--no-cache-dir", "--retries=1", "--timeout=10", "click")
    done = attempt(sys.executable, "-m", "pip", *words, cwd=folder)
    if done.returncode:
        why = f"packages can't be installed here: {done.stdout.splitlines()[-1]}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)


@pytest.fixture(scope="session", autouse=True)
def compiled() -> Iterator[None]:
    """What is installed and zipped of the rules here is compiled once: nobody changes them."""
    from scanner import rulepack

    anew, once = rulepack.compiled_files, cache(rulepack.compiled_files)
    here = rulepack.source_directory()
    with mock.patch.object(rulepack, "compiled_files", lambda it: once(it) if it == here else anew(it)):
        yield


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sdist and the wheel by their ending: those in SMGUARD_DIST, else made as a release makes them."""
    given, base = os.environ.get("SMGUARD_DIST"), tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = Path(given).absolute() if given else shared / "dist"
    with (shared / "dist.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            run("make", "--silent", "dist", f"DIST={folder}", f"PYTHON={sys.executable}", cwd=ROOT)
    return {ending: next(folder.glob(f"*{ending}")) for ending in (".whl", ".tar.gz")}


@pytest.fixture(scope="session")
def project(built: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources of the release, unpacked; not to be changed."""
    return unpack(built[".tar.gz"], tmp_path_factory.mktemp("project"))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    """AWS on this machine; boto3 goes there, in this process and in those that it starts."""
    from tests.fake_aws import Fake

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    with Fake() as fake:
        for name, value in fake.environment().items():
            monkeypatch.setenv(name, value)
        yield fake


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium. Without it these tests are skipped, but not where SMGUARD_NEEDS_BROWSER is set, as in CI."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        path = None
    if path is None:
        missing = pytest.fail if os.environ.get("SMGUARD_NEEDS_BROWSER") else pytest.skip
        missing("the page is not tested: chromium and playwright are needed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
