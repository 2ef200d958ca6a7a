from __future__ import annotations

import json
import os
import pickle
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.limits import Limits
from scanner.model import Finding, Note, Resource, SmguardError, Verdict, Waiver
from scanner.waiver import Waivers, read_file, read_inline
from tests.report.samples import ROOT, VOLUME, VPC, control, finding

TODAY = date(2026, 11, 21)
FIRM = control("firm-control", waivable=False)
CONTROLS = {each.id: each for each in (VOLUME, VPC, ROOT, FIRM)}
GOOD = {"control": "volume-kms-key", "reason": "lab data only", "expires": "2026-12-31"}


def inline(raw: Any, resource: str = "Workbench") -> Waivers:
    return read_inline(raw, resource, "t.yaml:3", CONTROLS, TODAY)


def from_file(path: Path, text: str, name: str = "waivers.yaml") -> Waivers:
    (path / name).write_text(text)
    return read_file(str(path / name), CONTROLS, TODAY, Limits())


def waived(waivers: Waivers, only: Finding) -> bool:
    return waivers.apply(only).waiver is not None


@pytest.mark.parametrize("raw", [{"waivers": [GOOD]}, {"waivers": GOOD}])
def test_inline_one_or_a_list(raw: Any) -> None:
    waivers = inline(raw)
    applied = waivers.apply(finding(VOLUME))
    expected = Waiver("volume-kms-key", "Workbench", "lab data only", "2026-12-31", inline=True)
    assert applied.waiver == expected
    assert list(waivers.notes()) == []


def test_inline_is_about_its_resource_and_control_only() -> None:
    waivers = inline({"waivers": [GOOD]})
    assert not waived(waivers, finding(VPC))
    assert not waived(waivers, finding(VOLUME, Resource("T", "Other")))
    assert list(waivers.notes()) == [
        Note("t.yaml:3", "the waiver of volume-kms-key for Workbench is unused: it covers nothing found")
    ]


@pytest.mark.parametrize("name", ["*", "W?", "[Ww]orkbench"])
def test_inline_names_are_no_globs(name: str) -> None:
    waivers = inline({"waivers": [GOOD]}, name)
    assert not waived(waivers, finding(VOLUME))


@pytest.mark.parametrize(
    ("verdict", "expected"), [(Verdict.FAIL, True), (Verdict.UNKNOWN, True), (Verdict.PASS, False)]
)
def test_what_can_be_waived(verdict: Verdict, expected: bool) -> None:
    assert waived(inline({"waivers": [GOOD]}), finding(VOLUME, verdict=verdict)) is expected


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"reason": None}, "reason is missing"),
        ({"reason": "  "}, "reason is empty"),
        ({"reason": {"Ref": "Why"}}, "reason is not a text"),
        ({"control": None}, "control is missing"),
        ({"control": ["volume-kms-key"]}, "control is not a text"),
        ({"control": "*"}, "there is no control of that name"),
        ({"control": "volume-kms-kee"}, "there is no control of that name"),
        ({"control": "firm-control"}, "this control can't be waived"),
        ({"expires": None}, "expires is missing"),
        ({"expires": 20261231}, "expires is not a text"),
        ({"expires": "soon"}, "expires is 'soon', which is not a date like 2027-01-31"),
        ({"expires": "2026-02-30"}, "expires is '2026-02-30', which is not a date like 2027-01-31"),
        ({"expires": "20261231"}, "expires is '20261231', which is not a date like 2027-01-31"),
        ({"expires": "2026-W53-1"}, "expires is '2026-W53-1', which is not a date like 2027-01-31"),
        ({"expires": "2026-12-31\n"}, "expires is '2026-12-31\\\\n', which is not a date like 2027-01-31"),
        ({"expires": "2026-11-20"}, "it expired after 2026-11-20"),
        ({"owner": 7}, "owner is not a text"),
        ({"ticket": True}, "ticket is not a text"),
        (
            {"expiry": "2026-12-31"},
            "it has an unknown field expiry (known: control, reason, expires, owner, ticket)",
        ),
        (
            {"resource": "Other"},
            "it has an unknown field resource (known: control, reason, expires, owner, ticket)",
        ),
    ],
)
def test_what_is_no_waiver_is_a_note(change: dict[str, Any], fault: str) -> None:
    raw = {**GOOD, **change}
    waivers = inline({"waivers": [raw]})
    assert not waived(waivers, finding(VOLUME))
    about = f" of {raw['control']}" if isinstance(raw["control"], str) else ""
    assert list(waivers.notes()) == [
        Note("t.yaml:3", f"the waiver{about} for Workbench waives nothing: {fault}")
    ]


def test_the_last_day_counts() -> None:
    assert waived(inline({"waivers": [{**GOOD, "expires": "2026-11-21"}]}), finding(VOLUME))


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (None, "Metadata.smguard is not a mapping, so nothing is waived"),
        ("waive all", "Metadata.smguard is not a mapping, so nothing is waived"),
        ({"waiver": [GOOD]}, "Metadata.smguard has an unknown field waiver, so nothing is waived"),
        ({"waivers": "all"}, "the waiver for Workbench waives nothing: it is not a mapping"),
        ({"waivers": [None]}, "the waiver for Workbench waives nothing: it is not a mapping"),
    ],
)
def test_inline_of_another_shape(raw: Any, what: str) -> None:
    assert list(inline(raw).notes()) == [Note("t.yaml:3", what)]


@pytest.mark.parametrize("raw", [{}, {"waivers": []}])
def test_inline_with_nothing_in_it(raw: Any) -> None:
    assert inline(raw) == Waivers()


def test_one_bad_waiver_does_not_spoil_the_others() -> None:
    assert waived(inline({"waivers": [7, {**GOOD, "expires": ""}, GOOD]}), finding(VOLUME))


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=9) | st.just(GOOD),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["waivers", "control", "reason", "expires", "x"]), inner)
        ),
        max_leaves=8,
    )
)
def test_no_shape_is_a_crash(raw: Any) -> None:
    waivers = inline(raw)
    waivers.apply(finding(VOLUME))
    assert all(isinstance(note, Note) for note in waivers.notes())


FILE = """\
waivers:
  - control: volume-kms-key
    resource: Work*
    file: templates/*.yaml
    reason: lab data only
    expires: "2026-12-31"
    owner: ml-platform
    ticket: 12
  - {control: vpc-config, resource: Old, reason: goes away, expires: 2026-12-31}
"""


def test_file(tmp_path: Path) -> None:
    waivers = from_file(tmp_path, FILE)
    assert waivers.apply(finding(VOLUME)).waiver == Waiver(
        "volume-kms-key", "Work*", "lab data only", "2026-12-31", "ml-platform", "12"
    )
    assert list(waivers.notes()) == [
        Note(
            f"{tmp_path}/waivers.yaml:9",
            "the waiver of vpc-config for Old is unused: it covers nothing found",
        )
    ]
    assert list(waivers.notes(judged={"volume-kms-key"})) == []


def test_json_file(tmp_path: Path) -> None:
    text = json.dumps({"waivers": [{**GOOD, "resource": "Workbench"}]})
    assert waived(from_file(tmp_path, text, "waivers.json"), finding(VOLUME))


@pytest.mark.parametrize(
    ("resource", "file", "expected"),
    [
        ("Workbench", None, True),
        ("*", None, True),
        ("work*", None, False),
        ("Other", None, False),
        ("Work*", "templates/notebook.yaml", True),
        ("Work*", "./templates/*", True),
        ("Work*", "*/notebook.yaml", True),
        ("Work*", "notebook.yaml", False),
        ("Work*", "other/*", False),
    ],
)
def test_globs(tmp_path: Path, resource: str, file: str | None, expected: bool) -> None:
    entry = {**GOOD, "resource": resource, **({"file": file} if file else {})}
    waivers = from_file(tmp_path, json.dumps({"waivers": [entry]}))
    assert waived(waivers, finding(VOLUME, file="./templates/notebook.yaml")) is expected


def test_no_control_is_a_glob(tmp_path: Path) -> None:
    waivers = from_file(tmp_path, json.dumps({"waivers": [{**GOOD, "control": "*", "resource": "*"}]}))
    assert not waived(waivers, finding(VOLUME))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "waivers.yaml: the waiver file can't be read: is empty"),
        ("- control: x\n", "waivers.yaml:1: no list of waivers"),
        ("# mine\nwaivers: all\n", "waivers.yaml:2: no list of waivers"),
        ("waivers: []\nignore: []\n", "waivers.yaml:2: unknown field ignore"),
        ("waivers:\n  - {\n", "waivers.yaml:3:1: the waiver file can't be read: "),
        ("waivers: []\nwaivers: []\n", "waivers.yaml:1: no list of waivers"),
    ],
)
def test_file_of_another_shape(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(SmguardError) as caught:
        from_file(tmp_path, text)
    assert what in caught.value.what
    assert caught.value.hint or "can't be read" in what


def test_entry_with_a_repeated_field_waives_nothing(tmp_path: Path) -> None:
    text = (
        "waivers: [{control: volume-kms-key, resource: A, resource: W*, reason: r, expires: '2030-01-01'}]\n"
    )
    waivers = from_file(tmp_path, text)
    assert not waived(waivers, finding(VOLUME))
    assert list(waivers.notes()) == [
        Note(
            f"{tmp_path}/waivers.yaml:1",
            "the waiver of volume-kms-key waives nothing: resource is not a text",
        )
    ]


def test_file_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, what in (
        ("none", "No such file or directory"),
        ("pipe", "is a FIFO"),
        ("", "is a directory"),
    ):
        with pytest.raises(SmguardError, match=what):
            read_file(str(tmp_path / name), CONTROLS, TODAY, Limits())


def test_file_that_is_too_large(tmp_path: Path) -> None:
    (tmp_path / "waivers.yaml").write_text(FILE)
    with pytest.raises(SmguardError, match="the waiver file can't be read: is larger than"):
        read_file(str(tmp_path / "waivers.yaml"), CONTROLS, TODAY, Limits(file_bytes=10))


def test_first_waiver_counts_and_both_were_of_use(tmp_path: Path) -> None:
    here, central = inline({"waivers": [GOOD]}), from_file(tmp_path, FILE)
    waiver = central.apply(here.apply(finding(VOLUME))).waiver
    assert waiver is not None
    assert waiver.inline
    assert (here.used, central.used) == ({0}, {0})


def test_waivers_and_tallies_travel_between_processes(tmp_path: Path) -> None:
    central = from_file(tmp_path, FILE)
    copy: Waivers = pickle.loads(pickle.dumps(central))
    copy.apply(finding(VOLUME))
    assert (central.used, copy.used) == (set(), {0})
    assert pickle.loads(pickle.dumps(inline({"waivers": [GOOD]}))) == inline({"waivers": [GOOD]})
