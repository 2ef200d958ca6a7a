"""Every example of every control: made in an account and audited, it gives what a scan of it gives."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from scanner import catalog
from scanner.example import as_template
from scanner.kind import coerce, kind_below
from scanner.value import Partial
from tests.audit.running import audit
from tests.door import MEASURED, smguard
from tests.fake_aws import Fake
from tests.fake_aws.kinds import kinds

pytestmark = pytest.mark.no_cover  # hundreds of examples, where a few cover as much

KINDS = catalog.property_kinds()["kinds"]
KEYS = frozenset({"AWS::KMS::Key", "AWS::KMS::ReplicaKey", "AWS::KMS::Alias"})
OF_ORGANIZATIONS = "policies of an organization, which are no resources: see test_governance"
OF_OTHERS = "a resource of another service: see test_environment"
LEFT_OUT = {
    OF_ORGANIZATIONS: 7,
    OF_OTHERS: 94,
    "something that only a template can say": 29,
    "an AutoML job, which AWS describes in the shape of the second version": 13,
    "a property that AWS never tells": 6,
}
"""Why an example can't be made in an account -> of how many that may be true."""

Place = tuple[str, str, str, str]
"""Control, verdict, logical id and place."""


class LeftOutError(Exception):
    """The example can't be made in an account, for this reason."""


class Made(NamedTuple):
    example: str
    file: str
    arns: Mapping[str, str]
    """ARN -> logical id."""


def examples() -> Iterator[tuple[str, dict[str, Any]]]:
    for control, by_verdict in catalog.examples().items():
        for verdict in ("fail", "pass"):
            for number, example in enumerate(by_verdict.get(verdict, ())):
                yield f"{control}-{verdict}-{number}", as_template(example)


class Maker:
    """CloudFormation, as far as examples need it: makes the resources of a template by calls of Create."""

    def __init__(self, fake: Fake, template: Mapping[str, Any], prefix: str) -> None:
        self.fake, self.template, self.prefix = fake, template, prefix
        self.references: dict[str, str] = {}
        self.arns: dict[str, str] = {}

    def make(self) -> dict[str, str]:
        """ARN -> logical id of what was made."""
        if self.template.keys() - {"Resources", "AWSTemplateFormatVersion"}:
            raise LeftOutError("something that only a template can say")
        for name in self.template["Resources"]:
            self.plan(name)
        for name in self.template["Resources"]:
            self.refer(name)
        return self.arns

    def plan(self, name: str) -> None:
        """Make sure that a resource can be made, before any is."""
        resource = self.template["Resources"][name]
        kind = resource["Type"]
        if resource.keys() - {"Type", "Properties"}:
            raise LeftOutError("something that only a template can say")
        if kind in KEYS:
            return
        if "::Organizations::" in kind:
            raise LeftOutError(OF_ORGANIZATIONS)
        if not kind.startswith("AWS::SageMaker::"):
            raise LeftOutError(OF_OTHERS)
        noun = kind.rpartition("::")[2]
        if noun == "AutoMLJob":
            raise LeftOutError("an AutoML job, which AWS describes in the shape of the second version")
        properties = resource.get("Properties", {})
        self.check(properties)
        if noun == "InferenceRecommendationsJob":  # its OutputConfig, which some control always asks for
            raise LeftOutError("a property that AWS never tells")

    def check(self, node: Any) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                if key.startswith("Fn::") and key != "Fn::GetAtt":
                    raise LeftOutError("something that only a template can say")
                name = value[0] if isinstance(value, list) and value else str(value).partition(".")[0]
                if key in ("Ref", "Fn::GetAtt") and name not in self.template["Resources"]:
                    raise LeftOutError("something that only a template can say")
                self.check(value)
        elif isinstance(node, list):
            for item in node:
                self.check(item)

    def refer(self, name: str) -> str:
        """What a reference to a resource gives, which is made if it isn't yet."""
        if name not in self.references:
            resource = self.template["Resources"][name]
            noun = resource["Type"].rpartition("::")[2]
            if resource["Type"] in KEYS:
                self.references[name] = self.fake.services.key()
            else:
                values = self.values(resource.get("Properties") or {}, KINDS[resource["Type"]])
                own = next((part for part in reversed(kinds()[noun].key) if part.endswith("Name")), "")
                if own in kinds()[noun].inputs and noun != "ModelPackage":
                    values[own] = f"{self.prefix}-{name}".lower()
                if noun == "UserProfile":
                    values["DomainId"] = values.get("DomainId") or self.domain_of(name)
                status = (
                    "InProgress" if noun == "TrainingJob" else values.pop("MonitoringScheduleStatus", None)
                )
                record = self.fake.create(noun, values, status=status)
                self.arns[record.arn] = name
                self.references[name] = record.values.get("DomainId", record.name)
        return self.references[name]

    def domain_of(self, profile: str) -> str:
        """A domain of its own for a profile that names none: what shares one is judged by the others too."""
        domain = self.fake.create("Domain", {"DomainName": f"{self.prefix}-{profile}"})
        return str(domain.values["DomainId"])

    def values(self, node: Any, kind: Any) -> Any:
        """Properties as CloudFormation hands them on: references put in, text brought to its type."""
        if isinstance(node, dict):
            if "PipelineDefinitionBody" in node:
                return node["PipelineDefinitionBody"]  # which the API takes by itself
            if "Ref" in node:
                return self.refer(node["Ref"])
            if "Fn::GetAtt" in node:
                target = node["Fn::GetAtt"]
                return self.refer(target[0] if isinstance(target, list) else target.partition(".")[0])
            return {
                key: self.values(value, kind_below(kind, key))
                for key, value in node.items()
                if value not in (None, "", [], {})
            }
        if isinstance(node, list):
            return [self.values(item, kind[0] if isinstance(kind, list) and kind else None) for item in node]
        value = coerce(node, kind)
        if isinstance(value, Partial):
            raise LeftOutError("something that only a template can say")
        return value


def make_keys(fake: Fake) -> None:
    """The keys that examples name by alias, id or ARN: the customer's own, enabled and rotated."""
    text = json.dumps([template for _, template in examples()])
    for alias in sorted(set(re.findall(r"alias/(?!aws/)[\w/-]+", text))):
        fake.services.key(aliases=(alias,))
    named = set(re.findall(r"\w{8}-\w{4}-\w{4}-\w{4}-\w{12}|mrk-\w{32}", text))
    for key in sorted(named):
        fake.services.key(id=key)


class Both(NamedTuple):
    made: list[Made]
    left_out: list[tuple[str, str]]
    scanned: dict[str, Counter[Place]]
    audited: dict[str, Counter[Place]]
    gaps: list[Any]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    """All examples, scanned as files and audited as resources of one account."""
    folder = tmp_path_factory.mktemp("examples")
    made: list[Made] = []
    left_out: list[tuple[str, str]] = []
    with Fake() as fake:
        make_keys(fake)
        for number, (example, template) in enumerate(examples()):
            try:
                arns = Maker(fake, template, f"e{number}").make()
            except LeftOutError as reason:
                left_out.append((example, str(reason)))
                continue
            file = folder / f"{example}.json"
            file.write_text(json.dumps(template))
            made.append(Made(example, str(file), arns))
        audited = audit(fake, folder, "-f", "json", "--all", "--since", "all", "--no-store")
    environment: Any = MEASURED
    scanned = smguard("scan", folder, "-f", "json", "--all", "--no-config", **environment)
    by_arn: dict[str, tuple[str, str]] = {
        arn: (each.example, name) for each in made for arn, name in each.arns.items()
    }
    results = Both(made, left_out, {}, {}, audited.report["gaps"])
    for each in audited.report["findings"]:
        if each["resource"]["type"] in KEYS:  # which the fake made, and not as an example has them
            continue
        if each["location"]["arn"] not in by_arn:
            assert each["resource"]["type"] == "AWS::SageMaker::Domain"  # of a profile that names none
            continue
        example, name = by_arn[each["location"]["arn"]]
        if ":pipeline/" in each["location"]["arn"] and each["resource"]["type"] != "AWS::SageMaker::Pipeline":
            name += "/" + each["resource"]["name"].rpartition("/")[2]  # a step
        results.audited.setdefault(example, Counter())[place(each, name)] += 1
    for each in scanned.report["findings"]:
        if each["resource"]["type"] in KEYS:
            continue
        example = Path(each["location"]["file"]).stem
        results.scanned.setdefault(example, Counter())[place(each, each["resource"]["name"])] += 1
    return results


def place(finding: Any, name: str) -> Place:
    path = finding["location"]["path"] if finding["verdict"] != "pass" else ""
    return finding["control"], finding["verdict"], name, path


def test_what_is_audited_is_what_is_scanned(both: Both) -> None:
    assert not both.gaps
    wrong = []
    for each in both.made:
        scanned, audited = (side.get(each.example, Counter()) for side in (both.scanned, both.audited))
        # Of a key's id a template can't tell whose it is, and KMS can.
        for it in [it for it in scanned if it[:2] == ("customer-managed-kms-key", "unknown")]:
            if it[3] == "EndpointConfigName":  # which is not there
                continue
            del scanned[it]
            scanned[(*it[:1], "pass", it[2], "")] = 1
        if scanned != audited:
            wrong.append((each.example, dict(scanned - audited), dict(audited - scanned)))
    assert not wrong, "\n".join(map(str, wrong))


def test_what_no_account_can_hold_is_left_out_by_rule(both: Both) -> None:
    assert Counter(reason for _, reason in both.left_out) == LEFT_OUT
    assert len(both.made) > 200
