"""A fake of AWS for tests: boto3 talks to it over HTTP, and it makes the faults that AWS makes."""

from tests.fake_aws.call import Call
from tests.fake_aws.fake import Fake

__all__ = ["Call", "Fake"]
