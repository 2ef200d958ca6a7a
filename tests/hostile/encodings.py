"""Bytes that are no plain UTF-8 text."""

from __future__ import annotations

import gzip
import random

from tests.hostile.case import IN_JSON, JSON, YAML, Case, access, bad

BOMBED = YAML.encode()


ENCODINGS = [
    Case("080 BOM in YAML", b"\xef\xbb\xbf" + BOMBED, bad()),
    Case("081 BOM in JSON", b"\xef\xbb\xbf" + JSON.encode(), IN_JSON, name="case.json"),
    Case("082 UTF-16", YAML.encode("utf-16"), bad()),
    Case("082 UTF-16 big-endian", b"\xfe\xff" + YAML.encode("utf-16-be"), bad()),
    Case("082 UTF-16 JSON", JSON.encode("utf-16"), IN_JSON, name="case.json"),
    Case("083 UTF-16 without BOM", YAML.encode("utf-16-le"), gaps=["holds a NUL character at byte 1"]),
    Case("083 UTF-32", YAML.encode("utf-32"), gaps=["holds a NUL character at byte 2"], walked="skipped"),
    Case("084 latin-1", BOMBED + b"# caf\xe9\n", gaps=["is not UTF-8 at byte 199 (0xe9)"]),
    Case("085 bad UTF-8", BOMBED + b"X: \xc3(\n", gaps=["is not UTF-8 at byte 197 (0xc3)"]),
    Case("085 overlong UTF-8", BOMBED + b"X: \xc0\xaf\n", gaps=["is not UTF-8 at byte 197 (0xc0)"]),
    Case("086 NUL", BOMBED + b"X: a\0b\n", gaps=["holds a NUL character at byte 198"]),
    Case("086 NUL at the end", BOMBED + b"\0", gaps=["holds a NUL character at byte 194"]),
    Case(
        "087 noise",
        random.Random(5).randbytes(10_000),
        gaps=["holds a NUL character at byte 100"],
        walked="skipped",
    ),
    Case(
        "088 gzip", gzip.compress(BOMBED, mtime=0), gaps=["is compressed (gzip), not text"], walked="skipped"
    ),
    Case("089 control characters", f"{YAML}X: \x1b[31m\n", gaps=["8:4 the character U+001B is not allowed"]),
    Case("089 control characters as escapes", f'{YAML}X: "\\e[31m\\0\\x07"\n', bad()),
    Case(
        "091 hostile logical id",
        YAML.replace("Bad:", '"\\e]0;x\\a\\n::error file=a::P":'),
        [
            "notebook-direct-internet \x1b]0;x\x07\n::error file=a::P 7:7",
            "volume-kms-key \x1b]0;x\x07\n::error file=a::P 4:5",
        ],
    ),
    Case("089 line separators", YAML.replace("\n", "\u2028"), bad()),
    Case("089 next line", YAML.replace("\n", "\x85"), bad()),
    Case("a byte order mark within", access("Ena\ufeffbled"), bad()),
    Case(
        "bidi marks in a value",
        access("'Enabled\u202e'"),
        ["notebook-direct-internet Bad 7:7", "volume-kms-key Bad 4:5"],
    ),
]
