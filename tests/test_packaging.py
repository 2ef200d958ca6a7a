"""Wheel, sdist → wheel, `pip install .` and `pip install -e .` all carry the same catalog; offline."""

from __future__ import annotations

import email
import json
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

from scanner import __version__, rulepack

pytestmark = pytest.mark.packaging

ROOT = Path(__file__).resolve().parent.parent
PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install")
OFFLINE = ("--no-index", "--no-deps", "--no-build-isolation")
TELL = "from scanner import catalog; import scanner, sys; print(catalog.load().digest, scanner.__file__)"


def run(*words: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command in a folder; its output. Its errors are shown if it fails."""
    # Copies of the package are not to be measured.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    done = subprocess.run(words, cwd=cwd, env={**plain, **environment}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel built from this checkout, the sdist, and the wheel built from that sdist."""
    direct, through = tmp_path_factory.mktemp("direct"), tmp_path_factory.mktemp("through")
    build = (sys.executable, "-m", "build", "--no-isolation")
    run(*build, "--wheel", "--outdir", direct, ROOT, cwd=direct)
    run(*build, "--outdir", through, ROOT, cwd=through)
    (wheel,) = direct.glob("*.whl")
    (sdist,) = through.glob("*.tar.gz")
    (again,) = through.glob("*.whl")
    return {"wheel": wheel, "sdist": sdist, "wheel of sdist": again}


@pytest.fixture(scope="module")
def digest() -> str:
    return rulepack.digest(str(ROOT / "rules"))


def test_wheel_holds_the_package_only(built: dict[str, Path], digest: str) -> None:
    with zipfile.ZipFile(built["wheel"]) as wheel:
        names = wheel.namelist()
        catalog = json.loads(wheel.read("scanner/data/catalog.json"))
        metadata = email.message_from_bytes(wheel.read(next(n for n in names if n.endswith("/METADATA"))))
        commands = wheel.read(next(n for n in names if n.endswith("/entry_points.txt"))).decode()
    info = f"sagemaker_guardrails-{__version__}.dist-info"
    assert {name.partition("/")[0] for name in names} <= {"scanner", "config_rules", info}
    data = {"catalog.json", "configuration.json", "examples.json", "kinds.json", "schema.json"}
    assert {name.rpartition("/")[2] for name in names if name.startswith("scanner/data/")} == data
    assert catalog["digest"] == digest
    assert catalog["version"] == metadata["Version"] == __version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert "smguard = scanner.cli:main" in commands
    needed = {text.split(">")[0] for text in metadata.get_all("Requires-Dist", []) if "extra ==" not in text}
    assert needed == {"boto3", "click", "jsonschema", "pyyaml"}


def test_wheel_of_the_sdist_is_the_same(built: dict[str, Path]) -> None:
    with zipfile.ZipFile(built["wheel"]) as one, zipfile.ZipFile(built["wheel of sdist"]) as other:
        assert {it.filename: it.CRC for it in one.infolist()} == {
            it.filename: it.CRC for it in other.infolist()
        }


def test_sdist_holds_the_sources(built: dict[str, Path]) -> None:
    with tarfile.open(built["sdist"]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    wanted = {
        "README.md",
        "LICENSE",
        "hatch_build.py",
        "pyproject.toml",
        "rules/_types.yaml",
        "tests/test_packaging.py",
    }
    assert wanted <= names
    assert not [name for name in names if name.startswith(("scanner/data", ".venv", "benchmarks/."))]


def test_nothing_is_written_into_the_source_tree(built: dict[str, Path]) -> None:
    assert not (ROOT / "scanner" / "data").exists()
    assert not (ROOT / "build").exists()


@pytest.mark.parametrize("source", ["wheel", "wheel of sdist", "folder"])
def test_installed_package(built: dict[str, Path], digest: str, tmp_path: Path, source: str) -> None:
    site = tmp_path / "site"
    run(*PIP, *OFFLINE, "--target", site, built.get(source, ROOT), cwd=tmp_path)
    said, file = run(sys.executable, "-c", TELL, cwd=tmp_path, PYTHONPATH=str(site)).split()
    assert said == digest
    assert Path(file).is_relative_to(site)
    assert not (site / "rules").exists()
    assert not (site / "policies").exists()
    version = run(sys.executable, site / "bin" / "smguard", "--version", cwd=tmp_path, PYTHONPATH=str(site))
    assert __version__ in version


def test_editable_install_reads_the_rules_live(digest: str, tmp_path: Path) -> None:
    run(*PIP, *OFFLINE, "--prefix", tmp_path / "p", "--ignore-installed", "--editable", ROOT, cwd=tmp_path)
    (link,) = (tmp_path / "p").rglob("*.pth")
    assert link.read_text().strip() == str(ROOT)
    said, file = run(sys.executable, "-c", TELL, cwd=tmp_path, PYTHONPATH=link.read_text().strip()).split()
    assert said == digest
    assert Path(file).is_relative_to(ROOT / "scanner")


def test_the_oldest_dependencies_that_are_allowed_will_do(built: dict[str, Path], tmp_path: Path) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    oldest = [each.replace(">=", "==") for each in declared]
    site = tmp_path / "site"
    run(*PIP, "--target", site, *oldest, cwd=tmp_path)
    run(*PIP, *OFFLINE, "--upgrade", "--target", site, built["wheel"], cwd=tmp_path)
    template = tmp_path / "open.yaml"
    template.write_text("Resources: {N: {Type: 'AWS::SageMaker::NotebookInstance'}}\n", encoding="utf-8")
    for words, code in (
        (["scan", template], 1),
        (["scan", template, "-f", "sarif"], 1),
        (["scan", template, "--select", "nonsense"], 2),
        (["scan", template, "--nonsense"], 2),
        (["rules", "check"], 0),
        (["--help"], 0),
    ):
        environment = {**os.environ, "PYTHONPATH": str(site)}
        command = [sys.executable, "-S", "-m", "scanner", *map(str, words)]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr


def test_pre_commit_hook_runs_the_command() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert hook["id"] == "smguard-scan"
    assert hook["entry"] == "smguard scan --candidates"
    assert hook["language"] == "python"
