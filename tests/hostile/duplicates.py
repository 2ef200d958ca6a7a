"""Keys that stand more than once, at every level."""

from __future__ import annotations

from tests.hostile.case import BAD, IN_JSON, JSON, KIND, YAML, Case, access, bad

DUPLICATES = [
    Case(
        "040 duplicate property, the first is bad",
        f"{YAML}      DirectInternetAccess: Disabled\n",
        bad(),
        gaps=["7 the key DirectInternetAccess stands more than once, on lines 7 and 8: each value is judged"],
    ),
    Case(
        "040 duplicate property, the second is bad",
        YAML.replace("      Dir", "      DirectInternetAccess: Disabled\n      Dir"),
        ["volume-kms-key Bad 4:5", "notebook-direct-internet Bad 7:7"],
        gaps=["7 the key DirectInternetAccess stands more than once, on lines 7 and 8: each value is judged"],
    ),
    Case(
        "041 duplicate key that hides a missing one",
        f"{YAML}      KmsKeyId: k\n      KmsKeyId:\n",
        ["notebook-direct-internet Bad 7:7", "volume-kms-key Bad 8:7"],
        gaps=["8 the key KmsKeyId stands more than once, on lines 8 and 9: each value is judged"],
    ),
    Case(
        "041 three values",
        f"{YAML}      KmsKeyId: k\n      KmsKeyId: l\n      KmsKeyId: ''\n",
        ["notebook-direct-internet Bad 7:7", "volume-kms-key Bad 8:7"],
        gaps=["8 the key KmsKeyId stands more than once, on lines 8 and 9 and 10: each value is judged"],
    ),
    Case(
        "042 duplicate logical id, the first is bad",
        f"{YAML}  Bad: {{Type: 'AWS::S3::Bucket'}}\n",
        bad(),
        gaps=["2 the key Bad stands more than once, on lines 2 and 8: each value is judged"],
    ),
    Case(
        "043 duplicate logical id, the second is bad",
        f"Resources:\n  Bad: {{Type: 'AWS::S3::Bucket'}}\n{BAD}",
        bad(3),
        gaps=["2 the key Bad stands more than once, on lines 2 and 3: each value is judged"],
    ),
    Case(
        "043 two bad ones of one name",
        f"{YAML}{BAD}",
        bad(),
        gaps=["2 the key Bad stands more than once, on lines 2 and 8: each value is judged"],
    ),
    Case(
        "043 duplicate logical id, one is null",
        f"{YAML}  Bad:\n",
        bad(),
        gaps=[
            "2 the key Bad stands more than once, on lines 2 and 8: each value is judged",
            "2:3 Bad: the resource is empty, not a mapping",
        ],
    ),
    Case(
        "duplicate Resources, the first is bad",
        f"{YAML}Resources:\n  B: {{Type: 'AWS::S3::Bucket'}}\n",
        bad(),
        gaps=["1 the key Resources stands more than once, on lines 1 and 8: each value is judged"],
    ),
    Case(
        "duplicate Resources, the second is bad",
        f"Resources:\n  B: {{Type: 'AWS::S3::Bucket'}}\n{YAML}",
        bad(4),
        gaps=["1 the key Resources stands more than once, on lines 1 and 3: each value is judged"],
    ),
    Case(
        "duplicate Resources, one is a list",
        f"{YAML}Resources: [x]\n",
        bad(),
        gaps=[
            "1 the key Resources stands more than once, on lines 1 and 8: each value is judged",
            "1:1 Resources is not a mapping",
        ],
    ),
    Case(
        "duplicate Resources, one is null",
        f"Resources:\n{YAML}",
        bad(3),
        gaps=[
            "1 the key Resources stands more than once, on lines 1 and 2: each value is judged",
            "1:1 Resources is not a mapping",
        ],
    ),
    Case(
        "duplicate Properties, the first is bad",
        f"{YAML}    Properties: {{KmsKeyId: k, DirectInternetAccess: Disabled}}\n",
        bad(),
        gaps=["4 the key Properties stands more than once, on lines 4 and 8: each value is judged"],
    ),
    Case(
        "duplicate Properties, the second is bad",
        YAML.replace("    Prop", "    Properties: {KmsKeyId: k, DirectInternetAccess: Disabled}\n    Prop"),
        ["notebook-direct-internet Bad 8:7", "volume-kms-key Bad 4:5"],
        gaps=["4 the key Properties stands more than once, on lines 4 and 5: each value is judged"],
    ),
    Case(
        "duplicate Properties, one is a list",
        f"{YAML}    Properties: [x]\n",
        bad(),
        gaps=[
            "4 the key Properties stands more than once, on lines 4 and 8: each value is judged",
            "4:5 Bad: Properties is not a mapping",
        ],
    ),
    Case(
        "duplicate Type, the first is bad",
        f"{YAML}    Type: AWS::S3::Bucket\n",
        bad(),
        gaps=["3 the key Type stands more than once, on lines 3 and 8: each value is judged"],
    ),
    Case(
        "duplicate Type, the second is bad",
        YAML.replace("    Type", "    Type: AWS::S3::Bucket\n    Type"),
        bad(3),
        gaps=["3 the key Type stands more than once, on lines 3 and 4: each value is judged"],
    ),
    Case(
        "duplicate Type, one is a list",
        YAML.replace("    Type", "    Type: [x]\n    Type"),
        bad(3),
        gaps=[
            "3 the key Type stands more than once, on lines 3 and 4: each value is judged",
            "2:3 Bad: Type is a list",
        ],
    ),
    Case(
        "duplicate Condition",
        "Conditions: {Not: !Equals [a, b], Ok: !Equals [a, a]}\n"
        f"{YAML}    Condition: Not\n    Condition: Ok\n",
        bad(3),
        gaps=["9 the key Condition stands more than once, on lines 9 and 10: each value is judged"],
    ),
    Case(
        "duplicate parameter",
        f"Parameters:\n  A: {{Type: String, Default: Disabled}}\n  A: {{Type: String, Default: Enabled}}\n"
        f"{access('!Ref A')}",
        ["notebook-direct-internet Bad 10:7", "volume-kms-key Bad 7:5"],
        gaps=["2 the key A stands more than once, on lines 2 and 3: each value is judged"],
    ),
    Case(
        "duplicate condition definition",
        f"Conditions: {{A: !Equals [a, a], A: !Equals [a, b]}}\n{access('!If [A, Disabled, Enabled]')}",
        ["volume-kms-key Bad 5:5", "notebook-direct-internet Bad 8:7"],
        gaps=["1 the key A stands more than once, on lines 1 and 1: each value is judged"],
    ),
    Case(
        "duplicate default of a parameter",
        f"Parameters:\n  A: {{Type: String, Default: Disabled, Default: Enabled}}\n{access('!Ref A')}",
        ["notebook-direct-internet Bad 9:7", "volume-kms-key Bad 6:5"],
        gaps=["2 the key Default stands more than once, on lines 2 and 2: each value is judged"],
    ),
    Case(
        "duplicate in a mapping",
        f"Mappings: {{M: {{k: {{v: Disabled, v: Enabled}}}}}}\n{access('!FindInMap [M, k, v]')}",
        ["volume-kms-key Bad 5:5", "notebook-direct-internet Bad 8:7"],
        gaps=["1 the key v stands more than once, on lines 1 and 1: each value is judged"],
    ),
    Case(
        "duplicate function",
        f"{access('{Ref: AWS::Region, Ref: AWS::Region}')}",
        ["unknown notebook-direct-internet Bad 7:7", "volume-kms-key Bad 4:5"],
        gaps=["7 the key Ref stands more than once, on lines 7 and 7: each value is judged"],
    ),
    Case(
        "duplicate function, one is bad",
        f"{access('{Fn::Sub: Disabled, Fn::Sub: Enabled}')}",
        ["volume-kms-key Bad 4:5", "notebook-direct-internet Bad 7:7"],
        gaps=["7 the key Fn::Sub stands more than once, on lines 7 and 7: each value is judged"],
    ),
    Case(
        "duplicate deep in a list",
        """\
Resources:
  Config:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      KmsKeyId: k
      KmsKeyId: ''
      ProductionVariants:
        - InstanceType: ml.m5.large
          InstanceType: ml.p4d.24xlarge
        - {InstanceType: ml.m5.large, InstanceType: ml.m5.large}
""",
        [],
        gaps=[
            "8 the key InstanceType stands more than once, on lines 8 and 9: each value is judged",
            "10 the key InstanceType stands more than once, on lines 10 and 10: each value is judged",
            "5 the key KmsKeyId stands more than once, on lines 5 and 6: each value is judged",
        ],
        walked="partial",
    ),
    Case(
        "duplicates in JSON",
        JSON.replace('"Enabled"', '"Enabled", "DirectInternetAccess": "Disabled"'),
        IN_JSON,
        gaps=["3 the key DirectInternetAccess stands more than once, on lines 3 and 3: each value is judged"],
        name="case.json",
    ),
    Case(
        "duplicates of duplicates",
        f"""\
Resources:
  A:
    Type: {KIND}
    Properties: {{DirectInternetAccess: Disabled, KmsKeyId: k, KmsKeyId: l}}
    Properties: {{DirectInternetAccess: Disabled, DirectInternetAccess: Enabled, KmsKeyId: k}}
""",
        ["notebook-direct-internet A 5:18"],
        gaps=[
            "4 the key KmsKeyId stands more than once, on lines 4 and 4: each value is judged",
            "5 the key DirectInternetAccess stands more than once, on lines 5 and 5: each value is judged",
            "4 the key Properties stands more than once, on lines 4 and 5: each value is judged",
        ],
    ),
    Case(
        "200 duplicates of one key",
        YAML + "".join("      DirectInternetAccess: Disabled\n" for n in range(200)),
        bad(),
        gaps=[
            "7 the key DirectInternetAccess stands more than once, on lines"
            " 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21"
            " and 207: these values are judged, and no other"
        ],
    ),
    Case(
        "200 duplicates, the last is bad",
        access("Disabled")
        + "      DirectInternetAccess: Disabled\n" * 200
        + "      DirectInternetAccess: Enabled\n",
        ["volume-kms-key Bad 4:5", "notebook-direct-internet Bad 7:7"],
        gaps=[
            "7 the key DirectInternetAccess stands more than once, on lines"
            " 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21"
            " and 208: these values are judged, and no other"
        ],
    ),
]
