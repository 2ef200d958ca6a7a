"""Settings for some files: which controls judge them, and how severe a violation is there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from scanner.config import Config
from scanner.gitignore import Patterns
from scanner.model import Control, Severity
from scanner.repository import relative

ByType = Mapping[str, tuple[Control, ...]]


class PathSettings:
    """The `paths` of a configuration, asked by the files' paths for reports."""

    def __init__(self, config: Config) -> None:
        self.base = config.base
        self._settings: list[tuple[Patterns, Mapping[str, Any]]] = [
            (Patterns(os.fsencode("\n".join(body["files"]))), body) for body in config.body.get("paths", ())
        ]
        self._matching: dict[str, list[Mapping[str, Any]]] = {}
        self._narrowed: dict[str, ByType] = {}

    def narrow(self, file: str, controls: ByType) -> ByType:
        """Of the controls of a scan, by resource type, those that judge a file."""
        if file not in self._narrowed:
            for body in self._for(file):
                only, but = body.get("select"), body.get("ignore", ())
                controls = {
                    kind: tuple(it for it in each if it.id not in but and (not only or it.id in only))
                    for kind, each in controls.items()
                }
            self._narrowed[file] = controls
        return self._narrowed[file]

    def adjust(self, control: Control, file: str) -> Control:
        """A control with the severity that it has in a file."""
        for body in self._for(file):
            if control.id in body.get("severities", ()):
                control = control._replace(severity=Severity.parse(body["severities"][control.id]))
        return control

    def _for(self, file: str) -> list[Mapping[str, Any]]:
        if file not in self._matching:
            path = None if file == "-" else relative(file, self.base)
            raw = os.fsencode(path or "")
            self._matching[file] = [body for patterns, body in self._settings if path and patterns.cover(raw)]
        return self._matching[file]
