"""Condition keys that don't exist, don't fit their action or their operator."""

from __future__ import annotations

from collections.abc import Iterator

from scanner.policy.lint_found import Found, Lint, about, named, outcome_of
from scanner.policy.lint_statement import Test, View, matching_value, sample
from scanner.policy.reference import fold


def check_key(lint: Lint, view: View, test: Test) -> Iterator[Found]:
    """Everything that is wrong with a key and its operator."""
    for check in (_key, _deprecated, _type, _sets):
        yield from check(lint, view, test)


def _key(lint: Lint, view: View, test: Test) -> Iterator[Found]:
    """A key that doesn't exist, or that actions don't support."""
    reference = lint.reference
    service = test.folded.partition(":")[0]
    outcome = outcome_of(view, test)
    if outcome == "allow-always" and (test.if_exists or test.gathers or test.core == "null"):
        return  # said to hold without the key, which grants are often meant to
    if test.folded not in reference.types:
        if ":" not in test.folded or service == "aws" or service in reference.services:
            date = reference.date_of(service) if service in reference.services else reference.date
            action = next(iter(view.actions), "")
            facts = {"service": service if ":" in test.folded else "AWS", "date": date}
            yield about(lint, "unknown-key", view, test, action, outcome, {}, **facts)
        return
    lacking = [each for each in view.actions if reference.supports(each, test.folded) is False]
    if outcome != "deny-always" and len(lacking) < len(view.actions):
        # A wildcard is meant for the actions that have the key.
        lacking = [each for each in lacking if each in view.named]
    if outcome.endswith("always"):
        lacking = [each for each in lacking if not _never_holds(lint, view, each)]
    if lacking:
        lacking.sort()
        date = reference.date_of(lacking[0].partition(":")[0])
        facts = {"actions": named(lacking), "date": date}
        yield about(lint, "unsupported-key", view, test, lacking[0], outcome, {}, **facts)


def _never_holds(lint: Lint, view: View, action: str) -> bool:
    return any(
        lint.reference.supports(action, each.folded) is False and not each.holds_absent for each in view.tests
    )


def _deprecated(lint: Lint, view: View, test: Test) -> Iterator[Found]:
    new = lint.reference.deprecated.get(test.folded)
    if new is None or (test.core == "null" and not test.wants_absent):
        return
    where = [view] if test.core == "null" else lint.views
    if any(
        each.folded == new and each.core == test.core and each.values == test.values
        for other in where
        if other.statement.effect == view.statement.effect
        for each in other.tests
    ):
        return
    action = next(lint.supported(view, test), "")
    if not action:
        return
    name = lint.reference.names.get(new, new)
    value = matching_value(test, "ARN") or sample(lint.kind(test))
    date = lint.reference.date_of(test.folded.partition(":")[0])
    yield about(
        lint, "deprecated-key", view, test, action, outcome_of(view, test), {name: value}, new=name, date=date
    )


def _type(lint: Lint, view: View, test: Test) -> Iterator[Found]:
    """An operator that the type of the key doesn't fit."""
    kind = lint.kind(test)
    action = next(lint.supported(view, test), "")
    if test.core == "null":
        wrong = [each for each in test.values if each.lower() not in ("true", "false") and "{{" not in each]
        if wrong:
            outcome = "deny-never" if view.denies else "allow-never"
            yield about(lint, "null-value", view, test, action, outcome, {}, value=wrong[0])
        return
    base = lint.rules["types"].get(kind.removeprefix("ArrayOf"))
    if base is None or not action:
        return
    if test.folded in map(fold, lint.rules["null-only"]):
        yield about(lint, "null-only", view, test, action, "", {})
    elif test.family not in base["fits"]:
        check = "operator-as-text" if test.family in base.get("text", ()) else "operator-type"
        fits = " or ".join(f"{each}…" for each in base["fits"] if each != "Null").replace("Bool…", "Bool")
        facts = {
            "fits": fits,
            "holds": base["holds"],
            "compares": lint.rules["compares"].get(test.family, "text"),
        }
        # What can't be compared does not match, not even where no match is asked for.
        outcome = "deny-never" if view.denies else "allow-never"
        yield about(lint, check, view, test, action, outcome, {test.key: sample(kind)}, **facts)


def _sets(lint: Lint, view: View, test: Test) -> Iterator[Found]:
    """Keys with several values: operators for one, and those for all."""
    action = next(lint.supported(view, test), "")
    several = lint.kind(test).startswith("Array")
    if test.core == "null" or not test.values or not action:
        return
    if several and not test.gathers:
        context = {test.key: [test.values[0], test.values[0]]}
        outcome = "deny-never" if view.denies else "allow-never"
        yield about(lint, "needs-set-operator", view, test, action, outcome, context)
    elif test.gathers == "all" and view.denies and not any(each.wants_absent for each in view.tests):
        context = {test.key: [test.values[0], "another"]}
        core = test.operator.rpartition(":")[2]
        yield about(lint, "all-values-slip", view, test, action, "deny-never", context, core=core)
    elif (
        test.gathers == "all"
        and not view.denies
        and not any(each.core == "null" and each.folded == test.folded for each in view.tests)
    ):
        yield about(lint, "all-values-allow", view, test, action, "allow-always", {})
