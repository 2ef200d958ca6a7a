"""Hostile trees: links, devices, names, sizes, templates that lead to other files, and many of them."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from scanner.report import SCAN_FORMATS
from tests.door import TWO, assert_inert, files, found, gaps, give_up_power, notes, scan, smguard
from tests.hostile.case import BAD, KIND, NEIGHBOUR, OF_NEIGHBOUR, YAML, bad

STACK = "AWS::CloudFormation::Stack"
BAD_RESOURCE = {"Type": KIND, "Properties": {"DirectInternetAccess": "Enabled"}}
VIOLATED = ["notebook-direct-internet", "volume-kms-key"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with the neighbour and the violating template."""
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "neighbour.yaml").write_text(NEIGHBOUR)
    (folder / "bad.yaml").write_text(YAML)
    return folder


def write(folder: Path, **templates: Any) -> None:
    """JSON templates by the stems of their names."""
    for name, template in templates.items():
        (folder / f"{name}.json").write_text(json.dumps(template))


def stack(url: Any, **passed: Any) -> dict[str, Any]:
    return {"Type": STACK, "Properties": {"TemplateURL": url, "Parameters": passed}}


def include(location: Any) -> dict[str, Any]:
    return {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": location}}}


def judged(report: Any) -> None:
    """The two files of `tree` are judged, whatever else is there."""
    assert found(report, "neighbour.yaml") == OF_NEIGHBOUR
    assert found(report, "bad.yaml") == bad()


# --- what is no plain file ---------------------------------------------------------------------------------


def test_links_in_a_circle_are_walked_once(tree: Path) -> None:
    (tree / "loop").symlink_to(tree)
    (tree / "sub").mkdir()
    (tree / "sub" / "up").symlink_to("..")
    (tree / "itself").symlink_to("itself")
    (tree / "a.yaml").symlink_to("b.yaml")
    (tree / "b.yaml").symlink_to("a.yaml")
    ran = scan(".", cwd=tree)
    judged(ran.report)
    assert (ran.code, files(ran.report)) == (1, {"judged": 2, "skipped": 5})


def test_links_lead_nowhere_else(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text(YAML)
    (tree / "dangling.yaml").symlink_to("nowhere")
    (tree / "escape.yaml").symlink_to("../outside.yaml")
    (tree / "passwd.yaml").symlink_to("/etc/passwd")
    (tree / "same.yaml").symlink_to("bad.yaml")
    (tree / "directory.yaml").mkdir()
    ran = scan(".", cwd=tree)
    judged(ran.report)
    assert (ran.code, files(ran.report)) == (1, {"judged": 2, "skipped": 4})
    assert gaps(ran.report) == []
    ran = scan("dangling.yaml", "directory.yaml", "nothing.yaml", "no/thing.yaml", "bad.yaml/x", cwd=tree)
    assert ran.code == 3
    assert gaps(ran.report) == [
        "dangling.yaml is a symbolic link to nothing",
        "nothing.yaml does not exist",
        "no/thing.yaml does not exist",
        "bad.yaml/x Not a directory",
    ]


def test_devices_pipes_and_sockets_are_not_opened(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tree / "fifo.yaml")
    (tree / "zero.yaml").symlink_to("/dev/zero")
    (tree / "fifolink.yaml").symlink_to("fifo.yaml")
    monkeypatch.chdir(tree)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.yaml")
        ran = scan(".", cwd=tree)
        judged(ran.report)
        assert (ran.code, files(ran.report)) == (1, {"judged": 2, "skipped": 4})
        named = ["fifo.yaml", "zero.yaml", "socket.yaml", "/dev/null", "bad.yaml"]
        ran = scan(*named, cwd=tree)
    assert found(ran.report) == bad()
    assert gaps(ran.report) == [
        "fifo.yaml is a FIFO",
        "zero.yaml is a device",
        "socket.yaml is a socket",
        "/dev/null is a device",
    ]


def test_a_gitignore_that_is_a_pipe_does_not_hang(tree: Path) -> None:
    os.mkfifo(tree / ".gitignore")
    (tree / "sub").mkdir()
    (tree / "sub" / ".gitignore").symlink_to("/dev/zero")
    (tree / "sub" / "more.yaml").write_text(YAML)
    report = scan(".", cwd=tree).report
    judged(report)
    assert found(report, "sub/more.yaml") == bad()


def test_what_may_not_be_read_is_a_gap(tree: Path) -> None:
    (tree / "secret.yaml").write_text(YAML)
    (tree / "secret.yaml").chmod(0)
    (tree / "closed").mkdir(mode=0)
    (tree / "listed").mkdir()
    (tree / "listed" / "inner.yaml").write_text(YAML)
    (tree / "listed").chmod(0o644)
    ran = scan(".", cwd=tree, before=give_up_power)
    judged(ran.report)
    assert ran.code == 1
    assert gaps(ran.report) == [
        "closed can't be listed: Permission denied",
        "listed/inner.yaml can't be read: Permission denied",
        "secret.yaml can't be read: Permission denied",
    ]
    assert files(ran.report) == {"judged": 2, "unread": 3}
    assert scan("secret.yaml", "closed", cwd=tree, before=give_up_power).code == 3
    (tree / "closed").chmod(0o755)
    (tree / "listed").chmod(0o755)


# --- names -----------------------------------------------------------------------------------------------

NAMES = [
    b"\xff\xfe.yaml",
    b"new\nline.yaml",
    b"\x1b]0;x\x07\x1b[31m.yaml",
    b"::error file=a,line=1::PWNED.yaml",
    b"##vso[task.complete result=Failed].yaml",
    "\u202egpj.yaml".encode(),
    b" ::warning::x.yaml",
    b"-f.yaml",
    b"a" * 251 + b".yml",
]


@pytest.mark.parametrize("format_name", SCAN_FORMATS)
def test_names_of_files_are_inert(tree: Path, format_name: str) -> None:
    for name in NAMES:
        (tree / os.fsdecode(name)).write_text(YAML if len(name) > 20 else "Resources: [AWS::x\n")
    ran = smguard("scan", ".", *TWO, "-f", format_name, cwd=tree)
    assert ran.code == 1
    assert_inert(ran.out, format_name)
    assert_inert(ran.err)
    if format_name == "json":
        judged(ran.report)
        assert ran.report["summary"]["files"]["seen"] == len(NAMES) + 2
        named = scan("--", *NAMES, cwd=tree).report
        assert named["summary"]["files"]["seen"] == len(NAMES)
        assert {each["location"]["file"] for each in named["findings"]} <= {
            each["location"]["file"] for each in ran.report["findings"]
        }


# --- sizes ------------------------------------------------------------------------------------------------


def test_large_files_are_refused_unread(tree: Path) -> None:
    line = b"# AWS:: " + b"x" * 1_000 + b"\n"
    (tree / "large.yaml").write_bytes(YAML.encode() + line * 50_000)
    with (tree / "sparse.yaml").open("wb") as sparse:
        sparse.write(YAML.encode())
        sparse.truncate(50_000_000_000)
    (tree / "large.json").write_bytes(b'{"Resources": {"A": "' + b"x" * 52_000_000 + b'"}}')
    ran = scan(".", cwd=tree)
    judged(ran.report)
    assert gaps(ran.report) == ["large.yaml is larger than 5 MB", "sparse.yaml is larger than 5 MB"]
    assert files(ran.report) == {"judged": 2, "unread": 2, "skipped": 1}
    ran = scan("large.json", "-", cwd=tree, given=b"x" * 6_000_000)
    assert gaps(ran.report) == ["large.json is larger than 5 MB", "- is larger than 5 MB"]
    assert ran.code == 3


def test_many_broken_parts_are_said_in_linear_time(tree: Path) -> None:
    (tree / "null.yaml").write_text("Resources:\n" + "".join(f"  A{n}:\n" for n in range(9_000)) + BAD)
    (tree / "twice.yaml").write_text(
        YAML + "X:\n" + "".join(f"  A{n}: a\n  A{n}: b\n" for n in range(30_000))
    )
    report = scan(".", cwd=tree).report
    judged(report)
    assert found(report, "null.yaml") == bad(9_002)
    assert found(report, "twice.yaml") == bad()
    assert len(report["gaps"]) == 39_000


def test_names_do_not_swell_the_report(tree: Path) -> None:
    long = "E" * 2_000_000
    other = long + "F"
    write(tree, long={"Resources": {long: BAD_RESOURCE, other: BAD_RESOURCE}})
    ran = scan("long.json", cwd=tree)
    assert len({each["resource"]["name"] for each in ran.report["findings"]}) == 2
    assert len(ran.report["findings"]) == 4
    assert len(ran.out) < 10_000


def test_many_resources_are_all_judged(tree: Path) -> None:
    (tree / "many.yaml").write_text(
        "Resources:\n" + "".join(BAD.replace("Bad", f"Bad{n}") for n in range(5_000))
    )
    (tree / "alias.yaml").write_text(
        f"Resources:\n  A: &a\n    Type: {KIND}\n" + "".join(f"  B{n}: *a\n" for n in range(1_000))
    )
    report = scan(".", cwd=tree).report
    judged(report)
    assert len(found(report, "many.yaml")) == 10_000
    assert len(found(report, "alias.yaml")) == 2_002


def test_work_is_bounded_for_the_whole_file(tree: Path) -> None:
    """What is simple is judged even when nothing more can be worked out."""
    conditions = "".join(f"  C{n}: !Equals [!Ref 'AWS::Region', r{n}]\n" for n in range(1, 300))
    either = ", ".join(f"!Condition C{n}" for n in range(1, 300))
    hidden = "".join(f"{BAD.replace('Bad:', f'B{n}:')}    Condition: C0\n" for n in range(400))
    head = f"Conditions:\n  C0: !Or [{either}]\n{conditions}Resources:\n"
    (tree / "wide.yaml").write_text(head + hidden + BAD)
    report = scan(".", cwd=tree).report
    judged(report)
    lines = found(report, "wide.yaml")
    assert lines[-2:] == bad(head.count("\n") + 400 * 7 + 1)
    assert len(lines) == 802


# --- templates that lead to others ------------------------------------------------------------------------


def test_a_stack_that_nests_itself(tree: Path) -> None:
    write(tree, a={"Resources": {"S": stack("a.json"), "Bad": BAD_RESOURCE}})
    write(tree, b={"Resources": {"S": stack("c.json")}}, c={"Resources": {"S": stack("b.json")}})
    report = scan(".", cwd=tree).report
    judged(report)
    assert [each.split()[0] for each in found(report, "a.json")] == VIOLATED
    assert {each.partition(" ")[2] for each in gaps(report)} == {
        "the nested stack S can't be followed: it nests itself"
    }


def test_stacks_that_fan_out(tree: Path) -> None:
    """Ten thousand million stacks in ten files."""
    write(tree, a={"Resources": {f"S{n}": stack("b0.json") for n in range(10)}})
    for level in range(9):
        nested = {f"S{n}": stack(f"b{level + 1}.json") for n in range(10)}
        write(tree, **{f"b{level}": {"Resources": {**nested, "Bad": BAD_RESOURCE}}})
    ran = scan(".", cwd=tree)
    judged(ran.report)
    assert ran.code == 1
    assert any("more is nested and included than the limits allow" in each for each in gaps(ran.report))
    assert [each.split()[0] for each in found(ran.report, "b0.json")][:2] == VIOLATED


def test_outputs_that_depend_on_themselves(tree: Path) -> None:
    output = {"Fn::GetAtt": ["S", "Outputs.O"]}
    write(
        tree,
        a={
            "Resources": {
                "S": stack("b.json", A=output),
                "N": {"Type": KIND, "Properties": {"DirectInternetAccess": output}},
            }
        },
        b={
            "Parameters": {"A": {"Type": "String"}},
            "Outputs": {"O": {"Value": {"Ref": "A"}}},
            "Resources": {"N": {"Type": KIND, "Properties": {"DirectInternetAccess": {"Ref": "A"}}}},
        },
    )
    ran = scan(".", cwd=tree)
    judged(ran.report)
    assert ran.code == 1
    endless = [each for each in ran.report["findings"] if each["verdict"] == "unknown"]
    assert {each["resource"]["name"] for each in endless} == {"N", "S/N"}
    assert {each["cause"] for each in endless} == {"values that refer to one another without end"}


def test_includes_that_include_themselves_or_fan_out(tree: Path) -> None:
    write(tree, a={"Resources": {"Bad": BAD_RESOURCE, **include("a.json")}})
    write(tree, b={"Resources": {"Bad": BAD_RESOURCE, **include("b0.json")}})
    for level in range(8):
        write(
            tree,
            **{
                f"b{level}": {
                    f"R{n}": {"Type": "AWS::S3::Bucket", "Properties": include(f"b{level + 1}.json")}
                    for n in range(10)
                }
            },
        )
    write(tree, b8={})
    report = scan("bad.yaml", "neighbour.yaml", "a.json", "b.json", cwd=tree).report
    judged(report)
    assert [each.split()[0] for each in found(report, "a.json")] == VIOLATED
    assert [each.split()[0] for each in found(report, "b.json")] == VIOLATED
    assert [each.partition(" ")[2] for each in gaps(report)] == [
        "AWS::Include of a file that can't be read: it includes itself",
        "Fn::ForEach or AWS::Include writes out more than the limits allow: they are left out",
    ]


ELSEWHERE = [
    ("../../etc/passwd", "lies outside of the directory scanned"),
    ("/etc/passwd", "is no relative path, and only such are followed"),
    ("~root/x", "is no relative path, and only such are followed"),
    ("\\\\host\\x", "is no relative path, and only such are followed"),
    ("C:\\x", "is a URL, and only relative paths are followed"),
    ("\0", "is no path"),
    ("x" * 5_000, "File name too long"),
    ("sub", "is a directory"),
    ("fifo", "is a FIFO"),
    ("zero", "lies outside of the directory scanned"),
    ("link", "lies outside of the directory scanned"),
    ("nothing.yaml", "does not exist"),
]
REMOTE = ["http://169.254.169.254/", "file:///etc/passwd", "s3://bucket/key", "https://x/../../etc/passwd"]


def test_templates_lead_nowhere_else(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "canary").write_text("CANARY")
    (tree / "sub").mkdir()
    os.mkfifo(tree / "fifo")
    (tree / "zero").symlink_to("/dev/zero")
    (tree / "link").symlink_to("../canary")
    stacks = {f"S{n}": stack(url) for n, (url, _) in enumerate(ELSEWHERE)}
    remote = {f"R{n}": stack(url) for n, url in enumerate([*REMOTE, None, 5, [], {}])}
    write(tree, stacks={"Resources": {**stacks, **remote, "Bad": BAD_RESOURCE}})
    includes = {
        f"I{n}": {"Type": "A::B::C", "Properties": include(url)} for n, (url, _) in enumerate(ELSEWHERE)
    }
    distant = {f"R{n}": {"Type": "A::B::C", "Properties": include(url)} for n, url in enumerate(REMOTE)}
    write(tree, includes={"Resources": {**includes, **distant, "Bad": BAD_RESOURCE}})
    ran = scan("bad.yaml", "neighbour.yaml", "stacks.json", "includes.json", cwd=tree)
    judged(ran.report)
    for name in ("stacks.json", "includes.json"):
        assert [each.split()[0] for each in found(ran.report, name)] == VIOLATED
    said = [each.partition(" ")[2] for each in gaps(ran.report, "stacks.json")]
    assert said == [f"the nested stack S{n} can't be followed: {why}" for n, (_, why) in enumerate(ELSEWHERE)]
    said = [each.partition(" ")[2] for each in gaps(ran.report, "includes.json")]
    assert said == [f"AWS::Include of a file that can't be read: {why}" for _, why in ELSEWHERE] + [
        "AWS::Include of a remote file, which is not read"
    ] * len(REMOTE)
    assert len(notes(ran.report)) == len(remote)
    assert "CANARY" not in ran.out


def test_nothing_runs_and_no_socket_opens(tree: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    (tree / "tag.yaml").write_text(f"{YAML}X: !!python/object/apply:os.system ['touch {canary}']\n")
    (tree / "sitecustomize.py").write_text(f"open({str(canary)!r}, 'w')")
    (tree / "yaml.py").write_text(f"open({str(canary)!r}, 'w')")
    (tree / "smguard.toml").write_text("exit-zero = true")
    write(tree, remote={"Resources": {"S": stack("http://127.0.0.1:9/"), "Bad": BAD_RESOURCE}})
    report = scan(".", cwd=tree, http_proxy="http://127.0.0.1:9").report
    judged(report)
    assert gaps(report) == ["tag.yaml:8:4 the tag !!python/object/apply:os.system asks for a Python object"]
    assert not canary.exists()
