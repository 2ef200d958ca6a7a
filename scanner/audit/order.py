"""Which types are read for some controls, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import TopologicalSorter

from scanner.audit.acquisition import Acquisition
from scanner.audit.item import PIPELINE
from scanner.catalog import Catalog
from scanner.joint import judged_at
from scanner.model import Control


def readable(
    catalog: Catalog, controls: Iterable[Control], known: Mapping[str, Acquisition], also: Iterable[str] = ()
) -> dict[str, Acquisition]:
    """How to read each type that some of the controls are about, and `also` these.

    Those that others refer to come first.
    """
    types = {known[type_name].read_as or type_name for type_name in also if type_name in known}
    for type_name in {type_name for control in controls for type_name in control.resources}:
        if type_name in known:
            types.add(known[type_name].read_as or type_name)
        if PIPELINE in known and "steps" in catalog.types.get(type_name, ()):
            types.add(PIPELINE)
    # What can be many, one page after the other, begins first: the audit takes as long as that does.
    begun = sorted(types, key=lambda it: (known[it].search is None, not known[it].open, it))
    ends = {it: judged_at(catalog.types, it) & types for it in begun}
    TopologicalSorter(ends).prepare()  # types that wait for each other would do so for ever

    def before(type_name: str) -> Iterator[str]:
        for to in sorted(ends[type_name]):
            yield from before(to)
        yield type_name

    return {it: known[it] for type_name in begun for it in before(type_name)}
