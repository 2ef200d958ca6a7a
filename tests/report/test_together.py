"""Several reports of one run: which goes where, side by side in bounded memory, all or none."""

from __future__ import annotations

import json
import os
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scanner.model import Finding
from scanner.report import SCAN_FORMATS, Output
from scanner.report.together import render_together
from tests.door import TWO, Ran, called, smguard
from tests.hostile.case import YAML
from tests.report.samples import SAMPLE_SUMMARY, VOLUME, finding, render, run, sample_events

ORDER = "each -o belongs to the -f before it: "


def report(path: Path) -> str:
    """Which format a file holds."""
    starts = {
        '{"schema_version"': "json",
        '{"$schema"': "sarif",
        "<?xml": "junit",
        "[": "gitlab",
        "###": "markdown",
        '"kind"': "csv",
        "<!doctype html>": "html",
        "bad.yaml\n": "table",
    }
    text = path.read_text() if isinstance(path, Path) else path
    if "\n::error " in text:
        return "github"
    return next(name for start, name in starts.items() if text.startswith(start))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bad.yaml").write_text(YAML)
    return tmp_path


def scan(folder: Path, *words: str, run: Callable[..., Ran] = called, **how: Any) -> Ran:
    return run("scan", "bad.yaml", *TWO, *words, cwd=folder, **how)


def outcome(folder: Path, out: str) -> dict[str, str]:
    """File -> format, standard output being "-"; nothing else may have appeared."""
    found = {path.name: report(path) for path in sorted(folder.iterdir()) if path.name != "bad.yaml"}
    return {**found, "-": report(out)} if out else found


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", {"-": "table"}),
        ("-f json", {"-": "json"}),
        ("-o a", {"a": "table"}),
        ("-f json -o a", {"a": "json"}),
        ("-o a -f json", {"a": "json"}),
        ("-f json -o -", {"-": "json"}),
        ("-f table -f sarif -o a -f json -o b", {"-": "table", "a": "sarif", "b": "json"}),
        ("-f json -o b -f table -f sarif -o a", {"-": "table", "a": "sarif", "b": "json"}),
        ("-f json -o b -f sarif -o a -f table", {"-": "table", "a": "sarif", "b": "json"}),
        ("-f json -o b -f sarif -o a", {"a": "sarif", "b": "json"}),
        ("-f json -o - -f sarif -o a", {"-": "json", "a": "sarif"}),
        ("-f json -f sarif -o json", {"-": "json", "json": "sarif"}),
        ("-fjson -oa --format=sarif --output=b", {"a": "json", "b": "sarif"}),
        ("-f json --strict -o a --all -f csv", {"a": "json", "-": "csv"}),
        ("-f json -o a -f json", {"a": "json", "-": "json"}),
        ("-o a -f github", {"a": "github"}),
        ("-f table -o a -f gitlab -o b -f junit -o c", {"a": "table", "b": "gitlab", "c": "junit"}),
    ],
)
def test_each_file_belongs_to_the_format_before_it(
    folder: Path, words: str, expected: dict[str, str]
) -> None:
    ran = scan(folder, *words.split())
    assert (ran.code, ran.err) == (1, "")
    assert outcome(folder, ran.out) == expected
    assert all((folder / name).stat().st_mode & 0o777 == 0o600 for name in expected if name != "-")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("-f json -f table", "json and table would both go to standard output"),
        ("-f json -f table -o -", "json and table would both go to standard output"),
        ("-f json -o a -f table -f csv", "table and csv would both go to standard output"),
        ("-f json -o a -f csv -o a", "json and csv would both go to a"),
        ("-f json -o a -f csv -o ./x/../a", "json and csv would both go to a"),
        ("-f json -o a -o b", "json has two files, a and b"),
        ("-o a -o b", "the file a has no format before it"),
        ("-o a -f json -f csv", "the file a has no format before it"),
        ("-o a -f json -o b", "the file a has no format before it"),
    ],
)
def test_what_is_not_clear_is_refused(folder: Path, words: str, why: str) -> None:
    ran = scan(folder, *words.split())
    assert (ran.code, ran.out) == (2, "")
    first, hint = ran.err.splitlines()
    assert first == f"Error: {why}"
    assert hint.strip().startswith(ORDER)
    assert outcome(folder, "") == {}


@pytest.mark.parametrize("place", ["no/report", ".", "link"])
@pytest.mark.parametrize("order", ["-f json -o a -f csv -o {} -f table", "-f csv -o {} -f json -o a"])
def test_if_one_can_not_be_written_none_is(folder: Path, place: str, order: str) -> None:
    (folder / "a").write_text("old")
    if place == "link":
        (folder / "link").symlink_to("bad.yaml")
    ran = scan(folder, *order.format(place).split())
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Error: ")
    assert (folder / "a").read_text() == "old"
    assert sorted(path.name for path in folder.iterdir() if path.name != "link") == ["a", "bad.yaml"]


@pytest.mark.parametrize("words", ["-f sarif -o a", "-f csv -o b -f sarif -o a -f gitlab -o c"])
def test_a_full_disk_leaves_nothing(folder: Path, words: str) -> None:
    def few_bytes() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_500, 1_500))

    # Neither measuring nor bytecode, which would be cut off as well.
    quiet = {"PYTHONDONTWRITEBYTECODE": "1"}
    ran = smguard("scan", "bad.yaml", *words.split(), cwd=folder, before=few_bytes, **quiet)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines()[0] == "Error: the report can't be written to a: File too large"
    assert outcome(folder, "") == {}


@pytest.mark.parametrize("words", ["-f json -o a", "-f csv -o b -f json -o a"])
def test_reports_are_not_scanned_while_they_are_written(folder: Path, words: str) -> None:
    smguard("scan", ".", *words.split(), cwd=folder)
    assert json.loads((folder / "a").read_text())["summary"]["files"]["seen"] == 1


def test_standard_output_that_is_full_leaves_no_file(folder: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        ran = scan(folder, "-f", "json", "-o", "a", "-f", "table", out=full, run=smguard)
    assert ran.code == 2
    assert outcome(folder, "") == {}


def test_a_reader_that_goes_away_spares_the_files(folder: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ran = scan(folder, "-f", "table", "-f", "json", "-o", "a", out=writing, run=smguard)
    os.close(writing)
    assert (ran.code, ran.err) == (1, "")
    assert len(json.loads((folder / "a").read_text())["findings"]) == 2


# --- the summary of a GitHub job --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", ["-f github", "-f github -o log", "-f json -o a -f github", "-f github -f json -o a"]
)
def test_a_job_summary_is_added_where_github_says(folder: Path, words: str) -> None:
    summary = folder / "summary"
    summary.write_text("Before")
    ran = scan(folder, *words.split(), GITHUB_STEP_SUMMARY=str(summary))
    assert ran.code == 1
    before, _, added = summary.read_text().partition("\n")
    assert before == "Before"
    assert added.startswith("### smguard: 2 failed\n")
    log = (folder / "log").read_text() if "log" in words else ran.out
    assert "\n::error file=bad.yaml," in log


def test_no_job_summary_without_the_format_or_the_place(folder: Path) -> None:
    summary = folder / "summary"
    assert scan(folder, "-f", "json", GITHUB_STEP_SUMMARY=str(summary)).code == 1
    assert scan(folder, "-f", "github", GITHUB_STEP_SUMMARY="").code == 1
    assert not summary.exists()
    assert scan(folder, "-f", "github", GITHUB_STEP_SUMMARY=str(summary)).code == 1
    assert summary.stat().st_mode & 0o777 == 0o600
    ran = scan(folder, "-f", "github", "-f", "json", "-o", "a", GITHUB_STEP_SUMMARY="no/summary")
    assert ran.code == 2
    assert "can't be written to no/summary" in ran.err
    assert not (folder / "a").exists()


# --- sharing a stream -------------------------------------------------------------------------------------


class Counted(Finding):
    """A finding that is counted as long as it lives."""

    alive = 0

    def __del__(self) -> None:
        Counted.alive -= 1


@pytest.mark.no_cover  # fewer findings cover as much
def test_no_more_is_held_than_the_findings_of_a_file() -> None:
    per_file, files = 20, 100
    most = 0

    def events() -> Iterator[Finding]:
        nonlocal most
        for number in range(files):
            for line in range(1, per_file + 1):
                made = finding(VOLUME, at=(line, 1), file=f"{number}.yaml", cause=f"{line}")
                Counted.alive += 1
                yield Counted(*made)
                most = max(most, Counted.alive)

    outputs = [Output(name) for name in SCAN_FORMATS]
    texts = ["" for _ in outputs]
    for index, chunk in render_together(run(events()), outputs):
        texts[index] += chunk
    for output, text in zip(outputs, texts, strict=True):
        assert "99.yaml" in text or output.format == "markdown"  # which ends earlier, and says so
    assert Counted.alive == 0
    # Of 2,000: two files' findings, ten annotations, and what itertools.tee holds, 57 at a time.
    assert per_file < most <= 2 * per_file + 10 + 2 * 57


@pytest.mark.parametrize("name", SCAN_FORMATS)
def test_sharing_changes_no_report(name: str) -> None:
    outputs = [Output(each) for each in (name, *SCAN_FORMATS)]
    texts = ["" for _ in outputs]
    for index, chunk in render_together(run(sample_events(), SAMPLE_SUMMARY), outputs):
        texts[index] += chunk
    for output, text in zip(outputs, texts, strict=True):
        assert text == render(output.format, run(sample_events(), SAMPLE_SUMMARY))


def test_only_what_goes_to_standard_output_is_coloured() -> None:
    texts = ["", ""]
    outputs = [Output("table", "file"), Output("table")]
    for index, chunk in render_together(run(sample_events(), SAMPLE_SUMMARY, color=True), outputs):
        texts[index] += chunk
    assert ["\x1b" in text for text in texts] == [False, True]
