"""Controls in words: `smguard rules show` and `smguard explain`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from scanner import framework
from scanner.catalog import Catalog
from scanner.columns import wrap
from scanner.model import Control
from scanner.place_text import describe_rule
from scanner.safe_text import inert

_LONGEST = 4_000
_NO_POLICY = "No policy that is named here: only a scan finds it."


class Line(NamedTuple):
    """A line of text for a terminal; `exact` ones are copied by people and so never broken."""

    indent: int
    text: str
    exact: bool = False


def explain(
    control: Control, catalog: Catalog, kinds: Iterable[str] | None = None, found: Iterable[Line] = ()
) -> Iterator[Line]:
    """A control for a terminal: what was `found`, why it matters, what is asked of `kinds`, how to mend.

    Without `kinds`, of all types, and with what others call it.
    """
    yield Line(0, f"{control.id}: {control.title}")
    yield Line(0, f"{control.severity.label} severity, area {control.area}" + _standing(control))
    yield from found
    yield from section("Why", *_paragraphs(control.rationale))
    yield from section("What it asks for")
    for kind in control.resources if kinds is None else kinds:
        yield Line(2, kind)
        for text in describe_rule(control.resources[kind], catalog.values, catalog.shapes):
            yield Line(4, text)
    if control.parameters:
        yield from section("Parameters")
        for name, body in control.parameters.items():
            default = json.dumps(body["default"])
            value = f"{json.dumps(body['value'])} (default {default})" if "value" in body else default
            yield Line(2, f"{name} = {value}: {' '.join(body.get('description', '').split())}")
    yield from section("How to mend", *_paragraphs(control.remediation))
    yield from section("What stops it before it is made", *_prevention(control, kinds))
    if kinds is None:
        names = {
            **framework.foreign_names(control.aka, control.resources),
            **framework.shown(control),
        }
        if names or control.number:
            yield from section("In other tools and frameworks")
        if control.number:
            yield Line(2, f"{control.cfn_lint_id} inside cfn-lint, {control.checkov_id} inside checkov")
        if names:
            yield from (Line(2, f"{name}: {', '.join(ids)}") for name, ids in names.items())


def _prevention(control: Control, kinds: Iterable[str] | None) -> Iterator[str]:
    """The statements that stop it, and where they stop less or more than the control asks for."""
    if not control.prevent:
        whys = "; ".join(each["why"] for each in control.not_prevented)
        yield f"No policy: {whys}. Only a scan finds it." if whys else _NO_POLICY
        return
    yield from control.prevent
    shown = {"*", *(control.resources if kinds is None else kinds)}
    for heading, reasons in (("Not stopped", control.not_prevented), ("Stopped too", control.over_prevented)):
        for each in reasons:
            names = ", ".join(name.rpartition("::")[2] for name in each["types"] if name != "*")
            names += f" at {', '.join(each['at'])}" if "at" in each else ""
            if shown.intersection(each["types"]):
                yield f"{heading}{f' for {names}' if names else ''}: {each['why']}"


def _standing(control: Control) -> str:
    retired = "; retired: it judges nothing any more" if control.retired else ""
    return retired if control.waivable else f"{retired}; can't be waived"


def section(heading: str, *texts: str) -> Iterator[Line]:
    """A heading with paragraphs below it."""
    yield Line(0, "")
    yield Line(0, heading)
    yield from (Line(2, text) for text in texts)


def columns(rows: Sequence[Sequence[str]]) -> Iterator[Line]:
    """A table, its numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = zip(row, widths, strict=True)
        text = "  ".join(f"{cell:{'>' if cell.isdecimal() else '<'}{width}}" for cell, width in cells)
        yield Line(0, text.rstrip(), exact=True)


def _paragraphs(text: str) -> list[str]:
    """Paragraphs, a line each: whoever shows them knows how wide a line may be."""
    return [" ".join(paragraph.split()) for paragraph in text.strip().split("\n\n")]


def lay_out(lines: Iterable[Line], columns: int) -> Iterator[str]:
    """Inert lines of at most `columns`, broken at spaces, their indentation kept."""
    for line in lines:
        margin = " " * line.indent
        if line.exact:
            yield margin + inert(line.text, _LONGEST)
            continue
        first, *rest = wrap(inert(line.text, _LONGEST), columns - line.indent - 2)
        yield (margin + first).rstrip()
        hanging = margin + ("  " if line.indent > 2 else "")
        yield from (hanging + each for each in rest)
