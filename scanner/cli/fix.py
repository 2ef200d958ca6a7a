"""`smguard fix`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from scanner import catalog
from scanner.cli import scan, scan_command
from scanner.cli.shared import EXIT_CRASH, EXIT_FINDINGS, EXIT_INCOMPLETE
from scanner.limits import Limits
from scanner.model import Finding, Gap, SmguardError

if TYPE_CHECKING:
    from scanner.fix.mend import Fixer, Proof
    from scanner.fix.plan import Mend
    from scanner.opening import Candidate

_SHARED = {
    *("select", "ignore", "area", "framework", "rules", "exclude", "waivers", "no_inline_waivers"),
    *("environment", "config", "no_config"),
}


@click.command("fix")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=str))
@click.option("--diff/--write", "show", default=True, help="Show what would change (default), or change it.")
def command(paths: tuple[str, ...], show: bool, **options: Any) -> int:
    """Mend what templates violate, where an edit settles it.

    Values are set, and what is missing is added; what can't be known here becomes a parameter of the
    template. Comments, order and style stay, and an edit is kept only if a new scan finds exactly what it
    was made for gone. Standard error says what was left alone, and why.

    Exit codes: 0 nothing is to be mended, or it was; 1 --diff shows something to mend; 2 wrong usage, or a
    file that can't be written; 3 a file could not be read, or not wholly; 4 a defect of smguard.
    """
    from datetime import UTC, datetime

    from scanner.files import Candidate, find, open_text
    from scanner.fix.mend import Fixer
    from scanner.output import write
    from scanner.planning import UNSET, make_plan
    from scanner.scan import FileJudge
    from scanner.template.document import ReadError

    limits, today = Limits(), datetime.now(UTC).date()
    selected = frozenset(options["select"])
    options, config = scan.configure(options)
    plan = make_plan({**UNSET, **options, "baseline": None}, config, limits, today)
    chosen = frozenset(control.id for control in plan.controls)
    plan = plan._replace(controls=catalog.select(plan.catalog), whole=False)
    excludes = scan.excluded_by(config)
    listed = list(find(paths, options["exclude"], limits, settled_excludes=excludes))
    candidates = [entry for entry in listed if isinstance(entry, Candidate) and not entry.code]
    for entry in listed:
        if isinstance(entry, Candidate) and entry.code and entry.named:
            _say(f"{entry.display}: is code: only templates are mended")
    judge = FileJudge(plan)
    nested = {real for entry in judge.survey(candidates) for real in judge.judge(entry).verdicts.followed}
    gaps = [entry for entry in listed if isinstance(entry, Gap)]
    mended = left = 0
    crashed = False
    for entry in candidates:
        try:
            text = open_text(entry, limits)
            if text is None:
                continue
            fixer = Fixer(
                text,
                entry,
                plan,
                today,
                chosen=chosen,
                selected=selected,
                nested=entry.real in nested,
                bonds=judge.bonds,
            )
            proof = fixer.mend()
        except ReadError as error:
            gaps.append(Gap(entry.display, str(error), error.hint))
            continue
        except Exception as error:
            if os.environ.get("SMGUARD_DEBUG"):
                raise
            crashed = True
            gaps.append(Gap(entry.display, f"can't be mended: {type(error).__name__}, a defect of smguard"))
            continue
        if show:
            write(None, _diff(entry.display, text, proof.text))
        elif proof.edits:
            _save(entry, text, proof.text)
        _tell(entry.display, fixer, proof, "mends " if show else "mended")
        gaps += fixer.gaps
        crashed |= fixer.crashed
        mended += sum(len(mend.findings) for mend in fixer.mends)
        left += len(fixer.left)
    for gap in dict.fromkeys(gaps):
        _say(f"{gap.where}: {gap.what}")
    _say(f"{mended} {'can be mended' if show else 'mended'}, {left} left alone.")
    if crashed:
        return EXIT_CRASH
    if show and mended:
        return EXIT_FINDINGS
    return EXIT_INCOMPLETE if gaps else 0


command.params += [option for option in scan_command.command.params if option.name in _SHARED]


def _diff(name: str, before: str, after: str) -> Iterator[str]:
    """A unified diff that does nothing to a terminal; a tab stays one, and \\r\\n is shown as \\n."""
    import re
    from difflib import unified_diff

    from scanner.safe_text import inert

    old, new = (re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+", text) for text in (before, after))
    shown = inert(name, 500)
    for line in unified_diff(old, new, shown, shown):
        body = line.rstrip("\r\n")
        yield "\t".join(inert(part, len(line)) for part in body.split("\t")) + "\n"
        if body == line:
            yield "\\ No newline at end of file\n"


def _save(entry: Candidate, before: str, after: str) -> None:
    """Replace a file whole, with the encoding and mode that it had."""
    from scanner.template.decode import encode

    if not entry.real:
        raise SmguardError("standard input can't be written to", hint="leave --write out for a diff")
    folder, name = os.path.split(entry.real)
    temporary = os.path.join(folder, f".{name[:40]}.{os.urandom(6).hex()}")
    try:
        with open(entry.real, "rb") as file:
            data = file.read()
        if encode(before, data) != data:
            raise SmguardError(f"{entry.display} has changed meanwhile", hint="run it again")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with open(handle, "wb") as file:
                file.write(encode(after, data))
            os.chmod(temporary, os.stat(entry.real).st_mode & 0o7777)
            os.replace(temporary, entry.real)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise SmguardError(f"{entry.display} can't be written: {error.strerror}") from error


def _tell(name: str, fixer: Fixer, proof: Proof, done: str) -> None:
    """What was mended in a file, what that brings along, and what was left alone."""
    if not fixer.mends and not fixer.left:
        return
    _say(name)
    for mend in fixer.mends:
        for finding in mend.findings:
            _say(f"  {done}  {_name(finding)}{_replacement(mend)}")
    for finding in proof.opened:
        _say(f"  asks    {_name(finding)}: {finding.message}")
    for finding, why in fixer.left:
        _say(f"  left    {_name(finding)}: {why}")
    names = sorted({name for mend in fixer.mends for name in mend.parameters})
    if names:
        _say(f"  pass {', '.join(names)} when you deploy")


def _replacement(mend: Mend) -> str:
    if mend.fixed_name:
        return f" (CloudFormation replaces it, and can't while {mend.fixed_name} stays)"
    return " (CloudFormation replaces it)" if mend.replaces else ""


def _name(finding: Finding) -> str:
    return f"{finding.resource.name}  {finding.control.id}"


def _say(text: str) -> None:
    from scanner.safe_text import inert

    click.echo(inert(text, 500), err=True)
