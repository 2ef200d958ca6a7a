"""Text in the columns of a terminal: how many it takes, and where it is broken."""

from __future__ import annotations


def width(text: str) -> int:
    """Columns that `text` takes on a terminal."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    columns = 0
    for character in text:
        if category(character) not in ("Mn", "Me"):
            columns += 2 if east_asian_width(character) in "WF" else 1
    return columns


def wrap(text: str, columns: int) -> list[str]:
    """`text` in lines of at most `columns`, broken at spaces, and at the dots of a path that is longer."""
    if len(text) <= columns and width(text) <= columns:
        return [text]
    lines: list[str] = []
    if text.isascii() and "  " not in text:
        # One column a character, one space between words: what most text is, and what needs no count.
        while len(text) > columns:
            cut = text.rfind(" ", 0, columns + 1)
            if cut <= 0:
                break
            lines.append(text[:cut])
            text = text[cut + 1 :]
        else:
            return [*lines, text]
    line, used = "", 0
    for word in (piece for each in text.split() for piece in _pieces(each, columns)):
        size = width(word)
        if line and used + 1 + size > columns:
            lines.append(line)
            line, used = word, size
        else:
            line, used = (f"{line} {word}", used + 1 + size) if line else (word, size)
    return [*lines, line]


def _pieces(word: str, columns: int) -> list[str]:
    """A word that is too long for a line, taken apart behind its dots."""
    if len(word) <= columns or "." not in word:
        return [word]
    pieces = [""]
    # Not where the next line would begin with `::`, as a workflow command does.
    for part in word.replace(".", ".\n").replace(".\n:", ".:").split("\n"):
        if pieces[-1] and len(pieces[-1]) + len(part) > columns:
            pieces.append("")
        pieces[-1] += part
    return [piece for piece in pieces if piece]
