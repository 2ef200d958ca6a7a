"""Remedies: Systems Manager documents for what an API can mend, and what starts them."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from scanner.deploy.rule import words
from scanner.folder import read_data

Template = dict[str, Any]


def add_remedies(template: Template) -> None:
    """Add the documents, their role and, for controls whose resources AWS Config knows, what starts them."""
    data = read_data("config_rules", "_remedies.yaml")
    resources = template["Resources"]
    template["Parameters"] |= data["parameters"]
    template["Conditions"] |= data["conditions"]
    template["Rules"] = data["rules"]
    role = resources["RemediesRole"] = data["role"]
    role["Properties"]["Policies"] = []
    for name, body in data["documents"].items():
        where = f"arn:${{AWS::Partition}}:sagemaker:${{AWS::Region}}:${{AWS::AccountId}}:{body['arn']}"
        actions = sorted(f"sagemaker:{body[part]['operation']}" for part in ("describe", "change"))
        allowed = {"Effect": "Allow", "Action": actions, "Resource": {"Fn::Sub": where}}
        policy = {"Version": "2012-10-17", "Statement": [allowed]}
        role["Properties"]["Policies"].append({"PolicyName": name, "PolicyDocument": policy})
        resources[name] = {
            "Type": "AWS::SSM::Document",
            "Condition": "HasRemedies",
            "Properties": {
                "DocumentType": "Automation",
                "DocumentFormat": "JSON",
                "UpdateMethod": "NewVersion",
                "Content": _document(deepcopy(data["document"]), body),
            },
        }
        for control in body["controls"] if body.get("attach") else ():
            about = {"ConfigRuleName": {"Ref": f"Rule{words(control)}"}, "ResourceType": body["type"]}
            resources[f"Mend{words(control)}"] = {
                "Type": "AWS::Config::RemediationConfiguration",
                "Condition": "HasRemedies",
                "Properties": {**about, "TargetId": {"Ref": name}, **deepcopy(data["start"])},
            }


def _document(document: Template, body: Mapping[str, Any]) -> Template:
    """Fill in what the remedy looks at and what it changes."""
    look, change = body["describe"], body["change"]
    steps = {step["name"]: step["inputs"] for step in document["mainSteps"]}
    steps["Look"] |= {
        "Api": look["operation"],
        look["name"]: "{{ Name.Name }}",
        "PropertySelector": f"$.{look['state']}",
        "DesiredValues": look["allowed"],
    }
    steps["Approve"]["Message"] = f"{body['about']}: {{{{ Name.Name }}}}"
    steps["Change"] |= {"Api": change["operation"], look["name"]: "{{ Name.Name }}", **change["with"]}
    return {"description": f"{body['about']}, once that is approved. A dry run ends before.", **document}
