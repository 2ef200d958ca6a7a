"""Running a control's examples: each must give the verdict that it is listed under."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from scanner.catalog import Catalog
from scanner.engine import Engine
from scanner.environment import Environment
from scanner.filling import fill
from scanner.limits import Limits
from scanner.model import Control
from scanner.opening import Candidate
from scanner.template.document import ReadError
from scanner.template.judge import FileVerdicts, Judge
from scanner.template.load import Loader, NotTemplate


class Mismatch(NamedTuple):
    """An example that gives another verdict than it states."""

    control: str
    about: str
    stated: str
    given: str


def as_template(example: Mapping[str, Any]) -> dict[str, Any]:
    """The whole template that an example stands for."""
    if "resource" in example:
        return {"Resources": {"Example": example["resource"]}}
    template: dict[str, Any] = example["template"]
    return template


def judge_example(catalog: Catalog, control: Control, example: Mapping[str, Any]) -> str:
    """The worst verdict of one control on an example: fail, unknown, pass or not-applicable."""
    verdicts = judge_places(catalog, control, example)
    if verdicts.crashed:
        return "a crash"
    found = {draft.verdict for draft in verdicts.drafts.values()}
    return max(found, key=lambda verdict: verdict.rank).value if found else "not-applicable"


def judge_places(catalog: Catalog, control: Control, example: Mapping[str, Any]) -> FileVerdicts:
    """What one control says of each place of an example."""
    if "parameters" in example:
        control = fill(control, example["parameters"])
    engine = Engine(catalog)
    limits = Limits()
    by_type = dict.fromkeys(control.resources, (control,))
    judge = Judge(engine, by_type, catalog.kinds, limits, keep_passed=True, types=catalog.types)._replace(
        environment=Environment(whole=True)
    )
    loader = Loader(frozenset(catalog.transforms), limits, types=catalog.types)
    text = json.dumps(as_template(example))
    return judge.judge(loader.load(text, Candidate("example", "", "")))


def expected(example: Mapping[str, Any], stated: str) -> str:
    """The verdict that an example must give here: without the extra that it needs it is unknown."""
    if "extra" not in example:
        return stated
    from scanner.secret import can_look

    return stated if can_look() else "unknown"


def check_examples(
    catalog: Catalog, examples: Mapping[str, Mapping[str, list[Mapping[str, Any]]]]
) -> Iterator[Mismatch]:
    """Run every example of every control that has any."""
    for control_id, by_verdict in examples.items():
        control = catalog.by_id[control_id]
        for stated, listed in by_verdict.items():
            for example in listed:
                try:
                    given = judge_example(catalog, control, example)
                except (ReadError, NotTemplate) as error:
                    given = f"an error ({error})"
                if given != expected(example, stated):
                    yield Mismatch(control_id, str(example.get("about", "")), stated, given)
