"""YAML and JSON: aliases, tags, nesting, templates of templates, broken grammar."""

from __future__ import annotations

from tests.hostile.case import IN_JSON, JSON, KIND, YAML, Case, access, bad, nested

NOTEBOOK = f"""\
    Type: {KIND}
    Properties:
      InstanceType: ml.t3.medium
"""


def bomb(first: str, each: str, wrap: str) -> str:
    """Nine levels of nine aliases."""
    lines = [f"a0: &a0 {first}"]
    for level in range(1, 10):
        items = ", ".join(each.format(key=key, alias=f"*a{level - 1}") for key in range(9))
        lines.append(f"a{level}: &a{level} {wrap.format(items)}")
    return "\n".join(lines) + "\n"


WRITING = [
    Case(
        "044 merge key",
        f"Resources:\n  A: &a\n{NOTEBOOK}      DirectInternetAccess: Enabled\n  B:\n    <<: *a\n",
        [
            "notebook-direct-internet A 6:7",
            "volume-kms-key A 4:5",
            "notebook-direct-internet B 6:7",
            "volume-kms-key B 4:5",
        ],
        notes=["8 a merge key << is merged here, but CloudFormation does not support merge keys"],
    ),
    Case(
        "045 alias",
        f"Resources:\n  A: &a\n{NOTEBOOK}      DirectInternetAccess: Enabled\n  B: *a\n",
        [
            "notebook-direct-internet A 6:7",
            "volume-kms-key A 4:5",
            "notebook-direct-internet B 6:7",
            "volume-kms-key B 4:5",
        ],
    ),
    Case(
        "046 recursive anchor",
        f"{YAML}  A: &a\n    Type: {KIND}\n    Properties: *a\n",
        gaps=["10:17 the alias *a stands within its own anchor"],
    ),
    Case("047 recursive list", f"{YAML}X: &x [*x]\n", gaps=["8:8 the alias *x stands within its own anchor"]),
    Case(
        "048 alias bomb",
        bomb("x", "{alias}", "[{}]") + YAML,
        gaps=["holds more than 250,000 values, each alias counted as what it stands for"],
    ),
    Case(
        "049 alias bomb of mappings",
        bomb("{x: y}", "k{key}: {alias}", "{{{}}}") + YAML,
        gaps=["holds more than 250,000 values, each alias counted as what it stands for"],
    ),
    Case(
        "049 alias bomb of merge keys",
        "a: &a {"
        + ", ".join(f"k{n}: 1" for n in range(1000))
        + "}\n"
        + "".join(f"b{n}: {{<<: *a}}\n" for n in range(500))
        + YAML,
        gaps=["holds more than 250,000 values, each alias counted as what it stands for"],
    ),
    Case(
        "049 bomb as the value of a property",
        bomb("x", "{alias}", "[{}]") + access("*a9"),
        gaps=["holds more than 250,000 values, each alias counted as what it stands for"],
    ),
    Case(
        "050 a long scalar and 20,000 aliases",
        f"x: &x {'x' * 100_000}\ny: [{'*x,' * 20_000}]\n{YAML}",
        bad(4),
    ),
    Case(
        "050 a long scalar and 20,000 aliases in a Join",
        f"x: &x {'x' * 100_000}\n{access('!Join [x, [' + '*x,' * 20_000 + ']]')}",
        ["unknown notebook-direct-internet Bad 5:5", "volume-kms-key Bad 5:5"],
    ),
    Case(
        "051 unknown tag",
        access("!Foo Enabled"),
        ["unknown notebook-direct-internet Bad 7:7", "volume-kms-key Bad 4:5"],
        notes=["7 the tag !Foo is unknown here, and so is its value"],
    ),
    Case(
        "053 dates, sets and times",
        f"{YAML}      A: 2020-01-01\n      B: !!set {{a, b}}\n      C: 22:22\n"
        "      D: 0777\n      E: !!binary x\n      F: !!timestamp 2020-01-01\n",
        bad(),
        notes=["9 the tag !!set is unknown here, and so is its value (and 2 more)"],
    ),
    Case(
        "054 NaN and infinity",
        f"{YAML}      VolumeSizeInGB: .nan\n      X: [.inf, -.inf, 1e999, {'9' * 500}]\n",
        bad(),
    ),
    Case(
        "056 tabs",
        YAML.replace("    Prop", "\tProp"),
        gaps=[
            "4:1 found a tab character that violates indentation"
            " while scanning a plain scalar that begins in line 3"
        ],
    ),
    Case("057 CRLF", YAML.replace("\n", "\r\n"), bad()),
    Case("057 bare CR", YAML.replace("\n", "\r"), bad()),
    Case(
        "058 Jinja block",
        f"{YAML}{{% if x %}}\n  B: x\n{{% endif %}}\n",
        gaps=["8:2 found character that cannot start any token"],
    ),
    Case(
        "058 Jinja value",
        access("{{ access }}"),
        gaps=["7:30 a key must be text, this one is a mapping, a list or tagged"],
    ),
    Case(
        "058 Jinja in quotes",
        access("'{{ access }}'"),
        ["notebook-direct-internet Bad 7:7", "volume-kms-key Bad 4:5"],
    ),
    Case(
        "059 truncated",
        f"{YAML}  B: [x\n",
        gaps=["9:1 did not find expected ',' or ']' while parsing a flow sequence that begins in line 8"],
    ),
    Case(
        "059 truncated text",
        f"{YAML}  B: 'x\n",
        gaps=["9:1 found unexpected end of stream while scanning a quoted scalar that begins in line 8"],
    ),
    Case(
        "060 10,000 flow lists",
        f"{YAML}X: {nested('[', ']', 10_000)}\n",
        gaps=["8:67 is nested deeper than 64 levels"],
    ),
    Case(
        "060 10,000 open flow lists",
        f"{YAML}X: {'[' * 10_000}\n",
        gaps=["8:67 is nested deeper than 64 levels"],
    ),
    Case(
        "060 10,000 flow mappings",
        f"{YAML}X: {nested('{a: ', '}', 10_000)}\n",
        gaps=["8:256 is nested deeper than 64 levels"],
    ),
    Case(
        "060 10,000 block lists",
        f"{YAML}X:\n{'- ' * 10_000}x\n",
        gaps=["9:127 is nested deeper than 64 levels"],
    ),
    Case(
        "061 100,000 JSON lists",
        JSON[:-1] + f', "X": {nested("[", "]", 100_000, "1")}}}',
        gaps=["3:122 is nested deeper than 64 levels"],
        name="case.json",
    ),
    Case(
        "061 10,000 JSON mappings",
        JSON[:-1] + f', "X": {nested(chr(123) + chr(34) + "a" + chr(34) + ":", "}", 10_000, "1")}}}',
        gaps=["3:374 is nested deeper than 64 levels"],
        name="case.json",
    ),
    Case(
        "062 900 block mappings",
        YAML + "X:\n" + "".join(" " * n + " a:\n" for n in range(900)),
        gaps=["72:65 is nested deeper than 64 levels"],
    ),
    Case(
        "063 300 nested Joins",
        access(nested("!Join ['', [", "]]", 300, "Enabled")),
        gaps=["7:269 is nested deeper than 64 levels"],
    ),
    Case(
        "064 3,000 nested Joins",
        access(nested("!Join ['', [", "]]", 3_000, "Enabled")),
        gaps=["7:269 is nested deeper than 64 levels"],
    ),
    Case(
        "064 3,000 nested Ifs",
        access(nested("!If [A, B, ", "]", 3_000, "Enabled")),
        gaps=["7:359 is nested deeper than 64 levels"],
    ),
    Case(
        "064 Joins within the limit",
        access(nested("!Join ['', [", "]]", 19, "Enabled")),
        bad(),
    ),
    Case(
        "064 Ifs within the limit",
        "Conditions: {A: !Equals [a, b]}\n" + access(nested("!If [A, B, ", "]", 29, "Enabled")),
        bad(3),
    ),
    Case(
        "064 Selects within the limit",
        access(nested("!Select [0, [", "]]", 19, "Enabled")),
        bad(),
    ),
    Case(
        "064 Subs within the limit",
        access(nested("!Sub ['${a}', {a: ", "}]", 19, "Enabled")),
        bad(),
    ),
    Case("070 trailing comma in JSON", JSON[:-2] + ",}}", IN_JSON, name="case.json"),
    Case(
        "071 comment in JSON",
        "// no\n" + JSON,
        gaps=["2:13 mapping values are not allowed in this context"],
        name="case.json",
    ),
    Case("072 NaN in JSON", JSON.replace('"Enabled"', '"Enabled", "X": NaN'), IN_JSON, name="case.json"),
    Case(
        "073 truncated JSON",
        JSON[:-2],
        gaps=["4:1 did not find expected ',' or '}' while parsing a flow mapping that begins in line 1"],
        name="case.json",
    ),
    Case(
        "074 two JSON values",
        JSON + JSON,
        gaps=["3:53 more text follows the end of the JSON value"],
        name="case.json",
    ),
    Case(
        "075 half a character",
        JSON.replace('"Enabled"', '"Enabled", "X": "\\ud800"'),
        gaps=["3:59 found invalid Unicode character escape code while parsing a quoted scalar"],
        name="case.json",
    ),
    Case("JSON in a YAML file", JSON, IN_JSON),
    Case("YAML in a JSON file", YAML, bad(), name="case.json"),
    Case("no ending", YAML, bad(), name="case"),
    Case("an ending of another kind", YAML, bad(), name="case.txt"),
    Case(
        "100 directives",
        "%TAG !a! tag:x,2000:\n" * 101 + "---\n" + YAML,
        gaps=["holds more than 100 %TAG directives"],
    ),
    Case("an alias of nothing", f"{YAML}X: *x\n", gaps=["8:4 the alias *x has no anchor before it"]),
    Case("10,000 anchors", f"{YAML}X: [{', '.join(f'&x{n} a' for n in range(10_000))}]\n", bad()),
    Case(
        "keys that are aliases and tags",
        f"&k A: b\n*k : c\n{YAML}",
        bad(4),
        gaps=["1 the key A stands more than once, on lines 1 and 2: each value is judged"],
    ),
]
