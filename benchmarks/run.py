"""`make bench`: whole cold processes of smguard and its peers, each against the floor, as a table."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from benchmarks import session, simulate
from benchmarks.generate import generate

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
VENVS = HERE / ".venvs"
WORK = HERE / ".work"
FULL = os.environ.get("BENCH_FULL") == "1"
"""Run the peers over the 1,000 templates too, which takes minutes."""
ENOUGH_SECONDS = 6.0
MOST_ROUNDS, LEAST_ROUNDS = 15, 2


@dataclass(frozen=True, slots=True)
class Contender:
    """A command to be measured: `{python}`, `{bin}` and `{path}` in its words are filled in."""

    name: str
    venv: str
    words: tuple[str, ...]
    install: tuple[str, ...]
    fine: frozenset[int]
    """Exit codes of a run that did its job."""
    peer: bool = True
    folder_words: tuple[str, ...] = ()
    """The command for a folder, where it differs."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took, its children included."""

    cpu: float
    wall: float
    mebibytes: float


@dataclass(frozen=True, slots=True)
class Ask:
    """What smguard is asked to keep to in one case; `floor` and `checkov` are ratios of CPU time."""

    floor: float | None = None
    checkov: float | None = None
    wall_share: float | None = None


ASKS = {
    "120 lines": Ask(floor=3.0, checkov=20.0),
    "500 resources": Ask(floor=1.5),
    "1,000 templates": Ask(floor=1.0, wall_share=0.6),
    "1,000 SageMaker": Ask(),
}
FLOOR = Contender(
    name="floor",
    venv="smguard",
    words=("{python}", str(HERE / "floor.py"), "{path}"),
    install=(str(ROOT),),
    fine=frozenset({0}),
    peer=False,
)
CONTENDERS = (
    Contender(
        name="smguard",
        venv="smguard",
        words=("{bin}/smguard", "scan", "{path}"),
        install=(str(ROOT),),
        fine=frozenset({0, 1, 3}),
        peer=False,
    ),
    Contender(
        name="cfn-guard-rs",
        venv="guard",
        words=("{python}", str(HERE / "guard.py"), "{path}"),
        install=("cfn-guard-rs", "PyYAML"),
        fine=frozenset({0}),
    ),
    Contender(
        name="cfn-lint",
        venv="cfn-lint",
        words=("{bin}/cfn-lint", "{path}"),
        install=("cfn-lint",),
        fine=frozenset(range(16)),
        folder_words=("{bin}/cfn-lint", "{path}/*"),
    ),
    Contender(
        name="checkov",
        venv="checkov",
        words=(
            *("{bin}/checkov", "--skip-download", "--quiet", "--compact"),
            *("--framework", "cloudformation", "-f", "{path}"),
        ),
        install=("checkov",),
        fine=frozenset({0, 1}),
        folder_words=(
            *("{bin}/checkov", "--skip-download", "--quiet", "--compact"),
            *("--framework", "cloudformation", "-d", "{path}"),
        ),
    ),
)


class Unavailable(Exception):
    """A contender that can't be installed or does not work; the text says why."""


def main() -> None:
    """Print the tables, a line as soon as it is known."""
    from benchmarks import audit, functions

    functions.main()
    simulate.main()
    session.main()
    cases = generate(WORK)
    broken = {each.name: reason for each in (FLOOR, *CONTENDERS) if (reason := prepare(each))}
    print(
        f"{'case':<16} {'process':<13} {'CPU s':>8} {'× floor':>8} {'wall s':>8} {'MiB':>6}  asked of smguard"
    )
    for case, path in cases.items():
        costs: dict[str, Cost] = {}
        for contender in CONTENDERS:
            if contender.peer and path.is_dir() and not FULL:
                print(f"{case:<16} {contender.name:<13} not run; BENCH_FULL=1 does")
                continue
            reason = broken.get(contender.name) or broken.get(FLOOR.name)
            try:
                if reason:
                    raise Unavailable(reason)
                floor, cost, ratio = _pair(contender, path)
            except Unavailable as error:
                print(f"{case:<16} {contender.name:<13} {error}")
                continue
            if not costs:
                print(_line(case, FLOOR.name, floor, 1.0))
            costs[contender.name] = cost
            met = _judged(ASKS[case], cost, ratio) if contender.name == "smguard" else ""
            print(f"{_line(case, contender.name, cost, ratio)}  {met}".rstrip(), flush=True)
        asked = ASKS[case].checkov
        if asked and {"smguard", "checkov"} <= costs.keys():
            times = costs["checkov"].cpu / costs["smguard"].cpu
            verdict = "met" if times >= asked else "MISSED"
            print(
                f"{case:<16} smguard is {times:.0f} times faster than checkov (asked {asked:.0f}: {verdict})"
            )
    audit.main()


def _line(case: str, name: str, cost: Cost, ratio: float) -> str:
    return f"{case:<16} {name:<13} {cost.cpu:>8.3f} {ratio:>8.2f} {cost.wall:>8.3f} {cost.mebibytes:>6.0f}"


def _judged(ask: Ask, cost: Cost, ratio: float) -> str:
    said = []
    if ask.floor is not None:
        said.append(f"≤ {ask.floor:g} × floor: {'met' if ratio <= ask.floor else 'MISSED'}")
    if ask.wall_share is not None:
        if (os.cpu_count() or 1) < 2:
            said.append("wall time needs two cores")
        else:
            met = cost.wall < ask.wall_share * cost.cpu
            said.append(f"wall < {ask.wall_share:g} × CPU: {'met' if met else 'MISSED'}")
    return ", ".join(said)


def _pair(contender: Contender, path: Path) -> tuple[Cost, Cost, float]:
    """Medians of the floor's and the contender's cost, run in turn, and of their ratio in CPU time."""
    run(contender, path)
    floors: list[Cost] = []
    costs: list[Cost] = []
    for _ in _rounds():
        floors.append(run(FLOOR, path))
        costs.append(run(contender, path))
    ratio = statistics.median(cost.cpu / floor.cpu for cost, floor in zip(costs, floors, strict=True))
    return _median(floors), _median(costs), ratio


def _rounds() -> Iterator[int]:
    start = perf_counter()
    for number in range(MOST_ROUNDS):
        yield number
        if number + 1 >= LEAST_ROUNDS and perf_counter() - start > ENOUGH_SECONDS:
            return


def _median(costs: list[Cost]) -> Cost:
    return Cost(
        cpu=statistics.median(cost.cpu for cost in costs),
        wall=statistics.median(cost.wall for cost in costs),
        mebibytes=statistics.median(cost.mebibytes for cost in costs),
    )


def run(contender: Contender, path: Path) -> Cost:
    """Run a contender once. Raises Unavailable for an exit code that says it failed."""
    binaries = VENVS / contender.venv / "bin"
    words = contender.folder_words if path.is_dir() and contender.folder_words else contender.words
    command = [word.format(python=binaries / "python", bin=binaries, path=path) for word in words]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    measure = [sys.executable, "-I", "-S", str(HERE / "measure.py"), *command]
    done = subprocess.run(measure, cwd=WORK, env=environment, check=True, capture_output=True, text=True)
    code, cpu, wall, kibibytes = done.stdout.split()
    if int(code) not in contender.fine:
        raise Unavailable(f"ends with exit code {code}: {' '.join(command[:2])} …")
    return Cost(float(cpu), float(wall), float(kibibytes) / 1024)


def prepare(contender: Contender) -> str | None:
    """Install a contender into its environment; the reason if that can't be done."""
    folder = VENVS / contender.venv
    stamp = folder / f".installed-{contender.name}"
    own = not contender.peer
    if stamp.exists() and not (own and _newest_source() > stamp.stat().st_mtime):
        return None
    python = folder / "bin" / "python"
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
        pip = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            *contender.install,
        ]
        subprocess.run(pip, check=True, capture_output=True, text=True, timeout=1_800)
    except (subprocess.SubprocessError, OSError) as error:
        said = str(getattr(error, "stderr", None) or error).strip().splitlines()
        return f"can't be installed: {said[-1] if said else error}"
    stamp.touch()
    return None


def _newest_source() -> float:
    files = [ROOT / "pyproject.toml", *(ROOT / "scanner").rglob("*.py"), *(ROOT / "rules").rglob("*.*")]
    return max(file.stat().st_mtime for file in files)


if __name__ == "__main__":
    main()
