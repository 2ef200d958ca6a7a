"""AWS Organizations: a tree of units and accounts, and the policies attached to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tests.fake_aws.call import Call
from tests.fake_aws.wire import AwsError

ROOT = "r-fake"
ORGANIZATION = "o-fakefakefa"


class Organization:
    """One organisation; only its management account and `delegated` ones may ask."""

    def __init__(self, management: str) -> None:
        self.management = management
        self.delegated: set[str] = set()
        self.page_size = 20
        self.effective: dict[tuple[str, str], str] = {}
        """Effective policies by type and target; a target without one takes its parent's."""
        self._parents: dict[str, str] = {}
        self._names: dict[str, str] = {ROOT: "Root"}
        self._status: dict[str, str] = {}
        self._policies: dict[str, tuple[dict[str, Any], str]] = {}
        self._attached: list[tuple[str, str]] = []
        self.account(management, "management")

    def unit(self, name: str, parent: str = ROOT) -> str:
        """An organisational unit's id."""
        id = f"ou-fake-{len(self._names):08x}"
        self._parents[id], self._names[id] = parent, name
        return id

    def account(self, id: str, name: str = "", parent: str = ROOT, status: str = "ACTIVE") -> str:
        """A member account's id."""
        self._parents[id], self._names[id], self._status[id] = parent, name or id, status
        return id

    def policy(self, name: str, content: str, type: str = "SERVICE_CONTROL_POLICY", *targets: str) -> str:
        """A policy's id; it is attached to the targets."""
        id = f"p-{len(self._policies):08x}"
        arn = f"{self._root}:policy/{ORGANIZATION}/{type.lower()}/{id}"
        summary = {"Id": id, "Arn": arn, "Name": name, "Description": "", "Type": type, "AwsManaged": False}
        self._policies[id] = (summary, content)
        self._attached += [(id, target) for target in targets]
        return id

    @property
    def _root(self) -> str:
        return f"arn:aws:organizations::{self.management}"

    def answer(self, call: Call) -> dict[str, Any]:
        """The answer to a call."""
        if call.operation == "DescribeOrganization":
            return {"Organization": self._described()}
        own = call.operation == "DescribeEffectivePolicy" and "TargetId" not in call.parameters
        if not own and call.account not in {self.management, *self.delegated}:
            raise AwsError("AccessDeniedException", "You don't have permissions to access this resource.")
        parameters = call.parameters
        match call.operation:
            case "ListRoots":
                types = sorted({summary["Type"] for summary, _ in self._policies.values()})
                enabled = [{"Type": each, "Status": "ENABLED"} for each in types]
                arn = f"{self._root}:root/{ORGANIZATION}/{ROOT}"
                return {"Roots": [{"Id": ROOT, "Arn": arn, "Name": "Root", "PolicyTypes": enabled}]}
            case "ListAccounts":
                return self._page(call, "Accounts", map(self._account, self._status))
            case "ListAccountsForParent":
                return self._page(
                    call, "Accounts", map(self._account, self._below(parameters["ParentId"], True))
                )
            case "ListOrganizationalUnitsForParent":
                units = self._below(parameters["ParentId"], False)
                return self._page(call, "OrganizationalUnits", map(self._unit, units))
            case "ListChildren":
                accounts = parameters["ChildType"] == "ACCOUNT"
                found = self._below(parameters["ParentId"], accounts)
                return self._page(
                    call, "Children", ({"Id": id, "Type": parameters["ChildType"]} for id in found)
                )
            case "ListParents":
                parent = self._parents[self._known(parameters["ChildId"])]
                return {
                    "Parents": [{"Id": parent, "Type": "ROOT" if parent == ROOT else "ORGANIZATIONAL_UNIT"}]
                }
            case "DescribeAccount":
                return {"Account": self._account(self._known(parameters["AccountId"]))}
            case "ListPolicies":
                return self._page(call, "Policies", self._of_type(parameters["Filter"]))
            case "ListPoliciesForTarget":
                target = self._known(parameters["TargetId"])
                policies = self._of_type(parameters["Filter"])
                attached = [each for each in policies if (each["Id"], target) in self._attached]
                return self._page(call, "Policies", attached)
            case "ListTargetsForPolicy":
                targets = [target for id, target in self._attached if id == parameters["PolicyId"]]
                return self._page(call, "Targets", map(self._target, targets))
            case "DescribePolicy":
                if parameters["PolicyId"] not in self._policies:
                    raise AwsError("PolicyNotFoundException")
                summary, content = self._policies[parameters["PolicyId"]]
                return {"Policy": {"PolicySummary": summary, "Content": content}}
            case "DescribeEffectivePolicy":
                return {"EffectivePolicy": self._effective(call)}
        raise AwsError("UnknownOperationException", f"the fake does not know {call.operation}")

    def _effective(self, call: Call) -> dict[str, Any]:
        wanted = call.parameters["PolicyType"]
        target: str | None = self._known(call.parameters.get("TargetId", call.account))
        while target and (wanted, target) not in self.effective:
            target = self._parents.get(target)
        if not target:
            raise AwsError("EffectivePolicyNotFoundException")
        return {"PolicyContent": self.effective[wanted, target], "PolicyType": wanted, "TargetId": target}

    def _described(self) -> dict[str, Any]:
        arn = f"{self._root}:organization/{ORGANIZATION}"
        return {"Id": ORGANIZATION, "Arn": arn, "FeatureSet": "ALL", "MasterAccountId": self.management}

    def _known(self, id: str) -> str:
        if id not in self._names:
            raise AwsError("TargetNotFoundException")
        return id

    def _below(self, parent: str, accounts: bool) -> list[str]:
        if parent not in self._names:
            raise AwsError("ParentNotFoundException")
        return [
            id for id, above in self._parents.items() if above == parent and (id in self._status) == accounts
        ]

    def _of_type(self, wanted: str) -> list[dict[str, Any]]:
        return [summary for summary, _ in self._policies.values() if summary["Type"] == wanted]

    def _account(self, id: str) -> dict[str, Any]:
        arn = f"{self._root}:account/{ORGANIZATION}/{id}"
        email = f"{id}@example.invalid"
        status = self._status[id]
        return {
            "Id": id,
            "Arn": arn,
            "Name": self._names[id],
            "Email": email,
            "Status": status,
            "State": status,
        }

    def _unit(self, id: str) -> dict[str, Any]:
        return {"Id": id, "Arn": f"{self._root}:ou/{ORGANIZATION}/{id}", "Name": self._names[id]}

    def _target(self, id: str) -> dict[str, Any]:
        kind = "ROOT" if id == ROOT else "ACCOUNT" if id in self._status else "ORGANIZATIONAL_UNIT"
        return {"TargetId": id, "Arn": f"{self._root}:{id}", "Name": self._names[id], "Type": kind}

    def _page(self, call: Call, name: str, rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        found, start = list(rows), int(call.parameters.get("NextToken", 0))
        most = min(int(call.parameters.get("MaxResults", 20)), self.page_size)
        more = {"NextToken": str(start + most)} if len(found) > start + most else {}
        return {name: found[start : start + most]} | more
