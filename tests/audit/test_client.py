"""What becomes of a call: every fault of AWS, of the network and of the answer, over HTTP."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.config import Config

from scanner.audit import access
from scanner.audit.access import Access, Role
from scanner.audit.client import Client, verify
from scanner.audit.fault import Fault, iam_action
from scanner.audit.item import Scope
from scanner.audit.paging import pages
from scanner.audit.tags import tags_by_arn
from tests.audit.fast import ACCOUNT, REGION, at, client
from tests.fake_aws import Fake
from tests.fake_aws.faults import CANARY
from tests.fake_aws.http import Request, Server
from tests.fake_aws.wire import Reply


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    with Fake() as fake, at(fake, monkeypatch):
        yield fake


@pytest.fixture
def raw(aws: Fake, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[Request]]]:
    """Starts a server in AWS's place that has one answer to everything; gives the requests."""
    with ExitStack() as stack:

        def start(body: bytes, status: int = 200) -> list[Request]:
            requests: list[Request] = []

            def answer(request: Request) -> Reply:
                requests.append(request)
                return Reply(status, body, "application/x-amz-json-1.1")

            server = Server(0, answer)
            stack.callback(server.close)
            monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
            access.forget()
            return requests

        yield start


def raised(
    api: Client, operation: str = "ListModels", needs: tuple[str, ...] = ("Models",), **asked: Any
) -> Fault:
    with pytest.raises(Fault) as met:
        api.call("sagemaker", operation, asked, needs)
    return met.value


@pytest.mark.parametrize(
    ("code", "kind", "calls"),
    [
        ("AccessDeniedException", "denied", 1),
        ("AccessDenied", "denied", 1),
        ("UnauthorizedOperation", "denied", 1),
        ("ThrottlingException", "throttled", 9),
        ("TooManyRequestsException", "throttled", 9),
        ("ExpiredTokenException", "expired", 1),
        ("ExpiredToken", "expired", 1),
        ("UnrecognizedClientException", "disabled", 1),
        ("InvalidClientTokenId", "disabled", 1),
        ("ResourceNotFound", "missing", 1),
        ("ResourceNotFoundException", "missing", 1),
        ("ValidationException", "failed", 1),
        ("InternalFailure", "failed", 4),
        ("ServiceUnavailable", "failed", 4),
        ("garbage", "malformed", 3),
        ("empty", "malformed", 3),
        ("truncated", "malformed", 3),
        ("reset", "unreachable", 3),
        ("hang", "unreachable", 3),
    ],
)
def test_faults(aws: Fake, monkeypatch: pytest.MonkeyPatch, code: str, kind: str, calls: int) -> None:
    aws.fail("ListModels", code)
    if code == "hang":
        whole = access.configuration
        monkeypatch.setattr(access, "configuration", lambda: whole().merge(Config(read_timeout=0.05)))
    api = client()
    fault = raised(api)
    assert fault.kind == kind
    assert (fault.service, fault.operation, fault.scope) == (
        "sagemaker",
        "ListModels",
        Scope(ACCOUNT, REGION),
    )
    assert aws.calls["ListModels"] == calls
    count = api.pace.counts()["sagemaker:ListModels"]
    assert (count.calls, count.retries) == (calls, calls - 1)
    assert count.throttles == (calls if kind == "throttled" else 0)
    gap = fault.gap(["vpc-config", "model-isolation"], "AWS::SageMaker::Model")
    assert gap.where == f"{ACCOUNT}/{REGION}"
    for part in (
        "sagemaker:ListModels",
        REGION,
        fault.code,
        "model-isolation, vpc-config",
        "AWS::SageMaker::Model",
    ):
        assert part in gap.what
    assert CANARY not in str(gap) + str(fault) + repr(fault)
    assert "secret" not in str(gap)
    if kind == "denied":
        assert "allow sagemaker:ListModels" in gap.hint
    again = pickle.loads(pickle.dumps(fault))
    assert (again.kind, again.code, str(again)) == (fault.kind, fault.code, str(fault))


def test_what_is_tried_again_may_succeed(aws: Fake) -> None:
    aws.create("Model")
    aws.fail("ListModels", "ThrottlingException", times=3)
    aws.fail("ListModels", "InternalFailure", times=1)
    api = client()
    answer = api.call("sagemaker", "ListModels", {"MaxResults": 5}, ["Models"])
    assert [model["ModelName"] for model in answer["Models"]] == ["model-0001"]
    assert answer.keys() <= {"Models", "NextToken"}
    assert api.pace.counts() == {"sagemaker:ListModels": (5, 3, 4)}


def test_what_was_deleted_is_missing(aws: Fake) -> None:
    aws.fail("Describe*", "missing")
    asked = {"DescribeModel": "ModelName", "DescribeTrainingJob": "TrainingJobName"}
    for operation, name in asked.items():
        assert raised(client(), operation, (), **{name: "x"}).kind == "missing"


def test_an_answer_lacks_what_is_needed(aws: Fake) -> None:
    for operation, asked, needs in (
        ("DescribeNotebookInstance", {"NotebookInstanceName": "x"}, ("NotebookInstanceArn",)),
        ("ListEndpoints", {}, ("Endpoints",)),
    ):
        aws.fail(operation, "empty")
        assert raised(client(), operation, needs, **asked).kind == "malformed"
        assert client().call("sagemaker", operation, asked) == {}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b'{"Models": null}',
        b'{"Models": {}}',
        b'{"Models": "abc"}',
        b'{"Models": [1]}',
        b'{"Models": [null]}',
        b'{"Models": [{"ModelName": "a", "CreationTime": "no time"}]}',
        b'{"Models": [',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_answers_in_another_shape(raw: Callable[..., list[Request]], body: bytes) -> None:
    raw(body)
    assert raised(client()).kind == "malformed"


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (400, "ValidationException", "User is not authorized to perform x with an explicit deny", "denied"),
        (400, "ValidationException", "Could not find model m", "missing"),
        (400, "ValidationException", "RecordNotFound", "missing"),
        (400, "ValidationException", "1 validation error detected", "failed"),
        (403, "SomethingNew", "", "denied"),
        (403, "SignatureDoesNotMatch", "", "failed"),
        (429, "SomethingNew", "", "throttled"),
        (502, "", "<html>", "failed"),
    ],
)
def test_refusals(raw: Callable[..., list[Request]], status: int, code: str, message: str, kind: str) -> None:
    requests = raw(json.dumps({"__type": code, "message": message}).encode(), status)
    assert raised(client(), "DescribeModel", (), ModelName="m").kind == kind
    assert len(requests) == {"throttled": 9, "failed": 4 if status > 500 else 1}.get(kind, 1)
    if kind == "missing":
        # A list that names nothing is no resource that is gone.
        assert raised(client()).kind == "failed"


def test_what_botocore_does_not_know_yet_is_not_lost(raw: Callable[..., list[Request]]) -> None:
    """With an old botocore a new setting must not look as if it were not set."""
    raw(
        b'{"ModelName": "m", "CreationTime": 1700000000, "Marvel": {"On": true, "Off": null}, "Gone": null, '
        b'"VpcConfig": {"Subnets": ["s"], "Moat": "deep"}, "Containers": [{"Image": "i"}, {"Marvel": [1]}]}'
    )
    answer = client().call("sagemaker", "DescribeModel", {"ModelName": "m"}, ["Marvel"])
    assert answer == {
        "ModelName": "m",
        "CreationTime": datetime.fromtimestamp(1700000000, UTC),
        "Marvel": {"On": True, "Off": None},
        "VpcConfig": {"Subnets": ["s"], "Moat": "deep"},
        "Containers": [{"Image": "i"}, {"Marvel": [1]}],
    }


def test_operations_and_parameters_that_botocore_does_not_know(aws: Fake) -> None:
    fault = raised(client(), "ListMarvels")
    assert (fault.kind, fault.code) == ("unsupported", "UnknownOperation")
    fault = raised(client(), "ListModels", (), Marvels="x")
    assert (fault.kind, fault.code) == ("unsupported", "UnknownParameter")
    assert "upgrade boto3" in fault.hint
    assert raised(client(), "DescribeModel").kind == "failed"
    with pytest.raises(Fault) as met:
        client().call("marvels", "ListMarvels")
    assert met.value.kind == "unsupported"
    assert not aws.calls


def test_a_region_that_is_not_enabled(aws: Fake) -> None:
    api = client(region="af-south-1")
    assert raised(api).kind == "disabled"
    assert raised(api, "ListEndpoints").kind == "disabled"
    assert dict(aws.calls) == {"ListModels": 1}


def test_keys_that_are_revoked_are_no_region_that_is_not_enabled(aws: Fake) -> None:
    api = client()
    api.call("sagemaker", "ListModels")
    aws.fail("*", "UnrecognizedClientException")
    assert raised(api).kind == "expired"


@pytest.mark.parametrize(
    ("endpoint", "region", "kind", "code"),
    [
        ("http://127.0.0.1:9", REGION, "unreachable", "EndpointConnectionError"),
        ("http://nowhere.invalid", REGION, "unreachable", "NameNotResolved"),
        ("http://nowhere.invalid", "eu-nowhere-9", "disabled", "NoSuchEndpoint"),
    ],
)
def test_a_service_that_cannot_be_reached_is_not_asked_again(
    aws: Fake, monkeypatch: pytest.MonkeyPatch, endpoint: str, region: str, kind: str, code: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", endpoint)
    monkeypatch.delenv("HTTP_PROXY")
    access.forget()
    api = client(region=region)
    fault = raised(api)
    assert (fault.kind, fault.code) == (kind, code)
    assert raised(api, "ListEndpoints").code == code
    assert "sagemaker:ListEndpoints" not in {name for name, count in api.pace.counts().items() if count.calls}
    assert verify(api)


def test_credentials_that_were_renewed_meanwhile_are_taken(
    aws: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = client()
    api.call("sagemaker", "ListModels")
    aws.fail("*", "ExpiredTokenException", when=lambda call: call.access_key == f"AKIA{ACCOUNT}FAKE")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", f"AKIA{ACCOUNT}NEW")
    assert api.call("sagemaker", "ListModels", needs=["Models"]) == {"Models": []}
    assert aws.calls["ListModels"] == 3
    assert [call.access_key[-3:] for call in aws.log] == ["AKE", "AKE", "NEW"]


def test_threads_renew_once(aws: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    api = client()
    api.call("sagemaker", "ListModels")
    aws.fail("*", "ExpiredToken", when=lambda call: call.access_key == f"AKIA{ACCOUNT}FAKE")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", f"AKIA{ACCOUNT}NEW")
    aws.latency = 0.02
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api.call("sagemaker", "ListModels", needs=["Models"]), range(8)))
    assert answers == [{"Models": []}] * 8
    assert 9 < aws.calls["ListModels"] <= 17


def test_credentials_that_are_gone(aws: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    api = client()
    api.call("sagemaker", "ListModels")
    aws.fail("*", "ExpiredToken")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert raised(api).kind == "expired"


def test_an_operation_that_was_given_up_is_asked_no_more(aws: Fake) -> None:
    api = client()
    aws.fail("ListModels", "ThrottlingException")
    kinds = {raised(api).kind for _ in range(9)}
    calls = aws.calls["ListModels"]
    assert raised(api).kind == "throttled"
    assert (kinds, aws.calls["ListModels"]) == ({"throttled"}, calls)
    assert api.call("sagemaker", "ListEndpoints", needs=["Endpoints"]) == {"Endpoints": []}


def test_expired_credentials_end_all_calls_of_the_scope(aws: Fake) -> None:
    api = client()
    api.call("sagemaker", "ListModels")
    aws.fail("*", "ExpiredToken")
    assert raised(api).kind == "expired"
    before = len(aws.log)
    for operation in ("ListEndpoints", "ListTrainingJobs", "ListModels"):
        assert raised(api, operation).kind == "expired"
    assert len(aws.log) == before
    assert "renew" in raised(api).hint


def test_a_role_is_assumed_anew_once(aws: Fake) -> None:
    role = Access(roles=(Role(f"arn:aws:iam::{ACCOUNT}:role/r"),))
    api = client(access=role)
    api.call("sagemaker", "ListModels")
    aws.fail("ListModels", "ExpiredToken")
    assert raised(api).kind == "expired"
    assert aws.calls["AssumeRole"] <= 2
    assert aws.calls["ListModels"] <= 3


def test_threads_that_assume_a_role_do_not_wait_for_each_other_for_ever(aws: Fake) -> None:
    role = Access(roles=(Role(f"arn:aws:iam::{ACCOUNT}:role/a"), Role(f"arn:aws:iam::{ACCOUNT}:role/b")))
    api = client(access=role)
    aws.latency = 0.01
    aws.fail("List*", "ExpiredToken", times=8)

    def ask(number: int) -> str:
        try:
            api.call("sagemaker", "ListModels" if number % 2 else "ListEndpoints")
            verify(client(access=role, region="eu-west-1"))
        except Fault as fault:
            return fault.kind
        return "ok"

    with ThreadPoolExecutor(8) as pool:
        assert {"ok", "expired"} >= set(pool.map(ask, range(24), timeout=60))


def test_a_role_that_cannot_be_assumed(aws: Fake) -> None:
    aws.fail("AssumeRole", "AccessDenied")
    api = client(access=Access(roles=(Role(f"arn:aws:iam::{ACCOUNT}:role/r"),)))
    fault = raised(api)
    assert (fault.kind, fault.action) == ("denied", "sts:AssumeRole")
    assert raised(api, "ListEndpoints").action == "sts:AssumeRole"
    assert dict(aws.calls) == {"AssumeRole": 1}


def test_credentials_of_another_account_are_refused(aws: Fake) -> None:
    assert verify(client()) == f"arn:aws:iam::{ACCOUNT}:user/auditor"
    with pytest.raises(Fault, match="OtherAccount"):
        verify(client(account="999988887777"))


def test_pages(aws: Fake) -> None:
    aws.populate("Model", 250)
    api = client()
    found = list(pages(api, "sagemaker", "ListModels", {"MaxResults": 100}, "Models"))
    assert [len(page) for page in found] == [100, 100, 50]
    aws.fail("ListModels", "repeat", after=1)
    seen = []
    with pytest.raises(Fault, match="RepeatedToken") as met:
        seen.extend(pages(api, "sagemaker", "ListModels", {"MaxResults": 100}, "Models"))
    assert met.value.kind == "malformed"
    aws.heal()
    aws.services.key(aliases=("alias/a",))
    assert len(list(pages(api, "kms", "ListAliases", {}, "Aliases"))) == 1


def test_tags_in_bulk(aws: Fake) -> None:
    for name in ("a", "b"):
        aws.create("Model", {"ModelName": name}, tags={"team": "x", "aws:cloudformation:stack-name": "s"})
    aws.create("Model", {"ModelName": "c"})
    aws.create("NotebookInstance", {"NotebookInstanceName": "n"}, tags={"team": "y"})
    aws.populate("EndpointConfig", 250, tags={"team": "z"})
    found = tags_by_arn(client(), ["model"])
    assert {arn.rpartition("/")[2]: tags["team"] for arn, tags in found.items()} == {"a": "x", "b": "x"}
    assert aws.calls["GetResources"] == 1
    assert len(tags_by_arn(client(), ["model", "endpoint-config"])) == 252
    assert aws.calls["GetResources"] == 1 + 3
    rows = [{"ResourceARN": "a", "Tags": [{"Key": "team"}]}]
    aws.answer("resourcegroupstaggingapi", "GetResources", {"ResourceTagMappingList": rows})
    with pytest.raises(Fault, match="UnreadableAnswer"):
        tags_by_arn(client(), ["model"])
    aws.fail("GetResources", "AccessDeniedException")
    with pytest.raises(Fault) as met:
        tags_by_arn(client(), ["model"])
    assert met.value.action == "tag:GetResources"


def test_a_stopped_audit_asks_no_more(aws: Fake) -> None:
    api = client()
    api.pace.clock.stop()
    assert raised(api).kind == "stopped"
    assert not aws.calls


def test_threads_share_one_client(aws: Fake) -> None:
    aws.create("Model")
    aws.fail("ListModels", "ThrottlingException", times=8)
    api = client()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: api.call("sagemaker", "ListModels", needs=["Models"]), range(40)))
    assert all(len(answer["Models"]) == 1 for answer in answers)
    assert api.pace.counts()["sagemaker:ListModels"] == (48, 8, 8)
    api.close()
    assert api.call("sagemaker", "ListModels")


def test_the_user_agent_names_the_product(raw: Callable[..., list[Request]]) -> None:
    requests = raw(b"{}")
    client().call("sagemaker", "ListModels")
    assert "sagemaker-guardrails/" in requests[0].headers["user-agent"]


def test_nothing_secret_is_logged(aws: Fake, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        aws.fail("ListModels")
        raised(client())
        aws.fail("ListEndpoints", "ExpiredToken")
        raised(client(), "ListEndpoints")
    assert not [record for record in caplog.records if record.name.startswith("scanner")]
    assert CANARY not in caplog.text
    assert "secret-of-nobody" not in caplog.text


def test_names_of_iam_actions() -> None:
    assert iam_action("sagemaker", "ListModels") == "sagemaker:ListModels"
    assert iam_action("s3", "ListBuckets") == "s3:ListAllMyBuckets"
    assert iam_action("resourcegroupstaggingapi", "GetResources") == "tag:GetResources"


@pytest.mark.parametrize("code", ["", "x" * 99, "<b>", "a\nb", "::error::x"])
def test_error_codes_are_words(code: str) -> None:
    fault = Fault("failed", code, "sagemaker", "ListModels", Scope(ACCOUNT, REGION))
    assert fault.code == "UnreadableCode"
    assert "\n" not in fault.gap([], "a\nb\x1b[31m").what
