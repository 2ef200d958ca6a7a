"""What a template leads to: loops and includes, local nested stacks, definitions of what runs later."""

from __future__ import annotations

import re
from typing import Any

from scanner.candidate import Candidate
from scanner.model import Gap, Note
from scanner.template.document import Document, ReadError, settle
from scanner.template.load import Loaded, Loader, NotTemplate, defined, passes, place, say_what_was_read
from scanner.template.reader import read
from scanner.template.template import PROCESSED, Template

_NESTED = {
    "AWS::CloudFormation::Stack": "TemplateURL",
    "AWS::Serverless::Application": "Location",
}
_REMOTE = r"[A-Za-z][A-Za-z0-9+.-]+:"


def write_out(
    loader: Loader, template: Template, document: Document, entry: Candidate, real: str, loaded: Loaded
) -> Template:
    """The template with its loops and includes written out."""
    from scanner.template.expand import Included, TooLarge, expand

    def fetch(location: str, beside: str) -> Included | str:
        try:
            content, file, found = loader.open_beside(entry, location, beside, loaded)
            included = _read(loader, content, file)
        except ReadError as error:
            return str(error)
        say_what_was_read(included, file, loaded)
        loaded.picks.update(passes(included))
        return Included(included, file, found)

    try:
        expansion = expand(template, real, fetch=fetch, limits=loader.limits)
    except TooLarge:
        what = "Fn::ForEach or AWS::Include writes out more than the limits allow: they are left out"
        loaded.gaps.append(Gap(template.file, what, "raise --max-nodes or --max-resources"))
        left = {name: raw for name, raw in template.resources.items() if not name.startswith("Fn::")}
        template.marks[id(left)] = template.marks.get(id(template.resources))
        template.resources = left
        return template
    written = Template(
        expansion.root,
        template.marks,
        template.file,
        given=template.given,
        settled=template.settled,
        pick=template.pick,
    )
    written.key, written.parent, written.bindings = template.key, template.parent, template.bindings
    written.files = expansion.files
    written.alive = (document.root, expansion.alive)
    for container, key, what, hint in expansion.gaps:
        loaded.gaps.append(Gap(place(written, container, key), what, hint))
    for container, key, what in expansion.notes:
        loaded.notes.append(Note(place(written, container, key), what))
    return written


def follow(
    loader: Loader, template: Template, text: str, entry: Candidate, trail: tuple[str, ...], loaded: Loaded
) -> None:
    """Follow local nested stacks and definitions; `trail` leads from the file of the scan to this one."""
    if holders := defined(template):
        from scanner.requests.embedded import Embedded

        Embedded(loader, template, text, entry, trail[-1], loaded).write(holders)
    for name, raw in template.resources.items():
        kind = template.type_of(name)
        if kind.endswith("::MODULE"):
            what = f"{name} is a module: what it stands for is not in this file"
            loaded.gaps.append(Gap(place(template, raw, "Type"), what, PROCESSED))
            continue
        prop = _NESTED.get(kind)
        if prop is None:
            continue
        body = settle(raw.get("Properties"), template.pick)
        url = settle(body.get(prop), template.pick) if isinstance(body, dict) else None
        where = place(template, body if isinstance(body, dict) else raw, prop)
        if not isinstance(url, str) or re.match(_REMOTE, url) or "{{resolve:" in url:
            what = f"the nested stack {name} is not in this scan; scan its template by itself"
            loaded.notes.append(Note(where, what))
            continue
        if len(trail) > loader.limits.stack_depth:
            loaded.gaps.append(
                Gap(where, f"the nested stack {name} lies too deep", "raise --max-stack-depth")
            )
            continue
        try:
            nested, file, real = loader.open_beside(entry, url, trail[-1], loaded)
            if real in trail:
                # What leads back to itself is no one's child alone: each file is judged by itself too.
                loaded.followed.difference_update(trail[trail.index(real) :])
                raise ReadError("it nests itself")
            child = _adopt(loader, template, name, raw, body, nested, file, real, entry, loaded)
            follow(loader, child, nested, entry, (*trail, real), loaded)
        except (ReadError, NotTemplate) as error:
            hint = getattr(error, "hint", "") or "scan from a folder that holds both templates"
            loaded.gaps.append(Gap(where, f"the nested stack {name} can't be followed: {error}", hint))


def _read(loader: Loader, text: str, file: str) -> Document:
    """Read a file that a template names; its faults are said with its name."""
    try:
        return read(text, loader.limits)
    except ReadError as error:
        raise ReadError(f"{file}: {error}", hint=error.hint) from None


def _adopt(
    loader: Loader,
    parent: Template,
    name: str,
    raw: Any,
    body: Any,
    text: str,
    file: str,
    real: str,
    entry: Candidate,
    loaded: Loaded,
) -> Template:
    """Make a nested stack a child of the template that passes it its parameters."""
    document = _read(loader, text, file)
    if not isinstance(document.root, dict):
        raise NotTemplate("it is no template")
    say_what_was_read(document, file, loaded)
    loaded.picks.update(passes(document))
    passed = settle(body.get("Parameters"), parent.pick)
    child = Template(document.root, document.marks, file, given={}, settled=True, pick=parent.pick)
    child.key = f"{parent.key}/{name}"
    child.parent = (parent, raw)
    if isinstance(passed, dict):
        child.bindings = {key: (parent, value) for key, value in passed.items()}
    child = loader.expanded(child, document, text, entry, real, loaded)
    if len(loaded.templates) >= loader.limits.resources:
        raise ReadError("there are more nested stacks than the limits allow")
    parent.children[name] = child
    loaded.followed.add(real)
    loaded.templates.append(child)
    loader.say_transforms(child, loaded)
    return child
