"""Clients of the fake AWS, and the examples of controls as calls."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import boto3
from botocore.config import Config

from scanner import catalog
from scanner.example import as_template
from scanner.joint import is_joined
from tests.audit.test_examples import KEYS, KINDS, LeftOutError, Maker
from tests.fake_aws import Fake

FULL = catalog.load()
OPERATIONS = {kind: body["create"] for kind, body in FULL.types.items() if "create" in body}
NO_CALL = "something that no call to SageMaker makes"
_NUMBERS = itertools.count()


class Asked(NamedTuple):
    """One call that an example stands for."""

    operation: str
    kind: str
    parameters: dict[str, Any]


class Example(NamedTuple):
    """One example of a control, and the calls that make what it holds."""

    name: str
    control: str
    verdict: str
    calls: tuple[Asked, ...]


def client(session: Any = None) -> Any:
    """A client that sends whatever it is given, once."""
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    return (session or boto3.Session()).client("sagemaker", config=config)


def send(it: Any, asked: Asked) -> None:
    """Make the call; the answer of the fake does not matter, only whether there is one."""
    with suppress(it.exceptions.ClientError):
        it._make_api_call(asked.operation, dict(asked.parameters))


def examples(fake: Fake, verdicts: tuple[str, ...] = ("fail", "pass")) -> Iterator[Example | str]:
    """Every example of every control; why it can't be a call where it can't."""
    known = catalog.load()
    for control, by_verdict in catalog.examples().items():
        rules = known.by_id[control].resources.values()
        joined = any(is_joined(place, known.shapes) for rule in rules for place in rule.get("places", ()))
        for verdict in verdicts:
            for number, each in enumerate(by_verdict.get(verdict, ())):
                if joined or "parameters" in each:
                    yield "what other resources say" if joined else "what a configuration asks for"
                    continue
                try:
                    calls = tuple(_calls(fake, as_template(each)))
                except LeftOutError as reason:
                    yield str(reason)
                    continue
                yield Example(f"{control}-{verdict}-{number}", control, verdict, calls) if calls else NO_CALL


def _calls(fake: Fake, template: Mapping[str, Any]) -> Iterator[Asked]:
    maker = Maker(fake, template, f"c{next(_NUMBERS)}")
    if template.keys() - {"Resources", "AWSTemplateFormatVersion"}:
        raise LeftOutError("something that only a template can say")
    for resource in template["Resources"].values():
        kind, properties = resource["Type"], resource.get("Properties") or {}
        if resource.keys() - {"Type", "Properties"}:
            raise LeftOutError("something that only a template can say")
        maker.check(properties)
        if kind in KEYS:
            continue
        if kind not in OPERATIONS:
            raise LeftOutError(NO_CALL)
        yield Asked(OPERATIONS[kind], kind, maker.values(properties, KINDS[kind]))
