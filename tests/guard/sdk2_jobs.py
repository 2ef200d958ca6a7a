"""Jobs as users of version 2 of the SageMaker SDK write them: a test runs this file, and reads it."""

from sagemaker.automl.automl import AutoML
from sagemaker.estimator import Estimator
from sagemaker.model import Model
from sagemaker.model_monitor import DefaultModelMonitor
from sagemaker.network import NetworkConfig
from sagemaker.processing import Processor, ScriptProcessor
from sagemaker.sklearn.processing import SKLearnProcessor
from sagemaker.transformer import Transformer
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.steps import TrainingStep

ROLE, IMAGE = "arn:aws:iam::111122223333:role/execution", "111122223333.dkr.ecr.us-east-1.amazonaws.com/own:1"
KEY = "arn:aws:kms:us-east-1:111122223333:key/11111111-1111-1111-1111-111111111111"
OUT = "s3://example-ml-data/out"
SUBNETS, GROUPS = ["subnet-11111111111111111", "subnet-22222222222222222"], ["sg-11111111111111111"]
common = {"image_uri": IMAGE, "role": ROLE, "instance_count": 2, "instance_type": "ml.m5.large"}

bare_training = Estimator(output_path=OUT, base_job_name="bare-training", **common)
bare_training.fit(wait=False)

kept_training = Estimator(
    output_path=OUT,
    base_job_name="kept-training",
    volume_kms_key=KEY,
    output_kms_key=KEY,
    subnets=SUBNETS,
    security_group_ids=GROUPS,
    enable_network_isolation=True,
    encrypt_inter_container_traffic=True,
    **common,
)
kept_training.fit(wait=False)

refusing_training = Estimator(
    output_path=OUT,
    base_job_name="refusing-training",
    enable_network_isolation=False,
    encrypt_inter_container_traffic=False,
    **common,
)
refusing_training.fit(wait=False)

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

bare_model = Model(IMAGE, role=ROLE, name="bare-model")
bare_model.create()

kept_model = Model(
    IMAGE,
    role=ROLE,
    name="kept-model",
    vpc_config={"Subnets": SUBNETS, "SecurityGroupIds": GROUPS},
    enable_network_isolation=True,
)
kept_model.create()

kept_endpoint = Model(
    IMAGE, role=ROLE, name="kept-endpoint", vpc_config={"Subnets": SUBNETS, "SecurityGroupIds": GROUPS}
)
kept_endpoint.deploy(2, "ml.m5.large", endpoint_name="kept-endpoint.deploy", kms_key=KEY, wait=False)

bare_endpoint = Model(IMAGE, role=ROLE, name="bare-endpoint")
bare_endpoint.deploy(1, "ml.m5.large", endpoint_name="bare-endpoint.deploy", wait=False)

bare_script = ScriptProcessor(base_job_name="bare-script", command=["python3"], **common)
bare_script.run("s3://example-ml-data/code.py", wait=False, logs=False)

refusing_script = SKLearnProcessor(
    "1.2-1",
    ROLE,
    2,
    "ml.m5.large",
    base_job_name="refusing-script",
    network_config=NetworkConfig(enable_network_isolation=False, encrypt_inter_container_traffic=False),
)
refusing_script.run("s3://example-ml-data/code.py", wait=False, logs=False)

ranges, metrics = {"rate": ContinuousParameter(0.1, 0.2)}, [{"Name": "loss", "Regex": "(.*)"}]
bare_estimator = Estimator(output_path=OUT, **common)
bare_tuning = HyperparameterTuner(bare_estimator, "loss", ranges, metrics, base_tuning_job_name="bare-tuning")
bare_tuning.fit(wait=False, include_cls_metadata=False)

refusing_estimator = Estimator(
    output_path=OUT, enable_network_isolation=False, encrypt_inter_container_traffic=False, **common
)
refusing_tuning = HyperparameterTuner(
    refusing_estimator, "loss", ranges, metrics, base_tuning_job_name="refusing-tuning"
)
refusing_tuning.fit(wait=False, include_cls_metadata=False)

kept_estimator = Estimator(
    output_path=OUT,
    volume_kms_key=KEY,
    output_kms_key=KEY,
    subnets=SUBNETS,
    security_group_ids=GROUPS,
    enable_network_isolation=True,
    encrypt_inter_container_traffic=True,
    **common,
)
kept_tuning = HyperparameterTuner(kept_estimator, "loss", ranges, metrics, base_tuning_job_name="kept-tuning")
kept_tuning.fit(wait=False, include_cls_metadata=False)

bare_automl = AutoML(ROLE, "y", output_path=OUT)
bare_automl.fit("s3://example-ml-data/in", job_name="bare-automl", wait=False, logs=False)

kept_automl = AutoML(
    ROLE,
    "y",
    output_path=OUT,
    output_kms_key=KEY,
    volume_kms_key=KEY,
    encrypt_inter_container_traffic=True,
    vpc_config={"Subnets": SUBNETS, "SecurityGroupIds": GROUPS},
)
kept_automl.fit("s3://example-ml-data/in", job_name="kept-automl", wait=False, logs=False)

data_quality_job_definition = DefaultModelMonitor(
    ROLE, 2, "ml.m5.large", volume_kms_key=KEY, network_config=NetworkConfig(True, GROUPS, SUBNETS)
)
data_quality_job_definition.create_monitoring_schedule(
    endpoint_input="e",
    output_s3_uri=OUT,
    monitor_schedule_name="kept",
    schedule_cron_expression="cron(0 * ? * * *)",
)

pipeline_session = PipelineSession()
bare_step = Estimator(output_path=OUT, sagemaker_session=pipeline_session, **common)
kept_step = Estimator(
    output_path=OUT,
    volume_kms_key=KEY,
    output_kms_key=KEY,
    subnets=SUBNETS,
    security_group_ids=GROUPS,
    enable_network_isolation=True,
    encrypt_inter_container_traffic=True,
    sagemaker_session=pipeline_session,
    **common,
)
steps = [
    TrainingStep("bare-step", step_args=bare_step.fit()),
    TrainingStep("kept-step", step_args=kept_step.fit()),
]
Pipeline("pipeline", steps=steps, sagemaker_session=pipeline_session).create(ROLE)
