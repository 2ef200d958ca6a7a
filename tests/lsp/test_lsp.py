"""`smguard lsp` as an editor sees it."""

from __future__ import annotations

import asyncio
import json
import re
import string
import subprocess
import sys
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from scanner.cli.lsp import read_settings
from scanner.lsp import judged
from scanner.lsp.show import diagnostics
from scanner.lsp.text import Text
from tests.door import CALM, MEASURED, ROOT
from tests.door import called as smguard
from tests.lsp.editor import PLAIN, RICH, Editor, said, seen, with_editor

CLOSED = """\
Resources:
  Notebook:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      RootAccess: Disabled
      DirectInternetAccess: Disabled
"""
OPEN = CLOSED.replace("Access: Disabled", "Access: Enabled")
TWO = {"select": ["notebook-root-access", "notebook-direct-internet"]}
BOTH = ["error notebook-direct-internet 5:6-5:26", "error notebook-root-access 4:6-4:16"]
ROOT_ACCESS = {"select": ["notebook-root-access"]}
SET = 'Set RootAccess to "Disabled" (notebook-root-access)'
FIX_ALL = "Mend all that smguard can in this file"


def test_diagnostics_follow_what_is_typed(tmp_path: Path) -> None:
    async def use(editor: Editor) -> None:
        assert seen(await editor.open("t.yaml", OPEN)) == BOTH
        found = await editor.type("t.yaml", ("RootAccess: Enabled", "RootAccess: Disabled"))
        assert seen(found) == BOTH[:1]
        assert said(found) == ["Notebook: DirectInternetAccess is 'Enabled', must be 'Disabled'"]
        assert {each.source for each in found} == {"smguard"}
        assert await editor.type("t.yaml", ("InternetAccess: Enabled", "InternetAccess: Disabled")) == []
        assert seen(await editor.replace("t.yaml", OPEN)) == BOTH
        # Two changes in one message, the second in terms of the first.
        found = await editor.type(
            "t.yaml", ("Resources:", "# one\n# two\nResources:"), ("RootAccess: Enabled", "Lifecycle: x")
        )
        assert seen(found) == [
            "error notebook-direct-internet 7:6-7:26",
            "error notebook-root-access 5:4-5:14",
        ]
        await editor.close("t.yaml")

    with_editor(tmp_path, use, options=TWO, process=True)


def test_a_text_that_is_half_typed_says_where(tmp_path: Path) -> None:
    async def use(editor: Editor) -> None:
        await editor.open("t.yaml", OPEN)
        found = await editor.type("t.yaml", ("RootAccess: Enabled", "RootAccess: {Enabled"))
        assert [(each.code, each.severity) for each in found] == [("gap", types.DiagnosticSeverity.Warning)]
        assert found[0].range.start.line in (4, 5)
        assert seen(await editor.replace("t.yaml", OPEN)) == BOTH

    with_editor(tmp_path, use, options=TWO)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("values.yaml", "replicas: 2\nimage: [broken\n"),
        ("workflow.yaml", "on: push\nenv: {TYPE: 'AWS::SageMaker::Model'}\n"),
        ("notes.md", OPEN),
        ("stack.ts", OPEN),
        ("README", "About AWS::SageMaker::Model: {broken\n"),
        ("empty.yaml", ""),
    ],
)
def test_what_is_no_template_has_no_diagnostics(tmp_path: Path, name: str, text: str) -> None:
    async def use(editor: Editor) -> None:
        assert await editor.open(name, text) == []
        assert await editor.actions(name, text[:1]) == {}
        assert await editor.hover(name, text[:1]) is None

    with_editor(tmp_path, use)


def test_gaps_notes_unknowns_and_waivers_at_their_place(tmp_path: Path) -> None:
    text = """\
Parameters:
  Access: {Type: String, AllowedValues: [Enabled, Disabled]}
Resources:
  Waived:
    Type: AWS::SageMaker::NotebookInstance
    Metadata:
      smguard:
        waivers: [{control: notebook-root-access, reason: A lab, expires: '2999-12-31'}]
  Notebook:
    Type: AWS::SageMaker::NotebookInstance
    Metadata:
      smguard:
        waivers: [{control: notebook-root-access, expires: '2999-12-31'}]
    Properties:
      RootAccess: !Ref Access
  Odd:
    Type: AWS::SageMaker::NotebookInstance
    Properties: [none]
"""

    async def use(editor: Editor) -> None:
        found = await editor.open("t.yaml", text)
        assert seen(found) == [
            "information notebook-root-access 14:6-14:16",
            "information note 11:6-11:13",
            "warning gap 17:4-17:14",
        ]
        assert "reason is missing" in found[1].message
        hover = await editor.hover("t.yaml", "RootAccess: !Ref")
        assert hover is not None
        assert '**To settle it:** give the values of the deployment, --parameters FILE with {"Access"' in (
            hover.replace("\\", "")
        )
        assert "**Why:**" in hover
        # The unsaved text decides which parameter it hangs on, not what was there when it was first asked.
        renamed = text.replace("Access:", "Wanted:", 1).replace("!Ref Access", "!Ref Wanted")
        await editor.replace("t.yaml", renamed)
        hover = await editor.hover("t.yaml", "RootAccess: !Ref")
        assert hover is not None
        assert '"Wanted"' in hover

    with_editor(tmp_path, use, options=ROOT_ACCESS)


def test_hover_says_why_and_how_to_mend(tmp_path: Path) -> None:
    async def use(editor: Editor) -> None:
        await editor.open("t.yaml", OPEN)
        hover = await editor.hover("t.yaml", "RootAccess")
        assert hover is not None
        head, found, why, how = hover.split("\n\n")
        assert head == "notebook-root-access (high): Users of notebook instances have no root access"
        assert found == "FAIL Notebook: RootAccess is 'Enabled', must be 'Disabled'"
        assert why.startswith("Why: ")
        assert how.startswith("How to mend: Set RootAccess to Disabled")
        assert await editor.hover("t.yaml", "Type:") is None

    with_editor(tmp_path, use, PLAIN, TWO)


# What takes several units, or breaks lines for some readers and for no editor.
WORDS = ["x", "😀\U0001d4b3", "e\u0301ß€", "a\u2028b\u0085c\u2029d"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_places_and_edits_are_right_in_any_text(tmp_path: Path, encoding: str) -> None:
    json_text = """\
{
  "Resources": {
    "N": {
      "Type": "AWS::SageMaker::NotebookInstance",
      "Properties": {"NotebookInstanceName": "WORD", "RootAccess": "Enabled"}
    }
  }
}
"""
    yaml_text = """\
Resources:
  N:
    Type: AWS::SageMaker::NotebookInstance # WORD
    Properties:
      NotebookInstanceName: 'WORD'
      RootAccess: Enabled
"""
    flow_text = """\
Resources:
  N: {Type: AWS::SageMaker::NotebookInstance, Properties: {A: 'WORD', RootAccess: Enabled}}
"""

    async def use(editor: Editor) -> None:
        for number, (text, word) in enumerate(product((json_text, yaml_text, flow_text), WORDS)):
            newline, mark = ("\n", "\r\n", "\r")[number % 3], "\ufeff" * (number % 2)
            name = f"{number}.{'json' if text is json_text else 'yaml'}"
            # In a comment of YAML those line breaks would end it.
            comment = "# " if word == WORDS[-1] else f"# {word}"
            written = mark + text.replace("# WORD", comment).replace("WORD", word).replace("\n", newline)
            (diagnostic,) = await editor.open(name, written)
            assert editor.marked(name, diagnostic.range).strip('"') == "RootAccess"
            actions = await editor.actions(name, "RootAccess")
            assert await editor.apply(name, actions[SET]) == []
            assert editor.texts[name] == written.replace("Enabled", "Disabled")
            assert await editor.type(name, ("Disabled", "Enabled")) == [diagnostic]

    with_editor(tmp_path, use, options=ROOT_ACCESS, encoding=encoding)


@pytest.mark.no_cover  # one fix covers as much
def test_each_quick_fix_settles_exactly_its_findings(tmp_path: Path) -> None:
    text = (ROOT / "examples" / "noncompliant.yaml").read_text(encoding="utf-8")

    async def use(editor: Editor) -> None:
        before = await editor.open("t.yaml", text)
        mended: list[str] = []
        lines = {each.range.start.line for each in before}
        for line in sorted(lines):
            at = "\n".join(text.split("\n")[line:])
            titles = await editor.actions("t.yaml", at, ["quickfix"])
            for title in titles:
                if not title.startswith("Set "):
                    continue
                action = (await editor.actions("t.yaml", at, ["quickfix"]))[title]
                claimed = {(each.code, each.message) for each in action.diagnostics or []}
                after = await editor.apply("t.yaml", action)
                gone = {(each.code, each.message) for each in before} - {
                    (each.code, each.message) for each in after
                }
                new = {(each.code, each.message) for each in after} - {
                    (each.code, each.message) for each in before
                }
                assert gone == claimed
                assert all("SageMaker" in message for _, message in new)  # asks for the parameter it adds
                mended += [str(code) for code, _ in claimed]
                await editor.replace("t.yaml", text)
        assert sorted(mended) == [
            "inter-container-encryption",
            "network-isolation",
            "notebook-imds-v2",
            "notebook-root-access",
            "studio-user-isolation",
            *["volume-kms-key"] * 3,
            *["vpc-config"] * 4,
        ]

    with_editor(tmp_path, use)


@pytest.mark.parametrize("capabilities", [RICH, PLAIN], ids=["resolves", "does not resolve"])
def test_all_of_a_file_is_mended_as_fix_does_it(
    tmp_path: Path, capabilities: types.ClientCapabilities
) -> None:
    text = (ROOT / "examples" / "noncompliant.yaml").read_text(encoding="utf-8")
    file = tmp_path / "t.yaml"
    file.write_text(text, encoding="utf-8")
    assert smguard("fix", "--write", str(file)).code == 0

    async def use(editor: Editor) -> None:
        await editor.open("t.yaml", text)
        for only in (["source"], ["source.fixAll"], ["source.fixAll.smguard"], [""]):
            actions = await editor.actions("t.yaml", "Resources:", only)
            assert list(actions) == [FIX_ALL]
            assert (actions[FIX_ALL].edit is None) is (capabilities is RICH)
        assert await editor.actions("t.yaml", "Resources:", ["refactor"]) == {}
        assert list(await editor.actions("t.yaml", "Resources:")) == [FIX_ALL] * (capabilities is RICH)
        await editor.apply("t.yaml", actions[FIX_ALL])
        assert editor.texts["t.yaml"] == file.read_text(encoding="utf-8")
        # An action from before the change has no edit any more.
        if capabilities is RICH:
            assert (await editor.client.code_action_resolve_async(actions[FIX_ALL])).edit is None

    with_editor(tmp_path, use, capabilities)


@pytest.mark.parametrize("name", ["t.yaml", "t.json"])
def test_a_waiver_counts_once_its_reason_is_written(tmp_path: Path, name: str) -> None:
    text = CLOSED.replace("RootAccess: Disabled", "RootAccess: Enabled")
    if name == "t.json":
        properties = {"RootAccess": "Enabled", "DirectInternetAccess": "Disabled"}
        notebook = {"Type": "AWS::SageMaker::NotebookInstance", "Properties": properties}
        text = json.dumps({"Resources": {"Notebook": notebook}}, indent=2)

    async def use(editor: Editor) -> None:
        await editor.open(name, text)
        offered = await editor.actions(name, "Properties", ["quickfix"])
        assert [each.split()[0] for each in offered] == ["Set", "Waive"]
        actions = await editor.actions(name, "RootAccess")
        (title,) = [each for each in actions if each.startswith("Waive ")]
        assert re.fullmatch(
            r"Waive notebook-root-access for Notebook until \d{4}-\d\d-\d\d \(write the reason\)", title
        )
        found = await editor.apply(name, actions[title])
        assert [each.code for each in found] == ["notebook-imds-v2", "notebook-root-access", "note"]
        assert "reason is empty" in found[-1].message
        empty = "reason: ''" if name == "t.yaml" else '"reason": ""'
        found = await editor.type(name, (empty, f"{empty[:-1]}A lab{empty[-1]}"))
        assert [each.code for each in found] == ["notebook-imds-v2"]
        # A second one would have to join the list: that is left to the author.
        assert [each.split()[0] for each in await editor.actions(name, "Properties", ["quickfix"])] == ["Set"]

    with_editor(tmp_path, use, options={"select": ["notebook-root-access", "notebook-imds-v2"]})


def test_what_the_cdk_made_is_left_to_its_code(tmp_path: Path) -> None:
    text = OPEN.replace("    Properties", "    Metadata: {'aws:cdk:path': A/B}\n    Properties")

    async def use(editor: Editor) -> None:
        assert len(await editor.open("t.yaml", text)) == 2
        assert await editor.actions("t.yaml", "RootAccess") == {}

    with_editor(tmp_path, use, options=TWO)


def test_hostile_names_are_inert(tmp_path: Path) -> None:
    evil = (
        "<img src=x onerror=alert(1)>[a](command:x)![b](http://e.vil)`c`*d*_e_|~f~www.e.vil\x1b[31m\u202e&lt;"
    )
    rules = tmp_path / "rules"
    rules.mkdir()
    control = {
        "id": "my-control",
        "title": f"- 1. {evil[:90]}",
        "area": "access",
        "severity": "low",
        "rationale": f"# {evil}\n\n* {evil}\n",
        "remediation": "1. <script>alert(1)</script> see https://e.vil or ops@e.vil\n",
        "resources": {
            "AWS::SageMaker::Model": {"places": [{"requires": {"EnableNetworkIsolation": {"const": True}}}]}
        },
        "examples": {
            verdict: [{"about": verdict, "resource": {"Type": "AWS::SageMaker::Model", "Properties": body}}]
            for verdict, body in {
                "fail": {},
                "pass": {"EnableNetworkIsolation": True},
                "unknown": {"EnableNetworkIsolation": {"Fn::ImportValue": "x"}},
            }.items()
        },
    }
    (rules / "my-control.yaml").write_text(json.dumps(control), encoding="utf-8")
    name = json.dumps(evil)
    text = f'{{"Resources": {{{name}: {{"Type": "AWS::SageMaker::Model", "Properties": {{"A": 1}}}}}}}}'

    async def use(editor: Editor) -> None:
        (found,) = await editor.open("t.json", text)
        assert found.code == "my-control"
        assert found.message.isprintable()
        hover = await editor.hover("t.json", '"Properties"')
        assert hover is not None
        assert hover.replace("\n", "").isprintable()
        # What is left without the escaped characters is our own layout, and nothing that Markdown knows.
        bare = re.sub(r"\\[!-/:-@\[-`{-~]", "", hover)
        assert (
            re.sub(r"^\*\*[\w -]+:?\*\*", "", bare, flags=re.M).translate(
                str.maketrans("", "", string.ascii_letters + string.digits + " \n.,:;/()='-")
            )
            == ""
        )
        assert "://" not in bare
        assert "www." not in bare
        for title in await editor.actions("t.json", '"Properties"'):
            assert title.isprintable()

    with_editor(tmp_path, use, options={"select": ["my-control"], "rules": ["rules"]})


def test_other_files_are_read_below_the_workspace_only(tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "stacks").mkdir(parents=True)
    (work / "stacks" / "child.yaml").write_text(OPEN, encoding="utf-8")
    (tmp_path / "outside.yaml").write_text(OPEN, encoding="utf-8")
    stack = "    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: %s}\n"
    text = f"Resources:\n  In:\n{stack % '../stacks/child.yaml'}  Out:\n{stack % '../../outside.yaml'}"

    async def use(editor: Editor) -> None:
        found = await editor.open("parents/t.yaml", text)
        assert seen(found) == [
            "error notebook-direct-internet 1:2-1:4",
            "error notebook-root-access 1:2-1:4",
            "warning gap 6:17-6:28",
        ]
        assert "outside" in found[2].message
        (related,) = found[0].related_information or []
        assert related.location.uri == editor.uri("stacks/child.yaml")
        assert related.location.range.start.line == 5
        hover = await editor.hover("parents/t.yaml", "In:")
        assert hover is not None
        assert "In/Notebook" in hover
        assert await editor.actions("parents/t.yaml", "In:") == {}
        # The child is read as it is on disk, and read again when something was saved.
        (work / "stacks" / "child.yaml").write_text(CLOSED, encoding="utf-8")
        await editor.save("parents/t.yaml")
        assert [each.code for each in await editor.found("parents/t.yaml")] == ["gap"]
        # What has no file can't lead anywhere.
        found = await editor.open("untitled:Untitled-1", text)
        assert [each.code for each in found] == ["gap", "gap"]

    (work / "parents").mkdir()
    with_editor(work, use, options=TWO)


@pytest.mark.parametrize(
    "text",
    [
        "Resources: {A: {Type: 'AWS::X', Properties: " + "[" * 100_000,
        OPEN + "# \0",
        OPEN + "# " + "x" * 5_000_000,
        OPEN + "# \ud800",
        "Resources: &a {Type: 'AWS::X', B: *a}",
    ],
    ids=["deep", "NUL", "large", "half a character", "a circle"],
)
def test_what_can_t_be_judged_is_a_gap_and_the_server_lives_on(tmp_path: Path, text: str) -> None:
    async def use(editor: Editor) -> None:
        found = await editor.open("bad.yaml", text)
        assert {each.code for each in found} == {"gap"}
        await editor.actions("bad.yaml", text[:1])
        assert seen(await editor.open("t.yaml", OPEN)) == BOTH
        assert seen(await editor.replace("bad.yaml", OPEN)) == BOTH
        assert await editor.close("bad.yaml") == []
        assert editor.shown == []

    with_editor(tmp_path, use, options=TWO)


def test_a_crash_is_a_gap_of_one_document(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judged, "Scan", lambda *_: 1 / 0)
    settings = read_settings(None, ".")
    crashed = judged.Judged(OPEN, "/t.yaml", [], settings, date(2026, 1, 1))
    assert [(each.range.start.line, each.message) for each in diagnostics(crashed, Text(OPEN))] == [
        (0, "can't be judged: ZeroDivisionError (this is a defect of smguard; please report it)")
    ]
    monkeypatch.setenv("SMGUARD_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        judged.Judged(OPEN, "/t.yaml", [], settings, date(2026, 1, 1))


def test_a_client_that_breaks_the_protocol_is_told_and_served_on(tmp_path: Path) -> None:
    async def use(editor: Editor) -> None:
        document = types.VersionedTextDocumentIdentifier(2, editor.uri("never-opened.yaml"))
        editor.client.text_document_did_change(types.DidChangeTextDocumentParams(document, []))
        assert seen(await editor.open("t.yaml", OPEN)) == BOTH
        assert editor.shown == ["smguard: JsonRpcInternalError (FeatureNotificationError)"]

    async def run() -> None:
        editor = Editor(tmp_path)
        await editor.start(RICH, TWO)
        await use(editor)
        await editor.stop()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"select": ["notebook-root-acces"]}, "unknown control 'notebook-root-acces'"),
        ({"rules": ["nowhere"]}, "nowhere"),
        ({"parameters": ["nowhere.json"]}, "nowhere.json: the parameter file can't be read"),
        ({"select": "notebook-root-access"}, "a setting is no list of texts"),
        ({"selects": []}, "the settings hold something unknown"),
        ([], "the settings hold something unknown"),
    ],
)
def test_settings_that_are_wrong_are_said_and_all_controls_judge(
    tmp_path: Path, options: Any, message: str
) -> None:
    async def use(editor: Editor) -> None:
        found = await editor.open("t.yaml", OPEN)
        assert {"notebook-root-access", "volume-kms-key"} <= {each.code for each in found}
        assert found[-1].code == "gap"
        assert found[-1].message.startswith("initializationOptions: ")
        assert message in found[-1].message
        assert await editor.open("values.yaml", "a: 1\n") == []

    with_editor(tmp_path, use, options=options)


def test_settings_are_those_of_a_scan(tmp_path: Path) -> None:
    (tmp_path / "prod.json").write_text('{"Access": "Disabled", "Other": "x"}', encoding="utf-8")
    text = "Parameters: {Access: {Type: String}}\n" + OPEN.replace("Access: Enabled", "Access: !Ref Access")

    async def use(editor: Editor) -> None:
        assert await editor.open("t.yaml", text) == []
        assert seen(await editor.open("open.yaml", OPEN)) == BOTH[1:]

    options = {**TWO, "ignore": ["notebook-direct-internet"], "parameters": ["prod.json"]}
    with_editor(tmp_path, use, options=options)


def test_settings_are_completed_by_the_configuration_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".smguard.yaml").write_text("select: [notebook-root-access]\n", encoding="utf-8")

    async def use(editor: Editor) -> None:
        assert seen(await editor.open("t.yaml", OPEN)) == BOTH[1:]

    with_editor(tmp_path, use)


def test_without_pygls_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "pygls.py").write_text("raise ModuleNotFoundError(name='pygls')\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "scanner", "lsp"],
        env={**CALM, **MEASURED, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == (
        "Error: the language server needs pygls (pygls is missing)\n"
        "  pip install 'sagemaker-guardrails[lsp]'\n"
    )


PIECES = st.text(st.sampled_from("ab \n\r\u2028\x85😀é\f"), max_size=12)


@given(PIECES, st.data())
def test_places_are_counted_as_the_protocol_says(text: str, data: st.DataObject) -> None:
    editor = Editor(Path("/"))
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    if any(text[at - 1 : at + 1] == "\r\n" for at in (start, end) if at):
        return  # no editor has a place between the two
    area = types.Range(editor._position(text, start), editor._position(text, end))
    assert Text(text).range(start, end) == area
