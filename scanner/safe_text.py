"""The one place where text written by someone else is made inert for the medium it goes to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

LIMIT = 300
"""Characters of one piece of untrusted text that a person is shown."""

_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def inert(text: str, limit: int = LIMIT) -> str:
    """One line of text that can do nothing but be read, at most `limit` characters long.

    Everything unprintable (controls, escapes, bidirectional marks, line separators, zero-width and other
    invisible characters) becomes a visible escape such as `\\x1b` or `\\u202e`; a byte of a file name that
    is no UTF-8 becomes `\\xff`. What a CI system would take for a command becomes `\\x3a:` or `#\\x23`.
    """
    if len(text) <= limit and text.isprintable():
        return _defuse(text) if "::" in text or "##" in text else text
    if text[: limit + 1].isprintable():
        return _defuse(text[:limit]) + "…"
    pieces: list[str] = []
    room = limit
    for character in text[: limit + 1]:
        piece = character if character.isprintable() else _escape(character)
        room -= len(piece)
        if room < 0:
            break
        pieces.append(piece)
    shown = _defuse("".join(pieces))
    return shown + "…" if room < 0 else shown


def inert_lines(text: str, limit: int = 4_000) -> str:
    """Like `inert`, with the line breaks kept; for formats in which a line break is only data."""
    return "\n".join(inert(line.rstrip(), limit) for line in text[:limit].strip().split("\n"))


def markdown(text: str, limit: int = LIMIT) -> str:
    """Like `inert`, for a place in a Markdown text: no markup, HTML, link, mention or list comes of it."""
    import re

    escaped = re.sub(r"[\\`*_{}\[\]<>#!|~&@$]|:(?=//)|(?<=www)\.", r"\\\g<0>", inert(text, limit), flags=re.I)
    return re.sub(r"^(\s*\d*)([-+=.)])", r"\1\\\2", escaped)


def to_json(value: Any, indent: int | None = None) -> str:
    """ASCII JSON, one line without `indent`, that reads back as `value`, whatever the strings in it hold.

    Lone surrogates, which strict readers refuse, come back as the visible escapes `inert` uses.
    """
    import json

    source = json.dumps(value, indent=indent)
    if "\\ud" in source:
        source = json.dumps(_without_surrogates(value), indent=indent)
    # CI systems find "##[" and "##vso[" anywhere in a line; json.dumps leaves DEL as it is.
    return source.replace("##", "#\\u0023").replace("\x7f", "\\u007f")


def json_items(items: Iterable[Any]) -> Iterator[str]:
    """The items of a JSON list between its brackets, each on a line of its own, as they come."""
    separator = "\n"
    for item in items:
        yield separator + to_json(item)
        separator = ",\n"


def _defuse(text: str) -> str:
    """Workflow commands start a line with `::` after any spaces, or hold `##[` or `##word[` anywhere."""
    text = text.replace(" ::", " \\x3a:").replace("##", "#\\x23")
    return "\\x3a" + text[1:] if text.startswith("::") else text


def _escape(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python carries a byte that is no UTF-8
        code -= 0xDC00
    if character in _NAMED:
        return _NAMED[character]
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return "".join(_escape(c) if "\ud800" <= c <= "\udfff" else c for c in value)
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    return value
