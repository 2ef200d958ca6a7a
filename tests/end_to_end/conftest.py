"""One account with the environment in it, for all of these tests."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from tests.door import called
from tests.end_to_end.stacks import Cloud
from tests.fake_aws import Fake
from tests.fake_aws.fake import ACCOUNT
from tests.test_environment import ENVIRONMENT, template

PARAMETERS = {
    "AdministratorRoleArn": f"arn:aws:iam::{ACCOUNT}:role/administrator",
    "AnalysisConfigUri": f"s3://ml-models-{ACCOUNT}/churn/analysis.json",
    "BuildImage": f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/build@sha256:{'1' * 64}",
    "ClarifyAccount": "205585389593",
    "Commit": "a" * 40,
    "DataScientistRoleArn": f"arn:aws:iam::{ACCOUNT}:role/data-scientist",
    "JobRoleArn": f"arn:aws:iam::{ACCOUNT}:role/ml-jobs/ml-churn-job",
    "KeyAdministrator": "ml-automation/DataScienceEnvironmentLaunchRole",
    "MirrorOwner": ACCOUNT,
    "ModelName": "churn-1",
    "ModelPackageArn": f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:model-package/ml-churn/1",
    "MonitorAccount": "156813124566",
    "NotebookName": "jo-churn",
    "OrganizationId": "o-exampleorgid",
    "ProjectName": "churn",
    "S3PrefixListId": "pl-63a5400a",
    "Stage": "production",
    "TeamName": "fraud",
    "TemplateBucket": "example-templates",
    "UserName": "jo",
}
FIRST = ("portfolio", "keys", "network", "endpoints", "data")
THEN = (
    *("package-mirror", "sagemaker-studio", "sagemaker-studio-user", "sagemaker-notebook", "mlops-project"),
    *("mlops/model-build", "mlops/model-deploy"),
)
"""The stacks, in the order of the environment's README: the policy pack is deployed between the two."""


@pytest.fixture(scope="package")
def cloud() -> Iterator[Cloud]:
    """The environment, deployed."""
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    with pytest.MonkeyPatch.context() as patch, Fake() as fake:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("MOTO_ACCOUNT_ID", ACCOUNT)
        server = ThreadedMotoServer(port=0, verbose=False)
        server.start()
        cloud = Cloud(fake, "http://127.0.0.1:{1}".format(*server.get_host_and_port()))
        cloud.clear()
        yield cloud
        server.stop()


@pytest.fixture(scope="package")
def pack(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The policies of the pack, rendered with what the environment puts out; the environment is deployed."""
    for name in FIRST:
        cloud.deploy(name, template(ENVIRONMENT / f"{name}.yaml"), PARAMETERS)
    folder = tmp_path_factory.mktemp("pack")
    (folder / "values.yaml").write_text(cloud.outputs["PolicyParameters"], encoding="utf-8")
    ran = called("policies", "render", "--parameters", "values.yaml", "-o", "guardrails", cwd=folder)
    assert (ran.code, ran.err) == (0, "")
    policies = json.loads((folder / "guardrails" / "template.json").read_text(encoding="utf-8"))
    cloud.deploy("smguard-policies", policies, {"Organization": "no"})
    given = {**PARAMETERS, "MirrorKeyArn": cloud.exports["ml-DataKeyArn"]}
    for name in THEN:
        cloud.deploy(name, template(ENVIRONMENT / f"{name}.yaml"), given)
    return folder / "guardrails"
