"""A job that is well guarded: isolated, in a VPC, with keys. Nothing watches the endpoint after it."""

import sagemaker

role = "arn:aws:iam::111122223333:role/sagemaker-jobs"
key = "arn:aws:kms:eu-central-1:111122223333:key/11111111-1111-1111-1111-111111111111"
image = "111122223333.dkr.ecr.eu-central-1.amazonaws.com/xgboost:latest"

session = sagemaker.Session(default_bucket="example-ml-data")
estimator = sagemaker.estimator.Estimator(
    image_uri=image,
    role=role,
    instance_count=1,
    instance_type="ml.m5.xlarge",
    output_path="s3://example-ml-data/output",
    sagemaker_session=session,
    encrypt_inter_container_traffic=True,
    enable_network_isolation=True,
    subnets=["subnet-11111111111111111"],
    security_group_ids=["sg-11111111111111111"],
    volume_kms_key=key,
    output_kms_key=key,
)
estimator.fit("s3://example-ml-data/train")
predictor = estimator.deploy(initial_instance_count=1, instance_type="ml.m5.xlarge", kms_key=key)
