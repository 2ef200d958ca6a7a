"""One catalog for all scans of these tests: reading `rules/` costs more than a scan."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest

from scanner import catalog

whole = functools.cache(catalog.load)


@pytest.fixture(scope="module", autouse=True)
def one_catalog() -> Iterator[None]:
    """Only for the modules of this folder: others test the loading itself."""
    found = whole()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(catalog, "load", lambda *_: found)
        yield
