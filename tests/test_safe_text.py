from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.columns import width, wrap
from scanner.safe_text import inert, inert_lines, markdown, to_json

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)
COMMANDS = st.sampled_from(
    ["::error::x", "##[command]x", "##vso[task.setvariable]x", "#", ":", " ", "[", "\x1b[31m"]
)
HOSTILE = st.lists(ANY_TEXT | COMMANDS, max_size=8).map("".join)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("AWS::SageMaker::Model", "AWS::SageMaker::Model"),
        ("größe 日本語", "größe 日本語"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x00\x7f\x9b", "\\x00\\x7f\\x9b"),
        ("abc\u202ednuob\u2066x\u200f", "abc\\u202ednuob\\u2066x\\u200f"),
        ("line\u2028and\u2029paragraph", "line\\u2028and\\u2029paragraph"),
        ("zero\u200bwidth\u00a0", "zero\\u200bwidth\\xa0"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("na\udcefve.yaml", "na\\xefve.yaml"),
        ("\ud800 alone", "\\ud800 alone"),
        ("::error::x", "\\x3a:error::x"),
        ("see ::error::x", "see \\x3a:error::x"),
        ("x ##[error]y", "x #\\x23[error]y"),
        ("##vso[task.setvariable]y", "#\\x23vso[task.setvariable]y"),
        ("### heading", "#\\x23# heading"),
    ],
)
def test_inert(text: str, shown: str) -> None:
    assert inert(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("KmsKeyId is 'x' (AWS::KMS::Key), 1.5 at most.", "KmsKeyId is 'x' (AWS::KMS::Key), 1.5 at most."),
        ("<b>*a* _b_ `c` ~d~ &lt; a|b", "\\<b\\>\\*a\\* \\_b\\_ \\`c\\` \\~d\\~ \\&lt; a\\|b"),
        ("![a](http://b) www.c d@e #1", "\\!\\[a\\](http\\://b) www\\.c d\\@e \\#1"),
        ("- a", "\\- a"),
        ("12. a", "12\\. a"),
        ("===", "\\==="),
        ("\x1b[1m\n# x", "\\\\x1b\\[1m\\\\n\\# x"),
    ],
)
def test_markdown(text: str, shown: str) -> None:
    assert markdown(text) == shown


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [("abcdef", 6, "abcdef"), ("abcdefg", 6, "abcdef…"), ("\x1b\x1b\x1b", 9, "\\x1b\\x1b…"), ("", 3, "")],
)
def test_inert_is_bounded(text: str, limit: int, shown: str) -> None:
    assert inert(text, limit) == shown


@given(HOSTILE)
def test_inert_is_printable_and_starts_no_command(text: str) -> None:
    shown = inert(text)
    assert shown.isprintable()
    assert "##" not in shown
    assert not any(word.startswith("::") for word in shown.split(" "))
    assert inert(shown, 10_000) == shown


def test_inert_lines_keeps_breaks_only() -> None:
    assert inert_lines("one \n\n\x1btwo\u2028more\n") == "one\n\n\\x1btwo\\u2028more"


@given(
    st.recursive(ANY_TEXT | st.integers() | st.none() | COMMANDS, lambda inner: st.lists(inner), max_leaves=5)
)
def test_json_reads_back(value: object) -> None:
    source = to_json(value)
    assert source.isascii()
    assert source.isprintable()
    assert "##" not in source
    if "\\ud" not in source:
        assert json.loads(source) == value
    json.loads(source).__repr__().encode()  # no lone surrogate is left


@pytest.mark.parametrize(
    ("text", "read"),
    [("\udcff.yaml", "\\xff.yaml"), ("\ud83d", "\\ud83d"), ("😀", "😀"), ("##[x]\x7f", "##[x]\x7f")],
)
def test_json_has_no_lone_surrogate(text: str, read: str) -> None:
    assert json.loads(to_json({text: [text]})) == {read: [read]}


@pytest.mark.parametrize(
    ("text", "columns"), [("", 0), ("abc", 3), ("日本", 4), ("e\u0301", 1), ("\uff46", 2), ("größe", 5)]
)
def test_width(text: str, columns: int) -> None:
    assert width(text) == columns


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("one two", ["one two"]),
        ("one two three", ["one two", "three"]),
        ("customer-managed-kms-key is it", ["customer-managed-kms-key", "is it"]),
        ("日本 日本 日本", ["日本 日本", "日本"]),
        ("0123456.::error::x", ["0123456.::error::x"]),
    ],
)
def test_wrap(text: str, lines: list[str]) -> None:
    assert wrap(text, 10) == lines


@given(st.text(alphabet="ab 日", max_size=80), st.integers(1, 30))
def test_wrap_loses_no_word(text: str, columns: int) -> None:
    lines = wrap(text, columns)
    assert " ".join(lines).split() == text.split()
    assert all(width(line) <= columns or " " not in line.strip() for line in lines)


def test_width_counts_no_more_than_two_columns_a_character() -> None:
    text = "".join(map(chr, range(0x20, 0x3000, 7)))
    assert 0 <= width(text) <= 2 * len(text)
    assert unicodedata.category("\u0301") == "Mn"
