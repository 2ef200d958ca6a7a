"""Run by a Python that has version 2 of the SageMaker SDK: makes jobs and prints what became of each.

Its words are a configuration of the SDK and a parameter file. It prints {"schema": the SDK's, "made": {round:
{job: "sent" or [controls that stopped it]}}}. Each round is an account of its own, the one of its access key.
"""

# ruff: noqa: E402 - the SDK warns when it is imported

import json
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")

import boto3
import jsonschema
import sagemaker
import yaml
from sagemaker.automl.automl import AutoML
from sagemaker.config.config_schema import SAGEMAKER_PYTHON_SDK_CONFIG_SCHEMA
from sagemaker.estimator import Estimator
from sagemaker.model import Model
from sagemaker.processing import Processor
from sagemaker.transformer import Transformer
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner

from scanner.guard import NonCompliant, guard

# The SDK checks its own schema whenever it looks a default up, which takes most of its time.
jsonschema.Draft202012Validator.check_schema = lambda *_, **__: None

ROLE, IMAGE = "arn:aws:iam::111122223333:role/execution", "111122223333.dkr.ecr.us-east-1.amazonaws.com/own:1"
QUIET = {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}
"""Else the SDK tells AWS of its use."""
ROUNDS = {"guarded": "1" * 12, "filled": "2" * 12, "defaults": "3" * 12}


def make(session):
    common = {"role": ROLE, "instance_count": 2, "instance_type": "ml.m5.large", "sagemaker_session": session}
    estimator, tuned = (
        Estimator(image_uri=IMAGE, output_path="s3://example-ml-data/out", **common) for _ in range(2)
    )
    tuner = HyperparameterTuner(
        tuned, "loss", {"rate": ContinuousParameter(0.1, 0.2)}, [{"Name": "loss", "Regex": "(.*)"}]
    )
    transformer = Transformer(
        "m", 1, "ml.m5.large", None, None, "s3://example-ml-data/t", sagemaker_session=session
    )
    transformer.base_transform_job_name = "transform"
    automl = AutoML(role=ROLE, target_attribute_name="y", sagemaker_session=session)
    jobs = {
        "TrainingJob": lambda: estimator.fit(wait=False),
        "HyperParameterTuningJob": lambda: tuner.fit(wait=False, include_cls_metadata=False),
        "ProcessingJob": lambda: Processor(image_uri=IMAGE, **common).run(wait=False, logs=False),
        "TransformJob": lambda: transformer.transform("s3://example-ml-data/in", wait=False, logs=False),
        "Model": lambda: Model(IMAGE, role=ROLE, sagemaker_session=session).create(),
        "AutoMLJob": lambda: automl.fit("s3://example-ml-data/in", wait=False, logs=False),
    }
    made = {}
    for job, start in jobs.items():
        try:
            start()
            made[job] = "sent"
        except NonCompliant as error:
            made[job] = sorted({finding.control.id for finding in error.findings})
    return made


def main(config, parameters):
    defaults = yaml.safe_load(Path(config).read_text(encoding="utf-8"))
    defaults["SageMaker"]["PythonSDK"]["Modules"].update(QUIET["PythonSDK"]["Modules"])
    made = {}
    for name, account in ROUNDS.items():
        session = sagemaker.Session(
            boto_session=boto3.Session(aws_access_key_id=f"AKIA{account}FAKE", aws_secret_access_key="none"),
            sagemaker_config=defaults
            if name in ("defaults", "both")
            else {"SchemaVersion": "1.0", "SageMaker": QUIET},
        )
        session._default_bucket = "example-ml-data"  # so that it does not ask S3 whether it is there
        if name != "defaults":
            guard(session, mode="fill" if name == "filled" else "raise", parameters=parameters)
        made[name] = make(session)
    print(json.dumps({"schema": SAGEMAKER_PYTHON_SDK_CONFIG_SCHEMA, "made": made}))


main(*sys.argv[1:])
