"""`smguard policies render`: the policies with an organisation's values, ready to deploy."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping

import click

from scanner.cli.policies import organisation
from scanner.model import SmguardError
from scanner.policy import pack, render
from scanner.policy.document import minified
from scanner.safe_text import inert

_MANIFEST, _TEMPLATE = "manifest.json", "template.json"
_INLINE_TEMPLATE = 51_200
"""Bytes of a template that CloudFormation takes without a bucket."""


@click.command("render")
@organisation
@click.option("-o", "--output", "folder", required=True, metavar="DIR", help="The folder to write.")
def command(file: str, folder: str, partition: str) -> int:
    """Write the policies with your values: minified JSON, a CloudFormation template and a manifest.

    The folder is written whole or not at all. One that an earlier call wrote is replaced; any other that
    holds something is refused.
    """
    from scanner import catalog
    from scanner.policy import quota

    values = pack.values_of(file, partition)
    policies = render.render(pack.entries(), values, file)
    digest = catalog.load().digest
    files = {each.path: each.text for each in policies}
    files[_TEMPLATE] = minified(render.template(policies, digest))
    files[_MANIFEST] = json.dumps(render.manifest(policies, digest, partition), indent=2)
    _write(folder, files)
    for each in policies:
        click.echo(f"{each.path}: {len(each.text):,} of {each.source.largest:,} characters")
    click.echo(f"\nWrote {len(policies)} policies, {_TEMPLATE} and {_MANIFEST} to {inert(folder)}.")
    for line in quota.crowded(each.source.type for each in policies):
        click.echo(f"Warning: {line}", err=True)
    if len(files[_TEMPLATE].encode()) > _INLINE_TEMPLATE:
        click.echo(f"{_TEMPLATE} is larger than {_INLINE_TEMPLATE:,} bytes: deploy it from a bucket.")
    return 0


def _write(folder: str, files: Mapping[str, str]) -> None:
    """Put the folder in place at once; raises SmguardError if it can't be written or isn't ours."""
    folder = os.path.abspath(folder)
    stale = _stale(folder)
    unique = os.urandom(6).hex()
    fresh, old = f"{folder}.{unique}.new", f"{folder}.{unique}.old"
    try:
        for path, text in files.items():
            target = os.path.join(fresh, *path.split("/"))
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(text + "\n" * (path == _MANIFEST))
        if stale:
            os.rename(folder, old)
        os.rename(fresh, folder)
    except OSError as error:
        if stale and not os.path.exists(folder):
            os.rename(old, folder)
        raise SmguardError(
            f"the policies can't be written to {inert(folder)}: {error.strerror}",
            "check that the folder above exists, may be written to and has room",
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)


def _stale(folder: str) -> bool:
    """Is there a folder that an earlier call wrote, and nothing else in it?"""
    if not os.path.lexists(folder):
        return False
    if os.path.islink(folder) or not os.path.isdir(folder):
        raise SmguardError(f"{inert(folder)} is no folder", "give another with -o")
    found = {
        os.path.relpath(os.path.join(below, name), folder).replace(os.sep, "/")
        for below, _, names in os.walk(folder)
        for name in names
    }
    known = {_TEMPLATE, _MANIFEST}
    if _MANIFEST in found:
        try:
            with open(os.path.join(folder, _MANIFEST), encoding="utf-8") as stream:
                known |= json.load(stream)["policies"].keys()
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            known = set()
    if found - known:
        what = f"{inert(folder)} holds what this command did not write: {inert(min(found - known))}"
        raise SmguardError(what, "give a new folder with -o")
    return True
