"""The stacks: `template.yaml` of one account, `organization.yaml` of an organization's central account."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from scanner import __version__
from scanner.audit import acquisition
from scanner.audit.environment import surroundings
from scanner.audit.opt_out import EFFECTIVE
from scanner.audit.order import readable
from scanner.audit.permission import policy
from scanner.catalog import Catalog
from scanner.deploy.automation import add_remedies
from scanner.deploy.bundle import Bundle, stamp
from scanner.deploy.rule import CHANGE, OVERSIZED, SCHEDULED, Rule, rules, words
from scanner.folder import read_data

Template = dict[str, Any]
_FUNCTIONS = {"rules": "RulesFunction", "hook": "HookFunction"}
_NOTHING = {"Ref": "AWS::NoValue"}


def account_template(catalog: Catalog, bundles: Mapping[str, Bundle] | None = None) -> Template:
    """The stack of one account; without `bundles` the one to be read, which tells no digest of the code."""
    template = _function(catalog, bundles)
    found = rules(catalog)
    for rule in found:
        resource = _rule(rule, {"Fn::GetAtt": ["RulesFunction", "Arn"]}, _overrides(rule, template))
        template["Resources"][f"Rule{words(rule.control.id)}"] = {**resource, "DependsOn": "RulesPermission"}
    add_remedies(template)
    _allow(template, _statements(catalog))
    return template


def organization_template(catalog: Catalog, bundles: Mapping[str, Bundle] | None = None) -> Template:
    """The stack of the central account: the function, the role in all accounts, and the rules as a pack."""
    data = read_data("config_rules", "_organization.yaml")
    template = _function(catalog, bundles)
    template["Transform"] = "AWS::LanguageExtensions"
    del template["Metadata"]
    template["Parameters"] |= data["parameters"]
    template["Conditions"] |= data["conditions"]
    del template["Resources"]["RulesPermission"]
    template["Resources"] |= data["resources"]
    member, name = data["member"], data["role-name"]
    member["Resources"]["Role"]["Properties"] |= {
        "RoleName": name,
        "Policies": [_policy("Judge", _statements(catalog))],
    }
    template["Resources"]["MemberRole"]["Properties"]["TemplateBody"] = _text(member)
    enter = {"Sid": "EnterAccounts", "Effect": "Allow", "Action": "sts:AssumeRole"}
    where = {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::*:role/{name}"}
    same = {"StringEquals": {"aws:ResourceOrgID": {"Ref": "OrganizationId"}}}
    # Its own account has rules too, for which it assumes no role.
    _allow(template, [*_statements(catalog), {**enter, "Resource": where, "Condition": same}])
    given: Template = {"Parameters": {}, "Conditions": {}}
    found = {
        f"Rule{words(rule.control.id)}": _rule(
            rule, {"Ref": "Function"}, {"role": name, **_overrides(rule, given)}
        )
        for rule in rules(catalog)
    }
    plain = {each: {"Type": "String"} for each in ("Function", "Schedule", "SinceDays")}
    short = {each: {"Type": "String", "Default": ""} for each in given["Parameters"]}
    pack = {"Parameters": {**plain, **short}, "Conditions": given["Conditions"], "Resources": found}
    template["Parameters"] |= given["Parameters"]
    properties = template["Resources"]["Pack"]["Properties"]
    properties["TemplateBody"] = _text(pack)
    properties["ConformancePackInputParameters"] += [
        {"ParameterName": each, "ParameterValue": {"Ref": each}} for each in given["Parameters"]
    ]
    return template


def _overrides(rule: Rule, template: Template) -> dict[str, Any]:
    """What users may give a rule, as parameters that are added to a template."""
    # Conformance packs take 60 parameters, so rules about what surrounds SageMaker's resources share one.
    around = bool(rule.joined) and not rule.changes
    ref = "ExemptEnvironment" if around else f"Exempt{words(rule.control.id)}"
    who = "controls of what SageMaker's resources stand in leave" if around else f"{rule.control.id} leaves"
    asked = {"exempt": (ref, f"Resources that {who} out, each with its last day: name:2027-01-31")}
    if rule.joined:
        told = (
            "What else is judged than what SageMaker's resources lead to: whole, or tags' keys that tell it"
        )
        asked["environment"] = ("Environment", told)
    for name, body in (rule.control.parameters or {}).items():
        asked[name] = (words(name), body["description"])
    more = {}
    for name, (ref, about) in asked.items():
        about = f"{about} (comma separated)"
        template["Parameters"][ref] = {"Type": "String", "Default": "", "Description": about}
        template["Conditions"][f"Has{ref}"] = {"Fn::Not": [{"Fn::Equals": [{"Ref": ref}, ""]}]}
        more[name] = {"Fn::If": [f"Has{ref}", {"Ref": ref}, _NOTHING]}
    return more


def write(template: Template) -> str:
    """As YAML, in the order in which it was made."""
    import yaml

    class Plain(yaml.SafeDumper):
        """Repeats what occurs twice, for CloudFormation knows no anchors in some places."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    return str(yaml.dump(template, Dumper=Plain, sort_keys=False, width=118, allow_unicode=True))


def _function(catalog: Catalog, bundles: Mapping[str, Bundle] | None) -> Template:
    """What both stacks have: functions with their roles and logs, and the hook."""
    template: Template = read_data("config_rules", "_function.yaml")
    settings = read_data("config_rules", "_deployment.yaml")["functions"]
    outputs = {"Version": {"Description": "Version of sagemaker-guardrails", "Value": __version__}}
    for kind, name in _FUNCTIONS.items():
        tags = stamp(bundles[kind], catalog.digest) if bundles else {"smguard:version": __version__}
        file = bundles[kind].name if bundles else f"smguard-{kind}.zip"
        key = {"Fn::Sub": f"${{CodePrefix}}{file}"}
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        template["Resources"][name]["Properties"] |= {
            "Code": {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": key},
            **settings[kind],
            "Tags": listed,
        }
    if bundles:
        outputs["Catalog"] = {"Description": "Digest of the rules", "Value": catalog.digest}
        outputs["Code"] = {"Description": "Digest of the function's code", "Value": bundles["rules"].digest}
    return {**template, "Outputs": outputs}


def _rule(rule: Rule, function: Any, more: Mapping[str, Any]) -> Template:
    details: list[Any] = [
        {"EventSource": "aws.config", "MessageType": message}
        for message in rule.messages
        if message in (CHANGE, OVERSIZED)
    ]
    if rule.scheduled:
        often = {"MaximumExecutionFrequency": {"Ref": "Schedule"}}
        details.append({"EventSource": "aws.config", "MessageType": SCHEDULED, **often})
        more = {**more, "since": {"Ref": "SinceDays"}}
    properties = {
        "ConfigRuleName": rule.name,
        "Description": rule.description,
        "InputParameters": {"control": rule.control.id, **more},
        "Source": {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": function, "SourceDetails": details},
    }
    if rule.changes:
        properties["Scope"] = {"ComplianceResourceTypes": list(rule.changes)}
    return {"Type": "AWS::Config::ConfigRule", "Properties": properties}


def _statements(catalog: Catalog) -> list[Template]:
    """What judging and reporting need in an account."""
    data = read_data("config_rules", "_deployment.yaml")
    controls = [rule.control for rule in rules(catalog)]
    leads, sources = surroundings(catalog, controls, acquisition.sources())
    how = readable(catalog, controls, acquisition.load(), leads)
    statements = policy(catalog, controls, how, {EFFECTIVE: ()}, sources=sources)["Statement"]
    for statement in statements:
        statement["Action"] = [action for action in statement["Action"] if action not in data["unused"]]
    report = {"Sid": "ReportToConfig", "Effect": "Allow", "Action": data["report"], "Resource": "*"}
    return [*statements, report]


def _allow(template: Template, statements: Sequence[Template]) -> None:
    role = template["Resources"]["RulesRole"]["Properties"]
    role["Policies"].append(_policy("Judge", statements))


def _policy(name: str, statements: Sequence[Template]) -> Template:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return {"PolicyName": name, "PolicyDocument": document}


def _text(template: Template) -> str:
    return json.dumps(template, separators=(",", ":"))
