"""SageMaker requests that Python code makes, read from its source: nothing of it is executed."""
