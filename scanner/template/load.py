"""From a file's text to templates that can be judged: the template and the nested stacks it holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from scanner.limits import Limits
from scanner.model import Gap, Note
from scanner.opening import Candidate
from scanner.template.document import Document, ReadError, settle
from scanner.template.reader import read
from scanner.template.template import EXPANDING, PROCESSED, Template, speaks_of
from scanner.value import rest_of

Opener = Callable[[Candidate, str, str], tuple[str, str, str]]
"""(file of the scan, path, real path of the file it stands in) -> (text, path for reports, real path).

Raises ReadError."""

FOLLOWING = (*EXPANDING, "AWS::CloudFormation::Stack", "AWS::Serverless::Application", "::MODULE")
"""Words without one of which no resource leads anywhere else, but for those with definitions."""
DEFINED = ("AWS::SageMaker::Pipeline", "AWS::StepFunctions::StateMachine", "AWS::Serverless::StateMachine")
"""Types whose definitions make what controls judge."""
_STARTS = frozenset({"Steps", "States"})
"""Keys of which a definition has one."""
_SECTIONS = frozenset({"Resources", "AWSTemplateFormatVersion", "Transform", "Fn::Transform"})
"""Keys of which a template has one."""
_NESTED = {
    "AWS::CloudFormation::Stack": "TemplateURL",
    "AWS::Serverless::Application": "Location",
}
_MOST_PASSES = 16
_ROOM = 4
"""Times the size of one file that a template may lead to in other files."""
_REMOTE = r"[A-Za-z][A-Za-z0-9+.-]+:"


class NotTemplate(Exception):
    """Readable, but no CloudFormation template."""


class Loaded:
    """The templates of one file, parents first, and what is to be said of them."""

    __slots__ = ("followed", "gaps", "notes", "picks", "room", "templates")

    def __init__(self) -> None:
        self.templates: list[Template] = []
        self.gaps: list[Gap] = []
        self.notes: list[Note] = []
        self.room = -1
        """Characters that may still be read from other files; -1 before the first."""
        self.followed: set[str] = set()
        """Real paths of the local nested stacks that were followed."""
        self.picks: set[int] = set()
        """The passes that followed and included files ask for."""


class Loader(NamedTuple):
    """How files become templates in one scan. `transforms` are those that leave SageMaker types alone."""

    transforms: frozenset[str]
    limits: Limits
    given: Mapping[str, str | None]
    settled: bool
    open: Opener
    types: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
    """What `_types.yaml` says of the types."""
    request: str | None = None
    """The operation that a file is a request of, if it is neither template nor definition."""

    def load(self, text: str, entry: Candidate) -> Iterator[Loaded]:
        """Read a template; one `Loaded` for each value that duplicate keys give it.

        Raises ReadError where the text can't be read and NotTemplate where it is something else.
        """
        document = read(text, self.limits)
        root = document.root
        if not isinstance(root, dict):
            raise NotTemplate("a template is a mapping with a Resources section")
        picks = passes(document)
        fault: ReadError | NotTemplate | None = None
        whole = False
        for number in picks:
            loaded = Loaded()
            if number == 0:
                say_what_was_read(document, entry.display, loaded)
            try:
                self._build(document, text, entry, number, loaded)
                whole = True
            except (ReadError, NotTemplate) as error:
                fault = fault or error
                line = f":{error.line}:{error.column}" if isinstance(error, ReadError) and error.line else ""
                what = error.what if isinstance(error, ReadError) else str(error)
                loaded.gaps.append(Gap(f"{entry.display}{line}", what, "keep one of them"))
            yield loaded
            # Nested stacks and includes may hold more values of one key than the template itself.
            picks += sorted(loaded.picks.difference(picks))
        if fault is not None and not whole:
            raise fault

    def _build(self, document: Document, text: str, entry: Candidate, pick: int, loaded: Loaded) -> None:
        template = Template(
            document.root, document.marks, entry.display, given=self.given, settled=self.settled, pick=pick
        )
        template.alive = document.root
        by_itself = False
        if _SECTIONS.isdisjoint(document.root) and (
            not _STARTS.isdisjoint(document.root)
            or self.request is not None
            or "create" in entry.real.rpartition("/")[2].lower()
        ):
            from scanner.requests.source import write

            by_itself = write(self, template, entry, loaded)
        if not by_itself:
            template = self._expanded(template, document, text, entry, entry.real, loaded)
        if len(template.resources) > self.limits.resources:
            hint = "CloudFormation itself takes 500; raise --max-resources"
            raise ReadError(f"holds more than {self.limits.resources:,} resources", hint=hint)
        loaded.templates.append(template)
        self._say_transforms(template, loaded)
        if speaks_of(text, FOLLOWING) or _defined(template):
            self._follow(template, text, entry, (entry.real,), loaded)

    def _expanded(
        self, template: Template, document: Document, text: str, entry: Candidate, real: str, loaded: Loaded
    ) -> Template:
        """Write out loops and includes, with the parameters that the template is given."""
        template.alive = document.root
        if speaks_of(text, EXPANDING):
            template = self._write_out(template, document, entry, real, loaded)
        _demand_resources(template, loaded)
        return template

    def _write_out(
        self, template: Template, document: Document, entry: Candidate, real: str, loaded: Loaded
    ) -> Template:
        from scanner.template.expand import Included, TooLarge, expand

        def fetch(location: str, beside: str) -> Included | str:
            try:
                content, file, found = self.open_beside(entry, location, beside, loaded)
                included = self._read(content, file)
            except ReadError as error:
                return str(error)
            say_what_was_read(included, file, loaded)
            loaded.picks.update(passes(included))
            return Included(included, file, found)

        try:
            expansion = expand(template, real, fetch=fetch, limits=self.limits)
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

    def _say_transforms(self, template: Template, loaded: Loaded) -> None:
        transforms = template.root.get("Transform")
        for each in transforms if isinstance(transforms, list) else [transforms]:
            name = each.get("Name") if isinstance(each, dict) else each
            if isinstance(name, str) and name not in self.transforms and name != "AWS::Include":
                what = f"the macro {name} may change this template"
                loaded.gaps.append(Gap(place(template, template.root, "Transform"), what, PROCESSED))

    def _follow(
        self, template: Template, text: str, entry: Candidate, trail: tuple[str, ...], loaded: Loaded
    ) -> None:
        """Follow local nested stacks and definitions; `trail` leads from the file of the scan to this one."""
        defined = _defined(template)
        if defined:
            from scanner.requests.embedded import Embedded

            Embedded(self, template, text, entry, trail[-1], loaded).write(defined)
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
            if len(trail) > self.limits.stack_depth:
                loaded.gaps.append(
                    Gap(where, f"the nested stack {name} lies too deep", "raise --max-stack-depth")
                )
                continue
            try:
                nested, file, real = self.open_beside(entry, url, trail[-1], loaded)
                if real in trail:
                    # What leads back to itself is no one's child alone: each file is judged by itself too.
                    loaded.followed.difference_update(trail[trail.index(real) :])
                    raise ReadError("it nests itself")
                child = self._adopt(template, name, raw, body, nested, file, real, entry, loaded)
                self._follow(child, nested, entry, (*trail, real), loaded)
            except (ReadError, NotTemplate) as error:
                hint = getattr(error, "hint", "") or "scan from a folder that holds both templates"
                loaded.gaps.append(Gap(where, f"the nested stack {name} can't be followed: {error}", hint))

    def open_beside(self, entry: Candidate, path: str, beside: str, loaded: Loaded) -> tuple[str, str, str]:
        """Open a file that a template names, as long as this doesn't go on and on."""
        if loaded.room < 0:
            loaded.room = _ROOM * self.limits.file_bytes
        text, file, real = self.open(entry, path, beside)
        loaded.room -= len(text) + 1_000
        resources = sum(1 + len(child.resources) for child in loaded.templates[1:])
        if loaded.room < 0 or resources > self.limits.resources:
            loaded.room = 0
            raise ReadError("more is nested and included than the limits allow")
        return text, file, real

    def _read(self, text: str, file: str) -> Document:
        """Read a file that a template names; its faults are said with its name."""
        try:
            return read(text, self.limits)
        except ReadError as error:
            raise ReadError(f"{file}: {error}", hint=error.hint) from None

    def _adopt(
        self,
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
        document = self._read(text, file)
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
        child = self._expanded(child, document, text, entry, real, loaded)
        if len(loaded.templates) >= self.limits.resources:
            raise ReadError("there are more nested stacks than the limits allow")
        parent.children[name] = child
        loaded.followed.add(real)
        loaded.templates.append(child)
        self._say_transforms(child, loaded)
        return child


def _defined(template: Template) -> list[str]:
    """The resources with a definition. A look at each costs less than a search of the text."""
    return [
        name
        for name, raw in template.resources.items()
        if type(raw) is dict
        and (raw["Type"] if type(raw.get("Type")) is str else template.type_of(name)) in DEFINED
    ]


def passes(document: Document) -> list[int]:
    """Which values of its repeated keys a document is judged with: of many the first ones and the last."""
    most = max((len(each.lines) for each in document.duplicates), default=1)
    return list(range(most)) if most <= _MOST_PASSES else [*range(_MOST_PASSES - 1), most - 1]


def _demand_resources(template: Template, loaded: Loaded) -> None:
    """Raise ReadError or NotTemplate where there are no resources and no Gap says where they may be."""
    root = template.root
    if isinstance(settle(root.get("Resources"), template.pick), dict):
        return
    if "Resources" in root:
        raise ReadError("Resources is not a mapping", *(template.position(root, "Resources") or ()))
    if rest_of(root) is not None:
        return
    if "AWSTemplateFormatVersion" not in root and "Transform" not in root:
        raise NotTemplate("it has no Resources section")
    raise ReadError("the template has no Resources section")


def place(template: Template, container: Any, key: Any) -> str:
    """`file:line:column` of a key, as far as it is known."""
    position = template.position(container, key)
    file = template.file_of(container, key)
    return f"{file}:{position[0]}:{position[1]}" if position else file


def say_what_was_read(document: Document, file: str, loaded: Loaded) -> None:
    for duplicate in document.duplicates:
        lines = ", ".join(str(line) for line in duplicate.lines[: _MOST_PASSES - 1])
        many = len(duplicate.lines) > _MOST_PASSES
        judged = "these values are judged, and no other" if many else "each value is judged"
        lines = f"{lines} and {duplicate.lines[-1]}" if many else " and ".join(map(str, duplicate.lines))
        what = f"the key {duplicate.key} stands more than once, on lines {lines}: {judged}"
        loaded.gaps.append(Gap(f"{file}:{duplicate.lines[0]}", what, "keep one of them"))
    for line, what in document.notes:
        loaded.notes.append(Note(f"{file}:{line}", what))
