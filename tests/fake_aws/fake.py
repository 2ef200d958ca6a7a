"""The fake itself: an address for AWS_ENDPOINT_URL, and the knobs that tests turn."""

from __future__ import annotations

import os
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from types import TracebackType
from typing import Any

from botocore import session
from botocore.model import OperationModel

from tests.fake_aws import services
from tests.fake_aws.call import Call
from tests.fake_aws.faults import Fault, Rate
from tests.fake_aws.http import Cut, Request, Server
from tests.fake_aws.kinds import Kind, Record, kinds, not_found
from tests.fake_aws.sagemaker import SageMaker
from tests.fake_aws.shelf import Range
from tests.fake_aws.wire import AwsError, Reply, check, read, refuse, service_of, write

# What services look like is the same in all sessions: it is read once.
session.create_loader = cache(session.create_loader)
ACCOUNT = "111122223333"
REGION = "us-east-1"


class Fake:
    """AWS on this machine. The account is told by the access key (`access_key`), the region by the signature.

    State is per account and region. Any thread may call; `close` (or `with`) ends the server and raises what
    went wrong in the fake itself.
    """

    def __init__(self, port: int = 0) -> None:
        self.crashes: list[Exception] = []
        """What went wrong in the fake itself; the calls were refused with FakeCrashed."""
        self.calls: Counter[str] = Counter()
        """Calls by operation, "ListModels", throttled and failed ones included."""
        self.log: list[Call] = []
        self.refused: Counter[str] = Counter()
        """Answers that said no, by error code."""
        self.throttled: Counter[str] = Counter()
        """Calls that came too fast, by operation."""
        self.latency: float | Callable[[Call], float] = 0.0
        """Seconds that each answer takes."""
        self.most_at_once = 0
        """The most calls that were under way at one time."""
        self.sagemaker = SageMaker()
        self.services = services.Services(self)
        self._answers: dict[tuple[str, str], Callable[[Call], Mapping[str, Any]]] = {}
        self._faults: list[Fault] = []
        self._rate = Rate()
        self._now = 0
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._server = Server(port, self._reply)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Fake:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the server; raise the first error of the fake itself."""
        self._closing.set()
        self._server.close()
        if self.crashes:
            raise self.crashes[0]

    def environment(self, account: str = ACCOUNT, region: str = REGION) -> dict[str, str]:
        """What leads boto3 here, and nowhere else."""
        return {
            "AWS_ACCESS_KEY_ID": access_key(account),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ENDPOINT_URL_S3_CONTROL": "http://s3-control.invalid",  # before it comes the account
            "AWS_SECRET_ACCESS_KEY": "secret-of-nobody",
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "HTTP_PROXY": self.url,
            "NO_PROXY": "127.0.0.1",
        }

    def create(
        self,
        type: str,
        properties: Mapping[str, Any] | None = None,
        *,
        account: str = ACCOUNT,
        region: str = REGION,
        created: datetime | None = None,
        status: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Record:
        """A resource, by its type ("AWS::SageMaker::Model", "Model") or operation ("CreateModel").

        `properties` are those of Create, of which any may be missing, the name included; what Create does not
        know raises ValueError.
        """
        kind = kinds()[type.rpartition("::")[2].removeprefix("Create")]
        values = dict(properties or {})
        if unknown := values.keys() - kind.inputs:
            raise ValueError(f"Create{kind.name} does not know {', '.join(sorted(unknown))}")
        with self._lock:
            if tags:
                values["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
            if not (kind.name == "ModelPackage" and "ModelPackageGroupName" in values):
                self._now += 1
                values.setdefault(kind.called, f"{kind.directory}-{self._now:04d}")
            if "DomainId" in kind.key and "DomainId" in kind.inputs:
                values.setdefault("DomainId", "d-000000000000")
            return self.sagemaker.create(kind, values, account, region, created, status)

    def populate(
        self,
        type: str,
        count: int,
        template: Mapping[str, Any] | Callable[[int], Mapping[str, Any]] | None = None,
        *,
        prefix: str | None = None,
        account: str = ACCOUNT,
        region: str = REGION,
        first: datetime | None = None,
        step: timedelta = timedelta(seconds=1),
        status: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Many resources, `prefix-0000000` and so on, that are made up when someone looks.

        The first was created at `first`, each next one a `step` later; the last an hour ago by default.
        """
        kind: Kind = kinds()[type.rpartition("::")[2]]
        values = template if callable(template) else lambda _number, fixed=template or {}: fixed
        first = first or datetime.now(UTC) - timedelta(hours=1) - step * count
        many = Range(kind, prefix or kind.directory, count, values, first, step, status, tags or {})
        with self._lock:
            self.sagemaker.populate(kind, many, account, region)

    def fail(
        self,
        operation: str,
        code: str = "AccessDeniedException",
        *,
        times: int | None = None,
        after: int = 0,
        when: Callable[[Call], bool] = lambda call: True,
    ) -> None:
        """Make calls of an operation (or a pattern, "Describe*") fail; see `Fault` for what `code` may be.

        `times`: only so many; `after`: not the first so many; `when`: only calls of which this is true.
        """
        with self._lock:
            self._faults.append(Fault(operation, code, times, after, when))

    def heal(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._faults.clear()

    def answer(
        self, service: str, operation: str, answer: Mapping[str, Any] | Callable[[Call], Mapping[str, Any]]
    ) -> None:
        """Give a fixed answer, or one made of the call, to any operation of a service that `wire` knows."""
        self._answers[service, operation] = answer if callable(answer) else lambda _call: answer

    @property
    def rate(self) -> dict[str, float]:
        """Calls per second by operation or pattern ("*"); above it: ThrottlingException."""
        return self._rate.limits

    @rate.setter
    def rate(self, limits: float | Mapping[str, float]) -> None:
        self._rate.limits = dict(limits) if isinstance(limits, Mapping) else {"*": limits}

    @property
    def page_size(self) -> int:
        """The most resources in a page, whatever MaxResults asks."""
        return self.sagemaker.page_size

    @page_size.setter
    def page_size(self, size: int) -> None:
        self.sagemaker.page_size = size

    def _reply(self, request: Request) -> Reply:
        key, region, signing_name = request.signer
        service = service_of(signing_name)
        if service == "s3" and "x-amz-account-id" in request.headers:
            service = "s3control"
        try:
            operation, parameters = read(
                service, request.method, request.target, request.headers, request.body
            )
            if service == "s3control":
                parameters["AccountId"] = request.headers["x-amz-account-id"]
            found = re.search(r"\d{12}", key)
            call = Call(service, operation.name, parameters, found[0] if found else ACCOUNT, region, key)
            return self._answered(call, operation)
        except AwsError as error:
            self.refused[error.code] += 1
            return refuse(service, error)
        except Cut:
            raise
        except Exception as error:
            self.crashes.append(error)
            return refuse(service, AwsError("FakeCrashed", repr(error)))

    def _answered(self, call: Call, operation: OperationModel) -> Reply:
        with self._lock:
            self.calls[call.operation] += 1
            self.log.append(call)
            self._under_way += 1
            self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            if seconds := self.latency(call) if callable(self.latency) else self.latency:
                self._closing.wait(seconds)
            with self._lock:
                fault = next((each for each in self._faults if each.strikes(call)), None)
                if not self._rate.take(call):
                    self.throttled[call.operation] += 1
                    raise AwsError("ThrottlingException", "Rate exceeded")
            if fault and (reply := fault.instead(self._closing)):
                return reply
            with self._lock:
                if fault and fault.code == "missing":
                    raise not_found(operation)
                answer = dict(self._answer(call, operation))
            reply = write(operation, fault.bent(call, answer) if fault else answer)
            if fault and fault.code == "truncated":
                raise Cut(reply)
            return reply
        finally:
            with self._lock:
                self._under_way -= 1

    _under_way = 0

    def _answer(self, call: Call, operation: OperationModel) -> Mapping[str, Any]:
        self.services.check(call)
        check(operation, call.parameters)
        if own := self._answers.get((call.service, call.operation)):
            return own(call)
        if call.service == "sagemaker":
            return self.sagemaker.answer(call, operation)
        return self.services.answer(call)


def access_key(account: str) -> str:
    """Of an access key, the account it belongs to is all that the fake reads."""
    return f"AKIA{account}FAKE"
