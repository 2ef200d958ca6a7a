"""Judging a file: every resource of its templates, by every control that is asked for."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from scanner.engine import Engine, Subject
from scanner.environment import Environment
from scanner.joint import is_scoped
from scanner.limits import Limits
from scanner.model import DEFECT, Control, Gap, Note, Verdict
from scanner.place import Judgement
from scanner.template.document import settle
from scanner.template.load import Loaded, place
from scanner.template.template import Misshapen, Template, judgeable
from scanner.template.view import View
from scanner.value import Partial, rest_of
from scanner.world import Effort, World

if TYPE_CHECKING:
    from scanner.check import Teller
    from scanner.path_setting import PathSettings
    from scanner.template.bonds import Bonds
    from scanner.template.family import Family

_OTHER_TOOLS = frozenset({"cfn_nag", "checkov", "guard", "cfn-lint"})
"""Whose suppressions a resource's Metadata may hold."""
_LONGEST_NAME = 2_500
_LONGEST_TEXT = 4_000


class Draft(NamedTuple):
    """A finding before waivers: small, so that it can travel between processes."""

    control: str
    type: str
    name: str
    construct: str | None
    verdict: Verdict
    message: str
    file: str
    line: int | None
    column: int | None
    path: str
    identity: str
    condition: str | None
    cause: str | None


class FileVerdicts:
    """What judging one file gave. `waivers` are the raw `Metadata.smguard` of its resources."""

    __slots__ = (
        "crashed",
        "declared",
        "drafts",
        "followed",
        "gaps",
        "kinds",
        "notes",
        "passed",
        "resources",
        "suppressions",
        "waivers",
    )

    def __init__(self) -> None:
        self.drafts: dict[tuple[str, str, str], Draft] = {}
        """(resource name, control, place) -> the worst verdict there, in order of the file."""
        self.passed: set[tuple[str, str]] = set()
        """(resource name, control) with a place that passes; another place may have a worse verdict."""
        self.gaps: dict[Gap, None] = {}
        """In order, each once."""
        self.notes: dict[Note, None] = {}
        self.waivers: dict[str, tuple[Any, str]] = {}
        """Resource name -> (raw value, where)."""
        self.suppressions: dict[str, tuple[dict[str, Any], str]] = {}
        """Resource name -> (what its Metadata holds for other tools, where)."""
        self.resources: set[str] = set()
        self.kinds: set[str] = set()
        self.declared: set[str] = set()
        """Names of the parameters that the file's own template declares."""
        self.followed: set[str] = set()
        self.crashed = False

    def gap(self, where: str, what: str, hint: str = "") -> None:
        """Say once what could not be looked at."""
        self.gaps[Gap(where, what, hint)] = None

    def note(self, where: str, what: str) -> None:
        """Say once what is worth saying."""
        self.notes[Note(where, what)] = None


class Source(Protocol):
    """Tells where the values of a resource stand."""

    def position(self, container: Any, key: Any) -> tuple[int, int] | None:
        """Line and column of a key or item, where it was read from text."""

    def file_of(self, container: Any, key: Any) -> str:
        """The file that a key or item was read from."""


class Judge(NamedTuple):
    """The controls of one scan, by the types they judge."""

    engine: Engine
    controls: Mapping[str, tuple[Control, ...]]
    kinds: Mapping[str, Any]
    limits: Limits
    keep_passed: bool = False
    """Whether a PASS becomes a draft too."""
    remarks: Mapping[str, str] = MappingProxyType({})
    """What is worth saying of types that no control judges."""
    path_settings: "PathSettings | None" = None
    types: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
    """What `_types.yaml` says of joints; without, no resource leads to another."""
    environment: Environment = Environment()
    """What of other services is judged."""
    teller: "Teller | None" = None
    """Who knows more of what a text names than it says."""

    def judge(self, passes: Iterator[Loaded], bonds: "Bonds | None" = None) -> FileVerdicts:
        """Judge every pass over a file, with its `bonds`; where they differ the worse verdict stands."""
        verdicts = FileVerdicts()
        effort = Effort()
        for loaded in passes:
            verdicts.followed |= loaded.followed
            verdicts.gaps.update(dict.fromkeys(loaded.gaps))
            verdicts.notes.update(dict.fromkeys(loaded.notes))
            if loaded.templates:
                verdicts.declared |= set(loaded.templates[0].declarations)
                verdicts.notes.update(dict.fromkeys(_refused_values(loaded.templates[0])))
            members = bool(bonds and bonds.seeds)
            for template in loaded.templates:
                template.imported = bonds.imported if bonds else {}
                members = members or template.begins(self.environment)
            for template in loaded.templates:
                self._judge_template(template, loaded, bonds, members, effort, verdicts)
            for template in loaded.templates:
                template.part()
        return verdicts

    def _judge_template(
        self,
        template: Template,
        loaded: Loaded,
        bonds: "Bonds | None",
        members: bool,
        effort: Effort,
        verdicts: FileVerdicts,
    ) -> None:
        """Judge one template; without `members` nothing of other services belongs to an environment."""

        def family() -> "Family":
            from scanner.template.membership import join

            return template.family or join(loaded.templates, self, bonds)

        chosen = self.controls
        if self.path_settings is not None:
            chosen = self.path_settings.narrow(template.file, chosen)
        for found in judgeable(template):
            if isinstance(found, Misshapen):
                where = place(template, template.resources, found.name)
                verdicts.gap(where, f"{found.name}: {found.what}", found.hint)
                continue
            name, raw, kind = found
            if kind in self.remarks:
                verdicts.note(place(template, raw, "Type"), f"{_cut(name)}: {self.remarks[kind]}")
            controls, scoped = chosen.get(kind), is_scoped(self.types.get(kind))
            if controls is None or (scoped and not members):
                continue
            around = scoped or self.engine.looks_around(controls, kind)
            if around and not family().belongs(template, name) and scoped:
                continue
            self._judge_resource(template, name, raw, kind, controls, effort, verdicts, family)
        for name, why in template.odd_conditions.items():
            what = f"the condition {_cut(name)} {why}: both answers are judged"
            verdicts.note(place(template, template.conditions, name), what)

    def _judge_resource(
        self,
        template: Template,
        name: str,
        raw: dict[str, Any],
        kind: str,
        controls: tuple[Control, ...],
        effort: Effort,
        verdicts: FileVerdicts,
        family: Callable[[], "Family"],
    ) -> None:
        shown = _shorten(f"{template.key[1:]}/{name}" if template.key else name)
        properties = settle(raw.get("Properties", rest_of(raw)), template.pick)
        where = (
            place(template, raw, "Properties")
            if "Properties" in raw
            else place(template, template.resources, name)
        )
        if properties is not None and type(properties) is not dict and type(properties) is not Partial:
            verdicts.gap(where, f"{name}: Properties is not a mapping", "CloudFormation would refuse it")
            return
        if properties is None and "Properties" in raw:
            what = f"{name}: Properties is empty: judged as if it were left out"
            verdicts.gap(where, what, "fill it or remove it")
        if properties is not None and "Fn::If" in properties:
            what = f"{name}: CloudFormation does not take Fn::If for Properties; both branches are judged"
            verdicts.note(where, what)
        metadata = settle(raw.get("Metadata"), template.pick)
        construct = None
        if isinstance(metadata, dict):
            if "smguard" in metadata:
                verdicts.waivers[shown] = (metadata["smguard"], place(template, metadata, "smguard"))
            for tool in metadata:
                if tool in _OTHER_TOOLS:
                    known = verdicts.suppressions.setdefault(shown, ({}, place(template, metadata, tool)))
                    known[0][tool] = metadata[tool]
            path = metadata.get("aws:cdk:path")
            construct = _cut(path) if isinstance(path, str) else None
        if template.family is not None and "gathers" in (self.types.get(kind) or {}):
            properties = template.family.body((template, name))
        subject = Subject(
            properties=properties,
            kind=self.kinds.get(kind, {}),
            origin=(raw, "Properties") if "Properties" in raw else (template.resources, name),
            look=lambda world: View(template, world, self.teller),
            joined=lambda world, raw, types: family().is_judged(View(template, world), raw, types),
            world_limit=self.limits.worlds,
            effort=effort,
            exists=_existence(template, raw),
        )
        self.judge_subject(template, subject, controls, kind, shown, construct, where, verdicts)

    def judge_subject(
        self,
        source: Source,
        subject: Subject,
        controls: tuple[Control, ...],
        kind: str,
        shown: str,
        construct: str | None,
        where: str,
        verdicts: FileVerdicts,
    ) -> None:
        """Judge one resource, with its name in reports; `source` tells where its values stand."""
        verdicts.resources.add(shown)
        verdicts.kinds.add(kind)
        for control in controls:
            try:
                for judgement in self.engine.judge(control, kind, subject):
                    position = source.position(*judgement.origin) or source.position(*subject.origin)
                    self._keep(source, control, kind, shown, construct, judgement, position, verdicts)
            except Exception as error:
                verdicts.crashed = True
                what = f"{control.id} crashed on {shown}: {type(error).__name__}"
                verdicts.gap(where, what, DEFECT)

    def _keep(
        self,
        source: Source,
        control: Control,
        kind: str,
        shown: str,
        construct: str | None,
        judgement: Judgement,
        position: tuple[int, int] | None,
        verdicts: FileVerdicts,
    ) -> None:
        if judgement.verdict is Verdict.PASS:
            verdicts.passed.add((shown, control.id))
            if not self.keep_passed:
                return
        draft = Draft(
            control=control.id,
            type=kind,
            name=shown,
            construct=construct,
            verdict=judgement.verdict,
            message=_cut(judgement.text),
            file=source.file_of(*judgement.origin),
            line=position[0] if position else None,
            column=position[1] if position else None,
            path=judgement.path,
            identity=judgement.identity,
            condition=judgement.condition and _cut(judgement.condition),
            cause=judgement.cause and _cut(judgement.cause),
        )
        at = (shown, control.id, judgement.identity)
        before = verdicts.drafts.get(at)
        if before is None or before.verdict.rank < draft.verdict.rank:
            verdicts.drafts[at] = draft


def _shorten(name: str) -> str:
    """A name that is far longer than CloudFormation's 255 characters would swell every finding."""
    if len(name) <= _LONGEST_NAME:
        return name
    from hashlib import sha256

    return f"{name[:200]}…{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def _existence(template: Template, raw: dict[str, Any]) -> Callable[[World], bool] | None:
    if "Condition" not in raw and template.parent is None:
        return None
    return lambda world: View(template, world).exists(raw)


def _refused_values(template: Template) -> Iterator[Note]:
    """Given parameter values with which the template could not be deployed."""
    for name, value in template.given.items():
        parameter = template.parameter(name)
        if parameter is None or value is None or parameter.from_store or parameter.listed:
            continue
        allowed = parameter.candidates
        if not parameter.allows(value) or (allowed is not None and value not in allowed):
            where = place(template, template.declarations, name)
            yield Note(where, f"the value given for parameter {_cut(name)} is none that is allowed here")
