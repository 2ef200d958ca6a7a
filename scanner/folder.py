"""Where files of data are: in `scanner/data/` of the wheel, or beside `scanner/` in a checkout."""

from __future__ import annotations

import os
from typing import Any

PACKAGE = os.path.dirname(os.path.abspath(__file__))
CONFIGURATION_SCHEMA = os.path.join(os.path.dirname(PACKAGE), "docs", "smguard.schema.json")
"""The form of the configuration file, in a checkout."""


def data_folder(name: str) -> str:
    """The folder `policies` (the pack, its reference and quotas) or `config_rules` (what is deployed)."""
    packaged = os.path.join(PACKAGE, "data", name)
    return packaged if os.path.isdir(packaged) else os.path.join(os.path.dirname(PACKAGE), name)


def read_data(folder: str, name: str) -> Any:
    """One YAML file of such a folder."""
    return read_yaml(os.path.join(data_folder(folder), name))


def read_yaml(path: str) -> Any:
    """A YAML file of our own, its keys and dates as texts. Raises SmguardError if it can't be read."""
    from scanner.opening import read_document

    return read_document(path).root
