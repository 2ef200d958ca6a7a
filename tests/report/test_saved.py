"""Saved reports read back: rendered as on the day they were made, whatever is in them, in little memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner import catalog
from scanner.model import SmguardError
from scanner.report import FORMATS, SCAN_FORMATS
from scanner.report.saved import read
from tests.door import MEASURED, ROOT, TWO, Ran, assert_inert, called, smguard
from tests.hostile.case import YAML
from tests.report import audits

EVIL = "\x1b]0;x\x07\u202e\n::error file=a,line=1::PWNED\r\n##vso[task.x]\x85<script>x</script>=cmd()"


def report(*words: str | Path, **how: Any) -> Ran:
    return called("report", *words, **how)


@pytest.fixture
def scanned(tmp_path: Path) -> Path:
    """A folder with a template."""
    (tmp_path / "bad.yaml").write_text(YAML)
    (tmp_path / "broken.yaml").write_text("Resources:\n\tBad: AWS::\n")
    return tmp_path


@pytest.mark.parametrize("name", SCAN_FORMATS)
def test_a_saved_scan_is_told_as_the_scan_told_it(scanned: Path, name: str) -> None:
    words = ("scan", "bad.yaml", "broken.yaml", *TWO, "--all")
    called(*words, "-f", "json", "-o", "saved", cwd=scanned)
    direct = called(*words, "-f", name, "-o", "direct", cwd=scanned)
    assert direct.code == 1
    ran = report("saved", "-f", name, "-o", "again", cwd=scanned)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert (scanned / "again").read_text() == (scanned / "direct").read_text()


def test_several_formats_and_standard_input(tmp_path: Path) -> None:
    text = audits.report(audits.many(30))
    words = ("-", "-f", "html", "-o", "a.html", "-f", "json")
    ran = smguard("report", *words, cwd=tmp_path, given=text.encode(), **MEASURED)
    assert (ran.code, ran.out) == (0, text)
    assert ran.err == "How to mend, and references, are those of this version's catalog.\n"
    assert (tmp_path / "a.html").read_text().startswith("<!doctype html>")


@pytest.mark.parametrize("indent", [None, 1, 4])
def test_any_layout_and_order_of_the_same_json(tmp_path: Path, indent: int | None) -> None:
    text = audits.report(audits.many(20))
    other = json.dumps(json.loads(text), indent=indent, sort_keys=True, ensure_ascii=False)
    for encoded in (other.encode(), other.encode("utf-8-sig"), other.encode("utf-16")):
        (tmp_path / "a.json").write_bytes(encoded)
        assert report("a.json", "-f", "json", cwd=tmp_path).report == json.loads(text)


def test_a_pipe_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    text = audits.report(audits.many(3))
    writer = threading.Thread(target=pipe.write_text, args=(text,))
    writer.start()
    assert report(pipe, "-f", "json").out == text
    writer.join()


def test_controls_that_nobody_knows_are_told_as_the_report_has_them(tmp_path: Path) -> None:
    own = audits.finding("own-control", "Own::Thing", "x", title="Own things are ours", severity="critical")
    path = audits.write(tmp_path / "a.json", [own], gaps=[])
    for name in FORMATS:
        ran = report(path, "-f", name)
        assert ran.code == 0, ran.err
        assert "own-control" in ran.out
    assert "critical" in report(path).out
    assert "Own things are ours" in report(path).out


def test_a_severity_that_was_configured_stays(tmp_path: Path) -> None:
    path = audits.write(tmp_path / "a.json", [audits.finding("vpc-config", "T", "x", severity="low")])
    assert "1  1 low\n" in report(path).out


def test_a_summary_that_does_not_agree_is_not_believed(tmp_path: Path) -> None:
    whole = json.loads(audits.report(audits.many(30)))
    whole["findings"] = whole["findings"][:7]
    whole["gaps"] = []
    whole["summary"]["complete"] = True
    path = tmp_path / "a.json"
    path.write_text(json.dumps(whole))
    told = report(path, "-f", "json").report
    assert told["summary"]["fail"] + told["summary"]["unknown"] + told["summary"]["waived"] == 7
    assert told["notes"][-1]["what"].startswith("was changed after it was written")


def peak_of(*words: str | Path, code: int = 0) -> int:
    """KiB that Python with these words needed at most, started by a small process: a child's peak is at
    least that of the process that starts it, and one that runs tests is large."""
    command = [sys.executable, "-I", "-S", str(ROOT / "benchmarks/measure.py"), sys.executable, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    ended, _, _, peak = done.stdout.split()
    assert int(ended) == code
    return int(float(peak))


@pytest.mark.no_cover  # fewer findings cover as much
def test_memory_does_not_grow_with_the_findings(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom scanner.report.saved import read\n"
        "with_ = read(sys.argv[1], {})\n"
        "count = sum(1 for _ in with_.findings())\n"
        "with_.close()\n"
        "sys.exit(count != int(sys.argv[2]))"
    )
    peaks = []
    for number in (200, 30_000):
        path = audits.write(tmp_path / f"{number}.json", audits.many(number))
        peaks.append(peak_of("-c", code, path, str(number)))
    assert path.stat().st_size > 20_000_000
    assert peaks[1] - peaks[0] < 8_000  # KiB


BASE = json.loads(audits.report(audits.many(2)))


def changed(*steps: Any) -> str:
    """The report with one value replaced: keys and, at the end, the value (None: left out)."""
    whole = json.loads(json.dumps(BASE))
    at = whole
    for step in steps[:-2]:
        at = at[step]
    if steps[-1] is None:
        del at[steps[-2]]
    else:
        at[steps[-2]] = steps[-1]
    return json.dumps(whole)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not JSON: { is needed here"),
        ("[]", "is not JSON: { is needed here"),
        ("{}", "is no report of smguard"),
        ("null", "is not JSON: { is needed here"),
        ('{"a": 1} x', "something follows the end"),
        ('{"a" 1}', ": is needed here"),
        ('{"a": 1,}', "a name in quotes is needed here"),
        ('{"findings": [1 2]}', "a finding without a proper a finding"),
        ('{"findings": [{"a": NaN}]}', "NaN is no JSON"),
        ('{"a": ' + "9" * 5000 + "}", "is not JSON: "),
        ('{"findings": [' + "[" * 100_000, "is nested too deeply"),
        ('{"findings": ["' + "x" * 1_500_000, "more than 1,000,000 characters without an end"),
        ('{"a": "\x1b"}', "Invalid control character"),
        (json.dumps(BASE)[:-40], "the file may be cut off"),
        (changed("schema_version", 2), "another version of the schema"),
        (changed("schema_version", "1"), "another version of the schema"),
        (changed("kind", "baseline"), "is no report of smguard"),
        (changed("kind", ["audit"]), "is no report of smguard"),
        (changed("tool", "name", "other"), "is no report of smguard"),
        (changed("tool", "version", EVIL), "names no version and catalog"),
        (changed("findings", 0, 1), "a finding without a proper a finding"),
        (changed("findings", 0, "control", None), "a finding without a proper control"),
        (changed("findings", 0, "control", "../../etc"), "without a proper control and verdict"),
        (changed("findings", 0, "control", "a" * 99), "without a proper control and verdict"),
        (changed("findings", 0, "verdict", "maybe"), "without a proper control and verdict"),
        (changed("findings", 0, "severity", "HIGH"), "without a proper control and verdict"),
        (changed("findings", 0, "area", "<b>"), "without a proper control and verdict"),
        (changed("findings", 0, "location", "line", -1), "lines and columns start at 1"),
        (changed("findings", 0, "location", "line", True), "a finding without a proper line"),
        (changed("findings", 0, "resource", []), "a finding without a proper resource"),
        (changed("findings", 0, "waiver", {"reason": 1}), "a finding without a proper reason"),
        (changed("gaps", 0, "where", 1), "gaps without a proper where"),
        (changed("gaps", 0, "accepted", "yes"), "gaps without a proper accepted"),
        (changed("notes", [{}]), "notes without a proper where"),
        (changed("summary", None), "summary without a proper complete"),
        (changed("summary", "resources", -1), "its summary counts below 0"),
        (changed("summary", "scopes", {"seen": "many"}), "summary without a proper seen"),
        (changed("audit", "accounts", [1]), "audit without a proper accounts"),
        (changed("audit", "totals", [{}]), "audit without a proper account"),
        (changed("audit", "looked_at", {}), "audit without a proper looked_at"),
        (changed("audit", "at", None), "audit without a proper at"),
    ],
    ids=lambda text: text[:40] if text.isprintable() else "control",
)
def test_what_is_no_report_is_refused_with_its_place(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "a.json").write_text(text)
    ran = report("a.json", "-f", "html", "-o", "a.html", cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Error: a.json:1:")
    assert why in ran.err
    assert_inert(ran.err.rstrip("\n").replace("\n", " "))
    assert not (tmp_path / "a.html").exists()


def test_the_place_is_the_line_of_the_finding(tmp_path: Path) -> None:
    lines = audits.report(audits.many(3000)).split("\n")
    lines[2_345] = lines[2_345].replace('"verdict": "', '"verdict": "x')
    (tmp_path / "a.json").write_text("\n".join(lines))
    ran = report("a.json", cwd=tmp_path)
    assert ran.err.startswith("Error: a.json:2346:")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("no.json",), "no.json: the report can't be read: No such file or directory"),
        ((".",), "can't be read: Is a directory"),
        (("/dev/null",), "/dev/null is no regular file"),
        (("a.json", "a.json"), "one report is rendered at a time"),
        (("-", "-", "--compare"), "standard input holds one report"),
        (("a.json", "--compare"), "a comparison needs two reports or more"),
        (("a.json", "a.json", "--compare", "-f", "sarif"), "sarif can't tell of a comparison"),
        (("a.json", "--rules", "no"), "no"),
    ],
)
def test_wrong_usage(tmp_path: Path, words: tuple[str, ...], why: str) -> None:
    audits.write(tmp_path / "a.json", audits.many(3))
    ran = report(*words, cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert why in ran.err


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"a": "\xff"}')
    assert "a.json:1:1: is no text in UTF-8" in report("a.json", cwd=tmp_path).err


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_report_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    text = json.dumps(BASE)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(start + 30, len(text))))
    middle = data.draw(st.text(st.sampled_from('{}[]",:0-truefals\\u'), max_size=8))
    path = tmp_path_factory.getbasetemp() / "damaged.json"
    path.write_text(text[:start] + middle + text[end:])
    try:
        saved = read(str(path), catalog.load().by_id)
    except SmguardError as error:
        complaint = error.what
    else:
        complaint = str(path)
        for _ in saved.findings():
            pass
        saved.close()
    assert str(path) in complaint


def test_hostile_text_of_a_report_is_inert(tmp_path: Path) -> None:
    evil = audits.finding("vpc-config", EVIL, EVIL, path=EVIL, message=EVIL, condition=EVIL, title=EVIL)
    evil["location"] |= {"account": EVIL, "region": EVIL, "arn": EVIL}
    evil["waiver"] = dict.fromkeys(audits.WAIVER, EVIL) | {"inline": True}
    failed = {**evil, "waiver": None, "fingerprint": EVIL}
    gap = {"where": EVIL, "what": EVIL, "hint": EVIL, "accepted": None}
    told = {
        "by": EVIL,
        "at": EVIL,
        "ended": EVIL,
        "since": EVIL,
        "accounts": [EVIL],
        "parameters": {EVIL: {EVIL: EVIL}},
    }
    path = audits.write(tmp_path / "a.json", [evil, failed], [gap], [{"where": EVIL, "what": EVIL}], **told)
    for name in SCAN_FORMATS:
        ran = report(path, "-f", name)
        assert ran.code == 0, ran.err
        assert_inert(ran.out, name)
    refused = report(path, "-f", "asff")
    assert refused.code == 2
    assert "Error: asff needs the account of each finding" in refused.err


def test_memory_is_bounded_for_hostile_names(tmp_path: Path) -> None:
    found = (audits.finding(f"c-{number}", "T", "x") for number in range(10_002))
    path = audits.write(tmp_path / "a.json", found)
    assert "without a proper control" in report(path).err
    assert peak_of("-m", "scanner", "report", path, code=2) < 256 << 10
