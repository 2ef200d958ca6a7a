"""A first look at the files of a scan: which lead to others, and what they are to one another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from scanner.environment import OWN
from scanner.opening import Candidate, open_text
from scanner.template.document import ReadError
from scanner.template.judge import Judge
from scanner.template.load import NESTED, Loader, NotTemplate
from scanner.template.template import speaks_of

if TYPE_CHECKING:
    from scanner.template.bonds import Bonds

_NAMING_FILES = ("DefinitionUri", "DefinitionS3Location")


def survey(
    candidates: Iterable[Candidate], loader: Loader, judge: Judge
) -> tuple[list[Candidate], Mapping[str, Bonds]]:
    """The files that speak of nested stacks or of definitions in files, and the bonds of each by real path.

    What can't be read is said later.
    """
    nesting, linked, bound = [], [], False
    whole = judge.environment.whole
    for entry in candidates:
        try:
            text = "" if entry.code else open_text(entry, loader.limits) or ""
        except ReadError:
            continue
        if speaks_of(text, NESTED) or ("Definition" in text and speaks_of(text, _NAMING_FILES)):
            nesting.append(entry)
        if whole or "ImportValue" in text or "Export" in text:
            linked.append(entry)
            bound = bound or whole or ("ImportValue" in text and OWN in text)
    if not bound or len(linked) < 2 or all(kind.startswith(OWN) for kind in judge.controls):
        return nesting, {}
    return nesting, _bind(linked, loader, judge)


def _bind(linked: list[Candidate], loader: Loader, judge: Judge) -> Mapping[str, Bonds]:
    from scanner.template.bonds import bind
    from scanner.template.family import Family

    families, followed = {}, set[str]()
    for entry in linked:
        try:
            text = open_text(entry, loader.limits)
            loaded = next(loader.load(text, entry), None) if text else None
        except (ReadError, NotTemplate):
            continue
        if loaded is not None:
            followed |= loaded.followed
            families[entry.real] = Family(loaded.templates, judge.kinds, judge.types)
    # What is nested is judged, and exports, through its parents.
    return bind({file: it for file, it in families.items() if file not in followed}, judge.environment)
