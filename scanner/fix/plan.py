"""From a finding to the patch that settles it, by what its control requires."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from scanner.catalog import Catalog
from scanner.check import PLAIN
from scanner.engine import Engine
from scanner.fix.patch import Patch, Ref, Unfit, leaves, merge, patch_at
from scanner.fix.tree import Tree, resources
from scanner.joint import shaped
from scanner.kind import coerce, kind_below
from scanner.model import Finding, Verdict
from scanner.path import Path, parse_path
from scanner.requirement import compile_schema
from scanner.template.document import Either, Unreadable
from scanner.value import as_number, as_text

_STEP = re.compile(r"([A-Za-z0-9]+)|\[(\d+)\]")
_SAYS_NOTHING = {"about", "words", "type", "default"}
"""Keywords that leave open what a value is."""
CDK = ("aws:cdk:path", "AWS::CDK::Metadata", "/cdk-bootstrap/")
"""What a template that the CDK made speaks of."""

Steps = tuple[Any, ...]


class Mend(NamedTuple):
    """What settles some findings of one resource."""

    findings: tuple[Finding, ...]
    resource: Steps
    """Path of the resource in the template."""
    patch: Patch
    """From the template's root; without the parameters that it refers to."""
    needs: tuple[Steps, ...] = ()
    """Paths from the root without which AWS would refuse the result."""
    replaces: bool = False
    """CloudFormation makes the resource anew for it."""
    fixed_name: str | None = None
    """The property whose fixed name CloudFormation would then stumble on."""

    @property
    def parameters(self) -> frozenset[str]:
        """The parameters that it refers to."""
        return frozenset(value.name for value in leaves(self.patch).values() if isinstance(value, Ref))


class Planner:
    """One template's patches: `facts` are `catalog.property_kinds()`, `selected` ids asked for by name."""

    def __init__(
        self,
        catalog: Catalog,
        facts: Mapping[str, Any],
        selected: frozenset[str],
        data: Any,
        tree: Tree,
        text: str,
        nested: bool,
    ) -> None:
        self._catalog = catalog
        self._facts = facts
        self._selected = selected
        self._data = data
        self._tree = tree
        self._engine = Engine(catalog)
        self._made = any(word in text for word in CDK)
        self._nested = nested
        self._names: dict[str, str] = {}
        self.declarations: dict[str, Mapping[str, Any]] = {}
        """Parameters that the template lacks, by the name that they get."""

    def plan(self, finding: Finding, file: str) -> Mend:
        """What settles a finding of `file`; raises Unfit where no edit does."""
        control = finding.control
        by_hand = control.fix or {}
        if finding.waiver is not None:
            raise Unfit("is waived")
        if finding.verdict is not Verdict.FAIL and finding.condition is None:
            raise Unfit(f"is not known here: {finding.cause}")
        if finding.location.file != file:
            raise Unfit(f"stands in {finding.location.file}: mend that file")
        if "@" in finding.location.path + finding.place:
            raise Unfit("other resources settle it, which are yours to write")
        if finding.resource.construct or self._made:
            raise Unfit("is made by the CDK: mend its code")
        if "by-hand" in by_hand:
            raise Unfit(by_hand["by-hand"])
        if "when-selected" in by_hand and control.id not in self._selected:
            raise Unfit(f"{by_hand['when-selected']}: mended with --select {control.id}")
        resource = self._locate(finding)
        body = (*resource, "Properties")
        patch: Patch = {}
        try:
            for steps, value in self.settings(finding, body):
                merge(patch, patch_at((*body, *steps), value))
        except Unfit as fault:
            raise Unfit(f"{fault}; {finding.condition}" if finding.condition else str(fault)) from None
        if not patch:
            raise Unfit(finding.condition or "what should stand there is yours to say")
        paths = [steps[len(body) :] for steps in leaves(patch)]
        self._demand_taken(finding.resource.type, paths, body)
        create_only = self._facts["create-only"].get(finding.resource.type, ())
        replaces = any(_covers(fixed, steps) for fixed in create_only for steps in paths)
        return Mend(
            (finding,),
            resource,
            patch,
            tuple((*body, *path.split(".")) for path in by_hand.get("needs", ())),
            replaces,
            self._fixed_name(finding.resource.type, create_only, body) if replaces else None,
        )

    def _locate(self, finding: Finding) -> Steps:
        """The path of the resource in the template, in the body of a loop too."""
        section, name = self._tree.find(self._tree.root, "Resources"), finding.resource.name
        if section is None or "/" in name:
            raise Unfit("stands in a definition or a request: mend it by hand")
        if self._tree.find(section[1], name) is not None:
            return ("Resources", name)
        place = ((finding.location.line or 0) - 1, (finding.location.column or 0) - 1)
        for trail, key, value in resources(section[1], ("Resources",)):
            begin, end = key.start_mark, value.end_mark
            if (begin.line, begin.column) <= place < (end.line, end.column):
                return trail
        raise Unfit("is not written out in this file")

    def settings(self, finding: Finding, body: Steps) -> Iterator[tuple[Steps, Any]]:
        """The paths below `Properties` at which the control asks for another value, with that value."""
        catalog, kind_of = self._catalog, finding.resource.type
        whole = self._facts["kinds"].get(kind_of) or catalog.kinds.get(kind_of)
        places = self._engine.places(finding.control, kind_of)
        for place, compiled in zip(finding.control.resources[kind_of]["places"], places, strict=True):
            shape = shaped(place, catalog.shapes)
            target = _target(compiled.at, compiled.identity, finding.place)
            if target is None:
                continue
            # Where AWS may refuse a property, it is not added for some values of a parameter only.
            for text in shape.get("unless", ()) if shape.get("unsure") else ():
                for steps in self._expand(body, target, parse_path(text)):
                    if isinstance(self._look((*body, *steps)), dict):
                        raise Unfit(f"whether AWS takes it hangs on {spell(steps)}")
            for text, schema in shape["requires"].items():
                for steps in self._expand(body, target, parse_path(text)):
                    raw = self._look((*body, *steps))
                    kind = kind_at(whole, steps)
                    if not self._holds(raw, schema, kind):
                        value = self.value(spell(steps), raw, schema, kind)
                        # What was written as text stays text: "false" becomes "true".
                        literal = isinstance(raw, str) and raw and not isinstance(value, Ref)
                        yield steps, as_text(value) if literal else value

    def _expand(self, body: Steps, at: Steps, path: Path) -> Iterator[Steps]:
        """The places that a path leads to from `at`; every item of a list is one."""
        if not path:
            yield at
            return
        steps = (*at, path[0].name)
        if not path[0].each:
            yield from self._expand(body, steps, path[1:])
            return
        items = self._look((*body, *steps))
        for index in range(len(items) if isinstance(items, list) else 0):
            yield from self._expand(body, (*steps, index), path[1:])

    def _look(self, steps: Steps) -> Any:
        """What stands at a path from the root, None where nothing does; raises Unfit behind a function."""
        raw = self._data
        for step in (*steps, None):
            if isinstance(raw, Either | Unreadable):
                raise Unfit(f"{spell(steps)} can't be told")
            if step is None:
                return raw
            if isinstance(raw, dict):
                if step not in raw:
                    _demand_plain(raw)
                raw = raw.get(step)
            elif isinstance(raw, list):
                raw = raw[step] if isinstance(step, int) and step < len(raw) else None
            elif raw is not None:
                raise Unfit(f"no mapping stands above {spell(steps)}")
        return raw

    def _holds(self, raw: Any, schema: Mapping[str, Any], kind: Any) -> bool:
        """Is this line of the requirement met? Raises Unfit where a function decides."""
        if isinstance(raw, dict) and (schema or "Fn::If" in raw or raw == {"Ref": "AWS::NoValue"}):
            _demand_plain(raw)
        found = PLAIN.value(raw)
        if found is None:
            if "default" not in schema:
                return schema == {"not": {}}  # what must be absent is
            found = schema["default"]
        return compile_schema(schema, self._catalog.values)(PLAIN, coerce(found, kind), kind) is None

    def value(self, path: str, raw: Any, schema: Mapping[str, Any], kind: Any) -> Any:
        """The value to set: what the requirement says, else a reference to a parameter."""
        while "$ref" in schema:
            rest = {key: value for key, value in schema.items() if key != "$ref"}
            schema = {**self._catalog.values[schema["$ref"]], **rest}
        values = [schema[key] for key in ("const", "minimum", "maximum") if key in schema]
        values += schema["enum"] if len(schema.get("enum", ())) == 1 else []
        number = as_number(as_text(raw))
        if number is not None and len(values) > 1:
            values.sort(key=lambda bound: abs(bound - number))
        check = compile_schema(schema, self._catalog.values)
        for value in values:
            if check(PLAIN, coerce(value, kind), kind) is None:
                return value
        name = path.rpartition(".")[2]
        if schema.keys() - {"enum", "items"} <= _SAYS_NOTHING:
            for wanted, entry in reversed([*self._catalog.template_parameters.items()]):
                listed = entry["declares"]["Type"].startswith(("List<", "CommaDelimited"))
                if name in entry["properties"] and listed == (type(kind) is list):
                    return Ref(self._name(wanted, entry["declares"]))
        raise Unfit(f"what {name} should be is yours to say")

    def _name(self, wanted: str, declaration: Mapping[str, Any]) -> str:
        """The name of a parameter: one that is declared already and fits, else one that is free."""
        if self._nested:
            raise Unfit(f"its parent stack would have to pass {wanted}")
        declared = self._look(("Parameters",)) or {}
        for number in count(1) if wanted not in self._names else ():
            name = wanted if number == 1 else f"{wanted}{number}"
            there = declared.get(name)
            if isinstance(there, dict):
                if there.get("Type") == declaration["Type"] and there.get("Default") != "":
                    self._names[wanted] = name
                    break
            elif name not in declared and name not in (self._look(("Resources",)) or {}):
                self._names[wanted] = name
                self.declarations[name] = declaration
                break
        return self._names[wanted]

    def _demand_taken(self, kind_of: str, paths: list[Steps], body: Steps) -> None:
        """Raise Unfit where CloudFormation has no such property, or takes it only with others."""
        for lacking in self._facts["api-only"].get(kind_of, ()):
            if any(_covers(lacking, steps) for steps in paths):
                raise Unfit(f"CloudFormation has no {lacking} there")
        for container, names in self._facts["required"].get(kind_of, {}).items():
            depth = container.count(".") + container.count("[]") + 1
            for steps in dict.fromkeys(path[:depth] for path in paths if _covers(container, path[:-1])):
                beside = {path[depth] for path in paths if path[:depth] == steps and len(path) > depth}
                missing = [name for name in names if name not in beside]
                if missing and PLAIN.value(self._look((*body, *steps))) is None:
                    raise Unfit(f"{container} also needs {' and '.join(missing)}, which is yours to say")

    def _fixed_name(self, kind_of: str, create_only: Sequence[str], body: Steps) -> str | None:
        """The property that names the resource, if its successor would have that name as well."""
        name = f"{kind_of.rpartition('::')[2]}Name"
        return name if name in create_only and self._look((*body, name)) is not None else None


def spell(steps: Steps) -> str:
    """A path as reports show it: A.B[0].C."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return text.removeprefix(".")


def _covers(path: str, steps: Steps) -> bool:
    """Is `path`, in which [] is any item, the beginning of these steps?"""
    wanted = path.replace("[]", ".[]").split(".")
    found = ["[]" if isinstance(step, int) else step for step in steps[: len(wanted)]]
    return wanted == found


def _target(at: Path, identity: str, found: str) -> Steps | None:
    """Where a place looks at, if `found` is what one of its findings is known by."""
    names = (re.escape(step.name) + (r"\[\d+\]" if step.each else "") for step in at)
    pattern = r"\.".join(names)
    dot = r"\." if pattern else ""
    match = re.fullmatch(f"({pattern}){dot}{re.escape(identity)}", found)
    if match is None:
        return None
    return tuple(name or int(index) for name, index in _STEP.findall(match[1]))


def kind_at(kind: Any, steps: Steps) -> Any:
    for step in steps:
        if not isinstance(step, int):
            kind = kind_below(kind, step)
        elif type(kind) is list:
            kind = kind[0]
    return kind


def _demand_plain(raw: Mapping[str, Any]) -> None:
    """Raise Unfit for a function: what it gives is not to be edited."""
    for name in raw:
        if name.startswith("Fn::") or (name == "Ref" and len(raw) == 1):
            shown = f"Ref {raw[name]}" if name == "Ref" else name
            raise Unfit(f"is decided by {shown}")
