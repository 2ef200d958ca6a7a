"""What the files of one scan are to one another: whose members import what others export."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from scanner.environment import Environment
from scanner.template.family import Family
from scanner.template.membership import Key, Membership, exports
from scanner.template.mention import Skeleton, leaves, mentions
from scanner.template.template import Template
from scanner.template.view import View
from scanner.value import Opaque, Part, Partial, may_be
from scanner.world import World

_OPEN = Opaque("")
_MOST = 300
"""Files joined to one another; where there are more, each is judged by itself."""
Exported = Mapping[Skeleton, list[tuple[str, Any]]]
"""Skeleton of an export -> the files that have it, with what it hands on."""


class Bonds(NamedTuple):
    """What other files say of one: its resources that belong, in words what they hold of types, what it
    imports, and the templates that it is joined to over imports, whose keys begin with their `file`.

    `imported`: skeleton -> type, logical id, attribute and template's key of a resource; () for one of many.
    """

    file: str = ""
    seeds: frozenset[Key] = frozenset()
    apart: Mapping[str, str] = MappingProxyType({})
    imported: Mapping[Skeleton, tuple[str, ...]] = MappingProxyType({})
    kin: tuple[Template, ...] = ()


def bind(families: Mapping[str, Family], environment: Environment) -> dict[str, Bonds]:
    """The bonds of each file."""
    if not environment.whole:
        found = _seeds({file: Membership(family, environment) for file, family in families.items()})
        return {file: Bonds(file, frozenset(keys)) for file, keys in found.items()}
    near = _join(families)
    foreign = _foreign(families)
    return {
        file: Bonds(
            file,
            apart={
                kind: f"what the {kind.rpartition('::')[2]} in {shown} is for"
                for kind, files in foreign.items()
                for shown in [shown for other, shown in files if other != file][:1]
            },
            imported={shape: it for own in family.templates.values() for shape, it in own.imported.items()},
            kin=tuple(
                template
                for other in sorted(near[file] - {file})
                for template in families[other].templates.values()
            ),
        )
        for file, family in families.items()
    }


def _join(families: Mapping[str, Family]) -> dict[str, set[str]]:
    """File -> those that it is joined to, itself among them; their templates get what they import."""
    for file, family in families.items():
        for template in family.templates.values():
            template.key = f"{file} {template.key}"
    handed = _handed_on(families)
    near = {file: {file} for file in families}
    for file, family in families.items():
        imported: dict[Skeleton, tuple[str, ...]] = {}
        for template in family.templates.values():
            template.imported = imported
            for how, shape in leaves(template.resources):
                meant = [] if how != "import" or shape in imported else _alike(shape, handed)
                resources = [refers for _, refers in meant if refers is not None]
                if resources:
                    imported[shape] = resources[0] if len(meant) == 1 else ()
                for other, refers in meant:
                    if refers is not None and near[other] is not near[file]:
                        if len(near[other] | near[file]) > _MOST:
                            imported.pop(shape, None)
                            break
                        near[file] |= near[other]
                        near.update(dict.fromkeys(near[other], near[file]))
    return near


def _handed_on(families: Mapping[str, Family]) -> Exported:
    """The resources that are exported, by themselves and in every world; () for more, None for none."""
    found: dict[Skeleton, list[tuple[str, Any]]] = {}
    for file, family in families.items():
        for shape, raw, template in exports(family):
            world = World([], as_written=True)
            value = View(template, world).value(raw)
            part = value.parts[0] if type(value) is Partial and len(value.parts) == 1 else None
            refers = part.refers if isinstance(part, Opaque) and not world.hangs_on_choices else None
            if refers is None and any(name.partition(".")[0] in template.resources for name in mentions(raw)):
                refers = ()
            found.setdefault(shape, []).append((file, refers))
    return found


def _seeds(families: Mapping[str, Membership]) -> dict[str, set[Key]]:
    """File -> its resources that a member in another file leads to, directly or over further files."""
    exported: dict[Skeleton, list[tuple[str, Any]]] = {}
    for file, each in families.items():
        for shape, named in each.exports():
            exported.setdefault(shape, []).append((file, named))
    found: dict[str, set[Key]] = {}
    asked: set[Skeleton] = set()
    waiting = list(families)
    while waiting or (waiting := _belonging(families, exported, found)):
        for shape in families[waiting.pop()].imports - asked:
            asked.add(shape)
            for file, named in _meant(shape, exported):
                found.setdefault(file, set()).update(named)
                if families[file].add(named):
                    waiting.append(file)
    return found


def _belonging(
    families: Mapping[str, Membership], exported: Exported, found: dict[str, set[Key]]
) -> list[str]:
    """The files that get members which belong with those of others."""
    more = []
    for file, each in families.items():
        keys = {
            key
            for shape, key in each.importing()
            if key not in each.members
            and any(not families[other].members.isdisjoint(named) for other, named in _meant(shape, exported))
        }
        if keys:
            found.setdefault(file, set()).update(keys)
            each.add(keys)
            more.append(file)
    return more


def _meant(shape: Skeleton, exported: Exported) -> list[tuple[str, Any]]:
    """The export that an import means, if there is only one that it may."""
    alike = _alike(shape, exported)
    return alike if len(alike) == 1 else []


def _alike(shape: Skeleton, exported: Exported) -> list[tuple[str, Any]]:
    """The exports that an import may mean: those of the same name, or else those that it may match."""
    same = exported.get(shape)
    if same is not None:
        return same
    alike = [it for it in exported if _matches(shape, it) or _matches(it, shape)]
    return [each for it in alike for each in exported[it]]


def _matches(shape: Skeleton, other: Skeleton) -> bool:
    parts: list[Part] = [shape[0]]
    for literal in shape[1:]:
        parts += [_OPEN, literal]
    return may_be(tuple(parts), "\0".join(other))


def _foreign(families: Mapping[str, Family]) -> dict[str, list[tuple[str, str]]]:
    """Type -> files, and their names, with a resource gathered by what it names, which is not in sight."""
    found: dict[str, list[tuple[str, str]]] = {}
    for file, family in families.items():
        for kind, path in _gathered(family.types):
            for template, name in family.of_type(kind):
                body = family.body((template, name))
                raw = body.get(path.partition(".")[0].removesuffix("[]")) if isinstance(body, dict) else body
                if any(
                    (how == "import" and names not in template.imported)
                    or (how == "name" and names[0] in template.declarations and not template.nested)
                    for how, names in leaves(raw)
                ):
                    found.setdefault(kind, []).append((file, template.file))
                    break
    return found


def _gathered(types: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(type, path) by which some type gathers others."""
    for entry in types.values():
        for body in (entry or {}).get("gathers", {}).values():
            if "by" in body:
                yield body["from"], body["by"]
