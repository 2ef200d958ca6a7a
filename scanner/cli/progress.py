"""What goes on in an audit, live on a terminal; only `smguard audit` on one imports it."""

from __future__ import annotations

import time
from threading import Lock
from types import TracebackType
from typing import NamedTuple

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from scanner.audit.item import Scope
from scanner.audit.job import Asked, Watch
from scanner.audit.unit import Unit
from scanner.report.layout import count

_SHOWN = 12
"""Regions that are under way get a line each; of more only so many."""


class _Line(NamedTuple):
    types: int
    done: int = 0
    resources: int = 0
    gaps: int = 0


class Progress(Watch):
    """Regions × resource types, calls, rate, throttles and what is left, on standard error."""

    def __init__(self, scopes: int) -> None:
        super().__init__()
        self._scopes = scopes
        self._lines: dict[Scope, _Line] = {}
        self._asked: list[Asked] = []
        self._lock = Lock()
        self._began = time.monotonic()
        console = Console(stderr=True)
        self._live = Live(
            get_renderable=self.render,
            console=console,
            refresh_per_second=4,
            transient=True,
            redirect_stdout=False,
        )

    def __enter__(self) -> Progress:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def begin(self, scope: Scope, types: int) -> None:
        with self._lock:
            self._lines[scope] = _Line(types)

    def asks(self, asked: Asked) -> None:
        with self._lock:
            self._asked.append(asked)

    def read(self, scope: Scope, resources: int) -> None:
        with self._lock:
            line = self._lines[scope]
            self._lines[scope] = line._replace(resources=line.resources + resources)

    def end(self, scope: Scope, unit: Unit) -> None:
        with self._lock:
            line = self._lines[scope]
            self._lines[scope] = line._replace(done=line.done + 1, gaps=line.gaps + len(unit.gaps))

    def render(self) -> Group:
        """The display as of now."""
        with self._lock:
            lines, counts = dict(self._lines), [count for asked in self._asked for count in asked().values()]
        under_way = {scope: line for scope, line in lines.items() if line.done < line.types}
        table = Table.grid(padding=(0, 2))
        for scope, line in list(under_way.items())[:_SHOWN]:
            bar = ProgressBar(total=line.types, completed=line.done, width=20)
            gaps = count(line.gaps, "gap") if line.gaps else ""
            table.add_row(
                scope.shown, bar, f"{line.done}/{line.types} types", f"{line.resources:,} resources", gaps
            )
        calls, throttles = sum(it.calls for it in counts), sum(it.throttles for it in counts)
        seconds = max(time.monotonic() - self._began, 0.001)
        left = self._scopes - len(lines) + len(under_way)
        what = "stopping" if self.stopped else f"{left} of {self._scopes} regions left"
        said = (
            f"{what} · {calls:,} calls, {calls / seconds:.1f}/s · {throttles:,} throttled · {seconds:.0f} s"
        )
        return Group(table, Text(said, style="dim"))
