"""`smguard fix` as a person runs it: what it mends, what it leaves alone and why, and how it ends."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests import door
from tests.door import Ran, give_up_power, scan
from tests.door import called as smguard

NOTEBOOK, MODEL, CONFIG = (
    f"AWS::SageMaker::{name}" for name in ("NotebookInstance", "Model", "EndpointConfig")
)
OPEN = f"Resources:\n  N:\n    Type: {NOTEBOOK}\n    Properties:\n      RootAccess: Enabled\n"
CLOSED = OPEN.replace("Enabled", "Disabled")
ROOT = ("--select", "notebook-root-access")


def fix(folder: Path, text: str, *words: str, name: str = "t.yaml") -> Ran:
    (folder / name).write_text(text, encoding="utf-8")
    return smguard("fix", *words, name, cwd=folder)


def told(ran: Ran) -> list[str]:
    """What is said of findings, without the names of parameters to pass."""
    return [line.strip() for line in ran.err.splitlines() if line.startswith("  ") and "when you" not in line]


def test_a_diff_is_shown_nothing_is_written_and_the_code_says_so(tmp_path: Path) -> None:
    ran = fix(tmp_path, OPEN, *ROOT)
    assert ran.code == 1
    assert ran.out == (
        "--- t.yaml\n+++ t.yaml\n@@ -2,4 +2,4 @@\n   N:\n     Type: AWS::SageMaker::NotebookInstance\n"
        "     Properties:\n-      RootAccess: Enabled\n+      RootAccess: Disabled\n"
    )
    assert ran.err == "t.yaml\n  mends   N  notebook-root-access\n1 can be mended, 0 left alone.\n"
    assert (tmp_path / "t.yaml").read_text() == OPEN


def test_what_was_written_needs_no_second_time(tmp_path: Path) -> None:
    ran = fix(tmp_path, OPEN, "--write", *ROOT)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == "t.yaml\n  mended  N  notebook-root-access\n1 mended, 0 left alone.\n"
    assert (tmp_path / "t.yaml").read_text() == CLOSED
    again = smguard("fix", *ROOT, "t.yaml", cwd=tmp_path)
    assert (again.code, again.out, again.err) == (0, "", "0 can be mended, 0 left alone.\n")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_git_applies_the_diff(tmp_path: Path) -> None:
    ran = fix(tmp_path, f"{OPEN}# the end")
    subprocess.run(["git", "apply", "-p0"], input=ran.out.encode(), cwd=tmp_path, check=True)
    applied = (tmp_path / "t.yaml").read_bytes()
    assert fix(tmp_path, f"{OPEN}# the end", "--write").code == 0
    assert (tmp_path / "t.yaml").read_bytes() == applied
    assert applied.endswith(b"\n# the end")


@pytest.mark.parametrize("name", ["n", "!Sub '${AWS::StackName}-n'"])
def test_a_notebook_has_all_that_can_be_mended_mended(tmp_path: Path, name: str) -> None:
    named = OPEN.replace("RootAccess", f"NotebookInstanceName: {name}\n      RootAccess")
    (tmp_path / "t.yaml").write_text(named)
    ran = smguard("fix", "--write", "t.yaml", cwd=tmp_path)
    replaced = "(CloudFormation replaces it, and can't while NotebookInstanceName stays)"
    assert told(ran) == [
        "mended  N  notebook-imds-v2",
        "mended  N  notebook-root-access",
        f"mended  N  volume-kms-key {replaced}",
        f"mended  N  vpc-config {replaced}",
        f"mended  N  notebook-direct-internet {replaced}",
        "asks    N  customer-managed-kms-key: KmsKeyId names a key that is not known here; "
        "fails when SageMakerKmsKeyArn is an AWS managed key (alias/aws/…)",
    ]
    assert ran.err.splitlines()[-2:] == [
        "  pass SageMakerKmsKeyArn, SageMakerSecurityGroupIds, SageMakerSubnetId when you deploy",
        "5 mended, 0 left alone.",
    ]
    report = scan("t.yaml", controls=(), cwd=tmp_path).report
    assert [(each["control"], each["verdict"]) for each in report["findings"]] == [
        ("customer-managed-kms-key", "unknown")
    ]


def template(kind: str, properties: str, before: str = "", beside: str = "") -> str:
    return f"{before}\nResources:\n  R:\n    Type: {kind}\n{beside}    Properties: {properties}\n"


CONDITION = "Parameters: {Own: {Type: String, Default: 'no'}}\nConditions: {Own: !Equals [!Ref Own, 'yes']}\n"
VARIANT = "VariantName: a, ModelName: m, InstanceType: ml.m5.large"
LEFT = {
    "a parameter decides": (
        "notebook-root-access",
        template(
            NOTEBOOK, "{RootAccess: !Ref Root}", "Parameters: {Root: {Type: String, Default: Enabled}}\n"
        ),
        "is decided by Ref Root; passes when Root is 'Disabled'",
    ),
    "a condition decides": (
        "network-isolation",
        template(
            MODEL,
            "{EnableNetworkIsolation: !If [Own, true, false]}",
            CONDITION,
        ),
        "is decided by Fn::If; passes when Own is true",
    ),
    "a container is chosen": (
        "vpc-config",
        template(
            MODEL,
            "{VpcConfig: !If [Own, {Subnets: [s], SecurityGroupIds: [g]}, !Ref AWS::NoValue]}",
            CONDITION,
        ),
        "is decided by Fn::If; passes when Own is true",
    ),
    "nothing is known": (
        "customer-managed-kms-key",
        template(NOTEBOOK, "{KmsKeyId: !ImportValue key}"),
        "is not known here: an import from another stack",
    ),
    "no literal settles it": (
        "customer-managed-kms-key",
        template(NOTEBOOK, "{KmsKeyId: alias/aws/sagemaker}"),
        "what KmsKeyId should be is yours to say",
    ),
    "what stands for a list of one": (
        "execution-role-scope",
        template(
            "AWS::IAM::Role",
            "{Tags: [{Key: ml-environment, Value: x}], "
            "AssumeRolePolicyDocument: {Statement: [{Principal: {AWS: '*'}}]}}",
        ),
        "what should stand there is yours to say",
    ),
    "more is needed than is known": (
        "output-kms-key",
        template("AWS::SageMaker::DataQualityJobDefinition", "{RoleArn: r}"),
        "DataQualityJobOutputConfig also needs MonitoringOutputs, which is yours to say",
    ),
    "CloudFormation has no such property": (
        "app-kms-key",
        template("AWS::SageMaker::MlflowApp", "{Name: n}"),
        "CloudFormation has no KmsKeyId there",
    ),
    "another property is missing": (
        "notebook-direct-internet",
        template(NOTEBOOK, "{DirectInternetAccess: Enabled}"),
        "needs SubnetId too, which is not there",
    ),
    "AWS may refuse it": (
        "volume-kms-key",
        template(
            CONFIG,
            f"{{ProductionVariants: [{{{VARIANT.replace('ml.m5.large', '!Ref Type')}}}]}}",
            "Parameters: {Type: {Type: String, Default: ml.m5.large}}\n",
        ),
        "whether AWS takes it hangs on ProductionVariants[0].InstanceType",
    ),
    "it would bring up another finding": (
        "endpoint-data-capture",
        template(
            CONFIG,
            f"{{ProductionVariants: [{{{VARIANT}}}], DataCaptureConfig: {{EnableCapture: false}}}}",
        ),
        "would bring up data-capture-kms-key: KmsKeyId is missing",
    ),
    "it costs": (
        "endpoint-multiple-instances",
        template(CONFIG, f"{{ProductionVariants: [{{{VARIANT}, InitialInstanceCount: 1}}]}}"),
        "every further instance costs as much as the first: mended with --select endpoint-multiple-instances",
    ),
    "it needs more than an edit": (
        "private-image-registry",
        template(MODEL, "{PrimaryContainer: {Image: i}}"),
        "the image must first be served from a registry in the VPC",
    ),
    "it is waived": (
        "notebook-root-access",
        template(
            NOTEBOOK,
            "{RootAccess: Enabled}",
            beside="    Metadata: {smguard: {waivers: [{control: notebook-root-access, reason: lab, "
            "expires: 2099-01-01}]}}\n",
        ),
        "is waived",
    ),
    "the CDK made it": (
        "notebook-root-access",
        template(NOTEBOOK, "{RootAccess: Enabled}", beside="    Metadata: {'aws:cdk:path': Stack/N}\n"),
        "is made by the CDK: mend its code",
    ),
    "an anchor is shared": (
        "notebook-root-access",
        f"Resources:\n  R:\n    Type: {NOTEBOOK}\n    Properties: &p\n      RootAccess: Enabled\n"
        f"  S: {{Type: AWS::SNS::Topic, Properties: *p}}\n",
        "an edit would change something else too",
    ),
    "an alias stands there": (
        "notebook-root-access",
        f"Mappings: &p {{RootAccess: Enabled}}\nResources:\n  R:\n    Type: {NOTEBOOK}\n    Properties: *p\n",
        "Properties is an alias of what stands elsewhere",
    ),
    "an anchor stands before the value": (
        "notebook-root-access",
        template(NOTEBOOK, "{RootAccess: &a Enabled}"),
        "the value of RootAccess is not written plainly",
    ),
    "a key stands twice": (
        "notebook-root-access",
        template(NOTEBOOK, "\n      RootAccess: Enabled\n      RootAccess: Enabled"),
        "Resources.R.Properties.RootAccess can't be told",
    ),
    "a value that is removed": (
        "notebook-root-access",
        template(NOTEBOOK, "{RootAccess: !Ref AWS::NoValue}"),
        "is decided by Ref AWS::NoValue",
    ),
    "blank lines that belong to a text": (
        "volume-kms-key",
        f"Parameters:\n  SageMakerKmsKeyArn:\n    Type: String\nResources:\n  R:\n    Type: {NOTEBOOK}\n"
        "    Properties:\n      Text: |+\n        x\n\n\n",
        "an edit would change something else too",
    ),
}


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Everything that is said of each case."""
    folder = tmp_path_factory.mktemp("left")
    said = {}
    for control in {control for control, _, _ in LEFT.values()}:
        cases = [name for name in LEFT if LEFT[name][0] == control]
        files = [folder / f"{list(LEFT).index(name)}.yaml" for name in cases]
        for name, file in zip(cases, files, strict=True):
            file.write_text(LEFT[name][1])
        # What is only mended when it is selected is asked for through its area.
        words = ("--area", "monitoring") if control.startswith("endpoint-m") else ("--select", control)
        ran = smguard("fix", *words, *files)
        assert ran.out == "", ran.out
        assert ran.code in (0, 3)
        parts = ran.err.split(str(folder))
        for name, file in zip(cases, files, strict=True):
            said[name] = next(part for part in parts if part.startswith(f"/{file.name}\n"))
    return said


@pytest.mark.parametrize("name", LEFT)
def test_what_is_left_alone_is_said_with_the_reason(left: dict[str, str], name: str) -> None:
    control, _, why = LEFT[name]
    assert f"  left    R  {control}: {why}\n" in left[name]


def test_what_costs_is_mended_when_it_is_asked_for(tmp_path: Path) -> None:
    _, text, _ = LEFT["it costs"]
    fix(tmp_path, text, "--write", "--select", "endpoint-multiple-instances")
    assert (tmp_path / "t.yaml").read_text() == text.replace("Count: 1", "Count: 2")


def test_a_mend_that_makes_another_possible_comes_first(tmp_path: Path) -> None:
    text = template(NOTEBOOK, "{DirectInternetAccess: Enabled}")
    two = ("--select", "vpc-config", "--select", "notebook-direct-internet")
    assert "left" not in " ".join(told(fix(tmp_path, text, "--write", *two)))
    assert "DirectInternetAccess: Disabled, SubnetId: !Ref" in (tmp_path / "t.yaml").read_text()


def test_one_edit_that_does_not_hold_spoils_no_other(tmp_path: Path) -> None:
    shared = "".join(
        f"  {name}{number}:\n    Type: {NOTEBOOK}\n    Properties: {mark}p{number}\n{more}"
        for number in range(5)
        for name, mark, more in (("A", "&", "      RootAccess: Enabled\n"), ("B", "*", ""))
    )
    plain = "".join(
        f"  C{number}:\n    Type: {NOTEBOOK}\n    Properties: {{RootAccess: Enabled}}\n"
        for number in range(20)
    )
    ran = fix(tmp_path, f"Resources:\n{shared}{plain}", "--write", *ROOT)
    assert ran.err.endswith("20 mended, 10 left alone.\n")
    after = (tmp_path / "t.yaml").read_text()
    assert after == f"Resources:\n{shared}{plain.replace('Enabled', 'Disabled')}"


def test_nested_stacks_get_no_parameters_and_other_files_are_not_touched(tmp_path: Path) -> None:
    parent = template("AWS::CloudFormation::Stack", "{TemplateURL: child.yaml}")
    child = template(NOTEBOOK, "{RootAccess: Enabled, DirectInternetAccess: Disabled}")
    (tmp_path / "child.yaml").write_text(child)
    both = ("--select", "notebook-root-access", "--select", "volume-kms-key")
    ran = fix(tmp_path, parent, "--write", *both)
    assert "left    R/R  notebook-root-access: stands in child.yaml: mend that file" in told(ran)
    assert (tmp_path / "child.yaml").read_text() == child
    ran = smguard("fix", "--write", *both, ".", cwd=tmp_path)
    assert "left    R  volume-kms-key: its parent stack would have to pass SageMakerKmsKeyArn" in told(ran)
    assert (tmp_path / "child.yaml").read_text() == child.replace("Enabled", "Disabled")
    assert (tmp_path / "t.yaml").read_text() == parent


def test_of_a_whole_environment_what_another_file_exports_is_known(tmp_path: Path) -> None:
    out = "Outputs:\n  K:\n    Value: !GetAtt R.Arn\n    Export: {Name: ml-key}\n"
    (tmp_path / "key.yaml").write_text(template("AWS::KMS::Key", "{PendingWindowInDays: 7}") + out)
    (tmp_path / "use.yaml").write_text(template(NOTEBOOK, "{KmsKeyId: !ImportValue ml-key}"))
    both = ("--select", "kms-key-rotation", "--select", "customer-managed-kms-key")
    unknown = "left    R  customer-managed-kms-key: is not known here: an import from another stack"
    ran = smguard("fix", *both, ".", cwd=tmp_path)
    assert told(ran) == ["mends   R  kms-key-rotation", unknown]
    ran = smguard("fix", "--write", *both, "--environment", ".", cwd=tmp_path)
    assert told(ran) == ["mended  R  kms-key-rotation"]
    assert "EnableKeyRotation: true" in (tmp_path / "key.yaml").read_text()


def test_a_control_of_ones_own_is_mended_by_its_data_alone(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "_defs.yaml").write_text(
        "template-parameters:\n  TeamRole:\n    properties: [RoleArn]\n"
        "    declares: {Type: String, Description: 'Role, of the team', MinLength: 20}\n"
    )
    for name, requires in (
        ("our-role", "RoleArn: {}"),
        ("our-volume", "VolumeSizeInGB: {minimum: 5, maximum: 50}"),
        ("our-root", "RootAccess: {enum: [Disabled], default: Enabled}"),
        ("our-platform", "PlatformIdentifier: {enum: [a, b]}"),
    ):
        (rules / f"{name}.yaml").write_text(
            f"id: {name}\ntitle: t\narea: access\nseverity: low\nrationale: r\nremediation: r\nresources:\n"
            f"  {NOTEBOOK}: {{places: [{{requires: {{{requires}}}}}]}}\n"
            "examples: {fail: [{about: a, resource: {Type: x}}]}\n"
        )
    text = template(NOTEBOOK, "{VolumeSizeInGB: 100}")
    ran = fix(
        tmp_path, text, "--write", "--rules", "rules", "--area", "access", "--ignore", "notebook-imds-v2"
    )
    assert told(ran) == [
        "mended  R  notebook-root-access",
        "mended  R  our-root",
        "mended  R  our-role",
        "mended  R  our-volume",
        "left    R  our-platform: what PlatformIdentifier should be is yours to say",
    ]
    assert (tmp_path / "t.yaml").read_text() == template(
        NOTEBOOK,
        "{VolumeSizeInGB: 50, RootAccess: Disabled, RoleArn: !Ref TeamRole}",
        "\nParameters:\n  TeamRole:\n    Type: String\n"
        "    Description: 'Role, of the team'\n    MinLength: 20",
    )


def test_standard_input_is_shown_and_not_written(tmp_path: Path) -> None:
    ran = smguard("fix", *ROOT, "-", given=OPEN.encode(), cwd=tmp_path)
    assert ran.code == 1
    assert ran.out.endswith("-      RootAccess: Enabled\n+      RootAccess: Disabled\n")
    ran = smguard("fix", "--write", *ROOT, "-", given=OPEN.encode(), cwd=tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "standard input can't be written to" in ran.err


def test_what_can_not_be_read_is_named_and_the_rest_is_mended(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("AWSTemplateFormatVersion: [")
    (tmp_path / "other.yaml").write_text("a: b\n")
    (tmp_path / "binary.yaml").write_bytes(b"AWS::\0")
    (tmp_path / "t.yaml").write_text(OPEN)
    ran = smguard("fix", "--write", *ROOT, ".", "gone.yaml", cwd=tmp_path)
    assert ran.code == 3
    assert (tmp_path / "t.yaml").read_text() == CLOSED
    for name in ("broken.yaml", "binary.yaml", "gone.yaml"):
        assert f"\n{name}" in "\n" + ran.err


def test_a_file_that_can_not_be_written_is_usage(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "t.yaml").write_text(OPEN)
    folder.chmod(0o555)
    ran = door.smguard("fix", "--write", *ROOT, folder / "t.yaml", before=give_up_power)
    folder.chmod(0o755)
    assert ran.code == 2
    assert "t.yaml can't be written: Permission denied" in ran.err
    assert (folder / "t.yaml").read_text() == OPEN


def test_a_diff_does_nothing_to_a_terminal_or_a_log(tmp_path: Path) -> None:
    text = OPEN.replace("    Properties", "    # \u202e ::error:: ##[x]\t\u200b end\n    Properties")
    ran = fix(tmp_path, text, *ROOT)
    assert ran.code == 1
    assert "\n     # \\u202e \\x3a:error:: #\\x23[x]\t\\u200b end\n" in ran.out
    assert all(character.isprintable() or character in "\n\t" for character in ran.out)


def test_a_central_waiver_and_one_in_the_template_are_kept(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(
        "waivers: [{control: notebook-root-access, resource: N, reason: lab, expires: 2099-01-01}]\n"
    )
    assert fix(tmp_path, OPEN, *ROOT, "--waivers", "w.yaml").code == 0
    assert fix(tmp_path, LEFT["it is waived"][1], *ROOT).code == 0
    assert fix(tmp_path, LEFT["it is waived"][1], *ROOT, "--no-inline-waivers").code == 1


def test_the_readme_shows_what_is_printed() -> None:
    page = (door.ROOT / "README.md").read_text(encoding="utf-8")
    shown = page.partition("<!-- fix:begin -->\n```console\n$ ")[2].partition("```\n<!-- fix:end -->")[0]
    command, _, printed = shown.partition("\n")
    ran = smguard(*command.split()[1:], cwd=door.ROOT)
    assert printed == ran.out + ran.err


def test_a_defect_spoils_no_other_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scanner.fix.mend import Fixer

    mend = Fixer.mend
    monkeypatch.setattr(Fixer, "mend", lambda self: mend(self) if "# fine" in self.text else 1 // 0)
    (tmp_path / "a.yaml").write_text(OPEN)
    (tmp_path / "b.yaml").write_text(f"{OPEN}# fine\n")
    with pytest.raises(ZeroDivisionError):
        smguard("fix", "--write", *ROOT, "a.yaml", "b.yaml", cwd=tmp_path)
    ran = smguard("fix", "--write", *ROOT, "a.yaml", "b.yaml", cwd=tmp_path, SMGUARD_DEBUG="")
    assert ran.code == 4
    assert "a.yaml: can't be mended: ZeroDivisionError, a defect of smguard\n" in ran.err
    assert (tmp_path / "a.yaml").read_text() == OPEN
    assert (tmp_path / "b.yaml").read_text() == f"{CLOSED}# fine\n"


def test_edits_that_never_hold_cost_a_bounded_number_of_scans(tmp_path: Path) -> None:
    pairs = "".join(
        f"  A{number}:\n    Type: {NOTEBOOK}\n    Properties: &p{number}\n      RootAccess: Enabled\n"
        f"  B{number}: {{Type: AWS::SNS::Topic, Properties: *p{number}}}\n"
        for number in range(120)
    )
    ran = fix(tmp_path, f"Resources:\n{pairs}", *ROOT)
    assert ran.code == 0
    assert "too many edits of this file don't hold" in ran.err
    assert ran.err.endswith("0 can be mended, 120 left alone.\n")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Resources:\n  N: &n\n    Type: {}\n  M: *n\n", "M is an alias of what stands elsewhere"),
        (
            "Resources: {{N: {{Type: {}, Properties: {{RootAccess: !!str Enabled}}}}}}\n",
            "not written plainly",
        ),
        ('{{"Resources": {{"N": {{"Type": "{}"\n, "Long' + "g" * 1100 + '"\n: 1}}}}}}', "can't be told"),
    ],
)
def test_places_that_can_not_be_told_are_left(tmp_path: Path, text: str, why: str) -> None:
    ran = fix(tmp_path, text.format(NOTEBOOK), *ROOT)
    assert why in ran.err
    assert ran.out == ""
