"""A comment on a pull request, in the Markdown of GitHub, GitLab and others: short, details folded away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from scanner.model import Control, Finding, Gap, Note, Severity, Summary
from scanner.report import Run, excuse, hinted, position, reported, status, told
from scanner.report.about import facts, totals
from scanner.report.layout import count
from scanner.report.table import file_counts, in_short
from scanner.safe_text import inert

LIMIT = 65_536
"""Characters that GitHub takes in a comment; counted in bytes, of which no character has fewer than one."""

_UNFOLDED = 25
_TEXT = 1_000
HEADER = "| Severity | Control | Resource | What | Where |\n|---|---|---|---|---|\n"
_FOLD = "<details{}>\n<summary>{}</summary>\n\n{}\n</details>\n\n"
_MORE = "\n… and {} more, for which there is no room here: `--format json` has them all.\n"
# A word between its quotes, brackets and full stops; words in which nobody finds markup, a mention, a
# reference, a commit, a link or the short name of an emoji.
_SPAN = re.compile(r"(?<!\S)`([^`]+)`(?!\S)")
_WORD = re.compile(r"([('\"]*)(.*?)([)'\",.;:…]*)")
_PLAIN = re.compile(r"(?!.*(?:www\.|[a-z]-\d|[0-9a-f]{7}))[a-z0-9'\",.;()/=–-]*|[<>]=?", re.IGNORECASE)


class _Kept:
    """Lines as far as there may be room for them, and how many there were."""

    def __init__(self, room: int) -> None:
        self.lines: list[str] = []
        self.count = 0
        self._room = room

    def add(self, line: str) -> None:
        self.count += 1
        self._room -= size(line)
        if self._room >= 0:
            self.lines.append(line)


class _Section(NamedTuple):
    """What is folded up under one title: a header and lines, of `total` that there were."""

    title: str
    header: str
    lines: list[str]
    total: int
    open: bool = False

    def render(self, room: int) -> str:
        """The section in at most `room` bytes, or nothing if there is no room for its title."""
        room -= size(_FOLD + self.title + self.header + _MORE) + 20
        if room < 0:
            return ""
        shown: list[str] = []
        for line in self.lines:
            room -= size(line)
            if room < 0:
                break
            shown.append(line)
        more = _MORE.format(self.total - len(shown)) if len(shown) < self.total else ""
        opened = " open" if self.open and self.total <= _UNFOLDED else ""
        return _FOLD.format(opened, self.title, self.header + "".join(shown) + more)


def render(run: Run) -> Iterator[str]:
    """The report as one chunk that fits a comment, after an empty one for each finding."""
    return document(run, LIMIT)


def document(run: Run, limit: int) -> Iterator[str]:
    """Like `render`, in at most `limit` bytes: of what is left out, the number is said."""
    gaps: list[Gap] = []
    notes: list[Note] = []
    kept: dict[str, _Kept] = {}
    failed: dict[str, Control] = {}
    for finding in reported(run, gaps, notes):
        key = status(finding)
        if key == "failed":
            failed[finding.control.id] = finding.control
            key = finding.control.severity.label
        kept.setdefault(key, _Kept(limit)).add(_row(finding))
        yield ""
    summary = run.summary()
    head = _head(summary, len(gaps), "type" if run.kind == "audit" else "file")
    if run.kind == "audit":
        head += "".join(_item(label, text) for label, text in facts(run).items()) + "\n"
    foot = f"<sub>smguard {code(run.version)}, catalog {code(run.catalog[:12])}</sub>\n"
    room = limit - size(head + foot)
    sections = list(_sections(kept, gaps, notes, failed))
    regions = [f"- {prose(text)}\n" for text in totals(run)] if run.kind == "audit" else []
    if regions:
        sections.append(_Section("Accounts and regions", "", regions, len(regions)))
    yield head
    for index, section in enumerate(sections):
        # All that the ones below don't need, and at least half of what is left.
        below = sum(map(size, (line for each in sections[index + 1 :] for line in each.lines)))
        text = section.render(max(room // 2, room - below - 500 * len(sections)))
        room -= size(text)
        yield text
    yield foot


def _head(summary: Summary, gaps: int, noun: str) -> str:
    found = [(summary.fail, "failed"), (summary.unknown, "unknown"), (gaps, "gap" if gaps == 1 else "gaps")]
    told = ", ".join(f"{number} {word}" for number, word in found if number)
    if not told:
        told = "all good" if summary.passed or summary.waived else "nothing to judge"
        told = "nothing new" if summary.baseline else told
    incomplete = "" if summary.complete else "**The report is incomplete.** "
    files = count(summary.seen, noun) + (f" ({file_counts(summary)})" if summary.seen else "")
    known = f", {summary.baseline} in the baseline" if summary.baseline else ""
    resources = count(summary.resources, "resource")
    counts = f"{summary.passed} passed, {summary.waived} waived{known} on {resources}"
    return f"### smguard: {told}\n\n{incomplete}{counts} in {files}.\n\n"


def _sections(
    kept: dict[str, _Kept], gaps: list[Gap], notes: list[Note], failed: dict[str, Control]
) -> Iterator[_Section]:
    """In the order of what matters most."""
    worst_first = [severity.label for severity in sorted(Severity, reverse=True)]
    by_severity = {label: kept[label] for label in worst_first if label in kept}
    if by_severity:
        lines = [line for each in by_severity.values() for line in each.lines]
        total = sum(each.count for each in by_severity.values())
        told = ", ".join(f"{each.count} {label}" for label, each in by_severity.items())
        yield _Section(f"{total} failed: {told}", HEADER, lines, total, open=True)
    if gaps:
        lines = [_item(gap.where, hinted(gap)) for gap in gaps]
        yield _Section(f"{count(len(gaps), 'gap')}: not looked at", "", lines, len(gaps), open=True)
    others = [key for key in kept if key not in (*worst_first, "unknown", "passed")]
    for key in ("unknown", *others, "passed"):
        if key in kept:
            remark = ": can't be decided from what was scanned" if key == "unknown" else ""
            yield _Section(f"{kept[key].count} {key}{remark}", HEADER, kept[key].lines, kept[key].count)
        if key == "unknown" and failed:
            controls = sorted(failed.values(), key=lambda control: (-control.severity, control.id))
            lines = [_item(each.id, f"{each.title}. {in_short(each.remediation)}") for each in controls]
            yield _Section("How to mend", "", lines, len(lines))
    if notes:
        lines = [_item(note.where, note.what) for note in notes]
        yield _Section(count(len(notes), "note"), "", lines, len(notes))


def _row(finding: Finding) -> str:
    control, why = finding.control, excuse(finding)
    what = f"{told(finding)} – {why}" if why else told(finding)
    cells = [control.severity.label, code(control.id), code(finding.resource.name), prose(what)]
    return f"| {' | '.join([*cells, code(position(finding.location))])} |\n"


def _item(name: str, text: str) -> str:
    return f"- {code(name)}: {prose(text)}\n"


def prose(text: str) -> str:
    """Running text in which every word that could be more than a word is code."""
    pieces = _SPAN.split(inert(text, _TEXT))
    # Between the spaces around it a piece that was code already stays as it is.
    return "".join(
        code(piece) if index % 2 else " ".join(map(_word, piece.split(" ")))
        for index, piece in enumerate(pieces)
    )


def _word(word: str) -> str:
    before, core, after = _WORD.fullmatch(word).groups()  # type: ignore[union-attr] # it takes every word
    return word if _PLAIN.fullmatch(core) else f"{before}{code(core)}{after}"


def code(text: str) -> str:
    """Text as code, in which nothing is markup, a mention or a link; also within a table."""
    text = inert(text, _TEXT).replace("|", "\\x7c")
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if not text or text[0] in " `" or text[-1] in " `" else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def size(text: str) -> int:
    return len(text.encode())
