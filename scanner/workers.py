"""Judging many files in several processes: forked workers that each take the next chunk of files.

A worker that the system ends takes with it only the files that it had in hand, and that is said of them.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

_PARALLEL_FROM = 48
"""Fewer files than this are done before a second process has started."""
_FIRST = 4
"""Files done before there is a second process."""
_CHUNK = 16
_MOST_CHUNKS = 4_000
"""Their numbers fit into any system's pipe."""
_NUMBER = 4
"""Bytes of a chunk's number, and of the length of a message."""

Task = Callable[[Any], Any]


class Worker(NamedTuple):
    """A forked process and the pipe that its results come through."""

    pid: int
    results: int


def run_all(task: Task, lost: Task, items: list[Any], processes: int) -> Iterator[Any]:
    """The results of `task` on every item, in order; what it returns must pickle.

    Several processes are used where there are many items and the system can fork. `lost` gives the result of
    an item whose process was ended.
    """
    if processes < 2 or len(items) < _PARALLEL_FROM or not hasattr(os, "fork"):
        return map(task, items)
    return _run_in_processes(task, lost, items, processes)


def _run_in_processes(task: Task, lost: Task, items: list[Any], processes: int) -> Iterator[Any]:
    size = max(_CHUNK, -(-len(items) // _MOST_CHUNKS))
    starts = range(_FIRST, len(items), size)
    chunks = [items[:_FIRST], *(items[start : start + size] for start in starts)]
    # What the first files need most others need too: it is loaded once, not in every process.
    ready = {0: [task(item) for item in chunks[0]]}
    queue = _queue(range(1, len(chunks)))
    workers: list[Worker] = []
    try:
        workers.extend(_start(task, chunks, queue) for _ in range(processes - 1))
        for number, chunk in enumerate(chunks):
            while number not in ready:
                if _receive(workers, ready, wait=False):
                    continue
                taken = _take(queue)
                if taken is not None:
                    ready[taken] = [task(item) for item in chunks[taken]]
                elif not _receive(workers, ready, wait=True):
                    ready[number] = [lost(item) for item in chunk]
            yield from ready.pop(number)
    finally:
        os.close(queue)
        for worker in workers:
            _end(worker)


def _queue(numbers: Iterable[int]) -> int:
    """A pipe that holds the numbers of chunks: whoever reads one has it to himself."""
    reading, writing = os.pipe()
    for number in numbers:
        os.write(writing, number.to_bytes(_NUMBER, "big"))
    os.close(writing)
    return reading


def _take(queue: int) -> int | None:
    number = os.read(queue, _NUMBER)
    return int.from_bytes(number, "big") if number else None


def _start(task: Task, chunks: list[list[Any]], queue: int) -> Worker:
    reading, writing = os.pipe()
    parent = os.getpid()
    try:
        pid = os.fork()
        if pid:
            os.close(writing)
            return Worker(pid, reading)
        os.close(reading)
        _work(task, chunks, queue, writing)
    finally:
        # Nothing of the parent's is to be run or written twice, whatever is raised here and as soon as it is.
        if os.getpid() != parent:
            os._exit(0)
    raise AssertionError("a worker goes on")


def _work(task: Task, chunks: list[list[Any]], queue: int, writing: int) -> None:
    from pickle import dumps

    number = _take(queue)
    while number is not None:
        data = dumps((number, [task(item) for item in chunks[number]]), protocol=5)
        rest = memoryview(len(data).to_bytes(_NUMBER, "big") + data)
        while rest:
            rest = rest[os.write(writing, rest) :]
        number = _take(queue)


def _receive(workers: list[Worker], ready: dict[int, list[Any]], *, wait: bool) -> bool:
    """Take in what workers have sent; False where there is nothing, and with `wait` never will be."""
    import select
    from pickle import loads

    poll = select.poll()
    for worker in workers:
        poll.register(worker.results, select.POLLIN | select.POLLHUP)
    found = bool(workers) and poll.poll(None if wait else 0)
    for descriptor, _ in found or ():
        length = _read(descriptor, _NUMBER)
        data = length and _read(descriptor, int.from_bytes(length, "big"))
        if data:
            number, results = loads(data)  # noqa: S301 - our own process sent it
            ready[number] = results
        else:
            worker = next(each for each in workers if each.results == descriptor)
            workers.remove(worker)
            _end(worker)
    return bool(found)


def _read(descriptor: int, length: int) -> bytes | None:
    """So many bytes, or None where the sender ended before."""
    data = bytearray()
    while len(data) < length:
        piece = os.read(descriptor, length - len(data))
        if not piece:
            return None
        data += piece
    return bytes(data)


def _end(worker: Worker) -> None:
    from signal import SIGKILL

    os.close(worker.results)
    os.kill(worker.pid, SIGKILL)
    os.waitpid(worker.pid, 0)
