"""What an invocation says of itself: log lines, the metrics in them, and what could not be looked at."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from scanner.audit.fault import Fault
from scanner.safe_text import inert, to_json

_LINES = 100
"""Resources that are not known, in the log of one invocation; all are counted."""
_GAPS = 20


class Journal:
    """One invocation's. Names resources, never what they hold."""

    def __init__(self, write: Callable[[str], object] = print) -> None:
        self._write = write
        self.rule = ""
        self.unknown = self.put = 0
        """Resources whose compliance is not known, and evaluations that Config has taken."""
        self.lost = False
        """Whether evaluations could not be put."""
        self.gaps: dict[str, None] = {}

    def say(self, level: str, what: str, **about: str) -> None:
        """A line of JSON, as CloudWatch Logs reads it."""
        shown = {name: inert(text) for name, text in about.items()}
        self._write(to_json({"level": level, "rule": self.rule, "message": inert(what, 500), **shown}))

    def doubt(self, type_name: str, resource: str, control: str, path: str) -> None:
        """A verdict that is not known: nothing is put for it."""
        if self.unknown <= _LINES:
            what = "not known, so nothing is reported"
            self.say("WARNING", what, type=type_name, resource=resource, control=control, property=path)

    def gap(self, what: str, hint: str = "") -> None:
        """Something that could not be looked at, each said once: the invocation will fail."""
        if what not in self.gaps and len(self.gaps) < _GAPS:
            self.gaps[inert(what)] = None
            self.say("ERROR", what, hint=hint)

    def fault(self, fault: Fault, what: str) -> None:
        """A call that was given up."""
        self.gap(f"{what}: {fault}", fault.hint)

    def metrics(self, controls: Iterable[str]) -> None:
        """A line that CloudWatch makes metrics of, by control."""
        counts = {"Unknown": self.unknown, "Gaps": len(self.gaps), "Evaluations": self.put}
        about = {
            "Namespace": "SageMakerGuardrails",
            "Dimensions": [["Control"]],
            "Metrics": [{"Name": name, "Unit": "Count"} for name in counts],
        }
        head = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [about]}
        self._write(to_json({"_aws": head, "Control": ",".join(controls)[:250], "rule": self.rule, **counts}))
