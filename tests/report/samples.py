"""Runs to report on: a small one of every kind of event, and ways to build others."""

from __future__ import annotations

from collections.abc import Iterable

from scanner.model import (
    Control,
    Finding,
    Gap,
    Location,
    Note,
    Resource,
    Severity,
    Summary,
    Verdict,
    Waiver,
)
from scanner.report import Run, renderer


def control(
    name: str,
    severity: Severity = Severity.HIGH,
    area: str = "encryption",
    title: str = "Storage volumes are encrypted with a named KMS key",
    remediation: str = "Name a KMS key in the property that the\nfinding shows. Recreate the notebook.\n",
    waivable: bool = True,
) -> Control:
    return Control(
        id=name,
        title=title,
        area=area,
        severity=severity,
        rationale="Volumes keep copies of training data.\n",
        remediation=remediation,
        resources={},
        aka={},
        frameworks={"nist-800-53-r5": ["SC-28(1)"], "soc-2": "CC6.1"},
        waivable=waivable,
    )


VOLUME = control("volume-kms-key")
INTERNET = control(
    "notebook-direct-internet",
    Severity.CRITICAL,
    "network-isolation",
    "Notebooks reach the internet only through the VPC",
    "Set DirectInternetAccess to Disabled and give a subnet.\n",
)
ROOT = control(
    "notebook-root-access",
    Severity.MEDIUM,
    "access",
    "Notebook users are not root",
    "Set RootAccess to Disabled.",
)
CUSTOMER = control("customer-managed-kms-key", Severity.LOW, title="KMS keys are customer managed")
VPC = control("vpc-config", Severity.HIGH, "network-isolation", "Jobs and models run in a VPC")

NOTEBOOK = Resource("AWS::SageMaker::NotebookInstance", "Workbench")
ENDPOINT = Resource("AWS::SageMaker::EndpointConfig", "Endpoint", "Stack/Serving/Endpoint")


def finding(
    about: Control,
    resource: Resource = NOTEBOOK,
    verdict: Verdict = Verdict.FAIL,
    message: str = "KmsKeyId is missing",
    at: tuple[int, int] | None = (9, 5),
    file: str | None = "templates/notebook.yaml",
    path: str = "KmsKeyId",
    condition: str | None = None,
    cause: str | None = None,
    waiver: Waiver | None = None,
) -> Finding:
    line, column = at if at else (None, None)
    return Finding(
        control=about,
        resource=resource,
        verdict=verdict,
        message=message,
        location=Location(file, line, column, path),
        identity=(about.id, file or "", resource.name, path),
        condition=condition,
        cause=cause,
        waiver=waiver,
    )


def run(
    events: Iterable[Finding | Gap | Note],
    summary: Summary | None = None,
    width: int = 80,
    color: bool = False,
    show_passed: bool = False,
) -> Run:
    return Run(
        kind="scan",
        version="1.2.3",
        catalog="sha256:0123456789ab",
        show_passed=show_passed,
        width=width,
        color=color,
        events=iter(events),
        summary=lambda: summary or Summary(),
    )


def render(name: str, of: Run) -> str:
    return "".join(renderer(name)(of))


def sample_events() -> list[Finding | Gap | Note]:
    """Two files with a finding of every kind, a gap and two notes."""
    key = "parameter KmsKeyArn"
    inline = Waiver(
        ROOT.id, "Workbench", "Labs need pip as root", "2027-01-31", "ml-platform", "SEC-12", inline=True
    )
    unknown = Verdict.UNKNOWN
    return [
        finding(
            INTERNET,
            message="DirectInternetAccess is 'Enabled', must be 'Disabled'",
            at=(14, 7),
            path="DirectInternetAccess",
            condition="passes when Internet is 'Disabled'",
        ),
        finding(VOLUME),
        finding(
            ROOT,
            message="RootAccess is 'Enabled', must be 'Disabled'",
            at=(15, 7),
            path="RootAccess",
            waiver=inline,
        ),
        finding(VPC, verdict=Verdict.PASS, message="", at=(12, 7), path="SubnetId"),
        Note("templates/notebook.yaml:3", "ModelName is set twice"),
        finding(CUSTOMER, ENDPOINT, unknown, f"KmsKeyId comes from {key}", (31, 7), cause=key),
        finding(
            CUSTOMER,
            ENDPOINT,
            unknown,
            f"DataCaptureConfig.KmsKeyId comes from {key}",
            (40, 9),
            path="DataCaptureConfig.KmsKeyId",
            cause=key,
        ),
        finding(CUSTOMER, verdict=unknown, message=f"KmsKeyId comes from {key}", at=(18, 7), cause=key),
        Gap("templates/legacy.yaml:7", "the tab at column 3 is not YAML", "indent with spaces"),
        Note("waivers.yaml:4", "the waiver of vpc-config for Old is unused: it covers nothing found"),
        finding(
            VOLUME,
            Resource("AWS::SageMaker::Model", "Model"),
            unknown,
            "depends on the macro Corp::Defaults",
            (5, 3),
            "templates/model.yaml",
            cause="the macro Corp::Defaults",
        ),
        finding(
            VPC,
            Resource("AWS::SageMaker::Model", "Model"),
            unknown,
            "depends on the macro Corp::Defaults",
            (5, 3),
            "templates/model.yaml",
            path="VpcConfig",
            cause="the macro Corp::Defaults",
        ),
    ]


SAMPLE_SUMMARY = Summary(
    complete=False,
    seen=5,
    judged=2,
    partial=1,
    unread=1,
    skipped=1,
    resources=3,
    passed=31,
    fail=2,
    unknown=5,
    waived=1,
    gaps=1,
)
