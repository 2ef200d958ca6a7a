"""What must stay true of the repository itself: generated pages, imports, and what a scan costs to start."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scanner import catalog
from scanner.limits import Limits
from scanner.report import FORMATS
from scanner.template.reader import read
from tools.generate_rules_readme import readme

ROOT = Path(__file__).resolve().parent.parent
HEAVY = [
    *("boto3", "botocore", "jsonschema", "asyncio", "ssl", "http", "urllib.request", "importlib.metadata"),
    *("multiprocessing", "subprocess", "cfnlint", "checkov", "pathlib", "tempfile", "logging", "hashlib"),
    *(module for name, module in FORMATS.items() if name != "table"),
    *("scanner.report.together", "scanner.report.place", "scanner.cli.outputs", "csv"),
    *("scanner.rulepack", "scanner.waiver"),
    *("scanner.template.expand", "scanner.template.json_reader", "scanner.rule_text", "scanner.schema"),
    *("scanner.config", "scanner.acceptance", "scanner.path_setting", "scanner.baseline", "scanner.change"),
    *("scanner.suppression", "fnmatch", "click", "inspect"),
    *("pygls", "lsprotocol", "attrs", "rich", "sqlite3", "scanner.audit", "scanner.cli.progress"),
]


def plain_environment(**more: str) -> dict[str, str]:
    """This environment without what would make a process measure itself or leave bytecode out."""
    skipped = ("COV", "PYTHONDONTWRITEBYTECODE")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(skipped)}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


def imported(*arguments: str) -> set[str]:
    """The modules that a command has imported when it ends."""
    code = (
        "import sys, scanner.cli\n"
        f"sys.argv = ['smguard', *{list(arguments)!r}]\n"
        "try: scanner.cli.main()\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)\n"
    )
    environment = plain_environment()
    for _ in range(2):  # the first run may have to compile the rules of the checkout
        result = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            env=environment,
            check=True,
            cwd=ROOT,
        )
    return set(result.stderr.split())


def test_a_scan_without_findings_imports_nothing_that_it_does_not_use() -> None:
    modules = imported("scan", "examples/compliant.yaml")
    assert "scanner.report.table" in modules
    assert not modules & set(HEAVY)


def test_what_no_environment_begins_in_is_not_searched_for_members(tmp_path: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text("Resources:\n  Data: {Type: AWS::S3::Bucket}\n  Role: {Type: AWS::IAM::Role}\n")
    parts = {f"scanner.template.{name}" for name in ("bonds", "family", "membership", "mention", "nesting")}
    assert not imported("scan", str(template)) & {*parts, *HEAVY}


def test_hardly_an_annotation_is_compiled_on_the_way_to_a_scan() -> None:
    code = (
        "import sys\n"
        "compiled = []\n"
        "sys.addaudithook(lambda event, given: event == 'compile' and compiled.append(given[0]))\n"
        "from scanner.cli import main\n"
        "sys.argv = ['smguard', 'scan', 'examples/noncompliant.yaml']\n"
        "try: main()\n"
        "except SystemExit: print(*compiled, sep='\\n', file=sys.stderr)\n"
    )
    command = [sys.executable, "-c", code]
    environment = plain_environment()
    for _ in range(2):  # the first run may have to compile the rules of the checkout
        result = subprocess.run(
            command, capture_output=True, text=True, env=environment, check=True, cwd=ROOT
        )
    # With `from __future__ import annotations` a NamedTuple compiles that of each of its fields.
    assert len(re.findall("^b'(?!lambda )", result.stderr, re.MULTILINE)) < 12, result.stderr


def test_only_the_report_format_asked_for_is_imported() -> None:
    modules = imported("scan", "examples/noncompliant.yaml", "-f", "json")
    assert "scanner.report.json_report" in modules
    others = set(FORMATS.values()) - {FORMATS["json"]}
    assert not modules & {*others, "scanner.report.together", "scanner.cli.outputs", "jsonschema", "boto3"}


def test_the_core_imports_the_standard_library_only() -> None:
    code = "import sys, scanner.engine, scanner.catalog\nprint(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"],
        capture_output=True,
        text=True,
        check=True,
        env=plain_environment(),
    )
    foreign = {name.partition(".")[0] for name in result.stdout.split()} - set(sys.stdlib_module_names)
    assert foreign - {"__main__", "_distutils_hack", "scanner", "sitecustomize"} == set()


def test_no_key_of_our_own_data_is_a_number_or_a_boolean() -> None:
    limits = Limits(depth=100)
    files = [
        path for folder in ("rules", "policies", "config_rules") for path in (ROOT / folder).rglob("*.yaml")
    ]
    assert len(files) > 80
    for path in files:
        notes = read(path.read_text(encoding="utf-8"), limits).notes
        assert all("merge key" in what for _, what in notes), (path, notes)  # `on:` is true


def test_the_page_of_the_catalog_is_current() -> None:
    current = (ROOT / "rules" / "README.md").read_text(encoding="utf-8")
    assert current == readme(catalog.load(), catalog.examples()), "run `make docs`"


def test_the_readme_shows_what_the_scanner_prints() -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"<!-- example:begin -->\n(.*?)<!-- example:end -->", page, re.DOTALL)
    assert shown is not None
    commands = re.findall(r"```console\n\$ (.*?)\n(.*?)```", shown[1], re.DOTALL)
    assert commands
    for command, output in commands:
        result = subprocess.run(
            [sys.executable, "-m", "scanner", *command.split()[1:]],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "COLUMNS": "100"},
            check=False,
        )
        assert result.stdout == output, f"the README shows another output of {command}"


def test_the_control_of_the_readme_is_sound(tmp_path: Path) -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```yaml\n(id: notebook-volume-size.*?)```", page, re.DOTALL)
    (tmp_path / "notebook-volume-size.yaml").write_text(text, encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-m", "scanner", "rules", "check", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert result.stdout == "1 control and its 3 examples are sound.\n"


def test_the_counts_in_prose_are_current() -> None:
    full = catalog.load()
    kinds = {kind for control in full.controls for kind in control.resources if "::SageMaker::" in kind}
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"{len(full.controls)} controls on {len(kinds)} SageMaker resource types" in changes


PAGES = [
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "rules/README.md",
    "examples/environment/README.md",
]


@pytest.mark.parametrize("page", [*PAGES, *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))])
def test_links_between_pages_lead_somewhere(page: str) -> None:
    path = ROOT / page
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (path.parent / target).exists(), target
    anchors = {
        re.sub(r"[^\w\- ]", "", line.lstrip("# ").strip().lower()).replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= anchors


def test_modules_stay_small() -> None:
    too_long = {
        str(path.relative_to(ROOT)): count
        for path in (ROOT / "scanner").rglob("*.py")
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 330
    }
    assert too_long == {}
