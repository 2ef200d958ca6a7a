"""What an upgrade changes: two catalogs compared, by what they say and by the verdicts they give."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from scanner.catalog import Catalog
from scanner.catalog_source import Source
from scanner.joint import shaped
from scanner.model import Control, Finding
from scanner.path import references_of
from scanner.place_text import describe_rule

_JUDGED_AT = "judged-at"


class ControlChange(NamedTuple):
    """A control that differs: `change` is added, removed, retired, restored or changed."""

    control: str
    change: str
    differences: tuple[str, ...]


class VerdictChange(NamedTuple):
    """An example of either catalog to which they give different verdicts."""

    control: str
    example: str
    old: str
    new: str


class FindingChange(NamedTuple):
    """A finding that only one of two scans has, or that they judge differently; None where there is none."""

    old: Finding | None
    new: Finding | None


def compare_controls(old: Catalog, new: Catalog) -> Iterator[ControlChange]:
    """The controls that differ in anything that verdicts or exit codes hang on, by id."""
    for control_id in sorted({*old.by_id, *new.by_id}):
        before, after = old.by_id.get(control_id), new.by_id.get(control_id)
        if before is None or after is None:
            control = before or after
            assert control is not None  # noqa: S101 - for the type checker
            kinds = f"{control.severity.label}, on {', '.join(map(_short, control.resources))}"
            if not control.retired:
                yield ControlChange(
                    control_id, "removed" if after is None else "added", (control.title, kinds)
                )
            continue
        differences = tuple(_differences(before, after, old, new))
        if before.retired is not after.retired:
            yield ControlChange(control_id, "retired" if after.retired else "restored", differences)
        elif differences and not after.retired:
            yield ControlChange(control_id, "changed", differences)


def _differences(before: Control, after: Control, old: Catalog, new: Catalog) -> Iterator[str]:
    for name, was, now in (
        ("severity", before.severity.label, after.severity.label),
        ("area", before.area, after.area),
        ("waivable", _yes(before.waivable), _yes(after.waivable)),
    ):
        if was != now:
            yield f"{name}: {was} → {now}"
    for name in sorted({*(before.parameters or {}), *(after.parameters or {})}):
        was, now = (_default(control.parameters, name) for control in (before, after))
        if was != now:
            yield f"parameter {name}: {was} → {now}"
    unworded = []
    for kind in sorted({*before.resources, *after.resources}):
        asked, asks = (_asks(control, kind, catalog) for control, catalog in ((before, old), (after, new)))
        if kind not in after.resources:
            yield f"{_short(kind)}: no longer judged"
        elif kind not in before.resources:
            yield from (f"{_short(kind)}: new: {text}" for text in asks)
        elif judged_by(before, kind, old) != judged_by(after, kind, new):
            yield from (f"{_short(kind)}: no longer: {text}" for text in asked if text not in asks)
            yield from (f"{_short(kind)}: new: {text}" for text in asks if text not in asked)
            if asked == asks:
                unworded.append(_short(kind))
    if unworded:
        yield f"a definition that it uses has changed, for {', '.join(unworded)}"


def _asks(control: Control, kind: str, catalog: Catalog) -> list[str]:
    rule = control.resources.get(kind)
    return [] if rule is None else list(describe_rule(rule, catalog.values, catalog.shapes))


def judged_by(control: Control, kind: str, catalog: Catalog) -> Any:
    """What a control asks of a type, with names replaced by what they stand for."""
    rule = control.resources[kind]
    joins = catalog.types.get(kind, {}).get(_JUDGED_AT, {})
    places = [_resolved(shaped(place, catalog.shapes), catalog.values) for place in rule.get("places", ())]
    return places, {path: joins.get(path) for path in references_of(rule)}


def _resolved(node: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(node, dict):
        if "$ref" in node:
            node = {**node, "$ref": values.get(node["$ref"])}
        return {
            key: _resolved(below, values)
            for key, below in node.items()
            if key not in ("about", "words", "shape")
        }
    return [_resolved(below, values) for below in node] if isinstance(node, list) else node


def compare_verdicts(old: Source, new: Source) -> Iterator[VerdictChange]:
    """The examples, of both catalogs, whose verdict differs; controls that only one has are left out."""
    from scanner.example import judge_example
    from scanner.template.document import ReadError
    from scanner.template.load import NotTemplate

    def judge(control: Control, catalog: Catalog, example: Mapping[str, Any]) -> str:
        try:
            return "not-applicable" if control.retired else judge_example(catalog, control, example)
        except (ReadError, NotTemplate):
            return "unreadable"

    for control_id in sorted(old.catalog.by_id.keys() & new.catalog.by_id.keys()):
        before, after = old.catalog.by_id[control_id], new.catalog.by_id[control_id]
        if not _may_differ(before, after, old.catalog, new.catalog):
            continue
        examples: dict[str, Mapping[str, Any]] = {}
        for source in (old, new):
            for listed in source.examples.get(control_id, {}).values():
                for example in listed:
                    content = {key: body for key, body in example.items() if key != "about"}
                    examples.setdefault(json.dumps(content, sort_keys=True, default=str), example)
        for example in examples.values():
            was, now = judge(before, old.catalog, example), judge(after, new.catalog, example)
            if was != now:
                yield VerdictChange(control_id, str(example.get("about", "")), was, now)


def _may_differ(before: Control, after: Control, old: Catalog, new: Catalog) -> bool:
    if before.retired is not after.retired or before.resources.keys() != after.resources.keys():
        return True
    return old.transforms != new.transforms or any(
        old.kinds.get(kind) != new.kinds.get(kind)
        or judged_by(before, kind, old) != judged_by(after, kind, new)
        for kind in before.resources
    )


def compare_findings(old: Iterable[Finding], new: Iterable[Finding]) -> list[FindingChange]:
    """The findings of two scans of the same files that differ in verdict, severity or waiver."""
    before = {finding.fingerprint: finding for finding in old}
    after = {finding.fingerprint: finding for finding in new}
    changes = [
        FindingChange(before.get(each), after.get(each))
        for each in dict.fromkeys((*before, *after))
        if _standing(before.get(each)) != _standing(after.get(each))
    ]
    return sorted(changes, key=_place)


def _standing(finding: Finding | None) -> Any:
    return finding and (finding.verdict, finding.control.severity, finding.waiver is not None)


def _place(change: FindingChange) -> Any:
    finding = change.new or change.old
    assert finding is not None  # noqa: S101 - one of the two is there
    return (finding.location.file or "", finding.location.line or 0, finding.control.id)


def _default(parameters: Mapping[str, Any] | None, name: str) -> str:
    return json.dumps(parameters[name]["default"]) if parameters and name in parameters else "none"


def _short(kind: str) -> str:
    return kind.removeprefix("AWS::SageMaker::")


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"
