"""What `mkdocs build` adds to the pages below `docs/`: pages from elsewhere, and a reference of all controls.

Pages are plain Markdown that reads well in the repository, too. So a link out of `docs/` leads to a file of
the repository, and here to the page that it becomes, or to a copy of the file.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from scanner import catalog
from tools.generate_rules_readme import readme

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
CATALOG = "controls/index.md"
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changes.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "examples/environment/README.md": "environment.md",
    "rules/README.md": CATALOG,
}
"""Files of the repository that are pages of the site."""
HEADINGS = {
    "fail": "Examples that fail",
    "pass": "Examples that pass",
    "unknown": "Examples that can't be decided",
    "not-applicable": "Examples that are not judged",
}
LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from elsewhere, those of the controls, and copies of what pages link to."""
    from mkdocs.structure.files import File, InclusionLevel

    texts = {name: (ROOT / name).read_text("utf-8") for name in PAGES if PAGES[name] != CATALOG}
    texts |= {f"docs/{each.src_uri}": each.content_string for each in files.documentation_pages()}
    made = {PAGES[name]: texts[name] for name in texts if name in PAGES}
    made |= control_pages()
    for name, text in made.items():
        files.append(File.generated(config, name, content=text))
    for name in sorted({target for page, text in texts.items() for target in _targets(page, text)}):
        if (ROOT / name).is_dir():
            unlisted = InclusionLevel.NOT_IN_NAV
            files.append(File.generated(config, _place(name), content=_listing(name), inclusion=unlisted))
        for file in _files(name):
            if file not in PAGES:
                source, kept = str(ROOT / file), InclusionLevel.INCLUDED  # names with a dot as well
                files.append(File.generated(config, _place(file), abs_src_path=source, inclusion=kept))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The text with links that hold in the site, without pictures that a script from elsewhere would draw."""
    place = page.file.src_uri
    source = next((name for name, own in PAGES.items() if own == place), f"docs/{place}")
    if page.file.generated_by and place not in PAGES.values():
        return markdown  # written for the site
    text = re.sub(r"^```mermaid\n.*?^```\n", "", markdown, flags=re.DOTALL | re.MULTILINE)
    if place == CATALOG:
        return text

    def relink(found: re.Match[str]) -> str:
        target, anchor = _resolve(source, found[1]), found[2] or ""
        if target == "rules/README.md" and anchor:
            raise ValueError(f"{source}: link to a control's own page instead of {anchor}")
        return f"]({posixpath.relpath(_place(target), posixpath.dirname(place) or '.')}{anchor})"

    return LINK.sub(relink, text)


def control_pages() -> dict[str, str]:
    """The catalog's page, cut at its areas, with the examples of each control: path in the site -> text."""
    controls, examples = catalog.load(), catalog.examples()
    head, *areas = re.split(r"^## ", readme(controls, examples), flags=re.MULTILINE)
    pages = {}
    homes: dict[str, str] = {}
    for text in areas:
        title, _, body = text.partition("\n")
        name = f"{title.lower().replace(' ', '-')}.md"
        parts = re.split(r"^### (\S+)\n", body, flags=re.MULTILINE)
        sections = dict(zip(parts[1::2], parts[2::2], strict=True))
        homes |= dict.fromkeys(sections, name)
        shown = (
            f"## {id}\n{section.rstrip()}\n\n{''.join(_examples(examples.get(id, {})))}"
            for id, section in sections.items()
        )
        pages[f"controls/{name}"] = f"# {title}\n\n{''.join(shown)}"
    linked = re.sub(r"\]\(#([^)]+)\)", lambda found: f"]({homes[found[1]]}#{found[1]})", head)
    return {CATALOG: linked, **pages}


def _examples(by_verdict: Mapping[str, Iterable[Mapping[str, Any]]]) -> Iterator[str]:
    for verdict, listed in by_verdict.items():
        yield f'??? example "{HEADINGS[verdict]}"\n\n'
        for each in listed:
            body = {key: value for key, value in each.items() if key != "about"}
            text = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100)
            block = f"{each['about']}\n\n```yaml\n{text}```\n"
            yield "".join(f"    {line}\n" if line else "\n" for line in block.split("\n"))
        yield "\n"


def _targets(page: str, text: str) -> Iterator[str]:
    """What a page links to outside `docs/` that is no page itself."""
    for target, _ in LINK.findall(text):
        name = _resolve(page, target)
        if name not in PAGES and not name.startswith("docs/"):
            yield name


def _resolve(page: str, target: str) -> str:
    """The path in the repository that a relative link of a page leads to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(page), target))


def _place(name: str) -> str:
    """Where a file or folder of the repository lies in the site."""
    if name in PAGES:
        return PAGES[name]
    if name.startswith("docs/"):
        return name.removeprefix("docs/")
    return f"files/{name}/index.md" if (ROOT / name).is_dir() else f"files/{name}"


def _files(name: str) -> list[str]:
    """The file, or all files in the folder."""
    path = ROOT / name
    found = sorted(path.rglob("*")) if path.is_dir() else [path]
    kept = (each for each in found if each.is_file() and "__pycache__" not in each.parts)
    return [each.relative_to(ROOT).as_posix() for each in kept]


def _listing(folder: str) -> str:
    names = (posixpath.relpath(each, folder) for each in _files(folder))
    return f"# {folder}\n\n" + "".join(f"- [{name}]({name})\n" for name in names)
