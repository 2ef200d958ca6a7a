"""What a check finds, and what it knows of the policy that it looks at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from scanner.policy.lint_source import Place, Written
from scanner.policy.lint_statement import Example, Test, View, others_hold, replay
from scanner.policy.reference import Reference


class Found(NamedTuple):
    """Something that is wrong: a check of `policies/_lint.yaml`, where, and what its sentences need."""

    check: str
    place: Place
    facts: Mapping[str, Any]
    outcome: str = ""
    example: Example | None = None
    sid: str | None = None


class Lint(NamedTuple):
    """One policy with its statements, and what the checks compare them with."""

    written: Written
    views: Sequence[View]
    reference: Reference
    rules: Mapping[str, Any]

    def kind(self, test: Test) -> str:
        """The type of a test's key, "" if it is not known."""
        return self.reference.types.get(test.folded, "")

    def modern(self, folded: str) -> str:
        """The key that replaced a deprecated one, or the key itself."""
        return self.reference.deprecated.get(folded, folded)

    def denies_absent(self, view: View, test: Test) -> bool:
        """Whether a statement denies for want of the key of a test: nothing else in it asks for the key."""
        return view.denies and all(
            each.holds_absent for each in view.tests if self.modern(each.folded) == self.modern(test.folded)
        )

    def supported(self, view: View, test: Test) -> Iterator[str]:
        """The actions of a statement for which a request can carry the key, or nobody knows."""
        return (each for each in view.actions if self.reference.supports(each, test.folded) is not False)

    def replayed(
        self, view: View, tests: Sequence[Test], action: str, context: Mapping[str, Any], outcome: str
    ) -> Any:
        """The example in which `tests` see `context` and the other tests of the statement hold."""
        expected = {"deny-always": "ExplicitlyDenied", "allow-never": "ImplicitlyDenied"}.get(
            outcome, "Allowed"
        )
        held = {**others_hold(view, tests, self.reference), **context}
        return replay(self.written, [view], action, held, expected)


def named(actions: Sequence[str], most: int = 5) -> str:
    """The first of several names, and how many more there are."""
    more = f" and {len(actions) - most} more" if len(actions) > most else ""
    return ", ".join(actions[:most]) + more


def outcome_of(view: View, test: Test) -> str:
    if view.denies:
        return "deny-always" if test.holds_absent else "deny-never"
    return "allow-always" if test.holds_absent else "allow-never"


def about(
    lint: Lint, check: str, view: View, test: Test, action: str, outcome: str, context: Any, **facts: Any
) -> Found:
    """A finding about one test, with an example for an action."""
    facts = {
        "key": test.key,
        "operator": test.operator,
        "action": action,
        "effect": view.statement.effect,
        "value": " or ".join(test.values) or "nothing",
        "rest": " where the other conditions of the statement hold" if len(view.tests) > 1 else "",
        **facts,
    }
    example = lint.replayed(view, [test], action, context, outcome) if action else None
    facts["action"] = facts["action"] or "An action of the statement"
    return Found(check, test.place, facts, outcome, example)
