"""What a template leads to: loops and includes, local nested stacks, definitions of what runs later."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from scanner.candidate import Candidate
from scanner.model import Gap, Note
from scanner.requests.text import REMOTE, Lines, Place, place_in, put
from scanner.template.document import Document, ReadError, settle
from scanner.template.load import (
    DEFINED,
    MODULE,
    NESTED,
    Loaded,
    Loader,
    NotTemplate,
    leading,
    passes,
    place,
    say_what_was_read,
)
from scanner.template.reader import read
from scanner.template.template import PROCESSED, Template
from scanner.value import unknown

_NOTHING = {"Ref": "AWS::NoValue"}
_INLINE = "TemplateBody"  # the template itself, of a stack set


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
    loader: Loader, template: Template, own: Lines, entry: Candidate, trail: tuple[str, ...], loaded: Loaded
) -> None:
    """Follow nested stacks and definitions; `trail` leads from the file of the scan to this one."""
    leads = leading(template)
    if holders := [name for name, kind in leads.items() if kind in DEFINED]:
        from scanner.requests.embedded import Embedded

        Embedded(loader, template, own, entry, trail[-1], loaded).write(holders)
    for name, kind in leads.items():
        raw = template.resources[name]
        if kind.endswith(MODULE):
            what = f"{name} is a module: what it stands for is not in this file"
            loaded.gaps.append(Gap(place(template, raw, "Type"), what, PROCESSED))
            continue
        if kind not in NESTED:
            continue
        body = settle(raw.get("Properties"), template.pick)
        inline = isinstance(body, dict) and bool(body.get(_INLINE))
        prop = _INLINE if inline else NESTED[kind]
        url = settle(body.get(prop), template.pick) if isinstance(body, dict) else None
        where = place(template, body if isinstance(body, dict) else raw, prop)
        if not isinstance(url, str) or re.match(r"\s*\{\{resolve:" if inline else REMOTE, url):
            what = f"the nested stack {name} is not in this scan; scan its template by itself"
            loaded.notes.append(Note(where, what))
            continue
        if len(trail) > loader.limits.stack_depth:
            loaded.gaps.append(
                Gap(where, f"the nested stack {name} lies too deep", "raise --max-stack-depth")
            )
            continue
        try:
            opens, spot = _within(loader, template, body, own, trail[-1]) if inline else (loader, None)
            nested, file, real = opens.open_beside(entry, url, trail[-1], loaded)
            if real in trail and not inline:
                # What leads back to itself is no one's child alone: each file is judged by itself too.
                loaded.followed.difference_update(trail[trail.index(real) :])
                raise ReadError("it nests itself")
            child = _adopt(loader, template, name, raw, body, nested, file, real, entry, loaded, spot)
            follow(loader, child, own if inline else nested.split("\n"), entry, (*trail, real), loaded)
        except (ReadError, NotTemplate) as error:
            hint = getattr(error, "hint", "") or "mend it, or scan from a folder that holds both templates"
            loaded.gaps.append(Gap(where, f"the nested stack {name} can't be followed: {error}", hint))


def _within(loader: Loader, template: Template, body: Any, own: Lines, real: str) -> tuple[Loader, Place]:
    """What opens a template that stands in lines of a file as if it were one, and where its own are there."""
    opened = settle(body[_INLINE], template.pick), template.file_of(body, _INLINE), real
    at = template.position(body, _INLINE) or (1, 1)
    return loader._replace(open=lambda *_: opened), place_in(own, at, opened[0]) or (lambda line, column: at)


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
    spot: Place | None,
) -> Template:
    """Make a nested stack, at `spot` if in the same file, a child of what passes it its parameters."""
    document = put(_read(loader, text, _INLINE), spot) if spot else _read(loader, text, file)
    if not isinstance(document.root, dict):
        raise NotTemplate("it is no template")
    say_what_was_read(document, file, loaded)
    loaded.picks.update(passes(document))
    child = Template(document.root, document.marks, file, given={}, settled=True, pick=parent.pick)
    child.key = f"{parent.key}/{name}"
    child.parent = (parent, raw)
    passed = settle(body.get("Parameters"), parent.pick)
    groups = settle(body.get("StackInstancesGroup"), parent.pick) or []
    alike = {"DeploymentTargets", "Regions"}
    if type(groups) is not list or any(type(it) is not dict or it.keys() - alike for it in groups):
        passed = "a stack set whose instances differ"
    given = _passed(passed, child.declarations)
    child.bindings = {key: (parent, value) for key, value in given.items()}
    child = loader.expanded(child, document, text, entry, real, loaded)
    if len(loaded.templates) >= loader.limits.resources:
        raise ReadError("there are more nested stacks than the limits allow")
    parent.children[name] = child
    loaded.followed.update(() if spot else (real,))
    loaded.templates.append(child)
    loader.say_transforms(child, loaded)
    return child


def _passed(raw: Any, declared: Iterable[str]) -> dict[str, Any]:
    """What a stack passes to the parameters of its template; unknown where that is not plain to see."""
    if raw is None or raw == _NOTHING:
        return {}
    if type(raw) is list and all(type(it) is dict and type(it.get("ParameterKey")) is str for it in raw):
        given = {it["ParameterKey"]: it.get("ParameterValue") for it in raw}  # of a stack set
        if len(given) == len(raw):
            return given
    named = raw if type(raw) is dict else {}
    choice = named.get("Fn::If")
    if type(choice) is list and len(choice) == 3:
        yes, no = (_passed(each, declared) for each in choice[1:])
        return {
            key: {"Fn::If": [choice[0], yes.get(key, _NOTHING), no.get(key, _NOTHING)]}
            for key in {**yes, **no}
        }
    hidden = named is not raw or any(key == "Ref" or key[:4] == "Fn::" for key in named)
    others = dict.fromkeys(declared, unknown("the parameters that the stack passes")) if hidden else {}
    return {**others, **named}
