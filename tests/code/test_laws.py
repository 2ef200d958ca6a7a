"""What holds of all code: lines and cells that have nothing to do with a job change nothing of what is said of it."""

# ruff: noqa: E501 - code in a table is easier to read on one line

from __future__ import annotations

import json
from datetime import date
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner import catalog
from scanner.code.judge import judge_code
from scanner.limits import Limits
from scanner.model import Verdict
from scanner.opening import Candidate
from scanner.planning import UNSET, make_plan
from scanner.scan import FileJudge

CATALOG = catalog.load()
PLAN = make_plan(dict(UNSET), None, Limits(), date(2026, 1, 1), CATALOG)
JUDGE = FileJudge(PLAN._replace(show_passed=True)).judge_templates
RANK = {Verdict.PASS: 0, Verdict.UNKNOWN: 1, Verdict.FAIL: 2}
SLOW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

START = [
    "import os, boto3, sagemaker",
    "from sagemaker.estimator import Estimator",
    "sm = boto3.client('sagemaker')",
]
VALUES = [
    "None",
    "'k'",
    "['a']",
    "True",
    "False",
    "f()",
    "os.environ['X']",
    "'k' if p else None",
    "q",
    "conf.key",
]
KEYWORDS = [
    "volume_kms_key",
    "subnets",
    "security_group_ids",
    "enable_network_isolation",
    "encrypt_inter_container_traffic",
    "output_kms_key",
]
UNRELATED = [
    "import pandas as pd", "x = 1", "y = [n for n in range(3)]", "print('done')", "def helper(a):\n    return a + 1",
    "for i in range(3):\n    z = i", "if flag:\n    other = 2", "try:\n    w = open('f')\nexcept OSError:\n    pass", "# a comment", "",
    "class Thing:\n    size = 3", "with open('f') as g:\n    pass", "d = {}\nd['a'] = 1", "boto3.client('s3').create_bucket(Bucket='b')",
]  # fmt: skip


def judged(*parts: str) -> dict[tuple[str, str, str], Verdict]:
    """(resource, control, place) -> verdict; every part is a cell."""
    cells = [{"cell_type": "code", "source": part} for part in parts]
    entry = Candidate("n.ipynb", "n.ipynb", "")
    verdicts = judge_code(JUDGE, CATALOG.types, json.dumps({"cells": cells}), entry, {})
    assert not verdicts.crashed
    return {at: draft.verdict for at, draft in verdicts.drafts.items()}


def judged_file(text: str, defaults: Any = None) -> dict[tuple[str, str, str], Verdict]:
    """(resource, control, place) -> verdict of a module, with defaults of the SDK."""
    verdicts = judge_code(JUDGE, CATALOG.types, text, Candidate("m.py", "m.py", ""), defaults or {})
    assert not verdicts.crashed
    return {at: draft.verdict for at, draft in verdicts.drafts.items()}


@st.composite
def jobs(draw: Any) -> list[str]:
    """Assignments, and an estimator that uses them."""
    chosen = draw(st.lists(st.sampled_from(KEYWORDS), unique=True))
    lines = [f"v{number} = {draw(st.sampled_from(VALUES))}" for number in range(len(chosen))]
    given_ = "".join(f", {keyword}=v{number}" for number, keyword in enumerate(chosen))
    return [
        *lines,
        f"e = Estimator('i', 'r', {draw(st.sampled_from(['1', '2', 'n']))}, 'ml.m5.large'{given_})",
        "e.fit()",
    ]


@SLOW
@given(jobs(), st.lists(st.tuples(st.integers(0, 20), st.sampled_from(UNRELATED)), max_size=8))
def test_unrelated_lines_change_nothing(job: list[str], added: list[tuple[int, str]]) -> None:
    before = judged(*START, *job)
    longer = [*START, *job]
    for at, line in added:
        longer.insert(min(at, len(longer)), line)
    assert before
    assert judged(*longer) == before
    assert judged("\n".join(longer)) == before


@SLOW
@given(jobs(), st.integers(0, 5))
def test_what_becomes_unknown_never_passes_for_it(job: list[str], which: int) -> None:
    """A value that nobody knows: what passed may become unknown; what failed never passes."""
    lines = [number for number, line in enumerate(job) if line.startswith("v")]
    if not lines:
        return
    changed = list(job)
    at = lines[which % len(lines)]
    changed[at] = f"{changed[at].partition('=')[0]}= unknown_to_everyone()"
    before, after = judged(*START, *job), judged(*START, *changed)
    for place, verdict in after.items():
        if verdict is Verdict.PASS and place in before:
            assert before[place] is Verdict.PASS


@SLOW
@given(jobs(), jobs())
def test_either_branch_is_as_bad_as_the_worse_or_unknown(first: list[str], second: list[str]) -> None:
    """A job that either of two branches makes passes only what passes in both, and fails only what fails in both."""
    branches = (
        ["if chosen:"] + [f"    {line}" for line in first] + ["else:"] + [f"    {line}" for line in second]
    )
    one, other = judged(*START, *first), judged(*START, *second)
    both = judged(*START, "\n".join(branches))
    worst = {}
    for (name, control, place), verdict in both.items():
        worst[name.removesuffix("#2"), control, place] = max(
            worst.get((name.removesuffix("#2"), control, place), Verdict.PASS), verdict, key=RANK.__getitem__
        )
    for at in worst.keys() & one.keys() & other.keys():
        assert worst[at] is max(one[at], other[at], key=RANK.__getitem__)


@SLOW
@given(jobs())
def test_values_by_a_branch_are_one_of_both(job: list[str]) -> None:
    """Each value from `value if chosen else None`: a PASS needs both, a FAIL comes of both."""
    lines = [line for line in job if line.startswith("v")]
    rest = [line for line in job if not line.startswith("v")]
    split = [f"{line.partition('=')[0]}= ({line.partition('=')[2]}) if chosen else None" for line in lines]
    yes = judged(*START, *job)
    no = judged(*START, *(f"{line.partition('=')[0]}= None" for line in lines), *rest)
    for at, verdict in judged(*START, *split, *rest).items():
        if at in yes and at in no:
            expected = yes[at] if yes[at] is no[at] else Verdict.UNKNOWN
            assert verdict is expected, at
