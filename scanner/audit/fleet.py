"""Who audits the accounts and regions: threads of this process, or the workers of a Dask cluster."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, InvalidStateError
from contextlib import suppress
from typing import Any, TypeVar

from scanner import __version__
from scanner.model import SmguardError

_Result = TypeVar("_Result")
_RETRIES = 2
_LOOK, _ALONE = 2.0, 60.0
"""Seconds from look to look for workers, and without any until all is given up."""
_PATIENCE = 10
"""Seconds in which the scheduler has to answer, and to have a worker."""


def dask_workers(address: str) -> Executor:
    """The workers of the Dask scheduler at `address`; `shutdown` leaves it.

    A task whose worker dies is given to another, and its future fails with BrokenExecutor when several have
    died with it or none is left. Workers look for credentials of their own, as smguard does here, and assume
    the same roles: none travel to them. Raises SmguardError.
    """
    try:
        from distributed import Client
    except ImportError:
        raise SmguardError("--dask needs Dask", "pip install 'sagemaker-guardrails[dask]'") from None
    try:
        client = Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise SmguardError(f"no Dask scheduler answers at {address}", "give --dask host:port") from error
    try:
        with suppress(TimeoutError):
            client.wait_for_workers(1, timeout=_PATIENCE)
        versions = set(client.run(version, on_error="return").values())
    except BaseException:
        client.close()
        raise
    if versions != {__version__}:
        client.close()
        some = f"workers that don't all have smguard {__version__}" if versions else "no workers"
        raise SmguardError(f"the Dask scheduler at {address} has {some}", "see to that first")
    return _Dask(client)


def version() -> str:
    """Which smguard a worker has."""
    return __version__


class _Dask(Executor):
    def __init__(self, client: Any) -> None:
        self._client = client
        self._workers = client.get_executor(pure=False, retries=_RETRIES)
        self._given: list[Future[Any]] = []
        self._ended = threading.Event()
        threading.Thread(target=self._look, name="dask", daemon=True).start()

    def submit(self, task: Callable[..., _Result], /, *args: Any, **kwargs: Any) -> Future[_Result]:
        given: Future[_Result] = Future()
        given.set_running_or_notify_cancel()
        self._given.append(given)

        def hand_on(done: Future[_Result]) -> None:
            error = None if done.cancelled() else done.exception()
            with suppress(InvalidStateError):
                if done.cancelled() or type(error).__name__ in ("KilledWorker", "CommClosedError"):
                    given.set_exception(BrokenExecutor("its workers died"))
                elif error is not None:
                    given.set_exception(error)
                else:
                    given.set_result(done.result())

        self._workers.submit(task, *args, **kwargs).add_done_callback(hand_on)
        return given

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._ended.set()
        self._workers.shutdown(wait=wait and not cancel_futures)
        self._client.close()

    def _look(self) -> None:
        """Dask would wait for ever for workers when the last has died."""
        alone = 0.0
        while not self._ended.wait(_LOOK):
            try:
                workers = self._client.scheduler_info()["workers"]
            except Exception:
                # Whatever comes of a scheduler that is gone.
                workers = {}
            alone = 0 if workers else alone + _LOOK
            if alone >= _ALONE:
                for given in self._given:
                    with suppress(InvalidStateError):
                        given.set_exception(BrokenExecutor("no workers are left"))
