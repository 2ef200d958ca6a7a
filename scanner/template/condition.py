"""Conditions: what each one is in the world of a view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.template.document import Either, settle
from scanner.value import Glued, Opaque, Partial, Question, Variable, ask_equals

if TYPE_CHECKING:
    from scanner.template.view import View

LOGICAL = ("Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals")
_DEEPEST_CONDITION = 100


def holds(view: View, name: str) -> bool:
    """Is the named condition true in this world?"""
    world, key = view.world, (view.template.key, name)
    world.inputs += 1
    if key in world.conditions:
        known = world.conditions[key]
        if known is None:
            view.template.odd_conditions[name] = "hangs on itself"
        answer = world.flip(f"condition {key}") if known is None else known
        world.state(name, answer)
        return answer
    depth = world.enter()
    world.conditions[key] = None
    if name not in view.template.conditions:
        view.template.odd_conditions[name] = "is not declared"
        answer = world.flip(f"condition {key}")
    elif depth > _DEEPEST_CONDITION:
        view.template.odd_conditions[name] = "is nested too deep"
        answer = world.flip(f"condition {key}")
    else:
        answer = truth(view, view.template.conditions[name])
    if world.flips:
        # A circle was cut by a free answer: the condition is that answer, whatever its expression says.
        answer = world.flips.get(f"condition {key}", answer)
    world.conditions[key] = answer
    world.leave(name, answer)
    return answer


def truth(view: View, raw: Any) -> bool:
    """Evaluate a condition function; what is none is a free yes or no."""
    view.world.effort.spend()
    template = view.template
    if type(raw) is Either:
        return truth(view, settle(raw, template.pick))
    if type(raw) is dict and len(raw) == 1:
        if id(raw) in template.comparisons:
            return _compare(view, *template.comparisons[id(raw)])
        ((name, body),) = raw.items()
        body = settle(body, template.pick)
        if name == "Condition" and isinstance(body, str):
            return holds(view, body)
        if name == "Fn::Equals" and isinstance(body, list) and len(body) == 2:
            _remember(view, raw, body)
            return _equals(view, body[0], body[1])
        if name == "Fn::Not" and isinstance(body, list) and len(body) == 1:
            return not truth(view, body[0])
        if name == "Fn::And" and isinstance(body, list):
            return all(truth(view, each) for each in body)
        if name == "Fn::Or" and isinstance(body, list):
            return any(truth(view, each) for each in body)
        if name in LOGICAL:
            return view.world.flip(f"truth {template.key} {id(body)}")
    text = view.text(raw)
    if isinstance(text, str) and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return view.world.flip(f"truth {template.key} {id(raw)}")


def _remember(view: View, raw: Any, body: list[Any]) -> None:
    """Most conditions compare a plain parameter with a text, and are asked for again and again."""
    left, right = body
    if type(left) is str:
        left, right = right, left
    if type(right) is str and "{{resolve:" not in right and type(left) is dict and len(left) == 1:
        name = left.get("Ref")
        plain = view.template.plain.get(name) if type(name) is str else None
        if plain is not None:
            view.template.comparisons[id(raw)] = *plain, ask_equals(right)


def _compare(view: View, partial: Partial, default: str | None, question: Question) -> bool:
    value = view.ask_for(partial, default)
    if type(value) is str:
        return question.holds(value)
    variable = partial.parts[0]
    assert isinstance(variable, Variable)  # noqa: S101 - for the type checker
    return view.world.ask(variable, question)


def _equals(view: View, left_raw: Any, right_raw: Any) -> bool:
    left, right = view.text(left_raw), view.text(right_raw)
    if type(left) is Partial and type(right) is Partial:
        if _key_of(left, left_raw) == _key_of(right, right_raw):
            return True
        left, right = view.fix(left), view.fix(right)
    if type(left) is str:
        left, right, left_raw, right_raw = right, left, right_raw, left_raw
    if type(left) is str:
        return left == right
    assert isinstance(left, Partial)  # noqa: S101 - for the type checker
    if type(right) is Partial:
        keys = sorted((_key_of(left, left_raw), _key_of(right, right_raw)))
        return view.world.flip(f"equal {keys}")
    assert isinstance(right, str)  # noqa: S101 - for the type checker
    if right == "" and any(isinstance(part, Opaque) and part.filled for part in left.parts):
        return False
    answer = view.world.test(left, ask_equals(right))
    if answer is not None:
        return answer
    return view.world.flip(f"equal {_key_of(left, left_raw)} {right!r}")


def _key_of(partial: Partial, raw: Any) -> str:
    """The same for what is surely the same text; two unknown values of one cause may differ."""
    keys: list[Any] = []
    for part in partial.parts:
        if isinstance(part, Variable):
            keys.append(("input", part.key))
        elif isinstance(part, Glued) or (isinstance(part, Opaque) and part.refers is None):
            keys.append(id(raw))
        else:
            keys.append(part)
    return repr(keys)
