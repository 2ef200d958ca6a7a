"""What an audit may do: the least IAM permissions that reading for the chosen controls needs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import chain
from types import MappingProxyType
from typing import Any

from scanner.audit import keys
from scanner.audit.acquisition import Acquisition, Wanted, actions
from scanner.audit.environment import wanted_of
from scanner.audit.governance import ACTIONS, Chosen
from scanner.audit.joints import looking
from scanner.audit.source import Source
from scanner.catalog import Catalog
from scanner.joint import shaped
from scanner.managed_key import CUSTOMER_MANAGED_KEY
from scanner.model import Control

_ALWAYS = ("ec2:DescribeRegions", "sts:GetCallerIdentity", "tag:GetResources")


def policy(
    catalog: Catalog,
    controls: Iterable[Control],
    how: Mapping[str, Acquisition],
    asked: Chosen,
    organization: bool = False,
    account_role: str | None = None,
    sources: Mapping[str, Source] = MappingProxyType({}),
) -> dict[str, Any]:
    """An identity policy for an auditor, as JSON.

    `how`, `sources` and `asked` are what the controls make it read.
    """
    controls = tuple(controls)
    wanted = Wanted(frozenset())
    reading = frozenset().union(*(actions(each, wanted) for each in how.values()))
    found = looking(catalog, controls)
    around = (
        each.actions(wanted_of(catalog, found, type_name, sources)) for type_name, each in sources.items()
    )
    beside = {
        *_ALWAYS,
        *chain.from_iterable(around),
        *(["organizations:ListAccounts"] if organization else ()),
        *(action for type_name in asked for action in ACTIONS[type_name]),
        *(keys.ACTIONS if asks_about_keys(catalog, controls) else ()),
    }
    statements = [
        ("ReadSageMakerSettings", reading, "*"),
        ("ReadWhatSettingsName", beside, "*"),
        ("EnterAccounts", {"sts:AssumeRole"} if account_role else set(), f"arn:*:iam::*:role/{account_role}"),
    ]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": sid, "Effect": "Allow", "Action": sorted(allowed), "Resource": where}
            for sid, allowed, where in statements
            if allowed
        ],
    }


def asks_about_keys(catalog: Catalog, controls: Iterable[Control]) -> bool:
    """Whether some control asks who manages a key."""
    bodies = [rule for control in controls for rule in control.resources.values()]
    places = [shaped(place, catalog.shapes) for rule in bodies for place in rule.get("places", ())]
    return CUSTOMER_MANAGED_KEY in json.dumps(places)
