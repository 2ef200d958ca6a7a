"""AWS's API in one region of one account: paced, tried again, and every answer checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any

from scanner.audit import access as credentials
from scanner.audit.access import Access
from scanner.audit.fault import Fault
from scanner.audit.item import Scope
from scanner.audit.pace import Pace
from scanner.audit.refusal import Refusal, checked_body, complete, fits, refusal

_FOR_ALL = ""


class Client:
    """The Api over botocore. Threads share it.

    Credentials that expire are looked for once more, and again only after they have worked. When that doesn't
    help, or a service can't be reached at all, its calls fail at once from then on.
    """

    def __init__(self, access: Access, scope: Scope, pace: Pace | None = None) -> None:
        self.scope = scope
        self.pace = pace or Pace()
        self.access = access
        self._clients: dict[str, Any] = {}
        self._renewals = 0
        self._works = True
        self._answered: set[str] = set()
        self._closed: dict[str, Refusal] = {}

    def call(
        self, service: str, operation: str, parameters: Mapping[str, Any] = {}, needs: Collection[str] = ()
    ) -> dict[str, Any]:
        """See Api."""
        lane = self.pace.lane(service, operation)
        tries: Counter[str] = Counter()
        while True:
            self._stop_early(service, operation)
            sent = lane.take()
            self._stop_early(service, operation)
            renewals = self._renewals
            try:
                answer = self._ask(service, operation, parameters, needs)
            except (Fault, MemoryError):
                raise
            except Exception as error:
                met = self._placed(refusal(error, operation), service)
                if met.operation is not None:
                    lane.withdraw()
            else:
                lane.succeed()
                self._works = True
                self._answered.add(service)
                return answer
            tries[met.kind] += 1
            if met.kind == "expired" and self._renew(renewals):
                continue
            if met.transient and lane.fail(met.kind, met.code, sent, tries[met.kind]):
                continue
            self._give_up(met, service)
            raise self._fault(met, service, operation)

    def close(self) -> None:
        """Give the connections back."""
        with credentials.LOCK:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def _ask(
        self, service: str, operation: str, parameters: Mapping[str, Any], needs: Collection[str]
    ) -> dict[str, Any]:
        from botocore import xform_name

        client = self._client(service)
        method = getattr(client, xform_name(operation), None)
        if method is None:
            raise Fault("unsupported", "UnknownOperation", service, operation, self.scope)
        shape = client.meta.service_model.operation_model(operation).output_shape
        answer = complete(method(**parameters), shape)
        for name in needs:
            if not fits(answer.get(name), shape.members.get(name)):
                raise ValueError("a needed member is not in the answer")
        return answer

    def _client(self, service: str) -> Any:
        if (known := self._clients.get(service)) is not None:
            return known
        with credentials.LOCK:
            if service not in self._clients:
                made = credentials.session(self.access).create_client(
                    service, region_name=self.scope.region, config=credentials.configuration()
                )
                made.meta.events.register("before-parse", checked_body, unique_id="smguard")
                self._clients[service] = made
            return self._clients[service]

    def _renew(self, renewals: int) -> bool:
        """Whether there are other credentials than those a call was made with, after so many `renewals`."""
        with credentials.LOCK:
            if self._renewals != renewals:
                return True
            if not self._works:
                return False
            self._works = False
            try:
                before = _identity(credentials.session(self.access))
                credentials.forget()
                after = _identity(credentials.session(self.access))
            except Exception:
                # Whatever a provider of credentials says: there are none.
                return False
            if after == before:
                return False
            self._clients.clear()
            self._renewals += 1
            return True

    def _placed(self, met: Refusal, service: str) -> Refusal:
        """`met`, with what is known of this scope: where it worked before, and where the service exists."""
        if met.kind == "disabled" and service in self._answered:
            return met._replace(kind="expired")
        if met.code == "NameNotResolved":
            with credentials.LOCK:
                regions = credentials.session(self.access).get_available_regions(
                    service, partition_name=self.scope.partition
                )
            if self.scope.region not in regions:
                return Refusal("disabled", "NoSuchEndpoint")
        return met

    def _give_up(self, met: Refusal, service: str) -> None:
        if met.kind == "expired" or met.operation is not None:
            self._closed[_FOR_ALL] = met
        elif met.kind in ("disabled", "unreachable") and service not in self._answered:
            self._closed[service] = met

    def _stop_early(self, service: str, operation: str) -> None:
        if self.pace.clock.stopped:
            raise Fault("stopped", "Stopped", service, operation, self.scope)
        closed = self._closed.get(_FOR_ALL) or self._closed.get(service)
        lane = self.pace.lane(service, operation)
        if closed is None and lane.closed is not None:
            closed = Refusal(*lane.closed)
        if closed is not None:
            raise self._fault(closed, service, operation)

    def _fault(self, met: Refusal, service: str, operation: str) -> Fault:
        if met.operation is not None:
            service, operation = "sts", met.operation
        return Fault(met.kind, met.code, service, operation, self.scope)


def verify(api: Client) -> str:
    """The caller's ARN, once the region has answered and the credentials are of the scope's account.

    Raises Fault, of kind "denied" and code "OtherAccount" where they are of another one, as those of a worker
    may be.
    """
    answer = api.call("sts", "GetCallerIdentity", needs=("Account", "Arn"))
    if answer["Account"] != api.scope.account:
        raise Fault("denied", "OtherAccount", "sts", "GetCallerIdentity", api.scope)
    return str(answer["Arn"])


def _identity(session: Any) -> Any:
    return session.get_credentials().get_frozen_credentials()
