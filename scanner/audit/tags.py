"""The tags of many resources at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from scanner.audit.fault import Fault
from scanner.audit.item import Api
from scanner.audit.paging import pages

Tags = Mapping[str, str]


def tags_by_arn(api: Api, kinds: Collection[str]) -> dict[str, Tags]:
    """The tags of every tagged resource in the scope of one of `kinds`, the words of ARNs ("model").

    A hundred resources are told per call, so that Search, which tells tags too, does better where there are
    very many. Resources with the same tags share one mapping. Raises Fault.
    """
    found: dict[str, Tags] = {}
    shared: dict[tuple[tuple[str, str], ...], Tags] = {}
    asked = {"ResourceTypeFilters": [f"sagemaker:{kind}" for kind in sorted(kinds)], "ResourcesPerPage": 100}
    service, operation = "resourcegroupstaggingapi", "GetResources"
    for rows in pages(api, service, operation, asked, "ResourceTagMappingList", "PaginationToken"):
        for row in rows:
            try:
                tags = tuple(sorted((tag["Key"], tag["Value"]) for tag in row["Tags"]))
                found[row["ResourceARN"]] = shared.setdefault(tags, dict(tags))
            except (KeyError, TypeError):
                raise Fault("malformed", "UnreadableAnswer", service, operation, api.scope) from None
    return found
