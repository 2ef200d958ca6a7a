"""One way into the scanner for these tests: its command line, with the JSON report."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from click.testing import CliRunner

from scanner.cli.commands import group

NOTEBOOK = "AWS::SageMaker::NotebookInstance"


class Report(NamedTuple):
    """How a scan ended. `root` is the folder it ran over; files are named below it."""

    code: int
    document: Any
    root: str

    def found(self, *fields: str) -> list[tuple[Any, ...]]:
        """The findings by some of: control, verdict, resource, file, path, line, column, message, …"""
        return [tuple(self._field(each, name) for name in fields) for each in self.document["findings"]]

    def _field(self, finding: Any, name: str) -> Any:
        if name == "resource":
            return finding["resource"]["name"]
        if name == "file":
            return self._below(finding["location"]["file"])
        return finding["location"][name] if name in ("path", "line", "column") else finding[name]

    @property
    def verdicts(self) -> list[tuple[str, str]]:
        """(verdict, message) of every finding."""
        return [(verdict, message) for verdict, message in self.found("verdict", "message")]

    @property
    def gaps(self) -> list[tuple[str, str]]:
        """(where, what) of every Gap."""
        return [(self._below(gap["where"]), gap["what"]) for gap in self.document["gaps"]]

    @property
    def notes(self) -> list[tuple[str, str]]:
        """(where, what) of every Note."""
        return [(self._below(note["where"]), note["what"]) for note in self.document["notes"]]

    @property
    def files(self) -> dict[str, int]:
        """The summary's numbers of files that are not zero."""
        return {name: number for name, number in self.document["summary"]["files"].items() if number}

    def _below(self, path: str) -> str:
        return path.removeprefix(self.root)


def scan(folder: Path, files: str | Mapping[str, str | bytes], *options: str, path: str = "") -> Report:
    """Write templates and scan them: a text as one file `t.yaml`, else the folder or the `path` below it."""
    if isinstance(files, str):
        files, path = {"t.yaml": files}, path or "t.yaml"
    for name, content in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    arguments = ["scan", "--format", "json", *options, str(folder / path)]
    result = CliRunner().invoke(group, arguments, standalone_mode=False, catch_exceptions=False)
    return Report(result.return_value, json.loads(result.stdout), f"{folder}/")


def dump(template: Any, form: str) -> str:
    """Write a template as JSON, as YAML, or as YAML with short intrinsics."""
    if form == "json":
        return json.dumps(template, indent=1)
    return yaml.dump(template, Dumper=_Short if form == "short" else yaml.CSafeDumper, sort_keys=False)


class _Short(yaml.CSafeDumper):
    """Writes `{"Fn::Sub": "x"}` as `!Sub x`, wherever YAML lets it."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent(dumper: yaml.SafeDumper, data: dict[str, Any]) -> yaml.Node:
    if len(data) == 1:
        ((name, body),) = data.items()
        if name == "Ref" or (name.startswith("Fn::") and "::" not in name[4:]):
            if name == "Fn::GetAtt" and isinstance(body, list):
                body = ".".join(body)
            node = dumper.represent_data(body)
            # A node takes one tag only: a function of a function stays long.
            if node.tag.startswith("tag:yaml.org,"):
                node.tag = "!" + name.removeprefix("Fn::")
                return node
    return dumper.represent_dict(data.items())


_Short.add_representer(dict, _represent)
