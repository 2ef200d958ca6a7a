"""`make oracle`: the second opinion on the scenarios, live; `--write` keeps what it says for the tests.

The oracle is the npm package @cloud-copilot/iam-simulate, which runs in a process of its own and is no part
of what is released. An expected table is one letter per scenario: A(llowed), E(xplicitly) or I(mplicitly
denied), and ! where the oracle refuses the input.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from scanner.policy.scenario import answer
from tests.policy.vectors import random_scenarios, scenarios

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent.parent / ".cache" / "oracle"
PACKAGE = "@cloud-copilot/iam-simulate@0.1.173"
EXPECTED = HERE / "expected.json"
KEPT, LIVE = 3_000, 60_000
"""Random scenarios that the tests know the oracle's opinion of, and that a live run compares."""


def ours(listed: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Our decisions, a letter each."""
    lines = (json.dumps({"id": number, **each}).encode() for number, each in enumerate(listed))
    for line in answer(lines, "vectors"):
        yield json.loads(line)["decision"][0]


def theirs(listed: Iterable[dict[str, Any]]) -> list[str]:
    """The oracle's decisions, a letter each."""
    lines = "\n".join(json.dumps({"id": number, **each}) for number, each in enumerate(listed))
    command = ["node", str(HERE / "oracle.cjs"), str(FOLDER)]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line).get("decision", "!")[0] for line in done.stdout.splitlines()]


def disputes() -> list[dict[str, Any]]:
    """Where we decide otherwise: {vectors: [globs of names], ours, why, source}."""
    return yaml.safe_load((HERE / "disputes.yaml").read_text(encoding="utf-8"))


def disputed(name: str, letter: str) -> dict[str, Any] | None:
    """The dispute that explains our decision on a vector."""
    for each in disputes_once:
        if letter in each["ours"] and any(
            fnmatchcase(name, glob.replace("[", "[[]")) for glob in each["vectors"]
        ):
            return each
    return None


disputes_once = disputes() if (HERE / "disputes.yaml").exists() else []


def main() -> None:
    """Compare, and list every difference that no dispute explains."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(FOLDER), PACKAGE],
        check=True,
    )
    named = list(scenarios())
    opinions = theirs(each for _, each in named)
    wrong = explained = refused = 0
    for (name, each), mine, other in zip(named, ours(each for _, each in named), opinions, strict=True):
        if other == "!":
            refused += 1
        elif mine != other:
            if disputed(name, mine):
                explained += 1
            else:
                wrong += 1
                print(f"{name}: ours {mine}, oracle {other}\n  {json.dumps(each)}")
    agreed = len(named) - wrong - explained - refused
    print(f"systematic: {agreed} agreed, {explained} disputed, {refused} refused, {wrong} unexplained")
    count = KEPT if "--write" in sys.argv else LIVE
    listed = list(random_scenarios(count))
    chance = theirs(listed)
    pairs = list(zip(listed, ours(listed), chance, strict=True))
    unlike = [(each, mine, other) for each, mine, other in pairs if mine != other and other != "!"]
    for each, mine, other in unlike[:20]:
        print(f"random: ours {mine}, oracle {other}\n  {json.dumps(each)}")
    print(f"random: {count - len(unlike)} agreed, {chance.count('!')} refused, {len(unlike)} different")
    if "--write" in sys.argv:
        families = {
            family: "".join(letter for _, letter in group)
            for family, group in groupby(
                zip(named, opinions, strict=True), key=lambda pair: pair[0][0].partition("/")[0]
            )
        }
        EXPECTED.write_text(
            json.dumps({"oracle": PACKAGE, **families, "random": "".join(chance)}, indent=0) + "\n"
        )
    sys.exit(1 if wrong or unlike else 0)


if __name__ == "__main__":
    main()
