"""Run by a Python that has the SageMaker SDK: runs a file of jobs in several rounds, under the guard.

Its words are the file and, of each round, its name, the guard's mode and a configuration of the SDK. It
prints {round: {"warned": [[text, file]], "stopped": text, or null}}. A call of ListDomains begins each round.
"""

import functools
import importlib.util
import json
import os
import runpy
import sys
import time
import warnings

import boto3
import botocore.loaders
import botocore.session
import jsonschema

from scanner.guard import GuardWarning, NonCompliant, guard

# The SDK checks its own schema whenever it looks a default up, which takes most of its time.
jsonschema.Draft202012Validator.check_schema = lambda *_, **__: None

# Files of botocore's are read anew for every session, and for every name of an endpoint.
botocore.loaders.create_loader = functools.cache(botocore.loaders.create_loader)
botocore.session.create_loader = botocore.loaders.create_loader

# What it waits for is there at once.
time.sleep = lambda _: None

if importlib.util.find_spec("sagemaker.estimator"):
    from sagemaker import image_uris, utils
    from sagemaker.estimator import EstimatorBase

    # It reads files of hundreds of kilobytes anew for every image.
    image_uris.config_for_framework = functools.cache(image_uris.config_for_framework)
    # A model is taken from S3, packed with the code, and put there under the name that is sent.
    utils.repack_model = lambda **_: None
    # What training has made is in S3, and the fake trains nothing.
    EstimatorBase.model_data = "s3://example-ml-data/model.tar.gz"


def run(file, mode, config):
    boto3.client("sagemaker").list_domains()
    os.environ["SAGEMAKER_USER_CONFIG_OVERRIDE"] = config
    stopped = None
    values = os.environ["PARAMETERS"] if mode == "fill" else None
    with warnings.catch_warnings(record=True) as caught, guard(mode=mode, parameters=values):
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", GuardWarning)
        try:
            runpy.run_path(file)
        except NonCompliant as error:
            stopped = str(error)
        except ValueError as error:  # version 3 does not take all of its own defaults
            stopped = f"ValueError: {error}"
    told = [(str(it.message), it.filename) for it in caught if issubclass(it.category, GuardWarning)]
    return {"warned": told, "stopped": stopped}


file, *words = sys.argv[1:]
rounds = zip(words[::3], words[1::3], words[2::3], strict=True)
print(json.dumps({name: run(file, *round_) for name, *round_ in rounds}))
