"""The least a Python scanner of YAML can cost: import yaml and parse every file with libyaml."""

import os
import sys

import yaml


class Loader(yaml.CSafeLoader):
    """Plain data; a short intrinsic becomes its operand."""


def operand(loader: yaml.CSafeLoader, suffix: str, node: yaml.Node) -> object:
    """What stands behind a tag such as !Sub."""
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return loader.construct_mapping(node, deep=True) if isinstance(node, yaml.MappingNode) else None


Loader.add_multi_constructor("!", operand)


def main(path: str) -> None:
    """Parse one file, or every file of one folder."""
    names = [os.path.join(path, name) for name in sorted(os.listdir(path))] if os.path.isdir(path) else [path]
    for name in names:
        with open(name, "rb") as stream:
            yaml.load(stream, Loader=Loader)  # noqa: S506 - derived from the safe loader


main(sys.argv[1])
