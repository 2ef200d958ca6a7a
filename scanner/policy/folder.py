"""Where the data of the policies is: in the wheel, or in `policies/` of a checkout."""

from __future__ import annotations

import os
from typing import Any

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def policies_folder() -> str:
    """The folder of the pack, its reference and its quotas."""
    packaged = os.path.join(_PACKAGE, "data", "policies")
    return packaged if os.path.isdir(packaged) else os.path.join(os.path.dirname(_PACKAGE), "policies")


def read_file(path: str) -> str:
    """The text of a user's file within the limits of all files; raises SmguardError."""
    from scanner.limits import Limits
    from scanner.model import SmguardError
    from scanner.opening import Candidate, open_text
    from scanner.safe_text import inert
    from scanner.template.document import ReadError

    real = os.path.realpath(path)
    try:
        return open_text(Candidate(path, real, os.path.dirname(real)), Limits()) or ""
    except ReadError as fault:
        raise SmguardError(f"{inert(path)}: {fault}", fault.hint) from None


def read_data(name: str) -> Any:
    """One YAML file of that folder."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with open(os.path.join(policies_folder(), name), "rb") as stream:
        return yaml.load(stream, loader)  # noqa: S506 - a safe loader
