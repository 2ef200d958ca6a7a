"""Write `rules/README.md` anew from the control files."""

from __future__ import annotations

from pathlib import Path

from scanner import catalog
from scanner.rule_text import readme

TARGET = Path(__file__).parent.parent / "rules" / "README.md"


def main() -> None:
    """Write the page."""
    TARGET.write_text(readme(catalog.load(), catalog.examples()), encoding="utf-8")


if __name__ == "__main__":
    main()
