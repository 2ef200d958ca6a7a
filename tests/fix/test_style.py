"""Mended templates, byte for byte: what is added looks like what stands around it, and nothing else moves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.door import called as smguard

ROOT, KEY = "notebook-root-access", "volume-kms-key"
NOTEBOOK = "AWS::SageMaker::NotebookInstance"
DECLARED = """\
  SageMakerKmsKeyArn:
    Type: String
    Description: ARN of the customer managed KMS key that encrypts what SageMaker stores
    AllowedPattern: '^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$'
    ConstraintDescription: must be the ARN of a KMS key
"""
PARAMETERS = f"Parameters:\n{DECLARED}"
IN_JSON = (
    '"SageMakerKmsKeyArn": {"Type": "String", '
    '"Description": "ARN of the customer managed KMS key that encrypts what SageMaker stores", '
    '"AllowedPattern": "^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", '
    '"ConstraintDescription": "must be the ARN of a KMS key"}'
)

CASES: dict[str, tuple[str, str]] = {
    "no properties, a comment behind the type, a comment about the resources": (
        f"""\
# Licence

# About resources
Resources:
  N:
    Type: {NOTEBOOK}   # a notebook

  O:
    Type: AWS::SNS::Topic
""",
        f"""\
# Licence

{PARAMETERS}
# About resources
Resources:
  N:
    Type: {NOTEBOOK}   # a notebook
    Properties:
      RootAccess: Disabled
      KmsKeyId: !Ref SageMakerKmsKeyArn

  O:
    Type: AWS::SNS::Topic
""",
    ),
    "empty properties, a comment, no line break at the end": (
        f"{PARAMETERS}Resources:\n  N:\n    Type: {NOTEBOOK}\n    Properties:  # none yet",
        f"{PARAMETERS}Resources:\n  N:\n    Type: {NOTEBOOK}\n    Properties:  # none yet\n"
        "      RootAccess: Disabled\n      KmsKeyId: !Ref SageMakerKmsKeyArn",
    ),
    "braces without content, an indentation of four, parameters behind the resources and empty": (
        f"""\
Resources:
    N:
        Type: {NOTEBOOK}
        Properties: {{}}
Parameters:
Outputs: {{}}
""",
        f"""\
Resources:
    N:
        Type: {NOTEBOOK}
        Properties:
            RootAccess: Disabled
            KmsKeyId: !Ref SageMakerKmsKeyArn
{PARAMETERS.replace("  ", "    ")}Outputs: {{}}
""",
    ),
    "values of every way of writing": (
        f"""\
{PARAMETERS}
Resources:
  A: {{Type: {NOTEBOOK}, Properties: {{RootAccess: 'Enabled', Tags: [
     {{Key: a, Value: b}},]}}}}
  B:
    Type: {NOTEBOOK}
    Properties: {{"RootAccess": "Enabled"}}
  C:
    Type: {NOTEBOOK}
    Properties:
      RootAccess: "Enabled"  # why?
      KmsKeyId: ''
  D:
    Type: {NOTEBOOK}
    Properties:
      KmsKeyId:   # which?
      RootAccess: ~
      Description: |
        several
        lines

  E:
    Type: {NOTEBOOK}
    Properties:
      RootAccess: Enabled
      KmsKeyId: {{}}
      Folded: in
        two lines # and a comment
""",
        f"""\
{PARAMETERS}
Resources:
  A: {{Type: {NOTEBOOK}, Properties: {{RootAccess: 'Disabled', Tags: [
     {{Key: a, Value: b}},], KmsKeyId: !Ref SageMakerKmsKeyArn}}}}
  B:
    Type: {NOTEBOOK}
    Properties: {{"RootAccess": "Disabled", "KmsKeyId": {{"Ref": "SageMakerKmsKeyArn"}}}}
  C:
    Type: {NOTEBOOK}
    Properties:
      RootAccess: "Disabled"  # why?
      KmsKeyId: !Ref SageMakerKmsKeyArn
  D:
    Type: {NOTEBOOK}
    Properties:
      KmsKeyId: !Ref SageMakerKmsKeyArn   # which?
      RootAccess: Disabled
      Description: |
        several
        lines

  E:
    Type: {NOTEBOOK}
    Properties:
      RootAccess: Disabled
      KmsKeyId: !Ref SageMakerKmsKeyArn
      Folded: in
        two lines # and a comment
""",
    ),
    "long intrinsics, an alias at the end, a merge key": (
        f"""\
{PARAMETERS}Resources:
  A:
    Type: {NOTEBOOK}
    Properties:
      RoleArn: {{Ref: Role}}
      InstanceType: &type ml.t3.medium
      RootAccess: Disabled
      Platform: *type
  B:
    Type: {NOTEBOOK}
    Properties:
      <<: {{RootAccess: Enabled}}
      KmsKeyId: {{Ref: SageMakerKmsKeyArn}}
""",
        f"""\
{PARAMETERS}Resources:
  A:
    Type: {NOTEBOOK}
    Properties:
      RoleArn: {{Ref: Role}}
      InstanceType: &type ml.t3.medium
      RootAccess: Disabled
      Platform: *type
      KmsKeyId: {{Ref: SageMakerKmsKeyArn}}
  B:
    Type: {NOTEBOOK}
    Properties:
      <<: {{RootAccess: Enabled}}
      KmsKeyId: {{Ref: SageMakerKmsKeyArn}}
      RootAccess: Disabled
""",
    ),
    "items of a list, indented and not": (
        f"""\
{PARAMETERS}Resources:
  A:
    Type: AWS::SageMaker::Cluster
    Properties:
      VpcConfig: {{Subnets: [s], SecurityGroupIds: [g]}}
      InstanceGroups:
      - InstanceStorageConfigs:
          - EbsVolumeConfig:
              VolumeSizeInGB: 5
            # the end
          - EbsVolumeConfig: {{RootVolume: true, VolumeKmsKeyId: k}}
""",
        f"""\
{PARAMETERS}Resources:
  A:
    Type: AWS::SageMaker::Cluster
    Properties:
      VpcConfig: {{Subnets: [s], SecurityGroupIds: [g]}}
      InstanceGroups:
      - InstanceStorageConfigs:
          - EbsVolumeConfig:
              VolumeSizeInGB: 5
              VolumeKmsKeyId: !Ref SageMakerKmsKeyArn
            # the end
          - EbsVolumeConfig: {{RootVolume: true, VolumeKmsKeyId: k}}
""",
    ),
    "the body of a loop": (
        f"""\
Transform: AWS::LanguageExtensions
Resources:
  Fn::ForEach::Teams:
    - Team
    - [A, B]
    - Notebook${{Team}}:
        Type: {NOTEBOOK}
        Properties:
          KmsKeyId: alias/team
          RootAccess: Enabled
""",
        f"""\
Transform: AWS::LanguageExtensions
Resources:
  Fn::ForEach::Teams:
    - Team
    - [A, B]
    - Notebook${{Team}}:
        Type: {NOTEBOOK}
        Properties:
          KmsKeyId: alias/team
          RootAccess: Disabled
""",
    ),
    "parameters of these names: one that doesn't fit, and a resource": (
        f"""\
Parameters:
  SageMakerKmsKeyArn: {{Type: Number}}
Resources:
  SageMakerKmsKeyArn2: {{Type: AWS::SNS::Topic}}
  N: {{Type: {NOTEBOOK}, Properties: {{RootAccess: Disabled}}}}
""",
        f"""\
Parameters:
  SageMakerKmsKeyArn: {{Type: Number}}
{DECLARED.replace("KeyArn:", "KeyArn3:")}\
Resources:
  SageMakerKmsKeyArn2: {{Type: AWS::SNS::Topic}}
  N: {{Type: {NOTEBOOK}, Properties: {{RootAccess: Disabled, KmsKeyId: !Ref SageMakerKmsKeyArn3}}}}
""",
    ),
    "JSON with tabs, CRLF and odd characters": (
        '{\r\n\t"Description": "\u2028 \\ud83d\\ude00 \x7f",\r\n\t"Resources": {\r\n\t\t"N": {\r\n'
        f'\t\t\t"Type": "{NOTEBOOK}",\r\n\t\t\t"Properties": {{}}\r\n\t\t}}\r\n\t}}\r\n}}',
        '{\r\n\t"Description": "\u2028 \\ud83d\\ude00 \x7f",\r\n\t"Parameters": {\r\n'
        '\t\t"SageMakerKmsKeyArn": {\r\n\t\t\t"Type": "String",\r\n'
        '\t\t\t"Description": "ARN of the customer managed KMS key that encrypts what SageMaker stores",\r\n'
        '\t\t\t"AllowedPattern": "^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$",\r\n'
        '\t\t\t"ConstraintDescription": "must be the ARN of a KMS key"\r\n\t\t}\r\n\t},\r\n'
        f'\t"Resources": {{\r\n\t\t"N": {{\r\n\t\t\t"Type": "{NOTEBOOK}",\r\n\t\t\t"Properties": {{\r\n'
        '\t\t\t\t"RootAccess": "Disabled",\r\n\t\t\t\t"KmsKeyId": {"Ref": "SageMakerKmsKeyArn"}\r\n'
        "\t\t\t}\r\n\t\t}\r\n\t}\r\n}",
    ),
    "JSON on one line": (
        f'{{ "Resources": {{ "N": {{ "Type": "{NOTEBOOK}", '
        '"Properties": {"RootAccess": "Enabled"} } } }\n',
        f'{{ "Parameters": {{{IN_JSON}}}, "Resources": {{ "N": {{ "Type": "{NOTEBOOK}", '
        '"Properties": {"RootAccess": "Disabled", "KmsKeyId": {"Ref": "SageMakerKmsKeyArn"}} } } }\n',
    ),
    "JSON without any space": (
        f'{{"Resources":{{"N":{{"Type":"{NOTEBOOK}","Properties":{{"RootAccess":"Enabled","KmsKeyId":"k"}}}},'
        f'"M":{{"Type":"{NOTEBOOK}","Properties":{{"RootAccess":"Disabled","A":1}}}}}}}}',
        "{"
        + f'"Parameters":{{{IN_JSON}}},'.replace('": ', '":').replace(', "', ',"')
        + f'"Resources":{{"N":{{"Type":"{NOTEBOOK}",'
        '"Properties":{"RootAccess":"Disabled","KmsKeyId":"k"}},'
        f'"M":{{"Type":"{NOTEBOOK}","Properties":{{"RootAccess":"Disabled","A":1,'
        '"KmsKeyId":{"Ref":"SageMakerKmsKeyArn"}}}}}',
    ),
}


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every case after one run of `fix --write` over a folder of them all."""
    folder = tmp_path_factory.mktemp("styles")
    files = {name: folder / f"{number}.template" for number, name in enumerate(CASES)}
    for name, file in files.items():
        file.write_bytes(CASES[name][0].encode())
    controls = [word for control in (ROOT, KEY) for word in ("--select", control)]
    ran = smguard("fix", "--write", *controls, *files.values())
    assert ran.code in (0, 3), ran.err
    return {name: file.read_bytes().decode() for name, file in files.items()}


@pytest.mark.parametrize("name", CASES)
def test_a_mended_template_looks_as_if_a_person_had_written_it(mended: dict[str, str], name: str) -> None:
    assert mended[name] == CASES[name][1]


@pytest.mark.parametrize(
    ("mark", "encoding"), [(b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")]
)
def test_encoding_mode_and_place_of_a_file_stay(tmp_path: Path, mark: bytes, encoding: str) -> None:
    text = (
        f"Resources:\r\n  N: # ü\r\n    Type: {NOTEBOOK}\r\n    Properties:\r\n      RootAccess: Enabled\r\n"
    )
    file, link = tmp_path / "t.yaml", tmp_path / "link.yaml"
    file.write_bytes(mark + text.encode(encoding))
    file.chmod(0o751)
    link.symlink_to("t.yaml")
    assert smguard("fix", "--write", "--select", ROOT, link).code == 0
    assert file.read_bytes() == mark + text.replace("Enabled", "Disabled").encode(encoding)
    assert file.stat().st_mode & 0o7777 == 0o751
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.yaml", "t.yaml"]
    assert link.is_symlink()
