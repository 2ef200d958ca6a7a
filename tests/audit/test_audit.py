"""`smguard audit`: what is read is judged, what is not read is said, and how it ends."""

from __future__ import annotations

import json
import pickle
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from scanner.audit import access
from scanner.report import FORMATS
from tests.audit.running import audit, found
from tests.door import Ran, assert_inert, smguard
from tests.fake_aws import Fake
from tests.fake_aws.faults import CANARY

REGIONS = ("eu-west-1", "us-east-1")
HERE = ("--region", "us-east-1")
NOTEBOOKS = ("--select", "notebook-root-access", "--select", "notebook-direct-internet")
MODELS = ("--select", "network-isolation")
OPEN = {"DirectInternetAccess": "Enabled", "RootAccess": "Enabled"}
CLOSED = {"DirectInternetAccess": "Disabled", "RootAccess": "Disabled"}


@pytest.fixture
def fake() -> Iterator[Fake]:
    with Fake() as made:
        yield made


def seed(fake: Fake) -> None:
    """Three bad notebooks and a bad model in each of two regions."""
    for region in REGIONS:
        for number in range(3):
            fake.create("NotebookInstance", {"NotebookInstanceName": f"lab-{number}", **OPEN}, region=region)
        fake.create("Model", {"ModelName": "churn"}, region=region)


def everywhere(fake: Fake, folder: Path, *words: str) -> Ran:
    regions = [word for region in REGIONS for word in ("--region", region)]
    return audit(fake, folder, *regions, *NOTEBOOKS, *MODELS, "-f", "json", "--all", "--no-store", *words)


def counted(ran: Ran) -> Counter[tuple[str, str, str]]:
    """(region, type, verdict) -> findings."""
    return Counter(
        (each["location"]["region"], each["resource"]["type"].rpartition("::")[2], each["verdict"])
        for each in ran.report["findings"]
    )


ALL_OF_IT = Counter(
    {(region, "NotebookInstance", "fail"): 6 for region in REGIONS}
    | {(region, "Model", "fail"): 1 for region in REGIONS}
)
US = ("us-east-1", "NotebookInstance", "fail")


def in_the_us(call: Any) -> bool:
    return bool(call.region == "us-east-1")


DESCRIBE, LIST = "DescribeNotebookInstance", "ListNotebookInstances"
FAULTS: list[Any] = [
    pytest.param(DESCRIBE, "AccessDeniedException", {}, 0, "DescribeNotebookInstance is denied", id="A01"),
    pytest.param(LIST, "AccessDeniedException", {}, 0, "ListNotebookInstances is denied", id="A03"),
    pytest.param(DESCRIBE, "ThrottlingException", {"times": 3}, 6, None, id="A05-three-throttles"),
    pytest.param(DESCRIBE, "ThrottlingException", {}, 0, "was throttled", id="A06-throttled-for-ever"),
    pytest.param("*", "ExpiredTokenException", {"after": 12}, None, "expired", id="A07-expired-in-mid-run"),
    pytest.param(DESCRIBE, "InternalFailure", {}, 0, "DescribeNotebookInstance failed", id="A10"),
    pytest.param(LIST, "garbage", {}, 0, "can't be read", id="A11-garbage"),
    pytest.param(LIST, "empty", {}, 0, "can't be read", id="A12-empty-list"),
    pytest.param(LIST, "truncated", {}, 0, "ListNotebookInstances", id="A16-truncated-list"),
    pytest.param(DESCRIBE, "garbage", {}, 0, "can't be read", id="A11-garbage-description"),
    pytest.param(DESCRIBE, "empty", {}, 0, "can't be read", id="A15-empty-description"),
    pytest.param(DESCRIBE, "truncated", {}, 0, "DescribeNotebookInstance", id="A16-truncated-description"),
    pytest.param(DESCRIBE, "hang", {}, 0, "got no answer", id="A14-hang"),
    pytest.param(DESCRIBE, "reset", {}, 0, "got no answer", id="reset-connection"),
    pytest.param(DESCRIBE, "AccessDeniedException", {"times": 1}, 4, "is denied", id="one-denied"),
]


@pytest.mark.no_cover  # a call of the client covers as much
@pytest.mark.parametrize(("operation", "code", "more", "left", "said"), FAULTS)
def test_a_fault_is_a_gap_and_everything_else_is_audited(
    fake: Fake,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
    code: str,
    more: Mapping[str, Any],
    left: int | None,
    said: str | None,
) -> None:
    seed(fake)
    fake.fail(operation, code, when=in_the_us, **more)
    if code == "hang":
        whole = access.configuration
        monkeypatch.setattr(access, "configuration", lambda: whole().merge(Config(read_timeout=0.5)))
    ran = everywhere(fake, tmp_path)
    assert CANARY not in ran.out + ran.err
    found = counted(ran)
    assert not {key for key in found if key[2] == "pass"}
    if left is not None:
        assert found == (ALL_OF_IT - Counter({US: 6})) + Counter({US: left})
    else:
        assert found["eu-west-1", "NotebookInstance", "fail"] == 6
    gaps = ran.report["gaps"]
    assert ran.report["summary"]["complete"] is (said is None)
    assert ran.code == 1
    if said is None:
        assert not gaps
        return
    text = json.dumps(gaps)
    assert said in text
    assert {gap["where"] for gap in gaps} == {"111122223333/us-east-1"}
    for gap in gaps:
        assert "sagemaker:" in gap["what"] or "sts:" in gap["what"]
        assert " in us-east-1 (" in gap["what"]
        assert gap["hint"]
    if operation != "*":
        assert all("notebook-direct-internet, notebook-root-access" in gap["what"] for gap in gaps)


@pytest.mark.parametrize("operation", [pytest.param(DESCRIBE, id="A02"), pytest.param(LIST, id="A04")])
def test_what_is_denied_in_all_regions_is_a_gap_in_each(fake: Fake, tmp_path: Path, operation: str) -> None:
    seed(fake)
    fake.fail(operation)
    ran = everywhere(fake, tmp_path)
    assert counted(ran) == Counter({key: n for key, n in ALL_OF_IT.items() if key[1] == "Model"})
    assert sorted(gap["where"] for gap in ran.report["gaps"]) == [f"111122223333/{it}" for it in REGIONS]
    assert all(f"allow sagemaker:{operation};" in gap["hint"] for gap in ran.report["gaps"])


def test_a_region_that_is_not_enabled_is_a_gap(fake: Fake, tmp_path: Path) -> None:
    seed(fake)
    fake.fail("*", "UnrecognizedClientException", when=in_the_us)
    ran = everywhere(fake, tmp_path)
    assert counted(ran) == Counter({key: n for key, n in ALL_OF_IT.items() if key[0] == "eu-west-1"})
    assert [gap["where"] for gap in ran.report["gaps"]] == ["111122223333/us-east-1"]
    scopes = ran.report["summary"]["scopes"]
    assert scopes["seen"] == scopes["judged"] + scopes["unread"]
    assert scopes["unread"] > 0


def test_what_was_deleted_meanwhile_is_no_gap_and_is_said(fake: Fake, tmp_path: Path) -> None:
    seed(fake)
    fake.fail(DESCRIBE, "missing", when=lambda call: call.parameters["NotebookInstanceName"] == "lab-1")
    ran = everywhere(fake, tmp_path)
    assert not ran.report["gaps"]
    assert counted(ran)[US] == 4
    assert "1 were listed and then not there" in json.dumps(ran.report["notes"])


def test_a_token_that_repeats_is_a_gap_beside_what_was_read(fake: Fake, tmp_path: Path) -> None:
    seed(fake)
    fake.page_size = 1
    fake.fail(LIST, "repeat", when=in_the_us)
    ran = everywhere(fake, tmp_path)
    assert "RepeatedToken" in json.dumps(ran.report["gaps"])
    assert counted(ran)[US] >= 2
    assert ran.report["summary"]["scopes"]["partial"] == 1


def test_without_tags_findings_only_lack_their_stack(fake: Fake, tmp_path: Path) -> None:
    fake.create("NotebookInstance", OPEN, tags={"aws:cloudformation:stack-name": "churn-prod"})
    files = [word for name in FORMATS for word in ("-f", name, "-o", name)]
    ran = audit(fake, tmp_path, *HERE, *NOTEBOOKS, *files, "-f", "json")
    assert {each["resource"]["stack"] for each in ran.report["findings"]} == {"churn-prod"}
    assert [name for name in FORMATS if "churn-prod" not in (tmp_path / name).read_text()] == []
    fake.fail("GetResources")
    ran = audit(fake, tmp_path, *HERE, *NOTEBOOKS, "-f", "json")
    assert {each["resource"]["stack"] for each in ran.report["findings"]} == {None}
    assert ran.report["summary"]["complete"]
    assert "tag:GetResources is denied" in json.dumps(ran.report["notes"])


CODES: list[Any] = [
    pytest.param(CLOSED, None, (), 0, id="good"),
    pytest.param(OPEN, None, (), 1, id="bad"),
    pytest.param(OPEN, None, ("--fail-on", "critical"), 0, id="not-that-bad"),
    pytest.param(OPEN, None, ("--exit-zero",), 0, id="bad-and-told-not-to-care"),
    pytest.param(CLOSED, LIST, (), 3, id="incomplete"),
    pytest.param(CLOSED, LIST, ("--allow-incomplete",), 0, id="incomplete-allowed"),
    pytest.param(OPEN, "GetCallerIdentity", (), 2, id="nobody"),
    pytest.param(OPEN, None, ("--select", "no-such-control"), 2, id="no-such-control"),
    pytest.param(OPEN, None, ("--since", "yesterday"), 2, id="no-date"),
    pytest.param(OPEN, None, ("--region", "mars"), 2, id="no-region"),
    pytest.param(OPEN, None, ("--org",), 2, id="no-role-for-an-organization"),
    pytest.param(OPEN, None, ("-o", "/no/such/folder/report"), 2, id="nowhere-to-write"),
]


@pytest.mark.parametrize(("properties", "failing", "words", "code"), CODES)
def test_exit_codes(
    fake: Fake,
    tmp_path: Path,
    properties: Mapping[str, Any],
    failing: str | None,
    words: tuple[str, ...],
    code: int,
) -> None:
    fake.create("NotebookInstance", properties)
    if failing:
        fake.fail(failing)
    ran = audit(fake, tmp_path, *HERE, *NOTEBOOKS, *words)
    assert ran.code == code, ran.err


def test_without_credentials_it_says_so(fake: Fake, tmp_path: Path) -> None:
    ran = audit(fake, tmp_path, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
    assert ran.code == 2
    assert "credentials" in ran.err


def test_what_can_not_be_decided_counts_when_strict(fake: Fake, tmp_path: Path) -> None:
    fake.create("TransformJob", {"ModelName": "gone"})
    variants = [
        {"VariantName": "a", "ModelName": name, "InstanceType": "ml.m5.large"} for name in ("here", "gone")
    ]
    shadows = {"ProductionVariants": variants[:1], "ShadowProductionVariants": variants[1:]}
    fake.create("Model", {"ModelName": "here", "EnableNetworkIsolation": True})
    fake.create("EndpointConfig", {"EndpointConfigName": "two", "ProductionVariants": variants})
    fake.create("EndpointConfig", {"EndpointConfigName": "shadow", **shadows})
    ran = audit(fake, tmp_path, *HERE, *MODELS, "-f", "json")
    assert {each["location"]["path"] for each in ran.report["findings"]} == {
        "ModelName",
        "ProductionVariants[1].ModelName",
        "ShadowProductionVariants[0].ModelName",
    }
    for finding in ran.report["findings"]:
        assert finding["verdict"] == "unknown"
        assert "names a Model that is not in this audit (gone)" in finding["message"]
    assert (ran.code, audit(fake, tmp_path, *HERE, *MODELS, "--strict").code) == (0, 1)


def test_a_setting_is_judged_where_it_lives(fake: Fake, tmp_path: Path) -> None:
    arn = fake.create("Model", {"ModelName": "churn", "EnableNetworkIsolation": True}).arn
    for model in ("churn", arn):
        fake.create("TransformJob", {"ModelName": model})
    ran = audit(fake, tmp_path, *HERE, *MODELS, "-f", "json")
    assert (ran.code, ran.report["findings"]) == (0, [])
    fake.fail("Search")
    fake.fail("ListModels")
    ran = audit(fake, tmp_path, *HERE, *MODELS, "-f", "json")
    assert Counter(each["verdict"] for each in ran.report["findings"]) == {"unknown": 2}
    assert ran.code == 3


def test_a_crash_of_a_control_is_a_gap_and_the_rest_is_reported(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scanner.engine import Engine

    judge = Engine.judge

    def crash(self: Engine, control: Any, kind: str, subject: Any) -> Any:
        if control.id == "notebook-root-access":
            raise ZeroDivisionError
        return judge(self, control, kind, subject)

    monkeypatch.setattr(Engine, "judge", crash)
    seed(fake)
    ran = everywhere(fake, tmp_path)
    assert ran.code == 4
    assert counted(ran)[US] == 3
    assert "notebook-root-access crashed on AWS::SageMaker::NotebookInstance" in json.dumps(
        ran.report["gaps"]
    )
    monkeypatch.setattr("scanner.audit.census.read", lambda *given: 1 / 0)
    ran = everywhere(fake, tmp_path)
    assert ran.code == 4
    assert ran.report["summary"]["scopes"]["judged"] == 0


def test_unknown_enum_values_are_judged_as_they_are(fake: Fake, tmp_path: Path) -> None:
    fake.create("NotebookInstance", {"DirectInternetAccess": "Quantum", "RootAccess": "Disabled"})
    fake.create("TrainingJob", {"TrainingJobName": "new"}, status="Teleporting")
    words = (*HERE, *NOTEBOOKS, "--select", "remote-access", "-f", "json", "--all")
    ran = audit(fake, tmp_path, *words)
    verdicts = {(each["control"], each["verdict"]) for each in ran.report["findings"]}
    assert verdicts == {
        ("notebook-direct-internet", "fail"),
        ("notebook-root-access", "pass"),
        ("remote-access", "pass"),
    }
    assert fake.calls["DescribeTrainingJob"] == 1


def test_remote_debugging_is_judged_while_a_job_runs(fake: Fake, tmp_path: Path) -> None:
    for status in ("InProgress", "Completed"):
        values = {"TrainingJobName": status, "RemoteDebugConfig": {"EnableRemoteDebug": True}}
        fake.create("TrainingJob", values, status=status)
    ran = audit(fake, tmp_path, *HERE, "--select", "remote-access", "-f", "json", "--all")
    assert {(each[1], each[2]) for each in found(ran.report)} == {("fail", "InProgress")}


def test_the_report_tells_who_looked_where_for_what(fake: Fake, tmp_path: Path) -> None:
    seed(fake)
    old = datetime.now(UTC) - timedelta(days=200)
    fake.create("TrainingJob", {"TrainingJobName": "old"}, created=old, status="Completed")
    ran = everywhere(fake, tmp_path, "--since", "100")
    about, summary = ran.report["audit"], ran.report["summary"]
    assert about["by"] == "arn:aws:iam::111122223333:user/auditor"
    assert (about["accounts"], about["regions"]) == (["111122223333"], list(REGIONS))
    assert about["controls"] == ["network-isolation", "notebook-direct-internet", "notebook-root-access"]
    assert datetime.fromisoformat(about["at"]) <= datetime.fromisoformat(about["ended"])
    assert about["since"].startswith(str((datetime.now(UTC) - timedelta(days=100)).date()))
    assert "old" not in {each["resource"]["name"] for each in ran.report["findings"]}
    assert "jobs that began before" in json.dumps(ran.report["notes"])
    totals = {total["region"]: total for total in about["totals"]}
    assert {region: total["fail"] for region, total in totals.items()} == dict.fromkeys(REGIONS, 7)
    for name in ("resources", "passed", "fail", "unknown", "waived", "gaps"):
        assert sum(total[name] for total in totals.values()) == summary[name], name
    scopes = summary["scopes"]
    assert scopes["seen"] == scopes["judged"] == len(about["looked_at"])
    assert not any(summary["files"].values())
    assert all(each["complete"] for each in about["looked_at"])
    operations = Counter({name.partition(":")[2]: n for name, n in about["calls"]["operations"].items()})
    assert operations == Counter(call.operation for call in fake.log)
    assert about["calls"]["made"] == len(fake.log)
    said = f"8 resources in 2 regions of 1 account; 14 failed, 0 unknown, 0 gaps; {len(fake.log)} calls"
    assert ran.err.strip() == f"Audited: {said}"


DIGEST = "own@sha256:" + "0" * 64
LIST_COMPONENTS = "ListInferenceComponents"


def component(name: str, **specification: Any) -> dict[str, Any]:
    return {"InferenceComponentName": name, "EndpointName": "e", **specification}


def test_inference_components_are_judged_as_they_are_described(fake: Fake, tmp_path: Path) -> None:
    production = [{"Key": "env", "Value": "prod"}]
    fake.create("EndpointConfig", {"EndpointConfigName": "c", "ProductionVariants": [{"VariantName": "a"}]})
    fake.create("Endpoint", {"EndpointName": "e", "EndpointConfigName": "c", "Tags": production})
    fake.create("Model", {"ModelName": "m", "PrimaryContainer": {"Image": DIGEST}})
    listed = [
        component("tag", Specification={"Container": {"Image": "own:1"}}),
        component("digest", Specification={"Container": {"Image": DIGEST}}),
        component("model", Specification={"ModelName": "m"}),
        component("untold", Specifications=[{"InstanceType": "ml.g5.xlarge", "Container": {"ArtifactUrl": "s3://a"}}]),
        component("told", Specifications=[{"InstanceType": "ml.g5.xlarge", "Container": {"Image": "own"}}]),
    ]  # fmt: skip
    for each in listed:
        fake.create("InferenceComponent", each)
    words = ("--select", "pinned-images", "--select", "model-lineage", "--no-store", "-f", "json")
    ran = audit(fake, tmp_path, *HERE, *words)
    assert found(ran.report) == {
        ("pinned-images", "fail", "tag", "Specification.Container.Image"),
        ("pinned-images", "unknown", "untold", "Specifications[0].Container.Image"),
        ("pinned-images", "fail", "told", "Specifications[0].Container.Image"),
        ("model-lineage", "fail", "e", "@InferenceComponents[0].Specification"),
    }
    assert not ran.report["gaps"]


@pytest.mark.parametrize(
    ("endpoints", "fails", "asked", "gap"),
    [
        (0, None, 0, None),
        (1, None, 1, None),
        (1, LIST_COMPONENTS, 1, ("network-isolation", "pinned-images", "vpc-config")),
        (1, "ListEndpoints", 1, ("network-isolation", "remote-access", "vpc-config")),
    ],
)
def test_inference_components_are_asked_for_where_there_are_endpoints(
    fake: Fake, tmp_path: Path, endpoints: int, fails: str | None, asked: int, gap: tuple[str, ...] | None
) -> None:
    for number in range(endpoints):
        fake.create("Endpoint", {"EndpointName": f"e{number}", "EndpointConfigName": "c"})
    if fails:
        fake.fail(fails, "AccessDeniedException")
    ran = audit(fake, tmp_path, *HERE, "--ignore", "ai-services-opt-out", "--no-store", "-f", "json")
    assert fake.calls[LIST_COMPONENTS] == asked
    gaps = [it["what"] for it in ran.report["gaps"] if fails and fails in it["what"]]
    assert len(gaps) == (1 if gap else 0)
    assert all(control in gaps[0] for control in gap or ())


@pytest.mark.parametrize("denied", ["GetCallerIdentity", "AssumeRole", "ListModels"])
def test_every_call_is_counted_whatever_comes_of_it(fake: Fake, tmp_path: Path, denied: str) -> None:
    accounts = [word for each in ("444455556666", "111122223333") for word in ("--account", each)]
    fake.fail(denied, when=lambda call: call.account != "111122223333" or denied != "GetCallerIdentity")
    fake.fail("ListDomains", "ThrottlingException", times=2)
    ran = audit(fake, tmp_path, *HERE, *accounts, "--account-role", "Reader", *MODELS, "-f", "json")
    assert ran.code == 3, ran.err
    operations = Counter(
        {name.partition(":")[2]: n for name, n in ran.report["audit"]["calls"]["operations"].items()}
    )
    assert operations == Counter(call.operation for call in fake.log)
    assert operations["AssumeRole"]


def test_waivers_go_by_name_or_arn(fake: Fake, tmp_path: Path) -> None:
    seed(fake)
    waiver = {"control": "notebook-root-access", "reason": "labs", "expires": "2999-01-01"}
    name = {**waiver, "resource": "lab-1"}
    arn = {**waiver, "resource": "arn:aws:sagemaker:eu-*:notebook-instance/lab-2"}
    unused = {**waiver, "resource": "arn:aws:sagemaker:mars-1:*"}
    (tmp_path / "waivers.yaml").write_text(json.dumps({"waivers": [name, arn, unused]}))
    ran = everywhere(fake, tmp_path, "--waivers", "waivers.yaml")
    waived = [
        (each["location"]["region"], each["resource"]["name"])
        for each in ran.report["findings"]
        if each["waiver"]
    ]
    assert waived == [("eu-west-1", "lab-1"), ("eu-west-1", "lab-2"), ("us-east-1", "lab-1")]
    assert ran.report["summary"]["waived"] == 3
    assert "mars-1" in json.dumps(ran.report["notes"])


def test_gaps_are_accepted_and_controls_set_by_the_configuration(fake: Fake, tmp_path: Path) -> None:
    seed(fake)
    fake.fail(LIST)
    entry = {
        "where": "111122223333/*",
        "what": "*ListNotebookInstances*",
        "reason": "no",
        "expires": "2999-01-01",
    }
    severities = {"network-isolation": "low"}
    (tmp_path / "c.yaml").write_text(json.dumps({"accepted-gaps": [entry], "severities": severities}))
    ran = everywhere(fake, tmp_path, "--config", "c.yaml", "--fail-on", "medium")
    assert ran.report["summary"]["complete"]
    assert (ran.code, ran.report["summary"]["accepted_gaps"]) == (0, 2)


def test_a_baseline_counts_only_what_is_new(fake: Fake, tmp_path: Path) -> None:
    seed(fake)
    first = everywhere(fake, tmp_path)
    (tmp_path / "first.json").write_text(first.out)
    taken = smguard("baseline", "--audit", "first.json", "-o", "known.json", cwd=tmp_path)
    assert (taken.code, taken.err) == (0, "14 findings taken down in known.json\n")
    ran = everywhere(fake, tmp_path, "--baseline", "known.json")
    assert (ran.code, ran.report["summary"]["baseline"]) == (0, 14)
    fake.create("Model", {"ModelName": "new"})
    ran = everywhere(fake, tmp_path, "--baseline", "known.json")
    assert (ran.code, ran.report["summary"]["fail"]) == (1, 1)
    ran = audit(fake, tmp_path, *HERE, *NOTEBOOKS, *MODELS, "--baseline", "known.json", "-f", "json")
    assert "no longer occurs" not in json.dumps(ran.report["notes"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Missing argument 'PATH...', or --audit FILE"),
        (("--audit", "a.json"), "--audit goes with -o FILE"),
        (("--audit", "a.json", ".", "-o", "b.json"), "--audit goes with -o FILE"),
        (("--audit", "scan.json", "-o", "b.json"), "is no report of an audit"),
    ],
)
def test_what_no_baseline_is_taken_of(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    (tmp_path / "scan.json").write_text(smguard("scan", "-f", "json", "--exit-zero", str(tmp_path)).out)
    ran = smguard("baseline", *words, cwd=tmp_path)
    assert ran.code == 2
    assert said in ran.err
    assert not (tmp_path / "b.json").exists()


def test_a_baseline_of_some_controls_of_an_incomplete_audit(fake: Fake, tmp_path: Path) -> None:
    seed(fake)
    fake.fail("ListModels")
    (tmp_path / "first.json").write_text(everywhere(fake, tmp_path).out)
    words = ("--audit", "first.json", "-o", "known.json", "--select", "notebook-root-access")
    taken = smguard("baseline", *words, cwd=tmp_path)
    assert (taken.code, taken.err) == (3, "6 findings taken down in known.json\n")
    assert smguard("baseline", *words, "--allow-incomplete", cwd=tmp_path).code == 0


HOSTILE = "x\n::error file=a,line=1::PWNED\x1b]0;owned\x07<script>alert(1)</script>\u202e"


def test_hostile_names_act_on_nothing(fake: Fake, tmp_path: Path) -> None:
    stack = {"aws:cloudformation:stack-name": HOSTILE}
    fake.create("NotebookInstance", {"NotebookInstanceName": HOSTILE}, tags=stack)
    fake.create("NotebookInstance", {"NotebookInstanceName": "=cmd|' /C calc'!A0"})
    fake.create("TransformJob", {"ModelName": HOSTILE})
    step = {"Name": HOSTILE, "Type": "Training", "Arguments": {}}
    definition = json.dumps({"Version": "2020-12-01", "Steps": [step]})
    fake.create("Pipeline", {"PipelineName": HOSTILE, "PipelineDefinition": definition})
    fake.fail("ListModels", "Evil\x1b[31m::error::")
    files = [word for name in FORMATS for word in ("-f", name, "-o", name)]
    ran = audit(fake, tmp_path, *HERE, *NOTEBOOKS, *MODELS, *files)
    assert ran.code == 1
    for name in FORMATS:
        text = (tmp_path / name).read_bytes().decode()
        assert "<script>alert" not in text or name not in ("html", "junit"), name
        assert "\x1b" not in text, name
        assert "\u202e" not in text, name
        if name not in ("html", "sarif"):
            assert_inert(text, name)
    assert '"=cmd' not in (tmp_path / "csv").read_text()


def test_the_steps_of_a_pipeline_are_judged(fake: Fake, tmp_path: Path) -> None:
    step = {"Name": "Train", "Type": "Training", "Arguments": {"EnableNetworkIsolation": False}}
    definition = json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": [step]})
    stack = {"aws:cloudformation:stack-name": "ml"}
    fake.create("Pipeline", {"PipelineName": "daily", "PipelineDefinition": definition}, tags=stack)
    fake.create("Pipeline", {"PipelineName": "broken", "PipelineDefinition": "{"})
    ran = audit(fake, tmp_path, *HERE, *MODELS, "-f", "json")
    [finding] = ran.report["findings"]
    assert finding["resource"] == {
        "type": "AWS::SageMaker::TrainingJob",
        "name": "daily/Train",
        "construct": None,
        "stack": "ml",
    }
    [gap] = ran.report["gaps"]
    assert gap["where"] == "111122223333/us-east-1"
    assert gap["what"].startswith("AWS::SageMaker::Pipeline broken: ")


def test_the_keys_of_steps_are_asked_about(fake: Fake, tmp_path: Path) -> None:
    keys = {"good": fake.services.key(), "bad": fake.services.key(state="Disabled"), "listed": "alias/none"}
    volume = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
    steps = [
        {"Name": name, "Type": "Training", "Arguments": {"ResourceConfig": {**volume, "VolumeKmsKeyId": key}}}
        for name, key in keys.items()
    ]
    definition = json.dumps({"Version": "2020-12-01", "Steps": steps})
    fake.create("Pipeline", {"PipelineName": "p", "PipelineDefinition": definition})
    words = (*HERE, "--select", "customer-managed-kms-key", "-f", "json", "--all", "--no-store")
    ran = audit(fake, tmp_path, *words)
    verdicts = {name: verdict for _, verdict, name, _ in found(ran.report)}
    assert verdicts == {"p/good": "pass", "p/bad": "fail", "p/listed": "fail"}
    fake.fail("DescribeKey")
    ran = audit(fake, tmp_path, *words)
    assert {name: it for _, it, name, _ in found(ran.report)} == {**dict.fromkeys(verdicts, "unknown")}
    assert "allow kms:DescribeKey" in ran.report["gaps"][0]["hint"]


PLAIN = {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}}
TRACKED = {"MlflowConfig": {"MlflowResourceArn": "arn:aws:sagemaker:us-east-1:111122223333:mlflow-app/app-A"}}


def test_what_search_does_not_tell_is_said_once_and_never_passes(fake: Fake, tmp_path: Path) -> None:
    past = datetime.now(UTC) - timedelta(days=2)
    ended = {"plain": {}, "tracked": TRACKED, "named": {"ExperimentConfig": {"ExperimentName": "churn"}}}
    for name, more in ended.items():
        created = {"TrainingJobName": name, **PLAIN, **more}
        fake.create("TrainingJob", created, created=past, status="Completed")
    for name, more in ended.items():
        created = {"TrainingJobName": f"{name}-runs", **PLAIN, **more}
        fake.create("TrainingJob", created, created=past, status="InProgress")
    words = (*HERE, "--select", "job-experiment", "-f", "json", "--all")
    first = audit(fake, tmp_path, *words, "--store", tmp_path / "store")
    expected = {"named": "pass", "named-runs": "pass", "plain-runs": "fail"}
    assert {name: verdict for _, verdict, name, _ in found(first.report)} == expected
    [note] = [each for each in first.report["notes"] if "job-experiment" in each["what"]]
    assert "says nothing of 2 that have ended: Search does not tell MlflowConfig" in note["what"]
    assert fake.calls["DescribeTrainingJob"] == 3
    (tmp_path / "own").mkdir()
    (tmp_path / "own/tracked.yaml").write_text(OWN)
    own = audit(
        fake, tmp_path, *HERE, "--rules", "own", "--select", "tracked", "-f", "json", "--all", "--no-store"
    )
    verdicts = {"named-runs": "fail", "plain-runs": "fail", "tracked-runs": "pass"}
    assert {name: verdict for _, verdict, name, _ in found(own.report)} == verdicts


OWN = """
id: tracked
title: Jobs report to MLflow
area: traceability
severity: low
rationale: |
  Why.
remediation: |
  How.
resources:
  AWS::SageMaker::TrainingJob: {places: [{requires: {MlflowConfig: {}}}]}
not-prevented:
  - {types: ['*'], why: it is only a test}
examples:
  fail:
    - {about: Without, resource: {Type: AWS::SageMaker::TrainingJob, Properties: {RoleArn: r}}}
  pass:
    - about: With
      resource: {Type: AWS::SageMaker::TrainingJob, Properties: {MlflowConfig: {MlflowResourceArn: a}}}
"""


def test_security_hub_takes_the_findings(fake: Fake, tmp_path: Path) -> None:
    seed(fake)
    fake.answer(
        "securityhub", "BatchImportFindings", {"FailedCount": 0, "SuccessCount": 7, "FailedFindings": []}
    )
    ran = everywhere(fake, tmp_path, "--security-hub")
    assert ran.code == 1
    assert "Security Hub took 16 findings" in ran.err
    sent = [call for call in fake.log if call.operation == "BatchImportFindings"]
    assert [call.region for call in sent[:-2]] == sorted(call.region for call in sent[:-2])
    taken = Counter(each["GeneratorId"] for call in sent for each in call.parameters["Findings"])
    # One for each region says who looked there, how, and what could not be looked at.
    assert (taken.total(), taken["smguard/audit"]) == (16, 2)
    fake.fail("BatchImportFindings", "InvalidAccessException")
    ran = everywhere(fake, tmp_path, "--security-hub")
    assert (ran.code, "InvalidAccessException" in ran.err) == (2, True)
    assert len(ran.report["findings"]) == 14


def test_what_is_mended_is_closed_in_security_hub(fake: Fake, tmp_path: Path) -> None:
    def states() -> dict[str, str]:
        """Resource and control -> the state in Security Hub, of what is in the first region."""
        known = {each["Id"]: each for each in fake.services.findings}.values()
        return {
            f"{it['Resources'][0]['Id'].rpartition('/')[2]} {it['GeneratorId']}": it["RecordState"]
            for it in known
            if it["GeneratorId"] != "smguard/audit" and it["Resources"][0]["Region"] == REGIONS[0]
        }

    for name in ("mended", "gone", "bad"):
        fake.create("NotebookInstance", {"NotebookInstanceName": name, **OPEN}, region=REGIONS[0])
    fake.create("TrainingJob", {"TrainingJobName": "job"}, region=REGIONS[0])
    words = ("--region", REGIONS[0], "--security-hub", "--no-store", "-f", "json", "--select", "vpc-config")
    first = audit(fake, tmp_path, *words, "--select", "notebook-root-access")
    assert set(states().values()) == {"ACTIVE"}
    assert "0 that are mended are closed" in first.err
    for kind, name in (("NotebookInstance", "mended"), ("NotebookInstance", "gone"), ("TrainingJob", "job")):
        shelf = fake.sagemaker.shelf("111122223333", REGIONS[0], kind)
        record = shelf.find(name)
        assert record is not None
        shelf.delete(record)
    mended = {"NotebookInstanceName": "mended", "SubnetId": "subnet-1", "SecurityGroupIds": ["sg-1"], **OPEN}
    fake.create("NotebookInstance", mended, region=REGIONS[0])
    before = states()
    # What can't be asked, what was not looked at and what other controls found stays as it is.
    fake.fail("GetFindings")
    ran = audit(fake, tmp_path, *words)
    assert (ran.code, states()) == (1, before)
    assert "stays open where securityhub:GetFindings is refused (AccessDeniedException)" in ran.err
    fake.heal()
    fake.fail("ListNotebookInstances")
    audit(fake, tmp_path, *words)
    assert states() == before
    fake.heal()
    ran = audit(fake, tmp_path, *words)
    assert "2 that are mended are closed" in ran.err
    closed = {"mended smguard/vpc-config", "gone smguard/vpc-config"}
    assert {name for name, state in states().items() if state == "ARCHIVED"} == closed
    last = {each["Id"]: each for each in fake.services.findings}.values()
    assert {it["Compliance"]["Status"] for it in last if it["RecordState"] == "ARCHIVED"} == {"PASSED"}


def test_only_so_many_calls_of_a_type_are_under_way(fake: Fake, tmp_path: Path) -> None:
    for _ in range(12):
        fake.create("NotebookInstance", OPEN)
    fake.latency = 0.01
    audit(fake, tmp_path, *HERE, *NOTEBOOKS, "--no-store", "--jobs", "2")
    assert fake.calls[DESCRIBE] == 12
    assert fake.most_at_once <= 2


PIPELINE = {"sagemaker:pipeline-execution-arn": "arn:aws:sagemaker:us-east-1:111122223333:pipeline/p"}


@pytest.mark.no_cover  # fewer resources cover as much
@pytest.mark.parametrize("tags", [{}, {"team": "fraud"} | PIPELINE], ids=["bare", "tagged"])
def test_a_region_is_read_with_few_calls(tags: Mapping[str, str], fake: Fake, tmp_path: Path) -> None:
    role = {"RoleArn": "arn:aws:iam::111122223333:role/execution"}
    jobs = {
        **role,
        "OutputDataConfig": {"S3OutputPath": "s3://output", "KmsKeyId": "alias/data"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2},
        "VpcConfig": {"Subnets": ["subnet-0123456789abcdef0"], "SecurityGroupIds": ["sg-0123456789abcdef0"]},
    }
    fake.populate("TrainingJob", 400, jobs, status="Completed", tags=tags)
    first = audit(fake, tmp_path, *HERE, "-f", "json")
    assert first.report["summary"]["resources"] == 400
    # As many as 10,000 jobs may take, without those that 9,600 of them take.
    assert len(fake.log) <= 300 - 2 * 96, fake.calls
    for number in range(15):
        fake.create("NotebookInstance", {"NotebookInstanceName": f"notebook-{number}", **role})
    fake.log.clear()
    second = audit(fake, tmp_path, *HERE, "-f", "json")
    calls = Counter(call.operation for call in fake.log)
    assert calls.total() <= 60, calls
    assert len(second.report["audit"]["looked_at"]) > 50, "all types"
    assert calls["DescribeNotebookInstance"] == 15
    assert max((calls - Counter(DescribeNotebookInstance=15)).values()) == 1, "nothing is asked twice"
    prints = [
        [
            each["fingerprint"]
            for each in ran.report["findings"]
            if "notebook-" not in each["resource"]["name"]
        ]
        for ran in (first, second)
    ]
    assert sorted(prints[0]) == sorted(prints[1])
    assert len(set(prints[0])) == len(prints[0])


@pytest.mark.no_cover  # fewer resources cover as much
def test_only_tags_that_can_change_are_asked_for_again(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = {"bare": {}, "team": {"team": "fraud"}, "step": PIPELINE}
    for noun, size in (("ProcessingJob", {}), ("TrainingJob", {"ResourceConfig": {"InstanceCount": 1}})):
        config = {"RoleArn": "r", **size}
        for kind, tags in kinds.items():
            fake.populate(noun, 105, config, prefix=kind, status="Completed", tags=tags)
    hours_ago = datetime.now(UTC) - timedelta(hours=3)
    late = fake.create("ProcessingJob", {"ProcessingJobName": "late"}, created=hours_ago, tags=PIPELINE)
    young = fake.create("ProcessingJob", {"ProcessingJobName": "young"})
    for name, value in fake.environment().items():
        monkeypatch.setenv(name, value)

    def tag(arn: str, tags: Mapping[str, str]) -> None:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        boto3.client("sagemaker").add_tags(ResourceArn=arn, Tags=listed)

    def audited(chosen: Mapping[str, Any]) -> tuple[dict[str, int], int]:
        """The first word of the names of what fails -> how many, and the calls for tags."""
        (tmp_path / "c.yaml").write_text(json.dumps({"control-parameters": chosen}))
        fake.log.clear()
        controls = ("--select", "job-experiment", "--select", "required-tags", "--config", "c.yaml")
        ran = audit(fake, tmp_path, *HERE, *controls, "-f", "json")
        failed = Counter(each["resource"]["name"].partition("-")[0] for each in ran.report["findings"])
        return dict(failed), sum(call.operation == "GetResources" for call in fake.log)

    steps_do_not_fail = {"bare": 105, "team": 105}
    # By type 210 processing jobs that have tags, and by name 105 training jobs of which Search told none.
    assert audited({}) == ({**steps_do_not_fail, "young": 1}, 3 + 2)
    # That a young job has none is not believed for long.
    tag(young.arn, PIPELINE)
    assert audited({}) == (steps_do_not_fail, 1)
    tag(late.arn, {"team": "fraud"})
    tag(young.arn, {"team": "fraud"})
    team = {"required-tags": {"required-tags": ["team"]}}
    assert audited(team) == ({"bare": 315, "team": 105, "step": 210}, 5)
    assert audited({}) == (steps_do_not_fail, 1)


def test_the_table_gathers_what_is_alike(fake: Fake, tmp_path: Path) -> None:
    fake.populate("NotebookInstance", 12, {**OPEN, "RootAccess": "Disabled"}, prefix="lab")
    fake.create("NotebookInstance", {"NotebookInstanceName": "mine", **OPEN})
    fake.fail("ListModels")
    ran = audit(fake, tmp_path, *HERE, *NOTEBOOKS, *MODELS, "--no-store")
    lines = ran.out.splitlines()
    assert lines[0] == "111122223333 us-east-1"
    assert "  lab-0000000, lab-0000001, lab-0000002 and 9 more  AWS::SageMaker::NotebookInstance" in lines
    assert "  mine  AWS::SageMaker::NotebookInstance" in lines
    assert sum("notebook-direct-internet" in line for line in lines) == 4  # two groups, how to mend, controls
    assert "  111122223333/us-east-1: AWS::SageMaker::Model: sagemaker:ListModels is denied" in "\n".join(
        lines
    )
    assert "More on one, and how to waive it: smguard explain ID" in ran.out
    counts = dict(re.findall(r"^(\w+) +(\d+)", ran.out, re.MULTILINE))
    assert (counts["failed"], counts["resources"], counts["gaps"]) == ("14", "13", "1")
    assert max(map(len, lines)) <= 100


class Far(Executor):
    """Workers elsewhere: all that goes there and comes back is pickled."""

    def submit(self, task: Any, /, *given: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        sent = pickle.loads(pickle.dumps((task, given)))
        future.set_result(pickle.loads(pickle.dumps(sent[0](*sent[1]))))
        return future


def test_workers_elsewhere_find_the_same(fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seed(fake)
    fake.fail("GetCallerIdentity", when=in_the_us)
    here = everywhere(fake, tmp_path)
    monkeypatch.setattr("scanner.audit.fleet.dask_workers", lambda address: Far())
    there = everywhere(fake, tmp_path, "--dask", "tcp://anywhere:8786")
    assert there.report["findings"] == here.report["findings"]
    assert there.report["gaps"] == here.report["gaps"]
    assert there.report["summary"] == here.report["summary"]


def test_lost_workers_leave_gaps(fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dying(Far):
        def submit(self, task: Any, /, *given: Any, **named: Any) -> Future[Any]:
            future: Future[Any] = Future()
            east = given[0].scope.region == "us-east-1"
            future.set_exception(BrokenExecutor("killed") if east else ZeroDivisionError())
            return future

    monkeypatch.setattr("scanner.audit.fleet.dask_workers", lambda address: Dying())
    ran = everywhere(fake, tmp_path, "--dask", "tcp://anywhere:8786")
    assert ran.code == 4
    assert [gap["what"] for gap in ran.report["gaps"]] == [
        "can't be audited: ZeroDivisionError",
        "was not audited: its worker ended (BrokenExecutor)",
    ]
    scopes = ran.report["summary"]["scopes"]
    assert scopes["seen"] == scopes["unread"] > 0


def test_an_audit_in_which_nothing_goes_on_ends(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that ends before its first step, for want of memory, is waited for by Python for ever."""

    class Hanging(Far):
        def submit(self, task: Any, /, *given: Any, **named: Any) -> Future[Any]:
            return Future()

    monkeypatch.setattr("scanner.cli.audit._executor", lambda given: Hanging())
    monkeypatch.setattr("scanner.cli.audit._leave", lambda code: None)
    for name in ("_SILENCE", "_PATIENCE", "_TICK"):
        monkeypatch.setattr(f"scanner.audit.audit.{name}", 0.001)
    ran = audit(fake, tmp_path, *HERE, "-f", "json", "--no-store")
    assert ran.code == 3
    [gap] = ran.report["gaps"]
    assert gap["what"] == "was not audited: nothing went on, as without memory"
    assert gap["hint"] == "run again with --resume"


def test_subnets_that_are_allowed(fake: Fake, tmp_path: Path) -> None:
    for name in ("subnet-11111111", "subnet-22222222"):
        values = {"NotebookInstanceName": name, "SubnetId": name, "SecurityGroupIds": ["sg-11111111"]}
        fake.create("NotebookInstance", values)
    given = {"control-parameters": {"vpc-config": {"allowed-subnets": ["subnet-11111111"]}}}
    (tmp_path / "c.yaml").write_text(json.dumps(given))
    words = (*HERE, "--select", "vpc-config", "-f", "json", "--all", "--no-store", "--config", "c.yaml")
    said = {each[2]: each[1] for each in found(audit(fake, tmp_path, *words).report)}
    assert said == {"subnet-11111111": "pass", "subnet-22222222": "fail"}


def test_keys_are_looked_up_and_what_kms_does_not_tell_is_open(fake: Fake, tmp_path: Path) -> None:
    good, retired = fake.services.key(aliases=("alias/own",)), fake.services.key(state="PendingDeletion")
    for name, key in {"a-id": good.rpartition("/")[2], "b-alias": "alias/own", "c-retired": retired}.items():
        fake.create("NotebookInstance", {"NotebookInstanceName": name, "KmsKeyId": key})
    words = (*HERE, "--select", "customer-managed-kms-key", "-f", "json", "--all", "--no-store")
    ran = audit(fake, tmp_path, *words)
    assert {each[2]: each[1] for each in found(ran.report)} == {
        "a-id": "pass",
        "b-alias": "pass",
        "c-retired": "fail",
    }
    fake.fail("DescribeKey")
    ran = audit(fake, tmp_path, *words)
    assert {each[1] for each in found(ran.report)} == {"unknown"}
    [gap] = ran.report["gaps"]
    assert "kms:DescribeKey is denied in us-east-1 (AccessDeniedException)" in gap["what"]
    assert "customer-managed-kms-key" in gap["what"]
    given = {"control-parameters": {"customer-managed-kms-key": {"allowed-keys": [good]}}}
    (tmp_path / "c.yaml").write_text(json.dumps(given))
    ran = audit(fake, tmp_path, *words, "--config", "c.yaml")
    assert {each[2]: each[1] for each in found(ran.report)} == {
        "a-id": "pass",
        "b-alias": "unknown",
        "c-retired": "unknown",
    }
