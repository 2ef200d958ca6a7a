"""What is wrong with the conditions of a statement: keys, operators, and what an omitted parameter does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from scanner.policy.lint_source import Place, Written
from scanner.policy.lint_statement import Test, View, matching_value, others_hold, replay, sample
from scanner.policy.reference import Reference, fold, matches


class Found(NamedTuple):
    """Something that is wrong: a check of `policies/_lint.yaml`, where, and what its sentences need."""

    check: str
    place: Place
    facts: Mapping[str, Any]
    outcome: str = ""
    example: Mapping[str, Any] | None = None
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

    def supported(self, view: View, test: Test) -> list[str]:
        """The actions of a statement for which a request can carry the key, or nobody knows."""
        return [each for each in view.actions if self.reference.supports(each, test.folded) is not False]

    def replayed(
        self, view: View, tests: Sequence[Test], action: str, context: Mapping[str, Any], outcome: str
    ) -> Any:
        """The example in which `tests` see `context` and the other tests of the statement hold."""
        expected = {"deny-always": "ExplicitlyDenied", "allow-never": "ImplicitlyDenied"}.get(
            outcome, "Allowed"
        )
        held = {**others_hold(view, tests, self.reference), **context}
        return replay(self.written, [view], action, held, expected)


def check_conditions(lint: Lint) -> Iterator[Found]:
    """Everything that is wrong with the conditions of a policy."""
    for view in lint.views:
        for test in view.tests:
            for check in (_key, _deprecated, _type, _sets, _omitted, _locks_out, _inverted):
                for found in check(lint, view, test):
                    yield found._replace(sid=view.statement.sid)
        for found in _several(lint, view):
            yield found._replace(sid=view.statement.sid)
    yield from _missing(lint)


def named(actions: Sequence[str], most: int = 5) -> str:
    """The first of several names, and how many more there are."""
    more = f" and {len(actions) - most} more" if len(actions) > most else ""
    return ", ".join(actions[:most]) + more


def _outcome(view: View, test: Test) -> str:
    if view.denies:
        return "deny-always" if test.holds_absent else "deny-never"
    return "allow-always" if test.holds_absent else "allow-never"


def _found(
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


def _key(lint: Lint, view: View, test: Test) -> Iterator[Found]:
    """A key that doesn't exist, or that actions don't support."""
    reference = lint.reference
    service = test.folded.partition(":")[0]
    outcome = _outcome(view, test)
    if outcome == "allow-always" and (test.if_exists or test.gathers or test.core == "null"):
        return  # said to hold without the key, which grants are often meant to
    if test.folded not in reference.types:
        if ":" not in test.folded or service == "aws" or service in reference.services:
            date = reference.date_of(service) if service in reference.services else reference.date
            action = next(iter(view.actions), "")
            facts = {"service": service if ":" in test.folded else "AWS", "date": date}
            yield _found(lint, "unknown-key", view, test, action, outcome, {}, **facts)
        return
    lacking = [each for each in view.actions if reference.supports(each, test.folded) is False]
    if outcome != "deny-always" and len(lacking) < len(view.actions):
        # A wildcard is meant for the actions that have the key.
        lacking = [each for each in lacking if each in view.named]
    if outcome.endswith("always"):
        lacking = [each for each in lacking if not _never_holds(lint, view, each)]
    if lacking:
        date = reference.date_of(lacking[0].partition(":")[0])
        facts = {"actions": named(lacking), "date": date}
        yield _found(lint, "unsupported-key", view, test, lacking[0], outcome, {}, **facts)


def _never_holds(lint: Lint, view: View, action: str) -> bool:
    return any(
        lint.reference.supports(action, each.folded) is False and not each.holds_absent for each in view.tests
    )


def _deprecated(lint: Lint, view: View, test: Test) -> Iterator[Found]:
    new = lint.reference.deprecated.get(test.folded)
    if new is None:
        return
    where = [view] if test.core == "null" else lint.views
    if any(
        each.folded == new and each.core == test.core and each.values == test.values
        for other in where
        if other.statement.effect == view.statement.effect
        for each in other.tests
    ):
        return
    action = next(iter(lint.supported(view, test)), "")
    if not action:
        return
    name = lint.reference.names.get(new, new)
    value = matching_value(test, "ARN") or sample(lint.kind(test))
    date = lint.reference.date_of(test.folded.partition(":")[0])
    yield _found(
        lint, "deprecated-key", view, test, action, _outcome(view, test), {name: value}, new=name, date=date
    )


def _type(lint: Lint, view: View, test: Test) -> Iterator[Found]:
    """An operator that the type of the key doesn't fit."""
    kind = lint.kind(test)
    action = next(iter(lint.supported(view, test)), "")
    if test.core == "null":
        wrong = [each for each in test.values if each.lower() not in ("true", "false") and "{{" not in each]
        if wrong:
            outcome = "deny-never" if view.denies else "allow-never"
            yield _found(lint, "null-value", view, test, action, outcome, {}, value=wrong[0])
        return
    base = lint.rules["types"].get(kind.removeprefix("ArrayOf"))
    if base is None or test.core == "null":
        return
    if test.folded in map(fold, lint.rules["null-only"]):
        yield _found(lint, "null-only", view, test, action, "", {})
    elif test.family not in base["fits"]:
        check = "operator-as-text" if test.family in base.get("text", ()) else "operator-type"
        fits = " or ".join(f"{each}…" for each in base["fits"] if each != "Null").replace("Bool…", "Bool")
        facts = {
            "fits": fits,
            "holds": base["holds"],
            "compares": lint.rules["compares"].get(test.family, "text"),
        }
        outcome = ("deny-" if view.denies else "allow-") + ("always" if test.negated else "never")
        yield _found(lint, check, view, test, action, outcome, {test.key: sample(kind)}, **facts)


def _sets(lint: Lint, view: View, test: Test) -> Iterator[Found]:
    """Keys with several values: operators for one, and those for all."""
    action = next(iter(lint.supported(view, test)), "")
    several = lint.kind(test).startswith("Array")
    if test.core == "null" or not test.values or not action:
        return
    if several and not test.gathers:
        context = {test.key: [test.values[0], test.values[0]]}
        outcome = "deny-never" if view.denies else "allow-never"
        yield _found(lint, "needs-set-operator", view, test, action, outcome, context)
    elif test.gathers == "all" and view.denies and not any(each.wants_absent for each in view.tests):
        context = {test.key: [test.values[0], "another"]}
        core = test.operator.rpartition(":")[2]
        yield _found(lint, "all-values-slip", view, test, action, "deny-never", context, core=core)
    elif (
        test.gathers == "all"
        and not view.denies
        and not any(each.core == "null" and each.folded == test.folded for each in view.tests)
    ):
        yield _found(lint, "all-values-allow", view, test, action, "allow-always", {})


def _settings(lint: Lint, test: Test) -> Mapping[str, Any]:
    settings = {fold(key): value for key, value in lint.rules["settings"].items()}
    found: Mapping[str, Any] = settings.get(lint.modern(test.folded), {})
    return found


def _omitted(lint: Lint, view: View, test: Test) -> Iterator[Found]:
    """A deny of a value that a request gets by saying nothing."""
    settings = _settings(lint, test)
    omitted = settings.get("omitted")
    positive = test.core in ("bool", "stringequals", "stringequalsignorecase", "stringlike", "numericequals")
    if omitted is None or not view.denies or not positive or test.holds_absent:
        return
    if not any(matches(each.lower(), omitted.lower()) for each in test.values):
        return
    slipping = [
        each
        for each in lint.supported(view, test)
        if any(matches(pattern.lower(), each.lower()) for pattern in settings.get("on", ["*"]))
        and not _guarded(lint, each, test)
    ]
    if slipping:
        check = "omitted-bool" if test.core == "bool" else "omitted-default"
        facts = {"value": omitted, "secure": settings["secure"]}
        yield _found(lint, check, view, test, slipping[0], "deny-never", {}, **facts)


def _guarded(lint: Lint, action: str, test: Test) -> bool:
    """Whether another statement denies the action for want of the key."""
    wanted = lint.modern(test.folded)
    return any(
        view.denies
        and action in view.actions
        and any(each.holds_absent and lint.modern(each.folded) == wanted for each in view.tests)
        and not any(each.wants_absent and lint.modern(each.folded) != wanted for each in view.tests)
        for view in lint.views
    )


def _locks_out(lint: Lint, view: View, test: Test) -> Iterator[Found]:
    """A deny for want of a key that requests in order don't carry."""
    if not view.denies or not test.holds_absent:
        return
    for row in lint.rules["without-key"]:
        if lint.modern(test.folded) not in map(fold, row["keys"]):
            continue
        if fold(row.get("unless", "")) in [each.folded for each in view.tests]:
            continue
        if any(lint.reference.deprecated.get(each.folded) == test.folded for each in view.tests):
            continue  # said of the deprecated key beside it
        locked = [f"sagemaker:{each}" for each in row["actions"] if f"sagemaker:{each}" in view.actions]
        if locked:
            facts = {"when": row["when"], "instead": row["instead"], "action": named(locked)}
            found = _found(
                lint, "locks-out", view, test, locked[0], "deny-always", row.get("context", {}), **facts
            )
            yield found


def _inverted(lint: Lint, view: View, test: Test) -> Iterator[Found]:
    """A deny of the safe value that lets the unsafe one pass."""
    settings = _settings(lint, test)
    action = next(iter(lint.supported(view, test)), "")
    if not settings or not view.denies or not action:
        return
    secure, insecure = settings["secure"], settings.get("insecure")
    if secure == "present":
        alone = sum(each.folded == test.folded for each in view.tests) == 1
        if test.core == "null" and not test.wants_absent and alone:
            value: Any = sample(lint.kind(test))
            value = [value] if lint.kind(test).startswith("Array") else value
            facts = {"secure": "there", "insecure": "absent"}
            yield _found(lint, "inverted-deny", view, test, action, "deny-always", {test.key: value}, **facts)
        return
    unsafe = lint.replayed(view, [test], action, {test.key: insecure}, "deny-never")
    found = _found(
        lint,
        "inverted-deny",
        view,
        test,
        action,
        "deny-always",
        {test.key: secure},
        secure=secure,
        insecure=insecure,
    )
    if unsafe and found.example:
        yield found


def _several(lint: Lint, view: View) -> Iterator[Found]:
    """Requirements that are joined by AND where each is meant."""
    if not view.denies:
        return
    services = {each.partition(":")[0] for each in view.actions}
    for wrong, tests in (
        ("missing", [each for each in view.tests if each.wants_absent]),
        ("false", [each for each in view.tests if each.core == "bool" and each.values == ("false",)]),
    ):
        first = {lint.modern(each.folded): each for each in reversed(tests)}
        first = {key: each for key, each in first.items() if key.partition(":")[0] in services}
        if len(first) < 2:
            continue
        tests = list(first.values())
        right = "true" if wrong == "false" else sample(lint.kind(tests[-1]))
        context: dict[str, Any] = {each.key: "false" for each in tests} if wrong == "false" else {}
        context[tests[-1].key] = [right] if lint.kind(tests[-1]).startswith("Array") else right
        action = next(iter(lint.supported(view, tests[0])), "")
        facts = {
            "operator": tests[0].operator,
            "keys": ", ".join(each.key for each in tests),
            "key": tests[-1].key,
            "wrong": wrong,
            "action": action or "An action of the statement",
        }
        example = lint.replayed(view, tests, action, context, "deny-never") if action else None
        yield Found("several-required", tests[0].place, facts, "", example)


def _missing(lint: Lint) -> Iterator[Found]:
    """Actions that support the key of a deny and that no deny on it names."""
    by_key: dict[str, list[tuple[View, Test]]] = {}
    for view in lint.views:
        for test in _purposes(lint, view) if view.denies else ():
            by_key.setdefault(lint.modern(test.folded), []).append((view, test))
    for key, uses in by_key.items():
        covered = {action for view, _ in uses for action in view.actions}
        if any(view.open for view, _ in uses) or not any(lint.supported(view, test) for view, test in uses):
            continue
        view, test = uses[0]
        apart = _excused(lint, key) if test.holds_absent else set()
        missing = [
            each
            for each in lint.reference.actions_with(key)
            if each not in covered | apart
            and each.partition(":")[2].startswith(tuple(lint.rules["siblings"]))
        ]
        if missing:
            facts = {
                "missing": named([each.partition(":")[2] for each in missing], 8),
                "verb": "supports" if len(missing) == 1 else "support",
                "them": "it" if len(missing) == 1 else "them",
                "key": test.key,
                "action": missing[0],
                "date": lint.reference.date_of(key.partition(":")[0]),
            }
            example = lint.replayed(view, [test], missing[0], {}, "deny-never")
            yield Found("missing-action", (*view.place, "Action"), facts, "", example, view.statement.sid)


def _purposes(lint: Lint, view: View) -> Iterable[Test]:
    """The tests that a statement is there for: its Nulls, else the first key of a service."""
    own = [each for each in view.tests if each.folded.partition(":")[0] in lint.reference.services]
    return [each for each in own if each.wants_absent] or own[:1]


def _excused(lint: Lint, key: str) -> set[str]:
    return {
        f"sagemaker:{action}"
        for row in lint.rules["without-key"]
        if key in map(fold, row["keys"]) and "unless" not in row
        for action in row["actions"]
    }
