"""What is the same in every region of an account, such as roles and buckets: told once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from scanner.audit.item import GLOBAL
from scanner.audit.job import ScopeResult
from scanner.audit.judging import Draft
from scanner.audit.source import Source
from scanner.audit.unit import Log, Row, Unit
from scanner.model import Verdict


def told_once(
    results: Sequence[ScopeResult], sources: Mapping[str, Source], keep_passed: bool
) -> list[ScopeResult]:
    """The results, with each resource of the shared types in one of them only.

    What lies in a region is that region's, as it was judged there; if it was not, the first region's that
    leads to it. What lies in none is `GLOBAL`, with the worst that any region says of it.
    """
    shared = {kind for kind, source in sources.items() if source.shared}
    accounts = dict.fromkeys(result.scope.account for result in results)
    if not any(unit.type in shared for result in results for unit in result.units):
        return list(results)
    told = [each for account in accounts for each in _account(account, results, sources, shared, keep_passed)]
    places = {result.scope: number for number, result in enumerate(results)}
    return sorted(told, key=lambda it: places.get(it.scope, len(places)))


def _account(
    account: str,
    results: Iterable[ScopeResult],
    sources: Mapping[str, Source],
    shared: set[str],
    keep_passed: bool,
) -> Iterable[ScopeResult]:
    own = {it.scope.region: it for it in results if it.scope.account == account}
    regions = [region for region in own if region != GLOBAL]
    seen: dict[tuple[str, str], dict[str, Row]] = {}
    units: dict[str, list[Unit]] = {}
    for region in regions:
        for unit in own[region].units:
            if unit.type in shared:
                units.setdefault(unit.type, []).append(unit)
                for row in unit.rows():
                    seen.setdefault((row.type, row.name), {})[region] = row
    rows: dict[tuple[str, str], list[Row]] = {}
    for (kind, _), by_region in seen.items():
        home = next(iter(by_region.values())).home
        at = home if home in own or home == GLOBAL else next(iter(by_region))
        row = by_region[home] if home in by_region else _worst([*by_region.values()])
        rows.setdefault((kind, at or ""), []).append(row)

    def unit_at(region: str, like: Sequence[Unit]) -> Unit:
        return _unit(like, rows.get((like[0].type, region), ()), len(regions), keep_passed)

    for region in regions:
        kept = [it for it in own[region].units if it.type not in shared]
        kept += [
            unit_at(region, [it])._replace(state=it.state)
            for it in own[region].units
            if it.type in shared and sources[it.type].region
        ]
        yield own[region]._replace(units=tuple(kept))
    everywhere = [unit_at(GLOBAL, each) for kind, each in units.items() if not sources[kind].region]
    if GLOBAL in own:
        yield own[GLOBAL]._replace(units=(*own[GLOBAL].units, *everywhere))
    elif everywhere:
        yield ScopeResult(own[regions[0]].scope._replace(region=GLOBAL), tuple(everywhere))


def _unit(like: Sequence[Unit], rows: Sequence[Row], regions: int, keep_passed: bool) -> Unit:
    """A type as some regions have it, with these rows."""
    log = Log()
    for row in rows:
        if row.drafts or keep_passed:
            log.write(row._replace(passed=row.passed if keep_passed else ()))
    states = {unit.state for unit in like} | ({"unread"} if len(like) < regions else set())
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
