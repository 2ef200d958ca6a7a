"""Jobs as users of version 3 of the SageMaker SDK write them: a test runs this file, and reads it."""

from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.inference_config import AsyncInferenceConfig, ServerlessInferenceConfig
from sagemaker.core.network import NetworkConfig
from sagemaker.core.parameter import ContinuousParameter
from sagemaker.core.processing import FrameworkProcessor, Processor, ScriptProcessor
from sagemaker.core.resources import Model
from sagemaker.core.shapes import (
    ContainerDefinition,
    VpcConfig,
)
from sagemaker.core.spark.processing import PySparkProcessor
from sagemaker.core.transformer import Transformer
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, Networking, OutputDataConfig
from sagemaker.train.tuner import HyperparameterTuner

ROLE, IMAGE = "arn:aws:iam::111122223333:role/execution", "111122223333.dkr.ecr.us-east-1.amazonaws.com/own:1"
KEY = "arn:aws:kms:us-east-1:111122223333:key/11111111-1111-1111-1111-111111111111"
OUT = "s3://example-ml-data/out"
SUBNETS, GROUPS = ["subnet-11111111111111111", "subnet-22222222222222222"], ["sg-11111111111111111"]

bare_training = ModelTrainer(
    training_image=IMAGE,
    role=ROLE,
    base_job_name="bare-training",
    compute=Compute(instance_type="ml.m5.large", instance_count=2),
    output_data_config=OutputDataConfig(s3_output_path=OUT),
)
bare_training.train(wait=False, logs=False)

kept_training = ModelTrainer(
    training_image=IMAGE,
    role=ROLE,
    base_job_name="kept-training",
    compute=Compute(instance_type="ml.m5.large", instance_count=2, volume_kms_key_id=KEY),
    networking=Networking(
        subnets=SUBNETS,
        security_group_ids=GROUPS,
        enable_network_isolation=True,
        enable_inter_container_traffic_encryption=True,
    ),
    output_data_config=OutputDataConfig(s3_output_path=OUT, kms_key_id=KEY),
)
kept_training.train(wait=False, logs=False)

refusing_training = ModelTrainer(
    training_image=IMAGE,
    role=ROLE,
    base_job_name="refusing-training",
    compute=Compute(instance_type="ml.m5.large", instance_count=2),
    networking=Networking(enable_network_isolation=False, enable_inter_container_traffic_encryption=False),
    output_data_config=OutputDataConfig(s3_output_path=OUT),
)
refusing_training.train(wait=False, logs=False)

bare_plain = ModelTrainer(
    training_image=IMAGE,
    role=ROLE,
    base_job_name="bare-plain",
    compute=Compute(instance_type="ml.m5.large", instance_count=2),
)
bare_plain.train(wait=False, logs=False)

ranges, metrics = {"rate": ContinuousParameter(0.1, 0.2)}, [{"Name": "loss", "Regex": "(.*)"}]
bare_trainer = ModelTrainer(
    training_image=IMAGE,
    role=ROLE,
    compute=Compute(instance_type="ml.m5.large", instance_count=2),
    output_data_config=OutputDataConfig(s3_output_path=OUT),
)
bare_tuning = HyperparameterTuner(bare_trainer, "loss", ranges, metrics, base_tuning_job_name="bare-tuning")
bare_tuning.tune(wait=False)

kept_trainer = ModelTrainer(
    training_image=IMAGE,
    role=ROLE,
    compute=Compute(instance_type="ml.m5.large", instance_count=2, volume_kms_key_id=KEY),
    networking=Networking(
        subnets=SUBNETS,
        security_group_ids=GROUPS,
        enable_network_isolation=True,
        enable_inter_container_traffic_encryption=True,
    ),
    output_data_config=OutputDataConfig(s3_output_path=OUT, kms_key_id=KEY),
)
kept_tuning = HyperparameterTuner(kept_trainer, "loss", ranges, metrics, base_tuning_job_name="kept-tuning")
kept_tuning.tune(wait=False)

common = {"role": ROLE, "image_uri": IMAGE, "instance_count": 2, "instance_type": "ml.m5.large"}
bare_processing = Processor(base_job_name="bare-processing", **common)
bare_processing.run(wait=False, logs=False)

kept_processing = Processor(
    base_job_name="kept-processing",
    volume_kms_key=KEY,
    output_kms_key=KEY,
    network_config=NetworkConfig(True, GROUPS, SUBNETS, encrypt_inter_container_traffic=True),
    **common,
)
kept_processing.run(wait=False, logs=False)

refusing_script = ScriptProcessor(
    base_job_name="refusing-script",
    command=["python3"],
    network_config=NetworkConfig(enable_network_isolation=False, encrypt_inter_container_traffic=False),
    **common,
)
refusing_script.run("s3://example-ml-data/code.py", wait=False, logs=False)

bare_model = Model.create(
    model_name="bare-model", primary_container=ContainerDefinition(image=IMAGE), execution_role_arn=ROLE
)

kept_model = Model.create(
    model_name="kept-model",
    primary_container=ContainerDefinition(image=IMAGE),
    execution_role_arn=ROLE,
    vpc_config=VpcConfig(subnets=SUBNETS, security_group_ids=GROUPS),
    enable_network_isolation=True,
)

session = Session()
network = NetworkConfig(True, GROUPS, SUBNETS, encrypt_inter_container_traffic=True)
own_training = ModelTrainer(
    training_image=image_uris.retrieve("xgboost", "us-east-1", "1.7-1"),
    role=ROLE,
    base_job_name="own-training",
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    output_data_config=OutputDataConfig(s3_output_path=OUT),
)
own_training.train(wait=False, logs=False)

machines = {"role": ROLE, "instance_count": 2, "instance_type": "ml.m5.large", "sagemaker_session": session}
kept_frame = FrameworkProcessor(
    base_job_name="kept-frame",
    volume_kms_key=KEY,
    output_kms_key=KEY,
    network_config=network,
    image_uri=IMAGE,
    **machines,
)
kept_frame.run("code.py", source_dir="s3://example-ml-data/sourcedir.tar.gz", wait=False, logs=False)
bare_spark = PySparkProcessor(framework_version="3.1", base_job_name="bare-spark", **machines)
bare_spark.run("s3://example-ml-data/code.py", wait=False, logs=False)

hosted = {
    "image_uri": IMAGE,
    "role_arn": ROLE,
    "s3_model_data_url": "s3://example-ml-data/model.tar.gz",
    "sagemaker_session": session,
}
kept_built = ModelBuilder(
    network=Networking(subnets=SUBNETS, security_group_ids=GROUPS, enable_network_isolation=True), **hosted
)
kept_built.build(model_name="kept-built")
kept_built.deploy(
    endpoint_name="kept-built.deploy",
    initial_instance_count=2,
    instance_type="ml.m5.large",
    kms_key=KEY,
    wait=False,
)
bare_built = ModelBuilder(**hosted)
bare_built.build(model_name="bare-built")
bare_built.deploy(endpoint_name="bare-built.deploy", instance_type="ml.m5.large", wait=False)

waiting_built = ModelBuilder(**hosted)
waiting_built.build(model_name="waiting-built")
waiting_built.deploy(
    endpoint_name="waiting-built.deploy",
    instance_type="ml.m5.large",
    inference_config=AsyncInferenceConfig(output_path=OUT, failure_path=OUT, kms_key_id=KEY),
    wait=False,
)
serverless_built = ModelBuilder(**hosted)
serverless_built.build(model_name="serverless-built")
serverless_built.deploy(
    endpoint_name="serverless-built.deploy", inference_config=ServerlessInferenceConfig(), wait=False
)

pipeline_session = PipelineSession()
bare_step = ModelTrainer(
    training_image=IMAGE,
    role=ROLE,
    compute=Compute(instance_type="ml.m5.large", instance_count=2),
    output_data_config=OutputDataConfig(s3_output_path=OUT),
    sagemaker_session=pipeline_session,
)
kept_step = ModelTrainer(
    training_image=IMAGE,
    role=ROLE,
    compute=Compute(instance_type="ml.m5.large", instance_count=2, volume_kms_key_id=KEY),
    networking=Networking(
        subnets=SUBNETS,
        security_group_ids=GROUPS,
        enable_network_isolation=True,
        enable_inter_container_traffic_encryption=True,
    ),
    output_data_config=OutputDataConfig(s3_output_path=OUT, kms_key_id=KEY),
    sagemaker_session=pipeline_session,
)
step_processor = ScriptProcessor(
    command=["python3"],
    network_config=network,
    volume_kms_key=KEY,
    output_kms_key=KEY,
    **{**common, "sagemaker_session": pipeline_session},
)
step_model = ModelBuilder(
    network=Networking(subnets=SUBNETS, security_group_ids=GROUPS, enable_network_isolation=True),
    **{**hosted, "sagemaker_session": pipeline_session},
)
steps = [
    TrainingStep("bare-step", step_args=bare_step.train()),
    TrainingStep("kept-step", step_args=kept_step.train()),
    ProcessingStep("step-processor", step_args=step_processor.run("s3://example-ml-data/code.py")),
    ModelStep("step-model", step_args=step_model.build(model_name="step-model")),
]
Pipeline("pipeline", steps=steps, sagemaker_session=pipeline_session).create(ROLE)

# The last, since this version refuses its own defaults for them.
bare_transform = Transformer("m", 1, "ml.m5.large", output_path=OUT, base_transform_job_name="bare-transform")
bare_transform.transform("s3://example-ml-data/in", wait=False, logs=False)

kept_transform = Transformer(
    "m",
    1,
    "ml.m5.large",
    output_path=OUT,
    output_kms_key=KEY,
    volume_kms_key=KEY,
    base_transform_job_name="kept-transform",
)
kept_transform.transform("s3://example-ml-data/in", wait=False, logs=False)
