"""Reading templates: values as cfn-lint and PyYAML have them, true places, a plain end for hostile text."""

from __future__ import annotations

import datetime
import json
import logging
import math
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.limits import Limits
from scanner.template import yaml_reader
from scanner.template.json_reader import read_json
from scanner.template.reader import Document, Duplicate, Either, ReadError, Unreadable, decode, read

LIMITS = Limits()
CORPUS = Path(os.environ.get("SMGUARD_CORPUS", Path(__file__).parents[2] / ".." / "shared" / "corpus"))


@pytest.fixture(params=["libyaml", "pure Python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both parsers that PyYAML may come with."""
    if request.param == "pure Python":
        monkeypatch.setattr(yaml_reader, "Parser", yaml.SafeLoader)
    return str(request.param)


def refusal(source: str | bytes, limits: Limits = LIMITS) -> ReadError:
    with pytest.raises(ReadError) as caught:
        read(decode(source) if isinstance(source, bytes) else source, limits)
    return caught.value


VALUES = [
    # (YAML, its value)
    ("a: b", {"a": "b"}),
    ("a:\n  - b\n  - c: d\n", {"a": ["b", {"c": "d"}]}),
    ("a: |\n  x\n   y\nb: >-\n  x\n  y\n", {"a": "x\n y\n", "b": "x y"}),
    ("a: yes\nb: Off\nc: tRue\nd: 'yes'\n", {"a": True, "b": False, "c": "tRue", "d": "yes"}),
    ("a:\nb: ~\nc: null\nd: ''\ne: nUll", {"a": None, "b": None, "c": None, "d": "", "e": "nUll"}),
    ("[1, -2, +3, 1_000, 0x1F, 0b11, 017, 08, 0o17]", [1, -2, 3, 1000, 31, 3, 15, "08", "0o17"]),
    ("[22:22, 1:60, -1:1:1, 190:20:30.15]", [1342, "1:60", -3661, 685230.15]),
    ("[1.5, .5, 1., 1e5, 1.0e+5, 1.0e5, -.inf]", [1.5, 0.5, 1.0, "1e5", 100000.0, "1.0e5", -math.inf]),
    (
        "[0b_, 0x_, ._, -, +, ., 1.2.3.4, 10.0.0.0/16]",
        ["0b_", "0x_", "._", "-", "+", ".", "1.2.3.4", "10.0.0.0/16"],
    ),
    ("[2010-09-09, 2001-12-14t21:59:43.10-05:00]", ["2010-09-09", "2001-12-14t21:59:43.10-05:00"]),
    ("[9" + "9" * 9999 + ", 0x" + "f" * 5000 + "]", ["9" + "9" * 9999, "0x" + "f" * 5000]),
    ("a: " + "1:" * 100_000 + "1", {"a": "1:" * 100_000 + "1"}),
    ("a: " + "1" * 900 + ".5e+999", {"a": math.inf}),
    ("a: 1:" + "0:" * 400 + "0.5", {"a": "1:" + "0:" * 400 + "0.5"}),
    ("a: =", {"a": "="}),
    ("a: ! 12", {"a": 12}),
    ("[!!str 12, !!int '5', !!float 3, !!bool 'ON', !!null x]", ["12", 5, 3.0, True, None]),
    ("[!!seq [a], !!map {a: b}]", [["a"], {"a": "b"}]),
    ("a: !Ref B", {"a": {"Ref": "B"}}),
    ("a: !Ref 12", {"a": {"Ref": "12"}}),
    ("a: !Condition B", {"a": {"Condition": "B"}}),
    ("a: !Sub ''", {"a": {"Fn::Sub": ""}}),
    ("a: !Sub [x, {y: 1}]", {"a": {"Fn::Sub": ["x", {"y": 1}]}}),
    ("a: !GetAtt B.C.D", {"a": {"Fn::GetAtt": ["B", "C.D"]}}),
    ("a: !GetAtt B", {"a": {"Fn::GetAtt": ["B"]}}),
    ("a: !GetAtt [B, !Ref C]", {"a": {"Fn::GetAtt": ["B", {"Ref": "C"}]}}),
    ("a: !If [B, !Ref C, yes]", {"a": {"Fn::If": ["B", {"Ref": "C"}, True]}}),
    ("a: !Base64\n  Fn::Sub: x", {"a": {"Fn::Base64": {"Fn::Sub": "x"}}}),
    ("a: !Transform {Name: AWS::Include}", {"a": {"Fn::Transform": {"Name": "AWS::Include"}}}),
    ("a: !<!Ref> B", {"a": {"Ref": "B"}}),
    ("a: &x {b: c}\nd: *x", {"a": {"b": "c"}, "d": {"b": "c"}}),
    ("a: &x 1\nb: *x\nc: &x 2\nd: *x", {"a": 1, "b": 1, "c": 2, "d": 2}),
    ("&k a: 1\nb: *k", {"a": 1, "b": "a"}),
    ("b: &k a\n*k : 1", {"b": "a", "a": 1}),
    ("'<<': 1", {"<<": 1}),
    ("a: &x {p: 1, q: 2}\nb:\n  <<: *x\n  q: 3\n", {"a": {"p": 1, "q": 2}, "b": {"p": 1, "q": 3}}),
    ("<<: [{p: 1}, {p: 2, q: 2}]\n<<: {q: 3}\n", {"p": 1, "q": 3}),
    ("---\na: b\n...\n", {"a": "b"}),
    ("%YAML 1.1\n---\na: b\n", {"a": "b"}),
    ("a: b\r\nc: d\r\n", {"a": "b", "c": "d"}),
    ("a: b\rc: d\r", {"a": "b", "c": "d"}),
    ("null", None),
    ("just text", "just text"),
    ("{}", {}),
]


@pytest.mark.parametrize(("text", "value"), VALUES, ids=[text[:40] for text, _ in VALUES])
def test_values(text: str, value: object, parser: str) -> None:
    got = read(text, LIMITS).root
    assert repr(sorted_keys(got)) == repr(sorted_keys(value)), "1, 1.0 and true are equal but not the same"


def test_nan_is_a_number() -> None:
    root = read("[.nan, .NaN]", LIMITS).root
    assert all(math.isnan(value) for value in root)


def test_anchored_containers_are_shared() -> None:
    root = read("a: &x [1]\nb: *x\nc: {<<: &y {d: *x}}\ne: *y", LIMITS).root
    assert root["a"] is root["b"] is root["c"]["d"]


KEYS = [
    ("1: a", {"1": "a"}),
    ("0x10: a", {"16": "a"}),
    ("true: a", {"true": "a"}),
    ("off: a", {"false": "a"}),
    ("~: a", {"null": "a"}),
    ("1.5: a", {"1.5": "a"}),
    (".nan: a", {".nan": "a"}),
]


@pytest.mark.parametrize(("text", "value"), KEYS)
def test_keys_that_are_no_text_become_text_with_a_note(text: str, value: object) -> None:
    document = read(text, LIMITS)
    assert document.root == value
    assert document.notes == [(1, "a key that is a number, boolean or null is taken as text")]


def test_keys_that_look_like_something_else_are_text() -> None:
    document = read("'1': a\n2010-09-09: b\n012345678901: c\n!!str 2: d\n", LIMITS)
    assert document.root == {"1": "a", "2010-09-09": "b", "012345678901": "c", "2": "d"}
    assert document.notes == []


NOTES = [
    ("a: 1\nb: !Foo x", [(2, "the tag !Foo is unknown here, and so is its value")]),
    ("a: !Foo x\nb: !Bar y", [(1, "the tag !Foo is unknown here, and so is its value (and 1 more)")]),
    ("a: !!set {x}", [(1, "the tag !!set is unknown here, and so is its value")]),
    (
        "<<: {a: 1}",
        [(1, "a merge key << is merged here, but CloudFormation does not support merge keys")],
    ),
    ("a: !!str 1", []),
]


@pytest.mark.parametrize(("text", "notes"), NOTES)
def test_notes(text: str, notes: list[tuple[int, str]]) -> None:
    assert read(text, LIMITS).notes == notes


UNREADABLE = [
    ("a: !Foo x", "tag !Foo"),
    ("a: !ref x", "tag !ref"),
    ("a: !Foo {b: !Bar c}", "tag !Foo"),
    ("a: !python/object/apply:os.system [x]", "tag !python/object/apply:os.system"),
    ("%TAG ! tag:elsewhere,2000:\n---\na: !Ref x", "tag tag:elsewhere,2000:Ref"),
    ("a: !<x%1B]0;y%07> 1", "tag x\\x1b]0;y\\x07"),
    ("a: !" + "x" * 100 + " 1", "tag !" + "x" * 59 + "…"),
    ("a: !!binary aGk=", "tag !!binary"),
    ("a: !!timestamp 2010-09-09", "tag !!timestamp"),
    ("a: !!set {x, y}", "tag !!set"),
    ("a: !!omap [x: 1]", "tag !!omap"),
]


@pytest.mark.parametrize(("text", "what"), UNREADABLE)
def test_unknown_tags_are_unknown_values(text: str, what: str) -> None:
    assert read(text, LIMITS).root == {"a": Unreadable(what)}


DUPLICATES = [
    # (text, value of root, duplicates)
    ("a: 1\nb: 2\na: 3\n", {"a": Either((1, 3), (1, 3)), "b": 2}, [Duplicate("a", (1, 3))]),
    ("a: 1\n'a': {b: 2}\na:\n", {"a": Either((1, {"b": 2}, None), (1, 2, 3))}, [Duplicate("a", (1, 2, 3))]),
    ("{a: 1, b: 2, a: 3}", {"a": Either((1, 3), (1, 1)), "b": 2}, [Duplicate("a", (1, 1))]),
    ('{"a": 1,\n "b": {"c": 1, "c": 2},\n "a": 3}',
     {"a": Either((1, 3), (1, 3)), "b": {"c": Either((1, 2), (2, 2))}},
     [Duplicate("c", (2, 2)), Duplicate("a", (1, 3))]),
    ("1: x\n'1': y", {"1": Either(("x", "y"), (1, 2))}, [Duplicate("1", (1, 2))]),
    ("<<: {a: 1}\na: 2\n", {"a": 2}, []),
    ("a: 2\na: 3\n<<: {a: 1}\n", {"a": Either((2, 3), (1, 2))}, [Duplicate("a", (1, 2))]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "root", "duplicates"), DUPLICATES)
def test_duplicate_keys_keep_all_values(text: str, root: object, duplicates: list[Duplicate]) -> None:
    document = read(text, LIMITS)
    assert document.root == root
    assert document.duplicates == duplicates


def test_a_key_repeated_very_often_stays_linear() -> None:
    document = read("a: 1\n" * 50_000, LIMITS)
    assert len(document.root["a"].values) == 50_000
    assert len(document.duplicates[0].lines) == 50_000


JINJA = "looks like a Jinja template: scan what it renders to"
TABS = "indent with spaces, YAML takes no tabs"
INERT = "nothing in a template is ever executed or constructed"
DEEP = "is nested deeper than 64 levels"
MANY = "holds more than 250,000 values, each alias counted as what it stands for"
NO_TOKEN = "found character that cannot start any token"
COMPLEX = "a key must be text, this one is a mapping, a list or tagged"
ESCAPE_IT = "remove it, or write it as an escape in double quotes"
BOMB = 'a: &a ["x","x","x","x","x","x","x","x","x"]\n' + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
BOMB_OF_MAPPINGS = "a: &a {x: 1, y: 2}\n" + "".join(
    f"{name}: &{name} {{{', '.join(f'k{number}: *{before}' for number in range(9))}}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
BOMB_OF_MERGES = (
    "x: &a {"
    + ", ".join(f"k{n}: 1" for n in range(1000))
    + "}\n"
    + "\n".join(f"y{n}: {{<<: *a}}" for n in range(500))
)
CHAIN = "".join(
    f"a{n}: &a{n} " + "[" * 30 + (f"*a{n - 1}" if n else "x") + "]" * 30 + "\n" for n in range(40)
)

REFUSED = [
    # (id, source, message, hint)
    ("010 empty", b"", "is empty", ""),
    ("011 blank", " \n\t\n".replace("\t", ""), "is empty", ""),
    ("011 comment", "# nothing\n", "is empty", ""),
    ("012 only a marker", "---\n", "is empty", ""),
    ("016 two documents", "a: 1\n---\nb: 2\n", "line 2, column 1: holds more than one document", ""),
    ("016 and an empty one", "a: 1\n---\n", "line 2, column 1: holds more than one document", ""),
    ("031 list as key", "? [a]\n: b\n", f"line 1, column 3: {COMPLEX}", ""),
    ("031 mapping as key", "x:\n  ? {a: b}\n  : c\n", f"line 2, column 5: {COMPLEX}", ""),
    ("031 alias as key", "a: &x [1]\n*x : 2\n", f"line 2, column 1: {COMPLEX}", ""),
    ("031 tagged key", "!Ref a: b\n", f"line 1, column 1: {COMPLEX}", ""),
    ("046 recursive list", "a: &x [*x]\n",
     "line 1, column 8: the alias *x stands within its own anchor", ""),
    ("047 recursive mapping", "a: &x\n  b: *x\n",
     "line 2, column 6: the alias *x stands within its own anchor", ""),
    ("047 recursive merge", "a: &x\n  <<: *x\n",
     "line 2, column 7: the alias *x stands within its own anchor", ""),
    ("alias of nothing", "a: *x\n", "line 1, column 4: the alias *x has no anchor before it", ""),
    ("048 alias bomb", BOMB, MANY, ""),
    ("049 alias bomb of mappings", BOMB_OF_MAPPINGS, MANY, ""),
    ("049 merge bomb", BOMB_OF_MERGES, MANY, ""),
    ("049 aliases that add up in depth", CHAIN, f"line 3, column 39: {DEEP}", ""),
    ("052 python tag", "a: !!python/object/apply:os.system [touch x]\n",
     "line 1, column 4: the tag !!python/object/apply:os.system asks for a Python object", INERT),
    ("052 by a directive", "%TAG !p! tag:yaml.org,2002:python/\n---\na: !p!name:os.system x\n",
     "line 3, column 4: the tag !!python/name:os.system asks for a Python object", INERT),
    ("052 verbatim", "a: !<tag:yaml.org,2002:python/tuple> [x]\n",
     "line 1, column 4: the tag !!python/tuple asks for a Python object", INERT),
    ("tag that does not fit", "a: !!int x\n",
     "line 1, column 4: the tag !!int does not fit the value that follows", ""),
    ("tag of another kind", "a: !!str [x]\n",
     "line 1, column 4: the tag !!str does not fit the value that follows", ""),
    ("merge of text", "<<: x\n",
     "line 1, column 1: a merge key << must be followed by a mapping or a list of mappings", ""),
    ("merge of a function", "a:\n  <<: !If [x, {a: b}, {}]\n",
     "line 2, column 3: a merge key << must be followed by a mapping or a list of mappings", ""),
    ("056 tabs", "a:\n\tb: c\n", f"line 2, column 1: {NO_TOKEN}", TABS),
    ("058 Jinja block", "a: 1\n{% if x %}\nb: 2\n{% endif %}\n", f"line 2, column 2: {NO_TOKEN}", JINJA),
    ("058 Jinja block first", "{% if x %}\nb: 2\n{% endif %}\n", f"line 1, column 2: {NO_TOKEN}", JINJA),
    ("058 Jinja value", "a: {{ x }}\n", f"line 1, column 5: {COMPLEX}", JINJA),
    ("058 cookiecutter key", "{{ cookiecutter.name }}: 1\n", f"line 1, column 1: {COMPLEX}", JINJA),
    ("059 truncated", 'a: "b',
     "line 1, column 6: found unexpected end of stream while scanning a quoted scalar", ""),
    ("059 truncated list", "a: [b,\n",
     "line 2, column 1: did not find expected node content while parsing a flow node", ""),
    ("060 deep flow", "[" * 10_000, f"line 1, column 65: {DEEP}", ""),
    ("060 deep flow YAML", "a: " + "{a: " * 10_000, f"line 1, column 256: {DEEP}", ""),
    ("061 deep JSON", '{"a":' * 100_000, f"line 1, column 321: {DEEP}", ""),
    ("062 deep block", "\n".join(" " * n + "a:" for n in range(900)), f"line 65, column 65: {DEEP}", ""),
    ("063 deep functions", "a: " + "!Join ['', [" * 300, f"line 1, column 256: {DEEP}", ""),
    ("064 deep lists", "- " * 3_000, f"line 1, column 129: {DEEP}", ""),
    ("too many items", "a: [" + "1," * 250_001 + "]", MANY, ""),
    ("too many in JSON", "[" + "1," * 250_000 + "1]", "holds more than 250,000 values", ""),
    ("too many keys", "{" + "a," * 250_001 + "}", MANY, ""),
    ("too many directives", "%TAG !a! tag:x,2000:\n" * 101 + "---\na: b",
     "holds more than 100 %TAG directives", ""),
    ("071 comment in JSON", '{"a": 1,\n// no\n"b": 2}', "line 3, column 4: did not find expected ',' or '}'"
     " while parsing a flow mapping that begins in line 1", ""),
    ("073 truncated JSON", '{"a": {"b": 1',
     "line 2, column 1: did not find expected ',' or '}' while parsing a flow mapping that begins in line 1",
     ""),
    ("074 two JSON values", '{"a": 1}\n{"b": 2}',
     "line 2, column 1: more text follows the end of the JSON value", ""),
    ("075 half a character", '{"a": "\\ud800"}',
     "line 1, column 10: found invalid Unicode character escape code while parsing a quoted scalar", ""),
    ("083 UTF-16 without BOM", "a: 1".encode("utf-16-le"), "holds a NUL character at byte 1",
     "looks like UTF-16 without a byte order mark: save the file as UTF-8"),
    ("083 big-endian", "a: 1".encode("utf-16-be"), "holds a NUL character at byte 0",
     "looks like UTF-16 without a byte order mark: save the file as UTF-8"),
    ("084 latin-1", b"a: caf\xe9\n", "is not UTF-8 at byte 6 (0xe9)", "save the file as UTF-8"),
    ("085 bad UTF-8", b"a: \xc3(\n", "is not UTF-8 at byte 3 (0xc3)", "save the file as UTF-8"),
    ("085 bad UTF-16", b"\xff\xfea\0:", "is not UTF-16 at byte 4 (0x3a)", "save the file as UTF-8"),
    ("086 NUL", b"a: b\0c\n", "holds a NUL character at byte 4", "the file is binary or damaged"),
    ("086 NUL in UTF-16", "a: b\0".encode("utf-16"), "holds a NUL character at byte 10",
     "the file is binary or damaged"),
    ("087 noise", bytes(range(200, 0, -1)), "is not UTF-8 at byte 0 (0xc8)", "save the file as UTF-8"),
    ("088 gzip", b"\x1f\x8b\x08\0\0", "is compressed (gzip), not text", "unpack it first"),
    ("089 escape", "a: \x1b[31m\n", "line 1, column 4: the character U+001B is not allowed", ESCAPE_IT),
    ("089 bell", "a: b\nc: d\x07\n", "line 2, column 5: the character U+0007 is not allowed", ESCAPE_IT),
    ("089 surrogate", "a: \udcff\n", "line 1, column 4: the character U+DCFF is not allowed", ESCAPE_IT),
    ("091 hostile names", 'a: *b', "line 1, column 4: the alias *b has no anchor before it", ""),
]  # fmt: skip


def many(name: str) -> Any:
    """Tracing a quarter of a million values makes most of the time of these, and a few cover as much."""
    return pytest.mark.no_cover if name.startswith("too many") else ()


@pytest.mark.parametrize(
    ("source", "message", "hint"), [pytest.param(*row[1:], id=row[0], marks=many(row[0])) for row in REFUSED]
)
def test_refused_with_place_and_reason(source: str | bytes, message: str, hint: str) -> None:
    fault = refusal(source)
    assert (str(fault), fault.hint) == (message, hint)
    assert str(fault).isprintable()


PURE = [row for row in REFUSED if isinstance(row[1], str) and not row[0].startswith(("06", "07", "too many"))]


@pytest.mark.parametrize("source", [row[1] for row in PURE], ids=[row[0] for row in PURE])
def test_refused_without_libyaml_too(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_reader, "Parser", yaml.SafeLoader)
    assert str(refusal(source)).isprintable()


ACCEPTED = [
    # (id, source, root): odd, but CloudFormation or a YAML reader takes it
    ("050 a long text and many aliases",
     "a: &x '" + "x" * 100_000 + "'\nb: [" + ",".join(["*x"] * 20_000) + "]",
     {"a": "x" * 100_000, "b": ["x" * 100_000] * 20_000}),
    ("070 trailing comma", '{"a": 1, "b": [2,],}', {"a": 1, "b": [2]}),
    ("072 NaN in JSON", '{"a": NaN, "b": -Infinity}', {"a": "NaN", "b": "-Infinity"}),
    ("080 BOM", b"\xef\xbb\xbfa: 1", {"a": 1}),
    ("081 BOM and JSON", b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
    ("082 UTF-16", "a: é".encode("utf-16"), {"a": "é"}),
    ("082 UTF-16 big-endian", b"\xfe\xff" + "a: 😀".encode("utf-16-be"), {"a": "😀"}),
    ("111 a long text", "a: " + "x" * 4_000_000, {"a": "x" * 4_000_000}),
    ("a long key", '{"' + "x" * 100_000 + '": 1}', {"x" * 100_000: 1}),
    ("surrogate pair", r'{"a": "\ud83d\ude00\/\u0007"}', {"a": "😀/\a"}),
    ("JSON with tabs", '{\n\t"a":\t1\n}', {"a": 1}),
    ("JSON with a raw tab in a text", '{"a": "b\tc"}', {"a": "b\tc"}),
    ("JSON with DEL", '{"a": "\x7f"}', {"a": "\x7f"}),
    ("63 levels of JSON and one", "[" * 64 + "]" * 64, None),
    ("an escape in double quotes", 'a: "\\e[31m"', {"a": "\x1b[31m"}),
    ("resolve is no Jinja", "a: '{{resolve:ssm:x}}'", {"a": "{{resolve:ssm:x}}"}),
]  # fmt: skip


@pytest.mark.parametrize(("source", "root"), [row[1:] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED])
def test_accepted(source: str | bytes, root: object) -> None:
    got = read(decode(source) if isinstance(source, bytes) else source, LIMITS).root
    assert root is None or got == root


def test_limits_can_be_raised_and_lowered() -> None:
    assert refusal("a: [1, 2]", Limits(nodes=3)).what.startswith("holds more than 3 values")
    assert read("a: [1, 2]", Limits(nodes=4)).root == {"a": [1, 2]}
    assert refusal("a: [[x]]", Limits(depth=2)).what == "is nested deeper than 2 levels"
    assert refusal('{"a": [[1]]}', Limits(depth=2)).what == "is nested deeper than 2 levels"
    assert refusal("a: !Not [x]", Limits(depth=2)).what == "is nested deeper than 2 levels"
    for text in ("[" * 100_000, "- " * 100_000):
        assert "levels" in refusal(text, Limits(depth=10**9)).what


def test_reading_stops_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    events = 0

    class Counting:
        def __init__(self, text: str) -> None:
            self.parser = yaml.SafeLoader(text)

        def get_event(self) -> object:
            nonlocal events
            events += 1
            return self.parser.get_event()

    monkeypatch.setattr(yaml_reader, "Parser", Counting)
    for text in ("- 1\n" * 5_000, "a: 1\n" * 5_000, "x: [[[" + "1," * 5_000 + "]]]"):
        events = 0
        with pytest.raises(ReadError):
            read(text, Limits(nodes=100))
        assert events < 220


def entries(document: Document) -> Iterator[tuple[Any, tuple[int, int]]]:
    """Every key and item with its place."""
    pending, seen = [document.root], set()
    while pending:
        node = pending.pop()
        if id(node) in seen or not isinstance(node, dict | list):
            continue
        seen.add(id(node))
        marks = document.marks[id(node)]
        assert len(marks) == len(node)
        for key in node if isinstance(node, dict) else range(len(node)):
            pending.append(node[key])
            yield (key if isinstance(node, dict) else node[key]), marks[key]


PLACED = """\
First: one
Second:
  - two
  -   three
  - Key: four
    'Quoted': five
Long: !Sub
  - six
  - {Seven: 7}
Short: !GetAtt A.B
Merged:
  <<: {Eight: 8}
Flow: {Nine: 9, "Ten": [ten]}
"""


def test_places_in_yaml(parser: str) -> None:
    document = read(PLACED, LIMITS)
    places = {key: place for key, place in entries(document) if isinstance(key, str)}
    assert places == {
        "First": (1, 1),
        "Second": (2, 1),
        "two": (3, 5),
        "three": (4, 7),
        "Key": (5, 5),
        "Quoted": (6, 5),
        "Long": (7, 1),
        "Fn::Sub": (7, 7),
        "six": (8, 5),
        "Seven": (9, 6),
        "Short": (10, 1),
        "Fn::GetAtt": (10, 8),
        "A": (10, 8),
        "B": (10, 8),
        "Merged": (11, 1),
        "Eight": (12, 8),
        "Flow": (13, 1),
        "Nine": (13, 8),
        "Ten": (13, 17),
        "ten": (13, 25),
    }


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_places_with_every_line_ending(ending: str) -> None:
    for text in ("a: 1\nb:\n  - x\n", '{"a": 1,\n"b": [\n  "x"]}'):
        document = read(text.replace("\n", ending), LIMITS)
        assert document.marks[id(document.root)]["b"] == (2, 1)
        assert document.marks[id(document.root["b"])] == [(3, 5 if text[0] == "a" else 3)]


_text = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text, inner, max_size=4),
    max_leaves=20,
)


@given(value=_json, indent=st.sampled_from([None, 0, 1, 3]), ascii_only=st.booleans(), tight=st.booleans())
def test_json_reads_as_json_loads_does(value: Any, indent: int | None, ascii_only: bool, tight: bool) -> None:
    separators = (",", ":") if tight else None
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only, separators=separators)
    document = read_json(text, LIMITS)
    assert repr(document.root) == repr(json.loads(text))
    lines = re.split(r"\r\n|\r|\n", text)
    for key, (line, column) in entries(document):
        rest = "\n".join([lines[line - 1][column - 1 :], *lines[line:]])
        assert repr(json.JSONDecoder().raw_decode(rest)[0]) == repr(key)


_plain = st.sampled_from(
    [
        "yes",
        "No",
        "on",
        "null",
        "~",
        "1",
        "-1",
        "0x1f",
        "0b1",
        "017",
        "08",
        "1_0",
        "1.5",
        ".5",
        "1e3",
        "1.0e+3",
        ".inf",
        "22:22",
        "a",
        "Type",
        "Name",
        "-",
        ".",
        "+",
        "=",
        "x:y",
        "0.0.0.0/0",
    ]
) | st.from_regex(r"[-+.0-9a-fxob_:eE]{1,8}", fullmatch=True)
_node = st.recursive(
    _plain.map(lambda text: ("plain", text)) | _text.map(lambda text: ("text", text)),
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: ("list", items))
        | st.dictionaries(st.text("abYesNo01.-", min_size=1, max_size=4), inner, max_size=4).map(
            lambda pairs: ("map", pairs)
        )
    ),
    max_leaves=20,
)


def written(node: tuple[str, Any], flow: bool, indent: int = 0) -> str:
    """YAML text of a generated node."""
    kind, body = node
    if kind == "plain":
        return str(body)
    if kind == "text":
        return json.dumps(body)
    if flow or not body:
        if kind == "list":
            return "[" + ", ".join(written(item, True) for item in body) + "]"
        return "{" + ", ".join(f'"{key}": {written(item, True)}' for key, item in body.items()) + "}"
    lead = "\n" + "  " * indent
    if kind == "list":
        return "".join(f"{lead}- {written(item, flow, indent + 1)}" for item in body)
    return "".join(f'{lead}"{key}": {written(item, flow, indent + 1)}' for key, item in body.items())


def without_dates(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_dates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_dates(item) for item in value]
    return "a date" if isinstance(value, datetime.date) else value


def has_text_keys(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and has_text_keys(child) for key, child in value.items())
    return all(map(has_text_keys, value)) if isinstance(value, list) else True


@settings(max_examples=300)
@given(node=_node, flow=st.booleans())
def test_yaml_reads_as_the_safe_loader_does(node: tuple[str, Any], flow: bool) -> None:
    text = written(node, flow)
    try:
        expected = yaml.load(text, yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError, IndexError, OverflowError):
        return
    if expected is None and text.strip() in ("", "---"):
        return
    if not has_text_keys(expected):  # "0:" alone is a mapping; keys that are no text have tests of their own
        return
    got = read(text, LIMITS).root
    if without_dates(expected) == expected and text.lstrip()[:1] not in ("{", "["):
        assert repr(got) == repr(expected)


def message(action: Callable[[], object]) -> str:
    """What an action is refused with, or nothing; any other exception is a defect."""
    try:
        action()
    except ReadError as fault:
        return str(fault)
    return ""


@given(text=st.text(st.sampled_from(list("ab1: -\n\t'\"[]{},&*!|>?%#<~=\\.{é\x07")), max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    assert message(lambda: read(text, LIMITS)).isprintable()


@given(data=st.binary(max_size=40))
def test_any_bytes_are_decoded_or_refused(data: bytes) -> None:
    assert message(lambda: decode(data)).isprintable()


def decoded_by_cfn_lint(path: Path) -> Any:
    """What cfn-lint reads from a file, as plain data; None where it refuses the file."""
    from cfnlint.decode import decode as cfn_lint_decode

    logging.disable(logging.CRITICAL)
    try:
        template, _ = cfn_lint_decode(str(path))
    except (TypeError, AttributeError):
        return None  # it trips over some of its own errors
    finally:
        logging.disable(logging.NOTSET)
    return None if template is None else plain(template)


def plain(value: Any) -> Any:
    """cfn-lint's nodes as the reader's values."""
    if isinstance(value, dict):
        return {key_as_text(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str):
        return str(value)
    if isinstance(value, datetime.date):
        return "a date"
    return value


def key_as_text(key: Any) -> str:
    if isinstance(key, datetime.date):
        return "a date"
    return str(key) if not isinstance(key, bool) else str(key).lower()


def with_dates_hidden(value: Any, dated: Any) -> Any:
    """The reader's value with its text replaced where cfn-lint makes a date of it."""
    if isinstance(value, dict) and isinstance(dated, dict):
        return {key: with_dates_hidden(item, dated.get(key)) for key, item in value.items()}
    if isinstance(value, list) and isinstance(dated, list):
        return [with_dates_hidden(*pair) for pair in zip(value, dated, strict=False)]
    return dated if dated == "a date" and isinstance(value, str) and re.match(r"\d{4}-\d", value) else value


def unknowns(value: Any) -> bool:
    """Whether a value holds an unknown tag, of which cfn-lint makes a function."""
    if isinstance(value, dict):
        return any(map(unknowns, value.values()))
    if isinstance(value, list):
        return any(map(unknowns, value))
    return isinstance(value, Unreadable)


DIFFERENTIAL = [text for text, _ in VALUES if len(text) < 1_000 and text != "null"] + [
    PLACED,
    "AWSTemplateFormatVersion: 2010-09-09\nResources:\n  A:\n    Type: AWS::S3::Bucket\n",
    "Resources: {A: {Type: 'AWS::SNS::Topic', Properties: {TopicName: !Sub '${AWS::StackName}-x'}}}",
    "A: !FindInMap [M, !Ref R, K]\nB: !Select [0, !GetAZs '']\nC: !Cidr [!GetAtt V.CidrBlock, 6, 8]\n",
    "A: !Equals [!Ref E, prod]\nB: !And [!Condition A, !Not [!Condition C]]\nC: !Or [!Condition A]",
    "M: {us-east-1: {'123': a}}\nN: {12: b}\n",
    '{"Resources": {"A": {"Type": "T", "DependsOn": ["B", "C"], "N": [1, -2.5, true, null]}}}',
]


@pytest.mark.parametrize("text", DIFFERENTIAL, ids=[text[:40] for text in DIFFERENTIAL])
def test_reads_what_cfn_lint_reads(text: str, tmp_path: Path) -> None:
    path = tmp_path / "template"
    path.write_text(text, encoding="utf-8", newline="")
    theirs = decoded_by_cfn_lint(path)
    if theirs is None:
        pytest.skip("cfn-lint refuses this text")
    ours = with_dates_hidden(read(text, LIMITS).root, theirs)
    assert repr(sorted_keys(ours)) == repr(sorted_keys(theirs))


def sorted_keys(value: Any) -> Any:
    """Merged keys stand elsewhere: order is no part of the data."""
    if isinstance(value, dict):
        return {key: sorted_keys(value[key]) for key in sorted(value)}
    return [sorted_keys(item) for item in value] if isinstance(value, list) else value


@pytest.mark.corpus
@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real templates is not beside the project")
def test_reads_what_cfn_lint_reads_in_the_corpus() -> None:
    compared = 0
    for path in sorted(CORPUS.glob("cfn_*/*")):
        theirs = decoded_by_cfn_lint(path)
        if theirs is None:
            continue
        document = read(decode(path.read_bytes()), LIMITS)
        if unknowns(document.root):
            continue
        compared += 1
        ours = with_dates_hidden(document.root, theirs)
        assert repr(sorted_keys(ours)) == repr(sorted_keys(theirs)), path.name
    assert compared > 1_000


def test_no_tag_runs_anything(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    refusal(f"a: !!python/object/apply:os.system ['touch {canary}']")
    read(f"a: !python/object/apply:os.system ['touch {canary}']", LIMITS)
    assert not canary.exists()
