"""The templates that are judged together, a file's own and its nested stacks: which resource names which."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from scanner.joint import OWNER, Owner, names_in, part_of
from scanner.path import parse_path, walk
from scanner.template.load import DEFINED, leading
from scanner.template.mention import mentions, plainly_named
from scanner.value import Opaque, Partial, Variable, ask_equals, is_change, unknown

if TYPE_CHECKING:
    from scanner.template.bonds import Bonds
    from scanner.template.template import Template
    from scanner.template.view import View

Spot = tuple["Template", str]
"""A resource: the template that it stands in, and its logical id there."""


class _Index(NamedTuple):
    """The resources of a type by what a path of theirs names; those that only a world can tell in `open`."""

    named: dict[tuple[str, str], list[tuple[int, Spot]]]
    open: list[tuple[int, Spot]]


class Family:
    """Templates judged together, and what their types say of joints.

    `whole`: nothing that belongs to them stands elsewhere. `bonds` are those of their file, with the
    templates of others that it is joined to.
    """

    def __init__(
        self,
        templates: "list[Template]",
        kinds: Mapping[str, Any],
        types: Mapping[str, Mapping[str, Any]],
        whole: bool = False,
        bonds: "Bonds | None" = None,
    ) -> None:
        kin = bonds.kin if bonds else ()
        self.templates = {template.key: template for template in (*templates, *kin)}
        self.kinds = kinds
        self.types = types
        self.whole = whole
        self._hidden = whole and next((it for each in self.templates.values() for it in _closed(each)), "")
        self.apart = bonds.apart if bonds else {}
        self._own = bonds.file if bonds else ""
        self.members: set[tuple[str, str]] | None = None
        """The resources, by template's key and logical id, that belong to an environment; None: all."""
        self._by_type: dict[str, list[Spot]] | None = None
        self._names: dict[str, tuple[dict[str, dict[Spot, None]], list[Spot]]] = {}
        self._indices: dict[tuple[str, str], _Index] = {}
        self._leaving: dict[str, frozenset[str]] = {}
        self._gathered: dict[tuple[str, ...], Any] = {}

    def of_type(self, kind: str) -> list[Spot]:
        """All resources of a type, in order."""
        if self._by_type is None:
            self._by_type = {}
            for template in self.templates.values():
                for name, raw in template.resources.items():
                    if type(raw) is dict and is_change(raw.get("Properties")):
                        continue  # it is there already, and under its own name
                    self._by_type.setdefault(template.type_of(name), []).append((template, name))
        return self._by_type.get(kind, [])

    def belongs(self, template: "Template", name: str) -> bool:
        """Is a resource one of an environment?"""
        return self.members is None or (template.key, name) in self.members

    def body(self, spot: Spot) -> Any:
        """The raw properties of a resource, with their owner in them where they are plain to see."""
        template, name = spot
        if name not in template.bodies:
            written = template.properties_of(name)
            if type(written) is dict and not any(each == "Ref" or each[:4] == "Fn::" for each in written):
                kind = template.type_of(name)
                body = {OWNER: Owner(kind, name, self.kinds.get(kind), template), **written}
                template.stand_in(body, written)
                written = body
            template.bodies[name] = written
        return template.bodies[name]

    def follow(self, view: "View", raw: Any, joint: Mapping[str, Any]) -> Any:
        """The properties of the resource that a raw value names, as `check.View` has it."""
        value = view.value(raw)
        if value is None:
            return None
        types = joint["types"]
        found = self._find(view, value, types)
        if found is None:
            noun = " or ".join(kind.rpartition("::")[2] for kind in types)
            # The cause of what is unknown says more than that it is.
            what = f" ({value.cause})" if type(value) is Partial else ""
            return unknown(f"a{'n' * (noun[0] in 'AEIO')} {noun} that is not in this scan{what}", filled=True)
        template, name = found
        inside = view.inside(template)
        if not inside.exists(template.resources[name]):
            return None
        body = self.body(found)
        return body if type(body) is dict and OWNER in body else inside.value(body)

    def _find(self, view: "View", value: Any, types: list[str], to: Spot | None = None) -> Spot | None:
        """The resource of one of `types` that a value names, if it is here: `to` where it names more."""
        reference = _reference(value) if type(value) is Partial else None
        if reference is not None:
            return self._meant(reference) if reference[0] in types else None
        text = _spell(view, value)
        names = names_in(text) if text else ()
        for kind in types:
            plain, open_ones = self._names_of(kind)
            for name in names:
                named = plain.get(name, {})
                for spot in (to,) if to is not None and to in named else named:
                    view.world.effort.spend()
                    if self._is_here(view, spot):
                        return spot
            for spot in open_ones:
                view.world.effort.spend()
                inside = view.inside(spot[0])
                spelled = _spell(inside, inside.value(self.body(spot)[self.naming(kind)]))
                if spelled in names and self._is_here(view, spot):
                    return spot
        return None

    def _is_here(self, view: "View", spot: Spot) -> bool:
        """Is a resource made in this world, where names are those that the view's template knows?"""
        template, name = spot
        exists = view.inside(template).exists(template.resources[name])
        return exists and _stack_set(template) == _stack_set(view.template)

    def _meant(self, reference: tuple[str, ...]) -> Spot | None:
        """The resource of a reference; other files refer to those of this one by its name too."""
        key = reference[3]
        template = self.templates.get(key) or self.templates.get(key.removeprefix(f"{self._own} "))
        return None if template is None else (template, reference[1])

    def naming(self, kind: str) -> str:
        """The property that names a resource of a type."""
        return str((self.types.get(kind) or {}).get("named") or f"{kind.rpartition('::')[2]}Name")

    def _names_of(self, kind: str) -> tuple[dict[str, dict[Spot, None]], list[Spot]]:
        """Physical name -> resources of a type, and those whose name is to be worked out."""
        found = self._names.get(kind)
        if found is None:
            found = self._names[kind] = {}, []
            for spot in self.of_type(kind):
                body = self.body(spot)
                name = body.get(self.naming(kind)) if type(body) is dict else None
                if type(name) is str:
                    found[0].setdefault(name, {})[spot] = None
                elif name is not None:
                    found[1].append(spot)
        return found

    def gather(self, view: "View", properties: Any, joint: Mapping[str, Any]) -> Any:
        """The properties of those that name a resource, as `check.View` has it."""
        owner = properties.get(OWNER) if type(properties) is dict else None
        if owner is None or joint is None:
            return unknown("other resources")
        key = (owner.home.key, owner.name, *map(str, joint.values()))
        if key in self._gathered:
            return self._gathered[key]
        inputs = view.world.inputs
        found = self._gather(view, owner, joint)
        more = self._more(owner, joint)
        if more is not None:
            near = self.whole and ("elsewhere" not in joint or joint["from"] in self.apart)
            found.append(Partial((Opaque(more, filled=True, more=True, near=near),)))
        answer = None if not found else found[0] if len(found) == 1 and more is not None else found
        if view.world.inputs == inputs:
            self._gathered[key] = answer
        return answer

    def _gather(self, view: "View", owner: Owner, joint: Mapping[str, Any]) -> list[Any]:
        spot, by = (owner.home, owner.name), joint.get("by")
        if by is None:
            candidates = list(enumerate(self.of_type(joint["from"])))
        else:
            index = self._index(joint["from"], by)
            candidates = sorted(
                [*index.named.get((owner.home.key, owner.name), ()), *index.open], key=lambda each: each[0]
            )
        found: list[Any] = []
        for _, (template, name) in candidates:
            view.world.effort.spend()
            inside = view.inside(template)
            if not inside.exists(template.resources[name]):
                continue
            leads = by is None or self._leads(inside, name, by, spot, "entire" in joint)
            if leads is False:
                continue
            if any(self._leads(inside, name, path, spot) for path in joint.get("except", ())):
                continue
            found.append(self.body((template, name)) if leads else unknown(f"what {name} names"))
        return found

    def _leads(self, view: "View", name: str, path: str, to: Spot, entire: bool = False) -> bool | None:
        """Does a path of a resource name another one, `entire` and no part of it? None: it can't be told."""
        body = self.body((view.template, name))
        if type(body) is not dict:
            return None
        answer: bool | None = False
        kind = to[0].type_of(to[1])
        by_name = path.endswith(self.naming(kind))
        own = self.kinds.get(view.template.type_of(name))
        for target in walk(view, body, own, parse_path(path), at="", origin=(None, None)):
            value = target.value
            if value is None:
                continue
            found = self._find(view, value, [kind], to)
            if found == to:
                parts = value.parts if type(value) is Partial else (value,)
                part = part_of("".join(it if type(it) is str else "*" for it in parts))
                if not (entire and part):
                    return True
                answer = None if part[0] == "*" and type(value) is Partial else answer
            elif type(value) is not str and not _is_foreign(value) and _reference(value) is None:
                answer = None
            elif by_name and found is None and self._is_here(view, to):
                its = self._is_name(view, value, to)
                if its:
                    return True
                answer = None if its is None else answer
        return answer

    def _is_name(self, view: "View", value: Any, of: Spot) -> bool | None:
        """Is this the name that a resource is given, where inputs make one of both? None: it may be."""
        body = self.body(of)
        given = body.get(self.naming(of[0].type_of(of[1]))) if type(body) is dict else None
        name = view.inside(of[0]).value(given) if given is not None else None
        for one, other in ((value, name), (name, value)):
            if type(one) is Partial and type(other) is str and _reference(one) is None:
                return view.test(one, ask_equals(other))
        return False

    def _index(self, kind: str, path: str) -> _Index:
        found = self._indices.get((kind, path))
        if found is None:
            found = self._indices[kind, path] = _Index({}, [])
            for place in enumerate(self.of_type(kind)):
                template = place[1][0]
                named = plainly_named(template, self.body(place[1]), path.split("."))
                if named is None:
                    found.open.append(place)
                for logical in dict.fromkeys(named or ()):
                    found.named.setdefault((template.key, logical), []).append(place)
        return found

    def _more(self, owner: Owner, joint: Mapping[str, Any]) -> str | None:
        """Why there may be others that name a resource than those in sight."""
        noun = joint["from"].rpartition("::")[2].removesuffix("s")
        if "elsewhere" in joint or ("by" not in joint and not self.whole):
            elsewhere = f"{noun}s that another stack may have"
            return self.apart.get(joint["from"], elsewhere) if self.whole else elsewhere
        if self._hidden:
            return f"{noun}s that the stack or module {self._hidden} may bring"
        if self.whole:
            return self.apart.get(joint["from"])
        template = owner.home
        if template.key not in self._leaving:
            self._leaving[template.key] = frozenset(_leaving(template))
        if owner.name in self._leaving[template.key]:
            return f"{noun}s that another stack may have for {owner.name}, whose id leaves this one"
        return None


def _stack_set(template: "Template") -> str:
    """The template that a stack set brings to accounts and regions of its own, if this is part of one."""
    while template.parent is not None:
        above, raw = template.parent
        if raw.get("Type") == "AWS::CloudFormation::StackSet":
            return template.key
        template = above
    return ""


def _reference(value: Partial) -> tuple[str, ...] | None:
    """The resource that a text names: as the whole, or as a whole step of an ARN or URI."""
    parts = value.parts
    for number, part in enumerate(parts):
        if isinstance(part, Opaque):
            if part.refers is None or len(part.refers) < 4:
                return None
            after = parts[number + 1] if number + 1 < len(parts) else ""
            before = parts[number - 1] if number else ""
            ends = isinstance(after, str) and after[:1] in ("", "/", ":")
            starts = isinstance(before, str) and before[-1:] in ("", "/", ":")
            return part.refers if ends and starts else None
        if isinstance(part, Variable) and not part.name.startswith("AWS::"):
            return None
    return None


def _spell(view: "View", value: Any) -> str:
    """A text that tells a name from others, known or made of inputs; else empty."""
    parts = value.parts if type(value) is Partial else (value,)
    if not all(isinstance(part, (str, int, Variable)) for part in parts):
        return ""
    home = view.template.key  # a stack's name and id are other ones in each template
    return "".join(
        f"\0{hash((it.key, it.key.startswith('AWS::Stack') and home))}"
        if isinstance(it, Variable)
        else str(it)
        for it in parts
    )


def _is_foreign(value: Any) -> bool:
    """Does it come from where no id of a resource of the same template does: a parameter, an import?"""
    return type(value) is not Partial or any(
        isinstance(part, Variable) or (isinstance(part, Opaque) and part.filled and not part.near)
        for part in value.parts
    )


def _leaving(template: "Template") -> Iterator[str]:
    """The resources that a template hands on: by its outputs, or to what is not in sight."""
    yield from mentions(template.outputs)
    for name in _closed(template):
        yield from mentions(template.resources[name])


def _closed(template: "Template") -> list[str]:
    """What stands for resources that are not in sight: modules, and nested stacks that are not followed."""
    found = leading(template).items()
    return [name for name, kind in found if kind not in DEFINED and name not in template.children]
