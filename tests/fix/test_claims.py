"""What a fix claims is what happens: on generated templates, examples of the catalog and real ones."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner import catalog
from scanner.example import as_template
from scanner.fix.mend import Fixer, Proof
from scanner.fix.patch import leaves
from scanner.fix.splice import apply
from scanner.limits import Limits
from scanner.model import Verdict
from scanner.opening import Candidate, open_text
from scanner.scan import Plan

CATALOG = catalog.load()
PLAN = Plan(CATALOG, catalog.select(CATALOG), Limits(), given={}, whole=False)
EVERY = frozenset(CATALOG.by_id)
ROOT = Path(__file__).resolve().parent.parent.parent
CORPUS = Path(os.environ.get("SMGUARD_CORPUS", ROOT.parent / "shared" / "corpus")) / "cfn_sagemaker"

MENDED = {
    *("async-output-kms-key", "data-capture-kms-key", "endpoint-multiple-instances"),
    *("inter-container-encryption", "network-isolation", "notebook-direct-internet", "notebook-imds-v2"),
    *("notebook-root-access", "output-kms-key", "studio-user-isolation", "studio-vpc-only"),
    *("volume-kms-key", "vpc-config"),
}
"""The controls of which something is mended in real templates."""

write = partial(yaml.dump, Dumper=yaml.CSafeDumper, sort_keys=False)
STYLES: dict[str, Callable[[Any], str]] = {
    "block": lambda data: write(data, indent=4, width=20),
    "flow": lambda data: write(data, default_flow_style=True, width=60),
    "quoted": lambda data: write(data, default_style='"'),
    "tabs": lambda data: json.dumps(data, indent="\t").replace("\n", "\r\n"),
    "compact": lambda data: json.dumps(data, separators=(",", ":")),
}


def fixer(text: str, chosen: frozenset[str] = EVERY, entry: Candidate | None = None) -> Fixer:
    entry = entry or Candidate("t", "", "")
    return Fixer(text, entry, PLAN, date(2026, 11, 21), chosen=chosen, selected=chosen)


def differences(before: Any, after: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths at which two decoded templates differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            if key in before and key in after:
                yield from differences(before[key], after[key], (*path, key))
            else:
                yield (*path, key)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (left, right) in enumerate(zip(before, after, strict=True)):
            yield from differences(left, right, (*path, index))
    elif type(before) is not type(after) or before != after:
        yield path


def claimed(mended: Fixer) -> set[tuple[Any, ...]]:
    """The beginnings of every path that the mends say they change."""
    paths = [path for mend in mended.mends for path in leaves(mend.patch)]
    paths += [("Parameters", name) for mend in mended.mends for name in mend.parameters]
    return {path[:length] for path in paths for length in range(len(path) + 1)}


def check(mended: Fixer, proof: Proof, decode: Callable[[str], Any]) -> None:
    """A new look at the result: nothing but the claims has changed, and there is nothing left to mend."""
    assert not mended.crashed
    assert apply(mended.text, proof.edits) == proof.text
    ends = [0, *(edit.end for edit in proof.edits)]
    assert all(end <= edit.start for end, edit in zip(ends, proof.edits, strict=False))
    assert set(differences(decode(mended.text), decode(proof.text))) <= claimed(mended)
    settled = {finding.fingerprint for mend in mended.mends for finding in mend.findings}
    again = fixer(proof.text, entry=mended._entry)
    before = {each.fingerprint: each for each in mended.before.findings.values()}
    after = {each.fingerprint: each for each in again.before.findings.values()}
    opened = {each.fingerprint for each in proof.opened}
    assert before.keys() - after.keys() == settled
    assert after.keys() - before.keys() == opened
    assert all(after[each].verdict is Verdict.UNKNOWN for each in opened)
    for each in before.keys() & after.keys():
        assert (before[each].verdict, before[each].message) == (after[each].verdict, after[each].message)
    assert again.mend().edits == []


NAMES = st.sampled_from(("Plain", "Resource2", "ZRes"))
FLAG = st.sampled_from((True, False, "true", "false", None, {"Ref": "Some"}))
LISTED = st.sampled_from((None, [], ["a"], {"Ref": "AWS::NoValue"}, {"Fn::Split": [",", "a,b"]}))
TEXT = st.sampled_from(("", "alias/aws/x", "alias/own", None, {"Ref": "Some"}, "a: b # c", "é\u3042 'x'\n"))


def some(**properties: Any) -> Any:
    """A mapping with some of these, in any order."""
    return st.fixed_dictionaries({}, optional=properties).flatmap(
        lambda chosen: st.permutations(list(chosen.items())).map(dict)
    )


VPC = st.one_of(some(Subnets=LISTED, SecurityGroupIds=LISTED), st.none())
VARIANT = some(
    ModelName=TEXT,
    InstanceType=st.sampled_from(("ml.m5.large", "ml.g5.xlarge", {"Ref": "Some"})),
    InitialInstanceCount=st.sampled_from((1, "1", 3)),
    EnableSSMAccess=FLAG,
    CoreDumpConfig=some(DestinationS3Uri=TEXT, KmsKeyId=TEXT),
)
BODIES = {
    "NotebookInstance": some(
        RootAccess=st.sampled_from(("Enabled", "Disabled", {"Ref": "Some"})),
        DirectInternetAccess=st.sampled_from(("Enabled", "Disabled")),
        KmsKeyId=TEXT,
        SubnetId=TEXT,
        SecurityGroupIds=LISTED,
        Tags=st.just([{"Key": "a", "Value": "b"}]),
    ),
    "Model": some(VpcConfig=VPC, EnableNetworkIsolation=FLAG, PrimaryContainer=some(Image=TEXT)),
    "EndpointConfig": some(
        ProductionVariants=st.lists(VARIANT, max_size=3),
        KmsKeyId=TEXT,
        DataCaptureConfig=some(EnableCapture=FLAG, KmsKeyId=TEXT),
    ),
    "ProcessingJob": some(
        NetworkConfig=some(VpcConfig=VPC, EnableNetworkIsolation=FLAG),
        ProcessingResources=some(
            ClusterConfig=some(InstanceCount=st.sampled_from((1, 2)), InstanceType=st.just("ml.m5.large"))
        ),
    ),
}
RESOURCE = st.one_of(
    *(
        st.fixed_dictionaries(
            {"Type": st.just(f"AWS::SageMaker::{name}")},
            optional={"Properties": st.one_of(body, st.none()), "Condition": st.just("Is")},
        )
        for name, body in BODIES.items()
    )
)
SECTIONS = st.fixed_dictionaries(
    {"Resources": st.dictionaries(NAMES, RESOURCE, min_size=1)},
    optional={
        "Parameters": st.sampled_from(
            (None, {}, {"Some": {"Type": "String"}}, {"SageMakerKmsKeyArn": {"Type": "String"}})
        ),
        "Conditions": st.just({"Is": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-central-1"]}}),
        "Outputs": st.just({"Out": {"Value": "x"}}),
    },
).flatmap(lambda sections: st.permutations(list(sections.items())).map(dict))


@given(SECTIONS, st.sampled_from(sorted(STYLES)), st.booleans())
@settings(max_examples=int(os.environ.get("FIX_EXAMPLES", "80")))
def test_a_fix_does_what_it_claims_and_nothing_else(data: Any, style: str, ended: bool) -> None:
    text = STYLES[style](data)
    mended = fixer(text if ended else text.rstrip("\n"))
    check(mended, mended.mend(), load)


def load(text: str) -> Any:
    """Decode without this project: short intrinsics are kept as (tag, value)."""

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        pass

    def construct(loader: Any, suffix: str, node: Any) -> Any:
        read = {"mapping": loader.construct_mapping, "sequence": loader.construct_sequence}
        return (suffix, read.get(node.id, loader.construct_scalar)(node))

    Loader.add_multi_constructor("!", construct)
    return yaml.load(text.replace("\t", " "), Loader=Loader)


@pytest.mark.no_cover  # hundreds of files, where a few cover as much
@pytest.mark.parametrize("style", STYLES)
def test_every_example_is_mended_or_left_for_a_reason_whatever_its_style(style: str) -> None:
    settled: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for control, by_verdict in catalog.examples().items():
        for example in by_verdict["fail"]:
            mended = fixer(STYLES[style](as_template(example)), frozenset({control}))
            proof = mended.mend()
            for mend in mended.mends if style == "block" else ():
                # By itself too, as an editor offers it; what needs another property can't be.
                assert mend.needs or mended.prove([mend]).edits
            assert load(proof.text) is not None
            assert fixer(proof.text, frozenset({control})).mend().edits == []
            settled.update(each.control.id for mend in mended.mends for each in mend.findings)
            reasons.update(f"{control}: {why}" for each, why in mended.left if each.verdict is Verdict.FAIL)
    tagged = 7 if style == "quoted" else 0  # !!bool "false" is not written plainly
    assert settled.total() == 163 - tagged
    assert reasons.total() == 155 + tagged
    assert sum(count for why, count in reasons.items() if why.startswith("customer-managed")) == 69


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real templates is not beside the project")
def test_real_templates_are_mended_and_read_the_same_elsewhere() -> None:
    from cfnlint.decode import decode_str

    def decode(text: str) -> Any:
        template, faults = decode_str(text)
        assert not faults, faults
        return json.loads(json.dumps(template, default=str))

    settled: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for file in sorted(CORPUS.iterdir()):
        entry = Candidate(str(file), os.path.realpath(file), str(CORPUS))
        mended = fixer(open_text(entry, PLAN.limits) or "", entry=entry)
        proof = mended.mend()
        if proof.edits:
            check(mended, proof, decode)
        findings = [each for mend in mended.mends for each in mend.findings]
        settled.update(each.control.id for each in findings if each.verdict is Verdict.FAIL)
        left.update(each.control.id for each, _ in mended.left if each.verdict is Verdict.FAIL)
    assert settled.keys() >= MENDED
    # Of a control that only its user can settle, such as what a role may do, nothing is mended.
    remaining = sum(left[control] for control in settled)
    assert settled.total() / (settled.total() + remaining) > 0.95, (settled, left)
