"""What the hook answers: status, message and an annotation for each control, within the limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from config_rules.hook_setting import Setting
from scanner.model import Control, Finding, Gap, Verdict
from scanner.safe_text import inert

_MESSAGE, _CLOUD_CONTROL = 4_096, 1_024
"""Characters of a message, and of one for Cloud Control, which belongs to no stack."""
_ANNOTATION = 4_096
"""A quarter of what an annotation takes: a stack may break many controls in many places."""
_STOPS = "the hook's FailureMode decides whether this stops the deployment"
_SECURITY_HUB = "https://docs.aws.amazon.com/securityhub/latest/userguide/sagemaker-controls.html#"


class Judged(NamedTuple):
    """All findings, PASS included, and what could not be looked at."""

    findings: Sequence[Finding] = ()
    gaps: Sequence[Gap] = ()


def answer(judged: Judged, setting: Setting, event: Mapping[str, Any]) -> dict[str, Any]:
    """NonCompliant where a control fails, else InternalFailure where something could not be looked at."""
    by_control: dict[str, list[Finding]] = {}
    for finding in sorted(judged.findings, key=lambda it: (-it.control.severity, it.control.id)):
        by_control.setdefault(finding.control.id, []).append(finding)
    failing: list[Finding] = []
    warning: list[Finding] = []
    met = 0
    for control, findings in by_control.items():
        open_ones = [it for it in findings if it.verdict is not Verdict.PASS and it.waiver is None]
        met += not open_ones
        for it in open_ones:
            fails = control in setting.firm and (it.verdict is Verdict.FAIL or setting.unknown_fails)
            (failing if fails else warning).append(it)
    gaps = [inert(f"not looked at: {it.what} ({it.hint})" if it.hint else it.what) for it in judged.gaps]
    pieces = [*map(_word, failing), *gaps, *(f"warning: {_word(it)}" for it in warning)]
    if failing:
        error, head = "NonCompliant", f"{_count(len({it.control.id for it in failing}))} not met: "
    elif gaps:
        error, head = "InternalFailure", f"Not all was judged; {_STOPS}: "
    else:
        error, head = "", f"{_count(met)} met{'; ' if pieces else '.'}"
    in_stack = event.get("stackId") or event.get("stackID")
    message = _fit(head, pieces, _MESSAGE if in_stack else _CLOUD_CONTROL)
    annotations = [_annotate(setting.catalog.by_id[name], them) for name, them in by_control.items()]
    return {**_told(event, error, message), "annotations": annotations}


def failure(event: Mapping[str, Any], what: str, hint: str = "") -> dict[str, Any]:
    """The answer where nothing could be judged."""
    said = inert(f"{what} ({hint})" if hint else what, 600)
    return _told(event, "InternalFailure", f"Not judged; {_STOPS}: {said}.")


def _told(event: Mapping[str, Any], error: str, message: str) -> dict[str, Any]:
    status = {"hookStatus": "FAILED", "errorCode": error} if error else {"hookStatus": "SUCCESS"}
    # AWS's documentation spells it in both ways.
    token = event.get("clientRequestToken", event.get("clientRequesttoken"))
    return {**status, "message": message, "clientRequestToken": token}


def _count(controls: int) -> str:
    return f"{controls} control{' is' if controls == 1 else 's are'}"


def _word(finding: Finding) -> str:
    doubt = "not known: " if finding.verdict is Verdict.UNKNOWN else ""
    named = f"{finding.control.id} ({finding.control.severity.label})"
    return f"{named}: {_about(finding, doubt)}"


def _about(finding: Finding, doubt: str = "") -> str:
    path = finding.location.path
    where = "" if not path or finding.message.startswith(path) else f"{inert(path)}: "
    return f"{inert(finding.resource.name, 100)}: {doubt}{where}{inert(finding.message)}"


def _fit(head: str, pieces: list[str], limit: int) -> str:
    """As many whole pieces as fit, and how many do not."""
    said = head
    for index, piece in enumerate(pieces):
        left = len(pieces) - index
        more = f"and {left} more in the annotations"
        room = limit - len(said) - (len(more) + 2 if left > 1 else 0)
        if len(piece) > room:
            return (said + more)[:limit]
        said += piece + ("; " if left > 1 else "")
    return said[:limit]


def _annotate(control: Control, findings: list[Finding]) -> dict[str, Any]:
    """One control over all resources. What is waived or not known was skipped, never passed."""
    failed = [it for it in findings if it.verdict is Verdict.FAIL and it.waiver is None]
    doubted = [it for it in findings if it.verdict is Verdict.UNKNOWN and it.waiver is None]
    waived = [it for it in findings if it.waiver is not None]
    pieces = [*map(_about, failed), *(_about(it, "not known: ") for it in doubted)]
    pieces += [
        f"{inert(it.resource.name, 100)}: waived until {it.waiver.expires}" for it in waived if it.waiver
    ]
    status = "FAILED" if failed else "SKIPPED" if pieces else "PASSED"
    names = dict.fromkeys(inert(it.resource.name, 100) for it in findings)
    given = {
        "annotationName": control.id,
        "status": status,
        "statusMessage": _fit("", pieces or [f"met by {name}" for name in names], _ANNOTATION),
        "severityLevel": control.severity.label.upper(),
    }
    if status != "PASSED":
        given["remediationMessage"] = inert(" ".join(control.remediation.split()), _ANNOTATION)
        link = _link(control, (failed or findings)[0].resource.type)
        given |= {"remediationLink": link} if link else {}
    return given


def _link(control: Control, kind: str) -> str:
    """What AWS writes of its own control for the same thing."""
    akas = control.resources.get(kind, {}).get("aka", {}), control.aka
    own = next((aka["security-hub"] for aka in akas if aka.get("security-hub")), None)
    first = own[0] if isinstance(own, list) else own
    return f"{_SECURITY_HUB}{first.lower().replace('.', '-')}" if first else ""
