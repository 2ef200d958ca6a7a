"""What went wrong with a call to AWS, in words that hold nothing of what the call was about."""

from __future__ import annotations

import re
from collections.abc import Iterable

from scanner.audit.item import Scope
from scanner.model import Gap
from scanner.safe_text import inert

_RESUME = "an audit goes on with --resume"
_KINDS = {
    "denied": ("is denied", "allow {action}; `smguard audit --print-policy` prints all that is needed"),
    "throttled": ("was throttled in every try", f"run again when less is going on; {_RESUME}"),
    "expired": ("was refused: the credentials have expired", f"renew them and run again; {_RESUME}"),
    "unreachable": ("got no answer", "check the network, the proxy and the region's endpoint"),
    "disabled": ("was refused: the region is not enabled", "enable it, or name the regions with --region"),
    "malformed": ("got an answer that can't be read", "run again; check proxies on the way to AWS"),
    "missing": ("found nothing", "it was deleted in the meantime"),
    "failed": ("failed", f"run again; {_RESUME}"),
    "unsupported": ("is not known to the installed boto3", "upgrade boto3"),
    "stopped": ("was not made: the audit was stopped", "run again with --resume"),
}
"""What happened to a call, and what may help."""
_NO_CREDENTIALS = "found no credentials", "name a profile with --profile, or set them up as for the AWS CLI"

_PREFIXES = {"resourcegroupstaggingapi": "tag"}
_ACTIONS = {
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3control:GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
}


def iam_action(service: str, operation: str) -> str:
    """The IAM action that a call needs, "tag:GetResources" for one of "resourcegroupstaggingapi"."""
    action = f"{_PREFIXES.get(service, service)}:{operation}"
    return _ACTIONS.get(action, action)


class Fault(Exception):
    """A call that was given up. Pickles, so that a worker elsewhere can raise it.

    `kind`: denied, throttled, expired, unreachable (time-outs too), disabled (the region), malformed (the
    answer), missing (deleted since it was listed: no Gap), unsupported (by the installed boto3), stopped (by
    the user) or failed (anything else). `code`: AWS's error code or our own word; never AWS's message, which
    quotes resources and callers.
    """

    def __init__(self, kind: str, code: str, service: str, operation: str, scope: Scope) -> None:
        safe = code if re.fullmatch(r"[A-Za-z0-9._-]{1,80}", code) else "UnreadableCode"
        super().__init__(kind, safe, service, operation, scope)
        self.kind = kind
        self.code = safe
        self.service = service
        self.operation = operation
        self.scope = scope

    def __str__(self) -> str:
        return f"{self.action} {self._said[0]} in {self.scope.region} ({self.code})"

    @property
    def _said(self) -> tuple[str, str]:
        return _NO_CREDENTIALS if self.code == "NoCredentialsError" else _KINDS[self.kind]

    @property
    def action(self) -> str:
        """The IAM action that the call needs, "sagemaker:ListModels"."""
        return iam_action(self.service, self.operation)

    @property
    def hint(self) -> str:
        """What the user can do."""
        if (self.kind, self.operation) == ("denied", "AssumeRole"):
            return "the role has to be there and trust the caller; allow sts:AssumeRole on it"
        if (self.kind, self.service) == ("denied", "organizations"):
            return f"allow {self.action}; only the management account and delegated ones may know"
        return self._said[1].format(action=self.action)

    def gap(self, controls: Iterable[str], what: str) -> Gap:
        """That `what` ("AWS::SageMaker::Model", or one resource's type and name) could not be looked at.

        It names operation, region, error code, the controls that now say nothing of it and, in the hint, the
        missing permission.
        """
        names = ", ".join(sorted(set(controls)))
        affected = f"; not judged by {names}" if names else ""
        return Gap(self.scope.shown, f"{inert(what)}: {self}{affected}", self.hint)
