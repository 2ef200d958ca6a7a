"""Jobs as users of version 2 of the SageMaker SDK write them: a test runs this file, and reads it."""

from sagemaker.estimator import Estimator
from sagemaker.model import Model
from sagemaker.network import NetworkConfig
from sagemaker.processing import Processor
from sagemaker.transformer import Transformer

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
