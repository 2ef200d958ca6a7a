from __future__ import annotations

import pytest

from scanner.model import Gap, Note, Severity, Summary, Verdict
from scanner.report import job_summary, markdown
from tests.report.readers import Page
from tests.report.samples import SAMPLE_SUMMARY, VOLUME, control, finding, render, run, sample_events

SAMPLE = """\
### smguard: 2 failed, 5 unknown, 1 gap

**The report is incomplete.** 31 passed, 1 waived on 3 resources in 5 files \
(2 judged, 1 in part, 1 unread, 1 skipped).

<details open>
<summary>2 failed: 1 critical, 1 high</summary>

| Severity | Control | Resource | What | Where |
|---|---|---|---|---|
| critical | `notebook-direct-internet` | `Workbench` | DirectInternetAccess is 'Enabled', \
must be 'Disabled'; passes when Internet is 'Disabled' | `templates/notebook.yaml:14:7` |
| high | `volume-kms-key` | `Workbench` | KmsKeyId is missing | `templates/notebook.yaml:9:5` |

</details>

<details open>
<summary>1 gap: not looked at</summary>

- `templates/legacy.yaml:7`: the tab at column 3 is not YAML (indent with spaces)

</details>

<details>
<summary>5 unknown: can't be decided from what was scanned</summary>

"""
WAIVED = """\
| medium | `notebook-root-access` | `Workbench` | RootAccess is 'Enabled', must be 'Disabled' – \
until 2027-01-31: Labs need pip as root (ml-platform, `SEC-12`) | `templates/notebook.yaml:15:7` |
"""


def test_sample() -> None:
    text = render("markdown", run(sample_events(), SAMPLE_SUMMARY))
    assert text.startswith(SAMPLE)
    assert WAIVED in text
    assert text.endswith("<sub>smguard `1.2.3`, catalog `sha256:01234`</sub>\n")


@pytest.mark.parametrize(
    ("summary", "head"),
    [
        (
            Summary(seen=1, judged=1, passed=3, resources=1),
            "all good\n\n3 passed, 0 waived on 1 resource in 1 file",
        ),
        (
            Summary(seen=2, skipped=2),
            "nothing to judge\n\n0 passed, 0 waived on 0 resources in 2 files (2 skipped)",
        ),
        (Summary(complete=False, unread=1), "nothing to judge\n\n**The report is incomplete.** 0 passed"),
    ],
)
def test_when_nothing_is_wrong(summary: Summary, head: str) -> None:
    assert render("markdown", run([], summary)).startswith(f"### smguard: {head}")


def test_passed_only_when_asked_for() -> None:
    passed = finding(VOLUME, verdict=Verdict.PASS, message="")
    assert "<summary>1 passed</summary>" in render("markdown", run([passed], show_passed=True))
    assert "passed</summary>" not in render("markdown", run([passed]))


def many() -> list[object]:
    low = control("low-one", Severity.LOW)
    events: list[object] = []
    for number in range(3_000):
        events.append(finding(low, at=(number + 1, 1)))
        events.append(finding(VOLUME, at=(number + 1, 1)))
        events.append(finding(VOLUME, verdict=Verdict.UNKNOWN, message=f"é {number}", at=(number + 1, 1)))
        events.append(Gap(f"{number}.yaml", "is empty"))
        events.append(Note(f"{number}.yaml", "is long"))
    return events


def test_a_comment_fits_and_says_what_it_leaves_out() -> None:
    text = render("markdown", run(many(), SAMPLE_SUMMARY))
    assert 0.9 * markdown.LIMIT < len(text.encode()) <= markdown.LIMIT
    page = Page(text)
    shown = {"6000 failed": 0, "3000 gaps": 0, "3000 unknown": 0, "3000 notes": 0}
    for title, cells in page.rows:
        for start in shown:
            shown[start] += title.startswith(start) and bool(cells)
    assert all(shown.values())
    for start, number in shown.items():
        assert f"… and {int(start.split()[0]) - number} more, for which there is no room here" in text
    assert "low-one" not in {cells[1] for title, cells in page.rows if len(cells) == 5}, (
        "the worst come first"
    )


def test_a_section_takes_what_the_others_do_not_need() -> None:
    text = render("markdown", run([finding(VOLUME, at=(line, 1)) for line in range(1, 501)]))
    assert "no room" not in text
    assert len(text.encode()) > markdown.LIMIT // 2


@pytest.mark.no_cover  # fewer findings cover as much
def test_a_job_summary_may_be_longer(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path_factory.mktemp("summary") / "step"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    events = many()
    events.extend(events)
    events.extend(events)
    for present in (0, 500_000):
        path.write_text("x" * present)
        text = "".join(job_summary.render(run(events, SAMPLE_SUMMARY)))
        assert 0.9 * (1 << 20) < present + len(text.encode()) <= 1 << 20
        assert text.lstrip().startswith("### smguard: ")
    path.write_text("x" * (1 << 20))
    assert len("".join(job_summary.render(run(events)))) < 500


def test_controls_of_others_can_not_reach_out() -> None:
    hostile = control(
        "own",
        title="Ask @team <b>now</b> | see #1",
        remediation="See https://example.com and [x](javascript:y). Then recreate `z` @team.",
    )
    page = Page(render("markdown", run([finding(hostile)])))
    assert "a" not in page.tags
    assert "b" not in page.tags
    assert not set("@#|[]") & set(page.prose)


@pytest.mark.parametrize(
    ("message", "html"),
    [
        ("N is 1, must be > 2", "<td>N is 1, must be &gt; 2</td>"),
        ("it (kms:Decrypt, s3:Get).", "<td>it (<code>kms:Decrypt</code>, <code>s3:Get</code>).</td>"),
        ("a `b` ``c", "<td>a <code>b</code> <code>``c</code></td>"),
        ("`a b` `", "<td><code>a b</code> <code>`</code></td>"),
        ("x` `b` y`<i>", "<td><code>x`</code> <code>b</code> <code>y`&lt;i&gt;</code></td>"),
        ("x | y \\| z", "<td>x <code>\\x7c</code> y <code>\\\\x7c</code> z</td>"),
        ("A[0].B can't be changed: recreate", "<td><code>A[0].B</code> can't be changed: recreate</td>"),
        ("snake_case *bold*", "<td><code>snake_case</code> <code>*bold*</code></td>"),
    ],
)
def test_words_that_are_more_than_words_are_code(message: str, html: str) -> None:
    from cmarkgfm import github_flavored_markdown_to_html

    assert html in github_flavored_markdown_to_html(
        render("markdown", run([finding(VOLUME, message=message)]))
    )
