"""The AI services opt-out policy in effect in an account, which any account may ask about its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scanner import catalog
from scanner.audit.fault import Fault
from scanner.audit.item import Api, Item
from scanner.json_object import as_object

EFFECTIVE = "AWS::Organizations::EffectivePolicy"
OPT_OUT = "AISERVICES_OPT_OUT_POLICY"
NO_ORGANIZATION = "AWSOrganizationsNotInUseException"
_SERVICE = "organizations"


def items(found: Mapping[str, Any] | None, account: str) -> Iterator[Item]:
    """What each AI service is opted out of by the policy in effect, by its name, as resources to judge."""
    settled = services(found) if found is not None else []
    for name, assigned in settled:
        entry = {"ServiceName": name, **({"OptOutPolicy": assigned} if assigned else {})}
        yield Item(EFFECTIVE, name, None, {"PolicyType": OPT_OUT, "Services": [entry]})
    if not settled:
        yield Item(EFFECTIVE, account, None, {"PolicyType": OPT_OUT})


def read(api: Api, account: str | None = None) -> Mapping[str, Any] | None:
    """The policy in effect in an account, the caller's if None; None if there is none. Raises Fault."""
    asked = {"PolicyType": OPT_OUT, **({"TargetId": account} if account else {})}
    try:
        answer = api.call(_SERVICE, "DescribeEffectivePolicy", asked, needs=("EffectivePolicy",))
    except Fault as fault:
        if fault.code == "EffectivePolicyNotFoundException":
            return None
        raise
    return decoded(answer["EffectivePolicy"].get("PolicyContent"), "DescribeEffectivePolicy", api)


def decoded(text: Any, operation: str, api: Api) -> Mapping[str, Any]:
    """The object that a policy's text holds; raises Fault."""
    found = as_object(text)
    if found is None:
        raise Fault("malformed", "UnreadablePolicy", _SERVICE, operation, api.scope)
    return found


def services(effective: Mapping[str, Any] | None) -> list[tuple[str, str | None]]:
    """What an effective opt-out policy assigns to each service: optOut, optIn, or None for nothing.

    Without a default what it doesn't name is not opted out, of the services that are known here.
    """
    listed = (effective or {}).get("services", {})
    found = {
        str(name): body.get("opt_out_policy") if isinstance(body, dict) else None
        for name, body in (listed.items() if isinstance(listed, dict) else ())
        if not str(name).startswith("@@")
    }
    if "default" not in found:
        found = {name: None for name in known_services() if name != "default"} | found
    return sorted((name, it if isinstance(it, str) else None) for name, it in found.items())


def known_services() -> list[str]:
    """What may stand under "services", by the date in `_types.yaml`; `default` is one of them."""
    kind: str = catalog.load().kinds[EFFECTIVE]["Services"][0]["ServiceName"]
    return kind.removeprefix("e:").split("|")
