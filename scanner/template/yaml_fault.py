"""What is wrong with a YAML text, in words, with its place and a hint where one helps."""

from __future__ import annotations

import re
from typing import Any, NoReturn

import yaml

from scanner.template.document import ReadError, SyntaxFault, shown

_ILLEGAL = "[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
"""Not compiled here: its many ranges would cost every scan 20 ms."""
_BREAK = "\r\n|[\r\n\x85\u2028\u2029]"
_TEMPLATE_MARK = r"\{%|\{#|\{\{(?!\s*resolve:)"
_LINES_AROUND = 20


def refuse(what: str, at: Any, hint: str = "") -> NoReturn:
    """Give up at a mark of PyYAML's."""
    raise ReadError(what, at.line + 1, at.column + 1, hint)


def explained(fault: Exception, text: str) -> SyntaxFault:
    """The fault that PyYAML or libyaml found in `text`."""
    if not isinstance(fault, yaml.MarkedYAMLError):
        return _illegal_character(fault, text)
    mark = fault.problem_mark or fault.context_mark
    if mark is None:
        return SyntaxFault(shown(str(fault.problem or fault), 200))
    what = fault.problem or fault.context or "is no YAML"
    line = mark.line + 1
    first = fault.context_mark.line + 1 if fault.context_mark else line
    if fault.context and fault.problem and fault.context != "while scanning for the next token":
        what = f"{what} {fault.context}" + (f" that begins in line {first}" if first != line else "")
    return SyntaxFault(shown(what, 200), line, mark.column + 1, hint(text, first, line, mark.column))


def _illegal_character(fault: Exception, text: str) -> SyntaxFault:
    found = re.search(_ILLEGAL, text)
    if found is None:
        return SyntaxFault(shown(str(fault), 200))
    before = text[: found.start()]
    breaks = list(re.finditer(_BREAK, before))
    column = len(before) - (breaks[-1].end() if breaks else 0) + 1
    what = f"the character U+{ord(found[0]):04X} is not allowed"
    return SyntaxFault(what, len(breaks) + 1, column, "remove it, or write it as an escape in double quotes")


def hint(text: str, first: int, line: int, column: int) -> str:
    """What may help with a fault at `line` and `column`, of something that begins in line `first`."""
    lines = text.splitlines()[max(first - 1, line - _LINES_AROUND, 0) : line]
    if any(re.search(_TEMPLATE_MARK, each) for each in lines):
        return "looks like a Jinja template: scan what it renders to"
    if lines and "\t" in lines[-1][: column + 1]:
        return "indent with spaces, YAML takes no tabs"
    return ""
