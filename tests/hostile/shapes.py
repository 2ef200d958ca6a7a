"""Templates whose parts are not what they should be."""

from __future__ import annotations

from tests.hostile.case import BAD, KIND, TOP, YAML, Case, bad

NO = "is no CloudFormation template, pipeline definition or state machine:"
NO_TEMPLATE = f"{NO} a template is a mapping with a Resources section"


SHAPES = [
    Case("010 empty", b"", gaps=["is empty"], walked="skipped"),
    Case("011 blank", " \n\n", gaps=["is empty"], walked="skipped"),
    Case("011 comment that speaks of AWS", f"# {KIND}\n", gaps=["is empty"]),
    Case("012 null", "null\n", gaps=[NO_TEMPLATE], walked="skipped"),
    Case("013 scalar", "AWS::SageMaker\n", gaps=[NO_TEMPLATE], walked="skipped"),
    Case("014 list", f"- Type: {KIND}\n", gaps=[NO_TEMPLATE], walked="skipped"),
    Case(
        "015 empty mapping",
        "{}",
        gaps=[f"{NO} it has no Resources section"],
        walked="skipped",
    ),
    Case("015 no Resources", TOP, gaps=["the template has no Resources section"]),
    Case("016 two documents", f"{YAML}---\n{YAML}", gaps=["8:1 holds more than one document"]),
    Case(
        "020 Resources is a list", f"Resources:\n  - Type: {KIND}\n", gaps=["1:1 Resources is not a mapping"]
    ),
    Case("021 Resources is null", f"{TOP}Resources:\n", gaps=["3:1 Resources is not a mapping"]),
    Case("021 Resources is text", f"{TOP}Resources: some\n", gaps=["3:1 Resources is not a mapping"]),
    Case("021 Resources is empty", f"{TOP}Resources: {{}}\n", gaps=[]),
    Case(
        "021 Resources behind an unknown tag",
        f"Resources: !Foo\n{BAD}",
        gaps=["1:1 Resources is not a mapping"],
    ),
    Case(
        "022 resource is null", f"{YAML}  A:\n", bad(), gaps=["8:3 A: the resource is empty, not a mapping"]
    ),
    Case(
        "023 resource is text",
        f"{YAML}  A: some\n",
        bad(),
        gaps=["8:3 A: the resource is text, not a mapping"],
    ),
    Case(
        "023 resource is a list",
        f"{YAML}  A: [x]\n",
        bad(),
        gaps=["8:3 A: the resource is a list, not a mapping"],
    ),
    Case(
        "023 resource with an unknown tag",
        f"{YAML}  A: !Foo {{Type: '{KIND}'}}\n",
        bad(),
        gaps=["8:3 A: the resource is no plain value, not a mapping"],
        notes=["8 the tag !Foo is unknown here, and so is its value"],
    ),
    Case(
        "024 Properties is a list",
        f"{YAML}  A: {{Type: '{KIND}', Properties: [x]}}\n",
        bad(),
        gaps=["8:49 A: Properties is not a mapping"],
    ),
    Case(
        "024 Properties is text",
        f"{YAML}  A: {{Type: '{KIND}', Properties: x}}\n",
        bad(),
        gaps=["8:49 A: Properties is not a mapping"],
    ),
    Case(
        "025 Properties is null",
        f"{YAML}  A:\n    Type: {KIND}\n    Properties:\n",
        [*bad(), "notebook-direct-internet A 10:5", "volume-kms-key A 10:5"],
        gaps=["10:5 A: Properties is empty: judged as if it were left out"],
    ),
    Case(
        "025 Properties is left out",
        f"{YAML}  A:\n    Type: {KIND}\n",
        [*bad(), "notebook-direct-internet A 8:3", "volume-kms-key A 8:3"],
    ),
    Case(
        "025 Properties are unknown",
        f"{YAML}  A: {{Type: '{KIND}', Properties: !Foo x}}\n",
        bad(),
        gaps=["8:49 A: Properties is not a mapping"],
        notes=["8 the tag !Foo is unknown here, and so is its value"],
    ),
    Case("026 Type is a number", f"{YAML}  A: {{Type: 5}}\n", bad(), gaps=["8:3 A: Type is a number"]),
    Case(
        "027 Type is missing",
        f"{YAML}  A: {{Properties: {{}}}}\n",
        bad(),
        gaps=["8:3 A: the resource has no Type"],
    ),
    Case("028 Type is a list", f"{YAML}  A: {{Type: ['{KIND}']}}\n", bad(), gaps=["8:3 A: Type is a list"]),
    Case(
        "028 Type is a mapping",
        f"{YAML}  A: {{Type: {{a: '{KIND}'}}}}\n",
        bad(),
        gaps=["8:3 A: Type is a mapping"],
    ),
    Case("028 Type is null", f"{YAML}  A: {{Type: }}\n", bad(), gaps=["8:3 A: the resource has no Type"]),
    Case("028 Type is empty", f"{YAML}  A: {{Type: ''}}\n", bad(), gaps=["8:3 A: Type is text"]),
    Case(
        "028 Type is a function",
        f"{YAML}  A: {{Type: !Ref Kind}}\n",
        bad(),
        gaps=["8:3 A: Type is a mapping"],
    ),
    Case(
        "028 Type is an unknown tag",
        f"{YAML}  A: {{Type: !Kind x}}\n",
        bad(),
        gaps=["8:3 A: Type is not known (tag !Kind)"],
        notes=["8 the tag !Kind is unknown here, and so is its value"],
    ),
    Case("028 Type with spaces", f"{YAML}  A: {{Type: ' {KIND} '}}\n", bad(), gaps=[]),
    Case("028 Type in another case", f"{YAML}  A: {{Type: '{KIND.upper()}'}}\n", bad(), gaps=[]),
    Case(
        "029 a number as logical id",
        f"Resources:\n{BAD.replace('Bad', '12')}",
        bad(name="12"),
        notes=["2 a key that is a number, boolean or null is taken as text"],
    ),
    Case(
        "030 odd keys",
        f"{YAML}true: x\nnull: y\n2020-01-01: z\n1.5: w\n",
        bad(),
        notes=["8 a key that is a number, boolean or null is taken as text (and 2 more)"],
    ),
    Case(
        "030 boolean as logical id",
        f"Resources:\n{BAD.replace('Bad', 'on')}",
        bad(name="true"),
        notes=["2 a key that is a number, boolean or null is taken as text"],
    ),
    Case(
        "031 complex key",
        f"? [a]\n: b\n{YAML}",
        gaps=["1:3 a key must be text, this one is a mapping, a list or tagged"],
    ),
    Case(
        "032 policies that are none",
        f"{YAML}  P: {{Type: 'AWS::IAM::Policy', Properties: {{PolicyDocument: 5}}}}\n"
        "  Q: {Type: 'AWS::IAM::Policy', Properties: {PolicyDocument: }}\n",
        bad(),
    ),
    Case(
        "033 wrong types",
        f"Resources:\n  A:\n    Type: {KIND}\n    Properties:\n      DirectInternetAccess: [Enabled]\n"
        "      KmsKeyId: {a: b}\n",
        ["unknown notebook-direct-internet A 5:7", "unknown volume-kms-key A 6:7"],
    ),
    Case(
        "033 more wrong types",
        f"Resources:\n  A:\n    Type: {KIND}\n    Properties:\n      DirectInternetAccess: 5\n"
        "      KmsKeyId: []\n",
        ["notebook-direct-internet A 5:7", "volume-kms-key A 6:7"],
    ),
]
