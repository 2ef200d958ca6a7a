"""The documentation: it builds, links lead somewhere, nothing comes from elsewhere, the tutorial holds."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from scanner import catalog
from tests.building import ROOT, clean, commit_all
from tests.fake_aws import Fake
from tests.walk import FENCE, is_shown, walk

pytestmark = pytest.mark.no_cover  # all of it is MkDocs and a browser

URL = "https://github.com/your-organisation/sagemaker-guardrails"
LOADS = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "object": "data"}
"""Elements that a browser loads something for, and by which attribute."""


class Content(HTMLParser):
    """The ids of a page, where it links to, and what it loads."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if LOADS.get(tag) in values and values.get("rel") not in ("canonical", "next", "prev"):
            self.loads.append(values[LOADS[tag]])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages as they are published."""
    if importlib.util.find_spec("material") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "the site is not built: mkdocs-material is needed"
        )
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> Mapping[Path, Content]:
    return {path: Content(path) for path in site.rglob("*.html") if "files" not in path.parts}


def test_every_link_leads_somewhere(site: Path, pages: Mapping[Path, Content]) -> None:
    broken = []
    for page, content in pages.items():
        base = site if page.name == "404.html" else page.parent
        for link in [*content.links, *content.loads]:
            parts = urlsplit(link)
            if parts.scheme:
                # Others are not asked whether theirs still hold.
                assert parts.scheme == "https", link
                assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", parts.netloc), link
                continue
            target = (base / unquote(parts.path).lstrip("/")).resolve() if parts.path else page
            target = target / "index.html" if target.is_dir() else target
            anchors = pages[target].ids if target in pages else {parts.fragment}
            if not target.is_file() or (parts.fragment and parts.fragment not in anchors):
                broken.append(f"{page.name}: {link}")
    assert broken == []


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: Mapping[Path, Content]) -> None:
    assert [link for each in pages.values() for link in each.loads if urlsplit(link).netloc] == []
    for style in (*site.rglob("*.css"), *site.rglob("*.svg")):
        assert not re.search(r"""(@import|url\(|href=)\s*["']?(https?:)?//""", style.read_text("utf-8")), (
            style
        )


def test_every_control_is_in_the_reference(pages: Mapping[Path, Content]) -> None:
    reference = {path.stem: each for path, each in pages.items() if path.parent.name == "controls"}
    links = {link for link in reference["index"].links if not link.startswith("#")}
    for control in catalog.load().controls:
        if not control.retired:
            assert control.id in reference[control.area].ids
            assert f"{control.area}.html#{control.id}" in links


def test_it_is_read_and_searched_from_a_folder(site: Path, browser: Any) -> None:
    troubles: list[str] = []
    tab = browser.new_page()
    tab.on("request", lambda it: it.url.startswith(("file:", "data:")) or troubles.append(it.url))
    tab.on("requestfailed", lambda it: troubles.append(it.url))
    tab.on("pageerror", lambda error: troubles.append(str(error)))
    tab.goto((site / "controls" / "access.html").as_uri())
    search = tab.get_by_role("textbox", name="Search")
    search.click()
    search.press_sequentially("baseline")
    tab.locator(".md-search-result__link", has_text="Baselines").first.wait_for()
    tab.close()
    assert troubles == []


def newcomer(home: Path, aws: Fake) -> dict[str, str]:
    """The environment of somebody who has nothing yet but a profile in AWS's configuration.

    The project is cloned from this checkout, and what `make scan` would install is there already.
    """
    given = aws.environment()
    (home / ".aws").mkdir()
    (home / ".aws" / "config").write_text(
        f"[profile auditor]\nendpoint_url = {aws.url}\naws_access_key_id = {given['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {given['AWS_SECRET_ACCESS_KEY']}\n"
    )
    origin, environment, hooks = home / ".origin", home / ".environment", home / ".git-template" / "hooks"
    origin.mkdir()
    for name in ("Makefile", "pyproject.toml", "hatch_build.py", "README.md"):
        shutil.copy(ROOT / name, origin / name)
    shutil.copytree(ROOT / "examples", origin / "examples")
    commit_all(origin)
    (environment / "bin").mkdir(parents=True)
    (environment / "bin" / "activate").write_text('PATH="$PWD/.venv/bin:$PATH"\n')
    hooks.mkdir(parents=True)
    shell = {
        environment / "bin" / "python": f'exec "{sys.executable}" "$@"',
        environment / "bin" / "smguard": f'exec "{sys.executable}" -m scanner "$@"',
        environment / "bin" / "pre-commit": f'exec "{sys.executable}" -m pre_commit "$@"',
        hooks / "post-checkout": f'cp -r "{environment}" .venv && touch .venv/.installed',
    }
    for path, line in shell.items():
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)
    settings = {"COUNT": "1", "KEY_0": f"url.{origin}.insteadOf", "VALUE_0": URL}
    aws_free = {name: value for name, value in clean().items() if not name.startswith("AWS_")}
    return aws_free | {
        "AWS_EC2_METADATA_DISABLED": "true",
        "COLUMNS": "80",
        "GIT_TEMPLATE_DIR": str(hooks.parent),
        "HOME": str(home),
        "NO_PROXY": given["NO_PROXY"],
        "PRE_COMMIT_COLOR": "never",
        "PRE_COMMIT_HOME": str(home / ".pre-commit"),
        "PYTHONPATH": str(ROOT),
        **{f"GIT_CONFIG_{name}": value for name, value in settings.items()},
    }


@pytest.mark.parametrize("name", ["tutorial", "for-data-scientists", "for-auditors"])
def test_what_a_page_has_you_type_does_what_it_shows(tmp_path: Path, name: str) -> None:
    page = (ROOT / "docs" / f"{name}.md").read_text("utf-8")
    assert {language for language, _, _ in FENCE.findall(page)} <= {"sh", "console", "yaml", "python", "ini"}
    with Fake() as aws:
        environment = newcomer(tmp_path, aws)
        if name != "tutorial":  # which is how to get there
            environment["PATH"] = f"{tmp_path}/.environment/bin:{environment['PATH']}"
        taken = walk(page, tmp_path, environment)
    assert len(taken) > 3
    for step, printed, code in taken:
        if step.shown is None:
            assert code == 0, f"{step.command}\n{printed}"
        else:
            assert is_shown(step.shown, printed), f"{step.command}\n{printed}"
