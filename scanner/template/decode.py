"""Bytes of a file to text: byte order marks, UTF-16, and where a byte does not belong."""

from __future__ import annotations

import codecs

from scanner.template.document import ReadError

_SAVE = "save the file as UTF-8"
_WIDE = f"looks like UTF-16 without a byte order mark: {_SAVE}"
_BINARY = "the file is binary or damaged"


def decode(data: bytes) -> str:
    """The text of a template file; raises ReadError naming the first byte (from 0) that is no text."""
    encoding, start = "utf-8", 0
    if data.startswith(codecs.BOM_UTF8):
        start = 3
    elif data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding, start = "utf-16-le" if data[0] == 0xFF else "utf-16-be", 2
    if data.startswith(b"\x1f\x8b"):
        raise ReadError("is compressed (gzip), not text", hint="unpack it first")
    if encoding == "utf-8" and b"\0" in data:
        wide = b"\0" in data[:4] and data.count(0) * 3 > len(data)
        raise ReadError(f"holds a NUL character at byte {data.index(0)}", hint=_WIDE if wide else _BINARY)
    try:
        text = data[start:].decode(encoding) if start else data.decode()
    except UnicodeDecodeError as fault:
        at = fault.start + start
        name = "UTF-8" if encoding == "utf-8" else "UTF-16"
        raise ReadError(f"is not {name} at byte {at} (0x{data[at]:02x})", hint=_SAVE) from None
    if "\0" in text:
        at = start + len(text[: text.index("\0")].encode(encoding))
        raise ReadError(f"holds a NUL character at byte {at}", hint=_BINARY)
    return text


def encode(text: str, like: bytes) -> bytes:
    """The bytes of a text in the encoding, and with the byte order mark, of a file that was decoded."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if like.startswith(mark):
            return mark + text.encode(encoding)
    return text.encode()
