"""`smguard config-rules test`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

import click

from scanner.audit.fault import Fault
from scanner.audit.item import Scope
from scanner.cli.options import options
from scanner.cli.shared import EXIT_INCOMPLETE, heading
from scanner.cli.terminal import laid_out
from scanner.json_object import as_object
from scanner.model import SmguardError
from scanner.opening import read_named
from scanner.report.layout import count
from scanner.rule_text import Line


@click.command("test")
@click.argument("files", nargs=-1, required=True, metavar="EVENT.json...", type=click.Path(path_type=str))
@click.option(
    "--parameters",
    multiple=True,
    metavar="NAME=VALUE|FILE",
    help="Parameters of the rule in place of the event's, or a JSON file of them (repeatable).",
)
@options("format", "output")
def command(files: tuple[str, ...], parameters: tuple[str, ...], form: str, output: str | None) -> int:
    """Run the function behind the rules on saved events, and print what it would tell AWS Config.

    A file holds an event as AWS Config sends it, or a list of them. Nothing is asked of AWS: what a recorded
    item lacks is not known then, and of a scheduled event nothing can be read. Exit codes: 0 whatever is
    compliant; 2 wrong usage or a file that can't be read; 3 something could not be looked at.
    """
    from scanner.output import write

    given = _given(parameters)
    ran = [_run(event, given) for path in files for event in _events(path)]
    if form == "json":
        from scanner.safe_text import to_json

        write(output, [to_json({**heading("config-rules-test"), "events": ran}) + "\n"])
    else:
        write(output, laid_out(_lines(ran)))
    return EXIT_INCOMPLETE if any(each["gaps"] for each in ran) else 0


class _Offline(NamedTuple):
    """An Api that nobody answers; nothing was reported to Config before."""

    scope: Scope

    def call(
        self, service: str, operation: str, parameters: Mapping[str, Any] = {}, needs: Collection[str] = ()
    ) -> dict[str, Any]:
        if operation == "GetComplianceDetailsByResource":
            return {"EvaluationResults": []}
        raise Fault("unreachable", "Offline", service, operation, self.scope)


def _run(event: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """What the function does of an event: {rule, evaluations, unknown, gaps, log}."""
    from scanner.folder import data_folder

    parent = os.path.dirname(data_folder("config_rules"))
    if parent not in sys.path:
        # In a wheel the package is data: what runs in Lambda has no place among a user's packages.
        sys.path.append(parent)
    from config_rules.handler import evaluate, read
    from config_rules.journal import Journal

    log: list[Any] = []
    journal = Journal(lambda line: log.append(json.loads(line)))
    found: list[dict[str, Any]] = []
    if given and isinstance(event, dict):
        event = {**event, "ruleParameters": {**(as_object(event.get("ruleParameters")) or {}), **given}}
    try:
        notice, rule = read(event, journal)
        api = _Offline(Scope(notice.account, notice.region, notice.partition))
        for each in evaluate(notice, rule, api, journal)[0]:
            body = each.body()
            found.append({**body, "OrderingTimestamp": body["OrderingTimestamp"].isoformat()})
    except SmguardError as error:
        journal.gap(error.what, error.hint)
    return {
        "rule": journal.rule,
        "evaluations": found,
        "unknown": journal.unknown,
        "gaps": list(journal.gaps),
        "log": log,
    }


def _given(parameters: tuple[str, ...]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for each in parameters:
        name, equals, value = each.partition("=")
        given.update({name: value} if equals else as_object(read_named(each)) or {})
    return given


def _events(path: str) -> list[Any]:
    try:
        read = json.loads(read_named(path))
    except (ValueError, RecursionError):
        raise SmguardError(f"{path} is no JSON", "give events as AWS Config sends them") from None
    return read if isinstance(read, list) else [read]


def _lines(ran: list[dict[str, Any]]) -> Iterator[Line]:
    for each in ran:
        yield Line(0, f"{each['rule'] or 'An event'}: {count(len(each['evaluations']), 'evaluation')}")
        for it in each["evaluations"]:
            yield Line(
                2, f"{it['ComplianceType']} {it['ComplianceResourceType']} {it['ComplianceResourceId']}"
            )
            yield Line(4, it["Annotation"])
        for line in each["log"]:
            about = " ".join(
                line[name] for name in ("type", "resource", "control", "property") if name in line
            )
            yield Line(2, f"{line['level']}: {line['message']} {about}".rstrip())
            if line.get("hint"):
                yield Line(4, line["hint"])
