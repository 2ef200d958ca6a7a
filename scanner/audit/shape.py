"""Answers of AWS's API as resources in CloudFormation's shape."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from scanner.audit.acquisition import NAME, Acquisition, Wanted
from scanner.audit.answer import told
from scanner.audit.fault import Fault
from scanner.audit.item import TAGS, Item, Scope, tags_in
from scanner.value import Opaque, Partial

if TYPE_CHECKING:
    from scanner.audit.memory import Memory

SETTLED = timedelta(hours=1)
"""What is older than this is in every list, though clocks differ: nothing can turn up before it any more."""
_ROUNDING = timedelta(seconds=2)
_BEGINNING = datetime.fromtimestamp(0, UTC)


class Entry(NamedTuple):
    """A resource as a summary or a search result names it."""

    name: str
    arn: str | None
    created: datetime
    modified: datetime | None
    status: str | None
    by: Mapping[str, Any]
    """The parameters that describe it."""

    def is_same(self, other: Entry) -> bool:
        """Does `other` name it too, not an earlier resource of that name, and as it is now?"""
        return (
            self.name == other.name
            and abs(self.created - other.created) < _ROUNDING
            and (not self.modified or not other.modified or self.modified - other.modified < _ROUNDING)
        )


class Found(NamedTuple):
    """A resource as it was read: `values` are those of its properties that are kept, and its tags if told."""

    entry: Entry
    values: Mapping[str, Any]
    stack: str | None = None


def entry_of(how: Acquisition, raw: Mapping[str, Any], scope: Scope) -> Entry:
    """What a summary or a search result names. Raises Fault, "malformed", if it names nothing."""
    listing = how.listing
    parts = [raw.get(member) for member in listing.name]
    needed = [member for member in how.describing.by.values() if member != NAME]
    if not all(isinstance(part, str) and part for part in (*parts, *map(raw.get, needed))):
        raise Fault("malformed", "NamelessResource", how.service, listing.operation, scope)
    name = "/".join(_named(str(part)) for part in parts)
    by = {
        parameter: name if member == NAME else raw.get(member)
        for parameter, member in how.describing.by.items()
    }
    return Entry(
        name=name,
        arn=raw.get(listing.arn) if listing.arn else None,
        created=raw.get(listing.created) or _BEGINNING,
        modified=None if how.immutable else raw.get("LastModifiedTime"),
        status=raw.get(listing.status),
        by=by,
    )


def unwrap(how: Acquisition, answer: Mapping[str, Any], scope: Scope) -> Mapping[str, Any]:
    """The resource in an answer of Describe. Raises Fault, "malformed", for an answer that says nothing."""
    inner = answer.get(how.describing.at) if how.describing.at else answer
    if not isinstance(inner, Mapping) or not inner.get(how.describing.arn):
        raise Fault("malformed", "EmptyAnswer", how.service, how.describing.operation, scope)
    return inner


def record_in(how: Acquisition, result: Any) -> Mapping[str, Any] | None:
    """The resource in a result of Search, None where there is none."""
    for member in how.search.record if how.search else ():
        result = result.get(member) if isinstance(result, Mapping) else None
    return result if isinstance(result, Mapping) else None


def found_in(how: Acquisition, entry: Entry, raw: Mapping[str, Any], names: Collection[str]) -> Found:
    """The properties `names` of a resource under CloudFormation's names, and where it comes from."""
    members = {name: told(how.renames.get(name, name), raw) for name in names}
    values = {name: member for name, member in members.items() if member is not None}
    tags, stack = tags_in(raw)
    values |= {TAGS: tags} if tags else {}  # that there are none is what an answer without says of others too
    arn = raw.get(how.describing.arn) or entry.arn
    status = raw.get(how.listing.status) or entry.status
    return Found(entry._replace(arn=arn, status=status), values, stack)


def item_of(how: Acquisition, found: Found, wanted: Wanted) -> Item:
    """The item that is judged: what is wanted, unknown where AWS never returns it."""
    hidden = Partial((Opaque(f"what {how.describing.operation} does not return"),))
    values = {name: found.values[name] for name in wanted.properties & found.values.keys()}
    values |= dict.fromkeys(wanted.properties & how.never, hidden)
    unsaid = wanted.properties & how.unsaid - values.keys()
    moot = wanted.properties & how.only_while_open if is_done(how, found.entry) else frozenset()
    for name in moot:
        values.pop(name, None)
    return Item(how.type, found.entry.name, found.entry.arn, values, found.stack, moot, unsaid)


def is_done(how: Acquisition, entry: Entry) -> bool:
    """Has a job ended? A status that is not known to us counts as going on."""
    return entry.status in how.done


def kept(how: Acquisition, found: Found) -> dict[str, Any]:
    """What is remembered of a resource, as JSON values: of its tags those that last."""
    entry = found.entry
    lasting = [tag for tag in found.values.get(TAGS, ()) if tag.get("Key") in how.lasting]
    return {
        "arn": entry.arn,
        "created": entry.created.timestamp(),
        "status": entry.status,
        "by": dict(entry.by),
        "values": {**found.values, **({TAGS: lasting} if TAGS in found.values else {})},
        "stack": found.stack,
    }


def recalled(name: str, record: Mapping[str, Any]) -> Found:
    """A resource from what `kept` gave. Raises LookupError, TypeError or ValueError for anything else."""
    created = datetime.fromtimestamp(record["created"], UTC)
    entry = Entry(name, record["arn"], created, None, record["status"], record["by"])
    return Found(entry, record["values"], record["stack"])


def keep_tags(memory: Memory, how: Acquisition, wanted: Wanted, item: Item) -> None:
    """Remember those of a resource's tags that last; not of a young one, of which they may be told yet."""
    record = memory.recall(how.type, item.name, how.asked(wanted)) if how.lasting and item.arn else None
    found = recalled(item.name, record) if record else None
    if found and found.entry.created < datetime.now(UTC) - SETTLED:
        tags, stack = tags_in(item.properties)
        whole = found._replace(values={**found.values, TAGS: tags}, stack=stack)
        memory.remember(how.type, item.name, kept(how, whole), how.asked(wanted, how.kept))


def _named(text: str) -> str:
    """The name in an ARN, what follows the kind of the resource; other text is a name already."""
    is_arn = text.startswith("arn:") and text.count(":") > 4
    return text.split(":", 5)[5].partition("/")[2] if is_arn else text
