"""What a script of an afternoon does: list everything, describe everything, on 16 threads.

With "search" it takes training jobs from Search, a hundred at a time, and describes only the rest.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.config import Config

THREADS = 16
NOUNS = {
    "training_job": ("TrainingJobSummaries", "TrainingJobName", "TrainingJob"),
    "model": ("Models", "ModelName", None),
    "endpoint_config": ("EndpointConfigs", "EndpointConfigName", None),
    "notebook_instance": ("NotebookInstances", "NotebookInstanceName", None),
    "domain": ("Domains", "DomainId", None),
}


def main(searching: bool) -> None:
    """Print how many resources were read."""
    retries = Config(max_pool_connections=THREADS, retries={"mode": "adaptive", "max_attempts": 20})
    client = boto3.client("sagemaker", config=retries)
    with ThreadPoolExecutor(THREADS) as pool:
        jobs = [pool.submit(count, client, pool, noun, searching) for noun in NOUNS]
        print(sum(len(list(described)) + found for described, found in (job.result() for job in jobs)))


def count(client: Any, pool: ThreadPoolExecutor, noun: str, searching: bool) -> tuple[Iterator[Any], int]:
    """The descriptions of one type's resources, on their way, and how many Search has told of."""
    items, name, resource = NOUNS[noun]
    if searching and resource:
        pages = client.get_paginator("search").paginate(Resource=resource, PaginationConfig={"PageSize": 100})
        return iter(()), sum(len(page["Results"]) for page in pages)
    pages = client.get_paginator(f"list_{noun}s").paginate(PaginationConfig={"PageSize": 100})
    names = [row[name] for page in pages for row in page[items]]
    return pool.map(lambda each: getattr(client, f"describe_{noun}")(**{name: each}), names), 0


if __name__ == "__main__":
    main("search" in sys.argv[1:])
