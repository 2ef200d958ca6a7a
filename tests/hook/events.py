"""Events of a Lambda Hook, as AWS's user guide of CloudFormation Hooks shows them."""

from __future__ import annotations

from typing import Any

STACK_ID = "arn:aws:cloudformation:us-east-1:111122223333:stack/MyStack/1a2345b6-0000-00a0-a123-00abc0abc000"
CHANGE_SET = (
    "arn:aws:cloudformation:us-east-1:111122223333:changeSet/Mine/1a2345b6-0000-00a0-a123-00abc0abc000"
)


class Context:
    """What Lambda hands a function beside the event."""

    def __init__(self, milliseconds: int = 60_000, partition: str = "aws") -> None:
        self.milliseconds = milliseconds
        self.invoked_function_arn = f"arn:{partition}:lambda:us-east-1:111122223333:function:hook"

    def get_remaining_time_in_millis(self) -> int:
        """How long the function may still run."""
        return self.milliseconds


def resource_event(
    kind: Any, properties: Any, name: str = "Example", point: str = "CREATE_PRE_PROVISION", stack: bool = True
) -> dict[str, Any]:
    """A resource of a stack, or of a call of Cloud Control."""
    model = {"resourceProperties": properties, "previousResourceProperties": None}
    data = {"targetName": kind, "targetLogicalId": name, "targetModel": model}
    event = _event({**data, "targetType": kind if stack else "RESOURCE"}, point)
    return event if stack else {**event, "stackId": None}


def stack_event(payload: Any, point: str = "CREATE_PRE_PROVISION") -> dict[str, Any]:
    """A stack; `payload` is the URL of its template."""
    return _event(
        {"targetName": "STACK", "targetType": "STACK", "targetLogicalId": "my-stack", "payload": payload},
        point,
    )


def change_set_event(payload: Any) -> dict[str, Any]:
    """A change set; `payload` is the URL of its template and its changes."""
    data = {"targetName": "CHANGE_SET", "targetType": "CHANGE_SET", "targetLogicalId": CHANGE_SET}
    return {**_event({**data, "payload": payload}, "CREATE_PRE_PROVISION"), "changeSetId": CHANGE_SET}


def _event(data: dict[str, Any], point: str) -> dict[str, Any]:
    return {
        "clientRequestToken": "f8da6d11-b23f-48f4-814c-0fb6a667f50e",
        "awsAccountId": "111122223333",
        "stackId": STACK_ID,
        "changeSetId": None,
        "hookTypeName": "Smguard::SageMaker::Guardrails",
        "hookTypeVersion": "00000008",
        "hookModel": {"LambdaFunction": "arn:aws:lambda:us-east-1:111122223333:function:hook"},
        "actionInvocationPoint": point,
        "requestData": data,
        "requestContext": {"invocation": 1, "callbackContext": None},
    }
