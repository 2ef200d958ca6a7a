"""Policy variables: `${aws:username}`, `${aws:PrincipalTag/team, 'none'}`, and `${*}` for a plain `*`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from scanner.policy.match import Pieces

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_DEFAULT = re.compile(r"([^,]*), '([^']*)'")
_LITERALS = ("*", "?", "$")


class Variable(NamedTuple):
    """A condition key in lower case, and what stands for it where the request has no single value."""

    key: str
    default: str | None


Template = tuple["str | Variable | tuple[str]", ...]
"""Text as written, variables, and 1-tuples of text in which `*` and `?` are no wildcards."""


def parse_template(text: str, variables: bool) -> Template:
    """Take a text of a policy apart; only the version 2012-10-17 knows `variables`."""
    if not variables or "${" not in text:
        return (text,)
    found: list[str | Variable | tuple[str]] = []
    at = 0
    for match in _VARIABLE.finditer(text):
        if match.start() > at:
            found.append(text[at : match.start()])
        at = match.end()
        name = match[1]
        if name in _LITERALS:
            found.append((name,))
            continue
        default = _DEFAULT.fullmatch(name)
        found.append(Variable(default[1].lower(), default[2]) if default else Variable(name.lower(), None))
    if at < len(text):
        found.append(text[at:])
    return tuple(found)


def is_constant(template: Template) -> bool:
    """Whether it is the same for every request."""
    return not any(isinstance(each, Variable) for each in template)


def fill(template: Template, context: Mapping[str, Any]) -> Pieces | None:
    """The pieces of a pattern; None if a variable has neither a single value nor a default."""
    pieces: list[tuple[str, bool]] = []
    for each in template:
        if isinstance(each, str):
            pieces.append((each, True))
        elif isinstance(each, Variable):
            value = context.get(each.key)
            if type(value) is not str:
                value = each.default
            if value is None:
                return None
            pieces.append((value, False))
        else:
            pieces.append((each[0], False))
    return pieces
