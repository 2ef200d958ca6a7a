"""Mentions: what a raw part of a template names, whatever world it is in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from scanner.template.document import Either
from scanner.value import rest_of

if TYPE_CHECKING:
    from scanner.template.template import Template

_IN_SUB = re.compile(r"\$\{([^!${}][^${}]*)\}")
Skeleton = tuple[str, ...]
"""The literal parts of a text, in order: between each two there is a part that hangs on something."""
_LONGEST = 10_000
"""Characters that Fn::Join may put between its items; no name is as long."""


def mentions(node: Any) -> Iterator[str]:
    """Every name below a node in Ref, Fn::GetAtt and Fn::Sub, "Stack.Outputs.Name" for a stack's output."""
    return (name[0] for how, name in leaves(node) if how == "name")


def leaves(node: Any) -> Iterator[tuple[str, Skeleton]]:
    """(name, text or import; the name, the text as it is written, or the skeleton of what is imported)."""
    waiting = [node]
    while waiting:
        raw = waiting.pop()
        if type(raw) is dict:
            for key, below in raw.items():
                if key == "Ref" and type(below) is str:
                    yield "name", (below,)
                elif key == "Fn::GetAtt":
                    yield "name", (_attribute(below),)
                elif key == "Fn::ImportValue":
                    shape = skeleton(below)
                    if shape is None:
                        waiting.append(below)
                    else:
                        yield "import", shape
                else:
                    if key == "Fn::Sub":
                        text = below[0] if type(below) is list and below else below
                        for name in _IN_SUB.findall(text) if type(text) is str else ():
                            yield "name", (_attribute(name.strip()),)
                    elif key == "Fn::Join":
                        yield "text", (written(raw),)
                    waiting.append(below)
        elif type(raw) is list:
            waiting.extend(raw)
        elif type(raw) is Either:
            waiting.extend(raw.values)
        elif type(raw) is str:
            yield "text", (raw,)


def skeleton(raw: Any) -> Skeleton | None:
    """The literal parts of a text that Fn::Sub or Fn::Join makes; None where nothing of it is known."""
    parts = tuple(_IN_SUB.sub("\0", written(raw)).split("\0"))
    return parts if any(parts) else None


def written(raw: Any) -> str:
    """A text as Fn::Sub writes it, with ${…} for what it hangs on."""
    if type(raw) is dict and len(raw) == 1:
        ((function, body),) = raw.items()
        if function == "Fn::Join" and type(body) is list and len(body) == 2 and type(body[1]) is list:
            between = str(body[0])
            return between.join(map(written, body[1])) if len(between) * len(body[1]) < _LONGEST else "${?}"
        name = body[0] if function == "Fn::Sub" and type(body) is list and body else body
        raw = name if function == "Fn::Sub" else f"${{{name}}}" if function == "Ref" else None
    return raw if type(raw) is str else "${?}"


def _attribute(body: Any) -> str:
    steps = body.split(".", 1) if type(body) is str else body if type(body) is list else []
    if not steps or type(steps[0]) is not str:
        return ""
    output = len(steps) > 1 and type(steps[1]) is str and steps[1].startswith("Outputs.")
    return f"{steps[0]}.{steps[1]}" if output else steps[0]


def plainly_named(template: Template, raw: Any, steps: list[str]) -> list[str] | None:
    """The logical ids that a raw path names by Ref or GetAtt; None where that is not plain to see."""
    if raw is None:
        return []
    if not steps:
        return _plain_name(template, raw)
    if type(raw) is not dict or (len(raw) == 1 and next(iter(raw))[:4] in ("Ref", "Fn::")):
        return None
    name = steps[0].removesuffix("[]")
    below = raw.get(name)
    if below is None:
        return None if rest_of(raw) is not None else []
    if name == steps[0]:
        return plainly_named(template, below, steps[1:])
    if type(below) is not list:
        return None
    found: list[str] = []
    for item in below:
        named = plainly_named(template, item, steps[1:])
        if named is None:
            return None
        found += named
    return found


def _plain_name(template: Template, raw: Any) -> list[str] | None:
    if type(raw) is not dict or len(raw) != 1:
        return None
    ((function, body),) = raw.items()
    if function == "Fn::GetAtt":
        name = (
            body.partition(".")[0] if type(body) is str else body[0] if type(body) is list and body else None
        )
        if type(name) is str and name in template.resources and name not in template.children:
            return [name]
        return None
    if function == "Ref" and type(body) is str and body in template.resources:
        return [body]
    return None
