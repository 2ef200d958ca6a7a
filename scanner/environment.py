"""What of other services belongs to an ML environment, as users settle it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from scanner.model import Control, Note

OWN = "AWS::SageMaker::"
"""How the types begin that make an environment one of ML."""


class Environment(NamedTuple):
    """What makes a resource of a type with `scope: environment` one that is judged.

    `whole`: everything belongs, and nothing that belongs lies elsewhere. `tags` are keys of tags, with * and
    ?, that say that a resource belongs.
    """

    whole: bool = False
    tags: tuple[str, ...] = ("ml-environment", "sagemaker:*")

    def begins(self, kind: str, properties: Any) -> bool:
        """Does a resource make others belong, or itself by its tags?"""
        return self.whole or kind.startswith(OWN) or self.tagged(properties)

    def tagged(self, properties: Any) -> bool:
        """Do the plain tags of a resource's properties say that it belongs?"""
        tags = properties.get("Tags") if isinstance(properties, dict) else None
        keys = (
            tags
            if isinstance(tags, dict)
            else [_key(each) for each in tags]
            if isinstance(tags, list)
            else ()
        )
        if not keys:
            return False
        from fnmatch import fnmatchcase

        return any(isinstance(key, str) and fnmatchcase(key, it) for key in keys for it in self.tags)


def missed(types: Mapping[str, Any], controls: Iterable[Control], judged: set[str]) -> Iterator[Note]:
    """What the templates of a whole environment have nothing of, of what its SageMaker resources are in."""
    if any(kind.startswith(OWN) for kind in judged):
        for kind in sorted({kind for control in controls for kind in control.resources} - judged):
            if what := types.get(kind, {}).get("missed"):
                yield Note("--environment", what)


def _key(tag: Any) -> Any:
    return tag.get("Key") if isinstance(tag, dict) else None


def configured(body: Mapping[str, Any], asked: bool | None) -> Environment:
    """The environment that a configuration file describes and the command line asked for."""
    said, default = body.get("environment", False), Environment()
    if isinstance(said, bool):
        return Environment(said or bool(asked))
    return Environment(bool(said.get("whole") or asked), tuple(said.get("tags", default.tags)))
