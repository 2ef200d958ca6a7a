"""Denies that let pass what they are there for, or deny what is in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from scanner.policy.lint_found import Found, Lint, about, named
from scanner.policy.lint_key import check_key
from scanner.policy.lint_statement import Test, View, sample
from scanner.policy.reference import fold, matches


def check_conditions(lint: Lint) -> Iterator[Found]:
    """Everything that is wrong with the conditions of a policy."""
    for view in lint.views:
        for test in view.tests:
            for check in (check_key, _omitted, _locks_out, _inverted):
                for found in check(lint, view, test):
                    yield found._replace(sid=view.statement.sid)
        for found in _several(lint, view):
            yield found._replace(sid=view.statement.sid)
    yield from _missing(lint)


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
    if not any(matches(each, omitted) for each in test.values):
        return
    patterns = settings.get("on", ["*"])
    slipping = (
        each
        for each in lint.supported(view, test)
        if any(matches(pattern, each) for pattern in patterns) and not _guarded(lint, each, test)
    )
    action = next(slipping, None)
    if action is not None:
        check = "omitted-bool" if test.core == "bool" else "omitted-default"
        absent = settings.get("absent", f"leaving the parameter out means {omitted}")
        facts = {"value": omitted, "secure": settings["secure"], "absent": absent}
        yield about(lint, check, view, test, action, "deny-never", {}, **facts)


def _guarded(lint: Lint, action: str, test: Test) -> bool:
    """Whether another statement denies the action for want of the key."""
    wanted = lint.modern(test.folded)
    return any(
        view.denies
        and action in view.actions
        and any(lint.modern(each.folded) == wanted and lint.denies_absent(view, each) for each in view.tests)
        and not any(each.wants_absent and lint.modern(each.folded) != wanted for each in view.tests)
        for view in lint.views
    )


def _locks_out(lint: Lint, view: View, test: Test) -> Iterator[Found]:
    """A deny for want of a key that requests in order don't carry."""
    if not lint.denies_absent(view, test):
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
            facts = {"when": row["when"], "instead": row["instead"], "actions": named(locked)}
            found = about(
                lint, "locks-out", view, test, locked[0], "deny-always", row.get("context", {}), **facts
            )
            yield found


def _inverted(lint: Lint, view: View, test: Test) -> Iterator[Found]:
    """A deny of the safe value that lets the unsafe one pass."""
    settings = _settings(lint, test)
    action = next(lint.supported(view, test), "")
    if not settings or not view.denies or not action:
        return
    secure, insecure = settings["secure"], settings.get("insecure")
    if secure == "present":
        alone = sum(each.folded == test.folded for each in view.tests) == 1
        if test.core == "null" and not test.wants_absent and alone:
            value: Any = sample(lint.kind(test))
            value = [value] if lint.kind(test).startswith("Array") else value
            facts = {"secure": "there", "insecure": "absent"}
            yield about(lint, "inverted-deny", view, test, action, "deny-always", {test.key: value}, **facts)
        return
    unsafe = lint.replayed(view, [test], action, {test.key: insecure}, "deny-never")
    found = about(
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
        # Of requests that are let pass by, the statement may say so.
        first = {
            key: each
            for key, each in first.items()
            if key.partition(":")[0] in services and key not in _exempting(lint)
        }
        if len(first) < 2:
            continue
        tests = list(first.values())
        right = "true" if wrong == "false" else sample(lint.kind(tests[-1]))
        context: dict[str, Any] = {each.key: "false" for each in tests} if wrong == "false" else {}
        context[tests[-1].key] = [right] if lint.kind(tests[-1]).startswith("Array") else right
        action = next(lint.supported(view, tests[0]), "")
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
        if key.partition(":")[0] in lint.rules["siblings"]["not-in"]:
            continue
        if any(view.open for view, _ in uses) or not any(
            any(lint.supported(view, test)) for view, test in uses
        ):
            continue
        view, test = uses[0]
        apart = _excused(lint, key) if lint.denies_absent(view, test) else set()
        missing = [
            each
            for each in sorted(lint.reference.actions_with(key))
            if each not in covered | apart
            and each.partition(":")[2].startswith(tuple(lint.rules["siblings"]["verbs"]))
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
    apart = _exempting(lint)
    own = [each for each in view.tests if each.folded.partition(":")[0] in lint.reference.services]
    own = [each for each in own if each.folded not in apart]
    return [each for each in own if each.wants_absent] or own[:1]


def _exempting(lint: Lint) -> set[str]:
    """Keys by which a statement lets requests pass that it is not there for."""
    return {fold(row["unless"]) for row in lint.rules["without-key"] if "unless" in row}


def _excused(lint: Lint, key: str) -> set[str]:
    return {
        f"sagemaker:{action}"
        for row in lint.rules["without-key"]
        if key in map(fold, row["keys"]) and not row.get("covers")
        for action in row["actions"]
    }
