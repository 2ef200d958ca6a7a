"""`smguard config-rules build`: the zips and stacks that put the controls into an account."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from scanner import catalog
from scanner.model import SmguardError
from scanner.safe_text import to_json

if TYPE_CHECKING:
    from scanner.catalog import Catalog
    from scanner.deploy.guard import GuardRule
    from scanner.rule_text import Line

_TEMPLATE, _ORGANIZATION = "template.yaml", "organization.yaml"
_GUARD, _CONFIGURATION = "guard.yaml", "configuration.json"
_ASKED = "OrganizationId=o-… Targets=r-… MemberAccounts=111122223333,…"
"""Parameters of organization.yaml that have no default."""


@click.command("build")
@click.option("-o", "--output", "folder", required=True, metavar="DIR", help="Write there.")
@click.option("--organization", is_flag=True, help="Add organization.yaml: all accounts, one function.")
@click.option("--guard", is_flag=True, help="Write guard.yaml alone: rules that need no function.")
def command(folder: str, organization: bool, guard: bool) -> int:
    """Write what deploys the controls as rules of AWS Config: the zips of the functions, template.yaml, and
    configuration.json with the stack's tags. The same version gives the same zips.

    With --guard the rules are in the Guard language, which AWS Config runs without a function of yours. What
    that language can't say of a control is left out, and listed.
    """
    if guard and organization:
        raise click.UsageError("--guard and --organization exclude each other")
    full = catalog.load()
    if guard:
        _build_guard(full, folder)
        return 0
    from scanner.deploy.bundle import bundles, stamp
    from scanner.deploy.template import account_template, organization_template, write
    from scanner.folder import read_data

    made = bundles()
    tags = stamp(made["rules"], full.digest)
    files = {
        **{each.name: each.content for each in made.values()},
        _TEMPLATE: write(account_template(full, made)).encode(),
        _CONFIGURATION: f"{to_json({'Tags': tags})}\n".encode(),
    }
    if organization:
        files[_ORGANIZATION] = write(organization_template(full, made)).encode()
    _put(folder, files)
    for name, content in files.items():
        click.echo(f"{os.path.join(folder, name)}  {len(content):,} bytes")
    named = " \\\n      ".join(f"{name}={value}" for name, value in tags.items())
    stack = os.path.join(folder, _ORGANIZATION if organization else _TEMPLATE)
    values = f" \\\n      {_ASKED}" if organization else ""
    capabilities = "CAPABILITY_IAM CAPABILITY_AUTO_EXPAND" if organization else "CAPABILITY_IAM"
    where = " of the central account" if organization else ""
    click.echo(f"""
Copy the zips into a bucket of the region{where}, then deploy:
  aws s3 cp {folder} s3://BUCKET/smguard/ --recursive \\
    --exclude '*' --include 'smguard-*.zip'
  aws cloudformation deploy --stack-name smguard \\
    --template-file {stack} \\
    --s3-bucket BUCKET --capabilities {capabilities} \\
    --parameter-overrides CodeBucket=BUCKET{values} \\
    --tags {named}
""")
    for control, why in read_data("config_rules", "_deployment.yaml")["unruled"].items():
        click.echo(f"{control} is no rule: {why}.")
    return 0


def _build_guard(full: Catalog, folder: str) -> None:
    """Write the rules that need no function, and say what the Guard language can't."""
    from scanner.audit import acquisition
    from scanner.cli.terminal import echo
    from scanner.deploy.guard import guard_rules, guard_template
    from scanner.deploy.rule import rules
    from scanner.deploy.template import write

    known = acquisition.load()
    found = guard_rules(full, rules(full, known), known)
    _put(folder, {_GUARD: write(guard_template(found)).encode()})
    stack, said = os.path.join(folder, _GUARD), sum(bool(each.types) for each in found)
    click.echo(f"{stack} has rules for {said} of {len(found)} controls.")
    click.echo(
        f"\nDeploy it by\n  aws cloudformation deploy --stack-name smguard-guard --template-file {stack}\n"
    )
    echo(_left_out(found))


def _left_out(found: Iterable[GuardRule]) -> Iterator[Line]:
    """What the Guard language can't say, by control and reason."""
    from scanner.rule_text import Line

    yield Line(0, "Left out, and why")
    for each in found:
        types: dict[str, list[str]] = {}
        for type_name, why in each.unsaid.items():
            types.setdefault(why, []).append(type_name.rpartition("::")[2])
        if types:
            yield Line(2, each.rule.control.id)
        yield from (Line(4, f"{', '.join(names)}: {why}") for why, names in types.items())


def _put(folder: str, files: dict[str, bytes]) -> None:
    """Write each file whole."""
    try:
        os.makedirs(folder, exist_ok=True)
        for name, content in files.items():
            path = os.path.join(folder, name)
            with open(f"{path}.part", "wb") as stream:
                stream.write(content)
            os.replace(f"{path}.part", path)
    except OSError as error:
        raise SmguardError(
            f"{folder} can't be written: {error.strerror or error}", "name another with -o"
        ) from error
