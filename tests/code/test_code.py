"""What a scan finds in Python: each case is a module, with all the findings that it must have."""

# ruff: noqa: E501 - code in a table is easier to read on one line

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.door import CALM, MEASURED, called

KEY = "'arn:aws:kms:eu-central-1:111122223333:key/1b2c'"
VPC = "{'Subnets': ['subnet-1'], 'SecurityGroupIds': ['sg-1']}"
LOOKED_AT = ("volume-kms-key", "vpc-config", "network-isolation", "inter-container-encryption")
START = """
import os
import boto3
import sagemaker
from sagemaker.estimator import Estimator
from sagemaker.network import NetworkConfig
from sagemaker.processing import Processor
sm = boto3.client("sagemaker")
role = sagemaker.get_execution_role()
"""


def _pipeline(arguments: str) -> str:
    step = '{"Name": "T", "Type": "Training", "Arguments": ' + arguments + "}"
    key = '{"Name": "Key", "Type": "String", "DefaultValue": "k"}'
    return repr(f'{{"Version": "2020-12-01", "Parameters": [{key}], "Steps": [{step}]}}')


# name -> (code, what is found as "resource control verdict", sorted; volume-kms-key only unless `v`, `i`, `e` are named)
CASES: dict[str, tuple[str, list[str]]] = {
    # Requests of boto3
    "boto3": (
        f"sm.create_training_job(TrainingJobName='j', ResourceConfig={{'InstanceType': 'ml.m5.large'}}, VpcConfig={VPC})",
        ["j network-isolation fail", "j volume-kms-key fail", "j vpc-config pass"],
    ),
    "a method that is picked by name": (
        "getattr(sm, 'create_model' if one else 'create_endpoint')(ModelName='m', EnableNetworkIsolation=bool(1))",
        ["m network-isolation pass", "m vpc-config fail"],
    ),
    "modules that are imported by name": (
        "import importlib\nfrom importlib import import_module\n"
        "importlib.import_module('boto3').client('sagemaker').create_model(ModelName='a')\n"
        "__import__('boto3').client('sagemaker').create_model(ModelName='b')\n"
        "import_module('sagemaker.estimator').Estimator('i', role, 1, 'ml.m5.large').fit()\n"
        "import_module(which).client('sagemaker').create_model(ModelName='c')",
        [
            "Estimator network-isolation fail", "Estimator volume-kms-key fail", "Estimator vpc-config fail",
            "a network-isolation fail", "a vpc-config fail", "b network-isolation fail", "b vpc-config fail",
            "c network-isolation fail", "c vpc-config fail",
        ],
    ),
    "a dict that is filled in later": (
        f"r = {{'TrainingJobName': 'j'}}\nr['VpcConfig'] = {VPC}\nr.update(EnableNetworkIsolation=True)\n"
        "r['ResourceConfig'] = dict(InstanceType='ml.m5.large', VolumeKmsKeyId='k')\nsm.create_training_job(**r)",
        ["j network-isolation pass", "j volume-kms-key pass", "j vpc-config pass"],
    ),
    "a copy that is changed": (
        "a = {'TrainingJobName': 'a', 'EnableNetworkIsolation': True}\nb = {**a, 'TrainingJobName': 'b'}\n"
        "del b['EnableNetworkIsolation']\nsm.create_training_job(**a)\nsm.create_training_job(**b)",
        [
            "a network-isolation pass", "a volume-kms-key fail", "a vpc-config fail",
            "b network-isolation fail", "b volume-kms-key fail", "b vpc-config fail",
        ],
    ),
    "a request that is not known": (
        "from settings import request\nsm.create_training_job(**request)",
        [f"create_training_job {control} unknown" for control in sorted(LOOKED_AT)],
    ),
    "an open request": (
        f"from settings import rest\nsm.create_training_job(TrainingJobName='j', **rest, VpcConfig={VPC})",
        [
            "j inter-container-encryption unknown", "j network-isolation unknown",
            "j volume-kms-key unknown", "j vpc-config pass",
        ],
    ),
    "a client of another service": ("boto3.client('ecs').create_cluster(ClusterName='c')", []),
    "a client that is not known, of a call that other services have": (
        "def f(client):\n    client.create_cluster(clusterName='c')\n    client.create_model(ModelName='m', DatasetName='d')",
        [],
    ),
    "a client that is not known, of a call that is SageMaker's": (
        "def f(client):\n    client.create_model(ModelName='m', PrimaryContainer={'Image': 'i'})",
        ["m network-isolation fail", "m vpc-config fail"],
    ),
    "a client of a session": (
        "boto3.Session(profile_name='p').client(service_name='sagemaker').create_model(ModelName='m', PrimaryContainer={'Image': 'i'})",
        ["m network-isolation fail", "m vpc-config fail"],
    ),
    "the client of an SDK session": (
        "s = sagemaker.Session()\ns.sagemaker_client.create_model(ModelName='m', PrimaryContainer={'Image': 'i'})",
        ["m network-isolation fail", "m vpc-config fail"],
    ),
    "what an endpoint refers to in the same file": (
        "n = f'x-{os.getpid()}'\nsm.create_endpoint_config(EndpointConfigName=n, KmsKeyId='k', ProductionVariants=[{'ModelName': 'm', "
        "'InstanceType': 'ml.m5.large'}])\nsm.create_endpoint(EndpointName='e', EndpointConfigName=n)",
        [
            "create_endpoint_config network-isolation unknown", "create_endpoint_config volume-kms-key pass",
            "create_endpoint_config vpc-config unknown",
        ],
    ),
    "what an endpoint refers to elsewhere": (
        "sm.create_endpoint(EndpointName='e', EndpointConfigName='other')",
        ["e network-isolation unknown", "e volume-kms-key unknown", "e vpc-config unknown"],
    ),
    # Values
    "an unknown key of the SDK may be None": (
        "Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=role_kms_key())",
        ["Estimator network-isolation fail", "Estimator volume-kms-key unknown", "Estimator vpc-config fail"],
    ),
    "a key that is surely there": (
        "e = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=os.environ['KEY'])\n"
        "f = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=f'alias/{role}')",
        [
            "e network-isolation fail", "e volume-kms-key pass", "e vpc-config fail",
            "f network-isolation fail", "f volume-kms-key pass", "f vpc-config fail",
        ],
    ),
    "None is as good as nothing": (
        "e = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=None, subnets=[], security_group_ids=None)",
        ["e network-isolation fail", "e volume-kms-key fail", "e vpc-config fail"],
    ),
    "texts are put together": (
        "family = 'g5'\ne = Estimator('i', role, 1, 'ml.' + family + '.xlarge')\n"
        "f = Estimator('i', role, 1, f'ml.{family}.{size}')\ng = Estimator('i', role, 1, kind)",
        [
            "e network-isolation fail", "e vpc-config fail", "f network-isolation fail", "f vpc-config fail",
            "g network-isolation fail", "g volume-kms-key unknown", "g vpc-config fail",
        ],
    ),
    "keywords from a dict": (
        "common = dict(role=role, instance_count=2, instance_type='ml.m5.large')\n"
        "e = Estimator(image_uri='i', **common, encrypt_inter_container_traffic=True)",
        [
            "e inter-container-encryption pass", "e network-isolation fail",
            "e volume-kms-key fail", "e vpc-config fail",
        ],
    ),
    "a configuration class": (
        "from dataclasses import dataclass\n@dataclass\nclass Config:\n    kind: str = 'ml.m5.large'\n    key: str = 'k'\n"
        "c, d = Config(), Config(key=None)\n"
        "e = Estimator('i', role, 1, c.kind, volume_kms_key=c.key)\nf = Estimator('i', role, 1, d.kind, volume_kms_key=d.key)",
        [
            "e network-isolation fail", "e volume-kms-key pass", "e vpc-config fail",
            "f network-isolation fail", "f volume-kms-key fail", "f vpc-config fail",
        ],
    ),
    "an attribute that is set afterwards": (
        "e = Estimator('i', role, 1, 'ml.m5.large')\ne.volume_kms_key = 'k'\ne.fit()",
        ["e network-isolation fail", "e volume-kms-key pass", "e vpc-config fail"],
    ),
    # Branches
    "either branch": (
        "if prod:\n    key = 'k'\nelse:\n    key = None\ne = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)",
        ["e network-isolation fail", "e volume-kms-key unknown", "e vpc-config fail"],
    ),
    "both branches": (
        "key = 'k' if prod else 'l'\ne = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)",
        ["e network-isolation fail", "e volume-kms-key pass", "e vpc-config fail"],
    ),
    "the branch that the code is in": (
        "key = None\nif prod:\n    key = 'k'\nif prod:\n    e = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)",
        ["e network-isolation fail", "e volume-kms-key pass", "e vpc-config fail"],
    ),
    "a guard that ends": (
        "key = os.getenv('KEY')\nif not key:\n    raise SystemExit('no key')\n"
        "e = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)",
        ["e network-isolation fail", "e volume-kms-key pass", "e vpc-config fail"],
    ),
    "a dict that a branch adds to": (
        f"r = {{'TrainingJobName': 'j', 'EnableNetworkIsolation': True}}\nif prod:\n    r['VpcConfig'] = {VPC}\nsm.create_training_job(**r)",
        ["j network-isolation pass", "j volume-kms-key fail", "j vpc-config unknown"],
    ),
    "an entry for what is given": (
        "r = {'TrainingJobName': 'j', 'ResourceConfig': {'InstanceType': 'ml.m5.large'}}\nkey = os.getenv('KEY')\n"
        "if key:\n    r['ResourceConfig']['VolumeKmsKeyId'] = key\nsm.create_training_job(**r)",
        ["j network-isolation fail", "j volume-kms-key unknown", "j vpc-config fail"],
    ),
    "a test that is known": (
        "PROD = True\nkey = 'k' if PROD else None\ne = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)",
        ["e network-isolation fail", "e volume-kms-key pass", "e vpc-config fail"],
    ),
    "a loop that takes it away": (
        "key = 'k'\nfor each in listed:\n    e = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)\n    key = None",
        ["e network-isolation fail", "e volume-kms-key unknown", "e vpc-config fail"],
    ),
    "a loop over what is known": (
        "for kind in ['ml.g5.xlarge', 'ml.m5.large']:\n    e = Estimator('i', role, 1, kind)",
        ["e network-isolation fail", "e volume-kms-key unknown", "e vpc-config fail"],
    ),
    "an exception in between": (
        "key = None\ntry:\n    key = 'k'\n    role = look_up()\nexcept Exception:\n    pass\n"
        "e = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)",
        ["e network-isolation fail", "e volume-kms-key unknown", "e vpc-config fail"],
    ),
    # Functions
    "a function and its callers": (
        "def make(key=None):\n    return Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)\nmake('k')",
        ["make.Estimator network-isolation fail", "make.Estimator volume-kms-key pass", "make.Estimator vpc-config fail"],
    ),
    "a function that is called without": (
        "def make(key=None):\n    return Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)\nmake('k')\nmake()",
        ["make.Estimator network-isolation fail", "make.Estimator volume-kms-key fail", "make.Estimator vpc-config fail"],
    ),
    "a function that asks by another name": (
        "from sagemaker.estimator import Estimator as E\nmake = [E, print][0]\nKINDS = {'e': E}\n"
        "start = sm.create_model if fast else print\n"
        "def one():\n    return E('i', role, 1, 'ml.m5.large')\n"
        "def two():\n    return make('i', role, 1, 'ml.m5.large')\n"
        "def three():\n    return KINDS['e']('i', role, 1, 'ml.m5.large')\n"
        "def four(it):\n    '" + "long " * 100 + "'\n    return it('i', role, 1, 'ml.m5.large')\nfour(E)\n"
        "def five():\n    start(ModelName='m')\n"
        "class C:\n    def __init__(self):\n        self.kind = E\n"
        "    def six(self):\n        return self.kind('i', role, 1, 'ml.m5.large')",
        sorted([
            *(f"{each}.Estimator {it} fail" for each in ("C.six", "four", "one", "three", "two")
              for it in ("network-isolation", "volume-kms-key", "vpc-config")),
            "m network-isolation fail", "m vpc-config fail",
        ]),
    ),
    "a function that nothing here calls": (
        "def make(key=None):\n    return Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)",
        ["make.Estimator network-isolation fail", "make.Estimator volume-kms-key unknown", "make.Estimator vpc-config fail"],
    ),
    "what a function gives back": (
        "def key(env):\n    if env == 'prod':\n        return 'k'\n    return None\n"
        "e = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key('prod'))\n"
        "f = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key('dev'))\n"
        "g = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key(os.getenv('E')))",
        [
            "e network-isolation fail", "e volume-kms-key pass", "e vpc-config fail",
            "f network-isolation fail", "f volume-kms-key fail", "f vpc-config fail",
            "g network-isolation fail", "g volume-kms-key unknown", "g vpc-config fail",
        ],
    ),
    "a method": (
        "class Job:\n    def __init__(self, key):\n        self.key = key\n    def make(self):\n"
        "        return Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=self.key)\nJob('k').make()",
        [f"Job.make.Estimator {each}" for each in ("network-isolation fail", "volume-kms-key pass", "vpc-config fail")],
    ),
    "code from elsewhere that gets the request": (
        "from security import secured\nr = {'TrainingJobName': 'j'}\nsecured(r)\nsm.create_training_job(**r)",
        [f"create_training_job {control} unknown" for control in sorted(LOOKED_AT)],
    ),
    "printing changes nothing": (
        "import json\nr = {'TrainingJobName': 'j'}\nprint(json.dumps(r))\nsm.create_training_job(**r)",
        ["j network-isolation fail", "j volume-kms-key fail", "j vpc-config fail"],
    ),
    # Definitions in code
    "a pipeline that is written as text": (
        "sm.create_pipeline(PipelineName='p', PipelineDefinition="
        + _pipeline('{"ResourceConfig": {"VolumeKmsKeyId": {"Get": "Parameters.Key"}}}') + ")",
        ["p/T network-isolation fail", "p/T volume-kms-key pass", "p/T vpc-config fail"],
    ),
    "a pipeline that is written as a mapping, as it was when it became text": (
        "import json\nstep = {'Name': 'T', 'Type': 'Training', 'Arguments': {'EnableNetworkIsolation': safe}}\n"
        "text = json.dumps({'Version': '2020-12-01', 'Steps': [{'Name': 'C', 'Type': 'Condition', 'Arguments': {'IfSteps': [step]}}]})\n"
        "step['Arguments'] = {}\nsm.create_pipeline(PipelineName='p', PipelineDefinition=text)",
        ["p/T network-isolation unknown", "p/T volume-kms-key fail", "p/T vpc-config fail"],
    ),
    "one of two pipelines": (
        f"sm.create_pipeline(PipelineName='p', PipelineDefinition={_pipeline('{}')} if x else "
        + _pipeline('{"EnableNetworkIsolation": true}') + ")",
        ["p/T network-isolation fail", "p/T volume-kms-key fail", "p/T vpc-config fail"],
    ),
    "a pipeline of version 3": (
        f"from sagemaker.core.resources import Pipeline\nPipeline.create(pipeline_name='p', pipeline_definition={_pipeline('{}')})",
        ["p/T network-isolation fail", "p/T volume-kms-key fail", "p/T vpc-config fail"],
    ),
    "the definition of the SDK's own pipeline": (
        "sm.create_pipeline(PipelineName='p', PipelineDefinition=pipeline.definition())", []
    ),
    "a state machine": (
        "import json\nboto3.client('stepfunctions').create_state_machine(name='m', definition=json.dumps({'StartAt': 'S', 'States': {'S': {\n"
        "    'Type': 'Task', 'End': True, 'Resource': 'arn:aws:states:::sagemaker:createTrainingJob.sync',\n"
        "    'Parameters': {'EnableNetworkIsolation': True, 'VpcConfig.$': '$.vpc', 'ResourceConfig': {}}}}}))",
        ["m/S network-isolation pass", "m/S volume-kms-key fail", "m/S vpc-config unknown"],
    ),
    # The SDK, version 2
    "a framework that deploys without its isolation": (
        "from sagemaker.pytorch import PyTorch\ne = PyTorch('t.py', role=role, instance_count=1, instance_type='ml.g5.xlarge',\n"
        "            subnets=['s'], security_group_ids=['g'], enable_network_isolation=True)\ne.fit()\ne.deploy(1, 'ml.g5.xlarge')",
        [
            "e network-isolation pass", "e vpc-config pass",
            "e.deploy/Model network-isolation fail", "e.deploy/Model vpc-config pass",
        ],
    ),
    "a framework's estimator in a network": (
        "from sagemaker.pytorch import PyTorch\n"
        "e = PyTorch('t.py', role=role, instance_count=2, instance_type='ml.m5.large', subnets=['s'], security_group_ids=['g'],\n"
        "            enable_network_isolation=True, encrypt_inter_container_traffic=False, volume_kms_key='k')",
        [
            "e inter-container-encryption fail", "e network-isolation pass",
            "e volume-kms-key pass", "e vpc-config pass",
        ],
    ),
    "a processor and its network": (
        "n = NetworkConfig(True, ['g'], ['s'])\np = Processor(role, 'i', 1, 'ml.m5.large', network_config=n)",
        ["p network-isolation pass", "p volume-kms-key fail", "p vpc-config pass"],
    ),
    "a processor with a network that is not known": (
        "from settings import net\np = Processor(role, 'i', 1, 'ml.m5.large', network_config=net)",
        ["p network-isolation unknown", "p volume-kms-key fail", "p vpc-config unknown"],
    ),
    "deploy": (
        "e = Estimator('i', role, 1, 'ml.g5.xlarge', subnets=['s'], security_group_ids=['g'], enable_network_isolation=True)\n"
        "e.fit()\ne.deploy(1, 'ml.m5.large')",
        [
            "e network-isolation pass", "e vpc-config pass", "e.deploy volume-kms-key fail",
            "e.deploy/Model network-isolation pass", "e.deploy/Model vpc-config pass",
        ],
    ),
    "a serverless endpoint": (
        "from sagemaker.model import Model\nfrom sagemaker.serverless import ServerlessInferenceConfig\n"
        "m = Model('i', vpc_config=None)\nm.deploy(serverless_inference_config=ServerlessInferenceConfig())",
        ["m network-isolation fail", "m vpc-config fail"],
    ),
    "batch transform": (
        f"m = sagemaker.Model('i', vpc_config={VPC}, enable_network_isolation=True)\nt = m.transformer(1, 'ml.m5.large', volume_kms_key='k')\nt.transform('s3://b')",
        ["m network-isolation pass", "m vpc-config pass", "m.transformer volume-kms-key pass"],
    ),
    "a tuner judges its estimator": (
        "from sagemaker.tuner import HyperparameterTuner\ne = Estimator('i', role, 2, 'ml.m5.large', volume_kms_key='k')\n"
        "t = HyperparameterTuner(e, 'm', {})\nt.fit()",
        [
            "t inter-container-encryption fail", "t network-isolation fail",
            "t volume-kms-key pass", "t vpc-config fail",
        ],
    ),
    "AutoML": (
        f"from sagemaker import AutoML\na = AutoML(role, 'y', volume_kms_key='k', vpc_config={VPC}, encrypt_inter_container_traffic=True)",
        ["a inter-container-encryption pass", "a volume-kms-key pass", "a vpc-config pass"],
    ),
    "a monitor": (
        "from sagemaker.model_monitor import DefaultModelMonitor\nm = DefaultModelMonitor(role, 1, 'ml.m5.large', volume_kms_key='k')\nm.suggest_baseline('s3://b', 'csv')",
        [
            "m network-isolation fail", "m volume-kms-key pass", "m vpc-config fail",
            "m.suggest_baseline network-isolation fail", "m.suggest_baseline volume-kms-key pass", "m.suggest_baseline vpc-config fail",
        ],
    ),
    "local mode asks AWS for nothing": (
        "e = Estimator('i', role, 1, 'local')\ne.fit()\ne.deploy(1, 'local_gpu')",
        [],
    ),
    "perhaps local": (
        "e = Estimator('i', role, 1, 'local' if debugging else 'ml.m5.large', volume_kms_key='k')",
        ["e network-isolation unknown", "e volume-kms-key pass", "e vpc-config unknown"],
    ),
    "a pipeline's parameters": (
        "from sagemaker.workflow.parameters import ParameterString\nkind = ParameterString(name='Kind', default_value='ml.m5.large')\n"
        "p = Processor(role, 'i', 1, kind)",
        ["p network-isolation fail", "p volume-kms-key fail", "p vpc-config fail"],
    ),
    "a remote function": (
        "from sagemaker.remote_function import remote\n@remote(instance_type='ml.m5.large', volume_kms_key='k')\ndef train():\n    pass",
        ["train network-isolation fail", "train volume-kms-key pass", "train vpc-config fail"],
    ),
    # The SDK, version 3
    "ModelTrainer": (
        "from sagemaker.train import ModelTrainer\nfrom sagemaker.train.configs import Compute, Networking\n"
        "t = ModelTrainer(training_image='i', compute=Compute(instance_type='ml.m5.large', instance_count=2, volume_kms_key_id='k'),\n"
        "    networking=Networking(subnets=['s'], security_group_ids=['g'], enable_network_isolation=True))\nt.train()",
        [
            "t inter-container-encryption fail", "t network-isolation pass",
            "t volume-kms-key pass", "t vpc-config pass",
        ],
    ),
    "ModelTrainer with one of two networks": (
        "from sagemaker.train import ModelTrainer\nfrom sagemaker.train.configs import Compute, Networking\n"
        "net = Networking(subnets=['s'], security_group_ids=['g']) if prod else None\n"
        "t = ModelTrainer(training_image='i', compute=Compute(instance_type='ml.g5.xlarge'), networking=net)",
        ["t network-isolation fail", "t vpc-config unknown"],
    ),
    "ModelBuilder": (
        "from sagemaker.serve import ModelBuilder\nfrom sagemaker.serve.configs import Network\n"
        "b = ModelBuilder(model='m', network=Network(subnets=['s'], security_group_ids=['g'], enable_network_isolation=True))\n"
        "b.build()\nb.deploy(instance_type='ml.m5.large', initial_instance_count=1)",
        ["b network-isolation pass", "b vpc-config pass", "b.deploy volume-kms-key fail"],
    ),
    "generated classes that name one another": (
        "from sagemaker.core.resources import EndpointConfig, Model\n"
        "m = Model.create(model_name=name(), primary_container={'Image': 'i'})\n"
        "EndpointConfig.create(endpoint_config_name='c', production_variants=[{'ModelName': m.get_name()}])\n"
        "EndpointConfig.create(endpoint_config_name='d', production_variants=[{'ModelName': other.get_name()}])",
        [
            "c volume-kms-key fail", "d network-isolation unknown", "d volume-kms-key fail",
            "d vpc-config unknown", "m network-isolation fail", "m vpc-config fail",
        ],
    ),
    "a resource class": (
        "from sagemaker.core.resources import TrainingJob\nfrom sagemaker.core.shapes import ResourceConfig, VpcConfig\n"
        "TrainingJob.create(training_job_name='j', enable_network_isolation=True,\n"
        "    resource_config=ResourceConfig(instance_type='ml.m5.large', volume_size_in_gb=30, volume_kms_key_id='k'),\n"
        "    vpc_config=VpcConfig(subnets=['s'], security_group_ids=['g']))",
        ["j network-isolation pass", "j volume-kms-key pass", "j vpc-config pass"],
    ),
    # What only some worlds have
    "arguments that are not known": (
        "e = Estimator(*listed)",
        [f"e {control} unknown" for control in sorted(LOOKED_AT)],
    ),
    "keywords that are not known reach what is deployed": (
        "from settings import common\ne = Estimator(**common, enable_network_isolation=True)\ne.deploy(1, 'ml.g5.xlarge')",
        [
            "e inter-container-encryption unknown", "e network-isolation pass", "e volume-kms-key unknown", "e vpc-config unknown",
            "e.deploy/Model network-isolation pass", "e.deploy/Model vpc-config unknown",
        ],
    ),
    "a network that is not known": (
        "from sagemaker.train import ModelTrainer\nt = ModelTrainer(networking=find(), compute=find())",
        [f"t {control} unknown" for control in sorted(LOOKED_AT)],
    ),
    "one of two mappings": (
        f"extra = {{'VpcConfig': {VPC}}} if prod else {{}}\nsm.create_training_job(TrainingJobName='j', **extra)",
        ["j network-isolation fail", "j volume-kms-key fail", "j vpc-config unknown"],
    ),
    "what perhaps overwrites": (
        "r = {'TrainingJobName': 'j', 'EnableNetworkIsolation': True}\no = {}\n"
        "if prod:\n    o['EnableNetworkIsolation'] = False\nsm.create_training_job(**{**r, **o})",
        ["j network-isolation unknown", "j volume-kms-key fail", "j vpc-config fail"],
    ),
    "one of two boxes is changed": (
        "a, b = {'TrainingJobName': 'a'}, {'TrainingJobName': 'b'}\nc = a if prod else b\nc['EnableNetworkIsolation'] = True\n"
        "sm.create_training_job(**a)\nsm.create_training_job(**b)",
        [
            "a network-isolation unknown", "a volume-kms-key fail", "a vpc-config fail",
            "b network-isolation unknown", "b volume-kms-key fail", "b vpc-config fail",
        ],
    ),
    "a list that a loop fills": (
        "nets = []\nfor n in found:\n    nets.append(n)\n"
        "e = Estimator('i', role, 1, 'ml.g5.xlarge', subnets=nets, security_group_ids=['g'])",
        ["e network-isolation fail", "e vpc-config unknown"],
    ),
    "a count that a loop changes": (
        "n = 0\nwhile busy():\n    n += 1\n    e = Estimator('i', role, n, 'ml.g5.xlarge')",
        ["e inter-container-encryption unknown", "e network-isolation fail", "e vpc-config fail"],
    ),
    "the branch that does not end": (
        "if prod:\n    key = 'k'\nelse:\n    raise ValueError\ne = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=key)",
        ["e network-isolation fail", "e volume-kms-key pass", "e vpc-config fail"],
    ),
    "a method that nothing calls": (
        "class Job:\n    key = None\n    def make(self, *, kind='ml.m5.large', **more):\n"
        "        return Estimator('i', role, 1, kind, volume_kms_key=self.key, **more)",
        [f"Job.make.Estimator {control} unknown" for control in sorted(LOOKED_AT)],
    ),
    "a client that an imported module has": (
        "import settings\nsettings.client.create_training_job(TrainingJobName='j')\nfind_session().client('sagemaker').create_model(ModelName='m')",
        ["j network-isolation fail", "j volume-kms-key fail", "j vpc-config fail", "m network-isolation fail", "m vpc-config fail"],
    ),
    "a remote function without settings": (
        "from sagemaker.remote_function import remote\n@remote\ndef train():\n    pass",
        ["train network-isolation fail", "train volume-kms-key unknown", "train vpc-config unknown"],
    ),
    "an import of everything": (
        "from sagemaker.processing import *\np = ScriptProcessor(role, 'i', ['python3'], 1, 'ml.m5.large')",
        ["p network-isolation fail", "p volume-kms-key fail", "p vpc-config fail"],
    ),
    "several estimators in one tuning": (
        "from sagemaker.tuner import HyperparameterTuner\na, b = (Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=k) for k in 'kl'), None\n"
        "e = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key='k')\n"
        "t = HyperparameterTuner.create(estimator_dict={'a': e}, objective_metric_name_dict={}, hyperparameter_ranges_dict={})",
        [
            "Estimator network-isolation fail", "Estimator volume-kms-key pass", "Estimator vpc-config fail",
            "t network-isolation fail", "t volume-kms-key pass", "t vpc-config fail",
        ],
    ),
    "a tuned model": (
        "from sagemaker.tuner import HyperparameterTuner\n"
        "e = Estimator('i', role, 1, 'ml.g5.xlarge', subnets=['s'], security_group_ids=['g'], enable_network_isolation=True)\n"
        "t = HyperparameterTuner(e, 'm', {})\nt.deploy(1, 'ml.g5.xlarge')",
        [
            "t network-isolation pass", "t vpc-config pass",
            "t.deploy/Model network-isolation unknown", "t.deploy/Model vpc-config pass",
        ],
    ),
    "the session's own requests": (
        f"s = sagemaker.Session()\ns.create_model('m', role, {{'Image': 'i'}}, vpc_config={VPC})\n"
        "s.endpoint_from_production_variants('e', [{'ModelName': 'm', 'InstanceType': 'ml.m5.large'}], kms_key='k')",
        ["s.create_model network-isolation fail", "s.create_model vpc-config pass", "s.endpoint_from_production_variants volume-kms-key pass"],
    ),
    # What is none of ours
    "classes of the same name": (
        "from sklearn.pipeline import Pipeline\nfrom keras import Model\nfrom transformers import Processor\nModel()\nProcessor()",
        [],
    ),
}  # fmt: skip


# code, a control, and what it says of which resources
OTHERS = [
    ("e = Estimator('own@sha256:" + "0" * 64 + "', role, 1, 'ml.m5.large')", "pinned-images", ["e pass"]),
    ("e = Estimator('own:1', role, 1, 'ml.m5.large')", "pinned-images", ["e fail"]),
    ("e = Estimator(sagemaker.image_uris.retrieve('xgboost', 'eu-west-1', '1.7-1'), role, 1, 'ml.m5.large')", "pinned-images", ["e fail"]),
    ("e = Estimator(sagemaker.image_uris.retrieve(**words), role, 1, 'ml.m5.large')", "pinned-images", ["e unknown"]),
    ("e = Estimator(sagemaker.image_uris.retrieve(None, model_id='m'), role, 1, 'ml.m5.large')", "pinned-images", ["e unknown"]),
    ("from sagemaker.pytorch import PyTorch\ne = PyTorch('t.py', role=role)", "pinned-images", ["e fail"]),
    ("from sagemaker.jumpstart.model import JumpStartModel\ne = JumpStartModel('m')", "pinned-images", ["e unknown"]),
    ("from sagemaker.sklearn.processing import SKLearnProcessor\np = SKLearnProcessor('1.2-1', role, 1, 'ml.m5.large')", "pinned-images", ["p fail"]),
    ("from sagemaker.clarify import SageMakerClarifyProcessor\np = SageMakerClarifyProcessor(role, 1, 'ml.m5.large')", "pinned-images", []),
    ("e = Estimator('i', role, 1, 'ml.m5.large', enable_remote_debug=True)", "remote-access", ["e fail"]),
    ("from sagemaker.train import ModelTrainer\nt = ModelTrainer()\nt.with_remote_debug_config(find()).train()", "remote-access", ["t unknown"]),
    ("from sagemaker.train import ModelTrainer\nt = ModelTrainer()\nt.train()", "remote-access", ["t pass"]),
    ("m = sagemaker.Model('i')\nm.deploy(2, 'ml.m5.large')", "endpoint-multiple-instances", ["m.deploy pass"]),
    ("m = sagemaker.Model('i')\nm.register(model_package_group_name='g')", "private-image-registry", []),
    ("m = sagemaker.Model('i')\nm.register(model_package_group_name='g')", "registry-kms-key", ["m.register fail"]),
    ("m = sagemaker.Model('i', image_config={'RepositoryAccessMode': 'Vpc'})", "private-image-registry", ["m pass"]),
    (
        "from sagemaker.pipeline import PipelineModel\na = sagemaker.Model('i', image_config={'RepositoryAccessMode': 'Vpc'})\n"
        "b = sagemaker.Model('j')\np = PipelineModel(models=[a, b], role=role)",
        "private-image-registry",
        ["p fail"],
    ),
    ("p = Processor(role, 'i', 1, 'ml.m5.large')\np.run()", "output-kms-key", []),
    (
        "from sagemaker.processing import ProcessingOutput\np = Processor(role, 'i', 1, 'ml.m5.large')\np.run(outputs=[ProcessingOutput('/out')])",
        "output-kms-key",
        ["p fail"],
    ),
    (
        "from sagemaker.feature_store.feature_group import FeatureGroup\n"
        "FeatureGroup('g').create(s3_uri=False, enable_online_store=True, online_store_kms_key_id='k')",
        "feature-store-kms-key",
        ["FeatureGroup.create pass"],
    ),
    (
        "from sagemaker.feature_store.feature_group import FeatureGroup\ng = FeatureGroup('g')\ng.create(s3_uri='s3://b', enable_online_store=online)",
        "feature-store-kms-key",
        ["g.create fail", "g.create unknown"],
    ),
    (
        "from sagemaker.model_monitor import DataCaptureConfig\nm = sagemaker.Model('i')\n"
        "m.deploy(1, 'ml.m5.large', data_capture_config=DataCaptureConfig(True, 100, kms_key_id='k'))",
        "data-capture-kms-key",
        ["m.deploy pass"],
    ),
    (
        "from sagemaker.async_inference import AsyncInferenceConfig\nm = sagemaker.Model('i')\n"
        "m.deploy(1, 'ml.m5.large', async_inference_config=AsyncInferenceConfig())",
        "async-output-kms-key",
        ["m.deploy fail"],
    ),
    (
        "from sagemaker.workflow.parameters import ParameterString\nk = ParameterString('K', 'ml.m5.large', ['ml.m5.large', 'ml.g5.xlarge'])\n"
        "e = Estimator('i', role, 1, k)",
        "volume-kms-key",
        ["e fail"],
    ),
    (
        "from sagemaker.workflow.parameters import ParameterString\nk = ParameterString('K')\ne = Estimator('i', role, 1, k)",
        "volume-kms-key",
        ["e unknown"],
    ),
    ("sm.create_auto_ml_job_v2(AutoMLJobName='a', OutputDataConfig={'KmsKeyId': 'k'})", "output-kms-key", ["a pass"]),
    ("from mine import wrap\nm = sagemaker.Model('i', **words)\nif x:\n    wrap(m)\nm.create()", "vpc-config", ["m unknown"]),
    ("from mine import wrap\nm = sagemaker.Model('i')\np = m.deploy(1, 'ml.m5.large')\nwrap(p)", "volume-kms-key", ["m.deploy fail"]),
    # Models that the SDK serves with images of its own, as it is and as it was
    ("from sagemaker.djl_inference import DJLModel\nd = DJLModel('m', role=role)", "pinned-images", ["d fail"]),
    ("from sagemaker.djl_inference import DeepSpeedModel\nd = DeepSpeedModel('m', role)\nd.deploy('ml.m5.large', 2, kms_key='k')", "endpoint-multiple-instances", ["d.deploy pass"]),
    ("from sagemaker.djl_inference import FasterTransformerModel\nd = FasterTransformerModel('m', role)\nd.deploy('ml.m5.large')", "endpoint-multiple-instances", ["d.deploy fail"]),
    # What was made before: what the call says counts, the rest is not known
    ("from sagemaker.pytorch import PyTorch\nPyTorch.attach('j')", "vpc-config", []),
    ("from sagemaker.pytorch import PyTorch\ne = PyTorch.attach('j')\ne.deploy(1, 'ml.m5.large')", "vpc-config", ["e.deploy/Model unknown"]),
    ("from sagemaker.pytorch import PyTorch\ne = PyTorch.attach('j')\ne.deploy(1, 'ml.m5.large')", "network-isolation", ["e.deploy/Model fail"]),
    ("from sagemaker.pytorch import PyTorch\ne = PyTorch.attach('j')\ne.deploy(1, 'ml.m5.large')", "volume-kms-key", ["e.deploy fail"]),
    ("e = Estimator.attach('j')\ne.fit()", "volume-kms-key", ["e unknown"]),
    ("e = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key='k')\nf = e.attach('j')\nf.fit()", "volume-kms-key", ["e pass", "f unknown"]),
    ("from sagemaker.tuner import HyperparameterTuner\ne = HyperparameterTuner.attach('t').best_estimator()\ne.deploy(1, 'ml.m5.large')", "network-isolation", ["e.deploy/Model unknown"]),
    (
        "from sagemaker.automl.automl import AutoML\na = AutoML.attach('j')\na.deploy(2, 'ml.m5.large', model_kms_key='k', vpc_config={'Subnets': ['s'], 'SecurityGroupIds': ['g']})\na.create_model('m')",
        "vpc-config",
        ["a.create_model fail", "a.deploy/Model pass"],
    ),
    ("from sagemaker.automl.automl import AutoML\na = AutoML.attach('j')\na.deploy(2, 'ml.m5.large', model_kms_key='k')", "volume-kms-key", ["a.deploy pass"]),
    # Compilations, and what is compiled
    ("e = Estimator('own:1', role, 1, 'ml.m5.large')\nc = e.compile_model('ml_inf1', {}, 's3://b')\nc.deploy(1, 'ml.inf1.xlarge')", "pinned-images", ["e fail", "e.compile_model unknown"]),
    ("e = Estimator('own:1', role, 1, 'ml.m5.large', enable_network_isolation=True)\nc = e.compile_model('ml_inf1', {}, 's3://b')", "network-isolation", ["e pass", "e.compile_model pass"]),
    ("m = sagemaker.Model('own:1')\nm.compile('ml_inf1', {}, 's3://b', role)\nm.deploy(1, 'ml.inf1.xlarge')", "pinned-images", ["m unknown"]),
    ("m = sagemaker.Model('own:1')\nm.compile('ml_inf1', {}, 's3://b', role)\nm.deploy(1, 'ml.inf1.xlarge')", "output-kms-key", ["m.compile fail"]),
    # A compiled model has an image of its own, and is made when it is compiled
    *[
        (f"def go(flag):\n    e = Estimator('own@sha256:{'0' * 64}', role, 1, 'ml.m5.large', subnets=['s'], security_group_ids=['g'], enable_network_isolation=True)\n    e.deploy(1, 'ml.c5.large', use_compiled_model={flag})", control, ["go.e pass", f"go.e.deploy/Model {verdict}"])
        for control in ("pinned-images", "vpc-config", "network-isolation")
        for flag, verdict in (("True", "unknown"), ("flag", "unknown"), ("False", "pass"))
    ],
    ("e = Estimator('own@sha256:" + "0" * 64 + "', role, 1, 'ml.m5.large')\ne.register([], [], compile_model_family='ml_c5')", "pinned-images", ["e.register unknown"]),
    (
        "from sagemaker.workflow.step_collections import RegisterModel\ne = Estimator('own@sha256:" + "0" * 64 + "', role, 1, 'ml.m5.large')\nr = RegisterModel('r', [], [], estimator=e, compile_model_family='ml_c5')",
        "pinned-images",
        ["e pass", "r unknown"],
    ),
    # Whose it is decides on the isolation of an algorithm and of a package, not what is said
    ("from sagemaker.algorithm import AlgorithmEstimator\na = AlgorithmEstimator('arn', role, 1, 'ml.m5.large', enable_network_isolation=True)\na.deploy(1, 'ml.m5.large')", "network-isolation", ["a unknown", "a.deploy/Model unknown"]),
    ("from sagemaker import ModelPackage\np = ModelPackage(role, model_package_arn='arn', enable_network_isolation=True)\np.deploy(1, 'ml.m5.large')", "network-isolation", ["p unknown"]),
    # Customization and evaluation may be serverless, or by a recipe
    *[
        (f"from sagemaker.train import {name}\nt = {name}(model='m')\nt.{method}()", control, ["t unknown"])
        for name, method in (("SFTTrainer", "train"), ("DPOTrainer", "train"), ("RLVRTrainer", "train"), ("BenchMarkEvaluator", "evaluate"), ("LLMAsJudgeEvaluator", "evaluate"))
        for control in ("pinned-images", "volume-kms-key")
    ],
    ("from sagemaker.workflow.notebook_job_step import NotebookJobStep\nn = NotebookJobStep('a.ipynb', find(), 'python3')", "pinned-images", ["n unknown"]),
    ("from sagemaker.remote_function import RemoteExecutor\nr = RemoteExecutor(instance_type='ml.m5.large')", "pinned-images", ["r unknown"]),
    # What the hub says of a model comes before what its estimator was given
    *[
        (f"from sagemaker.jumpstart.estimator import JumpStartEstimator\nj = JumpStartEstimator('m', image_uri='own@sha256:{'0' * 64}', enable_network_isolation=True)\nj.deploy({given})", control, ["j pass", f"j.deploy/Model {verdict}"])
        for control in ("pinned-images", "network-isolation")
        for given, verdict in (("", "unknown"), (f"image_uri='own@sha256:{'0' * 64}', enable_network_isolation=True", "pass"))
    ],
    # Packages of pipelines
    (
        "from sagemaker.workflow.step_collections import RegisterModel\ne = Estimator('own@sha256:" + "0" * 64 + "', role, 1, 'ml.m5.large')\n"
        "r = RegisterModel('r', [], [], estimator=e)\ns = RegisterModel('s', [], [], estimator=e, image_uri='own:1')\nt = RegisterModel('t', [], [], model=sagemaker.Model('own:1'))",
        "pinned-images",
        ["e pass", "r pass", "s fail", "t fail"],
    ),
    (
        "from sagemaker.workflow.step_collections import RegisterModel\nfrom sagemaker.workflow.steps import CreateModelStep, TrainingStep\n"
        "e = Estimator('i', role, 1, 'ml.m5.large')\nr = RegisterModel('r', [], [], estimator=e)\nTrainingStep('t', estimator=e)\n"
        "m = sagemaker.Model('i')\nn = sagemaker.Model('i')\nCreateModelStep('c', model=m)\ns = RegisterModel('s', [], [], model=m)\nt = RegisterModel('s', [], [], model=n)",
        "vpc-config",
        ["e fail", "m fail"],
    ),
    ("from sagemaker.workflow.step_collections import RegisterModel\nr = RegisterModel('r', [], [], estimator=find())", "pinned-images", ["r unknown"]),
    # What the SDK chooses where nobody says
    ("from sagemaker.model_monitor import DefaultModelMonitor\nm = DefaultModelMonitor(role)", "volume-kms-key", ["m fail"]),
    ("from sagemaker.train import ModelTrainer\nt = ModelTrainer()\nt.train()", "volume-kms-key", ["t fail"]),
    ("from sagemaker.train import ModelTrainer\nt = ModelTrainer.from_recipe('r')\nt.train()", "volume-kms-key", ["t unknown"]),
    ("m = sagemaker.Model('own:1')\nsagemaker.Session().create_model('n', role, m.prepare_container_def('ml.m5.large'))", "pinned-images", ["Session.create_model fail"]),
    ("e = Estimator('own:1', role, 1, 'ml.m5.large')\nsagemaker.PipelineModel([e.create_model()], role)", "pinned-images", ["PipelineModel fail", "e fail"]),
    # Objects that are not known, by the keywords of their methods
    ("thing.deploy(initial_instance_count=2, instance_type='ml.m5.large')", "volume-kms-key", ["thing.deploy fail"]),
    ("thing.deploy(initial_instance_count=2, instance_type='local')", "volume-kms-key", []),
    ("from mine import make\nmake().deploy(initial_instance_count=2, instance_type='ml.m5.large', kms_key='k')", "volume-kms-key", ["make().deploy pass"]),
    ("from mine import make\nmake().deploy(initial_instance_count=2, instance_type='ml.m5.large')", "vpc-config", ["make().deploy/Model unknown"]),
    ("class M(Base):\n    def deploy(self, count):\n        return super().deploy(initial_instance_count=count)", "volume-kms-key", []),
    ("from mine import make\nmake().deploy('x', path='y')\nmake().transformer(layers=2)\nmake.register(name='x')", "volume-kms-key", []),
]  # fmt: skip

# what stands before, the value of `volume_kms_key`, and what is to be said of it
VALUES = [
    ("", "None", "fail"),
    ("", "''", "fail"),
    ("", "f''", "fail"),
    ("", "'a' + 'b'", "pass"),
    ("", "'' + ''", "fail"),
    ("", "'alias/%s' % env", "pass"),
    ("", "'alias/{}'.format(env)", "pass"),
    ("", "str(5)", "pass"),
    ("", "nobody_knows", "unknown"),
    ("", "settings.key", "unknown"),
    ("from settings import KEY", "KEY", "unknown"),
    ("import settings", "settings.KEY", "unknown"),
    ("", "kms.describe_key(KeyId='k')['Arn']", "unknown"),
    ("", "os.environ['K']", "pass"),
    ("", "os.environ.get('K')", "unknown"),
    ("", "os.environ.get('K') or 'k'", "pass"),
    ("", "None or 'k'", "pass"),
    ("", "'k' and None", "fail"),
    ("", "env and 'k'", "unknown"),
    ("", "(env and 'k') or 'l'", "pass"),
    ("", "'k' if env == 'prod' else None", "unknown"),
    ("env = 'prod'", "'k' if env == 'prod' else None", "pass"),
    ("env = 'dev'", "'k' if env == 'prod' else None", "fail"),
    ("env = 'dev'", "'k' if env != 'prod' else None", "pass"),
    ("env = None", "'k' if env is not None else None", "fail"),
    ("", "'k' if env is None else env", "pass"),
    ("", "env if env is not None else 'k'", "pass"),
    ("", "'k' if not env else None", "unknown"),
    ("env = ['prod']", "'k' if env else None", "pass"),
    ("env = {}", "'k' if env else None", "fail"),
    ("", "'k' if 1 < number else None", "unknown"),
    ("c = {'a': 'k'}", "'k' if 'a' in c else None", "pass"),
    ("c = {'a': 'k'}", "'k' if 'b' not in c else None", "pass"),
    ("c = {'a': 'k'}", "c['a']", "pass"),
    ("c = {'a': 'k'}", "c['b']", "unknown"),
    ("c = {'a': 'k'}", "c.get('a')", "pass"),
    ("c = {'a': 'k'}", "c.get('b')", "fail"),
    ("c = {'a': 'k'}", "c.get('b', 'l')", "pass"),
    ("c = {'a': 'k', **more}", "c.get('b')", "unknown"),
    ("c = {'a': 'k', **more}", "c['a']", "unknown"),
    ("c = {**more, 'a': 'k'}", "c['a']", "pass"),
    ("c = {'a': 'k'}\nif env: c['b'] = 'l'", "c.get('b')", "unknown"),
    ("c = {'a': 'k'}\nif env: c['b'] = 'l'", "c.get('b', 'm')", "pass"),
    ("c = {'a': 'k'}\nc.pop('a')", "c.get('a')", "fail"),
    ("c = {'a': 'k'}\nc.clear()", "c.get('a')", "unknown"),
    ("c = {}\nc.setdefault('a', 'k')", "c['a']", "pass"),
    ("c = {'a': None}\nd = c.copy()\nd['a'] = 'k'", "c['a']", "fail"),
    ("c = {'a': 'k'}\nd = c\nd['a'] = None", "c['a']", "fail"),
    ("c = {'a': None} | {'a': 'k'}", "c['a']", "pass"),
    ("c = {'a': None}\nc |= {'a': 'k'}", "c['a']", "pass"),
    ("c = {'a': 'k'}\nc[env] = None", "c['a']", "unknown"),
    ("c = {env: None, 'a': 'k'}", "c['b']", "unknown"),
    ("c = {'a': {'b': 'k'}}", "c['a']['b']", "pass"),
    ("c = ['k', None]", "c[0]", "pass"),
    ("c = ['k', None]", "c[-1]", "fail"),
    ("c = ['k', None]\nc[0] = None", "c[0]", "fail"),
    ("c = ['k', None]\nc[env] = None", "c[0]", "unknown"),
    ("c = []\nc.append('k')", "c[0]", "pass"),
    ("c = [None]\nc.extend(['k'])", "c[1]", "pass"),
    ("c = [None] + ['k']", "c[1]", "pass"),
    ("c = [None, *['k']]", "c[1]", "pass"),
    ("c = ['k'].copy()", "c[0]", "pass"),
    ("c = ['k']\nc.sort()", "c[0]", "unknown"),
    ("a, b = 'k', None", "a", "pass"),
    ("a, b = 'k', None", "b", "fail"),
    ("a, *b = 'k', None", "a", "pass"),
    ("a = b = 'k'", "b", "pass"),
    ("a: str = 'k'", "a", "pass"),
    ("a = 'k'\na += 'l'", "a", "pass"),
    ("if (a := 'k'): pass", "a", "pass"),
    ("import copy\nc = {'a': 'k'}\nd = copy.deepcopy(c)\nd['a'] = None", "c['a']", "pass"),
    ("c = dict(a='k')\nd = dict(c, a=None)", "d['a']", "fail"),
    ("class C:\n    KEY = 'k'", "C.KEY", "pass"),
    ("class C:\n    KEY = None", "C().KEY", "fail"),
    ("class C(Base):\n    pass", "C.KEY", "unknown"),
    ("class C:\n    @staticmethod\n    def key(): return 'k'", "C.key()", "pass"),
    ("class C:\n    def key(self, k='k'): return k", "C().key()", "pass"),
    ("def key(*args, **kwargs): return kwargs.get('a', 'k')", "key(1, b=2)", "pass"),
    ("def key(*, a): return a", "key(a=None)", "fail"),
    ("def key(a):\n    if a: return 'k'\n    else: return 'l'", "key(env)", "pass"),
    ("def key(a):\n    for each in a:\n        return 'k'", "key(env)", "unknown"),
    ("def key(): return key()", "key()", "unknown"),
    ("a = None\ndef set_key():\n    global a\n    a = 'k'\nset_key()", "a", "pass"),
    ("async def key(): return 'k'", "await key()", "pass"),
    ("key = lambda: 'k'", "key()", "pass"),
    ("a = None\nwith lock() as a: pass", "a", "unknown"),
    ("a = None\nwhile env:\n    a = 'k'", "a", "unknown"),
    ("a = None\nfor a in ['k', 'l']: pass", "a", "unknown"),
    ("a = 'k'\nfor a in []: a = None", "a", "unknown"),
    ("a = 'k'\nmatch env:\n    case 'x': a = None\n    case other: pass", "a", "unknown"),
    ("a = None\nmatch env:\n    case 'x': a = 'k'\n    case _: a = 'l'", "a", "unknown"),
    ("try:\n    a = find()\nexcept KeyError:\n    a = 'k'\nfinally:\n    b = 1", "a", "unknown"),
    ("try:\n    a = 'k'\nexcept KeyError:\n    raise", "a", "pass"),
    ("a = 'k'\ndel a", "'k'", "pass"),
    ("a = 3 * 2 - 1 + 4", "'k' if a == 9 else None", "pass"),
    ("a = -1", "'k' if a == -1 else None", "pass"),
    ("import sys\nif not env:\n    sys.exit(1)", "env", "pass"),
    ("assert env", "env", "pass"),
    ("from mine import change\nc = {'a': 'k'}\nchange(c)", "c['a']", "unknown"),
    ("c = {'a': 'k'}\nlogger.info(c)", "c['a']", "pass"),
    ("c = {'a': 'k'}\nprint(*c)", "c['a']", "pass"),
    ("from mine import *", "role_key", "unknown"),
    ("c = [x for x in y]", "c[0]", "unknown"),
    ("c = {x: None for x in y}", "c['a']", "unknown"),
    ("class C:\n    def __init__(self, key='k'): self.key = key\nc = C()\nc.key = None", "c.key", "fail"),
    ("a = int('5')\nb = bool(1)", "'k' if b else None", "pass"),
]  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One scan of all cases."""
    folder = tmp_path_factory.mktemp("cases")
    for number, (code, _) in enumerate(CASES.values()):
        (folder / f"{number}.py").write_text(START + code + "\n", encoding="utf-8")
    for number, (before, value, _) in enumerate(VALUES):
        code = f"{START}{before}\ne = Estimator('i', role, 1, 'ml.m5.large', volume_kms_key={value})\n"
        (folder / f"value{number}.py").write_text(code, encoding="utf-8")
    for number, (code, _, _) in enumerate(OTHERS):
        (folder / f"other{number}.py").write_text(START + code + "\n", encoding="utf-8")
    ran = called("scan", ".", "-f", "json", "--all", "--jobs", "1", cwd=folder)
    assert (ran.code, ran.err) == (1, "")
    return ran.report


@pytest.mark.parametrize("case", CASES)
def test_the_findings_of_a_module(report: Any, case: str) -> None:
    file = f"{list(CASES).index(case)}.py"
    found: dict[str, str] = {}
    for finding in report["findings"]:
        if finding["location"]["file"] == file and finding["control"] in LOOKED_AT:
            name = f"{finding['resource']['name']} {finding['control']}"
            rank = ["pass", "unknown", "fail"]
            found[name] = max(found.get(name, "pass"), finding["verdict"], key=rank.index)
    assert sorted(f"{name} {verdict}" for name, verdict in found.items()) == CASES[case][1]


@pytest.mark.parametrize("number", range(len(VALUES)), ids=[f"{it[0]}; {it[1]}"[:60] for it in VALUES])
def test_what_a_value_is(report: Any, number: int) -> None:
    found = [
        finding["verdict"]
        for finding in report["findings"]
        if finding["location"]["file"] == f"value{number}.py" and finding["control"] == "volume-kms-key"
    ]
    assert found == [VALUES[number][2]]


@pytest.mark.parametrize("number", range(len(OTHERS)))
def test_what_other_controls_say(report: Any, number: int) -> None:
    _, control, expected = OTHERS[number]
    found = {
        f"{finding['resource']['name']} {finding['verdict']}"
        for finding in report["findings"]
        if finding["location"]["file"] == f"other{number}.py" and finding["control"] == control
    }
    assert sorted(found) == expected


def test_all_cases_are_read(report: Any) -> None:
    assert report["gaps"] == []
    assert report["summary"]["files"]["judged"] == len(CASES) + len(VALUES) + len(OTHERS)


# code -> what is said of it, or nothing
SAID = {
    "sm.create_pipeline(PipelineName='p', PipelineDefinition=open('p.json').read())": "the definition of the pipeline p comes from open(…).read(), which is not known here",
    "sm.create_pipeline(PipelineName='p', PipelineDefinition='{')": "the definition of the pipeline p can't be read: line 1, column 2: expected a key in double quotes",
    "sm.create_pipeline(PipelineName='p', PipelineDefinition=b'')": "the definition of the pipeline p comes from a constant, which is not known here",
    "sm.create_pipeline(PipelineName='p', PipelineDefinition={})": "the definition of the pipeline p comes from a value that is computed, which is not known here",
    "sm.create_pipeline(PipelineName='p', PipelineDefinition='{\"Steps\": 1}')": "p: the pipeline's definition has no list of steps",
    "sm.create_pipeline(PipelineName='p', PipelineDefinitionS3Location={'Bucket': 'b', 'ObjectKey': 'k'})": "the definition of the pipeline p comes from PipelineDefinitionS3Location, which is not known here",
    "boto3.client('stepfunctions').create_state_machine(name='m', definition=load())": "the definition of the state machine m comes from load(), which is not known here",
    "other.create_state_machine(name=n, definition=load())": "the definition of the state machine create_state_machine comes from load(), which is not known here",
    "boto3.client('other').create_state_machine(definition=load())": None,
    "import importlib\nimportlib.import_module(which).Estimator(i, role=role).fit()": "importlib.import_module(which).Estimator may be of the SageMaker SDK: what it asks for is not looked at",
    "m = __import__(which)\nm.estimator.Estimator(**words)": "__import__(which).estimator.Estimator may be of the SageMaker SDK: what it asks for is not looked at",
    "from sagemaker_pyspark.algorithms import KMeansSageMakerEstimator\nKMeansSageMakerEstimator(sagemakerRole=role)": "sagemaker_pyspark.algorithms.KMeansSageMakerEstimator is of another library: what it asks SageMaker for is not looked at",
    "import sagemaker_pyspark\njars = sagemaker_pyspark.classpath_jars()\nisinstance(m, sagemaker_pyspark.SageMakerModel)": None,
    "getattr(sm, f'create_{which}')(**words)": "getattr(sm, …) picks a call when it runs: what it asks SageMaker for is not looked at",
    "getattr(sm, f'describe_{which}')(**words)\ngetattr(boto3.client('ec2'), which)(**words)": None,
    "import importlib\nimportlib.import_module(which).PCA(n_components=2)\nimportlib.import_module(which).Model(name='x')": None,
}  # fmt: skip


def test_what_is_not_looked_at_is_said(tmp_path: Path) -> None:
    for number, code in enumerate(SAID):
        (tmp_path / f"{number}.py").write_text(START + code + "\n", encoding="utf-8")
    report = called("scan", ".", "-f", "json", "--jobs", "1", cwd=tmp_path).report
    said = {it["where"].partition(":")[0]: it["what"] for it in report["gaps"]}
    assert [said.get(f"{number}.py") for number in range(len(SAID))] == [*SAID.values()]


def test_findings_say_where_and_what_decides(tmp_path: Path) -> None:
    (tmp_path / "t.py").write_text(
        "from sagemaker.estimator import Estimator\n"
        "e = Estimator(\n    'i', 'r', 1, 'ml.m5.large',\n    volume_kms_key=role_kms_key(),\n)\n"
    )
    ran = called("scan", "t.py", "-f", "json", "--select", "volume-kms-key", cwd=tmp_path)
    (finding,) = ran.report["findings"]
    assert finding["message"] == "VolumeKmsKeyId is missing; fails when role_kms_key() is None"
    assert finding["condition"] == "fails when role_kms_key() is None"
    assert finding["location"] | {"path": ""} == {
        "file": "t.py", "line": 4, "column": 5, "path": "", "account": None, "region": None, "arn": None
    }  # fmt: skip


def test_texts_of_code_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "t.py").write_text(
        "import boto3, sagemaker\nfrom vault import open_vault\n"
        "boto3.client('sagemaker').create_model(ModelName='m', VpcConfig=open_vault('hunter2!')['AKIA1/x'], PrimaryContainer={'Image': 'i'})\n"
    )
    ran = called("scan", "t.py", "-f", "json", cwd=tmp_path)
    (finding,) = [each for each in ran.report["findings"] if each["verdict"] == "unknown"]
    assert "inside open_vault(…)[…], which" in finding["message"]
    assert "hunter2" not in ran.out
    assert "AKIA1" not in ran.out


WAIVERS = {
    "above": ("# smguard: ignore[vpc-config] until=2999-12-31 a sandbox\n{call}", True, []),
    "beside": (
        "{call}  # smguard: ignore[vpc-config,network-isolation] until=2999-12-31 a sandbox",
        True,
        [],
    ),
    "another control": (
        "# smguard: ignore[output-kms-key] until=2999-12-31 a sandbox\n{call}",
        False,
        ["the waiver of output-kms-key for m is unused: it covers nothing found"],
    ),
    "no reason": (
        "# smguard: ignore[vpc-config] until=2999-12-31\n{call}",
        False,
        ["the waiver of vpc-config for m waives nothing: reason is missing"],
    ),
    "no date": (
        "# smguard: ignore[vpc-config] because\n{call}",
        False,
        ["the waiver of vpc-config for m waives nothing: expires is missing"],
    ),
    "past": (
        "# smguard: ignore[vpc-config] until=2020-01-31 a sandbox\n{call}",
        False,
        ["the waiver of vpc-config for m waives nothing: it expired after 2020-01-31"],
    ),
    "malformed": (
        "# smguard: vpc-config is fine\n{call}",
        False,
        ["the comment is no waiver: write # smguard: ignore[control-id] until=2027-01-31 reason"],
    ),
    "elsewhere": (
        "# smguard: ignore[vpc-config] until=2999-12-31 a sandbox\nx = 1\n{call}",
        False,
        ["the waiver waives nothing: no SageMaker call is on its line or the one below"],
    ),
}


@pytest.mark.parametrize("case", WAIVERS)
def test_comments_waive(case: str, tmp_path: Path) -> None:
    code, waived, notes = WAIVERS[case]
    call = "sm.create_model(ModelName='m', PrimaryContainer={'Image': 'i'})"
    (tmp_path / "t.py").write_text(START + code.format(call=call) + "\n")
    ran = called("scan", "t.py", "-f", "json", cwd=tmp_path)
    (finding,) = [each for each in ran.report["findings"] if each["control"] == "vpc-config"]
    assert (finding["waiver"] is not None) is waived
    assert [note["what"] for note in ran.report["notes"]] == notes


def test_a_folder_is_searched_for_code_that_speaks_of_sagemaker(tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text("import os\ndef f(:\n")
    (tmp_path / "job.py").write_text(
        "def run(client):\n    client.create_training_job(TrainingJobName='j')\n"
    )
    ran = called("scan", ".", "-f", "json", cwd=tmp_path)
    assert ran.report["summary"]["files"] == {
        "seen": 2, "judged": 1, "partial": 0, "unread": 0, "skipped": 1
    }  # fmt: skip
    assert {each["resource"]["name"] for each in ran.report["findings"]} == {"j"}


def test_templates_load_nothing_of_the_reader(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("Resources: {N: {Type: 'AWS::SageMaker::NotebookInstance'}}\n")
    (tmp_path / "plain.py").write_text("import os\n")
    code = (
        "import sys, scanner.cli\nsys.argv = ['smguard', 'scan', '.', '-f', 'json']\n"
        "try: scanner.cli.main()\nexcept SystemExit: pass\n"
        "print([name for name in sys.modules if name.startswith('scanner.code')], file=sys.stderr)"
    )
    words = [sys.executable, "-c", code]
    ran = subprocess.run(
        words, capture_output=True, text=True, cwd=tmp_path, env={**CALM, **MEASURED}, check=True
    )
    assert ran.stderr == "[]\n"


def test_fix_leaves_code_alone(tmp_path: Path) -> None:
    (tmp_path / "t.py").write_text(
        START + "sm.create_model(ModelName='m', PrimaryContainer={'Image': 'i'})\n"
    )
    ran = called("fix", "t.py", cwd=tmp_path)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "t.py: is code: only templates are mended\n0 can be mended, 0 left alone.\n"
