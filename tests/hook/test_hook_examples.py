"""Every example of every control, sent to the hook in every way: it says what a scan says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from config_rules.hook import handle
from scanner import catalog
from scanner.alone import alone
from scanner.example import as_template
from scanner.folder import read_data
from tests.door import MEASURED, smguard
from tests.hook.events import Context, change_set_event, resource_event, stack_event
from tests.hook.s3 import S3, serving

pytestmark = pytest.mark.no_cover  # hundreds of examples, where a few cover as much

STATUS = {"fail": "FAILED", "unknown": "SKIPPED", "pass": "PASSED"}
WORST = ("fail", "unknown", "pass")
Statuses = dict[str, str]
"""Control -> status of its annotation."""


class Case(NamedTuple):
    """A template, and the one resource in it whose values are all plain, if it is one."""

    id: str
    template: dict[str, Any]
    resource: str | None = None


def is_plain(node: Any) -> bool:
    if isinstance(node, dict):
        return all(name != "Ref" and name[:4] != "Fn::" and is_plain(value) for name, value in node.items())
    if isinstance(node, list):
        return all(map(is_plain, node))
    return "{{resolve:" not in str(node)


def cases() -> Iterator[Case]:
    for control, by_verdict in catalog.examples().items():
        for verdict, listed in by_verdict.items():
            for number, example in enumerate(listed):
                template = as_template(example)
                yield Case(f"{control}-{verdict}-{number}", template)
                for name, resource in template["Resources"].items():
                    # A list of them is no resource, and null is no property that CloudFormation hands on.
                    if isinstance(resource, dict) and is_plain(resource):
                        body = {key: resource[key] for key in ("Type", "Properties") if key in resource}
                        alone = {"Resources": {name: body}}
                        yield Case(f"{control}-{verdict}-{number}-{name}", alone, name)


CASES = list(cases())
FULL = catalog.load()
UNRULED = read_data("config_rules", "_deployment.yaml")["unruled"].keys()
TOLD = {
    it.id for it in FULL.controls if not it.retired and it.resources == alone(FULL).by_id[it.id].resources
} - UNRULED
"""The controls that a hook can tell all of, from one resource."""


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Statuses]:
    """What a scan says of each case, with parameters whose values nobody knows."""
    folder = tmp_path_factory.mktemp("cases")
    names = {name for case in CASES for name in case.template.get("Parameters", ())}
    given = folder / "parameters.json"
    given.write_text(json.dumps([{"ParameterKey": name, "UsePreviousValue": True} for name in sorted(names)]))
    for case in CASES:
        (folder / f"{case.id}.yaml").write_text(json.dumps(case.template))
    environment: Any = MEASURED
    ran = smguard(
        *("scan", *folder.glob("*.yaml"), "-f", "json", "--all", "--no-config", "--no-inline-waivers"),
        *("--parameters", given),
        **environment,
    )
    worst: dict[str, dict[str, str]] = {case.id: {} for case in CASES}
    for each in ran.report["findings"]:
        found = worst[Path(each["location"]["file"]).stem]
        found[each["control"]] = min(found.get(each["control"], "pass"), each["verdict"], key=WORST.index)
    gaps = {gap["where"].partition(":")[0] for gap in ran.report["gaps"]}
    assert not gaps
    return {
        id: {control: STATUS[it] for control, it in found.items() if control not in UNRULED}
        for id, found in worst.items()
    }


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with serving(tmp_path_factory.mktemp("s3")) as server:
        yield server


def statuses(event: dict[str, Any]) -> Statuses:
    """What the hook says; also that its status follows from its annotations."""
    answer = handle(event, Context())
    found = {each["annotationName"]: each["status"] for each in answer.get("annotations", ())}
    assert answer["hookStatus"] == ("FAILED" if "FAILED" in found.values() else "SUCCESS"), answer["message"]
    assert answer.get("errorCode") == ("NonCompliant" if "FAILED" in found.values() else None)
    return {name: status for name, status in found.items() if name not in UNRULED}


def of_one(told: Statuses) -> Statuses:
    """What a resource alone tells all of."""
    return {name: status for name, status in told.items() if name in TOLD}


def test_resources_of_stacks_and_of_cloud_control(scanned: dict[str, Statuses]) -> None:
    told = {}
    for case in CASES:
        if case.resource:
            resource = case.template["Resources"][case.resource]
            event = resource_event(
                resource["Type"], resource.get("Properties", {}), case.resource, stack=len(told) % 2 == 0
            )
            told[case.id] = of_one(statuses(event))
    assert told == {id: of_one(scanned[id]) for id in told}
    assert len(told) > 300


def test_stacks(scanned: dict[str, Statuses], s3: S3) -> None:
    told = {}
    for case in CASES:
        if case.resource is None:
            url = s3.hold(json.dumps({"template": json.dumps(case.template)}).encode())
            told[case.id] = statuses(stack_event(url))
    assert told == {id: scanned[id] for id in told}
    assert len(told) > 400


def test_change_sets_whose_values_are_all_text(scanned: dict[str, Statuses], s3: S3) -> None:
    told = {}
    for case in CASES:
        if case.resource:
            resource = case.template["Resources"][case.resource]
            after = json.dumps({"Properties": as_text(resource.get("Properties", {}))})
            change = {"action": "CREATE", "afterContext": after, "beforeContext": None, "lineNumber": 1}
            change |= {"logicalResourceId": case.resource, "resourceType": resource["Type"]}
            # What the template itself says is not what is deployed: a macro may have changed it all.
            template = json.dumps({"Resources": {case.resource: {"Type": resource["Type"]}}})
            payload = {"template": template, "changedResources": [change]}
            told[case.id] = of_one(statuses(change_set_event(s3.hold(json.dumps(payload).encode()))))
    assert told == {id: of_one(scanned[id]) for id in told}


def as_text(node: Any) -> Any:
    """As change sets have it: "All boolean and number values in this JSON string are STRINGS"."""
    if isinstance(node, dict):
        return {name: as_text(value) for name, value in node.items()}
    if isinstance(node, list):
        return [as_text(item) for item in node]
    return node if isinstance(node, str) or node is None else json.dumps(node)
