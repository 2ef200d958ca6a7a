"""Which resources of the types that others refer to were judged."""

from __future__ import annotations

from collections.abc import Iterable
from threading import Condition

from scanner.audit.item import Item


class Census:
    """Which resources of the types that others refer to were judged; who asks waits for that."""

    def __init__(self, types: Iterable[str]) -> None:
        self._names: dict[str, set[str]] = {type_name: set() for type_name in types}
        self._open = set(self._names)
        self._changed = Condition()

    def add(self, item: Item) -> None:
        """A resource is judged: from now on its name, its ARN and the ARN's end lead to it."""
        names = self._names.get(item.type)
        if names is not None:
            arn = item.arn or item.name
            with self._changed:
                names.update((item.name, arn, arn.rpartition("/")[2]))
                self._changed.notify_all()

    def close(self, type_name: str) -> None:
        """No more of a type will come."""
        with self._changed:
            self._open.discard(type_name)
            self._changed.notify_all()

    def names(self, type_name: str) -> list[str]:
        """What leads to a resource of a type, for a later run; empty of types that nothing refers to."""
        return sorted(self._names.get(type_name, ()))

    def restore(self, type_name: str, names: Iterable[str]) -> None:
        """What `names` gave in an earlier run."""
        if type_name in self._names:
            self._names[type_name].update(names)

    def holds(self, reference: str, types: Iterable[str]) -> bool:
        """Whether a reference leads to a resource that is judged in this run."""
        places = [self._names[type_name] for type_name in types if type_name in self._names]

        def there() -> bool:
            return any(reference in names for names in places)

        with self._changed:
            self._changed.wait_for(lambda: there() or self._open.isdisjoint(types))
            return there()
