"""Jobs as users of version 2 of the SageMaker SDK write them: a test runs this file, and reads it."""

from contextlib import suppress

from botocore.exceptions import ClientError
from sagemaker import image_uris
from sagemaker.algorithm import AlgorithmEstimator
from sagemaker.amazon.amazon_estimator import RecordSet
from sagemaker.amazon.linear_learner import LinearLearner, LinearLearnerModel
from sagemaker.async_inference import AsyncInferenceConfig
from sagemaker.automl.automl import AutoML, AutoMLInput
from sagemaker.automl.automlv2 import AutoMLDataChannel, AutoMLTabularConfig, AutoMLV2
from sagemaker.chainer import Chainer
from sagemaker.clarify import BiasConfig, DataConfig, SageMakerClarifyProcessor
from sagemaker.djl_inference import DJLModel
from sagemaker.estimator import Estimator
from sagemaker.huggingface import HuggingFace, HuggingFaceModel
from sagemaker.jumpstart.estimator import JumpStartEstimator
from sagemaker.jumpstart.model import JumpStartModel
from sagemaker.model import Model, ModelPackage
from sagemaker.model_monitor import (
    DataCaptureConfig,
    DefaultModelMonitor,
    ModelBiasMonitor,
    ModelExplainabilityMonitor,
    ModelMonitor,
    ModelQualityMonitor,
    MonitoringOutput,
)
from sagemaker.model_monitor.dataset_format import DatasetFormat
from sagemaker.multidatamodel import MultiDataModel
from sagemaker.mxnet import MXNet
from sagemaker.network import NetworkConfig
from sagemaker.pipeline import PipelineModel
from sagemaker.processing import FrameworkProcessor, Processor, ScriptProcessor
from sagemaker.pytorch import PyTorch, PyTorchModel, PyTorchProcessor
from sagemaker.remote_function import remote
from sagemaker.rl import RLEstimator
from sagemaker.serverless import ServerlessInferenceConfig
from sagemaker.session import Session
from sagemaker.sklearn import SKLearn, SKLearnModel
from sagemaker.sklearn.processing import SKLearnProcessor
from sagemaker.spark.processing import PySparkProcessor, SparkJarProcessor
from sagemaker.tensorflow import TensorFlow, TensorFlowModel
from sagemaker.transformer import Transformer
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner
from sagemaker.workflow.automl_step import AutoMLStep
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionEquals
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.step_collections import RegisterModel
from sagemaker.workflow.steps import ProcessingStep, TrainingStep, TransformStep, TuningStep
from sagemaker.xgboost import XGBoost

ROLE, IMAGE = "arn:aws:iam::111122223333:role/execution", "111122223333.dkr.ecr.us-east-1.amazonaws.com/own:1"
KEY = "arn:aws:kms:us-east-1:111122223333:key/11111111-1111-1111-1111-111111111111"
OUT = "s3://example-ml-data/out"
SUBNETS, GROUPS = ["subnet-11111111111111111", "subnet-22222222222222222"], ["sg-11111111111111111"]
session = Session()  # one for all, since each takes a while
common = {
    "image_uri": IMAGE,
    "role": ROLE,
    "instance_count": 2,
    "instance_type": "ml.m5.large",
    "sagemaker_session": session,
}

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

bare_transform = Transformer(
    "m",
    1,
    "ml.m5.large",
    output_path=OUT,
    sagemaker_session=session,
    base_transform_job_name="bare-transform",
)
bare_transform.transform("s3://example-ml-data/in", wait=False, logs=False)

kept_transform = Transformer(
    "m",
    1,
    "ml.m5.large",
    output_path=OUT,
    output_kms_key=KEY,
    volume_kms_key=KEY,
    sagemaker_session=session,
    base_transform_job_name="kept-transform",
)
kept_transform.transform("s3://example-ml-data/in", wait=False, logs=False)

bare_model = Model(IMAGE, role=ROLE, sagemaker_session=session, name="bare-model")
bare_model.create()

kept_model = Model(
    IMAGE,
    role=ROLE,
    sagemaker_session=session,
    name="kept-model",
    vpc_config={"Subnets": SUBNETS, "SecurityGroupIds": GROUPS},
    enable_network_isolation=True,
)
kept_model.create()

kept_endpoint = Model(
    IMAGE,
    role=ROLE,
    sagemaker_session=session,
    name="kept-endpoint",
    vpc_config={"Subnets": SUBNETS, "SecurityGroupIds": GROUPS},
)
kept_endpoint.deploy(2, "ml.m5.large", endpoint_name="kept-endpoint.deploy", kms_key=KEY, wait=False)

bare_endpoint = Model(IMAGE, role=ROLE, sagemaker_session=session, name="bare-endpoint")
bare_endpoint.deploy(1, "ml.m5.large", endpoint_name="bare-endpoint.deploy", wait=False)

bare_script = ScriptProcessor(base_job_name="bare-script", command=["python3"], **common)
bare_script.run("s3://example-ml-data/code.py", wait=False, logs=False)

refusing_script = SKLearnProcessor(
    "1.2-1",
    ROLE,
    2,
    "ml.m5.large",
    sagemaker_session=session,
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

bare_automl = AutoML(ROLE, "y", output_path=OUT, sagemaker_session=session)
bare_automl.fit("s3://example-ml-data/in", job_name="bare-automl", wait=False, logs=False)

kept_automl = AutoML(
    ROLE,
    "y",
    output_path=OUT,
    output_kms_key=KEY,
    volume_kms_key=KEY,
    encrypt_inter_container_traffic=True,
    sagemaker_session=session,
    vpc_config={"Subnets": SUBNETS, "SecurityGroupIds": GROUPS},
)
kept_automl.fit("s3://example-ml-data/in", job_name="kept-automl", wait=False, logs=False)

kept_search = AutoMLV2(
    AutoMLTabularConfig("y"),
    role=ROLE,
    output_path=OUT,
    output_kms_key=KEY,
    volume_kms_key=KEY,
    encrypt_inter_container_traffic=True,
    sagemaker_session=session,
    vpc_config={"Subnets": SUBNETS, "SecurityGroupIds": GROUPS},
)
found = AutoMLDataChannel("S3Prefix", "s3://example-ml-data/in", "text/csv;header=present")
kept_search.fit(found, job_name="kept-search", wait=False, logs=False)

bare_search = AutoMLV2(AutoMLTabularConfig("y"), role=ROLE, output_path=OUT, sagemaker_session=session)
bare_search.fit(found, job_name="bare-search", wait=False, logs=False)

# Estimators of frameworks, and the models that they deploy
CODE, DATA = "s3://example-ml-data/sourcedir.tar.gz", "s3://example-ml-data/model.tar.gz"
kept = {
    "volume_kms_key": KEY,
    "output_kms_key": KEY,
    "subnets": SUBNETS,
    "security_group_ids": GROUPS,
    "enable_network_isolation": True,
    "encrypt_inter_container_traffic": True,
}
machines = {"role": ROLE, "instance_count": 2, "instance_type": "ml.m5.large", "sagemaker_session": session}
job = {**machines, "output_path": OUT, **kept}
script = {"entry_point": "train.py", "source_dir": CODE, **job}
hosted = {"initial_instance_count": 1, "instance_type": "ml.m5.large", "kms_key": KEY, "wait": False}

kept_torch = PyTorch(framework_version="1.1", py_version="py3", base_job_name="kept-torch", **script)
kept_torch.fit(wait=False)
kept_torch.deploy(endpoint_name="kept-torch.deploy", model_name="kept-torch.deploy/Model", **hosted)

kept_mxnet = MXNet(framework_version="1.3.0", py_version="py3", base_job_name="kept-mxnet", **script)
kept_mxnet.fit(wait=False)
kept_mxnet.deploy(endpoint_name="kept-mxnet.deploy", model_name="kept-mxnet.deploy/Model", **hosted)

kept_chain = Chainer(framework_version="5.0.0", py_version="py3", base_job_name="kept-chain", **script)
kept_chain.fit(wait=False)
kept_chain.deploy(endpoint_name="kept-chain.deploy", model_name="kept-chain.deploy/Model", **hosted)

part_sklearn = SKLearn(
    framework_version="1.2-1",
    base_job_name="part-sklearn",
    **{**script, "instance_count": 1, "enable_network_isolation": False},
)
part_sklearn.fit(wait=False)
part_sklearn.deploy(endpoint_name="part-sklearn.deploy", model_name="part-sklearn.deploy/Model", **hosted)

kept_boost = XGBoost(framework_version="1.7-1", base_job_name="kept-boost", **script)
kept_boost.fit(wait=False)
kept_boost.deploy(endpoint_name="kept-boost.deploy", model_name="kept-boost.deploy/Model", **hosted)

kept_sklearn = SKLearn(
    framework_version="1.2-1", base_job_name="kept-sklearn", **{**script, "instance_count": 1}
)
kept_sklearn.fit(wait=False)
kept_sklearn.deploy(endpoint_name="kept-sklearn.deploy", model_name="kept-sklearn.deploy/Model", **hosted)

kept_tensor = TensorFlow(framework_version="2.12", py_version="py310", base_job_name="kept-tensor", **script)
kept_tensor.fit(wait=False)
kept_tensor.deploy(endpoint_name="kept-tensor.deploy", model_name="kept-tensor.deploy/Model", **hosted)

kept_face = HuggingFace(
    transformers_version="4.26.0",
    pytorch_version="1.13.1",
    py_version="py39",
    base_job_name="kept-face",
    **{**script, "instance_type": "ml.g5.xlarge"},
)
kept_face.fit(wait=False)
kept_face.deploy(endpoint_name="kept-face.deploy", model_name="kept-face.deploy/Model", **hosted)

kept_rl = RLEstimator(image_uri=IMAGE, base_job_name="kept-rl", **script)
kept_rl.fit(wait=False)

# The path of what an open_ name stands for is settled by the hub, by a compilation or by an owner.
open_kept_tuned = JumpStartEstimator("of-hub", image_uri=IMAGE, base_job_name="open-kept-tuned", **job)
open_kept_tuned.fit({"training": "s3://example-ml-data/in"}, wait=False)
open_kept_tuned.deploy(
    endpoint_name="open-kept-tuned.deploy", model_name="open-kept-tuned.deploy/Model", **hosted
)

open_tuned = JumpStartEstimator(
    model_id="of-hub", role=ROLE, output_path=OUT, sagemaker_session=session, base_job_name="open-tuned"
)
open_tuned.fit({"training": "s3://example-ml-data/in"}, wait=False)
open_tuned.deploy(endpoint_name="open-tuned.deploy", model_name="open-tuned.deploy/Model", wait=False)

refusing_tuned = JumpStartEstimator(
    "of-hub",
    image_uri=IMAGE,
    output_path=OUT,
    enable_network_isolation=False,
    encrypt_inter_container_traffic=False,
    base_job_name="refusing-tuned",
    **machines,
)
refusing_tuned.fit({"training": "s3://example-ml-data/in"}, wait=False)
refusing_tuned.deploy(
    1,
    "ml.m5.large",
    image_uri=IMAGE,
    enable_network_isolation=False,
    endpoint_name="refusing-tuned.deploy",
    model_name="refusing-tuned.deploy/Model",
    wait=False,
)

open_algorithm = AlgorithmEstimator(
    "arn:aws:sagemaker:us-east-1:111122223333:algorithm/own",
    base_job_name="open-algorithm",
    **{**job, "instance_count": 1},
)
open_algorithm.fit({"training": "s3://example-ml-data/in"}, wait=False)

open_compiled = Estimator(IMAGE, base_job_name="open-compiled", **job)
open_compiled.fit(wait=False)
open_compiled.compile_model("ml_c5", {"x": [1]}, OUT, framework="pytorch", framework_version="1.6")
open_compiled.deploy(
    2,
    "ml.c5.xlarge",
    use_compiled_model=True,
    endpoint_name="open-compiled.deploy",
    model_name="open-compiled.deploy/Model",
    wait=False,
)

kept_linear = LinearLearner(predictor_type="regressor", base_job_name="kept-linear", **job)
kept_linear.fit(RecordSet("s3://example-ml-data/in", 1, 1), wait=False, mini_batch_size=1)
kept_linear.deploy(endpoint_name="kept-linear.deploy", model_name="kept-linear.deploy/Model", **hosted)

kept_own = Estimator(image_uris.retrieve("xgboost", "us-east-1", "1.7-1"), base_job_name="kept-own", **job)
kept_own.fit(wait=False)
kept_own.deploy(endpoint_name="kept-own.deploy", model_name="kept-own.deploy/Model", **hosted)

# Models
model = {"role": ROLE, "model_data": DATA, "sagemaker_session": session}
model_script = {"entry_point": "serve.py", "source_dir": CODE, **model}
inside = {"vpc_config": {"Subnets": SUBNETS, "SecurityGroupIds": GROUPS}, "enable_network_isolation": True}
bare_torch_model = PyTorchModel(
    framework_version="1.1", py_version="py3", name="bare-torch-model", **model_script
)
bare_torch_model.create(instance_type="ml.m5.large")
kept_tensor_model = TensorFlowModel(framework_version="2.12", name="kept-tensor-model", **model, **inside)
kept_tensor_model.create(instance_type="ml.m5.large")
kept_face_model = HuggingFaceModel(
    transformers_version="4.26.0",
    pytorch_version="1.13.1",
    py_version="py39",
    name="kept-face-model",
    **model,
    **inside,
)
kept_face_model.create(instance_type="ml.m5.large")
kept_sklearn_model = SKLearnModel(
    framework_version="1.2-1", name="kept-sklearn-model", **model_script, **inside
)
kept_sklearn_model.create(instance_type="ml.m5.large")
kept_start = JumpStartModel(
    "of-hub", image_uri=IMAGE, role=ROLE, name="kept-start", sagemaker_session=session, **inside
)
kept_start.deploy(endpoint_name="kept-start.deploy", **hosted)
open_start = JumpStartModel(model_id="of-hub", role=ROLE, name="open-start", sagemaker_session=session)
open_start.deploy(endpoint_name="open-start.deploy", wait=False)
open_package = ModelPackage(
    role=ROLE,
    model_package_arn="arn:aws:sagemaker:us-east-1:111122223333:model-package/own/1",
    sagemaker_session=session,
    name="open-package",
    **inside,
)
open_package.deploy(endpoint_name="open-package.deploy", **hosted)
open_family = Model(IMAGE, DATA, ROLE, sagemaker_session=session, name="open-family")
open_family.compile(
    "ml_c5",
    {"x": [1]},
    OUT,
    ROLE,
    job_name="open-family.compile",
    framework="pytorch",
    framework_version="1.6",
)
open_family.deploy(1, "ml.c5.xlarge", endpoint_name="open-family.deploy", wait=False)
open_accelerated = Model(IMAGE, DATA, ROLE, sagemaker_session=session, name="open-accelerated")
open_accelerated.compile(
    "ml_eia2",
    {"x": [1]},
    OUT,
    ROLE,
    job_name="open-accelerated.compile",
    framework="mxnet",
    framework_version="1",
)
open_accelerated.deploy(1, "ml.c5.xlarge", endpoint_name="open-accelerated.deploy", wait=False)
bare_linear_model = LinearLearnerModel(DATA, ROLE, session, name="bare-linear-model")
bare_linear_model.create()

kept_several = MultiDataModel(
    "kept-several", OUT, image_uri=IMAGE, role=ROLE, sagemaker_session=session, **inside
)
kept_several.deploy(endpoint_name="kept-several.deploy", **hosted)

kept_djl = DJLModel("example/model", role=ROLE, name="kept-djl", sagemaker_session=session, **inside)
kept_djl.deploy(endpoint_name="kept-djl.deploy", **hosted)

kept_line = PipelineModel(
    [Model(IMAGE, DATA, ROLE, sagemaker_session=session), LinearLearnerModel(DATA, ROLE, session)],
    ROLE,
    name="kept-line",
    sagemaker_session=session,
    **inside,
)
kept_line.deploy(1, "ml.m5.large", endpoint_name="kept-line.deploy", kms_key=KEY, wait=False)
bare_line = PipelineModel(
    [bare_torch_model, bare_linear_model], ROLE, name="bare-line", sagemaker_session=session
)
bare_line.deploy(1, "ml.m5.large", endpoint_name="bare-line.deploy", wait=False)

serverless = Model(IMAGE, role=ROLE, sagemaker_session=session, name="serverless", **inside)
serverless.deploy(
    serverless_inference_config=ServerlessInferenceConfig(), endpoint_name="serverless.deploy", wait=False
)
bare_waiting = Model(IMAGE, role=ROLE, sagemaker_session=session, name="bare-waiting")
bare_waiting.deploy(
    1,
    "ml.m5.large",
    async_inference_config=AsyncInferenceConfig(OUT),
    endpoint_name="bare-waiting.deploy",
    wait=False,
)
kept_waiting = Model(IMAGE, role=ROLE, sagemaker_session=session, name="kept-waiting", **inside)
kept_waiting.deploy(
    async_inference_config=AsyncInferenceConfig(OUT, kms_key_id=KEY),
    data_capture_config=DataCaptureConfig(True, destination_s3_uri=OUT, kms_key_id=KEY),
    endpoint_name="kept-waiting.deploy",
    **hosted,
)

# Processors
network = NetworkConfig(True, GROUPS, SUBNETS, encrypt_inter_container_traffic=True)
processing = {"network_config": network, "volume_kms_key": KEY, "output_kms_key": KEY, **machines}
bare_spark = PySparkProcessor(framework_version="3.1", base_job_name="bare-spark", **machines)
bare_spark.run("s3://example-ml-data/code.py", wait=False, logs=False)
kept_jar = SparkJarProcessor(framework_version="3.1", base_job_name="kept-jar", **processing)
kept_jar.run("s3://example-ml-data/code.jar", "Main", wait=False, logs=False)
kept_frame = FrameworkProcessor(SKLearn, "1.2-1", base_job_name="kept-frame", **processing)
kept_frame.run("code.py", source_dir=CODE, wait=False, logs=False)
kept_torching = PyTorchProcessor("1.8", py_version="py3", base_job_name="kept-torching", **processing)
kept_torching.run("code.py", source_dir=CODE, wait=False, logs=False)
bare_clarify = SageMakerClarifyProcessor(
    ROLE, 1, "ml.m5.large", sagemaker_session=session, job_name_prefix="bare-clarify"
)
explained = DataConfig("s3://example-ml-data/in", "s3://example-ml-data/out", dataset_type="text/csv")
bare_clarify.run_pre_training_bias(
    explained, BiasConfig([1], "x"), wait=False, logs=False, job_name="bare-clarify"
)
kept_clarify = SageMakerClarifyProcessor(job_name_prefix="kept-clarify", **processing)
kept_clarify.run_pre_training_bias(
    explained, BiasConfig([1], "x"), wait=False, logs=False, job_name="kept-clarify"
)

# Monitors
cron = {"schedule_cron_expression": "cron(0 * ? * * *)", "output_s3_uri": OUT}
model_quality_job_definition = ModelQualityMonitor(**processing)
model_quality_job_definition.create_monitoring_schedule(
    endpoint_input="e", ground_truth_input=OUT, problem_type="Regression", **cron
)
model_bias_job_definition = ModelBiasMonitor(**processing)
model_bias_job_definition.create_monitoring_schedule(
    endpoint_input="e", ground_truth_input=OUT, analysis_config=OUT, **cron
)
model_explainability_job_definition = ModelExplainabilityMonitor(**processing)
model_explainability_job_definition.create_monitoring_schedule(
    endpoint_input="e", analysis_config=OUT, **cron
)
kept_schedule = ModelMonitor(image_uri=IMAGE, env={}, **processing)
kept_schedule.create_monitoring_schedule(
    endpoint_input="e",
    output=MonitoringOutput("/opt/out", OUT),
    monitor_schedule_name="kept-schedule",
    schedule_cron_expression="cron(0 * ? * * *)",
)
bare_schedule = ModelMonitor(image_uri=IMAGE, env={}, **machines)
bare_schedule.create_monitoring_schedule(
    endpoint_input="e",
    output=MonitoringOutput("/opt/out", OUT),
    monitor_schedule_name="bare-schedule",
    schedule_cron_expression="cron(0 * ? * * *)",
)
model_quality_job_definition.suggest_baseline(
    OUT,
    DatasetFormat.csv(),
    output_s3_uri=OUT,
    job_name="model_quality_job_definition.suggest_baseline",
    problem_type="Regression",
    wait=False,
    logs=False,
)

data_quality_job_definition = DefaultModelMonitor(
    ROLE,
    2,
    "ml.m5.large",
    volume_kms_key=KEY,
    sagemaker_session=session,
    network_config=NetworkConfig(True, GROUPS, SUBNETS),
)
data_quality_job_definition.create_monitoring_schedule(
    endpoint_input="e",
    output_s3_uri=OUT,
    monitor_schedule_name="kept",
    schedule_cron_expression="cron(0 * ? * * *)",
)

# Functions that run as jobs; the fake does not tell how they end
apart = {"image_uri": IMAGE, "role": ROLE, "instance_type": "ml.m5.large", "sagemaker_session": session}


@remote(job_name_prefix="bare-remote", s3_root_uri=OUT, **apart)
def bare_remote(number):
    return number


@remote(
    job_name_prefix="kept-remote",
    s3_root_uri=OUT,
    volume_kms_key=KEY,
    s3_kms_key=KEY,
    subnets=SUBNETS,
    security_group_ids=GROUPS,
    encrypt_inter_container_traffic=True,
    **apart,
)
def kept_remote(number):
    return number


for function in (bare_remote, kept_remote):
    with suppress(ClientError):
        function(1)

pipeline_session = PipelineSession()
common = {**common, "sagemaker_session": pipeline_session}
bare_step = Estimator(output_path=OUT, **common)
kept_step = Estimator(
    output_path=OUT,
    volume_kms_key=KEY,
    output_kms_key=KEY,
    subnets=SUBNETS,
    security_group_ids=GROUPS,
    enable_network_isolation=True,
    encrypt_inter_container_traffic=True,
    **common,
)
step_model = Model(IMAGE, DATA, ROLE, sagemaker_session=pipeline_session)
step_kept_model = Model(IMAGE, DATA, ROLE, sagemaker_session=pipeline_session, **inside)
step_package = Model(IMAGE, DATA, ROLE, sagemaker_session=pipeline_session)
package = {
    "content_types": ["text/csv"],
    "response_types": ["text/csv"],
    "inference_instances": ["ml.m5.large"],
    "transform_instances": ["ml.m5.large"],
    "model_package_group_name": "g",
}
step_listing = RegisterModel("step-listing", estimator=bare_step, model_data=DATA, **package)
step_offer = RegisterModel("step-offer", model=step_package, **package)
step_processor = ScriptProcessor(
    image_uri=IMAGE, command=["python3"], **{**processing, "sagemaker_session": pipeline_session}
)
step_transformer = Transformer(
    "bare-model",
    1,
    "ml.m5.large",
    output_path=OUT,
    output_kms_key=KEY,
    volume_kms_key=KEY,
    sagemaker_session=pipeline_session,
)
step_tuner = HyperparameterTuner(bare_step, "loss", ranges, metrics)
step_search = AutoML(ROLE, "y", output_path=OUT, mode="ENSEMBLING", sagemaker_session=pipeline_session)
steps = [
    TrainingStep("bare-step", step_args=bare_step.fit()),
    TrainingStep("kept-step", step_args=kept_step.fit()),
    ProcessingStep("step-processor", step_args=step_processor.run("s3://example-ml-data/code.py")),
    TransformStep("step-transformer", step_args=step_transformer.transform("s3://example-ml-data/in")),
    TuningStep("step-tuner", step_args=step_tuner.fit()),
    AutoMLStep("step-search", step_args=step_search.fit([AutoMLInput("s3://example-ml-data/in", "y")])),
    ConditionStep(
        "which",
        conditions=[ConditionEquals("a", "b")],
        if_steps=[ModelStep("step-model", step_args=step_model.create())],
        else_steps=[
            ModelStep("step-kept-model", step_args=step_kept_model.create()),
            ModelStep("step-package.register", step_args=step_package.register(**package)),
        ],
    ),
    step_listing,
    step_offer,
]
Pipeline("pipeline", steps=steps, sagemaker_session=pipeline_session).create(ROLE)
