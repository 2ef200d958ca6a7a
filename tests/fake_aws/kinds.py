"""SageMaker's resource types as the model implies them, and records of resources seen through its shapes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, cached_property
from typing import Any, NamedTuple

from botocore.model import OperationModel, Shape

from tests.fake_aws.wire import AwsError, model_of

RENAMES = {
    ("NotebookInstance", "NotebookInstanceLifecycleConfigName"): "LifecycleConfigName",
    ("NotebookInstance", "SecurityGroups"): "SecurityGroupIds",
    **{
        (f"{kind}JobDefinition", "MonitoringJobDefinitionName"): "JobDefinitionName"
        for kind in ("DataQuality", "ModelBias", "ModelExplainability", "ModelQuality")
    },
}
"""What Describe and List call otherwise than Create."""

DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "Domain": {"AppNetworkAccessType": "PublicInternetOnly"},
    "HyperParameterTuningJob": {},
    "Model": {"EnableNetworkIsolation": False},
    "NotebookInstance": {
        "DirectInternetAccess": "Enabled",
        "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "1"},
        "RootAccess": "Enabled",
        "VolumeSizeInGB": 5,
    },
    "TrainingJob": {
        "EnableInterContainerTrafficEncryption": False,
        "EnableManagedSpotTraining": False,
        "EnableNetworkIsolation": False,
    },
}
"""What Describe says of that which Create left out, when the fake is told to."""

_SETTLED = (
    *("Completed", "COMPLETED", "InService", "Active", "Created", "CREATED", "Available", "Scheduled"),
    *("CreateCompleted", "Approved"),
)
_CREATED = {"CreationTime", "CreatedAt", "CreateDate"}
_MODIFIED = {"LastModifiedTime", "LastUpdatedDate", "LastUpdateTime"}
_DIRECTORIES = {"Trial": "experiment-trial", "TrialComponent": "experiment-trial-component"}


class Kind(NamedTuple):
    """A resource type: "TrainingJob"."""

    name: str
    family: str
    """Whose names it shares: both AutoML jobs are of the family "AutoMLJob"."""
    key: tuple[str, ...]
    """What Describe asks for."""
    inputs: frozenset[str]
    arn: str
    """How Create's answer calls the ARN."""
    directory: str
    """What stands before the name in an ARN."""

    @property
    def called(self) -> str:
        """The member that its owner names it by."""
        names = [*(part for part in reversed(self.key) if part.endswith("Name")), f"{self.name}Name"]
        return next((name for name in names if name in self.inputs), "Name")

    def made_up(self, number: int) -> dict[str, str]:
        """Ids that AWS gives."""
        parts = [part for part in self.key if part.endswith("Id") and part not in self.inputs]
        return {part: f"{'d-' if part == 'DomainId' else ''}{number:012d}" for part in parts}


@cache
def kinds() -> dict[str, Kind]:
    """All types that can be created and described, by name."""
    model = model_of("sagemaker")
    names = {name[6:] for name in model.operation_names if name.startswith("Create")}
    return {name: _kind(name) for name in names if f"Describe{name}" in model.operation_names}


def _kind(name: str) -> Kind:
    model = model_of("sagemaker")
    create, describe = model.operation_model(f"Create{name}"), model.operation_model(f"Describe{name}")
    arn = next((key for key in _members(create.output_shape) if key.endswith("Arn")), f"{name}Arn")
    family = name.removesuffix("V2")
    return Kind(
        name,
        family,
        tuple(describe.input_shape.required_members),
        frozenset(create.input_shape.members),
        arn,
        _DIRECTORIES.get(name)
        or re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=AI)(?=[A-Z])", "-", family.replace("AutoML", "Automl")).lower(),
    )


def _members(shape: Shape | None) -> Mapping[str, Shape]:
    return shape.members if shape is not None else {}


@cache
def listed(operation: str) -> tuple[str, str] | None:
    """The family that "ListModels" lists, and its answer's member for them; None where nothing is created."""
    plural = operation.removeprefix("List")
    for kind in kinds().values():
        family = kind.family
        if plural in (f"{family}s", f"{family}es", f"{family.removesuffix('y')}ies"):
            members = model_of("sagemaker").operation_model(operation).output_shape.members
            return family, next(name for name, shape in members.items() if shape.type_name == "list")
    return None


@dataclass(frozen=True)
class Record:
    """One resource. `values`: what it was created with, and ids that were made up for it."""

    kind: Kind
    key: str
    values: Mapping[str, Any]
    arn: str
    created: datetime
    modified: datetime
    status: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    defaults: bool = False

    @cached_property
    def name(self) -> str:
        """As its owner calls it."""
        return self.key.rpartition("/")[2]

    def seen(self, shape: Shape) -> dict[str, Any]:
        """The members of a shape that this resource has."""
        found = {name: self.member(shape, name) for name in shape.members}
        return {name: value for name, value in found.items() if value is not None}

    def said(self, shape: Shape, name: str) -> Any:
        """One member, None where it has none."""
        return self.member(shape, name) if name in shape.members else self.values.get(name)

    def member(self, shape: Shape, name: str) -> Any:
        """One member that the shape has, None where the resource has none."""
        sub = shape.members[name]
        own = RENAMES.get((self.kind.name, name), name)
        if own in self.values:
            return _clipped(self.values[own], sub)
        if sub.type_name == "string":
            return self._text(name, sub, name in shape.required_members)
        if sub.type_name == "timestamp":
            return self.created if name in _CREATED else self.modified if name in _MODIFIED else None
        if sub.type_name == "list" and name == "Tags":
            return [{"Key": key, "Value": value} for key, value in self.tags.items()] or None
        if sub.type_name == "structure" and name in (self.kind.name, f"{self.kind.name}Detail"):
            return self.seen(sub)
        if sub.type_name == "structure" and name == "EndpointMetadata" and "EndpointName" in self.values:
            return {"EndpointName": self.values["EndpointName"]}
        return DEFAULTS.get(self.kind.name, {}).get(name) if self.defaults else None

    def _text(self, name: str, sub: Shape, required: bool) -> str | None:
        kind = self.kind
        if name in (kind.arn, "Arn", f"{kind.name}Arn", f"Monitoring{kind.arn}"):
            return self.arn
        if name.endswith("Status") and kind.family.endswith(name.removesuffix("Status")):
            return self.status or settled(sub)
        if name == "ModelPackageType":
            return "Versioned" if "ModelPackageVersion" in self.values else "Unversioned"
        if sub.enum and required:
            return settled(sub)
        return DEFAULTS.get(kind.name, {}).get(name) if self.defaults else None


def settled(shape: Shape) -> str | None:
    """The value of a status that changes no more."""
    return next((value for value in _SETTLED if value in shape.enum), shape.enum[-1] if shape.enum else None)


def _clipped(value: Any, shape: Shape) -> Any:
    """A value without what the shape does not know, as AWS answers."""
    if shape.type_name == "structure" and isinstance(value, Mapping):
        known = {name: _clipped(value[name], sub) for name, sub in shape.members.items() if name in value}
        count = {"CurrentCount", "TargetCount"} & shape.members.keys() if "InstanceCount" in value else set()
        if "Image" in value and "DeployedImage" in shape.members:
            known["DeployedImage"] = {"SpecifiedImage": value["Image"]}
        return known | dict.fromkeys(count, value.get("InstanceCount"))
    if shape.type_name == "list" and isinstance(value, (list, tuple)):
        return [_clipped(item, shape.member) for item in value]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {key: _clipped(item, shape.value) for key, item in value.items()}
    return value


def not_found(operation: OperationModel) -> AwsError:
    """What AWS says of a resource that is not there: many Describes model no error for it."""
    if any(shape.name == "ResourceNotFound" for shape in operation.error_shapes):
        return AwsError("ResourceNotFound", "Requested resource could not be found.")
    return AwsError("ValidationException", "Could not find the requested resource.")
