"""A release as users get it: what its files hold, and that each way to install it gives the same command."""

from __future__ import annotations

import email
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pip
import pytest
import yaml
from packaging.requirements import Requirement

from scanner import __version__, rule_folder
from scanner.deploy.bundle import bundles
from tests.building import ROOT, attempt, clean, run

pytestmark = pytest.mark.packaging

PIP = ("-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-compile")
OFFLINE = ("--no-index", "--no-deps", "--no-build-isolation")
TELL = "from scanner import catalog; import scanner, sys; print(catalog.load().digest, scanner.__file__)"
OPEN = "Resources: {N: {Type: 'AWS::SageMaker::NotebookInstance'}}\n"


def environment(folder: Path) -> tuple[str | Path, ...]:
    """Make an environment, without a pip of its own; the words that install into it."""
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    return sys.executable, *PIP[:2], "--python", folder / "bin" / "python", *PIP[2:]


@pytest.fixture(scope="module")
def digest() -> str:
    return rule_folder.digest(str(ROOT / "rules"))


def test_wheel_holds_the_package_only(built: dict[str, Path], digest: str) -> None:
    with zipfile.ZipFile(built[".whl"]) as wheel:
        names = wheel.namelist()
        catalog, *_ = json.loads(wheel.read("scanner/data/catalog.json"))
        metadata = email.message_from_bytes(wheel.read(next(n for n in names if n.endswith("/METADATA"))))
        commands = wheel.read(next(n for n in names if n.endswith("/entry_points.txt"))).decode()
    info = f"sagemaker_guardrails-{__version__}.dist-info"
    assert {name.partition("/")[0] for name in names} <= {"scanner", "config_rules", info}
    words = "calls catalog configuration examples frameworks kinds live schema sdk"
    data = {f"{name}.json" for name in words.split()}
    policies = {path.relative_to(ROOT).as_posix() for path in (ROOT / "policies").rglob("*.*")}
    held = {name.removeprefix("scanner/data/") for name in names if name.startswith("scanner/data/")}
    rules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "config_rules").glob("*.*")}
    assert held == data | policies | rules
    assert catalog["digest"] == digest
    assert catalog["version"] == metadata["Version"] == __version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert "smguard = scanner.__main__:main" in commands
    needed = {text.split(">")[0] for text in metadata.get_all("Requires-Dist", []) if "extra ==" not in text}
    assert needed == {"boto3", "click", "jinja2", "jsonschema", "pyyaml", "rich"}


def test_wheel_of_the_sdist_is_the_wheel_of_the_sources(built: dict[str, Path], tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path, ROOT, cwd=tmp_path)
    (direct,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(direct) as one, zipfile.ZipFile(built[".whl"]) as other:
        assert {it.filename: it.CRC for it in one.infolist()} == {
            it.filename: it.CRC for it in other.infolist()
        }


def test_sdist_holds_the_sources(built: dict[str, Path]) -> None:
    with tarfile.open(built[".tar.gz"]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    wanted = {
        "README.md",
        "SECURITY.md",
        "LICENSE",
        "action.yml",
        "hatch_build.py",
        "mkdocs.yml",
        "pyproject.toml",
        "requirements/run.txt",
        "rules/_types.yaml",
        "tests/test_packaging.py",
    }
    assert wanted <= names
    assert not [name for name in names if name.startswith(("scanner/data", ".venv", "benchmarks/."))]


def test_nothing_is_written_into_the_source_tree(built: dict[str, Path]) -> None:
    assert not (ROOT / "scanner" / "data").exists()
    assert not (ROOT / "build").exists()


def test_bill_of_materials_lists_what_installing_brings_along(
    built: dict[str, Path], index: None, tmp_path: Path
) -> None:
    folder = built[".whl"].parent
    if not list(folder.glob("*.cdx.json")):
        # An environment of its own: what its tool brings along makes jsonschema slow to import.
        words = environment(tmp_path / "venv")
        run(*words, "--require-hashes", "-r", ROOT / "requirements" / "release.txt", cwd=tmp_path)
        (site,) = tmp_path.glob("venv/lib/*/site-packages")
        (site / "pip").symlink_to(Path(pip.__file__).parent)
        run("make", "--silent", "bill", f"DIST={folder}", f"PYTHON={words[4]}", cwd=ROOT)
    (file,) = folder.glob("*.cdx.json")
    text = file.read_text(encoding="utf-8")
    bill = json.loads(text)
    product = bill["metadata"]["component"]
    assert (bill["bomFormat"], product["name"]) == ("CycloneDX", "sagemaker-guardrails")
    assert product["version"] == __version__
    listed = {each["name"].lower().replace("_", "-"): f"=={each['version']}" for each in bill["components"]}
    assert {"boto3", "botocore", "click", "jsonschema", "pyyaml"} <= set(listed)
    lines = (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8").splitlines()
    locked = [Requirement(line.rstrip("\\ ")) for line in lines if line[:1].isalpha()]
    everywhere = {each.name: str(each.specifier) for each in locked if each.marker is None}
    assert everywhere.items() <= listed.items() <= {each.name: str(each.specifier) for each in locked}.items()
    assert all(each["purl"].startswith("pkg:pypi/") for each in bill["components"])
    assert "file:" not in text
    (direct,) = (each for each in bill["dependencies"] if each["ref"] == product["bom-ref"])
    assert {name.partition("=")[0] for name in direct["dependsOn"]} == {
        "boto3",
        "click",
        "Jinja2",
        "jsonschema",
        "PyYAML",
        "rich",
    }


@pytest.fixture(scope="module")
def installing(built: dict[str, Path], index: None, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The words that install into a clean environment, where the wheel and what it needs is."""
    folder = tmp_path_factory.mktemp("clean")
    words = environment(folder / "venv")
    run(*words, built[".whl"], cwd=folder)
    return words


@pytest.mark.parametrize("source", [".whl", ".tar.gz"])
def test_installed_into_a_clean_environment(
    built: dict[str, Path], installing: Any, tmp_path: Path, source: str
) -> None:
    run(*installing, "--force-reinstall", "--no-deps", built[source], cwd=tmp_path)
    smguard = installing[4].with_name("smguard")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "open.yaml").write_text(OPEN, encoding="utf-8")
    (elsewhere / "fine.yaml").write_text((ROOT / "examples" / "compliant.yaml").read_text("utf-8"), "utf-8")
    assert run(smguard, "--version", cwd=elsewhere).startswith(f"smguard {__version__} (catalog ")
    assert "notebook-direct-internet" in run(smguard, "rules", "list", cwd=elsewhere)
    assert "examples are sound" in run(smguard, "rules", "check", cwd=elsewhere)
    assert run(smguard, "scan", "fine.yaml", cwd=elsewhere).startswith("All good.")
    run(smguard, "config-rules", "build", "-o", "deploy", cwd=elsewhere)
    here = {f"{it.name}={hashlib.sha256(it.content).hexdigest()}" for it in bundles().values()}
    there = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in elsewhere.glob("deploy/*.zip")
    }
    # The hook's holds PyYAML, as it is installed.
    assert {it for it in here if "-rules-" in it} <= {f"{name}={digest}" for name, digest in there.items()}
    assert len(there) == 2
    shutil.rmtree(elsewhere / "deploy")
    found = attempt(smguard, "scan", ".", "-f", "json", cwd=elsewhere)
    assert found.returncode == 1
    assert {each["location"]["file"] for each in json.loads(found.stdout)["findings"]} == {"open.yaml"}


def test_installed_from_a_folder(built: dict[str, Path], digest: str, tmp_path: Path) -> None:
    site = tmp_path / "site"
    run(sys.executable, *PIP, *OFFLINE, "--target", site, ROOT, cwd=tmp_path)
    said, file = run(sys.executable, "-c", TELL, cwd=tmp_path, env=clean(PYTHONPATH=str(site))).split()
    assert said == digest
    assert Path(file).is_relative_to(site)
    assert not (site / "rules").exists()
    assert not (site / "policies").exists()


def test_editable_install_reads_the_rules_live(digest: str, tmp_path: Path) -> None:
    prefix = ("--prefix", tmp_path / "p", "--ignore-installed", "--editable", ROOT)
    run(sys.executable, *PIP, *OFFLINE, *prefix, cwd=tmp_path)
    (link,) = (tmp_path / "p").rglob("*.pth")
    assert link.read_text().strip() == str(ROOT)
    said, file = run(sys.executable, "-c", TELL, cwd=tmp_path, env=clean(PYTHONPATH=str(ROOT))).split()
    assert said == digest
    assert Path(file).is_relative_to(ROOT / "scanner")


def test_the_oldest_dependencies_that_are_allowed_will_do(
    built: dict[str, Path], index: None, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    oldest = ROOT / "requirements" / "oldest.txt"
    run(sys.executable, *PIP, "--target", site, "--require-hashes", "-r", oldest, cwd=tmp_path)
    run(sys.executable, *PIP, *OFFLINE, "--upgrade", "--target", site, built[".whl"], cwd=tmp_path)
    template = tmp_path / "open.yaml"
    template.write_text(OPEN, encoding="utf-8")
    for words, code in (
        (["scan", template], 1),
        (["scan", template, "-f", "sarif"], 1),
        (["scan", template, "--select", "nonsense"], 2),
        (["scan", template, "--nonsense"], 2),
        (["rules", "check"], 0),
        (["--help"], 0),
    ):
        command = [sys.executable, "-S", "-m", "scanner", *map(str, words)]
        done = subprocess.run(
            command, cwd=tmp_path, env=clean(PYTHONPATH=str(site)), capture_output=True, text=True
        )
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr


def test_pre_commit_hook_runs_the_command() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["id"] == "smguard-scan"
    assert hook["entry"] == "smguard scan --candidates"
    assert hook["language"] == "python"
