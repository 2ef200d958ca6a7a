"""What rules/_sdk.yaml says of the SageMaker SDK, against the signatures of both of its versions."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import botocore
import pytest
import yaml
from botocore import xform_name

from scanner import rulepack
from scanner.catalog import load, property_kinds
from scanner.requests.operation import types_by_operation
from tools.record_sdk import SENSITIVE

ROOT = Path(__file__).resolve().parent.parent.parent
TABLE = rulepack.sdk(str(ROOT / "rules" / "_sdk.yaml"))
ENTRIES = {
    name: entry
    for name, entry in TABLE.items()
    if name not in ("elsewhere", "images", "libraries", "telling", "Unknown", "UnknownModel")
}
RECORDED = json.loads(Path(__file__).with_name("sdk_signatures.json").read_text(encoding="utf-8"))
SIGNATURES = {number: it["signatures"] for number, it in RECORDED.items()}
MADE_BY_CALLS = {
    made for entry in ENTRIES.values() for calls in entry.get("calls", {}).values() for made in calls
}
OWN = yaml.safe_load((ROOT / "rules" / "_sdk.yaml").read_text(encoding="utf-8"))["classes"]
LEFT_OUT = {
    "model_kms_key": "encrypts repacked code in S3 and is no part of a request",
    "enc0_network": "is a kind of encoder",
    "enc1_network": "is a kind of encoder",
}
ABSTRACT = {"ClarifyModelMonitor"}
"""Classes of which only others are made."""
WITHOUT_EFFECT = {
    "ProcessingStep": {"kms_key"},
    "AlgorithmEstimator": {"enable_network_isolation"},
    "ModelPackage": {"enable_network_isolation"},
}
"""Encrypts the step's code in S3; is taken, and not heeded: neither is part of a request."""


def known(name: str) -> list[dict[str, Any]]:
    """The signatures of an entry in the versions that have it."""
    return [it[name] for it in SIGNATURES.values() if name in it]


def test_both_versions_are_recorded() -> None:
    assert [it["version"].split(".")[0] for it in RECORDED.values()] == ["2", "3", "2"]


@pytest.mark.parametrize("number", ["2", "3"])
def test_every_class_below_one_of_the_table_is_in_it(number: str) -> None:
    heirs = {*RECORDED[number]["heirs"]}
    assert len(heirs) > 10
    assert heirs - ENTRIES.keys() == ABSTRACT


def test_what_is_found_or_told_by_a_keyword_is_in_the_sdk() -> None:
    for name, entry in ENTRIES.items():
        for method, made in entry.get("finds", {}).items():
            assert made is None or made in ENTRIES, (name, method)
    for method, keywords in TABLE["telling"].items():
        taken = {
            word
            for it in ENTRIES.values()
            for made in it.get("calls", {}).get(method, ())
            for word in TABLE[made]["keywords"]
        }
        assert {*keywords} <= taken, method


@pytest.mark.parametrize("name", ENTRIES)
def test_every_entry_is_of_the_sdk_and_takes_its_keywords(name: str) -> None:
    entry = ENTRIES[name]
    # What an entry has from another one is checked there: some classes refuse a keyword of their base.
    keywords = {each for each in (OWN[name] or {}).get("keywords", {}) if not each.startswith("self.")}
    found = known(name)
    if name in MADE_BY_CALLS:
        found += [
            it
            for owner, body in ENTRIES.items()
            for method, made in body.get("calls", {}).items()
            if name in made
            for it in known(f"{owner}.{method}")
        ]
        assert found, "no method of the SDK makes it"
        passed_on = {
            "enable_network_isolation",
            "image_uri",
            "image_config",
            "vpc_config",
            "vpc_config_override",
        }
        keywords -= passed_on if entry["type"] == "Model" else set()
        keywords -= {"batch_data_capture_config", "model_name"}  # of transform() and of the call's own model
        keywords -= {"serverless_inference_config", "managed_instance_scaling", "async_inference_config"}
    elif name == "ParameterBoolean":
        found = known("ParameterString")  # version 2 has a partial of its base instead of a class
    assert found, "neither version has it"
    started = {
        word
        for method in entry.get("starts", ())
        for it in known(f"{name}.{method}")
        for word in it["keywords"]
    }
    taken = {word for it in found for word in it["keywords"]} | started
    assert keywords <= taken, keywords - taken


@pytest.mark.parametrize("name", [name for name in ENTRIES if known(name)])
def test_positional_parameters_stand_in_the_sdks_order(name: str) -> None:
    ours = ENTRIES[name].get("positional", [])
    orders = [order for it in known(name) for order in it["positional"]]
    assert not ours or any(order[: len(ours)] == ours for order in orders), orders


@pytest.mark.parametrize("name", [name for name in ENTRIES if known(name)])
def test_no_sensitive_parameter_is_overlooked(name: str) -> None:
    """Of classes; what methods take that names a key, a network or encryption is in the entries they make."""
    ours = set(ENTRIES[name].get("keywords", {}))
    entries = [ENTRIES[made] for made in ENTRIES[name].get("calls", {}).values() for made in made]
    ours |= {word for entry in entries for word in entry.get("keywords", {})}
    theirs = {word for it in known(name) for word in it["keywords"] if SENSITIVE.search(word)}
    assert theirs - ours - LEFT_OUT.keys() - WITHOUT_EFFECT.get(name, set()) == set()


@pytest.mark.parametrize("name", [name for name, entry in ENTRIES.items() if "type" in entry])
def test_every_path_is_a_property(name: str) -> None:
    entry = ENTRIES[name]
    kind = f"AWS::SageMaker::{entry['type']}"
    kinds = property_kinds()["kinds"][kind]
    paths = [*entry.get("keywords", {}).values(), *entry.get("otherwise", ()), *entry.get("always", ())]
    for path in [*paths, *entry.get("only-with", ())]:
        at: Any = kinds
        for step in path.split(".") if path else ():
            word = step.removesuffix("[]").removesuffix("{}")
            assert isinstance(at, dict), path
            assert word in at, path
            at = at[word][0] if step.endswith(("[]", "{}")) else at[word]


def test_operations_of_other_services_are_those_that_botocore_has() -> None:
    """Looked for in the text of botocore's models: to parse them all takes half a minute."""
    names = types_by_operation(load().types)
    called = re.compile(rb'"name":\s*"(' + "|".join(names).encode() + rb')"')
    shared = set()
    for path in Path(botocore.__file__).with_name("data").glob("*/*/service-2.json*"):
        if path.parts[-3] != "sagemaker":
            data = path.read_bytes()
            found = called.findall(gzip.decompress(data) if path.suffix == ".gz" else data)
            shared |= {xform_name(name.decode()) for name in found}
    assert len(shared) > 5
    assert shared <= TABLE["elsewhere"].keys()
