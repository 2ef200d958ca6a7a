"""Suppressions that a template holds for other tools: they waive nothing here, and what would is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from scanner.model import Control, Finding, Note
from scanner.safe_text import inert, to_json

_DAYS = 90
"""How long the waiver that is proposed lasts."""


class Form(NamedTuple):
    """How a tool writes suppressions in a resource's Metadata.

    `keys` lead to a list of ids, or of mappings with an `id` and a reason.
    """

    aka: str
    """What `aka` of the controls calls the tool."""
    keys: tuple[str, ...]
    reason: str = ""


_FORMS = {
    "cfn_nag": Form("cfn-nag", ("rules_to_suppress",), "reason"),
    "checkov": Form("checkov", ("skip",), "comment"),
    "guard": Form("guard", ("SuppressedRules",)),
    "cfn-lint": Form("cfn-lint", ("config", "ignore_checks")),
}


def notes(
    raw: Mapping[str, Any], where: str, findings: Iterable[Finding], today: date, firm: frozenset[str]
) -> Iterator[Note]:
    """The Note about one resource, if its suppressions are about controls with open findings there.

    `raw` holds what stands under each tool's key in its Metadata; `firm` are controls that can't be waived.
    """
    controls = {it.control.id: it.control for it in findings if not it.excused and it.control.id not in firm}
    kinds = {it.resource.type for it in findings}
    names: list[str] = []
    waivers: dict[str, str] = {}
    for tool, form in _FORMS.items():
        for suppressed, reason in _suppressed(raw.get(tool), form):
            for name, control in controls.items():
                if suppressed in (id for kind in kinds for id in _foreign_ids(control, kind, form.aka)):
                    names.append(f"{tool} {inert(suppressed, 60)}")
                    waivers.setdefault(name, reason or waivers.get(name, ""))
    if waivers:
        expires = (today + timedelta(days=_DAYS)).isoformat()
        written = ", ".join(
            f"{{control: {name}, reason: {to_json(inert(reason, 80) or 'say why')}, expires: {expires}}}"
            for name, reason in waivers.items()
        )
        what = f"suppressing {', '.join(dict.fromkeys(names))} waives nothing here"
        yield Note(where, f"{what}; in Metadata write smguard: {{waivers: [{written}]}}")


def _suppressed(raw: Any, form: Form) -> Iterator[tuple[str, str]]:
    """The ids that are suppressed, each with its reason or ""."""
    for key in form.keys:
        raw = raw.get(key) if isinstance(raw, dict) else None
    for item in raw if isinstance(raw, list) else ():
        if isinstance(item, str):
            yield item, ""
        elif isinstance(item, dict) and isinstance(item.get("id"), str):
            reason = item.get(form.reason)
            yield item["id"], reason if isinstance(reason, str) else ""


def _foreign_ids(control: Control, kind: str, tool: str) -> Iterator[str]:
    """What a tool calls a control on a type, its own check or ours within it."""
    yield {"cfn-lint": control.cfn_lint_id, "checkov": control.checkov_id}.get(tool, "")
    for aka in (control.aka, control.resources.get(kind, {}).get("aka", {})):
        ids = aka.get(tool, ())
        yield from [ids] if isinstance(ids, str) else ids
