"""Policies as they are deployed: filled in, minified, split where a quota asks for it, and as a template."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from scanner import __version__
from scanner.model import SmguardError
from scanner.policy.document import minified
from scanner.policy.pack import Entry, Values, fill, placeholders

PATH = "/sagemaker-guardrails/"
"""The IAM path of the pack's managed policies."""
_TAGS = "sagemaker-guardrails"


class Rendered(NamedTuple):
    """One policy ready to deploy."""

    source: Entry
    path: str
    """Where it stands below the output folder."""
    name: str
    """What it is called in AWS."""
    about: str
    document: Mapping[str, Any]
    subject: str | None = None
    """The bucket it is for, if it is a bucket's."""

    @property
    def text(self) -> str:
        """The minified JSON."""
        return minified(self.document)


def render(entries: Sequence[Entry], values: Values, where: str) -> list[Rendered]:
    """Every policy with these values; raises SmguardError naming the parameter that makes one too large."""
    found = []
    for entry in entries:
        for subject, own in _subjects(entry, values):
            suffix = f".{subject}" if subject else ""
            document = fill(json.loads(entry.text), own)
            parts = list(split(entry, document, where, values))
            for number, part in enumerate(parts, 1):
                count = f"-{number}" if len(parts) > 1 else ""
                about = f"{entry.about} ({number} of {len(parts)})" if count else entry.about
                path = f"{entry.kind}/{entry.name}{count}{suffix}.json"
                found.append(Rendered(entry, path, f"smguard-{entry.name}{count}", about, part, subject))
    return found


def split(
    entry: Entry, document: Mapping[str, Any], where: str, values: Values, largest: int | None = None
) -> Iterator[Mapping[str, Any]]:
    """The document in as few parts as fit into `largest` characters, its statements in their order."""
    largest = largest or entry.largest
    if len(minified(document)) <= largest:
        yield document
        return
    if not entry.splits:
        raise _too_large(entry, len(minified(document)), entry.text, where, values)
    held: list[Any] = []
    for number, statement in enumerate(document["Statement"]):
        if len(minified({**document, "Statement": [statement]})) > largest:
            text = json.dumps(entry.statements[number])
            raise _too_large(entry, len(minified(statement)), text, where, values, f"#{statement['Sid']}")
        if held and len(minified({**document, "Statement": [*held, statement]})) > largest:
            yield {**document, "Statement": held}
            held = []
        held.append(statement)
    yield {**document, "Statement": held}


def manifest(policies: Sequence[Rendered], digest: str, partition: str) -> dict[str, Any]:
    """What was rendered, from which pack, and how much room is left."""
    listed = {
        each.path: {
            "name": each.name,
            "type": each.source.type,
            "source": f"policies/{each.source.path}",
            "characters": len(each.text),
            "largest": each.source.largest,
            "sha256": hashlib.sha256(each.text.encode()).hexdigest(),
        }
        for each in policies
    }
    return {"pack": {"version": __version__, "digest": digest}, "partition": partition, "policies": listed}


def template(policies: Sequence[Rendered], digest: str) -> dict[str, Any]:
    """One CloudFormation template of all policies that CloudFormation can deploy by themselves."""
    stamp = f"sagemaker-guardrails {__version__}, pack {digest[:12]}"
    made = {_logical_id(each): _resource(each, stamp, digest) for each in policies}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"The policies of {stamp}",
        "Parameters": {
            "Organization": _switch("Create the organisation's policies, in its management account?", "yes"),
            "Account": _switch("Create the IAM policies, in an account?", "yes"),
            "Buckets": _switch("Set the policies of the data buckets, replacing those they have?", "no"),
            "TargetIds": _targets("The service control policies' targets: roots, units or accounts"),
            "OptOutTargetIds": _targets("The AI services opt-out policy's targets: the root"),
        },
        "Conditions": {
            **{each: _equals({"Ref": each}, "yes") for each in ("Organization", "Account", "Buckets")},
            **{
                f"Has{each}": {"Fn::Not": [_equals({"Fn::Join": ["", {"Ref": each}]}, "")]}
                for each in ("TargetIds", "OptOutTargetIds")
            },
        },
        "Resources": {name: body for name, body in made.items() if body},
    }


def _resource(policy: Rendered, stamp: str, digest: str) -> dict[str, Any] | None:
    about = f"{policy.about}. {stamp}"
    if policy.source.type == "ManagedPolicy":
        properties: dict[str, Any] = {
            "ManagedPolicyName": policy.name,
            "Path": PATH,
            "Description": about,
            "PolicyDocument": policy.document,
        }
        return {"Type": "AWS::IAM::ManagedPolicy", "Condition": "Account", "Properties": properties}
    if policy.source.type == "BucketPolicy":
        properties = {"Bucket": policy.subject, "PolicyDocument": policy.document}
        return {"Type": "AWS::S3::BucketPolicy", "Condition": "Buckets", "Properties": properties}
    if policy.source.type not in ("SERVICE_CONTROL_POLICY", "AISERVICES_OPT_OUT_POLICY"):
        return None  # a property of the endpoint, which is another stack's
    targets = "TargetIds" if policy.source.type == "SERVICE_CONTROL_POLICY" else "OptOutTargetIds"
    properties = {
        "Name": policy.name,
        "Type": policy.source.type,
        "Description": about,
        "Content": policy.document,
        "TargetIds": {"Fn::If": [f"Has{targets}", {"Ref": targets}, {"Ref": "AWS::NoValue"}]},
        "Tags": [
            {"Key": f"{_TAGS}:version", "Value": __version__},
            {"Key": f"{_TAGS}:digest", "Value": digest},
        ],
    }
    return {"Type": "AWS::Organizations::Policy", "Condition": "Organization", "Properties": properties}


def _switch(about: str, default: str) -> dict[str, Any]:
    return {"Type": "String", "Description": about, "AllowedValues": ["yes", "no"], "Default": default}


def _equals(one: Any, other: str) -> dict[str, Any]:
    return {"Fn::Equals": [one, other]}


def _targets(about: str) -> dict[str, Any]:
    return {"Type": "CommaDelimitedList", "Description": f"{about}; empty: attached to none", "Default": ""}


def _logical_id(policy: Rendered) -> str:
    words = policy.path.removesuffix(".json").translate(str.maketrans("/.-", "   ")).split()
    # Bucket names that differ in their punctuation only must not meet.
    tail = hashlib.sha256(policy.subject.encode()).hexdigest()[:6] if policy.subject else ""
    return "".join(word[0].upper() + word[1:] for word in words) + tail


def _subjects(entry: Entry, values: Values) -> Iterator[tuple[str | None, Values]]:
    if not entry.each:
        yield None, values
    for name, parameter in entry.each.items():
        for value in values[parameter]:
            yield value, {**values, name: value}


def _too_large(
    entry: Entry, size: int, text: str, where: str, values: Values, statement: str = ""
) -> SmguardError:
    sizes = {name: len(values[name]) for name in placeholders(text) if isinstance(values.get(name), list)}
    blame = max(sizes, key=lambda name: len("".join(values[name])), default="")
    what = f"{entry.path}{statement} has {size:,} characters, and AWS takes {entry.largest:,}"
    cause = f"{where}: {blame}: with {sizes[blame]} values " if blame else f"{where}: "
    return SmguardError(f"{cause}{what}", "shorten the list: patterns with * stand for many roles and keys")
