"""Hostile and broken templates through the public door: judged, or named in a gap, never lost.

Each template holds the same violating notebook where its fault leaves room for one. Each is scanned by its
name, and as one file of a folder with a neighbour whose findings must all be there.
"""

from __future__ import annotations

import gzip
import random
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.door import files, found, gaps, notes, scan

NEIGHBOUR = """\
Resources:
  Neighbour:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      InstanceType: ml.t3.medium
      RoleArn: arn:aws:iam::123456789012:role/r
      DirectInternetAccess: Enabled
"""
OF_NEIGHBOUR = ["notebook-direct-internet Neighbour 7:7", "volume-kms-key Neighbour 4:5"]
KIND = "AWS::SageMaker::NotebookInstance"
BAD = f"""\
  Bad:
    Type: {KIND}
    Properties:
      InstanceType: ml.t3.medium
      RoleArn: arn:aws:iam::123456789012:role/r
      DirectInternetAccess: Enabled
"""
"""Six lines below `Resources:`."""
BAD_JSON = (
    '"Bad": {"Type": "AWS::SageMaker::NotebookInstance",\n"Properties": {"DirectInternetAccess": "Enabled"}}'
)
JSON = '{"Resources": {\n' + BAD_JSON + "}}"
YAML = "Resources:\n" + BAD


def bad(line: int = 2, name: str = "Bad") -> list[str]:
    """The findings of `BAD`, whose first line is this one."""
    return [f"notebook-direct-internet {name} {line + 5}:7", f"volume-kms-key {name} {line + 2}:5"]


IN_JSON = ["notebook-direct-internet Bad 3:16", "volume-kms-key Bad 3:1"]


class Case(NamedTuple):
    """A file, what is found in it, and the gaps: "line:column what"."""

    id: str
    source: str | bytes
    findings: list[str] = []
    gaps: list[str] = []
    notes: list[str] = []
    name: str = "case.yaml"
    walked: str = ""
    """What becomes of it in a folder: judged, partial, unread or skipped; found out where not given."""

    @property
    def data(self) -> bytes:
        return self.source if isinstance(self.source, bytes) else self.source.encode()

    @property
    def disposition(self) -> str:
        if self.walked:
            return self.walked
        if not self.gaps:
            return "judged"
        return "partial" if self.findings else "unread"


NO_TEMPLATE = "is no CloudFormation template: a template is a mapping with a Resources section"
TOP = f"AWSTemplateFormatVersion: '2010-09-09'\nDescription: {KIND}\n"


def nested(opening: str, closing: str, times: int, core: str = "x") -> str:
    return opening * times + core + closing * times


def bomb(first: str, each: str, wrap: str) -> str:
    """Nine levels of nine aliases."""
    lines = [f"a0: &a0 {first}"]
    for level in range(1, 10):
        items = ", ".join(each.format(key=key, alias=f"*a{level - 1}") for key in range(9))
        lines.append(f"a{level}: &a{level} {wrap.format(items)}")
    return "\n".join(lines) + "\n"


SHAPES = [
    Case("010 empty", b"", gaps=["is empty"], walked="skipped"),
    Case("011 blank", " \n\n", gaps=["is empty"], walked="skipped"),
    Case("011 comment that speaks of AWS", f"# {KIND}\n", gaps=["is empty"]),
    Case("012 null", "null\n", gaps=[NO_TEMPLATE], walked="skipped"),
    Case("013 scalar", "AWS::SageMaker\n", gaps=[NO_TEMPLATE], walked="skipped"),
    Case("014 list", f"- Type: {KIND}\n", gaps=[NO_TEMPLATE], walked="skipped"),
    Case("015 empty mapping", "{}", gaps=["x"], walked="skipped"),
    Case("015 no Resources", TOP, gaps=["x"]),
    Case("016 two documents", f"{YAML}---\n{YAML}", gaps=["8:1 holds more than one document"]),
    Case("020 Resources is a list", f"Resources:\n  - Type: {KIND}\n", gaps=["x"]),
    Case("021 Resources is null", f"{TOP}Resources:\n", gaps=["x"]),
    Case("021 Resources is text", f"{TOP}Resources: some\n", gaps=["x"]),
    Case("021 Resources is empty", f"{TOP}Resources: {{}}\n", gaps=[]),
    Case("021 Resources behind an unknown tag", f"Resources: !Foo\n{BAD}", gaps=["x"]),
    Case("022 resource is null", f"{YAML}  A:\n", bad(), gaps=["x"]),
    Case("023 resource is text", f"{YAML}  A: some\n", bad(), gaps=["x"]),
    Case("023 resource is a list", f"{YAML}  A: [x]\n", bad(), gaps=["x"]),
    Case("023 resource with an unknown tag", f"{YAML}  A: !Foo {{Type: '{KIND}'}}\n", bad(), gaps=["x"]),
    Case("024 Properties is a list", f"{YAML}  A: {{Type: '{KIND}', Properties: [x]}}\n", bad(), gaps=["x"]),
    Case("024 Properties is text", f"{YAML}  A: {{Type: '{KIND}', Properties: x}}\n", bad(), gaps=["x"]),
    Case("025 Properties is null", f"{YAML}  A:\n    Type: {KIND}\n    Properties:\n", bad(), gaps=["x"]),
    Case("025 Properties is left out", f"{YAML}  A:\n    Type: {KIND}\n", bad()),
    Case("025 Properties are unknown", f"{YAML}  A: {{Type: '{KIND}', Properties: !Foo x}}\n", bad()),
    Case("026 Type is a number", f"{YAML}  A: {{Type: 5}}\n", bad(), gaps=["x"]),
    Case("027 Type is missing", f"{YAML}  A: {{Properties: {{}}}}\n", bad(), gaps=["x"]),
    Case("028 Type is a list", f"{YAML}  A: {{Type: ['{KIND}']}}\n", bad(), gaps=["x"]),
    Case("028 Type is a mapping", f"{YAML}  A: {{Type: {{a: '{KIND}'}}}}\n", bad(), gaps=["x"]),
    Case("028 Type is null", f"{YAML}  A: {{Type: }}\n", bad(), gaps=["x"]),
    Case("028 Type is empty", f"{YAML}  A: {{Type: ''}}\n", bad(), gaps=["x"]),
    Case("028 Type is a function", f"{YAML}  A: {{Type: !Ref Kind}}\n", bad(), gaps=["x"]),
    Case("028 Type is an unknown tag", f"{YAML}  A: {{Type: !Kind x}}\n", bad(), gaps=["x"]),
    Case("028 Type with spaces", f"{YAML}  A: {{Type: ' {KIND} '}}\n", bad(), gaps=["x"]),
    Case("028 Type in another case", f"{YAML}  A: {{Type: '{KIND.upper()}'}}\n", bad(), gaps=["x"]),
    Case("029 a number as logical id", f"Resources:\n{BAD.replace('Bad', '12')}", bad(name="12")),
    Case("030 odd keys", f"{YAML}true: x\nnull: y\n2020-01-01: z\n1.5: w\n", bad()),
    Case("030 boolean as logical id", f"Resources:\n{BAD.replace('Bad', 'on')}", bad(name="true")),
    Case("031 complex key", f"? [a]\n: b\n{YAML}", gaps=["x"]),
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
        ["x"],
    ),
    Case(
        "033 more wrong types",
        f"Resources:\n  A:\n    Type: {KIND}\n    Properties:\n      DirectInternetAccess: 5\n"
        "      KmsKeyId: []\n",
        ["x"],
    ),
]


DUPLICATES = [
    Case("040 duplicate property, the first is bad", f"{YAML}      DirectInternetAccess: Disabled\n", bad(), gaps=["x"]),
    Case("040 duplicate property, the second is bad", YAML.replace("      Dir", "      DirectInternetAccess: Disabled\n      Dir"), ["x"], gaps=["x"]),
    Case("041 duplicate key that hides a missing one", f"{YAML}      KmsKeyId: k\n      KmsKeyId:\n", bad(), gaps=["x"]),
    Case("041 three values", f"{YAML}      KmsKeyId: k\n      KmsKeyId: l\n      KmsKeyId: ''\n", bad(), gaps=["x"]),
    Case("042 duplicate logical id, the first is bad", f"{YAML}  Bad: {{Type: 'AWS::S3::Bucket'}}\n", bad(), gaps=["x"]),
    Case("043 duplicate logical id, the second is bad", f"Resources:\n  Bad: {{Type: 'AWS::S3::Bucket'}}\n{BAD}", bad(3), gaps=["x"]),
    Case("043 two bad ones of one name", f"{YAML}{BAD}", bad(), gaps=["x"]),
    Case("043 duplicate logical id, one is null", f"{YAML}  Bad:\n", bad(), gaps=["x"]),
    Case("duplicate Resources, the first is bad", f"{YAML}Resources:\n  B: {{Type: 'AWS::S3::Bucket'}}\n", bad(), gaps=["x"]),
    Case("duplicate Resources, the second is bad", f"Resources:\n  B: {{Type: 'AWS::S3::Bucket'}}\n{YAML}", bad(4), gaps=["x"]),
    Case("duplicate Resources, one is a list", f"{YAML}Resources: [x]\n", bad(), gaps=["x"]),
    Case("duplicate Resources, one is null", f"Resources:\n{YAML}", bad(3), gaps=["x"]),
    Case("duplicate Properties, the first is bad", f"{YAML}    Properties: {{KmsKeyId: k, DirectInternetAccess: Disabled}}\n", bad(), gaps=["x"]),
    Case("duplicate Properties, the second is bad", YAML.replace("    Prop", "    Properties: {KmsKeyId: k, DirectInternetAccess: Disabled}\n    Prop"), bad(), gaps=["x"]),
    Case("duplicate Properties, one is a list", f"{YAML}    Properties: [x]\n", bad(), gaps=["x"]),
    Case("duplicate Type, the first is bad", f"{YAML}    Type: AWS::S3::Bucket\n", bad(), gaps=["x"]),
    Case("duplicate Type, the second is bad", YAML.replace("    Type", "    Type: AWS::S3::Bucket\n    Type"), bad(3), gaps=["x"]),
    Case("duplicate Type, one is a list", YAML.replace("    Type", "    Type: [x]\n    Type"), bad(3), gaps=["x"]),
    Case("duplicate Condition", f"Conditions: {{No: !Equals [a, b], Yes: !Equals [a, a]}}\n{YAML}    Condition: No\n    Condition: Yes\n".replace("Yes", "Ok").replace("No:", "Not:").replace(": No", ": Not"), bad(3), gaps=["x"]),
    Case("duplicate parameter", f"Parameters:\n  A: {{Type: String, Default: Disabled}}\n  A: {{Type: String, Default: Enabled}}\n{YAML.replace('Enabled', '!Ref A')}", ["x"], gaps=["x"]),
    Case("duplicate condition definition", f"Conditions: {{A: !Equals [a, a], A: !Equals [a, b]}}\n{YAML.replace('Enabled', '!If [A, Disabled, Enabled]')}", ["x"], gaps=["x"]),
    Case("duplicate default of a parameter", f"Parameters:\n  A: {{Type: String, Default: Disabled, Default: Enabled}}\n{YAML.replace('Enabled', '!Ref A')}", ["x"], gaps=["x"]),
    Case("duplicate in a mapping", f"Mappings: {{M: {{k: {{v: Disabled, v: Enabled}}}}}}\n{YAML.replace('Enabled', '!FindInMap [M, k, v]')}", ["x"], gaps=["x"]),
    Case("duplicate function", f"{YAML.replace('Enabled', '{Ref: AWS::Region, Ref: AWS::Region}')}", ["x"], gaps=["x"]),
    Case("duplicate function, one is bad", f"{YAML.replace('Enabled', '{Fn::Sub: Disabled, Fn::Sub: Enabled}')}", ["x"], gaps=["x"]),
    Case("duplicate deep in a list", f"""\
Resources:
  Config:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      KmsKeyId: k
      KmsKeyId: ''
      ProductionVariants:
        - InstanceType: ml.m5.large
          InstanceType: ml.p4d.24xlarge
        - {{InstanceType: ml.m5.large, InstanceType: ml.m5.large}}
""", ["x"], gaps=["x"]),
    Case("duplicates in JSON", JSON.replace('"Enabled"', '"Enabled", "DirectInternetAccess": "Disabled"'), IN_JSON, gaps=["x"], name="case.json"),
    Case("duplicates of duplicates", f"""\
Resources:
  A:
    Type: {KIND}
    Properties: {{DirectInternetAccess: Disabled, KmsKeyId: k, KmsKeyId: l}}
    Properties: {{DirectInternetAccess: Disabled, DirectInternetAccess: Enabled, KmsKeyId: k}}
""", ["x"], gaps=["x"]),
    Case("200 duplicates of one key", YAML + "".join(f"      DirectInternetAccess: Disabled\n" for n in range(200)), bad(), gaps=["x"]),
    Case("200 duplicates, the last is bad", YAML.replace("Enabled", "Disabled") + "      DirectInternetAccess: Disabled\n" * 200 + "      DirectInternetAccess: Enabled\n", ["x"], gaps=["x"]),
]

NOTEBOOK = f"""\
    Type: {KIND}
    Properties:
      InstanceType: ml.t3.medium
"""
WRITING = [
    Case("044 merge key", f"Resources:\n  A: &a\n{NOTEBOOK}      DirectInternetAccess: Enabled\n  B:\n    <<: *a\n", ["x"], notes=["x"]),
    Case("045 alias", f"Resources:\n  A: &a\n{NOTEBOOK}      DirectInternetAccess: Enabled\n  B: *a\n", ["x"]),
    Case("046 recursive anchor", f"{YAML}  A: &a\n    Type: {KIND}\n    Properties: *a\n", gaps=["x"]),
    Case("047 recursive list", f"{YAML}X: &x [*x]\n", gaps=["x"]),
    Case("048 alias bomb", bomb("x", "{alias}", "[{}]") + YAML, gaps=["x"]),
    Case("049 alias bomb of mappings", bomb("{x: y}", "k{key}: {alias}", "{{{}}}") + YAML, gaps=["x"]),
    Case("049 alias bomb of merge keys", "a: &a {" + ", ".join(f"k{n}: 1" for n in range(1000)) + "}\n" + "".join(f"b{n}: {{<<: *a}}\n" for n in range(500)) + YAML, gaps=["x"]),
    Case("049 bomb as the value of a property", bomb("x", "{alias}", "[{}]") + YAML.replace("Enabled", "*a9"), gaps=["x"]),
    Case("050 a long scalar and 20,000 aliases", f"x: &x {'x' * 100_000}\ny: [{'*x,' * 20_000}]\n{YAML}", bad(4)),
    Case("050 a long scalar and 20,000 aliases in a Join", f"x: &x {'x' * 100_000}\n{YAML.replace('Enabled', '!Join [x, [' + '*x,' * 20_000 + ']]')}", ["x"]),
    Case("051 unknown tag", YAML.replace("Enabled", "!Foo Enabled"), ["x"], notes=["x"]),
    Case("053 dates, sets and times", f"{YAML}      A: 2020-01-01\n      B: !!set {{a, b}}\n      C: 22:22\n      D: 0777\n      E: !!binary x\n      F: !!timestamp 2020-01-01\n", bad(), notes=["x"]),
    Case("054 NaN and infinity", f"{YAML}      VolumeSizeInGB: .nan\n      X: [.inf, -.inf, 1e999, {'9' * 500}]\n", bad()),
    Case("056 tabs", YAML.replace("    Prop", "\tProp"), gaps=["x"]),
    Case("057 CRLF", YAML.replace("\n", "\r\n"), bad()),
    Case("057 bare CR", YAML.replace("\n", "\r"), bad()),
    Case("058 Jinja block", f"{YAML}{{% if x %}}\n  B: x\n{{% endif %}}\n", gaps=["x"]),
    Case("058 Jinja value", YAML.replace("Enabled", "{{ access }}"), gaps=["x"]),
    Case("058 Jinja in quotes", YAML.replace("Enabled", "'{{ access }}'"), ["x"]),
    Case("059 truncated", f"{YAML}  B: [x\n", gaps=["x"]),
    Case("059 truncated text", f"{YAML}  B: 'x\n", gaps=["x"]),
    Case("060 10,000 flow lists", f"{YAML}X: {nested('[', ']', 10_000)}\n", gaps=["x"]),
    Case("060 10,000 open flow lists", f"{YAML}X: {'[' * 10_000}\n", gaps=["x"]),
    Case("060 10,000 flow mappings", f"{YAML}X: {nested('{a: ', '}', 10_000)}\n", gaps=["x"]),
    Case("060 10,000 block lists", f"{YAML}X:\n{'- ' * 10_000}x\n", gaps=["x"]),
    Case("061 100,000 JSON lists", JSON[:-1] + f', "X": {nested("[", "]", 100_000, "1")}}}', gaps=["x"], name="case.json"),
    Case("061 10,000 JSON mappings", JSON[:-1] + f', "X": {nested(chr(123) + chr(34) + "a" + chr(34) + ":", "}", 10_000, "1")}}}', gaps=["x"], name="case.json"),
    Case("062 900 block mappings", YAML + "X:\n" + "".join(" " * n + " a:\n" for n in range(900)), gaps=["x"]),
    Case("063 300 nested Joins", YAML.replace("Enabled", nested("!Join ['', [", "]]", 300, "Enabled")), gaps=["x"]),
    Case("064 3,000 nested Joins", YAML.replace("Enabled", nested("!Join ['', [", "]]", 3_000, "Enabled")), gaps=["x"]),
    Case("064 3,000 nested Ifs", YAML.replace("Enabled", nested("!If [A, B, ", "]", 3_000, "Enabled")), gaps=["x"]),
    Case("064 Joins within the limit", YAML.replace("Enabled", nested("!Join ['', [", "]]", 19, "Enabled")), bad()),
    Case("064 Ifs within the limit", "Conditions: {A: !Equals [a, b]}\n" + YAML.replace("Enabled", nested("!If [A, B, ", "]", 29, "Enabled")), bad(3)),
    Case("064 Selects within the limit", YAML.replace("Enabled", nested("!Select [0, [", "]]", 19, "Enabled")), bad()),
    Case("064 Subs within the limit", YAML.replace("Enabled", nested("!Sub ['${a}', {a: ", "}]", 19, "Enabled")), bad()),
    Case("070 trailing comma in JSON", JSON[:-2] + ",}}", IN_JSON, name="case.json"),
    Case("071 comment in JSON", "// no\n" + JSON, gaps=["x"], name="case.json"),
    Case("072 NaN in JSON", JSON.replace('"Enabled"', '"Enabled", "X": NaN'), IN_JSON, name="case.json"),
    Case("073 truncated JSON", JSON[:-2], gaps=["x"], name="case.json"),
    Case("074 two JSON values", JSON + JSON, gaps=["x"], name="case.json"),
    Case("075 half a character", JSON.replace('"Enabled"', '"Enabled", "X": "\\ud800"'), gaps=["x"], name="case.json"),
    Case("JSON in a YAML file", JSON, IN_JSON),
    Case("YAML in a JSON file", YAML, bad(), name="case.json"),
    Case("no ending", YAML, bad(), name="case"),
    Case("an ending of another kind", YAML, bad(), name="case.txt"),
    Case("100 directives", "%TAG !a! tag:x,2000:\n" * 101 + "---\n" + YAML, gaps=["x"]),
    Case("an alias of nothing", f"{YAML}X: *x\n", gaps=["x"]),
    Case("10,000 anchors", f"{YAML}X: [{', '.join(f'&x{n} a' for n in range(10_000))}]\n", bad()),
    Case("keys that are aliases and tags", f"&k A: b\n*k : c\n{YAML}", bad(4), gaps=["x"]),
]

BOMBED = YAML.encode()
ENCODINGS = [
    Case("080 BOM in YAML", b"\xef\xbb\xbf" + BOMBED, bad()),
    Case("081 BOM in JSON", b"\xef\xbb\xbf" + JSON.encode(), IN_JSON, name="case.json"),
    Case("082 UTF-16", YAML.encode("utf-16"), bad()),
    Case("082 UTF-16 big-endian", b"\xfe\xff" + YAML.encode("utf-16-be"), bad()),
    Case("082 UTF-16 JSON", JSON.encode("utf-16"), IN_JSON, name="case.json"),
    Case("083 UTF-16 without BOM", YAML.encode("utf-16-le"), gaps=["x"]),
    Case("083 UTF-32", YAML.encode("utf-32"), gaps=["x"]),
    Case("084 latin-1", BOMBED + b"# caf\xe9\n", gaps=["x"]),
    Case("085 bad UTF-8", BOMBED + b"X: \xc3(\n", gaps=["x"]),
    Case("085 overlong UTF-8", BOMBED + b"X: \xc0\xaf\n", gaps=["x"]),
    Case("086 NUL", BOMBED + b"X: a\0b\n", gaps=["x"]),
    Case("086 NUL at the end", BOMBED + b"\0", gaps=["x"]),
    Case("087 noise", random.Random(5).randbytes(10_000), gaps=["x"], walked="skipped"),
    Case("088 gzip", gzip.compress(BOMBED, mtime=0), gaps=["x"], walked="skipped"),
    Case("089 control characters", f"{YAML}X: \x1b[31m\n", gaps=["x"]),
    Case("089 control characters as escapes", f'{YAML}X: "\\e[31m\\0\\x07"\n', bad()),
    Case("091 hostile logical id", YAML.replace("Bad:", '"\\e]0;x\\a\\n::error file=a::P":'), ["x"]),
    Case("089 line separators", YAML.replace("\n", "\u2028"), gaps=["x"]),
    Case("089 next line", YAML.replace("\n", "\x85"), bad()),
    Case("a byte order mark within", YAML.replace("Enabled", "Ena\ufeffbled"), gaps=["x"]),
    Case("bidi marks in a value", YAML.replace("Enabled", "'Enabled\u202e'"), ["x"]),
]


def chain(length: int, last: str) -> str:
    return "Conditions:\n" + "".join(
        f"  C{n}: !Not [!Condition C{n + 1}]\n" for n in range(length)
    ) + f"  C{length}: {last}\n"


IF = YAML.replace("Enabled", "!If [C0, Disabled, Enabled]")
FUNCTIONS = [
    Case("102 modules and others' types", f"{YAML}  M: {{Type: 'My::Own::Type::MODULE'}}\n  C: {{Type: 'Custom::Thing'}}\n  T: {{Type: 'Third::Party::Thing'}}\n", bad(), gaps=["x"]),
    Case("110 5,000 resources", "Resources:\n" + "".join(BAD.replace("Bad", f"Bad{n}") for n in range(5_000)), ["x"]),
    Case("110 10,001 resources", "Resources:\n" + "".join(f"  R{n}: {{Type: 'AWS::S3::Bucket'}}\n" for n in range(10_001)) + BAD, ["x"]),
    Case("111 4 MB in one text", f"{YAML}      X: {'x' * 4_000_000}\n", bad()),
    Case("111 4 MB of key id", f"{YAML}      KmsKeyId: {'x' * 4_000_000}\n", ["x"]),
    Case("112 a name of 100 KB", YAML.replace("Bad:", '"' + "B" * 100_000 + '":'), ["x"]),
    Case("112 a name of 100 KB in quotes with a question mark", YAML.replace("  Bad:", "  ? " + "B" * 100_000 + "\n  :"), ["x"]),
    Case("113 50,000 unfinished variables", YAML.replace("Enabled", "!Sub '" + "${" * 50_000 + "'"), ["x"]),
    Case("113 50,000 variables", YAML.replace("Enabled", "!Sub '" + "${A}" * 50_000 + "'"), ["x"]),
    Case("113 50,000 parameters in a text", "Parameters: {A: {Type: String, AllowedValues: [a, b]}}\n" + YAML.replace("Enabled", "!Sub '" + "${A}" * 50_000 + "'"), ["x"]),
    Case("113 50,000 pseudo parameters", YAML.replace("Enabled", "!Sub '" + "${AWS::Region}x" * 50_000 + "'"), ["x"]),
    Case("113 dynamic references", YAML.replace("Enabled", "'" + "{{resolve:" * 50_000 + "'"), ["x"]),
    Case("114 explosive pattern", "Parameters: {A: {Type: String, AllowedPattern: '(a+)+$'}}\nConditions: {C0: !Equals [!Ref A, " + "a" * 40 + "!]}\n" + IF, ["x"]),
    Case("114 explosive pattern of another form", "Parameters: {A: {Type: String, AllowedPattern: '" + "a*" * 30 + "b'}}\nConditions: {C0: !Equals [!Ref A, " + "a" * 400 + "]}\n" + IF, ["x"]),
    Case("114 explosive pattern with branches", "Parameters: {A: {Type: String, AllowedPattern: '^(a|a)*$'}}\nConditions: {C0: !Equals [!Ref A, " + "a" * 400 + "!]}\n" + IF, ["x"]),
    Case("114 explosive pattern with options", "Parameters: {A: {Type: String, AllowedPattern: '^" + "a?" * 100 + "a{100}$'}}\nConditions: {C0: !Equals [!Ref A, " + "a" * 100 + "!]}\n" + IF, ["x"]),
    Case("114 pattern with a huge count", "Parameters: {A: {Type: String, AllowedPattern: '(((a{1000}){1000}){1000}){1000}'}}\nConditions: {C0: !Equals [!Ref A, " + "a" * 40 + "]}\n" + IF, ["x"]),
    Case("114 pattern that is none", "Parameters: {A: {Type: String, AllowedPattern: '(((', MinLength: x, MaxLength: -5, AllowedValues: {a: b}, Default: [x]}}\nConditions: {C0: !Equals [!Ref A, a]}\n" + IF, ["x"]),
    Case("115 circular conditions", "Conditions: {C0: !Not [!Condition C1], C1: !Condition C0}\n" + IF, ["x"]),
    Case("115 condition of itself", "Conditions: {C0: !Condition C0}\n" + IF, ["x"]),
    Case("115 resource with a circular condition", "Conditions: {C0: !Not [!Condition C0]}\n" + YAML + "    Condition: C0\n", ["x"]),
    Case("115 chain of 5,000 conditions", chain(5_000, "!Equals [a, b]") + IF, ["x"]),
    Case("115 chain of 90 conditions", chain(90, "!Equals [a, b]") + IF, ["x"]),
    Case("115 wide conditions", "Conditions:\n  C0: !Or [" + ", ".join(f"!Condition C{n}" for n in range(1, 2_000)) + "]\n" + "".join(f"  C{n}: !Equals [!Ref 'AWS::Region', r{n}]\n" for n in range(1, 2_000)) + IF, ["x"]),
    Case("115 doubling conditions", "Conditions:\n" + "".join(f"  C{n}: !And [!Condition C{n + 1}, !Condition C{n + 1}]\n" for n in range(60)) + "  C60: !Equals [a, b]\n" + IF, ["x"]),
    Case("115 conditions that are none", "Conditions: [x]\n" + YAML + "    Condition: 5\n", bad(3)),
    Case("115 condition that nothing declares", YAML + "    Condition: Nowhere\n", ["x"]),
    Case("116 circular DependsOn", f"{YAML}    DependsOn: Other\n  Other: {{Type: 'AWS::S3::Bucket', DependsOn: Bad}}\n", bad()),
    Case("117 Ref to nothing", YAML.replace("Enabled", "!Ref Nothing"), ["x"]),
    Case("117 references of hostile shapes", YAML + "".join(f"      X{n}: {{{body}}}\n" for n, body in enumerate(["Ref: [x]", "Ref: {}", "Ref: ", "'Fn::GetAtt': 5", "'Fn::GetAtt': [[x], {}]", "'Fn::Sub': []", "'Fn::Sub': [5, 6]", "'Fn::Join': {}", "'Fn::Join': [[], {}]", "'Fn::If': []", "'Fn::If': [[x], {}, 5]", "'Fn::FindInMap': [[], {}, 5]", "'Fn::Select': [x, y]", "'Fn::Select': [[], []]", "'Fn::Split': ['', x]", "'Fn::Split': [',', [x]]", "'Fn::Cidr': ", "'Fn::Base64': [x]", "'Fn::Length': 5", "'Fn::ToJsonString': !Foo x", "'Fn::Nothing': x", "Ref: x, 'Fn::Sub': y"])), bad()),
    Case("117 each of them as the property", "Resources:\n" + "".join(f"  R{n}:\n    Type: {KIND}\n    Properties:\n      KmsKeyId: {{{body}}}\n      DirectInternetAccess: {{{body}}}\n" for n, body in enumerate(["Ref: [x]", "Ref: {}", "Ref: ", "'Fn::GetAtt': 5", "'Fn::GetAtt': [[x], {}]", "'Fn::Sub': []", "'Fn::Sub': [5, 6]", "'Fn::Join': {}", "'Fn::Join': [[], {}]", "'Fn::If': []", "'Fn::If': [[x], {}, 5]", "'Fn::FindInMap': [[], {}, 5]", "'Fn::Select': [x, y]", "'Fn::Select': [[], []]", "'Fn::Split': ['', x]", "'Fn::Split': [',', [x]]", "'Fn::Cidr': ", "'Fn::Base64': [x]", "'Fn::Length': 5", "'Fn::ToJsonString': !Foo x", "'Fn::Nothing': x", "Ref: x, 'Fn::Sub': y"])), ["x"]),
    Case("118 one branch is bad", "Parameters: {P: {Type: String}}\nConditions: {C0: !Equals [!Ref P, prod]}\n" + IF, ["x"]),
    Case("119 a loop of a million", TOP + "Transform: AWS::LanguageExtensions\n" + YAML + "".join(f"  Fn::ForEach::L{n}:\n{'  ' * n}    - I{n}\n{'  ' * n}    - [{', '.join(map(str, range(100)))}]\n{'  ' * n}    -\n".replace("-\n", "-\n") for n in range(0)) + "  Fn::ForEach::A: [X, [" + ", ".join(map(str, range(1000))) + "], {'Fn::ForEach::B': [Y, [" + ", ".join(map(str, range(1000))) + "], {'R${X}and${Y}': {Type: 'AWS::S3::Bucket'}}]}]\n", ["x"], gaps=["x"]),
    Case("119 a loop of a million empty rounds", TOP + "Transform: AWS::LanguageExtensions\n" + YAML + "  Fn::ForEach::A: [X, [" + ", ".join(map(str, range(1000))) + "], {'Fn::ForEach::B': [Y, [" + ", ".join(map(str, range(1000))) + "], {}]}]\n", ["x"], gaps=["x"]),
    Case("119 eight loops of fifty", TOP + "Transform: AWS::LanguageExtensions\n" + YAML + "  " + "".join("%s'Fn::ForEach::L%d': [X%d, [%s], " % ("{" if n else "", n, n, ", ".join(map(str, range(50)))) for n in range(8)).replace("'Fn::ForEach::L0':", "Fn::ForEach::L0:", 1) + "{'R': {Type: 'AWS::S3::Bucket'}}" + "]}" * 7 + "]\n", ["x"], gaps=["x"]),
    Case("119 a loop within the collection of a loop", TOP + "Transform: AWS::LanguageExtensions\n" + YAML + "  Fn::ForEach::A: [X, {'Fn::ForEach::B': [Y, [a], {'${Y}': b}]}, {'R${X}': {Type: 'AWS::S3::Bucket'}}]\n", ["x"], gaps=["x"]),
    Case("119 a loop that is none", TOP + "Transform: AWS::LanguageExtensions\n" + YAML + "  Fn::ForEach::A: 5\n  Fn::ForEach::B: [X, [a]]\n  Fn::ForEach::C: [[x], [a], {}]\n  Fn::ForEach::D: [X, [a], []]\n", ["x"], gaps=["x"]),
    Case("119 long texts in a loop", TOP + "Transform: AWS::LanguageExtensions\n" + YAML + "  Fn::ForEach::A: [X, [" + ", ".join("x" * 1000 + str(n) for n in range(1000)) + "], {'R${X}': {Type: 'AWS::S3::Bucket', Properties: {A: '" + "${X}" * 2000 + "'}}}]\n", ["x"], gaps=["x"]),
    Case("120 24 independent Ifs", "Parameters:\n" + "".join(f"  P{n}: {{Type: String}}\n" for n in range(24)) + "Conditions:\n" + "".join(f"  C{n}: !Equals [!Ref P{n}, a]\n" for n in range(24)) + YAML.replace("Enabled", "!If [C0, Disabled, Enabled]") + "".join(f"      X{n}: !If [C{n}, a, b]\n" for n in range(24)), ["x"]),
    Case("120 24 Ifs in one value", "Parameters:\n" + "".join(f"  P{n}: {{Type: String}}\n" for n in range(24)) + "Conditions:\n" + "".join(f"  C{n}: !Equals [!Ref P{n}, a]\n" for n in range(24)) + YAML.replace("Enabled", "!Join ['', [" + ", ".join(f"!If [C{n}, a, b]" for n in range(24)) + "]]"), ["x"]),
    Case("120 90 allowed values of six parameters", "Parameters:\n" + "".join(f"  P{n}: {{Type: String, AllowedValues: [{', '.join(f'v{m}' for m in range(90))}]}}\n" for n in range(6)) + YAML.replace("Enabled", "!Sub '" + "".join(f"${{P{n}}}" for n in range(6)) + "'"), ["x"]),
    Case("120 90 allowed values in nested maps", "Parameters:\n" + "".join(f"  P{n}: {{Type: String, AllowedValues: [{', '.join(f'v{m}' for m in range(90))}]}}\n" for n in range(3)) + "Mappings: {M: {" + ", ".join(f"v{n}: {{{', '.join(f'v{m}: v{m}' for m in range(90))}}}" for n in range(90)) + "}}\n" + YAML.replace("Enabled", "!FindInMap [M, !Ref P0, !FindInMap [M, !Ref P1, !Ref P2]]"), ["x"]),
    Case("120 10,000 allowed values", "Parameters:\n" + "".join(f"  P{n}: {{Type: String, AllowedValues: [{', '.join(f'v{m}' for m in range(10_000))}]}}\n" for n in range(2)) + YAML.replace("Enabled", "!Sub '${P0}${P1}'"), ["x"]),
    Case("120 parameter that nests in parameters", "Parameters: {P: {Type: String, Default: !Ref P}}\n" + YAML.replace("Enabled", "!Ref P"), ["x"]),
    Case("120 map of itself", "Mappings: {M: {k: {v: !FindInMap [M, k, v]}}}\n" + YAML.replace("Enabled", "!FindInMap [M, k, v]"), ["x"]),
    Case("120 Sub of itself", YAML.replace("Enabled", "!Sub ['${a}', {a: !Sub '${a}'}]"), ["x"]),
    Case("sections that are none", "Parameters: x\nMappings: [y]\nOutputs: 5\nTransform: {a: b}\nMetadata: 7\nRules: z\n" + YAML, bad(8)),
    Case("1,000 notebooks with one alias", "Resources:\n  A: &a\n" + NOTEBOOK + "".join(f"  B{n}: *a\n" for n in range(1_000)), ["x"]),
]


def test_nothing() -> None:
    pass
