"""The one table of bounds on untrusted input; every one can be raised by an option."""

from typing import NamedTuple


class Limits(NamedTuple):
    """Bounds for one scan. CloudFormation itself takes templates of 1 MB and 500 resources."""

    file_bytes: int = 5_000_000
    notebook_bytes: int = 50_000_000
    """Of a notebook, most of which are outputs that nobody looks at."""
    depth: int = 64
    """Nesting of mappings and lists."""
    nodes: int = 250_000
    """Scalars, mappings and lists of one file, every alias counted as what it stands for."""
    resources: int = 10_000
    """Resources of one template after Fn::ForEach."""
    worlds: int = 4_096
    """Combinations of parameters and conditions tried at one place."""
    stack_depth: int = 8
    """Nested stacks followed below one template."""
