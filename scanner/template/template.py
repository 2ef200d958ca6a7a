"""One template, ready to be judged: its sections, its resources, and what is wrong with its shape."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from scanner.joint import OWNER
from scanner.template.document import Either, Marks, Unreadable, settle
from scanner.value import REST, Partial, Question, rest_of

if TYPE_CHECKING:
    from scanner.environment import Environment
    from scanner.template.family import Family
    from scanner.template.parameter import Parameter

PROCESSED = "scan the processed template instead (aws cloudformation get-template --template-stage Processed)"
"""What to do about a macro, a module or a remote include."""
LOOP = "Fn::ForEach::"
INCLUDE = "AWS::Include"
EXPANDING = (LOOP, INCLUDE, "Fn::Transform", "!Transform")
"""Words without which a template's text stands for nothing but itself."""
_ESCAPE = re.compile(r"\\[uxU]")


class Template:
    """A parsed template, or one instance of it as a nested stack.

    `key` tells instances apart ("" for the template itself). `bindings` are the parameters that a parent
    stack passes, with the parent to resolve them in; `given` those of a parameter file; `settled` means
    that parameters without a given value keep their default. `pick` chooses among duplicate keys.
    """

    def __init__(
        self,
        root: Mapping[str, Any],
        marks: Marks,
        file: str,
        *,
        given: Mapping[str, str | None],
        settled: bool,
        pick: int = 0,
    ) -> None:
        self.root = root
        self.marks = marks
        self.file = file
        self.given = given
        self.settled = settled
        self.pick = pick
        self.declarations: Mapping[str, Any] = section(root, "Parameters", pick)
        """The Parameters section; `parameter` reads what is asked for."""
        self.conditions: Mapping[str, Any] = section(root, "Conditions", pick)
        self.mappings: Mapping[str, Any] = section(root, "Mappings", pick)
        self.outputs: Mapping[str, Any] = section(root, "Outputs", pick)
        self.resources: Mapping[str, Any] = self._settled_resources()
        self.key = ""
        self.bindings: Mapping[str, tuple[Template, Any]] = {}
        self.children: dict[str, Template] = {}
        self.parent: tuple[Template, Any] | None = None
        """For a nested stack: the template it stands in, and the resource there."""
        self.files: Mapping[Any, str] = {}
        """id(container) -> file, for containers that an include brought in; (id, key) for single keys."""
        self.inputs: dict[str, Partial] = {}
        """Free inputs, once they have been referred to."""
        self.plain: dict[str, tuple[Partial, str | None]] = {}
        """Parameter -> its input and default, once referred to, where nothing else has a say in its value."""
        self.comparisons: dict[int, tuple[Partial, str | None, Question]] = {}
        """id(raw condition) -> what it compares with what, once evaluated, where that is a plain input."""
        self.declared: dict[str, Parameter] = {}
        """Parameters that have been asked for."""
        self.odd_conditions: dict[str, str] = {}
        """Conditions that can't be evaluated, once they have been asked for: name -> why."""
        self.known: dict[int, Any] = {}
        """id(raw node) -> its value, for nodes that are the same in every world."""
        self.imported: Mapping[Any, tuple[str, ...]] = {}
        """Skeleton of what is imported -> the resource of another file that it is, where that is known."""
        self.bodies: dict[str, Any] = {}
        """Logical id -> properties with their owner in them, once asked for."""
        self.family: Family | None = None
        """The templates that it is judged with, once it is."""
        self.alive: Any = None
        """Keeps the containers that positions hang on."""

    def _settled_resources(self) -> dict[str, Any]:
        """The Resources section, with one body of each resource that is written more than once."""
        resources = section(self.root, "Resources", self.pick)
        if not any(isinstance(body, Either) for body in resources.values()):
            return resources
        settled = {name: settle(body, self.pick) for name, body in resources.items()}
        self.marks[id(settled)] = self.marks.get(id(resources))
        return settled

    @property
    def nested(self) -> bool:
        """True for a template that is judged as a parent's nested stack."""
        return self.parent is not None

    def parameter(self, name: str) -> "Parameter | None":
        """The declaration of a parameter; None where there is none."""
        found = self.declared.get(name)
        if found is None and name in self.declarations:
            from scanner.template.parameter import declare

            raw = settle_fields(settle(self.declarations[name], self.pick), self.pick)
            found = self.declared[name] = declare(name, raw)
        return found

    def type_of(self, name: str) -> str:
        """The type of a resource, "" where it has none."""
        raw = self.resources.get(name)
        kind = raw.get("Type") if type(raw) is dict else None
        if type(kind) is not str:
            kind = settle(kind, self.pick)
        return kind if isinstance(kind, str) else ""

    def properties_of(self, name: str) -> Any:
        """The raw properties of a resource, {} where it has none."""
        raw = self.resources[name]
        written = settle(raw.get("Properties", rest_of(raw)), self.pick)
        return {} if written is None else written

    def begins(self, environment: "Environment") -> bool:
        """Is there a resource by which others, or by its tags itself, belong to an ML environment?"""
        return any(
            (kind := self.type_of(name)) and environment.begins(kind, self.properties_of(name))
            for name in self.resources
        )

    def part(self) -> None:
        """Let go of what leads back here, once judged: a circle stays until somebody looks for circles."""
        self.family = None
        for body in self.bodies.values():
            if type(body) is dict:
                body.pop(OWNER, None)

    def stand_in(self, copy: dict[str, Any], written: dict[str, Any]) -> None:
        """Take a copy of a mapping for standing where that stands; whoever made it keeps it."""
        self.marks[id(copy)] = self.marks.get(id(written))
        if self.files:
            places: list[tuple[Any, Any]] = [((id(copy), key), (id(written), key)) for key in written]
            own = [(id(copy), id(written)), *places]
            self.files = {
                **self.files,
                **{here: self.files[there] for here, there in own if there in self.files},
            }

    def _home(self, container: Any) -> "Template":
        """The template of the family that a container is of."""
        if id(container) in self.marks or self.family is None:
            return self
        return next((each for each in self.family.templates.values() if id(container) in each.marks), self)

    def file_of(self, container: Any, key: Any) -> str:
        """The file that a key or item was read from."""
        home = self._home(container)
        if home is not self:
            return home.file_of(container, key)
        if not self.files:
            return self.file
        return self.files.get((id(container), key)) or self.files.get(id(container), self.file)

    def position(self, container: Any, key: Any) -> tuple[int, int] | None:
        """Line and column of a key or item, where it was read from text."""
        marks = self._home(container).marks.get(id(container))
        if marks is None:
            return None
        try:
            found = marks[key]
        except (KeyError, IndexError):
            return None
        return (found[0], found[1])


def speaks_of(text: str, words: Iterable[str]) -> bool:
    """A cheap look before a costly one: may one of these words stand in a template's values?"""
    for word in words:
        if word in text:
            return True
    return "\\" in text and _ESCAPE.search(text) is not None


def section(root: Mapping[str, Any], name: str, pick: int = 0) -> dict[str, Any]:
    """A section as a mapping; anything else is as good as none."""
    body = settle(root.get(name), pick)
    return body if isinstance(body, dict) else {}


def settle_fields(raw: Any, pick: int) -> Any:
    """As `settle`, for the fields of a declaration."""
    return {key: settle(value, pick) for key, value in raw.items()} if isinstance(raw, dict) else raw


class Misshapen(NamedTuple):
    """A resource that can't be judged as it stands, why, and what a person can do."""

    name: str
    what: str
    hint: str = "CloudFormation would refuse it"


def judgeable(template: Template) -> Iterator[tuple[str, dict[str, Any], str] | Misshapen]:
    """Every resource with a type, in order; what has no proper shape is said."""
    for name, raw in template.resources.items():
        if name == REST and isinstance(raw, Partial):
            continue
        if not isinstance(raw, dict):
            yield Misshapen(name, f"the resource is {_name_shape(raw)}, not a mapping")
            continue
        kind = settle(raw.get("Type"), template.pick)
        if isinstance(kind, Unreadable):
            yield Misshapen(name, f"Type is not known ({kind.what})", "scan what the template is rendered to")
            continue
        if not isinstance(kind, str) or not kind:
            yield Misshapen(
                name, "the resource has no Type" if kind is None else f"Type is {_name_shape(kind)}"
            )
            continue
        yield name, raw, kind


def _name_shape(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return (
        "text"
        if isinstance(value, str)
        else "a number"
        if isinstance(value, (int, float))
        else "no plain value"
    )
