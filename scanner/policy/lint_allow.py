"""Allows that make what else is said of a request worth nothing."""

from __future__ import annotations

from collections.abc import Iterator

from scanner.policy.document import show_path
from scanner.policy.lint_found import Found, Lint, named
from scanner.policy.lint_statement import View, others_hold, replay
from scanner.policy.reference import matches

_OF_PEOPLE = ("managed", "identity", "inline-role", "inline-group", "inline-user")


def check_allows(lint: Lint) -> Iterator[Found]:
    """Unconditional allows beside conditional ones, and those of actions that undo guardrails."""
    conditional: dict[str, View] = {}
    for view in lint.views:
        if not view.denies and view.tests:
            for action in view.actions:
                conditional.setdefault(action, view)
    for view in lint.views:
        if view.denies or view.tests:
            continue
        yield from _unconditional(lint, view, conditional)
        if lint.written.kind in _OF_PEOPLE and "*" in (view.statement.resources or ()):
            yield from _undoing(lint, view)


def _unconditional(lint: Lint, view: View, conditional: dict[str, View]) -> Iterator[Found]:
    both = [each for each in view.actions if each in conditional and _covers(view, conditional[each])]
    if not both:
        return
    other = conditional[both[0]]
    context = {key: value for key, value in others_hold(other, other.tests, lint.reference).items() if value}
    facts = {
        "actions": named(both),
        "action": both[0],
        "other": other.statement.sid or show_path(other.place),
    }
    example = replay(lint.written, [view, other], both[0], context, "Allowed")
    yield Found("allow-unconditional", view.place, facts, "", example, view.statement.sid)


def _covers(wide: View, narrow: View) -> bool:
    """Whether one statement is for every resource and principal that another is for."""
    resources = wide.statement.resources or ()
    wanted = narrow.statement.resources
    if not wanted or not all(any(matches(one, other) for one in resources) for other in wanted):
        return False
    principals = wide.statement.principals or ()
    return (
        narrow.statement.principals is None
        or ("AWS", "*") in principals
        or set(narrow.statement.principals) <= set(principals)
    )


def _undoing(lint: Lint, view: View) -> Iterator[Found]:
    denied = {action for each in lint.views if each.denies and not each.tests for action in each.actions}
    undoing = [each for each in lint.rules["undoing"] if each in view.actions and each not in denied]
    if undoing:
        facts = {"action": undoing[0], "does": lint.rules["undoing"][undoing[0]]}
        example = replay(lint.written, [view], undoing[0], {}, "Allowed")
        yield Found(
            "allow-undoes-guardrail", view.actions[undoing[0]], facts, "", example, view.statement.sid
        )
