"""AWS security findings: valid by botocore's model and AWS's limits, and sent with what is refused said."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.report.asff import as_asff, batches, send
from scanner.report.saved import read
from tests.door import called
from tests.report import audits

MODEL = botocore.session.get_session().get_service_model("securityhub").operation_model("BatchImportFindings")
NOTEBOOK = "AWS::SageMaker::NotebookInstance"
LIMITS = {"Id": 512, "Title": 256, "Description": 1024, "GeneratorId": 512}
"""Of the members' documentation: the model has no lengths."""


def calls(text: str) -> list[list[dict[str, Any]]]:
    """The findings of each call, once they are known to be valid."""
    found = []
    for line in text.splitlines():
        request = json.loads(line)
        check(request["Findings"])
        found.append(request["Findings"])
    return found


def check(batch: list[dict[str, Any]]) -> None:
    report = ParamValidator().validate({"Findings": batch}, MODEL.input_shape)
    assert not report.has_errors(), report.generate_report()
    assert len(batch) <= 100
    assert len(json.dumps(batch)) < 6_000_000
    assert len({each["Id"] for each in batch}) == len(batch)
    for each in batch:
        assert len(json.dumps(each)) < 240_000
        for name, most in LIMITS.items():
            assert 1 <= len(each[name].encode()) <= most, name
        assert len(each["Resources"]) == 1
        assert 1 <= len(each["Resources"][0]["Id"].encode()) <= 512
        assert len(each["ProductFields"]) <= 50
        assert all(len(value.encode()) <= 2048 for value in each["ProductFields"].values())
        assert len(each["Compliance"].get("RelatedRequirements", ())) <= 32
        assert len(each.get("Remediation", {}).get("Recommendation", {}).get("Text", "").encode()) <= 512


def render(path: Path) -> str:
    ran = called("report", path, "-f", "asff", "--allow-incomplete")
    assert ran.code == 0, ran.err
    return ran.out


def findings(tmp_path: Path, *listed: dict[str, Any]) -> list[Any]:
    from scanner import catalog

    saved = read(str(audits.write(tmp_path / "a.json", list(listed))), catalog.load().by_id)
    found = list(saved.findings())
    saved.close()
    return found


def test_every_finding_is_in_a_call_of_its_account_and_region(tmp_path: Path) -> None:
    listed = sorted(
        audits.many(700), key=lambda each: (each["location"]["account"], each["location"]["region"])
    )
    path = audits.write(tmp_path / "a.json", listed)
    ran = called("report", path, "-f", "asff")
    assert ran.code == 0
    found = calls(ran.out)
    assert max(map(len, found)) == 100
    found = [batch for batch in found if batch[0]["GeneratorId"] != "smguard/audit"]
    for batch in found:
        assert len({(each["AwsAccountId"], each["Resources"][0]["Region"]) for each in batch}) == 1
    sent = [each["ProductFields"]["smguard/Fingerprint"] for batch in found for each in batch]
    assert sent == [each["fingerprint"] for each in listed]


def test_a_failure(tmp_path: Path) -> None:
    told = audits.finding("notebook-root-access", NOTEBOOK, "lab", path="RootAccess")
    [[it]] = list(batches(findings(tmp_path, told), audits.AT))
    check([it])
    severity = {"Label": "HIGH", "Original": "high"}
    expected = {
        "SchemaVersion": "2018-10-08",
        "Id": f"smguard/eu-central-1/111122223333/notebook-root-access/{told['fingerprint']}",
        "ProductArn": "arn:aws:securityhub:eu-central-1:111122223333:product/111122223333/default",
        "GeneratorId": "smguard/notebook-root-access",
        "AwsAccountId": "111122223333",
        "CreatedAt": audits.AT,
        "UpdatedAt": audits.AT,
        "Severity": severity,
        "Title": "Users of notebook instances have no root access",
        "Description": "lab: RootAccess is missing",
        "RecordState": "ACTIVE",
    }
    assert {name: it[name] for name in expected} == expected
    assert it["FindingProviderFields"]["Severity"] == severity
    assert it["Compliance"]["Status"] == "FAILED"
    assert "nist-800-53-r5 AC-6" in it["Compliance"]["RelatedRequirements"]
    assert it["Remediation"]["Recommendation"]["Text"].startswith("Set RootAccess to Disabled")
    assert it["Resources"] == [
        {
            "Type": "AwsSageMakerNotebookInstance",
            "Id": told["location"]["arn"],
            "Partition": "aws",
            "Region": "eu-central-1",
        }
    ]


@pytest.mark.parametrize(
    ("more", "status", "label", "state"),
    [
        ({}, "FAILED", "HIGH", "ACTIVE"),
        ({"verdict": "unknown"}, "NOT_AVAILABLE", "INFORMATIONAL", "ACTIVE"),
        ({"verdict": "pass"}, "PASSED", "INFORMATIONAL", "ACTIVE"),
        ({"waiver": audits.WAIVER}, "WARNING", "INFORMATIONAL", "ARCHIVED"),
        ({"baseline": True}, "FAILED", "INFORMATIONAL", "ARCHIVED"),
    ],
)
def test_what_becomes_of_a_verdict(tmp_path: Path, more: Any, status: str, label: str, state: str) -> None:
    [finding] = findings(tmp_path, audits.finding("vpc-config", NOTEBOOK, "lab", **more))
    it = as_asff(finding, audits.AT)
    check([it])
    told = it["Compliance"]["Status"], it["Severity"]["Label"], it["RecordState"]
    assert told == (status, label, state)
    # An import can set it once only, and it would outlive the waiver.
    assert "Workflow" not in it
    assert ("until 2027-01-31: Labs need pip as root" in it["Description"]) is ("waiver" in more)


@pytest.mark.parametrize(
    ("region", "arn", "home", "partition"),
    [
        ("cn-north-1", "arn:aws-cn:sagemaker:cn-north-1:1:x/y", "cn-north-1", "aws-cn"),
        ("us-gov-west-1", None, "us-gov-west-1", "aws-us-gov"),
        ("global", None, "us-east-1", "aws"),
        ("global", "arn:aws-cn:organizations::1:x", "cn-north-1", "aws-cn"),
        ("", "arn:<b>:x", "us-east-1", "aws"),
    ],
)
def test_partitions_and_what_is_global(
    tmp_path: Path, region: str, arn: str | None, home: str, partition: str
) -> None:
    told = audits.finding("vpc-config", NOTEBOOK, "lab", region=region)
    told["location"]["arn"] = arn
    it = as_asff(*findings(tmp_path, told), audits.AT)
    check([it])
    assert it["ProductArn"].startswith(f"arn:{partition}:securityhub:{home}:")
    assert (it["Resources"][0]["Partition"], it["Resources"][0]["Region"]) == (partition, home)


def test_what_is_said_of_the_audit_itself(tmp_path: Path) -> None:
    denied, elsewhere = audits.GAP, {**audits.GAP, "where": "organization", "accepted": audits.ACCEPTED}
    path = audits.write(tmp_path / "a.json", [], gaps=[denied, elsewhere])
    told = {(each["AwsAccountId"], each["Resources"][0]["Region"]): each for [each] in calls(render(path))}
    assert set(told) == {(account, region) for account in audits.ACCOUNTS for region in audits.REGIONS}
    states = Counter((each["Compliance"]["Status"], each["RecordState"]) for each in told.values())
    # What is accepted leaves nothing open; the next audit tells of the same finding that it is whole.
    assert states == {("NOT_AVAILABLE", "ACTIVE"): 1, ("PASSED", "ACTIVE"): 5}
    it = told[audits.ACCOUNTS[1], "us-east-1"]
    assert it["Id"] == f"smguard/us-east-1/{audits.ACCOUNTS[1]}/audit"
    assert it["Resources"][0]["Type"] == "AwsAccount"
    assert it["Severity"]["Label"] == "INFORMATIONAL"
    assert denied["what"] in it["Description"]
    assert denied["hint"] in it["ProductFields"]["smguard/Gaps"]
    fields = told[audits.ACCOUNTS[0], "eu-central-1"]["ProductFields"]
    assert "accepted until 2027-01-31" in fields["smguard/Gaps"]
    about = audits.about()
    assert fields["smguard/By"] == about["by"]
    assert fields["smguard/When"] == "2026-10-05 07:30 UTC to 2026-10-05 07:41 UTC"
    assert fields["smguard/Accounts"] == ", ".join(audits.ACCOUNTS)
    assert fields["smguard/Controls"] == f"{len(about['controls'])}: {', '.join(about['controls'])}"
    assert "allowed-keys = arn:aws:kms:us-east-1:111122223333:key/1" in fields["smguard/Parameters"]
    assert fields["smguard/Tool"] == "smguard 1.2.3, catalog 0123456789ab"
    assert (fields["smguard/Resources"], fields["smguard/Passed"]) == ("420", "1,800")


@pytest.mark.parametrize("text", ["ü\u202e" * 9_000, "word " * 20_000, "x" * 90_000])
def test_much_that_is_said_of_an_audit_fits_and_what_is_cut_is_marked(tmp_path: Path, text: str) -> None:
    more = {"by": text, "parameters": {"vpc-config": {"subnets": [text]}}, "controls": [text], "totals": []}
    gaps = [{**audits.GAP, "where": "organization", "what": f"{number} {text}"} for number in range(9)]
    path = audits.write(tmp_path / "a.json", [], gaps=gaps, **more)
    [[it]] = calls(render(path))
    assert it["ProductFields"]["smguard/Gaps 12"].endswith("…")
    assert it["Compliance"]["Status"] == "NOT_AVAILABLE"


TEXT = st.text(max_size=1500) | st.sampled_from(["", " ", "\x00", "\u202e" * 900, "ü" * 1200, "##vso[x]"])


@settings(max_examples=60, deadline=None)
@given(name=TEXT, message=TEXT, path=TEXT, fingerprint=TEXT, kind=TEXT)
def test_any_text_fits(tmp_path_factory: pytest.TempPathFactory, name: str, kind: str, **more: str) -> None:
    told = audits.finding("vpc-config", kind, name, path=more.pop("path"), **more)
    told["location"]["arn"] = None
    check([as_asff(*findings(tmp_path_factory.getbasetemp(), told), audits.AT)])


# --- sending ----------------------------------------------------------------------------------------------


def test_what_is_fixed_is_closed_and_nothing_else(tmp_path: Path) -> None:
    kept, mended, doubled, job = (
        audits.finding("volume-kms-key", kind, name)
        for kind, name in (
            (NOTEBOOK, "a"),
            (NOTEBOOK, "b"),
            (NOTEBOOK, "c"),
            ("AWS::SageMaker::TrainingJob", "j"),
        )
    )
    audits.write(
        tmp_path / "old", [kept, mended, mended, doubled, doubled, job], gaps=[], at="2026-10-04T07:30:00Z"
    )
    audits.write(tmp_path / "new", [kept, doubled], gaps=[])
    words = ("--compare", "old", "new", "-f", "asff")
    ran = called("report", *words, cwd=tmp_path)
    [[closed]] = calls(ran.out)
    [[open_]] = list(batches(findings(tmp_path, mended), audits.AT))
    assert (closed["Id"], closed["UpdatedAt"]) == (open_["Id"], audits.AT)
    assert (closed["Compliance"]["Status"], closed["RecordState"]) == ("PASSED", "ARCHIVED")
    assert closed["Severity"]["Label"] == "INFORMATIONAL"
    assert (
        closed["Description"]
        == "b: was looked for and is not there any more: mended, or the resource is gone"
    )
    (tmp_path / "none.yaml").write_text("Resources: {}")
    called("scan", "none.yaml", "-f", "json", "-o", "scan", cwd=tmp_path)
    refused = called("report", "--compare", "scan", "scan", "-f", "asff", cwd=tmp_path)
    assert (refused.code, "a format for audits" in refused.err) == (2, True)


@pytest.mark.parametrize(
    ("regions", "home"),
    [(["eu-west-1", "us-east-1"], "us-east-1"), (["eu-west-1", "eu-central-1"], "eu-central-1")],
)
def test_what_is_of_no_region_goes_where_somebody_looks(
    tmp_path: Path, regions: list[str], home: str
) -> None:
    role = audits.finding("vpc-config", "AWS::IAM::Role", "lab", region="global")
    path = audits.write(tmp_path / "a.json", [role], gaps=[], regions=regions)
    first, *_ = calls(render(path))
    assert [each["Resources"][0]["Region"] for each in first] == [home]


class Hub:
    """Security Hub, as far as BatchImportFindings goes, over HTTP."""

    def __init__(self) -> None:
        self.taken: dict[str, Any] = {}
        self.calls = 0
        self.refuse: dict[str, tuple[str, int]] = {}
        """Resource name -> error code and how often it is given."""
        self.errors: list[tuple[int, str]] = []
        """Of the next calls: HTTP status and error code."""
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = hub.answer(body["Findings"])
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                if status != 200:
                    self.send_header("x-amzn-ErrorType", answer["Code"])
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *said: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def answer(self, batch: list[Any]) -> tuple[int, dict[str, Any]]:
        self.calls += 1
        check(batch)
        if self.errors:
            status, code = self.errors.pop(0)
            return status, {"Code": code, "Message": "x"}
        failed = []
        for each in batch:
            name = each["Description"].split(":")[0]
            code, left = self.refuse.get(name, ("", 0))
            if left:
                self.refuse[name] = code, left - 1
                failed.append({"Id": each["Id"], "ErrorCode": code, "ErrorMessage": "x"})
            else:
                self.taken[name] = each
        return 200, {
            "FailedCount": len(failed),
            "SuccessCount": len(batch) - len(failed),
            "FailedFindings": failed,
        }

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    hub = Hub()
    monkeypatch.setenv("AWS_ENDPOINT_URL", hub.url)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    yield hub
    hub.close()


def sent(tmp_path: Path, *listed: dict[str, Any]) -> tuple[Any, list[float]]:
    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
    waits: list[float] = []
    calls = batches(findings(tmp_path, *listed), audits.AT)
    return send(calls, lambda region: session.client("securityhub", region), waits.append), waits


def some(number: int) -> list[dict[str, Any]]:
    return [audits.finding("vpc-config", NOTEBOOK, f"n{index}") for index in range(number)]


def test_all_is_sent_in_few_calls(hub: Hub, tmp_path: Path) -> None:
    result, waits = sent(
        tmp_path, *some(230), audits.finding("vpc-config", NOTEBOOK, "far", region="us-east-1")
    )
    assert (result.taken, result.refused, hub.calls, waits) == (231, {}, 4, [])
    assert len(hub.taken) == 231


def test_what_fails_for_a_while_is_sent_again(hub: Hub, tmp_path: Path) -> None:
    hub.refuse = {"n3": ("InternalException", 2), "n5": ("ThrottlingException", 1)}
    result, waits = sent(tmp_path, *some(10))
    assert (result.taken, result.refused, hub.calls) == (10, {}, 3)
    assert waits == [0.5, 1.0]


def test_what_is_refused_for_good_is_said_and_stops_nothing(hub: Hub, tmp_path: Path) -> None:
    hub.refuse = {"n3": ("InvalidInput", 99), "n7": ("InternalException", 99)}
    result, _ = sent(tmp_path, *some(10))
    assert (result.taken, result.refused) == (8, {"InvalidInput": 1, "InternalException": 1})
    assert hub.calls == 4


def test_a_refused_call_stops_no_other(hub: Hub, tmp_path: Path) -> None:
    hub.errors = [(403, "AccessDeniedException")]
    result, waits = sent(tmp_path, *some(150))
    assert (result.taken, result.refused, waits) == (50, {"AccessDeniedException": 100}, [])
    hub.errors = [(429, "TooManyRequestsException"), (500, "InternalException")]
    result, waits = sent(tmp_path, *some(20))
    assert (result.taken, result.refused, waits) == (20, {}, [0.5, 1.0])


def test_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    result, _ = sent(tmp_path, *some(2))
    assert (result.taken, result.refused) == (0, {"EndpointConnectionError": 2})
