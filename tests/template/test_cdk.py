"""Output of the CDK: the construct path is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.template.support import NOTEBOOK, scan


@pytest.mark.parametrize(
    ("metadata", "construct"),
    [
        ({"aws:cdk:path": "Stack/Team/Notebook"}, "Stack/Team/Notebook"),
        ({"aws:cdk:path": ["Stack"]}, None),
        ({"other": "Stack/Notebook"}, None),
        ("Stack/Notebook", None),
        (None, None),
    ],
)
def test_the_construct_is_named(tmp_path: Path, metadata: object, construct: str | None) -> None:
    resource = {"Type": NOTEBOOK, "Properties": {"RootAccess": "Enabled"}, "Metadata": metadata}
    template = {
        "Resources": {"NotebookA1B2C3D4": resource},
        "Parameters": {"BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk"}},
        "Rules": {
            "CheckBootstrapVersion": {
                "Assertions": [
                    {"Assert": {"Fn::Not": [{"Fn::Contains": [["1"], {"Ref": "BootstrapVersion"}]}]}}
                ]
            }
        },
    }
    files = {
        "cdk.out/Stack.template.json": json.dumps(template),
        "cdk.out/manifest.json": '{"version": "36.0.0"}',
    }
    report = scan(tmp_path, files, "--select", "notebook-root-access")
    assert report.found("resource", "file", "path") == [
        ("NotebookA1B2C3D4", "cdk.out/Stack.template.json", "RootAccess")
    ]
    assert [each["resource"] for each in report.document["findings"]] == [
        {"type": NOTEBOOK, "name": "NotebookA1B2C3D4", "construct": construct, "stack": None}
    ]
    assert (report.gaps, report.files) == ([], {"seen": 2, "judged": 1, "skipped": 1})
