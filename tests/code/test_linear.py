"""Reading takes work in proportion to the code: four times as much of it, about four times the calls."""

# ruff: noqa: E501 - code in a table is easier to read on one line

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from scanner.code import collection
from tests.code.test_laws import judged, judged_file

START = (
    "import boto3\nfrom sagemaker.estimator import Estimator\nsm = boto3.client('sagemaker')\nrole = f()\n"
)
JOB = "Estimator('i', role, 1, 'ml.m5.large', volume_kms_key=k).fit()\n"


def many(lines: str) -> Callable[[int], str]:
    return lambda count: START + "k = 'k'\n" + "".join(lines.format(n=n, m=n - 1) for n in range(count)) + JOB


SHAPES = {
    "statements": many("x{n} = g(role, {n})\n"),
    "a chain of names": lambda count: many("k{n} = k{m}\n")(count).replace("k-1", "k") + f"k = k{count - 1}\n" + JOB,
    "a name that is assigned again and again": many("k = g(k)\n"),
    "a mapping that unknown code gets again and again": lambda count: many("d = g(d)\n")(count).replace("k = 'k'", "k = 'k'\nd = {}"),
    "unknowns that hold more and more": lambda count: many("d = [d, g({{}})]\n")(count).replace("k = 'k'", "k = 'k'\nd = {}"),
    "jobs": many("Estimator('i', role, {n}, 'ml.m5.large', volume_kms_key=k).fit()\n"),
    "requests by name": many("sm.create_model(ModelName='m{n}')\nsm.create_endpoint_config(EndpointConfigName='c{n}', ProductionVariants=[{{'ModelName': 'm{n}'}}])\n"),
    "functions": many("def f{n}(a):\n    return a + {n}\n"),
    "functions that are called": many("def f{n}(a):\n    return a + {n}\nf{n}(role)\n"),
    "long functions that call one another": many("def f{n}(a):\n    '''" + "long " * 100 + "'''\n    return f{m}(a)\nf{n}(role)\n"),
    "methods of one name": many("class C{n}:\n    def run(self):\n        return {n}\n"),
    "a class that changes": lambda count: START + "class C:\n    k = 'k'\n" + "c{n} = C()\n".replace("{n}", "") + many("C.a{n} = 1\n")(count),
    "nested mappings": lambda count: START + "k = 'k'\nd = " + "".join(f"{{'a{n}': [{n}], 'b': {{'c': g({n})}}}}, " for n in range(count)) + "\n" + JOB,
    "keys of one mapping": lambda count: many("d['k{n}'] = {n}\n")(count).replace("k = 'k'", "k = 'k'\nd = {}"),
    "loops": many("for i in range({n}):\n    k = g(k)\n"),
    "branches": many("if g({n}):\n    k = g(k)\nelse:\n    x{n} = 1\n"),
    "tries": many("try:\n    k = g(k)\nexcept ValueError:\n    k = 'k'\n"),
    "waivers": many("# smguard: ignore[volume-kms-key] until=2027-01-31 a reason\nEstimator('i', role, {n}, 'ml.m5.large').fit()\n"),
    "globals": many("def f{n}():\n    global k\n    k = g({n})\nf{n}()\n"),
    "code that is executed": many("exec(g({n}))\n"),
}  # fmt: skip


def work(read: Callable[[], Any]) -> int:
    """How many functions are called, Python's and built-in ones, while something is read."""
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        read()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.no_cover  # short code covers as much
@pytest.mark.parametrize("shape", SHAPES)
def test_work_grows_with_the_code_and_no_faster(shape: str) -> None:
    code = SHAPES[shape]
    judged_file(code(2))
    start, few, many = (work(partial(judged_file, code(size))) for size in (30, 60, 150))
    assert start < few
    # From 30 to 150 is four times as far as from 30 to 60.
    assert many - start <= 4.4 * (few - start)


def test_cells_are_read_in_proportion() -> None:
    job = "sm.create_model(ModelName='m{n}')", "x = g({n})", "%ls {n}", "y = f'{{x}}{n}'"
    start, few, many = (
        work(partial(judged, START, *(each.format(n=n) for n in range(size) for each in job)))
        for size in (30, 60, 150)
    )
    assert many - start <= 4.4 * (few - start)


def test_functions_that_all_name_one_another_end() -> None:
    names = [f"f{n}" for n in range(40)]
    text = "".join(f"def {name}():\n    '{'x' * 400}'\n    {', '.join(names)}\n" for name in names)
    assert work(lambda: judged_file(START + text + "".join(f"{name}()\n" for name in names))) < 50_000


@pytest.mark.parametrize(
    "line",
    ["d['k{n}'] = 1\n", "d.update(k{n}=1)\n", "l.append(1)\n", "d['k{n}'] = 1\ndel d['k{m}']\nl.append(1)\n"],
)
def test_what_is_copied_counts_as_work(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries are copied where one changes: of very many keys the file is not followed to its end."""
    code = many(line)(1000).replace("k = 'k'", "k = 'k'\nd = {}\nl = []")
    assert judged_file(code)
    monkeypatch.setattr(collection, "_COPIED", 1)
    assert not judged_file(code)
