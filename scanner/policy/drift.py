"""The pack against what an organisation has attached: missing, changed, detached and weaker statements."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from scanner.model import Note, SmguardError
from scanner.policy import cases, pack
from scanner.policy.decide import ALLOWED, Policies, decide
from scanner.policy.document import Policy, take_policy
from scanner.policy.inheritance import OptOut, undone
from scanner.policy.render import Rendered
from scanner.policy.request import MULTIVALUED, Request

SCP, OPT_OUT = "SERVICE_CONTROL_POLICY", "AISERVICES_OPT_OUT_POLICY"
TYPES = (SCP, OPT_OUT)
KINDS = ("weaker", "missing", "detached", "changed")
NAMED = "smguard-"
"""How the names of the pack's policies begin."""
_MOST_TRIED = 5_000
"""Requests that are tried for one changed statement."""


class Live(NamedTuple):
    """One policy as the organisation has it."""

    id: str
    name: str
    type: str
    document: Mapping[str, Any]

    @property
    def shown(self) -> str:
        """Its name and id."""
        return f"{self.name} ({self.id})"


class Level(NamedTuple):
    """A root, organizational unit or account on the path to the target, and what is attached to it."""

    id: str
    policies: tuple[Live, ...]


class Deployed(NamedTuple):
    """What an organisation has of policies, as seen from one target."""

    path: tuple[Level, ...]
    """The root first, the target last."""
    elsewhere: tuple[tuple[Live, tuple[str, ...]], ...]
    """Policies of the pack's names that the path doesn't have, each with what it is attached to."""


class Difference(NamedTuple):
    """What is not as the pack has it."""

    kind: str
    """weaker, missing, detached or changed."""
    policy: str
    """Of the pack: "scp/network.json"."""
    statements: tuple[str, ...]
    """Their Sids; none for an opt-out policy."""
    what: str
    example: Mapping[str, Any] | None = None
    """Of a weaker one: {about, request or children} that the pack denies and the organisation doesn't."""


class _Part(NamedTuple):
    """A statement, or an opt-out policy as a whole."""

    type: str
    known: str
    """What makes it the same one: its Sid, or the policy's name."""
    digest: str
    """What it says, whatever it is called and however it is written."""
    body: Mapping[str, Any]
    live: Live | None = None
    where: tuple[str, ...] = ()

    @property
    def holder(self) -> str:
        """The policy that it was found in."""
        return self.live.shown if self.live else ""


def compare(
    rendered: Sequence[Rendered], deployed: Deployed, values: pack.Values
) -> Iterator[Difference | Note]:
    """How the pack, rendered with these values, differs from what is attached along a path."""
    attached = [
        it for level in deployed.path for live in level.policies for it in _of_live(live, (level.id,))
    ]
    elsewhere = [it for live, targets in deployed.elsewhere for it in _of_live(live, targets)]
    trial = _Trial(deployed, values)
    found: dict[tuple[str, str, str], list[str]] = {}
    mine = [(each, part) for each in rendered for part in _parts(each.source.type, each.name, each.document)]
    for policy, part in mine:
        kind, what = _state(part, attached, elsewhere)
        sids = (part.known,) if part.type == SCP else ()
        if kind == "changed":
            try:
                example = trial.example(policy, part, _namesakes(part, attached))
            except SmguardError as error:
                yield Note(
                    policy.source.path, f"whether a change makes it weaker can't be told: {error.what}"
                )
                example = None
            if example is not None:
                yield Difference("weaker", policy.source.path, sids, what, example)
                continue
        if kind:
            found.setdefault((kind, policy.source.path, what), []).extend(sids)
    yield from (Difference(kind, path, tuple(sids), what) for (kind, path, what), sids in found.items())
    yield from _copies({part.digest for _, part in mine}, attached)


def _parts(kind: str, name: str, document: Mapping[str, Any]) -> Iterator[_Part]:
    listed = document.get("Statement", []) if kind == SCP else document
    for body in listed if isinstance(listed, list) else [listed]:
        if not isinstance(body, dict):
            continue  # AWS takes no such policy
        digest = json.dumps([kind, document.get("Version"), _canonical(body)], sort_keys=True)
        yield _Part(kind, str(body.get("Sid")) if kind == SCP else name, digest, body)


def _of_live(live: Live, where: tuple[str, ...]) -> Iterator[_Part]:
    return (part._replace(live=live, where=where) for part in _parts(live.type, live.name, live.document))


def _canonical(node: Any) -> Any:
    """Without what makes no difference: Sid, order, a text for a list of one, the case of keys."""
    if isinstance(node, dict):
        return {str(key).lower(): _canonical(below) for key, below in node.items() if key != "Sid"}
    listed = node if isinstance(node, list) else [node]
    if any(isinstance(each, dict) for each in listed):
        return [_canonical(each) for each in listed]
    return sorted({json.dumps(each).strip('"') for each in listed})


def _namesakes(part: _Part, among: Iterable[_Part]) -> list[_Part]:
    return [it for it in among if (it.type, it.known) == (part.type, part.known)]


def _state(part: _Part, attached: Sequence[_Part], elsewhere: Sequence[_Part]) -> tuple[str, str]:
    """What became of a part of the pack, and where it is; ("", "") if it is attached as the pack has it."""
    if any(it.digest == part.digest for it in attached):
        return "", ""
    for it in _namesakes(part, attached):
        return "changed", f"in {it.holder}, attached to {it.where[0]}"
    same = [it for it in elsewhere if it.digest == part.digest] or _namesakes(part, elsewhere)
    for it in same:
        changed = "" if it.digest == part.digest else ", and changed"
        return "detached", f"in {it.holder}, attached to {', '.join(it.where) or 'nothing'}{changed}"
    return "missing", "in no policy that is attached here, nor in one that is named like the pack's"


def _copies(known: Collection[str], attached: Iterable[_Part]) -> Iterator[Note]:
    """What is attached more than once, and policies named like the pack's that hold nothing of it."""
    places: dict[str, dict[str, None]] = {}
    useful: dict[str, bool] = {}
    for it in attached:
        shown = f"{it.holder} at {it.where[0]}"
        useful[shown] = useful.get(shown, not it.holder.startswith(NAMED)) or it.digest in known
        if it.digest in known:
            places.setdefault(it.digest, {})[shown] = None
    for first, *again in dict.fromkeys(tuple(each) for each in places.values()):
        if again:
            yield Note(first, f"is attached again: {', '.join(again)}; each takes a place of the quota")
    yield from (
        Note(shown, "is named like a policy of the pack and holds nothing of it")
        for shown, is_useful in useful.items()
        if not is_useful
    )


class _Trial:
    """The requests of the pack's cases, put to what is deployed."""

    def __init__(self, deployed: Deployed, values: pack.Values) -> None:
        self._deployed = deployed
        self._values = values
        self._subjects: dict[str, cases.Subject | OptOut] = {}
        self._levels: tuple[tuple[Policy, ...], ...] = ()

    def example(self, policy: Rendered, part: _Part, changed: Sequence[_Part]) -> Mapping[str, Any] | None:
        """What the part denies and the deployed policies don't; None if it is nothing that is tried.

        Raises SmguardError for a deployed policy that can't be evaluated.
        """
        if not self._subjects:
            self._levels = tuple(
                tuple(take_policy(it.document, it.shown) for it in level.policies if it.type == SCP)
                for level in self._deployed.path
            )
            self._subjects = {it.name: it for it in cases.of_the_pack(self._values)}
        subject = self._subjects[f"policies/{policy.source.path}"]
        if isinstance(subject, OptOut):
            live = [
                it.document for level in self._deployed.path for it in level.policies if it.type == OPT_OUT
            ]
            for child, outcome in undone(live, subject.cases):
                return {**child._asdict(), "outcome": outcome}
            return None
        alone = Policies(identity=(cases.EVERYTHING,), scp=((cases.EVERYTHING, _alone(part)),))
        around = Policies(identity=(cases.EVERYTHING,), scp=self._levels)
        tried = (
            (case, it) for case in subject.cases for it in _variants(cases.requests(case), part, changed)
        )
        for case, request in islice(tried, _MOST_TRIED):
            denied = decide(request, alone).decision != ALLOWED
            if denied and decide(request, around).decision == ALLOWED:
                return {"about": case.about, "request": request._asdict()}
        return None


def _alone(part: _Part) -> Policy:
    return take_policy({"Version": "2012-10-17", "Statement": [part.body]}, part.known)


def _variants(requests: Iterable[Request], part: _Part, changed: Sequence[_Part]) -> Iterator[Request]:
    """The requests, and each with an action that was left out or a value that was let in."""
    (own,) = _alone(part).statements
    theirs = [each for it in changed for each in _alone(it).statements]
    kept = {action.lower() for it in theirs for action in it.actions or ()}
    gone = [action for action in own.actions or () if action.lower() not in kept]
    asked = {(key.lower(), value) for _, key, listed in own.conditions for value in listed}
    said = [(key.lower(), value) for it in theirs for _, key, listed in it.conditions for value in listed]
    for request in requests:
        yield request
        yield from (request._replace(action=action) for action in gone)
        for key, pattern in dict.fromkeys(said):
            if (key, pattern) not in asked:
                value = _instance(pattern)
                context = {name: it for name, it in request.context.items() if name.lower() != key}
                context[key] = [value] if key in MULTIVALUED else value
                principal = value if key == "aws:principalarn" else request.principal
                yield request._replace(context=context, principal=principal)


def _instance(pattern: str) -> str:
    """A text that a pattern stands for."""
    parts = pattern.split(":", 5)
    if len(parts) == 6 and "*" in parts[4]:
        parts[4] = "111122223333"
    return ":".join(parts).replace("*", "x").replace("?", "x")
