"""The other services that an audit asks: identity, keys, regions, tags, and where findings are sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.fake_aws import config, hub
from tests.fake_aws.call import Call
from tests.fake_aws.organization import Organization
from tests.fake_aws.wire import AwsError, model_of

if TYPE_CHECKING:
    from tests.fake_aws.fake import Fake

_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_EMPTY = {"cloudtrail", "cloudwatch", "codeartifact", "codebuild", "ec2", "iam", "s3"}
"""Services that have nothing, unless a test gives the answer."""
_REGIONS = {
    **dict.fromkeys(("eu-central-1", "eu-west-1", "us-east-1", "us-west-2"), "opt-in-not-required"),
    "af-south-1": "not-opted-in",
}


@dataclass(frozen=True)
class Key:
    """A KMS key."""

    id: str
    arn: str
    manager: str
    state: str
    rotation: bool | None
    multi_region: str | None
    spec: str
    origin: str
    aliases: tuple[str, ...]


@dataclass
class Services:
    """The state of everything but SageMaker."""

    fake: Fake
    regions: dict[str, str] = field(default_factory=lambda: dict(_REGIONS))
    """Opt-in status by region. In one that is "not-opted-in" every call is refused."""
    organization: Organization | None = None
    keys: dict[str, Key] = field(default_factory=dict)
    """By ARN."""
    key_policy: str = '{"Version": "2012-10-17", "Statement": []}'
    """Of all keys."""
    findings: list[Mapping[str, Any]] = field(default_factory=list)
    """What Security Hub was sent."""
    public_access_block: Mapping[str, bool] | None = None
    """What an account's block of public access to S3 blocks, if it has one."""
    evaluations: list[Mapping[str, Any]] = field(default_factory=list)
    """What AWS Config was sent."""
    compliance: dict[tuple[str, str, str, str], Mapping[str, Any]] = field(default_factory=dict)
    """What AWS Config shows: the latest evaluation by account, rule (its token: "token:<rule>"), type, id."""
    refuses: Callable[[Mapping[str, Any]], bool] = lambda evaluation: False
    """Evaluations that AWS Config does not take."""
    history: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    """What AWS Config recorded last, by type and id."""
    invoked: list[Any] = field(default_factory=list)
    """Payloads with which functions were invoked."""

    def check(self, call: Call) -> None:
        """Refuse what AWS refuses whatever the operation."""
        if self.regions.get(call.region) == "not-opted-in":
            code = "AuthFailure" if call.service == "ec2" else "UnrecognizedClientException"
            code = "InvalidClientTokenId" if call.service == "sts" else code
            raise AwsError(code, "The security token included in the request is invalid.", 403)

    def answer(self, call: Call) -> Mapping[str, Any]:
        """The answer to a call of any service but SageMaker."""
        if call.service == "organizations":
            if self.organization is None:
                raise AwsError("AWSOrganizationsNotInUseException")
            return self.organization.answer(call)
        answer = _ANSWERS.get((call.service, call.operation))
        if answer is None and call.service in _EMPTY:
            members = model_of(call.service).operation_model(call.operation).output_shape.members
            return {name: [] for name, shape in members.items() if shape.type_name == "list"}
        if answer is None:
            raise AwsError("UnknownOperationException", f"the fake does not know {call.operation}")
        return answer(self, call)

    def key(
        self,
        account: str = "111122223333",
        region: str = "us-east-1",
        *,
        aliases: tuple[str, ...] = (),
        manager: str = "CUSTOMER",
        state: str = "Enabled",
        rotation: bool | None = True,
        multi_region: str | None = None,
        spec: str = "SYMMETRIC_DEFAULT",
        origin: str = "AWS_KMS",
        id: str | None = None,
    ) -> str:
        """A KMS key's ARN. `multi_region` is "PRIMARY" or "REPLICA"; `rotation` None: not told (denied)."""
        number = len(self.keys) + 1
        id = id or (f"mrk-{number:032x}" if multi_region else f"{number:08x}-0000-4000-8000-{number:012x}")
        arn = f"arn:aws:kms:{region}:{account}:key/{id}"
        self.keys[arn] = Key(id, arn, manager, state, rotation, multi_region, spec, origin, aliases)
        return arn

    def organize(self, management: str = "111122223333") -> Organization:
        """An organisation that an account manages."""
        self.organization = Organization(management)
        return self.organization


def _caller(services: Services, call: Call) -> dict[str, Any]:
    session = call.access_key.startswith("ASIA")
    who = "assumed-role/auditor/session" if session else "user/auditor"
    arn = f"arn:aws:{'sts' if session else 'iam'}::{call.account}:{who}"
    return {"Account": call.account, "Arn": arn, "UserId": "AIDAFAKE"}


def _assumed(services: Services, call: Call) -> dict[str, Any]:
    role, account = call.parameters["RoleArn"], call.parameters["RoleArn"].split(":")[4]
    session = role.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/")
    session = f"{session}/{call.parameters['RoleSessionName']}"
    credentials = {
        "AccessKeyId": f"ASIA{account}FAKE",
        "SecretAccessKey": "secret-of-nobody",
        "SessionToken": "token-of-nobody",
        "Expiration": datetime.now(UTC)
        + timedelta(seconds=int(call.parameters.get("DurationSeconds", 3600))),
    }
    return {
        "Credentials": credentials,
        "AssumedRoleUser": {"Arn": session, "AssumedRoleId": "AROAFAKE:session"},
    }


def _regions(services: Services, call: Call) -> dict[str, Any]:
    wanted = call.parameters.get("RegionNames")
    every = call.parameters.get("AllRegions")
    rows = [
        {"RegionName": name, "OptInStatus": status, "Endpoint": f"ec2.{name}.amazonaws.com"}
        for name, status in services.regions.items()
        if (wanted is None or name in wanted) and (every or status != "not-opted-in")
    ]
    return {"Regions": rows}


def _listed_regions(services: Services, call: Call) -> dict[str, Any]:
    words = {"opt-in-not-required": "ENABLED_BY_DEFAULT", "opted-in": "ENABLED", "not-opted-in": "DISABLED"}
    wanted = call.parameters.get("RegionOptStatusContains")
    rows = [
        {"RegionName": name, "RegionOptStatus": words[status]} for name, status in services.regions.items()
    ]
    return {"Regions": [row for row in rows if not wanted or row["RegionOptStatus"] in wanted]}


def _found_key(services: Services, call: Call) -> Key:
    word = call.parameters["KeyId"]
    own = f"arn:aws:kms:{call.region}:{call.account}:"
    where, _, name = word.rpartition(":") if word.startswith("arn:") else (own[:-1], "", word)
    for key in services.keys.values():
        if not key.arn.startswith(f"{where}:") or f":{call.region}:" not in key.arn:
            continue
        if name in (key.id, f"key/{key.id}", *key.aliases):
            return key
    raise AwsError("NotFoundException", f"{word} is not found.")


def _key(services: Services, call: Call) -> dict[str, Any]:
    key = _found_key(services, call)
    told: dict[str, Any] = {
        "AWSAccountId": key.arn.split(":")[4],
        "KeyId": key.id,
        "Arn": key.arn,
        "CreationDate": _DAY,
        "Enabled": key.state == "Enabled",
        "Description": "",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": key.state,
        "Origin": key.origin,
        "KeyManager": key.manager,
        "KeySpec": key.spec,
        "MultiRegion": key.multi_region is not None,
    }
    if key.multi_region:
        primary = {"Arn": key.arn, "Region": call.region}
        told["MultiRegionConfiguration"] = {"MultiRegionKeyType": key.multi_region, "PrimaryKey": primary}
    if key.state == "PendingDeletion":
        told["DeletionDate"] = _DAY + timedelta(days=30)
    return {"KeyMetadata": told}


def _rotation(services: Services, call: Call) -> dict[str, Any]:
    key = _found_key(services, call)
    if key.rotation is None:
        raise AwsError("AccessDeniedException", "not authorized to perform kms:GetKeyRotationStatus")
    return {"KeyId": key.id, "KeyRotationEnabled": key.rotation}


def _own_keys(services: Services, call: Call) -> list[Key]:
    return [
        key
        for key in services.keys.values()
        if key.arn.startswith(f"arn:aws:kms:{call.region}:{call.account}:")
    ]


def _keys(services: Services, call: Call) -> dict[str, Any]:
    rows = [{"KeyId": key.id, "KeyArn": key.arn} for key in _own_keys(services, call)]
    return _marked(call, "Keys", rows)


def _aliases(services: Services, call: Call) -> dict[str, Any]:
    wanted = _found_key(services, call).arn if "KeyId" in call.parameters else None
    rows = [
        {"AliasName": alias, "AliasArn": f"{key.arn.rpartition(':')[0]}:{alias}", "TargetKeyId": key.id}
        for key in _own_keys(services, call)
        if wanted in (None, key.arn)
        for alias in key.aliases
    ]
    return _marked(call, "Aliases", rows)


def _marked(call: Call, name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    start, most = int(call.parameters.get("Marker", 0)), int(call.parameters.get("Limit", 50))
    more = {"NextMarker": str(start + most)} if len(rows) > start + most else {}
    return {name: rows[start : start + most], "Truncated": bool(more)} | more


def _tagged(services: Services, call: Call) -> dict[str, Any]:
    parameters = call.parameters
    types = [each.partition(":")[2] for each in parameters.get("ResourceTypeFilters", ())]
    arns = parameters.get("ResourceARNList")
    rows = []
    for record in services.fake.sagemaker.records(call.account, call.region):
        if not record.tags or (types and "" not in types and record.kind.directory not in types):
            continue
        if arns is not None and record.arn not in arns:
            continue
        if all(
            record.tags.get(each["Key"]) in (each.get("Values") or [record.tags.get(each["Key"], 0)])
            for each in parameters.get("TagFilters", ())
        ):
            tags = [{"Key": key, "Value": value} for key, value in record.tags.items()]
            rows.append({"ResourceARN": record.arn, "Tags": tags})
    start, most = int(parameters.get("PaginationToken") or 0), int(parameters.get("ResourcesPerPage", 50))
    most = min(most, services.fake.page_size)
    token = str(start + most) if len(rows) > start + most else ""
    return {"ResourceTagMappingList": rows[start : start + most], "PaginationToken": token}


def _blocked(services: Services, call: Call) -> dict[str, Any]:
    if services.public_access_block is None:
        raise AwsError("NoSuchPublicAccessBlockConfiguration", status=404)
    return {"PublicAccessBlockConfiguration": services.public_access_block}


_ANSWERS: Mapping[tuple[str, str], Callable[[Services, Call], dict[str, Any]]] = {
    ("account", "ListRegions"): _listed_regions,
    ("config", "GetComplianceDetailsByConfigRule"): config.details,
    ("config", "GetComplianceDetailsByResource"): config.details_of_resource,
    ("config", "GetResourceConfigHistory"): config.history,
    ("config", "PutEvaluations"): config.evaluated,
    ("ec2", "DescribeRegions"): _regions,
    ("kms", "DescribeKey"): _key,
    ("kms", "GetKeyPolicy"): lambda services, call: {"Policy": services.key_policy},
    ("kms", "GetKeyRotationStatus"): _rotation,
    ("kms", "ListAliases"): _aliases,
    ("kms", "ListKeys"): _keys,
    ("kms", "ListResourceTags"): lambda services, call: {"Tags": [], "Truncated": False},
    ("lambda", "Invoke"): config.invoked,
    ("resourcegroupstaggingapi", "GetResources"): _tagged,
    ("s3control", "GetPublicAccessBlock"): _blocked,
    ("securityhub", "BatchImportFindings"): hub.imported,
    ("securityhub", "GetFindings"): hub.known,
    ("sts", "AssumeRole"): _assumed,
    ("sts", "GetCallerIdentity"): _caller,
}
