"""How other services' types are read, as data tells: few operations, merged into one resource each.

The expressions in a `live:` block are JMESPath, over what the operations return of one resource: the members
of its item in the first, and the answers of the others under their names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from scanner.audit.answer import told
from scanner.audit.fault import iam_action
from scanner.audit.item import GLOBAL

_SPELLED = {"as": "known_as", "for": "given"}
"""What a `live:` block calls a field that Python may not."""


class Read(NamedTuple):
    """One operation. With `items`, or nothing `given`, it is asked once for all resources, else for each."""

    service: str
    operation: str
    known_as: str
    items: str | None = None
    """JMESPath to the rows of its answer."""
    each: str | None = None
    """A member of the rows that lists what the resources are; the row's own members count for them too."""
    by: str | None = None
    """The member of a row that says to which resource it belongs."""
    to: str | None = None
    """The member of the resource that `by` is equal to."""
    parameters: Mapping[str, Any] = {}
    """Texts may hold {account} and {region}."""
    given: Mapping[str, str] = {}
    """Parameters that differ: name <- JMESPath."""
    many: str | None = None
    """The parameter that takes the names of a hundred resources."""
    absent: Sequence[str] = ()
    """Error codes that say that there is none."""
    needs: str | None = None
    """The member without which its answer says nothing, where one must be there."""


class Source(NamedTuple):
    """How resources of one type are read."""

    type: str
    service: str
    reads: tuple[Read, ...]
    """The first names all resources."""
    name: str
    arn: str
    """JMESPath, or what follows the partition, with {region}, {account} and {name}."""
    properties: Mapping[str, tuple[str, ...]]
    """Property <- JMESPath, of which the first that finds something tells; else the member of that name."""
    report: str
    """Of what a rule of AWS Config reports: "resource" or "account"."""
    config_type: str
    """The type as which AWS Config knows it, or that of which it is a part."""
    config_id: str
    """JMESPath to what AWS Config calls it."""
    called: str | None = None
    """A regular expression: the names of SageMaker's properties that name one."""
    belongs: Mapping[str, str] = {}
    """Path, as of `belongs-with`, by which it belongs too, if what JMESPath finds is true."""
    names: str | None = None
    """JMESPath to what else leads to it, such as aliases."""
    exists: str | None = None
    """JMESPath to what is not there where there is no resource."""
    attributes: Mapping[str, str] = {}
    """What Fn::GetAtt gives <- JMESPath, as far as others are named by it."""
    pascal: bool = False
    """Do members begin with small letters, which CloudFormation writes large?"""
    shared: bool = False
    """Is it the same in every region of the account?"""
    region: str | None = None
    """JMESPath to the region that one of these lies in all the same."""

    def reading(self, wanted: Collection[str]) -> tuple[Read, ...]:
        """The operations that tell of the `wanted` properties."""
        told = " ".join(
            (
                *(self.name, self.names or "", self.exists or "", *self.attributes.values()),
                *(each for it in wanted for each in self.properties.get(it, ())),
            )
        )
        return tuple(
            each
            for number, each in enumerate(self.reads)
            if not number or each.many or re.search(rf"\b{each.known_as}\b", told)
        )

    def home(self, record: Mapping[str, Any]) -> str | None:
        """The region that a resource lies in, as an Item has it."""
        if not self.shared:
            return None
        return str(told(self.region, record) or "") if self.region else GLOBAL

    def actions(self, wanted: Collection[str]) -> frozenset[str]:
        """The IAM actions that the calls need."""
        return frozenset(iam_action(each.service, each.operation) for each in self.reading(wanted))


class Row(NamedTuple):
    """A resource as the first operation names it, what is asked once for all being there too."""

    name: str
    names: frozenset[str]
    """All that leads to it."""
    record: Mapping[str, Any]


def source_of(type_name: str, live: Mapping[str, Any]) -> Source:
    """Read a `live:` block that has `reads`."""
    config = live.get("config", {})
    properties = live.get("properties", {}).items()
    return Source(
        type=type_name,
        service=live["service"],
        reads=tuple(_read(each, live["service"]) for each in live["reads"]),
        name=live["name"],
        arn=live["arn"],
        properties={name: (told,) if isinstance(told, str) else tuple(told) for name, told in properties},
        report=config.get("report", "account"),
        config_type=config.get("type", type_name),
        config_id=config.get("id", live["name"]),
        **{name: live[name] for name in Source._field_defaults if name in live},
    )


def _read(body: Mapping[str, Any], service: str) -> Read:
    fields = {_SPELLED.get(name, name): value for name, value in body.items()}
    return Read(**{"service": service, "known_as": body["operation"], **fields})
