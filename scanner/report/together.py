"""Several reports of one run, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import tee

from scanner.model import Finding, Gap, Note
from scanner.report import Output, Run, renderer


def render_together(run: Run, outputs: Sequence[Output]) -> Iterator[tuple[int, str]]:
    """Chunks of all reports, each with the index of its output.

    The report that has read least goes on first, so that no more is held than the one that reads the
    most at once, which is the findings of one file.
    """
    taken = [0] * len(outputs)

    def counted(index: int, events: Iterator[Finding | Gap | Note]) -> Iterator[Finding | Gap | Note]:
        for event in events:
            taken[index] += 1
            yield event

    going = {
        index: renderer(output.format)(
            run._replace(events=counted(index, events), color=run.color and output.standard)
        )
        for index, (output, events) in enumerate(zip(outputs, tee(run.events, len(outputs)), strict=True))
    }
    while going:
        index = min(going, key=taken.__getitem__)
        chunk = next(going[index], None)
        if chunk is None:
            del going[index]
        elif chunk:
            yield index, chunk
