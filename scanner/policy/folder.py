"""Where the data of the policies is: in the wheel, or in `policies/` of a checkout."""

from __future__ import annotations

import os
from typing import Any

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def policies_folder() -> str:
    """The folder of the pack, its reference and its quotas."""
    packaged = os.path.join(_PACKAGE, "data", "policies")
    return packaged if os.path.isdir(packaged) else os.path.join(os.path.dirname(_PACKAGE), "policies")


def read_data(name: str) -> Any:
    """One YAML file of that folder."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with open(os.path.join(policies_folder(), name), "rb") as stream:
        return yaml.load(stream, loader)  # noqa: S506 - a safe loader
