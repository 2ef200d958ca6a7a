"""Where what is deployed is: `scanner/data/config_rules/` in the wheel, `config_rules/` in a checkout."""

from __future__ import annotations

import os
from typing import Any

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def config_rules_folder() -> str:
    """The folder of the functions' modules and of the deployment's data."""
    packaged = os.path.join(PACKAGE, "data", "config_rules")
    return packaged if os.path.isdir(packaged) else os.path.join(os.path.dirname(PACKAGE), "config_rules")


def read_data(name: str) -> Any:
    """One YAML file of that folder."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with open(os.path.join(config_rules_folder(), name), "rb") as stream:
        return yaml.load(stream, loader)  # noqa: S506 - a safe loader
