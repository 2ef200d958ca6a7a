"""The pictures of the HTML report in the documentation: `python -m tests.report.pictures` takes them anew.

They are of `smguard audit --demo`. Drawing differs between machines, so what can be read in each is kept
beside it.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.door import MEASURED, ROOT, smguard

IMAGES = ROOT / "docs" / "images"
SIZE = {"width": 1180, "height": 720}
CHANGING = re.compile(r"\d{4}-\d\d-\d\d([T ,]+\d\d:\d\d(:\d\d)?(\.\d+)?)?|\b[0-9a-f]{8,}\b")
"""What is another in each audit: times and digests."""
READABLE = """
() => {
  const texts = [], range = new Range();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    range.selectNodeContents(walker.currentNode);
    const { top, bottom, height } = range.getBoundingClientRect();
    const text = walker.currentNode.data.trim().replace(/\\s+/g, " ");
    const shown = walker.currentNode.parentElement.checkVisibility() && height;
    if (text && shown && top >= 0 && bottom <= innerHeight) texts.push(text);
  }
  return texts.join("\\n") + "\\n";
}
"""


def views(browser: Any, folder: Path) -> Iterator[tuple[str, Any, str]]:
    """Name of a picture, the tab that shows it, and what can be read there."""
    path = folder / "audit.html"
    ran = smguard("audit", "--demo", "-f", "html", "-o", path, **MEASURED, MALLOC_ARENA_MAX="1")
    assert ran.code == 1, ran.err
    tab = browser.new_page(viewport=SIZE, color_scheme="light")
    tab.goto(path.as_uri())
    yield "report", tab, CHANGING.sub("(changes)", tab.evaluate(READABLE))
    summary = tab.locator("details.control", has_text="studio-vpc-only").first.locator("summary")
    summary.click()
    summary.evaluate("it => window.scrollTo(0, it.getBoundingClientRect().top + scrollY - 8)")
    yield "report-control", tab, CHANGING.sub("(changes)", tab.evaluate(READABLE))
    tab.close()


def main() -> None:
    """Write the pictures and their texts; needs chromium and playwright."""
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("chromium-browser")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        for name, tab, text in views(browser, Path(folder)):
            tab.screenshot(path=IMAGES / f"{name}.png")
            (IMAGES / f"{name}.txt").write_text(text, encoding="utf-8")
        browser.close()


if __name__ == "__main__":
    main()
