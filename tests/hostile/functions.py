"""Sizes, functions, conditions and loops: what would take for ever, or all memory, to work out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from tests.hostile.case import BAD, TOP, YAML, Case, access, bad, nested


def unknown(line: int = 2) -> list[str]:
    """The findings of `BAD` where the value of DirectInternetAccess stays open."""
    return [f"unknown notebook-direct-internet Bad {line + 5}:7", f"volume-kms-key Bad {line + 2}:5"]


def given_up(line: int = 2) -> list[str]:
    """The same where it took too long to work the value out."""
    return [f"unknown notebook-direct-internet Bad {line + 2}:5", f"volume-kms-key Bad {line + 2}:5"]


def conditions(**named: str) -> str:
    """A section, one condition a line."""
    return "Conditions:\n" + "".join(f"  {name}: {body}\n" for name, body in named.items())


def parameters(count: int, *allowed: str) -> str:
    """A section of parameters P0, P1, …, one a line."""
    values = f", AllowedValues: [{', '.join(allowed)}]" if allowed else ""
    return "Parameters:\n" + "".join(f"  P{n}: {{Type: String{values}}}\n" for n in range(count))


def pattern(text: str, value: str) -> str:
    """A template whose condition asks whether a text can have an AllowedPattern."""
    declared = f"Parameters: {{P: {{Type: String, AllowedPattern: '{text}'}}}}\n"
    return declared + conditions(C0=f"!Equals [!Ref P, {value}]") + IF


def loop(name: str, items: Iterable[object], body: Any) -> dict[str, Any]:
    """A Fn::ForEach over the item X and its name."""
    return {f"Fn::ForEach::{name}": [f"X{name}", [str(each) for each in items], body]}


def looping(loops: dict[str, Any]) -> str:
    """A template with loops among its resources, from line 11 on."""
    head = f"{TOP}Transform: AWS::LanguageExtensions\n{YAML}"
    return head + "".join(f"  {name}: {json.dumps(body)}\n" for name, body in loops.items())


def chain(length: int) -> str:
    """Conditions that each ask the next one."""
    each = {f"C{n}": f"!Not [!Condition C{n + 1}]" for n in range(length)}
    return conditions(**each, **{f"C{length}": "!Equals [a, b]"})


IF = access("!If [C0, Disabled, Enabled]")
BUCKET = {"Type": "AWS::S3::Bucket"}
TOO_LARGE = ["Fn::ForEach or AWS::Include writes out more than the limits allow: they are left out"]
VALUES = [f"v{n}" for n in range(90)]
WIDE = conditions(
    C0="!Or [" + ", ".join(f"!Condition C{n}" for n in range(1, 2_000)) + "]",
    **{f"C{n}": f"!Equals [!Ref 'AWS::Region', r{n}]" for n in range(1, 2_000)},
)
DOUBLING = conditions(
    **{f"C{n}": f"!And [!Condition C{n + 1}, !Condition C{n + 1}]" for n in range(60)}, C60="!Equals [a, b]"
)
DOUBLING_MAPS = "Mappings:\n  M:\n    v60: {k: x}\n" + "".join(
    f"    v{n}: {{k: !Join ['', [!FindInMap [M, v{n + 1}, k], !FindInMap [M, v{n + 1}, k]]]}}\n"
    for n in range(60)
)
NESTED_MAPS = "Mappings:\n  M:\n" + "".join(
    f"    {name}: {{{', '.join(f'{key}: {key}' for key in VALUES)}}}\n" for name in VALUES
)
ODD_PARAMETER = "Type: String, AllowedPattern: '(((', MinLength: x, MaxLength: 7, AllowedValues: {a: b}"
ODD = (
    "Ref: [x]", "Ref: {}", "Ref: ", "'Fn::GetAtt': 5", "'Fn::GetAtt': [[x], {}]", "'Fn::Sub': []",
    "'Fn::Sub': [5, 6]", "'Fn::Join': {}", "'Fn::Join': [[], {}]", "'Fn::If': []", "'Fn::If': [[x], {}, 5]",
    "'Fn::FindInMap': [[], {}, 5]", "'Fn::Select': [x, y]", "'Fn::Select': [[], []]", "'Fn::Split': ['', x]",
    "'Fn::Split': [',', [x]]", "'Fn::Cidr': ", "'Fn::Base64': [x]", "'Fn::Length': 5",
    "'Fn::ToJsonString': !Ref x", "'Fn::Nothing': x", "Ref: x, 'Fn::Sub': y", "'Fn::Transform': x",
    "'Fn::And': x", "'Fn::Not': []", "'Fn::Equals': [x]", "'Fn::ForEach::L': x",
)  # fmt: skip
"""Functions that take none of these."""

FUNCTIONS = [
    Case(
        "102 modules and others' types",
        f"{YAML}  M: {{Type: 'My::Own::Type::MODULE'}}\n  C: {{Type: 'Custom::Thing'}}\n"
        "  T: {Type: 'Third::Party::Thing'}\n",
        bad(),
        gaps=["8:7 M is a module: what it stands for is not in this file"],
    ),
    Case(
        "110 10,001 resources",
        "Resources:\n" + "".join(f"  R{n}: {{Type: 'AWS::S3::Bucket'}}\n" for n in range(10_001)) + BAD,
        gaps=["holds more than 10,000 resources"],
    ),
    Case("111 4 MB in one text", f"{YAML}      X: {'x' * 4_000_000}\n", bad()),
    Case("111 4 MB of key", f"{YAML}      KmsKeyId: {'x' * 4_000_000}\n", bad()[:1]),
    Case(
        "111 15 MB of joined key",
        f"{YAML}      KmsKeyId: !Join [{'x' * 5_000}, [{'a, ' * 3_000}]]\n",
        bad()[:1],
    ),
    Case(
        "112 a name of 100 KB",
        YAML.replace("Bad:", '"' + "B" * 100_000 + '":'),
        gaps=["2:100005 mapping values are not allowed in this context"],
    ),
    Case("113 50,000 unfinished variables", access("!Sub '" + "${" * 50_000 + "'"), bad()),
    Case("113 50,000 variables of nothing", access("!Sub '" + "${A}" * 50_000 + "'"), unknown()),
    Case(
        "113 100,000 times a parameter",
        parameters(1, "a", "b") + access("!Sub '" + "${P0}" * 100_000 + "'"),
        given_up(4),
    ),
    Case("113 50,000 pseudo parameters", access("!Sub '" + "${AWS::Region}x" * 50_000 + "'"), bad()),
    Case("113 50,000 unfinished references", access("'" + "{{resolve:" * 50_000 + "'"), bad()),
    Case("113 what no text fits", access("!Sub '" + "${AWS::StackName}" * 200 + "Q'"), bad()),
    Case("114 repeats in repeats", pattern("(a+)+$", "a" * 40 + "!"), unknown(5)),
    Case("114 repeats in deeper repeats", pattern("((a*)a)*b", "a" * 40), unknown(5)),
    Case("114 many repeats", pattern("a*" * 30 + "b", "a" * 400), unknown(5)),
    Case("114 repeats with branches", pattern("^(a|a)*$", "a" * 400 + "!"), unknown(5)),
    Case("114 many branches", pattern("(a|a)" * 40 + "b", "a" * 41), unknown(5)),
    Case("114 many options", pattern("^" + "a?" * 100 + "a{100}$", "a" * 100 + "!"), unknown(5)),
    Case("114 options in a count", pattern("^(a?){50}a{50}$", "a" * 50 + "!"), unknown(5)),
    Case("114 looking ahead", pattern("(?=(a+)+b)(a+)+", "a" * 40), unknown(5)),
    Case("114 a huge count", pattern("(((a{1000}){1000}){1000}){1000}", "a" * 40), unknown(5)),
    Case(
        "114 constraints that are none",
        f"Parameters: {{P: {{{ODD_PARAMETER}, Default: [x]}}}}\n{conditions(C0='!Equals [!Ref P, a]')}{IF}",
        unknown(5),
    ),
    Case(
        "115 circular conditions",
        conditions(C0="!Not [!Condition C1]", C1="!Condition C0") + IF,
        unknown(5),
        notes=["2:3 the condition C0 hangs on itself: both answers are judged"],
    ),
    Case(
        "115 condition of itself",
        conditions(C0="!Condition C0") + IF,
        unknown(4),
        notes=["2:3 the condition C0 hangs on itself: both answers are judged"],
    ),
    Case(
        "115 resource with a circular condition",
        f"{conditions(C0='!Not [!Condition C0]')}{YAML}    Condition: C0\n",
        [f"unknown {each}" for each in bad(4)],
        notes=["2:3 the condition C0 hangs on itself: both answers are judged"],
    ),
    Case(
        "115 chain of 5,000 conditions",
        chain(5_000) + IF,
        unknown(5_004),
        notes=["102:3 the condition C100 is nested too deep: both answers are judged"],
    ),
    Case("115 chain of 90 conditions", chain(90) + IF, bad(94)),
    Case("115 wide conditions", WIDE + IF, given_up(2_003)),
    Case("115 doubling conditions", DOUBLING + IF, bad(64)),
    Case(
        "115 conditions that are none",
        f"Conditions: [x]\n{YAML}    Condition: 5\n",
        [f"unknown {each}" for each in bad(3)],
    ),
    Case(
        "115 condition that nothing declares",
        f"{YAML}    Condition: Nowhere\n",
        [f"unknown {each}" for each in bad()],
        notes=[" the condition Nowhere is not declared: both answers are judged"],
    ),
    Case(
        "116 circular DependsOn",
        f"{YAML}    DependsOn: B\n  B: {{Type: 'AWS::S3::Bucket', DependsOn: Bad}}\n",
        bad(),
    ),
    Case("117 reference to nothing", access("!Ref Nothing"), unknown()),
    Case(
        "117 odd functions",
        YAML + "".join(f"      X{n}: {{{body}}}\n" for n, body in enumerate(ODD)),
        bad(),
        gaps=[
            "30:13 the macro x may change what stands here",
            "34:13 Fn::ForEach::L is not a loop of identifier, collection and body",
        ],
    ),
    Case("118 one branch is bad", parameters(1) + conditions(C0="!Equals [!Ref P0, prod]") + IF, unknown(6)),
    Case(
        "119 a loop of a million",
        looping(loop("A", range(1000), loop("B", range(1000), {"R${XA}and${XB}": BUCKET}))),
        bad(5),
        gaps=TOO_LARGE,
    ),
    Case(
        "119 a million empty rounds",
        looping(loop("A", range(1000), loop("B", range(1000), {}))),
        bad(5),
        gaps=TOO_LARGE,
    ),
    Case(
        "119 four loops of fifty",
        looping(
            loop("A", VALUES, loop("B", VALUES, loop("C", VALUES, loop("D", VALUES, {"R${XD}": BUCKET}))))
        ),
        bad(5),
        gaps=TOO_LARGE,
    ),
    Case(
        "119 long texts in a loop",
        looping(
            loop("A", ["x" * 1000 + str(n) for n in range(1000)], {"R${XA}": {**BUCKET, "A": "${XA}" * 2000}})
        ),
        bad(5),
        gaps=TOO_LARGE,
    ),
    Case(
        "119 a loop over a loop",
        looping({"Fn::ForEach::A": ["X", loop("B", ["a"], {"${XB}": "b"}), {"R${X}": BUCKET}]}),
        bad(5),
        gaps=[
            "11:3 Fn::ForEach::A runs over something that is no list, which is not known here:"
            " its body is judged once"
        ],
    ),
    Case(
        "119 loops that are none",
        looping(
            {
                "Fn::ForEach::A": 5,
                "Fn::ForEach::B": ["X", ["a"]],
                "Fn::ForEach::C": [["x"], ["a"], {}],
                "Fn::ForEach::D": ["X", ["a"], []],
            }
        ),
        bad(5),
        gaps=[
            f"{line}:3 Fn::ForEach::{name} is not a loop of identifier, collection and body"
            for line, name in enumerate("ABCD", 11)
        ],
    ),
    Case(
        "120 24 independent Ifs",
        parameters(24)
        + conditions(**{f"C{n}": f"!Equals [!Ref P{n}, a]" for n in range(24)})
        + IF
        + "".join(f"      X{n}: !If [C{n}, a, b]\n" for n in range(24)),
        unknown(52),
    ),
    Case(
        "120 24 Ifs in one value",
        parameters(24)
        + conditions(**{f"C{n}": f"!Equals [!Ref P{n}, a]" for n in range(24)})
        + access("!Join ['', [" + ", ".join(f"!If [C{n}, a, b]" for n in range(24)) + "]]"),
        given_up(52),
    ),
    Case(
        "120 90 values of six parameters",
        parameters(6, *VALUES) + access("!Sub '" + "".join(f"${{P{n}}}" for n in range(6)) + "'"),
        given_up(9),
    ),
    Case(
        "120 90 values in nested maps",
        parameters(3, *VALUES)
        + NESTED_MAPS
        + access("!FindInMap [M, !Ref P0, !FindInMap [M, !Ref P1, !Ref P2]]"),
        given_up(98),
    ),
    Case(
        "120 10,000 values",
        parameters(2, *(f"v{n}" for n in range(10_000))) + access("!Sub '${P0}${P1}'"),
        given_up(5),
    ),
    Case(
        "120 parameter of itself",
        "Parameters: {P: {Type: String, Default: !Ref P}}\n" + access("!Ref P"),
        unknown(3),
    ),
    Case(
        "120 map of itself",
        "Mappings: {M: {k: {v: !FindInMap [M, k, v]}}}\n" + access("!FindInMap [M, k, v]"),
        given_up(3),
    ),
    Case("120 doubling maps", DOUBLING_MAPS + access("!FindInMap [M, v0, k]"), given_up(65)),
    Case("120 Sub of itself", access("!Sub ['${a}', {a: !Sub '${a}'}]"), unknown()),
    Case(
        "sections that are none",
        "Parameters: x\nMappings: [y]\nOutputs: 5\nTransform: {a: b}\nMetadata: 7\nRules: z\n" + YAML,
        bad(8),
    ),
    Case("functions within the limit", access(nested("!Join ['', [", "]]", 19, "Enabled")), bad()),
]
