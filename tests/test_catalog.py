"""Loading the catalog, choosing controls and adding a user's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from scanner import catalog, rule_folder, rulepack
from scanner.catalog import Catalog
from scanner.model import Severity, SmguardError
from scanner.notation import OWN_NUMBERS

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = "AWS::SageMaker::NotebookInstance"


@pytest.fixture(scope="module")
def built_in() -> Catalog:
    """The catalog of this checkout."""
    return catalog.load()


def own(folder: Path, name: str, **changes: Any) -> Path:
    """A folder with one control of a user's own."""
    document = {
        "id": name,
        "title": "Notebooks have few gigabytes",
        "area": "access",
        "severity": "low",
        "rationale": "Cost.",
        "remediation": "Make it smaller.",
        "resources": {NOTEBOOK: {"places": [{"requires": {"VolumeSizeInGB": {"maximum": 50}}}]}},
        "examples": {"fail": [{"about": "large", "resource": {"Type": NOTEBOOK}}]},
        **changes,
    }
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(document))
    return folder


def test_load(built_in: Catalog) -> None:
    assert [it.id for it in built_in.controls] == sorted(built_in.by_id)
    assert all(isinstance(it.severity, Severity) for it in built_in.controls)
    assert built_in.digest == rule_folder.digest(str(ROOT / "rules"))
    assert built_in.by_type[NOTEBOOK]
    assert "AWS::SQS::Queue" not in built_in.by_type
    assert set(catalog.examples()) == set(built_in.by_id)
    assert built_in.kinds[NOTEBOOK].keys() < catalog.property_kinds()["kinds"][NOTEBOOK].keys()


def test_compiled_catalog_equals_the_live_one(
    built_in: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examples = catalog.examples()
    assert catalog.live_directory() == str(ROOT / "rules")
    for name, text in rulepack.compiled_files(str(ROOT / "rules")).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(catalog, "_DATA", str(tmp_path))
    assert catalog.load() == built_in
    assert catalog.examples() == examples
    assert catalog.live_directory() is None
    head, first, *rest = (tmp_path / "catalog.json").read_text(encoding="utf-8").split("\n")
    for damaged in ("{", head, "\n".join((head, first)), "\n".join((head, first, first, *rest))):
        (tmp_path / "catalog.json").write_text(damaged, encoding="utf-8")
        with pytest.raises(SmguardError, match="damaged"):
            catalog.load()
    (tmp_path / "catalog.json").write_text("\n".join((head, "{,", *rest)), encoding="utf-8")
    with pytest.raises(SmguardError, match="damaged"):
        dict(catalog.load().kinds)


def test_select(built_in: Catalog) -> None:
    everything = catalog.select(built_in)
    ids = [it.id for it in everything]
    assert everything == tuple(it for it in built_in.controls if not it.retired)
    assert [it.id for it in catalog.select(built_in, select=ids[:2])] == ids[:2]
    assert [it.id for it in catalog.select(built_in, ignore=ids[:2])] == ids[2:]
    assert catalog.select(built_in, select=ids[:2], ignore=ids[:1]) == everything[1:2]
    assert {it.area for it in catalog.select(built_in, areas=["encryption"])} == {"encryption"}
    framework = next(name for it in everything for name in it.frameworks)
    assert all(framework in it.frameworks for it in catalog.select(built_in, frameworks=[framework]))


@pytest.mark.parametrize(
    ("options", "what", "hint"),
    [
        ({"select": ["volume-kms-keys"]}, "unknown control 'volume-kms-keys'", "did you mean volume-kms-key"),
        ({"ignore": ["zzz"]}, "unknown control 'zzz'", "known: "),
        ({"areas": ["encryptio"]}, "unknown area 'encryptio'", "did you mean encryption"),
        ({"frameworks": ["no-such"]}, "unknown framework 'no-such'", ""),
    ],
)
def test_select_unknown(built_in: Catalog, options: dict[str, list[str]], what: str, hint: str) -> None:
    with pytest.raises(SmguardError) as caught:
        catalog.select(built_in, **options)
    assert caught.value.what == what
    assert hint in caught.value.hint


def test_add(built_in: Catalog, tmp_path: Path) -> None:
    both = catalog.add(built_in, str(own(tmp_path / "mine", "small-volume")))
    assert [it.id for it in both.by_type[NOTEBOOK]] == [
        *(it.id for it in built_in.by_type[NOTEBOOK]),
        "small-volume",
    ]
    assert both.digest != built_in.digest
    assert both.kinds[NOTEBOOK]["VolumeSizeInGB"] == "i"
    assert built_in.kinds[NOTEBOOK].keys() <= both.kinds[NOTEBOOK].keys()


def test_add_an_id_that_exists(built_in: Catalog, tmp_path: Path) -> None:
    with pytest.raises(SmguardError, match="is a control of the built-in catalog"):
        catalog.add(built_in, str(own(tmp_path / "mine", built_in.controls[0].id)))


def test_every_built_in_control_has_a_number_of_its_range(built_in: Catalog) -> None:
    assert all(control.number and 101 <= control.number < OWN_NUMBERS for control in built_in.controls)


@pytest.mark.parametrize(
    ("number", "said"),
    [(101, "101 is the number of network-isolation"), (499, "499 is kept for the built-in catalog")],
)
def test_add_a_number_that_is_taken_or_kept(
    number: int, said: str, built_in: Catalog, tmp_path: Path
) -> None:
    with pytest.raises(SmguardError, match=said):
        catalog.add(built_in, str(own(tmp_path / "mine", "small-volume", number=number)))
    assert catalog.add(built_in, str(own(tmp_path / "mine", "small-volume", number=500)))


def test_parameters_are_replaced_by_their_default(built_in: Catalog, tmp_path: Path) -> None:
    declared = {"limit": {"type": "integer", "default": 7, "description": "gigabytes"}}
    requires = {"VolumeSizeInGB": {"anyOf": [{"maximum": {"$parameter": "limit"}}]}}
    resources = {NOTEBOOK: {"places": [{"requires": requires}]}}
    folder = own(tmp_path / "mine", "small-volume", parameters=declared, resources=resources)
    control = catalog.add(built_in, str(folder)).by_id["small-volume"]
    assert control.resources[NOTEBOOK]["places"][0]["requires"] == {
        "VolumeSizeInGB": {"anyOf": [{"maximum": 7}]}
    }
    assert control.parameters == declared


def test_retired_controls_stay_known_and_judge_nothing(built_in: Catalog, tmp_path: Path) -> None:
    both = catalog.add(built_in, str(own(tmp_path / "mine", "small-volume", retired=True)))
    assert both.by_id["small-volume"].retired
    assert both.by_type[NOTEBOOK] == built_in.by_type[NOTEBOOK]
    assert catalog.select(both, select=["small-volume"]) == ()


def test_compiled_catalog_loads_without_yaml(tmp_path: Path) -> None:
    for name, text in rulepack.compiled_files(str(ROOT / "rules")).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    program = (
        "import sys; from scanner import catalog; catalog._DATA = sys.argv[1]; catalog.load();"
        "slow = {'yaml', 'jsonschema', 'pathlib', 'difflib', 'hashlib'} & sys.modules.keys();"
        "sys.exit(' '.join(slow) or 0)"
    )
    subprocess.run([sys.executable, "-S", "-c", program, tmp_path], check=True, cwd=ROOT)
