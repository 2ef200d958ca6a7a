"""What `smguard rules diff` found, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from scanner import catalog, catalog_source
from scanner.catalog_diff import (
    ControlChange,
    FindingChange,
    VerdictChange,
    compare_controls,
    compare_findings,
    compare_verdicts,
)
from scanner.catalog_source import Source
from scanner.model import Finding
from scanner.report.json_report import as_json
from scanner.rule_text import Line, section
from scanner.safe_text import to_json


class Comparison(NamedTuple):
    """Two catalogs and all that differs; `findings` is None where nothing was scanned."""

    old: Source
    new: Source
    controls: list[ControlChange]
    verdicts: list[VerdictChange]
    findings: list[FindingChange] | None
    gaps: int

    @property
    def differs(self) -> bool:
        """Does an upgrade change anything that was asked about?"""
        return bool(self.controls or self.verdicts if self.findings is None else self.findings)


def compare(old_name: str, new_name: str, paths: tuple[str, ...], parameters: tuple[str, ...]) -> Comparison:
    """Load both catalogs and compare them, on templates too where there are `paths`."""
    old, new = catalog_source.load(old_name), catalog_source.load(new_name)
    findings = None
    gaps = 0
    if paths:
        from scanner.cli.collect import collect

        today = datetime.now(UTC).date()
        before, after = (
            collect(paths, each.catalog, catalog.select(each.catalog), parameters, today)
            for each in (old, new)
        )
        findings = compare_findings(before[0], after[0])
        gaps = max(before[1].summary.gaps, after[1].summary.gaps)
    controls = list(compare_controls(old.catalog, new.catalog))
    return Comparison(old, new, controls, list(compare_verdicts(old, new)), findings, gaps)


def render(compared: Comparison) -> Iterator[Line]:
    """For a terminal."""
    for label, source in (("from", compared.old), ("to  ", compared.new)):
        version, digest = source.catalog.version, source.catalog.digest[:12]
        yield Line(0, f"{label} {source.name} (version {version}, catalog {digest})")
    if compared.controls:
        yield from section("Controls")
    for control in compared.controls:
        yield Line(2, f"{control.control} {control.change}")
        yield from (Line(4, text) for text in control.differences)
    if compared.verdicts:
        yield from section("Verdicts on examples")
    for verdict in compared.verdicts:
        yield Line(4, f"{verdict.control}: {verdict.old} → {verdict.new}: {verdict.example}")
    if compared.findings:
        yield from section("Findings")
    for change in compared.findings or ():
        finding = change.new or change.old
        assert finding is not None  # noqa: S101 - one of the two is there
        location, became = finding.location, f"{_stand(change.old)} → {_stand(change.new)}"
        yield Line(2, f"{finding.control.id} {finding.resource.name}: {became}")
        yield Line(4, f"{location.file}:{location.line}:{location.column}: {finding.message}")
    yield Line(0, "")
    yield Line(0, _summary(compared))
    if compared.gaps:
        yield Line(0, "Not everything could be looked at: `smguard scan` says what and why.")


def _summary(compared: Comparison) -> str:
    counts = {"controls": len(compared.controls), "verdicts on examples": len(compared.verdicts)}
    if compared.findings is not None:
        counts["findings"] = len(compared.findings)
    if not any(counts.values()):
        return "Nothing differs."
    return "Different: " + ", ".join(f"{noun} {number}" for noun, number in counts.items())


def _stand(finding: Finding | None) -> str:
    if finding is None:
        return "none"
    waived = "waived " if finding.waiver else ""
    return f"{waived}{finding.verdict.value} ({finding.control.severity.label})"


def render_json(compared: Comparison) -> str:
    """One JSON document, version 1."""
    document: dict[str, Any] = {"schema_version": 1, "kind": "rules-diff"}
    for label, source in (("old", compared.old), ("new", compared.new)):
        found = source.catalog
        document[label] = {"source": source.name, "version": found.version, "catalog": found.digest}
    document["controls"] = [each._asdict() for each in compared.controls]
    document["verdicts"] = [each._asdict() for each in compared.verdicts]
    findings: list[Any] | None = None
    if compared.findings is not None:
        findings = [
            {"old": old and as_json(old), "new": new and as_json(new)} for old, new in compared.findings
        ]
    return to_json({**document, "findings": findings, "gaps": compared.gaps})
