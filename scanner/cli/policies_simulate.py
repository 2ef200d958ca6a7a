"""`smguard policies simulate`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import product
from typing import Any

import click

from scanner.cli.options import Decorator
from scanner.cli.options import options as shared_options
from scanner.cli.shared import EXIT_FINDINGS, heading
from scanner.cli.terminal import laid_out
from scanner.model import SmguardError
from scanner.opening import read_named
from scanner.policy.call import CALLER, WORLD, derive, load, unsettled
from scanner.policy.decide import ALLOWED, EXPLICIT, IMPLICIT, Decision, Policies, decide
from scanner.policy.document import Policy, read_object, read_policy, take_policy
from scanner.policy.request import Request, take_request
from scanner.rule_text import Line

_SAID = {ALLOWED: "Allowed", EXPLICIT: "Denied explicitly", IMPLICIT: "Denied implicitly: nothing allows it"}
_FEW = 4
"""Worlds of a call that makes one request."""
_RANK = (ALLOWED, IMPLICIT, EXPLICIT)
_FULL = take_policy(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}},
    "FullAWSAccess",
)
_LAYERS = ("scp", "rcp", "identity", "boundary", "session", "resource_policy", "vpc_endpoint")
_ONE = click.Path(path_type=str)


def _layer(name: str, about: str, many: bool = False) -> Decorator:
    flag = "--" + name.replace("_", "-")
    return click.option(
        flag, name, multiple=many, metavar="FILE" if not many else "PATH", type=_ONE, help=about
    )


def _assumption(name: str, about: str) -> Decorator:
    words = WORLD[name]
    return click.option(
        f"--{name}", type=click.Choice(words), default=words[0], show_default=True, help=about
    )


@click.command("simulate")
@click.argument("action", required=False)
@click.option(
    "--call", metavar="FILE", type=_ONE, help="JSON parameters of the API call, as boto3 takes them."
)
@click.option("--resource", metavar="ARN", help="What it is done to. [default: what the call makes, or *]")
@click.option("--principal", metavar="ARN", default=CALLER, show_default=True, help="Who asks.")
@click.option("--account", metavar="ID", help="The account of the resource, where its ARN does not tell.")
@click.option(
    "--region",
    metavar="NAME",
    default="us-east-1",
    show_default=True,
    help="The region of what the call makes.",
)
@click.option(
    "--context",
    multiple=True,
    metavar="KEY=VALUE|FILE",
    help="A condition key, or a JSON file of them (repeatable).",
)
@_layer("scp", "SCPs of one level, a file or a folder; repeat it from the root down to the account.", True)
@_layer("rcp", "RCPs of one level, likewise, along the path to the resource's account.", True)
@_layer("identity", "Policies of the principal (repeatable). [default: everything is allowed]", True)
@_layer("boundary", "The principal's permissions boundary.")
@_layer("session", "The policy of the session.")
@_layer("resource_policy", "The policy of the resource, such as a bucket policy.")
@_layer("vpc_endpoint", "The policy of the VPC endpoint that the request takes.")
@_assumption("omitted", "What SageMaker sends for a parameter that the call leaves out. No source tells.")
@_assumption("deprecated", "Whether AWS still sends condition keys under deprecated names. No source tells.")
@_assumption(
    "several",
    "Whether SageMaker asks once for each definition or variant of a call, or once. No source tells.",
)
@click.option("--both", is_flag=True, help="Decide under each of these assumptions and say if it matters.")
@click.option(
    "--scenarios", metavar="FILE", type=_ONE, help="Answer scenarios, one JSON object per line; - reads them."
)
@click.option(
    "--oracle", type=click.Choice(["aws"]), help="Ask IAM's own simulator too and report differences."
)
@click.option("--profile", metavar="NAME", help="The AWS profile for --oracle.")
@click.option("--all", "show_all", is_flag=True, help="Also list statements about other actions.")
@shared_options("format", "output")
def command(scenarios: str | None, output: str | None, **options: Any) -> int:
    """Say what policies decide of a request, by which statement, and why each other one does not apply.

    Offline: nothing is asked of AWS, except with --oracle. Exit codes: 0 whatever is decided; 1 the oracle
    differs; 2 wrong usage or input.
    """
    from scanner.output import write

    if scenarios is not None:
        if options["action"] or options["call"] or options["oracle"]:
            raise SmguardError(
                "--scenarios bring their own requests", "leave ACTION, --call and --oracle out"
            )
        write(output, _answers(scenarios))
        return 0
    if options["call"] and not options["action"]:
        # Named as the AWS CLI names commands: create-training-job.json.
        stem = os.path.splitext(os.path.basename(options["call"]))[0]
        action = "".join(word.capitalize() for word in stem.split("-"))
        options["action"] = next((name for name in load()["calls"] if name.lower() == action.lower()), None)
    if not options["action"]:
        raise SmguardError(
            "what is asked for is missing", "name an action, such as sagemaker:CreateModel, or --scenarios"
        )
    report = simulate(options)
    if options["form"] == "json":
        from scanner.safe_text import to_json

        write(output, [to_json(report) + "\n"])
    else:
        write(output, laid_out(_lines(report, options["show_all"])))
    return EXIT_FINDINGS if report.get("oracle") and not report["oracle"]["agrees"] else 0


def simulate(options: dict[str, Any]) -> dict[str, Any]:
    """The report on one request or call."""
    policies, assumed = _policies(options)
    worlds = [tuple(options[name] for name in WORLD)]
    if options["both"]:
        if not options["call"]:
            raise SmguardError("--both needs --call", "the keys of a request are as you say them")
        matters = len(_requests(options, {**dict.fromkeys(WORLD, ""), "several": "each"})[0]) > 1
        several = WORLD["several"] if matters else (options["several"],)
        made = product(WORLD["omitted"], WORLD["deprecated"], several)
        worlds += [each for each in made if each not in worlds]
    decided = []
    for world in worlds:
        requests, more = _requests(options, dict(zip(WORLD, world, strict=True)))
        decided.append((*max(((it, decide(it, policies, explain=True)) for it in requests), key=_rank), more))
    request, decision, more = decided[0]
    report: dict[str, Any] = {
        **heading("simulate"),
        **_decided(decision),
        "request": request._asdict(),
        "assumptions": [*assumed, *more, *decision.assumptions],
        "statements": [reason._asdict() for reason in decision.reasons],
    }
    if options["both"]:
        report["depends"] = len({each.decision for _, each, _ in decided}) > 1
        report["worlds"] = [
            {**dict(zip(WORLD, world, strict=True)), **_decided(each)}
            for world, (_, each, _) in zip(worlds, decided, strict=True)
        ]
    if options["oracle"]:
        from scanner.policy.aws_oracle import ask, connect

        opinion = ask(connect(options["profile"], options["region"]), request, policies)
        agrees = opinion.decision == decision.decision
        report["oracle"] = {"name": "aws", **opinion._asdict(), "agrees": agrees}
    return report


def _decided(decision: Decision) -> dict[str, Any]:
    return {"decision": decision.decision, "by": decision.by, "layer": decision.layer}


def _rank(pair: tuple[Request, Decision]) -> int:
    """All requests of a call must be allowed: the worst decision is that of the call."""
    return _RANK.index(pair[1].decision)


def _requests(options: dict[str, Any], how: dict[str, str]) -> tuple[list[Request], list[str]]:
    changes = {name: options[name] for name in ("resource", "account") if options[name]}
    context: dict[str, Any] = {}
    for each in options["context"]:
        key, equals, value = each.partition("=")
        context.update({key: value} if equals else read_object(read_named(each), each))
    assumed: list[str] = []
    if options["call"]:
        parameters = read_object(read_named(options["call"]), options["call"])
        call = derive(
            options["action"], parameters, principal=options["principal"], region=options["region"], **how
        )
        requests, assumed = list(call.requests), list(call.assumptions)
        assumed.append(
            f"the key of an omitted parameter is {'absent' if how['omitted'] == 'absent' else 'its default'}"
        )
    else:
        requests = [Request(options["principal"], options["action"])]
    raw = [{**it._asdict(), **changes, "context": {**it.context, **context}} for it in requests]
    requests = [take_request(each, "request") for each in raw]
    return requests, [*assumed, *unsettled(requests[0])]


def _policies(options: dict[str, Any]) -> tuple[Policies, list[str]]:
    assumed: list[str] = []
    layers: dict[str, Any] = {}
    for name in _LAYERS:
        given = options[name]
        if name in ("scp", "rcp") and given:
            layers[name] = tuple(tuple(_read_policies(path)) for path in given)
        elif name == "identity":
            layers[name] = tuple(policy for path in given for policy in _read_policies(path))
        elif given:
            layers[name] = read_policy(read_named(given), given)
    if not layers["identity"]:
        layers["identity"] = (_FULL,)
        assumed.append("the principal's own policies allow everything")
    for level, policies in enumerate(layers.get("scp", ())):
        if not any(statement.effect == "Allow" for policy in policies for statement in policy.statements):
            layers["scp"] = (*layers["scp"][:level], (*policies, _FULL), *layers["scp"][level + 1 :])
            assumed.append(
                f"FullAWSAccess is attached at level {level + 1} too, where no SCP allows anything"
            )
    return Policies(**layers), assumed


def _read_policies(path: str) -> Iterator[Policy]:
    """The policy of a file, or those of the JSON files in a folder."""
    names = [path]
    if os.path.isdir(path):
        names = sorted(os.path.join(path, name) for name in os.listdir(path) if name.endswith(".json"))
        if not names:
            raise SmguardError(f"{path}: holds no policy, which would be a file that ends in .json")
    for name in names:
        yield read_policy(read_named(name), name)


def _answers(path: str) -> Iterator[str]:
    from scanner.limits import Limits
    from scanner.policy.scenario import answer

    longest = Limits().file_bytes + 1
    try:
        with sys.stdin.buffer if path == "-" else open(path, "rb") as stream:
            for line in answer(iter(lambda: stream.readline(longest), b""), path):
                yield line + "\n"
    except OSError as error:
        raise SmguardError(f"{path}: can't be read: {error.strerror}") from error


def _lines(report: dict[str, Any], show_all: bool) -> Iterator[Line]:
    from scanner.report.layout import count

    by = f" by {report['by'] or 'a statement without a Sid'}" if report["decision"] == EXPLICIT else ""
    where = f" ({report['layer'].replace('_', ' ')})" if report["layer"] else ""
    yield Line(0, _SAID[report["decision"]] + by + where)
    request = report["request"]
    yield Line(2, f"{request['action']} on {request['resource']} by {request['principal']}")
    for key, value in request["context"].items():
        yield Line(4, f"{key}: {', '.join(value) if isinstance(value, list) else value}")
    hidden = 0
    for each in report["statements"]:
        if each["why"] == "it is not about this action" and not show_all:
            hidden += 1
            continue
        level = f" {each['level']}" if each["level"] else ""
        name = f"{each['layer'].replace('_', ' ')}{level}: {each['effect']} {each['sid'] or '(no Sid)'}"
        yield from (Line(0, ""), Line(2, f"{name}, {each['policy']} {each['path']}"))
        yield Line(4, "applies" if each["applies"] else each["why"])
    if hidden:
        yield Line(0, "")
        yield Line(2, f"{count(hidden, 'statement')} about other actions; --all lists them.")
    yield from (Line(2, f"Assumed: {each}.") for each in report["assumptions"])
    if "worlds" in report:
        depends = "depends on what" if report["depends"] else "is the same whatever"
        yield from (Line(0, ""), Line(0, f"The decision {depends} AWS sends:"))
        for each in report["worlds"]:
            world = f"omitted {each['omitted']}, deprecated keys {each['deprecated']}"
            world += f", several {each['several']}" if len(report["worlds"]) > _FEW else ""
            by = f" by {each['by']}" if each["by"] else ""
            yield Line(2, f"{world:<42} {each['decision']}{by}", exact=True)
    if "oracle" in report:
        oracle = report["oracle"]
        without = f" (not told of: {', '.join(oracle['left_out'])})" if oracle["left_out"] else ""
        verb = "agrees" if oracle["agrees"] else f"differs: {oracle['decision']}"
        yield Line(0, f"AWS {verb}{without}")
