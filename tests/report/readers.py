"""What each format says, read back as a program of its users would read it, once it is known to be valid."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

from cmarkgfm import github_flavored_markdown_to_html
from cmarkgfm.cmark import Options
from jsonschema import Draft202012Validator
from lxml import etree, html

SCHEMAS = Path(__file__).parents[1] / "schemas"
JUNIT = etree.XMLSchema(etree.parse(SCHEMAS / "junit-10.xsd"))
GITLAB = Draft202012Validator(json.loads((SCHEMAS / "gitlab-code-quality.json").read_text()))


class Said(NamedTuple):
    """A finding, Gap or Note as far as all formats tell it: failed, unknown, waived, passed, gap or note."""

    status: str
    control: str
    resource: str
    where: str


def table(text: str) -> set[Said]:
    """From a table wide enough for one line each."""
    found: set[Said] = set()
    resource = ""
    status = ""
    for line in text.splitlines():
        if re.match(r"  \S", line):
            resource = line.split()[0]
        passed = re.match(r"    passed +\d+ controls? +(.*)$", line)
        if passed:
            found |= {Said("passed", control, resource, "") for control in passed[1].split(", ")}
        row = re.match(r"    (critical|high|medium|low|unknown|waived|baseline) +(\S+)  .*?(\S*)$", line)
        if row:
            label = row[1] if row[1] in ("unknown", "waived", "baseline") else "failed"
            found.add(Said(label, row[2], resource, row[3]))
        if line in ("Notes", "Gaps: what this report leaves open"):
            status = "note" if line == "Notes" else "gap"
        elif status and re.match(r"  \S", line):
            found.add(Said(status, "", "", line.strip().split(": ")[0]))
    return found


def from_json(text: str) -> set[Said]:
    report = json.loads(text)
    words = {"fail": "failed", "unknown": "unknown", "pass": "passed"}
    found = {
        Said(
            "waived" if each["waiver"] else "baseline" if each["baseline"] else words[each["verdict"]],
            each["control"],
            each["resource"]["name"],
            "{file}:{line}:{column}".format(**each["location"]),
        )
        for each in report["findings"]
    }
    return found | {
        Said(key[:-1], "", "", each["where"]) for key in ("gaps", "notes") for each in report[key]
    }


def sarif(text: str) -> set[Said]:
    (log,) = json.loads(text)["runs"]
    words = {"fail": "failed", "review": "unknown", "pass": "passed"}
    found = set()
    for result in log["results"]:
        physical = result["locations"][0]["physicalLocation"]
        region = physical["region"]
        where = f"{physical['artifactLocation']['uri']}:{region['startLine']}:{region['startColumn']}"
        name = result["locations"][0]["logicalLocations"][0]["name"]
        known = "baseline" if result.get("baselineState") == "unchanged" else words[result["kind"]]
        status = "waived" if result.get("suppressions") else known
        found.add(Said(status, result["ruleId"], name, where))
    for each in log["invocations"][0]["toolExecutionNotifications"]:
        found.add(Said(each["descriptor"]["id"], "", "", each["message"]["text"].split(": ")[0]))
    return found


def suites(text: str) -> Any:
    """The root of a JUnit report that the schema accepts and whose counts are true; names are unique."""
    root = etree.fromstring(text.encode())
    JUNIT.assertValid(root)
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.get("tests")) == len(cases)
        for attribute, element in {"failures": "failure", "errors": "error", "skipped": "skipped"}.items():
            assert int(suite.get(attribute)) == len(suite.findall(f"testcase/{element}"))
        assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases)
    return root


def junit(text: str) -> set[Said]:
    found = set()
    root = suites(text)
    for case in root.findall("testsuite/testcase"):
        control, _, about = case.get("name").partition(": ")
        if case.get("classname") == "smguard":
            if control == "gap":
                found.add(Said("gap", "", "", about))
            continue
        outcome = next(iter(case), None)
        resource = about.split(" ")[0]
        if outcome is None:
            found.add(Said("passed", control, resource, ""))
        else:
            status = "failed" if outcome.tag == "failure" else re.match(r"\w+", outcome.get("message"))[0]
            found.add(Said(status, control, resource, outcome.text.split("\n")[0]))
    for line in (root.findtext("testsuite/system-out") or "").strip().splitlines():
        found.add(Said("note", "", "", line.split(": ")[1]))
    return found


class Command(NamedTuple):
    """A workflow command as GitHub's runner understands it."""

    name: str
    properties: dict[str, str]
    data: str


def command(line: str) -> Command | None:
    """A line of a log as the runner parses it: a command or, if None, only text."""
    line = line.lstrip()
    head, colons, data = line[2:].partition("::")
    if not line.startswith("::") or not colons:
        return None
    name, _, rest = head.partition(" ")
    properties = {}
    for pair in filter(None, rest.split(",")):
        key, equals, value = pair.partition("=")
        assert equals, pair
        assert key.strip() not in properties, pair
        properties[key.strip()] = _decoded(value, {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ","})
    return Command(name, properties, _decoded(data, {"%0D": "\r", "%0A": "\n"}))


def _decoded(text: str, codes: dict[str, str]) -> str:
    for code, character in codes.items():
        text = text.replace(code, character)
    return text.replace("%25", "%")


def commands(text: str) -> list[Command]:
    """All commands of a log. None of ours does more than annotate."""
    found = [each for each in map(command, text.split("\n")) if each is not None]
    for each in found:
        assert each.name in ("error", "warning", "notice")
        assert set(each.properties) <= {"file", "line", "col", "title"}
        assert "title" in each.properties
    return found


def github(text: str) -> set[Said]:
    """The annotations, and from the log above them what needs none."""
    log = "\n".join(line for line in text.split("\n") if command(line) is None)
    found = {each for each in table(log) if each.status in ("waived", "baseline", "passed")}
    for each in commands(text):
        title = each.properties["title"]
        where = ":".join(each.properties[key] for key in ("file", "line", "col") if key in each.properties)
        if title in ("not looked at", "note"):
            found.add(Said("note" if title == "note" else "gap", "", "", where))
        else:
            control, _, label = title.rstrip(")").partition(" (")
            status = "unknown" if label == "unknown" else "failed"
            found.add(Said(status, control, each.data.split(": ")[0], where))
    return found


def gitlab(text: str) -> set[Said]:
    """Lines are all that GitLab knows of a place."""
    issues = json.loads(text)
    GITLAB.validate(issues)
    assert len({each["fingerprint"] for each in issues}) == len(issues)
    found = set()
    for each in issues:
        where = f"{each['location']['path']}:{each['location']['lines']['begin']}"
        if each["check_name"].startswith("smguard-"):
            found.add(Said(each["check_name"].removeprefix("smguard-"), "", "", where))
            continue
        text = each["description"]
        status = {"Unknown": "unknown", "Waived": "waived", "Baseline": "baseline"}.get(
            re.match(r"\w*", text)[0], "failed"
        )
        resource = text.split(" – ")[-1].removeprefix("Unknown: ").removeprefix("Baseline: ").split(": ")[0]
        found.add(Said(status, each["check_name"], resource, where))
    return found


class Page(HTMLParser):
    """The tags of a page, its rows and items as texts of their cells, and what stands outside of code."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.title = ""
        self.rows: list[tuple[str, list[str]]] = []
        self.prose = ""
        self._open: list[str] = []
        self.feed(github_flavored_markdown_to_html(markdown, options=Options.CMARK_OPT_UNSAFE))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert all(name == "open" for name, _ in attrs), attrs
        self.tags.add(tag)
        self._open.append(tag)
        if tag == "summary":
            self.title = ""
        if tag in ("tr", "li"):
            self.rows.append((self.title, []))
        if tag in ("td", "li"):
            self.rows[-1][1].append("")

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "summary" in self._open:
            self.title += data
        if "td" in self._open or "li" in self._open:
            self.rows[-1][1][-1] += data
        if "code" not in self._open:
            self.prose += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(data)


def markdown(text: str) -> set[Said]:
    found = set()
    for title, cells in Page(text).rows:
        label = re.sub(r"s?:.*", "", title.partition(" ")[2]).removesuffix("s")
        if title.startswith("How"):
            continue
        if len(cells) == 5:
            found.add(Said(label, cells[1], cells[2], cells[4]))
        elif cells:
            found.add(Said(label, "", "", cells[0].split(": ")[0]))
    return found


def rows(text: str) -> list[dict[str, str]]:
    """The rows of a CSV report by name, as RFC 4180 defines them, without the guards before formulas."""
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    first, *others = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert all(len(each) == len(first) for each in others)
    for cell in (cell for each in others for cell in each):
        assert not re.search(r"""(^|;)[ "]*[=+\-@\uff1d\uff0b\uff0d\uff20]""", cell), cell
    return [dict(zip(first, map(unguarded, each), strict=True)) for each in others]


def unguarded(cell: str) -> str:
    return re.sub(r"""(^|;)([ "]*)'(?=[=+\-@'\uff1d\uff0b\uff0d\uff20])""", r"\1\2", cell)


def from_csv(text: str) -> set[Said]:
    found = set()
    for each in rows(text):
        where = ":".join(each[name] for name in ("file", "line", "column") if each[name])
        if each["kind"] == "finding":
            found.add(Said(each["status"], each["control"], each["resource"], where))
        elif each["kind"] != "summary":
            found.add(Said(each["kind"], "", "", where))
    return found


def sections(page: Any) -> dict[int, str]:
    """The controls of a page, by the numbers that its data gives them."""
    found = page.xpath("//details[@data-number]")
    return {int(each.get("data-number")): each.findtext("summary/span/code") for each in found}


def island(page: Any) -> Any:
    """The data of a page."""
    return json.loads(page.xpath("string(//script[@type='application/json'])"))


def from_html(text: str) -> set[Said]:
    """The data that the script shows, and the lists above and below it. Columns are left to editors."""
    page = html.document_fromstring(text)
    data, controls = island(page), sections(page)
    found = set()
    for control, resource, state, line, *_ in data["rows"]:
        name, _, scope, *_ = data["resources"][resource]
        where = f"{data['scopes'][scope][0]}:{line}"
        found.add(Said(data["statuses"][state], controls[control], name, where))
    for kind in ("gap", "note"):
        path = f"//section[h2[@id='{kind}s']]/ul/li/strong/text()"
        found |= {Said(kind, "", "", where.rpartition(":")[0]) for where in page.xpath(path)}
    return found


READERS = {
    "table": table,
    "json": from_json,
    "sarif": sarif,
    "junit": junit,
    "github": github,
    "gitlab": gitlab,
    "markdown": markdown,
    "csv": from_csv,
    "html": from_html,
}
