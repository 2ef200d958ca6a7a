"""The way into a template: text to plain values with their places, from YAML or JSON."""

from __future__ import annotations

from scanner.limits import Limits
from scanner.template.decode import decode
from scanner.template.document import (
    Document,
    Duplicate,
    Either,
    Marks,
    ReadError,
    SyntaxFault,
    Unreadable,
)

__all__ = ["Document", "Duplicate", "Either", "Marks", "ReadError", "Unreadable", "decode", "read"]


def read(text: str, limits: Limits) -> Document:
    """Read one template; raises ReadError.

    Strict JSON is read as JSON. All other text is YAML, also where it is nearly JSON: a trailing comma is
    accepted and an unquoted NaN is the text "NaN", as CloudFormation's own YAML reading has it.
    """
    try:
        return _read(text, limits)
    except RecursionError:
        raise ReadError(f"is nested too deep; the limit of {limits.depth} levels can't be used up") from None


def _read(text: str, limits: Limits) -> Document:
    """Each reader is loaded when it is needed: PyYAML is a third of the time a scan takes to start."""
    if text.lstrip()[:1] not in ("{", "["):
        return _read_yaml(text, limits)
    from scanner.template.json_reader import read_json

    try:
        return read_json(text, limits)
    except SyntaxFault as fault:
        in_json = fault
    try:
        return _read_yaml(text, limits)
    except SyntaxFault as in_yaml:
        raise max(in_json, in_yaml, key=_reached) from None


def _read_yaml(text: str, limits: Limits) -> Document:
    from scanner.template.yaml_reader import read_yaml

    return read_yaml(text, limits)


def _reached(fault: ReadError) -> tuple[int, int, bool]:
    """The reading that got further explains better, and one with a hint best."""
    return fault.line or 0, fault.column or 0, bool(fault.hint)
