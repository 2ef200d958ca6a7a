"""What a guard goes by: the verdict on a call, what it is filled in with, and the words for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from scanner import catalog
from scanner.alone import alone
from scanner.check import PLAIN
from scanner.engine import Engine, Subject
from scanner.limits import Limits
from scanner.model import Control, Finding, Location, Resource, Severity, SmguardError, Verdict
from scanner.place import Judgement
from scanner.requests.operation import as_change, name_of, types_by_operation
from scanner.safe_text import inert
from scanner.waiver import Waivers, read_file

if TYPE_CHECKING:
    from scanner.template.judge import Draft

_MODES = ("raise", "warn", "fill")
_SEVERITIES = {each.label: each for each in Severity}
_PIPELINES = ("CreatePipeline", "UpdatePipeline")
_MOST_NAMED = 3


class Rules:
    """The chosen controls and what is done about them; threads share it. Raises SmguardError."""

    def __init__(
        self,
        mode: str,
        parameters: str | None,
        select: tuple[str, ...],
        ignore: tuple[str, ...],
        waivers: str | None,
        strict: bool,
        fail_on: str = "medium",
    ) -> None:
        if mode not in _MODES:
            raise SmguardError(f"unknown mode '{mode}'", f"known: {', '.join(_MODES)}")
        if mode == "fill" and parameters is None:
            raise SmguardError("the mode fill needs parameters", "give the parameter file of your policies")
        if fail_on not in _SEVERITIES:
            raise SmguardError(f"unknown severity '{fail_on}'", f"known: {', '.join(_SEVERITIES)}")
        self.mode, self._strict, self._selected = mode, strict, frozenset(select)
        self._least = _SEVERITIES[fail_on]
        self._defaults = None
        if parameters is not None:
            from scanner.defaults import Defaults

            self._defaults = Defaults(parameters)
        given = self._defaults.given if self._defaults is not None else {}
        self._catalog = full = alone(catalog.load(given))
        self._operations = types_by_operation(full.types)
        self._by_type = full.judging(catalog.select(full, select, ignore))
        self._engine = Engine(full, run="call")
        self.waivers = Waivers()
        if waivers is not None:
            self.waivers = read_file(waivers, full.by_id, datetime.now(UTC).date(), Limits())

    def name_of(self, operation: str, parameters: Mapping[str, Any]) -> str:
        """What to call a call in messages."""
        name = inert(name_of(operation, parameters), 100)
        return operation if name == operation else f"{operation} of {name}"

    def counts(self, finding: Finding) -> bool:
        """Is a call not to be sent for it?"""
        fails = self._strict or finding.verdict is Verdict.FAIL
        return fails and finding.control.severity >= self._least

    def judge(self, operation: str, parameters: Mapping[str, Any]) -> list[Finding]:
        """What fails or is not known of what a call asks for, also in a pipeline; not what is waived."""
        if operation in _PIPELINES and isinstance(parameters.get("PipelineDefinition"), str):
            found = self._judge_steps(parameters["PipelineDefinition"])
        elif operation in self._operations:
            resource = Resource(self._operations[operation], name_of(operation, parameters))
            given = plain(parameters)
            if operation[:6] == "Update":
                given = as_change(given, self._catalog.types[resource.type]["update"])
            found = self._judge(resource, given)
        else:
            return []
        today = datetime.now(UTC).date().isoformat()
        waived = map(self.waivers.apply, found)
        return [it for it in waived if it.waiver is None or it.waiver.expires < today]

    def _judge(self, resource: Resource, properties: Any) -> Iterator[Finding]:
        kind = resource.type
        subject = Subject(
            properties=properties,
            kind=self._catalog.kinds.get(kind, {}),
            origin=(None, None),
            look=lambda world: PLAIN,
            joined=lambda world, reference, types: True,  # What a call names was judged when it was made.
            world_limit=1,
        )
        for control in self._by_type.get(kind, ()):
            try:
                judgements = self._engine.judge(control, kind, subject)
            except Exception as error:
                text = f"can't be judged, which is a defect of smguard ({type(error).__name__})"
                judgements = [Judgement(Verdict.UNKNOWN, "", "", text, (None, None), cause="a defect")]
            judgements.sort(key=lambda it: it.verdict.rank)
            # Of one place the worst counts.
            for it in {it.identity: it for it in judgements if it.verdict is not Verdict.PASS}.values():
                yield _finding(control, resource, it)

    def _judge_steps(self, definition: str) -> Iterator[Finding]:
        from scanner.opening import Candidate
        from scanner.template.document import ReadError
        from scanner.template.judge import Judge
        from scanner.template.load import Loader, NotTemplate

        full, limits = self._catalog, Limits()
        loader = Loader(frozenset(full.transforms), limits, types=full.types)
        judge = Judge(self._engine, self._by_type, full.kinds, limits)
        try:
            verdicts = judge.judge(loader.load(definition, Candidate("the pipeline's definition", "", "")))
        except (ReadError, NotTemplate):
            return  # AWS refuses it as well.
        for it in verdicts.drafts.values():
            yield _finding(full.by_id[it.control], Resource(it.type, it.name), it)

    def fill(self, operation: str, parameters: dict[str, Any], findings: Iterable[Finding]) -> list[str]:
        """Give a call what it left out, in place; in words what that was. What is there is not touched."""
        made = operation in self._operations and operation[:6] != "Update"  # which leaves out what stays
        if self.mode != "fill" or self._defaults is None or not made:
            return []
        filled, said = self._defaults.fill(self._catalog, plain(parameters), findings, self._selected)
        parameters.update(filled)
        return said


def _finding(control: Control, resource: Resource, it: Judgement | Draft) -> Finding:
    text = it.text if isinstance(it, Judgement) else it.message
    identity = (control.id, "", f"{resource.type} {resource.name}", it.identity)
    where = Location(path=it.path)
    return Finding(control, resource, it.verdict, text, where, identity, it.condition, it.cause)


def plain(value: Any) -> Any:
    """JSON as the engine takes it, of what boto3 takes as such; containers are new ones."""
    if isinstance(value, Mapping):
        return {key: plain(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [plain(child) for child in value]
    return str.__str__(value) if isinstance(value, str) else value


def told(findings: Iterable[Finding]) -> str:
    """For each finding what is wrong, and where it fails what to set."""
    lines = []
    for it in findings:
        lines.append(f"  {it.control.id} ({it.control.severity.label}): {inert(it.message, 300)}")
        if it.verdict is Verdict.FAIL:
            words = keywords(it.resource.type.rpartition("::")[2], it.location.path)[:_MOST_NAMED]
            named = f"; in the SageMaker SDK {' or '.join(words)}" if words else ""
            lines.append(f"    set {it.location.path} of {inert(it.resource.name, 100)}{named}")
    return "\n".join([*lines, "  `smguard explain` and the name of a control say more"])


@cache
def keywords(noun: str, path: str) -> tuple[str, ...]:
    """How the SageMaker SDK is given a property of a type: "Estimator(volume_kms_key=…)", each way once."""
    from scanner.code.sdk import load

    table, found = load(), dict[str, str]()
    calls = [body.get("calls", {}) for body in table.values()]
    methods = {made: method for each in calls for method, entries in each.items() for made in entries}
    for name, entry in table.items():
        if entry.get("type") == noun and not name.endswith("Base"):
            words = ", ".join(_words(table, entry, path))
            if words:
                found.setdefault(words, f"{methods.get(name, name.rpartition('.')[2])}({words})")
    return tuple(dict.fromkeys(found.values()))


def _words(table: Any, entry: Any, path: str) -> Iterator[str]:
    for keyword, at in entry.get("keywords", {}).items():
        if keyword.startswith(("_", "self.", "train_")):
            continue  # not for users, set elsewhere, and of the SDK's first version
        if at == path or at.startswith(f"{path}."):
            yield f"{keyword}=…"
        elif at == "" or path.startswith(f"{at}."):
            holder = "".join(word.capitalize() for word in keyword.split("_"))
            below = ", ".join(_words(table, table.get(holder, {}), path.removeprefix(f"{at}.")))
            if below:
                yield f"{keyword}={holder}({below})"
