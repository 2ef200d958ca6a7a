"""SageMaker security controls, written once as data and judged the same everywhere."""

__version__ = "0.1.0"
