"""The tags of many resources at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from scanner.audit.fault import Fault
from scanner.audit.item import TAGS as TAGS
from scanner.audit.item import Api, Item
from scanner.audit.paging import pages
from scanner.value import Opaque, Partial

Tags = Mapping[str, str]


def tags_by_arn(api: Api, kinds: Collection[str]) -> dict[str, Tags]:
    """The tags of every tagged resource in the scope of one of `kinds`, the words of ARNs ("model").

    A hundred resources are told per call, so that Search, which tells tags too, does better where there are
    very many. Resources with the same tags share one mapping. Raises Fault.
    """
    filters = [f"sagemaker:{kind}" for kind in sorted(kinds)]
    return _told(api, {"ResourceTypeFilters": filters, "ResourcesPerPage": 100})


def tags_of(api: Api, items: Iterable[Item]) -> dict[str, Tags]:
    """The tags of those of at most a hundred resources that have any, by ARN. Raises Fault."""
    arns = sorted({item.arn for item in items if item.arn})
    return _told(api, {"ResourceARNList": arns}) if arns else {}


def _told(api: Api, asked: dict[str, Any]) -> dict[str, Tags]:
    found: dict[str, Tags] = {}
    shared: dict[tuple[tuple[str, str], ...], Tags] = {}
    service, operation = "resourcegroupstaggingapi", "GetResources"
    for rows in pages(api, service, operation, asked, "ResourceTagMappingList", "PaginationToken"):
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
        found = tags.get(item.arn, {})
        told = [{"Key": key, "Value": value} for key, value in found.items()]
    return item._replace(properties={**item.properties, TAGS: told})
