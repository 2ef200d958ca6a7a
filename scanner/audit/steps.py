"""The jobs and models that a live pipeline's definition makes, judged as a scan judges them in a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from scanner.audit.item import DEFINITION, PIPELINE, Item
from scanner.audit.judging import Draft, Judged
from scanner.catalog import Catalog
from scanner.check import Teller
from scanner.limits import Limits
from scanner.model import Control, Gap, Note, Verdict
from scanner.opening import Candidate
from scanner.scan import FileJudge, Plan
from scanner.template.document import ReadError


class Step(NamedTuple):
    """A resource that a step makes, as "pipeline/step", and what is said of it."""

    item: Item
    judged: Judged


class Steps:
    """Judges the steps of pipelines by the chosen controls; `teller` knows of keys."""

    def __init__(self, catalog: Catalog, controls: Iterable[Control], teller: Teller) -> None:
        self._files = FileJudge(Plan(catalog, tuple(controls), Limits(), {}, show_passed=True))
        self._files.judge_templates = self._files.judge_templates._replace(teller=teller)
        self._files.judge_templates.engine.run = "audit"

    def judge(self, pipeline: Item) -> Iterator[Step | Gap | Note]:
        """Each resource that the steps make, and what can't be known of them."""
        body = {DEFINITION: {"PipelineDefinitionBody": pipeline.properties.get(DEFINITION)}}
        text = json.dumps({"Resources": {pipeline.name: {"Type": PIPELINE, "Properties": body}}})
        try:
            loaded = self._files.loader.load(text, Candidate(pipeline.name, "", ""))
            verdicts = self._files.judge_templates.judge(loaded)
        except ReadError as error:
            yield Gap(pipeline.name, f"the pipeline's definition can't be read: {error}", error.hint)
            return
        yield from verdicts.gaps
        yield from verdicts.notes
        failing = {(it.name, it.control) for it in verdicts.drafts.values() if it.verdict is not Verdict.PASS}
        found: dict[str, tuple[str, list[Draft]]] = {}
        for it in verdicts.drafts.values():
            draft = Draft(
                it.control, it.verdict.value, it.message, it.path, it.identity, it.condition, it.cause
            )
            found.setdefault(it.name, (it.type, []))
            if it.verdict is not Verdict.PASS:
                found[it.name][1].append(draft)
        # The pipeline itself is judged as it was read, of which only its definition is here.
        for name in sorted(verdicts.resources - {pipeline.name}):
            type_name, drafts = found.get(name, (PIPELINE, []))
            passed = sorted(control for step, control in verdicts.passed if step == name)
            passed = [control for control in passed if (name, control) not in failing]
            item = pipeline._replace(type=type_name, name=name, properties={})
            yield Step(item, Judged(tuple(drafts), tuple(passed), ()))
