"""The calls of boto3 that make good and bad resources in the environment."""

from __future__ import annotations

from typing import Any

from tests.end_to_end.stacks import Cloud
from tests.fake_aws.fake import ACCOUNT

KINDS = ("NotebookInstance", "TrainingJob", "ProcessingJob", "Model", "EndpointConfig")
JOB = f"arn:aws:iam::{ACCOUNT}:role/ml-jobs/ml-churn-job"
IMAGE = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/churn@sha256:{'4' * 64}"
BUCKET = f"s3://ml-models-{ACCOUNT}/churn"


def requests(cloud: Cloud) -> dict[str, tuple[str, dict[str, Any]]]:
    """Name -> the type that a call makes, and its parameters: good ones in the environment, and bad ones."""
    key = cloud.exports["ml-DataKeyArn"]
    subnets = [cloud.exports[f"ml-PrivateSubnet{number}Id"] for number in (1, 2, 3)]
    groups = [cloud.exports["ml-SageMakerSecurityGroupId"]]
    vpc = {"Subnets": subnets, "SecurityGroupIds": groups}
    encrypted = {"KmsKeyId": key, "S3OutputPath": BUCKET}
    cluster = {"InstanceCount": 2, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 30}
    experiment = {"ExperimentConfig": {"ExperimentName": "churn"}}
    uploaded = {"LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob", "S3Uri": BUCKET}
    output = {"OutputName": "found", "S3Output": uploaded}
    variant = {"VariantName": "main", "InstanceType": "ml.m5.large"}
    notebook = {"InstanceType": "ml.t3.medium", "RoleArn": JOB}
    training = {
        "AlgorithmSpecification": {"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        "RoleArn": JOB,
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }
    processing = {"AppSpecification": {"ImageUri": IMAGE}, "RoleArn": JOB}
    network = {"EnableNetworkIsolation": True, "EnableInterContainerTrafficEncryption": True}
    made = {
        "good-notebook": {
            **notebook,
            "DirectInternetAccess": "Disabled",
            "InstanceMetadataServiceConfiguration": {"MinimumInstanceMetadataServiceVersion": "2"},
            "KmsKeyId": key,
            "RootAccess": "Disabled",
            "SecurityGroupIds": groups,
            "SubnetId": subnets[0],
        },
        "bad-notebook": {**notebook, "DirectInternetAccess": "Enabled", "RootAccess": "Enabled"},
        "good-training": {
            **training,
            **network,
            **experiment,
            "OutputDataConfig": encrypted,
            "ResourceConfig": {**cluster, "VolumeKmsKeyId": key},
            "VpcConfig": vpc,
        },
        "bad-training": {
            **training,
            "EnableNetworkIsolation": False,
            "EnableInterContainerTrafficEncryption": False,
            "OutputDataConfig": {"KmsKeyId": "alias/aws/s3", "S3OutputPath": BUCKET},
            "RemoteDebugConfig": {"EnableRemoteDebug": True},
            "ResourceConfig": cluster,
        },
        "good-processing": {
            **processing,
            **experiment,
            "NetworkConfig": {**network, "VpcConfig": vpc},
            "ProcessingOutputConfig": {"KmsKeyId": key, "Outputs": [output]},
            "ProcessingResources": {"ClusterConfig": {**cluster, "VolumeKmsKeyId": key}},
        },
        "bad-processing": {
            **processing,
            "AppSpecification": {"ImageUri": IMAGE.replace("@sha256", "").rpartition(":")[0] + ":latest"},
            "NetworkConfig": {"EnableNetworkIsolation": True},
            "ProcessingOutputConfig": {"Outputs": [output]},
            "ProcessingResources": {"ClusterConfig": cluster},
        },
        "good-model": {
            "EnableNetworkIsolation": True,
            "ExecutionRoleArn": JOB,
            "PrimaryContainer": {"Image": IMAGE, "ImageConfig": {"RepositoryAccessMode": "Vpc"}},
            "VpcConfig": vpc,
        },
        "bad-model": {"ExecutionRoleArn": JOB, "PrimaryContainer": {"Image": IMAGE}},
        "good-config": {
            "DataCaptureConfig": {
                "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
                "DestinationS3Uri": BUCKET,
                "EnableCapture": True,
                "InitialSamplingPercentage": 100,
                "KmsKeyId": key,
            },
            "KmsKeyId": key,
            "ProductionVariants": [{**variant, "InitialInstanceCount": 2, "ModelName": "good-model"}],
        },
        "bad-config": {
            "ProductionVariants": [{**variant, "InitialInstanceCount": 1, "ModelName": "good-model"}]
        },
    }
    kinds = dict(zip(("notebook", "training", "processing", "model", "config"), KINDS, strict=True))
    found = {}
    for name, parameters in made.items():
        kind = kinds[name.partition("-")[2]]
        found[name] = kind, {f"{kind}Name": name, **parameters}
    return found
