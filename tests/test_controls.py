"""Every example of every control, and the places of every control as JSON Schema: one verdict everywhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from scanner import catalog
from scanner.check import PLAIN
from scanner.engine import Engine, Subject
from scanner.example import as_template, expected, judge_example
from scanner.filling import fill
from scanner.joint import is_joined
from scanner.kind import coerce, kind_below
from scanner.model import Control, Verdict
from scanner.schema import control_schema

CATALOG = catalog.load()
EXAMPLES = [
    pytest.param(CATALOG.by_id[control_id], example, verdict, id=f"{control_id}-{verdict}-{number}")
    for control_id, by_verdict in catalog.examples().items()
    for verdict, listed in by_verdict.items()
    for number, example in enumerate(listed)
]


@pytest.mark.parametrize(("control", "example", "verdict"), EXAMPLES)
def test_an_example_gives_its_stated_verdict(control: Control, example: dict[str, Any], verdict: str) -> None:
    assert judge_example(CATALOG, control, example) == expected(example, verdict)


@pytest.mark.parametrize("verdict", ["fail", "pass"])
@pytest.mark.parametrize("lacks", [True, False])
def test_a_fork_of_the_detector_decides_nothing(
    verdict: str, lacks: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """checkov installs one by the same name, which may also lie over the files of the right one."""
    plugins = tmp_path / "detect_secrets" / "plugins"
    plugins.mkdir(parents=True)
    for file in (plugins.parent / "__init__.py", plugins.parent / "custom_types.py"):
        file.touch()
    if not lacks:
        (plugins / "gitlab_token.py").touch()
    monkeypatch.delitem(sys.modules, "detect_secrets", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    example = catalog.examples()["lifecycle-config-secrets"][verdict][0]
    assert judge_example(CATALOG, CATALOG.by_id["lifecycle-config-secrets"], example) == "unknown"


@pytest.mark.parametrize(("root", "verdict"), [("true", "pass"), ("false", "fail"), (True, "pass")])
def test_what_is_one_of_several_objects_may_be_written_as_text(root: Any, verdict: str) -> None:
    volume = {"EbsVolumeConfig": {"RootVolume": root, "VolumeKmsKeyId": "alias/mine"}}
    groups = {"InstanceGroups": [{"InstanceStorageConfigs": [volume]}]}
    example = {"resource": {"Type": "AWS::SageMaker::Cluster", "Properties": groups}}
    assert judge_example(CATALOG, CATALOG.by_id["volume-kms-key"], example) == verdict


def is_known(node: Any) -> bool:
    """True for a template fragment without intrinsics."""
    if isinstance(node, dict):
        return all(not key.startswith(("Fn::", "Ref")) and is_known(child) for key, child in node.items())
    return all(map(is_known, node)) if isinstance(node, list) else True


def normalise(node: Any, kind: Any) -> Any:
    """Take out what counts as absent, and bring the rest to botocore's types."""
    if isinstance(kind, dict | list):
        node = coerce(node, kind)
    if isinstance(node, dict):
        kept = {key: normalise(child, kind_below(kind, key)) for key, child in node.items()}
        return {key: child for key, child in kept.items() if child is not None} or None
    if isinstance(node, list):
        below = kind[0] if isinstance(kind, list) and kind else None
        return [child for child in (normalise(item, below) for item in node) if child is not None] or None
    return None if node == "" else coerce(node, kind)


def known_resources() -> Iterator[Any]:
    for parameters in EXAMPLES:
        control, example, _ = parameters.values
        assert isinstance(control, Control)
        for name, resource in as_template(example).get("Resources", {}).items():
            kind = resource["Type"]
            control = fill(control, example.get("parameters", {})) if control.written else control
            places = [
                place
                for place in control.resources.get(kind, {}).get("places", ())
                if place.get("given", True) and not is_joined(place, CATALOG.shapes)
            ]
            # What a script holds no schema can say.
            if (
                places
                and "script-without-credentials" not in str(places)
                and is_known(resource.get("Properties", {}))
            ):
                alone = control._replace(resources={kind: {"places": places}})
                yield pytest.param(alone, kind, resource.get("Properties", {}), id=f"{parameters.id}-{name}")


@pytest.mark.no_cover  # the examples above cover the engine
@pytest.mark.parametrize(("control", "kind", "properties"), list(known_resources()))
def test_the_engine_and_the_json_schema_of_a_control_agree(
    control: Control, kind: str, properties: dict[str, Any]
) -> None:
    subject = Subject(
        properties=properties,
        kind=CATALOG.kinds.get(kind, {}),
        origin=({}, "Properties"),
        look=lambda world: PLAIN,
        exists=lambda world: True,
        joined=lambda world, raw, types: True,
        world_limit=1,
    )
    engine = Engine(CATALOG)
    verdicts = {judgement.verdict for judgement in engine.judge(control, kind, subject)}
    schema = control_schema(control, CATALOG.values, CATALOG.shapes)[kind]
    Draft202012Validator.check_schema(schema)
    valid = Draft202012Validator(schema).is_valid(normalise(properties, CATALOG.kinds.get(kind)) or {})
    # What only the engine knows to be undecidable, a schema calls a violation or lets pass.
    if Verdict.FAIL in verdicts:
        assert not valid
    elif Verdict.UNKNOWN not in verdicts:
        assert valid


def test_every_control_has_examples_of_every_verdict_that_it_can_give() -> None:
    for control_id, by_verdict in catalog.examples().items():
        assert by_verdict.get("fail"), control_id
        assert by_verdict.get("pass"), control_id
        assert by_verdict.get("unknown"), control_id


NEVER_PASSES = ("default-security-group-closed", "pass", "AWS::EC2::SecurityGroup")
"""Where a rule's group is in sight the group is judged, and of other groups nobody knows which they are."""


def test_every_type_that_a_control_judges_in_place_has_a_failing_and_a_passing_example() -> None:
    for control_id, by_verdict in catalog.examples().items():
        control = CATALOG.by_id[control_id]
        for verdict in ("fail", "pass"):
            shown = {
                resource["Type"]
                for example in by_verdict[verdict]
                for resource in as_template(example)["Resources"].values()
            }
            judged = {kind for kind, rule in control.resources.items() if "places" in rule}
            if (control_id, verdict) == NEVER_PASSES[:2]:
                judged -= {f"{NEVER_PASSES[2]}Ingress", f"{NEVER_PASSES[2]}Egress"}
            assert judged <= shown, (control_id, verdict)
