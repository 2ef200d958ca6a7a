"""Definitions that stand in a template, or in a file that it names: pipelines and state machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from scanner.model import Gap, Note
from scanner.opening import Candidate
from scanner.requests import call, pipeline, states
from scanner.requests.text import REMOTE, Lines, as_sub, filler, place_in, put, read_with_holes
from scanner.requests.writer import Writer
from scanner.template.document import Document, ReadError, SyntaxFault, shown
from scanner.template.load import Loaded, Loader, passes, place, say_what_was_read
from scanner.template.reader import read
from scanner.template.template import Template
from scanner.value import is_change

_ELSEWHERE = "is not in this scan; scan it by itself"


class _Holder(NamedTuple):
    """How a type of resource holds its definition."""

    noun: str
    write: Callable[..., None]
    at: str
    """The property that the fields below are in; "" where they are properties."""
    bodies: tuple[str, ...]
    files: tuple[str, ...] = ()
    asks: Callable[[Any, Any, Writer], object] = lambda within, raw, writer: True
    """Is what stands in a mapping, as this value, about SageMaker at all?"""


_PIPELINE = ("pipeline", pipeline.write, "PipelineDefinition")
_MACHINE = ("state machine", states.write, "")
_BODIES, _CALLS = ("DefinitionString", "Definition"), ("Create", "Update")
_HOLDERS = {
    "AWS::SageMaker::Pipeline": _Holder(
        *_PIPELINE, ("PipelineDefinitionBody",), ("PipelineDefinitionS3Location",)
    ),
    "AWS::StepFunctions::StateMachine": _Holder(*_MACHINE, _BODIES, ("DefinitionS3Location",)),
    "AWS::Serverless::StateMachine": _Holder(*_MACHINE, _BODIES, ("DefinitionUri",)),
    "AWS::Scheduler::Schedule": _Holder(
        "schedule", call.write_scheduled, "Target", ("Input",), (), call.scheduled
    ),
    "Custom::AWS": _Holder("custom resource", call.write_custom, "", _CALLS, (), call.is_custom),
}


class Embedded:
    """Writes out the definitions that a template's resources hold: what they make joins its resources."""

    def __init__(
        self, loader: Loader, template: Template, own: Lines, entry: Candidate, beside: str, loaded: Loaded
    ) -> None:
        self.loader, self.template, self.loaded = loader, template, loaded
        self.entry, self.beside = entry, beside
        self.limits = loader.limits
        self.own = own
        self.writer = Writer(template, loader.types)

    def write(self, names: list[str]) -> None:
        """Write out the definitions of the resources with these names."""
        for name in names:
            self._write_all(name, self.template.resources[name])
            if len(self.writer.resources) > self.limits.resources:
                what = f"definitions make more than {self.limits.resources:,} resources: the rest is left out"
                self.writer.gap(self.template.resources, name, what, "raise --max-resources")
                break
        self.writer.finish()
        self.loaded.gaps += self.writer.gaps

    def _write_all(self, name: str, raw: dict[str, Any]) -> None:
        """Write out every definition of one resource; of a choice each."""
        writer, template = self.writer, self.template
        holder = _HOLDERS[template.type_of(name)]
        properties, condition = (writer.settle(raw.get(field)) for field in ("Properties", "Condition"))
        container, key, body, others = raw, "Properties", properties, None
        if isinstance(properties, dict):
            others = writer.settle(properties.get("DefinitionSubstitutions", {}))
            if holder.at in properties:
                container, key, body = properties, holder.at, properties[holder.at]
        if not isinstance(others, dict) or any(each[:4] == "Fn::" for each in others):
            others = None
        condition = {"Condition": condition} if isinstance(condition, str) else condition
        what = f"the definition of the {holder.noun} {name}"
        for within, field, value, when in self._find(holder, container, key, body, condition):
            if not holder.asks(within, value, writer) or (field == "Properties" and is_change(value)):
                continue
            writer.begin(f"{name}/", writer.settle(raw.get("Metadata")), template.file_of(within, field))
            try:
                found = self._read(holder, within, field, value, others)
            except ReadError as error:
                where, hint = place(template, within, field), error.hint
                if error.line is not None:
                    where = f"{writer.file}:{error.line}:{error.column}"
                hint = hint or "scan from a folder that holds the definition too"
                self.loaded.gaps.append(Gap(where, f"{what} can't be read: {error.what}", hint))
                continue
            if found is None:
                self.loaded.notes.append(Note(place(template, within, field), f"{what} {_ELSEWHERE}"))
            else:
                holder.write(found, within, field, writer, when)

    def _find(
        self, holder: _Holder, container: Any, key: Any, raw: Any, condition: Any
    ) -> Iterator[tuple[Any, Any, Any, Any]]:
        """Where definitions stand: container, key, value, condition."""
        self.writer.intrinsics = True
        for value, when in list(self.writer.branches(raw, condition)):
            names = (*holder.bodies, *holder.files)
            held = {name: value[name] for name in names if name in value} if isinstance(value, dict) else {}
            listed = list(held.values())
            # What a custom resource calls to make something may be what it calls to change it.
            fields = [name for number, name in enumerate(held) if held[name] not in listed[:number]]
            for field in fields:
                self.writer.intrinsics = True
                for choice, then in list(self.writer.branches(value[field], when)):
                    yield value, field, choice, then
            if not fields:
                yield container, key, value, when

    def _read(
        self, holder: _Holder, container: Any, key: Any, raw: Any, others: dict[str, Any] | None
    ) -> Any:
        """The definition that a value is or names; None where it is elsewhere. Raises ReadError."""
        writer = self.writer
        writer.fill = filler(None, others)
        if key in holder.files:
            return self._follow(raw)
        if key == "Properties":
            return None
        filled = as_sub(raw)
        if filled is not None:
            writer.fill = filler(filled[1], others)
            return self._parse(container, key, raw, filled[0])
        if not isinstance(raw, dict):
            return None
        writer.intrinsics = True
        if len(raw) == 1 and "Fn::ToJsonString" in raw:
            return writer.settle(raw["Fn::ToJsonString"])
        return None if any(each == "Ref" or each[:4] == "Fn::" for each in raw) else raw

    def _parse(self, container: Any, key: Any, raw: Any, text: str) -> Any:
        """Read a definition that is a text of the template's; its places become those in the file."""
        position = self.template.position
        body = raw.get("Fn::Sub") if isinstance(raw, dict) else None
        outer = position(container, key) or (1, 1)
        inner = (position(body, 0) if isinstance(body, list) else None, position(raw, "Fn::Sub"), outer)
        found = (place_in(self.own, at, text) for at in inner)
        locate = next((each for each in found if each is not None), lambda line, column: outer)
        try:
            document = read_with_holes(text, self.limits)
        except ReadError as error:
            at = locate(error.line or 1, error.column or 1)
            raise ReadError(error.what, *at, hint=error.hint or "the text must be JSON") from None
        return self._take(put(document, locate))

    def _follow(self, raw: Any) -> Any:
        """Read the local file that a location names; None where it lies elsewhere."""
        stored = isinstance(raw, dict)
        path = self.writer.settle(raw.get("Key")) if stored else raw
        if not isinstance(path, str) or REMOTE.match(path):
            return None
        try:
            text, file, real = self.loader.open_beside(self.entry, path, self.beside, self.loaded)
        except ReadError:
            if stored:
                return None
            raise
        try:
            try:
                document = read_with_holes(text, self.limits)
            except SyntaxFault:
                document = read(text, self.limits)
        except ReadError as error:
            raise ReadError(f"{shown(file)}: {error}", hint=error.hint) from None
        self.loaded.followed.add(real)
        self.writer.file = file
        return self._take(document)

    def _take(self, document: Document) -> Any:
        """The content of a document; all that are read for one template count together."""
        nodes = self.limits.nodes - sum(len(each) for each in document.marks.values())
        self.limits = self.limits._replace(nodes=max(nodes, 1))
        self.template.marks.update(document.marks)
        self.template.alive = (self.template.alive, document)
        say_what_was_read(document, self.writer.file, self.loaded)
        self.loaded.picks.update(passes(document))
        return document.root
