"""The same templates give the same findings in every format, and hostile text is only text in each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.model import Finding, Gap, Note, Resource, Summary, Verdict, Waiver
from scanner.report import SCAN_FORMATS
from scanner.safe_text import inert
from tests.door import called
from tests.report import readers
from tests.report.readers import READERS, Said
from tests.report.samples import VOLUME, VPC, finding, render, run

OPEN = """\
Resources:
  Open:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      DirectInternetAccess: Enabled
      RootAccess: Enabled
      SubnetId: subnet-1
      SecurityGroupIds: [sg-1]
      KmsKeyId: alias/aws/sagemaker
  Lab:
    Type: AWS::SageMaker::NotebookInstance
    Metadata:
      smguard:
        waivers:
          - {control: notebook-root-access, reason: No data here, expires: 9999-12-31, owner: ml}
          - {control: vpc-config, reason: Unused, expires: 9999-12-31}
    Properties:
      DirectInternetAccess: !Ref Internet
      RootAccess: Enabled
      SubnetId: subnet-1
      SecurityGroupIds: [sg-1]
      KmsKeyId: alias/ml
Parameters:
  Internet: {Type: String, AllowedValues: [Enabled, Disabled]}
"""
SELECTED = ("notebook-direct-internet", "notebook-root-access", "customer-managed-kms-key", "vpc-config")
FOUND = {
    Said("failed", "notebook-direct-internet", "Open", "templates/open.yaml:5:7"),
    Said("failed", "notebook-root-access", "Open", "templates/open.yaml:6:7"),
    Said("failed", "customer-managed-kms-key", "Open", "templates/open.yaml:9:7"),
    Said("unknown", "notebook-direct-internet", "Lab", "templates/open.yaml:18:7"),
    Said("waived", "notebook-root-access", "Lab", "templates/open.yaml:19:7"),
    Said("gap", "", "", "templates/broken.yaml:2:1"),
    Said("note", "", "", "templates/open.yaml:13:7"),
}
PASSED = {
    Said("passed", "vpc-config", "Open", "templates/open.yaml:4:5"),
    Said("passed", "customer-managed-kms-key", "Lab", "templates/open.yaml:17:5"),
    Said("passed", "vpc-config", "Lab", "templates/open.yaml:17:5"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "open.yaml").write_text(OPEN)
    (tmp_path / "templates" / "broken.yaml").write_text("Resources:\n\tBad: AWS::\n")
    return tmp_path


def scan(folder: Path, *words: str) -> str:
    selected = [word for name in SELECTED for word in ("--select", name)]
    ran = called("scan", "templates", *selected, *words, cwd=folder, COLUMNS="250")
    assert ran.code == 1, ran.err
    return ran.out


@pytest.mark.parametrize("name", SCAN_FORMATS)
def test_every_format_says_the_same(folder: Path, name: str) -> None:
    found = READERS[name](scan(folder, "-f", name))
    if name in ("gitlab", "html"):  # have no columns
        assert found == {each._replace(where=each.where.rpartition(":")[0]) for each in FOUND}
    else:
        assert found == FOUND


@pytest.mark.parametrize("name", SCAN_FORMATS)
def test_every_format_says_what_is_known(folder: Path, name: str) -> None:
    known = ("--select", "notebook-root-access", "--select", "customer-managed-kms-key")
    assert called("baseline", "templates/open.yaml", *known, cwd=folder).code == 0
    found = READERS[name](scan(folder, "-f", name, "--baseline", ".smguard-baseline.json"))
    is_known = {"notebook-root-access", "customer-managed-kms-key"}
    expected = {
        each._replace(status="baseline") if each.status == "failed" and each.control in is_known else each
        for each in FOUND
    }
    if name in ("gitlab", "html"):
        expected = {each._replace(where=each.where.rpartition(":")[0]) for each in expected}
    if name in ("table", "github"):  # count them only
        expected = {each for each in expected if each.status != "baseline"}
    assert found == expected


@pytest.mark.parametrize("name", sorted(set(SCAN_FORMATS) - {"gitlab"}))
def test_every_format_shows_what_passes(folder: Path, name: str) -> None:
    found = READERS[name](scan(folder, "-f", name, "--all"))
    if name == "html":
        assert found == {each._replace(where=each.where.rpartition(":")[0]) for each in FOUND | PASSED}
    elif name in ("table", "github", "junit"):  # don't say where
        assert found == FOUND | {each._replace(where="") for each in PASSED}
    else:
        assert found == FOUND | PASSED


def test_to_gitlab_what_passes_is_no_issue(folder: Path) -> None:
    assert scan(folder, "-f", "gitlab", "--all") == scan(folder, "-f", "gitlab")


@pytest.mark.parametrize("name", SCAN_FORMATS)
@pytest.mark.no_cover  # each format has tests of its own
def test_formats_side_by_side_say_what_each_says_alone(folder: Path, name: str) -> None:
    others = [other for other in SCAN_FORMATS if other != name]
    files = [word for other in others for word in ("-f", other, "-o", f"{other}.out")]
    together = scan(folder, *files, "-f", name)
    assert together == scan(folder, "-f", name)
    for other in others:
        path = folder / f"{other}.out"
        assert path.read_bytes().decode() == scan(folder, "-f", other)
        assert path.stat().st_mode & 0o777 == 0o600
        path.unlink()


# --- hostile text -----------------------------------------------------------------------------------------

PIECES = [
    *(
        "::error::x",
        "\n::error file=a::",
        "##[error]",
        "##vso[x]",
        "]]>",
        "<script>x</script>",
        "<!--",
        "&lt;",
    ),
    *("=cmd()", ";=cmd()", '";"@x', "|", "\\|", "`", "``` ", "\n", "\r\n", "\u202e", "\udcff", "\x1b[2J"),
    *("@team", " @team ", "#1", "GH-12", "https://example.com", "www.example.com", "[x](y)", ":x:", "~~x~~"),
    *("a@example.com", "![x](y)", "\n# x", "***", "%0A", "%25", ",", ":", "'", "\\", "deadbeef1", "|---|"),
    *("\x00", "\ufffe", "\u2028", " ", "\n/close\n", "<details>", "</summary>"),
]
TEXT = st.lists(
    st.text(st.characters(exclude_categories=()), max_size=8) | st.sampled_from(PIECES), max_size=5
).map("".join)
PAGE_TAGS = {"h3", "p", "strong", "code", "details", "summary", "ul", "li", "sub"} | {
    *("table", "thead", "tbody", "tr", "th", "td")
}
REACHING = re.compile(r"[@#<>|`~*\[\]\\&!%$]|\w:\w|://|www\.|GH-\d|\b[0-9a-f]{7}", re.IGNORECASE)


def hostile_events(texts: list[str]) -> list[Finding | Gap | Note]:
    name, message, file, reason, what = texts
    waiver = Waiver("volume-kms-key", name, reason, "2030-01-01", what, name)
    place = (message, (3, 1), file or "x")
    resource = Resource(reason, name)
    return [
        finding(VOLUME, resource, Verdict.FAIL, *place, path=what),
        finding(VOLUME, resource, Verdict.UNKNOWN, *place, path=f"{what}2", condition=what),
        finding(VOLUME, resource, Verdict.FAIL, *place, path=f"{what}3", waiver=waiver),
        finding(VPC, resource, Verdict.PASS, *place, path=what),
        Gap(what, message, reason),
        Gap(what, message, reason),
        Note(file, message),
    ]


HOSTILE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TEXTS = st.lists(TEXT, min_size=5, max_size=5)
INCOMPLETE = Summary(complete=False, seen=1, judged=1, gaps=2)


def shown(name: str, texts: list[str]) -> str:
    text = render(name, run(hostile_events(texts), INCOMPLETE, width=200, show_passed=True))
    assert text.encode().decode() == text
    for line in text.split("\n"):
        assert line.removesuffix("\r" if name == "csv" else "").isprintable(), ascii(line)
        assert "##" not in re.sub("^### smguard: ", "", line), ascii(line)
    if name != "github":
        assert not any(map(readers.command, text.split("\n")))
    return text


@HOSTILE
@given(TEXTS)
def test_hostile_text_in_junit(texts: list[str]) -> None:
    name, message, file, _, what = texts
    root = readers.suites(shown("junit", texts))
    (failure,) = root.iter("failure")
    assert failure.get("message") == inert(message or VOLUME.title, 1_000)
    case = failure.getparent()
    assert case.get("classname") == inert(file or "x", 1_000)
    assert case.get("name") == inert(f"volume-kms-key: {name}" + (f" {what}" if what else ""), 1_000)
    assert [each.get("message") for each in root.iter("error")] == [inert(message, 1_000)] * 2
    assert len(list(root.iter("skipped"))) == 2
    assert {each.tag for each in root.iter()} == {
        *("testsuites", "testsuite", "testcase", "failure", "skipped", "error"),
        *("properties", "property", "system-out"),
    }


@HOSTILE
@given(TEXTS)
def test_hostile_text_in_github(texts: list[str]) -> None:
    name, message, _, reason, _ = texts
    found = readers.commands(shown("github", texts))
    assert [each.name for each in found] == ["error", "error", "error", "notice", "notice"]
    assert {each.properties["title"] for each in found[:2]} == {"not looked at"}
    lines = [inert(line, 1_000) for line in (message, reason) if line]
    assert found[0].data == "\n".join(lines)
    failed = found[2]
    assert failed.properties["title"] == "volume-kms-key (high)"
    assert failed.data.split("\n")[0] == inert(f"{name}: {message or VOLUME.title}", 1_000)
    assert failed.properties["line"] == "3"


@HOSTILE
@given(TEXTS)
def test_hostile_text_in_gitlab(texts: list[str]) -> None:
    name, message, _, _, _ = texts
    text = shown("gitlab", texts)
    readers.gitlab(text)
    first = readers.json.loads(text)[0]
    assert first["description"] == inert(f"{name}: {message or VOLUME.title} (volume-kms-key)", 1_000)
    assert len(first["fingerprint"]) == 32
    assert len(readers.json.loads(text)) == 6


@HOSTILE
@given(TEXTS)
def test_hostile_text_in_markdown(texts: list[str]) -> None:
    page = readers.Page(shown("markdown", texts))
    assert page.tags <= PAGE_TAGS
    assert not REACHING.search(page.prose.replace(": > ", "")), ascii(page.prose)
    cells = [cells for _, cells in page.rows if len(cells) == 5 and cells[0] == "high"]
    assert [each[1] for each in cells] == ["volume-kms-key"] * 3 + ["vpc-config"]
    for each in cells:
        assert each[2].strip() == inert(texts[0], 1_000).replace("|", "\\x7c").strip()
    assert len([title for title, cells in page.rows if title.startswith("2 gaps")]) == 2


@HOSTILE
@given(TEXTS)
def test_hostile_text_in_csv(texts: list[str]) -> None:
    name, message, _, reason, _ = texts
    rows = readers.rows(shown("csv", texts))
    assert [each["kind"] for each in rows] == ["finding"] * 4 + ["gap", "gap", "note", "summary"]
    assert rows[0]["message"] == inert(message or VOLUME.title, 1_000)
    assert rows[2]["waiver_reason"] == inert(reason, 1_000)
    assert {each["resource"] for each in rows[:4]} == {inert(name, 1_000)}
