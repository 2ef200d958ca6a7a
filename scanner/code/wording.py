"""Which words code holds: enough to see that it can't ask for anything, without following it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from scanner.code.value import Bound, Box, Choice, Symbol

if TYPE_CHECKING:
    from scanner.code.run import Run

CALLABLE = frozenset([Bound, Box, Choice, Symbol])
"""What may be called, or hold what may."""
ASKING = ("create_", "update_")
"""How the methods of a client begin that ask for something."""
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
        self.creates |= any(verb in text for verb in ASKING)
        self.yields |= "yield" in text


def asking(run: Run, value: Any) -> bool:
    """May something be asked for by calling a value, or something that it holds?"""
    held: Any = value[2:] if type(value) is Choice else [value]
    if type(value) is Box and value.kind in ("dict", "list"):
        held = run.held_by(value)
    for each in held:
        if type(each) is Bound or (type(each) is Symbol and each.name.rpartition(".")[2] in run.table):
            return True
    return False


class Speech:
    """What the functions of a file say."""

    def __init__(self) -> None:
        self.functions: dict[str, Wording] = {}
        self._statements: dict[tuple[int, int, int], Wording] = {}
        self._asking: set[str] = set()
        """Functions that are known to ask for something."""
        self._silent: set[str] = set()
        """Those that don't, as long as no function is made of which they speak."""
        self._unmet: set[str] = set()
        """Their words."""

    def define(self, name: str, text: str) -> None:
        """Take down what a function of the file says."""
        if name in self.functions:
            self.functions[name].add(text)
        else:
            self.functions[name] = Wording(text)
        if name in self._unmet:
            self._silent.clear()
            self._unmet.clear()

    def alias(self, name: str) -> None:
        """Take down another name of what asks for something."""
        self._asking.add(name)
        if name in self._unmet:
            self._silent.clear()
            self._unmet.clear()

    def said(self, cell: Any, node: Any) -> Wording:
        """What a statement of a cell says."""
        key = id(cell), node.lineno, node.end_lineno
        if key not in self._statements:
            self._statements[key] = Wording(cell.part(node))
        return self._statements[key]

    def asks(self, said: Wording, words: frozenset[str]) -> tuple[bool, int]:
        """Has code one of `words`, by itself or through functions of the file? And the work it took."""
        speakers: dict[str, str] = {}
        todo, work = [("", said)], 0
        while todo:
            name, said = todo.pop()
            work += 1 + len(said.words) // 8
            if said.creates or not (said.words.isdisjoint(words) and said.words.isdisjoint(self._asking)):
                while name:
                    self._asking.add(name)
                    name = speakers[name]
                return True, work
            for each in said.words & self.functions.keys() - speakers.keys() - self._silent:
                speakers[each] = name
                todo.append((each, self.functions[each]))
        self._silent.update(speakers)
        for each in speakers:
            self._unmet |= self.functions[each].words | {each}
        return False, work
