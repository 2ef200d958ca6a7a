"""What auditing one account and region takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

from scanner.audit.acquisition import Acquisition
from scanner.audit.item import Scope
from scanner.audit.pace import Clock, Count
from scanner.audit.source import Source
from scanner.audit.unit import Unit
from scanner.catalog import Catalog
from scanner.environment import Environment
from scanner.model import Control, Gap, Note

if TYPE_CHECKING:
    from scanner.audit.door import Door

Asked = Callable[[], Mapping[str, Count]]
"""What was asked so far: "sagemaker:ListModels" -> how often."""


class ScopeJob(NamedTuple):
    """What to audit in one account and region. Pickles."""

    scope: Scope
    door: Door
    catalog: Catalog
    controls: tuple[Control, ...]
    how: Mapping[str, Acquisition]
    """How each type is read; those that others refer to come first."""
    since: datetime | None = None
    """Finished jobs older than this are left out."""
    keep_passed: bool = False
    calls: int = 8
    """At once, of one type."""
    sources: Mapping[str, Source] = {}
    """How each type is read that SageMaker's resources stand in."""
    environment: Environment = Environment()
    """What of these belongs to an ML environment."""


class ScopeResult(NamedTuple):
    """What was found in one account and region. Pickles."""

    scope: Scope
    units: tuple[Unit, ...]
    gaps: tuple[Gap, ...] = ()
    """Of no single type."""
    notes: tuple[Note, ...] = ()
    stacks: Mapping[str, str] = {}
    """ARN -> the CloudFormation stack that made the resource, as far as findings are about it."""
    calls: Mapping[str, Count] = {}
    """What was asked: "sagemaker:ListModels" -> how often."""


class Watch:
    """The wish to stop, and what goes on for whoever shows it, inside its context; one for all scopes."""

    def __init__(self) -> None:
        self.clock = Clock()

    def __enter__(self) -> Watch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The audit is over."""

    @property
    def stopped(self) -> bool:
        """Whether the audit is to end."""
        return self.clock.stopped

    def asks(self, asked: Asked) -> None:
        """How to learn what calls one scope made."""

    def begin(self, scope: Scope, types: int) -> None:
        """So many types will be read there."""

    def read(self, scope: Scope, resources: int) -> None:
        """So many more resources were read and judged."""

    def end(self, scope: Scope, unit: Unit) -> None:
        """One type is done."""
