"""Every control as a check of checkov: `checkov -d . --external-checks-dir "$(smguard rules checkov)"`.

CKV2_SMG_nnn: a control. CKV2_SMG_0: something could not be looked at, or not be shown. They are graph checks,
because only those are told which file a resource is from: all files of a graph are judged in one go, from the
files themselves, so that the verdicts are those of `smguard scan`. checkov shows what passes and what fails;
how much can't be decided goes to its log, and fails with SMGUARD_STRICT=1 in the environment.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import sys
import threading
from enum import IntEnum
from typing import Any

from checkov.common.bridgecrew.severities import Severities
from checkov.common.checks_infra.registry import get_graph_checks_registry
from checkov.common.graph.checks_infra.base_check import BaseGraphCheck
from checkov.runner_filter import RunnerFilter

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_GAPS = "CKV2_SMG_0"
_LOG = logging.getLogger("smguard")

Vertex = dict[str, Any]
"""A resource in checkov's graph."""
Results = tuple[list[Vertex], list[Vertex], list[Vertex]]
"""The resources that pass, that fail, and that checkov is to say nothing of."""


class Outcome(IntEnum):
    """What is to be said of a resource by one check; the worst of several counts."""

    PASS = 0
    WAIVED = 1
    UNKNOWN = 2
    FAIL = 3


class Resources:
    """The resources of a graph by their files (absolute path) and logical ids."""

    def __init__(self, graph: Any) -> None:
        self.by_file: dict[str, dict[str, Vertex]] = {}
        nodes = graph.nodes() if type(graph).__module__.startswith("rustworkx") else graph.nodes(data=True)
        for _, vertex in nodes:
            if vertex.get("block_type_") == "resource":
                file = os.path.abspath(vertex.get("file_path_", ""))
                name = str(vertex.get("block_name_", "")).partition(".")[2]
                self.by_file.setdefault(file, {})[name] = vertex

    def named(self, name: str, file: str, location: str) -> Vertex | None:
        """The resource that a finding in `file` is about, else the nested stack that it comes with."""
        stack, last = name.partition("/")[0], name.rpartition("/")[2]
        for where, each in ((file, name), (os.path.abspath(location), last), (file, stack)):
            found = self.by_file.get(where, {}).get(each)
            if found is not None:
                return found
        return None

    def around(self, line: int | None, file: str) -> Vertex | None:
        """The resource around a line (from 1), else the first one of the file."""
        vertices = list(self.by_file.get(file, {}).values())
        for vertex in vertices:
            start, end = vertex.get("__startline__"), vertex.get("__endline__")
            if line and start and end and start - 1 <= line < end:
                return vertex
        return vertices[0] if vertices else None


class Verdicts:
    """The results of all checks on the graph that was asked for last."""

    def __init__(self, catalog: Any, fault: str = "") -> None:
        self.catalog = catalog
        self.fault = fault
        """Why there is no catalog."""
        self._graph: Any = None
        self._results: dict[str, Results] = {}
        self._lock = threading.Lock()

    def of(self, check: str, graph: Any) -> Results:
        """The results of one check. checkov asks for all at once, in threads, and drops what is raised."""
        with self._lock:
            if self._graph is not graph:
                self._results = self._judge(Resources(graph))
                self._graph = graph
            return self._results.get(check, ([], [], []))

    def _judge(self, resources: Resources) -> dict[str, Results]:
        fault, outcomes = self.fault, {}
        if not fault:
            try:
                outcomes = _judge_files(self.catalog, resources)
            except Exception as error:
                fault = f"crashed: {type(error).__name__}; this is a defect of smguard, please report it"
        if fault:
            _LOG.error("smguard: %s", fault)
            first = [next(iter(vertices.values())) for vertices in resources.by_file.values()]
            return {_GAPS: ([], first, [])}
        if unknown := sum(outcome is Outcome.UNKNOWN for _, outcome in outcomes.values()):
            hint = "`smguard scan` tells why; SMGUARD_STRICT=1 fails them"
            _LOG.warning("smguard: %d verdicts are UNKNOWN, which checkov doesn't show: %s", unknown, hint)
        failing = Outcome.UNKNOWN if os.environ.get("SMGUARD_STRICT", "0") != "0" else Outcome.FAIL
        results: dict[str, Results] = {}
        for (check, _), (vertex, outcome) in outcomes.items():
            column = 0 if outcome is Outcome.PASS else 1 if outcome >= failing else 2
            results.setdefault(check, ([], [], []))[column].append(vertex)
        return results


def _judge_files(catalog: Any, resources: Resources) -> dict[tuple[str, int], tuple[Vertex, Outcome]]:
    """(check, id of the resource) -> the resource and the worst that is to be said of it."""
    from scanner import host
    from scanner.model import Finding, Gap
    from scanner.opening import Candidate
    from scanner.report.place import locate
    from scanner.safe_text import inert

    found: dict[tuple[str, int], tuple[Vertex, Outcome]] = {}

    def keep(check: str, vertex: Vertex, outcome: Outcome) -> None:
        before = found.get((check, id(vertex)))
        if before is None or before[1] < outcome:
            found[check, id(vertex)] = (vertex, outcome)

    def say(file: str, line: int | None, text: str, outcome: Outcome = Outcome.FAIL) -> None:
        if outcome is Outcome.FAIL:
            _LOG.warning("smguard: %s", inert(text, 1_000))
        vertex = resources.around(line, file)
        if vertex is not None:
            keep(_GAPS, vertex, outcome)

    root = os.path.realpath(os.path.commonpath(list(map(os.path.dirname, resources.by_file)) or [os.curdir]))
    entries = [Candidate(file, os.path.realpath(file), root, named=False) for file in resources.by_file]
    for file, event in host.judge(catalog, entries, show_passed=True):
        if isinstance(event, Finding):
            location = event.location
            outcome = Outcome.WAIVED if event.waiver or event.baseline else Outcome[event.verdict.name]
            vertex = resources.named(event.resource.name, file, location.file or file)
            if vertex is not None:
                keep(event.control.checkov_id, vertex, outcome)
            elif outcome > Outcome.WAIVED:
                what = f"{event.control.id} fails on {event.resource.name}, which checkov doesn't know"
                where = f"{location.file}:{location.line}"
                say(file, location.line, f"{where}: {what}: {event.message}", outcome)
        elif isinstance(event, Gap) and not event.accepted:
            spot = locate(event.where)
            say(
                spot.file if spot.file and spot.file in resources.by_file else file,
                spot.line,
                f"{event.where}: {event.what}",
            )
    return found


class ControlCheck(BaseGraphCheck):  # type: ignore[misc]  # checkov has no types
    """One control, or what could not be looked at, as checkov wants its graph checks."""

    def __init__(self, id: str, name: str, verdicts: Verdicts, paths: list[str]) -> None:
        super().__init__()
        self.id = id
        self.name = name
        self.frameworks = ["CloudFormation"]
        self._verdicts = verdicts
        self._paths = paths

    def run(self, graph_connector: Any) -> Results:
        """The resources that pass, that fail, and that nothing is to be said of."""
        return self._verdicts.of(self.id, graph_connector)

    def get_evaluated_keys(self) -> list[str]:
        """The properties that the control looks at, the same for every resource."""
        return self._paths


def _import_package() -> None:
    """Make this file's own package importable, also where checkov has an environment of its own."""
    if "scanner" not in sys.modules:
        path = os.path.join(_PACKAGE, "__init__.py")
        spec = importlib.util.spec_from_file_location("scanner", path, submodule_search_locations=[_PACKAGE])
        if spec is None or spec.loader is None:
            raise ImportError(f"no package in {_PACKAGE}")
        module = importlib.util.module_from_spec(spec)
        sys.modules["scanner"] = module
        spec.loader.exec_module(module)


def _check(control: Any, catalog: Any, verdicts: Verdicts) -> ControlCheck:
    paths: set[str] = set()
    for place in (place for rule in control.resources.values() for place in rule.get("places", ())):
        merged = {**catalog.shapes.get(place.get("shape", ""), {}), **place}
        paths.update(f"{merged['at']}.{path}" if "at" in merged else path for path in merged["requires"])
    keys = sorted(path.replace("?", "").replace("[]", ".*").replace(".", "/") for path in paths)
    check = ControlCheck(control.checkov_id, f"{control.title} ({control.id})", verdicts, keys)
    check.resource_types = list(control.resources)
    check.severity = Severities[control.severity.name]
    return check


def _register() -> None:
    """Add the checks to checkov's; it loads this file once for each kind of file that it scans."""
    _import_package()
    from scanner import host
    from scanner.model import SmguardError

    registry = get_graph_checks_registry("cloudformation")
    if any(check.id == _GAPS for check in registry.checks):
        return
    try:
        catalog = host.load_catalog()
        verdicts = Verdicts(catalog)
        checks = [_check(control, catalog, verdicts) for control in catalog.controls if not control.retired]
    except SmguardError as error:
        verdicts, checks = Verdicts(None, f"{error.what}; {error.hint}"), []
    checks.append(ControlCheck(_GAPS, "The SageMaker controls could look at everything", verdicts, []))
    for check in checks:
        RunnerFilter.notify_external_check(check.id)
    registry.checks.extend(checks)


_register()
