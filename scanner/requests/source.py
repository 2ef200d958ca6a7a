"""Files that are a definition or a request by themselves, as templates that can be judged."""

from __future__ import annotations

from typing import Any

from scanner.catalog import property_kinds
from scanner.opening import Candidate
from scanner.requests import pipeline, states
from scanner.requests.operation import Types, name_of, names_of, operation_in_name, types_by_operation
from scanner.requests.text import filler
from scanner.requests.writer import Dialect, Writer
from scanner.template.document import settle
from scanner.template.load import Loaded, Loader
from scanner.template.template import Template


def write(loader: Loader, template: Template, entry: Candidate, loaded: Loaded) -> bool:
    """Give a template what its document makes as resources; False if that is no definition and no request."""
    root = {key: settle(value, template.pick) for key, value in template.root.items()}
    holder = {"request": template.root}
    first = template.position(template.root, next(iter(root), None))
    template.marks[id(holder)] = {"request": first or (1, 1)}
    template.alive = (template.alive, holder)
    writer = Writer(template, loader.types)
    # What is filled into a definition before it is used stands elsewhere.
    writer.fill = filler(None, None)
    by_operation = types_by_operation(loader.types)
    if root.get("Version") == pipeline.VERSION and "Steps" in root:
        pipeline.write(root, holder, "request", writer)
    elif "States" in root and "StartAt" in root:
        states.write(root, holder, "request", writer)
    else:
        operation = loader.request if entry.named else None
        operation = operation or _recognised(loader.types, by_operation, entry.real, root)
        if operation is None:
            return False
        name, kind = name_of(operation, root), by_operation[operation]
        writer.add(name, kind, holder, "request", Dialect(str), change=operation[:6] == "Update")
    writer.finish()
    loaded.gaps += writer.gaps
    return True


def _recognised(types: Types, by_operation: dict[str, str], real: str, root: dict[str, Any]) -> str | None:
    """The operation that the file's name says, if most of what the request holds belongs to it."""
    operation = operation_in_name(by_operation, real)
    if operation is None:
        return None
    facts, kind = property_kinds(), by_operation[operation]
    known = set(facts["kinds"].get(kind, ())).difference(facts["cloudformation-only"].get(kind, ()))
    known.update(names_of(operation), types[kind].get("update", {}).get("renames", {}).values())
    return operation if 2 * len(known & root.keys()) > len(root) else None
