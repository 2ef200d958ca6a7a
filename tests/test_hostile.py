"""Hostile and broken templates through the public door: judged, or named in a gap, never lost.

Each template holds the same violating notebook where its fault leaves room for one. Each is scanned by its
name, and as one file of a folder with a neighbour whose findings must all be there. The numbers name faults.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.door import files, found, gaps, notes, scan
from tests.hostile.case import NEIGHBOUR, OF_NEIGHBOUR, Case
from tests.hostile.duplicates import DUPLICATES
from tests.hostile.encodings import ENCODINGS
from tests.hostile.functions import FUNCTIONS
from tests.hostile.shapes import SHAPES
from tests.hostile.writing import WRITING

TABLE = [*SHAPES, *DUPLICATES, *WRITING, *ENCODINGS, *FUNCTIONS]


@pytest.mark.parametrize("case", TABLE, ids=[case.id for case in TABLE])
def test_a_hostile_template(case: Case, tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / case.name).write_bytes(case.data)
    (folder / "neighbour.yaml").write_text(NEIGHBOUR)
    file = f"templates/{case.name}"

    ran = scan(file, cwd=tmp_path)
    report = ran.report
    assert (found(report, file), gaps(report, file)) == ([*case.findings], [*case.gaps])
    assert notes(report) == [f"{file}{'' if note[0] == ' ' else ':'}{note}" for note in case.notes]
    failing = any(not each.startswith("unknown") for each in case.findings)
    assert ran.code == (1 if failing else 3 if case.gaps else 0)
    assert files(report) == {"unread" if case.disposition == "skipped" else case.disposition: 1}

    ran = scan("templates", cwd=tmp_path)
    report = ran.report
    assert found(report, "templates/neighbour.yaml") == OF_NEIGHBOUR
    skipped = case.disposition == "skipped"
    assert (found(report, file), gaps(report, file)) == (
        ([], []) if skipped else ([*case.findings], [*case.gaps])
    )
    assert ran.code == 1
    counts = files(report)
    assert counts.pop("judged") == (2 if case.disposition == "judged" else 1)
    assert counts == ({} if case.disposition == "judged" else {case.disposition: 1})
    assert ran.err == ""


def test_every_gap_of_a_template_helps_further(tmp_path: Path) -> None:
    for number, case in enumerate(TABLE):
        if case.gaps and len(case.data) < 100_000:
            (tmp_path / f"{number}-{case.name}").write_bytes(case.data)
    report = scan(*sorted(tmp_path.iterdir()), cwd=tmp_path).report
    assert {each["where"].partition(":")[0] for each in report["gaps"]} == {
        str(each) for each in tmp_path.iterdir()
    }
    assert all(each["what"] and each["what"].isprintable() for each in report["gaps"])
