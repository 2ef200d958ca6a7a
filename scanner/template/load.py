"""From a file's text to templates that can be judged: the template and the nested stacks it holds."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from scanner.candidate import Candidate
from scanner.limits import Limits
from scanner.model import Gap, Note
from scanner.template.document import Document, ReadError, settle
from scanner.template.template import EXPANDING, PROCESSED, Template, speaks_of
from scanner.value import rest_of

Opener = Callable[[Candidate, str, str], tuple[str, str, str]]
"""(file of the scan, path, real path of the file it stands in) -> (text, path for reports, real path).

Raises ReadError."""

NESTED = {
    "AWS::CloudFormation::Stack": "TemplateURL",
    "AWS::CloudFormation::StackSet": "TemplateURL",
    "AWS::Serverless::Application": "Location",
}
"""Type of a nested stack -> property that says where its template is."""
DEFINED = (
    "AWS::SageMaker::Pipeline", "AWS::StepFunctions::StateMachine", "AWS::Serverless::StateMachine",
    "AWS::Scheduler::Schedule", "Custom::AWS",
)  # fmt: skip
"""Types whose definitions make what controls judge."""
MODULE = "::MODULE"
"""How the type of a module ends."""
FOLLOWING = (*EXPANDING, *NESTED, MODULE, *DEFINED)
"""Words without one of which no resource leads anywhere else."""
_LEADING = frozenset((*NESTED, *DEFINED))
_SECTIONS = frozenset({"Resources", "AWSTemplateFormatVersion", "Transform", "Fn::Transform"})
"""Keys of which a template has one."""
_MOST_PASSES = 16
_ROOM = 4
"""Times the size of one file that a template may lead to in other files."""


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


def _open_nothing(entry: Candidate, path: str, beside: str) -> tuple[str, str, str]:
    raise ReadError("no other files are opened here")


class Loader(NamedTuple):
    """How files become templates in one scan. `transforms` are those that leave SageMaker types alone."""

    transforms: frozenset[str]
    limits: Limits
    given: Mapping[str, str | None] = MappingProxyType({})
    settled: bool = False
    open: Opener = _open_nothing
    types: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
    """What `_types.yaml` says of the types."""
    request: str | None = None
    """The operation that a file is a request of, if it is neither template nor definition."""
    amend: Callable[[Template], None] | None = None
    """Puts what else is known of a file's own template into it, before what that leads to is followed."""

    def load(self, text: str, entry: Candidate) -> Iterator[Loaded]:
        """Read a template; one `Loaded` for each value that duplicate keys give it.

        Raises ReadError where the text can't be read and NotTemplate where it is something else.
        """
        from scanner.template.reader import read

        yield from self.load_document(read(text, self.limits), text, entry)

    def load_document(self, document: Document, text: str, entry: Candidate) -> Iterator[Loaded]:
        """The same of a template that was read; `text` holds all its words."""
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
        if _SECTIONS.isdisjoint(document.root):
            from scanner.requests.source import write

            by_itself = write(self, template, entry, loaded)
        if not by_itself:
            template = self.expanded(template, document, text, entry, entry.real, loaded)
        if self.amend is not None:
            self.amend(template)
        if len(template.resources) > self.limits.resources:
            hint = "CloudFormation itself takes 500; raise --max-resources"
            raise ReadError(f"holds more than {self.limits.resources:,} resources", hint=hint)
        loaded.templates.append(template)
        self.say_transforms(template, loaded)
        if leading(template):
            from scanner.template.nesting import follow

            follow(self, template, text.split("\n"), entry, (entry.real,), loaded)

    def expanded(
        self, template: Template, document: Document, text: str, entry: Candidate, real: str, loaded: Loaded
    ) -> Template:
        """Write out loops and includes, with the parameters that the template is given."""
        template.alive = document.root
        if speaks_of(text, EXPANDING):
            from scanner.template.nesting import write_out

            template = write_out(self, template, document, entry, real, loaded)
        _demand_resources(template)
        return template

    def say_transforms(self, template: Template, loaded: Loaded) -> None:
        """The macros that may change a template."""
        transforms = template.root.get("Transform")
        for each in transforms if isinstance(transforms, list) else [transforms]:
            name = each.get("Name") if isinstance(each, dict) else each
            if isinstance(name, str) and name not in self.transforms and name != "AWS::Include":
                what = f"the macro {name} may change this template"
                loaded.gaps.append(Gap(place(template, template.root, "Transform"), what, PROCESSED))

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


def leading(template: Template) -> dict[str, str]:
    """The resources that lead elsewhere, by a definition or as a stack or module: logical id -> type."""
    types = ((name, template.type_of(name)) for name in template.resources)
    return {name: kind for name, kind in types if kind in _LEADING or kind.endswith(MODULE)}


def passes(document: Document) -> list[int]:
    """Which values of its repeated keys a document is judged with: of many the first ones and the last."""
    most = max((len(each.lines) for each in document.duplicates), default=1)
    return list(range(most)) if most <= _MOST_PASSES else [*range(_MOST_PASSES - 1), most - 1]


def _demand_resources(template: Template) -> None:
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
