"""Linting policies: the checks of one file, and what they say in words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from scanner.folder import read_data
from scanner.model import Gap, Note, Severity
from scanner.policy.document import Policy, PolicyFault, minified, show_path, take_policy
from scanner.policy.lint_allow import check_allows
from scanner.policy.lint_found import Found, Lint, named
from scanner.policy.lint_guard import check_conditions
from scanner.policy.lint_source import Fault, Place, Written, find_policies, settle
from scanner.policy.lint_statement import OPEN, Example, View, others_hold, replay, view
from scanner.policy.opt_out import check_opt_out
from scanner.policy.quota import check_counts, check_length
from scanner.policy.reference import Reference, load
from scanner.template.document import Either, ReadError

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_MOST_ACTIONS = 100_000
"""Actions that the statements of one policy may stand for, together."""
_MOST_LIKENED = 20
"""Misspelt actions of one run that are looked up: likening takes long."""


class Finding(NamedTuple):
    """What is wrong with a policy, and what a request would see of it. Lines and columns start at 1."""

    check: str
    severity: Severity
    message: str
    consequence: str
    mend: str
    file: str
    line: int
    column: int
    path: str
    policy: str
    """Name of the resource in a template."""
    sid: str | None
    example: Example | None


class Linter:
    """The checks with their data; policies are taken file by file, counts at the end."""

    def __init__(self, reference: str | None = None) -> None:
        self.rules: Mapping[str, Any] = read_data("policies", "_lint.yaml")
        self.quotas: Mapping[str, Any] = read_data("policies", "_quotas.yaml")
        self.reference: Reference = load(reference)
        self.seen: list[tuple[str, Written]] = []
        self.unknown: dict[str, set[str]] = {}
        """Services that nothing is known of, and the files that name them."""
        self.likened = 0
        self.cut = False
        """Whether statements of the policy were left out."""

    def lint(
        self, text: str, file: str, folders: tuple[str, ...], named: bool
    ) -> Iterator[Finding | Gap | Note]:
        """The findings in one file."""
        try:
            policies = list(find_policies(text, folders, self.quotas, named))
        except ReadError as error:
            yield Gap(error.within(file), error.what, error.hint)
            return
        for written in policies:
            if isinstance(written, Fault):
                found = Found("invalid-json", (), {"what": _sentence(written.what)})
                yield self._say(found, file, Written(None, {}, "", "", written.at, 0))
                continue
            self.seen.append((file, written))
            if len(minified(written.data)) > self.quotas["most-looked-at"]:
                what = "only the length of a policy is looked at, which no kind of policy may have"
                # Of a kind without a quota the length is no finding.
                is_told = "characters" in self.quotas["kinds"][written.kind]
                yield Note(file, what) if is_told else Gap(file, what, "say what it is: name a folder scp")
                found_here: Iterable[Found] = check_length(written, self.quotas)
            else:
                found_here = self._check(written, file)
            for found in sorted(found_here, key=lambda each: written.position(each.place)):
                yield self._say(found, file, written)
            if self.cut:
                self.cut = False
                yield Gap(file, "stands for more actions than are looked at", "split the policy")

    def finish(self) -> Iterator[Finding | Note]:
        """What only all files together show."""
        for file, written, found in check_counts(self.seen, self.quotas):
            yield self._say(found, file, written)
        if self.unknown:
            files = sorted({file for each in self.unknown.values() for file in each})
            more = f" and {len(files) - 1} more" if len(files) > 1 else ""
            services = named(sorted(self.unknown), 20)
            yield Note(
                files[0] + more,
                f"not checked, since nothing is known here of the actions and keys of {services}",
            )

    def _check(self, written: Written, file: str) -> Iterator[Found]:
        yield from check_length(written, self.quotas)
        yield from _duplicates(written.data, ())
        if written.kind == "ai-opt-out":
            yield from check_opt_out(written, self.rules)
            return
        data = _settled(written.data, written.marks)
        if not isinstance(data, dict):
            yield Found("malformed-policy", (), {"what": "A policy is an object"})
            return
        written = written._replace(data=data)
        listed = data.get("Statement")
        statements = listed if isinstance(listed, list) else [listed] if isinstance(listed, dict) else []
        frame = {**data, "Statement": []} if statements else data
        whole = _read(frame, ())
        if isinstance(whole, Found):
            yield whole
        views = []
        room = _MOST_ACTIONS
        sids: Counter[str] = Counter()
        for number, statement in enumerate(statements):
            place: Place = ("Statement", number) if isinstance(listed, list) else ("Statement",)
            read = _read({"Version": "2012-10-17", "Statement": [statement]}, place)
            if isinstance(read, Found):
                yield read
                continue
            taken = read.statements[0]
            if written.kind == "scp" and (taken.principals or taken.not_principals):
                yield Found("malformed-policy", place, {"what": "A service control policy has no Principal"})
            seen = view(taken, place, statement, self.reference)
            yield from self._actions(written, seen, statement, file)
            if taken.sid and OPEN not in taken.sid:
                sids[taken.sid] += 1
                if sids[taken.sid] == 2:
                    times = sum(isinstance(it, dict) and it.get("Sid") == taken.sid for it in statements)
                    yield Found(
                        "duplicate-sid", (*place, "Sid"), {"sid": taken.sid, "times": times}, sid=taken.sid
                    )
            views.append(seen)
            room -= len(views[-1].actions)
            if room < 0:
                self.cut = True
                break
        lint = Lint(written, views, self.reference, self.rules)
        yield from check_conditions(lint)
        yield from check_allows(lint)

    def _actions(self, written: Written, seen: View, statement: Any, file: str) -> Iterator[Found]:
        name = "Action" if "Action" in statement else "NotAction"
        sid = statement.get("Sid")
        taken = seen.statement
        for number, pattern in enumerate(taken.actions or taken.not_actions or ()):
            listed = isinstance(statement[name], list)
            at = (*seen.place, name, number) if listed else (*seen.place, name)
            service, colon, _ = pattern.lower().partition(":")
            if pattern == "*" or OPEN in pattern:
                continue
            if not colon or "*" in service:
                what = f"{pattern} is no action: one is written service:Action"
                yield Found("malformed-policy", at, {"what": what}, sid=sid)
            elif service in self.reference.others:
                self.unknown.setdefault(service, set()).add(file)
            elif service not in self.reference.services:
                facts = {"service": service, "action": pattern, "date": self.reference.date}
                example = self._meant(written, seen, pattern)
                yield Found("unknown-service", at, facts, sid=sid, example=example)
            elif not self.reference.expand(pattern):
                facts = {"service": service, "action": pattern, "date": self.reference.date_of(service)}
                example = self._meant(written, seen, pattern)
                yield Found("unknown-action", at, facts, sid=sid, example=example)

    def _meant(self, written: Written, seen: View, pattern: str) -> Example | None:
        """What becomes of a request for the action that was probably meant; None where none is alike."""
        if "*" in pattern or "?" in pattern or self.likened == _MOST_LIKENED:
            return None
        from difflib import get_close_matches

        self.likened += 1
        service, _, name = pattern.lower().partition(":")
        for prefix in get_close_matches(service, self.reference.services, 1):
            known = self.reference.expand(f"{prefix}:*")
            actions = {each.partition(":")[2].lower(): each for each in known}
            for near in get_close_matches(name, actions, 1):
                if actions[near] not in seen.actions:
                    held = others_hold(seen, (), self.reference)
                    return replay(written, [seen], actions[near], held, self._outcome(seen))
        return None

    @staticmethod
    def _outcome(seen: View) -> str:
        """What a statement does with a request for an action that it does not name."""
        if seen.statement.not_actions:
            return "ExplicitlyDenied" if seen.denies else "Allowed"
        return "Allowed" if seen.denies else "ImplicitlyDenied"

    def _say(self, found: Found, file: str, written: Written) -> Finding:
        check = self.rules["checks"][found.check]
        sentences = [check["says"], check["happens"], check["mend"]]
        words = [
            _PLACEHOLDER.sub(lambda match: str(found.facts.get(match[1], match[0])), _of(each, found.outcome))
            for each in sentences
        ]
        line, column = written.position(found.place)
        return Finding(
            check=found.check,
            severity=Severity.parse(_of(check["severity"], found.outcome)),
            message=words[0],
            consequence=words[1],
            mend=words[2],
            file=file,
            line=line,
            column=column,
            path=show_path(found.place),
            policy=written.name,
            sid=found.sid,
            example=found.example,
        )


def _read(policy: Any, place: Place) -> Policy | Found:
    """A policy, or the one statement at a place as one, or what the evaluator refuses of it."""
    try:
        return take_policy(policy, "")
    except PolicyFault as error:
        within = 2 if place else 0
        what = f"{show_path(error.element[within:])} {error.said}".lstrip()
        what = f"It {what}" if what[:1].islower() else what
        return Found("malformed-policy", (*place, *error.path[within:]), {"what": what})


def _of(text: Any, outcome: str) -> str:
    return str(text[outcome] if isinstance(text, dict) else text)


def _sentence(what: str) -> str:
    return f"{what[:1].upper()}{what[1:]}."


def _duplicates(value: Any, place: Place) -> Iterator[Found]:
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, Either):
                lines = named([str(line) for line in item.lines], 9)
                yield Found(
                    "duplicate-key", (*place, key), {"key": key, "times": len(item.values), "lines": lines}
                )
            yield from _duplicates(settle(item), (*place, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _duplicates(item, (*place, number))


def _settled(value: Any, marks: Any) -> Any:
    """A copy with one value for each key, its places noted."""
    if isinstance(value, dict):
        copy: Any = {key: _settled(settle(item), marks) for key, item in value.items()}
    elif isinstance(value, list):
        copy = [_settled(item, marks) for item in value]
    else:
        return value
    marks[id(copy)] = marks.get(id(value), {})
    return copy
