"""A file that may be read."""

from typing import NamedTuple

CODE_ENDINGS = frozenset({"py", "ipynb"})


class Candidate(NamedTuple):
    """A file to read. `display` is its path for reports, `real` the absolute one without links.

    `root` is the absolute directory that nothing this file names may be opened outside of. A file that is not
    `named` counts only if it looks like a template; if one that is `lenient` can't be read, it is none.
    Standard input has no `real` path: `given` is what it held.
    """

    display: str
    real: str
    root: str
    named: bool = True
    lenient: bool = False
    given: bytes | None = None

    @property
    def code(self) -> str:
        """What kind of code it is by its name: py, ipynb, or none."""
        ending = self.real.rpartition(".")[2].lower()
        return ending if ending in CODE_ENDINGS else ""
