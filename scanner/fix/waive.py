"""The waiver of a finding, as an edit of the template beside what it excuses."""

from __future__ import annotations

from datetime import date

from scanner.fix.patch import Unfit, patch_at, patched, same
from scanner.fix.splice import Edit, Writer, apply
from scanner.limits import Limits
from scanner.model import Finding
from scanner.template.document import ReadError
from scanner.template.reader import read


def waive(text: str, finding: Finding, expires: date, limits: Limits) -> list[Edit]:
    """The edits that add a waiver whose reason is still to be written: until then it waives nothing.

    Raises Unfit where the control or the text doesn't allow it.
    """
    name = finding.resource.name
    if not finding.control.waivable or finding.waiver is not None or finding.resource.construct:
        raise Unfit("can't be waived here")
    try:
        data = read(text, limits).root
        resources = data.get("Resources")
        if not isinstance(resources, dict) or not isinstance(resources.get(name), dict):
            raise Unfit("is not written out in this file")
        entry = {"control": finding.control.id, "reason": "", "expires": expires.isoformat()}
        patch = patch_at(("Resources", name, "Metadata", "smguard", "waivers"), [entry])
        edits = Writer(text).edits(patch)
        holds = same(read(apply(text, edits), limits).root, patched(data, patch))
    except ReadError as fault:
        raise Unfit(str(fault)) from None
    if not holds:
        raise Unfit("an edit would change something else too")
    return edits
