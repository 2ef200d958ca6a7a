"""The requests that an API call makes, with the condition keys that SageMaker derives from its parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scanner.policy.request import Request

CALLER = "arn:aws:iam::111122223333:role/caller"


def requests_of(
    action: str,
    parameters: Mapping[str, Any],
    *,
    omitted: str = "absent",
    deprecated: str = "sent",
    principal: str = CALLER,
    region: str = "us-east-1",
) -> list[Request]:
    """What `CreateTrainingJob` (or `sagemaker:CreateTrainingJob`) with these parameters asks for.

    What no source settles is said by the caller: whether SageMaker leaves the key of an `omitted` parameter
    "absent" or fills in the "default", and whether `deprecated` key names are still "sent" or "dropped".
    """
    raise NotImplementedError
