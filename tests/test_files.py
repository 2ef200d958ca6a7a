"""Which files a scan reads, and that it opens nothing else."""

from __future__ import annotations

import io
import os
import re
import socket
import stat
from pathlib import Path

import pytest

from scanner.files import Candidate, Skipped, find, open_text, open_under
from scanner.limits import Limits
from scanner.model import Gap
from scanner.template.reader import ReadError

LIMITS = Limits()
TEMPLATE = "AWSTemplateFormatVersion: 2010-09-09\nResources: {A: {Type: 'AWS::S3::Bucket'}}\n"
OUTSIDE = "is a symbolic link that leaves the directory scanned"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, with another one beside it."""
    here = tmp_path / "here"
    here.mkdir()
    (tmp_path / "beside").mkdir()
    monkeypatch.chdir(here)
    return here


def plant(root: Path, *names: str, text: str = TEMPLATE) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def found(*paths: str, excludes: tuple[str, ...] = (), walked: bool = False) -> list[str]:
    return [
        each.display if isinstance(each, Candidate) else str(each)
        for each in find(paths, excludes, LIMITS, names_are_walked=walked)
    ]


def candidate(
    path: Path | str, root: Path | None = None, *, named: bool = True, lenient: bool = False
) -> Candidate:
    real = os.path.realpath(path)
    return Candidate(str(path), real, str(root or Path(real).parent), named=named, lenient=lenient)


def test_a_walk_is_sorted_and_looks_at_templates_and_unknown_endings(tree: Path) -> None:
    plant(tree, "z.yaml", "b/y.yml", "b/a.json", "a.template", "x.YAML", "stack.cfn", "b.yaml")
    plant(tree, "main.py", "notes.md", "logo.png", "main.tf", "archive.tar.gz")
    plant(tree, "stack", "stack.txt", "t.yaml.j2")
    entries = list(find(["."], [], LIMITS))
    assert all(isinstance(entry, Candidate) for entry in entries)
    assert [(entry.display, entry.lenient) for entry in entries if isinstance(entry, Candidate)] == [
        ("a.template", False),
        ("b/a.json", False),
        ("b/y.yml", False),
        ("b.yaml", False),
        ("main.py", False),
        ("stack", True),
        ("stack.cfn", False),
        ("stack.txt", True),
        ("t.yaml.j2", True),
        ("x.YAML", False),
        ("z.yaml", False),
    ]


def test_candidates_carry_paths_as_given_and_a_root(tree: Path) -> None:
    plant(tree, "a/b/t.yaml")
    root = os.path.realpath(tree)
    real = f"{root}/a/b/t.yaml"
    assert list(find(["a"], [], LIMITS)) == [Candidate("a/b/t.yaml", real, f"{root}/a", named=False)]
    assert list(find(["./a/"], [], LIMITS)) == [Candidate("./a/b/t.yaml", real, f"{root}/a", named=False)]
    assert list(find(["a/b/t.yaml"], [], LIMITS)) == [Candidate("a/b/t.yaml", real, f"{root}/a/b")]
    assert list(find(["a/b/t.yaml"], [], LIMITS, names_are_walked=True)) == [
        Candidate("a/b/t.yaml", real, f"{root}/a/b", named=False)
    ]


def test_a_file_is_read_once(tree: Path) -> None:
    plant(tree, "a/t.yaml", "a/u.yaml")
    assert found("a", "a/t.yaml", "./a/t.yaml", ".", "a") == ["a/u.yaml", "a/t.yaml"]
    assert [entry.named for entry in find(["a", "a/t.yaml"], [], LIMITS) if isinstance(entry, Candidate)] == [
        False,
        True,
    ]


def test_tool_folders_are_left_out_of_a_walk_but_can_be_named(tree: Path) -> None:
    plant(
        tree, "t.yaml", *(f"{folder}/t.yaml" for folder in (".git", "node_modules", ".venv", "venv", ".tox"))
    )
    plant(tree, "x/node_modules/y/t.yaml", ".github/t.yaml")
    assert found(".") == [".github/t.yaml", "t.yaml"]
    assert found("node_modules") == ["node_modules/t.yaml"]


def test_nested_gitignores_are_honoured_without_a_repository(tree: Path) -> None:
    plant(tree, "a/t.yaml", "a/u.yaml", "b/t.yaml", "b/keep/t.yaml", "cdk.out/t.json")
    plant(tree, ".gitignore", text="cdk.out/\n/a/u.yaml\nb/t.yaml\n")
    plant(tree, "b/.gitignore", text="t.yaml\n!keep/t.yaml\n")
    assert found(".") == ["a/t.yaml", "b/keep/t.yaml"]


def test_ignore_files_above_count_up_to_the_top_of_the_repository(tree: Path) -> None:
    plant(
        tree,
        "repo/stacks/deep/t.yaml",
        "repo/stacks/deep/u.yaml",
        "repo/stacks/deep/v.yaml",
        "repo/stacks/deep/w.yaml",
    )
    plant(tree, ".gitignore", text="*.yaml\n")
    plant(tree, "repo/.gitignore", text="u.yaml\n")
    plant(tree, "repo/stacks/.gitignore", text="/deep/v.yaml\n")
    plant(tree, "repo/.git/info/exclude", text="w.yaml\n")
    assert found("repo/stacks/deep") == ["repo/stacks/deep/t.yaml"]


def test_a_directory_that_is_named_is_walked_even_if_it_is_ignored(tree: Path) -> None:
    plant(tree, "cdk.out/t.template.json")
    plant(tree, ".gitignore", text="cdk.out\n*.json\n")
    plant(tree, ".git/HEAD", text="")
    assert found(".") == []
    assert found("cdk.out") == ["cdk.out/t.template.json"]
    assert found("cdk.out/t.template.json") == ["cdk.out/t.template.json"]


def test_hostile_ignore_files_are_not_followed(tree: Path) -> None:
    plant(tree, "a/t.yaml", "b/t.yaml")
    plant(tree.parent / "beside", "patterns", text="*\n")
    (tree / "a/.gitignore").symlink_to(tree.parent / "beside" / "patterns")
    os.mkfifo(tree / "b/.gitignore")
    assert [name for name in found(".") if name.endswith("t.yaml")] == ["a/t.yaml", "b/t.yaml"]


EXCLUDED = [
    # (patterns, paths given, found)
    (["b"], ["."], ["a/t.yaml", "a/u.json"]),
    (["*.json"], ["."], ["a/t.yaml", "b/c/t.yaml"]),
    (["/a/t.yaml"], ["."], ["a/u.json", "b/c/t.yaml"]),
    (["a/t.yaml"], ["a"], ["a/u.json"]),
    (["/t.yaml"], ["a"], ["a/u.json"]),
    (["*", "!a", "!*.json"], ["."], ["a/u.json"]),
    (["b/**"], ["b"], []),
    (["a"], ["a"], [str(Skipped("a", "is excluded"))]),
    (["*.json"], ["a/u.json", "a/t.yaml"], [str(Skipped("a/u.json", "is excluded")), "a/t.yaml"]),
    (["a/"], ["a/t.yaml"], [str(Skipped("a/t.yaml", "is excluded"))]),
]


@pytest.mark.parametrize(("patterns", "paths", "expected"), EXCLUDED)
def test_excludes(tree: Path, patterns: list[str], paths: list[str], expected: list[str]) -> None:
    plant(tree, "a/t.yaml", "a/u.json", "b/c/t.yaml")
    assert found(*paths, excludes=tuple(patterns)) == expected


def test_names_that_lead_nowhere_are_gaps(tree: Path) -> None:
    (tree / "nothing.yaml").symlink_to("missing")
    (tree / "self.yaml").symlink_to("self.yaml")
    os.mkfifo(tree / "fifo.yaml")
    (tree / "zero.yaml").symlink_to("/dev/zero")
    paths = ["missing.yaml", "nothing.yaml", "self.yaml", "fifo.yaml", "zero.yaml", "a\0b"]
    assert list(find(paths, [], LIMITS)) == [
        Gap("missing.yaml", "does not exist"),
        Gap("nothing.yaml", "is a symbolic link to nothing"),
        Gap("self.yaml", "Too many levels of symbolic links"),
        Gap("fifo.yaml", "is a FIFO", "only regular files are read"),
        Gap("zero.yaml", "is a device", "only regular files are read"),
        Gap("a\0b", "the name is not valid"),
    ]


def test_links_in_a_walk(tree: Path) -> None:
    plant(tree, "real/t.yaml", "real/data.bin", "u.yaml")
    plant(tree.parent / "beside", "secret.yaml")
    (tree / "a-loop").symlink_to(".")
    (tree / "again.yaml").symlink_to("real/t.yaml")
    (tree / "data.yaml").symlink_to("real/data.bin")
    (tree / "escape.yaml").symlink_to("../beside/secret.yaml")
    (tree / "etc.yaml").symlink_to("/etc/hostname")
    (tree / "nothing.yaml").symlink_to("missing")
    (tree / "self.yaml").symlink_to("self.yaml")
    (tree / "zero.yaml").symlink_to("/dev/zero")
    assert list(find(["."], [], LIMITS)) == [
        candidate_of(tree, "real/t.yaml"),
        candidate_of(tree, "u.yaml"),
        Skipped("a-loop", "is a symbolic link to a directory"),
        Skipped("again.yaml", "is a symbolic link to a file that is read in its own name"),
        candidate_of(tree, "data.yaml", real="real/data.bin"),
        Skipped("escape.yaml", OUTSIDE),
        Skipped("etc.yaml", OUTSIDE),
        Skipped("nothing.yaml", "is a symbolic link to nothing"),
        Skipped("self.yaml", "is a symbolic link to nothing"),
        Skipped("zero.yaml", OUTSIDE),
    ]


def candidate_of(root: Path, name: str, real: str = "") -> Candidate:
    top = os.path.realpath(root)
    return Candidate(name, f"{top}/{real or name}", top, named=False)


def test_a_link_that_is_named_is_followed_unless_names_are_walked(tree: Path) -> None:
    plant(tree.parent / "beside", "t.yaml")
    (tree / "t.yaml").symlink_to("../beside/t.yaml")
    beside = os.path.realpath(tree.parent / "beside")
    assert list(find(["t.yaml"], [], LIMITS)) == [Candidate("t.yaml", f"{beside}/t.yaml", beside)]
    assert list(find(["t.yaml"], [], LIMITS, names_are_walked=True)) == [
        Skipped("t.yaml", "is a symbolic link that leaves its directory")
    ]


def test_what_is_no_regular_file_is_skipped_in_a_walk(tree: Path) -> None:
    plant(tree, "dir.yaml/t.yaml")
    os.mkfifo(tree / "fifo.yaml")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("sock.yaml")
        assert found(".") == [
            "dir.yaml/t.yaml",
            str(Skipped("fifo.yaml", "is no regular file")),
            str(Skipped("sock.yaml", "is no regular file")),
        ]


def test_what_may_not_be_read_is_said(tree: Path) -> None:
    plant(tree, "closed/t.yaml", "t.yaml", "u.yaml")
    (tree / "closed").chmod(0)
    (tree / "t.yaml").chmod(0)
    try:
        if os.access("t.yaml", os.R_OK):
            pytest.skip("this user may read everything")
        assert next(find(["."], [], LIMITS)) == Gap("closed", "can't be listed: Permission denied")
        assert refusal(candidate("t.yaml")) == "can't be read: Permission denied"
    finally:
        (tree / "closed").chmod(stat.S_IRWXU)


def test_a_directory_that_cannot_be_listed_is_a_gap(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tree, "a/t.yaml", "b/t.yaml")
    listing = os.scandir

    def scandir(path: str) -> object:
        if path.endswith("a"):
            raise PermissionError(13, "Permission denied", path)
        return listing(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert found(".") == [str(Gap("a", "can't be listed: Permission denied")), "b/t.yaml"]


def test_names_that_are_no_utf8_are_shown_escaped(tree: Path) -> None:
    name = os.fsdecode(b"caf\xe9.yaml")
    try:
        plant(tree, name, "ok-é.yaml")
    except OSError:
        pytest.skip("this file system takes only UTF-8 names")
    assert found(".") == ["caf\\xe9.yaml", "ok-é.yaml"]
    entry = next(find([name], [], LIMITS))
    assert isinstance(entry, Candidate)
    assert entry.display == "caf\\xe9.yaml"
    assert open_text(entry, LIMITS) == TEMPLATE


def test_a_very_deep_directory_is_walked(tree: Path) -> None:
    depth = 1_100
    for _ in range(depth):
        Path("d").mkdir()
        os.chdir("d")
    plant(Path(), "t.yaml")
    os.chdir(tree)
    try:
        assert found(".") == ["d/" * depth + "t.yaml"]
    finally:
        for _ in range(depth - 1):  # too deep for the cleaning up of temporary directories
            Path("d/d").rename("rest")
            Path("d").rmdir()
            Path("rest").rename("d")


def test_standard_input_is_a_candidate(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEMPLATE.encode("utf-16"))))
    entry = next(find(["-"], [], LIMITS))
    assert isinstance(entry, Candidate)
    assert (entry.display, entry.real, entry.named) == ("-", "", True)
    assert [open_text(entry, LIMITS), open_text(entry, LIMITS)] == [TEMPLATE, TEMPLATE]


def test_standard_input_is_bounded(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"x" * 1_000)))
    limits = Limits(file_bytes=100)
    entry = next(find(["-"], [], limits))
    assert isinstance(entry, Candidate)
    with pytest.raises(ReadError, match="larger than"):
        open_text(entry, limits)


def refusal(entry: Candidate, limits: Limits = LIMITS) -> str:
    with pytest.raises(ReadError) as caught:
        open_text(entry, limits)
    return str(caught.value)


OPENED = [
    # (content, text for a file that is named, walked, lenient)
    (b"a: 1\n", "a: 1\n", None, None),
    (b"Type: AWS::S3::Bucket", "Type: AWS::S3::Bucket", "Type: AWS::S3::Bucket", "Type: AWS::S3::Bucket"),
    (b"AWSTemplateFormatVersion: x", *["AWSTemplateFormatVersion: x"] * 3),
    (b"\xef\xbb\xbf# AWS::", "# AWS::", "# AWS::", "# AWS::"),
    ("AWS::é".encode("utf-16"), "AWS::é", "AWS::é", "AWS::é"),
    (b"\xfe\xff" + "a".encode("utf-16-be"), "a", None, None),
    (b"", "", None, None),
    (b"#" * 70_000 + b"AWS::", "#" * 70_000 + "AWS::", "#" * 70_000 + "AWS::", None),
    (b"\x1f\x8b\0\xff", "is compressed (gzip), not text", None, None),
    (b"caf\xe9", "is not UTF-8 at byte 3 (0xe9)", None, None),
    (b"AWS::\xe9", *["is not UTF-8 at byte 5 (0xe9)"] * 3),
    ("AWS::".encode("utf-16-le"), *["holds a NUL character at byte 1"] * 3),
    ("AWS::".encode("utf-16-be"), *["holds a NUL character at byte 0"] * 3),
    (b"\0AWS::", *["holds a NUL character at byte 0"] * 3),
]


@pytest.mark.parametrize(("content", "named", "walked", "lenient"), OPENED)
def test_open_text(tree: Path, content: bytes, named: str, walked: str | None, lenient: str | None) -> None:
    (tree / "t.yaml").write_bytes(content)
    for entry, expected in (
        (candidate("t.yaml"), named),
        (candidate("t.yaml", named=False), walked),
        (candidate("t.yaml", named=False, lenient=True), lenient),
    ):
        try:
            got = open_text(entry, LIMITS)
        except ReadError as fault:
            got = str(fault)
        assert got == expected


@pytest.mark.no_cover  # small ones cover as much
def test_too_large_files_are_searched_but_not_read(tree: Path) -> None:
    plain, template = tree / "plain.json", tree / "template.json"
    for path in (plain, template):
        with path.open("wb") as file:
            file.truncate(50_000_000)
            file.seek(3_145_726)  # across the border of two chunks
            file.write(b"AWS::" if path is template else b"azure")
    too_large = "is larger than 5 MB"
    assert refusal(candidate(plain)) == refusal(candidate(template)) == too_large
    assert refusal(candidate(template, named=False)) == too_large
    assert open_text(candidate(plain, named=False), LIMITS) is None
    assert open_text(candidate(template, named=False, lenient=True), LIMITS) is None


def test_limit_of_size_is_exact(tree: Path) -> None:
    path = tree / "t.yaml"
    path.write_bytes(b"AWS::" + b"x" * 95)
    assert open_text(candidate(path), Limits(file_bytes=100)) is not None
    for entry in (candidate(path), candidate(path, named=False), candidate(path, named=False, lenient=True)):
        assert refusal(entry, Limits(file_bytes=99)) == "is larger than 9.9e-05 MB"


def test_only_regular_files_are_opened(tree: Path) -> None:
    os.mkfifo(tree / "fifo")
    (tree / "link").symlink_to("t.yaml")
    (tree / "zero").symlink_to("/dev/zero")
    plant(tree, "t.yaml")
    direct = [
        Candidate(name, str(tree / name), str(tree)) for name in ("fifo", "link", "zero", ".", "missing")
    ]
    assert [refusal(entry) for entry in direct] == [
        "is a FIFO",
        "can't be read: Too many levels of symbolic links",
        "can't be read: Too many levels of symbolic links",
        "is a directory",
        "can't be read: No such file or directory",
    ]
    assert refusal(Candidate("/dev/zero", "/dev/zero", "/dev")) == "is a device"


UNDER = [
    # (name in the template, its path for reports, or why it is refused)
    ("child.yaml", "stacks/child.yaml"),
    ("./child.yaml", "stacks/child.yaml"),
    ("nested/child.yaml", "stacks/nested/child.yaml"),
    ("../shared.yaml", "shared.yaml"),
    ("../stacks/child.yaml", "stacks/child.yaml"),
    ("inner-link.yaml", "stacks/child.yaml"),
    ("../../beside/secret.yaml", "lies outside of the directory scanned"),
    ("escape.yaml", "lies outside of the directory scanned"),
    ("../../../../../../../etc/passwd", "lies outside of the directory scanned"),
    ("escape-folder/secret.yaml", "lies outside of the directory scanned"),
    ("/etc/passwd", "is no relative path, and only such are followed"),
    ("~/child.yaml", "is no relative path, and only such are followed"),
    ("\\\\host\\child.yaml", "is no relative path, and only such are followed"),
    ("file:///etc/passwd", "is a URL, and only relative paths are followed"),
    ("https://example.com/child.yaml", "is a URL, and only relative paths are followed"),
    ("s3://bucket/child.yaml", "is a URL, and only relative paths are followed"),
    ("C:\\child.yaml", "is a URL, and only relative paths are followed"),
    ("missing.yaml", "does not exist"),
    ("nested", "is a directory"),
    ("fifo.yaml", "is a FIFO"),
    ("", "is no path"),
    ("a\0b", "is no path"),
]


@pytest.mark.parametrize(("name", "expected"), UNDER, ids=[repr(name) for name, _ in UNDER])
def test_open_under(tree: Path, name: str, expected: str) -> None:
    plant(tree, "stacks/parent.yaml", "stacks/child.yaml", "stacks/nested/child.yaml", "shared.yaml")
    plant(tree.parent / "beside", "secret.yaml")
    (tree / "stacks/inner-link.yaml").symlink_to("child.yaml")
    (tree / "stacks/escape.yaml").symlink_to("../../beside/secret.yaml")
    (tree / "stacks/escape-folder").symlink_to("../../beside")
    os.mkfifo(tree / "stacks/fifo.yaml")
    entry = next(
        each for each in find(["."], [], LIMITS) if isinstance(each, Candidate) and "parent" in each.real
    )
    if expected.endswith(".yaml"):
        real = os.path.realpath(expected)
        assert open_under(entry, name, entry.real, LIMITS) == (TEMPLATE, expected, real)
    else:
        with pytest.raises(ReadError, match=f"^{re.escape(expected)}$"):
            open_under(entry, name, entry.real, LIMITS)


def test_open_under_goes_on_from_the_file_that_was_opened(tree: Path) -> None:
    plant(tree, "t.yaml", "a/child.yaml", "a/b/grandchild.yaml")
    entry = next(
        each for each in find(["."], [], LIMITS) if isinstance(each, Candidate) and each.display == "t.yaml"
    )
    _, shown, real = open_under(entry, "a/child.yaml", entry.real, LIMITS)
    assert shown == "a/child.yaml"
    assert open_under(entry, "b/grandchild.yaml", real, LIMITS)[1] == "a/b/grandchild.yaml"


def test_the_root_of_a_file_that_is_named_is_its_folder(tree: Path) -> None:
    plant(tree, "stacks/parent.yaml", "shared.yaml", "stacks/child.yaml")
    entry = next(find(["stacks/parent.yaml"], [], LIMITS))
    assert isinstance(entry, Candidate)
    assert open_under(entry, "child.yaml", entry.real, LIMITS)[1] == "stacks/child.yaml"
    with pytest.raises(ReadError, match="lies outside"):
        open_under(entry, "../shared.yaml", entry.real, LIMITS)
