"""The tags of many resources at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import islice
from typing import Any

from scanner.audit.fault import Fault
from scanner.audit.item import STACK, TAGS, Api, Item, kinds_of
from scanner.audit.paging import pages
from scanner.value import Opaque, Partial

Tags = Mapping[str, str]
_PAGE = 100


def tags_by_arn(api: Api, kinds: Collection[str], *keys: str) -> dict[str, Tags]:
    """The tags of every tagged resource in the scope of one of `kinds`, the words of ARNs ("model").

    With `keys`, of those that have these. Resources with the same tags share one mapping. Raises Fault.
    """
    filters, tags = [f"sagemaker:{kind}" for kind in sorted(kinds)], [{"Key": key} for key in keys]
    asked = {"ResourceTypeFilters": filters, "TagFilters": tags, "ResourcesPerPage": _PAGE}
    return _told(api, asked) if kinds else {}


def tags_of(api: Api, items: Iterable[Item]) -> dict[str, Tags]:
    """The tags of those of at most a hundred resources that have any, by ARN. Raises Fault."""
    arns = sorted({item.arn for item in items if item.arn})
    return _told(api, {"ResourceARNList": arns}) if arns else {}


def tags_beside(api: Api, types: Iterable[Callable[[], Iterable[Item]]], made: set[str]) -> dict[str, Tags]:
    """The tags, by ARN, of those resources of some types that came without. Raises Fault.

    A call tells those of a hundred that are named, or of a hundred of a type that have any, though they came
    with them or are too old to be looked at. `made` are words of ARNs of others whose stack is to be told.
    """
    whole, apart, named = set[str](), set[str](), list[str]()
    for items in types:
        told = Counter(TAGS in item.properties for item in items())
        few = told[False] <= max(_PAGE, told[True])
        named += [it.arn for it in items() if TAGS not in it.properties and it.arn] if few else []
        (apart if few else whole).update(islice((kind for it in items() for kind in kinds_of(it)), 1))
    whole |= made - apart if whole else set()
    found: dict[str, Tags] = {**{arn: {} for arn in named}, **tags_by_arn(api, whole)}
    for start in range(0, len(named), _PAGE):
        found |= _told(api, {"ResourceARNList": named[start : start + _PAGE]})
    return found | tags_by_arn(api, made - apart - whole, STACK)


def _told(api: Api, asked: dict[str, Any]) -> dict[str, Tags]:
    found: dict[str, Tags] = {}
    shared: dict[tuple[tuple[str, str], ...], Tags] = {}
    service, operation = "resourcegroupstaggingapi", "GetResources"
    for rows in pages(api, service, operation, asked, "ResourceTagMappingList"):
        for row in rows:
            try:
                tags = tuple(sorted((tag["Key"], tag["Value"]) for tag in row["Tags"]))
                found[row["ResourceARN"]] = shared.setdefault(tags, dict(tags))
            except (KeyError, TypeError):
                raise Fault("malformed", "UnreadableAnswer", service, operation, api.scope) from None
    return found


def with_tags(item: Item, tags: Mapping[str, Tags] | Fault) -> Item:
    """A resource with what the tagging API says of it, unknown where it says nothing."""
    if isinstance(tags, Fault) or not item.arn:
        told: Any = Partial((Opaque("what tag:GetResources would tell"),))
    else:
        told = [{"Key": key, "Value": value} for key, value in tags.get(item.arn, {}).items()]
    return item._replace(properties={**item.properties, TAGS: told})
