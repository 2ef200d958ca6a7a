"""Which words code holds: enough to see that it can't ask for anything, without following it."""

from __future__ import annotations

import re
from unicodedata import normalize

_WORD = re.compile(r"\w+")


class Wording:
    """What one piece of code says, or several of one name together."""

    __slots__ = ("creates", "size", "words", "yields")

    def __init__(self, text: str) -> None:
        self.size = 0
        self.words: set[str] = set()
        """As Python reads them."""
        self.creates = False
        self.yields = False
        self.add(text)

    def add(self, text: str) -> None:
        """More code of the same name, as methods of several classes have one."""
        self.size += len(text)
        self.words.update(_WORD.findall(text if text.isascii() else normalize("NFKC", text)))
        self.creates |= "create_" in text
        self.yields |= "yield" in text
