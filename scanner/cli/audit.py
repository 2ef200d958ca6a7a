"""`smguard audit`."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import click

from scanner.cli.options import ReportingCommand, options
from scanner.cli.scan import configure
from scanner.cli.shared import exit_code, paired_outputs, write_reports
from scanner.limits import Limits
from scanner.model import Note
from scanner.report.layout import count

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from scanner.audit.account import Survey
    from scanner.audit.acquisition import Acquisition
    from scanner.audit.audit import Audit
    from scanner.audit.job import ScopeJob, Watch
    from scanner.audit.source import Source
    from scanner.scan import Plan

_SCOPES_AT_ONCE = 4
_DAYS = 90


@click.command("audit", cls=ReportingCommand)
@options("regions", "profile", "role_arn")
@click.option("--external-id", metavar="ID", help="The external id that the roles ask for.")
@click.option("--account-role", metavar="NAME", help="The role to assume in each account.")
@click.option("--account", "accounts", multiple=True, metavar="ID", help="An account to audit (repeatable).")
@click.option("--org", "organization", is_flag=True, help="Audit all accounts of the organization.")
@click.option(
    "--policy-parameters",
    metavar="FILE",
    help="The values that the policies of the pack were deployed with: are they attached?",
)
@click.option(
    "--since",
    default=str(_DAYS),
    show_default=True,
    metavar="DAYS|DATE|all",
    help="Leave out jobs that are older.",
)
@click.option("--store", metavar="FILE", help="Where to remember what never changes. [default: user's cache]")
@click.option("--no-store", is_flag=True, help="Remember nothing, and read everything.")
@click.option("--resume", is_flag=True, help="Go on where an audit was broken off.")
@click.option("--demo", is_flag=True, help="Audit a made-up account that comes with smguard, without AWS.")
@click.option("--dask", metavar="ADDRESS", help="Let the workers of this Dask scheduler do it.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1, max=64),
    default=8,
    show_default=True,
    metavar="N",
    help="Calls at once for one resource type in a region.",
)
@click.option(
    "--max-rate",
    type=click.FloatRange(min=0.1),
    default=100.0,
    show_default=True,
    metavar="N",
    help="Calls a second of one operation in a region.",
)
@click.option("--security-hub", is_flag=True, help="Send the findings to AWS Security Hub too.")
@click.option("--print-policy", is_flag=True, help="Print the IAM policy that the chosen controls need.")
@options(
    "formats", "files", "select", "ignore", "area", "framework", "rules", "waivers", "baseline", "fail_on"
)
@options("environment", "strict", "show_passed", "exit_zero", "allow_incomplete", "config", "no_config")
def command(formats: tuple[str, ...], files: tuple[str, ...], **given: Any) -> int:
    """Audit a live account.

    Reads the settings of SageMaker's resources with read-only credentials, and judges them by the same
    controls as a scan. What can't be read is said, with the permission that is missing.
    """
    from scanner.audit import acquisition, governance
    from scanner.audit.audit import Audit, Heading
    from scanner.audit.environment import surroundings
    from scanner.audit.order import readable
    from scanner.audit.permission import policy
    from scanner.planning import UNSET, make_plan

    now = datetime.now(UTC)
    since = _since(given["since"], now)
    outputs = paired_outputs(formats, files)
    given, config = configure({**UNSET, **given})
    plan = make_plan(given, config, Limits(), now.date())._replace(show_passed=given["show_passed"])
    file, everywhere = given["policy_parameters"], given["organization"]
    controls, asked, unasked = governance.choose(plan.controls, given["select"], everywhere, bool(file))
    if not controls and unasked:
        raise click.UsageError("; ".join(f"{note.where} {note.what}" for note in unasked))
    plan = plan._replace(controls=controls)
    known = acquisition.load(given["rules"])
    also, sources = surroundings(plan.catalog, plan.controls, acquisition.sources(given["rules"]))
    how = readable(plan.catalog, plan.controls, known, also)
    if given["print_policy"]:
        needed = policy(plan.catalog, plan.controls, how, asked, everywhere, given["account_role"], sources)
        click.echo(json.dumps(needed, indent=2))
        return 0
    for known_before in (plan.baseline, plan.acceptances):
        if known_before is not None:
            known_before.remote = True
    survey = _survey(given, [control.id for control in plan.controls])
    jobs = _jobs(survey, given, plan, how, sources, since)
    accounts = dict.fromkeys(place.scope.account for place in survey.places) if asked else ()
    watch = _watch(len(jobs) + len(accounts))
    watch.asks(lambda: survey.calls)
    beside, values = [], None
    if asked:
        if survey.own is None:
            raise click.UsageError("the account of --demo is in no organisation")
        values = governance.read_values(file, survey.own.scope.partition)
        beside = governance.account_jobs(
            survey.own, accounts, plan.catalog, asked, values, plan.show_passed, watch
        )
    notes = [*survey.notes, *unasked, *_left_out(plan, {*known, *sources, *asked}, how, since)]
    deployed = {it.id: values[1] for it in asked.get(governance.ATTACHED, ()) if values}
    heading = Heading(survey.by, now, since, lambda: datetime.now(UTC), deployed)
    executor = _executor(given)
    hub = None
    if given["security_hub"]:
        from scanner.cli.security_hub import SecurityHub

        hub = SecurityHub(survey.places, survey.own, now)
    audit = Audit(
        plan=plan,
        heading=heading,
        jobs=jobs,
        executor=executor,
        watch=watch,
        here=not given["dask"],
        notes=notes,
        gaps=survey.gaps,
        send=hub.take if hub else None,
        beside=beside,
        calls=survey.calls,
    )
    try:
        with _ending_softly(watch):
            write_reports(audit, "audit", outputs, bool(given["strict"]), audit.about)
    finally:
        executor.shutdown(wait=not watch.stopped, cancel_futures=True)
    if audit.summary.complete:
        for job in jobs[:1]:
            job.door.end()
    click.echo(_in_short(audit), err=True)
    if hub is not None:
        click.echo(hub.conclude(audit), err=True)
    code = exit_code(audit, given)
    if watch.stopped:
        _leave(code)
    return code


def _survey(given: Mapping[str, Any], controls: Sequence[str]) -> Survey:
    from scanner.audit.account import Where, survey

    if not given["demo"]:
        return survey(Where(**{name: given[name] for name in Where._fields}), controls)
    from scanner.audit import demo

    if any(given[name] for name in (*Where._fields, "dask", "security_hub", "policy_parameters")):
        raise click.UsageError("--demo goes without options that say where and how to look")
    return demo.survey()


def _jobs(
    survey: Survey,
    given: Mapping[str, Any],
    plan: Plan,
    how: Mapping[str, Acquisition],
    sources: Mapping[str, Source],
    since: datetime | None,
) -> list[ScopeJob]:
    from scanner.audit.door import Door
    from scanner.audit.job import ScopeJob

    store = None if given["no_store"] or given["demo"] else given["store"] or ""
    # What an audit that goes on from another must have in common with it.
    asked = [plan.catalog.digest, *how, *map(str, plan.controls), given["since"], plan.show_passed, survey.by]
    asked += [*sources, plan.environment]
    run = sha256(repr(asked).encode()).hexdigest()
    known = None if given["dask"] else survey.own
    return [
        ScopeJob(
            scope=place.scope,
            door=Door(
                access=place.access,
                ceiling=given["max_rate"],
                store=store,
                run=run,
                resume=given["resume"],
                verified=place == known,
                demo=given["demo"],
            ),
            catalog=plan.catalog,
            controls=plan.controls,
            how=how,
            since=since,
            keep_passed=plan.show_passed,
            calls=given["jobs"],
            sources=sources,
            environment=plan.environment,
        )
        for place in survey.places
    ]


def _left_out(
    plan: Plan, known: Collection[str], how: Mapping[str, Acquisition], since: datetime | None
) -> Iterator[Note]:
    """What nobody should take for looked at."""
    jobs = sorted(name.rpartition("::")[2] for name, it in how.items() if it.open)
    if since is not None and jobs:
        what = f"jobs that began before {since:%Y-%m-%d} and have ended are left out: {', '.join(jobs)}"
        yield Note("--since", what)
    for type_name in sorted({type_name for control in plan.controls for type_name in control.resources}):
        if type_name not in known:
            yield Note(type_name, "an audit does not read this type, so no control is judged on it")


def _executor(given: Mapping[str, Any]) -> Executor:
    """Who does the work: threads, unless a Dask scheduler is named."""
    if given["dask"]:
        from scanner.audit.fleet import dask_workers

        return dask_workers(given["dask"])
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(_SCOPES_AT_ONCE, "region")


def _since(text: str, now: datetime) -> datetime | None:
    if text == "all":
        return None
    days = text.removesuffix("d")
    try:
        if days.isdecimal():
            return now - timedelta(days=int(days))
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise click.BadParameter("give days (90), a date (2026-08-23) or all", param_hint="--since") from None


def _watch(scopes: int) -> Watch:
    """What shows how it goes on: on a terminal a live display."""
    if sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        from scanner.cli.progress import Progress

        return Progress(scopes)
    from scanner.audit.job import Watch

    return Watch()


@contextmanager
def _ending_softly(watch: Watch) -> Iterator[None]:
    """The first Ctrl-C ends the reading, so that what is known is still reported; the second ends all."""

    def stop(*_: Any) -> None:
        if watch.stopped:
            raise KeyboardInterrupt
        watch.clock.stop()
        os.write(2, b"Stopping: what was read so far is reported. Press Ctrl-C again to leave at once.\n")

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _in_short(audit: Audit) -> str:
    summary, about = audit.summary, audit.about()
    regions = count(len(audit.jobs), "region")
    accounts = count(len(about["accounts"]), "account")
    ended = "Stopped" if audit.watch.stopped else "Audited"
    found = f"{summary.fail:,} failed, {summary.unknown:,} unknown, {count(summary.gaps, 'gap')}"
    calls = count(about["calls"]["made"], "call")
    return f"{ended}: {count(summary.resources, 'resource')} in {regions} of {accounts}; {found}; {calls}"


def _leave(code: int) -> None:
    """End at once where a call hangs: Python would wait for its thread."""
    others = [it for it in threading.enumerate() if it is not threading.main_thread() and not it.daemon]
    if others:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(code)
