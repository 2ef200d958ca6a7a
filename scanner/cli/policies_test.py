"""`smguard policies test`: do the policies decide as their cases say?"""

from __future__ import annotations

import click

from scanner.cli.shared import EXIT_FINDINGS
from scanner.safe_text import inert


@click.command("test")
@click.argument("files", nargs=-1, metavar="[FILE]…")
def command(files: tuple[str, ...]) -> int:
    """Run the cases of the pack, or of policies of your own: policy.json with policy.cases.yaml beside it.

    A policy of the pack is tried as written, as it is rendered and split to one statement a policy; a call
    under every assumption about what SageMaker sends. Exit codes: 0 all is as the cases say; 1 a decision
    differs, or a statement has no case that reaches it and one that just misses it, or a
    control and a policy of the pack don't name each other.
    """
    from scanner import catalog
    from scanner.policy import agreement, cases, pack

    own = [cases.of_a_file(each) for each in files]
    subjects = own or list(cases.of_the_pack(pack.example_values()))
    problems = [each for subject in subjects for each in cases.differences(subject)]
    if not files:
        problems += agreement.faults(catalog.load())
    for problem in problems:
        click.echo(inert(problem, 2_000))
    if problems:
        return EXIT_FINDINGS
    count = sum(len(subject.cases) for subject in subjects)
    click.echo(
        f"{len(subjects)} {'policy' if len(subjects) == 1 else 'policies'}: {count} cases are as they say."
    )
    return 0
