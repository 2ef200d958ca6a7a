"""The data `config:` of each type, held against what AWS's sources say."""

from __future__ import annotations

import botocore.session
import pytest

from scanner import catalog
from scanner.alone import alone
from scanner.audit import acquisition
from scanner.kind import kind_below
from scanner.path import references_of
from tests.audit.test_acquisition import looked_at

HOW = acquisition.load()
FULL = catalog.load()
ALONE = alone(FULL)
KINDS = catalog.property_kinds()["kinds"]
DEFINITIONS = ("DataQuality", "ModelBias", "ModelExplainability", "ModelQuality")
LISTED = {"Domain", "EndpointConfig", "FeatureGroup", "InferenceExperiment", "Model", "NotebookInstance"}
"""In the developer guide's list of types that Config records, as far as controls are about them."""
MANAGED = {*(f"{name}JobDefinition" for name in DEFINITIONS), *LISTED, "MonitoringSchedule"}
"""AWS has rules of its own about them that are triggered by changes."""
PUBLISHED = {
    "Domain": {
        *("AppNetworkAccessType", "AppSecurityGroupManagement", "AuthMode"),
        "DefaultSpaceSettings.SecurityGroups",
        *("DefaultUserSettings.SecurityGroups", "DefaultUserSettings.SharingSettings.NotebookOutputOption"),
        *("DefaultUserSettings.SharingSettings.S3KmsKeyId", "DomainSettings.SecurityGroupIds", "KmsKeyId"),
        *("SubnetIds", "VpcId"),
    },
    "EndpointConfig": {
        *("DataCaptureConfig.EnableCapture", "DataCaptureConfig.KmsKeyId", "KmsKeyId"),
        *("ProductionVariants.CoreDumpConfig.KmsKeyId", "ProductionVariants.EnableSSMAccess"),
        *("ProductionVariants.InitialInstanceCount", "ProductionVariants.InstanceType"),
        *("ProductionVariants.ModelName", "ProductionVariants.ServerlessConfig.MaxConcurrency"),
    },
    "FeatureGroup": {"OfflineStoreConfig.S3StorageConfig.S3Uri", "OnlineStoreConfig.EnableOnlineStore"},
    "Model": {
        *("Containers.Image", "Containers.ImageConfig.RepositoryAccessMode"),
        *("Containers.ModelPackageName", "EnableNetworkIsolation", "PrimaryContainer.Image"),
        "PrimaryContainer.ImageConfig.RepositoryAccessMode",
        *("PrimaryContainer.ModelPackageName", "VpcConfig.SecurityGroupIds", "VpcConfig.Subnets"),
    },
    "NotebookInstance": {
        *("AdditionalCodeRepositories", "DefaultCodeRepository", "DirectInternetAccess", "KmsKeyId"),
        *("RootAccess", "SecurityGroupIds", "SubnetId"),
    },
}
"""Paths of awslabs/aws-config-resource-schema, 2025-03-17, that controls look at."""


def test_what_is_triggered_by_changes_is_what_two_sources_say_is_recorded() -> None:
    enum = botocore.session.get_session().get_service_model("config").shape_for("ResourceType").enum
    for name, how in HOW.items():
        noun = name.rpartition("::")[2]
        sources = (noun in LISTED, noun in MANAGED, name in enum)
        assert (how.config.trigger == "change") == (sum(sources) > 1), name
        assert (how.config.report == "resource") == any(sources), name
        assert not how.config.lacks or how.config.trigger == "change"


@pytest.mark.parametrize("name", [name for name, how in HOW.items() if how.config.trigger == "change"])
def test_what_a_control_looks_at_is_recorded_or_said_to_be_lacking(name: str) -> None:
    lacks, published = HOW[name].config.lacks, PUBLISHED.get(name.rpartition("::")[2], set())
    for path in lacks:
        kind = KINDS[name]
        for step in path.split("."):
            kind = kind[0] if isinstance(kind, list) else kind
            assert step in kind, path
            kind = kind_below(kind, step)
        assert path.partition(".")[0] in HOW[name].kept, path
    paths = {path for control in ALONE.by_type[name] for path in looked_at(control.resources[name])}
    for path in paths:
        if path.partition(".")[0] == "Tags":
            continue  # they stand beside the configuration, and the API is asked where none do
        steps = path.split(".")
        above = {".".join(steps[:end]) for end in range(1, len(steps) + 1)}
        within = any(each == path or each.startswith(f"{path}.") for each in {*lacks, *published})
        assert above & set(lacks) or within, path
    assert not set(lacks) & published


def test_a_setting_that_lives_elsewhere_is_judged_there_by_the_same_rule() -> None:
    for control in FULL.controls:
        for name, rule in control.resources.items():
            for path in references_of(rule):
                assert set(FULL.types[name]["judged-at"][path]) <= control.resources.keys()


def test_a_scan_knows_nothing_of_it() -> None:
    assert not any("config" in body for body in FULL.types.values())
