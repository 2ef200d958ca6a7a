"""The templates that are judged together, a file's own and its nested stacks: which resource names which."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from scanner.joint import OWNER, Owner, names_in, part_of
from scanner.path import parse_path, walk
from scanner.template.mention import hidden_in, leaving
from scanner.template.names import (
    Place,
    Register,
    Speller,
    Spot,
    is_foreign,
    may_be_name,
    possible_names,
    reference,
    stack_set_of,
)
from scanner.template.view import View
from scanner.value import Opaque, Partial, is_change, unknown
from scanner.world import World

if TYPE_CHECKING:
    from scanner.template.bonds import Bonds
    from scanner.template.template import Template


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
        self._hidden = whole and next((it for each in self.templates.values() for it in hidden_in(each)), "")
        self.apart = bonds.apart if bonds else {}
        self._own = bonds.file if bonds else ""
        self.members: set[tuple[str, str]] | None = None
        """The resources, by template's key and logical id, that belong to an environment; None: all."""
        self._by_type: dict[str, list[Spot]] | None = None
        self._speller = Speller(self.templates)
        self._registers: dict[tuple[Any, ...], Register] = {}
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

    def follow(self, view: View, raw: Any, joint: Mapping[str, Any]) -> Any:
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
            what = f"{noun} that is not in this scan{what}{self._unless(view, value, types)}"
            return unknown(f"a{'n' * (noun[0] in 'AEIO')} {what}", filled=True)
        template, name = found
        inside = view.inside(template)
        if not inside.exists(template.resources[name]):
            return None
        body = self.body(found)
        return body if type(body) is dict and OWNER in body else inside.value(body)

    def is_judged(self, view: View, raw: Any, types: tuple[str, ...]) -> bool | str:
        """Does a raw value name a resource of one of `types` that is here? Else what it names."""
        value = view.value(raw)
        refers = reference(value)
        if value is None or (refers and refers[0] in types) or self._find(view, value, types) is not None:
            return True
        what = value.cause if type(value) is Partial else "nothing in this template has that name"
        return what + self._unless(view, value, types)

    def _find(self, view: View, value: Any, types: Iterable[str]) -> Spot | None:
        """The resource of one of `types` that a value names, if it is here."""
        refers = reference(value)
        if refers and refers[0] in types:
            return self._meant(refers)
        text = self._speller.spell(view, value)
        names = names_in(text) if text else ()
        for kind in types if text else ():
            for register in self._registers_of(view, kind):
                for _, spot in (each for name in names for each in register.same.get(name, ())):
                    view.world.effort.spend()
                    if self._is_here(view, spot):
                        return spot
                for _, spot in register.open:
                    view.world.effort.spend()
                    if (self._name(view, spot) or None) in names and self._is_here(view, spot):
                        return spot
        return None

    def _is_here(self, view: View, spot: Spot) -> bool:
        """Is a resource made in this world, where names are those that the view's template knows?"""
        template, name = spot
        exists = view.inside(template).exists(template.resources[name])
        return exists and stack_set_of(template) == stack_set_of(view.template)

    def _unless(self, view: View, value: Any, types: Iterable[str]) -> str:
        """In words the resources that a value may name, which can't be told."""
        text = self._speller.spell(view, value)
        places: list[Place] = []
        for kind in types:
            if not is_foreign(value):
                places += islice(enumerate(self.of_type(kind)), 2)
            elif self._is_chosen(kind) and may_be_name(value):
                names = possible_names(text) if text else None
                for register in self._registers_of(view, kind):
                    places += islice(register.near(names, self._speller, view.world.effort), 2)
        more = " or another" if len(places) > 1 else ""
        return f", unless it is {places[0][1][1]}{more}" if places else ""

    def _meant(self, refers: tuple[str, ...]) -> Spot | None:
        """The resource of a reference, if that says where; other files refer to this one by its name too."""
        if len(refers) < 4:
            return None
        key = refers[3]
        template = self.templates.get(key) or self.templates.get(key.removeprefix(f"{self._own} "))
        return None if template is None else (template, refers[1])

    def naming(self, kind: str) -> str:
        """The property that names a resource of a type."""
        return str((self.types.get(kind) or {}).get("named") or f"{kind.rpartition('::')[2]}Name")

    def _is_chosen(self, kind: str) -> bool:
        """Are resources of a type named by others as their template names them, and by no id of AWS?"""
        live = (self.types.get(kind) or {}).get("live", {})
        return not str(live.get("name") or live.get("list", {}).get("name")).endswith("Id")

    def _name(self, view: View, spot: Spot) -> str | None:
        """The name that a resource is given, as it is spelled; None where AWS makes one up."""
        template, logical = spot
        inside, body = view.inside(template), self.body(spot)
        raw = body.get(self.naming(template.type_of(logical))) if type(body) is dict else None
        value = None if raw is None else inside.value(raw)
        return None if value is None else self._speller.spell(inside, value)

    def _registers_of(self, view: View, kind: str, path: str = "") -> Iterator[Register]:
        """The resources of a type by what a path of theirs leads to, or by their names.

        Those first that are the same in every world, then those that hang on what this one settles.
        """
        world = view.world
        plain = self._registers.get((kind, path))
        plain = plain or self._enter((kind, path), enumerate(self.of_type(kind)), world, None)
        yield plain
        if plain.later:
            settled = {key: it for key, it in world.choices.items() if it.text is not None}
            texts = sorted((key, it.text) for key, it in settled.items())
            key = (kind, path, world.as_written, *texts)
            layer = self._registers.get(key) or self._enter(key, plain.later, world, settled)
            world.inputs += 1
            world.varied |= layer.varied
            yield layer

    def _enter(
        self, key: tuple[Any, ...], places: Iterable[Place], world: World, settled: dict[str, Any] | None
    ) -> Register:
        """Make a register of resources; without what is `settled` of those that hang on nothing."""
        found, probe = Register(), None
        for place in places:
            world.effort.spend()
            if probe is None or probe.forked or settled is None:
                probe = World([], as_written=world.as_written, effort=world.effort)
                probe.choices.update(settled or {})
            names = self._entries(View(place[1][0], probe), place[1], key[1])
            found.varied |= probe.varied
            if settled is None and (probe.inputs or probe.forked):
                found.later.append(place)
            elif names is None or probe.forked:
                found.open.append(place)
            else:
                for name in dict.fromkeys(names):
                    found.same.setdefault(name, []).append(place)
        self._registers[key] = found
        return found

    def _entries(self, view: View, spot: Spot, path: str) -> list[str | Spot] | None:
        """What a resource is found by: a name as it is spelled, or what it refers to; None: can't be told."""
        if not path:
            name = self._name(view, spot)
            return [] if name is None else [name] if name else None
        body, found = self.body(spot), list[str | Spot]()
        if type(body) is not dict:
            return None
        for target in walk(view, body, None, parse_path(path), at="", origin=(None, None)):
            refers, text = reference(target.value), self._speller.spell(view, target.value)
            meant = self._meant(refers) if refers else None
            if meant is not None:
                found.append(meant)
            if text:
                found += possible_names(text)
            elif target.value is not None and meant is None:
                return None
        return found

    def gather(self, view: View, properties: Any, joint: Mapping[str, Any]) -> Any:
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

    def _gather(self, view: View, owner: Owner, joint: Mapping[str, Any]) -> list[Any]:
        spot, by = (owner.home, owner.name), joint.get("by")
        own = self._name(view.inside(owner.home), spot)
        places = list(enumerate(self.of_type(joint["from"]))) if by is None else []
        for register in () if by is None else self._registers_of(view, joint["from"], by):
            places += [*register.same.get(spot, ()), *register.open]
            places += register.same.get(own or "", ())
            if own is not None and self._is_chosen(owner.type):
                places += register.near((own,) if own else None, self._speller, view.world.effort)
        found: list[Any] = []
        for _, (template, name) in sorted(dict(places).items()):
            view.world.effort.spend()
            inside = view.inside(template)
            if not inside.exists(template.resources[name]):
                continue
            leads = by is None or self._leads(inside, name, by, spot, own, "entire" in joint)
            for path in joint.get("except", ()):
                excepted = leads is not False and self._leads(inside, name, path, spot, own)
                leads = None if excepted is None else leads and not excepted
            if leads is not False:
                found.append(self.body((template, name)) if leads else unknown(f"what {name} names"))
        return found

    def _leads(
        self, view: View, name: str, path: str, to: Spot, own: str | None, entire: bool = False
    ) -> bool | None:
        """Does a path of a resource name another one, `entire` and no part of it? None: it can't be told.

        `own` is the name that the other one is given.
        """
        body = self.body((view.template, name))
        if type(body) is not dict:
            return None
        answer: bool | None = False
        kind, own_kind = to[0].type_of(to[1]), self.kinds.get(view.template.type_of(name))
        for target in walk(view, body, own_kind, parse_path(path), at="", origin=(None, None)):
            value = target.value
            refers, text = reference(value), self._speller.spell(view, value)
            meant = self._meant(refers) if refers and refers[0] == kind else None
            if meant == to or (own and own in names_in(text) and self._is_here(view, to)):
                parts = value.parts if type(value) is Partial else (value,)
                part = part_of("".join(it if type(it) is str else "*" for it in parts))
                if not (entire and part):
                    return True
                answer = None if part[0] == "*" and type(value) is Partial else answer
            elif not is_foreign(value):
                answer = None
            elif own is not None and self._is_chosen(kind) and may_be_name(value):
                may_be = not own or not text or self._speller.may_be(text, own)
                if may_be and self._is_here(view, to) and self._find(view, value, [kind]) is None:
                    answer = None
        return answer

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
            self._leaving[template.key] = frozenset(leaving(template))
        if owner.name in self._leaving[template.key]:
            return f"{noun}s that another stack may have for {owner.name}, whose id leaves this one"
        return None
