"""What the tests of other tools share: templates to judge, and what `smguard scan` says of them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from scanner import catalog
from scanner.cli.commands import group
from scanner.example import as_template

ROOT = Path(__file__).resolve().parent.parent
CORPUS = Path(os.environ.get("SMGUARD_CORPUS", ROOT.parent / "shared" / "corpus"))
NOTEBOOK = """\
Resources:
  Notebook:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      InstanceType: ml.t3.medium
      RoleArn: arn:aws:iam::123456789012:role/notebook
      KmsKeyId: alias/mine
      RootAccess: Enabled
      DirectInternetAccess: Disabled
      SubnetId: subnet-12345678
      SecurityGroupIds: [sg-12345678]
      InstanceMetadataServiceConfiguration: {MinimumInstanceMetadataServiceVersion: '2'}
"""
"""Violates notebook-root-access alone, at 8:7."""


def scan(*words: str | Path) -> Any:
    """The JSON report of `smguard scan`."""
    arguments = ["scan", "-f", "json", "--jobs", "1", *map(str, words)]
    result = CliRunner().invoke(group, arguments, standalone_mode=False, catch_exceptions=False)
    return json.loads(result.stdout)


def write_examples(folder: Path) -> list[Path]:
    """Every example of every control as a file."""
    written = []
    for control, by_verdict in catalog.examples().items():
        for verdict, examples in by_verdict.items():
            for number, example in enumerate(examples):
                path = folder / f"{control}-{verdict}-{number}.json"
                path.write_text(json.dumps(as_template(example), indent=1), encoding="utf-8")
                written.append(path)
    return written


def corpus(*folders: str) -> list[Path]:
    """Real templates of others that speak of SageMaker; none where there is no corpus."""
    files = [path for folder in folders for path in sorted((CORPUS / folder).glob("*"))]
    return [path for path in files if path.name != "labels.json"]


def write_own_control(folder: Path, **more: int) -> None:
    """A folder with one control of one's own, small-volume, which the notebook above violates."""
    notebook = {"Type": "AWS::SageMaker::NotebookInstance", "Properties": {"InstanceType": "ml.t3.medium"}}
    control = {
        "id": "small-volume",
        "title": "Volumes are small",
        "area": "artifacts",
        "severity": "low",
        "rationale": "Large ones become stores.",
        "remediation": "Say how large.",
        "resources": {notebook["Type"]: {"places": [{"requires": {"VolumeSizeInGB": {"maximum": 50}}}]}},
        "examples": {"fail": [{"about": "not said", "resource": notebook}]},
        **more,
    }
    folder.mkdir(exist_ok=True)
    (folder / "small-volume.yaml").write_text(json.dumps(control), encoding="utf-8")
