"""The rule pack: what is refused at load, what `rules check` adds, and how the digest is made."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from scanner import rule_folder, rulepack, rulepack_check
from scanner.model import SmguardError
from scanner.rulepack import Base

RULES = Path(__file__).resolve().parent.parent / "rules"
NOTEBOOK = "AWS::SageMaker::NotebookInstance"
KINDS = {
    NOTEBOOK: {
        "KmsKeyId": "s",
        "RootAccess": "e:Disabled|Enabled",
        "SecurityGroupIds": ["s"],
        "Tags": [{"Key": "s", "Value": "s"}],
        "VolumeSizeInGB": "i",
    },
    "AWS::SageMaker::Endpoint": {"EndpointConfigName": "s"},
    "AWS::SageMaker::EndpointConfig": {
        "ProductionVariants": [{"InstanceType": "s", "Environment": {"*": "s"}}],
    },
}

Write = Callable[[str, Any], None]


def control(name: str = "volume-kms-key", **changes: Any) -> dict[str, Any]:
    """A sound control with some fields changed; None leaves a field out."""
    fields: dict[str, Any] = {
        "id": name,
        "title": "Volumes are encrypted",
        "area": "encryption",
        "severity": "high",
        "rationale": "Because.",
        "remediation": "Recreate it.",
        "resources": {NOTEBOOK: {"places": [{"requires": {"KmsKeyId": {}}}]}},
        "examples": {"fail": [{"about": "no key", "resource": {"Type": NOTEBOOK}}]},
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def place(**fields: Any) -> dict[str, Any]:
    """A control with this one place on a notebook."""
    return control(resources={NOTEBOOK: {"places": [fields]}})


def parameter(**declared: Any) -> dict[str, Any]:
    """A control with a parameter that is declared so."""
    return control(parameters={"n": {"description": "how many", **declared}})


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A folder with one sound control, two named requirements, a shape and three types."""
    folder = tmp_path / "rules"
    folder.mkdir()
    types = {
        NOTEBOOK: {"create": "CreateNotebookInstance"},
        "AWS::SageMaker::EndpointConfig": None,
        "AWS::SageMaker::Endpoint": {"judged-at": {"EndpointConfigName": ["AWS::SageMaker::EndpointConfig"]}},
    }
    definitions = {
        "values": {"small": {"about": "few", "maximum": 5}},
        "shapes": {"keyed": {"requires": {"KmsKeyId": {}}}},
    }
    (folder / "_types.yaml").write_text(yaml.safe_dump({"types": types, "transforms": ["AWS::Include"]}))
    (folder / "_defs.yaml").write_text(yaml.safe_dump(definitions))
    (folder / "_kinds.json").write_text(json.dumps({"kinds": KINDS, "cloudformation-only": {}}))
    (folder / "encryption").mkdir()
    put(folder, control())
    return folder


def put(folder: Path, document: Any, stem: str | None = None) -> None:
    """Write a control file."""
    name = stem or document["id"]
    (folder / "encryption" / f"{name}.yaml").write_text(yaml.safe_dump(document, sort_keys=False))


def first_problem(folder: Path) -> str:
    """What loading says is wrong."""
    with pytest.raises(SmguardError) as caught:
        rulepack.compile(str(folder))
    assert "rules check" in caught.value.hint
    return caught.value.what


def test_sound_pack_compiles(pack: Path) -> None:
    compiled = rulepack.compile(str(pack))
    assert [it["id"] for it in compiled["controls"]] == ["volume-kms-key"]
    assert compiled["controls"][0]["waivable"] is True
    assert "examples" not in compiled["controls"][0]
    assert compiled["transforms"] == ["AWS::Include"]
    assert compiled["types"]["AWS::SageMaker::EndpointConfig"] == {}
    assert rulepack_check.check(str(pack)) == []


def test_kinds_are_pruned_to_what_controls_touch(pack: Path) -> None:
    places = [{"at": "Tags[]?", "requires": {"Key": {}}}, {"shape": "keyed"}]
    join = {"judged-at": "EndpointConfigName"}
    put(pack, control(resources={NOTEBOOK: {"places": places}, "AWS::SageMaker::Endpoint": join}))
    compiled = rulepack.compile(str(pack))
    assert compiled["kinds"] == {
        NOTEBOOK: {"KmsKeyId": "s", "Tags": [{"Key": "s", "Value": "s"}]},
        "AWS::SageMaker::Endpoint": {"EndpointConfigName": "s"},
    }


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (control(colour="red"), "colour: unknown key; known: id, "),
        (control(title=None), "title: is missing"),
        (control(title=7), "title: must be text"),
        (control(area="colour"), "area: 'colour' is none of"),
        (control(severity="severe"), "severity: 'severe' is none of low, medium"),
        (control(severity="HIGH"), "severity: 'HIGH' is none of"),
        (control(number=100), "number: must be a whole number from 101 to 999"),
        (control(number="101"), "number: must be a whole number"),
        (control(number=True), "number: must be a whole number"),
        (control(waivable="yes"), "waivable: must be true or false"),
        (control(prevent={}), "prevent: must be a list"),
        (control(fix="no"), "fix: must be a mapping"),
        (control(fix={"by-foot": "x"}), "fix.by-foot: unknown key"),
        (control(fix={"by-hand": True}), "fix.by-hand: must be text"),
        (control(fix={"needs": "SubnetId"}), "fix.needs: must be a list"),
        (control(resources=[1]), "resources: must be a mapping"),
        (control(resources={"AWS::X::Y": {"judged-at": "A"}}), "resources.AWS::X::Y: unknown resource type"),
        (
            control(resources={NOTEBOOK: {"places": [{"any": True, "requires": {"KmsKeyId": {}}}]}}),
            "any: is for a place that looks at other resources",
        ),
        (control(resources={NOTEBOOK: {}}), "has neither places nor judged-at"),
        (control(resources={NOTEBOOK: {"judged-at": "A"}}), "does not say what A of"),
        (control(resources={NOTEBOOK: {"places": {"a": 1}}}), "places: must be a list"),
        (control(resources={NOTEBOOK: {"places": [3]}}), "places.0: must be a mapping"),
        (
            control(resources={NOTEBOOK: {"place": [], "judged-at": "A"}}),
            "place: unknown key; did you mean places",
        ),
        (control(examples={"failing": []}), "examples.failing: unknown key"),
        (control(examples=[1]), "examples: must be a mapping"),
        (control(parameters=[1]), "parameters: must be a mapping"),
        (control(parameters={"n": 3}), "parameters.n: must be a mapping"),
        (parameter(type="int", default=1), "parameters.n.type: 'int' is none of"),
        (parameter(type="integer"), "parameters.n.default: is missing"),
        (parameter(type="integer", default=True), "n.default: must be of type"),
        (parameter(type="integer", default=0, minimum=1), "n.default: is 0, must"),
        (parameter(type="string", default="a", pattern="("), "n.pattern: is no regular expression"),
        (place(requires={}), "places.0.requires: is empty"),
        (place(shape="round"), "'round' is not among the shapes"),
        (place(shape="keyed", when={"A": {}}), "when: stands beside `shape`"),
        (place(at="A..B", requires={"A": {}}), "at: is no path like"),
        (place(at="", requires={"A": {}}), "is no path"),
        (place(requires=["KmsKeyId"]), "requires: must be a mapping"),
        (place(requires={"A[": {}}), "requires.A[: is no path"),
        (place(requires={"A": None}), "requires.A: must be a mapping"),
        (place(requires={"A": {"minimal": 1}}), "requires.A.minimal: unknown key; did you mean minimum?"),
        (place(requires={"A": {"$ref": "large"}}), "'large' is not among the values"),
        (place(requires={"A": {"is": "nice"}}), "A.is: 'nice' is none of"),
        (place(requires={"A": {"known": ["a"]}}), "requires.A.is: is missing beside known"),
        (place(requires={"A": {"type": "text"}}), "A.type: 'text' is none of"),
        (place(requires={"A": {"pattern": "("}}), "is no regular expression"),
        (place(requires={"A": {"not": {"items": {"x": 1}}}}), "requires.A.not.items.x: unknown key"),
        (place(requires={"A": {"anyOf": [{}, {"x": 1}]}}), "A.anyOf.1.x: unknown key"),
        (place(requires={"A": {"allOf": {}}}), "A.allOf: must be a list"),
        (place(requires={"A": {"properties": []}}), "A.properties: must be a mapping"),
        (place(requires={"A": {"properties": {"B": {"x": 1}}}}), "A.properties.B.x: unknown key"),
        (place(requires={"A": {"enum": {"$parameter": "n"}}}), "parameter 'n' is not declared"),
    ],
)
def test_structural_faults_stop_loading(pack: Path, document: dict[str, Any], said: str) -> None:
    put(pack, document)
    what = first_problem(pack)
    assert said in what
    assert what.startswith("encryption/volume-kms-key.yaml")


def test_id_must_equal_file_name(pack: Path) -> None:
    put(pack, control("other-name"), stem="some-name")
    assert "id: is 'other-name', must equal the file name 'some-name'" in first_problem(pack)
    put(pack, control("Other"), stem="some-name")
    assert "kebab-case" in first_problem(pack)


def test_one_id_in_two_folders(pack: Path) -> None:
    (pack / "access").mkdir()
    (pack / "access" / "volume-kms-key.yaml").write_text(yaml.safe_dump(control()))
    assert "'volume-kms-key' is also access/volume-kms-key.yaml" in first_problem(pack)


def test_one_number_of_two_controls(pack: Path) -> None:
    put(pack, control(number=101, retired=True))
    put(pack, control("other-key", number=101))
    assert "number: 101 is the number of other-key" in first_problem(pack)


BOMB = "area: &l0 [x, x]\n" + "".join(
    f"a{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]\n" for n in range(1, 7)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id: a\nid: b\n", "volume-kms-key.yaml:2: 'id' stands twice"),
        ("id: [\n", "volume-kms-key.yaml:2: "),
        ("- 1\n", "volume-kms-key.yaml: must be a mapping"),
        ("id: x\ntitle: !mine x\n", "volume-kms-key.yaml:2: the tag !mine is unknown here"),
        ("id: !!python/name:os.system x\n", "volume-kms-key.yaml:1: the tag !!python/name:os.system asks"),
        (
            f"id: x\ntitle: {'[' * 101}{']' * 101}\n",
            "volume-kms-key.yaml:2: is nested deeper than 100 levels",
        ),
        ("[" * 100_000, "volume-kms-key.yaml:1: is nested deeper than 100 levels"),
        ("- " * 100_000, "volume-kms-key.yaml:1: is nested deeper than 100 levels"),
        (BOMB, "volume-kms-key.yaml: holds more than 200,000 values, each alias counted"),
        ("id: \0\n", "volume-kms-key.yaml:1: the character U+0000 is not allowed"),
        ("id: \udcff\n", "volume-kms-key.yaml: is not UTF-8"),
    ],
)
def test_broken_yaml_is_located(pack: Path, text: str, said: str) -> None:
    (pack / "encryption" / "volume-kms-key.yaml").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert said in first_problem(pack)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("_defs.yaml", {"values": {"a": {"x": 1}}}, "_defs.yaml: values.a.x: unknown key"),
        ("_defs.yaml", {"values": {"a": {"$ref": "b"}, "b": {"not": {"$ref": "a"}}}}, "refers to itself"),
        ("_defs.yaml", {"shapes": {"a": {"requires": {}}}}, "shapes.a.requires: is empty"),
        ("_defs.yaml", {"shapes": {"a": 1}}, "shapes.a: must be a mapping"),
        ("_defs.yaml", {"valves": {}}, "valves: unknown key; did you mean values?"),
        ("_defs.yaml", {"template-parameters": {"A": 1}}, "template-parameters.A: must be a mapping"),
        ("_defs.yaml", {"template-parameters": {"A": {"a": 1}}}, "A.a: unknown key"),
        (
            "_defs.yaml",
            {"template-parameters": {"A": {"properties": ["B"], "declares": {}}}},
            "A.declares.Type: is missing",
        ),
        (
            "_defs.yaml",
            {"template-parameters": {"A": {"declares": {"Type": "String"}}}},
            "A.properties: is missing",
        ),
        ("_defs.yaml", {"values": []}, "values: must be a mapping"),
        ("_defs.yaml", [], "_defs.yaml: must be a mapping"),
        ("_types.yaml", {"types": {NOTEBOOK: {"made-by": 1}}}, "made-by: unknown key"),
        ("_types.yaml", {"types": {NOTEBOOK: 1}}, f"types.{NOTEBOOK}: must be a mapping"),
        ("_types.yaml", {"types": {NOTEBOOK: {"renames": {"A..": "B"}}}}, "is no path"),
        ("_types.yaml", {"types": {NOTEBOOK: {"judged-at": {"A": ["A::B::C"]}}}}, "unknown type 'A::B::C'"),
    ],
)
def test_shared_files_are_checked(pack: Path, file: str, content: Any, said: str) -> None:
    (pack / file).write_text(yaml.safe_dump(content))
    assert said in first_problem(pack)


def test_check_says_what_is_wrong_with_types_alone(pack: Path) -> None:
    (pack / "_types.yaml").write_text("types: {x: 1}\n")
    assert check(pack) == [
        "_types.yaml:1: types.x: is no type like AWS::SageMaker::Model",
        "_types.yaml:1: types.x: must be a mapping or nothing",
    ]


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(SmguardError, match="is no folder"):
        rulepack.compile(str(tmp_path / "none"))


def check(folder: Path) -> list[str]:
    return [str(problem) for problem in rulepack_check.check(str(folder))]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (place(requires={"KmsKey": {}}), "requires.KmsKey: no property KmsKey is known here"),
        (place(at="Tags[].Kee", requires={"A": {}}), "at: no property Kee is known here"),
        (place(when={"KmsKeyId.A": {}}, requires={"KmsKeyId": {}}), "no property A is known here"),
        (place(requires={"KmsKeyId[]": {}}), "KmsKeyId is no list"),
        (place(requires={"Tags.Key": {}}), "no property Key is known here"),
        (place(requires={"Tags": {"items": {"required": ["Kee"]}}}), "no property Kee"),
        (place(requires={"Tags": {"contains": {"not": {"properties": {"Kee": {}}}}}}), "no property Kee"),
        (place(requires={"Tags": {"contains": {"anyOf": [{"properties": {"K": {}}}]}}}), "no property K "),
        (place(requires={"RootAccess": {"const": "disabled"}}), "'disabled' is none of Disabled, Enabled"),
        (place(requires={"RootAccess": {"enum": ["Disabled", "Off"]}}), "'Off' is none of"),
        (place(requires={"VolumeSizeInGB": {"minimum": "five"}}), "requires.VolumeSizeInGB.minimum"),
        (control(frameworks={"nist": "SC-28"}), "frameworks.nist"),
        (control(prevent=["encryption"]), "prevent.0"),
        (place(any=False, requires={"KmsKeyId": {}}), "any: must be true"),
        (place(requires={"KmsKeyId": {"pattern": "a{1,99999999999}"}}), "pattern: is no regular expression"),
        (place(requires={"KmsKeyId": {"pattern": "(" * 2000 + ")" * 2000}}), "is no regular expression"),
        (control(examples={"fail": [{"about": "no resource"}]}), "examples.fail.0"),
    ],
)
def test_check_adds_schema_and_property_paths(pack: Path, document: dict[str, Any], said: str) -> None:
    put(pack, document)
    (found,) = check(pack)
    assert said in found
    assert found.startswith("encryption/volume-kms-key.yaml:")


def test_maps_and_unknown_kinds_take_any_property(pack: Path) -> None:
    configs = {"places": [{"requires": {"ProductionVariants[].Environment.ANY_NAME": {}}}]}
    configs["places"][0]["requires"] = {"ProductionVariants[].Environment.AnyName": {}}
    put(pack, control(resources={"AWS::SageMaker::EndpointConfig": configs}))
    assert check(pack) == []


def test_check_says_the_line(pack: Path) -> None:
    put(pack, place(requires={"KmsKeyId": {}, "KmsKey": {}}))
    text = (pack / "encryption" / "volume-kms-key.yaml").read_text().splitlines()
    line = next(number for number, row in enumerate(text, 1) if row.strip().startswith("KmsKey:"))
    assert check(pack)[0].startswith(f"encryption/volume-kms-key.yaml:{line}: ")


def test_check_lists_every_problem(pack: Path) -> None:
    put(pack, control("one", area="x", severity="y"))
    put(pack, control("two", colour="z"))
    assert len(check(pack)) == 3


def test_foreign_id_claimed_twice_for_a_type(pack: Path) -> None:
    put(pack, control("one", aka={"checkov": ["CKV_AWS_1", "CKV_AWS_2"]}))
    entry = {"places": [{"requires": {"KmsKeyId": {}}}], "aka": {"checkov": "CKV_AWS_2"}}
    put(pack, control("two", resources={NOTEBOOK: entry}))
    (found,) = check(pack)
    assert "checkov CKV_AWS_2 is claimed by one too" in found


def test_wrong_join_path(pack: Path) -> None:
    types = yaml.safe_load((pack / "_types.yaml").read_text())
    types["types"][NOTEBOOK]["judged-at"] = {"ModelName": [NOTEBOOK]}
    (pack / "_types.yaml").write_text(yaml.safe_dump(types))
    (found,) = check(pack)
    assert f"types.{NOTEBOOK}.judged-at.ModelName: no property ModelName" in found


def test_own_folder_builds_on_a_base(pack: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    (mine / "encryption").mkdir(parents=True)
    put(mine, control("notebook-key", resources={NOTEBOOK: {"places": [{"shape": "keyed"}]}}))
    assert any("unknown resource type" in problem for problem in check(mine))
    built_in = rulepack.read(str(pack))
    base = Base(
        ids=frozenset({"volume-kms-key"}),
        values=built_in.values,
        shapes=built_in.shapes,
        types=built_in.types,
        kinds=built_in.kinds,
    )
    assert rulepack_check.check(str(mine), base) == []
    (mine / "_defs.yaml").write_text(yaml.safe_dump({"values": {"small": {"maximum": 1}}}))
    put(mine, control())
    found = [str(problem) for problem in rulepack_check.check(str(mine), base)]
    assert any("is a control of the built-in catalog" in problem for problem in found)
    assert any("values.small: is defined by the built-in catalog" in problem for problem in found)


def test_digest_follows_content_and_paths_only(pack: Path) -> None:
    before = rule_folder.digest(str(pack))
    (pack / "README.md").write_text("generated")
    (pack / ".hidden").write_text("x")
    (pack / "__pycache__").mkdir()
    (pack / "__pycache__" / "x.pyc").write_text("x")
    (pack / "encryption" / "volume-kms-key.yaml~").write_text("x")
    assert rule_folder.digest(str(pack)) == before
    (pack.parent / "policies").mkdir()
    (pack.parent / "policies" / "scp.json").write_text("{}")
    with_policies = rule_folder.digest(str(pack))
    assert with_policies != before
    (pack / "encryption" / "volume-kms-key.yaml").rename(pack / "encryption" / "renamed.yaml")
    assert rule_folder.digest(str(pack)) not in (before, with_policies)


def test_built_in_rules_are_sound() -> None:
    assert check(RULES) == []


def test_kinds_are_what_the_models_say() -> None:
    pytest.importorskip("cfnlint", reason="cfn-lint is not installed: the provider schemas are missing")
    from tools import generate_kinds

    recorded = json.loads((RULES / "_kinds.json").read_text("utf-8"))
    installed = {name: version(name) for name in ("botocore", "cfn-lint")}
    numbers = {name: tuple(int(part) for part in text.split(".")) for name, text in installed.items()}
    if any(numbers[name] < tuple(int(part) for part in recorded[name].split(".")) for name in installed):
        pytest.skip(f"installed {installed} are older than those that rules/_kinds.json was made from")
    types = generate_kinds.types()
    made = generate_kinds.generate(types, today=recorded["generated"])
    if all(recorded[name] == installed[name] for name in installed):
        assert made == recorded, "run python -m tools.generate_kinds"
    for type_name, tree in recorded["kinds"].items():
        lost = generate_kinds.paths(tree) - generate_kinds.paths(made["kinds"][type_name])
        assert not lost, f"{type_name} no longer has {sorted(lost)}"
