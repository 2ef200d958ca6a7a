"""What the hostile templates are made of, and how one is written down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

NEIGHBOUR = """\
Resources:
  Neighbour:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      InstanceType: ml.t3.medium
      RoleArn: arn:aws:iam::123456789012:role/r
      DirectInternetAccess: Enabled
"""
OF_NEIGHBOUR = ["notebook-direct-internet Neighbour 7:7", "volume-kms-key Neighbour 4:5"]
KIND = "AWS::SageMaker::NotebookInstance"
BAD = f"""\
  Bad:
    Type: {KIND}
    Properties:
      InstanceType: ml.t3.medium
      RoleArn: arn:aws:iam::123456789012:role/r
      DirectInternetAccess: Enabled
"""
"""Begins in the line after `Resources:`."""
BAD_JSON = (
    '"Bad": {"Type": "AWS::SageMaker::NotebookInstance",\n"Properties": {"DirectInternetAccess": "Enabled"}}'
)
JSON = '{"Resources": {\n' + BAD_JSON + "}}"
YAML = "Resources:\n" + BAD
TOP = f"AWSTemplateFormatVersion: '2010-09-09'\nDescription: {KIND}\n"
IN_JSON = ["notebook-direct-internet Bad 3:16", "volume-kms-key Bad 3:1"]


def bad(line: int = 2, name: str = "Bad") -> list[str]:
    """The findings of `BAD`, whose first line is this one."""
    return [f"notebook-direct-internet {name} {line + 5}:7", f"volume-kms-key {name} {line + 2}:5"]


def access(value: str) -> str:
    """The template with another value, as YAML, for DirectInternetAccess."""
    return YAML.replace("Enabled", value)


class Case(NamedTuple):
    """A file, what is found in it, and the gaps: "line:column what"."""

    id: str
    source: str | bytes
    findings: Sequence[str] = ()
    gaps: Sequence[str] = ()
    notes: Sequence[str] = ()
    name: str = "case.yaml"
    walked: str = ""
    """What becomes of it in a folder: judged, partial, unread or skipped; found out where not given."""

    @property
    def data(self) -> bytes:
        return self.source if isinstance(self.source, bytes) else self.source.encode()

    @property
    def disposition(self) -> str:
        if self.walked:
            return self.walked
        if not self.gaps:
            return "judged"
        return "partial" if self.findings else "unread"


def nested(opening: str, closing: str, times: int, core: str = "x") -> str:
    return opening * times + core + closing * times
