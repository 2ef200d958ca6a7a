"""SARIF 2.1.0, as code scanning services take it; results are written as the run goes on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Any

from scanner.framework import shown
from scanner.model import Control, Finding, Gap, Note, Severity, Verdict, Waiver
from scanner.report import Run, hinted, told
from scanner.report.about import facts
from scanner.safe_text import inert, inert_lines, to_json

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
}
# GitHub reads these as critical above 9.0, high from 7.0, medium from 4.0, low below.
_SCORES = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.0"}
_KINDS = {Verdict.PASS: "pass", Verdict.FAIL: "fail", Verdict.UNKNOWN: "review"}
_MOST_TAGS = 20  # GitHub refuses a file in which a rule has more
_TEXT = 1_000
_PLACEHOLDER = re.compile(r"\{(\d+)\}")


def render(run: Run) -> Iterator[str]:
    """Chunks of one SARIF log. The tool, with a rule for every control that has results, comes last."""
    yield f'{{"$schema": {to_json(_SCHEMA)}, "version": "2.1.0", "runs": [{{\n'
    yield '"columnKind": "unicodeCodePoints",\n"results": ['
    rules: dict[str, tuple[int, Control]] = {}
    notifications: list[dict[str, Any]] = []
    separator = "\n"
    for event in run.events:
        if isinstance(event, Gap):
            level = "note" if event.accepted else "error"
            notifications.append(_notification("gap", level, event.where, hinted(event)))
        elif isinstance(event, Note):
            notifications.append(_notification("note", "note", event.where, event.what))
        elif run.show_passed or event.verdict is not Verdict.PASS:
            index, _ = rules.setdefault(event.control.id, (len(rules), event.control))
            yield separator + to_json(_result(event, index))
            separator = ",\n"
    invocation: dict[str, Any] = {
        "executionSuccessful": run.summary().complete,
        "toolExecutionNotifications": notifications,
    }
    if run.kind == "audit":
        invocation["properties"] = {label: inert(text, _TEXT) for label, text in facts(run).items()}
    yield f'],\n"invocations": [{to_json(invocation)}],\n'
    driver = {
        "name": "smguard",
        "version": run.version,
        "rules": [_rule(control) for _, control in rules.values()],
        "notifications": [
            {"id": "gap", "shortDescription": {"text": "Something that could not be looked at"}},
            {"id": "note", "shortDescription": {"text": "Worth saying, changes nothing"}},
        ],
        "properties": {"catalog": run.catalog},
    }
    yield f'"tool": {{"driver": {to_json(driver)}}}\n}}]}}\n'


def _result(finding: Finding, rule_index: int) -> dict[str, Any]:
    failed = finding.verdict is Verdict.FAIL
    properties = {
        "severity": finding.control.severity.label,
        "resourceType": inert(finding.resource.type),
        "condition": finding.condition and inert(finding.condition),
        "cause": finding.cause and inert(finding.cause),
    }
    result: dict[str, Any] = {
        "ruleId": finding.control.id,
        "ruleIndex": rule_index,
        "kind": _KINDS[finding.verdict],
        "level": _LEVELS[finding.control.severity] if failed else "none",
        "message": {"text": _message(finding)},
        "locations": [_location(finding)],
        "partialFingerprints": {"smguard/v1": finding.fingerprint},
        "properties": {key: value for key, value in properties.items() if value is not None},
    }
    if finding.baseline is not None:
        result["baselineState"] = "unchanged" if finding.baseline else "new"
    if finding.waiver is not None:
        result["suppressions"] = [_suppression(finding.waiver)]
    return result


def _message(finding: Finding) -> str:
    return _plain(f"{finding.resource.name}: {told(finding)}")


def _plain(text: str) -> str:
    """Text in which a viewer finds no link and no placeholder."""
    return _PLACEHOLDER.sub(r"{{\1}}", inert(text, _TEXT).replace("](", "] ("))


def _location(finding: Finding) -> dict[str, Any]:
    location, resource = finding.location, finding.resource
    full_name = f"{resource.name}.{location.path}" if location.path else resource.name
    logical = {
        "name": inert(resource.name),
        "fullyQualifiedName": inert(location.arn or full_name, _TEXT),
        "kind": "resource",
    }
    if location.file is None:
        # Code scanning refuses a result that lies in no file: this names one, the same in every audit.
        place = (location.account, location.region, *resource.type.split("::")[1:], resource.name)
        uri = _encode("/".join(inert(part or "-").replace("/", "\u2215") for part in place))
        named = {"artifactLocation": {"uri": uri}, "region": {"startLine": 1}}
        return {"physicalLocation": named, "logicalLocations": [logical]}
    physical: dict[str, Any] = {"artifactLocation": _artifact(location.file)}
    if location.line is not None:
        physical["region"] = {"startLine": location.line}
        if location.column is not None:
            physical["region"]["startColumn"] = location.column
    return {"physicalLocation": physical, "logicalLocations": [logical]}


def _artifact(path: str) -> dict[str, str]:
    """A file as a percent-encoded URI: relative to the root of the sources, unless the path is absolute."""
    uri = _encode(path.replace(os.sep, "/").removeprefix("./"))
    if os.path.isabs(path):
        return {"uri": "file://" + uri if uri.startswith("/") else "file:///" + uri}
    return {"uri": uri, "uriBaseId": "%SRCROOT%"}


def _encode(path: str) -> str:
    from urllib.parse import quote

    try:
        return quote(path, errors="surrogateescape")
    except UnicodeEncodeError:
        return quote(path, errors="backslashreplace")


def _suppression(waiver: Waiver) -> dict[str, Any]:
    said = {"expires": waiver.expires, "owner": waiver.owner, "ticket": waiver.ticket}
    return {
        "kind": "inSource" if waiver.inline else "external",
        "status": "accepted",
        "justification": _plain(waiver.reason),
        "properties": {key: inert(value) for key, value in said.items() if value is not None},
    }


def _notification(kind: str, level: str, where: str, what: str) -> dict[str, Any]:
    return {"descriptor": {"id": kind}, "level": level, "message": {"text": _plain(f"{where}: {what}")}}


def _rule(control: Control) -> dict[str, Any]:
    rationale, remediation = inert_lines(control.rationale), inert_lines(control.remediation)
    more = f"smguard explain {control.id}"
    return {
        "id": control.id,
        "name": "".join(part.capitalize() for part in control.id.split("-")),
        "shortDescription": {"text": inert(control.title)},
        "fullDescription": {
            "text": inert(" ".join(control.rationale.split()), _TEXT) or inert(control.title)
        },
        "help": {
            "text": f"{rationale}\n\nHow to mend: {remediation}\n\nMore: {more}",
            "markdown": f"{rationale}\n\n**How to mend**\n\n{remediation}\n\nMore: `{more}`",
        },
        "defaultConfiguration": {"level": _LEVELS[control.severity]},
        "properties": {"security-severity": _SCORES[control.severity], "tags": _tags(control)},
    }


def _tags(control: Control) -> list[str]:
    tags = ["security", control.area]
    for name, listed in shown(control).items():
        tags.extend(f"{name}/{each}" for each in listed)
    return tags[:_MOST_TAGS]
