"""Build hook: the wheel carries the catalog compiled to JSON, and `config_rules/`, as data."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CatalogBuildHook(BuildHookInterface[Any]):
    """Compiles `rules/` into a temporary folder and has the wheel take the files from there."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add `scanner/data/` to a standard wheel; an editable one reads the folders themselves."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        try:
            from scanner import rulepack
        finally:
            sys.path.remove(self.root)
        self._folder = tempfile.TemporaryDirectory(prefix="smguard-catalog-")
        for name, text in rulepack.compiled_files(os.path.join(self.root, "rules")).items():
            path = os.path.join(self._folder.name, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as stream:
                stream.write(text)
            build_data["force_include"][path] = f"scanner/data/{name}"
        # Data, for it runs in Lambda: no package of site-packages.
        folder = os.path.join(self.root, "config_rules")
        for name in sorted(os.listdir(folder)):
            if name.endswith((".py", ".yaml")):
                build_data["force_include"][os.path.join(folder, name)] = f"scanner/data/config_rules/{name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the temporary folder once the wheel is written."""
        if version != "editable":
            self._folder.cleanup()
