"""What is deployed against the pack: rules, the functions' code, and the hook."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from scanner.audit.fault import Fault
from scanner.audit.item import Api
from scanner.audit.paging import pages
from scanner.deploy.bundle import Bundle, stamp
from scanner.deploy.rule import Rule
from scanner.folder import read_data
from scanner.json_object import as_object
from scanner.model import Gap
from scanner.safe_text import inert

HOOK = "Smguard::SageMaker::Guardrails"
KINDS = ("missing", "changed", "extra")
_PREFIX = "sagemaker-"
_OWN = ("control", "environment", "exempt", "report", "role", "since")
_Row = Mapping[str, Any]
_NOTHING: _Row = {}


class Difference(NamedTuple):
    """What is not as the pack has it."""

    kind: str
    """missing, changed or extra."""
    part: str
    """"rule sagemaker-volume-kms-key", "function …" or "hook …"."""
    what: str


class Setting(NamedTuple):
    """What users have given in place of the pack's own: no difference, and worth knowing."""

    part: str
    name: str
    """A parameter of the rule, a variable of the hook's function, or FailureMode."""
    value: str
    default: str


def differences(
    api: Api, rules: list[Rule], made: Mapping[str, Bundle], digest: str, policies: Mapping[str, str]
) -> Iterator[Difference | Setting | Gap]:
    """How the deployment in a scope differs, and what users have set.

    `policies` are the Guard texts by the names of their rules.
    """
    try:
        rows = [
            row for page in pages(api, "config", "DescribeConfigRules", {}, "ConfigRules") for row in page
        ]
    except Fault as fault:
        yield fault.gap((), "rules of AWS Config")
        return
    stack = read_data("config_rules", "_function.yaml")["Parameters"]
    mine = [(row, given) for row in rows if (given := _parameters(row)) is not None]
    functions: dict[str, None] = {}
    expected = {rule.control.id: rule for rule in rules}
    met = set()
    for row, given in mine:
        name, control = f"rule {row['ConfigRuleName']}", str(given.get("control", ""))
        rule = expected.get(control)
        if rule is None:
            yield Difference("extra", name, f"the pack has no control {control or 'of this name'}")
            continue
        met.add(control)
        source = row.get("Source", {})
        if source.get("Owner") == "CUSTOM_LAMBDA":
            functions[str(source.get("SourceIdentifier"))] = None
        for what in _of_rule(row, given, rule):
            yield Difference("changed", name, what)
        yield from _settings(name, *_given(row, given, rule, stack))
        if source.get("Owner") == "CUSTOM_POLICY":
            yield from _policy(api, row["ConfigRuleName"], policies.get(rule.name, ""))
    policed = bool(mine) and not functions
    for control, rule in expected.items():
        if control not in met and not (policed and rule.name not in policies):
            yield Difference("missing", f"rule {rule.name}", "no rule judges by this control")
    for function in functions:
        yield from _code(api, function, made["rules"], digest)
    if not policed:
        yield from _hook(api, made["hook"], digest)


def _parameters(row: _Row) -> dict[str, Any] | None:
    """The input of a rule of ours; None of any other. A policy has none: its name tells the control."""
    given = as_object(row.get("InputParameters")) or {}
    owner, name = row.get("Source", {}).get("Owner"), str(row["ConfigRuleName"])
    if owner == "CUSTOM_LAMBDA" and (given.get("control") or name.startswith(_PREFIX)):
        return given
    if owner == "CUSTOM_POLICY" and name.startswith(_PREFIX):
        return {"control": name.removeprefix(_PREFIX)}
    return None


def _of_rule(row: _Row, given: _Row, rule: Rule) -> Iterator[str]:
    source = row.get("Source", {})
    policy = source.get("Owner") == "CUSTOM_POLICY"
    if row.get("ConfigRuleState", "ACTIVE") not in ("ACTIVE", "EVALUATING"):
        yield f"it is in state {row['ConfigRuleState']}"
    details = source.get("SourceDetails", ())
    messages = {each.get("MessageType") for each in details}
    wanted = set(rule.messages[:2] if policy else rule.messages)
    if missing := sorted(wanted - messages):
        yield f"it does not listen to {', '.join(missing)}"
    scope = set(row.get("Scope", {}).get("ComplianceResourceTypes", ()))
    if not policy and rule.changes and scope and (missing := sorted(set(rule.changes) - scope)):
        yield f"its scope leaves out {', '.join(missing)}"
    if unknown := sorted(given.keys() - {*_OWN, *(rule.control.parameters or ())}):
        yield f"its control has no parameter {', '.join(unknown)}"


def _given(row: _Row, given: _Row, rule: Rule, stack: _Row) -> tuple[_Row, dict[str, Any]]:
    """What a rule has been given, and what stands there by default, in part of the `stack`'s parameters."""
    often = [each.get("MaximumExecutionFrequency") for each in row.get("Source", {}).get("SourceDetails", ())]
    own = {name: it["default"] for name, it in (rule.control.parameters or {}).items()}
    own |= {"exempt": "", "since": stack["SinceDays"]["Default"], "schedule": stack["Schedule"]["Default"]}
    return {**given, "schedule": next(filter(None, often), None)}, own


def _settings(part: str, given: _Row, own: _Row) -> Iterator[Setting]:
    for name, default in own.items():
        shown = ", ".join(default) if isinstance(default, list) else str(default)
        if given.get(name) is not None and str(given[name]).strip() != shown:
            yield Setting(part, name, inert(str(given[name])), shown)


def _policy(api: Api, name: str, wanted: str) -> Iterator[Difference | Gap]:
    """Whether a rule in the Guard language says what the pack says."""
    try:
        answer = api.call("config", "GetCustomRulePolicy", {"ConfigRuleName": name}, needs=("PolicyText",))
    except Fault as fault:
        yield fault.gap((), f"rule {name}")
        return
    if answer["PolicyText"].strip() != wanted.strip():
        yield Difference("changed", f"rule {name}", "its policy is not the pack's")


def _code(
    api: Api, function: str, bundle: Bundle, digest: str, variables: _Row = _NOTHING
) -> Iterator[Difference | Setting | Gap]:
    """Whether a function runs the pack's code, and which of its `variables` are not as by default."""
    part = f"function {function.rpartition(':')[2]}"
    try:
        answer = api.call("lambda", "GetFunction", {"FunctionName": function}, needs=("Configuration",))
    except Fault as fault:
        if fault.kind == "missing" or fault.code == "ResourceNotFoundException":
            yield Difference("missing", part, "rules call it, and it is not there")
        else:
            yield fault.gap((), part)
        return
    tags = answer.get("Tags") or {}
    for name, wanted in stamp(bundle, digest).items():
        if tags.get(name) != wanted:
            found = f"{tags[name]:.12}" if name in tags else "not given"
            yield Difference("changed", part, f"{name} is {found}, the pack's is {wanted:.12}")
    if answer["Configuration"].get("CodeSha256") != bundle.code_sha256:
        yield Difference("changed", part, "its code is not that of the pack's zip")
    given = answer["Configuration"].get("Environment", {}).get("Variables", {})
    yield from _settings(part, given, variables)


def _hook(api: Api, bundle: Bundle, digest: str) -> Iterator[Difference | Setting | Gap]:
    part = f"hook {HOOK}"
    wanted = {"TypeConfigurationIdentifiers": [{"Type": "HOOK", "TypeName": HOOK}]}
    try:
        answer = api.call("cloudformation", "BatchDescribeTypeConfigurations", wanted)
    except Fault as fault:
        if fault.code == "TypeConfigurationNotFoundException":
            yield Difference("missing", part, "CloudFormation does not know it")
        else:
            yield fault.gap((), part)
        return
    found = answer.get("TypeConfigurations") or []
    if not found:
        yield Difference("missing", part, "CloudFormation does not know it")
        return
    try:
        outer = json.loads(found[0].get("Configuration") or "{}")
        settings = outer["CloudFormationConfiguration"]["HookConfiguration"]
        status = settings.get("HookInvocationStatus", settings.get("TargetStacks"))
        function = settings.get("Properties", {}).get("LambdaFunction")
    except (ValueError, LookupError, TypeError, AttributeError):
        yield Gap(api.scope.shown, f"{part}: its configuration can't be read", "look at it in the console")
        return
    if status not in ("ENABLED", "ALL"):
        yield Difference("changed", part, "it is not enabled")
    stack = read_data("config_rules", "_function.yaml")
    defaults = {name: it.get("Default", "") for name, it in stack["Parameters"].items()}
    yield from _settings(part, settings, {"FailureMode": defaults["HookMode"]})
    if isinstance(function, str):
        given = stack["Resources"]["HookFunction"]["Properties"]["Environment"]["Variables"]
        own = {name: defaults[it["Ref"]] for name, it in given.items()}
        yield from _code(api, function, bundle, digest, own)
