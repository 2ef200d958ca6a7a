"""What partly known text may become, and which patterns are safe to match."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.template.parameter import declare
from scanner.value import Opaque, Part, Partial, ask_equals, assemble

PIECES = st.one_of(st.text("ab", max_size=3), st.just(Opaque("x")))


@given(st.lists(PIECES, min_size=1, max_size=6), st.text("ab", max_size=8))
def test_a_text_fits_as_a_regular_expression_would_say(parts: list[Part], text: str) -> None:
    partial = assemble([Opaque("y"), *parts] if all(isinstance(part, str) for part in parts) else parts)
    assert isinstance(partial, Partial)
    shape = "".join(re.escape(part) if isinstance(part, str) else ".*" for part in partial.parts)
    may_be = ask_equals(text).literal(partial.parts) is None
    assert may_be == (re.fullmatch(shape, text, re.DOTALL) is not None)


SAFE = [
    (r"^[a-zA-Z][a-zA-Z0-9-]*$", "Disabled", "9"),
    (r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/.+", "arn:aws:kms:eu-west-1:123456789012:key/x", ""),
    (r"(?:dev|prod)", "prod", "test"),
    (r"subnet-[0-9a-f]{8,17}", "subnet-0a1b2c3d", "x"),
    (r"[(*+{]", "*", "a"),
    (r"\(a\)\*", "(a)*", "a"),
    (r"[]a]*", "]]", "b"),
]


@pytest.mark.parametrize(("pattern", "allowed", "refused"), SAFE, ids=[row[0] for row in SAFE])
def test_safe_patterns_rule_texts_out(pattern: str, allowed: str, refused: str) -> None:
    parameter = declare("P", {"Type": "String", "AllowedPattern": pattern})
    assert parameter.allows(allowed)
    assert not parameter.allows(refused)


UNSAFE = [
    *("(a+)+b", "((a*)a)*b", "(a|a)*b", "(a?){50}a{50}", "(?=(a+)+b)a", r"(a*)\1b", "a*" * 30 + "b"),
    *("(a|a)" * 40 + "b", "a?" * 100 + "b", "(((a{1000}){1000}){1000}){1000}", "(?:(?:){9999}){9999}b"),
    *("a" * 501, "(((", ")", "a{99999999999}"),
]


@pytest.mark.parametrize("pattern", UNSAFE, ids=[pattern[:20] for pattern in UNSAFE])
def test_unsafe_patterns_rule_nothing_out(pattern: str) -> None:
    assert declare("P", {"Type": "String", "AllowedPattern": pattern}).allows("a" * 60 + "!")
