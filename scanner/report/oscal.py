"""NIST's OSCAL 1.1.2: what the controls are about as a component, and what an audit says as results."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from scanner import framework
from scanner.coverage import STATES, Evidence, Requirement, touched
from scanner.model import SmguardError, Verdict
from scanner.report import said, status
from scanner.safe_text import inert, to_json

if TYPE_CHECKING:
    from scanner.catalog import Catalog
    from scanner.report.saved import Saved

_VERSION, _NS = "1.1.2", "urn:sagemaker-guardrails"
_MOST = 10_000
"""Resources, and Gaps, that are listed one by one."""
_NOT_ALL = "They are about configuration alone; what else the requirement asks for is for others to show."
_REASONS = {"failed": "fail", "passed": "pass"}


def component(full: Catalog, listed: Iterable[Requirement], told: Mapping[str, Any]) -> str:
    """A component definition: the product, and which of its controls are about which requirement."""
    implementations = []
    for name, own in groupby((each for each in listed if each.controls), lambda it: it.framework):
        entry = told["frameworks"].get(name, {})
        title = f"{entry.get('title', name)} {entry.get('version', '')}".strip()
        implementations.append(
            {
                "uuid": _uuid("implementation", name),
                "source": entry.get("catalog") or entry.get("url") or f"{_NS}:framework:{name}",
                "description": f"{title}: what smguard's controls are about.",
                "props": [_prop("framework", name)],
                "implemented-requirements": [
                    {
                        "uuid": _uuid("requirement", name, target),
                        "control-id": target,
                        "description": f"Judged by {', '.join(_controls(group))}. {_NOT_ALL}",
                        "props": [
                            *(_prop("requirement", each.id) for each in group),
                            *(_prop("control", each) for each in _controls(group)),
                            *(
                                _prop("control-by-us", each)
                                for each in dict.fromkeys(n for it in group for n in it.ours)
                            ),
                            *(
                                _prop("source", each)
                                for each in sorted({s for it in group for s in it.sources})
                            ),
                        ],
                    }
                    for target, group in _targets(own)
                ],
            }
        )
    product = {
        "uuid": _uuid("component"),
        "type": "software",
        "title": "sagemaker-guardrails",
        "description": "Controls for Amazon SageMaker in templates, code, accounts and policies.",
        "props": [_prop("version", full.version), _prop("catalog", full.digest)],
        "control-implementations": implementations,
    }
    document = {
        "uuid": _uuid("definition", full.digest, *(str(each["uuid"]) for each in implementations)),
        "metadata": _metadata("Controls of sagemaker-guardrails", full.version, datetime.now(UTC)),
        "components": [product],
    }
    return to_json({"component-definition": document}, indent=2)


def results(
    full: Catalog, listed: Iterable[Requirement], evidence: Mapping[str, Evidence], saved: Saved
) -> str:
    """Assessment results: a finding for each requirement, satisfied only if its controls passed.

    What could not be looked at is an observation with an open risk. Raises SmguardError without the time.
    """
    about: Mapping[str, Any] = saved.about or {}
    start, end = (_moment(about.get(name) or about["at"], saved) for name in ("at", "ended"))
    run = (saved.catalog, str(about["at"]), *map(str, about["accounts"]), *map(str, about["regions"]))
    items, observations, more = _observed(saved, evidence, run, start)
    risks, by_control = [], {name: [each["uuid"]] for name, each in observations.items()}
    risky: dict[str, list[str]] = {}
    unseen = [
        (f"{_text(gap.where)}: {_text(gap.what, 1_000)}", touched(gap.what, full))
        for gap in saved.gaps[:_MOST]
    ]
    if rest := saved.gaps[_MOST:]:
        of_rest = {name for gap in rest for name in touched(gap.what, full)}
        unseen.append((f"{len(rest):,} more, which the audit's own report lists", of_rest))
    for number, (text, names) in enumerate(unseen):
        seen = {"uuid": _uuid("gap", *run, str(number)), "title": "Not looked at", "description": text}
        observations[f"gap {number}"] = {**seen, "methods": ["TEST"], "collected": start}
        risk = {"uuid": _uuid("risk", *run, str(number)), "title": "Not looked at", "description": text}
        risk |= {"statement": "What could not be looked at may fail.", "status": "open"}
        risks.append({**risk, "related-observations": [{"observation-uuid": seen["uuid"]}]})
        for name in names:
            by_control.setdefault(name, []).append(seen["uuid"])
            risky.setdefault(name, []).append(risk["uuid"])
    findings, selections = [], []
    for name, own in groupby((each for each in listed if each.controls), lambda it: it.framework):
        targets = _targets(own)
        selections.append(
            {"description": name, "include-controls": [{"control-id": target} for target, _ in targets]}
        )
        for target, group in targets:
            state = min((each.state(evidence) for each in group), key=STATES.index)
            found = {
                "uuid": _uuid("finding", *run, name, target),
                "title": f"{name} {', '.join(each.id for each in group)}: {state}",
                "description": f"Judged by {', '.join(_controls(group))}. {_NOT_ALL}",
                "props": [_prop("framework", name), _prop("state", state)],
                "target": {
                    "type": "statement-id" if framework.enhancement(group[0].id) else "objective-id",
                    "target-id": f"{target}_smt" if framework.enhancement(group[0].id) else target,
                    "status": {
                        "state": "satisfied" if state == "passed" else "not-satisfied",
                        "reason": _REASONS.get(state, "other"),
                    },
                },
            }
            for field, key, related in (
                ("related-observations", "observation-uuid", by_control),
                ("related-risks", "risk-uuid", risky),
            ):
                uuids = dict.fromkeys(each for it in _controls(group) for each in related.get(it, ()))
                found |= {field: [{key: each} for each in uuids]} if uuids else {}
            findings.append(found)
    result = {
        "uuid": _uuid("result", *run),
        "title": f"smguard audit, accounts: {len(about['accounts'])}, regions: {len(about['regions'])}",
        "description": "What smguard audit found."
        + (f" {more:,} findings are counted, not listed." if more else ""),
        "start": start,
        "end": end,
        "props": [
            *([_prop("audited-by", about["by"])] if about.get("by") else []),
            *(_prop("account", each) for each in about["accounts"]),
            *(_prop("region", each) for each in about["regions"]),
        ],
        **({"local-definitions": {"inventory-items": items}} if items else {}),
        "reviewed-controls": {"control-selections": selections or [{"include-all": {}}]},
        **({"observations": list(observations.values())} if observations else {}),
        **({"risks": risks} if risks else {}),
        **({"findings": findings} if findings else {}),
    }
    plan = _uuid("plan", *run)
    document = {
        "uuid": _uuid("results", *run, *(str(each["uuid"]) for each in findings)),
        "metadata": _metadata("Results of smguard audit", saved.version, datetime.fromisoformat(end)),
        "import-ap": {"href": f"#{plan}"},
        "results": [result],
        "back-matter": {
            "resources": [
                {"uuid": plan, "title": "There is no assessment plan", "description": "An audit was run."}
            ]
        },
    }
    return to_json({"assessment-results": document}, indent=2)


def _observed(
    saved: Saved, evidence: Mapping[str, Evidence], run: tuple[str, ...], at: str
) -> tuple[list[Any], dict[str, Any], int]:
    """Resources with findings, an observation for each control, and how many findings are not listed."""
    items: dict[tuple[str, ...], Any] = {}
    observations: dict[str, Any] = {}
    more = 0
    for name, each in evidence.items():
        if each.counts and "@" not in name:
            counts = ", ".join(f"{number:,} {what}" for what, number in each.counts.items())
            observations[name] = {
                "uuid": _uuid("observation", *run, name),
                "title": name,
                "description": f"{name}: {counts}",
                "props": [_prop("control", name), _prop("state", each.state)],
                "methods": ["TEST"],
                "collected": at,
            }
    listed: dict[tuple[str, str], Any] = {}
    for finding in saved.findings():
        if finding.verdict is Verdict.PASS or finding.control.id not in observations:
            continue
        where, resource = finding.location, finding.resource
        key = (where.account or "", where.region or "", resource.type, where.arn or resource.name)
        if len(listed) >= _MOST:
            more += 1
            continue
        if key not in items:
            texts = zip(("account", "region", "type", "name"), key, strict=True)
            items[key] = {
                "uuid": _uuid("item", *key),
                "description": _text(resource.name),
                "props": [_prop(name, text) for name, text in texts if text],
            }
        subject = {
            "subject-uuid": items[key]["uuid"],
            "type": "inventory-item",
            "title": _text(resource.name),
        }
        place = f"{finding.control.id}{finding.fingerprint}"
        if (place, subject["subject-uuid"]) not in listed:
            listed[place, subject["subject-uuid"]] = None
            text = f"{status(finding)}: {_text(said(finding), 1_000)}"
            observations[finding.control.id].setdefault("subjects", []).append({**subject, "remarks": text})
    return list(items.values()), observations, more


def _targets(listed: Iterable[Requirement]) -> list[tuple[str, list[Requirement]]]:
    """Requirements of a framework by the id that OSCAL has for them: parts of a NIST control go with it."""
    found: dict[str, list[Requirement]] = {}
    for each in listed:
        base = framework.enhancement(each.id)
        plain = re.sub(r"[^A-Za-z0-9.]+", "-", each.id).strip("-")
        target = base.lower().replace("(", ".").rstrip(")") if base else f"{each.framework}_{plain}"
        found.setdefault(target, []).append(each)
    return list(found.items())


def _controls(group: Iterable[Requirement]) -> list[str]:
    return list(dict.fromkeys(name for each in group for name in each.controls))


def _metadata(title: str, version: str, moment: datetime) -> dict[str, str]:
    at = moment.isoformat(timespec="seconds")
    return {"title": title, "last-modified": at, "version": _text(version), "oscal-version": _VERSION}


def _moment(text: Any, saved: Saved) -> str:
    try:
        found = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError) as error:
        raise SmguardError(f"{saved.name} doesn't say when the audit was") from error


def _prop(name: str, value: str) -> dict[str, str]:
    return {"name": name, "ns": _NS, "value": _text(value)}


def _text(text: str, limit: int = 300) -> str:
    return inert(text, limit).strip() or "-"


def _uuid(*parts: str) -> str:
    name = "\0".join((_NS, *parts)).encode("utf-8", "backslashreplace").decode()
    return str(uuid5(NAMESPACE_URL, name))
