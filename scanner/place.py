"""Places: where in a resource a control looks, and what one world says of each of them.

A place is the control file's `{at, when, unless, unsure, requires}`. Standard library only.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from scanner.check import PLAIN, Check, Miss, View, doubt_shape, obscured
from scanner.kind import Kind, coerce, is_leaf, is_text, kind_below
from scanner.model import Verdict
from scanner.path import Origin, Path, Target, parse_path, walk
from scanner.requirement import compile_schema, noun_of
from scanner.value import LEFT, REST, UNTOLD, more_of

_DOUBT = "whether AWS takes one here is not known"


class Line(NamedTuple):
    """A path with what its value must satisfy."""

    path: Path
    name: str | None
    """The path, when it is a single property and not a list's items."""
    check: Check | None
    """None: it only has to be there."""
    absent: Miss | None
    """None: what AWS takes when it is omitted satisfies."""


class Place(NamedTuple):
    """A compiled place."""

    at: Path
    when: tuple[Line, ...]
    unless: tuple[Line, ...]
    unsure: tuple[Line, ...]
    requires: tuple[Line, ...]
    doubt: str
    """What an UNKNOWN by `unsure` says."""
    lack: str | None
    """The words for what is lacking where no line matches, if it is enough that one does."""
    identity: str
    """Property path of what is asked for, below `at`: part of the finding's fingerprint."""
    gate: frozenset[str] | None
    """Top-level properties without any of which the place doesn't apply; None: it may all the same."""


def compile_place(place: Mapping[str, Any], values: Mapping[str, Any], shapes: Mapping[str, Any]) -> Place:
    """Compile the notation of a control file. Raises ValueError for anything that isn't of it."""
    merged = dict(place)
    if "shape" in merged:
        name = merged.pop("shape")
        if name not in shapes:
            raise ValueError(f"unknown shape {name!r}")
        merged = {**shapes[name], **merged}
    surplus = merged.keys() - {"at", "when", "unless", "unsure", "requires", "any", "given", "identity"}
    if surplus:
        raise ValueError(f"unknown field {sorted(surplus)[0]!r} of a place")
    if not merged.get("requires"):
        raise ValueError("a place needs requires or a shape")
    at, when = parse_path(merged.get("at", "")), _compile_lines(merged.get("when"), values)
    gate = None
    if at and at[0].optional and at[0].join != "<":
        gate = frozenset({at[0].name})
    elif not at and when and not any(line.path[0].join == "<" for line in when):
        gate = frozenset(line.path[0].name for line in when)
    unsure = merged.get("unsure") or {}
    nouns = (noun_of(it, values) or path.rpartition(".")[2] for path, it in merged["requires"].items())
    return Place(
        at=at,
        when=when,
        unless=_compile_lines(merged.get("unless"), values),
        unsure=_compile_lines(unsure, values),
        doubt=next((f"{it['words']} is not looked into" for it in unsure.values() if "words" in it), _DOUBT),
        requires=_compile_lines(merged["requires"], values, "any" in merged),
        lack=", or ".join(nouns) if "any" in merged else None,
        identity=merged.get("identity") or next(iter(merged["requires"])),
        gate=gate,
    )


def _compile_lines(
    lines: Mapping[str, Any] | None, values: Mapping[str, Any], beyond: bool = False
) -> tuple[Line, ...]:
    compiled = []
    for text, schema in (lines or {}).items():
        path = parse_path(text, beyond)
        plain = len(path) == 1 and not path[0].each and not path[0].optional and not path[0].join
        name = path[0].name if plain else None
        check = compile_schema(schema, values) if schema else None
        compiled.append(Line(path, name, check, _judge_absence(schema, values)))
    return tuple(compiled)


def _judge_absence(schema: Mapping[str, Any], values: Mapping[str, Any]) -> Miss | None:
    """What is to be said of a value that isn't there."""
    if schema.get("not") == {}:
        return None
    noun = schema.get("words") or noun_of(schema.get("contains", {}), values)
    must = f", must have {noun}" if noun else "".join(f", must be {it}" for it in _asked_for(schema))
    if "default" not in schema:
        return Miss(f"is missing{must}")
    default = schema["default"]
    if compile_schema(schema, values)(PLAIN, default, None) is None:
        return None
    return Miss(f"is not set and AWS takes {is_text(default)}{must}")


def _asked_for(schema: Mapping[str, Any]) -> list[str]:
    if "const" in schema:
        return [is_text(schema["const"])]
    if "minimum" in schema:
        return [f"at least {schema['minimum']}"]
    return [" or ".join(map(is_text, schema["enum"]))] if len(schema.get("enum", ())) in (1, 2) else []


class Outcome(NamedTuple):
    """What one world says of one target. `at` is the target's path, `path` that of what misses."""

    verdict: Verdict
    at: str
    path: str
    text: str
    origin: Origin
    cause: str | None = None


class Judgement(NamedTuple):
    """What is to be said of one place of a resource, over all worlds.

    `identity` is the property path that the control asks for, the same whatever misses below it.
    """

    verdict: Verdict
    path: str
    identity: str
    text: str
    origin: Origin
    condition: str | None = None
    cause: str | None = None


def state(
    verdict: Verdict, outcome: Outcome, place: Place, condition: str | None, cause: str | None
) -> Judgement:
    """An outcome as the judgement of its place; the identity is spelled below the outcome's target."""
    at = outcome.at
    identity = f"{at}.{place.identity}" if at and place.identity else at or place.identity
    return Judgement(verdict, outcome.path, identity, outcome.text, outcome.origin, condition, cause)


def find_targets(view: View, place: Place, properties: Any, kind: Kind, origin: Origin) -> list[Target]:
    """What a place leads to in one world."""
    if not place.at:
        return [Target(properties, kind, "", origin, home=view.home)]
    return walk(view, properties, kind, place.at, at="", origin=origin)


def find_target(
    view: View, place: Place, properties: Any, kind: Kind, origin: Origin, path: str
) -> Target | None:
    """The target of this path, without a look at the items beside it."""
    for target in walk(view, properties, kind, place.at, at="", origin=origin, only=path):
        if target.path == path:
            return target
    return None


def judge_target(view: View, place: Place, target: Target) -> Outcome | None:
    """Judge one target in one world; None where the place does not apply to it."""
    if target.home is not view.home:
        view = view.within(target.home)
    if target.value is None:
        text = f"{_below('', target.path)} is missing"
        return Outcome(Verdict.FAIL, target.path, target.path, text, target.origin)
    doubt: Miss | None = None
    if place.when:
        matched, doubt = _match(view, place.when, target)
        if matched is False:
            return None
    if place.unless:
        matched, unless_doubt = _match(view, place.unless, target)
        if matched is True:
            return None
        doubt = doubt or unless_doubt
    misses = _judge_lines(view, place, target)
    if not misses:
        return Outcome(Verdict.PASS, target.path, target.path, "", target.origin)
    path, miss, origin = next((each for each in misses if each[1].certain), misses[0])
    text = _word(target.path, misses)
    if miss.certain and doubt is None and place.unsure:
        matched, unsure_doubt = _match(view, place.unsure, target)
        if matched is not False:
            doubt = unsure_doubt or Miss("", certain=False, cause=place.doubt)
            text = f"{text}; {place.doubt}"
            return Outcome(Verdict.UNKNOWN, target.path, path, text, origin, doubt.cause)
    if miss.certain and doubt is None:
        return Outcome(Verdict.FAIL, target.path, path, text, origin)
    if miss.certain and doubt is not None:
        text = f"{text}; whether that is needed depends on {doubt.cause}"
        return Outcome(Verdict.UNKNOWN, target.path, path, text, origin, doubt.cause)
    cause = miss.cause
    if all(it.cause == LEFT.cause for _, it, _ in misses):
        from scanner.left import concerns

        cause = cause if concerns(view, place, target) else UNTOLD
    return Outcome(Verdict.UNKNOWN, target.path, path, text, origin, cause)


def follow(view: View, line: Line, target: Target) -> list[Target]:
    """Where a line's path leads from a target; the plain case without a walk."""
    value = target.value
    name = line.name
    if name is None or type(value) is not dict:
        return walk(view, value, target.kind, line.path, at=target.path, origin=target.origin)
    raw = value.get(name)
    found = None if raw is None else view.value(raw)
    path = f"{target.path}.{name}" if target.path else name
    kind = kind_below(target.kind, name)
    if found is None:
        if REST in value:
            return walk(view, value, target.kind, line.path, at=target.path, origin=target.origin)
        origin = (value, name) if name in value else target.origin
        return [Target(None, kind, path, origin, home=view.home)]
    return [Target(coerce(found, kind), kind, path, (value, name), home=view.home)]


def _match(view: View, lines: tuple[Line, ...], target: Target) -> tuple[bool | None, Miss | None]:
    """Does some place of some line match? The doubt names what an answer of None hangs on."""
    doubt: Miss | None = None
    for line in lines:
        if line.path and line.path[0].join != "<" and _is_plainly_absent(target.value, line.path[0].name):
            continue
        for found in follow(view, line, target):
            if found.value is None:
                continue
            if found.hidden or more_of(found.value):
                miss: Miss | None = Miss("", certain=False, cause=found.value.cause)
            else:
                there = view if found.home is view.home else view.within(found.home)
                miss = line.check(there, found.value, found.kind) if line.check else None
            if miss is None:
                return True, None
            if not miss.certain:
                doubt = doubt or miss
    return (None, doubt) if doubt else (False, None)


def _is_plainly_absent(value: Any, name: str) -> bool:
    return type(value) is dict and name not in value and REST not in value


def _judge_lines(view: View, place: Place, target: Target) -> list[tuple[str, Miss, Origin]]:
    if place.lack:
        matched, doubt = _match(view, place.requires, target)
        text = f"may lack {place.lack} ({doubt.cause})" if doubt else f"lacks {place.lack}"
        lacking = doubt._replace(text=text) if doubt else Miss(text)
        return [] if matched else [(target.path, lacking, target.origin)]
    misses: list[tuple[str, Miss, Origin]] = []
    value = target.value
    for line in place.requires:
        if line.check is None and line.name is not None and type(value) is dict:
            raw = value.get(line.name)
            # Most of what is asked for only has to be there, and most often it plainly is.
            if (
                raw is not None
                and type(view.value(raw)) is str
                and is_leaf(kind_below(target.kind, line.name))
            ):
                continue
        for found in follow(view, line, target):
            if found.value is None:
                miss = line.absent
            elif found.hidden:
                miss = Miss(obscured(found.value, inside=True), certain=False, cause=found.value.cause)
            else:
                there = view if found.home is view.home else view.within(found.home)
                miss = line.check(there, found.value, found.kind) if line.check else doubt_shape(found.value)
            if miss is not None:
                misses.append((found.path, miss, found.origin))
    return misses


def _word(at: str, misses: list[tuple[str, Miss, Origin]]) -> str:
    """One sentence for all lines that miss; paths are spelled below the target."""
    if len(misses) == 1:
        path, miss, _ = misses[0]
        return f"{_below(at, path)} {miss.text}".lstrip()
    texts: dict[str, list[str]] = {}
    for path, miss, _ in misses:
        short = _below(at, path)
        names = texts.setdefault(miss.text, [])
        if short not in names:
            names.append(short)
    sentences = []
    for text, names in texts.items():
        if len(names) > 1 and text.startswith("is "):
            text = f"are {text[3:]}"
        listed = f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
        sentences.append(f"{listed} {text}")
    return "; ".join(sentences)


def _below(at: str, path: str) -> str:
    """A path as it is spelled below a target, without the marks of joints."""
    return ((path[len(at) :].lstrip(".") or path) if at and path.startswith(at) else path).replace("@", "")
