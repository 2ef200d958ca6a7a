"""Judging a module or notebook: every request that its code makes, by the controls of its type."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from scanner.code import sdk
from scanner.code.cell import Cell, cells, parse
from scanner.code.run import Request, Run, TooMuch
from scanner.code.statement import execute
from scanner.code.value import Choice, View
from scanner.engine import Subject
from scanner.model import Verdict
from scanner.opening import Candidate
from scanner.requests.operation import types_by_operation
from scanner.template.document import Marks, ReadError
from scanner.template.judge import FileVerdicts, Judge
from scanner.value import Opaque, Partial
from scanner.world import Effort, World

_LEAST_STEPS = 20_000
_STEPS_FOR_A_CHARACTER = 3
_WAIVER = re.compile(r"#\s*smguard:(.*)")
_WAIVED = re.compile(r"\s*ignore\[([\w\s,-]+)\](?:\s+until=(\S+))?(?:\s+(\S.*))?")
_WORD = re.compile(r"\w+")
_WORDS = ("sagemaker", "SageMaker")
_Names = dict[str, dict[Any, Any]]
"""Type -> the names of what is made of it."""


class _Source(NamedTuple):
    """Where the frozen values of a request stand."""

    file: str
    marks: Marks

    def position(self, container: Any, key: Any) -> tuple[int, int] | None:
        """Line and column of an entry."""
        marks = self.marks.get(id(container), {})
        try:
            mark = marks[key]
        except (KeyError, IndexError):
            return None
        found: tuple[int, int] = mark.place
        return found

    def file_of(self, container: Any, key: Any) -> str:
        """Always the file itself."""
        return self.file


def judge_code(
    judge: Judge,
    types: Mapping[str, Any],
    text: str,
    entry: Candidate,
    defaults: Mapping[str, Any],
) -> FileVerdicts:
    """Judge what the code of a file asks AWS for, with the SDK's defaults as `sdk_config.read` gives them.

    Raises ReadError where none of it can be read.
    """
    verdicts = FileVerdicts()
    file, notebook = entry.display, entry.code == "ipynb"
    found = cells(text, notebook)
    steps = _LEAST_STEPS + _STEPS_FOR_A_CHARACTER * sum(len(cell.text) for cell in found)
    main = _new_run(types, steps)
    fault = None
    runs = [(main, [cell for cell in found if cell.file is None and cell.foreign is None])]
    for cell in found:
        if cell.file is not None:
            runs.append((_new_run(types, steps, f"{cell.file}:"), [cell]))
        elif cell.foreign is not None and any(word in cell.text for word in _WORDS):
            what = f"{cell.noun} is no Python, so what it may say of SageMaker is not looked at"
            verdicts.note(_where(file, cell), what)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Python says of the code
        for run, own in runs:
            run.defaults = defaults
            for cell in own:
                fault = _read(run, cell, file, verdicts) or fault
            _finish(run, file, verdicts)
            for mark, what, hint in run.said:
                verdicts.gap(_where(file, *mark), what, hint)
    if fault is not None and not notebook:
        raise fault
    effort = Effort()
    for run, own in runs:
        comments, made = _comments(own), _names(run.requests)
        for request in run.requests:
            _judge_request(judge, request, made, file, effort, verdicts)
        _waive(run.requests, comments, file, verdicts)
    return verdicts


def _new_run(types: Mapping[str, Any], steps: int, prefix: str = "") -> Run:
    run = Run(sdk.load(), _operations(tuple(types_by_operation(types).items())), steps)
    run.prefix, run.kinds = prefix, types
    run.bind("__name__", "__main__")
    return run


@lru_cache(maxsize=4)
def _operations(operations: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """Method of a boto3 client -> resource type, and "class Name" -> resource type, alike for many files."""
    found = {}
    for operation, kind in operations:
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", operation).lower()
        found[name] = kind
        found[f"class {operation[6:]}"] = kind
    return found


def _read(run: Run, cell: Cell, file: str, verdicts: FileVerdicts) -> ReadError | None:
    """Follow one cell; what can't be read is a Gap, and what it may have assigned is unknown."""
    try:
        body = parse(cell)
    except ReadError as fault:
        verdicts.gap(fault.within(file), fault.what, fault.hint)
        run.forget(dict.fromkeys(_WORD.findall(cell.text)), f"{cell.noun}, which can't be read")
        return fault
    run.cell = cell
    _guarded(run, lambda: execute(run, body), file, verdicts)
    return None


def _finish(run: Run, file: str, verdicts: FileVerdicts) -> None:
    """Follow the functions that nothing has called, then take down what nothing has started."""
    run.assumed = {}
    while run.deferred:
        _guarded(run, run.deferred.pop(0), file, verdicts)
    sdk.submit_rest(run)


def _guarded(run: Run, follow: Any, file: str, verdicts: FileVerdicts) -> None:
    state, scope, prefix, cell = run.state, run.scope, run.prefix, run.cell
    # No part may take more than half of what is left, so that the rest is read too.
    kept = run.steps // 2
    run.steps -= kept
    try:
        follow()
    except (TooMuch, RecursionError) as fault:
        run.state, run.scope, run.prefix, run.cell, run.active = state, scope, prefix, cell, []
        why = "takes too long to follow" if isinstance(fault, TooMuch) else "is nested too deep to follow"
        what = f"{cell.noun} {why}: requests in it may be missing"
        verdicts.gap(_where(file, cell), what, "split it, or leave it out")
        run.forget(dict.fromkeys(_WORD.findall(cell.text)), cell.noun)
    run.steps = max(run.steps, 0) + kept


def _where(file: str, cell: Cell, line: int = 1, column: int = 0) -> str:
    place = cell.place(line, column)
    return f"{file}:{place[0]}:{place[1]}"


def _judge_request(
    judge: Judge, request: Request, made: _Names, file: str, effort: Effort, verdicts: FileVerdicts
) -> None:
    kind, mark = request.type, request.mark
    where = _where(file, *mark)
    controls = judge.controls
    if judge.path_settings is not None:
        controls = judge.path_settings.narrow(file, controls)
    if kind not in controls or _is_local(request.local):
        return
    holder = {"call": request.properties}
    marks = {**request.marks, id(holder): {"call": mark}}

    def exists(world: World) -> bool:
        return not _is_local(View(world, request.assumed).value(request.local))

    def joined(world: World, raw: Any, wanted: tuple[str, ...]) -> bool | str:
        return _names_one(View(world, request.assumed).value(raw), made, wanted)

    subject = Subject(
        properties=request.properties,
        kind=judge.kinds.get(kind, {}),
        origin=(holder, "call"),
        look=lambda world: View(world, request.assumed),
        joined=joined,
        world_limit=judge.limits.worlds,
        exists=exists if isinstance(request.local, Choice) else None,
        effort=effort,
    )
    construct = None if mark.cell.number is None else f"{mark.cell.noun}, line {mark.line}"
    source = _Source(file, marks)
    judge.judge_subject(source, subject, controls[kind], kind, request.name, construct, where, verdicts)


def _is_local(value: Any) -> bool:
    return isinstance(value, str) and value.rpartition(".")[2].lower().startswith("local")


def _names(requests: list[Request]) -> _Names:
    """The names of what is made: those that are known, and by their ids all."""
    found: _Names = {}
    for request in requests:
        if isinstance(request.properties, dict):
            key = f"{request.type.rpartition('::')[2]}Name"
            named = request.properties.get(key, request.properties.get("JobDefinitionName"))
            if named is not None:
                found.setdefault(request.type, {})[_name_key(named)] = named
    return found


def _name_key(named: Any) -> Any:
    try:
        hash(named)
    except TypeError:
        return id(named)
    return named


def _names_one(value: Any, made: _Names, wanted: tuple[str, ...]) -> bool | str:
    """Is what a request refers to made in the same file? Else what it names."""
    if value is None:
        return True
    if isinstance(value, Partial):
        part = value.parts[0]
        if isinstance(part, Opaque) and part.refers and part.refers[0] in wanted:
            return True
    if any(_name_key(value) in made.get(kind, ()) for kind in wanted):
        return True
    return value.cause if isinstance(value, Partial) else "nothing in this file has that name"


class _Comment(NamedTuple):
    """A waiver written as a comment: its cell and line there, where that is in the file, and what it says."""

    cell: Cell
    line: int
    text: str


def _comments(own: list[Cell]) -> list[_Comment]:
    found = []
    for cell in own:
        if "smguard:" in cell.text:
            for number, line in enumerate(cell.text.split("\n"), 1):
                match = _WAIVER.search(line)
                if match:
                    found.append(_Comment(cell, number, match[1]))
    return found


def _waive(requests: list[Request], comments: list[_Comment], file: str, verdicts: FileVerdicts) -> None:
    """Give every request the waivers that stand on its lines or above them."""
    covered: dict[tuple[int, int], dict[str, None]] = {}
    if comments:
        for name, mark, last in dict.fromkeys((each.name, each.mark, each.last) for each in requests):
            for line in range(mark.line - 1, last + 1):
                covered.setdefault((id(mark.cell), line), {})[name] = None
    settled = {
        (each.name, each.control) for each in verdicts.drafts.values() if each.verdict is not Verdict.PASS
    }
    for comment in comments:
        where = _where(file, comment.cell, comment.line)
        match = _WAIVED.fullmatch(comment.text.rstrip())
        if match is None:
            what = "is no waiver: write # smguard: ignore[control-id] until=2027-01-31 reason"
            verdicts.note(where, f"the comment {what}")
            continue
        about = list(covered.get((id(comment.cell), comment.line), ()))
        if not about:
            what = "the waiver waives nothing: no SageMaker call is on its line or the one below"
            verdicts.note(where, what)
        for control in (each.strip() for each in match[1].split(",")):
            found = [name for name in about if (name, control) in settled]
            for name in found or about[:1]:
                raw, _ = verdicts.waivers.setdefault(name, ({"waivers": []}, where))
                raw["waivers"].append({"control": control, "reason": match[3], "expires": match[2]})
