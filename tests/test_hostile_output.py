"""What a template holds can't act on what shows it, its values stay in it, and outputs fail loudly."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scanner.report import SCAN_FORMATS
from tests.door import CALM, TWO, assert_inert, files, found, gaps, installed, notes, scan, smguard
from tests.hostile.case import KIND, NEIGHBOUR, OF_NEIGHBOUR, YAML, bad

EVIL = (
    "\x1b]0;x\x07\x1b[2J\u202e\u2066\u2028\n::error file=a,line=1::PWNED\r\n"
    "##vso[task.x]##[group]\x85\x9b31m\ufeff</script>"
)
ALL_FORMATS = [word for name in SCAN_FORMATS for word in ("-f", name, "-o", f"report.{name}")]


def hostile_template() -> dict[str, Any]:
    """Hostile text wherever a template can hold text that a report may show."""
    waiver = {
        "control": "volume-kms-key",
        "reason": EVIL,
        "expires": "2999-01-01",
        "owner": EVIL,
        "ticket": EVIL,
    }
    metadata = {
        "aws:cdk:path": EVIL,
        "smguard": {"waivers": [waiver, {**waiver, "control": EVIL}, {EVIL: 1}, {**waiver, "expires": EVIL}]},
    }
    return {
        EVIL: {"Type": EVIL},
        "Parameters": {EVIL: {"Type": "String", "AllowedValues": [EVIL, "Enabled", "Disabled"]}},
        "Conditions": {EVIL: {"Fn::Equals": [{"Ref": EVIL}, EVIL]}},
        "Mappings": {EVIL: {EVIL: {EVIL: EVIL}}},
        "Transform": [EVIL],
        "Resources": {
            EVIL: {
                "Type": KIND,
                "Condition": EVIL,
                "Metadata": metadata,
                "Properties": {
                    "DirectInternetAccess": {"Ref": EVIL},
                    "KmsKeyId": EVIL,
                    "RootAccess": {"Fn::If": [EVIL, "Enabled", "Disabled"]},
                    "SubnetId": {"Fn::GetAtt": [EVIL, EVIL]},
                    "SecurityGroupIds": [{"Fn::ImportValue": EVIL}, {f"Fn::{EVIL}": 1}],
                    EVIL: EVIL,
                },
            },
            f"{EVIL}2": {"Type": KIND, "Properties": {"DirectInternetAccess": EVIL, "RootAccess": EVIL}},
            f"{EVIL}3": {"Type": EVIL},
            f"{EVIL}4": {"Type": f"{EVIL}::MODULE"},
            f"{EVIL}5": None,
            f"{EVIL}6": {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": EVIL}},
            f"{EVIL}7": {"Type": "AWS::S3::Bucket", "Properties": {"Fn::Transform": {"Name": EVIL}}},
            f"{EVIL}8": {"Type": "AWS::SageMaker::Endpoint", "Properties": {"EndpointConfigName": EVIL}},
            f"Fn::ForEach::{EVIL}": [EVIL, {"Ref": EVIL}, {"A${x}": {"Type": KIND}}],
        },
    }


@pytest.mark.parametrize(
    "also", [(), ("--all",), ("--no-inline-waivers", "--strict")], ids=lambda words: " ".join(words)
)
def test_hostile_text_is_inert(tmp_path: Path, also: tuple[str, ...]) -> None:
    (tmp_path / "a.json").write_text(json.dumps(hostile_template()))
    (tmp_path / "b.yaml").write_text(
        f"{YAML}X: {json.dumps(EVIL)}\n{json.dumps(EVIL)}: 1\n"
        f"? {json.dumps(EVIL)}\n: 2\nY: !<{'%1b' * 3}::error> x\n"
    )
    (tmp_path / "c.yaml").write_text(f"{YAML}X: !{'%0A'}::error::x y\nZ: *\u202e\n")
    (tmp_path / "d.yaml").write_text(f"{YAML}X: \x1b[31m AWS::\n")
    parameters = tmp_path / "parameters.txt"
    parameters.write_text(json.dumps({EVIL: EVIL, "Other" + EVIL: EVIL}))
    waivers = tmp_path / "waivers.txt"
    waivers.write_text(
        json.dumps(
            {
                "waivers": [
                    {
                        "control": "vpc-config",
                        "resource": f"{EVIL}*",
                        "reason": EVIL,
                        "expires": "2999-01-01",
                    },
                    {EVIL: EVIL},
                ]
            }
        )
    )
    for more in ((), ("--parameters", parameters), ("--waivers", waivers)):
        ran = smguard("scan", ".", *ALL_FORMATS, *also, *more, cwd=tmp_path)
        assert ran.code == 1, ran.err
        assert_inert(ran.err)
        for name in SCAN_FORMATS:
            assert_inert((tmp_path / f"report.{name}").read_bytes().decode(), name)
        report = json.loads((tmp_path / "report.json").read_text())
        assert len(report["findings"]) > 10
        files(report)
        for name in SCAN_FORMATS:
            (tmp_path / f"report.{name}").unlink()


@pytest.mark.parametrize(
    "words",
    [
        ("scan", ".", "--select", EVIL),
        ("scan", ".", "--area", EVIL),
        ("scan", ".", "--framework", EVIL),
        ("scan", ".", "--parameters", EVIL),
        ("scan", ".", "--waivers", EVIL),
        ("scan", ".", "--rules", EVIL),
        ("scan", ".", "-o", f"no/{EVIL}"),
        ("scan", ".", "-f", EVIL),
        ("scan", ".", f"--{EVIL}"),
        (EVIL,),
        ("rules", "show", EVIL),
        ("rules", "check", EVIL),
    ],
    ids=lambda words: " ".join(words[:3]).partition("\x1b")[0],
)
def test_wrong_usage_is_said_inertly(tmp_path: Path, words: tuple[str, ...]) -> None:
    ran = smguard(*words, cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err
    assert_inert(ran.err)


# --- values stay where they are ---------------------------------------------------------------------------

CANARY = "sk-CANARY0123"


def full_of_secrets() -> dict[str, Any]:
    """A resource of each type with a secret in every property, directly and by all ways there."""
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from scanner import catalog

    def fill(kind: Any) -> Any:
        if isinstance(kind, dict):
            return {("Some" if name == "*" else name): fill(below) for name, below in kind.items()}
        return [fill(below) for below in kind] if isinstance(kind, list) else CANARY

    def hide(value: Any, function: Any) -> Any:
        if isinstance(value, dict):
            return {key: hide(below, function) for key, below in value.items()}
        return [hide(below, function) for below in value] if isinstance(value, list) else function

    ways = {
        "Plain": CANARY,
        "Joined": {"Fn::Join": ["", [CANARY, {"Ref": "AWS::Region"}]]},
        "Substituted": {"Fn::Sub": CANARY + "${Secret}${AWS::Region}"},
        "Mapped": {"Fn::FindInMap": ["Map", {"Ref": "Secret"}, "key"]},
        "Referred": {"Ref": "Secret"},
        "Open": {"Ref": "Open"},
        "Chosen": {"Fn::If": ["IsSecret", CANARY, {"Ref": "Secret"}]},
        "Resolved": "{{resolve:secretsmanager:" + CANARY + "}}",
        "Imported": {"Fn::ImportValue": CANARY},
        "Encoded": {"Fn::Base64": CANARY},
    }
    known = catalog.load()
    resources = {}
    for type_name in known.by_type:
        filled = fill(known.kinds.get(type_name, {}))
        short = "".join(character for character in type_name if character.isalnum())
        for way, function in ways.items():
            resources[f"{way}{short}"] = {"Type": type_name, "Properties": hide(filled, function)}
    return {
        "Parameters": {
            "Secret": {
                "Type": "String",
                "NoEcho": True,
                "Default": CANARY,
                "AllowedValues": [CANARY, CANARY + "2", "Disabled", "2"],
            },
            "Open": {"Type": "String", "NoEcho": "true", "AllowedPattern": CANARY},
        },
        "Conditions": {"IsSecret": {"Fn::Equals": [{"Ref": "Secret"}, CANARY]}},
        "Mappings": {"Map": {CANARY: {"key": CANARY}, CANARY + "2": {"key": "Enabled"}}},
        "Resources": resources,
    }


def test_values_of_properties_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(full_of_secrets()))
    (tmp_path / "p.txt").write_text(json.dumps({"Secret": CANARY + "2", "Open": CANARY}))
    for more in ((), ("--parameters", "p.txt")):
        ran = smguard("scan", "a.json", *ALL_FORMATS, "--all", *more, cwd=tmp_path)
        assert ran.code == 1, ran.err
        assert "CANARY" not in ran.err
        for name in SCAN_FORMATS:
            text = (tmp_path / f"report.{name}").read_text()
            assert len(text) > 1_000
            assert [line for line in text.split("\n") if "CANARY" in line] == []


# --- where the report goes --------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bad.yaml").write_text(YAML)
    return tmp_path


def test_a_reader_that_goes_away_changes_nothing(folder: Path) -> None:
    (folder / "many.yaml").write_text(
        "Resources:\n" + "".join(f"  B{n}: {{Type: '{KIND}'}}\n" for n in range(3_000))
    )
    command = f'"{sys.executable}" -P -m scanner scan . -f "$1" | head -1; echo "${{PIPESTATUS[0]}}"'
    for format_name in SCAN_FORMATS:
        done = subprocess.run(
            ["bash", "-c", command, "-", format_name],
            cwd=folder, env={**CALM, "PYTHONPATH": installed()}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.splitlines()[-1] == "1"
        assert done.stderr == ""


def test_outputs_that_can_not_be_written(folder: Path) -> None:
    (folder / "file").write_text("")
    (folder / "link").symlink_to("file")
    (folder / "closed").mkdir()
    os.mkfifo(folder / "fifo")
    targets = {
        "/dev/full": "/dev/full is not a regular file",
        "no/report": "the report can't be written to no/report: No such file or directory",
        "file/report": "the report can't be written to file/report: Not a directory",
        "closed": "closed is not a regular file",
        "fifo": "fifo is not a regular file",
        "link": "link is a symbolic link, and reports are not written through links",
        "": "the report can't be written to",
        "x" * 300: "the report can't be written to",
    }
    for target, why in targets.items():
        ran = scan("bad.yaml", "-o", target, cwd=folder)
        assert (ran.code, ran.out) == (2, ""), target
        assert f"Error: {why}" in ran.err
        assert_inert(ran.err)
    assert sorted(each.name for each in folder.iterdir()) == ["bad.yaml", "closed", "fifo", "file", "link"]
    assert (folder / "file").read_text() == ""


def test_standard_output_that_can_not_be_written(folder: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        for format_name in SCAN_FORMATS:
            ran = smguard("scan", "bad.yaml", "-f", format_name, cwd=folder, out=full)
            assert ran.code == 2
            assert ran.err == "Error: standard output can't be written: No space left on device\n"
    ran = smguard("scan", "bad.yaml", cwd=folder, before=lambda: os.close(1), out=None)
    assert (ran.code, ran.err.splitlines()[0]) == (2, "Error: standard output is closed")
    ran = smguard("scan", "bad.yaml", cwd=folder, before=lambda: os.close(2))
    assert ran.code == 1
    ran = smguard("scan", "bad.yaml", "--select", "x", cwd=folder, before=lambda: os.close(2))
    assert (ran.code, ran.out) == (2, "")
    for words in (("scan", "bad.yaml", "--select", "x"), ("scan", "--bogus")):
        ran = smguard(*words, cwd=folder, before=lambda: os.dup2(os.open("/dev/full", os.O_WRONLY), 2))
        assert (ran.code, ran.out, ran.err) == (2, "", ""), words
    ran = smguard("scan", "-", cwd=folder, before=lambda: os.close(0))
    assert ran.code in (2, 3)


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
@pytest.mark.parametrize("format_name", SCAN_FORMATS)
def test_any_locale_will_do(folder: Path, format_name: str, locale: str) -> None:
    (folder / "é😀.yaml").write_text(YAML.replace("Bad", "'é😀'"), encoding="utf-8")
    environment = {"LC_ALL": locale, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    ran = smguard("scan", ".", *TWO, "-f", format_name, cwd=folder, **environment)
    assert ran.code == 1
    assert ran.err == ""
    if format_name == "json":
        assert len(ran.report["findings"]) == 4


# --- waivers, parameters and rules ------------------------------------------------------------------------

HOSTILE_FILES = {
    "empty": "",
    "null": "null",
    "text": "some",
    "list": "[1, 2]",
    "of another form": "a: {b: [c]}",
    "recursive": "&a [*a]",
    "deep": "[" * 10_000,
    "bomb": "a: &a [x, x, x]\n"
    + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}' if n else '*a'] * 9)}]\n" for n in range(12)),
    "tag": "a: !!python/object/apply:os.system [id]",
    "duplicates": "waivers: []\nwaivers: []\nA: 1\nA: 2",
    "tabs": "a:\n\tb",
    "large": "# x\n" * 2_000_000,
    "no text": "\udcff\udcfe\0",
    "merge": "<<: {waivers: 5}\nA: {}",
}


@pytest.mark.parametrize("option", ["--waivers", "--parameters"])
@pytest.mark.parametrize("shape", HOSTILE_FILES)
def test_hostile_files_of_options(folder: Path, option: str, shape: str) -> None:
    (folder / "hostile").write_bytes(HOSTILE_FILES[shape].encode("utf-8", "surrogateescape"))
    ran = scan("bad.yaml", option, "hostile", cwd=folder)
    assert (ran.code, ran.out) == (2, ""), (ran.err, ran.out)
    assert ran.err.startswith("Error: ")
    assert "hostile" in ran.err
    assert_inert(ran.err)


@pytest.mark.parametrize("option", ["--waivers", "--parameters", "--rules"])
def test_options_that_name_no_plain_file(folder: Path, option: str) -> None:
    os.mkfifo(folder / "fifo")
    for name in (
        "fifo",
        "/dev/zero",
        "nothing",
        "bad.yaml/x",
        "\udcff",
        "." if option != "--rules" else "bad.yaml",
    ):
        ran = scan("bad.yaml", option, os.fsencode(name), cwd=folder)
        assert (ran.code, ran.out) == (2, ""), (name, ran.err)
        assert_inert(ran.err)


INLINE = [
    "5", "[]", "x", "null", "{}", "{waivers: 5}", "{waivers: {a: b}}", "{waivers: [5, null, [], {}]}",
    "{a: b}",
    "{waivers: [{control: [x], reason: {}, expires: 5}]}",
    "{waivers: [{control: volume-kms-key, reason: r, expires: 2020-01-01}]}",
    "{waivers: [{control: volume-kms-key, reason: r, expires: '2999-99-99'}]}",
    "{waivers: [{control: volume-kms-key, reason: ' ', expires: '2999-01-01'}]}",
    "{waivers: [{control: volume-kms-key, reason: r,"
    " expires: '\u0662\u0669\u0669\u0669-\u0660\u0661-\u0660\u0661'}]}",
    "{waivers: [{control: '*', reason: r, expires: '2999-01-01'}]}",
    "{waivers: [{control: volume-kms-key, resource: '*', reason: r, expires: '2999-01-01'}]}",
    "{waivers: [{control: !Ref x, reason: !Foo y, expires: !Sub z}]}",
    "{waivers: [{control: volume-kms-key, control: x, reason: r, expires: '2999-01-01'}]}",
    "!Foo x", "{waivers: !Foo [x]}", "{<<: {waivers: 5}}", "{waivers: [], waivers: []}",
]  # fmt: skip


@pytest.mark.parametrize("raw", INLINE)
def test_what_is_no_waiver_waives_nothing(folder: Path, raw: str) -> None:
    (folder / "bad.yaml").write_text(f"{YAML}    Metadata: {{smguard: {raw}}}\n", encoding="utf-8")
    ran = scan("bad.yaml", cwd=folder)
    assert ran.code == 1
    assert found(ran.report) == bad()
    assert files(ran.report) in ({"judged": 1}, {"partial": 1})
    said = [*notes(ran.report), *gaps(ran.report)]
    assert said or raw in ("[]", "{}"), "it must be said that nothing is waived"


RULES = {
    "empty": "",
    "list": "[]",
    "deep": "a: " + "[" * 5_000,
    "recursive": "&a {id: *a}",
    "bomb": "x: " + HOSTILE_FILES["bomb"].replace("\n", "\n "),
    "python": "id: !!python/object/apply:os.system [id]",
    "complex key": "? [a]\n: b",
    "tagged key": "? !!binary x\n: b",
    "no text": "\udcff",
    "wrong types": "id: [x]\ntitle: {}\narea: 5\nseverity: null\nresources: []\nexamples: x\n"
    "rationale: 7\nremediation: 7",
    "bad path": "id: bad-path\ntitle: t\narea: access\nseverity: low\nrationale: r\nremediation: r\n"
    f"resources: {{'{KIND}': {{places: [{{requires: {{'A..B[': {{}}}}}}]}}}}\nexamples: {{fail: []}}",
    "bad pattern": "id: bad-pattern\ntitle: t\narea: access\nseverity: low\nrationale: r\nremediation: r\n"
    f"resources: {{'{KIND}': {{places: [{{requires: {{KmsKeyId: {{pattern: '((('}}}}}}]}}}}\n"
    "examples: {fail: []}",
    "duplicates": "id: a\nid: b",
    "hostile id": f"id: {json.dumps(EVIL)}",
    "hostile key": f"{json.dumps(EVIL)}: 1",
}


@pytest.mark.parametrize("shape", RULES)
def test_hostile_rules_are_refused(folder: Path, shape: str) -> None:
    rules = folder / "own"
    rules.mkdir()
    (rules / "some-control.yaml").write_bytes(RULES[shape].encode("utf-8", "surrogateescape"))
    for words in (("scan", "bad.yaml", "--rules", "own"), ("rules", "check", "own")):
        ran = smguard(*words, cwd=folder)
        assert ran.code in (1, 2), ran.err
        assert_inert(ran.err + ran.out)
        assert "some-control.yaml" in ran.err + ran.out


def test_rules_in_a_hostile_folder(folder: Path) -> None:
    rules = folder / "own"
    rules.mkdir()
    (rules / "loop").symlink_to(".")
    (rules / "zero.yaml").symlink_to("/dev/zero")
    os.mkfifo(rules / "fifo.yaml")
    ran = smguard("scan", "bad.yaml", "--rules", "own", cwd=folder)
    assert (ran.code, ran.out) == (2, "")
    assert_inert(ran.err)


def test_a_configuration_in_the_tree_counts_for_nothing(folder: Path) -> None:
    for name in ("setup.cfg", "tox.ini", "pyproject.toml", ".smguard.yaml", "smguard.yaml", ".smguardignore"):
        (folder / name).write_text("[tool.smguard]\nignore = ['volume-kms-key']\nexit-zero = true\n*\n")
    (folder / "neighbour.yaml").write_text(NEIGHBOUR)
    report = scan("bad.yaml", "neighbour.yaml", cwd=folder).report
    assert found(report) == [*bad(), *OF_NEIGHBOUR]
