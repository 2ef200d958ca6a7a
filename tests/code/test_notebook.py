"""Notebooks: what of a cell is read, where findings stand, and what happens to those that can't be read."""

# ruff: noqa: E501 - code in a table is easier to read on one line

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from scanner.code.cell import cells
from tests.door import Ran, called

CALL = "sm.create_model(ModelName='m', PrimaryContainer={'Image': 'i'})"
CLIENT = "import boto3\nsm = boto3.client('sagemaker')"


def cell(source: Any, kind: str = "code", **more: Any) -> dict[str, Any]:
    lines = source.splitlines(keepends=True) if isinstance(source, str) else source
    return {"cell_type": kind, "metadata": {}, "source": lines, **more}


def notebook(*cells: Any, language: str = "python", **more: Any) -> str:
    metadata = {"kernelspec": {"language": language, "name": "k"}, "language_info": {"name": language}}
    return json.dumps(
        {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5, **more}, indent=1
    )


def scan(folder: Path, text: str | bytes, *words: str, name: str = "n.ipynb") -> Ran:
    """A scan for VPC settings, which `CALL` lacks."""
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return called("scan", name, "-f", "json", "--select", "vpc-config", *words, cwd=folder)


def names(ran: Ran) -> list[str]:
    return [f"{each['resource']['name']} {each['verdict']}" for each in ran.report["findings"]]


def gaps(ran: Ran) -> list[str]:
    return [f"{each['where']}: {each['what']}" for each in ran.report["gaps"]]


def test_findings_name_the_line_of_the_file_and_the_cell(tmp_path: Path) -> None:
    text = notebook(cell("# Title", "markdown"), cell(CLIENT), cell(f"\nx = 1\n{CALL}"))
    ran = scan(tmp_path, text)
    (finding,) = ran.report["findings"]
    line = next(number for number, row in enumerate(text.split("\n"), 1) if "create_model" in row)
    assert finding["location"]["line"] == line
    assert finding["location"]["column"] == text.split("\n")[line - 1].index('"') + 2
    assert finding["resource"]["construct"] == "cell 3, line 3"
    table = called("scan", "n.ipynb", "--select", "vpc-config", cwd=tmp_path).out
    assert "AWS::SageMaker::Model  cell 3, line 3" in table


def test_a_source_in_one_text_stands_on_its_line(tmp_path: Path) -> None:
    text = notebook({"cell_type": "code", "source": f"{CLIENT}\n{CALL}"})
    (finding,) = scan(tmp_path, text).report["findings"]
    assert "create_model" in text.split("\n")[finding["location"]["line"] - 1]
    assert finding["resource"]["construct"] == "cell 1, line 3"


def test_lines_of_a_source_may_stand_on_one_line(tmp_path: Path) -> None:
    text = json.dumps(json.loads(notebook(cell(CLIENT), cell(f"x = 1\n{CALL}"))))
    (finding,) = scan(tmp_path, text).report["findings"]
    assert finding["location"]["line"] == 1
    assert text[finding["location"]["column"] - 1 :].startswith(CALL.partition("\n")[0][:20])
    assert finding["resource"]["construct"] == "cell 2, line 2"


READ = {
    "line magics": (
        f"%pip install x\n!ls -l \\\n    more\n%matplotlib inline\nos.path?\n{CLIENT}\n{CALL}",
        ["m fail"],
    ),
    "assigned magics": (f"files = !ls | sort \\\n  | uniq\nhere = %pwd\n{CLIENT}\n{CALL}", ["m fail"]),
    "magics without a sign": (f"pip install x\nrm -rf folder\n{CLIENT}\n{CALL}", ["m fail"]),
    "a timed cell": (f"%%time\n{CLIENT}\n{CALL}", ["m fail"]),
    "a captured and timed cell": (f"%%capture\n%%time\n{CLIENT}\n{CALL}", ["m fail"]),
    "Python 2": (
        f"print 'a', 1\nprint\n{CLIENT}\ntry:\n    {CALL}\nexcept ValueError, e:\n    print e",
        ["m fail"],
    ),
    "a cell that is indented as a whole": (
        "  import boto3\n  boto3.client('sagemaker').create_model(ModelName='m')",
        ["m fail"],
    ),
    "await": (f"{CLIENT}\nawait {CALL}", ["m fail"]),
    "a shell cell": (f"%%bash\n{CALL}", []),
    "HTML": (f"%%html\n<b>{CALL}</b>", []),
    "a module that is written": (f"%%writefile job.py\n{CLIENT}\n{CALL}", ["m fail"]),
    "a text that is written": (f"%%writefile job.txt\n{CLIENT}\n{CALL}", []),
}


@pytest.mark.parametrize("case", READ)
def test_what_of_a_cell_is_read(case: str, tmp_path: Path) -> None:
    source, found = READ[case]
    ran = scan(tmp_path, notebook(cell(source)))
    assert (names(ran), gaps(ran)) == (found, [])


def test_names_live_on_from_cell_to_cell_but_not_into_written_modules(tmp_path: Path) -> None:
    vpc = "vpc = {'Subnets': ['s'], 'SecurityGroupIds': ['g']}"
    with_vpc = "sm.create_model(ModelName='{}', PrimaryContainer={{'Image': 'i'}}, VpcConfig=vpc)"
    written = f"%%writefile a.py\n{CLIENT}\n{with_vpc.format('written')}"
    ran = scan(
        tmp_path, notebook(cell(CLIENT), cell(vpc), cell(written), cell(with_vpc.format("m"))), "--all"
    )
    # What the module calls vpc nobody knows; that it is there is sure.
    assert names(ran) == ["m pass", "written unknown"]


def test_what_is_no_python_but_speaks_of_sagemaker_is_noted(tmp_path: Path) -> None:
    ran = scan(
        tmp_path, notebook(cell("%%bash\naws sagemaker create-model --model-name m"), cell("%%bash\nls"))
    )
    assert [note["what"] for note in ran.report["notes"]] == [
        "cell 1 is no Python, so what it may say of SageMaker is not looked at"
    ]


def test_a_cell_that_cannot_be_read_is_a_gap_and_what_it_assigns_is_unknown(tmp_path: Path) -> None:
    broken = "vpc = None\nthis is no Python"
    call = "sm.create_model(ModelName='m', PrimaryContainer={'Image': 'i'}, VpcConfig=vpc)"
    before = "vpc = {'Subnets': ['s'], 'SecurityGroupIds': ['g']}"
    text = notebook(cell(CLIENT), cell(before), cell(broken), cell(call))
    ran = scan(tmp_path, text)
    assert ran.code == 3
    line = next(number for number, row in enumerate(text.split("\n"), 1) if "this is" in row)
    assert gaps(ran) == [f"n.ipynb:{line}:6: cell 3 is no Python 3, so it is not read: invalid syntax"]
    assert names(ran) == ["m unknown"]
    assert ran.report["summary"]["files"]["partial"] == 1


UNREADABLE: dict[str, tuple[str | bytes, str]] = {
    "another language": (
        notebook(cell("x <- 1 # sagemaker"), language="R"),
        "n.ipynb: is a notebook in r: only Python is read",
    ),
    "cut off": (notebook(cell(CALL))[:-40], "is no notebook: its JSON is broken"),
    "a conflict in a cell": (
        '{"cells": [{"cell_type": "code",\n"source": ["sagemaker",\n<<<<<<< HEAD\n"x"]}]}',
        "n.ipynb:3:1: is no notebook: its JSON is broken",
    ),
    "a conflict between cells": (
        '{"cells": [\n<<<<<<< HEAD\n{"cell_type": "code", "source": "sagemaker"}]}',
        "n.ipynb:2:1: is no notebook: its JSON is broken",
    ),
    "a list": ('["sagemaker"]', "n.ipynb:1:1: is no notebook: its JSON is broken"),
    "empty": ("", "n.ipynb:1:1: is no notebook: its JSON is broken"),
    "nested deep": ('{"cells": ' + "[" * 100_000 + '"sagemaker"', "n.ipynb: is nested too deep"),
    "no UTF-8": (
        notebook(cell("x = 'ü'")).encode().replace(b"\\u00fc", b"\xfc"),
        "n.ipynb: is not UTF-8 at byte",
    ),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_notebook_that_cannot_be_read_is_a_gap(case: str, tmp_path: Path) -> None:
    text, what = UNREADABLE[case]
    ran = scan(tmp_path, text)
    assert ran.code == 3
    (gap,) = gaps(ran)
    assert what in gap


HARMLESS = {
    "null cells": [None, 1, "x", {}, {"cell_type": "code"}, {"cell_type": "code", "source": None}],
    "odd sources": [{"cell_type": "code", "source": [None, 3, {}]}, {"cell_type": "code", "source": 7}],
}


@pytest.mark.parametrize("case", HARMLESS)
def test_odd_cells_are_passed_over(case: str, tmp_path: Path) -> None:
    ran = scan(tmp_path, notebook(*HARMLESS[case], cell(CLIENT), cell(CALL)))
    assert (names(ran), gaps(ran)) == (["m fail"], [])


def test_version_3_of_the_format_is_read(tmp_path: Path) -> None:
    old = {"cell_type": "code", "language": "python", "input": [f"{CLIENT}\n", CALL], "outputs": []}
    text = json.dumps({"metadata": {"name": "x"}, "nbformat": 3, "worksheets": [{"cells": [old]}]}, indent=1)
    ran = scan(tmp_path, text)
    assert names(ran) == ["m fail"]
    assert "create_model" in text.split("\n")[ran.report["findings"][0]["location"]["line"] - 1]


@pytest.mark.no_cover  # small ones cover as much
def test_outputs_may_be_large_but_not_without_bound(tmp_path: Path) -> None:
    def with_output(size: int) -> str:
        return notebook(cell(f"{CLIENT}\n{CALL}", outputs=[{"data": {"image/png": "A" * size}}]))

    assert names(scan(tmp_path, with_output(20_000_000))) == ["m fail"]
    ran = scan(tmp_path, with_output(50_000_001))
    assert gaps(ran) == ["n.ipynb: is larger than 50 MB"]
    assert ran.report["gaps"][0]["hint"] == "clear the outputs"


def test_large_notebooks_are_read_sparingly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is made of outputs, deep ones and those of many tiny objects alike, and the findings are the same."""
    output: Any = {"a": '}"]\\', "b": [[[[[[[[["x", {"y": []}], 1]]]]]]], "\u2028"]}
    first, second = cell(CLIENT, outputs=[output, []]), cell(f"\nx = 1\n{CALL}", outputs=[[{}] * 100_000])
    text = notebook(cell("# Title", "markdown"), first, 7, [], {}, cell("", "raw"), second)
    whole = scan(tmp_path, text)
    monkeypatch.setattr("scanner.code.cell._LARGE", 1_000)
    sparing = scan(tmp_path, text)
    assert names(sparing) == ["m fail"]
    assert sparing.report["findings"] == whole.report["findings"]
    tracemalloc.start()
    found = cells(text, notebook=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [each.number for each in found] == [2, 7]
    assert peak < len(text) / 10


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (
            '{"cells": [{"outputs": [' + '{"a": [1]}, ' * 9_999,
            "n.ipynb:1:1: is no notebook: its JSON is broken",
        ),
        ('{"cells": [{"outputs": "' + "a" * 9_999, "n.ipynb:1:1: is no notebook: its JSON is broken"),
        ('{"sagemaker": ' + "[" * 9_999, "n.ipynb: is nested too deep"),
        (
            '{"cells": [{"source": ["sagemaker"' + ', "a"' * 9_999 + "]}]}",
            "n.ipynb: holds more than 5 MB in one piece that is no output",
        ),
    ],
)
def test_large_notebooks_that_cannot_be_read(
    text: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scanner.code.cell._LARGE", 1_000)
    monkeypatch.setattr("scanner.code.cell._LARGEST_PART", 9_999)
    assert gaps(scan(tmp_path, text)) == [what]


HOSTILE = {
    "deep parentheses": "x = " + "(" * 5_000 + ")" * 5_000,
    "a long sum": "x = " + "+".join(["a"] * 20_000),
    "a long chain": "x = a" + ".b" * 20_000,
    "deep negation": "x = " + "not " * 20_000 + "a",
    "a NUL": "x = 1\0",
    "deep blocks": "\n".join(" " * depth + "if a:" for depth in range(99)),
    "a number without end": "x = 9**9**9**9\ny = 'a' * 10**12\nz = [0] * 10**12",
    "texts that double": "x = 'ab'\n" + "x = x + x\n" * 200,
    "lists that double": "x = [1]\n" + "x = x + x\n" * 200,
    "dicts that hold themselves": "x = {}\nx['x'] = x\nsm.create_training_job(**x)",
    "many branches": "x = {}\n" + "".join(f"if a{n}:\n    x['k{n}'] = {n}\n" for n in range(2_000)),
    "branches in branches": "".join(" " * n + f"if a{n}:\n" for n in range(60)) + " " * 60 + "x = 1",
    "functions that call themselves": "def f(n):\n    return f(n - 1) + g(n)\ndef g(n):\n    return f(n) + g(n)\nf(9)",
    "loops in loops": "".join(" " * n + f"for a{n} in b:\n" for n in range(18)) + " " * 18 + "sm.create_model(ModelName='n')",
    "functions that multiply": "".join(
        f"def f{n}():\n    f{n + 1}(); f{n + 1}(); f{n + 1}()\n" for n in range(30)
    ) + "def f30():\n    sm.create_model(ModelName='n')\nf0()",
    "a choice of choices": "x = None\n" + "".join(f"x = x if a{n} else {n}\n" for n in range(3_000))
    + "sm.create_model(ModelName='n', VpcConfig=x)",
}  # fmt: skip


@pytest.mark.parametrize(
    "case",
    [
        # Tracing two thousand branches makes most of the time, and a few cover as much.
        pytest.param(name, marks=pytest.mark.no_cover if name == "many branches" else ())
        for name in HOSTILE
    ],
)
def test_hostile_code_is_bounded_and_the_rest_is_judged(case: str, tmp_path: Path) -> None:
    ran = scan(tmp_path, notebook(cell(CLIENT), cell(HOSTILE[case]), cell(CALL)))
    assert ran.code in (1, 3)
    assert ran.err == ""
    assert "m fail" in names(ran)
    assert not [gap for gap in ran.report["gaps"] if "defect" in gap["hint"]]
