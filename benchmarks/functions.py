"""The functions that run in Lambda, from their zips: size, import, and the first thing they judge."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from typing import Any, NamedTuple

from scanner.deploy.bundle import MOST_BYTES, bundles
from tests.hook.events import resource_event
from tests.hook.test_artifact import NOTEBOOK, RULE

ROUNDS = 15
IMPORT_MS, JUDGE_MS = 60.0, 5.0
"""What is asked, in milliseconds of CPU time on a warm disk, the fastest of the rounds."""
_TIMED = """
import contextlib, io, json, sys, time
event = json.loads(sys.stdin.read())
start = time.process_time()
{imports}
imported = time.process_time()
assert "boto3" not in sys.modules
with contextlib.redirect_stdout(io.StringIO()):
    said = {judge}
print(json.dumps([(imported - start) * 1000, (time.process_time() - imported) * 1000, said]))
"""


class Function(NamedTuple):
    """How a function is imported and called, and what it is asked."""

    imports: str
    judge: str
    event: Any
    says: str


FUNCTIONS = {
    "rules": Function(
        "from config_rules.handler import evaluate, read; from config_rules.journal import Journal",
        "[it.compliance for it in evaluate(*read(event, Journal()), None, Journal())[0]]",
        RULE,
        "NON_COMPLIANT",
    ),
    "hook": Function(
        "from config_rules.hook import handle",
        "[handle(event)['errorCode']]",
        resource_event(NOTEBOOK, {"RootAccess": "Enabled"}),
        "NonCompliant",
    ),
}


def main() -> None:
    """Print a table."""
    print(f"{'function':<10} {'zip bytes':>10} {'import ms':>10} {'first ms':>9}  asked")
    for name, bundle in bundles().items():
        with tempfile.TemporaryDirectory(prefix="smguard-bench-") as folder:
            with zipfile.ZipFile(io.BytesIO(bundle.content)) as archive:
                archive.extractall(folder)
            # Lambda's disk is read-only: what was never compiled is compiled at each cold start.
            cold = [_run(folder, FUNCTIONS[name], PYTHONDONTWRITEBYTECODE="1") for _ in range(ROUNDS)]
        imports, first = (min(each) for each in zip(*cold, strict=True))
        met = len(bundle.content) < MOST_BYTES and imports <= IMPORT_MS and first <= JUDGE_MS
        asked = f"< {MOST_BYTES:,}, ≤ {IMPORT_MS:g}, ≤ {JUDGE_MS:g}: {'met' if met else 'MISSED'}"
        took = f"{imports:>10.1f} {first:>9.1f}"
        print(f"{name:<10} {len(bundle.content):>10,} {took}  {asked}")


def _run(folder: str, function: Function, **more: str) -> tuple[float, float]:
    """Milliseconds of CPU time for the import and for the first evaluation, in a process of their own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-c", _TIMED.format(imports=function.imports, judge=function.judge)],
        input=json.dumps(function.event),
        capture_output=True,
        check=True,
        cwd=folder,
        env={**env, "PYTHONPATH": folder, **more},
        text=True,
    )
    imports, first, said = json.loads(done.stdout)
    if said != [function.says]:
        raise RuntimeError(f"the function said {said}")
    return imports, first


if __name__ == "__main__":
    main()
