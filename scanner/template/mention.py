"""Mentions: what a raw part of a template names, whatever world it is in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from scanner.template.document import Either
from scanner.template.load import DEFINED, leading

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


def leaving(template: Template) -> Iterator[str]:
    """The resources that a template hands on: by its outputs, or to what is not in sight."""
    yield from mentions(template.outputs)
    for name in hidden_in(template):
        yield from mentions(template.resources[name])


def hidden_in(template: Template) -> list[str]:
    """What stands for resources that are not in sight: modules, and nested stacks that are not followed."""
    found = leading(template).items()
    return [name for name, kind in found if kind not in DEFINED and name not in template.children]
