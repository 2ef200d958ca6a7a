"""Several reports of one run, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import tee

from scanner.model import Finding, Gap, Note
from scanner.report import Output, Run, renderer


class _Reader:
    """One of the readers of a shared stream; knows how far it is."""

    def __init__(self, events: Iterator[Finding | Gap | Note]) -> None:
        self.events = events
        self.taken = 0

    def __iter__(self) -> Iterator[Finding | Gap | Note]:
        return self

    def __next__(self) -> Finding | Gap | Note:
        event = next(self.events)
        self.taken += 1
        return event


def render_together(run: Run, outputs: Sequence[Output]) -> Iterator[tuple[int, str]]:
    """Chunks of all reports, each with the index of its output.

    The report that has read least goes on first, so that no more is held than the one that reads the
    most at once, which is the findings of one file.
    """
    readers = [_Reader(events) for events in tee(run.events, len(outputs))]
    going = {
        index: renderer(output.format)(run._replace(events=reader, color=run.color and output.standard))
        for index, (output, reader) in enumerate(zip(outputs, readers, strict=True))
    }
    while going:
        index = min(going, key=lambda each: readers[each].taken)
        chunk = next(going[index], None)
        if chunk is None:
            del going[index]
        elif chunk:
            yield index, chunk
