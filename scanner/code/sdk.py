"""What an object or call of the SageMaker SDK asks AWS for, by the table in `rules/_sdk.yaml`."""

from __future__ import annotations

import ast
import os
from collections.abc import Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from scanner.code.describe import describe
from scanner.code.logic import truth
from scanner.code.run import Run, rest
from scanner.code.sdk_config import defaults
from scanner.code.state import choose, map_choices
from scanner.code.tree import at, beneath, given_or, part_of, passed_on, put, stands
from scanner.code.value import Box, Choice, Mark, Slot, may_be_none, presence, sure
from scanner.template.parameter import declare
from scanner.value import REST, Opaque, Partial, Variable

if TYPE_CHECKING:
    from scanner.code.call import Arguments

_NEVER_NONE = ("InstanceType", "InstanceCount")
"""Where nobody passes None on purpose."""
_WORDS = {"gb": "GB", "mb": "MB", "ssm": "SSM"}


@cache
def load() -> Mapping[str, Any]:
    """Class -> what is known of it; compiled in a package, `rules/` itself in a source checkout."""
    from scanner import catalog

    found: Mapping[str, Any] | None = catalog.data("sdk.json")
    if found is None:
        from scanner import rulepack

        found = rulepack.sdk(os.path.join(rulepack.source_directory(), "_sdk.yaml"))
    return found


@cache
def words() -> frozenset[str]:
    """What code that asks for something holds: names of the SDK's classes and methods, and of modules."""
    table = load()
    found = {"boto3", "sagemaker", "smguard", "global"}
    for name, entry in table.items():
        found.add(name.rpartition(".")[2])
        found.update(entry.get("starts", ()), entry.get("calls", ()))
    return frozenset(found.union(*table["libraries"].values()))


def entry_of(table: Mapping[str, Any], name: str) -> str | None:
    """The entry of what is imported under a dotted name; classes generated from the API have none."""
    if name[:9] != "sagemaker":
        return None
    parts = name.split(".")
    if parts[0] not in ("sagemaker", "sagemaker_core") or parts[-1] not in table:
        return None
    if "shapes" in parts or "resources" in parts:
        return None
    special = f"sagemaker.{parts[1]}.{parts[-1]}"
    return special if special in table else parts[-1]


def in_camel_case(given: Mapping[str, Slot]) -> dict[str, Slot]:
    """Keywords of sagemaker-core's generated classes as the API spells them."""
    spelled = {}
    for name, slot in given.items():
        words = (_WORDS.get(word, word[:1].upper() + word[1:]) for word in name.split("_"))
        spelled[name if name == REST else "".join(words)] = slot
    return spelled


def tagged(cause: str) -> Partial:
    """The name of an image that ends in a tag, and is otherwise not known."""
    return Partial((Opaque(cause, filled=True), "/image:tag"))


def construct(run: Run, node: Any, name: str, given: dict[str, Slot], target: str) -> Any:
    """An object of an entry; one that stands for a resource is judged when it is started, or at the end."""
    if "input" in run.table[name]:
        return _input(run, run.table[name]["input"], given, target)
    made = run.box("object", node, given, name)
    started = given.get(run.table[name].get("submits"))
    if started is not None and started.value in run.objects:
        taken = run.table[started.value.entry].get("keywords", ())
        submit(run, started.value, {key: slot for key, slot in given.items() if key in taken})
    if "type" in run.table[name]:
        # What another resource holds is made as a part of it.
        for slot in [slot for key, slot in given.items() if key not in run.table[name].get("refers", ())]:
            held = [slot.value, *run.held_by(slot.value)] if isinstance(slot.value, Box) else ()
            run.started.update(it for it in held if isinstance(it, Box) and it in run.objects)
        label = run.name_of(f"{run.prefix}{target or name}", (node, name))
        run.objects[made] = label, dict(run.assumed), run.cell
    return made


def found(run: Run, node: Any, name: str, target: str = "") -> Box:
    """An object of an entry that was made before: nothing of it is known, and the call makes nothing."""
    made: Box = construct(run, node, name, rest(f"a setting of {describe(node)}", run.mark(node)), target)
    run.started.add(made)
    return made


def _input(run: Run, kind: str, given: Mapping[str, Slot], target: str) -> Partial:
    """A parameter of a pipeline: its default as written, and anything that it allows."""
    plain = {key: slot.value for key, slot in given.items() if type(slot.value) in (str, int, float, bool)}
    name = str(plain.get("name", target or "of the pipeline"))
    declaration: dict[str, Any] = {"Type": kind}
    if "default_value" in plain:
        declaration["Default"] = plain["default_value"]
    allowed = run.contents(given["enum_values"].value) if "enum_values" in given else None
    if type(allowed) is list and all(type(slot.value) is str for slot in allowed):
        declaration["AllowedValues"] = [slot.value for slot in allowed]
    return Partial((Variable(run.key("input"), name, declare(name, declaration)),))


def method(run: Run, node: Any, box: Box, name: str, arguments: Arguments, target: str) -> Any:
    """A call of a method of an object."""
    entry = run.table[box.entry]
    contents = run.contents(box)
    own = {f"self.{key}": slot for key, slot in contents.items()} if type(contents) is dict else {}
    if name in entry.get("starts", ()) and box in run.objects:
        calls = entry.get("calls", {}).get(name, ())
        given = arguments.named(run, run.table[calls[0]].get("positional", []) if calls else [], node)
        taken = (*entry.get("keywords", ()), entry.get("local"))
        surplus = {key: slot for key, slot in given.items() if key in taken}
        submit(run, box, surplus)
    if name in entry.get("sets", ()) and type(contents) is dict:
        value = next(iter([*arguments.positional, *(slot.value for slot in arguments.given.values())]), True)
        run.state.set(box, {**contents, entry["sets"][name]: Slot(value, run.mark(node))})
        return box
    if name in entry.get("finds", ()):
        return found(run, node, entry["finds"][name] or box.entry, target)
    if name in entry.get("parts", ()):
        run.started.add(box)
        part = _rendered(run, box, entry["parts"][name])
        return run.unsure(node) if type(part) is not dict else run.box("dict", node, part)
    results = []
    for number, made in enumerate(entry.get("calls", {}).get(name, ())):
        if number == 0:
            own.update(arguments.named(run, run.table[made].get("positional", []), node))
        if run.table[made].get("instead"):
            run.started.add(box)
        named = isinstance(node.func.value, (ast.Name, ast.Attribute)) or box.entry == "Unknown"
        receiver = describe(node.func.value) if named else box.entry
        label = f"{receiver}.{name}" if number == 0 else f"{receiver}.{name}/{run.table[made]['type']}"
        results.append(construct(run, node, made, own, label))
        if "starts" not in run.table[made] and results[-1] in run.objects:
            submit(run, results[-1], {})  # the call itself asks for it
    if name in entry.get("loses", ()) and type(contents) is dict:
        lost = Slot(run.unsure(node), run.mark(node))
        run.state.set(box, {**contents, entry["loses"][name]: lost})
    if name in entry.get("same", ()):
        return box
    return results[0] if results else run.unsure(f"{box.entry}.{name}()")


def submit(run: Run, box: Box, surplus: Mapping[str, Slot], *, started: bool = True) -> None:
    """Take down the request of an object as it is now."""
    name, _, cell = run.objects[box]
    run.started.add(box)
    contents = run.contents(box)
    given = {**contents, **surplus} if type(contents) is dict else {REST: Slot(sure(box.entry), box.mark)}
    entry = run.table[box.entry]
    local = given.get(entry["local"]) if "local" in entry else None
    here, run.cell = run.cell, cell
    if not started:
        entry = {**entry, "only-with": {}}
    given = {**given, **_overruled(run, entry, given)}
    properties = _properties(run, entry, given, box.mark)
    kind = f"AWS::SageMaker::{entry['type']}"
    run.submit(kind, name, properties, box.node, local.value if local else None)
    run.cell = here


def _overruled(run: Run, entry: Mapping[str, Any], given: Mapping[str, Slot]) -> dict[str, Slot]:
    """What counts as left out although the code says False, since the SDK's defaults then decide."""
    words = entry.get("config-over-false", ()) if run.defaults else ()
    return {
        word: given[word]._replace(value=map_choices(given[word].value, lambda leaf: leaf or None))
        for word in words
        if word in given
    }


def submit_rest(run: Run) -> None:
    """Take down the requests of objects that nothing in the file starts."""
    for box, (_, assumed, _) in list(run.objects.items()):
        if box not in run.started:
            run.assumed = assumed
            submit(run, box, {}, started="starts" not in run.table[box.entry])
    run.assumed = {}


def _properties(run: Run, entry: Mapping[str, Any], given: Mapping[str, Slot], mark: Mark) -> Any:
    """The request that an object stands for: a tree of slots, or alternatives of them."""
    for keyword, cause in entry.get("hidden-by", {}).items():
        if keyword in given and truth(run, given[keyword].value, None) is not False:
            given = dict.fromkeys((REST, f"self.{REST}"), Slot(sure(cause), given[keyword].mark))
    tree: dict[str, Slot] = {}
    for keyword, path in entry.get("keywords", {}).items():
        slot = given.get(keyword)
        if slot is None:
            hidden = given.get(f"self.{REST}" if keyword.startswith("self.") else REST)
            if hidden is None or (path and stands(tree, path)):
                continue
            slot = Slot(run.unsure(hidden.value.cause), hidden.mark)
        value = run.settle(slot.value)
        if type(value) is Choice and path == "":
            return choose(
                value.key,
                value.label,
                _properties(run, entry, {**given, keyword: Slot(value.yes, slot.mark)}, mark),
                _properties(run, entry, {**given, keyword: Slot(value.no, slot.mark)}, mark),
            )
        fields = entry.get("items", {}).get(keyword)
        contents = run.contents(value)
        if path.endswith("{}") and type(contents) is dict:
            value = [Slot(_rendered(run, each.value, None), each.mark) for each in contents.values()]
        else:
            value = map_choices(value, partial(_rendered, run, fields=fields))
        if keyword in entry.get("below", ()):
            value = map_choices(value, partial(beneath, cause=entry["below"][keyword]))
        if keyword in entry.get("becomes", ()):
            value = map_choices(value, partial(passed_on, moves=entry["becomes"][keyword]))
        if value is None:
            continue
        unknown = may_be_none(value)
        if unknown is not None and path.endswith(_NEVER_NONE):
            value = sure(unknown.cause)
        if path:
            put(tree, path.split("."), Slot(value, slot.mark), mark)
        elif type(value) is dict:
            tree.update({key: each for key, each in value.items() if key not in tree})
        else:
            tree[REST] = Slot(sure(value.cause if type(value) is Partial else keyword), slot.mark)
    _default(run, entry, tree, given, mark)
    _complete(run, entry, tree, given, mark)
    return tree


def _default(
    run: Run, entry: Mapping[str, Any], tree: dict[str, Slot], given: Mapping[str, Slot], mark: Mark
) -> None:
    """What the SDK's defaults add where nothing is given; of a session with its own, nobody knows."""
    instead = entry.get("config-instead-of")
    if not run.defaults:
        decides = instead is not None and instead not in given and REST not in given
        for path in entry["config"].values() if decides else ():
            if not stands(tree, path):
                put(tree, path.split("."), Slot(run.unsure("the SDK's config.yaml"), mark), mark)
        return
    session = given.get("sagemaker_session")
    own = run.contents(session.value) if session else None
    for path, value in defaults(run.defaults, entry.get("config", {})):
        steps = path.split(".")
        if steps[0] in entry.get("config-only-with", ()) and steps[0] not in tree:
            continue
        without = entry.get("config-not-with", {}).get(path, ())
        if any(isinstance(each.value, Box) and each.value.entry in without for each in given.values()):
            continue
        if type(own) is dict and "sagemaker_config" in own:
            value = run.unsure("sagemaker_config of the session")
        elif isinstance(value, list):
            value = [Slot(each, mark) for each in value]
        before = at(tree, steps)
        unknown = before and may_be_none(run.known(before.value))
        if before is None and not stands(tree, path) and REST not in tree:
            put(tree, steps, Slot(value, mark), mark)
        elif before is not None and unknown:
            either = choose(presence(unknown), unknown.cause, run.known(before.value), value)
            put(tree, steps, before._replace(value=either), mark)
        elif before is not None and type(before.value) is Choice:
            # An alternative that gives None leaves it to the default.
            chosen = map_choices(before.value, partial(given_or, value))
            put(tree, steps, before._replace(value=chosen), mark)


def _complete(
    run: Run, entry: Mapping[str, Any], tree: dict[str, Slot], given: Mapping[str, Slot], mark: Mark
) -> None:
    for path, cause in entry.get("otherwise", {}).items():
        if not stands(tree, path):
            put(tree, path.split("."), Slot(sure(cause), mark), mark)
    for path, text in entry.get("always", {}).items():
        if not stands(tree, path):
            value: Any = text
            if isinstance(text, dict) and "text" in text:
                value = text["text"]
                if any(stands(tree, each) for each in text["unless"]):
                    continue
            elif isinstance(text, dict) and "tagged" in text:
                value = tagged(text["tagged"])
            elif isinstance(text, dict):
                refers = (f"AWS::SageMaker::{text['made']}", "", "")
                value = Partial((Opaque(f"the {text['made']}", refers, filled=True),))
            put(tree, path.split("."), Slot(value, mark), mark)
    for path, keyword in entry.get("only-with", {}).items():
        slot = given.get(keyword)
        answer: bool | tuple[str, str] = REST in given and (run.key("with"), keyword)
        if slot is not None:
            answer = truth(run, slot.value, None)
        if path in tree and answer is not True:
            kept = tree.pop(path)
            if answer:
                tree[path] = kept._replace(value=choose(*answer, kept.value, None))


def _rendered(run: Run, value: Any, fields: str | None = None) -> Any:
    """An object as the properties that it stands for; everything else as it is."""
    contents = run.contents(value)
    if (
        isinstance(value, Box)
        and value.kind == "object"
        and value.entry in run.table
        and type(contents) is dict
    ):
        entry = run.table[value.entry]
        entry = {**entry, "config": {}} if "config-if-started" in entry else entry
        made = _properties(run, entry, contents, value.mark)
        return made if fields is None else map_choices(made, lambda each: part_of(each, fields))
    if type(contents) is list:
        rendered = partial(_rendered, run, fields=fields)
        return [Slot(map_choices(slot.value, rendered), slot.mark) for slot in contents]
    return value
