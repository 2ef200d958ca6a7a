"""The page in a real browser: it shows everything, runs nothing that is not ours, and anyone can use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from scanner import catalog
from scanner.report import renderer
from scanner.report.saved import read
from scanner.safe_text import inert
from tests.report import audits, pictures

EVIL = [
    "<img src=x onerror=window.pwned=1>",
    "</script><script>window.pwned=1</script>",
    "\"><svg onload='window.pwned=1'>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:window.pwned=1",
    "\u202egnp.exe\x00\x1b[2J",
    "=cmd()|'x'!A1",
    "]]><!--",
]
NOTEBOOK = "AWS::SageMaker::NotebookInstance"
Open = Callable[..., Any]


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Opens the page of a report; in the end nothing was asked of the network, and nothing logged."""
    contexts: list[Any] = []
    troubles: list[str] = []

    def stop(route: Any) -> None:
        troubles.append(f"request {route.request.url}")
        route.abort()

    def open_page(text: str, expected: str = "nothing", **options: Any) -> Any:
        saved = tmp_path / "report.json"
        saved.write_text(text, encoding="utf-8")
        shown = tmp_path / "report.html"
        with closing(read(str(saved), catalog.load().by_id)) as report:
            shown.write_text("".join(renderer("html")(report.run())), encoding="utf-8")
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.route(lambda url: not url.startswith(("file:", "data:")), stop)
        page.on("pageerror", lambda error: troubles.append(f"error {error}"))
        page.on("console", lambda said: expected in said.text.lower() or troubles.append(said.text))
        page.goto(shown.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def controls(page: Any) -> Any:
    return page.locator("details.control:visible")


def open_first(page: Any, text: str = "") -> Any:
    """The first control that is shown, opened by its summary."""
    first = controls(page).filter(has_text=text).first
    first.locator("summary").click()
    return first


def rows(control: Any) -> list[list[str]]:
    found: list[list[str]] = control.locator("tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.innerText))"
    )
    return found


def some(*names: str, control: str = "volume-kms-key") -> list[dict[str, Any]]:
    return [audits.finding(control, NOTEBOOK, name) for name in names]


def test_every_finding_can_be_reached(show: Open) -> None:
    listed = list(audits.many(300))
    page = show(audits.report(listed))
    assert page.locator("#count").inner_text() == "300 findings of 23 controls"
    seen = []
    for index in range(controls(page).count()):
        control = controls(page).nth(index)
        control.locator("summary").first.click()
        name = control.locator("summary code").inner_text()
        while True:
            seen += [(name, row[0].split("\n")[0]) for row in rows(control)]
            forward = control.locator("button", has_text="Next")
            if forward.get_attribute("aria-disabled") == "true":
                break
            forward.click()
    assert sorted(seen) == sorted((each["control"], each["resource"]["name"]) for each in listed)


def test_a_finding_is_told_whole(show: Open) -> None:
    told = audits.finding("notebook-root-access", NOTEBOOK, "lab-1", path="RootAccess", waiver=audits.WAIVER)
    page = show(audits.report([told]))
    control = open_first(page)
    [[resource, where, evidence, state]] = rows(control)
    assert resource == f"lab-1\n{NOTEBOOK}"
    assert where == "111122223333 eu-central-1\n" + told["location"]["arn"]
    assert evidence == "RootAccess is missing\nRootAccess"
    assert state.split("\n") == [
        *("waived", "until 2027-01-31: Labs need pip as root (ml-platform, SEC-12)"),
        told["fingerprint"][:12],
    ]
    more = control.locator(".more").inner_text()
    assert "Set RootAccess to Disabled" in more
    assert "AC-6" in more
    assert "2027-01-31" in page.locator("section", has_text="Waivers").last.inner_text()


def test_gaps_come_first_and_no_score_is_given(show: Open) -> None:
    page = show(audits.report(some("a")))
    sections = page.locator("main > section").all_inner_texts()
    assert sections[0].startswith("This report is incomplete: 1 gap\n")
    assert "sagemaker:ListModels is denied" in sections[0]
    assert "No score: the report is incomplete" in sections[1]
    assert "%" not in sections[1]


def test_a_complete_report_has_a_score(show: Open) -> None:
    page = show(audits.report(some("a", "b"), gaps=[], passed=998))
    score = page.locator(".score")
    assert score.locator("svg").get_attribute("aria-label") == "99 % pass"
    assert score.inner_text().split("\n")[-1].startswith("998 of 1,000 checks")
    assert page.locator(".alert").count() == 0


def test_names_can_only_be_read(show: Open) -> None:
    found = [
        audits.finding("volume-kms-key", NOTEBOOK, name, message=name, path=name, condition=name)
        for name in EVIL
    ]
    own = [audits.finding("own-control", "Own::Type::" + EVIL[1], "x", title=EVIL[0])]
    gaps = [{"where": name, "what": name, "hint": name, "accepted": None} for name in EVIL]
    notes = [{"where": name, "what": name} for name in EVIL]
    page = show(
        audits.report(
            found + own, gaps, notes, by=EVIL[1], accounts=EVIL, parameters={EVIL[0]: {EVIL[1]: EVIL}}
        )
    )
    control = open_first(page, "volume-kms-key")
    assert [row[0].split("\n")[0] for row in rows(control)] == [inert(name) for name in EVIL]
    open_first(page, "own-control")
    page.get_by_label("Search").fill("<img")
    assert page.evaluate("window.pwned") is None
    assert page.locator("img, iframe, object, embed, main script, svg[onload]").count() == 0
    assert page.locator("script").count() == 2


def test_the_policy_lets_nothing_in(show: Open) -> None:
    page = show(audits.report(some("a")), expected="content security policy")
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.pwned = 1";
            const far = document.createElement("script");
            far.src = "https://example.com/x.js";
            const image = document.createElement("img");
            image.src = "https://example.com/x.png";
            image.setAttribute("onerror", "window.pwned = 2");
            const styled = document.createElement("p");
            styled.setAttribute("style", "color: red");
            document.body.append(script, far, image, styled);
        }"""
    )
    assert page.evaluate("fetch('https://example.com/').then(() => 'sent', () => 'refused')") == "refused"
    assert page.evaluate("window.pwned") is None
    assert page.evaluate("getComputedStyle(document.body.lastChild).color") != "rgb(255, 0, 0)"


def test_searching_and_filtering(show: Open) -> None:
    listed = list(audits.many(300))
    page = show(audits.report(listed))
    count = page.locator("#count")
    for words, fits in {
        "trainingjob-00000": lambda each: "trainingjob-00000" in each["resource"]["name"],
        "TRAININGJOB us-east-1": lambda each: (
            "trainingjob" in each["resource"]["name"] and each["location"]["region"] == "us-east-1"
        ),
        listed[7]["fingerprint"][:12]: lambda each: each is listed[7],
        "vpc-config 7777": lambda each: (
            each["control"] == "vpc-config" and each["location"]["account"].startswith("7777")
        ),
        "nothing of that kind": lambda each: False,
    }.items():
        page.get_by_label("Search").fill(words)
        assert int(count.inner_text().split()[0]) == sum(map(fits, listed)), words
    page.get_by_role("button", name="Reset").click()
    page.wait_for_function("document.getElementById('count').textContent.startsWith('300 ')")
    for label, value, key in (
        ("Status", "waived", lambda each: each["waiver"] is not None),
        ("Severity", "medium", lambda each: each["severity"] == "medium"),
        ("Area", "access", lambda each: each["area"] == "access"),
        ("Account", audits.ACCOUNTS[1], lambda each: each["location"]["account"] == audits.ACCOUNTS[1]),
        ("Region", "us-east-1", lambda each: each["location"]["region"] == "us-east-1"),
    ):
        chosen = page.get_by_role("combobox", name=label)
        chosen.select_option(value)
        assert int(count.inner_text().split()[0]) == sum(map(key, listed)), label
        chosen.select_option("all")
    assert page.locator("select[name=change]").is_hidden()


def test_a_cell_of_the_matrix_shows_its_findings(show: Open) -> None:
    listed = list(audits.many(300))
    page = show(audits.report(listed))
    page.get_by_role("link", name=f"{audits.ACCOUNTS[2]}, access").click()
    expected = [
        each
        for each in listed
        if each["area"] == "access" and each["location"]["account"] == audits.ACCOUNTS[2]
    ]
    assert page.locator("#count").inner_text().startswith(f"{len(expected)} of 300 findings")


def test_pages_turn_by_keyboard(show: Open) -> None:
    page = show(audits.report(some(*(f"n-{number:03d}" for number in range(120)))))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the findings"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "findings"
    summary = page.locator("details.control summary")
    summary.focus()
    page.keyboard.press("Enter")
    control = page.locator("details.control")
    assert control.get_attribute("open") == ""
    forward = control.get_by_role("button", name="Next")
    told = []
    for _ in range(4):  # once too often
        shown = [row[0].split("\n")[0] for row in rows(control)]
        told.append((shown[0], shown[-1], control.locator(".pages span").inner_text()))
        forward.focus()
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.textContent") == "Next"
    assert told == [
        ("n-000", "n-049", "1–50 of 120"),
        ("n-050", "n-099", "51–100 of 120"),
        *[("n-100", "n-119", "101–120 of 120")] * 2,
    ]
    control.get_by_role("button", name="Previous").click()
    assert control.locator(".pages span").inner_text() == "51–100 of 120"


@pytest.mark.no_cover  # fewer findings cover as much
def test_a_hundred_thousand_findings(show: Open) -> None:
    page = show(audits.report(audits.many(100_000)))
    assert page.locator("#count").inner_text() == "100,000 findings of 23 controls"
    # What is drawn is what anybody can read, however much there is.
    assert page.locator("tbody tr").count() < 23 * 21 + 300
    control = open_first(page, "volume-kms-key")
    assert len(rows(control)) == 50
    control.get_by_role("button", name="Next").click()
    assert len(rows(control)) == 50
    page.get_by_label("Search").fill("trainingjob-00321")
    count = int(page.locator("#count").inner_text().split()[0])
    assert 0 < count < 100
    page.get_by_label("Search").fill("")
    assert page.locator("#count").inner_text() == "100,000 findings of 23 controls"


@pytest.mark.parametrize("width", [320, 390, 800])
def test_nothing_hangs_out_of_a_narrow_screen(show: Open, width: int) -> None:
    long = "a-name-without-any-end-" * 9
    listed = [*audits.many(60), audits.finding("volume-kms-key", NOTEBOOK, long, path="Path." * 40)]
    page = show(audits.report(listed), viewport={"width": width, "height": 800}, is_mobile=True)
    open_first(page, "volume-kms-key")
    page.get_by_label("Search").fill(long[:30])
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_on_paper_everything_is_open(show: Open) -> None:
    page = show(audits.report(audits.many(300)))
    open_first(page, "volume-kms-key")
    page.emulate_media(media="print")
    page.wait_for_function("[...document.querySelectorAll('details.control')].every(each => each.open)")
    assert page.locator("details.control tbody tr").count() == 300
    for control in page.locator("details.control .more").all():
        assert control.is_visible()
    assert page.locator("#filter").is_hidden()
    assert page.pdf().startswith(b"%PDF")
    page.emulate_media(media="screen")
    page.wait_for_function(
        "[...document.querySelectorAll('details.control')].filter(each => each.open).length === 1"
    )


def test_without_scripts_each_control_tells_its_first_findings(show: Open) -> None:
    page = show(audits.report(audits.many(300)), java_script_enabled=False)
    assert page.locator("#filter").is_hidden()
    control = page.locator("details.control", has_text="volume-kms-key")
    control.locator("summary").click()
    assert control.locator("tbody tr").count() == 20
    assert "more." in control.locator(".rows").inner_text()
    assert "Name a KMS key" in control.inner_text()


POOR = """
() => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = color => color.slice(0, 3).map(v => v / 255)
    .map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const color = parse(getComputedStyle(at).backgroundColor);
      if (color.length < 4 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const skipped = ["SCRIPT", "OPTION"], poor = [];
  for (const it of document.querySelectorAll("body *")) {
    const own = [...it.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!own || !it.checkVisibility() || it.closest("svg") || skipped.includes(it.tagName)) continue;
    const [a, b] = [light(parse(getComputedStyle(it).color)), light(behind(it))];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) poor.push(`${it.tagName}.${it.className} ${ratio.toFixed(2)} ${it.textContent}`);
  }
  return poor;
}
"""
NAMELESS = """
() => [...document.querySelectorAll(
  "a, button, input, select, summary, svg:not([aria-hidden]), nav, form, [role=region]")]
  .filter(it => !(it.textContent.trim() || it.getAttribute("aria-label") || it.labels?.length
    || document.getElementById(it.getAttribute("aria-labelledby"))?.textContent.trim()))
  .map(it => it.outerHTML.slice(0, 80))
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_and_everything_has_a_name(show: Open, scheme: str) -> None:
    own = audits.finding("own-control", NOTEBOOK, "x", severity="critical")
    page = show(audits.report([*audits.many(200), own]), color_scheme=scheme)
    open_first(page, "volume-kms-key")
    assert page.evaluate(POOR) == []
    assert page.locator("html").get_attribute("lang") == "en"
    assert page.title()
    for landmark in ("banner", "main", "contentinfo", "search"):
        assert page.get_by_role(landmark).count() == 1, landmark
    levels = [
        int(name[1]) for name in page.locator("h1, h2, h3").evaluate_all("all => all.map(it => it.tagName)")
    ]
    assert levels[0] == 1
    assert all(following - level <= 1 for level, following in pairwise(levels))
    assert page.evaluate(NAMELESS) == []
    ids = page.locator("[id]").evaluate_all("all => all.map(it => it.id)")
    assert len(set(ids)) == len(ids)
    assert page.locator("th:not([scope])").count() == 0


def test_the_pictures_of_the_documentation_show_todays_report(browser: Any, tmp_path: Path) -> None:
    for name, _, text in pictures.views(browser, tmp_path):
        kept = pictures.IMAGES / f"{name}.txt"
        assert kept.read_text("utf-8") == text, "run `python -m tests.report.pictures`"
        assert 10_000 < kept.with_suffix(".png").stat().st_size < 150_000
