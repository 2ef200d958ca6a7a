"""What is the same in every region of an account, such as roles and buckets: told once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from scanner.audit.item import GLOBAL, Scope
from scanner.audit.job import ScopeResult
from scanner.audit.judging import Draft
from scanner.audit.source import Source
from scanner.audit.unit import Log, Row, Unit
from scanner.model import Verdict


def told_once(
    results: Iterable[ScopeResult], sources: Mapping[str, Source], keep_passed: bool
) -> list[ScopeResult]:
    """The results, with each resource of the shared types in one of them only.

    What lies in a region is that region's, as it was judged there; if it was not, the first region's that
    leads to it. What lies in none is `GLOBAL`, with the worst that any region says of it.
    """
    shared = {kind: source for kind, source in sources.items() if source.shared}
    found = {result.scope: result for result in results}
    seen: dict[tuple[str, str, str], dict[Scope, Row]] = {}
    for scope, result in found.items():
        for unit in result.units:
            for row in unit.rows() if unit.type in shared else ():
                seen.setdefault((scope.account, unit.type, row.name), {})[scope] = row
    rows: dict[tuple[Scope, str], list[Row]] = {}
    for (_, kind, _), judged in seen.items():
        first, row = next(iter(judged.items()))
        home = first._replace(region=row.home or first.region)
        at = home if home in found or home.region == GLOBAL else first
        rows.setdefault((at, kind), []).append(judged.get(home) or _worst([*judged.values()]))
    told = {}
    for scope, result in found.items():
        kept = [
            _unit([unit], rows.get((scope, unit.type), ()), keep_passed) if unit.type in shared else unit
            for unit in result.units
            if unit.type not in shared or shared[unit.type].region
        ]
        told[scope] = result._replace(units=tuple(kept))
    for everywhere in dict.fromkeys(scope._replace(region=GLOBAL) for scope in found):
        regions = [
            it for scope, it in found.items() if scope.account == everywhere.account and scope != everywhere
        ]
        more = []
        for kind in (kind for kind, source in shared.items() if not source.region):
            units = [unit for it in regions for unit in it.units if unit.type == kind]
            missing = [Unit(kind, "unread")] * (len(units) < len(regions))
            if units:
                more.append(_unit([*units, *missing], rows.get((everywhere, kind), ()), keep_passed))
        if more:
            known = told.get(everywhere, ScopeResult(everywhere, ()))
            told[everywhere] = known._replace(units=(*known.units, *more))
    return [*told.values()]


def _unit(like: Sequence[Unit], rows: Sequence[Row], keep_passed: bool) -> Unit:
    """A type as some regions have it, with these rows."""
    log = Log()
    for row in rows:
        if row.drafts or keep_passed:
            log.write(row._replace(passed=row.passed if keep_passed else ()))
    states = {unit.state for unit in like}
    return Unit(
        type=like[0].type,
        state=states.pop() if len(states) == 1 else "partial",
        resources=len(rows),
        passed=sum(len(row.passed) for row in rows),
        crashed=any(unit.crashed for unit in like),
        gaps=tuple(dict.fromkeys(gap for unit in like for gap in unit.gaps)),
        notes=tuple(dict.fromkeys(note for unit in like for note in unit.notes)),
        log=log.close(),
    )


def _worst(rows: Sequence[Row]) -> Row:
    """One resource, as several regions judge it: what fails in one fails."""
    found: dict[tuple[str, str], Draft] = {}
    for draft in (each for row in rows for each in row.drafts):
        known = found.setdefault((draft.control, draft.place), draft)
        if Verdict(known.verdict).rank < Verdict(draft.verdict).rank:
            found[draft.control, draft.place] = draft
    failing = {control for control, _ in found}
    passed = dict.fromkeys(each for row in rows for each in row.passed if each not in failing)
    return rows[0]._replace(drafts=tuple(found.values()), passed=tuple(passed))
