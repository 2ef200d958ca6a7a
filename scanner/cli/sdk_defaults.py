"""`smguard sdk-defaults`: the SageMaker SDK's defaults, so that jobs are made as the controls ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from scanner.cli.policies import organisation

_HEAD = """\
# Defaults of the SageMaker Python SDK, by `smguard sdk-defaults`. The SDK reads them from
# ~/.config/sagemaker/config.yaml or from where SAGEMAKER_USER_CONFIG_OVERRIDE says.
# It is for 2.236 and later; earlier versions refuse the part named ModelTrainer, so take it out for them.
#
# What a call gives itself counts instead. Where SageMaker refuses a key or has no use for it, make the job
# with sagemaker.Session(sagemaker_config={"SchemaVersion": "1.0"}), which has no defaults:
"""


@click.command("sdk-defaults")
@organisation
@click.option("-o", "--output", metavar="FILE", help="The file to write instead of standard output.")
def command(file: str, output: str | None, partition: str) -> int:
    """Write a config.yaml for the SageMaker Python SDK: VPC, keys, isolation and encryption per job type.

    The parameter file is the one of `smguard policies render`. Comments say what can't be a default.
    """
    from scanner import catalog
    from scanner.defaults import Defaults
    from scanner.output import write

    defaults = Defaults(file, partition)
    write(output, _lines(defaults, catalog.load(defaults.given)))
    return 0


def _lines(defaults: Any, full: Any) -> Iterator[str]:
    import yaml

    from scanner.fix.patch import merge, patch_at

    places = {path: path for path in defaults.data["sdk-config"]} | defaults.data["sdk-modules"]
    found: dict[str, Any] = {}
    unless: dict[str, list[str]] = {}
    left: dict[str, str] = {}
    for each in defaults.all(full):
        if each.value is not None and each.path in places:
            found.setdefault(each.path, each.value)
            for words in each.unless:
                unless.setdefault(words, []).append(each.path)
        else:
            left.setdefault(each.path, each.control)
    yield _HEAD
    for words, paths in unless.items():
        yield f"#   {words}: {', '.join(sorted(set(paths)))}\n"
    yield "#\n# The SDK has no defaults for these; controls may ask for them:\n"
    for path in sorted(left.keys() - found.keys()):
        yield f"#   {path} ({left[path]})\n"
    root: dict[str, Any] = {}
    for place in sorted(places):
        if places[place] in found:
            merge(root, patch_at(tuple(place.split(".")), found[places[place]]))
    body: Mapping[str, Any] = {"SchemaVersion": "1.0", "SageMaker": root}
    dumper = type("Dumper", (yaml.SafeDumper,), {"ignore_aliases": lambda self, data: True})
    yield yaml.dump(body, Dumper=dumper, sort_keys=False, width=200)
