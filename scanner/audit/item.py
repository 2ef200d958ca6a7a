"""What an audit is made of: where it looks, what it finds there, and whom it asks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from json import JSONEncoder
from typing import Any, NamedTuple, Protocol

from scanner.model import GLOBAL as GLOBAL
from scanner.value import Partial

TAGS, STACK = "Tags", "aws:cloudformation:stack-name"
PIPELINE, DEFINITION = "AWS::SageMaker::Pipeline", "PipelineDefinition"
_spell = JSONEncoder(check_circular=False).encode


class Scope(NamedTuple):
    """Where an audit looks: one region of one account. `account` has twelve digits."""

    account: str
    region: str
    partition: str = "aws"

    @property
    def shown(self) -> str:
        """How reports name it."""
        return f"{self.account}/{self.region}"


class Item(NamedTuple):
    """One resource of an account.

    `name` is what its owner calls it, unique in scope and type ("domain-id/profile" where AWS nests names).
    `properties` have CloudFormation's shape; null and empty values are left to the engine. `stack` is the
    CloudFormation stack that made it. `moot` are properties that mean nothing any more, and that were not
    read: a control that looks at one of them says nothing of this resource. `unsaid` were not read either,
    and nobody knows whether they are there. `home`, of what is the same in every region, is the one that it
    lies in, "" if that is not known.
    """

    type: str
    name: str
    arn: str | None
    properties: Mapping[str, Any]
    stack: str | None = None
    moot: frozenset[str] = frozenset()
    unsaid: frozenset[str] = frozenset()
    home: str | None = None


def spelled(item: Item) -> dict[str, str]:
    """Its properties as JSON, those that are plain: what is spelled alike is alike."""
    found = {}
    for name, value in item.properties.items():
        if type(value) is not Partial:
            with suppress(TypeError, ValueError):
                found[name] = _spell(value)
    return found


def kinds_of(item: Item) -> list[str]:
    """What its ARN calls a resource of SageMaker."""
    parts = (item.arn or "").split(":", 5)
    return [parts[5].partition("/")[0]] if len(parts) == 6 and parts[2] == "sagemaker" else []


def tags_in(raw: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], str | None]:
    """The tags in an answer, and the CloudFormation stack that they name."""
    given = raw.get(TAGS)
    tags = [tag for tag in given if isinstance(tag, Mapping)] if isinstance(given, list) else []
    return tags, next((tag.get("Value") for tag in tags if tag.get("Key") == STACK), None)


class Api(Protocol):
    """AWS's API in one scope. Threads share it."""

    @property
    def scope(self) -> Scope:
        """Where it asks."""

    def call(
        self, service: str, operation: str, parameters: Mapping[str, Any] = {}, needs: Collection[str] = ()
    ) -> dict[str, Any]:
        """The parsed answer to one call such as ("sagemaker", "ListModels"); paced and retried.

        Raises Fault when it is given up, and of kind "malformed" when a member of `needs` is not in the
        answer: many optional members are always there, and an answer without them says nothing.
        """
