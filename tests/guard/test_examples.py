"""Every example of every control as a call: what fails is not sent, what passes is, as a scan says."""

from __future__ import annotations

import warnings
from collections import Counter
from itertools import groupby

import pytest

from scanner.guard import GuardWarning, NonCompliant, guard
from tests.fake_aws import Fake
from tests.guard.calls import NO_CALL, Example, client, examples, send

pytestmark = pytest.mark.no_cover  # hundreds of examples, where a few cover as much

LEFT_OUT = {
    "something that only a template can say": 29,
    "what a configuration asks for": 17,
    "what other resources say": 101,
}
"""Why an example can't be a call -> of how many that may be true."""


def test_what_fails_is_not_sent_and_what_passes_is(aws: Fake) -> None:
    found = list(examples(aws))
    assert Counter(each for each in found if isinstance(each, str) and each != NO_CALL) == LEFT_OUT
    its = client()
    wrong = []
    listed = [each for each in found if isinstance(each, Example)]
    assert len(listed) > 200
    for control, group in groupby(listed, key=lambda each: each.control):
        guard(its, select=[control], fail_on="low")
        for example in group:
            stopped = 0
            for asked in example.calls:
                before = aws.calls[asked.operation]
                with warnings.catch_warnings():
                    # Of a key's id only KMS can tell whose it is.
                    warnings.simplefilter("ignore", GuardWarning)
                    try:
                        send(its, asked)
                    except NonCompliant as error:
                        stopped += 1
                        if {it.control.id for it in error.findings} != {control}:
                            wrong.append(f"{example.name}: stopped for another control")
                if (aws.calls[asked.operation] == before) != (stopped > 0):
                    wrong.append(f"{example.name}: what is stopped is sent, or the other way round")
                if stopped:
                    break
            if bool(stopped) != (example.verdict == "fail"):
                wrong.append(f"{example.name}: {'stopped' if stopped else 'sent'}")
    assert not wrong, "\n".join(wrong)
