"""The rule of AWS Config that a control becomes, whoever evaluates it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from scanner.alone import together
from scanner.audit import acquisition
from scanner.audit.acquisition import Acquisition
from scanner.audit.opt_out import EFFECTIVE
from scanner.catalog import Catalog
from scanner.folder import read_data
from scanner.model import Control

CHANGE, OVERSIZED, SCHEDULED = (
    "ConfigurationItemChangeNotification",
    "OversizedConfigurationItemChangeNotification",
    "ScheduledNotification",
)
_MOST_DESCRIPTION = 256


class Rule(NamedTuple):
    """What AWS Config is told of a control."""

    control: Control
    changes: tuple[str, ...]
    """Types whose recorded changes it judges."""
    scheduled: tuple[str, ...]
    """Types that it reads by itself."""
    joined: tuple[str, ...] = ()
    """Those of them that it judges with other resources in sight."""

    @property
    def name(self) -> str:
        """Of the rule, where no conformance pack adds to it."""
        return f"sagemaker-{self.control.id}"

    @property
    def messages(self) -> tuple[str, ...]:
        """The message types that it is invoked with."""
        return (CHANGE, OVERSIZED) * bool(self.changes) + (SCHEDULED,) * bool(self.scheduled)

    @property
    def description(self) -> str:
        """What the console shows."""
        return f"{self.control.title} ({self.control.severity.name.lower()})"[:_MOST_DESCRIPTION]


def rules(catalog: Catalog, known: Mapping[str, Acquisition] | None = None) -> list[Rule]:
    """The rules of the controls in force, by id; one of which a rule can tell nothing has none."""
    known = acquisition.load() if known is None else known
    read = {*known, *acquisition.sources(), EFFECTIVE}
    unruled = read_data("config_rules", "_deployment.yaml")["unruled"]
    found = []
    for control in catalog.controls:
        if control.retired or control.id in unruled:
            continue
        types = sorted(control.resources.keys() & read)
        joined = tuple(it for it in types if together(control, it, catalog))
        changes = tuple(it for it in types if it not in joined and _changes(it, known))
        scheduled = tuple(it for it in types if it not in changes)
        if types:
            found.append(Rule(control, changes, scheduled, joined))
    return found


def _changes(type_name: str, known: Mapping[str, Acquisition]) -> bool:
    return type_name in known and known[type_name].config.trigger == "change"


def words(name: str) -> str:
    """A kebab-case id as CloudFormation spells names: "volume-kms-key" is "VolumeKmsKey"."""
    return "".join(part.capitalize() for part in name.split("-"))
